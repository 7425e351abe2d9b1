//! Tuned hyper-parameters of PPO: the values that rl-baselines3-zoo publishes (`hyperparams/ppo.yml`), as facts.

use super::{PpoConfig, Schedule};
use crate::network::Activation;

impl PpoConfig {
    /// rl-zoo's tuned values for an environment, by its id; the versions of one environment share them. An environment
    /// the zoo does not know gets [`PpoConfig::default`].
    pub fn for_environment(id: &str) -> Self {
        let name = id.rsplit_once("-v").map_or(id, |(name, _)| name);
        match name {
            "CartPole" => Self {
                n_timesteps: 100_000,
                n_envs: 8,
                n_steps: 32,
                batch_size: 256,
                n_epochs: 20,
                gamma: 0.98,
                gae_lambda: 0.8,
                learning_rate: Schedule::Linear(0.001),
                clip_range: Schedule::Linear(0.2),
                ..Self::default()
            },
            "MountainCar" => {
                Self { n_envs: 16, n_steps: 16, n_epochs: 4, gae_lambda: 0.98, normalize: true, ..Self::default() }
            }
            "Acrobot" => {
                Self { n_envs: 16, n_steps: 256, n_epochs: 4, gae_lambda: 0.94, normalize: true, ..Self::default() }
            }
            "Pendulum" => Self {
                n_timesteps: 100_000,
                n_envs: 4,
                n_steps: 1024,
                gamma: 0.9,
                learning_rate: Schedule::Constant(0.001),
                use_sde: true,
                sde_sample_freq: 4,
                ..Self::default()
            },
            "MountainCarContinuous" => Self {
                n_timesteps: 20_000,
                n_steps: 8,
                batch_size: 256,
                gamma: 0.9999,
                gae_lambda: 0.9,
                learning_rate: Schedule::Constant(7.77e-5),
                clip_range: Schedule::Constant(0.1),
                ent_coef: 0.00429,
                vf_coef: 0.19,
                max_grad_norm: 5.0,
                use_sde: true,
                log_std_init: -3.29,
                ortho_init: false,
                normalize: true,
                ..Self::default()
            },
            "LunarLander" | "LunarLanderContinuous" => Self {
                n_envs: 16,
                n_steps: 1024,
                n_epochs: 4,
                gamma: 0.999,
                gae_lambda: 0.98,
                ent_coef: 0.01,
                ..Self::default()
            },
            "BipedalWalker" => Self {
                n_timesteps: 5_000_000,
                n_envs: 32,
                gamma: 0.999,
                clip_range: Schedule::Constant(0.18),
                normalize: true,
                ..Self::default()
            },
            "BipedalWalkerHardcore" => Self {
                n_timesteps: 100_000_000,
                n_envs: 16,
                learning_rate: Schedule::Linear(2.5e-4),
                clip_range: Schedule::Linear(0.2),
                ent_coef: 0.001,
                normalize: true,
                ..Self::default()
            },
            "Swimmer" => Self { gamma: 0.9999, normalize: true, ..Self::default() },
            "Ant" => Self { normalize: true, ..Self::default() },
            "HalfCheetah" => Self {
                n_epochs: 20,
                gamma: 0.98,
                gae_lambda: 0.92,
                learning_rate: Schedule::Constant(2.0633e-5),
                clip_range: Schedule::Constant(0.1),
                ent_coef: 0.000401762,
                vf_coef: 0.58096,
                max_grad_norm: 0.8,
                ..wide()
            },
            "Hopper" => Self {
                batch_size: 32,
                n_epochs: 5,
                gamma: 0.999,
                gae_lambda: 0.99,
                learning_rate: Schedule::Constant(9.80828e-5),
                ent_coef: 0.00229519,
                vf_coef: 0.835671,
                max_grad_norm: 0.7,
                ..wide()
            },
            "Humanoid" => Self {
                n_timesteps: 10_000_000,
                batch_size: 256,
                n_epochs: 5,
                gamma: 0.95,
                gae_lambda: 0.9,
                learning_rate: Schedule::Constant(3.56987e-5),
                clip_range: Schedule::Constant(0.3),
                ent_coef: 0.00238306,
                vf_coef: 0.431892,
                max_grad_norm: 2.0,
                ..wide()
            },
            "HumanoidStandup" => Self {
                n_timesteps: 10_000_000,
                batch_size: 32,
                n_epochs: 20,
                gae_lambda: 0.9,
                learning_rate: Schedule::Constant(2.55673e-5),
                clip_range: Schedule::Constant(0.3),
                ent_coef: 3.62109e-6,
                vf_coef: 0.430793,
                max_grad_norm: 0.7,
                ..wide()
            },
            "Walker2d" => Self {
                n_steps: 512,
                batch_size: 32,
                n_epochs: 20,
                learning_rate: Schedule::Constant(5.05041e-5),
                clip_range: Schedule::Constant(0.1),
                ent_coef: 0.000585045,
                vf_coef: 0.871923,
                max_grad_norm: 1.0,
                normalize: true,
                ..Self::default()
            },
            "InvertedDoublePendulum" => Self {
                n_steps: 128,
                batch_size: 512,
                gamma: 0.98,
                gae_lambda: 0.8,
                learning_rate: Schedule::Constant(0.000155454),
                clip_range: Schedule::Constant(0.4),
                ent_coef: 1.05057e-6,
                vf_coef: 0.695929,
                normalize: true,
                ..Self::default()
            },
            "InvertedPendulum" => Self {
                n_steps: 32,
                n_epochs: 5,
                gamma: 0.999,
                gae_lambda: 0.9,
                learning_rate: Schedule::Constant(0.000222425),
                clip_range: Schedule::Constant(0.4),
                ent_coef: 1.37976e-7,
                vf_coef: 0.19816,
                max_grad_norm: 0.3,
                normalize: true,
                ..Self::default()
            },
            "Reacher" => Self {
                n_steps: 512,
                batch_size: 32,
                n_epochs: 5,
                gamma: 0.9,
                gae_lambda: 1.0,
                learning_rate: Schedule::Constant(0.000104019),
                clip_range: Schedule::Constant(0.3),
                ent_coef: 7.52585e-8,
                vf_coef: 0.950368,
                max_grad_norm: 0.9,
                normalize: true,
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// What the zoo's wide MuJoCo networks share.
fn wide() -> PpoConfig {
    PpoConfig {
        n_steps: 512,
        log_std_init: -2.0,
        ortho_init: false,
        activation_fn: Activation::Relu,
        net_arch: vec![256, 256],
        normalize: true,
        ..PpoConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::PpoConfig;

    #[test]
    fn every_version_shares_the_values_and_all_are_valid() {
        let ids = [
            "CartPole-v1",
            "MountainCar-v0",
            "Acrobot-v1",
            "Pendulum-v1",
            "MountainCarContinuous-v0",
            "LunarLander-v3",
            "LunarLanderContinuous-v3",
            "BipedalWalker-v3",
            "BipedalWalkerHardcore-v3",
            "Swimmer-v4",
            "Ant-v5",
            "HalfCheetah-v4",
            "Hopper-v4",
            "Humanoid-v5",
            "HumanoidStandup-v5",
            "Walker2d-v4",
            "InvertedDoublePendulum-v5",
            "InvertedPendulum-v5",
            "Reacher-v5",
        ];
        for id in ids {
            let config = PpoConfig::for_environment(id);
            assert_ne!(config, PpoConfig::default(), "{id}");
            config.validate().unwrap();
        }
        assert_eq!(PpoConfig::for_environment("Hopper-v3"), PpoConfig::for_environment("Hopper-v5"));
    }
}

use super::activation::TRAINABLE;
use super::{Schedule, TrainingError};
use crate::network::Activation;
use serde::{Deserialize, Serialize};

/// What turns observations into actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A multi-layer perceptron with hidden layers of `net_arch`.
    #[default]
    Mlp,
    /// An additive Kolmogorov-Arnold network: each action is a sum of curves, splines of degree 1, one for each observation.
    /// It is its own explanation. `net_arch` is the value function's alone.
    Kan,
}

/// Hyper-parameters of PPO under Stable-Baselines3's names, with its defaults.
///
/// [`Self::for_environment`] gives the ones that rl-zoo tuned for an environment.
///
/// # Example
/// ```
/// use kanrl_experts::training::{PpoConfig, Schedule};
///
/// let config = PpoConfig::for_environment("CartPole-v1");
/// assert_eq!((config.n_envs, config.learning_rate), (8, Schedule::Linear(0.001)));
/// assert_eq!(PpoConfig::for_environment("MyOwn-v0"), PpoConfig::default());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpoConfig {
    /// Environment steps in all, over all lanes; rounded up to whole rollouts. Default 1 000 000.
    pub n_timesteps: u64,
    /// Environments that are stepped side by side. Default 1.
    pub n_envs: usize,
    /// Steps that each of them takes in a rollout. Default 2048.
    pub n_steps: usize,
    /// Rows of a minibatch; the last one of an epoch may be smaller. Default 64.
    pub batch_size: usize,
    /// Passes over each rollout. Default 10.
    pub n_epochs: usize,
    /// Discount factor. Default 0.99.
    pub gamma: f64,
    /// Bias against variance of the generalized advantage estimate. Default 0.95.
    pub gae_lambda: f64,
    /// Step size of Adam. Default 0.0003.
    pub learning_rate: Schedule,
    /// How far the probability ratio may leave 1 before its gradient is cut. Default 0.2.
    pub clip_range: Schedule,
    /// Advantages are brought to mean 0 and standard deviation 1 in each minibatch. Default true.
    pub normalize_advantage: bool,
    /// Weight of the entropy bonus. Default 0.
    pub ent_coef: f64,
    /// Weight of the value function's loss. Default 0.5.
    pub vf_coef: f64,
    /// Gradients with a larger norm are scaled down to it. Default 0.5.
    pub max_grad_norm: f64,
    /// The passes over a rollout end early once the approximate Kullback-Leibler divergence from the policy that
    /// collected it exceeds 1.5 times this. Default: never.
    pub target_kl: Option<f64>,
    /// State-dependent exploration: noise that is a random linear function of the last hidden layer. Default false.
    pub use_sde: bool,
    /// Steps after which that function is drawn again; -1: only at the start of a rollout. Default -1.
    pub sde_sample_freq: i64,
    /// Initial logarithm of the exploration noise's standard deviation, for vector actions. Default 0.
    pub log_std_init: f32,
    /// Weights start orthogonal with gains √2, 0.01 (actions) and 1 (value) and biases at 0; otherwise both are
    /// uniform in ±1/√inputs. Default true.
    pub ortho_init: bool,
    /// Between the layers. Default tanh.
    pub activation_fn: Activation,
    /// Widths of the hidden layers, of the policy and of the value function alike. Default `[64, 64]`.
    pub net_arch: Vec<usize>,
    /// The policy's kind. Default: a multi-layer perceptron.
    pub actor: Actor,
    /// Intervals of each curve of a Kolmogorov-Arnold network, over four standard deviations of the normalized observation to
    /// either side; one interval beyond, curves are straight. Default 12.
    pub grid: usize,
    /// Observations are normalized to a running mean and variance and clipped to ±10, and rewards are divided by the
    /// running standard deviation of the discounted return and clipped to ±10. Default false.
    pub normalize: bool,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            n_timesteps: 1_000_000,
            n_envs: 1,
            n_steps: 2048,
            batch_size: 64,
            n_epochs: 10,
            gamma: 0.99,
            gae_lambda: 0.95,
            learning_rate: Schedule::Constant(3e-4),
            clip_range: Schedule::Constant(0.2),
            normalize_advantage: true,
            ent_coef: 0.0,
            vf_coef: 0.5,
            max_grad_norm: 0.5,
            target_kl: None,
            use_sde: false,
            sde_sample_freq: -1,
            log_std_init: 0.0,
            ortho_init: true,
            activation_fn: Activation::Tanh,
            net_arch: vec![64, 64],
            actor: Actor::Mlp,
            grid: 12,
            normalize: false,
        }
    }
}

impl PpoConfig {
    /// Steps in one rollout, over all environments.
    pub fn rollout_size(&self) -> usize {
        self.n_steps * self.n_envs
    }

    /// Rollouts in the whole run.
    pub fn updates(&self) -> u64 {
        self.n_timesteps.div_ceil(self.rollout_size() as u64)
    }

    /// Says what makes no sense.
    ///
    /// # Errors
    /// [`TrainingError::BadConfig`] with the field's name, its value and how to fix it.
    pub fn validate(&self) -> Result<(), TrainingError> {
        let positive = [
            ("n_envs", self.n_envs),
            ("n_steps", self.n_steps),
            ("batch_size", self.batch_size),
            ("n_epochs", self.n_epochs),
        ];
        let fraction = [("gamma", self.gamma), ("gae_lambda", self.gae_lambda)];
        let not_negative = [
            ("ent_coef", self.ent_coef),
            ("vf_coef", self.vf_coef),
            ("max_grad_norm", self.max_grad_norm),
            ("learning_rate", self.learning_rate.initial()),
            ("clip_range", self.clip_range.initial()),
            ("target_kl", self.target_kl.unwrap_or(0.0)),
        ];
        let wrong = |field: &str, value: &dyn std::fmt::Display, wanted: &str| {
            Err(TrainingError::BadConfig { reason: format!("`{field}` is {value}, expected {wanted}") })
        };
        if !TRAINABLE.contains(&self.activation_fn) {
            let activation = format!("{:?}", self.activation_fn);
            return wrong("activation_fn", &activation, "tanh, relu, elu or leaky_relu");
        }
        for (field, value) in positive {
            if value == 0 {
                return wrong(field, &value, "at least 1");
            }
        }
        for (field, value) in fraction {
            if !(0.0..=1.0).contains(&value) {
                return wrong(field, &value, "a number from 0 to 1");
            }
        }
        for (field, value) in not_negative {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(field, &value, "a finite number that is not negative");
            }
        }
        if !self.log_std_init.is_finite() {
            return wrong("log_std_init", &self.log_std_init, "a finite number");
        }
        if self.sde_sample_freq == 0 || self.sde_sample_freq < -1 {
            return wrong("sde_sample_freq", &self.sde_sample_freq, "a positive number of steps, or -1");
        }
        if self.net_arch.is_empty() || self.net_arch.contains(&0) {
            return wrong("net_arch", &format!("{:?}", self.net_arch), "at least one width, none of them 0");
        }
        if self.actor == Actor::Kan {
            if !self.normalize {
                return wrong("normalize", &false, "true for `actor` \"kan\": its curves have a fixed grid");
            }
            if self.use_sde {
                return wrong("use_sde", &true, "false for `actor` \"kan\", which has no hidden layer");
            }
            if !(2..=64).contains(&self.grid) {
                return wrong("grid", &self.grid, "2 to 64 intervals");
            }
        }
        if self.rollout_size() < 2 {
            return wrong("n_steps", &self.n_steps, "at least 2 steps in a rollout (n_steps times n_envs)");
        }
        Ok(())
    }
}

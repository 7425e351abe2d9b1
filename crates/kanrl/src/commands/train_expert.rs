use crate::terminal::cancel_on_ctrl_c;
use crate::{Failure, Plugins, json};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::training::{
    self, Actor, ArsConfig, ArsTrainer, BestPolicy, EvaluationRecord, PolicyTrainer, PpoConfig, Trainer,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `kanrl train-expert`: writes the policy with the best lower tail of returns on validation seeds.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl train-expert CartPole-v1
  kanrl train-expert Swimmer-v5 --algorithm ars
  kanrl train-expert Hopper-v5 --actor kan
  kanrl train-expert CartPole-v1 --resume CartPole-v1.checkpoint
  kanrl extract CartPole-v1 --expert CartPole-v1.safetensors")]
pub struct TrainExpert {
    /// The environment's id.
    environment: String,
    /// Proximal policy optimization (ppo), or augmented random search for linear policies (ars).
    #[arg(long, value_enum, default_value_t)]
    algorithm: Algorithm,
    /// What ppo trains: a multi-layer perceptron (mlp), or an additive Kolmogorov-Arnold network (kan), in which each action is
    /// a sum of curves and the policy its own explanation. Default: what the config says, or mlp.
    #[arg(long, value_enum, conflicts_with = "resume")]
    actor: Option<ActorKind>,
    /// Random seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Number of environment steps, instead of the published one.
    #[arg(long)]
    timesteps: Option<u64>,
    /// JSON file of hyperparameters, instead of the published ones (rl-zoo's for PPO, the paper's for ARS).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Output file [default: ENVIRONMENT.safetensors].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Resume from a checkpoint. Checkpoints are written on Ctrl-C and after every hundredth of the training.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The algorithms.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Algorithm {
    #[default]
    Ppo,
    Ars,
}

/// The policies that PPO trains.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ActorKind {
    Mlp,
    Kan,
}

/// How often in a training its policy is looked at, to keep the best.
const LOOKS: u64 = 50;
/// Episodes that the trained policy is measured on.
const EPISODES: u64 = 100;

impl TrainExpert {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments_for(&self.environment)?;
        let id = registry.get(&self.environment).map_err(Failure::input)?.id.clone();
        let mut trainer: Box<dyn PolicyTrainer> = match &self.resume {
            Some(path) => training::resume(&registry, &read(path)?).map_err(Failure::input)?,
            None => self.start(&registry, &id)?,
        };
        let mut best = BestPolicy::new(registry.get(&id).map_err(Failure::input)?, &KeywordArguments::new())
            .map_err(Failure::input)?;
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from(format!("{id}.safetensors")));
        let checkpoint = out.with_extension("checkpoint");
        let cancelled = Arc::new(AtomicBool::new(false));
        cancel_on_ctrl_c(Arc::clone(&cancelled));
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(trainer.total_timesteps()) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} steps {msg}, {eta} left") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let (mut saved, mut looked) = (0, 0);
        while !trainer.is_finished() {
            let progress = trainer.update().map_err(Failure::run)?;
            bar.set_position(progress.timesteps);
            if let Some(mean) = progress.mean_return {
                bar.set_message(format!("return {mean:.1}"));
            }
            let part = |parts: u64| progress.timesteps * parts / progress.total_timesteps.max(1);
            let cancelled = cancelled.load(Ordering::SeqCst);
            if cancelled || part(100) > saved {
                saved = part(100);
                kanrl_pipeline::files::write(&checkpoint, &trainer.checkpoint()).map_err(Failure::run)?;
            }
            if cancelled {
                break;
            }
            if part(LOOKS) > looked {
                looked = part(LOOKS);
                best.consider(trainer.as_ref()).map_err(Failure::run)?;
            }
        }
        bar.finish();
        if !trainer.is_finished() {
            let message = std::io::Error::other(format!("cancelled after {} steps", trainer.timesteps()));
            let help = format!("to resume: kanrl train-expert {id} --resume {}", checkpoint.display());
            return Err(Failure::cancelled(message, help));
        }
        let (policy, file) = best.choose(trainer.as_ref()).map_err(Failure::run)?;
        let rollouts = Rollouts::new(registry.get(&id).map_err(Failure::run)?, &KeywordArguments::new());
        let rollouts = rollouts.map_err(Failure::run)?;
        let seeds: Vec<u64> = (0..EPISODES).collect();
        let episodes = rollouts.run(&policy, &seeds, &RolloutOptions::default()).map_err(Failure::run)?;
        let evaluation = EvaluationRecord::new(&episodes);
        let file = evaluation.map_or(file.clone(), |evaluation| file.with_evaluation(evaluation));
        kanrl_pipeline::files::write(&out, &file.write()).map_err(Failure::run)?;
        let _ = std::fs::remove_file(&checkpoint);
        if self.json {
            return json::print(&serde_json::json!({
                "environment": id, "seed": trainer.seed(), "timesteps": trainer.timesteps(), "evaluation": evaluation,
                "file": out,
            }));
        }
        if let Some(EvaluationRecord { mean_return, std_return, worst_5_percent, .. }) = evaluation {
            let worst = worst_5_percent.unwrap_or(mean_return);
            println!("return {mean_return:.2} ± {std_return:.2}, worst 5 % {worst:.2}, over {EPISODES} episodes");
        }
        println!("{}", out.display());
        Ok(())
    }

    fn start(&self, registry: &EnvironmentRegistry, id: &str) -> Result<Box<dyn PolicyTrainer>, Failure> {
        let text = self.config.as_deref().map(read).transpose()?;
        let arguments = KeywordArguments::new();
        Ok(match self.algorithm {
            Algorithm::Ppo => {
                let mut config = match text {
                    Some(text) => serde_json::from_slice(&text).map_err(Failure::input)?,
                    None => PpoConfig::for_environment(id),
                };
                config.n_timesteps = self.timesteps.unwrap_or(config.n_timesteps);
                match self.actor {
                    None => {}
                    Some(ActorKind::Mlp) => config.actor = Actor::Mlp,
                    // What was tuned for a perceptron's exploration does not carry over.
                    Some(ActorKind::Kan) => {
                        (config.actor, config.normalize, config.use_sde) = (Actor::Kan, true, false);
                    }
                }
                Box::new(Trainer::new(registry, id, &arguments, config, self.seed).map_err(Failure::input)?)
            }
            Algorithm::Ars if self.actor.is_some() => {
                let message =
                    std::io::Error::other("--actor is for ppo: augmented random search trains linear policies");
                return Err(Failure::input(message));
            }
            Algorithm::Ars => {
                let mut config = match text {
                    Some(text) => serde_json::from_slice(&text).map_err(Failure::input)?,
                    None => ArsConfig::for_environment(id),
                };
                config.n_timesteps = self.timesteps.unwrap_or(config.n_timesteps);
                Box::new(ArsTrainer::new(registry, id, &arguments, config, self.seed).map_err(Failure::input)?)
            }
        })
    }
}

/// Checkpoints are as large as the network and its optimizer's moments.
fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    kanrl_experts::archive::read_file(path, 512 << 20).map_err(Failure::input)
}

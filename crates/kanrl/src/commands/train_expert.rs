use crate::{Failure, Plugins, json};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kanrl_core::environment::KeywordArguments;
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::training::{EvaluationRecord, PpoConfig, Trainer};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `kanrl train-expert`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl train-expert CartPole-v1
  kanrl train-expert CartPole-v1 --resume CartPole-v1.checkpoint
  kanrl extract CartPole-v1 --expert CartPole-v1.safetensors")]
pub struct TrainExpert {
    /// The environment's id.
    environment: String,
    /// The training's only source of randomness.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Environment steps, instead of rl-zoo's number.
    #[arg(long)]
    timesteps: Option<u64>,
    /// A JSON file of hyper-parameters, instead of rl-zoo's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The policy [default: ENVIRONMENT.safetensors].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on from a checkpoint; Ctrl-C writes one, and so does every hundredth of the training.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Episodes that the trained policy is measured on.
const EPISODES: u64 = 100;

impl TrainExpert {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments()?;
        let id = registry.get(&self.environment).map_err(Failure::input)?.id.clone();
        let mut trainer = match &self.resume {
            Some(path) => Trainer::resume(&registry, &read(path)?).map_err(Failure::input)?,
            None => {
                let mut config = match &self.config {
                    Some(path) => serde_json::from_slice(&read(path)?).map_err(Failure::input)?,
                    None => PpoConfig::for_environment(&id),
                };
                config.n_timesteps = self.timesteps.unwrap_or(config.n_timesteps);
                Trainer::new(&registry, &id, &KeywordArguments::new(), config, self.seed).map_err(Failure::input)?
            }
        };
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from(format!("{id}.safetensors")));
        let checkpoint = out.with_extension("checkpoint");
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancelled);
        let handler = move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            tracing::warn!("Ctrl-C will end the training at once: {error}");
        }
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(trainer.config().n_timesteps) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} steps {msg}, {eta} left") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let every = trainer.config().updates().div_ceil(100).max(1) * trainer.config().rollout_size() as u64;
        let mut saved = Ok(());
        trainer
            .run(|trainer, progress| {
                bar.set_position(progress.timesteps);
                if let Some(mean) = progress.mean_return {
                    bar.set_message(format!("return {mean:.1}"));
                }
                let cancelled = cancelled.load(Ordering::SeqCst);
                if cancelled || progress.timesteps % every == 0 {
                    saved = trainer.save_checkpoint(&checkpoint);
                }
                if cancelled || saved.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(Failure::run)?;
        saved.map_err(Failure::run)?;
        bar.finish();
        if !trainer.is_finished() {
            let message = std::io::Error::other(format!("cancelled after {} steps", trainer.timesteps()));
            let help = format!("to go on: kanrl train-expert {id} --resume {}", checkpoint.display());
            return Err(Failure::cancelled(message, help));
        }
        let rollouts = Rollouts::new(registry.get(&id).map_err(Failure::run)?, &KeywordArguments::new());
        let rollouts = rollouts.map_err(Failure::run)?;
        let seeds: Vec<u64> = (0..EPISODES).collect();
        let episodes = rollouts.run(&trainer.policy(), &seeds, &RolloutOptions::default()).map_err(Failure::run)?;
        let evaluation = EvaluationRecord::new(&episodes);
        kanrl_pipeline::files::write(&out, &trainer.network_file(evaluation).write()).map_err(Failure::run)?;
        let _ = std::fs::remove_file(&checkpoint);
        if self.json {
            return json::print(&serde_json::json!({
                "environment": id, "seed": trainer.seed(), "timesteps": trainer.timesteps(), "evaluation": evaluation,
                "file": out,
            }));
        }
        if let Some(EvaluationRecord { mean_return, std_return, .. }) = evaluation {
            println!("return {mean_return:.2} ± {std_return:.2} over {EPISODES} episodes");
        }
        println!("{}", out.display());
        Ok(())
    }
}

/// Checkpoints are as large as the network and its optimizer's moments.
fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    kanrl_experts::archive::read_file(path, 512 << 20).map_err(Failure::input)
}

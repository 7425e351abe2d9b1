//! Trains the bundled expert of an environment: PPO with several seeds, the best of them by validation episodes.
//!
//! ```text
//! cargo run --release -p kanrl-experts --example train -- CartPole-v1 --seeds 5 --out crates/experts/bundled
//! ```
//!
//! MuJoCo's robots need `--features mujoco`, Box2D's environments `--features box2d`. Writes `ID.safetensors` (the
//! policy), `ID.json` (every seed's returns and which one was kept) and `ID.csv` (the training log). The same command
//! gives the same files.

use clap::Parser;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::training::{EvaluationRecord, PpoConfig, Progress, Trainer};
use std::error::Error;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

/// Seeds of the episodes that returns are reported on: nothing is chosen by them.
const REPORT_SEEDS: std::ops::Range<u64> = 0..100;
/// Seeds of the episodes that choose among the training seeds.
const VALIDATION_SEEDS: std::ops::Range<u64> = 1_000_000..1_000_100;
/// Rows of the log for each training seed.
const LOG_ROWS: u64 = 100;

/// Train an expert with PPO.
#[derive(Parser)]
struct Arguments {
    /// The environment's id.
    environment: String,
    /// The first training seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many training seeds to try.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Environment steps for each seed, instead of rl-zoo's.
    #[arg(long)]
    timesteps: Option<u64>,
    /// A JSON file of hyper-parameters, instead of rl-zoo's.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the files go; without it nothing is written.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print a line of JSON for each seed: its return, and the training's seconds by the clock and of CPU time.
    #[arg(long)]
    json: bool,
}

/// What one training seed came to.
#[derive(serde::Serialize)]
struct SeedResult {
    seed: u64,
    validation: EvaluationRecord,
    report: EvaluationRecord,
}

/// `ID.json`.
#[derive(serde::Serialize)]
struct Summary<'a> {
    environment: &'a str,
    algorithm: &'a str,
    config: &'a PpoConfig,
    kept_seed: u64,
    seeds: Vec<SeedResult>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry)?;
    kanrl_envs_mujoco::register(&mut registry)?;
    #[cfg(feature = "box2d")]
    kanrl_envs_box2d::register(&mut registry)?;
    let environment = registry.get(&arguments.environment)?.id.clone();
    let mut config = match &arguments.config {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => PpoConfig::for_environment(&environment),
    };
    config.n_timesteps = arguments.timesteps.unwrap_or(config.n_timesteps);

    let mut log = String::from(
        "seed,timesteps,episodes,mean_return,mean_length,policy_gradient_loss,value_loss,entropy_loss,approx_kl,clip_fraction\n",
    );
    let mut seeds: Vec<SeedResult> = Vec::new();
    let mut kept: Option<Vec<u8>> = None;
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let (start, cpu_start) = (Instant::now(), cpu_seconds());
        let mut trainer = Trainer::new(&registry, &environment, &KeywordArguments::new(), config.clone(), seed)?;
        let every = config.updates().div_ceil(LOG_ROWS);
        trainer.run(|trainer, progress| {
            let update = trainer.timesteps() / config.rollout_size() as u64;
            if update.is_multiple_of(every) || trainer.is_finished() {
                let row = row(seed, progress);
                let rate = progress.timesteps as f64 / start.elapsed().as_secs_f64();
                eprintln!("{row} ({rate:.0} steps/s)");
                writeln!(log, "{row}").expect("a string takes any text");
            }
            ControlFlow::Continue(())
        })?;
        let (seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu_start);
        let rate = trainer.timesteps() as f64 / seconds;
        let policy = trainer.policy();
        let rollouts = Rollouts::new(registry.get(&environment)?, &KeywordArguments::new())?;
        let play = |seeds: std::ops::Range<u64>| -> Result<EvaluationRecord, Box<dyn Error>> {
            let episodes = rollouts.run(&policy, &seeds.collect::<Vec<_>>(), &RolloutOptions::default())?;
            EvaluationRecord::new(&episodes).ok_or_else(|| "no episodes".into())
        };
        let result = SeedResult { seed, validation: play(VALIDATION_SEEDS)?, report: play(REPORT_SEEDS)? };
        let EvaluationRecord { mean_return, std_return, .. } = result.report;
        if arguments.json {
            let line = serde_json::json!({
                "environment": environment, "seed": seed, "timesteps": trainer.timesteps(), "seconds": seconds,
                "cpu_seconds": cpu_seconds, "return": mean_return, "return_std": std_return,
            });
            println!("{line}");
        } else {
            println!(
                "{environment} seed {seed}: return {mean_return:.2} ± {std_return:.2} over 100 episodes, validation {:.2}, {rate:.0} steps/s",
                result.validation.mean_return,
            );
        }
        let best = seeds.iter().map(|result| result.validation.mean_return).fold(f64::NEG_INFINITY, f64::max);
        if result.validation.mean_return > best {
            kept = Some(trainer.network_file(Some(result.report)).write());
        }
        seeds.push(result);
    }

    if let (Some(folder), Some(policy)) = (&arguments.out, kept) {
        let file = |extension: &str| folder.join(format!("{environment}.{extension}"));
        let best = |result: &&SeedResult| result.validation.mean_return;
        // The first of equals, as above.
        let kept_seed = seeds.iter().rev().max_by(|a, b| best(a).total_cmp(&best(b))).map_or(0, |result| result.seed);
        let summary = Summary { environment: &environment, algorithm: "ppo", config: &config, kept_seed, seeds };
        std::fs::write(file("safetensors"), policy)?;
        std::fs::write(file("json"), serde_json::to_string_pretty(&summary)? + "\n")?;
        std::fs::write(file("csv"), log)?;
    }
    Ok(())
}

/// CPU seconds of this process, of all its threads: fields 14 and 15 of `/proc/self/stat` (proc(5)), in hundredths. NaN
/// where there is no such file.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the name begin with the third.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let hundredths = |place| fields.split_whitespace().nth(place)?.parse::<f64>().ok();
    hundredths(11).zip(hundredths(12)).map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
}

fn row(seed: u64, progress: &Progress) -> String {
    let mean = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    let Progress { timesteps, episodes, losses, .. } = progress;
    format!(
        "{seed},{timesteps},{episodes},{},{},{:.5},{:.5},{:.5},{:.5},{:.4}",
        mean(progress.mean_return),
        mean(progress.mean_length),
        losses.policy_gradient_loss,
        losses.value_loss,
        losses.entropy_loss,
        losses.approx_kl,
        losses.clip_fraction
    )
}

//! Trains the bundled expert of an environment with several seeds; of all policies of all seeds, the one with the best
//! lower tail of validation returns is kept.
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
use kanrl_experts::training::{
    AlgorithmConfig, ArsConfig, ArsTrainer, BestPolicy, EvaluationRecord, PolicyTrainer, PpoConfig, Progress, Trainer,
};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

/// Seeds of the episodes that returns are reported on: nothing is chosen by them.
const REPORT_SEEDS: std::ops::Range<u64> = 0..100;
/// Seeds of the episodes that choose among the training seeds.
const VALIDATION_SEEDS: std::ops::Range<u64> = 1_000_000..1_000_100;
/// Rows of the log for each training seed.
const LOG_ROWS: u64 = 100;

/// How often in a training its policy is looked at, to keep the best.
const LOOKS: u64 = 50;

/// Train an expert.
#[derive(Parser)]
struct Arguments {
    /// The environment's id.
    environment: String,
    /// `ppo` or `ars`.
    #[arg(long, default_value = "ppo")]
    algorithm: String,
    /// The first training seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many training seeds to try.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Environment steps for each seed, instead of the algorithm's number.
    #[arg(long)]
    timesteps: Option<u64>,
    /// A JSON file of hyper-parameters, instead of the published ones.
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
    config: &'a AlgorithmConfig,
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
    let config = arguments.config(&environment)?;

    let mut log = String::from(
        "seed,timesteps,episodes,mean_return,mean_length,policy_gradient_loss,value_loss,entropy_loss,approx_kl,clip_fraction\n",
    );
    let mut seeds: Vec<SeedResult> = Vec::new();
    let mut kept: Option<Vec<u8>> = None;
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let (start, cpu_start) = (Instant::now(), cpu_seconds());
        let mut trainer = new_trainer(&registry, &environment, config.clone(), seed)?;
        let mut best = BestPolicy::new(registry.get(&environment)?, &KeywordArguments::new())?;
        let (mut logged, mut looked) = (0, 0);
        while !trainer.is_finished() {
            let progress = trainer.update()?;
            let part = |parts: u64| progress.timesteps * parts / progress.total_timesteps.max(1);
            if part(LOG_ROWS) > logged || trainer.is_finished() {
                logged = part(LOG_ROWS);
                let row = row(seed, &progress);
                let rate = progress.timesteps as f64 / start.elapsed().as_secs_f64();
                eprintln!("{row} ({rate:.0} steps/s)");
                writeln!(log, "{row}").expect("a string takes any text");
            }
            if part(LOOKS) > looked {
                looked = part(LOOKS);
                best.consider(trainer.as_ref())?;
            }
        }
        let (seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu_start);
        let rate = trainer.timesteps() as f64 / seconds;
        let (policy, file) = best.choose(trainer.as_ref())?;
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
                "{environment} seed {seed}: return {mean_return:.2} ± {std_return:.2}, worst 5 % {:.2}, over 100 episodes; validation \
                 {:.2}, worst 5 % {:.2}; {rate:.0} steps/s",
                tail(&result.report),
                result.validation.mean_return,
                tail(&result.validation),
            );
        }
        let best = seeds.iter().map(|result| tail(&result.validation)).fold(f64::NEG_INFINITY, f64::max);
        if tail(&result.validation) > best {
            kept = Some(file.with_evaluation(result.report).write());
        }
        seeds.push(result);
    }

    if let (Some(folder), Some(policy)) = (&arguments.out, kept) {
        let file = |extension: &str| folder.join(format!("{environment}.{extension}"));
        let best = |result: &&SeedResult| tail(&result.validation);
        // The first one on a tie, as above.
        let kept_seed = seeds.iter().rev().max_by(|a, b| best(a).total_cmp(&best(b))).map_or(0, |result| result.seed);
        let summary =
            Summary { environment: &environment, algorithm: &arguments.algorithm, config: &config, kept_seed, seeds };
        std::fs::write(file("safetensors"), policy)?;
        std::fs::write(file("json"), serde_json::to_string_pretty(&summary)? + "\n")?;
        std::fs::write(file("csv"), log)?;
    }
    Ok(())
}

impl Arguments {
    fn config(&self, environment: &str) -> Result<AlgorithmConfig, Box<dyn Error>> {
        let text = self.config.as_ref().map(std::fs::read).transpose()?;
        match self.algorithm.as_str() {
            "ppo" => {
                let published = || Ok(PpoConfig::for_environment(environment));
                let mut config = text.map_or_else(published, |text| serde_json::from_slice(&text))?;
                config.n_timesteps = self.timesteps.unwrap_or(config.n_timesteps);
                Ok(AlgorithmConfig::Ppo(config))
            }
            "ars" => {
                let published = || Ok(ArsConfig::for_environment(environment));
                let mut config = text.map_or_else(published, |text| serde_json::from_slice(&text))?;
                config.n_timesteps = self.timesteps.unwrap_or(config.n_timesteps);
                Ok(AlgorithmConfig::Ars(config))
            }
            other => Err(format!("unknown algorithm `{other}`: use ppo or ars").into()),
        }
    }
}

fn new_trainer(
    registry: &EnvironmentRegistry,
    environment: &str,
    config: AlgorithmConfig,
    seed: u64,
) -> Result<Box<dyn PolicyTrainer>, Box<dyn Error>> {
    let arguments = KeywordArguments::new();
    Ok(match config {
        AlgorithmConfig::Ppo(config) => Box::new(Trainer::new(registry, environment, &arguments, config, seed)?),
        AlgorithmConfig::Ars(config) => Box::new(ArsTrainer::new(registry, environment, &arguments, config, seed)?),
    })
}

fn tail(record: &EvaluationRecord) -> f64 {
    record.worst_5_percent.unwrap_or(record.mean_return)
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
    let losses = losses.map_or_else(
        || ",,,,".to_owned(),
        |losses| {
            format!(
                "{:.5},{:.5},{:.5},{:.5},{:.4}",
                losses.policy_gradient_loss,
                losses.value_loss,
                losses.entropy_loss,
                losses.approx_kl,
                losses.clip_fraction
            )
        },
    );
    format!("{seed},{timesteps},{episodes},{},{},{losses}", mean(progress.mean_return), mean(progress.mean_length))
}

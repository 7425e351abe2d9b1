//! Policies by name, played.

use super::policy_flags::{PolicyFlags, say};
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl_core::environment::KeywordArguments;
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_pipeline::run::{PolicySource, Returns};
use kanrl_pipeline::stages::record::film::film;
use kanrl_render::terminal::half_blocks;
use kanrl_render::video::Format;
use kanrl_verify::{Conditions, Find};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// `kanrl evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The environment's id.
    environment: String,
    /// Policy: bundled, bundled:ID, FILE.zip, FILE.safetensors, formula.json, formula:EXPRESSION, run:DIR, run:DIR#network, …
    #[arg(long)]
    policy: PolicySource,
    #[command(flatten)]
    flags: PolicyFlags,
    /// Number of episodes.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    episodes: u64,
    /// Seed of the first episode; the following episodes use the following seeds.
    #[arg(long, default_value_t = kanrl_pipeline::run::seeds::FIRST_REPORT_SEED)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments_for(&self.environment)?;
        let entry = registry.get(&self.environment).map_err(Failure::input)?;
        let rollouts = Rollouts::new(entry, &KeywordArguments::new()).map_err(Failure::input)?;
        let policy = self.flags.build(&self.policy, rollouts.spec())?;
        if !quiet {
            say(policy.notes());
        }
        let seeds: Vec<u64> = (0..self.episodes).map(|index| self.seed.wrapping_add(index)).collect();
        let episodes = rollouts.run(policy.as_ref(), &seeds, &RolloutOptions::default()).map_err(Failure::run)?;
        let returns = Returns::new(episodes.iter().map(|episode| episode.episode_return).collect());
        if self.json {
            let mut value = serde_json::to_value(&returns).map_err(Failure::run)?;
            value["environment"] = rollouts.spec().id.as_str().into();
            value["policy"] = self.policy.to_string().into();
            json::print(&value)?;
        } else {
            println!("{} on {}: {} episodes from seed {}", self.policy, rollouts.spec().id, returns.n, self.seed);
            let (middle, interval) = (returns.interquartile_mean, returns.interquartile_mean_interval);
            println!("mean return         {:.2} ± {:.2}", returns.mean, returns.std);
            println!("interquartile mean  {middle:.2} [{:.2}, {:.2}] (95 %)", interval.low, interval.high);
            println!("worst 5 %           {:.2}", returns.worst_5_percent);
            let diverged = episodes.iter().filter(|episode| episode.diverged.is_some()).count();
            if diverged > 0 {
                println!("diverged            {diverged} episodes, cut off where their simulation could not go on");
            }
        }
        Ok(())
    }
}

/// `kanrl play`.
#[derive(Debug, Args)]
pub struct Play {
    /// The environment's id.
    environment: String,
    /// Policy; see `kanrl evaluate --help`.
    #[arg(long, default_value = "bundled")]
    policy: PolicySource,
    #[command(flatten)]
    flags: PolicyFlags,
    /// The episode's seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A find of `kanrl verify --hunt`: play its start, seed, constants, delay and noise.
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    conditions: Option<PathBuf>,
    /// Output video: FILE.mp4, FILE.png (animated), or FILE.gif.
    #[arg(long, value_name = "FILE", default_value = "episode.mp4")]
    out: PathBuf,
    /// Draw the episode live in the terminal instead of writing a video.
    #[arg(long)]
    terminal: bool,
    /// Show the action and the return so far on each frame.
    #[arg(long)]
    captions: bool,
    /// Print the result as JSON.
    #[arg(long, conflicts_with = "terminal")]
    json: bool,
}

impl Play {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments_for(&self.environment)?;
        let conditions = match &self.conditions {
            Some(file) => conditions(file)?,
            None => Conditions { seed: self.seed, ..Conditions::default() },
        };
        let entry = registry.get(&self.environment).map_err(Failure::input)?;
        let mut environment = conditions.environment(entry).map_err(Failure::input)?;
        let spec = environment.spec().clone();
        let policy = self.flags.build(&self.policy, &spec)?;
        if !quiet {
            say(policy.notes());
        }
        let format = match Format::from_path(&self.out) {
            Some(format) => format,
            None if self.terminal => Format::Apng,
            None => {
                let message = format!("{} is not a supported video file", self.out.display());
                return Err(Failure::input_with_help(std::io::Error::other(message), "name it .mp4, .png or .gif"));
            }
        };
        let pace = Duration::from_secs_f64(1.0 / f64::from(spec.frames_per_second.max(1)));
        let mut next = Instant::now();
        let mut show = |frame: &kanrl_core::environment::Frame, _: u32, _: u32| {
            if self.terminal {
                print!("\x1b[H\x1b[2J{}", half_blocks(frame, 80));
                next += pace;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            true
        };
        let film = film(environment.as_mut(), policy.as_ref(), conditions.seed, format, self.captions, &mut show)
            .map_err(Failure::run)?;
        let steps = film.frames - 1;
        if !self.terminal {
            kanrl_pipeline::files::write(&self.out, &film.bytes).map_err(Failure::run)?;
        }
        if self.json {
            return json::print(&serde_json::json!({
                "environment": spec.id, "policy": self.policy.to_string(), "seed": conditions.seed,
                "return": film.episode_return, "steps": steps, "file": self.out,
            }));
        }
        println!("return {:.2} in {steps} steps", film.episode_return);
        if !self.terminal {
            println!("{}", self.out.display());
        }
        Ok(())
    }
}

/// The conditions of a find.
fn conditions(file: &std::path::Path) -> Result<Conditions, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        let message = std::io::Error::other(format!("{}: {error}", file.display()));
        Failure::input_with_help(message, "name a file that `kanrl verify --hunt` wrote")
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    serde_json::from_str::<Find>(&text).map(|find| find.conditions).map_err(|error| wrong(&error))
}

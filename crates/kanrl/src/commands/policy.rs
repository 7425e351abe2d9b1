//! Policies by name, played and asked.

use crate::{Failure, Plugins, json};
use clap::Args;
use experts::{
    PolicyReference, data_files,
    network_file::NetworkFile,
    sb3::{Sb3Archive, Sb3Config},
};
use kan_core::action::ActionBatch;
use kan_core::environment::{EnvironmentSpec, KeywordArguments};
use kan_core::policy::ExpertPolicy;
use kan_core::rollout::{RolloutOptions, Rollouts};
use pipeline::artefacts::Returns;
use pipeline::film::film;
use pipeline::statistics;
use render::terminal::half_blocks;
use render::video::Format;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `kanrl evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The environment's id.
    environment: String,
    /// Whose policy: bundled, FILE.zip, FILE.safetensors, formula.json, formula:EXPRESSION, run:DIR, run:DIR#kan, …
    #[arg(long)]
    policy: PolicyReference,
    /// Number of episodes.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    episodes: u64,
    /// Seed of the first episode; the others follow it.
    #[arg(long, default_value_t = pipeline::seeds::FIRST_REPORT_SEED)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments()?;
        let entry = registry.get(&self.environment).map_err(Failure::input)?;
        let rollouts = Rollouts::new(entry, &KeywordArguments::new()).map_err(Failure::input)?;
        let policy = self.policy.resolve(rollouts.spec()).map_err(Failure::input)?;
        let seeds: Vec<u64> = (0..self.episodes).map(|index| self.seed.wrapping_add(index)).collect();
        let episodes = rollouts.run(policy.as_ref(), &seeds, &RolloutOptions::default()).map_err(Failure::run)?;
        let returns = Returns::new(episodes.iter().map(|episode| episode.episode_return).collect());
        let middle = statistics::interquartile_mean(&returns.episodes);
        let interval = statistics::interquartile_mean_interval(&returns.episodes);
        if self.json {
            let value = serde_json::json!({
                "environment": rollouts.spec().id, "policy": self.policy.to_string(), "n": returns.n,
                "mean": returns.mean, "std": returns.std, "worst_5_percent": returns.worst_5_percent,
                "interquartile_mean": middle, "interquartile_mean_interval": interval, "episodes": returns.episodes,
            });
            json::print(&value)?;
        } else {
            println!("{} on {}: {} episodes from seed {}", self.policy, rollouts.spec().id, returns.n, self.seed);
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
    /// Whose policy; see `kanrl evaluate --help`.
    #[arg(long, default_value = "bundled")]
    policy: PolicyReference,
    /// The episode's seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The video: FILE.mp4, FILE.png (animated) or FILE.gif.
    #[arg(long, value_name = "FILE", default_value = "episode.mp4")]
    out: PathBuf,
    /// Draw the episode live in the terminal instead of writing a video.
    #[arg(long)]
    terminal: bool,
    /// Write the action and the return so far on each frame.
    #[arg(long)]
    captions: bool,
    /// Print the result as JSON.
    #[arg(long, conflicts_with = "terminal")]
    json: bool,
}

impl Play {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments()?;
        let mut environment = registry.make(&self.environment, &KeywordArguments::new()).map_err(Failure::input)?;
        let spec = environment.spec().clone();
        let policy = self.policy.resolve(&spec).map_err(Failure::input)?;
        let format = match Format::from_path(&self.out) {
            Some(format) => format,
            None if self.terminal => Format::Apng,
            None => {
                let message = format!("{} is no video that can be written", self.out.display());
                return Err(Failure::input_with_help(std::io::Error::other(message), "name it .mp4, .png or .gif"));
            }
        };
        let pace = Duration::from_secs_f64(1.0 / f64::from(spec.frames_per_second.max(1)));
        let mut next = Instant::now();
        let mut show = |frame: &kan_core::environment::Frame, _: u32, _: u32| {
            if self.terminal {
                print!("\x1b[H\x1b[2J{}", half_blocks(frame, 80));
                next += pace;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            true
        };
        let film = film(environment.as_mut(), policy.as_ref(), self.seed, format, self.captions, &mut show)
            .map_err(Failure::run)?;
        let steps = film.frames - 1;
        if !self.terminal {
            pipeline::files::write(&self.out, &film.bytes).map_err(Failure::run)?;
        }
        if self.json {
            return json::print(&serde_json::json!({
                "environment": spec.id, "policy": self.policy.to_string(), "seed": self.seed,
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

/// `kanrl act`.
#[derive(Debug, Args)]
pub struct Act {
    /// Whose policy; see `kanrl evaluate --help`.
    policy: PolicyReference,
    /// Observations, one a row: .npy, .npz, .safetensors or .csv.
    #[arg(long, value_name = "FILE")]
    observations: PathBuf,
    /// Where the actions go, one a row: .npy or .csv.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The environment's id; archives and networks (.zip, .safetensors) know their spaces without it.
    #[arg(long)]
    environment: Option<String>,
}

impl Act {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let spec = match &self.environment {
            Some(id) => Some(plugins.environments()?.spec(id).map_err(Failure::input)?),
            None => None,
        };
        let policy = load(&self.policy, spec.as_ref())?;
        let names = spec.as_ref().map(|spec| spec.observation_space.names()).unwrap_or_default();
        let observations = data_files::read_observations(&self.observations, &names).map_err(Failure::input)?;
        if observations.size != policy.observation_size() {
            let (found, wanted) = (observations.size, policy.observation_size());
            let message =
                format!("{}: rows of {found} numbers; the policy takes {wanted}", self.observations.display());
            return Err(Failure::input(std::io::Error::other(message)));
        }
        let rows = observations.rows();
        let mut actions = ActionBatch::zeros(policy.action_space(), rows);
        policy.act(&observations.values, &vec![0; rows], &mut actions).map_err(Failure::run)?;
        let bytes = encode(&self.out, &actions)?;
        pipeline::files::write(&self.out, &bytes).map_err(Failure::run)?;
        println!("{rows} actions in {}", self.out.display());
        Ok(())
    }
}

/// A policy for an environment, or one that knows its own spaces.
fn load(policy: &PolicyReference, spec: Option<&EnvironmentSpec>) -> Result<Arc<dyn ExpertPolicy>, Failure> {
    match (spec, policy) {
        (Some(spec), policy) => policy.resolve(spec).map_err(Failure::input),
        (None, PolicyReference::Sb3(path)) => {
            let config = Sb3Config { path: path.clone(), vecnormalize: None };
            let policy = Sb3Archive::open(&config).and_then(|archive| archive.standalone(None));
            Ok(Arc::new(policy.map_err(Failure::input)?))
        }
        (None, PolicyReference::Safetensors(path)) => {
            let policy = NetworkFile::open(path).and_then(NetworkFile::standalone);
            Ok(Arc::new(policy.map_err(Failure::input)?))
        }
        (None, policy) => Err(Failure::input_with_help(
            std::io::Error::other(format!("`{policy}` does not say which environment it is for")),
            "add --environment ID",
        )),
    }
}

fn encode(path: &Path, actions: &ActionBatch) -> Result<Vec<u8>, Failure> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(npy(actions)),
        Some("csv") => Ok(csv(actions).into_bytes()),
        _ => Err(Failure::input_with_help(
            std::io::Error::other(format!("{} is no format for actions", path.display())),
            "name it .npy or .csv",
        )),
    }
}

/// NumPy's format, version 1.0.
fn npy(actions: &ActionBatch) -> Vec<u8> {
    let (kind, shape, data): (&str, String, Vec<u8>) = match actions {
        ActionBatch::Discrete(actions) => (
            "<i8",
            format!("({},)", actions.len()),
            actions.iter().flat_map(|action| (*action as i64).to_le_bytes()).collect(),
        ),
        ActionBatch::Continuous { values, size } => (
            "<f4",
            format!("({}, {size})", actions.rows()),
            values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ),
    };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    // The data begins at a multiple of 64 bytes.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header += &" ".repeat(padding);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn csv(actions: &ActionBatch) -> String {
    let line = |fields: Vec<String>| fields.join(",") + "\n";
    match actions {
        ActionBatch::Discrete(actions) => {
            let rows = actions.iter().map(|action| line(vec![action.to_string()]));
            std::iter::once("action\n".to_owned()).chain(rows).collect()
        }
        ActionBatch::Continuous { values, size } => {
            let header = line((0..*size).map(|index| format!("action_{index}")).collect());
            let rows = values.chunks_exact(*size).map(|row| line(row.iter().map(f32::to_string).collect()));
            std::iter::once(header).chain(rows).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{csv, npy};
    use kan_core::action::ActionBatch;

    #[test]
    fn actions_are_written_as_numpy_and_csv_do() {
        let discrete = ActionBatch::Discrete(vec![1, 0]);
        let bytes = npy(&discrete);
        assert_eq!((bytes.len(), &bytes[..8]), (128 + 16, &b"\x93NUMPY\x01\x00"[..]));
        assert_eq!(csv(&discrete), "action\n1\n0\n");
        let vector = ActionBatch::Continuous { values: vec![0.5, -1.0], size: 2 };
        assert!(npy(&vector).ends_with(&[0.5_f32.to_le_bytes(), (-1.0_f32).to_le_bytes()].concat()));
        assert_eq!(csv(&vector), "action_0,action_1\n0.5,-1\n");
    }
}

use crate::{Failure, Plugins};
use clap::Subcommand;
use kan_core::environment::{EnvironmentRegistry, KeywordArguments};
use kan_core::space::ActionSpace;
use kan_core::testing::{check_environment, check_trajectories};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Env {
    /// List them, one a line: id, spaces, time limit, what it is.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that an environment keeps its contract: spaces, seeding, determinism, bounds, time limit, NaN.
    Check {
        /// The environment's id.
        id: String,
        /// Compare with recordings as well: a folder of ID.json and ID.safetensors.
        #[arg(long, value_name = "DIR")]
        trajectories: Option<PathBuf>,
        /// How far numbers may be apart, relative to the recorded one where that is above 1; 0 asks for equal bits.
        #[arg(long, default_value_t = 0.0)]
        tolerance: f64,
    },
}

impl Env {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments()?;
        match self {
            Self::List { json: true } => list_json(&registry),
            Self::List { json: false } => list(&registry),
            Self::Check { id, trajectories, tolerance } => check(&registry, &id, trajectories, tolerance),
        }
    }
}

fn list(registry: &EnvironmentRegistry) -> Result<(), Failure> {
    println!("{:<26} {:>12} {:>8} {:>6}  about", "id", "observations", "actions", "steps");
    for entry in registry.entries() {
        let spec = match registry.spec(&entry.id) {
            Ok(spec) => spec,
            Err(error) => {
                println!("{:<26} {error}", entry.id);
                continue;
            }
        };
        let steps = spec.max_episode_steps.map_or_else(|| "-".to_owned(), |steps| steps.to_string());
        let (observations, actions) = (spec.observation_space.len(), spec.action_space.outputs());
        println!("{:<26} {observations:>12} {actions:>8} {steps:>6}  {}", entry.id, entry.summary);
    }
    Ok(())
}

fn list_json(registry: &EnvironmentRegistry) -> Result<(), Failure> {
    let entry = |entry: &kan_core::environment::EnvironmentEntry| {
        let mut value = serde_json::json!({ "id": entry.id, "summary": entry.summary, "source": entry.source });
        match registry.spec(&entry.id) {
            Ok(spec) => {
                value["observations"] = spec.observation_space.names().into();
                value["actions"] = match &spec.action_space {
                    ActionSpace::Discrete(space) => space.actions.clone().into(),
                    ActionSpace::Box(space) => space.names().into(),
                };
                value["discrete"] = matches!(spec.action_space, ActionSpace::Discrete(_)).into();
                value["max_episode_steps"] = spec.max_episode_steps.into();
                value["reward_threshold"] = spec.reward_threshold.into();
            }
            Err(error) => value["error"] = error.to_string().into(),
        }
        value
    };
    let entries: Vec<serde_json::Value> = registry.entries().map(entry).collect();
    println!("{}", serde_json::to_string_pretty(&entries).map_err(Failure::run)?);
    Ok(())
}

fn check(
    registry: &EnvironmentRegistry,
    id: &str,
    trajectories: Option<PathBuf>,
    tolerance: f64,
) -> Result<(), Failure> {
    let entry = registry.get(id).map_err(Failure::input)?;
    let violations = check_environment(entry, &KeywordArguments::new());
    for violation in &violations {
        println!("{}: {violation}", entry.id);
    }
    if violations.is_empty() {
        println!("{} keeps its contract", entry.id);
    }
    let mut deviations = 0;
    if let Some(folder) = trajectories {
        let reports = check_trajectories(registry, Some(id), &folder, tolerance).map_err(Failure::input)?;
        if reports.is_empty() {
            println!("no recording of {} in {}", entry.id, folder.display());
        }
        for report in &reports {
            for part in &report.parts {
                match &part.deviation {
                    None => println!("{} {}: {} numbers agree", report.id, part.name, part.compared),
                    Some(deviation) => {
                        deviations += 1;
                        println!("{} {}: {deviation}", report.id, part.name);
                    }
                }
            }
        }
    }
    if violations.is_empty() && deviations == 0 {
        return Ok(());
    }
    let message = format!("{}: {} broken rules, {deviations} deviating recordings", entry.id, violations.len());
    Err(Failure::run(std::io::Error::other(message)))
}

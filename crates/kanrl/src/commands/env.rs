use crate::{Failure, registry};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Env {
    /// List them, one a line: id, spaces, time limit, what it is.
    List,
}

impl Env {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List => list(),
        }
    }
}

fn list() -> Result<(), Failure> {
    let registry = registry::environments().map_err(Failure::run)?;
    println!("{:<26} {:>12} {:>8} {:>6}  about", "id", "observations", "actions", "steps");
    for entry in registry.entries() {
        let spec = registry.spec(&entry.id).map_err(Failure::run)?;
        let steps = spec.max_episode_steps.map_or_else(|| "-".to_owned(), |steps| steps.to_string());
        let (observations, actions) = (spec.observation_space.len(), spec.action_space.outputs());
        println!("{:<26} {observations:>12} {actions:>8} {steps:>6}  {}", entry.id, entry.summary);
    }
    Ok(())
}

use crate::{Failure, Plugins, json};
use clap::Subcommand;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::space::ActionSpace;
use kanrl_core::testing::{
    PartReport, STARTS_ALIKE, TrajectoryReport, Violation, check_environment, check_trajectories, starts_alike,
};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Env {
    /// List environments: id, spaces, time limit, description.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that an environment keeps its contract: spaces, seeding, determinism, bounds, time limit, NaN.
    Check {
        /// The environment's id.
        id: String,
        /// Also compare with recordings: a folder of ID.json and ID.safetensors files.
        #[arg(long, value_name = "DIR")]
        trajectories: Option<PathBuf>,
        /// Tolerance for recorded numbers, relative for numbers above 1; 0 requires bit-identical numbers.
        #[arg(long, default_value_t = 0.0)]
        tolerance: f64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Env {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let registry = match &self {
            Self::List { .. } => plugins.environments()?,
            Self::Check { id, .. } => plugins.environments_for(id)?,
        };
        match self {
            Self::List { json: true } => list_json(&registry),
            Self::List { json: false } => list(&registry),
            Self::Check { id, trajectories, tolerance, json } => {
                let checked = Checked::new(&registry, &id, trajectories.as_deref(), tolerance)?;
                if json {
                    json::print(&checked.json())?
                } else {
                    checked.print(trajectories.as_deref())
                }
                checked.verdict()
            }
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
    let entry = |entry: &kanrl_core::environment::EnvironmentEntry| {
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
    json::print(&entries)
}

/// What a check found.
struct Checked {
    id: String,
    violations: Vec<Violation>,
    recordings: Vec<TrajectoryReport>,
    /// What may be meant.
    notes: Vec<&'static str>,
}

impl Checked {
    fn new(
        registry: &EnvironmentRegistry,
        id: &str,
        trajectories: Option<&Path>,
        tolerance: f64,
    ) -> Result<Self, Failure> {
        let entry = registry.get(id).map_err(Failure::input)?;
        let violations = check_environment(entry, &KeywordArguments::new());
        let recordings = match trajectories {
            Some(folder) => check_trajectories(registry, Some(id), folder, tolerance).map_err(Failure::input)?,
            None => Vec::new(),
        };
        let notes = starts_alike(entry, &KeywordArguments::new()).then_some(STARTS_ALIKE).into_iter().collect();
        Ok(Self { id: entry.id.clone(), violations, recordings, notes })
    }

    /// Every part of every recording, with the recording's id.
    fn parts(&self) -> impl Iterator<Item = (&str, &PartReport)> {
        self.recordings.iter().flat_map(|report| report.parts.iter().map(|part| (&*report.id, part)))
    }

    fn deviations(&self) -> usize {
        self.parts().filter(|(_, part)| part.deviation.is_some()).count()
    }

    fn print(&self, trajectories: Option<&Path>) {
        for violation in &self.violations {
            println!("{}: {violation}", self.id);
        }
        if self.violations.is_empty() {
            println!("{} keeps its contract", self.id);
        }
        for note in &self.notes {
            println!("note: {note}");
        }
        if let Some(folder) = trajectories
            && self.recordings.is_empty()
        {
            println!("no recording of {} in {}", self.id, folder.display());
        }
        for (id, part) in self.parts() {
            match &part.deviation {
                None => println!("{id} {}: {} numbers agree", part.name, part.compared),
                Some(deviation) => println!("{id} {}: {deviation}", part.name),
            }
        }
    }

    fn json(&self) -> serde_json::Value {
        let violation = |violation: &Violation| serde_json::json!({ "rule": format!("{:?}", violation.rule), "message": violation.message });
        let part = |(id, part): (&str, &PartReport)| {
            let deviation = part.deviation.as_ref().map(ToString::to_string);
            serde_json::json!({ "recording": id, "part": part.name, "compared": part.compared, "deviation": deviation })
        };
        serde_json::json!({
            "environment": self.id,
            "violations": self.violations.iter().map(violation).collect::<Vec<_>>(),
            "recordings": self.parts().map(part).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }

    fn verdict(&self) -> Result<(), Failure> {
        let (violations, deviations) = (self.violations.len(), self.deviations());
        if violations == 0 && deviations == 0 {
            return Ok(());
        }
        let message = format!("{}: {violations} broken rules, {deviations} deviating recordings", self.id);
        Err(Failure::run(std::io::Error::other(message)))
    }
}

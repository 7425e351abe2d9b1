use super::policy_flags::{PolicyFlags, say};
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::ActionSpace;
use kanrl_experts::data_files::{ActionsFormat, read_observations};
use kanrl_experts::{PolicyReference, StandalonePolicy};
use kanrl_pipeline::run::PolicySource;
use std::io::Error;
use std::path::PathBuf;

/// `kanrl act`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl act agent.zip --observations states.npy --out actions.npy
  kanrl act run:runs/first --observations states.csv --out actions.csv
  kanrl act run:runs/first#network --observations states.safetensors --out actions.safetensors
  kanrl act bundled:CartPole-v1 --observations states.csv --out actions.csv
  kanrl act 'formula:theta + theta_dot' --environment CartPole-v1 --observations s.csv --out a.csv

Observations are in the environment's own units, one per row. A .csv needs a header. If the policy or
the environment knows the observations' names, those columns are used, in any order, and other columns
are ignored. For policies that depend on time, each row counts as the first step of an episode.

Without --environment:
  FILE.zip, hub:…, FILE.safetensors, bundled:ID  know sizes and the actions' bounds
  FILE.pt                                        knows sizes; needs --activation
  run:DIR, run:DIR#network, formula.json         also know the observations' names
  FILE.onnx                                      integers are actions, floats are written unchanged
  formula:EXPRESSION                             writes its values, computed from a .csv's columns")]
pub struct Act {
    /// Policy: bundled:ID, FILE.zip, FILE.safetensors, formula.json, formula:EXPRESSION, run:DIR, run:DIR#network, …
    policy: PolicySource,
    #[command(flatten)]
    flags: PolicyFlags,
    /// Observations, one per row: .npy, .npz, .safetensors, .hdf5, or .csv.
    #[arg(long, value_name = "FILE")]
    observations: PathBuf,
    /// Output file for the actions, one per row: .npy, .safetensors, or .csv.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Id of the environment, if the policy does not describe its own inputs and outputs.
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Act {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let format = ActionsFormat::from_path(&self.out).map_err(Failure::input)?;
        let place = |path: &PathBuf| std::fs::canonicalize(path).ok();
        if place(&self.out).is_some_and(|out| Some(out) == place(&self.observations)) {
            let message = format!("`{}` holds the observations, which the actions would replace", self.out.display());
            return Err(Failure::input_with_help(Error::other(message), "choose another file for --out"));
        }
        let environment = self.environment(plugins)?;
        let StandalonePolicy { policy, observation_names, labels } = self.load(environment.as_ref())?;
        let observations = read_observations(&self.observations, &observation_names).map_err(Failure::input)?;
        if !quiet {
            say(policy.notes());
            say(&observations.notes);
        }
        if observations.size != policy.observation_size() {
            let (found, wanted) = (observations.size, policy.observation_size());
            let file = self.observations.display();
            let names = if observation_names.is_empty() { "" } else { ": " };
            let message = format!(
                "`{file}` has {found} numbers in a row, but `{}` takes {wanted}{names}{}",
                self.policy,
                observation_names.join(", ")
            );
            let help = "remove columns that are not observations, or name the columns of a .csv and the --environment";
            return Err(Failure::input_with_help(Error::other(message), help));
        }
        let rows = observations.rows();
        let mut actions = ActionBatch::zeros(policy.action_space(), rows);
        policy.act(&observations.values, &vec![0; rows], &mut actions).map_err(Failure::run)?;
        let bytes = format.encode_labeled(&actions, policy.action_space(), &labels);
        kanrl_pipeline::files::write(&self.out, &bytes).map_err(Failure::run)?;
        if self.json {
            let (kind, size) = match policy.action_space() {
                ActionSpace::Discrete(_) => ("discrete", 1),
                ActionSpace::Box(space) => ("vector", space.len()),
            };
            let value = serde_json::json!({
                "policy": self.policy.to_string(), "environment": environment.map(|environment| environment.id),
                "rows": rows, "observation_size": observations.size, "actions": kind, "action_size": size,
                "out": self.out,
            });
            return json::print(&value);
        }
        println!("{rows} actions in {}", self.out.display());
        Ok(())
    }

    /// The environment that was named; or a bundled expert's own, where this build has it.
    fn environment(&self, plugins: &Plugins) -> Result<Option<EnvironmentSpec>, Failure> {
        match (&self.environment, &self.policy) {
            (Some(id), _) => Ok(Some(plugins.environments_for(id)?.spec(id).map_err(Failure::input)?)),
            (None, PolicySource::Other(PolicyReference::BundledFor(id))) => {
                Ok(plugins.environments_for(id)?.spec(id).ok())
            }
            (None, _) => Ok(None),
        }
    }

    fn load(&self, environment: Option<&EnvironmentSpec>) -> Result<StandalonePolicy, Failure> {
        if let Some(environment) = environment {
            let policy = self.flags.build(&self.policy, environment)?;
            let observation_names = environment.observation_space.names();
            return Ok(StandalonePolicy { policy, observation_names, labels: Vec::new() });
        }
        let is_table = self
            .observations
            .extension()
            .is_some_and(|name| ["csv", "tsv", "txt"].iter().any(|table| name.eq_ignore_ascii_case(table)));
        if matches!(self.policy, PolicySource::Other(PolicyReference::Formula(_))) && !is_table {
            let message = format!("`{}` does not define the order of its observations", self.policy);
            let help = "add --environment ID, or use a .csv with named columns";
            return Err(Failure::input_with_help(Error::other(message), help));
        }
        self.policy.standalone(&self.flags.options()).map_err(Failure::input)
    }
}

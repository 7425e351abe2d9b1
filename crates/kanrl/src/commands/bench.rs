//! How long an action takes.

use super::export::contract_of;
use super::policy_flags::{PolicyFlags, say};
use super::verify::environment_of;
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl_experts::{FunctionPolicy, PolicyReference};
use kanrl_export::bench::{BATCHES, Peer, bench};
use kanrl_pipeline::run::PolicySource;

/// `kanrl bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl bench run:runs/first
  kanrl bench docs/formulas/Hopper-v4.rl-zoo.json --environment Hopper-v4
  kanrl bench run:runs/first --expert agent.zip        also Stable-Baselines3's predict, where it is installed

Nanoseconds for an action, one at a time and in batches of 64: the fastest of seven rounds, in one run on one
thread, with whatever calling costs in each language. The last column is one action's time against the formula's in C,
or in Rust where there is no compiler. KANRL_PYTHON selects the Python interpreter.")]
pub struct Bench {
    /// Formula: run:DIR, run:DIR#faithful, run:DIR#polished, a formula.json, or formula:EXPRESSION.
    policy: PolicySource,
    /// The environment's id [default: the run's].
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// The network to measure beside it.
    #[arg(long, value_name = "POLICY", default_value = "bundled")]
    expert: PolicySource,
    #[command(flatten)]
    flags: PolicyFlags,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let id = environment_of(&self.policy, self.environment.as_deref())?;
        let registry = plugins.environments_for(&id)?;
        let spec = registry.spec(&id).map_err(Failure::input)?;
        let (contract, formula) = contract_of(&self.policy, Some(&id), None, &[], plugins)?;
        let policy = FunctionPolicy::from_formula(&formula, &spec, self.policy.to_string()).map_err(Failure::input)?;
        let expert = self.flags.build(&self.expert, &spec);
        let archive = match &self.expert {
            PolicySource::Other(PolicyReference::Sb3(path)) => Some(path.as_path()),
            _ => None,
        };
        let mut peers = Vec::new();
        match &expert {
            Ok(expert) => {
                say(expert.notes());
                peers.push(Peer { name: format!("expert {}", self.expert), policy: expert.as_ref(), archive });
            }
            Err(_) if self.expert.to_string() == "bundled" => eprintln!("warning: no bundled expert for {id}"),
            Err(_) => return expert.map(drop),
        }
        let timings = bench(&contract, &policy, &peers).map_err(Failure::run)?;
        if self.json {
            let row = |timing: &kanrl_export::bench::Timing| match &timing.nanoseconds {
                Ok(times) => serde_json::json!({ "policy": timing.name, "nanoseconds": times, "batches": BATCHES }),
                Err(reason) => serde_json::json!({ "policy": timing.name, "skipped": reason }),
            };
            return json::print(&serde_json::Value::Array(timings.iter().map(row).collect()));
        }
        let width = timings.iter().map(|timing| timing.name.chars().count()).max().unwrap_or(0);
        println!("{:width$}  {:>14}  {:>14}  {:>17}", "", "one action", "one of 64", "times formula");
        // The formula as it runs on a robot; where there is no C compiler, in Rust.
        let formula = [1, 0].iter().find_map(|row| timings.get(*row)?.nanoseconds.as_ref().ok()).map(|times| times[0]);
        for timing in &timings {
            match &timing.nanoseconds {
                Ok([one, many]) => {
                    let ratio = formula.map_or(String::new(), |formula| format!("{:.1}", one / formula));
                    println!("{:width$}  {one:>11.1} ns  {many:>11.1} ns  {ratio:>17}", timing.name);
                }
                Err(reason) => println!("{:width$}  skipped: {reason}", timing.name),
            }
        }
        Ok(())
    }
}

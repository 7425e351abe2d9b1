//! Tests of hypotheses about a fitted network.

use super::verify::environment_of;
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl_core::environment::KeywordArguments;
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::PolicyOptions;
use kanrl_pipeline::run::{PolicyRole, PolicySource, RunPolicy};
use kanrl_symbolic::Expression;
use kanrl_verify::hypothesis::{Fitted, HOLDS_BELOW, Pair, fit, pairs};
use std::path::PathBuf;

/// `kanrl hypothesis`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl hypothesis runs/first
  kanrl hypothesis runs/first --candidate 'k1*theta + k2*theta_dot'

Tests run on the network's outputs before the action rule, in the states that the network visits. A
hypothesis holds where it is off by less than 5 % of the outputs' standard deviation. To have a
candidate fitted, tuned, and compared with the run's other formulas, extract with the same --candidate.")]
pub struct Hypothesis {
    /// The run directory.
    run: PathBuf,
    /// A formula of yours with unknown constants k1, k2, …: is it what the network computes? May be repeated.
    #[arg(long, value_name = "EXPRESSION", allow_hyphen_values = true)]
    candidate: Vec<String>,
    /// Number of episodes that show the states.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    episodes: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// States that are compared, at most.
const STATES: usize = 5000;

impl Hypothesis {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let source = PolicySource::Run(RunPolicy { directory: self.run.clone(), role: PolicyRole::Network });
        let id = environment_of(&source, None)?;
        let registry = plugins.environments_for(&id)?;
        let rollouts = Rollouts::new(registry.get(&id).map_err(Failure::input)?, &KeywordArguments::new())
            .map_err(Failure::input)?;
        let spec = rollouts.spec();
        let network =
            source.config(&PolicyOptions::default()).map_err(Failure::input)?.build(spec).map_err(Failure::input)?;
        let candidates = self
            .candidate
            .iter()
            .map(|text| Ok((text.clone(), text.parse::<Expression>()?)))
            .collect::<Result<Vec<_>, kanrl_symbolic::SymbolicError>>()
            .map_err(Failure::input)?;

        let first = kanrl_pipeline::run::seeds::FIRST_REPORT_SEED;
        let seeds: Vec<u64> = (0..self.episodes).map(|index| first + index).collect();
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let episodes = rollouts.run(network.as_ref(), &seeds, &options).map_err(Failure::run)?;
        let names = spec.observation_space.names();
        let size = names.len();
        let all: Vec<&[f64]> = episodes
            .iter()
            .filter_map(|episode| episode.trajectory.as_ref())
            .flat_map(|trajectory| trajectory.observations.chunks_exact(size))
            .collect();
        let states: Vec<f64> =
            all.iter().step_by(all.len().div_ceil(STATES).max(1)).flat_map(|row| row.to_vec()).collect();
        let rows = states.len() / size;
        let width = spec.action_space.outputs();
        let mut probe = vec![0.0; rows * width];
        network.scores(&states, &vec![0; rows], &mut probe).map_err(Failure::run)?;

        let mut outputs = Vec::new();
        for (output, name) in spec.action_space.output_names().into_iter().enumerate() {
            // Of discrete actions only the leads over the first one matter.
            let discrete = matches!(spec.action_space, kanrl_core::space::ActionSpace::Discrete(_));
            if discrete && output == 0 {
                continue;
            }
            let values = |rows: &[f64]| {
                let count = rows.len() / size;
                let mut scores = vec![0.0; count * width];
                if network.scores(rows, &vec![0; count], &mut scores).is_err() {
                    scores.fill(f64::NAN);
                }
                let own = |row: &[f64]| if discrete { row[output] - row[0] } else { row[output] };
                scores.chunks_exact(width).map(own).collect::<Vec<f64>>()
            };
            let found = pairs(&values, &names, &states);
            let there = values(&states);
            let fitted = candidates
                .iter()
                .map(|(text, candidate)| Ok((text.clone(), fit(candidate, &names, &states, &there)?)))
                .collect::<Result<Vec<(String, Fitted)>, kanrl_symbolic::SymbolicError>>()
                .map_err(Failure::input)?;
            outputs.push((name, found, fitted));
        }
        if self.json {
            let outputs: Vec<serde_json::Value> = outputs
                .iter()
                .map(
                    |(name, pairs, fitted)| serde_json::json!({ "output": name, "pairs": pairs, "candidates": fitted }),
                )
                .collect();
            return json::print(&serde_json::json!({ "environment": id, "states": rows, "outputs": outputs }));
        }
        for (name, pairs, fitted) in &outputs {
            println!("{name}, in {rows} states");
            pairs.iter().for_each(print_pair);
            for (text, Fitted { formula, r_squared, .. }) in fitted {
                let verdict = if *r_squared > 0.99 { "it is this function, nearly" } else { "it is another function" };
                println!("  {text}: R² {r_squared:.4}, {verdict}: {formula}");
            }
        }
        Ok(())
    }
}

fn print_pair(pair: &Pair) {
    let Pair { one, other, .. } = pair;
    let mut facts = Vec::new();
    let mut add = |off: f64, what: String| {
        if off < HOLDS_BELOW {
            facts.push(format!("{what} (off by {:.1} %)", 100.0 * off));
        }
    };
    add(pair.separable_sum, "separable as a sum".to_owned());
    if let Some(off) = pair.separable_product {
        add(off, "separable as a product".to_owned());
    }
    add(pair.through_sum, format!("only {one} + {other} matters"));
    add(pair.through_difference, format!("only {one} - {other} matters"));
    add(pair.through_product, format!("only {one}*{other} matters"));
    add(pair.through_quotient, format!("only {one}/{other} matters"));
    if let Some(ratio) = pair.steady_ratio {
        facts.push(format!("only {ratio:.3}*{one} + {other} matters"));
    }
    let text = if facts.is_empty() { "neither separable nor symmetric".to_owned() } else { facts.join("; ") };
    println!("  {one}, {other}: {text}");
}

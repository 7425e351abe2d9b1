//! What a formula's terms do.

use super::policy_flags::{PolicyFlags, say};
use super::verify::environment_of;
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl_core::environment::KeywordArguments;
use kanrl_core::rollout::Rollouts;
use kanrl_pipeline::run::PolicySource;
use std::io::Error;
use std::path::PathBuf;

/// `kanrl explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl explain run:runs/first
  kanrl explain 'formula:3*theta + theta_dot' --environment CartPole-v1 --pictures pictures

Each term is left out, fixed at its mean, and halved, on the same seeds. Words come from the signs and
sizes of the gains in the states that the formula visits.")]
pub struct ExplainPolicy {
    /// Formula: run:DIR, run:DIR#faithful, run:DIR#polished, a formula.json, or formula:EXPRESSION.
    policy: PolicySource,
    /// The environment's id [default: the run's].
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Number of episodes for each comparison.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(2..=100_000))]
    episodes: u64,
    /// Seed of the first episode.
    #[arg(long, default_value_t = kanrl_pipeline::run::seeds::FIRST_REPORT_SEED)]
    seed: u64,
    /// Draw where the action switches (switching.svg), and where expert and formula differ (expert.svg), into this folder.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// The expert for --pictures.
    #[arg(long, value_name = "POLICY", default_value = "bundled")]
    expert: PolicySource,
    #[command(flatten)]
    flags: PolicyFlags,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl ExplainPolicy {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let id = environment_of(&self.policy, self.environment.as_deref())?;
        let registry = plugins.environments_for(&id)?;
        let entry = registry.get(&id).map_err(Failure::input)?;
        let rollouts = Rollouts::new(entry, &KeywordArguments::new()).map_err(Failure::input)?;
        let spec = rollouts.spec();
        let formula = self.policy.formula(Some(spec)).map_err(Failure::input)?.ok_or_else(|| {
            let message = Error::other(format!("`{}` is not a formula", self.policy));
            Failure::input_with_help(message, "use run:DIR, run:DIR#faithful, a formula.json, or formula:EXPRESSION")
        })?;
        if !quiet {
            eprintln!("playing {} episodes for every term and change", self.episodes);
        }
        let found = kanrl_verify::explain(&rollouts, &formula, self.seed, self.episodes).map_err(Failure::run)?;
        let mut files = Vec::new();
        if let Some(folder) = &self.pictures {
            std::fs::create_dir_all(folder).map_err(Failure::run)?;
            let expert = self.flags.build(&self.expert, spec)?;
            if !quiet {
                say(expert.notes());
            }
            let switching = kanrl_verify::switching_surface(&rollouts, &formula, self.seed).map_err(Failure::run)?;
            let heat = kanrl_verify::heat_map(&rollouts, &formula, expert.as_ref(), self.seed).map_err(Failure::run)?;
            for (name, picture) in [("switching.svg", switching), ("expert.svg", heat)] {
                if let Some(picture) = picture {
                    let path = folder.join(name);
                    kanrl_pipeline::files::write(&path, picture.as_bytes()).map_err(Failure::run)?;
                    files.push(path);
                }
            }
        }
        if self.json {
            let mut value = serde_json::to_value(&found).map_err(Failure::run)?;
            value["pictures"] = serde_json::to_value(&files).map_err(Failure::run)?;
            return json::print(&value);
        }
        print!("{}", found.text());
        for file in files {
            println!("{}", file.display());
        }
        Ok(())
    }
}

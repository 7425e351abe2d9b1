use crate::{Failure, json};
use clap::Args;
use kanrl_pipeline::run::PolicySource;
use kanrl_symbolic::{Format, Formula, Monitor};
use kanrl_verify::{ProofCard, contradictions};
use std::path::PathBuf;

/// `kanrl export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl export run:runs/CartPole-v1-20260131-120000 --to c > policy.c
  kanrl export run:runs/first --to c --monitor runs/first/proof.json --fallback 0 > policy.c")]
pub struct Export {
    /// Formula: run:DIR, run:DIR#faithful, run:DIR#polished, or a formula.json.
    policy: PolicySource,
    /// Format: text, latex, mathml, sympy, numpy, c, rust, or json.
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// Add a run-time check of the observations for which this proof card holds (proof.json of `kanrl verify`); for c, rust
    /// and numpy.
    #[arg(long, value_name = "FILE", requires = "fallback")]
    monitor: Option<PathBuf>,
    /// The action outside of the proved box: an action's number, or a number for each output, such as 0 or 0.5,-1.
    #[arg(long, value_name = "ACTION", requires = "monitor", value_delimiter = ',', allow_hyphen_values = true)]
    fallback: Vec<f64>,
    /// Write to a file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON: the policy, the format, and the text or the output file.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub fn run(self) -> Result<(), Failure> {
        let formula = self.policy.formula(None).map_err(Failure::input)?.ok_or_else(|| {
            let message = std::io::Error::other(format!("`{}` is not a formula", self.policy));
            Failure::input_with_help(message, "use run:DIR, run:DIR#faithful, run:DIR#polished, or a formula.json")
        })?;
        let exported = match &self.monitor {
            Some(file) => {
                let monitor = monitor(file, &formula, self.fallback)?;
                kanrl_symbolic::export_with_monitor(&formula, self.to, &monitor).map_err(Failure::input)?
            }
            None => kanrl_symbolic::export(&formula, self.to).map_err(Failure::run)?,
        };
        if let Some(out) = &self.out {
            kanrl_pipeline::files::write(out, exported.as_bytes()).map_err(Failure::run)?;
        }
        if self.json {
            let text = self.out.is_none().then_some(&exported);
            return json::print(&serde_json::json!({
                "policy": self.policy.to_string(), "format": self.to.name(), "text": text, "file": self.out,
            }));
        }
        if self.out.is_none() {
            println!("{}", exported.trim_end());
        }
        Ok(())
    }
}

/// The box of a proof card that is about this formula.
fn monitor(file: &std::path::Path, formula: &Formula, fallback: Vec<f64>) -> Result<Monitor, Failure> {
    let wrong = |reason: String| {
        let message = std::io::Error::other(format!("{}: {reason}", file.display()));
        Failure::input_with_help(message, "run `kanrl verify` for this formula and name the card that it writes")
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let card: ProofCard = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if let Some(found) = contradictions(&card, formula, 10_000).map_err(Failure::input)?.first() {
        return Err(wrong(found.clone()));
    }
    let sides = formula.inputs().iter().filter_map(|input| card.observations.iter().find(|side| side.name == *input));
    let (low, high) = sides.map(|side| (side.low, side.high)).unzip();
    Ok(Monitor { low, high, fallback })
}

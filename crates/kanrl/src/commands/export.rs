use crate::{Failure, json};
use clap::Args;
use kanrl_pipeline::run::PolicySource;
use kanrl_symbolic::Format;
use std::path::PathBuf;

/// `kanrl export`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kanrl export run:runs/CartPole-v1-20260131-120000 --to c > policy.c")]
pub struct Export {
    /// Formula: run:DIR, run:DIR#faithful, run:DIR#polished, or a formula.json.
    policy: PolicySource,
    /// Format: text, latex, mathml, sympy, numpy, c, rust, or json.
    #[arg(long, value_name = "FORMAT")]
    to: Format,
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
        let exported = kanrl_symbolic::export(&formula, self.to).map_err(Failure::run)?;
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

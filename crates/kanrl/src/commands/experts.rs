use crate::{Failure, json};
use clap::Args;

/// `kanrl experts`.
#[derive(Debug, Args)]
pub struct Experts {
    /// Print a JSON list instead of a table.
    #[arg(long)]
    json: bool,
}

impl Experts {
    pub fn run(self) -> Result<(), Failure> {
        let rows: Vec<serde_json::Value> = kanrl_experts::bundled::list()
            .iter()
            .map(|expert| {
                let record = expert.record();
                serde_json::json!({
                    "environment": expert.environment(),
                    "also_for": expert.also_for(),
                    "algorithm": record.algorithm,
                    "seed": record.seed,
                    "timesteps": record.timesteps,
                    "mean_return": record.evaluation.map(|evaluation| evaluation.mean_return),
                    "std_return": record.evaluation.map(|evaluation| evaluation.std_return),
                    "bytes": expert.bytes().len(),
                    "source": expert.source(),
                })
            })
            .collect();
        if self.json {
            return json::print(&rows);
        }
        println!("{:<26} {:<9} {:>20} {:>9} {:>8}  source", "environment", "algorithm", "return", "steps", "size");
        for row in &rows {
            let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let played = format!("{:.1} ± {:.1}", number("mean_return"), number("std_return"));
            println!(
                "{:<26} {:<9} {played:>20} {:>9} {:>6.0} kB  {}",
                text("environment"),
                text("algorithm"),
                number("timesteps"),
                number("bytes") / 1000.0,
                text("source"),
            );
        }
        println!("\nReturns are means over 100 episodes, ± standard deviation.");
        Ok(())
    }
}

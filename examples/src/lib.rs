//! What the examples share.

use kanrl::prelude::*;
use std::error::Error;

/// Executes a run in a temporary folder and prints its returns and its formula.
///
/// # Errors
/// Whatever the run says.
pub fn execute(run: Run) -> Result<RunSummary, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let summary = run.open(folder.path())?.execute()?;
    for row in &summary.rows {
        println!("{:<8} {:>8.3} ± {:.3}", row.policy, row.returns.mean, row.returns.std);
    }
    if let Some(formula) = &summary.formula {
        println!("\n{formula}");
    }
    Ok(summary)
}

//! Stages in another order: the expert is filmed last, when everything else is known to work. An order in which a stage
//! would not find what it needs is refused before anything runs.
//!
//! ```sh
//! cargo run --release --example reorder_stages
//! ```

use kanrl::pipeline::run::{RunFile, RunStore};
use kanrl::prelude::*;

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
approximator.steps = 5
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Run::from_text(CONFIG)?.select(&["collect", "fit", "record_expert"])?.prepare()?;
    println!("{}", run.stages().join(", "));
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?.execute()?;
    println!("{}", RunStore::open(folder.path())?.read_text(RunFile::Log)?);

    let wrong = Run::from_text(CONFIG)?.select(&["fit", "collect"])?.prepare();
    println!("{}", wrong.err().expect("the data come too late"));
    Ok(())
}

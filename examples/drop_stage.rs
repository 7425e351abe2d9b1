//! A run without some of its stages: no tuning on return, so that the faithful formula is the result, and no videos.
//! What needs a dropped stage's results must go as well, here the report.
//!
//! ```sh
//! cargo run --release --example drop_stage
//! ```

use kanrl::prelude::*;

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
dagger = { rounds = 1, steps = 100, validation_episodes = 2 }
select.episodes = 10
evaluate = { episodes = 10, robustness_episodes = 0 }
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut run = Run::from_text(CONFIG)?;
    for name in ["polish", "record_expert", "record_formula", "report"] {
        run = run.remove(name)?;
    }
    examples::execute(run).map(drop)
}

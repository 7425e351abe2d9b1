//! A stage of one's own between two of kanrl's, with a section of the config and an artifact of its own: it counts how
//! much of each observation's range the expert visits.
//!
//! ```sh
//! cargo run --release --example add_stage
//! ```

use kanrl::pipeline::engine::{Artifact, ArtifactError, LoadContext};
use kanrl::pipeline::files;
use kanrl::pipeline::stages::collect::ExpertData;
use kanrl::prelude::*;
use std::path::Path;

/// `[coverage]`: typos in it are refused with the file's line, as in any other section.
#[derive(Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", default, deny_unknown_fields)]
struct CoverageSection {
    /// Parts that each range is divided into.
    parts: usize,
}

impl Default for CoverageSection {
    fn default() -> Self {
        Self { parts: 10 }
    }
}

/// Share of the parts that were visited, for each observation.
#[derive(Serialize, Deserialize)]
#[serde(crate = "kanrl::serde")]
struct Coverage(Vec<f64>);

impl Artifact for Coverage {
    const NAME: &'static str = "coverage";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join("coverage.json"), self)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        kanrl::serde_json::from_slice(&std::fs::read(folder.join("coverage.json"))?).map_err(ArtifactError::damaged)
    }
}

fn coverage(mut made: Output<Coverage>, data: Input<ExpertData>, context: StageContext) -> Result<(), StageError> {
    let parts = context.config().section::<CoverageSection>("coverage").parts;
    let (observations, width) = (&data.train.observations, data.train.input_names.len());
    let share = |input: usize| {
        let column = || observations.iter().skip(input).step_by(width);
        let (low, high) =
            column().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        let mut visited = vec![false; parts];
        column().for_each(|x| visited[(((x - low) / (high - low) * parts as f64) as usize).min(parts - 1)] = true);
        visited.iter().filter(|visited| **visited).count() as f64 / parts as f64
    };
    let shares: Vec<f64> = (0..width).map(share).collect();
    for (name, share) in data.train.input_names.iter().zip(&shares) {
        context.reporter.message("coverage", format!("{name}: {:.0} %", share * 100.0));
    }
    made.set(Coverage(shares));
    Ok(())
}

const CONFIG: &str = "
stages = ['collect', 'coverage']
collect = { train_episodes = 3, validation_episodes = 1 }
coverage.parts = 20
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::new("coverage", "counts how much of each range the expert visits", coverage)
        .section::<CoverageSection>("coverage");
    let folder = tempfile::tempdir()?;
    Run::from_text(CONFIG)?.insert_after("collect", stage)?.open(folder.path())?.execute()?;
    println!("{}", std::fs::read_to_string(folder.path().join("stages/coverage/coverage/coverage.json"))?);
    Ok(())
}

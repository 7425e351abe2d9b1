//! A stage of one's own between two of kanrl's, with a section of the config and an artifact of its own: it counts how
//! much of each observation's range the expert visits.
//!
//! ```sh
//! cargo run --release --example add_stage
//! ```

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::{Artifact, ArtifactError, Input, LoadContext, Output, Stage, StageError};
use kanrl_pipeline::run::Run;
use kanrl_pipeline::stages::collect::ExpertData;
use kanrl_pipeline::stages::context::StageContext;
use kanrl_pipeline::{files, stages};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// `[coverage]`: typos in it are refused with the file's line, as in any other section.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
struct Coverage(Vec<f64>);

impl Artifact for Coverage {
    const NAME: &'static str = "coverage";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join("coverage.json"), self)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        serde_json::from_slice(&std::fs::read(folder.join("coverage.json"))?).map_err(ArtifactError::damaged)
    }
}

fn coverage(mut made: Output<Coverage>, data: Input<ExpertData>, setting: StageContext) -> Result<(), StageError> {
    let parts = setting.config().section::<CoverageSection>("coverage").parts;
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
        setting.reporter.message("coverage", format!("{name}: {:.0} %", share * 100.0));
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
    let mut stages = stages::standard();
    let stage = Stage::new("coverage", "counts how much of each range the expert visits", coverage)
        .section::<CoverageSection>("coverage");
    stages.insert_after("collect", stage)?;

    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments)?;
    let config = MergedConfig::new(RawConfig::from_toml("this example", CONFIG)?).resolve_for(&stages)?;
    let mut run = Run::with_pipeline(config, environments, stages)?;
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?;
    run.execute()?;
    println!("{}", std::fs::read_to_string(folder.path().join("stages/coverage/coverage/coverage.json"))?);
    Ok(())
}

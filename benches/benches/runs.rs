//! Whole runs, from the bundled expert to the evaluated formula: `run/ENVIRONMENT` at the defaults of `kanrl extract`
//! without videos, `run/ENVIRONMENT/faithful` without tuning on return.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{OpenRun, PreparedRun};
use kanrl_pipeline::stages;
use std::error::Error;
use std::time::Duration;
use tempfile::TempDir;

fn prepare(text: &str) -> Result<(OpenRun, TempDir), Box<dyn Error>> {
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments)?;
    let config = MergedConfig::new(RawConfig::from_toml("run.toml", text)?).resolve()?;
    let folder = tempfile::tempdir()?;
    let run = PreparedRun::new(config, environments, stages::standard())?.open(folder.path().join("run"))?;
    Ok((run, folder))
}

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(20));
    for id in ["CartPole-v1", "MountainCarContinuous-v0"] {
        for (suffix, section) in [("", ""), ("/faithful", "polish.enabled = false\n")] {
            let text = format!("environment.id = '{id}'\nrecord.videos = false\n{section}");
            group.bench_function(format!("{id}{suffix}"), |bencher| {
                bencher.iter_batched(
                    || prepare(&text).expect("a run"),
                    |(run, folder)| {
                        run.execute().expect("a formula");
                        folder
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, runs);
criterion_main!(benches);

//! A component whose code has changed never gives an earlier result.

use kanrl_core::config::{BuildError, ExpertConfig};
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::policy::ExpertPolicy;
use kanrl_experts::FunctionPolicy;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{PreparedRun, RunSummary};
use kanrl_pipeline::stages;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands for the code: 1 balances the pole, 2 does the opposite.
static CODE: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Serialize, Deserialize)]
struct Balancer {}

#[typetag::serde(name = "versions_balancer")]
impl ExpertConfig for Balancer {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let text = if CODE.load(Ordering::SeqCst) == 1 { "3*theta + theta_dot" } else { "-3*theta - theta_dot" };
        let policy = FunctionPolicy::from_text(text, environment).map_err(|error| error.into_build_error())?;
        Ok(Arc::new(policy))
    }

    fn version(&self) -> Option<u64> {
        Some(CODE.load(Ordering::SeqCst))
    }
}

const CONFIG: &str = "
    environment.id = 'CartPole-v1'
    expert.kind = 'versions_balancer'
    collect = { train_episodes = 2, validation_episodes = 1 }
    students = { widths = [[]], rivals = false }
    dagger.rounds = 0
    polish.enabled = false
    select.episodes = 2
    evaluate = { episodes = 2, robustness_episodes = 0 }
    record.videos = false
";

fn run(folder: &Path) -> RunSummary {
    let config = MergedConfig::new(RawConfig::from_toml("test", CONFIG).unwrap()).resolve().unwrap();
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    let run = PreparedRun::new(config, environments, stages::standard()).unwrap();
    run.open(folder).unwrap().execute().unwrap()
}

#[test]
fn an_expert_whose_code_has_changed_gives_another_formula_in_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path());
    assert!(first.reused.is_empty());
    let same = run(folder.path());
    assert!(same.reused.contains(&"collect".to_owned()) && same.formula == first.formula);
    CODE.store(2, Ordering::SeqCst);
    let other = run(folder.path());
    assert!(other.reused.is_empty(), "{:?}", other.reused);
    assert_ne!(other.formula, first.formula);
}

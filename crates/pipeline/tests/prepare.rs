//! What a run refuses before anything is written.

use kanrl_core::environment::{
    Discrete, Environment, EnvironmentEntry, EnvironmentError, EnvironmentRegistry, EnvironmentSpec, StepOutcome,
};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::Stage;
use kanrl_pipeline::run::{PreparedRun, RunError};
use kanrl_pipeline::stages;

/// An environment with a single action.
struct Conveyor(EnvironmentSpec);

impl Environment for Conveyor {
    type Action = Discrete;

    fn spec(&self) -> &EnvironmentSpec {
        &self.0
    }

    fn reset(&mut self, _seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        observation[0] = 0.0;
        Ok(())
    }

    fn step(&mut self, _action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        observation[0] = 0.0;
        Ok(StepOutcome::default())
    }

    fn state(&self) -> Vec<f64> {
        Vec::new()
    }
}

#[test]
fn an_environment_without_a_choice_is_refused() {
    let conveyor = EnvironmentEntry::new("Conveyor-v0", "", "", |_: serde_json::Value| {
        let x = Coordinate::new("x", "m", 0.0, 1.0);
        Ok(Conveyor(EnvironmentSpec {
            id: "Conveyor-v0".into(),
            observation_space: BoxSpace::new(ElementType::F64, vec![x]),
            action_space: ActionSpace::Discrete(DiscreteSpace::new(["wait"])),
            max_episode_steps: Some(5),
            reward_threshold: None,
            frames_per_second: 1,
            info_names: vec![],
        }))
    });
    let mut registry = EnvironmentRegistry::new();
    registry.register(conveyor).unwrap();
    let raw = RawConfig::from_toml("test", "environment.id = 'Conveyor-v0'").unwrap();
    let config = MergedConfig::new(raw).resolve().unwrap();
    let error = PreparedRun::new(config, registry, stages::standard()).err().expect("there is nothing to choose");
    assert!(matches!(error, RunError::NothingToChoose { .. }), "{error}");
}

fn cart_pole(extra: &str) -> Result<PreparedRun, RunError> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).unwrap();
    let text = format!("{extra}\n[environment]\nid = 'CartPole-v1'\n[approximator]\nkind = 'mlp'\nsteps = 2\n");
    let config = MergedConfig::new(RawConfig::from_toml("test", &text).unwrap()).resolve().unwrap();
    PreparedRun::new(config, registry, stages::standard())
}

#[test]
fn an_approximator_without_a_graph_can_be_fitted_but_not_named() {
    let error = cart_pole("").err().expect("an MLP has no formula");
    assert!(matches!(error, RunError::NoGraph { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("`mlp` cannot become a formula, which stage `prune` needs"), "{text}");
    let run = cart_pole("stages = ['collect', 'fit']").unwrap();
    assert_eq!(run.stages(), ["collect", "fit"]);
}

/// A section that only a stage of one's own knows.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CoverageSection {
    parts: usize,
}

#[test]
fn a_typo_in_a_stage_s_own_section_is_found() {
    let mut stages = stages::standard();
    stages.push(Stage::new("coverage", "", || Ok(())).section::<CoverageSection>("coverage"));
    let refused = |text: &str| {
        let raw = RawConfig::from_toml("run.toml", text).unwrap();
        MergedConfig::new(raw).resolve_for(&stages, &EnvironmentRegistry::new()).unwrap_err()
    };
    let error = refused("seed = 1\n[coverage]\npart = 3\n");
    assert_eq!((error.key.as_str(), error.help.as_deref()), ("coverage.part", Some("did you mean `parts`?")));
    assert_eq!(error.span, Some(20..24));
    assert_eq!(refused("[coverag]\nparts = 3\n").help.as_deref(), Some("did you mean `coverage`?"));
}

#[test]
fn a_student_that_cannot_be_built_is_refused_before_anything_runs() {
    let resolve = |text: &str| {
        let text = format!("{text}\nenvironment.id = 'CartPole-v1'\n");
        MergedConfig::new(RawConfig::from_toml("test", text).unwrap()).resolve()
    };
    for text in ["students.widths = [[4000000000]]", "students.lambdas = [-1.0]"] {
        assert!(resolve(text).unwrap_err().message.contains("out of range"), "{text}");
    }
    let prepare = |text: &str| {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).unwrap();
        PreparedRun::new(resolve(text).unwrap(), registry, stages::standard()).err().expect(text)
    };
    let error = prepare("students.widths = [[0]]");
    assert!(matches!(error, RunError::Build(_)), "{error}");
    let error = prepare("dagger = { rounds = 10000, steps = 10000000 }");
    assert!(
        matches!(error, RunError::TooMuchData { .. }) && error.to_string().contains("the limit is 64 GB"),
        "{error}"
    );
}

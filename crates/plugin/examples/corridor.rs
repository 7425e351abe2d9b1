// A whole plugin: copy it to the `src/lib.rs` of a package that is a `cdylib`.

use kanrl_core::environment::{Discrete, Environment, EnvironmentError, EnvironmentSpec, StepOutcome};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use kanrl_plugin::{ExportedEnvironment, export_plugin};
use serde::{Deserialize, Serialize};

/// Keyword arguments.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CorridorConfig {
    start: f64,
}

/// Walk to the right until x = 3.
struct Corridor {
    spec: EnvironmentSpec,
    start: f64,
    x: f64,
}

impl Corridor {
    fn new(config: CorridorConfig) -> Result<Self, EnvironmentError> {
        let x = Coordinate::new("x", "m", f64::NEG_INFINITY, f64::INFINITY);
        let spec = EnvironmentSpec {
            id: "Corridor-v0".into(),
            observation_space: BoxSpace::new(ElementType::F64, vec![x]),
            action_space: ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])),
            max_episode_steps: Some(20),
            reward_threshold: None,
            frames_per_second: 10,
            info_names: vec![],
        };
        Ok(Self { spec, start: config.start, x: config.start })
    }
}

impl Environment for Corridor {
    type Action = Discrete;
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }
    fn reset(&mut self, _seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.x = self.start;
        observation[0] = self.x;
        Ok(())
    }
    fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        self.x += if action == 1 { 1.0 } else { -1.0 };
        observation[0] = self.x;
        Ok(StepOutcome { reward: -1.0, terminated: self.x >= 3.0, truncated: false })
    }
    fn state(&self) -> Vec<f64> {
        vec![self.x]
    }
}

fn environments() -> Result<Vec<ExportedEnvironment>, EnvironmentError> {
    Ok(vec![ExportedEnvironment::new("Corridor-v0", "walk to the right", Corridor::new)])
}

export_plugin!(environments);

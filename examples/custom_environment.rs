//! The smallest environment of one's own: a cart on a rail that must come to rest at x = 0, an expert for it, and the
//! formula that kanrl makes of the expert.
//!
//! ```sh
//! cargo run --release --example custom_environment
//! ```

use kan_core::action::{ActionBatch, ContinuousAction};
use kan_core::config::{BuildError, ExpertConfig};
use kan_core::environment::{
    Continuous, Environment, EnvironmentEntry, EnvironmentError, EnvironmentRegistry, EnvironmentSpec, StepOutcome,
};
use kan_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind};
use kan_core::random::Generator;
use kan_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use pipeline::config::{MergedConfig, RawConfig};
use pipeline::run::Run;
use std::sync::Arc;

struct Rail {
    spec: EnvironmentSpec,
    random: Generator,
    x: f64,
    x_dot: f64,
}

/// Keyword arguments: none.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {}

impl Rail {
    fn new(_: Arguments) -> Result<Self, EnvironmentError> {
        let unbounded = |name, unit| Coordinate::new(name, unit, f64::NEG_INFINITY, f64::INFINITY);
        let force = Coordinate::new("force", "N", -1.0, 1.0);
        let spec = EnvironmentSpec {
            id: "Rail-v0".into(),
            observation_space: BoxSpace::new(ElementType::F64, vec![unbounded("x", "m"), unbounded("x_dot", "m/s")]),
            action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, vec![force])),
            max_episode_steps: Some(200),
            reward_threshold: None,
            frames_per_second: 20,
            info_names: vec![],
        };
        Ok(Self { spec, random: Generator::new(0), x: 0.0, x_dot: 0.0 })
    }
}

impl Environment for Rail {
    type Action = Continuous;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.random = Generator::new(seed);
        }
        (self.x, self.x_dot) = (self.random.uniform(-1.0, 1.0), self.random.uniform(-1.0, 1.0));
        observation.copy_from_slice(&[self.x, self.x_dot]);
        Ok(())
    }

    fn step(&mut self, action: ContinuousAction, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let dt = 0.05;
        self.x_dot += dt * action.get(0).clamp(-1.0, 1.0);
        self.x += dt * self.x_dot;
        observation.copy_from_slice(&[self.x, self.x_dot]);
        let reward = -(self.x * self.x + 0.1 * self.x_dot * self.x_dot);
        Ok(StepOutcome { reward, terminated: self.x.abs() > 5.0, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        vec![self.x, self.x_dot]
    }
}

/// `kind = "spring"`: pulls the cart back and brakes it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Spring {}

#[typetag::serde(name = "spring")]
impl ExpertConfig for Spring {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        Ok(Arc::new(SpringPolicy(environment.action_space.clone())))
    }
}

struct SpringPolicy(ActionSpace);

impl Policy for SpringPolicy {
    fn observation_size(&self) -> usize {
        2
    }

    fn action_space(&self) -> &ActionSpace {
        &self.0
    }

    fn act(&self, observations: &[f64], elapsed: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let mut forces = vec![0.0; elapsed.len()];
        self.scores(observations, elapsed, &mut forces)?;
        actions.resize(elapsed.len());
        actions.set_from_outputs(&self.0, &forces);
        Ok(())
    }
}

impl ExpertPolicy for SpringPolicy {
    fn score_kind(&self) -> Option<ScoreKind> {
        Some(ScoreKind::Means)
    }

    fn scores(&self, observations: &[f64], _elapsed: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        for (force, state) in scores.iter_mut().zip(observations.chunks_exact(2)) {
            *force = -3.0 * state[0] - 2.0 * state[1];
        }
        Ok(())
    }

    fn source(&self) -> &str {
        "a spring and a brake"
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut environments = EnvironmentRegistry::new();
    environments.register(EnvironmentEntry::new("Rail-v0", "come to rest", "this example", Rail::new))?;
    let text = "environment.id = 'Rail-v0'\nexpert.kind = 'spring'\napproximator.hidden = []";
    let config = MergedConfig::new(RawConfig::from_toml("this example", text)?).resolve()?;
    let mut run = Run::prepare(config, environments)?;
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?;
    let summary = run.execute()?;
    for row in &summary.rows {
        println!("{:<8} {:>8.3} ± {:.3}", row.policy, row.returns.mean, row.returns.std);
    }
    println!("\n{}", summary.formula);
    Ok(())
}

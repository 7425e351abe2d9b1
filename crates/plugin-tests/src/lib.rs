//! A plugin for the tests of the loader: an environment that fails on demand, and CartPole to measure with.

use kanrl_core::environment::{
    Discrete, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome,
};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use kanrl_envs_classic::{CartPole, CartPoleConfig};
use kanrl_plugin::{ExportedEnvironment, export_plugin};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where [`Faulty`] fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    #[default]
    Nowhere,
    Create,
    Reset,
    Step,
    Reward,
    State,
    Info,
    Parameters,
    Render,
    Destroy,
}

/// How it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    #[default]
    Error,
    Panic,
    Nan,
    Hang,
    Crash,
    /// Ends the process as if all were well.
    Exit,
    /// Every other instance has one more coordinate.
    Change,
    /// Writes to standard output, and goes on.
    Print,
}

/// Keyword arguments of [`Faulty`].
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FaultyConfig {
    place: Place,
    fault: Fault,
    /// Steps that go well.
    after: u32,
    /// Only instances that were reset with this seed fail.
    seed: Option<u64>,
}

/// Counts its steps.
struct Faulty {
    spec: EnvironmentSpec,
    config: FaultyConfig,
    steps: u32,
    seed: Option<u64>,
    gain: f64,
}

impl Faulty {
    fn new(config: FaultyConfig) -> Result<Self, EnvironmentError> {
        static INSTANCES: AtomicUsize = AtomicUsize::new(0);
        let changes = config.fault == Fault::Change;
        let coordinates = if changes { 1 + INSTANCES.fetch_add(1, Ordering::SeqCst) % 2 } else { 1 };
        let coordinate = |name: &&str| Coordinate::new(*name, "1", 0.0, f64::INFINITY);
        let coordinates = ["count", "further"][..coordinates].iter().map(coordinate).collect();
        let spec = EnvironmentSpec {
            id: "Faulty-v0".into(),
            observation_space: BoxSpace::new(ElementType::F64, coordinates),
            action_space: ActionSpace::Discrete(DiscreteSpace::new(["wait", "go"])),
            max_episode_steps: Some(50),
            reward_threshold: Some(10.0),
            frames_per_second: 10,
            info_names: vec!["twice".into()],
        };
        let environment = Self { spec, config, steps: 0, seed: None, gain: 1.0 };
        environment.fail(Place::Create).map(|_| environment)
    }

    /// NaN or 0 is added to what the place gives.
    fn fail(&self, place: Place) -> Result<f64, EnvironmentError> {
        let FaultyConfig { place: wanted, fault, after, seed } = self.config;
        if place != wanted || self.steps < after || seed.is_some_and(|seed| self.seed != Some(seed)) {
            return Ok(0.0);
        }
        match fault {
            Fault::Error => {
                Err(EnvironmentError::Engine { id: self.spec.id.clone(), reason: "the engine is out of oil".into() })
            }
            Fault::Panic => panic!("the wheels came off after {} steps", self.steps),
            Fault::Nan => Ok(f64::NAN),
            Fault::Hang => loop {
                std::thread::sleep(std::time::Duration::from_millis(10));
            },
            Fault::Crash => std::process::abort(),
            Fault::Change => Ok(0.0),
            Fault::Exit => std::process::exit(0),
            Fault::Print => {
                println!("a plugin says what nobody asked");
                Ok(0.0)
            }
        }
    }
}

impl Environment for Faulty {
    type Action = Discrete;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.steps = 0;
        self.seed = seed.or(self.seed);
        observation[0] = self.fail(Place::Reset)?;
        Ok(())
    }

    fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        observation[0] = f64::from(self.steps + 1) + self.fail(Place::Step)?;
        let reward = self.gain * action as f64 + self.fail(Place::Reward)?;
        self.steps += 1;
        Ok(StepOutcome { reward, terminated: false, truncated: false })
    }

    fn info(&self, info: &mut [f64]) {
        info[0] = 2.0 * f64::from(self.steps) + self.fail(Place::Info).unwrap_or(f64::NAN);
    }

    fn state(&self) -> Vec<f64> {
        vec![f64::from(self.steps) + self.fail(Place::State).unwrap_or(f64::NAN)]
    }

    fn parameters(&self) -> Vec<Parameter> {
        let nothing = self.fail(Place::Parameters).unwrap_or(f64::NAN);
        vec![Parameter { name: "gain".into(), unit: "1".into(), value: self.gain + nothing }]
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        if name != "gain" {
            return Err(EnvironmentError::unknown_parameter(&self.spec.id, name, &self.parameters()));
        }
        self.gain = value;
        Ok(())
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        if self.config.place != Place::Render {
            return Err(EnvironmentError::NoRendering { id: self.spec.id.clone() });
        }
        self.fail(Place::Render)?;
        Ok(Frame { width: 2, height: 1, rgb: vec![0, 1, 2, 3, 4, 5] })
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if self.config.place == Place::Destroy {
            panic!("cannot let go");
        }
    }
}

/// CartPole has no arguments here.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

fn environments() -> Result<Vec<ExportedEnvironment>, EnvironmentError> {
    Ok(vec![
        ExportedEnvironment::new("Faulty-v0", "fails on demand", Faulty::new),
        ExportedEnvironment::new("plugin:CartPole-v1", "balance a pole on a cart", |_: NoArguments| {
            Ok(CartPole::new(CartPoleConfig::default()))
        }),
    ])
}

export_plugin!(environments);

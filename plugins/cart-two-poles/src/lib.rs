//! Double pole balancing as a plugin: a cart carries two poles of different lengths, and one force balances both.
//!
//! The shorter pole falls faster, so pushing the cart under one pole lets the other one fall: a benchmark of control
//! and neuroevolution since A. P. Wieland, "Evolving neural network controllers for unstable systems", IJCNN 1991.

mod dynamics;
mod picture;

pub use dynamics::{Constants, accelerations, advance};

use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{
    Continuous, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome,
};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use kanrl_plugin::{ExportedEnvironment, export_plugin};
use serde::{Deserialize, Serialize};
use serde_json::json;

const RAIL: f64 = 2.4;
const FALLEN: f64 = 36.0 / 180.0 * std::f64::consts::PI;
const FORCE: f64 = 10.0;
/// A force holds for this many Runge-Kutta steps of [`TIME_STEP`].
const STEPS_PER_ACTION: usize = 2;
const TIME_STEP: f64 = 0.01;

/// Keyword arguments of [`CartTwoPoles`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartTwoPolesConfig {
    /// Length of the short pole in m (the long one has 1 m). The closer to 1, the harder; at 1 it cannot be done.
    pub short_pole: f64,
}

impl Default for CartTwoPolesConfig {
    fn default() -> Self {
        Self { short_pole: 0.1 }
    }
}

/// Keep both poles within 36° of upright and the cart within 2.4 m of the middle.
///
/// | index | observation | unit |
/// | --- | --- | --- |
/// | 0, 1 | position and velocity of the cart | m, m/s |
/// | 2, 3 | angle from upright and its rate, long pole | rad, rad/s |
/// | 4, 5 | the same, short pole | rad, rad/s |
///
/// The action is the force on the cart in N, clipped to ±10. The reward is 1 in every step; an episode of 1000 steps of
/// 0.02 s was lived through. It starts with every position within ±0.05 and at rest.
#[derive(Clone, Debug)]
pub struct CartTwoPoles {
    spec: EnvironmentSpec,
    constants: Constants,
    state: [f64; 6],
    generator: Generator,
}

impl CartTwoPoles {
    /// An environment that has not been reset yet.
    ///
    /// # Errors
    /// [`EnvironmentError::BadArguments`] for a short pole that is not between 0 and 1 m long.
    pub fn new(config: CartTwoPolesConfig) -> Result<Self, EnvironmentError> {
        let short = config.short_pole;
        if !(short > 0.0 && short < 1.0) {
            let reason = format!("short_pole is {short} m, expected a length between 0 and 1 m");
            return Err(EnvironmentError::BadArguments { id: "CartTwoPoles-v0".into(), reason });
        }
        let free = |name: &str, unit: &str, description: &str| {
            Coordinate::new(name, unit, f64::NEG_INFINITY, f64::INFINITY).described(description)
        };
        let spec = EnvironmentSpec {
            id: "CartTwoPoles-v0".into(),
            observation_space: BoxSpace::new(
                ElementType::F64,
                vec![
                    free("x", "m", "position of the cart"),
                    free("x_dot", "m/s", "velocity of the cart"),
                    free("theta_1", "rad", "angle of the long pole from upright"),
                    free("theta_1_dot", "rad/s", "rate of the long pole's angle"),
                    free("theta_2", "rad", "angle of the short pole from upright"),
                    free("theta_2_dot", "rad/s", "rate of the short pole's angle"),
                ],
            ),
            action_space: ActionSpace::Box(BoxSpace::new(
                ElementType::F32,
                vec![Coordinate::new("force", "N", -FORCE, FORCE).described("push to the right")],
            )),
            max_episode_steps: Some(1000),
            reward_threshold: None,
            frames_per_second: 50,
            info_names: vec![],
        };
        let constants = Constants::wieland(short);
        Ok(Self { spec, constants, state: [0.0; 6], generator: Generator::new(0) })
    }
}

impl Environment for CartTwoPoles {
    type Action = Continuous;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        let mut near_zero = || self.generator.uniform(-0.05, 0.05);
        self.state = [near_zero(), 0.0, near_zero(), 0.0, near_zero(), 0.0];
        observation.copy_from_slice(&self.state);
        Ok(())
    }

    fn step(&mut self, action: ContinuousAction<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let force = action.get(0).clamp(-FORCE, FORCE);
        for _ in 0..STEPS_PER_ACTION {
            self.state = advance(&self.constants, &self.state, force, TIME_STEP);
        }
        observation.copy_from_slice(&self.state);
        let terminated = self.state[0].abs() > RAIL || self.state[2].abs() > FALLEN || self.state[4].abs() > FALLEN;
        Ok(StepOutcome { reward: 1.0, terminated, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        self.state.to_vec()
    }

    fn parameters(&self) -> Vec<Parameter> {
        let parameter = |(name, unit, value): (&str, &str, &mut f64)| Parameter {
            name: name.into(),
            unit: unit.into(),
            value: *value,
        };
        self.constants.clone().named().into_iter().map(parameter).collect()
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        // In a variable, so that the borrow ends before the error is made.
        let known = self.constants.named().into_iter().find(|(known, ..)| *known == name);
        if let Some((.., constant)) = known {
            *constant = value;
            return Ok(());
        }
        Err(EnvironmentError::unknown_parameter(&self.spec.id, name, &self.parameters()))
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Ok(picture::draw(&self.state, &self.constants, RAIL))
    }
}

fn environments() -> Result<Vec<ExportedEnvironment>, EnvironmentError> {
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "short_pole": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 0.1,
                "description": "length of the short pole in m"},
        },
    });
    let summary = "balance two poles of different lengths on one cart";
    Ok(vec![ExportedEnvironment::new("CartTwoPoles-v0", summary, CartTwoPoles::new).with_schema(&schema)])
}

export_plugin!(environments);

//! LunarLander.

mod control;
mod picture;
mod spec;
mod world;

pub use control::{EngineControl, Engines};

use crate::engine::BodyState;
use crate::parameters::{Constant, Constants, Range, not_reset, write_f32};
use kanrl_core::environment::{
    ActionKind, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome,
};
use kanrl_core::random::Generator;
use serde::Deserialize;
use std::marker::PhantomData;
use world::Episode;

/// Land a rocket on the pad between two flags: at (0, 0), engines off, on both legs, at rest.
///
/// The action type is [`Discrete`](kanrl_core::environment::Discrete) or
/// [`Continuous`](kanrl_core::environment::Continuous).
///
/// # Actions
/// | discrete | meaning |
/// |---|---|
/// | 0 | nothing |
/// | 1 | fire the left orientation engine: pushes to the left, turns counter-clockwise |
/// | 2 | fire the main engine |
/// | 3 | fire the right orientation engine: pushes to the right, turns clockwise |
///
/// | continuous | meaning | range |
/// |---|---|---|
/// | `main_engine` | off up to 0, then from 50 % to 100 % throttle | -1 to 1 |
/// | `side_engine` | left engine below -0.5, right engine above 0.5, each from 50 % to 100 % throttle; else off | -1 to 1 |
///
/// Values beyond the range are clipped.
///
/// # Observations
/// | index | name | meaning | range | one unit is |
/// |---|---|---|---|---|
/// | 0 | `x` | distance from the pad's middle, to the right | -2.5 to 2.5 | 10 m |
/// | 1 | `y` | height above the pad, legs stretched | -2.5 to 2.5 | 20/3 m |
/// | 2 | `x_dot` | horizontal velocity | -10 to 10 | 5 m/s |
/// | 3 | `y_dot` | vertical velocity | -10 to 10 | 7.5 m/s |
/// | 4 | `theta` | tilt, counter-clockwise, not wrapped | -2π to 2π | 1 rad |
/// | 5 | `theta_dot` | angular velocity | -10 to 10 | 2.5 rad/s |
/// | 6 | `right_leg_contact` | whether the right leg, Gymnasium's first, touches the ground | 0 or 1 | |
/// | 7 | `left_leg_contact` | whether the left leg touches the ground | 0 or 1 | |
///
/// # Reward
/// The gain in −100·√(x² + y²) − 100·√(ẋ² + ẏ²) − 100·|θ| + 10·(legs on the ground), minus 0.3 × the main engine's
/// throttle and 0.03 × the side engine's. A crash or leaving the screen gives −100 instead, coming to rest +100.
///
/// # Episode end
/// Terminated when the body touches the ground, when |x| ≥ 1, or when the lander has come to rest (Box2D has put it to
/// sleep); truncated after 1000 steps. 200 points count as solved.
///
/// # Start
/// At the top center, upright, pushed by a force uniform in ±1000 N in x and y for one step of 0.02 s; the ground is 11
/// points around the level pad, smoothed from heights uniform between 0 and 20/3 m.
///
/// # Randomness
/// Both engines scatter: two uniform draws displace each step's thrust.
///
/// # Version history
/// - v3: the world is made anew in every reset and so is the wind; wider bounds of the observation space.
/// - v2: fuel costs; wind and turbulence. Here it is v3 with the old bounds: ±1.5 for positions, ±5 for velocities, ±π
///   for the angle. Gymnasium's v2 gives the same bits in a fresh environment, but its wind does not obey the seed.
///
/// # Source
/// Gymnasium 1.4.0, `gymnasium/envs/box2d/lunar_lander.py`, including its quirk that the side engines push at a point
/// that depends on the tilt. Observations, rewards and flags are equal bit for bit, contacts included.
#[derive(Debug)]
pub struct LunarLander<A> {
    spec: EnvironmentSpec,
    constants: LanderConstants,
    enable_wind: bool,
    generator: Generator,
    episode: Option<Episode>,
    action: PhantomData<fn() -> A>,
}

/// Gymnasium's keyword arguments of `LunarLander-v3`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LunarLanderConfig {
    /// Continuous actions instead of discrete ones; by default, what the id says. [`LunarLander::new`] does not read
    /// it: there the type decides.
    pub continuous: Option<bool>,
    /// Gravity along y, in m/s², between -12 and 0 (default -10).
    pub gravity: f64,
    /// Whether there is wind (default false).
    pub enable_wind: bool,
    /// Largest force of the wind, in N; 0 to 20 is recommended (default 15).
    pub wind_power: f64,
    /// Largest torque of the wind, in N·m; 0 to 2 is recommended (default 1.5).
    pub turbulence_power: f64,
}

impl Default for LunarLanderConfig {
    fn default() -> Self {
        Self { continuous: None, gravity: -10.0, enable_wind: false, wind_power: 15.0, turbulence_power: 1.5 }
    }
}

#[derive(Clone, Debug)]
struct LanderConstants {
    gravity: f64,
    lander_density: f64,
    leg_density: f64,
    main_engine_power: f64,
    side_engine_power: f64,
    wind_power: f64,
    turbulence_power: f64,
    time_step: f64,
}

impl Constants for LanderConstants {
    fn each(&mut self) -> Vec<Constant<'_>> {
        use Range::{Any, Positive};
        let constant = |name, unit, range, value| Constant { name, unit, range, value };
        vec![
            constant("gravity", "m/s^2", Any, &mut self.gravity),
            constant("lander_density", "kg/m^2", Positive, &mut self.lander_density),
            constant("leg_density", "kg/m^2", Positive, &mut self.leg_density),
            constant("main_engine_power", "kg/s", Any, &mut self.main_engine_power),
            constant("side_engine_power", "kg/s", Any, &mut self.side_engine_power),
            constant("wind_power", "N", Any, &mut self.wind_power),
            constant("turbulence_power", "N*m", Any, &mut self.turbulence_power),
            constant("time_step", "s", Positive, &mut self.time_step),
        ]
    }
}

/// Which of Gymnasium's versions. They differ in the bounds of the observation space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LunarLanderVersion {
    /// Of Gymnasium before 1.0.
    V2,
    /// Of Gymnasium 1.0 and later.
    V3,
}

impl LunarLanderVersion {
    /// Gymnasium's id.
    pub fn id(self, continuous: bool) -> &'static str {
        match (self, continuous) {
            (Self::V2, false) => "LunarLander-v2",
            (Self::V2, true) => "LunarLanderContinuous-v2",
            (Self::V3, false) => "LunarLander-v3",
            (Self::V3, true) => "LunarLanderContinuous-v3",
        }
    }
}

impl<A: EngineControl> LunarLander<A> {
    /// An environment that calls itself `id`.
    ///
    /// # Errors
    /// [`EnvironmentError::BadArguments`] if gravity is not between -12 and 0, or the wind is out of all bounds.
    pub fn new(version: LunarLanderVersion, id: &str, config: LunarLanderConfig) -> Result<Self, EnvironmentError> {
        if !(config.gravity > -12.0 && config.gravity < 0.0) {
            let reason = format!("`gravity` is {}, expected a number between -12 and 0", config.gravity);
            return Err(EnvironmentError::BadArguments { id: id.to_owned(), reason });
        }
        let constants = LanderConstants {
            gravity: config.gravity,
            lander_density: 5.0,
            leg_density: 1.0,
            main_engine_power: 13.0,
            side_engine_power: 0.6,
            wind_power: config.wind_power,
            turbulence_power: config.turbulence_power,
            time_step: 1.0 / 50.0,
        };
        Ok(Self {
            spec: spec::spec(version, id, A::action_space()),
            constants: constants.check(id)?,
            enable_wind: config.enable_wind,
            generator: Generator::new(0),
            episode: None,
            action: PhantomData,
        })
    }

    /// The ground's corner points, from left to right, in m; `None` before the first reset.
    pub fn terrain(&self) -> Option<&[[f64; 2]]> {
        self.episode.as_ref().map(|episode| &episode.terrain[..])
    }
}

impl<A: EngineControl> Environment for LunarLander<A> {
    type Action = A;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        let episode = self.episode.insert(Episode::new(&self.constants, self.enable_wind, &mut self.generator));
        let (values, _) = episode.step(&self.constants, Engines::default(), &mut self.generator);
        write_f32(&values, observation);
        Ok(())
    }

    #[inline]
    fn step(
        &mut self,
        action: <A as ActionKind>::Value<'_>,
        observation: &mut [f64],
    ) -> Result<StepOutcome, EnvironmentError> {
        let Some(episode) = &mut self.episode else { return Err(not_reset(&self.spec.id)) };
        let (values, outcome) = episode.step(&self.constants, A::engines(action), &mut self.generator);
        write_f32(&values, observation);
        Ok(outcome)
    }

    /// Of the lander, the right leg and the left leg: x, y (of the body's origin), angle, the velocity's x and y (of the
    /// center of mass), the angular velocity, and 1 while Box2D has the body awake. Zeros before the first reset.
    fn state(&self) -> Vec<f64> {
        match &self.episode {
            Some(episode) => episode.world.states().flat_map(|state| state.values()).collect(),
            None => vec![0.0; 3 * BodyState::LENGTH],
        }
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.constants.parameters()
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.constants.set(&self.spec.id, name, value)?;
        if let Some(episode) = &mut self.episode {
            episode.apply(&self.constants);
        }
        Ok(())
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        self.episode.as_ref().map(picture::draw).ok_or_else(|| not_reset(&self.spec.id))
    }
}

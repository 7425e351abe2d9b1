//! One episode. The order of random draws, calls and operations is Gymnasium's: its bits depend on it.

use super::{Engines, LanderConstants};
use crate::drawing::{HEIGHT, SCALE, WIDTH};
use crate::engine::{Body, BodyDefinition, BodyState, JointDefinition, Shape, Vector, World};
use kanrl_core::environment::StepOutcome;
use kanrl_core::random::Generator;

/// Points of the ground; the pad lies between the fourth and the sixth.
const CHUNKS: usize = 11;
/// The pad's height.
pub(super) const HELIPAD: f64 = HEIGHT / 4.0;
/// Where its flags are.
pub(super) const HELIPAD_EDGES: [f64; 2] = [WIDTH * 0.4, WIDTH * 0.6];
const FRAMES_PER_SECOND: f64 = 50.0;
const INITIAL_FORCE: f64 = 1000.0;

/// The lander's outline, in its frame.
pub(super) const LANDER: [Vector; 6] = [
    [-14.0 / SCALE, 17.0 / SCALE],
    [-17.0 / SCALE, 0.0],
    [-17.0 / SCALE, -10.0 / SCALE],
    [17.0 / SCALE, -10.0 / SCALE],
    [17.0 / SCALE, 0.0],
    [14.0 / SCALE, 17.0 / SCALE],
];
/// Half a leg's width and height.
pub(super) const LEG: Vector = [2.0 / SCALE, 8.0 / SCALE];
const LEG_AWAY: f64 = 20.0;
const LEG_DOWN: f64 = 18.0;
const LEG_SPRING_TORQUE: f32 = 40.0;

const MAIN_ENGINE_LOCATION: f64 = 4.0;
const SIDE_ENGINE_AWAY: f64 = 12.0;
const SIDE_ENGINE_HEIGHT: f64 = 14.0;
/// What Gymnasium uses in place of [`SIDE_ENGINE_HEIGHT`] in x.
const SIDE_ENGINE_HEIGHT_IN_X: f64 = 17.0;

#[derive(Debug)]
pub(super) struct Episode {
    pub(super) world: World,
    pub(super) terrain: [Vector; CHUNKS],
    pub(super) lander: Body,
    /// The right one and the left one.
    pub(super) legs: [Body; 2],
    /// What fires, for pictures.
    pub(super) engines: Engines,
    wind: Option<Wind>,
    previous_shaping: Option<f64>,
}

/// Where the wind is in its never-ending pattern.
#[derive(Clone, Copy, Debug)]
struct Wind {
    force_index: i64,
    torque_index: i64,
}

impl Episode {
    /// The start. Gymnasium's `reset` then takes a step in which nothing fires.
    pub(super) fn new(constants: &LanderConstants, enable_wind: bool, generator: &mut Generator) -> Self {
        let mut world = World::new(constants.gravity);
        let terrain = terrain(generator);
        let edges = terrain.windows(2).map(|points| (Shape::Edge(points[0], points[1]), 0.1));
        world.add_static_body(std::iter::once((Shape::Edge([0.0; 2], [WIDTH, 0.0]), 0.2)).chain(edges));

        let start = [WIDTH / 2.0, HEIGHT];
        let lander = world.add_body(&BodyDefinition {
            position: start,
            angle: 0.0,
            shape: Shape::Polygon(&LANDER),
            density: constants.lander_density,
            friction: 0.1,
        });
        let force = [(); 2].map(|()| generator.uniform(-INITIAL_FORCE, INITIAL_FORCE));
        world.apply_force(lander, force);
        let wind = enable_wind.then(|| Wind {
            force_index: generator.integers(-9999, 9999),
            torque_index: generator.integers(-9999, 9999),
        });
        let legs = [-1.0, 1.0].map(|side| add_leg(&mut world, constants, start, lander, side));
        Self { world, terrain, lander, legs, engines: Engines::default(), wind, previous_shaping: None }
    }

    /// Brings changed constants into the running world.
    pub(super) fn apply(&mut self, constants: &LanderConstants) {
        self.world.set_gravity(constants.gravity);
        self.world.set_density(self.lander, constants.lander_density);
        for leg in self.legs {
            self.world.set_density(leg, constants.leg_density);
        }
    }

    /// One step; returns the observation before it is rounded to f32.
    pub(super) fn step(
        &mut self,
        constants: &LanderConstants,
        engines: Engines,
        generator: &mut Generator,
    ) -> ([f64; 8], StepOutcome) {
        self.blow(constants);
        let dispersion = [(); 2].map(|()| generator.uniform(-1.0, 1.0) / SCALE);
        self.fire(constants, engines, dispersion);
        self.engines = engines;
        self.world.step(constants.time_step);

        let state = self.world.state(self.lander);
        let legs = self.legs.map(|leg| f64::from(self.world.touches_ground(leg)));
        let observation = observation(&state, legs);
        let mut outcome = StepOutcome { reward: self.reward(&observation, engines), ..StepOutcome::default() };
        if self.world.has_touched_ground(self.lander) || observation[0].abs() >= 1.0 {
            outcome = StepOutcome { reward: -100.0, terminated: true, truncated: false };
        }
        if !state.awake() {
            outcome = StepOutcome { reward: 100.0, terminated: true, truncated: false };
        }
        (observation, outcome)
    }

    fn blow(&mut self, constants: &LanderConstants) {
        let Some(wind) = &mut self.wind else { return };
        if self.legs.iter().any(|leg| self.world.touches_ground(*leg)) {
            return;
        }
        // tanh(sin(2kt) + sin(πkt)) with k = 0.01 has no period.
        let pattern = |index: i64| {
            let index = index as f64;
            ((0.02 * index).sin() + (std::f64::consts::PI * 0.01 * index).sin()).tanh()
        };
        let force = pattern(wind.force_index) * constants.wind_power;
        let torque = pattern(wind.torque_index) * constants.turbulence_power;
        wind.force_index += 1;
        wind.torque_index += 1;
        self.world.apply_force(self.lander, [force, 0.0]);
        self.world.apply_torque(self.lander, torque);
    }

    fn fire(&mut self, constants: &LanderConstants, engines: Engines, dispersion: [f64; 2]) {
        let state = self.world.state(self.lander);
        let ([x, y], (sin, cos)) = (state.position(), state.angle().sin_cos());
        if engines.main > 0.0 {
            let down = MAIN_ENGINE_LOCATION / SCALE + 2.0 * dispersion[0];
            let offset = [sin * down + -cos * dispersion[1], -cos * down - sin * dispersion[1]];
            let impulse = offset.map(|value| -value * constants.main_engine_power * engines.main);
            self.world.apply_impulse(self.lander, impulse, [x + offset[0], y + offset[1]]);
        }
        if engines.side > 0.0 {
            let aside = 3.0 * dispersion[1] + engines.direction * SIDE_ENGINE_AWAY / SCALE;
            let offset = [sin * dispersion[0] + -cos * aside, -cos * dispersion[0] - sin * aside];
            let impulse = offset.map(|value| -value * constants.side_engine_power * engines.side);
            let point = [
                x + offset[0] - sin * SIDE_ENGINE_HEIGHT_IN_X / SCALE,
                y + offset[1] + cos * SIDE_ENGINE_HEIGHT / SCALE,
            ];
            self.world.apply_impulse(self.lander, impulse, point);
        }
    }

    fn reward(&mut self, observation: &[f64; 8], engines: Engines) -> f64 {
        let [x, y, x_dot, y_dot, theta, _, right, left] = *observation;
        let shaping =
            -100.0 * (x * x + y * y).sqrt() - 100.0 * (x_dot * x_dot + y_dot * y_dot).sqrt() - 100.0 * theta.abs()
                + 10.0 * right
                + 10.0 * left;
        let gain = self.previous_shaping.map_or(0.0, |previous| shaping - previous);
        self.previous_shaping = Some(shaping);
        gain - engines.main * 0.30 - engines.side * 0.03
    }
}

fn observation(state: &BodyState, legs: [f64; 2]) -> [f64; 8] {
    let ([x, y], [x_dot, y_dot]) = (state.position(), state.velocity());
    [
        (x - WIDTH / 2.0) / (WIDTH / 2.0),
        (y - (HELIPAD + LEG_DOWN / SCALE)) / (HEIGHT / 2.0),
        x_dot * (WIDTH / 2.0) / FRAMES_PER_SECOND,
        y_dot * (HEIGHT / 2.0) / FRAMES_PER_SECOND,
        state.angle(),
        20.0 * state.angular_velocity() / FRAMES_PER_SECOND,
        legs[0],
        legs[1],
    ]
}

/// The ground's points: random heights, level around the middle, each the mean of three neighbors. The first one's left
/// neighbor is the twelfth height, as Python's index -1 has it.
fn terrain(generator: &mut Generator) -> [Vector; CHUNKS] {
    let mut height: [f64; CHUNKS + 1] = std::array::from_fn(|_| generator.uniform(0.0, HEIGHT / 2.0));
    height[CHUNKS / 2 - 2..=CHUNKS / 2 + 2].fill(HELIPAD);
    std::array::from_fn(|index| {
        let left = height[(index + CHUNKS) % (CHUNKS + 1)];
        let smooth = 0.33 * (left + height[index] + height[index + 1]);
        [WIDTH / (CHUNKS - 1) as f64 * index as f64, smooth]
    })
}

/// `side` is -1 for the first leg, the one on the right, and 1 for the other.
fn add_leg(world: &mut World, constants: &LanderConstants, start: Vector, lander: Body, side: f64) -> Body {
    let leg = world.add_body(&BodyDefinition {
        position: [start[0] - side * LEG_AWAY / SCALE, start[1]],
        angle: side * 0.05,
        shape: Shape::Rectangle(LEG[0], LEG[1]),
        density: constants.leg_density,
        friction: 0.2,
    });
    world.add_joint(&JointDefinition {
        first: lander,
        second: leg,
        first_anchor: [0.0; 2],
        second_anchor: [(side * LEG_AWAY / SCALE) as f32, (LEG_DOWN / SCALE) as f32],
        reference_angle: (side * 0.05) as f32,
        limits: if side < 0.0 { [0.4, 0.9] } else { [-0.9, -0.4] },
        motor_speed: (0.3 * side) as f32,
        maximum_motor_torque: LEG_SPRING_TORQUE,
    });
    leg
}

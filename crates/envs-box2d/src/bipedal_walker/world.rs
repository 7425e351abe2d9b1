//! One episode. The order of random draws, calls and operations is Gymnasium's: its bits depend on it.

use super::WalkerConstants;
use super::terrain::{self, Terrain};
use crate::drawing::{HEIGHT, SCALE, WIDTH};
use crate::engine::{Body, BodyDefinition, Joint, JointDefinition, Shape, Vector, World};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::StepOutcome;
use kanrl_core::random::Generator;

pub(super) const MOTOR_TORQUE: f64 = 80.0;
const FRAMES_PER_SECOND: f64 = 50.0;
const INITIAL_FORCE: f64 = 5.0;
const HIP_SPEED: f64 = 4.0;
const KNEE_SPEED: f64 = 6.0;
const LIDAR_RANGE: f64 = 160.0 / SCALE;
const RAYS: usize = 10;
const OBSERVATIONS: usize = 14 + RAYS;

/// The hull's outline, in its frame.
pub(super) const HULL: [Vector; 5] = [
    [-30.0 / SCALE, 9.0 / SCALE],
    [6.0 / SCALE, 9.0 / SCALE],
    [34.0 / SCALE, 1.0 / SCALE],
    [34.0 / SCALE, -8.0 / SCALE],
    [-30.0 / SCALE, -8.0 / SCALE],
];
const LEG_DOWN: f64 = -8.0 / SCALE;
const LEG_WIDTH: f64 = 8.0 / SCALE;
const LEG_HEIGHT: f64 = 34.0 / SCALE;
/// Half the width and height of a leg's upper and lower part.
pub(super) const LEG_PARTS: [Vector; 2] =
    [[LEG_WIDTH / 2.0, LEG_HEIGHT / 2.0], [0.8 * LEG_WIDTH / 2.0, LEG_HEIGHT / 2.0]];

#[derive(Debug)]
pub(super) struct Episode {
    pub(super) world: World,
    pub(super) terrain: Terrain,
    pub(super) hull: Body,
    pub(super) legs: [Leg; 2],
    /// What the rays of the last observation gave.
    pub(super) lidar: [f64; RAYS],
    previous_shaping: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) upper: Body,
    pub(super) lower: Body,
    hip: Joint,
    knee: Joint,
}

impl Episode {
    /// The start. Gymnasium's `reset` then takes a step without torque.
    pub(super) fn new(constants: &WalkerConstants, hardcore: bool, generator: &mut Generator) -> Self {
        let mut world = World::new(constants.gravity);
        let terrain = Terrain::new(hardcore, generator);
        terrain.build(&mut world);

        let start = [terrain::STEP * terrain::START_PAD as f64 / 2.0, terrain::HEIGHT + 2.0 * LEG_HEIGHT];
        let hull = world.add_body(&BodyDefinition {
            position: start,
            angle: 0.0,
            shape: Shape::Polygon(&HULL),
            density: constants.hull_density,
            friction: 0.1,
        });
        world.apply_force(hull, [generator.uniform(-INITIAL_FORCE, INITIAL_FORCE), 0.0]);
        let legs = [-1.0, 1.0].map(|side| Leg::new(&mut world, constants, start, hull, side));
        Self { world, terrain, hull, legs, lidar: [1.0; RAYS], previous_shaping: None }
    }

    /// Brings changed constants into the running world.
    pub(super) fn apply(&mut self, constants: &WalkerConstants) {
        self.world.set_gravity(constants.gravity);
        self.world.set_density(self.hull, constants.hull_density);
        for part in self.legs.iter().flat_map(|leg| [leg.upper, leg.lower]) {
            self.world.set_density(part, constants.leg_density);
        }
    }

    /// One step; returns the observation before it is rounded to f32.
    pub(super) fn step(
        &mut self,
        constants: &WalkerConstants,
        action: ContinuousAction<'_>,
    ) -> ([f64; OBSERVATIONS], StepOutcome) {
        for (index, leg) in self.legs.iter().enumerate() {
            for (joint, speed, value) in
                [(leg.hip, HIP_SPEED, action.get(2 * index)), (leg.knee, KNEE_SPEED, action.get(2 * index + 1))]
            {
                let direction = if value == 0.0 { 0.0 } else { value.signum() };
                self.world.set_motor(joint, speed * direction, constants.motor_torque * value.abs().min(1.0));
            }
        }
        self.world.step(constants.time_step);
        let observation = self.observe();
        let [x, _] = self.world.state(self.hull).position();
        let mut outcome = StepOutcome { reward: self.reward(x, observation[0], action), ..StepOutcome::default() };
        if self.world.has_touched_ground(self.hull) || x < 0.0 {
            outcome = StepOutcome { reward: -100.0, terminated: true, truncated: false };
        }
        outcome.terminated |= x > (terrain::LENGTH - terrain::GRASS) as f64 * terrain::STEP;
        (observation, outcome)
    }

    fn observe(&mut self) -> [f64; OBSERVATIONS] {
        let hull = self.world.state(self.hull);
        self.lidar = std::array::from_fn(|ray| self.world.ray_cast(hull.position(), ray_end(hull.position(), ray)));
        let mut observation = [0.0; OBSERVATIONS];
        observation[..4].copy_from_slice(&[
            hull.angle(),
            2.0 * hull.angular_velocity() / FRAMES_PER_SECOND,
            0.3 * hull.velocity()[0] * WIDTH / FRAMES_PER_SECOND,
            0.3 * hull.velocity()[1] * HEIGHT / FRAMES_PER_SECOND,
        ]);
        for (leg, values) in self.legs.iter().zip(observation[4..14].chunks_exact_mut(5)) {
            let ([hip, hip_speed], [knee, knee_speed]) =
                (self.world.joint_state(leg.hip), self.world.joint_state(leg.knee));
            let contact = f64::from(self.world.touches_ground(leg.lower));
            values.copy_from_slice(&[hip, hip_speed / HIP_SPEED, knee + 1.0, knee_speed / KNEE_SPEED, contact]);
        }
        observation[14..].copy_from_slice(&self.lidar);
        observation
    }

    fn reward(&mut self, x: f64, hull_angle: f64, action: ContinuousAction<'_>) -> f64 {
        let shaping = 130.0 * x / SCALE - 5.0 * hull_angle.abs();
        let gain = self.previous_shaping.map_or(0.0, |previous| shaping - previous);
        self.previous_shaping = Some(shaping);
        const COST: f64 = 0.00035 * MOTOR_TORQUE;
        match action {
            ContinuousAction::F32(values) => {
                let cost = |reward: f32, value: &f32| reward - COST as f32 * value.abs().min(1.0);
                f64::from(values.iter().fold(gain as f32, cost))
            }
            ContinuousAction::F64(values) => {
                values.iter().fold(gain, |reward, value| reward - COST * value.abs().min(1.0))
            }
        }
    }
}

/// Where a ray of the lidar ends.
pub(super) fn ray_end([x, y]: Vector, ray: usize) -> Vector {
    let angle = 1.5 * ray as f64 / RAYS as f64;
    [x + angle.sin() * LIDAR_RANGE, y - angle.cos() * LIDAR_RANGE]
}

impl Leg {
    fn new(world: &mut World, constants: &WalkerConstants, [x, y]: Vector, hull: Body, side: f64) -> Self {
        let [upper_shape, lower_shape] = LEG_PARTS;
        let part = |y: f64, [width, height]: Vector| BodyDefinition {
            position: [x, y],
            angle: side * 0.05,
            shape: Shape::Rectangle(width, height),
            density: constants.leg_density,
            friction: 0.2,
        };
        let upper = world.add_body(&part(y - LEG_HEIGHT / 2.0 - LEG_DOWN, upper_shape));
        let hip = world.add_joint(&JointDefinition {
            first: hull,
            second: upper,
            first_anchor: [0.0, LEG_DOWN as f32],
            second_anchor: [0.0, (LEG_HEIGHT / 2.0) as f32],
            reference_angle: (side * 0.05) as f32,
            limits: [-0.8, 1.1],
            motor_speed: side as f32,
            maximum_motor_torque: constants.motor_torque as f32,
        });
        let lower = world.add_body(&part(y - LEG_HEIGHT * 3.0 / 2.0 - LEG_DOWN, lower_shape));
        let knee = world.add_joint(&JointDefinition {
            first: upper,
            second: lower,
            first_anchor: [0.0, (-LEG_HEIGHT / 2.0) as f32],
            second_anchor: [0.0, (LEG_HEIGHT / 2.0) as f32],
            reference_angle: 0.0,
            limits: [-1.6, -0.1],
            motor_speed: 1.0,
            maximum_motor_torque: constants.motor_torque as f32,
        });
        Self { upper, lower, hip, knee }
    }
}

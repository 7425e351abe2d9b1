//! The ground, drawn in the order in which Gymnasium draws it.

use crate::drawing::{self, SCALE};
use crate::engine::{Shape, Vector, World};
use kanrl_core::random::Generator;

/// Horizontal distance of the ground's points, in m.
pub(super) const STEP: f64 = 14.0 / SCALE;
/// Number of the ground's points.
pub(super) const LENGTH: usize = 200;
/// Height of the start, in m.
pub(super) const HEIGHT: f64 = drawing::HEIGHT / 4.0;
/// Longest stretch between two obstacles, in points.
pub(super) const GRASS: usize = 10;
/// The level start, in points.
pub(super) const START_PAD: usize = 20;
const FRICTION: f64 = 2.5;

#[derive(Debug)]
pub(super) struct Terrain {
    /// Left to right.
    pub(super) points: Vec<Vector>,
    /// Stumps, stairs and the walls of pits.
    pub(super) obstacles: Vec<[Vector; 4]>,
    /// Without effect on anything but pictures.
    pub(super) clouds: Vec<[Vector; 5]>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stretch {
    Grass,
    Stump,
    Stairs,
    Pit,
}

impl Terrain {
    pub(super) fn new(hardcore: bool, generator: &mut Generator) -> Self {
        let (points, obstacles) = ground(hardcore, generator);
        let clouds = (0..LENGTH / 20).map(|_| cloud(generator)).collect();
        Self { points, obstacles, clouds }
    }

    /// Puts the obstacles and then the ground into the world, a body each.
    pub(super) fn build(&self, world: &mut World) {
        for obstacle in &self.obstacles {
            world.add_static_body([(Shape::Polygon(obstacle), FRICTION)]);
        }
        for points in self.points.windows(2) {
            world.add_static_body([(Shape::Edge(points[0], points[1]), FRICTION)]);
        }
    }
}

/// The points, and the obstacles in the order of their creation.
fn ground(hardcore: bool, generator: &mut Generator) -> (Vec<Vector>, Vec<[Vector; 4]>) {
    let mut obstacles = Vec::new();
    let mut points = Vec::with_capacity(LENGTH);
    let (mut stretch, mut begins) = (Stretch::Grass, false);
    let (mut y, mut velocity) = (HEIGHT, 0.0);
    let mut counter = START_PAD as i64;
    let mut original_y = 0.0;
    let mut stairs = Stairs { width: 0, steps: 0, direction: 0 };
    for index in 0..LENGTH {
        let x = index as f64 * STEP;
        match (stretch, begins) {
            (Stretch::Grass, false) => {
                velocity = 0.8 * velocity + 0.01 * sign(HEIGHT - y);
                if index > START_PAD {
                    velocity += generator.uniform(-1.0, 1.0) / SCALE;
                }
                y += velocity;
            }
            (Stretch::Grass, true) => {}
            (Stretch::Pit, true) => {
                counter = generator.integers(3, 5);
                let wall = [[x, y], [x + STEP, y], [x + STEP, y - 4.0 * STEP], [x, y - 4.0 * STEP]];
                obstacles.push(wall);
                obstacles.push(wall.map(|[x, y]| [x + STEP * counter as f64, y]));
                counter += 2;
                original_y = y;
            }
            (Stretch::Pit, false) => {
                y = original_y;
                if counter > 1 {
                    y -= 4.0 * STEP;
                }
            }
            (Stretch::Stump, true) => {
                counter = generator.integers(1, 3);
                let size = counter as f64 * STEP;
                obstacles.push([[x, y], [x + size, y], [x + size, y + size], [x, y + size]]);
            }
            (Stretch::Stump, false) => {}
            (Stretch::Stairs, true) => {
                stairs = Stairs::draw(generator);
                original_y = y;
                obstacles.extend((0..stairs.steps).map(|step| stairs.step(step, x, y)));
                counter = stairs.steps * stairs.width;
            }
            (Stretch::Stairs, false) => {
                let walked = stairs.steps * stairs.width - counter - stairs.direction;
                let steps = walked as f64 / stairs.width as f64;
                y = original_y + (steps * stairs.direction as f64) * STEP;
            }
        }
        begins = false;
        points.push([x, y]);
        counter -= 1;
        if counter == 0 {
            counter = generator.integers(GRASS as i64 / 2, GRASS as i64);
            stretch = if stretch == Stretch::Grass && hardcore {
                [Stretch::Stump, Stretch::Stairs, Stretch::Pit][generator.integers(1, 4) as usize - 1]
            } else {
                Stretch::Grass
            };
            begins = true;
        }
    }
    (points, obstacles)
}

struct Stairs {
    width: i64,
    steps: i64,
    /// 1 up, -1 down.
    direction: i64,
}

impl Stairs {
    fn draw(generator: &mut Generator) -> Self {
        let direction = if generator.random() > 0.5 { 1 } else { -1 };
        Self { direction, width: generator.integers(4, 5), steps: generator.integers(3, 5) }
    }

    fn step(&self, step: i64, x: f64, y: f64) -> [Vector; 4] {
        let left = x + (step * self.width) as f64 * STEP;
        let right = x + ((1 + step) * self.width) as f64 * STEP;
        let top = y + (step * self.direction) as f64 * STEP;
        let bottom = y + (-1 + step * self.direction) as f64 * STEP;
        [[left, top], [right, top], [right, bottom], [left, bottom]]
    }
}

/// Gymnasium's π.
#[allow(clippy::approx_constant, reason = "the clouds' corners are where Gymnasium's are")]
const ROUNDED_PI: f64 = 3.14;

fn cloud(generator: &mut Generator) -> [Vector; 5] {
    let middle = generator.uniform(0.0, LENGTH as f64) * STEP;
    let height = drawing::HEIGHT * 3.0 / 4.0;
    std::array::from_fn(|index| {
        let angle = ROUNDED_PI * 2.0 * index as f64 / 5.0;
        let mut jitter = || generator.uniform(0.0, 5.0 * STEP);
        [middle + 15.0 * STEP * angle.sin() + jitter(), height + 5.0 * STEP * angle.cos() + jitter()]
    })
}

/// `numpy.sign`.
fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

use super::mountain_car::{NAMES, SCALES, STARTS, at_the_goal, at_the_wall};
use crate::MountainCarContinuous;
use crate::mountain_car::{MAX_SPEED, MIN_POSITION};
use crate::mountain_car_continuous::{Constants, GOAL_POSITION};
use kanrl_interval::{Aim, Branch, Choice, Dynamics, Function, Interval, Number};

/// Half a unit in the last place of an f32, with room for the second order.
const HALF_PLACE: f64 = 1.001 * (1.0 / 16_777_216.0);

impl Dynamics<2> for MountainCarContinuous {
    fn names(&self) -> [&'static str; 2] {
        NAMES
    }

    fn starts(&self) -> [Interval; 2] {
        STARTS
    }

    fn scales(&self) -> [f64; 2] {
        SCALES
    }

    fn aim(&self) -> Aim {
        Aim::End
    }

    fn limit(&self) -> u32 {
        999
    }

    fn observe<T: Number>(&self, state: &[T; 2]) -> Vec<T> {
        state.iter().map(Number::to_f32).collect()
    }

    /// From the second step on all arithmetic is float32.
    fn step<T: Number>(&self, [position, velocity]: &[T; 2], action: &Choice<T>) -> Vec<Branch<T, 2>> {
        let fastest = f64::from(MAX_SPEED as f32);
        // Only of one state it is worth the while to follow each rounding.
        let most =
            if [position, velocity].iter().all(|number| number.range().low == number.range().high) { FEW } else { 1 };
        let mut branches = Vec::new();
        for push in self.pushes(&position.scaled(3.0).to_f32(), &action.number(0), most) {
            let velocity = velocity.plus(&push).to_f32().clipped(-fastest, fastest);
            for position in each(position.plus(&velocity).to_f32(), most) {
                branches.extend(self.branches(position, velocity.clone(), action));
            }
        }
        branches
    }

    /// In the first step the state is float64 still, and what comes of it is rounded.
    fn first_step<T: Number>(&self, [position, velocity]: &[T; 2], action: &Choice<T>) -> Vec<Branch<T, 2>> {
        let mut branches = Vec::new();
        for push in self.pushes(&position.scaled(3.0), &action.number(0), FEW) {
            let velocity = velocity.plus(&push).clipped(-MAX_SPEED, MAX_SPEED);
            let position = position.plus(&velocity);
            for Branch { state: [position, velocity], reward, ended } in self.branches(position, velocity, action) {
                let velocity = velocity.to_f32();
                let rounded = each(position.to_f32(), FEW);
                branches.extend(rounded.into_iter().map(|position| Branch {
                    state: [position, velocity.clone()],
                    reward,
                    ended,
                }));
            }
        }
        branches
    }
}

/// Around the point at which the car may rest, the roundings decide where it goes: where they leave few numbers, each is
/// followed, and what is computed from it is exact again.
const FEW: usize = 8;

/// A number that was rounded to float32: each that it may be where they are at most so many, else all of them as one.
fn each<T: Number>(rounded: T, most: usize) -> Vec<T> {
    let range = rounded.range();
    let first = range.low as f32;
    if !(range.is_finite() && f64::from(first) == range.low) {
        return vec![rounded];
    }
    let mut numbers = Vec::with_capacity(most);
    let mut number = first;
    while f64::from(number) <= range.high {
        if numbers.len() == most {
            return vec![rounded];
        }
        numbers.push(T::constant(f64::from(number)));
        number = number.next_up();
    }
    numbers
}

impl MountainCarContinuous {
    /// What may be added to the velocity, for an action in float32.
    fn pushes<T: Number>(&self, triple: &T, force: &T, most: usize) -> Vec<T> {
        let Constants { power, gravity } = self.constants;
        let slope = triple.function(Function::Cos).scaled(gravity).to_f32();
        let thrust = force.clipped(-1.0, 1.0).scaled(f64::from(power as f32)).to_f32();
        if !Interval::new(-1.0, 1.0).encloses(force.range()) {
            // What is clipped becomes a number of Python's, which is rounded later.
            return vec![thrust.minus(&slope).to_f32().with_error(4.0 * HALF_PLACE * (power + gravity))];
        }
        let (thrusts, slopes) = (each(thrust.clone(), most), each(slope.clone(), most));
        if thrusts.len() * slopes.len() > most {
            return vec![thrust.minus(&slope).to_f32()];
        }
        let mut pushes: Vec<T> =
            thrusts.iter().flat_map(|thrust| slopes.iter().map(move |slope| thrust.minus(slope).to_f32())).collect();
        if pushes.len() > 1 {
            // Differences of neighbors are often the same.
            pushes.sort_by(|a, b| a.range().low.total_cmp(&b.range().low));
            pushes.dedup_by(|a, b| a.range() == b.range());
        }
        pushes
    }

    fn branches<T: Number>(&self, position: T, velocity: T, action: &Choice<T>) -> Vec<Branch<T, 2>> {
        let fuel = action.number(0).range().whole_power(2) * Interval::around(0.1, 1e-7);
        let mut branches = Vec::new();
        // The wall and the goal may be numbers of Python's or float32.
        let slack = 4.0 * HALF_PLACE;
        for [position, velocity] in at_the_wall(&position, &velocity, slack, f64::from(MIN_POSITION as f32)) {
            let at = |goal: f64, ended: bool| {
                at_the_goal([position.clone(), velocity.clone()], goal, self.goal_velocity, |ended| {
                    Interval::point(if ended { 100.0 } else { 0.0 }) - fuel
                })
                .into_iter()
                .filter(move |branch| branch.ended == ended)
            };
            // At the goal as soon as it may be, short of it as long as it may be.
            branches.extend(at(GOAL_POSITION - slack, true));
            branches.extend(at(GOAL_POSITION + slack, false));
        }
        branches
    }
}

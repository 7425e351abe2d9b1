use super::mountain_car::{NAMES, SCALES, STARTS, at_the_goal, at_the_wall};
use crate::MountainCarContinuous;
use crate::mountain_car::MAX_SPEED;
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

    /// The arithmetic is float32 or float64, as NumPy decides from step to step: any of its roundings is allowed for,
    /// none is relied on.
    fn step<T: Number>(&self, [position, velocity]: &[T; 2], action: &Choice<T>) -> Vec<Branch<T, 2>> {
        let Constants { power, gravity } = self.constants;
        let rounded = |value: T, times: f64| {
            let error = times * HALF_PLACE * value.range().magnitude() + 1e-44;
            value.with_error(error)
        };
        let force = action.number(0).clipped(-1.0, 1.0);
        let slope = rounded(position.scaled(3.0), 1.0).function(Function::Cos).scaled(gravity);
        // The power and the product, the slope, and their difference.
        let push = rounded(rounded(force.scaled(power), 2.0).minus(&rounded(slope, 1.0)), 1.0);
        // A bound may be a Python number, or become an f32.
        let bound = |value: f64| rounded(T::constant(value), 1.0);
        let velocity = rounded(velocity.plus(&push), 1.0);
        let velocity = rounded(velocity.maximum(&bound(-MAX_SPEED)).minimum(&bound(MAX_SPEED)), 1.0);
        let position = rounded(position.plus(&velocity), 2.0);
        let fuel = action.number(0).range().whole_power(2) * Interval::around(0.1, 1e-7);
        let mut branches = Vec::new();
        // Where the wall and the goal may lie.
        let slack = 4.0 * HALF_PLACE;
        for [position, velocity] in at_the_wall(&position, &velocity, slack) {
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

use super::{ends_where_positive, reward};
use crate::MountainCar;
use crate::mountain_car::{Constants, GOAL_POSITION, MAX_POSITION, MAX_SPEED, MIN_POSITION};
use kanrl_interval::{Aim, Branch, Choice, Dynamics, Function, Interval, Number};

/// What both variants begin with: position and velocity.
pub(super) const NAMES: [&str; 2] = ["x", "v"];
pub(super) const STARTS: [Interval; 2] = [Interval { low: -0.6, high: -0.4 }, Interval::ZERO];
pub(super) const SCALES: [f64; 2] = [MAX_POSITION - MIN_POSITION, 2.0 * MAX_SPEED];

impl Dynamics<2> for MountainCar {
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
        200
    }

    fn observe<T: Number>(&self, state: &[T; 2]) -> Vec<T> {
        state.iter().map(Number::to_f32).collect()
    }

    fn step<T: Number>(&self, [position, velocity]: &[T; 2], action: &Choice<T>) -> Vec<Branch<T, 2>> {
        let Constants { force, gravity } = self.constants;
        let slope = position.scaled(3.0).function(Function::Cos).scaled(-gravity);
        let push = T::constant((action.index() as f64 - 1.0) * force).plus(&slope);
        let velocity = velocity.plus(&push).clipped(-MAX_SPEED, MAX_SPEED);
        let position = position.plus(&velocity);
        let mut branches = Vec::new();
        for state in at_the_wall(&position, &velocity, 0.0, MIN_POSITION) {
            branches.extend(at_the_goal(state, GOAL_POSITION, self.goal_velocity, |_| reward(-1.0)));
        }
        branches
    }
}

/// The states in which a car may be that moved to `position`: stopped by the left wall, or not; the right end only holds
/// it. Both ends may be off by `slack`; a car that was stopped is at `stopped`.
pub(super) fn at_the_wall<T: Number>(position: &T, velocity: &T, slack: f64, stopped: f64) -> Vec<[T; 2]> {
    let (x, v) = (position.range(), velocity.range());
    let is_undefined = x.is_undefined() || v.is_undefined();
    let mut states = Vec::with_capacity(2);
    if is_undefined || (x.low <= MIN_POSITION + slack && v.low < 0.0) {
        states.push([T::constant(stopped), T::constant(0.0)]);
    }
    let wall = MIN_POSITION - slack;
    if is_undefined || x.high > wall || v.high >= 0.0 {
        let right = Interval { low: wall, high: f64::INFINITY };
        // A car that moves to the left and was not stopped is still right of the wall.
        let position = if v.high < 0.0 && x.high > wall { position.known_within(right) } else { position.clone() };
        let position = if x.low < wall { position.maximum(&T::constant(wall)) } else { position };
        // A bound that may be off by its own rounding matters only where it holds the car.
        let held = position.range().low <= wall || position.range().high >= MAX_POSITION - slack;
        let position = position.minimum(&T::constant(MAX_POSITION));
        states.push([if held { position.with_error(2.0 * slack) } else { position }, velocity.clone()]);
    }
    states
}

/// A branch in which the state is at the goal and one in which it is not, as far as each is possible.
pub(super) fn at_the_goal<T: Number>(
    [position, velocity]: [T; 2],
    goal: f64,
    speed: f64,
    reward: impl Fn(bool) -> Interval,
) -> Vec<Branch<T, 2>> {
    let (x, v) = (position.range(), velocity.range());
    let may_be = x.is_undefined() || v.is_undefined() || (x.high >= goal && v.high >= speed);
    let may_not_be = x.is_undefined() || v.is_undefined() || x.low < goal || v.low < speed;
    // Above 0: at the goal.
    let condition = match (may_be, may_not_be) {
        (true, false) => Interval::point(1.0),
        (false, _) => Interval::point(-1.0),
        (true, true) => Interval { low: -1.0, high: 1.0 },
    };
    ends_where_positive(condition, |ended| {
        // Not at the goal: short of it, unless too slow.
        let short = Interval { low: f64::NEG_INFINITY, high: goal };
        let position = if !ended && v.low >= speed { position.known_within(short) } else { position.clone() };
        Branch { state: [position, velocity.clone()], reward: reward(ended), ended }
    })
}

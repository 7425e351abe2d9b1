use crate::Pendulum;
use crate::pendulum::{Constants, MAX_SPEED};
use kanrl_interval::{Aim, Branch, Choice, Dynamics, Function, Interval, Number};
use std::f64::consts::PI;

/// What rounding can do to an angle that has turned as often as 200 steps allow: it stays below 128 rad.
const ANGLE_ERROR: f64 = 128.0 * f64::EPSILON;

impl Dynamics<2> for Pendulum {
    fn names(&self) -> [&'static str; 2] {
        ["theta", "theta_dot"]
    }

    fn starts(&self) -> [Interval; 2] {
        [Interval { low: -PI, high: PI }, Interval { low: -1.0, high: 1.0 }]
    }

    fn scales(&self) -> [f64; 2] {
        [6.3, 16.0]
    }

    fn aim(&self) -> Aim {
        let region = |angle: f64, speed: f64| [Interval::new(-angle, angle), Interval::new(-speed, speed)];
        Aim::Keep { region: region(0.4, 1.5), allowed: region(0.5, 2.0), speeds: Interval::new(-MAX_SPEED, MAX_SPEED) }
    }

    fn limit(&self) -> u32 {
        200
    }

    fn observe<T: Number>(&self, [theta, theta_dot]: &[T; 2]) -> Vec<T> {
        vec![theta.function(Function::Cos).to_f32(), theta.function(Function::Sin).to_f32(), theta_dot.to_f32()]
    }

    /// The angle is never wrapped, and a whole turn changes nothing but rounding, which is allowed for.
    fn step<T: Number>(&self, [theta, theta_dot]: &[T; 2], action: &Choice<T>) -> Vec<Branch<T, 2>> {
        let Constants { g, m, l, dt } = self.constants;
        let inverse_inertia = f64::from((3.0 / (m * l * l)) as f32);
        let torque = action.number(0);
        let acceleration = torque.scaled(inverse_inertia).to_f32();
        let cost = costs(theta.range(), theta_dot.range(), torque.range());

        let pull = theta.function(Function::Sin).scaled(3.0 * g / (2.0 * l));
        let theta_dot = theta_dot.plus(&pull.plus(&acceleration).scaled(dt)).clipped(-MAX_SPEED, MAX_SPEED);
        let theta = theta.plus(&theta_dot.scaled(dt)).with_error(ANGLE_ERROR);
        vec![Branch { state: [theta, theta_dot], reward: -cost, ended: false }]
    }
}

/// θ² + 0.1 θ̇² + 0.001 torque², θ in ±π.
fn costs(theta: Interval, theta_dot: Interval, torque: Interval) -> Interval {
    let turns = Interval::point((theta.middle() / (2.0 * PI)).round() * 2.0 * PI);
    let angle = (theta - turns).inflated(ANGLE_ERROR);
    let angle = if angle.magnitude() > PI { Interval::new(0.0, PI.next_up()) } else { angle };
    let square = |x: Interval| x.whole_power(2);
    square(angle) + Interval::point(0.1) * square(theta_dot) + Interval::around(0.001, 1e-9) * square(torque)
}

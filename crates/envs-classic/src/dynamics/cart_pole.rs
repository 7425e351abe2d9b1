use super::reward;
use crate::CartPole;
use crate::cart_pole::{Constants, THETA_LIMIT, X_LIMIT};
use kanrl_interval::{Aim, Branch, Choice, Dynamics, Function, Interval, Number};

impl Dynamics<4> for CartPole {
    fn names(&self) -> [&'static str; 4] {
        ["x", "x_dot", "theta", "theta_dot"]
    }

    fn starts(&self) -> [Interval; 4] {
        [Interval { low: -0.05, high: 0.05 }; 4]
    }

    fn scales(&self) -> [f64; 4] {
        [6.0; 4]
    }

    fn aim(&self) -> Aim {
        Aim::Last
    }

    fn limit(&self) -> u32 {
        500
    }

    fn observe<T: Number>(&self, state: &[T; 4]) -> Vec<T> {
        state.iter().map(Number::to_f32).collect()
    }

    fn step<T: Number>(&self, state: &[T; 4], action: &Choice<T>) -> Vec<Branch<T, 4>> {
        let Constants { gravity, masscart, masspole, length, force_mag, tau } = self.constants;
        let total_mass = masspole + masscart;
        let polemass_length = masspole * length;
        let [x, x_dot, theta, theta_dot] = state;

        let force = T::constant(if action.index() == 1 { force_mag } else { -force_mag });
        let (sin, cos) = (theta.function(Function::Sin), theta.function(Function::Cos));
        let swing = theta_dot.function(Function::WholePower(2)).scaled(polemass_length).times(&sin);
        let temp = force.plus(&swing).over(&T::constant(total_mass));
        let share = cos.function(Function::WholePower(2)).scaled(masspole).over(&T::constant(total_mass));
        let inertia = T::constant(4.0 / 3.0).minus(&share).scaled(length);
        let theta_acceleration = sin.scaled(gravity).minus(&cos.times(&temp)).over(&inertia);
        let pull = theta_acceleration.scaled(polemass_length).times(&cos).over(&T::constant(total_mass));
        let x_acceleration = temp.minus(&pull);

        let x = x.plus(&x_dot.scaled(tau));
        let theta = theta.plus(&theta_dot.scaled(tau));
        let x_dot = x_dot.plus(&x_acceleration.scaled(tau));
        let theta_dot = theta_dot.plus(&theta_acceleration.scaled(tau));

        let (track, upright) = (Interval::new(-X_LIMIT, X_LIMIT), Interval::new(-THETA_LIMIT, THETA_LIMIT));
        let mut branches = Vec::with_capacity(2);
        let stays = track.encloses(x.range()) && upright.encloses(theta.range());
        let is_undefined = x.range().is_undefined() || theta.range().is_undefined();
        if !stays || is_undefined {
            let state = [x.clone(), x_dot.clone(), theta.clone(), theta_dot.clone()];
            branches.push(Branch { state, reward: reward(1.0), ended: true });
        }
        if track.touches(x.range()) && upright.touches(theta.range()) {
            let state = [x.known_within(track), x_dot, theta.known_within(upright), theta_dot];
            branches.push(Branch { state, reward: reward(1.0), ended: false });
        }
        branches
    }
}

use super::{ends_where_positive, reward};
use crate::Acrobot;
use crate::acrobot::{Constants, MAX_VELOCITY_1, MAX_VELOCITY_2};
use kanrl_interval::{Aim, Branch, Choice, Dynamics, Function, Interval, Number};
use std::f64::consts::FRAC_PI_2;

/// An angle is wrapped by a double's 2π, and was an f32 at first.
const ANGLE_ERROR: f64 = 64.0 * f64::EPSILON;
/// NumPy's sines and cosines of an f32 are up to two units in the last place off.
const F32_ERROR: f64 = 1.0 / 4_194_304.0;

impl Dynamics<4> for Acrobot {
    fn names(&self) -> [&'static str; 4] {
        ["theta1", "theta2", "theta1_dot", "theta2_dot"]
    }

    fn starts(&self) -> [Interval; 4] {
        [Interval { low: -0.1, high: 0.1 }.to_f32().inflated(f64::EPSILON); 4]
    }

    fn scales(&self) -> [f64; 4] {
        [6.3, 6.3, 25.0, 57.0]
    }

    fn aim(&self) -> Aim {
        Aim::End
    }

    fn limit(&self) -> u32 {
        500
    }

    fn observe<T: Number>(&self, [theta1, theta2, theta1_dot, theta2_dot]: &[T; 4]) -> Vec<T> {
        let of = |angle: &T, function| angle.function(function).with_error(F32_ERROR).to_f32();
        vec![
            of(theta1, Function::Cos),
            of(theta1, Function::Sin),
            of(theta2, Function::Cos),
            of(theta2, Function::Sin),
            theta1_dot.to_f32(),
            theta2_dot.to_f32(),
        ]
    }

    /// Angles are not wrapped: a whole turn changes nothing but rounding, which is allowed for.
    fn step<T: Number>(&self, state: &[T; 4], action: &Choice<T>) -> Vec<Branch<T, 4>> {
        let constants = &self.constants;
        let noise = constants.torque_noise_max;
        let torque = T::constant(action.index() as f64 - 1.0).with_error(noise);
        let [theta1, theta2, theta1_dot, theta2_dot] = runge_kutta(constants, state, &torque);
        let state = [
            theta1.with_error(ANGLE_ERROR),
            theta2.with_error(ANGLE_ERROR),
            theta1_dot.clipped(-MAX_VELOCITY_1, MAX_VELOCITY_1),
            theta2_dot.clipped(-MAX_VELOCITY_2, MAX_VELOCITY_2),
        ];
        let heights = state[0].function(Function::Cos).plus(&state[0].plus(&state[1]).function(Function::Cos));
        let above = (-heights.range() - Interval::point(1.0)).inflated(1e-14);
        ends_where_positive(above, |ended| Branch {
            state: state.clone(),
            reward: reward(if ended { 0.0 } else { -1.0 }),
            ended,
        })
    }
}

/// One step of the classical fourth-order Runge-Kutta method.
fn runge_kutta<T: Number>(constants: &Constants, state: &[T; 4], torque: &T) -> [T; 4] {
    let dt = constants.dt;
    let ahead = |step: f64, slope: &[T; 4]| -> [T; 4] {
        let ahead: [T; 4] = std::array::from_fn(|index| state[index].plus(&slope[index].scaled(step)));
        derivatives(constants, &ahead, torque)
    };
    let k1 = derivatives(constants, state, torque);
    let k2 = ahead(dt / 2.0, &k1);
    let k3 = ahead(dt / 2.0, &k2);
    let k4 = ahead(dt, &k3);
    std::array::from_fn(|index| {
        let sum = k1[index].plus(&k2[index].scaled(2.0)).plus(&k3[index].scaled(2.0)).plus(&k4[index]);
        state[index].plus(&sum.scaled(dt / 6.0))
    })
}

/// The book's equations of motion.
fn derivatives<T: Number>(
    constants: &Constants,
    [theta1, theta2, theta1_dot, theta2_dot]: &[T; 4],
    torque: &T,
) -> [T; 4] {
    let (m1, m2, l1) = (constants.link_mass_1, constants.link_mass_2, constants.link_length_1);
    let (lc1, lc2) = (constants.link_com_pos_1, constants.link_com_pos_2);
    let (moi, g) = (constants.link_moi, constants.gravity);
    let (sin2, cos2) = (theta2.function(Function::Sin), theta2.function(Function::Cos));
    let square = |x: &T| x.function(Function::WholePower(2));
    let d1 =
        cos2.scaled(2.0 * m2 * l1 * lc2).plus(&T::constant(m1 * lc1 * lc1 + m2 * (l1 * l1 + lc2 * lc2) + moi + moi));
    let d2 = cos2.scaled(m2 * l1 * lc2).plus(&T::constant(m2 * lc2 * lc2 + moi));
    let right = T::constant(FRAC_PI_2);
    let phi2 = theta1.plus(theta2).minus(&right).function(Function::Cos).scaled(m2 * lc2 * g);
    let centrifugal = square(theta2_dot).times(&sin2).scaled(-m2 * l1 * lc2);
    let coriolis = theta2_dot.times(theta1_dot).times(&sin2).scaled(-2.0 * m2 * l1 * lc2);
    let weight = theta1.minus(&right).function(Function::Cos).scaled((m1 * lc1 + m2 * l1) * g);
    let phi1 = centrifugal.plus(&coriolis).plus(&weight).plus(&phi2);
    let ratio = d2.over(&d1);
    let pull = square(theta1_dot).times(&sin2).scaled(m2 * l1 * lc2);
    let inertia = T::constant(m2 * lc2 * lc2 + moi).minus(&square(&d2).over(&d1));
    let second = torque.plus(&ratio.times(&phi1)).minus(&pull).minus(&phi2).over(&inertia);
    let first = d2.times(&second).plus(&phi1).over(&d1).negated();
    [theta1_dot.clone(), theta2_dot.clone(), first, second]
}

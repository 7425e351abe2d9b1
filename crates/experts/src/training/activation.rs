//! Activations forward and back, fast enough for training.

use crate::network::Activation;

/// Those whose derivative follows from the activated value.
pub(super) const TRAINABLE: [Activation; 5] =
    [Activation::Identity, Activation::Tanh, Activation::Relu, Activation::Elu, Activation::LeakyRelu];

/// Applies it to every value.
pub(super) fn activate(activation: Activation, values: &mut [f32]) {
    let each = values.iter_mut();
    match activation {
        Activation::Identity => {}
        Activation::Tanh => each.for_each(|value| *value = tanh(*value)),
        Activation::Relu => each.for_each(|value| *value = value.max(0.0)),
        Activation::Elu => each.for_each(|value| *value = if *value > 0.0 { *value } else { value.exp_m1() }),
        Activation::LeakyRelu => each.for_each(|value| *value = if *value > 0.0 { *value } else { 0.01 * *value }),
        _ => unreachable!("the config is checked to have one of {TRAINABLE:?}"),
    }
}

/// Multiplies a gradient by the derivative, which for all of them follows from the activated value.
pub(super) fn multiply_by_derivative(activation: Activation, activated: &[f32], gradient: &mut [f32]) {
    let pairs = gradient.iter_mut().zip(activated);
    match activation {
        Activation::Identity => {}
        Activation::Tanh => pairs.for_each(|(gradient, value)| *gradient *= 1.0 - value * value),
        Activation::Relu => pairs.for_each(|(gradient, value)| *gradient = if *value > 0.0 { *gradient } else { 0.0 }),
        Activation::Elu => {
            pairs.for_each(|(gradient, value)| *gradient *= if *value > 0.0 { 1.0 } else { value + 1.0 })
        }
        Activation::LeakyRelu => pairs.for_each(|(gradient, value)| *gradient *= if *value > 0.0 { 1.0 } else { 0.01 }),
        _ => unreachable!("the config is checked to have one of {TRAINABLE:?}"),
    }
}

/// tanh to about 1e-7, absolute, without branches or calls, so that a loop over it uses vector registers (the C
/// library's takes ten times as long, and a network of tanh layers spends most of its time there).
///
/// `(1 - t) / (1 + t)` with `t = exp(-2|x|) = 2ⁿ exp(r)` and a Taylor polynomial on `|r| ≤ ln 2 / 2`.
#[inline]
fn tanh(x: f32) -> f32 {
    // Adding and subtracting 1.5 · 2²³ rounds to an integer, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts: the first has few bits, so that its product with n is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const INVERSE_FACTORIALS: [f32; 7] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];
    let y = -2.0 * x.abs().min(10.0);
    let shifted = y * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (y - n * LN_2_HIGH) - n * LN_2_LOW;
    let polynomial = INVERSE_FACTORIALS.iter().fold(0.0, |sum, factor| sum * r + factor) * r + 1.0;
    let power_of_two = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    let t = polynomial * power_of_two;
    ((1.0 - t) / (1.0 + t)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_tanh() {
        for step in -200_000..=200_000 {
            let x = step as f32 * 1e-4;
            let error = (f64::from(tanh(x)) - f64::from(x).tanh()).abs();
            assert!(error < 1.5e-7, "tanh({x}) is off by {error}");
        }
        assert_eq!((tanh(1e9), tanh(f32::NEG_INFINITY), tanh(0.0)), (1.0, -1.0, 0.0));
    }

    #[test]
    fn derivatives_follow_from_values() {
        use Activation::{Elu, Identity, LeakyRelu, Relu, Tanh};
        for activation in [Identity, Tanh, Relu, Elu, LeakyRelu] {
            for x in [-2.0f32, -0.3, 0.4, 1.7] {
                let mut values = [x - 1e-2, x, x + 1e-2];
                activate(activation, &mut values);
                let mut gradient = [3.0];
                multiply_by_derivative(activation, &values[1..2], &mut gradient);
                let difference = 3.0 * (values[2] - values[0]) / 2e-2;
                assert!((gradient[0] - difference).abs() < 1e-3, "{activation:?} at {x}");
            }
        }
    }
}

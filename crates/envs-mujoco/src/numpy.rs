//! Sums in the order, and in the precision, in which NumPy takes them: rewards depend on it in their last bits.

use kanrl_core::action::ContinuousAction;
use std::hint::black_box;

/// `weight * numpy.sum(numpy.square(action))`: for a float32 action all of it is rounded to float32.
#[inline]
pub(crate) fn control_cost(weight: f64, action: ContinuousAction<'_>) -> f64 {
    match action {
        ContinuousAction::F32(action) => {
            f64::from(weight as f32 * sum(action.len(), 0.0, |index| action[index] * action[index]))
        }
        ContinuousAction::F64(action) => weight * sum(action.len(), 0.0, |index| action[index] * action[index]),
    }
}

/// `numpy.sum` of up to 128 terms: one by one below eight, else in eight interleaved partial sums.
#[inline]
pub(crate) fn sum<T: Copy + std::ops::Add<Output = T>>(terms: usize, zero: T, term: impl Fn(usize) -> T) -> T {
    debug_assert!(terms <= 128, "NumPy splits longer sums");
    if terms < 8 {
        return (0..terms).fold(zero, |sum, index| sum + term(index));
    }
    let mut partial: [T; 8] = std::array::from_fn(&term);
    let whole = terms - terms % 8;
    for start in (8..whole).step_by(8) {
        for (offset, partial) in partial.iter_mut().enumerate() {
            *partial = *partial + term(start + offset);
        }
    }
    let [a, b, c, d, e, f, g, h] = partial;
    (whole..terms).fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, index| sum + term(index))
}

/// `numpy.linalg.norm` of a short vector.
#[inline]
pub(crate) fn norm(vector: &[f64]) -> f64 {
    vector.iter().fold(0.0, |sum, value| sum + value * value).sqrt()
}

/// `value ** 2` of a NumPy scalar: the C library's `pow`, which now and then differs from a product in the last bit.
#[inline]
pub(crate) fn square(value: f64) -> f64 {
    value.powf(black_box(2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_grouped_as_numpy_groups_them() {
        let group = |order: &[f32]| {
            let [a, b, c, d, e, f, g, h] = order.try_into().expect("eight");
            ((a + b) + (c + d)) + ((e + f) + (g + h))
        };
        let terms: Vec<f32> = (0..11).map(|index| 1.1f32.powi(index) / 3.0).collect();
        assert_eq!(sum(8, 0.0, |index| terms[index]), group(&terms[..8]));
        let tail = terms[8..].iter().fold(group(&terms[..8]), |sum, term| sum + term);
        assert_eq!(sum(11, 0.0, |index| terms[index]), tail);
        assert_eq!(sum(3, 0.0, |index| terms[index]), (0.0 + terms[0] + terms[1]) + terms[2]);
    }

    #[test]
    fn a_float32_action_costs_in_float32() {
        let action = [0.1f32, -2.5, 0.7];
        let squares = 0.1f32 * 0.1 + 2.5 * 2.5 + 0.7 * 0.7;
        assert_eq!(control_cost(1e-3, ContinuousAction::F32(&action)), f64::from(1e-3f32 * squares));
        let wide = action.map(f64::from);
        let squares = wide[0] * wide[0] + wide[1] * wide[1] + wide[2] * wide[2];
        assert_eq!(control_cost(1e-3, ContinuousAction::F64(&wide)), 1e-3 * squares);
    }
}

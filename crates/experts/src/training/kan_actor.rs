//! A policy without hidden nodes: an additive Kolmogorov-Arnold network, whose edges are splines of degree 1.
//!
//! Every action is a sum of curves, one for each observation: `a = b + Σᵢ φᵢ(xᵢ)`. In training, an edge is a weighted sum of hats
//! on a fixed grid, and of a straight line, so that it is linear in what is learned. Hats are differences of hinges
//! `max(x - t, 0)`, so that the trained policy is also a network with one hidden layer of rectified units, each of which looks
//! at a single observation: the file holds that, and everything that reads networks reads it.

use super::normalization::CLIP;
use crate::network::{Activation, Layer};

/// Half the width of the grid, in standard deviations of the normalized observations; within one more interval the last hat ends, and
/// beyond, edges are straight.
const RANGE: f32 = 4.0;

/// The basis of all edges: for each observation the observation itself, then a hat for each point of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HatBasis {
    observations: usize,
    /// Intervals of the grid.
    grid: usize,
}

impl HatBasis {
    pub fn new(observations: usize, grid: usize) -> Self {
        Self { observations, grid }
    }

    /// Functions for each observation.
    fn functions(self) -> usize {
        self.grid + 2
    }

    /// Functions in all: the inputs of the linear layer that is trained.
    pub fn features(self) -> usize {
        self.observations * self.functions()
    }

    fn step(self) -> f32 {
        2.0 * RANGE / self.grid as f32
    }

    /// Values of all functions on one row of normalized observations; what is left of `features` stays as it is.
    pub fn evaluate(self, observations: &[f32], features: &mut [f32]) {
        let rows = features.chunks_exact_mut(self.functions());
        for (x, values) in observations[..self.observations].iter().zip(rows) {
            values.fill(0.0);
            values[0] = *x;
            // At most two hats are not 0.
            let place = (x + RANGE) / self.step();
            let left = place.floor();
            for (index, value) in [(left, 1.0 - (place - left)), (left + 1.0, place - left)] {
                if index >= 0.0 && index <= self.grid as f32 {
                    values[1 + index as usize] = value;
                }
            }
        }
    }

    /// The trained layer, of weight `[outputs, features]`, as two layers that look at normalized observations.
    ///
    /// # Errors
    /// Where a number is not finite.
    pub fn layers(self, weight: &[f32], bias: &[f32]) -> Result<Vec<Layer>, String> {
        // The first hinge carries the straight line: observations are clipped, so that it is never flat.
        let knots: Vec<f32> = (0..self.grid + 3).map(|index| -RANGE + (index as f32 - 1.0) * self.step()).collect();
        let places: Vec<f32> = [-CLIP as f32].into_iter().chain(knots).collect();
        let units = self.observations * places.len();
        let mut hinge_weight = vec![0.0; units * self.observations];
        let mut output_weight = vec![0.0; bias.len() * units];
        let mut output_bias: Vec<f64> = bias.iter().map(|value| f64::from(*value)).collect();
        for observation in 0..self.observations {
            for place in 0..places.len() {
                hinge_weight[(observation * places.len() + place) * self.observations + observation] = 1.0;
            }
            for output in 0..bias.len() {
                let edge = &weight[output * self.features() + observation * self.functions()..][..self.functions()];
                let target = &mut output_weight[output * units + observation * places.len()..][..places.len()];
                target[0] = edge[0];
                output_bias[output] += f64::from(edge[0]) * f64::from(places[0]);
                // A hat is the second difference of hinges.
                let hat =
                    |index: usize| index.checked_sub(1).and_then(|hat| edge[1..].get(hat)).copied().unwrap_or(0.0);
                for (knot, value) in target[1..].iter_mut().enumerate() {
                    let before = if knot > 0 { hat(knot - 1) } else { 0.0 };
                    *value = (hat(knot + 1) - 2.0 * hat(knot) + before) / self.step();
                }
            }
        }
        let hinge_bias: Vec<f32> = (0..units).map(|unit| -places[unit % places.len()]).collect();
        let output_bias: Vec<f32> = output_bias.into_iter().map(|value| value as f32).collect();
        Ok(vec![
            Layer::new(self.observations, units, &hinge_weight, Some(&hinge_bias), Activation::Relu)?,
            Layer::new(units, bias.len(), &output_weight, Some(&output_bias), Activation::Identity)?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::{HatBasis, RANGE};
    use crate::network::Mlp;
    use proptest::prelude::*;

    proptest! {
        /// Inside of the grid hats sum to 1, and both forms of the policy are the same function everywhere.
        #[test]
        fn the_network_of_hinges_is_the_sum_of_hats(
            x in prop::collection::vec(-10.0f32..10.0, 3),
            weights in prop::collection::vec(-1.0f32..1.0, 2 * 3 * 10),
            bias in prop::collection::vec(-1.0f32..1.0, 2),
        ) {
            let basis = HatBasis::new(3, 8);
            let mut features = vec![0.0; basis.features()];
            basis.evaluate(&x, &mut features);
            for (x, values) in x.iter().zip(features.chunks_exact(10)) {
                let sum: f32 = values[1..].iter().sum();
                prop_assert!(x.abs() > RANGE || (sum - 1.0).abs() < 1e-5, "{x}: {values:?}");
                prop_assert_eq!(values[0], *x);
            }
            let network = Mlp::new(basis.layers(&weights, &bias).unwrap()).unwrap();
            let mut outputs = [0.0; 2];
            network.forward(&x, &mut outputs);
            for (output, found) in outputs.iter().enumerate() {
                let row = &weights[output * 30..][..30];
                let expected: f32 = bias[output] + row.iter().zip(&features).map(|(a, b)| a * b).sum::<f32>();
                prop_assert!((found - expected).abs() < 1e-3, "{found} and {expected}");
            }
        }
    }
}

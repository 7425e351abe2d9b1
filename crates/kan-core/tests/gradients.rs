//! Analytic gradients against finite differences.

use kanrl_core::approximator::{Loss, Samples};
use kanrl_core::graph::BaseFunction;
use kanrl_core::kan::{LayerShape, Network};
use proptest::prelude::*;

fn shape(inputs: usize, sums: usize, products: usize) -> LayerShape {
    LayerShape { inputs, sums, products: vec![2; products], grid: 4, degree: 3, base: BaseFunction::Silu, noise: 2.0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn gradients_are_those_of_the_loss(
        seed in 0u64..1000,
        kind in 0..4,
        inputs in prop::collection::vec(-1.2f64..1.2, 3 * 70),
        targets in prop::collection::vec(-2f64..2.0, 2 * 70),
    ) {
        let network = Network::new(&[shape(3, 2, 1), shape(3, 2, 0)], seed);
        let mut graph = network.graph();
        let weights: Vec<f64> = (0..70).map(|row| [0.5, 1.0, 1.5][row % 3]).collect();
        let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let loss = match kind {
            0 => Loss::MeanSquared,
            1 => Loss::CrossEntropy,
            2 => Loss::Choice { sharpness: 3.0 },
            _ => Loss::ClippedMeanSquared { low: vec![-1.0, -0.5], high: vec![1.0, 2.0] },
        };
        let (value, gradient) = graph.loss_and_gradient(samples, &loss);
        prop_assert!((value - graph.loss(samples, &loss)).abs() <= 1e-14 * value.abs());
        let start = graph.parameters();
        for index in (0..start.len()).step_by(7) {
            let mut moved = start.clone();
            let mut at = |offset: f64| {
                moved[index] = start[index] + offset;
                graph.set_parameters(&moved);
                graph.loss(samples, &loss)
            };
            let step = 1e-5;
            let difference = (at(step) - at(-step)) / (2.0 * step);
            prop_assert!(
                (difference - gradient[index]).abs() <= 1e-6 * (1.0 + gradient[index].abs()),
                "parameter {index}: {difference} against {}", gradient[index]
            );
        }
    }
}

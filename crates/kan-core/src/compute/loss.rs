//! Losses of one chunk, with their gradients by the outputs.

use super::chunk::{Column, ROWS};
use super::scalar::Scalar;
use crate::fit::{Loss, Samples, choice, curvature_root};

/// Adds the gradients by the outputs (times `1 / total_weight`) into `gradients` and returns the chunk's share of the
/// loss. `nodes` are the columns of the outputs; rows of weight 0 have no part in anything.
pub(super) fn loss_and_gradients<S: Scalar>(
    loss: &Loss,
    nodes: &[usize],
    values: &[Column<S>],
    targets: &[Column<S>],
    weights: &Column<S>,
    total_weight: f64,
    gradients: &mut [Column<S>],
) -> f64 {
    match loss {
        Loss::MeanSquared => {
            squared(nodes, values, targets, weights, total_weight, gradients, |_, output, target| output - target)
        }
        Loss::ClippedMeanSquared { low, high } => {
            squared(nodes, values, targets, weights, total_weight, gradients, |index, output, target| {
                let (low, high) = (S::from_f64(low[index]), S::from_f64(high[index]));
                if (output >= high && target >= high) || (output <= low && target <= low) {
                    S::ZERO
                } else if target >= high {
                    output - high
                } else if target <= low {
                    output - low
                } else {
                    output - target
                }
            })
        }
        Loss::CrossEntropy => cross_entropy(nodes, values, targets, weights, total_weight, gradients),
        Loss::Choice { sharpness } => {
            let mut sum = 0.0;
            for row in (0..ROWS).filter(|row| weights[*row] > S::ZERO) {
                let weight = weights[row].to_f64() / total_weight;
                let output = |index: usize| values[nodes[index]][row].to_f64();
                let target = |index: usize| targets[index][row].to_f64();
                sum += weight
                    * choice(*sharpness, nodes.len(), output, target, |index, derivative| {
                        gradients[nodes[index]][row] += S::from_f64(weight * derivative);
                    });
            }
            sum
        }
    }
}

fn squared<S: Scalar>(
    nodes: &[usize],
    values: &[Column<S>],
    targets: &[Column<S>],
    weights: &Column<S>,
    total_weight: f64,
    gradients: &mut [Column<S>],
    difference: impl Fn(usize, S, S) -> S,
) -> f64 {
    let share = 1.0 / (total_weight * nodes.len() as f64);
    let factor = S::from_f64(2.0 * share);
    let mut sum = 0.0;
    for (index, (node, targets)) in nodes.iter().zip(targets).enumerate() {
        let mut part = S::ZERO;
        for row in 0..ROWS {
            if weights[row] > S::ZERO {
                let difference = difference(index, values[*node][row], targets[row]);
                part += weights[row] * difference * difference;
                gradients[*node][row] += factor * weights[row] * difference;
            }
        }
        sum += part.to_f64();
    }
    share * sum
}

fn cross_entropy<S: Scalar>(
    nodes: &[usize],
    values: &[Column<S>],
    targets: &[Column<S>],
    weights: &Column<S>,
    total_weight: f64,
    gradients: &mut [Column<S>],
) -> f64 {
    let mut sum = 0.0;
    for row in 0..ROWS {
        let weight = weights[row].to_f64() / total_weight;
        if weight <= 0.0 {
            continue;
        }
        let output = |index: usize| values[nodes[index]][row].to_f64();
        let target = |index: usize| targets[index][row].to_f64();
        let largest = |of: &dyn Fn(usize) -> f64| (0..nodes.len()).map(of).fold(f64::NEG_INFINITY, f64::max);
        let (highest_output, highest_target) = (largest(&output), largest(&target));
        let total = |of: &dyn Fn(usize) -> f64, highest: f64| -> f64 {
            (0..nodes.len()).map(|index| (of(index) - highest).exp()).sum()
        };
        let (output_total, target_total) = (total(&output, highest_output), total(&target, highest_target));
        for (index, node) in nodes.iter().enumerate() {
            let wanted = (target(index) - highest_target).exp() / target_total;
            let log_probability = output(index) - highest_output - output_total.ln();
            sum -= weight * wanted * log_probability;
            gradients[*node][row] += S::from_f64(weight * (log_probability.exp() - wanted));
        }
    }
    sum
}

/// Sets the gradients by the outputs to direction `direction` of a root of the loss's second derivatives: summed over
/// all directions, their outer products are those second derivatives, row by row.
#[expect(clippy::too_many_arguments, reason = "a loss needs all of its data")]
pub(super) fn root_of_curvature<S: Scalar>(
    loss: &Loss,
    direction: usize,
    nodes: &[usize],
    values: &[Column<S>],
    targets: &[Column<S>],
    weights: &Column<S>,
    total_weight: f64,
    gradients: &mut [Column<S>],
) {
    for row in (0..ROWS).filter(|row| weights[*row] > S::ZERO) {
        let weight = weights[row].to_f64() / total_weight;
        let output = |index: usize| values[nodes[index]][row].to_f64();
        let target = targets[direction][row].to_f64();
        curvature_root(loss, direction, weight, nodes.len(), output, target, |index, entry| {
            gradients[nodes[index]][row] += S::from_f64(entry);
        });
    }
}

/// The loss of `outputs` `[rows, outputs]` (row-major, as the targets), and its gradient by them where there is room for
/// one; for models that the engine does not compute.
pub(crate) fn output_gradient(
    loss: &Loss,
    outputs: &[f64],
    samples: Samples<'_>,
    mut gradient: Option<&mut [f64]>,
) -> f64 {
    let height = samples.targets.len() / samples.weights.len();
    let nodes: Vec<usize> = (0..height).collect();
    let total_weight = samples.weights.iter().sum();
    let mut sum = 0.0;
    let mut columns = vec![[0.0; ROWS]; 3 * height];
    for (chunk, weights) in samples.weights.chunks(ROWS).enumerate() {
        columns.fill([0.0; ROWS]);
        let mut weight_column = [0.0; ROWS];
        weight_column[..weights.len()].copy_from_slice(weights);
        let first = chunk * ROWS * height;
        for row in 0..weights.len() {
            for output in 0..height {
                columns[output][row] = outputs[first + row * height + output];
                columns[height + output][row] = samples.targets[first + row * height + output];
            }
        }
        let (values, rest) = columns.split_at_mut(height);
        let (targets, gradients) = rest.split_at_mut(height);
        sum += loss_and_gradients(loss, &nodes, values, targets, &weight_column, total_weight, gradients);
        if let Some(gradient) = gradient.as_deref_mut() {
            for (index, gradient) in gradient[first..first + weights.len() * height].iter_mut().enumerate() {
                *gradient = gradients[index % height][index / height];
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{loss_and_gradients, root_of_curvature};
    use crate::compute::chunk::{Column, ROWS};
    use crate::fit::{Loss, Samples};

    const OUTPUTS: usize = 3;

    fn column(seed: usize, size: f64) -> Column<f64> {
        std::array::from_fn(|row| size * ((((row + 3) * (2 * seed + 7) * 7919) % 1009) as f64 / 504.5 - 1.0))
    }

    fn losses() -> [Loss; 4] {
        let clipped = Loss::ClippedMeanSquared { low: vec![-1.0; OUTPUTS], high: vec![1.0, 2.0, 0.5] };
        [Loss::MeanSquared, clipped, Loss::CrossEntropy, Loss::Choice { sharpness: 4.0 }]
    }

    /// The loss of the columns and its gradient by each of their numbers.
    fn value_and_gradient(loss: &Loss, values: &[Column<f64>]) -> (f64, Vec<Column<f64>>) {
        let targets: Vec<Column<f64>> = (0..OUTPUTS).map(|output| column(10 + output, 3.0)).collect();
        let weights = column(20, 1.0).map(f64::abs);
        let nodes: Vec<usize> = (0..OUTPUTS).collect();
        let mut gradients = vec![[0.0; ROWS]; OUTPUTS];
        let value = loss_and_gradients(loss, &nodes, values, &targets, &weights, weights.iter().sum(), &mut gradients);
        // Row by row it is the same.
        let mut by_row = 0.0;
        let mut gradient = [0.0; OUTPUTS];
        for row in 0..ROWS {
            let of = |columns: &[Column<f64>]| columns.iter().map(|column| column[row]).collect::<Vec<f64>>();
            let share = weights[row] / weights.iter().sum::<f64>();
            by_row += share * loss.row(&of(values), &of(&targets), &mut gradient);
            for (gradients, gradient) in gradients.iter().zip(gradient) {
                assert!((gradients[row] - share * gradient).abs() < 1e-12, "{loss:?}");
            }
        }
        assert!((value - by_row).abs() < 1e-12, "{loss:?}: {value} and {by_row}");
        (value, gradients)
    }

    #[test]
    fn derivatives_are_those_of_the_value() {
        let values: Vec<Column<f64>> = (0..OUTPUTS).map(|output| column(output, 2.5)).collect();
        for loss in losses() {
            let (value, gradients) = value_and_gradient(&loss, &values);
            assert!(value > 0.0);
            for output in 0..OUTPUTS {
                for row in (0..ROWS).step_by(5) {
                    let at = |step: f64| {
                        let mut moved = values.clone();
                        moved[output][row] += step;
                        value_and_gradient(&loss, &moved).0
                    };
                    let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((difference - gradients[output][row]).abs() < 1e-8, "{loss:?}");
                }
            }
        }
    }

    #[test]
    fn the_curvature_is_that_of_the_value() {
        let values: Vec<Column<f64>> = (0..OUTPUTS).map(|output| column(output, 2.5)).collect();
        let targets: Vec<Column<f64>> = (0..OUTPUTS).map(|output| column(10 + output, 3.0)).collect();
        let weights = column(20, 1.0).map(f64::abs);
        let nodes: Vec<usize> = (0..OUTPUTS).collect();
        for loss in losses() {
            let roots: Vec<Vec<Column<f64>>> = (0..OUTPUTS)
                .map(|direction| {
                    let mut root = vec![[0.0; ROWS]; OUTPUTS];
                    let total = weights.iter().sum();
                    root_of_curvature(&loss, direction, &nodes, &values, &targets, &weights, total, &mut root);
                    root
                })
                .collect();
            for (first, second) in (0..OUTPUTS * OUTPUTS).map(|pair| (pair / OUTPUTS, pair % OUTPUTS)) {
                let gradient_at = |step: f64| {
                    let mut moved = values.clone();
                    moved[second].iter_mut().for_each(|value| *value += step);
                    value_and_gradient(&loss, &moved).1.swap_remove(first)
                };
                let (above, below) = (gradient_at(1e-5), gradient_at(-1e-5));
                for row in 0..ROWS {
                    let wanted: f64 = roots.iter().map(|root| root[first][row] * root[second][row]).sum();
                    let difference = (above[row] - below[row]) / 2e-5;
                    assert!((difference - wanted).abs() < 1e-7, "{loss:?}, row {row}: {difference} and {wanted}");
                }
            }
        }
    }

    #[test]
    fn no_constant_is_better_than_the_best() {
        let targets: Vec<f64> = (0..60).map(|index| f64::from(index * 17 % 13) - 5.0).collect();
        let weights: Vec<f64> = (0..20).map(|index| f64::from(index % 3)).collect();
        let samples = Samples { inputs: &[], targets: &targets, weights: &weights };
        let choice = Loss::Choice { sharpness: 0.7 };
        for loss in [Loss::MeanSquared, Loss::CrossEntropy, choice] {
            let of = |constant: &[f64]| {
                let rows = targets.chunks_exact(OUTPUTS).zip(&weights);
                let total: f64 = weights.iter().sum();
                rows.map(|(row, weight)| weight / total * loss.row(constant, row, &mut [0.0; OUTPUTS])).sum::<f64>()
            };
            let best = loss.of_best_constant(samples);
            for index in 0..729 {
                let constant = [index % 9, index / 9 % 9, index / 81].map(|place| f64::from(place) / 2.0 - 2.0);
                assert!(of(&constant) >= best - 1e-12, "{loss:?}: {constant:?} is better than {best}");
            }
        }
        let two = Samples { inputs: &[], targets: &[9.0, -9.0], weights: &[1.0, 1.0] };
        let half = Loss::Choice { sharpness: 10.0 }.of_best_constant(two);
        assert!((half - 2.0_f64.ln()).abs() < 1e-12, "a coin: {half}");
        let clipped = Loss::ClippedMeanSquared { low: vec![-2.0], high: vec![2.0] };
        assert_eq!(clipped.of_best_constant(two), 4.0);
    }
}

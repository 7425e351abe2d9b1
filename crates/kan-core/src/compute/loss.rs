//! Losses of one chunk, with their gradients by the outputs.

use super::{Column, ROWS, Scalar};
use crate::fit::{Loss, Samples};

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
        let output = values[nodes[direction]][row].to_f64();
        match loss {
            Loss::MeanSquared => {
                gradients[nodes[direction]][row] += S::from_f64((2.0 * weight / nodes.len() as f64).sqrt());
            }
            Loss::ClippedMeanSquared { low, high } => {
                let target = targets[direction][row].to_f64();
                let (low, high) = (low[direction], high[direction]);
                if !((output >= high && target >= high) || (output <= low && target <= low)) {
                    gradients[nodes[direction]][row] += S::from_f64((2.0 * weight / nodes.len() as f64).sqrt());
                }
            }
            Loss::CrossEntropy => {
                let highest = nodes.iter().map(|node| values[*node][row].to_f64()).fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = nodes.iter().map(|node| (values[*node][row].to_f64() - highest).exp()).sum();
                let probability = |node: usize| (values[node][row].to_f64() - highest).exp() / total;
                // diag(p) − p pᵀ is Σ p_i (e_i − p)(e_i − p)ᵀ.
                let root = (weight * probability(nodes[direction])).sqrt();
                for (index, node) in nodes.iter().enumerate() {
                    let unit = if index == direction { 1.0 } else { 0.0 };
                    gradients[*node][row] += S::from_f64(root * (unit - probability(*node)));
                }
            }
        }
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

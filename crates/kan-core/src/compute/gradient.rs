//! The loss and its gradient by all parameters.

use super::batch::Batch;
use super::chunk::{Column, ROWS, segment_length};
use super::forward::Detail;
use super::moments::DeviationPenalty;
use super::moments::{Running, edge_values};
use super::pieces::{MANY_ROWS, Pieces};
use super::plan::{Block, Node, Plan, Step, Symbolic};
use super::scalar::Scalar;
use super::scratch::Scratch;
use super::{kernel, loss, simd};
use crate::fit::Loss;
use rayon::prelude::*;

/// What gradients are computed in: one scratch and one sum for each segment of a batch; made once per fit.
#[derive(Debug)]
pub struct Workspace<S> {
    pieces: Pieces<S>,
    pub(super) segments: Vec<Segment<S>>,
}

#[derive(Debug)]
pub(super) struct Segment<S> {
    pub scratch: Scratch<S>,
    pub moments: Vec<Running>,
    gradient: Vec<S>,
    loss: f64,
}

/// Side by side; where there is one thread or one segment, nothing is handed over to rayon's threads.
fn for_each_segment<S: Scalar>(segments: &mut [Segment<S>], work: impl Fn(usize, &mut Segment<S>) + Send + Sync) {
    if segments.len() == 1 || rayon::current_num_threads() == 1 {
        segments.iter_mut().enumerate().for_each(|(index, segment)| work(index, segment));
    } else {
        segments.par_iter_mut().enumerate().for_each(|(index, segment)| work(index, segment));
    }
}

impl<S> Default for Workspace<S> {
    /// Room for nothing.
    fn default() -> Self {
        Self { pieces: Pieces::default(), segments: Vec::new() }
    }
}

impl<S: Scalar> Workspace<S> {
    /// Room for `plan` on `batch`.
    pub fn new(plan: &Plan<S>, batch: &Batch<S>) -> Self {
        let count = batch.chunks().div_ceil(segment_length(batch.chunks()));
        let segment = || Segment {
            scratch: Scratch::new(plan, true),
            moments: Vec::new(),
            gradient: vec![S::ZERO; plan.parameters],
            loss: 0.0,
        };
        Self {
            pieces: if batch.rows() >= MANY_ROWS { Pieces::new(plan) } else { Pieces::default() },
            segments: (0..count).map(|_| segment()).collect(),
        }
    }
}

impl<S: Scalar> Plan<S> {
    /// The loss on `batch`; overwrites `gradient` `[parameters]`, which also has the part of `penalty` (its value is the
    /// caller's).
    ///
    /// # Panics
    /// If `workspace` was made for another batch or plan.
    pub fn loss_and_gradient(
        &self,
        parameters: &[S],
        batch: &Batch<S>,
        loss: &Loss,
        penalty: Option<&DeviationPenalty>,
        workspace: &mut Workspace<S>,
        gradient: &mut [f64],
    ) -> f64 {
        let length = segment_length(batch.chunks());
        for_each_segment(&mut workspace.segments, |index, segment| {
            segment.gradient.fill(S::ZERO);
            segment.loss = 0.0;
            for chunk in index * length..((index + 1) * length).min(batch.chunks()) {
                self.forward_chunk(parameters, Detail::Slopes, batch, chunk, &mut segment.scratch);
                segment.scratch.value_gradients.fill([S::ZERO; ROWS]);
                segment.loss += self.loss_of_chunk(batch, chunk, loss, &mut segment.scratch);
                let penalty = penalty.map(|penalty| (penalty, batch.rows_in(chunk)));
                self.backward(parameters, penalty, &mut segment.scratch, &mut Sum(&mut segment.gradient));
            }
        });
        gradient.fill(0.0);
        for segment in &workspace.segments {
            for (sum, part) in gradient.iter_mut().zip(&segment.gradient) {
                *sum += part.to_f64();
            }
        }
        workspace.segments.iter().map(|segment| segment.loss).sum()
    }

    /// The loss on `batch`.
    ///
    /// # Panics
    /// If `workspace` was made for another batch or plan.
    pub fn loss(&self, parameters: &[S], batch: &Batch<S>, loss: &Loss, workspace: &mut Workspace<S>) -> f64 {
        let length = segment_length(batch.chunks());
        workspace.pieces.set(self, parameters);
        let pieces = &workspace.pieces;
        for_each_segment(&mut workspace.segments, |index, segment| {
            segment.loss = 0.0;
            for chunk in index * length..((index + 1) * length).min(batch.chunks()) {
                self.forward_chunk(parameters, Detail::Values(pieces), batch, chunk, &mut segment.scratch);
                segment.loss += self.loss_of_chunk(batch, chunk, loss, &mut segment.scratch);
            }
        });
        workspace.segments.iter().map(|segment| segment.loss).sum()
    }

    pub(super) fn forward_chunk(
        &self,
        parameters: &[S],
        detail: Detail<'_, S>,
        batch: &Batch<S>,
        chunk: usize,
        scratch: &mut Scratch<S>,
    ) {
        let width = self.inputs.len();
        scratch.values[..width].copy_from_slice(&batch.inputs[chunk * width..(chunk + 1) * width]);
        self.forward(parameters, detail, scratch, batch.rows_in(chunk));
    }

    fn loss_of_chunk(&self, batch: &Batch<S>, chunk: usize, loss: &Loss, scratch: &mut Scratch<S>) -> f64 {
        let height = self.outputs.len();
        for output in &self.outputs {
            scratch.value_gradients[*output] = [S::ZERO; ROWS];
        }
        loss::loss_and_gradients(
            loss,
            &self.outputs,
            &scratch.values,
            &batch.targets[chunk * height..(chunk + 1) * height],
            &batch.weights[chunk],
            batch.total_weight,
            &mut scratch.value_gradients,
        )
    }

    /// From the gradients by the outputs in `scratch.value_gradients` to those by all parameters, added to `gradient`.
    pub(super) fn backward(
        &self,
        parameters: &[S],
        penalty: Penalty<'_>,
        scratch: &mut Scratch<S>,
        sink: &mut impl Sink<S>,
    ) {
        for step in self.steps.iter().rev() {
            match step {
                Step::Block(block) => match penalty {
                    None => block_back(block, parameters, scratch, sink),
                    Some(penalty) => penalised_block_back(block, parameters, penalty, scratch, sink),
                },
                Step::Symbolic(symbolic) => symbolic_back(symbolic, parameters, penalty, scratch, sink),
                Step::Node(node) => {
                    if let Some((penalty, rows)) = penalty {
                        let back = &mut scratch.value_gradients[node.column];
                        penalty.values[node.column].apply(&scratch.values[node.column], back, rows);
                    }
                    node_back(node, parameters, scratch, sink);
                }
            }
        }
    }
}

/// What takes in the derivatives of a chunk's rows by the parameters.
pub(super) trait Sink<S> {
    /// The derivative by parameter `first + f · targets + j` is `features[f] · gradients[targets[j]]`, row by row.
    fn block(&mut self, first: usize, features: &[Column<S>], targets: &[usize], gradients: &[Column<S>]);

    /// The derivative by `parameter`, row by row.
    fn column(&mut self, parameter: usize, column: &Column<S>);
}

/// Sums over rows: the gradient.
struct Sum<'a, S>(&'a mut [S]);

impl<S: Scalar> Sink<S> for Sum<'_, S> {
    fn block(&mut self, first: usize, features: &[Column<S>], targets: &[usize], gradients: &[Column<S>]) {
        let sums = &mut self.0[first..first + features.len() * targets.len()];
        simd::parameter_gradient(features, targets, gradients, sums);
    }

    fn column(&mut self, parameter: usize, column: &Column<S>) {
        self.0[parameter] += kernel::sum(column);
    }
}

/// A penalty, and the rows of the chunk that it is about.
pub(super) type Penalty<'a> = Option<(&'a DeviationPenalty, usize)>;

fn block_back<S: Scalar>(block: &Block<S>, parameters: &[S], scratch: &mut Scratch<S>, sink: &mut impl Sink<S>) {
    let count = block.features();
    let range = block.first_feature..block.first_feature + count * block.sources.len();
    let gradients = &scratch.combined_gradients;
    let features = &scratch.features[range.clone()];
    sink.block(block.first_parameter, features, &block.targets, gradients);
    if block.from_inputs {
        return;
    }
    let parameters = &parameters[block.parameters()];
    for (index, source) in block.sources.iter().enumerate() {
        let own = index * count * block.targets.len()..(index + 1) * count * block.targets.len();
        let slopes = &scratch.feature_slopes[range.start + index * count..range.start + (index + 1) * count];
        let back = &mut scratch.value_gradients[*source];
        simd::source_gradient(&parameters[own], slopes, &block.targets, gradients, back);
    }
}

/// As [`block_back`], where each edge has a gradient of its own.
fn penalised_block_back<S: Scalar>(
    block: &Block<S>,
    parameters: &[S],
    (penalty, rows): (&DeviationPenalty, usize),
    scratch: &mut Scratch<S>,
    sink: &mut impl Sink<S>,
) {
    let (count, targets) = (block.features(), block.targets.len());
    for (index, source) in block.sources.iter().enumerate() {
        edge_values(block, index, parameters, scratch);
        let gradients = &mut scratch.edges[..targets];
        for (offset, (values, target)) in gradients.iter_mut().zip(&block.targets).enumerate() {
            let mut outer = scratch.combined_gradients[*target];
            penalty.edges[block.edges[index * targets + offset]].apply(values, &mut outer, rows);
            *values = outer;
        }
        let own =
            block.first_parameter + index * count * targets..block.first_parameter + (index + 1) * count * targets;
        let range = block.first_feature + index * count..block.first_feature + (index + 1) * count;
        let features = &scratch.features[range.clone()];
        sink.block(own.start, features, &block.own_targets, gradients);
        if !block.from_inputs {
            let slopes = &scratch.feature_slopes[range];
            let back = &mut scratch.value_gradients[*source];
            simd::source_gradient(&parameters[own], slopes, &block.own_targets, gradients, back);
        }
    }
}

fn symbolic_back<S: Scalar>(
    step: &Symbolic,
    parameters: &[S],
    penalty: Penalty<'_>,
    scratch: &mut Scratch<S>,
    sink: &mut impl Sink<S>,
) {
    let [a, c, d] = [0, 2, 3].map(|offset| parameters[step.first_parameter + offset]);
    let [values, derivatives] = &scratch.symbolics[step.index];
    let mut outer = scratch.combined_gradients[step.target];
    if let Some((penalty, rows)) = penalty {
        penalty.edges[step.edge].apply(&values.map(|value| c * value + d), &mut outer, rows);
    }
    let source = &scratch.values[step.source];
    let back = &mut scratch.value_gradients[step.source];
    let mut columns = [[S::ZERO; ROWS]; 4];
    for row in 0..ROWS {
        // Rows of no weight stay out: their derivatives may be infinite.
        if outer[row] != S::ZERO {
            let inner = outer[row] * c * derivatives[row];
            columns[0][row] = inner * source[row];
            columns[1][row] = inner;
            columns[2][row] = outer[row] * values[row];
            columns[3][row] = outer[row];
            back[row] += inner * a;
        }
    }
    for (offset, column) in columns.iter().enumerate() {
        sink.column(step.first_parameter + offset, column);
    }
}

fn node_back<S: Scalar>(node: &Node, parameters: &[S], scratch: &mut Scratch<S>, sink: &mut impl Sink<S>) {
    let scale = parameters[node.first_parameter];
    let outer = &scratch.value_gradients[node.column];
    sink.block(node.first_parameter, &scratch.combined[node.column..=node.column], &[0], std::slice::from_ref(outer));
    sink.column(node.first_parameter + 1, outer);
    for (inner, outer) in scratch.combined_gradients[node.column].iter_mut().zip(outer) {
        *inner = scale * *outer;
    }
    let Some(factors) = &node.factors else { return };
    for factor in factors {
        let mut product = scratch.combined_gradients[node.column];
        for other in factors.iter().filter(|other| *other != factor) {
            for (product, other) in product.iter_mut().zip(&scratch.combined[*other]) {
                *product = *product * *other;
            }
        }
        scratch.combined_gradients[*factor] = product;
    }
}

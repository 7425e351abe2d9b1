//! Means and deviations of what nodes and edges compute, and penalties that depend on them.

use super::batch::Batch;
use super::chunk::{Column, segment_length};
use super::forward::Detail;
use super::gradient::Workspace;
use super::kernel::Start;
use super::plan::{Block, Plan, Step};
use super::scalar::Scalar;
use super::scratch::Scratch;
use super::simd;
use rayon::prelude::*;

/// Mean and unbiased standard deviation (n − 1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Mean.
    pub mean: f64,
    /// Standard deviation; 0 for fewer than two rows.
    pub deviation: f64,
}

/// Moments over all rows of a batch, weights left aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Of what each edge gives.
    pub edges: Vec<Moment>,
    /// Of each node's value.
    pub values: Vec<Moment>,
    /// Of what each node combines, before its affine.
    pub combined: Vec<Moment>,
}

/// A penalty on deviations, as the engine's backward pass takes it: what each deviation adds to the gradient of one row
/// is `factor · (value − mean)`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviationPenalty {
    /// Of each edge.
    pub edges: Vec<Pull>,
    /// Of each node's value.
    pub values: Vec<Pull>,
}

/// See [`DeviationPenalty`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pull {
    factor: f64,
    mean: f64,
}

impl Pull {
    /// What a penalty with this derivative by the deviation of `rows` values adds to their gradients; nothing where the
    /// deviation is 0.
    pub fn new(derivative: f64, moment: Moment, rows: usize) -> Self {
        if moment.deviation > 0.0 {
            Self { factor: derivative / (moment.deviation * (rows as f64 - 1.0)), mean: moment.mean }
        } else {
            Self::default()
        }
    }

    /// Adds it to the first `rows` rows of `gradients`.
    pub(super) fn apply<S: Scalar>(self, values: &Column<S>, gradients: &mut Column<S>, rows: usize) {
        if self.factor != 0.0 {
            let (factor, mean) = (S::from_f64(self.factor), S::from_f64(self.mean));
            for (gradient, value) in gradients.iter_mut().zip(values).take(rows) {
                *gradient += factor * (*value - mean);
            }
        }
    }
}

/// A mean and a sum of squared distances from it that can take in more values (Chan, Golub and LeVeque, 1979).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Running {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Running {
    fn add<S: Scalar>(&mut self, values: &[S]) {
        let count = values.len() as f64;
        let mean = values.iter().map(|value| value.to_f64()).sum::<f64>() / count;
        let squares = values.iter().map(|value| (value.to_f64() - mean) * (value.to_f64() - mean)).sum();
        self.merge(Self { count, mean, squares });
    }

    fn merge(&mut self, other: Self) {
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        self.mean += distance * (other.count / count);
        self.squares += other.squares + distance * distance * (self.count * other.count / count);
        self.count = count;
    }

    fn moment(self) -> Moment {
        let deviation = if self.count > 1.0 { (self.squares / (self.count - 1.0)).sqrt() } else { 0.0 };
        Moment { mean: self.mean, deviation }
    }
}

impl<S: Scalar> Plan<S> {
    /// Moments of all edges and nodes on `batch`.
    ///
    /// # Panics
    /// If `workspace` was made for another batch or plan.
    pub fn moments(&self, parameters: &[S], batch: &Batch<S>, workspace: &mut Workspace<S>) -> Moments {
        let (edges, nodes) = (self.edge_count(), self.node_count());
        let length = segment_length(batch.chunks());
        workspace.segments.par_iter_mut().enumerate().for_each(|(index, segment)| {
            segment.moments.clear();
            segment.moments.resize(edges + 2 * nodes, Running::default());
            for chunk in index * length..((index + 1) * length).min(batch.chunks()) {
                self.forward_chunk(parameters, Detail::Features, batch, chunk, &mut segment.scratch);
                let rows = batch.rows_in(chunk);
                self.add_edges(parameters, &mut segment.scratch, &mut segment.moments, rows);
                let scratch = &segment.scratch;
                for node in 0..nodes {
                    segment.moments[edges + node].add(&scratch.values[node][..rows]);
                    segment.moments[edges + nodes + node].add(&scratch.combined[node][..rows]);
                }
            }
        });
        let mut total = vec![Running::default(); edges + 2 * nodes];
        for segment in &workspace.segments {
            for (total, part) in total.iter_mut().zip(&segment.moments) {
                total.merge(*part);
            }
        }
        let moments: Vec<Moment> = total.into_iter().map(Running::moment).collect();
        Moments {
            edges: moments[..edges].to_vec(),
            values: moments[edges..edges + nodes].to_vec(),
            combined: moments[edges + nodes..].to_vec(),
        }
    }

    fn add_edges(&self, parameters: &[S], scratch: &mut Scratch<S>, moments: &mut [Running], rows: usize) {
        for step in &self.steps {
            match step {
                Step::Block(block) => {
                    for source in 0..block.sources.len() {
                        edge_values(block, source, parameters, scratch);
                        let edges = &block.edges[source * block.targets.len()..];
                        for (edge, values) in edges.iter().zip(&scratch.edges[..block.targets.len()]) {
                            moments[*edge].add(&values[..rows]);
                        }
                    }
                }
                Step::Symbolic(symbolic) => {
                    let [c, d] = [2, 3].map(|offset| parameters[symbolic.first_parameter + offset]);
                    let values = scratch.symbolics[symbolic.index][0].map(|value| c * value + d);
                    moments[symbolic.edge].add(&values[..rows]);
                }
                Step::Node(_) => {}
            }
        }
    }
}

/// What a block's source sends to each target, into `scratch.edges`.
pub(super) fn edge_values<S: Scalar>(block: &Block<S>, source: usize, parameters: &[S], scratch: &mut Scratch<S>) {
    let (count, targets) = (block.features(), block.targets.len());
    let own = &parameters[block.first_parameter + source * count * targets..][..count * targets];
    let features = &scratch.features[block.first_feature + source * count..][..count];
    simd::combine(own, features, &block.own_targets, &mut scratch.edges[..targets], Start::Overwrite);
}

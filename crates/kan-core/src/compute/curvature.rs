//! The Gauss-Newton matrix of a loss.

use super::batch::Batch;
use super::chunk::{Column, ROWS};
use super::forward::Detail;
use super::gradient::Sink;
use super::plan::Plan;
use super::scalar::Scalar;
use super::scratch::Scratch;
use super::{loss, simd};
use crate::fit::Loss;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Segments that a batch is split into here, whatever the number of threads: each holds a whole matrix.
const SEGMENTS: usize = 4;

/// What Gauss-Newton matrices are computed in; made once per fit.
#[derive(Debug)]
pub struct CurvatureWorkspace<S> {
    segments: Vec<Segment<S>>,
}

#[derive(Debug)]
struct Segment<S> {
    scratch: Scratch<S>,
    /// Derivatives of one output direction by each parameter.
    jacobian: Vec<Column<S>>,
    /// `[parameters, parameters]`, of which only the part right of the diagonal blocks is filled.
    matrix: Vec<S>,
}

impl<S: Scalar> CurvatureWorkspace<S> {
    /// Room for `plan`.
    pub fn new(plan: &Plan<S>) -> Self {
        let segment = || Segment {
            scratch: Scratch::new(plan, true),
            jacobian: vec![[S::ZERO; ROWS]; plan.parameters],
            matrix: vec![S::ZERO; plan.parameters * plan.parameters],
        };
        Self { segments: (0..SEGMENTS).map(|_| segment()).collect() }
    }
}

/// Keeps the rows' derivatives.
struct Keep<'a, S>(&'a mut [Column<S>]);

impl<S: Scalar> Sink<S> for Keep<'_, S> {
    fn block(&mut self, first: usize, features: &[Column<S>], targets: &[usize], gradients: &[Column<S>]) {
        let columns = self.0[first..].chunks_exact_mut(targets.len());
        for (feature, columns) in features.iter().zip(columns) {
            for (target, column) in targets.iter().zip(columns) {
                for row in 0..ROWS {
                    column[row] = feature[row] * gradients[*target][row];
                }
            }
        }
    }

    fn column(&mut self, parameter: usize, column: &Column<S>) {
        self.0[parameter] = *column;
    }
}

/// Rows of the matrix that are computed together.
const TILE: usize = 16;

impl<S: Scalar> Plan<S> {
    /// The Gauss-Newton matrix `Σ Jᵀ H J` of the loss by all parameters, with J the outputs' derivatives and H the
    /// loss's second derivatives by them: the loss's own second derivatives where the outputs fit, and never with a
    /// negative direction.
    ///
    /// # Panics
    /// If `workspace` was made for another plan or `matrix` is of another size.
    pub fn gauss_newton(
        &self,
        parameters: &[S],
        batch: &Batch<S>,
        loss: &Loss,
        workspace: &mut CurvatureWorkspace<S>,
        matrix: &mut DMatrix<f64>,
    ) {
        assert_eq!(matrix.shape(), (self.parameters, self.parameters));
        let length = batch.chunks().div_ceil(SEGMENTS);
        let all: Vec<usize> = (0..self.parameters).collect();
        workspace.segments.par_iter_mut().enumerate().for_each(|(index, segment)| {
            segment.matrix.fill(S::ZERO);
            for chunk in index * length..((index + 1) * length).min(batch.chunks()) {
                self.forward_chunk(parameters, Detail::Slopes, batch, chunk, &mut segment.scratch);
                for output in 0..self.outputs.len() {
                    self.add_direction(parameters, batch, chunk, loss, output, &all, segment);
                }
            }
        });
        for row in 0..self.parameters {
            for column in row..self.parameters {
                let place = row * self.parameters + column;
                let sum: f64 = workspace.segments.iter().map(|segment| segment.matrix[place].to_f64()).sum();
                matrix[(row, column)] = sum;
                matrix[(column, row)] = sum;
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is the state of one loop")]
    fn add_direction(
        &self,
        parameters: &[S],
        batch: &Batch<S>,
        chunk: usize,
        loss: &Loss,
        output: usize,
        all: &[usize],
        segment: &mut Segment<S>,
    ) {
        let height = self.outputs.len();
        let scratch = &mut segment.scratch;
        scratch.value_gradients.fill([S::ZERO; ROWS]);
        loss::root_of_curvature(
            loss,
            output,
            &self.outputs,
            &scratch.values,
            &batch.targets[chunk * height..(chunk + 1) * height],
            &batch.weights[chunk],
            batch.total_weight,
            &mut scratch.value_gradients,
        );
        self.backward(parameters, None, scratch, &mut Keep(&mut segment.jacobian));
        let count = self.parameters;
        for first in (0..count).step_by(TILE) {
            let rows = first..(first + TILE).min(count);
            // The matrix is symmetric: columns left of the tile are not needed.
            let strip = &mut segment.matrix[first * count..rows.end * count];
            simd::products(&segment.jacobian[rows], &all[first..], &segment.jacobian, strip, count, first);
        }
    }
}

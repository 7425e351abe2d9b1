//! Values of all nodes, and of the outputs.

use super::chunk::{Column, ROWS};
use super::kernel::Start;
use super::pieces::{BlockPieces, Pieces};
use super::plan::{Block, Node, Plan, Step, Symbolic};
use super::scalar::Scalar;
use super::scratch::Scratch;
use super::simd;

/// What a forward pass leaves in its scratch.
#[derive(Clone, Copy)]
pub(super) enum Detail<'a, S> {
    /// The nodes' values.
    Values(&'a Pieces<S>),
    /// The features too.
    Features,
    /// Their derivatives as well: everything that a backward pass needs.
    Slopes,
}

impl<'a, S: Scalar> Detail<'a, S> {
    fn pieces(self, step: usize) -> Option<&'a BlockPieces<S>> {
        match self {
            Self::Values(pieces) => pieces.of(step),
            Self::Features | Self::Slopes => None,
        }
    }
}

impl<S: Scalar> Plan<S> {
    /// Computes all nodes of the chunk whose inputs are in `scratch.values`; `rows` of them are samples.
    pub(super) fn forward(&self, parameters: &[S], detail: Detail<'_, S>, scratch: &mut Scratch<S>, rows: usize) {
        let slopes = matches!(detail, Detail::Slopes);
        for column in &self.zeroed {
            scratch.combined[*column] = [S::ZERO; ROWS];
        }
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Block(block) => match detail.pieces(index) {
                    Some(pieces) => pieces.combine(block, scratch),
                    None => combine_block(block, parameters, scratch, slopes),
                },
                Step::Symbolic(symbolic) => evaluate_symbolic(symbolic, parameters, scratch, rows),
                Step::Node(node) => finish_node(node, parameters, scratch),
            }
        }
    }
}

/// Features whose values and factors are combined while they are near the processor.
const NEAR_FEATURES: usize = 64;

fn combine_block<S: Scalar>(block: &Block<S>, parameters: &[S], scratch: &mut Scratch<S>, slopes: bool) {
    let (count, parameters) = (block.features(), &parameters[block.parameters()]);
    let together = (NEAR_FEATURES / count.max(1)).max(1);
    for first in (0..block.sources.len()).step_by(together) {
        let sources = first..(first + together).min(block.sources.len());
        for source in sources.clone() {
            let own = block.first_feature + source * count..block.first_feature + (source + 1) * count;
            let kept = slopes && !block.from_inputs;
            let slopes = if kept { &mut scratch.feature_slopes[own.clone()] } else { &mut [] };
            let x = &scratch.values[block.sources[source]];
            simd::fill_features(&block.knots[source], block.base, x, &mut scratch.features[own], slopes);
        }
        let start = match (block.comes_first, first) {
            (true, 0) => Start::Overwrite,
            (true, _) => Start::Continue,
            (false, _) => Start::Add,
        };
        let features = block.first_feature + sources.start * count..block.first_feature + sources.end * count;
        let stride = count * block.targets.len();
        let parameters = &parameters[sources.start * stride..sources.end * stride];
        simd::combine(parameters, &scratch.features[features], &block.targets, &mut scratch.combined, start);
    }
}

fn evaluate_symbolic<S: Scalar>(step: &Symbolic, parameters: &[S], scratch: &mut Scratch<S>, rows: usize) {
    let [a, b, c, d] = [0, 1, 2, 3].map(|offset| parameters[step.first_parameter + offset]);
    let mut x = [0.0; ROWS];
    for (x, source) in x.iter_mut().zip(&scratch.values[step.source]) {
        *x = (a * *source + b).to_f64();
    }
    let (mut values, mut derivatives) = ([0.0; ROWS], [0.0; ROWS]);
    step.function.evaluate(&x[..rows], &mut values[..rows], &mut derivatives[..rows]);
    let [kept_values, kept_derivatives] = &mut scratch.symbolics[step.index];
    let target: &mut Column<S> = &mut scratch.combined[step.target];
    for row in 0..ROWS {
        kept_values[row] = S::from_f64(values[row]);
        kept_derivatives[row] = S::from_f64(derivatives[row]);
        target[row] += c * kept_values[row] + d;
    }
}

fn finish_node<S: Scalar>(node: &Node, parameters: &[S], scratch: &mut Scratch<S>) {
    let (scale, bias) = (parameters[node.first_parameter], parameters[node.first_parameter + 1]);
    if let Some(factors) = &node.factors {
        let mut product = [S::ONE; ROWS];
        for factor in factors {
            for (product, factor) in product.iter_mut().zip(&scratch.combined[*factor]) {
                *product = *product * *factor;
            }
        }
        scratch.combined[node.column] = product;
    }
    for (value, combined) in scratch.values[node.column].iter_mut().zip(&scratch.combined[node.column]) {
        *value = scale * *combined + bias;
    }
}

//! What one thread computes in.

use super::chunk::{Column, ROWS};
use super::plan::Plan;
use super::scalar::Scalar;
use super::tile::{Tile, tiles};

/// What one thread computes in; made once, used for chunk after chunk.
#[derive(Clone, Debug)]
pub(super) struct Scratch<S> {
    /// Values of the nodes.
    pub values: Vec<Column<S>>,
    /// What was combined, before a node's affine.
    pub combined: Vec<Column<S>>,
    /// Sums of a wide block's tiles.
    pub sums: Vec<[Tile<S>; ROWS]>,
    /// Basis and base functions, then their derivatives.
    pub features: Vec<Column<S>>,
    pub feature_slopes: Vec<Column<S>>,
    /// Values and derivatives of symbolic edges' functions.
    pub symbolics: Vec<[Column<S>; 2]>,
    /// What one source sends to each target, where that matters.
    pub edges: Vec<Column<S>>,
    /// Gradients of the loss by `values` and `combined`.
    pub value_gradients: Vec<Column<S>>,
    pub combined_gradients: Vec<Column<S>>,
}

impl<S: Scalar> Scratch<S> {
    /// For forward passes alone, or with room for gradients.
    pub fn new(plan: &Plan<S>, gradients: bool) -> Self {
        let columns = |count: usize| vec![[S::ZERO; ROWS]; count];
        let back = usize::from(gradients);
        Self {
            values: columns(plan.columns),
            combined: columns(plan.columns),
            sums: vec![[Tile::ZERO; ROWS]; tiles(plan)],
            features: columns(plan.features),
            feature_slopes: columns(plan.features * back),
            edges: columns(plan.widest * back),
            symbolics: vec![[[S::ZERO; ROWS]; 2]; plan.symbolics],
            value_gradients: columns(plan.columns * back),
            combined_gradients: columns(plan.columns * back),
        }
    }
}

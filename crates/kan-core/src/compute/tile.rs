//! Tiles of neighboring targets, in which wide blocks are summed.

use super::plan::{Block, Plan, Step};
use super::scalar::Scalar;

/// Powers of the highest degree, 3.
pub(super) const POWERS: usize = 4;
/// Numbers in a [`Tile`].
pub(super) const LANES: usize = 16;
/// Targets from which on a block is wide.
const WIDE: usize = 9;

/// Numbers of neighboring targets, where no vector lies across two of the processor's lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Tile<S>(pub [S; LANES]);

impl<S: Scalar> Tile<S> {
    pub const ZERO: Self = Self([S::ZERO; LANES]);
}

/// Tiles that the sums of `plan`'s widest wide block need.
pub(super) fn tiles<S: Scalar>(plan: &Plan<S>) -> usize {
    let tiles = |step: &Step<S>| match step {
        Step::Block(block) if is_wide(block) => block.targets.len().div_ceil(LANES),
        _ => 0,
    };
    plan.steps.iter().map(tiles).max().unwrap_or(0)
}

/// Whether `block` is worth computing as polynomials between knots.
pub(super) fn is_wide<S: Scalar>(block: &Block<S>) -> bool {
    block.targets.len() >= WIDE && block.degree < POWERS && block.knots.iter().all(|table| table.is_short())
}

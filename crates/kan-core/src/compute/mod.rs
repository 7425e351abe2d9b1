//! The engine: a [`UnivariateGraph`](crate::graph::UnivariateGraph) compiled to flat arrays and a list of steps that
//! run over chunks of rows, forwards and backwards.
//!
//! Values are kept in columns of [`ROWS`] rows. The bases of a node are evaluated once and shared by all edges that
//! leave it, and what several nodes send to the same targets is one small matrix product. Rows are split into segments
//! by a rule that depends on their number only, and the segments' sums are added in order, so results have the same
//! bits on any number of threads.

mod batch;
mod chunk;
mod compiled;
mod curvature;
mod forward;
mod gradient;
mod graph;
mod kernel;
mod loss;
mod moments;
mod pieces;
mod plan;
mod refit;
mod scalar;
mod scratch;
mod simd;
mod tile;

pub use batch::Batch;
pub use chunk::{Column, ROWS};
pub use compiled::CompiledGraph;
pub use curvature::CurvatureWorkspace;
pub use gradient::Workspace;
pub(crate) use loss::output_gradient;
pub use moments::{DeviationPenalty, Moment, Moments, Pull};
pub use plan::{EdgeSlot, Plan};
pub use scalar::Scalar;

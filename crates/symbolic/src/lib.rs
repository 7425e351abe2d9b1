#![doc = include_str!("../README.md")]
//!
//! The crate knows nothing about environments and does no I/O: inputs and outputs are values and strings.

mod count;
mod derivative;
pub mod export;
mod expression;
mod formula;
mod graph;
mod interval;
pub mod library;
mod rounding;
mod simplify;
mod tape;

pub use export::{Format, Monitor, Real, c_files, export, export_with_monitor};
pub use expression::{
    Code, Curve, Expression, MAXIMUM_DEPTH, MAXIMUM_NODES, Native, NativeFunction, Node, Operator, SymbolicError,
};
pub use formula::{FORMAT_VERSION, Formula, Output};
pub use graph::graph_expressions;
pub use interval::Bounds;
pub use kanrl_core::action::ActionRule;
pub use rounding::{Rounding, round};
pub use simplify::SimplifyLimits;
pub use tape::Tape;

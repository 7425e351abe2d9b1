//! A network of one-variable edges: what every symbolic stage works on.
//!
//! A [`UnivariateGraph`] is owned data, detached from the approximator it came from: inputs with an affine transform,
//! sum and product nodes with an affine of their own, and edges that are splines or named functions
//! `c·f(a·x + b) + d`. Pruning, the diagram, symbolification, refinement and the studio's pinning use only it.

mod additive;
mod attribution;
pub mod diagram;
mod edit;
mod evaluate;
mod file;
mod prune;

pub use attribution::Importances;
pub use file::{FORMAT_VERSION, GraphFile, GraphFileError};
pub use prune::PruneThresholds;

use crate::function::{FittedFunction, UnivariateFunction};
use std::sync::Arc;

/// A network of one-variable edges, in topological order: an edge goes from a lower to a higher node index.
#[derive(Clone, Debug)]
pub struct UnivariateGraph {
    /// The inputs, in the environment's own units; the first nodes stand for them, in this order.
    pub inputs: Vec<Input>,
    /// All nodes; the first `inputs.len()` are [`NodeKind::Input`].
    pub nodes: Vec<Node>,
    /// All edges, sorted by target, then source.
    pub edges: Vec<Edge>,
    /// The nodes whose values are the outputs, in order.
    pub outputs: Vec<usize>,
}

/// One input: the node's value is `scale · (x − shift)`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The variable's name.
    pub name: String,
    /// Subtracted first.
    pub shift: f64,
    /// Multiplied then.
    pub scale: f64,
}

/// How a node combines the values of its incoming edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// An input; has no incoming edge.
    Input,
    /// Their sum; 0 without any.
    Sum,
    /// Their product; 1 without any.
    Product,
}

/// A node: `scale · combined + bias`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// How it combines its incoming edges.
    pub kind: NodeKind,
    /// Multiplies the combined value (1 for inputs).
    pub scale: f64,
    /// Added to it (0 for inputs).
    pub bias: f64,
}

/// An edge between two nodes.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Index of the node it reads.
    pub source: usize,
    /// Index of the node it feeds.
    pub target: usize,
    /// What it computes.
    pub function: EdgeFunction,
    /// Share of the output's variation that goes through it, as pykan's attribution score; 0 where not computed.
    pub importance: f64,
}

/// What an edge computes.
#[derive(Clone, Debug)]
pub enum EdgeFunction {
    /// `scale_base · base(x) + Σ coefficients_i · B_i(x)`.
    Spline(SplineEdge),
    /// `c·f(a·x + b) + d`.
    Symbolic(SymbolicEdge),
}

impl EdgeFunction {
    /// The function's name; none for a spline, and for a curve that is given by its numbers alone.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Symbolic(edge) => Some(edge.function.name()).filter(|name| !name.starts_with("curve(")),
            Self::Spline(_) => None,
        }
    }
}

/// A learnable curve: a base function plus a B-spline.
#[derive(Clone, Debug, PartialEq)]
pub struct SplineEdge {
    /// The base function.
    pub base: BaseFunction,
    /// Its factor.
    pub scale_base: f64,
    /// Degree k of the spline.
    pub degree: usize,
    /// Extended knots `[grid + 2·degree + 1]`, not decreasing.
    pub knots: Vec<f64>,
    /// Coefficients `[grid + degree]`; the spline's own scale is folded in.
    pub coefficients: Vec<f64>,
}

/// A named function with its affines.
#[derive(Clone, Debug)]
pub struct SymbolicEdge {
    /// f.
    pub function: Arc<dyn UnivariateFunction>,
    /// Inner scale.
    pub a: f64,
    /// Inner shift.
    pub b: f64,
    /// Outer scale.
    pub c: f64,
    /// Outer shift.
    pub d: f64,
}

/// The function added to the spline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaseFunction {
    /// `x · sigmoid(x)`.
    #[default]
    Silu,
    /// `x`.
    Identity,
    /// 0.
    Zero,
}

impl SymbolicEdge {
    /// The edge that passes its input on.
    pub fn identity() -> Self {
        Self { function: Arc::new(crate::function::Identity), a: 1.0, b: 0.0, c: 1.0, d: 0.0 }
    }
}

impl From<FittedFunction> for SymbolicEdge {
    fn from(FittedFunction { function, a, b, c, d, .. }: FittedFunction) -> Self {
        Self { function, a, b, c, d }
    }
}

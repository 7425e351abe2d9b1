//! Graphs as data.

use super::{BaseFunction, Edge, EdgeFunction, Input, Node, NodeKind, SplineEdge, SymbolicEdge, UnivariateGraph};
use crate::function::SymbolicLibrary;
use crate::model_file::{self, ModelFile};
use crate::spline::MAX_DEGREE;
use serde::{Deserialize, Serialize};

/// Version of the format.
pub const FORMAT_VERSION: u32 = 1;

/// What a model file that holds a graph says it is.
const MODEL_FORMAT: &str = "kanrl-graph";

/// A graph in the form of a file (`network.json`), with its functions by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphFile {
    format: u32,
    inputs: Vec<Input>,
    nodes: Vec<Node>,
    edges: Vec<EdgeFile>,
    outputs: Vec<usize>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeFile {
    source: usize,
    target: usize,
    importance: f64,
    function: FunctionFile,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum FunctionFile {
    Spline { base: BaseFunction, scale_base: f64, degree: usize, knots: Vec<f64>, coefficients: Vec<f64> },
    Symbolic { name: String, a: f64, b: f64, c: f64, d: f64 },
}

/// A file that is not a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a graph: {reason}")]
pub struct GraphFileError {
    /// What is wrong with it, and where.
    pub reason: String,
}

impl From<&UnivariateGraph> for GraphFile {
    fn from(graph: &UnivariateGraph) -> Self {
        let edge = |edge: &Edge| {
            let function = match &edge.function {
                EdgeFunction::Spline(spline) => FunctionFile::Spline {
                    base: spline.base,
                    scale_base: spline.scale_base,
                    degree: spline.degree,
                    knots: spline.knots.clone(),
                    coefficients: spline.coefficients.clone(),
                },
                EdgeFunction::Symbolic(SymbolicEdge { function, a, b, c, d }) => {
                    FunctionFile::Symbolic { name: function.name().to_owned(), a: *a, b: *b, c: *c, d: *d }
                }
            };
            EdgeFile { source: edge.source, target: edge.target, importance: edge.importance, function }
        };
        Self {
            format: FORMAT_VERSION,
            inputs: graph.inputs.clone(),
            nodes: graph.nodes.clone(),
            edges: graph.edges.iter().map(edge).collect(),
            outputs: graph.outputs.clone(),
        }
    }
}

impl UnivariateGraph {
    /// The graph as JSON: what [`Self::from_json`] reads.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&GraphFile::from(self)).expect("numbers and names are plain data");
        text.push('\n');
        text
    }

    /// Reads a graph; its named functions are the library's.
    ///
    /// # Errors
    /// [`GraphFileError`] for anything that is not a graph, another version, a function that the library does not have, and
    /// parts that do not fit together.
    pub fn from_json(text: &str, library: &dyn SymbolicLibrary) -> Result<Self, GraphFileError> {
        let file: GraphFile =
            serde_json::from_str(text).map_err(|error| GraphFileError { reason: error.to_string() })?;
        file.graph(library)
    }

    /// The graph as safetensors bytes, for [`FunctionApproximator::save`](crate::approximator::FunctionApproximator::save).
    pub fn to_safetensors(&self) -> Vec<u8> {
        model_file::write(MODEL_FORMAT, &GraphFile::from(self), [], &[])
    }

    /// Reads what [`Self::to_safetensors`] wrote; its named functions are the library's.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn from_safetensors(bytes: &[u8], library: &dyn SymbolicLibrary) -> Result<Self, GraphFileError> {
        let file = ModelFile::open(bytes, MODEL_FORMAT).and_then(|file| file.config::<GraphFile>());
        file.map_err(|error| GraphFileError { reason: error.to_string() })?.graph(library)
    }
}

impl GraphFile {
    /// The graph; its named functions are the library's, and `x` is known without it.
    ///
    /// # Errors
    /// [`GraphFileError`] for another version, a function that the library does not have, and parts that do not fit
    /// together.
    pub fn graph(self, library: &dyn SymbolicLibrary) -> Result<UnivariateGraph, GraphFileError> {
        self.check()?;
        let function = |function: FunctionFile| match function {
            FunctionFile::Spline { base, scale_base, degree, knots, coefficients } => {
                Ok(EdgeFunction::Spline(SplineEdge { base, scale_base, degree, knots, coefficients }))
            }
            FunctionFile::Symbolic { name, a, b, c, d } => {
                let found =
                    library.function(&name).or_else(|| (name == "x").then(|| SymbolicEdge::identity().function));
                let function = found.ok_or_else(|| GraphFileError {
                    reason: format!("it uses a function `{name}` that the library does not have"),
                })?;
                Ok(EdgeFunction::Symbolic(SymbolicEdge { function, a, b, c, d }))
            }
        };
        let edge = |edge: EdgeFile| {
            let EdgeFile { source, target, importance, .. } = edge;
            Ok(Edge { source, target, function: function(edge.function)?, importance })
        };
        let edges = self.edges.into_iter().map(edge).collect::<Result<_, _>>()?;
        Ok(UnivariateGraph { inputs: self.inputs, nodes: self.nodes, edges, outputs: self.outputs })
    }

    /// What the engine and everything else takes for granted.
    fn check(&self) -> Result<(), GraphFileError> {
        let bad = |reason: String| Err(GraphFileError { reason });
        if self.format != FORMAT_VERSION {
            return bad(format!("its format is version {}, this program reads {FORMAT_VERSION}", self.format));
        }
        let (inputs, nodes) = (self.inputs.len(), self.nodes.len());
        let is_input = |node: usize| self.nodes[node].kind == NodeKind::Input;
        if inputs == 0 || inputs > nodes || (0..nodes).any(|node| is_input(node) != (node < inputs)) {
            return bad(format!("the first {inputs} of its {nodes} nodes, and only they, must be its inputs"));
        }
        if self.outputs.is_empty() || self.outputs.iter().any(|output| *output >= nodes) {
            return bad(format!("its outputs {:?} must be among its {nodes} nodes", self.outputs));
        }
        let transforms = self.inputs.iter().flat_map(|input| [input.shift, input.scale]);
        let affines = self.nodes.iter().flat_map(|node| [node.scale, node.bias]);
        if !transforms.chain(affines).all(f64::is_finite) {
            return bad("a shift, scale or bias is not finite".into());
        }
        let sorted = self.edges.windows(2).all(|pair| {
            let place = |edge: &EdgeFile| (edge.target, edge.source);
            place(&pair[0]) <= place(&pair[1])
        });
        if !sorted {
            return bad("its edges must be sorted by target, then source".into());
        }
        for (index, edge) in self.edges.iter().enumerate() {
            if edge.source >= edge.target || edge.target >= nodes || edge.target < inputs {
                return bad(format!("edge {index} goes from node {} to {}", edge.source, edge.target));
            }
            if let Some(problem) = edge.function.problem() {
                return bad(format!("edge {index}: {problem}"));
            }
        }
        Ok(())
    }
}

impl FunctionFile {
    fn problem(&self) -> Option<String> {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        match self {
            Self::Spline { scale_base, degree, knots, coefficients, .. } => {
                if !(1..=MAX_DEGREE).contains(degree) {
                    return Some(format!("a spline's degree is from 1 to {MAX_DEGREE}, not {degree}"));
                }
                if coefficients.is_empty() || knots.len() != coefficients.len() + degree + 1 {
                    let (knots, coefficients) = (knots.len(), coefficients.len());
                    return Some(format!(
                        "{knots} knots and {coefficients} coefficients do not make a spline of degree {degree}"
                    ));
                }
                if !(finite(&[*scale_base]) && finite(knots) && finite(coefficients)) {
                    return Some("a number is not finite".into());
                }
                let falling = knots.windows(2).any(|pair| pair[0] > pair[1]);
                falling.then(|| "its knots are not in order".into())
            }
            Self::Symbolic { a, b, c, d, .. } => (!finite(&[*a, *b, *c, *d])).then(|| "a number is not finite".into()),
        }
    }
}

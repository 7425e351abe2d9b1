use crate::engine::{Artefact, ArtefactError, LoadContext};
use crate::files;
use kan_core::function::SymbolicLibrary;
use kan_core::graph::{Edge, EdgeFunction, Input, Node, NodeKind, SplineEdge, SymbolicEdge, UnivariateGraph};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The network as it stands: fitted, then pruned, then named, edge by edge.
#[derive(Clone, Debug)]
pub struct Network(pub UnivariateGraph);

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkFile {
    format: u32,
    inputs: Vec<InputFile>,
    nodes: Vec<NodeFile>,
    edges: Vec<EdgeFile>,
    outputs: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputFile {
    name: String,
    shift: f64,
    scale: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    kind: NodeKindFile,
    scale: f64,
    bias: f64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NodeKindFile {
    Input,
    Sum,
    Product,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeFile {
    source: usize,
    target: usize,
    importance: f64,
    function: EdgeFunctionFile,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum EdgeFunctionFile {
    Spline {
        base: kan_core::graph::BaseFunction,
        scale_base: f64,
        degree: usize,
        knots: Vec<f64>,
        coefficients: Vec<f64>,
    },
    Symbolic {
        name: String,
        a: f64,
        b: f64,
        c: f64,
        d: f64,
    },
}

impl Artefact for Network {
    const NAME: &'static str = "network";

    fn save(&self, folder: &Path) -> Result<(), ArtefactError> {
        Ok(files::write_json(&folder.join("network.json"), &to_file(&self.0))?)
    }

    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtefactError> {
        let bytes = std::fs::read(folder.join("network.json"))?;
        let file: NetworkFile = serde_json::from_slice(&bytes).map_err(ArtefactError::damaged)?;
        from_file(file, context.library.as_ref()).map(Self)
    }
}

fn to_file(graph: &UnivariateGraph) -> NetworkFile {
    let input = |input: &Input| InputFile { name: input.name.clone(), shift: input.shift, scale: input.scale };
    let node = |node: &Node| {
        let kind = match node.kind {
            NodeKind::Input => NodeKindFile::Input,
            NodeKind::Sum => NodeKindFile::Sum,
            NodeKind::Product => NodeKindFile::Product,
        };
        NodeFile { kind, scale: node.scale, bias: node.bias }
    };
    let edge = |edge: &Edge| {
        let function = match &edge.function {
            EdgeFunction::Spline(spline) => EdgeFunctionFile::Spline {
                base: spline.base,
                scale_base: spline.scale_base,
                degree: spline.degree,
                knots: spline.knots.clone(),
                coefficients: spline.coefficients.clone(),
            },
            EdgeFunction::Symbolic(symbolic) => EdgeFunctionFile::Symbolic {
                name: symbolic.function.name().to_owned(),
                a: symbolic.a,
                b: symbolic.b,
                c: symbolic.c,
                d: symbolic.d,
            },
        };
        EdgeFile { source: edge.source, target: edge.target, importance: edge.importance, function }
    };
    NetworkFile {
        format: FORMAT,
        inputs: graph.inputs.iter().map(input).collect(),
        nodes: graph.nodes.iter().map(node).collect(),
        edges: graph.edges.iter().map(edge).collect(),
        outputs: graph.outputs.clone(),
    }
}

fn from_file(file: NetworkFile, library: &dyn SymbolicLibrary) -> Result<UnivariateGraph, ArtefactError> {
    if file.format != FORMAT {
        return Err(ArtefactError::damaged(format!("format {}, expected {FORMAT}", file.format)));
    }
    let input = |input: InputFile| Input { name: input.name, shift: input.shift, scale: input.scale };
    let node = |node: NodeFile| {
        let kind = match node.kind {
            NodeKindFile::Input => NodeKind::Input,
            NodeKindFile::Sum => NodeKind::Sum,
            NodeKindFile::Product => NodeKind::Product,
        };
        Node { kind, scale: node.scale, bias: node.bias }
    };
    let nodes: Vec<Node> = file.nodes.into_iter().map(node).collect();
    let edge = |edge: EdgeFile| {
        if edge.source >= edge.target || edge.target >= nodes.len() {
            return Err(ArtefactError::damaged(format!("an edge from node {} to {}", edge.source, edge.target)));
        }
        let function = match edge.function {
            EdgeFunctionFile::Spline { base, scale_base, degree, knots, coefficients } => {
                if knots.len() != coefficients.len() + degree + 1 {
                    return Err(ArtefactError::damaged("a spline whose knots and coefficients do not fit together"));
                }
                EdgeFunction::Spline(SplineEdge { base, scale_base, degree, knots, coefficients })
            }
            EdgeFunctionFile::Symbolic { name, a, b, c, d } => {
                let function = library.function(&name).ok_or_else(|| {
                    ArtefactError::damaged(format!("a function `{name}` that the library does not have"))
                })?;
                EdgeFunction::Symbolic(SymbolicEdge { function, a, b, c, d })
            }
        };
        Ok(Edge { source: edge.source, target: edge.target, function, importance: edge.importance })
    };
    let edges = file.edges.into_iter().map(edge).collect::<Result<_, _>>()?;
    if file.outputs.iter().any(|output| *output >= nodes.len()) || file.inputs.len() > nodes.len() {
        return Err(ArtefactError::damaged("an output that is no node"));
    }
    Ok(UnivariateGraph { inputs: file.inputs.into_iter().map(input).collect(), nodes, edges, outputs: file.outputs })
}

//! From a graph back to a network.

use super::network::{Layer, LayerShape, Network};
use crate::fit::ApproximatorError;
use crate::graph::{BaseFunction, EdgeFunction, NodeKind, SplineEdge, UnivariateGraph};
use crate::spline;

/// What a layer without any spline is given.
const DEFAULT_GRID: usize = 5;
const DEFAULT_DEGREE: usize = 3;

/// A sum of edges before it is a node or a factor: scale, bias, and the edges.
struct Subnode {
    scale: f64,
    bias: f64,
    edges: Vec<usize>,
}

/// A node of a layer: its place in the graph, and one subnode, or several that are multiplied.
struct LayerNode {
    node: usize,
    is_product: bool,
    subnodes: Vec<Subnode>,
}

impl Network {
    /// The network that computes the same as `graph` does from its transformed inputs (their shifts and scales stay
    /// with the graph): the reverse of [`Self::graph`], also for graphs that were pruned or partly named.
    ///
    /// # Errors
    /// [`ApproximatorError::NotLayered`] for a graph that no network has: an edge that skips a layer, two edges between
    /// the same nodes, splines of one layer with different bases, degrees or numbers of knots, splines of one input with
    /// different knots, or outputs that are not the last layer's nodes in order, sums before products.
    pub fn from_graph(graph: &UnivariateGraph) -> Result<Self, ApproximatorError> {
        let factors = factors(graph);
        let nodes: Vec<LayerNode> = (graph.inputs.len()..graph.nodes.len())
            .filter(|node| !factors[*node])
            .map(|node| layer_node(graph, node, &factors))
            .collect();
        let levels = levels(graph, &nodes)?;
        let count = graph.outputs.iter().map(|output| levels[*output]).max().unwrap_or(0);
        if count == 0 {
            return Err(not_layered("an output is an input".into()));
        }
        let mut before: Vec<usize> = (0..graph.inputs.len()).collect();
        let mut layers = Vec::with_capacity(count);
        for level in 1..=count {
            let of_kind = |product: bool| {
                let levels = &levels;
                nodes.iter().filter(move |own| levels[own.node] == level && own.is_product == product)
            };
            let own: Vec<&LayerNode> = of_kind(false).chain(of_kind(true)).collect();
            layers.push(layer(graph, level, &before, &own)?);
            before = own.iter().map(|own| own.node).collect();
        }
        if before != graph.outputs {
            let outputs = &graph.outputs;
            return Err(not_layered(format!("its outputs are nodes {outputs:?}, its last layer is {before:?}")));
        }
        Ok(Self { layers })
    }
}

fn not_layered(reason: String) -> ApproximatorError {
    ApproximatorError::NotLayered { reason }
}

/// For each node, whether it is a sum that only passes its value on to a product.
fn factors(graph: &UnivariateGraph) -> Vec<bool> {
    let mut outgoing = vec![0; graph.nodes.len()];
    let mut factors = vec![false; graph.nodes.len()];
    for edge in &graph.edges {
        outgoing[edge.source] += 1;
        let passes = matches!(&edge.function, EdgeFunction::Symbolic(edge)
            if edge.function.name() == "x" && (edge.a, edge.b, edge.c, edge.d) == (1.0, 0.0, 1.0, 0.0));
        let into_product = graph.nodes[edge.target].kind == NodeKind::Product;
        factors[edge.source] = passes && into_product && graph.nodes[edge.source].kind == NodeKind::Sum;
    }
    (0..factors.len()).map(|node| factors[node] && outgoing[node] == 1 && !graph.outputs.contains(&node)).collect()
}

fn layer_node(graph: &UnivariateGraph, node: usize, factors: &[bool]) -> LayerNode {
    let into = |node: usize| -> Vec<usize> {
        graph.edges.iter().enumerate().filter(|(_, edge)| edge.target == node).map(|(index, _)| index).collect()
    };
    let is_product = graph.nodes[node].kind == NodeKind::Product;
    let subnodes = if is_product {
        let factor = |edge: usize| {
            let source = graph.edges[edge].source;
            if factors[source] {
                let own = &graph.nodes[source];
                Subnode { scale: own.scale, bias: own.bias, edges: into(source) }
            } else {
                Subnode { scale: 1.0, bias: 0.0, edges: vec![edge] }
            }
        };
        into(node).into_iter().map(factor).collect()
    } else {
        vec![Subnode { scale: 1.0, bias: 0.0, edges: into(node) }]
    };
    LayerNode { node, is_product, subnodes }
}

/// The layer of each node, 0 for inputs. Every edge goes up one layer.
fn levels(graph: &UnivariateGraph, nodes: &[LayerNode]) -> Result<Vec<usize>, ApproximatorError> {
    let mut levels = vec![0; graph.nodes.len()];
    let sources = |own: &LayerNode| -> Vec<usize> {
        own.subnodes.iter().flat_map(|subnode| &subnode.edges).map(|edge| graph.edges[*edge].source).collect()
    };
    for own in nodes {
        levels[own.node] = 1 + sources(own).into_iter().map(|source| levels[source]).max().unwrap_or(0);
    }
    // A constant may stand in any layer: where it is used, or with the outputs.
    let top = graph.outputs.iter().map(|output| levels[*output]).max().unwrap_or(0);
    for own in nodes.iter().filter(|own| sources(own).is_empty()) {
        let users = nodes.iter().filter(|user| sources(user).contains(&own.node)).map(|user| levels[user.node]);
        levels[own.node] = users.min().map_or(top, |level| level - 1).max(1);
    }
    for own in nodes {
        for source in sources(own) {
            if levels[source] + 1 != levels[own.node] {
                let (from, to) = (levels[source], levels[own.node]);
                let node = own.node;
                return Err(not_layered(format!(
                    "an edge goes from node {source} in layer {from} to node {node} in layer {to}"
                )));
            }
        }
    }
    Ok(levels)
}

fn layer(
    graph: &UnivariateGraph,
    level: usize,
    before: &[usize],
    own: &[&LayerNode],
) -> Result<Layer, ApproximatorError> {
    let bad = |reason: String| Err(not_layered(format!("layer {level}: {reason}")));
    let subnodes: Vec<&Subnode> = own.iter().flat_map(|node| &node.subnodes).collect();
    let splines = |input: Option<usize>| {
        let edges = subnodes.iter().flat_map(|subnode| &subnode.edges).map(|edge| &graph.edges[*edge]);
        edges.filter(move |edge| input.is_none_or(|input| edge.source == input)).filter_map(|edge| {
            match &edge.function {
                EdgeFunction::Spline(spline) => Some(spline),
                EdgeFunction::Symbolic(_) => None,
            }
        })
    };
    let form = |spline: &SplineEdge| (spline.base, spline.degree, spline.knots.len());
    let (base, degree, knots) =
        splines(None).next().map_or((BaseFunction::Silu, DEFAULT_DEGREE, DEFAULT_GRID + 2 * DEFAULT_DEGREE + 1), form);
    if splines(None).any(|spline| form(spline) != (base, degree, knots)) || knots < 2 * degree + 2 {
        return bad("its splines have different bases, degrees or numbers of knots".into());
    }
    let shape = LayerShape {
        inputs: before.len(),
        sums: own.iter().filter(|node| !node.is_product).count(),
        products: own.iter().filter(|node| node.is_product).map(|node| node.subnodes.len()).collect(),
        grid: knots - 2 * degree - 1,
        degree,
        base,
        noise: 0.0,
    };
    let mut layer = Layer::empty(&shape);
    let even: Vec<f64> = (0..=layer.grid).map(|knot| -1.0 + 2.0 * knot as f64 / layer.grid as f64).collect();
    let even = spline::extend_knots(&even, degree);
    for (input, source) in before.iter().enumerate() {
        let own = splines(Some(*source)).next().map_or(&even, |spline| &spline.knots);
        if splines(Some(*source)).any(|spline| spline.knots != *own) {
            return bad(format!("the splines of input {input} have different knots"));
        }
        layer.knots[input * knots..(input + 1) * knots].copy_from_slice(own);
    }
    layer.mask.fill(0.0);
    let (count, basis) = (subnodes.len(), layer.basis());
    for (subnode, part) in subnodes.iter().enumerate() {
        (layer.subnode_scale[subnode], layer.subnode_bias[subnode]) = (part.scale, part.bias);
        for edge in &part.edges {
            let edge = &graph.edges[*edge];
            let input = before.iter().position(|node| *node == edge.source).expect("one layer below");
            let place = input * count + subnode;
            if layer.mask[place] != 0.0 {
                return bad(format!("two edges go from input {input} to the same sum"));
            }
            layer.mask[place] = 1.0;
            layer.scale_spline[place] = 1.0;
            match &edge.function {
                EdgeFunction::Spline(spline) => {
                    layer.scale_base[place] = spline.scale_base;
                    layer.coefficients[place * basis..(place + 1) * basis].copy_from_slice(&spline.coefficients);
                }
                EdgeFunction::Symbolic(symbolic) => layer.symbolic[place] = Some(symbolic.clone()),
            }
        }
    }
    for (index, own) in own.iter().enumerate() {
        let node = &graph.nodes[own.node];
        (layer.node_scale[index], layer.node_bias[index]) = (node.scale, node.bias);
    }
    Ok(layer)
}

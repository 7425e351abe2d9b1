//! From a graph of one-variable edges to expressions.

use crate::expression::{Expression, SymbolicError};
use kanrl_core::graph::{EdgeFunction, NodeKind, SymbolicEdge, UnivariateGraph};
use std::collections::{BTreeMap, HashMap};

/// One expression for each output of a graph whose edges are all named functions, over the graph's input names: the
/// inputs' transform folded in, constants folded, affine chains collapsed.
///
/// # Errors
/// [`SymbolicError`] for an edge that is still a spline, a function without an expression, a bad name, a constant that
/// is not finite, or a formula too large to be written.
pub fn graph_expressions(graph: &UnivariateGraph) -> Result<Vec<Expression>, SymbolicError> {
    let mut functions: HashMap<&str, Expression> = HashMap::new();
    let mut values: Vec<Expression> = Vec::with_capacity(graph.nodes.len());
    let mut edges = graph.edges.iter().enumerate().peekable();
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut incoming = Vec::new();
        while let Some((number, edge)) = edges.next_if(|(_, edge)| edge.target == index) {
            let EdgeFunction::Symbolic(symbolic) = &edge.function else {
                return Err(SymbolicError::Invalid(format!(
                    "edge {number} (node {} to node {index}) is a spline; every edge must be a named function first",
                    edge.source
                )));
            };
            let source = values.get(edge.source).ok_or_else(|| {
                SymbolicError::Invalid(format!("edge {number} comes from node {}, not an earlier one", edge.source))
            })?;
            incoming.push(edge_expression(symbolic, source, &mut functions)?);
        }
        let value = match node.kind {
            NodeKind::Input => {
                let input = graph.inputs.get(index).ok_or_else(|| {
                    SymbolicError::Invalid(format!("node {index} is an input, of {} inputs", graph.inputs.len()))
                })?;
                Expression::variable(&input.name)?.affine(input.scale, -input.scale * input.shift)
            }
            NodeKind::Sum => Expression::sum(incoming),
            NodeKind::Product => Expression::product(incoming),
        };
        let value = value.affine(node.scale, node.bias);
        value.check()?;
        values.push(value);
    }
    if let Some((number, edge)) = edges.next() {
        let target = edge.target;
        return Err(SymbolicError::Invalid(format!("edge {number} to node {target} is out of order or has no target")));
    }
    let output = |index: &usize| {
        values.get(*index).cloned().ok_or_else(|| SymbolicError::Invalid(format!("output node {index} does not exist")))
    };
    graph.outputs.iter().map(output).collect()
}

/// `c·f(a·x + b) + d` with f's expression in place and `x` replaced by the source's.
fn edge_expression<'a>(
    edge: &'a SymbolicEdge,
    source: &Expression,
    functions: &mut HashMap<&'a str, Expression>,
) -> Result<Expression, SymbolicError> {
    let name = edge.function.name();
    if !functions.contains_key(name) {
        let text = edge.function.expression();
        let text = text.ok_or_else(|| SymbolicError::Invalid(format!("the function `{name}` has no expression")))?;
        functions.insert(name, text.parse()?);
    }
    let argument = source.clone().affine(edge.a, edge.b);
    let value = functions[name].substitute(&BTreeMap::from([("x", argument)])).folded();
    Ok(value.affine(edge.c, edge.d))
}

//! From a graph of one-variable edges to expressions.

use crate::expression::{Curve, Expression, Node, Operator, SymbolicError};
use kanrl_core::graph::{BaseFunction, EdgeFunction, NodeKind, SplineEdge, SymbolicEdge, UnivariateGraph};
use std::collections::{BTreeMap, HashMap};

/// One expression for each output of a graph, over the graph's input names: the inputs' transform folded in, constants
/// folded, affine chains collapsed. An edge that has no name is a [`Curve`], and next to it its base function: the formula
/// computes what the network computes, within its splines and outside.
///
/// # Errors
/// [`SymbolicError`] for a spline of a degree above 3, a function without an expression, a bad name, a constant that is
/// not finite, or a formula too large to be written.
pub fn graph_expressions(graph: &UnivariateGraph) -> Result<Vec<Expression>, SymbolicError> {
    let mut functions: HashMap<&str, Expression> = HashMap::new();
    let mut values: Vec<Expression> = Vec::with_capacity(graph.nodes.len());
    let mut edges = graph.edges.iter().enumerate().peekable();
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut incoming = Vec::new();
        while let Some((number, edge)) = edges.next_if(|(_, edge)| edge.target == index) {
            let source = values.get(edge.source).ok_or_else(|| {
                SymbolicError::Invalid(format!("edge {number} comes from node {}, not an earlier one", edge.source))
            })?;
            incoming.push(match &edge.function {
                EdgeFunction::Symbolic(symbolic) => edge_expression(symbolic, source, &mut functions)?,
                EdgeFunction::Spline(spline) => spline_expression(spline, source).ok_or_else(|| {
                    let degree = spline.degree;
                    SymbolicError::Invalid(format!(
                        "edge {number} is a spline of degree {degree}, which no formula has"
                    ))
                })?,
            });
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

/// A spline with its base function; `None` for a degree above 3.
fn spline_expression(edge: &SplineEdge, source: &Expression) -> Option<Expression> {
    let base = match edge.base {
        BaseFunction::Silu => {
            let sigmoid = Expression::apply(Operator::Exp, [-source.clone()]) + 1.0;
            source.clone() / sigmoid
        }
        BaseFunction::Identity => source.clone(),
        BaseFunction::Zero => Expression::constant(0.0),
    };
    Some(base * edge.scale_base + over(Curve::from_spline(edge)?, source.clone()))
}

/// The curve over an argument, an affine function of one variable drawn into it.
fn over(curve: Curve, argument: Expression) -> Expression {
    let [variable] = &argument.variables()[..] else { return Expression::curve(curve.into(), argument) };
    match affine(&argument).and_then(|[scale, shift]| curve.of_affine(scale, shift)) {
        Some(curve) => Expression::curve(curve.into(), Expression::symbol(variable)),
        None => Expression::curve(curve.into(), argument),
    }
}

/// Scale and shift of an affine function of one variable.
fn affine(expression: &Expression) -> Option<[f64; 2]> {
    expression.fold(|node, operands: Vec<Option<[f64; 2]>>| {
        let operands: Vec<[f64; 2]> = operands.into_iter().collect::<Option<_>>()?;
        match node {
            Node::Constant(value) => Some([0.0, *value]),
            Node::Variable(_) => Some([1.0, 0.0]),
            Node::Operation(Operator::Negate, _) => Some(operands[0].map(|value| -value)),
            Node::Operation(Operator::Add, _) => {
                Some(operands.into_iter().fold([0.0, 0.0], |[a, b], [scale, shift]| [a + scale, b + shift]))
            }
            Node::Operation(Operator::Multiply, _) => {
                operands.into_iter().try_fold([0.0, 1.0], |[a, b], [scale, shift]| {
                    let is_affine = a == 0.0 || scale == 0.0;
                    is_affine.then_some([a * shift + b * scale, b * shift])
                })
            }
            _ => None,
        }
    })
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

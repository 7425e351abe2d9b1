//! How large a network's tensors become, known before they are made: a file of a few hundred bytes can ask for terabytes.
//!
//! The operators that the first output needs are run one by one on an observation of zeros. Before each, its operands' shapes
//! bound its result's. No shape may depend on the observation, so that every later run has the same ones.

use super::{MAX_OPERATORS, Network};
use rten::{Dimension, RunOptions, Value};
use rten_onnx::onnx::{ModelProto, NodeProto};
use rten_tensor::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Most numbers in all results of a network's operators together, weights apart; a policy has thousands.
const MAX_NUMBERS: usize = 1 << 24;

/// What is known of a graph's values while it is worked through, by their names.
struct Walk<'a> {
    network: &'a Network,
    results: HashMap<String, Value>,
    /// Depend on the observation's numbers.
    observed: HashSet<String>,
    /// Numbers in `results`.
    total: usize,
}

/// The graph's inputs that its first output needs. Refuses graphs of too many operators, before anything follows them.
pub(super) fn needed_inputs(bytes: &[u8]) -> Result<HashSet<String>, String> {
    let model = ModelProto::parse_buf(bytes).map_err(|error| format!("is not an ONNX network: {error}"))?;
    let Some(graph) = model.graph else { return Ok(HashSet::new()) };
    let count = graph.node.len();
    if count > MAX_OPERATORS {
        return Err(format!("has {count} operators; at most {MAX_OPERATORS} are accepted"));
    }
    let output = graph.output.first().and_then(|output| output.name.as_deref()).unwrap_or_default();
    Ok(needed(&graph.node, output).1.into_iter().map(str::to_owned).collect())
}

/// The operators that a value needs, in the file's order, and the names of all that they need. A result may stand in the file only
/// after its operands, so one pass from the end finds them.
fn needed<'a>(nodes: &'a [NodeProto], output: &'a str) -> (Vec<&'a NodeProto>, HashSet<&'a str>) {
    let mut needed = HashSet::from([output]);
    let mut steps = Vec::new();
    for node in nodes.iter().rev() {
        let is_constant = node.op_type.as_deref() == Some("Constant");
        if !is_constant && node.output.iter().any(|name| needed.contains(name.as_str())) {
            needed.extend(node.input.iter().map(String::as_str));
            steps.push(node);
        }
    }
    steps.reverse();
    (steps, needed)
}

/// Checks a network whose file is `bytes`, for observations of that size.
pub(super) fn check(network: &Network, bytes: &[u8], observation_size: usize) -> Result<(), String> {
    let model = ModelProto::parse_buf(bytes).map_err(|error| format!("is not an ONNX network: {error}"))?;
    let nodes = model.graph.map(|graph| graph.node).unwrap_or_default();
    let name = |id| network.model.node_info(id).and_then(|info| info.name()).map(str::to_owned);
    let (Some(input), Some(output)) = (name(network.input), name(network.output)) else {
        return Err("has an input or output without a name".to_owned());
    };
    let (steps, _) = needed(&nodes, &output);
    let zeros = Value::from_shape(network.input_shape(observation_size), vec![0.0_f32; observation_size]);
    let zeros = zeros.map_err(|error| error.to_string())?;
    let (results, observed) = (HashMap::from([(input.clone(), zeros)]), HashSet::from([input]));
    let mut walk = Walk { network, results, observed, total: 0 };
    steps.into_iter().try_for_each(|node| walk.step(node))
}

impl Walk<'_> {
    fn step(&mut self, node: &NodeProto) -> Result<(), String> {
        let operator = node.op_type.as_deref().unwrap_or_default();
        // An optional operand that is left out has no name.
        let operands: Vec<&str> = node.input.iter().map(String::as_str).collect();
        if let Some(shape) = shape_operands(operator, &operands).find(|name| self.observed.contains(*name)) {
            return Err(format!(
                "computes the shape `{shape}` of {operator} from the observation; expected fixed shapes"
            ));
        }
        let bound = self.bound(node, operator, &operands)?;
        if bound > MAX_NUMBERS - self.total {
            return Err(format!(
                "asks for {bound} numbers in {operator}; at most {MAX_NUMBERS} are accepted in all results together"
            ));
        }
        let named: Vec<&str> = node.output.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let values = self.run(&operands, &named)?;
        if operator != "Shape" && operands.iter().any(|name| self.observed.contains(*name)) {
            self.observed.extend(named.iter().map(|name| (*name).to_owned()));
        }
        for (name, value) in named.into_iter().zip(values) {
            self.total += volume(&value.shape()).min(MAX_NUMBERS);
            self.results.insert(name.to_owned(), value);
        }
        if self.total > MAX_NUMBERS {
            return Err(format!("has results of more than {MAX_NUMBERS} numbers"));
        }
        Ok(())
    }

    /// Most numbers in a node's result.
    fn bound(&self, node: &NodeProto, operator: &str, operands: &[&str]) -> Result<usize, String> {
        let shapes: Vec<Vec<usize>> =
            operands.iter().filter(|name| !name.is_empty()).map(|name| self.shape(name)).collect::<Result<_, _>>()?;
        let transposed = |name: &str| {
            node.attribute.iter().any(|attribute| attribute.name.as_deref() == Some(name) && attribute.i == Some(1))
        };
        Ok(match (operator, &shapes[..]) {
            ("ConstantOfShape", [_]) => volume(&self.numbers(operands[0])?),
            ("Expand", [data, _]) => broadcast(&[data, &self.numbers(operands[1])?]),
            ("Gather", [data, indices]) => volume(data).saturating_mul(volume(indices)),
            ("Gemm", [left, right, ..]) => {
                let (rows, columns) =
                    (left.get(usize::from(transposed("transA"))), right.get(usize::from(!transposed("transB"))));
                volume(&[rows.copied().unwrap_or(1), columns.copied().unwrap_or(1)])
            }
            ("MatMul", [left, right]) => {
                let (rows, columns) = (left.iter().rev().nth(1), right.last().filter(|_| right.len() > 1));
                let batch = |shape: &[usize]| shape[..shape.len().saturating_sub(2)].to_vec();
                let one = volume(&[rows.copied().unwrap_or(1), columns.copied().unwrap_or(1)]);
                broadcast(&[&batch(left), &batch(right)]).saturating_mul(one)
            }
            // Element by element, or no more than what there is, twice for the two results of TopK.
            (_, shapes) => {
                let all = shapes.iter().map(|shape| volume(shape)).fold(0, usize::saturating_add);
                broadcast(&shapes.iter().map(Vec::as_slice).collect::<Vec<_>>()).max(all.saturating_mul(2))
            }
        })
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, String> {
        if let Some(value) = self.results.get(name) {
            return Ok(value.shape().to_vec());
        }
        let fixed = |dimension: &Dimension| match dimension {
            Dimension::Fixed(length) => Some(*length),
            Dimension::Symbolic(_) => None,
        };
        let info = self.network.model.find_node(name).and_then(|id| self.network.model.node_info(id));
        let shape = info.and_then(|info| info.shape()).and_then(|shape| shape.iter().map(fixed).collect());
        shape.ok_or_else(|| format!("uses `{name}` before it is there"))
    }

    /// The elements of a tensor of lengths.
    fn numbers(&self, name: &str) -> Result<Vec<usize>, String> {
        let constant;
        let value = match self.results.get(name) {
            Some(value) => value,
            None => {
                constant = self.run(&[], &[name])?;
                constant.first().ok_or("lacks a shape")?
            }
        };
        match value {
            Value::Int32Tensor(lengths) => lengths
                .iter()
                .map(|length| usize::try_from(*length).map_err(|_| format!("has the length {length}")))
                .collect(),
            _ => Err(format!("has `{name}` as a shape; expected whole numbers")),
        }
    }

    fn run(&self, operands: &[&str], results: &[&str]) -> Result<Vec<Value>, String> {
        let model = &self.network.model;
        let id = |name: &str| model.node_id(name).map_err(|error| error.to_string());
        let mut inputs = Vec::new();
        for name in operands.iter().copied().collect::<HashSet<&str>>() {
            if let Some(value) = self.results.get(name) {
                inputs.push((id(name)?, value.as_view().into()));
            }
        }
        let outputs = results.iter().map(|name| id(name)).collect::<Result<Vec<_>, String>>()?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.network.pool)));
        model.run(inputs, &outputs, Some(options)).map_err(|error| error.to_string())
    }
}

/// The operands that say what shape a result has.
fn shape_operands<'a>(operator: &str, operands: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let first = match operator {
        "ConstantOfShape" => 0,
        "Expand" | "Reshape" | "Slice" | "Split" | "Squeeze" | "TopK" | "Unsqueeze" => 1,
        reduction if reduction.starts_with("Reduce") => 1,
        _ => operands.len(),
    };
    operands[first.min(operands.len())..].iter().copied()
}

/// Numbers in a tensor; one of length 0 counts as if it had one row, since a sum over no rows has elements.
fn volume(shape: &[usize]) -> usize {
    shape.iter().map(|length| (*length).max(1)).fold(1, usize::saturating_mul)
}

/// Most numbers in the result of an operation that is done element by element: shapes are aligned at their ends, as NumPy
/// does.
fn broadcast(shapes: &[&[usize]]) -> usize {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let length =
        |place: usize| shapes.iter().filter_map(|shape| shape.iter().rev().nth(place)).copied().max().unwrap_or(1);
    volume(&(0..rank).map(length).collect::<Vec<_>>())
}

//! Networks that are made to exhaust the memory or to end the process.
#![cfg(feature = "onnx")]

use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use kanrl_experts::onnx::OnnxPolicy;
use rten_onnx::onnx::{
    AttributeProto, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

fn tensor(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dimension = |length: &i64| Dimension { dim_value: Some(*length), dim_param: None };
    let shape = TensorShapeProto { dim: dims.iter().map(dimension).collect() };
    let tensor_type = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type), sequence: None }),
    }
}

fn integers(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(DataType::INT64),
        int64_data: values.to_vec(),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, i64)]) -> NodeProto {
    let attribute = |(name, value): &(&str, i64)| AttributeProto {
        name: Some((*name).to_owned()),
        i: Some(*value),
        r#type: Some(rten_onnx::onnx::AttributeType::INT),
        ..AttributeProto::default()
    };
    NodeProto {
        op_type: Some(operator.to_owned()),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute: attributes.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}

/// A network from `x` `[1, 2]` to `y`.
fn read(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Result<OnnxPolicy, String> {
    let (input, output) = (vec![tensor("x", &[1, 2])], vec![ValueInfoProto { name: Some("y".into()), r#type: None }]);
    let model = ModelProto {
        ir_version: Some(8),
        graph: Some(GraphProto { node, initializer, input, output, value_info: Vec::new() }),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        ..ModelProto::default()
    };
    read_bytes(model.write_buf().expect("a model"))
}

fn read_bytes(model: Vec<u8>) -> Result<OnnxPolicy, String> {
    let axes = |names: [&str; 2]| names.map(|name| Coordinate::new(name, "", -1.0, 1.0)).to_vec();
    let environment = EnvironmentSpec {
        id: "Test-v0".into(),
        observation_space: BoxSpace::new(ElementType::F32, axes(["a", "b"])),
        action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, axes(["left", "right"]))),
        max_episode_steps: None,
        reward_threshold: None,
        frames_per_second: 1,
        info_names: Vec::new(),
    };
    OnnxPolicy::read("x.onnx", model, &environment).map_err(|error| error.to_string())
}

fn refused(nodes: Vec<NodeProto>, constants: Vec<TensorProto>, says: &str) {
    let message = read(nodes, constants).err().expect("a refusal");
    assert!(message.starts_with("`x.onnx` ") && message.contains(says), "{message}");
}

#[test]
fn an_honest_network_with_shapes_is_accepted() {
    let nodes = vec![
        node("ConstantOfShape", &["two"], "zeros", &[]),
        node("Expand", &["x", "shape"], "rows", &[]),
        node("ReduceSum", &["rows", "axis"], "sum", &[("keepdims", 0)]),
        node("Add", &["sum", "zeros"], "y", &[]),
    ];
    let constants = vec![integers("two", &[1], &[2]), integers("shape", &[2], &[3, 2]), integers("axis", &[1], &[0])];
    read(nodes, constants).expect("a policy");
}

#[test]
fn shapes_that_ask_for_terabytes_are_refused_before_anything_is_made() {
    let huge = || vec![integers("shape", &[2], &[1 << 20, 1 << 20])];
    let says = "asks for 1099511627776 numbers in ConstantOfShape; at most 16777216 are accepted";
    refused(vec![node("ConstantOfShape", &["shape"], "y", &[])], huge(), says);
    let says = "asks for 2199023255552 numbers in Expand";
    let wide = vec![integers("shape", &[3], &[1 << 20, 1 << 20, 2])];
    refused(vec![node("Expand", &["x", "shape"], "y", &[])], wide, says);
    refused(vec![node("Expand", &["x", "shape"], "y", &[])], huge(), "numbers in Expand");
    // None of its lengths is too large, and neither is their product: one of them is 0.
    let empty = vec![integers("shape", &[3], &[1 << 20, 0, 1 << 20]), integers("axis", &[1], &[1])];
    let nodes = vec![node("ConstantOfShape", &["shape"], "rows", &[]), node("ReduceSum", &["rows", "axis"], "y", &[])];
    refused(nodes, empty, "in ConstantOfShape");
}

#[test]
fn growth_in_small_steps_is_refused() {
    // Each doubles the one before.
    let step = |index: usize| {
        let name = |index: usize| if index == 0 { "x".to_owned() } else { format!("v{index}") };
        node("Concat", &[&name(index), &name(index)], &name(index + 1), &[("axis", 1)])
    };
    let mut nodes: Vec<NodeProto> = (0..40).map(step).collect();
    nodes.push(node("ReduceMax", &["v40"], "y", &[]));
    refused(nodes, Vec::new(), "numbers in Concat");
    // A column and a row of 8192 make 67 million.
    let long = || vec![integers("long", &[2], &[8192, 1]), integers("wide", &[2], &[1, 8192])];
    let operands = || vec![node("ConstantOfShape", &["long"], "c", &[]), node("ConstantOfShape", &["wide"], "r", &[])];
    for operator in ["Add", "MatMul", "Gemm", "Equal"] {
        let nodes = [operands(), vec![node(operator, &["c", "r"], "y", &[])]].concat();
        refused(nodes, long(), &format!("asks for 67108864 numbers in {operator}"));
    }
    let indices = vec![node("ConstantOfShape", &["long"], "c", &[]), node("Cast", &["c"], "i", &[("to", 7)])];
    let nodes = [indices, vec![node("Gather", &["c", "i"], "y", &[])]].concat();
    refused(nodes, long(), "numbers in Gather");
}

#[test]
fn shapes_that_depend_on_the_observation_are_refused() {
    let nodes = vec![
        node("Cast", &["x"], "numbers", &[("to", 7)]),
        node("ReduceMax", &["numbers"], "largest", &[("keepdims", 1)]),
        node("Reshape", &["largest", "one"], "shape", &[]),
        node("ConstantOfShape", &["shape"], "y", &[]),
    ];
    let says = "computes the shape `shape` of ConstantOfShape from the observation; expected fixed shapes";
    refused(nodes, vec![integers("one", &[1], &[1])], says);
    // The observation's shape is no such thing.
    let nodes = vec![node("Shape", &["x"], "shape", &[]), node("ConstantOfShape", &["shape"], "y", &[])];
    read(nodes, Vec::new()).expect("a policy");
}

#[test]
fn what_makes_the_runtime_panic_is_an_error() {
    let nodes = vec![
        node("Cast", &["x"], "numbers", &[("to", 6)]),
        node("Mul", &["numbers", "zero"], "zeros", &[]),
        node("Add", &["zeros", "least"], "low", &[]),
        node("Div", &["low", "minus"], "y", &[]),
    ];
    let constants = vec![
        integers("zero", &[1], &[0]),
        integers("least", &[1], &[i64::from(i32::MIN)]),
        integers("minus", &[1], &[-1]),
    ];
    refused(nodes, constants, "contradicts itself");
}

#[test]
fn a_length_that_leads_back_is_refused() {
    // Field 15, of 2^64 - 11 bytes: behind them lies the first byte.
    let model = [0x7a, 0xf5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let message = read_bytes(model.to_vec()).err().expect("a refusal");
    assert!(message.contains("a field claims 18446744073709551605 bytes where 0 are left"), "{message}");
}

#[test]
fn graphs_inside_graphs_are_refused() {
    let wrap = |tag: u8, inner: Vec<u8>| {
        let mut bytes = vec![tag];
        let mut length = inner.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(inner);
        bytes
    };
    // An attribute's graph is field 6, a graph's node field 1, a node's attribute field 5, a model's graph field 7.
    let mut graph = Vec::new();
    for _ in 0..10_000 {
        graph = wrap(1 << 3 | 2, wrap(5 << 3 | 2, wrap(6 << 3 | 2, graph)));
    }
    let message = read_bytes(wrap(7 << 3 | 2, graph)).err().expect("a refusal");
    assert!(message.contains("messages inside each other"), "{message}");
}

#[test]
fn a_chain_of_operators_is_followed_as_far_as_a_small_stack_goes() {
    let chain = |length: usize| {
        let name = |index: usize| if index == 0 { "x".to_owned() } else { format!("v{index}") };
        let mut nodes: Vec<NodeProto> =
            (0..length - 1).map(|index| node("Tanh", &[&name(index)], &name(index + 1), &[])).collect();
        nodes.push(node("Tanh", &[&name(length - 1)], "y", &[]));
        nodes
    };
    let run = move || {
        read(chain(1024), Vec::new()).map(|_| ()).expect("a policy");
        refused(chain(20_000), Vec::new(), "has 20000 operators; at most 1024 are accepted");
    };
    // As much as a thread of Rust's has without being asked.
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread").join().expect("no overflow");
}

//! Graphs as JSON, and graphs back to networks.

use kanrl_core::approximator::ApproximatorError;
use kanrl_core::function::{FittedFunction, Identity, SampledCurve, SymbolicLibrary, UnivariateFunction};
use kanrl_core::graph::{EdgeFunction, NodeKind, PruneThresholds, SplineEdge, SymbolicEdge, UnivariateGraph};
use kanrl_core::kan::{LayerShape, Network};
use std::sync::Arc;

/// Knows nothing: `x` is known without a library.
#[derive(Debug)]
struct Empty;

impl SymbolicLibrary for Empty {
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
        &[]
    }

    fn candidates(&self, _: &SampledCurve) -> Vec<FittedFunction> {
        Vec::new()
    }
}

fn network() -> Network {
    let shape = |inputs, sums, products: &[usize]| LayerShape {
        inputs,
        sums,
        products: products.to_vec(),
        grid: 4,
        degree: 3,
        base: Default::default(),
        noise: 1.0,
    };
    let mut network = Network::new(&[shape(3, 2, &[2, 3]), shape(4, 2, &[]), shape(2, 1, &[2])], 5);
    for layer in &mut network.layers {
        let count = layer.subnodes();
        layer.subnode_bias.iter_mut().enumerate().for_each(|(index, bias)| *bias = 0.1 * index as f64);
        layer.node_scale.iter_mut().enumerate().for_each(|(index, scale)| *scale = 1.0 + 0.25 * index as f64);
        // A curve that is hidden, and one that is named.
        layer.mask[count - 1] = 0.0;
        layer.symbolic[0] = Some(SymbolicEdge { function: Arc::new(Identity), a: 2.0, b: 0.5, c: -1.0, d: 0.25 });
    }
    network
}

fn inputs() -> Vec<f64> {
    (0..300).map(|i| ((i * 7919) % 1009) as f64 / 504.5 - 1.0).collect()
}

#[test]
fn bytes_give_back_the_same_graph() {
    let graph = UnivariateGraph::additive(2, 2, |_, _| SplineEdge::zero(3, 4, -1.0..=1.0));
    let again = UnivariateGraph::from_safetensors(&graph.to_safetensors(), &Empty).unwrap();
    assert_eq!(again.to_json(), graph.to_json());
    assert!(UnivariateGraph::from_safetensors(b"not a model", &Empty).is_err());
}

#[test]
fn json_gives_back_the_same_graph() {
    let mut graph = network().graph();
    graph.set_importances(&inputs());
    let text = graph.to_json();
    let read = UnivariateGraph::from_json(&text, &Empty).expect("what was written");
    assert_eq!(read.to_json(), text);
    let (mut before, mut after) = (vec![0.0; 200], vec![0.0; 200]);
    graph.evaluate(&inputs(), &mut before);
    read.evaluate(&inputs(), &mut after);
    assert_eq!(before, after);
}

#[test]
fn anything_but_a_graph_is_refused() {
    let text = network().graph().to_json();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        UnivariateGraph::from_json(&text.replacen(from, to, 1), &Empty).expect_err(to).to_string()
    };
    assert!(refused("\"format\": 1", "\"format\": 2").contains("version 2, this program reads 1"));
    assert!(refused("\"name\": \"x\"", "\"name\": \"tan\"").contains("`tan` that the library does not have"));
    assert!(refused("\"target\": 3", "\"target\": 900").contains("sorted"));
    assert!(refused("\"target\": 3", "\"target\": 2").contains("node 0 to 2"));
    assert!(refused("\"degree\": 3", "\"degree\": 4").contains("do not make a spline of degree 4"));
    assert!(refused("\"degree\": 3", "\"degree\": 99").contains("from 1 to"));
    assert!(refused("\"kind\": \"input\"", "\"kind\": \"sum\"").contains("must be its inputs"));
    assert!(refused("\"nodes\"", "\"knots\"").contains("unknown field `knots`"));
    for length in [0, 1, text.len() / 2, text.len() - 3] {
        assert!(UnivariateGraph::from_json(&text[..length], &Empty).is_err());
    }
}

#[test]
fn graphs_go_back_to_networks() {
    let network = network();
    let graph = network.graph();
    let back = Network::from_graph(&graph).expect("it came from a network");
    assert_eq!(back.graph().to_json(), graph.to_json());
    assert_eq!(back.layers.len(), network.layers.len());
    for (back, layer) in back.layers.iter().zip(&network.layers) {
        assert_eq!((back.sums, &back.products, back.grid), (layer.sums, &layer.products, layer.grid));
        assert_eq!(back.knots, layer.knots);
    }
}

#[test]
fn pruned_graphs_go_back_to_networks() {
    let thresholds = PruneThresholds { node: 0.01, edge: 0.08, input: -1.0 };
    let graph = network().graph().prune(&inputs(), &thresholds).expect("something is left");
    assert!(graph.edges.len() < network().graph().edges.len());
    let back = Network::from_graph(&graph).expect("layers stay layers");
    let (mut before, mut after) = (vec![0.0; 200], vec![0.0; 200]);
    graph.evaluate(&inputs(), &mut before);
    back.graph().evaluate(&inputs(), &mut after);
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() <= 1e-14 * (1.0 + before.abs()), "{before} became {after}");
    }
}

#[test]
fn graphs_without_layers_are_refused() {
    let graph = network().graph();
    let refused = |change: &dyn Fn(&mut UnivariateGraph)| {
        let mut graph = graph.clone();
        change(&mut graph);
        match Network::from_graph(&graph) {
            Err(ApproximatorError::NotLayered { reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    let last = graph.nodes.len() - 1;
    assert_eq!(graph.nodes[last].kind, NodeKind::Product);
    assert!(refused(&|graph| graph.outputs.reverse()).contains("its last layer is"));
    assert!(refused(&|graph| graph.outputs = vec![0]).contains("an output is an input"));
    assert!(refused(&|graph| graph.edges.last_mut().expect("an edge").source = 0).contains("in layer 0 to node"));
    let other_degree = |graph: &mut UnivariateGraph| {
        let EdgeFunction::Spline(spline) = &mut graph.edges[1].function else { panic!("a spline") };
        spline.degree = 2;
        spline.knots.pop();
    };
    assert!(refused(&other_degree).contains("layer 1: its splines have different"));
    let other_knots = |graph: &mut UnivariateGraph| {
        let EdgeFunction::Spline(spline) = &mut graph.edges[1].function else { panic!("a spline") };
        spline.knots[0] -= 1.0;
    };
    assert!(refused(&other_knots).contains("have different knots"));
}

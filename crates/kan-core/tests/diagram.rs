//! The diagram holds what it should; the files are left under the target's temporary folder to be looked at.

use kanrl_core::approximator::{FitTask, FunctionApproximator, Loss, Samples};
use kanrl_core::function::{Domain, UnivariateFunction};
use kanrl_core::graph::{EdgeFunction, PruneThresholds, SymbolicEdge, UnivariateGraph, diagram};
use kanrl_core::kan::{Kan, KanConfig};
use std::ops::ControlFlow;
use std::sync::Arc;

fn graph(config: KanConfig, names: &[&str], outputs: usize) -> (UnivariateGraph, Vec<f64>) {
    let width = names.len();
    let rows = 300;
    let inputs: Vec<f64> = (0..rows * width).map(|i| ((i * 7919 % 1009) as f64 / 504.5 - 1.0) * 2.0).collect();
    let target = |row: &[f64], output: usize| (row[output] * 1.5).sin() + row[(output + 1) % width].powi(2);
    let targets: Vec<f64> =
        inputs.chunks_exact(width).flat_map(|row| (0..outputs).map(move |output| target(row, output))).collect();
    let weights = vec![1.0; rows];
    let train = Samples { inputs: &inputs, targets: &targets, weights: &weights };
    let mut kan = Kan::new(config, width, outputs, 1);
    let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
    kan.fit(task, &mut |_| ControlFlow::Continue(())).expect("sound data");
    let mut graph = kan.graph(train).expect("a KAN has one");
    graph.set_input_names(names);
    (graph, inputs)
}

fn write(name: &str, svg: &str) {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, svg).expect("a writable folder");
    println!("{}", path.display());
}

/// The picture next to the document, to be looked at; it must show more than its background, and text.
#[cfg(feature = "png")]
fn draw(name: &str, svg: &str) {
    let picture = diagram::png(svg, 2.0).expect("an SVG document");
    assert!(picture.starts_with(b"\x89PNG") && picture == diagram::png(svg, 2.0).expect("the same again"));
    let without_text: String = svg.lines().filter(|line| !line.starts_with("<text")).collect();
    assert_ne!(picture, diagram::png(&without_text, 2.0).expect("an SVG document"), "{name} shows no text");
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), picture).expect("a writable folder");
    assert!(
        diagram::png("<svg", 1.0).is_err() && diagram::png(svg, 1e6).is_err() && diagram::png(svg, f32::NAN).is_err()
    );
}

#[test]
fn small_network() {
    let config = KanConfig { hidden: vec![2], steps: 8, ..KanConfig::default() };
    let (graph, inputs) = graph(config, &["x", "x_dot", "theta", "theta_dot"], 2);
    let outputs = ["a_0".to_owned(), "a_1".to_owned()];
    let svg = diagram::svg(&graph, &inputs, &outputs);
    write("kan_4-2-2.svg", &svg);
    assert_eq!(svg.matches("<polyline").count(), 12);
    assert!(["x_dot", "theta_dot", "a_0", "a_1"].iter().all(|name| svg.contains(&format!(">{name}<"))));
    let fixed = graph.with_function(3, EdgeFunction::Symbolic(SymbolicEdge::identity()));
    let pruned =
        fixed.prune(&inputs, &PruneThresholds { edge: 0.1, ..PruneThresholds::default() }).expect("something is left");
    let svg = diagram::svg(&pruned, &inputs, &outputs);
    write("kan_4-2-2_pruned.svg", &svg);
    #[cfg(feature = "png")]
    draw("kan_4-2-2_pruned.png", &svg);
    assert_eq!(svg.matches("<polyline").count(), pruned.edges.len());
}

#[test]
fn wide_network_with_products() {
    let config = KanConfig { hidden: vec![2], products: vec![0], steps: 4, ..KanConfig::default() };
    let names =
        ["z", "angle", "thigh", "leg", "foot", "x_dot", "z_dot", "angle_dot", "thigh_dot", "leg_dot", "foot_dot"];
    let (wide, inputs) = graph(config, &names, 3);
    let outputs = ["thigh_torque", "leg_torque", "foot_torque"].map(str::to_owned);
    let svg = diagram::svg(&wide, &inputs, &outputs);
    write("kan_11-2-3.svg", &svg);
    assert_eq!(svg.matches("<polyline").count(), 28);
    let config = KanConfig { hidden: vec![1], products: vec![1], steps: 4, ..KanConfig::default() };
    let (products, inputs) = graph(config, &["a", "b < c"], 1);
    let svg = diagram::svg(&products, &inputs, &["y".to_owned()]);
    write("kan_products.svg", &svg);
    assert!(svg.contains("×") && svg.contains("b &lt; c"));
}

/// A curve without a better name than its numbers.
#[derive(Debug)]
struct Numbers;

impl UnivariateFunction for Numbers {
    fn name(&self) -> &str {
        "curve(x; 0.5; 0, 1.25; 0.625)"
    }

    fn value(&self, x: f64) -> f64 {
        1.25 * x.min(0.5)
    }

    fn derivative(&self, x: f64) -> f64 {
        if x < 0.5 { 1.25 } else { 0.0 }
    }

    fn domain(&self) -> Domain {
        Domain::All
    }

    fn complexity(&self) -> f64 {
        9.0
    }
}

#[test]
fn a_curve_of_numbers_has_no_label() {
    let (graph, inputs) = graph(KanConfig { hidden: vec![], steps: 2, ..KanConfig::default() }, &["x", "y"], 1);
    let edge = SymbolicEdge { function: Arc::new(Numbers), ..SymbolicEdge::identity() };
    let svg = diagram::svg(&graph.with_function(0, EdgeFunction::Symbolic(edge)), &inputs, &["z".to_owned()]);
    assert!(!svg.contains("curve("), "{svg}");
    assert_eq!(svg.matches("<polyline").count(), 2);
}

/// A sum whose name is far wider than its box.
#[derive(Debug)]
struct LongName;

impl UnivariateFunction for LongName {
    fn name(&self) -> &str {
        "-0.37585*(x - 1.0723)^2 - 0.93167*sin(3.6259*x - 0.88517)"
    }

    fn value(&self, x: f64) -> f64 {
        -0.37585 * (x - 1.0723).powi(2) - 0.93167 * (3.6259 * x - 0.88517).sin()
    }

    fn derivative(&self, x: f64) -> f64 {
        -0.7517 * (x - 1.0723) - 3.37814 * (3.6259 * x - 0.88517).cos()
    }

    fn domain(&self) -> Domain {
        Domain::All
    }

    fn complexity(&self) -> f64 {
        8.0
    }
}

#[test]
fn a_name_that_does_not_fit_is_a_title() {
    let (graph, inputs) = graph(KanConfig { hidden: vec![2], steps: 2, ..KanConfig::default() }, &["x", "y"], 1);
    let edge = SymbolicEdge { function: Arc::new(LongName), ..SymbolicEdge::identity() };
    let svg = diagram::svg(&graph.with_function(0, EdgeFunction::Symbolic(edge)), &inputs, &["z".to_owned()]);
    assert!(svg.contains("<title>-0.37585*(x - 1.0723)^2"), "{svg}");
    assert!(!svg.lines().any(|line| line.starts_with("<text") && line.contains("0.37585")), "{svg}");
}

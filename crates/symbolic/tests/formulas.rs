//! From graphs to formulas, rounding, and how formulas are printed.

use kanrl_core::action::ActionBatch;
use kanrl_core::function::SymbolicLibrary;
use kanrl_core::graph::{Edge, EdgeFunction, Input, Node, NodeKind, SymbolicEdge, UnivariateGraph};
use kanrl_symbolic::library::{Library, LibraryFunction};
use kanrl_symbolic::{ActionRule, Format, Formula, Output, Tape, export, graph_expressions, round};
use std::sync::Arc;

fn edge(source: usize, target: usize, name: &str, [a, b, c, d]: [f64; 4]) -> Edge {
    let function = Arc::new(LibraryFunction::builtin(name).expect("a known name"));
    let function = EdgeFunction::Symbolic(SymbolicEdge { function, a, b, c, d });
    Edge { source, target, function, importance: 1.0 }
}

/// θ and θ̇ to sin, tanh and a product of squares, with transforms everywhere.
fn graph() -> UnivariateGraph {
    let input = |name: &str, shift, scale| Input { name: name.into(), shift, scale };
    let node = |kind, scale, bias| Node { kind, scale, bias };
    UnivariateGraph {
        inputs: vec![input("theta", 0.25, 2.0), input("theta_dot", -1.0, 0.5)],
        nodes: vec![
            node(NodeKind::Input, 1.0, 0.0),
            node(NodeKind::Input, 1.0, 0.0),
            node(NodeKind::Sum, 1.5, 0.125),
            node(NodeKind::Product, -1.0, 2.0),
            node(NodeKind::Sum, 1.0, 0.0),
        ],
        edges: vec![
            edge(0, 2, "sin", [1.0, 0.5, 3.0, -1.0]),
            edge(1, 2, "x", [2.0, 1.0, -4.0, 0.0]),
            edge(0, 3, "x^2", [1.0, 0.0, 1.0, 0.0]),
            edge(1, 3, "tanh", [0.5, 0.0, 2.0, 1.0]),
            edge(2, 4, "x", [1.0, 0.0, 2.0, 0.5]),
            edge(3, 4, "abs", [1.0, -1.0, 1.0, 0.0]),
        ],
        outputs: vec![4, 2],
    }
}

#[test]
fn a_graph_becomes_expressions_with_its_affines_folded() {
    let expressions = graph_expressions(&graph()).expect("all symbolic");
    let tape = Tape::compile(&expressions, &["theta", "theta_dot"]).expect("its inputs");
    for (theta, theta_dot) in [(0.0, 0.0), (0.3, -2.0), (-1.1, 4.5)] {
        let (x, y): (f64, f64) = (2.0 * (theta - 0.25), 0.5 * (theta_dot + 1.0));
        let sum = 1.5 * (3.0 * (x + 0.5).sin() - 1.0 - 4.0 * (2.0 * y + 1.0)) + 0.125;
        let product = 2.0 - x * x * (2.0 * (0.5 * y).tanh() + 1.0);
        let expected = [2.0 * sum + 0.5 + (product - 1.0).abs(), sum];
        let mut found = [0.0; 2];
        tape.evaluate(&[theta, theta_dot], &mut found);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
        }
    }
    assert_eq!(expressions[1].to_string(), "4.5*sin(2*theta) - 6*theta_dot - 13.375");
}

#[test]
fn a_graph_of_a_bad_order_or_name_is_refused() {
    let mut order = graph();
    order.edges.swap(0, 5);
    graph_expressions(&order).expect_err("out of order");
    let mut name = graph();
    name.inputs[0].name = "pole`angle".into();
    assert!(
        graph_expressions(&name).expect_err("a bad name").to_string().contains("`pole`angle` cannot name a variable")
    );
}

#[test]
fn rounding_keeps_the_tolerance_and_drops_what_does_not_matter() {
    let formula = "3.14159265*x + 1e-9*sin(y) - 0.333333333*y^2 + 12.0004".parse().expect("an expression");
    let data: Vec<f64> = (0..400).map(|index| (f64::from(index) * 0.37).sin() * 3.0).collect();
    for (tolerance, text) in [
        (0.5, "3*x - 0.33*y^2 + 12"),
        (1e-2, "3.14*x - 0.333*y^2 + 12"),
        (1e-6, "3.1415927*x - 0.3333333*y^2 + 12.0004"),
    ] {
        let rounding = round(std::slice::from_ref(&formula), &["x", "y"], &data, tolerance).expect("good data");
        assert!(rounding.largest_change <= tolerance);
        assert_eq!(rounding.expressions[0].to_string(), text);
    }
    let exact = round(std::slice::from_ref(&formula), &["x", "y"], &data, 0.0).expect("good data");
    assert_eq!((exact.largest_change, &exact.expressions[0]), (0.0, &formula));
    round(std::slice::from_ref(&formula), &["x", "y"], &data[..3], 0.1).expect_err("not a whole row");
}

fn cart_pole() -> Formula {
    let outputs = [("a_0", "-0.5*x - x_dot"), ("a_1", "3*theta + theta_dot^2 - 1e-7*exp(x_dot)")];
    Formula::parse(&["x", "x_dot", "theta", "theta_dot"], &outputs, ActionRule::Argmax).expect("valid")
}

#[test]
fn formulas_print_with_their_names() {
    let formula = cart_pole();
    assert_eq!(
        export(&formula, Format::Text).expect("any formula"),
        "a_0 = -0.5*x - x_dot\na_1 = 3*theta + theta_dot^2 - 1e-7*exp(x_dot)\naction = argmax(a_0, a_1)"
    );
    assert_eq!(
        kanrl_symbolic::export::unicode(&formula),
        "a₀ = -0.5*x - x\u{307}\na₁ = 3*θ + θ\u{307}^2 - 1e-7*exp(x\u{307})\naction = argmax(a₀, a₁)"
    );
    assert_eq!(
        export(&formula, Format::Latex).expect("any formula"),
        "\\begin{aligned}\n\
         a_{0} &= -0.5\\,x - \\dot{x} \\\\\n\
         a_{1} &= 3\\,\\theta + \\dot{\\theta}^{2} - 1 \\cdot 10^{-7}\\,e^{\\dot{x}} \\\\\n\
         \\mathrm{action} &= \\underset{i}{\\mathrm{argmax}}\\left(a_{0}, a_{1}\\right)\n\
         \\end{aligned}"
    );
    let json = export(&formula, Format::Json).expect("any formula");
    assert_eq!(Formula::from_json(&json).expect("what was written"), formula);
}

#[test]
fn actions_follow_the_rule() {
    let mut actions = ActionBatch::Discrete(Vec::new());
    cart_pole().act(&[1.0, 2.0, 3.0, 3.0, f64::NAN, 0.0], &mut actions);
    assert_eq!(actions, ActionBatch::Discrete(vec![1, 0, 1]));

    let threshold = Formula::parse(&["x"], &[("a", "x")], ActionRule::Threshold).expect("valid");
    threshold.act(&[0.5, 0.0, -1.0], &mut actions);
    assert_eq!(actions, ActionBatch::Discrete(vec![1, 0, 0]));

    let low = vec![-1.0, f64::NEG_INFINITY];
    let clip = ActionRule::Clip { low, high: vec![1.0, 0.5] };
    let outputs = ["x", "2*x"]
        .iter()
        .enumerate()
        .map(|(index, text)| Output { name: format!("u_{index}"), expression: text.parse().expect("valid") });
    let clip = Formula::new(vec!["x".into()], outputs.collect(), clip).expect("valid");
    let mut actions = ActionBatch::Continuous { values: Vec::new(), size: 2 };
    clip.act(&[3.0, 6.0, -3.0, -6.0], &mut actions);
    assert_eq!(actions, ActionBatch::Continuous { values: vec![1.0, 0.5, -1.0, -6.0], size: 2 });
}

#[test]
fn unknown_functions_and_formats_name_the_nearest() {
    let error = Library::new(&["x", "tnh"]).expect_err("unknown").to_string();
    assert!(error.starts_with("unknown function `tnh`, did you mean `tanh`?"), "{error}");
    assert!(Library::new(&["x", "x"]).is_err() && Library::new::<&str>(&[]).is_err());
    let error = "latx".parse::<Format>().expect_err("unknown").to_string();
    assert!(error.starts_with("unknown format `latx`, did you mean `latex`?"), "{error}");
    assert_eq!(Library::default_ten().functions().len(), 10);
}

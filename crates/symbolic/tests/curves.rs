//! Curves: networks as formulas, and everything else that is done with expressions.

mod common;

use kanrl_core::graph::{BaseFunction, Edge, EdgeFunction, Input, NodeKind, SplineEdge, UnivariateGraph};
use kanrl_core::spline;
use kanrl_symbolic::{Curve, Expression, SimplifyLimits, Tape, graph_expressions, round};
use proptest::prelude::*;

fn spline_edge(degree: usize) -> impl Strategy<Value = SplineEdge> {
    (-2.0..0.0f64, prop::collection::vec(0.1..1.0f64, 3), prop::collection::vec(-3.0..3.0f64, 3 + degree)).prop_map(
        move |(first, widths, coefficients)| {
            let mut inner = vec![first];
            widths.iter().for_each(|width| inner.push(inner[inner.len() - 1] + width));
            let knots = spline::extend_knots(&inner, degree);
            SplineEdge { base: BaseFunction::Silu, scale_base: 0.7, degree, knots, coefficients }
        },
    )
}

fn any_spline_edge() -> impl Strategy<Value = SplineEdge> {
    prop_oneof![spline_edge(1), spline_edge(2), spline_edge(3)]
}

/// Two inputs, two hidden nodes, one output.
fn network(edges: Vec<SplineEdge>) -> UnivariateGraph {
    let inputs = ["theta", "theta_dot"].map(|name| Input { name: name.to_owned(), shift: 0.5, scale: -0.8 });
    let node = |kind, scale, bias| kanrl_core::graph::Node { kind, scale, bias };
    let mut nodes = vec![node(NodeKind::Input, 1.0, 0.0); 2];
    nodes.extend([node(NodeKind::Sum, 0.3, 0.1), node(NodeKind::Product, 1.2, 0.0), node(NodeKind::Sum, 2.0, -1.0)]);
    let places = [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)];
    let edges = places.into_iter().zip(edges).map(|((source, target), edge)| Edge {
        source,
        target,
        function: EdgeFunction::Spline(edge),
        importance: 0.0,
    });
    UnivariateGraph { inputs: inputs.to_vec(), nodes, edges: edges.collect(), outputs: vec![4] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_curve_is_its_spline_on_its_range_and_off_it(edge in any_spline_edge(), places in prop::collection::vec(-6.0..6.0f64, 40)) {
        let curve = Curve::from_spline(&edge).expect("degree 3 at most");
        for x in places {
            let (value, slope) = spline::evaluate(&edge.knots, edge.degree, &edge.coefficients, x);
            prop_assert!((curve.value(x) - value).abs() < 1e-11, "{x}: {} is not {value}", curve.value(x));
            prop_assert!((curve.slope(x) - slope).abs() < 1e-9, "{x}: {} is not {slope}", curve.slope(x));
        }
    }

    #[test]
    fn a_network_without_names_is_a_formula(
        edges in prop::collection::vec(any_spline_edge(), 6),
        points in prop::collection::vec(-9.0..9.0f64, 2 * 30),
    ) {
        let graph = network(edges);
        let expressions = graph_expressions(&graph).expect("splines of degree 3 at most");
        let tape = Tape::compile(&expressions, &["theta", "theta_dot"]).expect("its own inputs");
        let mut values = vec![0.0; 30];
        tape.evaluate(&points, &mut values);
        let wanted = graph.node_values(&points).pop().expect("the output");
        for ((value, wanted), point) in values.iter().zip(wanted).zip(points.chunks_exact(2)) {
            prop_assert!((value - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "{point:?}: {value} is not {wanted}");
        }
    }

    #[test]
    fn text_and_json_read_back(curve in common::curve()) {
        let expression = Expression::curve(curve.into(), "2*x - sin(y)".parse().expect("valid")) * 3.0 - 1.0;
        let parsed: Expression = expression.to_string().parse().expect("what was printed");
        prop_assert_eq!(&parsed, &expression);
        let json = serde_json::to_string(&expression).expect("finite");
        let read: Expression = serde_json::from_str(&json).expect("what was written");
        prop_assert_eq!(&read, &expression);
    }

    #[test]
    fn the_derivative_is_the_slope_of_the_values(curve in common::curve(), x in -4.0..4.0f64) {
        let step = 1e-6;
        prop_assume!(curve.breakpoints().iter().all(|breakpoint| (breakpoint - x).abs() > 2.0 * step));
        let slope = (curve.value(x + step) - curve.value(x - step)) / (2.0 * step);
        let expression = Expression::curve(curve.clone().into(), "2*x".parse().expect("valid"));
        let derivative = expression.derivative("x").evaluate(&[("x", x / 2.0)]).expect("known");
        prop_assert!((derivative - 2.0 * slope).abs() < 1e-6 * (1.0 + slope.abs()), "{derivative}, not {}", 2.0 * slope);
        prop_assert_eq!(curve.slope(x), curve.derivative().value(x));
    }

    #[test]
    fn bounds_contain_every_value(curve in common::curve(), low in -4.0..4.0f64, width in 0.0..4.0f64) {
        let expression = Expression::curve(curve.clone().into(), Expression::variable("x").expect("a name"));
        let bounds = expression.bounds(&[("x", low, low + width)]).expect("known");
        let values: Vec<f64> = (0..=200).map(|step| curve.value(low + width * f64::from(step) / 200.0)).collect();
        let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        prop_assert!(bounds.defined && bounds.low <= least && most <= bounds.high, "{least} to {most}: {bounds:?}");
        // Tight: a curve of one variable has its extremes at ends and turning points.
        let slack = 0.05 * width + 1e-9;
        prop_assert!(width > 0.5 || bounds.high - most < 40.0 * slack || curve.breakpoints().iter().any(|at| (low..=low + width).contains(at)));
        let everywhere = expression.bounds(&[("x", f64::NEG_INFINITY, f64::INFINITY)]).expect("known");
        prop_assert!(everywhere.defined && everywhere.low <= bounds.low && bounds.high <= everywhere.high);
    }

    #[test]
    fn affine_functions_are_drawn_in(
        curve in common::curve(),
        scale in prop_oneof![-2.0..-0.1f64, 0.1..2.0f64],
        shift in -2.0..2.0f64,
        x in -4.0..4.0f64,
    ) {
        let at = scale * x + shift;
        prop_assume!(curve.breakpoints().iter().all(|breakpoint| (breakpoint - at).abs() > 1e-9));
        let inner = curve.of_affine(scale, shift).expect("no overflow");
        prop_assert!((inner.value(x) - curve.value(at)).abs() < 1e-9, "{} is not {}", inner.value(x), curve.value(at));
        let outer = curve.scaled(scale, shift).expect("no overflow");
        prop_assert!((outer.value(x) - (scale * curve.value(x) + shift)).abs() < 1e-9);
    }

    #[test]
    fn straight_ends_touch_the_curve(edge in spline_edge(3), x in -4.0..4.0f64) {
        let curve = Curve::from_spline(&edge).expect("degree 3");
        let (low, high) = (edge.knots[3], edge.knots[6]);
        let straight = curve.with_straight_ends(low, high).expect("a range");
        let within = x.clamp(low, high);
        // At the upper end the last piece of the range counts.
        let inside = within.clamp(low, high - 1e-12);
        let wanted = curve.value(inside) + curve.slope(inside) * (x - within);
        prop_assert!((straight.value(x) - wanted).abs() < 1e-8, "{} is not {wanted}", straight.value(x));
        prop_assert_eq!(straight.pieces().len(), 5);
    }

    #[test]
    fn simplification_and_rounding_keep_a_curve(curve in common::curve()) {
        let text = format!("curve(x + 0; {curve}) + 3*y - y + curve(x; {curve})");
        let simple = text.parse::<Expression>().expect("valid").simplified(SimplifyLimits::default());
        prop_assert_eq!(simple.curves().len(), 1);
        prop_assert!(simple.operations() <= 2 + 2 * curve.pieces().len());
        let data: Vec<f64> = (0..200).map(|index| f64::from(index % 40) / 5.0 - 4.0).collect();
        let rounding = round(std::slice::from_ref(&simple), &["x", "y"], &data, 0.01).expect("known inputs");
        prop_assert!(rounding.largest_change <= 0.01 && rounding.digits < 9, "{rounding:?}");
        prop_assert!(rounding.expressions[0].to_string().len() < simple.to_string().len());
    }
}

#[test]
fn gradients_pass_through_a_curve() {
    let expression: Expression = "curve(0.5*x; -1, 1; 0, 1; 1, 2, -1, 3; 2)".parse().expect("valid");
    let tape = Tape::compile_with_constants(std::slice::from_ref(&expression), &["x"]).expect("known");
    assert_eq!(tape.constants(), [0.5]);
    let mut gradient = [0.0];
    let loss = |_: usize, y: &[f64], by_y: &mut [f64]| {
        by_y[0] = 1.0;
        y[0]
    };
    // At x = −1 the argument is −0.5 and u is 0.5: 1 + 1 − 0.25 + 0.375, slope 2 − 1 + 2.25, times x.
    assert_eq!(tape.value_and_gradient(&[0.5], &[-1.0], loss, &mut gradient), 2.125);
    assert_eq!(gradient, [-3.25]);
}

#[test]
fn bad_curves_are_refused() {
    for (text, message) in [
        ("curve(x; 1, 1; 0; 0; 0)", "breakpoints that rise, not 1 and then 1"),
        ("curve(x; 1; 0)", "of 1 breakpoints has 2 pieces, not 1"),
        ("curve(x; 1; 0, 1, 2; 0)", "ends in straight lines"),
        ("curve(x; 1; 0; 1, 2, 3, 4, 5)", "1 to 4 coefficients in each piece, not 5"),
        ("curve(x)", "a curve is written"),
        ("curve(x, 1; 2)", "expected `)`"),
        ("curve(x; y)", "expected a number"),
    ] {
        let error = text.parse::<Expression>().expect_err(text).to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    assert!(Curve::new(vec![f64::NAN], vec![vec![0.0], vec![0.0]]).is_err());
    // A variable may be called so.
    assert_eq!("curve + 1".parse::<Expression>().expect("a variable").variables().len(), 1);
}

#[test]
fn operations_count_the_pieces() {
    let expression: Expression = "curve(2*x; -1, 1; 0, 1; 1, 2, -1, 3; 2) + y".parse().expect("valid");
    assert_eq!(expression.operations(), 3 + 1 + 1);
}

//! Derivatives and bounds.

mod common;

use kanrl_symbolic::{Expression, Operator, Tape};
use proptest::prelude::*;

/// Operators with a derivative everywhere, and without a domain.
const DIFFERENTIABLE: [Operator; 10] = [
    Operator::Add,
    Operator::Multiply,
    Operator::Negate,
    Operator::Sin,
    Operator::Cos,
    Operator::Tanh,
    Operator::Arctan,
    Operator::Gaussian,
    Operator::Exp,
    Operator::Add,
];

/// A central difference with its own estimate of how wrong it may be.
fn difference(function: impl Fn(f64) -> f64, x: f64) -> (f64, f64) {
    let at = |step: f64| (function(x + step) - function(x - step)) / (2.0 * step);
    let step = 1e-4 * (1.0 + x.abs());
    let (coarse, fine) = (at(step), at(step / 2.0));
    let best = (4.0 * fine - coarse) / 3.0;
    (best, (fine - coarse).abs() + 1e-11 * function(x).abs() / step + 1e-9 * best.abs())
}

fn value(expression: &Expression, point: [f64; 3]) -> f64 {
    let variables: Vec<(&str, f64)> = common::VARIABLES.into_iter().zip(point).collect();
    expression.evaluate(&variables).expect("known variables")
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 20_000, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn derivatives_match_differences(
        expression in common::usual_expression(&DIFFERENTIABLE, 4),
        point in prop::array::uniform3(-2.0..2.0f64),
    ) {
        let derivative = expression.derivative("x");
        let (expected, error) = difference(|x| value(&expression, [x, point[1], point[2]]), point[0]);
        prop_assume!(expected.is_finite() && error < 1e-3 * (1.0 + expected.abs()));
        let found = value(&derivative, point);
        prop_assert!((found - expected).abs() <= 100.0 * error + 1e-9, "d/dx {expression} = {derivative}: {found}, {expected} ± {error}");
    }

    #[test]
    fn gradients_by_constants_match_differences(
        expression in common::usual_expression(&DIFFERENTIABLE, 4),
        points in prop::collection::vec(-2.0..2.0f64, 3 * 70),
    ) {
        let tape = Tape::compile_with_constants(std::slice::from_ref(&expression), &common::VARIABLES).expect("known");
        let constants = tape.constants().to_vec();
        prop_assume!(!constants.is_empty());
        let loss = |_: usize, y: &[f64], by_y: &mut [f64]| {
            by_y[0] = y[0].cos();
            y[0].sin()
        };
        let mut gradient = vec![0.0; constants.len()];
        let total = tape.value_and_gradient(&constants, &points, loss, &mut gradient);
        let mut largest = vec![0.0; points.len() / 3];
        tape.largest_intermediates(&points, &mut largest);
        // Where the loss swings within a step, differences say nothing.
        prop_assume!(total.is_finite() && largest.iter().all(|largest| *largest < 100.0));
        for (index, found) in gradient.iter().enumerate() {
            let with = |constant: f64| {
                let mut changed = constants.clone();
                changed[index] = constant;
                let mut values = vec![0.0; points.len() / 3];
                tape.evaluate_with(&changed, &points, &mut values);
                values.iter().map(|y| y.sin()).sum::<f64>()
            };
            let (expected, error) = difference(with, constants[index]);
            if expected.is_finite() && error < 1e-3 * (1.0 + expected.abs()) {
                prop_assert!((found - expected).abs() <= 100.0 * error + 1e-8, "{expression}, constant {index}: {found}, {expected} ± {error}");
            }
        }
    }

    #[test]
    fn bounds_hold_everywhere_in_the_box(
        expression in common::usual_expression(&Operator::ALL, 5),
        corner in prop::array::uniform3(-3.0..3.0f64),
        size in prop::array::uniform3(0.0..2.0f64),
        places in prop::collection::vec(prop::array::uniform3(0.0..=1.0f64), 30),
    ) {
        let boxed: Vec<(&str, f64, f64)> =
            (0..3).map(|axis| (common::VARIABLES[axis], corner[axis], corner[axis] + size[axis])).collect();
        let bounds = expression.bounds(&boxed).expect("known variables");
        prop_assert!(bounds.low <= bounds.high);
        for place in places {
            let point = [0, 1, 2].map(|axis: usize| (corner[axis] + place[axis] * size[axis]).min(boxed[axis].2));
            let value = value(&expression, point);
            if value.is_nan() {
                prop_assert!(!bounds.defined, "{expression} is undefined at {point:?}, {bounds:?}");
            } else {
                prop_assert!(bounds.low <= value && value <= bounds.high, "{expression} is {value} at {point:?}, {bounds:?}");
            }
        }
    }
}

#[test]
fn derivatives_of_every_function() {
    for (text, at) in [
        ("log(x)", 0.7),
        ("sqrt(x)", 0.7),
        ("tan(x)", 0.7),
        ("arcsin(x)", 0.3),
        ("arccos(x)", 0.3),
        ("arctanh(x)", 0.3),
        ("abs(x)", -0.7),
        ("x^2.5", 0.7),
        ("2^x", 0.7),
        ("x^x", 0.7),
        ("x^-3", 0.7),
        ("sin(x)/x", 0.7),
        ("1/(1 + x^2)", 0.7),
        ("min(x, x^2, 2)", 0.7),
        ("max(x, x^2, 2*x)", 3.0),
        ("clip(3*x, -1, 2)", 0.1),
        ("clip(3*x, -1, 2)", 5.0),
        ("clip(x^2, x, 3*x)", 2.0),
        ("gate(x - 1, x^2, x^3)", 0.7),
        ("sign(x) + step(x)", 0.7),
    ] {
        let expression: Expression = text.parse().expect(text);
        let (expected, error) = difference(|x| expression.evaluate(&[("x", x)]).expect("x"), at);
        let found = expression.derivative("x").evaluate(&[("x", at)]).expect("x");
        assert!((found - expected).abs() <= 10.0 * error + 1e-9, "{text}: {found}, {expected}");

        // By a constant: x stands where a constant was.
        let tape = Tape::compile_with_constants(
            &[text.replace('x', "0.5").replace("ma0.5", "max").parse().expect(text)],
            &["y"],
        );
        let tape = tape.expect("no variables");
        let mut gradient = vec![0.0; tape.constants().len()];
        let total = tape.value_and_gradient(
            tape.constants(),
            &[0.0],
            |_, y, by_y| {
                by_y[0] = 1.0;
                y[0]
            },
            &mut gradient,
        );
        assert!(total.is_finite() && gradient.iter().all(|value| value.is_finite()), "{text}: {gradient:?}");
    }
}

#[test]
fn sums_over_rows_have_the_same_bits_for_any_number_of_threads() {
    let tape = Tape::compile_with_constants(&["0.3*sin(1.7*x) + tanh(x*y)".parse().expect("valid")], &["x", "y"])
        .expect("known");
    let points: Vec<f64> = (0..20_000).map(|index| (f64::from(index) * 0.37).sin()).collect();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut gradient = vec![0.0; tape.constants().len()];
            let loss = |_: usize, y: &[f64], by_y: &mut [f64]| {
                by_y[0] = 2.0 * y[0];
                y[0] * y[0]
            };
            let total = tape.value_and_gradient(tape.constants(), &points, loss, &mut gradient);
            gradient.iter().chain([&total]).map(|value| value.to_bits()).collect::<Vec<_>>()
        })
    };
    assert_eq!(run(1), run(5));
}

#[test]
fn bounds_of_known_shapes() {
    let bounds = |text: &str| text.parse::<Expression>().expect(text).bounds(&[("x", -1.0, 3.0)]).expect("x is known");
    for (text, low, high) in [
        ("x^2", 0.0, 9.0),
        ("x^3", -1.0, 27.0),
        ("abs(x)", 0.0, 3.0),
        ("sin(x)", -1.0f64.sin(), 1.0),
        ("cos(x)", 3.0f64.cos(), 1.0),
        ("clip(x, 0, 1)", 0.0, 1.0),
        ("gaussian(x)", (-9.0f64).exp(), 1.0),
        ("step(x)", 0.0, 1.0),
    ] {
        let found = bounds(text);
        assert!(
            found.defined && (found.low - low).abs() < 1e-12 && (found.high - high).abs() < 1e-12,
            "{text}: {found:?}"
        );
    }
    for text in ["log(x)", "sqrt(x)", "arcsin(x)", "x^0.5", "0/x"] {
        assert!(!bounds(text).defined, "{text}");
    }
    assert_eq!(bounds("1/x").low, f64::NEG_INFINITY);
    assert!("x + y".parse::<Expression>().expect("valid").bounds(&[("x", 0.0, 1.0)]).is_err());
    assert!("x".parse::<Expression>().expect("valid").bounds(&[("x", 1.0, 0.0)]).is_err());
}

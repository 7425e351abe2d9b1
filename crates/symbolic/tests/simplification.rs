//! Simplification shortens and keeps values.

mod common;

use kanrl_symbolic::{Expression, Operator, SimplifyLimits, Tape};
use proptest::prelude::*;

const LIMITS: SimplifyLimits = SimplifyLimits { nodes: 1000, iterations: 6 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn values_stay(
        expression in common::usual_expression(&common::SMOOTH, 4),
        points in prop::collection::vec(-3.0..3.0f64, 3 * 50),
    ) {
        let simplified = expression.simplified(LIMITS);
        prop_assert!(simplified.operations() <= expression.operations(), "{expression} became {simplified}");
        let compile = |expression: &Expression| Tape::compile(std::slice::from_ref(expression), &common::VARIABLES).expect("known");
        let (before_tape, after_tape) = (compile(&expression), compile(&simplified));
        let [mut before, mut after, mut largest] = [vec![0.0; 50], vec![0.0; 50], vec![0.0; 50]];
        before_tape.evaluate(&points, &mut before);
        after_tape.evaluate(&points, &mut after);
        before_tape.largest_intermediates(&points, &mut largest);
        for ((before, after), largest) in before.iter().zip(&after).zip(&largest) {
            let fine = !largest.is_finite() || (before - after).abs() <= 1e-12 * largest;
            prop_assert!(fine, "{expression} = {before}, {simplified} = {after}, of {largest}");
        }
        prop_assert_eq!(simplified.to_string(), expression.simplified(LIMITS).to_string());
    }

    #[test]
    fn nothing_panics(expression in common::expression(&Operator::ALL, 4)) {
        let simplified = expression.simplified(SimplifyLimits { nodes: 300, iterations: 3 });
        prop_assert!(simplified.nodes().len() < 10 * expression.nodes().len() + 10);
    }
}

#[test]
fn known_cases() {
    let mut wrong = Vec::new();
    for (text, simple) in [
        ("x + x", "2*x"),
        ("2*(x + 1) - 2*x", "2"),
        ("x*x*x", "x^3"),
        ("x^2*x^3", "x^5"),
        ("exp(x)*exp(y)", "exp(x + y)"),
        ("log(exp(x + y))", "x + y"),
        ("a*x + b*x", "x*(a + b)"),
        ("0*x + y - 0", "y"),
        ("gate(x, y, y)", "y"),
        ("sqrt(4)*x", "2*x"),
        ("z + y + x + 1", "x + y + z + 1"),
        ("1/x", "1/x"),
        ("x/x", "x/x"),
        ("2*(3*x + 4) + 5", "6*x + 13"),
        ("0.5*(2*(4*x - 1) + 6) - 3", "4*x - 1"),
        ("x + 2*y + x", "2*(x + y)"),
        ("tanh(2*(3*x + 1)) + 4*tanh(6*x + 2)", "5*tanh(6*x + 2)"),
        ("tanh(-x) + 3*tanh(x)", "2*tanh(x)"),
        ("(x + 3)/2 + x", "1.5*x + 1.5"),
        ("x - (x + y)", "-y"),
        ("2*(x + y + z) - 2*(x + y - z)", "4*z"),
        ("3*(x + y) + z", "z + 3*(x + y)"),
        ("2*x*3*y", "6*x*y"),
    ] {
        let expression: Expression = text.parse().expect(text);
        let found = expression.simplified(SimplifyLimits::default()).to_string();
        if found != simple {
            wrong.push(format!("{text} became {found}, not {simple}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn long_sums_end_by_counting() {
    let terms = (0..60).map(|term| format!("{}*sin({}*x + y) + 0.5*x", term % 7 - 3, term % 11 + 1));
    let expression: Expression = terms.collect::<Vec<_>>().join(" + ").parse().expect("valid");
    let simplified = expression.simplified(SimplifyLimits::default());
    assert!(simplified.operations() < expression.operations() / 2, "{simplified}");
}

/// The shape that a network with hidden nodes comes out in: sums of sums, the same inputs everywhere.
#[test]
fn long_policies_with_nested_sums_are_merged() {
    for (text, simple) in [
        (
            // Two linear hidden nodes of eight inputs each.
            "1.5*(0.2*x - 0.4*y + 0.6*x_dot - 0.8*y_dot + theta + 0.5*theta_dot - 0.1*leg_1 + 0.3*leg_2 + 0.25) \
             - 0.5*(0.6*x + 0.4*y - 0.2*x_dot + 1.6*y_dot + theta - 0.5*theta_dot + 0.7*leg_1 - 0.9*leg_2 - 1) + 0.125",
            "-0.5*leg_1 + 0.9*leg_2 + theta + theta_dot + x_dot - 0.8*y - 2*y_dot + 1",
        ),
        (
            // The same function of the same input on two edges, and a chain of affines inside of it.
            "2*tanh(0.5*(2*(theta + 0.1) - 0.4)) + 0.25*y - 3*(0.5*tanh(theta - 0.1) - y_dot) - 4*(y_dot + x*x_dot) \
             + 4*x*x_dot + 1.75*y + leg_1*(2 - 1) + 0*leg_2",
            "leg_1 + 2*y - y_dot + 0.5*tanh(theta - 0.1)",
        ),
        (
            "-(2*theta + 3*theta_dot - (theta - x) - (theta_dot - y) + (x + y)*2 - 3*x - 3*y + y_dot + x_dot - leg_1)",
            "leg_1 - theta - 2*theta_dot - x_dot - y_dot",
        ),
    ] {
        let expression: Expression = text.parse().expect(text);
        let simplified = expression.simplified(SimplifyLimits::default());
        let expected: Expression = simple.parse().expect(simple);
        assert!(simplified.operations() <= expected.operations(), "{text} became {simplified}, not {simple}");
        let names = ["leg_1", "leg_2", "theta", "theta_dot", "x", "x_dot", "y", "y_dot"];
        let point: Vec<(&str, f64)> =
            names.iter().enumerate().map(|(index, name)| (*name, (index as f64 * 1.7).sin() * 2.0)).collect();
        let [found, wanted] = [&simplified, &expected].map(|e| e.evaluate(&point).expect("known names"));
        assert!((found - wanted).abs() <= 1e-12 * (1.0 + wanted.abs()), "{simplified} is not {simple}");
    }
}

#[test]
fn of_equal_counts_the_one_with_fewer_constants_and_nodes_is_taken() {
    for (text, simple) in [("2*x + 2*y", "2*(x + y)"), ("3 - (-1)*x", "x + 3"), ("x*0.5*2*y", "x*y")] {
        let expression: Expression = text.parse().expect(text);
        let simplified = expression.simplified(SimplifyLimits::default());
        let wanted: Expression = simple.parse().expect(simple);
        assert_eq!(simplified.operations(), wanted.operations(), "{text} became {simplified}");
        assert!(simplified.constants().count() <= wanted.constants().count(), "{text} became {simplified}");
    }
}

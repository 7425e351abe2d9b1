//! Simplification shortens and keeps values.

mod common;

use proptest::prelude::*;
use symbolic::{Expression, Operator, SimplifyLimits, Tape};

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

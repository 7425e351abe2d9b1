//! Shared by the tests: random expressions.

#![allow(dead_code, reason = "every test file uses a part of it")]

pub mod tools;

use kanrl_core::function::Domain;
use kanrl_symbolic::{Code, Curve, Expression, Native, NativeFunction, Operator};
use proptest::prelude::*;
use std::sync::Once;

/// Variables of the random expressions.
pub const VARIABLES: [&str; 3] = ["x", "theta_dot", "y_1"];

/// Operators without jumps and poles, and without a domain.
pub const SMOOTH: [Operator; 15] = [
    Operator::Add,
    Operator::Multiply,
    Operator::Negate,
    Operator::Exp,
    Operator::Sin,
    Operator::Cos,
    Operator::Tanh,
    Operator::Arctan,
    Operator::Abs,
    Operator::Gaussian,
    Operator::Min,
    Operator::Max,
    Operator::Clip,
    Operator::Add,
    Operator::Multiply,
];

/// Constants as formulas have them.
pub fn usual_constant() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-20..20i32).prop_map(f64::from),
        4 => (-2000..2000i32).prop_map(|value| f64::from(value) / 100.0),
        2 => -10.0..10.0f64,
    ]
}

/// Any expression over `operators`, at most `depth` deep, with any constants.
pub fn expression(operators: &'static [Operator], depth: u32) -> impl Strategy<Value = Expression> {
    let any_constant = any::<f64>().prop_filter("finite", |value| value.is_finite());
    build(operators, depth, prop_oneof![9 => usual_constant(), 1 => any_constant])
}

/// As [`expression`], with the constants that formulas have.
pub fn usual_expression(operators: &'static [Operator], depth: u32) -> impl Strategy<Value = Expression> {
    build(operators, depth, usual_constant())
}

fn build(
    operators: &'static [Operator],
    depth: u32,
    constants: impl Strategy<Value = f64> + 'static,
) -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        constants.prop_map(Expression::constant),
        (0..VARIABLES.len()).prop_map(|index| Expression::variable(VARIABLES[index]).expect("a good name")),
    ];
    leaf.prop_recursive(depth, 60, 4, move |inner| {
        (0..operators.len(), prop::collection::vec(inner, 4), 0..3usize).prop_map(move |(index, operands, more)| {
            let operator = operators[index];
            let (least, most) = operator.arity();
            let count = most.unwrap_or(least + more).min(operands.len());
            Expression::operation(operator, operands.into_iter().take(count))
        })
    })
}

/// Any curve of up to eight pieces, continuous or not.
pub fn curve() -> impl Strategy<Value = Curve> {
    let breakpoints = (-3.0..3.0f64, prop::collection::vec(0.05..1.5f64, 0..6));
    let pieces = prop::collection::vec(prop::array::uniform4(-3.0..3.0f64), 7);
    (breakpoints, pieces, 1..=4usize).prop_map(|((first, widths), pieces, terms)| {
        let mut breakpoints = vec![first];
        breakpoints.extend(widths.iter().scan(first, |at, width| {
            *at += width;
            Some(*at)
        }));
        let count = breakpoints.len() + 1;
        let pieces = pieces[..count].iter().enumerate().map(|(index, piece)| {
            let terms = if index == 0 || index == count - 1 { terms.min(2) } else { terms };
            piece[..terms].to_vec()
        });
        Curve::new(breakpoints, pieces.collect()).expect("a good curve")
    })
}

/// Two functions that the tests bring along: one that every language has but SymPy, one that none has.
pub fn register_natives() {
    static ONCE: Once = Once::new();
    let none = "";
    ONCE.call_once(|| {
        for function in [
            NativeFunction {
                name: "cbrt",
                value: f64::cbrt,
                derivative: |x| 1.0 / (3.0 * x.cbrt().powi(2)),
                derivative_text: "1/(3*cbrt(x)^2)",
                bounds: |low, high| (low.cbrt(), high.cbrt()),
                domain: Domain::All,
                complexity: 3.0,
                c: Code { call: "cbrt", definition: none },
                rust: Code { call: "libm::cbrt", definition: none },
                numpy: Code { call: "np.cbrt", definition: none },
                sympy: Code {
                    call: "cbrt",
                    definition: "def cbrt(x):\n    return sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3)\n",
                },
                latex: r"\mathrm{cbrt}",
            },
            NativeFunction {
                name: "bump",
                value: |x| 1.0 / (1.0 + x * x),
                derivative: |x| -2.0 * x / (1.0 + x * x).powi(2),
                derivative_text: "-2*x*bump(x)^2",
                bounds: |low, high| {
                    let value = |x: f64| 1.0 / (1.0 + x * x);
                    let top = if low <= 0.0 && high >= 0.0 { 1.0 } else { value(low).max(value(high)) };
                    (value(low).min(value(high)), top)
                },
                domain: Domain::All,
                complexity: 3.0,
                c: Code { call: "bump", definition: "static double bump(double x) { return 1.0 / (1.0 + x * x); }\n" },
                rust: Code { call: "bump", definition: "fn bump(x: f64) -> f64 {\n    1.0 / (1.0 + x * x)\n}\n" },
                numpy: Code { call: "bump", definition: "def bump(x):\n    return 1.0 / (1.0 + x * x)\n" },
                sympy: Code { call: "bump", definition: "def bump(x):\n    return 1 / (1 + x**2)\n" },
                latex: r"\operatorname{bump}",
            },
        ] {
            Native::register(function).expect("sound functions");
        }
    });
}

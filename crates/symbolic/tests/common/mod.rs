//! Shared by the tests: random expressions.

#![allow(dead_code, reason = "every test file uses a part of it")]

pub mod tools;

use proptest::prelude::*;
use symbolic::{Expression, Operator};

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

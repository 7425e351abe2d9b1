//! What egg may rewrite, and what it prefers.
//!
//! All rules hold wherever the left side is finite, and none enlarges a domain's hole or moves a jump.

use super::add_constants;
use super::language::{Math, Number};
use crate::expression::is_whole_exponent;
use egg::{Analysis, CostFunction, DidMerge, EGraph, Id, Language, Rewrite, Subst, Var, rewrite};

/// The number a class is equal to, if any.
#[derive(Default)]
pub(super) struct ConstantFolding;

impl Analysis<Math> for ConstantFolding {
    type Data = Option<f64>;

    fn make(graph: &mut EGraph<Math, Self>, node: &Math, _: Id) -> Option<f64> {
        if let Math::Constant(value) = node {
            return Some(value.value());
        }
        let operands: Option<Vec<f64>> = node.children().iter().map(|id| graph[*id].data).collect();
        let operands = operands?;
        let value = match node {
            Math::Add(_) => add_constants(operands[0], operands[1]),
            _ => node.operator()?.value(&operands),
        };
        value.is_finite().then_some(value)
    }

    fn merge(&mut self, left: &mut Option<f64>, right: Option<f64>) -> DidMerge {
        // Two ways to the same number may differ in the last bits; the first one stays.
        let taken = left.is_none() && right.is_some();
        let kept = left.is_some() && right.is_none();
        if taken {
            *left = right;
        }
        DidMerge(taken, kept)
    }

    fn modify(graph: &mut EGraph<Math, Self>, id: Id) {
        if let Some(value) = graph[id].data {
            let constant = graph.add(Math::Constant(Number::new(value)));
            graph.union(id, constant);
        }
    }
}

type Graph = EGraph<Math, ConstantFolding>;

/// The condition that a pattern variable is a number that passes a test.
fn number(name: &'static str, test: fn(f64) -> bool) -> impl Fn(&mut Graph, Id, &Subst) -> bool {
    let variable: Var = name.parse().expect("a pattern variable");
    move |graph, _, subst| graph[subst[variable]].data.is_some_and(test)
}

fn any(_: f64) -> bool {
    true
}

/// A plain exponent of 1 or more.
fn count(value: f64) -> bool {
    value >= 1.0 && is_whole_exponent(value)
}

fn even(value: f64) -> bool {
    value % 2.0 == 0.0 && is_whole_exponent(value)
}

fn odd(value: f64) -> bool {
    value.abs() % 2.0 == 1.0 && is_whole_exponent(value)
}

/// A divisor whose reciprocal is an ordinary number.
fn ordinary(value: f64) -> bool {
    value.abs() > 1e-100 && value.abs() < 1e100
}

/// All rules.
pub(super) fn rules() -> Vec<Rewrite<Math, ConstantFolding>> {
    let mut rules: Vec<Rewrite<Math, ConstantFolding>> = vec![
        rewrite!("commute-add"; "(+ ?a ?b)" => "(+ ?b ?a)"),
        rewrite!("commute-multiply"; "(* ?a ?b)" => "(* ?b ?a)"),
        rewrite!("associate-add"; "(+ ?a (+ ?b ?c))" => "(+ (+ ?a ?b) ?c)"),
        rewrite!("associate-multiply"; "(* ?a (* ?b ?c))" => "(* (* ?a ?b) ?c)"),
        rewrite!("add-zero"; "(+ ?a 0)" => "?a"),
        rewrite!("multiply-one"; "(* ?a 1)" => "?a"),
        rewrite!("multiply-zero"; "(* ?a 0)" => "0"),
        rewrite!("divide-one"; "(/ ?a 1)" => "?a"),
        rewrite!("power-one"; "(^ ?a 1)" => "?a"),
        rewrite!("negate"; "(neg ?a)" => "(* -1 ?a)"),
        rewrite!("minus"; "(* -1 ?a)" => "(neg ?a)"),
        rewrite!("factor"; "(+ (* ?a ?b) (* ?a ?c))" => "(* ?a (+ ?b ?c))"),
        rewrite!("factor-one"; "(+ ?a (* ?a ?b))" => "(* ?a (+ 1 ?b))"),
        rewrite!("double"; "(+ ?a ?a)" => "(* 2 ?a)"),
        rewrite!("distribute-number"; "(* ?k (+ ?a ?b))" => "(+ (* ?k ?a) (* ?k ?b))" if number("?k", any)),
        rewrite!("divide-by-number"; "(/ ?a ?k)" => "(* (/ 1 ?k) ?a)" if number("?k", ordinary)),
        rewrite!("divide-product"; "(/ (* ?a ?b) ?c)" => "(* ?a (/ ?b ?c))"),
        rewrite!("multiply-quotient"; "(* ?a (/ ?b ?c))" => "(/ (* ?a ?b) ?c)"),
        rewrite!("add-quotients"; "(+ (/ ?a ?c) (/ ?b ?c))" => "(/ (+ ?a ?b) ?c)"),
        rewrite!("square"; "(* ?a ?a)" => "(^ ?a 2)"),
        rewrite!("next-power"; "(* ?a (^ ?a ?n))" => "(^ ?a (+ ?n 1))" if number("?n", count)),
        rewrite!("add-powers"; "(* (^ ?a ?n) (^ ?a ?m))" => "(^ ?a (+ ?n ?m))" if number("?n", count) if number("?m", count)),
        rewrite!("power-of-power"; "(^ (^ ?a ?n) ?m)" => "(^ ?a (* ?n ?m))" if number("?n", count) if number("?m", count)),
        rewrite!("power-of-scaled"; "(^ (* ?k ?a) ?n)" => "(* (^ ?k ?n) (^ ?a ?n))" if number("?k", any) if number("?n", count)),
        rewrite!("even-power"; "(^ (neg ?a) ?n)" => "(^ ?a ?n)" if number("?n", even)),
        rewrite!("odd-power"; "(^ (neg ?a) ?n)" => "(neg (^ ?a ?n))" if number("?n", odd)),
        rewrite!("multiply-exp"; "(* (exp ?a) (exp ?b))" => "(exp (+ ?a ?b))"),
        rewrite!("log-exp"; "(log (exp ?a))" => "?a"),
        rewrite!("root-of-square"; "(sqrt (^ ?a 2))" => "(abs ?a)"),
        rewrite!("square-of-abs"; "(^ (abs ?a) 2)" => "(^ ?a 2)"),
        rewrite!("abs-abs"; "(abs (abs ?a))" => "(abs ?a)"),
        rewrite!("abs-scaled"; "(abs (* ?k ?a))" => "(* (abs ?k) (abs ?a))" if number("?k", any)),
        rewrite!("gaussian"; "(exp (neg (^ ?a 2)))" => "(gaussian ?a)"),
        rewrite!("same-min"; "(min ?a ?a)" => "?a"),
        rewrite!("same-max"; "(max ?a ?a)" => "?a"),
        rewrite!("clip"; "(min (max ?a ?k) ?h)" => "(clip ?a ?k ?h)" if number("?k", any) if number("?h", any)),
        rewrite!("same-gate"; "(gate ?a ?b ?b)" => "?b"),
    ];
    // Odd functions let a sign out, even ones drop it.
    rules.extend(vec![
        rewrite!("odd-sin"; "(sin (neg ?a))" => "(neg (sin ?a))"),
        rewrite!("odd-tan"; "(tan (neg ?a))" => "(neg (tan ?a))"),
        rewrite!("odd-tanh"; "(tanh (neg ?a))" => "(neg (tanh ?a))"),
        rewrite!("odd-arcsin"; "(arcsin (neg ?a))" => "(neg (arcsin ?a))"),
        rewrite!("odd-arctan"; "(arctan (neg ?a))" => "(neg (arctan ?a))"),
        rewrite!("odd-arctanh"; "(arctanh (neg ?a))" => "(neg (arctanh ?a))"),
        rewrite!("odd-sign"; "(sign (neg ?a))" => "(neg (sign ?a))"),
        rewrite!("even-cos"; "(cos (neg ?a))" => "(cos ?a)"),
        rewrite!("even-gaussian"; "(gaussian (neg ?a))" => "(gaussian ?a)"),
        rewrite!("even-abs"; "(abs (neg ?a))" => "(abs ?a)"),
    ]);
    rules
}

/// Few operations first, then few constants.
pub(super) struct Reading;

impl CostFunction<Math> for Reading {
    type Cost = u64;

    fn cost<C: FnMut(Id) -> u64>(&mut self, node: &Math, mut costs: C) -> u64 {
        const OPERATION: u64 = 1000;
        let own = match node {
            // A negation is a sum's minus sign as a rule.
            Math::Negate(_) => OPERATION / 4,
            Math::Clip(_) | Math::Gate(_) => 2 * OPERATION,
            Math::Gaussian(_) => 2 * OPERATION,
            Math::Constant(value) if value.value() == value.value().trunc() => 2,
            Math::Constant(_) => 10,
            Math::Variable(_) => 1,
            _ => OPERATION,
        };
        node.fold(own, |sum, id| sum.saturating_add(costs(id)))
    }
}

//! Fixed point stays within its proved bound of the formula, in the interpreter and in C.

use kanrl_export::fixed::{Fixed, FixedAction, FixedError, Range, Word};
use kanrl_symbolic::{ActionRule, Curve, Expression, Formula, Output};
use proptest::prelude::*;

fn range(name: &str, low: f64, high: f64) -> Range {
    Range { name: name.to_owned(), low, high }
}

/// Points that fill the ranges evenly, corners first.
fn points(ranges: &[Range], rows: usize) -> Vec<Vec<f64>> {
    let steps = [0.819_172_513_396_164_4, 0.671_043_606_703_789_3, 0.549_700_477_901_970_4];
    let at = |range: &Range, share: f64| range.low + share * (range.high - range.low);
    let corner =
        |row: usize| ranges.iter().enumerate().map(|(index, range)| at(range, (row >> index & 1) as f64)).collect();
    let inside = |row: usize| {
        let share = |index: usize| (steps[index % 3] * (row as f64 + 0.5) + index as f64 / 7.0).fract();
        ranges.iter().enumerate().map(|(index, range)| at(range, share(index))).collect()
    };
    (0..8).map(corner).chain((0..rows).map(inside)).collect()
}

/// Largest share of its bound that an output's error takes.
fn largest_share(formula: &Formula, ranges: &[Range], word: Word) -> f64 {
    let fixed = Fixed::new(formula, ranges, word).unwrap_or_else(|error| panic!("{formula}: {error}"));
    let tape = formula.compile().expect("its own inputs");
    let mut largest: f64 = 0.0;
    let mut exact = vec![0.0; formula.outputs().len()];
    for point in points(ranges, 1000) {
        tape.evaluate(&point, &mut exact);
        if fixed.is_switching(&point) {
            continue;
        }
        let found = fixed.outputs(&fixed.observe(&point));
        for ((found, exact), output) in found.iter().zip(&exact).zip(&fixed.outputs) {
            let error = (found - exact).abs();
            assert!(error <= output.bound, "{formula} at {point:?}: {found}, not {exact}, bound {}", output.bound);
            largest = largest.max(error / output.bound);
        }
    }
    largest
}

fn one(text: &str) -> Formula {
    let outputs = [("a", text)];
    let action = ActionRule::Clip { low: vec![-1e6], high: vec![1e6] };
    Formula::parse(&["x", "y", "z"], &outputs, action).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_operator_stays_within_its_bound() {
    let ranges = [range("x", -0.4, 0.4), range("y", 0.5, 3.0), range("z", -2.0, 7.0)];
    for text in [
        "3*x - 0.7397*z + y/3 - 0.001*x*z",
        "x*y*z + x^3 - y^-2 + z^2",
        "x/y + z/(1 + y^2)",
        "sin(3*x + z) + cos(z)*tanh(x)",
        "exp(-y) + log(y) + sqrt(y) + y^1.5 + 2^x",
        "y^x + tan(x) + arcsin(x) + arccos(x) + arctan(z) + arctanh(x)",
        "gaussian(z - 1) + abs(z) + abs(y)",
        "min(x, z, 0.3) + max(y, z, 2) + clip(z, -1, 2)",
        "gate(z - 1, x, y) + sign(x)*0.5 + step(z)",
        "0.25*x + 1024*z - x",
        "curve(z; -1, 1, 3; 0.5; 0.5, 1, -0.2; 1.7, 0.2, 0, 0.05; 2.5, 0.8)",
        "1/3 + sin(2) + min(0, tanh(0.3))",
        "x - x",
    ] {
        let formula = one(text);
        for word in [Word::Q15, Word::Q31] {
            let share = largest_share(&formula, &ranges, word);
            assert!(share > 0.002 || text == "x - x", "{text}: the bound is {} times what is seen", 1.0 / share);
        }
        // Twice the bits, a thousandth of the error.
        let bound = |word| Fixed::new(&formula, &ranges, word).expect("as above").outputs[0].bound;
        let (long, short) = (bound(Word::Q31), bound(Word::Q15));
        assert!(long < 1e-3 * short.max(1e-9), "{text}: {long} of 32 bits, {short} of 16");
    }
}

#[test]
fn a_bound_is_near_what_words_can_hold() {
    let ranges = [range("x", -0.4, 0.4), range("y", 0.5, 3.0), range("z", -2.0, 7.0)];
    for (text, q15, q31) in
        [("sin(z)", 3e-4, 5e-9), ("3*x + z", 5e-4, 7e-9), ("tanh(x)", 1e-4, 2e-9), ("exp(-y)", 2e-4, 3e-9)]
    {
        let fixed = Fixed::new(&one(text), &ranges, Word::Q15).expect("bounded");
        assert!(fixed.outputs[0].bound < q15, "{text}: {}", fixed.outputs[0].bound);
        assert!(fixed.table_bytes() <= 600, "{text}: {} bytes", fixed.table_bytes());
        let fixed = Fixed::new(&one(text), &ranges, Word::Q31).expect("bounded");
        assert!(fixed.outputs[0].bound < q31, "{text}: {}", fixed.outputs[0].bound);
        assert!(fixed.table_bytes() <= 2000, "{text}: {} bytes", fixed.table_bytes());
    }
}

#[test]
fn what_has_no_bounds_is_refused_by_name() {
    let ranges = [range("x", -0.4, 0.4), range("z", -2.0, 7.0)];
    let error = |text: &str| Fixed::new(&one(text), &ranges, Word::Q15).expect_err(text);
    assert_eq!(error("y + x"), FixedError::NoRange { name: "y".to_owned() });
    for (text, part) in
        [("3 + 1/x", "1/x"), ("log(z)", "log(z)"), ("2*arcsin(z)", "arcsin(z)"), ("tan(z) + 1", "tan(z)")]
    {
        assert_eq!(error(text), FixedError::Undefined { part: part.to_owned() });
    }
}

#[test]
fn observations_outside_of_their_ranges_are_held_at_the_ends() {
    let ranges = [range("x", -0.4, 0.4), range("y", 0.5, 3.0), range("z", -2.0, 7.0)];
    let fixed = Fixed::new(&one("x*y + sqrt(y)*z"), &ranges, Word::Q15).expect("bounded");
    let at = |raw: [i64; 3]| fixed.outputs(&raw);
    let ends: Vec<i64> = fixed.observe(&[0.4, 0.5, 7.0]);
    assert_eq!(at([32767, -32768, 32767]), at([ends[0], ends[1], ends[2]]));
}

#[test]
fn actions_are_the_formula_s_where_outputs_lead_by_more_than_their_bounds() {
    let ranges = [range("x", -0.4, 0.4), range("y", 0.5, 3.0), range("z", -2.0, 7.0)];
    let outputs = [("a", "x*y"), ("b", "sin(z)"), ("c", "0.2*z - x")];
    let formula = Formula::parse(&["x", "y", "z"], &outputs, ActionRule::Argmax).expect("a formula");
    let fixed = Fixed::new(&formula, &ranges, Word::Q15).expect("bounded");
    assert_eq!(fixed.action, FixedAction::Argmax);
    let mut compared = 0;
    for point in points(&ranges, 2000) {
        let named = [("x", point[0]), ("y", point[1]), ("z", point[2])];
        let values: Vec<f64> =
            formula.outputs().iter().map(|output| output.expression.evaluate(&named).expect("known")).collect();
        let best = (0..3).fold(0, |best, next| if values[next] > values[best] { next } else { best });
        let lead = (0..3)
            .filter(|other| *other != best)
            .map(|other| values[best] - values[other])
            .fold(f64::INFINITY, f64::min);
        let bound = fixed.outputs.iter().map(|output| output.bound).fold(0.0, f64::max);
        if lead > 2.0 * bound {
            assert_eq!(fixed.action(&fixed.observe(&point)), [best as f64]);
            compared += 1;
        }
    }
    assert!(compared > 1900, "{compared}");
}

/// Expressions that are bounded for all of the points.
fn expression() -> impl Strategy<Value = Expression> {
    let constant = prop_oneof![(-20..20i32).prop_map(f64::from), -3.0..3.0f64];
    let leaf = prop_oneof![
        constant.prop_map(Expression::constant),
        (0..3usize).prop_map(|index| Expression::variable(["x", "y", "z"][index]).expect("a good name")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        (0..15usize, prop::collection::vec(inner, 3)).prop_map(|(kind, operands)| {
            use kanrl_symbolic::Operator::*;
            let (operator, count) = [
                (Add, 2),
                (Add, 3),
                (Multiply, 2),
                (Negate, 1),
                (Sin, 1),
                (Cos, 1),
                (Tanh, 1),
                (Arctan, 1),
                (Abs, 1),
                (Gaussian, 1),
                (Min, 2),
                (Max, 3),
                (Clip, 3),
                (Gate, 3),
                (Sign, 1),
            ][kind];
            Expression::operation(operator, operands.into_iter().take(count))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_formula_stays_within_its_bound(expression in expression(), q31 in any::<bool>()) {
        let ranges = [range("x", -0.4, 0.4), range("y", 0.5, 3.0), range("z", -2.0, 7.0)];
        let outputs = vec![Output { name: "a".to_owned(), expression }];
        let action = ActionRule::Clip { low: vec![-1.0], high: vec![1.0] };
        let inputs = ["x", "y", "z"].map(str::to_owned).to_vec();
        let formula = Formula::new(inputs, outputs, action).expect("a formula");
        let word = if q31 { Word::Q31 } else { Word::Q15 };
        // What cannot be bounded is refused: `max(x, tanh(x), sign(y))` where its parts are steep together.
        prop_assume!(Fixed::new(&formula, &ranges, word).is_ok());
        largest_share(&formula, &ranges, word);
    }
}

#[test]
fn curves_that_jump_say_so_in_their_bound() {
    let ranges = [range("z", -2.0, 7.0)];
    let curve = |right: f64| Curve::new(vec![1.0], vec![vec![0.0], vec![right, 0.5]]).expect("a curve");
    let bound = |curve: Curve| {
        let outputs = vec![Output {
            name: "a".to_owned(),
            expression: Expression::curve(curve.into(), Expression::variable("z").expect("a name")),
        }];
        let formula = Formula::new(vec!["z".to_owned()], outputs, ActionRule::Threshold).expect("a formula");
        largest_share(&formula, &ranges, Word::Q15);
        Fixed::new(&formula, &ranges, Word::Q15).expect("bounded").outputs[0].bound
    };
    assert!(bound(curve(0.0)) < 1e-3 && bound(curve(0.25)) > 0.25);
}

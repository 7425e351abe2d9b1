//! What is printed parses to the same expression; what is hostile gives an error.

mod common;

use kanrl_symbolic::{ActionRule, Expression, Format, Formula, MAXIMUM_DEPTH, Operator, Tape, export};
use proptest::prelude::*;

/// Equal to the bit, the sign of zero included.
fn same(left: &Expression, right: &Expression) -> bool {
    left == right && left.constants().map(f64::to_bits).eq(right.constants().map(f64::to_bits))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn parsing_undoes_printing(expression in common::expression(&Operator::ALL, 8)) {
        let text = expression.to_string();
        let parsed: Expression = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        prop_assert!(same(&parsed, &expression), "{text} became {parsed}");
    }

    #[test]
    fn the_json_tree_reads_back(expression in common::expression(&Operator::ALL, 8)) {
        let text = serde_json::to_string(&expression).expect("a finite expression");
        let read: Expression = serde_json::from_str(&text).expect("what was written");
        prop_assert!(same(&read, &expression), "{text}");
    }

    #[test]
    fn folding_keeps_values(
        expression in common::usual_expression(&common::SMOOTH, 5),
        point in prop::array::uniform3(-3.0..3.0f64),
    ) {
        let variables: Vec<(&str, f64)> = common::VARIABLES.into_iter().zip(point).collect();
        let before = expression.evaluate(&variables).expect("known variables");
        let tape = Tape::compile(std::slice::from_ref(&expression), &common::VARIABLES).expect("known variables");
        let mut largest = [0.0];
        tape.largest_intermediates(&point, &mut largest);
        prop_assume!(largest[0] < 1e15);
        let folded = expression.folded();
        let after = folded.evaluate(&variables).expect("known variables");
        prop_assert!((after - before).abs() <= 1e-12 * largest[0], "{expression} = {before}, {folded} = {after}");
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_company(
        expression in common::expression(&Operator::ALL, 6),
        points in prop::collection::vec(-3.0..3.0f64, 3 * 70),
    ) {
        let tape = Tape::compile(std::slice::from_ref(&expression), &common::VARIABLES).expect("known variables");
        let mut values = vec![0.0; points.len() / 3];
        tape.evaluate(&points, &mut values);
        for (point, value) in points.chunks_exact(3).zip(values).skip(55) {
            let mut alone = [0.0];
            tape.evaluate(point, &mut alone);
            let variables: Vec<(&str, f64)> = common::VARIABLES.into_iter().zip(point.iter().copied()).collect();
            let reference = expression.evaluate(&variables).expect("known variables");
            // A NaN's sign and payload are not defined.
            prop_assert!(value.to_bits() == alone[0].to_bits() || value.is_nan() && alone[0].is_nan());
            prop_assert!(value.to_bits() == reference.to_bits() || value.is_nan() && reference.is_nan());
        }
    }

    #[test]
    fn no_text_panics(text in r"[-+*/^(),;.0-9a-z_ eE]{0,60}|curve\(x(;[-, 0-9.e]{0,12}){0,5}\)|\PC{0,40}") {
        let _: Result<Expression, _> = text.parse();
        let _: Result<Expression, _> = serde_json::from_str(&text);
    }
}

fn error(text: &str) -> String {
    text.parse::<Expression>().expect_err(text).to_string()
}

#[test]
fn minus_signs_and_powers_have_their_usual_precedence() {
    for (text, value) in [
        ("-3^2", -9.0),
        ("(-3)^2", 9.0),
        ("2^-2", 0.25),
        ("2^3^2", 512.0),
        ("1 - 2 - 3", -4.0),
        ("1 - -2*3", 7.0),
        ("8/2/2*3", 6.0),
        ("2**3", 8.0),
        ("-x*2", -4.0),
        ("3 - x^2", -1.0),
        ("clip(x, 0, 1)", 1.0),
        ("gate(x - 3, 1, -1)", -1.0),
        ("1e-3*x", 0.002),
        (".5", 0.5),
    ] {
        let expression: Expression = text.parse().expect(text);
        assert_eq!(expression.evaluate(&[("x", 2.0)]), Ok(value), "{text} is {expression}");
    }
}

#[test]
fn errors_say_what_and_where() {
    assert_eq!(error("3*+x"), "expected a number, a name or `(` at character 2 of `3*+x`");
    assert_eq!(error("tanj(x)"), "unknown function `tanj`, did you mean `tanh`? at character 0 of `tanj(x)`");
    assert_eq!(error("clip(x, 1)"), "`clip` takes 3 operands, not 2 at character 0 of `clip(x, 1)`");
    assert!(error("x y").starts_with("expected an operator or the end at character 2"));
    assert!(error("sin + 1").starts_with("`sin` is a function"));
    assert!(error("1e999").contains("too large for a double"));
    assert!(error("").contains("ends where"));
    assert!(error("(x").contains("expected `)`"));
    assert!(error("add").contains("operator's name"));
    assert!(error("2*`cart position + 1").starts_with("the name does not end: a backtick is missing at character 2"));
    assert!(error("``").contains("it is empty"));
    let unknown = "x + y".parse::<Expression>().expect("valid").evaluate(&[("x", 1.0)]);
    assert_eq!(unknown.expect_err("y has no value").to_string(), "unknown variable `y`");
}

#[test]
fn any_name_reads_back_in_text_and_json() {
    for name in
        ["cart position", "temp_%", "obs[0]", "0", "cos", "add", "-x", "θ", "2*x", "<b>&amp;", "日本", "a\\b\"c"]
    {
        let expression = Expression::variable(name).expect("any name") * 2.0 + 1.0;
        let text = expression.to_string();
        assert_eq!(text.parse::<Expression>().expect(&text), expression);
        let json = serde_json::to_string(&expression).expect("a small expression");
        assert_eq!(serde_json::from_str::<Expression>(&json).expect(&json), expression);
        let formula = Formula::parse(&[name], &[("a", &text)], ActionRule::Threshold).expect("a good formula");
        assert_eq!(Formula::from_json(&formula.to_json()).expect("what was written"), formula);
    }
    assert_eq!(Expression::variable("pole-angle").expect("any name").to_string(), "`pole-angle`");
}

#[test]
fn hostile_depth_and_size_are_refused() {
    let deep = 10_000;
    for text in [
        "(".repeat(deep),
        "sin(".repeat(deep) + "x" + &")".repeat(deep),
        "-".repeat(deep) + "x",
        "x^".repeat(deep) + "x",
        "x/".repeat(deep) + "x",
        "x".to_owned() + &"+x".repeat(200_000),
        "[\"sin\",".repeat(deep) + "1" + &"]".repeat(deep),
        "a".repeat(1_000_000),
    ] {
        text.parse::<Expression>().expect_err("refused");
        serde_json::from_str::<Expression>(&text).expect_err("refused");
    }
    // Wide is not deep.
    let wide: Expression = ("x".to_owned() + &"*x".repeat(10_000)).parse().expect("a flat product");
    assert_eq!(wide.depth(), 1);
}

#[test]
fn deep_expressions_built_in_code_cost_no_stack() {
    let mut expression = Expression::variable("x").expect("a good name");
    for _ in 0..20_000 {
        expression = Expression::operation(Operator::Sin, [expression]);
    }
    assert_eq!(expression.depth(), 20_000);
    assert_eq!(expression.operations(), 20_000);
    assert!(expression.evaluate(&[("x", 1.0)]).expect("a value") > 0.0);
    assert!(expression.to_string().starts_with("sin(sin("));
    serde_json::to_string(&expression).expect_err("deeper than can be read back");
    let limit: Expression =
        ("abs(".repeat(MAXIMUM_DEPTH) + "x" + &")".repeat(MAXIMUM_DEPTH)).parse().expect("just fits");
    let json = serde_json::to_string(&limit).expect("just fits");
    assert_eq!(serde_json::from_str::<Expression>(&json).expect("just fits"), limit);
}

#[test]
fn bad_numbers_and_domains_give_no_panic() {
    for (text, check) in [
        ("1/x", f64::is_infinite as fn(f64) -> bool),
        ("log(-1 + x)", f64::is_nan),
        ("exp(1000 + x)", f64::is_infinite),
        ("x/x", f64::is_nan),
    ] {
        let expression: Expression = text.parse().expect(text);
        assert!(check(expression.evaluate(&[("x", 0.0)]).expect("x is known")), "{text}");
        assert!(check(expression.folded().evaluate(&[("x", 0.0)]).expect("x is known")), "{text}");
    }
    assert!(serde_json::to_string(&Expression::constant(f64::NAN)).is_err());
}

#[test]
fn formulas_read_back_and_refuse_what_does_not_fit() {
    let clip = ActionRule::Clip { low: vec![-2.0], high: vec![f64::INFINITY] };
    let formula =
        Formula::parse(&["theta", "theta_dot"], &[("torque", "-8*theta - 0.1*theta_dot^3")], clip).expect("valid");
    assert_eq!(Formula::from_json(&formula.to_json()).expect("what was written"), formula);

    let other_version = formula.to_json().replace("\"format_version\": 1", "\"format_version\": 2");
    assert!(Formula::from_json(&other_version).expect_err("refused").to_string().contains("format version 2"));
    let unknown = formula.to_json().replace("\"theta_dot\"\n  ]", "\"theta_dit\"\n  ]");
    assert!(Formula::from_json(&unknown).expect_err("refused").to_string().contains("did you mean `theta_dit`"));
    let bad = |inputs: &[&str], outputs: &[(&str, &str)], action| {
        Formula::parse(inputs, outputs, action).expect_err("refused")
    };
    bad(&["x"], &[("a", "x")], ActionRule::Argmax);
    bad(&["x"], &[("a", "x"), ("b", "1")], ActionRule::Threshold);
    bad(&["x"], &[("x", "x")], ActionRule::Threshold);
    bad(&["x`1"], &[("a", "1")], ActionRule::Threshold);
    bad(&[""], &[("a", "1")], ActionRule::Threshold);
    bad(&["x\ny"], &[("a", "1")], ActionRule::Threshold);
    bad(&["x"], &[("a", "x")], ActionRule::Clip { low: vec![1.0], high: vec![0.0] });
    bad(&["x"], &[("a", "x")], ActionRule::Clip { low: vec![f64::NAN], high: vec![0.0] });
}

#[test]
fn actions_are_printed_by_their_labels() {
    let labeled = |outputs: &[(&str, &str)], action: ActionRule, labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Formula::parse(&["x"], outputs, action).unwrap().with_labels(labels)
    };
    let two = labeled(&[("a", "2*x")], ActionRule::Threshold, &["-1", "1"]).unwrap();
    assert_eq!(two.to_string(), "a = 2*x\naction = 1 if a > 0 else -1");
    assert_eq!(Formula::from_json(&two.to_json()).unwrap(), two);
    assert_eq!(two.with_expressions(vec!["3*x".parse().unwrap()]).unwrap().labels(), ["-1", "1"]);
    let three = [("a_0", "0"), ("a_1", "x"), ("a_2", "-x")];
    let three = labeled(&three, ActionRule::Argmax, &["left", "push right", "50 %"]).unwrap();
    assert!(three.to_string().ends_with("\naction = argmax(left: a_0, `push right`: a_1, `50 %`: a_2)"), "{three}");
    let latex = export(&three, Format::Latex).unwrap();
    assert!(latex.contains(r"\text{left}\colon a_{0}") && latex.contains(r"\text{50 \%}"), "{latex}");
    // A label closes no comment, and no element.
    let hostile = labeled(&[("a", "x")], ActionRule::Threshold, &["*/ int x;", "\"\"\" <b>"]).unwrap();
    let c = export(&hostile, Format::C).unwrap();
    assert_eq!(c.matches("*/").count(), c.matches("/*").count(), "{c}");
    let python = export(&hostile, Format::NumPy).unwrap();
    assert_eq!(python.matches("\"\"\"").count() % 2, 0, "{python}");
    assert!(!export(&hostile, Format::MathMl).unwrap().contains("<b>"));
    // Formulas without labels are written as before.
    assert!(!Formula::parse(&["x"], &[("a", "x")], ActionRule::Threshold).unwrap().to_json().contains("labels"));
    for labels in [&["one"][..], &["a", "b", "c"], &["a", ""], &["a", "b\nc"]] {
        assert!(labeled(&[("a", "x")], ActionRule::Threshold, labels).is_err(), "{labels:?}");
    }
    let clip = ActionRule::Clip { low: vec![0.0], high: vec![1.0] };
    assert!(labeled(&[("a", "x")], clip, &["a"]).is_err());
}

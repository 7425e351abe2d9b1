//! Functions that a program brings along, in everything that is done with formulas.

mod common;

use kanrl_core::function::{Domain, SampledCurve, SymbolicLibrary};
use kanrl_symbolic::library::{DefaultLibraryConfig, Library};
use kanrl_symbolic::{
    ActionRule, Code, Expression, Format, Formula, Native, NativeFunction, SimplifyLimits, Tape, export,
};

fn parsed(text: &str) -> Expression {
    common::register_natives();
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn text_and_json_name_them() {
    let expression = parsed("2*cbrt(x + 1) - bump(3*y)");
    assert_eq!(expression.to_string(), "2*cbrt(x + 1) - bump(3*y)");
    let json = serde_json::to_string(&expression).expect("small");
    assert_eq!(serde_json::from_str::<Expression>(&json).expect("what was written"), expression);
    assert_eq!(expression.operations(), 6);
    let variable = Expression::variable("cbrt").expect("a variable can have any name");
    assert_eq!(variable.to_string(), "`cbrt`", "and is told from the function");
    let error = "cbt(x)".parse::<Expression>().expect_err("unknown").to_string();
    assert!(error.contains("unknown function `cbt`"), "{error}");
}

#[test]
fn derivatives_and_gradients_are_those_of_the_values() {
    let expression = parsed("2*cbrt(x*x + y) - bump(3*y)*x");
    let at = |x: f64, y: f64| expression.evaluate(&[("x", x), ("y", y)]).expect("known");
    for (x, y) in [(0.7, 0.4), (-1.3, 2.0), (0.2, -1.7)] {
        let step = 1e-6;
        for (name, difference) in [
            ("x", (at(x + step, y) - at(x - step, y)) / (2.0 * step)),
            ("y", (at(x, y + step) - at(x, y - step)) / (2.0 * step)),
        ] {
            let derivative = expression.derivative(name).evaluate(&[("x", x), ("y", y)]).expect("known");
            assert!((derivative - difference).abs() < 1e-6 * (1.0 + derivative.abs()), "{derivative}, {difference}");
        }
    }
    let tape = Tape::compile_with_constants(std::slice::from_ref(&expression), &["x", "y"]).expect("known");
    let (inputs, constants) = ([0.7, 0.4, -1.3, 2.0], tape.constants().to_vec());
    let loss = |_: usize, outputs: &[f64], by_outputs: &mut [f64]| {
        by_outputs[0] = 1.0;
        outputs[0]
    };
    let mut gradient = vec![0.0; constants.len()];
    tape.value_and_gradient(&constants, &inputs, loss, &mut gradient);
    for index in 0..constants.len() {
        let mut moved = constants.clone();
        let mut at = |offset: f64| {
            moved[index] = constants[index] + offset;
            let mut outputs = [0.0; 2];
            tape.evaluate_with(&moved, &inputs, &mut outputs);
            outputs[0] + outputs[1]
        };
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((difference - gradient[index]).abs() < 1e-6, "{index}: {difference}, {}", gradient[index]);
    }
}

#[test]
fn bounds_enclose_them() {
    let expression = parsed("bump(x) + cbrt(y)");
    let bounds = expression.bounds(&[("x", -1.0, 2.0), ("y", -8.0, 1.0)]).expect("in order");
    assert!(bounds.defined && bounds.low <= 0.2 - 2.0 && bounds.high >= 2.0, "{bounds:?}");
    assert!(bounds.low > -1.8 - 1e-9 && bounds.high < 2.0 + 1e-9, "{bounds:?}");
}

#[test]
fn they_are_simplified_fitted_and_exported() {
    let simplified = parsed("bump(x + 0)*2 + bump(x)").simplified(SimplifyLimits::default());
    assert_eq!(simplified.to_string(), "3*bump(x)");
    let library = Library::new(&["x", "x^2", "sin", "bump"]).expect("known and registered names");
    let x: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.05 - 5.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.5 / (1.0 + (0.8 * x + 0.3).powi(2)) - 0.25).collect();
    let best = &library.candidates(&SampledCurve { x, y })[0];
    assert_eq!((best.function.name(), best.function.expression()), ("bump", Some("bump(x)")));
    assert!(best.r_squared > 1.0 - 1e-9, "{best:?}");
    let config = DefaultLibraryConfig { functions: vec!["bump".into()], ..DefaultLibraryConfig::default() };
    assert_eq!(config.library().expect("a registered name").functions().len(), 1);
    let formula = Formula::parse(&["x"], &[("a", "2*bump(x)")], ActionRule::Threshold).expect("valid");
    assert!(export(&formula, Format::Latex).expect("any").contains(r"2\,\operatorname{bump}\left(x\right)"));
    assert!(export(&formula, Format::MathMl).expect("any").contains("<mi>bump</mi>"));
    assert!(export(&formula, Format::C).expect("any").contains("static double bump(double x)"));
    assert_eq!(Formula::from_json(&formula.to_json()), Ok(formula));
}

#[test]
fn contradictions_are_refused() {
    const NOTHING: Code = Code { call: "f", definition: "" };
    let sound = NativeFunction {
        name: "doubled",
        value: |x| 2.0 * x,
        derivative: |_| 2.0,
        derivative_text: "2",
        bounds: |low, high| (2.0 * low, 2.0 * high),
        domain: Domain::All,
        complexity: 1.0,
        c: NOTHING,
        rust: NOTHING,
        numpy: NOTHING,
        sympy: NOTHING,
        latex: "f",
    };
    let refused = |function: NativeFunction| Native::register(function).expect_err("a contradiction").to_string();
    assert!(refused(NativeFunction { derivative: |_| 3.0, ..sound }).contains("the derivative is 3, but `2` is 2"));
    let slope = NativeFunction { derivative: |_| 3.0, derivative_text: "3", ..sound };
    assert!(refused(slope).contains("but its values rise by"), "{}", refused(slope));
    assert!(refused(NativeFunction { bounds: |_, _| (0.0, 0.1), ..sound }).contains("not within its bounds"));
    assert!(refused(NativeFunction { derivative_text: "2 +", ..sound }).contains("the expression ends"));
    assert!(refused(NativeFunction { derivative_text: "y", ..sound }).contains("unknown variable `y`"));
    assert!(refused(NativeFunction { name: "sin", ..sound }).contains("must not be another operator's"));
    assert!(refused(NativeFunction { complexity: f64::NAN, ..sound }).contains("complexity"));
    assert!("doubled(x)".parse::<Expression>().is_err(), "what was refused is not known");
    Native::register(sound).expect("a sound function");
    assert!(refused(sound).contains("must not be another operator's"));
}

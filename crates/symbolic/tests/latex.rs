//! LaTeX that KaTeX, in its strict mode, typesets without a complaint.

mod common;

use common::tools;
use kanrl_symbolic::export::latex_expression;
use kanrl_symbolic::{ActionRule, Expression, Format, Formula, Operator, Output, export};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::process::Command;

fn formula(inputs: &[&str], outputs: Vec<Expression>, action: ActionRule) -> Formula {
    let outputs =
        outputs.into_iter().enumerate().map(|(index, expression)| Output { name: format!("a_{index}"), expression });
    Formula::new(inputs.iter().map(|name| (*name).to_owned()).collect(), outputs.collect(), action).expect("valid")
}

#[test]
fn katex_typesets_every_export() {
    let Some((node, katex)) = tools::katex() else { return };
    common::register_natives();
    let mut texts = Vec::new();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]));
    for _ in 0..300 {
        let tree = common::expression(&Operator::ALL, 4).new_tree(&mut runner).expect("an expression");
        texts.push(latex_expression(&tree.current()).expect("not deep"));
    }
    let inputs = [
        "x",
        "theta_dot",
        "cos_theta_1",
        "leg_1_contact",
        "x2",
        "sin_theta_2_ddot",
        "_",
        "a__b",
        "ω_dot",
        "speed_max",
        "pole angle (rad)",
        "temp_%",
        "0",
        "\\^~&$#{}<>'\"",
        "cos",
    ];
    let everything = inputs.iter().map(|name| Expression::variable(name).expect("a name"));
    let terms: Expression = "0.1*cbrt(x)/bump(theta_dot) + gate(x, exp(-x2^2), clip(x, -1, 1)) - [1]"
        .replace("[1]", "abs(step(ω_dot) - 1e-7*arctanh(curve(x; -1, 0.5; 1; 0, -2e-7, 3, 4; 2, 1)/2))")
        .parse()
        .expect("valid");
    let sum = Expression::sum(everything.chain([terms]));
    let clip = ActionRule::Clip { low: vec![-1.0, f64::NEG_INFINITY], high: vec![f64::INFINITY, 0.5] };
    for (outputs, action) in [
        (vec![sum.clone(), -sum.clone()], ActionRule::Argmax),
        (vec![sum.clone()], ActionRule::Threshold),
        (vec![sum.clone(), sum], clip),
    ] {
        texts.push(export(&formula(&inputs, outputs, action), Format::Latex).expect("any formula"));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("texts.json");
    std::fs::write(&path, serde_json::to_vec(&texts).expect("texts")).expect("a writable folder");
    let script = format!(
        "const katex = require({katex:?});\n\
         const texts = JSON.parse(require('fs').readFileSync({path:?}));\n\
         for (const text of texts) {{\n\
           const strict = code => code === 'unicodeTextInMathMode' ? 'ignore' : 'error';\n\
           try {{ katex.renderToString(text, {{ throwOnError: true, displayMode: true, strict }}); }}\n\
           catch (error) {{ throw new Error(text + '\\n' + error); }}\n\
         }}\n\
         console.log(texts.length);"
    );
    let typeset = tools::run(Command::new(node).args(["-e", &script]));
    assert_eq!(typeset.trim().parse(), Ok(texts.len()), "{typeset}");
}

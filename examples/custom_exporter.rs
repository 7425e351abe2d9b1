//! An exporter of one's own: the formula as a function block in Structured Text (IEC 61131-3), the language of
//! programmable logic controllers. A stage writes it into the run directory.
//!
//! ```sh
//! cargo run --release --example custom_exporter
//! ```

use kanrl::pipeline::stages;
use kanrl::prelude::*;
use kanrl::symbolic::{Curve, Node, Operator, SymbolicError};

fn structured_text(formula: &Formula) -> Result<String, SymbolicError> {
    let (inputs, outputs) = (formula.inputs().len(), formula.outputs().len());
    let (action, rule) = match formula.action() {
        ActionRule::Threshold => ("INT".to_owned(), "action := SEL(output[0] > 0.0, 0, 1);\n".to_owned()),
        ActionRule::Argmax => {
            let step = |index| format!("IF output[{index}] > output[action] THEN action := {index}; END_IF;\n");
            ("INT".to_owned(), format!("action := 0;\n{}", (1..outputs).map(step).collect::<String>()))
        }
        ActionRule::Clip { low, high } => {
            let clip = |(index, (low, high)): (usize, (&f64, &f64))| {
                format!("action[{index}] := LIMIT({}, output[{index}], {});\n", number(*low), number(*high))
            };
            let rule = low.iter().zip(high).enumerate().map(clip).collect();
            (format!("ARRAY[0..{}] OF LREAL", outputs - 1), rule)
        }
    };
    let mut text = format!("(*\n{formula}\n*)\nFUNCTION_BLOCK Policy\n");
    text += &format!("VAR_INPUT observation : ARRAY[0..{}] OF LREAL; END_VAR\n", inputs - 1);
    text +=
        &format!("VAR_OUTPUT action : {action}; END_VAR\nVAR output : ARRAY[0..{}] OF LREAL; END_VAR\n", outputs - 1);
    for (index, output) in formula.outputs().iter().enumerate() {
        text += &format!("output[{index}] := {};\n", code(&output.expression, formula.inputs())?);
    }
    Ok(text + &rule + "END_FUNCTION_BLOCK\n")
}

/// A real literal, which needs a point.
fn number(value: f64) -> String {
    let text = format!("{:?}", value.clamp(f64::MIN, f64::MAX));
    if text.contains('.') { text } else { text.replace('e', ".0e") }
}

fn code(expression: &Expression, inputs: &[String]) -> Result<String, SymbolicError> {
    expression.fold(|node, operands: Vec<Result<String, SymbolicError>>| {
        let operands = operands.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (operator, all) = match node {
            Node::Constant(value) => return Ok(number(*value)),
            Node::Variable(name) => {
                let index = inputs.iter().position(|input| **input == **name);
                return Ok(format!("observation[{}]", index.expect("a formula uses its inputs only")));
            }
            Node::Operation(operator, _) => (*operator, operands.join(", ")),
            Node::Curve(found) => return Ok(curve(found, &operands[0])),
        };
        Ok(match (operator, operands.as_slice()) {
            (Operator::Add, terms) => format!("({})", terms.join(" + ")),
            (Operator::Multiply, factors) => format!("({})", factors.join(" * ")),
            (Operator::Divide, [above, below]) => format!("({above} / {below})"),
            (Operator::Negate, [x]) => format!("(-{x})"),
            (Operator::Power, _) => format!("EXPT({all})"),
            (Operator::Log, _) => format!("LN({all})"),
            (Operator::Min | Operator::Max | Operator::Abs | Operator::Sqrt | Operator::Exp, _)
            | (Operator::Sin | Operator::Cos | Operator::Tan, _) => {
                format!("{}({all})", operator.name().to_uppercase())
            }
            (Operator::Clip, [x, low, high]) => format!("LIMIT({low}, {x}, {high})"),
            (Operator::Gate, [x, positive, otherwise]) => format!("SEL({x} > 0.0, {otherwise}, {positive})"),
            (other, _) => return Err(SymbolicError::Invalid(format!("Structured Text has no `{}`", other.name()))),
        })
    })
}

/// The pieces of a curve, from the right.
fn curve(curve: &Curve, x: &str) -> String {
    let value = |(origin, coefficients): (f64, &[f64])| {
        let u = format!("({x} - {})", number(origin));
        let powers = coefficients.iter().enumerate();
        let terms = powers
            .map(|(power, coefficient)| [vec![number(*coefficient)], vec![u.clone(); power]].concat().join(" * "));
        format!("({})", terms.collect::<Vec<_>>().join(" + "))
    };
    let mut pieces: Vec<String> = curve.pieces().map(value).collect();
    let last = pieces.pop().expect("at least two pieces");
    let ends = curve.breakpoints().iter().zip(pieces).rev();
    ends.fold(last, |rest, (end, piece)| format!("SEL({x} < {}, {rest}, {piece})", number(*end)))
}

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
dagger = { rounds = 1, steps = 100, validation_episodes = 2 }
polish.enabled = false
select.episodes = 10
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut run = Run::from_text(CONFIG)?.insert_after("select", stages::export("policy.st", structured_text))?;
    for name in ["evaluate", "record_expert", "record_formula", "report"] {
        run = run.remove(name)?;
    }
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?.execute()?;
    println!("{}", std::fs::read_to_string(folder.path().join("policy.st"))?);
    Ok(())
}

//! Structured Text of IEC 61131-3, for programmable controllers: a function block and the functions that it calls.

use super::calls::{Calls, Language};
use super::code::{self, Code, Dialect};
use super::parts;
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::collections::{BTreeMap, BTreeSet};

static STRUCTURED_TEXT: Language = Language {
    library: "",
    suffix: "",
    renamed: &[
        ("exp", "EXP"),
        ("log", "LN"),
        ("sqrt", "SQRT"),
        ("sin", "SIN"),
        ("cos", "COS"),
        ("tan", "TAN"),
        ("asin", "ASIN"),
        ("acos", "ACOS"),
        ("atan", "ATAN"),
        ("abs", "ABS"),
        ("pow", "EXPT"),
    ],
    prefix: "policy_",
    helpers: &[
        (
            "power",
            "FUNCTION policy_power : LREAL\nVAR_INPUT\n    x : LREAL;\n    exponent : INT;\nEND_VAR\nVAR\n    result : LREAL;\n    \
             square : LREAL;\n    left : INT;\nEND_VAR\n    result := 1.0;\n    square := x;\n    left := ABS(exponent);\n    \
             WHILE left > 0 DO\n        IF left MOD 2 = 1 THEN\n            result := result * square;\n        END_IF;\n        \
             square := square * square;\n        left := left / 2;\n    END_WHILE;\n    IF exponent < 0 THEN\n        \
             result := 1.0 / result;\n    END_IF;\n    policy_power := result;\nEND_FUNCTION\n\n",
        ),
        (
            "tanh",
            "FUNCTION policy_tanh : LREAL\nVAR_INPUT\n    x : LREAL;\nEND_VAR\n    IF x > 20.0 THEN\n        policy_tanh := 1.0;\n    \
             ELSIF x < -20.0 THEN\n        policy_tanh := -1.0;\n    ELSE\n        \
             policy_tanh := 1.0 - 2.0 / (EXP(2.0 * x) + 1.0);\n    END_IF;\nEND_FUNCTION\n\n",
        ),
        (
            "atanh",
            "FUNCTION policy_atanh : LREAL\nVAR_INPUT\n    x : LREAL;\nEND_VAR\n    \
             policy_atanh := 0.5 * LN((1.0 + x) / (1.0 - x));\nEND_FUNCTION\n\n",
        ),
        (
            "sign",
            "FUNCTION policy_sign : LREAL\nVAR_INPUT\n    x : LREAL;\nEND_VAR\n    IF x > 0.0 THEN\n        policy_sign := 1.0;\n    \
             ELSIF x < 0.0 THEN\n        policy_sign := -1.0;\n    ELSE\n        policy_sign := x;\n    END_IF;\nEND_FUNCTION\n\n",
        ),
        (
            "step",
            "FUNCTION policy_step : LREAL\nVAR_INPUT\n    x : LREAL;\nEND_VAR\n    IF x > 0.0 THEN\n        policy_step := 1.0;\n    \
             ELSE\n        policy_step := 0.0;\n    END_IF;\nEND_FUNCTION\n\n",
        ),
        (
            "gate",
            "FUNCTION policy_gate : LREAL\nVAR_INPUT\n    x : LREAL;\n    positive : LREAL;\n    otherwise : LREAL;\nEND_VAR\n    \
             IF x > 0.0 THEN\n        policy_gate := positive;\n    ELSE\n        policy_gate := otherwise;\n    END_IF;\nEND_FUNCTION\n\n",
        ),
        (
            "min",
            "FUNCTION policy_min : LREAL\nVAR_INPUT\n    a : LREAL;\n    b : LREAL;\nEND_VAR\n    IF a < b THEN\n        \
             policy_min := a;\n    ELSE\n        policy_min := b;\n    END_IF;\nEND_FUNCTION\n\n",
        ),
        (
            "max",
            "FUNCTION policy_max : LREAL\nVAR_INPUT\n    a : LREAL;\n    b : LREAL;\nEND_VAR\n    IF a > b THEN\n        \
             policy_max := a;\n    ELSE\n        policy_max := b;\n    END_IF;\nEND_FUNCTION\n\n",
        ),
        (
            "gaussian",
            "FUNCTION policy_gaussian : LREAL\nVAR_INPUT\n    x : LREAL;\nEND_VAR\n    \
             policy_gaussian := EXP(-(x * x));\nEND_FUNCTION\n\n",
        ),
    ],
};

struct StructuredText(Calls);

/// A number with a decimal point, which an exponent needs here.
fn literal(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

impl Dialect for StructuredText {
    fn number(&self, value: f64) -> String {
        literal(value)
    }

    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        self.0.whole_power(base, exponent)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        self.0.power(base, exponent)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        self.0.call(operator, operands)
    }

    fn curve(&self, number: usize) -> String {
        format!("policy_curve_{number}")
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let name = self.curve(number);
        let mut text = format!("FUNCTION {name} : LREAL\nVAR_INPUT\n    x : LREAL;\nEND_VAR\n");
        let mut word = "IF";
        for (index, (origin, coefficients)) in curve.pieces().enumerate() {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            text += &match curve.breakpoints().get(index) {
                Some(end) => format!("    {word} x < {} THEN\n        {name} := {value};\n", literal(*end)),
                None if index == 0 => format!("    {name} := {value};\n"),
                None => format!("    ELSE\n        {name} := {value};\n    END_IF;\n"),
            };
            word = "ELSIF";
        }
        text + "END_FUNCTION\n\n"
    }
}

/// Names of the language: no two that differ in capitals only, and no underscores beside each other or at the end.
fn identifiers(formula: &Formula) -> BTreeMap<String, String> {
    let mut used = BTreeSet::new();
    let rename = |(name, identifier): (String, String)| {
        let words: Vec<&str> = identifier.split('_').filter(|word| !word.is_empty()).collect();
        // No word of the language and no function begins like this.
        let base = format!("x_{}", words.join("_"));
        let numbered = (2..).map(|number| format!("{base}_{number}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| used.insert(name.to_ascii_lowercase()));
        (name, free.unwrap_or(base))
    };
    code::identifiers(formula, |_| false, |_| code::NOTHING).into_iter().map(rename).collect()
}

/// `policy.st`: the function block `policy`, with an input for each observation.
pub(super) fn formula(formula: &Formula) -> String {
    let dialect = StructuredText(Calls::new(&STRUCTURED_TEXT));
    let names = identifiers(formula);
    let inputs: String = formula.inputs().iter().map(|input| format!("    {} : LREAL;\n", names[input])).collect();
    let inputs = if inputs.is_empty() { inputs } else { format!("VAR_INPUT\n{inputs}END_VAR\n") };
    let values = parts::outputs(formula, &names, &dialect, |index, text| format!("    outputs[{index}] := {text};\n"));
    let last = formula.outputs().len().saturating_sub(1);
    let (kind, local, action) = match formula.action() {
        ActionRule::Argmax => (
            "INT".to_owned(),
            "VAR\n    index : INT;\nEND_VAR\n",
            format!(
                "    action := 0;\n    FOR index := 1 TO {last} DO\n        IF outputs[index] > outputs[action] THEN\n            \
                 action := index;\n        END_IF;\n    END_FOR;\n"
            ),
        ),
        ActionRule::Threshold => (
            "INT".to_owned(),
            "",
            "    IF outputs[0] > 0.0 THEN\n        action := 1;\n    ELSE\n        action := 0;\n    END_IF;\n"
                .to_owned(),
        ),
        ActionRule::Clip { low, high } => {
            let mut lines = String::new();
            for (index, (low, high)) in low.iter().zip(high).enumerate() {
                lines += &format!("    action[{index}] := LREAL_TO_REAL(outputs[{index}]);\n");
                for (sign, bound) in [('<', low), ('>', high)] {
                    if bound.is_finite() {
                        let bound = literal(f64::from(*bound as f32));
                        lines += &format!(
                            "    IF action[{index}] {sign} {bound} THEN\n        action[{index}] := {bound};\n    END_IF;\n"
                        );
                    }
                }
            }
            (format!("ARRAY[0..{last}] OF REAL"), "", lines)
        }
    };
    format!(
        "(*\n{}*)\n\n{}{}(* outputs: the values before the action rule. action: {} *)\n\
         FUNCTION_BLOCK policy\n{inputs}VAR_OUTPUT\n    action : {kind};\n    outputs : ARRAY[0..{last}] OF LREAL;\nEND_VAR\n\
         {local}{values}{action}END_FUNCTION_BLOCK\n",
        code::comment(formula, "   ", &["*)", "(*"]),
        code::curves(formula, &dialect),
        dialect.0.helpers(),
        parts::about_action(formula).trim_start_matches("The action: "),
    )
}

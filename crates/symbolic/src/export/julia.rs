//! Julia: a module without dependencies.

use super::calls::{Calls, Language};
use super::code::{self, Code, Dialect};
use super::parts;
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;

/// Julia's own functions throw where others give NaN, and its `min` and `max` keep NaN.
static JULIA: Language = Language {
    library: "",
    suffix: "",
    renamed: &[],
    prefix: "policy_",
    helpers: &[
        (
            "power",
            "function policy_power(x, exponent)\n    result = 1.0\n    left = abs(exponent)\n    while left > 0\n        \
             if left % 2 == 1\n            result = result * x\n        end\n        x = x * x\n        left = div(left, 2)\n    \
             end\n    if exponent < 0\n        result = 1.0 / result\n    end\n    return result\nend\n\n",
        ),
        (
            "pow",
            "function policy_pow(x, y)\n    if x >= 0 || y == floor(y)\n        return x ^ y\n    end\n    return NaN\nend\n\n",
        ),
        ("step", "function policy_step(x)\n    if x > 0\n        return 1.0\n    end\n    return 0.0\nend\n\n"),
        (
            "gate",
            "function policy_gate(x, positive, otherwise)\n    if x > 0\n        return positive\n    end\n    return otherwise\nend\n\n",
        ),
        ("min", "function policy_min(a, b)\n    if a < b\n        return a\n    end\n    return b\nend\n\n"),
        ("max", "function policy_max(a, b)\n    if a > b\n        return a\n    end\n    return b\nend\n\n"),
        ("gaussian", "function policy_gaussian(x)\n    return exp(-(x * x))\nend\n\n"),
        ("log", "function policy_log(x)\n    if x >= 0\n        return log(x)\n    end\n    return NaN\nend\n\n"),
        ("sqrt", "function policy_sqrt(x)\n    if x >= 0\n        return sqrt(x)\n    end\n    return NaN\nend\n\n"),
        (
            "asin",
            "function policy_asin(x)\n    if abs(x) <= 1\n        return asin(x)\n    end\n    return NaN\nend\n\n",
        ),
        (
            "acos",
            "function policy_acos(x)\n    if abs(x) <= 1\n        return acos(x)\n    end\n    return NaN\nend\n\n",
        ),
        (
            "atanh",
            "function policy_atanh(x)\n    if abs(x) <= 1\n        return atanh(x)\n    end\n    return NaN\nend\n\n",
        ),
        ("sin", "function policy_sin(x)\n    if isfinite(x)\n        return sin(x)\n    end\n    return NaN\nend\n\n"),
        ("cos", "function policy_cos(x)\n    if isfinite(x)\n        return cos(x)\n    end\n    return NaN\nend\n\n"),
        ("tan", "function policy_tan(x)\n    if isfinite(x)\n        return tan(x)\n    end\n    return NaN\nend\n\n"),
    ],
};

struct Julia(Calls);

impl Dialect for Julia {
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
        let mut text = format!("function {}(x)\n", self.curve(number));
        for (index, (origin, coefficients)) in curve.pieces().enumerate() {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            text += &match curve.breakpoints().get(index) {
                Some(end) => format!("    if x < {end:?}\n        return {value}\n    end\n"),
                None => format!("    return {value}\nend\n\n"),
            };
        }
        text
    }
}

/// `policy.jl`: `Policy.outputs(observation)` and `Policy.action(observation)`.
pub(super) fn formula(formula: &Formula) -> String {
    let dialect = Julia(Calls::new(&JULIA));
    // No word of the language and no function begins like this.
    let mut names = code::identifiers(formula, |_| false, |_| code::NOTHING);
    names.values_mut().for_each(|name| name.insert_str(0, "x_"));
    let inputs =
        parts::inputs(formula, &names, |index, name| format!("    {name} = Float64(observation[{}])\n", index + 1));
    let values =
        parts::outputs(formula, &names, &dialect, |index, text| format!("    values[{}] = {text}\n", index + 1));
    let action = match formula.action() {
        ActionRule::Argmax => "    values = outputs(observation)\n    best = 1\n    for index in 2:OUTPUTS\n        \
                               if values[index] > values[best]\n            best = index\n        end\n    end\n    \
                               return best - 1\n"
            .to_owned(),
        ActionRule::Threshold => {
            "    if outputs(observation)[1] > 0\n        return 1\n    end\n    return 0\n".to_owned()
        }
        ActionRule::Clip { low, high } => format!(
            "    low = Float32[{}]\n    high = Float32[{}]\n    values = Float32.(outputs(observation))\n    \
             for index in 1:OUTPUTS\n        if values[index] < low[index]\n            values[index] = low[index]\n        end\n        \
             if values[index] > high[index]\n            values[index] = high[index]\n        end\n    end\n    return values\n",
            parts::bounds(low, "Inf"),
            parts::bounds(high, "Inf")
        ),
    };
    let text = format!(
        "{}module Policy\n\nconst INPUTS = {}\nconst OUTPUTS = {}\n\n{}{}\
         # The outputs' values for INPUTS numbers, before the action rule.\n\
         function outputs(observation)\n{inputs}    values = zeros(OUTPUTS)\n{values}    return values\nend\n\n\
         # {}\nfunction action(observation)\n{action}end\n\nend\n",
        code::comment(formula, "# ", &[]),
        formula.inputs().len(),
        formula.outputs().len(),
        code::curves(formula, &dialect),
        dialect.0.helpers(),
        parts::about_action(formula),
    );
    text
}

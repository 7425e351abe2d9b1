//! Python: a NumPy function over batches, and SymPy expressions.

use super::code::{self, Code, Dialect, Level, call};
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;

const RESERVED: [&str; 56] = [
    "int",
    "float",
    "max",
    "min",
    "dict",
    "zip",
    "inputs",
    "known",
    "output",
    "columns",
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "np",
    "sympy",
    "observation",
    "outputs",
    "action",
    "values",
    "match",
    "type",
    "case",
    "_",
    "print",
];

struct NumPy;

impl Dialect for NumPy {
    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        Code::new(format!("{} ** {exponent}.0", base.within(Level::Atom)), Level::Power)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        Code::new(format!("{} ** {}", base.within(Level::Atom), exponent.within(Level::Atom)), Level::Power)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        match operator {
            Operator::Min => code::chained("np.minimum", operands),
            Operator::Max => code::chained("np.maximum", operands),
            Operator::Clip => format!("np.minimum({}, {})", call("np.maximum", &operands[..2]), operands[2].text),
            Operator::Gate => {
                format!("np.where({} > 0, {}, {})", operands[0].text, operands[1].text, operands[2].text)
            }
            Operator::Step => format!("np.where({} > 0, 1.0, 0.0)", operands[0].text),
            Operator::Gaussian => format!("np.exp(-np.square({}))", operands[0].text),
            Operator::Native(native) => call(native.function().numpy.call, operands),
            other => call(&format!("np.{}", other.name()), operands),
        }
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let numbers =
            |values: &mut dyn Iterator<Item = f64>| values.map(|value| self.number(value)).collect::<Vec<_>>();
        let breakpoints = numbers(&mut curve.breakpoints().iter().copied()).join(", ");
        let of_power = |power: usize| {
            let mut column = curve.pieces().map(|(_, coefficients)| coefficients.get(power).copied().unwrap_or(0.0));
            format!("        [{}],\n", numbers(&mut column).join(", "))
        };
        format!(
            "def {}(x):\n    breakpoints = np.array([{breakpoints}])\n    coefficients = np.array([\n{}    ])\n    \
             piece = np.searchsorted(breakpoints, x, side=\"right\")\n    \
             a, b, c, d = coefficients[:, piece]\n    u = x - breakpoints[np.maximum(piece - 1, 0)]\n    \
             return ((d * u + c) * u + b) * u + a\n\n\n",
            self.curve(number),
            (0..4).map(of_power).collect::<String>()
        )
    }
}

/// A module with `outputs` and `action`, over arrays of shape `[..., inputs]`.
pub(super) fn numpy(formula: &Formula) -> String {
    let names = code::identifiers(formula, |name| RESERVED.contains(&name), |native| native.numpy);
    let mut body = String::new();
    for (index, name) in formula.inputs().iter().enumerate() {
        if formula.used_inputs().any(|used| used == name) {
            body += &format!("    {} = observation[..., {index}]\n", names[name]);
        }
    }
    let mut columns = Vec::new();
    for output in formula.outputs() {
        let name = &names[&output.name];
        body += &format!("    {name} = {}\n", code::write(&output.expression, &names, &formula.curves(), &NumPy));
        columns.push(format!("np.broadcast_to({name}, observation.shape[:-1])"));
    }
    let action = match formula.action() {
        ActionRule::Argmax => "np.argmax(outputs(observation), axis=-1)".to_owned(),
        ActionRule::Threshold => "(outputs(observation)[..., 0] > 0).astype(np.int64)".to_owned(),
        ActionRule::Clip { low, high } => {
            format!("np.clip(outputs(observation).astype(np.float32), {}, {})", float32(low), float32(high))
        }
    };
    format!(
        "\"\"\"\n{}\"\"\"\n\nimport numpy as np\n\n\n{}\
         def outputs(observation):\n    \"\"\"Values before the action rule: [..., {}] -> [..., {}].\"\"\"\n    \
         observation = np.asarray(observation, dtype=np.float64)\n{body}    \
         return np.stack([{}], axis=-1)\n\n\n\
         def action(observation):\n    \"\"\"The action for each observation.\"\"\"\n    return {action}\n",
        code::comment(formula, "", &["\"\"\"", "\\"]),
        code::definitions(formula, |native| native.numpy, "\n\n") + &code::curves(formula, &NumPy),
        formula.inputs().len(),
        formula.outputs().len(),
        columns.join(", "),
    )
}

fn float32(bounds: &[f64]) -> String {
    let numbers: Vec<String> = bounds
        .iter()
        .map(|bound| match bound {
            bound if bound.is_finite() => format!("{bound:?}"),
            bound if *bound < 0.0 => "-np.inf".to_owned(),
            _ => "np.inf".to_owned(),
        })
        .collect();
    format!("np.array([{}], dtype=np.float32)", numbers.join(", "))
}

struct SymPy;

impl Dialect for SymPy {
    fn number(&self, value: f64) -> String {
        // Whole numbers stay exact, others keep all the digits of a double.
        if value == value.trunc() && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:?}") }
    }

    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        let exponent = if exponent < 0 { format!("({exponent})") } else { exponent.to_string() };
        Code::new(format!("{} ** {exponent}", base.within(Level::Atom)), Level::Power)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        Code::new(format!("{} ** {}", base.within(Level::Atom), exponent.within(Level::Atom)), Level::Power)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        match operator {
            Operator::Min => call("sympy.Min", operands),
            Operator::Max => call("sympy.Max", operands),
            Operator::Clip => format!("sympy.Min({}, {})", call("sympy.Max", &operands[..2]), operands[2].text),
            Operator::Gate => {
                format!(
                    "sympy.Piecewise(({1}, {0} > 0), ({2}, True))",
                    operands[0].text, operands[1].text, operands[2].text
                )
            }
            Operator::Step => format!("sympy.Piecewise((1, {} > 0), (0, True))", operands[0].text),
            Operator::Gaussian => format!("sympy.exp(-({}) ** 2)", operands[0].text),
            Operator::Abs => call("sympy.Abs", operands),
            Operator::Arcsin => call("sympy.asin", operands),
            Operator::Arccos => call("sympy.acos", operands),
            Operator::Arctan => call("sympy.atan", operands),
            Operator::Arctanh => call("sympy.atanh", operands),
            Operator::Native(native) => call(native.function().sympy.call, operands),
            other => call(&format!("sympy.{}", other.name()), operands),
        }
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let pieces = curve.pieces().enumerate().map(|(index, (origin, coefficients))| {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            let condition = match curve.breakpoints().get(index) {
                Some(end) => format!("x < {}", self.number(*end)),
                None => "True".to_owned(),
            };
            format!("        ({value}, {condition}),\n")
        });
        let pieces: String = pieces.collect();
        format!("def {}(x):\n    return sympy.Piecewise(\n{pieces}    )\n\n\n", self.curve(number))
    }
}

/// A module with a symbol for each input, an expression for each output, and a function for the action.
pub(super) fn sympy(formula: &Formula) -> String {
    let names = code::identifiers(formula, |name| RESERVED.contains(&name), |native| native.sympy);
    let mut body = String::new();
    for name in formula.inputs() {
        // `sympy.lambdify` takes a symbol for the function of the same name.
        let symbol = if Operator::from_name(name).is_some() { &names[name] } else { name };
        body += &format!("{} = sympy.Symbol({}, real=True)\n", names[name], code::quotation(symbol));
    }
    let inputs: Vec<&str> = formula.inputs().iter().map(|name| names[name].as_str()).collect();
    let mut outputs = Vec::new();
    for output in formula.outputs() {
        let name = names[&output.name].as_str();
        body += &format!(
            "{name} = sympy.sympify({})\n",
            code::write(&output.expression, &names, &formula.curves(), &SymPy)
        );
        outputs.push(name);
    }
    let action = match formula.action() {
        ActionRule::Argmax => "values.index(max(values))".to_owned(),
        ActionRule::Threshold => "int(values[0] > 0)".to_owned(),
        ActionRule::Clip { low, high } => {
            let clipped = low.iter().zip(high).enumerate().map(|(index, (low, high))| {
                let value = format!("values[{index}]");
                let raised = if low.is_finite() { format!("max({value}, {low:?})") } else { value };
                if high.is_finite() { format!("min({raised}, {high:?})") } else { raised }
            });
            format!("[{}]", clipped.collect::<Vec<_>>().join(", "))
        }
    };
    format!(
        "\"\"\"\n{}\"\"\"\n\nimport sympy\n\n{}{body}\ninputs = [{}]\noutputs = [{}]\n\n\n\
         def action(observation):\n    \"\"\"The action for one observation, a sequence of numbers.\"\"\"\n    \
         known = dict(zip(inputs, observation))\n    \
         values = [float(output.subs(known)) for output in outputs]\n    return {action}\n",
        code::comment(formula, "", &["\"\"\"", "\\"]),
        code::definitions(formula, |native| native.sympy, "\n\n") + &code::curves(formula, &SymPy),
        inputs.join(", "),
        outputs.join(", "),
    )
}

//! Units, where they work out and where constants have to carry them.

use kanrl_core::environment::EnvironmentSpec;
use kanrl_symbolic::{Expression, Formula, Node, Operator};
use std::collections::BTreeMap;

/// Powers of base units; an angle's radian is a number.
type Unit = BTreeMap<String, f64>;

/// A sentence for each output.
pub(super) fn units(formula: &Formula, spec: &EnvironmentSpec) -> Vec<String> {
    let known: BTreeMap<&str, Unit> = spec
        .observation_space
        .coordinates
        .iter()
        .map(|coordinate| (coordinate.name.as_str(), parse(&coordinate.unit)))
        .collect();
    let sentence = |name: &str, expression: &Expression| {
        let terms: Vec<(String, Result<Unit, String>)> = super::summands(expression)
            .iter()
            .filter(|term| term.as_constant().is_none())
            .map(|term| (term.to_string(), of(term, &known)))
            .collect();
        if let Some((term, Err(reason))) = terms.iter().find(|(_, unit)| unit.is_err()) {
            return format!("{name}: in `{term}` {reason}, so that its constants must carry units");
        }
        let units: Vec<String> = terms.iter().map(|(_, unit)| unit.as_ref().map(written).unwrap_or_default()).collect();
        match units.first() {
            None => format!("{name} is a constant"),
            Some(first) if units.iter().all(|unit| unit == first) => {
                format!("{name}: units work out; every term is in {first}")
            }
            Some(_) => {
                let each: Vec<String> =
                    terms.iter().zip(&units).map(|((term, _), unit)| format!("`{term}` in {unit}")).collect();
                format!("{name}: its constants must carry units, since it adds {}", each.join(", "))
            }
        }
    };
    formula.outputs().iter().map(|output| sentence(&output.name, &output.expression)).collect()
}

/// `rad/s^2` as powers.
fn parse(text: &str) -> Unit {
    let mut unit = Unit::new();
    for (index, part) in text.split('/').enumerate() {
        for factor in part.split([' ', '*', '·']).filter(|factor| !matches!(*factor, "" | "1" | "rad")) {
            let (name, power) = factor.split_once('^').unwrap_or((factor, "1"));
            let power: f64 = power.parse().unwrap_or(1.0);
            *unit.entry(name.to_owned()).or_default() += if index == 0 { power } else { -power };
        }
    }
    unit.retain(|_, power| *power != 0.0);
    unit
}

fn written(unit: &Unit) -> String {
    let factor = |(name, power): (&String, f64)| if power == 1.0 { name.clone() } else { format!("{name}^{power}") };
    let above: Vec<String> =
        unit.iter().filter(|(_, power)| **power > 0.0).map(|(name, power)| factor((name, *power))).collect();
    let below: Vec<String> =
        unit.iter().filter(|(_, power)| **power < 0.0).map(|(name, power)| factor((name, -*power))).collect();
    let above = if above.is_empty() { "1".to_owned() } else { above.join(" ") };
    if below.is_empty() { above } else { format!("{above}/{}", below.join("/")) }
}

/// The unit of a term whose constants are numbers.
fn of(expression: &Expression, known: &BTreeMap<&str, Unit>) -> Result<Unit, String> {
    expression.fold(|node, operands: Vec<Result<Unit, String>>| {
        let operands = operands.into_iter().collect::<Result<Vec<Unit>, String>>()?;
        let same = |operands: &[Unit]| {
            let bearing: Vec<&Unit> = operands.iter().collect();
            match bearing.windows(2).find(|pair| pair[0] != pair[1]) {
                Some(pair) => Err(format!("{} meets {}", written(pair[0]), written(pair[1]))),
                None => Ok(bearing.first().map(|unit| (*unit).clone()).unwrap_or_default()),
            }
        };
        let combined = |one: &Unit, other: &Unit, sign: f64| {
            let mut unit = one.clone();
            other.iter().for_each(|(name, power)| *unit.entry(name.clone()).or_default() += sign * power);
            unit.retain(|_, power| *power != 0.0);
            unit
        };
        match node {
            Node::Constant(_) => Ok(Unit::new()),
            Node::Variable(name) => Ok(known.get(&**name).cloned().unwrap_or_default()),
            Node::Operation(operator, _) => match operator {
                Operator::Multiply => {
                    Ok(operands[1..].iter().fold(operands[0].clone(), |unit, other| combined(&unit, other, 1.0)))
                }
                Operator::Divide => Ok(combined(&operands[0], &operands[1], -1.0)),
                Operator::Power => match whole_exponent(expression) {
                    Some(exponent) => {
                        Ok(operands[0].iter().map(|(name, power)| (name.clone(), power * exponent)).collect())
                    }
                    None if operands[0].is_empty() => Ok(Unit::new()),
                    None => Err(format!("{} is raised to a power", written(&operands[0]))),
                },
                Operator::Negate | Operator::Abs => Ok(operands[0].clone()),
                Operator::Sqrt => Ok(operands[0].iter().map(|(name, power)| (name.clone(), power / 2.0)).collect()),
                Operator::Add | Operator::Min | Operator::Max | Operator::Clip => same(&operands),
                Operator::Gate => same(&operands[1..]),
                Operator::Sign | Operator::Step => Ok(Unit::new()),
                function if operands[0].is_empty() => {
                    let _ = function;
                    Ok(Unit::new())
                }
                function => Err(format!("{} takes {}", function.name(), written(&operands[0]))),
            },
            Node::Curve(_) if operands[0].is_empty() => Ok(Unit::new()),
            Node::Curve(_) => Err(format!("a curve takes {}", written(&operands[0]))),
        }
    })
}

/// The only exponent of an expression, if it has one power and that is to a number.
fn whole_exponent(expression: &Expression) -> Option<f64> {
    let nodes = expression.nodes();
    let powers: Vec<usize> =
        (0..nodes.len()).filter(|index| matches!(nodes[*index], Node::Operation(Operator::Power, _))).collect();
    match (powers.as_slice(), powers.first().and_then(|index| nodes.get(index.wrapping_sub(1)))) {
        ([_], Some(Node::Constant(value))) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, units, written};
    use kanrl_core::environment::EnvironmentSpec;
    use kanrl_symbolic::{ActionRule, Formula};

    #[test]
    fn units_are_read_and_written() {
        for (text, unit) in [("m/s^2", "m/s^2"), ("rad", "1"), ("rad/s", "1/s"), ("N m", "N m"), ("1", "1")] {
            assert_eq!(written(&parse(text)), unit, "{text}");
        }
    }

    #[test]
    fn a_sum_of_an_angle_and_a_speed_needs_constants_with_units() {
        let spec =
            EnvironmentSpec::new("Pole-v0").observe("theta", "rad").observe("theta_dot", "rad/s").observe("x", "m");
        let say = |text: &str| {
            let formula =
                Formula::parse(&["theta", "theta_dot", "x"], &[("a", text)], ActionRule::Threshold).expect("a formula");
            units(&formula, &spec).remove(0)
        };
        assert!(
            say("3*theta + theta_dot").contains("`3*theta` in 1, `theta_dot` in 1/s"),
            "{}",
            say("3*theta + theta_dot")
        );
        assert!(say("sin(theta) + 2*theta").contains("units work out"));
        assert!(say("sin(x)").contains("sin takes m"), "{}", say("sin(x)"));
        assert!(say("x^2 + 2*x*x").contains("every term is in m^2"), "{}", say("x^2 + 2*x*x"));
    }
}

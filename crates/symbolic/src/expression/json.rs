//! The JSON tree: a number is a constant, a string a variable, `["sin", "theta"]` an operation over operands,
//! `["curve", "theta", [-1, 1], [0], [0, 1], [2]]` a curve with its breakpoints and the coefficients of each piece.

use super::curve::MAXIMUM_BREAKPOINTS;
use super::{CURVE, Curve, Expression, MAXIMUM_DEPTH, MAXIMUM_NODES, Node, Operator, check_name, subtree_start};
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Bounds the recursion below as well.
        self.check().map_err(S::Error::custom)?;
        Subtree(&self.nodes).serialize(serializer)
    }
}

struct Subtree<'a>(&'a [Node]);

impl Serialize for Subtree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (root, mut rest) = self.0.split_last().expect("a subtree has at least one node");
        match root {
            Node::Constant(value) => serializer.serialize_f64(*value),
            Node::Variable(name) => serializer.serialize_str(name),
            Node::Operation(operator, arity) => {
                let mut operands = Vec::with_capacity(*arity);
                for _ in 0..*arity {
                    let (others, operand) = rest.split_at(subtree_start(rest, rest.len() - 1));
                    operands.push(Self(operand));
                    rest = others;
                }
                let mut sequence = serializer.serialize_seq(Some(arity + 1))?;
                sequence.serialize_element(operator.name())?;
                for operand in operands.iter().rev() {
                    sequence.serialize_element(operand)?;
                }
                sequence.end()
            }
            Node::Curve(curve) => {
                let mut sequence = serializer.serialize_seq(None)?;
                sequence.serialize_element(CURVE)?;
                sequence.serialize_element(&Self(rest))?;
                sequence.serialize_element(curve.breakpoints())?;
                for (_, piece) in curve.pieces() {
                    sequence.serialize_element(piece)?;
                }
                sequence.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut nodes = Vec::new();
        Reader { nodes: &mut nodes, depth: 0 }.deserialize(deserializer)?;
        Ok(Self { nodes })
    }
}

/// Reads one subtree and appends its nodes.
struct Reader<'a> {
    nodes: &'a mut Vec<Node>,
    depth: usize,
}

impl Reader<'_> {
    /// What follows a curve's name.
    fn visit_curve<'de, A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let operand = sequence.next_element_seed(Reader { nodes: self.nodes, depth: self.depth + 1 })?;
        operand.ok_or_else(|| A::Error::custom("a curve without an operand"))?;
        let breakpoints = sequence.next_element()?.ok_or_else(|| A::Error::custom("a curve without breakpoints"))?;
        let mut coefficients: Vec<Vec<f64>> = Vec::new();
        while let Some(piece) = sequence.next_element()? {
            coefficients.push(piece);
            if coefficients.len() > MAXIMUM_BREAKPOINTS + 1 {
                return Err(A::Error::custom("a curve of too many pieces"));
            }
        }
        let curve = Curve::new(breakpoints, coefficients).map_err(A::Error::custom)?;
        self.push(Node::Curve(curve.into()))
    }

    fn push<E: serde::de::Error>(self, node: Node) -> Result<(), E> {
        if self.nodes.len() == MAXIMUM_NODES {
            return Err(E::custom(format!("the expression has more than {MAXIMUM_NODES} nodes")));
        }
        self.nodes.push(node);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a variable's name or a list of an operator's name and its operands")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom(format!("the constant {value} is not finite")));
        }
        self.push(Node::Constant(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        check_name(name).map_err(E::custom)?;
        self.push(Node::Variable(name.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        if self.depth == MAXIMUM_DEPTH {
            return Err(A::Error::custom(format!("nested more than {MAXIMUM_DEPTH} levels deep")));
        }
        let name: String =
            sequence.next_element()?.ok_or_else(|| A::Error::custom("an empty list is not an operation"))?;
        if name == CURVE {
            return self.visit_curve(sequence);
        }
        let operator = Operator::from_name(&name).ok_or_else(|| {
            let known: Vec<&str> = Operator::ALL.iter().map(|operator| operator.name()).collect();
            let nearest = kanrl_core::suggest::nearest(&name, &known).map(str::to_owned);
            let hint = kanrl_core::suggest::did_you_mean(&nearest);
            A::Error::custom(format!("unknown operator `{}`{hint}", name.chars().take(40).collect::<String>()))
        })?;
        let mut operands = 0;
        while sequence.next_element_seed(Reader { nodes: self.nodes, depth: self.depth + 1 })?.is_some() {
            operands += 1;
        }
        if !operator.accepts(operands) {
            return Err(A::Error::custom(format!("`{}` does not take {operands} operands", operator.name())));
        }
        self.push(Node::Operation(operator, operands))
    }
}

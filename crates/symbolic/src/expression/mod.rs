//! Expressions over named variables.

mod arithmetic;
mod curve;
mod json;
mod native;
mod operator;
mod parse;
mod print;

pub use curve::Curve;
pub use native::{Code, Native, NativeFunction};
pub use operator::Operator;
pub(crate) use operator::{gate, integer_power, is_whole_exponent, maximum, minimum, power, sign, step};
pub(crate) use print::{number, written};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many operations deep an expression may be that is read from text or JSON, or written as JSON.
///
/// Expressions built in code may be deeper: nothing here recurses into them.
pub const MAXIMUM_DEPTH: usize = 100;

/// How many nodes an expression may have that is read from text or JSON.
pub const MAXIMUM_NODES: usize = 100_000;

/// What a curve is called in text and JSON.
const CURVE: &str = "curve";

/// Longest name of a variable, in bytes.
const MAXIMUM_NAME: usize = 100;

/// One node of an [`Expression`].
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number.
    Constant(f64),
    /// A named variable.
    Variable(Arc<str>),
    /// An operator over that many operands.
    Operation(Operator, usize),
    /// A function without a name, over one operand.
    Curve(Arc<Curve>),
}

impl Node {
    /// How many operands stand before it.
    pub fn arity(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Variable(_) => 0,
            Self::Operation(_, arity) => *arity,
            Self::Curve(_) => 1,
        }
    }
}

/// An expression tree over named variables and constants, stored flat in post-order: operands first, the root last.
///
/// Everything done with it is a loop over the nodes, so depth costs no stack; [`Self::fold`] is that loop. Built by
/// [`str::parse`], by arithmetic (`x * 2.0 + 1.0`), or by [`Self::operation`]. Printed by [`ToString`], and what is
/// printed parses to an equal expression; serialized as a JSON tree (`["add", ["sin", "theta"], 2]`). A variable can have
/// any name: text has one with spaces or signs, or an operator's, between backticks.
///
/// ```
/// let expression: kanrl_symbolic::Expression = "3*theta + theta_dot".parse()?;
/// assert_eq!(expression.to_string(), "3*theta + theta_dot");
/// assert_eq!(expression.evaluate(&[("theta", 1.0), ("theta_dot", 0.5)])?, 3.5);
/// assert_eq!(expression.operations(), 2);
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Expression {
    nodes: Vec<Node>,
}

/// What can go wrong with an expression or a formula.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolicError {
    /// The text is not an expression.
    #[error("{message} at character {position} of `{excerpt}`")]
    Parse {
        /// What is wrong, and how to fix it.
        message: String,
        /// Where: characters before the place.
        position: usize,
        /// The text around it.
        excerpt: String,
    },
    /// A variable's name that text or code could not hold.
    #[error("`{name}` cannot name a variable: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A variable that has no value or is not an input.
    #[error("unknown variable `{name}`{}", kanrl_core::suggest::did_you_mean(nearest))]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The known name most similar to it.
        nearest: Option<String>,
    },
    /// Too large or too deep to be read or written.
    #[error("the expression has {found} {what}, more than the {limit} that can be read or written")]
    TooLarge {
        /// `nodes` or `levels`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A number that is NaN or infinite.
    #[error("{place} is {value}, not a finite number")]
    NotFinite {
        /// Where.
        place: String,
        /// The value.
        value: f64,
    },
    /// Parts that do not fit together.
    #[error("{0}")]
    Invalid(String),
}

impl Expression {
    /// A number.
    pub fn constant(value: f64) -> Self {
        Self { nodes: vec![Node::Constant(value)] }
    }

    /// A variable.
    ///
    /// # Errors
    /// [`SymbolicError::Name`] for a name that is empty, longer than 100 bytes, or has a line break, another control
    /// character or a backtick.
    pub fn variable(name: &str) -> Result<Self, SymbolicError> {
        check_name(name)?;
        Ok(Self { nodes: vec![Node::Variable(name.into())] })
    }

    /// A variable whose name was checked already.
    pub(crate) fn symbol(name: &Arc<str>) -> Self {
        Self { nodes: vec![Node::Variable(name.clone())] }
    }

    /// An operator over operands.
    ///
    /// # Panics
    /// If the operator does not take that many.
    pub fn operation(operator: Operator, operands: impl IntoIterator<Item = Self>) -> Self {
        let mut nodes = Vec::new();
        let mut arity = 0;
        for operand in operands {
            if nodes.is_empty() {
                nodes = operand.nodes
            } else {
                nodes.extend(operand.nodes)
            }
            arity += 1;
        }
        assert!(operator.accepts(arity), "{arity} operands for {}", operator.name());
        nodes.push(Node::Operation(operator, arity));
        Self { nodes }
    }

    /// A curve over an operand, folded into a number where that is one.
    #[must_use]
    pub fn curve(curve: Arc<Curve>, operand: Self) -> Self {
        match operand.as_constant().map(|x| curve.value(x)) {
            Some(value) if value.is_finite() => Self::constant(value),
            _ => {
                let Self { mut nodes } = operand;
                nodes.push(Node::Curve(curve));
                Self { nodes }
            }
        }
    }

    /// The curves it has, in the order of [`Self::nodes`], each once.
    pub fn curves(&self) -> Vec<Arc<Curve>> {
        let mut curves = Vec::new();
        for node in &self.nodes {
            if let Node::Curve(curve) = node
                && !curves.contains(curve)
            {
                curves.push(curve.clone());
            }
        }
        curves
    }

    /// All nodes, operands before their operation; the root is the last.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The root.
    pub fn root(&self) -> &Node {
        self.nodes.last().expect("an expression has at least one node")
    }

    /// The number, if the expression is nothing else.
    pub fn as_constant(&self) -> Option<f64> {
        match self.nodes[..] {
            [Node::Constant(value)] => Some(value),
            _ => None,
        }
    }

    /// The root's operands; none for a constant or a variable.
    pub fn operands(&self) -> Vec<Self> {
        let arity = self.root().arity();
        let mut operands = Vec::with_capacity(arity);
        let mut end = self.nodes.len() - 1;
        for _ in 0..arity {
            let start = subtree_start(&self.nodes, end - 1);
            operands.push(Self { nodes: self.nodes[start..end].to_vec() });
            end = start;
        }
        operands.reverse();
        operands
    }

    /// Computes something for every node from what was computed for its operands; gives the root's.
    pub fn fold<T>(&self, mut visit: impl FnMut(&Node, Vec<T>) -> T) -> T {
        let mut stack: Vec<T> = Vec::new();
        for node in &self.nodes {
            let operands = stack.split_off(stack.len() - node.arity());
            stack.push(visit(node, operands));
        }
        stack.pop().expect("an expression has at least one node")
    }

    /// As [`Self::fold`], stopping at the first error.
    pub(crate) fn try_fold<T, E>(&self, mut visit: impl FnMut(&Node, Vec<T>) -> Result<T, E>) -> Result<T, E> {
        self.fold(|node, operands: Vec<Result<T, E>>| visit(node, operands.into_iter().collect::<Result<Vec<T>, E>>()?))
    }

    /// Its value where the variables have these values.
    ///
    /// # Errors
    /// [`SymbolicError::UnknownVariable`] for a variable without a value. Outside a function's domain the value is NaN
    /// or infinite, as IEEE 754 has it.
    pub fn evaluate(&self, variables: &[(&str, f64)]) -> Result<f64, SymbolicError> {
        self.try_fold(|node, operands: Vec<f64>| match node {
            Node::Constant(value) => Ok(*value),
            Node::Variable(name) => {
                let found = variables.iter().find(|(known, _)| **known == **name).map(|(_, value)| *value);
                found.ok_or_else(|| unknown_variable(name, variables.iter().map(|(known, _)| *known)))
            }
            Node::Operation(operator, _) => Ok(operator.value(&operands)),
            Node::Curve(curve) => Ok(curve.value(operands[0])),
        })
    }

    /// Names of the variables it uses, sorted.
    pub fn variables(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self
            .nodes
            .iter()
            .filter_map(|node| if let Node::Variable(name) = node { Some(name.clone()) } else { None })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Every variable replaced by the expression of that name; others stay.
    pub fn substitute(&self, replacements: &BTreeMap<&str, Expression>) -> Self {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            match node {
                Node::Variable(name) if replacements.contains_key(&**name) => {
                    nodes.extend_from_slice(&replacements[&**name].nodes);
                }
                other => nodes.push(other.clone()),
            }
        }
        Self { nodes }
    }

    /// Its constants, in the order of [`Self::nodes`].
    pub fn constants(&self) -> impl Iterator<Item = f64> {
        self.nodes.iter().filter_map(|node| if let Node::Constant(value) = node { Some(*value) } else { None })
    }

    /// The same expression with other curves.
    #[must_use]
    pub(crate) fn map_curves(&self, change: impl Fn(&Arc<Curve>) -> Arc<Curve>) -> Self {
        let nodes = self.nodes.iter().map(|node| match node {
            Node::Curve(curve) => Node::Curve(change(curve)),
            other => other.clone(),
        });
        Self { nodes: nodes.collect() }
    }

    /// For each of [`Self::constants`], whether it is a whole exponent (up to 64): part of the formula's form, which
    /// neither rounding nor refitting changes.
    pub fn fixed_constants(&self) -> impl Iterator<Item = bool> {
        // In post-order an exponent stands right before its power.
        let following = self.nodes.iter().skip(1).map(Some).chain([None]);
        self.nodes.iter().zip(following).filter_map(|(node, next)| match node {
            Node::Constant(value) => {
                Some(matches!(next, Some(Node::Operation(Operator::Power, _))) && is_whole_exponent(*value))
            }
            _ => None,
        })
    }

    /// The same expression with other constants, in the order of [`Self::constants`].
    ///
    /// # Panics
    /// If there are not as many as there are constants.
    #[must_use]
    pub fn with_constants(&self, constants: impl IntoIterator<Item = f64>) -> Self {
        let mut constants = constants.into_iter();
        let nodes = self.nodes.iter().map(|node| match node {
            Node::Constant(_) => Node::Constant(constants.next().expect("a value for every constant")),
            other => other.clone(),
        });
        let expression = Self { nodes: nodes.collect() };
        assert!(constants.next().is_none(), "more values than constants");
        expression
    }

    /// Levels of operations: 0 for a constant or a variable.
    pub fn depth(&self) -> usize {
        self.fold(|node, operands: Vec<usize>| {
            let below = operands.into_iter().max().unwrap_or(0);
            if node.arity() > 0 { below + 1 } else { 0 }
        })
    }

    /// Whether it is small and finite enough to be written as JSON and read again.
    ///
    /// # Errors
    /// [`SymbolicError::TooLarge`] and [`SymbolicError::NotFinite`].
    pub fn check(&self) -> Result<(), SymbolicError> {
        let (nodes, depth) = (self.nodes.len(), self.depth());
        if nodes > MAXIMUM_NODES {
            return Err(SymbolicError::TooLarge { what: "nodes", found: nodes, limit: MAXIMUM_NODES });
        }
        if depth > MAXIMUM_DEPTH {
            return Err(SymbolicError::TooLarge { what: "levels", found: depth, limit: MAXIMUM_DEPTH });
        }
        let curves = self.curves();
        let mut numbers = self.constants().chain(curves.iter().flat_map(|curve| curve.numbers()));
        match numbers.find(|value| !value.is_finite()) {
            Some(value) => Err(SymbolicError::NotFinite { place: "a constant".into(), value }),
            None => Ok(()),
        }
    }
}

/// Index of the first node of the subtree that ends at `root`.
fn subtree_start(nodes: &[Node], root: usize) -> usize {
    let mut missing = 1;
    let mut start = root + 1;
    while missing > 0 {
        start -= 1;
        missing += nodes[start].arity();
        missing -= 1;
    }
    start
}

pub(crate) fn unknown_variable<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> SymbolicError {
    let known: Vec<&str> = known.collect();
    let nearest = kanrl_core::suggest::nearest(name, &known).map(str::to_owned);
    SymbolicError::UnknownVariable { name: name.to_owned(), nearest }
}

/// Whether a variable may have that name: any that fits between two backticks.
pub(crate) fn check_name(name: &str) -> Result<(), SymbolicError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAXIMUM_NAME {
        "it is longer than 100 bytes"
    } else if name.contains(|character: char| character == '`' || character.is_control()) {
        "it has a backtick or a control character"
    } else {
        return Ok(());
    };
    Err(SymbolicError::Name { name: name.chars().take(MAXIMUM_NAME).collect(), reason })
}

/// Whether plain text shows the name without backticks: a letter or underscore followed by letters, digits and
/// underscores.
pub(crate) fn is_plain_name(name: &str) -> bool {
    name.starts_with(is_name_start) && name.chars().all(is_name_part)
}

/// The name as plain text has it: between backticks where it is not a plain one or is an operator's.
pub(crate) fn quoted(name: &str) -> Cow<'_, str> {
    if is_plain_name(name) && Operator::from_name(name).is_none() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("`{name}`"))
    }
}

pub(crate) fn is_name_start(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}

pub(crate) fn is_name_part(character: char) -> bool {
    // Combining marks follow a letter: θ̇ may be typed as a name.
    character == '_' || character.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&character)
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

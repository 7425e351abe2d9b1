//! `+ − × ÷` and functions on expressions, with the simplifications that are free: neutral elements, constants folded,
//! nested sums and products flattened.

use super::{Expression, Node, Operator};
use std::ops::{Add, Div, Mul, Neg, Sub};

impl Expression {
    /// Sum of any number of terms: 0 for none, nested sums flattened, constants gathered into one last term.
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let mut constant = 0.0;
        let mut rest = Vec::new();
        for term in flatten(terms, Operator::Add) {
            match term.as_constant() {
                Some(value) => constant += value,
                None => rest.push(term),
            }
        }
        if constant != 0.0 || rest.is_empty() {
            rest.push(Self::constant(constant));
        }
        combine(Operator::Add, rest)
    }

    /// Product of any number of factors: 1 for none, nested products flattened, constants gathered into one first
    /// factor; 0 if that is 0.
    pub fn product(factors: impl IntoIterator<Item = Self>) -> Self {
        let mut constant = 1.0;
        let mut rest = Vec::new();
        for mut factor in flatten(factors, Operator::Multiply) {
            while let Some(inner) = factor.negated() {
                constant = -constant;
                factor = inner;
            }
            match factor.as_constant() {
                Some(value) => constant *= value,
                None => rest.push(factor),
            }
        }
        if constant == 0.0 || rest.is_empty() {
            return Self::constant(constant);
        }
        // A curve has its factor in its own coefficients.
        if let [factor] = &rest[..]
            && constant != 1.0
            && let Node::Curve(curve) = factor.root()
            && let Some(scaled) = curve.scaled(constant, 0.0)
        {
            return Self::curve(scaled.into(), factor.operands().remove(0));
        }
        if constant == -1.0 {
            return Self::operation(Operator::Negate, [combine(Operator::Multiply, rest)]);
        }
        if constant != 1.0 {
            rest.insert(0, Self::constant(constant));
        }
        combine(Operator::Multiply, rest)
    }

    /// `scale · self + shift`, collapsing an affine chain; a factor in front of a sum goes to its terms where that
    /// takes no more operations.
    #[must_use]
    pub fn affine(self, scale: f64, shift: f64) -> Self {
        if !matches!(self.root(), Node::Operation(Operator::Add, _)) {
            return Self::sum([Self::product([Self::constant(scale), self]), Self::constant(shift)]);
        }
        let terms = self.operands().into_iter().map(|term| Self::product([Self::constant(scale), term]));
        let distributed = Self::sum(terms.chain([Self::constant(shift)]));
        let factored = Self::sum([Self::product([Self::constant(scale), self]), Self::constant(shift)]);
        if distributed.operations() <= factored.operations() { distributed } else { factored }
    }

    /// `self ^ exponent`.
    #[must_use]
    pub fn powi(self, exponent: i32) -> Self {
        match exponent {
            0 => Self::constant(1.0),
            1 => self,
            _ => self.power(Self::constant(f64::from(exponent))),
        }
    }

    /// `self ^ exponent`.
    #[must_use]
    pub fn power(self, exponent: Self) -> Self {
        Self::apply(Operator::Power, [self, exponent])
    }

    /// A function of operands, folded into a number where all operands are numbers and the value is finite.
    ///
    /// # Panics
    /// If the operator does not take that many operands.
    pub fn apply(operator: Operator, operands: impl IntoIterator<Item = Self>) -> Self {
        let operands: Vec<Self> = operands.into_iter().collect();
        let constants: Option<Vec<f64>> = operands.iter().map(Self::as_constant).collect();
        match constants.map(|constants| operator.value(&constants)) {
            Some(value) if value.is_finite() => Self::constant(value),
            _ => Self::operation(operator, operands),
        }
    }

    /// The same, rebuilt with neutral elements dropped, constants folded and nested sums and products flattened.
    #[must_use]
    pub fn folded(&self) -> Self {
        self.fold(|node, mut operands: Vec<Self>| match node {
            Node::Constant(value) => Self::constant(*value),
            Node::Variable(name) => Self::symbol(name),
            Node::Operation(operator, _) => Self::rebuild(*operator, operands),
            Node::Curve(curve) => Self::curve(curve.clone(), operands.remove(0)),
        })
    }

    /// An operation with its neutral elements dropped, constants folded and nested sums and products flattened.
    pub(crate) fn rebuild(operator: Operator, mut operands: Vec<Self>) -> Self {
        match operator {
            Operator::Add => Self::sum(operands),
            Operator::Multiply => Self::product(operands),
            Operator::Negate => -operands.remove(0),
            Operator::Power if operands[1].as_constant() == Some(1.0) => operands.remove(0),
            _ => Self::apply(operator, operands),
        }
    }

    /// x, if the expression is −x.
    fn negated(&self) -> Option<Self> {
        match self.root() {
            Node::Operation(Operator::Negate, 1) => self.operands().pop(),
            _ => None,
        }
    }
}

fn flatten(operands: impl IntoIterator<Item = Expression>, operator: Operator) -> Vec<Expression> {
    let mut flat = Vec::new();
    for operand in operands {
        match operand.root() {
            // One level is enough: the parts were flattened when they were built.
            Node::Operation(found, _) if *found == operator => flat.extend(operand.operands()),
            _ => flat.push(operand),
        }
    }
    flat
}

fn combine(operator: Operator, mut operands: Vec<Expression>) -> Expression {
    if operands.len() == 1 { operands.remove(0) } else { Expression::operation(operator, operands) }
}

impl From<f64> for Expression {
    fn from(value: f64) -> Self {
        Self::constant(value)
    }
}

impl<T: Into<Expression>> Add<T> for Expression {
    type Output = Self;

    fn add(self, other: T) -> Self {
        Self::sum([self, other.into()])
    }
}

impl<T: Into<Expression>> Sub<T> for Expression {
    type Output = Self;

    fn sub(self, other: T) -> Self {
        Self::sum([self, -other.into()])
    }
}

impl<T: Into<Expression>> Mul<T> for Expression {
    type Output = Self;

    fn mul(self, other: T) -> Self {
        Self::product([self, other.into()])
    }
}

impl<T: Into<Expression>> Div<T> for Expression {
    type Output = Self;

    fn div(self, other: T) -> Self {
        Self::apply(Operator::Divide, [self, other.into()])
    }
}

impl Neg for Expression {
    type Output = Self;

    fn neg(self) -> Self {
        Self::product([Self::constant(-1.0), self])
    }
}

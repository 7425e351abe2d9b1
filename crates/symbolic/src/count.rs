//! How long an expression is to read.

use crate::expression::{Expression, Node, Operator};
use std::collections::BTreeSet;

impl Expression {
    /// Number of operations, as SymPy's `count_ops` counts the same expression.
    ///
    /// A sum of n terms counts n − 1, a subtracted term its minus sign instead of the plus; a product of n factors
    /// counts n − 1, all its denominators together one division more; a minus sign that no sum takes counts 1, unless
    /// it belongs to a number with a fraction; a power counts 1, `1/x` its division only, a square root 2 (SymPy's
    /// `x**(1/2)`), a function 1, min and max of n operands n − 1, clip 2, a gaussian 3 (`exp(-x**2)`), a step or a gate
    /// 1 (SymPy's `Piecewise`; the comparison is free). A curve counts 1 for each of its pieces, the lines at both ends
    /// among them.
    pub fn operations(&self) -> usize {
        self.fold(count).total()
    }

    /// Length in bits of a description of the expression: each node one of the symbols that occur, each constant by its
    /// decimal digits and exponent.
    ///
    /// # References
    /// After S.-M. Udrescu et al., "AI Feynman 2.0", NeurIPS 2020, <https://arxiv.org/abs/2006.10782>, section 2.
    pub fn description_length(&self) -> f64 {
        let mut symbols = BTreeSet::new();
        let mut constants = 0.0;
        for node in self.nodes() {
            symbols.insert(match node {
                Node::Constant(_) => "0",
                Node::Variable(name) => name,
                Node::Operation(operator, _) => operator.name(),
                Node::Curve(_) => "curve",
            });
            match node {
                Node::Constant(value) => constants += constant_length(*value),
                Node::Curve(curve) => constants += curve.numbers().map(constant_length).sum::<f64>(),
                _ => {}
            }
        }
        self.nodes().len() as f64 * (symbols.len() as f64).log2() + constants
    }
}

/// Bits of the digits as a whole number, of the exponent, and of the sign.
fn constant_length(value: f64) -> f64 {
    let text = format!("{:e}", value.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: f64 = digits.replace('.', "").parse().unwrap_or(f64::MAX);
    let exponent: f64 = exponent.parse().unwrap_or(0.0);
    (1.0 + digits).log2() + (1.0 + exponent.abs()).log2() + 1.0
}

/// A product in the making: what its surroundings must know to count it with their own.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Operations inside the factors.
    inside: usize,
    /// Factors above the fraction bar.
    numerators: usize,
    /// Factors below it.
    denominators: usize,
    negative: bool,
    /// It is a number with a fraction, whose sign is free.
    is_fraction: bool,
}

impl Count {
    fn atom(inside: usize) -> Self {
        Self { inside, numerators: 1, ..Self::default() }
    }

    /// Operations without the sign.
    fn unsigned(self) -> usize {
        let signs = self.numerators.saturating_sub(1) + self.denominators.saturating_sub(1);
        self.inside + signs + usize::from(self.denominators > 0)
    }

    fn total(self) -> usize {
        self.unsigned() + usize::from(self.negative && !self.is_fraction)
    }

    fn times(self, other: Self) -> Self {
        Self {
            inside: self.inside + other.inside,
            numerators: self.numerators + other.numerators,
            denominators: self.denominators + other.denominators,
            negative: self.negative != other.negative,
            is_fraction: false,
        }
    }

    fn inverted(self) -> Self {
        Self { numerators: self.denominators, denominators: self.numerators, is_fraction: false, ..self }
    }
}

fn count(node: &Node, operands: Vec<Count>) -> Count {
    let Node::Operation(operator, _) = node else {
        return match node {
            // A factor of 1 or −1 is not written.
            Node::Constant(value) => Count {
                numerators: usize::from(value.abs() != 1.0),
                negative: *value < 0.0,
                is_fraction: *value != value.trunc(),
                ..Count::default()
            },
            Node::Curve(curve) => Count::atom(curve.pieces().len() + operands[0].total()),
            _ => Count::atom(0),
        };
    };
    let all = || operands.iter().map(|operand| operand.total()).sum::<usize>();
    match operator {
        Operator::Add => {
            let terms: usize = operands.iter().map(|operand| operand.unsigned()).sum();
            let all_negative = operands.iter().all(|operand| operand.negative);
            Count::atom(terms + operands.len() - 1 + usize::from(all_negative))
        }
        Operator::Negate => Count { negative: !operands[0].negative, is_fraction: false, ..operands[0] },
        Operator::Multiply => operands[1..].iter().fold(operands[0], |product, factor| product.times(*factor)),
        Operator::Divide => operands[0].times(operands[1].inverted()),
        Operator::Power => Count::atom(1 + all()),
        Operator::Min | Operator::Max => Count::atom(operands.len() - 1 + all()),
        Operator::Sqrt | Operator::Clip => Count::atom(2 + all()),
        Operator::Gaussian => Count::atom(3 + all()),
        _ => Count::atom(1 + all()),
    }
}

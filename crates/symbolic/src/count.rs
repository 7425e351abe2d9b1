//! How long an expression is to read.

use crate::expression::{Expression, Node, Operator};

impl Expression {
    /// Number of operations, as SymPy's `count_ops` counts its own form of the same expression.
    ///
    /// A sum or product of n operands counts n − 1, a function 1, a power 1; a subtracted term counts its `−` instead
    /// of the `+`; `−x` counts 1 and a number's sign nothing, except at the head of a sum or product where SymPy sees
    /// a negation; `1/x`, `x/y` and `x^-n` count their division once. Clip is `min(max(x, low), high)` (2), a gaussian
    /// `exp(-x²)` (3), a step a comparison (1), a gate a choice with its comparison (2).
    pub fn operations(&self) -> usize {
        self.fold(|node, operands: Vec<usize>| {
            let own = match node {
                Node::Constant(_) | Node::Variable(_) => 0,
                Node::Operation(operator, arity) => match operator {
                    Operator::Add | Operator::Multiply | Operator::Min | Operator::Max => arity - 1,
                    Operator::Clip | Operator::Gate => 2,
                    Operator::Gaussian => 3,
                    _ => 1,
                },
            };
            own + operands.iter().sum::<usize>()
        })
    }
}

//! What fixed-point code computes: steps over whole numbers, the same in every language.

use super::table::Table;

/// Number of a step.
pub(crate) type Id = usize;

/// What a step computes. All numbers are whole; what they stand for is the business of who builds the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// An observation, held between two bounds.
    Input { index: usize, low: i64, high: i64 },
    /// A number.
    Constant(i64),
    /// `x + y`
    Add(Id, Id),
    /// `x − y`
    Subtract(Id, Id),
    /// `−x`
    Negate(Id),
    /// `x · y`
    Multiply(Id, Id),
    /// `x ·` a number.
    Scale(Id, i64),
    /// `x · 2^n`
    Left(Id, u32),
    /// `x / 2^n`, rounded to the nearest whole number, a half upward.
    Right(Id, u32),
    /// `|x|`
    Absolute(Id),
    /// The lesser of both.
    Minimum(Id, Id),
    /// The larger of both.
    Maximum(Id, Id),
    /// The second where the first is above 0, else the third.
    Select(Id, Id, Id),
    /// `x / y`, the fraction cut off.
    Divide(Id, Id),
    /// A function by its table, counted from 0.
    Table(Id, usize),
}

/// A step of a program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub op: Op,
    /// No value is below it.
    pub low: i64,
    /// No value is above it.
    pub high: i64,
    /// What it stands for, as text, and the bits of it that are a fraction.
    pub meaning: Option<(String, i32)>,
}

/// Steps in an order in which they can be taken, and the tables that they use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Program {
    pub steps: Vec<Step>,
    pub tables: Vec<Table>,
}

impl Program {
    /// The values of all steps.
    ///
    /// # Panics
    /// Where a value leaves its step's bounds: then a proof would be wrong.
    pub fn run(&self, observation: &[i64]) -> Vec<i64> {
        let mut values: Vec<i64> = Vec::with_capacity(self.steps.len());
        for (id, step) in self.steps.iter().enumerate() {
            let at = |id: Id| values[id];
            let value = match step.op {
                Op::Input { index, low, high } => observation[index].clamp(low, high),
                Op::Constant(value) => value,
                Op::Add(x, y) => at(x) + at(y),
                Op::Subtract(x, y) => at(x) - at(y),
                Op::Negate(x) => -at(x),
                Op::Multiply(x, y) => at(x) * at(y),
                Op::Scale(x, factor) => at(x) * factor,
                Op::Left(x, bits) => at(x) << bits,
                Op::Right(x, bits) => (at(x) + (1 << (bits - 1))) >> bits,
                Op::Absolute(x) => at(x).abs(),
                Op::Minimum(x, y) => at(x).min(at(y)),
                Op::Maximum(x, y) => at(x).max(at(y)),
                Op::Select(x, y, z) => at(if at(x) > 0 { y } else { z }),
                Op::Divide(x, y) => at(x) / at(y),
                Op::Table(x, table) => self.tables[table].value(at(x)),
            };
            assert!(
                (step.low..=step.high).contains(&value),
                "step {id} is {value}, outside of {}..={}: {step:?}",
                step.low,
                step.high
            );
            values.push(value);
        }
        values
    }

    /// Steps that the given ones need, themselves included.
    pub fn needed(&self, outputs: impl IntoIterator<Item = Id>) -> Vec<bool> {
        let mut needed = vec![false; self.steps.len()];
        outputs.into_iter().for_each(|id| needed[id] = true);
        for id in (0..self.steps.len()).rev() {
            if needed[id] {
                for operand in self.steps[id].op.operands() {
                    needed[operand] = true;
                }
            }
        }
        needed
    }
}

impl Op {
    /// The steps that it needs.
    pub fn operands(self) -> Vec<Id> {
        match self {
            Self::Input { .. } | Self::Constant(_) => Vec::new(),
            Self::Negate(x)
            | Self::Scale(x, _)
            | Self::Left(x, _)
            | Self::Right(x, _)
            | Self::Absolute(x)
            | Self::Table(x, _) => vec![x],
            Self::Add(x, y)
            | Self::Subtract(x, y)
            | Self::Multiply(x, y)
            | Self::Minimum(x, y)
            | Self::Maximum(x, y)
            | Self::Divide(x, y) => vec![x, y],
            Self::Select(x, y, z) => vec![x, y, z],
        }
    }
}

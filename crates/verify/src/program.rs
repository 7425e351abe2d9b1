//! Expressions compiled for whatever is known of their inputs.

use kanrl_interval::{Function, Interval, Local, Number};
use kanrl_symbolic::{Curve, Expression, Native, Node, Operator, SymbolicError};
use std::collections::HashMap;
use std::sync::Arc;

/// Several expressions over the same inputs, computed with any [`Number`]; common parts are computed once.
///
/// Results enclose what the formula's own evaluation and its exports compute in doubles.
///
/// ```
/// use kanrl_interval::Interval;
/// use kanrl_verify::Program;
/// let program = Program::new(&["x^2 + sin(y)".parse()?], &["x", "y"])?;
/// let bounds = program.evaluate(&[Interval::new(-1.0, 2.0), Interval::new(0.0, 0.5)])[0];
/// assert!(bounds.low <= 0.0 && bounds.high >= 4.479 && bounds.high < 4.48);
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    instructions: Vec<Instruction>,
    curves: Vec<Prepared>,
    outputs: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Instruction {
    /// By its bits.
    Constant(u64),
    Input(u32),
    Add(u32, u32),
    Multiply(u32, u32),
    /// By a constant's bits.
    Scale(u32, u64),
    Divide(u32, u32),
    Power(u32, u32),
    Negate(u32),
    Function(Function, u32),
    Native(Native, u32),
    Curve(u32, u32),
    Minimum(u32, u32),
    Maximum(u32, u32),
    Gate(u32, u32, u32),
}

/// A curve with its derivatives.
#[derive(Clone, Debug)]
struct Prepared {
    curve: Arc<Curve>,
    slope: Curve,
    bend: Curve,
    /// At each breakpoint: by how much the value jumps, and the slope.
    breaks: Vec<(f64, f64, f64)>,
}

impl Program {
    /// Compiles expressions over inputs of these names.
    ///
    /// # Errors
    /// [`SymbolicError::UnknownVariable`] for a variable that is not an input.
    pub fn new<S: AsRef<str>>(expressions: &[Expression], inputs: &[S]) -> Result<Self, SymbolicError> {
        // Says what is unknown, with the nearest name.
        kanrl_symbolic::Tape::compile(expressions, inputs)?;
        let mut compiler = Compiler::default();
        let outputs = expressions
            .iter()
            .map(|expression| {
                expression.fold(|node, operands: Vec<u32>| match node {
                    Node::Constant(value) => compiler.push(Instruction::Constant(value.to_bits())),
                    Node::Variable(name) => {
                        let index = inputs.iter().position(|known| known.as_ref() == &**name).unwrap_or(usize::MAX);
                        compiler.push(Instruction::Input(index as u32))
                    }
                    Node::Operation(operator, _) => compiler.operation(*operator, &operands),
                    Node::Curve(curve) => compiler.curve(curve, operands[0]),
                })
            })
            .collect();
        Ok(Self { instructions: compiler.instructions, curves: compiler.curves, outputs })
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The outputs for these inputs.
    ///
    /// # Panics
    /// If there are fewer inputs than the program was compiled for.
    pub fn evaluate<T: Number>(&self, inputs: &[T]) -> Vec<T> {
        let mut values: Vec<T> = Vec::with_capacity(self.instructions.len());
        for instruction in &self.instructions {
            let at = |index: u32| &values[index as usize];
            let value = match *instruction {
                Instruction::Constant(bits) => T::constant(f64::from_bits(bits)),
                Instruction::Input(index) => inputs[index as usize].clone(),
                Instruction::Add(x, y) => at(x).plus(at(y)),
                Instruction::Multiply(x, y) => at(x).times(at(y)),
                Instruction::Scale(x, factor) => at(x).scaled(f64::from_bits(factor)),
                Instruction::Divide(x, y) => at(x).over(at(y)),
                Instruction::Power(x, y) => T::unknown(at(x).range().power(at(y).range())),
                Instruction::Negate(x) => at(x).negated(),
                Instruction::Function(function, x) => at(x).function(function),
                Instruction::Native(native, x) => at(x).through(&of_native(native, at(x).range())),
                Instruction::Curve(curve, x) => at(x).through(&self.curves[curve as usize].local(at(x).range())),
                Instruction::Minimum(x, y) => at(x).minimum(at(y)),
                Instruction::Maximum(x, y) => at(x).maximum(at(y)),
                Instruction::Gate(x, y, z) => {
                    let condition = at(x).range();
                    if condition.low > 0.0 {
                        at(y).clone()
                    } else if condition.high <= 0.0 {
                        at(z).clone()
                    } else if condition.is_undefined() {
                        T::unknown(Interval::UNDEFINED)
                    } else {
                        at(y).either(at(z))
                    }
                }
            };
            values.push(value);
        }
        self.outputs.iter().map(|output| values[*output as usize].clone()).collect()
    }
}

#[derive(Default)]
struct Compiler {
    instructions: Vec<Instruction>,
    curves: Vec<Prepared>,
    known: HashMap<Instruction, u32>,
}

impl Compiler {
    fn push(&mut self, instruction: Instruction) -> u32 {
        let next = self.instructions.len() as u32;
        *self.known.entry(instruction).or_insert_with(|| {
            self.instructions.push(instruction);
            next
        })
    }

    fn constant(&self, operand: u32) -> Option<f64> {
        match self.instructions[operand as usize] {
            Instruction::Constant(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn multiply(&mut self, x: u32, y: u32) -> u32 {
        match (self.constant(x), self.constant(y)) {
            (Some(factor), None) => self.push(Instruction::Scale(y, factor.to_bits())),
            (None, Some(factor)) => self.push(Instruction::Scale(x, factor.to_bits())),
            _ if x == y => self.push(Instruction::Function(Function::WholePower(2), x)),
            _ => self.push(Instruction::Multiply(x, y)),
        }
    }

    fn operation(&mut self, operator: Operator, operands: &[u32]) -> u32 {
        let x = operands[0];
        let rest = &operands[1..];
        let function = match operator {
            Operator::Add => return rest.iter().fold(x, |sum, term| self.push(Instruction::Add(sum, *term))),
            Operator::Multiply => return rest.iter().fold(x, |product, factor| self.multiply(product, *factor)),
            Operator::Min => return rest.iter().fold(x, |least, other| self.push(Instruction::Minimum(least, *other))),
            Operator::Max => return rest.iter().fold(x, |most, other| self.push(Instruction::Maximum(most, *other))),
            Operator::Clip => {
                let raised = self.push(Instruction::Maximum(x, rest[0]));
                return self.push(Instruction::Minimum(raised, rest[1]));
            }
            Operator::Gate => return self.push(Instruction::Gate(x, rest[0], rest[1])),
            Operator::Negate => return self.push(Instruction::Negate(x)),
            Operator::Divide => return self.push(Instruction::Divide(x, rest[0])),
            Operator::Power => match self.constant(rest[0]) {
                Some(exponent) if exponent == exponent.trunc() && exponent.abs() <= 64.0 => {
                    Function::WholePower(exponent as i32)
                }
                _ => return self.push(Instruction::Power(x, rest[0])),
            },
            Operator::Native(native) => return self.push(Instruction::Native(native, x)),
            other => other.function().expect("all others take one operand"),
        };
        self.push(Instruction::Function(function, x))
    }

    fn curve(&mut self, curve: &Arc<Curve>, x: u32) -> u32 {
        let known = self.curves.iter().position(|known| known.curve == *curve);
        let number = known.unwrap_or_else(|| {
            self.curves.push(Prepared::new(curve));
            self.curves.len() - 1
        });
        self.push(Instruction::Curve(number as u32, x))
    }
}

/// What a program's own function says of itself.
fn of_native(native: Native, x: Interval) -> Local {
    let middle = Interval::point(x.middle());
    Local {
        at_middle: native.interval(middle),
        slope: Interval::ANYTHING,
        jumps: 0.0,
        bend: None,
        values: native.interval(x),
    }
}

impl Prepared {
    fn new(curve: &Arc<Curve>) -> Self {
        let slope = curve.derivative();
        let pieces: Vec<(f64, [f64; 4])> = curve
            .pieces()
            .map(|(origin, piece)| (origin, std::array::from_fn(|power| piece.get(power).copied().unwrap_or(0.0))))
            .collect();
        let at = |(origin, [a, b, c, d]): (f64, [f64; 4]), x: f64| {
            let u = x - origin;
            (((d * u + c) * u + b) * u + a, (3.0 * d * u + 2.0 * c) * u + b)
        };
        let breaks = curve.breakpoints().iter().enumerate().map(|(index, x)| {
            let ((left, rising), (right, falling)) = (at(pieces[index], *x), at(pieces[index + 1], *x));
            let slack = 1e-12 * (left.abs() + right.abs());
            (*x, (left - right).abs() + slack, (rising - falling).abs() + 1e-12 * (rising.abs() + falling.abs()))
        });
        Self { breaks: breaks.collect(), bend: slope.derivative(), slope, curve: curve.clone() }
    }

    fn local(&self, x: Interval) -> Local {
        if x.is_undefined() {
            let nothing = Interval::UNDEFINED;
            return Local { at_middle: nothing, slope: nothing, jumps: 0.0, bend: None, values: nothing };
        }
        let middle = Interval::point(x.middle());
        let inside = |found: &&(f64, f64, f64)| x.contains(found.0);
        let (mut jumps, mut kinks) = (0.0, 0.0);
        for (_, jump, kink) in self.breaks.iter().filter(inside) {
            jumps += jump;
            kinks += kink;
        }
        let slope = self.slope.interval(x);
        // A kink that bends less than the rest does is taken for an error of the bend.
        let bent = kinks * x.radius();
        let bend = (bent <= 0.1 * slope.radius() * x.radius())
            .then(|| (self.slope.interval(middle).inflated(kinks), self.bend.interval(x)))
            .filter(|(at, curvature)| at.is_finite() && curvature.is_finite());
        if bend.is_some() {
            jumps += bent;
        }
        Local { at_middle: self.curve.interval(middle), slope, jumps, bend, values: self.curve.interval(x) }
    }
}

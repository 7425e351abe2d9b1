//! Expressions compiled for batches of rows.

mod block;
mod curvature;
mod gradient;

use crate::expression::{Curve, Expression, Node, Operator, SymbolicError, is_whole_exponent, unknown_variable};
use block::{Instruction, LANES};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Several expressions over the same inputs, compiled into one list of instructions over columns of rows.
///
/// Common parts are computed once. A row's result has the same bits as [`Expression::evaluate`] gives, whatever rows
/// stand next to it. Nothing is allocated once a thread has evaluated a tape of this size.
///
/// ```
/// let expression: kanrl_symbolic::Expression = "x^2 + sin(y)".parse()?;
/// let tape = kanrl_symbolic::Tape::compile(&[expression], &["x", "y"])?;
/// let mut outputs = [0.0; 2];
/// tape.evaluate(&[1.0, 0.0, 3.0, 0.0], &mut outputs);
/// assert_eq!(outputs, [1.0, 9.0]);
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tape {
    inputs: usize,
    /// Those that an instruction or an output reads, in order: the columns of the others stay as they are.
    used: Vec<u32>,
    constants: Vec<f64>,
    instructions: Vec<Instruction>,
    curves: Vec<Arc<Curve>>,
    /// Columns of the outputs. Columns are numbered: constants, then inputs, then instructions.
    outputs: Vec<u32>,
}

impl Tape {
    /// Compiles expressions over inputs of these names, in this order.
    ///
    /// # Errors
    /// [`SymbolicError::UnknownVariable`] for a variable that is not an input.
    pub fn compile<S: AsRef<str>>(expressions: &[Expression], inputs: &[S]) -> Result<Self, SymbolicError> {
        Compiler::new(inputs, expressions, true).compile(expressions)
    }

    /// As [`Self::compile`], with every constant in a place of its own: the tape's constants are those of
    /// [`Expression::constants`], one expression after the other.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn compile_with_constants<S: AsRef<str>>(
        expressions: &[Expression],
        inputs: &[S],
    ) -> Result<Self, SymbolicError> {
        Compiler::new(inputs, expressions, false).compile(expressions)
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The constants it was compiled with.
    pub fn constants(&self) -> &[f64] {
        &self.constants
    }

    /// Evaluates a batch: `inputs` `[rows, inputs]` to `outputs` `[rows, outputs]`, both row-major.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn evaluate(&self, inputs: &[f64], outputs: &mut [f64]) {
        self.evaluate_with(&self.constants, inputs, outputs);
    }

    /// As [`Self::evaluate`], with other constants; whole exponents up to 64 stay as they were compiled.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn evaluate_with(&self, constants: &[f64], inputs: &[f64], outputs: &mut [f64]) {
        let rows = self.rows(inputs, outputs.len());
        self.with_columns(constants, |columns| {
            for start in (0..rows).step_by(LANES) {
                let lanes = LANES.min(rows - start);
                self.forward(&mut columns.values, &inputs[start * self.inputs..], lanes);
                let width = self.outputs.len();
                let block = &mut outputs[start * width..(start + lanes) * width];
                for (output, column) in self.outputs.iter().enumerate() {
                    let values = &columns.values[*column as usize * LANES..][..lanes];
                    for (row, value) in block.chunks_exact_mut(width).zip(values) {
                        row[output] = *value;
                    }
                }
            }
        });
    }

    /// Largest absolute value of any constant, input that is read, or intermediate result in each row: `[rows]`. What
    /// rounding errors are measured by.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn largest_intermediates(&self, inputs: &[f64], largest: &mut [f64]) {
        assert_eq!(inputs.len(), largest.len() * self.inputs, "inputs are [rows, {}]", self.inputs);
        let rows = largest.len();
        self.with_columns(&self.constants, |columns| {
            for start in (0..rows).step_by(LANES) {
                let lanes = LANES.min(rows - start);
                self.forward(&mut columns.values, &inputs[start * self.inputs..], lanes);
                let largest = &mut largest[start..start + lanes];
                largest.fill(0.0);
                for (_, column) in
                    columns.values.chunks_exact(LANES).enumerate().filter(|(index, _)| self.reads(*index))
                {
                    for (most, value) in largest.iter_mut().zip(column) {
                        *most = most.max(value.abs());
                    }
                }
            }
        });
    }

    /// Whether a column is computed with: that of an input which nothing reads is not.
    fn reads(&self, column: usize) -> bool {
        let input = column.checked_sub(self.constants.len()).filter(|input| *input < self.inputs);
        input.is_none_or(|input| self.used.binary_search(&(input as u32)).is_ok())
    }

    fn rows(&self, inputs: &[f64], outputs: usize) -> usize {
        let rows = outputs / self.outputs.len().max(1);
        assert_eq!(outputs, rows * self.outputs.len(), "outputs are [rows, {}]", self.outputs.len());
        assert_eq!(inputs.len(), rows * self.inputs, "inputs are [{rows}, {}]", self.inputs);
        rows
    }

    /// Lends the thread's columns, with the constants filled in.
    fn with_columns<T>(&self, constants: &[f64], work: impl FnOnce(&mut Columns) -> T) -> T {
        thread_local! {
            static COLUMNS: RefCell<Columns> = const {
                RefCell::new(Columns { values: Vec::new(), adjoints: Vec::new(), outputs: Vec::new(), by_outputs: Vec::new() })
            };
        }
        assert_eq!(constants.len(), self.constants.len(), "as many constants as the tape was compiled with");
        let size = (self.constants.len() + self.inputs + self.instructions.len()) * LANES;
        COLUMNS.with_borrow_mut(|columns| {
            // Never shrinks its allocation.
            columns.values.resize(size, 0.0);
            for (column, value) in columns.values.chunks_exact_mut(LANES).zip(constants) {
                column.fill(*value);
            }
            work(columns)
        })
    }

    /// Computes all columns for the first `lanes` rows of `inputs`.
    fn forward(&self, columns: &mut [f64], inputs: &[f64], lanes: usize) {
        let first = self.constants.len() * LANES;
        for input in &self.used {
            let input = *input as usize;
            let column = &mut columns[first + input * LANES..][..lanes];
            for (value, row) in column.iter_mut().zip(inputs.chunks_exact(self.inputs)) {
                *value = row[input];
            }
        }
        let first = first + self.inputs * LANES;
        for (index, instruction) in self.instructions.iter().enumerate() {
            let (operands, target) = columns.split_at_mut(first + index * LANES);
            instruction.evaluate(operands, &self.curves, &mut target[..lanes]);
        }
    }
}

/// Blocks of rows for every constant, input and instruction.
struct Columns {
    values: Vec<f64>,
    /// Derivatives of the loss by the values.
    adjoints: Vec<f64>,
    /// One row's outputs and the derivatives by them.
    outputs: Vec<f64>,
    by_outputs: Vec<f64>,
}

struct Compiler<'a> {
    tape: Tape,
    names: HashMap<&'a str, u32>,
    /// Columns of what was computed already.
    known: HashMap<Instruction, u32>,
    /// Columns of constants by their bits, where equal ones share a column.
    shared_constants: Option<HashMap<u64, u32>>,
    /// Constants met so far.
    met: u32,
}

impl<'a> Compiler<'a> {
    fn new<S: AsRef<str>>(inputs: &'a [S], expressions: &[Expression], share: bool) -> Self {
        let mut constants: Vec<f64> = Vec::new();
        let mut shared_constants = share.then(HashMap::new);
        for value in expressions.iter().flat_map(Expression::constants) {
            match &mut shared_constants {
                Some(shared) if shared.contains_key(&value.to_bits()) => continue,
                Some(shared) => shared.insert(value.to_bits(), constants.len() as u32),
                None => None,
            };
            constants.push(value);
        }
        let first = constants.len() as u32;
        let names = inputs.iter().zip(first..).map(|(name, column)| (name.as_ref(), column)).collect();
        let tape = Tape {
            inputs: inputs.len(),
            used: Vec::new(),
            constants,
            instructions: Vec::new(),
            curves: Vec::new(),
            outputs: Vec::new(),
        };
        Self { tape, names, known: HashMap::new(), shared_constants, met: 0 }
    }

    fn compile(mut self, expressions: &[Expression]) -> Result<Tape, SymbolicError> {
        for expression in expressions {
            let column = expression.try_fold(|node, operands: Vec<u32>| match node {
                Node::Constant(value) => Ok(self.constant(*value)),
                Node::Variable(name) => self.variable(name),
                Node::Operation(operator, _) => Ok(self.operation(*operator, &operands)),
                Node::Curve(curve) => Ok(self.curve(curve, operands[0])),
            })?;
            self.tape.outputs.push(column);
        }
        Ok(self.tape)
    }

    fn variable(&mut self, name: &str) -> Result<u32, SymbolicError> {
        let Some(column) = self.names.get(name).copied() else {
            let mut known: Vec<&str> = self.names.keys().copied().collect();
            known.sort_unstable();
            return Err(unknown_variable(name, known.into_iter()));
        };
        let input = column - self.tape.constants.len() as u32;
        if let Err(place) = self.tape.used.binary_search(&input) {
            self.tape.used.insert(place, input);
        }
        Ok(column)
    }

    fn constant(&mut self, value: f64) -> u32 {
        self.met += 1;
        match &self.shared_constants {
            Some(shared) => shared[&value.to_bits()],
            None => self.met - 1,
        }
    }

    fn operation(&mut self, operator: Operator, operands: &[u32]) -> u32 {
        match (operator, operands) {
            (Operator::Power, [base, exponent]) => {
                let whole = self.tape.constants.get(*exponent as usize).copied();
                let whole = whole.filter(|value| is_whole_exponent(*value));
                self.push(match whole {
                    Some(exponent) => Instruction::IntegerPower(*base, exponent as i32),
                    None => Instruction::Binary(operator, *base, *exponent),
                })
            }
            (_, [x]) => self.push(Instruction::Unary(operator, *x)),
            (Operator::Clip, [x, low, high]) => {
                let raised = self.push(Instruction::Binary(Operator::Max, *x, *low));
                self.push(Instruction::Binary(Operator::Min, raised, *high))
            }
            (_, [x, y, z]) if operator == Operator::Gate => self.push(Instruction::Gate(*x, *y, *z)),
            (_, [first, rest @ ..]) => {
                rest.iter().fold(*first, |left, right| self.push(Instruction::Binary(operator, left, *right)))
            }
            (_, []) => unreachable!("every operator takes operands"),
        }
    }

    fn curve(&mut self, curve: &Arc<Curve>, x: u32) -> u32 {
        let known = self.tape.curves.iter().position(|known| known == curve);
        let number = known.unwrap_or_else(|| {
            self.tape.curves.push(curve.clone());
            self.tape.curves.len() - 1
        });
        self.push(Instruction::Curve(number as u32, x))
    }

    fn push(&mut self, instruction: Instruction) -> u32 {
        let next = self.tape.constants.len() + self.tape.inputs + self.tape.instructions.len();
        *self.known.entry(instruction).or_insert_with(|| {
            self.tape.instructions.push(instruction);
            next as u32
        })
    }
}

//! Formulas and networks in ONNX: standard operators, one input `obs`, outputs `action` and for discrete actions `scores`.

mod message;
mod network;

pub use network::network;

use kanrl_symbolic::{ActionRule, Curve, Expression, Formula, Node, Operator, SymbolicError};
use message::{Axis, Element, Message};
use std::collections::HashMap;

/// The numbers that an ONNX file computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `float`, which every runtime has.
    Single,
    /// `double`.
    Double,
}

/// A formula as an ONNX file of operator set 17.
///
/// # Shapes
/// `obs` `[batch, inputs]`; `action` `[batch]` of int64 for discrete actions, with `scores` `[batch, actions]` of which it is the first
/// largest, or `[batch, outputs]`, clipped to its bounds.
///
/// # Errors
/// [`SymbolicError::Invalid`] for a function of the program's own.
pub fn onnx(formula: &Formula, precision: Precision, made_by: &str) -> Result<Vec<u8>, SymbolicError> {
    let mut graph = Graph::new(precision);
    let element = graph.element;
    for (index, name) in formula.inputs().iter().enumerate() {
        graph.columns.insert(name.clone(), index);
    }
    let mut outputs = Vec::new();
    for output in formula.outputs() {
        let value = graph.expression(&output.expression)?;
        outputs.push(graph.as_column(value));
    }
    let width = outputs.len();
    let (action, scores) = match formula.action() {
        ActionRule::Clip { low, high } => {
            let together = graph.concatenated(&outputs);
            let low = graph.constants(&[width], low, element);
            let raised = graph.node("Max", &[together, low], &[]);
            let high = graph.constants(&[width], high, element);
            graph.named("Min", &[raised, high], "action", &[]);
            (message::value("action", element, &[Axis::Batch, Axis::Fixed(width)]), None)
        }
        rule => {
            let mut scores = outputs;
            if *rule == ActionRule::Threshold {
                let zero = graph.constant(0.0);
                scores.insert(0, graph.as_column(zero));
            }
            let count = scores.len();
            graph.named("Concat", &scores, "scores", &[("axis", 1)]);
            graph.named("ArgMax", &["scores".to_owned()], "action", &[("axis", 1), ("keepdims", 0)]);
            (
                message::value("action", Element::Int64, &[Axis::Batch]),
                Some(message::value("scores", element, &[Axis::Batch, Axis::Fixed(count)])),
            )
        }
    };
    let (inputs, about) = (formula.inputs(), formula.to_string());
    Ok(graph.model(inputs.len(), &action, scores.as_ref(), inputs, made_by, &about))
}

/// What a value of the graph is: a column `[batch, 1]`, or a number that broadcasts.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Column(String),
    Number(f64),
}

struct Graph {
    element: Element,
    nodes: Vec<Message>,
    tensors: Vec<Message>,
    /// Names of what was computed already.
    known: HashMap<String, String>,
    columns: HashMap<String, usize>,
}

impl Graph {
    fn new(precision: Precision) -> Self {
        let element = if precision == Precision::Single { Element::Float } else { Element::Double };
        Self { element, nodes: Vec::new(), tensors: Vec::new(), known: HashMap::new(), columns: HashMap::new() }
    }

    /// The file, with its input and its outputs.
    fn model(
        &self,
        observation_size: usize,
        action: &Message,
        scores: Option<&Message>,
        observations: &[String],
        made_by: &str,
        about: &str,
    ) -> Vec<u8> {
        let observation = message::value("obs", self.element, &[Axis::Batch, Axis::Fixed(observation_size)]);
        let message = Message::default()
            .messages(1, &self.nodes)
            .text(2, "policy")
            .messages(5, &self.tensors)
            .message(11, &observation)
            .message(12, action)
            .messages(12, scores);
        let observations = observations.join(", ");
        message::model(&message, &[("made_by", made_by), ("observations", &observations)], about)
    }

    fn name(&mut self) -> String {
        format!("v{}", self.nodes.len() + self.tensors.len())
    }

    /// A tensor of numbers, written once.
    fn constants(&mut self, shape: &[usize], values: &[f64], element: Element) -> String {
        let key = format!("{shape:?} {element:?} {:?}", values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = self.name();
        self.tensors.push(message::tensor(&name, shape, element, values));
        self.known.insert(key, name.clone());
        name
    }

    fn constant(&self, value: f64) -> Value {
        Value::Number(value)
    }

    /// A node, computed once.
    fn node(&mut self, operator: &str, inputs: &[String], attributes: &[(&str, i64)]) -> String {
        let key = format!("{operator} {inputs:?} {attributes:?}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = self.name();
        self.named(operator, inputs, &name, attributes);
        self.known.insert(key, name.clone());
        name
    }

    fn named(&mut self, operator: &str, inputs: &[String], output: &str, attributes: &[(&str, i64)]) {
        self.nodes.push(message::node(operator, inputs, output, attributes));
    }

    fn operand(&mut self, value: &Value) -> String {
        match value {
            Value::Column(name) => name.clone(),
            Value::Number(number) => self.constants(&[], &[*number], self.element),
        }
    }

    fn apply(&mut self, operator: &str, operands: &[&Value]) -> Value {
        let operands: Vec<String> = operands.iter().map(|operand| self.operand(operand)).collect();
        Value::Column(self.node(operator, &operands, &[]))
    }

    /// A number is repeated for every row.
    fn as_column(&mut self, value: Value) -> String {
        match value {
            Value::Column(name) => name,
            Value::Number(number) => {
                let shape = self.node("Shape", &["obs".to_owned()], &[]);
                let first = self.constants(&[1], &[0.0], Element::Int64);
                let rows = self.node("Gather", &[shape, first], &[("axis", 0)]);
                let one = self.constants(&[1], &[1.0], Element::Int64);
                let shape = self.node("Concat", &[rows, one], &[("axis", 0)]);
                let number = self.constants(&[], &[number], self.element);
                self.node("Expand", &[number, shape], &[])
            }
        }
    }

    fn concatenated(&mut self, columns: &[String]) -> String {
        self.node("Concat", columns, &[("axis", 1)])
    }

    /// An expression is at most [`kanrl_symbolic::MAXIMUM_DEPTH`] deep, so that this may recurse.
    fn expression(&mut self, expression: &Expression) -> Result<Value, SymbolicError> {
        Ok(match expression.root() {
            Node::Constant(value) => Value::Number(*value),
            Node::Variable(name) => {
                let index = self.columns.get(&**name).copied().unwrap_or(0);
                let index = self.constants(&[1], &[index as f64], Element::Int64);
                Value::Column(self.node("Gather", &["obs".to_owned(), index], &[("axis", 1)]))
            }
            Node::Operation(operator, _) => {
                let operands = expression.operands();
                let values = operands.iter().map(|operand| self.expression(operand)).collect::<Result<Vec<_>, _>>()?;
                // What is a number at last is computed here, as the formula is.
                let numbers: Vec<f64> = values
                    .iter()
                    .filter_map(|value| if let Value::Number(number) = value { Some(*number) } else { None })
                    .collect();
                if numbers.len() == values.len() {
                    return Ok(Value::Number(operator.value(&numbers)));
                }
                self.operation(*operator, &values)?
            }
            Node::Curve(curve) => match self.expression(&expression.operands()[0])? {
                Value::Number(number) => Value::Number(curve.value(number)),
                Value::Column(x) => self.curve(curve, x),
            },
        })
    }

    fn operation(&mut self, operator: Operator, values: &[Value]) -> Result<Value, SymbolicError> {
        let x = &values[0];
        let (zero, one) = (Value::Number(0.0), Value::Number(1.0));
        let chain = |graph: &mut Self, name: &str| {
            values[1..].iter().fold(x.clone(), |left, right| graph.apply(name, &[&left, right]))
        };
        Ok(match operator {
            Operator::Add => chain(self, "Add"),
            Operator::Multiply => chain(self, "Mul"),
            Operator::Min => chain(self, "Min"),
            Operator::Max => chain(self, "Max"),
            Operator::Clip => {
                let raised = self.apply("Max", &[x, &values[1]]);
                self.apply("Min", &[&raised, &values[2]])
            }
            Operator::Negate => self.apply("Neg", &[x]),
            Operator::Divide => self.apply("Div", &[x, &values[1]]),
            Operator::Power => match values[1] {
                Value::Number(exponent) if exponent == exponent.trunc() && exponent.abs() <= 64.0 => {
                    self.whole_power(x, exponent as i32)
                }
                _ => self.apply("Pow", &[x, &values[1]]),
            },
            Operator::Gate => {
                let positive = self.apply("Greater", &[x, &zero]);
                self.apply("Where", &[&positive, &values[1], &values[2]])
            }
            Operator::Step => {
                let positive = self.apply("Greater", &[x, &zero]);
                self.apply("Where", &[&positive, &one, &zero])
            }
            Operator::Gaussian => {
                let square = self.apply("Mul", &[x, x]);
                let negative = self.apply("Neg", &[&square]);
                self.apply("Exp", &[&negative])
            }
            // Many runtimes have no inverse of the hyperbolic tangent, and the tangent in one precision only.
            Operator::Arctanh => {
                let (above, below) = (self.apply("Add", &[&one, x]), self.apply("Sub", &[&one, x]));
                let quotient = self.apply("Div", &[&above, &below]);
                let logarithm = self.apply("Log", &[&quotient]);
                self.apply("Mul", &[&logarithm, &Value::Number(0.5)])
            }
            Operator::Tan => {
                let (sine, cosine) = (self.apply("Sin", &[x]), self.apply("Cos", &[x]));
                self.apply("Div", &[&sine, &cosine])
            }
            Operator::Exp => self.apply("Exp", &[x]),
            Operator::Log => self.apply("Log", &[x]),
            Operator::Sqrt => self.apply("Sqrt", &[x]),
            Operator::Sin => self.apply("Sin", &[x]),
            Operator::Cos => self.apply("Cos", &[x]),
            Operator::Tanh => self.apply("Tanh", &[x]),
            Operator::Arcsin => self.apply("Asin", &[x]),
            Operator::Arccos => self.apply("Acos", &[x]),
            Operator::Arctan => self.apply("Atan", &[x]),
            Operator::Abs => self.apply("Abs", &[x]),
            Operator::Sign => self.apply("Sign", &[x]),
            Operator::Native(native) => {
                let name = native.function().name;
                return Err(SymbolicError::Invalid(format!("ONNX has no `{name}`, a function of the program's own")));
            }
        })
    }

    /// By squaring, as the formula does it.
    fn whole_power(&mut self, x: &Value, exponent: i32) -> Value {
        let (mut result, mut square, mut left) = (None, x.clone(), exponent.unsigned_abs());
        while left > 0 {
            if left & 1 == 1 {
                result = Some(match result {
                    None => square.clone(),
                    Some(known) => self.apply("Mul", &[&known, &square]),
                });
            }
            left >>= 1;
            if left > 0 {
                square = self.apply("Mul", &[&square, &square]);
            }
        }
        let result = result.unwrap_or(Value::Number(1.0));
        if exponent < 0 { self.apply("Div", &[&Value::Number(1.0), &result]) } else { result }
    }

    /// The number of the piece is how many breakpoints are not above x; its coefficients are looked up.
    fn curve(&mut self, curve: &Curve, x: String) -> Value {
        let pieces: Vec<(f64, Vec<f64>)> = curve.pieces().map(|(origin, piece)| (origin, piece.to_vec())).collect();
        let breakpoints = self.constants(&[curve.breakpoints().len()], curve.breakpoints(), self.element);
        let above = self.node("GreaterOrEqual", &[x.clone(), breakpoints], &[]);
        let counted = self.node("Cast", &[above], &[("to", Element::Int64 as i64)]);
        let axis = self.constants(&[1], &[1.0], Element::Int64);
        let piece = self.node("ReduceSum", &[counted, axis], &[("keepdims", 1)]);
        let look_up = |graph: &mut Self, values: Vec<f64>| {
            let table = graph.constants(&[values.len()], &values, graph.element);
            Value::Column(graph.node("Gather", &[table, piece.clone()], &[("axis", 0)]))
        };
        let origin = look_up(self, pieces.iter().map(|(origin, _)| *origin).collect());
        let u = self.apply("Sub", &[&Value::Column(x), &origin]);
        let terms = pieces.iter().map(|(_, piece)| piece.len()).max().unwrap_or(1);
        let of_power =
            |power: usize| pieces.iter().map(|(_, piece)| piece.get(power).copied().unwrap_or(0.0)).collect::<Vec<_>>();
        let mut sum = look_up(self, of_power(terms - 1));
        for power in (0..terms - 1).rev() {
            let product = self.apply("Mul", &[&sum, &u]);
            let coefficient = look_up(self, of_power(power));
            sum = self.apply("Add", &[&product, &coefficient]);
        }
        sum
    }
}

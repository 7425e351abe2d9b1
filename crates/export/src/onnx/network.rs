//! Networks of dense layers in ONNX, with the normalizer in front and what makes an action behind.

use super::message::{Axis, Element};
use super::{Graph, Precision, Value, message};
use crate::target::ExportError;
use kanrl_core::action::ActionRule;
use kanrl_core::policy::Policy;
use kanrl_experts::network::Activation;
use kanrl_experts::{Head, NetworkPolicy};

/// The constants of SELU (arXiv 1706.02515).
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// An expert's network as an ONNX file of operator set 17: shapes, names and operators as of [`super::onnx`].
///
/// # Errors
/// [`ExportError::Network`] for a policy that needs the time, takes choices, or makes several discrete choices at once, and
/// [`ExportError::OnnxInDoubles`].
pub fn network(
    policy: &NetworkPolicy,
    observations: &[String],
    precision: Precision,
    made_by: &str,
) -> Result<Vec<u8>, ExportError> {
    let refused = |reason: &'static str| Err(ExportError::Network { reason });
    if policy.time_feature().is_some() {
        return refused("it takes the time that is left, which is not an observation");
    }
    if policy.encodes_choices() {
        return refused("some of its observations are numbers of choices");
    }
    let mut graph = Graph::new(precision);
    let mut value = Value::Column("obs".to_owned());
    if let Some(normalization) = policy.normalization() {
        let deviations: Vec<f64> =
            normalization.variance.iter().map(|variance| (variance + normalization.epsilon).sqrt()).collect();
        let (mean, deviations) = (graph.row(&normalization.mean), graph.row(&deviations));
        value = graph.apply("Sub", &[&value, &mean]);
        value = graph.apply("Div", &[&value, &deviations]);
        value = graph.clamped(&value, -normalization.clip, normalization.clip);
    }
    for layer in policy.network().layers() {
        let weight: Vec<f64> = layer.weight().into_iter().map(f64::from).collect();
        let bias: Vec<f64> = layer.bias().iter().copied().map(f64::from).collect();
        let weight = graph.constants(&[layer.outputs(), layer.inputs()], &weight, graph.element);
        let bias = graph.constants(&[layer.outputs()], &bias, graph.element);
        let input = graph.operand(&value);
        value = Value::Column(graph.node("Gemm", &[input, weight, bias], &[("transB", 1)]));
        if layer.activation() == Activation::Gelu && precision == Precision::Double {
            return Err(ExportError::OnnxInDoubles { name: "erf" });
        }
        value = graph.activated(layer.activation(), value);
    }
    let outputs = policy.action_space().outputs();
    match policy.head() {
        Head::Logits | Head::Means => {}
        Head::QValues { quantiles: 1 } => {}
        Head::QValues { quantiles } => {
            let width = quantiles * outputs;
            let share =
                |index: usize| f64::from(u8::from(index / outputs % outputs == index % outputs)) / *quantiles as f64;
            let mean: Vec<f64> = (0..width * outputs).map(share).collect();
            let mean = Value::Column(graph.constants(&[width, outputs], &mean, graph.element));
            value = graph.apply("MatMul", &[&value, &mean]);
        }
        Head::Squashed { clip_mean } => {
            if let Some(clip) = clip_mean {
                value = graph.clamped(&value, -f64::from(*clip), f64::from(*clip));
            }
            value = graph.apply("Tanh", &[&value]);
        }
        Head::Choices { .. } | Head::Bits => return refused("its action is several choices at once"),
    }
    let (action, scores) = match ActionRule::of(policy.action_space()) {
        ActionRule::Clip { low, high } => {
            if matches!(policy.head(), Head::Squashed { .. }) {
                let halves: Vec<f64> = low.iter().zip(&high).map(|(low, high)| 0.5 * (high - low)).collect();
                let (halves, least) = (graph.row(&halves), graph.row(&low));
                value = graph.apply("Add", &[&value, &Value::Number(1.0)]);
                value = graph.apply("Mul", &[&value, &halves]);
                value = graph.apply("Add", &[&value, &least]);
            }
            let (low, high) = (graph.row(&low), graph.row(&high));
            let raised = graph.apply("Max", &[&value, &low]);
            let operands = [graph.operand(&raised), graph.operand(&high)];
            graph.named("Min", &operands, "action", &[]);
            (message::value("action", graph.element, &[Axis::Batch, Axis::Fixed(outputs)]), None)
        }
        _ => {
            let answers = graph.operand(&value);
            graph.named("Identity", &[answers], "scores", &[]);
            graph.named("ArgMax", &["scores".to_owned()], "action", &[("axis", 1), ("keepdims", 0)]);
            let scores = message::value("scores", graph.element, &[Axis::Batch, Axis::Fixed(outputs)]);
            (message::value("action", Element::Int64, &[Axis::Batch]), Some(scores))
        }
    };
    let about = format!("A network of {} parameters.", policy.network().parameters());
    Ok(graph.model(policy.observation_size(), &action, scores.as_ref(), observations, made_by, &about))
}

impl Graph {
    /// Numbers that stand for every row.
    fn row(&mut self, values: &[f64]) -> Value {
        Value::Column(self.constants(&[values.len()], values, self.element))
    }

    fn clamped(&mut self, value: &Value, low: f64, high: f64) -> Value {
        let raised = self.apply("Max", &[value, &Value::Number(low)]);
        self.apply("Min", &[&raised, &Value::Number(high)])
    }

    /// By operators that runtimes have in both precisions, but for the error function.
    fn activated(&mut self, activation: Activation, x: Value) -> Value {
        let (zero, half, one) = (Value::Number(0.0), Value::Number(0.5), Value::Number(1.0));
        let x = &x;
        match activation {
            Activation::Identity => x.clone(),
            Activation::Tanh => self.apply("Tanh", &[x]),
            Activation::Relu => self.apply("Relu", &[x]),
            Activation::Elu | Activation::Celu => self.exponential_below_zero(x, 1.0),
            Activation::Selu => {
                let value = self.exponential_below_zero(x, SELU[1]);
                self.apply("Mul", &[&value, &Value::Number(SELU[0])])
            }
            Activation::LeakyRelu => {
                let small = self.apply("Mul", &[x, &Value::Number(0.01)]);
                self.apply("Max", &[x, &small])
            }
            Activation::Relu6 => self.clamped(x, 0.0, 6.0),
            Activation::Gelu => {
                let scaled = self.apply("Mul", &[x, &Value::Number(std::f64::consts::FRAC_1_SQRT_2)]);
                let error = self.apply("Erf", &[&scaled]);
                let above = self.apply("Add", &[&error, &one]);
                let share = self.apply("Mul", &[&above, &half]);
                self.apply("Mul", &[x, &share])
            }
            Activation::Sigmoid => self.apply("Sigmoid", &[x]),
            Activation::Silu => {
                let share = self.apply("Sigmoid", &[x]);
                self.apply("Mul", &[x, &share])
            }
            Activation::Softplus => {
                let (positive, rest) = (self.apply("Max", &[x, &zero]), self.logarithmic(x));
                self.apply("Add", &[&positive, &rest])
            }
            Activation::LogSigmoid => {
                let (negative, rest) = (self.apply("Min", &[x, &zero]), self.logarithmic(x));
                self.apply("Sub", &[&negative, &rest])
            }
            Activation::Mish => {
                let soft = self.activated(Activation::Softplus, x.clone());
                let share = self.apply("Tanh", &[&soft]);
                self.apply("Mul", &[x, &share])
            }
            Activation::Softsign => {
                let size = self.apply("Abs", &[x]);
                let below = self.apply("Add", &[&size, &one]);
                self.apply("Div", &[x, &below])
            }
            Activation::Softshrink => {
                let inner = self.clamped(x, -0.5, 0.5);
                self.apply("Sub", &[x, &inner])
            }
            Activation::Hardshrink => {
                let size = self.apply("Abs", &[x]);
                let is_large = self.apply("Greater", &[&size, &half]);
                self.apply("Where", &[&is_large, x, &zero])
            }
            Activation::Hardtanh => self.clamped(x, -1.0, 1.0),
            Activation::Hardsigmoid => {
                let scaled = self.apply("Div", &[x, &Value::Number(6.0)]);
                let moved = self.apply("Add", &[&scaled, &half]);
                self.clamped(&moved, 0.0, 1.0)
            }
            Activation::Hardswish => {
                let share = self.activated(Activation::Hardsigmoid, x.clone());
                self.apply("Mul", &[x, &share])
            }
            Activation::Tanhshrink => {
                let squashed = self.apply("Tanh", &[x]);
                self.apply("Sub", &[x, &squashed])
            }
        }
    }

    /// `x` where positive, `scale·(exp(x) − 1)` elsewhere.
    fn exponential_below_zero(&mut self, x: &Value, scale: f64) -> Value {
        let positive = self.apply("Max", &[x, &Value::Number(0.0)]);
        let negative = self.apply("Min", &[x, &Value::Number(0.0)]);
        let power = self.apply("Exp", &[&negative]);
        let below = self.apply("Sub", &[&power, &Value::Number(1.0)]);
        let scaled = self.apply("Mul", &[&below, &Value::Number(scale)]);
        self.apply("Add", &[&positive, &scaled])
    }

    /// `ln(1 + exp(−|x|))`.
    fn logarithmic(&mut self, x: &Value) -> Value {
        let size = self.apply("Abs", &[x]);
        let negative = self.apply("Neg", &[&size]);
        let power = self.apply("Exp", &[&negative]);
        let above = self.apply("Add", &[&power, &Value::Number(1.0)]);
        self.apply("Log", &[&above])
    }
}

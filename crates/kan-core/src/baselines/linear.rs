//! A linear model.

use crate::approximator::{ApproximatorError, FitObserver, FitReport, FitTask, FunctionApproximator, Samples};
use crate::config::{ApproximatorConfig, BuildError, ComponentDescription};
use crate::graph::{Edge, EdgeFunction, Input, Node, NodeKind, SymbolicEdge, UnivariateGraph};
use crate::model_file::{self, ModelFile};
use crate::standardize::standardization;

const FORMAT: &str = "kanrl-linear";

/// `outputs = weights · standardized inputs + bias`, fitted to any loss by L-BFGS: `kind = "linear"`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearConfig {
    /// L-BFGS iterations at most. Default 200.
    pub steps: usize,
}

impl Default for LinearConfig {
    fn default() -> Self {
        Self { steps: 200 }
    }
}

impl LinearConfig {
    /// What it says about itself.
    pub const DESCRIPTION: ComponentDescription = ComponentDescription {
        component: "approximator",
        kind: "linear",
        summary: "linear model: the shortest formula, and often a strong one",
        example: "kind = \"linear\"\nsteps = 200\n",
        schema: |generator| generator.subschema_for::<LinearConfig>(),
    };
}

#[typetag::serde(name = "linear")]
impl ApproximatorConfig for LinearConfig {
    fn build(&self, inputs: usize, outputs: usize, _seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        if inputs == 0 || outputs == 0 {
            let reason = format!("a model of {inputs} inputs and {outputs} outputs computes nothing");
            return Err(BuildError { component: "approximator", reason, source: None });
        }
        Ok(Box::new(Linear::new(self.clone(), inputs, outputs)))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let linear = read(bytes).map_err(|error| BuildError {
            component: "approximator",
            reason: "the weights cannot be read".into(),
            source: Some(Box::new(error)),
        })?;
        Ok(Box::new(linear))
    }
}

/// A linear model with the standardization of its inputs.
#[derive(Clone, Debug)]
pub struct Linear {
    config: LinearConfig,
    /// Shift and scale of each input.
    standardization: Vec<(f64, f64)>,
    /// `[outputs, inputs]`
    weights: Vec<f64>,
    /// `[outputs]`
    bias: Vec<f64>,
}

impl Linear {
    /// An unfitted model: all 0.
    pub fn new(config: LinearConfig, inputs: usize, outputs: usize) -> Self {
        Self {
            config,
            standardization: vec![(0.0, 1.0); inputs],
            weights: vec![0.0; inputs * outputs],
            bias: vec![0.0; outputs],
        }
    }

    /// The model as a graph of edges `c·x`.
    fn plain_graph(&self) -> UnivariateGraph {
        let inputs = self.inputs();
        let input = |(index, (shift, scale)): (usize, &(f64, f64))| Input {
            name: format!("x_{index}"),
            shift: *shift,
            scale: *scale,
        };
        let mut nodes = vec![Node { kind: NodeKind::Input, scale: 1.0, bias: 0.0 }; inputs];
        nodes.extend(self.bias.iter().map(|bias| Node { kind: NodeKind::Sum, scale: 1.0, bias: *bias }));
        let edge = |(index, weight): (usize, &f64)| Edge {
            source: index % inputs,
            target: inputs + index / inputs,
            function: EdgeFunction::Symbolic(SymbolicEdge { c: *weight, ..SymbolicEdge::identity() }),
            importance: 0.0,
        };
        UnivariateGraph {
            inputs: self.standardization.iter().enumerate().map(input).collect(),
            edges: self.weights.iter().enumerate().map(edge).collect(),
            outputs: (inputs..nodes.len()).collect(),
            nodes,
        }
    }
}

impl FunctionApproximator for Linear {
    fn kind(&self) -> &'static str {
        "linear"
    }

    fn inputs(&self) -> usize {
        self.standardization.len()
    }

    fn outputs(&self) -> usize {
        self.bias.len()
    }

    fn fit(&mut self, task: FitTask<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        task.check(self.inputs(), self.outputs())?;
        self.standardization = standardization(task.train.inputs, self.inputs());
        let mut graph = self.plain_graph();
        let report = graph.refit(task, self.config.steps, observer)?;
        // An edge `c·(a·x + b) + d` is the weight `c·a`; all constants are the bias.
        self.bias = graph.outputs.iter().map(|output| graph.nodes[*output].bias).collect();
        for (index, edge) in graph.edges.iter().enumerate() {
            let EdgeFunction::Symbolic(edge) = &edge.function else { unreachable!("all edges are symbolic") };
            self.weights[index] = edge.c * edge.a;
            self.bias[index / self.standardization.len()] += edge.c * edge.b + edge.d;
        }
        Ok(report)
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        let width = self.inputs();
        for (inputs, outputs) in inputs.chunks_exact(width).zip(outputs.chunks_exact_mut(self.outputs())) {
            for ((output, weights), bias) in outputs.iter_mut().zip(self.weights.chunks_exact(width)).zip(&self.bias) {
                let terms = inputs.iter().zip(&self.standardization).zip(weights);
                *output =
                    *bias + terms.map(|((x, (shift, scale)), weight)| weight * (scale * (x - shift))).sum::<f64>();
            }
        }
    }

    fn graph(&self, samples: Samples<'_>) -> Option<UnivariateGraph> {
        let mut graph = self.plain_graph();
        graph.set_importances(samples.inputs);
        Some(graph)
    }

    fn save(&self) -> Vec<u8> {
        let (shift, scale): (Vec<f64>, Vec<f64>) = self.standardization.iter().copied().unzip();
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let tensors = [
            ("shift".to_owned(), vec![inputs], shift.as_slice()),
            ("scale".to_owned(), vec![inputs], &scale),
            ("weights".to_owned(), vec![outputs, inputs], &self.weights),
            ("bias".to_owned(), vec![outputs], &self.bias),
        ];
        model_file::write(FORMAT, &self.config, [], &tensors)
    }
}

fn read(bytes: &[u8]) -> Result<Linear, ApproximatorError> {
    let file = ModelFile::open(bytes, FORMAT)?;
    let (inputs, outputs) = (file.length("shift")?, file.length("bias")?);
    let (shift, scale) = (file.values("shift", &[inputs])?, file.values("scale", &[inputs])?);
    let weights = file.values("weights", &[outputs, inputs])?;
    let bias = file.values("bias", &[outputs])?;
    Ok(Linear { config: file.config()?, standardization: shift.into_iter().zip(scale).collect(), weights, bias })
}

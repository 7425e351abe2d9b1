//! The KAN's configuration.

use super::network::LayerShape;
use super::regularization::{Regularization, RegularizationMetric};
use crate::config::ComponentDescription;
use crate::graph::BaseFunction;
use crate::spline::MAX_DEGREE;

/// A Kolmogorov-Arnold network and how it is trained: `kind = "kan"`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KanConfig {
    /// Number of nodes of each hidden layer; empty for no hidden layer. Default `[2]`.
    pub hidden: Vec<usize>,
    /// Number of additional multiplication nodes (of two factors) in each hidden layer. Default none.
    pub products: Vec<usize>,
    /// Number of grid intervals G of each curve. Default 5.
    pub grid: usize,
    /// Degree k of the splines. Default 3.
    pub degree: usize,
    /// The function added to the spline. Default SiLU.
    pub base: BaseFunction,
    /// Amplitude of the noise that the splines are initialized with. Default 0.3.
    pub noise: f64,
    /// Number of training steps, see [`Optimizer`]. Default 50.
    pub steps: usize,
    /// The optimizer. Default `auto`.
    pub optimizer: Optimizer,
    /// Adam's learning rate. Default 0.01.
    pub learning_rate: f64,
    /// Size of Adam's mini-batches in rows, rounded up to a multiple of 64; 0, the default, for a sixteenth of all rows.
    pub batch_rows: usize,
    /// Stop after this many steps without a better validation loss; 0 for never. Default 20. Without validation rows, training
    /// never stops early.
    pub patience: usize,
    /// Number of times that the grids are adapted to the data, evenly spread over the first 50 steps. Default 10. With 0, the
    /// inputs' grids are spread evenly over the data before the first step, and all others keep their initial position.
    pub grid_updates: usize,
    /// Share of evenly spaced knots in an adapted grid; the others are quantiles. Default 0.02.
    pub grid_even_share: f64,
    /// Weight λ of the regularization, which weakens weak edges. Default 0 (none).
    pub lambda: f64,
    /// The quantity that is regularized.
    pub metric: RegularizationMetric,
    /// Its weight for the sum of the edges' strengths. Default 1.
    pub lambda_l1: f64,
    /// Its weight for the entropy. Default 2.
    pub lambda_entropy: f64,
    /// Its weight for the magnitudes of coefficients. Default 0.
    pub lambda_coefficients: f64,
    /// Its weight for the differences between neighboring coefficients. Default 0.
    pub lambda_coefficient_differences: f64,
    /// Share of the steps before regularization begins. Default 0.2.
    pub warm_up: f64,
    /// Edges up to this attribution score are removed when regularization ends; 0, the default, for none.
    pub gate: f64,
    /// Share of the steps after which that happens; the rest are trained without regularization. Default 0.8.
    pub gate_at: f64,
    /// Floating-point type. Default f64.
    pub precision: Precision,
    /// Training device. Default the CPU.
    #[serde(skip_serializing_if = "Device::is_default")]
    pub device: Device,
    /// With `device = "auto"`, use the GPU if one evaluation of the loss has at least this many rows times curves. Default 4e6,
    /// an estimate: `cargo bench -p benches --bench kan_wgpu --features gpu -- crossover` measures it.
    #[serde(skip_serializing_if = "is_default_crossover")]
    pub device_crossover: f64,
}

/// The default of [`KanConfig::device_crossover`].
const CROSSOVER: f64 = 4e6;

fn is_default_crossover(crossover: &f64) -> bool {
    *crossover == CROSSOVER
}

/// How a network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Levenberg-Marquardt for small networks without regularization (after two steps of L-BFGS where the grids stay where
    /// they start), L-BFGS for all others.
    #[default]
    Auto,
    /// L-BFGS; a step has up to 20 iterations and about 25 evaluations, as pykan counts them.
    Lbfgs,
    /// Levenberg-Marquardt; a step is one iteration. Memory grows with the square of the number of parameters.
    LevenbergMarquardt,
    /// Adam; a step goes through all rows once.
    Adam,
}

/// Where a network is trained. It predicts on the CPU in any case, and its file is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The CPU, in the `precision` of the config.
    #[default]
    Cpu,
    /// The GPU, in f32 regardless of `precision`. It is an error if there is no GPU or it does not support the fit.
    Gpu,
    /// The GPU if `precision` is `f32`, there is one, it supports the fit, and the fit is large enough to benefit; the CPU
    /// otherwise. The fit's report says which, and why.
    Auto,
}

/// What a network computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision: faster for wide networks.
    F32,
    /// Double precision.
    #[default]
    F64,
}

impl Device {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for KanConfig {
    fn default() -> Self {
        Self {
            hidden: vec![2],
            products: Vec::new(),
            grid: 5,
            degree: 3,
            base: BaseFunction::Silu,
            noise: 0.3,
            steps: 50,
            grid_updates: 10,
            grid_even_share: 0.02,
            optimizer: Optimizer::Auto,
            learning_rate: 0.01,
            batch_rows: 0,
            patience: 20,
            lambda: 0.0,
            metric: RegularizationMetric::EdgeForwardSplineN,
            lambda_l1: 1.0,
            lambda_entropy: 2.0,
            lambda_coefficients: 0.0,
            lambda_coefficient_differences: 0.0,
            warm_up: 0.2,
            gate: 0.0,
            gate_at: 0.8,
            precision: Precision::F64,
            device: Device::Cpu,
            device_crossover: CROSSOVER,
        }
    }
}

impl KanConfig {
    /// What it says about itself.
    pub const DESCRIPTION: ComponentDescription = ComponentDescription {
        component: "approximator",
        kind: "kan",
        summary: "Kolmogorov-Arnold network: a learnable spline on every edge, so it can become a formula",
        example: "kind = \"kan\"\nhidden = [2]\ngrid = 5\ndegree = 3\nsteps = 50\n",
        schema: |generator| generator.subschema_for::<KanConfig>(),
    };

    /// Says what makes no sense in it, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        if self.hidden.contains(&0) {
            return Some("a hidden layer has at least one node".into());
        }
        if self.products.len() > self.hidden.len() {
            let (products, hidden) = (self.products.len(), self.hidden.len());
            return Some(format!("`products` names {products} layers, but there are {hidden} hidden ones"));
        }
        if self.grid == 0 {
            return Some("`grid` is at least 1".into());
        }
        if !(1..=MAX_DEGREE).contains(&self.degree) {
            return Some(format!("`degree` is from 1 to {MAX_DEGREE}, not {}", self.degree));
        }
        for (name, value) in [
            ("noise", self.noise),
            ("lambda", self.lambda),
            ("lambda_l1", self.lambda_l1),
            ("lambda_entropy", self.lambda_entropy),
            ("lambda_coefficients", self.lambda_coefficients),
            ("lambda_coefficient_differences", self.lambda_coefficient_differences),
            ("gate", self.gate),
            ("device_crossover", self.device_crossover),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Some(format!("`{name}` is a number from 0 on, not {value}"));
            }
        }
        for (name, value) in
            [("grid_even_share", self.grid_even_share), ("warm_up", self.warm_up), ("gate_at", self.gate_at)]
        {
            if !(0.0..=1.0).contains(&value) {
                return Some(format!("`{name}` is from 0 to 1, not {value}"));
            }
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Some(format!("`learning_rate` is above 0, not {}", self.learning_rate));
        }
        None
    }

    /// Rows of each of Adam's mini-batches, of `rows` in all.
    pub(super) fn rows_of_a_batch(&self, rows: usize) -> usize {
        if self.batch_rows == 0 { rows.div_ceil(16) } else { self.batch_rows }
    }

    /// The layers that it asks for.
    pub(super) fn shapes(&self, inputs: usize, outputs: usize) -> Vec<LayerShape> {
        let mut shapes = Vec::new();
        let mut width = inputs;
        for layer in 0..=self.hidden.len() {
            let sums = self.hidden.get(layer).copied().unwrap_or(outputs);
            let products =
                vec![2; if layer < self.hidden.len() { self.products.get(layer).copied().unwrap_or(0) } else { 0 }];
            let next = sums + products.len();
            shapes.push(LayerShape {
                inputs: width,
                sums,
                products,
                grid: self.grid,
                degree: self.degree,
                base: self.base,
                noise: self.noise,
            });
            width = next;
        }
        shapes
    }

    pub(super) fn regularization(&self) -> Regularization {
        Regularization {
            metric: self.metric,
            l1: self.lambda_l1,
            entropy: self.lambda_entropy,
            coefficients: self.lambda_coefficients,
            coefficient_differences: self.lambda_coefficient_differences,
        }
    }
}

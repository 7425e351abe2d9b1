//! The perceptron's configuration.

use super::Mlp;
use crate::approximator::FunctionApproximator;
use crate::config::{ApproximatorConfig, BuildError, ComponentDescription, check_size};

/// Layers of `activation(weights · x + bias)` and a linear one, fitted by Adam: `kind = "mlp"`. It has no graph, so it
/// cannot become a formula.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Units of each hidden layer. Default `[64, 64]`.
    pub hidden: Vec<usize>,
    /// What the hidden units compute. Default tanh.
    pub activation: Activation,
    /// Times that Adam goes through all rows. Default 200.
    pub steps: usize,
    /// Adam's learning rate at the start; it falls to 0 along half a cosine. Default 0.003.
    pub learning_rate: f64,
    /// Rows of a mini-batch. Default 64.
    pub batch_rows: usize,
    /// Steps without a better validation loss after which it stops; 0 for never. Default 40.
    pub patience: usize,
}

/// What a hidden unit makes of its sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    pub(super) fn value(self, x: f64) -> f64 {
        match self {
            Self::Tanh => x.tanh(),
            Self::Relu => x.max(0.0),
        }
    }

    /// The derivative where the value is `y`.
    pub(super) fn derivative_at_value(self, y: f64) -> f64 {
        match self {
            Self::Tanh => 1.0 - y * y,
            Self::Relu => f64::from(u8::from(y > 0.0)),
        }
    }
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            activation: Activation::Tanh,
            steps: 200,
            learning_rate: 0.003,
            batch_rows: 64,
            patience: 40,
        }
    }
}

impl MlpConfig {
    /// What it says about itself.
    pub const DESCRIPTION: ComponentDescription = ComponentDescription {
        component: "approximator",
        kind: "mlp",
        summary: "multilayer perceptron: a yardstick for accuracy that cannot become a formula",
        example: "kind = \"mlp\"\nhidden = [64, 64]\nactivation = \"tanh\"\nsteps = 200\n",
        schema: |generator| generator.subschema_for::<MlpConfig>(),
    };

    /// Says what makes no sense in it, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        if self.hidden.contains(&0) {
            return Some("a hidden layer has at least one unit".into());
        }
        if self.batch_rows == 0 {
            return Some("`batch_rows` is at least 1".into());
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Some(format!("`learning_rate` is above 0, not {}", self.learning_rate));
        }
        None
    }
}

#[typetag::serde(name = "mlp")]
impl ApproximatorConfig for MlpConfig {
    fn build(&self, inputs: usize, outputs: usize, seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let error = |reason: String| BuildError { component: "approximator", reason, source: None };
        if let Some(problem) = self.problem() {
            return Err(error(problem));
        }
        if inputs == 0 || outputs == 0 {
            return Err(error(format!("a network of {inputs} inputs and {outputs} outputs computes nothing")));
        }
        let widths: Vec<usize> = [inputs].into_iter().chain(self.hidden.iter().copied()).chain([outputs]).collect();
        check_size(&widths, 1)?;
        Ok(Box::new(Mlp::new(self.clone(), inputs, outputs, seed)))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let mlp = super::read(bytes).map_err(|error| BuildError {
            component: "approximator",
            reason: "the weights cannot be read".into(),
            source: Some(Box::new(error)),
        })?;
        Ok(Box::new(mlp))
    }

    fn has_graph(&self) -> bool {
        false
    }
}

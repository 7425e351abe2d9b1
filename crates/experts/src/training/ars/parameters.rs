use super::ArsConfig;
use crate::network::{Activation, Layer, Mlp};
use crate::training::normalization::{CLIP, EPSILON, RunningMoments};
use crate::{Head, NetworkPolicy, ObservationNormalization};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::random::Generator;
use kanrl_core::space::ActionSpace;

/// Where each layer's numbers lie in the flat list of parameters. A linear policy has no biases, as in the paper; a
/// network has them in every layer.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Widths from the observation to the action.
    widths: Vec<usize>,
}

impl Shape {
    pub fn new(config: &ArsConfig, spec: &EnvironmentSpec) -> Self {
        let mut widths = vec![spec.observation_space.len()];
        widths.extend(&config.net_arch);
        widths.push(spec.action_space.outputs());
        Self { widths }
    }

    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    fn has_biases(&self) -> bool {
        self.widths.len() > 2
    }

    /// Zeros for the last layer, so that the first policy does nothing; hidden layers start at random, scaled to their
    /// inputs.
    pub fn initial(&self, random: &mut Generator) -> Vec<f64> {
        let mut parameters = Vec::new();
        for (index, pair) in self.widths.windows(2).enumerate() {
            let is_last = index + 2 == self.widths.len();
            let scale = if is_last { 0.0 } else { 1.0 / (pair[0] as f64).sqrt() };
            parameters.extend((0..pair[0] * pair[1]).map(|_| scale * random.standard_normal()));
            if self.has_biases() {
                parameters.extend(std::iter::repeat_n(0.0, pair[1]));
            }
        }
        parameters
    }

    pub fn policy(
        &self,
        parameters: &[f64],
        moments: Option<&RunningMoments>,
        spec: &EnvironmentSpec,
        source: String,
    ) -> NetworkPolicy {
        let mut rest: Vec<f32> = parameters.iter().map(|value| *value as f32).collect();
        let mut layers = Vec::new();
        for (index, pair) in self.widths.windows(2).enumerate() {
            let biases = if self.has_biases() { pair[1] } else { 0 };
            let tail = rest.split_off(pair[0] * pair[1] + biases);
            let (weight, bias) = rest.split_at(pair[0] * pair[1]);
            let activation = if index + 2 == self.widths.len() { Activation::Identity } else { Activation::Tanh };
            let bias = self.has_biases().then_some(bias);
            layers.push(Layer::new(pair[0], pair[1], weight, bias, activation).expect("finite numbers that fit"));
            rest = tail;
        }
        let network = Mlp::new(layers).expect("widths that follow one another");
        let head = match spec.action_space {
            ActionSpace::Discrete(_) => Head::Logits,
            ActionSpace::Box(_) => Head::Means,
        };
        let normalization = moments.map(|moments| ObservationNormalization {
            mean: moments.mean.clone(),
            variance: moments.variance.clone(),
            epsilon: EPSILON,
            clip: CLIP,
        });
        NetworkPolicy::new(network, head, spec.action_space.clone(), normalization, None, source)
            .expect("it fits its environment")
    }
}

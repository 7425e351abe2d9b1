//! The gradient against differences of an independent loss in f64.

use super::*;
use crate::network::Activation;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};

const OBSERVATIONS: usize = 3;
const HIDDEN: [usize; 2] = [9, 10];
const ROWS: usize = 70;

/// A network in plain loops: the padded layers' widths are those of the parameter vector.
fn network(parameters: &[f64], sizes: &[usize], activation: Activation, input: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let padded: Vec<usize> = sizes.iter().map(|size| (*size).max(8)).collect();
    let (mut values, mut latent, mut start) = (input.to_vec(), Vec::new(), 0);
    values.resize(padded[0], 0.0);
    for (layer, pair) in padded.windows(2).enumerate() {
        let weights = &parameters[start..start + pair[0] * pair[1]];
        let biases = &parameters[start + weights.len()..start + weights.len() + pair[1]];
        start += weights.len() + biases.len();
        latent.clone_from(&values);
        values = (0..pair[1])
            .map(|output| biases[output] + (0..pair[0]).map(|i| weights[output * pair[0] + i] * latent[i]).sum::<f64>())
            .collect();
        if layer + 2 < padded.len() {
            values.iter_mut().for_each(|value| match activation {
                Activation::Tanh => *value = value.tanh(),
                _ => *value = value.max(0.0),
            });
        }
    }
    (values, latent)
}

/// PPO's loss as the paper and Stable-Baselines3's documentation write it.
fn loss(model: &ActorCritic, parameters: &[f64], samples: &Samples, indices: &[u32], config: &PpoConfig) -> f64 {
    let count = indices.len() as f64;
    let advantages: Vec<f64> = indices.iter().map(|index| samples.advantages[*index as usize].into()).collect();
    let mean = advantages.iter().sum::<f64>() / count;
    let deviation = (advantages.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    let log_std = &parameters[model.log_std_range()];
    let action_size = model.distribution.action_size();
    let outputs = match model.distribution {
        ActionDistribution::Categorical { actions } => actions,
        _ => action_size,
    };
    let sizes = |outputs| [OBSERVATIONS, HIDDEN[0], HIDDEN[1], outputs];
    let mut sum = 0.0;
    for (index, advantage) in indices.iter().zip(&advantages) {
        let index = *index as usize;
        let input: Vec<f64> =
            samples.observations[index * 8..][..OBSERVATIONS].iter().map(|value| f64::from(*value)).collect();
        let action = &samples.actions[index * action_size..][..action_size];
        let activation = config.activation_fn;
        let (output, _) = network(&parameters[model.policy_range()], &sizes(outputs), activation, &input);
        let normal = |difference: f64, variance: f64| {
            let log = 0.5 * (2.0 * std::f64::consts::PI * variance).ln();
            (-0.5 * difference * difference / variance - log, 0.5 + log)
        };
        let (log_probability, entropy) = match model.distribution {
            ActionDistribution::Categorical { actions } => {
                let total: f64 = output[..actions].iter().map(|logit| logit.exp()).sum();
                let entropy = output[..actions].iter().map(|logit| -logit.exp() / total * (logit - total.ln())).sum();
                (output[action[0] as usize] - total.ln(), entropy)
            }
            ActionDistribution::DiagonalGaussian { size } => (0..size).fold((0.0, 0.0), |(p, e), coordinate| {
                let difference = f64::from(action[coordinate]) - output[coordinate];
                let (log_probability, entropy) = normal(difference, (2.0 * log_std[coordinate]).exp());
                (p + log_probability, e + entropy)
            }),
            ActionDistribution::StateDependent { size, latent } => (0..size).fold((0.0, 0.0), |(p, e), coordinate| {
                // No gradient flows through the variance into the network: its input is the unperturbed latent.
                let fixed = &samples_latent(model, samples, index, config)[..latent];
                let terms = fixed.iter().enumerate();
                let variance: f64 =
                    terms.map(|(row, value)| value * value * (2.0 * log_std[row * size + coordinate]).exp()).sum();
                let difference = f64::from(action[coordinate]) - output[coordinate];
                let (log_probability, entropy) = normal(difference, variance + 1e-6);
                (p + log_probability, e + entropy)
            }),
        };
        let ratio = (log_probability - f64::from(samples.log_probabilities[index])).exp();
        let advantage = (advantage - mean) / (deviation + 1e-8);
        let clip = config.clip_range.value(1.0);
        let objective = (ratio * advantage).min(ratio.clamp(1.0 - clip, 1.0 + clip) * advantage);
        let (value, _) = network(&parameters[model.value_range()], &sizes(1), activation, &input);
        let error = value[0] - f64::from(samples.returns[index]);
        sum += -objective - config.ent_coef * entropy + config.vf_coef * error * error;
    }
    sum / count
}

thread_local! {
    static PARAMETERS: std::cell::RefCell<Vec<f64>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// The last hidden layer under the unperturbed parameters.
fn samples_latent(model: &ActorCritic, samples: &Samples, index: usize, config: &PpoConfig) -> Vec<f64> {
    let input: Vec<f64> = samples.observations[index * 8..][..OBSERVATIONS].iter().map(|v| f64::from(*v)).collect();
    let sizes = [OBSERVATIONS, HIDDEN[0], HIDDEN[1], model.distribution.action_size()];
    PARAMETERS
        .with_borrow(|parameters| network(&parameters[model.policy_range()], &sizes, config.activation_fn, &input).1)
}

fn samples(model: &ActorCritic, random: &mut Generator) -> Samples {
    let mut normals = |count: usize| (0..count).map(|_| random.standard_normal() as f32).collect::<Vec<f32>>();
    let mut observations = normals(ROWS * 8);
    observations.chunks_exact_mut(8).for_each(|row| row[OBSERVATIONS..].fill(0.0));
    let mut actions = normals(ROWS * model.distribution.action_size());
    if let ActionDistribution::Categorical { actions: count } = model.distribution {
        actions.iter_mut().for_each(|action| *action = (action.abs() * 10.0).floor() % count as f32);
    }
    let log_probabilities = match model.distribution {
        ActionDistribution::Categorical { .. } => normals(ROWS).iter().map(|value| -1.1 + 0.2 * value).collect(),
        _ => normals(ROWS).iter().map(|value| -3.0 + value).collect(),
    };
    Samples { observations, actions, log_probabilities, advantages: normals(ROWS), returns: normals(ROWS) }
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    let axis = |name: &str| Coordinate::new(name, "1", -1.0, 1.0);
    let vector = ActionSpace::Box(BoxSpace::new(ElementType::F32, vec![axis("a"), axis("b")]));
    let discrete = ActionSpace::Discrete(DiscreteSpace::new(["a", "b", "c"]));
    for (space, use_sde, activation_fn) in
        [(&discrete, false, Activation::Tanh), (&vector, false, Activation::Relu), (&vector, true, Activation::Tanh)]
    {
        let config = PpoConfig {
            use_sde,
            activation_fn,
            net_arch: HIDDEN.to_vec(),
            ent_coef: 0.03,
            vf_coef: 0.4,
            log_std_init: -0.3,
            ortho_init: false,
            ..PpoConfig::default()
        };
        let mut random = Generator::new(5);
        let model = ActorCritic::new(&config, OBSERVATIONS, space).expect("a model");
        let parameters = model.initialize(&config, &mut random);
        let samples = samples(&model, &mut random);
        let indices: Vec<u32> = (0..ROWS as u32).rev().collect();
        let exact: Vec<f64> = parameters.iter().map(|value| f64::from(*value)).collect();
        PARAMETERS.set(exact.clone());
        let mut learner = Learner::new(model, parameters, ROWS);
        learner.gradient(&samples, &indices, &config, 1.0);
        let model = &learner.model;
        let mut compared = 0;
        for (index, gradient) in learner.gradient.iter().enumerate() {
            let difference = {
                let step = 1e-6;
                let at = |offset: f64| {
                    let mut moved = exact.clone();
                    moved[index] += offset;
                    loss(model, &moved, &samples, &indices, &config)
                };
                (at(step) - at(-step)) / (2.0 * step)
            };
            // Padding weights lead to outputs that nothing reads, or start from inputs that are 0.
            compared += usize::from(difference != 0.0);
            let error = (difference - f64::from(*gradient)).abs();
            assert!(
                error < 1e-5 + 1e-4 * difference.abs(),
                "{:?} {index}: {gradient} {difference}",
                model.distribution
            );
        }
        assert!(compared > 200, "{compared} parameters matter");
    }
}

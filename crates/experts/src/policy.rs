//! A network with everything around it: preprocessing in front, the action behind.

use crate::inputs::{InputPart, encode};
use crate::network::Mlp;
use crate::normalization::ObservationNormalization;
use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind};
use kanrl_core::space::ActionSpace;
use std::cell::RefCell;

/// What a network's outputs mean.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Head {
    /// Logits of the discrete actions.
    Logits,
    /// Expected returns of the discrete actions, averaged over `quantiles`: outputs `[quantiles, actions]`.
    QValues {
        /// Number of quantiles, 1 for a plain Q-network.
        quantiles: usize,
    },
    /// The action before clipping to its bounds.
    Means,
    /// `low + (tanh(y) + 1) / 2 · (high − low)`: an action that always lies inside its bounds.
    Squashed {
        /// The network's own limit on `y`, if it has one (gSDE of SAC and TQC).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip_mean: Option<f32>,
    },
    /// Logits of several choices at once, one after the other; the action is a vector of the indices of the first largest.
    Choices {
        /// How many logits each choice has.
        counts: Vec<usize>,
    },
    /// Logits of bits; the action is a vector of 1 where positive and 0 elsewhere.
    Bits,
}

/// The time left, as one more input: `1 − elapsed / max_steps` (sb3-contrib's `TimeFeatureWrapper`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeFeature {
    /// Steps after which it is 0.
    pub max_steps: u32,
}

/// A dense network as a policy.
#[derive(Clone, Debug)]
pub struct NetworkPolicy {
    /// Observation size of the environment, without the time feature.
    observation_size: usize,
    action_space: ActionSpace,
    rule: ActionRule,
    time_feature: Option<TimeFeature>,
    normalization: Option<ObservationNormalization>,
    /// How the observation becomes inputs where that is more than one by one.
    parts: Option<Vec<InputPart>>,
    network: Mlp,
    head: Head,
    source: String,
    notes: Vec<String>,
}

thread_local! {
    /// Inputs and outputs of the network; kept, so that nothing is allocated in a rollout.
    static SCRATCH: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

impl NetworkPolicy {
    /// A policy whose inputs are the observation's coordinates, then the time feature if there is one.
    ///
    /// # Errors
    /// A sentence where sizes do not fit together or a squashed action has no finite bounds.
    pub fn new(
        network: Mlp,
        head: Head,
        action_space: ActionSpace,
        normalization: Option<ObservationNormalization>,
        time_feature: Option<TimeFeature>,
        source: String,
    ) -> Result<Self, String> {
        Self::with_parts(network, head, action_space, normalization, time_feature, None, source)
    }

    /// The same for observations of which some numbers become several inputs; `normalization` is of the numbers.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn with_parts(
        network: Mlp,
        head: Head,
        action_space: ActionSpace,
        normalization: Option<ObservationNormalization>,
        time_feature: Option<TimeFeature>,
        parts: Option<Vec<InputPart>>,
        source: String,
    ) -> Result<Self, String> {
        let parts = parts.filter(|parts| parts.iter().any(|part| matches!(part, InputPart::OneHot { .. })));
        let inputs = match &parts {
            None => network.inputs(),
            Some(parts) => {
                let inputs: usize = parts.iter().map(InputPart::inputs).sum();
                if inputs != network.inputs() {
                    return Err(format!(
                        "the network takes {} inputs, but the observation has {inputs}",
                        network.inputs()
                    ));
                }
                if normalization.is_some() || time_feature.is_some() {
                    return Err("observations that are choices are neither normalized nor told the time".to_owned());
                }
                parts.iter().map(InputPart::numbers).sum()
            }
        };
        if let Some(normalization) = &normalization {
            normalization.check(inputs)?;
        }
        if time_feature.is_some_and(|time| time.max_steps == 0 || inputs < 2) {
            return Err("a time feature needs a time limit above 0 and an observation next to it".to_owned());
        }
        if matches!(head, Head::Squashed { clip_mean: Some(clip) } if clip.is_nan() || clip < 0.0) {
            return Err("the limit on the mean must not be negative".to_owned());
        }
        let actions = action_space.outputs();
        let outputs = match (&head, &action_space) {
            (Head::Logits, ActionSpace::Discrete(_)) | (Head::Means, ActionSpace::Box(_)) => actions,
            (Head::QValues { quantiles }, ActionSpace::Discrete(_)) => actions * quantiles,
            (Head::Squashed { .. }, ActionSpace::Box(space)) => {
                let bounded = |bound: f64| bound.is_finite();
                if !space.coordinates.iter().all(|axis| bounded(axis.low) && bounded(axis.high)) {
                    return Err("a squashed action needs finite bounds".to_owned());
                }
                actions
            }
            (Head::Choices { counts }, ActionSpace::Box(_)) if counts.len() == actions && !counts.contains(&0) => {
                counts.iter().sum()
            }
            (Head::Bits, ActionSpace::Box(_)) => actions,
            _ => return Err(format!("{head:?} does not go with {}", describe_actions(&action_space))),
        };
        if network.outputs() != outputs || actions == 0 {
            return Err(format!(
                "the network has {} outputs, but {} needs {outputs}",
                network.outputs(),
                describe_actions(&action_space)
            ));
        }
        let observation_size = inputs - usize::from(time_feature.is_some());
        let rule = ActionRule::of(&action_space);
        Ok(Self {
            observation_size,
            action_space,
            rule,
            time_feature,
            normalization,
            parts,
            network,
            head,
            source,
            notes: Vec::new(),
        })
    }

    /// The same with something to say about how it was read; see [`ExpertPolicy::notes`].
    #[must_use]
    pub(crate) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// The network inside.
    pub fn network(&self) -> &Mlp {
        &self.network
    }

    /// What its outputs mean.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The observation normalization in front of the network, if any.
    pub fn normalization(&self) -> Option<&ObservationNormalization> {
        self.normalization.as_ref()
    }

    /// Whether some of its observations are numbers of choices, each of which becomes several inputs.
    pub fn encodes_choices(&self) -> bool {
        self.parts.is_some()
    }

    /// The time left as an input, if the network takes it.
    pub fn time_feature(&self) -> Option<TimeFeature> {
        self.time_feature
    }

    /// Runs the network and hands its answers `[rows, actions]` to `use_answers`: logits, Q-values (means over quantiles),
    /// means, or for a squashed action, choices and bits the action itself, since that is what stands in the environment's units.
    fn with_answers(
        &self,
        observations: &[f64],
        elapsed_steps: &[u32],
        use_answers: impl FnOnce(&[f32]),
    ) -> Result<(), PolicyError> {
        let rows = elapsed_steps.len();
        assert_eq!(observations.len(), rows * self.observation_size, "observations and rows");
        // Taken out, not borrowed: while rayon waits inside `forward`, this thread may start another task that acts.
        let [mut inputs, mut outputs] = SCRATCH.take();
        inputs.resize(rows * self.network.inputs(), 0.0);
        outputs.resize(rows * self.network.outputs(), 0.0);
        let mut refused = None;
        let rows_in = inputs.chunks_exact_mut(self.network.inputs());
        for ((input, observation), elapsed) in
            rows_in.zip(observations.chunks_exact(self.observation_size)).zip(elapsed_steps)
        {
            refused = self.preprocess(observation, *elapsed, input).err();
            if refused.is_some() {
                break;
            }
        }
        if let Some(reason) = refused {
            SCRATCH.set([inputs, outputs]);
            return Err(PolicyError::Failed { reason });
        }
        self.network.forward(&inputs, &mut outputs);
        // One pass without branches: the sum of `value * 0` is NaN exactly when some value is not finite.
        let finite = outputs.iter().fold(0.0, |sum, value| sum + value * 0.0) == 0.0;
        let result = if finite {
            self.interpret(&mut outputs);
            use_answers(&outputs[..rows * self.action_space.outputs()]);
            Ok(())
        } else {
            Err(self.not_finite(observations, &outputs))
        };
        SCRATCH.set([inputs, outputs]);
        result
    }

    /// Turns raw outputs into answers, which come to stand at the front.
    fn interpret(&self, outputs: &mut [f32]) {
        match (&self.head, &self.action_space) {
            (Head::Squashed { clip_mean }, ActionSpace::Box(space)) => {
                for row in outputs.chunks_exact_mut(space.len()) {
                    for (output, axis) in row.iter_mut().zip(&space.coordinates) {
                        *output = unsquash(*output, *clip_mean, axis.low as f32, axis.high as f32);
                    }
                }
            }
            (Head::QValues { quantiles }, space) if *quantiles > 1 => {
                let actions = space.outputs();
                for start in (0..outputs.len()).step_by(self.network.outputs()) {
                    for action in 0..actions {
                        let row = &outputs[start..start + self.network.outputs()];
                        // No answer is written over an output that is still to be read.
                        outputs[start / quantiles + action] = mean_quantile(row, actions, action);
                    }
                }
            }
            (Head::Choices { counts }, _) => {
                let (rows, width) = (outputs.len() / self.network.outputs(), self.network.outputs());
                for row in 0..rows {
                    let mut start = row * width;
                    for (choice, count) in counts.iter().enumerate() {
                        let logits = &outputs[start..start + count];
                        let best =
                            (1..*count).fold(0, |best, next| if logits[next] > logits[best] { next } else { best });
                        // Each choice has a logit at least, so that none is written over before it is read.
                        outputs[row * counts.len() + choice] = best as f32;
                        start += count;
                    }
                }
            }
            (Head::Bits, _) => {
                outputs.iter_mut().for_each(|output| *output = f32::from(u8::from(*output > 0.0)));
            }
            _ => {}
        }
    }

    #[inline]
    fn preprocess(&self, observation: &[f64], elapsed: u32, input: &mut [f32]) -> Result<(), String> {
        if let Some(parts) = &self.parts {
            return encode(parts, observation, input);
        }
        let time = self.time_feature.map(|time| 1.0 - f64::from(elapsed) / f64::from(time.max_steps));
        let values = observation.iter().copied().chain(time);
        match &self.normalization {
            Some(normalization) => {
                for (index, (input, value)) in input.iter_mut().zip(values).enumerate() {
                    *input = normalization.apply(index, value);
                }
            }
            None => input.iter_mut().zip(values).for_each(|(input, value)| *input = value as f32),
        }
        Ok(())
    }

    #[cold]
    fn not_finite(&self, observations: &[f64], outputs: &[f32]) -> PolicyError {
        let index = outputs.iter().position(|value| !value.is_finite()).unwrap_or(0);
        let (row, output) = (index / self.network.outputs(), index % self.network.outputs());
        let start = row * self.observation_size;
        let observation = observations[start..start + self.observation_size].to_vec();
        PolicyError::NotFinite { output, value: outputs[index].into(), observation }
    }
}

/// `low + 0.5·(tanh(y) + 1)·(high − low)` in f32, in NumPy's order of operations.
fn unsquash(mean: f32, clip_mean: Option<f32>, low: f32, high: f32) -> f32 {
    let clip = clip_mean.unwrap_or(f32::INFINITY);
    let squashed = mean.clamp(-clip, clip).tanh();
    low + 0.5 * (squashed + 1.0) * (high - low)
}

/// Mean over the quantiles of one row `[quantiles, actions]` for one action.
fn mean_quantile(row: &[f32], actions: usize, action: usize) -> f32 {
    let quantiles = row.len() / actions;
    row.iter().skip(action).step_by(actions).sum::<f32>() / quantiles as f32
}

impl Policy for NetworkPolicy {
    fn observation_size(&self) -> usize {
        self.observation_size
    }

    fn action_space(&self) -> &ActionSpace {
        &self.action_space
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let rows = elapsed_steps.len();
        self.with_answers(observations, elapsed_steps, |answers| self.rule.act(answers, rows, actions))
    }
}

impl ExpertPolicy for NetworkPolicy {
    fn score_kind(&self) -> Option<ScoreKind> {
        Some(match self.head {
            Head::Logits => ScoreKind::Logits,
            Head::QValues { .. } => ScoreKind::QValues,
            Head::Means | Head::Squashed { .. } | Head::Choices { .. } | Head::Bits => ScoreKind::Means,
        })
    }

    fn scores(&self, observations: &[f64], elapsed_steps: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        assert_eq!(scores.len(), elapsed_steps.len() * self.action_space.outputs(), "rows of scores");
        self.with_answers(observations, elapsed_steps, |answers| {
            scores.iter_mut().zip(answers).for_each(|(score, answer)| *score = (*answer).into());
        })
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// `4 discrete actions` or `2 continuous actions in [-1, 1]`, for messages.
pub(crate) fn describe_actions(space: &ActionSpace) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    match space {
        ActionSpace::Discrete(space) => format!("{} discrete action{}", space.len(), plural(space.len())),
        ActionSpace::Box(space) => {
            let mut intervals: Vec<String> =
                space.coordinates.iter().map(|axis| format!("[{}, {}]", axis.low, axis.high)).collect();
            intervals.dedup();
            format!("{} continuous action{} in {}", space.len(), plural(space.len()), intervals.join(" × "))
        }
    }
}

//! `kind = "onnx"`: a network in ONNX, such as torch exports.
//!
//! The input is a raw observation of floats, `[1, size]` or `[size]`; whatever normalization there is must be part of the
//! network. The first output is the policy: an index of a discrete action (as Stable-Baselines3's documented
//! `OnnxableSB3Policy` gives it), one number for each discrete action (logits: better targets than the indices alone), or the
//! vector action before clipping. Other outputs are not computed.
//!
//! Networks in half precision are computed in singles. A second input is fine where the first output does not need it, as the state of
//! RLlib's feed-forward policies; a policy that needs several, a dictionary of observations or a recurrent state, is refused.
//!
//! Rows are run one by one, so that a row gives the same action regardless of the other rows in the batch. Of ONNX's operators only those
//! that feed-forward policies are made of are accepted: no loops, no recurrence, no random numbers. Shapes must not depend on
//! the observation, and all results together have at most 2²⁴ numbers.

mod half;
mod lengths;
mod sizes;

use crate::ExpertError;
use crate::archive::{read_file, sources};
use crate::policy::describe_actions;
use crate::spaces::{Actions, MAX_ACTIONS};
use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind};
use kanrl_core::space::ActionSpace;
use rten::{Dimension, Model, ModelOptions, NodeId, OpRegistry, RunOptions, ThreadPool, Value, op_types};
use rten_tensor::prelude::*;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// Most operators: rten follows them by recursion, so that their number bounds the stack that it needs.
const MAX_OPERATORS: usize = 1024;
/// Most numbers in an observation, where only the file says how many there are.
const MAX_OBSERVATION_SIZE: usize = 1 << 16;

/// `kind = "onnx"`: a network in ONNX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnnxConfig {
    /// The `.onnx`.
    pub path: PathBuf,
}

#[typetag::serde(name = "onnx")]
impl ExpertConfig for OnnxConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let policy = OnnxPolicy::open(&self.path, environment).map_err(ExpertError::into_build_error)?;
        Ok(Arc::new(policy))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        sources(&[&self.path])
    }
}

/// A network in ONNX as a policy.
pub struct OnnxPolicy {
    network: Network,
    kind: Option<ScoreKind>,
    observation_size: usize,
    action_space: ActionSpace,
    source: String,
}

/// What is in the file.
struct Network {
    model: Model,
    input: NodeId,
    output: NodeId,
    /// Of one thread: networks are small.
    pool: Arc<ThreadPool>,
}

/// What the network answered for a row.
enum Answer {
    Index(usize),
    Numbers(Vec<f32>),
}

impl OnnxPolicy {
    /// Reads a file and asks it for one action, to see whether it fits the environment.
    ///
    /// # Errors
    /// [`ExpertError`] where it cannot be read, uses an operator that is not accepted, or does not fit.
    pub fn open(path: &Path, environment: &EnvironmentSpec) -> Result<Self, ExpertError> {
        Self::read(&path.display().to_string(), read_file(path, MAX_FILE)?, environment)
    }

    /// As [`Self::open`], from the file's content; `file` names it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(file: &str, bytes: Vec<u8>, environment: &EnvironmentSpec) -> Result<Self, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(file, reason);
        let bytes = widened(bytes).map_err(malformed)?;
        let network = Network::read(bytes.clone()).map_err(malformed)?;
        let size = network.observation_size();
        let (observation_size, action_space) = (environment.observation_space.len(), environment.action_space.clone());
        let mismatch = |gives: String| ExpertError::Mismatch {
            file: file.to_owned(),
            policy: format!("{} observations and gives {gives}", size.unwrap_or(observation_size)),
            environment: format!(
                "`{}` has {observation_size} observations and {}",
                environment.id,
                describe_actions(&action_space)
            ),
        };
        if size.is_some_and(|size| size != observation_size) {
            return Err(mismatch("an action for them".to_owned()));
        }
        caught(|| sizes::check(&network, &bytes, observation_size)).flatten().map_err(malformed)?;
        let answer = network.answer(&vec![0.0; observation_size]).map_err(|error| malformed(error.to_string()))?;
        let kind = match (&answer, &action_space) {
            (Answer::Index(action), ActionSpace::Discrete(space)) if *action < space.len() => None,
            (Answer::Numbers(values), ActionSpace::Discrete(space)) if values.len() == space.len() => {
                Some(ScoreKind::Logits)
            }
            (Answer::Numbers(values), ActionSpace::Box(space)) if values.len() == space.len() => Some(ScoreKind::Means),
            (Answer::Index(action), _) => return Err(mismatch(format!("the discrete action {action}"))),
            (Answer::Numbers(values), _) => return Err(mismatch(format!("{} numbers", values.len()))),
        };
        Ok(Self { network, kind, observation_size, action_space, source: file.to_owned() })
    }

    /// The policy without an environment. A whole number is a discrete action; floats are taken as they are, since the file
    /// does not say whether they are a vector action or scores.
    ///
    /// # Errors
    /// As [`Self::open`]; also where the file does not say how many numbers an observation has.
    pub fn standalone(path: &Path) -> Result<Self, ExpertError> {
        let source = path.display().to_string();
        let malformed = |reason: String| ExpertError::malformed(&source, reason);
        let bytes = widened(read_file(path, MAX_FILE)?).map_err(malformed)?;
        let network = Network::read(bytes.clone()).map_err(malformed)?;
        let observation_size = match network.observation_size() {
            Some(size @ 1..=MAX_OBSERVATION_SIZE) => size,
            Some(size) => return Err(malformed(format!("takes {size} numbers; expected 1 to {MAX_OBSERVATION_SIZE}"))),
            None => {
                return Err(malformed("does not define the size of its observations; name the environment".to_owned()));
            }
        };
        caught(|| sizes::check(&network, &bytes, observation_size)).flatten().map_err(malformed)?;
        let answer = network.answer(&vec![0.0; observation_size]).map_err(|error| malformed(error.to_string()))?;
        let (kind, actions) = match answer {
            Answer::Index(_) => (None, Actions::Discrete { count: MAX_ACTIONS }),
            Answer::Numbers(values) if values.is_empty() => return Err(malformed("gives no numbers".to_owned())),
            Answer::Numbers(values) => {
                let (low, high) = (vec![f64::NEG_INFINITY; values.len()], vec![f64::INFINITY; values.len()]);
                (Some(ScoreKind::Means), Actions::Box { low, high })
            }
        };
        Ok(Self { network, kind, observation_size, action_space: actions.to_space(), source })
    }

    /// Finite numbers, as many as the action space has outputs.
    fn numbers(&self, observation: &[f64]) -> Result<Vec<f32>, PolicyError> {
        match self.network.answer(observation)? {
            Answer::Numbers(values) if values.len() == self.action_space.outputs() => {
                match values.iter().position(|value| !value.is_finite()) {
                    None => Ok(values),
                    Some(output) => Err(PolicyError::NotFinite {
                        output,
                        value: values[output].into(),
                        observation: observation.to_vec(),
                    }),
                }
            }
            _ => Err(PolicyError::Failed { reason: "its output changes its shape".to_owned() }),
        }
    }

    /// The answer of a network that chooses by itself.
    fn action(&self, observation: &[f64], count: usize) -> Result<usize, PolicyError> {
        match self.network.answer(observation)? {
            Answer::Index(action) if action < count => Ok(action),
            Answer::Index(action) => Err(PolicyError::Failed { reason: format!("the action {action} of {count}") }),
            Answer::Numbers(_) => Err(PolicyError::Failed { reason: "its output changes its type".to_owned() }),
        }
    }
}

impl Network {
    fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let needed = sizes::needed_inputs(&bytes)?;
        let mut options = ModelOptions::with_ops(operators());
        // Only what the first output needs is ever computed.
        options.enable_optimization(false);
        let model = caught(|| options.load(bytes))?
            .map_err(|error| format!("is not an ONNX network that can be run: {error}"))?;
        let Some(output) = model.output_ids().first().copied() else {
            return Err("has no output; expected the action".to_owned());
        };
        let name = |id: &NodeId| model.node_info(*id).and_then(|info| info.name()).unwrap_or_default().to_owned();
        let inputs = model.input_ids();
        let is_needed = |id: &&NodeId| inputs.len() == 1 || needed.contains(&name(id));
        let [input] = inputs.iter().filter(is_needed).copied().collect::<Vec<_>>()[..] else {
            let names: Vec<String> = inputs.iter().map(|id| format!("`{}`", name(id))).collect();
            return Err(format!(
                "needs the inputs {}; expected one, the observation as a vector: a policy of a dictionary of observations has to \
                 concatenate them inside of the network, and one with a recurrent state has none that is a function",
                names.join(", ")
            ));
        };
        Ok(Self { model, input, output, pool: Arc::new(ThreadPool::with_num_threads(1)) })
    }

    /// The axes of the observation, where the file says them.
    fn shape(&self) -> Option<Vec<Dimension>> {
        let index = self.model.input_ids().iter().position(|id| *id == self.input)?;
        self.model.input_shape(index)
    }

    /// Numbers in an observation, where the file says it.
    fn observation_size(&self) -> Option<usize> {
        match self.shape()?.last() {
            Some(Dimension::Fixed(size)) => Some(*size),
            _ => None,
        }
    }

    /// The input's shape for one observation; a batch of one where the file says nothing else.
    fn input_shape(&self, observation_size: usize) -> Vec<usize> {
        let axes = self.shape().map_or(2, |shape| shape.len()).max(1);
        let mut shape = vec![1; axes];
        shape[axes - 1] = observation_size;
        shape
    }

    fn answer(&self, observation: &[f64]) -> Result<Answer, PolicyError> {
        let failed = |reason: String| PolicyError::Failed { reason };
        let row: Vec<f32> = observation.iter().map(|value| *value as f32).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let input = Value::from_shape(self.input_shape(row.len()), row).map_err(|error| failed(error.to_string()))?;
        let run = || self.model.run(vec![(self.input, input.into())], &[self.output], Some(options));
        let mut outputs = caught(run).map_err(failed)?.map_err(|error| failed(error.to_string()))?;
        match outputs.pop() {
            Some(Value::FloatTensor(values)) => Ok(Answer::Numbers(values.to_vec())),
            Some(Value::Int32Tensor(values)) => match values.to_vec()[..] {
                [action] => {
                    usize::try_from(action).map(Answer::Index).map_err(|_| failed(format!("the action {action}")))
                }
                _ => Err(failed("it returns several integers; expected one action".to_owned())),
            },
            _ => Err(failed("it returns neither floats nor integers".to_owned())),
        }
    }
}

impl Policy for OnnxPolicy {
    fn observation_size(&self) -> usize {
        self.observation_size
    }

    fn action_space(&self) -> &ActionSpace {
        &self.action_space
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let rows = observations.chunks_exact(self.observation_size);
        if self.kind.is_some() {
            let mut numbers = Vec::with_capacity(elapsed_steps.len() * self.action_space.outputs());
            for row in rows {
                numbers.extend(self.numbers(row)?);
            }
            ActionRule::of(&self.action_space).act(&numbers, elapsed_steps.len(), actions);
            return Ok(());
        }
        actions.resize(elapsed_steps.len());
        let ActionBatch::Discrete(actions) = actions else {
            panic!("the batch is not made for {}", describe_actions(&self.action_space))
        };
        for (action, row) in actions.iter_mut().zip(rows) {
            *action = self.action(row, self.action_space.outputs())?;
        }
        Ok(())
    }
}

impl ExpertPolicy for OnnxPolicy {
    fn score_kind(&self) -> Option<ScoreKind> {
        self.kind
    }

    fn scores(&self, observations: &[f64], _elapsed_steps: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        if self.kind.is_none() {
            return Err(PolicyError::NoScores);
        }
        let rows = observations.chunks_exact(self.observation_size);
        for (scores, row) in scores.chunks_exact_mut(self.action_space.outputs()).zip(rows) {
            scores.iter_mut().zip(self.numbers(row)?).for_each(|(score, value)| *score = value.into());
        }
        Ok(())
    }

    fn source(&self) -> &str {
        &self.source
    }
}

/// The file with singles for halves, once its lengths hold.
fn widened(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    lengths::check(&bytes)?;
    half::widened(&bytes)
}

/// Runs the library on a file of somebody else's. It panics where it trusts arithmetic: the least whole number divided by −1,
/// say. That must not end the process. What a panic leaves behind is not used again, or only to fail again: a network that
/// panics while it is read is dropped, and one that panics later gives an error for that row.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "contradicts itself: it is damaged".to_owned())
}

/// What feed-forward policies are made of.
fn operators() -> OpRegistry {
    macro_rules! register {
        ($($operator:ident)*) => { OpRegistry::with_ops(&[$(&op_types::$operator),*]) };
    }
    register!(
        Abs Acos Add And ArgMax ArgMin Asin Atan BatchNormalization Cast Ceil Clip Concat ConstantOfShape Cos Div Elu Equal Erf Exp
        Expand Flatten Floor Gather GatherElements Gelu Gemm Greater GreaterOrEqual HardSigmoid HardSwish Identity
        LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max Mean Min Mul Neg Not Or Pow PRelu Reciprocal
        ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Round Shape
        Sigmoid Sign Sin Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tan Tanh TopK Transpose Unsqueeze Where
    )
}

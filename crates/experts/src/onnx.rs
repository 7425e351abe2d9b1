//! `kind = "onnx"`: a network in ONNX, such as torch exports.
//!
//! The input is a batch of raw observations `[1, size]` of floats; whatever normalisation there is must be part of the
//! network. The first output is the policy: an index of a discrete action (as Stable-Baselines3's documented
//! `OnnxableSB3Policy` gives it), one number for each discrete action (logits: better targets than the indices alone), or the
//! vector action before clipping. Other outputs are not computed.
//!
//! Rows are run one by one, so that a row gives the same action whatever stands beside it. Of ONNX's operators only those
//! that feed-forward policies are made of are accepted: no loops, no recurrence, no random numbers.

use crate::ExpertError;
use crate::archive::{read_file, sources};
use crate::policy::describe_actions;
use kan_core::action::{ActionBatch, argmax};
use kan_core::config::{BuildError, ExpertConfig, ExpertSource};
use kan_core::environment::EnvironmentSpec;
use kan_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind};
use kan_core::space::ActionSpace;
use rten::{Dimension, Model, ModelOptions, NodeId, OpRegistry, RunOptions, ThreadPool, Value, op_types};
use rten_tensor::prelude::*;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file, in bytes.
const MAX_FILE: u64 = 64 << 20;

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
    model: Model,
    input: NodeId,
    output: NodeId,
    /// Of one thread: networks are small.
    pool: Arc<ThreadPool>,
    kind: Option<ScoreKind>,
    observation_size: usize,
    action_space: ActionSpace,
    source: String,
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
        let mut options = ModelOptions::with_ops(operators());
        // Only what the first output needs is ever computed.
        options.enable_optimization(false);
        let model = caught(|| options.load(bytes))
            .map_err(malformed)?
            .map_err(|error| malformed(format!("is no ONNX network that can be run: {error}")))?;
        let ([input], [output, ..]) = (model.input_ids(), model.output_ids()) else {
            let (inputs, outputs) = (model.input_ids().len(), model.output_ids().len());
            return Err(malformed(format!(
                "has {inputs} inputs and {outputs} outputs; expected one input, the observation"
            )));
        };
        let (input, output) = (*input, *output);
        let size = model.input_shape(0).and_then(|shape| match shape.last() {
            Some(Dimension::Fixed(size)) => Some(*size),
            _ => None,
        });
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
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let mut policy = Self {
            model,
            input,
            output,
            pool,
            kind: None,
            observation_size,
            action_space: action_space.clone(),
            source: file.to_owned(),
        };
        let answer = policy.answer(&vec![0.0; observation_size]).map_err(|error| malformed(error.to_string()))?;
        policy.kind = match (&answer, &action_space) {
            (Answer::Index(action), ActionSpace::Discrete(space)) if *action < space.len() => None,
            (Answer::Numbers(values), ActionSpace::Discrete(space)) if values.len() == space.len() => {
                Some(ScoreKind::Logits)
            }
            (Answer::Numbers(values), ActionSpace::Box(space)) if values.len() == space.len() => Some(ScoreKind::Means),
            (Answer::Index(action), _) => return Err(mismatch(format!("the discrete action {action}"))),
            (Answer::Numbers(values), _) => return Err(mismatch(format!("{} numbers", values.len()))),
        };
        Ok(policy)
    }

    fn answer(&self, observation: &[f64]) -> Result<Answer, PolicyError> {
        let failed = |reason: String| PolicyError::Failed { reason };
        let row: Vec<f32> = observation.iter().map(|value| *value as f32).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let input = Value::from_shape([1, row.len()], row).map_err(|error| failed(error.to_string()))?;
        let run = || self.model.run(vec![(self.input, input.into())], &[self.output], Some(options));
        let mut outputs = caught(run).map_err(failed)?.map_err(|error| failed(error.to_string()))?;
        match outputs.pop() {
            Some(Value::FloatTensor(values)) => Ok(Answer::Numbers(values.to_vec())),
            Some(Value::Int32Tensor(values)) => match values.to_vec()[..] {
                [action] => {
                    usize::try_from(action).map(Answer::Index).map_err(|_| failed(format!("the action {action}")))
                }
                _ => Err(failed("it gives several whole numbers; expected one action".to_owned())),
            },
            _ => Err(failed("it gives neither floats nor whole numbers".to_owned())),
        }
    }

    /// Finite numbers, as many as the action space has outputs.
    fn numbers(&self, observation: &[f64]) -> Result<Vec<f32>, PolicyError> {
        match self.answer(observation)? {
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

    fn action(&self, observation: &[f64], count: usize) -> Result<usize, PolicyError> {
        if self.kind.is_some() {
            let scores: Vec<f64> = self.numbers(observation)?.into_iter().map(f64::from).collect();
            return Ok(argmax(&scores));
        }
        match self.answer(observation)? {
            Answer::Index(action) if action < count => Ok(action),
            Answer::Index(action) => Err(PolicyError::Failed { reason: format!("the action {action} of {count}") }),
            Answer::Numbers(_) => Err(PolicyError::Failed { reason: "its output changes its type".to_owned() }),
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
        actions.resize(elapsed_steps.len());
        let rows = observations.chunks_exact(self.observation_size);
        match (actions, &self.action_space) {
            (ActionBatch::Discrete(actions), ActionSpace::Discrete(space)) => {
                for (action, row) in actions.iter_mut().zip(rows) {
                    *action = self.action(row, space.len())?;
                }
            }
            (ActionBatch::Continuous { values, size }, ActionSpace::Box(space)) if *size == space.len() => {
                for (values, row) in values.chunks_exact_mut(*size).zip(rows) {
                    values.copy_from_slice(&self.numbers(row)?);
                    space.clip(values);
                }
            }
            _ => panic!("the batch is not made for {}", describe_actions(&self.action_space)),
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

/// A damaged file must not end the process, whatever the library asserts on the way; none of the tests' files makes it panic.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "contradicts itself: it is damaged".to_owned())
}

/// What feed-forward policies are made of.
fn operators() -> OpRegistry {
    macro_rules! register {
        ($($operator:ident)*) => { OpRegistry::with_ops(&[$(&op_types::$operator),*]) };
    }
    register!(
        Abs Add And ArgMax ArgMin BatchNormalization Cast Ceil Clip Concat ConstantOfShape Cos Div Elu Equal Erf Exp
        Expand Flatten Floor Gather GatherElements Gelu Gemm Greater GreaterOrEqual HardSigmoid HardSwish Identity
        LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max Mean Min Mul Neg Not Or Pow PRelu Reciprocal
        ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Round Shape
        Sigmoid Sign Sin Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tan Tanh TopK Transpose Unsqueeze Where
    )
}

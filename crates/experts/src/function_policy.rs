//! Formulas and fitted networks as policies.

use crate::ExpertError;
use crate::policy::describe_actions;
use crate::spaces::{Actions, check_fit};
use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::approximator::FunctionApproximator;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind, all_finite};
use kanrl_core::space::ActionSpace;
use kanrl_core::suggest;
use kanrl_symbolic::{Formula, SymbolicError, Tape};
use std::cell::Cell;

/// What computes the outputs.
enum Function {
    Formula(Tape),
    Approximator(Box<dyn FunctionApproximator>),
}

/// A function of the environment's own observations as a policy: the largest output, or the outputs clipped to the
/// action's bounds. Discrete actions can also have one output less than there are actions: how much better each one is
/// than action 0. With two actions, the sign of the only output chooses.
pub struct FunctionPolicy {
    function: Function,
    observation_size: usize,
    outputs: usize,
    rule: ActionRule,
    action_space: ActionSpace,
    source: String,
}

impl FunctionPolicy {
    /// A formula in an environment; its variables are the names of the environment's observation coordinates.
    /// `source` names it in errors and reports.
    ///
    /// # Errors
    /// [`ExpertError`] where a variable is not among the observations or the outputs do not fit the actions.
    pub fn from_formula(formula: &Formula, environment: &EnvironmentSpec, source: String) -> Result<Self, ExpertError> {
        let outputs = formula.outputs().len();
        let names = environment.observation_space.names();
        check_fit(&source, names.len(), &actions(formula), environment)?;
        // Compiled over the environment's names: the order of the formula's own list does not matter.
        let tape = Tape::compile(&formula.expressions(), &names).map_err(|error| match error {
            SymbolicError::UnknownVariable { name, nearest } => ExpertError::malformed(
                &source,
                format!(
                    "uses `{name}`, which is not an observation of `{}`{}; it has {}",
                    environment.id,
                    suggest::did_you_mean(&nearest),
                    names.join(", ")
                ),
            ),
            error => ExpertError::malformed(&source, format!("cannot be evaluated: {error}")),
        })?;
        Ok(Self::new(Function::Formula(tape), outputs, formula.action().clone(), environment, source))
    }

    /// A formula from text: an expression for each output, separated by `;`. Two discrete actions can have one
    /// expression, whose sign chooses; a vector action is clipped to its bounds.
    ///
    /// # Errors
    /// [`ExpertError`] for a text that is no such formula, or does not fit the environment.
    pub fn from_text(text: &str, environment: &EnvironmentSpec) -> Result<Self, ExpertError> {
        Self::from_formula(&Self::parse(text, environment)?, environment, format!("formula:{text}"))
    }

    /// The formula that [`Self::from_text`] makes a policy of.
    ///
    /// # Errors
    /// As [`Self::from_text`].
    pub fn parse(text: &str, environment: &EnvironmentSpec) -> Result<Formula, ExpertError> {
        let source = format!("formula:{text}");
        let expressions: Vec<&str> = text.split(';').map(str::trim).collect();
        let space = &environment.action_space;
        let action = match space {
            ActionSpace::Discrete(space) if space.len() == 2 && expressions.len() == 1 => ActionRule::Threshold,
            space => ActionRule::of(space),
        };
        if action != ActionRule::Threshold && expressions.len() != space.outputs() {
            let (found, wanted) = (expressions.len(), space.outputs());
            let reason = format!(
                "has {found} expression{}, but {} of `{}` need {wanted}, separated by `;`",
                if found == 1 { "" } else { "s" },
                describe_actions(space),
                environment.id
            );
            return Err(ExpertError::malformed(&source, reason));
        }
        let names = environment.observation_space.names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let outputs: Vec<String> = (0..expressions.len()).map(|index| output_name(index, &names)).collect();
        let outputs: Vec<(&str, &str)> = outputs.iter().map(String::as_str).zip(expressions).collect();
        let parsed = Formula::parse(&names, &outputs, action);
        parsed.map_err(|error| ExpertError::malformed(&source, format!("is not usable: {error}")))
    }

    /// A fitted approximator in an environment.
    ///
    /// # Errors
    /// [`ExpertError::Malformed`] where its inputs or outputs do not fit the environment.
    pub fn from_approximator(
        approximator: Box<dyn FunctionApproximator>,
        environment: &EnvironmentSpec,
        source: String,
    ) -> Result<Self, ExpertError> {
        let (inputs, outputs) = (approximator.inputs(), approximator.outputs());
        let space = &environment.action_space;
        let differences = outputs > 0 && matches!(space, ActionSpace::Discrete(space) if space.len() == outputs + 1);
        if inputs != environment.observation_space.len() || (outputs != space.outputs() && !differences) {
            return Err(ExpertError::Mismatch {
                file: source,
                policy: format!("{inputs} observations and gives {outputs} outputs"),
                environment: format!(
                    "`{}` has {} observations and {}",
                    environment.id,
                    environment.observation_space.len(),
                    describe_actions(space)
                ),
            });
        }
        let rule = if differences { ActionRule::of_differences(space) } else { ActionRule::of(space) };
        Ok(Self::new(Function::Approximator(approximator), outputs, rule, environment, source))
    }

    fn new(
        function: Function,
        outputs: usize,
        rule: ActionRule,
        environment: &EnvironmentSpec,
        source: String,
    ) -> Self {
        let observation_size = environment.observation_space.len();
        Self { function, observation_size, outputs, rule, action_space: environment.action_space.clone(), source }
    }

    /// Hands the checked outputs `[rows, outputs]` to `use_outputs`.
    fn with_outputs(
        &self,
        observations: &[f64],
        rows: usize,
        use_outputs: impl FnOnce(&[f64]),
    ) -> Result<(), PolicyError> {
        thread_local! {
            /// Kept, so that nothing is allocated in a rollout.
            static OUTPUTS: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
        }
        assert_eq!(observations.len(), rows * self.observation_size, "observations and rows");
        let mut outputs = OUTPUTS.take();
        outputs.resize(rows * self.outputs, 0.0);
        match &self.function {
            Function::Formula(tape) => tape.evaluate(observations, &mut outputs),
            Function::Approximator(approximator) => approximator.predict(observations, &mut outputs),
        }
        let bad = if all_finite(&outputs) { None } else { outputs.iter().position(|value| !value.is_finite()) };
        let result = match bad {
            None => {
                use_outputs(&outputs);
                Ok(())
            }
            Some(index) => {
                let start = index / self.outputs * self.observation_size;
                let observation = observations[start..start + self.observation_size].to_vec();
                Err(PolicyError::NotFinite { output: index % self.outputs, value: outputs[index], observation })
            }
        };
        OUTPUTS.set(outputs);
        result
    }
}

/// The action space that a formula is for.
pub(crate) fn actions(formula: &Formula) -> Actions {
    match formula.action() {
        ActionRule::Argmax => Actions::Discrete { count: formula.outputs().len() },
        ActionRule::Threshold => Actions::Discrete { count: 2 },
        ActionRule::Clip { low, high } => Actions::Box { low: low.clone(), high: high.clone() },
    }
}

/// `a_0`, `a_1`, …, with underscores where an observation has that name.
fn output_name(index: usize, taken: &[&str]) -> String {
    let mut name = format!("a_{index}");
    while taken.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

impl Policy for FunctionPolicy {
    fn observation_size(&self) -> usize {
        self.observation_size
    }

    fn action_space(&self) -> &ActionSpace {
        &self.action_space
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let rows = elapsed_steps.len();
        self.with_outputs(observations, rows, |outputs| self.rule.act(outputs, rows, actions))
    }
}

impl ExpertPolicy for FunctionPolicy {
    fn score_kind(&self) -> Option<ScoreKind> {
        Some(match self.action_space {
            ActionSpace::Discrete(_) => ScoreKind::Logits,
            ActionSpace::Box(_) => ScoreKind::Means,
        })
    }

    /// The outputs; where they are differences to action 0, 0 and then they.
    fn scores(&self, observations: &[f64], elapsed_steps: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        assert_eq!(scores.len(), elapsed_steps.len() * self.action_space.outputs(), "rows of scores");
        self.with_outputs(observations, elapsed_steps.len(), |outputs| {
            if self.rule == ActionRule::Threshold {
                for (row, outputs) in scores.chunks_exact_mut(self.outputs + 1).zip(outputs.chunks_exact(self.outputs))
                {
                    row[0] = 0.0;
                    row[1..].copy_from_slice(outputs);
                }
            } else {
                scores.copy_from_slice(outputs);
            }
        })
    }

    fn source(&self) -> &str {
        &self.source
    }
}

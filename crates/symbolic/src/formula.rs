//! A policy in closed form: one expression for each output, and what is done with their values.

use crate::expression::{Curve, Expression, Node, SymbolicError, check_name};
use crate::tape::Tape;
use kanrl_core::action::{ActionBatch, ActionRule};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Version of the format that `formula.json` is written in.
pub const FORMAT_VERSION: u32 = 1;

/// A policy in closed form, and all that its printed text says: what `formula.json` holds, what is evaluated, and what
/// every export is made from.
///
/// ```
/// use kanrl_symbolic::{ActionRule, Formula};
/// let formula = Formula::parse(&["theta", "theta_dot"], &[("a", "3*theta + theta_dot")], ActionRule::Threshold)?;
/// let mut scores = [0.0];
/// formula.compile()?.evaluate(&[0.1, -0.2], &mut scores);
/// assert!((scores[0] - 0.1).abs() < 1e-12);
/// assert_eq!(formula.to_string(), "a = 3*theta + theta_dot\naction = argmax(0, a) = 1 if a > 0 else 0");
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FormulaFile", into = "FormulaFile")]
pub struct Formula {
    inputs: Vec<String>,
    outputs: Vec<Output>,
    action: ActionRule,
    /// What each discrete action is called; empty where numbers are all they have.
    labels: Vec<String>,
}

/// One named output of a [`Formula`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name (`a_0`).
    pub name: String,
    /// Its value.
    pub expression: Expression,
}

/// The file's form of a formula.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormulaFile {
    format_version: u32,
    inputs: Vec<String>,
    outputs: Vec<Output>,
    action: ActionRule,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
}

impl From<Formula> for FormulaFile {
    fn from(formula: Formula) -> Self {
        let Formula { inputs, outputs, action, labels } = formula;
        Self { format_version: FORMAT_VERSION, inputs, outputs, action, labels }
    }
}

impl TryFrom<FormulaFile> for Formula {
    type Error = SymbolicError;

    fn try_from(file: FormulaFile) -> Result<Self, SymbolicError> {
        if file.format_version != FORMAT_VERSION {
            return Err(SymbolicError::Invalid(format!(
                "the formula has format version {}; this program reads version {FORMAT_VERSION}",
                file.format_version
            )));
        }
        let formula = Self::new(file.inputs, file.outputs, file.action)?;
        if file.labels.is_empty() { Ok(formula) } else { formula.with_labels(file.labels) }
    }
}

impl Formula {
    /// A formula of its parts.
    ///
    /// # Errors
    /// [`SymbolicError`] for bad or repeated names, an expression that uses a variable that is not an input, no output, or
    /// an action rule that does not fit the number of outputs.
    pub fn new(inputs: Vec<String>, outputs: Vec<Output>, action: ActionRule) -> Result<Self, SymbolicError> {
        let names: Vec<&String> = inputs.iter().chain(outputs.iter().map(|output| &output.name)).collect();
        for (index, name) in names.iter().enumerate() {
            check_name(name)?;
            if names[..index].contains(name) {
                return Err(SymbolicError::Invalid(format!("`{name}` names two inputs or outputs")));
            }
        }
        for output in &outputs {
            output.expression.check()?;
        }
        let invalid = |message: String| Err(SymbolicError::Invalid(message));
        match &action {
            ActionRule::Argmax if outputs.len() < 2 => return invalid("an argmax needs two or more outputs".into()),
            ActionRule::Threshold if outputs.len() != 1 => {
                return invalid(format!("a threshold needs one output, not {}", outputs.len()));
            }
            ActionRule::Clip { low, high } => {
                if outputs.is_empty() || low.len() != outputs.len() || high.len() != outputs.len() {
                    let (low, high) = (low.len(), high.len());
                    return invalid(format!("{} outputs with {low} lower and {high} upper bounds", outputs.len()));
                }
                let disordered = |(low, high): &(&f64, &f64)| low.is_nan() || high.is_nan() || low > high;
                if let Some((low, high)) = low.iter().zip(high).find(disordered) {
                    return invalid(format!("the bounds {low} and {high} are not in order"));
                }
            }
            _ => {}
        }
        let formula = Self { inputs, outputs, action, labels: Vec::new() };
        formula.compile()?;
        Ok(formula)
    }

    /// The same formula with what each discrete action is called, in the order of their numbers: printed instead of the numbers.
    ///
    /// # Errors
    /// [`SymbolicError`] for a vector action, another number of labels than of actions, and labels that are not names.
    pub fn with_labels(mut self, labels: Vec<String>) -> Result<Self, SymbolicError> {
        let actions = match self.action {
            ActionRule::Argmax => self.outputs.len(),
            ActionRule::Threshold => 2,
            ActionRule::Clip { .. } => return Err(SymbolicError::Invalid("a vector action has no labels".into())),
        };
        if labels.len() != actions {
            return Err(SymbolicError::Invalid(format!("{} labels for {actions} actions", labels.len())));
        }
        labels.iter().try_for_each(|label| check_name(label))?;
        self.labels = labels;
        Ok(self)
    }

    /// What each discrete action is called, in the order of their numbers; empty where numbers are all they have.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// A formula from text: names of the inputs, then name and expression of each output.
    ///
    /// # Errors
    /// As [`Self::new`], and [`SymbolicError::Parse`].
    pub fn parse(inputs: &[&str], outputs: &[(&str, &str)], action: ActionRule) -> Result<Self, SymbolicError> {
        let outputs = outputs
            .iter()
            .map(|(name, text)| Ok(Output { name: (*name).to_owned(), expression: text.parse()? }))
            .collect::<Result<_, SymbolicError>>()?;
        Self::new(inputs.iter().map(|name| (*name).to_owned()).collect(), outputs, action)
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for anything else, another version, or parts that do not fit together.
    pub fn from_json(text: &str) -> Result<Self, SymbolicError> {
        serde_json::from_str(text).map_err(|error| SymbolicError::Invalid(format!("not a formula: {error}")))
    }

    /// The formula as JSON: `formula.json`.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a formula was checked when it was made");
        text.push('\n');
        text
    }

    /// Names of the inputs, in the order of an observation's coordinates.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The outputs.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// How the outputs become an action.
    pub fn action(&self) -> &ActionRule {
        &self.action
    }

    /// The same formula with other expressions, one for each output.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_expressions(&self, expressions: Vec<Expression>) -> Result<Self, SymbolicError> {
        if expressions.len() != self.outputs.len() {
            let (found, wanted) = (expressions.len(), self.outputs.len());
            return Err(SymbolicError::Invalid(format!("{found} expressions for {wanted} outputs")));
        }
        let named = self.outputs.iter().zip(expressions);
        let outputs = named.map(|(output, expression)| Output { name: output.name.clone(), expression }).collect();
        let formula = Self::new(self.inputs.clone(), outputs, self.action.clone())?;
        Ok(Self { labels: self.labels.clone(), ..formula })
    }

    /// The outputs' expressions.
    pub fn expressions(&self) -> Vec<Expression> {
        self.outputs.iter().map(|output| output.expression.clone()).collect()
    }

    /// The curves of all outputs, each once, in the order in which they are met: what exports call f₁, f₂, …
    pub fn curves(&self) -> Vec<Arc<Curve>> {
        let mut curves: Vec<Arc<Curve>> = Vec::new();
        for curve in self.outputs.iter().flat_map(|output| output.expression.curves()) {
            if !curves.contains(&curve) {
                curves.push(curve);
            }
        }
        curves
    }

    /// Operations of all outputs together, the action rule apart; see [`Expression::operations`].
    pub fn operations(&self) -> usize {
        self.outputs.iter().map(|output| output.expression.operations()).sum()
    }

    /// The outputs' values, compiled for batches: `[rows, inputs] -> [rows, outputs]`, before the action rule.
    ///
    /// # Errors
    /// [`SymbolicError::UnknownVariable`] for a variable that is not an input.
    pub fn compile(&self) -> Result<Tape, SymbolicError> {
        Tape::compile(&self.expressions(), &self.inputs)
    }

    /// Writes the actions that the outputs' values lead to.
    ///
    /// # Shapes
    /// `values` `[rows, outputs]`, row-major, as [`Self::compile`]d tape gives them; `actions` is resized to `rows`.
    ///
    /// # Panics
    /// If the lengths do not fit together, or `actions` is of the other kind.
    pub fn act(&self, values: &[f64], actions: &mut ActionBatch) {
        self.action.act(values, values.len() / self.outputs.len(), actions);
    }

    /// Names of the inputs that some output uses.
    pub fn used_inputs(&self) -> impl Iterator<Item = &str> {
        let uses = |name: &str| {
            let is_it = |node: &Node| matches!(node, Node::Variable(variable) if **variable == *name);
            self.outputs.iter().any(|output| output.expression.nodes().iter().any(is_it))
        };
        self.inputs.iter().map(String::as_str).filter(move |name| uses(name))
    }
}

//! The one policy type: formulas, networks and experts.

use crate::environments;
use crate::errors;
use crate::experts;
use crate::observations::{self, Observations};
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::{ExpertPolicy, ScoreKind};
use kanrl_core::space::ActionSpace;
use kanrl_experts::{PolicyOptions, StandalonePolicy};
use kanrl_pipeline::run::PolicySource;
use kanrl_symbolic::{Expression, Format, Formula, export};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows from which on the interpreter's lock is released.
const MANY_ROWS: usize = 64;

/// Chooses actions for observations. `str()` of a formula is the formula.
#[pyclass(frozen, module = "kanrl", subclass)]
pub struct Policy {
    policy: Arc<dyn ExpertPolicy>,
    /// Names of the observation's coordinates, empty where they are not known.
    names: Vec<String>,
    formula: Option<Formula>,
    made: Made,
}

/// How it is made again, in another process.
#[derive(Clone)]
enum Made {
    Formula,
    Reference {
        text: String,
        environment: Option<String>,
    },
    /// From what lives in this process only.
    Here,
}

/// The function that makes it again, and its arguments.
type Pickled<'py> = (Bound<'py, PyAny>, (String, Option<String>));

impl Policy {
    /// A policy that cannot be pickled.
    pub fn of_this_process(policy: Arc<dyn ExpertPolicy>, names: Vec<String>) -> Self {
        Self { policy, names, formula: None, made: Made::Here }
    }

    /// A formula.
    ///
    /// # Errors
    /// `kanrl.InputError` where it cannot be evaluated.
    pub fn of_formula(formula: Formula) -> PyResult<Self> {
        let made = StandalonePolicy::of_formula(&formula, "a formula".to_owned()).map_err(errors::input)?;
        let StandalonePolicy { policy, observation_names: names, .. } = made;
        Ok(Self { policy, names, formula: Some(formula), made: Made::Formula })
    }

    /// Loads what a text names, for an environment where the text alone does not say enough.
    ///
    /// # Errors
    /// `kanrl.InputError`.
    pub fn load(text: &str, environment: Option<&EnvironmentSpec>) -> PyResult<Self> {
        let reference: PolicySource = text.parse().map_err(errors::input)?;
        let formula = reference.formula(environment).map_err(errors::input)?;
        if let (Some(formula), None) = (&formula, environment) {
            return Self::of_formula(formula.clone());
        }
        let (policy, names) = match environment {
            Some(environment) => {
                (reference.resolve(environment).map_err(errors::input)?, environment.observation_space.names())
            }
            None => {
                let StandalonePolicy { policy, observation_names, .. } =
                    reference.standalone(&PolicyOptions::default()).map_err(errors::input)?;
                (policy, observation_names)
            }
        };
        let environment = environment.map(|environment| serde_json::to_string(environment).expect("a spec serializes"));
        Ok(Self { policy, names, formula, made: Made::Reference { text: text.to_owned(), environment } })
    }

    pub fn policy(&self) -> &Arc<dyn ExpertPolicy> {
        &self.policy
    }

    fn formula(&self) -> PyResult<&Formula> {
        let help = "run.formula, run.faithful, run.polished, and the items of run.front are formulas";
        let message = || format!("`{}` is not a formula", self.policy.source());
        self.formula.as_ref().ok_or_else(|| errors::input_with_help(message(), help))
    }

    fn export(&self, format: Format) -> PyResult<String> {
        export(self.formula()?, format).map_err(errors::run)
    }

    /// Places of the constants that have names, over all outputs.
    fn free_constants(formula: &Formula) -> Vec<f64> {
        let of = |expression: &Expression| {
            let fixed: Vec<bool> = expression.fixed_constants().collect();
            expression.constants().zip(fixed).filter(|(_, fixed)| !fixed).map(|(value, _)| value).collect::<Vec<_>>()
        };
        formula.expressions().iter().flat_map(of).collect()
    }
}

#[pymethods]
impl Policy {
    /// Actions for one observation `[size]` or for several `[rows, size]`, and `state` as it was given.
    ///
    /// The contract is Stable-Baselines3's: int64 for discrete actions, clipped float32 vectors otherwise. Every policy is
    /// deterministic and has no memory, so that `state`, `episode_start` and `deterministic` change nothing.
    /// `elapsed_steps` (0 where it is not given) is for the few experts that are told the time.
    #[pyo3(signature = (observation, state=None, episode_start=None, deterministic=true, *, elapsed_steps=None))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        observation: &Bound<'py, PyAny>,
        state: Option<Bound<'py, PyAny>>,
        episode_start: Option<Bound<'py, PyAny>>,
        deterministic: bool,
        elapsed_steps: Option<Vec<u32>>,
    ) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        let _ = (episode_start, deterministic);
        let given = Observations::read(observation, self.policy.observation_size(), &self.names)?;
        let elapsed = self.elapsed(elapsed_steps, given.rows)?;
        let mut actions = ActionBatch::zeros(self.policy.action_space(), 0);
        let values = given.values();
        let mut act = || self.policy.act(values, &elapsed, &mut actions);
        let acted = if given.rows < MANY_ROWS { act() } else { py.detach(act) };
        acted.map_err(|error| errors::caused(errors::run(error), experts::raised()))?;
        Ok((observations::actions(py, actions, given.single), state))
    }

    /// The numbers behind the actions: one for each discrete action, the largest of which is chosen, or the vector before it
    /// is clipped.
    #[pyo3(signature = (observation, *, elapsed_steps=None))]
    fn scores<'py>(
        &self,
        py: Python<'py>,
        observation: &Bound<'py, PyAny>,
        elapsed_steps: Option<Vec<u32>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = Observations::read(observation, self.policy.observation_size(), &self.names)?;
        let elapsed = self.elapsed(elapsed_steps, given.rows)?;
        let width = self.policy.action_space().outputs();
        let mut scores = vec![0.0; given.rows * width];
        let values = given.values();
        let mut score = || self.policy.scores(values, &elapsed, &mut scores);
        let scored = if given.rows < MANY_ROWS { score() } else { py.detach(score) };
        scored.map_err(|error| errors::caused(errors::run(error), experts::raised()))?;
        let scores = observations::matrix(py, scores, width);
        if given.single { scores.get_item(0) } else { Ok(scores) }
    }

    /// The formula in a format: text, latex, mathml, sympy, numpy (or python), c, rust or json.
    fn to(&self, format: &str) -> PyResult<String> {
        let name = if format == "python" { "numpy" } else { format };
        self.export(name.parse().map_err(errors::input)?)
    }

    /// The formula in LaTeX, without dollar signs.
    fn latex(&self) -> PyResult<String> {
        self.export(Format::Latex)
    }

    /// The formula's outputs as SymPy expressions, by their names; the observation's coordinates are real symbols.
    fn sympy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let module = self.export(Format::SymPy)?;
        let names: Vec<&str> = self.formula()?.outputs().iter().map(|output| &*output.name).collect();
        py.import("kanrl._symbolic")?.call_method1("expressions", (module, names))
    }

    /// The formula's constants, named k1, k2, … in the order in which they stand in its outputs. Whole exponents are part
    /// of its form and have no names.
    #[getter]
    fn constants<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let constants = PyDict::new(py);
        for (index, value) in Self::free_constants(self.formula()?).into_iter().enumerate() {
            constants.set_item(format!("k{}", index + 1), value)?;
        }
        Ok(constants)
    }

    /// The same formula with other values for some constants: `with_constants(k1=0.3)`.
    #[pyo3(signature = (**values))]
    fn with_constants(&self, values: Option<BTreeMap<String, f64>>) -> PyResult<Self> {
        let formula = self.formula()?;
        let count = Self::free_constants(formula).len();
        let mut places: BTreeMap<usize, f64> = BTreeMap::new();
        for (name, value) in values.into_iter().flatten() {
            let number = name.strip_prefix('k').and_then(|number| number.parse().ok());
            let Some(number) = number.filter(|number| (1..=count).contains(number)) else {
                let known = if count == 0 { "none".to_owned() } else { format!("k1 to k{count}") };
                return Err(errors::input_with_help(
                    format!("no constant is named `{name}`"),
                    format!("there are {known}"),
                ));
            };
            places.insert(number, value);
        }
        let mut number = 0;
        let mut changed = |expression: &Expression| {
            let fixed: Vec<bool> = expression.fixed_constants().collect();
            let values: Vec<f64> = expression.constants().collect();
            let value = |(value, fixed): (f64, bool)| {
                if fixed {
                    return value;
                }
                number += 1;
                places.get(&number).copied().unwrap_or(value)
            };
            let values: Vec<f64> = values.into_iter().zip(fixed).map(value).collect();
            expression.with_constants(values)
        };
        let expressions = formula.expressions().iter().map(&mut changed).collect();
        Self::of_formula(formula.with_expressions(expressions).map_err(errors::input)?)
    }

    /// Number of operations of the formula, as SymPy's `count_ops` counts them.
    #[getter]
    fn operations(&self) -> PyResult<usize> {
        Ok(self.formula()?.operations())
    }

    /// Whether it is a formula.
    #[getter]
    fn is_formula(&self) -> bool {
        self.formula.is_some()
    }

    /// Where it comes from.
    #[getter]
    fn source(&self) -> &str {
        self.policy.source()
    }

    /// Names of the observation's coordinates, in order; empty where the policy does not know them.
    #[getter]
    fn observation_names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Number of coordinates of an observation.
    #[getter]
    fn observation_size(&self) -> usize {
        self.policy.observation_size()
    }

    /// Number of discrete actions; None where an action is a vector.
    #[getter]
    fn discrete_actions(&self) -> Option<usize> {
        match self.policy.action_space() {
            ActionSpace::Discrete(space) => Some(space.len()),
            ActionSpace::Box(_) => None,
        }
    }

    /// Bounds of a vector action: `(low, high)` for each coordinate; None for discrete actions.
    #[getter]
    fn action_bounds(&self) -> Option<Vec<(f64, f64)>> {
        match self.policy.action_space() {
            ActionSpace::Discrete(_) => None,
            ActionSpace::Box(space) => Some(space.coordinates.iter().map(|axis| (axis.low, axis.high)).collect()),
        }
    }

    fn __str__(&self) -> String {
        match &self.formula {
            Some(formula) => formula.to_string(),
            None => self.__repr__(),
        }
    }

    fn __repr__(&self) -> String {
        match &self.formula {
            Some(formula) => {
                let outputs: Vec<String> =
                    formula.outputs().iter().map(|output| format!("{} = {}", output.name, output.expression)).collect();
                format!("<kanrl.Policy {}>", outputs.join("; "))
            }
            None => format!("<kanrl.Policy {}>", self.policy.source()),
        }
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let Ok(other) = other.cast::<Self>() else { return false };
        let other = other.get();
        match (&self.formula, &other.formula) {
            (Some(own), Some(others)) => own == others,
            _ => std::ptr::eq(self, other),
        }
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        match &self.formula {
            Some(formula) => formula.to_string().hash(&mut hasher),
            None => std::ptr::from_ref(self).hash(&mut hasher),
        }
        hasher.finish()
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        // It never changes.
        slf.clone()
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Pickled<'py>> {
        let make = py.import("kanrl._kanrl")?.getattr("policy")?;
        match (&self.made, &self.formula) {
            (Made::Formula, Some(formula)) => Ok((make, (formula.to_json(), None))),
            (Made::Reference { text, environment }, _) => Ok((make, (text.clone(), environment.clone()))),
            _ => {
                let message = format!("`{}` lives in this process and cannot be pickled", self.policy.source());
                Err(errors::input_with_help(message, "pickle what it was created from"))
            }
        }
    }

    fn _repr_latex_(&self) -> Option<String> {
        self.latex().ok().map(|latex| format!("${latex}$"))
    }

    fn _repr_html_(&self) -> Option<String> {
        self.export(Format::MathMl).ok()
    }

    /// `logits`, `q_values`, `means`, or None where it has labels only.
    #[getter]
    fn score_kind(&self) -> Option<&'static str> {
        self.policy.score_kind().map(|kind| match kind {
            ScoreKind::Logits => "logits",
            ScoreKind::QValues => "q_values",
            ScoreKind::Means => "means",
        })
    }
}

impl Policy {
    fn elapsed(&self, given: Option<Vec<u32>>, rows: usize) -> PyResult<Vec<u32>> {
        match given {
            None => Ok(vec![0; rows]),
            Some(steps) if steps.len() == rows => Ok(steps),
            Some(steps) => {
                let message = format!("{} elapsed steps for {rows} observations", steps.len());
                Err(errors::input_with_help(message, "give one number for each observation"))
            }
        }
    }
}

/// Loads a policy: a formula's JSON, or what the command line's `--policy` takes; `environment` is a spec as JSON, or what
/// `kanrl.extract` takes.
#[pyfunction]
#[pyo3(signature = (text, environment=None))]
pub fn policy(text: &str, environment: Option<&Bound<'_, PyAny>>) -> PyResult<Policy> {
    if text.starts_with('{') {
        return Policy::of_formula(Formula::from_json(text).map_err(errors::input)?);
    }
    let spec = environment.map(spec).transpose()?;
    Policy::load(text, spec.as_ref())
}

fn spec(environment: &Bound<'_, PyAny>) -> PyResult<EnvironmentSpec> {
    match environment.extract::<String>() {
        Ok(json) if json.starts_with('{') => serde_json::from_str(&json).map_err(errors::input),
        _ => {
            let (registry, id) = environments::with(environment)?;
            registry.spec(&id).map_err(errors::input)
        }
    }
}

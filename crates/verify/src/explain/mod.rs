//! What a formula's terms do: for the return, for the action, and in words.

mod picture;
mod symmetry;
mod units;
mod words;

pub use picture::{heat_map, switching_surface};

use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::random::Generator;
use kanrl_core::rollout::{RolloutError, RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{Expression, Formula, Node, Operator, SymbolicError, Tape};
use serde::{Deserialize, Serialize};

/// What was found out about a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The environment's id.
    pub environment: String,
    /// The formula as text.
    pub formula: String,
    /// The rule in words.
    pub words: Vec<String>,
    /// Mean return as it is.
    pub episode_return: f64,
    /// Episodes on which all returns are compared.
    pub episodes: u64,
    /// What each term does.
    pub terms: Vec<Term>,
    /// Symmetries, exact and near.
    pub symmetries: Vec<Symmetry>,
    /// Inputs that do not matter: never used, or fixed at their mean without a change of the action.
    pub invariances: Vec<Invariance>,
    /// Whether units work out, output by output.
    pub units: Vec<String>,
}

/// A term of an output's sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The output it belongs to.
    pub output: String,
    /// The term.
    pub term: String,
    /// Its mean over the states that are visited.
    pub mean: f64,
    /// Its standard deviation there.
    pub std: f64,
    /// The return without it, less the return with it.
    pub knocked_out: Difference,
    /// The same for the term fixed at its mean.
    pub frozen: Difference,
    /// The same for half of it.
    pub halved: Difference,
    /// Share of the steps in which the action would differ without it: in the first, second and last third of episodes.
    pub decides: [f64; 3],
}

/// A paired difference of returns with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean over the episodes.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Something that may be exchanged or reversed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symmetry {
    /// What: `all inputs reversed, action reversed`.
    pub what: String,
    /// Share of the visited states in which it holds.
    pub holds: f64,
    /// What the return gains where it is made exact; none where that cannot be done by a formula, or it is exact already.
    pub made_exact: Option<Difference>,
}

/// An input that hardly matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invariance {
    /// The input.
    pub input: String,
    /// Whether the formula does not name it at all.
    pub unused: bool,
    /// Share of the visited states in which the action changes if it is fixed at its mean.
    pub changes: f64,
}

/// What can go wrong in an explanation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The formula does not fit the environment.
    #[error(transparent)]
    Formula(#[from] SymbolicError),
    /// An episode failed.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// A formula that plays; finite outputs are not checked, since a mutilated formula may do anything.
pub(crate) struct Player {
    formula: Formula,
    tape: Tape,
    space: ActionSpace,
    /// Places of the formula's inputs in an observation.
    places: Vec<usize>,
    size: usize,
}

impl Player {
    pub(crate) fn new(formula: &Formula, spec: &EnvironmentSpec) -> Result<Self, SymbolicError> {
        let names = spec.observation_space.names();
        let place = |input: &String| {
            names.iter().position(|name| name == input).ok_or_else(|| {
                SymbolicError::Invalid(format!("the formula takes `{input}`, which {} does not observe", spec.id))
            })
        };
        let places = formula.inputs().iter().map(place).collect::<Result<_, _>>()?;
        let (tape, space) = (formula.compile()?, spec.action_space.clone());
        Ok(Self { formula: formula.clone(), tape, space, places, size: names.len() })
    }

    /// The outputs for rows of observations.
    pub(crate) fn outputs(&self, observations: &[f64]) -> Vec<f64> {
        let rows = observations.len() / self.size;
        let inputs: Vec<f64> =
            observations.chunks_exact(self.size).flat_map(|row| self.places.iter().map(|place| row[*place])).collect();
        let mut outputs = vec![0.0; rows * self.formula.outputs().len()];
        self.tape.evaluate(&inputs, &mut outputs);
        outputs
    }

    pub(crate) fn actions(&self, observations: &[f64]) -> ActionBatch {
        let mut actions = ActionBatch::zeros(&self.space, 0);
        let mut outputs = self.outputs(observations);
        outputs.iter_mut().filter(|output| !output.is_finite()).for_each(|output| *output = 0.0);
        self.formula.act(&outputs, &mut actions);
        actions
    }
}

impl Policy for Player {
    fn observation_size(&self) -> usize {
        self.size
    }

    fn action_space(&self) -> &ActionSpace {
        &self.space
    }

    fn act(&self, observations: &[f64], _elapsed: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        *actions = self.actions(observations);
        Ok(())
    }
}

/// Episodes of a formula, and all that is compared with them.
pub(crate) struct Laboratory<'a> {
    pub(crate) rollouts: &'a Rollouts,
    pub(crate) formula: &'a Formula,
    seeds: Vec<u64>,
    returns: Vec<f64>,
    /// Rows of observations, and the third of its episode that each belongs to.
    pub(crate) states: Vec<f64>,
    thirds: Vec<u8>,
    pub(crate) actions: ActionBatch,
}

/// Rows of states that actions are compared in, at most.
const STATES: usize = 20_000;

impl<'a> Laboratory<'a> {
    pub(crate) fn new(rollouts: &'a Rollouts, formula: &'a Formula, seeds: Vec<u64>) -> Result<Self, ExplainError> {
        let player = Player::new(formula, rollouts.spec())?;
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let episodes = rollouts.run(&player, &seeds, &options)?;
        let size = player.size;
        let total: usize = episodes.iter().map(|episode| episode.length as usize).sum();
        let every = total.div_ceil(STATES).max(1);
        let (mut states, mut thirds) = (Vec::new(), Vec::new());
        for trajectory in episodes.iter().filter_map(|episode| episode.trajectory.as_ref()) {
            let length = trajectory.rewards.len();
            for (step, row) in trajectory.observations.chunks_exact(size).enumerate().step_by(every) {
                states.extend_from_slice(row);
                thirds.push((3 * step / length.max(1)) as u8);
            }
        }
        let returns = episodes.iter().map(|episode| episode.episode_return).collect();
        let actions = player.actions(&states);
        Ok(Self { rollouts, formula, seeds, returns, states, thirds, actions })
    }

    /// What another formula returns more.
    pub(crate) fn difference(&self, other: &Formula) -> Result<Difference, ExplainError> {
        let player = Player::new(other, self.rollouts.spec())?;
        let episodes = self.rollouts.run(&player, &self.seeds, &RolloutOptions::default())?;
        let differences: Vec<f64> =
            episodes.iter().zip(&self.returns).map(|(episode, own)| episode.episode_return - own).collect();
        Ok(Difference::of(&differences))
    }

    /// For each state whether another formula's action differs.
    pub(crate) fn differs(&self, other: &Formula) -> Result<Vec<bool>, ExplainError> {
        let actions = Player::new(other, self.rollouts.spec())?.actions(&self.states);
        Ok(differing(&self.actions, &actions, &self.rollouts.spec().action_space))
    }

    /// Mean and standard deviation of an expression over the states.
    fn spread(&self, expression: &Expression) -> Result<(f64, f64), ExplainError> {
        let names = self.rollouts.spec().observation_space.names();
        let tape = Tape::compile(std::slice::from_ref(expression), &names)?;
        let rows = self.thirds.len();
        let mut values = vec![0.0; rows];
        tape.evaluate(&self.states, &mut values);
        let mean = values.iter().sum::<f64>() / rows.max(1) as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / rows.max(1) as f64;
        Ok((mean, variance.sqrt()))
    }

    /// Share of `differs` in each third of the episodes.
    fn by_third(&self, differs: &[bool]) -> [f64; 3] {
        std::array::from_fn(|third| {
            let own = || self.thirds.iter().zip(differs).filter(|(own, _)| usize::from(**own) == third);
            own().filter(|(_, differs)| **differs).count() as f64 / own().count().max(1) as f64
        })
    }
}

/// Vector actions differ where a number does by a twentieth of its range.
pub(crate) fn differing(one: &ActionBatch, other: &ActionBatch, space: &ActionSpace) -> Vec<bool> {
    let tolerance = |index: usize| match space {
        ActionSpace::Box(space) => {
            let range = space.coordinates[index].high - space.coordinates[index].low;
            if range.is_finite() { 0.05 * range } else { 0.05 }
        }
        ActionSpace::Discrete(_) => 0.0,
    };
    (0..one.rows())
        .map(|row| match (one.row(row), other.row(row)) {
            (Action::Discrete(one), Action::Discrete(other)) => one != other,
            (Action::F32(one), Action::F32(other)) => one
                .iter()
                .zip(other)
                .enumerate()
                .any(|(index, (one, other))| f64::from((one - other).abs()) > tolerance(index)),
            _ => true,
        })
        .collect()
}

impl Difference {
    /// Mean and bootstrap interval; deterministic.
    fn of(values: &[f64]) -> Self {
        let n = values.len().max(1);
        let mean = values.iter().sum::<f64>() / n as f64;
        let mut random = Generator::new(0);
        let mut means: Vec<f64> = (0..1000)
            .map(|_| (0..n).map(|_| values[random.integers(0, n as i64) as usize]).sum::<f64>() / n as f64)
            .collect();
        means.sort_by(f64::total_cmp);
        Self { mean, low: means[25], high: means[974] }
    }

    fn text(self) -> String {
        let sign = |value: f64| format!("{}{}", if value > 0.0 { "+" } else { "" }, crate::card::number(value));
        format!("{} [{}, {}]", sign(self.mean), sign(self.low), sign(self.high))
    }
}

/// Explains a formula by playing it, whole and mutilated, on the same seeds.
///
/// # Errors
/// [`ExplainError`].
pub fn explain(
    rollouts: &Rollouts,
    formula: &Formula,
    first_seed: u64,
    episodes: u64,
) -> Result<Explanation, ExplainError> {
    let seeds: Vec<u64> = (0..episodes.max(1)).map(|index| first_seed.wrapping_add(index)).collect();
    let laboratory = Laboratory::new(rollouts, formula, seeds)?;
    let spec = rollouts.spec();
    let mut terms = Vec::new();
    for (output, own) in formula.outputs().iter().enumerate() {
        let parts = summands(&own.expression);
        for (index, part) in parts.iter().enumerate().filter(|(_, part)| part.as_constant().is_none()) {
            let with = |replacement: Expression| {
                let mut parts = parts.clone();
                parts[index] = replacement;
                let mut expressions = formula.expressions();
                expressions[output] = Expression::sum(parts);
                formula.with_expressions(expressions)
            };
            let (mean, std) = laboratory.spread(part)?;
            let without = with(Expression::constant(0.0))?;
            terms.push(Term {
                output: own.name.clone(),
                term: part.to_string(),
                mean,
                std,
                knocked_out: laboratory.difference(&without)?,
                frozen: laboratory.difference(&with(Expression::constant(mean))?)?,
                halved: laboratory.difference(&with(part.clone() * 0.5)?)?,
                decides: laboratory.by_third(&laboratory.differs(&without)?),
            });
        }
    }
    let mut invariances = Vec::new();
    for input in spec.observation_space.names() {
        let unused = !formula.used_inputs().any(|used| used == input);
        let variable = Expression::variable(&input)?;
        let (mean, _) = laboratory.spread(&variable)?;
        let fixed = std::collections::BTreeMap::from([(&*input, Expression::constant(mean))]);
        let expressions =
            formula.expressions().iter().map(|expression| expression.substitute(&fixed).folded()).collect();
        let differs = laboratory.differs(&formula.with_expressions(expressions)?)?;
        let changes = differs.iter().filter(|differs| **differs).count() as f64 / differs.len().max(1) as f64;
        if unused || changes < 0.01 {
            invariances.push(Invariance { input, unused, changes });
        }
    }
    Ok(Explanation {
        environment: spec.id.clone(),
        formula: formula.to_string(),
        words: words::rule(formula, spec, &laboratory.states),
        episode_return: laboratory.returns.iter().sum::<f64>() / laboratory.returns.len().max(1) as f64,
        episodes: episodes.max(1),
        terms,
        symmetries: symmetry::symmetries(&laboratory)?,
        invariances,
        units: units::units(formula, spec),
    })
}

/// The terms of a sum; the expression itself where it is none.
pub(crate) fn summands(expression: &Expression) -> Vec<Expression> {
    match expression.root() {
        Node::Operation(Operator::Add, _) => expression.operands(),
        _ => vec![expression.clone()],
    }
}

impl Explanation {
    /// For a terminal.
    pub fn text(&self) -> String {
        let percent = crate::card::percent;
        let mut text = format!("{}\n\n", self.formula);
        for sentence in &self.words {
            text += &format!("{sentence}\n");
        }
        text += &format!(
            "\nTerms: change of the return ({} as it is) over {} episodes with the same seeds, with its 95 % interval\n",
            crate::card::number(self.episode_return),
            self.episodes
        );
        for term in &self.terms {
            let [early, middle, late] = term.decides.map(percent);
            text += &format!("  {} of {}\n", term.term, term.output);
            text += &format!("    left out  {}\n", term.knocked_out.text());
            text += &format!("    at its mean ({})  {}\n", crate::card::number(term.mean), term.frozen.text());
            text += &format!("    halved  {}\n", term.halved.text());
            text += &format!("    decides {early} of the steps early, {middle} halfway, {late} late in an episode\n");
        }
        text += "\nSymmetries\n";
        for symmetry in &self.symmetries {
            let exact = match &symmetry.made_exact {
                Some(difference) => format!("; made exact, the return changes by {}", difference.text()),
                None => String::new(),
            };
            text += &format!("  {}: holds in {} of the states{exact}\n", symmetry.what, percent(symmetry.holds));
        }
        text += "\nInputs that do not matter\n";
        for invariance in &self.invariances {
            let how = if invariance.unused {
                "not in the formula".to_owned()
            } else {
                format!("fixed at its mean, it changes the action in {} of the states", percent(invariance.changes))
            };
            text += &format!("  {}: {how}\n", invariance.input);
        }
        if self.invariances.is_empty() {
            text += "  none\n";
        }
        text += "\nUnits\n";
        for unit in &self.units {
            text += &format!("  {unit}\n");
        }
        text
    }
}

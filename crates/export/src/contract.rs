//! The contract: all that a controller must know of a policy and that its code does not say.

use crate::fixed::Range;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, Coordinate};
use kanrl_symbolic::{ActionRule, Formula};
use kanrl_verify::{ProofCard, Source};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Version of the contract's JSON.
pub const FORMAT_VERSION: u32 = 1;
/// What the file beside a folder of exports is called.
pub const FILE_NAME: &str = "policy.contract.json";
/// How the names of contracts end.
pub const SUFFIX: &str = ".contract.json";
/// Largest contract that is read, in bytes.
pub const MAXIMUM_BYTES: u64 = 16 << 20;

/// What a controller has to know of an exported policy: the order, units and ranges of what goes in and comes out, how often it acts,
/// what is done to its outputs, what it was measured to do, and the formula itself.
///
/// It stands beside every export as [`FILE_NAME`], and every export has its [`digest`](Self::digest) in it.
///
/// ```
/// use kanrl_core::environment::EnvironmentSpec;
/// use kanrl_export::Contract;
/// use kanrl_symbolic::{ActionRule, Formula};
/// let formula = Formula::parse(&["theta"], &[("a", "3*theta")], ActionRule::Threshold)?;
/// let mut contract = Contract::new("mine", &formula);
/// contract.take_ranges(&[("theta".to_owned(), -0.4, 0.4)])?;
/// assert_eq!(Contract::from_json(&contract.to_json())?, contract);
/// assert_eq!(contract.observations[0].high, Some(0.4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The program that wrote it.
    pub made_by: String,
    /// The policy's name.
    pub policy: String,
    /// The environment's id; null where none was named.
    pub environment: Option<String>,
    /// Seconds between two actions; null where the environment has no time of its own.
    pub control_period: Option<f64>,
    /// What goes in, in order.
    pub observations: Vec<Signal>,
    /// What comes out.
    pub action: Action,
    /// What was done to observations and outputs around the policy, and is inside of every export now, in sentences.
    pub folded_in: Vec<String>,
    /// What was measured when it was made; null where nothing was.
    pub measured: Option<Measured>,
    /// The proof card of `kanrl verify`; null where nothing was proved.
    #[schemars(with = "Option<serde_json::Value>")]
    pub proof: Option<ProofCard>,
    /// The formula, as `formula.json` has it.
    #[schemars(with = "serde_json::Value")]
    pub formula: Formula,
    /// SHA-256 of what it came from, by name: `formula.json`, and `proof.json` where there is one.
    pub digests: BTreeMap<String, String>,
}

/// A number that goes in or comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its SI unit, `1` for none; null where nobody said.
    pub unit: Option<String>,
    /// Its least value; null for no bound.
    pub low: Option<f64>,
    /// Its greatest value; null for no bound.
    pub high: Option<f64>,
    /// Where the bounds come from.
    pub bounds: BoundsSource,
}

/// Where bounds come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundsSource {
    /// The environment declares them, or the action is clipped to them.
    Declared,
    /// The user gave them.
    Given,
    /// Twice what episodes showed, when the policy was verified.
    Observed,
    /// There are none.
    None,
}

/// What comes out of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The number of an action, from 0.
    Discrete {
        /// What each number means.
        actions: Vec<String>,
        /// How it is chosen from the outputs, in words.
        rule: String,
    },
    /// A vector of numbers, clipped to their bounds.
    Vector {
        /// The numbers, in order; the bounds are what they are clipped to.
        coordinates: Vec<Signal>,
    },
}

/// What was measured when a policy was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Episodes on seeds that nothing was tuned on.
    pub episodes: u64,
    /// Mean return.
    pub mean_return: f64,
    /// Mean of the worst twentieth of the returns.
    pub worst_5_percent: f64,
    /// The expert's mean return on the same seeds.
    pub expert_return: Option<f64>,
    /// How far it does what the expert does, in the states that it visits itself.
    pub fidelity_own_states: Option<f64>,
    /// The same in the states that the expert visits.
    pub fidelity_expert_states: Option<f64>,
    /// What the two numbers are.
    pub fidelity_measure: Option<String>,
}

/// Why a contract cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// Not a contract.
    #[error("not a contract: {0}")]
    Malformed(String),
    /// Another version.
    #[error("the contract has format version {found}; this program reads version {FORMAT_VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// The formula's inputs are not the environment's observations.
    #[error("the formula takes `{input}`, which {environment} does not observe")]
    Mismatch {
        /// The input.
        input: String,
        /// The environment.
        environment: String,
    },
    /// A range that is not one, or that is none of the policy's.
    #[error("`{name}={low}:{high}` is not a range: {reason}")]
    Range {
        /// The observation.
        name: String,
        /// Its lower bound.
        low: f64,
        /// Its upper bound.
        high: f64,
        /// What is wrong.
        reason: String,
    },
    /// The proof is about something else.
    #[error("the proof card is about another formula")]
    OtherFormula,
}

fn finite(bound: f64) -> Option<f64> {
    bound.is_finite().then_some(bound)
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signal {
    fn named(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, description: String::new(), unit: None, low: None, high: None, bounds: BoundsSource::None }
    }

    fn of(coordinate: &Coordinate) -> Self {
        let (low, high) = (finite(coordinate.low), finite(coordinate.high));
        Self {
            name: coordinate.name.clone(),
            description: coordinate.description.clone(),
            unit: Some(coordinate.unit.clone()),
            low,
            high,
            bounds: if low.is_some() || high.is_some() { BoundsSource::Declared } else { BoundsSource::None },
        }
    }
}

impl Contract {
    /// The contract of a formula of which nothing else is known.
    pub fn new(policy: &str, formula: &Formula) -> Self {
        let action = match formula.action() {
            ActionRule::Clip { low, high } => {
                let coordinates =
                    formula.outputs().iter().zip(low.iter().zip(high)).map(|(output, (low, high))| Signal {
                        low: finite(*low),
                        high: finite(*high),
                        bounds: if low.is_finite() || high.is_finite() {
                            BoundsSource::Declared
                        } else {
                            BoundsSource::None
                        },
                        ..Signal::named(&output.name)
                    });
                Action::Vector { coordinates: coordinates.collect() }
            }
            rule => {
                let (count, text) = match rule {
                    ActionRule::Argmax => {
                        (formula.outputs().len(), "the number of the first largest output".to_owned())
                    }
                    _ => (2, format!("1 where {} is above 0, else 0", formula.outputs()[0].name)),
                };
                let labels = formula.labels();
                let actions =
                    (0..count).map(|number| labels.get(number).cloned().unwrap_or_else(|| number.to_string()));
                Action::Discrete { actions: actions.collect(), rule: text }
            }
        };
        let folded_in = match &action {
            Action::Vector { .. } => vec!["outputs are clipped to the action's bounds".to_owned()],
            Action::Discrete { .. } => Vec::new(),
        };
        Self {
            format_version: FORMAT_VERSION,
            made_by: concat!("kanrl ", env!("CARGO_PKG_VERSION")).to_owned(),
            policy: policy.to_owned(),
            environment: None,
            control_period: None,
            observations: formula.inputs().iter().map(|name| Signal::named(name)).collect(),
            action,
            folded_in,
            measured: None,
            proof: None,
            formula: formula.clone(),
            digests: BTreeMap::from([("formula.json".to_owned(), sha256(formula.to_json().as_bytes()))]),
        }
    }

    /// Takes names, units and bounds from an environment.
    ///
    /// # Errors
    /// [`ContractError::Mismatch`] where the formula's inputs are not its observations.
    pub fn take_environment(
        &mut self,
        spec: &EnvironmentSpec,
        control_period: Option<f64>,
    ) -> Result<(), ContractError> {
        let coordinates = &spec.observation_space.coordinates;
        for signal in &mut self.observations {
            let found = coordinates.iter().find(|coordinate| coordinate.name == signal.name);
            *signal = found
                .map(Signal::of)
                .ok_or_else(|| ContractError::Mismatch { input: signal.name.clone(), environment: spec.id.clone() })?;
        }
        match (&mut self.action, &spec.action_space) {
            (Action::Discrete { actions, .. }, ActionSpace::Discrete(space)) if actions.len() == space.len() => {
                let is_labeled = !self.formula.labels().is_empty();
                let names = if is_labeled { actions.clone() } else { space.actions.clone() };
                *actions = names;
            }
            (Action::Vector { coordinates }, ActionSpace::Box(space)) if coordinates.len() == space.len() => {
                for (signal, coordinate) in coordinates.iter_mut().zip(&space.coordinates) {
                    let (low, high, bounds) = (signal.low, signal.high, signal.bounds);
                    *signal = Signal { low, high, bounds, ..Signal::of(coordinate) };
                }
            }
            _ => {}
        }
        self.environment = Some(spec.id.clone());
        self.control_period = control_period;
        Ok(())
    }

    /// Takes a proof card, and the box of observations that it holds in.
    ///
    /// # Errors
    /// [`ContractError::OtherFormula`] for a card about another formula.
    pub fn take_proof(&mut self, card: ProofCard) -> Result<(), ContractError> {
        if card.formula != self.formula.to_string() {
            return Err(ContractError::OtherFormula);
        }
        for signal in &mut self.observations {
            if let Some(side) = card.observations.iter().find(|side| side.name == signal.name) {
                signal.low = finite(side.low);
                signal.high = finite(side.high);
                signal.bounds = match side.source {
                    Source::Declared => BoundsSource::Declared,
                    Source::Given => BoundsSource::Given,
                    Source::Observed => BoundsSource::Observed,
                };
            }
        }
        self.digests.insert("proof.json".to_owned(), sha256(card.to_json().as_bytes()));
        self.proof = Some(card);
        Ok(())
    }

    /// Takes ranges of observations from the user: name, low, high.
    ///
    /// # Errors
    /// [`ContractError::Range`] for one that is not in order, or not of the policy's observations.
    pub fn take_ranges(&mut self, ranges: &[(String, f64, f64)]) -> Result<(), ContractError> {
        for (name, low, high) in ranges {
            let names: Vec<&str> = self.observations.iter().map(|signal| signal.name.as_str()).collect();
            let known = names.join(", ");
            let error = |reason: String| ContractError::Range { name: name.clone(), low: *low, high: *high, reason };
            if !(low < high && low.is_finite() && high.is_finite()) {
                return Err(error("the lower bound comes first, and both are finite".to_owned()));
            }
            let signal = self.observations.iter_mut().find(|signal| signal.name == *name);
            let signal = signal.ok_or_else(|| error(format!("the policy observes {known}")))?;
            (signal.low, signal.high, signal.bounds) = (Some(*low), Some(*high), BoundsSource::Given);
        }
        Ok(())
    }

    /// The ranges of the observations that have finite ones.
    pub fn ranges(&self) -> Vec<Range> {
        let range = |signal: &Signal| {
            let (low, high) = (signal.low?, signal.high?);
            Some(Range { name: signal.name.clone(), low, high })
        };
        self.observations.iter().filter_map(range).collect()
    }

    /// As JSON, as its file has it.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// [`ContractError`] for anything else.
    pub fn from_json(text: &str) -> Result<Self, ContractError> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| ContractError::Malformed(error.to_string()))?;
        match value["format_version"].as_u64() {
            Some(version) if version == u64::from(FORMAT_VERSION) => {}
            Some(found) => return Err(ContractError::Version { found }),
            None => return Err(ContractError::Malformed("it has no `format_version`".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| ContractError::Malformed(error.to_string()))
    }

    /// SHA-256 of its file: what exports have in them.
    pub fn digest(&self) -> String {
        sha256(self.to_json().as_bytes())
    }

    /// The schema of its JSON.
    pub fn schema() -> Schema {
        SchemaGenerator::default().into_root_schema_for::<Self>()
    }

    /// Observations that fill the ranges evenly, their ends first: `rows` of them, one after the other. An observation without a bound
    /// is taken from −10 to 10, or as far from its one bound.
    pub fn points(&self, rows: usize) -> Vec<f64> {
        let sides: Vec<(f64, f64)> = self
            .observations
            .iter()
            .map(|signal| match (signal.low, signal.high) {
                (Some(low), Some(high)) => (low, high),
                (Some(low), None) => (low, low + 20.0),
                (None, Some(high)) => (high - 20.0, high),
                (None, None) => (-10.0, 10.0),
            })
            .collect();
        // Roberts' additive recurrence: powers of the root of x^(d+1) = x + 1.
        let dimension = sides.len().max(1) as f64;
        let root = (0..60).fold(2.0_f64, |x, _| (1.0 + x).powf(1.0 / (dimension + 1.0)));
        let steps: Vec<f64> = (1..=sides.len()).map(|power| root.powi(-(power as i32))).collect();
        let ends = if sides.len() < 6 { 1 << sides.len() } else { 2 };
        let mut points = Vec::with_capacity(rows * sides.len());
        for row in 0..rows {
            for (index, (low, high)) in sides.iter().enumerate() {
                let share = match row {
                    row if row < ends && sides.len() < 6 => (row >> index & 1) as f64,
                    row if row < ends => row as f64,
                    row => (0.5 + steps[index] * (row + 1) as f64).fract(),
                };
                points.push(low + share * (high - low));
            }
        }
        points
    }
}

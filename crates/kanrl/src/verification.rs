//! Proofs about a formula in an environment, composed: bounds, statistics, reachability.

use kanrl_core::environment::{EnvironmentEntry, EnvironmentError, KeywordArguments};
use kanrl_core::policy::{ExpertPolicy, Policy};
use kanrl_core::rollout::{RolloutError, RolloutOptions, Rollouts};
use kanrl_envs_classic::{Visitor, with_dynamics};
use kanrl_interval::Dynamics;
use kanrl_symbolic::{Formula, SymbolicError};
use kanrl_verify::{
    Conditions, Controller, Find, HuntOptions, PlayError, ProofCard, ReachOptions, Statistics, claim_bounds,
    claim_reach, hunt, observation_box, start_ranges,
};
use std::ops::ControlFlow;

/// Episodes that show how far observations without bounds go.
const SEEN: u64 = 100;
/// Steps that are played for statistics where nobody says how many episodes.
const STEPS: u64 = 50_000_000;

/// How a formula is verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Bounds of coordinates, instead of those that the environment declares: name, low, high.
    pub extents: Vec<(String, f64, f64)>,
    /// Episodes for statistics; by default as many as 50 million steps hold at least, at most a million.
    pub episodes: Option<u64>,
    /// An episode that returns less has failed; by default what [`failing_return`] says.
    pub fails_below: Option<f64>,
    /// The first seed of the statistics.
    pub first_seed: u64,
    /// How far proofs about episodes may go.
    pub reach: ReachOptions,
}

impl Default for Verification {
    fn default() -> Self {
        let first_seed = kanrl_pipeline::run::seeds::FIRST_REPORT_SEED;
        Self { extents: Vec::new(), episodes: None, fails_below: None, first_seed, reach: ReachOptions::default() }
    }
}

/// What can go wrong in a verification.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerificationError {
    /// The formula does not fit the environment.
    #[error(transparent)]
    Formula(#[from] SymbolicError),
    /// The environment cannot be made.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// An episode failed to run.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// An episode of the hunt failed to run.
    #[error(transparent)]
    Play(#[from] PlayError),
    /// An extent names a coordinate that is not observed, or its bounds are not in order.
    #[error("`{name}={low}:{high}` is not an extent: {reason}")]
    Extent {
        /// The coordinate.
        name: String,
        /// Its lower bound.
        low: f64,
        /// Its upper bound.
        high: f64,
        /// What is wrong.
        reason: String,
    },
    /// Nobody says when an episode has failed.
    #[error("environment `{id}` does not say which return is a failure: add --fails-below RETURN")]
    NoThreshold {
        /// The environment.
        id: String,
    },
}

/// The return below which an episode of the environment has failed: where a pole fell before the time limit, where a goal was
/// not reached; for others the threshold at which the task counts as solved, if there is one.
pub fn failing_return(id: &str, threshold: Option<f64>) -> Option<f64> {
    match id {
        "CartPole-v1" | "Acrobot-v1" => Some(if id == "CartPole-v1" { 500.0 } else { -499.5 }),
        "MountainCar-v0" => Some(-199.5),
        "MountainCarContinuous-v0" => Some(0.0),
        "Pendulum-v1" => Some(-1000.0),
        _ => threshold,
    }
}

impl Verification {
    /// Proves, measures, and says what is not known. `progress` hears what is being done and how far it is.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub fn run(
        &self,
        entry: &EnvironmentEntry,
        name: &str,
        formula: &Formula,
        policy: &dyn ExpertPolicy,
        progress: &(dyn Fn(&str, u64, u64) -> ControlFlow<()> + Sync),
    ) -> Result<ProofCard, VerificationError> {
        let rollouts = Rollouts::new(entry, &KeywordArguments::new())?;
        let spec = rollouts.spec();
        self.check_extents(&spec.observation_space.names())?;
        let threshold = self.threshold(&spec.id, spec.reward_threshold)?;
        let mut card = ProofCard::new(&spec.id, name, &formula.to_string());

        let seeds: Vec<u64> = (0..SEEN).map(|index| self.first_seed.wrapping_add(index)).collect();
        let recorded = rollouts.run(policy, &seeds, &RolloutOptions { record: true, ..RolloutOptions::default() })?;
        let size = spec.observation_space.len();
        let mut seen = vec![0.0_f64; size];
        for trajectory in recorded.iter().filter_map(|episode| episode.trajectory.as_ref()) {
            for row in trajectory.observations.chunks_exact(size).chain([&trajectory.final_observation[..]]) {
                seen.iter_mut().zip(row).for_each(|(most, value)| *most = most.max(value.abs()));
            }
        }
        card.observations = observation_box(&spec.observation_space, &self.extents, &seen);
        let _ = progress("bounds", 0, 1);
        claim_bounds(&mut card, formula)?;

        let limit = u64::from(spec.max_episode_steps.unwrap_or(1000));
        let episodes = self.episodes.unwrap_or((STEPS / limit.max(1)).clamp(1000, 1_000_000));
        let heard = |done: u64| progress("episodes", done, episodes);
        let statistics = Statistics::measure(&rollouts, policy, self.first_seed, episodes, threshold, &heard)?;
        statistics.claim(&mut card);

        let _ = progress("reachability", 0, 1);
        let worst = statistics.worst.first().map(|start| start.episode_return);
        let controller = Controller::new(formula)?;
        let reach = Reach { card: &mut card, controller: &controller, options: &self.reach, worst, entry, policy };
        if with_dynamics(&spec.id, reach).is_err() {
            let text = format!("nothing is proved about episodes: {} has no dynamics for boxes", spec.id);
            card.say("starts", kanrl_verify::Certainty::NotKnown, text, serde_json::Value::Null);
        }
        Ok(card)
    }

    /// Looks for the smallest changes under which one of both policies fails and the other does not.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub fn hunt(
        &self,
        entry: &EnvironmentEntry,
        formula: (&str, &dyn ExpertPolicy),
        expert: (&str, &dyn ExpertPolicy),
    ) -> Result<Vec<Find>, VerificationError> {
        let rollouts = Rollouts::new(entry, &KeywordArguments::new())?;
        let spec = rollouts.spec();
        let size = spec.observation_space.len();
        let seeds: Vec<u64> = (0..20).map(|index| self.first_seed.wrapping_add(index)).collect();
        let recorded = rollouts.run(expert.1, &seeds, &RolloutOptions { record: true, ..RolloutOptions::default() })?;
        let rows: Vec<&[f64]> = recorded
            .iter()
            .filter_map(|episode| episode.trajectory.as_ref())
            .flat_map(|trajectory| trajectory.observations.chunks_exact(size))
            .collect();
        let sizes = (0..size).map(|index| {
            let mean =
                |of: &dyn Fn(f64) -> f64| rows.iter().map(|row| of(row[index])).sum::<f64>() / rows.len().max(1) as f64;
            let middle = mean(&|value| value);
            mean(&|value| (value - middle).powi(2)).sqrt()
        });
        let (starts, names) = with_dynamics(&spec.id, Starts).unwrap_or_default();
        let options = HuntOptions {
            fails_below: self.threshold(&spec.id, spec.reward_threshold)?,
            first_seed: self.first_seed,
            starts,
            names,
            sizes: sizes.collect(),
            ..HuntOptions::default()
        };
        Ok(hunt(entry, (formula.0, formula.1 as &dyn Policy), (expert.0, expert.1 as &dyn Policy), &options)?)
    }

    fn threshold(&self, id: &str, solved: Option<f64>) -> Result<f64, VerificationError> {
        let known = self.fails_below.or_else(|| failing_return(id, solved));
        known.ok_or_else(|| VerificationError::NoThreshold { id: id.to_owned() })
    }

    fn check_extents(&self, names: &[String]) -> Result<(), VerificationError> {
        for (name, low, high) in &self.extents {
            let reason = if !names.contains(name) {
                format!("the environment observes {}", names.join(", "))
            } else if !(low < high && low.is_finite() && high.is_finite()) {
                "the lower bound comes first, and both are finite".to_owned()
            } else {
                continue;
            };
            return Err(VerificationError::Extent { name: name.clone(), low: *low, high: *high, reason });
        }
        Ok(())
    }
}

struct Reach<'a> {
    card: &'a mut ProofCard,
    controller: &'a Controller,
    options: &'a ReachOptions,
    worst: Option<f64>,
    entry: &'a EnvironmentEntry,
    policy: &'a dyn ExpertPolicy,
}

impl Visitor for Reach<'_> {
    type Output = ();

    fn visit<const N: usize>(self, dynamics: &impl Dynamics<N>) {
        let simulate = |start: &[f64; N]| {
            let conditions = Conditions { start: Some(start.to_vec()), ..Conditions::default() };
            conditions.play(self.entry, self.policy).ok()
        };
        claim_reach(self.card, dynamics, self.controller, self.options, self.worst, simulate);
    }
}

struct Starts;

impl Visitor for Starts {
    type Output = (Vec<(f64, f64)>, Vec<String>);

    fn visit<const N: usize>(self, dynamics: &impl Dynamics<N>) -> Self::Output {
        start_ranges(dynamics)
    }
}

/// Marks of the card in a report.
const MARKS: (&str, &str) = ("<!-- proof card -->\n", "<!-- end of the proof card -->\n");

/// A run's report with the card as its section, in place of an older one.
pub fn with_card(page: &str, card: &ProofCard) -> String {
    let section = format!("{}<section>\n<h2>Proof card</h2>\n{}</section>\n{}", MARKS.0, card.html(), MARKS.1);
    if let Some((before, rest)) = page.split_once(MARKS.0)
        && let Some((_, after)) = rest.split_once(MARKS.1)
    {
        return format!("{before}{section}{after}");
    }
    let place = page.rfind("<section>\n<h2>How it was made").or_else(|| page.rfind("</main>")).unwrap_or(page.len());
    format!("{}{section}{}", &page[..place], &page[place..])
}

#[cfg(test)]
mod tests {
    use super::with_card;
    use kanrl_verify::{Certainty, ProofCard};

    #[test]
    fn a_report_has_one_card_however_often_it_is_verified() {
        let page =
            "<main>\n<section>\n<h2>Returns</h2></section>\n<section>\n<h2>How it was made</h2></section>\n</main>";
        let mut card = ProofCard::new("E-v0", "formula:x", "a = x");
        let once = with_card(page, &card);
        card.say("finite", Certainty::Proved, "it is".to_owned(), serde_json::Value::Null);
        let twice = with_card(&once, &card);
        assert_eq!(twice.matches("<h2>Proof card").count(), 1);
        assert!(twice.contains("<td>it is</td>") && twice.find("Proof card") < twice.find("How it was made"));
    }
}

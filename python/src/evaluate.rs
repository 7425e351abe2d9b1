//! Policies played, alone and in pairs.

use crate::environments;
use crate::errors;
use crate::experts;
use crate::observations::matrix;
use crate::policy::Policy;
use crate::work::cancellable;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::KeywordArguments;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::rollout::{Episode, RolloutError, RolloutOptions, Rollouts};
use kanrl_pipeline::run::Agreement;
use kanrl_pipeline::run::seeds::FIRST_REPORT_SEED;
use kanrl_pipeline::run::{Returns, statistics};
use pyo3::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Plays `policy` for one episode a seed and gives its returns as JSON.
#[pyfunction]
#[pyo3(signature = (policy, environment, arguments, episodes, seed=None))]
pub fn evaluate(
    py: Python<'_>,
    policy: &Bound<'_, Policy>,
    environment: &Bound<'_, PyAny>,
    arguments: &str,
    episodes: u64,
    seed: Option<u64>,
) -> PyResult<String> {
    let rollouts = rollouts(environment, arguments)?;
    let seeds = seeds(episodes, seed)?;
    let policy = policy.get().policy();
    let played = cancellable(py, |flag| play(&rollouts, policy.as_ref(), &seeds, false, flag))?;
    Ok(returns(&played.map_err(failed)?).to_string())
}

/// The states of a policy's episodes, one a seed: observations `[rows, size]`, how many steps each episode had taken before
/// each of them `[rows]`, and each episode's return.
#[pyfunction]
pub fn states<'py>(
    py: Python<'py>,
    policy: &Bound<'py, Policy>,
    environment: &Bound<'py, PyAny>,
    arguments: &str,
    episodes: u64,
    seed: u64,
) -> PyResult<(Bound<'py, PyAny>, Vec<u32>, Vec<f64>)> {
    let rollouts = rollouts(environment, arguments)?;
    let seeds = seeds(episodes, Some(seed))?;
    let policy = policy.get().policy();
    let played = cancellable(py, |flag| play(&rollouts, policy.as_ref(), &seeds, true, flag))?.map_err(failed)?;
    let (mut observations, mut elapsed) = (Vec::new(), Vec::new());
    for trajectory in played.iter().filter_map(|episode| episode.trajectory.as_ref()) {
        observations.extend_from_slice(&trajectory.observations);
        elapsed.extend(trajectory.elapsed_steps());
    }
    let returns = played.iter().map(|episode| episode.episode_return).collect();
    Ok((matrix(py, observations, rollouts.spec().observation_space.len()), elapsed, returns))
}

/// A rollout's error, whose cause is what an expert in Python raised.
fn failed(error: RolloutError) -> PyErr {
    errors::caused(errors::run(error), experts::raised())
}

/// Plays both policies on the same seeds and gives, as JSON, their returns, the differences, and how far the second one does
/// in its own states what the first one would do.
#[pyfunction]
#[pyo3(signature = (first, second, environment, arguments, episodes, seed=None))]
pub fn compare(
    py: Python<'_>,
    first: &Bound<'_, Policy>,
    second: &Bound<'_, Policy>,
    environment: &Bound<'_, PyAny>,
    arguments: &str,
    episodes: u64,
    seed: Option<u64>,
) -> PyResult<String> {
    let rollouts = rollouts(environment, arguments)?;
    let seeds = seeds(episodes, seed)?;
    let (first, second) = (first.get().policy(), second.get().policy());
    let work = |flag: &AtomicBool| -> Result<_, RolloutError> {
        let reference = play(&rollouts, first.as_ref(), &seeds, true, flag)?;
        let other = play(&rollouts, second.as_ref(), &seeds, true, flag)?;
        let own = both(&other, first.as_ref(), true)?;
        let references = both(&reference, second.as_ref(), false)?;
        Ok((reference, other, Agreement::of(&own), Agreement::of(&references)))
    };
    let (reference, other, own_states, reference_states) = cancellable(py, work)?.map_err(failed)?;
    let differences: Vec<f64> =
        other.iter().zip(&reference).map(|(own, other)| own.episode_return - other.episode_return).collect();
    let interval = statistics::mean_interval(&differences);
    let value = serde_json::json!({
        "first": returns(&reference),
        "second": returns(&other),
        "differences": differences,
        "mean_difference": statistics::mean(&differences),
        "mean_difference_interval": [interval.low, interval.high],
        "measure": own_states.measure().meaning(),
        "fidelity_own_states": own_states.value(),
        "fidelity_first_states": reference_states.value(),
    });
    Ok(value.to_string())
}

fn rollouts(environment: &Bound<'_, PyAny>, arguments: &str) -> PyResult<Rollouts> {
    let arguments: KeywordArguments = serde_json::from_str(arguments).map_err(errors::input)?;
    let (registry, id) = environments::with(environment)?;
    Rollouts::new(registry.get(&id).map_err(errors::input)?, &arguments).map_err(errors::input)
}

fn seeds(episodes: u64, first: Option<u64>) -> PyResult<Vec<u64>> {
    if !(1..=10_000_000).contains(&episodes) {
        let message = format!("{episodes} episodes cannot be played");
        return Err(errors::input_with_help(message, "use a number from 1 to 10000000"));
    }
    let first = first.unwrap_or(FIRST_REPORT_SEED);
    Ok((0..episodes).map(|index| first.wrapping_add(index)).collect())
}

fn play(
    rollouts: &Rollouts,
    policy: &dyn ExpertPolicy,
    seeds: &[u64],
    record: bool,
    cancelled: &AtomicBool,
) -> Result<Vec<Episode>, RolloutError> {
    let options = RolloutOptions { record, ..RolloutOptions::default() };
    rollouts.run_observed(policy, seeds, &options, &|_| {
        if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// What was done in the recorded episodes beside what `other` would have done: the second policy's first, where
/// `recorded_first`.
fn both(
    episodes: &[Episode],
    other: &dyn ExpertPolicy,
    recorded_first: bool,
) -> Result<Vec<(ActionBatch, ActionBatch)>, RolloutError> {
    let pair = |episode: &Episode| {
        let trajectory = episode.trajectory.as_ref().expect("it was recorded");
        let mut actions = trajectory.actions.clone();
        other
            .act(&trajectory.observations, &trajectory.elapsed_steps(), &mut actions)
            .map_err(|source| RolloutError::Policy { seed: episode.seed, step: 0, source })?;
        let recorded = trajectory.actions.clone();
        Ok(if recorded_first { (recorded, actions) } else { (actions, recorded) })
    };
    episodes.iter().map(pair).collect()
}

fn returns(episodes: &[Episode]) -> serde_json::Value {
    let returns = Returns::new(episodes.iter().map(|episode| episode.episode_return).collect());
    serde_json::json!({
        "mean": returns.mean, "std": returns.std, "episodes": returns.n, "worst_5_percent": returns.worst_5_percent,
        "interquartile_mean": returns.interquartile_mean,
        "interquartile_mean_interval": [
            returns.interquartile_mean_interval.low, returns.interquartile_mean_interval.high,
        ],
        "returns": returns.episodes,
        "diverged": episodes.iter().filter(|episode| episode.diverged.is_some()).count(),
    })
}

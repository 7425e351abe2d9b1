//! What each step from the expert to a formula costs, in return and in fidelity.

use super::imitation::with_log;
use super::{agreement_in_own_states, agreement_with_expert};
use crate::engine::StageError;
use crate::policies::Student;
use crate::rollouts::play;
use crate::run::Agreement;
use crate::run::metrics::{Rung, Step};
use crate::run::statistics::mean;
use crate::stages::artifacts::{ExplainingFormulas, LatestModels, NamedNetworks, UnnamedNetworks};
use crate::stages::context::StageContext;
use crate::stages::teacher::Teacher;
use kanrl_core::graph::UnivariateGraph;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::{Episode, RolloutOptions, Rollouts};
use kanrl_experts::FunctionPolicy;

/// Episodes of each rung at most: many policies are played.
pub(super) const EPISODES: usize = 20;

/// The students of a run after each step.
pub(super) struct Steps<'a, 'w, 's> {
    pub(super) models: &'a LatestModels<'w, 's>,
    pub(super) unnamed: &'a UnnamedNetworks<'w, 's>,
    pub(super) named: &'a NamedNetworks,
    pub(super) formulas: &'a ExplainingFormulas<'w, 's>,
}

impl Steps<'_, '_, '_> {
    /// Measures every student after every step; `expert` are recorded episodes of the expert on `seeds`.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub(super) fn measured(
        &self,
        setting: &StageContext<'_>,
        rollouts: Option<&Rollouts>,
        seeds: &[u64],
        expert: Option<&[Episode]>,
    ) -> Result<Vec<Rung>, StageError> {
        let (inputs, head) = (setting.spec().observation_space.len(), setting.head());
        let mut rungs = Vec::new();
        if let Some(episodes) = expert {
            let returns: Vec<f64> = episodes.iter().map(|episode| episode.episode_return).collect();
            rungs.push(Rung {
                student: "expert".to_owned(),
                step: Step::Expert,
                mean: Some(mean(&returns)),
                expert_states: Some(1.0),
                own_states: Some(1.0),
                operations: None,
            });
        }
        let mut add = |student: &str, step: Step, policy: &dyn Policy, operations: Option<usize>| {
            let measured = measured(setting, rollouts, seeds, expert, policy)?;
            let (mean, expert_states, own_states) = measured.unwrap_or_default();
            rungs.push(Rung { student: student.to_owned(), step, mean, expert_states, own_states, operations });
            Ok::<(), StageError>(())
        };
        let of_graph = |graph: &UnivariateGraph| {
            let compiled = graph.compile();
            Student::new(inputs, setting.head(), move |rows: &[f64], outputs: &mut [f64]| {
                compiled.evaluate(rows, outputs)
            })
        };
        for (name, unnamed) in self.unnamed.iter() {
            if let Some(model) = self.models.get(name) {
                let predict = |rows: &[f64], outputs: &mut [f64]| model.approximator.predict(rows, outputs);
                add(name, Step::Network, &Student::new(inputs, head.clone(), predict), None)?;
            }
            add(name, Step::Pruned, &of_graph(&unnamed.0), None)?;
            if let Some(named) = self.named.get(name) {
                add(name, Step::Named, &of_graph(&named.0), None)?;
            }
            if let Some((_, formula)) = self.formulas.iter().find(|(own, _)| *own == name) {
                let policy = FunctionPolicy::from_formula(formula, setting.spec(), "the formula".to_owned())?;
                add(name, Step::Formula, &policy, Some(formula.operations()))?;
            }
        }
        for (name, formula) in self.formulas.iter() {
            if self.unnamed.iter().all(|(own, _)| own != name) {
                let policy = FunctionPolicy::from_formula(formula, setting.spec(), "the formula".to_owned())?;
                add(name, Step::Formula, &policy, Some(formula.operations()))?;
            }
        }
        Ok(rungs)
    }
}

type Measured = (Option<f64>, Option<f64>, Option<f64>);

/// Mean return and fidelity in the expert's and in its own states; none for a policy that leaves its domain.
fn measured(
    setting: &StageContext<'_>,
    rollouts: Option<&Rollouts>,
    seeds: &[u64],
    expert_episodes: Option<&[Episode]>,
    policy: &dyn Policy,
) -> Result<Option<Measured>, StageError> {
    let measure = || -> Result<Measured, StageError> {
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let what = "episodes of each step";
        let episodes = match rollouts {
            Some(rollouts) => play(rollouts, policy, seeds, &options, &setting.reporter, "evaluate", what)?,
            None => Vec::new(),
        };
        let returns: Vec<f64> = episodes.iter().map(|episode| episode.episode_return).collect();
        let mean = (!returns.is_empty()).then(|| mean(&returns));
        match (setting.teacher(), expert_episodes) {
            (Teacher::Expert(expert), Some(expert_episodes)) => {
                let own_states = agreement_in_own_states(expert.as_ref(), &episodes)?.value();
                Ok((mean, Some(agreement_with_expert(policy, expert_episodes)?.value()), Some(own_states)))
            }
            (Teacher::Log(log), _) => {
                Ok((mean, Some(Agreement::of(&with_log(policy, &setting.head(), &log.test)?).value()), None))
            }
            (Teacher::Expert(_), None) => Ok((mean, None, None)),
        }
    };
    match measure() {
        Ok(measured) => Ok(Some(measured)),
        Err(error) if error.leaves_domain() => Ok(None),
        Err(error) => Err(error),
    }
}

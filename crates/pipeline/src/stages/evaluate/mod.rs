//! Returns, agreement and robustness on seeds that nothing was tuned on.

mod companionship;
mod evaluation;
pub mod imitation;
mod ladder;
pub(crate) mod section;
pub mod variants;

pub use companionship::companionship;
pub use evaluation::{Evaluation, PolicyEvaluation};
pub use section::EvaluateSection;

use crate::causes::in_words;
use crate::engine::{Input, Output, StageError};
use crate::policies::Student;
use crate::rollouts::{Game, play, play_all};
use crate::run::metrics::Robustness;
use crate::run::seeds::{self, Purpose};
use crate::run::{Agreement, PolicyRole, Returns};
use crate::stages::artifacts::{ExplainingFormulas, LatestModels, NamedNetworks, UnnamedNetworks};
use crate::stages::context::StageContext;
use crate::stages::evaluate::imitation::{Actions, with_log};
use crate::stages::evaluate::ladder::Steps;
use crate::stages::evaluate::variants::{Group, variant};
use crate::stages::select::Selection;
use crate::stages::teacher::Teacher;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::{Episode, RolloutOptions, Rollouts, Trajectory};
use kanrl_experts::FunctionPolicy;

/// What robustness is measured against: half and double time steps, masses a tenth lighter and heavier.
const CHANGES: [(Group, f64); 4] =
    [(Group::TimeStep, 0.5), (Group::TimeStep, 2.0), (Group::Masses, 0.9), (Group::Masses, 1.1)];

/// Plays expert, network and formulas on the report seeds, and expert and formula in changed environments. With a log for an
/// expert, agreement is measured on its test rows; nothing is played where there is no environment.
pub fn evaluate(
    mut made: Output<Evaluation>,
    setting: StageContext<'_>,
    models: LatestModels,
    unnamed: UnnamedNetworks,
    named: Input<NamedNetworks>,
    formulas: ExplainingFormulas,
    selection: Input<Selection>,
) -> Result<(), StageError> {
    let (config, spec) = (setting.config(), setting.spec());
    let rollouts = setting.is_played().then(|| setting.rollouts()).transpose()?;
    let seeds = seeds::episodes(config.seed, Purpose::Report, config.evaluate.episodes);
    let run = |rollouts: &Rollouts, policy: &dyn Policy, seeds: &[u64], what: &str| {
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        play(rollouts, policy, seeds, &options, &setting.reporter, "evaluate", what)
    };
    let episodes_of = |policy: &dyn Policy, what: &str| match &rollouts {
        Some(rollouts) => run(rollouts, policy, &seeds, what),
        None => Ok(Vec::new()),
    };
    let expert = match setting.teacher() {
        Teacher::Expert(expert) => Some((expert.as_ref(), episodes_of(expert.as_ref(), "episodes of the expert")?)),
        Teacher::Log(_) => None,
    };
    let evaluate = |role: PolicyRole, policy: &dyn Policy| -> Result<PolicyEvaluation, StageError> {
        let episodes = episodes_of(policy, &format!("episodes, {role}"))?;
        let (in_expert_states, in_own_states, with_expert) = match (&expert, setting.teacher()) {
            (Some((expert, expert_episodes)), _) => (
                agreement_with_expert(policy, expert_episodes)?,
                Some(agreement_in_own_states(*expert, &episodes)?),
                companionship(expert_episodes, &episodes, spec.observation_space.len()),
            ),
            (None, Teacher::Log(log)) => (Agreement::of(&with_log(policy, &setting.head(), &log.test)?), None, None),
            (None, Teacher::Expert(_)) => unreachable!("an expert is played"),
        };
        Ok(PolicyEvaluation {
            policy: role,
            returns: returns(&episodes),
            agreement: Some(in_expert_states),
            own_states_agreement: in_own_states,
            with_expert,
        })
    };
    let mut policies = Vec::new();
    if let Some((_, episodes)) = &expert {
        policies.push(PolicyEvaluation {
            policy: PolicyRole::Expert,
            returns: returns(episodes),
            agreement: None,
            own_states_agreement: None,
            with_expert: None,
        });
    }
    let chosen = if selection.chosen == selection.faithful {
        PolicyRole::Faithful
    } else if selection.polished == Some(selection.chosen) {
        PolicyRole::Polished
    } else {
        PolicyRole::Headline
    };
    let mut add = |role: PolicyRole, policy: &dyn Policy| match evaluate(role, policy) {
        Ok(evaluation) => {
            policies.push(evaluation);
            Ok(())
        }
        // What was not chosen may leave its domain somewhere.
        Err(error) if error.leaves_domain() && role != chosen => {
            setting.reporter.message("evaluate", format!("{role} is not evaluated: {}", in_words(&error)));
            Ok(())
        }
        Err(error) => Err(error),
    };
    if let Some(model) = models.get(&selection.network) {
        let predict = |inputs: &[f64], outputs: &mut [f64]| model.approximator.predict(inputs, outputs);
        add(PolicyRole::Network, &Student::new(spec.observation_space.len(), setting.head(), predict))?;
    }
    let as_policy = |formula| FunctionPolicy::from_formula(formula, spec, "the formula".to_owned());
    add(PolicyRole::Faithful, &as_policy(&selection.faithful().formula)?)?;
    if let Some(polished) = selection.polished() {
        add(PolicyRole::Polished, &as_policy(&polished.formula)?)?;
    }
    if chosen == PolicyRole::Headline {
        add(PolicyRole::Headline, &as_policy(&selection.chosen().formula)?)?;
    } else {
        let same = policies.iter().find(|evaluation| evaluation.policy == chosen).cloned();
        policies.extend(same.map(|evaluation| PolicyEvaluation { policy: PolicyRole::Headline, ..evaluation }));
    }

    let steps = Steps { models: &models, unnamed: &unnamed, named: &named, formulas: &formulas };
    let count = ladder::EPISODES.min(seeds.len());
    let expert_episodes = expert.as_ref().map(|(_, episodes)| &episodes[..count]);
    let ladder = steps.measured(&setting, rollouts.as_ref(), &seeds[..count], expert_episodes)?;
    let formula = as_policy(&selection.chosen().formula)?;
    let few = &seeds[..config.evaluate.robustness_episodes.min(seeds.len())];
    let expert = expert.as_ref().map(|(expert, _)| *expert as &dyn Policy);
    let robustness = if setting.is_played() { robustness(&setting, expert, &formula, few)? } else { Vec::new() };
    let warnings = warnings(&policies);
    warnings.iter().for_each(|warning| setting.reporter.message("evaluate", format!("warning: {warning}")));
    made.set(Evaluation { policies, ladder, robustness, warnings });
    Ok(())
}

/// Which of the network and the formulas explain no more than a constant would.
fn warnings(policies: &[PolicyEvaluation]) -> Vec<String> {
    let of = |policy: &PolicyEvaluation| {
        let reason = policy.agreement.as_ref()?.warning()?;
        Some(format!("{}: {reason}", policy.policy))
    };
    policies.iter().filter_map(of).collect()
}

/// Expert and formula where the environment's constants are changed.
fn robustness(
    setting: &StageContext<'_>,
    expert: Option<&dyn Policy>,
    formula: &dyn Policy,
    seeds: &[u64],
) -> Result<Vec<Robustness>, StageError> {
    let mut changed = Vec::new();
    for (group, factor) in CHANGES {
        if let Some(environment) = variant(setting, group, factor)?.filter(|_| !seeds.is_empty()) {
            changed.push((format!("{} × {factor}", group.name()), environment));
        }
    }
    let policies: Vec<&dyn Policy> = expert.into_iter().chain([formula]).collect();
    let game = |environment, policy| Game { environment, policy, seeds };
    let environments = changed.iter().map(|(_, environment)| environment);
    let games: Vec<Game<'_>> =
        environments.flat_map(|environment| policies.iter().map(move |policy| game(environment, *policy))).collect();
    let mut results = play_all(&games, &setting.reporter, "evaluate", "episodes in changed environments")?.into_iter();
    let mut mean = |change: &str| match results.next().expect("a game for each policy and change") {
        Ok(episodes) => Some(returns(&episodes).mean),
        // In another world a policy may fail in every way; that is a result.
        Err(error) => {
            setting.reporter.message("evaluate", format!("{change}: {}", in_words(&error)));
            None
        }
    };
    let robustness = changed.into_iter().map(|(change, _)| {
        let expert = expert.and_then(|_| mean(&change));
        let headline = mean(&change);
        Robustness { change, expert, headline, episodes: seeds.len() }
    });
    Ok(robustness.collect())
}

fn returns(episodes: &[Episode]) -> Returns {
    Returns::new(episodes.iter().map(|episode| episode.episode_return).collect())
}

/// Compares the expert's actions with those of the policy that played these episodes.
fn agreement_in_own_states(expert: &dyn Policy, episodes: &[Episode]) -> Result<Agreement, StageError> {
    compare(episodes, |trajectory| {
        let mut wanted = ActionBatch::zeros(expert.action_space(), 0);
        expert.act(&trajectory.observations, &trajectory.elapsed_steps(), &mut wanted)?;
        Ok((trajectory.actions.clone(), wanted))
    })
}

/// Compares a policy's actions with the expert's, in the states of the expert's episodes.
fn agreement_with_expert(policy: &dyn Policy, episodes: &[Episode]) -> Result<Agreement, StageError> {
    compare(episodes, |trajectory| {
        let mut actions = ActionBatch::zeros(policy.action_space(), 0);
        policy.act(&trajectory.observations, &trajectory.elapsed_steps(), &mut actions)?;
        Ok((actions, trajectory.actions.clone()))
    })
}

/// `actions` gives the student's and the expert's for a trajectory.
fn compare(
    episodes: &[Episode],
    actions: impl Fn(&Trajectory) -> Result<Actions, StageError>,
) -> Result<Agreement, StageError> {
    let trajectories = episodes.iter().filter_map(|episode| episode.trajectory.as_ref());
    Ok(Agreement::of(&trajectories.map(actions).collect::<Result<Vec<_>, _>>()?))
}

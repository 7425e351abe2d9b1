use crate::artefacts::{Agreement, Evaluation, Model, PerStudent, PolicyEvaluation, Returns, Robustness, Selection};
use crate::causes::in_words;
use crate::dagger::is_not_finite;
use crate::engine::{Get, Make, StageError};
use crate::policies::Student;
use crate::rollouts::{Game, play, play_all};
use crate::run::Setting;
use crate::seeds::{self, Purpose};
use crate::variants::{Group, variant};
use experts::FunctionPolicy;
use kan_core::action::ActionBatch;
use kan_core::policy::Policy;
use kan_core::rollout::{Episode, RolloutOptions, Rollouts, Trajectory};

/// What robustness is measured against: half and double time steps, masses a tenth lighter and heavier.
const CHANGES: [(Group, f64); 4] =
    [(Group::TimeStep, 0.5), (Group::TimeStep, 2.0), (Group::Masses, 0.9), (Group::Masses, 1.1)];

/// Plays expert, network and formulas on the report seeds, and expert and formula in changed environments.
pub fn evaluate(
    mut made: Make<'_, Evaluation>,
    setting: Setting<'_>,
    models: Get<'_, PerStudent<Model>>,
    selection: Get<'_, Selection>,
) -> Result<(), StageError> {
    let (config, spec, expert) = (setting.config(), setting.spec(), setting.expert());
    let rollouts = setting.rollouts()?;
    let seeds = seeds::episodes(config.seed, Purpose::Report, config.evaluate.episodes);
    let run = |rollouts: &Rollouts, policy: &dyn Policy, seeds: &[u64], what: &str| {
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        play(rollouts, policy, seeds, &options, &setting.reporter, "evaluate", what)
    };
    let expert_episodes = run(&rollouts, expert, &seeds, "episodes of the expert")?;
    let evaluate = |name: &str, policy: &dyn Policy| -> Result<PolicyEvaluation, StageError> {
        let episodes = run(&rollouts, policy, &seeds, &format!("episodes, {name}"))?;
        Ok(PolicyEvaluation {
            policy: name.to_owned(),
            returns: returns(&episodes),
            agreement: Some(agreement(policy, &expert_episodes)?),
            own_states_agreement: Some(agreement_in_own_states(expert, &episodes)?),
        })
    };
    let mut policies = vec![PolicyEvaluation {
        policy: "expert".to_owned(),
        returns: returns(&expert_episodes),
        agreement: None,
        own_states_agreement: None,
    }];
    let chosen = if selection.chosen().polished { "polished" } else { "faithful" };
    let mut add = |name: &str, policy: &dyn Policy| match evaluate(name, policy) {
        Ok(evaluation) => {
            policies.push(evaluation);
            Ok(())
        }
        // What was not chosen may leave its domain somewhere.
        Err(error) if is_not_finite(&error) && name != chosen => {
            setting.reporter.message("evaluate", format!("{name} is not evaluated: {}", in_words(&error)));
            Ok(())
        }
        Err(error) => Err(error),
    };
    if let Some(model) = models.get(&selection.network) {
        let predict = |inputs: &[f64], outputs: &mut [f64]| model.approximator.predict(inputs, outputs);
        add("kan", &Student::new(spec.observation_space.len(), setting.head(), predict))?;
    }
    let as_policy = |formula| FunctionPolicy::from_formula(formula, spec, "the formula".to_owned());
    add("faithful", &as_policy(&selection.faithful().formula)?)?;
    if let Some(polished) = selection.polished() {
        add("polished", &as_policy(&polished.formula)?)?;
    }
    let same = policies.iter().find(|evaluation| evaluation.policy == chosen).cloned();
    policies.extend(same.map(|evaluation| PolicyEvaluation { policy: "formula".to_owned(), ..evaluation }));

    let formula = as_policy(&selection.chosen().formula)?;
    let few = &seeds[..config.evaluate.robustness_episodes.min(seeds.len())];
    let robustness = robustness(&setting, expert, &formula, few)?;
    made.set(Evaluation { policies, robustness });
    Ok(())
}

/// Expert and formula where the environment's constants are changed.
fn robustness(
    setting: &Setting<'_>,
    expert: &dyn Policy,
    formula: &dyn Policy,
    seeds: &[u64],
) -> Result<Vec<Robustness>, StageError> {
    let mut changed = Vec::new();
    for (group, factor) in CHANGES {
        if let Some(environment) = variant(setting, group, factor)?.filter(|_| !seeds.is_empty()) {
            changed.push((format!("{} × {factor}", group.name()), environment));
        }
    }
    let game = |environment, policy| Game { environment, policy, seeds };
    let games: Vec<Game<'_>> =
        changed.iter().flat_map(|(_, environment)| [game(environment, expert), game(environment, formula)]).collect();
    let mut results = play_all(&games, &setting.reporter, "evaluate", "episodes in changed environments")?.into_iter();
    let mut mean = |change: &str| match results.next().expect("two games for each change") {
        Ok(episodes) => Some(returns(&episodes).mean),
        // In another world a policy may fail in every way; that is a result.
        Err(error) => {
            setting.reporter.message("evaluate", format!("{change}: {}", in_words(&error)));
            None
        }
    };
    let robustness = changed.into_iter().map(|(change, _)| {
        let (expert, formula) = (mean(&change), mean(&change));
        Robustness { change, expert, formula, episodes: seeds.len() }
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
fn agreement(policy: &dyn Policy, episodes: &[Episode]) -> Result<Agreement, StageError> {
    compare(episodes, |trajectory| {
        let mut actions = ActionBatch::zeros(policy.action_space(), 0);
        policy.act(&trajectory.observations, &trajectory.elapsed_steps(), &mut actions)?;
        Ok((actions, trajectory.actions.clone()))
    })
}

/// Compares a student's actions with the expert's; `actions` gives both for a trajectory, the student's first.
fn compare(
    episodes: &[Episode],
    actions: impl Fn(&Trajectory) -> Result<(ActionBatch, ActionBatch), StageError>,
) -> Result<Agreement, StageError> {
    let mut same = (0_usize, 0_usize);
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for trajectory in episodes.iter().filter_map(|episode| episode.trajectory.as_ref()) {
        match actions(trajectory)? {
            (ActionBatch::Discrete(student), ActionBatch::Discrete(expert)) => {
                same.0 += student.iter().zip(&expert).filter(|(student, expert)| student == expert).count();
                same.1 += expert.len();
            }
            (ActionBatch::Continuous { values: student, .. }, ActionBatch::Continuous { values: expert, .. }) => {
                let both = student.iter().zip(&expert);
                pairs.extend(both.map(|(student, expert)| (f64::from(*student), f64::from(*expert))));
            }
            _ => unreachable!("both act in the same space"),
        }
    }
    if pairs.is_empty() {
        return Ok(Agreement::SameAction { value: same.0 as f64 / same.1.max(1) as f64 });
    }
    let mean = pairs.iter().map(|(_, expert)| expert).sum::<f64>() / pairs.len() as f64;
    let error: f64 = pairs.iter().map(|(student, expert)| (student - expert).powi(2)).sum();
    let total: f64 = pairs.iter().map(|(_, expert)| (expert - mean).powi(2)).sum();
    Ok(Agreement::RSquared { value: if total > 0.0 { 1.0 - error / total } else { f64::from(u8::from(error == 0.0)) } })
}

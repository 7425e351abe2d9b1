use crate::artefacts::{Agreement, Evaluation, FaithfulFormula, Model, Returns};
use crate::engine::{Get, Make, StageError};
use crate::policies::Student;
use crate::rollouts::play;
use crate::run::Setting;
use crate::seeds::{self, Purpose};
use experts::FunctionPolicy;
use kan_core::action::ActionBatch;
use kan_core::policy::Policy;
use kan_core::rollout::{Episode, RolloutOptions};

/// Plays expert, network and formula on the report seeds.
pub fn evaluate(
    mut made: Make<'_, Evaluation>,
    setting: Setting<'_>,
    model: Get<'_, Model>,
    formula: Get<'_, FaithfulFormula>,
) -> Result<(), StageError> {
    let (config, spec) = (setting.config(), setting.spec());
    let rollouts = setting.rollouts()?;
    let seeds = seeds::episodes(config.seed, Purpose::Report, config.evaluate.episodes);
    let model = &model.0;
    let kan = Student::new(spec.observation_space.len(), setting.head(), |inputs: &[f64], outputs: &mut [f64]| {
        model.predict(inputs, outputs);
    });
    let formula = FunctionPolicy::from_formula(&formula.0, spec, "the formula".to_owned())?;
    let expert = setting.expert();
    let run = |policy: &dyn Policy, record: bool, what: &str| {
        let options = RolloutOptions { record, ..RolloutOptions::default() };
        play(&rollouts, policy, &seeds, &options, &setting.reporter, "evaluate", what)
    };
    let expert_episodes = run(expert, true, "episodes of the expert")?;
    let kan_episodes = run(&kan, false, "episodes of the network")?;
    let formula_episodes = run(&formula, false, "episodes of the formula")?;
    made.set(Evaluation {
        expert: returns(&expert_episodes),
        kan: returns(&kan_episodes),
        formula: returns(&formula_episodes),
        kan_agreement: agreement(&kan, &expert_episodes)?,
        formula_agreement: agreement(&formula, &expert_episodes)?,
    });
    Ok(())
}

fn returns(episodes: &[Episode]) -> Returns {
    Returns::new(episodes.iter().map(|episode| episode.episode_return).collect())
}

/// Compares a policy's actions with the expert's, in the states of the expert's episodes.
fn agreement(policy: &dyn Policy, episodes: &[Episode]) -> Result<Agreement, StageError> {
    let mut same = (0_usize, 0_usize);
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for trajectory in episodes.iter().filter_map(|episode| episode.trajectory.as_ref()) {
        let mut actions = ActionBatch::zeros(policy.action_space(), 0);
        policy.act(&trajectory.observations, &trajectory.elapsed_steps(), &mut actions)?;
        match (&actions, &trajectory.actions) {
            (ActionBatch::Discrete(student), ActionBatch::Discrete(expert)) => {
                same.0 += student.iter().zip(expert).filter(|(student, expert)| student == expert).count();
                same.1 += expert.len();
            }
            (ActionBatch::Continuous { values: student, .. }, ActionBatch::Continuous { values: expert, .. }) => {
                pairs.extend(
                    student.iter().zip(expert).map(|(student, expert)| (f64::from(*student), f64::from(*expert))),
                );
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

//! DAgger: a student plays, the expert says what it would have done in the student's states, and the student learns that
//! too (Ross et al. 2011, arXiv 1011.0686).

use crate::engine::StageError;
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::{mean, mean_interval};
use crate::stages::collect::ExpertData;
use crate::stages::collect::data::push_labeled;
use crate::stages::context::StageContext;
use crate::stages::teacher::Teacher;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError};
use kanrl_core::rollout::{Episode, RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;

/// Every so manieth episode is kept to validate on.
const VALIDATE_EVERY: usize = 5;

/// What students are compared by, made once for all of a stage's students.
pub struct Dagger<'a> {
    setting: &'a StageContext<'a>,
    expert: &'a dyn ExpertPolicy,
    rollouts: Rollouts,
    stage: &'static str,
    validation: Vec<u64>,
    expert_returns: Vec<f64>,
}

/// The best of all rounds.
pub struct Best<S> {
    /// The student.
    pub student: S,
    /// What it learnt from.
    pub data: ExpertData,
    /// Its mean return on the validation seeds.
    pub mean: f64,
    /// Its round; 0 for the student that there was before.
    pub round: usize,
}

impl<'a> Dagger<'a> {
    /// Plays the expert on the validation seeds. None where there is only a log: it cannot be asked about other states.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn new(setting: &'a StageContext<'a>, stage: &'static str) -> Result<Option<Self>, StageError> {
        let Teacher::Expert(expert) = setting.teacher() else { return Ok(None) };
        let expert = expert.as_ref();
        let config = setting.config();
        let rollouts = setting.rollouts()?;
        let validation = seeds::episodes(config.seed, Purpose::Validate, config.dagger.validation_episodes.max(1));
        let mut dagger = Self { setting, expert, rollouts, stage, validation, expert_returns: Vec::new() };
        dagger.expert_returns = dagger.returns(expert, "validation episodes of the expert")?;
        Ok(Some(dagger))
    }

    /// Plays rounds with a student until it does not play worse than the expert, or there are no more; the best round
    /// counts, since rounds can get worse. `learn` makes a student from the last one and all rows so far.
    ///
    /// # Errors
    /// [`StageError`] where a student cannot be made or the environment fails.
    pub fn rounds<S>(
        &self,
        name: &str,
        first: S,
        data: ExpertData,
        policy: &dyn for<'s> Fn(&'s S) -> Box<dyn Policy + 's>,
        learn: &mut dyn FnMut(&S, &ExpertData) -> Result<S, StageError>,
    ) -> Result<Best<S>, StageError>
    where
        S: Clone,
    {
        let rounds = self.setting.config().dagger.rounds;
        let mut returns = self.returns(policy(&first).as_ref(), "validation episodes")?;
        let mut best = Best { mean: mean(&returns), student: first.clone(), data: data.clone(), round: 0 };
        let (mut student, mut data) = (first, data);
        for round in 1..=rounds {
            if self.plays_like_the_expert(&returns) {
                break;
            }
            self.aggregate(policy(&student).as_ref(), round, &mut data)?;
            student = learn(&student, &data)?;
            returns = self.returns(policy(&student).as_ref(), "validation episodes")?;
            let mean = mean(&returns);
            let rows = data.train.rows();
            let line = format!("{name}, round {round}: mean return {mean:.2} after learning from {rows} rows");
            self.setting.reporter.message(self.stage, line);
            if mean > best.mean || best.mean.is_nan() {
                best = Best { mean, student: student.clone(), data: data.clone(), round };
            }
        }
        Ok(best)
    }

    /// Whether the paired difference to the expert cannot be told from 0, and is small.
    fn plays_like_the_expert(&self, returns: &[f64]) -> bool {
        let differences: Vec<f64> =
            returns.iter().zip(&self.expert_returns).map(|(own, expert)| own - expert).collect();
        mean_interval(&differences).high >= 0.0 && mean(&differences) >= -0.01 * mean(&self.expert_returns).abs()
    }

    /// Returns on the validation seeds; −∞ for a student that gives no finite action.
    fn returns(&self, policy: &dyn Policy, what: &str) -> Result<Vec<f64>, StageError> {
        let options = RolloutOptions::default();
        match play(&self.rollouts, policy, &self.validation, &options, &self.setting.reporter, self.stage, what) {
            Ok(episodes) => Ok(episodes.iter().map(|episode| episode.episode_return).collect()),
            Err(error) if error.leaves_domain() => Ok(vec![f64::NEG_INFINITY; self.validation.len()]),
            Err(error) => Err(error),
        }
    }

    /// One round: the student's episodes, with the expert's share in them, labeled by the expert.
    fn aggregate(&self, student: &dyn Policy, round: usize, data: &mut ExpertData) -> Result<(), StageError> {
        let config = self.setting.config();
        let section = &config.dagger;
        let count = section.episodes.max(1);
        let seeds = seeds::episodes(config.seed, Purpose::Aggregate, round * count).split_off((round - 1) * count);
        let expert_share = section.expert_share * section.expert_share_decay.powi(round as i32 - 1);
        let dimensions = self.setting.head().outputs();
        let is_vector = matches!(self.setting.spec().action_space, ActionSpace::Box(_));
        let anchored = section.anchoring && round == 1 && is_vector && dimensions >= 3;
        let mut episodes: Vec<Episode> = Vec::new();
        let parts = if anchored { dimensions } else { 1 };
        for part in 0..parts {
            let own: Vec<u64> = seeds.iter().skip(part).step_by(parts).copied().collect();
            let only = anchored.then_some(part);
            let mixture = Mixture { student, expert: self.expert, expert_share, only, seed: config.seed };
            let options = RolloutOptions { record: true, ..RolloutOptions::default() };
            let what = "episodes of the student";
            match play(&self.rollouts, &mixture, &own, &options, &self.setting.reporter, self.stage, what) {
                Ok(played) => episodes.extend(played),
                // Nothing can be learnt from a student that does not act.
                Err(error) if error.leaves_domain() => {}
                Err(error) => return Err(error),
            }
        }
        let head = self.setting.head();
        for (index, trajectory) in episodes.iter().filter_map(|episode| episode.trajectory.as_ref()).enumerate() {
            let validates = index % VALIDATE_EVERY == VALIDATE_EVERY - 1;
            let to = if validates { &mut data.validation } else { &mut data.train };
            push_labeled(to, self.expert, &head, trajectory)?;
        }
        Ok(())
    }
}

/// The student with the expert at its side.
struct Mixture<'a> {
    student: &'a dyn Policy,
    expert: &'a dyn ExpertPolicy,
    /// Share of steps that the expert takes.
    expert_share: f64,
    /// The only action dimension that the student steers, if it does not steer all.
    only: Option<usize>,
    seed: u64,
}

impl Policy for Mixture<'_> {
    fn observation_size(&self) -> usize {
        self.student.observation_size()
    }

    fn action_space(&self) -> &ActionSpace {
        self.student.action_space()
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        self.student.act(observations, elapsed_steps, actions)?;
        if self.expert_share <= 0.0 && self.only.is_none() {
            return Ok(());
        }
        let mut wanted = actions.clone();
        self.expert.act(observations, elapsed_steps, &mut wanted)?;
        let rows = observations.chunks_exact(self.observation_size()).zip(elapsed_steps);
        let experts: Vec<bool> =
            rows.map(|(row, step)| seeds::unit(self.seed, row, *step) < self.expert_share).collect();
        match (actions, wanted) {
            (ActionBatch::Discrete(actions), ActionBatch::Discrete(wanted)) => {
                for ((action, wanted), expert) in actions.iter_mut().zip(wanted).zip(experts) {
                    if expert {
                        *action = wanted;
                    }
                }
            }
            (ActionBatch::Continuous { values, size }, ActionBatch::Continuous { values: wanted, .. }) => {
                for (index, (value, wanted)) in values.iter_mut().zip(wanted).enumerate() {
                    if experts[index / *size] || self.only.is_some_and(|only| only != index % *size) {
                        *value = wanted;
                    }
                }
            }
            _ => unreachable!("both act in the same space"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Mixture;
    use kanrl_core::action::ActionBatch;
    use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind};
    use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};

    /// Does the same always.
    struct Always(f32, ActionSpace);

    impl Policy for Always {
        fn observation_size(&self) -> usize {
            1
        }

        fn action_space(&self) -> &ActionSpace {
            &self.1
        }

        fn act(&self, _: &[f64], elapsed: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
            *actions = ActionBatch::Continuous { values: vec![self.0; 3 * elapsed.len()], size: 3 };
            Ok(())
        }
    }

    impl ExpertPolicy for Always {
        fn score_kind(&self) -> Option<ScoreKind> {
            None
        }

        fn scores(&self, _: &[f64], _: &[u32], _: &mut [f64]) -> Result<(), PolicyError> {
            Err(PolicyError::NoScores)
        }

        fn source(&self) -> &str {
            "a test"
        }
    }

    fn share_of_the_expert(expert_share: f64, only: Option<usize>) -> Vec<f32> {
        let torque = |name: &str| Coordinate::new(name, "N m", -1.0, 1.0);
        let space = ActionSpace::Box(BoxSpace::new(ElementType::F32, ["a", "b", "c"].map(torque).to_vec()));
        let (student, expert) = (Always(0.0, space.clone()), Always(1.0, space));
        let mixture = Mixture { student: &student, expert: &expert, expert_share, only, seed: 1 };
        let observations: Vec<f64> = (0..1000).map(f64::from).collect();
        let mut actions = ActionBatch::zeros(mixture.action_space(), 0);
        mixture.act(&observations, &vec![0; 1000], &mut actions).unwrap();
        let ActionBatch::Continuous { values, .. } = actions else { unreachable!("a vector") };
        (0..3).map(|axis| values.iter().skip(axis).step_by(3).sum::<f32>() / 1000.0).collect()
    }

    #[test]
    fn the_expert_takes_its_share_of_steps_and_the_axes_that_are_not_the_student_s() {
        assert_eq!(share_of_the_expert(0.0, None), [0.0; 3]);
        assert_eq!(share_of_the_expert(1.0, None), [1.0; 3]);
        assert_eq!(share_of_the_expert(0.0, Some(1)), [1.0, 0.0, 1.0]);
        let some = share_of_the_expert(0.3, None);
        assert!(some.iter().all(|share| (share - 0.3).abs() < 0.05 && *share == some[0]), "{some:?}");
    }
}

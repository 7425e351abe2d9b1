//! A student and its expert at the wheel together.

use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError};
use kanrl_core::space::ActionSpace;

/// The student with the expert at its side.
pub(super) struct Mixture<'a, T> {
    pub(super) student: &'a dyn Policy,
    pub(super) expert: &'a dyn ExpertPolicy,
    /// Whether the expert takes a step, by its observation and the steps before it.
    pub(super) takes: T,
    /// The only action dimension that the student steers, if it does not steer all.
    pub(super) only: Option<usize>,
}

impl<T: Fn(&[f64], u32) -> bool + Send + Sync> Policy for Mixture<'_, T> {
    fn observation_size(&self) -> usize {
        self.student.observation_size()
    }

    fn action_space(&self) -> &ActionSpace {
        self.student.action_space()
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        self.student.act(observations, elapsed_steps, actions)?;
        let rows = observations.chunks_exact(self.observation_size()).zip(elapsed_steps);
        let taken: Vec<bool> = rows.map(|(row, step)| (self.takes)(row, *step)).collect();
        if self.only.is_none() && !taken.contains(&true) {
            return Ok(());
        }
        let mut wanted = actions.clone();
        self.expert.act(observations, elapsed_steps, &mut wanted)?;
        replace(actions, &wanted, |row, axis| taken[row] || self.only.is_some_and(|only| only != axis));
        Ok(())
    }
}

/// Replaces the actions of the rows, or their axes, that are taken.
fn replace(actions: &mut ActionBatch, wanted: &ActionBatch, is_taken: impl Fn(usize, usize) -> bool) {
    match (actions, wanted) {
        (ActionBatch::Discrete(actions), ActionBatch::Discrete(wanted)) => {
            let rows = actions.iter_mut().zip(wanted).enumerate().filter(|(row, _)| is_taken(*row, 0));
            rows.for_each(|(_, (action, wanted))| *action = *wanted);
        }
        (ActionBatch::Continuous { values, size }, ActionBatch::Continuous { values: wanted, .. }) => {
            let all = values.iter_mut().zip(wanted).enumerate();
            let taken = all.filter(|(index, _)| is_taken(index / *size, index % *size));
            taken.for_each(|(_, (value, wanted))| *value = *wanted);
        }
        _ => unreachable!("both act in the same space"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mixture, replace};
    use crate::run::seeds;
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
        let takes = |row: &[f64], step: u32| seeds::unit(1, row, step) < expert_share;
        let mixture = Mixture { student: &student, expert: &expert, takes, only };
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
    #[test]
    fn only_the_rows_that_are_taken_change() {
        let mut actions = ActionBatch::Continuous { values: vec![1.0, 2.0, 3.0, 4.0], size: 2 };
        let wanted = ActionBatch::Continuous { values: vec![5.0, 6.0, 7.0, 8.0], size: 2 };
        replace(&mut actions, &wanted, |row, _| row == 1);
        let ActionBatch::Continuous { values, .. } = actions else { unreachable!("a vector") };
        assert_eq!(values, [1.0, 2.0, 7.0, 8.0]);
        let mut actions = ActionBatch::Discrete(vec![0, 0, 0]);
        replace(&mut actions, &ActionBatch::Discrete(vec![1, 1, 1]), |row, _| row != 1);
        let ActionBatch::Discrete(values) = actions else { unreachable!("choices") };
        assert_eq!(values, [1, 0, 1]);
    }
}

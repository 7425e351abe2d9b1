//! A student and its expert at the wheel together.

use super::takeover::replace;
use crate::run::seeds;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError};
use kanrl_core::space::ActionSpace;

/// The student with the expert at its side.
pub(super) struct Mixture<'a> {
    pub(super) student: &'a dyn Policy,
    pub(super) expert: &'a dyn ExpertPolicy,
    /// Share of steps that the expert takes.
    pub(super) expert_share: f64,
    /// The only action dimension that the student steers, if it does not steer all.
    pub(super) only: Option<usize>,
    pub(super) seed: u64,
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
        replace(actions, &wanted, &experts);
        // The axes that are not the student's.
        if let (Some(only), ActionBatch::Continuous { values, size }, ActionBatch::Continuous { values: wanted, .. }) =
            (self.only, actions, &wanted)
        {
            let others = values.iter_mut().zip(wanted).enumerate().filter(|(index, _)| index % *size != only);
            others.for_each(|(_, (value, wanted))| *value = *wanted);
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

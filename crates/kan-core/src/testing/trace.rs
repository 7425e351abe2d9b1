use crate::action::ActionBatch;
use crate::environment::{DynEnvironment, EnvironmentError, StepOutcome};
use crate::random::Generator;

/// All that can be seen of one episode.
pub(super) struct Trace {
    pub seed: u64,
    /// Row 0 is the reset.
    pub rows: Vec<Row>,
    /// The actions between the rows.
    pub actions: ActionBatch,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub observation: Vec<f64>,
    pub outcome: StepOutcome,
    pub info: Vec<f64>,
    pub state: Vec<f64>,
}

/// Random actions until the episode ends, at most `steps` of them; both seeded by `seed`.
pub(super) fn play(environment: &mut dyn DynEnvironment, seed: u64, steps: usize) -> Result<Trace, EnvironmentError> {
    let spec = environment.spec().clone();
    let mut actions = ActionBatch::zeros(&spec.action_space, steps);
    let mut generator = Generator::new(seed);
    for row in 0..steps {
        spec.action_space.sample(&mut generator, &mut actions, row);
    }
    let mut row = Row {
        observation: vec![0.0; spec.observation_space.len()],
        outcome: StepOutcome::default(),
        info: vec![0.0; spec.info_names.len()],
        state: Vec::new(),
    };
    environment.reset(Some(seed), &mut row.observation)?;
    row.state = environment.state();
    let mut rows = vec![row.clone()];
    while rows.len() <= steps && !row.outcome.is_over() {
        row.outcome = environment.step(actions.row(rows.len() - 1), &mut row.observation)?;
        environment.info(&mut row.info);
        row.state = environment.state();
        rows.push(row.clone());
    }
    actions.resize(rows.len() - 1);
    Ok(Trace { seed, rows, actions })
}

impl Trace {
    /// The first row in which two traces differ.
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        let differing = self.rows.iter().zip(&other.rows).position(|(row, other)| row != other);
        let (shorter, longer) = (self.rows.len().min(other.rows.len()), self.rows.len().max(other.rows.len()));
        differing.or((shorter < longer).then_some(shorter))
    }

    /// Says how row `step` differs.
    pub fn compare(&self, other: &Self, step: usize) -> String {
        let (Some(first), Some(second)) = (self.rows.get(step), other.rows.get(step)) else {
            return format!("{} steps instead of {}", other.rows.len() - 1, self.rows.len() - 1);
        };
        if first.observation != second.observation {
            format!("the observation {:?} instead of {:?}", second.observation, first.observation)
        } else if first.outcome != second.outcome {
            format!("{:?} instead of {:?}", second.outcome, first.outcome)
        } else if first.info != second.info {
            format!("the info numbers {:?} instead of {:?}", second.info, first.info)
        } else {
            format!("the state {:?} instead of {:?}", second.state, first.state)
        }
    }
}

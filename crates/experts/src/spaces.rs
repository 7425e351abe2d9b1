//! What a stored policy takes and gives, and whether an environment has the same.

use crate::ExpertError;
use crate::policy::describe_actions;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};

/// Most discrete actions of a file that does not say how many there are.
pub(crate) const MAX_ACTIONS: usize = 4096;

/// An action space without names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Actions {
    Discrete {
        count: usize,
    },
    Box {
        low: Vec<f64>,
        high: Vec<f64>,
    },
    /// Several choices at once, each of so many; 2 for a bit.
    Choices {
        counts: Vec<usize>,
    },
}

impl Actions {
    /// The same space with plain names, for a policy without an environment.
    pub(crate) fn to_space(&self) -> ActionSpace {
        match self {
            Self::Discrete { count } => {
                ActionSpace::Discrete(DiscreteSpace::new((0..*count).map(|index| format!("action {index}"))))
            }
            Self::Box { low, high } => {
                let axes = low.iter().zip(high).enumerate();
                let coordinate = |(index, (low, high)): (usize, (&f64, &f64))| {
                    Coordinate::new(format!("a_{index}"), "1", *low, *high)
                };
                ActionSpace::Box(BoxSpace::new(ElementType::F32, axes.map(coordinate).collect()))
            }
            Self::Choices { counts } => {
                let high = counts.iter().map(|count| *count as f64 - 1.0).collect();
                Self::Box { low: vec![0.0; counts.len()], high }.to_space()
            }
        }
    }

    fn fit(&self, space: &ActionSpace) -> bool {
        match (self, space) {
            (Self::Discrete { count }, ActionSpace::Discrete(space)) => *count == space.len(),
            (Self::Box { low, high }, ActionSpace::Box(space)) => {
                let same = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
                let mut axes = space.coordinates.iter().zip(low.iter().zip(high));
                low.len() == space.len()
                    && axes.all(|(axis, (low, high))| same(axis.low, *low) && same(axis.high, *high))
            }
            (Self::Choices { counts }, _) => {
                let high = counts.iter().map(|count| *count as f64 - 1.0).collect();
                Self::Box { low: vec![0.0; counts.len()], high }.fit(space)
            }
            _ => false,
        }
    }
}

/// An environment of which nothing but the observation's names and the actions is known.
pub(crate) fn plain_environment(id: String, observations: &[String], action_space: ActionSpace) -> EnvironmentSpec {
    let coordinate = |name: &String| Coordinate::new(name, "", f64::NEG_INFINITY, f64::INFINITY);
    EnvironmentSpec {
        id,
        observation_space: BoxSpace::new(ElementType::F64, observations.iter().map(coordinate).collect()),
        action_space,
        max_episode_steps: None,
        reward_threshold: None,
        frames_per_second: 1,
        info_names: Vec::new(),
    }
}

/// Whether `environment` has what a policy takes (`observations` numbers, a time feature left out) and gives.
pub(crate) fn check_fit(
    file: &str,
    observations: usize,
    actions: &Actions,
    environment: &EnvironmentSpec,
) -> Result<(), ExpertError> {
    if observations == environment.observation_space.len() && actions.fit(&environment.action_space) {
        return Ok(());
    }
    Err(ExpertError::Mismatch {
        file: file.to_owned(),
        policy: format!("{observations} observations and gives {}", describe_actions(&actions.to_space())),
        environment: format!(
            "`{}` has {} observations and {}",
            environment.id,
            environment.observation_space.len(),
            describe_actions(&environment.action_space)
        ),
    })
}

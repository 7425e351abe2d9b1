//! Sources of supervision: an expert that can be queried, or logged demonstrations.

use crate::head::StudentHead;
use bevy_ecs::prelude::Resource;
use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::dataset::{Dataset, Demonstrations};
use kanrl_core::policy::ExpertPolicy;
use kanrl_symbolic::Expression;
use std::ops::Range;
use std::sync::Arc;

/// A source of supervision.
#[derive(Clone, Resource)]
pub enum Teacher {
    /// A policy that can be asked what it would do.
    Expert(Arc<dyn ExpertPolicy>),
    /// What a policy did; nothing else can be asked.
    Log(Arc<Log>),
}

impl Teacher {
    /// Where it comes from, for reports.
    pub fn source(&self) -> &str {
        match self {
            Self::Expert(expert) => expert.source(),
            Self::Log(log) => &log.source,
        }
    }
}

/// Episodes, or contiguous blocks of rows, of a log; a fifth of them is chosen by and another fifth reported on.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The file.
    pub source: String,
    /// Whether the parts are whole episodes, not blocks.
    pub by_episode: bool,
    /// Rows to fit on, with targets for a [`StudentHead`].
    pub train: Dataset,
    /// Rows to choose by.
    pub validation: Dataset,
    /// Rows that nothing is fitted to or chosen by.
    pub test: Dataset,
}

/// Of so many episodes or blocks, one is validated and one tested on.
const PARTS: usize = 5;
/// Contiguous blocks that rows are cut into where there are too few episodes to split by.
const BLOCKS: usize = 50;

impl Log {
    /// Splits a log.
    ///
    /// # Errors
    /// In words, where there are too few rows or a name cannot stand in a formula.
    pub fn new(demonstrations: &Demonstrations, head: &StudentHead) -> Result<Self, String> {
        let rows = &demonstrations.rows;
        if rows.rows() < BLOCKS {
            return Err(format!(
                "it has {} rows; at least {BLOCKS} are needed to fit, to choose and to report on",
                rows.rows()
            ));
        }
        let zeros = vec![Expression::constant(0.0); head.outputs()];
        head.formula(rows.input_names.clone(), zeros).map_err(|error| error.to_string())?;
        let by_episode = demonstrations.marked && rows.episodes() >= PARTS;
        let blocks: Vec<Range<usize>> = if by_episode {
            (0..rows.episodes()).map(|episode| rows.episode_rows(episode)).collect()
        } else {
            (0..BLOCKS).map(|block| block * rows.rows() / BLOCKS..(block + 1) * rows.rows() / BLOCKS).collect()
        };
        let taught = taught(rows, head);
        let part = |wanted: &dyn Fn(usize) -> bool| {
            let mut part = Dataset::new(rows.input_names.clone(), taught.output_names.clone(), taught.score_kind);
            let own = blocks.iter().enumerate().filter(|(index, block)| wanted(index % PARTS) && !block.is_empty());
            own.for_each(|(_, block)| part.push_rows(&taught, block.clone()));
            part
        };
        let log = Self {
            source: demonstrations.source.clone(),
            by_episode,
            train: part(&|place| place < PARTS - 2),
            validation: part(&|place| place == PARTS - 2),
            test: part(&|place| place == PARTS - 1),
        };
        for (part, what) in [(&log.train, "fit"), (&log.validation, "choose"), (&log.test, "report")] {
            if part.weights.iter().sum::<f64>() <= 0.0 {
                return Err(format!("the rows to {what} on have no weight"));
            }
        }
        Ok(log)
    }
}

/// The same rows with a student's targets.
fn taught(rows: &Dataset, head: &StudentHead) -> Dataset {
    let discrete = head.action_space().outputs() != head.outputs();
    let targets = match rows.score_kind {
        None if discrete => {
            let mut actions = ActionBatch::Discrete(Vec::new());
            ActionRule::Argmax.act(&rows.targets, rows.rows(), &mut actions);
            head.targets_from_actions(&actions)
        }
        _ => head.targets_from_scores(&rows.targets),
    };
    Dataset { output_names: head.output_names(), targets, ..rows.clone() }
}

#[cfg(test)]
mod tests {
    use super::Log;
    use crate::head::StudentHead;
    use kanrl_core::dataset::{Dataset, Demonstrations};
    use kanrl_core::environment::EnvironmentSpec;
    use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};

    fn demonstrations(episodes: usize, length: usize, name: &str) -> (Demonstrations, StudentHead) {
        let x = Coordinate::new(name, "m", f64::NEG_INFINITY, f64::INFINITY);
        let spec = EnvironmentSpec {
            id: "log".into(),
            observation_space: BoxSpace::new(ElementType::F64, vec![x]),
            action_space: ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])),
            max_episode_steps: None,
            reward_threshold: None,
            frames_per_second: 1,
            info_names: vec![],
        };
        let mut rows = Dataset::new(vec![name.into()], vec!["a_0".into(), "a_1".into()], None);
        for episode in 0..episodes {
            let targets = if episode % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
            rows.push_episode(&vec![episode as f64; length], &targets.repeat(length), &vec![1.0; length]);
        }
        let head = StudentHead::new(spec.action_space.clone());
        (Demonstrations { source: "log.csv".into(), spec, rows, marked: episodes > 1, notes: Vec::new() }, head)
    }

    #[test]
    fn episodes_stay_whole_and_every_row_has_one_place() {
        let (all, head) = demonstrations(12, 10, "x");
        let log = Log::new(&all, &head).unwrap();
        assert!(log.by_episode);
        assert_eq!((log.train.episodes(), log.validation.episodes(), log.test.episodes()), (8, 2, 2));
        assert_eq!(log.validation.observations, [[3.0; 10], [8.0; 10]].concat());
        assert_eq!(log.test.targets, [[-1.0; 10], [1.0; 10]].concat());
        assert_eq!(log.train.rows() + log.validation.rows() + log.test.rows(), 120);
    }

    #[test]
    fn few_episodes_are_cut_into_blocks() {
        let (all, head) = demonstrations(1, 103, "x");
        let log = Log::new(&all, &head).unwrap();
        assert!(!log.by_episode);
        assert_eq!((log.train.episodes(), log.validation.episodes(), log.test.episodes()), (30, 10, 10));
        assert_eq!(log.train.rows() + log.validation.rows() + log.test.rows(), 103);
    }

    #[test]
    fn what_cannot_be_split_or_named_is_refused() {
        let (all, head) = demonstrations(1, 49, "x");
        assert!(Log::new(&all, &head).unwrap_err().starts_with("it has 49 rows; at least 50"));
        let (all, head) = demonstrations(1, 60, "x`");
        let error = Log::new(&all, &head).unwrap_err();
        assert!(error.contains("cannot name a variable"), "{error}");
    }
}

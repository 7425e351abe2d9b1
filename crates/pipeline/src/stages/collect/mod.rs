//! Expert episodes, or the rows of a log.

mod noise;
pub(crate) mod section;

pub use section::CollectSection;

pub(crate) mod data;

pub use data::ExpertData;
use data::push_labeled;
use noise::Disturbed;

use crate::engine::{Output, StageError};
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::stages::context::StageContext;
use crate::stages::teacher::{Log, Teacher};
use kanrl_core::dataset::Dataset;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::RolloutOptions;
use std::time::Instant;

/// The metric that says how fast the environment is: steps per second, with the expert playing on this machine.
pub const SPEED: &str = "environment steps per second";

/// Plays the expert, the last episodes becoming the validation set; or takes the rows of a log.
pub fn collect(mut made: Output<ExpertData>, setting: StageContext<'_>) -> Result<(), StageError> {
    let expert = match setting.teacher() {
        Teacher::Expert(expert) => expert.as_ref(),
        Teacher::Log(log) => {
            setting.reporter.message("collect", in_words(log));
            made.set(ExpertData { train: log.train.clone(), validation: log.validation.clone() });
            return Ok(());
        }
    };
    let config = setting.config();
    let section = &config.collect;
    if section.train_episodes == 0 || section.validation_episodes == 0 {
        let reason = "[collect] needs at least one episode to train on and one to validate on".to_owned();
        return Err(StageError::Unsupported { reason });
    }
    let count = section.train_episodes + section.validation_episodes;
    let seeds = seeds::episodes(config.seed, Purpose::Collect, count);
    let options = RolloutOptions { record: true, ..RolloutOptions::default() };
    let disturbed = Disturbed { expert, share: section.noise, seed: config.seed };
    let player: &dyn Policy = if section.noise > 0.0 { &disturbed } else { expert };
    let rollouts = setting.rollouts()?;
    let begin = Instant::now();
    let episodes = play(&rollouts, player, &seeds, &options, &setting.reporter, "collect", "expert episodes")?;
    let steps: u64 = episodes.iter().map(|episode| u64::from(episode.length)).sum();
    setting.reporter.metric("collect", SPEED, 0, steps as f64 / begin.elapsed().as_secs_f64().max(1e-9));
    let head = setting.head();
    let mut train = Dataset::new(setting.spec().observation_space.names(), head.output_names(), expert.score_kind());
    for trajectory in episodes.iter().filter_map(|episode| episode.trajectory.as_ref()) {
        push_labeled(&mut train, expert, &head, trajectory, usize::MAX)?;
    }
    let validation = train.split_off(section.validation_episodes);
    let mean = episodes.iter().map(|episode| episode.episode_return).sum::<f64>() / count as f64;
    let rows = (train.rows(), validation.rows());
    setting.reporter.message(
        "collect",
        format!("{count} episodes, mean return {mean:.2}; {} rows to train on, {} to validate on", rows.0, rows.1),
    );
    made.set(ExpertData { train, validation });
    Ok(())
}

fn in_words(log: &Log) -> String {
    let (parts, names) =
        (if log.by_episode { "episodes" } else { "contiguous blocks" }, log.train.input_names.join(", "));
    format!(
        "{}: {} rows to train on, {} to validate on, {} to test on, split by {parts}; observations {names}",
        log.source,
        log.train.rows(),
        log.validation.rows(),
        log.test.rows()
    )
}

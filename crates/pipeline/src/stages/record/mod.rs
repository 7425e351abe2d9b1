//! Videos of the expert and of the formula.

pub mod film;
pub(crate) mod section;
mod video;

pub use section::RecordSection;
pub use video::{ExpertVideo, FormulaVideo};

use crate::engine::{Input, Output, StageError};
use crate::run::seeds::{self, Purpose};
use crate::stages::context::StageContext;
use crate::stages::record::film::film;
use crate::stages::select::Selection;
use crate::stages::teacher::Teacher;
use kanrl_core::environment::EnvironmentError;
use kanrl_core::policy::Policy;
use kanrl_experts::FunctionPolicy;
use kanrl_render::video::{Format, VideoError};

/// Films the expert; runs in parallel with the fit, which it does not need.
pub fn record_expert(mut made: Output<ExpertVideo>, setting: StageContext<'_>) -> Result<(), StageError> {
    let video = match setting.teacher() {
        Teacher::Expert(expert) => record(&setting, expert.as_ref(), "record_expert")?,
        Teacher::Log(_) => {
            setting.reporter.message("record_expert", "no video: the expert is only a log");
            None
        }
    };
    made.set(ExpertVideo(video));
    Ok(())
}

/// Films the formula, on the same seed.
pub fn record_formula(
    mut made: Output<FormulaVideo>,
    setting: StageContext<'_>,
    selection: Input<Selection>,
) -> Result<(), StageError> {
    let policy = FunctionPolicy::from_formula(&selection.chosen().formula, setting.spec(), "the formula".to_owned())?;
    made.set(FormulaVideo(record(&setting, &policy, "record_formula")?));
    Ok(())
}

fn record(setting: &StageContext<'_>, policy: &dyn Policy, stage: &str) -> Result<Option<Vec<u8>>, StageError> {
    let section = &setting.config().record;
    if !section.videos {
        return Ok(None);
    }
    let reporter = &setting.reporter;
    if !setting.is_played() {
        reporter.message(stage, "no video: nothing is played");
        return Ok(None);
    }
    let mut environment = setting.environment()?;
    let seed = seeds::episodes(setting.config().seed, Purpose::Report, 1)[0];
    let mut each = |_: &_, step: u32, limit: u32| {
        reporter.progress(stage, u64::from(step), u64::from(limit.max(step)), "frames");
        !reporter.is_cancelled()
    };
    match film(environment.as_mut(), policy, seed, Format::Mp4, section.captions, &mut each) {
        _ if reporter.is_cancelled() => Err(StageError::Cancelled),
        Ok(film) => {
            reporter.message(stage, format!("{} frames, return {:.2}", film.frames, film.episode_return));
            Ok(Some(film.bytes))
        }
        Err(StageError::Environment(error @ EnvironmentError::NoRendering { .. })) => {
            reporter.message(stage, format!("no video: {error}"));
            Ok(None)
        }
        Err(StageError::Video(error @ VideoError::NotBuilt(_))) => {
            reporter.message(stage, format!("no video: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

//! From stages to a bevy_ecs schedule.
//!
//! Every stage becomes a system set: *begin* (announce it, compute its key, look for its artifacts under that key), then
//! either *load* (one system an artifact) or *body* and *save*, then *finish* (write `stage.json` last, so that a folder
//! with one is complete). A failure or a cancellation makes every later set skip.

use super::artifact::{Fingerprints, LoadContext};
use super::code;
use super::error::{PipelineError, StageError};
use super::progress::{Progress, Shared, Work};
use super::stage::Stage;
use crate::digest::hexadecimal;
use crate::events::{Event, Reporter};
use crate::run::LockedRun;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::ScheduleLabel;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Changes whenever stored artifacts of older versions must not be reused.
const FORMAT: u32 = 2;

/// What becomes of stored artifacts that are not as they were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Resource)]
pub enum Strictness {
    /// They are named, and made again.
    #[default]
    Replace,
    /// They are named, and the run ends.
    Refuse,
}

#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run;

/// All systems of the stage of that name.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
struct StageSet(String);

/// A part of a stage, in order.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Begin(String),
    Load(String),
    Body(String),
    Save(String),
    Finish(String),
}

pub(super) fn run(stages: Vec<Stage>, world: &mut World) -> Result<(), PipelineError> {
    let shared = Arc::new(Shared::default());
    let mut schedule = Schedule::new(Run);
    let count = stages.len();
    let mut earlier: Vec<(String, Vec<&'static str>, Vec<&'static str>)> = Vec::new();
    for (index, stage) in stages.into_iter().enumerate() {
        for (name, reads, provides) in &earlier {
            // An earlier stage that can do without what this one makes never sees it.
            let is_seen_too_early = stage.provided().any(|made| reads.contains(&made));
            if stage.reads().any(|need| provides.contains(&need)) || is_seen_too_early {
                schedule.configure_sets(StageSet(stage.name.clone()).after(StageSet(name.clone())));
            }
        }
        stage.needs.iter().for_each(|need| (need.prepare)(world));
        stage.provides.iter().for_each(|artifact| (artifact.prepare)(world));
        earlier.push((stage.name.clone(), stage.reads().collect(), stage.provided().collect()));
        add(&mut schedule, stage, index, count, &shared);
    }
    schedule.run(world);
    let failure = shared.failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    failure.map_or(Ok(()), |(stage, source)| Err(PipelineError::Stage { stage, source: Box::new(source) }))
}

fn add(schedule: &mut Schedule, stage: Stage, index: usize, count: usize, shared: &Arc<Shared>) {
    let name = stage.name.clone();
    let progress = Arc::new(Progress {
        shared: Arc::clone(shared),
        stage: name.clone(),
        index,
        count,
        needs: stage.reads().collect(),
        provides: stage.provided().collect(),
        sections: stage.sections.clone(),
        version: stage.version,
        reused: AtomicBool::new(false),
        work: Mutex::default(),
    });
    let [load, body, save]: [fn(&Progress) -> bool; 3] = [reused, not_reused, not_reused];
    let condition = |holds: fn(&Progress) -> bool| {
        let progress = Arc::clone(&progress);
        move || !progress.shared.failed.load(Ordering::SeqCst) && holds(&progress)
    };
    schedule.configure_sets(
        (
            Part::Begin(name.clone()).run_if(condition(always)),
            Part::Load(name.clone()).run_if(condition(load)),
            Part::Body(name.clone()).run_if(condition(body)),
            Part::Save(name.clone()).run_if(condition(save)),
            Part::Finish(name.clone()).run_if(condition(always)),
        )
            .chain()
            .in_set(StageSet(name.clone())),
    );
    let begin_progress = Arc::clone(&progress);
    schedule.add_systems(
        (move |reporter: Res<Reporter>,
               run: Res<LockedRun>,
               context: Res<LoadContext>,
               fingerprints: Option<Res<Fingerprints>>,
               strictness: Option<Res<Strictness>>| {
            let (fingerprints, strictness) =
                (fingerprints.as_deref(), strictness.as_deref().copied().unwrap_or_default());
            if let Err(error) = begin(&begin_progress, &reporter, &run, &context, fingerprints, strictness) {
                begin_progress.fail(error);
            }
        })
        .in_set(Part::Begin(name.clone())),
    );
    for artifact in &stage.provides {
        schedule.add_systems((artifact.load)(Arc::clone(&progress)).in_set(Part::Load(name.clone())));
        schedule.add_systems((artifact.save)(Arc::clone(&progress)).in_set(Part::Save(name.clone())));
    }
    let body_progress = Arc::clone(&progress);
    let body = (stage.body)(Box::new(move |error| body_progress.fail(error)));
    schedule.add_systems(body.in_set(Part::Body(name.clone())));
    schedule.add_systems(
        (move |reporter: Res<Reporter>, run: Res<LockedRun>| {
            if let Err(error) = finish(&progress, &reporter, &run) {
                progress.fail(error);
            }
        })
        .in_set(Part::Finish(name)),
    );
}

fn always(_: &Progress) -> bool {
    true
}

fn reused(progress: &Progress) -> bool {
    progress.reused.load(Ordering::SeqCst)
}

fn not_reused(progress: &Progress) -> bool {
    !reused(progress)
}

fn begin(
    progress: &Progress,
    reporter: &Reporter,
    run: &LockedRun,
    context: &LoadContext,
    fingerprints: Option<&Fingerprints>,
    strictness: Strictness,
) -> Result<(), StageError> {
    if reporter.is_cancelled() {
        return Err(StageError::Cancelled);
    }
    reporter.emit(&Event::StageStarted { stage: progress.stage.clone(), index: progress.index, count: progress.count });
    let key = key(progress, context, fingerprints);
    let mut keys = progress.shared.keys.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for made in &progress.provides {
        keys.insert(made, format!("{key}/{made}"));
    }
    drop(keys);
    let stored = run.stage(&progress.stage).and_then(|record| {
        let same = record.filter(|record| record.key() == key);
        same.as_ref().map(|record| run.check_stage(record)).transpose().map(|same| same.is_some())
    });
    let is_stored = match (stored, strictness) {
        (Ok(is_stored), _) => is_stored,
        (Err(damage), Strictness::Refuse) => return Err(StageError::Damaged(damage)),
        (Err(damage), Strictness::Replace) => {
            tracing::warn!("{damage}; stage `{}` runs again", progress.stage);
            reporter.message(&progress.stage, format!("{damage}; the stage runs again"));
            false
        }
    };
    let reused = is_stored && !progress.provides.is_empty();
    progress.reused.store(reused, Ordering::SeqCst);
    let folder = if reused { run.stage_path(&progress.stage) } else { run.create_stage(&progress.stage)? };
    *progress.lock_work() = Work { key, folder, started: Some(Instant::now()) };
    Ok(())
}

/// A stage's key: its name and code, the config sections it reads with what they name, and the keys of what it needs.
fn key(progress: &Progress, context: &LoadContext, fingerprints: Option<&Fingerprints>) -> String {
    let keys = progress.shared.keys.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    field(&FORMAT.to_string());
    field(env!("CARGO_PKG_VERSION"));
    field(&progress.stage);
    field(&code::identity(progress.version));
    for section in &progress.sections {
        field(section);
        field(&context.config.section_text(section));
        field(fingerprints.map_or("", |fingerprints| fingerprints.of(section)));
    }
    for need in &progress.needs {
        field(need);
        field(keys.get(need).map_or("", String::as_str));
    }
    hexadecimal(&hash.finalize())
}

fn finish(progress: &Progress, reporter: &Reporter, run: &LockedRun) -> Result<(), StageError> {
    let reused = reused(progress);
    let work = progress.lock_work();
    if !reused {
        run.complete_stage(&progress.stage, &work.key)?;
    }
    let seconds = work.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
    drop(work);
    reporter.emit(&Event::StageFinished { stage: progress.stage.clone(), seconds, reused });
    Ok(())
}

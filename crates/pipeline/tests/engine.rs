//! The engine's promises: order by artifacts, errors that end the run, artifacts that are reused.

use bevy_ecs::prelude::*;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::{
    Artifact, ArtifactError, Get, LoadContext, Make, Pipeline, PipelineError, Slot, Stage, StageError,
};
use kanrl_pipeline::events::{Event, Reporter};
use kanrl_pipeline::files;
use kanrl_pipeline::run::{LockedRun, RunFile};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Debug, PartialEq)]
struct Number(u64);

impl Artifact for Number {
    const NAME: &'static str = "number";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write(&folder.join("number.txt"), self.0.to_string().as_bytes())?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        std::fs::read_to_string(folder.join("number.txt"))?.parse().map(Number).map_err(ArtifactError::damaged)
    }
}

fn make(mut number: Make<Number>) -> Result<(), StageError> {
    number.set(Number(1));
    Ok(())
}

fn double(mut number: Make<Number>) -> Result<(), StageError> {
    number.get_mut().0 *= 2;
    Ok(())
}

fn add_ten(mut number: Make<Number>) -> Result<(), StageError> {
    number.get_mut().0 += 10;
    Ok(())
}

fn stage<M>(name: &str, system: impl IntoSystem<(), Result<(), StageError>, M> + 'static) -> Stage {
    Stage::new(name, "", system).needs::<Number>().provides::<Number>()
}

fn numbers() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.push(Stage::new("make", "", make).provides::<Number>().configured_by("seed"));
    pipeline.push(stage("double", double)).push(stage("add_ten", add_ten));
    pipeline
}

fn world(folder: &Path, seed: i64) -> (World, Arc<Mutex<Vec<String>>>) {
    let mut merged = MergedConfig::new(RawConfig::default());
    merged.set("seed", "", seed);
    let config = merged.resolve().unwrap();
    let library = config.library.build().unwrap();
    let finished = Arc::new(Mutex::new(Vec::new()));
    let mut reporter = Reporter::new();
    let heard = Arc::clone(&finished);
    reporter.subscribe(move |event: &Event| {
        if let Event::StageFinished { stage, reused, .. } = event {
            heard.lock().unwrap().push(format!("{stage}{}", if *reused { " reused" } else { "" }));
        }
    });
    let mut world = World::new();
    world.insert_resource(LoadContext { config: Arc::new(config), library });
    world.insert_resource(reporter);
    let run = LockedRun::open(folder).unwrap();
    run.write(RunFile::Config, b"").unwrap();
    world.insert_resource(run);
    (world, finished)
}

#[test]
fn stages_run_in_order_and_artifacts_are_reused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, finished) = world(folder.path(), 0);
    numbers().run(&mut first).unwrap();
    assert_eq!(first.resource::<Slot<Number>>().get(), Some(&Number(12)));
    assert_eq!(*finished.lock().unwrap(), ["make", "double", "add_ten"]);

    drop(first);
    let (mut again, finished) = world(folder.path(), 0);
    numbers().run(&mut again).unwrap();
    assert_eq!(again.resource::<Slot<Number>>().get(), Some(&Number(12)));
    assert_eq!(*finished.lock().unwrap(), ["make reused", "double reused", "add_ten reused"]);

    drop(again);
    // Another seed changes the first stage's key, and with it every key that depends on it.
    let (mut other, finished) = world(folder.path(), 1);
    numbers().run(&mut other).unwrap();
    assert_eq!(*finished.lock().unwrap(), ["make", "double", "add_ten"]);
}

#[test]
fn a_stage_without_its_record_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, _) = world(folder.path(), 0);
    numbers().run(&mut first).unwrap();
    std::fs::remove_file(folder.path().join("stages/add_ten/stage.json")).unwrap();
    drop(first);
    let (mut again, finished) = world(folder.path(), 0);
    numbers().run(&mut again).unwrap();
    assert_eq!(again.resource::<Slot<Number>>().get(), Some(&Number(12)));
    assert_eq!(*finished.lock().unwrap(), ["make reused", "double reused", "add_ten"]);
}

#[test]
fn stages_are_moved_replaced_and_dropped_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (mut moved, _) = world(folder.path(), 0);
    let mut pipeline = numbers();
    pipeline.select(&["make", "add_ten", "double"].map(str::to_owned)).unwrap();
    pipeline.run(&mut moved).unwrap();
    assert_eq!(moved.resource::<Slot<Number>>().get(), Some(&Number(22)));

    let mut pipeline = numbers();
    pipeline.remove("double").unwrap().insert_before("add_ten", stage("quadruple", double)).unwrap();
    pipeline.replace("add_ten", stage("add_ten", add_ten)).unwrap();
    assert_eq!(pipeline.stages().iter().map(Stage::name).collect::<Vec<_>>(), ["make", "quadruple", "add_ten"]);

    let error = pipeline.remove("dubble").unwrap_err();
    assert!(matches!(error, PipelineError::UnknownStage { .. }), "{error}");
}

#[test]
fn needs_are_checked_before_anything_runs() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let mut pipeline = Pipeline::new();
    pipeline.push(Stage::new("count", "", move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }));
    pipeline.push(stage("double", double));
    pipeline.push(Stage::new("make", "", make).provides::<Number>());
    let folder = tempfile::tempdir().unwrap();
    let error = pipeline.run(&mut world(folder.path(), 0).0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `double` needs `number`, which only comes after it (from double, make): change the order"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn a_failing_stage_ends_the_run_and_keeps_what_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = numbers();
    let fail = || Err(StageError::Unsupported { reason: "no".to_owned() });
    pipeline.insert_before("add_ten", stage("fail", fail)).unwrap();
    let (mut failing, finished) = world(folder.path(), 0);
    let error = pipeline.run(&mut failing).unwrap_err();
    assert_eq!(error.to_string(), "stage `fail` failed");
    assert_eq!(*finished.lock().unwrap(), ["make", "double"]);

    drop(failing);
    let (mut again, finished) = world(folder.path(), 0);
    numbers().run(&mut again).unwrap();
    assert_eq!(*finished.lock().unwrap(), ["make reused", "double reused", "add_ten"]);
}

#[test]
fn a_cancelled_run_stops_before_the_next_stage() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cancelled, finished) = world(folder.path(), 0);
    let flag = cancelled.resource::<Reporter>().cancel_flag();
    let mut pipeline = numbers();
    let cancel = move |_: Get<Number>| {
        flag.store(true, Ordering::SeqCst);
        Ok(())
    };
    pipeline.insert_after("double", stage("cancel", cancel)).unwrap();
    let error = pipeline.run(&mut cancelled).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(*finished.lock().unwrap(), ["make", "double", "cancel"]);
}

#[test]
fn a_stage_that_does_not_make_what_it_promises_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(Stage::new("lazy", "", || Ok(())).provides::<Number>());
    let error = pipeline.run(&mut world(folder.path(), 0).0).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "it says that it provides `number`, but has not made it");
}

//! The engine's promises: order by artifacts, errors that end the run, artifacts that are reused.

use bevy_ecs::prelude::*;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::{
    Artifact, ArtifactError, Input, LoadContext, OptionalInput, Output, Pipeline, PipelineError, Stage, StageError,
    made,
};
use kanrl_pipeline::events::{Event, Reporter};
use kanrl_pipeline::files;
use kanrl_pipeline::run::{LockedRun, RunFile};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A number, as the stage of that place left it.
#[derive(Debug, PartialEq)]
struct Number<const PLACE: usize>(u64);

impl<const PLACE: usize> Artifact for Number<PLACE> {
    const NAME: &'static str = ["first", "second", "third"][PLACE];

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write(&folder.join("number.txt"), self.0.to_string().as_bytes())?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        std::fs::read_to_string(folder.join("number.txt"))?.parse().map(Number).map_err(ArtifactError::damaged)
    }
}

fn make(mut number: Output<Number<0>>) -> Result<(), StageError> {
    number.set(Number(1));
    Ok(())
}

fn double(first: Input<Number<0>>, mut number: Output<Number<1>>) -> Result<(), StageError> {
    number.set(Number(2 * first.0));
    Ok(())
}

/// Takes what there is: `double` may be left out.
fn add_ten(
    first: Input<Number<0>>,
    second: OptionalInput<Number<1>>,
    mut number: Output<Number<2>>,
) -> Result<(), StageError> {
    number.set(Number(second.get().map_or(first.0, |second| second.0) + 10));
    Ok(())
}

fn numbers() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.push(Stage::new("make", "", make).configured_by("seed"));
    pipeline.push(Stage::new("double", "", double)).push(Stage::new("add_ten", "", add_ten));
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
    assert_eq!(made::<Number<2>>(&first), Some(&Number(12)));
    assert_eq!(*finished.lock().unwrap(), ["make", "double", "add_ten"]);

    drop(first);
    let (mut again, finished) = world(folder.path(), 0);
    numbers().run(&mut again).unwrap();
    assert_eq!(made::<Number<2>>(&again), Some(&Number(12)));
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
    assert_eq!(made::<Number<2>>(&again), Some(&Number(12)));
    assert_eq!(*finished.lock().unwrap(), ["make reused", "double reused", "add_ten"]);
}

#[test]
fn stages_are_moved_replaced_and_dropped_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (mut dropped, _) = world(folder.path(), 0);
    let mut pipeline = numbers();
    pipeline.select(&["make", "add_ten"].map(str::to_owned)).unwrap();
    pipeline.run(&mut dropped).unwrap();
    assert_eq!(made::<Number<2>>(&dropped), Some(&Number(11)));

    let folder = tempfile::tempdir().unwrap();
    let (mut moved, _) = world(folder.path(), 0);
    let mut pipeline = numbers();
    pipeline.select(&["make", "add_ten", "double"].map(str::to_owned)).unwrap();
    pipeline.run(&mut moved).unwrap();
    let both = (made::<Number<1>>(&moved), made::<Number<2>>(&moved));
    assert_eq!(both, (Some(&Number(2)), Some(&Number(11))), "what comes later is not seen");

    let mut pipeline = numbers();
    pipeline.remove("double").unwrap().insert_before("add_ten", Stage::new("twice", "", double)).unwrap();
    pipeline.replace("add_ten", Stage::new("add_ten", "", add_ten)).unwrap();
    assert_eq!(pipeline.stages().iter().map(Stage::name).collect::<Vec<_>>(), ["make", "twice", "add_ten"]);

    let error = pipeline.remove("dubble").unwrap_err();
    assert!(matches!(error, PipelineError::UnknownStage { .. }), "{error}");
}

#[test]
fn what_a_stage_takes_and_makes_are_its_parameters() {
    let pipeline = numbers();
    let add_ten = &pipeline.stages()[2];
    assert_eq!(add_ten.needed().collect::<Vec<_>>(), ["first"]);
    assert_eq!(add_ten.reads().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(add_ten.provided().collect::<Vec<_>>(), ["third"]);
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
    pipeline.push(Stage::new("double", "", double));
    pipeline.push(Stage::new("make", "", make));
    let folder = tempfile::tempdir().unwrap();
    let error = pipeline.run(&mut world(folder.path(), 0).0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `double` needs `first`, which only comes after it (from make): change the order"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn an_artifact_is_made_once() {
    let mut pipeline = numbers();
    pipeline.push(Stage::new("again", "", make));
    assert_eq!(
        pipeline.check().unwrap_err().to_string(),
        "stages `make` and `again` both provide `first`, which may be made only once: drop one of them, or give its \
         artifact a type of its own"
    );
}

#[test]
fn a_failing_stage_ends_the_run_and_keeps_what_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = numbers();
    let fail = |_: Input<Number<1>>| Err(StageError::Unsupported { reason: "no".to_owned() });
    pipeline.replace("add_ten", Stage::new("fail", "", fail)).unwrap();
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
    let cancel = move |_: Input<Number<1>>, mut number: Output<Number<2>>| {
        flag.store(true, Ordering::SeqCst);
        number.set(Number(0));
        Ok(())
    };
    pipeline.replace("add_ten", Stage::new("cancel", "", cancel)).unwrap();
    pipeline.push(Stage::new("after", "", |_: Input<Number<2>>| Ok(())));
    let error = pipeline.run(&mut cancelled).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(*finished.lock().unwrap(), ["make", "double", "cancel"]);
}

#[test]
fn a_stage_that_does_not_make_what_it_promises_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(Stage::new("lazy", "", |_: Output<Number<0>>| Ok(())));
    let error = pipeline.run(&mut world(folder.path(), 0).0).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "it declares the output `first`, but did not set it");
}

#[test]
fn a_stage_runs_again_where_its_version_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let run = |versions: [u64; 2]| {
        let mut pipeline = numbers();
        pipeline.replace("double", Stage::new("double", "", double).version(versions[0])).unwrap();
        pipeline.version(versions[1]);
        let (mut world, finished) = world(folder.path(), 0);
        pipeline.run(&mut world).unwrap();
        finished.lock().unwrap().clone()
    };
    assert_eq!(run([1, 1]), ["make", "double", "add_ten"]);
    assert_eq!(run([1, 1]), ["make reused", "double reused", "add_ten reused"]);
    assert_eq!(run([2, 1]), ["make reused", "double", "add_ten"], "what depends on it is made again too");
    assert_eq!(run([2, 7]), ["make", "double", "add_ten"], "a stage of its own version depends on `make`");
}

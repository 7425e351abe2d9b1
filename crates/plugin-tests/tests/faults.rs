//! Every way in which a plugin's environment can fail gives an error that names the plugin and the function; the host
//! and other instances go on.

mod common;

use common::{assert_says, c_plugin, own_plugin};
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{DynEnvironment, EnvironmentError, EnvironmentRegistry, KeywordArguments, StepOutcome};
use kanrl_plugin::{CallLimit, HangError, Plugin};
use serde_json::json;
use std::sync::{Arc, mpsc};
use std::time::Duration;

const LIBRARY: &str = "kanrl_plugin_tests";

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&own_plugin(), &mut registry).expect("the plugin loads");
    registry
}

fn arguments(value: serde_json::Value) -> KeywordArguments {
    serde_json::from_value(value).expect("an object")
}

fn faulty(value: serde_json::Value) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
    registry().make("Faulty-v0", &arguments(value))
}

/// The first error of: make, reset, three steps, a picture, three steps.
fn first_error(value: serde_json::Value) -> EnvironmentError {
    let run = || -> Result<(), EnvironmentError> {
        let mut environment = faulty(value)?;
        let mut observation = [0.0];
        environment.reset(Some(0), &mut observation)?;
        for step in 0..6 {
            environment.step(Action::Discrete(1), &mut observation)?;
            let _ = (environment.state(), environment.parameters());
            environment.info(&mut [0.0]);
            if step == 3 {
                match environment.render() {
                    Err(EnvironmentError::NoRendering { .. }) => {}
                    other => drop(other?),
                }
            }
        }
        Ok(())
    };
    run().expect_err("the environment fails")
}

#[test]
fn a_healthy_environment_is_the_one_behind_it() {
    let mut environment = faulty(json!({})).expect("it can be made");
    let spec = environment.spec();
    assert_eq!((spec.id.as_str(), spec.max_episode_steps, spec.reward_threshold), ("Faulty-v0", Some(50), Some(10.0)));
    assert_eq!(spec.observation_space.names(), ["count"]);
    assert_eq!(spec.info_names, ["twice"]);
    let mut observation = [9.0];
    environment.reset(Some(3), &mut observation).expect("it resets");
    assert_eq!(observation, [0.0]);
    let outcome = environment.step(Action::Discrete(1), &mut observation).expect("it steps");
    assert_eq!((observation, outcome.reward, outcome.is_over()), ([1.0], 1.0, false));
    let mut info = [0.0];
    environment.info(&mut info);
    assert_eq!((info, environment.state()), ([2.0], vec![1.0]));
    environment.set_parameter("gain", 0.5).expect("it has a gain");
    assert_eq!(environment.parameters()[0].value, 0.5);
    assert_eq!(environment.step(Action::Discrete(1), &mut observation).expect("it steps").reward, 0.5);
    let error = environment.set_parameter("gian", 1.0).expect_err("a slip");
    assert_says(&error.to_string(), &["no parameter `gian`", "did you mean `gain`"]);
    let error = environment.step(Action::Discrete(2), &mut observation).expect_err("an action too many");
    assert!(matches!(error, EnvironmentError::BadAction { .. }), "{error}");
    assert!(matches!(environment.render(), Err(EnvironmentError::NoRendering { .. })));
}

#[test]
fn a_spec_that_changes_between_instances_is_refused() {
    let registry = registry();
    let make = || registry.make("Faulty-v0", &arguments(json!({ "fault": "change" })));
    make().expect("the first one can be made");
    let error = make().map(drop).expect_err("the second one has another spec");
    assert_says(&error.to_string(), &[LIBRARY, "spec", "differ"]);
    make().expect("the third one is as the first one");
}

#[test]
fn the_host_counts_the_steps() {
    let mut environment = faulty(json!({})).expect("it can be made");
    let mut observation = [0.0];
    environment.reset(Some(0), &mut observation).expect("it resets");
    for step in 1..=50 {
        let outcome = environment.step(Action::Discrete(0), &mut observation).expect("it steps");
        assert_eq!(outcome.truncated, step == 50);
    }
    environment.reset(None, &mut observation).expect("it resets");
    let (mut observations, mut outcomes) = ([0.0; 80], [StepOutcome::default(); 80]);
    let steps = environment.step_chunk(&ActionBatch::Discrete(vec![0; 80]), &mut observations, &mut outcomes);
    assert_eq!(steps.expect("it steps"), 50);
    assert!(outcomes[49].truncated && !outcomes[48].truncated);
}

#[test]
fn errors_name_plugin_and_function() {
    for (place, function) in [("create", "create"), ("reset", "reset"), ("step", "step"), ("render", "render")] {
        let error = first_error(json!({"place": place, "fault": "error"})).to_string();
        assert_says(&error, &[LIBRARY, &format!("`{function}` failed"), "the engine is out of oil", "Faulty-v0"]);
    }
}

#[test]
fn panics_are_errors_that_name_plugin_and_function() {
    for place in ["create", "reset", "step", "state", "info", "parameters", "render"] {
        let error = first_error(json!({"place": place, "fault": "panic"})).to_string();
        let message = "panicked: the wheels came off after";
        assert_says(&error, &[LIBRARY, &format!("`{place}` failed"), message, "Faulty-v0"]);
    }
}

#[test]
fn numbers_that_are_not_finite_name_plugin_and_function() {
    for (place, what, function) in
        [("reset", "count", "reset"), ("step", "count", "step"), ("reward", "reward", "step")]
    {
        let error = first_error(json!({"place": place, "fault": "nan"}));
        assert!(matches!(error, EnvironmentError::NotFinite { .. }), "{error}");
        assert_says(&error.to_string(), &[LIBRARY, what, &format!("`{function}`"), "NaN", "Faulty-v0"]);
    }
}

#[test]
fn an_instance_that_panicked_stays_out_of_use_and_others_go_on() {
    let mut broken = faulty(json!({"place": "step", "fault": "panic", "after": 2})).expect("it can be made");
    let mut healthy = faulty(json!({})).expect("it can be made");
    let mut observation = [0.0];
    broken.reset(Some(0), &mut observation).expect("it resets");
    healthy.reset(Some(0), &mut observation).expect("it resets");
    for step in 0..5 {
        assert_eq!(broken.step(Action::Discrete(0), &mut observation).is_ok(), step < 2);
        healthy.step(Action::Discrete(0), &mut observation).expect("it goes on");
    }
    let error = broken.reset(Some(0), &mut observation).expect_err("it stays out of use").to_string();
    assert_says(&error, &[LIBRARY, "`reset`", "panicked", "an earlier call"]);
}

#[test]
fn a_panic_while_it_is_destroyed_is_caught() {
    drop(faulty(json!({"place": "destroy"})).expect("it can be made"));
    faulty(json!({})).expect("the plugin still works");
}

#[test]
fn a_failing_lane_is_named_and_those_before_it_have_been_stepped() {
    for (fault, parts) in [("panic", "panicked"), ("error", "out of oil"), ("nan", "NaN")] {
        let config = arguments(json!({"place": "step", "fault": fault, "after": 1, "seed": 2}));
        let mut lanes = registry().make_vector("Faulty-v0", &config, 4).expect("they can be made");
        let mut observations = [0.0; 4];
        for lane in 0..4 {
            lanes.reset_lane(lane, Some(lane as u64), &mut observations[lane..=lane]).expect("it resets");
        }
        lanes.swap_lanes(2, 3);
        let (actions, mut outcomes) = (ActionBatch::Discrete(vec![1; 4]), [StepOutcome::default(); 4]);
        lanes.step_lanes(&actions, &mut observations, &mut outcomes).expect("the first step goes well");
        assert_eq!(observations, [1.0; 4]);
        let error = lanes.step_lanes(&actions, &mut observations, &mut outcomes).expect_err("one fails");
        assert_eq!((error.lane, &observations[..3]), (3, &[2.0; 3][..]));
        assert_says(&error.source.to_string(), &[LIBRARY, "`step_lanes`", parts]);
    }
}

#[test]
fn unknown_arguments_are_refused() {
    let error = faulty(json!({"plaec": "step"})).err().expect("a slip");
    assert!(matches!(error, EnvironmentError::BadArguments { .. }), "{error}");
    let parts = ["Faulty-v0", "no argument `plaec`", "did you mean `place`?", "it takes after, fault, place, seed"];
    assert_says(&error.to_string(), &parts);
}

#[test]
fn no_code_runs_for_an_argument_that_an_environment_does_not_have() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    // Its `create` would say something else.
    let library = c_plugin(folder.path(), "silent", &source, &["SILENT_ERROR"]);
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&library, &mut registry).expect("it loads");
    let error = registry.make("Broken-v0", &arguments(json!({"mass": 1.0}))).err().expect("it takes none");
    assert!(matches!(error, EnvironmentError::BadArguments { .. }), "{error}");
    assert_says(&error.to_string(), &["Broken-v0", "no argument `mass`; it takes none"]);
    assert_says(&registry.make("Broken-v0", &KeywordArguments::new()).err().expect("77").to_string(), &["status 77"]);
}

#[test]
fn a_hang_is_told_after_the_limit_and_names_plugin_and_function() {
    for (place, function) in [("step", "step"), ("reset", "reset"), ("create", "create")] {
        let (sender, receiver) = mpsc::channel::<HangError>();
        let on_hang = move |error: &HangError| drop(sender.send(error.clone()));
        let limit = CallLimit { duration: Some(Duration::from_millis(300)), on_hang: Arc::new(on_hang) };
        let mut registry = EnvironmentRegistry::new();
        Plugin::open(&own_plugin(), limit).expect("it loads").register(&mut registry).expect("it registers");
        let config = arguments(json!({"place": place, "fault": "hang", "after": if place == "step" { 1 } else { 0 }}));
        // This thread stays inside the plugin for as long as the process lives.
        std::thread::spawn(move || {
            let mut environment = registry.make("Faulty-v0", &config).expect("it can be made");
            let mut observation = [0.0];
            environment.reset(Some(0), &mut observation).expect("it resets");
            while environment.step(Action::Discrete(0), &mut observation).is_ok() {}
        });
        let error = receiver.recv().expect("the watchdog tells");
        assert_eq!((error.function, error.limit), (function, Duration::from_millis(300)));
        assert_says(&error.to_string(), &[LIBRARY, &format!("`{function}`"), "0.3 s"]);
    }
}

#[test]
fn registering_twice_is_not_an_error_and_a_taken_id_is_one() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&own_plugin(), &mut registry).expect("it loads");
    kanrl_plugin::load(&own_plugin(), &mut registry).expect("the same library again");
    assert_eq!(registry.entries().count(), 2);

    let copy = tempfile::tempdir().expect("a temporary folder");
    let copied = copy.path().join("another.so");
    std::fs::copy(own_plugin(), &copied).expect("it can be copied");
    let error = kanrl_plugin::load(&copied, &mut registry).expect_err("the ids are taken").to_string();
    assert_says(&error, &["another.so", "`Faulty-v0` is registered twice"]);
    assert_eq!(registry.entries().count(), 2);
}

#[test]
fn one_foreign_chunk_gives_what_the_library_itself_gives() {
    use kanrl_core::environment::{SyncVectorEnvironment, TimeLimit, VectorEnvironment};
    use kanrl_envs_classic::{CartPole, CartPoleConfig};

    let lanes = 5;
    let mut foreign = registry().make_vector("plugin:CartPole-v1", &KeywordArguments::new(), lanes).expect("made");
    let own = (0..lanes).map(|_| TimeLimit::new(CartPole::new(CartPoleConfig::default()))).collect();
    let mut direct = SyncVectorEnvironment::new(own);
    let mut observations = [vec![0.0; 4 * lanes], vec![0.0; 4 * lanes]];
    let mut outcomes = [vec![StepOutcome::default(); lanes], vec![StepOutcome::default(); lanes]];
    for step in 0..600 {
        for (lane, outcome) in outcomes[0].iter().enumerate() {
            if step == 0 || outcome.is_over() {
                let seed = (step * lanes + lane) as u64;
                let place = 4 * lane..4 * lane + 4;
                foreign.reset_lane(lane, Some(seed), &mut observations[0][place.clone()]).expect("it resets");
                direct.reset_lane(lane, Some(seed), &mut observations[1][place]).expect("it resets");
            }
        }
        // Leans against the pole, so that some episodes last until the time limit.
        let lean = |row: &[f64]| usize::from(row[2] + 0.3 * row[3] + 0.02 * row[0] > 0.0);
        let actions = ActionBatch::Discrete(observations[0].chunks_exact(4).map(lean).collect());
        foreign.step_lanes(&actions, &mut observations[0], &mut outcomes[0]).expect("it steps");
        direct.step_lanes(&actions, &mut observations[1], &mut outcomes[1]).expect("it steps");
        assert_eq!(observations[0], observations[1]);
        assert_eq!(outcomes[0], outcomes[1]);
    }
}

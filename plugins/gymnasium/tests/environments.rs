//! The library as a host loads it. Without Python, or without Gymnasium in it, every test passes and says so; `KANRL_PYTHON`
//! or an activated environment names the interpreter.

use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{DynEnvironment, EnvironmentError, EnvironmentRegistry, KeywordArguments};
use kanrl_core::random::Generator;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Cargo puts the library next to the test programs.
fn library() -> PathBuf {
    let program = std::env::current_exe().expect("the test program has a path");
    program.parent().expect("it lies in a folder").join(format!("{DLL_PREFIX}gymnasium_bridge{DLL_SUFFIX}"))
}

/// The bridge's environments and the native ones.
fn registry() -> Option<EnvironmentRegistry> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    match kanrl_plugin::load(&library(), &mut registry) {
        Ok(_) => Some(registry),
        Err(error)
            if error.to_string().contains("No module named") || error.to_string().contains("cannot run Python") =>
        {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn make(registry: &EnvironmentRegistry, id: &str) -> Box<dyn DynEnvironment> {
    registry.make(id, &KeywordArguments::new()).unwrap_or_else(|error| panic!("{error}"))
}

/// The bits of an episode with random actions: observations, states, rewards and flags.
fn episode(environment: &mut dyn DynEnvironment, seed: u64) -> Vec<u64> {
    let space = environment.spec().action_space.clone();
    let mut generator = Generator::new(seed);
    let mut actions = ActionBatch::zeros(&space, 1);
    let mut observation = vec![0.0; environment.spec().observation_space.len()];
    environment.reset(Some(seed), &mut observation).expect("it resets");
    let mut bits: Vec<u64> = observation.iter().map(|value| value.to_bits()).collect();
    loop {
        space.sample(&mut generator, &mut actions, 0);
        let outcome = environment.step(actions.row(0), &mut observation).expect("it steps");
        bits.extend(observation.iter().chain(&environment.state()).map(|value| value.to_bits()));
        bits.extend([outcome.reward.to_bits(), outcome.terminated.into(), outcome.truncated.into()]);
        if outcome.is_over() {
            return bits;
        }
    }
}

#[test]
fn trajectories_are_the_native_ones_bit_by_bit() {
    let Some(registry) = registry() else { return };
    for (id, seeds) in [("Pendulum-v1", 100), ("CartPole-v1", 200), ("MountainCar-v0", 50), ("Acrobot-v1", 5)] {
        let (mut bridged, mut native) = (make(&registry, &format!("gymnasium:{id}")), make(&registry, id));
        let (ours, theirs) = (bridged.spec(), native.spec());
        assert_eq!(ours.max_episode_steps, theirs.max_episode_steps, "{id}");
        assert_eq!(ours.reward_threshold, theirs.reward_threshold, "{id}");
        assert_eq!(ours.frames_per_second, theirs.frames_per_second, "{id}");
        for (ours, theirs) in ours.observation_space.coordinates.iter().zip(&theirs.observation_space.coordinates) {
            assert_eq!((ours.low, ours.high), (theirs.low, theirs.high), "{id} {}", theirs.name);
        }
        for seed in 0..seeds {
            assert_eq!(episode(&mut *bridged, seed), episode(&mut *native, seed), "{id}, seed {seed}");
        }
    }
}

#[test]
fn instances_on_many_threads_are_what_they_are_alone() {
    let Some(registry) = registry() else { return };
    let alone: Vec<_> = (0..8).map(|seed| episode(&mut *make(&registry, "Pendulum-v1"), seed)).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let play = |seed| episode(&mut *make(&registry, "gymnasium:Pendulum-v1"), seed);
        let threads: Vec<_> = (0..8).map(|seed| scope.spawn(move || play(seed))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn spaces_and_arguments_that_do_not_fit_are_refused_in_words() {
    let Some(registry) = registry() else { return };
    let error = registry.make("gymnasium:Blackjack-v1", &KeywordArguments::new()).err().expect("a tuple");
    assert!(error.to_string().contains("its observation space is Tuple"), "{error}");
    let arguments = |name: &str, value: f64| KeywordArguments::from_iter([(name.to_owned(), value.into())]);
    let error = registry.make("gymnasium:Pendulum-v1", &arguments("gravity", 9.81)).err().expect("a typo");
    assert!(matches!(error, EnvironmentError::BadArguments { .. }), "{error}");
    assert!(error.to_string().contains("unexpected keyword argument 'gravity'"), "{error}");
    registry.make("gymnasium:Pendulum-v1", &arguments("g", 9.81)).expect("Gymnasium's own argument");

    // An exception in a step is an error, and the next episode goes on.
    let mut environment = make(&registry, "gymnasium:Pendulum-v1");
    let action = kanrl_core::action::Action::F32(&[0.0]);
    let error = environment.step(action, &mut [0.0; 3]).expect_err("it was not reset").to_string();
    assert!(error.contains("gymnasium_bridge") && error.contains("ResetNeeded"), "{error}");
    environment.reset(Some(0), &mut [0.0; 3]).expect("it resets");
    environment.step(action, &mut [0.0; 3]).expect("it steps");
}

#[test]
fn discrete_observations_are_a_number() {
    let Some(registry) = registry() else { return };
    let mut environment = make(&registry, "gymnasium:FrozenLake-v1");
    let space = environment.spec().observation_space.clone();
    assert_eq!((space.len(), space.coordinates[0].low, space.coordinates[0].high), (1, 0.0, 15.0));
    assert_eq!(environment.spec().action_space.outputs(), 4);
    let mut observation = [1.0];
    environment.reset(Some(0), &mut observation).expect("it resets");
    assert_eq!(observation, [0.0]);
}

#[test]
fn pictures_are_gymnasium_s() {
    let Some(registry) = registry() else { return };
    let mut environment = make(&registry, "gymnasium:Pendulum-v1");
    environment.reset(Some(0), &mut [0.0; 3]).expect("it resets");
    match environment.render() {
        Ok(frame) => assert_eq!((frame.width, frame.height, frame.rgb.len()), (500, 500, 500 * 500 * 3)),
        Err(EnvironmentError::NoRendering { .. }) => eprintln!("skipped: no pygame"),
        Err(error) => panic!("{error}"),
    }
}

/// The command line gives the same formula for `gymnasium:Pendulum-v1` as for the native environment. Takes the program
/// that the workspace's own tests have built.
#[test]
fn the_command_line_extracts_the_same_formula() {
    if registry().is_none() {
        return;
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/kanrl");
    if !program.is_file() {
        return eprintln!("skipped: {} is not built", program.display());
    }
    let folder = std::env::temp_dir().join(format!("kanrl-gymnasium-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = "[collect]\ntrain_episodes = 3\nvalidation_episodes = 1\n[dagger]\nrounds = 1\nsteps = 100\n\
                  validation_episodes = 2\n[polish]\nenvironment_steps = 5000\n[select]\nepisodes = 4\n[evaluate]\n\
                  episodes = 4\n";
    std::fs::write(folder.join("run.toml"), config).expect("it can be written");
    let [bridged, native] = ["gymnasium:Pendulum-v1", "Pendulum-v1"].map(|id| {
        let output = Command::new(&program)
            .args(["extract", id, "--config", "run.toml", "--out", id, "--hidden", "", "--plugin"])
            .arg(library())
            .current_dir(&folder)
            .output()
            .expect("kanrl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let show = Command::new(&program).args(["runs", "show", "--json", id]).current_dir(&folder).output();
        let shown: serde_json::Value = serde_json::from_slice(&show.expect("kanrl runs").stdout).expect("JSON");
        shown["metrics"]["returns"].clone()
    });
    for policy in ["expert", "network", "headline"] {
        assert!(bridged[policy]["mean"].is_number());
        assert_eq!(bridged[policy], native[policy], "{policy}");
    }
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

//! What holds whatever the recordings are: arguments, parameters, determinism, pictures.

use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{DynEnvironment, EnvironmentError, EnvironmentRegistry, KeywordArguments};
use kanrl_core::random::Generator;
use serde_json::json;

fn make(id: &str, arguments: serde_json::Value) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_box2d::register(&mut registry)?;
    registry.make(id, arguments.as_object().expect("an object"))
}

fn ids() -> Vec<String> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_box2d::register(&mut registry).expect("distinct ids");
    registry.entries().map(|entry| entry.id.clone()).collect()
}

/// Observations, rewards and final state of random actions, a new episode whenever one ends.
fn play(environment: &mut dyn DynEnvironment, seed: u64, steps: usize) -> Vec<f64> {
    let space = environment.spec().action_space.clone();
    let (mut generator, mut actions) = (Generator::new(seed), ActionBatch::zeros(&space, 1));
    let mut observation = vec![0.0; environment.spec().observation_space.len()];
    environment.reset(Some(seed), &mut observation).expect("a reset");
    let mut numbers = observation.clone();
    for _ in 0..steps {
        space.sample(&mut generator, &mut actions, 0);
        let outcome = environment.step(actions.row(0), &mut observation).expect("a step");
        numbers.extend(&observation);
        numbers.push(outcome.reward);
        if outcome.is_over() {
            environment.reset(None, &mut observation).expect("a reset");
        }
    }
    numbers.extend(environment.state());
    numbers
}

/// Under valgrind this is also the test for leaks and races, see the crate's documentation.
#[test]
fn episodes_do_not_depend_on_threads_or_neighbors() {
    for id in ids() {
        let alone: Vec<Vec<f64>> =
            (0..6).map(|seed| play(&mut *make(&id, json!({})).expect("known"), seed, 200)).collect();
        // Made on one thread, moved to others, all at once.
        let environments: Vec<_> = (0..6).map(|_| make(&id, json!({})).expect("known")).collect();
        let together: Vec<Vec<f64>> = std::thread::scope(|scope| {
            let play_after_another = |(seed, mut environment): (usize, Box<dyn DynEnvironment>)| {
                scope.spawn(move || {
                    play(&mut *environment, 99, 50); // a used environment gives the same episode
                    play(&mut *environment, seed as u64, 200)
                })
            };
            let threads: Vec<_> = environments.into_iter().enumerate().map(play_after_another).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(alone, together, "{id}");
    }
}

#[test]
fn bad_arguments_are_refused_with_a_reason() {
    for (id, arguments, expected) in [
        ("LunarLander-v3", json!({"gravity": -12.0}), "between -12 and 0"),
        ("LunarLander-v3", json!({"gravity": 1.0}), "between -12 and 0"),
        ("LunarLander-v3", json!({"wind": true}), "unknown field `wind`"),
        ("LunarLander-v3", json!({"continuous": 1}), "expected a boolean"),
        ("LunarLander-v3", json!({"wind_power": 1e300}), "wind_power"),
        ("BipedalWalker-v3", json!({"hardcore": "yes"}), "expected a boolean"),
    ] {
        let error = make(id, arguments).err().expect("refused").to_string();
        assert!(error.contains(id) && error.contains(expected), "{error}");
    }
}

#[test]
fn arguments_choose_actions_and_terrain() {
    let outputs = |id, arguments| make(id, arguments).expect("good arguments").spec().action_space.outputs();
    assert_eq!(outputs("LunarLander-v3", json!({})), 4);
    assert_eq!(outputs("LunarLander-v3", json!({"continuous": true})), 2);
    assert_eq!(outputs("LunarLanderContinuous-v3", json!({})), 2);
    assert_eq!(outputs("LunarLanderContinuous-v2", json!({"continuous": false})), 4);
    let hardcore = play(&mut *make("BipedalWalkerHardcore-v3", json!({})).expect("known"), 1, 30);
    let argument = play(&mut *make("BipedalWalker-v3", json!({"hardcore": true})).expect("known"), 1, 30);
    assert_eq!(hardcore, argument);
}

#[test]
fn parameters_change_the_dynamics_and_stay() {
    for id in ids() {
        let mut environment = make(&id, json!({})).expect("known");
        let standard = play(&mut *environment, 3, 60);
        for parameter in environment.parameters() {
            // The wind does not blow unless asked to.
            let still = ["wind_power", "turbulence_power"].contains(&&*parameter.name);
            environment.set_parameter(&parameter.name, parameter.value * 0.8).expect("a good value");
            let changed = play(&mut *environment, 3, 60);
            assert_eq!(changed == standard, still, "{id}: {}", parameter.name);
            environment.set_parameter(&parameter.name, parameter.value).expect("a good value");
            assert_eq!(play(&mut *environment, 3, 60), standard, "{id}: {}", parameter.name);

            // While an episode runs, too.
            environment.reset(Some(3), &mut vec![0.0; environment.spec().observation_space.len()]).expect("a reset");
            environment.set_parameter(&parameter.name, parameter.value * 0.8).expect("a good value");
            environment.set_parameter(&parameter.name, parameter.value).expect("a good value");
            for bad in [f64::NAN, f64::INFINITY, 1e30] {
                let error = environment.set_parameter(&parameter.name, bad).expect_err("refused").to_string();
                assert!(error.contains(&parameter.name) && error.contains("expected"), "{error}");
            }
        }
        assert!(environment.set_parameter("time_step", 0.0).is_err());
        let error = environment.set_parameter("gravitation", 1.0).expect_err("refused").to_string();
        assert!(error.contains("did you mean `gravity`"), "{error}");
    }
}

#[test]
fn nothing_works_before_the_first_reset_and_says_so() {
    for id in ids() {
        let mut environment = make(&id, json!({})).expect("known");
        let actions = ActionBatch::zeros(&environment.spec().action_space, 1);
        let mut observation = vec![0.0; environment.spec().observation_space.len()];
        let error = environment.step(actions.row(0), &mut observation).expect_err("refused").to_string();
        assert!(error.contains("call `reset` first"), "{error}");
        assert!(environment.render().is_err());
        assert!(environment.state().iter().all(|value| *value == 0.0));
    }
}

#[test]
fn pictures_change_with_the_state_and_change_nothing() {
    for id in ids() {
        let mut watched = make(&id, json!({})).expect("known");
        let mut observation = vec![0.0; watched.spec().observation_space.len()];
        watched.reset(Some(0), &mut observation).expect("a reset");
        let first = watched.render().expect("a picture");
        assert_eq!((first.width, first.height, first.rgb.len()), (600, 400, 600 * 400 * 3));
        let numbers = play(&mut *watched, 0, 20);
        assert_ne!(watched.render().expect("a picture"), first);
        assert_eq!(play(&mut *make(&id, json!({})).expect("known"), 0, 20), numbers);
    }
}

#[test]
fn engines_leave_flames() {
    let arguments = KeywordArguments::new();
    let mut lander = make("LunarLander-v3", arguments.into()).expect("known");
    let red = |lander: &mut dyn DynEnvironment| {
        let frame = lander.render().expect("a picture");
        frame.rgb.chunks_exact(3).filter(|pixel| pixel[0] > 200 && pixel[1] < 150 && pixel[2] < 150).count()
    };
    let mut observation = [0.0; 8];
    for (action, flames) in [(0, false), (1, true), (2, true), (3, true)] {
        lander.reset(Some(0), &mut observation).expect("a reset");
        for _ in 0..20 {
            lander.step(kanrl_core::action::Action::Discrete(0), &mut observation).expect("a step");
        }
        lander.step(kanrl_core::action::Action::Discrete(action), &mut observation).expect("a step");
        assert_eq!(red(&mut *lander) > 10, flames, "action {action}");
    }
}

#[test]
fn the_first_leg_of_the_observation_is_the_right_one() {
    let mut lander = make("LunarLander-v3", json!({})).expect("known");
    lander.reset(Some(0), &mut [0.0; 8]).expect("a reset");
    let state = lander.state();
    assert_eq!(lander.spec().observation_space.coordinates[6].name, "right_leg_contact");
    assert!(state[14] < state[0] && state[0] < state[7], "left leg, lander, right leg from left to right");
}

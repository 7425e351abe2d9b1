//! What holds whatever the recordings are: the contract, names, arguments, parameters, failures.

use kanrl_core::environment::{DynEnvironment, EnvironmentError, EnvironmentRegistry};

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_mujoco::register(&mut registry).expect("distinct ids");
    registry
}

fn make(id: &str, arguments: serde_json::Value) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
    registry().make(id, arguments.as_object().expect("an object"))
}

#[cfg(not(feature = "mujoco"))]
#[test]
fn a_build_without_the_engine_says_what_to_type() {
    for id in ["Hopper-v5", "Hopper-v4", "Hopper-v3", "Reacher-v4", "InvertedDoublePendulum-v5"] {
        let error = make(id, serde_json::json!({})).err().expect("no engine").to_string();
        assert!(error.contains(id), "{error}");
        assert!(error.contains("default features") && error.contains("`pip install mujoco==3.17.0`"), "{error}");
    }
    assert!(matches!(registry().get("Reacher-v3"), Err(EnvironmentError::UnknownId { .. })));
}

#[cfg(feature = "mujoco")]
mod with_mujoco {
    use super::{make, registry};
    use kanrl_core::action::ActionBatch;
    use kanrl_core::environment::{DynEnvironment, EnvironmentError, KeywordArguments};
    use kanrl_core::random::Generator;
    use kanrl_core::testing::check_environment;
    use serde_json::json;
    use std::process::Command;

    /// Observations, rewards and final state of random actions.
    fn play(environment: &mut dyn DynEnvironment, seed: u64, steps: usize) -> Result<Vec<f64>, EnvironmentError> {
        let space = environment.spec().action_space.clone();
        let (mut generator, mut actions) = (Generator::new(seed), ActionBatch::zeros(&space, 1));
        let mut observation = vec![0.0; environment.spec().observation_space.len()];
        environment.reset(Some(seed), &mut observation)?;
        let mut numbers = observation.clone();
        for _ in 0..steps {
            space.sample(&mut generator, &mut actions, 0);
            numbers.push(environment.step(actions.row(0), &mut observation)?.reward);
            numbers.extend(&observation);
        }
        numbers.extend(environment.state());
        Ok(numbers)
    }

    #[test]
    fn every_environment_keeps_the_contract() {
        let registry = registry();
        assert_eq!(registry.entries().count(), 16);
        for entry in registry.entries() {
            let violations = check_environment(entry, &KeywordArguments::new());
            assert!(violations.is_empty(), "{}: {violations:#?}", entry.id);
        }
    }

    #[test]
    fn v3_is_another_name_of_v4() {
        for robot in ["Ant", "HalfCheetah", "Hopper", "Swimmer", "Walker2d"] {
            let environment = make(&format!("{robot}-v3"), json!({})).expect("known");
            assert_eq!(environment.spec().id, format!("{robot}-v4"));
        }
        let error = make("Reacher-v3", json!({})).err().expect("never was").to_string();
        assert!(error.contains("did you mean `Reacher-v"), "{error}");
    }

    #[test]
    fn positions_can_be_observed() {
        let size = |id, arguments| make(id, arguments).expect("good arguments").spec().observation_space.len();
        let all = json!({"exclude_current_positions_from_observation": false});
        for (id, added) in
            [("Hopper-v5", 1), ("HalfCheetah-v4", 1), ("Walker2d-v5", 1), ("Swimmer-v4", 2), ("Ant-v5", 2)]
        {
            assert_eq!(size(id, all.clone()), size(id, json!({})) + added, "{id}");
        }
        assert_eq!(size("Ant-v4", json!({"use_contact_forces": true})), 27 + 84);
        assert_eq!(size("Ant-v5", json!({"include_cfrc_ext_in_observation": false})), 27);
    }

    #[test]
    fn bad_arguments_are_refused_with_a_reason() {
        for (id, arguments, expected) in [
            ("Hopper-v5", json!({"healthy_reward": "much"}), "invalid type"),
            ("Hopper-v5", json!({"healthy_rewards": 1.0}), "unknown field `healthy_rewards`"),
            ("Hopper-v4", json!({"healthy_z_range": [1.0, 0.5]}), "the lower one first"),
            ("Walker2d-v5", json!({"healthy_z_range": [1.0, "many"]}), "the lower one first"),
            ("Swimmer-v4", json!({"frame_skip": 0}), "frame_skip is 0"),
            ("Ant-v4", json!({"include_cfrc_ext_in_observation": true}), "unknown field"),
        ] {
            let error = make(id, arguments).err().expect("refused").to_string();
            assert!(error.contains(id) && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn parameters_change_the_dynamics_and_stay() {
        let names = |id| -> Vec<String> {
            make(id, json!({})).expect("known").parameters().into_iter().map(|parameter| parameter.name).collect()
        };
        let hopper = names("Hopper-v5");
        for name in ["timestep", "gravity", "mass_torso", "damping_leg_joint", "friction_foot_geom", "gear_thigh_joint"]
        {
            assert!(hopper.iter().any(|known| known == name), "{name}: {hopper:?}");
        }
        // Nothing touches anything in water.
        assert!(names("Swimmer-v5").iter().all(|name| !name.starts_with("friction")));

        let mut environment = make("Hopper-v5", json!({})).expect("known");
        let standard = play(&mut *environment, 3, 60).expect("steady");
        for parameter in environment.parameters() {
            environment.set_parameter(&parameter.name, parameter.value * 1.2 + 0.001).expect("a good value");
            // Only the foot touches the ground here.
            let idle = parameter.name.starts_with("friction") && !parameter.name.contains("f");
            let changed = play(&mut *environment, 3, 60).expect("steady");
            assert!(idle || changed != standard || parameter.name.starts_with("friction"), "{}", parameter.name);
            environment.set_parameter(&parameter.name, parameter.value).expect("a good value");
            assert_eq!(play(&mut *environment, 3, 60).expect("steady"), standard, "{}", parameter.name);
            for bad in [f64::NAN, f64::INFINITY] {
                let error = environment.set_parameter(&parameter.name, bad).expect_err("refused").to_string();
                assert!(error.contains(&parameter.name) && error.contains("expected"), "{error}");
            }
        }
        assert!(environment.set_parameter("mass_foot", 0.0).is_err());
        assert!(environment.set_parameter("friction_floor", -1.0).is_err());
        let error = environment.set_parameter("mass_tors", 1.0).expect_err("refused").to_string();
        assert!(error.contains("did you mean `mass_torso`"), "{error}");
    }

    #[test]
    fn a_parameter_changed_in_mid_episode_leaves_the_state_alone() {
        let mut environment = make("HalfCheetah-v5", json!({})).expect("known");
        play(&mut *environment, 1, 20).expect("steady");
        let state = environment.state();
        environment.set_parameter("mass_torso", 9.0).expect("a good value");
        assert_eq!(environment.state(), state);
    }

    #[test]
    fn a_simulation_that_diverges_is_an_error_and_can_be_reset() {
        for id in ["Hopper-v5", "Swimmer-v4", "Ant-v5"] {
            let mut environment =
                make(id, json!({"terminate_when_unhealthy": false})).or_else(|_| make(id, json!({}))).expect("known");
            let steady = play(&mut *environment, 0, 5).expect("steady");
            let timestep = environment.parameters().into_iter().find(|parameter| parameter.name == "timestep");
            environment.set_parameter("timestep", 10.0).expect("a good value");
            let error = play(&mut *environment, 0, 1000).expect_err("far too long a time step");
            assert!(matches!(error, EnvironmentError::Diverged { .. }), "{error}");
            assert!(error.to_string().contains("diverged"), "{error}");
            environment.set_parameter("timestep", timestep.expect("listed").value).expect("a good value");
            assert_eq!(play(&mut *environment, 0, 5).expect("steady again"), steady);
        }
    }

    #[test]
    fn pictures_can_be_drawn_on_any_thread() {
        let mut environment = make("Walker2d-v5", json!({})).expect("known");
        play(&mut *environment, 0, 3).expect("steady");
        let here = environment.render().expect("a picture");
        assert_eq!((here.width, here.height), (480, 480));
        let there = std::thread::spawn(move || environment.render().expect("a picture")).join().expect("no panic");
        assert_eq!(here, there);
    }

    /// Run by [`a_missing_library_is_an_error_that_says_what_to_type`] with a variable that names no library.
    #[test]
    fn a_hopper_is_made_or_the_reason_told() {
        match make("Hopper-v5", json!({})) {
            Ok(_) => println!("made"),
            Err(error) => println!("{error}"),
        }
    }

    #[test]
    fn a_missing_library_is_an_error_that_says_what_to_type() {
        let test = std::env::current_exe().expect("a test has a file");
        let output = Command::new(test)
            .args(["--exact", "with_mujoco::a_hopper_is_made_or_the_reason_told", "--nocapture"])
            .env("KANRL_MUJOCO", "/nowhere/libmujoco.so")
            .output()
            .expect("the test runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("Hopper-v5"), "{text}");
        assert!(text.contains("/nowhere/libmujoco.so not found") && text.contains("`cargo xtask setup`"), "{text}");
    }
}

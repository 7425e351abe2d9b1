//! The compiled models equal the recorded ones in every number.
#![cfg(feature = "mujoco")]

use kanrl_envs_mujoco::{
    Ant, HalfCheetah, Hopper, InvertedDoublePendulum, InvertedPendulum, Reacher, Simulation, Swimmer, Version, Walker2d,
};
use mujoco_rs::mujoco_c::_mjtObjBase as Kind;
use serde_json::Value;

/// Calls `check` with the robot of that id, if it is one of this crate's.
fn with_robot(id: &str, check: impl FnOnce(&Simulation)) -> bool {
    let Some((robot, version)) = id.rsplit_once("-v") else { return false };
    let version = if version == "5" { Version::V5 } else { Version::V4 };
    macro_rules! made {
        ($environment:expr) => {
            check($environment.expect("MuJoCo").simulation())
        };
    }
    match (robot, version) {
        ("Ant", Version::V4) => made!(Ant::make_v4(Default::default())),
        ("Ant", Version::V5) => made!(Ant::make_v5(Default::default())),
        ("HalfCheetah", _) => made!(HalfCheetah::make(version, Default::default())),
        ("Hopper", _) => made!(Hopper::make(version, Default::default())),
        ("InvertedDoublePendulum", _) => made!(InvertedDoublePendulum::make(version, Default::default())),
        ("InvertedPendulum", _) => made!(InvertedPendulum::make(version, Default::default())),
        ("Reacher", _) => made!(Reacher::make(version, Default::default())),
        ("Swimmer", _) => made!(Swimmer::make(version, Default::default())),
        ("Walker2d", _) => made!(Walker2d::make(version, Default::default())),
        _ => return false,
    }
    true
}

#[test]
fn equal_to_every_recorded_model() {
    let mut compared = 0;
    for path in kanrl_reference_data::files("envs", "json") {
        let recording = kanrl_reference_data::read_json(&path);
        let (Some(id), Some(model)) = (recording["id"].as_str(), recording["mujoco_model"].as_object()) else {
            continue;
        };
        let known = with_robot(id, |robot| {
            for (key, expected) in model {
                let Some(found) = look_up(robot, key) else { panic!("{id}: no way to compare {key}") };
                compare(&format!("{id}: {key}"), expected, &found);
                compared += 1;
            }
        });
        println!("{id}: {}", if known { "compared" } else { "not one of these robots" });
    }
    println!("{compared} fields compared");
}

fn compare(what: &str, expected: &Value, found: &Found) {
    match found {
        Found::Ignored => {}
        Found::Numbers(found) => assert_eq!(kanrl_reference_data::numbers(expected), *found, "{what}"),
        Found::Names(found) => assert_eq!(*expected, Value::from(found.clone()), "{what}"),
        Found::Object(found) => {
            for (key, expected) in expected.as_object().expect("an object") {
                let found = found.iter().find(|(name, _)| name == key).unwrap_or_else(|| panic!("{what}.{key}"));
                compare(&format!("{what}.{key}"), expected, &Found::Numbers(found.1.clone()));
            }
        }
    }
}

enum Found {
    /// Says nothing about the model.
    Ignored,
    Numbers(Vec<f64>),
    Names(Vec<Option<String>>),
    Object(Vec<(&'static str, Vec<f64>)>),
}

fn look_up(robot: &Simulation, key: &str) -> Option<Found> {
    let model = robot.data().model();
    macro_rules! counts {
        ($($name:ident),*) => { match key { $(stringify!($name) => return one(model.$name() as f64),)* _ => {} } };
    }
    macro_rules! flat {
        ($($name:ident),*) => {
            match key { $(stringify!($name) => return numbers(model.$name().iter().copied()),)* _ => {} }
        };
    }
    macro_rules! nested {
        ($($name:ident),*) => {
            match key { $(stringify!($name) => return numbers(model.$name().as_flattened().iter().copied()),)* _ => {} }
        };
    }
    macro_rules! whole {
        ($($name:ident),*) => {
            match key { $(stringify!($name) => return numbers(model.$name().iter().map(|value| *value as i32)),)* _ => {} }
        };
    }
    macro_rules! names {
        ($kind:ident, $count:expr) => {
            Some(Found::Names(
                (0..$count as usize).map(|index| model.id_to_name(Kind::$kind, index).map(str::to_owned)).collect(),
            ))
        };
    }
    counts!(nq, nv, nu, nbody, ngeom, njnt);
    flat!(body_mass, jnt_stiffness, dof_damping, dof_armature, geom_margin, dof_invweight0);
    nested!(body_inertia, body_ipos, body_pos, jnt_range, geom_size, geom_pos, geom_friction, geom_solref, geom_solimp);
    nested!(jnt_solref, jnt_solimp, actuator_gear, actuator_ctrlrange, body_invweight0);
    whole!(jnt_type, jnt_limited, geom_type, geom_condim, geom_contype, geom_conaffinity, actuator_ctrllimited);
    match key {
        "xml" | "xml_sha256" => Some(Found::Ignored),
        "frame_skip" => one(f64::from(robot.frame_skip())),
        "dt" => one(robot.dt()),
        "bodies" => names!(mjOBJ_BODY, model.nbody()),
        "joints" => names!(mjOBJ_JOINT, model.njnt()),
        "actuators" => names!(mjOBJ_ACTUATOR, model.nu()),
        "geoms" => names!(mjOBJ_GEOM, model.ngeom()),
        "init_qpos" => numbers(robot.initial_qpos().iter().copied()),
        "init_qvel" => numbers(robot.qvel().iter().copied()),
        "opt" => {
            let options = model.opt();
            Some(Found::Object(vec![
                ("timestep", vec![options.timestep]),
                ("integrator", vec![f64::from(options.integrator)]),
                ("solver", vec![f64::from(options.solver)]),
                ("cone", vec![f64::from(options.cone)]),
                ("jacobian", vec![f64::from(options.jacobian)]),
                ("iterations", vec![f64::from(options.iterations)]),
                ("tolerance", vec![options.tolerance]),
                ("impratio", vec![options.impratio]),
                ("gravity", options.gravity.to_vec()),
                ("wind", options.wind.to_vec()),
                ("density", vec![options.density]),
                ("viscosity", vec![options.viscosity]),
                ("disableflags", vec![f64::from(options.disableflags)]),
                ("enableflags", vec![f64::from(options.enableflags)]),
            ]))
        }
        _ => None,
    }
}

fn one(value: f64) -> Option<Found> {
    Some(Found::Numbers(vec![value]))
}

fn numbers(values: impl Iterator<Item: Into<f64>>) -> Option<Found> {
    Some(Found::Numbers(values.map(Into::into).collect()))
}

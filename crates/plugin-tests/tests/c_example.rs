//! The plugin in plain C, built by its own Makefile.

mod common;

use common::assert_says;
use kanrl_core::action::Action;
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry, KeywordArguments};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn build() -> (TempDir, PathBuf) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/double-integrator");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new("make")
        .arg("-C")
        .arg(source)
        .arg(format!("OUT={}", folder.path().display()))
        .output()
        .expect("make and a C compiler are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = folder.path().join(format!("{DLL_PREFIX}double_integrator{DLL_SUFFIX}"));
    (folder, library)
}

fn arguments(mass: serde_json::Value) -> KeywordArguments {
    KeywordArguments::from_iter([("mass".to_owned(), mass)])
}

#[test]
fn it_moves_as_newton_says() {
    let (_folder, library) = build();
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&library, &mut registry).expect("it loads");
    let hints = &registry.get("DoubleIntegrator-v0").expect("it is registered").hints;
    assert_eq!((hints.masses.as_deref(), hints.polish_steps), (Some(&["mass".to_owned()][..]), None));
    let mut environment = registry.make("DoubleIntegrator-v0", &arguments(2.5.into())).expect("it can be made");
    let mut start = [0.0; 2];
    environment.reset(Some(7), &mut start).expect("it resets");
    // Under a constant force, x(t) = x0 + v0 t + F t² / 2m.
    let (mut observation, force, mass) = ([0.0; 2], 0.5, 2.5);
    for step in 1..=40 {
        let before = if step == 1 { start } else { observation };
        let outcome = environment.step(Action::F32(&[force]), &mut observation).expect("it steps");
        let (t, force) = (0.05 * f64::from(step), f64::from(force));
        assert!((observation[0] - (start[0] + start[1] * t + 0.5 * force / mass * t * t)).abs() < 1e-12);
        assert!((observation[1] - (start[1] + force / mass * t)).abs() < 1e-12);
        let cost = before[0].powi(2) + 0.1 * before[1].powi(2) + 0.001 * force.powi(2);
        assert!((outcome.reward + cost).abs() < 1e-12 && !outcome.is_over());
    }
    assert_eq!(environment.state(), observation);

    // The force is clipped, a mass is a parameter, and a float64 action is taken, too.
    environment.set_parameter("mass", 1.0).expect("it has a mass");
    let before = observation;
    environment.step(Action::F64(&[-3.0]), &mut observation).expect("it steps");
    assert!((observation[1] - (before[1] - 0.05)).abs() < 1e-12);

    let frame = environment.render().expect("it draws");
    assert_eq!((frame.width, frame.height, frame.rgb.len()), (600, 200, 600 * 200 * 3));
    let blue = frame.rgb.chunks_exact(3).filter(|pixel| *pixel == [50, 90, 170]).count();
    assert_eq!(blue, 60 * 50);
}

#[test]
fn it_refuses_arguments_that_make_no_sense() {
    let (_folder, library) = build();
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&library, &mut registry).expect("it loads");
    for mass in [serde_json::json!(0.0), serde_json::json!(-1), serde_json::json!("heavy")] {
        let error = registry.make("DoubleIntegrator-v0", &arguments(mass)).err().expect("no mass");
        assert!(matches!(error, EnvironmentError::BadArguments { .. }), "{error}");
        assert_says(&error.to_string(), &["double_integrator", "M > 0 in kg"]);
    }
}

#[test]
fn it_passes_the_check() {
    let (_folder, library) = build();
    let report = kanrl_plugin::check(&library, &[], kanrl_plugin::CallLimit::default()).expect("it can be checked");
    assert!(report.is_ok(), "{report}");
}

//! The physics, the task, and the library as a host sees it.

use cart_two_poles::{CartTwoPoles, CartTwoPolesConfig, Constants, advance};
use kanrl_core::action::{Action, ContinuousAction};
use kanrl_core::environment::{Environment, EnvironmentError, EnvironmentRegistry, KeywordArguments};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::PathBuf;

/// Kinetic energy of the cart and two uniform rods on hinges, and their height in the field.
fn energy(constants: &Constants, state: &[f64; 6]) -> f64 {
    let x_dot = state[1];
    let mut energy = 0.5 * constants.cart_mass * x_dot * x_dot;
    for (pole, (theta, theta_dot)) in constants.poles.iter().zip([(state[2], state[3]), (state[4], state[5])]) {
        let (l, m) = (pole.half_length, pole.mass);
        let rotation = 4.0 / 3.0 * l * l * theta_dot * theta_dot;
        energy += 0.5 * m * (x_dot * x_dot + 2.0 * x_dot * l * theta_dot * theta.cos() + rotation);
        energy += m * constants.gravity * l * theta.cos();
    }
    energy
}

#[test]
fn without_friction_and_force_energy_is_conserved() {
    let mut constants = Constants::wieland(0.1);
    constants.cart_friction = 0.0;
    constants.poles.iter_mut().for_each(|pole| pole.friction = 0.0);
    let mut state = [0.3, -0.4, 0.2, 0.5, -0.3, 1.0];
    let before = energy(&constants, &state);
    for _ in 0..20_000 {
        state = advance(&constants, &state, 0.0, 1e-4);
    }
    assert!((energy(&constants, &state) - before).abs() < 1e-8, "{} J", energy(&constants, &state) - before);

    // A force does work: power is force times the cart's velocity.
    let (mut state, mut work) = ([0.0; 6], 0.0);
    let before = energy(&constants, &state);
    for _ in 0..5000 {
        let next = advance(&constants, &state, 2.0, 1e-4);
        work += 2.0 * (next[0] - state[0]);
        state = next;
    }
    assert!((energy(&constants, &state) - before - work).abs() < 1e-8);
}

#[test]
fn friction_takes_energy_out() {
    let mut constants = Constants::wieland(0.1);
    constants.poles.iter_mut().for_each(|pole| pole.friction = 1e-3);
    let mut state = [0.0, 0.5, 0.1, 0.0, -0.1, 0.0];
    let mut before = energy(&constants, &state);
    for _ in 0..1000 {
        state = advance(&constants, &state, 0.0, 1e-3);
        let now = energy(&constants, &state);
        assert!(now < before + 1e-12);
        before = now;
    }
}

/// Steps that a linear controller (the linear-quadratic regulator of the upright state) stays alive, at most `steps`.
fn lifetime(gain: f64, seed: u64, steps: usize) -> usize {
    let gains = [1.7, 3.6, 66.9, 17.7, -48.7, -4.4];
    let mut environment = CartTwoPoles::new(CartTwoPolesConfig::default()).expect("the defaults make sense");
    let mut observation = [0.0; 6];
    environment.reset(Some(seed), &mut observation).expect("it resets");
    for step in 0..steps {
        let force: f64 = -observation.iter().zip(gains).map(|(value, gain)| value * gain).sum::<f64>() * gain;
        let outcome = environment.step(ContinuousAction::F32(&[force as f32]), &mut observation).expect("it steps");
        if outcome.terminated {
            return step + 1;
        }
    }
    steps
}

#[test]
fn it_can_be_mastered_and_does_not_master_itself() {
    for seed in 0..10 {
        assert_eq!(lifetime(1.0, seed, 1000), 1000);
        assert!(lifetime(0.0, seed, 1000) < 100, "left alone, the short pole falls within 2 s");
    }
}

fn library() -> PathBuf {
    let program = std::env::current_exe().expect("the test program has a path");
    program.with_file_name(format!("{DLL_PREFIX}cart_two_poles{DLL_SUFFIX}"))
}

#[test]
fn the_library_passes_the_check() {
    let report = kanrl_plugin::check(&library(), &[], kanrl_plugin::CallLimit::default()).expect("it can be checked");
    assert!(report.is_ok(), "{report}");
    assert_eq!(report.plugin.name, "cart-two-poles");
}

#[test]
fn the_library_moves_as_the_crate_does_and_draws() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&library(), &mut registry).expect("it loads");
    let mut foreign = registry.make("CartTwoPoles-v0", &KeywordArguments::new()).expect("it can be made");
    let mut own = CartTwoPoles::new(CartTwoPolesConfig::default()).expect("the defaults make sense");
    let (mut left, mut right) = ([0.0; 6], [0.0; 6]);
    foreign.reset(Some(5), &mut left).expect("it resets");
    own.reset(Some(5), &mut right).expect("it resets");
    for step in 0..20 {
        let force = (step as f32 * 0.7).sin() * 12.0;
        foreign.step(Action::F32(&[force]), &mut left).expect("it steps");
        own.step(ContinuousAction::F32(&[force]), &mut right).expect("it steps");
        assert_eq!(left, right);
    }
    assert_eq!(foreign.render().expect("it draws"), own.render().expect("it draws"));
    let frame = own.render().expect("it draws");
    assert_eq!((frame.width, frame.height), (600, 300));

    let arguments = KeywordArguments::from_iter([("short_pole".to_owned(), 1.5.into())]);
    let error = registry.make("CartTwoPoles-v0", &arguments).err().expect("too long");
    assert!(matches!(error, EnvironmentError::BadArguments { .. }), "{error}");
}

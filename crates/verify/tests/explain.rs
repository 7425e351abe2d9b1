//! What is said of a formula that a control engineer knows.

use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::Rollouts;
use kanrl_experts::FunctionPolicy;
use kanrl_symbolic::{ActionRule, Formula};
use kanrl_verify::{HuntOptions, explain, hunt, switching_surface};

const INPUTS: [&str; 4] = ["x", "x_dot", "theta", "theta_dot"];

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    registry
}

fn formula(text: &str) -> Formula {
    Formula::parse(&INPUTS, &[("a", text)], ActionRule::Threshold).expect("a formula")
}

#[test]
fn the_law_of_a_pole_is_called_what_a_control_engineer_calls_it() {
    let registry = registry();
    let rollouts =
        Rollouts::new(registry.get("CartPole-v1").expect("known"), &KeywordArguments::new()).expect("it is made");
    let law = formula("3*theta + theta_dot");
    let found = explain(&rollouts, &law, 1000, 6).expect("it plays");
    let text = found.text();
    for said in [
        "It chooses `push right` rather than `push left` the larger the ",
        "the angle of the pole (theta) is",
        "the angular velocity of the pole (theta_dot) is",
        "a proportional-derivative law on theta: proportional gain 3, derivative gain 1, derivative time 0.3333 s",
        "it switches where theta_dot = −theta/0.3333",
        "x: not in the formula",
        "its constants must carry units, since it adds `3*theta` in 1, `theta_dot` in 1/s",
    ] {
        assert!(text.contains(said), "`{said}` is not in\n{text}");
    }
    // It is odd: what holds to the right holds to the left, but for a score of exactly 0.
    assert!(found.symmetries[0].holds > 0.999, "{:?}", found.symmetries[0]);
    // Without its damping the pole falls.
    let damping = found.terms.iter().find(|term| term.term == "theta_dot").expect("a term");
    assert!(damping.knocked_out.high < -100.0, "{damping:?}");
    assert!(damping.decides.iter().all(|share| *share > 0.05), "{damping:?}");
    let picture = switching_surface(&rollouts, &law, 1000).expect("it plays").expect("two inputs");
    assert!(picture.starts_with("<svg") && picture.contains("<polyline") && picture.contains("theta (rad)"));
}

#[test]
fn a_mirror_is_found_and_what_it_costs_to_make_it_exact() {
    let registry = registry();
    let found = |id: &str, formula: &Formula| {
        let entry = registry.get(id).expect("known");
        let rollouts = Rollouts::new(entry, &KeywordArguments::new()).expect("it is made");
        explain(&rollouts, formula, 1000, 4).expect("it plays").symmetries
    };
    // A pendulum in a mirror: its sine and its speed change their signs, its cosine does not.
    let bounds = ActionRule::Clip { low: vec![-2.0], high: vec![2.0] };
    let inputs = ["cos_theta", "sin_theta", "theta_dot"];
    let pendulum = |text: &str| Formula::parse(&inputs, &[("torque", text)], bounds.clone()).expect("a formula");
    let mirror = "reversing sin_theta and theta_dot reverses the action";
    let of = |symmetries: &[kanrl_verify::Symmetry], what: &str| {
        let found = symmetries.iter().find(|symmetry| symmetry.what == what).cloned();
        found.unwrap_or_else(|| panic!("`{what}` is not among {symmetries:?}"))
    };
    let exact = of(&found("Pendulum-v1", &pendulum("theta_dot*(2 - 3*cos_theta) - 10*sin_theta*cos_theta")), mirror);
    assert_eq!((exact.holds, exact.made_exact), (1.0, None));
    let near = of(
        &found(
            "Pendulum-v1",
            &pendulum("theta_dot*(2 - 3*cos_theta) - 10*sin_theta*cos_theta + 0.3*step(theta_dot - 3)"),
        ),
        mirror,
    );
    assert!(near.holds >= 0.9 && near.holds < 1.0 && near.made_exact.is_some(), "{near:?}");
    // Three actions: what is in between is kept, and the outer ones change places.
    let outputs = [("a_0", "-v"), ("a_1", "-100"), ("a_2", "v + 0.004")];
    let car = Formula::parse(&["x", "v"], &outputs, ActionRule::Argmax).expect("a formula");
    let near = of(&found("MountainCar-v0", &car), "reversing every observation reverses the action (left-right)");
    let cost = near.made_exact.expect("it can be made exact");
    assert!(near.holds < 1.0 && cost.low <= cost.mean && cost.mean <= cost.high, "{near:?}");
}

#[test]
fn the_hunter_finds_that_a_law_without_a_position_drifts_away() {
    let registry = registry();
    let entry = registry.get("CartPole-v1").expect("known");
    let spec = registry.spec("CartPole-v1").expect("known");
    let policy = |text: &str| FunctionPolicy::from_formula(&formula(text), &spec, text.to_owned()).expect("it fits");
    let (weak, whole) =
        (policy("3*theta + theta_dot"), policy("108.4*theta + 71.64*theta_dot + 16.7*x + 64.67*x_dot + 6.253"));
    let starts = vec![(0.0, 0.05); 4];
    let names = INPUTS.map(str::to_owned).to_vec();
    let sizes = vec![0.5, 0.5, 0.05, 0.5];
    let options =
        HuntOptions { fails_below: 500.0, seeds: 4, halvings: 3, starts, names, sizes, ..HuntOptions::default() };
    let finds = hunt(entry, ("weak", &weak), ("whole", &whole), &options).expect("it plays");
    let drift =
        finds.iter().find(|find| find.fails == "weak" && find.change.starts_with("x_dot starts")).expect("a find");
    let end = drift.conditions.play(entry, &weak).expect("it plays");
    assert!(end.terminated && end.state[0].abs() > 2.4, "it ran off the track: {drift:?}, {end:?}");
    assert_eq!(drift.conditions.play(entry, &whole).expect("it plays").episode_return, 500.0);
    // A find is a file that says everything.
    let text = serde_json::to_string(drift).expect("JSON");
    assert_eq!(serde_json::from_str::<kanrl_verify::Find>(&text).expect("JSON"), *drift);
}

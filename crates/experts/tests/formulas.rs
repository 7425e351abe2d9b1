//! Formulas and fitted networks as policies.

use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{DynEnvironment, EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::policy::{ExpertPolicy, ScoreKind};
use kanrl_experts::{ExpertError, FunctionPolicy, PolicyOptions, PolicyReference};

fn make(id: &str) -> Box<dyn DynEnvironment> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("no id twice");
    registry.make(id, &Default::default()).expect("a classic environment")
}

fn spec(id: &str) -> EnvironmentSpec {
    make(id).spec().clone()
}

fn resolve(reference: &str, id: &str) -> Result<std::sync::Arc<dyn ExpertPolicy>, String> {
    let reference: PolicyReference = reference.parse().map_err(|error: ExpertError| error.to_string())?;
    let config = reference.config(&PolicyOptions::default()).map_err(|error| error.to_string())?;
    config.build(&spec(id)).map_err(|error| error.reason)
}

/// The best known formula for CartPole holds the pole up for the whole episode.
#[test]
fn a_formula_plays() {
    let mut environment = make("CartPole-v1");
    let policy = resolve("formula:3*theta + theta_dot", "CartPole-v1").expect("a policy");
    for seed in 0..5 {
        let mut observation = [0.0; 4];
        environment.reset(Some(seed), &mut observation).expect("a reset");
        let (mut steps, mut actions) = (0, ActionBatch::zeros(policy.action_space(), 1));
        loop {
            policy.act(&observation, &[steps], &mut actions).expect("an action");
            steps += 1;
            if environment.step(actions.row(0), &mut observation).expect("a step").is_over() {
                break;
            }
        }
        assert_eq!(steps, 500, "seed {seed}");
    }
}

#[test]
fn scores_are_what_the_actions_come_from() {
    let policy = resolve("formula:theta", "CartPole-v1").expect("a policy");
    assert_eq!(policy.score_kind(), Some(ScoreKind::Logits));
    let (observations, mut scores) = ([0.0, 0.0, 0.5, 0.0, 0.0, 0.0, -0.5, 0.0], [9.0; 4]);
    policy.scores(&observations, &[0, 0], &mut scores).expect("scores");
    assert_eq!(scores, [0.0, 0.5, 0.0, -0.5]);

    let policy = resolve("formula:10*cos_theta", "Pendulum-v1").expect("a policy");
    let (mut scores, mut actions) = ([0.0], ActionBatch::zeros(policy.action_space(), 0));
    policy.scores(&[1.0, 0.0, 0.0], &[0], &mut scores).expect("scores");
    policy.act(&[1.0, 0.0, 0.0], &[0], &mut actions).expect("an action");
    assert_eq!((scores, actions.row(0)), ([10.0], Action::F32(&[2.0])));
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let error = |reference: &str, id: &str| resolve(reference, id).err().expect("a refusal");
    assert_eq!(
        error("formula:thetta", "CartPole-v1"),
        "`formula:thetta` is not usable: unknown variable `thetta`, did you mean `theta`?"
    );
    assert_eq!(
        error("formula:x; y", "MountainCar-v0"),
        "`formula:x; y` has 2 expressions, but 3 discrete actions of `MountainCar-v0` need 3, separated by `;`"
    );
    assert!(error("formula:theta +", "CartPole-v1").starts_with("`formula:theta +` is not usable: "));
    assert_eq!(
        error("formula.jsn", "CartPole-v1"),
        "policy `formula.jsn`: expected bundled, bundled:ENVIRONMENT, FILE.zip, hub:ORG/REPO, FILE.onnx, FILE.pt, FILE.safetensors, FILE.json, \
         formula:EXPRESSION"
    );
    let policy = resolve("formula:log(theta)", "CartPole-v1").expect("a policy");
    let mut actions = ActionBatch::zeros(policy.action_space(), 0);
    let message = policy.act(&[0.0, 0.0, -1.0, 0.0], &[0], &mut actions).expect_err("a refusal").to_string();
    assert_eq!(message, "the policy's output 0 is NaN for the observation [0.0, 0.0, -1.0, 0.0]");
}

/// The order in which a formula lists its inputs does not matter; their names do.
#[test]
fn variables_are_found_by_name() {
    let formula = kanrl_symbolic::Formula::parse(
        &["theta_dot", "x"],
        &[("a", "theta_dot - x")],
        kanrl_symbolic::ActionRule::Threshold,
    );
    let environment = spec("CartPole-v1");
    let policy = FunctionPolicy::from_formula(&formula.expect("a formula"), &environment, "here".into());
    let mut scores = [0.0; 2];
    policy.expect("a policy").scores(&[1.0, 2.0, 3.0, 4.0], &[0], &mut scores).expect("scores");
    assert_eq!(scores, [0.0, 3.0]);
}

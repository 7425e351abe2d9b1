//! What is proved of episodes holds in every episode that is played.

use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::random::Generator;
use kanrl_envs_classic::{Acrobot, CartPole, MountainCar, MountainCarContinuous, Pendulum};
use kanrl_experts::FunctionPolicy;
use kanrl_interval::{Dynamics, Interval};
use kanrl_symbolic::{ActionRule, Formula};
use kanrl_verify::{
    CellOptions, Cells, Certainty, Conditions, Controller, Played, ProofCard, ReachOptions, TubeOptions, Tubes,
    claim_reach, prove, prove_from,
};

fn spec(id: &str) -> EnvironmentSpec {
    registry().spec(id).expect("known")
}

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    registry
}

fn play(id: &str, formula: &Formula, start: Vec<f64>) -> Played {
    let registry = registry();
    let policy = FunctionPolicy::from_formula(formula, &spec(id), "it".to_owned()).expect("it fits");
    let conditions = Conditions { start: Some(start), ..Conditions::default() };
    conditions.play(registry.get(id).expect("known"), &policy).expect("it plays")
}

#[test]
fn every_start_of_mountain_car_is_proved_and_no_episode_returns_less_than_the_bound() {
    let formula = Formula::parse(
        &["x", "v"],
        &[("a_0", "0"), ("a_1", "324.7*v - 4.18*x - 3.95"), ("a_2", "767.7*v - 12.98*x - 5.74")],
        ActionRule::Argmax,
    )
    .expect("a formula");
    let car = MountainCar::new(Default::default());
    let controller = Controller::new(&formula).expect("it compiles");
    let options = TubeOptions { boxes: 400, ..TubeOptions::default() };
    let tubes = prove(&car, &controller, &options, |_, _| false, |_| true);
    assert_eq!((tubes.proved, tubes.refuted), (1.0, 0.0), "{tubes:?}");
    let least = tubes.least_return.expect("all are proved");
    let mut random = Generator::new(1);
    let worst = (0..300)
        .map(|_| {
            let played = play("MountainCar-v0", &formula, vec![random.uniform(-0.6, -0.4), 0.0]);
            assert!(played.terminated && played.episode_return >= least, "{played:?}, {least}");
            assert!(played.steps >= tubes.earliest, "{played:?}, {tubes:?}");
            played.episode_return
        })
        .fold(0.0, f64::min);
    assert!(least >= 1.1 * worst, "proved {least}, measured {worst}");
    // A bound is as good as it is wanted to be.
    let loose = prove(&car, &controller, &TubeOptions { boxes: 5, ..options }, |_, _| false, |_| true);
    let wanted = TubeOptions { wanted: Some(least.next_up()), ..options };
    let tight = prove(&car, &controller, &wanted, |_, _| false, |_| true);
    assert!(tight.complete && tight.boxes > tubes.boxes && tight.least_return >= Some(least), "{tight:?}");
    assert!(loose.proved <= tubes.proved);
    // The same on any number of threads.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let again: Tubes = pool.install(|| prove(&car, &controller, &options, |_, _| false, |_| true));
    assert_eq!(again, tubes);
}

#[test]
fn a_car_that_starts_where_it_could_rest_is_proved_by_following_its_roundings() {
    let bounds = ActionRule::Clip { low: vec![-1.0], high: vec![1.0] };
    let formula = Formula::parse(&["x", "v"], &[("force", "41*v - 0.7*x - 0.25")], bounds).expect("a formula");
    let car = MountainCarContinuous::new(Default::default());
    let controller = Controller::new(&formula).expect("it compiles");
    // There the formula's push is as strong as the slope's, rounding apart.
    let rest = -0.503_145_564_568_994_3;
    let around = |radius: f64| [Interval::new(rest - radius, rest + radius), Interval::ZERO];
    let options = TubeOptions { boxes: 2000, ..TubeOptions::default() };
    let tubes = prove_from(&car, &controller, &options, vec![around(5e-8)], |_, _| false, |_| true);
    assert!(tubes.complete && tubes.refuted == 0.0, "{tubes:?}");
    let least = tubes.least_return.expect("all are proved");
    let mut random = Generator::new(5);
    for _ in 0..200 {
        let start = vec![random.uniform(rest - 5e-8, rest + 5e-8), 0.0];
        let played = play("MountainCarContinuous-v0", &formula, start.clone());
        assert!(played.terminated && played.episode_return >= least, "{start:?}: {played:?}, {least}");
    }
}

#[test]
fn starts_that_fail_are_refuted_and_what_is_proved_of_the_others_holds() {
    // Pushes to the right only: too weak for the hill.
    let formula =
        Formula::parse(&["x", "v"], &[("force", "1 + 0*x")], ActionRule::Clip { low: vec![-1.0], high: vec![1.0] })
            .expect("a formula");
    let car = MountainCarContinuous::new(Default::default());
    let mut card = ProofCard::new("MountainCarContinuous-v0", "it", "force = 1");
    let options = ReachOptions { tubes: TubeOptions { boxes: 8, ..TubeOptions::default() }, ..ReachOptions::default() };
    let simulate = |start: &[f64; 2]| Some(play("MountainCarContinuous-v0", &formula, start.to_vec()));
    claim_reach(&mut card, &car, &Controller::new(&formula).expect("it compiles"), &options, None, simulate);
    let line = card.about("starts").next().expect("a line");
    assert_eq!((line.certainty, line.values["refuted"].as_f64()), (Certainty::NotKnown, Some(1.0)), "{}", card.text());
    assert_eq!(card.about("counter-example").count(), 1);
}

#[test]
fn a_pole_is_proved_to_stand_for_the_first_steps_and_no_simulated_one_falls_before() {
    let formula = Formula::parse(
        &["x", "x_dot", "theta", "theta_dot"],
        &[("a", "0*x + 3*theta + theta_dot")],
        ActionRule::Threshold,
    )
    .expect("a formula");
    let pole = CartPole::new(Default::default());
    let options = TubeOptions { boxes: 20, ..TubeOptions::default() };
    let tubes = prove(&pole, &Controller::new(&formula).expect("it compiles"), &options, |_, _| false, |_| false);
    assert!(tubes.horizon >= 2, "{tubes:?}");
    let mut random = Generator::new(2);
    for _ in 0..50 {
        let start = [(); 4].map(|()| random.uniform(-0.05, 0.05)).to_vec();
        assert!(play("CartPole-v1", &formula, start).steps >= tubes.horizon);
    }
}

#[test]
fn what_is_proved_of_an_acrobot_s_first_steps_holds_in_every_episode() {
    let inputs = ["cos_theta1", "sin_theta1", "cos_theta2", "sin_theta2", "theta1_dot", "theta2_dot"];
    let outputs = [("a_0", "-theta2_dot"), ("a_1", "-100"), ("a_2", "theta2_dot")];
    let formula = Formula::parse(&inputs, &outputs, ActionRule::Argmax).expect("a formula");
    let acrobot = Acrobot::new(Default::default());
    let options = TubeOptions { boxes: 30, branches: 64, ..TubeOptions::default() };
    let tubes = prove(&acrobot, &Controller::new(&formula).expect("it compiles"), &options, |_, _| false, |_| false);
    assert!(tubes.earliest >= 4, "{tubes:?}");
    let mut random = Generator::new(6);
    for _ in 0..50 {
        let start = [(); 4].map(|()| random.uniform(-0.1, 0.1)).to_vec();
        let played = play("Acrobot-v1", &formula, start);
        assert!(played.steps >= tubes.earliest, "{played:?}, {tubes:?}");
    }
}

#[test]
fn a_pendulum_that_is_caught_stays_caught() {
    // Strong damping and a pull to the top, near it.
    let formula = Formula::parse(
        &["cos_theta", "sin_theta", "theta_dot"],
        &[("torque", "-12*sin_theta - 4*theta_dot")],
        ActionRule::Clip { low: vec![-2.0], high: vec![2.0] },
    )
    .expect("a formula");
    let pendulum = Pendulum::new(Default::default());
    let options = CellOptions { angles: 200, speeds: 200, steps: 12, widest: 24 };
    let controller = Controller::new(&formula).expect("it compiles");
    let mut cells = Cells::new(&pendulum, &controller, Interval::new(-8.0, 8.0), options);
    let region = |angle: f64, speed: f64| [Interval::new(-angle, angle), Interval::new(-speed, speed)];
    cells.keep(region(0.4, 1.5), region(0.5, 2.0));
    let (kept, hull) = cells.kept();
    assert!(kept > 20, "{kept} cells, {hull:?}");
    cells.reach(pendulum.limit());
    let mut random = Generator::new(4);
    let mut caught = 0;
    for _ in 0..400 {
        let start = [random.uniform(-0.4, 0.4), random.uniform(-1.0, 1.0)];
        if cells.holds(&start.map(Interval::point), 0, pendulum.limit()) {
            caught += 1;
            let played = play("Pendulum-v1", &formula, start.to_vec());
            assert!(played.state[0].abs() <= 0.5, "{start:?}: {played:?}");
        }
    }
    assert!(caught > 20, "{caught}");
}

//! Environment steps per second on one thread, as JSON lines: what `peers/environments.py` sets beside Gymnasium and
//! EnvPool. The best of many short runs is taken, so that other work on the machine disturbs little.

use benches::{BOX2D, CART_POLE_FORMULA, CLASSIC, Lanes};
use experts::FunctionPolicy;
use kan_core::environment::{EnvironmentRegistry, KeywordArguments};
use kan_core::rollout::{RolloutOptions, Rollouts};
use std::time::Instant;

/// Steps per second of `run`, which takes `steps`: the best of `rounds`.
fn best(rounds: usize, steps: usize, mut run: impl FnMut()) -> f64 {
    let seconds = (0..rounds).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    steps as f64 / seconds.fold(f64::INFINITY, f64::min)
}

fn main() {
    let report = |id: &str, what: &str, rate: f64| {
        println!("{}", serde_json::json!({"id": id, "what": what, "steps_per_second": rate.round()}));
    };
    for id in CLASSIC.into_iter().chain(BOX2D) {
        // Box2D's steps take a hundred times as long, and its worlds a hundred times the memory.
        let (rounds, sizes) = if BOX2D.contains(&id) { (30, &[1, 64][..]) } else { (300, &[1, 64, 4096][..]) };
        for lanes in sizes.iter().copied() {
            let ticks = 8192 / lanes;
            let mut environment = Lanes::new(id, lanes);
            report(
                id,
                &format!("n{lanes}"),
                best(rounds, ticks * lanes, || (0..ticks).for_each(|_| environment.tick())),
            );
        }
    }

    let mut registry = EnvironmentRegistry::new();
    envs_classic::register(&mut registry).expect("each id once");
    let entry = registry.get("CartPole-v1").expect("registered");
    let rollouts = Rollouts::new(entry, &KeywordArguments::new()).expect("no arguments are needed");
    let policy = FunctionPolicy::from_text(CART_POLE_FORMULA, rollouts.spec()).expect("a formula");
    for lanes in [1, 64, 4096] {
        let ticks = 8192 / lanes;
        let mut environment = Lanes::new("CartPole-v1", lanes);
        let rate = best(300, ticks * lanes, || (0..ticks).for_each(|_| environment.tick_with(&policy)));
        report("CartPole-v1", &format!("n{lanes}/formula"), rate);
    }
    let seeds: Vec<u64> = (0..64).collect();
    let options = RolloutOptions { lanes: 64, ..RolloutOptions::default() };
    let rate = best(100, 64 * 500, || {
        let episodes = rollouts.run(&policy, &seeds, &options).expect("it cannot fail");
        assert!(episodes.iter().all(|episode| episode.length == 500), "the formula balances the pole");
    });
    report("CartPole-v1", "rollouts", rate);
}

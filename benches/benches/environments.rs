//! Environment steps per second on one thread: `env/ID/nE` with E lanes and actions drawn beforehand,
//! `env/CartPole-v1/nE/formula` with a formula in the loop, `env/CartPole-v1/rollouts` through the rollout engine.

use benches::{BOX2D, CART_POLE_FORMULA, CLASSIC, Lanes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::FunctionPolicy;
use std::hint::black_box;

const LANES: [usize; 3] = [1, 64, 4096];

fn steps(criterion: &mut Criterion) {
    for id in CLASSIC.into_iter().chain(BOX2D) {
        let mut group = criterion.benchmark_group(format!("env/{id}"));
        for lanes in LANES {
            let ticks = 4096 / lanes;
            group.throughput(Throughput::Elements((ticks * lanes) as u64));
            // Made only where the case is wanted: thousands of Box2D worlds take long to make.
            let mut environment = None;
            group.bench_function(format!("n{lanes}"), |bencher| {
                let environment = environment.get_or_insert_with(|| Lanes::new(id, lanes));
                bencher.iter(|| (0..ticks).for_each(|_| environment.tick()));
            });
        }
    }
}

fn with_formula(criterion: &mut Criterion) {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    let entry = registry.get("CartPole-v1").expect("registered");
    let rollouts = Rollouts::new(entry, &KeywordArguments::new()).expect("no arguments are needed");
    let policy = FunctionPolicy::from_text(CART_POLE_FORMULA, rollouts.spec()).expect("a formula");

    let mut group = criterion.benchmark_group("env/CartPole-v1");
    for lanes in LANES {
        let ticks = 4096 / lanes;
        group.throughput(Throughput::Elements((ticks * lanes) as u64));
        let mut environment = Lanes::new("CartPole-v1", lanes);
        group.bench_function(format!("n{lanes}/formula"), |bencher| {
            bencher.iter(|| (0..ticks).for_each(|_| environment.tick_with(&policy)));
        });
    }
    // Whole episodes of 500 steps: resets, returns and bookkeeping included.
    let seeds: Vec<u64> = (0..64).collect();
    let options = RolloutOptions { lanes: 64, ..RolloutOptions::default() };
    group.throughput(Throughput::Elements(64 * 500));
    group.bench_function("rollouts", |bencher| {
        bencher.iter(|| {
            let episodes = rollouts.run(&policy, black_box(&seeds), &options).expect("it cannot fail");
            assert!(episodes.iter().all(|episode| episode.length == 500), "the formula balances the pole");
        });
    });
    group.finish();
}

criterion_group!(benches, steps, with_formula);
criterion_main!(benches);

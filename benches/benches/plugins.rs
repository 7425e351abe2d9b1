//! What the C ABI costs: CartPole called directly and through a plugin, steps per second on one thread.
//! `env/plugin/lanes64/…` steps 64 lanes at a time, `env/plugin/chunk64/…` one lane 64 steps at a time.

use benches::Lanes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments, StepOutcome};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

/// The environment as it is called, and under which name it is measured.
const KINDS: [(&str, &str); 2] = [("direct", "CartPole-v1"), ("plugin", "plugin:CartPole-v1")];

const STEPS: usize = 64;
const CHUNKS: usize = 64;

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    let program = std::env::current_exe().expect("the program has a path");
    let library = program.with_file_name(format!("{DLL_PREFIX}kanrl_plugin_tests{DLL_SUFFIX}"));
    kanrl_plugin::load(&library, &mut registry).expect("Cargo builds the library");
    registry
}

fn lanes(criterion: &mut Criterion) {
    let registry = registry();
    let mut group = criterion.benchmark_group("env/plugin/lanes64");
    group.throughput(Throughput::Elements((STEPS * CHUNKS) as u64));
    for (name, id) in KINDS {
        let mut environment = Lanes::from_registry(&registry, id, STEPS);
        group.bench_function(name, |bencher| bencher.iter(|| (0..CHUNKS).for_each(|_| environment.tick())));
    }
}

fn chunks(criterion: &mut Criterion) {
    let registry = registry();
    let mut group = criterion.benchmark_group("env/plugin/chunk64");
    group.throughput(Throughput::Elements((STEPS * CHUNKS) as u64));
    for (name, id) in KINDS {
        let mut environment = registry.make(id, &KeywordArguments::new()).expect("no arguments are needed");
        // Left and right by turns, from a start that lasts for longer than a chunk.
        let actions = ActionBatch::Discrete((0..STEPS).map(|step| step % 2).collect());
        let (mut observations, mut outcomes) = (vec![0.0; 4 * STEPS], vec![StepOutcome::default(); STEPS]);
        let mut start = [0.0; 4];
        let mut steps = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for _ in 0..CHUNKS {
                    environment.reset(Some(0), &mut start).expect("it cannot fail");
                    steps +=
                        environment.step_chunk(&actions, &mut observations, &mut outcomes).expect("it cannot fail");
                }
            });
        });
        assert_eq!(steps % STEPS, 0, "every chunk was whole");
    }
}

criterion_group!(benches, lanes, chunks);
criterion_main!(benches);

//! PPO: environment steps per second of a whole update, rollout and optimization together.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_experts::network::Activation;
use kanrl_experts::training::{PpoConfig, Trainer};
use std::hint::black_box;

fn update(criterion: &mut Criterion) {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    let zoo = PpoConfig::for_environment;
    let wide = PpoConfig { n_envs: 8, activation_fn: Activation::Relu, net_arch: vec![256, 256], ..zoo("Hopper-v4") };
    let cases = [
        ("CartPole-v1", "zoo", zoo("CartPole-v1")),
        ("MountainCar-v0", "zoo", zoo("MountainCar-v0")),
        ("Pendulum-v1", "gsde", zoo("Pendulum-v1")),
        ("Pendulum-v1", "wide", wide),
    ];
    let mut group = criterion.benchmark_group("training/update");
    group.sample_size(10);
    for (environment, name, config) in cases {
        let config = PpoConfig { n_timesteps: u64::MAX / 2, ..config };
        group.throughput(Throughput::Elements(config.rollout_size() as u64));
        let mut trainer = Trainer::new(&registry, environment, &KeywordArguments::new(), config, 0).expect("a trainer");
        group.bench_function(format!("{environment}/{name}"), |bencher| {
            bencher.iter(|| black_box(trainer.update().expect("an update")));
        });
    }
    group.finish();
}

criterion_group!(benches, update);
criterion_main!(benches);

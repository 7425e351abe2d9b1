//! Actions per second on one thread: `policy/KIND/bB` with batches of B observations of `CartPole-v1`.

use benches::CART_POLE_FORMULA;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::action::ActionBatch;
use kanrl_core::config::{ApproximatorConfig, ExpertConfig};
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_core::kan::KanConfig;
use kanrl_core::policy::Policy;
use kanrl_core::random::Generator;
use kanrl_experts::FunctionPolicy;
use kanrl_experts::bundled::BundledConfig;
use std::sync::Arc;

fn actions(criterion: &mut Criterion) {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    let spec = registry.spec("CartPole-v1").expect("registered");
    let inputs = spec.observation_space.len();
    let formula = FunctionPolicy::from_text(CART_POLE_FORMULA, &spec).expect("a formula");
    let network = KanConfig::default().build(inputs, 2, 0).expect("the default config");
    let kan = FunctionPolicy::from_approximator(network, &spec, "untrained".to_owned()).expect("it fits");
    let expert = BundledConfig::default().build(&spec).expect("it comes with kanrl");
    let policies: [(&str, Arc<dyn Policy>); 3] =
        [("formula", Arc::new(formula)), ("kan", Arc::new(kan)), ("network", expert)];

    for (kind, policy) in policies {
        let mut group = criterion.benchmark_group(format!("policy/{kind}"));
        for batch in [1, 64, 4096] {
            let mut generator = Generator::new(0);
            let observations: Vec<f64> = (0..batch * inputs).map(|_| generator.uniform(-0.2, 0.2)).collect();
            let elapsed_steps = vec![0; batch];
            let mut actions = ActionBatch::zeros(&spec.action_space, batch);
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(format!("b{batch}"), |bencher| {
                bencher.iter(|| policy.act(&observations, &elapsed_steps, &mut actions).expect("finite outputs"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, actions);
criterion_main!(benches);

//! Steps and pictures of the MuJoCo environments: `env/ID/nE` with E lanes on one thread and actions drawn beforehand,
//! `env/ID/bare` with nothing but MuJoCo's own steps through the same states, `env/ID/two_threads` with an environment
//! on each of two threads, and `env/ID/picture`. Needs the feature `mujoco` and `cargo xtask setup`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{
    DynEnvironment, Environment, EnvironmentError, SyncVectorEnvironment, VectorEnvironment,
};
use kanrl_core::random::Generator;
use kanrl_envs_mujoco::{Ant, HalfCheetah, Hopper, HopperConfig, MujocoEnvironment, Swimmer, Task, Version};
use kanrl_envs_mujoco::{AntV5Config, Walker2d, Walker2dConfig};
use std::hint::black_box;

/// Steps of an episode: robots that would be stopped for falling go on.
const STEPS: usize = 500;
const LANES: usize = 16;

type Made<T> = Result<MujocoEnvironment<T>, EnvironmentError>;

fn robot<T: Task>(criterion: &mut Criterion, make: impl Fn() -> Made<T> + Copy + Sync) {
    let mut environment = make().expect("MuJoCo");
    let spec = Environment::spec(&environment).clone();
    let mut observation = vec![0.0; spec.observation_space.len()];
    let mut generator = Generator::new(0);
    let mut actions = ActionBatch::zeros(&spec.action_space, STEPS);
    (0..STEPS).for_each(|row| spec.action_space.sample(&mut generator, &mut actions, row));
    let mut group = criterion.benchmark_group(format!("env/{}", spec.id));
    group.sample_size(20);

    group.throughput(Throughput::Elements(STEPS as u64));
    group.bench_function("n1", |bencher| bencher.iter(|| episode(&mut environment, &actions, &mut observation)));
    group.bench_function("bare", |bencher| {
        bencher.iter(|| {
            Environment::reset(&mut environment, Some(0), &mut observation).expect("a reset");
            let simulation = environment.simulation_mut();
            let frame_skip = simulation.frame_skip();
            for row in 0..STEPS {
                let Action::F32(action) = actions.row(row) else { unreachable!("a vector") };
                let data = simulation.data_mut();
                data.ctrl_mut().iter_mut().zip(action).for_each(|(control, value)| *control = f64::from(*value));
                (0..frame_skip).for_each(|_| data.step());
            }
        });
    });
    group.throughput(Throughput::Elements(2 * STEPS as u64));
    group.bench_function("two_threads", |bencher| {
        let mut environments = [0; 2].map(|_| make().expect("MuJoCo"));
        bencher.iter(|| {
            std::thread::scope(|scope| {
                for environment in &mut environments {
                    let (actions, mut observation) = (&actions, observation.clone());
                    scope.spawn(move || episode(environment, actions, &mut observation));
                }
            });
        });
    });

    let lanes = (0..LANES).map(|_| make().expect("MuJoCo")).collect();
    let mut lanes = SyncVectorEnvironment::new(lanes);
    let mut observations = vec![0.0; LANES * spec.observation_space.len()];
    let mut outcomes = [Default::default(); LANES];
    let mut tick = ActionBatch::zeros(&spec.action_space, LANES);
    (0..LANES).for_each(|lane| spec.action_space.sample(&mut generator, &mut tick, lane));
    for (lane, observation) in observations.chunks_exact_mut(spec.observation_space.len()).enumerate() {
        lanes.reset_lane(lane, Some(lane as u64), observation).expect("a reset");
    }
    group.throughput(Throughput::Elements(LANES as u64));
    group.bench_function(format!("n{LANES}"), |bencher| {
        bencher.iter(|| lanes.step_lanes(&tick, &mut observations, &mut outcomes).expect("a step"));
    });

    group.throughput(Throughput::Elements(1));
    group.bench_function("picture", |bencher| {
        bencher.iter(|| black_box(Environment::render(&mut environment).expect("a picture")));
    });
    group.finish();
}

fn episode<T: Task>(environment: &mut MujocoEnvironment<T>, actions: &ActionBatch, observation: &mut [f64]) {
    DynEnvironment::reset(environment, Some(0), observation).expect("a reset");
    for row in 0..STEPS {
        let outcome = DynEnvironment::step(environment, actions.row(row), observation).expect("a step");
        black_box(outcome);
    }
}

fn robots(criterion: &mut Criterion) {
    robot(criterion, || Swimmer::make(Version::V4, Default::default()));
    robot(criterion, || HalfCheetah::make(Version::V4, Default::default()));
    robot(criterion, || {
        Hopper::make(Version::V4, HopperConfig { terminate_when_unhealthy: false, ..Default::default() })
    });
    robot(criterion, || {
        Walker2d::make(Version::V4, Walker2dConfig { terminate_when_unhealthy: false, ..Default::default() })
    });
    robot(criterion, || Ant::make_v5(AntV5Config { terminate_when_unhealthy: false, ..Default::default() }));
}

criterion_group!(benches, robots);
criterion_main!(benches);

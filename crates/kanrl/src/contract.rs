//! Contracts of exported policies, composed from what a run knows.

use kanrl_core::environment::{DynEnvironment, EnvironmentSpec};
use kanrl_export::Measured;
use kanrl_pipeline::run::{Metrics, PolicyRole};

/// Seconds between two steps: the environment's parameter `tau` or `dt`; where it has none but observes something per second, what a
/// frame of its video in real time lasts. `None` where it has no time of its own.
pub fn control_period(environment: &dyn DynEnvironment) -> Option<f64> {
    let parameters = environment.parameters();
    let step =
        parameters.iter().find(|parameter| ["tau", "dt"].contains(&parameter.name.as_ref()) && parameter.unit == "s");
    step.map(|step| step.value).or_else(|| frame(environment.spec()))
}

fn frame(spec: &EnvironmentSpec) -> Option<f64> {
    let has_time = spec.observation_space.coordinates.iter().any(|coordinate| coordinate.unit.contains("/s"));
    (has_time && spec.frames_per_second > 0).then(|| 1.0 / f64::from(spec.frames_per_second))
}

/// What a run measured of one of its formulas.
pub fn measured(metrics: &Metrics, role: PolicyRole) -> Option<Measured> {
    let returns = metrics.returns.get(&role)?;
    let agreement = &metrics.agreement;
    Some(Measured {
        episodes: returns.n as u64,
        mean_return: returns.mean,
        worst_5_percent: returns.worst_5_percent,
        expert_return: metrics.returns.get(&PolicyRole::Expert).map(|returns| returns.mean),
        fidelity_own_states: agreement.own_states.get(&role).copied(),
        fidelity_expert_states: agreement.expert_states.get(&role).copied(),
        fidelity_measure: agreement.measure.map(|measure| measure.meaning().to_owned()),
    })
}

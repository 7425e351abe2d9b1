//! An expert of one's own: a controller that swings a pendulum up by its energy and catches it at the top (Åström and
//! Furuta 2000, doi 10.1016/S0005-1098(99)00140-5). It is found by the `kind` in the config, which sets its gain.
//!
//! ```sh
//! cargo run --release --example custom_expert
//! ```

use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::config::{BuildError, ExpertConfig};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError, ScoreKind};
use kanrl_core::space::ActionSpace;
use kanrl_pipeline::run::PolicyRole;
use std::sync::Arc;

/// `kind = "swing_up"`
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SwingUpConfig {
    /// Torque for each joule that is missing, at a speed of 1 rad/s.
    gain: f64,
}

impl Default for SwingUpConfig {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

#[typetag::serde(name = "swing_up")]
impl ExpertConfig for SwingUpConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        if &*environment.id != "Pendulum-v1" {
            let reason = format!("`swing_up` plays Pendulum-v1, not {}", environment.id);
            return Err(BuildError { component: "expert", reason, source: None });
        }
        Ok(Arc::new(SwingUp { actions: environment.action_space.clone(), gain: self.gain }))
    }
}

struct SwingUp {
    actions: ActionSpace,
    gain: f64,
}

impl Policy for SwingUp {
    fn observation_size(&self) -> usize {
        3
    }

    fn action_space(&self) -> &ActionSpace {
        &self.actions
    }

    fn act(&self, observations: &[f64], elapsed: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let mut torques = vec![0.0; elapsed.len()];
        self.scores(observations, elapsed, &mut torques)?;
        ActionRule::of(&self.actions).act(&torques, elapsed.len(), actions);
        Ok(())
    }
}

impl ExpertPolicy for SwingUp {
    fn score_kind(&self) -> Option<ScoreKind> {
        Some(ScoreKind::Means)
    }

    /// The torque before it is clipped: better to learn from than what is left of it afterwards.
    fn scores(&self, observations: &[f64], _elapsed: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        for (torque, state) in scores.iter_mut().zip(observations.chunks_exact(3)) {
            let (cosine, sine, speed) = (state[0], state[1], state[2]);
            let missing = 5.0 - (speed * speed / 6.0 + 5.0 * cosine);
            *torque = if cosine > 0.9 { -10.0 * sine - 2.0 * speed } else { self.gain * missing * speed };
        }
        Ok(())
    }

    fn source(&self) -> &str {
        "a swing-up by energy"
    }
}

const CONFIG: &str = "
environment.id = 'Pendulum-v1'
expert = { kind = 'swing_up', gain = 0.8 }
approximator = { hidden = [], steps = 30 }
dagger = { rounds = 1, episodes = 4, validation_episodes = 4 }
polish.environment_steps = 200000
evaluate = { episodes = 20, robustness_episodes = 0 }
record.videos = false
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let returns = examples::run(CONFIG, None)?.rows;
    assert!(returns[0].policy == PolicyRole::Expert && returns[0].returns.mean > -300.0, "it does not swing up");
    Ok(())
}

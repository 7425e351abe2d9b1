//! An expert of one's own: a controller that swings a pendulum up by its energy and catches it at the top (Åström and
//! Furuta 2000, doi 10.1016/S0005-1098(99)00140-5). It is found by the `kind` in the config, which sets its gain.
//!
//! ```sh
//! cargo run --release --example custom_expert
//! ```

use kanrl::prelude::*;

/// `kind = "swing_up"`
#[derive(Debug, Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", default, deny_unknown_fields)]
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
        if environment.id != "Pendulum-v1" {
            let reason = format!("`swing_up` plays Pendulum-v1, not {}", environment.id);
            return Err(BuildError { component: "expert", reason, source: None });
        }
        let gain = self.gain;
        // The torque before it is clipped: better to learn from than what is left of it afterwards.
        Ok(Arc::new(FunctionExpert::new(environment, "a swing-up by energy", move |state, torque| {
            let (cosine, sine, speed) = (state[0], state[1], state[2]);
            let missing = 5.0 - (speed * speed / 6.0 + 5.0 * cosine);
            torque[0] = if cosine > 0.9 { -10.0 * sine - 2.0 * speed } else { gain * missing * speed };
        })))
    }
}

const CONFIG: &str = "
environment.id = 'Pendulum-v1'
expert = { kind = 'swing_up', gain = 0.8 }
approximator = { hidden = [], steps = 30 }
dagger = { rounds = 1, steps = 100, validation_episodes = 4 }
polish.environment_steps = 200000
evaluate = { episodes = 20, robustness_episodes = 0 }
record.videos = false
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let returns = examples::execute(Run::from_text(CONFIG)?)?.rows;
    assert!(returns[0].policy == PolicyRole::Expert && returns[0].returns.mean > -300.0, "it does not swing up");
    Ok(())
}

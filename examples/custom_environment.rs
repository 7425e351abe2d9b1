//! The smallest environment of one's own: a cart on a rail that must come to rest at x = 0, and the formula
//! that kanrl makes of a formula as its expert.
//!
//! ```sh
//! cargo run --release --example custom_environment
//! ```

use kanrl::prelude::*;

struct Rail {
    spec: EnvironmentSpec,
    random: Generator,
    x: f64,
    x_dot: f64,
}

fn rail() -> EnvironmentSpec {
    EnvironmentSpec::new("Rail-v0")
        .observe("x", "m")
        .observe("x_dot", "m/s")
        .act("force", "N", -1.0..=1.0)
        .steps(200)
        .frames_per_second(20)
}

impl Environment for Rail {
    type Action = Continuous;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.random = Generator::new(seed);
        }
        (self.x, self.x_dot) = (self.random.uniform(-1.0, 1.0), self.random.uniform(-1.0, 1.0));
        observation.copy_from_slice(&[self.x, self.x_dot]);
        Ok(())
    }

    fn step(&mut self, action: ContinuousAction, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let dt = 0.05;
        self.x_dot += dt * action.get(0).clamp(-1.0, 1.0);
        self.x += dt * self.x_dot;
        observation.copy_from_slice(&[self.x, self.x_dot]);
        let reward = -(self.x * self.x + 0.1 * self.x_dot * self.x_dot);
        Ok(StepOutcome { reward, terminated: self.x.abs() > 5.0, truncated: false })
    }
}

const CONFIG: &str = "
expert = { kind = 'formula', expression = '-3*x - 2*x_dot' }
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
dagger = { rounds = 1, steps = 100, validation_episodes = 2 }
polish.enabled = false
evaluate = { episodes = 20, robustness_episodes = 0 }
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let new = |spec| Rail { spec, random: Generator::new(0), x: 0.0, x_dot: 0.0 };
    examples::execute(Run::from_text(CONFIG)?.environment(rail(), new)?).map(drop)
}

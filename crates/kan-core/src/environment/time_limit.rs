use super::{ActionKind, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome};

/// Gymnasium's `TimeLimit` wrapper: sets `truncated` at [`EnvironmentSpec::max_episode_steps`], whatever `terminated`
/// says. The registry wraps every environment in it.
#[derive(Clone, Debug)]
pub struct TimeLimit<E> {
    environment: E,
    elapsed_steps: u32,
}

impl<E: Environment> TimeLimit<E> {
    /// Wraps an environment.
    pub fn new(environment: E) -> Self {
        Self { environment, elapsed_steps: 0 }
    }
}

impl<E: Environment> Environment for TimeLimit<E> {
    type Action = E::Action;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        self.environment.spec()
    }

    #[inline]
    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.elapsed_steps = 0;
        self.environment.reset(seed, observation)
    }

    #[inline]
    fn step(
        &mut self,
        action: <Self::Action as ActionKind>::Value<'_>,
        observation: &mut [f64],
    ) -> Result<StepOutcome, EnvironmentError> {
        let mut outcome = self.environment.step(action, observation)?;
        self.elapsed_steps += 1;
        outcome.truncated |= self.spec().max_episode_steps.is_some_and(|limit| self.elapsed_steps >= limit);
        Ok(outcome)
    }

    fn info(&self, info: &mut [f64]) {
        self.environment.info(info);
    }

    fn state(&self) -> Vec<f64> {
        self.environment.state()
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.environment.parameters()
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.environment.set_parameter(name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        self.environment.render()
    }
}

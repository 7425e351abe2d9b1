//! What all robots share: Gymnasium's `MujocoEnv`.

use crate::parameters;
use crate::picture;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{
    Continuous, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome,
};
use kanrl_core::random::Generator;

/// What sets one robot's task apart from the others'.
pub trait Task: Send + 'static {
    /// Moves positions `[nq]` and velocities `[nv]` from rest to where an episode starts.
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]);

    /// Writes the observation.
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]);

    /// Steps the simulation, judges the step and writes the info numbers.
    ///
    /// # Errors
    /// The simulation's.
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged>;

    /// Writes those info numbers that a reset has; the others are 0.
    fn reset_info(&self, _simulation: &Simulation, _info: &mut [f64]) {}
}

/// A robot with a task.
#[derive(Debug)]
pub struct MujocoEnvironment<T> {
    spec: EnvironmentSpec,
    task: T,
    simulation: Simulation,
    generator: Generator,
    info: Box<[f64]>,
}

impl<T: Task> MujocoEnvironment<T> {
    /// Puts the parts together. Until the first reset with a seed, episodes start as with seed 0.
    pub fn new(spec: EnvironmentSpec, simulation: Simulation, task: T) -> Self {
        let info = vec![0.0; spec.info_names.len()].into();
        Self { spec, task, simulation, generator: Generator::new(0), info }
    }

    /// The robot.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// The robot, to be moved by hand.
    pub fn simulation_mut(&mut self) -> &mut Simulation {
        &mut self.simulation
    }
}

impl<T: Task> Environment for MujocoEnvironment<T> {
    type Action = Continuous;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        let (task, generator) = (&self.task, &mut self.generator);
        self.simulation.reset(|qpos, qvel| task.disturb(generator, qpos, qvel));
        self.info.fill(0.0);
        self.task.reset_info(&self.simulation, &mut self.info);
        self.task.observe(&self.simulation, observation);
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: ContinuousAction<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let outcome = self.task.step(&mut self.simulation, action, &mut self.info).map_err(|diverged| {
            EnvironmentError::Diverged { id: self.spec.id.clone(), reason: diverged.to_string() }
        })?;
        self.task.observe(&self.simulation, observation);
        Ok(outcome)
    }

    fn info(&self, info: &mut [f64]) {
        info.copy_from_slice(&self.info);
    }

    fn state(&self) -> Vec<f64> {
        [self.simulation.qpos(), self.simulation.qvel()].concat()
    }

    fn parameters(&self) -> Vec<Parameter> {
        parameters::list(&self.simulation)
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        parameters::set(&mut self.simulation, &self.spec.id, name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        picture::draw(&mut self.simulation).map_err(|reason| engine_error(&self.spec.id, reason))
    }
}

pub(crate) fn engine_error(id: &str, reason: impl ToString) -> EnvironmentError {
    EnvironmentError::Engine { id: id.to_owned(), reason: reason.to_string() }
}

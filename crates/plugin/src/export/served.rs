//! What an instance in a plugin does. The host checks actions before it calls and numbers after it: not here again.

use kanrl_core::action::Action;
use kanrl_core::environment::{
    ActionKind, DynEnvironment, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome,
};

pub trait Served: 'static {
    fn spec(&self) -> &EnvironmentSpec;
    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError>;
    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError>;
    fn info(&self, info: &mut [f64]);
    fn state(&self) -> Vec<f64>;
    fn parameters(&self) -> Vec<Parameter>;
    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError>;
    fn render(&mut self) -> Result<Frame, EnvironmentError>;
}

/// An environment of a type known at compile time: the loops over lanes and steps are compiled for it.
pub struct Typed<E>(pub E);

/// An environment behind a pointer.
pub struct Dynamic(pub Box<dyn DynEnvironment>);

impl<E: Environment> Served for Typed<E> {
    fn spec(&self) -> &EnvironmentSpec {
        Environment::spec(&self.0)
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        Environment::reset(&mut self.0, seed, observation)
    }

    #[inline]
    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let action = E::Action::check(Environment::spec(&self.0), action)?;
        Environment::step(&mut self.0, action, observation)
    }

    fn info(&self, info: &mut [f64]) {
        Environment::info(&self.0, info);
    }

    fn state(&self) -> Vec<f64> {
        Environment::state(&self.0)
    }

    fn parameters(&self) -> Vec<Parameter> {
        Environment::parameters(&self.0)
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        Environment::set_parameter(&mut self.0, name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Environment::render(&mut self.0)
    }
}

impl Served for Dynamic {
    fn spec(&self) -> &EnvironmentSpec {
        self.0.spec()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.0.reset(seed, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        self.0.step(action, observation)
    }

    fn info(&self, info: &mut [f64]) {
        self.0.info(info);
    }

    fn state(&self) -> Vec<f64> {
        self.0.state()
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.0.parameters()
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.0.set_parameter(name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        self.0.render()
    }
}

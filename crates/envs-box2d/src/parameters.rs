//! Named constants that can be changed.

use kanrl_core::environment::{EnvironmentError, Parameter};

/// One of an environment's constants.
pub(crate) struct Constant<'a> {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// Which values make sense.
    pub(crate) range: Range,
    pub(crate) value: &'a mut f64,
}

/// Box2D reckons in f32, squares and cubes included: numbers beyond these would become infinite or vanish.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Range {
    Any,
    Positive,
}

impl Range {
    fn check(self, id: &str, name: &str, value: f64) -> Result<(), EnvironmentError> {
        let (low, high) = match self {
            Self::Any => (-1e6, 1e6),
            Self::Positive => (1e-6, 1e6),
        };
        if (low..=high).contains(&value) {
            return Ok(());
        }
        let reason = format!("`{name}` is {value}, expected a number from {low} to {high}");
        Err(EnvironmentError::BadArguments { id: id.to_owned(), reason })
    }
}

/// The constants of one environment.
pub(crate) trait Constants: Clone {
    fn each(&mut self) -> Vec<Constant<'_>>;

    fn parameters(&self) -> Vec<Parameter> {
        let mut copy = self.clone();
        let parameter = |constant: Constant<'_>| Parameter {
            name: constant.name.to_owned(),
            unit: constant.unit.to_owned(),
            value: *constant.value,
        };
        copy.each().into_iter().map(parameter).collect()
    }

    fn set(&mut self, id: &str, name: &str, value: f64) -> Result<(), EnvironmentError> {
        let Some(constant) = self.each().into_iter().find(|constant| constant.name == name) else {
            return Err(EnvironmentError::unknown_parameter(id, name, &self.parameters()));
        };
        constant.range.check(id, name, value)?;
        *constant.value = value;
        Ok(())
    }

    /// Checks all values.
    fn check(mut self, id: &str) -> Result<Self, EnvironmentError> {
        for constant in self.each() {
            constant.range.check(id, constant.name, *constant.value)?;
        }
        Ok(self)
    }
}

/// The answer to a call that needs an episode.
pub(crate) fn not_reset(id: &str) -> EnvironmentError {
    EnvironmentError::Engine { id: id.to_owned(), reason: "no episode has been started, call `reset` first".to_owned() }
}

/// Rounds `values` to f32, which the observation spaces declare.
pub(crate) fn write_f32(values: &[f64], observation: &mut [f64]) {
    for (rounded, value) in observation.iter_mut().zip(values) {
        *rounded = f64::from(*value as f32);
    }
}

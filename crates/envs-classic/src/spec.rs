//! What all specs here share.

use kanrl_core::space::Coordinate;

/// A coordinate of a float32 `Box`: its bounds are rounded as NumPy rounds them.
pub(crate) fn coordinate(name: &str, unit: &str, low: f64, high: f64, description: &str) -> Coordinate {
    let rounded = |bound: f64| f64::from(bound as f32);
    Coordinate::new(name, unit, rounded(low), rounded(high)).described(description)
}

/// Rounds to the float32 that Gymnasium's observation holds.
#[inline]
pub(crate) fn observed(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Implements `parameters` and `set_parameter` for the named fields of `self.constants`.
macro_rules! parameters {
    ($($name:ident: $unit:literal),+ $(,)?) => {
        fn parameters(&self) -> Vec<kanrl_core::environment::Parameter> {
            vec![$(kanrl_core::environment::Parameter {
                name: stringify!($name).to_owned(),
                unit: $unit.to_owned(),
                value: self.constants.$name,
            }),+]
        }

        fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
            match name {
                $(stringify!($name) => self.constants.$name = value,)+
                _ => return Err(EnvironmentError::unknown_parameter(&self.spec.id, name, &self.parameters())),
            }
            Ok(())
        }
    };
}
pub(crate) use parameters;

//! The functions of a library: built-in ones, and expressions of the user's.

use super::builtin::{BUILTINS, Builtin};
use super::search::Family;
use crate::expression::{Expression, SymbolicError};
use crate::tape::Tape;
use kan_core::function::{Domain, UnivariateFunction};

/// A named function with its expression.
#[derive(Debug)]
pub struct LibraryFunction(Kind);

#[derive(Debug)]
enum Kind {
    Builtin(&'static Builtin),
    User(Box<User>),
}

#[derive(Debug)]
struct User {
    name: String,
    text: String,
    domain: Domain,
    complexity: f64,
    /// x to the value.
    value: Tape,
    /// x to the value and its derivative.
    both: Tape,
}

impl LibraryFunction {
    /// A built-in function.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for an unknown name, with the nearest known one.
    pub fn builtin(name: &str) -> Result<Self, SymbolicError> {
        let found = BUILTINS.iter().find(|builtin| builtin.name == name);
        found.map(|builtin| Self(Kind::Builtin(builtin))).ok_or_else(|| {
            let names = BUILTINS.each_ref().map(|builtin| builtin.name);
            let nearest = kan_core::suggest::nearest(name, &names).map(str::to_owned);
            let hint = kan_core::suggest::did_you_mean(&nearest);
            SymbolicError::Invalid(format!("unknown function `{name}`{hint}; there are {}", names.join(", ")))
        })
    }

    /// A function of the user's: an expression over `x`, where it is defined, and how hard it is to read (pykan's
    /// scale: 1 for x, 2 for x², 5 for the least readable).
    ///
    /// # Errors
    /// [`SymbolicError`] for an expression over anything but `x`, or a complexity that is not a number ≥ 0.
    pub fn from_expression(
        name: &str,
        expression: &Expression,
        domain: Domain,
        complexity: f64,
    ) -> Result<Self, SymbolicError> {
        if !(complexity >= 0.0 && complexity.is_finite()) {
            return Err(SymbolicError::Invalid(format!(
                "the complexity of `{name}` is {complexity}; it must be 0 or more"
            )));
        }
        expression.check()?;
        let both = [expression.clone(), expression.derivative("x")];
        Ok(Self(Kind::User(Box::new(User {
            name: name.to_owned(),
            text: expression.to_string(),
            domain,
            complexity,
            value: Tape::compile(&both[..1], &["x"])?,
            both: Tape::compile(&both, &["x"])?,
        }))))
    }

    pub(super) fn family(&self) -> Family {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.family,
            Kind::User(_) => Family::User,
        }
    }

    /// Values of a whole column.
    pub(super) fn values(&self, x: &[f64], values: &mut [f64]) {
        match &self.0 {
            Kind::Builtin(builtin) => {
                for (value, x) in values.iter_mut().zip(x) {
                    *value = (builtin.value)(*x);
                }
            }
            Kind::User(user) => user.value.evaluate(x, values),
        }
    }
}

impl UnivariateFunction for LibraryFunction {
    fn name(&self) -> &str {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.name,
            Kind::User(user) => &user.name,
        }
    }

    fn value(&self, x: f64) -> f64 {
        match &self.0 {
            Kind::Builtin(builtin) => (builtin.value)(x),
            Kind::User(user) => {
                let mut value = [0.0];
                user.value.evaluate(&[x], &mut value);
                value[0]
            }
        }
    }

    fn derivative(&self, x: f64) -> f64 {
        match &self.0 {
            Kind::Builtin(builtin) => (builtin.derivative)(x),
            Kind::User(user) => {
                let mut both = [0.0; 2];
                user.both.evaluate(&[x], &mut both);
                both[1]
            }
        }
    }

    fn domain(&self) -> Domain {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.domain,
            Kind::User(user) => user.domain,
        }
    }

    fn complexity(&self) -> f64 {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.complexity,
            Kind::User(user) => user.complexity,
        }
    }

    fn expression(&self) -> Option<&str> {
        Some(match &self.0 {
            Kind::Builtin(builtin) => builtin.text,
            Kind::User(user) => &user.text,
        })
    }

    fn evaluate(&self, x: &[f64], values: &mut [f64], derivatives: &mut [f64]) {
        assert!(x.len() == values.len() && x.len() == derivatives.len());
        match &self.0 {
            Kind::Builtin(builtin) => {
                for ((x, value), derivative) in x.iter().zip(values).zip(derivatives) {
                    *value = (builtin.value)(*x);
                    *derivative = (builtin.derivative)(*x);
                }
            }
            Kind::User(user) => {
                // In blocks on the stack: the tape writes rows of both, the caller wants two columns.
                let mut both = [0.0; 128];
                let columns = values.chunks_mut(64).zip(derivatives.chunks_mut(64));
                for (x, (values, derivatives)) in x.chunks(64).zip(columns) {
                    user.both.evaluate(x, &mut both[..2 * x.len()]);
                    for ((row, value), derivative) in both.chunks_exact(2).zip(values).zip(derivatives) {
                        (*value, *derivative) = (row[0], row[1]);
                    }
                }
            }
        }
    }
}

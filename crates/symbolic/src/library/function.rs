//! The functions of a library: built-in ones, and expressions of the user's.

use super::builtin::{BUILTINS, Builtin};
use super::search::Family;
use crate::expression::{Expression, Native, Operator, SymbolicError, maximum, minimum};
use crate::tape::Tape;
use kanrl_core::function::{Domain, UnivariateFunction};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A named function with its expression.
#[derive(Debug)]
pub struct LibraryFunction(Kind);

#[derive(Debug)]
enum Kind {
    Builtin(&'static Builtin),
    User(Box<User>),
    Guarded(Box<Guarded>),
}

/// A function whose argument is clipped, so that it never leaves the domain.
#[derive(Debug)]
struct Guarded {
    base: Arc<LibraryFunction>,
    low: f64,
    high: f64,
    /// Also its name: unlike the name of what it guards, it says where it is clipped.
    text: String,
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
    /// A built-in function, or one that the program registered ([`Native`]).
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for an unknown name, with the nearest known one.
    pub fn builtin(name: &str) -> Result<Self, SymbolicError> {
        if let Some(native) = Native::find(name) {
            let function = native.function();
            let expression = Expression::operation(Operator::Native(native), [Expression::variable("x")?]);
            return Self::from_expression(name, &expression, function.domain, function.complexity);
        }
        let found = BUILTINS.iter().find(|builtin| builtin.name == name);
        found.map(|builtin| Self(Kind::Builtin(builtin))).ok_or_else(|| {
            let names = BUILTINS.each_ref().map(|builtin| builtin.name);
            let nearest = kanrl_core::suggest::nearest(name, &names).map(str::to_owned);
            let hint = kanrl_core::suggest::did_you_mean(&nearest);
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

    /// A function that is named by what it computes: text over `x` that is defined everywhere.
    ///
    /// # Errors
    /// As [`Self::from_expression`], and [`SymbolicError::Parse`].
    pub fn spelled(text: &str, complexity: f64) -> Result<Self, SymbolicError> {
        let expression = text.parse::<Expression>()?.folded();
        Self::from_expression(&expression.to_string(), &expression, Domain::All, complexity)
    }

    /// The function with its argument clipped to `low..=high`, which must lie in its domain: `log(max(x, 0.1))`. Only
    /// the bounds that the domain needs are applied and written.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for bounds that do not lie in the domain.
    pub fn guarded(base: Arc<Self>, low: f64, high: f64) -> Result<Self, SymbolicError> {
        let domain = base.domain();
        if !domain.contains(low, high) {
            let name = base.name();
            return Err(SymbolicError::Invalid(format!("`{name}` is not defined on all of {low} to {high}")));
        }
        let low = if domain.contains(f64::NEG_INFINITY, high) { f64::NEG_INFINITY } else { low };
        let high = if domain.contains(low, f64::INFINITY) { f64::INFINITY } else { high };
        let x = Expression::variable("x")?;
        let number = Expression::constant;
        let argument = match (low.is_finite(), high.is_finite()) {
            (true, true) => Expression::operation(Operator::Clip, [x, number(low), number(high)]),
            (true, false) => Expression::operation(Operator::Max, [x, number(low)]),
            (false, true) => Expression::operation(Operator::Min, [x, number(high)]),
            (false, false) => x,
        };
        let expression: Expression = base.text().parse()?;
        let text = expression.substitute(&BTreeMap::from([("x", argument)])).to_string();
        Ok(Self(Kind::Guarded(Box::new(Guarded { base, low, high, text }))))
    }

    fn text(&self) -> &str {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.text,
            Kind::User(user) => &user.text,
            Kind::Guarded(guarded) => &guarded.text,
        }
    }

    pub(super) fn family(&self) -> Family {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.family,
            Kind::User(_) | Kind::Guarded(_) => Family::User,
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
            Kind::Guarded(_) => values.iter_mut().zip(x).for_each(|(value, x)| *value = self.value(*x)),
        }
    }
}

impl Guarded {
    fn clipped(&self, x: f64) -> f64 {
        minimum(maximum(x, self.low), self.high)
    }
}

impl UnivariateFunction for LibraryFunction {
    fn name(&self) -> &str {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.name,
            Kind::User(user) => &user.name,
            Kind::Guarded(guarded) => &guarded.text,
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
            Kind::Guarded(guarded) => guarded.base.value(guarded.clipped(x)),
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
            Kind::Guarded(guarded) if guarded.clipped(x) == x => guarded.base.derivative(x),
            Kind::Guarded(_) => 0.0,
        }
    }

    fn domain(&self) -> Domain {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.domain,
            Kind::User(user) => user.domain,
            Kind::Guarded(_) => Domain::All,
        }
    }

    fn complexity(&self) -> f64 {
        match &self.0 {
            Kind::Builtin(builtin) => builtin.complexity,
            Kind::User(user) => user.complexity,
            // The guard is one more thing to read.
            Kind::Guarded(guarded) => guarded.base.complexity() + 1.0,
        }
    }

    fn expression(&self) -> Option<&str> {
        Some(self.text())
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
            Kind::Guarded(_) => {
                for ((x, value), derivative) in x.iter().zip(values).zip(derivatives) {
                    (*value, *derivative) = (self.value(*x), self.derivative(*x));
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

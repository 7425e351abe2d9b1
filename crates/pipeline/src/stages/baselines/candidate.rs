//! Formulas of the user's own form: `"k1*theta + k2*theta_dot"`, whose constants `k1`, `k2`, … are found.

use crate::formulas::Draft;
use crate::formulas::fit::refit;
use crate::head::StudentHead;
use kanrl_core::approximator::FitTask;
use kanrl_core::config::BuildError;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::random::Generator;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{Expression, SymbolicError};
use std::collections::{BTreeMap, BTreeSet};

/// Places that unknown constants are fitted from: 1, then standard normal ones.
const STARTS: usize = 12;
/// Steps from each; the best one goes on.
const STEPS: usize = 10;

/// A form with constants that are not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    inputs: Vec<String>,
    /// One for each of the head's outputs.
    expressions: Vec<Expression>,
    /// The names that stand for constants.
    unknown: Vec<String>,
}

impl Form {
    /// Reads expressions separated by `;`, one for each action coordinate or each discrete action's score; two actions can have
    /// one, whose sign chooses. `k` followed by digits is an unknown constant unless an observation has that name; where one
    /// stands in several places, each place gets a number of its own.
    ///
    /// # Errors
    /// [`BuildError`] for a text that is no such form, or does not fit the environment.
    pub fn parse(text: &str, environment: &EnvironmentSpec) -> Result<Self, BuildError> {
        let error = |reason: String| BuildError {
            component: "students.candidates",
            reason: format!("`{text}` {reason}"),
            source: None,
        };
        let inputs = environment.observation_space.names();
        let unusable = |source: SymbolicError| {
            let known = match source {
                SymbolicError::UnknownVariable { .. } => format!("; there are {} and k1, k2, …", inputs.join(", ")),
                _ => String::new(),
            };
            error(format!("is not usable: {source}{known}"))
        };
        let parts = text.split(';').map(|part| part.trim().parse::<Expression>());
        let mut expressions: Vec<Expression> = parts.collect::<Result<_, _>>().map_err(unusable)?;
        let head = StudentHead::new(environment.action_space.clone());
        let wanted = environment.action_space.outputs();
        let is_sign = expressions.len() == 1 && head.outputs() == 1;
        if expressions.len() != wanted && !is_sign {
            let found = expressions.len();
            let s = if found == 1 { "" } else { "s" };
            return Err(error(format!(
                "has {found} expression{s}, but the actions of `{}` need {wanted}, separated by `;`",
                environment.id
            )));
        }
        if matches!(environment.action_space, ActionSpace::Discrete(_)) && !is_sign {
            // Only how much better an action is than action 0 matters.
            let first = expressions.remove(0);
            if first.as_constant() != Some(0.0) {
                let minus = first.affine(-1.0, 0.0);
                expressions = expressions.into_iter().map(|own| Expression::sum([own, minus.clone()])).collect();
            }
        }
        let is_unknown = |name: &str| {
            let digits = name.strip_prefix('k');
            digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
                && inputs.iter().all(|input| input != name)
        };
        let used: BTreeSet<String> =
            expressions.iter().flat_map(Expression::variables).map(|name| name.to_string()).collect();
        let unknown = used.into_iter().filter(|name| is_unknown(name)).collect();
        let form = Self { inputs: inputs.clone(), expressions, unknown };
        // Names that are neither observations nor constants are noticed here.
        form.draft(&head, &mut || 1.0).map_err(unusable)?;
        Ok(form)
    }

    /// The form with numbers instead of its unknown constants.
    fn draft(&self, head: &StudentHead, next: &mut dyn FnMut() -> f64) -> Result<Draft, SymbolicError> {
        let ones: BTreeMap<&str, Expression> =
            self.unknown.iter().map(|name| (name.as_str(), Expression::constant(f64::NAN))).collect();
        let filled = |expression: &Expression| {
            let marked = expression.substitute(&ones);
            let constants: Vec<f64> =
                marked.constants().map(|value| if value.is_nan() { next() } else { value }).collect();
            marked.with_constants(constants)
        };
        let expressions = self.expressions.iter().map(filled).collect();
        Draft::new(head.clone(), self.inputs.clone(), expressions)
    }

    /// The form with the constants that fit best, from several starts.
    ///
    /// # Errors
    /// [`SymbolicError`] for a form of another environment.
    pub fn fitted(&self, head: &StudentHead, task: FitTask<'_>, seed: u64) -> Result<Draft, SymbolicError> {
        let mut random = Generator::new(seed);
        let mut best = None;
        let starts = if self.unknown.is_empty() { 1 } else { STARTS };
        for start in 0..starts {
            let draft = self.draft(head, &mut || if start == 0 { 1.0 } else { random.standard_normal() })?;
            let fitted = refit(&draft, task, STEPS, &mut |_, _| true);
            let is_better = |(loss, _): &(f64, Draft)| fitted.loss < *loss;
            if best.as_ref().is_none_or(is_better) {
                best = Some((fitted.loss, fitted.draft));
            }
        }
        Ok(best.expect("a start").1)
    }
}

#[cfg(test)]
mod tests {
    use super::Form;
    use crate::head::StudentHead;
    use kanrl_core::approximator::{FitTask, Loss, Samples};
    use kanrl_core::environment::EnvironmentRegistry;
    use kanrl_core::environment::{EnvironmentSpec, KeywordArguments};

    fn spec(id: &str) -> EnvironmentSpec {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).unwrap();
        registry.make(id, &KeywordArguments::new()).unwrap().spec().clone()
    }

    #[test]
    fn the_constants_of_a_form_are_found() {
        let cart_pole = spec("CartPole-v1");
        let form = Form::parse("sin(k1*theta) + k2*theta_dot + 0.5", &cart_pole).unwrap();
        let inputs: Vec<f64> = (0..400).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect();
        let targets: Vec<f64> = inputs.chunks_exact(4).map(|row| (2.5 * row[2]).sin() - 0.7 * row[3] + 0.1).collect();
        let weights = vec![1.0; 100];
        let train = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
        let head = StudentHead::new(cart_pole.action_space.clone());
        let draft = form.fitted(&head, task, 0).unwrap();
        let constants = draft.constants();
        for (found, wanted) in constants.iter().zip([2.5, -0.7, 0.1]) {
            assert!((found - wanted).abs() < 1e-3, "{constants:?}");
        }
    }

    #[test]
    fn scores_of_discrete_actions_become_differences_to_the_first() {
        let mountain_car = spec("MountainCar-v0");
        let form = Form::parse("k1; v; k2*x", &mountain_car).unwrap();
        assert_eq!(form.expressions.len(), 2);
        assert_eq!(form.unknown, ["k1", "k2"]);
        let form = Form::parse("0; v; k2*x", &mountain_car).unwrap();
        assert_eq!(form.expressions[0].to_string(), "v");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let cart_pole = spec("CartPole-v1");
        let error = |text: &str| Form::parse(text, &cart_pole).unwrap_err().to_string();
        assert!(error("k1*thata").contains("did you mean `theta`"), "{}", error("k1*thata"));
        assert!(error("1; 2; 3").contains("has 3 expressions") && error("1; 2; 3").contains("need 2"));
        assert!(error("k1*").contains("`k1*` is not usable"), "{}", error("k1*"));
    }
}

//! Linear and sparse polynomial formulas: the rivals that a KAN's formula has to beat.

use crate::formulas::Draft;
use crate::head::StudentHead;
use kanrl_core::approximator::{Loss, Samples};
use kanrl_symbolic::{Expression, SymbolicError};
use nalgebra::{DMatrix, DVector};

/// Terms are added as long as each explains at least this share of the targets' variance.
const LEAST_GAIN: f64 = 0.002;
/// A product is added where it explains at least this share of what a draft misses.
const LEAST_SHARE: f64 = 0.1;
/// Added to the diagonal of the normal equations, whose diagonal is 1.
const RIDGE: f64 = 1e-8;

/// An observation whose mean is further from 0 than so many of its deviations is taken less its mean in products: there its
/// own ups and downs would be next to nothing.
const FAR: f64 = 2.0;

/// One term: a product of at most two observations, or a third power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    One(usize),
    Two(usize, usize),
    Cube(usize),
}

/// The linear formula by weighted least squares.
///
/// # Errors
/// [`SymbolicError`] for a name that no variable can have.
pub fn linear(head: &StudentHead, names: &[String], samples: Samples<'_>, loss: &Loss) -> Result<Draft, SymbolicError> {
    let terms = (0..names.len()).map(Term::One).collect();
    Regression::new(terms, names.len(), head.outputs(), samples, loss).draft(head, names, usize::MAX, 0.0)
}

/// A formula of at most `most` terms for each output, chosen among all observations, products of two and third powers by
/// orthogonal matching pursuit (Pati et al. 1993). A product with an observation that is 0 or 1, such as a leg's contact, is a gate.
///
/// # Errors
/// [`SymbolicError`] for a name that no variable can have.
pub fn quadratic(
    head: &StudentHead,
    names: &[String],
    samples: Samples<'_>,
    loss: &Loss,
    most: usize,
) -> Result<Draft, SymbolicError> {
    let inputs = names.len();
    let mut terms: Vec<Term> = (0..inputs).map(Term::One).collect();
    terms.extend((0..inputs).flat_map(|first| (first..inputs).map(move |second| Term::Two(first, second))));
    terms.extend((0..inputs).map(Term::Cube));
    Regression::new(terms, inputs, head.outputs(), samples, loss).draft(head, names, most, LEAST_GAIN)
}

/// The draft with up to `most` products of two observations added to each output: those that explain what it misses. The
/// same draft where none explains enough.
///
/// # Errors
/// [`SymbolicError`] for a name that no variable can have.
pub fn with_products(draft: &Draft, samples: Samples<'_>, loss: &Loss, most: usize) -> Result<Draft, SymbolicError> {
    let (inputs, outputs) = (draft.inputs().len(), draft.expressions().len());
    let mut values = vec![0.0; samples.weights.len() * outputs];
    draft.tape().evaluate(samples.inputs, &mut values);
    let mut missing = vec![0.0; values.len()];
    let rows = values.chunks_exact(outputs).zip(samples.targets.chunks_exact(outputs));
    for ((values, targets), missing) in rows.zip(missing.chunks_exact_mut(outputs)) {
        loss.row(values, targets, missing);
        missing.iter_mut().for_each(|value| *value *= -0.5 * outputs as f64);
    }
    let terms = (0..inputs).flat_map(|first| (first..inputs).map(move |second| Term::Two(first, second))).collect();
    let samples = Samples { targets: &missing, ..samples };
    let regression = Regression::new(terms, inputs, outputs, samples, &Loss::MeanSquared);
    let sum = |(output, expression): (usize, &Expression)| {
        let products = regression.expression(output, draft.inputs(), most, LEAST_SHARE)?;
        let is_constant = products.as_constant().is_some();
        Ok(if is_constant { expression.clone() } else { Expression::sum([expression.clone(), products]) })
    };
    let expressions = draft.expressions().iter().enumerate().map(sum).collect::<Result<_, SymbolicError>>()?;
    Draft::new(draft.head().clone(), draft.inputs().to_vec(), expressions)
}

impl Term {
    /// `shifts` are what the observations are less by in products and powers.
    fn value(self, row: &[f64], shifts: &[f64]) -> f64 {
        let shifted = |input: usize| row[input] - shifts[input];
        match self {
            Self::One(input) => row[input],
            Self::Two(first, second) => shifted(first) * shifted(second),
            Self::Cube(input) => shifted(input).powi(3),
        }
    }

    fn expression(self, names: &[String], shifts: &[f64]) -> Result<Expression, SymbolicError> {
        let shifted = |input: usize| Ok(Expression::variable(&names[input])?.affine(1.0, -shifts[input]));
        Ok(match self {
            Self::One(input) => Expression::variable(&names[input])?,
            Self::Two(first, second) if first == second => shifted(first)?.powi(2),
            Self::Two(first, second) => Expression::product([shifted(first)?, shifted(second)?]),
            Self::Cube(input) => shifted(input)?.powi(3),
        })
    }
}

/// Weighted sums of products of standardized terms and targets.
struct Regression {
    terms: Vec<Term>,
    /// What each observation is less by in products and powers.
    shifts: Vec<f64>,
    /// Mean and deviation of each term.
    moments: Vec<(f64, f64)>,
    /// Correlations of the terms, `[terms, terms]`.
    gram: DMatrix<f64>,
    /// For each output: its mean, its variance, its covariances with the terms.
    outputs: Vec<(f64, f64, DVector<f64>)>,
}

impl Regression {
    fn new(terms: Vec<Term>, inputs: usize, outputs: usize, samples: Samples<'_>, loss: &Loss) -> Self {
        let total: f64 = samples.weights.iter().sum();
        let rows = || samples.inputs.chunks_exact(inputs).zip(samples.weights);
        let mean = |value: &dyn Fn(&[f64]) -> f64| rows().map(|(row, weight)| weight * value(row)).sum::<f64>() / total;
        let shift = |input: usize| {
            let center = mean(&|row| row[input]);
            let deviation = mean(&|row| (row[input] - center).powi(2)).sqrt();
            if center.abs() > FAR * deviation { center } else { 0.0 }
        };
        let shifts: Vec<f64> = (0..inputs).map(shift).collect();
        let moments: Vec<(f64, f64)> = terms
            .iter()
            .map(|term| {
                let center = mean(&|row| term.value(row, &shifts));
                (center, mean(&|row| (term.value(row, &shifts) - center).powi(2)).sqrt())
            })
            .collect();
        let mut gram = DMatrix::zeros(terms.len(), terms.len());
        let mut covariances = DMatrix::zeros(terms.len(), outputs);
        let mut sums = vec![(0.0, 0.0); outputs];
        let mut values = vec![0.0; terms.len()];
        let mut targets = vec![0.0; outputs];
        for ((row, weight), target) in rows().zip(samples.targets.chunks_exact(outputs)) {
            let share = weight / total;
            for ((value, term), (center, deviation)) in values.iter_mut().zip(&terms).zip(&moments) {
                *value = if *deviation > 0.0 { (term.value(row, &shifts) - center) / deviation } else { 0.0 };
            }
            targets.copy_from_slice(target);
            tame(&mut targets, loss);
            for (output, target) in targets.iter().enumerate() {
                sums[output].0 += share * target;
                sums[output].1 += share * target * target;
            }
            for (column, value) in values.iter().enumerate() {
                let weighted = share * value;
                for (sum, other) in gram.column_mut(column).iter_mut().zip(&values) {
                    *sum += weighted * other;
                }
                for (output, target) in targets.iter().enumerate() {
                    covariances[(column, output)] += weighted * target;
                }
            }
        }
        let outputs = sums.iter().enumerate().map(|(output, (mean, square))| {
            (*mean, (square - mean * mean).max(f64::MIN_POSITIVE), covariances.column(output).into_owned())
        });
        Self { terms, shifts, moments, gram, outputs: outputs.collect() }
    }

    fn draft(
        &self,
        head: &StudentHead,
        names: &[String],
        most: usize,
        least_gain: f64,
    ) -> Result<Draft, SymbolicError> {
        let expressions = (0..self.outputs.len()).map(|output| self.expression(output, names, most, least_gain));
        Draft::new(head.clone(), names.to_vec(), expressions.collect::<Result<_, _>>()?)
    }

    fn expression(
        &self,
        output: usize,
        names: &[String],
        most: usize,
        least_gain: f64,
    ) -> Result<Expression, SymbolicError> {
        let (mean, variance, covariances) = &self.outputs[output];
        let mut chosen: Vec<usize> = Vec::new();
        let mut weights = DVector::zeros(0);
        let mut explained = 0.0;
        while chosen.len() < most.min(self.terms.len()) {
            let usable = |term: &usize| self.moments[*term].1 > 0.0 && !chosen.contains(term);
            let missing = |term: usize| {
                let known: f64 =
                    chosen.iter().zip(&weights).map(|(other, weight)| self.gram[(term, *other)] * weight).sum();
                (covariances[term] - known).abs()
            };
            let Some(next) = (0..self.terms.len()).filter(usable).max_by(|a, b| missing(*a).total_cmp(&missing(*b)))
            else {
                break;
            };
            chosen.push(next);
            let Some(solution) = self.solve(&chosen, covariances) else {
                chosen.pop();
                break;
            };
            let now = chosen.iter().zip(&solution).map(|(term, weight)| covariances[*term] * weight).sum::<f64>();
            if now - explained < least_gain * variance {
                chosen.pop();
                break;
            }
            (explained, weights) = (now, solution);
        }
        let mut shift = *mean;
        let mut sum = Vec::new();
        for (term, weight) in chosen.iter().zip(&weights) {
            let (center, deviation) = self.moments[*term];
            shift -= weight * center / deviation;
            sum.push(self.terms[*term].expression(names, &self.shifts)?.affine(weight / deviation, 0.0));
        }
        sum.push(Expression::constant(shift));
        Ok(Expression::sum(sum).folded())
    }

    fn solve(&self, chosen: &[usize], covariances: &DVector<f64>) -> Option<DVector<f64>> {
        let size = chosen.len();
        let gram = DMatrix::from_fn(size, size, |row, column| {
            self.gram[(chosen[row], chosen[column])] + if row == column { RIDGE } else { 0.0 }
        });
        let right = DVector::from_fn(size, |row, _| covariances[chosen[row]]);
        gram.cholesky().map(|factor| factor.solve(&right))
    }
}

/// Keeps targets within half the action's range beyond its bounds: how far the expert wanted to go beyond what is
/// possible says nothing that a least-squares fit should follow.
pub(super) fn tame(targets: &mut [f64], loss: &Loss) {
    if let Loss::ClippedMeanSquared { low, high } = loss {
        for ((target, low), high) in targets.iter_mut().zip(low).zip(high) {
            let margin = (high - low) / 2.0;
            if margin.is_finite() {
                *target = target.clamp(low - margin, high + margin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{linear, quadratic, with_products};
    use crate::formulas::Draft;
    use crate::head::StudentHead;
    use kanrl_core::approximator::{Loss, Samples};
    use kanrl_core::random::Generator;
    use kanrl_core::space::{ActionSpace, DiscreteSpace};

    #[test]
    fn products_far_from_0_and_cubes_are_found() {
        let mut random = Generator::new(1);
        let inputs: Vec<f64> =
            (0..600).map(|index| 2.0 * random.random() - 1.0 + if index % 2 == 0 { 1000.0 } else { 0.0 }).collect();
        let target = |row: &[f64]| (row[0] - 1000.0) * row[1] - 0.5 * row[1] + 0.2 * row[1].powi(3);
        let targets: Vec<f64> = inputs.chunks_exact(2).map(target).collect();
        let samples = Samples { inputs: &inputs, targets: &targets, weights: &vec![1.0; 300] };
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        let names: Vec<String> = ["x", "v"].map(str::to_owned).to_vec();
        let found = quadratic(&head, &names, samples, &Loss::MeanSquared, 8).unwrap();
        for row in [[1000.3, -0.7], [999.5, 0.9]] {
            let value = found.expressions()[0].evaluate(&[("x", row[0]), ("v", row[1])]).unwrap();
            assert!((value - target(&row)).abs() < 1e-3, "{value} {:?}", found.expressions());
        }
    }

    #[test]
    fn the_terms_of_the_target_are_found() {
        let mut random = Generator::new(0);
        let inputs: Vec<f64> = (0..900).map(|_| 2.0 * random.random() - 1.0).collect();
        let target = |row: &[f64]| 2.0 * row[0] - 3.0 * row[1] * row[2] + 0.5 * row[2] * row[2] + 1.0;
        let targets: Vec<f64> = inputs.chunks_exact(3).map(target).collect();
        let weights = vec![1.0; 300];
        let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        let names: Vec<String> = ["x", "y", "z"].map(str::to_owned).to_vec();
        let found = quadratic(&head, &names, samples, &Loss::MeanSquared, 8).unwrap();
        assert_eq!(found.operations(), 8, "{:?}", found.expressions());
        let value = found.expressions()[0].evaluate(&[("x", 0.3), ("y", -0.7), ("z", 0.9)]).unwrap();
        assert!((value - target(&[0.3, -0.7, 0.9])).abs() < 1e-6, "{value}");
        let start = Draft::new(head.clone(), names.clone(), vec!["2*x + 1".parse().unwrap()]).unwrap();
        let grown = with_products(&start, samples, &Loss::MeanSquared, 1).unwrap();
        assert!(grown.expressions()[0].to_string().contains("y*z"), "{:?}", grown.expressions());
        let plain = linear(&head, &names, samples, &Loss::MeanSquared).unwrap();
        assert!(plain.operations() <= 6, "{:?}", plain.expressions());
    }
}

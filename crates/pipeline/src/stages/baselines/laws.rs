//! A few linear laws, each with a readable condition: "if the left leg touches the ground, …; otherwise, …".
//!
//! Grown one split at a time: the law that gains most by it becomes two, on either side of a threshold of one observation or
//! of a weighted sum of several (hard regression clustering: rows go to the law that fits them, the gate follows the rows).

use super::sparse::tame;
use crate::formulas::Draft;
use crate::head::StudentHead;
use kanrl_core::approximator::{Loss, Samples};
use kanrl_symbolic::{Expression, Operator, SymbolicError};
use nalgebra::{DMatrix, DVector};

/// Rows that splits are sought on.
const ROWS: usize = 6000;
/// Shares of the rows below the thresholds that are tried.
const QUANTILES: [f64; 5] = [0.15, 0.3, 0.5, 0.7, 0.85];
/// Fewest rows of a law, for each of its constants.
const LEAST_ROWS: usize = 5;
/// Rounds of clustering, the first of them without a plane between the laws.
const ROUNDS: usize = 15;
const FREE_ROUNDS: usize = 5;
/// Newton steps for a plane.
const BOUNDARY_STEPS: usize = 10;
/// A weighted sum in a condition has to lower the error that a threshold leaves by this share.
const OBLIQUE_GAIN: f64 = 0.05;
/// A split has to lower the error of all laws together by this share.
const LEAST_GAIN: f64 = 0.02;
/// Added to the diagonals of normal equations, whose diagonals are about 1.
const RIDGE: f64 = 1e-6;

/// Rows with everything in units of its deviation.
struct Table {
    /// `[rows, inputs + 1]`, the last column 1.
    inputs: DMatrix<f64>,
    /// `[rows, outputs]`.
    targets: DMatrix<f64>,
    /// Sum to 1.
    weights: Vec<f64>,
    /// Mean and deviation of each input, 0 for a constant one, and of each target.
    input_moments: Vec<(f64, f64)>,
    target_moments: Vec<(f64, f64)>,
}

/// What holds where.
enum Tree {
    /// Rows, coefficients `[inputs + 1, outputs]`, and the error that they leave.
    Law { rows: Vec<usize>, law: DMatrix<f64>, error: f64 },
    /// Where the weighted sum of inputs and 1 is above 0, the first; else the second.
    Split { gate: DVector<f64>, above: Box<Tree>, below: Box<Tree> },
}

/// A law in two.
struct Halves {
    gate: DVector<f64>,
    above: Tree,
    below: Tree,
    error: f64,
}

/// A formula of at most `count` linear laws behind conditions; fewer where another one would explain next to nothing.
///
/// # Errors
/// [`SymbolicError`] for a name that no variable can have.
pub fn laws(
    head: &StudentHead,
    names: &[String],
    samples: Samples<'_>,
    loss: &Loss,
    count: usize,
) -> Result<Draft, SymbolicError> {
    let table = Table::new(names.len(), head.outputs(), samples, loss);
    let mut tree = table.law((0..table.weights.len()).collect());
    for _ in 1..count {
        let total = tree.error();
        let mut best: Option<(f64, usize, Halves)> = None;
        for (place, leaf) in tree.leaves().into_iter().enumerate() {
            let Tree::Law { rows, error, .. } = leaf else { unreachable!("leaves are laws") };
            let Some(halves) = table.split(rows) else { continue };
            let gain = error - halves.error;
            if gain > LEAST_GAIN * total && best.as_ref().is_none_or(|(most, ..)| gain > *most) {
                best = Some((gain, place, halves));
            }
        }
        let Some((_, place, halves)) = best else { break };
        tree.replace(&mut { place }, &mut Some(halves));
    }
    let expressions = (0..head.outputs()).map(|output| tree.expression(&table, names, output));
    Draft::new(head.clone(), names.to_vec(), expressions.collect::<Result<_, _>>()?)
}

impl Table {
    fn new(inputs: usize, outputs: usize, samples: Samples<'_>, loss: &Loss) -> Self {
        let step = samples.weights.len().div_ceil(ROWS).max(1);
        let chosen: Vec<usize> = (0..samples.weights.len()).step_by(step).collect();
        let total: f64 = chosen.iter().map(|row| samples.weights[*row]).sum();
        let weights: Vec<f64> = chosen.iter().map(|row| samples.weights[*row] / total).collect();
        let mut targets = DMatrix::from_fn(chosen.len(), outputs, |_, _| 0.0);
        for (index, row) in chosen.iter().enumerate() {
            let mut own = samples.targets[row * outputs..(row + 1) * outputs].to_vec();
            tame(&mut own, loss);
            own.into_iter().enumerate().for_each(|(output, value)| targets[(index, output)] = value);
        }
        let mut table = DMatrix::from_element(chosen.len(), inputs + 1, 1.0);
        for (index, row) in chosen.iter().enumerate() {
            for input in 0..inputs {
                table[(index, input)] = samples.inputs[row * inputs + input];
            }
        }
        let standardize = |matrix: &mut DMatrix<f64>, columns: usize| -> Vec<(f64, f64)> {
            let moments = |column: usize| {
                let mut values = matrix.column_mut(column);
                let weighted = |values: &[f64]| values.iter().zip(&weights).map(|(value, weight)| weight * value).sum();
                let mean: f64 = weighted(values.as_slice());
                values.add_scalar_mut(-mean);
                let squares: Vec<f64> = values.iter().map(|value| value * value).collect();
                let deviation = f64::sqrt(weighted(&squares));
                let deviation = if deviation > 1e-12 * mean.abs().max(1e-3) { deviation } else { 0.0 };
                values.scale_mut(if deviation > 0.0 { 1.0 / deviation } else { 0.0 });
                (mean, deviation)
            };
            (0..columns).map(moments).collect()
        };
        let input_moments = standardize(&mut table, inputs);
        let target_moments = standardize(&mut targets, outputs);
        Self { inputs: table, targets, weights, input_moments, target_moments }
    }

    /// The law of these rows, by weighted least squares.
    fn law(&self, rows: Vec<usize>) -> Tree {
        let law = self.regression(&rows, &self.targets, &self.weights);
        let error = rows.iter().map(|row| self.error(&law, *row)).sum();
        Tree::Law { rows, law, error }
    }

    /// Coefficients `[inputs + 1, columns]` for the targets.
    fn regression(&self, rows: &[usize], targets: &DMatrix<f64>, weights: &[f64]) -> DMatrix<f64> {
        let (width, columns) = (self.inputs.ncols(), targets.ncols());
        let mut gram = DMatrix::zeros(width, width);
        let mut right = DMatrix::zeros(width, columns);
        let total: f64 = rows.iter().map(|row| weights[*row]).sum::<f64>().max(f64::MIN_POSITIVE);
        for row in rows {
            let weight = weights[*row] / total;
            for column in 0..width {
                let weighted = weight * self.inputs[(*row, column)];
                for other in 0..=column {
                    gram[(column, other)] += weighted * self.inputs[(*row, other)];
                }
                for target in 0..columns {
                    right[(column, target)] += weighted * targets[(*row, target)];
                }
            }
        }
        for column in 0..width {
            gram[(column, column)] += RIDGE;
        }
        gram.fill_upper_triangle_with_lower_triangle();
        gram.cholesky().map_or_else(|| DMatrix::zeros(width, columns), |factor| factor.solve(&right))
    }

    /// Weighted square error of a law in a row.
    fn error(&self, law: &DMatrix<f64>, row: usize) -> f64 {
        let square = |output: usize| {
            let value: f64 = (0..law.nrows()).map(|column| law[(column, output)] * self.inputs[(row, column)]).sum();
            (value - self.targets[(row, output)]).powi(2)
        };
        self.weights[row] * (0..law.ncols()).map(square).sum::<f64>()
    }

    /// The best split of these rows; none where there are too few.
    fn split(&self, rows: &[usize]) -> Option<Halves> {
        let inputs = self.input_moments.len();
        let best_of = |input: usize| {
            let halves = self.thresholds(rows, input).into_iter().filter_map(|threshold| {
                let mut gate = DVector::zeros(inputs + 1);
                (gate[input], gate[inputs]) = (1.0, -threshold);
                self.halves(rows, gate)
            });
            halves.min_by(|first, second| first.error.total_cmp(&second.error))
        };
        let mut straight: Vec<Halves> = (0..inputs).filter_map(best_of).collect();
        straight.sort_by(|first, second| first.error.total_cmp(&second.error));
        let oblique = straight.iter().filter_map(|start| self.clustered(rows, start));
        let oblique = oblique.min_by(|first, second| first.error.total_cmp(&second.error));
        let best = straight.into_iter().next()?;
        Some(oblique.filter(|oblique| oblique.error < (1.0 - OBLIQUE_GAIN) * best.error).unwrap_or(best))
    }

    /// Values of an input between which rows may be split: the middle of an observation that has two values.
    fn thresholds(&self, rows: &[usize], input: usize) -> Vec<f64> {
        let mut values: Vec<f64> = rows.iter().map(|row| self.inputs[(*row, input)]).collect();
        values.sort_by(f64::total_cmp);
        let (lowest, highest) = (values[0], values[values.len() - 1]);
        if lowest == highest {
            return Vec::new();
        }
        if values.iter().all(|value| *value == lowest || *value == highest) {
            return vec![(lowest + highest) / 2.0];
        }
        let mut all: Vec<f64> =
            QUANTILES.iter().map(|share| values[(share * (values.len() - 1) as f64) as usize]).collect();
        all.dedup();
        all
    }

    fn halves(&self, rows: &[usize], gate: DVector<f64>) -> Option<Halves> {
        let is_above = |row: &usize| self.gated(&gate, *row) > 0.0;
        let (above, below): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| is_above(row));
        if above.len().min(below.len()) < LEAST_ROWS * self.inputs.ncols() {
            return None;
        }
        let (above, below) = (self.law(above), self.law(below));
        let error = above.error() + below.error();
        Some(Halves { gate, above, below, error })
    }

    fn gated(&self, gate: &DVector<f64>, row: usize) -> f64 {
        gate.iter().enumerate().map(|(column, weight)| weight * self.inputs[(row, column)]).sum()
    }

    /// The best split by a weighted sum that clustering finds from another split.
    fn clustered(&self, rows: &[usize], start: &Halves) -> Option<Halves> {
        let law_of = |tree: &Tree| match tree {
            Tree::Law { law, .. } => law.clone(),
            Tree::Split { .. } => unreachable!("halves are laws"),
        };
        let mut best: Option<Halves> = None;
        let mut laws = [law_of(&start.above), law_of(&start.below)];
        for round in 0..ROUNDS {
            // Rows want the law that fits them, the more the less the other does.
            let mut wanted = DMatrix::zeros(self.weights.len(), 1);
            let mut weights = vec![0.0; self.weights.len()];
            for row in rows {
                let [above, below] = [0, 1].map(|law| self.error(&laws[law], *row));
                wanted[(*row, 0)] = if above < below { 1.0 } else { -1.0 };
                weights[*row] = (above - below).abs();
            }
            if round < FREE_ROUNDS {
                let (above, below): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| wanted[(**row, 0)] > 0.0);
                laws = [above, below].map(|rows| self.regression(&rows, &self.targets, &self.weights));
                continue;
            }
            let Some(halves) = self.halves(rows, self.boundary(rows, &wanted, &weights)) else { break };
            laws = [law_of(&halves.above), law_of(&halves.below)];
            if best.as_ref().is_none_or(|best| halves.error < best.error) {
                best = Some(halves);
            }
        }
        best
    }

    /// The plane between rows that want +1 and rows that want −1: squared hinge loss, by Newton's method.
    fn boundary(&self, rows: &[usize], wanted: &DMatrix<f64>, weights: &[f64]) -> DVector<f64> {
        let mut active = rows.to_vec();
        let mut gate = DVector::zeros(self.inputs.ncols());
        for _ in 0..BOUNDARY_STEPS {
            gate = self.regression(&active, wanted, weights).column(0).into_owned();
            let within = |row: &&usize| wanted[(**row, 0)] * self.gated(&gate, **row) < 1.0;
            let next: Vec<usize> = rows.iter().filter(within).copied().collect();
            if next == active || next.is_empty() {
                break;
            }
            active = next;
        }
        gate
    }

    /// A weighted sum of inputs and 1 in their own units, times `scale`, plus `shift`.
    fn sum(&self, weights: &[f64], names: &[String], scale: f64, shift: f64) -> Result<Expression, SymbolicError> {
        let mut constant = shift + scale * weights[names.len()];
        let mut terms = Vec::new();
        for ((name, weight), (mean, deviation)) in names.iter().zip(weights).zip(&self.input_moments) {
            if *deviation > 0.0 && weight.abs() > 1e-9 {
                let factor = scale * weight / deviation;
                constant -= factor * mean;
                terms.push(Expression::variable(name)?.affine(factor, 0.0));
            }
        }
        terms.push(Expression::constant(constant));
        Ok(Expression::sum(terms).folded())
    }
}

impl Tree {
    fn error(&self) -> f64 {
        match self {
            Self::Law { error, .. } => *error,
            Self::Split { above, below, .. } => above.error() + below.error(),
        }
    }

    fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::Law { .. } => vec![self],
            Self::Split { above, below, .. } => above.leaves().into_iter().chain(below.leaves()).collect(),
        }
    }

    /// Puts the halves instead of the leaf with that number.
    fn replace(&mut self, place: &mut usize, halves: &mut Option<Halves>) {
        match self {
            Self::Law { .. } if *place == 0 => {
                if let Some(Halves { gate, above, below, .. }) = halves.take() {
                    *self = Self::Split { gate, above: Box::new(above), below: Box::new(below) };
                }
            }
            Self::Law { .. } => *place -= 1,
            Self::Split { above, below, .. } => {
                above.replace(place, halves);
                if halves.is_some() {
                    below.replace(place, halves);
                }
            }
        }
    }

    fn expression(&self, table: &Table, names: &[String], output: usize) -> Result<Expression, SymbolicError> {
        match self {
            Self::Law { law, .. } => {
                let (mean, deviation) = table.target_moments[output];
                table.sum(law.column(output).as_slice(), names, deviation, mean)
            }
            Self::Split { gate, above, below } => {
                // Any positive multiple is the same condition: in this one a factor is ±1.
                let factors = gate
                    .iter()
                    .zip(&table.input_moments)
                    .map(|(weight, (_, deviation))| if *deviation > 0.0 { (weight / deviation).abs() } else { 0.0 });
                let largest = factors.fold(f64::MIN_POSITIVE, f64::max);
                let condition = table.sum(gate.as_slice(), names, 1.0 / largest, 0.0)?;
                let (above, below) = (above.expression(table, names, output)?, below.expression(table, names, output)?);
                Ok(Expression::operation(Operator::Gate, [condition, above, below]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::laws;
    use crate::formulas::Draft;
    use crate::formulas::fit::loss;
    use crate::head::StudentHead;
    use kanrl_core::approximator::{Loss, Samples};
    use kanrl_core::random::Generator;
    use kanrl_core::space::{ActionSpace, DiscreteSpace};

    /// The laws found for a target over three observations, the last of which is 0 or 1, and the loss that they leave.
    fn found(target: fn(&[f64]) -> f64, count: usize) -> (Draft, f64) {
        let mut random = Generator::new(0);
        let mut inputs = Vec::new();
        for _ in 0..2000 {
            let contact = if random.random() < 0.4 { 1.0 } else { 0.0 };
            inputs.extend([2.0 * random.random() - 1.0, 10.0 * random.random(), contact]);
        }
        let targets: Vec<f64> = inputs.chunks_exact(3).map(target).collect();
        let weights = vec![1.0; 2000];
        let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        let names: Vec<String> = ["x", "height", "contact"].map(str::to_owned).to_vec();
        let draft = laws(&head, &names, samples, &Loss::MeanSquared, count).unwrap();
        let left = loss(&draft, draft.constants(), samples, &Loss::MeanSquared);
        (draft, left)
    }

    #[test]
    fn a_contact_becomes_a_condition() {
        let target = |row: &[f64]| if row[2] > 0.5 { 3.0 * row[0] } else { 1.0 - 2.0 * row[1] };
        let (draft, left) = found(target, 2);
        let text = draft.expressions()[0].to_string();
        assert!(left < 1e-6 && text.starts_with("gate(") && text.contains("contact"), "{left}: {text}");
    }

    #[test]
    fn a_condition_may_weigh_several_observations() {
        let target = |row: &[f64]| if 5.0 * row[0] > row[1] - 5.0 { 10.0 * row[0] } else { -4.0 * row[1] };
        let (draft, left) = found(target, 2);
        assert!(left < 1.0, "{left}: {:?}", draft.expressions());
    }

    #[test]
    fn what_one_law_explains_stays_one() {
        let (draft, left) = found(|row| 2.0 * row[0] - row[1] + 1.0, 8);
        assert!(left < 1e-6 && !draft.expressions()[0].to_string().contains("gate"), "{:?}", draft.expressions());
    }

    #[test]
    fn more_laws_leave_less_of_a_curve() {
        let curve = |row: &[f64]| (3.0 * row[0]).sin();
        let left: Vec<f64> = [1, 2, 4, 8].map(|count| found(curve, count).1).to_vec();
        assert!(left.windows(2).all(|pair| pair[1] < 0.8 * pair[0]), "{left:?}");
    }
}

//! Fitting a draft's constants to what the expert would do.

use super::{Draft, rounding};
use crate::rows::Rows;
use kanrl_core::action::ActionBatch;
use kanrl_core::approximator::{FitTask, Loss, Samples};
use kanrl_core::optimize::{CurvedObjective, Lbfgs, LevenbergMarquardt, Objective, Step};
use nalgebra::DMatrix;

/// What a fit came to.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The draft with its new constants.
    pub draft: Draft,
    /// Loss on the rows that were fitted.
    pub train_loss: f64,
    /// Loss on the rows to choose by, or `train_loss` where there are none.
    pub loss: f64,
}

/// Constants up to which steps use the loss's second derivatives (Levenberg-Marquardt); above, L-BFGS is faster.
const MOST_CURVED: usize = 1000;
/// Rows that those are measured on at most.
const CURVATURE_ROWS: usize = 6000;
/// A fit ends after steps that lower the loss by less than this share of it,
const LEAST_DECREASE: f64 = 1e-4;
/// so many in a row.
const IDLE_STEPS: usize = 3;
/// Past steps that L-BFGS keeps, and how many of its steps are as good as one with second derivatives.
const HISTORY: usize = 10;
const LBFGS_STEPS: usize = 5;
/// Rows that constants are fitted to at most; a formula has few constants, and episodes many rows that are alike.
const MOST_ROWS: usize = 12_000;
/// Rows that the constants' scales are measured on.
const SCALE_ROWS: usize = 500;

/// Fits all free constants together, in `steps` steps of Levenberg-Marquardt at most; with rows to validate on, the
/// constants of the step that did best there are kept. `more` is asked after each step and can end the fit.
pub fn refit(draft: &Draft, task: FitTask<'_>, steps: usize, more: &mut dyn FnMut(usize, f64) -> bool) -> Fitted {
    let few = |samples: Samples<'_>| Rows::spread(samples, MOST_ROWS, draft.inputs().len(), draft.expressions().len());
    let (train, validation) = (few(task.train), task.validation.map(few));
    let curved = Rows::spread(train.samples(), CURVATURE_ROWS, draft.inputs().len(), draft.expressions().len());
    let validation = validation.as_ref().map(Rows::samples);
    let mut objective = DraftObjective::new(draft, train.samples(), curved.samples(), task.loss);
    let mut fitted = Fitted { draft: draft.clone(), train_loss: f64::INFINITY, loss: f64::INFINITY };
    let mut best = objective.constants.clone();
    let mut method = Method::new(&mut objective);
    let (mut last, mut idle) = (method.value(), 0);
    for step in 0..=steps {
        let converged = step > 0 && method.step(&mut objective) == Step::Converged;
        let constants = objective.constants_at(method.x());
        let validated = validation.map(|samples| loss(draft, &constants, samples, task.loss));
        let value = validated.unwrap_or(method.value());
        if value < fitted.loss {
            (fitted.loss, fitted.train_loss) = (value, method.value());
            best = constants;
        }
        if step > 0 {
            idle = if last - method.value() < LEAST_DECREASE * last { idle + 1 } else { 0 };
            last = method.value();
        }
        if converged || idle == IDLE_STEPS || objective.free.is_empty() || !more(step, method.value()) {
            break;
        }
    }
    fitted.draft = draft.with_constants(&best);
    fitted
}

enum Method {
    LevenbergMarquardt(Box<LevenbergMarquardt>),
    Lbfgs(Box<Lbfgs>),
}

impl Method {
    fn new(objective: &mut DraftObjective<'_>) -> Self {
        let start = vec![0.0; objective.free.len()];
        if start.len() <= MOST_CURVED {
            let method = LevenbergMarquardt::new(objective, start, LevenbergMarquardt::FIRST_DAMPING);
            return Self::LevenbergMarquardt(Box::new(method));
        }
        Self::Lbfgs(Box::new(Lbfgs::new(objective, start, HISTORY)))
    }

    fn x(&self) -> &[f64] {
        match self {
            Self::LevenbergMarquardt(method) => method.x(),
            Self::Lbfgs(method) => method.x(),
        }
    }

    fn value(&self) -> f64 {
        match self {
            Self::LevenbergMarquardt(method) => method.value(),
            Self::Lbfgs(method) => method.value(),
        }
    }

    fn step(&mut self, objective: &mut DraftObjective<'_>) -> Step {
        match self {
            Self::LevenbergMarquardt(method) => method.step(objective),
            Self::Lbfgs(method) => (0..LBFGS_STEPS)
                .map(|_| method.step(objective))
                .find(|step| *step == Step::Converged)
                .unwrap_or(Step::Decreased),
        }
    }
}

/// Weighted mean of the loss over rows and outputs.
pub fn loss(draft: &Draft, constants: &[f64], samples: Samples<'_>, loss: &Loss) -> f64 {
    let outputs = draft.expressions().len();
    let mut values = vec![0.0; samples.weights.len() * outputs];
    draft.tape().evaluate_with(constants, samples.inputs, &mut values);
    let mut unused = vec![0.0; outputs];
    let rows = values.chunks_exact(outputs).zip(samples.targets.chunks_exact(outputs)).zip(samples.weights);
    let total: f64 = rows.map(|((values, targets), weight)| weight * loss.row(values, targets, &mut unused)).sum();
    total / samples.weights.iter().sum::<f64>()
}

/// Share of rows for which a draft leads to the action that its targets lead to. Of vectors, whose loss is that of the
/// actions themselves, it asks nothing: 1.
pub fn agreement(draft: &Draft, samples: Samples<'_>) -> f64 {
    let actions = |outputs: &[f64]| {
        let mut actions = ActionBatch::zeros(draft.head().action_space(), 0);
        draft.head().act(outputs, &mut actions);
        actions
    };
    let mut values = vec![0.0; samples.targets.len()];
    draft.tape().evaluate(samples.inputs, &mut values);
    match (actions(&values), actions(samples.targets)) {
        (ActionBatch::Discrete(own), ActionBatch::Discrete(wanted)) => {
            let same = own.iter().zip(&wanted).filter(|(own, wanted)| own == wanted).count();
            same as f64 / wanted.len().max(1) as f64
        }
        _ => 1.0,
    }
}

struct DraftObjective<'a> {
    draft: &'a Draft,
    free: Vec<usize>,
    /// Free constants are searched in units of these.
    scales: Vec<f64>,
    constants: Vec<f64>,
    gradient: Vec<f64>,
    samples: Samples<'a>,
    /// Those of the rows that second derivatives are measured on.
    curved: Samples<'a>,
    loss: &'a Loss,
    total_weight: f64,
}

impl<'a> DraftObjective<'a> {
    fn new(draft: &'a Draft, samples: Samples<'a>, curved: Samples<'a>, loss: &'a Loss) -> Self {
        let constants = draft.constants().to_vec();
        Self {
            draft,
            free: draft.free(),
            scales: draft.scales(&rounding::spread(samples.inputs, draft.inputs().len(), SCALE_ROWS)),
            gradient: vec![0.0; constants.len()],
            constants,
            samples,
            curved,
            loss,
            total_weight: samples.weights.iter().sum(),
        }
    }

    fn constants_at(&self, x: &[f64]) -> Vec<f64> {
        let mut constants = self.constants.clone();
        for ((place, scale), x) in self.free.iter().zip(&self.scales).zip(x) {
            constants[*place] += scale * x;
        }
        constants
    }
}

impl Objective for DraftObjective<'_> {
    fn dimension(&self) -> usize {
        self.free.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let constants = self.constants_at(x);
        let Self { draft, samples, loss, total_weight, .. } = *self;
        let outputs = draft.expressions().len();
        let row_loss = |row: usize, values: &[f64], by_values: &mut [f64]| {
            let weight = samples.weights[row] / total_weight;
            let value = loss.row(values, &samples.targets[row * outputs..(row + 1) * outputs], by_values);
            by_values.iter_mut().for_each(|derivative| *derivative *= weight);
            weight * value
        };
        let value = draft.tape().value_and_gradient(&constants, samples.inputs, row_loss, &mut self.gradient);
        for ((gradient, place), scale) in gradient.iter_mut().zip(&self.free).zip(&self.scales) {
            *gradient = self.gradient[*place] * scale;
        }
        value
    }
}

impl CurvedObjective for DraftObjective<'_> {
    fn curvature(&mut self, x: &[f64], curvature: &mut DMatrix<f64>) {
        let constants = self.constants_at(x);
        let Self { draft, curved, loss, .. } = *self;
        let outputs = draft.expressions().len();
        let total: f64 = curved.weights.iter().sum();
        let root = |row: usize, direction: usize, values: &[f64], root: &mut [f64]| {
            let targets = &curved.targets[row * outputs..(row + 1) * outputs];
            loss.curvature_root(direction, curved.weights[row] / total, values, targets, root);
        };
        *curvature = draft.tape().gauss_newton(&constants, &self.free, curved.inputs, root);
        for (column, scale) in self.scales.iter().enumerate() {
            curvature.column_mut(column).scale_mut(*scale);
            curvature.row_mut(column).scale_mut(*scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{agreement, refit};
    use crate::formulas::Draft;
    use crate::head::StudentHead;
    use kanrl_core::approximator::{FitTask, Loss, Samples};
    use kanrl_core::space::{ActionSpace, DiscreteSpace};

    #[test]
    fn constants_are_found() {
        let inputs: Vec<f64> = (0..200).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect();
        let targets: Vec<f64> = inputs.chunks_exact(2).map(|row| 2.0 * row[0] + (3.0 * row[1]).sin()).collect();
        let weights = vec![1.0; 100];
        let train = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        let text = "1.5*x + 0.8*sin(2.7*y) + 0.2";
        let draft = Draft::new(head, vec!["x".into(), "y".into()], vec![text.parse().unwrap()]).unwrap();
        let fitted = refit(&draft, task, 200, &mut |_, _| true);
        assert!(fitted.loss < 1e-9, "{}", fitted.loss);
    }

    #[test]
    fn agreement_is_the_share_of_equal_actions() {
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        let draft = Draft::new(head, vec!["x".into()], vec!["x + 1".parse().unwrap()]).unwrap();
        let (inputs, weights) = ([-3.0, -0.5, 0.5, 3.0], [1.0; 4]);
        // The sizes do not matter, only the signs: the second row's differs.
        let samples = Samples { inputs: &inputs, targets: &[-1.0, -1.0, 5.0, 0.1], weights: &weights };
        assert_eq!(agreement(&draft, samples), 0.75);
    }
}

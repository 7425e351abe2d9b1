//! The Levenberg-Marquardt method.

use super::{Objective, Step};
use nalgebra::{DMatrix, DVector};

/// Tries that one step may take.
const MAX_TRIES: usize = 12;

/// An objective with an approximation of its second derivatives that has no negative direction (Gauss-Newton's).
pub trait CurvedObjective: Objective {
    /// Overwrites `curvature` `[dimension, dimension]` with the second derivatives at `x`.
    fn curvature(&mut self, x: &[f64], curvature: &mut DMatrix<f64>);
}

/// Levenberg-Marquardt (Marquardt, 1963), with Nielsen's rule for the damping (Madsen, Nielsen and Tingleff, *Methods for
/// Non-linear Least Squares Problems*, 2004, algorithm 3.16). Steps to points that are not finite are rejected.
#[derive(Clone, Debug)]
pub struct LevenbergMarquardt {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    curvature: DMatrix<f64>,
    /// The curvature belongs to `x`.
    current: bool,
    damping: f64,
    growth: f64,
    evaluations: usize,
    trial: Vec<f64>,
    trial_gradient: Vec<f64>,
}

impl LevenbergMarquardt {
    /// The damping that a first run starts with.
    pub const FIRST_DAMPING: f64 = 1e-3;

    /// Starts at `x` with this damping, relative to the curvature's diagonal.
    pub fn new<O: CurvedObjective + ?Sized>(objective: &mut O, x: Vec<f64>, damping: f64) -> Self {
        let dimension = x.len();
        let mut gradient = vec![0.0; dimension];
        let value = objective.evaluate(&x, &mut gradient);
        Self {
            value,
            gradient,
            curvature: DMatrix::zeros(dimension, dimension),
            current: false,
            damping,
            growth: 2.0,
            evaluations: 1,
            trial: x.clone(),
            trial_gradient: vec![0.0; dimension],
            x,
        }
    }

    /// The best point so far.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Its value.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The damping that the next step tries first.
    pub fn damping(&self) -> f64 {
        self.damping
    }

    /// Evaluations of the objective so far, those of the curvature not counted.
    pub fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// One step to a lower point.
    pub fn step<O: CurvedObjective + ?Sized>(&mut self, objective: &mut O) -> Step {
        let gradient = DVector::from_column_slice(&self.gradient);
        if !self.value.is_finite() || gradient.amax() == 0.0 {
            return Step::Converged;
        }
        if !self.current {
            objective.curvature(&self.x, &mut self.curvature);
            self.current = true;
        }
        let diagonal = self.curvature.diagonal();
        // A direction that no sample sees is damped like a weak one, so that the system can be solved.
        let floor = 1e-10 * diagonal.amax().max(f64::MIN_POSITIVE);
        for _ in 0..MAX_TRIES {
            let mut system = self.curvature.clone();
            for (index, diagonal) in diagonal.iter().enumerate() {
                system[(index, index)] += self.damping * diagonal.max(floor);
            }
            let Some(factors) = system.cholesky() else {
                self.damp_more();
                continue;
            };
            let step = -factors.solve(&gradient);
            let expected = -(gradient.dot(&step) + 0.5 * step.dot(&(&self.curvature * &step)));
            for (trial, (x, step)) in self.trial.iter_mut().zip(self.x.iter().zip(step.iter())) {
                *trial = x + step;
            }
            self.evaluations += 1;
            let value = objective.evaluate(&self.trial, &mut self.trial_gradient);
            let gain = (self.value - value) / expected;
            if value < self.value && self.trial_gradient.iter().all(|gradient| gradient.is_finite()) {
                std::mem::swap(&mut self.x, &mut self.trial);
                std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
                self.value = value;
                self.current = false;
                // Nielsen's rule, down to a tenth where the model fits well.
                self.damping *= (1.0 - (2.0 * gain - 1.0).powi(3)).clamp(0.1, 2.0);
                self.damping = self.damping.max(1e-15);
                self.growth = 2.0;
                return Step::Decreased;
            }
            self.damp_more();
        }
        if self.damping > 1e12 { Step::Converged } else { Step::Decreased }
    }

    fn damp_more(&mut self) {
        self.damping *= self.growth;
        self.growth *= 2.0;
    }
}

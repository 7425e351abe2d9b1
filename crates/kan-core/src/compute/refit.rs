//! Refitting a graph's free parameters to data.

use super::batch::Batch;
use super::gradient::Workspace;
use super::graph::free_slots;
use super::plan::Plan;
use crate::fit::{ApproximatorError, FitObserver, FitProgress, FitReport, FitTask, Loss};
use crate::graph::UnivariateGraph;
use crate::optimize::{Lbfgs, Objective, Step};

/// The loss as a function of a graph's free parameters.
struct GraphObjective<'a> {
    plan: Plan<f64>,
    free: Vec<usize>,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    batch: Batch<f64>,
    workspace: Workspace<f64>,
    loss: &'a Loss,
}

impl Objective for GraphObjective<'_> {
    fn dimension(&self) -> usize {
        self.free.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        for (slot, value) in self.free.iter().zip(x) {
            self.parameters[*slot] = *value;
        }
        let value = self.plan.loss_and_gradient(
            &self.parameters,
            &self.batch,
            self.loss,
            None,
            &mut self.workspace,
            &mut self.gradient,
        );
        for (slot, gradient) in self.free.iter().zip(gradient) {
            *gradient = self.gradient[*slot];
        }
        value
    }
}

impl UnivariateGraph {
    /// Fits all free parameters together by L-BFGS, splines, named functions and products mixed. With validation data
    /// the parameters of the step that did best on it are kept.
    ///
    /// # Errors
    /// [`ApproximatorError::BadData`] for data of the wrong shape, without rows or not finite, and
    /// [`ApproximatorError::Diverged`] where the loss is not finite to begin with.
    pub fn refit(
        &mut self,
        task: FitTask<'_>,
        steps: usize,
        observer: &mut FitObserver<'_>,
    ) -> Result<FitReport, ApproximatorError> {
        task.check(self.inputs.len(), self.outputs.len())?;
        let plan = Plan::<f64>::new(self);
        let batch = Batch::new(&self.inputs, self.outputs.len(), task.train);
        let workspace = Workspace::new(&plan, &batch);
        let mut validation = task.validation.map(|samples| {
            let batch = Batch::new(&self.inputs, self.outputs.len(), samples);
            let workspace = Workspace::new(&plan, &batch);
            (batch, workspace)
        });
        let parameters = plan.load(self);
        let free = free_slots(self, &plan);
        let start: Vec<f64> = free.iter().map(|slot| parameters[*slot]).collect();
        let gradient = vec![0.0; parameters.len()];
        let mut objective = GraphObjective { plan, free, parameters, gradient, batch, workspace, loss: task.loss };
        let mut lbfgs = Lbfgs::new(&mut objective, start, 10);
        if !lbfgs.value().is_finite() {
            return Err(ApproximatorError::Diverged {
                reason: format!("the loss is {} before the first step: a function leaves its domain", lbfgs.value()),
            });
        }
        let mut validate = |objective: &mut GraphObjective<'_>, x: &[f64]| {
            let (batch, workspace) = validation.as_mut()?;
            for (slot, value) in objective.free.iter().zip(x) {
                objective.parameters[*slot] = *value;
            }
            Some(objective.plan.loss(&objective.parameters, batch, task.loss, workspace))
        };
        let mut report = FitReport {
            steps: 0,
            train_loss: lbfgs.value(),
            validation_loss: validate(&mut objective, lbfgs.x()),
            cancelled: false,
            device: None,
        };
        let mut best = lbfgs.x().to_vec();
        for step in 1..=steps {
            let converged = lbfgs.step(&mut objective) == Step::Converged;
            let validation_loss = validate(&mut objective, lbfgs.x());
            // Without validation data every step is an improvement.
            let improved = validation_loss.zip(report.validation_loss).is_none_or(|(new, old)| new < old);
            if improved {
                best.copy_from_slice(lbfgs.x());
                (report.train_loss, report.validation_loss) = (lbfgs.value(), validation_loss);
            }
            report.steps = step;
            let progress = FitProgress { step, steps, train_loss: lbfgs.value(), validation_loss };
            if observer(progress).is_break() {
                report.cancelled = true;
                break;
            }
            if converged {
                break;
            }
        }
        self.set_parameters(&best);
        Ok(report)
    }
}

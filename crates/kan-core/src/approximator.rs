//! Function approximators: what is fitted to an expert before it is turned into a formula.

pub use crate::fit::{ApproximatorError, FitObserver, FitProgress, FitReport, FitTask, Loss, Samples};

use crate::graph::UnivariateGraph;

/// A function of several variables with several outputs that can be fitted to data.
pub trait FunctionApproximator: Send + Sync {
    /// Its tag in a config (`kan`).
    fn kind(&self) -> &'static str;

    /// Number of inputs.
    fn inputs(&self) -> usize;

    /// Number of outputs.
    fn outputs(&self) -> usize;

    /// Fits to data: `[rows, inputs] -> [rows, outputs]`.
    ///
    /// # Errors
    /// [`ApproximatorError`] for data that cannot be fitted (no rows, not finite, wrong shape).
    fn fit(&mut self, task: FitTask<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError>;

    /// Fits on, from what it is now, to data that hold what it has learned and more. Without a way of its own it starts anew.
    ///
    /// # Errors
    /// As [`Self::fit`].
    fn fit_further(
        &mut self,
        task: FitTask<'_>,
        observer: &mut FitObserver<'_>,
    ) -> Result<FitReport, ApproximatorError> {
        self.fit(task, observer)
    }

    /// Predicts a batch: `inputs` `[rows, inputs]` to `outputs` `[rows, outputs]`, both row-major.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    fn predict(&self, inputs: &[f64], outputs: &mut [f64]);

    /// An owned graph of one-variable edges, if it has one: what pruning, diagrams and symbolification work on.
    /// Importances and sampled curves are taken on `samples`.
    fn graph(&self, samples: Samples<'_>) -> Option<UnivariateGraph>;

    /// The weights and configuration as safetensors bytes; [`ApproximatorConfig::load`](crate::config::ApproximatorConfig::load)
    /// reads them.
    fn save(&self) -> Vec<u8>;
}

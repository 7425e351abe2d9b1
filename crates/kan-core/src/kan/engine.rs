//! What a training needs of the place that it runs on.

use super::network::Network;
use super::objective::NetworkObjective;
use super::regularization::Regularization;
use crate::compute::{Batch, Scalar, Workspace};
use crate::fit::{ApproximatorError, Loss, Samples};
use crate::graph::Input;
use crate::optimize::{LevenbergMarquardt, Objective, Vector};
use std::marker::PhantomData;

/// A place that networks are trained on: it holds samples and computes the loss there.
pub trait Engine {
    /// Samples that are laid out for it.
    type Batch;
    /// A network's loss.
    type Objective<'a>: TrainingObjective<Batch = Self::Batch>
    where
        Self: 'a;

    /// Takes in samples, each input transformed.
    ///
    /// # Errors
    /// [`ApproximatorError`] where there is no room for them.
    fn batch(&self, inputs: &[Input], outputs: usize, samples: Samples<'_>) -> Result<Self::Batch, ApproximatorError>;

    /// Parts of about `rows` rows each, in order; those whose weights are all 0 left out.
    ///
    /// # Errors
    /// [`ApproximatorError`] where there is no room for them.
    fn split(&self, batch: &Self::Batch, rows: usize) -> Result<Vec<Self::Batch>, ApproximatorError>;

    /// The loss of `network` on `batch`.
    ///
    /// # Errors
    /// [`ApproximatorError::Unsupported`] for a network that it does not compute.
    fn objective<'a>(
        &'a self,
        network: &'a mut Network,
        batch: &'a Self::Batch,
        loss: &'a Loss,
    ) -> Result<Self::Objective<'a>, ApproximatorError>;
}

/// A network's loss on a batch as a function of what is trained: as [`NetworkObjective`], with the same numbers in the
/// same order.
///
/// What fails along the way makes values NaN; [`Self::check`] says why.
pub trait TrainingObjective: Objective<Self::Vector> {
    /// What is trained, and gradients.
    type Vector: Vector + ?Sized;
    /// Samples.
    type Batch;
    /// Room for computing on a batch.
    type Workspace;
    /// Whether [`Self::levenberg_marquardt`] can be had.
    const IS_CURVED: bool;

    /// What is trained, as it is in the network.
    ///
    /// # Errors
    /// As [`Self::check`].
    fn start(&self) -> Result<<Self::Vector as ToOwned>::Owned, ApproximatorError>;

    /// Adds `lambda` times a regularization to the loss from now on.
    ///
    /// # Errors
    /// [`ApproximatorError::Unsupported`] where it does not compute that.
    fn set_regularization(&mut self, lambda: f64, regularization: Regularization) -> Result<(), ApproximatorError>;

    /// The network with `x` in it.
    ///
    /// # Errors
    /// As [`Self::check`].
    fn network_at(&mut self, x: &Self::Vector) -> Result<&Network, ApproximatorError>;

    /// The loss at `x`, without regularization.
    fn train_loss(&mut self, x: &Self::Vector) -> f64;

    /// Room for another batch.
    ///
    /// # Errors
    /// [`ApproximatorError`] where there is none.
    fn workspace(&self, batch: &Self::Batch) -> Result<Self::Workspace, ApproximatorError>;

    /// The loss at `x` on another batch, without regularization.
    fn loss_on(&mut self, x: &Self::Vector, batch: &Self::Batch, workspace: &mut Self::Workspace) -> f64;

    /// [`Objective::evaluate`] on another batch.
    fn evaluate_on(
        &mut self,
        x: &Self::Vector,
        batch: &Self::Batch,
        workspace: &mut Self::Workspace,
        gradient: &mut Self::Vector,
    ) -> f64;

    /// Whether everything so far has worked.
    ///
    /// # Errors
    /// What has not.
    fn check(&self) -> Result<(), ApproximatorError>;

    /// The Levenberg-Marquardt method, started at [`Self::start`].
    ///
    /// # Errors
    /// [`ApproximatorError::Unsupported`] where it is not [curved](Self::IS_CURVED).
    fn levenberg_marquardt(&mut self, damping: f64) -> Result<Box<dyn CurvedMethod<Self>>, ApproximatorError>;
}

/// An optimizer that needs second derivatives.
pub trait CurvedMethod<O: TrainingObjective + ?Sized> {
    /// The best point so far.
    fn x(&self) -> &O::Vector;

    /// Its value.
    fn value(&self) -> f64;

    /// The damping that the next step tries first.
    fn damping(&self) -> f64;

    /// One step to a lower point.
    fn step(&mut self, objective: &mut O);
}

/// The CPU, in `S`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu<S>(PhantomData<S>);

impl<S: Scalar> Engine for Cpu<S> {
    type Batch = Batch<S>;
    type Objective<'a> = NetworkObjective<'a, S>;

    fn batch(&self, inputs: &[Input], outputs: usize, samples: Samples<'_>) -> Result<Batch<S>, ApproximatorError> {
        Ok(Batch::new(inputs, outputs, samples))
    }

    fn split(&self, batch: &Batch<S>, rows: usize) -> Result<Vec<Batch<S>>, ApproximatorError> {
        Ok(batch.split(rows))
    }

    fn objective<'a>(
        &'a self,
        network: &'a mut Network,
        batch: &'a Batch<S>,
        loss: &'a Loss,
    ) -> Result<NetworkObjective<'a, S>, ApproximatorError> {
        Ok(NetworkObjective::new(network, batch, loss))
    }
}

impl<S: Scalar> TrainingObjective for NetworkObjective<'_, S> {
    type Vector = [f64];
    type Batch = Batch<S>;
    type Workspace = Workspace<S>;
    const IS_CURVED: bool = true;

    fn start(&self) -> Result<Vec<f64>, ApproximatorError> {
        Ok(self.start())
    }

    fn set_regularization(&mut self, lambda: f64, regularization: Regularization) -> Result<(), ApproximatorError> {
        self.set_regularization(lambda, regularization);
        Ok(())
    }

    fn network_at(&mut self, x: &[f64]) -> Result<&Network, ApproximatorError> {
        Ok(self.network_at(x))
    }

    fn train_loss(&mut self, x: &[f64]) -> f64 {
        self.train_loss(x)
    }

    fn workspace(&self, batch: &Batch<S>) -> Result<Workspace<S>, ApproximatorError> {
        Ok(self.workspace(batch))
    }

    fn loss_on(&mut self, x: &[f64], batch: &Batch<S>, workspace: &mut Workspace<S>) -> f64 {
        self.loss_on(x, batch, workspace)
    }

    fn evaluate_on(&mut self, x: &[f64], batch: &Batch<S>, workspace: &mut Workspace<S>, gradient: &mut [f64]) -> f64 {
        self.evaluate_on(x, batch, workspace, gradient)
    }

    fn check(&self) -> Result<(), ApproximatorError> {
        Ok(())
    }

    fn levenberg_marquardt(&mut self, damping: f64) -> Result<Box<dyn CurvedMethod<Self>>, ApproximatorError> {
        let start = self.start();
        Ok(Box::new(LevenbergMarquardt::new(self, start, damping)))
    }
}

impl<S: Scalar> CurvedMethod<NetworkObjective<'_, S>> for LevenbergMarquardt {
    fn x(&self) -> &[f64] {
        self.x()
    }

    fn value(&self) -> f64 {
        self.value()
    }

    fn damping(&self) -> f64 {
        self.damping()
    }

    fn step(&mut self, objective: &mut NetworkObjective<'_, S>) {
        self.step(objective);
    }
}

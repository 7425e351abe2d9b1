//! The device as a place that networks are trained on.

use crate::batch::DeviceBatch;
use crate::gpu::Gpu;
use crate::objective::{DeviceObjective, unsupported};
use kanrl_core::approximator::{ApproximatorError, FitObserver, FitReport, Loss, Samples};
use kanrl_core::graph::Input;
use kanrl_core::kan::{Engine, Network, Optimizer, Training, TrainingDevice};
use std::sync::Arc;

/// A device as an [`Engine`].
pub struct GpuEngine(pub Arc<Gpu>);

impl Engine for GpuEngine {
    type Batch = DeviceBatch;
    type Objective<'a> = DeviceObjective<'a>;

    fn batch(&self, inputs: &[Input], outputs: usize, samples: Samples<'_>) -> Result<DeviceBatch, ApproximatorError> {
        Ok(DeviceBatch::new(&self.0, inputs, outputs, samples)?)
    }

    fn split(&self, batch: &DeviceBatch, rows: usize) -> Result<Vec<DeviceBatch>, ApproximatorError> {
        Ok(batch.split(&self.0, rows)?)
    }

    fn objective<'a>(
        &'a self,
        network: &'a mut Network,
        batch: &'a DeviceBatch,
        loss: &'a Loss,
    ) -> Result<DeviceObjective<'a>, ApproximatorError> {
        DeviceObjective::new(&self.0, network, batch, loss)
    }
}

/// The program's [shared](Gpu::shared) device.
struct Shared;

impl TrainingDevice for Shared {
    fn name(&self) -> Result<String, ApproximatorError> {
        Ok(Gpu::shared()?.name())
    }

    fn objection(&self, training: &Training<'_>) -> Option<String> {
        let gpu = Gpu::shared().ok()?;
        if gpu.is_software() {
            return Some(format!("{} is a program on the CPU itself", gpu.name()));
        }
        let (work, crossover) = (training.work(), training.config().device_crossover);
        (work < crossover).then(|| {
            format!("{work:.1e} rows times curves are below device_crossover = {crossover:.1e} for {}", gpu.name())
        })
    }

    fn train(&self, training: Training<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        train(&Gpu::shared()?, training, observer)
    }
}

/// Trains a network on this device.
///
/// # Errors
/// [`ApproximatorError::Unsupported`] for a training with regularization or by the Levenberg-Marquardt method,
/// [`ApproximatorError::Device`] where the device fails, and those of the training.
pub fn train(
    gpu: &Arc<Gpu>,
    training: Training<'_>,
    observer: &mut FitObserver<'_>,
) -> Result<FitReport, ApproximatorError> {
    if training.config().lambda > 0.0 {
        return Err(unsupported("regularization (lambda above 0)"));
    }
    if training.config().optimizer == Optimizer::LevenbergMarquardt {
        return Err(unsupported("optimizer = \"levenberg_marquardt\""));
    }
    training.run(&GpuEngine(Arc::clone(gpu)), observer)
}

/// Makes the GPU the device that `device = "gpu"` and `device = "auto"` mean. Opens nothing yet.
pub fn register() {
    kanrl_core::kan::register_device(&Shared);
}

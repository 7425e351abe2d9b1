//! Devices other than the CPU that networks are trained on.

use super::training::Training;
use crate::fit::{ApproximatorError, FitObserver, FitReport};
use std::sync::OnceLock;

/// A device that can train networks: another crate's.
pub trait TrainingDevice: Send + Sync {
    /// What it is, in a few words.
    ///
    /// # Errors
    /// [`ApproximatorError::Device`] where there is none.
    fn name(&self) -> Result<String, ApproximatorError>;

    /// Why [`Device::Auto`](super::Device::Auto) should not use it for this training, if so.
    fn objection(&self, training: &Training<'_>) -> Option<String>;

    /// Trains a network by [`Training::run`].
    ///
    /// # Errors
    /// [`ApproximatorError::Unsupported`] for a training that it cannot do, [`ApproximatorError::Device`] where it fails,
    /// and those of the training.
    fn train(&self, training: Training<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError>;
}

static DEVICE: OnceLock<&'static dyn TrainingDevice> = OnceLock::new();

/// Makes `device` the one that [`Device::Gpu`](super::Device::Gpu) and [`Device::Auto`](super::Device::Auto) mean, for the whole program. The first one stays.
pub fn register_device(device: &'static dyn TrainingDevice) {
    let _ = DEVICE.set(device);
}

/// The registered device.
///
/// # Errors
/// [`ApproximatorError::Unsupported`] where there is none.
pub(super) fn registered() -> Result<&'static dyn TrainingDevice, ApproximatorError> {
    DEVICE.get().copied().ok_or_else(|| ApproximatorError::Unsupported {
        reason: "this program was built without the feature `gpu`; build it with that, or use device = \"cpu\"".into(),
    })
}

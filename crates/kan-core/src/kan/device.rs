//! Devices beside the CPU that networks are trained on.

use super::training::Training;
use crate::approximator::{ApproximatorError, FitObserver, FitReport};
use std::sync::OnceLock;

/// Where a network is trained. It predicts on the CPU in any case, and its file is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The CPU, in the `precision` of the config.
    #[default]
    Cpu,
    /// The graphics card, in f32 whatever `precision` says. An error where there is none, or it cannot do the fit.
    Gpu,
    /// The graphics card where `precision` is `f32`, there is one, it can do the fit, and the fit is large enough to gain
    /// by it; the CPU otherwise. The fit's report says which, and why.
    Auto,
}

impl Device {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A device that can train networks: another crate's.
pub trait TrainingDevice: Send + Sync {
    /// What it is, in a few words.
    ///
    /// # Errors
    /// [`ApproximatorError::Device`] where there is none.
    fn name(&self) -> Result<String, ApproximatorError>;

    /// Why [`Device::Auto`] should not use it for this training, if so.
    fn objection(&self, training: &Training<'_>) -> Option<String>;

    /// Trains a network by [`Training::run`].
    ///
    /// # Errors
    /// [`ApproximatorError::Unsupported`] for a training that it cannot do, [`ApproximatorError::Device`] where it fails,
    /// and those of the training.
    fn train(&self, training: Training<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError>;
}

static DEVICE: OnceLock<&'static dyn TrainingDevice> = OnceLock::new();

/// Makes `device` the one that [`Device::Gpu`] and [`Device::Auto`] mean, for the whole program. The first one stays.
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

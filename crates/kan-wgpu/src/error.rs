//! What can go wrong on a device.

use kanrl_core::approximator::ApproximatorError;

/// Why a device does not do what it is asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// There is no graphics card with a driver.
    #[error(
        "no wgpu adapter: {reason}; install a Vulkan driver (Debian's `mesa-vulkan-drivers` has a slow one in software)"
    )]
    NoAdapter {
        /// What the search for one said.
        reason: String,
    },
    /// The adapter gives no device.
    #[error("the adapter {adapter} provides no device: {reason}")]
    NoDevice {
        /// Its name.
        adapter: String,
        /// What it said.
        reason: String,
    },
    /// The device went away: unplugged, reset, its driver crashed.
    #[error("the device was lost: {reason}")]
    DeviceLost {
        /// What the driver said.
        reason: String,
    },
    /// There is not enough memory on it.
    #[error(
        "the device has no room for {bytes} bytes of {what}; use fewer rows, a smaller network, or device = \"cpu\""
    )]
    OutOfMemory {
        /// What they were for.
        what: &'static str,
        /// How many.
        bytes: u64,
    },
    /// Something is larger than the device can have it.
    #[error("{what} need {needed} {unit}, the device allows {limit}; use a smaller network, or device = \"cpu\"")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        needed: u64,
        /// How large it may be.
        limit: u64,
        /// What both are counted in.
        unit: &'static str,
    },
    /// A shader was refused.
    #[error("the shader `{shader}` was refused: {reason}")]
    Shader {
        /// Its name.
        shader: String,
        /// What naga or the driver said.
        reason: String,
    },
    /// A command failed.
    #[error("a command on the device failed: {reason}")]
    Command {
        /// What wgpu said.
        reason: String,
    },
}

impl From<GpuError> for ApproximatorError {
    fn from(error: GpuError) -> Self {
        Self::Device { source: Box::new(error) }
    }
}

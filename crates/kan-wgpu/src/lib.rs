#![doc = include_str!("../README.md")]
//!
//! # What runs where
//! Samples, parameters, gradients, and the optimizer's vectors stay on the device; a step of L-BFGS or Adam transfers only
//! commands and single numbers. The CPU updates the grids, a few times in a fit, and makes all predictions of a fitted network.
//! Everything is f32; sums of whole vectors and of the loss are accumulated in two floats each.
//!
//! Supported are masks, scales, all base functions, separate grids for each input, sum and multiplication nodes, and all losses.
//! [`Unsupported`](kanrl_core::approximator::ApproximatorError::Unsupported) are regularization (`lambda` above 0), the
//! Levenberg-Marquardt method (`optimizer = "auto"` means L-BFGS here) and named functions instead of curves.
//!
//! # Kernels
//! Only the k + 1 basis functions that are not 0 at a value are evaluated. Coefficients are `[input, feature, target]`; the
//! tile of one input's is shared in workgroup memory by 64 rows. There are no atomics: each thread keeps its own
//! sums, which are added in an order that depends only on the sizes, so the same device always gives the same bits.
//! Batches of more than 65 536 rows, or of more than one buffer holds, are computed in chunks.
//!
//! # When a GPU is worth it
//! Every evaluation has a fixed cost for sending commands and reading back the value. `auto` trains on the GPU if rows times
//! curves of an evaluation reach `device_crossover` (see
//! [`KanConfig`](kanrl_core::kan::KanConfig::device_crossover)); the bench `kanrl_wgpu` measures the best value for a machine. It is
//! not measured at run time, because the device changes the last bits and the same config must always give the same ones.
//! Software drivers (llvmpipe) are never worth it: `auto` stays on the CPU; `gpu` uses them, slowly, which is enough for tests.

mod batch;
mod device;
mod error;
mod gpu;
mod network;
mod objective;
mod passes;
mod shape;
mod vector;

pub use batch::DeviceBatch;
pub use device::{GpuEngine, register, train};
pub use error::GpuError;
pub use gpu::{Gpu, GpuOptions};
pub use objective::{Derivatives, DeviceObjective};
pub use passes::Passes;
pub use vector::DeviceVector;

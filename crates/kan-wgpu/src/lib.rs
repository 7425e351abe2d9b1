#![doc = include_str!("../README.md")]
//!
//! # What runs where
//! Samples, parameters, gradients and the optimizer's vectors stay on the device; a step of L-BFGS or Adam moves commands
//! and single numbers only. The grids' updates, a few in a fit, are the CPU's, and so is every prediction of a fitted
//! network. Everything is f32; sums of whole vectors and of the loss are kept in two floats each.
//!
//! Computed are masks, scales, all base functions, grids of each input's own, sum and multiplication nodes, and all losses.
//! [`Unsupported`](kanrl_core::approximator::ApproximatorError::Unsupported) are regularization (`lambda` above 0), the
//! Levenberg-Marquardt method (`optimizer = "auto"` means L-BFGS here) and named functions in place of curves.
//!
//! # Kernels
//! Only the k + 1 basis functions that are not 0 at a value are evaluated. Coefficients are `[input, feature, target]`; the
//! tile of one input's is shared in workgroup memory by 64 rows. Nothing is added by atomics: each thread has sums of its
//! own, which are added up in an order that depends on the sizes only, so the same device gives the same bits every time.
//! Batches of more than 65 536 rows, or of more than one buffer holds, are computed in chunks.
//!
//! # When a card is worth it
//! An evaluation costs a fixed time for its commands and the way back of its value, however small it is. `auto` trains on
//! the card from `device_crossover` on (rows times curves of an evaluation, see
//! [`KanConfig`](kanrl_core::kan::KanConfig::device_crossover)); the bench `kanrl_wgpu` measures where it is on a machine. It is
//! not measured at run time: which device computes changes the last bits, and the same config must give the same ones. A
//! driver in software (llvmpipe) is never worth it: `auto` stays on the CPU, `gpu` uses it, slowly, which is what tests need.

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

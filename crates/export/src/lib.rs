#![doc = include_str!("../README.md")]

pub mod bench;
mod check;
mod contract;
pub mod fixed;
pub mod onnx;
pub mod replay;
mod target;

pub use check::{CheckError, Checked, FolderError, ROWS, check};
pub use contract::{
    Action, BoundsSource, Contract, ContractError, FILE_NAME, FORMAT_VERSION, MAXIMUM_BYTES, Measured, SUFFIX, Signal,
    sha256,
};
pub use target::{ExportError, ExportFile, Format, Scalar, Target, rust_crate};

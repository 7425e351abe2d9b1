#![doc = include_str!("../README.md")]
//!
//! Model files are treated as data: pickles are read by an interpreter that records calls instead of making them, sizes are
//! checked before anything is allocated, and every error names the file, the problem, and what was expected.

mod activation;
pub mod archive;
pub mod bundled;
mod components;
pub mod data_files;
pub mod demonstrations;
mod error;
pub mod formula;
mod function_policy;
mod hdf5;
#[cfg(feature = "hub")]
pub mod hub;
mod inputs;
pub mod network;
pub mod network_file;
mod normalization;
mod numpy;
pub mod observed;
#[cfg(feature = "onnx")]
pub mod onnx;
mod options;
pub mod pickle;
mod policy;
mod reference;
pub mod sb3;
mod spaces;
mod standalone;
pub mod torch;
pub mod training;

pub use components::COMPONENTS;
pub use error::ExpertError;
pub use function_policy::FunctionPolicy;
pub use inputs::InputPart;
pub use normalization::ObservationNormalization;
pub use options::PolicyOptions;
pub use policy::{Head, NetworkPolicy, TimeFeature};
pub use reference::{EXPECTED_REFERENCE, PolicyReference};
pub use standalone::StandalonePolicy;

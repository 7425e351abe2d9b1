//! `kanrl._kanrl`: the Rust part of the Python package. Users see the Python code around it, in `kanrl/`.
//!
//! Long work runs on a separate thread with the interpreter's lock released.

mod command;
mod environments;
mod errors;
mod evaluate;
mod experts;
mod naming;
mod network;
mod observations;
mod policy;
mod pykan;
mod run;
mod vector;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _kanrl {
    #[pymodule_export]
    use crate::command::command;
    #[pymodule_export]
    use crate::environments::environments;
    #[pymodule_export]
    use crate::evaluate::{compare, evaluate, states};
    #[pymodule_export]
    use crate::experts::{forget_experts, probe, python_policy};
    #[pymodule_export]
    use crate::network::{Network, png, restore_network};
    #[pymodule_export]
    use crate::policy::{Policy, policy};
    #[pymodule_export]
    use crate::run::{RunDirectory, extract};
    #[pymodule_export]
    use crate::vector::Lanes;

    /// kanrl's version.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}

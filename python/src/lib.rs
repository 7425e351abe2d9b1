//! `kanrl._kanrl`: what the Python package does in Rust. Python code around it, in `kanrl/`, is what users see.
//!
//! Whatever takes long runs on a thread of its own, with the interpreter's lock released.

mod environments;
mod errors;
mod evaluate;
mod experts;
mod naming;
mod network;
mod observations;
mod policy;
mod run;
mod vector;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _kanrl {
    #[pymodule_export]
    use crate::environments::environments;
    #[pymodule_export]
    use crate::evaluate::{compare, evaluate};
    #[pymodule_export]
    use crate::experts::{forget_experts, probe, python_policy};
    #[pymodule_export]
    use crate::network::{Network, restore_network};
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

//! The Kolmogorov-Arnold network (arXiv 2404.19756), exact to pykan 0.2.8.

mod approximator;
mod config;
mod device;
mod engine;
mod file;
mod from_graph;
mod grid;
mod network;
mod objective;
mod regularization;
mod training;

pub use approximator::Kan;
pub use config::{Device, KanConfig, Optimizer, Precision};
pub use device::{TrainingDevice, register_device};
pub use engine::{Cpu, CurvedMethod, Engine, TrainingObjective};
pub use network::{Layer, LayerShape, Network};
pub use objective::NetworkObjective;
pub use regularization::{Regularization, RegularizationMetric};
pub use training::Training;

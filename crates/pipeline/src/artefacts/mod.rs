//! What the standard stages hand to one another.

mod dataset;
mod evaluation;
mod film;
mod formula;
mod model;
mod network;

pub use dataset::ExpertData;
pub use evaluation::{Agreement, Evaluation, Returns};
pub use film::{ExpertVideo, FormulaVideo};
pub use formula::FaithfulFormula;
pub use model::Model;
pub use network::Network;

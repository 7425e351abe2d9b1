//! What the standard stages hand to one another.

mod dataset;
mod evaluation;
mod film;
mod formula;
mod model;
mod network;
mod selection;
mod students;

pub use dataset::ExpertData;
pub use evaluation::{Agreement, Evaluation, PolicyEvaluation, Returns, Robustness};
pub use film::{ExpertVideo, FormulaVideo};
pub use formula::Formulas;
pub use model::Model;
pub use network::Network;
pub use selection::{Candidate, Selection};
pub use students::{PerStudent, StudentPart};

#![doc = include_str!("../README.md")]

mod binomial;
mod branch_and_bound;
mod card;
mod cells;
mod check;
mod claims;
mod conditions;
mod controller;
mod explain;
mod hunt;
pub mod hypothesis;
mod program;
mod reach;
mod statistics;
mod tubes;

pub use binomial::upper_failure_probability;
pub use branch_and_bound::bounds_over;
pub use card::{Certainty, FORMAT_VERSION, Line, ProofCard, Side, Source};
pub use cells::{CellOptions, Cells};
pub use check::contradictions;
pub use claims::{claim_bounds, observation_box};
pub use conditions::{Conditions, PlayError, Played};
pub use controller::Controller;
pub use explain::{
    Difference, ExplainError, Explanation, Invariance, Symmetry, Term, explain, heat_map, switching_surface,
};
pub use hunt::{Find, HuntOptions, hunt};
pub use program::Program;
pub use reach::{ReachOptions, claim_reach, start_ranges};
pub use statistics::{CONFIDENCE, Start, Statistics};
pub use tubes::{Followed, Set, TubeOptions, Tubes, follow, prove, prove_from};

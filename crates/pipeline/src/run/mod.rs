//! A run from its config to its results.
//!
//! A [`PreparedRun`] has been checked and has written nothing; [`PreparedRun::open`] gives it a directory of its own, and
//! only the [`OpenRun`] that comes of it can be executed.

mod agreement;
mod files;
mod folder;
mod locked;
mod log;
pub mod metrics;
mod open;
mod policy;
mod prepared;
pub mod provenance;
pub mod record;
mod returns;
mod role;
pub mod seeds;
mod stages;
pub mod statistics;
mod store;
mod summary;
mod tensorboard;

pub use agreement::{Agreement, Companionship, Measure};
pub use files::RunFile;
pub use locked::LockedRun;
pub use log::compact_time;
pub use metrics::Metrics;
pub use open::OpenRun;
pub use policy::{PolicySource, RunPolicy};
pub use prepared::{PreparedRun, RunError};
pub use returns::Returns;
pub use role::{PolicyRole, UnknownRole};
pub use stages::StageRecord;
pub use store::{RunStore, RunStoreError};
pub use summary::{FrontRow, PolicyRow, RunSummary};

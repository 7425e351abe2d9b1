//! Policies of a run, read back.

use super::{PolicyRole, RunFile, RunStore, RunStoreError};
use kanrl_symbolic::Formula;

impl RunStore {
    /// The formula that has a role.
    ///
    /// # Errors
    /// [`RunStoreError::NoFormula`] for the expert and the network, [`RunStoreError::Read`] where the run has none of this
    /// role, [`RunStoreError::Damaged`] where the file holds no formula.
    pub fn formula(&self, role: PolicyRole) -> Result<Formula, RunStoreError> {
        let file = match role {
            PolicyRole::Expert | PolicyRole::Network => None,
            role => RunFile::of_policy(role),
        };
        let file = file.ok_or(RunStoreError::NoFormula { role })?;
        let damaged = |error: kanrl_symbolic::SymbolicError| RunStoreError::Damaged {
            path: self.path_of(file),
            reason: error.to_string(),
        };
        Formula::from_json(&self.read_text(file)?).map_err(damaged)
    }
}

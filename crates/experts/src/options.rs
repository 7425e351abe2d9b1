//! What a policy's name does not say.

use crate::network::Activation;
use std::path::PathBuf;

/// Settings of a policy that are not part of its name; see [`PolicyReference::config`](crate::PolicyReference::config).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyOptions {
    /// The pickled `VecNormalize` of a Stable-Baselines3 archive; `none` for none. Default: the one next to it.
    pub normalization: Option<PathBuf>,
    /// What stands between the layers of a state dict.
    pub activation: Option<Activation>,
}

use serde::{Deserialize, Serialize};

/// `[prune]`: what is removed from the fitted network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PruneSection {
    /// Edges below this share of the outputs' variation are removed.
    pub edge_threshold: f64,
    /// Hidden nodes below this share of the outputs' variation are removed.
    pub node_threshold: f64,
}

impl Default for PruneSection {
    fn default() -> Self {
        Self { edge_threshold: 0.03, node_threshold: 0.01 }
    }
}

use serde::{Deserialize, Serialize};

/// `[prune]`: what is cut off the fitted network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PruneSection {
    /// Edges whose share of the outputs' variation is below this go.
    pub edge_threshold: f64,
    /// Hidden nodes whose share of the outputs' variation is below this go.
    pub node_threshold: f64,
}

impl Default for PruneSection {
    fn default() -> Self {
        Self { edge_threshold: 0.03, node_threshold: 0.01 }
    }
}

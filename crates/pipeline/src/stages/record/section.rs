use serde::{Deserialize, Serialize};

/// `[record]`: which videos to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSection {
    /// Whether to film an episode of the expert and one of the formula.
    pub videos: bool,
    /// Whether to show the action and the return so far on each frame.
    pub captions: bool,
}

impl Default for RecordSection {
    fn default() -> Self {
        Self { videos: true, captions: true }
    }
}

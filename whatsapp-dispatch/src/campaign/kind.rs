use serde::{Deserialize, Serialize};

/// How a campaign gets its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignKind {
    /// From a source, in batches, before it is released.
    #[default]
    Batch,
    /// One by one, while it is released.
    Stream,
}

impl CampaignKind {
    /// The kind as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Stream => "stream",
        }
    }
}

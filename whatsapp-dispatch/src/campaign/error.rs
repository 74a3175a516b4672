use rules_core::judge::fault::{Classify, Fault};

/// What is wrong with a campaign as it was written down.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CampaignError {
    /// Not a name.
    #[error("{text:?} cannot name a campaign: use 1 to 128 characters without control characters")]
    Name {
        /// What was given.
        text: String,
    },
    /// No template was named.
    #[error("the campaign names no template; add .template(Template::marketing(name, language))")]
    NoTemplate,
}

impl Classify for CampaignError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

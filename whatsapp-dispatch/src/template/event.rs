/// What WhatsApp told about a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateEvent {
    /// It may be sent, for the first time or again.
    Usable,
    /// It may not be sent for now.
    Paused,
    /// It may not be sent any more.
    Disabled,
    /// Its category, text or quality is another one.
    Changed,
}

impl TemplateEvent {
    /// What a word of WhatsApp's means; one that is new only makes us ask for the definition.
    pub fn parse(word: &str) -> Self {
        match word {
            "APPROVED" | "REINSTATED" | "UNPAUSED" => Self::Usable,
            "PAUSED" => Self::Paused,
            "DISABLED" | "REJECTED" | "ARCHIVED" | "LOCKED" | "PENDING_DELETION" | "DELETED" => {
                Self::Disabled
            }
            _ => Self::Changed,
        }
    }
}

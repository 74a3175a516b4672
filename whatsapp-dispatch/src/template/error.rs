use rules_core::judge::fault::{Classify, Fault};

use super::FillError;
use crate::columns::UnknownColumn;

/// Why a template, its text or what a campaign fills into it is not usable.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// Not a template's name.
    #[error("{name:?} is not a template's name: use 1 to 512 of the characters a-z 0-9 _")]
    Name {
        /// What was given, at most 64 characters of it.
        name: String,
    },
    /// Not a language code.
    #[error("{language:?} is not a language of template {template}: use a code such as en or pt_BR")]
    Language {
        /// The template's name.
        template: String,
        /// What was given, at most 64 characters of it.
        language: String,
    },
    /// A part of the definition breaks a rule of WhatsApp.
    #[error("the {part} of template {template}: {what}")]
    Text {
        /// The template's name.
        template: String,
        /// `header`, `body`, `footer`, `buttons` or `carousel`.
        part: &'static str,
        /// Which rule, and what to do.
        what: String,
    },
    /// The campaign does not give what the template wants.
    #[error("template {template} {has}, the campaign gives {gives}")]
    Mismatch {
        /// The template's name.
        template: String,
        /// What the template wants.
        has: String,
        /// What the campaign gives.
        gives: String,
    },
    /// What the campaign gives to one place is not an expression.
    #[error("{place}: {what}")]
    Expression {
        /// Which place, such as `parameter 1`.
        place: String,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// What the campaign gives to one place uses a column that the recipients don't have.
    #[error("{place} cannot be filled")]
    Column {
        /// Which place, such as `parameter 1`.
        place: String,
        /// Which columns there are.
        #[source]
        source: Box<UnknownColumn>,
    },
    /// What the campaign gives to one place is the same for everybody and can never be sent.
    #[error("the campaign's own text cannot be sent")]
    Constant {
        /// Why.
        #[source]
        source: FillError,
    },
}

impl Classify for TemplateError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

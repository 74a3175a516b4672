use rules_core::judge::fault::{Classify, Fault};

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
        /// `header`, `body` or `footer`.
        part: &'static str,
        /// Which rule, and what to do.
        what: String,
    },
    /// The campaign's parameters are not those of the template.
    #[error("template {template} {has}, the campaign gives {gives}")]
    Mismatch {
        /// The template's name.
        template: String,
        /// What the template wants.
        has: String,
        /// What the campaign gives.
        gives: String,
    },
    /// The header has a variable, which campaigns cannot fill.
    #[error(
        "the header of template {template} has a variable, which a campaign cannot fill: use a template \
         with a fixed header"
    )]
    HeaderVariable {
        /// The template's name.
        template: String,
    },
    /// A parameter is not an expression.
    #[error("parameter {parameter}: {what}")]
    Expression {
        /// Its number or its name.
        parameter: String,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// A parameter uses a column that the recipients don't have.
    #[error("parameter {parameter} cannot be filled")]
    Column {
        /// Its number or its name.
        parameter: String,
        /// Which columns there are.
        #[source]
        source: Box<UnknownColumn>,
    },
}

impl Classify for TemplateError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

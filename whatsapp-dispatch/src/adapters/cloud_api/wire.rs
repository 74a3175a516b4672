//! Meta's JSON. Its names stop here.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use crate::template::{Template, TemplateDefinition, TemplateError};

/// The answer to a send. Either part may be missing.
#[derive(Deserialize)]
pub(super) struct Answer<'a> {
    #[serde(borrow, default)]
    pub(super) messages: Vec<Taken<'a>>,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
}

#[derive(Deserialize)]
pub(super) struct Taken<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) message_status: Option<Cow<'a, str>>,
}

impl Taken<'_> {
    /// True when Meta waits with it, to see how people take the template.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.message_status.as_deref(), Some("held_for_quality_assessment" | "paused"))
    }
}

#[derive(Deserialize)]
pub(super) struct Refusal {
    #[serde(deserialize_with = "number")]
    pub(super) code: i64,
    #[serde(default, deserialize_with = "number")]
    pub(super) error_subcode: i64,
    #[serde(default)]
    pub(super) is_transient: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) error_data: ErrorData,
}

/// What is said beyond the number.
#[derive(Default, Deserialize)]
pub(super) struct ErrorData {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) details: String,
}

/// A value of the expected kind; the default for anything else.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Expected(T),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Expected(value) => value,
        Either::Other(_) => T::default(),
    })
}

/// A number, also one written as a text; 0 when there is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Number(number) => number,
        Either::Text(text) => text.parse().unwrap_or_default(),
        Either::Other(_) => 0,
    })
}

/// One account's usage in the header `X-Business-Use-Case-Usage`.
#[derive(Deserialize)]
pub(super) struct Usage {
    /// Minutes.
    #[serde(default)]
    pub(super) estimated_time_to_regain_access: u64,
}

/// The answer to a question about templates.
#[derive(Deserialize)]
pub(super) struct Templates {
    #[serde(default)]
    pub(super) data: Option<Vec<WireTemplate>>,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
}

#[derive(Deserialize)]
pub(super) struct WireTemplate {
    name: String,
    language: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

impl WireTemplate {
    pub(super) fn is(&self, wanted: &Template) -> bool {
        self.name == wanted.name && self.language == wanted.language && self.status == "APPROVED"
    }

    pub(super) fn into_definition(self) -> Result<TemplateDefinition, TemplateError> {
        let Self { name, language, category, components, .. } = self;
        let text = |kind| components.iter().find(|component| component.kind == kind).map(|found| &found.text);
        let template = match category.as_str() {
            "UTILITY" => Template::utility(name, language),
            "AUTHENTICATION" => Template::authentication(name, language),
            _ => Template::marketing(name, language),
        };
        let mut definition = TemplateDefinition::new(template, text("BODY").map_or("", String::as_str))?;
        // A header without text is a picture, a document or a place.
        if let Some(header) = text("HEADER").filter(|header| !header.is_empty()) {
            definition = definition.with_header(header)?;
        }
        match text("FOOTER").filter(|footer| !footer.is_empty()) {
            Some(footer) => definition.with_footer(footer),
            None => Ok(definition),
        }
    }
}

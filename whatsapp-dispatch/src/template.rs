//! placeholder, replaced
use serde::{Deserialize, Serialize};
/// A template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// n
    pub name: String,
    /// l
    pub language: String,
}
/// Its definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateDefinition {
    /// b
    pub body: String,
}
/// Parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parameters {
    /// p
    Positional(Vec<String>),
    /// n
    Named(Vec<(String, String)>),
}

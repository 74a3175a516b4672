use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{Literal, hidden};

/// An action with a name and its parameters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAction<P> {
    /// The name that Meta gave it.
    pub name: String,
    /// What it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<P>,
}

impl<P> NamedAction<P> {
    /// An action that needs nothing.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), parameters: None }
    }

    /// An action with parameters.
    pub fn with(name: impl Into<String>, parameters: P) -> Self {
        Self { name: name.into(), parameters: Some(parameters) }
    }
}

impl<P> Debug for NamedAction<P> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedAction").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What an action has that needs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoParameters {}

/// A form (Flow) behind a button.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// `3` in 2026.
    pub flow_message_version: Literal,
    /// The form, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<Literal>,
    /// The form, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_name: Option<String>,
    /// What people read on the button, at most 30 characters.
    pub flow_cta: String,
    /// Comes back with the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<String>,
    /// `draft` for a form that is not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `navigate` or `data_exchange`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action: Option<String>,
    /// With `navigate`: where it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action_payload: Option<FlowScreen>,
    /// Metadata of the form, as its author defined it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_metadata: Option<Value>,
}

impl Flow {
    /// A published form, by id.
    pub fn id(id: impl Into<String>, button: impl Into<String>) -> Self {
        Self {
            flow_message_version: "3".into(),
            flow_id: Some(id.into().into()),
            flow_cta: button.into(),
            ..Self::default()
        }
    }

    /// The same, beginning on this screen with this data, if any.
    #[must_use]
    pub fn starting_at(self, screen: impl Into<String>, data: Option<Value>) -> Self {
        Self {
            flow_action: Some("navigate".to_owned()),
            flow_action_payload: Some(FlowScreen { screen: Some(screen.into()), data }),
            ..self
        }
    }

    /// The same with a text that comes back with the answers.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { flow_token: Some(token.into()), ..self }
    }
}

/// Where a form begins.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowScreen {
    /// The screen's id, else the form's first screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// What the screen shows, as the form's author defined it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// What is asked of an address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRequest {
    /// Two letters.
    pub country: String,
    /// What is known already, by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, Literal>>,
    /// What was wrong with the last answer, by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_errors: Option<BTreeMap<String, String>>,
    /// Addresses to choose from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_addresses: Option<Vec<SavedAddress>>,
}

/// An address to choose.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAddress {
    /// Comes back in the webhook.
    pub id: String,
    /// The address, by field.
    pub value: BTreeMap<String, Literal>,
}

/// A button that calls the business.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallButton {
    /// What people read, at most 20 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_text: Option<String>,
    /// For how many minutes it works: 1 to 43,200, else seven days (Call buttons, 2026).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<Literal>,
    /// Comes back in the webhooks of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

hidden! { Flow FlowScreen AddressRequest SavedAddress CallButton }

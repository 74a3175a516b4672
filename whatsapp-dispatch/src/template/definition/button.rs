use super::within;
use crate::template::text::Text;

/// A button of a template as Meta approved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ButtonDefinition {
    /// Answers with its label.
    QuickReply {
        /// Its label.
        label: String,
    },
    /// Opens a page.
    Url {
        /// Its label.
        label: String,
        /// The address; it may end with one variable.
        url: String,
    },
    /// Calls a number.
    Phone {
        /// Its label.
        label: String,
        /// The number; at most 20 characters.
        phone: String,
    },
    /// Copies a coupon.
    CopyCode,
    /// Copies a one-time code, or fills it in.
    Otp(OtpKind),
    /// Opens a flow.
    Flow {
        /// Its label.
        label: String,
    },
    /// Opens the catalog.
    Catalog {
        /// Its label.
        label: String,
    },
    /// Opens a list of products.
    Products {
        /// Its label.
        label: String,
    },
    /// Calls the business through WhatsApp.
    VoiceCall {
        /// Its label.
        label: String,
    },
    /// Something newer, in Meta's word.
    Other(String),
}

/// How a one-time code gets into the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtpKind {
    /// The person copies it.
    CopyCode,
    /// The person taps once.
    OneTap,
    /// By itself.
    ZeroTap,
}

impl ButtonDefinition {
    /// The most buttons of a template, and of each kind ("Template components", 2026).
    const MOST: usize = 10;
    const LABEL_CHARS: usize = 25;
    const PHONE_CHARS: usize = 20;
    /// The most characters of a link, filled or not.
    pub(in crate::template) const URL_CHARS: usize = 2_000;

    /// A button that answers with its label.
    pub fn quick_reply(label: impl Into<String>) -> Self {
        Self::QuickReply { label: label.into() }
    }

    /// A button that opens a page; the address may end with one variable.
    pub fn url(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self::Url { label: label.into(), url: url.into() }
    }

    /// A button that calls a number.
    pub fn phone(label: impl Into<String>, phone: impl Into<String>) -> Self {
        Self::Phone { label: label.into(), phone: phone.into() }
    }

    /// A button that opens a flow.
    pub fn flow(label: impl Into<String>) -> Self {
        Self::Flow { label: label.into() }
    }

    /// Characters of the link before its variable; `None` when it has none.
    pub(in crate::template) fn prefix_chars(&self) -> Option<usize> {
        match self {
            Self::Url { url, .. } => url.split_once("{{").map(|(prefix, _)| prefix.chars().count()),
            _ => None,
        }
    }

    /// `a coupon to copy` and so on.
    pub(in crate::template) fn describe(&self) -> &str {
        match self {
            Self::QuickReply { .. } => "a quick reply",
            Self::Url { .. } if self.prefix_chars().is_some() => "a link with a variable",
            Self::Url { .. } => "a link without a variable",
            Self::Phone { .. } => "a phone number",
            Self::CopyCode => "a coupon to copy",
            Self::Otp(_) => "a one-time code",
            Self::Flow { .. } => "a flow",
            Self::Catalog { .. } => "the catalog",
            Self::Products { .. } => "a list of products",
            Self::VoiceCall { .. } => "a call",
            Self::Other(kind) => kind,
        }
    }

    fn label(&self) -> Option<&str> {
        match self {
            Self::QuickReply { label }
            | Self::Url { label, .. }
            | Self::Phone { label, .. }
            | Self::Flow { label }
            | Self::Catalog { label }
            | Self::Products { label }
            | Self::VoiceCall { label } => Some(label),
            Self::CopyCode | Self::Otp(_) | Self::Other(_) => None,
        }
    }

    fn check(&self) -> Result<(), String> {
        if let Some(label) = self.label() {
            within(label, Self::LABEL_CHARS).map_err(|what| format!("a button's label: {what}"))?;
        }
        match self {
            Self::Phone { phone, .. } => {
                within(phone, Self::PHONE_CHARS).map_err(|what| format!("a button's phone number: {what}"))
            }
            Self::Url { url, .. } => {
                within(url, Self::URL_CHARS).map_err(|what| format!("a button's link: {what}"))?;
                let ends_with_variable = url.trim_end().ends_with("}}");
                match Text::parse(url)?.variables.len() {
                    0 => Ok(()),
                    1 if ends_with_variable => Ok(()),
                    1 => Err("a link's variable must be at its end".to_owned()),
                    _ => Err("a link has more than one variable; WhatsApp allows one".to_owned()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// Whether buttons may stand together.
pub(super) fn check(buttons: &[ButtonDefinition]) -> Result<(), String> {
    buttons.iter().try_for_each(ButtonDefinition::check)?;
    let count = |is: fn(&ButtonDefinition) -> bool| buttons.iter().filter(|button| is(button)).count();
    let limits = [
        ("buttons", buttons.len(), ButtonDefinition::MOST),
        ("links", count(|button| matches!(button, ButtonDefinition::Url { .. })), 2),
        ("phone numbers", count(|button| matches!(button, ButtonDefinition::Phone { .. })), 1),
        ("coupons", count(|button| matches!(button, ButtonDefinition::CopyCode)), 1),
        ("one-time codes", count(|button| matches!(button, ButtonDefinition::Otp(_))), 1),
    ];
    match limits.into_iter().find(|(_, count, most)| most < count) {
        Some((what, count, most)) => Err(format!("there are {count} {what}; WhatsApp allows {most}")),
        None => Ok(()),
    }
}

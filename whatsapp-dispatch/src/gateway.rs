//! The door to WhatsApp as the dispatcher sees it.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

use crate::media::{Media, MediaId};
use crate::people::Name;
use crate::phone::PhoneNumber;
use crate::reaction::Reaction;
use crate::sender::Sender;
use crate::template::{Category, Skeleton, Template, TemplateDefinition};

/// Sends messages. A gateway that knows no files and no receipts leaves the last two methods out.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MessageGateway: Debug + Send + Sync + 'static {
    /// Hands one message to WhatsApp, once: a gateway never tries again by itself.
    ///
    /// # Errors
    /// [`GatewayError`], which says whether it is certain that nothing was sent.
    ///
    /// # Cancel safety
    /// None: dropping the future leaves it unknown whether the message was sent.
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError>;

    /// The definition of a template as approved for the sender's account; `None` if there is
    /// none of that name and language.
    ///
    /// # Errors
    /// [`GatewayError`] when WhatsApp does not say.
    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError>;

    /// Uploads a file for messages of this sender. A repeated call uploads it again, under
    /// another id.
    ///
    /// # Errors
    /// [`GatewayError`] when WhatsApp does not take it; doubt does no harm here, so try again.
    async fn upload(&self, sender: &Sender, media: &Media) -> Result<MediaId, GatewayError> {
        let _ = (sender, media);
        Err(GatewayError::NotSent { what: "this gateway takes no files", source: None })
    }

    /// Tells the person that their message was read. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`GatewayError`] when WhatsApp does not take it.
    async fn mark_read(&self, sender: &Sender, inbound: &Wamid) -> Result<(), GatewayError> {
        let _ = (sender, inbound);
        Err(GatewayError::NotSent { what: "this gateway tells nobody what was read", source: None })
    }
}
const _: fn(&dyn MessageGateway) = |_| {};

/// One attempt, ready to leave.
#[derive(Clone)]
pub struct Outgoing {
    /// Towards whom.
    pub to: PhoneNumber,
    /// What is the same for every message of the campaign.
    pub content: Arc<Content>,
    /// The values of the skeleton's slots, as encoded when the message was planned.
    pub parameters: Bytes,
    /// Comes back in the webhooks of this attempt.
    pub token: String,
}

/// Without the parameters, which may say anything about the person.
impl Debug for Outgoing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("to", &self.to)
            .field("content", &self.content)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// Which of WhatsApp's two doors messages leave through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The Cloud API: every kind of message.
    Messages,
    /// The Marketing Messages API: marketing templates only.
    Marketing,
}

/// What the Marketing Messages API does with a message that it cannot optimise ("Marketing
/// Messages API", Meta, 2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductPolicy {
    /// It goes through the Cloud API.
    CloudApiFallback,
    /// It is refused.
    Strict,
}

/// How a campaign uses the Marketing Messages API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MarketingApi {
    /// What becomes of messages that it cannot optimise.
    pub policy: ProductPolicy,
    /// Whether Meta may use what people do with the message; the account's own setting when not
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_activity: Option<bool>,
}

/// What is the same for every message of a campaign.
#[derive(Debug)]
pub struct Content {
    /// Which template.
    pub template: Template,
    /// Its components, with slots for the parameters of each message.
    pub skeleton: Skeleton,
    /// How the Marketing Messages API is to be used, if it was asked for.
    pub marketing: Option<MarketingApi>,
    /// True when a message's parameters are the members of the request that say what it is, as
    /// JSON without the outer braces: `"type":"text","text":{"body":"Hi"}`.
    pub verbatim: bool,
    /// [`MARKETING`] and [`LEFT`].
    door: AtomicU8,
    prepared: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// Messages leave through the Marketing Messages API.
const MARKETING: u8 = 1;
/// They began with the other door.
const LEFT: u8 = 2;

impl Content {
    /// The content of one template, through the Cloud API.
    pub const fn new(template: Template, skeleton: Skeleton) -> Self {
        Self {
            template,
            skeleton,
            marketing: None,
            verbatim: false,
            door: AtomicU8::new(0),
            prepared: OnceLock::new(),
        }
    }

    /// Messages that bring their whole content themselves.
    pub fn verbatim(template: Template) -> Self {
        Self { verbatim: true, ..Self::new(template, Skeleton::default()) }
    }

    /// The same through the Marketing Messages API.
    #[must_use]
    pub fn with_marketing(self, marketing: MarketingApi) -> Self {
        Self { marketing: Some(marketing), door: AtomicU8::new(MARKETING), ..self }
    }

    /// Which door the next attempt leaves through.
    pub fn route(&self) -> Route {
        if self.door.load(Ordering::Acquire) & MARKETING == 0 { Route::Messages } else { Route::Marketing }
    }

    /// Attempts from now on leave through this door. False when the campaign does not want that,
    /// or was sent away from there before: then another attempt would end as the last one did.
    pub fn reroute(&self, route: Route) -> bool {
        let wanted = match (route, self.marketing) {
            (Route::Marketing, marketing) => marketing.is_some(),
            (Route::Messages, marketing) => {
                marketing.is_none_or(|marketing| marketing.policy == ProductPolicy::CloudApiFallback)
            }
        };
        if !wanted {
            return false;
        }
        let target = u8::from(route == Route::Marketing);
        let moved = self.door.try_update(Ordering::AcqRel, Ordering::Acquire, |door| {
            (door & (MARKETING | LEFT) == 1 - target).then_some(target | LEFT)
        });
        // Two answers of one moment ask for the same: it is there already.
        moved.is_ok() || self.route() == route
    }

    /// What an adapter builds once per campaign, such as the constant parts of a request body.
    /// `None` if another adapter has prepared its own on this content already.
    pub fn prepared<T: Any + Send + Sync>(&self, make: impl FnOnce(&Self) -> T) -> Option<&T> {
        self.prepared.get_or_init(|| Box::new(make(self))).downcast_ref()
    }
}

/// WhatsApp took the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// WhatsApp's id of the message. It contains the recipient's number, so it is personal data.
    pub wamid: Wamid,
    /// True when WhatsApp holds the message back to see how the template is received.
    pub held: bool,
    /// What WhatsApp calls the person beside the number that the message was addressed to: another
    /// number, a user id. Empty for nearly everybody.
    pub also: Vec<Name>,
}

impl Receipt {
    /// A message taken under this id.
    pub const fn new(wamid: Wamid) -> Self {
        Self { wamid, held: false, also: Vec::new() }
    }

    /// The same, to a person who has these names. Spellings of `to`, which the message was
    /// addressed to, are left out.
    #[must_use]
    pub fn known_as(self, to: PhoneNumber, names: impl IntoIterator<Item = Name>) -> Self {
        let is_news = |name: &Name| match name {
            Name::Number(number) => number.canonical() != to.canonical(),
            Name::UserId(_) | Name::WaId(_) => true,
        };
        Self { also: names.into_iter().filter(is_news).collect(), ..self }
    }

    /// The same, held back.
    #[must_use]
    pub fn held(self) -> Self {
        Self { held: true, ..self }
    }
}

/// WhatsApp's id of a message. Shown as a few characters only, because it contains the number of
/// the person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wamid(String);

impl Wamid {
    /// The id as WhatsApp wrote it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id in clear: for the store and the wire, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when the id contains these digits, in clear or in its Base64, as Meta's own examples
    /// do.
    pub fn tells(&self, digits: &str) -> bool {
        let encoded = self.0.strip_prefix("wamid.").unwrap_or(&self.0);
        let decoded = from_base64(encoded);
        self.0.contains(digits) || decoded.windows(digits.len().max(1)).any(|part| part == digits.as_bytes())
    }
}

/// The bytes that a Base64 text stands for, up to the first character that is none.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |character: u8| match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len()), 0_u32, 0_u32);
    for sextet in text.bytes().map_while(value) {
        bits = bits << 6 | u32::from(sextet);
        held += 6;
        if 8 <= held {
            held -= 8;
            bytes.push((bits >> held).to_le_bytes()[0]);
        }
    }
    bytes
}

impl Debug for Wamid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Wamid(hidden)")
    }
}

/// Why a message was not certainly sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// WhatsApp answered with an error: the message was certainly not taken.
    #[error("whatsapp refused the message with {0}")]
    Refused(ApiError),
    /// Nothing was sent: no connection, no credential.
    #[error("the request did not leave: {what}")]
    NotSent {
        /// What was missing.
        what: &'static str,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The edge of WhatsApp's network asked to slow down.
    #[error("whatsapp asked to slow down")]
    Throttled {
        /// For how long, if it said so.
        retry_after: Option<Duration>,
    },
    /// The request left and no readable answer came: it is unknown whether it was taken.
    #[error("no answer that says whether the message was taken: {what}")]
    InDoubt {
        /// What came instead of an answer.
        what: &'static str,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl Classify for GatewayError {
    fn fault(&self) -> Fault {
        match self {
            Self::Refused(error) => error.fault(),
            Self::NotSent { .. } => Fault::Transient,
            Self::Throttled { retry_after } => Fault::Throttled { retry_after: *retry_after },
            Self::InDoubt { .. } => Fault::InDoubt,
        }
    }
}

/// An error as the Graph API describes it, without the parts that may hold personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("code {code} (HTTP {http_status})")]
#[non_exhaustive]
pub struct ApiError {
    /// `error.code`: what decisions are made on.
    pub code: i64,
    /// `error.error_subcode`, 0 if there is none.
    pub subcode: i64,
    /// The HTTP status, 0 when the error came in a webhook.
    pub http_status: u16,
    /// `error.is_transient`, if it was there.
    pub transient: Option<bool>,
    /// How long WhatsApp wants to be left alone, if it said so.
    pub retry_after: Option<Duration>,
    /// What `error.error_data.details` says, as far as a decision needs it. The text itself may
    /// hold personal data and is not kept.
    pub details: Detail,
}

/// What the details of an error say beyond its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing that matters here.
    #[default]
    Other,
    /// The number has no account on WhatsApp.
    NotOnWhatsApp,
}

impl Detail {
    /// What a text of Meta's says.
    pub fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let says = |words: &str| text.contains(words);
        let missing = ["not a whatsapp", "not a valid whatsapp", "not on whatsapp", "no whatsapp account"];
        if missing.into_iter().any(says) || says("not registered on whatsapp") {
            Self::NotOnWhatsApp
        } else {
            Self::Other
        }
    }
}

impl Classify for ApiError {
    fn fault(&self) -> Fault {
        // No category is more careful than marketing.
        Reaction::to(self, Category::Marketing).fault()
    }
}

impl ApiError {
    /// An error with this code and status.
    pub const fn new(code: i64, http_status: u16) -> Self {
        Self { code, subcode: 0, http_status, transient: None, retry_after: None, details: Detail::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_the_number_in_clear_or_in_base64() {
        // The bytes 1C 0E, the digits, and a mark, as in Meta's examples.
        let encoded = Wamid::new("wamid.HA40OTE1MTEyMzQ1Njc4FQIA");
        assert!(encoded.tells("4915112345678"));
        assert!(!encoded.tells("4915112345679"));
        assert!(Wamid::new("wamid.x4915112345678").tells("4915112345678"));
        assert!(!Wamid::new("").tells("4915112345678"));
    }

    #[test]
    fn a_campaign_changes_its_door_once_and_never_back() {
        let marketing = MarketingApi { policy: ProductPolicy::CloudApiFallback, share_activity: None };
        let content = || Content::new(Template::marketing("offer", "en"), Skeleton::default());
        let both = content().with_marketing(marketing);
        assert_eq!(both.route(), Route::Marketing);
        assert!(both.reroute(Route::Messages));
        assert!(both.reroute(Route::Messages), "a second answer of the same moment");
        assert_eq!(both.route(), Route::Messages);
        assert!(!both.reroute(Route::Marketing), "it was sent away from there");
        assert!(!content().reroute(Route::Marketing), "it never asked for it");
        let strict = MarketingApi { policy: ProductPolicy::Strict, ..marketing };
        assert!(!content().with_marketing(strict).reroute(Route::Messages));
    }
}

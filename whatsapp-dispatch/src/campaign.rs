//! A campaign as its author writes it down.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::gateway::{MarketingApi, ProductPolicy};
use crate::media::{MediaDigest, MediaId};
use crate::recipients::Mapping;
use crate::sender::Sender;
use crate::template::{
    ButtonValue, Card, Category, Components, Expiry, Header, Parameters, Skeleton, Template,
};

mod error;
mod kind;

pub use error::CampaignError;
pub use kind::CampaignKind;

/// A campaign's name, unique within its tenant: 1 to 128 characters without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CampaignName(Arc<str>);

impl CampaignName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`CampaignError::Name`] when it is empty, too long or holds a control character.
    pub fn parse(text: &str) -> Result<Self, CampaignError> {
        let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(CampaignError::Name { text: text.to_owned() }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for CampaignName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Debug for CampaignName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CampaignName({})", self.0)
    }
}

impl TryFrom<String> for CampaignName {
    type Error = CampaignError;
    fn try_from(text: String) -> Result<Self, CampaignError> {
        Self::parse(&text)
    }
}

impl From<CampaignName> for String {
    fn from(name: CampaignName) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// Whether a record without a word about consent may be messaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    /// The record or the host must say that the person agreed. Required for marketing by
    /// WhatsApp's policy, hence the default.
    #[default]
    Required,
    /// The author vouches for everybody in the source who is not known to have opted out.
    Assumed,
}

/// What becomes of a message in doubt after the waiting time, if no webhook told what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// It is not sent again and counts as unknown for good. For marketing, unless the campaign
    /// says otherwise.
    Never,
    /// It is sent once more. For utility messages, unless the campaign says otherwise.
    OnceAfter,
    /// It is sent again at once, within attempts and expiry. For one-time codes, of which a second
    /// one does no harm, unless the campaign says otherwise.
    Now,
    /// It stays as it is until somebody starts a round with it.
    Ask,
}

/// What a campaign asks for, as it is stored. Two campaigns of one name must agree in all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Definition {
    /// The number that it leaves from.
    pub sender: Sender,
    /// Which template.
    pub template: Template,
    /// What goes into it.
    pub components: Components,
    /// The same, tied to the template and the columns when the campaign is planned.
    #[serde(default)]
    pub skeleton: Skeleton,
    /// The ids of what was uploaded for it; no part of what it asks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub media: BTreeMap<MediaDigest, MediaId>,
    /// How the Marketing Messages API is used; the Cloud API when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing: Option<MarketingApi>,
    /// Which columns of the source mean what.
    pub mapping: Mapping,
    /// Whether a record without a word about consent may be messaged.
    pub consent: ConsentPolicy,
    /// How long after the release messages may still begin.
    pub expires_after: Option<Duration>,
    /// Attempts per message that count, at most so many.
    pub max_attempts: u16,
    /// Messages of the campaign in all, at most so many.
    pub allowance: Option<u64>,
    /// What becomes of messages in doubt; `None` is as usual for the template's category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownPolicy>,
    /// How long WhatsApp tries to deliver a message; `None` is as usual for the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// Nothing begins before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// How it gets its messages.
    #[serde(default)]
    pub kind: CampaignKind,
    /// True when each message brings its whole content as its parameters, and the template says
    /// only of which category it is.
    #[serde(default)]
    pub verbatim: bool,
    /// True when its messages are no templates and need the person's open window.
    #[serde(default)]
    pub free_form: bool,
}

/// WhatsApp's time to live of authentication templates ("Time-to-live", Meta).
const CODES_LIVE: Duration = Duration::from_secs(10 * 60);
/// WhatsApp's time to live of all others ("Time-to-live", Meta).
const OTHERS_LIVE: Duration = Duration::from_secs(30 * 24 * 3_600);

impl Definition {
    /// What becomes of messages in doubt.
    pub fn unknown_policy(&self) -> UnknownPolicy {
        self.unknown.unwrap_or(match self.template.category {
            Category::Marketing => UnknownPolicy::Never,
            Category::Utility => UnknownPolicy::OnceAfter,
            Category::Authentication => UnknownPolicy::Now,
        })
    }

    /// True when each message is somebody's own, and has nothing to do with the others: what
    /// would stop a campaign ends one of them.
    pub fn sends_lone_messages(&self) -> bool {
        self.kind == CampaignKind::Stream && self.verbatim
    }

    /// How long WhatsApp tries to deliver a message.
    pub fn time_to_live(&self) -> Duration {
        self.ttl.unwrap_or(match self.template.category {
            Category::Authentication => CODES_LIVE,
            Category::Marketing | Category::Utility => OTHERS_LIVE,
        })
    }
}

impl Definition {
    /// Whether both ask for the same.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        *self == Self { media: self.media.clone(), ..other.clone() }
    }
}

/// A campaign that is being written down. Not durable and not checked: `Dispatch::plan` does both.
///
/// ```
/// use std::time::Duration;
/// use rules_core::judge::tenant::TenantId;
/// use rules_core::work::secrets::SecretRef;
/// use whatsapp_dispatch::campaign::Campaign;
/// use whatsapp_dispatch::sender::{NumberId, Sender};
/// use whatsapp_dispatch::template::Template;
///
/// let tenant = TenantId::parse("acme")?;
/// let sender = Sender::new(NumberId::parse("106540352242922")?, "102290129340398", tenant, SecretRef::named("meta"));
/// let campaign = Campaign::new("diwali-2026", sender)
///     .template(Template::marketing("diwali_offer", "en_US"))
///     .body(["{first_name}", "{discount}"])
///     .assume_consent()
///     .expires_after(Duration::from_secs(24 * 3600));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Campaign {
    pub(crate) name: String,
    sender: Sender,
    template: Option<Template>,
    components: Components,
    marketing: Option<MarketingApi>,
    mapping: Mapping,
    consent: ConsentPolicy,
    expires_after: Option<Duration>,
    max_attempts: u16,
    allowance: Option<u64>,
    unknown: Option<UnknownPolicy>,
    ttl: Option<Duration>,
    starts_at: Option<DateTime<Utc>>,
}

impl Campaign {
    /// A campaign from this number, without a template yet. Up to 5 attempts per message; no
    /// expiry; consent required.
    pub fn new(name: impl Into<String>, sender: Sender) -> Self {
        Self {
            name: name.into(),
            sender,
            template: None,
            components: Components::default(),
            marketing: None,
            mapping: Mapping::default(),
            consent: ConsentPolicy::Required,
            expires_after: None,
            max_attempts: 5,
            allowance: None,
            unknown: None,
            ttl: None,
            starts_at: None,
        }
    }

    /// The same campaign from another number.
    pub fn from(self, sender: Sender) -> Self {
        Self { sender, ..self }
    }

    /// The template that it sends.
    pub fn template(self, template: Template) -> Self {
        Self { template: Some(template), ..self }
    }

    /// What goes into the body's parameters, by position: literal text and columns in braces.
    pub fn body<P: Into<String>>(mut self, parameters: impl IntoIterator<Item = P>) -> Self {
        self.components.body = Parameters::Positional(parameters.into_iter().map(Into::into).collect());
        self
    }

    /// What goes into the body's parameters, by name.
    pub fn named_body<N: Into<String>, P: Into<String>>(
        mut self,
        parameters: impl IntoIterator<Item = (N, P)>,
    ) -> Self {
        let parameters = parameters.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.components.body = Parameters::Named(parameters.collect());
        self
    }

    /// What stands above the body: a picture, a video, a document, a place or a text.
    pub fn header(mut self, header: Header) -> Self {
        self.components.header = Some(header);
        self
    }

    /// What goes into the header's variable.
    pub fn header_text(self, text: impl Into<String>) -> Self {
        self.header(Header::text(text))
    }

    /// What goes into the button at this place, counted from 0.
    pub fn button(mut self, index: u8, value: ButtonValue) -> Self {
        self.components.buttons.insert(index, value);
        self
    }

    /// The cards of a carousel, in order.
    pub fn carousel(mut self, cards: impl IntoIterator<Item = Card>) -> Self {
        self.components.cards = cards.into_iter().collect();
        self
    }

    /// When a limited-time offer ends: an instant, or text with columns that gives one.
    pub fn limited_time_offer(mut self, ends: impl Into<Expiry>) -> Self {
        self.components.limited_time_offer = Some(ends.into());
        self
    }

    /// The one-time code of an authentication template, for its body and its button.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.components.code = Some(code.into());
        self
    }

    /// Everything that goes into the template, in place of what was given before.
    pub fn components(self, components: Components) -> Self {
        Self { components, ..self }
    }

    /// Messages leave through the Marketing Messages API, which takes marketing templates only.
    pub fn marketing_api(self, policy: ProductPolicy) -> Self {
        Self { marketing: Some(MarketingApi { policy, share_activity: None }), ..self }
    }

    /// Whether Meta may use what people do with messages of the Marketing Messages API; say it
    /// after [`Campaign::marketing_api`].
    pub fn share_activity(self, share: bool) -> Self {
        let share = |marketing| MarketingApi { share_activity: Some(share), ..marketing };
        Self { marketing: self.marketing.map(share), ..self }
    }

    /// Which columns of the source mean what.
    pub fn mapping(self, mapping: Mapping) -> Self {
        Self { mapping, ..self }
    }

    /// The author vouches that everybody in the source agreed to be messaged. People who opted
    /// out are left out all the same.
    pub fn assume_consent(self) -> Self {
        Self { consent: ConsentPolicy::Assumed, ..self }
    }

    /// Messages may begin for so long after the release, and not later.
    pub fn expires_after(self, duration: Duration) -> Self {
        Self { expires_after: Some(duration), ..self }
    }

    /// Attempts per message that count; 0 counts as 1.
    pub fn max_attempts(self, attempts: u16) -> Self {
        Self { max_attempts: attempts.max(1), ..self }
    }

    /// Messages of the campaign in all, at most so many.
    pub fn allowance(self, messages: u64) -> Self {
        Self { allowance: Some(messages), ..self }
    }

    /// What becomes of messages in doubt. Without it, marketing is never sent again, utility once,
    /// a one-time code at once.
    pub fn unknown(self, policy: UnknownPolicy) -> Self {
        Self { unknown: Some(policy), ..self }
    }

    /// How long WhatsApp tries to deliver a message, if its template says so. Without it 10 minutes
    /// for one-time codes and 30 days for others ("Time-to-live", Meta).
    pub fn ttl(self, duration: Duration) -> Self {
        Self { ttl: Some(duration), ..self }
    }

    /// Nothing begins before this instant, though the campaign may be released earlier. An expiry
    /// counts from here.
    pub fn starts_at(self, instant: DateTime<Utc>) -> Self {
        Self { starts_at: Some(instant), ..self }
    }

    /// Name and definition, ready to be stored.
    pub(crate) fn define(self) -> Result<(CampaignName, Definition), CampaignError> {
        let name = CampaignName::parse(&self.name)?;
        let template = self.template.ok_or(CampaignError::NoTemplate)?;
        let definition = Definition {
            sender: self.sender,
            template,
            components: self.components,
            skeleton: Skeleton::default(),
            media: BTreeMap::new(),
            marketing: self.marketing,
            mapping: self.mapping,
            consent: self.consent,
            expires_after: self.expires_after,
            max_attempts: self.max_attempts,
            allowance: self.allowance,
            unknown: self.unknown,
            ttl: self.ttl,
            starts_at: self.starts_at,
            kind: CampaignKind::Batch,
            verbatim: false,
            free_form: false,
        };
        Ok((name, definition))
    }
}

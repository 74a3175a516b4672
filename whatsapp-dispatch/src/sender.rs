//! The numbers that messages leave from. A number belongs to one tenant.

use std::collections::HashMap;
use std::fmt::{self, Debug, Display, Formatter};
use std::sync::Arc;

use async_trait::async_trait;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::TenantId;
use rules_core::work::StoreError;
use rules_core::work::secrets::SecretRef;
use serde::{Deserialize, Serialize};

/// Meta's id of a phone number: digits, not the number itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberId(Arc<str>);

impl NumberId {
    /// Reads an id of 1 to 32 digits.
    ///
    /// # Errors
    /// [`SenderError::NumberId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, SenderError> {
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text.into())) } else { Err(SenderError::NumberId { text: text.to_owned() }) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for NumberId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Debug for NumberId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "NumberId({})", self.0)
    }
}

impl TryFrom<String> for NumberId {
    type Error = SenderError;
    fn try_from(text: String) -> Result<Self, SenderError> {
        Self::parse(&text)
    }
}

impl From<NumberId> for String {
    fn from(id: NumberId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// A sending number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sender {
    /// Meta's id of the number.
    pub number_id: NumberId,
    /// The WhatsApp business account that the number is in.
    pub waba: String,
    /// The business portfolio that the account is in; its limits are shared.
    pub portfolio: String,
    /// Whose number it is.
    pub tenant: TenantId,
    /// The name of the access token.
    pub secret: SecretRef,
    /// Messages a second. Meta grants 80, or 1,000 after an automatic upgrade, in and out
    /// together ("Throughput", 2026-09-11); the default of 70 leaves room for replies.
    #[serde(default = "default_rate")]
    pub messages_per_second: u32,
    /// Different people in any 24 hours that the portfolio may write to, as far as WhatsApp has
    /// not told another limit since; `None` is no limit ("Messaging limits", Meta).
    #[serde(default)]
    pub people_per_day: Option<u64>,
    /// True for a number that is used in the WhatsApp Business app too: 20 messages a second and
    /// never more ("Throughput"). With a rate above these it sends 16, so that 4 are left for the app.
    #[serde(default)]
    pub shared_with_app: bool,
}

const fn default_rate() -> u32 {
    70
}

/// What Meta grants a number that is shared with the app.
const SHARED: u32 = 20;
const LEFT_FOR_THE_APP: u32 = 4;

impl Sender {
    /// A number at 70 messages a second in an account and portfolio of the same name.
    pub fn new(number_id: NumberId, waba: impl Into<String>, tenant: TenantId, secret: SecretRef) -> Self {
        let waba = waba.into();
        let portfolio = waba.clone();
        Self {
            number_id,
            waba,
            portfolio,
            tenant,
            secret,
            messages_per_second: default_rate(),
            people_per_day: None,
            shared_with_app: false,
        }
    }

    /// The same number in another portfolio.
    #[must_use]
    pub fn in_portfolio(self, portfolio: impl Into<String>) -> Self {
        Self { portfolio: portfolio.into(), ..self }
    }

    /// The same number in a portfolio that may write to so many different people in 24 hours.
    #[must_use]
    pub fn with_people_per_day(self, people: u64) -> Self {
        Self { people_per_day: Some(people), ..self }
    }

    /// The same number, used in the WhatsApp Business app too: 16 messages a second, so that 4 of
    /// its 20 are left for the app.
    #[must_use]
    pub fn shared_with_app(self) -> Self {
        Self { shared_with_app: true, messages_per_second: SHARED - LEFT_FOR_THE_APP, ..self }
    }

    /// Messages a second, before what WhatsApp tells of the number.
    pub(crate) const fn rate(&self) -> u32 {
        if self.shared_with_app && SHARED < self.messages_per_second {
            SHARED - LEFT_FOR_THE_APP
        } else {
            self.messages_per_second
        }
    }

    /// The same number at another rate; 0 counts as 1.
    #[must_use]
    pub fn with_rate(self, messages_per_second: u32) -> Self {
        Self { messages_per_second: messages_per_second.max(1), ..self }
    }
}

/// The host's knowledge of its numbers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SenderSource: Debug + Send + Sync + 'static {
    /// The number with each id, in the order asked; `None` for one that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when the host's own store does not answer.
    async fn by_number_id(&self, ids: &[NumberId]) -> Result<Vec<Option<Arc<Sender>>>, StoreError>;
}
const _: fn(&dyn SenderSource) = |_| {};

/// A fixed list of numbers.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    by_id: HashMap<NumberId, Arc<Sender>>,
}

impl Senders {
    /// Exactly these numbers.
    ///
    /// # Errors
    /// [`SenderError::Twice`] when two entries name one number, because a number belongs to one
    /// tenant.
    pub fn new(senders: impl IntoIterator<Item = Sender>) -> Result<Self, SenderError> {
        let mut by_id = HashMap::new();
        for sender in senders {
            let id = sender.number_id.clone();
            if by_id.insert(id.clone(), Arc::new(sender)).is_some() {
                return Err(SenderError::Twice { number_id: id });
            }
        }
        Ok(Self { by_id })
    }

    /// Numbers from TOML text: `[[sender]]` tables with the fields of [`Sender`].
    ///
    /// # Errors
    /// [`SenderError::Toml`] with the place of the mistake; [`SenderError::Twice`] as in
    /// [`Senders::new`].
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, SenderError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            sender: Vec<Sender>,
        }
        let file: File =
            toml::from_str(text).map_err(|error| SenderError::Toml { what: error.to_string() })?;
        Self::new(file.sender)
    }

    /// The numbers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Sender>> {
        self.by_id.values()
    }
}

#[async_trait]
impl SenderSource for Senders {
    async fn by_number_id(&self, ids: &[NumberId]) -> Result<Vec<Option<Arc<Sender>>>, StoreError> {
        Ok(ids.iter().map(|id| self.by_id.get(id).cloned()).collect())
    }
}

/// What is wrong with a description of numbers.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SenderError {
    /// Not an id of a number.
    #[error(
        "{text:?} is not a phone number id: it is the 1 to 32 digits that Meta's dashboard shows, not the number itself"
    )]
    NumberId {
        /// What was given.
        text: String,
    },
    /// One number is listed twice.
    #[error("the phone number id {number_id} is listed twice; a number belongs to one tenant")]
    Twice {
        /// Which.
        number_id: NumberId,
    },
    /// The text is not what it should be.
    #[error("reading the senders: {what}")]
    Toml {
        /// Where and what.
        what: String,
    },
}

impl Classify for SenderError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_shared_with_the_app_leaves_it_room() {
        let tenant = TenantId::parse("main").unwrap();
        let number = NumberId::parse("106540352242922").unwrap();
        let own = Sender::new(number, "waba", tenant, SecretRef::named("token"));
        let written = Sender { shared_with_app: true, ..own.clone() };
        assert_eq!([own.rate(), written.rate(), own.shared_with_app().rate()], [70, 16, 16]);
        assert_eq!([written.clone().with_rate(18).rate(), written.with_rate(80).rate()], [18, 16]);
    }
}

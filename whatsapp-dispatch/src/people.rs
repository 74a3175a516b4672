//! People, who are not phone numbers: what they are called, what they said about being messaged,
//! and what is known of reaching them.
//!
//! A person may have several names: numbers in several spellings, a `wa_id`, a business-scoped
//! user id. Names are stored as keyed digests only, and a person about whom nothing was learned
//! has no row at all. What was learned joins in any order: of two words the later counts, of two
//! at one instant the wish to get no messages.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use crate::message::PersonId;
use crate::sender::NumberId;
use crate::template::Category;

mod acquainted;
mod evidence;
mod memory;
mod name;
mod profile;
mod register;
mod score;
mod words;

pub use name::{Address, Name, PersonKey, UserId, WaId, Who};
pub use score::{NOT_ON_WHATSAPP, UNDELIVERABLE};
pub use words::{OptOutWords, Word};

pub(crate) use acquainted::Acquainted;
pub(crate) use memory::{count_sent, random_key, standing_of};
pub(crate) use profile::SENT;
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) use register::{Register, Row, Rows};

/// What is known about people.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait People: Debug + Send + Sync + 'static {
    /// The person behind each address, in order. Two names that are known to be one person's
    /// give one person; the same name in two tenants gives two.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError>;

    /// Notes what was learned about people. Order and repetition change nothing, except that
    /// [`Lesson::Reached`] may be passed over about somebody who missed no message, and that
    /// [`Lesson::NotSent`] takes something back.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of it noted or none.
    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError>;

    /// Notes what people said. Of two words of one person the later counts, whatever the order
    /// in which they are noted; of two at one instant, the wish to get no messages. Each call
    /// leaves evidence in the outbox, in the same transaction; a repeat leaves the same again.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of it noted or none.
    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError>;

    /// Where each person stands, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError>;

    /// Forgets people: which names are one person's, windows, scores, consents, and the token
    /// under which the event log knows them. Whoever wanted no messages still gets none, under
    /// each of the names.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of them forgotten or none.
    async fn forget(&self, people: &[PersonKey]) -> Result<(), StoreError>;
}
const _: fn(&dyn People) = |_| {};

/// Names that one person can have: spellings, former numbers and user ids.
///
/// Who is said to have more is nobody. Something gives many people one name, such as a gateway that
/// answers everybody with the same `wa_id`; without a bound one opt-out would silence all of them.
pub const MOST_NAMES: usize = 32;

/// Something that was learned about a person.
///
/// Two lessons of one kind about one person at one instant are one, so that a webhook that comes
/// twice counts once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// About whom.
    pub who: Who,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What.
    pub what: Lesson,
}

impl Learned {
    /// What was learned about somebody.
    pub fn new(who: impl Into<Who>, at: DateTime<Utc>, what: Lesson) -> Self {
        Self { who: who.into(), at, what }
    }
}

/// What can be learned about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// The person has this name too. What is known under both is joined, and both resolve to one
    /// person from now on, unless that one would have more than [`MOST_NAMES`].
    SameAs(Name),
    /// A message was delivered or read: what was missed before does not count any more.
    Reached,
    /// A message could not be delivered because of the person. A score of 1,000 keeps everybody
    /// from writing for 30 days, after which one message is the probe; the third time is for ever.
    NotReached {
        /// How much it says about the person, in thousandths: [`NOT_ON_WHATSAPP`],
        /// [`UNDELIVERABLE`].
        weight_milli: u32,
    },
    /// WhatsApp takes no marketing for the person before this instant (error 131049).
    MarketingRefusedUntil(DateTime<Utc>),
    /// The business has blocked the person (error 130403), or unblocked with `false`.
    Suppressed(bool),
    /// The person wrote to a number of ours, which opens a window of 24 hours there and shows
    /// that the person can be reached.
    Inbound {
        /// Which number.
        to: NumberId,
    },
    /// A message was sent to the person. Marketing is counted for frequency caps.
    Messaged {
        /// Of which kind.
        category: Category,
    },
    /// A marketing message that was counted under this instant when it was begun was not sent: it is
    /// counted no more. Comes after the begin, whatever the order of everything else.
    NotSent,
}

/// Something a person said about being messaged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsentChange {
    /// Who; nobody need know the person yet.
    pub who: Who,
    /// True when the person wants no messages.
    pub opted_out: bool,
    /// Which messages it is about.
    pub scope: ConsentScope,
    /// Where it is known from.
    pub source: ConsentSource,
    /// What the person was shown or did, in words without personal data; at most 1,000
    /// characters are kept.
    pub evidence: Option<String>,
    /// When they said so.
    pub at: DateTime<Utc>,
}

impl ConsentChange {
    /// Somebody wants no messages.
    pub fn opt_out(who: impl Into<Who>, source: ConsentSource, at: DateTime<Utc>) -> Self {
        let who = who.into();
        Self { who, opted_out: true, scope: ConsentScope::All, source, evidence: None, at }
    }

    /// Somebody agrees to messages.
    pub fn opt_in(who: impl Into<Who>, source: ConsentSource, at: DateTime<Utc>) -> Self {
        Self { opted_out: false, ..Self::opt_out(who, source, at) }
    }

    /// The same about marketing alone.
    #[must_use]
    pub fn of_marketing(self) -> Self {
        Self { scope: ConsentScope::Marketing, ..self }
    }

    /// The same with what the person was shown or did. No personal data.
    #[must_use]
    pub fn with_evidence(self, evidence: impl Into<String>) -> Self {
        Self { evidence: Some(evidence.into()), ..self }
    }
}

/// Which messages a word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConsentScope {
    /// All of them.
    All,
    /// Marketing; utility and authentication pass.
    Marketing,
}

/// Where a person's word is known from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConsentSource {
    /// A column of the recipients.
    Column,
    /// A message such as STOP.
    Word,
    /// A button of a message.
    Button,
    /// WhatsApp's own switch for marketing messages.
    Preference,
    /// An answer of WhatsApp's: error 131050.
    Error131050,
    /// The host's own program.
    Host,
    /// A list that was taken over.
    Import,
    /// Something else, by its name.
    Other(String),
}

impl ConsentSource {
    /// The source as a word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Column => "column",
            Self::Word => "word",
            Self::Button => "button",
            Self::Preference => "preference",
            Self::Error131050 => "error_131050",
            Self::Host => "host",
            Self::Import => "import",
            Self::Other(name) => name,
        }
    }
}

/// Where a person stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The person's last word about all messages: `Some(true)` wants none, `Some(false)` agreed
    /// to them, `None` said nothing.
    pub opted_out: Option<bool>,
    /// The same about marketing. Who wants no messages at all wants no marketing.
    pub marketing_opted_out: Option<bool>,
    /// True when the business has blocked the person.
    pub suppressed: bool,
    /// Nobody should write before this instant, because the person cannot be reached.
    pub invalid_until: Option<DateTime<Utc>>,
    /// WhatsApp takes no marketing for the person before this instant.
    pub marketing_not_before: Option<DateTime<Utc>>,
    /// The first instant after the window that the person opened at each number of ours, for the
    /// 8 numbers that the person wrote to last.
    pub windows: Vec<(NumberId, DateTime<Utc>)>,
    /// When marketing was last sent, in order, up to 16 instants.
    pub marketing_sent: Vec<DateTime<Utc>>,
    /// Other ids of the person, which messages may carry that were planned before it was known.
    pub also: Vec<PersonId>,
}

impl Standing {
    /// True when the person's last word is that they want no messages, or no marketing if it is.
    pub fn refuses(&self, marketing: bool) -> bool {
        self.opted_out == Some(true) || (marketing && self.marketing_opted_out == Some(true))
    }

    /// Stands for the marketing messages that are known to be sent to the person.
    pub fn sent_mark(&self) -> SentMark {
        SentMark::of(&self.marketing_sent)
    }

    /// The first instant after the window that the person opened at this number.
    pub fn window_until(&self, number: &NumberId) -> Option<DateTime<Utc>> {
        self.windows.iter().find(|(known, _)| known == number).map(|(_, until)| *until)
    }
}

/// A mark of the marketing messages that are known to be sent to a person: another one, another mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SentMark(u64);

impl SentMark {
    /// The mark of messages that were sent at these instants, in order.
    pub fn of(sent: &[DateTime<Utc>]) -> Self {
        // FNV-1a over the instants; what collides had to happen within one judgement.
        let add = |mark: u64, byte: &u8| (mark ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        let instants = sent.iter().map(DateTime::timestamp_micros);
        Self(instants.fold(0xCBF2_9CE4_8422_2325, |mark, at| at.to_be_bytes().iter().fold(mark, add)))
    }
}

//! The delivery log: the one truth about every message. What it is, whether it was begun, how
//! often, and what came of it.
//!
//! A message is begun by one compare-and-set, [`DeliveryLog::begin`], durable before the first
//! byte of its request. Lost leases, repeated submissions and manual requeues are all stopped
//! there.

use std::fmt::{self, Debug, Formatter};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rules_core::judge::code::Code;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;

use crate::campaigns::Status;
use crate::fact::{Answer, Begin, Begun, Fact, Facts, Recorded, Resend, State};
use crate::message::{CampaignKey, MessageId, MessageKey, PersonId};
use crate::phone::PhoneNumber;
use crate::progress::Progress;

pub(crate) mod change;
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) mod ledger;
mod memory;
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) mod packed;
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) mod page;

#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) use memory::{DUPLICATE, ORPHANS_KEPT};

/// Records of a source that are planned in one transaction.
pub const BATCH: usize = 500;

/// The truth about messages.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait DeliveryLog: Debug + Send + Sync + 'static {
    /// Freezes one batch of records: who is planned with which parameters, and who is not and
    /// why. A planned record whose message id the campaign has already is frozen as a duplicate.
    ///
    /// The batch must be the campaign's next one; a batch that is frozen already, or one out of
    /// order, changes nothing and is answered with [`Planned::Next`].
    ///
    /// [`Place::Append`] adds planned records one by one to a released or paused campaign of kind
    /// [`CampaignKind::Stream`](crate::campaign::CampaignKind::Stream), each after the last; one
    /// whose message id is known changes nothing. Any other campaign is left as it is and
    /// answered with [`Planned::Next`].
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the batch frozen whole or not at all.
    async fn plan(&self, manifest: &Manifest) -> Result<Planned, StoreError>;

    /// Notes that references of all batches before `batches` were put into the queue.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn mark(&self, campaign: &CampaignKey, batches: u32) -> Result<(), StoreError>;

    /// Begins messages, one answer per wish, in order. What is begun is durable when this
    /// returns.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same leases.
    ///
    /// # Cancel safety
    /// Dropping the future may leave messages begun; asking again under the same lease gives the
    /// same attempts.
    async fn begin(&self, wishes: &[Begin]) -> Result<Vec<Begun>, StoreError>;

    /// Records facts, one answer per fact, in order.
    ///
    /// A message of a campaign that is sealed, exported or forgotten takes no fact but
    /// [`What::Erased`](crate::fact::What::Erased). Others are answered with
    /// [`Recorded::Unmatched`], and what names the message by its key is not kept.
    ///
    /// A fact by WhatsApp's id of a message that is not known under it is answered with
    /// [`Recorded::Unmatched`], kept for 8 days and applied when the message becomes known under
    /// it. A store may answer so for a message that is known, too; [`DeliveryLog::adopt`] then
    /// applies the fact.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all facts recorded or none.
    async fn record(&self, facts: &[Fact]) -> Result<Vec<Recorded>, StoreError>;

    /// Searches once for the messages of facts that were kept since the last call, and says how
    /// many messages got theirs. A store that finds every known message at once has nothing to
    /// search for.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves facts kept, or applied; a later call searches again.
    async fn adopt(&self) -> Result<usize, StoreError> {
        Ok(0)
    }

    /// Forgets a part of something, and says whether there is more of it: then call it again. A call
    /// is a bounded piece of work, and one that was interrupted is gone on with. Asking for what is
    /// forgotten already changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves a part forgotten or not; repeat the call.
    async fn forget(&self, what: &Forget) -> Result<bool, StoreError>;

    /// The messages that the query names, in the order of their records.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn messages(&self, query: &Query) -> Result<Page, StoreError>;

    /// How far each campaign is, in order; an empty progress for one that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn progress(&self, campaigns: &[CampaignKey]) -> Result<Vec<Progress>, StoreError>;
}
const _: fn(&dyn DeliveryLog) = |_| {};

/// One batch of records, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whose.
    pub campaign: CampaignKey,
    /// Where the records go.
    pub place: Place,
    /// Where in the source the next batch begins, as the source wrote it.
    pub cursor: String,
    /// The records, at most [`BATCH`], in the order of the source.
    pub rows: Vec<PlanRow>,
}

/// Where records go in their campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The batch of this number, from 0; batch *n* holds the records from *n* x [`BATCH`] on.
    Batch(u32),
    /// After the last record.
    Append,
}

/// The number of a batch's first record.
pub(crate) fn first_record(batch: u32) -> u32 {
    batch.saturating_mul(u32::try_from(BATCH).unwrap_or(u32::MAX))
}

/// One record, judged.
#[derive(Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// The line of the source where the record begins, from 1.
    pub line: u64,
    /// Whether a message to this person is planned.
    pub verdict: PlanVerdict,
    /// To whom; absent when the record names nobody.
    pub to: Option<Recipient>,
    /// The values of the template's parameters, encoded.
    pub parameters: Bytes,
}

/// Without the parameters, which may say anything about the person.
impl Debug for PlanRow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanRow")
            .field("line", &self.line)
            .field("verdict", &self.verdict)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// Whom a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The person.
    pub person: PersonId,
    /// The message's identity.
    pub id: MessageId,
    /// The number as planned.
    pub number: PhoneNumber,
    /// Whether the record is evidence of the person's consent.
    pub consent: bool,
    /// The zone that the record names for the person.
    pub zone: Option<Tz>,
}

/// Whether a message is planned for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanVerdict {
    /// It is.
    Planned,
    /// The record cannot be read.
    Malformed(Code),
    /// Its number or its parameters are not valid.
    Invalid(Code),
    /// A rule says no.
    Suppressed(Code),
    /// The person has a message of this campaign already.
    Duplicate,
}

/// The answer to a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// It is frozen.
    Frozen {
        /// Records that became duplicates, by their index in the manifest.
        duplicates: Vec<usize>,
    },
    /// It is not the next batch; this one is.
    Next(u32),
    /// Its records stand here, in the order of the manifest.
    Appended(Vec<Appended>),
}

/// Where a record that was appended stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its number.
    pub record: u32,
    /// True when its message id was there before, and nothing was added.
    pub known: bool,
}

/// What a log forgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// The facts of a tenant that are kept without a message and whose ids tell one of these
    /// numbers.
    Strays(TenantId, Vec<PhoneNumber>),
    /// Of a finished campaign, the parameters of records that no round can cover any more: those
    /// whose message was delivered, and those that have none. Of a cancelled one, all. Of any other,
    /// nothing.
    Parameters(CampaignKey),
    /// Of an exported campaign, all records with everything that is known of them; the progress
    /// stays. Of any other, nothing.
    Messages(CampaignKey),
}

impl Forget {
    /// The facts of the tenant that are kept without a message and whose ids tell one of these
    /// numbers.
    pub fn strays(scope: &TenantScope, numbers: &[PhoneNumber]) -> Self {
        Self::Strays(scope.id().clone(), numbers.to_vec())
    }
}

/// True when the parameters of a record may be needed once more, as its campaign stands now; `facts`
/// are those of its message, if one is planned. A message that was delivered stays delivered, and
/// is never begun again.
pub(crate) fn needs_parameters(status: Status, facts: Option<&Facts>) -> bool {
    match status {
        Status::Cancelled => false,
        Status::Finished => facts
            .is_some_and(|facts| !facts.erased && !matches!(facts.state(), State::Delivered | State::Read)),
        _ => true,
    }
}

/// WhatsApp drops a message after 30 days ("Time-to-live", Meta), and may tell so a while later: a
/// webhook is repeated for up to 7 days.
pub(crate) const TOLD_FOR: TimeDelta = TimeDelta::days(38);

/// Which messages to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// These; one that does not exist is left out. At most 2,000.
    Keys(Vec<MessageKey>),
    /// The messages of a campaign that stand for these ids; one that does not exist is left out.
    /// At most 2,000.
    Ids(CampaignKey, Vec<MessageId>),
    /// A stretch of a campaign's records.
    Scan {
        /// Which campaign.
        campaign: CampaignKey,
        /// The first record to look at.
        from: u32,
        /// What to look for.
        of: Kind,
        /// At most so many messages.
        max: usize,
    },
}

/// What a scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every record.
    Any,
    /// Planned, and to be begun now or later.
    ToBegin,
    /// Begun before an instant, and without an answer.
    BegunBefore(DateTime<Utc>),
    /// Accepted before an instant, and nothing known since.
    AcceptedBefore(DateTime<Utc>),
    /// Begun before an instant, in doubt, and nothing decided about it.
    DoubtedBefore(DateTime<Utc>),
    /// Covered by a round that it did not take part in.
    ToReopen {
        /// What the round covers.
        of: Resend,
        /// Its number.
        round: u16,
    },
    /// Every record that names this person.
    Naming(PersonId),
}

impl Kind {
    /// True for a record that a scan looks for.
    pub(crate) fn matches(self, message: &Message) -> bool {
        match self {
            Self::Any => true,
            Self::Naming(person) => message.to.is_some_and(|to| to.person == person),
            Self::ToBegin
            | Self::BegunBefore(_)
            | Self::AcceptedBefore(_)
            | Self::DoubtedBefore(_)
            | Self::ToReopen { .. } => message.verdict == PlanVerdict::Planned && self.finds(&message.facts),
        }
    }

    /// True for facts of a planned message that a scan looks for.
    pub(crate) fn finds(self, facts: &Facts) -> bool {
        let before = |at: Option<DateTime<Utc>>, end: DateTime<Utc>| at.is_some_and(|at| at < end);
        match (self, facts.state()) {
            (Self::ToBegin, State::Waiting | State::Deferred) => true,
            (Self::BegunBefore(end), State::Sending) => before(facts.begun_at, end),
            (Self::AcceptedBefore(end), State::Accepted) => before(facts.accepted_at.or(facts.begun_at), end),
            (Self::DoubtedBefore(end), State::Unknown) => {
                facts.answer == Answer::InDoubt && before(facts.begun_at, end)
            }
            (Self::ToReopen { of, round }, state) => of.covers(state) && facts.round < round,
            _ => false,
        }
    }
}

/// Messages, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What was found.
    pub messages: Vec<Message>,
    /// The record from which to go on; `None` when all were looked at. A page may hold no
    /// message and still have a next one, because a scan looks at a bounded stretch at a time.
    pub next: Option<u32>,
}

/// One record and all that is known about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its key.
    pub key: MessageKey,
    /// The line of the source where the record begins, from 1.
    pub line: u64,
    /// Whether a message is planned.
    pub verdict: PlanVerdict,
    /// To whom.
    pub to: Option<Recipient>,
    /// The values of the template's parameters, encoded.
    pub parameters: Bytes,
    /// What is known of its delivery.
    pub facts: Facts,
}

/// Without the parameters, which may say anything about the person.
impl Debug for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("key", &self.key)
            .field("line", &self.line)
            .field("verdict", &self.verdict)
            .field("to", &self.to)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

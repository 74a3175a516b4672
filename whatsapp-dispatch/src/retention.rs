//! Keeping and forgetting. A campaign that has ended is kept for a while, because WhatsApp may still
//! tell of its messages and somebody may want to try them again. Then its log is exported, whole, and
//! what is known of each message is removed from the store.
//!
//! Three changes of the campaign keep the order, so that the death of the process at any instant
//! does no harm: [sealed](crate::campaigns::Status::Sealed), nothing changes any more, and every try
//! at the export writes the same; [exported](crate::campaigns::Status::Exported), the archive has all
//! of it, and removing begins; [forgotten](crate::campaigns::Status::Forgotten), nothing is left but
//! what was asked for and how many came to what.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::key::ArchiveKey;
use rules_core::work::StoreError;
use rules_core::work::archive::Archive;
use rules_core::work::tenants::TenantError;

use crate::campaign::CampaignName;
use crate::campaigns::CampaignRecord;
use crate::delivery::TOLD_FOR;
use crate::message::CampaignKey;

mod archivist;
mod export;
mod line;
mod place;
mod seal;

pub(crate) use archivist::Archivist;
pub use export::Export;

/// How long the logs of campaigns that have ended are kept in the store, and where they go then.
#[derive(Clone, Debug)]
pub struct Retention {
    archive: Arc<dyn Archive>,
    keep_for: Duration,
}

impl Retention {
    /// The shortest time for which a log is kept: 38 days. WhatsApp drops a message after 30 days
    /// ("Time-to-live", Meta), and repeats a webhook for 7.
    pub const LEAST: Duration = Duration::from_secs(38 * 24 * 3_600);

    /// Exports into this archive after 60 days: the [least](Self::LEAST), and three weeks in which
    /// the bill of the month comes and somebody may still want to try messages again.
    pub fn new(archive: Arc<dyn Archive>) -> Self {
        Self { archive, keep_for: Duration::from_secs(60 * 24 * 3_600) }
    }

    /// The same, keeping for so long after a campaign has ended.
    ///
    /// # Errors
    /// [`RetentionError`] for less than [`Retention::LEAST`].
    pub fn keeping(self, keep_for: Duration) -> Result<Self, RetentionError> {
        if keep_for < Self::LEAST {
            return Err(RetentionError);
        }
        Ok(Self { keep_for, ..self })
    }

    /// How long a log is kept after its campaign has ended.
    pub const fn keep_for(&self) -> Duration {
        self.keep_for
    }

    pub(crate) const fn archive(&self) -> &Arc<dyn Archive> {
        &self.archive
    }
}

/// The instant after which nothing more is told of a campaign; `None` of one that goes on.
fn told_until(record: &CampaignRecord) -> Option<DateTime<Utc>> {
    record.ended_at.map(|ended| ended.checked_add_signed(TOLD_FOR).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// A campaign whose log was exported and removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Which campaign.
    pub campaign: CampaignKey,
    /// Its name.
    pub name: CampaignName,
    /// Records that were removed, those without a message included.
    pub records: u64,
    /// The object that lists the parts of the export; `None` when an earlier call had written it.
    pub export: Option<ArchiveKey>,
}

impl Display for Forgotten {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} records are forgotten", self.name, self.records)?;
        match &self.export {
            Some(key) => write!(f, "; they lie in the archive under {key}"),
            None => Ok(()),
        }
    }
}

/// Logs would be forgotten while WhatsApp still tells of their messages.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("logs are kept for at least {} days after their campaign has ended: until then WhatsApp may tell of its messages", TOLD_FOR.num_days())]
pub struct RetentionError;

impl Classify for RetentionError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// Why a campaign is not forgotten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgetError {
    /// Nothing says where exports go.
    #[error("forgetting needs a retention; name one: builder(..).retention(Retention::new(archive))")]
    NoRetention,
    /// The campaign goes on, or may.
    #[error("the campaign {campaign} is {status}; cancel it first, or wait until it is finished")]
    NotEnded {
        /// Its name.
        campaign: CampaignName,
        /// Where it stands.
        status: &'static str,
    },
    /// Something may still be told of its messages.
    #[error(
        "WhatsApp may tell of messages of the campaign {campaign} until {}: forget it then, or early and lose what is told", until.format("%F %T UTC")
    )]
    TooEarly {
        /// Its name.
        campaign: CampaignName,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// The tenant is not let in.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store or the archive.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for ForgetError {
    fn fault(&self) -> Fault {
        match self {
            Self::NoRetention | Self::NotEnded { .. } => Fault::Rejected,
            Self::TooEarly { .. } => Fault::Transient,
            Self::Tenant(error) => error.fault(),
            Self::Store(error) => error.fault(),
        }
    }
}

const _: () = assert!(TOLD_FOR.num_seconds().cast_unsigned() == Retention::LEAST.as_secs());

/// `duration` as a difference of instants; as long as can be when it is longer.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

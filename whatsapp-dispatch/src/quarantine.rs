//! Changes that webhooks told of and that could not be given to anybody.
//!
//! They are answered with 200 all the same, because Meta would repeat them for 7 days and slow
//! down everything else. They are kept here so that somebody can see what is missing: a number
//! that no sender names, a tenant that is switched off.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::store::memory::{Memory, Part};
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use crate::sender::NumberId;

/// Changes that are kept, at most; the oldest make room.
pub const STRAYS_KEPT: usize = 10_000;
/// How long a change is kept: a day longer than Meta repeats a webhook.
pub const STRAYS_KEPT_FOR: Duration = Duration::from_secs(8 * 24 * 3_600);
/// Bytes of a change that are kept; the rest is cut off.
pub const STRAY_BYTES: usize = 64 * 1024;

/// Keeps changes that could not be given to anybody.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Quarantine: Debug + Send + Sync + 'static {
    /// Keeps changes, [`STRAYS_KEPT`] of them and for [`STRAYS_KEPT_FOR`]; one that is kept
    /// already stays as it is. What is kept is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of them kept or none.
    async fn put(&self, strays: &[Stray]) -> Result<(), StoreError>;

    /// What is kept in the order in which it came, `max` at a time; `after` is the last number
    /// of the page before. What is too old is left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn strays(&self, after: Option<u64>, max: usize) -> Result<Vec<Quarantined>, StoreError>;

    /// Forgets changes that were kept for [`STRAYS_KEPT_FOR`], even if no others come; says how
    /// many. Of very many, some are left to the next call.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of them forgotten or none.
    async fn forget_old(&self) -> Result<usize, StoreError>;
}
const _: fn(&dyn Quarantine) = |_| {};

/// A change that could not be given to anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct Stray {
    /// Why: `webhook.unknown_number`, `webhook.unknown_account`, `webhook.too_large` or
    /// `tenant.off`.
    pub code: Code,
    /// The WhatsApp business account; empty if it was not said.
    pub waba: String,
    /// The number that it is about, if it is about one.
    pub number_id: Option<NumberId>,
    /// What changed, in Meta's word; empty if it was not said.
    pub field: String,
    /// A webhook with this one change in it, as JSON; of a kept one, the first [`STRAY_BYTES`].
    pub change: Bytes,
}

impl Stray {
    /// The change's name: the same content has the same.
    pub(crate) fn id(&self) -> EntryId {
        EntryId::of(&[b"stray", &self.change])
    }

    /// The change as it is kept.
    pub(crate) fn kept(&self) -> Bytes {
        self.change.slice(..self.change.len().min(STRAY_BYTES))
    }
}

/// Without the content, which may say anything about people.
impl Debug for Stray {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stray")
            .field("code", &self.code)
            .field("waba", &self.waba)
            .field("number_id", &self.number_id)
            .field("field", &self.field)
            .field("bytes", &self.change.len())
            .finish()
    }
}

/// A change in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number in the order of coming.
    pub number: u64,
    /// When it came.
    pub at: DateTime<Utc>,
    /// What it is.
    pub stray: Stray,
}

#[derive(Debug, Default)]
struct Kept {
    strays: Mutex<(u64, VecDeque<(EntryId, Quarantined)>)>,
}

impl Part for Kept {
    fn new(_: &Memory) -> Self {
        Self::default()
    }
}

fn is_old(kept: &Quarantined, now: DateTime<Utc>) -> bool {
    after(kept.at, STRAYS_KEPT_FOR) <= now
}

#[async_trait]
impl Quarantine for Memory {
    async fn put(&self, strays: &[Stray]) -> Result<(), StoreError> {
        let (part, at) = (self.part::<Kept>(), self.clock().now());
        let mut kept = part.strays.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, kept) = &mut *kept;
        kept.retain(|(_, kept)| !is_old(kept, at));
        for stray in strays {
            let id = stray.id();
            if kept.iter().any(|(known, _)| *known == id) {
                continue;
            }
            *last += 1;
            let stray = Stray { change: stray.kept(), ..stray.clone() };
            kept.push_back((id, Quarantined { number: *last, at, stray }));
        }
        let surplus = kept.len().saturating_sub(STRAYS_KEPT);
        kept.drain(..surplus);
        Ok(())
    }

    async fn strays(&self, after: Option<u64>, max: usize) -> Result<Vec<Quarantined>, StoreError> {
        let (part, now) = (self.part::<Kept>(), self.clock().now());
        let kept = part.strays.lock().unwrap_or_else(PoisonError::into_inner);
        let after = after.unwrap_or_default();
        let kept = kept.1.iter().map(|(_, kept)| kept);
        let page = kept.filter(|kept| after < kept.number && !is_old(kept, now));
        Ok(page.take(max).cloned().collect())
    }

    async fn forget_old(&self) -> Result<usize, StoreError> {
        let (part, now) = (self.part::<Kept>(), self.clock().now());
        let mut kept = part.strays.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.1.len();
        kept.1.retain(|(_, kept)| !is_old(kept, now));
        Ok(before - kept.1.len())
    }
}

//! Campaigns as their store keeps them: what was asked for, and whether its messages may leave.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;

use crate::campaign::{CampaignKind, CampaignName, Definition};
use crate::fact::{Gate, Resend};
use crate::message::{CampaignKey, Salt};

mod status;

pub use status::{Change, Status};

/// The store of campaigns.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Campaigns: Debug + Send + Sync + 'static {
    /// Adds a campaign in [`Status::Planning`]. If the tenant has one of that name already, that
    /// one is returned unchanged, whatever it says.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the campaign added or not.
    async fn create(&self, campaign: &NewCampaign) -> Result<Created, StoreError>;

    /// Makes a change if the campaign still has this revision and the change is allowed.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; load the campaign before trying again.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the change made or not.
    async fn change(
        &self,
        campaign: &CampaignKey,
        revision: u32,
        change: &Change,
    ) -> Result<Changed, StoreError>;

    /// The campaigns with these keys, in order; `None` for one that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn load(&self, campaigns: &[CampaignKey]) -> Result<Vec<Option<CampaignRecord>>, StoreError>;

    /// Up to `max` campaigns that the selection names, in the order of their numbers, from those
    /// after number `after` on.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn list(&self, select: &Select, after: u32, max: usize) -> Result<Vec<CampaignRecord>, StoreError>;
}
const _: fn(&dyn Campaigns) = |_| {};

/// Which campaigns to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// A tenant's campaign of this name.
    Named(TenantId, CampaignName),
    /// All of a tenant.
    Of(TenantId),
    /// Those of all tenants that may have messages to send or to follow up: released, paused
    /// and cancelled ones.
    Active,
    /// Those of all tenants that send: released ones.
    Released,
    /// Those of all tenants that have ended and of whose messages something is left: finished,
    /// cancelled, sealed and exported ones.
    Ended,
}

impl Select {
    /// The tenant's campaign of this name.
    pub fn named(scope: &TenantScope, name: &CampaignName) -> Self {
        Self::Named(scope.id().clone(), name.clone())
    }

    /// All campaigns of the tenant.
    pub fn of(scope: &TenantScope) -> Self {
        Self::Of(scope.id().clone())
    }

    /// True when the selection names this campaign.
    pub(crate) fn takes(&self, record: &CampaignRecord) -> bool {
        match self {
            Self::Named(tenant, name) => record.key.tenant() == tenant && record.name == *name,
            Self::Of(tenant) => record.key.tenant() == tenant,
            Self::Active => record.status.is_active(),
            Self::Released => record.status == Status::Released,
            Self::Ended => record.status.has_ended(),
        }
    }
}

/// A campaign to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCampaign {
    /// Whose.
    pub tenant: TenantId,
    /// Its name, unique within the tenant.
    pub name: CampaignName,
    /// What is asked for.
    pub definition: Arc<Definition>,
    /// Identifies the source of its recipients.
    pub source: String,
    /// Its secret.
    pub salt: Salt,
}

impl NewCampaign {
    /// A campaign of the tenant.
    pub fn new(
        scope: &TenantScope,
        name: CampaignName,
        definition: Arc<Definition>,
        source: String,
        salt: Salt,
    ) -> Self {
        Self { tenant: scope.id().clone(), name, definition, source, salt }
    }
}

/// The answer to adding a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was added.
    New(CampaignRecord),
    /// One of that name was there.
    Known(CampaignRecord),
}

/// A campaign as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CampaignRecord {
    /// Its key.
    pub key: CampaignKey,
    /// Its name.
    pub name: CampaignName,
    /// What was asked for.
    pub definition: Arc<Definition>,
    /// Identifies the source of its recipients.
    pub source: String,
    /// Its secret; [`Salt::GONE`] once its messages are being removed, so that nobody can tell from
    /// an id in an export whose message it was.
    pub salt: Salt,
    /// Where it stands.
    pub status: Status,
    /// Why it stands there, if there is a reason.
    pub reason: Option<Code>,
    /// Raised by every change.
    pub revision: u32,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was released, or reopened for a round.
    pub released_at: Option<DateTime<Utc>>,
    /// When it was finished or cancelled; since then none of its messages was begun.
    pub ended_at: Option<DateTime<Utc>>,
    /// Rounds that were begun.
    pub round: u16,
    /// What the last round covers, while its messages are being reopened.
    pub reopening: Option<Resend>,
}

impl CampaignRecord {
    /// A campaign that was just added.
    pub fn added(key: CampaignKey, new: &NewCampaign, at: DateTime<Utc>) -> Self {
        Self {
            key,
            name: new.name.clone(),
            definition: Arc::clone(&new.definition),
            source: new.source.clone(),
            salt: new.salt.clone(),
            status: Status::Planning,
            reason: None,
            revision: 1,
            created_at: at,
            released_at: None,
            ended_at: None,
            round: 0,
            reopening: None,
        }
    }

    /// After this instant no message may begin.
    pub fn not_after(&self) -> Option<DateTime<Utc>> {
        let begins =
            self.released_at.max(self.definition.starts_at.filter(|_| self.released_at.is_some()))?;
        Some(rules_core::work::clock::after(begins, self.definition.expires_after?))
    }

    /// True when messages are added one by one, and one person may have many of them.
    pub fn is_stream(&self) -> bool {
        self.definition.kind == CampaignKind::Stream
    }

    /// True when messages may be added one by one now.
    pub fn takes_single_messages(&self) -> bool {
        self.is_stream() && matches!(self.status, Status::Released | Status::Paused)
    }

    /// What the campaign says to a message that wants to begin.
    pub fn gate(&self) -> Gate {
        Gate {
            open: self.status.opening(),
            not_before: self.definition.starts_at,
            not_after: self.not_after(),
            max_attempts: self.definition.max_attempts,
        }
    }

    /// Makes the change, if it is allowed.
    pub fn change(&mut self, change: &Change, at: DateTime<Utc>) -> bool {
        let Some(status) = self.status.after(change) else { return false };
        let reopened = matches!(change, Change::Reopen { .. });
        let in_round = self.reopening.is_some();
        // One round after the other, each to its end.
        let out_of_order = match change {
            Change::Reopen { .. } | Change::Finish => in_round,
            Change::Reopened => !in_round,
            _ => false,
        };
        if out_of_order {
            return false;
        }
        if status == Status::Released && (self.released_at.is_none() || reopened) {
            self.released_at = Some(at);
        }
        match change {
            Change::Reopen { of } => {
                self.round = self.round.saturating_add(1);
                self.reopening = Some(*of);
                self.ended_at = None;
            }
            Change::Reopened => self.reopening = None,
            Change::Cancel => {
                self.reopening = None;
                self.ended_at = Some(at);
            }
            Change::Finish => self.ended_at = Some(at),
            Change::Exported => self.salt = Salt::GONE,
            _ => {}
        }
        self.reason = match change {
            Change::Pause { code } => Some(code.clone()),
            Change::Reopened => self.reason.take(),
            Change::Planned
            | Change::Release
            | Change::Resume
            | Change::Cancel
            | Change::Finish
            | Change::Reopen { .. }
            | Change::Seal
            | Change::Exported
            | Change::Forgotten => None,
        };
        self.status = status;
        self.revision += 1;
        true
    }
}

/// The answer to a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was made.
    Made(CampaignRecord),
    /// Somebody else changed the campaign first; this is what it is now.
    Moved(CampaignRecord),
    /// The campaign's status does not allow it.
    NotAllowed(CampaignRecord),
    /// There is no such campaign.
    Missing,
}

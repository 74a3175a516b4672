//! What WhatsApp told of numbers, portfolios and templates, and which media it has of ours.
//!
//! Small texts under a subject; of two on one subject the later counts. What a text means is the
//! business of whoever notes it.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;

mod memory;

/// The register of what was told.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Register: Debug + Send + Sync + 'static {
    /// Notes what was told. Of two notes on one subject the one of the later instant counts,
    /// whatever the order in which they are noted; of two of one instant, the greater text.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all notes made or none.
    async fn note(&self, notes: &[Note]) -> Result<(), StoreError>;

    /// What was told of each subject last, in order; `None` for nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn look(&self, subjects: &[NoteKey]) -> Result<Vec<Option<Note>>, StoreError>;

    /// Up to `max` notes of one kind, in the order of owner and name, from those after `after`
    /// on.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn list(&self, kind: NoteKind, after: Option<NoteKey>, max: usize)
    -> Result<Vec<Note>, StoreError>;

    /// Forgets what was noted of these subjects.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn forget(&self, subjects: &[NoteKey]) -> Result<(), StoreError>;
}
const _: fn(&dyn Register) = |_| {};

/// What kind of thing a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// A sending number: its throughput and quality.
    Number,
    /// A business portfolio: its messaging limit. Shared by the tenants in it.
    Portfolio,
    /// A message template: its status, quality and category.
    Template,
    /// A file that was uploaded: its id at WhatsApp.
    Media,
}

impl NoteKind {
    /// The kind as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Portfolio => "portfolio",
            Self::Template => "template",
            Self::Media => "media",
        }
    }
}

/// What a note is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteKey {
    kind: NoteKind,
    /// `None` for what tenants share.
    owner: Option<TenantId>,
    name: String,
}

impl NoteKey {
    /// Something of the tenant's: a number, a template, a file.
    pub fn new(scope: &TenantScope, kind: NoteKind, name: impl Into<String>) -> Self {
        Self { kind, owner: Some(scope.id().clone()), name: name.into() }
    }

    /// The portfolio that the tenant is in, perhaps with others.
    pub fn portfolio(_: &TenantScope, name: impl Into<String>) -> Self {
        Self { kind: NoteKind::Portfolio, owner: None, name: name.into() }
    }

    /// A key as it comes back out of a store.
    #[cfg(any(feature = "redis", feature = "sqlite"))]
    pub(crate) fn stored(kind: NoteKind, owner: Option<TenantId>, name: String) -> Self {
        Self { kind, owner, name }
    }

    /// What kind of thing.
    pub const fn kind(&self) -> NoteKind {
        self.kind
    }

    /// Whose; `None` for what tenants share.
    pub const fn owner(&self) -> Option<&TenantId> {
        self.owner.as_ref()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What was told of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Of what.
    pub key: NoteKey,
    /// When it was told.
    pub at: DateTime<Utc>,
    /// What, as its writer encoded it. No personal data.
    pub text: String,
}

use std::fmt::{self, Display, Formatter, Write};
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;
use sha2::{Digest, Sha256};

use super::{PlanError, Sync};
use crate::desk::AccountDesk;
use crate::drift::Drift;
use crate::listing::ListingKey;
use crate::merge::Action;
use crate::quantity::Quantity;
use crate::reconciler::{Judged, Reconciler, learn_demand};
use crate::sku_map::ListingId;
use crate::sync_store::ListingRecord;

/// What would be done about the listings: a dry run. Nothing is published by making it.
///
/// It holds the listings about which something would be done or should be looked at, in the order
/// of their keys; the others are counted. [`Plan::to_tsv`] writes it as a file for people,
/// [`Plan::from_tsv`] reads it again, and [`Sync::apply`] carries it out, as far as what it rests on
/// is still so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a plan changes nothing until it is applied"]
pub struct Plan {
    pub(super) shelf: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) listings: usize,
    pub(super) rows: Vec<PlanRow>,
}

/// What would be done about one listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanRow {
    /// Which.
    pub listing: PlannedListing,
    /// What Amazon shows; `None` when that is not known.
    pub shown: Option<Quantity>,
    /// What can ship; `None` when nobody knows.
    pub ours: Option<Quantity>,
    /// What it would show; `None` when nothing would be written.
    pub becomes: Option<Quantity>,
    /// How it stands.
    pub class: Drift,
    /// Why, for a person.
    pub why: String,
    /// The first digits of a digest of everything that the row rests on.
    pub rests_on: String,
}

/// A listing as a plan names it: without the tenant, whose shelf the plan is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlannedListing {
    /// Amazon's name of the seller.
    pub seller: String,
    /// The region's word.
    pub region: String,
    /// The seller's name for the listing.
    pub sku: String,
    /// Amazon's code of its channel.
    pub channel: String,
}

impl PlannedListing {
    pub(super) fn of(key: &ListingKey) -> Self {
        let account = key.account();
        Self {
            seller: account.seller().to_string(),
            region: account.region().to_string(),
            sku: key.sku().to_string(),
            channel: key.channel().to_string(),
        }
    }
}

impl Display for PlannedListing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) of {} in {}", self.sku, self.channel, self.seller, self.region)
    }
}

impl Plan {
    /// Which shelf it is about.
    pub fn shelf(&self) -> &str {
        &self.shelf
    }

    /// When it was made.
    pub const fn made_at(&self) -> DateTime<Utc> {
        self.made_at
    }

    /// How many listings were looked at.
    pub const fn listings(&self) -> usize {
        self.listings
    }

    /// The listings about which something would be done, or should be looked at.
    pub fn rows(&self) -> &[PlanRow] {
        &self.rows
    }

    /// How many listings would show another number.
    pub fn writes(&self) -> usize {
        self.rows.iter().filter(|row| row.becomes.is_some()).count()
    }

    /// A digest of everything that it rests on: two plans with the same one say the same.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.shelf.as_bytes());
        for row in &self.rows {
            hash.update([0]);
            hash.update(row.listing.to_string());
            hash.update(row.rests_on.as_bytes());
        }
        first_digits(hash)
    }
}

/// A line for each class with what would be done.
impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "plan of {} for the shelf {}: {} of {} listings would show another number",
            self.made_at.format("%F %T"),
            self.shelf,
            self.writes(),
            self.listings
        )?;
        for class in Drift::ALL {
            let rows = || self.rows.iter().filter(|row| row.class == class);
            let (all, writes) = (rows().count(), rows().filter(|row| row.becomes.is_some()).count());
            if 0 < all {
                writeln!(f, "  {class}: {all}, of which {writes} would be written")?;
            }
        }
        Ok(())
    }
}

impl Sync {
    /// Reads the orders, the host's stock and the listings as they are, and says what would be done
    /// about each listing, without doing it. What was read is in the ledger afterwards; no number is
    /// published and none is decided.
    ///
    /// A listing that could show more than it does may have been sold by an order that Amazon has not
    /// told yet. Where there is one, the plan waits some two and a half minutes for the orders up to
    /// the instant at which the listings were read.
    ///
    /// While the services run ([`Sync::run`]), it goes by what they know.
    ///
    /// # Errors
    /// [`PlanError`] when Amazon, the host's stock or the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves some of it read, and nothing published.
    #[tracing::instrument(name = "sync.plan", skip_all)]
    pub async fn plan(&self) -> Result<Plan, PlanError> {
        self.catch_up().await?;
        let mut rows = Vec::new();
        let mut listings = 0;
        for account in &self.desk.accounts {
            let mut judged = self.judge_all(account).await?;
            let orders_to = judged.iter().filter_map(|judged| judged.orders_to).max();
            if let Some(orders_to) = orders_to.filter(|_| !self.desk.is_running.load(Ordering::Relaxed)) {
                self.orders_to(account, orders_to).await?;
                judged = self.judge_all(account).await?;
            }
            listings += judged.len();
            rows.extend(judged.iter().filter_map(row));
        }
        rows.sort_by(|one, other| one.listing.cmp(&other.listing));
        Ok(Plan { shelf: self.desk.shelf.name().to_owned(), made_at: self.desk.clock.now(), listings, rows })
    }

    async fn judge_all(&self, account: &AccountDesk) -> Result<Vec<Judged>, StoreError> {
        learn_demand(&self.desk).await?;
        let mut reconciler = Reconciler::new(std::sync::Arc::clone(&self.desk));
        let ids: Vec<ListingId> = account.map().listings().map(|(id, _)| id).collect();
        let mut judged = Vec::with_capacity(ids.len());
        for group in ids.chunks(self.desk.config.reconcile_group.max(1)) {
            judged.extend(reconciler.preview(account, group).await?);
        }
        Ok(judged)
    }
}

/// What the plan says of a listing; nothing for one that is as it should be.
fn row(judged: &Judged) -> Option<PlanRow> {
    let decision = judged.decision;
    let is_written = judged.becomes().is_some();
    if decision.class == Drift::InSync && !is_written {
        return None;
    }
    Some(PlanRow {
        listing: PlannedListing::of(&judged.key),
        shown: shown(&judged.before),
        ours: judged.ours,
        becomes: judged.becomes(),
        class: decision.class,
        why: why(judged).to_owned(),
        rests_on: rests_on(judged),
    })
}

fn shown(record: &ListingRecord) -> Option<Quantity> {
    record.shown.as_ref().and_then(|shown| shown.state.effective)
}

fn why(judged: &Judged) -> &'static str {
    match (judged.decision.class, judged.decision.action) {
        (_, Action::Freeze) => "somebody has to look first",
        _ if judged.before.frozen.is_some() => "it is frozen until somebody has looked",
        (_, Action::Reread) if judged.orders_to.is_some() => "orders that are not known yet may explain it",
        (_, Action::Reread) => "it has to be read again",
        (_, Action::Wait(_)) => "a number is on its way",
        (Drift::Unmapped, _) => "nobody said how many there are of one of its items",
        (Drift::Ambiguous, _) => "the SKU map says two things about it",
        (Drift::ForeignWrite, Action::Publish(_)) => "somebody else wrote a number, and ours wins",
        (Drift::ForeignWrite, _) => "somebody else wrote a number, and it stays",
        (Drift::UnseenSale, _) => "Amazon sold units of which no order is known yet",
        (Drift::LateCancel, _) => "Amazon shows more than the orders explain",
        (Drift::Missing, _) => "Amazon does not show it",
        (Drift::LostWrite, _) => "a number was lost on its way",
        (Drift::DeclaredEffectiveGap, _) => "Amazon has stored the number and does not show it yet",
        (Drift::OursAhead, _) if judged.before.base.is_none() => "both never agreed on a number",
        (Drift::OursAhead, _) => "what can ship has changed",
        (Drift::InSync | Drift::InFlight | Drift::ChannelFlip, _) => "as it should be",
    }
}

/// The first digits of a digest of what a decision rests on: the numbers, not when they were read.
pub(super) fn rests_on(judged: &Judged) -> String {
    let mut hash = Sha256::new();
    let mut part = |number: Option<i64>| {
        hash.update([u8::from(number.is_some())]);
        hash.update(number.unwrap_or_default().to_be_bytes());
    };
    let record = &judged.before;
    let of = |quantity: Option<Quantity>| quantity.map(i64::from);
    part(of(shown(record)));
    part(of(judged.ours));
    part(of(record.base.map(|base| base.quantity)));
    part(record.base.map(|base| base.sold.get()));
    part(Some(record.sold.get()));
    part(record.intent.as_ref().map(|intent| intent.generation.cast_signed()));
    part(record.shown.as_ref().map(|shown| i64::from(shown.absent)));
    part(of(judged.becomes()));
    hash.update(record.shown.as_ref().map_or("", |shown| shown.state.channel.code()));
    hash.update([u8::from(record.frozen.is_some())]);
    first_digits(hash)
}

fn first_digits(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().take(6).fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

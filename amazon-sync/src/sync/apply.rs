use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use rules_core::work::StoreError;

use super::plan::{Plan, PlanRow, PlannedListing, rests_on};
use super::{ApplyError, Sync};
use crate::desk::AccountDesk;
use crate::reconciler::{Judged, Reconciler, learn_demand};
use crate::sku_map::ListingId;
use crate::sync_store::{Commit, Committed, ListingChange, ListingOutcome};

/// What is done about listings that are no more as the plan found them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moved {
    /// Nothing of the plan is applied.
    #[default]
    RefuseAll,
    /// They are left out.
    LeaveOut,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// Numbers that are decided now, and published by [`Sync::run`].
    pub decided: usize,
    /// Listings that were left out, each with the reason.
    pub left_out: Vec<(PlannedListing, String)>,
}

impl Display for Applied {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} numbers are decided", self.decided)?;
        for (listing, why) in &self.left_out {
            writeln!(f, "left out {listing}: {why}")?;
        }
        Ok(())
    }
}

impl Sync {
    /// Decides the numbers that a plan says, as far as what it rests on is still so: the number that
    /// Amazon showed, what can ship, what was sold. [`Sync::run`] publishes them. Applying a plan
    /// again decides nothing twice.
    ///
    /// # Errors
    /// [`ApplyError::Moved`] when a listing is not as the plan found it, unless those are to be left
    /// out; [`ApplyError::OtherShelf`] for a plan about another shelf.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the first of the numbers decided; apply it again to go on.
    #[tracing::instrument(name = "sync.apply", skip_all, fields(rows = plan.rows.len()))]
    pub async fn apply(&self, plan: &Plan, moved: Moved) -> Result<Applied, ApplyError> {
        let ours = self.desk.shelf.name();
        if plan.shelf != ours {
            return Err(ApplyError::OtherShelf { theirs: plan.shelf.clone(), ours: ours.to_owned() });
        }
        let wanted: Vec<&PlanRow> = plan.rows.iter().filter(|row| row.becomes.is_some()).collect();
        let mut applied = Applied::default();
        let mut decided: Vec<Judged> = Vec::new();
        let mut known: HashMap<PlannedListing, Judged> = HashMap::new();
        for account in &self.desk.accounts {
            let judged = self.preview_named(account, &wanted).await?;
            known.extend(judged.into_iter().map(|judged| (PlannedListing::of(&judged.key), judged)));
        }
        for row in &wanted {
            let judged = known.remove(&row.listing);
            match judged {
                None => {
                    applied.left_out.push((row.listing.clone(), "the SKU map does not have it".to_owned()));
                }
                Some(judged) if is_decided(row, &judged) => {}
                Some(judged) => match difference(row, &judged) {
                    Some(why) => applied.left_out.push((row.listing.clone(), why)),
                    None => decided.push(judged),
                },
            }
        }
        if let (Moved::RefuseAll, Some((listing, why))) = (moved, applied.left_out.first()) {
            return Err(ApplyError::Moved {
                moved: applied.left_out.len(),
                rows: wanted.len(),
                first: format!("{listing}: {why}"),
            });
        }
        self.decide(decided, &mut applied).await?;
        Ok(applied)
    }

    async fn preview_named(
        &self,
        account: &AccountDesk,
        rows: &[&PlanRow],
    ) -> Result<Vec<Judged>, StoreError> {
        learn_demand(&self.desk).await?;
        let map = account.map();
        let mut reconciler = Reconciler::new(std::sync::Arc::clone(&self.desk));
        let (seller, region) = (account.account.seller().as_str(), account.account.region().as_str());
        let mine = rows.iter().filter(|row| row.listing.seller == seller && row.listing.region == region);
        let ids: Vec<ListingId> = mine
            .filter_map(|row| {
                let sku = crate::sku::Sku::parse(&row.listing.sku).ok()?;
                map.listing(&sku, &crate::listing::Channel::of(&row.listing.channel)).ok()
            })
            .collect();
        let mut judged = Vec::with_capacity(ids.len());
        for group in ids.chunks(self.desk.config.reconcile_group.max(1)) {
            judged.extend(reconciler.preview(account, group).await?);
        }
        Ok(judged)
    }

    async fn decide(&self, decided: Vec<Judged>, applied: &mut Applied) -> Result<(), StoreError> {
        for group in decided.chunks(self.desk.config.reconcile_group.max(1)) {
            let mut commit = Commit::default();
            for judged in group {
                if let Some(record) = &judged.changed {
                    commit.listings.push(ListingChange { record: record.clone() });
                    commit.evidence.extend(judged.evidence(&self.desk));
                }
            }
            let Committed::Done(receipt) = self.desk.commit(&commit).await? else { continue };
            let changed = group.iter().filter(|judged| judged.changed.is_some());
            for (judged, outcome) in changed.zip(&receipt.listings) {
                match outcome {
                    ListingOutcome::Made(_) => applied.decided += 1,
                    ListingOutcome::Changed => {
                        let why = "it was changed while the plan was applied".to_owned();
                        applied.left_out.push((PlannedListing::of(&judged.key), why));
                    }
                }
            }
        }
        Ok(())
    }
}

/// True when the listing has the number of the row decided, or on its way, already.
fn is_decided(row: &PlanRow, judged: &Judged) -> bool {
    judged.before.intent.as_ref().is_some_and(|intent| Some(intent.quantity) == row.becomes)
}

/// What is not as the plan found it, if anything.
fn difference(row: &PlanRow, judged: &Judged) -> Option<String> {
    let number = |quantity: Option<crate::quantity::Quantity>| {
        quantity.map_or_else(|| "nothing".to_owned(), |quantity| quantity.to_string())
    };
    let shown = judged.before.shown.as_ref().and_then(|shown| shown.state.effective);
    if shown != row.shown {
        return Some(format!("Amazon showed {} and shows {}", number(row.shown), number(shown)));
    }
    if judged.ours != row.ours {
        return Some(format!("{} could ship and {} can", number(row.ours), number(judged.ours)));
    }
    let becomes = judged.becomes();
    if becomes != row.becomes {
        return Some(format!("it would become {} and not {}", number(becomes), number(row.becomes)));
    }
    (rests_on(judged) != row.rests_on)
        .then(|| "what was sold of it, or agreed about it, has changed".to_owned())
}

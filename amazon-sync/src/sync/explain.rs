use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use super::Sync;
use crate::drift::Drift;
use crate::historian::Historian;
use crate::ledger::Story;
use crate::listing::ListingKey;
use crate::quantity::Quantity;
use crate::reconciler::{Judged, Reconciler, learn_demand};
use crate::sku::{ItemCode, Sku};
use crate::sku_map::{ListingId, Unresolved};
use crate::sync_store::ListingRecord;

/// Movements of each item that are told one by one.
const MOVEMENTS: usize = 20;

/// Why a SKU shows what it shows: what it is made of, where each part was at an instant and what
/// moved it, and how each of its listings stands now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// Which.
    pub sku: Sku,
    /// The instant that was asked for.
    pub at: DateTime<Utc>,
    /// Why the SKU stands for nothing, by each account that does not have it.
    pub unresolved: Vec<(String, Unresolved)>,
    /// Its parts, with the units in one of it, as the ledger knew them at the instant.
    pub parts: Vec<(u32, Story)>,
    /// Its listings as they are now.
    pub listings: Vec<ExplainedListing>,
}

/// How a listing stands now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedListing {
    /// Which.
    pub key: ListingKey,
    /// What is known of it.
    pub record: ListingRecord,
    /// What can ship.
    pub ours: Option<Quantity>,
    /// How it stands.
    pub class: Drift,
}

impl Sync {
    /// Why a SKU shows what it shows, with its parts as the ledger knew them at an instant.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    ///
    /// # Cancel safety
    /// Nothing is changed by it.
    pub async fn explain(&self, sku: &Sku, at: DateTime<Utc>) -> Result<Explained, StoreError> {
        learn_demand(&self.desk).await?;
        let historian = Historian::new(Arc::clone(&self.desk.store));
        let mut explained = Explained {
            sku: sku.clone(),
            at,
            unresolved: Vec::new(),
            parts: Vec::new(),
            listings: Vec::new(),
        };
        for account in &self.desk.accounts {
            let map = account.map();
            let recipe = match map.recipe(sku) {
                Ok(recipe) => recipe,
                Err(why) => {
                    explained.unresolved.push((account.account.to_string(), why));
                    continue;
                }
            };
            let parts: Vec<(ItemCode, u32)> = recipe
                .iter()
                .filter_map(|(item, units)| Some((map.item_code(item)?.clone(), units)))
                .collect();
            for (item, units) in parts {
                if explained.parts.iter().all(|(_, story)| story.item != item) {
                    let story = historian.story(&self.desk.shelf, &item, None, at, MOVEMENTS).await?;
                    explained.parts.push((units, story));
                }
            }
            let ids: Vec<ListingId> =
                map.listings_of(sku).ok().into_iter().flatten().map(|(id, _)| id).collect();
            let mut reconciler = Reconciler::new(Arc::clone(&self.desk));
            let judged = reconciler.preview(account, &ids).await?;
            explained.listings.extend(judged.into_iter().map(|judged| {
                let Judged { key, before, ours, decision, .. } = judged;
                ExplainedListing { key, record: before, ours, class: decision.class }
            }));
        }
        Ok(explained)
    }
}

impl Display for Explained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} at {}", self.sku, self.at.format("%F %T"))?;
        for (account, why) in &self.unresolved {
            writeln!(f, "{account}: {why}")?;
        }
        for (units, story) in &self.parts {
            writeln!(f, "{units} of each:")?;
            write!(f, "{story}")?;
        }
        self.listings.iter().try_for_each(|listing| listing.fmt(f))
    }
}

impl Display for ExplainedListing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let number = |quantity: Option<Quantity>| {
            quantity.map_or_else(|| "?".to_owned(), |quantity| quantity.to_string())
        };
        let record = &self.record;
        let shown = record.shown.as_ref();
        writeln!(f, "{}: {}", self.key, self.class)?;
        writeln!(f, "  can ship {}", number(self.ours))?;
        let read = shown.map_or_else(String::new, |shown| {
            format!(", read at {}, {} times the same", shown.state.as_of.format("%F %T"), shown.times)
        });
        writeln!(f, "  Amazon shows {}{read}", number(shown.and_then(|shown| shown.state.effective)))?;
        if let Some(base) = &record.base {
            writeln!(
                f,
                "  agreed on {} at {}, {} sold since",
                base.quantity,
                base.at.format("%F %T"),
                record.sold.get() - base.sold.get()
            )?;
        }
        if let Some(intent) = &record.intent {
            let stage = if intent.is_in_flight() { "on its way" } else { "decided" };
            writeln!(
                f,
                "  {} {stage} since {}, for {}",
                intent.quantity,
                intent.decided_at.format("%F %T"),
                intent.why
            )?;
        }
        if let Some(code) = &record.frozen {
            writeln!(f, "  frozen: {code}")?;
        }
        Ok(())
    }
}

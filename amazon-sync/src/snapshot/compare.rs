use std::collections::{BTreeMap, HashMap};

use rules_core::work::StoreError;

use super::{ROWS, Snapshots, Unreadable};
use crate::desk::Amendment;
use crate::desk::TurnError;
use crate::listing::ListingState;
use crate::marketplace::{SnapshotRef, SnapshotRow};
use crate::merge;
use crate::quantity::Units;
use crate::reader::seen;
use crate::sku::Sku;
use crate::sku_map::{ListingId, SkuMap, Unresolved};
use crate::sync_store::Commit;

/// SKUs that get a letter of their own; the rest is told by number.
const LETTERS: usize = 50;

/// What a snapshot held so far.
struct Comparison<'a> {
    map: &'a SkuMap,
    /// Listings that it held, by id.
    held: Vec<bool>,
    /// States of listings through another channel than the map says: they count only when their own
    /// does not come.
    flipped: HashMap<ListingId, ListingState>,
    unresolved: BTreeMap<Sku, Unresolved>,
    unresolved_more: usize,
    unreadable: Unreadable,
    rows: usize,
}

impl Comparison<'_> {
    /// Whose state it is, if it is to be compared.
    fn place(&mut self, state: &ListingState) -> Option<ListingId> {
        self.rows += 1;
        let listings = match self.map.listings_of(&state.sku) {
            Ok(listings) => listings,
            Err(why) => {
                if self.unresolved.len() < LETTERS {
                    self.unresolved.insert(state.sku.clone(), why);
                } else {
                    self.unresolved_more += 1;
                }
                return None;
            }
        };
        let listings: Vec<_> = listings.map(|(id, listing)| (id, listing.channel.clone())).collect();
        if let Some((id, channel)) = listings.iter().find(|(_, channel)| *channel == state.channel) {
            self.hold(*id);
            // What Amazon ships is nobody's business here.
            return (!channel.is_amazon()).then_some(*id);
        }
        if let Some((id, _)) = listings.first() {
            self.flipped.insert(*id, state.clone());
        }
        None
    }

    fn hold(&mut self, id: ListingId) {
        if let Some(held) = self.held.get_mut(id.index()) {
            *held = true;
        }
    }
}

impl Snapshots {
    /// Compares all listings with a snapshot, row by row.
    pub(super) async fn compare(&self, ready: &SnapshotRef, sold: &[Units]) -> Result<(), TurnError> {
        let map = self.account.map();
        let mut found = Comparison {
            map: &map,
            held: vec![false; map.listing_count()],
            flipped: HashMap::new(),
            unresolved: BTreeMap::new(),
            unresolved_more: 0,
            unreadable: Unreadable::default(),
            rows: 0,
        };
        let mut rows = self.desk.market.snapshot_rows(&self.account.account, ready).await?;
        loop {
            let page = rows.next(ROWS).await?;
            if page.is_empty() {
                break;
            }
            let mut states: HashMap<ListingId, ListingState> = HashMap::new();
            for row in page {
                match row {
                    Ok(SnapshotRow::Listing(state)) => {
                        if let Some(id) = found.place(&state) {
                            states.insert(id, state);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => found.unreadable.add(error),
                }
            }
            self.take_states(&map, states, sold).await?;
        }
        self.finish_comparison(found, sold).await?;
        Ok(())
    }

    async fn take_states(
        &self,
        map: &SkuMap,
        states: HashMap<ListingId, ListingState>,
        sold: &[Units],
    ) -> Result<(), StoreError> {
        let mut states: Vec<_> = states.into_iter().collect();
        states.sort_by_key(|(id, _)| *id);
        let amendments = states.iter().filter_map(|(id, state)| {
            let key = map.mapped(*id)?.key(&self.account.account);
            let sold = sold.get(id.index()).copied().unwrap_or_default();
            Some(seen(&key, std::slice::from_ref(state), sold))
        });
        self.desk.amend(amendments.collect(), Commit::default()).await?;
        Ok(())
    }

    async fn finish_comparison(&self, mut found: Comparison<'_>, sold: &[Units]) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        self.tell_unreadable(&found.unreadable, &mut commit);
        for (sku, why) in &found.unresolved {
            let letter = self.desk.letter(
                format!("SKU {sku} of {}", self.account.account),
                why.code(),
                format!("Amazon lists {sku:?}, and {why}; nothing is written to it"),
            );
            commit.letters.push(letter);
        }
        if 0 < found.unresolved_more {
            let text =
                format!("{} more rows of SKUs that stand for nothing in the SKU map", found.unresolved_more);
            commit.letters.push(self.desk.letter(
                self.account.account.to_string(),
                Unresolved::Unmapped.code(),
                text,
            ));
        }
        self.desk.commit(&commit).await?;
        let flipped: HashMap<_, _> = std::mem::take(&mut found.flipped)
            .into_iter()
            .filter(|(id, _)| !found.held.get(id.index()).copied().unwrap_or_default())
            .collect();
        for id in flipped.keys() {
            found.hold(*id);
        }
        self.take_states(found.map, flipped, sold).await?;
        // A snapshot that holds next to nothing tells that something is wrong with it, not with
        // all listings at once.
        if 0 < found.rows {
            self.take_absences(&found).await?;
        }
        self.account.look_at_all();
        self.desk.moved.notify_one();
        Ok(())
    }

    /// Absent once is not gone: it is counted.
    async fn take_absences(&self, found: &Comparison<'_>) -> Result<(), StoreError> {
        let absent: Vec<_> = found
            .map
            .listings()
            .filter(|(id, listing)| {
                !found.held.get(id.index()).copied().unwrap_or(true) && !listing.channel.is_amazon()
            })
            .map(|(_, listing)| listing.key(&self.account.account))
            .collect();
        for keys in absent.chunks(ROWS) {
            let amendments = keys.iter().map(|key| {
                Amendment::new(key.clone(), |record| {
                    let shown = merge::absent(record.shown.as_ref());
                    let is_news = shown != record.shown;
                    record.shown = shown;
                    is_news
                })
            });
            self.desk.amend(amendments.collect(), Commit::default()).await?;
        }
        Ok(())
    }
}

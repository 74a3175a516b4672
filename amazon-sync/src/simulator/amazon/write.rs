//! Writes to listings: accepted at once, in effect later, if at all.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::behaviour::Span;
use super::super::draw::Draw;
use super::super::happening::{What, Why};
use super::super::plan::Operation;
use super::Amazon;
use super::agenda::Event;
use super::call::{Reply, Worth, later, uuid};
use super::listing::{AmazonShelf, Change, Entry, Listing, MERCHANT, Patch, Writing};
use crate::quantity::Quantity;
use crate::sku::Sku;

/// What a write was answered with. That it was refused is told with HTTP 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Accepted {
    pub(in super::super) submission: String,
    pub(in super::super) issues: Vec<Issue>,
    pub(in super::super) is_preview: bool,
    /// It asks for numbers that are there, or are on their way, already.
    pub(in super::super) is_idle: bool,
}

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Issue {
    pub(in super::super) code: &'static str,
    pub(in super::super) message: String,
    pub(in super::super) attribute: &'static str,
    pub(in super::super) category: &'static str,
}

impl Issue {
    const fn new(code: &'static str, message: String, category: &'static str) -> Self {
        Self { code, message, attribute: "fulfillment_availability", category }
    }

    pub(in super::super) fn missing(field: &str) -> Self {
        Self::new("90220", format!("'{field}' is required but not supplied."), "MISSING_ATTRIBUTE")
    }

    pub(in super::super) fn wrong(field: &str) -> Self {
        Self::new("90000900", format!("The value of '{field}' is invalid."), "INVALID_ATTRIBUTE")
    }

    fn unknown_sku(sku: &Sku) -> Self {
        Self::new("8560", format!("SKU {sku} does not match any product."), "INVALID_ATTRIBUTE")
    }
}

/// When a write arrives, if luck wills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// On the stored attribute.
    pub(super) stored: Option<DateTime<Utc>>,
    /// With buyers.
    pub(super) shown: Option<DateTime<Utc>>,
}

impl Amazon {
    /// `patchListingsItem`.
    pub(in super::super) fn patch(
        &mut self,
        account: &AmazonAccount,
        sku: &Sku,
        patches: Result<Vec<Patch>, Issue>,
        is_preview: bool,
    ) -> Reply<Accepted> {
        self.call(account, Operation::PatchListingsItem, sku.as_str(), |amazon| {
            let span = amazon.behaviour.patch_effect;
            let accepted = amazon.accept(account, sku, patches, is_preview, |draw| draw.within(span));
            let worth = if accepted.is_idle { Worth::Nothing } else { Worth::Something };
            Ok((accepted, worth))
        })
    }

    /// Takes a write of either kind: `delay` says when it should arrive.
    pub(super) fn accept(
        &mut self,
        account: &AmazonAccount,
        sku: &Sku,
        patches: Result<Vec<Patch>, Issue>,
        is_preview: bool,
        delay: impl FnOnce(&mut Draw) -> TimeDelta,
    ) -> Accepted {
        let (at, seed, faults) = (self.now, self.seed, self.faults.clone());
        let name = account.to_string();
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        let patches = patches.and_then(|patches| checked(patches, sku, listing.as_deref()));
        let nth = listing.as_ref().map_or(0, |listing| listing.n_writes + 1);
        let mut draw = Draw::new(seed, &["write", &name, sku.as_str()], nth);
        let submission = uuid(&mut draw);
        let refused = |issue| Accepted {
            submission: submission.clone(),
            issues: vec![issue],
            is_preview,
            is_idle: false,
        };
        let (patches, listing) = match (patches, listing) {
            (Err(issue), _) => return refused(issue),
            (Ok(_), None) => return refused(Issue::unknown_sku(sku)),
            (Ok(patches), Some(listing)) => (patches, listing),
        };
        let accepted =
            |is_idle| Accepted { submission: submission.clone(), issues: Vec::new(), is_preview, is_idle };
        if is_preview {
            return accepted(false);
        }
        listing.n_writes = nth;
        let is_idle = changes_nothing(listing, &patches);
        let [lost, late, stuck] =
            [faults.lost_write, faults.late_write, faults.stuck_write].map(|chance| draw.chance(chance));
        let on_time = delay(&mut draw);
        let extra = draw.within(Span::seconds(300, 1_200));
        let whole = if late { on_time + extra } else { on_time };
        let stored = later(at, whole * i32::try_from(draw.between(1, 9)).unwrap_or(5) / 10);
        let arrival = Arrival {
            stored: (!lost).then_some(stored),
            shown: (!lost && !stuck).then_some(later(at, whole)),
        };
        if arrival.stored.is_some() {
            let reaches_buyers = arrival.shown.is_some();
            listing.writing.insert(nth, Writing { patches, accepted_at: at, reaches_buyers });
        }
        if let Some(at) = arrival.stored {
            self.agenda.put(at, Event::Stored { account: account.clone(), sku: sku.clone(), write: nth });
        }
        if let Some(at) = arrival.shown {
            self.agenda.put(at, Event::Shown { account: account.clone(), sku: sku.clone(), write: nth });
        }
        self.tally.writes += 1;
        self.tally.idle_writes += u64::from(is_idle);
        self.tally.lost_writes += u64::from(lost);
        self.tally.stuck_writes += u64::from(stuck && !lost);
        accepted(is_idle)
    }

    pub(super) fn store(&mut self, account: &AmazonAccount, sku: &Sku, write: u64) {
        let at = self.now;
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        let Some(listing) = listing else { return };
        let Some(writing) = listing.writing.get(&write).cloned() else { return };
        for patch in &writing.patches {
            listing.store(patch);
        }
        listing.updated_at = at;
        if !writing.reaches_buyers {
            listing.writing.remove(&write);
        }
    }

    pub(super) fn show(&mut self, account: &AmazonAccount, sku: &Sku, write: u64) {
        let at = self.now;
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        let Some(listing) = listing else { return };
        let Some(writing) = listing.writing.remove(&write) else { return };
        let entries = writing.patches.iter().filter(|patch| patch.change != Change::Delete);
        let numbers: BTreeMap<_, _> = entries
            .flat_map(|patch| &patch.entries)
            .filter_map(|entry| Some((entry.code.clone(), entry.quantity?)))
            .collect();
        if numbers.is_empty() {
            return;
        }
        let flipped = listing.amazon.take().is_some();
        listing.updated_at = at;
        listing.shown.extend(numbers.clone());
        if flipped {
            self.happen(account, What::Flipped { sku: sku.clone() });
        }
        self.tally.effects.push(at - writing.accepted_at);
        for (channel, quantity) in numbers {
            self.tell_quantity(account, sku, &channel, quantity);
            self.happen(account, What::Shown { sku: sku.clone(), channel, quantity, why: Why::Write });
        }
    }

    /// Somebody else writes a number: it is in effect at once.
    pub(in super::super) fn foreign_write(&mut self, account: &AmazonAccount, sku: &Sku, quantity: u32) {
        let at = self.now;
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        let Some(listing) = listing.filter(|listing| listing.amazon.is_none()) else { return };
        let entry = Entry { code: MERCHANT.to_owned(), quantity: Some(quantity), lead_time_days: None };
        listing.store(&Patch { change: Change::Merge, entries: vec![entry] });
        listing.shown.insert(MERCHANT.to_owned(), quantity);
        listing.updated_at = at;
        self.tell_quantity(account, sku, MERCHANT, quantity);
        let (sku, channel) = (sku.clone(), MERCHANT.to_owned());
        self.happen(account, What::Shown { sku, channel, quantity, why: Why::Foreign });
    }

    /// Somebody else has the listing shipped through another channel: with the code of one of
    /// Amazon's, Amazon ships it and has so many; else the merchant does and shows so many. What was
    /// on its way to the listing is overtaken.
    pub(in super::super) fn flip(&mut self, account: &AmazonAccount, sku: &Sku, code: &str, quantity: u32) {
        let at = self.now;
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        let Some(listing) = listing else { return };
        let is_amazon = code.starts_with("AMAZON");
        let quantity_stored = (!is_amazon).then_some(quantity);
        listing.stored =
            vec![Entry { code: code.to_owned(), quantity: quantity_stored, lead_time_days: None }];
        listing.shown.clear();
        listing.writing.clear();
        listing.amazon =
            is_amazon.then(|| AmazonShelf { code: code.to_owned(), fulfillable: quantity, reserved: 0 });
        if !is_amazon {
            listing.shown.insert(code.to_owned(), quantity);
        }
        listing.updated_at = at;
    }
}

/// What is wrong with a write, if anything is.
fn checked(patches: Vec<Patch>, sku: &Sku, listing: Option<&Listing>) -> Result<Vec<Patch>, Issue> {
    if listing.is_none() {
        return Err(Issue::unknown_sku(sku));
    }
    let most = Quantity::MOST.get();
    for entry in patches.iter().flat_map(|patch| &patch.entries) {
        if entry.code.is_empty() {
            return Err(Issue::missing("fulfillment_channel_code"));
        }
        if entry.code.starts_with("AMAZON") && entry.quantity.is_some() {
            return Err(Issue::wrong("quantity"));
        }
        if entry.quantity.is_some_and(|quantity| most < quantity) {
            return Err(Issue::wrong("quantity"));
        }
    }
    Ok(patches)
}

/// True when every number that it names is shown, or is on its way, already.
fn changes_nothing(listing: &Listing, patches: &[Patch]) -> bool {
    let mut numbers =
        patches.iter().flat_map(|patch| &patch.entries).filter(|entry| entry.quantity.is_some());
    let merges = patches.iter().all(|patch| patch.change == Change::Merge);
    merges
        && listing.amazon.is_none()
        && numbers
            .all(|entry| entry.lead_time_days.is_none() && listing.heading_for(&entry.code) == entry.quantity)
}

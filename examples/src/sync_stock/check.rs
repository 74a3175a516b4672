//! What must hold when the day is over: the store, record by record, against what really happened,
//! which no interface of Amazon's shows.

use std::collections::{BTreeMap, BTreeSet};

use amazon_sync::ledger::{Bucket, Cause, Seq};
use amazon_sync::seller::SellerAccount;
use amazon_sync::simulator::AmazonAccount;
use amazon_sync::sku::ItemCode;
use amazon_sync::sync_store::{History, ItemRecord, Items, ListingRecord, Listings};

use super::day::Day;
use super::shop::parts;

const PAGE: usize = 500;
/// So many of each kind are named.
const NAMED: usize = 3;

/// Everything that does not hold, in sentences; empty when all is well.
pub(super) async fn broken(day: &Day) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    let flipped = day.amazon.report().listings_flipped;
    if 0 < flipped {
        broken.push(format!("{flipped} listings that Amazon ships got a quantity"));
    }
    for (account, why) in day.sync.report().await?.stopped {
        broken.push(format!("{account} stands still: {why}"));
    }
    let accounts: Vec<SellerAccount> = day.sync.accounts().cloned().collect();
    let mut records = Vec::new();
    for account in &accounts {
        records.extend(listings(day, account).await?);
    }
    let positions = positions(day).await?;
    name(&mut broken, "not settled", &unsettled(&records));
    name(&mut broken, "the shelf", &shelf(day, &positions));
    if broken.is_empty() {
        // Each takes all movements, so they are looked at when the rest holds.
        name(&mut broken, "the ledger's sums", &sums(day, &positions).await?);
        name(&mut broken, "shown and not there", &too_many(day, &records));
    }
    Ok(broken)
}

fn name(broken: &mut Vec<String>, what: &str, wrong: &[String]) {
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(NAMED);
        let named = wrong.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
        broken.push(format!("{what}: {named}{rest}"));
    }
}

async fn listings(day: &Day, account: &SellerAccount) -> anyhow::Result<Vec<ListingRecord>> {
    let mut all: Vec<ListingRecord> = Vec::new();
    loop {
        let after = all.last().map(|record| record.key.clone());
        let select = Listings::All { account: account.clone(), after, max: PAGE };
        let page = day.sync.store().listings(day.sync.shelf(), &select).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn positions(day: &Day) -> anyhow::Result<Vec<ItemRecord>> {
    let mut all: Vec<ItemRecord> = Vec::new();
    loop {
        let after = all.last().map(|record| record.item.clone());
        let page = day.sync.store().positions(day.sync.shelf(), &Items::All { after, max: PAGE }).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// No number is decided and not seen to be shown.
fn unsettled(records: &[ListingRecord]) -> Vec<String> {
    let open = records.iter().filter_map(|record| Some((&record.key, record.intent.as_ref()?)));
    open.map(|(key, intent)| format!("{} for {key}", intent.quantity)).collect()
}

/// The ledger has on hand and promised what lies on the real shelf and is promised there.
fn shelf(day: &Day, positions: &[ItemRecord]) -> Vec<String> {
    let difference = |record: &ItemRecord| {
        let (on_hand, promised) = day.amazon.world(|world| world.on_shelf(&record.item))?;
        let position = record.position;
        let (has, keeps) = (position.on_hand.get(), position.reserved.get() + position.committed.get());
        let item = &record.item;
        ((has, keeps) != (i64::from(on_hand), i64::from(promised))).then(|| {
            format!("{item} lies {on_hand} times and {promised} are promised, and the ledger has {has} and {keeps}")
        })
    };
    positions.iter().filter_map(difference).collect()
}

/// Each position is the sum of its movements; and what the ledger moved for orders is what the orders
/// took and did not give back, in the parts of what they sold.
async fn sums(day: &Day, positions: &[ItemRecord]) -> anyhow::Result<Vec<String>> {
    let (mut moved, mut for_orders) = (BTreeMap::new(), BTreeMap::new());
    let mut after = Seq::default();
    loop {
        let select = History { item: None, after, until: None, max: PAGE };
        let page = day.sync.store().history(day.sync.shelf(), &select).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for booked in page {
            let movement = booked.movement;
            let by = movement.by.get();
            if matches!(movement.cause, Cause::Order { .. }) {
                let taken = match movement.bucket {
                    // What has shipped is gone and no more promised.
                    Bucket::OnHand => -by,
                    Bucket::Reserved | Bucket::Committed => by,
                    Bucket::Quarantine | Bucket::Inbound => 0,
                };
                *for_orders.entry(movement.item.clone()).or_insert(0) += taken;
            }
            *moved.entry((movement.item, movement.bucket)).or_insert(0) += by;
        }
    }
    let mut wrong = Vec::new();
    for record in positions {
        for bucket in Bucket::ALL {
            let (has, sum) = (record.position.of(bucket).get(), moved.remove(&(record.item.clone(), bucket)));
            if has != sum.unwrap_or(0) {
                let (item, sum) = (&record.item, sum.unwrap_or(0));
                wrong.push(format!("{item} has {has} {bucket}, and its movements sum up to {sum}"));
            }
        }
    }
    let targets = targets(day);
    let items: BTreeSet<&ItemCode> = targets.keys().chain(for_orders.keys()).collect();
    for item in items {
        let of = |all: &BTreeMap<ItemCode, i64>| all.get(item).copied().unwrap_or(0);
        let (target, has) = (of(&targets), of(&for_orders));
        if target != has {
            wrong.push(format!("orders took {target} of {item}, and the ledger moved {has} for them"));
        }
    }
    Ok(wrong)
}

/// Units of each item that the orders on Amazon hold.
fn targets(day: &Day) -> BTreeMap<ItemCode, i64> {
    let mut targets = BTreeMap::new();
    let sold = day.amazon.world(|world| world.units_sold());
    for account in day.sync.accounts() {
        let (Some(map), theirs) = (day.sync.map(account), AmazonAccount::from(account)) else { continue };
        for ((_, sku), units) in sold.iter().filter(|((seller, _), _)| *seller == theirs) {
            for (item, each) in parts(&map, map.recipe(sku).ok()) {
                *targets.entry(item).or_insert(0) += i64::from(each) * units.cast_signed();
            }
        }
    }
    targets
}

/// No listing shows more than can ship, but those that wait for somebody to look.
fn too_many(day: &Day, records: &[ListingRecord]) -> Vec<String> {
    let frozen: BTreeSet<_> =
        records.iter().filter(|record| record.frozen.is_some()).map(|record| &record.key).collect();
    let mut wrong = Vec::new();
    for account in day.sync.accounts() {
        let (Some(map), theirs) = (day.sync.map(account), AmazonAccount::from(account)) else { continue };
        for (id, listing) in map.listings() {
            if listing.channel.is_amazon() || frozen.contains(&listing.key(account)) {
                continue;
            }
            let (shown, can) = day.amazon.world(|world| {
                let free = |(item, units): (ItemCode, u32)| {
                    let (on_hand, promised) = world.on_shelf(&item).unwrap_or_default();
                    on_hand.saturating_sub(promised) / units.max(1)
                };
                let can = parts(&map, map.recipe_of(id)).into_iter().map(free).min();
                (world.shown(&theirs, listing.sku).unwrap_or(0), can.unwrap_or(0))
            });
            if can < shown {
                wrong.push(format!("{} shows {shown} and {can} can ship", listing.sku));
            }
        }
    }
    wrong
}

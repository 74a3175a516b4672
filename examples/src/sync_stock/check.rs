//! What must hold when the day is over, compared with what really happened, which no interface of
//! Amazon's shows.

use amazon_sync::sync_store::Items;

use super::day::Day;

const PAGE: usize = 500;
/// So many of each kind are named.
const NAMED: usize = 3;

/// Everything that does not hold, in sentences; empty when all is well.
pub(super) async fn broken(day: &Day) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    let report = day.sync.report().await?;
    if 0 < report.intents {
        broken.push(format!("{} numbers are decided and not seen to be shown", report.intents));
    }
    let flipped = day.amazon.report().listings_flipped;
    if 0 < flipped {
        broken.push(format!("{flipped} listings that Amazon ships got a quantity"));
    }
    for (account, why) in &report.stopped {
        broken.push(format!("{account} stands still: {why}"));
    }
    name(&mut broken, "items", &shelf(day).await?);
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

/// The ledger has on hand and promised what lies on the real shelf and is promised there.
async fn shelf(day: &Day) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut after = None;
    loop {
        let select = Items::All { after, max: PAGE };
        let page = day.sync.store().positions(day.sync.shelf(), &select).await?;
        after = page.last().map(|record| record.item.clone());
        if after.is_none() {
            return Ok(wrong);
        }
        day.amazon.world(|world| {
            for record in page {
                let Some((on_hand, promised)) = world.on_shelf(&record.item) else { continue };
                let position = record.position;
                let ours = (position.on_hand.get(), position.reserved.get() + position.committed.get());
                if ours != (i64::from(on_hand), i64::from(promised)) {
                    let item = &record.item;
                    let (has, keeps) = ours;
                    wrong.push(format!(
                        "{item} lies {on_hand} times and {promised} are promised, and the ledger has {has} and {keeps}"
                    ));
                }
            }
        });
    }
}

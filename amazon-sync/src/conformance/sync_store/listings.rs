use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use super::{Subject, at, line, quantity, sku};
use crate::intent::{Base, Intent, Stage};
use crate::listing::{Channel, ListingKey, ListingState};
use crate::quantity::Units;
use crate::seller::{Region, SellerAccount};
use crate::sink::{SinkName, SubmissionRef};
use crate::sku::Asin;
use crate::sync_store::{Commit, ListingChange, ListingOutcome, ListingRecord, Listings, Shown};

const WHY: Code = Code::known("drift.ours_ahead");

impl Subject {
    fn key(&self, code: &str) -> ListingKey {
        ListingKey::new(self.account(), sku(code), Channel::Merchant)
    }

    async fn listings(&self, select: &Listings) -> Vec<ListingRecord> {
        self.store.listings(&self.shelf(), select).await.unwrap()
    }

    async fn listing(&self, key: &ListingKey) -> Option<ListingRecord> {
        self.listings(&Listings::Named(vec![key.clone()])).await.pop()
    }

    async fn change(&self, record: ListingRecord) -> ListingOutcome {
        let listings = vec![ListingChange { record }];
        self.commit(&Commit { listings, ..Commit::default() }).await.listings.pop().unwrap()
    }

    fn with_intent(&self, max: usize) -> Listings {
        Listings::WithIntent { account: self.account(), max }
    }

    fn all(&self, after: Option<ListingKey>, max: usize) -> Listings {
        Listings::All { account: self.account(), after, max }
    }
}

fn bare(key: ListingKey) -> ListingRecord {
    ListingRecord { key, revision: 0, base: None, shown: None, intent: None, sold: Units::ZERO, frozen: None }
}

fn intent(decided_at: DateTime<Utc>) -> Intent {
    Intent {
        generation: 3,
        quantity: quantity(7),
        sold: Units::new(2),
        decided_at,
        why: WHY,
        stage: Stage::Open,
        attempts: 0,
    }
}

fn skus(records: &[ListingRecord]) -> Vec<String> {
    records.iter().map(|record| format!("{} {}", record.key.sku(), record.key.channel())).collect()
}

/// A listing's record comes back as it was changed, apart from its revision and the units sold.
pub async fn a_record_comes_back_whole(s: Subject) {
    let on_its_way = Stage::InFlight {
        sink: SinkName(SinkName::PATCH.to_owned()),
        submission: Some(SubmissionRef("f1".to_owned())),
        at: at(3),
        deadline: at(900),
    };
    let state = ListingState {
        sku: sku("mug"),
        channel: Channel::Merchant,
        declared: Some(quantity(5)),
        effective: Some(quantity(4)),
        product_type: Some("DRINKING_CUP".to_owned()),
        asin: Some(Asin::parse("B07N4M94X4").unwrap()),
        buyable: Some(true),
        as_of: at(2),
    };
    let full = ListingRecord {
        base: Some(Base { quantity: quantity(9), at: at(1), sold: Units::new(1) }),
        shown: Some(Shown { state, sold: Units::new(4), times: 2, absent: 1 }),
        intent: Some(Intent { stage: on_its_way, attempts: 1, ..intent(at(2)) }),
        frozen: Some(Code::known("drift.foreign_write")),
        ..bare(s.key("mug"))
    };
    assert_eq!(
        s.change(ListingRecord { sold: Units::new(99), ..full.clone() }).await,
        ListingOutcome::Made(1)
    );
    assert_eq!(s.listing(&s.key("mug")).await, Some(ListingRecord { revision: 1, ..full.clone() }));
    let emptied = ListingRecord { revision: 1, ..bare(s.key("mug")) };
    assert_eq!(s.change(emptied.clone()).await, ListingOutcome::Made(2));
    assert_eq!(s.listing(&s.key("mug")).await, Some(ListingRecord { revision: 2, ..emptied }));
}

/// A change that rests on another revision is not made, and the rest of its commit is.
pub async fn a_change_of_an_old_revision_is_not_made(s: Subject) {
    s.change(bare(s.key("mug"))).await;
    let old = ListingRecord { frozen: Some(WHY), ..bare(s.key("mug")) };
    let listings = [old.clone(), bare(s.key("cup")), ListingRecord { revision: 7, ..old }]
        .map(|record| ListingChange { record });
    let receipt = s.commit(&Commit { listings: listings.to_vec(), ..Commit::default() }).await;
    let expected = [ListingOutcome::Changed, ListingOutcome::Made(1), ListingOutcome::Changed];
    assert_eq!(receipt.listings, expected);
    assert_eq!(s.listing(&s.key("mug")).await.unwrap().frozen, None);
    let unknown = ListingRecord { revision: 1, ..bare(s.key("jug")) };
    assert_eq!(s.change(unknown).await, ListingOutcome::Changed);
    assert_eq!(s.listing(&s.key("jug")).await, None);
}

/// Sales change neither a record nor its revision, and a change leaves the sales alone.
pub async fn sales_do_not_raise_the_revision(s: Subject) {
    s.reported(s.report("902-0000000-0000001", 1, &[line("1", "mug", 2, 0)])).await;
    let sold = ListingRecord { sold: Units::new(2), ..bare(s.key("mug")) };
    assert_eq!(s.listing(&s.key("mug")).await, Some(sold.clone()), "it is known by its sales");
    assert_eq!(s.change(bare(s.key("mug"))).await, ListingOutcome::Made(1));
    s.reported(s.report("902-0000000-0000002", 1, &[line("1", "mug", 3, 0)])).await;
    let expected = ListingRecord { revision: 1, sold: Units::new(5), ..sold };
    assert_eq!(s.listing(&s.key("mug")).await, Some(expected));
}

/// Listings that are named come in the order of their keys, each once, without those that are not
/// known.
pub async fn named_listings_come_in_order(s: Subject) {
    let elsewhere = s.account_of(0, "A2NEXAMPLETF53", Region::NorthAmerica);
    let keys = [
        ListingKey::new(elsewhere, sku("mug"), Channel::Merchant),
        ListingKey::new(s.account(), sku("cup"), Channel::Merchant),
        ListingKey::new(s.account(), sku("cup"), Channel::Amazon("AMAZON_EU".to_owned())),
        ListingKey::new(s.account(), sku("cup"), Channel::SupplySource("0abc".to_owned())),
        ListingKey::new(s.account(), sku("mug"), Channel::Merchant),
    ];
    assert!(keys.is_sorted());
    for key in keys.iter().rev() {
        s.change(bare(key.clone())).await;
    }
    let mut named: Vec<_> = keys.iter().rev().cloned().collect();
    named.extend([s.key("jug"), s.key("mug")]);
    let found = s.listings(&Listings::Named(named)).await;
    assert_eq!(found.into_iter().map(|record| record.key).collect::<Vec<_>>(), keys);
}

/// All listings of an account come in the order of their keys, from behind a key, at most so many.
pub async fn all_listings_come_in_pages(s: Subject) {
    let fba = |code| ListingKey::new(s.account(), sku(code), Channel::Amazon("AMAZON_EU".to_owned()));
    let other = |seller: &str| -> SellerAccount { s.account_of(0, seller, Region::Europe) };
    let theirs = ListingKey::new(other("A3OTHERSELLER"), sku("aaa"), Channel::Merchant);
    for key in [s.key("mug"), fba("mug"), theirs.clone(), fba("cup"), s.key("jug")] {
        s.change(bare(key)).await;
    }
    let first = s.listings(&s.all(None, 3)).await;
    assert_eq!(skus(&first), ["cup AMAZON_EU", "jug DEFAULT", "mug DEFAULT"]);
    let rest = s.listings(&s.all(first.last().map(|record| record.key.clone()), 3)).await;
    assert_eq!(skus(&rest), ["mug AMAZON_EU"]);
    assert_eq!(skus(&s.listings(&s.all(Some(s.key("k")), 1)).await), ["mug DEFAULT"]);
    assert!(s.listings(&s.all(Some(theirs), 3)).await.is_empty(), "keys sort by account first");
    let before = ListingKey::new(other("A1"), sku("zzz"), Channel::Merchant);
    assert_eq!(s.listings(&s.all(Some(before), 9)).await.len(), 4);
}

/// Listings with an intent come the longest waiting first, at most so many, and no others.
pub async fn the_longest_waiting_intent_comes_first(s: Subject) {
    for (code, seconds) in [("mug", 5), ("jug", 9), ("cup", 5), ("pan", 1)] {
        s.change(ListingRecord { intent: Some(intent(at(seconds))), ..bare(s.key(code)) }).await;
    }
    s.change(bare(s.key("pot"))).await;
    let theirs = s.account_of(0, "A3OTHERSELLER", Region::Europe);
    let theirs = ListingKey::new(theirs, sku("mug"), Channel::Merchant);
    s.change(ListingRecord { intent: Some(intent(at(0))), ..bare(theirs) }).await;
    let waiting = s.listings(&s.with_intent(3)).await;
    assert_eq!(skus(&waiting), ["pan DEFAULT", "cup DEFAULT", "mug DEFAULT"]);
    s.change(ListingRecord { revision: 1, ..bare(s.key("pan")) }).await;
    let waiting = s.listings(&s.with_intent(9)).await;
    assert_eq!(skus(&waiting), ["cup DEFAULT", "mug DEFAULT", "jug DEFAULT"]);
    assert_eq!(waiting.first().unwrap().intent, Some(intent(at(5))));
}

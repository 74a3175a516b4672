//! Bad input of every kind: each has a typed, explained outcome, other work goes on, and nothing is
//! written blindly. Against ports with a script.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amazon_sync::config::SyncConfig;
use amazon_sync::host_stock::{HostChanges, HostMark, HostRowError, HostStock, MemoryStock};
use amazon_sync::listing::{Channel, ListingState};
use amazon_sync::marketplace::{
    Fetched, MarketError, Marketplace, OrderPage, OrderQuery, PageToken, Poison, RowError, Snapshot,
    SnapshotAsk, SnapshotKind, SnapshotRef, SnapshotRow, SnapshotRows,
};
use amazon_sync::order::{LineId, Order, OrderId, OrderLine, OrderStatus, ShippedBy};
use amazon_sync::quantity::Quantity;
use amazon_sync::seller::{Region, SellerAccount, SellerId};
use amazon_sync::sink::{
    QuantitySink, QuantityWrite, SinkCaps, SinkName, SubmissionRef, SubmissionState, Submitted,
};
use amazon_sync::sku::Sku;
use amazon_sync::sku_map::SkuMap;
use amazon_sync::sync::{Account, BuildError, Sync};
use amazon_sync::sync_store::{Items, Listings, SyncStore};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::memory::Memory;
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, after};
use rules_core::work::ids::SeededIds;
use rules_core::work::lanes::Lanes;

use crate::house::{item, nine, sku};
use crate::virtual_time::{VirtualClock, runtime};

pub(crate) type Page = Result<OrderPage, MarketError>;

/// An Amazon that shows what it is told to show and answers polls as its script says; empty pages
/// after that.
#[derive(Debug)]
pub(crate) struct Scripted {
    clock: Arc<VirtualClock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pages: BTreeMap<String, VecDeque<Page>>,
    orders: BTreeMap<OrderId, Order>,
    shown: BTreeMap<Sku, (Channel, u32)>,
    asked: Vec<OrderQuery>,
    /// By how many minutes its clock is behind ours.
    behind: i64,
    rows: Vec<Result<SnapshotRow, RowError>>,
    sweep: Vec<SnapshotRow>,
    writes: Vec<(String, u32, &'static str)>,
    /// What the sinks answer next, for each SKU.
    answers: BTreeMap<String, VecDeque<Submitted>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Amazon(Arc<Scripted>);

impl Amazon {
    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.state.lock().unwrap())
    }

    fn show(&self, name: &str, quantity: u32) {
        self.state(|state| state.shown.insert(sku(name), (Channel::Merchant, quantity)));
    }

    fn shown(&self, name: &str) -> u32 {
        self.state(|state| state.shown[&sku(name)].1)
    }

    pub(crate) fn answer(&self, seller: &str, page: Page) {
        self.state(|state| state.pages.entry(seller.to_owned()).or_default().push_back(page));
    }

    fn state_of(&self, of: &Sku) -> Vec<ListingState> {
        let as_of = self.0.clock.now();
        self.state(|state| {
            let shown = state.shown.get(of).map(|(channel, quantity)| ListingState {
                sku: of.clone(),
                channel: channel.clone(),
                declared: None,
                effective: Some(Quantity::new(i64::from(*quantity)).unwrap()),
                product_type: None,
                asin: None,
                buyable: None,
                as_of,
            });
            shown.into_iter().collect()
        })
    }
}

#[async_trait]
impl Marketplace for Amazon {
    async fn orders(&self, account: &SellerAccount, query: &OrderQuery) -> Page {
        let now = self.0.clock.now();
        self.state(|state| {
            state.asked.push(query.clone());
            let next = state.pages.get_mut(account.seller().as_str()).and_then(VecDeque::pop_front);
            let server_now = now - chrono::TimeDelta::minutes(state.behind);
            next.unwrap_or_else(|| Ok(page(Vec::new(), None, server_now)))
        })
    }

    async fn order(&self, _: &SellerAccount, id: &OrderId) -> Result<Option<Fetched>, MarketError> {
        Ok(self.state(|state| state.orders.get(id).cloned().map(|order| Fetched { order, server_now: None })))
    }

    async fn listings(&self, _: &SellerAccount, skus: &[Sku]) -> Result<Vec<Vec<ListingState>>, MarketError> {
        Ok(skus.iter().map(|of| self.state_of(of)).collect())
    }

    async fn snapshot(&self, _: &SellerAccount, ask: &SnapshotAsk) -> Result<Snapshot, MarketError> {
        Ok(match ask {
            SnapshotAsk::New(kind) => Snapshot::Ready(SnapshotRef {
                kind: *kind,
                report: "report".to_owned(),
                document: Some("document".to_owned()),
            }),
            SnapshotAsk::Of(asked) => Snapshot::Ready(asked.clone()),
        })
    }

    async fn snapshot_rows(
        &self,
        _: &SellerAccount,
        snapshot: &SnapshotRef,
    ) -> Result<Box<dyn SnapshotRows>, MarketError> {
        let shown: Vec<Sku> = self.state(|state| state.shown.keys().cloned().collect());
        let mut rows: VecDeque<_> = self.state(|state| match snapshot.kind {
            SnapshotKind::Orders => state.sweep.iter().cloned().map(Ok).collect(),
            _ => state.rows.iter().cloned().collect(),
        });
        if snapshot.kind == SnapshotKind::Listings {
            let states = shown.iter().flat_map(|of| self.state_of(of));
            rows.extend(states.map(|state| Ok(SnapshotRow::Listing(state))));
        }
        Ok(Box::new(Rows(rows)))
    }
}

#[derive(Debug)]
struct Rows(VecDeque<Result<SnapshotRow, RowError>>);

#[async_trait]
impl SnapshotRows for Rows {
    async fn next(&mut self, max: usize) -> Result<Vec<Result<SnapshotRow, RowError>>, MarketError> {
        let end = max.min(self.0.len());
        Ok(self.0.drain(..end).collect())
    }
}

/// A sink of this name that takes effect at once, unless the script says otherwise.
#[derive(Debug)]
struct Scribe(Amazon, &'static str, usize);

#[async_trait]
impl QuantitySink for Scribe {
    fn caps(&self) -> SinkCaps {
        SinkCaps {
            name: SinkName(self.1.to_owned()),
            batch_max: self.2,
            submissions_per_second: 5.0,
            burst: 5,
            usual_latency: Duration::from_secs(60),
            deadline: Duration::from_secs(600),
        }
    }

    async fn submit(
        &self,
        _: &SellerAccount,
        writes: &[QuantityWrite],
    ) -> Result<Vec<Submitted>, MarketError> {
        let mut answers = Vec::new();
        for write in writes {
            let name = write.listing.sku().to_string();
            let quantity = write.quantity.get();
            let scripted = self.0.state(|state| {
                state.writes.push((name.clone(), quantity, self.1));
                state.answers.get_mut(&name).and_then(VecDeque::pop_front)
            });
            if scripted.is_none() {
                self.0.show(&name, quantity);
            }
            answers.push(scripted.unwrap_or(Submitted::Accepted(None)));
        }
        Ok(answers)
    }

    async fn status(&self, _: &SellerAccount, _: &SubmissionRef) -> Result<SubmissionState, MarketError> {
        Ok(SubmissionState::Done { refused: Vec::new(), effective: Vec::new() })
    }
}

pub(crate) fn page(orders: Vec<Order>, next: Option<&str>, server_now: DateTime<Utc>) -> OrderPage {
    OrderPage {
        orders,
        poison: Vec::new(),
        next: next.map(|token| PageToken(token.to_owned())),
        used_to: None,
        server_now: Some(server_now),
    }
}

pub(crate) fn order(id: &str, name: &str, ordered: i64, at: DateTime<Utc>) -> Order {
    Order {
        id: OrderId::parse(id).unwrap(),
        updated_at: at,
        created_at: at,
        status: OrderStatus::Unshipped,
        shipped_by: ShippedBy::Merchant,
        lines: vec![OrderLine {
            id: LineId::parse("1").unwrap(),
            sku: Some(sku(name)),
            asin: None,
            ordered: Quantity::new(ordered).unwrap(),
            shipped: Quantity::ZERO,
            cancelled: Quantity::ZERO,
        }],
    }
}

pub(crate) const ONE: &str = "A2NEXAMPLETF53";
const OTHER: &str = "A3NEXAMPLETF53";

fn map() -> SkuMap {
    SkuMap::from_csv("sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\nCUP,DEFAULT,item,cup,\n".as_bytes())
        .unwrap()
}

pub(crate) struct Bench {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) amazon: Amazon,
    host: MemoryStock,
    store: Memory,
    pub(crate) sync: Sync,
}

impl Bench {
    pub(crate) async fn new(sellers: &[&str]) -> Self {
        Self::with(sellers, MemoryStock::clone).await
    }

    async fn with<H: HostStock>(sellers: &[&str], host_of: impl FnOnce(&MemoryStock) -> H) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(nine()));
        let amazon = Amazon(Arc::new(Scripted { clock: Arc::clone(&clock), state: Mutex::default() }));
        let store = Memory::with(Arc::<VirtualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let host = MemoryStock::new(Arc::<VirtualClock>::clone(&clock));
        for (name, code) in [("MUG", "mug"), ("CUP", "cup")] {
            amazon.show(name, 20);
            host.set(&item(code), Quantity::new(20).unwrap());
        }
        // Polls stay as frequent as they are, whatever events tell.
        let mut config = SyncConfig::default();
        config.poll_with_events = Duration::from_secs(180);
        let mut builder = Sync::builder(&store, amazon.clone(), host_of(&host))
            .sink(Scribe(amazon.clone(), "patch", 1))
            .sink(Scribe(amazon.clone(), "feed", 25_000))
            .config(config);
        for seller in sellers {
            builder = builder.account(Account::new(SellerId::parse(seller).unwrap(), Region::Europe, map()));
        }
        let sync = builder.build().await.unwrap();
        Self { clock, amazon, host, store, sync }
    }

    pub(crate) async fn run_for(&self, minutes: u64) {
        let until = after(self.clock.now(), Duration::from_secs(minutes * 60));
        let clock = Arc::clone(&self.clock);
        self.sync.run(async move { clock.sleep_until(until).await }).await.unwrap();
    }

    /// On hand, reserved and committed of each item.
    pub(crate) async fn all_positions(&self) -> BTreeMap<String, [i64; 3]> {
        let all = Items::All { after: None, max: 100 };
        let found = self.store.positions(self.sync.shelf(), &all).await.unwrap();
        let units = |record: &amazon_sync::sync_store::ItemRecord| {
            let position = record.position;
            [position.on_hand, position.reserved, position.committed].map(amazon_sync::quantity::Units::get)
        };
        found.iter().map(|record| (record.item.to_string(), units(record))).collect()
    }

    async fn committed(&self, code: &str) -> i64 {
        let named = Items::Named(vec![item(code)]);
        let found = self.store.positions(self.sync.shelf(), &named).await.unwrap();
        found.first().map_or(0, |record| record.position.committed.get())
    }

    async fn letters(&self) -> Vec<(String, String, String)> {
        let letters = self.sync.letters(0, 100).await.unwrap();
        letters
            .into_iter()
            .map(|letter| (letter.letter.code.to_string(), letter.letter.subject, letter.letter.text))
            .collect()
    }

    async fn has_letter(&self, code: &str) -> bool {
        self.letters().await.iter().any(|(known, ..)| known == code)
    }
}

#[test]
fn an_order_that_cannot_be_read_is_told_and_the_window_closes() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        let good = order("902-0000000-0000001", "MUG", 2, nine());
        let poison = Poison {
            order: Some(OrderId::parse("902-0000000-0000002").unwrap()),
            place: "orders[1].orderItems[0].quantityOrdered".to_owned(),
            reason: "-4 is no quantity".to_owned(),
        };
        let answer = OrderPage { poison: vec![poison], ..page(vec![good], None, nine()) };
        bench.amazon.answer(ONE, Ok(answer));
        bench.run_for(30).await;
        assert_eq!(bench.committed("mug").await, 2);
        let (_, subject, text) =
            bench.letters().await.into_iter().find(|(code, ..)| code == "order.unreadable").unwrap();
        assert_eq!(subject, "902-0000000-0000002");
        assert!(text.contains("orders[1].orderItems[0].quantityOrdered"), "{text}");
        let report = bench.sync.report().await.unwrap();
        assert!(report.closed_to.values().all(Option::is_some), "{report}");
    });
}

#[test]
fn a_refused_page_token_restarts_its_window_with_the_same_question() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        let one = order("902-0000000-0000001", "MUG", 2, nine());
        let two = order("902-0000000-0000002", "MUG", 1, nine());
        bench.amazon.answer(ONE, Ok(page(vec![one.clone()], Some("second"), nine())));
        bench.amazon.answer(ONE, Err(MarketError::PageRefused { operation: "searchOrders", request: None }));
        bench.amazon.answer(ONE, Ok(page(vec![one], Some("again"), nine())));
        bench.amazon.answer(ONE, Ok(page(vec![two], None, nine())));
        bench.run_for(2).await;
        let asked = bench.amazon.state(|state| state.asked.clone());
        let pages: Vec<_> =
            asked.iter().take(4).map(|query| query.page.as_ref().map(|page| page.0.as_str())).collect();
        assert_eq!(pages, [None, Some("second"), None, Some("again")]);
        assert!(asked.iter().take(4).all(|query| query.window == asked[0].window));
        assert_eq!(bench.committed("mug").await, 3);
        assert_eq!(bench.sync.report().await.unwrap().windows_restarted, 1);
    });
}

#[test]
fn the_cursor_ends_where_amazon_says_that_the_window_did() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        let used_to = after(nine(), Duration::from_secs(0)) - chrono::TimeDelta::hours(1);
        bench.amazon.answer(ONE, Ok(OrderPage { used_to: Some(used_to), ..page(Vec::new(), None, nine()) }));
        bench.run_for(10).await;
        let asked = bench.amazon.state(|state| state.asked.clone());
        let overlap = chrono::TimeDelta::minutes(5);
        assert_eq!(
            asked[1].window.from,
            used_to - overlap,
            "the next window begins where the last one ended"
        );
    });
}

#[test]
fn what_had_shipped_when_the_host_counted_is_not_taken_off_again() {
    runtime().block_on(async {
        // Counted at nine, and begun at eleven.
        let bench = Bench::new(&[ONE]).await;
        bench.clock.sleep_until(after(nine(), Duration::from_secs(2 * 3_600))).await;
        let shipped = |id: &str, units: i64, minutes: i64| {
            let mut order = order(id, "MUG", units, nine() + chrono::TimeDelta::minutes(minutes));
            order.status = OrderStatus::Shipped;
            order.lines[0].shipped = order.lines[0].ordered;
            order
        };
        bench
            .amazon
            .answer(ONE, Ok(page(vec![shipped("902-0000000-0000001", 4, -30)], None, bench.clock.now())));
        bench
            .amazon
            .answer(ONE, Ok(page(vec![shipped("902-0000000-0000002", 3, 60)], None, bench.clock.now())));
        bench.run_for(10).await;
        let asked = bench.amazon.state(|state| state.asked.clone());
        assert_eq!(asked[0].window.to, nine(), "the orders up to the count come first");
        assert!(
            after(nine(), Duration::from_secs(6_900)) < asked[1].window.to,
            "and the others at once after it"
        );
        assert_eq!(bench.all_positions().await["mug"], [17, 0, 0]);
        bench.host.set(&item("mug"), Quantity::new(30).unwrap());
        bench.run_for(10).await;
        assert_eq!(bench.all_positions().await["mug"], [27, 0, 0], "a newer count includes the same");
    });
}

#[test]
fn a_forbidden_seller_stops_alone() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE, OTHER]).await;
        let forbidden = MarketError::Forbidden {
            operation: "searchOrders",
            seller: ONE.to_owned(),
            reason: "Unauthorized".to_owned(),
            request: None,
        };
        bench.amazon.answer(ONE, Err(forbidden));
        bench
            .amazon
            .answer(OTHER, Ok(page(vec![order("902-0000000-0000009", "CUP", 3, nine())], None, nine())));
        bench.run_for(30).await;
        assert_eq!(bench.committed("cup").await, 3, "the other seller goes on");
        let letters = bench.letters().await;
        let (_, subject, text) = letters.iter().find(|(code, ..)| code == "account.forbidden").unwrap();
        assert!(subject.contains(ONE) && text.contains("Seller Central"), "{text}");
        let first = SellerId::parse(ONE).unwrap();
        let account = bench.sync.accounts().find(|account| *account.seller() == first).unwrap().clone();
        bench.sync.resume(&account);
        bench
            .amazon
            .answer(ONE, Ok(page(vec![order("902-0000000-0000010", "MUG", 1, nine())], None, nine())));
        bench.run_for(30).await;
        assert_eq!(bench.committed("mug").await, 1);
    });
}

#[test]
fn a_clock_that_is_ahead_of_amazons_is_noticed_and_allowed_for() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        let refused = || MarketError::Rejected {
            operation: "searchOrders",
            status: 400,
            code: "InvalidInput".to_owned(),
            request: None,
        };
        let behind = |minutes| nine() + chrono::TimeDelta::minutes(minutes) - chrono::TimeDelta::minutes(20);
        bench.amazon.state(|state| state.behind = 20);
        bench.amazon.answer(ONE, Err(refused()));
        bench.amazon.answer(ONE, Err(refused()));
        bench.amazon.answer(ONE, Ok(page(Vec::new(), None, behind(0))));
        bench.run_for(15).await;
        let asked = bench.amazon.state(|state| state.asked.clone());
        assert!(asked[1].window.to < asked[0].window.to && asked[2].window.to < asked[1].window.to);
        assert!(asked.len() > 3);
        let last = asked.last().unwrap();
        assert!(last.window.to < behind(15), "windows end by Amazon's clock");
    });
}

#[test]
fn an_item_that_the_host_does_not_know_is_not_taken_for_nothing() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        let without: SkuMap = SkuMap::from_csv(
            "sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\nPLATE,DEFAULT,item,plate,\n".as_bytes(),
        )
        .unwrap();
        bench.amazon.show("PLATE", 9);
        let account = bench.sync.accounts().next().unwrap().clone();
        bench.sync.replace_map(&account, without).await.unwrap();
        bench
            .amazon
            .answer(ONE, Ok(page(vec![order("902-0000000-0000001", "PLATE", 2, nine())], None, nine())));
        bench.run_for(120).await;
        assert_eq!(bench.committed("plate").await, 2);
        assert_eq!(bench.amazon.shown("PLATE"), 9, "absent is not zero");
        let letters = bench.letters().await;
        assert!(
            letters.iter().any(|(code, subject, _)| code == "drift.unmapped" && subject.starts_with("PLATE")),
            "{letters:#?}"
        );
    });
}

#[test]
fn what_a_sink_does_not_take_goes_by_another_or_to_somebody() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        bench.run_for(30).await;
        let invalid = Submitted::Invalid { why: "90220: product_type is required".to_owned() };
        bench.amazon.state(|state| state.answers.insert("CUP".to_owned(), VecDeque::from([invalid])));
        let lost = [Submitted::Accepted(None)];
        bench.amazon.state(|state| state.answers.insert("MUG".to_owned(), VecDeque::from(lost)));
        bench.host.set(&item("mug"), Quantity::new(11).unwrap());
        bench.host.set(&item("cup"), Quantity::new(12).unwrap());
        bench.run_for(60).await;
        let writes = bench.amazon.state(|state| state.writes.clone());
        let mugs: Vec<_> = writes.iter().filter(|(name, ..)| name == "MUG").collect();
        assert_eq!(
            mugs,
            [&("MUG".to_owned(), 11, "patch"), &("MUG".to_owned(), 11, "feed")],
            "lost, so by another"
        );
        assert_eq!(bench.amazon.shown("MUG"), 11);
        let cups = writes.iter().filter(|(name, ..)| name == "CUP").count();
        assert_eq!(cups, 1, "what is refused for good is not repeated");
        assert!(bench.has_letter("publish.invalid").await);
        let account = bench.sync.accounts().next().unwrap().clone();
        let all = Listings::All { account, after: None, max: 10 };
        let records = bench.store.listings(bench.sync.shelf(), &all).await.unwrap();
        let cup = records.iter().find(|record| record.key.sku().as_str() == "CUP").unwrap();
        assert_eq!(cup.frozen.as_ref().map(Code::as_str), Some("publish.invalid"));
        assert!(bench.sync.release(&cup.key).await.unwrap());
        bench.run_for(30).await;
        assert_eq!(bench.amazon.shown("CUP"), 12);
    });
}

#[test]
fn a_number_in_doubt_is_handed_over_again_and_one_without_a_permit_comes_back() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        bench.run_for(30).await;
        let doubt = VecDeque::from([Submitted::InDoubt, Submitted::InDoubt]);
        bench.amazon.state(|state| state.answers.insert("MUG".to_owned(), doubt));
        let later = Submitted::NotNow { again_at: Some(after(bench.clock.now(), Duration::from_secs(90))) };
        bench.amazon.state(|state| state.answers.insert("CUP".to_owned(), VecDeque::from([later])));
        bench.host.set(&item("mug"), Quantity::new(11).unwrap());
        bench.run_for(10).await;
        bench.host.set(&item("cup"), Quantity::new(12).unwrap());
        bench.run_for(30).await;
        let writes = bench.amazon.state(|state| state.writes.clone());
        let mugs: Vec<_> =
            writes.iter().filter(|(name, ..)| name == "MUG").map(|(_, quantity, _)| *quantity).collect();
        assert_eq!(mugs, [11, 11, 11]);
        assert_eq!((bench.amazon.shown("MUG"), bench.amazon.shown("CUP")), (11, 12));
        let report = bench.sync.report().await.unwrap();
        assert_eq!((report.intents, report.writes_lost), (0, 0), "{report}");
    });
}

#[test]
fn a_snapshot_tells_of_strangers_and_of_rows_that_cannot_be_read() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        bench.amazon.show("STRANGER", 3);
        bench.amazon.state(|state| {
            state.rows.push(Err(RowError { line: 7, reason: "quantity: -1 is no quantity".to_owned() }));
        });
        bench.run_for(30).await;
        let letters = bench.letters().await;
        let (_, _, text) = letters.iter().find(|(code, ..)| code == "snapshot.rows_unreadable").unwrap();
        assert!(text.contains("line 7: quantity: -1 is no quantity"), "{text}");
        assert!(
            letters
                .iter()
                .any(|(code, subject, _)| code == "sku.unmapped" && subject.starts_with("SKU STRANGER"))
        );
        assert_eq!(bench.amazon.shown("STRANGER"), 3);
    });
}

#[test]
fn a_listing_that_is_missing_is_not_written_and_is_taken_up_when_it_is_back() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        bench.run_for(30).await;
        bench.amazon.state(|state| state.shown.remove(&sku("CUP")));
        bench.host.set(&item("cup"), Quantity::new(12).unwrap());
        bench.run_for(3 * 60).await;
        let cups =
            || bench.amazon.state(|state| state.writes.iter().filter(|(name, ..)| name == "CUP").count());
        assert_eq!(cups(), 0, "absent is neither zero nor to be written");
        assert!(bench.has_letter("drift.missing").await);
        bench.amazon.show("CUP", 20);
        bench.run_for(2 * 60).await;
        assert_eq!((cups(), bench.amazon.shown("CUP")), (1, 12));
    });
}

#[test]
fn the_sweep_finds_orders_that_were_missed_and_windows_overlap_more() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        bench.run_for(4 * 60).await;
        let at = after(nine(), Duration::from_secs(600));
        let missed = order("902-0000000-0000001", "MUG", 2, at);
        bench.amazon.state(|state| {
            state.sweep.push(SnapshotRow::OrderLine { order: missed.id.clone(), updated_at: at });
            state.orders.insert(missed.id.clone(), missed);
        });
        bench.run_for(3 * 60).await;
        assert_eq!(bench.committed("mug").await, 2);
        let report = bench.sync.report().await.unwrap();
        assert_eq!(report.orders_missed, 1, "{report}");
        assert!(bench.has_letter("orders.missed").await);
        let asked = bench.amazon.state(|state| state.asked.clone());
        let [.., before, last] = asked.as_slice() else { panic!("it polls") };
        assert!(chrono::TimeDelta::hours(1) < before.window.to - last.window.from, "the overlap has grown");
    });
}

#[test]
fn notifications_that_cannot_be_applied_are_dead_letters_with_a_reason() {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        let change = |seller: &str| {
            format!(
                r#"{{"NotificationVersion":"1.0","NotificationType":"ORDER_CHANGE","EventTime":"2026-11-02T09:00:00Z","Payload":{{"OrderChangeNotification":{{"NotificationLevel":"OrderLevel","SellerId":"{seller}","AmazonOrderId":"902-0000000-0000001","OrderChangeType":"OrderStatusChange","OrderChangeTrigger":{{"TimeOfOrderChange":null,"ChangeReason":"x"}},"Summary":{{"OrderStatus":"Unshipped","FulfillmentType":"MFN","OrderItems":[]}}}}}}}}"#
            )
        };
        let known = order("902-0000000-0000001", "MUG", 2, nine());
        bench.amazon.state(|state| state.orders.insert(known.id.clone(), known));
        let notifications = ["{\"a\": [".to_owned(), change("A9STRANGER"), change(ONE)];
        let received = notifications.into_iter().map(Bytes::from).collect();
        bench.sync.receive(received).await.unwrap();
        bench.run_for(10).await;
        assert_eq!(bench.committed("mug").await, 2, "what tells too little has the order fetched");
        let dead = bench.store.dead(None, 10).await.unwrap();
        let codes: Vec<String> = dead.iter().map(|dead| dead.last.to_string()).collect();
        assert_eq!(codes, ["events.unreadable", "events.unknown_seller"]);
    });
}

#[test]
fn events_that_fall_silent_while_polls_find_orders_are_told() {
    runtime().block_on(async {
        let clock = Arc::new(VirtualClock::starting_at(nine()));
        let amazon = Amazon(Arc::new(Scripted { clock: Arc::clone(&clock), state: Mutex::default() }));
        let store = Memory::with(Arc::<VirtualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let host = MemoryStock::new(Arc::<VirtualClock>::clone(&clock));
        let config =
            SyncConfig::default().with_events_expected().with_events_silent_after(Duration::from_secs(600));
        let sync = Sync::builder(&store, amazon.clone(), host)
            .account(Account::new(SellerId::parse(ONE).unwrap(), Region::Europe, map()))
            .config(config)
            .build()
            .await
            .unwrap();
        for minute in 0..20 {
            let at = after(nine(), Duration::from_secs(minute * 60));
            let order = order(&format!("902-0000000-00000{minute:02}"), "MUG", 1, at);
            amazon.answer(ONE, Ok(page(vec![order], None, nine())));
        }
        let until = after(nine(), Duration::from_secs(3_600));
        let waiting = Arc::clone(&clock);
        sync.run(async move { waiting.sleep_until(until).await }).await.unwrap();
        let letters = sync.letters(0, 100).await.unwrap();
        assert!(letters.iter().any(|letter| letter.letter.code.as_str() == "events.silent"), "{letters:#?}");
    });
}

/// A host whose rows cannot all be read.
#[derive(Debug)]
struct Careless(MemoryStock);

#[async_trait]
impl HostStock for Careless {
    async fn read(
        &self,
        items: &[amazon_sync::sku::ItemCode],
    ) -> Result<Vec<Option<amazon_sync::host_stock::Count>>, StoreError> {
        self.0.read(items).await
    }

    async fn changes(&self, since: Option<HostMark>, max: usize) -> Result<HostChanges, StoreError> {
        let is_first = since.is_none();
        let mut page = self.0.changes(since, max).await?;
        if is_first {
            let reason = "plate: -3 is no quantity".to_owned();
            page.refused.push(HostRowError { place: "stock.csv line 7".to_owned(), reason });
        }
        Ok(page)
    }
}

#[test]
fn a_row_of_the_hosts_that_is_refused_is_told_and_the_others_are_counted() {
    runtime().block_on(async {
        let bench = Bench::with(&[ONE], |host| Careless(host.clone())).await;
        bench.run_for(15).await;
        let letters = bench.letters().await;
        let expected = (
            "host.row_refused".to_owned(),
            "stock.csv line 7".to_owned(),
            "plate: -3 is no quantity".to_owned(),
        );
        assert!(letters.contains(&expected), "{letters:#?}");
        let named = Items::Named(vec![item("mug")]);
        let found = bench.store.positions(bench.sync.shelf(), &named).await.unwrap();
        assert_eq!(found[0].position.on_hand.get(), 20);
    });
}

#[test]
fn a_synchroniser_says_what_it_lacks() {
    runtime().block_on(async {
        let clock = Arc::new(VirtualClock::starting_at(nine()));
        let amazon = Amazon(Arc::new(Scripted { clock: Arc::clone(&clock), state: Mutex::default() }));
        let store = Memory::with(Arc::<VirtualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let builder =
            || Sync::builder(&store, amazon.clone(), MemoryStock::new(Arc::<VirtualClock>::clone(&clock)));
        let account = || Account::new(SellerId::parse(ONE).unwrap(), Region::Europe, map());
        assert!(matches!(builder().build().await.unwrap_err(), BuildError::NoAccount));
        let twice = builder().account(account()).account(account()).build().await.unwrap_err();
        assert!(matches!(twice, BuildError::AccountTwice { .. }));
        assert!(matches!(
            builder().account(account()).shelf("").build().await.unwrap_err(),
            BuildError::Shelf(_)
        ));
    });
}

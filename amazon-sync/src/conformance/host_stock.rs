//! The contract of [`HostStock`].

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::pin::Pin;
use std::sync::Arc;

use crate::host_stock::{Count, HostChange, HostChanges, HostMark, HostStock};
use crate::quantity::Quantity;
use crate::sku::ItemCode;

/// What comes later.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Lends an empty stock to a case.
pub struct Subject {
    /// The stock.
    pub stock: Arc<dyn HostStock>,
    /// The same stock as another process would open it.
    pub reopen: Box<dyn Fn() -> Later<Arc<dyn HostStock>> + Send + Sync>,
    /// Lets the host have so many of an item, as its own programs would.
    pub set: Box<dyn Fn(ItemCode, Quantity) -> Later<()> + Send + Sync>,
    /// What lives as long as the subject, such as a folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("stock", &self.stock).finish_non_exhaustive()
    }
}

fn item(code: &str) -> ItemCode {
    ItemCode::parse(code).unwrap()
}

fn quantity(number: i64) -> Quantity {
    Quantity::new(number).unwrap()
}

impl Subject {
    async fn set(&self, code: &str, number: i64) {
        (self.set)(item(code), quantity(number)).await;
    }
}

fn counts(page: &HostChanges) -> Vec<Count> {
    let counted = |change: &HostChange| match change {
        HostChange::Counted(count) => Some(count.clone()),
        HostChange::Moved { .. } => None,
    };
    page.changes.iter().filter_map(counted).collect()
}

/// Reads on from a mark, page by page, until nothing more comes.
async fn rest(
    stock: &dyn HostStock,
    mut since: Option<HostMark>,
    max: usize,
) -> (BTreeMap<ItemCode, i64>, Option<HostMark>, usize) {
    let (mut last, mut told) = (BTreeMap::new(), 0);
    loop {
        let page = stock.changes(since.clone(), max).await.unwrap();
        assert!(page.changes.len() <= max, "a page holds what was asked for");
        told += page.changes.len();
        last.extend(counts(&page).into_iter().map(|count| (count.item.clone(), count.quantity.into())));
        match page.mark {
            Some(mark) => since = Some(mark),
            None => return (last, since, told),
        }
    }
}

/// Without a mark everything that is there is told.
pub async fn the_beginning_tells_everything(s: Subject) {
    s.set("mug", 12).await;
    s.set("cup", 0).await;
    let (last, mark, _) = rest(&*s.stock, None, 10).await;
    assert_eq!(last, BTreeMap::from([(item("cup"), 0), (item("mug"), 12)]));
    assert!(mark.is_some());
}

/// An empty stock tells nothing, and stays where it was or names where to go on.
pub async fn an_empty_stock_tells_nothing(s: Subject) {
    let (last, mark, _) = rest(&*s.stock, None, 10).await;
    assert_eq!(last, BTreeMap::new());
    s.set("mug", 3).await;
    assert_eq!(rest(&*s.stock, mark, 10).await.0, BTreeMap::from([(item("mug"), 3)]));
}

/// Page by page nothing is lost, however small the pages are.
pub async fn small_pages_lose_nothing(s: Subject) {
    for n in 0..7 {
        s.set(&format!("item-{n}"), n).await;
    }
    for max in [1, 2, 3, 7] {
        let (last, _, _) = rest(&*s.stock, None, max).await;
        let expected = (0..7).map(|n| (item(&format!("item-{n}")), n)).collect::<BTreeMap<_, _>>();
        assert_eq!(last, expected, "pages of {max}");
    }
}

/// Where nothing has changed since a mark, nothing is told.
pub async fn nothing_new_is_nothing(s: Subject) {
    s.set("mug", 12).await;
    let (_, mark, _) = rest(&*s.stock, None, 10).await;
    let (last, after, told) = rest(&*s.stock, mark.clone(), 10).await;
    assert_eq!((last.len(), told), (0, 0));
    assert_eq!(after, mark);
}

/// What changed after a mark is told from there on.
pub async fn a_change_is_told_after_the_mark(s: Subject) {
    s.set("mug", 12).await;
    s.set("cup", 5).await;
    let (_, mark, _) = rest(&*s.stock, None, 10).await;
    s.set("mug", 11).await;
    s.set("pen", 1).await;
    let (last, mark, _) = rest(&*s.stock, mark, 10).await;
    assert_eq!(last, BTreeMap::from([(item("mug"), 11), (item("pen"), 1)]));
    s.set("mug", 0).await;
    assert_eq!(rest(&*s.stock, mark, 10).await.0, BTreeMap::from([(item("mug"), 0)]));
}

/// A mark is good in another process, in the middle and at the end.
pub async fn a_mark_outlives_the_process(s: Subject) {
    for n in 0..5 {
        s.set(&format!("item-{n}"), n).await;
    }
    let first = s.stock.changes(None, 2).await.unwrap();
    let reopened = (s.reopen)().await;
    let (mut last, mark, _) = rest(&*reopened, first.mark.clone(), 2).await;
    last.extend(counts(&first).into_iter().map(|count| (count.item, count.quantity.into())));
    assert_eq!(last.len(), 5);
    s.set("item-3", 33).await;
    let again = (s.reopen)().await;
    assert_eq!(rest(&*again, mark, 10).await.0.get(&item("item-3")), Some(&33));
}

/// From an older mark everything since comes again, and the last number of each item is the
/// present one.
pub async fn an_older_mark_tells_again(s: Subject) {
    s.set("mug", 12).await;
    let (_, old, _) = rest(&*s.stock, None, 10).await;
    s.set("mug", 11).await;
    let (_, newer, _) = rest(&*s.stock, old.clone(), 10).await;
    s.set("mug", 9).await;
    assert_eq!(rest(&*s.stock, newer, 10).await.0, BTreeMap::from([(item("mug"), 9)]));
    assert_eq!(rest(&*s.stock, old, 10).await.0, BTreeMap::from([(item("mug"), 9)]));
    assert_eq!(rest(&*s.stock, None, 10).await.0, BTreeMap::from([(item("mug"), 9)]));
}

/// A count that was asked for is the present one, in order; an unknown item has none.
pub async fn reading_answers_in_order(s: Subject) {
    s.set("mug", 12).await;
    s.set("cup", 5).await;
    let read = s.stock.read(&[item("cup"), item("ghost"), item("mug")]).await.unwrap();
    let numbers: Vec<Option<i64>> =
        read.iter().map(|count| count.as_ref().map(|count| count.quantity.into())).collect();
    assert_eq!(numbers, [Some(5), None, Some(12)]);
    assert_eq!(s.stock.read(&[]).await.unwrap(), []);
}

/// A newer count of an item is not told to be older.
pub async fn counts_go_forward_in_time(s: Subject) {
    s.set("mug", 12).await;
    let first = counts(&s.stock.changes(None, 10).await.unwrap());
    let (_, mark, _) = rest(&*s.stock, None, 10).await;
    s.set("mug", 11).await;
    let second = counts(&s.stock.changes(mark, 10).await.unwrap());
    assert!(first.first().unwrap().at <= second.first().unwrap().at);
}

/// All cases of the suite, as tests over a function that makes a subject.
#[macro_export]
macro_rules! host_stock_conformance {
    ($new:path) => {
        $crate::conformance_cases! { host_stock, $new:
            the_beginning_tells_everything
            an_empty_stock_tells_nothing
            small_pages_lose_nothing
            nothing_new_is_nothing
            a_change_is_told_after_the_mark
            a_mark_outlives_the_process
            an_older_mark_tells_again
            reading_answers_in_order
            counts_go_forward_in_time
        }
    };
}

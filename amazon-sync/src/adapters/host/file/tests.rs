use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;
use crate::host_stock::HostChange;
use crate::ledger::Seq;
use crate::quantity::Quantity;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("stock.csv")
    }

    /// Writes the file with a modification time of its own, because two writes may share one.
    fn write(&self, content: &str) {
        let before = fs::metadata(self.path()).and_then(|metadata| metadata.modified());
        fs::write(self.path(), content).unwrap();
        if let Ok(before) = before {
            let file = fs::File::options().write(true).open(self.path()).unwrap();
            file.set_modified(before + std::time::Duration::from_secs(1)).unwrap();
        }
    }
}

async fn all(
    stock: &StockFile,
    mut since: Option<HostMark>,
) -> (BTreeMap<String, u32>, Vec<String>, Option<HostMark>) {
    let (mut counts, mut refused) = (BTreeMap::new(), Vec::new());
    loop {
        let page = stock.changes(since.clone(), 2).await.unwrap();
        for change in page.changes {
            let HostChange::Counted(count) = change else { panic!("a file holds counts") };
            counts.insert(count.item.to_string(), count.quantity.get());
        }
        refused.extend(page.refused.iter().map(ToString::to_string));
        let Some(mark) = page.mark else { return (counts, refused, since) };
        since = Some(mark);
    }
}

fn told(counts: &BTreeMap<String, u32>) -> Vec<(&str, u32)> {
    counts.iter().map(|(item, count)| (item.as_str(), *count)).collect()
}

#[tokio::test]
async fn rows_that_cannot_be_trusted_are_told_with_line_and_remedy_and_the_rest_goes_on() {
    let folder = Folder::new();
    folder.write(
        "Code;Name;Stock\nmug;Mug;12\nbad;Bad;-3\ncup;Cup;4006381333931\npen;Pen;\nmug;Mug;7\nbox;Box;1,5\n;none;4\nend;End;2.0\n",
    );
    let stock = StockFile::at(folder.path());
    let (counts, refused, _) = all(&stock, None).await;
    assert_eq!(told(&counts), [("end", 2), ("mug", 7)]);
    let expected = [
        "stock.csv line 3: bad: -3 is no quantity: use 0 to 99999999; write 0 when none is left, or correct the export",
        "stock.csv line 4: cup: 4006381333931 is no quantity: use 0 to 99999999; perhaps another column, such as a barcode, stands in its place",
        "stock.csv line 5: pen: the quantity is empty; write 0 when none is left",
        "stock.csv line 6: mug stands in line 2 already, and the lower number counts; keep one row for each item",
        "stock.csv line 7: box: \"1,5\" is no whole number; write it without separators",
        "stock.csv line 8: \"\" is no item code: use 1 to 64 bytes, none of them a control character, no space at the ends",
    ];
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn only_what_changed_is_told_and_what_is_missing_keeps_its_number() {
    let folder = Folder::new();
    folder.write("item,quantity\nmug,12\ncup,4\npen,9\n");
    let stock = StockFile::at(folder.path());
    let (counts, _, mark) = all(&stock, None).await;
    assert_eq!(told(&counts), [("cup", 4), ("mug", 12), ("pen", 9)]);
    folder.write("item,quantity\nmug,12\ncup,3\n");
    let (counts, refused, mark) = all(&stock, mark).await;
    assert_eq!(told(&counts), [("cup", 3)]);
    assert_eq!(
        refused,
        [
            "stock.csv: items that it held before are missing: 1. They keep their numbers; write 0 for what is gone"
        ]
    );
    assert_eq!(all(&stock, mark).await.0.len(), 0);
}

#[tokio::test]
async fn a_file_that_was_written_anew_with_the_same_content_is_not_told_again() {
    let folder = Folder::new();
    folder.write("item,quantity\nmug,12\n");
    let (_, _, mark) = all(&StockFile::at(folder.path()), None).await;
    folder.write("item,quantity\nmug,12\n");
    let fresh = StockFile::at(folder.path());
    assert_eq!(fresh.changes(mark, 10).await.unwrap().changes, []);
}

#[tokio::test]
async fn a_page_that_was_not_kept_is_told_again() {
    let folder = Folder::new();
    folder.write("item,quantity\na,1\nb,2\nc,3\nd,4\n");
    let stock = StockFile::at(folder.path());
    let first = stock.changes(None, 2).await.unwrap();
    let lost = stock.changes(first.mark.clone(), 2).await.unwrap();
    let again = stock.changes(first.mark.clone(), 2).await.unwrap();
    assert_eq!(again.changes, lost.changes);
    let fresh = StockFile::at(folder.path());
    assert_eq!(fresh.changes(first.mark, 2).await.unwrap().changes, lost.changes);
    assert_eq!(stock.changes(None, 9).await.unwrap().changes.len(), 4);
}

#[tokio::test]
async fn columns_of_other_names_and_counts_that_include_orders_are_read() {
    let folder = Folder::new();
    folder.write("Artikel\tBestand\tStand\tBis\nmug\t12\t2026-11-02T10:00:00+01:00\t17\ncup\t1\tgestern\t\n");
    let columns = StockColumns::named("artikel", "bestand").counted_at("Stand").includes("bis");
    let stock = StockFile::with_columns(folder.path(), columns);
    let page = stock.changes(None, 10).await.unwrap();
    let count = Count {
        item: ItemCode::parse("mug").unwrap(),
        quantity: Quantity::new(12).unwrap(),
        includes: Some(Seq(17)),
        at: "2026-11-02T09:00:00Z".parse().unwrap(),
    };
    assert_eq!(page.changes, [HostChange::Counted(count)]);
    let reason = &page.refused[0].reason;
    assert!(reason.contains("\"gestern\" is no instant; write it as 2026"), "{reason}");
}

#[tokio::test]
async fn a_header_without_the_columns_says_what_it_has() {
    let folder = Folder::new();
    folder.write("a,b\n1,2\n");
    let error = StockFile::at(folder.path()).changes(None, 10).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "reading the stock file stock.csv: the header has no column for the item (item, item_code, code, sku); it names a, b. Name the columns with StockColumns::named"
    );
    let missing = StockFile::at(folder.0.path().join("none.csv")).changes(None, 10).await.unwrap_err();
    assert_eq!(missing.to_string(), "reading the stock file none.csv: the store is not available");
}

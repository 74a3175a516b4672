use rules_core::store::sqlite::SqliteConfig;
use tempfile::TempDir;

use super::*;

static SHOP: Schema = Schema { name: "shop", steps: &[] };

async fn shop(sql: &'static str) -> (TempDir, Sqlite, Sqlite) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("shop.db");
    let writer = Sqlite::open_with(&path, SqliteConfig::default()).await.unwrap();
    run(&writer, sql).await;
    let reader = Sqlite::open_read_only(&path).await.unwrap();
    (folder, writer, reader)
}

async fn run(writer: &Sqlite, sql: &'static str) {
    writer.write(&SHOP, move |tx| Ok(tx.execute_batch(sql)?)).await.unwrap();
}

async fn all(
    stock: &StockTable,
    mut since: Option<HostMark>,
) -> (Vec<(String, u32)>, Vec<String>, Option<HostMark>) {
    let (mut counts, mut refused) = (Vec::new(), Vec::new());
    loop {
        let page = stock.changes(since.clone(), 2).await.unwrap();
        for change in page.changes {
            let HostChange::Counted(count) = change else { panic!("a table holds counts") };
            counts.push((count.item.to_string(), count.quantity.get()));
        }
        refused.extend(page.refused.iter().map(ToString::to_string));
        let Some(mark) = page.mark else { return (counts, refused, since) };
        since = Some(mark);
    }
}

fn pairs(counts: &[(String, u32)]) -> Vec<(&str, u32)> {
    counts.iter().map(|(item, count)| (item.as_str(), *count)).collect()
}

#[tokio::test]
async fn rows_of_any_type_are_read_and_doubtful_ones_told() {
    let (_folder, _writer, reader) = shop(
        "CREATE TABLE \"my \"\"stock\"\"\" (code, \"on hand\");
         INSERT INTO \"my \"\"stock\"\"\" VALUES
           ('mug', 12), ('cup', '7'), ('pen', 3.0), ('low', 9), ('low', 4), (17, 5),
           ('minus', -1), ('none', NULL), ('word', 'many'), (NULL, 3);",
    )
    .await;
    let stock =
        StockTable::open(reader, TableColumns::named("my \"stock\"", "CODE", "on hand")).await.unwrap();
    let (counts, refused, mark) = all(&stock, None).await;
    assert_eq!(pairs(&counts), [("17", 5), ("cup", 7), ("low", 4), ("mug", 12), ("pen", 3)]);
    let expected = [
        "table my \"stock\", item low: it stands in 2 rows, and the lowest number counts; keep one row for each item",
        "table my \"stock\", item minus: -1 is no quantity: use 0 to 99999999",
        "table my \"stock\", item none: the quantity is empty; write 0 when none is left",
        "table my \"stock\", item word: \"many\" is no whole number; write it without separators",
    ];
    assert_eq!(refused[..4], expected);
    assert!(mark.is_some());
}

#[tokio::test]
async fn without_a_column_of_changes_only_other_numbers_are_told_again() {
    let (_folder, writer, reader) =
        shop("CREATE TABLE stock (item TEXT PRIMARY KEY, quantity INTEGER); INSERT INTO stock VALUES ('a',1),('b',2),('c',3),('d',4),('e',5);").await;
    let stock = StockTable::open(reader, TableColumns::named("stock", "item", "quantity")).await.unwrap();
    let (counts, _, mark) = all(&stock, None).await;
    assert_eq!(counts.len(), 5);
    run(&writer, "UPDATE stock SET quantity = 0 WHERE item = 'd'; DELETE FROM stock WHERE item = 'a'").await;
    let (counts, refused, mark) = all(&stock, mark).await;
    assert_eq!(pairs(&counts), [("d", 0)]);
    assert_eq!(
        refused,
        [
            "table stock: items that it held before are missing: 1. They keep their numbers; write 0 for what is gone"
        ]
    );
    assert_eq!(all(&stock, mark).await.0, []);
}

#[tokio::test]
async fn with_a_column_of_changes_rows_of_the_same_instant_are_not_missed() {
    let (_folder, writer, reader) = shop(
        "CREATE TABLE stock (item TEXT PRIMARY KEY, quantity INTEGER, changed TEXT);
         INSERT INTO stock VALUES ('b',1,'2026-11-02 10:00:00'),('c',2,'2026-11-02 10:00:00'),('d',3,'2026-11-02 10:00:00'),('z',3,'2026-11-02 10:00:01');",
    )
    .await;
    let columns = TableColumns::named("stock", "item", "quantity").changed("changed").counted_at("changed");
    let stock = StockTable::open(reader.clone(), columns.clone()).await.unwrap();
    let (counts, _, mark) = all(&stock, None).await;
    assert_eq!(pairs(&counts), [("b", 1), ("c", 2), ("d", 3), ("z", 3)]);
    run(&writer, "INSERT INTO stock VALUES ('a', 7, '2026-11-02 10:00:01')").await;
    let (counts, _, mark) = all(&stock, mark).await;
    assert_eq!(pairs(&counts), [("a", 7)]);
    let fresh = StockTable::open(reader, columns).await.unwrap();
    let (counts, _, _) = all(&fresh, mark).await;
    assert_eq!(pairs(&counts), [("a", 7), ("z", 3)]);
    let read = fresh.read(&[ItemCode::parse("z").unwrap(), ItemCode::parse("y").unwrap()]).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().at.to_rfc3339(), "2026-11-02T10:00:01+00:00");
    assert_eq!(read[1], None);
}

#[tokio::test]
async fn a_table_or_column_that_is_not_there_is_told_with_what_is() {
    let (_folder, _writer, reader) = shop("CREATE TABLE stock (item, quantity)").await;
    let error =
        StockTable::open(reader.clone(), TableColumns::named("goods", "item", "qty")).await.unwrap_err();
    assert_eq!(error.to_string(), "looking at the stock table: there is no table \"goods\" in the file");
    let error = StockTable::open(reader, TableColumns::named("stock", "item", "qty")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "looking at the stock table: the table \"stock\" has no column \"qty\"; it has item, quantity"
    );
}

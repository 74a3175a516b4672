//! The suite of a host's stock on every adapter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use amazon_sync::adapters::host::{StockFile, StockTable, TableColumns};
use amazon_sync::conformance::host_stock::Subject;
use amazon_sync::host_stock::{HostStock, MemoryStock};
use rules_core::store::sqlite::{Schema, Sqlite};
use rules_core::work::clock::SystemClock;
use tempfile::TempDir;

mod memory {
    use super::*;

    async fn subject() -> Subject {
        let stock = MemoryStock::new(Arc::new(SystemClock));
        let (same, set) = (stock.clone(), stock.clone());
        Subject {
            stock: Arc::new(stock),
            reopen: Box::new(move || {
                let same: Arc<dyn HostStock> = Arc::new(same.clone());
                Box::pin(async move { same })
            }),
            set: Box::new(move |item, quantity| {
                set.set(&item, quantity);
                Box::pin(async {})
            }),
            keep: Box::new(()),
        }
    }

    amazon_sync::host_stock_conformance!(subject);
}

mod file {
    use super::*;

    /// Writes the file beside its place and renames it, always with a later instant.
    fn write(path: &Path, rows: &BTreeMap<String, u32>) {
        let lines = rows.iter().map(|(item, quantity)| format!("{item},{quantity}\n"));
        let beside: PathBuf = path.with_extension("new");
        fs::write(&beside, format!("item,quantity\n{}", lines.collect::<String>())).unwrap();
        if let Ok(before) = fs::metadata(path).and_then(|metadata| metadata.modified()) {
            let file = fs::File::options().write(true).open(&beside).unwrap();
            file.set_modified(before + std::time::Duration::from_secs(1)).unwrap();
        }
        fs::rename(&beside, path).unwrap();
    }

    async fn subject() -> Subject {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("stock.csv");
        let rows = Mutex::new(BTreeMap::new());
        write(&path, &rows.lock().unwrap());
        let (same, written) = (path.clone(), path.clone());
        Subject {
            stock: Arc::new(StockFile::at(path)),
            reopen: Box::new(move || {
                let fresh: Arc<dyn HostStock> = Arc::new(StockFile::at(same.clone()));
                Box::pin(async move { fresh })
            }),
            set: Box::new(move |item, quantity| {
                let mut rows = rows.lock().unwrap();
                rows.insert(item.to_string(), quantity.get());
                write(&written, &rows);
                Box::pin(async {})
            }),
            keep: Box::new(folder),
        }
    }

    amazon_sync::host_stock_conformance!(subject);
}

static SHOP: Schema = Schema {
    name: "shop",
    steps: &["CREATE TABLE goods (code TEXT PRIMARY KEY, shelf INTEGER NOT NULL, version INTEGER NOT NULL)"],
};

async fn table(columns: TableColumns) -> Subject {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("shop.db");
    let writer = Sqlite::open(&path).await.unwrap();
    writer.ensure(&SHOP).await.unwrap();
    let reader = Sqlite::open_read_only(&path).await.unwrap();
    let stock = StockTable::open(reader.clone(), columns.clone()).await.unwrap();
    Subject {
        stock: Arc::new(stock),
        reopen: Box::new(move || {
            let (reader, columns) = (reader.clone(), columns.clone());
            Box::pin(async move {
                let fresh: Arc<dyn HostStock> = Arc::new(StockTable::open(reader, columns).await.unwrap());
                fresh
            })
        }),
        set: Box::new(move |item, quantity| {
            let writer = writer.clone();
            Box::pin(async move {
                let (code, shelf) = (item.to_string(), quantity.get());
                let set = writer.write(&SHOP, move |tx| {
                    tx.execute(
                        "INSERT INTO goods VALUES (?1, ?2, (SELECT coalesce(max(version), 0) + 1 FROM goods))
                         ON CONFLICT (code) DO UPDATE SET shelf = excluded.shelf, version = excluded.version",
                        rules_core::store::sqlite::rusqlite::params![code, shelf],
                    )?;
                    Ok(())
                });
                set.await.unwrap();
            })
        }),
        keep: Box::new(folder),
    }
}

mod whole_table {
    use super::*;

    async fn subject() -> Subject {
        table(TableColumns::named("goods", "code", "shelf")).await
    }

    amazon_sync::host_stock_conformance!(subject);
}

mod table_with_versions {
    use super::*;

    async fn subject() -> Subject {
        table(TableColumns::named("goods", "code", "shelf").changed("version")).await
    }

    amazon_sync::host_stock_conformance!(subject);
}

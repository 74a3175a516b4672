//! Why a SKU shows what it shows.

use amazon_sync::sku::Sku;
use amazon_sync::sku_map::SkuMap;
use amazon_sync::sync::Sync;
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use super::ReportFormat;
use super::screen::aside;

/// So many SKUs are offered instead of an unknown one.
const OFFERED: usize = 3;

/// Nobody waits a day to hear that there is no such SKU.
pub(super) fn can_be(map: &SkuMap, sku: &Sku) -> anyhow::Result<()> {
    if map.recipe(sku).is_ok() {
        return Ok(());
    }
    let wanted = sku.as_str().to_ascii_uppercase();
    let stem = wanted.split(['-', '_', ' ']).next().unwrap_or_default();
    let named = map.listings().map(|(_, listing)| listing.sku.as_str());
    let mut alike: Vec<&str> = named.filter(|name| name.to_ascii_uppercase().contains(stem)).collect();
    alike.dedup();
    // Those that hold all of it come first.
    alike.sort_by_key(|name| !name.to_ascii_uppercase().contains(&wanted));
    alike.truncate(OFFERED);
    let offer = if alike.is_empty() { String::new() } else { format!("; it has {}", alike.join(", ")) };
    bail!("--explain {sku}: the SKU map has no such SKU{offer}");
}

pub(super) async fn print(
    sync: &Sync,
    sku: &Sku,
    at: DateTime<Utc>,
    format: ReportFormat,
) -> anyhow::Result<()> {
    let explained = sync.explain(sku, at).await.context("explaining")?;
    aside(format, format!("\n{}", explained.to_string().trim_end()))?;
    Ok(())
}

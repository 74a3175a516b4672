//! The figures of a run, and whether they keep the limits.

use serde::Serialize;

/// Milliseconds of the merge of a million, and from two snapshots of a million to decisions.
const MERGE_AT_MOST_MS: f64 = 20.0;
const RECONCILE_AT_MOST_MS: f64 = 1_000.0;
const MILLION: f64 = 1e6;

/// How long one round took.
#[derive(Clone, Copy, Serialize)]
#[expect(clippy::struct_field_names, reason = "each says its unit")]
pub(crate) struct Took {
    pub(crate) best_ms: f64,
    pub(crate) median_ms: f64,
    /// Processor time, on average.
    pub(crate) cpu_ms: f64,
}

/// MiB that the process holds more for each part, in the order in which they are made.
#[derive(Clone, Copy, Serialize)]
#[expect(clippy::struct_field_names, reason = "each says its unit")]
pub(crate) struct Memory {
    /// The SKU map: all SKUs, items and recipes, with what reading it has left over.
    pub(crate) map_mb: f64,
    /// What can ship.
    pub(crate) available_mb: f64,
    /// Base, ours, theirs and the rest of what is known of each listing.
    pub(crate) table_mb: f64,
    pub(crate) decisions_mb: f64,
    /// All of it, and the program.
    pub(crate) held_mb: f64,
    /// The most while the map was read, and the most of all.
    pub(crate) peak_reading_mb: f64,
    pub(crate) peak_mb: f64,
}

pub(crate) struct Figures {
    pub(crate) skus: u32,
    pub(crate) items: u32,
    pub(crate) rounds: u32,
    pub(crate) merge: Took,
    pub(crate) reconcile: Took,
    pub(crate) map_seconds: f64,
    pub(crate) map_cpu_seconds: f64,
    pub(crate) memory: Memory,
}

/// What is printed.
#[derive(Serialize)]
struct Summary {
    skus: u32,
    items: u32,
    rounds: u32,
    merge: Took,
    reconcile: Took,
    /// By processor time, scaled to a million.
    merge_kept: bool,
    reconcile_kept: bool,
    map_read_seconds: f64,
    map_read_cpu_seconds: f64,
    memory: Memory,
    bytes_per_sku: f64,
}

impl Figures {
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let per_million = |took: Took| took.cpu_ms * MILLION / f64::from(self.skus);
        let held = self.memory;
        let parts = held.map_mb + held.available_mb + held.table_mb + held.decisions_mb;
        let summary = Summary {
            skus: self.skus,
            items: self.items,
            rounds: self.rounds,
            merge: self.merge.rounded(),
            reconcile: self.reconcile.rounded(),
            merge_kept: per_million(self.merge) <= MERGE_AT_MOST_MS,
            reconcile_kept: per_million(self.reconcile) <= RECONCILE_AT_MOST_MS,
            map_read_seconds: rounded(self.map_seconds),
            map_read_cpu_seconds: rounded(self.map_cpu_seconds),
            memory: held.rounded(),
            bytes_per_sku: rounded(parts * 1024.0 * 1024.0 / f64::from(self.skus)),
        };
        if json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            summary.table();
        }
        Ok(())
    }
}

impl Took {
    fn rounded(self) -> Self {
        let Self { best_ms, median_ms, cpu_ms } = self;
        Self { best_ms: rounded(best_ms), median_ms: rounded(median_ms), cpu_ms: rounded(cpu_ms) }
    }
}

impl Memory {
    fn rounded(self) -> Self {
        Self {
            map_mb: rounded(self.map_mb),
            available_mb: rounded(self.available_mb),
            table_mb: rounded(self.table_mb),
            decisions_mb: rounded(self.decisions_mb),
            held_mb: rounded(self.held_mb),
            peak_reading_mb: rounded(self.peak_reading_mb),
            peak_mb: rounded(self.peak_mb),
        }
    }
}

impl Summary {
    fn table(&self) {
        let kept = |is_kept| if is_kept { "kept" } else { "NOT KEPT" };
        println!("{} SKUs over {} items, {} rounds", self.skus, self.items, self.rounds);
        println!("  {:<28} {:>9} {:>9} {:>9}", "", "best ms", "median", "CPU");
        for (name, took, at_most, is_kept) in [
            ("merge on a busy day", self.merge, MERGE_AT_MOST_MS, self.merge_kept),
            ("two snapshots to decisions", self.reconcile, RECONCILE_AT_MOST_MS, self.reconcile_kept),
        ] {
            let Took { best_ms, median_ms, cpu_ms } = took;
            println!(
                "  {name:<28} {best_ms:>9} {median_ms:>9} {cpu_ms:>9}  {at_most} ms a million: {}",
                kept(is_kept)
            );
        }
        println!("  the map was read in {} s, {} s of CPU", self.map_read_seconds, self.map_read_cpu_seconds);
        let memory = &self.memory;
        for (name, mb) in [
            ("SKU map", memory.map_mb),
            ("what can ship", memory.available_mb),
            ("what is known of listings", memory.table_mb),
            ("decisions", memory.decisions_mb),
            ("all, with the program", memory.held_mb),
            ("peak while reading the map", memory.peak_reading_mb),
            ("peak", memory.peak_mb),
        ] {
            println!("  {name:<28} {mb:>9} MiB");
        }
        println!("  {:<28} {:>9} bytes", "a SKU", self.bytes_per_sku);
    }
}

/// Four digits after the point below 10, one above.
fn rounded(value: f64) -> f64 {
    let scale = if value.abs() < 10.0 { 1e4 } else { 10.0 };
    (value * scale).round() / scale
}

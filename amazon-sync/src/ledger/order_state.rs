use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Bucket;
use super::delta::delta;
use crate::order::{LineId, OrderStatus, OrderVersion, ShippedBy};
use crate::quantity::Units;
use crate::sku::{ItemCode, Sku};
use crate::sync_store::{LineTarget, OrderReport, Part};

/// What the ledger knows of one order.
///
/// It is a join of all reports of the order: each thing that is known carries the version that
/// told it, and a newer version replaces it. So any permutation and any number of repeats of the
/// same reports end in the same state, and what a late report tells is taken where nothing newer
/// told it.
///
/// Two reports of the same version with different parts are two answers of a SKU map that changed
/// meanwhile. The first stands: a corrected map counts from the next version on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// The newest version that was reported.
    pub version: OrderVersion,
    /// Where the order stands by that version.
    pub status: OrderStatus,
    /// Who ships it by that version.
    pub shipped_by: ShippedBy,
    /// Every line that any report held.
    pub lines: BTreeMap<LineId, LineState>,
}

/// What the ledger knows of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState {
    /// Units of the listing that were sold: the most that any report tells, because what is cancelled
    /// was sold before, and by the newest report that holds the line.
    pub sold: Told<Units>,
    /// Which listing was sold, as the newest report that says so has it.
    pub sku: Option<Told<Sku>>,
    /// What it means on our shelf, as the newest report whose SKU was mapped has it.
    pub parts: Option<Told<LineParts>>,
}

/// What a line means on our shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineParts {
    /// What the ledger should hold for it.
    pub held: Vec<Part>,
    /// What stays of that when the order is cancelled.
    pub shipped: Vec<Part>,
}

/// Something that was told, and which version of the order told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told<T> {
    /// The version.
    pub by: OrderVersion,
    /// What it told.
    pub what: T,
}

/// What a report did to what was known of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What is known afterwards.
    pub state: OrderState,
    /// Whether the report was news.
    pub news: News,
}

/// Whether a report was news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It was.
    Applied {
        /// Lines that an older report holds and the newest does not. What the ledger holds for
        /// them stays.
        vanished: Vec<LineId>,
        /// True when the order was not known.
        first: bool,
    },
    /// This version is the newest that is known, and nothing was added to it.
    Repeated,
    /// All of it is known by newer versions.
    Stale,
}

/// What is to be booked when one state follows another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// What moves.
    pub moves: Vec<LineMove>,
    /// How the units sold of each listing change.
    pub sold: Vec<(Sku, Units)>,
}

/// Units that move for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMove {
    /// The line.
    pub line: LineId,
    /// What moves.
    pub item: ItemCode,
    /// Where.
    pub bucket: Bucket,
    /// How many; negative ones leave.
    pub by: Units,
}

impl OrderState {
    /// What the ledger should hold for a line: its parts, or what has shipped of them when the
    /// newest version of the order is cancelled, whichever report told the line.
    pub fn target(&self, line: &LineId) -> &[Part] {
        let parts = self.lines.get(line).and_then(|line| line.parts.as_ref());
        parts.map_or(&[], |parts| {
            if self.status == OrderStatus::Cancelled { &parts.what.shipped } else { &parts.what.held }
        })
    }

    /// Units of the listing that count as sold from the merchant's shelf.
    fn sold(&self, line: &LineState) -> Units {
        if self.shipped_by == ShippedBy::Amazon { Units::ZERO } else { line.sold.what }
    }

    /// Units sold by listing; `None` when a sum cannot be expressed.
    fn sold_by_sku(&self) -> Option<BTreeMap<&Sku, Units>> {
        let mut sums: BTreeMap<&Sku, Units> = BTreeMap::new();
        for line in self.lines.values() {
            let Some(sku) = &line.sku else { continue };
            let sum = sums.entry(&sku.what).or_default();
            *sum = sum.checked_add(self.sold(line))?;
        }
        Some(sums)
    }
}

/// What is known of an order after one more report of it.
pub fn fold(known: Option<&OrderState>, report: &OrderReport) -> Folded {
    let newest = |state: &&OrderState| report.version <= state.version;
    let mut state = known.cloned().unwrap_or_else(|| OrderState {
        version: report.version,
        status: report.status.clone(),
        shipped_by: report.shipped_by,
        lines: BTreeMap::new(),
    });
    let mut vanished = Vec::new();
    if known.as_ref().is_none_or(|state| !newest(state)) {
        state.version = report.version;
        state.status = report.status.clone();
        state.shipped_by = report.shipped_by;
        let told = |id: &&LineId| report.lines.iter().any(|line| line.line == **id);
        vanished.extend(state.lines.keys().filter(|id| !told(id)).cloned());
    }
    let late = report.version < state.version;
    for target in &report.lines {
        if let Some(line) = state.lines.get_mut(&target.line) {
            line.learn(report.version, target);
        } else {
            state.lines.insert(target.line.clone(), LineState::first(report.version, target));
            vanished.extend(late.then(|| target.line.clone()));
        }
    }
    if state.status == OrderStatus::Cancelled {
        // Nothing of them is held on doubt: they went with the order.
        vanished.clear();
    }
    let news = match known {
        Some(known) if *known == state && late => News::Stale,
        Some(known) if *known == state => News::Repeated,
        _ => News::Applied { vanished, first: known.is_none() },
    };
    Folded { state, news }
}

/// What must be booked between two states; `None` when a sum cannot be expressed.
pub fn due(before: Option<&OrderState>, after: &OrderState) -> Option<Due> {
    let mut due = Due::default();
    for line in after.lines.keys() {
        let held = before.map_or(&[][..], |before| before.target(line));
        let target = after.target(line);
        if held != target {
            let moves = delta(target, held).ok()?.into_iter();
            due.moves.extend(moves.map(|(item, bucket, by)| LineMove {
                line: line.clone(),
                item,
                bucket,
                by,
            }));
        }
    }
    let mut sold = after.sold_by_sku()?;
    for (sku, units) in before.map_or(Some(BTreeMap::new()), OrderState::sold_by_sku)? {
        let sum = sold.entry(sku).or_default();
        *sum = sum.checked_sub(units)?;
    }
    let changed = sold.into_iter().filter(|(_, by)| !by.is_zero());
    due.sold = changed.map(|(sku, by)| (sku.clone(), by)).collect();
    Some(due)
}

impl LineState {
    fn first(by: OrderVersion, target: &LineTarget) -> Self {
        let mut line = Self { sold: Told { by, what: target.sold }, sku: None, parts: None };
        line.learn(by, target);
        line
    }

    fn learn(&mut self, by: OrderVersion, target: &LineTarget) {
        let Told { by: known, what } = self.sold;
        self.sold = Told { by: known.max(by), what: what.max(target.sold) };
        if let Some(sku) = &target.sku {
            learn(&mut self.sku, by, || sku.clone());
        }
        if let Some(held) = &target.parts {
            let shipped = &target.shipped_parts;
            learn(&mut self.parts, by, || LineParts { held: held.clone(), shipped: shipped.clone() });
        }
    }
}

fn learn<T>(known: &mut Option<Told<T>>, by: OrderVersion, what: impl FnOnce() -> T) {
    if known.as_ref().is_none_or(|told| told.by < by) {
        *known = Some(Told { by, what: what() });
    }
}

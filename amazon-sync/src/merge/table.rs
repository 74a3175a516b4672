use super::{Action, Context, Decision, Mapping, Pending, Row, Ships, decide};
use crate::drift::Drift;
use crate::quantity::{Cell, Quantity, Units};
use crate::sku_map::ListingId;

/// Rows of many listings as columns, by the dense ids of a SKU map: 28 bytes a listing, and more
/// only for those with an intent.
#[derive(Clone, Debug, Default)]
pub struct Table {
    base: Vec<Cell>,
    sold: Vec<i32>,
    sold_since_read: Vec<i32>,
    ours: Vec<Cell>,
    theirs: Vec<Cell>,
    marks: Vec<Marks>,
    /// The place in `rare`, or [`COMMON`].
    rare: Vec<u32>,
    rare_rows: Vec<Rare>,
}

/// What few listings have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rare {
    pending: Option<Pending>,
    declared: Option<Quantity>,
}

/// A listing without an intent, of which Amazon shows what it has stored.
const COMMON: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks {
    times: u8,
    absent: u8,
    flags: u8,
}

impl Marks {
    const COVERED: u8 = 1;
    const FROZEN: u8 = 2;
    const UNMAPPED: u8 = 4;
    const AMBIGUOUS: u8 = 8;
    const AMAZON: u8 = 16;
    const FLIPPED: u8 = 32;
    /// In the snapshot that is being taken in.
    const SEEN: u8 = 64;

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn of(row: &Row) -> Self {
        let mapping = match row.mapping {
            Mapping::Known => 0,
            Mapping::Unmapped => Self::UNMAPPED,
            Mapping::Ambiguous => Self::AMBIGUOUS,
        };
        let ships = match row.ships {
            Ships::Merchant => 0,
            Ships::Amazon => Self::AMAZON,
            Ships::Flipped => Self::FLIPPED,
        };
        let covered = if row.is_covered { Self::COVERED } else { 0 };
        let frozen = if row.is_frozen { Self::FROZEN } else { 0 };
        Self { times: row.times, absent: row.absent, flags: mapping | ships | covered | frozen }
    }

    const fn mapping(self) -> Mapping {
        if self.has(Self::UNMAPPED) {
            Mapping::Unmapped
        } else if self.has(Self::AMBIGUOUS) {
            Mapping::Ambiguous
        } else {
            Mapping::Known
        }
    }

    const fn ships(self) -> Ships {
        if self.has(Self::FLIPPED) {
            Ships::Flipped
        } else if self.has(Self::AMAZON) {
            Ships::Amazon
        } else {
            Ships::Merchant
        }
    }
}

impl Table {
    /// A table of so many listings of which nothing is known.
    pub fn new(listings: usize) -> Self {
        Self {
            base: vec![Cell::NONE; listings],
            sold: vec![0; listings],
            sold_since_read: vec![0; listings],
            ours: vec![Cell::NONE; listings],
            theirs: vec![Cell::NONE; listings],
            marks: vec![Marks::default(); listings],
            rare: vec![COMMON; listings],
            rare_rows: Vec::new(),
        }
    }

    /// How many listings it has.
    pub const fn len(&self) -> usize {
        self.base.len()
    }

    /// True when it has none.
    pub const fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    /// Puts what is known of a listing in place of what was; nothing for an id beyond the table.
    pub fn put(&mut self, listing: ListingId, row: &Row) {
        let at = listing.index();
        set(&mut self.base, at, row.base.into());
        set(&mut self.sold, at, narrow(row.sold));
        set(&mut self.sold_since_read, at, narrow(row.sold_since_read));
        set(&mut self.ours, at, row.ours.into());
        set(&mut self.theirs, at, row.theirs.into());
        set(&mut self.marks, at, Marks::of(row));
        let rare = Rare { pending: row.pending, declared: row.declared };
        let is_common = row.pending.is_none() && row.declared == row.theirs;
        match self.rare.get_mut(at) {
            Some(place) if is_common => *place = COMMON,
            Some(place) if *place == COMMON => {
                // A table has at most 2^32 - 1 listings, as a SKU map has.
                *place = u32::try_from(self.rare_rows.len()).unwrap_or(COMMON);
                self.rare_rows.push(rare);
            }
            Some(place) => set(&mut self.rare_rows, *place as usize, rare),
            None => {}
        }
    }

    /// What is known of a listing; `None` beyond the table. A count beyond 2^31 comes back as that.
    pub fn row(&self, listing: ListingId) -> Option<Row> {
        let at = listing.index();
        let numbers = [self.base.get(at)?, self.ours.get(at)?, self.theirs.get(at)?];
        let counts = [self.sold.get(at)?, self.sold_since_read.get(at)?];
        Some(self.assemble(
            numbers.map(|cell| *cell),
            counts.map(|count| *count),
            *self.marks.get(at)?,
            *self.rare.get(at)?,
        ))
    }

    /// What can ship of each listing, for [`Available`](crate::available) to fill in.
    pub fn ours_mut(&mut self) -> &mut [Cell] {
        &mut self.ours
    }

    /// Takes in a snapshot of all listings, in any order: what Amazon shows of each. Those that are
    /// not in it were absent once more. `is_covered` says whether all orders up to the snapshot are
    /// known.
    pub fn take_in(&mut self, snapshot: impl IntoIterator<Item = (ListingId, Quantity)>, is_covered: bool) {
        for (listing, quantity) in snapshot {
            let at = listing.index();
            let (Some(theirs), Some(marks)) = (self.theirs.get_mut(at), self.marks.get_mut(at)) else {
                continue;
            };
            let since = self.sold_since_read.get_mut(at).map(std::mem::take).unwrap_or_default();
            let expected = theirs.get().map(|theirs| theirs.units().get() - i64::from(since));
            marks.times =
                if expected == Some(quantity.units().get()) { marks.times.saturating_add(1) } else { 1 };
            marks.flags =
                (marks.flags & !Marks::COVERED) | Marks::SEEN | if is_covered { Marks::COVERED } else { 0 };
            *theirs = quantity.into();
        }
        for marks in &mut self.marks {
            marks.absent = if marks.has(Marks::SEEN) { 0 } else { marks.absent.saturating_add(1) };
            marks.flags &= !Marks::SEEN;
        }
    }

    fn assemble(
        &self,
        [base, ours, theirs]: [Cell; 3],
        [sold, since]: [i32; 2],
        marks: Marks,
        rare: u32,
    ) -> Row {
        let rare = if rare == COMMON { None } else { self.rare_rows.get(rare as usize) };
        let theirs = theirs.get();
        Row {
            base: base.get(),
            sold: Units::new(i64::from(sold)),
            sold_since_read: Units::new(i64::from(since)),
            ours: ours.get(),
            theirs,
            declared: rare.map_or(theirs, |rare| rare.declared),
            times: marks.times,
            absent: marks.absent,
            mapping: marks.mapping(),
            ships: marks.ships(),
            is_covered: marks.has(Marks::COVERED),
            is_frozen: marks.has(Marks::FROZEN),
            pending: rare.and_then(|rare| rare.pending),
        }
    }
}

/// Decides all listings of a table, in order, into a vector that is used again and again.
pub fn decide_all(table: &Table, context: &Context, decisions: &mut Vec<Decision>) {
    decisions.clear();
    let numbers = table.base.iter().zip(&table.ours).zip(&table.theirs);
    let counts = table.sold.iter().zip(&table.sold_since_read);
    let rest = table.marks.iter().zip(&table.rare);
    let rows = numbers.zip(counts).zip(rest);
    decisions.extend(rows.map(|((((base, ours), theirs), (sold, since)), (marks, rare))| {
        let (numbers, counts) = ([*base, *ours, *theirs], [*sold, *since]);
        if is_quiet(numbers, counts, *marks, *rare) {
            QUIET
        } else {
            decide(&table.assemble(numbers, counts, *marks, *rare), context)
        }
    }));
}

/// What is decided about most listings, most of the time.
const QUIET: Decision = Decision { class: Drift::InSync, action: Action::Nothing };

/// True when [`decide`] would say [`QUIET`] because all numbers are the same and nothing was sold.
fn is_quiet([base, ours, theirs]: [Cell; 3], [sold, since]: [i32; 2], marks: Marks, rare: u32) -> bool {
    base == theirs
        && ours == theirs
        && !theirs.is_none()
        && (sold | since) == 0
        && marks.absent == 0
        && marks.flags & !Marks::COVERED == 0
        && rare == COMMON
}

fn set<T>(column: &mut [T], at: usize, value: T) {
    if let Some(place) = column.get_mut(at) {
        *place = value;
    }
}

/// In four bytes. Saturates: no listing sells two thousand million units between two bases.
fn narrow(units: Units) -> i32 {
    let within = units.get().clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    i32::try_from(within).unwrap_or_default()
}

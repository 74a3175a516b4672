use std::fmt::Write;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, Fault};

use super::plan::{Plan, PlanRow, PlannedListing};
use crate::drift::Drift;
use crate::quantity::Quantity;

const HEADER: &str = "seller\tregion\tsku\tchannel\tshown\tours\tbecomes\tclass\twhy\trests_on";

impl Plan {
    /// The plan as a file for people: a comment line, a header, and a row for each listing, cells
    /// between tabs, in the order of the listings, so that two plans can be compared line by line.
    /// A row that is taken out is not applied.
    pub fn to_tsv(&self) -> String {
        let mut text = String::new();
        let cell =
            |quantity: Option<Quantity>| quantity.map_or_else(String::new, |quantity| quantity.to_string());
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        line(format!(
            "# plan\tmade_at {}\tlistings {}\tdigest {}\tshelf {}",
            self.made_at.to_rfc3339(),
            self.listings,
            self.digest(),
            self.shelf
        ));
        line(HEADER.to_owned());
        for row in &self.rows {
            let PlannedListing { seller, region, sku, channel } = &row.listing;
            let mut cells = format!("{seller}\t{region}\t{sku}\t{channel}");
            let numbers = [row.shown, row.ours, row.becomes].map(cell);
            // Writing to a string does not fail.
            write!(cells, "\t{}\t{}\t{}\t{}", numbers.join("\t"), row.class, row.why, row.rests_on).ok();
            line(cells);
        }
        text
    }

    /// Reads a plan from a file that [`Plan::to_tsv`] wrote.
    ///
    /// # Errors
    /// [`PlanFileError`] with the line that cannot be read.
    pub fn from_tsv(text: &str) -> Result<Self, PlanFileError> {
        let mut lines = text.lines().enumerate().map(|(place, line)| (place + 1, line));
        let no_plan =
            |line| PlanFileError { line, what: "it is no plan; write one with Plan::to_tsv".to_owned() };
        let (_, first) = lines.next().ok_or_else(|| no_plan(1))?;
        let field = |name: &str| {
            let mut fields = first.strip_prefix("# plan\t")?.split('\t');
            fields.find_map(|field| field.strip_prefix(name)?.strip_prefix(' '))
        };
        let made_at = field("made_at").and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let listings = field("listings").and_then(|listings| listings.parse().ok());
        let (Some(made_at), Some(listings), Some(shelf)) = (made_at, listings, field("shelf")) else {
            return Err(no_plan(1));
        };
        match lines.next() {
            Some((_, HEADER)) => {}
            _ => return Err(no_plan(2)),
        }
        let filled = lines.filter(|(_, line)| !line.trim().is_empty());
        let rows =
            filled.map(|(number, line)| row(line).map_err(|what| PlanFileError { line: number, what }));
        Ok(Self {
            shelf: shelf.to_owned(),
            made_at: made_at.with_timezone(&Utc),
            listings,
            rows: rows.collect::<Result<_, _>>()?,
        })
    }
}

fn row(line: &str) -> Result<PlanRow, String> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [seller, region, sku, channel, shown, ours, becomes, class, why, rests_on] = cells[..] else {
        return Err(format!("it has {} cells and should have 10, with tabs between them", cells.len()));
    };
    let quantity = |name: &str, cell: &str| {
        if cell.is_empty() {
            return Ok(None);
        }
        let number: i64 = cell.parse().map_err(|_| format!("{name} {cell:?} is no number"))?;
        Quantity::new(number).map(Some).map_err(|error| format!("{name}: {error}"))
    };
    let known = Drift::ALL.into_iter().find(|known| known.as_str() == class);
    Ok(PlanRow {
        listing: PlannedListing {
            seller: seller.to_owned(),
            region: region.to_owned(),
            sku: sku.to_owned(),
            channel: channel.to_owned(),
        },
        shown: quantity("shown", shown)?,
        ours: quantity("ours", ours)?,
        becomes: quantity("becomes", becomes)?,
        class: known.ok_or_else(|| format!("{class:?} is no class of drift"))?,
        why: why.to_owned(),
        rests_on: rests_on.to_owned(),
    })
}

/// A file that is no plan.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line} of the plan: {what}")]
pub struct PlanFileError {
    /// The line, the first is 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Classify for PlanFileError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

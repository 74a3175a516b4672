//! Reading a SKU map from a CSV file.

use std::io::{BufRead, BufReader, Read};
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};

use super::SkuMap;
use super::build::{MadeOf, SkuMapBuilder, SkuRow};
use super::fault::{SkuMapError, SkuMapProblem};
use crate::listing::Channel;
use crate::sku::{Asin, ItemCode, Sku, SkuError};

impl SkuMap {
    /// Reads a map from CSV: UTF-8, the first line names the columns, in any order. Cells are
    /// parted by commas, semicolons or tabs, whichever the header has most of.
    ///
    /// | column | what it holds |
    /// |---|---|
    /// | `sku` | the seller's SKU |
    /// | `channel` | how it is listed: `DEFAULT` for what the merchant ships, `AMAZON_NA`, `AMAZON_EU` and the like for what Amazon ships, or a supply source. Several with spaces between them; empty for something that is not listed itself |
    /// | `kind` | `item` (or empty): units of an item on the shelf; `alias`: another SKU for the same thing; `pack`: several units of another SKU; `bundle`: several SKUs, with a row for each |
    /// | `of` | the item's code (empty: the same as the SKU), or the other SKU |
    /// | `units` | how many of them; empty for 1, which a pack and a bundle may not leave out |
    /// | `asin`, `product_type` | Amazon's names, where known |
    /// | `note` | anything; not read |
    ///
    /// `sku` and `channel` must be there, the others may be missing.
    ///
    /// # Errors
    /// [`SkuMapError`] with everything that is wrong, each with its line and what would be right.
    pub fn from_csv(csv: impl Read) -> Result<Self, SkuMapError> {
        SkuMapBuilder::read_csv(csv).build()
    }
}

impl SkuMapBuilder {
    /// Reads the rows of a CSV file, as [`SkuMap::from_csv`] describes it.
    pub fn read_csv(csv: impl Read) -> Self {
        let mut builder = Self::default();
        let mut buffered = BufReader::with_capacity(1 << 16, csv);
        let delimiter = buffered.fill_buf().map_or(b',', likely_delimiter);
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(buffered);
        let mut record = StringRecord::new();
        let mut header = None;
        loop {
            let read = reader.read_record(&mut record);
            let line = record.position().map_or(0, csv::Position::line);
            match (read, &header) {
                (Ok(false), _) => break,
                (Ok(true), None) => match Header::read(line, &record, &mut builder) {
                    Some(columns) => header = Some(columns),
                    None => return builder,
                },
                (Ok(true), Some(header)) => header.row(line, &record, &mut builder),
                (Err(error), _) => {
                    let is_io = matches!(error.kind(), csv::ErrorKind::Io(_));
                    let line = error.position().map_or(line, csv::Position::line);
                    let reason = match error.kind() {
                        csv::ErrorKind::Utf8 { .. } => {
                            "it is not UTF-8; save the file as \"CSV UTF-8\" or correct the line".to_owned()
                        }
                        _ => format!("it cannot be read: {error}"),
                    };
                    builder.refuse(line, None, SkuMapProblem::Unreadable { reason });
                    if is_io || header.is_none() {
                        return builder;
                    }
                }
            }
        }
        if header.is_none() {
            let reason = "the file is empty; its first line names the columns".to_owned();
            builder.refuse(1, None, SkuMapProblem::Unreadable { reason });
        }
        builder
    }
}

/// The delimiter that the first line has most of; a comma when it has none.
fn likely_delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.split(|byte| *byte == delimiter).count();
    [b';', b'\t'].into_iter().fold(b',', |most, other| if count(other) > count(most) { other } else { most })
}

#[derive(Clone, Copy)]
enum Column {
    Sku,
    Channel,
    Kind,
    Of,
    Units,
    Asin,
    ProductType,
    Note,
}

impl Column {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Sku, "sku"),
        (Self::Channel, "channel"),
        (Self::Kind, "kind"),
        (Self::Of, "of"),
        (Self::Units, "units"),
        (Self::Asin, "asin"),
        (Self::ProductType, "product_type"),
        (Self::Note, "note"),
    ];
}

/// Where each column is.
#[derive(Default)]
struct Header {
    places: [Option<usize>; Column::ALL.len()],
    columns: usize,
}

impl Header {
    /// `None` when the file has no rows that could be understood.
    fn read(line: u64, record: &StringRecord, builder: &mut SkuMapBuilder) -> Option<Self> {
        let mut header = Self { columns: record.len(), ..Self::default() };
        let mut is_right = true;
        for (at, cell) in record.iter().enumerate() {
            let name = cell.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            let known = Column::ALL.iter().find(|(_, known)| *known == name);
            let place = known.and_then(|(column, _)| header.places.get_mut(*column as usize));
            let what = match place {
                Some(place @ None) => {
                    *place = Some(at);
                    continue;
                }
                Some(Some(_)) => "named twice",
                None => "not known",
            };
            builder.refuse(line, None, SkuMapProblem::Column { column: cell.to_owned(), what });
            is_right = false;
        }
        for (column, name, remedy) in [
            (Column::Sku, "sku", "name one so; it holds the SKU of the listing"),
            (
                Column::Channel,
                "channel",
                "name one so; it holds DEFAULT, AMAZON_EU and the like, or nothing where there is no listing",
            ),
        ] {
            if header.place(column).is_none() {
                builder.refuse(line, None, SkuMapProblem::NoColumn { column: name, remedy });
                is_right = false;
            }
        }
        is_right.then_some(header)
    }

    fn place(&self, column: Column) -> Option<usize> {
        self.places.get(column as usize).copied().flatten()
    }

    fn cell<'r>(&self, column: Column, record: &'r StringRecord) -> &'r str {
        self.place(column).and_then(|at| record.get(at)).unwrap_or_default()
    }

    fn row(&self, line: u64, record: &StringRecord, builder: &mut SkuMapBuilder) {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        let sku = Sku::parse(self.cell(Column::Sku, record));
        let read = self.shape(record).and_then(|()| {
            let sku = sku.clone().map_err(|reason| SkuMapProblem::Name { column: "sku", reason })?;
            self.read_row(sku, record)
        });
        match read {
            Ok(row) => builder.add(line, row),
            Err(problem) => builder.refuse(line, sku.ok(), problem),
        }
    }

    fn shape(&self, record: &StringRecord) -> Result<(), SkuMapProblem> {
        let unreadable = |reason: String| Err(SkuMapProblem::Unreadable { reason });
        if record.iter().any(|cell| cell.contains('\n')) {
            return unreadable("a quote opens here and closes lines below; close or remove it".to_owned());
        }
        let extra = record.iter().skip(self.columns).any(|cell| !cell.trim().is_empty());
        if record.len() < self.columns || extra {
            let (found, expected) = (record.len(), self.columns);
            return unreadable(format!(
                "it has {found} cells where the header has {expected}; add what is missing, or put cells that hold the delimiter in quotes"
            ));
        }
        Ok(())
    }

    fn read_row(&self, sku: Sku, record: &StringRecord) -> Result<SkuRow, SkuMapProblem> {
        let cell = |column| self.cell(column, record);
        let made_of = self.made_of(&sku, record)?;
        let asin = Some(cell(Column::Asin).trim()).filter(|text| !text.is_empty());
        let product_type = Some(cell(Column::ProductType).trim()).filter(|text| !text.is_empty());
        Ok(SkuRow {
            sku,
            channels: cell(Column::Channel).split_whitespace().map(channel).collect::<Result<_, _>>()?,
            made_of,
            asin: asin.map(Asin::parse).transpose().map_err(named("asin"))?,
            product_type: product_type.map(str::to_owned),
        })
    }

    fn made_of(&self, sku: &Sku, record: &StringRecord) -> Result<MadeOf, SkuMapProblem> {
        let kind = self.cell(Column::Kind, record).trim().to_ascii_lowercase();
        let of = self.cell(Column::Of, record);
        let other = || match of {
            "" => Err(SkuMapProblem::Empty { column: "of", remedy: "write the SKU that it is made of" }),
            of => Sku::parse(of).map_err(named("of")),
        };
        let units = |kind, least| {
            let text = self.cell(Column::Units, record).trim();
            let text = if text.is_empty() && least == 1 && kind != "bundle" { "1" } else { text };
            u32::from_str(text).map_err(|_| SkuMapProblem::Units {
                sku: sku.to_string(),
                kind,
                units: text.to_owned(),
                least,
            })
        };
        match kind.as_str() {
            "" | "item" => {
                let item = if of.is_empty() { sku.as_str() } else { of };
                Ok(MadeOf::Item {
                    item: ItemCode::parse(item).map_err(named("of"))?,
                    units: units("item", 1)?,
                })
            }
            "alias" => match units("alias", 1)? {
                1 => Ok(MadeOf::Alias { of: other()? }),
                several => Err(SkuMapProblem::Units {
                    sku: sku.to_string(),
                    kind: "alias",
                    units: several.to_string(),
                    least: 1,
                }),
            },
            "pack" => Ok(MadeOf::Pack { of: other()?, units: units("pack", 2)? }),
            "bundle" => Ok(MadeOf::BundleOf { of: other()?, units: units("bundle", 1)? }),
            _ => Err(SkuMapProblem::Kind { kind }),
        }
    }
}

fn channel(code: &str) -> Result<Channel, SkuMapProblem> {
    let upper = code.to_ascii_uppercase();
    let is_word = ["FBA", "AFN", "FBM", "MFN", "MERCHANT"].contains(&upper.as_str());
    let is_miswritten = (upper == "DEFAULT" || upper.starts_with("AMAZON")) && upper != code;
    if is_word || is_miswritten {
        Err(SkuMapProblem::Channel { channel: code.to_owned() })
    } else {
        Ok(Channel::of(code))
    }
}

fn named(column: &'static str) -> impl Fn(SkuError) -> SkuMapProblem {
    move |reason| SkuMapProblem::Name { column, reason }
}

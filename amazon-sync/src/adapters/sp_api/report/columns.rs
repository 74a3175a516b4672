use std::collections::HashMap;

use serde::Deserialize;

use crate::marketplace::SnapshotKind;

/// A column of a report that is read. All others are passed over, whatever Amazon adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Column {
    /// The seller's name for what is sold.
    Sku,
    /// Amazon's name of the product.
    Asin,
    /// How many buyers can have.
    Quantity,
    /// From whose shelf it ships.
    Channel,
    /// Whether it is for sale.
    Status,
    /// How many Amazon can ship.
    Fulfillable,
    /// Amazon's name of the order.
    Order,
    /// When the order last changed.
    UpdatedAt,
}

impl Column {
    /// What is needed of a kind of report, and what is read where it is there.
    pub(super) const fn of(kind: SnapshotKind) -> (&'static [Self], &'static [Self]) {
        match kind {
            SnapshotKind::Listings => {
                (&[Self::Sku, Self::Quantity, Self::Channel], &[Self::Asin, Self::Status])
            }
            SnapshotKind::AmazonStock => (&[Self::Sku, Self::Fulfillable], &[Self::Asin]),
            SnapshotKind::Orders => (&[Self::Order, Self::UpdatedAt], &[Self::Channel]),
        }
    }

    /// The names that Amazon gives it, in lower case. Reports are written in the language of the
    /// seller's account where Seller Central is set so.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Sku => &[
                "seller-sku",
                "sku",
                "seller sku",
                "händler-sku",
                "sku-vendeur",
                "sku du vendeur",
                "sku venditore",
                "sku del vendedor",
                "出品者sku",
            ],
            Self::Asin => &["asin1", "asin", "asin 1"],
            Self::Quantity => {
                &["quantity", "menge", "anzahl", "quantité", "quantità", "quantita'", "cantidad", "数量"]
            }
            Self::Channel => &[
                "fulfillment-channel",
                "fulfilment-channel",
                "versender",
                "canal-traitement",
                "canale-gestione",
                "canal-logistico",
                "フルフィルメント・チャンネル",
                "フルフィルメント・チャネル",
            ],
            Self::Status => &["status", "statut", "stato", "estado", "ステータス"],
            Self::Fulfillable => &["afn-fulfillable-quantity"],
            Self::Order => &["amazon-order-id", "order-id"],
            Self::UpdatedAt => &["last-updated-date", "last-update-date"],
        }
    }

    /// What to call it in an error.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Sku => "SKU",
            Self::Asin => "ASIN",
            Self::Quantity => "quantity",
            Self::Channel => "fulfilment channel",
            Self::Status => "status",
            Self::Fulfillable => "fulfillable quantity",
            Self::Order => "order id",
            Self::UpdatedAt => "time of the last change",
        }
    }
}

/// Further names of columns, for reports in a language that this version does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ColumnNames(HashMap<String, Column>);

impl ColumnNames {
    /// The same with one more, whatever its case.
    #[must_use]
    pub fn with(mut self, name: &str, column: Column) -> Self {
        self.0.insert(name.trim().to_lowercase(), column);
        self
    }

    fn column(&self, name: &str, wanted: Column) -> bool {
        let given = self.0.iter().find(|(given, _)| given.to_lowercase() == name);
        given.map_or_else(|| wanted.names().contains(&name), |(_, column)| *column == wanted)
    }
}

/// Where the columns of a report stand.
#[derive(Debug)]
pub(super) struct Header {
    places: HashMap<Column, usize>,
    /// How many columns there are.
    pub(super) width: usize,
}

impl Header {
    /// Reads the first line; `Err` says which column is missing among which.
    pub(super) fn read(kind: SnapshotKind, line: &str, names: &ColumnNames) -> Result<Self, String> {
        let columns: Vec<String> =
            line.split('\t').map(|name| name.trim().trim_matches('"').to_lowercase()).collect();
        let (needed, welcome) = Column::of(kind);
        let mut places = HashMap::new();
        for wanted in needed.iter().chain(welcome) {
            // Where two columns carry the same name, the first one counts.
            if let Some(place) = columns.iter().position(|name| names.column(name, *wanted)) {
                places.insert(*wanted, place);
            }
        }
        if let Some(missing) = needed.iter().find(|wanted| !places.contains_key(wanted)) {
            let found: Vec<String> = columns
                .iter()
                .take(60)
                .map(|name| format!("{:?}", name.chars().take(40).collect::<String>()))
                .collect();
            return Err(format!(
                "no column holds the {}; there are {}; name it in SpApiConfig::with_column_names",
                missing.what(),
                found.join(", ")
            ));
        }
        Ok(Self { places, width: columns.len() })
    }

    /// What stands in a column of a row; `None` for no such column, or nothing in it.
    pub(super) fn cell<'a>(&self, cells: &[&'a str], column: Column) -> Option<&'a str> {
        let cell = cells.get(*self.places.get(&column)?)?.trim();
        let cell = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell);
        (!cell.is_empty()).then_some(cell)
    }

    /// How many columns a row must have: as many as are read.
    pub(super) fn least(&self) -> usize {
        self.places.values().max().map_or(0, |place| place + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_wherever_they_stand_and_new_ones_are_passed_over() {
        let names = ColumnNames::default();
        let header = "reserved_staging\titem-name\tQuantity\t fulfillment-channel\tseller-sku";
        let header = Header::read(SnapshotKind::Listings, header, &names).unwrap();
        let cells = ["x", "Mug", "7", "DEFAULT", " \"MUG-1\" "];
        assert_eq!(header.cell(&cells, Column::Sku), Some("MUG-1"));
        assert_eq!(header.cell(&cells, Column::Quantity), Some("7"));
        assert_eq!(header.cell(&cells, Column::Asin), None);
        assert_eq!((header.width, header.least()), (5, 5));
        let japanese = "商品名\t出品者SKU\t数量\tフルフィルメント・チャンネル\tASIN 1";
        assert!(Header::read(SnapshotKind::Listings, japanese, &names).is_ok());
    }

    #[test]
    fn a_missing_column_is_named_and_can_be_given() {
        let names = ColumnNames::default();
        let header = "Nazwa\tKod\tquantity\tfulfillment-channel";
        let error = Header::read(SnapshotKind::Listings, header, &names).unwrap_err();
        assert!(error.contains("no column holds the SKU") && error.contains("\"kod\""), "{error}");
        let names = names.with("KOD", Column::Sku);
        assert!(Header::read(SnapshotKind::Listings, header, &names).is_ok());
    }
}

//! What is known of an order as some hundred bytes.
//!
//! The versions that told anything come first, the order's own before the others; everything that
//! was told names its version by the place in that list. Numbers take seven bits to a byte. Items
//! stand here by their codes, so that an order is read without another look-up.

use std::collections::BTreeMap;

use chrono::DateTime;

use crate::ledger::{Bucket, LineParts, LineState, OrderState, Told};
use crate::order::{LineId, OrderStatus, OrderVersion, ShippedBy};
use crate::quantity::Units;
use crate::sku::{ItemCode, Sku};
use crate::sync_store::Part;

/// Packed bytes that are not what was written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a packed order ends too early or holds an unknown value")]
pub(super) struct Torn;

const MERCHANT: u8 = 0;
const AMAZON: u8 = 1;

/// The order as bytes.
pub(super) fn pack(state: &OrderState) -> Vec<u8> {
    let mut versions = vec![state.version];
    for line in state.lines.values() {
        let sku = line.sku.as_ref().map(|told| told.by);
        let parts = line.parts.as_ref().map(|told| told.by);
        for version in [Some(line.sold.by), sku, parts].into_iter().flatten() {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    let mut to = Writer { bytes: Vec::with_capacity(96), versions };
    to.head();
    to.text(state.status.as_str());
    to.bytes.push(if state.shipped_by == ShippedBy::Amazon { AMAZON } else { MERCHANT });
    to.length(state.lines.len());
    for (id, line) in &state.lines {
        to.text(id.as_str());
        to.version(line.sold.by);
        to.units(line.sold.what);
        to.told(line.sku.as_ref(), |to, sku| to.text(sku.as_str()));
        to.told(line.parts.as_ref(), |to, parts| {
            to.parts(&parts.held);
            to.parts(&parts.shipped);
        });
    }
    to.bytes
}

/// Reads an order.
pub(super) fn unpack(packed: &[u8]) -> Result<OrderState, Torn> {
    let mut read = Reader { bytes: packed, versions: Vec::new() };
    read.head()?;
    let version = read.versions.first().copied().ok_or(Torn)?;
    let status = OrderStatus::of(read.text()?);
    let shipped_by = match read.byte()? {
        MERCHANT => ShippedBy::Merchant,
        AMAZON => ShippedBy::Amazon,
        _ => return Err(Torn),
    };
    let mut lines = BTreeMap::new();
    for _ in 0..read.number()? {
        let id = LineId::parse(read.text()?).map_err(|_| Torn)?;
        let sold = Told { by: read.version()?, what: read.units()? };
        let sku = read.told(|read| Sku::parse(read.text()?).map_err(|_| Torn))?;
        let parts = read.told(|read| Ok(LineParts { held: read.parts()?, shipped: read.parts()? }))?;
        lines.insert(id, LineState { sold, sku, parts });
    }
    Ok(OrderState { version, status, shipped_by, lines })
}

struct Writer {
    bytes: Vec<u8>,
    versions: Vec<OrderVersion>,
}

impl Writer {
    fn head(&mut self) {
        self.length(self.versions.len());
        for version in self.versions.clone() {
            self.bytes.extend_from_slice(&version.updated_at.timestamp_micros().to_le_bytes());
            self.bytes.extend_from_slice(&version.digest.to_le_bytes());
        }
    }

    /// Seven bits to a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while 0x7F < number {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    fn units(&mut self, units: Units) {
        let number = units.get();
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn version(&mut self, version: OrderVersion) {
        let place = self.versions.iter().position(|known| *known == version);
        self.length(place.unwrap_or_default());
    }

    /// Nothing as 0, else the version's place and 1.
    fn told<T>(&mut self, told: Option<&Told<T>>, what: impl FnOnce(&mut Self, &T)) {
        let place = told.and_then(|told| self.versions.iter().position(|known| *known == told.by));
        self.length(place.map_or(0, |place| place + 1));
        if let Some(told) = told {
            what(self, &told.what);
        }
    }

    fn parts(&mut self, parts: &[Part]) {
        self.length(parts.len());
        for part in parts {
            self.text(part.item.as_str());
            self.bytes.push(number_of(part.bucket));
            self.units(part.units);
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    versions: Vec<OrderVersion>,
}

impl<'a> Reader<'a> {
    fn head(&mut self) -> Result<(), Torn> {
        for _ in 0..self.number()? {
            let (us, digest) = (i64::from_le_bytes(self.chunk()?), u64::from_le_bytes(self.chunk()?));
            let updated_at = DateTime::from_timestamp_micros(us).ok_or(Torn)?;
            self.versions.push(OrderVersion { updated_at, digest });
        }
        Ok(())
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Torn> {
        let (chunk, rest) = self.bytes.split_first_chunk().ok_or(Torn)?;
        self.bytes = rest;
        Ok(*chunk)
    }

    fn byte(&mut self) -> Result<u8, Torn> {
        Ok(self.chunk::<1>()?[0])
    }

    fn number(&mut self) -> Result<u64, Torn> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Torn)
    }

    fn units(&mut self) -> Result<Units, Torn> {
        let number = self.number()?;
        Ok(Units::new((number >> 1).cast_signed() ^ -(number & 1).cast_signed()))
    }

    fn text(&mut self) -> Result<&'a str, Torn> {
        let length = usize::try_from(self.number()?).map_err(|_| Torn)?;
        let (text, rest) = self.bytes.split_at_checked(length).ok_or(Torn)?;
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_| Torn)
    }

    fn place(&self, place: u64) -> Result<OrderVersion, Torn> {
        let place = usize::try_from(place).map_err(|_| Torn)?;
        self.versions.get(place).copied().ok_or(Torn)
    }

    fn version(&mut self) -> Result<OrderVersion, Torn> {
        let place = self.number()?;
        self.place(place)
    }

    fn told<T>(&mut self, what: impl FnOnce(&mut Self) -> Result<T, Torn>) -> Result<Option<Told<T>>, Torn> {
        let Some(place) = self.number()?.checked_sub(1) else { return Ok(None) };
        Ok(Some(Told { by: self.place(place)?, what: what(self)? }))
    }

    fn parts(&mut self) -> Result<Vec<Part>, Torn> {
        let mut parts = Vec::new();
        for _ in 0..self.number()? {
            let item = ItemCode::parse(self.text()?).map_err(|_| Torn)?;
            let bucket = bucket(self.byte()?).ok_or(Torn)?;
            parts.push(Part { item, bucket, units: self.units()? });
        }
        Ok(parts)
    }
}

/// The number of a bucket in the file. It never changes.
pub(super) const fn number_of(bucket: Bucket) -> u8 {
    match bucket {
        Bucket::OnHand => 0,
        Bucket::Reserved => 1,
        Bucket::Committed => 2,
        Bucket::Quarantine => 3,
        Bucket::Inbound => 4,
    }
}

/// The bucket of a number.
pub(super) fn bucket(number: u8) -> Option<Bucket> {
    Bucket::ALL.into_iter().find(|bucket| number_of(*bucket) == number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version() -> impl Strategy<Value = OrderVersion> {
        (0_i64..4, 0_u64..3).prop_map(|(hour, digest)| OrderVersion {
            updated_at: DateTime::from_timestamp_micros(1_793_613_600_000_000 + hour).unwrap(),
            digest,
        })
    }

    fn told<T: Clone + std::fmt::Debug>(
        what: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Option<Told<T>>> {
        prop::option::of((version(), what).prop_map(|(by, what)| Told { by, what }))
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let part = ("[a-zö]{1,9}", 0_u8..5, any::<i64>()).prop_map(|(item, number, units)| Part {
            item: ItemCode::parse(&item).unwrap(),
            bucket: bucket(number).unwrap(),
            units: Units::new(units),
        });
        prop::collection::vec(part, 0..3)
    }

    fn line() -> impl Strategy<Value = LineState> {
        let sku = "[a-z]{1,9}".prop_map(|sku| Sku::parse(&sku).unwrap());
        let parts = (parts(), parts()).prop_map(|(held, shipped)| LineParts { held, shipped });
        (version(), any::<i64>(), told(sku), told(parts)).prop_map(|(by, sold, sku, parts)| LineState {
            sold: Told { by, what: Units::new(sold) },
            sku,
            parts,
        })
    }

    fn state() -> impl Strategy<Value = OrderState> {
        let lines = prop::collection::btree_map(
            "[0-9]{1,14}".prop_map(|id| LineId::parse(&id).unwrap()),
            line(),
            0..4,
        );
        let status = prop_oneof![
            Just(OrderStatus::Cancelled),
            Just(OrderStatus::Shipped),
            "[A-Z]{1,9}".prop_map(|word| OrderStatus::of(&word))
        ];
        (version(), status, any::<bool>(), lines).prop_map(|(version, status, amazon, lines)| OrderState {
            version,
            status,
            shipped_by: if amazon { ShippedBy::Amazon } else { ShippedBy::Merchant },
            lines,
        })
    }

    proptest! {
        #[test]
        fn orders_come_back_as_they_went(state in state()) {
            prop_assert_eq!(unpack(&pack(&state)).unwrap(), state);
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(unpack(&bytes));
        }
    }

    #[test]
    fn an_order_of_one_line_takes_less_than_a_hundred_bytes() {
        let by = OrderVersion {
            updated_at: DateTime::from_timestamp_micros(1_793_613_600_000_000).unwrap(),
            digest: u64::MAX,
        };
        let part = Part {
            item: ItemCode::parse("MUG-BLUE-11OZ").unwrap(),
            bucket: Bucket::Committed,
            units: Units::new(2),
        };
        let line = LineState {
            sold: Told { by, what: Units::new(2) },
            sku: Some(Told { by, what: Sku::parse("Mug / blue,11oz").unwrap() }),
            parts: Some(Told { by, what: LineParts { held: vec![part], shipped: Vec::new() } }),
        };
        let state = OrderState {
            version: by,
            status: OrderStatus::Unshipped,
            shipped_by: ShippedBy::Merchant,
            lines: BTreeMap::from([(LineId::parse("05015851154158").unwrap(), line)]),
        };
        assert_eq!(pack(&state).len(), 82);
    }
}

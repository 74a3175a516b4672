//! The facts of 32 neighbouring records in one page, because messages leave in the order of their
//! records: a group that begins together changes one or two pages instead of 32.
//!
//! A page holds one bit per record that is planned, then the packed facts of each record that has
//! any.

use super::packed::{self, Reader, Torn, number};
use crate::fact::Facts;

/// Records in one page.
pub(crate) const RECORDS: u32 = 32;
const SLOTS: usize = 32;

/// A page that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct FactsPage {
    planned: u32,
    /// Packed facts as they were read, with the place of each record's in it.
    packed: Vec<u8>,
    places: [(u32, u32); SLOTS],
    changed: Vec<(u8, Facts)>,
    is_changed: bool,
}

impl FactsPage {
    pub(crate) fn read(packed: Vec<u8>) -> Result<Self, Torn> {
        let mut reader = Reader(&packed);
        let planned = u32::from_le_bytes(reader.chunk()?);
        let mut places = [(0, 0); SLOTS];
        while !reader.0.is_empty() {
            let slot = usize::from(reader.byte()?);
            let bytes = reader.bytes()?;
            let end = packed.len() - reader.0.len();
            let start = end - bytes.len();
            let place = places.get_mut(slot).ok_or(Torn)?;
            *place = (u32::try_from(start).map_err(|_| Torn)?, u32::try_from(end).map_err(|_| Torn)?);
        }
        Ok(Self { planned, packed, places, ..Self::default() })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        self.write_behind(&[])
    }

    /// The page as bytes, behind some others.
    pub(crate) fn write_behind(&self, head: &[u8]) -> Vec<u8> {
        let mut to = Vec::with_capacity(head.len() + self.packed.len() + 128 * self.changed.len() + 8);
        to.extend_from_slice(head);
        to.extend_from_slice(&self.planned.to_le_bytes());
        let mut fresh = Vec::with_capacity(128);
        for (slot, place) in (0_u8..).zip(self.places) {
            let changed = self.changed.iter().find(|(changed, _)| *changed == slot);
            let bytes = match changed {
                Some((_, facts)) => {
                    fresh.clear();
                    packed::pack(facts, &mut fresh);
                    fresh.as_slice()
                }
                None => self.packed.get(place.0 as usize..place.1 as usize).unwrap_or_default(),
            };
            if !bytes.is_empty() {
                to.push(slot);
                number(bytes.len() as u64, &mut to);
                to.extend_from_slice(bytes);
            }
        }
        to
    }

    /// What is known of a record; `None` if no message is planned for it.
    pub(crate) fn facts(&self, slot: u8) -> Result<Option<Facts>, Torn> {
        if self.planned >> slot & 1 == 0 {
            return Ok(None);
        }
        if let Some((_, facts)) = self.changed.iter().find(|(changed, _)| *changed == slot) {
            return Ok(Some(facts.clone()));
        }
        let place = self.places.get(usize::from(slot)).copied().unwrap_or_default();
        match self.packed.get(place.0 as usize..place.1 as usize) {
            None | Some([]) => Ok(Some(Facts::default())),
            Some(bytes) => packed::unpack(bytes).map(Some),
        }
    }

    pub(crate) fn change(&mut self, slot: u8, facts: Facts) {
        self.is_changed = true;
        match self.changed.iter_mut().find(|(changed, _)| *changed == slot) {
            Some((_, known)) => *known = facts,
            None => self.changed.push((slot, facts)),
        }
    }

    /// Notes that a message is planned for a record.
    pub(crate) const fn plan(&mut self, slot: u8) {
        self.planned |= 1 << slot;
        self.is_changed = true;
    }

    /// True when something was changed since it was read.
    pub(crate) const fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The planned records in order, with what is known of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = Result<(u8, Facts), Torn>> + '_ {
        (0_u8..32).filter_map(|slot| Some(self.facts(slot).transpose()?.map(|facts| (slot, facts))))
    }
}

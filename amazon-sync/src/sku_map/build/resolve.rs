//! What each SKU is made of in the end: definitions are followed down to items.

use std::collections::HashMap;

use super::{Definition, MOST_UNITS, MadeOf};
use crate::sku::{ItemCode, Sku};
use crate::sku_map::Unresolved;
use crate::sku_map::fault::{SkuMapError, SkuMapProblem};

/// One unit of something is made of at most so many different items.
const MOST_ITEMS: usize = 1_000;
/// So many SKUs of a circle are named.
const NAMED: usize = 8;

/// Items of one unit, each with its units: once each, in the order of their numbers.
pub(super) type Parts = Box<[(u32, u32)]>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Gives each definition that is right its parts, and returns the items by their numbers. Depth first, on a stack of our own: a chain of a million aliases must
/// not overflow that of the process.
pub(super) fn resolve(
    places: &HashMap<Sku, usize>,
    definitions: &mut [Definition],
    error: &mut SkuMapError,
) -> Vec<ItemCode> {
    let mut walk =
        Walk { places, states: vec![State::New; definitions.len()], items: HashMap::new(), path: Vec::new() };
    for start in 0..definitions.len() {
        walk.from(start, definitions, error);
    }
    let mut items: Vec<_> = walk.items.into_iter().collect();
    items.sort_unstable_by_key(|(_, number)| *number);
    items.into_iter().map(|(code, _)| code).collect()
}

struct Walk<'a> {
    places: &'a HashMap<Sku, usize>,
    states: Vec<State>,
    /// Items are numbered as they are met.
    items: HashMap<ItemCode, u32>,
    /// The definitions that are being followed, with the number of the part that is next.
    path: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn from(&mut self, start: usize, definitions: &mut [Definition], error: &mut SkuMapError) {
        self.enter(start);
        while let Some((at, next)) = self.path.last_mut() {
            let (at, part) = (*at, *next);
            *next += 1;
            let Some(definition) = definitions.get(at) else { return };
            match definition.made_of.get(part) {
                Some((made_of, line)) if definition.refused.is_none() => {
                    let Some(of) = made_of.of() else { continue };
                    match self.places.get(of) {
                        Some(place) if self.states.get(*place) == Some(&State::Open) => {
                            self.circle(*place, definitions, error);
                        }
                        Some(place) => self.enter(*place),
                        None => {
                            let sku = definition.sku.to_string();
                            error.add(*line, SkuMapProblem::Unknown { sku, of: of.to_owned() });
                            refuse(definitions, at);
                        }
                    }
                }
                _ => {
                    self.path.pop();
                    self.finish(at, definitions, error);
                }
            }
        }
    }

    fn enter(&mut self, at: usize) {
        if let Some(state @ State::New) = self.states.get_mut(at) {
            *state = State::Open;
            self.path.push((at, 0));
        }
    }

    /// The path has come back to `place`: everything from there on is made of itself.
    fn circle(&self, place: usize, definitions: &mut [Definition], error: &mut SkuMapError) {
        let round = self.path.iter().map(|(at, _)| *at).skip_while(|at| *at != place);
        let mut names: Vec<_> = round.clone().filter_map(|at| definitions.get(at)).collect();
        let Some(first) = names.iter().min_by_key(|definition| definition.line) else { return };
        let (line, sku) = (first.line, first.sku.to_string());
        let start = names.iter().position(|definition| definition.line == line).unwrap_or_default();
        names.rotate_left(start);
        let mut through: Vec<_> =
            names.iter().take(NAMED).map(|definition| definition.sku.as_str()).collect();
        if names.len() > NAMED {
            through.push("...");
        }
        through.push(&sku);
        error.add(line, SkuMapProblem::Cycle { sku: sku.clone(), through: through.join(" > ") });
        for at in round.collect::<Vec<_>>() {
            refuse(definitions, at);
        }
    }

    /// All parts of a definition are followed: adds them up.
    fn finish(&mut self, at: usize, definitions: &mut [Definition], error: &mut SkuMapError) {
        if let Some(state) = self.states.get_mut(at) {
            *state = State::Done;
        }
        let Some(definition) = definitions.get(at).filter(|definition| definition.refused.is_none()) else {
            return;
        };
        match self.sum(definition, definitions) {
            Ok(parts) => {
                if let Some(definition) = definitions.get_mut(at) {
                    definition.parts = Some(parts);
                }
            }
            Err((line, problem)) => {
                error.add(line, problem);
                refuse(definitions, at);
            }
        }
    }

    fn sum(&mut self, definition: &Definition, others: &[Definition]) -> Result<Parts, (u64, SkuMapProblem)> {
        let sku = || definition.sku.to_string();
        let huge = |line: u64, what: String| (line, SkuMapProblem::Huge { sku: sku(), what });
        let mut sum: Vec<(u32, u32)> = Vec::with_capacity(definition.made_of.len());
        for (made_of, line) in &definition.made_of {
            let (units, _) = made_of.units();
            let Some(of) = made_of.of() else {
                let MadeOf::Item { item, .. } = made_of else { continue };
                sum.push((self.number(item).ok_or((*line, SkuMapProblem::Full))?, units));
                continue;
            };
            let other = self.places.get(of).and_then(|place| others.get(*place));
            let Some(parts) = other.and_then(|other| other.parts.as_ref()) else {
                return Err((*line, SkuMapProblem::Rests { sku: sku(), of: of.to_owned() }));
            };
            for (item, in_one) in parts {
                let in_all = in_one.checked_mul(units).filter(|units| *units <= MOST_UNITS);
                let in_all =
                    in_all.ok_or_else(|| huge(*line, format!("{in_one} x {units} units of an item")))?;
                sum.push((*item, in_all));
            }
        }
        let line = definition.line;
        sum.sort_unstable();
        let mut parts: Vec<(u32, u32)> = Vec::with_capacity(sum.len());
        for (item, units) in sum {
            match parts.last_mut() {
                Some((last, so_far)) if *last == item => {
                    *so_far = so_far
                        .checked_add(units)
                        .filter(|units| *units <= MOST_UNITS)
                        .ok_or_else(|| huge(line, format!("more than {MOST_UNITS} units of an item")))?;
                }
                _ => parts.push((item, units)),
            }
        }
        if parts.len() > MOST_ITEMS {
            return Err(huge(line, format!("{} different items, and {MOST_ITEMS} is the most", parts.len())));
        }
        Ok(parts.into())
    }

    /// The item's number; `None` when there are none left.
    fn number(&mut self, item: &ItemCode) -> Option<u32> {
        if let Some(number) = self.items.get(item) {
            return Some(*number);
        }
        let number = u32::try_from(self.items.len()).ok().filter(|number| *number < u32::MAX)?;
        self.items.insert(item.clone(), number);
        Some(number)
    }
}

fn refuse(definitions: &mut [Definition], at: usize) {
    if let Some(definition) = definitions.get_mut(at) {
        definition.refused.get_or_insert(Unresolved::Refused);
    }
}

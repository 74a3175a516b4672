//! What somebody should look at, as letters.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use crate::order::{Order, OrderLine, OrderStatus, ShippedBy};
use crate::quantity::Quantity;
use crate::sku_map::Unresolved;
use crate::sync_store::NewLetter;

/// More of one listing in one line is looked at by somebody. Hundreds are a business customer's
/// order, a hundred thousand are none.
const ABSURD: u32 = 100_000;
/// So many lines are named in a letter.
const NAMED: usize = 10;

/// What is doubtful about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    NoSku,
    Unresolved(Unresolved),
    Repeated,
    ShippedExceeds,
    CancelledExceeds,
    Absurd,
}

impl Doubt {
    const fn code(self) -> Code {
        match self {
            Self::NoSku => Code::known("order.no_sku"),
            Self::Unresolved(why) => why.code(),
            Self::Repeated => Code::known("order.line_repeated"),
            Self::ShippedExceeds => Code::known("order.shipped_exceeds"),
            Self::CancelledExceeds => Code::known("order.cancelled_exceeds"),
            Self::Absurd => Code::known("order.quantity_absurd"),
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::NoSku => {
                "Amazon told no SKU, so nothing was deducted; look the order up in Seller Central and book it by hand"
            }
            Self::Unresolved(Unresolved::Unmapped) => {
                "the SKU map does not have it, so nothing was deducted; add a row for it and have the order read again"
            }
            Self::Unresolved(Unresolved::Ambiguous) => {
                "the SKU map defines it twice, so nothing was deducted; remove one definition and have the order read again"
            }
            Self::Unresolved(Unresolved::Refused) => {
                "the SKU map's definition was refused, so nothing was deducted; correct it and have the order read again"
            }
            Self::Repeated => {
                "the order has the line twice, with different numbers, and the greater ones were deducted; compare with Seller Central"
            }
            Self::ShippedExceeds => {
                "more has shipped than was ordered, and all of it was deducted; compare with Seller Central"
            }
            Self::CancelledExceeds => {
                "more was cancelled than ordered, so nothing of it was deducted; compare with Seller Central"
            }
            Self::Absurd => {
                "so many are unlikely, and all of them were deducted; compare with Seller Central"
            }
        }
    }
}

/// All doubts about an order, by their codes.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    lines: BTreeMap<Code, (Doubt, Vec<String>)>,
    order: Option<(Code, String)>,
}

impl Doubts {
    pub(super) fn about_order(&mut self, order: &Order) {
        self.order = match (&order.status, order.shipped_by) {
            (OrderStatus::Unfulfillable, _) => Some((
                Code::known("order.unfulfillable"),
                "Amazon cannot ship the order; decide in Seller Central what becomes of it".to_owned(),
            )),
            (OrderStatus::Other(word), ShippedBy::Merchant) => {
                let word: String = word.chars().take(40).collect();
                let text = format!(
                    "status {word:?} is not known to this version, so the order is treated as one to be shipped; update the crate or look at the order"
                );
                Some((Code::known("order.status_unknown"), text))
            }
            _ => None,
        };
    }

    pub(super) fn about_line(&mut self, doubt: Doubt, line: &OrderLine) {
        let (_, lines) = self.lines.entry(doubt.code()).or_insert((doubt, Vec::new()));
        let sku = line.sku.as_ref().map_or_else(String::new, |sku| format!(" (SKU {:?})", sku.as_str()));
        lines.push(format!("{}{sku}", line.id));
    }

    pub(super) fn about_counts(&mut self, line: &OrderLine) {
        let OrderLine { ordered, shipped, cancelled, .. } = line;
        // An ordered number of 0 beside a cancellation is a whole line that was cancelled.
        if ordered != &Quantity::ZERO && cancelled > ordered {
            self.about_line(Doubt::CancelledExceeds, line);
        }
        if shipped > ordered {
            self.about_line(Doubt::ShippedExceeds, line);
        }
        if ordered.get().max(shipped.get()) > ABSURD {
            self.about_line(Doubt::Absurd, line);
        }
    }

    pub(super) fn letters(self, order: &Order, at: DateTime<Utc>) -> Vec<NewLetter> {
        let letter = |code, text| NewLetter { subject: order.id.to_string(), code, text, at };
        let lines = self.lines.into_iter().map(|(code, (doubt, mut lines))| {
            let more = lines.len().saturating_sub(NAMED);
            lines.truncate(NAMED);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            let text = format!("line {}{rest}: {}", lines.join(", "), doubt.remedy());
            letter(code, text)
        });
        self.order.map(|(code, text)| letter(code, text)).into_iter().chain(lines).collect()
    }
}

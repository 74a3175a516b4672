//! The one way of orders into the ledger, whoever told them: what each means on the shelf, as a
//! commit.

use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use serde_json::json;

use crate::deduct::deduct;
use crate::desk::{AccountDesk, Desk};
use crate::marketplace::Poison;
use crate::order::{Order, ShippedBy};
use crate::sync_store::{Commit, OrderOutcome, OrderReport, Receipt};
use crate::telemetry;

/// A sum of the order could not be expressed.
const REFUSED: Code = Code::known("order.refused");
/// A line that was there is there no more.
const LINE_VANISHED: Code = Code::known("order.line_vanished");
/// An order could not be read.
const UNREADABLE: Code = Code::known("order.unreadable");
const ORDER: Code = Code::known("sync.order");

/// What became of orders that were taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Those that were news, by their places in the commit.
    pub(crate) news: Vec<usize>,
    /// Of those, how many were not known at all.
    pub(crate) first: usize,
}

/// Takes in orders of one account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intake<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) account: &'a AccountDesk,
}

impl Intake<'_> {
    /// Adds orders to a commit. Left out are orders that Amazon ships, which change nothing on our
    /// shelf, and versions that this process has committed.
    pub(crate) fn add(&self, orders: &[Order], commit: &mut Commit) {
        self.add_each(orders, false, commit);
    }

    /// The same, with orders that Amazon ships or without; says how many the merchant ships.
    pub(crate) fn add_each(&self, orders: &[Order], with_amazons: bool, commit: &mut Commit) -> usize {
        let (map, now) = (self.account.map(), self.desk.clock.now());
        let mut ours = 0;
        for order in orders {
            let is_amazons = order.shipped_by == ShippedBy::Amazon;
            if (is_amazons && !with_amazons) || self.account.knows(&order.id, &order.version()) {
                continue;
            }
            ours += usize::from(!is_amazons);
            let deduction = deduct(&self.account.account, order, &map, now);
            commit.evidence.push(self.evidence(&deduction.report));
            commit.letters.extend(deduction.letters);
            commit.orders.push(deduction.report);
        }
        ours
    }

    /// Adds a letter for each order that could not be read.
    pub(crate) fn add_poison(&self, poison: &[Poison], commit: &mut Commit) {
        for Poison { order, place, reason } in poison {
            let subject =
                order.as_ref().map_or_else(|| self.account.account.to_string(), ToString::to_string);
            let text = format!(
                "the order cannot be read at {place}: {reason}; look at it in Seller Central and book it by hand"
            );
            tracing::warn!(account = %self.account.account, place, reason, "an order cannot be read");
            commit.letters.push(self.desk.letter(subject, UNREADABLE, text));
        }
        telemetry::count("sync_orders_total", Some(("result", "unreadable")), poison.len());
        self.desk.tally.add(|counts| counts.poison += poison.len() as u64);
    }

    /// Remembers what was committed, and puts letters about what the ledger did not like.
    pub(crate) async fn committed(
        &self,
        reports: &[OrderReport],
        receipt: &Receipt,
    ) -> Result<Taken, StoreError> {
        let (mut taken, mut letters) = (Taken::default(), Vec::new());
        for (place, (report, outcome)) in reports.iter().zip(&receipt.orders).enumerate() {
            self.account.learn(&report.order, report.version);
            match outcome {
                OrderOutcome::Applied { vanished, first, .. } => {
                    taken.news.push(place);
                    taken.first += usize::from(*first);
                    if !vanished.is_empty() {
                        let lines: Vec<&str> =
                            vanished.iter().take(10).map(crate::order::LineId::as_str).collect();
                        let text = format!(
                            "lines that were there are there no more: {}; what was deducted for them stays, so compare with Seller Central",
                            lines.join(", ")
                        );
                        letters.push(self.desk.letter(report.order.as_str(), LINE_VANISHED, text));
                    }
                }
                OrderOutcome::Repeated | OrderOutcome::Stale => {}
                OrderOutcome::Refused { why } => {
                    let text = format!(
                        "{why} cannot be expressed, so nothing of it was booked; look at its quantities"
                    );
                    letters.push(self.desk.letter(report.order.as_str(), REFUSED, text));
                }
            }
        }
        telemetry::count("sync_orders_total", Some(("result", "news")), taken.news.len());
        telemetry::count("sync_orders_total", Some(("result", "known")), reports.len() - taken.news.len());
        self.desk.tally.add(|counts| counts.orders += taken.first as u64);
        if !letters.is_empty() {
            self.desk.commit(&Commit { letters, ..Commit::default() }).await?;
        }
        Ok(taken)
    }

    fn evidence(&self, report: &OrderReport) -> rules_core::work::events::Entry {
        let OrderReport { account, order, version, status, lines, .. } = report;
        let lines: Vec<_> = lines
            .iter()
            .map(|line| json!({ "line": line.line, "sku": line.sku, "sold": line.sold, "parts": line.parts }))
            .collect();
        let body = json!({
            "seller": account.seller(), "region": account.region(), "order": order,
            "updated_at": version.updated_at, "status": status, "lines": lines,
        });
        let parts: [&[u8]; 5] = [
            account.seller().as_str().as_bytes(),
            account.region().as_str().as_bytes(),
            order.as_str().as_bytes(),
            &version.updated_at.timestamp_micros().to_be_bytes(),
            &version.digest.to_be_bytes(),
        ];
        self.desk.evidence(ORDER, &parts, &body)
    }
}

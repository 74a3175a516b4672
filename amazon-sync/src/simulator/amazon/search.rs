//! Finding orders: windows, pages, and tokens that only fit the question they were made for.

use std::fmt::Write;
use std::ops::Bound;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::draw::fingerprint;
use super::super::plan::Operation;
use super::call::{Reply, Worth, later};
use super::order::OrderState;
use super::refusal::Refusal;
use super::tell::whole_seconds;
use super::{Amazon, Seller};
use crate::order::{OrderId, ShippedBy};

/// A window may end no sooner than so long ago (Orders API 2026-01-01, `lastUpdatedBefore`).
const NOT_YET: TimeDelta = TimeDelta::minutes(2);

/// A question for orders, as it stands in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Search {
    pub(in super::super) created_after: Option<DateTime<Utc>>,
    pub(in super::super) created_before: Option<DateTime<Utc>>,
    pub(in super::super) updated_after: Option<DateTime<Utc>>,
    pub(in super::super) updated_before: Option<DateTime<Utc>>,
    pub(in super::super) statuses: Vec<String>,
    pub(in super::super) marketplaces: Vec<String>,
    pub(in super::super) fulfilled_by: Vec<String>,
    pub(in super::super) included: Vec<String>,
    pub(in super::super) page_size: Option<i64>,
    pub(in super::super) token: Option<String>,
}

/// A page of orders.
#[derive(Clone, Debug)]
pub(in super::super) struct Found {
    pub(in super::super) orders: Vec<OrderState>,
    pub(in super::super) next: Option<String>,
    /// The end of the window that was used.
    pub(in super::super) used_to: DateTime<Utc>,
    /// Whether the window is about when orders were placed.
    pub(in super::super) by_creation: bool,
}

/// Where a page begins, and until when its token is good.
struct Token {
    question: u64,
    used_to: DateTime<Utc>,
    expires: DateTime<Utc>,
    behind: (DateTime<Utc>, OrderId),
}

impl Amazon {
    /// `searchOrders`.
    pub(in super::super) fn search_orders(
        &mut self,
        account: &AmazonAccount,
        search: &Search,
    ) -> Reply<Found> {
        let subject =
            format!("{:016x}{}", question(account, search), search.token.as_deref().unwrap_or_default());
        self.call(account, Operation::SearchOrders, &subject, |amazon| {
            Ok((amazon.find(account, search)?, Worth::Something))
        })
    }

    /// `getOrder`.
    pub(in super::super) fn get_order(&mut self, account: &AmazonAccount, id: &OrderId) -> Reply<OrderState> {
        self.call(account, Operation::GetOrder, id.as_str(), |amazon| {
            let told = amazon.told_order(account, id).cloned();
            Ok((told.ok_or_else(|| Refusal::not_found("Order not found.".to_owned()))?, Worth::Something))
        })
    }

    fn find(&self, account: &AmazonAccount, search: &Search) -> Result<Found, Refusal> {
        // The real one says no more than this either (selling-partner-api-docs issue 326).
        let invalid = || Refusal::invalid("Invalid Input");
        let (from, to, by_creation) = match (search.created_after, search.updated_after) {
            (Some(from), None) if search.updated_before.is_none() => (from, search.created_before, true),
            (None, Some(from)) if search.created_before.is_none() => (from, search.updated_before, false),
            _ => return Err(invalid()),
        };
        let page_max = i64::from(self.behaviour.page_max);
        let page_size = search.page_size.unwrap_or(page_max);
        if !(1..=100).contains(&page_size) {
            return Err(invalid());
        }
        let page_size = usize::try_from(page_size.min(page_max)).unwrap_or(1);
        let now = self.now;
        let token =
            search.token.as_deref().map(|token| self.read_token(token).ok_or_else(invalid)).transpose()?;
        if let Some(token) = &token
            && (token.question != question(account, search) || token.expires < now)
        {
            return Err(invalid());
        }
        let used_to = match (&token, to) {
            (Some(token), _) => token.used_to,
            (None, Some(to)) if now - NOT_YET < to => return Err(invalid()),
            (None, Some(to)) => to,
            (None, None) => whole_seconds(now - NOT_YET),
        };
        if used_to < from {
            return Err(invalid());
        }
        let seller = self.sellers.get(account).ok_or_else(|| Refusal::forbidden(""))?;
        let behind = token.map(|token| token.behind);
        let mut orders = seller.orders_in(by_creation, from, used_to, behind);
        orders.retain(|order| search.wants(order));
        let is_more = page_size < orders.len();
        orders.truncate(page_size);
        let last = orders.last().map(|order| (order.instant(by_creation), order.id.clone()));
        let next = last.filter(|_| is_more).map(|behind| {
            let life = TimeDelta::from_std(self.behaviour.page_token_life).unwrap_or(TimeDelta::MAX);
            self.write_token(&Token {
                question: question(account, search),
                used_to,
                expires: later(now, life),
                behind,
            })
        });
        Ok(Found { orders: orders.into_iter().cloned().collect(), next, used_to, by_creation })
    }

    fn write_token(&self, token: &Token) -> String {
        let (at, id) = &token.behind;
        let text = format!(
            "{:016x} {} {} {} {id}",
            token.question,
            token.used_to.timestamp_micros(),
            token.expires.timestamp_micros(),
            at.timestamp_micros()
        );
        let seal = fingerprint(&format!("{}{text}", self.seed));
        let mut hex = String::new();
        for byte in format!("{seal:016x} {text}").bytes() {
            // Writing into a text cannot fail.
            write!(hex, "{byte:02x}").unwrap_or_default();
        }
        // Real ones hold characters that a URL must encode (selling-partner-api-models issue 4946).
        format!("{hex}+/==")
    }

    fn read_token(&self, token: &str) -> Option<Token> {
        let hex = token.strip_suffix("+/==")?;
        let digits: Vec<_> = hex.bytes().map(|byte| char::from(byte).to_digit(16)).collect::<Option<_>>()?;
        let bytes = digits.chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        });
        let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
        let (seal, text) = text.split_once(' ')?;
        if seal != format!("{:016x}", fingerprint(&format!("{}{text}", self.seed))) {
            return None;
        }
        let mut parts = text.splitn(5, ' ');
        let question = u64::from_str_radix(parts.next()?, 16).ok()?;
        let mut instant = || DateTime::from_timestamp_micros(parts.next()?.parse().ok()?);
        let (used_to, expires, at) = (instant()?, instant()?, instant()?);
        Some(Token { question, used_to, expires, behind: (at, OrderId::parse(parts.next()?).ok()?) })
    }
}

impl Search {
    fn wants(&self, order: &OrderState) -> bool {
        let is_in = |list: &[String], word: &str| list.is_empty() || list.iter().any(|known| known == word);
        is_in(&self.fulfilled_by, order.fulfilled_by())
            && is_in(&self.statuses, order.status().as_str())
            && is_in(&self.marketplaces, order.marketplace.as_str())
    }
}

impl OrderState {
    pub(in super::super) const fn fulfilled_by(&self) -> &'static str {
        match self.shipped_by {
            ShippedBy::Merchant => "MERCHANT",
            ShippedBy::Amazon => "AMAZON",
        }
    }

    const fn instant(&self, by_creation: bool) -> DateTime<Utc> {
        if by_creation { self.created_at } else { self.updated_at }
    }
}

impl Seller {
    /// Orders of a window that can be found, by instant and name, behind a place.
    fn orders_in(
        &self,
        by_creation: bool,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        behind: Option<(DateTime<Utc>, OrderId)>,
    ) -> Vec<&OrderState> {
        if by_creation {
            let told = self.orders.values().filter_map(|order| order.told.as_ref());
            let mut orders: Vec<_> =
                told.filter(|order| from <= order.created_at && order.created_at <= to).collect();
            orders.sort_by_key(|order| (order.created_at, order.id.clone()));
            orders.retain(|order| {
                behind.as_ref().is_none_or(|(at, id)| (*at, id) < (order.created_at, &order.id))
            });
            return orders;
        }
        // No name is smaller than this one.
        let first = OrderId::parse("!").map(|id| Bound::Included((from, id)));
        let start = behind.map_or(first.unwrap_or(Bound::Unbounded), Bound::Excluded);
        let found = self.by_change.range((start, Bound::Unbounded)).take_while(|(at, _)| *at <= to);
        found.filter_map(|(_, id)| self.orders.get(id)?.told.as_ref()).collect()
    }
}

/// What must be the same when a page is asked for: everything but its size and token.
fn question(account: &AmazonAccount, search: &Search) -> u64 {
    let same = Search { page_size: None, token: None, ..search.clone() };
    fingerprint(&format!("{account} {same:?}"))
}

//! Who wants what, and when.

use super::super::account::AmazonAccount;
use super::super::draw::Draw;
use super::super::happening::What;
use super::agenda::Event;
use super::call::later;
use super::{Amazon, ScriptedOrder};
use crate::order::OrderId;
use crate::sku::Sku;

/// How much a listing is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Demand {
    /// Buyers an hour.
    pub(in super::super) per_hour: f64,
    /// What one buyer takes at most; most take one.
    pub(in super::super) most_units: u32,
}

impl Amazon {
    /// Lets buyers come from this instant on.
    pub(in super::super) fn want(&mut self, account: &AmazonAccount, sku: &Sku, demand: Demand) {
        let Some(seller) = self.sellers.get_mut(account) else { return };
        let began = seller.demands.insert(sku.clone(), demand).is_none();
        if began {
            self.next_buyer(account, sku, demand, 1);
        }
    }

    /// No more buyers come.
    pub(in super::super) fn want_nothing(&mut self) {
        self.sellers.values_mut().for_each(|seller| seller.demands.clear());
    }

    pub(super) fn demand(&mut self, account: &AmazonAccount, sku: &Sku, nth: u64) {
        let Some(demand) = self.sellers.get(account).and_then(|seller| seller.demands.get(sku)).copied()
        else {
            return;
        };
        self.next_buyer(account, sku, demand, nth + 1);
        let name = account.to_string();
        let mut draw = Draw::new(self.seed, &["buyer", &name, sku.as_str()], nth);
        // Half of those who may take more take one, half of the rest two, and so on.
        let wanted = (1..demand.most_units.max(1)).take_while(|_| draw.chance(0.5)).count();
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).saturating_add(1);
        let Ok(id) = order_id(&mut Draw::new(self.seed, &["order", &name, sku.as_str()], nth)) else {
            return;
        };
        let taken = self.place_wanted(account, sku, wanted, &id);
        self.happen(account, What::Wanted { sku: sku.clone(), wanted, taken });
    }

    fn next_buyer(&mut self, account: &AmazonAccount, sku: &Sku, demand: Demand, nth: u64) {
        if 0.0 < demand.per_hour {
            let name = account.to_string();
            let mut draw = Draw::new(self.seed, &["gap", &name, sku.as_str()], nth);
            let at = later(self.now, draw.until_next(demand.per_hour));
            self.agenda.put(at, Event::Demand { account: account.clone(), sku: sku.clone(), nth });
        }
    }

    /// Takes what the listing shows, and says how many that was.
    fn place_wanted(&mut self, account: &AmazonAccount, sku: &Sku, wanted: u32, id: &OrderId) -> u32 {
        let available = self.listing(account, sku).map_or(0, super::Listing::available);
        let units = wanted.min(available);
        if units == 0 {
            return 0;
        }
        let mut order = ScriptedOrder::of(sku.clone(), units).named(id.clone());
        order.steps = self.life_of(id, units);
        self.place(account, order).map_or(0, |_| units)
    }
}

/// A name in Amazon's shape: 3, 7 and 7 digits.
pub(super) fn order_id(draw: &mut Draw) -> Result<OrderId, crate::order::OrderError> {
    let (first, second, third) =
        (draw.between(100, 999), draw.between(0, 9_999_999), draw.between(0, 9_999_999));
    OrderId::parse(&format!("{first}-{second:07}-{third:07}"))
}

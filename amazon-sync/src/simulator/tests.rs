use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::work::clock::{Clock, ManualClock};
use rules_core::work::tenants::{FixedTenants, Tenants};

use super::*;
use crate::listing::{Channel, ListingKey};
use crate::marketplace::{OrderQuery, OrderWindow};
use crate::quantity::Quantity;
use crate::seller::{Region, SellerAccount, SellerId};
use crate::sink::QuantityWrite;
use crate::sku::Sku;

mod budgets;
mod days;
mod feeds;
mod http;
mod listings;
mod notices;
mod orders;
mod repeat;
mod snapshots;
mod worlds;
mod writes;

const US: &str = "ATVPDKIKX0DER";
const SELLER: &str = "A2NEXAMPLETF53";

fn nine() -> DateTime<Utc> {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn owner() -> AmazonAccount {
    AmazonAccount::parse(SELLER, Region::NorthAmerica).unwrap()
}

async fn scope() -> Arc<TenantScope> {
    let id = TenantId::parse("main").unwrap();
    Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap()
}

/// A seller's world in which all goes well and at once, unless a test says otherwise.
fn calm() -> WorldBuilder {
    World::builder(nine())
        .seed(7)
        .behaviour(Behaviour::prompt())
        .faults(Faults::none())
        .seller(&owner(), [US])
        .record()
        .subscribe()
}

/// A simulator on a manual clock, with what a caller needs to ask it.
struct Rig {
    clock: Arc<ManualClock>,
    amazon: Simulator,
    account: SellerAccount,
}

impl Rig {
    async fn of(world: WorldBuilder) -> Self {
        let clock = Arc::new(ManualClock::at(nine()));
        let amazon = Simulator::in_process(world.build().unwrap(), Arc::<ManualClock>::clone(&clock));
        let seller = SellerId::parse(SELLER).unwrap();
        let account = SellerAccount::new(&*scope().await, seller, Region::NorthAmerica);
        Self { clock, amazon, account }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn place(&self, order: ScriptedOrder) {
        self.amazon.world(|world| world.happen(Incident::Place(owner(), order)));
    }

    fn shown(&self, name: &str) -> u32 {
        self.amazon.world(|world| world.shown(&owner(), &sku(name))).unwrap()
    }

    fn write(&self, name: &str, quantity: i64) -> QuantityWrite {
        QuantityWrite {
            listing: ListingKey::new(self.account.clone(), sku(name), Channel::Merchant),
            product_type: None,
            quantity: Quantity::new(quantity).unwrap(),
            generation: 1,
        }
    }

    /// The orders that changed from nine o'clock until two minutes ago.
    fn since_nine(&self) -> OrderQuery {
        let window = OrderWindow {
            from: nine(),
            to: self.clock.now() - TimeDelta::minutes(2),
            marketplaces: Vec::new(),
        };
        OrderQuery { window, page: None }
    }
}

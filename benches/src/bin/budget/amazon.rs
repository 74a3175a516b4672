//! A simulated Amazon whose true rate changes when it is told to.

use std::time::Duration;

use amazon_sync::seller::Region;
use amazon_sync::simulator::{
    AmazonAccount, Behaviour, Faults, Incident, ListingPlan, Operation, OperationReport, Rate, Simulator,
    Span, UsagePlan, World,
};
use amazon_sync::sku::Sku;
use anyhow::Context;
use rules_core::work::clock::{Clock, SystemClock};
use secrecy::ExposeSecret;

use crate::worker::Seller;

const SELLER: &str = "A2NEXAMPLETF53";
pub(crate) const REGION: Region = Region::Europe;
pub(crate) const MARKETPLACE: &str = "A1PA6795UKMFR9";
const OPERATION: Operation = Operation::PatchListingsItem;
pub(crate) const BURST: u32 = 5;
/// Calls that are on their way at Amazon's own pace: 5 a second, with 150 ms there and back.
const ON_THE_WAY: f64 = 0.75;

/// One scenario, with an Amazon of its own.
pub(crate) struct Scenario {
    amazon: Simulator,
    account: AmazonAccount,
    /// By how much the true rate differs from the published one in the second half.
    change: Option<f64>,
}

impl Scenario {
    pub(crate) async fn start(per_second: u32, change: Option<f64>, listings: u32) -> anyhow::Result<Self> {
        let account = AmazonAccount::parse(SELLER, REGION)?;
        let mut behaviour = Behaviour::default();
        behaviour.patch_effect = Span::exactly(Duration::from_secs(1));
        let rate = Rate { per_second: f64::from(per_second), burst: BURST };
        let mut world = World::builder(SystemClock.now())
            .faults(Faults::none())
            .behaviour(behaviour)
            .usage_plan(UsagePlan::published().with(OPERATION, rate))
            .seller(&account, [MARKETPLACE]);
        for listing in 0..listings {
            world = world.listing(&account, ListingPlan::merchant(sku(listing)?, 0));
        }
        let amazon = Simulator::builder(world.build()?)
            .answer_after(Duration::from_secs_f64(ON_THE_WAY / f64::from(per_second)))
            .start()
            .await?;
        Ok(Self { amazon, account, change })
    }

    /// What a worker needs to act for the seller.
    pub(crate) fn seller(&self) -> Seller {
        Seller {
            url: self.amazon.url().to_owned(),
            id: SELLER.to_owned(),
            client_id: self.amazon.client_id().to_owned(),
            client_secret: self.amazon.client_secret().expose_secret().to_owned(),
            refresh_token: self.amazon.refresh_token(&self.account).expose_secret().to_owned(),
        }
    }

    /// Half of the time is over.
    pub(crate) fn change(&self) {
        if let Some(factor) = self.change {
            self.amazon.world(|world| world.happen(Incident::HiddenRate(OPERATION, factor)));
        }
    }

    pub(crate) fn outcome(&self) -> anyhow::Result<(Option<f64>, OperationReport)> {
        let operations = self.amazon.report().operations;
        let patches = operations.into_iter().find(|operation| operation.operation == OPERATION.as_str());
        Ok((self.change, patches.context("nothing was patched")?))
    }
}

/// The listing of a task.
pub(crate) fn sku(listing: u32) -> anyhow::Result<Sku> {
    Ok(Sku::parse(&format!("MUG-{listing:02}"))?)
}

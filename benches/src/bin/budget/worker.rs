//! A process that patches listings of all scenarios as fast as it is let.

use std::sync::Arc;

use amazon_sync::adapters::sp_api::{PatchSink, SellerAccess, SpApi, SpApiConfig};
use amazon_sync::listing::{Channel, ListingKey};
use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::seller::{MarketplaceId, SellerAccount, SellerId};
use amazon_sync::sink::{QuantitySink, QuantityWrite, Submitted};
use anyhow::{Context, bail};
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::work::clock::{Clock, SystemClock};
use rules_core::work::pacer::{MemoryPacer, Pacer};
use rules_core::work::secrets::FixedSecrets;
use rules_core::work::tenants::{FixedTenants, Tenants};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::amazon::{MARKETPLACE, REGION, sku};

/// What a worker is to do; it comes as a line of its input, since it holds the simulators' secrets.
#[derive(Deserialize, Serialize)]
pub(crate) struct Orders {
    /// The server that the budgets are on; none: this process.
    pub(crate) redis: Option<String>,
    /// The store's name on it.
    pub(crate) name: String,
    /// One of each scenario.
    pub(crate) sellers: Vec<Seller>,
    /// A task patches each of these.
    pub(crate) listings: Vec<u32>,
}

/// A seller, and where its Amazon is.
#[derive(Deserialize, Serialize)]
pub(crate) struct Seller {
    pub(crate) url: String,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
}

/// What a worker tells at its end.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Told {
    /// Numbers that Amazon took.
    pub(crate) accepted: u64,
    /// How often there was no permit, or Amazon refused.
    pub(crate) not_now: u64,
    pub(crate) cpu_us: u64,
}

/// Takes its orders, gets ready, waits for a line of input, and works until the input ends.
pub(crate) async fn work() -> anyhow::Result<()> {
    let orders: Orders = serde_json::from_str(&next_line().await?).context("reading the orders")?;
    let pacer: Arc<dyn Pacer> = match &orders.redis {
        None => Arc::new(MemoryPacer::new(Arc::new(SystemClock))),
        Some(url) => {
            let config = RedisConfig::parse(url)?.accepting(Guarantee::Nothing).named(&orders.name);
            Arc::new(Redis::connect(config).await?)
        }
    };
    let mut patching = Vec::new();
    for (scenario, seller) in orders.sellers.iter().enumerate() {
        let tenant = TenantId::parse(&format!("scenario-{scenario}"))?;
        let scope =
            Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())])).enter(&tenant).await?;
        // Scenarios share nothing, and neither do their applications.
        let application = format!("budget-{scenario}");
        let (sink, account) = seller.open(&scope, &application, Arc::clone(&pacer))?;
        for listing in &orders.listings {
            let listing = ListingKey::new(account.clone(), sku(*listing)?, Channel::Merchant);
            patching.push(Patching { sink: sink.clone(), listing, told: Told::default() });
        }
    }
    println!("ready");
    next_line().await?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for patching in patching {
        tasks.spawn(patching.until(stopped.clone()));
    }
    next_line().await?;
    stop.send_replace(true);
    let mut told = Told::default();
    while let Some(ended) = tasks.join_next().await {
        let Told { accepted, not_now, .. } = ended??;
        told.accepted += accepted;
        told.not_now += not_now;
    }
    told.cpu_us = benches::process::cpu_time()?.as_micros().try_into()?;
    println!("{}", serde_json::to_string(&told)?);
    Ok(())
}

async fn next_line() -> anyhow::Result<String> {
    let read = || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    };
    tokio::task::spawn_blocking(read).await?.context("reading what to do next")
}

impl Seller {
    fn open(
        &self,
        scope: &TenantScope,
        application: &str,
        pacer: Arc<dyn Pacer>,
    ) -> anyhow::Result<(PatchSink, SellerAccount)> {
        let secrets = FixedSecrets::new()
            .with("lwa", self.client_secret.as_str())
            .with("seller", self.refresh_token.as_str());
        let config = SpApiConfig::new(application, &self.client_id, "lwa")?
            .with_base_url(&self.url)?
            .with_login_url(&format!("{}/auth/o2/token", self.url))?;
        let amazon = SpApi::new(config, Arc::new(secrets), pacer, Arc::new(SystemClock))?;
        let marketplace = MarketplaceId::parse(MARKETPLACE)?;
        let access = SellerAccess::new(scope, SellerId::parse(&self.id)?, REGION, [marketplace], "seller")?;
        let account = access.account().clone();
        amazon.authorise(access);
        Ok((PatchSink::new(amazon), account))
    }
}

/// One task: one number after the other for one listing.
struct Patching {
    sink: PatchSink,
    listing: ListingKey,
    told: Told,
}

impl Patching {
    async fn until(mut self, mut stopped: watch::Receiver<bool>) -> anyhow::Result<Told> {
        let mut number = 0;
        while !*stopped.borrow() {
            // Each number is another one, so that no write is idle.
            number = number % 1_000_000 + 1;
            let write = QuantityWrite {
                listing: self.listing.clone(),
                product_type: None,
                quantity: Quantity::clamped(Units::new(number)),
                generation: 0,
            };
            let answers = self.sink.submit(self.listing.account(), &[write]).await?;
            match answers.into_iter().next().context("the sink did not answer")? {
                Submitted::Accepted(_) => self.told.accepted += 1,
                Submitted::NotNow { again_at } => {
                    self.told.not_now += 1;
                    tokio::select! {
                        () = SystemClock.sleep_until(again_at.unwrap_or_else(|| SystemClock.now())) => {}
                        _ = stopped.wait_for(|stop| *stop) => {}
                    }
                }
                other => bail!("a number was not taken: {other:?}"),
            }
        }
        Ok(self.told)
    }
}

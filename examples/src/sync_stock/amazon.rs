//! The real Amazon, with credentials from the environment.

use std::env;
use std::sync::Arc;

use amazon_sync::adapters::sp_api::{SellerAccess, SpApi, SpApiConfig, SpApiError};
use amazon_sync::rules_core::judge::tenant::{TenantId, TenantRecord};
use amazon_sync::rules_core::work::clock::{Clock, ScaledClock, SystemClock, after};
use amazon_sync::rules_core::work::pacer::MemoryPacer;
use amazon_sync::rules_core::work::secrets::FixedSecrets;
use amazon_sync::rules_core::work::tenants::{FixedTenants, Tenants};
use amazon_sync::seller::{MarketplaceId, Region, SellerId};
use amazon_sync::sku_map::SkuMap;
use amazon_sync::sync::{Account, ONLY_TENANT};
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use reqwest::Url;

const VARIABLES: [(&str, &str); 5] = [
    ("AMAZON_CLIENT_ID", "the application's LWA client identifier, from the Solution Provider Portal"),
    ("AMAZON_CLIENT_SECRET", "its LWA client secret"),
    ("AMAZON_REFRESH_TOKEN", "the token that the seller gave the application, \"Atzr|...\""),
    ("AMAZON_SELLER_ID", "the seller, such as A2NEXAMPLETF53"),
    ("AMAZON_MARKETPLACES", "where it sells, ids with commas between, such as A1PA6795UKMFR9"),
];
/// For a marketplace that is newer than this program.
const REGION: &str = "AMAZON_REGION";
/// Another Selling Partner API than Amazon's, such as a simulator's.
const ENDPOINT: &str = "AMAZON_ENDPOINT";
/// Its clock, where that is not the machine's: an instant that it showed, how many times as fast it
/// runs, and when it showed the instant.
const CLOCK: &str = "AMAZON_ENDPOINT_CLOCK";

/// An Amazon with one seller on it.
pub(super) struct Amazon {
    pub(super) api: SpApi,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tenants: Tenants,
    pub(super) tenant: TenantId,
    seller: SellerId,
    region: Region,
    marketplaces: Vec<MarketplaceId>,
}

impl Amazon {
    /// Connects to nothing yet: the first call does.
    pub(super) async fn from_environment() -> anyhow::Result<Self> {
        let read = |name: &str| env::var(name).unwrap_or_default();
        let missing: Vec<String> = VARIABLES
            .iter()
            .filter(|(name, _)| read(name).trim().is_empty())
            .map(|(name, meaning)| format!("  {name}  {meaning}"))
            .collect();
        if !missing.is_empty() {
            bail!(
                "--live needs credentials from the environment; these are missing:\n{}",
                missing.join("\n")
            );
        }
        let seller = SellerId::parse(&read("AMAZON_SELLER_ID")).context("reading AMAZON_SELLER_ID")?;
        let names = read("AMAZON_MARKETPLACES");
        let marketplaces: Result<Vec<_>, _> =
            names.split(',').map(|name| MarketplaceId::parse(name.trim())).collect();
        let marketplaces = marketplaces.context("reading AMAZON_MARKETPLACES")?;
        let region = region(&read(REGION), &marketplaces)?;

        let mut config = SpApiConfig::new("sync-stock", &read("AMAZON_CLIENT_ID"), "client")?;
        let endpoint = read(ENDPOINT);
        if !endpoint.is_empty() {
            let login = format!("{}/auth/o2/token", endpoint.trim_end_matches('/'));
            config = config.with_base_url(&endpoint).with_context(|| format!("reading {ENDPOINT}"))?;
            config = config.with_login_url(&login).with_context(|| format!("reading {ENDPOINT}"))?;
        }
        let clock = clock(&read(CLOCK), &endpoint)?;
        let secrets = FixedSecrets::new()
            .with("client", read("AMAZON_CLIENT_SECRET"))
            .with("seller", read("AMAZON_REFRESH_TOKEN"));
        let pacer = Arc::new(MemoryPacer::new(Arc::clone(&clock)));
        let api = match SpApi::new(config, Arc::new(secrets), pacer, Arc::clone(&clock)) {
            Err(error @ SpApiError::NoTls) => {
                return Err(error).context(
                    "this program was built without TLS; build it with `cargo build --release --bin sync-stock`",
                );
            }
            api => api?,
        };
        let tenant = TenantId::parse(ONLY_TENANT)?;
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
        let scope = tenants.with_clock(Arc::clone(&clock)).enter(&tenant).await?;
        api.authorise(SellerAccess::new(&scope, seller.clone(), region, marketplaces.clone(), "seller")?);
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
        Ok(Self { api, clock, tenants, tenant, seller, region, marketplaces })
    }

    pub(super) fn account(&self, map: SkuMap) -> Account {
        Account::new(self.seller.clone(), self.region, map).marketplaces(self.marketplaces.clone())
    }
}

fn region(named: &str, marketplaces: &[MarketplaceId]) -> anyhow::Result<Region> {
    if !named.is_empty() {
        let words = || Region::ALL.map(Region::as_str).join(", ");
        return Region::parse(named)
            .with_context(|| format!("{REGION} is {named:?}; use one of {}", words()));
    }
    let unknown = marketplaces.iter().find(|marketplace| marketplace.region().is_none());
    if let Some(unknown) = unknown {
        bail!(
            "the marketplace {unknown} is not known; correct AMAZON_MARKETPLACES, or say its region in {REGION}"
        );
    }
    marketplaces.iter().find_map(MarketplaceId::region).context("AMAZON_MARKETPLACES names none")
}

/// The machine's clock. A simulator on this machine may have one of its own; Amazon never has.
fn clock(told: &str, endpoint: &str) -> anyhow::Result<Arc<dyn Clock>> {
    if told.is_empty() {
        return Ok(Arc::new(SystemClock));
    }
    let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    if !host.is_some_and(|host| matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]")) {
        bail!("{CLOCK} is for a simulator on this machine that {ENDPOINT} names; unset it");
    }
    let wrong =
        || format!("{CLOCK} is {told:?}; write an instant, a factor, and the instant at which it was so");
    let mut words = told.split_whitespace();
    let mut instant = || words.next().and_then(|word| word.parse::<DateTime<Utc>>().ok());
    let shown = instant().with_context(wrong)?;
    let factor: u32 = words.next().and_then(|word| word.parse().ok()).with_context(wrong)?;
    let since: DateTime<Utc> = words.next().and_then(|word| word.parse().ok()).with_context(wrong)?;
    let passed = (SystemClock.now() - since).to_std().unwrap_or_default();
    Ok(Arc::new(ScaledClock::starting_at(after(shown, passed * factor), factor)))
}

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::clock::Clock;
use rules_core::work::events::EventLog;
use rules_core::work::ids::Ids;
use rules_core::work::outbox::Outbox;
use rules_core::work::queue::Queue;
use rules_core::work::tenants::{FixedTenants, Tenants};
use tokio::sync::Notify;

use super::{Account, BuildError, Sync, SyncHandle};
use crate::available::StockPolicy;
use crate::config::SyncConfig;
use crate::desk::{AccountDesk, Desk, Tally};
use crate::events;
use crate::host_stock::HostStock;
use crate::marketplace::Marketplace;
use crate::policy::DriftPolicies;
use crate::seller::{SellerAccount, Shelf};
use crate::sink::QuantitySink;
use crate::sync_store::SyncStore;

/// The tenant of a synchroniser that names none.
pub const ONLY_TENANT: &str = "main";
/// The shelf of a synchroniser that names none.
const ONLY_SHELF: &str = "main";

/// Puts a synchroniser together from a store, Amazon and the host's parts.
#[derive(Debug)]
#[must_use]
pub struct SyncBuilder {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    store: Arc<dyn SyncStore>,
    outbox: Arc<dyn Outbox>,
    queue: Arc<dyn Queue>,
    log: Arc<dyn EventLog>,
    market: Arc<dyn Marketplace>,
    sinks: Vec<Arc<dyn QuantitySink>>,
    host: Arc<dyn HostStock>,
    accounts: Vec<Account>,
    tenants: Option<(Tenants, TenantId)>,
    shelf: String,
    stock_policy: StockPolicy,
    drift_policies: DriftPolicies,
    config: SyncConfig,
}

impl SyncBuilder {
    pub(super) fn new<S: SyncHandle>(
        store: &S,
        market: Arc<dyn Marketplace>,
        host: Arc<dyn HostStock>,
    ) -> Self {
        let store = Arc::new(store.clone());
        Self {
            clock: store.sync_clock(),
            ids: store.sync_ids(),
            log: store.sync_events(),
            outbox: Arc::<S>::clone(&store),
            queue: Arc::<S>::clone(&store),
            store,
            market,
            sinks: Vec::new(),
            host,
            accounts: Vec::new(),
            tenants: None,
            shelf: ONLY_SHELF.to_owned(),
            stock_policy: StockPolicy::default(),
            drift_policies: DriftPolicies::default(),
            config: SyncConfig::default(),
        }
    }

    /// A seller account that sells from the shelf. At least one is needed.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// A way by which numbers get to Amazon. Without one nothing is ever written.
    pub fn sink(mut self, sink: impl QuantitySink) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// Another shelf than `main`.
    pub fn shelf(self, name: impl Into<String>) -> Self {
        Self { shelf: name.into(), ..self }
    }

    /// The host's tenants, and whose shelf it is; without them there is one tenant, called `main`.
    pub fn tenant(self, tenants: Tenants, tenant: TenantId) -> Self {
        Self { tenants: Some((tenants, tenant)), ..self }
    }

    /// How much of what lies free is offered; all of it, but for the lag buffer, by default.
    pub fn stock_policy(self, stock_policy: StockPolicy) -> Self {
        Self { stock_policy, ..self }
    }

    /// Who wins when Amazon's number and ours disagree; the lower one, by default.
    pub fn drift_policies(self, drift_policies: DriftPolicies) -> Self {
        Self { drift_policies, ..self }
    }

    /// Another queue for notifications than the store's, such as one that reads from SQS.
    pub fn queue(self, queue: impl Queue) -> Self {
        Self { queue: Arc::new(queue), ..self }
    }

    /// Another event log than the store's.
    pub fn events(self, log: impl EventLog) -> Self {
        Self { log: Arc::new(log), ..self }
    }

    /// Other settings than the defaults.
    pub fn config(self, config: SyncConfig) -> Self {
        Self { config, ..self }
    }

    /// The synchroniser. Nothing runs yet.
    ///
    /// # Errors
    /// [`BuildError`] when the parts do not fit together, or the tenant is not let in.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn build(self) -> Result<Sync, BuildError> {
        let (tenants, tenant) = if let Some(tenants) = self.tenants {
            tenants
        } else {
            let only = TenantId::parse(ONLY_TENANT).map_err(|source| BuildError::Tenant { source })?;
            (Tenants::new(FixedTenants::new([TenantRecord::new(only.clone())])), only)
        };
        let scope = tenants.with_clock(Arc::clone(&self.clock)).enter(&tenant).await?;
        let on = Shelf::new(&scope, &self.shelf)?;
        if self.accounts.is_empty() {
            return Err(BuildError::NoAccount);
        }
        let (mut accounts, mut named) = (Vec::new(), BTreeSet::new());
        for Account { seller, region, marketplaces, map } in self.accounts {
            let account = SellerAccount::new(&scope, seller, region);
            if !named.insert(account.clone()) {
                return Err(BuildError::AccountTwice { account: account.to_string() });
            }
            let unknown = self.stock_policy.unknown_to(&map);
            if let Some(first) = unknown.first() {
                tracing::info!(account = %account, first, more = unknown.len() - 1, "the stock policy names what the SKU map does not have");
            }
            let account = AccountDesk::new(account, marketplaces, map);
            if self.config.expects_events {
                account.expect_events(self.clock.now());
            }
            accounts.push(Arc::new(account));
        }
        let events_lane = events::lane(&scope).map_err(|source| BuildError::Lane { source })?;
        let desk = Desk {
            clock: self.clock,
            ids: self.ids,
            store: self.store,
            outbox: self.outbox,
            log: self.log,
            queue: self.queue,
            events_lane,
            market: self.market,
            sinks: self.sinks,
            host: self.host,
            shelf: on,
            accounts,
            stock_policy: self.stock_policy,
            drift_policies: self.drift_policies,
            config: self.config,
            tally: Tally::default(),
            demands: Mutex::default(),
            counted_at: Mutex::default(),
            has_begun: AtomicBool::new(false),
            host_known: AtomicBool::new(false),
            is_running: AtomicBool::new(false),
            moved: Notify::new(),
            host_told: Notify::new(),
            notified: Notify::new(),
        };
        Ok(Sync { desk: Arc::new(desk) })
    }
}

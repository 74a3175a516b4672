use std::sync::Arc;

use rules_core::judge::rule_book::RuleBook;
use rules_core::judge::rule_set::RuleSet;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::clock::Clock;
use rules_core::work::events::EventLog;
use rules_core::work::fact_source::FactSource;
use rules_core::work::ids::Ids;
use rules_core::work::lanes::Lanes;
use rules_core::work::outbox::Outbox;
use rules_core::work::pacer::Pacer;
use rules_core::work::queue::Queue;
use rules_core::work::quota::Quota;
use rules_core::work::referee::Referee;
use rules_core::work::tenants::{FixedTenants, Tenants};

use tokio::sync::Notify;

use super::{BuildError, Dispatch, DispatchStore};
use crate::accounts::Accounts;
use crate::aftermath::Signs;
use crate::campaigns::Campaigns;
use crate::config::DispatchConfig;
use crate::delivery::DeliveryLog;
use crate::desk::{Desk, Remembered};
use crate::dispatcher::Pairs;
use crate::gateway::MessageGateway;
use crate::inbox::Inbox;
use crate::people::{Acquainted, OptOutWords, People};
use crate::quarantine::Quarantine;
use crate::register::Register;
use crate::retention::Retention;
use crate::rule::{self, PersonFacts};
use crate::sender::{SenderSource, Senders};
use crate::shelf::Shelf;

/// The tenant of a dispatcher that names none.
pub const ONLY_TENANT: &str = "main";

/// Puts a dispatcher together from a store, a gateway and the host's parts.
#[derive(Debug)]
#[must_use]
pub struct DispatchBuilder {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    campaigns: Arc<dyn Campaigns>,
    log: Arc<dyn DeliveryLog>,
    people: Arc<dyn People>,
    quarantine: Arc<dyn Quarantine>,
    register: Arc<dyn Register>,
    queue: Arc<dyn Queue>,
    lanes: Arc<dyn Lanes>,
    quota: Arc<dyn Quota>,
    pacer: Arc<dyn Pacer>,
    outbox: Arc<dyn Outbox>,
    events: Option<Arc<dyn EventLog>>,
    gateway: Arc<dyn MessageGateway>,
    tenants: Option<Tenants>,
    senders: Arc<dyn SenderSource>,
    rules: Option<RuleBook>,
    facts: Vec<Arc<dyn FactSource>>,
    config: DispatchConfig,
    words: OptOutWords,
    retention: Option<Retention>,
    alone: bool,
}

impl DispatchBuilder {
    pub(super) fn new<S: DispatchStore>(store: &S, gateway: Arc<dyn MessageGateway>) -> Self {
        let store = Arc::new(store.clone());
        Self {
            clock: store.dispatch_clock(),
            ids: store.dispatch_ids(),
            pacer: store.dispatch_pacer(),
            alone: store.dispatches_alone(),
            campaigns: Arc::<S>::clone(&store),
            log: Arc::<S>::clone(&store),
            people: Arc::<S>::clone(&store),
            quarantine: Arc::<S>::clone(&store),
            register: Arc::<S>::clone(&store),
            queue: Arc::<S>::clone(&store),
            lanes: Arc::<S>::clone(&store),
            quota: Arc::<S>::clone(&store),
            outbox: Arc::<S>::clone(&store),
            events: store.dispatch_events(),
            gateway,
            tenants: None,
            senders: Arc::new(Senders::default()),
            rules: None,
            facts: Vec::new(),
            config: DispatchConfig::default(),
            words: OptOutWords::default(),
            retention: None,
        }
    }

    /// The host's tenants; without them there is one, called `main`.
    pub fn tenants(self, tenants: Tenants) -> Self {
        Self { tenants: Some(tenants), ..self }
    }

    /// The host's numbers, so that webhooks find their tenant even before a campaign of this
    /// process has named the number.
    pub fn senders(self, senders: impl SenderSource) -> Self {
        Self { senders: Arc::new(senders), ..self }
    }

    /// Rules for every tenant, in place of [`rule::defaults`].
    pub fn rules(self, rules: RuleSet) -> Self {
        Self { rules: Some(RuleBook::from(rules)), ..self }
    }

    /// Rules for the platform and for single tenants, in place of the defaults.
    pub fn rule_book(self, rules: RuleBook) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// One more source of facts, for the host's own rules.
    pub fn facts(mut self, source: impl FactSource) -> Self {
        self.facts.push(Arc::new(source));
        self
    }

    /// Another event log than the store's own, such as
    /// [`Segments`](rules_core::work::events::Segments) in an archive that several machines share.
    /// A store that keeps no evidence itself, as Redis, needs one.
    pub fn events(self, events: impl EventLog) -> Self {
        Self { events: Some(Arc::new(events)), ..self }
    }

    /// Another pacer than the store's own.
    pub fn pacer(self, pacer: impl Pacer) -> Self {
        Self { pacer: Arc::new(pacer), ..self }
    }

    /// Other words and buttons by which people opt out and in than the defaults of 38 languages.
    pub fn opt_out_words(self, words: OptOutWords) -> Self {
        Self { words, ..self }
    }

    /// Exports the logs of campaigns that have ended and removes them from the store, once they were
    /// kept for long enough. Without it they are kept for ever.
    pub fn retention(self, retention: Retention) -> Self {
        Self { retention: Some(retention), ..self }
    }

    /// Other settings than the defaults.
    pub fn config(self, config: DispatchConfig) -> Self {
        Self { config, ..self }
    }

    /// The dispatcher.
    ///
    /// # Errors
    /// [`BuildError`] when the parts do not fit together.
    pub fn build(self) -> Result<Dispatch, BuildError> {
        let tenants = if let Some(tenants) = self.tenants {
            tenants
        } else {
            let only = TenantId::parse(ONLY_TENANT).map_err(|source| BuildError::Tenant { source })?;
            Tenants::new(FixedTenants::new([TenantRecord::new(only)])).with_clock(Arc::clone(&self.clock))
        };
        let rules = match self.rules {
            Some(rules) => rules,
            None => RuleBook::from(rule::defaults().map_err(|source| BuildError::Rules { source })?),
        };
        let mut facts = self.facts;
        facts.push(Arc::new(PersonFacts::new(Arc::clone(&self.people))));
        let events = self.events.ok_or(BuildError::NoEvents)?;
        let desk = Desk {
            pairs: Pairs::new(Arc::clone(&self.clock)),
            clock: self.clock,
            ids: self.ids,
            campaigns: self.campaigns,
            log: self.log,
            people: self.people,
            quarantine: self.quarantine,
            register: self.register,
            queue: self.queue,
            lanes: self.lanes,
            quota: self.quota,
            pacer: self.pacer,
            outbox: self.outbox,
            events,
            gateway: self.gateway,
            tenants,
            senders: self.senders,
            referee: Referee::new(Arc::new(rules), facts),
            config: self.config,
            alone: self.alone,
            remembered: Remembered::default(),
            acquainted: Acquainted::default(),
            accounts: Accounts::default(),
            signs: Signs::default(),
            shelf: Shelf::default(),
            fed: Notify::new(),
            inbox: Inbox::default(),
            words: self.words,
            retention: self.retention,
        };
        Ok(Dispatch { desk: Arc::new(desk) })
    }
}

//! Plays one scenario to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::key::{ArchiveKey, ChainKey};
use rules_core::judge::tenant::TenantRecord;
use rules_core::store::memory::Memory;
use rules_core::work::archive::{Archive, MemoryArchive};
use rules_core::work::clock::{Clock, ClockExt};
use rules_core::work::events::{EventLog, Sealed};
use rules_core::work::ids::SeededIds;
use rules_core::work::lanes::HoldOn;
use rules_core::work::lanes::Lanes;
use rules_core::work::tenants::{FixedTenants, Tenants};
use serde_json::Value;
use whatsapp_dispatch::campaign::CampaignName;
use whatsapp_dispatch::campaigns::{CampaignRecord, Status};
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::delivery::{DeliveryLog, Kind, Message, Query};
use whatsapp_dispatch::dispatch::{ChangeError, Dispatch, DispatchBuilder, Running, Sent, Webhooks};
use whatsapp_dispatch::fact::{Answer, State};
use whatsapp_dispatch::people::{Address, ConsentChange, ConsentSource, People};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::progress::Progress;
use whatsapp_dispatch::retention::Retention;
use whatsapp_dispatch::simulator::{Report, Simulator};

use crate::scenario::{Act, Planned, Scenario, tenant_id};
use crate::virtual_time::{VirtualClock, runtime};
use crate::witness::{Post, Witness};

/// Everything that is left of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) posts: Vec<Post>,
    /// Tokens of messages that WhatsApp gave up on.
    pub(crate) failed: std::collections::BTreeSet<String>,
    pub(crate) campaigns: BTreeMap<usize, Outcome>,
    /// When a person's opt-out was stored, by tenant and digits.
    pub(crate) opted_out: BTreeMap<(usize, u64), DateTime<Utc>>,
    pub(crate) evidence: BTreeMap<String, Vec<Sealed>>,
    pub(crate) theirs: Report,
    /// The logs of campaigns as they were exported weeks later, and how many messages were left
    /// then of all.
    pub(crate) exported: BTreeMap<usize, Vec<Value>>,
    pub(crate) left: usize,
}

/// What became of a campaign.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) record: CampaignRecord,
    pub(crate) progress: Progress,
    pub(crate) messages: Vec<Message>,
}

impl Run {
    /// The event logs, to the byte.
    pub(crate) fn events(&self) -> String {
        format!("{:#?}", self.evidence)
    }
}

pub(crate) fn run(seed: u64) -> Run {
    runtime().block_on(async {
        let mut world = World::new(seed);
        world.play().await;
        world.finish().await;
        world.end().await
    })
}

struct World {
    scenario: Scenario,
    clock: VirtualClock,
    store: Memory,
    meta: Simulator,
    witness: Witness,
    tenants: Tenants,
    /// From the oldest to the newest.
    dispatchers: Vec<(Dispatch, Running)>,
    released: Vec<usize>,
    opted_out: BTreeMap<(usize, u64), DateTime<Utc>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let scenario = Scenario::of(seed);
        let clock = VirtualClock::starting_at(scenario.start);
        let store = Memory::with(Arc::new(clock), Arc::new(SeededIds::new(seed)));
        let mut meta = Simulator::builder()
            .seed(seed)
            .faults(scenario.faults.clone())
            .answer_after(scenario.answer_after)
            .clock(Arc::new(clock));
        for number in &scenario.numbers {
            meta = meta.number(number.clone());
        }
        for planned in &scenario.campaigns {
            meta = meta.template(&planned.definition());
        }
        if let Some(people) = scenario.messaging_limit {
            meta = meta.messaging_limit(people);
        }
        let meta = meta.start_in_process().unwrap();
        let witness = Witness::new(clock, meta.in_process_gateway());
        meta.deliver_webhooks_to(witness.clone());
        let tenants =
            Tenants::new(FixedTenants::new(scenario.tenants.iter().cloned())).with_clock(Arc::new(clock));
        Self {
            scenario,
            clock,
            store,
            meta,
            witness,
            tenants,
            dispatchers: Vec::new(),
            released: Vec::new(),
            opted_out: BTreeMap::new(),
        }
    }

    fn dispatch(&self) -> Dispatch {
        self.builder().build().unwrap()
    }

    fn builder(&self) -> DispatchBuilder {
        let mut config = DispatchConfig::default();
        // Few idle turns, so that many seeds fit into a minute.
        config.tick = Duration::from_secs(1);
        Dispatch::builder(&self.store, self.witness.clone())
            .tenants(self.tenants.clone())
            .rules(self.scenario.rules())
            .config(config)
    }

    fn start(&mut self) {
        let dispatch = self.dispatch();
        let running = dispatch.start();
        self.dispatchers.push((dispatch, running));
    }

    async fn stop(&mut self, patience: Duration) {
        if !self.dispatchers.is_empty() {
            let (_, running) = self.dispatchers.remove(0);
            running.drain(patience).await.unwrap();
            // Whatever was ended needs a moment to notice.
            self.clock.sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop_all(&mut self) {
        while !self.dispatchers.is_empty() {
            self.stop(Duration::from_secs(60)).await;
        }
    }

    fn endpoint(&self) -> Webhooks {
        Webhooks::new(&self.dispatch(), self.meta.webhook_config()).unwrap()
    }

    async fn play(&mut self) {
        self.witness.receive_with(Some(self.endpoint()));
        let mut begun = self.clock.now();
        for (after, act) in self.scenario.acts.clone() {
            self.clock.sleep_until(begun + TimeDelta::from_std(after).unwrap()).await;
            match act {
                Act::Away(duration) => {
                    let n_dispatchers = self.dispatchers.len();
                    self.stop_all().await;
                    self.clock.sleep(duration).await;
                    begun += TimeDelta::from_std(duration).unwrap();
                    for _ in 0..n_dispatchers {
                        self.start();
                    }
                }
                Act::Start => self.start(),
                Act::Drain => self.stop(Duration::from_secs(60)).await,
                Act::Die => self.stop(Duration::ZERO).await,
                Act::EndpointDown => self.witness.receive_with(None),
                Act::EndpointUp => self.witness.receive_with(Some(self.endpoint())),
                Act::OptOut(tenant, digits) => self.opt_out(tenant, digits).await,
                Act::Release(index) => self.release(index).await,
                Act::Pause(index) => self.steer(index, |sent| async move { sent.pause().await }).await,
                Act::Resume(index) => self.steer(index, |sent| async move { sent.resume().await }).await,
                Act::Cancel(index) => self.steer(index, |sent| async move { sent.cancel().await }).await,
            }
        }
        self.clock.sleep(Duration::from_secs(3)).await;
    }

    async fn release(&mut self, index: usize) {
        let planned = self.scenario.campaigns[index].clone();
        let dispatch = self.dispatch();
        let plan = dispatch.plan(planned.campaign(), planned.recipients()).await.unwrap();
        // Whoever is not sure repeats it.
        let again = dispatch.plan(planned.campaign(), planned.recipients()).await.unwrap();
        assert_eq!(plan.key(), again.key());
        dispatch.release(&plan).await.unwrap();
        self.released.push(index);
    }

    async fn steer<F: Future<Output = Result<(), ChangeError>> + Send>(
        &self,
        index: usize,
        change: impl FnOnce(Sent) -> F + Send,
    ) {
        if self.released.contains(&index) {
            // A campaign that is not paused cannot be resumed, and so on.
            change(self.sent(index).await).await.ok();
        }
    }

    async fn sent(&self, index: usize) -> Sent {
        let Planned { name, sender, .. } = &self.scenario.campaigns[index];
        let name = CampaignName::parse(name).unwrap();
        self.dispatch().campaign(&sender.tenant, &name).await.unwrap().unwrap()
    }

    async fn opt_out(&mut self, tenant: usize, digits: u64) {
        let scope = self.tenants.enter(&tenant_id(tenant)).await.unwrap();
        let number = PhoneNumber::from_digits(digits).unwrap();
        let who = Address::new(&scope, number.canonical());
        let change = ConsentChange::opt_out(who, ConsentSource::Word, self.clock.now());
        self.store.consent(&[change]).await.unwrap();
        self.opted_out.entry((tenant, digits)).or_insert(self.clock.now());
    }

    /// Everybody comes back to work until nothing is left to do.
    async fn finish(&mut self) {
        self.witness.receive_with(Some(self.endpoint()));
        for round in 0.. {
            self.stop_all().await;
            let Some(next) = self.next_instant(round).await else { break };
            assert!(round < 60, "there are still messages to be begun: {}", self.left_over().await);
            self.clock.sleep_until(next).await;
            self.start();
            // Now and then long enough to find what the queue lost.
            self.clock.sleep(Duration::from_secs(if round % 5 == 4 { 35 } else { 6 })).await;
        }
        // What WhatsApp took and never told of ends with its life there.
        self.clock.sleep(Duration::from_secs(32 * 86_400)).await;
        self.start();
        self.clock.sleep(Duration::from_secs(31)).await;
        self.stop_all().await;
    }

    /// When something can be done again; `None` when all is done.
    async fn next_instant(&self, round: u32) -> Option<DateTime<Utc>> {
        let now = self.clock.now();
        // By then what a dead dispatcher had is free again.
        let soon = now + TimeDelta::seconds(61);
        let mut instants = Vec::new();
        for index in &self.released {
            let sent = self.sent(*index).await;
            if sent.record().await.unwrap().status == Status::Paused {
                let used_up = sent
                    .record()
                    .await
                    .unwrap()
                    .reason
                    .is_some_and(|code| code.as_str() == "quota.campaign_exceeded");
                let change = if used_up || 20 < round { sent.cancel().await } else { sent.resume().await };
                change.unwrap();
            }
            let report = sent.report().await.unwrap();
            // Somebody looks after what waits for a person.
            for hold in report.holds.iter().filter(|hold| hold.until.is_none()) {
                match &hold.on {
                    HoldOn::Outlet(_) => {
                        self.dispatch().resume_sender(&report.record.definition.sender).await.unwrap();
                    }
                    HoldOn::Tenant(tenant) => self.dispatch().resume_tenant(tenant).await.unwrap(),
                    HoldOn::Lane(_) => {}
                }
            }
            let cancelled = report.record.status == Status::Cancelled;
            for message in self.messages(sent.key()).await {
                let at = match message.facts.state() {
                    State::Sending => message.facts.begun_at.unwrap() + TimeDelta::seconds(150),
                    // The resolver decides by then.
                    State::Unknown if message.facts.answer == Answer::InDoubt => {
                        message.facts.begun_at.unwrap() + TimeDelta::minutes(90)
                    }
                    State::Waiting | State::Deferred if !cancelled && is_planned(&message) => {
                        message.facts.not_before.unwrap_or(now)
                    }
                    _ => continue,
                };
                instants.push(report.holds.iter().filter_map(|hold| hold.until).fold(at, DateTime::max));
            }
        }
        let soonest = instants.iter().min()?.max(&soon);
        // Some wait for others: those that an allowance does not cover, until the rest is sent.
        let later = instants.iter().filter(|at| soon < **at).min();
        Some(*later.filter(|_| round % 2 == 1).unwrap_or(soonest))
    }

    /// What keeps a run from its end.
    async fn left_over(&self) -> String {
        let mut reports = Vec::new();
        for index in &self.released {
            let report = self.sent(*index).await.report().await.unwrap();
            let mut open = self.messages(&report.record.key).await;
            open.retain(|message| is_planned(message) && !message.facts.state().is_closed());
            reports.push(format!("{report}{:?}\n{open:#?}", report.holds));
        }
        let (depths, dead) = (self.store.depths(None, 500).await, self.store.dead(None, 500).await);
        format!("{}\n{depths:#?}\n{dead:#?}", reports.join("\n"))
    }

    async fn messages(&self, key: &whatsapp_dispatch::message::CampaignKey) -> Vec<Message> {
        let query = Query::Scan { campaign: key.clone(), from: 0, of: Kind::Any, max: 10_000 };
        self.store.messages(&query).await.unwrap().messages
    }

    /// Weeks later nobody needs the logs of campaigns that have ended.
    async fn forget(&self) -> (BTreeMap<usize, Vec<Value>>, usize) {
        self.clock.sleep(Duration::from_secs(60 * 86_400)).await;
        let archive = Arc::new(MemoryArchive::new());
        let retention = Retention::new(Arc::<MemoryArchive>::clone(&archive));
        let dispatch = self.builder().retention(retention).build().unwrap();
        let forgotten = dispatch.forget_ended().await.unwrap();
        let (mut exported, mut left) = (BTreeMap::new(), 0);
        for index in &self.released {
            let sent = self.sent(*index).await;
            left += self.messages(sent.key()).await.len();
            let Some(ours) = forgotten.iter().find(|forgotten| forgotten.campaign == *sent.key()) else {
                continue;
            };
            let seal = ours.export.clone().unwrap();
            let read = async |key| archive.get(&[key]).await.unwrap().remove(0).unwrap();
            let listed: Value = serde_json::from_slice(&read(seal.clone()).await).unwrap();
            let mut lines = Vec::new();
            for part in listed["parts"].as_array().unwrap() {
                let key = ArchiveKey::new(seal.folder(), part["object"].as_str().unwrap()).unwrap();
                let text = String::from_utf8(read(key).await.to_vec()).unwrap();
                lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
            }
            exported.insert(*index, lines);
        }
        (exported, left)
    }

    async fn end(self) -> Run {
        let mut campaigns = BTreeMap::new();
        for index in self.released.clone() {
            let record = self.sent(index).await.record().await.unwrap();
            let messages = self.messages(&record.key).await;
            let progress = self.store.progress(std::slice::from_ref(&record.key)).await.unwrap().remove(0);
            campaigns.insert(index, Outcome { record, progress, messages });
        }
        let mut evidence = BTreeMap::new();
        for TenantRecord { id, .. } in &self.scenario.tenants {
            let sealed = self.store.read(&ChainKey::of(id), 1, usize::MAX).await.unwrap();
            evidence.insert(id.to_string(), sealed);
        }
        let (exported, left) = self.forget().await;
        Run {
            exported,
            left,
            posts: self.witness.posts(),
            failed: self.witness.failed(),
            campaigns,
            opted_out: self.opted_out,
            evidence,
            theirs: self.meta.report(),
            scenario: self.scenario,
        }
    }
}

pub(crate) fn is_planned(message: &Message) -> bool {
    message.verdict == whatsapp_dispatch::delivery::PlanVerdict::Planned
}

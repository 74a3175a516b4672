//! The other half: the same messages through a dispatcher.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use async_trait::async_trait;
use benches::inputs;
use rules_core::work::events::Segments;
use rules_core::work::secrets::FixedSecrets;
use whatsapp_dispatch::adapters::cloud_api::{CloudApi, CloudApiConfig};
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, Plan};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt};
use whatsapp_dispatch::message::CampaignKey;
use whatsapp_dispatch::progress::Progress;
use whatsapp_dispatch::recipients::Csv;
use whatsapp_dispatch::sender::Sender;
use whatsapp_dispatch::template::{Template, TemplateDefinition};

use crate::client::{TOKEN, client};
use crate::settings::Settings;
use benches::process::cpu_time;
use benches::server::Server;

/// What both halves do.
pub(crate) struct Work {
    /// A file for each campaign.
    pub(crate) people: Vec<PathBuf>,
    /// Of all campaigns together.
    pub(crate) messages: usize,
    pub(crate) settings: Settings,
    pub(crate) base_url: String,
}

/// One campaign, measured.
#[derive(Clone, Copy)]
pub(crate) struct Dispatched {
    pub(crate) messages: usize,
    /// From the start of the dispatcher, when everything is released and nothing is queued, to
    /// the last settlement. It ends up to [`LOOK`] late and never early.
    pub(crate) took: Duration,
    /// From the start of the dispatcher to its first POST; a part of `took`.
    pub(crate) first_post: Duration,
    pub(crate) planning: Duration,
    /// Of this process, while dispatching.
    pub(crate) cpu: Duration,
    /// Of the store's server, if it has one, while dispatching.
    pub(crate) store_cpu: Option<Duration>,
    /// Trips to the store, where it counts them: while dispatching, and while planning.
    pub(crate) trips: Option<u64>,
    pub(crate) plan_trips: Option<u64>,
}

/// How often the store is asked whether all is settled, once every answer has come.
pub(crate) const LOOK: Duration = Duration::from_millis(5);
/// Without another answer for so long, something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a store costs, as far as that is known.
#[derive(Default)]
pub(crate) struct Gauge<'a> {
    /// Reads the store's counter of trips.
    pub(crate) trips: Option<&'a (dyn Fn() -> u64 + Sync)>,
    pub(crate) server: Option<&'a Server>,
}

impl Gauge<'_> {
    fn trips(&self) -> Option<u64> {
        self.trips.map(|trips| trips())
    }

    async fn cpu(&self) -> anyhow::Result<Option<Duration>> {
        match self.server {
            Some(server) => server.cpu().await.map(Some),
            None => Ok(None),
        }
    }
}

/// Plans, releases and sends; evidence goes where the store keeps it, unless there is another
/// place.
pub(crate) async fn send<S: DispatchStore>(
    work: &Work,
    store: &S,
    evidence: Option<Segments>,
    gauge: Gauge<'_>,
) -> anyhow::Result<Dispatched> {
    let answered = Answered::default();
    let gateway = Counted { inner: gateway(&work.base_url)?, answered: answered.clone() };
    let dispatch = dispatcher(store, gateway, &work.settings, evidence)?;

    let (before, planning) = (gauge.trips(), Instant::now());
    let campaigns = plan_all(&dispatch, work).await?;
    let planning = planning.elapsed();
    release_all(&dispatch, &campaigns).await?;

    let store_cpu = gauge.cpu().await?;
    let (released, cpu, started) = (gauge.trips(), cpu_time()?, Instant::now());
    let running = dispatch.start();
    let looks = all_settled(work, store, &campaigns, &answered).await?;
    let (took, cpu) = (started.elapsed(), cpu_time()?.saturating_sub(cpu));
    let settled = gauge.trips();
    let store_cpu = gauge.cpu().await?.zip(store_cpu).map(|(until, from)| until.saturating_sub(from));
    ensure!(running.drain(PATIENCE).await?, "the dispatcher did not end in {PATIENCE:?}");
    let between = |from: Option<u64>, until: Option<u64>| Some(until? - from?);
    Ok(Dispatched {
        messages: work.messages,
        took,
        first_post: answered.first_post().map_or(Duration::ZERO, |first| first - started),
        planning,
        cpu,
        store_cpu,
        trips: between(released, settled).map(|trips| trips - looks),
        plan_trips: between(before, released),
    })
}

/// The Cloud API's adapter, talking to a stub.
pub(crate) fn gateway(base_url: &str) -> anyhow::Result<CloudApi> {
    let config = CloudApiConfig::default().with_base_url(base_url)?;
    let secrets = FixedSecrets::new().with(inputs::SECRET, TOKEN);
    Ok(CloudApi::with_client(client()?, config, Arc::new(secrets)))
}

/// A dispatcher with all rules, whose limits are looked at and never reached.
pub(crate) fn dispatcher<S: DispatchStore>(
    store: &S,
    gateway: impl MessageGateway,
    settings: &Settings,
    evidence: Option<Segments>,
) -> anyhow::Result<Dispatch> {
    let builder = Dispatch::builder(store, gateway)
        .tenants(inputs::tenants(u64::from(u32::MAX)))
        .rules(inputs::rules(inputs::never_quiet()))
        .config(settings.config());
    let dispatch = match evidence {
        Some(evidence) => builder.events(evidence),
        None => builder,
    };
    Ok(dispatch.build()?)
}

/// Plans every campaign.
pub(crate) async fn plan_all(dispatch: &Dispatch, work: &Work) -> anyhow::Result<Vec<Plan>> {
    let mut plans = Vec::with_capacity(work.people.len());
    for (number, people) in work.people.iter().enumerate() {
        let campaign = inputs::campaign(&format!("load {number}"));
        plans.push(dispatch.plan(campaign, Csv::open(people)?).await.context("planning")?);
    }
    let planned: u64 = plans.iter().map(|plan| plan.progress().planned()).sum();
    ensure!(planned == work.messages as u64, "{planned} of {} messages were planned", work.messages);
    Ok(plans)
}

pub(crate) async fn release_all(dispatch: &Dispatch, plans: &[Plan]) -> anyhow::Result<()> {
    for plan in plans {
        dispatch.release(plan).await.context("releasing")?;
    }
    Ok(())
}

/// Returns when every message is accepted and the queue is empty; tells how many trips that cost.
/// Before every message has its answer the store is not asked, so looking disturbs nothing.
async fn all_settled<S: DispatchStore>(
    work: &Work,
    store: &S,
    campaigns: &[Plan],
    answered: &Answered,
) -> anyhow::Result<u64> {
    let mut looks = 0;
    let (mut count, mut since) = (0, Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let now = answered.count();
        if count != now {
            (count, since) = (now, Instant::now());
        }
        let patience_ends = PATIENCE < since.elapsed();
        if now < work.messages && !patience_ends {
            continue;
        }
        looks += 2;
        let Still { accepted, queued, states } = still(store, campaigns).await?;
        if accepted == work.messages as u64 && queued == 0 {
            return Ok(looks);
        }
        if patience_ends {
            bail!(
                "{accepted} of {} messages were accepted and {queued} are left in the queue, {PATIENCE:?} after \
                 the last answer ({states})",
                work.messages,
            );
        }
    }
}

/// How far campaigns are.
pub(crate) struct Still {
    pub(crate) accepted: u64,
    pub(crate) queued: u64,
    pub(crate) states: String,
}

/// Lanes that are looked at; a run has no more.
const LANES: usize = 1_000;

pub(crate) async fn still<S: DispatchStore>(store: &S, campaigns: &[Plan]) -> anyhow::Result<Still> {
    let keys: Vec<CampaignKey> = campaigns.iter().map(|plan| plan.key().clone()).collect();
    let progress = store.progress(&keys).await?;
    let accepted = progress.iter().map(|progress| progress.in_state(State::Accepted)).sum();
    let lanes = store.depths(None, LANES).await?;
    let queued = lanes.iter().map(|lane| lane.waiting + lane.delayed + lane.leased).sum();
    let labels = progress.iter().flat_map(Progress::labels);
    let states: Vec<String> = labels.map(|(label, count)| format!("{:?}: {count}", label.bucket)).collect();
    Ok(Still { accepted, queued, states: states.join(", ") })
}

/// How many answers came, and when the first POST left.
#[derive(Clone, Debug, Default)]
struct Answered {
    count: Arc<AtomicUsize>,
    first: Arc<std::sync::OnceLock<Instant>>,
}

impl Answered {
    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn first_post(&self) -> Option<Instant> {
        self.first.get().copied()
    }
}

/// Counts answers: one atomic addition a message.
#[derive(Debug)]
struct Counted {
    inner: CloudApi,
    answered: Answered,
}

#[async_trait]
impl MessageGateway for Counted {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        self.answered.first.get_or_init(Instant::now);
        let answer = self.inner.send(sender, message).await;
        self.answered.count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        self.inner.template(sender, template).await
    }
}

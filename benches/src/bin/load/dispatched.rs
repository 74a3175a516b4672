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
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt};
use whatsapp_dispatch::message::CampaignKey;
use whatsapp_dispatch::recipients::Csv;
use whatsapp_dispatch::sender::Sender;
use whatsapp_dispatch::template::{Template, TemplateDefinition};

use crate::client::{TOKEN, client};
use benches::process::cpu_time;

/// What both halves do.
pub(crate) struct Work {
    pub(crate) people: PathBuf,
    pub(crate) messages: usize,
    pub(crate) concurrency: usize,
    pub(crate) window: Option<usize>,
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
    /// Trips to the store, where it counts them: while dispatching, and while planning.
    pub(crate) trips: Option<u64>,
    pub(crate) plan_trips: Option<u64>,
}

/// How often the store is asked whether all is settled, once every answer has come.
const LOOK: Duration = Duration::from_millis(5);
/// Without another answer for so long, something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plans, releases and sends; evidence goes where the store keeps it, unless there is another
/// place. `trips` reads the store's counter.
pub(crate) async fn send<S: DispatchStore>(
    work: &Work,
    store: &S,
    evidence: Option<Segments>,
    trips: impl Fn() -> Option<u64>,
) -> anyhow::Result<Dispatched> {
    let config = CloudApiConfig::default().with_base_url(&work.base_url)?;
    let secrets = FixedSecrets::new().with(inputs::SECRET, TOKEN);
    let answered = Answered::default();
    let gateway = Counted {
        inner: CloudApi::with_client(client()?, config, Arc::new(secrets)),
        answered: answered.clone(),
    };
    let mut settings = DispatchConfig::default().unpaced().with_concurrency(work.concurrency);
    if let Some(window) = work.window {
        settings = settings.with_window(window);
    }
    let builder = Dispatch::builder(store, gateway)
        .tenants(inputs::tenants(2 * work.messages as u64))
        .rules(inputs::rules(inputs::never_quiet()))
        .config(settings);
    let dispatch = match evidence {
        Some(evidence) => builder.events(evidence),
        None => builder,
    }
    .build()?;

    let (before, planning) = (trips(), Instant::now());
    let plan = dispatch.plan(inputs::campaign("load"), Csv::open(&work.people)?).await.context("planning")?;
    let planning = planning.elapsed();
    let planned = plan.progress().planned();
    ensure!(planned == work.messages as u64, "{planned} of {} messages were planned", work.messages);
    dispatch.release(&plan).await.context("releasing")?;

    let (released, cpu, started) = (trips(), cpu_time()?, Instant::now());
    let running = dispatch.start();
    let looks = all_settled(work, store, plan.key(), &answered).await?;
    let (took, cpu) = (started.elapsed(), cpu_time()?.saturating_sub(cpu));
    let settled = trips();
    ensure!(running.drain(PATIENCE).await?, "the dispatcher did not end in {PATIENCE:?}");
    let between = |from: Option<u64>, until: Option<u64>| Some(until? - from?);
    Ok(Dispatched {
        messages: work.messages,
        took,
        first_post: answered.first_post().map_or(Duration::ZERO, |first| first - started),
        planning,
        cpu,
        trips: between(released, settled).map(|trips| trips - looks),
        plan_trips: between(before, released),
    })
}

/// Returns when every message is accepted and the queue is empty; tells how many trips that cost.
/// Before every message has its answer the store is not asked, so looking disturbs nothing.
async fn all_settled<S: DispatchStore>(
    work: &Work,
    store: &S,
    campaign: &CampaignKey,
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
        let progress = store.progress(std::slice::from_ref(campaign)).await?.pop().unwrap_or_default();
        let accepted = progress.in_state(State::Accepted);
        let left = store.depths(None, 10).await?;
        let left: u64 = left.iter().map(|lane| lane.waiting + lane.delayed + lane.leased).sum();
        if accepted == work.messages as u64 && left == 0 {
            return Ok(looks);
        }
        if patience_ends {
            let states: Vec<String> =
                progress.labels().map(|(label, count)| format!("{:?}: {count}", label.bucket)).collect();
            bail!(
                "{accepted} of {} messages were accepted and {left} are left in the queue, {PATIENCE:?} after \
                 the last answer ({})",
                work.messages,
                states.join(", ")
            );
        }
    }
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

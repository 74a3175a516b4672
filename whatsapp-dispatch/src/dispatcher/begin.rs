//! Begins messages in small groups and puts each begun one on the wire.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rules_core::judge::fault::chain;
use rules_core::work::clock::ClockExt;
use rules_core::work::pacer::Rate;
use rules_core::work::queue::Outcome;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::lease::OpenLease;
use super::outcome::{ATTEMPTS_USED_UP, Judge};
use super::recorder::{Back, Charges, Done};
use super::smooth::Smoother;
use crate::aftermath::Beyond;
use crate::desk::{Active, Desk};
use crate::fact::{Begin, Begun, Counts, Fact, Hears, Subject, What};
use crate::gateway::Outgoing;
use crate::message::{CallbackToken, MessageKey, PersonId};
use crate::people::{PersonKey, SentMark};
use crate::phone::PhoneNumber;
use crate::progress::DUPLICATE_PERSON;
use crate::rule::OPTED_OUT;
use crate::sender::{NumberId, Sender};
use crate::telemetry;
use crate::template::Category;

/// A message that may be begun.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) lease: Arc<OpenLease>,
    pub(super) receipt: u32,
    pub(super) key: MessageKey,
    pub(super) to: PhoneNumber,
    /// Other ids of the person.
    pub(super) also: Vec<PersonId>,
    pub(super) parameters: Bytes,
    pub(super) person: PersonKey,
    /// Attempts that counted before this one.
    pub(super) counted: u16,
    /// Refusals before this attempt because too much went to the person from this number.
    pub(super) backoffs: u8,
    /// Refusals before this attempt because WhatsApp shows the person no more marketing.
    pub(super) deferrals: u8,
    pub(super) campaign: Arc<Active>,
    pub(super) charges: Charges,
    /// What was sent to the person before it was judged, where a rule counts the message.
    pub(super) judged: Option<SentMark>,
    /// Under which instant it was counted.
    pub(super) counted_at: Option<DateTime<Utc>>,
}

/// A message with its place among those that wait for their number.
type Queued = (Ready, OwnedSemaphorePermit);

/// The pause after a store that did not answer.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Begins and posts.
#[derive(Debug)]
pub(super) struct Beginner {
    desk: Arc<Desk>,
    window: Arc<Semaphore>,
    wire: Arc<Semaphore>,
    smoother: Arc<Smoother>,
    done: mpsc::Sender<Done>,
}

impl Beginner {
    pub(super) fn new(
        desk: Arc<Desk>,
        window: Arc<Semaphore>,
        smoother: Arc<Smoother>,
        done: mpsc::Sender<Done>,
    ) -> Self {
        let wire = Arc::new(Semaphore::new(desk.config.concurrency));
        Self { desk, window, wire, smoother, done }
    }

    /// Serves until the pump is gone and everything begun has been answered.
    pub(super) async fn run(self, mut ready: mpsc::Receiver<Ready>) {
        let this = Arc::new(self);
        let mut lines: HashMap<Option<NumberId>, mpsc::UnboundedSender<Queued>> = HashMap::new();
        let mut numbers = JoinSet::new();
        // Of all numbers together, so that what waits is bounded.
        let places = Arc::new(Semaphore::new(this.desk.config.prefetch.max(1)));
        while let Some(ready) = ready.recv().await {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            // Each number waits for its own rate, and for no other's. Without rates they are one.
            let number = &ready.campaign.record.definition.sender.number_id;
            let line = lines.entry(Some(number.clone()).filter(|_| this.desk.config.paced));
            let line = line.or_insert_with(|| {
                let (line, waiting) = mpsc::unbounded_channel();
                numbers.spawn(Arc::clone(&this).serve(waiting));
                line
            });
            if line.send((ready, place)).is_err() {
                break;
            }
        }
        drop(lines);
        while numbers.join_next().await.is_some() {}
    }

    /// Begins the messages of one number.
    async fn serve(self: Arc<Self>, mut queued: mpsc::UnboundedReceiver<Queued>) {
        let mut groups = JoinSet::new();
        let size = self.desk.config.begin_group;
        let mut group: Vec<Queued> = Vec::with_capacity(size);
        while !group.is_empty() || 0 < queued.recv_many(&mut group, size).await {
            let Some((first, _)) = group.first() else { continue };
            let sender = &first.campaign.record.definition.sender;
            let together = self.together(sender, group.len());
            if self.desk.config.paced {
                self.smoother.wait(sender, self.desk.last_rate(sender), together).await;
            }
            // A place in the window for each message before it is begun: what is begun and not
            // recorded is never more than the window. All at once, or two numbers could wait for
            // each other's.
            let many = u32::try_from(together).unwrap_or(u32::MAX);
            let Ok(mut places) = Arc::clone(&self.window).acquire_many_owned(many).await else { return };
            let ready = group.drain(..together).map(|(ready, _)| ready);
            let messages = ready.filter_map(|ready| Some((ready, places.split(1)?))).collect();
            groups.spawn(Arc::clone(&self).begin(messages));
            while groups.try_join_next().is_some() {}
        }
        while groups.join_next().await.is_some() {}
    }

    /// How many of a group leave at once: no more than the number may send in one burst.
    fn together(&self, sender: &Sender, group: usize) -> usize {
        let burst = Rate::per_second(self.desk.last_rate(sender)).burst as usize;
        if self.desk.config.paced { group.min(burst.max(1)) } else { group }
    }

    /// Begins one group, then posts what was begun.
    async fn begin(self: Arc<Self>, messages: Vec<(Ready, OwnedSemaphorePermit)>) {
        let now = self.desk.clock.now();
        let (held, messages): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|(ready, _)| self.desk.signs.keeps(&ready.campaign.record, now));
        for (ready, place) in held {
            self.tell(Done::back(&ready, Outcome::HandBack, Some(place))).await;
        }
        if messages.is_empty() {
            return;
        }
        let hears = |ready: &Ready| Hears {
            person: ready.person.id(),
            marketing: ready.campaign.record.definition.template.category == Category::Marketing,
        };
        let counts =
            |ready: &Ready| Some(Counts { person: ready.person.id(), judged: ready.judged?, at: now });
        let wish = |(ready, _): &(Ready, OwnedSemaphorePermit)| Begin {
            hears: Some(hears(ready)),
            counts: counts(ready),
            message: ready.key.clone(),
            lease: ready.lease.token,
            also: ready.also.clone(),
        };
        let wishes: Vec<Begin> = messages.iter().map(wish).collect();
        let span = tracing::debug_span!("dispatch.begin", messages = wishes.len());
        let answers = self.desk.log.begin(&wishes).instrument(span).await;
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                // Whether they are begun is unknown, and nothing was posted. They go back; if they
                // are begun after all, they are found in doubt by the sweeper.
                tracing::warn!(error = %chain(&error), "beginning failed; the messages go back");
                self.desk.clock.sleep(STORE_PAUSE).await;
                for (ready, place) in messages {
                    self.tell(Done::back(&ready, Outcome::HandBack, Some(place))).await;
                }
                return;
            }
        };
        let begun = answers.iter().filter(|answer| matches!(answer, Begun::Attempt(_))).count();
        telemetry::count("dispatch_begun_total", None, begun);
        // The group's posts are driven together: one task to wake for many answers.
        let posts = FuturesUnordered::new();
        for ((mut ready, place), answer) in messages.into_iter().zip(answers) {
            match answer {
                Begun::Attempt(attempt) => {
                    ready.counted_at = ready.judged.map(|_| now);
                    posts.push(self.post(ready, attempt, place));
                }
                other => self.tell(self.refused(&ready, other, place)).await,
            }
        }
        posts.collect::<()>().await;
    }

    /// What becomes of a message that was not begun.
    fn refused(&self, ready: &Ready, answer: Begun, place: OwnedSemaphorePermit) -> Done {
        let now = self.desk.clock.now();
        let fact = |what| Some(Fact { of: Subject::Attempt(ready.key.clone(), 0), at: now, what });
        let (fact, outcome) = match answer {
            Begun::OptedOut => (fact(What::Denied { code: OPTED_OUT }), Outcome::Done),
            Begun::Late => (fact(What::Expired), Outcome::Done),
            Begun::Exhausted => (fact(What::Denied { code: ATTEMPTS_USED_UP }), Outcome::Done),
            Begun::NotBefore(at) => (None, Outcome::Retry { at, code: WAITS }),
            Begun::Duplicate => (fact(What::Denied { code: DUPLICATE_PERSON }), Outcome::Done),
            Begun::Paused | Begun::Overtaken => (None, Outcome::HandBack),
            // What is in flight is somebody's; if that somebody died, the sweeper finds it.
            Begun::Attempt(_)
            | Begun::InFlight(_)
            | Begun::Closed
            | Begun::Cancelled
            | Begun::NotReleased
            | Begun::Unplanned => (None, Outcome::Done),
        };
        let beyond = if answer == Begun::Paused { Beyond::HoldLane } else { Beyond::Nothing };
        Done { fact, beyond, ..Done::back(ready, outcome, Some(place)) }
    }

    async fn post(&self, ready: Ready, attempt: u16, place: OwnedSemaphorePermit) {
        let Ok(_on_the_wire) = self.wire.acquire().await else { return };
        let record = &ready.campaign.record;
        let token = CallbackToken { message: ready.key.clone(), attempt }.encode(&record.salt);
        let outgoing = Outgoing {
            to: ready.to,
            content: Arc::clone(&ready.campaign.content),
            parameters: ready.parameters.clone(),
            token,
        };
        let span = tracing::debug_span!("dispatch.send", campaign = %record.key, record = ready.key.record(), attempt);
        let ticket = self.desk.signs.ticket(record);
        let left_by = ready.campaign.content.route();
        let answer = self.desk.gateway.send(&record.definition.sender, &outgoing).instrument(span).await;
        let judge = Judge { desk: &self.desk, ready: &ready, attempt, ticket, left_by };
        let concluded = judge.conclude(answer);
        let back = Back { key: ready.key.clone(), attempt, charges: ready.charges };
        let done = Done {
            fact: Some(concluded.fact),
            beyond: concluded.beyond,
            refund: Some(back).filter(|_| concluded.refund),
            about: concluded.about,
            also: concluded.also,
            campaign: Some(Arc::clone(&ready.campaign)),
            ..Done::back(&ready, concluded.outcome, Some(place))
        };
        self.tell(done).await;
    }

    async fn tell(&self, done: Done) {
        // The recorder outlives us; if it is gone, the lease runs out by itself.
        self.done.send(done).await.ok();
    }
}

/// It was taken from the queue before its time.
const WAITS: rules_core::judge::code::Code = rules_core::judge::code::Code::known("dispatch.not_before");

//! Begins messages in small groups and puts each begun one on the wire.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
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
use crate::fact::{Begin, Begun, Fact, Hears, Subject, What};
use crate::gateway::Outgoing;
use crate::message::{CallbackToken, MessageKey, PersonId};
use crate::people::PersonKey;
use crate::phone::PhoneNumber;
use crate::progress::DUPLICATE_PERSON;
use crate::rule::OPTED_OUT;
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
}

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
        let mut groups = JoinSet::new();
        let size = this.desk.config.begin_group;
        let mut group = Vec::with_capacity(size);
        while !group.is_empty() || 0 < ready.recv_many(&mut group, size).await {
            let together = this.together(&group);
            // A place in the window for each message before it is begun: what is begun and not
            // recorded is never more than the window.
            let mut places = Vec::with_capacity(together);
            for _ in 0..together {
                match Arc::clone(&this.window).acquire_owned().await {
                    Ok(place) => places.push(place),
                    Err(_) => return,
                }
            }
            if this.desk.config.paced
                && let Some(first) = group.first()
            {
                let sender = &first.campaign.record.definition.sender;
                this.smoother.wait(sender, this.desk.last_rate(sender), together).await;
            }
            let messages: Vec<(Ready, OwnedSemaphorePermit)> = group.drain(..together).zip(places).collect();
            groups.spawn(Arc::clone(&this).begin(messages));
            while groups.try_join_next().is_some() {}
        }
        while groups.join_next().await.is_some() {}
    }

    /// How many from the first on leave at once: messages of one number, and no more than it may
    /// send in one burst.
    fn together(&self, group: &[Ready]) -> usize {
        let Some(first) = group.first().filter(|_| self.desk.config.paced) else { return group.len() };
        let sender = &first.campaign.record.definition.sender;
        let burst = Rate::per_second(self.desk.last_rate(sender)).burst as usize;
        let same = |ready: &&Ready| ready.campaign.record.definition.sender.number_id == sender.number_id;
        group.iter().take(burst).take_while(same).count()
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
        let wish = |(ready, _): &(Ready, OwnedSemaphorePermit)| Begin {
            hears: Some(hears(ready)),
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
        for ((ready, place), answer) in messages.into_iter().zip(answers) {
            match answer {
                Begun::Attempt(attempt) => posts.push(self.post(ready, attempt, place)),
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
            Begun::Paused => (None, Outcome::HandBack),
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
        let answer = self.desk.gateway.send(&record.definition.sender, &outgoing).instrument(span).await;
        let judge = Judge { desk: &self.desk, ready: &ready, attempt, ticket };
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

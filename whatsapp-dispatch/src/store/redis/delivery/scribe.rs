//! Begins and records of this process, gathered: what comes while one commit is on its way goes
//! into the next. So many callers share one trip, and a process never fights itself over a page.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rules_core::store::redis::{Guarantee, Redis, RedisError};
use rules_core::work::clock::{ClockExt, after};
use tokio::sync::{mpsc, oneshot};

use super::cells::PageKey;
use super::seen::{Cell, Seen};
use super::transact;
use crate::delivery::ledger;
use crate::fact::{Begin, Begun, Fact, Recorded, Subject};
use crate::message::MessageKey;

/// Wishes and facts of one commit, at most.
const GATHERED: usize = 1_000;
/// Calls that wait, at most; more wait for a place.
const WAITING: usize = 4_096;
/// Pages that are remembered between commits, at most.
const PAGES: usize = 4_096;
/// A server that may forget forgets what is younger than this, with room to spare.
const MAY_BE_LOST: Duration = Duration::from_secs(5);
/// Begins and facts that are remembered for a server that forgets, at most.
const REMEMBERED: usize = 50_000;
/// So long nothing is begun on a server that started anew, while all processes tell it again what it
/// may have forgotten: what one of them began is not to be begun by another.
const OTHERS_TELL: Duration = Duration::from_secs(2);
/// So long somebody who has nothing else to say waits for a server that is away.
const MAY_BE_AWAY: Duration = Duration::from_mins(5);
/// How often somebody who has nothing else to say looks whether there is something to tell again.
const LOOKS: Duration = Duration::from_millis(250);

/// Where a caller waits.
type Answer<T> = oneshot::Sender<Result<Vec<T>, RedisError>>;

enum Job {
    Begin(Redis, Vec<Begin>, Answer<Begun>),
    Record(Redis, Vec<Fact>, Answer<Recorded>),
}

/// The door to the task that gathers. The task ends with the handle.
#[derive(Debug)]
pub(super) struct Scribe {
    jobs: mpsc::Sender<Job>,
    glimpses: Arc<Glimpses>,
}

/// Pages that this process read for another purpose, which is soon followed by a begin. The commit
/// finds out when one has changed since, so a glimpse saves a trip and can do no harm.
#[derive(Debug, Default)]
struct Glimpses(Mutex<HashMap<PageKey, Option<Bytes>>>);

impl Glimpses {
    fn all(&self) -> MutexGuard<'_, HashMap<PageKey, Option<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scribe {
    pub(super) fn start() -> Self {
        let (jobs, inbox) = mpsc::channel(WAITING);
        let glimpses = Arc::new(Glimpses::default());
        tokio::spawn(Desk::new(Arc::clone(&glimpses)).work(inbox));
        Self { jobs, glimpses }
    }

    /// Takes note of pages as they were read just now.
    pub(super) fn glimpse(&self, pages: impl IntoIterator<Item = (PageKey, Option<Bytes>)>) {
        let mut all = self.glimpses.all();
        if PAGES < all.len() {
            all.clear();
        }
        all.extend(pages);
    }

    pub(super) async fn begin(&self, store: &Redis, wishes: &[Begin]) -> Result<Vec<Begun>, RedisError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Begin(store.clone(), wishes.to_vec(), answer)).await.map_err(closed)?;
        answered.await.map_err(closed)?
    }

    pub(super) async fn record(&self, store: &Redis, facts: &[Fact]) -> Result<Vec<Recorded>, RedisError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Record(store.clone(), facts.to_vec(), answer)).await.map_err(closed)?;
        answered.await.map_err(closed)?
    }
}

/// The task ends with its runtime; what it had may have been done.
fn closed(source: impl std::error::Error + Send + Sync + 'static) -> RedisError {
    // The error of a full channel holds the job, which is not to be shown.
    let source = std::io::Error::other(source.to_string());
    RedisError::InDoubt { source: Arc::new(source) }
}

/// What is gathered for one commit.
#[derive(Default)]
struct Gathered {
    wishes: Vec<Begin>,
    facts: Vec<Fact>,
    begins: Vec<(usize, Answer<Begun>)>,
    records: Vec<(usize, Answer<Recorded>)>,
}

impl Gathered {
    fn add(&mut self, job: Job) -> Redis {
        match job {
            Job::Begin(store, wishes, answer) => {
                self.begins.push((wishes.len(), answer));
                self.wishes.extend(wishes);
                store
            }
            Job::Record(store, facts, answer) => {
                self.records.push((facts.len(), answer));
                self.facts.extend(facts);
                store
            }
        }
    }

    /// Takes another one's wishes to its own.
    fn take_wishes(&mut self, other: &mut Self) {
        self.wishes.append(&mut other.wishes);
        self.begins.append(&mut other.begins);
    }

    fn len(&self) -> usize {
        self.wishes.len() + self.facts.len()
    }

    /// What the transaction will want to know.
    fn wanted(&self) -> BTreeSet<Cell> {
        let mut wanted = BTreeSet::new();
        let mut about = |message: &MessageKey| {
            let number = message.campaign().number();
            wanted.extend([Cell::Campaign(number), Cell::Facts(PageKey::of(number, message.record()))]);
        };
        for wish in &self.wishes {
            about(&wish.message);
        }
        for fact in &self.facts {
            if let Subject::Attempt(message, _) | Subject::Callback(message, ..) = &fact.of {
                about(message);
            }
        }
        for wish in &self.wishes {
            let tenant = wish.message.campaign().tenant();
            wanted.extend(wish.counts.map(|counts| Cell::Person(tenant.clone(), counts.person)));
            let counted = wish.counts.map(|counts| counts.person);
            let hears = wish.hears.filter(|hears| Some(hears.person) != counted);
            wanted.extend(hears.map(|hears| Cell::Refusal(tenant.clone(), hears.person)));
        }
        if self.facts.iter().any(|fact| fact.names().is_some()) {
            wanted.insert(Cell::Epoch);
        }
        wanted
    }

    fn answer(self, done: Result<(Vec<Begun>, Vec<Recorded>), RedisError>) {
        match done {
            Ok((begun, recorded)) => {
                share(self.begins, begun);
                share(self.records, recorded);
            }
            Err(error) => {
                for (_, answer) in self.begins {
                    drop(answer.send(Err(error.clone())));
                }
                for (_, answer) in self.records {
                    drop(answer.send(Err(error.clone())));
                }
            }
        }
    }
}

/// Gives every caller its part of the answers. One that no longer waits gets none.
fn share<T>(callers: Vec<(usize, Answer<T>)>, answers: Vec<T>) {
    let mut answers = answers.into_iter();
    for (count, caller) in callers {
        drop(caller.send(Ok(answers.by_ref().take(count).collect())));
    }
}

struct Desk {
    glimpses: Arc<Glimpses>,
    seen: Seen,
    lately: VecDeque<(DateTime<Utc>, Late)>,
    restarts: u64,
    /// Wishes that wait until others have told the server again, and until when.
    held: Gathered,
    held_until: Option<DateTime<Utc>>,
    /// The store, as long as it may have to be told something again.
    watched: Option<Redis>,
}

/// True for what is younger than that; the clock may have been set back a little.
fn is_younger(at: DateTime<Utc>, than: Duration, now: DateTime<Utc>) -> bool {
    now < after(at, than) && at - now < TimeDelta::minutes(1)
}

/// What is to be told again, in the order in which it happened as far as that matters: of one message
/// a begin comes after the facts of the attempt before.
fn told_again(lately: &VecDeque<(DateTime<Utc>, Late)>) -> Vec<Gathered> {
    let (mut told, mut again) = (Vec::new(), Gathered::default());
    let mut known: HashSet<&MessageKey> = HashSet::new();
    for (_, late) in lately {
        let comes_later = matches!(late, Late::Begun(wish) if known.contains(&wish.message));
        if comes_later || GATHERED <= again.len() {
            told.push(std::mem::take(&mut again));
            known.clear();
        }
        match late {
            Late::Begun(wish) => again.wishes.push(wish.clone()),
            Late::Known(fact) => {
                if let Subject::Attempt(message, _) | Subject::Callback(message, ..) = &fact.of {
                    known.insert(message);
                }
                again.facts.push(fact.clone());
            }
        }
    }
    told.push(again);
    told
}

/// Something that a server which forgets may have to be told again.
enum Late {
    Begun(Begin),
    Known(Fact),
}

impl Desk {
    fn new(glimpses: Arc<Glimpses>) -> Self {
        Self {
            glimpses,
            seen: Seen::remembering(),
            lately: VecDeque::new(),
            restarts: 0,
            held: Gathered::default(),
            held_until: None,
            watched: None,
        }
    }

    async fn work(mut self, mut inbox: mpsc::Receiver<Job>) {
        let mut gathered = Gathered::default();
        while let Some(store) = self.next(&mut inbox, &mut gathered).await {
            while gathered.len() < GATHERED
                && let Ok(job) = inbox.try_recv()
            {
                gathered.add(job);
            }
            let forgets = store.promises() == Guarantee::EverySecond;
            let ready = if forgets { self.look_and_hold(&store, &mut gathered).await } else { Ok(()) };
            let while_young = if ready.is_ok() { MAY_BE_LOST } else { MAY_BE_AWAY };
            let done = match ready {
                Ok(()) => self.write(&store, &gathered, forgets).await,
                Err(error) => Err(error),
            };
            std::mem::take(&mut gathered).answer(done);
            let now = store.now();
            let may_tell = self.lately.back().is_some_and(|(at, _)| is_younger(*at, while_young, now));
            self.watched = (forgets && (may_tell || self.held_until.is_some())).then_some(store);
        }
    }

    /// The store of the next job, or the one that is to be looked at meanwhile.
    async fn next(&self, inbox: &mut mpsc::Receiver<Job>, gathered: &mut Gathered) -> Option<Redis> {
        let Some(watched) = &self.watched else { return inbox.recv().await.map(|job| gathered.add(job)) };
        tokio::select! {
            job = inbox.recv() => job.map(|job| gathered.add(job)),
            () = watched.clock().sleep(LOOKS) => Some(watched.clone()),
        }
    }

    /// Tells again what a server that started anew may have forgotten, and holds wishes back until
    /// others have done the same.
    async fn look_and_hold(&mut self, store: &Redis, gathered: &mut Gathered) -> Result<(), RedisError> {
        if self.tell_again(store).await? {
            self.held_until = Some(after(store.now(), OTHERS_TELL));
        }
        if self.held_until.is_some_and(|until| store.now() < until) {
            self.held.take_wishes(gathered);
        } else if self.held_until.take().is_some() {
            self.held.take_wishes(gathered);
            gathered.take_wishes(&mut self.held);
        }
        Ok(())
    }

    async fn write(
        &mut self,
        store: &Redis,
        gathered: &Gathered,
        forgets: bool,
    ) -> Result<(Vec<Begun>, Vec<Recorded>), RedisError> {
        if gathered.len() == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        for (page, field) in self.glimpses.all().drain() {
            self.seen.facts.entry(page).or_insert(field);
        }
        let done = self.transact(store, gathered).await?;
        if forgets {
            self.remember(store.now(), gathered, &done);
        }
        if PAGES < self.seen.facts.len() {
            self.seen.facts.clear();
        }
        Ok(done)
    }

    async fn transact(
        &mut self,
        store: &Redis,
        gathered: &Gathered,
    ) -> Result<(Vec<Begun>, Vec<Recorded>), RedisError> {
        transact(store, &mut self.seen, gathered.wanted(), |view| {
            let now = store.now();
            let (begun, mut left) = ledger::begin(view, &gathered.wishes, now)?;
            let (recorded, more) = ledger::record(view, &gathered.facts, now)?;
            left.join(more);
            Ok(((begun, recorded), left))
        })
        .await
    }

    /// A server that started anew may have forgotten the last begins and records. They are told
    /// again before anything else is: a begin under the same lease gives the same attempt, and a
    /// fact that is known changes nothing. True when the server started anew.
    async fn tell_again(&mut self, store: &Redis) -> Result<bool, RedisError> {
        let restarts = store.restarts().await?;
        let is_anew = restarts != self.restarts;
        if is_anew || self.seen.restarts.is_none() {
            self.seen = Seen { restarts: Some(restarts), ..Seen::remembering() };
        }
        if is_anew {
            tracing::warn!(told = self.lately.len(), "telling redis again what it may have lost");
            for again in told_again(&self.lately) {
                self.transact(store, &again).await?;
            }
            self.restarts = restarts;
        }
        Ok(is_anew)
    }

    fn remember(
        &mut self,
        now: DateTime<Utc>,
        gathered: &Gathered,
        (begun, recorded): &(Vec<Begun>, Vec<Recorded>),
    ) {
        while self.lately.front().is_some_and(|(at, _)| !is_younger(*at, MAY_BE_LOST, now))
            || REMEMBERED < self.lately.len()
        {
            self.lately.pop_front();
        }
        for (wish, begun) in gathered.wishes.iter().zip(begun) {
            if matches!(begun, Begun::Attempt(_)) {
                self.lately.push_back((now, Late::Begun(wish.clone())));
            }
        }
        for (fact, _) in gathered.facts.iter().zip(recorded) {
            self.lately.push_back((now, Late::Known(fact.clone())));
        }
    }
}

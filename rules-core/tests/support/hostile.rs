//! A real server behind a proxy that spoils everything, and a caller that repeats. The suites of the
//! ports run on it: whatever befalls a call, its repeat ends where the call alone would have ended.
//!
//! The first call of a case meets every [`Trouble`] in turn and is repeated through all of them, later
//! calls meet one now and then. What is met when follows from `FAULT_SEED` (1 by default) and the name
//! of the test. A case that met less than all of it fails, so that none passes in silence.
//!
//! A repeat may get another answer than the call would have got: `Known` instead of `Added`. The same
//! calls then go to a twin in memory. After a doubt the answer must be the twin's to the call or to its
//! repeat, and the case is told what the twin said first. Without a doubt it is told what the server
//! said.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::future_not_send,
    reason = "a test stops at its first surprise, tells its seed and reads its environment; a future is as its call is"
)]
#![allow(dead_code, reason = "no suite needs all of it")]

use std::fmt::{self, Debug, Formatter};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rules_core::judge::fault::{Classify, Fault};
use rules_core::store::redis::{Command, Guarantee, Redis, RedisConfig};
use rules_core::work::StoreError;
use rules_core::work::clock::Clock;
use tokio::sync::RwLock;

use crate::redis_server::{Direction, Ending, FaultProxy, key_prefix, shared_url};

/// A call without an answer counts as in doubt after this time: short, because many are held longer.
const PATIENCE: Duration = Duration::from_millis(40);
/// Of a call that must not be in doubt.
const LONG_PATIENCE: Duration = Duration::from_secs(10);
/// So often a call is repeated without any trouble: a busy machine may exceed the patience.
const REPEATS: usize = 200;

/// What may befall a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The connection is reset, and the next one refused.
    Refused,
    /// The connection is cut within the question.
    QuestionCut,
    /// The question is held for too long and never arrives.
    QuestionSwallowed,
    /// The question is held for too long and arrives when nobody waits for its answer.
    QuestionLate,
    /// The connection is cut within the answer.
    AnswerCut,
    /// The answer is thrown away.
    AnswerLost,
    /// The answer is held for too long.
    AnswerHeld,
}

use Trouble::{AnswerCut, AnswerHeld, AnswerLost, QuestionCut, QuestionLate, QuestionSwallowed, Refused};

const ALL: &[Trouble] =
    &[Refused, QuestionCut, QuestionSwallowed, QuestionLate, AnswerCut, AnswerLost, AnswerHeld];
/// After these it is certain that nothing was done.
const BEFORE_THE_DEED: &[Trouble] = &[Refused, QuestionCut];

/// What a call is after: scripts change something, other questions only read.
const DEEDS: &str = "EVAL";
const ANYTHING: &str = "";

/// A store on the server that all cases share, behind a hostile proxy.
pub(crate) struct Hostile {
    /// The store, for calls that may be repeated.
    pub(crate) store: Redis,
    /// The same store, for calls that may not, with much patience.
    pub(crate) patient: Redis,
    proxy: FaultProxy,
    seed: u64,
    dice: Mutex<u64>,
    /// The first call has met all that it may meet.
    is_met: AtomicBool,
    /// It met what leaves a doubt, too.
    doubted: AtomicBool,
    calls: AtomicU64,
    /// The first call has the proxy for itself.
    turn: RwLock<()>,
}

/// What came of a call.
struct Told<A> {
    /// The answers to the attempts that got one.
    answers: Vec<A>,
    /// An attempt may have been carried out before the first answer.
    in_doubt: bool,
}

impl Hostile {
    pub(crate) async fn start(
        clock: Arc<dyn Clock>,
        adapt: impl Fn(RedisConfig) -> RedisConfig,
    ) -> Arc<Self> {
        let server = shared_url();
        let address = server.strip_prefix("redis://").and_then(|address| address.parse().ok());
        let proxy = FaultProxy::start(address.unwrap_or_else(|| panic!("{server} is no plain address")));
        let name = key_prefix();
        let connect = async |patience| {
            let config = RedisConfig::parse(&proxy.url()).unwrap_or_else(|error| panic!("{error}"));
            let config = config.accepting(Guarantee::Nothing).named(&name).with_clock(Arc::clone(&clock));
            let mut config = adapt(config.with_timeouts(patience, patience));
            config.connections = 1;
            loop {
                match Redis::connect(config.clone()).await {
                    Ok(store) => return store,
                    Err(error) if may_be_repeated(error.fault()) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let (store, patient) = (connect(PATIENCE).await, connect(LONG_PATIENCE).await);
        let mut seed = DefaultHasher::new();
        std::thread::current().name().hash(&mut seed);
        std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64).hash(&mut seed);
        let seed = seed.finish();
        Arc::new(Self {
            store,
            patient,
            proxy,
            seed,
            dice: Mutex::new(seed),
            is_met: AtomicBool::new(false),
            doubted: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            turn: RwLock::default(),
        })
    }

    /// A call that only reads.
    pub(crate) async fn ask<A, C>(&self, call: impl Fn() -> C) -> Result<A, StoreError>
    where
        C: Future<Output = Result<A, StoreError>>,
    {
        Ok(first(self.call(&self.store, ALL, &[ANYTHING], call).await?.answers))
    }

    /// A write whose repeat gets the same answer.
    pub(crate) async fn repeat<A, C>(
        &self,
        call: impl Fn() -> C,
        same: impl Fn(&A, &A) -> bool,
    ) -> Result<A, StoreError>
    where
        A: Debug,
        C: Future<Output = Result<A, StoreError>>,
    {
        let answers = self.call(&self.store, ALL, &[DEEDS, ANYTHING], call).await?.answers;
        if let [first, others @ ..] = answers.as_slice() {
            for other in others {
                assert!(same(first, other), "a repeat is answered {other:?}, the call was with {first:?}");
            }
        }
        Ok(first(answers))
    }

    /// A write whose repeat may get another answer: of the twin the answers to the call and to its
    /// repeat.
    pub(crate) async fn insist<A, C, T>(
        &self,
        call: impl Fn() -> C,
        twin: impl Fn() -> T,
    ) -> Result<A, StoreError>
    where
        A: PartialEq + Debug,
        C: Future<Output = Result<A, StoreError>>,
        T: Future<Output = Result<A, StoreError>>,
    {
        self.insist_freely(call, twin, |_, _| {}).await
    }

    /// As [`Self::insist`], for a port that leaves stores free in something: `free` makes the twin's
    /// answer, its second argument, agree there with an answer.
    pub(crate) async fn insist_freely<A, C, T>(
        &self,
        call: impl Fn() -> C,
        twin: impl Fn() -> T,
        free: impl Fn(&A, &mut A),
    ) -> Result<A, StoreError>
    where
        A: PartialEq + Debug,
        C: Future<Output = Result<A, StoreError>>,
        T: Future<Output = Result<A, StoreError>>,
    {
        let alone = twin().await;
        let told = self.call(&self.store, ALL, &[DEEDS, ANYTHING], call).await?;
        if !told.in_doubt && told.answers.len() == 1 {
            return Ok(first(told.answers));
        }
        let (Ok(mut alone), Ok(mut again)) = (alone, twin().await) else {
            panic!("memory refuses what Redis does")
        };
        for (index, answer) in told.answers.iter().enumerate() {
            free(answer, &mut alone);
            free(answer, &mut again);
            let is_first = index == 0 && !told.in_doubt;
            let fits = *answer == alone || !is_first && *answer == again;
            assert!(fits, "answer {index} is {answer:?}; memory says {alone:?}, and to a repeat {again:?}");
        }
        Ok(alone)
    }

    /// A call that must not be repeated when it may have been carried out.
    pub(crate) async fn once<A, C>(&self, call: impl Fn() -> C) -> Result<A, StoreError>
    where
        C: Future<Output = Result<A, StoreError>>,
    {
        Ok(first(self.call(&self.patient, BEFORE_THE_DEED, &[ANYTHING], call).await?.answers))
    }

    /// Makes a call until it is answered, through troubles.
    async fn call<A, C>(
        &self,
        store: &Redis,
        troubles: &[Trouble],
        aims: &[&str],
        call: impl Fn() -> C,
    ) -> Result<Told<A>, StoreError>
    where
        C: Future<Output = Result<A, StoreError>>,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut told = Told { answers: Vec::new(), in_doubt: false };
        if !self.is_met.load(Ordering::Relaxed) {
            let turn = self.turn.write().await;
            if !self.is_met.load(Ordering::Relaxed) {
                self.meet_all(store, troubles, aims, &call, &mut told).await?;
            }
            drop(turn);
        }
        let turn = self.turn.read().await;
        if told.answers.is_empty() && self.throw(3) == 0 {
            let (trouble, aim) = (self.one_of(troubles), self.one_of(aims));
            self.slow_down(self.throw(4) == 0);
            self.attempt(store, trouble, aim, &call, &mut told).await?;
        }
        for _ in 0..REPEATS {
            if !told.answers.is_empty() {
                break;
            }
            self.warm(store).await;
            self.try_once(&call, &mut told).await?;
        }
        drop(turn);
        assert!(!told.answers.is_empty(), "no answer to the {REPEATS}th attempt");
        Ok(told)
    }

    /// The first call goes through every trouble in turn, answered or not.
    async fn meet_all<A, C>(
        &self,
        store: &Redis,
        troubles: &[Trouble],
        aims: &[&str],
        call: &impl Fn() -> C,
        told: &mut Told<A>,
    ) -> Result<(), StoreError>
    where
        C: Future<Output = Result<A, StoreError>>,
    {
        let mut rest = troubles.to_vec();
        while !rest.is_empty() {
            let trouble = rest.swap_remove(self.throw(rest.len()));
            let mut is_met = false;
            // What was done already is not always done again, and a busy machine may be late by itself.
            for (round, aim) in aims.iter().cycle().take(REPEATS).enumerate() {
                self.slow_down(round == 0);
                is_met = self.attempt(store, trouble, aim, call, told).await?;
                if is_met {
                    break;
                }
            }
            assert!(is_met, "{trouble:?} was not met");
        }
        self.doubted.store(troubles.contains(&AnswerLost), Ordering::Relaxed);
        self.is_met.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// One attempt or two under a trouble; says whether it was met.
    async fn attempt<A, C>(
        &self,
        store: &Redis,
        trouble: Trouble,
        aim: &str,
        call: &impl Fn() -> C,
        told: &mut Told<A>,
    ) -> Result<bool, StoreError>
    where
        C: Future<Output = Result<A, StoreError>>,
    {
        self.warm(store).await;
        let before = self.met(trouble);
        self.arm(trouble, aim);
        let done = self.try_once(call, told).await;
        // Whose connection was reset has not been refused yet.
        let done = match done {
            Ok(false) if self.met(trouble) == before => self.try_once(call, told).await,
            done => done,
        };
        let is_met = before < self.met(trouble);
        self.relieve(trouble);
        done.map(|_| is_met)
    }

    /// True when it got an answer.
    async fn try_once<A, C>(&self, call: &impl Fn() -> C, told: &mut Told<A>) -> Result<bool, StoreError>
    where
        C: Future<Output = Result<A, StoreError>>,
    {
        match call().await {
            Ok(answer) => told.answers.push(answer),
            Err(error) if may_be_repeated(error.fault()) => {
                told.in_doubt |= told.answers.is_empty() && !error.fault().is_definite();
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Sees to it that the trouble meets the call and not a greeting before it.
    pub(crate) async fn warm(&self, store: &Redis) {
        let look = [Command::new("EXISTS", &store.key(&[&"nothing"]))];
        for _ in 0..REPEATS {
            if store.read(&look).await.is_ok() {
                return;
            }
        }
        panic!("no answer without any trouble");
    }

    /// Every piece waits and is passed on byte by byte, which of something long takes too long.
    fn slow_down(&self, slow: bool) {
        if slow {
            let wait = Duration::from_micros(self.below(2_000) + 1);
            for direction in [Direction::ToServer, Direction::ToClient] {
                self.proxy.delay(direction, wait);
                self.proxy.chop(direction);
            }
        }
    }

    fn arm(&self, trouble: Trouble, aim: &str) {
        let proxy = &self.proxy;
        let ending = if self.throw(2) == 0 { Ending::Fin } else { Ending::Rst };
        match trouble {
            Refused => {
                proxy.refuse(1);
                proxy.reset_all();
            }
            QuestionCut if aim == DEEDS => proxy.cut_after(Direction::ToServer, self.below(400), ending),
            // The shortest question has more bytes, and so has the shortest answer.
            QuestionCut => proxy.cut_after(Direction::ToServer, self.below(18) + 2, ending),
            AnswerCut if aim == DEEDS => proxy.cut_after(Direction::ToClient, self.below(60), ending),
            AnswerCut => proxy.cut_after(Direction::ToClient, self.below(4), ending),
            AnswerLost => proxy.lose_answers_to(aim, 1),
            QuestionSwallowed | QuestionLate => proxy.stall_at(aim, Direction::ToServer),
            AnswerHeld => proxy.stall_at(aim, Direction::ToClient),
        }
    }

    fn relieve(&self, trouble: Trouble) {
        if trouble == QuestionSwallowed {
            self.proxy.reset_all();
        }
        self.proxy.heal();
    }

    /// How often a trouble was met so far.
    fn met(&self, trouble: Trouble) -> u64 {
        let counts = self.proxy.counts();
        match trouble {
            Refused => counts.refused,
            QuestionCut | AnswerCut => counts.cut,
            AnswerLost => counts.lost,
            QuestionSwallowed | QuestionLate | AnswerHeld => counts.stalled,
        }
    }

    fn one_of<T: Copy>(&self, some: &[T]) -> T {
        let index = self.throw(some.len());
        some.get(index).copied().unwrap_or_else(|| panic!("there is none"))
    }

    fn below(&self, sides: usize) -> u64 {
        self.throw(sides) as u64
    }

    /// A number below `sides`, by `SplitMix64`.
    fn throw(&self, sides: usize) -> usize {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        *dice = dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*dice ^ (*dice >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % sides.max(1)
    }
}

fn may_be_repeated(fault: Fault) -> bool {
    matches!(fault, Fault::Transient | Fault::InDoubt)
}

fn first<A>(answers: Vec<A>) -> A {
    answers.into_iter().next().unwrap_or_else(|| panic!("a call ends with an answer"))
}

impl Debug for Hostile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hostile").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let counts = self.proxy.counts();
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("{name} has the seed {:#x} (FAULT_SEED and its name); {counts:?}", self.seed);
            return;
        }
        assert!(0 < self.calls.load(Ordering::Relaxed) && self.is_met.load(Ordering::Relaxed));
        let certain = [counts.refused, counts.cut, counts.delayed, counts.chopped];
        assert!(certain.iter().all(|count| 0 < *count), "{counts:?}");
        if self.doubted.load(Ordering::Relaxed) {
            assert!(0 < counts.lost && 0 < counts.stalled, "{counts:?}");
        }
    }
}

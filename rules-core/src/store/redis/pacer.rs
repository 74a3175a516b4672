//! The [`Pacer`] port: one script for all outlets of a call, with the arithmetic of
//! [`Gcra`](crate::judge::gcra::Gcra) and the rules of the pacer in memory.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Redis, RedisError, Reply, Script};
use crate::judge::key::Outlet;
use crate::work::StoreError;
use crate::work::pacer::{Ask, Observation, Pacer, Permit, Rate};

static PACE: Script = Script::new("pace", include_str!("pacer/pace.lua"));

/// Steps that one script takes.
const AT_ONCE: usize = 500;

/// An outlet is left alone for a century at most, so that instants stay exact in the script.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What to do with an outlet, as the script takes it: six words.
type Step = [Bytes; 6];

#[async_trait]
impl Pacer for Redis {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Permit>, StoreError> {
        let answers = pace(self, asks.iter().map(taking)).await;
        let answers = answers.map_err(|error| error.while_doing("taking permits"))?;
        let permits: Option<Vec<Permit>> = answers.iter().map(permit).collect();
        permits
            .filter(|permits| permits.len() == asks.len())
            .ok_or_else(|| RedisError::odd("pace").while_doing("taking permits"))
    }

    async fn observe(&self, observations: &[Observation]) -> Result<(), StoreError> {
        let answers = pace(self, observations.iter().filter(|it| is_seen(it)).map(observing)).await;
        answers.map_err(|error| error.while_doing("slowing down"))?;
        Ok(())
    }

    async fn rates(&self, outlets: &[Outlet]) -> Result<Vec<Option<Rate>>, StoreError> {
        let looking = |outlet| step("rates", outlet, []);
        let answers = pace(self, outlets.iter().map(looking)).await;
        let answers = answers.map_err(|error| error.while_doing("reading rates"))?;
        Ok(answers.iter().map(rate).collect())
    }
}

/// The two answers to a step, and the instant at which they were true.
struct Answer {
    now: DateTime<Utc>,
    first: Reply,
    second: Reply,
}

async fn pace(store: &Redis, steps: impl Iterator<Item = Step>) -> Result<Vec<Answer>, RedisError> {
    let steps: Vec<Step> = steps.collect();
    let mut answers = Vec::with_capacity(steps.len());
    for steps in steps.chunks(AT_ONCE) {
        let words: Vec<Bytes> = steps.iter().flatten().cloned().collect();
        let mut replies = store.run(&PACE, &[store.key(&[&"pace"])], &words).await?.list().into_iter();
        let now = replies.next().and_then(|now| now.int()).and_then(DateTime::from_timestamp_micros);
        let now = now.ok_or_else(|| RedisError::odd("pace"))?;
        while let (Some(first), Some(second)) = (replies.next(), replies.next()) {
            answers.push(Answer { now, first, second });
        }
    }
    Ok(answers)
}

fn taking(Ask { outlet, rate, want, unused }: &Ask) -> Step {
    // With an exponent every rate is written exactly and in few digits.
    let per_second = format!("{:e}", rate.per_second);
    let what = if rate.learns { "learn" } else { "take" };
    step(what, outlet, [per_second, rate.burst.to_string(), want.to_string(), unused.to_string()])
}

/// A limit that is none teaches nothing.
fn is_seen(observation: &Observation) -> bool {
    !matches!(observation, Observation::Limit { per_second, .. } if !(per_second.is_finite() && 0.0 < *per_second))
}

fn observing(observation: &Observation) -> Step {
    match observation {
        Observation::Throttled { outlet, retry_after } => {
            let quiet = retry_after.unwrap_or_default().min(LONGEST).as_nanos().div_ceil(1_000);
            step("throttle", outlet, [quiet.to_string()])
        }
        Observation::Consumed { outlet, permits } => step("consume", outlet, [permits.to_string()]),
        Observation::Limit { outlet, per_second } => step("limit", outlet, [format!("{per_second:e}")]),
    }
}

fn step<const WORDS: usize>(what: &'static str, outlet: &Outlet, words: [String; WORDS]) -> Step {
    let address = format!("{}:{}", outlet.tenant(), outlet.name());
    let mut words = words.into_iter().map(Bytes::from);
    let mut next = || words.next().unwrap_or_default();
    [Bytes::from_static(what.as_bytes()), address.into(), next(), next(), next(), next()]
}

fn permit(Answer { now, first, second }: &Answer) -> Option<Permit> {
    let granted = first.int().and_then(|granted| u32::try_from(granted).ok())?;
    let next_at = match second.int()? {
        0 => None,
        nanos => {
            Some(now.checked_add_signed(TimeDelta::nanoseconds(nanos)).unwrap_or(DateTime::<Utc>::MAX_UTC))
        }
    };
    Some(Permit { granted, next_at })
}

fn rate(Answer { first, second, .. }: &Answer) -> Option<Rate> {
    let per_second = first.text()?.parse().ok()?;
    let (burst, learns) = match second.text()? {
        text if text.ends_with(" learns") => (text.trim_end_matches(" learns").to_owned(), true),
        text => (text.to_owned(), false),
    };
    Some(Rate { per_second, burst: burst.parse().ok()?, learns })
}

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::queue::instant;
use super::queue::text::{LeaseText, hold_name, lane_name, read_lane, score};
use super::{Command, Redis, RedisError, Reply, Script};
use crate::judge::code::Code;
use crate::judge::key::Lane;
use crate::work::StoreError;
use crate::work::lanes::{DeadLetter, Dropped, Hold, HoldOn, LaneDepth, Lanes, Weight};

static HOLD: Script =
    Script::new("hold", concat!(include_str!("queue/lanes.lua"), include_str!("queue/hold.lua")));
static RELEASE: Script =
    Script::new("release", concat!(include_str!("queue/lanes.lua"), include_str!("queue/release.lua")));
static WEIGH: Script =
    Script::new("weigh", concat!(include_str!("queue/lanes.lua"), include_str!("queue/weigh.lua")));
static DROP: Script = Script::new(
    "drop",
    concat!(
        include_str!("queue/lanes.lua"),
        include_str!("queue/records.lua"),
        include_str!("queue/drop.lua")
    ),
);
static DEPTHS: Script =
    Script::new("depths", concat!(include_str!("queue/lanes.lua"), include_str!("queue/depths.lua")));

/// What one script call changes or looks at.
const THINGS_PER_CALL: usize = 100;
const RECORDS_PER_DROP: usize = 2_000;
const LEASES_PER_LOOK: usize = 500;

#[async_trait]
impl Lanes for Redis {
    async fn hold(&self, holds: &[Hold]) -> Result<(), StoreError> {
        let words = |hold: &Hold| {
            let ends = hold.until.map_or_else(|| "-".to_owned(), |until| score(until).to_string());
            [hold_name(&hold.on), ends, hold.code.as_str().to_owned()]
        };
        self.steer(&HOLD, holds, words).await.map_err(|error| error.while_doing("holding lanes"))
    }

    async fn release(&self, on: &[HoldOn]) -> Result<(), StoreError> {
        let words = |on: &HoldOn| [hold_name(on)];
        self.steer(&RELEASE, on, words).await.map_err(|error| error.while_doing("releasing lanes"))
    }

    async fn weigh(&self, weights: &[Weight]) -> Result<(), StoreError> {
        let words = |weight: &Weight| match weight {
            Weight::Tenant(tenant, weight) => [tenant.as_str().to_owned(), (*weight).max(1).to_string()],
            Weight::Lane(lane, weight) => [lane_name(lane), (*weight).max(1).to_string()],
        };
        self.steer(&WEIGH, weights, words).await.map_err(|error| error.while_doing("weighing lanes"))
    }

    async fn drop_lane(&self, lane: &Lane, max: usize) -> Result<Dropped, StoreError> {
        let mut dropped = Dropped { removed: 0, more: true };
        while dropped.more {
            let now = (max - dropped.removed).min(RECORDS_PER_DROP);
            let (removed, left) =
                self.drop_some(lane, now).await.map_err(|error| error.while_doing("dropping a lane"))?;
            dropped = Dropped { removed: dropped.removed + removed, more: 0 < left };
            if removed == 0 || max <= dropped.removed {
                break;
            }
        }
        Ok(dropped)
    }

    async fn depths(&self, after: Option<Lane>, max: usize) -> Result<Vec<LaneDepth>, StoreError> {
        let mut depths = Vec::new();
        let mut after = after;
        while depths.len() < max {
            let page = self.look(after.as_ref(), (max - depths.len()).min(THINGS_PER_CALL)).await;
            let page = page.map_err(|error| error.while_doing("reading the depths of lanes"))?;
            let Some(last) = page.last() else { break };
            after = Some(last.lane.clone());
            depths.extend(page);
        }
        Ok(depths)
    }

    async fn dead(&self, after: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}-0"));
        let dead = Command::new("XRANGE", &format!("{}:dead", self.queue_key()))
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .int(i64::try_from(max).unwrap_or(i64::MAX));
        let letters = self.read(&[dead]).await.and_then(|replies| {
            let letters = replies.into_iter().flat_map(Reply::list);
            letters.map(read_letter).collect::<Result<_, _>>()
        });
        letters.map_err(|error| error.while_doing("reading dead letters"))
    }
}

impl Redis {
    /// Runs a script on all of the things, some at a time.
    async fn steer<T: Sync, const N: usize>(
        &self,
        script: &Script,
        things: &[T],
        words: impl Fn(&T) -> [String; N] + Send,
    ) -> Result<(), RedisError> {
        for things in things.chunks(THINGS_PER_CALL) {
            let arguments: Vec<Bytes> = things.iter().flat_map(&words).map(Bytes::from).collect();
            self.run(script, &[self.queue_key()], &arguments).await?;
        }
        Ok(())
    }

    /// Removes some records of a lane; tells how many, and how many are left.
    async fn drop_some(&self, lane: &Lane, max: usize) -> Result<(usize, u64), RedisError> {
        let arguments = [lane_name(lane).into(), max.to_string().into()];
        let numbers = self.run(&DROP, &[self.queue_key()], &arguments).await?.list();
        let mut numbers = numbers.iter().map(|number| number.int().unwrap_or(0).unsigned_abs());
        let removed = usize::try_from(numbers.next().unwrap_or(0)).unwrap_or(usize::MAX);
        Ok((removed, numbers.next().unwrap_or(0)))
    }

    /// Looks at lanes behind one: those in which records wait and those that workers have records of.
    async fn look(&self, after: Option<&Lane>, max: usize) -> Result<Vec<LaneDepth>, RedisError> {
        let arguments = [
            after.map(lane_name).unwrap_or_default().into(),
            max.to_string().into(),
            LEASES_PER_LOOK.to_string().into(),
        ];
        let reply = self.run(&DEPTHS, &[self.queue_key()], &arguments).await?;
        let [lanes, texts]: [Reply; 2] = reply.list().try_into().map_err(|_| RedisError::odd("depths"))?;
        let now = self.now();
        let waiting: Vec<LaneDepth> =
            lanes.list().into_iter().map(|lane| read_depth(lane, now)).collect::<Result<_, _>>()?;
        // Behind a full page others may wait that come before what is only leased.
        let last = waiting.last().filter(|_| waiting.len() == max).map(|depth| depth.lane.clone());
        let mut depths: BTreeMap<Lane, LaneDepth> =
            waiting.into_iter().map(|depth| (depth.lane.clone(), depth)).collect();
        let mut texts: Vec<Bytes> = texts.list().into_iter().filter_map(Reply::bytes).collect();
        if texts.len() == LEASES_PER_LOOK {
            texts.extend(self.further_leases().await?);
        }
        let mut only_leased = Vec::new();
        for text in texts {
            for (lane, open) in LeaseText::read(text)?.open().filter(|(_, open)| 0 < *open) {
                if after.is_some_and(|after| lane <= after) || last.as_ref().is_some_and(|last| last < lane) {
                    continue;
                }
                let depth = depths.entry(lane.clone()).or_insert_with(|| {
                    only_leased.push(lane.clone());
                    LaneDepth { lane: lane.clone(), waiting: 0, delayed: 0, leased: 0, holds: Vec::new() }
                });
                depth.leased += open;
            }
        }
        let held = self.holds_on(&only_leased, now).await?;
        for (lane, holds) in only_leased.iter().zip(held) {
            if let Some(depth) = depths.get_mut(lane) {
                depth.holds = holds;
            }
        }
        Ok(depths.into_values().take(max).collect())
    }

    async fn holds_on(&self, lanes: &[Lane], now: DateTime<Utc>) -> Result<Vec<Vec<Hold>>, RedisError> {
        let key = format!("{}:holds", self.queue_key());
        let ask = |lane: &Lane| {
            let ask = Command::new("HMGET", &key);
            things_on_the_way(lane).iter().fold(ask, |ask, on| ask.arg(hold_name(on)))
        };
        let found = self.read(&lanes.iter().map(ask).collect::<Vec<_>>()).await?;
        lanes.iter().zip(found).map(|(lane, found)| read_holds(lane, found.list(), now)).collect()
    }

    /// The texts of the leases that one look does not show.
    async fn further_leases(&self) -> Result<Vec<Bytes>, RedisError> {
        let key = self.queue_key();
        let mut texts = Vec::new();
        for from in (LEASES_PER_LOOK..).step_by(LEASES_PER_LOOK) {
            let page = Command::new("ZRANGE", &format!("{key}:leases"))
                .arg(from.to_string())
                .arg((from + LEASES_PER_LOOK - 1).to_string());
            let tokens = self.read(&[page]).await?.into_iter().flat_map(Reply::list);
            let get = |token: Reply| {
                Command::new("GET", &format!("{key}:lease:{}", token.text().unwrap_or_default()))
            };
            let gets: Vec<Command> = tokens.map(get).collect();
            texts.extend(self.read(&gets).await?.into_iter().filter_map(Reply::bytes));
            if gets.len() < LEASES_PER_LOOK {
                break;
            }
        }
        Ok(texts)
    }
}

fn read_depth(reply: Reply, now: DateTime<Utc>) -> Result<LaneDepth, RedisError> {
    let odd = || RedisError::odd("depths");
    let [lane, waiting, delayed, of_lane, of_outlet, of_tenant]: [Reply; 6] =
        reply.list().try_into().map_err(|_| odd())?;
    let lane = read_lane(&lane.bytes().ok_or_else(odd)?)?;
    Ok(LaneDepth {
        waiting: waiting.int().ok_or_else(odd)?.unsigned_abs(),
        delayed: delayed.int().ok_or_else(odd)?.unsigned_abs(),
        leased: 0,
        holds: read_holds(&lane, vec![of_lane, of_outlet, of_tenant], now)?,
        lane,
    })
}

/// What a hold may be on that keeps the lane.
fn things_on_the_way(lane: &Lane) -> [HoldOn; 3] {
    [HoldOn::Lane(lane.clone()), HoldOn::Outlet(lane.outlet().clone()), HoldOn::Tenant(lane.tenant().clone())]
}

fn read_holds(lane: &Lane, found: Vec<Reply>, now: DateTime<Utc>) -> Result<Vec<Hold>, RedisError> {
    let mut holds = Vec::new();
    for (on, hold) in things_on_the_way(lane).into_iter().zip(found) {
        let Some((until, code)) = hold.text().and_then(|hold| hold.split_once(' ')) else { continue };
        let until = until.parse().ok().map(instant);
        if until.is_none_or(|until| now < until) {
            holds.push(Hold { on, until, code: read_code(code)? });
        }
    }
    Ok(holds)
}

fn read_letter(reply: Reply) -> Result<DeadLetter, RedisError> {
    let odd = || RedisError::odd("dead letters");
    let [id, fields]: [Reply; 2] = reply.list().try_into().map_err(|_| odd())?;
    let number = id.text().and_then(|id| id.split_once('-')?.0.parse().ok()).ok_or_else(odd)?;
    let mut fields = fields.list().into_iter();
    let mut named = HashMap::new();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        named.insert(name.text().unwrap_or_default().to_owned(), value);
    }
    let mut field = |name| named.remove(name).ok_or_else(odd);
    let counted = |reply: Reply| reply.int().and_then(|number| u32::try_from(number).ok()).ok_or_else(odd);
    Ok(DeadLetter {
        number,
        lane: read_lane(&field("lane")?.bytes().ok_or_else(odd)?)?,
        payload: field("payload")?.bytes().ok_or_else(odd)?,
        at: instant(field("at")?.int().ok_or_else(odd)?),
        first: read_code(field("first")?.text().unwrap_or_default())?,
        last: read_code(field("last")?.text().unwrap_or_default())?,
        retries: counted(field("retries")?)?,
        recoveries: counted(field("recoveries")?)?,
    })
}

fn read_code(text: &str) -> Result<Code, RedisError> {
    Code::parse(text).map_err(RedisError::damaged)
}

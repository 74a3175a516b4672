use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{address, span};
use crate::store::redis::{Redis, RedisError, Reply, Script};
use crate::work::quota::tally::{self, Reading, Tally};
use crate::work::quota::{Charge, Grant, Granted, Meter, Refusal};

static CHARGE: Script = Script::new("charge", include_str!("charge.lua"));

/// Charges that one script takes.
const AT_ONCE: usize = 250;

/// A window is looked at so often before the call gives up. It is another than was thought once
/// a day at most, or when somebody else moves the meter to and fro between zones.
const LOOKS: usize = 64;

pub(super) async fn charge(store: &Redis, charges: &[Charge]) -> Result<Vec<Granted>, RedisError> {
    let mut granted = Vec::with_capacity(charges.len());
    for charges in charges.chunks(AT_ONCE) {
        granted.extend(Desk::new(store).charge(charges).await?);
    }
    Ok(granted)
}

/// Charges of one call, and what is known of the windows of their meters.
struct Desk<'a> {
    store: &'a Redis,
    now: DateTime<Utc>,
    windows: HashMap<String, Tally>,
}

impl<'a> Desk<'a> {
    fn new(store: &'a Redis) -> Self {
        Self { store, now: store.now(), windows: HashMap::new() }
    }

    async fn charge(mut self, charges: &[Charge]) -> Result<Vec<Granted>, RedisError> {
        let mut granted = Vec::with_capacity(charges.len());
        for _ in 0..LOOKS {
            let Some(rest) = charges.get(granted.len()..).filter(|rest| !rest.is_empty()) else {
                return Ok(granted);
            };
            let keys = [self.store.key(&[&"quota"])];
            let answers = self.store.run(&CHARGE, &keys, &self.arguments(rest)).await?.list();
            for (charge, answer) in rest.iter().zip(answers) {
                match answer_to(charge, answer)? {
                    Answer::Granted(answer) => granted.push(answer),
                    Answer::Look { now, windows } => {
                        self.now = now;
                        self.learn(charge, &windows)?;
                    }
                }
            }
        }
        Err(RedisError::Contended)
    }

    fn arguments(&self, charges: &[Charge]) -> Vec<Bytes> {
        let mut meters: Vec<&Meter> = Vec::new();
        let mut wishes: Vec<Bytes> = Vec::new();
        for charge in charges {
            let grant = match charge.grant {
                Grant::Whole => "whole",
                Grant::Prefix => "prefix",
            };
            let count = charge.meters.len();
            wishes.extend([charge.id.to_string(), charge.units.to_string()].map(Bytes::from));
            wishes.extend([grant.to_owned(), count.to_string()].map(Bytes::from));
            for meter in &charge.meters {
                let index = meters.iter().position(|known| *known == meter).unwrap_or_else(|| {
                    meters.push(meter);
                    meters.len() - 1
                });
                wishes.push((index + 1).to_string().into());
            }
        }
        let mut arguments = vec![Bytes::from(meters.len().to_string())];
        arguments.extend(meters.into_iter().flat_map(|meter| self.words(meter)));
        arguments.append(&mut wishes);
        arguments
    }

    fn words(&self, meter: &Meter) -> [Bytes; 6] {
        let address = address(meter);
        let reading = Reading::of(meter, self.windows.get(&address).copied(), self.now);
        let opened = reading.tally.opened;
        [
            address.into(),
            micros(Some(opened.start)),
            micros(opened.end),
            micros(reading.usage().resets_at),
            micros(tally::forget_at(&[reading])),
            meter.limit.to_string().into(),
        ]
    }

    /// Takes in which windows the meters of the charge have open.
    fn learn(&mut self, charge: &Charge, windows: &[Reply]) -> Result<(), RedisError> {
        for (meter, window) in charge.meters.iter().zip(windows.chunks(2)) {
            let [start, end] = window else { return Err(RedisError::odd("charge")) };
            match span(start, end)? {
                Some(opened) => self.windows.insert(address(meter), Tally { opened, used: 0 }),
                None => self.windows.remove(&address(meter)),
            };
        }
        Ok(())
    }
}

enum Answer {
    Granted(Granted),
    /// A meter has another window open.
    Look {
        now: DateTime<Utc>,
        windows: Vec<Reply>,
    },
}

fn answer_to(charge: &Charge, answer: Reply) -> Result<Answer, RedisError> {
    let mut answer = answer.list();
    let odd = || RedisError::odd("charge");
    if answer.first().and_then(Reply::text) == Some("look") {
        let windows = answer.split_off(2.min(answer.len()));
        let now = answer.get(1).and_then(Reply::int).and_then(DateTime::from_timestamp_micros);
        return Ok(Answer::Look { now: now.ok_or_else(odd)?, windows });
    }
    let [units, least, limit, resets] = answer.as_slice() else { return Err(odd()) };
    let number = |reply: &Reply| reply.text().and_then(|text| text.parse::<u64>().ok());
    let least =
        number(least).and_then(|index| charge.meters.get(usize::try_from(index).ok()?.checked_sub(1)?));
    let refused_by = match least {
        Some(meter) => Some(Refusal {
            key: meter.key.clone(),
            limit: number(limit).ok_or_else(odd)?,
            resets_at: resets.int().and_then(DateTime::from_timestamp_micros),
        }),
        None => None,
    };
    Ok(Answer::Granted(Granted { units: number(units).ok_or_else(odd)?, refused_by }))
}

/// An instant as scripts take it; empty is never.
fn micros(instant: Option<DateTime<Utc>>) -> Bytes {
    instant.map_or_else(Bytes::new, |instant| instant.timestamp_micros().to_string().into())
}

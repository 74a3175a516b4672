//! The [`Quota`] port. Many workers charge the same meter at once, so a charge is one script, and
//! nobody's charge fails because of another's. Only what needs time zones is computed here: which
//! window counts. The script refuses a window that is no longer the right one, and tells which is.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;

use super::{Command, Redis, RedisError, Reply, Script};
use crate::judge::key::MeterKey;
use crate::judge::window::Span;
use crate::work::StoreError;
use crate::work::quota::tally::{self, Reading, Tally};
use crate::work::quota::{Admission, Admitted, Charge, Crowd, Granted, Meter, Quota, Refund, Usage};

mod charge;
mod crowd;

static REFUND: Script = Script::new("refund", include_str!("quota/refund.lua"));

/// Refunds that one script gives back.
const REFUNDS_AT_ONCE: usize = 500;

#[async_trait]
impl Quota for Redis {
    async fn charge(&self, charges: &[Charge]) -> Result<Vec<Granted>, StoreError> {
        charge::charge(self, charges).await.map_err(|error| error.while_doing("charging quota"))
    }

    async fn refund(&self, refunds: &[Refund]) -> Result<(), StoreError> {
        for refunds in refunds.chunks(REFUNDS_AT_ONCE) {
            let arguments: Vec<Bytes> = refunds.iter().flat_map(words).collect();
            let keys = [self.key(&[&"quota"]), self.key(&[&"crowd"])];
            self.run(&REFUND, &keys, &arguments)
                .await
                .map_err(|error| error.while_doing("refunding quota"))?;
        }
        Ok(())
    }

    async fn usage(&self, meters: &[Meter]) -> Result<Vec<Usage>, StoreError> {
        usage(self, meters).await.map_err(|error| error.while_doing("reading quota"))
    }

    async fn admit(&self, admissions: &[Admission]) -> Result<Vec<Admitted>, StoreError> {
        crowd::admit(self, admissions).await.map_err(|error| error.while_doing("admitting to crowds"))
    }

    async fn crowds(&self, crowds: &[Crowd]) -> Result<Vec<Usage>, StoreError> {
        crowd::usage(self, crowds).await.map_err(|error| error.while_doing("counting crowds"))
    }
}

fn words(refund: &Refund) -> [Bytes; 4] {
    [
        refund.charge.to_string().into(),
        Bytes::copy_from_slice(refund.charge.as_bytes()),
        Bytes::copy_from_slice(refund.id.as_bytes()),
        refund.units.to_string().into(),
    ]
}

async fn usage(store: &Redis, meters: &[Meter]) -> Result<Vec<Usage>, RedisError> {
    let tally = |meter| {
        let key = store.key(&[&"quota", &"meter", &address(meter)]);
        Command::new("HMGET", &key).arg("s").arg("e").arg("u")
    };
    let tallies = store.read(&meters.iter().map(tally).collect::<Vec<_>>()).await?;
    let now = store.now();
    meters
        .iter()
        .zip(tallies)
        .map(|(meter, tally)| Ok(Reading::of(meter, tally_of(tally)?, now).usage()))
        .collect()
}

/// What the store keeps of a meter.
fn tally_of(reply: Reply) -> Result<Option<Tally>, RedisError> {
    let mut fields = reply.list().into_iter();
    let (Some(start), Some(end), Some(used)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(RedisError::odd("HMGET"));
    };
    let Some(opened) = span(&start, &end)? else { return Ok(None) };
    let used =
        used.int().and_then(|used| u64::try_from(used).ok()).ok_or_else(|| RedisError::odd("quota"))?;
    Ok(Some(Tally { opened, used }))
}

/// A window as it is stored; `None` when there is none.
fn span(start: &Reply, end: &Reply) -> Result<Option<Span>, RedisError> {
    if *start == Reply::Nil {
        return Ok(None);
    }
    let start =
        start.int().and_then(DateTime::from_timestamp_micros).ok_or_else(|| RedisError::odd("quota"))?;
    Ok(Some(Span { start, end: end.int().and_then(DateTime::from_timestamp_micros) }))
}

/// What a meter's key ends with.
fn address(meter: &Meter) -> String {
    format!("{}:{}", tally::kind(meter.window), owned(&meter.key))
}

/// A key of a tenant, or of a group that may be called anything.
fn owned(key: &MeterKey) -> String {
    let tenant = key.tenant().as_str().replace('%', "%25").replace(':', "%3A");
    format!("{tenant}:{}", key.name())
}

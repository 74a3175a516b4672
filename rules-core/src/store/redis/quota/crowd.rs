//! Crowds of the [`Quota`](crate::work::quota::Quota) port.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::owned;
use crate::store::redis::{Command, Redis, RedisError, Reply, Script};
use crate::work::clock::after;
use crate::work::quota::{Admission, Admitted, Crowd, Usage};

static ADMIT: Script = Script::new("admit", include_str!("admit.lua"));

/// A member counts for a century at most, so that instants stay exact in scripts.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

pub(super) async fn admit(store: &Redis, admissions: &[Admission]) -> Result<Vec<Admitted>, RedisError> {
    if admissions.is_empty() {
        return Ok(Vec::new());
    }
    let mut crowds: Vec<&Crowd> = Vec::new();
    let mut wishes: Vec<Bytes> = Vec::with_capacity(admissions.len() * 3);
    for Admission { id, crowd, member } in admissions {
        let index = crowds.iter().position(|known| *known == crowd).unwrap_or_else(|| {
            crowds.push(crowd);
            crowds.len() - 1
        });
        wishes.push((index + 1).to_string().into());
        wishes.push(Bytes::copy_from_slice(id.as_bytes()));
        wishes.push(Bytes::copy_from_slice(member.as_bytes()));
    }
    let mut arguments = vec![Bytes::from(crowds.len().to_string())];
    for crowd in crowds {
        let words = [owned(&crowd.key), within(crowd).as_micros().to_string(), crowd.limit.to_string()];
        arguments.extend(words.map(Bytes::from));
    }
    arguments.append(&mut wishes);
    let answers = store.run(&ADMIT, &[store.key(&[&"crowd"])], &arguments).await?.list();
    if answers.len() != admissions.len() {
        return Err(RedisError::odd("admit"));
    }
    admissions.iter().zip(answers).map(|(admission, answer)| admitted(admission, &answer)).collect()
}

fn admitted(admission: &Admission, answer: &Reply) -> Result<Admitted, RedisError> {
    Ok(match answer.int().ok_or_else(|| RedisError::odd("admit"))? {
        0 => Admitted::In,
        -1 => Admitted::Full { frees_at: None },
        at => Admitted::Full { frees_at: leaves_at(at, &admission.crowd) },
    })
}

pub(super) async fn usage(store: &Redis, crowds: &[Crowd]) -> Result<Vec<Usage>, RedisError> {
    let now = store.now();
    let mut questions = Vec::with_capacity(crowds.len() * 2);
    for crowd in crowds {
        let key = store.key(&[&"crowd", &"members", &owned(&crowd.key)]);
        // Whoever was admitted up to then is gone.
        let within = i64::try_from(within(crowd).as_micros()).unwrap_or(i64::MAX);
        let gone = format!("({}", now.timestamp_micros().saturating_sub(within));
        questions.push(Command::new("ZCOUNT", &key).arg(&gone).arg("+inf"));
        let oldest = Command::new("ZRANGE", &key).arg(gone).arg("+inf").arg("BYSCORE");
        questions.push(oldest.arg("LIMIT").int(0).int(1).arg("WITHSCORES"));
    }
    let answers = store.read(&questions).await?;
    crowds
        .iter()
        .zip(answers.chunks(2))
        .map(|(crowd, answers)| {
            let [count, oldest] = answers else { return Err(RedisError::odd("ZCOUNT")) };
            let used = count.int().and_then(|count| u64::try_from(count).ok());
            let used = used.ok_or_else(|| RedisError::odd("ZCOUNT"))?;
            let resets_at = score(oldest).and_then(|at| leaves_at(at, crowd));
            Ok(Usage { used, left: crowd.limit.saturating_sub(used), resets_at })
        })
        .collect()
}

/// The score of the only member, which stands beside it or, in RESP3, with it in a list.
fn score(members: &Reply) -> Option<i64> {
    let Reply::List(list) = members else { return members.int() };
    score(list.last()?)
}

fn leaves_at(at: i64, crowd: &Crowd) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(at).map(|at| after(at, crowd.within))
}

fn within(crowd: &Crowd) -> Duration {
    crowd.within.min(LONGEST)
}

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, Reply};
use rules_core::work::StoreError;

use super::{Answers, PAGE, TRIES};
use crate::campaign::CampaignName;
use crate::campaigns::{CampaignRecord, Campaigns, Change, Changed, Created, NewCampaign, Select, Status};
use crate::fact::{Gate, Resend};
use crate::message::{CampaignKey, Salt};

/// The fields that make a record, in the order in which [`record`] reads them. Beside them the
/// hash holds what a [`Gate`] is made of and the campaign's progress.
const RECORD: [&str; 13] = [
    "tenant",
    "name",
    "definition",
    "source",
    "salt",
    "status",
    "reason",
    "revision",
    "created_us",
    "released_us",
    "round",
    "reopening",
    "ended_us",
];

/// The fields that make a [`Gate`], in the order in which [`gate`] reads them.
pub(super) const GATE: [&str; 6] =
    ["tenant", "status", "starts_us", "released_us", "expires_after_us", "max_attempts"];

#[async_trait]
impl Campaigns for Redis {
    async fn create(&self, campaign: &NewCampaign) -> Result<Created, StoreError> {
        create(self, campaign).await.map_err(|error| error.while_doing("adding a campaign"))
    }

    async fn change(&self, key: &CampaignKey, revision: u32, change: &Change) -> Result<Changed, StoreError> {
        self::change(self, key, revision, change)
            .await
            .map_err(|error| error.while_doing("changing a campaign"))
    }

    async fn load(&self, keys: &[CampaignKey]) -> Result<Vec<Option<CampaignRecord>>, StoreError> {
        load(self, keys).await.map_err(|error| error.while_doing("loading campaigns"))
    }

    async fn list(&self, select: &Select, after: u32, max: usize) -> Result<Vec<CampaignRecord>, StoreError> {
        list(self, select, after, max).await.map_err(|error| error.while_doing("listing campaigns"))
    }
}

/// Where a campaign lies: a hash.
pub(super) fn home(store: &Redis, number: u32) -> String {
    store.key(&[&"campaign", &number])
}

/// What a campaign of the tenant says to its messages, from the fields [`GATE`] of its hash;
/// `None` when the tenant has no such campaign.
pub(super) fn gate(tenant: &TenantId, fields: Vec<Reply>) -> Result<Option<Gate>, RedisError> {
    let mut fields = Answers::of("the gate of a campaign", fields);
    if fields.text_if_any()?.as_deref() != Some(tenant.as_str()) {
        return Ok(None);
    }
    let status = Status::parse(&fields.text()?).ok_or_else(|| fields.odd())?;
    let starts: Option<i64> = fields.number_if_any()?;
    let released: Option<i64> = fields.number_if_any()?;
    let expires_after: Option<i64> = fields.number_if_any()?;
    let begins = released.max(starts.filter(|_| released.is_some()));
    let not_after = begins.zip(expires_after).map(|(begins, after)| begins.saturating_add(after));
    Ok(Some(Gate {
        open: status.opening(),
        not_before: starts.map(instant),
        not_after: not_after.map(instant),
        max_attempts: fields.number()?,
    }))
}

async fn create(store: &Redis, new: &NewCampaign) -> Result<Created, RedisError> {
    let names = store.key(&[&"campaigns", &"named", &new.tenant]);
    let last = store.key(&[&"campaigns", &"last"]);
    let look = [Command::new("HGET", &names).arg(new.name.as_str()), Command::new("GET", &last)];
    for _ in 0..TRIES {
        let mut found = Answers::of("the number of a campaign", store.read(&look).await?);
        if let Some(number) = found.number_if_any()? {
            let known = load(store, &[CampaignKey::stored(&new.tenant, number)]).await?.pop().flatten();
            return known.map(Created::Known).ok_or_else(|| RedisError::odd("a campaign that has a name"));
        }
        let given: Option<u32> = found.number_if_any()?;
        let number = given.unwrap_or_default().checked_add(1).ok_or_else(|| found.odd())?;
        let key = CampaignKey::stored(&new.tenant, number);
        let record = CampaignRecord::added(key, new, now(store));
        let mut commit = Commit::new();
        commit.expect_field(&names, new.name.as_str(), None);
        commit.expect(&last, given.map(|given| given.to_string().into()));
        commit.write(Command::new("SET", &last).int(number));
        commit.write(Command::new("HSET", &names).arg(new.name.as_str()).int(number));
        commit.write(whole(store, &record)?);
        let of_tenant = store.key(&[&"campaigns", &"of", &new.tenant]);
        commit.write(Command::new("ZADD", &of_tenant).int(number).int(number));
        if store.commit(&commit).await? {
            return Ok(Created::New(record));
        }
    }
    Err(RedisError::Contended)
}

async fn change(
    store: &Redis,
    key: &CampaignKey,
    revision: u32,
    change: &Change,
) -> Result<Changed, RedisError> {
    for _ in 0..TRIES {
        let Some(mut record) = load(store, std::slice::from_ref(key)).await?.pop().flatten() else {
            return Ok(Changed::Missing);
        };
        if record.revision != revision {
            return Ok(Changed::Moved(record));
        }
        if !record.change(change, now(store)) {
            return Ok(Changed::NotAllowed(record));
        }
        let mut commit = Commit::new();
        commit.expect_field(&home(store, key.number()), "revision", Some(revision.to_string().into()));
        moved(store, &record, &mut commit);
        if store.commit(&commit).await? {
            return Ok(Changed::Made(record));
        }
    }
    Err(RedisError::Contended)
}

/// A campaign that is new, with all its fields.
fn whole(store: &Redis, record: &CampaignRecord) -> Result<Command, RedisError> {
    let definition = &record.definition;
    let mut command = Command::new("HSET", &home(store, record.key.number()));
    for (field, value) in [
        ("tenant", record.key.tenant().as_str()),
        ("name", record.name.as_str()),
        ("definition", &serde_json::to_string(definition.as_ref()).map_err(RedisError::damaged)?),
        ("kind", definition.kind.as_str()),
        ("source", &record.source),
        ("status", record.status.as_str()),
    ] {
        command = command.arg(field).arg(value);
    }
    command = command.arg("salt").arg(record.salt.as_bytes());
    let expires_after = definition.expires_after.map(|after| i64::try_from(after.as_micros()));
    for (field, number) in [
        ("revision", Some(record.revision.into())),
        ("created_us", Some(record.created_at.timestamp_micros())),
        ("round", Some(record.round.into())),
        ("max_attempts", Some(definition.max_attempts.into())),
        ("starts_us", definition.starts_at.map(|at| at.timestamp_micros())),
        ("expires_after_us", expires_after.map(|after| after.unwrap_or(i64::MAX))),
    ] {
        if let Some(number) = number {
            command = command.arg(field).int(number);
        }
    }
    Ok(command)
}

/// Writes what a change moves: some fields, and which lists the campaign is in.
fn moved(store: &Redis, record: &CampaignRecord, commit: &mut Commit) {
    let number = record.key.number();
    let home = home(store, number);
    let mut set = Command::new("HSET", &home)
        .arg("status")
        .arg(record.status.as_str())
        .arg("revision")
        .int(record.revision)
        .arg("round")
        .int(record.round)
        .arg("salt")
        .arg(record.salt.as_bytes());
    let mut gone = Vec::new();
    for (field, value) in [
        ("reason", record.reason.as_ref().map(ToString::to_string)),
        ("released_us", record.released_at.map(|at| at.timestamp_micros().to_string())),
        ("reopening", record.reopening.map(|of| of.as_str().to_owned())),
        ("ended_us", record.ended_at.map(|at| at.timestamp_micros().to_string())),
    ] {
        match value {
            Some(value) => set = set.arg(field).arg(value),
            None => gone.push(field),
        }
    }
    commit.write(set);
    if !gone.is_empty() {
        commit.write(gone.into_iter().fold(Command::new("HDEL", &home), Command::arg));
    }
    for (list, is_in) in [
        ("active", record.status.is_active()),
        ("released", record.status == Status::Released),
        ("ended", record.status.has_ended()),
    ] {
        let list = store.key(&[&"campaigns", &list]);
        commit.write(if is_in {
            Command::new("ZADD", &list).int(number).int(number)
        } else {
            Command::new("ZREM", &list).int(number)
        });
    }
}

async fn load(store: &Redis, keys: &[CampaignKey]) -> Result<Vec<Option<CampaignRecord>>, RedisError> {
    let mut records = Vec::with_capacity(keys.len());
    for page in keys.chunks(PAGE) {
        let numbers: Vec<u32> = page.iter().map(CampaignKey::number).collect();
        let found = numbered(store, &numbers).await?;
        let ours = |(key, found): (&CampaignKey, Option<CampaignRecord>)| found.filter(|it| it.key == *key);
        records.extend(page.iter().zip(found).map(ours));
    }
    Ok(records)
}

async fn list(
    store: &Redis,
    select: &Select,
    mut after: u32,
    max: usize,
) -> Result<Vec<CampaignRecord>, RedisError> {
    let mut found = Vec::new();
    while found.len() < max {
        let wanted = PAGE.min(max - found.len());
        let numbers = indexed(store, select, after, wanted).await?;
        let Some(last) = numbers.last() else { break };
        after = *last;
        // What a list names may have moved on before it is read.
        let records = numbered(store, &numbers).await?.into_iter().flatten();
        found.extend(records.filter(|record| select.takes(record)));
        if numbers.len() < wanted {
            break;
        }
    }
    Ok(found)
}

/// The numbers after `after` that the selection's list has, in order.
async fn indexed(store: &Redis, select: &Select, after: u32, max: usize) -> Result<Vec<u32>, RedisError> {
    let key = match select {
        Select::Named(tenant, name) => {
            let names = store.key(&[&"campaigns", &"named", tenant]);
            let number = store.read(&[Command::new("HGET", &names).arg(name.as_str())]).await?;
            let number = Answers::of("the number of a campaign", number).number_if_any()?;
            return Ok(number.filter(|number| after < *number).into_iter().collect());
        }
        Select::Of(tenant) => store.key(&[&"campaigns", &"of", tenant]),
        Select::Active => store.key(&[&"campaigns", &"active"]),
        Select::Released => store.key(&[&"campaigns", &"released"]),
        Select::Ended => store.key(&[&"campaigns", &"ended"]),
    };
    let page = Command::new("ZRANGE", &key)
        .arg(format!("({after}"))
        .arg("+inf")
        .arg("BYSCORE")
        .arg("LIMIT")
        .int(0)
        .arg(max.to_string());
    let numbers = store.read(&[page]).await?.pop().map(Reply::list).unwrap_or_default();
    let number = |reply: Reply| reply.int().and_then(|number| number.try_into().ok());
    numbers.into_iter().map(|it| number(it).ok_or_else(|| RedisError::odd("a list of campaigns"))).collect()
}

/// The campaigns of any tenant with these numbers, in order.
async fn numbered(store: &Redis, numbers: &[u32]) -> Result<Vec<Option<CampaignRecord>>, RedisError> {
    let look = |number: &u32| RECORD.iter().fold(Command::new("HMGET", &home(store, *number)), Command::arg);
    let found = store.read(&numbers.iter().map(look).collect::<Vec<_>>()).await?;
    numbers.iter().zip(found).map(|(number, fields)| record(*number, fields.list())).collect()
}

fn record(number: u32, fields: Vec<Reply>) -> Result<Option<CampaignRecord>, RedisError> {
    let mut fields = Answers::of("a campaign", fields);
    let Some(tenant) = fields.text_if_any()? else { return Ok(None) };
    let tenant = TenantId::parse(&tenant).map_err(RedisError::damaged)?;
    Ok(Some(CampaignRecord {
        key: CampaignKey::stored(&tenant, number),
        name: CampaignName::parse(&fields.text()?).map_err(RedisError::damaged)?,
        definition: Arc::new(serde_json::from_str(&fields.text()?).map_err(RedisError::damaged)?),
        source: fields.text()?,
        salt: salt(fields.reply())?,
        status: Status::parse(&fields.text()?).ok_or_else(|| fields.odd())?,
        reason: fields.text_if_any()?.map(Code::parse).transpose().map_err(RedisError::damaged)?,
        revision: fields.number()?,
        created_at: instant(fields.number()?),
        released_at: fields.number_if_any()?.map(instant),
        round: fields.number()?,
        reopening: fields.text_if_any()?.as_deref().and_then(Resend::parse),
        ended_at: fields.number_if_any()?.map(instant),
    }))
}

/// The secret from which a campaign's message ids are made, as its field `salt` has it.
pub(super) fn salt(field: Reply) -> Result<Salt, RedisError> {
    let bytes = field.bytes().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_ref()).ok());
    bytes.map(Salt::from_bytes).ok_or_else(|| RedisError::odd("the salt of a campaign"))
}

/// Now, as exactly as it is kept.
fn now(store: &Redis) -> DateTime<Utc> {
    store.now().trunc_subsecs(6)
}

fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rules_core::work::secrets::SecretRef;

    use super::*;
    use crate::campaign::Campaign;
    use crate::sender::{NumberId, Sender};
    use crate::template::Template;

    fn campaign(starts_us: Option<i64>, expires_after_us: Option<u64>) -> NewCampaign {
        let tenant = TenantId::parse("acme").unwrap();
        let number = NumberId::parse("1").unwrap();
        let sender = Sender::new(number, "2", tenant.clone(), SecretRef::named("token"));
        let campaign = Campaign::new("spring", sender).template(Template::marketing("offer", "en_US"));
        let (name, mut definition) = campaign.define().unwrap();
        definition.starts_at = starts_us.map(instant);
        definition.expires_after = expires_after_us.map(Duration::from_micros);
        let salt = Salt::from_bytes([7; 32]);
        NewCampaign { tenant, name, definition: Arc::new(definition), source: String::new(), salt }
    }

    proptest! {
        #[test]
        fn the_fields_of_a_gate_say_what_the_record_says(
            starts_us in prop::option::of(0_i64..1_000),
            released_us in prop::option::of(0_i64..1_000),
            expires_after_us in prop::option::of(prop_oneof![0_u64..1_000, Just(u64::MAX)]),
        ) {
            let new = campaign(starts_us, expires_after_us);
            let mut record = CampaignRecord::added(CampaignKey::stored(&new.tenant, 1), &new, instant(0));
            record.released_at = released_us.map(instant);
            let number = |number: Option<i64>| number.map_or(Reply::Nil, Reply::Int);
            let fields = vec![
                Reply::Text("acme".into()),
                Reply::Text(record.status.as_str().into()),
                number(starts_us),
                number(released_us),
                number(expires_after_us.map(|us| us.try_into().unwrap_or(i64::MAX))),
                number(Some(new.definition.max_attempts.into())),
            ];
            prop_assert_eq!(GATE.len(), fields.len());
            prop_assert_eq!(gate(&new.tenant, fields.clone()).unwrap(), Some(record.gate()));
            prop_assert_eq!(gate(&TenantId::parse("other").unwrap(), fields).unwrap(), None);
        }
    }
}

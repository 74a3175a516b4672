use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use rules_core::judge::code::Code;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, Reply, Script};
use rules_core::work::StoreError;

use super::campaigns::home;
use crate::delivery::ledger::{self, Left};
use crate::delivery::{DeliveryLog, Forget, Manifest, Page, Place, Planned, Query, first_record};
use crate::fact::{Begin, Begun, Fact, Recorded};
use crate::message::CampaignKey;
use crate::progress::{Bucket, Label, Progress};

mod cells;
mod forget;
mod messages;
mod scribe;
mod seen;
mod strays;
mod view;

use cells::{MARK, PageKey};
use messages::records;
use scribe::Scribe;
use seen::{Cell, Seen};
use view::{Stop, View};

static MARK_QUEUED: Script = Script::new("mark", include_str!("delivery/mark.lua"));

/// How often a transaction is tried against others that change the same things.
const TRIES: usize = 64;
/// How often a pass may find that something must be read first.
const PASSES: usize = 16;

#[async_trait]
impl DeliveryLog for Redis {
    async fn plan(&self, manifest: &Manifest) -> Result<Planned, StoreError> {
        plan(self, manifest).await.map_err(|error| error.while_doing("planning a batch"))
    }

    async fn mark(&self, campaign: &CampaignKey, batches: u32) -> Result<(), StoreError> {
        mark(self, campaign, batches).await.map_err(|error| error.while_doing("marking batches as queued"))
    }

    async fn begin(&self, wishes: &[Begin]) -> Result<Vec<Begun>, StoreError> {
        let scribe = self.part(Scribe::start);
        scribe.begin(self, wishes).await.map_err(|error| error.while_doing("beginning messages"))
    }

    async fn record(&self, facts: &[Fact]) -> Result<Vec<Recorded>, StoreError> {
        let scribe = self.part(Scribe::start);
        scribe.record(self, facts).await.map_err(|error| error.while_doing("recording facts"))
    }

    async fn adopt(&self) -> Result<usize, StoreError> {
        strays::search(self).await.map_err(|error| error.while_doing("searching for messages by id"))
    }

    async fn forget(&self, what: &Forget) -> Result<bool, StoreError> {
        forget::forget(self, what)
            .await
            .map_err(|error| error.while_doing("forgetting what nobody needs any more"))
    }

    async fn messages(&self, query: &Query) -> Result<Page, StoreError> {
        messages::page(self, query).await.map_err(|error| error.while_doing("reading messages"))
    }

    async fn progress(&self, campaigns: &[CampaignKey]) -> Result<Vec<Progress>, StoreError> {
        progress(self, campaigns).await.map_err(|error| error.while_doing("reading progress"))
    }
}

/// Runs passes until one comes to its end, and commits it; again from the start when somebody else
/// changed what it rests on.
async fn transact<T>(
    store: &Redis,
    seen: &mut Seen,
    mut wanted: BTreeSet<Cell>,
    mut pass: impl FnMut(&mut View<'_>) -> Result<(T, Left), Stop>,
) -> Result<T, RedisError> {
    let mut marks = Marks::starting(store);
    for _ in 0..TRIES {
        seen.load(store, wanted.clone()).await?;
        let Some(ready) = passed(store, seen, &mut wanted, &mut marks, &mut pass).await? else { break };
        let made = match seen.restarts {
            Some(restarts) => store.verify_after(restarts, &ready.commit).await,
            None if seen.remembers => store.verify(&ready.commit).await,
            None => store.commit(&ready.commit).await,
        };
        match made {
            Ok(true) => {
                seen.facts.extend(ready.pages.into_iter().map(|(page, field)| (page, Some(field))));
                seen.forget_fleeting(ready.keeps_strays);
                return Ok(ready.done);
            }
            // Others changed it, or nobody knows what there is now.
            unsure => {
                seen.forget_fleeting(true);
                seen.guesses = false;
                ready.rests_on.iter().for_each(|cell| seen.forget(cell));
                unsure?;
            }
        }
    }
    Err(RedisError::Contended)
}

/// A pass that came to its end.
struct Ready<T> {
    done: T,
    commit: Commit,
    pages: Vec<(PageKey, Bytes)>,
    rests_on: BTreeSet<Cell>,
    keeps_strays: bool,
}

async fn passed<T>(
    store: &Redis,
    seen: &mut Seen,
    wanted: &mut BTreeSet<Cell>,
    marks: &mut Marks,
    pass: &mut impl FnMut(&mut View<'_>) -> Result<(T, Left), Stop>,
) -> Result<Option<Ready<T>>, RedisError> {
    for _ in 0..PASSES {
        let missing = {
            let mut view = View::new(store, seen, store.now());
            match pass(&mut view) {
                Ok((done, left)) => {
                    let (commit, pages) = view.commit(&left, marks)?;
                    let (rests_on, keeps_strays) = (view.rests_on, !view.kept.is_empty());
                    return Ok(Some(Ready { done, commit, pages, rests_on, keeps_strays }));
                }
                Err(Stop::Missing) => view.missing,
                Err(Stop::Redis(error)) => return Err(error),
            }
        };
        wanted.extend(missing.iter().cloned());
        seen.load(store, missing).await?;
    }
    Ok(None)
}

/// Marks that no other change of a page bears.
struct Marks(u64);

impl Marks {
    fn starting(store: &Redis) -> Self {
        Self(store.ids().next().as_u64_pair().0)
    }

    fn next(&mut self) -> [u8; MARK] {
        self.0 = self.0.wrapping_add(1);
        self.0.to_le_bytes()
    }
}

async fn plan(store: &Redis, manifest: &Manifest) -> Result<Planned, RedisError> {
    let number = manifest.campaign.number();
    let mut wanted = BTreeSet::from([Cell::Campaign(number)]);
    wanted.extend(manifest.rows.iter().filter_map(|row| Some(Cell::Id(number, row.to?.id))));
    if let Place::Batch(batch) = manifest.place {
        let first = first_record(batch);
        let last = first.saturating_add(u32::try_from(manifest.rows.len()).unwrap_or(u32::MAX));
        for page in PageKey::of(number, first).page..=PageKey::of(number, last).page {
            let page = PageKey { campaign: number, page };
            wanted.extend([Cell::Facts(page), Cell::Rows(page)]);
        }
    }
    transact(store, &mut Seen::default(), wanted, |view| ledger::plan(view, manifest, store.now())).await
}

async fn mark(store: &Redis, campaign: &CampaignKey, batches: u32) -> Result<(), RedisError> {
    let words = [campaign.tenant().as_str().to_owned(), batches.to_string()].map(Bytes::from);
    store.run(&MARK_QUEUED, &[home(store, campaign.number())], &words).await.map(drop)
}

async fn progress(store: &Redis, campaigns: &[CampaignKey]) -> Result<Vec<Progress>, RedisError> {
    let ask = |key: &CampaignKey| Command::new("HGETALL", &home(store, key.number()));
    let replies = store.read(&campaigns.iter().map(ask).collect::<Vec<_>>()).await?;
    campaigns.iter().zip(replies).map(|(key, fields)| counted(key, &fields.list())).collect()
}

/// Progress from the fields of a campaign, names and values in turn.
fn counted(key: &CampaignKey, fields: &[Reply]) -> Result<Progress, RedisError> {
    let mut progress = Progress::default();
    let (mut counts, mut ours) = (Vec::new(), false);
    for pair in fields.chunks_exact(2) {
        let [name, value] = pair else { continue };
        let Some(name) = name.text() else { continue };
        let number = || value.int().and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        let small = || u32::try_from(number()).unwrap_or(u32::MAX);
        match name {
            "tenant" => ours = value.text() == Some(key.tenant().as_str()),
            "begun" => progress.begun = number(),
            "accepted" => progress.accepted = number(),
            "held" => progress.held = number(),
            "risked" => progress.risked = number(),
            "doubled" => progress.doubled = number(),
            "batches" => progress.batches = small(),
            "queued" => progress.queued = small(),
            "cursor" => progress.cursor = value.text().map(str::to_owned),
            _ => counts.extend(name.strip_prefix("n:").map(|label| (label.to_owned(), value.int()))),
        }
    }
    if !ours {
        return Ok(Progress::default());
    }
    for (label, count) in counts {
        let (bucket, code) = label.split_once(':').ok_or_else(|| RedisError::odd("a counter's name"))?;
        let bucket = bucket.parse().ok().and_then(Bucket::numbered);
        let bucket = bucket.ok_or_else(|| RedisError::odd("a counter's name"))?;
        let code = if code.is_empty() { None } else { Some(Code::parse(code).map_err(RedisError::damaged)?) };
        progress.count(Label { bucket, code }, count.unwrap_or(0));
    }
    Ok(progress)
}

//! Forgetting in small commits, because the server does nothing else meanwhile.
//!
//! Every commit rests on the campaign's revision, and so does whatever writes messages: what is
//! removed cannot come back.

use bytes::Bytes;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, Reply};

use super::cells::{self, Header, PAGES, PageKey, SHELVES};
use super::{TRIES, strays};
use crate::campaigns::Status;
use crate::delivery::page::RECORDS;
use crate::delivery::{Forget, needs_parameters};
use crate::message::CampaignKey;
use crate::store::redis::campaigns::home;

/// Sheets that one commit looks through or removes, at most.
const SHEETS: u32 = 8;
/// Sheets of which one commit drops something without looking: a thousand keys take the server some
/// milliseconds, these take less than one.
const UNREAD: u32 = 32;
/// Shelves that one commit removes, at most.
const SOME_SHELVES: usize = 512;
/// Records in one sheet.
const SHEET: u32 = PAGES * RECORDS;

pub(super) async fn forget(store: &Redis, what: &Forget) -> Result<bool, RedisError> {
    match what {
        Forget::Strays(tenant, numbers) => {
            let digits: Vec<String> = numbers.iter().map(|number| number.digits().to_string()).collect();
            strays::forget_numbers(store, tenant, &digits).await.map(|()| false)
        }
        Forget::Parameters(campaign) => parameters(store, campaign).await,
        Forget::Messages(campaign) => messages(store, campaign).await,
    }
}

/// The campaign's header, and its field `slim`: the revision as of which parameters that nobody
/// needs are gone, and before which sheet.
async fn look(store: &Redis, key: &CampaignKey) -> Result<Option<(Header, Option<Bytes>)>, RedisError> {
    let slim = Command::new("HGET", &home(store, key.number())).arg("slim");
    let mut found = store.read(&[Header::ask(store, key.number()), slim]).await?;
    let slim = found.pop().and_then(Reply::bytes);
    let header = found.pop().map(|fields| Header::read(fields.list())).transpose()?.flatten();
    Ok(header.filter(|header| header.of(key).is_some()).map(|header| (header, slim)))
}

/// Where to go on with the parameters, as of the campaign's revision.
fn slim_until(header: &Header, slim: Option<&Bytes>) -> u32 {
    let slim = slim.and_then(|slim| std::str::from_utf8(slim).ok()?.split_once(':'));
    let ours = slim.filter(|(revision, _)| revision.as_bytes() == header.revision);
    ours.and_then(|(_, sheet)| sheet.parse().ok()).unwrap_or(0)
}

/// Drops the next parameters that nobody needs any more.
async fn parameters(store: &Redis, campaign: &CampaignKey) -> Result<bool, RedisError> {
    let number = campaign.number();
    for _ in 0..TRIES {
        let Some((header, slim)) = look(store, campaign).await? else { return Ok(false) };
        let (status, sheets) = (header.status, header.next.div_ceil(SHEET));
        let first = slim_until(&header, slim.as_ref());
        if needs_parameters(status, None) || sheets <= first {
            return Ok(false);
        }
        let mut commit = resting_on(store, campaign, &header);
        commit.expect_field(&home(store, number), "slim", slim);
        let end = if status == Status::Cancelled {
            let end = sheets.min(first.saturating_add(UNREAD));
            for sheet in first..end {
                drop_all(store, number, sheet, &mut commit);
            }
            end
        } else {
            let end = sheets.min(first.saturating_add(SHEETS));
            let pages = first * PAGES..end * PAGES;
            let pages: Vec<PageKey> = pages.map(|page| PageKey { campaign: number, page }).collect();
            drop_needless(store, status, &pages, &mut commit).await?;
            end
        };
        let mut slim = header.revision.to_vec();
        slim.extend_from_slice(format!(":{end}").as_bytes());
        commit.write(Command::new("HSET", &home(store, number)).arg("slim").arg(slim));
        if store.commit(&commit).await? {
            return Ok(end < sheets);
        }
    }
    Err(RedisError::Contended)
}

/// Drops all parameters of a sheet.
fn drop_all(store: &Redis, campaign: u32, sheet: u32, commit: &mut Commit) {
    let drop = Command::new("HDEL", &cells::sheet(store, campaign, sheet));
    let page = |slot| PageKey { campaign, page: sheet * PAGES + slot };
    commit.write((0..PAGES).fold(drop, |drop, slot| drop.arg(page(slot).parameters())));
}

/// Drops what nobody needs of the parameters of some pages. It rests on them, because whoever is
/// erased meanwhile must not come back; a message that was delivered stays delivered.
async fn drop_needless(
    store: &Redis,
    status: Status,
    pages: &[PageKey],
    commit: &mut Commit,
) -> Result<(), RedisError> {
    let ask =
        |page: &PageKey| Command::new("HMGET", &page.sheet(store)).arg(page.parameters()).arg(page.facts());
    let found = store.read(&pages.iter().map(ask).collect::<Vec<_>>()).await?;
    for (page, fields) in pages.iter().zip(found) {
        let mut fields = fields.list().into_iter().map(Reply::bytes);
        let (Some(Some(values)), facts) = (fields.next(), fields.next().flatten()) else { continue };
        let facts = cells::facts_page(facts.as_ref())?;
        let needs = |slot| Ok(needs_parameters(status, facts.facts(slot)?.as_ref()));
        let needed = cells::needed_parameters(&values, needs).map_err(RedisError::damaged)?;
        if needed.len() == values.len() {
            continue;
        }
        let sheet = page.sheet(store);
        commit.expect_field(&sheet, page.parameters(), Some(values));
        commit.write(if needed.is_empty() {
            Command::new("HDEL", &sheet).arg(page.parameters())
        } else {
            Command::new("HSET", &sheet).arg(page.parameters()).arg(needed)
        });
    }
    Ok(())
}

/// Removes the last sheets that are left; after the first one the shelves.
async fn messages(store: &Redis, campaign: &CampaignKey) -> Result<bool, RedisError> {
    let number = campaign.number();
    for _ in 0..TRIES {
        let Some((header, _)) = look(store, campaign).await? else { return Ok(false) };
        if header.status != Status::Exported {
            return Ok(false);
        }
        let end = header.next.div_ceil(SHEET);
        if end == 0 {
            return shelves(store, campaign, &header).await.map(|()| false);
        }
        let first = end.saturating_sub(UNREAD);
        let mut commit = resting_on(store, campaign, &header);
        commit.expect_field(&home(store, number), "next", Some(header.next.to_string().into()));
        let keys = (first..end).map(|sheet| cells::sheet(store, number, sheet));
        commit.write(unlink(keys));
        commit.write(Command::new("HSET", &home(store, number)).arg("next").int(first * SHEET));
        if store.commit(&commit).await? {
            return Ok(true);
        }
    }
    Err(RedisError::Contended)
}

/// Removes all shelves: it is not known which there are, and there are not many.
async fn shelves(store: &Redis, campaign: &CampaignKey, header: &Header) -> Result<(), RedisError> {
    let number = campaign.number();
    let all: Vec<u16> = (0..SHELVES).collect();
    for some in all.chunks(SOME_SHELVES) {
        let mut commit = resting_on(store, campaign, header);
        commit.write(unlink(some.iter().map(|shelf| cells::shelf_numbered(store, number, *shelf))));
        // Somebody else has removed them and went on, if this is not made.
        store.commit(&commit).await?;
    }
    let mut commit = resting_on(store, campaign, header);
    commit.write(Command::new("HDEL", &home(store, number)).arg("next").arg("slim"));
    store.commit(&commit).await.map(|_| ())
}

fn resting_on(store: &Redis, campaign: &CampaignKey, header: &Header) -> Commit {
    let mut commit = Commit::new();
    commit.expect_field(&home(store, campaign.number()), "revision", Some(header.revision.clone()));
    commit
}

/// Removes keys. The server frees what is large beside its other work.
fn unlink(mut keys: impl Iterator<Item = String>) -> Command {
    let first = keys.next().unwrap_or_default();
    keys.fold(Command::new("UNLINK", &first), Command::arg)
}

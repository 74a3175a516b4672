//! Forgetting a person, everywhere but in the evidence, which never named anybody.

use std::fmt::{self, Display, Formatter};

use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::ChainKey;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;
use rules_core::work::events::{Entry, EventLog};

use crate::campaigns::{Campaigns, Select};
use crate::delivery::{DeliveryLog, Forget, Kind, Query};
use crate::dispatch::DispatchStore;
use crate::fact::{Fact, Subject, What};
use crate::message::{CampaignKey, PersonId};
use crate::people::{Address, People, PersonKey};
use crate::phone::PhoneNumber;

/// Evidence that people were erased.
const ERASED: Code = Code::known("people.erased");

/// Campaigns that are looked at together.
const CAMPAIGNS: usize = 500;
/// Records that are emptied in one call.
const RECORDS: usize = 500;

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// People, all their names taken together.
    pub people: usize,
    /// Records of campaigns that named them.
    pub records: usize,
}

impl Display for Erased {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} people erased from {} records", self.people, self.records)
    }
}

/// Erases the people behind these numbers from a tenant's campaigns and address book: number,
/// parameters and WhatsApp's ids of every record that names them, facts that were kept without a
/// message, the names by which they are known and the token that the event log has of them. What
/// was not begun never will be. Whoever wanted no messages still gets none: a keyed digest stays.
///
/// Afterwards the bytes may still lie in free pages of a file: `Sqlite::scrub` writes it anew.
/// Webhooks that were not applied yet, quarantined or dead are not looked at; the first are gone
/// within seconds, the second within 8 days.
///
/// # Errors
/// [`StoreError`] when the store does not answer; call it again, which goes on.
///
/// # Cancel safety
/// Dropping the future leaves some of it erased; call it again.
pub async fn erase(
    store: &impl DispatchStore,
    events: &dyn EventLog,
    scope: &TenantScope,
    numbers: &[PhoneNumber],
) -> Result<Erased, StoreError> {
    let addresses: Vec<Address> = numbers.iter().map(|number| Address::new(scope, *number)).collect();
    if addresses.is_empty() {
        return Ok(Erased::default());
    }
    let spelled: Vec<PhoneNumber> = numbers.iter().flat_map(|number| [*number, number.canonical()]).collect();
    while DeliveryLog::forget(store, &Forget::strays(scope, &spelled)).await? {}
    let mut people = store.resolve(&addresses).await?;
    people.sort();
    people.dedup();
    let standings = store.standing(&people).await?;
    let others = standings.iter().flat_map(|standing| standing.also.iter().copied());
    let mut ids: Vec<PersonId> = people.iter().map(PersonKey::id).chain(others).collect();
    ids.sort();
    ids.dedup();
    let mut records = 0;
    let mut after = 0;
    loop {
        let page = Campaigns::list(store, &Select::of(scope), after, CAMPAIGNS).await?;
        let Some(last) = page.last() else { break };
        after = last.key.number();
        for campaign in page {
            for id in &ids {
                records += empty(store, scope, &campaign.key, *id).await?;
            }
        }
    }
    People::forget(store, &people).await?;
    let at = store.dispatch_clock().now();
    let id = store.dispatch_ids().next();
    let entry = Entry {
        id: EntryId::of(&[b"erased", id.as_bytes()]),
        chain: ChainKey::new(scope),
        at,
        kind: ERASED,
        body: format!("{{\"people\":{},\"records\":{records}}}", people.len()),
    };
    events.append(&[entry]).await?;
    Ok(Erased { people: people.len(), records })
}

/// Empties the records of one campaign that name this person, and forgets what was told of their
/// numbers, which may be others than were asked for.
async fn empty(
    store: &impl DispatchStore,
    scope: &TenantScope,
    campaign: &CampaignKey,
    person: PersonId,
) -> Result<usize, StoreError> {
    let mut records = 0;
    let mut from = Some(0);
    while let Some(start) = from {
        let of = Kind::Naming(person);
        let query = Query::Scan { campaign: campaign.clone(), from: start, of, max: RECORDS };
        let page = DeliveryLog::messages(store, &query).await?;
        from = page.next;
        let at = store.dispatch_clock().now();
        let fact = |key| Fact { of: Subject::Attempt(key, 0), at, what: What::Erased };
        let messages = page.messages.into_iter();
        let named = messages.filter_map(|message| Some((message.to?.number, fact(message.key))));
        let (mut numbers, facts): (Vec<PhoneNumber>, Vec<Fact>) = named.unzip();
        if !facts.is_empty() {
            records += facts.len();
            numbers.sort();
            numbers.dedup();
            // First, because an emptied record tells a call that goes on no number.
            while DeliveryLog::forget(store, &Forget::strays(scope, &numbers)).await? {}
            DeliveryLog::record(store, &facts).await?;
        }
    }
    Ok(records)
}

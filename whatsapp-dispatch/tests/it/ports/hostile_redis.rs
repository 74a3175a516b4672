//! The suites on Redis behind a hostile proxy.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rules_core::judge::id::LeaseToken;
use rules_core::store::memory::Memory;
use rules_core::work::StoreError;
use rules_core::work::events::Entry;
use rules_core::work::outbox::Outbox;
use whatsapp_dispatch::campaigns::{
    CampaignRecord, Campaigns, Change, Changed, Created, NewCampaign, Select,
};
use whatsapp_dispatch::delivery::{DeliveryLog, Forget, Manifest, Page, Planned, Query};
use whatsapp_dispatch::fact::{Begin, Begun, Fact, Recorded};
use whatsapp_dispatch::message::CampaignKey;
use whatsapp_dispatch::people::{Address, ConsentChange, Learned, People, PersonKey, Standing};
use whatsapp_dispatch::progress::Progress;
use whatsapp_dispatch::quarantine::{Quarantine, Quarantined, Stray};
use whatsapp_dispatch::register::{Note, NoteKey, NoteKind, Register};

use super::*;
use crate::hostile::Hostile;

/// Repeats every call until it is answered.
#[derive(Debug)]
struct Insistent {
    hostile: Arc<Hostile>,
    twin: Memory,
    /// Where in the outbox lies what a repeat left again.
    again: Mutex<BTreeSet<u64>>,
}

impl Insistent {
    fn again(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.again.lock().unwrap()
    }

    /// What lies in the outbox behind a position.
    async fn put_out_behind(&self, position: u64) -> Vec<(u64, Entry)> {
        self.hostile.warm(&self.hostile.patient).await;
        let mut pending = self.hostile.patient.pending(1_000).await.unwrap();
        pending.retain(|(at, _)| position < *at);
        pending
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Campaigns for Insistent {
    async fn create(&self, campaign: &NewCampaign) -> Result<Created, StoreError> {
        self.hostile.insist(|| self.hostile.store.create(campaign), || self.twin.create(campaign)).await
    }

    async fn change(&self, key: &CampaignKey, revision: u32, change: &Change) -> Result<Changed, StoreError> {
        let call = || self.hostile.store.change(key, revision, change);
        self.hostile.insist(call, || self.twin.change(key, revision, change)).await
    }

    async fn load(&self, keys: &[CampaignKey]) -> Result<Vec<Option<CampaignRecord>>, StoreError> {
        self.hostile.ask(|| self.hostile.store.load(keys)).await
    }

    async fn list(&self, select: &Select, after: u32, max: usize) -> Result<Vec<CampaignRecord>, StoreError> {
        self.hostile.ask(|| Campaigns::list(&self.hostile.store, select, after, max)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DeliveryLog for Insistent {
    async fn plan(&self, manifest: &Manifest) -> Result<Planned, StoreError> {
        self.hostile.insist(|| self.hostile.store.plan(manifest), || self.twin.plan(manifest)).await
    }

    async fn mark(&self, campaign: &CampaignKey, batches: u32) -> Result<(), StoreError> {
        self.twin.mark(campaign, batches).await?;
        self.hostile.repeat(|| self.hostile.store.mark(campaign, batches), PartialEq::eq).await
    }

    async fn begin(&self, wishes: &[Begin]) -> Result<Vec<Begun>, StoreError> {
        // Of two wishes for one message the second may decide what a repeat of the first is told.
        self.hostile.insist(|| self.hostile.store.begin(wishes), || self.twin.begin(wishes)).await
    }

    async fn record(&self, facts: &[Fact]) -> Result<Vec<Recorded>, StoreError> {
        // A message may be searched for later, though memory finds it at once.
        let later = |told: &Vec<Recorded>, twin: &mut Vec<Recorded>| {
            for (told, twin) in told.iter().zip(twin).filter(|(told, _)| **told == Recorded::Unmatched) {
                *twin = *told;
            }
        };
        let call = || self.hostile.store.record(facts);
        self.hostile.insist_freely(call, || self.twin.record(facts), later).await
    }

    async fn adopt(&self) -> Result<usize, StoreError> {
        // Memory has nothing to search for.
        self.hostile.repeat(|| self.hostile.store.adopt(), |_, _| true).await
    }

    async fn forget(&self, what: &Forget) -> Result<bool, StoreError> {
        while DeliveryLog::forget(&self.twin, what).await? {}
        // A repeat goes on where the call stopped, so it may be the one that finds nothing more.
        self.hostile.repeat(|| DeliveryLog::forget(&self.hostile.store, what), |_, _| true).await
    }

    async fn messages(&self, query: &Query) -> Result<Page, StoreError> {
        self.hostile.ask(|| self.hostile.store.messages(query)).await
    }

    async fn progress(&self, campaigns: &[CampaignKey]) -> Result<Vec<Progress>, StoreError> {
        self.hostile.ask(|| self.hostile.store.progress(campaigns)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl People for Insistent {
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError> {
        self.hostile.repeat(|| self.hostile.store.resolve(addresses), PartialEq::eq).await
    }

    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError> {
        self.hostile.repeat(|| self.hostile.store.learn(learned), PartialEq::eq).await
    }

    /// The twin knows people by the ids that Redis gave them. A repeat leaves the same evidence again,
    /// which the event log takes once.
    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError> {
        self.twin.consent(changes).await?;
        let before = self.put_out_behind(0).await.last().map_or(0, |(at, _)| *at);
        self.hostile.repeat(|| self.hostile.store.consent(changes), PartialEq::eq).await?;
        let mut ids = BTreeSet::new();
        let known = |(at, entry): (u64, Entry)| (!ids.insert(entry.id)).then_some(at);
        let again: Vec<u64> = self.put_out_behind(before).await.into_iter().filter_map(known).collect();
        self.again().extend(again);
        Ok(())
    }

    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError> {
        self.hostile.ask(|| self.hostile.store.standing(people)).await
    }

    async fn forget(&self, people: &[PersonKey]) -> Result<(), StoreError> {
        self.hostile.repeat(|| People::forget(&self.hostile.store, people), PartialEq::eq).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Register for Insistent {
    async fn note(&self, notes: &[Note]) -> Result<(), StoreError> {
        self.hostile.repeat(|| self.hostile.store.note(notes), PartialEq::eq).await
    }

    async fn look(&self, subjects: &[NoteKey]) -> Result<Vec<Option<Note>>, StoreError> {
        self.hostile.ask(|| self.hostile.store.look(subjects)).await
    }

    async fn list(
        &self,
        kind: NoteKind,
        after: Option<NoteKey>,
        max: usize,
    ) -> Result<Vec<Note>, StoreError> {
        self.hostile.ask(|| Register::list(&self.hostile.store, kind, after.clone(), max)).await
    }

    async fn forget(&self, subjects: &[NoteKey]) -> Result<(), StoreError> {
        self.hostile.repeat(|| Register::forget(&self.hostile.store, subjects), PartialEq::eq).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Quarantine for Insistent {
    async fn put(&self, strays: &[Stray]) -> Result<(), StoreError> {
        self.twin.put(strays).await?;
        self.hostile.repeat(|| self.hostile.store.put(strays), PartialEq::eq).await
    }

    async fn strays(&self, after: Option<u64>, max: usize) -> Result<Vec<Quarantined>, StoreError> {
        self.hostile.ask(|| self.hostile.store.strays(after, max)).await
    }

    async fn forget_old(&self) -> Result<usize, StoreError> {
        self.hostile.insist(|| self.hostile.store.forget_old(), || self.twin.forget_old()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Outbox for Insistent {
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        let again = self.again().clone();
        let mut pending = self.hostile.ask(|| self.hostile.store.pending(max + again.len())).await?;
        pending.retain(|(at, _)| !again.contains(at));
        pending.truncate(max);
        Ok(pending)
    }

    async fn relayed(&self, position: u64) -> Result<(), StoreError> {
        self.hostile.repeat(|| self.hostile.store.relayed(position), PartialEq::eq).await
    }

    async fn claim(&self, holder: LeaseToken, ttl: Duration) -> Result<bool, StoreError> {
        self.hostile.repeat(|| self.hostile.store.claim(holder, ttl), PartialEq::eq).await
    }
}

async fn subject() -> Subject {
    let clock = clock();
    let hostile = Hostile::start(Arc::<ManualClock>::clone(&clock), |config| config).await;
    let twin = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
    let store = Arc::new(Insistent { hostile, twin, again: Mutex::default() });
    Subject {
        campaigns: Arc::<Insistent>::clone(&store),
        log: Arc::<Insistent>::clone(&store),
        people: Arc::<Insistent>::clone(&store),
        register: Arc::<Insistent>::clone(&store),
        quarantine: Arc::<Insistent>::clone(&store),
        outbox: store,
        scopes: scopes().await,
        clock: Arc::<ManualClock>::clone(&clock),
        advance: Box::new(move |duration| clock.advance(duration)),
        keep: Box::new(()),
    }
}

suites!();

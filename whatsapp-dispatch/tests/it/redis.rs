//! Campaigns, people and what webhooks told on Redis: many at it at once, and what it costs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rules_core::judge::code::Code;
use rules_core::judge::id::LeaseToken;
use rules_core::judge::tenant::TenantScope;
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Command, Guarantee, Redis, RedisConfig, Reply};
use rules_core::work::archive::MemoryArchive;
use rules_core::work::clock::{ClockExt, ManualClock, SystemClock};
use rules_core::work::lanes::{LaneDepth, Lanes};
use tokio::task::JoinSet;
use whatsapp_dispatch::campaign::{CampaignName, Definition};
use whatsapp_dispatch::campaigns::{
    CampaignRecord, Campaigns, Change, Changed, Created, NewCampaign, Select, Status,
};
use whatsapp_dispatch::delivery::{DeliveryLog, Forget, Query};
use whatsapp_dispatch::dispatch::Dispatch;
use whatsapp_dispatch::fact::{Begin, Begun, Fact, Hears, Recorded, Resend, Subject, What};
use whatsapp_dispatch::message::{MessageKey, Salt};
use whatsapp_dispatch::people::{
    Address, ConsentChange, ConsentSource, Learned, Lesson, Name, People, PersonKey, Standing, UNDELIVERABLE,
};
use whatsapp_dispatch::quarantine::{Quarantine, Stray};
use whatsapp_dispatch::register::{Note, NoteKey, NoteKind, Register};
use whatsapp_dispatch::retention::Retention;
use whatsapp_dispatch::sender::NumberId;

use crate::house::{Jumping, Scripted, campaign, main_tenant, people, people_of, quick};
use crate::redis_server::{Persistence, RedisCluster, RedisServer, key_prefix, shared_url};
use crate::retention::{deaths, exported, in_time, records, sent_and_delivered};

const WHY: Code = Code::known("test.why");

/// Handles with connections of their own on one empty store.
async fn handles<const N: usize>() -> [Redis; N] {
    let config = RedisConfig::parse(&shared_url()).unwrap().accepting(Guarantee::Nothing);
    let config = config.named(&key_prefix());
    let mut handles = Vec::new();
    for _ in 0..N {
        handles.push(Redis::connect(config.clone()).await.unwrap());
    }
    handles.try_into().unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn name(n: u8) -> Name {
    Name::user_id(&format!("IN.{n}")).unwrap()
}

async fn definition(scope: &TenantScope) -> Arc<Definition> {
    let memory = Memory::new();
    let dispatch = Dispatch::new(&memory, Scripted::accepting()).unwrap();
    drop(dispatch.plan(campaign("any"), people(1)).await.unwrap());
    let planned = Campaigns::list(&memory, &Select::of(scope), 0, 1).await.unwrap();
    Arc::clone(&planned[0].definition)
}

fn new_campaign(scope: &TenantScope, definition: &Arc<Definition>, name: &str) -> NewCampaign {
    let (name, salt) = (CampaignName::parse(name).unwrap(), Salt::from_bytes([7; 32]));
    NewCampaign::new(scope, name, Arc::clone(definition), String::new(), salt)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn campaigns_that_many_add_at_once_have_a_number_each() {
    let (handles, scope) = (handles::<4>().await, main_tenant().await);
    let definition = definition(&scope).await;
    let mut adding = JoinSet::new();
    for (index, store) in handles.iter().cycle().take(12).cloned().enumerate() {
        let (scope, definition) = (Arc::clone(&scope), Arc::clone(&definition));
        adding.spawn(async move {
            let mut added = Vec::new();
            for n in 0..10 {
                // Every name is added by three.
                let new = new_campaign(&scope, &definition, &format!("campaign {}", index / 3 * 10 + n));
                added.push(store.create(&new).await.unwrap());
            }
            added
        });
    }
    let added = adding.join_all().await.concat();
    let new = added.iter().filter(|created| matches!(created, Created::New(_))).count();
    let record = |created: &Created| match created {
        Created::New(record) | Created::Known(record) => (record.name.to_string(), record.key.number()),
    };
    let records: BTreeSet<(String, u32)> = added.iter().map(record).collect();
    assert_eq!((new, records.len()), (40, 40));
    let numbers: BTreeSet<u32> = records.into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, (1..=40).collect());
    let listed = Campaigns::list(&handles[0], &Select::of(&scope), 0, 100).await.unwrap();
    assert_eq!(listed.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_at_once_each_is_made_on_what_it_saw() {
    let (handles, scope) = (handles::<2>().await, main_tenant().await);
    let definition = definition(&scope).await;
    let Created::New(first) = handles[0].create(&new_campaign(&scope, &definition, "one")).await.unwrap()
    else {
        unreachable!("the store was empty")
    };
    let mut changing = JoinSet::new();
    for store in handles.iter().cycle().take(6) {
        let (store, mut seen) = (store.clone(), first.clone());
        let changes = shuffled_changes();
        changing.spawn(async move {
            let mut made = Vec::new();
            for change in changes {
                match store.change(&seen.key, seen.revision, &change).await.unwrap() {
                    Changed::Made(record) => {
                        let mut expected = seen;
                        let at = record.ended_at.or(record.released_at).unwrap_or_default();
                        assert!(expected.change(&change, at));
                        assert_eq!(record, expected, "made on what was seen and nothing else");
                        made.push(record.clone());
                        seen = record;
                    }
                    Changed::Moved(record) | Changed::NotAllowed(record) => seen = record,
                    Changed::Missing => unreachable!(),
                }
            }
            made
        });
    }
    let mut made: Vec<CampaignRecord> = changing.join_all().await.concat();
    made.sort_by_key(|record| record.revision);
    let revisions: Vec<u32> = made.iter().map(|record| record.revision).collect();
    assert_eq!(revisions, (2..=u32::try_from(made.len()).unwrap() + 1).collect::<Vec<_>>());
    assert!(20 < made.len(), "{} changes are a test of nothing", made.len());
    let last = handles[1].load(std::slice::from_ref(&first.key)).await.unwrap().remove(0).unwrap();
    assert_eq!(Some(&last), made.last());
    let count = async |select| Campaigns::list(&handles[0], &select, 0, 10).await.unwrap().len();
    assert_eq!(count(Select::Active).await, usize::from(last.status.is_active()));
    assert_eq!(count(Select::Released).await, usize::from(last.status == Status::Released));
    assert_eq!(count(Select::Ended).await, usize::from(last.status.has_ended()));
}

/// Many changes, none of which ends the campaign for good.
fn shuffled_changes() -> Vec<Change> {
    let pause = Change::Pause { code: Code::known("test.pause") };
    let reopen = Change::Reopen { of: Resend::Failed };
    let every =
        [Change::Planned, Change::Release, pause, Change::Resume, Change::Finish, reopen, Change::Reopened];
    some(prop::collection::vec(prop::sample::select(every.to_vec()), 60))
}

fn some<T>(strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(&mut TestRunner::default()).unwrap().current()
}

#[derive(Clone, Debug)]
enum News {
    Same(u8, u8),
    Missed(u8, i64),
    Said(u8, i64, bool),
}

const PEOPLE: u8 = 12;

fn news() -> impl Strategy<Value = News> {
    prop_oneof![
        (0..PEOPLE, 0..PEOPLE).prop_map(|(one, other)| News::Same(one, other)),
        (0..PEOPLE, 0_i64..9).prop_map(|(who, at)| News::Missed(who, at)),
        (0..PEOPLE, 0_i64..99, any::<bool>()).prop_map(|(who, at, no)| News::Said(who, at, no)),
    ]
}

/// Tells a store all of it; the answer is how many calls left evidence.
async fn tell(store: &impl People, scope: &TenantScope, news: &[News]) -> usize {
    let address = |n: u8| Address::named(scope, name(n));
    let (mut learned, mut said) = (Vec::new(), Vec::new());
    for one in news {
        match one {
            News::Same(one, other) => {
                learned.push(Learned::new(address(*one), at(0), Lesson::SameAs(name(*other))));
            }
            News::Missed(who, second) => {
                let what = Lesson::NotReached { weight_milli: UNDELIVERABLE };
                learned.push(Learned::new(address(*who), at(*second), what));
            }
            News::Said(who, second, true) => {
                said.push(ConsentChange::opt_out(address(*who), ConsentSource::Word, at(*second)));
            }
            News::Said(who, second, false) => {
                said.push(ConsentChange::opt_in(address(*who), ConsentSource::Word, at(*second)));
            }
        }
    }
    store.learn(&learned).await.unwrap();
    if said.is_empty() {
        return 0;
    }
    store.consent(&said).await.unwrap();
    1
}

/// Who is one person with whom, and where everybody stands.
async fn known(store: &impl People, scope: &TenantScope) -> Vec<(u8, Standing)> {
    let addresses: Vec<Address> = (0..PEOPLE).map(|n| Address::named(scope, name(n))).collect();
    let people = store.resolve(&addresses).await.unwrap();
    let standings = store.standing(&people).await.unwrap();
    let first = |person: &PersonKey| people.iter().position(|other| other == person).unwrap();
    let mut known = Vec::new();
    for (person, mut standing) in people.iter().zip(standings) {
        let names = people.iter().filter(|other| *other == person).count();
        assert_eq!(standing.also.len() + 1, names, "every other id is told");
        standing.also.clear();
        known.push((u8::try_from(first(person)).unwrap(), standing));
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_lessons_at_once_none_is_lost() {
    for round in 0..8 {
        let (handles, scope) = (handles::<2>().await, main_tenant().await);
        // At first few are one person, at last nearly all.
        let list = some(prop::collection::vec(news(), 20 + round * 10));
        let expected = Memory::new();
        tell(&expected, &scope, &list).await;
        let mut telling = JoinSet::new();
        let parts = list.chunks(4).map(<[News]>::to_vec).map(Arc::new);
        for (part, store) in parts.zip(handles.iter().cycle().cloned()) {
            let scope = Arc::clone(&scope);
            telling.spawn(async move { tell(&store, &scope, &part).await });
        }
        let left: usize = telling.join_all().await.into_iter().sum();
        let found = known(&handles[0], &scope).await;
        assert_eq!(found, known(&expected, &scope).await, "{list:?}");
        assert_eq!(found, known(&handles[1], &scope).await);
        let evidence = Command::new("LLEN", &handles[0].key(&[&"outbox"]));
        let evidence = handles[0].read(&[evidence]).await.unwrap()[0].int();
        assert_eq!(evidence, Some(i64::try_from(left).unwrap()), "each word once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_has_one_key_however_many_ask_first() {
    let (handles, scope) = (handles::<8>().await, main_tenant().await);
    let mut asking = JoinSet::new();
    for store in handles {
        let address = Address::named(&scope, name(1));
        asking.spawn(async move { store.resolve(&[address]).await.unwrap() });
    }
    let people = asking.join_all().await.concat();
    assert!(people.iter().all(|person| *person == people[0]), "{people:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_and_strays_at_once_end_the_same() {
    let (handles, scope) = (handles::<4>().await, main_tenant().await);
    let keys: Vec<NoteKey> =
        (0..5).map(|n| NoteKey::new(&scope, NoteKind::Template, format!("t{n}"))).collect();
    let stray = |n: u8| Stray {
        code: Code::known("webhook.unknown_number"),
        waba: "17".to_owned(),
        number_id: None,
        field: "messages".to_owned(),
        change: Bytes::from(vec![n]),
    };
    let strays: Vec<Stray> = (0..20).map(stray).collect();
    let mut telling = JoinSet::new();
    for (store, index) in handles.iter().cloned().zip(0_i64..) {
        let (keys, strays) = (keys.clone(), strays.clone());
        telling.spawn(async move {
            for second in 0..20 {
                let note = |key: &NoteKey| Note {
                    key: key.clone(),
                    at: at(second * 4 + index),
                    text: format!("{second} of {index}"),
                };
                store.note(&keys.iter().map(note).collect::<Vec<_>>()).await.unwrap();
                store.put(&strays[usize::try_from(second).unwrap()..]).await.unwrap();
            }
        });
    }
    telling.join_all().await;
    let notes = Register::list(&handles[0], NoteKind::Template, None, 10).await.unwrap();
    assert_eq!(notes.iter().map(|note| note.key.clone()).collect::<Vec<_>>(), keys);
    assert!(notes.iter().all(|note| (note.at, &*note.text) == (at(79), "19 of 3")), "{notes:?}");
    let kept = handles[1].strays(None, 100).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.number).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert_eq!(kept.into_iter().map(|kept| kept.stray).collect::<Vec<_>>(), strays, "each once, in order");
}

#[tokio::test]
async fn five_hundred_people_are_a_trip_to_resolve_and_one_to_know_their_standing() {
    let ([store], scope) = (handles::<1>().await, main_tenant().await);
    let trips = async |addresses: &[Address]| {
        let before = store.trips();
        let people = store.resolve(addresses).await.unwrap();
        let resolved = store.trips();
        store.standing(&people).await.unwrap();
        (resolved - before, store.trips() - resolved)
    };
    let addresses: Vec<Address> =
        (0..500).map(|n| Address::wa_id(&scope, &(919_800_000_000_u64 + n).to_string()).unwrap()).collect();
    trips(&addresses[..1]).await;
    assert_eq!(trips(&addresses).await, (1, 1), "nobody was ever merged");
    let same =
        |n: usize| Learned::new(addresses[n].clone(), at(0), Lesson::SameAs(addresses[n + 1].name().clone()));
    store.learn(&(0..500).step_by(50).map(same).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(trips(&addresses).await, (2, 1), "now it is found out");
    assert_eq!(trips(&addresses).await, (1, 1), "and remembered");
}

#[tokio::test]
async fn what_is_guessed_about_people_and_pages_is_found_out() {
    let ([ours, theirs], scope) = (handles::<2>().await, main_tenant().await);
    let dispatch = Dispatch::builder(&ours, Scripted::accepting()).events(Memory::new()).build().unwrap();
    let plan = dispatch.plan(campaign("guessed"), people(100)).await.unwrap();
    dispatch.release(&plan).await.unwrap();
    let keys: Vec<MessageKey> = (0..100).map(|record| plan.key().message(record)).collect();
    let messages = ours.messages(&Query::Keys(keys.clone())).await.unwrap().messages;
    let lease = |n: u8| LeaseToken::from_bytes([n; 16]);
    let wish = |record: usize, lease| {
        let person = messages[record].to.unwrap().person;
        let hears = Some(Hears { person, marketing: true });
        Begin { hears, ..Begin::new(keys[record].clone(), lease) }
    };
    let begin = async |store: &Redis, record, token| {
        let before = store.trips();
        let begun = DeliveryLog::begin(store, &[wish(record, token)]).await.unwrap();
        (begun[0], store.trips() - before)
    };
    let first = Begun::Attempt(1);
    assert_eq!(begin(&ours, 0, lease(1)).await, (first, 2), "campaign and person are read");
    assert_eq!(begin(&ours, 32, lease(1)).await, (first, 1), "nobody said anything so far");

    let address = Address::new(&scope, messages[33].to.unwrap().number);
    let no = ConsentChange::opt_out(address, ConsentSource::Word, at(0));
    theirs.consent(&[no]).await.unwrap();
    assert_eq!(begin(&ours, 33, lease(1)).await, (Begun::OptedOut, 3), "guessed, refused, read");
    assert_eq!(begin(&ours, 34, lease(1)).await.0, first);

    assert_eq!(begin(&theirs, 64, lease(2)).await.0, first);
    let found = begin(&ours, 64, lease(1)).await;
    assert_eq!(found.0, Begun::InFlight(1), "the page was read before they began");
}

#[tokio::test]
async fn whoever_opts_out_after_the_judgement_is_heard_and_others_cost_no_trip() {
    let ([ours, theirs], scope) = (handles::<2>().await, main_tenant().await);
    let dispatch = Dispatch::builder(&ours, Scripted::accepting()).events(Memory::new()).build().unwrap();
    let plan = dispatch.plan(campaign("judged"), people(100)).await.unwrap();
    dispatch.release(&plan).await.unwrap();
    let keys: Vec<MessageKey> = (0..100).map(|record| plan.key().message(record)).collect();
    let messages = ours.messages(&Query::Keys(keys.clone())).await.unwrap().messages;
    let person = |record: usize| PersonKey::new(&scope, messages[record].to.unwrap().person);
    let say = async |record: usize, no: bool, second: i64| {
        let (who, source, at) = (person(record), ConsentSource::Word, at(second));
        let word =
            if no { ConsentChange::opt_out(who, source, at) } else { ConsentChange::opt_in(who, source, at) };
        theirs.consent(&[word]).await.unwrap();
    };
    // Two of them have a row: one wants nothing, the other was reached once.
    say(1, true, 1).await;
    theirs
        .learn(&[Learned::new(person(2), at(1), Lesson::Inbound { to: NumberId::parse("15").unwrap() })])
        .await
        .unwrap();
    let judged: Vec<PersonKey> = (0..100).map(person).collect();
    let begin = async |records: &[usize]| {
        let before = ours.trips();
        let wish = |record: &usize| Begin {
            hears: Some(Hears { person: person(*record).id(), marketing: true }),
            ..Begin::new(keys[*record].clone(), LeaseToken::from_bytes([1; 16]))
        };
        let wishes: Vec<Begin> = records.iter().map(wish).collect();
        (DeliveryLog::begin(&ours, &wishes).await.unwrap(), ours.trips() - before)
    };
    let (first, no) = (Begun::Attempt(1), Begun::OptedOut);
    ours.standing(&judged).await.unwrap();
    assert_eq!(begin(&[0, 1, 2]).await.0, [first, no, first]);
    assert_eq!(begin(&[3, 4]).await, (vec![first; 2], 1), "whoever was judged need not be read again");
    // What nobody's refusal depends on disturbs nobody.
    theirs
        .learn(&[Learned::new(person(5), at(2), Lesson::Inbound { to: NumberId::parse("15").unwrap() })])
        .await
        .unwrap();
    assert_eq!(begin(&[5, 6]).await, (vec![first; 2], 1));
    say(7, true, 3).await;
    assert_eq!(begin(&[7, 8]).await.0, [no, first], "after the judgement");
    assert_eq!(begin(&[9, 1]).await.0, [first, no]);
    ours.standing(&judged).await.unwrap();
    say(1, false, 4).await;
    assert_eq!(begin(&[1, 7]).await.0, [first, no]);
    // Two people turn out to be one, who refuses.
    ours.standing(&judged).await.unwrap();
    let same = |record: usize, name: Name| Learned::new(person(record), at(5), Lesson::SameAs(name));
    theirs.learn(&[same(7, name(1)), same(10, name(1))]).await.unwrap();
    assert_eq!(begin(&[10, 11]).await.0, [no, first]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_campaigns_and_people() {
    let cluster = RedisCluster::start();
    let nodes: Vec<String> = cluster.urls().iter().map(|url| url.replace("redis://", "")).collect();
    let config = RedisConfig::parse(&format!("redis+cluster://{}", nodes.join(","))).unwrap();
    let store = Redis::connect(config.accepting(Guarantee::Nothing)).await.unwrap();
    let scope = main_tenant().await;
    let list = some(prop::collection::vec(news(), 50));
    let expected = Memory::new();
    for part in list.chunks(10) {
        tell(&expected, &scope, part).await;
        tell(&store, &scope, part).await;
    }
    assert_eq!(known(&store, &scope).await, known(&expected, &scope).await);
    let definition = definition(&scope).await;
    let Created::New(record) = store.create(&new_campaign(&scope, &definition, "one")).await.unwrap() else {
        unreachable!("the store was empty")
    };
    assert_eq!(Campaigns::list(&store, &Select::of(&scope), 0, 10).await.unwrap(), [record]);

    let builder = Dispatch::builder(&store, Scripted::accepting()).events(Memory::new());
    let retention = Retention::new(Arc::new(MemoryArchive::new()));
    let dispatch = builder.retention(retention).build().unwrap();
    drop(dispatch.plan(campaign("two"), people(600)).await.unwrap());
    let two = CampaignName::parse("two").unwrap();
    let sent = dispatch.campaign(scope.id(), &two).await.unwrap().unwrap();
    sent.cancel().await.unwrap();
    let home = cluster.node_of(&store.key(&[]));
    let kept = || {
        let keys = cluster.nodes()[home].command(&["KEYS", "*"]);
        let keys = keys.array().iter().filter_map(|key| key.text().map(str::to_owned));
        keys.filter(|key| key.contains(":m:2:") || key.contains(":i:2:")).count()
    };
    assert!(100 < kept());
    assert_eq!(sent.forget_early().await.unwrap().unwrap().records, 600);
    assert_eq!(kept(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_forgotten_in_time() {
    let clock = Jumping::at_noon();
    let config = RedisConfig::parse(&shared_url()).unwrap().accepting(Guarantee::Nothing);
    let config = config.named(&key_prefix()).with_clock(Arc::new(clock.clone()));
    in_time(&Redis::connect(config).await.unwrap(), &clock).await;
}

#[tokio::test]
async fn a_death_at_any_instant_of_forgetting_does_no_harm() {
    let [store] = handles::<1>().await;
    deaths(&store, false).await;
}

#[tokio::test]
async fn an_erasure_between_two_tries_at_forgetting_does_no_harm() {
    let [store] = handles::<1>().await;
    deaths(&store, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_forget_one_campaign_export_it_once() {
    let (handles, archive) = (handles::<4>().await, Arc::new(MemoryArchive::new()));
    for round in 0..5 {
        let name = format!("campaign {round}");
        let mut forgetting = JoinSet::new();
        for (n, store) in handles.iter().enumerate() {
            let retention = Retention::new(Arc::<MemoryArchive>::clone(&archive));
            let builder = Dispatch::builder(store, Scripted::accepting()).events(Memory::new());
            let dispatch = builder.retention(retention).build().unwrap();
            if n == 0 {
                drop(dispatch.plan(campaign(&name), people(1_500)).await.unwrap());
            }
            let name = CampaignName::parse(&name).unwrap();
            let sent = dispatch.campaign(main_tenant().await.id(), &name).await.unwrap().unwrap();
            if n == 0 {
                sent.cancel().await.unwrap();
            }
            forgetting.spawn(async move { sent.forget_early().await.unwrap() });
        }
        let forgotten = forgetting.join_all().await;
        assert!(forgotten.iter().flatten().all(|forgotten| forgotten.records == 1_500));
        assert_eq!(forgotten.iter().flatten().count(), 1, "one of them came to the end");
        let objects = exported(&*archive).await;
        assert_eq!(objects.len(), (round + 1) * 2, "a part and the list of parts for each");
    }
    assert!(Campaigns::list(&handles[0], &Select::Ended, 0, 10).await.unwrap().is_empty());
    let left = scanned(&handles[0]).await;
    assert!(left.iter().all(|(key, _)| !key.contains(":m:") && !key.contains(":i:")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_are_dropped_while_people_are_erased_stay_gone() {
    const RECORDS: u32 = 64;
    let [ours, theirs] = handles::<2>().await;
    let tell = async |store: &Redis, key: MessageKey, attempt, what| {
        let fact = Fact { of: Subject::Attempt(key, attempt), at: at(1), what };
        DeliveryLog::record(store, &[fact]).await.unwrap()
    };
    for round in 0..20 {
        let dispatch = Dispatch::builder(&ours, Scripted::accepting()).events(Memory::new()).build().unwrap();
        let plan = dispatch.plan(campaign(&format!("{round}")), people(RECORDS as usize)).await.unwrap();
        let sent = dispatch.release(&plan).await.unwrap();
        let keys: Vec<MessageKey> = (0..RECORDS).map(|record| plan.key().message(record)).collect();
        for key in &keys {
            let wish = Begin::new(key.clone(), LeaseToken::from_bytes([1; 16]));
            DeliveryLog::begin(&ours, &[wish]).await.unwrap();
            let end = if key.record() % 2 == 0 { What::Delivered } else { What::Failed { code: WHY } };
            assert_eq!(tell(&ours, key.clone(), 1, end).await, [Recorded::Applied]);
        }
        let record = sent.record().await.unwrap();
        ours.change(plan.key(), record.revision, &Change::Finish).await.unwrap();
        let (forget, key) = (ours.clone(), plan.key().clone());
        let dropping = tokio::spawn(async move {
            while DeliveryLog::forget(&forget, &Forget::Parameters(key.clone())).await.unwrap() {}
        });
        let is_erased = |key: &&MessageKey| key.record() % 5 == 1;
        for key in keys.iter().filter(is_erased) {
            tell(&theirs, key.clone(), 0, What::Erased).await;
        }
        dropping.await.unwrap();
        for message in records(&theirs, plan.key()).await {
            let erased = is_erased(&&message.key);
            assert_eq!(message.to.is_none(), erased);
            assert_eq!(message.parameters.is_empty(), erased || message.key.record() % 2 == 0);
        }
    }
}

/// What `redis-keys.md` says of a campaign: its hash and its name stay, and counts in shared keys
/// that do not grow with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_forgotten_campaign_nothing_is_left_but_its_sheet() {
    const MESSAGES: usize = 3_000;
    let server = RedisServer::start(Persistence::None);
    let config = RedisConfig::parse(&server.url()).unwrap().accepting(Guarantee::Nothing);
    let store = Redis::connect(config).await.unwrap();
    let builder = Dispatch::builder(&store, Scripted::accepting()).events(Memory::new());
    let retention = Retention::new(Arc::new(MemoryArchive::new()));
    let dispatch = builder.config(quick().unpaced()).retention(retention).build().unwrap();
    drop(dispatch.plan(campaign("kept"), people(700)).await.unwrap());
    let before = scanned(&store).await;

    let sent = sent_and_delivered(&store, &dispatch, MESSAGES).await;
    let number = sent.key().number();
    let is_ours =
        |key: &str| [format!(":m:{number}:"), format!(":i:{number}:")].iter().any(|part| key.contains(part));
    let ours =
        |keys: &[(String, i64)]| keys.iter().filter(|(key, _)| is_ours(key)).map(|(_, size)| size).sum();
    let full: i64 = ours(&scanned(&store).await);
    assert!(150 * MESSAGES < usize::try_from(full).unwrap(), "{full} bytes are a test of nothing");
    // Every message was delivered, so nobody needs parameters any more.
    dispatch.forget_ended().await.unwrap();
    let slim: i64 = ours(&scanned(&store).await);
    assert!(20 * MESSAGES < usize::try_from(full - slim).unwrap(), "{full} and then {slim} bytes");
    sent.forget_early().await.unwrap().unwrap();

    let after = scanned(&store).await;
    assert_eq!(ours(&after), 0);
    let sheet = store.key(&[&"campaign", &number]);
    let size = after.iter().find(|(key, _)| *key == sheet).unwrap().1;
    assert!(size < 4_096, "{size} bytes");
    let known: BTreeSet<&str> = before.iter().map(|(key, _)| key.as_str()).collect();
    let goes_by_itself = ["pace", "queue:batches", "quota", "outbox:relayed"].map(|part| store.key(&[&part]));
    for (key, _) in &after {
        let expected = *key == sheet || known.contains(key.as_str());
        let expected = expected || goes_by_itself.iter().any(|part| key.starts_with(part));
        assert!(expected, "{key} is left");
    }
    let sums = [&before, &after].map(|keys| keys.iter().map(|(_, size)| size).sum::<i64>());
    assert!(sums[1] - sums[0] < 8_192, "the store had {} bytes and has {}", sums[0], sums[1]);
    let waiting: Vec<LaneDepth> = store.depths(None, 10).await.unwrap();
    assert_eq!(waiting, []);
    let kept = dispatch.plan(campaign("kept"), people(700)).await.unwrap();
    assert_eq!(records(&store, kept.key()).await.len(), 700);
}

/// Every key of the store with the bytes that it takes.
async fn scanned(store: &Redis) -> Vec<(String, i64)> {
    let (mut keys, mut cursor) = (Vec::new(), Bytes::from_static(b"0"));
    let ours = format!("{}*", store.key(&[]));
    loop {
        // The first word of a command is its key; SCAN has none, and its cursor stands there.
        let scan = Command::new("SCAN", std::str::from_utf8(&cursor).unwrap()).arg("MATCH").arg(&ours);
        let mut reply =
            store.read(&[scan.arg("COUNT").int(1_000)]).await.unwrap().remove(0).list().into_iter();
        cursor = reply.next().and_then(Reply::bytes).unwrap();
        for key in reply.next().unwrap().list() {
            let key = key.text().unwrap().to_owned();
            let usage = Command::new("MEMORY", "USAGE").arg(&key).arg("SAMPLES").int(0);
            let bytes = store.read(&[usage]).await.unwrap()[0].int();
            keys.extend(bytes.map(|bytes| (key, bytes)));
        }
        if cursor.as_ref() == b"0" {
            keys.sort();
            keys.dedup();
            return keys;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_costs_a_tenth_of_a_trip_through_one_lane_or_fifty() {
    const BATCH: usize = 500;
    for (lanes, batches) in [(1, 10), (50, 1)] {
        let clock = Arc::new(ManualClock::at(at(1_800_000_000)));
        let config = RedisConfig::parse(&shared_url()).unwrap().accepting(Guarantee::Nothing);
        let config = config.named(&key_prefix()).with_clock(Arc::<ManualClock>::clone(&clock));
        let store = Redis::connect(config).await.unwrap();
        let gateway = Scripted::accepting();
        let dispatch = Dispatch::builder(&store, gateway.clone())
            .config(quick().with_concurrency(128).unpaced())
            .events(Memory::new())
            .build()
            .unwrap();
        let size = BATCH * batches;
        let before = store.trips();
        for lane in 0..lanes {
            let people = people_of(lane * size..(lane + 1) * size);
            let plan = dispatch.plan(campaign(&format!("lane {lane}")), people).await.unwrap();
            dispatch.release(&plan).await.unwrap();
        }
        let planned = store.trips();
        let running = dispatch.start();
        let messages = u32::try_from(lanes * size).unwrap();
        // What is done from time to time is done as often as where 10,000 leave in a second.
        let (mut seen, mut turns) = (0, 0);
        while seen < messages {
            SystemClock.sleep(Duration::from_millis(1)).await;
            let sent = gateway.total();
            clock.advance(Duration::from_micros(u64::from(sent - seen) * 100 + 10));
            (seen, turns) = (sent, if sent == seen { turns + 1 } else { 0 });
            assert!(turns < 20_000, "{seen} of {messages} were sent");
        }
        let stopped = running.drain(Duration::from_secs(3_600));
        assert!(stopped.await.unwrap());
        let done = store.trips();
        let per_message = |trips: u64| f64::from(u32::try_from(trips).unwrap()) / f64::from(messages);
        let (plan, send) = (per_message(planned - before), per_message(done - planned));
        assert!(plan + send <= 0.1, "{lanes} lanes: {plan:.4} trips per message to plan, {send:.4} to send");
    }
}

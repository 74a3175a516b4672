#![allow(
    unfulfilled_lint_expectations,
    reason = "what starts servers expects lints that tests of a library are spared"
)]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::store::redis::{Command, Commit, Guarantee, Redis, RedisConfig};
use rules_core::work::tenants::{FixedTenants, Tenants};

#[path = "../../../../../rules-core/tests/support/redis.rs"]
mod redis_server;

use super::{Sheet, standing};
use crate::people::{Address, ConsentChange, ConsentSource, Learned, Lesson, Name, People, PersonKey};

async fn connected() -> Redis {
    let config = RedisConfig::parse(&redis_server::shared_url()).unwrap().named(&redis_server::key_prefix());
    Redis::connect(config.accepting(Guarantee::Nothing)).await.unwrap()
}

async fn scope() -> Arc<TenantScope> {
    let id = TenantId::parse("acme").unwrap();
    Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap()
}

fn name(n: usize) -> Name {
    Name::user_id(&format!("IN.{n}")).unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// Who of these wants no marketing, by a sheet that was read whole, and how many trips it took.
async fn refusals<'a>(store: &'a Redis, people: &[PersonKey]) -> (Vec<bool>, Sheet<'a>, u64) {
    let before = store.trips();
    let mut sheet = Sheet::of(store);
    loop {
        let refuse =
            |person: &PersonKey| standing(&mut sheet, person.tenant(), person.id()).unwrap().refuses(true);
        let refusals = people.iter().map(refuse).collect();
        if sheet.is_whole() {
            return (refusals, sheet, store.trips() - before);
        }
        let answers = store.read(&sheet.questions()).await.unwrap();
        sheet.take(answers).unwrap();
    }
}

/// A commit that begins something, if nobody has said anything since.
fn begin(store: &Redis, sheet: &Sheet<'_>) -> Commit {
    let mut commit = Commit::new();
    sheet.rest_on(&mut commit);
    commit.write(Command::new("SET", &store.key(&[&"begun"])).arg("1"));
    commit
}

#[tokio::test]
async fn nothing_begins_once_a_person_has_opted_out() {
    let (store, scope) = (connected().await, scope().await);
    let addresses = [1, 2, 3].map(|n| Address::named(&scope, name(n)));
    let people = store.resolve(&addresses).await.unwrap();

    let (said, sheet, trips) = refusals(&store, &people).await;
    assert_eq!((said, trips), (vec![false; 3], 1));
    assert!(store.commit(&begin(&store, &sheet)).await.unwrap());
    let [first, second, _] = people.as_slice() else { unreachable!() };
    let stop = ConsentChange::opt_out(first.clone(), ConsentSource::Word, at(1)).of_marketing();
    store.consent(&[stop]).await.unwrap();
    assert!(!store.commit(&begin(&store, &sheet)).await.unwrap(), "the word is newer than the sheet");

    let (said, sheet, trips) = refusals(&store, &people).await;
    assert_eq!((said, trips), (vec![true, false, false], 1));
    store.learn(&[Learned::new(second.clone(), at(1), Lesson::SameAs(name(1)))]).await.unwrap();
    assert!(!store.commit(&begin(&store, &sheet)).await.unwrap(), "the person is another now");

    let (said, sheet, trips) = refusals(&store, &people).await;
    assert_eq!((said, trips), (vec![true, true, false], 1), "all the person's rows are asked for");
    assert!(store.commit(&begin(&store, &sheet)).await.unwrap());
    let mut trips = 0;
    for person in [first, second] {
        let (said, _, more) = refusals(&store, std::slice::from_ref(person)).await;
        assert_eq!(said, [true]);
        trips += more;
    }
    assert_eq!(trips, 1 + 2, "one of the ids leads on to the other");
    let start = ConsentChange::opt_in(Address::named(&scope, name(2)), ConsentSource::Word, at(2));
    store.consent(&[start]).await.unwrap();
    assert!(!store.commit(&begin(&store, &sheet)).await.unwrap(), "the word is newer, whatever it says");
    assert_eq!(refusals(&store, &people).await.0, [false; 3]);
}

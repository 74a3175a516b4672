//! Plans that are dropped half-way and plans that ask for something else.

use std::time::Duration;

use async_trait::async_trait;
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, PlanError};
use whatsapp_dispatch::recipients::{Listed, Position, Recipients, RecipientsError, Row, SourceDigest};

use crate::house::{Scripted, campaign, finished, memory, people, quick, sqlite};

/// A source that fails after some records.
#[derive(Debug)]
struct Breaking {
    source: Listed,
    after: u64,
}

#[async_trait]
impl Recipients for Breaking {
    fn columns(&self) -> &Columns {
        self.source.columns()
    }

    fn digest(&self) -> SourceDigest {
        self.source.digest()
    }

    async fn next(&mut self, max: usize) -> Result<Vec<Row>, RecipientsError> {
        if self.after <= self.source.position().record {
            return Err(RecipientsError::Differs { name: "a file that somebody took away".to_owned() });
        }
        self.source.next(max).await
    }

    fn position(&self) -> Position {
        self.source.position()
    }

    async fn resume(&mut self, from: &Position) -> Result<(), RecipientsError> {
        self.source.resume(from).await
    }
}

async fn goes_on(store: &impl DispatchStore) {
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(store, gateway.clone()).config(quick()).build().unwrap();
    for after in [500, 1_000] {
        let broken = Breaking { source: people(1_300), after };
        let error = dispatch.plan(campaign("test"), broken).await.unwrap_err();
        assert!(matches!(error, PlanError::Recipients(_)), "{error:?}");
    }
    let plan = dispatch.plan(campaign("test"), people(1_300)).await.unwrap();
    assert_eq!((plan.progress().rows(), plan.progress().planned()), (1_300, 1_300));
    let again = dispatch.plan(campaign("test"), people(1_300)).await.unwrap();
    assert_eq!((again.key(), again.progress()), (plan.key(), plan.progress()));
    let running = dispatch.start();
    let report = finished(&dispatch.release(&plan).await.unwrap()).await;
    assert_eq!((report.progress.accepted, gateway.total()), (1_300, 1_300));
    assert!(gateway.nobody_twice());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_broke_off_goes_on_on_memory() {
    goes_on(&memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_broke_off_goes_on_on_sqlite() {
    goes_on(&sqlite().await.store).await;
}

#[tokio::test]
async fn another_definition_or_other_people_under_a_known_name_differ() {
    let store = memory();
    let dispatch = Dispatch::new(&store, Scripted::accepting()).unwrap();
    let plan = dispatch.plan(campaign("test"), people(5)).await.unwrap();
    for (other, source, what) in [
        (campaign("test").max_attempts(2), people(5), "definition"),
        (campaign("test"), people(6), "recipients"),
    ] {
        let error = dispatch.plan(other, source).await.unwrap_err();
        assert!(matches!(&error, PlanError::Differs { what: found, .. } if *found == what), "{error:?}");
        assert!(error.to_string().starts_with("campaign.differs"));
    }
    let same = dispatch.plan(campaign("test"), people(5)).await.unwrap();
    assert_eq!(same.key(), plan.key());
}

#[tokio::test]
async fn a_release_may_be_repeated() {
    let store = memory();
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(40)).await.unwrap();
    dispatch.release(&plan).await.unwrap();
    finished(&dispatch.release(&plan).await.unwrap()).await;
    finished(&dispatch.release(&plan).await.unwrap()).await;
    assert_eq!(gateway.total(), 40);
    let sent = dispatch.release(&plan).await.unwrap();
    sent.pause().await.unwrap();
    let again = dispatch.release(&plan).await.unwrap();
    assert_eq!(again.record().await.unwrap().status, Status::Paused);
    sent.cancel().await.unwrap();
    assert!(dispatch.release(&plan).await.is_err());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

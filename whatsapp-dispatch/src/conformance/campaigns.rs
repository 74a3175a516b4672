//! What every [`Campaigns`](crate::campaigns::Campaigns) promises.

use std::time::Duration;

use rules_core::judge::code::Code;

pub use super::Subject;
use super::name;
use crate::campaigns::{CampaignRecord, Change, Changed, Created, Select, Status};
use crate::fact::Resend;
use crate::message::Salt;

const WHY: Code = Code::known("test.pause");

impl Subject {
    async fn names(&self, select: &Select, after: u32, max: usize) -> Vec<String> {
        let list = self.campaigns.list(select, after, max).await.unwrap();
        list.iter().map(|record| record.name.to_string()).collect()
    }

    async fn loaded(&self, campaign: &CampaignRecord) -> CampaignRecord {
        self.campaigns.load(std::slice::from_ref(&campaign.key)).await.unwrap().pop().unwrap().unwrap()
    }
}

/// A campaign is added in `Planning`, and comes back as it was given.
pub async fn what_is_added_comes_back_whole(s: Subject) {
    let new = s.new_campaign(0, "spring");
    let record = s.added(0, "spring").await;
    assert_eq!(record.status, Status::Planning);
    assert_eq!((&record.name, &record.definition), (&new.name, &new.definition));
    assert_eq!((&record.source, &record.salt), (&new.source, &new.salt));
    assert_eq!((record.created_at, record.released_at, &record.reason), (s.now(), None, &None));
    assert_eq!(record.key.tenant(), s.scopes[0].id());
    assert_eq!(s.loaded(&record).await, record);
}

/// A campaign of a known name is returned unchanged, whatever the new one says.
pub async fn a_known_name_is_returned_unchanged(s: Subject) {
    let record = s.added(0, "spring").await;
    let mut other = s.new_campaign(0, "spring");
    "another source".clone_into(&mut other.source);
    assert_eq!(s.campaigns.create(&other).await.unwrap(), Created::Known(record));
}

/// Names are the tenant's own.
pub async fn two_tenants_may_use_one_name(s: Subject) {
    let (ours, theirs) = (s.added(0, "spring").await, s.added(1, "spring").await);
    assert_ne!(ours.key, theirs.key);
    assert_ne!(ours.key.number(), theirs.key.number());
}

/// A change is made if the campaign still has the revision, and raises it.
pub async fn a_change_raises_the_revision(s: Subject) {
    let record = s.added(0, "spring").await;
    let planned = s.made(&record, Change::Planned).await;
    assert_eq!(planned.status, Status::Planned);
    assert!(record.revision < planned.revision);
    assert_eq!(s.loaded(&record).await, planned);
}

/// With an old revision nothing is changed, and the answer says what the campaign is now.
pub async fn an_old_revision_changes_nothing(s: Subject) {
    let record = s.added(0, "spring").await;
    let planned = s.made(&record, Change::Planned).await;
    let answer = s.campaigns.change(&record.key, record.revision, &Change::Cancel).await.unwrap();
    assert_eq!(answer, Changed::Moved(planned.clone()));
    assert_eq!(s.loaded(&record).await, planned);
}

/// A change that the status does not allow is refused and changes nothing, whatever the status.
pub async fn only_allowed_changes_are_made(s: Subject) {
    let pause = || Change::Pause { code: WHY };
    let of = Resend::Failed;
    let ways: [&[Change]; 9] = [
        &[],
        &[Change::Planned],
        &[Change::Planned, Change::Release],
        &[Change::Planned, Change::Release, pause()],
        &[Change::Cancel],
        &[Change::Planned, Change::Release, Change::Finish],
        &[Change::Planned, Change::Release, Change::Finish, Change::Reopen { of }, Change::Reopened],
        &[Change::Cancel, Change::Seal],
        &[Change::Cancel, Change::Seal, Change::Exported],
    ];
    for (index, way) in ways.into_iter().enumerate() {
        let mut record = s.added(0, &format!("campaign {index}")).await;
        for change in way {
            record = s.made(&record, change.clone()).await;
        }
        let every = [
            Change::Planned,
            Change::Release,
            pause(),
            Change::Resume,
            Change::Cancel,
            Change::Finish,
            Change::Reopen { of },
            Change::Reopened,
            Change::Seal,
            Change::Exported,
            Change::Forgotten,
        ];
        let refused = |change: &&Change| !record.clone().change(change, s.now());
        for change in every.iter().filter(refused) {
            let answer = s.campaigns.change(&record.key, record.revision, change).await.unwrap();
            assert_eq!(answer, Changed::NotAllowed(record.clone()), "{change:?}");
            assert_eq!(s.loaded(&record).await, record);
        }
    }
}

/// The instant of the release is kept; a pause and a resume do not move it.
pub async fn a_release_happens_once(s: Subject) {
    let record = s.added(0, "spring").await;
    s.made(&record, Change::Planned).await;
    let released = s.made(&record, Change::Release).await;
    assert_eq!(released.released_at, Some(s.now()));
    (s.advance)(Duration::from_secs(60));
    let paused = s.made(&record, Change::Pause { code: WHY }).await;
    assert_eq!((paused.status, &paused.reason), (Status::Paused, &Some(WHY)));
    let resumed = s.made(&record, Change::Resume).await;
    assert_eq!((resumed.status, &resumed.reason), (Status::Released, &None));
    assert_eq!(resumed.released_at, released.released_at);
}

/// A round sets a finished campaign back to released, and its expiry counts anew.
pub async fn a_round_reopens_a_campaign(s: Subject) {
    let record = s.added(0, "spring").await;
    s.made(&record, Change::Planned).await;
    s.made(&record, Change::Release).await;
    s.made(&record, Change::Finish).await;
    (s.advance)(Duration::from_secs(7_200));
    let of = Resend::NotDelivered;
    let reopened = s.made(&record, Change::Reopen { of }).await;
    assert_eq!((reopened.status, reopened.round, reopened.reopening), (Status::Released, 1, Some(of)));
    assert_eq!(reopened.released_at, Some(s.now()));
    assert_eq!(s.loaded(&record).await, reopened);
    let ready = s.made(&record, Change::Reopened).await;
    assert_eq!((ready.status, ready.round, ready.reopening), (Status::Released, 1, None));
    let second = s.made(&record, Change::Reopen { of: Resend::Unknown }).await;
    assert_eq!((second.round, second.reopening), (2, Some(Resend::Unknown)));
}

/// While a round's messages are being reopened the campaign neither ends nor begins another one;
/// a cancellation ends both.
pub async fn a_round_is_opened_to_its_end(s: Subject) {
    let record = s.added(0, "spring").await;
    s.made(&record, Change::Planned).await;
    s.made(&record, Change::Release).await;
    let of = Resend::Failed;
    let reopened = s.made(&record, Change::Reopen { of }).await;
    for change in [Change::Finish, Change::Reopen { of }] {
        let answer = s.campaigns.change(&record.key, reopened.revision, &change).await.unwrap();
        assert_eq!(answer, Changed::NotAllowed(reopened.clone()));
    }
    let paused = s.made(&record, Change::Pause { code: WHY }).await;
    assert_eq!(paused.reopening, Some(of));
    let ready = s.made(&record, Change::Reopened).await;
    assert_eq!((ready.status, &ready.reason, ready.reopening), (Status::Paused, &Some(WHY), None));
    s.made(&record, Change::Resume).await;
    s.made(&record, Change::Reopen { of }).await;
    let cancelled = s.made(&record, Change::Cancel).await;
    assert_eq!((cancelled.status, cancelled.round, cancelled.reopening), (Status::Cancelled, 2, None));
}

/// The instant of a campaign's end is kept until a round reopens it.
pub async fn the_end_is_kept(s: Subject) {
    let (record, other) = (s.added(0, "spring").await, s.added(0, "summer").await);
    s.made(&record, Change::Planned).await;
    s.made(&record, Change::Release).await;
    (s.advance)(Duration::from_secs(60));
    let finished = s.made(&record, Change::Finish).await;
    assert_eq!(finished.ended_at, Some(s.now()));
    assert_eq!(s.loaded(&record).await, finished);
    let reopened = s.made(&record, Change::Reopen { of: Resend::Failed }).await;
    assert_eq!(reopened.ended_at, None);
    assert_eq!(s.loaded(&record).await, reopened);
    s.made(&record, Change::Reopened).await;
    for record in [&record, &other] {
        let cancelled = s.made(record, Change::Cancel).await;
        assert_eq!(cancelled.ended_at, Some(s.now()));
        (s.advance)(Duration::from_secs(60));
        for change in [Change::Seal, Change::Exported, Change::Forgotten] {
            assert_eq!(s.made(record, change).await.ended_at, cancelled.ended_at);
        }
        assert_eq!(s.loaded(record).await.ended_at, cancelled.ended_at);
    }
}

/// A campaign's secret is kept until its log is exported, and is gone from then on.
pub async fn the_secret_goes_when_the_log_is_exported(s: Subject) {
    let record = s.added(0, "spring").await;
    s.made(&record, Change::Cancel).await;
    assert_eq!(s.made(&record, Change::Seal).await.salt, record.salt);
    assert_eq!(s.loaded(&record).await.salt, record.salt);
    assert_eq!(s.made(&record, Change::Exported).await.salt, Salt::GONE);
    assert_eq!(s.loaded(&record).await.salt, Salt::GONE);
    assert_eq!(s.made(&record, Change::Forgotten).await.salt, Salt::GONE);
}

/// Another tenant's key, and one that was never given, find nothing and change nothing.
pub async fn a_foreign_key_finds_nothing(s: Subject) {
    let record = s.added(0, "spring").await;
    let theirs = crate::message::CampaignKey::new(&s.scopes[1], record.key.number());
    let never = crate::message::CampaignKey::new(&s.scopes[0], record.key.number() + 1);
    for key in [theirs, never] {
        let answer = s.campaigns.change(&key, record.revision, &Change::Cancel).await.unwrap();
        assert_eq!(answer, Changed::Missing);
        assert_eq!(s.campaigns.load(&[key]).await.unwrap(), [None]);
    }
    assert_eq!(s.loaded(&record).await, record);
}

/// Campaigns are loaded in the order of the keys, with a gap for each that does not exist.
pub async fn campaigns_are_loaded_in_order(s: Subject) {
    let (one, two) = (s.added(0, "one").await, s.added(0, "two").await);
    let never = crate::message::CampaignKey::new(&s.scopes[0], 99);
    let keys = [two.key.clone(), never, one.key.clone(), two.key.clone()];
    assert_eq!(s.campaigns.load(&keys).await.unwrap(), [Some(two.clone()), None, Some(one), Some(two)]);
}

/// A selection by name finds that campaign of that tenant alone.
pub async fn a_name_selects_one(s: Subject) {
    s.added(0, "spring").await;
    s.added(0, "summer").await;
    s.added(1, "summer").await;
    let select = Select::named(&s.scopes[0], &name("summer"));
    let found = s.campaigns.list(&select, 0, 10).await.unwrap();
    let keys: Vec<_> = found.iter().map(|record| (record.key.tenant(), record.name.as_str())).collect();
    assert_eq!(keys, [(s.scopes[0].id(), "summer")]);
    assert!(s.names(&Select::named(&s.scopes[1], &name("spring")), 0, 10).await.is_empty());
}

/// A tenant's list holds all of its campaigns and no other, in the order of their numbers.
pub async fn a_tenant_lists_its_own(s: Subject) {
    for (tenant, name) in [(0, "one"), (1, "two"), (0, "three"), (0, "four")] {
        s.added(tenant, name).await;
    }
    assert_eq!(s.names(&Select::of(&s.scopes[0]), 0, 10).await, ["one", "three", "four"]);
    assert_eq!(s.names(&Select::of(&s.scopes[1]), 0, 10).await, ["two"]);
}

/// A list comes in pages: up to `max`, from those after a number on.
pub async fn lists_come_in_pages(s: Subject) {
    for name in ["one", "two", "three"] {
        s.added(0, name).await;
    }
    let select = Select::of(&s.scopes[0]);
    let first = s.campaigns.list(&select, 0, 2).await.unwrap();
    assert_eq!(first.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let last = first.last().unwrap().key.number();
    assert_eq!(s.names(&select, last, 2).await, ["three"]);
    assert!(s.names(&select, last + 1, 2).await.is_empty());
}

/// Active are the released, paused and cancelled campaigns of all tenants.
pub async fn active_are_those_with_work(s: Subject) {
    let mut records = Vec::new();
    for (tenant, name) in [(0, "planning"), (1, "released"), (0, "paused"), (1, "cancelled"), (0, "planned")]
    {
        records.push(s.added(tenant, name).await);
    }
    let [_, released, paused, cancelled, planned] = records.as_slice() else { unreachable!() };
    for record in [released, paused, planned] {
        s.made(record, Change::Planned).await;
    }
    for record in [released, paused] {
        s.made(record, Change::Release).await;
    }
    s.made(paused, Change::Pause { code: WHY }).await;
    s.made(cancelled, Change::Cancel).await;
    assert_eq!(s.names(&Select::Active, 0, 10).await, ["released", "paused", "cancelled"]);
    assert_eq!(s.names(&Select::Released, 0, 10).await, ["released"]);
}

/// Ended are the finished, cancelled, sealed and exported campaigns of all tenants.
pub async fn ended_are_those_of_which_something_is_left(s: Subject) {
    let pause = || Change::Pause { code: WHY };
    let ways: [(&str, &[Change]); 8] = [
        ("planning", &[]),
        ("released", &[Change::Planned, Change::Release]),
        ("paused", &[Change::Planned, Change::Release, pause()]),
        ("finished", &[Change::Planned, Change::Release, Change::Finish]),
        ("cancelled", &[Change::Cancel]),
        ("sealed", &[Change::Cancel, Change::Seal]),
        ("exported", &[Change::Cancel, Change::Seal, Change::Exported]),
        ("forgotten", &[Change::Cancel, Change::Seal, Change::Exported, Change::Forgotten]),
    ];
    for (index, (name, way)) in ways.into_iter().enumerate() {
        let mut record = s.added(index % 2, name).await;
        for change in way {
            record = s.made(&record, change.clone()).await;
        }
        assert_eq!(record.status.as_str(), name);
    }
    assert_eq!(s.names(&Select::Ended, 0, 10).await, ["finished", "cancelled", "sealed", "exported"]);
    assert_eq!(s.names(&Select::Ended, 0, 3).await, ["finished", "cancelled", "sealed"]);
    assert_eq!(s.names(&Select::Active, 0, 10).await, ["released", "paused", "cancelled"]);
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! campaigns_conformance {
    ($new:path) => {
        $crate::conformance_cases! { campaigns, $new:
            what_is_added_comes_back_whole
            a_known_name_is_returned_unchanged
            two_tenants_may_use_one_name
            a_change_raises_the_revision
            an_old_revision_changes_nothing
            only_allowed_changes_are_made
            a_release_happens_once
            a_round_reopens_a_campaign
            a_round_is_opened_to_its_end
            the_end_is_kept
            the_secret_goes_when_the_log_is_exported
            a_foreign_key_finds_nothing
            campaigns_are_loaded_in_order
            a_name_selects_one
            a_tenant_lists_its_own
            lists_come_in_pages
            active_are_those_with_work
            ended_are_those_of_which_something_is_left
        }
    };
}

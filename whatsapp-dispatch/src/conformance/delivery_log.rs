//! What every [`DeliveryLog`](crate::delivery::DeliveryLog) promises.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::LeaseToken;
use rules_core::work::events::Entry;

pub use super::Subject;
use super::number;
use crate::campaign::CampaignKind;
use crate::campaigns::{CampaignRecord, Change, Created};
use crate::delivery::{
    Appended, BATCH, Forget, Kind, Manifest, Message, Place, PlanRow, PlanVerdict, Planned, Query, Recipient,
};
use crate::fact::{
    Answer, Begin, Begun, Counts, Fact, Facts, Hears, Recorded, Reopening, Resend, State, Subject as Of,
    Then, Wait, What,
};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, FIRST_STEP, MessageKey, PersonId, Salt};
use crate::people::{ConsentChange, ConsentSource, PersonKey, SentMark};
use crate::phone::PhoneNumber;
use crate::progress::{Bucket, DUPLICATE_PERSON, Progress, UNKNOWN_FINAL};

const WHY: Code = Code::known("test.why");
const OTHER: Code = Code::known("test.other");
const REOPEN: What = What::Reopened { why: Reopening::Policy };
const DAY: Duration = Duration::from_secs(24 * 3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// Somebody wants messages to be begun again.
fn round(number: u16, of: Resend) -> What {
    What::Reopened { why: Reopening::Round { number, of } }
}

/// The table of reactions wants a message to be begun again.
fn reaction(then: Then) -> What {
    What::Reopened { why: Reopening::Reaction { code: OTHER, then } }
}

fn wamid(n: u32) -> Wamid {
    Wamid::new(format!("wamid.{n:08}"))
}

fn lease(n: u8) -> LeaseToken {
    LeaseToken::of(&[&[n]])
}

fn person(n: u32) -> PersonId {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(n.to_be_bytes()) {
        *to = from;
    }
    PersonId::from_bytes(bytes)
}

/// A record of a source, with a verdict, that names person `n`.
fn row(n: u32, verdict: PlanVerdict) -> PlanRow {
    let to = Recipient {
        person: person(n),
        id: Salt::from_bytes([7; 32]).message(FIRST_STEP, person(n)),
        number: number(u64::from(n)),
        consent: n.is_multiple_of(2),
        zone: n.is_multiple_of(3).then_some(chrono_tz::Asia::Kolkata),
    };
    PlanRow { line: u64::from(n) + 2, verdict, to: Some(to), parameters: Bytes::from(n.to_string()) }
}

fn planned(people: impl IntoIterator<Item = u32>) -> Vec<PlanRow> {
    people.into_iter().map(|n| row(n, PlanVerdict::Planned)).collect()
}

impl Subject {
    async fn freeze(&self, campaign: &CampaignKey, batch: u32, rows: Vec<PlanRow>) -> Planned {
        let cursor = format!("after batch {batch}");
        let place = Place::Batch(batch);
        self.log.plan(&Manifest { campaign: campaign.clone(), place, cursor, rows }).await.unwrap()
    }

    /// A released campaign of tenant 0 with messages to people 0 to n.
    async fn released(&self, n: u32) -> CampaignRecord {
        let record = self.added(0, "released").await;
        self.freeze(&record.key, 0, planned(0..n)).await;
        self.made(&record, Change::Planned).await;
        self.made(&record, Change::Release).await
    }

    async fn begin(&self, message: &MessageKey, by: u8) -> Begun {
        self.log.begin(&[Begin::new(message.clone(), lease(by))]).await.unwrap().pop().unwrap()
    }

    /// Tells a fact that happens now.
    async fn tell(&self, of: Of, what: What) -> Recorded {
        self.log.record(&[Fact { of, at: self.now(), what }]).await.unwrap().pop().unwrap()
    }

    async fn answer(&self, message: &MessageKey, attempt: u16, what: What) -> Recorded {
        self.tell(Of::Attempt(message.clone(), attempt), what).await
    }

    async fn accept(&self, message: &MessageKey, n: u32) -> Recorded {
        self.answer(message, 1, What::Accepted { wamid: wamid(n) }).await
    }

    async fn callback(&self, message: &MessageKey, n: u32, what: What) -> Recorded {
        self.tell(Of::Callback(message.clone(), 1, wamid(n)), what).await
    }

    /// Tells what a webhook without our token tells.
    async fn by_wamid(&self, tenant: usize, n: u32, what: What) -> Recorded {
        let tenant = self.scopes.get(tenant).unwrap().id().clone();
        self.tell(Of::Wamid(tenant, wamid(n)), what).await
    }

    async fn refuse(&self, message: &MessageKey, attempt: u16, then: Then) -> Recorded {
        self.answer(message, attempt, What::Refused { code: WHY, then }).await
    }

    async fn message(&self, key: &MessageKey) -> Message {
        self.log.messages(&Query::Keys(vec![key.clone()])).await.unwrap().messages.pop().unwrap()
    }

    async fn facts(&self, key: &MessageKey) -> Facts {
        self.message(key).await.facts
    }

    async fn state(&self, key: &MessageKey) -> State {
        self.facts(key).await.state()
    }

    async fn progress(&self, campaign: &CampaignRecord) -> Progress {
        self.log.progress(std::slice::from_ref(&campaign.key)).await.unwrap().pop().unwrap()
    }

    /// A wish for a message that counts for person 9, now.
    fn counting(&self, campaign: &CampaignRecord, record: u32, judged: SentMark, by: u8) -> Begin {
        let counts = Some(Counts { person: person(9), judged, at: self.now() });
        Begin { counts, ..Begin::new(campaign.key.message(record), lease(by)) }
    }

    /// When marketing was sent to person n.
    async fn sent(&self, n: u32) -> Vec<DateTime<Utc>> {
        let person = PersonKey::new(&self.scopes[0], person(n));
        self.people.standing(&[person]).await.unwrap().remove(0).marketing_sent
    }

    /// The records that a scan finds, `max` at a time.
    async fn scan(&self, campaign: &CampaignKey, of: Kind, max: usize) -> Vec<u32> {
        let mut records = Vec::new();
        let mut from = Some(0);
        while let Some(start) = from {
            let query = Query::Scan { campaign: campaign.clone(), from: start, of, max };
            let page = self.log.messages(&query).await.unwrap();
            assert!(page.messages.len() <= max);
            assert!(page.next.is_none_or(|next| start < next), "a scan goes forward");
            records.extend(page.messages.iter().map(|message| message.key.record()));
            from = page.next;
        }
        records
    }

    /// Forgets all of it; says whether there was more than one part.
    async fn forget(&self, what: &Forget) -> bool {
        let mut parts = 1;
        while self.log.forget(what).await.unwrap() {
            parts += 1;
            assert!(parts < 1_000, "it comes to an end");
        }
        1 < parts
    }

    /// The parameters of the first records, as texts.
    async fn parameters(&self, campaign: &CampaignKey) -> Vec<String> {
        let query = Query::Scan { campaign: campaign.clone(), from: 0, of: Kind::Any, max: 2_000 };
        let messages = self.log.messages(&query).await.unwrap().messages;
        messages.iter().map(|message| String::from_utf8(message.parameters.to_vec()).unwrap()).collect()
    }

    /// A campaign as it is once its log was exported.
    async fn exported(&self, campaign: &CampaignRecord) {
        for change in [Change::Cancel, Change::Seal, Change::Exported] {
            self.made(campaign, change).await;
        }
    }

    async fn evidence(&self) -> Vec<Entry> {
        self.outbox.pending(1_000).await.unwrap().into_iter().map(|(_, entry)| entry).collect()
    }

    /// Asserts that progress counts exactly what the messages say.
    async fn sums_hold(&self, campaign: &CampaignRecord) {
        let query = Query::Scan { campaign: campaign.key.clone(), from: 0, of: Kind::Any, max: 2_000 };
        let messages = self.log.messages(&query).await.unwrap().messages;
        let progress = self.progress(campaign).await;
        let mut labels = std::collections::BTreeMap::new();
        for message in &messages {
            let label = match &message.verdict {
                PlanVerdict::Planned => crate::progress::Label::of(&message.facts),
                other => crate::progress::Label::planned(other),
            };
            *labels.entry(label).or_insert(0_u64) += 1;
        }
        let counted: std::collections::BTreeMap<_, _> =
            progress.labels().map(|(label, count)| (label.clone(), count)).collect();
        assert_eq!(counted, labels);
        assert_eq!(progress.rows(), messages.len() as u64);
        let begun: u64 = messages.iter().map(|message| u64::from(message.facts.attempts)).sum();
        let accepted = messages.iter().filter(|message| message.facts.was_taken()).count();
        assert_eq!((progress.begun, progress.accepted), (begun, accepted as u64));
        let risked: u64 = messages.iter().map(|message| u64::from(message.facts.risked)).sum();
        let doubled = messages.iter().filter(|message| message.facts.was_doubled()).count();
        assert_eq!((progress.risked, progress.doubled), (risked, doubled as u64));
    }
}

/// What is frozen comes back as it was given, under the number of its record.
pub async fn a_batch_comes_back_whole(s: Subject) {
    let campaign = s.added(0, "c").await.key;
    let unnamed =
        PlanRow { line: 9, verdict: PlanVerdict::Malformed(WHY), to: None, parameters: Bytes::new() };
    let rows = vec![row(0, PlanVerdict::Planned), row(3, PlanVerdict::Suppressed(WHY)), unnamed];
    assert_eq!(s.freeze(&campaign, 0, rows.clone()).await, Planned::Frozen { duplicates: vec![] });
    for (record, row) in (0..).zip(rows) {
        let PlanRow { line, verdict, to, parameters } = row;
        let key = campaign.message(record);
        let expected = Message { key: key.clone(), line, verdict, to, parameters, facts: Facts::default() };
        assert_eq!(s.message(&key).await, expected);
    }
}

/// Batch *n* holds the records from *n* x `BATCH` on, however short the batch before was.
pub async fn a_batch_begins_at_its_own_record(s: Subject) {
    let campaign = s.added(0, "c").await.key;
    s.freeze(&campaign, 0, planned([0, 1])).await;
    s.freeze(&campaign, 1, planned([2])).await;
    let second = u32::try_from(BATCH).unwrap();
    assert_eq!(s.scan(&campaign, Kind::Any, 10).await, [0, 1, second]);
}

/// A batch that is frozen already, or one out of order, changes nothing.
pub async fn only_the_next_batch_is_frozen(s: Subject) {
    let campaign = s.added(0, "c").await;
    let key = &campaign.key;
    assert_eq!(s.freeze(key, 1, planned([1])).await, Planned::Next(0));
    s.freeze(key, 0, planned([0])).await;
    let before = s.progress(&campaign).await;
    assert_eq!((before.batches, before.cursor.as_deref()), (1, Some("after batch 0")));
    for batch in [0, 2, 7] {
        assert_eq!(s.freeze(key, batch, planned([5, 6])).await, Planned::Next(1));
    }
    assert_eq!(s.progress(&campaign).await, before);
    assert_eq!(s.scan(key, Kind::Any, 10).await, [0]);
}

/// After planning has ended no batch is frozen any more.
pub async fn a_planned_campaign_takes_no_batch(s: Subject) {
    let campaign = s.released(1).await;
    assert_eq!(s.freeze(&campaign.key, 1, planned([5])).await, Planned::Next(1));
    assert_eq!(s.progress(&campaign).await.rows(), 1);
}

/// A planned record whose message id the campaign has already is frozen as a duplicate, within a
/// batch and across batches.
pub async fn one_person_is_planned_once(s: Subject) {
    let campaign = s.added(0, "c").await;
    let first = s.freeze(&campaign.key, 0, planned([1, 2, 1])).await;
    assert_eq!(first, Planned::Frozen { duplicates: vec![2] });
    let second = s.freeze(&campaign.key, 1, planned([3, 2, 3])).await;
    assert_eq!(second, Planned::Frozen { duplicates: vec![1, 2] });
    let progress = s.progress(&campaign).await;
    assert_eq!((progress.planned(), progress.in_bucket(Bucket::Duplicate)), (3, 3));
    assert_eq!(s.message(&campaign.key.message(2)).await.verdict, PlanVerdict::Duplicate);
}

/// A record that is not planned takes nobody's place.
pub async fn a_suppressed_record_leaves_room_for_a_planned_one(s: Subject) {
    let campaign = s.added(0, "c").await;
    let rows = vec![row(1, PlanVerdict::Suppressed(WHY)), row(1, PlanVerdict::Planned)];
    assert_eq!(s.freeze(&campaign.key, 0, rows).await, Planned::Frozen { duplicates: vec![] });
    assert_eq!(s.freeze(&campaign.key, 1, planned([1])).await, Planned::Frozen { duplicates: vec![0] });
}

/// Another campaign may write to the same person.
pub async fn campaigns_do_not_share_duplicates(s: Subject) {
    for name in ["one", "two"] {
        let campaign = s.added(0, name).await;
        let frozen = s.freeze(&campaign.key, 0, planned([1])).await;
        assert_eq!(frozen, Planned::Frozen { duplicates: vec![] });
    }
}

/// A frozen batch is evidence: who gets nothing and why, under the campaign's chain.
pub async fn a_frozen_batch_is_evidence(s: Subject) {
    let campaign = s.added(0, "c").await;
    s.freeze(&campaign.key, 0, vec![row(1, PlanVerdict::Planned), row(2, PlanVerdict::Suppressed(WHY))])
        .await;
    s.freeze(&campaign.key, 0, planned([1])).await;
    let entries = s.evidence().await;
    assert_eq!(entries.len(), 1, "what changes nothing is no evidence");
    let entry = entries.first().unwrap();
    assert_eq!((entry.kind.as_str(), entry.chain.tenant()), ("dispatch.planned", s.scopes[0].id()));
    assert!(entry.body.contains("\"test.why\""), "{}", entry.body);
}

/// What is marked as queued never becomes less.
pub async fn a_mark_never_goes_back(s: Subject) {
    let campaign = s.added(0, "c").await;
    for (mark, queued) in [(2, 2), (1, 2), (3, 3), (0, 3)] {
        s.log.mark(&campaign.key, mark).await.unwrap();
        assert_eq!(s.progress(&campaign).await.queued, queued);
    }
}

/// A planned message of a released campaign is begun, counted, from attempt 1 on.
pub async fn a_message_is_begun(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    assert_eq!(s.begin(&key, 1).await, Begun::Attempt(1));
    let facts = s.facts(&key).await;
    assert_eq!((facts.attempts, facts.counted, facts.begun_at), (1, 1, Some(s.now())));
    assert_eq!(facts.state(), State::Sending);
    assert_eq!(s.progress(&campaign).await.begun, 1);
    s.sums_hold(&campaign).await;
}

/// Asking again under the same lease gives the same attempt and begins nothing.
pub async fn the_same_lease_gets_the_same_attempt(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    let (facts, evidence) = (s.facts(&key).await, s.evidence().await.len());
    (s.advance)(MINUTE);
    assert_eq!(s.begin(&key, 1).await, Begun::Attempt(1));
    assert_eq!(s.facts(&key).await, facts);
    assert_eq!((s.progress(&campaign).await.begun, s.evidence().await.len()), (1, evidence));
}

/// Under another lease a begun message is in flight.
pub async fn another_lease_finds_it_in_flight(s: Subject) {
    let key = s.released(1).await.key.message(0);
    s.begin(&key, 1).await;
    assert_eq!(s.begin(&key, 2).await, Begun::InFlight(1));
}

/// Wishes are answered in order, also several for one message.
pub async fn wishes_are_answered_in_order(s: Subject) {
    let campaign = s.released(2).await.key;
    let wish = |record, by| Begin::new(campaign.message(record), lease(by));
    let wishes = [wish(1, 1), wish(9, 1), wish(0, 1), wish(1, 2), wish(1, 1)];
    let answers = s.log.begin(&wishes).await.unwrap();
    let expected =
        [Begun::Attempt(1), Begun::Unplanned, Begun::Attempt(1), Begun::InFlight(1), Begun::Attempt(1)];
    assert_eq!(answers, expected);
}

/// Whatever was not planned is never begun.
pub async fn what_was_not_planned_is_not_begun(s: Subject) {
    let campaign = s.added(0, "c").await;
    let verdicts = [
        PlanVerdict::Malformed(WHY),
        PlanVerdict::Invalid(WHY),
        PlanVerdict::Suppressed(WHY),
        PlanVerdict::Planned,
        PlanVerdict::Planned,
    ];
    let mut rows: Vec<PlanRow> = (0..).zip(verdicts).map(|(n, verdict)| row(n, verdict)).collect();
    rows.last_mut().unwrap().to = row(3, PlanVerdict::Planned).to;
    s.freeze(&campaign.key, 0, rows).await;
    s.made(&campaign, Change::Planned).await;
    s.made(&campaign, Change::Release).await;
    for record in [0, 1, 2, 4, 5] {
        assert_eq!(s.begin(&campaign.key.message(record), 1).await, Begun::Unplanned, "{record}");
    }
    let never = CampaignKey::new(&s.scopes[0], campaign.key.number() + 1);
    assert_eq!(s.begin(&never.message(0), 1).await, Begun::Unplanned);
    assert_eq!(s.progress(&campaign).await.begun, 0);
}

/// Before its release a campaign begins nothing.
pub async fn nothing_begins_before_the_release(s: Subject) {
    let campaign = s.added(0, "c").await;
    s.freeze(&campaign.key, 0, planned([1])).await;
    let key = campaign.key.message(0);
    assert_eq!(s.begin(&key, 1).await, Begun::NotReleased);
    s.made(&campaign, Change::Planned).await;
    assert_eq!(s.begin(&key, 1).await, Begun::NotReleased);
}

/// While it is paused a campaign begins nothing; after a resume it does.
pub async fn nothing_begins_in_a_pause(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.made(&campaign, Change::Pause { code: WHY }).await;
    assert_eq!(s.begin(&key, 1).await, Begun::Paused);
    s.made(&campaign, Change::Resume).await;
    assert_eq!(s.begin(&key, 1).await, Begun::Attempt(1));
}

/// After it was cancelled a campaign begins nothing.
pub async fn nothing_begins_after_a_cancellation(s: Subject) {
    let campaign = s.released(1).await;
    s.made(&campaign, Change::Cancel).await;
    assert_eq!(s.begin(&campaign.key.message(0), 1).await, Begun::Cancelled);
}

/// After the campaign's time nothing begins; up to its last instant it does.
pub async fn nothing_begins_too_late(s: Subject) {
    let campaign = s.released(2).await.key;
    (s.advance)(Duration::from_secs(3_600));
    assert_eq!(s.begin(&campaign.message(0), 1).await, Begun::Attempt(1));
    (s.advance)(Duration::from_millis(1));
    assert_eq!(s.begin(&campaign.message(1), 1).await, Begun::Late);
}

/// When the attempts that count are used up, nothing begins.
pub async fn attempts_are_used_up(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    for attempt in 1..=3 {
        assert_eq!(s.begin(&key, 1).await, Begun::Attempt(attempt));
        s.refuse(&key, attempt, Then::Again { at: s.now(), counted: true }).await;
    }
    assert_eq!(s.begin(&key, 1).await, Begun::Exhausted);
    s.sums_hold(&campaign).await;
}

/// An attempt that does not count is numbered and leaves the cap alone.
pub async fn a_throttled_attempt_does_not_count(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    for attempt in 1..=9 {
        assert_eq!(s.begin(&key, 1).await, Begun::Attempt(attempt));
        s.refuse(&key, attempt, Then::Again { at: s.now(), counted: false }).await;
    }
    let facts = s.facts(&key).await;
    assert_eq!((facts.attempts, facts.counted), (9, 0));
    assert_eq!(s.progress(&campaign).await.begun, 9);
}

/// A refusal that leaves the person alone for a while uses up no attempt; each kind of wait is
/// counted on its own, and waiting for marketing is a deferral.
pub async fn waits_of_a_person_are_counted_apart(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    for (attempt, wait) in [(1, Wait::Pair), (2, Wait::Marketing), (3, Wait::Pair)] {
        assert_eq!(s.begin(&key, 1).await, Begun::Attempt(attempt));
        let at = s.instant(MINUTE);
        s.refuse(&key, attempt, Then::Later { at, wait }).await;
        assert_eq!(s.begin(&key, 1).await, Begun::NotBefore(at));
        let state = s.facts(&key).await.state();
        assert_eq!(state, if wait == Wait::Pair { State::Waiting } else { State::Deferred });
        (s.advance)(MINUTE);
    }
    let facts = s.facts(&key).await;
    assert_eq!((facts.counted, facts.backoffs, facts.deferrals), (0, 2, 1));
    s.sums_hold(&campaign).await;
}

/// What waits until an instant is not begun before it.
pub async fn nothing_begins_before_its_instant(s: Subject) {
    let key = s.released(1).await.key.message(0);
    s.begin(&key, 1).await;
    let at = s.instant(MINUTE);
    s.refuse(&key, 1, Then::Again { at, counted: true }).await;
    assert_eq!(s.state(&key).await, State::Waiting);
    assert_eq!(s.begin(&key, 1).await, Begun::NotBefore(at));
    (s.advance)(MINUTE);
    assert_eq!(s.begin(&key, 2).await, Begun::Attempt(2));
}

/// Whatever has its outcome is closed.
pub async fn what_has_its_outcome_is_closed(s: Subject) {
    let campaign = s.released(6).await;
    let ends = [
        What::Accepted { wamid: wamid(0) },
        What::Refused { code: WHY, then: Then::Final },
        What::Refused { code: WHY, then: Then::Dead },
        What::InDoubt { code: WHY },
    ];
    let states = [State::Accepted, State::Failed, State::Dead, State::Unknown];
    for ((record, what), state) in (0..).zip(ends).zip(states) {
        let key = campaign.key.message(record);
        s.begin(&key, 1).await;
        assert_eq!(s.answer(&key, 1, what).await, Recorded::Applied);
        assert_eq!(s.state(&key).await, state);
        assert_eq!(s.begin(&key, 1).await, Begun::Closed);
    }
    for (record, what, state) in
        [(4, What::Denied { code: WHY }, State::Dead), (5, What::Expired, State::Expired)]
    {
        let key = campaign.key.message(record);
        assert_eq!(s.answer(&key, 0, what).await, Recorded::Applied);
        assert_eq!(s.state(&key).await, state);
        assert_eq!(s.begin(&key, 1).await, Begun::Closed);
    }
    s.sums_hold(&campaign).await;
}

/// An answer tells of its own attempt only.
pub async fn an_answer_of_an_earlier_attempt_is_passed_over(s: Subject) {
    let key = s.released(1).await.key.message(0);
    s.begin(&key, 1).await;
    s.refuse(&key, 1, Then::Again { at: s.now(), counted: true }).await;
    s.begin(&key, 2).await;
    assert_eq!(s.refuse(&key, 1, Then::Final).await, Recorded::Known);
    assert_eq!(s.answer(&key, 1, What::InDoubt { code: WHY }).await, Recorded::Known);
    assert_eq!(s.state(&key).await, State::Sending);
}

/// A repeated fact is known and changes nothing.
pub async fn a_fact_may_be_repeated(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    let facts = [What::Accepted { wamid: wamid(1) }, What::Sent, What::Delivered, What::Read]
        .map(|what| Fact { of: Of::Callback(key.clone(), 1, wamid(1)), at: s.now(), what });
    assert_eq!(s.log.record(&facts).await.unwrap(), [Recorded::Applied; 4]);
    let (known, evidence) = (s.facts(&key).await, s.evidence().await.len());
    (s.advance)(MINUTE);
    assert_eq!(s.log.record(&facts).await.unwrap(), [Recorded::Known; 4]);
    assert_eq!((s.facts(&key).await, s.evidence().await.len()), (known, evidence));
    s.sums_hold(&campaign).await;
}

/// Putting a message off again until the same instant for the same reason changes nothing, as after a
/// lost answer.
pub async fn a_message_is_put_off_once(s: Subject) {
    let key = s.released(1).await.key.message(0);
    let minute = s.instant(MINUTE);
    let put_off = |until, code| What::Deferred { until, code };
    assert_eq!(s.answer(&key, 0, put_off(minute, WHY)).await, Recorded::Applied);
    let (facts, evidence) = (s.facts(&key).await, s.evidence().await.len());
    (s.advance)(Duration::from_secs(1));
    assert_eq!(s.answer(&key, 0, put_off(minute, WHY)).await, Recorded::Known);
    assert_eq!((s.facts(&key).await, s.evidence().await.len()), (facts, evidence));
    assert_eq!(s.answer(&key, 0, put_off(minute, OTHER)).await, Recorded::Applied);
    assert_eq!(s.answer(&key, 0, put_off(s.instant(MINUTE), OTHER)).await, Recorded::Applied);
}

/// A deferred message waits until its instant, under its reason.
pub async fn a_deferred_message_waits(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    let until = s.instant(MINUTE);
    assert_eq!(s.answer(&key, 0, What::Deferred { until, code: WHY }).await, Recorded::Applied);
    assert_eq!(s.begin(&key, 1).await, Begun::NotBefore(until));
    let progress = s.progress(&campaign).await;
    assert_eq!(progress.in_state(State::Deferred), 1);
    assert_eq!(progress.reasons().get(&WHY), Some(&1));
    (s.advance)(MINUTE);
    assert_eq!(s.begin(&key, 1).await, Begun::Attempt(1));
    s.sums_hold(&campaign).await;
}

/// Positive evidence beats `failed`, in any order.
pub async fn positive_evidence_beats_failed(s: Subject) {
    let campaign = s.released(2).await;
    let orders =
        [[What::Failed { code: WHY }, What::Delivered], [What::Delivered, What::Failed { code: WHY }]];
    for (record, order) in (0..).zip(orders) {
        let key = campaign.key.message(record);
        s.begin(&key, 1).await;
        s.accept(&key, record).await;
        for what in order {
            s.callback(&key, record, what).await;
        }
        assert_eq!(s.state(&key).await, State::Delivered);
    }
    assert_eq!(s.progress(&campaign).await.in_state(State::Delivered), 2);
    s.sums_hold(&campaign).await;
}

/// A webhook that names the attempt binds WhatsApp's id and ends doubt.
pub async fn a_callback_ends_doubt(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    s.answer(&key, 1, What::InDoubt { code: WHY }).await;
    assert_eq!(s.callback(&key, 1, What::Sent).await, Recorded::Applied);
    let facts = s.facts(&key).await;
    assert_eq!((facts.state(), facts.wamid), (State::Accepted, Some(wamid(1))));
    assert_eq!(s.progress(&campaign).await.accepted, 1);
    assert_eq!(s.begin(&key, 2).await, Begun::Closed);
    s.sums_hold(&campaign).await;
}

/// A late refusal of the same attempt ends doubt: then it is certain that nothing was sent.
pub async fn a_refusal_ends_doubt(s: Subject) {
    let key = s.released(1).await.key.message(0);
    s.begin(&key, 1).await;
    s.answer(&key, 1, What::InDoubt { code: OTHER }).await;
    assert_eq!(s.refuse(&key, 1, Then::Again { at: s.now(), counted: true }).await, Recorded::Applied);
    assert_eq!(s.begin(&key, 2).await, Begun::Attempt(2));
}

/// Once WhatsApp took a message, no doubt and no refusal undoes that.
pub async fn acceptance_is_not_undone(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    s.callback(&key, 1, What::Sent).await;
    assert_eq!(s.answer(&key, 1, What::InDoubt { code: WHY }).await, Recorded::Known);
    assert_eq!(s.refuse(&key, 1, Then::Final).await, Recorded::Known);
    (s.advance)(Duration::from_millis(5));
    assert_eq!(s.accept(&key, 1).await, Recorded::Applied, "an answer tells the instant itself");
    let facts = s.facts(&key).await;
    assert_eq!(
        (facts.state(), facts.answer, facts.accepted_at),
        (State::Accepted, Answer::Accepted, Some(s.now()))
    );
    assert_eq!(s.progress(&campaign).await.accepted, 1);
    s.sums_hold(&campaign).await;
}

/// What WhatsApp took and holds back is accepted, until its servers send it on.
pub async fn a_held_message_is_accepted(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    let held = What::Held { wamid: wamid(1) };
    assert_eq!(s.answer(&key, 1, held.clone()).await, Recorded::Applied);
    assert_eq!(s.answer(&key, 1, held).await, Recorded::Known);
    let facts = s.facts(&key).await;
    assert_eq!((facts.state(), facts.held, facts.is_held()), (State::Accepted, true, true));
    let progress = s.progress(&campaign).await;
    assert_eq!((progress.held, progress.accepted), (1, 1));
    s.callback(&key, 1, What::Sent).await;
    assert!(!s.facts(&key).await.is_held());
    s.sums_hold(&campaign).await;
}

/// What was listened to was read.
pub async fn what_was_played_was_read(s: Subject) {
    let campaign = s.released(2).await;
    for record in 0..2 {
        let key = campaign.key.message(record);
        s.begin(&key, 1).await;
        s.accept(&key, record).await;
    }
    assert_eq!(s.callback(&campaign.key.message(0), 0, What::Played).await, Recorded::Applied);
    s.by_wamid(0, 1, What::Played).await;
    s.log.adopt().await.unwrap();
    for record in 0..2 {
        let facts = s.facts(&campaign.key.message(record)).await;
        assert_eq!((facts.state(), facts.played_at), (State::Read, Some(s.now())));
    }
    s.sums_hold(&campaign).await;
}

/// What is given up stays unknown and is not looked at again; a late webhook ends it all the same.
pub async fn what_is_given_up_stays_unknown(s: Subject) {
    let campaign = s.released(2).await;
    let key = campaign.key.message(0);
    assert_eq!(s.answer(&key, 0, What::GivenUp).await, Recorded::Known, "nothing is in doubt");
    s.begin(&key, 1).await;
    s.answer(&key, 1, What::InDoubt { code: WHY }).await;
    assert_eq!(s.progress(&campaign).await.in_doubt(), 1);
    assert_eq!(s.answer(&key, 1, What::GivenUp).await, Recorded::Applied);
    assert_eq!(s.answer(&key, 1, What::GivenUp).await, Recorded::Known);
    assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Known, "it is final");
    assert_eq!((s.state(&key).await, s.begin(&key, 2).await), (State::Unknown, Begun::Closed));
    assert_eq!(s.scan(&campaign.key, Kind::DoubtedBefore(s.instant(DAY)), 10).await, [0_u32; 0]);
    let progress = s.progress(&campaign).await;
    assert_eq!((progress.in_state(State::Unknown), progress.in_doubt()), (1, 0));
    assert_eq!(progress.reasons().get(&UNKNOWN_FINAL), Some(&1));
    s.callback(&key, 1, What::Delivered).await;
    assert_eq!(s.state(&key).await, State::Delivered);
    s.sums_hold(&campaign).await;
}

/// A message in doubt is begun again once somebody decided so, and the risk is counted.
pub async fn a_decision_begins_doubt_again(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Known, "its answer is awaited");
    s.answer(&key, 1, What::InDoubt { code: WHY }).await;
    assert_eq!(s.begin(&key, 2).await, Begun::Closed);
    assert_eq!(s.answer(&key, 2, REOPEN).await, Recorded::Known, "no such attempt");
    assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Applied);
    assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Known);
    assert_eq!(s.state(&key).await, State::Waiting);
    assert_eq!(s.begin(&key, 2).await, Begun::Attempt(2));
    assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Known, "an old decision");
    let facts = s.facts(&key).await;
    assert_eq!((facts.risked, facts.counted, facts.doubted), (1, 2, false));
    assert_eq!(s.progress(&campaign).await.risked, 1);
    s.sums_hold(&campaign).await;
}

/// Evidence about an attempt in doubt makes the next one needless, whatever was decided before.
pub async fn evidence_makes_another_attempt_needless(s: Subject) {
    let campaign = s.released(8).await;
    let ends = [
        (What::Sent, State::Accepted),
        (What::Delivered, State::Delivered),
        (What::Read, State::Read),
        (What::Failed { code: WHY }, State::Failed),
    ];
    for (n, (what, state)) in (0..).zip(ends) {
        for reopened_first in [true, false] {
            let record = n * 2 + u32::from(reopened_first);
            let key = campaign.key.message(record);
            s.begin(&key, 1).await;
            s.answer(&key, 1, What::InDoubt { code: OTHER }).await;
            if reopened_first {
                assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Applied);
                let until = s.instant(MINUTE);
                s.answer(&key, 1, What::Deferred { until, code: OTHER }).await;
            }
            s.callback(&key, record, what.clone()).await;
            if !reopened_first {
                assert_eq!(s.answer(&key, 1, REOPEN).await, Recorded::Known);
            }
            assert_eq!((s.state(&key).await, s.begin(&key, 2).await), (state, Begun::Closed));
        }
    }
    s.sums_hold(&campaign).await;
}

/// A late webhook about an attempt that was in doubt is attached to its message. If WhatsApp took
/// both, that is counted; if it gave up on the first, the second goes on.
pub async fn late_evidence_is_attached(s: Subject) {
    let campaign = s.released(3).await;
    let keys = [0, 1, 2].map(|record| campaign.key.message(record));
    for key in &keys {
        s.begin(key, 1).await;
        s.answer(key, 1, What::InDoubt { code: OTHER }).await;
        s.answer(key, 1, REOPEN).await;
        assert_eq!(s.begin(key, 2).await, Begun::Attempt(2));
    }
    let [taken, failed, in_doubt] = &keys;
    assert_eq!(s.callback(taken, 1, What::Sent).await, Recorded::Applied);
    assert_eq!(s.callback(taken, 1, What::Sent).await, Recorded::Known);
    assert_eq!(s.state(taken).await, State::Sending, "its own answer is awaited");
    assert_eq!(s.progress(&campaign).await.doubled, 0);
    s.answer(taken, 2, What::Accepted { wamid: wamid(2) }).await;
    assert_eq!(s.progress(&campaign).await.doubled, 1);

    assert_eq!(s.callback(failed, 3, What::Failed { code: WHY }).await, Recorded::Applied);
    assert_eq!(s.state(failed).await, State::Sending);
    s.answer(failed, 2, What::Accepted { wamid: wamid(4) }).await;
    assert_eq!(s.state(failed).await, State::Accepted);

    s.answer(in_doubt, 2, What::InDoubt { code: OTHER }).await;
    s.callback(in_doubt, 5, What::Sent).await;
    assert_eq!((s.state(in_doubt).await, s.begin(in_doubt, 3).await), (State::Accepted, Begun::Closed));
    s.callback(in_doubt, 5, What::Failed { code: WHY }).await;
    assert_eq!(s.state(in_doubt).await, State::Unknown);
    let progress = s.progress(&campaign).await;
    assert_eq!((progress.risked, progress.doubled, progress.accepted), (3, 2, 3));
    s.sums_hold(&campaign).await;
}

/// A rule that denies a message whose first attempt is in doubt does not end the doubt.
pub async fn a_denial_does_not_end_doubt(s: Subject) {
    let campaign = s.released(2).await;
    for (record, what) in [(0, What::Denied { code: WHY }), (1, What::Expired)] {
        let key = campaign.key.message(record);
        s.begin(&key, 1).await;
        s.answer(&key, 1, What::InDoubt { code: OTHER }).await;
        s.answer(&key, 1, REOPEN).await;
        assert_eq!(s.answer(&key, 1, what).await, Recorded::Applied);
        assert_eq!((s.state(&key).await, s.begin(&key, 2).await), (State::Unknown, Begun::Closed));
    }
    assert_eq!(s.progress(&campaign).await.in_doubt(), 0);
    s.sums_hold(&campaign).await;
}

/// A round begins what it covers again, each message once, and attempts count anew.
pub async fn a_round_begins_again(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    for attempt in 1..=3 {
        s.begin(&key, 1).await;
        s.refuse(&key, attempt, Then::Again { at: s.now(), counted: true }).await;
    }
    assert_eq!(s.answer(&key, 3, round(1, Resend::NotDelivered)).await, Recorded::Known, "it waits");
    assert_eq!(s.begin(&key, 1).await, Begun::Exhausted);
    s.answer(&key, 0, What::Denied { code: WHY }).await;
    assert_eq!(s.answer(&key, 3, round(1, Resend::Unknown)).await, Recorded::Known, "it is not in doubt");
    assert_eq!(s.answer(&key, 3, round(1, Resend::Failed)).await, Recorded::Applied);
    assert_eq!(s.answer(&key, 3, round(1, Resend::Failed)).await, Recorded::Known);
    assert_eq!(s.state(&key).await, State::Waiting);
    assert_eq!(s.begin(&key, 1).await, Begun::Attempt(4));
    assert_eq!(s.facts(&key).await.counted, 1);
    s.refuse(&key, 4, Then::Final).await;
    assert_eq!(s.answer(&key, 4, round(1, Resend::Failed)).await, Recorded::Known, "once in a round");
    assert_eq!(s.answer(&key, 4, round(2, Resend::Failed)).await, Recorded::Applied);
    assert_eq!(s.progress(&campaign).await.in_state(State::Waiting), 1);
    s.sums_hold(&campaign).await;
}

/// A message that failed for a reason that passes is begun again, once for each attempt that
/// failed, and not if the person has it.
pub async fn what_failed_for_a_passing_reason_is_begun_again(s: Subject) {
    let campaign = s.released(2).await;
    let (key, other) = (campaign.key.message(0), campaign.key.message(1));
    let (soon, tomorrow) = (s.instant(MINUTE), s.instant(DAY));
    let again = || reaction(Then::Again { at: soon, counted: true });
    let later = || reaction(Then::Later { at: tomorrow, wait: Wait::Marketing });
    for (n, key) in [(1, &key), (2, &other)] {
        s.begin(key, 1).await;
        s.accept(key, n).await;
        assert_eq!(s.answer(key, 1, again()).await, Recorded::Known, "it has not failed");
    }
    s.callback(&key, 1, What::Failed { code: OTHER }).await;
    assert_eq!(s.answer(&key, 1, again()).await, Recorded::Applied);
    assert_eq!(s.callback(&key, 1, What::Failed { code: OTHER }).await, Recorded::Known);
    assert_eq!(s.answer(&key, 1, again()).await, Recorded::Known, "once");
    assert_eq!(s.begin(&key, 2).await, Begun::NotBefore(soon));
    // Both in one call, as whoever applies webhooks does it.
    let fact = |of, what| Fact { of, at: s.now(), what };
    let failed = fact(Of::Callback(other.clone(), 1, wamid(2)), What::Failed { code: OTHER });
    let reopened = fact(Of::Attempt(other.clone(), 1), later());
    assert_eq!(s.log.record(&[failed, reopened]).await.unwrap(), [Recorded::Applied; 2]);
    let facts = s.facts(&other).await;
    assert_eq!((facts.state(), facts.deferrals, facts.counted), (State::Deferred, 1, 0));
    s.sums_hold(&campaign).await;

    (s.advance)(MINUTE);
    assert_eq!(s.begin(&key, 2).await, Begun::Attempt(2));
    s.callback(&key, 1, What::Failed { code: OTHER }).await;
    assert_eq!(s.answer(&key, 1, again()).await, Recorded::Known, "the next attempt is on its way");
    assert_eq!(s.state(&key).await, State::Sending);
    s.answer(&key, 2, What::Accepted { wamid: wamid(3) }).await;
    let facts = s.facts(&key).await;
    assert_eq!((facts.state(), facts.counted, facts.risked), (State::Accepted, 2, 0));
    assert_eq!(s.callback(&other, 2, What::Delivered).await, Recorded::Applied);
    (s.advance)(DAY);
    assert_eq!((s.state(&other).await, s.begin(&other, 2).await), (State::Delivered, Begun::Closed));
    assert_eq!(s.answer(&other, 1, later()).await, Recorded::Known);
    s.sums_hold(&campaign).await;
}

/// A round sets the attempts before it aside: what is told of them late counts only if the person
/// has the message, and that closes it.
pub async fn a_round_sets_earlier_attempts_aside(s: Subject) {
    let campaign = s.released(5).await;
    let keys = [0, 1, 2, 3, 4].map(|record| campaign.key.message(record));
    for (record, key) in (0..).zip(&keys) {
        s.begin(key, 1).await;
        s.accept(key, record).await;
        s.callback(key, record, What::Failed { code: WHY }).await;
        assert_eq!(s.answer(key, 1, round(1, Resend::Failed)).await, Recorded::Applied);
    }
    let [waits, before, begun, by_id, old] = &keys;
    s.callback(waits, 0, What::Sent).await;
    s.callback(waits, 0, What::Failed { code: OTHER }).await;
    assert_eq!(s.state(waits).await, State::Waiting);
    s.callback(before, 1, What::Delivered).await;
    assert_eq!((s.state(before).await, s.begin(before, 2).await), (State::Delivered, Begun::Closed));
    for key in [begun, by_id, old] {
        assert_eq!(s.begin(key, 2).await, Begun::Attempt(2));
    }
    s.callback(begun, 2, What::Failed { code: OTHER }).await;
    assert_eq!(s.state(begun).await, State::Sending);
    s.callback(begun, 2, What::Read).await;
    assert_eq!(s.state(begun).await, State::Read);
    s.by_wamid(0, 3, What::Delivered).await;
    s.answer(old, 2, What::Accepted { wamid: wamid(14) }).await;
    s.by_wamid(0, 4, What::Failed { code: OTHER }).await;
    s.log.adopt().await.unwrap();
    assert_eq!(s.state(by_id).await, State::Delivered);
    assert_eq!(s.state(old).await, State::Accepted, "the failure is the first attempt's");
    s.by_wamid(0, 14, What::Failed { code: OTHER }).await;
    s.log.adopt().await.unwrap();
    assert_eq!(s.state(old).await, State::Failed);
    let progress = s.progress(&campaign).await;
    assert_eq!((progress.accepted, progress.risked, progress.doubled), (5, 0, 0));
    s.sums_hold(&campaign).await;
}

/// A message that was taken since it was looked at does not expire; one that was accepted does,
/// and a later delivery counts all the same.
pub async fn only_what_was_looked_at_expires(s: Subject) {
    let campaign = s.released(2).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    assert_eq!(s.answer(&key, 0, What::Expired).await, Recorded::Known);
    s.accept(&key, 1).await;
    assert_eq!(s.answer(&key, 0, What::Expired).await, Recorded::Known);
    assert_eq!(s.answer(&key, 1, What::Expired).await, Recorded::Applied);
    assert_eq!(s.state(&key).await, State::Expired);
    s.callback(&key, 1, What::Delivered).await;
    assert_eq!(s.state(&key).await, State::Delivered);
    s.sums_hold(&campaign).await;
}

/// Before the campaign's start nothing begins, and its time counts from there.
pub async fn nothing_begins_before_the_start(s: Subject) {
    let mut new = s.new_campaign(0, "later");
    let mut definition = new.definition.as_ref().clone();
    let start = s.instant(DAY);
    definition.starts_at = Some(start);
    new.definition = std::sync::Arc::new(definition);
    let Created::New(campaign) = s.campaigns.create(&new).await.unwrap() else { unreachable!() };
    s.freeze(&campaign.key, 0, planned(0..2)).await;
    s.made(&campaign, Change::Planned).await;
    let released = s.made(&campaign, Change::Release).await;
    let [one, two] = [0, 1].map(|record| campaign.key.message(record));
    assert_eq!(s.begin(&one, 1).await, Begun::NotBefore(start));
    (s.advance)(DAY);
    assert_eq!(s.begin(&one, 1).await, Begun::Attempt(1));
    (s.advance)(Duration::from_secs(3_600));
    assert_eq!(released.not_after(), Some(s.now()));
    assert_eq!(s.begin(&two, 1).await, Begun::Attempt(1));
}

/// People who turned out to be one get one message: whichever record is begun first, the others
/// never are. In two calls or in one, and whether or not the campaign planned for that id.
pub async fn merged_people_get_one_message(s: Subject) {
    let campaign = s.added(0, "c").await;
    s.freeze(&campaign.key, 0, planned(0..10)).await;
    s.made(&campaign, Change::Planned).await;
    s.made(&campaign, Change::Release).await;
    let key = |record| campaign.key.message(record);
    let wish = |record, also: &[u32]| Begin {
        also: also.iter().map(|n| person(*n)).collect(),
        ..Begin::new(key(record), lease(1))
    };
    let begin = async |wishes: &[Begin]| s.log.begin(wishes).await.unwrap();
    // The one who was found to be another comes second, then first.
    assert_eq!(begin(&[wish(0, &[])]).await, [Begun::Attempt(1)]);
    assert_eq!(begin(&[wish(1, &[0])]).await, [Begun::Duplicate]);
    assert_eq!(s.answer(&key(1), 0, What::Denied { code: WHY }).await, Recorded::Applied);
    assert_eq!(begin(&[wish(3, &[2])]).await, [Begun::Attempt(1)]);
    assert_eq!(begin(&[wish(2, &[])]).await, [Begun::Closed]);
    let closed = s.facts(&key(2)).await;
    assert_eq!((closed.state(), closed.code), (State::Dead, Some(DUPLICATE_PERSON)));
    // In one call.
    assert_eq!(begin(&[wish(4, &[]), wish(5, &[4])]).await, [Begun::Attempt(1), Begun::Duplicate]);
    assert_eq!(begin(&[wish(7, &[6]), wish(6, &[7])]).await, [Begun::Attempt(1), Begun::Closed]);
    // Both are somebody else now, for whom nothing was planned.
    assert_eq!(begin(&[wish(8, &[99])]).await, [Begun::Attempt(1)]);
    assert_eq!(begin(&[wish(9, &[99])]).await, [Begun::Duplicate]);
    // Asking again is no second message.
    assert_eq!(begin(&[wish(8, &[99]), wish(3, &[2])]).await, [Begun::Attempt(1), Begun::Attempt(1)]);
    assert_eq!(s.progress(&campaign).await.begun, 5);
    s.sums_hold(&campaign).await;
}

/// A released stream takes records one by one, each message id once, and finds them by it.
pub async fn a_stream_takes_single_messages(s: Subject) {
    let mut new = s.new_campaign(0, "stream");
    let mut definition = new.definition.as_ref().clone();
    definition.kind = CampaignKind::Stream;
    new.definition = std::sync::Arc::new(definition);
    let Created::New(stream) = s.campaigns.create(&new).await.unwrap() else { unreachable!() };
    let append = async |people: &[u32]| {
        let (campaign, rows) = (stream.key.clone(), planned(people.iter().copied()));
        s.log.plan(&Manifest { campaign, place: Place::Append, cursor: String::new(), rows }).await.unwrap()
    };
    assert_eq!(append(&[1]).await, Planned::Next(0), "it is not released");
    s.made(&stream, Change::Planned).await;
    s.made(&stream, Change::Release).await;
    let stands = |list: &[(u32, bool)]| {
        Planned::Appended(
            list.iter().map(|(record, known)| Appended { record: *record, known: *known }).collect(),
        )
    };
    let before = s.evidence().await.len();
    assert_eq!(append(&[1, 2]).await, stands(&[(0, false), (1, false)]));
    assert_eq!(append(&[2]).await, stands(&[(1, true)]));
    assert_eq!(append(&[3, 1, 3]).await, stands(&[(2, false), (0, true), (2, true)]));
    assert_eq!(s.evidence().await.len(), before + 2, "what changes nothing is no evidence");
    assert_eq!(s.scan(&stream.key, Kind::ToBegin, 10).await, [0, 1, 2]);
    let ids = [3, 9, 1].map(|n| row(n, PlanVerdict::Planned).to.unwrap().id).to_vec();
    let found = s.log.messages(&Query::Ids(stream.key.clone(), ids.clone())).await.unwrap();
    assert_eq!(found.messages.iter().map(|message| message.key.record()).collect::<Vec<_>>(), [0, 2]);
    let theirs = CampaignKey::new(&s.scopes[1], stream.key.number());
    assert!(s.log.messages(&Query::Ids(theirs, ids)).await.unwrap().messages.is_empty());
    assert_eq!(s.begin(&stream.key.message(2), 1).await, Begun::Attempt(1));
    s.sums_hold(&stream).await;
}

/// A campaign of another kind takes no single messages.
pub async fn only_streams_take_single_messages(s: Subject) {
    let campaign = s.released(1).await;
    let manifest = Manifest {
        campaign: campaign.key.clone(),
        place: Place::Append,
        cursor: String::new(),
        rows: planned([7]),
    };
    assert_eq!(s.log.plan(&manifest).await.unwrap(), Planned::Next(1));
    assert_eq!(s.progress(&campaign).await.planned(), 1);
}

/// A fact by an id that no message has is kept, and applied when a message gets the id.
pub async fn a_fact_waits_for_its_message(s: Subject) {
    let campaign = s.released(2).await;
    let [one, two] = [0, 1].map(|record| campaign.key.message(record));
    for what in [What::Read, What::Delivered, What::Read] {
        assert_eq!(s.by_wamid(0, 1, what).await, Recorded::Unmatched);
    }
    assert_eq!(s.by_wamid(0, 2, What::Failed { code: WHY }).await, Recorded::Unmatched);
    let told = s.now();
    (s.advance)(MINUTE);
    s.begin(&one, 1).await;
    s.begin(&two, 1).await;
    assert_eq!(s.accept(&one, 1).await, Recorded::Applied);
    s.callback(&two, 2, What::Sent).await;
    let facts = s.facts(&one).await;
    assert_eq!((facts.state(), facts.delivered_at, facts.read_at), (State::Read, Some(told), Some(told)));
    let facts = s.facts(&two).await;
    assert_eq!((facts.state(), facts.code), (State::Failed, Some(WHY)));
    s.sums_hold(&campaign).await;
}

/// A fact by an id of a message that is known under it is applied, at once or after a search.
pub async fn a_fact_finds_its_message(s: Subject) {
    let campaign = s.released(2).await;
    for record in 0..2 {
        let key = campaign.key.message(record);
        s.begin(&key, 1).await;
        s.accept(&key, record).await;
    }
    s.by_wamid(0, 1, What::Delivered).await;
    s.by_wamid(0, 7, What::Delivered).await;
    s.log.adopt().await.unwrap();
    assert_eq!(s.state(&campaign.key.message(0)).await, State::Accepted);
    assert_eq!(s.state(&campaign.key.message(1)).await, State::Delivered);
    s.sums_hold(&campaign).await;
    assert_eq!(s.log.adopt().await.unwrap(), 0, "one search is enough");
    s.by_wamid(0, 1, What::Read).await;
    s.log.adopt().await.unwrap();
    assert_eq!(s.state(&campaign.key.message(1)).await, State::Read);
}

/// A fact that was searched for in vain is still applied when its message appears.
pub async fn a_vain_search_forgets_nothing(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.by_wamid(0, 1, What::Delivered).await;
    assert_eq!(s.log.adopt().await.unwrap(), 0);
    s.begin(&key, 1).await;
    s.accept(&key, 1).await;
    assert_eq!(s.state(&key).await, State::Delivered);
    s.sums_hold(&campaign).await;
}

/// A fact without a message is forgotten after 8 days, and not before.
pub async fn a_fact_without_a_message_is_forgotten(s: Subject) {
    let campaign = s.added(0, "c").await;
    s.freeze(&campaign.key, 0, planned([1, 2])).await;
    s.made(&campaign, Change::Planned).await;
    s.by_wamid(0, 0, What::Delivered).await;
    (s.advance)(MINUTE);
    s.by_wamid(0, 1, What::Delivered).await;
    (s.advance)(Duration::from_secs(8 * 24 * 3_600 - 60));
    s.made(&campaign, Change::Release).await;
    for record in 0..2 {
        let key = campaign.key.message(record);
        s.begin(&key, 1).await;
        s.accept(&key, record).await;
    }
    assert_eq!(s.state(&campaign.key.message(0)).await, State::Accepted);
    assert_eq!(s.state(&campaign.key.message(1)).await, State::Delivered);
}

/// Facts are answered in order.
pub async fn facts_are_answered_in_order(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    s.begin(&key, 1).await;
    let at = s.now();
    let attempt = |what| Fact { of: Of::Attempt(key.clone(), 1), at, what };
    let facts = [
        attempt(What::Accepted { wamid: wamid(1) }),
        attempt(What::Accepted { wamid: wamid(1) }),
        Fact { of: Of::Wamid(s.scopes[0].id().clone(), wamid(2)), at, what: What::Read },
        attempt(What::Delivered),
        Fact { of: Of::Attempt(campaign.key.message(5), 1), at, what: What::Delivered },
    ];
    let expected =
        [Recorded::Applied, Recorded::Known, Recorded::Unmatched, Recorded::Applied, Recorded::Unmatched];
    assert_eq!(s.log.record(&facts).await.unwrap(), expected);
}

/// Another tenant's key finds nothing and changes nothing.
pub async fn a_foreign_key_finds_nothing(s: Subject) {
    let campaign = s.released(2).await;
    let (ours, theirs) = (&campaign.key, CampaignKey::new(&s.scopes[1], campaign.key.number()));
    s.begin(&ours.message(0), 1).await;
    s.accept(&ours.message(0), 1).await;
    let before = (s.facts(&ours.message(0)).await, s.progress(&campaign).await, s.evidence().await.len());

    assert_eq!(s.freeze(&theirs, 1, planned([9])).await, Planned::Next(0));
    s.log.mark(&theirs, 9).await.unwrap();
    assert_eq!(s.begin(&theirs.message(1), 1).await, Begun::Unplanned);
    assert_eq!(s.answer(&theirs.message(0), 1, What::Delivered).await, Recorded::Unmatched);
    assert_eq!(s.callback(&theirs.message(0), 1, What::Delivered).await, Recorded::Unmatched);
    s.by_wamid(1, 1, What::Delivered).await;
    s.log.adopt().await.unwrap();
    let keys = Query::Keys(vec![theirs.message(0), ours.message(1)]);
    let found = s.log.messages(&keys).await.unwrap().messages;
    assert_eq!(found.iter().map(|message| &message.key).collect::<Vec<_>>(), [&ours.message(1)]);
    assert!(s.scan(&theirs, Kind::Any, 10).await.is_empty());
    assert_eq!(s.log.progress(&[theirs]).await.unwrap(), [Progress::default()]);

    let after = (s.facts(&ours.message(0)).await, s.progress(&campaign).await, s.evidence().await.len());
    assert_eq!(after, before);
}

/// Messages by key come in the order of their records; what does not exist is left out.
pub async fn messages_come_in_the_order_of_records(s: Subject) {
    let campaign = s.released(3).await.key;
    let keys = [2, 0, 9, 1].map(|record| campaign.message(record)).to_vec();
    let page = s.log.messages(&Query::Keys(keys)).await.unwrap();
    assert_eq!(page.messages.iter().map(|message| message.key.record()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(page.next, None);
}

/// Each kind of scan finds what it looks for and nothing else.
pub async fn scans_find_what_they_look_for(s: Subject) {
    let campaign = s.added(0, "c").await;
    let mut rows = planned(0..8);
    rows.push(row(8, PlanVerdict::Suppressed(WHY)));
    rows.push(row(3, PlanVerdict::Planned));
    let key = |record| campaign.key.message(record);
    s.freeze(&campaign.key, 0, rows).await;
    s.made(&campaign, Change::Planned).await;
    s.made(&campaign, Change::Release).await;
    // 0 waits, 1 is put off, 2 was refused once, 3 is on the wire, 4 is in doubt, 5 is accepted,
    // 6 is delivered, 7 begins a minute later, 8 is suppressed, 9 is a duplicate.
    s.answer(&key(1), 0, What::Deferred { until: s.instant(MINUTE), code: WHY }).await;
    for record in 2..7 {
        s.begin(&key(record), 1).await;
    }
    s.refuse(&key(2), 1, Then::Again { at: s.instant(DAY), counted: true }).await;
    s.answer(&key(4), 1, What::InDoubt { code: WHY }).await;
    s.accept(&key(5), 5).await;
    s.accept(&key(6), 6).await;
    s.callback(&key(6), 6, What::Delivered).await;
    let first = s.now();
    (s.advance)(MINUTE);
    s.begin(&key(7), 1).await;
    let later = s.instant(MINUTE);
    for max in [1, 2, 100] {
        let scan = |of| s.scan(&campaign.key, of, max);
        assert_eq!(scan(Kind::Any).await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(scan(Kind::ToBegin).await, [0, 1, 2]);
        assert_eq!(scan(Kind::BegunBefore(later)).await, [3, 7]);
        assert_eq!(scan(Kind::BegunBefore(s.now())).await, [3]);
        assert_eq!(scan(Kind::BegunBefore(first)).await, [0_u32; 0]);
        assert_eq!(scan(Kind::AcceptedBefore(later)).await, [5]);
        assert_eq!(scan(Kind::AcceptedBefore(first)).await, [0_u32; 0]);
        assert_eq!(scan(Kind::DoubtedBefore(later)).await, [4]);
        assert_eq!(scan(Kind::DoubtedBefore(first)).await, [0_u32; 0]);
        let reopen = |of| Kind::ToReopen { of, round: 1 };
        assert_eq!(scan(reopen(Resend::Failed)).await, [0_u32; 0]);
        assert_eq!(scan(reopen(Resend::Unknown)).await, [4]);
        assert_eq!(scan(reopen(Resend::NotDelivered)).await, [4, 5]);
        assert_eq!(scan(Kind::Naming(person(3))).await, [3, 9]);
        assert_eq!(scan(Kind::Naming(person(99))).await, [0_u32; 0]);
    }
}

/// However a store lays records out, every one is found by its kind exactly once.
pub async fn large_campaigns_are_scanned_whole(s: Subject) {
    let campaign = s.added(0, "c").await;
    let size = u32::try_from(BATCH).unwrap();
    for batch in 0..2 {
        s.freeze(&campaign.key, batch, planned(batch * size..(batch + 1) * size)).await;
    }
    s.made(&campaign, Change::Planned).await;
    s.made(&campaign, Change::Release).await;
    let (sent, rest): (Vec<u32>, Vec<u32>) =
        (0..2 * size).partition(|n| n.is_multiple_of(37) || (480..520).contains(n));
    let (taken, begun): (Vec<u32>, Vec<u32>) = sent.iter().partition(|n| n.is_multiple_of(2));
    for group in sent.chunks(32) {
        let wish = |n: &u32| Begin::new(campaign.key.message(*n), lease(1));
        let answers = s.log.begin(&group.iter().map(wish).collect::<Vec<_>>()).await.unwrap();
        assert!(answers.iter().all(|answer| *answer == Begun::Attempt(1)));
    }
    let accept = |n: &u32| {
        let of = Of::Attempt(campaign.key.message(*n), 1);
        Fact { of, at: s.now(), what: What::Accepted { wamid: wamid(*n) } }
    };
    let facts: Vec<Fact> = taken.iter().rev().map(accept).collect();
    assert!(s.log.record(&facts).await.unwrap().iter().all(|answer| *answer == Recorded::Applied));
    let later = s.instant(MINUTE);
    for max in [7, 100, 2_000] {
        let scan = |of| s.scan(&campaign.key, of, max);
        assert_eq!(scan(Kind::ToBegin).await, rest);
        assert_eq!(scan(Kind::BegunBefore(later)).await, begun);
        assert_eq!(scan(Kind::AcceptedBefore(later)).await, taken);
        assert_eq!(scan(Kind::Naming(person(777))).await, [777]);
    }
    let last = taken.last().unwrap();
    s.by_wamid(0, *last, What::Delivered).await;
    s.log.adopt().await.unwrap();
    assert_eq!(s.state(&campaign.key.message(*last)).await, State::Delivered);
    s.sums_hold(&campaign).await;
}

/// A scan begins where it is told to, in one campaign alone.
pub async fn a_scan_begins_where_it_is_told_to(s: Subject) {
    let other = s.added(0, "other").await;
    s.freeze(&other.key, 0, planned(0..3)).await;
    let campaign = s.released(3).await.key;
    let query = Query::Scan { campaign, from: 1, of: Kind::Any, max: 10 };
    let page = s.log.messages(&query).await.unwrap();
    assert_eq!(page.messages.iter().map(|message| message.key.record()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(page.next, None);
}

/// Progress comes in the order of the keys, empty for a campaign that does not exist.
pub async fn progress_comes_in_order(s: Subject) {
    let campaign = s.released(3).await;
    let never = CampaignKey::new(&s.scopes[0], campaign.key.number() + 1);
    let keys = [never.clone(), campaign.key.clone(), never];
    let progress = s.log.progress(&keys).await.unwrap();
    assert_eq!(progress.iter().map(Progress::rows).collect::<Vec<_>>(), [0, 3, 0]);
}

/// What was begun and what became known is evidence, in the outbox with the change itself, and
/// names nobody's number and no id of WhatsApp's.
pub async fn every_change_is_evidence(s: Subject) {
    let campaign = s.released(1).await;
    let key = campaign.key.message(0);
    let before = s.evidence().await.len();
    s.begin(&key, 1).await;
    s.accept(&key, 1).await;
    s.by_wamid(0, 1, What::Delivered).await;
    s.log.adopt().await.unwrap();
    s.callback(&key, 1, What::Failed { code: WHY }).await;
    let entries = s.evidence().await.split_off(before);
    let told: Vec<(&str, &str)> =
        entries.iter().map(|entry| (entry.kind.as_str(), entry.body.as_str())).collect();
    let number = campaign.key.number();
    let body = |list: &str| format!("{{\"campaign\":{number},\"messages\":[{list}]}}");
    let expected = [
        ("dispatch.begun", body(r#"[0,1,"begun"]"#)),
        ("dispatch.recorded", body(r#"[0,1,"accepted"]"#)),
        ("dispatch.recorded", body(r#"[0,0,"delivered"]"#)),
        ("dispatch.recorded", body(r#"[0,1,"failed","test.why"]"#)),
    ];
    assert_eq!(told, expected.each_ref().map(|(kind, body)| (*kind, body.as_str())));
    for entry in s.evidence().await {
        assert_eq!((entry.chain.tenant(), entry.at), (s.scopes[0].id(), s.now()));
        assert!(!entry.body.contains("9198") && !entry.body.contains("wamid"), "{}", entry.body);
    }
}

/// Evidence of two changes never shares an id, even if they read alike.
pub async fn evidence_is_told_apart(s: Subject) {
    let key = s.released(1).await.key.message(0);
    for _ in 0..3 {
        s.answer(&key, 0, What::Deferred { until: s.instant(MINUTE), code: WHY }).await;
        (s.advance)(MINUTE);
    }
    let mut ids: Vec<_> = s.evidence().await.into_iter().map(|entry| entry.id).collect();
    let entries = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((entries, ids.len()), (4, 4));
}

/// Every record is counted exactly once, whatever happened to the messages and in which order.
pub async fn counters_add_up_after_anything(s: Subject) {
    let campaign = s.added(0, "c").await;
    let mut rows = planned(0..12);
    rows.extend([row(1, PlanVerdict::Planned), row(20, PlanVerdict::Invalid(WHY))]);
    s.freeze(&campaign.key, 0, rows).await;
    s.made(&campaign, Change::Planned).await;
    s.made(&campaign, Change::Release).await;
    // A fixed sequence of numbers that look random (Knuth's multiplicative generator).
    let mut seed = 12_345_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for step in 0..400 {
        let record = u32::try_from(random(15)).unwrap();
        let key = campaign.key.message(record);
        let attempt = u16::try_from(random(4)).unwrap();
        let code = if random(2) == 0 { WHY } else { OTHER };
        let at = s.now();
        let what = match random(19) {
            0..=2 => {
                s.begin(&key, u8::try_from(random(3)).unwrap()).await;
                continue;
            }
            14 => What::GivenUp,
            15 => REOPEN,
            16 => {
                let covers = [Resend::Failed, Resend::Unknown, Resend::NotDelivered];
                round(attempt + 1, covers.into_iter().nth(step % 3).unwrap())
            }
            17 => What::Held { wamid: wamid(record) },
            18 => {
                let also = vec![person(u32::try_from(random(12)).unwrap())];
                s.log.begin(&[Begin { also, ..Begin::new(key, lease(1)) }]).await.unwrap();
                continue;
            }
            3 => What::Accepted { wamid: wamid(record) },
            4 => What::Refused { code, then: Then::Final },
            5 => What::Refused { code, then: Then::Dead },
            6 | 7 => What::Refused { code, then: Then::Again { at, counted: random(2) == 0 } },
            8 => What::InDoubt { code },
            9 => What::Deferred { until: at, code },
            10 => What::Denied { code },
            11 => What::Expired,
            12 => What::Failed { code },
            _ => {
                let told = [What::Sent, What::Delivered, What::Read, What::Played];
                told.into_iter().nth(attempt as usize).unwrap()
            }
        };
        let positive = matches!(what, What::Sent | What::Delivered | What::Read | What::Played);
        let webhook = positive || matches!(what, What::Failed { .. });
        let of = match (webhook, random(2)) {
            (true, 0) => Of::Callback(key, attempt, wamid(record)),
            (true, _) => Of::Wamid(s.scopes[0].id().clone(), wamid(record)),
            (false, _) => Of::Attempt(key, attempt),
        };
        s.tell(of, what).await;
        if step % 40 == 0 {
            (s.advance)(Duration::from_millis(10));
            s.log.adopt().await.unwrap();
            s.sums_hold(&campaign).await;
        }
    }
    s.sums_hold(&campaign).await;
}

/// Whoever opted out before this very moment is not begun, in a store that keeps people too; who
/// stopped marketing gets the rest.
pub async fn whoever_opted_out_is_not_begun(s: Subject) {
    let campaign = s.released(3).await;
    let scope = s.scopes.first().unwrap();
    let hears = |n: u32, marketing| Some(Hears { person: person(n), marketing });
    let said =
        |n: u32| ConsentChange::opt_out(PersonKey::new(scope, person(n)), ConsentSource::Word, s.now());
    s.people.consent(&[said(0), said(1).of_marketing()]).await.unwrap();
    let wish = |n: u32, marketing| Begin {
        hears: hears(n, marketing),
        ..Begin::new(campaign.key.message(n), lease(1))
    };
    let begun = s.log.begin(&[wish(0, false), wish(1, true), wish(1, false), wish(2, true)]).await.unwrap();
    assert_eq!(begun, [Begun::OptedOut, Begun::OptedOut, Begun::Attempt(1), Begun::Attempt(1)]);
    assert_eq!(s.state(&campaign.key.message(0)).await, State::Waiting);
    assert_eq!(s.progress(&campaign).await.begun, 2);
}

/// A message that counts for its person is counted with its begin, once, in a store that keeps people
/// too.
pub async fn a_message_is_counted_as_it_is_begun(s: Subject) {
    let campaign = s.released(2).await;
    let wish = s.counting(&campaign, 0, SentMark::of(&[]), 1);
    for _ in 0..2 {
        assert_eq!(s.log.begin(std::slice::from_ref(&wish)).await.unwrap(), [Begun::Attempt(1)]);
        (s.advance)(MINUTE);
    }
    assert_eq!(s.sent(9).await, [wish.counts.unwrap().at]);
    assert_eq!(s.begin(&campaign.key.message(1), 1).await, Begun::Attempt(1));
    assert_eq!(s.sent(9).await.len(), 1, "the other one does not count");
}

/// What was judged before another message to the person was counted is overtaken: it is left as it is,
/// and begun when it was judged anew.
pub async fn of_messages_judged_at_once_one_is_begun(s: Subject) {
    let campaign = s.released(4).await;
    let none = SentMark::of(&[]);
    let wish = |record, judged| s.counting(&campaign, record, judged, 1);
    let begun = s.log.begin(&[wish(0, none), wish(1, none)]).await.unwrap();
    assert_eq!(begun, [Begun::Attempt(1), Begun::Overtaken]);
    assert_eq!(s.log.begin(&[wish(2, none)]).await.unwrap(), [Begun::Overtaken]);
    assert_eq!(s.state(&campaign.key.message(1)).await, State::Waiting);
    assert_eq!((s.progress(&campaign).await.begun, s.sent(9).await.len()), (1, 1));

    let judged = SentMark::of(&s.sent(9).await);
    assert_eq!(s.log.begin(&[wish(1, judged)]).await.unwrap(), [Begun::Overtaken], "the instant is taken");
    (s.advance)(MINUTE);
    assert_eq!(s.log.begin(&[s.counting(&campaign, 1, judged, 1)]).await.unwrap(), [Begun::Attempt(1)]);
    assert_eq!(s.sent(9).await.len(), 2);
    s.sums_hold(&campaign).await;
}

/// An erased record tells nothing of its person, and keeps what came of it.
pub async fn an_erased_record_names_nobody(s: Subject) {
    let campaign = s.released(3).await;
    let [taken, waiting, other] = [0, 1, 2].map(|n| campaign.key.message(n));
    s.begin(&taken, 1).await;
    s.accept(&taken, 0).await;
    s.callback(&taken, 0, What::Delivered).await;
    for message in [&taken, &waiting] {
        assert_eq!(s.answer(message, 0, What::Erased).await, Recorded::Applied);
    }
    let emptied = s.message(&taken).await;
    assert_eq!((emptied.to, emptied.parameters.len(), emptied.facts.state()), (None, 0, State::Delivered));
    assert_ne!(emptied.facts.wamid, Some(wamid(0)));
    assert_eq!(s.state(&waiting).await, State::Dead);
    assert_eq!(s.begin(&waiting, 2).await, Begun::Closed);
    assert_eq!(s.begin(&other, 2).await, Begun::Attempt(1));
    // What comes later counts, and brings no id back.
    s.callback(&taken, 0, What::Read).await;
    let facts = s.facts(&taken).await;
    assert_eq!((facts.state(), facts.wamid == Some(wamid(0))), (State::Read, false));
    assert_eq!(s.answer(&taken, 0, What::Erased).await, Recorded::Known);
    assert_eq!(s.progress(&campaign).await.planned(), 3);
}

/// What is kept without a message is forgotten with the number that its id tells, of one tenant.
pub async fn strays_that_tell_a_number_are_forgotten(s: Subject) {
    let campaign = s.released(2).await;
    let [told, other] = [0, 1].map(|n| campaign.key.message(n));
    let (tells, does_not) = (3_725_123_456, 1);
    for n in [tells, does_not] {
        assert_eq!(s.by_wamid(0, n, What::Delivered).await, Recorded::Unmatched);
    }
    let number = PhoneNumber::from_digits(tells.into()).unwrap();
    for scope in [&s.scopes[1], &s.scopes[0]] {
        s.forget(&Forget::strays(scope, &[number])).await;
    }
    for (message, n) in [(&told, tells), (&other, does_not)] {
        s.begin(message, 1).await;
        s.accept(message, n).await;
    }
    s.log.adopt().await.unwrap();
    assert_eq!([s.state(&told).await, s.state(&other).await], [State::Accepted, State::Delivered]);
}

/// The parameters of a finished campaign's record go once no round can cover it any more: its
/// message was delivered, or it has none. All others stay, and are there in the next round.
pub async fn parameters_go_when_no_round_can_need_them(s: Subject) {
    let campaign = s.added(0, "c").await;
    let suppressed = row(8, PlanVerdict::Suppressed(WHY));
    s.freeze(&campaign.key, 0, planned(0..8).into_iter().chain([suppressed]).collect()).await;
    s.made(&campaign, Change::Planned).await;
    s.made(&campaign, Change::Release).await;
    let keys = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| campaign.key.message(n));
    let [delivered, read, failed, both, taken, expired, unknown, denied] = &keys;
    for (n, key) in (0..6).zip(&keys) {
        s.begin(key, 1).await;
        s.accept(key, n).await;
    }
    s.callback(delivered, 0, What::Delivered).await;
    s.callback(read, 1, What::Read).await;
    s.callback(failed, 2, What::Failed { code: WHY }).await;
    s.callback(both, 3, What::Failed { code: WHY }).await;
    s.callback(both, 3, What::Delivered).await;
    s.answer(expired, 1, What::Expired).await;
    s.begin(unknown, 1).await;
    s.answer(unknown, 1, What::InDoubt { code: WHY }).await;
    s.answer(denied, 0, What::Denied { code: WHY }).await;
    let all = s.parameters(&campaign.key).await;
    let what = Forget::Parameters(campaign.key.clone());
    s.forget(&what).await;
    assert_eq!(s.parameters(&campaign.key).await, all, "it goes on");
    s.made(&campaign, Change::Finish).await;
    let theirs = CampaignKey::new(&s.scopes[1], campaign.key.number());
    s.forget(&Forget::Parameters(theirs)).await;
    assert_eq!(s.parameters(&campaign.key).await, all, "it is another tenant's");
    s.forget(&what).await;
    let left = ["", "", "2", "", "4", "5", "6", "7", ""];
    assert_eq!(s.parameters(&campaign.key).await, left);
    assert!(!s.forget(&what).await, "a second time there is nothing to do");

    s.made(&campaign, Change::Reopen { of: Resend::NotDelivered }).await;
    for (key, attempt) in [(failed, 1), (taken, 1), (expired, 1), (unknown, 1), (denied, 0)] {
        let reopened = s.answer(key, attempt, round(1, Resend::NotDelivered)).await;
        assert_eq!(reopened, Recorded::Applied);
        assert_eq!(s.begin(key, 2).await, Begun::Attempt(attempt + 1));
        assert_eq!(s.message(key).await.parameters, key.record().to_string());
    }
    s.made(&campaign, Change::Reopened).await;
    // What was delivered in the round needs none either.
    s.tell(Of::Callback(failed.clone(), 2, wamid(22)), What::Delivered).await;
    s.forget(&what).await;
    assert_eq!(s.parameters(&campaign.key).await, left, "it goes on again");
    s.made(&campaign, Change::Finish).await;
    s.forget(&what).await;
    assert_eq!(s.parameters(&campaign.key).await, ["", "", "", "", "4", "5", "6", "7", ""]);
    s.sums_hold(&campaign).await;
}

/// Nothing of a cancelled campaign is begun any more, so all of its parameters may go; nothing else
/// does.
pub async fn a_cancelled_campaign_needs_no_parameters(s: Subject) {
    let campaign = s.released(3).await;
    s.begin(&campaign.key.message(0), 1).await;
    s.made(&campaign, Change::Cancel).await;
    s.forget(&Forget::Parameters(campaign.key.clone())).await;
    assert_eq!(s.parameters(&campaign.key).await, ["", "", ""]);
    assert_eq!(s.accept(&campaign.key.message(0), 1).await, Recorded::Applied);
    assert_eq!(s.message(&campaign.key.message(1)).await.to, row(1, PlanVerdict::Planned).to);
    s.sums_hold(&campaign).await;
}

/// Nothing of a sealed campaign changes, whatever is told and by whatever name; but whoever is
/// erased is forgotten there, too.
pub async fn a_sealed_log_takes_no_facts(s: Subject) {
    let campaign = s.released(3).await;
    let [taken, sending, waiting] = [0, 1, 2].map(|n| campaign.key.message(n));
    s.begin(&taken, 1).await;
    s.accept(&taken, 0).await;
    s.begin(&sending, 1).await;
    s.made(&campaign, Change::Cancel).await;
    s.made(&campaign, Change::Seal).await;
    let before = [s.message(&taken).await, s.message(&sending).await, s.message(&waiting).await];
    let (progress, evidence) = (s.progress(&campaign).await, s.evidence().await.len());
    assert_eq!(s.callback(&taken, 0, What::Delivered).await, Recorded::Unmatched);
    assert_eq!(s.by_wamid(0, 0, What::Read).await, Recorded::Unmatched);
    assert_eq!(s.accept(&sending, 1).await, Recorded::Unmatched);
    assert_eq!(s.answer(&waiting, 0, What::Denied { code: WHY }).await, Recorded::Unmatched);
    assert_eq!(s.begin(&waiting, 2).await, Begun::Cancelled);
    assert_eq!(s.log.adopt().await.unwrap(), 0);
    assert_eq!([s.message(&taken).await, s.message(&sending).await, s.message(&waiting).await], before);
    assert_eq!((s.progress(&campaign).await, s.evidence().await.len()), (progress, evidence));
    assert_eq!(s.answer(&taken, 0, What::Erased).await, Recorded::Applied);
    assert_eq!(s.message(&taken).await.to, None);
    s.sums_hold(&campaign).await;
}

/// The messages of an exported campaign are removed, under every name that they have; its progress
/// stays. Of any other campaign nothing is.
pub async fn messages_are_forgotten_once_they_are_exported(s: Subject) {
    let campaign = s.released(3).await;
    let other = s.added(0, "other").await;
    s.freeze(&other.key, 0, planned(0..3)).await;
    let keys = [0, 1, 2].map(|n| campaign.key.message(n));
    let [delivered, taken, waiting] = &keys;
    for (n, key) in (0..2).zip(&keys) {
        s.begin(key, 1).await;
        s.accept(key, n).await;
    }
    s.callback(delivered, 0, What::Delivered).await;
    let what = Forget::Messages(campaign.key.clone());
    let progress = s.progress(&campaign).await;
    for change in [None, Some(Change::Cancel), Some(Change::Seal)] {
        if let Some(change) = change {
            s.made(&campaign, change).await;
        }
        s.forget(&what).await;
        assert_eq!(s.scan(&campaign.key, Kind::Any, 10).await, [0, 1, 2], "it is not exported");
    }
    s.made(&campaign, Change::Exported).await;
    let theirs = CampaignKey::new(&s.scopes[1], campaign.key.number());
    s.forget(&Forget::Messages(theirs)).await;
    assert_eq!(s.scan(&campaign.key, Kind::Any, 10).await, [0, 1, 2], "it is another tenant's");
    s.forget(&what).await;
    assert!(s.scan(&campaign.key, Kind::Any, 10).await.is_empty());
    assert!(s.log.messages(&Query::Keys(keys.to_vec())).await.unwrap().messages.is_empty());
    let ids = (0..3).map(|n| row(n, PlanVerdict::Planned).to.unwrap().id).collect();
    let by_ids = s.log.messages(&Query::Ids(campaign.key.clone(), ids)).await.unwrap();
    assert!(by_ids.messages.is_empty());
    assert_eq!(s.progress(&campaign).await, progress);
    assert_eq!(s.callback(taken, 1, What::Delivered).await, Recorded::Unmatched);
    assert_eq!(s.answer(taken, 0, What::Erased).await, Recorded::Unmatched);
    assert_eq!(s.begin(waiting, 1).await, Begun::Unplanned);
    s.by_wamid(0, 1, What::Delivered).await;
    s.log.adopt().await.unwrap();
    assert!(!s.forget(&what).await, "a second time there is nothing to do");
    s.made(&campaign, Change::Forgotten).await;
    assert_eq!(s.progress(&campaign).await, progress);
    assert_eq!(s.scan(&other.key, Kind::Any, 10).await, [0, 1, 2]);
    assert_eq!(s.parameters(&other.key).await, ["0", "1", "2"]);
}

/// A campaign is forgotten whole, in however many parts, and its neighbours keep what they have.
pub async fn large_campaigns_are_forgotten_whole(s: Subject) {
    let size = u32::try_from(BATCH).unwrap();
    let mut campaigns = Vec::new();
    for name in ["before", "large", "after"] {
        let campaign = s.added(0, name).await;
        let batches = if name == "large" { 6 } else { 1 };
        for batch in 0..batches {
            // Some batches are short.
            let rows = planned(batch * size..batch * size + size - 37 * batch);
            s.freeze(&campaign.key, batch, rows).await;
        }
        s.made(&campaign, Change::Planned).await;
        campaigns.push(s.made(&campaign, Change::Release).await);
    }
    let [before, large, behind] = campaigns.as_slice() else { unreachable!() };
    for (n, record) in (0..).zip([0, 31, 32, 499, 500, 2_047, 2_048, 2_600]) {
        let key = large.key.message(record);
        s.begin(&key, 1).await;
        s.accept(&key, n).await;
        s.callback(&key, n, What::Delivered).await;
    }
    s.exported(large).await;
    s.forget(&Forget::Messages(large.key.clone())).await;
    assert!(s.scan(&large.key, Kind::Any, 2_000).await.is_empty());
    for kept in [before, behind] {
        assert_eq!(s.scan(&kept.key, Kind::Any, 2_000).await, (0..size).collect::<Vec<_>>());
        let ids: Vec<_> = planned(0..size).iter().map(|row| row.to.unwrap().id).collect();
        let found = s.log.messages(&Query::Ids(kept.key.clone(), ids)).await.unwrap();
        assert_eq!(found.messages.len(), BATCH);
        s.sums_hold(kept).await;
    }
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! delivery_log_conformance {
    ($new:path) => {
        $crate::conformance_cases! { delivery_log, $new:
            a_batch_comes_back_whole
            a_batch_begins_at_its_own_record
            only_the_next_batch_is_frozen
            a_planned_campaign_takes_no_batch
            one_person_is_planned_once
            a_suppressed_record_leaves_room_for_a_planned_one
            campaigns_do_not_share_duplicates
            a_frozen_batch_is_evidence
            a_mark_never_goes_back
            a_message_is_begun
            the_same_lease_gets_the_same_attempt
            another_lease_finds_it_in_flight
            wishes_are_answered_in_order
            what_was_not_planned_is_not_begun
            nothing_begins_before_the_release
            nothing_begins_in_a_pause
            nothing_begins_after_a_cancellation
            nothing_begins_too_late
            attempts_are_used_up
            a_throttled_attempt_does_not_count
            waits_of_a_person_are_counted_apart
            nothing_begins_before_its_instant
            what_has_its_outcome_is_closed
            an_answer_of_an_earlier_attempt_is_passed_over
            a_fact_may_be_repeated
            a_message_is_put_off_once
            a_deferred_message_waits
            positive_evidence_beats_failed
            a_callback_ends_doubt
            a_refusal_ends_doubt
            acceptance_is_not_undone
            a_held_message_is_accepted
            what_was_played_was_read
            what_is_given_up_stays_unknown
            a_decision_begins_doubt_again
            evidence_makes_another_attempt_needless
            late_evidence_is_attached
            a_denial_does_not_end_doubt
            a_round_begins_again
            what_failed_for_a_passing_reason_is_begun_again
            a_round_sets_earlier_attempts_aside
            only_what_was_looked_at_expires
            nothing_begins_before_the_start
            merged_people_get_one_message
            a_stream_takes_single_messages
            only_streams_take_single_messages
            a_fact_waits_for_its_message
            a_fact_finds_its_message
            a_vain_search_forgets_nothing
            a_fact_without_a_message_is_forgotten
            facts_are_answered_in_order
            a_foreign_key_finds_nothing
            messages_come_in_the_order_of_records
            scans_find_what_they_look_for
            large_campaigns_are_scanned_whole
            a_scan_begins_where_it_is_told_to
            progress_comes_in_order
            every_change_is_evidence
            evidence_is_told_apart
            counters_add_up_after_anything
            whoever_opted_out_is_not_begun
            a_message_is_counted_as_it_is_begun
            of_messages_judged_at_once_one_is_begun
            an_erased_record_names_nobody
            strays_that_tell_a_number_are_forgotten
            parameters_go_when_no_round_can_need_them
            a_cancelled_campaign_needs_no_parameters
            a_sealed_log_takes_no_facts
            messages_are_forgotten_once_they_are_exported
            large_campaigns_are_forgotten_whole
        }
    };
}

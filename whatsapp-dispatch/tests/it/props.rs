//! What holds for every order and every repetition.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules_core::judge::code::Code;
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::work::clock::ManualClock;
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::campaigns::{Change, Status};
use whatsapp_dispatch::fact::{
    Answer, Begun, Facts, Gate, Opening, Reopening, Resend, State, Then, Wait, What,
};
use whatsapp_dispatch::gateway::Wamid;
use whatsapp_dispatch::message::{CallbackToken, CampaignKey, Salt, UnverifiedToken};
use whatsapp_dispatch::progress::Label;

static CODES: [Code; 3] =
    [Code::known("whatsapp.131026"), Code::known("whatsapp.131049"), Code::known("dispatch.no_answer")];

fn start() -> DateTime<Utc> {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

fn instant(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

/// Something that is told about a message's only attempt.
#[derive(Clone, Debug)]
enum Told {
    /// The answer to the POST.
    Answer(What, DateTime<Utc>),
    /// A webhook that carries our token.
    Webhook(What, DateTime<Utc>),
}

fn tell(facts: &mut Facts, told: &Told) {
    match told {
        Told::Answer(what, at) => {
            facts.learn(1, what, *at);
        }
        Told::Webhook(what, at) => {
            webhook_tells(facts, 1, what, *at);
        }
    }
}

/// A webhook that carries the token of an attempt.
fn webhook_tells(facts: &mut Facts, attempt: u16, what: &What, at: DateTime<Utc>) {
    facts.bind(attempt, &Wamid::new(format!("wamid.{attempt}")), at);
    facts.learn(attempt, what, at);
}

fn gate() -> Gate {
    Gate { open: Opening::Open, not_before: None, not_after: None, max_attempts: 5 }
}

fn begun() -> Facts {
    let mut facts = Facts::default();
    let gate = Gate { open: Opening::Open, not_before: None, not_after: None, max_attempts: 5 };
    assert_eq!(facts.begin(&gate, 1, start()), Begun::Attempt(1));
    facts
}

fn webhook() -> impl Strategy<Value = Told> {
    let what = prop_oneof![
        Just(What::Sent),
        Just(What::Delivered),
        Just(What::Read),
        Just(What::Played),
        prop::sample::select(&CODES[..2]).prop_map(|code| What::Failed { code }),
    ];
    (what, 0..4_i64).prop_map(|(what, at)| Told::Webhook(what, instant(at)))
}

fn taken_or_doubted() -> impl Strategy<Value = What> {
    prop_oneof![
        Just(What::Accepted { wamid: Wamid::new("wamid.1") }),
        Just(What::InDoubt { code: CODES[2].clone() }),
    ]
}

fn refused() -> impl Strategy<Value = What> {
    let then = prop_oneof![
        Just(Then::Final),
        Just(Then::Dead),
        any::<bool>().prop_map(|counted| Then::Again { at: instant(60), counted }),
        prop::sample::select(&[Wait::Pair, Wait::Marketing][..])
            .prop_map(|wait| Then::Later { at: instant(60), wait }),
    ];
    (prop::sample::select(&CODES[..]), then).prop_map(|(code, then)| What::Refused { code, then })
}

/// What is told, in some order, and again in another order with repeats.
fn orders(answer: impl Strategy<Value = What>) -> impl Strategy<Value = (Vec<Told>, Vec<Told>)> {
    let answer = (prop::option::of(answer), 0..4_i64)
        .prop_map(|(answer, at)| answer.map(|what| Told::Answer(what, instant(at))));
    (prop::collection::vec(webhook(), 0..5), answer)
        .prop_map(|(mut told, answer)| {
            told.extend(answer);
            told
        })
        .prop_flat_map(|told| {
            let n = told.len();
            let repeats = prop::collection::vec(0..n.max(1), 0..=n.min(4));
            (Just(told), repeats)
        })
        .prop_flat_map(|(told, repeats)| {
            let mut again = told.clone();
            again.extend(repeats.into_iter().filter_map(|index| told.get(index).cloned()));
            (Just(told), Just(again).prop_shuffle())
        })
}

fn after(told: &[Told]) -> Facts {
    let mut facts = begun();
    for told in told {
        tell(&mut facts, told);
    }
    facts
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Planned),
        Just(Change::Release),
        Just(Change::Pause { code: CODES[0].clone() }),
        Just(Change::Resume),
        Just(Change::Cancel),
        Just(Change::Finish),
        Just(Change::Reopen { of: Resend::Failed }),
        Just(Change::Reopened),
    ]
}

fn scope() -> std::sync::Arc<TenantScope> {
    let id = TenantId::parse("acme").unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]))
        .with_clock(std::sync::Arc::new(ManualClock::at(start())));
    futures_util::future::FutureExt::now_or_never(async move { tenants.enter(&id).await }).unwrap().unwrap()
}

/// The table of reactions wants another attempt.
fn reaction() -> impl Strategy<Value = Reopening> {
    let then = prop::sample::select(vec![
        Then::Again { at: instant(60), counted: true },
        Then::Again { at: instant(60), counted: false },
        Then::Later { at: instant(60), wait: Wait::Marketing },
    ]);
    then.prop_map(|then| Reopening::Reaction { code: CODES[0].clone(), then })
}

/// A message whose first attempt came to something that may be tried again, and who decides so.
fn to_try_again() -> impl Strategy<Value = (Facts, What)> {
    let wamid = || Wamid::new("wamid.1");
    let refused = What::Refused { code: CODES[0].clone(), then: Then::Final };
    let firsts = [
        vec![What::InDoubt { code: CODES[2].clone() }],
        vec![What::InDoubt { code: CODES[2].clone() }, What::GivenUp],
        vec![What::Accepted { wamid: wamid() }],
        vec![What::Held { wamid: wamid() }, What::Expired],
        vec![What::Accepted { wamid: wamid() }, What::Failed { code: CODES[1].clone() }],
        vec![refused],
    ];
    let of = prop::sample::select(vec![Resend::Failed, Resend::Unknown, Resend::NotDelivered]);
    let why = prop_oneof![
        Just(Reopening::Policy),
        of.prop_map(|of| Reopening::Round { number: 1, of }),
        reaction(),
    ];
    (prop::sample::select(firsts.to_vec()), why)
        .prop_map(|(first, why)| {
            let mut facts = begun();
            for what in first {
                assert!(facts.learn(1, &what, start()), "{what:?}");
            }
            (facts, What::Reopened { why })
        })
        .prop_filter("somebody may decide so", |(facts, reopened)| facts.clone().learn(1, reopened, start()))
}

/// Webhooks, each about an attempt.
type Late = Vec<(u16, Told)>;

/// Webhooks about one of two attempts, in some order, and again in another order with repeats.
fn late() -> impl Strategy<Value = (Late, Late)> {
    prop::collection::vec((1..3_u16, webhook()), 0..6).prop_flat_map(|told| {
        let n = told.len();
        let repeats = prop::collection::vec(0..n.max(1), 0..=n.min(4));
        (Just(told), repeats).prop_flat_map(|(told, repeats)| {
            let mut again = told.clone();
            again.extend(repeats.into_iter().filter_map(|index| told.get(index).cloned()));
            (Just(told), Just(again).prop_shuffle())
        })
    })
}

/// What everybody sees of a message.
fn seen(facts: &Facts) -> (Label, bool, bool, u16) {
    (Label::of(facts), facts.was_taken(), facts.was_doubled(), facts.risked)
}

proptest! {
    #[test]
    fn a_decision_and_late_webhooks_come_in_any_order(
        (facts, reopened) in to_try_again(),
        told in prop::collection::vec(webhook(), 0..5),
        place in 0..6_usize,
    ) {
        // WhatsApp tells nothing of what it refused.
        prop_assume!(facts.answer != Answer::Final || told.is_empty());
        let tell_all = |place: usize| {
            let mut facts = facts.clone();
            for (index, told) in told.iter().enumerate() {
                if index == place {
                    facts.learn(1, &reopened, instant(9));
                }
                tell(&mut facts, told);
            }
            if told.len() <= place {
                facts.learn(1, &reopened, instant(9));
            }
            facts
        };
        let (one, two) = (tell_all(0), tell_all(place));
        prop_assert_eq!(seen(&one), seen(&two));
        // And whoever is asked next says the same.
        let begins = |mut facts: Facts| facts.begin(&gate(), 2, instant(3_600));
        prop_assert_eq!(begins(one), begins(two));
    }

    #[test]
    fn what_failed_later_is_tried_again_once_and_never_if_it_arrived(
        why in reaction(),
        told in prop::collection::vec((webhook(), any::<bool>()), 1..8),
        doubted: bool,
    ) {
        let mut facts = begun();
        if doubted {
            facts.learn(1, &What::InDoubt { code: CODES[2].clone() }, start());
        }
        let (mut failed, mut arrived, mut answered) = (false, false, false);
        for (told, begins) in told {
            tell(&mut facts, &told);
            let Told::Webhook(what, _) = told else { continue };
            match what {
                What::Failed { .. } => {
                    // Each repeat of the webhook asks for it again.
                    facts.learn(1, &What::Reopened { why: why.clone() }, instant(9));
                    failed |= !arrived;
                }
                What::Sent => {}
                _ => arrived = true,
            }
            answered |= failed && !arrived && begins;
            if begins {
                let answer = facts.begin(&gate(), 2, instant(3_600));
                prop_assert!(!arrived || answer == Begun::Closed || answered, "{:?}", answer);
            }
            prop_assert_eq!(facts.attempts, 1 + u16::from(answered));
            prop_assert_eq!(facts.risked, 0, "a refusal in so many words leaves no doubt");
            prop_assert!(!arrived || facts.state().is_closed());
        }
    }

    #[test]
    fn around_a_second_attempt_any_order_ends_in_the_same_facts(
        (facts, reopened) in to_try_again(),
        (told, again) in late(),
        answer in prop::option::of(taken_or_doubted()),
        place in 0..8_usize,
    ) {
        let second = |told: &[(u16, Told)], place: usize| {
            let mut facts = facts.clone();
            facts.learn(1, &reopened, instant(9));
            assert_eq!(facts.begin(&gate(), 2, instant(3_600)), Begun::Attempt(2));
            let answer = answer.clone().map(|what| match what {
                What::Accepted { .. } => What::Accepted { wamid: Wamid::new("wamid.2") },
                other => other,
            });
            let mut steps: Vec<(u16, Told)> = told.to_vec();
            if let Some(what) = answer {
                steps.insert(place.min(told.len()), (2, Told::Answer(what, instant(2))));
            }
            for (attempt, told) in steps {
                match told {
                    Told::Answer(what, at) => drop(facts.learn(attempt, &what, at)),
                    Told::Webhook(what, at) => webhook_tells(&mut facts, attempt, &what, at),
                }
            }
            facts
        };
        prop_assert_eq!(second(&told, 0), second(&again, place));
    }

    #[test]
    fn nothing_in_doubt_is_begun_again_without_a_decision(
        (told, again) in orders(taken_or_doubted()),
        gives_up: bool,
    ) {
        let mut facts = begun();
        facts.learn(1, &What::InDoubt { code: CODES[2].clone() }, start());
        if gives_up {
            facts.learn(1, &What::GivenUp, start());
        }
        for told in told.iter().chain(&again) {
            tell(&mut facts, told);
            prop_assert_eq!(facts.begin(&gate(), 2, instant(3_600)), Begun::Closed);
        }
    }

    #[test]
    fn any_order_of_webhooks_and_the_answer_ends_in_the_same_facts(
        (told, again) in orders(taken_or_doubted())
    ) {
        prop_assert_eq!(after(&told), after(&again));
    }

    #[test]
    fn a_webhook_beats_a_refusal_in_any_order((told, again) in orders(refused())) {
        let (one, two) = (after(&told), after(&again));
        prop_assert_eq!(one.state(), two.state());
        let webhooks = told.iter().any(|told| matches!(told, Told::Webhook(..)));
        prop_assert!(!webhooks || matches!(
            one.state(),
            State::Accepted | State::Delivered | State::Read | State::Failed
        ));
    }

    #[test]
    fn a_repeat_is_recognised((told, _) in orders(taken_or_doubted())) {
        let mut facts = after(&told);
        let before = facts.clone();
        for told in &told {
            tell(&mut facts, told);
        }
        prop_assert_eq!(facts, before);
    }

    #[test]
    fn what_whatsapp_took_is_never_begun_again((told, again) in orders(taken_or_doubted())) {
        let mut facts = after(&told);
        for told in &again {
            tell(&mut facts, told);
            if facts.state() != State::Sending {
                let gate = Gate { open: Opening::Open, not_before: None, not_after: None, max_attempts: 5 };
                prop_assert_eq!(facts.begin(&gate, 2, instant(3_600)), Begun::Closed);
            }
        }
    }

    #[test]
    fn attempts_that_count_stay_below_the_cap(
        answers in prop::collection::vec((refused(), any::<bool>()), 0..20),
        max_attempts in 1..6_u16,
    ) {
        let mut facts = Facts::default();
        let mut now = start();
        for (what, doubted) in answers {
            now += TimeDelta::hours(1);
            let gate = Gate { open: Opening::Open, not_before: None, not_after: None, max_attempts };
            if let Begun::Attempt(attempt) = facts.begin(&gate, 1, now) {
                if doubted {
                    facts.learn(attempt, &What::InDoubt { code: CODES[2].clone() }, now);
                }
                facts.learn(attempt, &what, now);
            }
            prop_assert!(facts.counted <= max_attempts && facts.counted <= facts.attempts);
        }
    }

    #[test]
    fn a_campaign_that_ended_opens_only_for_a_round(changes in prop::collection::vec(change(), 0..40)) {
        let mut status = Status::Planning;
        let mut released = false;
        for change in changes {
            let Some(next) = status.after(&change) else { continue };
            prop_assert!(status != Status::Cancelled);
            let round = matches!(change, Change::Reopen { .. });
            prop_assert!(status != Status::Finished || round);
            prop_assert_ne!(next, Status::Planning);
            released |= next == Status::Released;
            prop_assert!(next.opening() != Opening::Open || released);
            prop_assert_eq!(next.opening() == Opening::Open, next == Status::Released);
            prop_assert_eq!(Status::parse(next.as_str()), Some(next));
            status = next;
        }
    }

    #[test]
    fn no_text_makes_a_token_panic(text in "\\PC*", claim in "[0-9a-fv.+ä-]{0,60}") {
        for text in [text.clone(), claim.clone(), format!("v1.{claim}"), format!("v1.{text}")] {
            if let Some(read) = UnverifiedToken::read(&text) {
                prop_assert_eq!(read.verify(&scope(), &Salt::from_bytes([7; 32])), None);
            }
        }
    }

    #[test]
    fn a_token_comes_back_and_no_other_does(
        campaign: u32, record: u32, attempt: u16, salt: [u8; 32], place in 3..40_usize, digit in "[0-9a-f]",
    ) {
        let (scope, salt) = (scope(), Salt::from_bytes(salt));
        let token = CallbackToken { message: CampaignKey::new(&scope, campaign).message(record), attempt };
        let text = token.encode(&salt);
        prop_assert!(text.len() <= 512);
        prop_assert_eq!(UnverifiedToken::read(&text).unwrap().verify(&scope, &salt), Some(token));
        let mut forged = text.clone();
        forged.replace_range(place..=place, &digit);
        if forged != text {
            let verified = UnverifiedToken::read(&forged).and_then(|read| read.verify(&scope, &salt));
            prop_assert_eq!(verified, None);
        }
    }
}

#[test]
fn the_earliest_of_two_failures_gives_the_reason() {
    let fail = |code: usize, at| Told::Webhook(What::Failed { code: CODES[code].clone() }, instant(at));
    for order in [[fail(0, 5), fail(1, 2)], [fail(1, 2), fail(0, 5)]] {
        assert_eq!(after(&order).code, Some(CODES[1].clone()));
    }
}

//! What must hold after every run.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use serde_json::Value;
use whatsapp_dispatch::campaign::UnknownPolicy;
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::fact::{Answer as Known, State};
use whatsapp_dispatch::gateway::ApiError;
use whatsapp_dispatch::progress::{Label, Progress};
use whatsapp_dispatch::reaction::{Fate, Reaction};
use whatsapp_dispatch::template::Category;

use crate::scenario::{Scenario, tenant_id};
use crate::witness::{Answer, Post};
use crate::world::{Outcome, Run, is_planned};

pub(crate) fn promises(run: &Run) {
    nobody_is_sent_to_again_without_a_definite_refusal(run);
    for (index, outcome) in &run.campaigns {
        nobody_is_left_out_silently(run, *index, outcome);
        everything_is_final(outcome);
        counters_are_the_log(outcome);
        evidence_is_the_log(run, outcome);
        attempts_and_expiry_hold(run, *index, outcome);
    }
    nobody_is_begun_after_an_opt_out(run);
    numbers_keep_their_rate(run);
    days_keep_their_limit(run);
    ours_is_theirs(run);
    what_has_ended_is_exported_and_forgotten(run);
}

/// After a request that was not refused in so many words, nor given up by WhatsApp later, there is
/// no other for the same message, unless the campaign's policy wants one; and then the log says so.
fn nobody_is_sent_to_again_without_a_definite_refusal(run: &Run) {
    let mut last: BTreeMap<(&str, u64), &Post> = BTreeMap::new();
    let mut risked: BTreeMap<(&str, u64), u16> = BTreeMap::new();
    for post in &run.posts {
        let message = (post.template.as_str(), post.digits);
        if let Some(before) = last.insert(message, post) {
            let refused = matches!(before.answer, Answer::Refused(_)) || run.failed.contains(&before.token);
            if !refused {
                *risked.entry(message).or_default() += 1;
                let most = match policy(run, &post.template) {
                    UnknownPolicy::Never | UnknownPolicy::Ask => 0,
                    UnknownPolicy::OnceAfter => 1,
                    UnknownPolicy::Now => u16::MAX,
                };
                assert!(risked[&message] <= most, "posted again after {before:?}: {post:?}");
            }
        }
    }
    let marked = run.campaigns.values().flat_map(|outcome| &outcome.messages);
    let marked: u64 = marked.map(|message| u64::from(message.facts.risked)).sum();
    let risked: u64 = risked.values().map(|times| u64::from(*times)).sum();
    assert!(risked <= marked, "{risked} risks were taken and {marked} are marked");
}

fn policy(run: &Run, template: &str) -> UnknownPolicy {
    let index: usize = template.trim_start_matches("campaign_").parse().unwrap();
    run.campaigns[&index].record.definition.unknown_policy()
}

fn nobody_is_left_out_silently(run: &Run, index: usize, outcome: &Outcome) {
    let records = &run.scenario.campaigns[index].records;
    assert_eq!(outcome.messages.len(), records.len());
    assert_eq!(outcome.progress.rows(), records.len() as u64, "{:?}", outcome.progress);
    for (message, line) in outcome.messages.iter().zip(1..) {
        assert_eq!(message.line, line);
        let label =
            if is_planned(message) { Label::of(&message.facts) } else { Label::planned(&message.verdict) };
        let told = matches!(message.facts.state(), State::Failed | State::Dead | State::Unknown);
        if !is_planned(message) || told {
            assert!(label.code.is_some(), "no reason: {message:?}");
        }
    }
}

fn everything_is_final(outcome: &Outcome) {
    for message in outcome.messages.iter().filter(|message| is_planned(message)) {
        let state = message.facts.state();
        let never =
            outcome.record.status == Status::Cancelled && matches!(state, State::Waiting | State::Deferred);
        assert!(
            never || (state.is_closed() && state != State::Accepted),
            "{state:?} at the end: {message:?}"
        );
    }
}

fn counters_are_the_log(outcome: &Outcome) {
    let mut labels: BTreeMap<Label, u64> = BTreeMap::new();
    for message in &outcome.messages {
        let label =
            if is_planned(message) { Label::of(&message.facts) } else { Label::planned(&message.verdict) };
        *labels.entry(label).or_default() += 1;
    }
    let counted: BTreeMap<Label, u64> =
        outcome.progress.labels().map(|(label, count)| (label.clone(), count)).collect();
    assert_eq!(labels, counted);
    let begun: u64 = outcome.messages.iter().map(|message| u64::from(message.facts.attempts)).sum();
    let accepted = outcome.messages.iter().filter(|message| message.facts.was_taken()).count();
    let Progress { begun: counted_begun, accepted: counted_accepted, .. } = outcome.progress;
    assert_eq!((begun, accepted as u64), (counted_begun, counted_accepted));
}

/// Words of the event log about each record, with their instants.
type Words = BTreeMap<u32, Vec<(DateTime<Utc>, String)>>;

fn words(run: &Run, outcome: &Outcome) -> (Words, u64) {
    let mut words = Words::new();
    let mut planned = 0;
    for (seq, sealed) in (1..).zip(&run.evidence[outcome.record.key.tenant().as_str()]) {
        assert_eq!(sealed.seq, seq);
        let body: Value = serde_json::from_str(&sealed.body).unwrap();
        if body["campaign"] != outcome.record.key.number() {
            continue;
        }
        planned += body["planned"].as_u64().unwrap_or(0);
        for entry in body["messages"].as_array().into_iter().flatten() {
            let record = u32::try_from(entry[0].as_u64().unwrap()).unwrap();
            let word = entry[2].as_str().unwrap().to_owned();
            words.entry(record).or_default().push((sealed.at, word));
        }
        for entry in body["refused"].as_array().into_iter().flatten() {
            assert!(!entry[1].as_str().unwrap().is_empty(), "refused without a reason: {entry}");
        }
    }
    (words, planned)
}

fn evidence_is_the_log(run: &Run, outcome: &Outcome) {
    let (words, planned) = words(run, outcome);
    assert_eq!(planned, outcome.progress.planned());
    for message in outcome.messages.iter().filter(|message| is_planned(message)) {
        let facts = &message.facts;
        let said = words.get(&message.key.record()).map(Vec::as_slice).unwrap_or_default();
        let count = |word: &str| said.iter().filter(|(_, said)| said == word).count();
        let has = |word: &str| 0 < count(word);
        assert_eq!(count("begun"), usize::from(facts.attempts), "{said:?} {facts:?}");
        for (word, known) in [
            // What is told of an earlier attempt is no fact about the last one.
            ("sent", facts.sent_at.is_some() || (has("sent") && !facts.former.is_empty())),
            ("delivered", facts.delivered_at.is_some()),
            ("read", facts.read_at.is_some()),
            ("failed", facts.failed_at.is_some() || (has("failed") && !facts.former.is_empty())),
            // Of a message in doubt it says that no other attempt follows.
            ("expired", facts.expired_at.is_some() || (has("expired") && facts.answer == Known::GivenUp)),
        ] {
            assert_eq!(has(word), known, "{word}: {said:?} {facts:?}");
        }
        let taken = ["accepted", "held", "sent", "delivered", "read", "failed"].into_iter().any(has);
        assert_eq!(taken, facts.was_taken(), "{said:?} {facts:?}");
    }
}

fn attempts_and_expiry_hold(run: &Run, index: usize, outcome: &Outcome) {
    let planned = &run.scenario.campaigns[index];
    let mut counted: BTreeMap<u64, u16> = BTreeMap::new();
    let end = planned.expires_after.zip(outcome.record.released_at);
    for post in run.posts.iter().filter(|post| post.template == planned.name) {
        // What WhatsApp gave up on later is tried again as its error says.
        let given_up = run.failed.contains(&post.token);
        if !given_up && counts(post.answer, planned.template.category) {
            *counted.entry(post.digits).or_default() += 1;
        }
        if let Some((expires_after, released)) = end {
            // Begun in time; it may then wait for its turn on the wire.
            let end = released + TimeDelta::from_std(expires_after).unwrap() + TimeDelta::seconds(5);
            assert!(post.at <= end, "posted after {end}: {post:?}");
        }
    }
    for (digits, attempts) in counted {
        assert!(attempts <= planned.max_attempts, "{attempts} attempts for {digits} in {planned:?}");
    }
}

/// Whether an attempt with this answer uses up one of the campaign's.
fn counts(answer: Answer, category: Category) -> bool {
    let Answer::Refused(code) = answer else { return true };
    let fate = Reaction::to(&ApiError::new(code, 400), category).fate;
    !matches!(fate, Fate::Back | Fate::BackedOff { .. } | Fate::Deferred { .. })
}

fn nobody_is_begun_after_an_opt_out(run: &Run) {
    for outcome in run.campaigns.values() {
        let (words, _) = words(run, outcome);
        for message in outcome.messages.iter().filter(|message| is_planned(message)) {
            let tenant = (0..3).find(|index| tenant_id(*index) == *outcome.record.key.tenant()).unwrap();
            let digits = message.to.unwrap().number.canonical().digits();
            let Some(opted_out) = run.opted_out.get(&(tenant, digits)) else { continue };
            let said = words.get(&message.key.record()).map(Vec::as_slice).unwrap_or_default();
            let late = said.iter().find(|(at, word)| word == "begun" && opted_out < at);
            assert!(late.is_none(), "begun at {late:?} after the opt-out at {opted_out}: {message:?}");
        }
    }
}

/// No number gets more in any second than its rate and four bursts of a quarter of it: several
/// dispatchers share the permits, and each of them may have some left from the second before.
fn numbers_keep_their_rate(run: &Run) {
    for number in &run.scenario.numbers {
        let id = number.number_id.to_string();
        let posts: Vec<DateTime<Utc>> =
            run.posts.iter().filter(|post| post.number_id == id).map(|post| post.at).collect();
        let believed =
            run.scenario.campaigns.iter().filter(|planned| planned.sender.number_id == number.number_id);
        let believed = believed.map(|planned| planned.sender.messages_per_second).max().unwrap_or(0);
        let most = usize::try_from(believed + 4 * believed.div_ceil(4)).unwrap();
        for (index, at) in posts.iter().enumerate() {
            let end = *at + TimeDelta::seconds(1);
            let within = posts[index..].iter().take_while(|at| **at < end).count();
            assert!(
                within <= most,
                "{within} requests within a second from {at} of {id}; {most} are allowed: {:#?}",
                &posts[index..index + within],
            );
        }
    }
}

/// Requests that count against a tenant's day never exceed its limit.
fn days_keep_their_limit(run: &Run) {
    let Scenario { tenants, campaigns, .. } = &run.scenario;
    for tenant in tenants {
        let Some(limit) = tenant.daily_limit else { continue };
        let ours: BTreeSet<&str> = campaigns
            .iter()
            .filter(|planned| planned.sender.tenant == tenant.id)
            .map(|planned| planned.name.as_str())
            .collect();
        let mut days: BTreeMap<chrono::NaiveDate, u64> = BTreeMap::new();
        for post in &run.posts {
            let refused = matches!(post.answer, Answer::Refused(_));
            if ours.contains(post.template.as_str()) && !refused {
                *days.entry(post.at.with_timezone(&tenant.zone).date_naive()).or_default() += 1;
            }
        }
        for (day, sent) in days {
            assert!(sent <= limit, "{sent} of {limit} on {day} of {tenant:?}");
        }
    }
}

/// Whatever WhatsApp took is accepted or in doubt here, and nothing else.
fn ours_is_theirs(run: &Run) {
    let posts = run.posts.iter().filter(|post| !matches!(post.answer, Answer::Refused(_))).count() as u64;
    assert!(run.theirs.accepted <= posts);
    let sum = |of: fn(&Outcome) -> u64| run.campaigns.values().map(of).sum::<u64>();
    let accepted = sum(|outcome| outcome.progress.accepted);
    let unknown = sum(|outcome| outcome.progress.in_state(State::Unknown));
    assert!(accepted <= run.theirs.accepted, "{accepted} accepted here, {:?} there", run.theirs);
    // A message that was begun again in doubt may have been taken twice there, and one that WhatsApp
    // took and gave up on is taken again.
    let facts = || run.campaigns.values().flat_map(|outcome| &outcome.messages).map(|message| &message.facts);
    let risked: u64 = facts().map(|facts| u64::from(facts.risked)).sum();
    let given_up: u64 = facts().map(|facts| facts.former.len() as u64).sum();
    assert!(
        run.theirs.accepted <= accepted + unknown + risked + given_up,
        "{accepted} accepted, {unknown} unknown, {risked} risked and {given_up} given up here, {:?} there",
        run.theirs
    );
    assert_eq!((run.theirs.statuses_waiting, run.theirs.webhooks_lost), (0, 0), "everything was told");
    assert_eq!(run.theirs.forged_taken, 0, "nobody believes a forger");
}

/// Every campaign that has ended is forgotten weeks later, and its export says of each record what the
/// log said, and no number; of the others everything stays.
fn what_has_ended_is_exported_and_forgotten(run: &Run) {
    let mut left = 0;
    for (index, outcome) in &run.campaigns {
        let Some(lines) = run.exported.get(index) else {
            assert!(!outcome.record.status.has_ended(), "{:?} and not forgotten", outcome.record.status);
            left += outcome.messages.len();
            continue;
        };
        assert_eq!(lines.len(), outcome.messages.len());
        for (line, message) in lines.iter().zip(&outcome.messages) {
            assert_eq!(
                (&line["record"], &line["line"]),
                (&message.key.record().into(), &message.line.into())
            );
            if is_planned(message) {
                let facts = &message.facts;
                assert_eq!(line["state"], facts.state().as_str());
                assert_eq!(line["attempts"], facts.attempts);
                assert_eq!(line["code"].as_str(), facts.code.as_ref().map(Code::as_str));
            } else {
                let code = Label::planned(&message.verdict).code.unwrap();
                assert_eq!(line["code"], code.as_str());
            }
            if let Some(to) = message.to {
                assert!(!line.to_string().contains(&to.number.digits().to_string()));
            }
        }
    }
    assert_eq!(run.left, left);
}

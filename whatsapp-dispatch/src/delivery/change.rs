//! What a call changes beside the messages themselves: the counters of progress and the evidence.
//! The same for every store.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::ChainKey;
use rules_core::work::events::Entry;

use crate::delivery::{Manifest, Place, PlanVerdict, first_record};
use crate::fact::{Facts, Reopening, What};
use crate::message::{CampaignKey, MessageKey};
use crate::progress::Label;

/// How one campaign's counters move.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    pub(crate) labels: BTreeMap<Label, i64>,
    pub(crate) begun: u64,
    pub(crate) accepted: u64,
    pub(crate) held: u64,
    pub(crate) risked: u64,
    pub(crate) doubled: u64,
}

/// What one call changes, per campaign.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    campaigns: Vec<(CampaignKey, Delta, String)>,
}

impl Changes {
    /// Counts a message that moved from one set of facts to another.
    pub(crate) fn moved(&mut self, message: &MessageKey, before: &Facts, after: &Facts) {
        let (delta, _) = self.of(message.campaign());
        delta.begun += u64::from(after.attempts.saturating_sub(before.attempts));
        delta.accepted += u64::from(!before.was_taken() && after.was_taken());
        delta.held += u64::from(!before.held && after.held);
        delta.risked += u64::from(after.risked.saturating_sub(before.risked));
        delta.doubled += u64::from(!before.was_doubled() && after.was_doubled());
        let (from, to) = (Label::of(before), Label::of(after));
        if from != to {
            *delta.labels.entry(from).or_default() -= 1;
            *delta.labels.entry(to).or_default() += 1;
        }
    }

    /// Counts a record that was planned.
    pub(crate) fn planned(&mut self, campaign: &CampaignKey, verdict: &PlanVerdict) {
        let (delta, _) = self.of(campaign);
        *delta.labels.entry(Label::planned(verdict)).or_default() += 1;
    }

    /// Notes what happened to a message, as evidence: record, attempt, word, reason.
    pub(crate) fn evidence(&mut self, message: &MessageKey, attempt: u16, word: &str, code: Option<&Code>) {
        let (_, list) = self.of(message.campaign());
        let comma = if list.is_empty() { "" } else { "," };
        let record = message.record();
        // Writing to a string cannot fail.
        let written = match code {
            Some(code) => write!(list, "{comma}[{record},{attempt},\"{word}\",\"{code}\"]"),
            None => write!(list, "{comma}[{record},{attempt},\"{word}\"]"),
        };
        written.unwrap_or_default();
    }

    /// Takes in the moves of another part of the same transaction.
    #[cfg(feature = "redis")]
    pub(crate) fn join(&mut self, other: Self) {
        self.campaigns.extend(other.campaigns);
    }

    fn of(&mut self, campaign: &CampaignKey) -> (&mut Delta, &mut String) {
        let index = self.campaigns.iter().position(|(key, ..)| key == campaign).unwrap_or_else(|| {
            self.campaigns.push((campaign.clone(), Delta::default(), String::new()));
            self.campaigns.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or made just above")]
        let (_, delta, list) = &mut self.campaigns[index];
        (delta, list)
    }

    /// The counters' moves, per campaign.
    pub(crate) fn deltas(&self) -> impl Iterator<Item = (&CampaignKey, &Delta)> {
        self.campaigns.iter().map(|(key, delta, _)| (key, delta))
    }

    /// The evidence as entries of the event log, one per campaign.
    pub(crate) fn entries(&self, kind: &Code, at: DateTime<Utc>) -> Vec<Entry> {
        let told = |(key, _, list): &(CampaignKey, Delta, String)| {
            (!list.is_empty()).then(|| entry(key, kind, at, list))
        };
        self.campaigns.iter().filter_map(told).collect()
    }
}

fn entry(campaign: &CampaignKey, kind: &Code, at: DateTime<Utc>, list: &str) -> Entry {
    let number = campaign.number();
    Entry {
        // A message may be put off twice for one reason, so the instant belongs to the name.
        id: EntryId::of(&[
            kind.as_str().as_bytes(),
            &number.to_be_bytes(),
            &at.timestamp_micros().to_be_bytes(),
            list.as_bytes(),
        ]),
        chain: chain(campaign),
        at,
        kind: kind.clone(),
        body: format!("{{\"campaign\":{number},\"messages\":[{list}]}}"),
    }
}

fn chain(campaign: &CampaignKey) -> ChainKey {
    ChainKey::of(campaign.tenant())
}

/// Evidence of messages that were begun.
pub(crate) const BEGUN: Code = Code::known("dispatch.begun");
/// Evidence of what came of messages.
pub(crate) const RECORDED: Code = Code::known("dispatch.recorded");
/// Evidence of a batch that was planned.
pub(crate) const PLANNED: Code = Code::known("dispatch.planned");

/// Evidence of a planned batch: everybody who gets nothing with the reason, and one digest over
/// the ids of those who do.
pub(crate) fn plan_entry(manifest: &Manifest, verdicts: &[PlanVerdict], at: DateTime<Utc>) -> Entry {
    let number = manifest.campaign.number();
    let mut refused = String::new();
    let mut ids: Vec<&[u8]> = Vec::new();
    let first = match manifest.place {
        Place::Batch(batch) => first_record(batch),
        Place::Append => 0,
    };
    for ((record, row), verdict) in (first..).zip(&manifest.rows).zip(verdicts) {
        let code = Label::planned(verdict).code;
        match (code, &row.to) {
            (None, Some(to)) => ids.push(to.id.as_bytes()),
            (code, _) => {
                let comma = if refused.is_empty() { "" } else { "," };
                let code = code.as_ref().map_or("", Code::as_str);
                write!(refused, "{comma}[{record},\"{code}\"]").unwrap_or_default();
            }
        }
    }
    let digest = EntryId::of(&ids);
    let planned = ids.len();
    let (id, body) = match manifest.place {
        Place::Batch(batch) => (
            EntryId::of(&[b"plan", &number.to_be_bytes(), &batch.to_be_bytes()]),
            format!(
                "{{\"campaign\":{number},\"batch\":{batch},\"planned\":{planned},\"digest\":\"{digest}\",\"refused\":[{refused}]}}"
            ),
        ),
        // A message id is appended once, so the digest names the entry.
        Place::Append => (
            EntryId::of(&[b"append", &number.to_be_bytes(), digest.as_bytes()]),
            format!("{{\"campaign\":{number},\"planned\":{planned},\"digest\":\"{digest}\"}}"),
        ),
    };
    Entry { id, chain: chain(&manifest.campaign), at, kind: PLANNED, body }
}

/// A message in doubt is tried again as its campaign says.
static BY_POLICY: Code = Code::known("dispatch.resend_policy");
/// Somebody decided to try the message again.
static BY_ROUND: Code = Code::known("dispatch.resend_round");

/// A fact as a word of the evidence, with its reason.
pub(crate) fn word(what: &What) -> (&'static str, Option<&Code>) {
    match what {
        What::Accepted { .. } => ("accepted", None),
        What::Held { .. } => ("held", None),
        What::Refused { code, .. } => ("refused", Some(code)),
        What::InDoubt { code } => ("unknown", Some(code)),
        What::Deferred { code, .. } => ("deferred", Some(code)),
        What::Denied { code } => ("denied", Some(code)),
        What::Expired => ("expired", None),
        What::Sent => ("sent", None),
        What::Delivered => ("delivered", None),
        What::Read => ("read", None),
        What::Played => ("played", None),
        What::Failed { code } => ("failed", Some(code)),
        What::GivenUp => ("unknown_final", None),
        What::Erased => ("erased", None),
        What::Reopened { why: Reopening::Policy } => ("reopened", Some(&BY_POLICY)),
        What::Reopened { why: Reopening::Round { .. } } => ("reopened", Some(&BY_ROUND)),
        What::Reopened { why: Reopening::Reaction { code, .. } } => ("reopened", Some(code)),
    }
}

/// A fact of a webhook from its word; `None` for a word that no webhook tells.
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) fn status(
    word: &str,
    code: Option<String>,
) -> Result<Option<What>, rules_core::judge::code::CodeError> {
    Ok(match word {
        "sent" => Some(What::Sent),
        "delivered" => Some(What::Delivered),
        "read" => Some(What::Read),
        "played" => Some(What::Played),
        "failed" => Some(What::Failed { code: Code::parse(code.unwrap_or_default())? }),
        _ => None,
    })
}

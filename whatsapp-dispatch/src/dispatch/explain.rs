use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::explanation::Explanation;
use rules_core::judge::rule::Mode;
use rules_core::judge::tenant::TenantScope;
use rules_core::judge::verdict::Verdicts;
use rules_core::work::StoreError;
use rules_core::work::fact_source::Subjects;
use rules_core::work::referee::Judgement;

use super::Sent;
use crate::campaigns::Status;
use crate::codes;
use crate::delivery::{Kind, Message, PlanVerdict, Query, Recipient};
use crate::fact::State;
use crate::people::{Address, PersonKey};
use crate::phone::PhoneNumber;
use crate::rule::CampaignFacts;

/// Why somebody did or did not get a campaign's message: every record that names them, each with
/// its way through the gates.
///
/// `Display` writes a line for each gate: what planning found, each fact with its instant (UTC),
/// and what every rule says of the person at this moment, with the fact that it reads and the
/// threshold. A rule may say something else than it did when the record was planned or begun: the
/// code of the record's own line is what counted then, and the event log holds when.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The records, in the order of the source.
    pub records: Vec<Message>,
    /// When the rules were asked again.
    pub asked_at: DateTime<Utc>,
    /// True when the campaign's messages were exported and removed, or are being removed.
    pub forgotten: bool,
    planned_at: DateTime<Utc>,
    released_at: Option<DateTime<Utc>>,
    /// Of each record, in the same order.
    verdicts: Verdicts,
}

/// One record's way through the gates.
#[derive(Clone, Copy, Debug)]
pub struct Gates<'a> {
    /// The record.
    pub message: &'a Message,
    /// What every rule says at [`Explained::asked_at`].
    pub rules: Explanation<'a>,
    explained: &'a Explained,
}

impl Sent {
    /// Why the person behind a number did or did not get the message.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    ///
    /// # Cancel safety
    /// Nothing is changed by it.
    pub async fn explain(&self, scope: &TenantScope, number: PhoneNumber) -> Result<Explained, StoreError> {
        let address = Address::new(scope, number.canonical());
        let mut records = Vec::new();
        let people = self.desk().people.resolve(&[address]).await?;
        let standings = self.desk().people.standing(&people).await?;
        let others = standings.into_iter().flat_map(|standing| standing.also);
        for person in people.iter().map(PersonKey::id).chain(others) {
            let mut from = Some(0);
            while let Some(start) = from {
                let of = Kind::Naming(person);
                let query = Query::Scan { campaign: self.key().clone(), from: start, of, max: 100 };
                let page = self.desk().log.messages(&query).await?;
                records.extend(page.messages);
                from = page.next;
            }
        }
        records.sort_by_key(|record: &Message| record.key.record());
        // Whom a record names, it has; without anybody there is nobody to judge.
        records.retain(|record| record.to.is_some());
        let record = self.record().await?;
        let to: Vec<Recipient> = records.iter().filter_map(|record| record.to).collect();
        let scope = Arc::new(scope.clone());
        let subjects = Subjects::new(vec![scope; to.len()])
            .with(vec![CampaignFacts::of(&record.definition); to.len()])
            .map_err(StoreError::from)?
            .with(to)
            .map_err(StoreError::from)?;
        let (asked_at, mut judgement) = (self.desk().clock.now(), Judgement::default());
        self.desk().referee.judge(&subjects, asked_at, Mode::Explain, &mut judgement).await;
        Ok(Explained {
            records,
            asked_at,
            forgotten: matches!(record.status, Status::Exported | Status::Forgotten),
            planned_at: record.created_at,
            released_at: record.released_at,
            verdicts: judgement.verdicts,
        })
    }
}

impl Explained {
    /// Each record's way through the gates.
    pub fn gates(&self) -> impl Iterator<Item = Gates<'_>> {
        let gates = |(row, message)| Gates { message, rules: self.verdicts.explain(row), explained: self };
        self.records.iter().enumerate().map(gates)
    }
}

impl Display for Explained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.records.is_empty() && self.forgotten {
            return write!(
                f,
                "the campaign's messages are forgotten; what came of each stands in its export"
            );
        }
        if self.records.is_empty() {
            return write!(
                f,
                "no record of the campaign names this person; lines that could not be read name nobody"
            );
        }
        for (index, gates) in self.gates().enumerate() {
            if 0 < index {
                writeln!(f)?;
            }
            write!(f, "{gates}")?;
        }
        Ok(())
    }
}

impl Display for Gates<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Message { line, verdict, facts, .. } = self.message;
        write!(f, "line {line}: ")?;
        match verdict {
            PlanVerdict::Planned => self.write_state(f)?,
            PlanVerdict::Malformed(code) => write!(f, "cannot be read ({code})")?,
            PlanVerdict::Invalid(code) => write!(f, "not valid ({code})")?,
            PlanVerdict::Suppressed(code) => write!(f, "a rule said no when it was planned ({code})")?,
            PlanVerdict::Duplicate => {
                write!(f, "the person has a message of this campaign from an earlier line")?;
            }
        }
        let moments = [
            ("planned", Some(self.explained.planned_at)),
            ("released", self.explained.released_at),
            ("begun", facts.begun_at),
            ("accepted", facts.accepted_at),
            ("sent", facts.sent_at),
            ("delivered", facts.delivered_at),
            ("read", facts.read_at),
            ("played", facts.played_at),
            ("failed", facts.failed_at),
            ("expired", facts.expired_at),
            ("not before", facts.not_before),
        ];
        let planned = *verdict == PlanVerdict::Planned;
        for (word, at) in moments.into_iter().take(if planned { usize::MAX } else { 1 }) {
            if let Some(at) = at {
                write!(f, "\n  {word:<10} {}", at.format(INSTANT))?;
            }
        }
        write!(f, "\n  the rules at {}: ", self.explained.asked_at.format(INSTANT))?;
        let rules = self.rules.render(&codes::texts());
        write!(f, "{}", rules.trim_end().replace('\n', "\n  "))
    }
}

const INSTANT: &str = "%F %T%.3f";

impl Gates<'_> {
    fn write_state(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let facts = &self.message.facts;
        let state = match facts.state() {
            State::Waiting => "waiting",
            State::Deferred => "put off",
            State::Sending => "on the wire",
            State::Unknown => "unknown",
            State::Accepted => "accepted",
            State::Delivered => "delivered",
            State::Read => "read",
            State::Failed => "failed",
            State::Dead => "dead",
            State::Expired => "expired",
        };
        write!(f, "{state}")?;
        if let Some(code) = &facts.code {
            write!(f, " ({code})")?;
        }
        if 0 < facts.attempts {
            write!(f, ", attempts {}", facts.attempts)?;
        }
        if 0 < facts.round {
            write!(f, ", tried again in round {}", facts.round)?;
        }
        if 0 < facts.risked {
            write!(f, ", begun in doubt {}", facts.risked)?;
        }
        if facts.was_doubled() {
            write!(f, ", taken twice")?;
        }
        if facts.is_held() {
            write!(f, ", held back by WhatsApp")?;
        }
        Ok(())
    }
}

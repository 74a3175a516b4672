use std::fmt::{self, Display, Formatter};

use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;

use super::Sent;
use crate::delivery::{Kind, Message, PlanVerdict, Query};
use crate::fact::State;
use crate::people::{Address, PersonKey};
use crate::phone::PhoneNumber;

/// Why somebody did or did not get a campaign's message: every record that names them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The records, in the order of the source.
    pub records: Vec<Message>,
}

/// One record's way through the gates.
#[derive(Clone, Copy, Debug)]
pub struct Gates<'a>(&'a Message);

impl Sent {
    /// Why the person behind a number did or did not get the message.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
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
        Ok(Explained { records })
    }
}

impl Explained {
    /// Each record's way through the gates.
    pub fn gates(&self) -> impl Iterator<Item = Gates<'_>> {
        self.records.iter().map(Gates)
    }
}

impl Display for Explained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.records.is_empty() {
            return write!(f, "no record of the campaign names this person");
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
        let Message { line, verdict, facts, .. } = self.0;
        write!(f, "line {line}: ")?;
        match verdict {
            PlanVerdict::Planned => write!(f, "planned")?,
            PlanVerdict::Malformed(code) => return write!(f, "cannot be read ({code})"),
            PlanVerdict::Invalid(code) => return write!(f, "not valid ({code})"),
            PlanVerdict::Suppressed(code) => return write!(f, "a rule said no ({code})"),
            PlanVerdict::Duplicate => {
                return write!(f, "the person has a message of this campaign from an earlier line");
            }
        }
        let moments = [
            ("begun", facts.begun_at),
            ("accepted", facts.accepted_at),
            ("sent", facts.sent_at),
            ("delivered", facts.delivered_at),
            ("read", facts.read_at),
            ("played", facts.played_at),
            ("failed", facts.failed_at),
            ("expired", facts.expired_at),
        ];
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
        for (word, at) in moments {
            if let Some(at) = at {
                write!(f, ", {word} {}", at.format("%F %T%.3f"))?;
            }
        }
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
        write!(f, ": {state}")?;
        match &facts.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

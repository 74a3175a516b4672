//! What answers have shown lately: streaks of refusals, credentials in doubt, and what is held
//! because of it. Lost with the process, which costs a few more refusals and no more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::lanes::HoldOn;
use rules_core::work::secrets::SecretRef;

use super::Beyond;
use super::held::{Held, Whom};
use crate::campaigns::CampaignRecord;
use crate::message::{CampaignKey, MessageKey};
use crate::reaction::{Action, Reaction, Streak};

/// The signs of late.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    streaks: Mutex<HashMap<CampaignKey, Streak>>,
    credentials: Mutex<HashMap<SecretRef, Credential>>,
    held: Mutex<Held>,
}

/// Campaigns whose answers are counted at once; with one more, counting begins anew for all.
const MOST_STREAKS: usize = 4_096;

/// How often a credential had been refused when a request was made with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// A credential: refused once, it is fetched anew; refused again, it is no good. What was on the
/// wire with the old one says nothing about the new one.
#[derive(Debug, Default)]
struct Credential {
    refusals: u64,
    is_doubted: bool,
}

impl Credential {
    const fn accepted(&mut self, ticket: Ticket) {
        if ticket.0 == self.refusals {
            self.is_doubted = false;
        }
    }

    /// True when a fresh one was refused, too.
    const fn refused(&mut self, ticket: Ticket) -> bool {
        if ticket.0 < self.refusals {
            return false;
        }
        self.refusals += 1;
        std::mem::replace(&mut self.is_doubted, true)
    }
}

impl Signs {
    /// To be taken before a request is made.
    pub(crate) fn ticket(&self, record: &CampaignRecord) -> Ticket {
        let credentials = lock(&self.credentials);
        credentials.get(&record.definition.sender.secret).map_or(Ticket(0), |known| Ticket(known.refusals))
    }

    /// WhatsApp took a message.
    pub(crate) fn accepted(&self, record: &CampaignRecord, ticket: Ticket) {
        if let Some(known) = lock(&self.credentials).get_mut(&record.definition.sender.secret) {
            known.accepted(ticket);
        }
        self.streak(&record.key, Streak::passed);
    }

    /// WhatsApp refused a message: what follows beyond it, what came before being considered.
    pub(crate) fn beyond(&self, record: &CampaignRecord, reaction: &Reaction, ticket: Ticket) -> Beyond {
        let escalation = reaction.escalation;
        let escalates = self.streak(&record.key, |streak| streak.refused(reaction.number, escalation));
        match reaction.action {
            Action::RefreshCredential | Action::StopTenant if !self.refused(record, ticket) => {
                Beyond::Nothing
            }
            _ => match Beyond::of(reaction) {
                Beyond::Nothing if escalates => Beyond::Pause(reaction.code.clone()),
                beyond => beyond,
            },
        }
    }

    fn refused(&self, record: &CampaignRecord, ticket: Ticket) -> bool {
        let secret = record.definition.sender.secret.clone();
        lock(&self.credentials).entry(secret).or_default().refused(ticket)
    }

    fn streak<T>(&self, campaign: &CampaignKey, tell: impl FnOnce(&mut Streak) -> T) -> T {
        let mut streaks = lock(&self.streaks);
        if let Some(streak) = streaks.get_mut(campaign) {
            return tell(streak);
        }
        if MOST_STREAKS <= streaks.len() {
            streaks.clear();
        }
        tell(streaks.entry(campaign.clone()).or_default())
    }

    /// Remembers a hold and the message that caused it.
    pub(crate) fn note(
        &self,
        whom: Whom,
        code: &Code,
        until: Option<DateTime<Utc>>,
        sample: &MessageKey,
        now: DateTime<Utc>,
    ) {
        lock(&self.held).note(whom, code, until, sample, now);
    }

    /// True when a hold of ours was made just now and lasts as long as this one would.
    pub(super) fn outlasts(&self, whom: &Whom, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        lock(&self.held).outlasts(whom, until, now)
    }

    /// True when messages of the campaign must not be begun, because its number or tenant was put
    /// on hold just now.
    pub(crate) fn keeps(&self, record: &CampaignRecord, now: DateTime<Utc>) -> bool {
        lock(&self.held).keeps(record, now)
    }

    /// The message because of which this process made a hold.
    pub(crate) fn sample(&self, on: &HoldOn, code: &Code) -> Option<MessageKey> {
        lock(&self.held).sample(&Whom::of(on)?, code)
    }

    /// A hold was released.
    pub(crate) fn released(&self, on: &HoldOn) {
        if let Some(whom) = Whom::of(on) {
            lock(&self.held).forget(&whom);
        }
    }

    /// Somebody says that a credential is good again.
    pub(crate) fn trust(&self, secret: &SecretRef) {
        if let Some(known) = lock(&self.credentials).get_mut(secret) {
            known.is_doubted = false;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_refreshed_once_and_then_no_good() {
        let mut credential = Credential::default();
        assert!(!credential.refused(Ticket(0)), "the first refusal: it is fetched anew");
        assert!(!credential.refused(Ticket(0)), "was on the wire with the old one");
        assert!(credential.refused(Ticket(1)), "the new one is no good either");
        assert!(!credential.refused(Ticket(1)));
        assert!(credential.refused(Ticket(2)), "and remains so until something passes");
    }

    #[test]
    fn a_success_with_the_fresh_credential_clears_it() {
        let mut credential = Credential::default();
        assert!(!credential.refused(Ticket(0)));
        credential.accepted(Ticket(0));
        assert!(credential.is_doubted, "the old one passed before it expired");
        credential.accepted(Ticket(1));
        assert!(!credential.refused(Ticket(1)), "an hour later it is refreshed once more");
        assert!(credential.refused(Ticket(2)));
    }
}

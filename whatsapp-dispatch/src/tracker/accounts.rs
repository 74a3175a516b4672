//! News about templates, numbers, accounts and portfolios.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::key::Lane;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;
use rules_core::work::lanes::HoldOn;

use super::{Told, Tracker};
use crate::accounts::{NumberNote, PortfolioNote};
use crate::aftermath;
use crate::dispatcher::PEOPLE_EXCEEDED;
use crate::register::{Note, NoteKey, NoteKind};
use crate::sender::Sender;
use crate::template::TemplateEvent;
use crate::webhook::account::{AccountEvent, AccountUpdate};
use crate::webhook::number::{PhoneQuality, PhoneQualityEvent};
use crate::webhook::{Change, ChangeValue, Text, Timestamp};

/// WhatsApp disabled, locked or deleted the account.
const DISABLED: Code = Code::known("account.disabled");
/// The account may not begin conversations for a while.
const RESTRICTED: Code = Code::known("account.restricted");

impl Tracker {
    pub(super) async fn accounts(&self, told: &[Told]) -> Result<(), StoreError> {
        let now = self.desk.clock.now();
        for Told { scope, change } in told {
            if 0 < change.unread + change.unknown {
                tracing::debug!(
                    field = change.field,
                    unread = change.unread,
                    unknown = change.unknown,
                    "parts of a webhook are new to us"
                );
            }
            match &change.value {
                ChangeValue::Messages(_) => self.number_is_called(scope, change).await?,
                ChangeValue::TemplateStatus(_)
                | ChangeValue::TemplateQuality(_)
                | ChangeValue::TemplateCategory(_)
                | ChangeValue::TemplateComponents(_) => self.template(scope, change, now).await?,
                ChangeValue::PhoneQuality(update) => self.number(scope, change, update, now).await?,
                ChangeValue::BusinessCapability(update) => {
                    let limit = update.max_daily_conversations_per_business.as_ref();
                    self.portfolio(scope, change, limit, now).await?;
                }
                ChangeValue::Account(update) => {
                    let key = NoteKey::new(scope, NoteKind::Number, format!("account/{}", change.waba));
                    self.in_order(key, at(change, now), self.account(scope, change, update)).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Applies news unless newer ones were applied: an endpoint that was down gets the news of its
    /// outage after those.
    async fn in_order(
        &self,
        key: NoteKey,
        at: DateTime<Utc>,
        apply: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> Result<(), StoreError> {
        let known = self.desk.register.look(std::slice::from_ref(&key)).await?.pop().flatten();
        if known.is_some_and(|note| at < note.at) {
            return Ok(());
        }
        apply.await?;
        self.desk.register.note(&[Note { key, at, text: String::from("applied") }]).await
    }

    async fn template(
        &self,
        scope: &TenantScope,
        change: &Change,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some((name, language)) = template_of(&change.value) else { return Ok(()) };
        let event = match &change.value {
            ChangeValue::TemplateStatus(update) => {
                TemplateEvent::parse(update.event.as_ref().map_or("", |event| event.as_str()))
            }
            _ => TemplateEvent::Changed,
        };
        let apply = self.desk.template_changed(&change.waba, name, language, event);
        if event == TemplateEvent::Changed {
            return apply.await;
        }
        let key = NoteKey::new(scope, NoteKind::Template, format!("{}/{name}/{language}", change.waba));
        self.in_order(key, at(change, now), apply).await
    }

    /// Some news name a number by its digits alone, so these are remembered.
    async fn number_is_called(&self, scope: &TenantScope, change: &Change) -> Result<(), StoreError> {
        let (Some(number), Some(digits)) = (&change.number_id, change.display_number()) else {
            return Ok(());
        };
        self.desk.note_display(scope, digits.as_str(), number).await
    }

    async fn number(
        &self,
        scope: &TenantScope,
        change: &Change,
        update: &PhoneQuality,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let at = at(change, now);
        let senders = self.senders(scope, change).await?;
        let called = match &update.display_phone_number {
            Some(digits) => self.desk.displayed(scope, digits.as_str()).await?,
            None => None,
        };
        // An account with one number means that one.
        let meant = match senders.as_slice() {
            [only] if called.as_deref().is_none_or(|id| id == only.number_id.as_str()) => Some(only),
            several => several.iter().find(|sender| Some(sender.number_id.as_str()) == called.as_deref()),
        };
        let event = update.event.as_ref().map(PhoneQualityEvent::as_str).unwrap_or_default().to_owned();
        if let Some(sender) = meant {
            tracing::info!(number_id = %sender.number_id, event, "whatsapp tells of a number");
            let upgraded = update.event == Some(PhoneQualityEvent::ThroughputUpgrade);
            let change = |note: &mut NumberNote, is_latest: bool| {
                note.upgraded |= upgraded;
                if is_latest {
                    note.event = Some(event);
                }
            };
            self.desk.note_number(scope, sender, at, change).await?;
        } else {
            tracing::warn!(waba = change.waba, event, "whatsapp tells of a number that nobody knows");
        }
        let limit = update.max_daily_conversations_per_business.as_ref().or(update.current_limit.as_ref());
        self.portfolio(scope, change, limit, now).await
    }

    async fn portfolio(
        &self,
        scope: &TenantScope,
        change: &Change,
        limit: Option<&Text>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(note) = limit.and_then(|limit| people_per_day(limit.as_str())) else { return Ok(()) };
        let Some(sender) = self.senders(scope, change).await?.into_iter().next() else { return Ok(()) };
        tracing::info!(
            portfolio = sender.portfolio,
            limit = note.people_per_day,
            "whatsapp tells a portfolio's limit"
        );
        self.desk.note_portfolio(scope, &sender.portfolio, at(change, now), note).await?;
        // There may be room now; if there is none, the next message finds out.
        let outlets = aftermath::numbers(&self.desk, |other| other.portfolio == sender.portfolio).await?;
        let theirs = |lane: &Lane| outlets.contains(&HoldOn::Outlet(lane.outlet().clone()));
        aftermath::release_lanes(&self.desk, theirs, |code| *code == PEOPLE_EXCEEDED).await
    }

    async fn account(
        &self,
        scope: &TenantScope,
        change: &Change,
        update: &AccountUpdate,
    ) -> Result<(), StoreError> {
        let ban = update.ban_info.as_ref().and_then(|ban| ban.waba_ban_state.as_ref()).map(Text::as_str);
        let numbers = self.senders(scope, change).await?;
        match (&update.event, ban) {
            (Some(AccountEvent::DisabledUpdate), Some("REINSTATE")) => {
                aftermath::release_numbers(&self.desk, &numbers, &DISABLED).await
            }
            (Some(AccountEvent::AccountDeleted | AccountEvent::AccountLocked), _)
            | (Some(AccountEvent::DisabledUpdate), Some("DISABLE")) => {
                aftermath::hold_numbers(&self.desk, &numbers, None, &DISABLED).await
            }
            (Some(AccountEvent::AccountRestriction), _) => {
                let restrictions = update.restriction_info.iter().flatten();
                let stops_us = restrictions.filter(|restriction| {
                    let kind = restriction.restriction_type.as_ref().map(Text::as_str).unwrap_or_default();
                    kind.contains("BIZ_INITIATED") || kind.contains("BUSINESS_INITIATED")
                });
                let ends = stops_us.map(|one| one.expiration.as_ref().and_then(Timestamp::instant));
                // One without an end lasts longer than any other.
                let until = ends.reduce(|one, other| Some(one?.max(other?)));
                match until {
                    Some(until) => aftermath::hold_numbers(&self.desk, &numbers, until, &RESTRICTED).await,
                    None => Ok(()),
                }
            }
            (event, _) => {
                let event = event.as_ref().map(AccountEvent::as_str).unwrap_or_default();
                tracing::info!(waba = change.waba, event, "whatsapp tells of an account");
                Ok(())
            }
        }
    }

    /// The tenant's numbers in the account.
    async fn senders(&self, scope: &TenantScope, change: &Change) -> Result<Vec<Arc<Sender>>, StoreError> {
        self.desk.senders_of(scope, &change.waba).await
    }
}

/// Name and language of the template that a change is about.
fn template_of(value: &ChangeValue) -> Option<(&str, &str)> {
    let (name, language) = match value {
        ChangeValue::TemplateStatus(update) => {
            (&update.message_template_name, &update.message_template_language)
        }
        ChangeValue::TemplateQuality(update) => {
            (&update.message_template_name, &update.message_template_language)
        }
        ChangeValue::TemplateCategory(update) => {
            (&update.message_template_name, &update.message_template_language)
        }
        ChangeValue::TemplateComponents(update) => {
            (&update.message_template_name, &update.message_template_language)
        }
        _ => return None,
    };
    Some((name.as_ref()?.as_str(), language.as_ref()?.as_str()))
}

fn at(change: &Change, now: DateTime<Utc>) -> DateTime<Utc> {
    change.time.as_ref().and_then(Timestamp::instant).map_or(now, |at| at.min(now))
}

/// `TIER_250` to `TIER_UNLIMITED`, or a number of which a negative one is none; `None` for a word
/// that is new.
fn people_per_day(text: &str) -> Option<PortfolioNote> {
    let tier = text.trim().trim_start_matches("TIER_");
    if tier.eq_ignore_ascii_case("UNLIMITED") || tier.starts_with('-') {
        return Some(PortfolioNote { people_per_day: None });
    }
    let (digits, thousands) = match tier.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1_000),
        None => (tier, 1),
    };
    Some(PortfolioNote { people_per_day: Some(digits.parse::<u64>().ok()?.checked_mul(thousands)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_tiers_and_as_numbers() {
        for (text, limit) in [
            ("TIER_250", Some(Some(250))),
            ("TIER_2K", Some(Some(2_000))),
            ("TIER_100K", Some(Some(100_000))),
            ("TIER_UNLIMITED", Some(None)),
            ("1000", Some(Some(1_000))),
            ("-1", Some(None)),
            ("TIER_NOT_SET", None),
            ("many", None),
        ] {
            assert_eq!(people_per_day(text).map(|note| note.people_per_day), limit, "{text}");
        }
    }
}

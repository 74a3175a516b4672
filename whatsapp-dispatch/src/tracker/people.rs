//! What people say and do: STOP by word, button or switch, messages that open a window, names that
//! belong together.

use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;

use super::{Told, Tracker};
use crate::aftermath::{AboutPerson, News};
use crate::people::{Address, ConsentChange, ConsentSource, Learned, Lesson, Word};
use crate::reaction::Reaction;
use crate::telemetry;
use crate::template::Category;
use crate::webhook::{
    Change, Inbound, MessageStatus, PreferenceValue, RecipientType, Status, Text, Timestamp,
};

/// What changes tell of people.
#[derive(Debug, Default)]
struct Gathered {
    learned: Vec<Learned>,
    /// Told of nearly everybody, and mostly nothing new.
    reached: Vec<Learned>,
    said: Vec<ConsentChange>,
    refused: Vec<News>,
}

impl Tracker {
    pub(super) async fn people(&self, told: &[Told]) -> Result<(), StoreError> {
        let now = self.desk.clock.now();
        let mut gathered = Gathered::default();
        for Told { scope, change } in told {
            self.names(scope, change, now, &mut gathered);
            self.inbound(scope, change, now, &mut gathered);
            preferences(scope, change, now, &mut gathered);
            reached(scope, change, now, &mut gathered);
            refused(scope, change, now, &mut gathered);
        }
        let Gathered { learned, reached, said, refused } = gathered;
        if !refused.is_empty() {
            self.desk.about_people(&refused).await?;
        }
        if !learned.is_empty()
            && let Err(error) = self.desk.people.learn(&learned).await
        {
            self.desk.acquainted.forget();
            return Err(error);
        }
        if !said.is_empty() {
            self.desk.people.consent(&said).await?;
            let stops = said.iter().filter(|change| change.opted_out).count();
            telemetry::count("dispatch_opt_outs_total", None, stops);
            tracing::info!(stops, starts = said.len() - stops, "people said whether they want messages");
        }
        if reached.is_empty() { Ok(()) } else { self.desk.people.learn(&reached).await }
    }

    /// Names that belong to one person.
    fn names(&self, scope: &TenantScope, change: &Change, now: DateTime<Utc>, gathered: &mut Gathered) {
        let mut together = |at: Option<DateTime<Utc>>, names: [Option<Address>; 3]| {
            let mut names = names.into_iter().flatten();
            let Some(first) = names.next() else { return };
            for other in names {
                if !self.desk.acquainted.know(&first, &other) {
                    let lesson = Lesson::SameAs(other.name().clone());
                    gathered.learned.push(Learned::new(first.clone(), past(at, now), lesson));
                }
            }
        };
        let number = |text: Option<&Text>| Address::wa_id(scope, text?.as_str());
        let user = |text: Option<&Text>| Address::user_id(scope, text?.as_str());
        for contact in change.contacts() {
            let names = [
                number(contact.wa_id.as_ref()),
                user(contact.user_id.as_ref()),
                user(contact.parent_user_id.as_ref()),
            ];
            together(None, names);
        }
        for status in change.statuses().filter(|status| is_to_person(status)) {
            let names = [
                number(status.recipient_id.as_ref()),
                user(status.recipient_user_id.as_ref()),
                user(status.parent_id()),
            ];
            together(None, names);
        }
        for message in change.messages() {
            let (from, from_user) = (number(message.from.as_ref()), user(message.from_user_id.as_ref()));
            together(
                message.at(),
                [from.clone(), from_user.clone(), user(message.from_parent_user_id.as_ref())],
            );
            if let Some(system) = message.system.as_deref() {
                let before = from.or(from_user).or_else(|| user(system.previous_user_id.as_ref()));
                together(message.at(), [before, number(system.new_number()), user(system.user_id.as_ref())]);
            }
        }
        for update in change.user_ids() {
            let at = update.timestamp.as_ref().and_then(Timestamp::instant);
            for ids in [update.user_id.as_ref(), update.parent_user_id.as_ref()].into_iter().flatten() {
                let names =
                    [number(update.wa_id.as_ref()), user(ids.previous.as_ref()), user(ids.current.as_ref())];
                together(at, names);
            }
        }
    }

    /// Messages that people sent: each opens a window, and some are a STOP.
    fn inbound(&self, scope: &TenantScope, change: &Change, now: DateTime<Utc>, gathered: &mut Gathered) {
        for message in change.messages() {
            // What WhatsApp tells about a person was not written by them.
            let Some(from) = sender_of(scope, message).filter(|_| message.system.is_none()) else { continue };
            let at = past(message.at(), now);
            if let Some(to) = &change.number_id {
                let lesson = Lesson::Inbound { to: to.clone() };
                gathered.learned.push(Learned::new(from.clone(), at, lesson));
            }
            let Some((word, source)) = self.word(message) else { continue };
            gathered.said.push(match word {
                Word::Stop => ConsentChange::opt_out(from, source, at),
                Word::Start => ConsentChange::opt_in(from, source, at),
            });
        }
    }

    fn word(&self, message: &Inbound) -> Option<(Word, ConsentSource)> {
        let text = |text: &Option<Text>| text.as_ref().map(Text::as_str).unwrap_or_default().to_owned();
        let pressed = message.button.as_ref().map(|button| (text(&button.payload), text(&button.text)));
        let pressed = pressed.or_else(|| message.reply().map(|reply| (text(&reply.id), text(&reply.title))));
        match pressed {
            Some((payload, label)) => {
                Some((self.desk.words.read_button(&payload, &label)?, ConsentSource::Button))
            }
            None => Some((self.desk.words.read(message.text()?)?, ConsentSource::Word)),
        }
    }
}

fn sender_of(scope: &TenantScope, message: &Inbound) -> Option<Address> {
    let number = message.from_number().and_then(|number| Address::wa_id(scope, number));
    number.or_else(|| Address::user_id(scope, message.from_user()?))
}

/// WhatsApp's own switch for marketing.
fn preferences(scope: &TenantScope, change: &Change, now: DateTime<Utc>, gathered: &mut Gathered) {
    for preference in change.preferences() {
        let number = preference.wa_id.as_ref().and_then(|number| Address::wa_id(scope, number.as_str()));
        let user = || Address::user_id(scope, preference.user_id.as_ref()?.as_str());
        let Some(who) = number.or_else(user) else { continue };
        let at = past(preference.timestamp.as_ref().and_then(Timestamp::instant), now);
        let source = ConsentSource::Preference;
        let said = match preference.value {
            Some(PreferenceValue::Stop) => ConsentChange::opt_out(who, source, at),
            Some(PreferenceValue::Resume | PreferenceValue::Signup) => ConsentChange::opt_in(who, source, at),
            Some(PreferenceValue::Other(_)) | None => continue,
        };
        gathered.said.push(said.of_marketing());
    }
}

/// Who was reached can be reached.
fn reached(scope: &TenantScope, change: &Change, now: DateTime<Utc>, gathered: &mut Gathered) {
    for status in change.statuses().filter(|status| is_to_person(status)) {
        if !matches!(status.status, Some(Status::Delivered | Status::Read | Status::Played)) {
            continue;
        }
        let number = status.recipient_id.as_ref().and_then(|number| Address::wa_id(scope, number.as_str()));
        let user = || Address::user_id(scope, status.recipient_user_id.as_ref()?.as_str());
        if let Some(who) = number.or_else(user) {
            let at = past(status.timestamp.as_ref().and_then(Timestamp::instant), now);
            gathered.reached.push(Learned::new(who, at, Lesson::Reached));
        }
    }
}

/// What errors tell of people. Only where the status lacks our token, which WhatsApp does not promise
/// for failures: with it, its message is found and its reaction tells the same.
fn refused(scope: &TenantScope, change: &Change, now: DateTime<Utc>, gathered: &mut Gathered) {
    let failed = |status: &&MessageStatus| status.status == Some(Status::Failed) && is_to_person(status);
    for status in change.statuses().filter(failed) {
        let Some(update) = status.update().filter(|update| update.callback.is_none()) else { continue };
        let Some(error) = update.errors.first() else { continue };
        let number = status.recipient_id.as_ref().and_then(|number| Address::wa_id(scope, number.as_str()));
        let user = || Address::user_id(scope, status.recipient_user_id.as_ref()?.as_str());
        let at = past(update.at, now);
        // Of which category it was is not known; what it tells of the person is the same for all.
        let about = AboutPerson::of(&Reaction::to_status(error.code, Category::Marketing), 0, at);
        if let (Some(who), Some(about)) = (number.or_else(user), about) {
            gathered.refused.push((who.into(), about, at));
        }
    }
}

fn is_to_person(status: &MessageStatus) -> bool {
    !matches!(status.recipient_type, Some(RecipientType::Group))
}

/// When something happened: never later than now.
fn past(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    at.map_or(now, |at| at.min(now))
}

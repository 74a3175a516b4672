//! What a test makes happen on the far side.

use super::Simulator;
use super::meta::{Said, Topic};
use crate::phone::PhoneNumber;
use crate::sender::NumberId;

impl Simulator {
    /// From now on requests are answered with 190, until the token is rotated.
    pub fn expire_token(&self) {
        self.shared.secrets.expire();
    }

    /// Another token is the right one from now on: [`Simulator::access_token`] says which, and the
    /// simulator's own gateways learn it by themselves.
    pub fn rotate_token(&self) {
        self.shared.secrets.rotate();
    }

    /// A person writes to the first number. For 24 hours anything may be sent to them.
    pub fn inbound_text(&self, from: PhoneNumber, text: impl Into<String>) {
        self.hear(from, &Said::Text(text.into()));
    }

    /// A person presses the button with this text under a message.
    pub fn inbound_button(&self, from: PhoneNumber, text: impl Into<String>, wamid: impl Into<String>) {
        self.hear(from, &Said::Button(text.into(), wamid.into()));
    }

    /// A person says in WhatsApp's own settings whether they want marketing from the first number;
    /// if not, it is refused with 131050.
    pub fn marketing_preference(&self, from: PhoneNumber, wanted: bool) {
        self.hear(from, &Said::Marketing(wanted));
    }

    /// A person has another number now.
    pub fn change_number(&self, from: PhoneNumber, to: PhoneNumber) {
        self.hear(from, &Said::NewNumber(to.digits()));
    }

    /// What webhooks call a person beside the number.
    pub fn user_id(&self, person: PhoneNumber) -> String {
        self.shared.meta().user_id(person.digits())
    }

    fn hear(&self, from: PhoneNumber, said: &Said) {
        self.shared.change(|meta, now| meta.hear(0, from.digits(), said, now.timestamp_millis()));
    }

    /// Pauses a template: it is refused with 132015, and a webhook tells.
    pub fn pause_template(&self, name: &str) {
        self.shared.change(|meta, now| meta.pause(name, true, now));
    }

    /// Lets a paused template go on; a webhook tells.
    pub fn unpause_template(&self, name: &str) {
        self.shared.change(|meta, now| meta.pause(name, false, now));
    }

    /// Tells in a webhook that a template is `GREEN`, `YELLOW`, `RED` or `UNKNOWN` now.
    pub fn set_quality(&self, template: &str, score: &str) {
        self.shared.change(|meta, now| meta.tell_of_template(template, &Topic::TemplateQuality(score), now));
    }

    /// A number gets 1,000 messages a second: it sends nothing for a minute (131057), then a
    /// webhook tells. A number that the simulator does not have stays as it is.
    pub fn upgrade_throughput(&self, number: &NumberId) {
        self.shared.change(|meta, now| {
            if let Some(number) = meta.number(number.as_str()) {
                meta.upgrade(number, now);
            }
        });
    }

    /// Tells an event of the first number, such as `FLAGGED`, in a webhook
    /// `phone_number_quality_update`.
    pub fn number_quality(&self, event: &str) {
        self.tell(&Topic::NumberQuality(event));
    }

    /// Tells an event of the account, such as `ACCOUNT_RESTRICTION`, in a webhook
    /// `account_update`.
    pub fn account_update(&self, event: &str) {
        self.tell(&Topic::Account(event));
    }

    /// Sets the messaging limit of every portfolio, and tells it in a webhook
    /// `business_capability_update`.
    pub fn set_messaging_limit(&self, people: u32) {
        self.shared.meta().messaging_limit = Some(people);
        self.tell(&Topic::Capability(people));
    }

    fn tell(&self, topic: &Topic<'_>) {
        self.shared.change(|meta, now| meta.tell_of_number(0, topic, now.timestamp_millis()));
    }
}

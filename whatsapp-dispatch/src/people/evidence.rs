use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::ChainKey;
use rules_core::work::events::Entry;
use serde_json::{Value, json};

use super::{ConsentChange, ConsentScope};

/// Evidence of what people said about being messaged.
pub(super) const CONSENT: Code = Code::known("people.consent");

/// Characters of a change's evidence that are kept.
const KEPT: usize = 1_000;

/// What one call leaves as evidence: one entry per tenant. A person appears as a random token,
/// which means nothing once the person is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Evidence(Vec<(ChainKey, chrono::DateTime<chrono::Utc>, Vec<Value>)>);

impl Evidence {
    pub(crate) fn add(&mut self, chain: ChainKey, token: u128, change: &ConsentChange) {
        let evidence = change.evidence.as_ref().map(|text| text.chars().take(KEPT).collect::<String>());
        let scope = match change.scope {
            ConsentScope::All => "all",
            ConsentScope::Marketing => "marketing",
        };
        let told = json!({
            "person": format!("{token:032x}"),
            "opted_out": change.opted_out,
            "scope": scope,
            "source": change.source.as_str(),
            "evidence": evidence,
            "at": change.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        });
        match self.0.iter_mut().find(|(known, ..)| *known == chain) {
            Some((_, at, list)) => {
                *at = change.at.max(*at);
                list.push(told);
            }
            None => self.0.push((chain, change.at, vec![told])),
        }
    }

    /// The entries. The same words give the same entries, so a repeated call leaves nothing new
    /// in the event log.
    pub(crate) fn entries(self) -> Vec<Entry> {
        let entry = |(chain, at, list): (ChainKey, _, Vec<Value>)| {
            let body = json!({ "said": list }).to_string();
            let id = EntryId::of(&[CONSENT.as_str().as_bytes(), body.as_bytes()]);
            Entry { id, chain, at, kind: CONSENT, body }
        };
        self.0.into_iter().map(entry).collect()
    }
}

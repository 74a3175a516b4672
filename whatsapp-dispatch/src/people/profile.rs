use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{ConsentChange, ConsentScope, Lesson, Standing, score};
use crate::message::PersonId;
use crate::sender::NumberId;
use crate::template::Category;

/// All that is known about one person, under all names.
///
/// Profiles join like sets: in any order, with any repetition, what comes out is the same. Of two
/// words the later counts, of two at one instant the wish to get no messages. Instants are in
/// microseconds; lists keep their latest entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    /// The last word about all messages: when, and true for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<(i64, bool)>,
    /// The last word about marketing alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    marketing: Option<(i64, bool)>,
    /// When the business last blocked or unblocked the person, and true for blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<(i64, bool)>,
    /// WhatsApp takes no marketing for the person before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_until: Option<i64>,
    /// When the person was last reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<i64>,
    /// Messages since then that did not reach the person, with their weights.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    misses: BTreeMap<i64, u32>,
    /// When the person last wrote to each of our numbers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    inbound: BTreeMap<NumberId, i64>,
    /// When marketing messages were sent.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    sent: BTreeSet<i64>,
    /// Other ids of the person.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    also: BTreeSet<PersonId>,
}

/// Misses that are kept.
const MISSES: usize = 16;
/// Numbers of ours whose windows are kept.
const WINDOWS: usize = 8;
/// Instants of marketing messages that are kept, hence the highest frequency cap.
pub(crate) const SENT: u32 = 16;

impl Profile {
    /// True when nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Other ids of the person.
    pub(crate) const fn also(&self) -> &BTreeSet<PersonId> {
        &self.also
    }

    /// How many ids the person has.
    pub(crate) fn names(&self) -> usize {
        1 + self.also.len()
    }

    /// True when it matters that the person was reached.
    pub(crate) fn has_misses(&self) -> bool {
        !self.misses.is_empty()
    }

    /// Two people are one: `other` was known under `id`.
    pub(crate) fn unite(&mut self, id: PersonId, other: Self) {
        self.join(other);
        self.also.insert(id);
    }

    fn join(&mut self, other: Self) {
        self.all = self.all.max(other.all);
        self.marketing = self.marketing.max(other.marketing);
        self.suppressed = self.suppressed.max(other.suppressed);
        self.refused_until = self.refused_until.max(other.refused_until);
        self.reached = self.reached.max(other.reached);
        for (at, weight) in other.misses {
            let known = self.misses.entry(at).or_default();
            *known = weight.max(*known);
        }
        for (number, at) in other.inbound {
            let known = self.inbound.entry(number).or_insert(at);
            *known = at.max(*known);
        }
        self.sent.extend(other.sent);
        self.also.extend(other.also);
        self.trim();
    }

    fn trim(&mut self) {
        let reached = self.reached;
        self.misses.retain(|at, _| reached < Some(*at));
        while MISSES < self.misses.len() {
            self.misses.pop_first();
        }
        while (SENT as usize) < self.sent.len() {
            self.sent.pop_first();
        }
        while WINDOWS < self.inbound.len() {
            let oldest = self.inbound.iter().min_by_key(|(number, at)| (**at, *number));
            let Some(number) = oldest.map(|(number, _)| number.clone()) else { break };
            self.inbound.remove(&number);
        }
    }

    /// Notes something about the person.
    pub(crate) fn learn(&mut self, at: DateTime<Utc>, what: &Lesson) {
        let at = at.timestamp_micros();
        let mut news = Self::default();
        match what {
            Lesson::Reached => news.reached = Some(at),
            Lesson::NotReached { weight_milli } => drop(news.misses.insert(at, *weight_milli)),
            Lesson::MarketingRefusedUntil(until) => news.refused_until = Some(until.timestamp_micros()),
            Lesson::Suppressed(suppressed) => news.suppressed = Some((at, *suppressed)),
            Lesson::Inbound { to } => {
                news.reached = Some(at);
                news.inbound.insert(to.clone(), at);
            }
            Lesson::Messaged { category: Category::Marketing } => drop(news.sent.insert(at)),
            Lesson::NotSent => drop(self.sent.remove(&at)),
            // Other messages are not capped, and who is who is a matter of several profiles.
            Lesson::Messaged { category: Category::Utility | Category::Authentication }
            | Lesson::SameAs(_) => {}
        }
        self.join(news);
    }

    /// Notes what the person said.
    pub(crate) fn hear(&mut self, change: &ConsentChange) {
        let word = Some((change.at.timestamp_micros(), change.opted_out));
        match change.scope {
            ConsentScope::All => self.all = self.all.max(word),
            ConsentScope::Marketing => self.marketing = self.marketing.max(word),
        }
    }

    /// What stays when a person is forgotten: that no messages are wanted or allowed.
    pub(crate) fn remains(&self) -> Self {
        let no = |word: Option<(i64, bool)>| word.filter(|(_, no)| *no);
        Self {
            all: no(self.all),
            marketing: no(self.marketing),
            suppressed: no(self.suppressed),
            ..Self::default()
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        let instant = |at: i64| DateTime::from_timestamp_micros(at).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let opted_out = self.all.map(|(_, no)| no);
        Standing {
            opted_out,
            // Who wants nothing at all wants no marketing, whatever was said about marketing alone.
            marketing_opted_out: match opted_out {
                Some(true) => Some(true),
                _ => self.all.max(self.marketing).map(|(_, no)| no),
            },
            suppressed: self.suppressed.is_some_and(|(_, suppressed)| suppressed),
            invalid_until: score::invalid_until(self.misses.iter().map(|(at, weight)| (*at, *weight)))
                .map(instant),
            marketing_not_before: self.refused_until.map(instant),
            windows: self
                .inbound
                .iter()
                .map(|(number, at)| (number.clone(), instant(*at) + WINDOW))
                .collect(),
            marketing_sent: self.sent.iter().copied().map(instant).collect(),
            also: self.also.iter().copied().collect(),
        }
    }
}

/// How long anything may be written to somebody who wrote ("Send messages", Meta, 2026-10-04).
const WINDOW: TimeDelta = TimeDelta::hours(24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rules_core::judge::tenant::TenantId;

    use super::*;
    use crate::people::{ConsentSource, Name, PersonKey, Who};
    use crate::phone::PhoneNumber;

    #[derive(Clone, Debug)]
    enum Told {
        Lesson(i64, Lesson),
        Word(i64, ConsentScope, bool),
    }

    fn instant(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn who() -> Who {
        let tenant = TenantId::parse("acme").unwrap();
        let name = Name::Number(PhoneNumber::parse("+919876543210").unwrap());
        Who::Person(PersonKey::behind(&[1; 32], &tenant, &name))
    }

    fn tell(profile: &mut Profile, told: &Told) {
        match told {
            Told::Lesson(at, lesson) => profile.learn(instant(*at), lesson),
            Told::Word(at, scope, no) => {
                let mut change = ConsentChange::opt_in(who(), ConsentSource::Word, instant(*at));
                (change.opted_out, change.scope) = (*no, *scope);
                profile.hear(&change);
            }
        }
    }

    fn told() -> impl Strategy<Value = Told> {
        let number = (1_u32..12).prop_map(|id| NumberId::parse(&id.to_string()).unwrap());
        let lesson = prop_oneof![
            Just(Lesson::Reached),
            prop_oneof![Just(score::UNDELIVERABLE), Just(score::NOT_ON_WHATSAPP)]
                .prop_map(|weight_milli| Lesson::NotReached { weight_milli }),
            (0_i64..40).prop_map(|second| Lesson::MarketingRefusedUntil(instant(second))),
            any::<bool>().prop_map(Lesson::Suppressed),
            number.prop_map(|to| Lesson::Inbound { to }),
            Just(Lesson::Messaged { category: Category::Marketing }),
        ];
        let scope = prop_oneof![Just(ConsentScope::All), Just(ConsentScope::Marketing)];
        prop_oneof![
            (0_i64..40, lesson).prop_map(|(at, lesson)| Told::Lesson(at, lesson)),
            (0_i64..40, scope, any::<bool>()).prop_map(|(at, scope, no)| Told::Word(at, scope, no)),
        ]
    }

    fn of(list: &[Told]) -> Profile {
        let mut profile = Profile::default();
        for one in list {
            tell(&mut profile, one);
        }
        profile
    }

    proptest! {
        #[test]
        fn any_order_repetition_and_split_ends_in_the_same_profile(
            (list, shuffled) in prop::collection::vec(told(), 0..40)
                .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
            repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
            cut in any::<prop::sample::Index>(),
        ) {
            let profile = of(&list);
            let mut again = shuffled.clone();
            if !shuffled.is_empty() {
                again.extend(repeated.iter().map(|index| index.get(&shuffled).clone()));
            }
            prop_assert_eq!(&of(&again), &profile);
            // As two people who turn out to be one.
            let (one, other) = shuffled.split_at(cut.index(shuffled.len() + 1));
            let mut united = of(one);
            united.join(of(other));
            prop_assert_eq!(&united, &profile);
            let text = serde_json::to_string(&profile).unwrap();
            prop_assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
        }

        #[test]
        fn the_last_word_counts(list in prop::collection::vec((0_i64..20, any::<bool>()), 1..20)) {
            let words: Vec<Told> =
                list.iter().map(|(at, no)| Told::Word(*at, ConsentScope::All, *no)).collect();
            let last = list.iter().max().unwrap().1;
            prop_assert_eq!(of(&words).standing().opted_out, Some(last));
        }
    }

    #[test]
    fn a_word_about_marketing_leaves_the_rest_alone() {
        let no = of(&[Told::Word(1, ConsentScope::Marketing, true)]).standing();
        assert_eq!((no.opted_out, no.marketing_opted_out), (None, Some(true)));
        let start = [Told::Word(1, ConsentScope::Marketing, true), Told::Word(2, ConsentScope::All, false)];
        assert_eq!(
            of(&start).standing().marketing_opted_out,
            Some(false),
            "who starts again gets everything"
        );
        let resume = [Told::Word(1, ConsentScope::All, true), Told::Word(2, ConsentScope::Marketing, false)];
        assert_eq!(
            of(&resume).standing().marketing_opted_out,
            Some(true),
            "nothing means no marketing either"
        );
    }

    #[test]
    fn an_answer_clears_earlier_misses_only() {
        let miss = |at| Told::Lesson(at, Lesson::NotReached { weight_milli: score::NOT_ON_WHATSAPP });
        let reached = Told::Lesson(5, Lesson::Reached);
        assert!(of(&[miss(1), miss(5), reached.clone()]).standing().invalid_until.is_none());
        assert!(of(&[miss(6), reached]).standing().invalid_until.is_some());
    }

    #[test]
    fn who_is_forgotten_stays_without_messages_and_nothing_else() {
        let mut list = vec![
            Told::Word(1, ConsentScope::All, false),
            Told::Lesson(2, Lesson::Inbound { to: NumberId::parse("1").unwrap() }),
            Told::Lesson(3, Lesson::Messaged { category: Category::Marketing }),
        ];
        assert!(of(&list).remains().is_empty());
        list.push(Told::Word(4, ConsentScope::Marketing, true));
        assert_eq!(of(&list).remains(), of(&[Told::Word(4, ConsentScope::Marketing, true)]));
    }
}

//! What every [`People`](crate::people::People) promises.

use std::time::Duration;

pub use super::Subject;
use super::number;
use crate::message::PersonId;
use crate::people::{
    Address, ConsentChange, ConsentSource, Learned, Lesson, MOST_NAMES, NOT_ON_WHATSAPP, Name, PersonKey,
    Standing, UNDELIVERABLE,
};
use crate::phone::PhoneNumber;
use crate::sender::NumberId;
use crate::template::Category;

impl Subject {
    async fn person(&self, tenant: usize, number: PhoneNumber) -> PersonKey {
        let address = Address::new(self.scopes.get(tenant).unwrap(), number);
        self.people.resolve(&[address]).await.unwrap().pop().unwrap()
    }

    fn word(&self, person: &PersonKey, opted_out: bool, ahead: u64) -> ConsentChange {
        let at = self.instant(Duration::from_secs(ahead));
        let change = ConsentChange::opt_out(person.clone(), ConsentSource::Host, at);
        ConsentChange { opted_out, ..change }
    }

    fn address(&self, name: &Name) -> Address {
        Address::named(&self.scopes[0], name.clone())
    }

    /// The person of the first tenant behind any name.
    async fn named(&self, name: &Name) -> PersonKey {
        self.people.resolve(&[self.address(name)]).await.unwrap().pop().unwrap()
    }

    async fn same(&self, one: &Name, other: &Name) {
        let lesson = Lesson::SameAs(other.clone());
        self.people.learn(&[Learned::new(self.address(one), self.now(), lesson)]).await.unwrap();
    }

    async fn learn(&self, person: &PersonKey, ahead: u64, what: Lesson) {
        let at = self.instant(Duration::from_secs(ahead));
        self.people.learn(&[Learned::new(person.clone(), at, what)]).await.unwrap();
    }

    async fn standing(&self, person: &PersonKey) -> Standing {
        self.people.standing(std::slice::from_ref(person)).await.unwrap().pop().unwrap()
    }

    /// The bodies of all evidence about consent.
    async fn consent_evidence(&self) -> Vec<String> {
        let pending = self.outbox.pending(100).await.unwrap();
        let consent = pending.into_iter().filter(|(_, entry)| entry.kind.as_str() == "people.consent");
        consent.map(|(_, entry)| entry.body).collect()
    }

    async fn opted_out(&self, people: &[&PersonKey]) -> Vec<Option<bool>> {
        let people: Vec<PersonKey> = people.iter().copied().cloned().collect();
        let standing = self.people.standing(&people).await.unwrap();
        standing.iter().map(|standing| standing.opted_out).collect()
    }
}

/// Two spellings of one number are one person.
pub async fn two_spellings_are_one_person(s: Subject) {
    // Mexico's old mobile prefix 1, and the same number without it.
    let [old, new] = ["+5215512345678", "+525512345678"].map(|text| PhoneNumber::parse(text).unwrap());
    assert_eq!(s.person(0, old).await, s.person(0, new).await);
}

/// The same number is the same person whenever it is asked for, and another number another one.
pub async fn a_number_is_always_the_same_person(s: Subject) {
    let first = s.person(0, number(1)).await;
    assert_eq!(s.person(0, number(1)).await, first);
    assert_ne!(s.person(0, number(2)).await, first);
}

/// The same number in two tenants is two people, and neither id tells of the other.
pub async fn tenants_know_different_people(s: Subject) {
    let (ours, theirs) = (s.person(0, number(1)).await, s.person(1, number(1)).await);
    assert_ne!(ours.id(), theirs.id());
    assert_eq!((ours.tenant(), theirs.tenant()), (s.scopes[0].id(), s.scopes[1].id()));
    s.people.consent(&[s.word(&ours, true, 0)]).await.unwrap();
    assert_eq!(s.opted_out(&[&ours, &theirs]).await, [Some(true), None]);
}

/// People are found in the order of their addresses.
pub async fn people_come_in_the_order_asked(s: Subject) {
    let addresses = [2, 1, 2].map(|n| Address::new(&s.scopes[0], number(n)));
    let people = s.people.resolve(&addresses).await.unwrap();
    let (one, two) = (s.person(0, number(1)).await, s.person(0, number(2)).await);
    assert_eq!(people, [two.clone(), one, two]);
}

/// Somebody who said nothing stands nowhere.
pub async fn silence_is_no_word(s: Subject) {
    let person = s.person(0, number(1)).await;
    assert_eq!(s.opted_out(&[&person]).await, [None]);
}

/// The later of two words counts, whatever the order in which they are noted.
pub async fn the_later_word_counts(s: Subject) {
    let (one, two) = (s.person(0, number(1)).await, s.person(0, number(2)).await);
    s.people.consent(&[s.word(&one, true, 10), s.word(&one, false, 20)]).await.unwrap();
    s.people.consent(&[s.word(&two, false, 20)]).await.unwrap();
    s.people.consent(&[s.word(&two, true, 10)]).await.unwrap();
    assert_eq!(s.opted_out(&[&one, &two, &one]).await, [Some(false), Some(false), Some(false)]);
    s.people.consent(&[s.word(&one, true, 30)]).await.unwrap();
    assert_eq!(s.opted_out(&[&one, &two]).await, [Some(true), Some(false)]);
}

/// Of two words at one instant the wish to get no messages counts.
pub async fn a_wish_to_get_nothing_counts_in_a_tie(s: Subject) {
    for (n, order) in [(1, [true, false]), (2, [false, true])] {
        let person = s.person(0, number(n)).await;
        for opted_out in order {
            s.people.consent(&[s.word(&person, opted_out, 0)]).await.unwrap();
        }
        assert_eq!(s.opted_out(&[&person]).await, [Some(true)]);
    }
}

/// A repeated word changes nothing.
pub async fn a_word_may_be_repeated(s: Subject) {
    let person = s.person(0, number(1)).await;
    let word = s.word(&person, true, 0);
    for _ in 0..2 {
        s.people.consent(&[word.clone(), word.clone()]).await.unwrap();
        assert_eq!(s.opted_out(&[&person]).await, [Some(true)]);
    }
}

/// A number and the `wa_id` that WhatsApp has for it are one person, without having been told.
pub async fn a_wa_id_is_the_number(s: Subject) {
    let number = PhoneNumber::parse("+5511987654321").unwrap();
    let wa_id = Name::wa_id("551187654321").unwrap();
    assert_eq!(s.named(&wa_id).await, s.named(&Name::Number(number)).await);
}

/// Names that are one person's resolve to one person from then on, through any chain of news.
pub async fn names_of_one_person_resolve_to_one_person(s: Subject) {
    let [phone, other] = [1, 2].map(|n| Name::Number(number(n)));
    let [user, parent] = ["IN.1", "IN.ENT.1"].map(|id| Name::user_id(id).unwrap());
    s.same(&phone, &user).await;
    s.same(&other, &parent).await;
    assert_ne!(s.named(&phone).await, s.named(&other).await);
    s.same(&parent, &user).await;
    let person = s.named(&phone).await;
    for name in [&other, &user, &parent] {
        assert_eq!(s.named(name).await, person);
    }
    assert_ne!(s.named(&Name::Number(number(3))).await, person);
}

/// Neither order nor repetition of such news changes who is one person.
pub async fn the_order_of_such_news_changes_nothing(s: Subject) {
    let names = |from: u64| [from, from + 1, from + 2, from + 3].map(|n| Name::Number(number(n)));
    let orders = [[(0, 1), (2, 3), (1, 2)], [(3, 2), (2, 1), (0, 1)], [(1, 2), (1, 0), (3, 2)]];
    for (from, order) in (1..).step_by(10).zip(orders) {
        let names = names(from);
        let before = s.people.resolve(&names.clone().map(|name| s.address(&name))).await.unwrap();
        for (one, other) in order.iter().chain(&order) {
            s.same(names.get(*one).unwrap(), names.get(*other).unwrap()).await;
        }
        let smallest = before.iter().min().unwrap();
        for name in &names {
            assert_eq!(s.named(name).await, *smallest, "the person is the smallest id");
        }
    }
}

/// A name that many people seem to have does not make them one person.
pub async fn a_name_that_everybody_has_is_nobodys(s: Subject) {
    let shared = Name::user_id("IN.1").unwrap();
    for n in 1..=100 {
        s.same(&Name::Number(number(n)), &shared).await;
    }
    let mut persons = Vec::new();
    for n in 1..=100 {
        persons.push(s.named(&Name::Number(number(n))).await);
    }
    persons.sort();
    persons.dedup();
    assert_eq!(persons.len(), 100 - (MOST_NAMES - 1) + 1, "the shared name and 31 numbers are one");
    let standing = s.standing(&s.named(&shared).await).await;
    assert_eq!(standing.also.len(), MOST_NAMES - 1);
}

/// What is known under any name of a person is known of the person: before and after the names
/// are known to be one person's, and under the ids that stood for them before.
pub async fn one_person_has_one_standing(s: Subject) {
    let [one, other, third] = [1, 2, 3].map(|n| Name::Number(number(n)));
    let ids = [s.named(&one).await, s.named(&other).await, s.named(&third).await];
    let [first, second, last] = &ids;
    s.people.consent(&[s.word(first, false, 10)]).await.unwrap();
    s.people.consent(&[s.word(second, true, 20)]).await.unwrap();
    s.learn(last, 5, Lesson::Suppressed(true)).await;
    s.same(&one, &other).await;
    s.same(&third, &other).await;
    for (index, id) in ids.iter().enumerate() {
        let standing = s.standing(id).await;
        assert_eq!((standing.opted_out, standing.suppressed), (Some(true), true));
        let mut also: Vec<PersonId> = standing.also;
        also.sort();
        let mut others: Vec<PersonId> = ids.iter().map(PersonKey::id).collect();
        others.remove(index);
        others.sort();
        assert_eq!(also, others, "the person's other ids are told");
    }
    s.people.consent(&[s.word(last, false, 30)]).await.unwrap();
    assert_eq!(s.opted_out(&[first, second]).await, [Some(false), Some(false)]);
}

/// News about a name that nobody has seen are kept for whoever has it.
pub async fn news_of_strangers_are_kept(s: Subject) {
    let name = Name::Number(number(1));
    let stop = ConsentChange::opt_out(s.address(&name), ConsentSource::Word, s.now());
    s.people.consent(&[stop]).await.unwrap();
    s.people.learn(&[Learned::new(s.address(&name), s.now(), Lesson::Suppressed(true))]).await.unwrap();
    let standing = s.standing(&s.person(0, number(1)).await).await;
    assert_eq!((standing.opted_out, standing.suppressed), (Some(true), true));
    assert_eq!(s.standing(&s.person(1, number(1)).await).await, Standing::default(), "another tenant's");
}

/// A word about marketing is about marketing; a word about everything is about marketing too.
pub async fn a_word_may_be_about_marketing_alone(s: Subject) {
    let person = s.person(0, number(1)).await;
    let said = async || {
        let standing = s.standing(&person).await;
        (standing.opted_out, standing.marketing_opted_out)
    };
    s.people.consent(&[s.word(&person, true, 10).of_marketing()]).await.unwrap();
    assert_eq!(said().await, (None, Some(true)));
    s.people.consent(&[s.word(&person, false, 20)]).await.unwrap();
    assert_eq!(said().await, (Some(false), Some(false)));
    s.people.consent(&[s.word(&person, true, 30)]).await.unwrap();
    s.people.consent(&[s.word(&person, false, 40).of_marketing()]).await.unwrap();
    assert_eq!(said().await, (Some(true), Some(true)), "who wants nothing wants no marketing");
}

/// What people said leaves evidence: who by a token, what, when, where it is known from.
pub async fn what_people_said_leaves_evidence(s: Subject) {
    let (one, two) = (s.person(0, number(1)).await, s.person(0, number(2)).await);
    let said = s.word(&one, true, 10).with_evidence("wrote STOP");
    s.people.consent(&[said.clone(), s.word(&two, false, 10).of_marketing()]).await.unwrap();
    let evidence = s.consent_evidence().await;
    let [entry] = evidence.as_slice() else { unreachable!("one entry a call: {evidence:?}") };
    for part in [
        "\"opted_out\":true",
        "\"scope\":\"all\"",
        "\"scope\":\"marketing\"",
        "\"source\":\"host\"",
        "\"evidence\":\"wrote STOP\"",
        "2026-",
    ] {
        assert!(entry.contains(part), "{part} is missing in {entry}");
    }
    let id = format!("{:032x}", u128::from_be_bytes(*one.id().as_bytes()));
    assert!(!entry.contains(&id), "the id would outlive the person");
    for _ in 0..2 {
        s.people.consent(std::slice::from_ref(&said)).await.unwrap();
    }
    let entries = s.outbox.pending(10).await.unwrap();
    let [(_, first), (_, second), (_, repeated)] = entries.as_slice() else { unreachable!("{entries:?}") };
    assert_eq!(second, repeated, "a repeat leaves the same again");
    assert_eq!(token(&first.body), token(&second.body), "one person has one token");
}

fn token(body: &str) -> String {
    body.split("\"person\":\"").nth(1).unwrap().chars().take_while(|letter| *letter != '"').collect()
}

/// Somebody is not reachable by a score: one doubtful failure is none, two are, and one certain
/// failure is. An answer or a delivery clears it.
pub async fn reach_goes_by_score(s: Subject) {
    let (one, two) = (s.person(0, number(1)).await, s.person(0, number(2)).await);
    let miss = |weight_milli| Lesson::NotReached { weight_milli };
    s.learn(&one, 10, miss(UNDELIVERABLE)).await;
    s.learn(&one, 10, miss(UNDELIVERABLE)).await;
    assert_eq!(s.standing(&one).await.invalid_until, None, "the same news twice is one");
    s.learn(&one, 20, miss(UNDELIVERABLE)).await;
    let thirty_days = Duration::from_secs(30 * 86_400 + 20);
    assert_eq!(s.standing(&one).await.invalid_until, Some(s.instant(thirty_days)));
    s.learn(&two, 20, miss(NOT_ON_WHATSAPP)).await;
    assert_eq!(s.standing(&two).await.invalid_until, Some(s.instant(thirty_days)));
    s.learn(&one, 15, Lesson::Reached).await;
    assert_eq!(s.standing(&one).await.invalid_until, None);
    let to = NumberId::parse("1").unwrap();
    s.learn(&two, 30, Lesson::Inbound { to }).await;
    assert_eq!(s.standing(&two).await.invalid_until, None);
    s.learn(&two, 25, miss(NOT_ON_WHATSAPP)).await;
    assert_eq!(s.standing(&two).await.invalid_until, None, "the answer is newer");
}

/// Being reached is no news about somebody who missed nothing.
pub async fn being_reached_is_the_usual_case(s: Subject) {
    let person = s.person(0, number(1)).await;
    s.learn(&person, 0, Lesson::Reached).await;
    assert_eq!(s.standing(&person).await, Standing::default());
}

/// A message to a number of ours opens a window there for 24 hours.
pub async fn a_message_of_theirs_opens_a_window(s: Subject) {
    let person = s.person(0, number(1)).await;
    let [ours, another] = ["1", "2"].map(|id| NumberId::parse(id).unwrap());
    for ahead in [60, 0] {
        s.learn(&person, ahead, Lesson::Inbound { to: ours.clone() }).await;
    }
    let standing = s.standing(&person).await;
    let day = Duration::from_secs(86_400 + 60);
    assert_eq!(standing.window_until(&ours), Some(s.instant(day)), "the latest message counts");
    assert_eq!(standing.window_until(&another), None);
}

/// The latest instants of marketing messages are kept; other messages are not counted.
pub async fn marketing_is_counted(s: Subject) {
    let person = s.person(0, number(1)).await;
    for (ahead, category) in [(3, Category::Marketing), (1, Category::Marketing), (2, Category::Utility)] {
        s.learn(&person, ahead, Lesson::Messaged { category }).await;
    }
    let seconds = |list: &[u64]| -> Vec<_> {
        list.iter().map(|second| s.instant(Duration::from_secs(*second))).collect()
    };
    assert_eq!(s.standing(&person).await.marketing_sent, seconds(&[1, 3]));
    for ahead in 4..100 {
        s.learn(&person, ahead, Lesson::Messaged { category: Category::Marketing }).await;
    }
    let kept: Vec<u64> = (84..100).collect();
    assert_eq!(s.standing(&person).await.marketing_sent, seconds(&kept));
}

/// What was counted and not sent counts no more, however often that is said, and leaves the rest alone.
pub async fn what_was_not_sent_counts_no_more(s: Subject) {
    let person = s.person(0, number(1)).await;
    for ahead in [1, 2, 3] {
        s.learn(&person, ahead, Lesson::Messaged { category: Category::Marketing }).await;
    }
    let before = s.standing(&person).await.sent_mark();
    for _ in 0..2 {
        s.learn(&person, 2, Lesson::NotSent).await;
    }
    let left = [1, 3].map(|second| s.instant(Duration::from_secs(second)));
    let standing = s.standing(&person).await;
    assert_eq!((standing.marketing_sent.as_slice(), standing.sent_mark() == before), (&left[..], false));
}

/// Of several instants before which WhatsApp takes no marketing the latest counts; of being
/// blocked and unblocked the later word.
pub async fn the_later_refusal_counts(s: Subject) {
    let person = s.person(0, number(1)).await;
    let [early, late] = [60, 120].map(|seconds| s.instant(Duration::from_secs(seconds)));
    for until in [late, early] {
        s.learn(&person, 0, Lesson::MarketingRefusedUntil(until)).await;
    }
    s.learn(&person, 20, Lesson::Suppressed(false)).await;
    s.learn(&person, 10, Lesson::Suppressed(true)).await;
    let standing = s.standing(&person).await;
    assert_eq!((standing.marketing_not_before, standing.suppressed), (Some(late), false));
    s.learn(&person, 20, Lesson::Suppressed(true)).await;
    assert!(s.standing(&person).await.suppressed, "in a tie nobody is written to");
}

/// Who is forgotten has no past: no names in common, no scores, no windows, no consent, and
/// another token. Who wanted no messages still gets none, under each name.
pub async fn forgetting_keeps_only_the_wish_to_get_nothing(s: Subject) {
    let [one, other, third] = [1, 2, 3].map(|n| Name::Number(number(n)));
    s.same(&one, &other).await;
    let person = s.named(&one).await;
    s.people.consent(&[s.word(&person, true, 10)]).await.unwrap();
    s.learn(&person, 20, Lesson::Inbound { to: NumberId::parse("1").unwrap() }).await;
    s.learn(&person, 30, Lesson::NotReached { weight_milli: NOT_ON_WHATSAPP }).await;
    let glad = s.named(&third).await;
    s.people.consent(&[s.word(&glad, false, 10)]).await.unwrap();

    for _ in 0..2 {
        s.people.forget(&[person.clone(), glad.clone()]).await.unwrap();
        assert_ne!(s.named(&one).await, s.named(&other).await);
        for name in [&one, &other] {
            let standing = s.standing(&s.named(name).await).await;
            assert_eq!((standing.opted_out, standing.marketing_opted_out), (Some(true), Some(true)));
            assert_eq!((standing.invalid_until, standing.windows.len(), standing.also.len()), (None, 0, 0));
        }
        assert_eq!(s.standing(&glad).await, Standing::default());
    }
    s.people.consent(&[s.word(&person, true, 10)]).await.unwrap();
    let evidence = s.consent_evidence().await;
    assert_ne!(token(evidence.first().unwrap()), token(evidence.last().unwrap()));
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! people_conformance {
    ($new:path) => {
        $crate::conformance_cases! { people, $new:
            two_spellings_are_one_person
            a_number_is_always_the_same_person
            tenants_know_different_people
            people_come_in_the_order_asked
            silence_is_no_word
            the_later_word_counts
            a_wish_to_get_nothing_counts_in_a_tie
            a_word_may_be_repeated
            a_wa_id_is_the_number
            names_of_one_person_resolve_to_one_person
            the_order_of_such_news_changes_nothing
            a_name_that_everybody_has_is_nobodys
            one_person_has_one_standing
            news_of_strangers_are_kept
            a_word_may_be_about_marketing_alone
            what_people_said_leaves_evidence
            reach_goes_by_score
            being_reached_is_the_usual_case
            a_message_of_theirs_opens_a_window
            marketing_is_counted
            what_was_not_sent_counts_no_more
            the_later_refusal_counts
            forgetting_keeps_only_the_wish_to_get_nothing
        }
    };
}

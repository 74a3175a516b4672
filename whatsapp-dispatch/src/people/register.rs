use chrono::{DateTime, Utc};
use rules_core::judge::key::ChainKey;
use rules_core::work::events::Entry;

use super::evidence::Evidence;
use super::name::PersonKey;
use super::profile::Profile;
use super::{ConsentChange, Learned, Lesson, MOST_NAMES, Standing};
use crate::message::PersonId;
use crate::telemetry;
use crate::template::Category;

/// What lies under a person's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// What is known of the person.
    Known(Profile),
    /// The person is known under another id. That one is never merged itself.
    Merged {
        /// The smallest id of the person.
        into: PersonId,
    },
}

/// Where a store keeps people, inside one transaction.
pub(crate) trait Rows {
    type Error;

    fn load(&self, person: &PersonKey) -> Result<Option<Row>, Self::Error>;
    fn save(&mut self, person: &PersonKey, row: &Row) -> Result<(), Self::Error>;
    fn delete(&mut self, person: &PersonKey) -> Result<(), Self::Error>;
    /// The token under which the event log knows a person; `fresh` when there is none yet.
    fn token(&mut self, person: &PersonKey, fresh: u128) -> Result<u128, Self::Error>;
    fn delete_token(&mut self, person: &PersonKey) -> Result<(), Self::Error>;
}

/// The one way in which every store notes things about people.
pub(crate) struct Register<'a, R> {
    pub(crate) rows: R,
    /// The store's key.
    pub(crate) key: &'a [u8; 32],
}

impl<R: Rows> Register<'_, R> {
    /// The person that an id belongs to.
    pub(crate) fn person(&self, key: PersonKey) -> Result<PersonKey, R::Error> {
        match self.rows.load(&key)? {
            Some(Row::Merged { into }) => Ok(key.beside(into)),
            Some(Row::Known(_)) | None => Ok(key),
        }
    }

    fn profile(&self, key: PersonKey) -> Result<(PersonKey, Profile), R::Error> {
        let (key, row) = match self.rows.load(&key)? {
            Some(Row::Merged { into }) => {
                let key = key.beside(into);
                let row = self.rows.load(&key)?;
                (key, row)
            }
            row => (key, row),
        };
        match row {
            Some(Row::Known(profile)) => Ok((key, profile)),
            Some(Row::Merged { .. }) | None => Ok((key, Profile::default())),
        }
    }

    pub(crate) fn standing(&self, key: &PersonKey) -> Result<Standing, R::Error> {
        Ok(match self.rows.load(key)? {
            None => Standing::default(),
            Some(Row::Known(profile)) => profile.standing(),
            Some(Row::Merged { into }) => {
                let (person, profile) = self.profile(key.beside(into))?;
                let mut standing = profile.standing();
                standing.also.retain(|id| *id != key.id());
                standing.also.push(person.id());
                standing
            }
        })
    }

    /// Counts a marketing message for a person.
    pub(crate) fn count_sent(&mut self, person: &PersonKey, at: DateTime<Utc>) -> Result<(), R::Error> {
        let (person, mut profile) = self.profile(person.clone())?;
        profile.learn(at, &Lesson::Messaged { category: Category::Marketing });
        self.keep(&person, profile)
    }

    /// True when none of it would change a thing.
    #[cfg(feature = "sqlite")]
    pub(crate) fn knows_all(&self, learned: &[Learned]) -> Result<bool, R::Error> {
        for one in learned {
            if one.what != Lesson::Reached || self.profile(one.who.key(self.key))?.1.has_misses() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn learn(&mut self, learned: &Learned) -> Result<(), R::Error> {
        let (person, mut profile) = self.profile(learned.who.key(self.key))?;
        match &learned.what {
            Lesson::SameAs(name) => {
                let other = PersonKey::behind(self.key, person.tenant(), name);
                return self.unite((person, profile), other);
            }
            // Most people are reached, and nothing is known of most of them.
            Lesson::Reached if !profile.has_misses() => return Ok(()),
            what => profile.learn(learned.at, what),
        }
        self.keep(&person, profile)
    }

    /// Two ids are one person's. The smallest id is the person, so that every order in which
    /// such news come ends in the same people. What would have more than [`MOST_NAMES`] is nobody:
    /// something else gives many people one name, and they stay apart.
    fn unite(&mut self, one: (PersonKey, Profile), other: PersonKey) -> Result<(), R::Error> {
        let other = self.profile(other)?;
        if one.0 == other.0 {
            return Ok(());
        }
        let (smaller, larger) = if one.0 < other.0 { (one, other) } else { (other, one) };
        let ((person, mut profile), (gone, theirs)) = (smaller, larger);
        if MOST_NAMES < profile.names() + theirs.names() {
            telemetry::count("dispatch_people_kept_apart_total", None, 1);
            return Ok(());
        }
        let moved = Row::Merged { into: person.id() };
        for id in theirs.also() {
            self.rows.save(&person.beside(*id), &moved)?;
        }
        self.rows.save(&gone, &moved)?;
        profile.unite(gone.id(), theirs);
        self.keep(&person, profile)
    }

    /// Notes what people said; the answer is the evidence.
    pub(crate) fn consent(&mut self, changes: &[(ConsentChange, u128)]) -> Result<Vec<Entry>, R::Error> {
        let mut evidence = Evidence::default();
        for (change, fresh) in changes {
            let (person, mut profile) = self.profile(change.who.key(self.key))?;
            profile.hear(change);
            self.keep(&person, profile)?;
            let token = self.rows.token(&person, *fresh)?;
            evidence.add(ChainKey::of(person.tenant()), token, change);
        }
        Ok(evidence.entries())
    }

    pub(crate) fn forget(&mut self, key: &PersonKey) -> Result<(), R::Error> {
        let (person, profile) = self.profile(key.clone())?;
        let remains = profile.remains();
        let others = profile.also().iter().map(|id| person.beside(*id));
        for name in others.chain([person.clone()]) {
            self.rows.delete_token(&name)?;
            self.keep(&name, remains.clone())?;
        }
        Ok(())
    }

    fn keep(&mut self, person: &PersonKey, profile: Profile) -> Result<(), R::Error> {
        if profile.is_empty() {
            self.rows.delete(person)
        } else {
            self.rows.save(person, &Row::Known(profile))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use chrono::DateTime;
    use proptest::prelude::*;
    use rules_core::judge::tenant::TenantId;

    use super::*;
    use crate::people::{ConsentSource, NOT_ON_WHATSAPP, Name};

    type People = HashMap<PersonKey, Row>;

    impl Rows for &mut People {
        type Error = Infallible;

        fn load(&self, person: &PersonKey) -> Result<Option<Row>, Infallible> {
            Ok(self.get(person).cloned())
        }

        fn save(&mut self, person: &PersonKey, row: &Row) -> Result<(), Infallible> {
            self.insert(person.clone(), row.clone());
            Ok(())
        }

        fn delete(&mut self, person: &PersonKey) -> Result<(), Infallible> {
            self.remove(person);
            Ok(())
        }

        fn token(&mut self, _: &PersonKey, fresh: u128) -> Result<u128, Infallible> {
            Ok(fresh)
        }

        fn delete_token(&mut self, _: &PersonKey) -> Result<(), Infallible> {
            Ok(())
        }
    }

    const KEY: [u8; 32] = [3; 32];

    fn name(n: u8) -> Name {
        Name::user_id(&format!("IN.{n}")).unwrap()
    }

    fn person(n: u8) -> PersonKey {
        PersonKey::behind(&KEY, &TenantId::parse("acme").unwrap(), &name(n))
    }

    #[derive(Clone, Debug)]
    enum News {
        Same(u8, u8),
        Out(u8, i64),
        Missed(u8, i64),
    }

    fn news() -> impl Strategy<Value = News> {
        prop_oneof![
            (0_u8..8, 0_u8..8).prop_map(|(one, other)| News::Same(one, other)),
            (0_u8..8, 0_i64..9).prop_map(|(who, at)| News::Out(who, at)),
            (0_u8..8, 0_i64..9).prop_map(|(who, at)| News::Missed(who, at)),
        ]
    }

    fn told(list: &[News]) -> People {
        let mut people = People::new();
        let mut register = Register { rows: &mut people, key: &KEY };
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        for one in list {
            let Ok(()) = match one {
                News::Same(one, other) => {
                    register.learn(&Learned::new(person(*one), at(0), Lesson::SameAs(name(*other))))
                }
                News::Out(who, second) => {
                    let change = ConsentChange::opt_out(person(*who), ConsentSource::Word, at(*second));
                    register.consent(&[(change, 0)]).map(drop)
                }
                News::Missed(who, second) => {
                    let what = Lesson::NotReached { weight_milli: NOT_ON_WHATSAPP };
                    register.learn(&Learned::new(person(*who), at(*second), what))
                }
            };
        }
        people
    }

    proptest! {
        #[test]
        fn any_order_of_merges_and_news_ends_in_the_same_people(
            (list, shuffled) in prop::collection::vec(news(), 0..24)
                .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        ) {
            let mut people = told(&list);
            prop_assert_eq!(&told(&shuffled), &people);
            prop_assert_eq!(&told(&[list.clone(), shuffled].concat()), &people, "repetition");

            // Who is one person is what the merges say, no more and no less.
            let mut groups: Vec<usize> = (0..8).collect();
            for one in &list {
                if let News::Same(one, other) = one {
                    let (from, to) = (groups[usize::from(*one)], groups[usize::from(*other)]);
                    groups.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
                }
            }
            let out: Vec<usize> = list
                .iter()
                .filter_map(|one| if let News::Out(who, _) = one { Some(groups[usize::from(*who)]) } else { None })
                .collect();
            let register = Register { rows: &mut people, key: &KEY };
            for one in 0..8_u8 {
                for other in 0..8 {
                    let Ok(same) = register.person(person(one)).map(|it| it == register.person(person(other)).unwrap());
                    prop_assert_eq!(same, groups[usize::from(one)] == groups[usize::from(other)]);
                }
                let Ok(standing) = register.standing(&person(one));
                prop_assert_eq!(standing.opted_out == Some(true), out.contains(&groups[usize::from(one)]));
                let same = groups.iter().filter(|group| **group == groups[usize::from(one)]).count();
                prop_assert_eq!(standing.also.len() + 1, same, "every other id is told");
                prop_assert!(!standing.also.contains(&person(one).id()));
            }
        }
    }
}

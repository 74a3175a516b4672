//! What every [`Archive`] promises.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "an assertion is the purpose of a suite, and a case is named by what it asserts"
)]

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use bytes::Bytes;

use crate::judge::key::{ArchiveKey, Folder};
use crate::judge::tenant::TenantScope;
use crate::work::archive::{Archive, ListRequest, Object, Put};

/// An archive under test that holds nothing yet.
pub struct Subject {
    /// The port.
    pub archive: Arc<dyn Archive>,
    /// A tenant.
    pub a: Arc<TenantScope>,
    /// Another tenant, whose name differs from the first one's in nothing but capitals.
    pub b: Arc<TenantScope>,
    /// Lives as long as the subject, such as a folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.archive).finish()
    }
}

/// Writes a test for every case of the suite; `$new` is an `async fn() -> Subject`.
#[macro_export]
macro_rules! archive_conformance {
    ($new:path) => {
        $crate::archive_conformance! { $new:
            what_was_put_is_got_unchanged
            where_nothing_is_nothing_is_got
            a_repeat_with_the_same_bytes_is_an_answer
            other_bytes_are_told_and_change_nothing
            an_object_twice_in_one_call_is_created_once
            of_writers_at_once_exactly_one_creates
            answers_come_in_order
            names_are_listed_in_the_order_of_their_bytes
            listing_begins_and_ends_where_it_is_told
            a_folder_lists_nothing_of_another
            tenants_see_nothing_of_each_other
            asking_for_nothing_answers_nothing
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::archive::$case($new().await).await;
            }
        )+
    };
}

fn folder(scope: &TenantScope) -> Folder {
    Folder::new(scope, "things").unwrap()
}

fn key(scope: &TenantScope, name: &str) -> ArchiveKey {
    ArchiveKey::new(&folder(scope), name).unwrap()
}

fn object(key: &ArchiveKey, bytes: impl Into<Bytes>) -> Object {
    Object { key: key.clone(), bytes: bytes.into() }
}

impl Subject {
    async fn put(&self, key: &ArchiveKey, bytes: impl Into<Bytes> + Send) -> Put {
        self.archive.put_once(&[object(key, bytes)]).await.unwrap().remove(0)
    }

    async fn get(&self, key: &ArchiveKey) -> Option<Bytes> {
        self.archive.get(std::slice::from_ref(key)).await.unwrap().remove(0)
    }

    async fn names(&self, folder: &Folder, after: Option<&ArchiveKey>, max: usize) -> Vec<String> {
        let request = ListRequest { folder: folder.clone(), after: after.cloned(), max };
        let keys = self.archive.list(&request).await.unwrap();
        assert!(keys.iter().all(|key| key.folder() == folder));
        keys.iter().map(|key| key.name().to_owned()).collect()
    }
}

pub async fn what_was_put_is_got_unchanged(subject: Subject) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for (name, bytes) in [("empty.bin", Vec::new()), ("large.bin", every_byte.repeat(8_192))] {
        let key = key(&subject.a, name);
        assert_eq!(subject.put(&key, bytes.clone()).await, Put::Created);
        assert_eq!(subject.get(&key).await, Some(Bytes::from(bytes)));
    }
}

pub async fn where_nothing_is_nothing_is_got(subject: Subject) {
    let [there, absent, deep] = ["x.txt", "y.txt", "x/y/z.txt"].map(|name| key(&subject.a, name));
    assert_eq!(subject.get(&there).await, None);
    subject.put(&there, "x").await;
    assert_eq!(subject.get(&absent).await, None);
    assert_eq!(subject.get(&deep).await, None);
}

pub async fn a_repeat_with_the_same_bytes_is_an_answer(subject: Subject) {
    let key = key(&subject.a, "x.txt");
    assert_eq!(subject.put(&key, "same").await, Put::Created);
    assert_eq!(subject.put(&key, "same").await, Put::Repeated);
    assert_eq!(subject.get(&key).await, Some("same".into()));
    assert_eq!(subject.names(&folder(&subject.a), None, 10).await, ["x.txt"]);
}

pub async fn other_bytes_are_told_and_change_nothing(subject: Subject) {
    let key = key(&subject.a, "x.txt");
    subject.put(&key, "first").await;
    for other in ["other", "firs", "first one", ""] {
        assert_eq!(subject.put(&key, other).await, Put::Taken);
        assert_eq!(subject.get(&key).await, Some("first".into()));
    }
}

pub async fn an_object_twice_in_one_call_is_created_once(subject: Subject) {
    let key = key(&subject.a, "x.txt");
    let objects = ["first", "first", "other"].map(|bytes| object(&key, bytes));
    let puts = subject.archive.put_once(&objects).await.unwrap();
    assert_eq!(puts, [Put::Created, Put::Repeated, Put::Taken]);
    assert_eq!(subject.get(&key).await, Some("first".into()));
}

pub async fn of_writers_at_once_exactly_one_creates(subject: Subject) {
    for round in 0..20 {
        let key = key(&subject.a, &format!("{round}.txt"));
        let write = |writer: u8| {
            let (archive, object) = (Arc::clone(&subject.archive), object(&key, vec![writer; 1_000]));
            tokio::spawn(async move { archive.put_once(&[object]).await.unwrap().remove(0) })
        };
        let mut created = Vec::new();
        for (writer, put) in [0, 1, 2, 3].map(|writer| (writer, write(writer))) {
            match put.await.unwrap() {
                Put::Created => created.push(writer),
                put => assert_eq!(put, Put::Taken),
            }
        }
        assert_eq!(created.len(), 1);
        assert_eq!(subject.get(&key).await, Some(created.repeat(1_000).into()));
    }
}

pub async fn answers_come_in_order(subject: Subject) {
    let [x, y, z] = ["x.txt", "y.txt", "z.txt"].map(|name| key(&subject.a, name));
    subject.put(&y, "y").await;
    let objects = [object(&z, "z"), object(&y, "other"), object(&x, "x"), object(&y, "y")];
    let puts = subject.archive.put_once(&objects).await.unwrap();
    assert_eq!(puts, [Put::Created, Put::Taken, Put::Created, Put::Repeated]);
    let got = subject.archive.get(&[x, key(&subject.a, "w.txt"), z, y]).await.unwrap();
    assert_eq!(got, [Some("x".into()), None, Some("z".into()), Some("y".into())]);
}

/// Names that lie next to each other, in the order of their bytes.
const NAMES: [&str; 11] = [
    "0.txt",
    "a-b.txt",
    "a-b/c.txt",
    "a.tar.gz",
    "a.txt",
    "a/0/0.txt",
    "a/b.txt",
    "a/b/c.txt",
    "a0.txt",
    "a_b.txt",
    "b.txt",
];

pub async fn names_are_listed_in_the_order_of_their_bytes(subject: Subject) {
    let mut names: Vec<&str> = NAMES.into_iter().rev().collect();
    names.swap(2, 7);
    let objects: Vec<Object> = names.iter().map(|name| object(&key(&subject.a, name), *name)).collect();
    subject.archive.put_once(&objects).await.unwrap();
    assert_eq!(subject.names(&folder(&subject.a), None, 100).await, NAMES);
}

pub async fn listing_begins_and_ends_where_it_is_told(subject: Subject) {
    let objects = NAMES.map(|name| object(&key(&subject.a, name), name));
    subject.archive.put_once(&objects).await.unwrap();
    let folder = folder(&subject.a);
    for (index, name) in NAMES.iter().enumerate() {
        let behind: Vec<&str> = NAMES.into_iter().skip(index + 1).collect();
        for max in 0..NAMES.len() {
            let expected: Vec<&str> = behind.iter().take(max).copied().collect();
            assert_eq!(subject.names(&folder, Some(&key(&subject.a, name)), max).await, expected);
        }
    }
    let absent = key(&subject.a, "a/a/a.txt");
    assert_eq!(subject.names(&folder, Some(&absent), 1).await, ["a/b.txt"]);
    let last = key(&subject.a, "z.txt");
    assert_eq!(subject.names(&folder, Some(&last), 10).await, [""; 0]);
}

pub async fn a_folder_lists_nothing_of_another(subject: Subject) {
    let folders = ["things", "things-2", "thing", "other"];
    let folders = folders.map(|name| Folder::new(&subject.a, name).unwrap());
    for folder in &folders {
        assert_eq!(subject.names(folder, None, 10).await, [""; 0]);
    }
    for folder in &folders {
        let key = ArchiveKey::new(folder, &format!("{}/x.txt", folder.name())).unwrap();
        assert_eq!(subject.put(&key, folder.name().to_owned()).await, Put::Created);
    }
    for folder in &folders {
        assert_eq!(subject.names(folder, None, 10).await, [format!("{}/x.txt", folder.name())]);
    }
}

pub async fn tenants_see_nothing_of_each_other(subject: Subject) {
    let [of_a, of_b] = [&subject.a, &subject.b].map(|scope| key(scope, "x.txt"));
    assert_eq!(subject.put(&of_a, "a").await, Put::Created);
    assert_eq!(subject.get(&of_b).await, None);
    assert_eq!(subject.names(&folder(&subject.b), None, 10).await, [""; 0]);
    assert_eq!(subject.put(&of_b, "b").await, Put::Created);
    assert_eq!(subject.get(&of_a).await, Some("a".into()));
    assert_eq!(subject.get(&of_b).await, Some("b".into()));
}

pub async fn asking_for_nothing_answers_nothing(subject: Subject) {
    assert_eq!(subject.archive.put_once(&[]).await.unwrap(), []);
    assert_eq!(subject.archive.get(&[]).await.unwrap(), [None; 0]);
    assert_eq!(subject.names(&folder(&subject.a), None, 0).await, [""; 0]);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("archive.rs");
        let list = source.split("$new:\n").nth(1).unwrap().split('}').next().unwrap();
        let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases: Vec<&str> = cases.map(|rest| rest.split('(').next().unwrap()).collect();
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), cases);
    }
}

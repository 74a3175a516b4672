//! Event logs in an archive: many writers, writers that die, and archives that were tampered with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use proptest::prelude::*;
use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::{ArchiveKey, ChainKey, Folder};
use rules_core::judge::tenant::TenantId;
use rules_core::store::files::Files;
use rules_core::work::StoreError;
use rules_core::work::archive::{Archive, ListRequest, MemoryArchive, Object, Put};
use rules_core::work::events::{
    Breach, Break, ChainSecret, Entry, EventLog, KNOWN, Segments, VerifyError, verify,
};
use tokio::runtime::Runtime;

fn secret() -> ChainSecret {
    ChainSecret::of("secret")
}

fn chain(name: &str) -> ChainKey {
    ChainKey::of(&TenantId::parse(name).unwrap())
}

fn entry(of: &str, number: u64) -> Entry {
    Entry {
        id: EntryId::of(&[of.as_bytes(), &number.to_be_bytes()]),
        chain: chain(of),
        at: DateTime::from_timestamp_micros(1_767_614_400_000_000 + i64::try_from(number).unwrap()).unwrap(),
        kind: Code::known("test.happened"),
        body: format!(r#"{{"number":{number}}}"#),
    }
}

fn entries(of: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    numbers.into_iter().map(|number| entry(of, number)).collect()
}

fn segments(archive: &Arc<MemoryArchive>) -> Segments {
    Segments::new(Arc::<MemoryArchive>::clone(archive), secret())
}

async fn verified(log: &dyn EventLog, of: &str) -> Result<u64, Break> {
    match verify(log, &chain(of), &secret()).await {
        Ok(head) => Ok(head.seq),
        Err(VerifyError::Broken(broken)) => Err(broken),
        Err(other) => panic!("{other:?}"),
    }
}

/// An archive as a network makes it: calls take turns at random, and some are lost before they
/// are carried out, some after.
#[derive(Debug)]
struct Rough {
    archive: Arc<MemoryArchive>,
    state: AtomicU64,
}

impl Rough {
    fn new(archive: &Arc<MemoryArchive>, seed: u64) -> Self {
        Self { archive: Arc::clone(archive), state: AtomicU64::new(seed) }
    }

    fn roll(&self) -> u64 {
        // SplitMix64.
        let state = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32
    }

    async fn rough<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let lost = || StoreError::InDoubt { doing: "waiting for the archive".into(), source: "lost".into() };
        for _ in 0..self.roll() % 4 {
            tokio::task::yield_now().await;
        }
        if self.roll().is_multiple_of(16) {
            return Err(lost());
        }
        let answer = call.await;
        for _ in 0..self.roll() % 4 {
            tokio::task::yield_now().await;
        }
        if self.roll().is_multiple_of(16) { Err(lost()) } else { answer }
    }
}

#[async_trait]
impl Archive for Rough {
    async fn put_once(&self, objects: &[Object]) -> Result<Vec<Put>, StoreError> {
        self.rough(async {
            // Not all of them have to arrive.
            let whole = !self.roll().is_multiple_of(8);
            let some = if whole { objects } else { objects.split_at(objects.len() / 2).0 };
            let puts = self.archive.put_once(some).await?;
            if whole {
                Ok(puts)
            } else {
                Err(StoreError::InDoubt { doing: "putting".into(), source: "lost".into() })
            }
        })
        .await
    }

    async fn get(&self, keys: &[ArchiveKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.rough(self.archive.get(keys)).await
    }

    async fn list(&self, request: &ListRequest) -> Result<Vec<ArchiveKey>, StoreError> {
        self.rough(self.archive.list(request)).await
    }
}

/// Appends as a relay does that somebody else knows nothing of: each pass until it has succeeded.
async fn relay(log: Segments, passes: Vec<Vec<Entry>>) -> HashMap<EntryId, u64> {
    let mut told = HashMap::new();
    for pass in passes {
        let numbers = loop {
            match log.append(&pass).await {
                Ok(numbers) => break numbers,
                Err(StoreError::InDoubt { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        };
        told.extend(pass.iter().map(|entry| entry.id).zip(numbers));
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Several processes that all believe the outbox theirs: every chain is whole and has each
    /// entry once, and everybody was told the same number.
    #[test]
    fn writers_that_know_nothing_of_each_other_keep_one_chain(
        seed: u64,
        writers in prop::collection::vec(
            prop::collection::vec(prop::collection::vec((0_usize..3, 0_u64..60), 1..20), 1..8),
            1..5,
        ),
    ) {
        let archive = Arc::new(MemoryArchive::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut expected: HashMap<&str, BTreeSet<EntryId>> = HashMap::new();
            let mut relays = Vec::new();
            for (index, passes) in writers.into_iter().enumerate() {
                let pass = |pass: Vec<(usize, u64)>| -> Vec<Entry> {
                    pass.into_iter().map(|(of, number)| entry(["a", "b", "c"][of], number)).collect()
                };
                let passes: Vec<Vec<Entry>> = passes.into_iter().map(pass).collect();
                for entry in passes.iter().flatten() {
                    let of = ["a", "b", "c"].into_iter().find(|of| chain(of) == entry.chain).unwrap();
                    expected.entry(of).or_default().insert(entry.id);
                }
                let rough = Rough::new(&archive, seed.wrapping_add(index as u64));
                relays.push(tokio::spawn(relay(Segments::new(Arc::new(rough), secret()), passes)));
            }
            let mut told = Vec::new();
            for relay in relays {
                told.push(relay.await.unwrap());
            }
            let log = segments(&archive);
            for (of, ids) in expected {
                assert_eq!(verified(&log, of).await, Ok(ids.len() as u64));
                let kept = log.read(&chain(of), 1, usize::MAX).await.unwrap();
                assert_eq!(kept.iter().map(|entry| entry.id).collect::<BTreeSet<_>>(), ids);
                for told in &told {
                    for entry in &kept {
                        assert!(told.get(&entry.id).is_none_or(|seq| *seq == entry.seq));
                    }
                }
            }
        });
    }

    /// However entries were grouped, reading begins and ends where it is told.
    #[test]
    fn reading_finds_its_place(
        groups in prop::collection::vec(1_u64..700, 1..6),
        asks in prop::collection::vec((0_u64..3_500, 0_usize..1_500), 1..8),
    ) {
        Runtime::new().unwrap().block_on(async {
            let log = segments(&Arc::default());
            let mut count = 0;
            for group in groups {
                log.append(&entries("a", count + 1..=count + group)).await.unwrap();
                count += group;
            }
            for (from, max) in asks {
                let read = log.read(&chain("a"), from, max).await.unwrap();
                let expected: Vec<u64> = (from.max(1)..=count).take(max).collect();
                assert_eq!(read.iter().map(|entry| entry.seq).collect::<Vec<_>>(), expected);
            }
        });
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_repeated_without_doubling() {
    let archive = Arc::new(MemoryArchive::new());
    for patience in 0..40 {
        let log = Segments::new(Arc::new(Rough::new(&archive, patience)), secret());
        let pass = [entries("a", 0..patience), entries("b", 0..patience)].concat();
        for _ in 0..3 {
            // Polled a few times, then dropped.
            let mut append = Box::pin(log.append(&pass));
            for _ in 0..patience {
                tokio::select! {
                    biased;
                    _ = &mut append => break,
                    () = tokio::task::yield_now() => {}
                }
            }
        }
    }
    let log = segments(&archive);
    for of in ["a", "b"] {
        log.append(&entries(of, 0..40)).await.unwrap();
        assert_eq!(verified(&log, of).await, Ok(40));
    }
}

#[tokio::test]
async fn a_new_process_goes_on_where_the_chain_ended() {
    let archive = Arc::new(MemoryArchive::new());
    let mut count = 0;
    // Ends before, at and behind the borders of blocks, and beyond what is known.
    for group in [1, 998, 1, 1, 999, 1_500, 499, 1, 7_000, 1_234, 1] {
        let log = segments(&archive);
        assert_eq!(log.head(&[chain("a")]).await.unwrap()[0].seq, count);
        let numbers = log.append(&entries("a", count + 1..=count + group)).await.unwrap();
        assert_eq!(numbers, (count + 1..=count + group).collect::<Vec<_>>());
        count += group;
        let log = segments(&archive);
        let known = count.saturating_sub(KNOWN - 1).max(1);
        for number in [known, known.midpoint(count), count] {
            assert_eq!(log.append(&entries("a", [number])).await.unwrap(), [number]);
        }
        assert_eq!(verified(&log, "a").await, Ok(count));
    }
    assert!(KNOWN + 1_000 < count);
    // The sentence of the port: what is repeated so late may be appended again, under its id.
    assert_eq!(segments(&archive).append(&entries("a", [1])).await.unwrap(), [count + 1]);
    assert_eq!(verified(&segments(&archive), "a").await, Ok(count + 1));
}

#[tokio::test]
async fn what_others_wrote_meanwhile_is_known_however_much_it_is() {
    let archive = Arc::new(MemoryArchive::new());
    let (stalled, other) = (segments(&archive), segments(&archive));
    stalled.append(&entries("a", [0])).await.unwrap();
    let count = KNOWN * 2;
    for first in (1..count).step_by(500) {
        other.append(&entries("a", first..first + 500)).await.unwrap();
    }
    // More than a chain has to know, but this process was there before all of it.
    assert_eq!(stalled.append(&entries("a", [1, 2, count])).await.unwrap(), [2, 3, count + 1]);
    assert_eq!(verified(&stalled, "a").await, Ok(count + 1));
}

#[tokio::test]
async fn a_start_costs_little_however_long_the_chain_is() {
    #[derive(Debug)]
    struct Counted(Arc<MemoryArchive>, Arc<Mutex<(usize, usize)>>);
    #[async_trait]
    impl Archive for Counted {
        async fn put_once(&self, objects: &[Object]) -> Result<Vec<Put>, StoreError> {
            self.0.put_once(objects).await
        }
        async fn get(&self, keys: &[ArchiveKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
            self.1.lock().unwrap().0 += keys.len();
            self.0.get(keys).await
        }
        async fn list(&self, request: &ListRequest) -> Result<Vec<ArchiveKey>, StoreError> {
            self.1.lock().unwrap().1 += 1;
            self.0.list(request).await
        }
    }
    let archive = Arc::new(MemoryArchive::new());
    let log = segments(&archive);
    for first in (0..60_000).step_by(250) {
        log.append(&entries("a", first..first + 250)).await.unwrap();
    }
    log.append(&entries("a", 60_000..60_030)).await.unwrap();
    let counts = Arc::default();
    let fresh = Segments::new(Arc::new(Counted(archive, Arc::clone(&counts))), secret());
    assert_eq!(fresh.head(&[chain("a")]).await.unwrap()[0].seq, 60_030);
    let (gets, lists) = *counts.lock().unwrap();
    assert!(gets <= 12 && lists <= 18, "{gets} objects were read and {lists} listings asked for");
}

#[tokio::test]
async fn an_entry_that_could_not_be_read_back_is_refused() {
    let log = segments(&Arc::default());
    for body in ["{\n}", "", "no JSON", "{} {}", " {}"] {
        let broken = Entry { body: body.to_owned(), ..entry("a", 1) };
        let refused = log.append(&[entry("a", 0), broken]).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused { .. }), "{body:?}: {refused:?}");
    }
    assert_eq!(log.head(&[chain("a")]).await.unwrap()[0].seq, 0);
}

#[tokio::test]
async fn large_entries_make_more_segments() {
    let archive = Arc::new(MemoryArchive::new());
    let large =
        |number| Entry { body: format!(r#"{{"text":"{}"}}"#, "x".repeat(400_000)), ..entry("a", number) };
    let log = segments(&archive);
    assert_eq!(log.append(&(0..7).map(large).collect::<Vec<_>>()).await.unwrap(), [1, 2, 3, 4, 5, 6, 7]);
    let folder = Folder::events(&chain("a"));
    let keys = archive.list(&ListRequest { folder, after: None, max: 10 }).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.number().unwrap()).collect::<Vec<_>>(), [1, 4, 7]);
    assert_eq!(verified(&log, "a").await, Ok(7));
}

mod tampered {
    use std::fs;
    use std::path::PathBuf;

    use rules_core::work::events::ExportCheck;

    use super::*;

    struct Log {
        place: tempfile::TempDir,
    }

    impl Log {
        /// 2,500 entries in segments of 100.
        async fn new() -> Self {
            let log = Self { place: tempfile::tempdir().unwrap() };
            let segments = log.open();
            for first in (1..=2_500).step_by(100) {
                segments.append(&entries("a", first..first + 100)).await.unwrap();
            }
            log
        }

        fn open(&self) -> Segments {
            Segments::new(Arc::new(Files::at(self.place.path())), secret())
        }

        fn segment(&self, first: u64) -> PathBuf {
            let key = ArchiveKey::numbered(&Folder::events(&chain("a")), first);
            self.place.path().join(key.to_string())
        }

        fn edit(&self, first: u64, edit: impl FnOnce(String) -> String) {
            let text = fs::read_to_string(self.segment(first)).unwrap();
            let edited = edit(text.clone());
            assert_ne!(edited, text);
            fs::write(self.segment(first), edited).unwrap();
        }

        async fn broken(&self) -> Option<Break> {
            verified(&self.open(), "a").await.err()
        }
    }

    fn without_line(text: &str, index: usize) -> String {
        let kept = text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != index);
        kept.map(|(_, line)| line).collect()
    }

    #[tokio::test]
    async fn the_first_break_is_found() {
        use Breach::{Altered, Missing, Unreadable};
        for (what, seq) in [(Altered, 342), (Altered, 2_442)] {
            let log = Log::new().await;
            log.edit(seq - 41, |text| text.replace(&format!("\"number\":{seq}}}"), "\"number\":0}"));
            assert_eq!(log.broken().await, Some(Break { seq, what }));
        }
        for (what, seq) in [(Unreadable, 342), (Unreadable, 2_500), (Unreadable, 2_001)] {
            let log = Log::new().await;
            log.edit((seq - 1) / 100 * 100 + 1, |text| {
                text.replace(&format!("\"number\":{seq}}}"), &format!("\"number\": {seq}}} "))
                    .replace(&format!("{{\"seq\":{seq},"), &format!("{{\"seq\": {seq},"))
            });
            assert_eq!(log.broken().await, Some(Break { seq, what }));
        }
        for seq in [301, 342, 2_442] {
            let log = Log::new().await;
            log.edit((seq - 1) / 100 * 100 + 1, |text| {
                without_line(&text, usize::try_from((seq - 1) % 100).unwrap())
            });
            assert_eq!(log.broken().await, Some(Break { seq, what: Missing }));
        }
        for first in [1, 301, 1_001, 2_001, 2_101] {
            let log = Log::new().await;
            fs::remove_file(log.segment(first)).unwrap();
            assert_eq!(log.broken().await, Some(Break { seq: first, what: Missing }));
        }
        let log = Log::new().await;
        assert_eq!(log.broken().await, None);
        // Whoever knew more sees that the end is gone.
        let known = log.open();
        known.head(&[chain("a")]).await.unwrap();
        fs::remove_file(log.segment(2_401)).unwrap();
        let cut = Break { seq: 2_401, what: Breach::CutOff { head: 2_500 } };
        assert_eq!(verified(&known, "a").await, Err(cut));
    }

    #[tokio::test]
    async fn nothing_is_built_upon_an_end_that_is_not_whole() {
        let other_secret =
            |log: &Log| Segments::new(Arc::new(Files::at(log.place.path())), ChainSecret::of("other"));
        let log = Log::new().await;
        let refused = other_secret(&log).append(&entries("a", [9_999])).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
        for first in [2_001, 2_301] {
            let log = Log::new().await;
            log.edit(first, |text| text.replace(&format!("\"number\":{first}}}"), "\"number\":0}"));
            let refused = log.open().append(&entries("a", [9_999])).await.unwrap_err();
            assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
            assert!(!log.segment(2_501).exists());
        }
    }

    #[tokio::test]
    async fn a_note_that_was_changed_hides_nothing() {
        // Whoever could add an id to a note could keep its entry out of the log.
        let log = Log::new().await;
        let planted = entry("a", 9_999).id.to_string();
        let taken = entry("a", 1_500).id.to_string();
        log.edit(2_001, |text| text.replacen(&taken, &planted, 1));
        let refused = log.open().append(&entries("a", [9_999])).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
        let found = verify(&log.open(), &chain("a"), &secret()).await;
        assert!(
            matches!(found, Err(VerifyError::Broken(Break { seq: 2_001, what: Breach::Altered }))),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn segments_put_together_are_an_export() {
        let log = Log::new().await;
        let mut check = ExportCheck::new(&secret(), &chain("a"));
        for first in (1..=2_500).step_by(100) {
            let text = fs::read_to_string(log.segment(first)).unwrap();
            for line in text.lines().filter(|line| !line.starts_with(r#"{"before""#)) {
                check.line(line).unwrap();
            }
        }
        assert_eq!(check.head().seq, 2_500);
        let exported = log.open().read(&chain("a"), 342, 1).await.unwrap().remove(0).export();
        assert!(fs::read_to_string(log.segment(301)).unwrap().lines().any(|line| line == exported));
    }
}

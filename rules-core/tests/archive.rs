//! The archive on every store of this crate.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::any::Any;
use std::sync::Arc;

use rules_core::conformance::archive::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::archive::Archive;
use rules_core::work::tenants::{FixedTenants, Tenants};

async fn subject(archive: impl Archive, keep: impl Any + Send + Sync) -> Subject {
    let [a, b] = ["acme", "Acme"].map(|name| TenantId::parse(name).unwrap());
    let tenants = Tenants::new(FixedTenants::new([a.clone(), b.clone()].map(TenantRecord::new)));
    let (a, b) = (tenants.enter(&a).await.unwrap(), tenants.enter(&b).await.unwrap());
    Subject { archive: Arc::new(archive), a, b, keep: Box::new(keep) }
}

mod memory {
    use rules_core::store::memory::Memory;

    use super::*;

    async fn new() -> Subject {
        subject(Memory::new(), ()).await
    }

    rules_core::archive_conformance!(new);
}

mod files {
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use proptest::prelude::*;
    use rules_core::judge::key::{ArchiveKey, ChainKey, Folder};
    use rules_core::store::files::Files;
    use rules_core::work::archive::{ListRequest, Object, Put};
    use tokio::runtime::Runtime;

    use super::*;

    async fn new() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        subject(Files::at(folder.path().join("made/when/needed")), folder).await
    }

    rules_core::archive_conformance!(new);

    fn folder() -> Folder {
        Folder::events(&ChainKey::of(&TenantId::parse("acme").unwrap()))
    }

    fn object(number: u64, bytes: impl Into<bytes::Bytes>) -> Object {
        Object { key: ArchiveKey::numbered(&folder(), number), bytes: bytes.into() }
    }

    /// Files below a folder, but for those that nobody reads.
    fn unfinished(root: &Path) -> usize {
        fs::read_dir(root.join(".unfinished")).map_or(0, Iterator::count)
    }

    #[tokio::test]
    async fn reading_makes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("archive"));
        assert_eq!(files.tenants().await.unwrap(), []);
        assert_eq!(files.get(&[ArchiveKey::numbered(&folder(), 1)]).await.unwrap(), [None]);
        assert!(!files.path().exists());
    }

    #[tokio::test]
    async fn tenants_are_told() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path());
        let tenants = ["Acme", "acme", "b-2"].map(|name| TenantId::parse(name).unwrap());
        for tenant in &tenants {
            let key = ArchiveKey::numbered(&Folder::events(&ChainKey::of(tenant)), 1);
            files.put_once(&[Object { key, bytes: "x".into() }]).await.unwrap();
        }
        fs::write(place.path().join("notes"), "no tenant").unwrap();
        assert_eq!(files.tenants().await.unwrap(), tenants);
    }

    #[tokio::test]
    async fn what_others_put_into_the_folder_is_not_listed() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path());
        files.put_once(&[object(1, "x")]).await.unwrap();
        for name in [".DS_Store", "Notes.txt", "copy of x.txt"] {
            fs::write(place.path().join("acme/events").join(name), "").unwrap();
        }
        let request = ListRequest { folder: folder(), after: None, max: 10 };
        assert_eq!(files.list(&request).await.unwrap(), [object(1, "").key]);
    }

    /// Every state in which a writer can die, made by hand: its file half written, whole, or
    /// linked to its name and not taken away yet.
    #[tokio::test]
    async fn what_a_dead_writer_left_behind_is_harmless_and_goes() {
        let place = tempfile::tempdir().unwrap();
        Files::at(place.path()).put_once(&[object(1, "first")]).await.unwrap();
        assert_eq!(unfinished(place.path()), 0);
        let left = |name: &str| place.path().join(".unfinished").join(name);
        fs::write(left("half"), "hal").unwrap();
        fs::write(left("whole"), "whole").unwrap();
        let linked = place.path().join("acme/events/000000000000/0000/0002.jsonl");
        fs::write(left("linked"), "linked").unwrap();
        fs::hard_link(left("linked"), &linked).unwrap();
        let alive = fs::File::create(left("alive")).unwrap();
        alive.lock().unwrap();

        let files = Files::at(place.path());
        let request = ListRequest { folder: folder(), after: None, max: 10 };
        assert_eq!(files.list(&request).await.unwrap(), [1, 2].map(|number| object(number, "").key));
        let puts =
            files.put_once(&[object(2, "linked"), object(2, "other"), object(3, "new")]).await.unwrap();
        assert_eq!(puts, [Put::Repeated, Put::Taken, Put::Created]);
        assert_eq!(unfinished(place.path()), 1, "only what a living writer holds stays");
        assert!(left("alive").exists());
    }

    #[test]
    fn a_folder_that_is_gone_is_made_again() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("archive"));
        Runtime::new().unwrap().block_on(async {
            files.put_once(&[object(1, "x")]).await.unwrap();
            fs::remove_dir_all(files.path()).unwrap();
            assert_eq!(files.put_once(&[object(1, "y")]).await.unwrap(), [Put::Created]);
        });
    }

    /// Bytes that tell of whom they are and whether they are whole.
    fn content(number: u64) -> Vec<u8> {
        number.to_be_bytes().repeat(500 + usize::try_from(number % 7).unwrap() * 900)
    }

    /// How the victim learns where to write.
    const PLACE: &str = "RULES_CORE_ARCHIVE_PLACE";

    #[test]
    #[ignore = "the victim of the test below, which starts it"]
    #[expect(clippy::disallowed_methods, reason = "the victim is told by its environment")]
    fn victim() {
        let files = Files::at(std::env::var(PLACE).unwrap());
        Runtime::new().unwrap().block_on(async {
            for number in 1.. {
                files.put_once(&[object(number, content(number))]).await.unwrap();
            }
        });
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test lets another process live for a moment")]
    fn whoever_is_killed_leaves_whole_objects_and_none_besides() {
        let place = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let mut kept = 0;
        for round in 0..12 {
            let victim = || {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "files::victim", "--ignored"])
                    .env(PLACE, place.path())
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap()
            };
            // Two at once, which put the same.
            let mut victims = [victim(), victim()];
            std::thread::sleep(Duration::from_millis(60 + round * 7));
            for victim in &mut victims {
                victim.kill().unwrap();
                victim.wait().unwrap();
            }
            let files = Files::at(place.path());
            let request = ListRequest { folder: folder(), after: None, max: usize::MAX };
            let keys = runtime.block_on(files.list(&request)).unwrap();
            let numbers: Vec<u64> = keys.iter().map(|key| key.number().unwrap()).collect();
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
            for (number, bytes) in numbers.iter().zip(runtime.block_on(files.get(&keys)).unwrap()) {
                assert!(bytes.unwrap() == content(*number), "object {number} is not whole");
            }
            assert!(kept <= numbers.len());
            kept = numbers.len();
            runtime.block_on(files.put_once(&[object(1, content(1))])).unwrap();
            runtime.block_on(files.put_once(&[object(u64::MAX, "")])).unwrap();
            assert_eq!(unfinished(place.path()), 0);
            fs::remove_dir_all(place.path().join("acme/events/184467440737")).unwrap();
        }
        assert!(10 < kept, "the victims put {kept} objects, too few to prove anything");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// Whatever is put and listed, a folder answers as the memory does.
        #[test]
        fn files_answer_as_memory_does(
            puts in prop::collection::vec(("([a-c_-]{1,2}/){0,2}[a-c_-]{1,2}(\\.[a-c]){1,2}", 0_u8..3), 1..30),
            after in prop::option::of("([a-c_-]{1,2}/){0,2}[a-c_-]{1,2}\\.[a-c]"),
            max in 0_usize..12,
        ) {
            let place = tempfile::tempdir().unwrap();
            let (files, memory) = (Files::at(place.path()), rules_core::work::archive::MemoryArchive::new());
            let key = |name: &str| ArchiveKey::new(&folder(), name).unwrap();
            let objects: Vec<Object> = puts
                .iter()
                .map(|(name, byte)| Object { key: key(name), bytes: vec![*byte; 3].into() })
                .collect();
            let request = ListRequest { folder: folder(), after: after.as_deref().map(key), max };
            let keys: Vec<ArchiveKey> = objects.iter().map(|object| object.key.clone()).collect();
            Runtime::new().unwrap().block_on(async {
                assert_eq!(files.put_once(&objects).await.unwrap(), memory.put_once(&objects).await.unwrap());
                assert_eq!(files.list(&request).await.unwrap(), memory.list(&request).await.unwrap());
                assert_eq!(files.get(&keys).await.unwrap(), memory.get(&keys).await.unwrap());
            });
        }
    }
}

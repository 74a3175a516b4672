use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::store::memory::{Memory, Part};
use rules_core::work::StoreError;

use super::{Note, NoteKey, NoteKind, Register};

#[derive(Debug, Default)]
struct Notes(Mutex<BTreeMap<NoteKey, (DateTime<Utc>, String)>>);

impl Part for Notes {
    fn new(_: &Memory) -> Self {
        Self::default()
    }
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<NoteKey, (DateTime<Utc>, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note((key, (at, text)): (&NoteKey, &(DateTime<Utc>, String))) -> Note {
    Note { key: key.clone(), at: *at, text: text.clone() }
}

#[async_trait]
impl Register for Memory {
    async fn note(&self, notes: &[Note]) -> Result<(), StoreError> {
        let part = self.part::<Notes>();
        let mut known = part.lock();
        for Note { key, at, text } in notes {
            let told = (*at, text.clone());
            if known.get(key).is_none_or(|last| *last < told) {
                known.insert(key.clone(), told);
            }
        }
        Ok(())
    }

    async fn look(&self, subjects: &[NoteKey]) -> Result<Vec<Option<Note>>, StoreError> {
        let part = self.part::<Notes>();
        let known = part.lock();
        Ok(subjects.iter().map(|key| known.get_key_value(key).map(note)).collect())
    }

    async fn list(
        &self,
        kind: NoteKind,
        after: Option<NoteKey>,
        max: usize,
    ) -> Result<Vec<Note>, StoreError> {
        let part = self.part::<Notes>();
        let known = part.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let of_kind = known.range((start, Bound::Unbounded)).filter(|(key, _)| key.kind() == kind);
        Ok(of_kind.take(max).map(note).collect())
    }

    async fn forget(&self, subjects: &[NoteKey]) -> Result<(), StoreError> {
        let part = self.part::<Notes>();
        let mut known = part.lock();
        for key in subjects {
            known.remove(key);
        }
        Ok(())
    }
}

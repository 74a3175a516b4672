//! The files themselves. Everything here blocks.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use bytes::Bytes;

use crate::judge::key::{ArchiveKey, Folder};
use crate::judge::tenant::TenantId;
use crate::work::archive::{ListRequest, Object, Put};
use crate::work::ids::{Ids, RandomIds};

/// Where objects lie until they are whole. No tenant can be called so.
const UNFINISHED: &str = ".unfinished";

/// How often an object is begun anew whose unfinished file somebody took away.
const TRIES: u32 = 5;

/// Folders that are remembered.
const REMEMBERED: usize = 4_096;

#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    swept: Once,
    /// Folders that are on the disk for certain.
    durable: Mutex<HashSet<PathBuf>>,
}

impl Tree {
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), swept: Once::new(), durable: Mutex::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn put(&self, Object { key, bytes }: &Object) -> io::Result<Put> {
        let path = self.path(key.folder()).join(key.name());
        let folder = path.parent().unwrap_or(&self.root);
        for _ in 0..TRIES {
            if let Some(put) = compared(&path, bytes)? {
                // Whoever linked it may have died before it was on the disk.
                self.make_durable(folder)?;
                sync(folder)?;
                return Ok(put);
            }
            let unfinished = self.begin(bytes)?;
            self.make_durable(folder)?;
            match fs::hard_link(&unfinished.path, &path) {
                Ok(()) => {
                    sync(folder)?;
                    return Ok(Put::Created);
                }
                // Somebody else was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Somebody swept what was not locked yet, or removed a folder.
                Err(error) if error.kind() == ErrorKind::NotFound => self.durable().clear(),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("unfinished files are taken away as soon as they are made"))
    }

    pub(super) fn get(&self, key: &ArchiveKey) -> io::Result<Option<Bytes>> {
        Ok(unless_absent(fs::read(self.path(key.folder()).join(key.name())))?.map(Bytes::from))
    }

    pub(super) fn list(&self, request: &ListRequest) -> io::Result<Vec<ArchiveKey>> {
        let mut keys = Vec::new();
        walk(&self.path(&request.folder), "", request, &mut keys)?;
        Ok(keys)
    }

    pub(super) fn tenants(&self) -> io::Result<Vec<TenantId>> {
        let mut tenants = Vec::new();
        let Some(entries) = unless_absent(fs::read_dir(&self.root))? else { return Ok(tenants) };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                tenants.extend(entry.file_name().to_str().and_then(tenant_of));
            }
        }
        tenants.sort();
        Ok(tenants)
    }

    fn path(&self, folder: &Folder) -> PathBuf {
        self.root.join(name_of(folder.tenant())).join(folder.name())
    }

    /// Writes a whole object under a name that nobody reads.
    fn begin(&self, bytes: &[u8]) -> io::Result<Unfinished> {
        let folder = self.root.join(UNFINISHED);
        fs::create_dir_all(&folder)?;
        self.swept.call_once(|| sweep(&folder));
        let path = folder.join(RandomIds.next().to_string());
        let file = File::create_new(&path)?;
        let mut unfinished = Unfinished { path, file };
        match unfinished.file.try_lock() {
            // Whoever sweeps may have been faster: then there is nothing to link.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        unfinished.file.write_all(bytes)?;
        unfinished.file.sync_all()?;
        Ok(unfinished)
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the folder, and sees that it and all those above it outlive the machine.
    fn make_durable(&self, folder: &Path) -> io::Result<()> {
        if self.durable().contains(folder) {
            return Ok(());
        }
        if folder == self.root {
            fs::create_dir_all(folder)?;
        } else if let Some(above) = folder.parent() {
            self.make_durable(above)?;
            match fs::create_dir(folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        if let Some(above) = folder.parent() {
            sync(if above.as_os_str().is_empty() { Path::new(".") } else { above })?;
        }
        let mut durable = self.durable();
        if REMEMBERED <= durable.len() {
            durable.clear();
        }
        durable.insert(folder.to_owned());
        Ok(())
    }
}

/// A file on its way to its name. As long as it is locked its writer lives.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What stays is swept by the next process.
        fs::remove_file(&self.path).unwrap_or_default();
    }
}

/// Removes what writers left behind that are dead. What cannot be removed harms nobody.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            fs::remove_file(path).unwrap_or_default();
        }
    }
}

/// Whether what lies there is what is to be put; `None` if nothing does.
fn compared(path: &Path, bytes: &[u8]) -> io::Result<Option<Put>> {
    let there = unless_absent(fs::read(path))?;
    Ok(there.map(|there| if there == bytes { Put::Repeated } else { Put::Taken }))
}

fn unless_absent<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes what was linked or made in a folder outlive the machine.
fn sync(folder: &Path) -> io::Result<()> {
    // Windows opens no folder; its file systems keep a journal of names.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Lists a folder of the disk whose names begin with `path`, in the order of the bytes of whole
/// names: a folder stands where its `/` belongs.
fn walk(folder: &Path, path: &str, request: &ListRequest, keys: &mut Vec<ArchiveKey>) -> io::Result<()> {
    let Some(entries) = unless_absent(fs::read_dir(folder))? else { return Ok(()) };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.extend(entry.file_name().to_str().map(|name| format!("{path}{name}{slash}")));
    }
    names.sort_unstable();
    let after = request.after.as_ref().map_or("", ArchiveKey::name);
    for name in names {
        if keys.len() == request.max {
            return Ok(());
        }
        if name.ends_with('/') {
            if after < name.as_str() || after.starts_with(&name) {
                let below = name.strip_prefix(path).unwrap_or(&name);
                walk(&folder.join(below), &name, request, keys)?;
            }
        } else if after < name.as_str() {
            // What is no name was put here by somebody else.
            keys.extend(ArchiveKey::new(&request.folder, &name));
        }
    }
    Ok(())
}

/// A tenant's name as a file system keeps it apart that knows no capitals.
fn name_of(tenant: &TenantId) -> String {
    let mut name = String::new();
    for letter in tenant.as_str().chars() {
        if letter.is_ascii_uppercase() {
            name.push('+');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn tenant_of(name: &str) -> Option<TenantId> {
    let mut text = String::new();
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        text.push(if letter == '+' { letters.next()?.to_ascii_uppercase() } else { letter });
    }
    TenantId::parse(&text).ok().filter(|tenant| name_of(tenant) == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tenants_are_kept_apart_and_found_again(one in "[a-zA-Z0-9_-]{1,64}") {
            let tenant = TenantId::parse(&one).unwrap();
            let name = name_of(&tenant);
            prop_assert_eq!(&name, &name.to_lowercase());
            prop_assert_eq!(tenant_of(&name), Some(tenant));
        }
    }
}

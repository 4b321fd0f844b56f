//! Salvage: what reads of a damaged spool goes into a new one, with a notice of the gap, and the damaged one
//! is put aside.
//!
//! The new spool is filled and closed under a name of its own before the damaged one is moved, so that a
//! power cut or a full disk at any point leaves everything to be done again or to be ended. What is taken
//! over is decided in `rows`; what was lost the printers are asked for again.
//! Deliberately absent: any attempt to repair the damaged file; it stays for people to look at.

mod rows;

use super::{Spool, SpoolError};
use crate::files::sync_folder;
use crate::identity::Identity;
use report::{Instant, Surroundings};
use rows::{Tally, read_value};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Damaged spools that are kept.
const KEPT: usize = 3;
/// What must fit on the disk before anything is moved.
const ROOM: usize = 256 * 1024;
/// The new spool while it is filled. One that is found at a start is removed.
const FILLING: &str = "spool.sqlite.filling";
/// The new spool when all is in it. One that is found at a start takes the spool's place.
const FILLED: &str = "spool.sqlite.filled";
/// What SQLite puts beside a file.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

impl Spool {
    /// Takes over what reads of the damaged spool of a folder, and puts it aside.
    pub(super) fn salvage(
        state: &Path,
        identity: &Identity,
        bytes_max: u64,
        surroundings: Surroundings,
    ) -> Result<Spool, SpoolError> {
        let path = Spool::path(state);
        let account = Connection::open(&path).ok().and_then(|damaged| read_value(&damaged, "account"));
        if let Some(owner) = account.filter(|owner| identity.has_account() && *owner != identity.account()) {
            return Err(SpoolError::Foreign(owner));
        }
        if state.join(FILLED).exists() {
            // An earlier salvage came as far as this.
            replace(state, surroundings.now())?;
            return Spool::attach(state, bytes_max, surroundings);
        }
        has_room(state)?;
        let filled = match Spool::fill(state, identity, bytes_max, &surroundings) {
            // Damaged spools of earlier days give way to what the portal lacks.
            Err(error) if error.is_full() && remove_oldest(state, 0) => {
                Spool::fill(state, identity, bytes_max, &surroundings)
            }
            filled => filled,
        };
        let replaced = filled.and_then(|tally| replace(state, surroundings.now()).map(|()| tally));
        if replaced.is_err() && path.exists() {
            // The damaged spool is still the spool: nothing may take its place later.
            remove_new(state);
        }
        let tally = replaced?;
        let spool = Spool::attach(state, bytes_max, surroundings)?;
        tracing::warn!(
            saved = tally.saved,
            lost = tally.lost,
            unknown = tally.unknown,
            "the spool was damaged; what reads was taken over, and the rest is asked for again"
        );
        Ok(spool)
    }

    /// Fills a new spool with what reads of the damaged one, which is not touched.
    pub(super) fn fill(
        state: &Path,
        identity: &Identity,
        bytes_max: u64,
        surroundings: &Surroundings,
    ) -> Result<Tally, SpoolError> {
        remove_new(state);
        let path = Spool::path(state);
        // What is there fits: a smaller bound is held when the new spool is at work.
        let bytes: u64 = ["", "-wal"]
            .iter()
            .filter_map(|suffix| std::fs::metadata(beside(&path, suffix)).ok())
            .fold(0, |bytes, found| bytes.saturating_add(found.len()));
        let bound = bytes_max.max(bytes).saturating_mul(2);
        let mut spool = Spool::attach_file(state, FILLING, bound, surroundings.clone())?;
        // All of it must be in the one file that is moved, and not twice on a disk that is nearly full.
        let mode: String = spool.connection.query_row("pragma journal_mode = delete", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(SpoolError::Damaged("its new file cannot be written as one"));
        }
        spool.make_current()?;
        let tally = match Connection::open(&path) {
            Ok(damaged) => spool.take_over(&damaged, identity)?,
            Err(_) => Tally { unknown: true, ..Tally::default() },
        };
        drop(spool);
        std::fs::rename(state.join(FILLING), state.join(FILLED))?;
        sync_folder(state)?;
        Ok(tally)
    }

    /// Mends the spool at work: as when it is opened. Where that fails, the damaged one goes on being the spool.
    pub(super) fn mend(&mut self, identity: &Identity) -> Result<(), SpoolError> {
        self.works = false;
        // The file must be closed before it is moved.
        self.connection = Connection::open_in_memory()?;
        match Spool::salvage(&self.state, identity, self.bytes_max, self.surroundings.clone()) {
            Ok(mended) => {
                *self = mended;
                let settled = self.settle(identity);
                self.works = true;
                settled
            }
            Err(error) => {
                let attach = || Spool::attach(&self.state, self.bytes_max, self.surroundings.clone()).ok();
                if let Some(damaged) = Spool::path(&self.state).exists().then(attach).flatten() {
                    *self = damaged;
                }
                self.works = true;
                Err(error)
            }
        }
    }
}

/// Whether a new spool fits beside the damaged one.
fn has_room(state: &Path) -> Result<(), SpoolError> {
    let probe = state.join("probe");
    let written = std::fs::write(&probe, vec![0_u8; ROOM]);
    let _ = std::fs::remove_file(&probe);
    Ok(written?)
}

/// The path of what SQLite puts beside a file.
fn beside(of: &Path, suffix: &str) -> PathBuf {
    let mut name = of.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a new spool that did not come to be.
fn remove_new(state: &Path) {
    for name in [FILLING, FILLED] {
        for suffix in [""].iter().chain(&BESIDE) {
            let _ = std::fs::remove_file(beside(&state.join(name), suffix));
        }
    }
}

/// Ends a salvage that was interrupted: a new spool that is complete takes the place of the damaged one.
pub(super) fn end_interrupted(state: &Path, now: Instant) -> Result<(), SpoolError> {
    if state.join(FILLED).exists() {
        return replace(state, now);
    }
    if state.join(FILLING).exists() {
        remove_new(state);
    }
    Ok(())
}

/// Puts what is in the spool's place aside, and the new spool there.
fn replace(state: &Path, now: Instant) -> Result<(), SpoolError> {
    let path = Spool::path(state);
    if path.exists() {
        put_aside(state, now)?;
    } else {
        // Interrupted between the file and its log, which the new spool must not meet.
        for suffix in BESIDE {
            let _ = std::fs::remove_file(beside(&path, suffix));
        }
        sync_folder(state)?;
    }
    std::fs::rename(state.join(FILLED), &path)?;
    Ok(sync_folder(state)?)
}

/// Moves the spool's files to a name of their own.
pub(super) fn put_aside(state: &Path, now: Instant) -> Result<(), SpoolError> {
    let name = |nth: u32| match nth {
        0 => format!("spool.damaged-{}.sqlite", now.0),
        nth => format!("spool.damaged-{}-{nth}.sqlite", now.0),
    };
    let free = (0..u32::MAX).map(name).find(|name| !state.join(name).exists());
    let aside = state.join(free.ok_or(SpoolError::Damaged("no name is free to put it aside"))?);
    let path = Spool::path(state);
    std::fs::rename(&path, &aside)?;
    if beside(&path, "-wal").exists() {
        std::fs::rename(beside(&path, "-wal"), beside(&aside, "-wal"))?;
    }
    // The index of the WAL is made anew by whoever reads it.
    let _ = std::fs::remove_file(beside(&path, "-shm"));
    sync_folder(state)?;
    remove_oldest(state, KEPT);
    Ok(())
}

/// Removes all damaged spools that were put aside but the youngest few; whether there were any.
fn remove_oldest(state: &Path, keep: usize) -> bool {
    let Ok(entries) = std::fs::read_dir(state) else { return false };
    let is_damaged = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("spool.damaged-") && name.ends_with(".sqlite")
    };
    let mut kept: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_damaged).collect();
    // Their names begin with the time, in as many digits.
    kept.sort();
    let surplus = kept.len().saturating_sub(keep);
    for path in kept.drain(..surplus) {
        for suffix in [""].iter().chain(&BESIDE) {
            let _ = std::fs::remove_file(beside(&path, suffix));
        }
    }
    surplus > 0
}

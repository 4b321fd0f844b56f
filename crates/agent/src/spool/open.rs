//! Opening the spool: what is found is checked before anything is believed, and damage never stops the start.
//!
//! Deliberately absent: how damage is mended, which stands in `salvage`.

use super::{
    FILE, SCHEMA, Spool, SpoolError, VERSION, WAITING, Waiting, count, migrate, pack, resync, salvage, set_value, value,
};
use crate::identity::Identity;
use protocol::package::{Core, Gap, GapReason};
use protocol::receipt::Receipt;
use report::Surroundings;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;

/// The WAL is cut to this size when it can be.
const WAL_BYTES: i64 = 4 * 1024 * 1024;

/// An empty spool needs some pages already.
const PAGES_MIN: u64 = 64;

/// What was found in the file.
enum Found {
    Nothing,
    Current,
    Old,
}

/// Makes a file that only its owner may read, where it is absent. One that is there is not even opened:
/// closing it again would give up the locks that SQLite holds on it for this whole process.
fn private(path: &Path) -> Result<(), SpoolError> {
    if path.is_dir() {
        return Err(SpoolError::Damaged("a folder is in its place"));
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

impl Spool {
    /// Opens the spool of an agent in the state folder to work with it, making it when absent.
    ///
    /// After a new enrolment for the same account, what the portal does not have yet becomes part of
    /// the new agent's chain. A spool of another account is refused. A damaged one is put aside, and what
    /// reads of it is taken over.
    pub(crate) fn open(
        state: &Path,
        identity: &Identity,
        bytes_max: u64,
        surroundings: Surroundings,
    ) -> Result<Spool, SpoolError> {
        salvage::end_interrupted(state, surroundings.now())?;
        let open = || Spool::checked(state, identity, bytes_max, surroundings.clone());
        let mut opened = open();
        if opened.as_ref().is_err_and(|error| error.is_full() || error.is_damage()) {
            // A full disk can look like damage: give the reserve back before anything is judged.
            Spool::release_reserve(state);
            opened = open();
        }
        let mut spool = match opened {
            Err(error) if error.is_damage() => Spool::salvage(state, identity, bytes_max, surroundings)?,
            opened => opened?,
        };
        while let Err(error) = spool.settle(identity) {
            if !(error.is_full() && spool.make_room()?) {
                return Err(error);
            }
        }
        spool.keep_reserve();
        Ok(spool)
    }

    /// Opens the spool to look at it, while another may be working with it.
    pub(crate) fn look(state: &Path, bytes_max: u64, surroundings: Surroundings) -> Result<Spool, SpoolError> {
        let spool = Spool::attach(state, bytes_max, surroundings)?;
        match spool.found()? {
            Found::Nothing => spool.connection.execute_batch(&created())?,
            Found::Current => {}
            Found::Old => return Err(SpoolError::Version),
        }
        Ok(spool)
    }

    /// Opens the file and finds it as it should be.
    fn checked(
        state: &Path,
        identity: &Identity,
        bytes_max: u64,
        surroundings: Surroundings,
    ) -> Result<Spool, SpoolError> {
        let mut spool = Spool::attach(state, bytes_max, surroundings)?;
        spool.check_pages()?;
        spool.make_current()?;
        spool.verify(identity)?;
        Ok(spool)
    }

    /// Opens the file, making it when absent.
    pub(super) fn attach(state: &Path, bytes_max: u64, surroundings: Surroundings) -> Result<Spool, SpoolError> {
        Spool::attach_file(state, FILE, bytes_max, surroundings)
    }

    /// Opens a file of the folder as a spool, making it when absent.
    pub(super) fn attach_file(
        state: &Path,
        name: &str,
        bytes_max: u64,
        surroundings: Surroundings,
    ) -> Result<Spool, SpoolError> {
        let path = state.join(name);
        private(&path)?;
        let connection = Connection::open(path)?;
        connection.execute_batch(&format!(
            "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = full;
             pragma journal_size_limit = {WAL_BYTES};"
        ))?;
        let page_size: i64 = connection.query_row("pragma page_size", [], |row| row.get(0))?;
        let pages = (bytes_max / count(page_size).max(512)).clamp(PAGES_MIN, u64::from(u32::MAX / 2));
        connection.execute_batch(&format!("pragma max_page_count = {pages};"))?;
        Ok(Spool { connection, state: state.to_owned(), surroundings, bytes_max, works: false })
    }

    /// What SQLite itself finds wrong.
    fn check_pages(&self) -> Result<(), SpoolError> {
        let found: String = self.connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
        if found == "ok" { Ok(()) } else { Err(SpoolError::Damaged("its pages do not fit together")) }
    }

    fn found(&self) -> Result<Found, SpoolError> {
        let version: i64 = self.connection.query_row("pragma user_version", [], |row| row.get(0))?;
        let mut statement = self.connection.prepare("select name from sqlite_schema where type = 'table'")?;
        let tables: BTreeSet<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let ours = ["record", "package", "job_seen", "section", "printer", "value"];
        let complete = ours.into_iter().all(|table| tables.contains(table));
        match version {
            0 if tables.is_empty() => Ok(Found::Nothing),
            0 if complete => Ok(Found::Old),
            VERSION if complete => Ok(Found::Current),
            _ => Err(SpoolError::Damaged("it is no spool of this program")),
        }
    }

    /// Brings the tables to the current form.
    pub(super) fn make_current(&mut self) -> Result<(), SpoolError> {
        match self.found()? {
            Found::Nothing => self.connection.execute_batch(&created())?,
            Found::Current => {}
            Found::Old => {
                let surroundings = self.surroundings.clone();
                migrate::from_the_first(self.write()?, &surroundings)?;
            }
        }
        Ok(())
    }

    /// Whether every record, package and receipt is as it was put in. What SQLite stores has no checksums.
    fn verify(&self, identity: &Identity) -> Result<(), SpoolError> {
        self.verify_small_tables()?;
        let sql = format!("select {WAITING}, digest from record order by number");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, Vec<u8>>(6)? != Waiting::read(row)?.digest() {
                return Err(SpoolError::Damaged("a record is not as it was put in"));
            }
        }
        let owner = value(&self.connection, "agent")?;
        if owner.as_deref() != Some(identity.agent()) {
            // Another identity's packages are only taken apart; that they read is all they need.
            return self.unsent_bodies(|_, _, body| pack::take_apart(body, report::Instant(0), &|| [0; 16]).map(drop));
        }
        if value(&self.connection, "place")?.is_none() {
            return Err(SpoolError::Damaged("where its chain stands is missing"));
        }
        self.unsent_bodies(|sequence, digest, body| match pack::check(body, sequence, identity) {
            Ok(found) if found.0.as_slice() == digest => Ok(()),
            _ => Err(SpoolError::Damaged("a package is not as it was packed")),
        })?;
        self.verify_receipts(identity)
    }

    /// Whether values, printers and alerts read.
    fn verify_small_tables(&self) -> Result<(), SpoolError> {
        let mut statement = self.connection.prepare("select name from value")?;
        let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for name in &names {
            value(&self.connection, name)?;
        }
        self.printers()?;
        self.queued_alerts()?;
        Ok(())
    }

    /// Looks at every package that waits for its receipt.
    fn unsent_bodies(&self, look: impl Fn(u64, &[u8], &[u8]) -> Result<(), SpoolError>) -> Result<(), SpoolError> {
        let sql = "select sequence, digest, body from package where acknowledged_at is null order by sequence";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            look(count(row.get(0)?), &row.get::<_, Vec<u8>>(1)?, &row.get::<_, Vec<u8>>(2)?)?;
        }
        Ok(())
    }

    /// A package is out of the way only with its receipt.
    fn verify_receipts(&self, identity: &Identity) -> Result<(), SpoolError> {
        let sql = "select sequence, digest, receipt from package where acknowledged_at is not null";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (sequence, digest): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let receipt: Option<String> = row.get(2)?;
            if !is_receipt(receipt.as_deref(), count(sequence), &digest, identity) {
                return Err(SpoolError::Damaged("a package is put away without its receipt"));
            }
        }
        Ok(())
    }

    /// Makes the spool this agent's, and ready to work.
    pub(super) fn settle(&mut self, identity: &Identity) -> Result<(), SpoolError> {
        let is_new = self.value("agent")?.is_none();
        let left_in_order = self.value("open")?.as_deref() != Some("1");
        // Before a comparison is approved nobody knows whose records these are.
        if identity.has_account() {
            self.belong_to(identity)?;
            if is_new && identity.stored.spool {
                self.note_loss()?;
            } else if !left_in_order {
                self.ask_standing()?;
            }
        }
        set_value(&self.connection, "open", "1")?;
        // The note must be in the file itself: a WAL that is removed takes all since the last checkpoint with it.
        self.checkpoint();
        self.works = true;
        Ok(())
    }

    /// There was a spool, and it is gone.
    fn note_loss(&mut self) -> Result<(), SpoolError> {
        let (at, salt) = (self.surroundings.now(), self.surroundings.random());
        let gap = Gap { at, why: GapReason::SpoolLost, lost_records: None, salvaged_records: 0, seen: None };
        let tx = self.write()?;
        resync::note(&tx, &Core::Gap(gap), salt, at)?;
        resync::ask(&tx, true)?;
        tx.commit()?;
        Ok(())
    }
}

/// The statements that make a new spool.
fn created() -> String {
    format!("begin immediate; {SCHEMA} pragma user_version = {VERSION}; commit;")
}

/// Whether `text` is the portal's receipt of a package.
pub(super) fn is_receipt(text: Option<&str>, sequence: u64, digest: &[u8], identity: &Identity) -> bool {
    let receipt: Option<Receipt> = text.and_then(|text| serde_json::from_str(text).ok());
    receipt.is_some_and(|receipt| {
        receipt.agent == identity.agent()
            && receipt.sequence == sequence
            && receipt.digest.0.as_slice() == digest
            && receipt.is_authentic(&identity.receipt_key)
    })
}

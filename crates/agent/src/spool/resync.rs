//! Finding the way back to the portal's chain: after a new enrolment, a salvage, or a portal or spool that
//! was restored from an old copy.
//!
//! What links to the portal's head is sent as it was signed; everything else is taken apart and chained
//! anew behind it. Nothing is released here. Deliberately absent: any guess; the portal says where it stands.

use super::{
    Place, Spool, SpoolError, Waiting, bytes, count, int, mark, next_number, pack, place, receive, remove_value,
    set_place, set_value, value,
};
use crate::identity::Identity;
use protocol::Hex;
use protocol::package::{Core, Gap, GapReason, core_record};
use protocol::receipt::Standing;
use report::Instant;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The value that says that the portal's standing is to be asked for first, and why.
const RESYNC: &str = "resync";
/// The spool may be an older one than the portal has seen.
const COMPARE: &str = "compare";
/// The spool lost something, and a notice of it is in it already.
const REPAIR: &str = "repair";
/// A number from the portal that is larger than this is no number of ours.
const NUMBER_MAX: u64 = 1 << 62;

/// Asks for the portal's standing before anything else is sent. `noted`: a notice of a loss is there already.
pub(super) fn ask(connection: &Connection, noted: bool) -> Result<(), SpoolError> {
    if noted {
        set_value(connection, RESYNC, REPAIR)
    } else if value(connection, RESYNC)?.is_none() {
        set_value(connection, RESYNC, COMPARE)
    } else {
        Ok(())
    }
}

/// A notice of the agent's own.
pub(super) fn note(tx: &Connection, core: &Core, salt: [u8; 16], at: Instant) -> Result<(), SpoolError> {
    let draft = core_record(core);
    Waiting::new(draft.core, draft.annex, salt, at).insert(tx, next_number(tx)?)
}

/// Puts records before all that wait, in their order.
fn prepend(tx: &Connection, records: &[Waiting]) -> Result<(), SpoolError> {
    let sql = "select coalesce(min(number), 1) from record";
    let first: i64 = tx.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    for (number, record) in (1..).map(|back: i64| first - back).zip(records.iter().rev()) {
        record.insert(tx, number)?;
    }
    Ok(())
}

/// Takes one package apart; its records wait before all others.
fn take_apart(tx: &Transaction<'_>, sequence: i64, salt: &dyn Fn() -> [u8; 16]) -> Result<(), SpoolError> {
    let sql = "select body, oldest from package where sequence = ?1";
    let (body, oldest): (Vec<u8>, i64) =
        tx.prepare_cached(sql)?.query_row(params![sequence], |row| Ok((row.get(0)?, row.get(1)?)))?;
    prepend(tx, &pack::take_apart(&body, Instant(oldest), salt)?)?;
    tx.execute("update section set acknowledged = 0, sequence = null where sequence = ?1", params![sequence])?;
    tx.execute("delete from package where sequence = ?1", params![sequence])?;
    Ok(())
}

/// Takes the acknowledged packages apart, the youngest first, while the spool stays below `bound` bytes. One that
/// does not read any more is the portal's alone.
fn send_again(tx: &Transaction<'_>, bound: u64, salt: &dyn Fn() -> [u8; 16]) -> Result<(), SpoolError> {
    for sequence in sequences(tx, "acknowledged_at is not null", 0)? {
        if bytes(tx)? > bound {
            tracing::warn!(package = sequence, "this package and those before it are not sent to the new enrolment");
            break;
        }
        match take_apart(tx, sequence, salt) {
            Err(error) if error.is_damage() => {}
            taken => taken?,
        }
    }
    Ok(())
}

/// The numbers of packages, the highest first.
fn sequences(tx: &Connection, condition: &str, from: i64) -> Result<Vec<i64>, SpoolError> {
    let sql = format!("select sequence from package where {condition} and sequence >= ?1 order by sequence desc");
    let mut statement = tx.prepare(&sql)?;
    let rows = statement.query_map(params![from], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Spool {
    /// Whether the portal's standing is to be asked for before a package is sent.
    pub(crate) fn resync_is_due(&self) -> Result<bool, SpoolError> {
        Ok(self.value(RESYNC)?.is_some())
    }

    /// Asks for the portal's standing before the next package is sent.
    pub(crate) fn ask_standing(&mut self) -> Result<(), SpoolError> {
        ask(&self.connection, false)
    }

    /// Makes what was packed for an earlier identity part of this one's chain, and keeps whose spool this is.
    /// A spool of another account is refused: its records are not ours to send.
    ///
    /// What the portal took before is sent again as well, as far as it is kept: an enrolment is renewed most
    /// often because the portal was restored, and then it lacks what it took since. A job counts once.
    pub(crate) fn belong_to(&mut self, identity: &Identity) -> Result<(), SpoolError> {
        let (agent, account) = (identity.agent(), identity.account());
        let surroundings = self.surroundings.clone();
        let salt = || surroundings.random::<16>();
        let bytes_max = self.bytes_max;
        let tx = self.write()?;
        if value(&tx, "agent")?.as_deref() == Some(agent) {
            return Ok(());
        }
        if let Some(owner) = value(&tx, "account")?.filter(|owner| *owner != account) {
            return Err(SpoolError::Foreign(owner));
        }
        for sequence in sequences(&tx, "acknowledged_at is null", 0)? {
            take_apart(&tx, sequence, &salt)?;
        }
        send_again(&tx, bytes_max / 2, &salt)?;
        tx.execute_batch(
            "delete from package; update section set acknowledged = 0, sequence = null;
             update alert set number = null where sent_at is null;
             delete from value where name in
                 ('settings', 'duty', 'message_number', 'resync', 'requests', 'mark_sequence');",
        )?;
        set_place(&tx, Place::origin(agent))?;
        set_value(&tx, "agent", agent)?;
        set_value(&tx, "account", &account)?;
        tx.commit()?;
        Ok(())
    }

    /// Takes the portal's standing: packages that it lacks and that link to its head are sent again, all
    /// else that it lacks is chained anew behind that head.
    pub(crate) fn resync(&mut self, identity: &Identity, standing: &Standing) -> Result<(), SpoolError> {
        let surroundings = self.surroundings.clone();
        let (salt, now) = (|| surroundings.random::<16>(), surroundings.now());
        let tx = self.write()?;
        let Some(why) = value(&tx, RESYNC)? else { return Ok(()) };
        let Standing { next_sequence, next_record, head, .. } = *standing;
        if next_sequence.max(next_record) > NUMBER_MAX {
            return Ok(());
        }
        let known = place(&tx, identity.agent())?;
        let from = Place { sequence: next_sequence, first: next_record, head };
        let goes_on = relink(&tx, from, identity)?;
        for sequence in sequences(&tx, "1", int(goes_on.sequence))? {
            take_apart(&tx, sequence, &salt)?;
        }
        if why == COMPARE && next_sequence > known.sequence {
            let seen = mark(&tx)?;
            let (at, why, salvaged_records) = (now, GapReason::Restored, waiting(&tx)?);
            note(&tx, &Core::Gap(Gap { at, why, lost_records: None, salvaged_records, seen }), salt(), now)?;
            // What was noted as seen may be part of what is lost: printers are asked for everything again.
            tx.execute_batch("delete from job_seen; delete from seen;")?;
        }
        set_place(&tx, goes_on)?;
        receive::unmark(&tx, next_sequence)?;
        remove_value(&tx, RESYNC)?;
        tx.commit()?;
        Ok(())
    }
}

/// Records that are in no package.
pub(super) fn waiting(tx: &Connection) -> Result<u64, SpoolError> {
    Ok(count(tx.query_row("select count(*) from record", [], |row| row.get(0))?))
}

/// Marks the packages that link to the portal's head one after the other as unsent; where the chain goes on after them.
fn relink(tx: &Transaction<'_>, from: Place, identity: &Identity) -> Result<Place, SpoolError> {
    let mut goes_on = from;
    let sql = "select first, last, previous, head, body from package where sequence = ?1";
    loop {
        let found = tx.prepare_cached(sql)?.query_row(params![int(goes_on.sequence)], |row| {
            let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
            let (previous, head): ([u8; 32], [u8; 32]) = (row.get(2)?, row.get(3)?);
            Ok((count(first), count(last), Hex(previous), Hex(head), row.get::<_, Vec<u8>>(4)?))
        });
        let Some((first, last, previous, head, body)) = found.optional()? else { return Ok(goes_on) };
        let links = first == goes_on.first && previous == goes_on.head;
        if !links || pack::check(&body, goes_on.sequence, identity).is_err() {
            return Ok(goes_on);
        }
        tx.execute("update package set acknowledged_at = null where sequence = ?1", params![int(goes_on.sequence)])?;
        goes_on = Place { sequence: goes_on.sequence + 1, first: last.saturating_add(1), head };
    }
}

//! What the portal's proved answers change: receipts, settings, who reads.
//!
//! Deliberately absent: the proof itself, which the desk demands before anything comes here.

use super::{KEEP, Spool, SpoolError, int, set_value, value};
use protocol::Hex;
use protocol::limits::SECTIONS_MAX;
use protocol::receipt::{Duty, Receipt, Settings};
use report::{Duration, Instant};
use rusqlite::{Connection, OptionalExtension, params};

/// A section that the portal has is kept this long after its last use, so that it can be asked for again.
const KEEP_SECTIONS: Duration = Duration::hours(48);
/// The value with the number of the package whose receipt the mark is of.
pub(super) const MARKED: &str = "mark_sequence";
/// Nobody stands by for longer than this on one word of the portal's.
const STAND_BY_MAX: Duration = Duration::hours(48);

impl Spool {
    /// Takes an authentic receipt: the package is the portal's now. `false` when the spool has no such package.
    pub(crate) fn acknowledge(
        &mut self,
        receipt: &Receipt,
        wanted: &[Hex<32>],
        now: Instant,
    ) -> Result<bool, SpoolError> {
        let (sequence, text) = (int(receipt.sequence), serde_json::to_string(receipt)?);
        let tx = self.write()?;
        let sql = "update package set acknowledged_at = ?2, receipt = ?3 where sequence = ?1 and digest = ?4";
        let ours = tx.execute(sql, params![sequence, receipt.accepted_at.0, text, receipt.digest.0])? > 0;
        if !ours {
            return Ok(false);
        }
        // What this package carried has arrived, except what the portal says it lacks.
        tx.execute("update section set acknowledged = 1 where sequence = ?1", params![sequence])?;
        for digest in wanted.iter().take(SECTIONS_MAX) {
            tx.execute("update section set acknowledged = 0, sequence = null where digest = ?1", params![digest.0])?;
        }
        // By the portal's time, and no sooner than by the agent's: one clock that jumps removes nothing.
        tx.execute(
            "delete from package where acknowledged_at < ?1 and sequence < (select max(sequence) from package)",
            params![receipt.accepted_at.0.min(now.0).saturating_sub(KEEP.0)],
        )?;
        tx.execute(
            "delete from section where acknowledged = 1 and used_at < ?1",
            params![now.0.saturating_sub(KEEP_SECTIONS.0)],
        )?;
        remember(&tx, receipt)?;
        set_value(&tx, "sent_at", &now.0.to_string())?;
        tx.commit()?;
        Ok(true)
    }

    /// When the portal last took a package.
    pub(crate) fn last_sent(&self) -> Result<Option<Instant>, SpoolError> {
        Ok(self.value("sent_at")?.and_then(|text| text.parse().ok()).map(Instant))
    }

    /// Asks nothing of the portal's standing: the package it waits for is here, and is sent again with all after it.
    /// `false` when it is not here.
    pub(crate) fn resend(&mut self, sequence: u64) -> Result<bool, SpoolError> {
        // A number from outside: what does not fit is no package of ours.
        let Ok(sequence) = i64::try_from(sequence) else { return Ok(false) };
        let tx = self.write()?;
        let sql = "select 1 from package where sequence = ?1";
        let here = tx.query_row(sql, params![sequence], |_| Ok(())).optional()?.is_some();
        if here {
            tx.execute("update package set acknowledged_at = null where sequence >= ?1", params![sequence])?;
            unmark(&tx, super::count(sequence))?;
        }
        tx.commit()?;
        Ok(here)
    }

    /// The portal's settings, as last received.
    pub(crate) fn settings(&self) -> Result<Settings, SpoolError> {
        Ok(value(&self.connection, "settings")?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Takes settings from an authentic answer; never goes back to an older version, and takes none that
    /// are beyond their limits.
    pub(crate) fn set_settings(&mut self, settings: &Settings) -> Result<bool, SpoolError> {
        let known = self.settings()?;
        if settings.version < known.version || *settings == known || !settings.within_limits() {
            return Ok(false);
        }
        set_value(&self.connection, "settings", &serde_json::to_string(settings)?)?;
        Ok(true)
    }

    /// Whether to read, as the portal last said.
    pub(crate) fn duty(&self, now: Instant) -> Result<Duty, SpoolError> {
        let said: Option<Duty> = value(&self.connection, "duty")?.and_then(|text| serde_json::from_str(&text).ok());
        Ok(match said.unwrap_or_default() {
            Duty::StandBy { until, .. } if until <= now || until.since(now) > STAND_BY_MAX => Duty::Read,
            duty => duty,
        })
    }

    /// Keeps whether to read.
    pub(crate) fn set_duty(&mut self, duty: &Duty) -> Result<(), SpoolError> {
        let text = serde_json::to_string(duty)?;
        if value(&self.connection, "duty")?.as_deref() != Some(text.as_str()) {
            set_value(&self.connection, "duty", &text)?;
        }
        Ok(())
    }
}

/// Keeps the mark of the last package's receipt: what is read and packed from now on is younger than it. The
/// order of packages decides, not the portal's clock, which may have run ahead once.
fn remember(tx: &Connection, receipt: &Receipt) -> Result<(), SpoolError> {
    let known: Option<u64> = value(tx, MARKED)?.and_then(|text| text.parse().ok());
    if known.is_none_or(|known| known <= receipt.sequence) {
        set_value(tx, "mark", &receipt.mark().to_string())?;
        set_value(tx, MARKED, &receipt.sequence.to_string())?;
    }
    Ok(())
}

/// The portal has not what it gave a receipt for from package `sequence` on: the next receipt is the last again.
pub(super) fn unmark(tx: &Connection, sequence: u64) -> Result<(), SpoolError> {
    let known: Option<u64> = value(tx, MARKED)?.and_then(|text| text.parse().ok());
    let before = sequence.saturating_sub(1);
    if known.is_some_and(|known| known > before) {
        set_value(tx, MARKED, &before.to_string())?;
    }
    Ok(())
}

//! What the spool knows of each printer: its certificate, when it was read, and why it was not.
//!
//! Deliberately absent: hosts that are no supported printer; nothing is kept of them.

use super::{Spool, SpoolError};
use protocol::Hex;
use report::Instant;
use rusqlite::params;

/// What is known of one printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterStatus {
    /// Its address.
    pub address: String,
    /// Its serial number, once read.
    pub serial: Option<String>,
    /// Its name, once read.
    pub product_name: Option<String>,
    /// When it was last read.
    pub read_at: Option<Instant>,
    /// Why it could not be read since.
    pub failure: Option<String>,
    /// Odd data in the last reading.
    pub defects: i64,
    /// Whether the portal's settings say that it takes part.
    pub participating: bool,
    /// Whether only its identity was read at the last contact.
    pub seen_only: bool,
}

impl Spool {
    /// The certificate pinned for a printer; makes the printer known.
    pub(crate) fn pin(&self, address: &str) -> Result<Option<Hex<32>>, SpoolError> {
        self.connection.execute("insert or ignore into printer (address) values (?1)", params![address])?;
        let pin: Option<[u8; 32]> = self.connection.query_row(
            "select fingerprint from printer where address = ?1",
            params![address],
            |row| row.get(0),
        )?;
        Ok(pin.map(Hex))
    }

    /// Forgets a printer's certificate; `false` when the printer is unknown.
    pub(crate) fn unpin(&self, address: &str) -> Result<bool, SpoolError> {
        let sql = "update printer set fingerprint = null where address = ?1";
        Ok(self.connection.execute(sql, params![address])? > 0)
    }

    /// Forgets a printer that is no longer looked at; `false` when it is unknown.
    pub(crate) fn forget(&self, address: &str) -> Result<bool, SpoolError> {
        Ok(self.connection.execute("delete from printer where address = ?1", params![address])? > 0)
    }

    /// Notes that a printer was not read, and why.
    pub(crate) fn failed(&self, address: &str, why: &str) -> Result<(), SpoolError> {
        self.connection.execute("update printer set failure = ?2 where address = ?1", params![address, why])?;
        Ok(())
    }

    /// The printers known, by address.
    pub(crate) fn printers(&self) -> Result<Vec<PrinterStatus>, SpoolError> {
        let settings = self.settings()?;
        let mut statement = self.connection.prepare(
            "select address, serial, product_name, read_at, failure, defects, seen_only from printer order by address",
        )?;
        let rows = statement.query_map([], |row| {
            let serial: Option<String> = row.get(1)?;
            Ok(PrinterStatus {
                address: row.get(0)?,
                participating: serial.as_deref().is_some_and(|serial| settings.takes_part(serial)),
                serial,
                product_name: row.get(2)?,
                read_at: row.get::<_, Option<i64>>(3)?.map(Instant),
                failure: row.get(4)?,
                defects: row.get(5)?,
                seen_only: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

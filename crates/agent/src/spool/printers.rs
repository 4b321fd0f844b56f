//! What the spool knows of each printer: its certificate, when it was read, and why it was not.
//!
//! Deliberately absent: hosts that are no supported printer; nothing is kept of them.

use super::{Spool, SpoolError, remove_value};
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

/// The value with the interfaces that answered at an address.
fn interfaces_of(address: &str) -> String {
    format!("interfaces {address}")
}

/// The value that says that somebody let go where the counters of the printer at an address come from.
fn let_go_at(address: &str) -> String {
    format!("let go {address}")
}

/// What begins the name of the value with the sources of a printer's counters.
#[cfg(feature = "net")]
const MEMORY_OF: &str = "memory of ";

#[cfg(feature = "net")]
fn memory_of(printer: &str) -> String {
    format!("{MEMORY_OF}{printer}")
}

#[cfg(feature = "net")]
impl Spool {
    /// What is kept of the interfaces that answered at an address.
    pub(crate) fn interfaces(&self, address: &str) -> Result<Option<String>, SpoolError> {
        self.value(&interfaces_of(address))
    }

    /// Keeps which interfaces answered at an address.
    pub(crate) fn set_interfaces(&mut self, address: &str, text: &str) -> Result<(), SpoolError> {
        self.set_values(&[(interfaces_of(address).as_str(), text.to_owned())])
    }

    /// Whether somebody let go where the counters of the printer at an address come from.
    pub(crate) fn is_let_go(&self, address: &str) -> Result<bool, SpoolError> {
        Ok(self.value(&let_go_at(address))?.is_some())
    }

    /// Lets go where the counters of the printer at an address come from; `false` when no printer is known there.
    pub(crate) fn let_go(&mut self, address: &str) -> Result<bool, SpoolError> {
        let sql = "select count(*) from printer where address = ?1";
        let is_known = self.connection.query_row(sql, params![address], |row| row.get::<_, i64>(0))? > 0;
        if is_known {
            self.set_values(&[(let_go_at(address).as_str(), "1".to_owned())])?;
        }
        Ok(is_known)
    }

    /// A reading chose anew where those counters come from.
    pub(crate) fn chose_anew(&mut self, address: &str) -> Result<(), SpoolError> {
        remove_value(&self.connection, &let_go_at(address))
    }

    /// What is kept of the sources of all printers' counters.
    pub(crate) fn memories(&self) -> Result<Vec<String>, SpoolError> {
        let sql = "select name from value where substr(name, 1, ?2) = ?1 order by name";
        let mut statement = self.connection.prepare(sql)?;
        let length = i64::try_from(MEMORY_OF.len()).unwrap_or(i64::MAX);
        let names = statement.query_map(params![MEMORY_OF, length], |row| row.get::<_, String>(0))?;
        let mut texts = Vec::new();
        for name in names {
            texts.extend(self.value(&name?)?);
        }
        Ok(texts)
    }

    /// What is kept of the sources of a printer's counters.
    pub(crate) fn memory(&self, printer: &str) -> Result<Option<String>, SpoolError> {
        self.value(&memory_of(printer))
    }

    /// Keeps where a printer's counters come from, and no longer under its `earlier` name.
    pub(crate) fn set_memory(&mut self, printer: &str, text: &str, earlier: Option<&str>) -> Result<(), SpoolError> {
        let tx = self.write()?;
        if let Some(earlier) = earlier {
            remove_value(&tx, &memory_of(earlier))?;
        }
        super::set_value(&tx, &memory_of(printer), text)?;
        tx.commit()?;
        Ok(())
    }
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

    /// Forgets a printer's certificate, and which interfaces answered there; `false` when the printer is unknown. Where
    /// its counters come from stays: that is kept by serial number, and a counter keeps its source when only a
    /// certificate was renewed.
    pub(crate) fn unpin(&self, address: &str) -> Result<bool, SpoolError> {
        remove_value(&self.connection, &interfaces_of(address))?;
        let sql = "update printer set fingerprint = null where address = ?1";
        Ok(self.connection.execute(sql, params![address])? > 0)
    }

    /// Forgets a printer that is no longer looked at, and which interfaces answered there; `false` when it is unknown.
    /// Where its counters come from stays: it may be read again, here or at another address.
    pub(crate) fn forget(&self, address: &str) -> Result<bool, SpoolError> {
        remove_value(&self.connection, &interfaces_of(address))?;
        remove_value(&self.connection, &let_go_at(address))?;
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

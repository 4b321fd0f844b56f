//! A statement as JSON, with the name of its format, and read back again.
//!
//! The statement stands in it as it is stored: amounts in minor units, quantities in base units, both as
//! whole numbers, so that no reader rounds them. Deliberately absent: another shape for readers that want
//! decimals; the CSV and the spreadsheet have them.

use crate::Error;
use billing::Statement;
use serde::{Deserialize, Serialize};

/// The name of the format and its version.
const FORMAT: &str = "plotmeter-statement/1";

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    statement: &'a Statement,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    format: String,
    statement: serde_json::Value,
}

/// The statement as JSON text in UTF-8, for people to read and for [`read_json`].
///
/// # Errors
///
/// The statement cannot be written as JSON, which none that was rated is.
pub fn json(statement: &Statement) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(&Written { format: FORMAT, statement })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads what [`json`] wrote. It gives the same statement.
///
/// # Errors
///
/// The text is not JSON, of another format, or a field is not what it must be.
pub fn read_json(bytes: &[u8]) -> Result<Statement, Error> {
    let read: Read = serde_json::from_slice(bytes)?;
    // The name is judged before the statement, so that another version is called by its name.
    if read.format != FORMAT {
        return Err(Error::Format(report::Defect::quote(&read.format)));
    }
    Ok(serde_json::from_value(read.statement)?)
}

//! Jobs as CSV: one line a job, quantities in the integer units that their column names, instants in
//! UTC.
//!
//! Deliberately absent: local formats, cells that a spreadsheet would take for a formula, and a file that
//! was cut off without a word.

use super::filter::{Asked, resolve};
use super::store::{self, JobLine};
use crate::db::{DbError, Tx};
use crate::shell::{Error, ResellerScope};
use documents::csv_cell as cell;

/// Lines of one file.
const ROWS_MAX: usize = 100_000;

/// The columns, with their units.
const COLUMNS: [&str; 19] = [
    "finished_at",
    "printer_serial",
    "printer_id",
    "job_key",
    "kind",
    "status",
    "category",
    "media",
    "area_printed_mm2",
    "area_media_mm2",
    "ink_nl",
    "pages",
    "copies",
    "source",
    "quality",
    "grade",
    "account",
    "user",
    "name",
];

/// The file of the jobs asked for.
pub(super) fn csv(tx: &mut Tx<'_>, scope: &ResellerScope, asked: &Asked) -> Result<Vec<u8>, Error> {
    let filter = resolve(tx, scope, asked)?;
    let mut bytes = Vec::new();
    let mut rows = 0_usize;
    let written = {
        let mut writer = csv::Writer::from_writer(&mut bytes);
        let mut write = |cells: &[String; 19]| writer.write_record(cells).map_err(|error| unwritten(&error));
        write(&COLUMNS.map(str::to_owned))?;
        let scanned = store::scan(tx, scope, &filter, |line, _| {
            rows += 1;
            if rows > ROWS_MAX {
                return Err(DbError::Unfit("too many lines for one file".to_owned()));
            }
            write(&cells(&line))
        });
        scanned.and_then(|()| writer.flush().map_err(|error| unwritten(&error)))
    };
    if rows > ROWS_MAX {
        let words = "These are more than 100,000 jobs. Choose a shorter period or one printer, and export again.";
        return Err(Error::Invalid(words.to_owned()));
    }
    written?;
    Ok(bytes)
}

fn unwritten(error: &dyn std::fmt::Display) -> DbError {
    DbError::Unfit(format!("write a CSV file: {error}"))
}

fn cells(line: &JobLine) -> [String; 19] {
    let optional = |value: &Option<String>| value.as_deref().map_or_else(String::new, cell);
    let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    [
        line.finished_at.to_string(),
        cell(&line.serial),
        line.printer_id.to_string(),
        cell(&line.key),
        line.kind.clone(),
        line.status.clone(),
        optional(&line.category),
        optional(&line.media),
        number(line.area_printed),
        number(line.area_media),
        number(line.ink),
        number(line.pages),
        number(line.copies),
        optional(&line.source),
        optional(&line.quality),
        line.grade.word().to_owned(),
        optional(&line.account),
        optional(&line.user),
        optional(&line.name),
    ]
}

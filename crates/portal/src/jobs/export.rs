//! Jobs as CSV: one line a job, quantities in the integer units that their column names, instants in
//! UTC.
//!
//! A job may be of several categories: `category` is that of its largest area, and `counts` has all that it counts.
//! Where the list is about a meter, `metered` adds up to what the list says. Columns keep their names and their order;
//! new ones come at the end.
//!
//! Deliberately absent: local formats, cells that a spreadsheet would take for a formula, and a file that
//! was cut off without a word.

use super::filter::{Asked, resolve};
use super::store::{self, JobLine};
use crate::db::{DbError, Tx};
use crate::shell::{Error, ResellerScope};
use billing::{MeterKind, Quantity};
use documents::csv_cell as cell;

/// Lines of one file.
const ROWS_MAX: usize = 100_000;

/// How many columns there are.
const WIDTH: usize = 23;
/// The columns, with their units; those of `counts` and `metered` are the base units of their meters: mm², µm, nl,
/// pieces.
const COLUMNS: [&str; WIDTH] = [
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
    "scan_area_mm2",
    "counts",
    "meter",
    "metered",
];

/// The file of the jobs asked for.
pub(super) fn csv(tx: &mut Tx<'_>, scope: &ResellerScope, asked: &Asked) -> Result<Vec<u8>, Error> {
    let filter = resolve(tx, scope, asked)?;
    let mut bytes = Vec::new();
    let mut rows = 0_usize;
    let written = {
        let mut writer = csv::Writer::from_writer(&mut bytes);
        let mut write = |cells: &[String; WIDTH]| writer.write_record(cells).map_err(|error| unwritten(&error));
        write(&COLUMNS.map(str::to_owned))?;
        let meter = filter.metered.as_ref().map(|metered| metered.pattern.to_string());
        let scanned = store::scan(tx, scope, &filter, |line, amount| {
            rows += 1;
            if rows > ROWS_MAX {
                return Err(DbError::Unfit("too many lines for one file".to_owned()));
            }
            let metered = meter.as_deref().map(|meter| (meter, amount));
            write(&cells(&line, metered)?)
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

/// Everything that a job counts: `area-printed/mono-line@Bond=1250000; jobs@Bond=1`.
fn counts(quantities: &[Quantity]) -> String {
    let one = |quantity: &Quantity| match &quantity.media {
        Some(media) => format!("{}@{media}={}", quantity.meter, quantity.amount),
        None => format!("{}={}", quantity.meter, quantity.amount),
    };
    quantities.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The area scanned; `None` where the job says none.
fn scanned(quantities: &[Quantity]) -> Option<i64> {
    let areas = quantities.iter().filter(|quantity| quantity.meter.kind() == MeterKind::ScanArea);
    areas.map(|quantity| quantity.amount).reduce(i64::saturating_add)
}

fn cells(line: &JobLine, metered: Option<(&str, i64)>) -> Result<[String; WIDTH], DbError> {
    let quantities: Vec<Quantity> = serde_json::from_str(&line.quantities)?;
    let optional = |value: &Option<String>| value.as_deref().map_or_else(String::new, cell);
    let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    Ok([
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
        number(scanned(&quantities)),
        cell(&counts(&quantities)),
        metered.map_or_else(String::new, |(meter, _)| cell(meter)),
        number(metered.map(|(_, amount)| amount)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Meter;

    #[test]
    fn everything_that_a_job_counts_is_said() {
        let quantity = |meter: &str, media: Option<&str>, amount| Quantity {
            meter: Meter::parse(meter).expect("a meter"),
            media: media.map(str::to_owned),
            amount,
        };
        let quantities = [
            quantity("area-printed/mono-line", Some("Bond"), 60),
            quantity("area-printed/premium", Some("Bond"), 30),
            quantity("scan-area", None, 7),
        ];
        let said = "area-printed/mono-line@Bond=60; area-printed/premium@Bond=30; scan-area=7";
        assert_eq!((counts(&quantities).as_str(), scanned(&quantities)), (said, Some(7)));
        assert_eq!((counts(&[]).as_str(), scanned(&quantities[..2])), ("", None));
    }
}

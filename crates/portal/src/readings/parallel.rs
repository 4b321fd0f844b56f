//! Two systems side by side for a month: what another one counted beside what this one did.
//!
//! Ours are the jobs of the month at the printer's site, as the ledger's usage cells have them. Deliberately
//! absent: any use of another system's quantity in a statement.

use super::import::{amount, machine};
use super::page::{CompareRow, PreviewRow};
use super::page_store::Machine;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::jobs::quantity_unit;
use crate::shell::page::{Chip, Link, Status, Tone};
use crate::shell::printer;
use crate::shell::{ResellerScope, format};
use billing::{Meter, MeterKind, Month};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Quantities of one comparison.
const ROWS_MAX: i64 = 100_000;
/// Rows that a comparison shows, those that differ first.
const SHOWN_MAX: usize = 500;
/// Quantities that are looked at when more are imported.
const THERE_MAX: i64 = 1_000_000;
/// Two quantities are the same within this share of theirs, in parts of a thousand.
const SAME_PER_MILLE: i64 = 5;

/// A quantity of another system.
#[derive(Debug, Clone)]
pub(super) struct Theirs {
    machine: Machine,
    period: Month,
    meter: Meter,
    quantity: i64,
}

/// What tells a quantity from another: printer, month, meter.
pub(super) type Key = (i64, String, String);

impl Theirs {
    /// See [`Key`].
    pub(super) fn key(&self) -> Key {
        (self.machine.printer_id, self.period.to_string(), self.meter.to_string())
    }

    /// The printer.
    pub(super) fn printer_id(&self) -> i64 {
        self.machine.printer_id
    }

    /// The line as a preview shows it.
    pub(super) fn preview(&self) -> PreviewRow {
        PreviewRow {
            printer: self.machine.label.clone(),
            counter: self.meter.label(),
            value: self.meter.unit().show_exact(self.quantity),
            when: self.period.label(),
            odd: String::new(),
        }
    }
}

/// The quantity of a line with the cells serial, period, meter, quantity.
pub(super) fn read(cells: &[String], machines: &BTreeMap<String, Vec<Machine>>) -> Result<Theirs, String> {
    let cell = |place: usize| cells.get(place).map_or("", String::as_str);
    let machine = machine(machines, cell(0))?.clone();
    let period = Month::parse(cell(1)).map_err(|error| error.to_string())?;
    let meter = Meter::parse(cell(2)).map_err(|error| error.to_string())?;
    let quantity = amount(meter.kind(), cell(3))?;
    Ok(Theirs { machine, period, meter, quantity })
}

const KEEP: Bulk = Bulk {
    table: "parallel_quantity",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("period", Kind::Text),
        ("meter", Kind::Text),
        ("quantity", Kind::Int),
        ("entered_at", Kind::Int),
        ("person_id", Kind::Int),
    ],
    key: 4,
    on_conflict: "do nothing",
};

/// Keeps quantities of another system; one that is there stays as it is.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    all: &[Theirs],
    by: i64,
    now: Instant,
) -> Result<(), DbError> {
    let row = |theirs: &Theirs| {
        let (printer, period, meter) = theirs.key();
        params![scope.reseller_id(), printer, period, meter, theirs.quantity, now, by].to_vec()
    };
    let rows: Vec<Vec<Param>> = all.iter().map(row).collect();
    KEEP.insert(tx, &rows)?;
    Ok(())
}

const THERE: &str = "select printer_id, period, meter from parallel_quantity where reseller_id = $1 limit $2";

/// The quantities that are there already.
pub(super) fn there(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<BTreeSet<Key>, DbError> {
    let found =
        tx.query(THERE, params![scope.reseller_id(), THERE_MAX], |row| Ok((row.int(0)?, row.text(1)?, row.text(2)?)))?;
    Ok(found.into_iter().collect())
}

const PERIODS: &str = "select distinct period from parallel_quantity
    where reseller_id = $1 order by period desc limit 12";
const THEIRS: &str = "select parallel_quantity.printer_id, parallel_quantity.meter, parallel_quantity.quantity,
        printer.serial, printer.product_name, printer.product_number, printer.nickname
    from parallel_quantity
    join printer on printer.reseller_id = parallel_quantity.reseller_id
        and printer.printer_id = parallel_quantity.printer_id
    where parallel_quantity.reseller_id = $1 and parallel_quantity.period = $2
    order by printer.serial, parallel_quantity.printer_id, parallel_quantity.meter limit $3";
const OURS: &str = "select usage.printer_id, usage.meter, cast(sum(usage.quantity) as bigint) from usage
    where usage.reseller_id = $1 and usage.month = $2 and usage.printer_id in
        (select named.printer_id from parallel_quantity as named
            where named.reseller_id = $1 and named.period = $3)
    group by usage.printer_id, usage.meter";

/// Ours beside theirs for a month.
pub(super) struct Compared {
    /// The months to choose from.
    pub(super) chips: Vec<Chip>,
    /// What is compared with what.
    pub(super) words: String,
    /// A row for each printer and meter.
    pub(super) rows: Vec<CompareRow>,
}

/// Compares the month asked for, such as `2026-10`; else the last one that there is.
pub(super) fn compared(tx: &mut Tx<'_>, scope: &ResellerScope, asked: &str) -> Result<Compared, DbError> {
    let reseller = scope.reseller_id();
    let months = tx.query(PERIODS, params![reseller], |row| row.text(0))?;
    let chosen = months.iter().find(|month| *month == asked).or(months.first());
    let Some(month) = chosen.and_then(|month| Month::parse(month).ok()) else {
        return Ok(Compared { chips: Vec::new(), words: String::new(), rows: Vec::new() });
    };
    let (name, number) = (month.to_string(), i64::from(month.year()) * 100 + i64::from(month.month()));
    let mut ours: BTreeMap<i64, Vec<(Meter, i64)>> = BTreeMap::new();
    let cells = tx.query(OURS, params![reseller, number, &name], |row| Ok((row.int(0)?, row.text(1)?, row.int(2)?)))?;
    for (printer, meter, quantity) in cells {
        if let Ok(meter) = Meter::parse(&meter) {
            ours.entry(printer).or_default().push((meter, quantity));
        }
    }
    let rows = tx.query(THEIRS, params![reseller, &name, ROWS_MAX], |row| {
        let (id, meter, theirs, serial) = (row.int(0)?, row.text(1)?, row.int(2)?, row.text(3)?);
        let (product, number, nickname) = (row.opt_text(4)?, row.opt_text(5)?, row.opt_text(6)?);
        let label = printer::label(nickname.as_deref(), product.as_deref(), number.as_deref(), &serial);
        let link = Link::new(label, format!("/printers/{id}"));
        let cells = ours.get(&id).map_or(&[][..], Vec::as_slice);
        Ok(Meter::parse(&meter).ok().map(|meter| {
            let ours = of_meter(cells, &meter);
            (is_same(ours, theirs), compare(link, &meter, ours, theirs))
        }))
    })?;
    let mut rows: Vec<(bool, CompareRow)> = rows.into_iter().flatten().collect();
    // Of a whole estate nobody looks at what is the same first.
    rows.sort_by_key(|(is_same, _)| *is_same);
    let (all, same) = (rows.len(), rows.iter().filter(|(is_same, _)| *is_same).count());
    rows.truncate(SHOWN_MAX);
    let chip = |of: &String| {
        let label = Month::parse(of).map_or_else(|_| of.clone(), Month::label);
        Chip::new(label, format!("/readings/import?period={of}#compare"), *of == name)
    };
    Ok(Compared {
        chips: months.iter().map(chip).collect(),
        words: summary(month, all, same),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    })
}

/// What is compared, and how much of it is the same.
fn summary(month: Month, all: usize, same: usize) -> String {
    let more =
        if all > SHOWN_MAX { format!(" Shown are {SHOWN_MAX}, those that differ first.") } else { String::new() };
    format!(
        "{}. Ours are the jobs that ended well in that month at each site. {same} of {all} are the same within half a \
         percent.{more}",
        month.label()
    )
}

/// Whether two quantities are the same, within [`SAME_PER_MILLE`].
fn is_same(ours: Option<i64>, theirs: i64) -> bool {
    let is_near = |ours: i64| {
        let difference = i128::from(ours) - i128::from(theirs);
        difference.abs() * 1000 <= i128::from(theirs).abs() * i128::from(SAME_PER_MILLE)
    };
    ours.is_some_and(is_near)
}

/// What cells have of a meter; a meter of a whole kind is all of its kind. `None` where they have nothing.
fn of_meter(cells: &[(Meter, i64)], meter: &Meter) -> Option<i64> {
    let is = |cell: &&(Meter, i64)| match meter.part() {
        None => cell.0.kind() == meter.kind(),
        Some(_) => cell.0 == *meter,
    };
    cells.iter().filter(is).map(|(_, quantity)| *quantity).reduce(i64::saturating_add)
}

fn compare(printer: Link, meter: &Meter, ours: Option<i64>, theirs: i64) -> CompareRow {
    let shown = |amount: i64| quantity_unit(meter.kind(), amount);
    CompareRow {
        printer,
        meter: meter.label(),
        ours: ours.map_or_else(|| format::UNKNOWN.to_owned(), shown),
        theirs: shown(theirs),
        difference: ours.map_or_else(|| "—".to_owned(), |ours| format::change(ours, theirs)),
        status: in_words(meter.kind(), ours, theirs),
    }
}

/// How two quantities compare.
fn in_words(kind: MeterKind, ours: Option<i64>, theirs: i64) -> Status {
    let is_same = is_same(ours, theirs);
    let Some(ours) = ours else { return Status::new(Tone::Warn, "we counted nothing") };
    let difference = i128::from(ours) - i128::from(theirs);
    let shown = || quantity_unit(kind, i64::try_from(difference.abs()).unwrap_or(i64::MAX));
    match difference {
        0 => Status::new(Tone::Good, "the same"),
        _ if is_same => Status::new(Tone::Good, "the same, within half a percent"),
        more if more > 0 => Status::new(Tone::Warn, format!("we count {} more", shown())),
        _ => Status::new(Tone::Warn, format!("we count {} less", shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_said_in_words() {
        let cases = [
            (Some(520_000_000), 520_000_000, "the same"),
            (Some(521_000_000), 520_000_000, "within half a percent"),
            (Some(540_000_000), 520_000_000, "we count 20.00 m² more"),
            (Some(500_000_000), 520_000_000, "we count 20.00 m² less"),
            (Some(5_000_000), 0, "we count 5.00 m² more"),
            (None, 520_000_000, "we counted nothing"),
        ];
        for (ours, theirs, words) in cases {
            let status = in_words(MeterKind::AreaPrinted, ours, theirs);
            assert!(status.word().contains(words), "{}", status.word());
        }
    }

    #[test]
    fn a_whole_estate_says_how_much_is_the_same() {
        let october = Month::parse("2026-10").expect("a month");
        assert!(summary(october, 12, 9).ends_with("9 of 12 are the same within half a percent."));
        assert!(summary(october, 12_000, 9).contains("Shown are 500, those that differ first."));
        let cases = [(Some(521), 520, true), (Some(523), 520, false), (None, 0, false), (Some(0), 0, true)];
        for (ours, theirs, expected) in cases {
            assert_eq!(is_same(ours, theirs), expected, "{ours:?} {theirs}");
        }
    }

    #[test]
    fn a_whole_meter_is_all_of_its_kind() {
        let meter = |name: &str| Meter::parse(name).expect("a meter");
        let cells = [(meter("area-printed/mono-line"), 5), (meter("area-printed/premium"), 7), (meter("pages"), 9)];
        assert_eq!(of_meter(&cells, &meter("area-printed")), Some(12));
        assert_eq!(of_meter(&cells, &meter("area-printed/premium")), Some(7));
        assert_eq!(of_meter(&cells, &meter("ink")), None);
    }
}

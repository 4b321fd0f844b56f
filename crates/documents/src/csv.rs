//! A statement as CSV, in four dialects: for other programs, for Excel, and for the two ways in which
//! business software takes meters in.
//!
//! Columns are a promise: their names and order stay, new ones come at the end. Each dialect is frozen by a
//! file in `testdata`. A text that a spreadsheet would run gets an apostrophe before it; numbers are plain
//! numbers. Deliberately absent: thousands separators, and local formats except in the dialect for Excel.

use crate::Error;
use crate::readings::{Reading, printers, readings};
use crate::words::{Zone, last, percent, plain, weakest};
use billing::{Line, LineEvidence, LineShare, Meter, Money, Pattern, PricingUnit, ReadingPoint, Statement, TaxRow};
use csv::{Terminator, WriterBuilder};
use report::{Category, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Which CSV is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// For other programs: commas, dots, times in UTC. One row a line, then taxes and sums.
    #[default]
    Plain,
    /// The same rows for Excel where it writes decimal commas: semicolons, a byte order mark, days in the
    /// statement's zone.
    Excel,
    /// For software that wants lifetime readings: one row a counter, with its values at start and end.
    ReadingsErp,
    /// For software that wants quantities and amounts: one row a line and printer.
    QuantitiesErp,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 4] = [Dialect::Plain, Dialect::Excel, Dialect::ReadingsErp, Dialect::QuantitiesErp];

    /// The word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Dialect::Plain => "plain",
            Dialect::Excel => "excel",
            Dialect::ReadingsErp => "readings",
            Dialect::QuantitiesErp => "quantities",
        }
    }

    /// The dialect of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.word() == word)
    }
}

/// What stands around a statement and not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// What the document is called; empty: by its number, if it has one.
    pub name: String,
    /// The word of its state: `draft`, `issued`.
    pub state: String,
    /// The names of sites, by the ids that the statement names.
    pub sites: BTreeMap<String, String>,
}

/// The columns of [`Dialect::Plain`] and [`Dialect::Excel`].
const PLAIN: [&str; 30] = [
    "statement",
    "state",
    "contract",
    "version",
    "customer",
    "period_start",
    "period_end",
    "time_zone",
    "line",
    "title",
    "meter",
    "category",
    "media",
    "unit",
    "used",
    "included",
    "billed",
    "unit_price",
    "currency",
    "amount",
    "kind",
    "corrects",
    "marks",
    "estimated",
    "site",
    "payer",
    "grade",
    "issued",
    "due",
    "clause",
];
/// The columns of [`Dialect::ReadingsErp`].
const READINGS: [&str; 25] = [
    "statement",
    "kind",
    "contract",
    "customer",
    "period_start",
    "period_end",
    "time_zone",
    "printer",
    "printer_name",
    "meter",
    "category",
    "media",
    "unit",
    "evidence",
    "start_value",
    "start_time",
    "start_source",
    "start_grade",
    "end_value",
    "end_time",
    "end_source",
    "end_grade",
    "used",
    "jobs",
    "reset",
];
/// The columns of [`Dialect::QuantitiesErp`].
const QUANTITIES: [&str; 25] = [
    "statement",
    "kind",
    "contract",
    "customer",
    "period_start",
    "period_end",
    "time_zone",
    "line",
    "title",
    "printer",
    "printer_name",
    "site",
    "meter",
    "category",
    "media",
    "unit",
    "used",
    "billed",
    "unit_price",
    "currency",
    "amount",
    "tax_category",
    "tax_percent",
    "payer",
    "corrects",
];

/// The statement in a dialect of CSV, UTF-8.
///
/// # Errors
///
/// Only where there is no memory for it.
pub fn csv(statement: &Statement, around: &Around, dialect: Dialect) -> Result<Vec<u8>, Error> {
    let table = Table { statement, around, zone: Zone::of(statement), is_local: dialect == Dialect::Excel };
    let mut bytes = Vec::new();
    let mut builder = WriterBuilder::new();
    if dialect == Dialect::Excel {
        bytes.extend_from_slice("\u{FEFF}".as_bytes());
        builder.delimiter(b';').terminator(Terminator::CRLF);
    }
    let mut writer = builder.from_writer(&mut bytes);
    let rows = match dialect {
        Dialect::Plain | Dialect::Excel => {
            writer.write_record(PLAIN)?;
            table.plain()
        }
        Dialect::ReadingsErp => {
            writer.write_record(READINGS)?;
            table.readings()
        }
        Dialect::QuantitiesErp => {
            writer.write_record(QUANTITIES)?;
            table.quantities()
        }
    };
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush().map_err(csv::Error::from)?;
    drop(writer);
    Ok(bytes)
}

/// A text that no spreadsheet takes for a formula, nor any part of it that a program which cuts the row at another
/// separator would make a cell of. The wide forms of the signs are taken for the signs by some; a line feed or a zero
/// may hide what follows.
pub fn cell(text: &str) -> String {
    let runs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let mut safe = String::with_capacity(text.len() + 1);
    if text.starts_with(['\t', '\r', '\n', '\0']) {
        safe.push('\'');
    }
    let mut is_first = true;
    for c in text.chars() {
        if is_first && runs.contains(&c) {
            safe.push('\'');
        }
        // A quote after a separator opens the next cell.
        is_first = matches!(c, ',' | ';' | '\t' | '\r' | '\n') || (is_first && c == '"');
        safe.push(c);
    }
    safe
}

/// What the rows of all dialects are made from.
struct Table<'a> {
    statement: &'a Statement,
    around: &'a Around,
    zone: Zone,
    /// Decimal commas, and days in the zone.
    is_local: bool,
}

/// The columns from `meter` to `unit_price`; empty for what is no usage.
#[derive(Default)]
struct Used([String; 8]);

impl Table<'_> {
    /// A plain decimal number as the dialect writes it.
    fn number(&self, plain: String) -> String {
        if self.is_local { plain.replace('.', ",") } else { plain }
    }

    fn money(&self, amount: Money) -> String {
        self.number(amount.show(self.statement.currency))
    }

    fn quantity(&self, unit: Option<PricingUnit>, amount: Option<i64>) -> String {
        unit.zip(amount).map_or_else(String::new, |(unit, amount)| self.number(plain(unit, amount)))
    }

    fn name(&self) -> String {
        if self.around.name.is_empty() {
            cell(self.statement.number.as_deref().unwrap_or_default())
        } else {
            cell(&self.around.name)
        }
    }

    /// Start and end: instants in UTC, the end excluded; for Excel the first and the last day.
    fn period(&self) -> [String; 2] {
        let period = self.statement.period;
        if self.is_local { self.days() } else { [period.start.to_string(), period.end.to_string()] }
    }

    /// The first and the last day of the period, in the zone.
    fn days(&self) -> [String; 2] {
        let period = self.statement.period;
        [self.zone.iso_day(period.start), self.zone.iso_day(last(period))]
    }

    fn site(&self, id: &str) -> String {
        // A site that was taken away since keeps its id.
        self.around.sites.get(id).map_or_else(|| id.to_owned(), Clone::clone)
    }

    fn corrects(&self, line: Option<&Line>) -> String {
        let refers = line.and_then(|line| line.refers.as_ref()).or(self.statement.corrects.as_ref());
        cell(refers.map_or("", |refers| refers.number.as_str()))
    }

    fn payer(&self, line: Option<&Line>) -> String {
        let payer = line.and_then(|line| line.payer.as_deref()).or(self.statement.payer.as_deref());
        cell(payer.unwrap_or_default())
    }

    /// Lines, then taxes and sums.
    fn plain(&self) -> Vec<Vec<String>> {
        let statement = self.statement;
        let mut rows = Vec::with_capacity(statement.lines.len() + statement.taxes.len() + 2);
        for line in &statement.lines {
            rows.push(self.plain_row((&line.id, &line.title), Some(line), line.amount));
        }
        for tax in &statement.taxes {
            rows.push(self.plain_row(("tax", &tax.label()), None, Some(tax.amount)));
        }
        rows.push(self.plain_row(("net", "net"), None, Some(statement.net)));
        rows.push(self.plain_row(("total", "total"), None, Some(statement.total)));
        rows
    }

    /// A row of a line, or of a tax or a sum, with its id and title.
    fn plain_row(&self, called: (&str, &str), line: Option<&Line>, amount: Option<Money>) -> Vec<String> {
        let statement = self.statement;
        let [start, end] = self.period();
        let mut row = vec![
            self.name(),
            cell(&self.around.state),
            cell(&statement.contract.number),
            statement.contract.version.to_string(),
            cell(&statement.customer),
            start,
            end,
            cell(&statement.time_zone),
            cell(called.0),
            cell(called.1),
        ];
        row.extend(line.map_or_else(Used::default, |line| self.used(line)).0);
        row.push(statement.currency.code().to_owned());
        row.push(amount.map_or_else(String::new, |amount| self.money(amount)));
        row.extend(self.more(line));
        row.extend(self.newer(line));
        row
    }

    fn used(&self, line: &Line) -> Used {
        let [meter, category, media] = pattern_cells(line.pattern.as_ref());
        Used([
            meter,
            category,
            media,
            line.unit.map_or("", PricingUnit::label).to_owned(),
            self.quantity(line.unit, line.used),
            self.quantity(line.unit, line.included),
            self.quantity(line.unit, line.quantity),
            line.unit_price.map_or_else(String::new, |price| self.number(String::from(price))),
        ])
    }

    /// The columns from `kind` to `payer`. Several sites or marks of a line are separated by semicolons.
    fn more(&self, line: Option<&Line>) -> [String; 6] {
        let marks: Vec<&str> = line.into_iter().flat_map(|line| &line.marks).map(|mark| mark.words()).collect();
        let estimated = line.filter(|line| line.estimated != 0);
        let shares = line.into_iter().flat_map(|line| &line.shares);
        let at: BTreeSet<&String> = shares.filter_map(|share| share.site.as_ref()).collect();
        let at: Vec<String> = at.into_iter().map(|site| self.site(site)).collect();
        [
            self.statement.kind.word().to_owned(),
            self.corrects(line),
            marks.join("; "),
            estimated.map_or_else(String::new, |line| self.quantity(line.unit, Some(line.estimated))),
            cell(&at.join("; ")),
            self.payer(line),
        ]
    }

    /// The columns from `grade` on.
    fn newer(&self, line: Option<&Line>) -> [String; 4] {
        let issued = self.statement.issued_at;
        let shown = |at: Instant| if self.is_local { self.zone.iso_day(at) } else { at.to_string() };
        [
            line.and_then(weakest).map_or("", |grade| grade.word()).to_owned(),
            issued.map_or_else(String::new, shown),
            self.statement.due.map_or_else(String::new, |due| due.to_string()),
            cell(line.and_then(|line| line.clause.as_deref()).unwrap_or_default()),
        ]
    }

    /// The first columns of the dialects for business software.
    fn head(&self) -> Vec<String> {
        let statement = self.statement;
        let [first, last] = self.days();
        vec![
            self.name(),
            statement.kind.word().to_owned(),
            cell(&statement.contract.number),
            cell(&statement.customer),
            first,
            last,
            cell(&statement.time_zone),
        ]
    }

    /// One row a counter, log or estimate. One that proves several lines stands once.
    fn readings(&self) -> Vec<Vec<String>> {
        let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut rows = Vec::new();
        for reading in readings(self.statement) {
            let row = self.reading_row(&reading);
            if seen.insert(row.clone()) {
                rows.push(row);
            }
        }
        rows
    }

    fn reading_row(&self, reading: &Reading<'_>) -> Vec<String> {
        let source = reading.source;
        let unit = source.meter.unit();
        let (start, end) = reading.edges();
        let [meter, category] = meter_cells(&source.meter);
        let mut row = self.head();
        row.extend([
            cell(&source.printer),
            cell(&source.label),
            meter,
            category,
            cell(source.media.as_deref().unwrap_or_default()),
            unit.label().to_owned(),
            reading.word().to_owned(),
        ]);
        match &source.evidence {
            LineEvidence::Estimate { span, method, .. } => {
                row.extend([String::new(), span.start.to_string(), method.word().to_owned(), String::new()]);
                row.extend([String::new(), span.end.to_string(), method.word().to_owned(), String::new()]);
            }
            LineEvidence::Counter { .. } | LineEvidence::Jobs { .. } | LineEvidence::Sum { .. } => {
                row.extend(self.point(start, unit));
                row.extend(self.point(end, unit));
            }
        }
        row.push(self.number(plain(unit, source.evidence.quantity())));
        row.push(reading.jobs().map_or_else(String::new, |jobs| jobs.to_string()));
        let reset = if reading.is_broken() { "yes" } else { "" };
        row.push(reset.to_owned());
        row
    }

    /// Value, time in UTC, source and grade of a reading.
    fn point(&self, point: Option<&ReadingPoint>, unit: PricingUnit) -> [String; 4] {
        point.map_or_else(Default::default, |point| {
            [
                self.number(plain(unit, point.value)),
                point.read_at.to_string(),
                point.source.word().to_owned(),
                point.grade.word().to_owned(),
            ]
        })
    }

    /// One row a line and printer; one for a line that the whole contract bears.
    fn quantities(&self) -> Vec<Vec<String>> {
        let names = printers(self.statement);
        let mut rows = Vec::new();
        for line in &self.statement.lines {
            if line.shares.is_empty() {
                rows.push(self.quantity_row(line, None, &names, true));
            }
            for (index, share) in line.shares.iter().enumerate() {
                rows.push(self.quantity_row(line, Some(share), &names, index == 0));
            }
        }
        rows
    }

    /// What is charged stands on the first row of a line, so that the sum over the rows is the line's.
    fn quantity_row(
        &self,
        line: &Line,
        share: Option<&LineShare>,
        names: &BTreeMap<&str, &str>,
        is_first: bool,
    ) -> Vec<String> {
        let [meter, category, media] = pattern_cells(line.pattern.as_ref());
        let printer = share.map_or("", |share| share.printer.as_str());
        let site = share.and_then(|share| share.site.as_deref()).map_or_else(String::new, |site| self.site(site));
        let used = share.map_or(line.used, |share| line.used.map(|_| share.quantity));
        let amount = share.map_or(line.amount, |share| line.amount.map(|_| share.amount));
        let [tax_category, tax_percent] = self.taxes(line);
        let mut row = self.head();
        row.extend([cell(&line.id), cell(&line.title)]);
        row.extend([cell(printer), cell(names.get(printer).copied().unwrap_or_default()), cell(&site)]);
        row.extend([meter, category, media, line.unit.map_or("", PricingUnit::label).to_owned()]);
        row.extend([
            self.quantity(line.unit, used),
            self.quantity(line.unit, line.quantity.filter(|_| is_first)),
            line.unit_price.map_or_else(String::new, |price| self.number(String::from(price))),
            self.statement.currency.code().to_owned(),
            amount.map_or_else(String::new, |amount| self.money(amount)),
            tax_category,
            tax_percent,
            self.payer(Some(line)),
            self.corrects(Some(line)),
        ]);
        row
    }

    /// The taxes on a line, their kinds and their rates; several are separated by semicolons.
    fn taxes(&self, line: &Line) -> [String; 2] {
        let rows = line.taxed.iter().filter_map(|taxed| self.statement.taxes.get(taxed.row));
        let rows: Vec<&TaxRow> = rows.collect();
        let codes: Vec<&str> = rows.iter().map(|row| row.category.code()).collect();
        let rates: Vec<String> = rows.iter().map(|row| self.number(percent(row.rate))).collect();
        [codes.join("; "), rates.join("; ")]
    }
}

/// Meter, category or colour, and media of what a line is for.
fn pattern_cells(pattern: Option<&Pattern>) -> [String; 3] {
    let part = pattern.and_then(|pattern| pattern.category.as_ref().map(Category::id).or(pattern.colour.as_deref()));
    let media = pattern.and_then(|pattern| pattern.media.as_deref());
    [
        pattern.map_or("", |pattern| pattern.meter.word()).to_owned(),
        cell(part.unwrap_or_default()),
        cell(media.unwrap_or_default()),
    ]
}

/// The kind of a meter, and its category or colour.
fn meter_cells(meter: &Meter) -> [String; 2] {
    [meter.kind().word().to_owned(), cell(meter.part().unwrap_or_default())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_a_text() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-plan.pdf", "'-plan.pdf"),
            ("\t=1", "'\t'=1"),
            ("＝1", "'＝1"),
            ("plan=1", "plan=1"),
            ("plan;=1+1;", "plan;'=1+1;"),
            ("plan,\"@A1", "plan,\"'@A1"),
            ("Bond, -80 g", "Bond, -80 g"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn dialects_have_words() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::parse(dialect.word()), Some(dialect));
        }
        assert_eq!(Dialect::parse("xml"), None);
    }
}

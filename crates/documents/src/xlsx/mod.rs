//! A statement as a spreadsheet of four sheets: lines, readings, taxes, facts.
//!
//! Numbers are number cells with their unit in a column of its own, days and times are date cells in the
//! statement's zone, and every text is a text cell, so that nothing in it is run or read as a number. Where a
//! number needs more digits than a cell holds, its text stands in the last column.
//!
//! Deliberately absent: formulas, sums that the statement does not have, and the clock: the file says the
//! time of the issue, or for a draft the end of the period, so that the same statement gives the same file.

mod number;

use crate::Error;
use crate::paper::Brand;
use crate::readings::{Reading, compared, readings};
use crate::words::{Zone, clean, last, percent, plain, weakest};
use billing::{DocumentKind, Line, Money, Party, Pattern, PricingUnit, ReadingPoint, Statement};
use jiff::civil::DateTime;
use report::{Category, Instant};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

/// Characters of one cell; a spreadsheet takes 32 767 units of 16 bits, of which a character needs up to two.
const TEXT_MAX: usize = 16_000;
/// Decimals of a quantity that are shown; the cell holds all.
const MEASURE: &str = "#,##0.00####";
/// How a price is shown.
const PRICE: &str = "#,##0.00####";
/// How things that are counted are shown.
const COUNT: &str = "#,##0";
/// How a day is shown.
const DAY: &str = "yyyy-mm-dd";
/// How a time is shown.
const TIME: &str = "yyyy-mm-dd hh:mm";

/// The statement as a spreadsheet (Office Open XML).
///
/// # Errors
///
/// A sheet would have more than 1 048 576 rows.
pub fn xlsx(statement: &Statement, brand: &Brand) -> Result<Vec<u8>, Error> {
    workbook(statement, brand).map_err(|error| Error::Xlsx(error.to_string()))
}

fn workbook(statement: &Statement, brand: &Brand) -> Result<Vec<u8>, XlsxError> {
    let zone = Zone::of(statement);
    let looks = Looks::of(statement);
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(statement, brand));
    lines(workbook.add_worksheet(), &looks, statement)?;
    sources(workbook.add_worksheet(), &looks, statement, &zone)?;
    taxes(workbook.add_worksheet(), &looks, statement)?;
    facts(workbook.add_worksheet(), &looks, (statement, brand), &zone)?;
    workbook.save_to_buffer()
}

/// Title, author and the time of the issue. Without a time the writer would take the clock's.
fn properties(statement: &Statement, brand: &Brand) -> DocProperties {
    let number = statement.number.as_deref().unwrap_or("draft");
    let title = clean(&format!("{} {number}", statement.kind.label()));
    let properties = DocProperties::new().set_title(shorten(&title)).set_author(shorten(&clean(&brand.name)));
    let utc = |at: Instant| {
        let timestamp = jiff::Timestamp::from_millisecond(at.0).ok()?;
        excel(timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime())
    };
    let epoch = || ExcelDateTime::from_ymd(1970, 1, 1).ok();
    match utc(statement.issued_at.unwrap_or(statement.period.end)).or_else(epoch) {
        Some(at) => properties.set_creation_datetime(&at),
        None => properties,
    }
}

/// A date and time of day as a spreadsheet counts them; `None` before 1900 and after 9999.
fn excel(at: DateTime) -> Option<ExcelDateTime> {
    let (year, month) = (u16::try_from(at.year()).ok()?, u8::try_from(at.month()).ok()?);
    let date = ExcelDateTime::from_ymd(year, month, u8::try_from(at.day()).ok()?).ok()?;
    let (hour, minute) = (u16::try_from(at.hour()).ok()?, u8::try_from(at.minute()).ok()?);
    date.and_hms(hour, minute, u8::try_from(at.second()).ok()?).ok()
}

/// A text that fits a cell, and says so where it was cut.
fn shorten(text: &str) -> String {
    if text.chars().count() <= TEXT_MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(TEXT_MAX).collect();
    short.push_str(" … (cut to fit the cell)");
    short
}

/// How cells look.
struct Looks {
    head: Format,
    amount: Format,
    measure: Format,
    price: Format,
    count: Format,
    day: Format,
    time: Format,
}

impl Looks {
    fn of(statement: &Statement) -> Looks {
        let shape = |pattern: &str| Format::new().set_num_format(pattern).set_align(FormatAlign::Top);
        let digits = usize::from(statement.currency.minor_digits());
        let decimals = if digits == 0 { String::new() } else { format!(".{}", "0".repeat(digits)) };
        Looks {
            head: Format::new().set_bold().set_border_bottom(FormatBorder::Thin),
            amount: shape(&format!("#,##0{decimals}")),
            measure: shape(MEASURE),
            price: shape(PRICE),
            count: shape(COUNT),
            day: shape(DAY),
            time: shape(TIME),
        }
    }
}

/// What a cell holds; numbers as plain decimal text.
enum Cell {
    Empty,
    Text(String),
    Amount(String),
    Measure(String),
    Price(String),
    Count(String),
    Day(DateTime),
    Time(DateTime),
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// A sheet while it is written, row by row.
struct Table<'a> {
    sheet: &'a mut Worksheet,
    looks: &'a Looks,
    heads: Vec<String>,
    row: u32,
}

impl<'a> Table<'a> {
    /// Names the sheet and writes its heads; each column has a width in characters. One more column takes
    /// the texts of numbers that a cell cannot hold.
    fn new(
        sheet: &'a mut Worksheet,
        looks: &'a Looks,
        name: &str,
        columns: &[(&str, u8)],
    ) -> Result<Table<'a>, XlsxError> {
        sheet.set_name(name)?;
        sheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        sheet.set_freeze_panes(1, 0)?;
        let mut heads = Vec::with_capacity(columns.len() + 1);
        for (column, (head, width)) in (0_u16..).zip(columns.iter().chain([&("Exact values", 14)])) {
            sheet.set_column_width(column, *width)?;
            sheet.write_string_with_format(0, column, *head, &looks.head)?;
            heads.push((*head).to_owned());
        }
        Ok(Table { sheet, looks, heads, row: 1 })
    }

    fn push(&mut self, cells: Vec<Cell>) -> Result<(), XlsxError> {
        let looks = self.looks;
        let mut exact: Vec<String> = Vec::new();
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => self.text(column, &text)?,
                Cell::Amount(plain) => self.number(column, &plain, &looks.amount, &mut exact)?,
                Cell::Measure(plain) => self.number(column, &plain, &looks.measure, &mut exact)?,
                Cell::Price(plain) => self.number(column, &plain, &looks.price, &mut exact)?,
                Cell::Count(plain) => self.number(column, &plain, &looks.count, &mut exact)?,
                Cell::Day(at) => self.date(column, at, &looks.day)?,
                Cell::Time(at) => self.date(column, at, &looks.time)?,
            }
        }
        if let Some(column) = self.heads.len().checked_sub(1).and_then(|column| u16::try_from(column).ok()) {
            self.text(column, &exact.join("; "))?;
        }
        self.row += 1;
        Ok(())
    }

    /// A text cell, whatever stands in it.
    fn text(&mut self, column: u16, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string(self.row, column, shorten(&clean(text)))?;
        Ok(())
    }

    /// A number cell; its text is kept where the cell does not hold all of it.
    fn number(&mut self, column: u16, plain: &str, look: &Format, exact: &mut Vec<String>) -> Result<(), XlsxError> {
        if !number::is_exact(plain) {
            let head = self.heads.get(usize::from(column)).map_or("", String::as_str);
            exact.push(format!("{head}: {plain}"));
        }
        match number::number(plain) {
            Some(number) => self.sheet.write_number_with_format(self.row, column, number, look)?,
            None => self.sheet.write_string(self.row, column, plain)?,
        };
        Ok(())
    }

    /// A date cell; its text where a spreadsheet does not know the date.
    fn date(&mut self, column: u16, at: DateTime, look: &Format) -> Result<(), XlsxError> {
        match excel(at) {
            Some(date) => self.sheet.write_datetime_with_format(self.row, column, &date, look)?,
            None => self.sheet.write_string(self.row, column, at.to_string())?,
        };
        Ok(())
    }
}

/// A quantity of a unit: counted things without decimals.
fn quantity(unit: Option<PricingUnit>, amount: Option<i64>) -> Cell {
    match unit.zip(amount) {
        Some((unit @ (PricingUnit::Page | PricingUnit::Job), amount)) => Cell::Count(plain(unit, amount)),
        Some((unit, amount)) => Cell::Measure(plain(unit, amount)),
        None => Cell::Empty,
    }
}

fn lines(sheet: &mut Worksheet, looks: &Looks, statement: &Statement) -> Result<(), XlsxError> {
    let columns = [
        ("Line", 8),
        ("Title", 40),
        ("Detail", 40),
        ("Meter", 14),
        ("Category", 16),
        ("Media", 20),
        ("Unit", 6),
        ("Used", 12),
        ("Included", 12),
        ("Billed", 12),
        ("Unit price", 10),
        ("Currency", 9),
        ("Amount", 12),
        ("Estimated", 12),
        ("Grade", 7),
        ("Marks", 24),
        ("Payer", 20),
        ("Corrects", 14),
        ("Arithmetic", 60),
    ];
    let mut table = Table::new(sheet, looks, "Lines", &columns)?;
    for line in &statement.lines {
        table.push(line_cells(line, statement))?;
    }
    Ok(())
}

fn line_cells(line: &Line, statement: &Statement) -> Vec<Cell> {
    let pattern = line.pattern.as_ref();
    let part = pattern.and_then(|pattern| pattern.category.as_ref().map(Category::id).or(pattern.colour.as_deref()));
    let media = pattern.and_then(|pattern| pattern.media.as_deref());
    let marks: Vec<&str> = line.marks.iter().map(|mark| mark.words()).collect();
    let payer = line.payer.as_deref().or(statement.payer.as_deref());
    let refers = line.refers.as_ref().or(statement.corrects.as_ref());
    let estimated = Some(line.estimated).filter(|estimated| *estimated != 0);
    vec![
        text(&line.id),
        text(&line.title),
        text(&line.detail),
        text(pattern.map_or("", |pattern| pattern.meter.word())),
        text(part.unwrap_or_default()),
        text(media.unwrap_or_default()),
        text(line.unit.map_or("", PricingUnit::label)),
        quantity(line.unit, line.used),
        quantity(line.unit, line.included),
        quantity(line.unit, line.quantity),
        line.unit_price.map_or(Cell::Empty, |price| Cell::Price(String::from(price))),
        text(statement.currency.code()),
        line.amount.map_or(Cell::Empty, |amount| Cell::Amount(amount.show(statement.currency))),
        quantity(line.unit, estimated),
        text(weakest(line).map_or("", |grade| grade.word())),
        text(&marks.join("; ")),
        text(payer.unwrap_or_default()),
        text(refers.map_or("", |refers| refers.number.as_str())),
        text(&line.steps.join("\n")),
    ]
}

fn sources(sheet: &mut Worksheet, looks: &Looks, statement: &Statement, zone: &Zone) -> Result<(), XlsxError> {
    let (start_at, end_at) = (format!("Start time ({})", zone.name), format!("End time ({})", zone.name));
    let columns = [
        ("Line", 8),
        ("Printer", 24),
        ("Printer id", 12),
        ("Meter", 34),
        ("Unit", 6),
        ("Evidence", 10),
        ("Start", 14),
        (start_at.as_str(), 18),
        ("Start source", 24),
        ("Start grade", 7),
        ("End", 14),
        (end_at.as_str(), 18),
        ("End source", 24),
        ("End grade", 7),
        ("Used", 14),
        ("Jobs", 8),
        ("Grade", 7),
        ("What it is", 40),
    ];
    let mut table = Table::new(sheet, looks, "Readings", &columns)?;
    for reading in readings(statement) {
        table.push(reading_cells(&reading, zone))?;
    }
    Ok(())
}

fn reading_cells(reading: &Reading<'_>, zone: &Zone) -> Vec<Cell> {
    let (source, unit) = (reading.source, reading.source.meter.unit());
    let mut cells = vec![
        text(&reading.line.id),
        text(&source.label),
        text(&source.printer),
        text(&reading.meter()),
        text(unit.label()),
        text(reading.word()),
    ];
    let time = |at: Instant| zone.civil(at).map_or_else(|| Cell::Text(at.to_string()), Cell::Time);
    let point = |point: Option<&ReadingPoint>| match point {
        Some(point) => [
            quantity(Some(unit), Some(point.value)),
            time(point.read_at),
            text(point.source.words()),
            text(point.grade.word()),
        ],
        None => [Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty],
    };
    let (start, end) = reading.edges();
    match &source.evidence {
        billing::LineEvidence::Estimate { span, .. } => {
            cells.extend([Cell::Empty, time(span.start), Cell::Empty, Cell::Empty]);
            cells.extend([Cell::Empty, time(span.end), Cell::Empty, Cell::Empty]);
        }
        _ => cells.extend(point(start).into_iter().chain(point(end))),
    }
    let broken = if reading.is_broken() { "; the counter began anew between" } else { "" };
    cells.extend([
        quantity(Some(unit), Some(source.evidence.quantity())),
        reading.jobs().map_or(Cell::Empty, |jobs| Cell::Count(jobs.to_string())),
        text(reading.grade().word()),
        Cell::Text(format!("{}{broken}", reading.words())),
    ]);
    cells
}

fn taxes(sheet: &mut Worksheet, looks: &Looks, statement: &Statement) -> Result<(), XlsxError> {
    let columns = [
        ("Tax", 24),
        ("Rate in percent", 14),
        ("Kind", 22),
        ("Code", 6),
        ("Area", 10),
        ("On", 14),
        ("Amount", 14),
        ("Currency", 9),
        ("Reason", 40),
    ];
    let mut table = Table::new(sheet, looks, "Taxes", &columns)?;
    let currency = statement.currency;
    let amount = |amount: Money| Cell::Amount(amount.show(currency));
    for row in &statement.taxes {
        table.push(vec![
            text(&row.name),
            Cell::Price(percent(row.rate)),
            text(row.category.words()),
            text(row.category.code()),
            text(&row.area),
            amount(row.base),
            amount(row.amount),
            text(currency.code()),
            text(row.reason.as_deref().unwrap_or_default()),
        ])?;
    }
    for (label, sum) in [("Net", statement.net), ("Total", statement.total)] {
        let mut cells = vec![text(label)];
        cells.extend((0..5).map(|_| Cell::Empty));
        cells.extend([amount(sum), text(currency.code())]);
        table.push(cells)?;
    }
    Ok(())
}

fn facts(sheet: &mut Worksheet, looks: &Looks, of: (&Statement, &Brand), zone: &Zone) -> Result<(), XlsxError> {
    let (statement, brand) = of;
    let mut table = Table::new(sheet, looks, "Facts", &[("Fact", 34), ("Value", 40), ("Unit", 10)])?;
    let code = statement.currency.code();
    let day = |at: Instant| zone.civil(at).map_or_else(|| Cell::Text(at.to_string()), Cell::Day);
    let amount = |amount: Money| Cell::Amount(amount.show(statement.currency));
    let mut rows: Vec<(String, Cell, &str)> = Vec::new();
    let mut tell = |label: &str, cell: Cell, unit: &'static str| rows.push((label.to_owned(), cell, unit));
    tell("Document", text(statement.kind.label()), "");
    tell("Number", text(statement.number.as_deref().unwrap_or("not issued")), "");
    tell("Issued", statement.issued_at.map_or(Cell::Empty, day), "");
    tell("Period", text(&statement.period_label), "");
    tell("First day", day(statement.period.start), "");
    tell("Last day", day(last(statement.period)), "");
    tell("Time zone", text(&zone.name), "");
    tell("Contract", text(&statement.contract.number), "");
    tell("Version", Cell::Count(statement.contract.version.to_string()), "");
    tell("Customer", text(&statement.customer), "");
    tell("Payer", text(statement.payer.as_deref().unwrap_or_default()), "");
    let corrects = statement.corrects.as_ref().map_or("", |refers| refers.number.as_str());
    tell("Corrects", text(corrects), "");
    tell("Net", amount(statement.net), code);
    tell("Total", amount(statement.total), code);
    let due = statement.due.and_then(|due| jiff::civil::Date::new(due.year(), due.month(), due.day()).ok());
    let due = due.filter(|_| statement.kind != DocumentKind::Credit);
    tell("To be paid by", due.map_or(Cell::Empty, |due| Cell::Day(due.at(0, 0, 0, 0))), "");
    tell("Issued by", text(&brand.name), "");
    rows.extend(party("Seller", statement.parties.seller.as_ref()));
    rows.extend(party("Buyer", statement.parties.buyer.as_ref()));
    rows.extend(statement.notes.iter().map(|note| ("Note".to_owned(), text(note), "")));
    rows.extend(gaps(statement));
    for (label, cell, unit) in rows {
        table.push(vec![Cell::Text(label), cell, text(unit)])?;
    }
    Ok(())
}

/// What is known of a party.
fn party(who: &str, party: Option<&Party>) -> Vec<(String, Cell, &'static str)> {
    let Some(party) = party else { return Vec::new() };
    let fields = [
        ("name", &party.name),
        ("street", &party.street),
        ("postcode", &party.postcode),
        ("city", &party.city),
        ("country", &party.country),
        ("VAT identifier", &party.vat_id),
        ("registration", &party.registration),
        ("electronic address", &party.electronic),
        ("IBAN", &party.iban),
        ("mail", &party.email),
        ("contact", &party.contact),
        ("telephone", &party.phone),
        ("reference", &party.reference),
    ];
    let known = fields.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(field, value)| (format!("{who}, {field}"), text(value), "")).collect()
}

/// Why counters and jobs differ.
fn gaps(statement: &Statement) -> Vec<(String, Cell, &'static str)> {
    let mut rows = Vec::new();
    for row in &statement.reconciliations {
        let (found, unit) = (&row.reconciliation, row.meter.unit());
        let of = format!("{}, {}", row.label, Pattern::every(row.meter).label());
        let mut tell = |what: &str, amount: i64| {
            rows.push((format!("{of}: {what}"), quantity(Some(unit), Some(amount)), unit.label()));
        };
        if let Some(total) = found.counter_total {
            tell("counter", total);
        }
        tell(&format!("jobs, {}", compared(row)), found.job_printed_total);
        for part in &found.differences {
            tell(part.cause.words(), part.amount);
        }
    }
    rows
}

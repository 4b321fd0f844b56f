//! Readings that people enter: all printers of a customer on one page, for the reseller and for the customer.
//!
//! What is odd is taken only with a reason, which is kept and shown. Deliberately absent: any change to a
//! reading that was entered; it is withdrawn and entered anew.

use super::page::{EnterPage, EnterRow, HandRow, MachineRows, Sheet};
use super::page_store::{self, Counters, Known, Machine};
use super::settle::{hand_row, own_row};
use super::store::{self, HandReading};
use super::{at_once, counter_value, moment, note_fits, zone_of};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::{Fields, address, text};
use crate::shell::format::{self, Zone};
use crate::shell::page::Field;
use crate::shell::part::Part;
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render, see_other};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{Meter, MeterKind, ReadingSource, decrease, plausible};
use report::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the form: twenty printers with all their counters.
pub(crate) const FORM_BYTES_MAX: usize = 512 * 1024;
/// Printers of one page.
const MACHINES_MAX: i64 = 20;
/// Counters of one page.
const ROWS_MAX: usize = 2_000;
/// A form that is sent twice within this time counts once.
const TWICE: Duration = Duration::hours(-24);

/// What is wrong with a form, by field.
pub(crate) type Wrong = BTreeMap<String, String>;

/// Which printers a page shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose {
    /// The customer.
    pub(crate) customer_id: i64,
    /// The one printer that is wanted; 0 for all.
    pub(crate) printer_id: i64,
    /// Which part of them.
    pub(crate) part: Part,
}

impl Whose {
    /// What an address asks for, of a customer.
    pub(crate) fn asked(customer_id: i64, fields: &Fields) -> Whose {
        let printer_id = text(fields, "printer").parse().unwrap_or(0);
        Whose { customer_id, printer_id, part: Part::asked(fields) }
    }

    fn skipped(self) -> i64 {
        // Parts are counted in the usual rows; here a part is shorter.
        self.part.skipped() / crate::shell::part::ROWS * MACHINES_MAX
    }

    /// The address of a part at `path`.
    fn address(self, path: &str, names_customer: bool, page: &str) -> String {
        let customer = if names_customer { self.customer_id.to_string() } else { String::new() };
        let printer = if self.printer_id == 0 { String::new() } else { self.printer_id.to_string() };
        address(path, [("customer", customer.as_str()), ("printer", printer.as_str()), ("page", page)])
    }
}

/// The form at `path` with what was typed; `None` where there is no such customer.
pub(crate) fn sheet(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    whose: Whose,
    (path, names_customer): (&str, bool),
    (form, wrong): (&FormData, &Wrong),
    now: Instant,
) -> Result<Option<Sheet>, DbError> {
    let Some((_, zone)) = page_store::customer(tx, scope, whose.customer_id)? else { return Ok(None) };
    let zone = zone_of(&zone);
    let wanted = (whose.customer_id, whose.printer_id);
    let (machines, total) = page_store::machines(tx, scope, wanted, (MACHINES_MAX, whose.skipped()))?;
    let printers: Vec<i64> = machines.iter().map(|machine| machine.printer_id).collect();
    let counters = page_store::counters(tx, scope, whose.customer_id, &printers)?;
    let day = match form.text("at") {
        "" => format::iso_day(now, &zone),
        typed => typed.to_owned(),
    };
    let at = moment(form.text("at"), form.text("hour"), &zone, now).unwrap_or(now);
    let mut number = 0;
    let seen = Seen { counters: &counters, form, wrong, zone: &zone, at };
    let machines: Vec<MachineRows> = machines.iter().map(|machine| seen.machine(machine, &mut number)).collect();
    let number = |count: i64| usize::try_from(count).unwrap_or(0);
    let (skipped, page) = (whose.skipped(), whose.skipped() / MACHINES_MAX + 1);
    let neighbour = |page: i64| whose.address(path, names_customer, &page.to_string());
    let next = (total > skipped + MACHINES_MAX).then(|| neighbour(page + 1));
    let pager = crate::shell::page::Pager::new(
        number(skipped),
        machines.len(),
        number(total),
        (page > 1).then(|| neighbour(page - 1)),
        next,
    );
    Ok(Some(Sheet {
        action: whose.address(path, names_customer, &if page == 1 { String::new() } else { page.to_string() }),
        customer: whose.customer_id.to_string(),
        when: vec![
            Field::new("date", "at", "Day").value(day).required().wrong(wrong.get("at").cloned()),
            Field::text("hour", "Hour and minute")
                .value(form.text("hour"))
                .hint(format!("In {}. Empty: now, or noon of a day before.", zone.name())),
        ],
        machines,
        pager,
    }))
}

/// What the rows of a page are made from.
struct Seen<'a> {
    counters: &'a Counters,
    form: &'a FormData,
    wrong: &'a Wrong,
    zone: &'a Zone,
    at: Instant,
}

impl Seen<'_> {
    fn machine(&self, machine: &Machine, number: &mut usize) -> MachineRows {
        let (mut rows, mut more) = (Vec::new(), Vec::new());
        for meter in meters(self.counters, machine.printer_id) {
            *number += 1;
            let known = self.counters.get(&(machine.printer_id, meter.clone()));
            let row = self.row(machine.printer_id, &meter, known, *number);
            if meter.part().is_none() { rows.push(row) } else { more.push(row) }
        }
        let is_typed = |row: &EnterRow| !self.form.text(&format!("value.{}", row.number)).is_empty();
        MachineRows { title: machine.label.clone(), open: more.iter().any(is_typed), rows, more }
    }

    fn row(&self, printer: i64, meter: &Meter, known: Option<&Known>, number: usize) -> EnterRow {
        let (value, note) = (format!("value.{number}"), format!("note.{number}"));
        // What was typed belongs to the counter that it was typed for; another may have come in between.
        let same = self.form.int(&format!("printer.{number}")) == Some(printer)
            && self.form.text(&format!("meter.{number}")) == meter.to_string();
        let typed = |name: &str| if same { self.form.text(name).to_owned() } else { String::new() };
        let wrong = |name: &str| self.wrong.get(name).filter(|_| same).cloned();
        let (said, reason) = (wrong(&note), typed(&note));
        let asks = said.is_some() || !reason.is_empty();
        EnterRow {
            number,
            printer,
            meter: meter.to_string(),
            value: Field::number(value.as_str(), format!("{}, {}", meter.label(), meter.unit().label()))
                .value(typed(&value))
                .hint(self.hint(meter, known))
                .wrong(wrong(&value)),
            note: asks.then(|| Field::text(note, "Why it can be").value(reason).wrong(said)),
        }
    }

    /// The last value, and where the next is expected.
    fn hint(&self, meter: &Meter, known: Option<&Known>) -> String {
        let Some((known, last)) = known.and_then(|known| Some((known, known.last?))) else {
            return "never read".to_owned();
        };
        let shown = |value: i64| counter_value(&meter.to_string(), value);
        let read = format!(
            "last {} on {}, {}",
            shown(last.value),
            format::instant(last.read_at, self.zone),
            last.source.words()
        );
        match decrease::expected(&last, self.at, known.usual_daily) {
            (least, Some(most)) => format!("{read}; expected {} to {}", shown(least), shown(most)),
            (least, None) => format!("{read}; expected {} or more", shown(least)),
        }
    }
}

/// The meters that can be typed for a printer: those it counts, else the usual totals. Totals come first.
pub(super) fn meters(counters: &Counters, printer: i64) -> Vec<Meter> {
    const USUAL: [MeterKind; 4] = [MeterKind::AreaMedia, MeterKind::Ink, MeterKind::Pages, MeterKind::ScanArea];
    let known = counters.keys().filter(|(of, _)| *of == printer).map(|(_, meter)| meter.clone());
    let mut meters: Vec<Meter> = known.collect();
    if meters.iter().all(|meter| meter.part().is_some()) {
        meters.extend(USUAL.map(Meter::whole));
    }
    meters.sort_by_key(|meter| (meter.part().is_some(), meter.clone()));
    meters.dedup();
    meters
}

/// A reading as a form says it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: usize,
    printer_id: i64,
    meter: String,
    value: String,
    note: String,
}

/// The lines of a form that have a value.
fn lines(form: &FormData) -> Vec<Line> {
    let line = |number: usize| {
        let named = |name: &str| form.text(&format!("{name}.{number}")).to_owned();
        let value = named("value");
        let printer_id = form.int(&format!("printer.{number}"))?;
        (!value.is_empty()).then(|| Line { number, printer_id, meter: named("meter"), value, note: named("note") })
    };
    (1..=ROWS_MAX).filter_map(line).collect()
}

/// A field and what is wrong with it.
type Said = (String, String);

/// The reading of a line; else what is wrong with it.
fn reading(line: &Line, counters: &Counters, at: Instant, source: ReadingSource) -> Result<HandReading, Said> {
    let field = |name: &str| format!("{name}.{}", line.number);
    let meter = Meter::parse(&line.meter).map_err(|error| (field("value"), format!("{error}.")))?;
    let unit = meter.unit();
    let value = unit.parse(&line.value).filter(|value| *value >= 0).ok_or_else(|| {
        let words = format!("“{}” is not a plain number of {}, such as 18531.4.", line.value, unit.label());
        (field("value"), words)
    })?;
    note_fits(&line.note).map_err(|words| (field("note"), words))?;
    let known = counters.get(&(line.printer_id, meter.clone()));
    let odd = known.and_then(|known| {
        let last = known.last?;
        plausible(&last, value, at, known.usual_daily).err()
    });
    let odd = odd.unwrap_or_default();
    if !odd.is_empty() && line.note.is_empty() {
        return Err((field("note"), format!("This is odd: {odd}. Look again, or say here why it can be.")));
    }
    Ok(HandReading {
        printer_id: line.printer_id,
        meter,
        media: None,
        value,
        read_at: at,
        source,
        note: line.note.clone(),
        odd,
    })
}

/// Who enters readings, and as what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    /// The person.
    pub(crate) person_id: i64,
    /// `Manual` for the reseller's people, `Customer` for the customer's.
    pub(crate) source: ReadingSource,
}

/// Enters the readings of a form, all or none; gives what is wrong. A printer that is not the customer's is
/// not found.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    portal: &Portal,
    scope: &ResellerScope,
    customer_id: i64,
    form: &FormData,
    by: By,
) -> Result<Result<usize, Wrong>, Error> {
    let now = portal.surroundings().now();
    let (_, zone) = page_store::customer(tx, scope, customer_id)?.ok_or(Error::NotFound)?;
    let lines = lines(form);
    let printers: BTreeSet<i64> = lines.iter().map(|line| line.printer_id).collect();
    let printers: Vec<i64> = printers.into_iter().collect();
    if !all_of(tx, scope, customer_id, &printers)? {
        return Err(Error::NotFound);
    }
    let mut wrong = Wrong::new();
    let at = match moment(form.text("at"), form.text("hour"), &zone_of(&zone), now) {
        Ok(at) => at,
        Err(words) => {
            wrong.insert("at".to_owned(), words.to_owned());
            now
        }
    };
    if lines.is_empty() {
        wrong.insert(String::new(), "Type at least one value.".to_owned());
    }
    let counters = page_store::counters(tx, scope, customer_id, &printers)?;
    let known = page_store::entered_since(tx, scope, now.plus(TWICE))?;
    let mut rows = Vec::with_capacity(lines.len());
    for line in &lines {
        match reading(line, &counters, at, by.source) {
            Ok(reading) => rows.push(reading),
            Err((field, words)) => {
                wrong.insert(field, words);
            }
        }
    }
    if !wrong.is_empty() {
        return Ok(Err(wrong));
    }
    rows.retain(|row| !known.contains(&(row.printer_id, row.meter.to_string(), String::new(), row.value, row.read_at)));
    let rows: Vec<(HandReading, i64)> =
        rows.into_iter().map(|row| (row, crate::new_id(portal.surroundings()))).collect();
    if !store::enter(tx, scope, &rows, by.person_id, now).map_err(at_once)? {
        return Err(Error::NotFound);
    }
    tracing::info!(customer.id = customer_id, readings = rows.len(), "took readings that a person entered");
    Ok(Ok(rows.len()))
}

/// Whether all of these printers are the customer's.
fn all_of(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64, printers: &[i64]) -> Result<bool, DbError> {
    let own = page_store::ids_of_customer(tx, scope, customer_id)?;
    Ok(printers.iter().all(|printer| own.contains(printer)))
}

/// The readings that people entered for a customer, as its own people see them.
pub(crate) fn entered(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Vec<HandRow>, DbError> {
    Ok(page_store::of_customer(tx, scope, customer_id)?.iter().map(own_row).collect())
}

/// `GET /readings/enter`.
pub(super) async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let asked = text(&query, "customer").parse().unwrap_or(0);
        let asked = Whose::asked(asked, &query);
        let done = query.get("done").map(String::as_str);
        page(tx, &own, &user, asked, (&FormData::default(), &Wrong::new()), done)
    };
    render(&portal.db().read(work).await?)
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    whose: Whose,
    (form, wrong): (&FormData, &Wrong),
    done: Option<&str>,
) -> Result<EnterPage, Error> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let customers = page_store::customers(tx, scope)?;
    let customer = page_store::customer(tx, scope, whose.customer_id)?;
    if whose.customer_id != 0 && customer.is_none() {
        return Err(Error::NotFound);
    }
    let sheet = match &customer {
        Some(_) => sheet(tx, scope, whose, ("/readings/enter", true), (form, wrong), now)?,
        None => None,
    };
    let hands = match &customer {
        Some(_) => page_store::of_customer(tx, scope, whose.customer_id)?.iter().map(hand_row).collect(),
        None => Vec::new(),
    };
    let sub = match customer {
        Some((name, zone)) => format!("{name} · times in {zone}"),
        None => "For printers that no agent reads, and to check those that one reads.".to_owned(),
    };
    let chosen = whose.customer_id.to_string();
    let choices = customers.into_iter().map(|(id, name)| (id.to_string(), name));
    let choices = std::iter::once((String::new(), "Choose".to_owned())).chain(choices);
    let unsaid = wrong.get("").cloned();
    Ok(EnterPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/readings", "Enter readings"), done)?,
        sub,
        choose: Field::select("customer", "Customer", choices, &chosen),
        sheet,
        wrong: unsaid.or_else(|| (!wrong.is_empty()).then(|| NOT_YET.to_owned())),
        hands,
    })
}

/// What stands above a form with something wrong.
pub(crate) const NOT_YET: &str = "Nothing was entered yet: look at what stands beside the fields.";

/// `POST /readings/enter`.
pub(super) async fn save(
    State(portal): State<Portal>,
    Query(query): Query<Fields>,
    Posted(user, form): Posted<ResellerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| -> Result<Result<i64, Box<EnterPage>>, Error> {
        let customer = form.int("customer").unwrap_or(0);
        let whose = Whose::asked(customer, &query);
        if customer == 0 {
            let wrong = Wrong::from([(String::new(), "Choose a customer first.".to_owned())]);
            return Ok(Err(Box::new(page(tx, &own, &user, whose, (&form, &wrong), None)?)));
        }
        let by = By { person_id: user.signed.person_id, source: ReadingSource::Manual };
        match take(tx, &own, &user.scope, customer, &form, by)? {
            Ok(_) => Ok(Ok(customer)),
            Err(wrong) => Ok(Err(Box::new(page(tx, &own, &user, whose, (&form, &wrong), None)?))),
        }
    };
    match portal.db().write(work).await? {
        Ok(customer) => Ok(see_other(&format!("/readings/enter?customer={customer}&done=entered"))),
        Err(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::ReadingPoint;
    use report::Grade;

    const DAY: i64 = 86_400_000;

    fn counters() -> Counters {
        let last = ReadingPoint {
            segment: 1,
            value: 5_000,
            read_at: Instant(10 * DAY),
            grade: Grade::B,
            source: ReadingSource::Printer,
        };
        let known = Known { last: Some(last), usual_daily: Some(100) };
        Counters::from([((7, Meter::whole(MeterKind::Pages)), known)])
    }

    #[test]
    fn an_odd_value_needs_a_reason_and_keeps_it() {
        let line = |value: &str, note: &str| Line {
            number: 3,
            printer_id: 7,
            meter: "pages".to_owned(),
            value: value.to_owned(),
            note: note.to_owned(),
        };
        // Value, note, the field that is wrong, whether it is kept as odd.
        let cases = [
            ("5100", "", None, false),
            ("4999", "", Some("note.3"), false),
            ("4999", "the board was replaced", None, true),
            ("99999", "", Some("note.3"), false),
            ("5.5", "", Some("value.3"), false),
            ("-1", "", Some("value.3"), false),
            ("many", "", Some("value.3"), false),
        ];
        for (value, note, field, odd) in cases {
            let found = reading(&line(value, note), &counters(), Instant(12 * DAY), ReadingSource::Manual);
            assert_eq!(found.as_ref().err().map(|(field, _)| field.as_str()), field, "{value}");
            assert_eq!(found.is_ok_and(|reading| !reading.odd.is_empty()), odd, "{value}");
        }
    }

    #[test]
    fn a_form_gives_the_lines_that_have_a_value() {
        let form = FormData::parse(b"printer.1=7&meter.1=pages&value.1=&printer.4=8&meter.4=ink&value.4=2.5&value.9=1");
        let found: Vec<(usize, i64)> = lines(&form).iter().map(|line| (line.number, line.printer_id)).collect();
        assert_eq!(found, [(4, 8)]);
    }

    #[test]
    fn totals_come_first_and_a_printer_without_counters_has_the_usual_ones() {
        let names = |counters: &Counters| meters(counters, 7).iter().map(Meter::to_string).collect::<Vec<_>>();
        assert_eq!(names(&Counters::new()), ["area-media", "ink", "pages", "scan-area"]);
        let mut some = counters();
        some.insert((7, Meter::ink("cyan")), Known::default());
        some.insert((8, Meter::whole(MeterKind::Jobs)), Known::default());
        assert_eq!(names(&some), ["pages", "ink/cyan"]);
    }
}

//! Which jobs a list, its totals and its export are about: read from the address, then checked
//! against the reseller's data.
//!
//! A statement's line names the jobs behind it by `contract`, `meter` (a pattern such as
//! `area-printed/mono-line@Bond 80 g`, or a kind with `category`, `colour` and `media` beside it),
//! `except` (patterns of earlier prices, separated by `|`) and the period's instants `from_ms` and
//! `to_ms`. The jobs are then those that rating counted, so that the totals agree to the base unit.
//! Deliberately absent: SQL.

use super::store::{self, Named};
use crate::db::{DbError, Tx};
use crate::shell::address::{self, Fields, text};
use crate::shell::format::Zone;
use crate::shell::part::Part;
use crate::shell::{Error, ResellerScope};
use billing::{MeterKind, Pattern, Quantity, Terms};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use report::{Category, Instant, JobStatus};

/// Fields that stay in the address while a reader pages or exports.
const NAMES: &[&str] = &[
    "printer", "customer", "contract", "version", "kind", "status", "meter", "category", "colour", "media", "except",
    "from", "to", "from_ms", "to_ms",
];
/// No list goes further than 1970 to 2100; the ledger takes 2000 to 2100, so nothing lies outside.
const EARLIEST: Instant = Instant(0);
/// See [`EARLIEST`].
const LATEST: Instant = Instant(4_102_444_800_000);
/// Without dates, the list shows this many days up to the newest job.
const DEFAULT_DAYS: i64 = 31;
/// Patterns that a line may leave out.
const EXCEPT_MAX: usize = 64;

/// What an address asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    fields: Fields,
    /// 0 for all.
    printer: i64,
    /// 0 for all.
    customer: i64,
    /// 0 for all.
    contract: i64,
    /// The contract's version; 0 for the one in force when the period starts.
    version: i64,
    from_ms: Option<Instant>,
    to_ms: Option<Instant>,
    from: Option<Date>,
    to: Option<Date>,
    pattern: Option<Pattern>,
    except: Vec<Pattern>,
    /// Which part of the list.
    pub(super) part: Part,
}

impl Asked {
    /// Reads an address. An id that is no number names nothing.
    pub(super) fn read(fields: &Fields) -> Result<Asked, Error> {
        let id = |name| match text(fields, name) {
            "" => Ok(0),
            number => address::id(number),
        };
        let except = text(fields, "except").split('|').filter(|pattern| !pattern.is_empty()).take(EXCEPT_MAX);
        Ok(Asked {
            printer: id("printer")?,
            customer: id("customer")?,
            contract: id("contract")?,
            version: id("version")?,
            from_ms: instant(fields, "from_ms")?,
            to_ms: instant(fields, "to_ms")?,
            from: date(fields, "from")?,
            to: date(fields, "to")?,
            pattern: pattern(fields)?,
            except: except.map(parse_pattern).collect::<Result<_, _>>()?,
            part: Part::asked(fields),
            fields: fields.iter().filter(|(name, _)| NAMES.contains(&name.as_str())).map(owned).collect(),
        })
    }
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.trim().to_owned())
}

fn parse_pattern(text: &str) -> Result<Pattern, Error> {
    Pattern::parse(text).map_err(|error| Error::Invalid(format!("Meter: {error}.")))
}

/// The pattern of meters, with the fields that stand beside it.
fn pattern(fields: &Fields) -> Result<Option<Pattern>, Error> {
    let name = text(fields, "meter");
    if name.is_empty() {
        return Ok(None);
    }
    let mut pattern = parse_pattern(name)?;
    let given = |name| Some(text(fields, name)).filter(|text| !text.is_empty());
    if let Some(category) = given("category").filter(|_| pattern.meter.has_category()) {
        pattern.category = Some(Category::new(category));
    }
    if let Some(colour) = given("colour").filter(|_| pattern.meter == MeterKind::Ink) {
        pattern.colour = Some(colour.to_owned());
    }
    if let Some(media) = given("media") {
        pattern.media = Some(media.to_owned());
    }
    Ok(Some(pattern))
}

fn instant(fields: &Fields, name: &str) -> Result<Option<Instant>, Error> {
    match text(fields, name) {
        "" => Ok(None),
        number => match number.parse() {
            Ok(milliseconds) => Ok(Some(Instant(milliseconds))),
            Err(_) => Err(Error::Invalid(format!("The field {name} of the address is not a number."))),
        },
    }
}

fn date(fields: &Fields, name: &str) -> Result<Option<Date>, Error> {
    match text(fields, name) {
        "" => Ok(None),
        text => match text.parse() {
            Ok(date) => Ok(Some(date)),
            Err(_) => Err(Error::Invalid(format!("The field {name} is not a date such as 2026-10-31."))),
        },
    }
}

/// The jobs that are meant.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// One printer; 0 for all.
    pub(super) printer: i64,
    /// One customer; 0 for all.
    pub(super) customer: i64,
    /// The stays of printers in one contract; 0 for all.
    pub(super) contract: i64,
    /// The word of row P27; empty for all.
    pub(super) kind: String,
    /// The word of rows P11 and N10; empty for all.
    pub(super) status: String,
    /// The category of the largest area; empty for all, or where the meter names it.
    pub(super) category: String,
    /// Row P28; empty for all, or where the meter names it.
    pub(super) media: String,
    /// The first instant.
    pub(super) from: Instant,
    /// The first instant after.
    pub(super) to: Instant,
    /// The meter that is added up; only jobs that count on it are meant.
    pub(super) metered: Option<Metered>,
    /// Which part of the list.
    pub(super) part: Part,
    /// The zone of dates and times.
    pub(super) zone: Zone,
    /// The names of what is shown.
    pub(super) subject: Subject,
    fields: Fields,
}

/// The names of the one printer, customer or contract that is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    /// The printer.
    pub(super) printer: Option<Named>,
    /// The customer.
    pub(super) customer: Option<Named>,
    /// The contract.
    pub(super) contract: Option<Named>,
}

/// A meter that is added up over jobs.
#[derive(Debug, Clone)]
pub(super) struct Metered {
    /// Which quantities count.
    pub(super) pattern: Pattern,
    except: Vec<Pattern>,
    /// The terms that say which statuses are billed; without them every status counts.
    terms: Option<Terms>,
}

impl Metered {
    /// What a job counts, in base units; `None` when it does not count here at all.
    pub(super) fn amount(&self, status: &str, quantities: &[Quantity]) -> Option<i64> {
        let status = JobStatus::parse(status);
        if self.terms.as_ref().is_some_and(|terms| !terms.bills(status)) {
            return None;
        }
        let counts = |quantity: &&Quantity| {
            let matches = |pattern: &Pattern| pattern.matches(&quantity.meter, quantity.media.as_deref());
            matches(&self.pattern) && !self.except.iter().any(matches)
        };
        quantities.iter().filter(counts).map(|quantity| quantity.amount).reduce(i64::saturating_add)
    }
}

impl Filter {
    /// The address of `path` with this filter.
    pub(super) fn address(&self, path: &str, part: &str) -> String {
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        address::address(path, fields.chain([("page", part)]))
    }

    /// A field as the address gives it.
    pub(super) fn field(&self, name: &str) -> &str {
        text(&self.fields, name)
    }

    /// Whether the period has a start and an end.
    pub(super) fn edges(&self) -> (Option<Instant>, Option<Instant>) {
        let last = Instant(self.to.0.saturating_sub(1));
        ((self.from > EARLIEST).then_some(self.from), (self.to < LATEST).then_some(last))
    }
}

/// Checks what is asked for against the reseller's data. Another reseller's printer, customer or
/// contract is not found.
pub(super) fn resolve(tx: &mut Tx<'_>, scope: &ResellerScope, asked: &Asked) -> Result<Filter, Error> {
    let subject = Subject {
        printer: named(tx, scope, asked.printer, store::printer_name)?,
        customer: named(tx, scope, asked.customer, store::customer_name)?,
        contract: named(tx, scope, asked.contract, store::contract_name)?,
    };
    let shown = subject.printer.as_ref().or(subject.contract.as_ref()).or(subject.customer.as_ref());
    let zone = shown.and_then(|named| Zone::new(&named.zone)).unwrap_or_else(Zone::utc);
    let mut fields = asked.fields.clone();
    let (from, to) = period(tx, scope, asked, zone.time_zone(), &mut fields)?;
    let metered = metered(tx, scope, asked, from, text(&fields, "status"))?;
    let in_meter = |kind: fn(MeterKind) -> bool| metered.as_ref().is_some_and(|metered| kind(metered.pattern.meter));
    let own = |name: &str, taken: bool| if taken { String::new() } else { text(&fields, name).to_owned() };
    Ok(Filter {
        printer: asked.printer,
        customer: asked.customer,
        contract: asked.contract,
        kind: own("kind", false),
        status: own("status", false),
        category: own("category", in_meter(MeterKind::has_category)),
        media: own("media", metered.is_some()),
        from,
        to,
        part: asked.part,
        zone,
        subject,
        metered,
        fields,
    })
}

type Lookup = fn(&mut Tx<'_>, &ResellerScope, i64) -> Result<Option<Named>, DbError>;

fn named(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64, lookup: Lookup) -> Result<Option<Named>, Error> {
    if id == 0 {
        return Ok(None);
    }
    lookup(tx, scope, id)?.map(Some).ok_or(Error::NotFound)
}

/// The instants asked for. Without any, the last days up to the newest job; that start then stands in
/// the address.
fn period(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    asked: &Asked,
    zone: &TimeZone,
    fields: &mut Fields,
) -> Result<(Instant, Instant), Error> {
    let odd = |_| Error::Invalid("The dates are beyond the calendar.".to_owned());
    let mut start = asked.from;
    let open = asked.from.is_none() && asked.to.is_none() && asked.from_ms.is_none() && asked.to_ms.is_none();
    let newest = if open { store::newest(tx, scope, asked.printer)? } else { None };
    if let Some(newest) = newest {
        let first = Instant(newest.0.saturating_sub((DEFAULT_DAYS - 1) * 86_400_000));
        let timestamp = jiff::Timestamp::from_millisecond(first.0).map_err(odd)?;
        let day = zone.to_datetime(timestamp).date();
        fields.insert("from".to_owned(), day.to_string());
        start = Some(day);
    }
    let midnight = |day: Date| -> Result<Instant, Error> {
        let zoned = day.to_zoned(zone.clone()).map_err(odd)?;
        Ok(Instant(zoned.timestamp().as_millisecond()))
    };
    let from = match (asked.from_ms, start) {
        (Some(from), _) => from,
        (None, Some(day)) => midnight(day)?,
        (None, None) => EARLIEST,
    };
    let to = match (asked.to_ms, asked.to) {
        (Some(to), _) => to,
        (None, Some(day)) => midnight(day.tomorrow().map_err(odd)?)?,
        (None, None) => LATEST,
    };
    Ok((from.max(EARLIEST), to.min(LATEST)))
}

/// The meter asked for. In a contract, only the statuses that it bills count, unless one is named.
fn metered(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    asked: &Asked,
    from: Instant,
    status: &str,
) -> Result<Option<Metered>, Error> {
    let Some(pattern) = asked.pattern.clone() else { return Ok(None) };
    let terms = if asked.contract != 0 && status.is_empty() {
        store::terms(tx, scope, asked.contract, asked.version, from)?
    } else {
        None
    };
    Ok(Some(Metered { pattern, except: asked.except.clone(), terms }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Currency, Meter};

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn metered(pairs: &[(&str, &str)], terms: Option<Terms>) -> Metered {
        let asked = Asked::read(&fields(pairs)).expect("a good address");
        Metered { pattern: asked.pattern.expect("a meter"), except: asked.except, terms }
    }

    fn quantities() -> Vec<Quantity> {
        let quantity = |name: &str, media: Option<&str>, amount| Quantity {
            meter: Meter::parse(name).expect("a meter"),
            media: media.map(str::to_owned),
            amount,
        };
        vec![
            quantity("area-printed/mono-line", Some("Bond"), 60),
            quantity("area-printed/low-density", Some("Bond"), 30),
            quantity("jobs", Some("Bond"), 1),
        ]
    }

    #[test]
    fn a_line_counts_what_its_pattern_takes_and_earlier_prices_left() {
        let cases: &[(&[(&str, &str)], Option<i64>)] = &[
            (&[("meter", "area-printed")], Some(90)),
            (&[("meter", "area-printed"), ("category", "mono-line")], Some(60)),
            (&[("meter", "area-printed/mono-line@Bond")], Some(60)),
            (&[("meter", "area-printed"), ("except", "area-printed/mono-line")], Some(30)),
            (&[("meter", "area-printed"), ("media", "Film")], None),
            (&[("meter", "ink"), ("category", "mono-line")], None),
            (&[("meter", "jobs")], Some(1)),
        ];
        for (pairs, expected) in cases {
            assert_eq!(metered(pairs, None).amount("printed", &quantities()), *expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_contract_counts_only_the_statuses_it_bills() {
        let terms = Terms::new(Currency::parse("EUR").expect("known"), "UTC");
        let metered = metered(&[("meter", "jobs")], Some(terms));
        let counted = ["printed", "scanned", "unknown", "cancelled", "failed"]
            .map(|status| metered.amount(status, &quantities()).is_some());
        assert_eq!(counted, [true, true, true, false, false]);
    }

    #[test]
    fn an_odd_address_is_refused_with_words() {
        let read = |pairs: &[(&str, &str)]| Asked::read(&fields(pairs));
        assert!(matches!(read(&[("printer", "x")]), Err(Error::NotFound)));
        for pairs in [[("from", "31.10.2026")], [("to_ms", "soon")], [("meter", "volume")], [("except", "volume")]] {
            assert!(matches!(read(&pairs), Err(Error::Invalid(_))), "{pairs:?}");
        }
        assert!(read(&[("from", "2026-10-01"), ("unknown", "1")]).is_ok_and(|asked| asked.fields.len() == 1));
    }
}

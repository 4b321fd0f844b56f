//! What people say of counters, as facts of the ledger: why one broke, readings by hand, estimates, units.
//!
//! Facts are only added; what was said is withdrawn, with a name and a time, and stays. Deliberately absent:
//! which of these facts count, which the contract and `billing` say, and what only pages show (see
//! `page_store`). Who reads facts of printers or of a contract's printers has checked that the scope may see them;
//! who writes is checked here.

mod units;

pub(crate) use units::{
    Declaration, Subject, UnitlessFact, declarations, declare, unitless, withdraw as withdraw_unit,
};

use crate::agents::history::Stamp;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Row, Tx, params};
use crate::ledger::{Settled, keep_decisions, usual_daily};
use crate::readings::{begins, ends};
use crate::shell::ResellerScope;
use billing::{Decision, EstimateFact, Meter, Method, Period, ReadingFact, ReadingPoint, ReadingSource, SegmentReason};
use report::{Grade, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Who decided where no person did.
const BY_RULE: &str = "a rule of the contract";
/// Who says that a counter broke where another interface gives it, or where it rose oddly.
const BY_PORTAL: &str = "the portal";

const OWN: &str = "select printer_id, customer_id, reseller_id from printer";
const DECISIONS: &str = "select decision.printer_id, decision.meter, decision.media, decision.at, decision.reason,
    decision.counts_from, decision.width, decision.decided_at, person.name
    from segment_decision as decision
    left join person on person.reseller_id = decision.reseller_id and person.person_id = decision.person_id";
/// Those on printers that are in a contract in a period, and on breaks among the readings that are gathered for it:
/// of each counter, of a person or of its numbers without a unit after the last one at or before `$5` (before a fall
/// that came back only after `$5`, or before what was too high then), until the first one after the period's end (that
/// is not said to be too high), or until the counter was read last.
const OF_CONTRACT: &str = concat!(
    "where decision.reseller_id = $1
    and decision.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and (decision.at > coalesce((select max(own.read_at) from reading as own
            where own.reseller_id = decision.reseller_id and own.printer_id = decision.printer_id
            and own.meter = decision.meter and own.media = decision.media
            and own.read_at <= ",
    begins!("decision"),
    "), $5)
        or decision.at > coalesce((select max(hand.read_at) from hand_reading as hand
            where hand.reseller_id = decision.reseller_id and hand.printer_id = decision.printer_id
            and hand.meter = decision.meter and hand.media = decision.media and hand.withdrawn_at is null
            and hand.read_at <= $5), $5)
        or decision.at > coalesce((select max(bare.at) from unitless as bare
            where bare.reseller_id = decision.reseller_id and bare.printer_id = decision.printer_id
            and bare.subject = 'reading' and bare.key = '' and bare.version = 0 and bare.at <= $5), $5))
    and (decision.at <= coalesce(",
    ends!("decision"),
    ", (select min(own.read_at) from reading as own
            where own.reseller_id = decision.reseller_id and own.printer_id = decision.printer_id
            and own.meter = decision.meter and own.media = decision.media and own.read_at > $4),
            (select max(known.read_at) from counter as known
            where known.reseller_id = decision.reseller_id and known.printer_id = decision.printer_id
            and known.meter = decision.meter and known.media = decision.media), $4)
        or decision.at <= coalesce((select min(hand.read_at) from hand_reading as hand
            where hand.reseller_id = decision.reseller_id and hand.printer_id = decision.printer_id
            and hand.meter = decision.meter and hand.media = decision.media and hand.withdrawn_at is null
            and hand.read_at >= $4), $4)
        or decision.at <= coalesce((select min(bare.at) from unitless as bare
            where bare.reseller_id = decision.reseller_id and bare.printer_id = decision.printer_id
            and bare.subject = 'reading' and bare.key = '' and bare.version = 0 and bare.at >= $4), $4))"
);
/// Of each counter of the printers that are in a contract in a period, from the last reading at or before `$5` to
/// the first one at or after the period's end.
const HAND: &str = "select hand.printer_id, hand.reading_id, hand.meter, hand.media, hand.value, hand.read_at,
    hand.source, person.name
    from hand_reading as hand
    left join person on person.reseller_id = hand.reseller_id and person.person_id = hand.person_id
    where hand.reseller_id = $1
    and hand.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and hand.withdrawn_at is null
    and hand.read_at >= coalesce((select max(earlier.read_at) from hand_reading as earlier
        where earlier.reseller_id = hand.reseller_id and earlier.printer_id = hand.printer_id
        and earlier.meter = hand.meter and earlier.media = hand.media
        and earlier.withdrawn_at is null and earlier.read_at <= $5), $5)
    and hand.read_at <= coalesce((select min(later.read_at) from hand_reading as later
        where later.reseller_id = hand.reseller_id and later.printer_id = hand.printer_id
        and later.meter = hand.meter and later.media = hand.media
        and later.withdrawn_at is null and later.read_at >= $4), $4)";
/// Of printers that are in a contract in a period: those that begin by its end.
const ESTIMATES: &str = "select made.printer_id, made.estimate_id, made.meter, made.media, made.start_at, made.end_at,
    made.quantity, made.method, made.basis, person.name
    from estimate as made
    left join person on person.reseller_id = made.reseller_id and person.person_id = made.person_id
    where made.reseller_id = $1
    and made.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and made.withdrawn_at is null and made.start_at <= $4";
const COUNTERS: &str = "select printer_id, meter, media, segment, value, read_at, opened_at, opened_value, reseller_id
    from counter";
/// When something was said last of a printer that is or was in a contract, or of the units of any model.
const TOUCHED: &str = "select max(said.moment) from (
    select max(decision.decided_at) as moment from segment_decision as decision
        where decision.reseller_id = $1 and decision.printer_id in (select stay.printer_id
            from contract_printer as stay where stay.reseller_id = $1 and stay.contract_id = $2)
    union all select max(case when hand.withdrawn_at > hand.entered_at then hand.withdrawn_at
            else hand.entered_at end) from hand_reading as hand
        where hand.reseller_id = $1 and hand.printer_id in (select stay.printer_id
            from contract_printer as stay where stay.reseller_id = $1 and stay.contract_id = $2)
    union all select max(case when made.withdrawn_at > made.made_at then made.withdrawn_at
            else made.made_at end) from estimate as made
        where made.reseller_id = $1 and made.printer_id in (select stay.printer_id
            from contract_printer as stay where stay.reseller_id = $1 and stay.contract_id = $2)
    union all select max(case when unit.withdrawn_at > unit.declared_at then unit.withdrawn_at
            else unit.declared_at end) from declared_unit as unit where unit.reseller_id = $1
    ) as said";
const HAND_READING: Bulk = Bulk {
    table: "hand_reading",
    columns: &[
        ("reseller_id", Kind::Int),
        ("reading_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("value", Kind::Int),
        ("read_at", Kind::Int),
        ("source", Kind::Text),
        ("entered_at", Kind::Int),
        ("person_id", Kind::Int),
        ("note", Kind::Text),
        ("odd", Kind::Text),
    ],
    key: 2,
    on_conflict: "do nothing",
};
const WITHDRAW_READING: &str = "update hand_reading set withdrawn_at = $3, withdrawn_by = $4
    where reseller_id = $1 and reading_id = $2 and withdrawn_at is null";
/// What a customer withdraws a customer entered, for one of its own printers.
const WITHDRAW_OWN_READING: &str = "update hand_reading set withdrawn_at = $3, withdrawn_by = $4
    where reseller_id = $1 and reading_id = $2 and withdrawn_at is null and source = 'customer'
    and printer_id in (select printer.printer_id from printer
        where printer.reseller_id = $1 and printer.customer_id = $5)";
const ESTIMATE: &str = "insert into estimate (reseller_id, estimate_id, printer_id, meter, media, start_at, end_at,
    quantity, method, basis, made_at, person_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const REPLACE_ESTIMATE: &str = "update estimate set withdrawn_at = $7
    where reseller_id = $1 and printer_id = $2 and meter = $3 and media = $4 and start_at = $5 and end_at = $6
    and withdrawn_at is null";

/// The keys of a query over printers of a reseller, each once.
fn keys(scope: &ResellerScope, printers: &[i64]) -> Vec<Vec<Param>> {
    let printers: BTreeSet<i64> = printers.iter().copied().collect();
    printers.into_iter().map(|printer| params![scope.reseller_id(), printer].to_vec()).collect()
}

/// Whether all these printers are the scope's.
fn owns(tx: &mut Tx<'_>, scope: &ResellerScope, printers: &[i64]) -> Result<bool, DbError> {
    let wanted = keys(scope, printers);
    let found = tx.query_any(OWN, &["reseller_id", "printer_id"], &wanted, |row| Ok((row.int(0)?, row.int(1)?)))?;
    let is_own = |customer: i64| scope.customer_id().is_none_or(|own| own == customer);
    let own: BTreeSet<i64> =
        found.into_iter().filter(|(_, customer)| is_own(*customer)).map(|(printer, _)| printer).collect();
    Ok(own.len() == wanted.len())
}

fn meter(row: &Row, column: usize) -> Result<Meter, DbError> {
    Meter::parse(&row.text(column)?).map_err(|error| DbError::Unfit(error.to_string()))
}

fn media(row: &Row, column: usize) -> Result<Option<String>, DbError> {
    Ok(Some(row.text(column)?).filter(|media| !media.is_empty()))
}

fn stored(media: Option<&str>) -> &str {
    media.unwrap_or("")
}

fn by_printer<T>(found: Vec<(i64, T)>) -> BTreeMap<i64, Vec<T>> {
    let mut of_printer: BTreeMap<i64, Vec<T>> = BTreeMap::new();
    for (printer, fact) in found {
        of_printer.entry(printer).or_default().push(fact);
    }
    of_printer
}

/// Every decision on breaks of these printers' counters, the oldest first. One that was taken back is among
/// them: the later decision that says so follows.
pub(crate) fn decisions(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printers: &[i64],
) -> Result<BTreeMap<i64, Vec<Decision>>, DbError> {
    let columns = ["decision.reseller_id", "decision.printer_id"];
    Ok(decided(tx.query_any(DECISIONS, &columns, &keys(scope, printers), decision)?))
}

/// The same for the printers that are in a contract in a period, as far as the readings of the period reach, with
/// the last ones at or before `from`.
pub(crate) fn decisions_of(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    from: Instant,
) -> Result<BTreeMap<i64, Vec<Decision>>, DbError> {
    let asked = params![scope.reseller_id(), contract_id, period.start, period.end, from];
    Ok(decided(tx.query(&format!("{DECISIONS} {OF_CONTRACT}"), asked, decision)?))
}

/// A decision with its printer.
fn decision(row: &Row) -> Result<(i64, Decision), DbError> {
    let wanted = DbError::Shape { column: 4, wanted: "why a segment was opened" };
    let reason = SegmentReason::parse(&row.text(4)?).ok_or(wanted)?;
    let is_held = matches!(reason, SegmentReason::Interface | SegmentReason::Rise);
    let nobody = if is_held { BY_PORTAL } else { BY_RULE };
    let decision = Decision {
        meter: meter(row, 1)?,
        media: media(row, 2)?,
        at: Instant(row.int(3)?),
        reason,
        counts_from: row.opt_int(5)?,
        width: row.opt_int(6)?,
        by: row.opt_text(8)?.unwrap_or_else(|| nobody.to_owned()),
        decided_at: Instant(row.int(7)?),
    };
    Ok((row.int(0)?, decision))
}

/// Decisions by printer, the oldest first.
fn decided(mut found: Vec<(i64, Decision)>) -> BTreeMap<i64, Vec<Decision>> {
    found.sort_by(|(_, a), (_, b)| {
        (a.decided_at, a.at, &a.meter, &a.media).cmp(&(b.decided_at, b.at, &b.meter, &b.media))
    });
    by_printer(found)
}

/// A reading that a person entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entered {
    /// Its id.
    pub(crate) reading_id: i64,
    /// What it says.
    pub(crate) fact: ReadingFact,
    /// Who entered it.
    pub(crate) by: String,
}

/// The readings by hand, of the printers that are in a contract in a period, that were not withdrawn, by time: of
/// each counter from its last one at or before `from` to its first one at or after the period's end.
pub(crate) fn hand_readings(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    from: Instant,
) -> Result<BTreeMap<i64, Vec<Entered>>, DbError> {
    let asked = params![scope.reseller_id(), contract_id, period.start, period.end, from];
    let found = tx.query(HAND, asked, |row| {
        let source = ReadingSource::parse(&row.text(6)?).ok_or(DbError::Shape { column: 6, wanted: "a source" })?;
        let fact = ReadingFact {
            meter: meter(row, 2)?,
            media: media(row, 3)?,
            value: row.int(4)?,
            read_at: Instant(row.int(5)?),
            grade: Grade::C,
            source,
        };
        let entered = Entered { reading_id: row.int(1)?, fact, by: row.opt_text(7)?.unwrap_or_default() };
        Ok((row.int(0)?, entered))
    })?;
    // Of several at one instant before the start, only the last one counts.
    let whole = Period { start: from, ..period };
    let of_printer = by_printer(found).into_iter();
    Ok(of_printer.map(|(printer, entered)| (printer, around(entered, whole))).collect())
}

/// Of each counter the readings in the period, the last one before it and the first one after it.
fn around(mut entered: Vec<Entered>, period: Period) -> Vec<Entered> {
    let counter = |entered: &Entered| (entered.fact.meter.clone(), entered.fact.media.clone());
    entered.sort_by_cached_key(|entered| (counter(entered), entered.fact.read_at, entered.reading_id));
    let mut kept: Vec<Entered> = Vec::with_capacity(entered.len());
    for of_counter in entered.chunk_by(|a, b| counter(a) == counter(b)) {
        let first = of_counter.partition_point(|entered| entered.fact.read_at <= period.start).saturating_sub(1);
        let after = of_counter.partition_point(|entered| entered.fact.read_at < period.end);
        let last = after.saturating_add(1).min(of_counter.len());
        kept.extend(of_counter.get(first..last).unwrap_or_default().iter().cloned());
    }
    kept.sort_by_key(|entered| (entered.fact.read_at, entered.reading_id));
    kept
}

/// An estimate that stands for missing readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Estimated {
    /// Its id.
    pub(crate) estimate_id: i64,
    /// What it says.
    pub(crate) fact: EstimateFact,
    /// Who had it made.
    pub(crate) by: String,
}

/// The estimates of the printers that are in a contract in a period, that were not withdrawn and begin by its end.
pub(crate) fn estimates(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<BTreeMap<i64, Vec<Estimated>>, DbError> {
    let asked = params![scope.reseller_id(), contract_id, period.start, period.end];
    let mut standing = tx.query(ESTIMATES, asked, |row| {
        let span = Period::new(Instant(row.int(4)?), Instant(row.int(5)?));
        let fact = EstimateFact {
            meter: meter(row, 2)?,
            media: media(row, 3)?,
            span: span.map_err(|error| DbError::Unfit(error.to_string()))?,
            quantity: row.int(6)?,
            method: Method::parse(&row.text(7)?).ok_or(DbError::Shape { column: 7, wanted: "a method" })?,
            basis: row.text(8)?,
        };
        let by = row.opt_text(9)?.unwrap_or_else(|| BY_RULE.to_owned());
        Ok((row.int(0)?, Estimated { estimate_id: row.int(1)?, fact, by }))
    })?;
    standing.sort_by_key(|(_, estimated)| (estimated.fact.span, estimated.estimate_id));
    Ok(by_printer(standing))
}

/// The last value of a counter that its printer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastValue {
    /// What it counts.
    pub(crate) meter: Meter,
    /// The media type, for counters by media.
    pub(crate) media: Option<String>,
    /// When it was read, and its value. Its grade is not known here and stands as C.
    pub(crate) point: ReadingPoint,
    /// The first reading of its open segment, where that is known.
    pub(crate) first: Option<(Instant, i64)>,
    /// What it usually counts in a day, base units; `None` before it was watched for a day.
    pub(crate) usual_daily: Option<i64>,
}

/// The last value of each counter of these printers.
pub(crate) fn last_values(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printers: &[i64],
) -> Result<BTreeMap<i64, Vec<LastValue>>, DbError> {
    let found = tx.query_any(COUNTERS, &["reseller_id", "printer_id"], &keys(scope, printers), |row| {
        let (value, read_at) = (row.int(4)?, Instant(row.int(5)?));
        let segment = u32::try_from(row.int(3)?).unwrap_or(u32::MAX);
        let first = row.opt_int(6)?.map(Instant).zip(row.opt_int(7)?);
        let last = LastValue {
            meter: meter(row, 1)?,
            media: media(row, 2)?,
            point: ReadingPoint { segment, value, read_at, grade: Grade::C, source: ReadingSource::Printer },
            first,
            usual_daily: first.and_then(|first| usual_daily(first, (read_at, value))),
        };
        Ok((row.int(0)?, last))
    })?;
    Ok(by_printer(found))
}

/// When what people, or a rule, say of the printers that are or were in a contract changed last: a decision, a
/// reading by hand or an estimate, made or withdrawn; or a unit that was declared for any model.
pub(crate) fn touched(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Option<Instant>, DbError> {
    let asked = params![scope.reseller_id(), contract_id];
    Ok(tx.query_opt(TOUCHED, asked, |row| row.opt_int(0))?.flatten().map(Instant))
}

/// Keeps a decision on a break. `decision.by` is not kept, `by` is; it was decided at the stamp's time.
/// `false` where the printer is not the scope's. That readings were too high before a fall is for [`decide_all`].
pub(crate) fn decide(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    decision: &Decision,
    note: &str,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    decide_all(tx, scope, &[(printer_id, decision.clone(), stamp.id)], None, note, by, stamp.at)
}

/// Keeps decisions, each with its printer and a new id; all or none. `since` is when the first of the readings was
/// made that were too high before a fall: a period with an edge among them needs them all.
pub(crate) fn decide_all(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    decisions: &[(i64, Decision, i64)],
    since: Option<Instant>,
    note: &str,
    by: Option<i64>,
    now: Instant,
) -> Result<bool, DbError> {
    let printers: Vec<i64> = decisions.iter().map(|(printer, ..)| *printer).collect();
    if !owns(tx, scope, &printers)? {
        return Ok(false);
    }
    let settled = |(printer, decision, id): &(i64, Decision, i64)| Settled {
        reseller: scope.reseller_id(),
        id: *id,
        printer: *printer,
        meter: decision.meter.to_string(),
        media: stored(decision.media.as_deref()).to_owned(),
        at: decision.at,
        reason: decision.reason,
        counts_from: decision.counts_from,
        width: decision.width,
        note: note.to_owned(),
        decided_at: now,
        person: by,
        since: since.filter(|_| decision.reason == SegmentReason::Spike),
    };
    keep_decisions(tx, &decisions.iter().map(settled).collect::<Vec<_>>())?;
    Ok(true)
}

/// A reading that a person enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandReading {
    /// Whose counter.
    pub(crate) printer_id: i64,
    /// What it counts.
    pub(crate) meter: Meter,
    /// The media type, for counters by media.
    pub(crate) media: Option<String>,
    /// What it shows, in the meter's base unit.
    pub(crate) value: i64,
    /// When it was read.
    pub(crate) read_at: Instant,
    /// Manual, customer or opening.
    pub(crate) source: ReadingSource,
    /// What the person says of it.
    pub(crate) note: String,
    /// What is odd about it, in words; empty where nothing is.
    pub(crate) odd: String,
}

/// Keeps readings that a person enters, each with a new id; all or none. `false` where a printer is not the
/// scope's.
pub(crate) fn enter(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    readings: &[(HandReading, i64)],
    by: i64,
    now: Instant,
) -> Result<bool, DbError> {
    let printers: Vec<i64> = readings.iter().map(|(reading, _)| reading.printer_id).collect();
    if !owns(tx, scope, &printers)? {
        return Ok(false);
    }
    let row = |(reading, id): &(HandReading, i64)| {
        let HandReading { printer_id, meter, media, value, read_at, source, note, odd } = reading;
        let (meter, media) = (meter.to_string(), stored(media.as_deref()));
        let (reseller, source) = (scope.reseller_id(), source.word());
        params![reseller, *id, *printer_id, meter, media, *value, *read_at, source, now, by, note, odd].to_vec()
    };
    HAND_READING.insert(tx, &readings.iter().map(row).collect::<Vec<_>>())?;
    Ok(true)
}

/// Withdraws a reading that a person entered; `false` where there is none that stands. A customer withdraws
/// only what was entered by the customer.
pub(crate) fn withdraw_reading(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    reading_id: i64,
    by: i64,
    now: Instant,
) -> Result<bool, DbError> {
    let reseller = scope.reseller_id();
    let changed = match scope.customer_id() {
        Some(customer) => tx.execute(WITHDRAW_OWN_READING, params![reseller, reading_id, now, by, customer])?,
        None => tx.execute(WITHDRAW_READING, params![reseller, reading_id, now, by])?,
    };
    Ok(changed > 0)
}

/// Keeps an estimate; one that stands for the same counter and time is withdrawn. `by` is `None` where the
/// contract's rule made it. The caller has checked that the printer is the scope's.
pub(crate) fn keep_estimate(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    estimate: &EstimateFact,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<(), DbError> {
    let EstimateFact { meter, media, span, quantity, method, basis } = estimate;
    let (reseller, meter, media) = (scope.reseller_id(), meter.to_string(), stored(media.as_deref()));
    let same = params![reseller, printer_id, &meter, media, span.start, span.end, stamp.at];
    tx.execute(REPLACE_ESTIMATE, same)?;
    tx.execute(
        ESTIMATE,
        params![
            reseller,
            stamp.id,
            printer_id,
            &meter,
            media,
            span.start,
            span.end,
            *quantity,
            method.word(),
            basis,
            stamp.at,
            by
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Db;

    fn entered(id: i64, meter: &str, read_at: i64) -> Entered {
        let fact = ReadingFact {
            meter: Meter::parse(meter).expect("a meter"),
            media: None,
            value: id,
            read_at: Instant(read_at),
            grade: Grade::C,
            source: ReadingSource::Manual,
        };
        Entered { reading_id: id, fact, by: "Ada".to_owned() }
    }

    /// Runs a statement; instants and ids are small numbers.
    fn run(db: &Db, sql: &str, values: &[Param]) {
        let done: Result<u64, DbError> = db.write_now(|tx| tx.execute(sql, values));
        done.expect("written");
    }

    #[test]
    fn a_period_asks_for_the_decisions_among_its_readings_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&crate::Target::Sqlite(folder.path().join("portal.sqlite"))).expect("opens");
        let stay = "insert into contract_printer (reseller_id, contract_id, printer_id, from_at) values ($1, 2, 3, $2)";
        run(&db, stay, params![1_i64, 0_i64]);
        for (sequence, at) in [(1_i64, 10_i64), (2, 90), (3, 150), (4, 210), (5, 300)] {
            let reading =
                "insert into reading (reseller_id, printer_id, meter, media, read_at, agent_id, segment, value,
                grade, sequence, record) values ($1, 3, 'pages', '', $2, 'a', 1, 5, 'B', $3, 0)";
            run(&db, reading, params![1_i64, at, sequence]);
        }
        for at in [10_i64, 90, 91, 150, 210, 211, 300] {
            let decision = "insert into segment_decision (reseller_id, decision_id, printer_id, meter, media, at,
                reason, note, decided_at) values ($1, $2, 3, 'pages', '', $2, 'reset', '', 400)";
            run(&db, decision, params![1_i64, at]);
        }
        let period = Period::new(Instant(100), Instant(200)).expect("a period");
        let scope = ResellerScope::of_new_reseller(1);
        let found: Result<_, DbError> = db.read_now(|tx| decisions_of(tx, &scope, 2, period, Instant(95)));
        let of_printer = found.expect("read").remove(&3).unwrap_or_default();
        let ats: Vec<i64> = of_printer.iter().map(|decision| decision.at.0).collect();
        // The reading of 90 stands for the start, that of 210 for the end.
        assert_eq!(ats, [91, 150, 210]);
    }

    #[test]
    fn readings_around_a_period_are_those_that_its_edges_need() {
        let period = Period::new(Instant(100), Instant(200)).expect("a period");
        let of = |times: &[i64]| {
            let all = (1..).zip(times).map(|(id, at)| entered(id, "pages", *at)).collect();
            around(all, period).iter().map(|entered| entered.fact.read_at.0).collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), [0; 0]);
        assert_eq!(of(&[10, 90, 100, 150, 199, 200, 201, 250]), [100, 150, 199, 200]);
        assert_eq!(of(&[10, 90, 150, 250, 300]), [90, 150, 250]);
        assert_eq!(of(&[250, 300]), [250]);
        assert_eq!(of(&[10, 20]), [20]);
        let two = around(vec![entered(1, "pages", 10), entered(2, "jobs", 5), entered(3, "jobs", 8)], period);
        assert_eq!(two.iter().map(|entered| entered.reading_id).collect::<Vec<_>>(), [3, 1]);
    }
}

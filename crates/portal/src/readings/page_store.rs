//! What the pages about readings list: printers with their counters, breaks that wait for somebody, what people
//! entered, and numbers without a unit.
//!
//! Deliberately absent: what rating reads of decisions, readings and units, and writing them, which `store` does
//! for every caller.

use super::{decided, last_before, store, waits};
use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::printer;
use billing::{Meter, ReadingPoint, ReadingSource, SegmentReason};
use report::{Grade, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Decisions, odd readings and the like that a page shows, of each.
const SHOWN_MAX: i64 = 50;
/// Printers that an import can name.
const PRINTERS_MAX: i64 = 100_000;
/// Readings of people that are looked at for one customer.
const HAND_MAX: i64 = 20_000;

/// A printer with its customer, as these pages name it.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) printer_id: i64,
    pub(super) serial: String,
    pub(super) label: String,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    /// The IANA name of the customer's zone.
    pub(super) zone: String,
}

/// The columns of [`Machine`], from the tables `printer` and `customer`.
macro_rules! machine {
    () => {
        "printer.printer_id, printer.serial, printer.product_name, printer.product_number, printer.nickname,
        customer.customer_id, customer.name, customer.time_zone"
    };
}

/// The first column after those of [`machine!`].
const AFTER_MACHINE: usize = 8;

fn machine(row: &Row) -> Result<Machine, DbError> {
    let (serial, nickname) = (row.text(1)?, row.opt_text(4)?);
    let (name, number) = (row.opt_text(2)?, row.opt_text(3)?);
    Ok(Machine {
        printer_id: row.int(0)?,
        label: printer::label(nickname.as_deref(), name.as_deref(), number.as_deref(), &serial),
        serial,
        customer_id: row.int(5)?,
        customer: row.text(6)?,
        zone: row.text(7)?,
    })
}

mod jumps;
mod others;
mod people;
#[cfg(test)]
mod samples;
mod units;

pub(super) use jumps::{Inner, Jump, inside, too_high, with_jump};
pub(super) use others::{Other, all as other_counters, follow as follow_other, said as other_said};
pub(super) use people::{one as one_of_people, waiting as waiting_of_people};
pub(super) use units::{Declared, Example, Group, LastNumber, declared, examples, groups, last_numbers, row_of};

const MACHINES: &str = concat!(
    "select ",
    machine!(),
    " from printer
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 and printer.customer_id = $2
      and (printer.printer_id = $3 or cast($3 as bigint) = 0)
    order by printer.serial, printer.printer_id limit $4 offset $5"
);
const MACHINE_COUNT: &str = "select count(*) from printer where printer.reseller_id = $1 and printer.customer_id = $2
    and (printer.printer_id = $3 or cast($3 as bigint) = 0)";

/// `most` printers of a customer after the first `skipped`, by serial number, and how many there are; `only` is
/// the one printer that is wanted, 0 for all.
pub(super) fn machines(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (customer_id, only): (i64, i64),
    (most, skipped): (i64, i64),
) -> Result<(Vec<Machine>, i64), DbError> {
    let reseller = scope.reseller_id();
    let found = tx.query(MACHINES, params![reseller, customer_id, only, most, skipped], machine)?;
    Ok((found, tx.count(MACHINE_COUNT, params![reseller, customer_id, only])?))
}

const MACHINE: &str = concat!(
    "select ",
    machine!(),
    " from printer
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 and printer.printer_id = $2"
);

/// One printer; another reseller's, or another customer's for a customer's own people, is not found.
pub(super) fn one_machine(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Option<Machine>, DbError> {
    let found = tx.query_opt(MACHINE, params![scope.reseller_id(), printer_id], machine)?;
    Ok(found.filter(|machine| scope.customer_id().is_none_or(|own| own == machine.customer_id)))
}

const IDS: &str = "select printer_id from printer where reseller_id = $1 and customer_id = $2";

/// The ids of a customer's printers.
pub(super) fn ids_of_customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
) -> Result<BTreeSet<i64>, DbError> {
    Ok(tx.query(IDS, params![scope.reseller_id(), customer_id], |row| row.int(0))?.into_iter().collect())
}

const ALL_MACHINES: &str = concat!(
    "select ",
    machine!(),
    " from printer
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 order by printer.serial, printer.printer_id limit $2"
);

/// Every printer of the reseller by its serial number; two customers may have the same number.
pub(super) fn by_serial(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<BTreeMap<String, Vec<Machine>>, DbError> {
    let mut found: BTreeMap<String, Vec<Machine>> = BTreeMap::new();
    for machine in tx.query(ALL_MACHINES, params![scope.reseller_id(), PRINTERS_MAX], machine)? {
        found.entry(machine.serial.clone()).or_default().push(machine);
    }
    Ok(found)
}

const CUSTOMERS: &str = "select customer_id, name from customer
    where reseller_id = $1 order by lower(name), customer_id limit 1000";

/// The customers to choose from: id and name.
pub(super) fn customers(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(CUSTOMERS, params![scope.reseller_id()], |row| Ok((row.int(0)?, row.text(1)?)))
}

const CUSTOMER: &str = "select name, time_zone from customer where reseller_id = $1 and customer_id = $2";

/// A customer's name and zone.
pub(super) fn customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
) -> Result<Option<(String, String)>, DbError> {
    tx.query_opt(CUSTOMER, params![scope.reseller_id(), customer_id], |row| Ok((row.text(0)?, row.text(1)?)))
}

/// What is known of a counter before somebody reads it by hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Its last reading, of the printer or of a person.
    pub(super) last: Option<ReadingPoint>,
    /// What it usually counts in a day, base units.
    pub(super) usual_daily: Option<i64>,
}

/// Counters that are not split by media, by printer and meter.
pub(super) type Counters = BTreeMap<(i64, Meter), Known>;

const HAND: &str = "select hand_reading.printer_id, hand_reading.meter, hand_reading.value, hand_reading.read_at,
        hand_reading.source
    from hand_reading
    join printer on printer.reseller_id = hand_reading.reseller_id and printer.printer_id = hand_reading.printer_id
    where hand_reading.reseller_id = $1 and printer.customer_id = $2 and hand_reading.media = ''
      and hand_reading.withdrawn_at is null
    order by hand_reading.read_at desc, hand_reading.reading_id desc limit $3";

/// The counters of some of a customer's printers: what they showed last, whoever read it, and what they
/// usually count.
pub(super) fn counters(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    printers: &[i64],
) -> Result<Counters, DbError> {
    let mut counters = Counters::new();
    for (printer, values) in store::last_values(tx, scope, printers)? {
        for value in values.into_iter().filter(|value| value.media.is_none()) {
            let known = Known { last: Some(value.point), usual_daily: value.usual_daily };
            counters.insert((printer, value.meter), known);
        }
    }
    let mut by_counter: BTreeMap<(i64, Meter), Vec<ReadingPoint>> = BTreeMap::new();
    let read = tx.query(HAND, params![scope.reseller_id(), customer_id, HAND_MAX], |row| {
        let (value, read_at, source) = (row.int(2)?, Instant(row.int(3)?), source(row, 4)?);
        Ok((row.int(0)?, row.text(1)?, ReadingPoint { segment: 1, value, read_at, grade: Grade::C, source }))
    })?;
    for (printer, meter, point) in read.into_iter().filter(|(printer, ..)| printers.contains(printer)) {
        if let Ok(meter) = Meter::parse(&meter) {
            by_counter.entry((printer, meter)).or_default().push(point);
        }
    }
    for (key, points) in by_counter {
        let Some(latest) = points.first() else { continue };
        let known = counters.entry(key).or_default();
        if known.usual_daily.is_none() {
            known.usual_daily = points.get(1).and_then(|before| daily(before, latest));
        }
        if known.last.is_none_or(|last| last.read_at < latest.read_at) {
            known.last = Some(*latest);
        }
    }
    Ok(counters)
}

/// What a counter rose by in a day between two readings; `None` where less than a day lies between them.
fn daily(before: &ReadingPoint, after: &ReadingPoint) -> Option<i64> {
    let (by, within) = (after.value.checked_sub(before.value)?, after.read_at.since(before.read_at).0);
    let daily = i128::from(by) * i128::from(DAY) / i128::from(within.max(1));
    i64::try_from(daily).ok().filter(|_| by >= 0 && within >= DAY)
}

fn source(row: &Row, column: usize) -> Result<ReadingSource, DbError> {
    ReadingSource::parse(&row.text(column)?).ok_or(DbError::Shape { column, wanted: "the source of a reading" })
}

const SAME: &str = "select printer_id, meter, media, value, read_at from hand_reading
    where reseller_id = $1 and entered_at >= $2 and withdrawn_at is null limit $3";
const OPENING: &str = "select printer_id, meter, media, value, read_at from hand_reading
    where reseller_id = $1 and source = 'opening' and withdrawn_at is null limit $2";

/// A reading as two of them are compared: printer, meter, media, value, time.
pub(super) type Same = (i64, String, String, i64, Instant);

fn same(row: &Row) -> Result<Same, DbError> {
    Ok((row.int(0)?, row.text(1)?, row.text(2)?, row.int(3)?, Instant(row.int(4)?)))
}

/// What people entered since `since`, so that a form that is sent twice counts once.
pub(super) fn entered_since(tx: &mut Tx<'_>, scope: &ResellerScope, since: Instant) -> Result<BTreeSet<Same>, DbError> {
    Ok(tx.query(SAME, params![scope.reseller_id(), since, HAND_MAX], same)?.into_iter().collect())
}

/// The opening readings there are.
pub(super) fn openings(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<BTreeSet<Same>, DbError> {
    Ok(tx.query(OPENING, params![scope.reseller_id(), PRINTERS_MAX], same)?.into_iter().collect())
}

/// A counter that did not go on from its last value.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) machine: Machine,
    /// The meter's name; one that this version does not know stays as it is.
    pub(super) meter: String,
    /// Empty for a counter that is not split by media.
    pub(super) media: String,
    /// When the first value after the break was read.
    pub(super) at: Instant,
    pub(super) before: Option<i64>,
    pub(super) after: i64,
    /// When the last value before the break was read.
    pub(super) before_at: Option<Instant>,
    /// Whether the value fell, rose oddly after a break, or another interface of the printer gave it.
    pub(super) reason: SegmentReason,
    /// What speaks for what, in words; may be empty.
    pub(super) note: String,
    /// The interfaces before and after, where another one gave it; else empty.
    pub(super) sources: (String, String),
    /// Of a fall the instant of the rise back, of such a rise that of the fall: what is said of one as misread
    /// holds for both.
    pub(super) pair: Option<Instant>,
    /// The jump that a fall takes back, where it does and [`with_jump`] looked.
    pub(super) jump: Option<Jump>,
    /// What was decided last, if anything was.
    pub(super) decided: Option<SegmentReason>,
    /// Whether a person read the value after it, or declared its unit: it can be misread though no segment says
    /// that the value came back.
    pub(super) is_of_people: bool,
}

/// A break with its printer, up to its own conditions.
macro_rules! broken {
    () => {
        concat!(
            "select ",
            machine!(),
            ", segment.meter, segment.media, segment.opened_at, segment.value_before, segment.value_after, ",
            last_before!(),
            ", segment.reason, segment.note, segment.source_before, segment.source_after, segment.dip_at,
            (select rise.opened_at from segment as rise
                where rise.reseller_id = segment.reseller_id and rise.printer_id = segment.printer_id
                  and rise.meter = segment.meter and rise.media = segment.media
                  and rise.segment > segment.segment and rise.dip_at = segment.opened_at
                order by rise.segment limit 1), ",
            decided!("decided.reason"),
            " from segment
            join printer on printer.reseller_id = segment.reseller_id and printer.printer_id = segment.printer_id
            join customer on customer.reseller_id = printer.reseller_id
                and customer.customer_id = printer.customer_id
            where segment.reseller_id = $1 and segment.reason in ('decrease', 'interface', 'rise') "
        )
    };
}

fn broken(row: &Row) -> Result<Broken, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    let wanted = DbError::Shape { column: FIRST + 6, wanted: "why a segment was opened" };
    Ok(Broken {
        machine: machine(row)?,
        meter: row.text(FIRST)?,
        media: row.text(FIRST + 1)?,
        at: Instant(row.int(FIRST + 2)?),
        before: row.opt_int(FIRST + 3)?,
        after: row.int(FIRST + 4)?,
        before_at: row.opt_int(FIRST + 5)?.map(Instant),
        reason: SegmentReason::parse(&row.text(FIRST + 6)?).ok_or(wanted)?,
        note: row.text(FIRST + 7)?,
        sources: (row.text(FIRST + 8)?, row.text(FIRST + 9)?),
        pair: row.opt_int(FIRST + 10)?.or(row.opt_int(FIRST + 11)?).map(Instant),
        jump: None,
        decided: row.opt_text(FIRST + 12)?.as_deref().and_then(SegmentReason::parse),
        is_of_people: false,
    })
}

const PENDING: &str = concat!(
    broken!(),
    "and (segment.printer_id = $2 or cast($2 as bigint) = 0) and ",
    waits!(),
    " order by segment.opened_at desc, segment.printer_id, segment.meter, segment.media limit $3 offset $4"
);
const PENDING_COUNT: &str = concat!(
    "select count(*) from segment where segment.reseller_id = $1
    and (segment.printer_id = $2 or cast($2 as bigint) = 0) and ",
    waits!()
);

/// `most` breaks that wait for somebody after the first `skipped`, newest first, and how many there are;
/// `printer_id` is the one printer that is wanted, 0 for all.
pub(super) fn pending(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (most, skipped): (i64, i64),
) -> Result<(Vec<Broken>, i64), DbError> {
    let reseller = scope.reseller_id();
    let found = tx.query(PENDING, params![reseller, printer_id, most, skipped], broken)?;
    Ok((found, tx.count(PENDING_COUNT, params![reseller, printer_id])?))
}

const BREAK: &str = concat!(
    broken!(),
    "and segment.printer_id = $2 and segment.meter = $3 and segment.media = $4 and segment.opened_at = $5"
);

/// The break of a counter whose first reading was made at `at`, whether it waits or not.
pub(super) fn one_break(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (meter, media): (&str, &str),
    at: Instant,
) -> Result<Option<Broken>, DbError> {
    tx.query_opt(BREAK, params![scope.reseller_id(), printer_id, meter, media, at], broken)
}

/// A decision that was made, with its printer.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) machine: Machine,
    pub(super) meter: String,
    pub(super) media: String,
    pub(super) at: Instant,
    pub(super) reason: SegmentReason,
    pub(super) note: String,
    pub(super) decided_at: Instant,
    /// `None`: a rule of the contract.
    pub(super) by: Option<String>,
    /// Whether no later decision on the same instant took its place.
    pub(super) holds: bool,
    /// Whether it takes earlier ones back.
    pub(super) is_taken_back: bool,
}

/// Where the portal itself says that another interface gave it, or that it rose oddly, it only opens the break:
/// nobody has said anything yet.
const DECIDED: &str = concat!(
    "select ",
    machine!(),
    ", decision.meter, decision.media, decision.at, decision.reason, decision.note, decision.decided_at,
        decision.person_id, person.name,
        (select count(*) from segment_decision as later
            where later.reseller_id = decision.reseller_id and later.printer_id = decision.printer_id
              and later.meter = decision.meter and later.media = decision.media and later.at = decision.at
              and (later.decided_at > decision.decided_at
                   or (later.decided_at = decision.decided_at and later.decision_id > decision.decision_id))),
        decision.counts_from
    from segment_decision as decision
    join printer on printer.reseller_id = decision.reseller_id and printer.printer_id = decision.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    left join person on person.person_id = decision.person_id
    where decision.reseller_id = $1 and (decision.printer_id = $2 or cast($2 as bigint) = 0)
      and (decision.reason not in ('interface', 'rise') or decision.counts_from is not null
           or decision.person_id is not null)
    order by decision.decided_at desc, decision.decision_id desc limit $3"
);

/// The latest decisions, newest first; `printer_id` is the one printer that is wanted, 0 for all.
pub(super) fn decided(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Decided>, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    tx.query(DECIDED, params![scope.reseller_id(), printer_id, SHOWN_MAX], |row| {
        let wanted = DbError::Shape { column: FIRST + 3, wanted: "why a segment was opened" };
        let person = row.opt_int(FIRST + 6)?;
        let reason = SegmentReason::parse(&row.text(FIRST + 3)?).ok_or(wanted)?;
        Ok(Decided {
            machine: machine(row)?,
            meter: row.text(FIRST)?,
            media: row.text(FIRST + 1)?,
            at: Instant(row.int(FIRST + 2)?),
            reason,
            note: row.text(FIRST + 4)?,
            decided_at: Instant(row.int(FIRST + 5)?),
            by: person.map(|_| row.opt_text(FIRST + 7)).transpose()?.flatten(),
            holds: row.int(FIRST + 8)? == 0,
            is_taken_back: reason.is_pending() && row.opt_int(FIRST + 9)?.is_none(),
        })
    })
}

const IS_DECIDED: &str = "select count(*) from segment_decision
    where reseller_id = $1 and printer_id = $2 and meter = $3 and media = $4 and at = $5";

/// Whether anything was ever decided about that instant of a counter.
pub(super) fn is_decided(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (meter, media): (&str, &str),
    at: Instant,
) -> Result<bool, DbError> {
    Ok(tx.count(IS_DECIDED, params![scope.reseller_id(), printer_id, meter, media, at])? > 0)
}

/// A reading that a person entered.
#[derive(Debug, Clone)]
pub(super) struct Hand {
    pub(super) machine: Machine,
    pub(super) reading_id: i64,
    pub(super) meter: String,
    pub(super) media: String,
    pub(super) value: i64,
    pub(super) read_at: Instant,
    pub(super) source: ReadingSource,
    pub(super) entered_at: Instant,
    /// The person's name; empty where nobody is known.
    pub(super) by: String,
    pub(super) note: String,
    /// What was odd about it; empty for nothing.
    pub(super) odd: String,
    pub(super) is_withdrawn: bool,
}

/// Readings of people, up to their own conditions.
macro_rules! hand {
    () => {
        concat!(
            "select ",
            machine!(),
            ", hand_reading.reading_id, hand_reading.meter, hand_reading.media, hand_reading.value,
            hand_reading.read_at, hand_reading.source, hand_reading.entered_at, coalesce(person.name, ''),
            hand_reading.note, hand_reading.odd, hand_reading.withdrawn_at
            from hand_reading
            join printer on printer.reseller_id = hand_reading.reseller_id
                and printer.printer_id = hand_reading.printer_id
            join customer on customer.reseller_id = printer.reseller_id
                and customer.customer_id = printer.customer_id
            left join person on person.person_id = hand_reading.person_id
            where hand_reading.reseller_id = $1 "
        )
    };
}

fn hand(row: &Row) -> Result<Hand, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    Ok(Hand {
        machine: machine(row)?,
        reading_id: row.int(FIRST)?,
        meter: row.text(FIRST + 1)?,
        media: row.text(FIRST + 2)?,
        value: row.int(FIRST + 3)?,
        read_at: Instant(row.int(FIRST + 4)?),
        source: source(row, FIRST + 5)?,
        entered_at: Instant(row.int(FIRST + 6)?),
        by: row.text(FIRST + 7)?,
        note: row.text(FIRST + 8)?,
        odd: row.text(FIRST + 9)?,
        is_withdrawn: row.opt_int(FIRST + 10)?.is_some(),
    })
}

const ODD: &str = concat!(
    hand!(),
    "and hand_reading.odd <> '' and hand_reading.withdrawn_at is null
    order by hand_reading.entered_at desc, hand_reading.reading_id desc limit $2"
);

/// The readings of people that were odd and stand, newest first.
pub(super) fn odd(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Hand>, DbError> {
    tx.query(ODD, params![scope.reseller_id(), SHOWN_MAX], hand)
}

const OF_CUSTOMER: &str = concat!(
    hand!(),
    "and printer.customer_id = $2
    order by hand_reading.entered_at desc, hand_reading.reading_id desc limit $3"
);

/// What people entered for a customer's printers, newest first.
pub(super) fn of_customer(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Vec<Hand>, DbError> {
    tx.query(OF_CUSTOMER, params![scope.reseller_id(), customer_id, SHOWN_MAX], hand)
}

const OF_PRINTER: &str = concat!(
    hand!(),
    "and hand_reading.printer_id = $2
    order by hand_reading.entered_at desc, hand_reading.reading_id desc limit $3"
);

/// What people entered for a printer, newest first.
pub(super) fn of_printer(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Hand>, DbError> {
    tx.query(OF_PRINTER, params![scope.reseller_id(), printer_id, SHOWN_MAX], hand)
}

const ONE_HAND: &str = concat!(hand!(), "and hand_reading.reading_id = $2");

/// One reading of a person.
pub(super) fn one_hand(tx: &mut Tx<'_>, scope: &ResellerScope, reading_id: i64) -> Result<Option<Hand>, DbError> {
    tx.query_opt(ONE_HAND, params![scope.reseller_id(), reading_id], hand)
}

/// A reading of an agent that arrived late and fits nowhere.
#[derive(Debug, Clone)]
pub(super) struct Misfit {
    pub(super) agent_id: String,
    pub(super) host: String,
    pub(super) at: Instant,
    pub(super) detail: String,
}

const MISFITS: &str = "select agent_event.agent_id, agent.host, agent_event.at, agent_event.detail from agent_event
    join agent on agent.reseller_id = agent_event.reseller_id and agent.agent_id = agent_event.agent_id
    where agent_event.reseller_id = $1 and agent_event.kind = 'odd-reading' and agent_event.at >= $2
    order by agent_event.at desc, agent_event.event_id desc limit $3";

/// The readings since `since` that were kept in their packages and count nowhere, newest first.
pub(super) fn misfits(tx: &mut Tx<'_>, scope: &ResellerScope, since: Instant) -> Result<Vec<Misfit>, DbError> {
    tx.query(MISFITS, params![scope.reseller_id(), since, SHOWN_MAX], |row| {
        Ok(Misfit { agent_id: row.text(0)?, host: row.text(1)?, at: Instant(row.int(2)?), detail: row.text(3)? })
    })
}

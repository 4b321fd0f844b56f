//! Counters that another interface of their printer gives too, and what people said of which one they follow.
//!
//! Deliberately absent: handing a counter over, which the ledger does at the next reading.

use super::{AFTER_MACHINE, Machine, machine};
use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use report::Instant;

/// Counters that are looked at.
const COUNTERS_MAX: i64 = 2_000;
/// Sayings that a printer's history shows.
const SAID_MAX: i64 = 50;

const OTHERS: &str = concat!(
    "select ",
    machine!(),
    ", counter.meter, counter.media, counter.source, counter.others, counter.value, counter.other_value,
    counter.other_at,
    (select said.source from counter_source as said
        where said.reseller_id = counter.reseller_id and said.printer_id = counter.printer_id
        and said.meter = counter.meter and said.media = counter.media
        order by said.said_at desc limit 1)
    from counter
    join printer on printer.reseller_id = counter.reseller_id and printer.printer_id = counter.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where counter.reseller_id = $1 and (counter.printer_id = $2 or cast($2 as bigint) = 0)
    and counter.others <> '' and counter.other_at is not null
    order by counter.printer_id, counter.meter, counter.media limit $3"
);
const FOLLOW: &str = "insert into counter_source
    (reseller_id, printer_id, meter, media, said_at, source, note, person_id)
    select counter.reseller_id, counter.printer_id, counter.meter, counter.media, cast($5 as bigint),
        cast($4 as text), '', cast($6 as bigint)
    from counter
    where counter.reseller_id = $1 and counter.printer_id = $2 and counter.source = $3
    and (' ' || counter.others || ' ') like $7
    on conflict (reseller_id, printer_id, meter, media, said_at) do nothing";
const SAID: &str = "select said.said_at, said.source, coalesce(person.name, ''), count(*)
    from counter_source as said left join person on person.person_id = said.person_id
    where said.reseller_id = $1 and said.printer_id = $2
    group by said.said_at, said.source, person.name order by said.said_at desc limit $3";

/// A counter that another interface gives too.
#[derive(Debug, Clone)]
pub(in crate::readings) struct Other {
    pub(in crate::readings) machine: Machine,
    pub(in crate::readings) meter: String,
    pub(in crate::readings) media: String,
    /// The interface that it follows.
    pub(in crate::readings) source: String,
    /// The other one that was seen last.
    pub(in crate::readings) other: String,
    pub(in crate::readings) value: i64,
    /// What the other one showed, and when.
    pub(in crate::readings) other_value: i64,
    pub(in crate::readings) other_at: Instant,
    /// The interface that a person wants it to follow.
    pub(in crate::readings) wanted: Option<String>,
}

/// Counters that another interface gives too, by printer; `printer_id` is the one printer that is wanted, 0 for
/// all.
pub(in crate::readings) fn all(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Other>, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    tx.query(OTHERS, params![scope.reseller_id(), printer_id, COUNTERS_MAX], |row| {
        Ok(Other {
            machine: machine(row)?,
            meter: row.text(FIRST)?,
            media: row.text(FIRST + 1)?,
            source: row.text(FIRST + 2)?,
            other: row.text(FIRST + 3)?.split_whitespace().next().unwrap_or_default().to_owned(),
            value: row.int(FIRST + 4)?,
            other_value: row.opt_int(FIRST + 5)?.unwrap_or_default(),
            other_at: Instant(row.int(FIRST + 6)?),
            wanted: row.opt_text(FIRST + 7)?,
        })
    })
}

/// Says that the counters of a printer that follow one interface follow another one from its next reading on.
/// `false` where it has none that both give.
pub(in crate::readings) fn follow(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (source, other): (&str, &str),
    (by, now): (i64, Instant),
) -> Result<bool, DbError> {
    let among = format!("% {other} %");
    Ok(tx.execute(FOLLOW, params![scope.reseller_id(), printer_id, source, other, now, by, among])? > 0)
}

/// What people said of the interfaces that a printer's counters follow, newest first: when, which one, who, and of
/// how many counters.
pub(in crate::readings) fn said(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Vec<(Instant, String, String, i64)>, DbError> {
    tx.query(SAID, params![scope.reseller_id(), printer_id, SAID_MAX], |row| {
        Ok((Instant(row.int(0)?), row.text(1)?, row.text(2)?, row.int(3)?))
    })
}

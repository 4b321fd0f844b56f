//! What is stored of a printer's past: the counters that were read of it, by whom, and what happened to them.
//!
//! Deliberately absent: its stays in contracts, which its other tabs show too, and any writing.

use crate::db::{DbError, Row, Tx, params};
use crate::jobs::grade;
use crate::readings::{decided, waits};
use crate::shell::ResellerScope;
use report::{Area, Grade, Ink, Instant};
use std::collections::BTreeMap;

/// A counter's value at one reading, with its segment.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) meter: String,
    /// Empty for a counter that is not split by media.
    pub(super) media: String,
    pub(super) value: i64,
    pub(super) read_at: Instant,
    pub(super) segment: i64,
    /// The word of why the segment was opened.
    pub(super) reason: Option<String>,
    pub(super) opened_at: Option<Instant>,
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
    pub(super) grade: Grade,
    pub(super) agent_id: String,
    /// Whether the break before its segment waits for somebody.
    pub(super) waits: bool,
    /// The word of what was decided about that break.
    pub(super) decided: Option<String>,
    /// Another interface that gives one of its name, the interface it follows, and what the other showed last.
    pub(super) other: Option<Other>,
}

/// What another interface than the counter's own shows.
#[derive(Debug, Clone)]
pub(super) struct Other {
    pub(super) own: String,
    pub(super) interface: String,
    pub(super) value: i64,
}

/// Whether the break before a segment waits, and what was decided about it.
macro_rules! settled {
    () => {
        concat!("case when ", waits!(), " then 1 else 0 end, ", decided!("decided.reason"))
    };
}

fn counted(row: &Row) -> Result<Counted, DbError> {
    let interface = row.text(13)?.split_whitespace().next().map(str::to_owned);
    let other = interface.zip(row.opt_int(14)?);
    let own = row.text(15)?;
    Ok(Counted {
        meter: row.text(0)?,
        media: row.text(1)?,
        value: row.int(2)?,
        read_at: Instant(row.int(3)?),
        segment: row.int(4)?,
        reason: row.opt_text(5)?,
        opened_at: row.opt_int(6)?.map(Instant),
        before: row.opt_int(7)?,
        after: row.opt_int(8)?,
        grade: grade(row, 9)?,
        agent_id: row.text(10)?,
        waits: row.int(11)? == 1,
        decided: row.opt_text(12)?,
        other: other.map(|(interface, value)| Other { own, interface, value }),
    })
}

/// The grade and the agent are those of the reading that changed the counter last.
const COUNTERS: &str = concat!(
    "select counter.meter, counter.media, counter.value, counter.read_at, counter.segment,
        segment.reason, segment.opened_at, segment.value_before, segment.value_after, reading.grade,
        reading.agent_id, ",
    settled!(),
    ", counter.others, counter.other_value, counter.source from counter
    join reading on reading.reseller_id = counter.reseller_id and reading.printer_id = counter.printer_id
        and reading.meter = counter.meter and reading.media = counter.media
    left join segment on segment.reseller_id = counter.reseller_id and segment.printer_id = counter.printer_id
        and segment.meter = counter.meter and segment.media = counter.media and segment.segment = counter.segment
    where counter.reseller_id = $1 and counter.printer_id = $2
      and reading.read_at = (select max(newest.read_at) from reading as newest
          where newest.reseller_id = counter.reseller_id and newest.printer_id = counter.printer_id
            and newest.meter = counter.meter and newest.media = counter.media)
    order by counter.meter, counter.media, reading.agent_id limit 500"
);

/// The latest value of each counter of a printer.
pub(super) fn counters(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Counted>, DbError> {
    let mut found = tx.query(COUNTERS, params![scope.reseller_id(), printer_id], counted)?;
    // Two agents that read at the same instant give one counter twice.
    found.dedup_by(|a, b| (&a.meter, &a.media) == (&b.meter, &b.media));
    Ok(found)
}

const RECENT: &str = concat!(
    "select reading.meter, reading.media, reading.value, reading.read_at, reading.segment,
        segment.reason, segment.opened_at, segment.value_before, segment.value_after, reading.grade,
        reading.agent_id, ",
    settled!(),
    ", '', cast(null as bigint), '' from reading
    left join segment on segment.reseller_id = reading.reseller_id and segment.printer_id = reading.printer_id
        and segment.meter = reading.meter and segment.media = reading.media and segment.segment = reading.segment
    where reading.reseller_id = $1 and reading.printer_id = $2 and reading.read_at >= $3
    order by reading.read_at desc, reading.meter, reading.media limit 100"
);

/// The latest changes of counters since `from`, newest first.
pub(super) fn recent(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    from: Instant,
) -> Result<Vec<Counted>, DbError> {
    tx.query(RECENT, params![scope.reseller_id(), printer_id, from], counted)
}

/// A reading of one counter.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) value: i64,
    pub(super) read_at: Instant,
    pub(super) segment: i64,
    pub(super) grade: Grade,
    pub(super) agent_id: String,
}

const READ: &str = "select count(*) from reading
    where reseller_id = $1 and printer_id = $2 and meter = $3 and media = $4";
const OF_COUNTER: &str = "select value, read_at, segment, grade, agent_id from reading
    where reseller_id = $1 and printer_id = $2 and meter = $3 and media = $4
    order by read_at desc, agent_id limit $5 offset $6";

/// How many readings a counter of a printer has, and `most` of them after the first `skipped`, newest first.
pub(super) fn of_counter(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (meter, media): (&str, &str),
    (most, skipped): (i64, i64),
) -> Result<(i64, Vec<Shown>), DbError> {
    let reseller = scope.reseller_id();
    let all = tx.count(READ, params![reseller, printer_id, meter, media])?;
    let found = tx.query(OF_COUNTER, params![reseller, printer_id, meter, media, most, skipped], |row| {
        Ok(Shown {
            value: row.int(0)?,
            read_at: Instant(row.int(1)?),
            segment: row.int(2)?,
            grade: grade(row, 3)?,
            agent_id: row.text(4)?,
        })
    })?;
    Ok((all, found))
}

const HOSTS: &str = "select agent_id, host from agent where reseller_id = $1 and customer_id = $2";

/// The hosts of a customer's agents.
pub(super) fn hosts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
) -> Result<BTreeMap<String, String>, DbError> {
    let parameters = params![scope.reseller_id(), customer_id];
    Ok(tx.query(HOSTS, parameters, |row| Ok((row.text(0)?, row.text(1)?)))?.into_iter().collect())
}

/// How long an agent read a printer.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) agent_id: String,
    pub(super) first: Instant,
    pub(super) last: Instant,
    pub(super) readings: i64,
}

const SPANS: &str = "select agent_id, min(read_at), max(read_at), count(*) from reading_set
    where reseller_id = $1 and printer_id = $2 group by agent_id order by agent_id limit 100";

/// Which agents read a printer, and how long.
pub(super) fn spans(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Span>, DbError> {
    tx.query(SPANS, params![scope.reseller_id(), printer_id], |row| {
        Ok(Span {
            agent_id: row.text(0)?,
            first: Instant(row.int(1)?),
            last: Instant(row.int(2)?),
            readings: row.int(3)?,
        })
    })
}

/// Readings of an agent whose time could not be, so that the receipts around them date them.
#[derive(Debug, Clone)]
pub(super) struct Bounded {
    pub(super) agent_id: String,
    /// Whether the agent's clock was ahead; else it was behind.
    pub(super) ahead: bool,
    pub(super) first: Instant,
    pub(super) last: Instant,
    pub(super) readings: i64,
}

const BOUNDED: &str = "select agent_id, bounded, min(read_at), max(read_at), count(*) from reading_set
    where reseller_id = $1 and printer_id = $2 and bounded <> ''
    group by agent_id, bounded order by agent_id, bounded limit 100";

/// The readings of a printer that the receipts around them date, by agent.
pub(super) fn bounded(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Bounded>, DbError> {
    tx.query(BOUNDED, params![scope.reseller_id(), printer_id], |row| {
        Ok(Bounded {
            agent_id: row.text(0)?,
            ahead: row.text(1)? == "late",
            first: Instant(row.int(2)?),
            last: Instant(row.int(3)?),
            readings: row.int(4)?,
        })
    })
}

const DATED: &str = "select count(*), max(job.finished_at) from job
    where job.reseller_id = $1 and job.printer_id = $2 and job.dated_by = 'receipt'";

/// How many jobs of a printer are dated by receipts, and the latest of their times.
pub(super) fn dated(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Option<(i64, Instant)>, DbError> {
    let params = params![scope.reseller_id(), printer_id];
    let found = tx.query_opt(DATED, params, |row| Ok((row.int(0)?, row.opt_int(1)?)))?;
    Ok(found.and_then(|(count, latest)| Some((count, Instant(latest?)))))
}

/// Jobs of a printer of which only their sum is kept.
#[derive(Debug, Clone)]
pub(super) struct Folded {
    pub(super) agent_id: String,
    pub(super) since: Instant,
    pub(super) until: Instant,
    pub(super) jobs: i64,
    pub(super) pages: i64,
    pub(super) area_printed: Area,
    pub(super) ink: Ink,
}

const FOLDS: &str = "select agent_id, since_at, until_at, jobs, pages, area_printed, ink from job_fold
    where reseller_id = $1 and printer_id = $2 order by until_at desc, agent_id, sequence, record limit 100";

/// The sums of jobs whose detail agents of a printer had to give up, newest first.
pub(super) fn folds(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Folded>, DbError> {
    tx.query(FOLDS, params![scope.reseller_id(), printer_id], |row| {
        Ok(Folded {
            agent_id: row.text(0)?,
            since: Instant(row.int(1)?),
            until: Instant(row.int(2)?),
            jobs: row.int(3)?,
            pages: row.int(4)?,
            area_printed: Area(row.int(5)?),
            ink: Ink(row.int(6)?),
        })
    })
}

/// The opening of a segment of a counter.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) meter: String,
    pub(super) media: String,
    pub(super) reason: String,
    pub(super) opened_at: Instant,
    pub(super) before: Option<i64>,
    pub(super) after: i64,
}

const OPENINGS: &str = "select meter, media, reason, opened_at, value_before, value_after from segment
    where reseller_id = $1 and printer_id = $2 order by opened_at desc, meter, media limit 200";

/// The segments that a printer's counters opened, newest first.
pub(super) fn openings(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Opening>, DbError> {
    tx.query(OPENINGS, params![scope.reseller_id(), printer_id], |row| {
        Ok(Opening {
            meter: row.text(0)?,
            media: row.text(1)?,
            reason: row.text(2)?,
            opened_at: Instant(row.int(3)?),
            before: row.opt_int(4)?,
            after: row.int(5)?,
        })
    })
}

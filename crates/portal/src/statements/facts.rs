//! Reads the facts that a statement is made from: a contract's printers, their stays, jobs and counters,
//! each with the package that proves it.
//!
//! A fixed number of queries, however many printers there are, and however long their history is: SQLite, which has
//! no statistics here, walks a cross join in the order that is written, and would else begin with all that a printer
//! ever said. Personal rows are never read. Deliberately absent: what people said, which `readings` keeps, and which
//! of these facts are billed.

use crate::db::{DbError, Param, Row, Tx, params};
use crate::readings::{begins, ends};
use crate::shell::ResellerScope;
use crate::shell::printer;
use billing::{JobFact, Meter, MeterKind, Period, PixelCoverage, Quantity, ReadingFact, ReadingSource, ThresholdFact};
use report::{
    Category, Duration, Grade, HIGH_ABOVE, Instant, JobKind, JobStatus, LINES_BELOW, Limit, Settings, Share, Threshold,
};
use std::collections::{BTreeMap, BTreeSet};

/// Stays that touch the period.
const STAYS: &str = "select stay.printer_id, stay.from_at, stay.to_at, stay.position_id,
    printer.serial, printer.product_name, printer.nickname,
    coalesce((select min(seen.read_at) from reading_set as seen
        where seen.reseller_id = stay.reseller_id and seen.printer_id = stay.printer_id), printer.first_seen_at)
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3)
    order by stay.printer_id, stay.from_at";
/// To which site each printer moved, and when.
const MOVES: &str = "select moved.printer_id, moved.from_at, moved.site_id from printer_site as moved
    where moved.reseller_id = $1
    and moved.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and moved.from_at < $4";
/// The edges at which readings are wanted: those of the period, of stays and of moves; and, from `$5` on, each
/// instant at which a person read a counter, since the printer's own reading beside it makes that superfluous.
macro_rules! edges_of_printers {
    () => {
        "select stay.reseller_id, stay.printer_id,
            case when stay.from_at > $3 then stay.from_at else $3 end as edge_at
            from contract_printer as stay
            where stay.reseller_id = $1 and stay.contract_id = $2
            and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3)
        union all
        select stay.reseller_id, stay.printer_id,
            case when stay.to_at < $4 then stay.to_at else $4 end as edge_at
            from contract_printer as stay
            where stay.reseller_id = $1 and stay.contract_id = $2
            and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3)
        union all
        select moved.reseller_id, moved.printer_id, moved.from_at as edge_at
            from contract_printer as stay
            join printer_site as moved on moved.reseller_id = stay.reseller_id
                and moved.printer_id = stay.printer_id
            where stay.reseller_id = $1 and stay.contract_id = $2
            and moved.from_at > stay.from_at and (stay.to_at is null or stay.to_at > moved.from_at)
            and moved.from_at > $3 and moved.from_at < $4
        union all
        select hand.reseller_id, hand.printer_id, hand.read_at as edge_at
            from hand_reading as hand
            where hand.reseller_id = $1
            and hand.printer_id in (select stay.printer_id from contract_printer as stay
                where stay.reseller_id = $1 and stay.contract_id = $2
                and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
            and hand.withdrawn_at is null and hand.read_at <= $4
            and hand.read_at >= coalesce((select max(earlier.read_at) from hand_reading as earlier
                where earlier.reseller_id = hand.reseller_id and earlier.printer_id = hand.printer_id
                and earlier.meter = hand.meter and earlier.media = hand.media
                and earlier.withdrawn_at is null and earlier.read_at <= $5), $5)"
    };
}

/// When each printer was read last before and first after each edge. Of several readings at one instant the one
/// that proves least comes first. Readings that contradict others are left out.
const EDGES: &str = concat!(
    "select seen.printer_id, seen.read_at, seen.grade, seen.agent_id, seen.sequence
    from (",
    edges_of_printers!(),
    ") as part
    cross join (select 1 as side union all select 2 as side) as near
    cross join reading_set as seen
    where seen.reseller_id = $1 and seen.reseller_id = part.reseller_id and seen.printer_id = part.printer_id
        and seen.odd = 0
        and seen.read_at = case near.side
            when 1 then (select max(known.read_at) from reading_set as known
                where known.reseller_id = part.reseller_id and known.printer_id = part.printer_id
                and known.read_at <= part.edge_at and known.odd = 0)
            else (select min(known.read_at) from reading_set as known
                where known.reseller_id = part.reseller_id and known.printer_id = part.printer_id
                and known.read_at >= part.edge_at and known.odd = 0)
            end
    order by seen.printer_id, seen.read_at, seen.grade desc, seen.agent_id, seen.sequence"
);
/// The same for each row of a printer's counters by its bit, of the readings that gave that row. What was not
/// said for forty days before an edge stands as it was said last.
const EDGES_OF_COUNTERS: &str = concat!(
    "select seen.printer_id, seen.read_at, seen.grade, seen.agent_id, seen.sequence, series.bit
    from (",
    edges_of_printers!(),
    ") as part
    join (select own.reseller_id, own.printer_id, own.bit, max(own.read_at) as read_at
        from counter as own
        where own.reseller_id = $1 and own.bit <> 0
        and own.printer_id in (select stay.printer_id from contract_printer as stay
            where stay.reseller_id = $1 and stay.contract_id = $2
            and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
        group by own.reseller_id, own.printer_id, own.bit) as series
        on series.reseller_id = part.reseller_id and series.printer_id = part.printer_id
    cross join (select 1 as side union all select 2 as side) as near
    cross join reading_set as seen
    where seen.reseller_id = $1 and seen.reseller_id = part.reseller_id and seen.printer_id = part.printer_id
        and (seen.counted & series.bit) <> 0 and seen.odd = 0
        and seen.read_at = case near.side
            when 1 then (select max(known.read_at) from reading_set as known
                where known.reseller_id = part.reseller_id and known.printer_id = part.printer_id
                and known.read_at <= part.edge_at and known.read_at > part.edge_at - 3456000000
                and (known.counted & series.bit) <> 0 and known.odd = 0)
            else (select min(known.read_at) from reading_set as known
                where known.reseller_id = part.reseller_id and known.printer_id = part.printer_id
                and known.read_at >= part.edge_at and known.read_at <= series.read_at
                and (known.counted & series.bit) <> 0 and known.odd = 0)
            end
    order by seen.printer_id, seen.read_at, seen.grade desc, seen.agent_id, seen.sequence"
);
/// The current versions of the jobs that finished in the period while their printer was in the contract.
/// A bound with a sign is none of an index: with both bounds SQLite takes the index by time, which has the jobs of
/// all contracts.
const JOBS: &str = "select job.printer_id, job.job_key, job.version, job.finished_at, job.status, job.grade, job.kind,
    job.non_white, job.colour_share, job.agent_id, job.sequence, job.quantities
    from contract_printer as stay cross join job
    where stay.reseller_id = $1 and stay.contract_id = $2
    and job.reseller_id = stay.reseller_id and job.printer_id = stay.printer_id
    and job.finished_at >= $3 and +job.finished_at < $4
    and +job.finished_at >= stay.from_at and (stay.to_at is null or +job.finished_at < stay.to_at)
    and not exists (select 1 from job_superseded as later
        where later.reseller_id = job.reseller_id and later.printer_id = job.printer_id
        and later.job_key = job.job_key and later.version = job.version)";
/// The packages with every version of a job of which one version falls into the period; in the order that is written,
/// as with the jobs.
const VERSIONS: &str = "select distinct made.agent_id, made.sequence
    from contract_printer as stay cross join job_superseded as replaced cross join job as made
    where stay.reseller_id = $1 and stay.contract_id = $2
    and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3)
    and replaced.reseller_id = stay.reseller_id and replaced.printer_id = stay.printer_id
    and made.reseller_id = replaced.reseller_id and made.printer_id = replaced.printer_id
    and made.job_key = replaced.job_key
    and exists (select 1 from job as inside
        where inside.reseller_id = replaced.reseller_id and inside.printer_id = replaced.printer_id
        and inside.job_key = replaced.job_key and +inside.finished_at >= $3 and +inside.finished_at < $4)";
/// The readings of each counter from the last one before `$5` on, until the first one after the period's end. Where
/// a counter had fallen by then and came back later, from the one before it fell on: what people say of the fall,
/// such as that it was misread, is said of both sides of the edge. So it is where a person said that what was read at
/// an edge was too high: from the reading before that on, until the one that was not.
const READINGS: &str = concat!(
    "select reading.printer_id, reading.meter, reading.media, reading.value, reading.read_at,
    reading.grade, reading.agent_id, reading.sequence, counter.read_at, counter.bit
    from counter cross join reading
    where counter.reseller_id = $1 and reading.reseller_id = counter.reseller_id
    and reading.printer_id = counter.printer_id and reading.meter = counter.meter and reading.media = counter.media
    and counter.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and reading.read_at >= coalesce((select max(earlier.read_at) from reading as earlier
        where earlier.reseller_id = counter.reseller_id and earlier.printer_id = counter.printer_id
        and earlier.meter = counter.meter and earlier.media = counter.media
        and earlier.read_at <= ",
    begins!("counter"),
    "), $5)
    and reading.read_at <= coalesce(",
    ends!("counter"),
    ", (select min(later.read_at) from reading as later
        where later.reseller_id = counter.reseller_id and later.printer_id = counter.printer_id
        and later.meter = counter.meter and later.media = counter.media and later.read_at > $4), $4)"
);
/// The readings that brought numbers without a unit: of each printer from the last one before `$5` on, until the
/// first one after the period's end.
const UNITLESS_SETS: &str = "select seen.printer_id, seen.read_at, seen.grade, seen.agent_id, seen.sequence
    from unitless cross join reading_set as seen
    where unitless.reseller_id = $1 and seen.reseller_id = unitless.reseller_id
    and seen.printer_id = unitless.printer_id and seen.read_at = unitless.at
    and unitless.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and unitless.subject = 'reading' and unitless.key = '' and unitless.version = 0
    and unitless.at >= coalesce((select max(earlier.at) from unitless as earlier
        where earlier.reseller_id = unitless.reseller_id and earlier.printer_id = unitless.printer_id
        and earlier.subject = 'reading' and earlier.key = '' and earlier.version = 0 and earlier.at <= $5), $5)
    and unitless.at <= coalesce((select min(later.at) from unitless as later
        where later.reseller_id = unitless.reseller_id and later.printer_id = unitless.printer_id
        and later.subject = 'reading' and later.key = '' and later.version = 0 and later.at >= $4), $4)
    order by seen.printer_id, seen.read_at, seen.grade desc, seen.agent_id, seen.sequence";
/// What each printer said of its categories, and since when.
const LIMITS: &str = "select known.printer_id, known.from_at, section.body
    from printer_setting as known
    join section on section.reseller_id = known.reseller_id and section.digest = known.digest
    where known.reseller_id = $1
    and known.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and known.from_at < $4
    order by known.printer_id, known.from_at";
/// Packages in quarantine of all agents that ever read a printer: of two that do, one may be suspended.
const HELD: &str = "select printer.printer_id, cast(sum(held.packages) as bigint)
    from (select package.reseller_id, package.agent_id, count(*) as packages from package
        where package.reseller_id = $1 and package.held = 1 and package.received_at >= $3
        group by package.reseller_id, package.agent_id) as held
    join agent on agent.reseller_id = held.reseller_id and agent.agent_id = held.agent_id
    join printer on printer.reseller_id = agent.reseller_id and printer.customer_id = agent.customer_id
    where printer.reseller_id = $1
    and printer.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and exists (select 1 from reading_set as seen
        where seen.reseller_id = printer.reseller_id and seen.printer_id = printer.printer_id
        and seen.agent_id = held.agent_id)
    group by printer.printer_id";
/// The readings that contradict others, from `$5` on, each with the packages of the next reading of its printer
/// that gave what it does not count: that shows why it counts nothing.
const DENIED: &str = "select denied.agent_id, denied.sequence, seen.agent_id, seen.sequence
    from reading_set as denied cross join reading_set as seen
    where denied.reseller_id = $1 and seen.reseller_id = denied.reseller_id and seen.printer_id = denied.printer_id
        and seen.read_at = (select min(known.read_at) from reading_set as known
            where known.reseller_id = denied.reseller_id and known.printer_id = denied.printer_id
            and known.read_at > denied.read_at and known.odd = 0
            and (known.counted & (~denied.counted) & (-2)) <> 0)
    and denied.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and denied.odd = 1 and denied.read_at >= $5 and denied.read_at <= $4";
/// Times of more than `$5` milliseconds between two readings of a printer in the period.
const SILENCES: &str = "select gap.printer_id, gap.before_at, gap.read_at
    from (select seen.printer_id, seen.read_at,
            lag(seen.read_at) over (partition by seen.printer_id order by seen.read_at) as before_at
        from reading_set as seen
        where seen.reseller_id = $1
        and seen.printer_id in (select stay.printer_id from contract_printer as stay
            where stay.reseller_id = $1 and stay.contract_id = $2
            and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
        and seen.read_at >= $3 and seen.read_at <= $4) as gap
    where gap.read_at - gap.before_at > $5";

/// The whole, in parts per million.
const WHOLE: i64 = 1_000_000;
/// A day, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;

/// Whose facts are wanted, and of when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    reseller: i64,
    contract: i64,
    /// The period to bill.
    pub(super) period: Period,
    /// Readings are wanted from here on, with the last one before; not after the period's start.
    pub(super) from: Instant,
}

impl Asked {
    /// The facts of a contract's period, with readings of `days` days before it.
    pub(super) fn new(scope: &ResellerScope, contract_id: i64, period: Period, days: i64) -> Asked {
        let before = days.max(0).saturating_mul(DAY);
        let from = Instant(period.start.0.saturating_sub(before));
        Asked { reseller: scope.reseller_id(), contract: contract_id, period, from }
    }

    /// The parameters that every statement here starts with.
    pub(super) fn params(&self) -> [Param; 4] {
        [self.reseller.into(), self.contract.into(), self.period.start.into(), self.period.end.into()]
    }

    fn params_and<const N: usize>(&self, more: [Param; N]) -> Vec<Param> {
        self.params().into_iter().chain(more).collect()
    }
}

/// By agent, the packages that facts come from.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins(pub(super) BTreeMap<String, BTreeSet<u64>>);

impl Origins {
    /// Names a package.
    pub(super) fn add(&mut self, agent: &str, sequence: u64) {
        if let Some(known) = self.0.get_mut(agent) {
            known.insert(sequence);
        } else {
            self.0.insert(agent.to_owned(), BTreeSet::from([sequence]));
        }
    }

    fn holds(&self, agent: &str, sequence: u64) -> bool {
        self.0.get(agent).is_some_and(|known| known.contains(&sequence))
    }
}

/// A printer's stay, as far as the contract knows it.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) printer_id: i64,
    pub(super) serial: String,
    pub(super) label: String,
    pub(super) known_since: Instant,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
    /// The place it fills, where it shares one with another printer.
    pub(super) position: Option<i64>,
}

/// The site of each printer, by the instant since when it stands there.
pub(super) type Moves = BTreeMap<i64, BTreeMap<Instant, i64>>;

/// That a printer was read.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) grade: Grade,
    pub(super) agent: String,
    pub(super) sequence: u64,
}

/// When printers were read, one reading an instant.
pub(super) type Sets = BTreeMap<i64, BTreeMap<Instant, Seen>>;

/// When the rows of one printer's counters were said, by their bit: one reading an instant.
pub(super) type RowSets = BTreeMap<i64, BTreeMap<Instant, Seen>>;

/// A job in the version that is in force.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) version: i64,
    pub(super) fact: JobFact,
}

/// A reading, and the package that proves it; `None` where a person says it.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) fact: ReadingFact,
    pub(super) origin: Option<(String, u64)>,
}

/// The readings of one counter.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    /// Its row in what a reading says of its rows; 0: not known.
    pub(super) bit: i64,
    /// When it was read last, whether its value had changed or not.
    pub(super) read_at: Instant,
    pub(super) points: Vec<Point>,
}

/// The counters of a printer, by meter and media type.
pub(super) type Counters = BTreeMap<(Meter, Option<String>), Counter>;

/// The grade of a word.
pub(super) fn grade(word: &str, column: usize) -> Result<Grade, DbError> {
    Grade::parse(word).ok_or(DbError::Shape { column, wanted: "a grade" })
}

/// A number that is never below zero.
pub(super) fn number(number: i64, column: usize) -> Result<u64, DbError> {
    u64::try_from(number).map_err(|_| DbError::Shape { column, wanted: "a number from 0 on" })
}

/// The stays that touch the period, by printer and time.
pub(super) fn stays(tx: &mut Tx<'_>, asked: &Asked) -> Result<Vec<Stay>, DbError> {
    tx.query(STAYS, &asked.params(), |row| {
        let serial = row.text(4)?;
        Ok(Stay {
            printer_id: row.int(0)?,
            from: Instant(row.int(1)?),
            to: row.opt_int(2)?.map(Instant),
            position: row.opt_int(3)?,
            label: printer::label(row.opt_text(6)?.as_deref(), row.opt_text(5)?.as_deref(), None, &serial),
            serial,
            known_since: Instant(row.int(7)?),
        })
    })
}

/// Where the printers stand.
pub(super) fn moves(tx: &mut Tx<'_>, asked: &Asked) -> Result<Moves, DbError> {
    let mut moves = Moves::new();
    tx.query(MOVES, &asked.params(), |row| {
        moves.entry(row.int(0)?).or_default().insert(Instant(row.int(1)?), row.int(2)?);
        Ok(())
    })?;
    Ok(moves)
}

/// When the printers were read by the edges of the period, of their stays and of their moves, and when people
/// read them.
pub(super) fn edges(tx: &mut Tx<'_>, asked: &Asked) -> Result<Sets, DbError> {
    sets(tx, EDGES, &asked.params_and([asked.from.into()]))
}

/// When each row of the printers' counters was said by those edges, by printer.
pub(super) fn row_edges(tx: &mut Tx<'_>, asked: &Asked) -> Result<BTreeMap<i64, RowSets>, DbError> {
    let mut rows: BTreeMap<i64, RowSets> = BTreeMap::new();
    tx.query(EDGES_OF_COUNTERS, &asked.params_and([asked.from.into()]), |row| {
        let (printer, seen) = seen(row)?;
        let of_row = rows.entry(printer).or_default().entry(row.int(5)?).or_default();
        of_row.entry(seen.at).or_insert(seen);
        Ok(())
    })?;
    Ok(rows)
}

/// Names the packages that show why readings count nothing whose own packages are named: a verifier that has the
/// one needs the other.
pub(super) fn name_denials(tx: &mut Tx<'_>, asked: &Asked, origins: &mut Origins) -> Result<(), DbError> {
    let denials = tx.query(DENIED, &asked.params_and([asked.from.into()]), |row| {
        Ok(((row.text(0)?, number(row.int(1)?, 1)?), (row.text(2)?, number(row.int(3)?, 3)?)))
    })?;
    // A package that is named for one of them may hold another one.
    loop {
        let is_open = |((denied, sequence), (agent, shown)): &&((String, u64), (String, u64))| {
            origins.holds(denied, *sequence) && !origins.holds(agent, *shown)
        };
        let Some((_, (agent, shown))) = denials.iter().find(is_open) else { return Ok(()) };
        origins.add(agent, *shown);
    }
}

/// When the printers were read and gave a number without a unit.
pub(super) fn unitless_sets(tx: &mut Tx<'_>, asked: &Asked) -> Result<Sets, DbError> {
    sets(tx, UNITLESS_SETS, &asked.params_and([asked.from.into()]))
}

fn sets(tx: &mut Tx<'_>, sql: &str, params: &[Param]) -> Result<Sets, DbError> {
    let mut sets = Sets::new();
    tx.query(sql, params, |row| {
        let (printer, seen) = seen(row)?;
        sets.entry(printer).or_default().entry(seen.at).or_insert(seen);
        Ok(())
    })?;
    Ok(sets)
}

/// The printer and its reading.
fn seen(row: &Row) -> Result<(i64, Seen), DbError> {
    let (at, grade) = (Instant(row.int(1)?), grade(&row.text(2)?, 2)?);
    Ok((row.int(0)?, Seen { at, grade, agent: row.text(3)?, sequence: number(row.int(4)?, 4)? }))
}

/// The jobs of the period; names the packages with all of their versions.
pub(super) fn jobs(tx: &mut Tx<'_>, asked: &Asked, origins: &mut Origins) -> Result<BTreeMap<i64, Vec<Job>>, DbError> {
    let mut jobs: BTreeMap<i64, Vec<Job>> = BTreeMap::new();
    tx.query(JOBS, &asked.params(), |row| {
        let quantities: Vec<Quantity> = serde_json::from_str(&row.text(11)?)?;
        origins.add(&row.text(9)?, number(row.int(10)?, 10)?);
        let fact = JobFact {
            key: row.text(1)?,
            finished_at: Instant(row.int(3)?),
            // The word of no status is a job without one.
            status: JobStatus::parse(&row.text(4)?),
            grade: grade(&row.text(5)?, 5)?,
            quantities,
            kind: job_kind(&row.text(6)?),
            coverage: coverage(row.opt_int(7)?, row.opt_int(8)?),
            marks: BTreeSet::new(),
        };
        jobs.entry(row.int(0)?).or_default().push(Job { version: row.int(2)?, fact });
        Ok(())
    })?;
    tx.query(VERSIONS, &asked.params(), |row| {
        origins.add(&row.text(0)?, number(row.int(1)?, 1)?);
        Ok(())
    })?;
    for of_printer in jobs.values_mut() {
        let order = |job: &Job| job.fact.finished_at;
        of_printer.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.fact.key.cmp(&b.fact.key)));
    }
    Ok(jobs)
}

fn job_kind(word: &str) -> Option<JobKind> {
    [JobKind::Print, JobKind::Scan, JobKind::Copy].into_iter().find(|kind| kind.word() == word)
}

/// Rows P25 and P26, where both are shares of a whole.
fn coverage(non_white: Option<i64>, colour: Option<i64>) -> Option<PixelCoverage> {
    let share = |share: Option<i64>| share.filter(|share| (0..=WHOLE).contains(share)).map(Share);
    Some(PixelCoverage { non_white: share(non_white)?, colour: share(colour)? })
}

/// The counters that are wanted, by printer and kind, with their readings.
pub(super) fn counters(
    tx: &mut Tx<'_>,
    asked: &Asked,
    is_wanted: impl Fn(i64, MeterKind) -> bool,
) -> Result<BTreeMap<i64, Counters>, DbError> {
    let mut counters: BTreeMap<i64, Counters> = BTreeMap::new();
    tx.query(READINGS, &asked.params_and([asked.from.into()]), |row| {
        let meter = Meter::parse(&row.text(1)?).map_err(|error| DbError::Unfit(error.to_string()))?;
        if !is_wanted(row.int(0)?, meter.kind()) {
            return Ok(());
        }
        let media = Some(row.text(2)?).filter(|media| !media.is_empty());
        let fact = ReadingFact {
            meter: meter.clone(),
            media: media.clone(),
            value: row.int(3)?,
            read_at: Instant(row.int(4)?),
            grade: grade(&row.text(5)?, 5)?,
            source: ReadingSource::Printer,
        };
        let origin = Some((row.text(6)?, number(row.int(7)?, 7)?));
        let (read_at, bit) = (Instant(row.int(8)?), row.int(9)?);
        let of_printer = counters.entry(row.int(0)?).or_default();
        let counter = of_printer.entry((meter, media)).or_insert_with(|| Counter { bit, read_at, points: Vec::new() });
        counter.points.push(Point { fact, origin });
        Ok(())
    })?;
    Ok(counters)
}

/// The limits by which each printer sorts pages, the oldest first: those in force when the period starts, and
/// what changed since.
pub(super) fn limits(tx: &mut Tx<'_>, asked: &Asked) -> Result<BTreeMap<i64, Vec<ThresholdFact>>, DbError> {
    let mut limits: BTreeMap<i64, Vec<ThresholdFact>> = BTreeMap::new();
    tx.query(LIMITS, &asked.params(), |row| {
        // A section of another form says nothing of limits.
        let Ok(settings) = serde_json::from_str::<Settings>(&row.text(2)?) else { return Ok(()) };
        let Some(fact) = threshold(Instant(row.int(1)?), &settings) else { return Ok(()) };
        let of_printer = limits.entry(row.int(0)?).or_default();
        if fact.from <= asked.period.start {
            of_printer.clear();
        }
        of_printer.push(fact);
        Ok(())
    })?;
    Ok(limits)
}

/// Rows S24 and S25 as limits; `None` where the printer says neither.
pub(crate) fn threshold(from: Instant, settings: &Settings) -> Option<ThresholdFact> {
    let limit = |of: &[&str]| {
        let share = |threshold: &Threshold| match threshold.limit {
            Limit::PixelShare(share) if of.contains(&threshold.category.id()) => Some(share),
            Limit::PixelShare(_) | Limit::InkPerArea(_) => None,
        };
        settings.thresholds.iter().filter_map(share).max()
    };
    let (lines, low) = (limit(&["mono-line", "colour-line"]), limit(&["low-density"]));
    if lines.is_none() && low.is_none() && settings.customization.is_empty() {
        return None;
    }
    let customization: BTreeMap<String, Category> = settings.customization.clone();
    Some(ThresholdFact {
        from,
        lines_below: lines.unwrap_or(LINES_BELOW),
        high_above: low.unwrap_or(HIGH_ABOVE),
        customization,
    })
}

/// How many packages are in quarantine of the agents that read each printer.
pub(super) fn held(tx: &mut Tx<'_>, asked: &Asked) -> Result<BTreeMap<i64, u64>, DbError> {
    let held = tx.query(HELD, &asked.params(), |row| Ok((row.int(0)?, number(row.int(1)?, 1)?)))?;
    Ok(held.into_iter().collect())
}

/// Times within the period for which a printer was not read, longer than `most`: printer, from, to.
pub(super) fn silences(
    tx: &mut Tx<'_>,
    asked: &Asked,
    most: Duration,
) -> Result<Vec<(i64, Instant, Instant)>, DbError> {
    tx.query(SILENCES, &asked.params_and([Param::Int(most.0)]), |row| {
        Ok((row.int(0)?, Instant(row.int(1)?), Instant(row.int(2)?)))
    })
}

/// The zone of the site of a customer, by which usage cells are cut.
pub(super) fn zone(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Option<String>, DbError> {
    const ZONE: &str = "select time_zone from customer where reseller_id = $1 and customer_id = $2";
    tx.query_opt(ZONE, params![scope.reseller_id(), customer_id], |row| row.text(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Db, Target};

    #[test]
    fn facts_are_found_by_their_printer_and_instant_and_not_among_all_that_was_ever_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&Target::Sqlite(folder.path().join("portal.sqlite"))).expect("opens");
        let four: &[Param] = params![1_i64, 2_i64, 3_i64, 4_i64];
        let five: &[Param] = params![1_i64, 2_i64, 3_i64, 4_i64, 5_i64];
        let seen = "sqlite_autoindex_reading_set_1 (reseller_id=? AND printer_id=? AND read_at=?)";
        let cases = [
            (JOBS, four, "job_by_printer (reseller_id=? AND printer_id=? AND finished_at>?)"),
            (VERSIONS, four, "sqlite_autoindex_job_superseded_1 (reseller_id=? AND printer_id=?)"),
            (EDGES, five, seen),
            (EDGES_OF_COUNTERS, five, seen),
            (READINGS, five, "meter=? AND media=? AND read_at>? AND read_at<?)"),
            (UNITLESS_SETS, five, seen),
            (DENIED, five, seen),
        ];
        for (sql, params, expected) in cases {
            let plan = format!("explain query plan {sql}");
            let steps = db.read_now(|tx| tx.query(&plan, params, |row| row.text(3))).expect("planned");
            assert!(steps.iter().any(|step| step.contains(expected)), "{sql}: {steps:#?}");
            assert!(!steps.iter().any(|step| step.contains("job_by_time")), "{sql}: {steps:#?}");
        }
    }

    fn settings(limits: &[(&str, i64)]) -> Settings {
        let threshold = |(category, share): &(&str, i64)| Threshold {
            limit: Limit::PixelShare(Share(*share)),
            category: Category::new(category),
        };
        Settings { thresholds: limits.iter().map(threshold).collect(), ..Settings::default() }
    }

    #[test]
    fn limits_are_those_that_the_printer_says_else_the_usual_ones() {
        let shown = |limits: &[(&str, i64)]| {
            threshold(Instant(5), &settings(limits)).map(|fact| (fact.lines_below.0, fact.high_above.0))
        };
        assert_eq!(shown(&[]), None);
        assert_eq!(shown(&[("mono-line", 80_000), ("low-density", 400_000)]), Some((80_000, 400_000)));
        assert_eq!(shown(&[("low-density", 400_000)]), Some((LINES_BELOW.0, 400_000)));
        let paper = BTreeMap::from([("Satin".to_owned(), Category::new("premium"))]);
        let customised = Settings { customization: paper, ..Settings::default() };
        let fact = threshold(Instant(5), &customised).expect("a paper of its own");
        assert_eq!((fact.high_above, fact.customization.len()), (HIGH_ABOVE, 1));
    }

    #[test]
    fn coverage_is_both_shares_of_a_whole_or_nothing() {
        let share = |non_white, colour| coverage(non_white, colour).map(|found| (found.non_white.0, found.colour.0));
        assert_eq!(share(Some(80_000), Some(0)), Some((80_000, 0)));
        for (non_white, colour) in [(None, Some(0)), (Some(1), None), (Some(1_000_001), Some(0)), (Some(-1), Some(0))] {
            assert_eq!(share(non_white, colour), None);
        }
    }
}

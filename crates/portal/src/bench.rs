//! What a bench compares the portal with.
//!
//! For ingest: the same packages opened alone, and their job rows inserted raw into a table with only the
//! unique index. For closing a month: an estate that a bench fills itself, closed from its jobs, closed from
//! its usage cells, and one bare sum over the same rows. Deliberately absent: a clock, and memory; who
//! measures has them.

use crate::db::bulk::{Bulk, Kind};
use crate::db::{Param, Tx, params};
use crate::ingest::{Opening, Prepared, prepare};
use crate::ledger::{AgentRef, bench_rows};
use crate::shell::{Error, ResellerScope};
use crate::statements::gather::{from_cells, gather};
use crate::statements::store::{Contract, contract, pack};
use crate::{Db, DbError};
use billing::{Input, Meter, MeterKind, Money, Period, Quantity, Statement, rate};
use protocol::package::{EvidenceKeys, PackageError};
use protocol::{Keys, VerifyingKey};
use report::{Category, Duration, Grade, Instant};
use std::collections::BTreeMap;

/// Opens packages of one agent without HTTP or a database.
pub struct Opener {
    agent: AgentRef,
    keys: Keys,
    evidence: EvidenceKeys,
}

impl Opener {
    /// Takes the agent's keys and evidence key.
    pub fn new(agent_id: &str, keys: Keys, evidence: VerifyingKey) -> Opener {
        let agent = AgentRef { reseller_id: 1, customer_id: 1, agent_id: agent_id.to_owned() };
        Opener { agent, keys, evidence: EvidenceKeys::one(evidence) }
    }

    fn prepare(&self, sealed: &[u8]) -> Result<Prepared, PackageError> {
        let opening = Opening { agent: &self.agent, best: Grade::B, evidence: &self.evidence };
        prepare(&opening, &self.keys, sealed)
    }

    /// Opens, checks and reads one sealed package; gives how many jobs it brings.
    pub fn open(&self, sealed: &[u8]) -> Result<usize, PackageError> {
        self.prepare(sealed).map(|prepared| prepared.jobs.len())
    }

    /// The job rows of one sealed package, ready to insert.
    pub fn rows(&self, sealed: &[u8]) -> Result<RawRows, PackageError> {
        let prepared = self.prepare(sealed)?;
        let rows = bench_rows(&prepared.jobs).map_err(|error| PackageError::Form(error.to_string()))?;
        Ok(RawRows(rows))
    }
}

/// Job rows as the ledger inserts them.
pub struct RawRows(Vec<Vec<Param>>);

/// A table like `job`, with the unique index only.
pub fn raw_table(db: &Db) -> Result<(), DbError> {
    crate::ledger::bench_table(db)
}

/// Inserts the rows of several packages in one transaction; gives how many rows.
pub fn insert_raw(db: &Db, packages: Vec<RawRows>) -> Result<usize, DbError> {
    let rows: Vec<_> = packages.into_iter().flat_map(|rows| rows.0).collect();
    crate::ledger::bench_insert(db, &rows)
}

/// The reseller of the estate.
const RESELLER: i64 = 1;
/// Printers of one contract; the last contract has the rest.
pub const PRINTERS_OF_CONTRACT: usize = 100;
/// Rows of one transaction, and of jobs in memory. Jobs come printer by printer, each spread over the month, so that
/// they fall everywhere into the index by time: many at once let a page of it be written once for many of them.
const ROWS: usize = 100_000;
/// The zone of every site and contract.
const ZONE: &str = "Etc/UTC";
/// The ids of contracts start here, and those of customers and printers.
const CONTRACTS: i64 = 1_000_000;
const CUSTOMERS: i64 = 2_000_000;
const PRINTERS: i64 = 100_000_000;
const HOUR: Duration = Duration::hours(1);

/// What every contract of the estate says: a fee, two prices from jobs, one from a counter, a tax.
const TERMS: &str = r#"{"currency":"EUR","time_zone":"Etc/UTC","clauses":[
    {"base-fee":{"amount":18000}},
    {"price-list":{"prices":[
        {"pattern":{"meter":"area-printed","category":"mono-line"},"price":"0.14"},
        {"pattern":{"meter":"area-printed"},"price":"0.95"},
        {"pattern":{"meter":"area-media"},"price":"0.05"}]}},
    {"tax":{"name":"VAT","rate":210000}}],
    "evidence":{"area-media":"counter"}}"#;

macro_rules! table {
    ($name:ident, $table:literal, $key:literal, [$($column:literal $kind:ident),* $(,)?]) => {
        const $name: Bulk = Bulk {
            table: $table,
            columns: &[$(($column, Kind::$kind)),*],
            key: $key,
            on_conflict: "do nothing",
        };
    };
}

table!(RESELLER_ROW, "reseller", 1, ["reseller_id" Int, "name" Text, "created_at" Int]);
table!(CUSTOMER_ROW, "customer", 2, [
    "reseller_id" Int, "customer_id" Int, "name" Text, "site" Text, "time_zone" Text, "created_at" Int
]);
table!(CONTRACT_ROW, "contract", 2, [
    "reseller_id" Int, "contract_id" Int, "customer_id" Int, "number" Text, "created_at" Int
]);
table!(VERSION_ROW, "contract_version", 3, [
    "reseller_id" Int, "contract_id" Int, "version" Int, "valid_from" Int, "terms" Text, "created_at" Int,
    "person_id" Int
]);
table!(PRINTER_ROW, "printer", 2, [
    "reseller_id" Int, "printer_id" Int, "customer_id" Int, "serial" Text, "product_name" Text, "first_seen_at" Int
]);
table!(STAY_ROW, "contract_printer", 4, [
    "reseller_id" Int, "contract_id" Int, "printer_id" Int, "from_at" Int
]);
table!(SET_ROW, "reading_set", 4, [
    "reseller_id" Int, "printer_id" Int, "read_at" Int, "agent_id" Text, "sequence" Int, "record" Int, "grade" Text
]);
table!(READING_ROW, "reading", 6, [
    "reseller_id" Int, "printer_id" Int, "meter" Text, "media" Text, "read_at" Int, "agent_id" Text, "segment" Int,
    "value" Int, "grade" Text, "sequence" Int, "record" Int
]);
table!(COUNTER_ROW, "counter", 4, [
    "reseller_id" Int, "printer_id" Int, "meter" Text, "media" Text, "segment" Int, "value" Int, "read_at" Int
]);
table!(JOB_ROW, "job", 4, [
    "reseller_id" Int, "printer_id" Int, "job_key" Text, "version" Int, "finished_at" Int, "read_at" Int,
    "core_digest" Bytes, "kind" Text, "status" Text, "media" Text, "area_printed" Int, "area_media" Int,
    "defects" Int, "grade" Text, "agent_id" Text, "sequence" Int, "record" Int, "quantities" Text
]);
table!(CELL_ROW, "usage", 5, [
    "reseller_id" Int, "printer_id" Int, "month" Int, "meter" Text, "media" Text, "quantity" Int
]);

/// The month that is closed: October 2026.
fn month() -> Result<Period, DbError> {
    Period::calendar_month(2026, 10, ZONE).map_err(|error| DbError::Unfit(error.to_string()))
}

/// How many contracts so many printers have.
fn contracts(printers: usize) -> usize {
    printers.div_ceil(PRINTERS_OF_CONTRACT)
}

fn id(first: i64, number: usize) -> i64 {
    first.saturating_add(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Fills an empty database with an estate: `printers` in contracts of [`PRINTERS_OF_CONTRACT`], read before
/// and after one month, and `jobs` of that month shared evenly by the printers. Usage cells and counters say
/// what the jobs say; every 50th job was cancelled and is in no cell. Memory stays bounded.
///
/// # Errors
///
/// A database that fails, or that is not empty: what stands there would be closed too.
pub fn fill(db: &Db, printers: usize, jobs: u64) -> Result<(), DbError> {
    let month = month()?;
    fill_contracts(db, printers, month)?;
    let mut writer = JobWriter { db, rows: Vec::with_capacity(ROWS) };
    let mut random = Random(20_261_031);
    let each = jobs / u64::try_from(printers.max(1)).unwrap_or(u64::MAX);
    let mut rest = jobs - each * u64::try_from(printers).unwrap_or(0);
    let mut others = Others::default();
    for number in 0..printers {
        let more = u64::from(rest > 0);
        rest -= more;
        let printer = id(PRINTERS, number);
        let usage = writer.printer(printer, each + more, month, &mut random)?;
        others.add(printer, &usage, month);
        if others.cells.len() >= ROWS {
            std::mem::take(&mut others).write(db)?;
        }
    }
    writer.flush()?;
    others.write(db)?;
    if db.engine() == "PostgreSQL" {
        // As the server would soon do by itself: without it, it knows nothing of the tables' sizes.
        db.script("analyze;", "delete from job_superseded where reseller_id = $1", params![0_i64])?;
    }
    Ok(())
}

fn fill_contracts(db: &Db, printers: usize, month: Period) -> Result<(), DbError> {
    let long_before = Instant(month.start.0 - Duration::hours(365 * 24).0);
    let made = db.write_now(|tx| RESELLER_ROW.insert(tx, &[params![RESELLER, "Bench", long_before].to_vec()]))?;
    if made != [true] {
        return Err(DbError::Unfit("the database is not empty: a bench fills one of its own".to_owned()));
    }
    let numbers: Vec<usize> = (0..contracts(printers)).collect();
    for some in numbers.chunks(ROWS / PRINTERS_OF_CONTRACT) {
        let (mut customers, mut rows, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut machines, mut stays) = (Vec::new(), Vec::new());
        for &number in some {
            let (customer, contract) = (id(CUSTOMERS, number), id(CONTRACTS, number));
            let name = format!("Customer {number}");
            customers.push(params![RESELLER, customer, &name, "Here", ZONE, long_before].to_vec());
            rows.push(params![RESELLER, contract, customer, format!("B-{number}"), long_before].to_vec());
            versions.push(params![RESELLER, contract, 1_i64, long_before, TERMS, long_before, 0_i64].to_vec());
            let first = number * PRINTERS_OF_CONTRACT;
            for place in first..printers.min(first + PRINTERS_OF_CONTRACT) {
                let (printer, serial) = (id(PRINTERS, place), format!("BENCH{place:07}"));
                machines.push(params![RESELLER, printer, customer, serial, "Bench", long_before].to_vec());
                stays.push(params![RESELLER, contract, printer, long_before].to_vec());
            }
        }
        db.write_now(|tx| -> Result<(), DbError> {
            CUSTOMER_ROW.insert(tx, &customers)?;
            CONTRACT_ROW.insert(tx, &rows)?;
            VERSION_ROW.insert(tx, &versions)?;
            PRINTER_ROW.insert(tx, &machines)?;
            STAY_ROW.insert(tx, &stays)?;
            Ok(())
        })?;
    }
    Ok(())
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or(0) % most.max(1)
    }

    fn one_of(&mut self, words: [&'static str; 4]) -> &'static str {
        let [first, second, third, fourth] = words;
        match self.below(4) {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }
}

/// The usage of a printer by meter and media.
type Usage = BTreeMap<(String, String), i64>;

/// Inserts jobs, so many rows a transaction.
struct JobWriter<'a> {
    db: &'a Db,
    rows: Vec<Vec<Param>>,
}

impl JobWriter<'_> {
    /// Inserts the jobs of one printer, spread over the month; gives what they used.
    fn printer(&mut self, printer: i64, jobs: u64, month: Period, random: &mut Random) -> Result<Usage, DbError> {
        let mut usage = Usage::new();
        let count = i64::try_from(jobs).unwrap_or(i64::MAX);
        let length = month.end.since(month.start).0;
        for number in 0..count {
            let at = Instant(month.start.0 + length / count.max(1) * number);
            let category = Category::new(random.one_of(["mono-line", "colour-line", "low-density", "high-density"]));
            let media = random.one_of(["Bond", "Coated", "Satin", "Vellum"]);
            let area = 60_000 + random.below(1_100_000);
            let is_counted = number % 50 != 49;
            let whole = |kind: MeterKind, amount: i64| Quantity { meter: Meter::whole(kind), media: None, amount };
            let of = |kind: MeterKind, amount: i64| {
                let media = Some(media.to_owned());
                Quantity { meter: Meter::of_category(kind, &category), media, amount }
            };
            let quantities = [
                of(MeterKind::AreaPrinted, area),
                of(MeterKind::AreaMedia, area + area / 10),
                whole(MeterKind::Pages, 1),
                whole(MeterKind::Jobs, 1),
            ];
            if is_counted {
                for quantity in &quantities {
                    let key = (quantity.meter.to_string(), quantity.media.clone().unwrap_or_default());
                    *usage.entry(key).or_default() += quantity.amount;
                }
            }
            let row = params![
                RESELLER,
                printer,
                format!("bench-{number}"),
                1_i64,
                at,
                at.plus(HOUR),
                digest(printer, number),
                "print",
                if is_counted { "printed" } else { "cancelled" },
                media,
                area,
                area + area / 10,
                0_i64,
                "B",
                "bench",
                1 + number / 500,
                1 + number,
                serde_json::to_string(&quantities)?,
            ];
            self.rows.push(row.to_vec());
            if self.rows.len() >= ROWS {
                self.flush()?;
            }
        }
        Ok(usage)
    }

    fn flush(&mut self) -> Result<(), DbError> {
        self.db.write_now(|tx| JOB_ROW.insert(tx, &self.rows))?;
        self.rows.clear();
        Ok(())
    }
}

/// 32 bytes that are another job's in no other place.
fn digest(printer: i64, number: i64) -> Vec<u8> {
    [printer, number, printer ^ number, number.rotate_left(17)].iter().flat_map(|part| part.to_le_bytes()).collect()
}

/// Rows beside jobs.
#[derive(Default)]
struct Others {
    sets: Vec<Vec<Param>>,
    readings: Vec<Vec<Param>>,
    counters: Vec<Vec<Param>>,
    cells: Vec<Vec<Param>>,
}

impl Others {
    /// A printer that was read an hour before and after each edge of the month, and whose media counter says
    /// what its jobs say.
    fn add(&mut self, printer: i64, usage: &Usage, month: Period) {
        let meter = Meter::whole(MeterKind::AreaMedia).to_string();
        let (before, after) = (|at: Instant| Instant(at.0 - HOUR.0), |at: Instant| at.plus(HOUR));
        let times = [before(month.start), after(month.start), before(month.end), after(month.end)];
        for (sequence, at) in (1_i64..).zip(times) {
            self.sets.push(params![RESELLER, printer, at, "bench", sequence, 1_i64, "B"].to_vec());
        }
        let media = usage.iter().filter(|((meter, _), _)| meter.starts_with(MeterKind::AreaMedia.word()));
        let used: i64 = media.map(|(_, amount)| amount).sum();
        let first = 1_000_000_000_000;
        for (sequence, at, value) in [(1_i64, times[0], first), (3, times[2], first + used)] {
            let row = params![RESELLER, printer, &meter, "", at, "bench", 1_i64, value, "B", sequence, 1_i64];
            self.readings.push(row.to_vec());
        }
        self.counters.push(params![RESELLER, printer, &meter, "", 1_i64, first + used, times[3]].to_vec());
        for ((meter, media), amount) in usage {
            self.cells.push(params![RESELLER, printer, 202_610_i64, meter, media, *amount].to_vec());
        }
    }

    fn write(self, db: &Db) -> Result<(), DbError> {
        db.write_now(|tx| -> Result<(), DbError> {
            SET_ROW.insert(tx, &self.sets)?;
            READING_ROW.insert(tx, &self.readings)?;
            COUNTER_ROW.insert(tx, &self.counters)?;
            CELL_ROW.insert(tx, &self.cells)?;
            Ok(())
        })
    }
}

/// The month's statements, one a contract.
pub struct Closed {
    statements: Vec<Statement>,
    basis_bytes: usize,
}

impl Closed {
    /// How many statements.
    pub fn statements(&self) -> usize {
        self.statements.len()
    }

    /// The sum of their totals, minor units.
    pub fn total(&self) -> i128 {
        self.statements.iter().map(|statement| i128::from(statement.total.0)).sum()
    }

    /// The bytes that drafts of them would keep of what they were made from.
    pub fn basis_bytes(&self) -> usize {
        self.basis_bytes
    }

    /// Whether both say the same quantities, amounts and totals, contract by contract.
    pub fn same_sums(&self, other: &Closed) -> bool {
        let mut pairs = self.statements.iter().zip(&other.statements);
        self.statements.len() == other.statements.len() && pairs.all(|(a, b)| a.same_sums(b))
    }

    /// Whether every statement charges for usage: an estate without any would prove nothing.
    pub fn charges(&self) -> bool {
        let charges = |statement: &Statement| {
            let mut lines = statement.lines.iter().filter(|line| !line.sources.is_empty());
            lines.any(|line| line.amount.is_some_and(|amount| amount > Money(0)))
        };
        !self.statements.is_empty() && self.statements.iter().all(charges)
    }
}

/// Rates the month of every contract of the estate from its jobs, as a bill run does, one contract after the
/// other, and packs what each was made from, which its draft would keep. Nothing is written.
pub fn close_raw(db: &Db) -> Result<Closed, DbError> {
    close(db, |tx, scope, contract, month, now| {
        let mut gathered = gather(tx, scope, contract, month, now)?;
        gathered.finish(billing::Carry::default(), Vec::new());
        Ok((gathered.basis.input(), pack(&gathered.basis)?.len()))
    })
}

/// The same from usage cells, which no draft is made from.
pub fn close_cells(db: &Db) -> Result<Closed, DbError> {
    close(db, |tx, scope, contract, month, now| Ok((from_cells(tx, scope, contract, month, now)?, 0)))
}

const ESTATE: &str = "select contract_id from contract where reseller_id = $1 order by contract_id";

fn close(
    db: &Db,
    input: impl Fn(&mut Tx<'_>, &ResellerScope, &Contract, Period, Instant) -> Result<(Input, usize), Error>,
) -> Result<Closed, DbError> {
    let (month, scope) = (month()?, ResellerScope::of_run(RESELLER));
    let now = month.end.plus(Duration::hours(48));
    let contracts = db.read_now(|tx| tx.query(ESTATE, params![RESELLER], |row| row.int(0)))?;
    let mut closed = Closed { statements: Vec::with_capacity(contracts.len()), basis_bytes: 0 };
    for contract_id in contracts {
        let read = |tx: &mut Tx<'_>| -> Result<(Input, usize), Error> {
            let contract = contract(tx, &scope, contract_id, month.end)?;
            input(tx, &scope, &contract, month, now)
        };
        let (input, bytes) = db.read_now(read).map_err(unfit)?;
        let rated = rate(&input).map_err(|error| DbError::Unfit(error.to_string()))?;
        closed.statements.push(rated.statement);
        closed.basis_bytes = closed.basis_bytes.saturating_add(bytes);
    }
    Ok(closed)
}

fn unfit(error: Error) -> DbError {
    match error {
        Error::Internal(cause) => DbError::Unfit(cause.to_string()),
        other => DbError::Unfit(other.to_string()),
    }
}

/// What one bare sum over the month's job rows gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate {
    /// Rows that were summed.
    pub rows: i64,
    /// Printers that they were summed for.
    pub printers: usize,
    /// The area printed of all, mm².
    pub area: i64,
}

/// By signs that change nothing it uses no index: without statistics SQLite takes the one by time, whose rows lie
/// everywhere, and the least would be many times what it is.
const AGGREGATE: &str = "select printer_id, count(*), cast(coalesce(sum(area_printed), 0) as bigint) from job
    where +reseller_id = $1 and +finished_at >= $2 and +finished_at < $3 group by printer_id";

/// The least that closing the month could cost: one statement that sums the area of the same rows by printer, in
/// the order in which they stand on the disk.
pub fn bare_aggregate(db: &Db) -> Result<Aggregate, DbError> {
    let month = month()?;
    let sums = db.read_now(|tx| {
        tx.query(AGGREGATE, params![RESELLER, month.start, month.end], |row| Ok((row.int(1)?, row.int(2)?)))
    })?;
    let (rows, area) = sums.iter().fold((0, 0), |(rows, area), (count, sum)| (rows + count, area + sum));
    Ok(Aggregate { rows, printers: sums.len(), area })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    #[test]
    fn an_estate_closes_to_the_same_sums_from_jobs_and_from_cells() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&Target::Sqlite(folder.path().join("bench.sqlite"))).expect("opens");
        fill(&db, 103, 5_260).expect("filled");
        let bare = bare_aggregate(&db).expect("summed");
        assert_eq!((bare.rows, bare.printers), (5_260, 103));
        let (raw, cells) = (close_raw(&db).expect("closed"), close_cells(&db).expect("closed"));
        assert_eq!((raw.statements(), cells.statements()), (2, 2));
        assert!(raw.charges() && raw.same_sums(&cells), "{} {}", raw.total(), cells.total());
        assert!(raw.basis_bytes() > 10_000 && cells.basis_bytes() == 0, "{}", raw.basis_bytes());
        assert!(fill(&db, 1, 1).is_err(), "the sums would be of two estates");
        let (jobs, sums) = (evidence_of_usage(&raw), evidence_of_usage(&cells));
        assert!(jobs.0 > 0 && jobs.1 == 0, "{jobs:?}");
        assert!(sums.0 == 0 && sums.1 > 0, "{sums:?}");
    }

    /// How many sources of lines are jobs, and how many sums.
    fn evidence_of_usage(closed: &Closed) -> (usize, usize) {
        let sources = || closed.statements.iter().flat_map(|statement| &statement.lines).flat_map(|line| &line.sources);
        let is_jobs = |source: &&billing::LineSource| matches!(source.evidence, billing::LineEvidence::Jobs { .. });
        let is_sum = |source: &&billing::LineSource| matches!(source.evidence, billing::LineEvidence::Sum { .. });
        (sources().filter(is_jobs).count(), sources().filter(is_sum).count())
    }
}

//! A small ledger on each database, gathered, assembled and rated.

use super::super::store::contract;
use super::*;
use crate::Target;
use crate::db::{Db, Param, params};
use billing::{Meter, Quantity, ReadingSource, Statement, SumKind, rate};

const RESELLER: i64 = 1;
const CUSTOMER: i64 = 10;
const CONTRACT: i64 = 20;
const PRINTER: i64 = 31;
const DAY: i64 = facts::DAY;
const TERMS: &str = r#"{"currency":"EUR","time_zone":"Europe/Berlin","clauses":[{"price-list":{"prices":[
    {"pattern":{"meter":"area-printed"},"price":"1"},{"pattern":{"meter":"area-media"},"price":"0.1"}]}}],
    "evidence":{"area-media":"counter"}}"#;

fn period() -> Period {
    Period::calendar_month(2026, 10, "Europe/Berlin").expect("a month")
}

/// So many days after the period's start.
fn day(days: i64) -> Instant {
    Instant(period().start.0 + days * DAY)
}

/// Square metres in mm².
fn m2(metres: i64) -> i64 {
    metres * 1_000_000
}

/// A database with one contract that one printer is in.
struct Ledger {
    db: Db,
    _folder: tempfile::TempDir,
}

/// A new database of each engine that there is.
fn ledgers() -> Vec<Ledger> {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Target::Sqlite(folder.path().join("portal.sqlite"));
    let mut ledgers = vec![Ledger::new(&sqlite, folder)];
    if let Ok(server) = std::env::var("PLOTMETER_TEST_POSTGRES") {
        let folder = tempfile::tempdir().expect("a folder");
        let named = folder.path().file_name().and_then(|name| name.to_str()).expect("a name").to_lowercase();
        let name: String = named.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("the test server");
        client.batch_execute(&format!("create database gather_{name}")).expect("a database");
        let rest: Vec<&str> = server.split(' ').filter(|part| !part.starts_with("dbname=")).collect();
        let target = Target::Postgres(format!("{} dbname=gather_{name}", rest.join(" ")));
        ledgers.push(Ledger::new(&target, folder));
    }
    ledgers
}

impl Ledger {
    fn new(target: &Target, folder: tempfile::TempDir) -> Ledger {
        let ledger = Ledger { db: Db::open(target).expect("opens"), _folder: folder };
        ledger.row("reseller", "reseller_id, name, created_at", params![RESELLER, "Nordplan", 0_i64]);
        ledger.person(7, "Ada");
        let columns = "reseller_id, customer_id, name, site, time_zone, created_at";
        ledger.row("customer", columns, params![RESELLER, CUSTOMER, "Kessler", "Here", "Europe/Berlin", 0_i64]);
        let columns = "reseller_id, contract_id, customer_id, number, created_at";
        ledger.row("contract", columns, params![RESELLER, CONTRACT, CUSTOMER, "C-1", 0_i64]);
        let columns = "reseller_id, contract_id, version, valid_from, terms, created_at, person_id, state";
        let version = params![RESELLER, CONTRACT, 1_i64, day(-90), TERMS, 0_i64, 7_i64, "standing"];
        ledger.row("contract_version", columns, version);
        ledger.printer(PRINTER);
        ledger.stay(PRINTER, day(-60), None, None);
        ledger
    }

    fn row(&self, table: &str, columns: &str, values: &[Param]) {
        let places: Vec<String> = (1..=values.len()).map(|place| format!("${place}")).collect();
        let sql = format!("insert into {table} ({columns}) values ({})", places.join(", "));
        self.run(&sql, values);
    }

    fn run(&self, sql: &str, values: &[Param]) {
        let done: Result<u64, DbError> = self.db.write_now(|tx| tx.execute(sql, values));
        done.expect("written");
    }

    fn person(&self, person: i64, name: &str) {
        let columns = "person_id, email, name, role, reseller_id, password_hash, created_at";
        self.row("person", columns, params![person, format!("{name}@x"), name, "reseller", RESELLER, "", 0_i64]);
    }

    fn printer(&self, printer: i64) {
        let columns = "reseller_id, printer_id, customer_id, serial, first_seen_at";
        self.row("printer", columns, params![RESELLER, printer, CUSTOMER, format!("CN{printer}"), day(-60)]);
    }

    fn stay(&self, printer: i64, from: Instant, to: Option<Instant>, position: Option<i64>) {
        let columns = "reseller_id, contract_id, printer_id, from_at, to_at, position_id";
        self.row("contract_printer", columns, params![RESELLER, CONTRACT, printer, from, to, position]);
    }

    fn read(&self, at: Instant, sequence: i64) {
        let columns = "reseller_id, printer_id, read_at, agent_id, sequence, record, grade";
        self.row("reading_set", columns, params![RESELLER, PRINTER, at, "agent", sequence, sequence, "B"]);
    }

    /// A reading of the media counter that the ledger kept.
    fn media(&self, at: Instant, sequence: i64, value: i64) {
        let columns = "reseller_id, printer_id, meter, media, read_at, agent_id, segment, value, grade, sequence, \
             record";
        let row = params![RESELLER, PRINTER, "area-media", "", at, "agent", 1_i64, value, "B", sequence, sequence];
        self.row("reading", columns, row);
        self.read(at, sequence);
    }

    fn counter(&self, at: Instant, value: i64) {
        let columns = "reseller_id, printer_id, meter, media, segment, value, read_at";
        self.row("counter", columns, params![RESELLER, PRINTER, "area-media", "", 1_i64, value, at]);
    }

    fn job(&self, (key, version, sequence): (&str, i64, i64), at: Instant, metres: i64) {
        let whole = |kind, amount| Quantity { meter: Meter::whole(kind), media: None, amount };
        let mut quantities = vec![whole(MeterKind::Jobs, 1)];
        if metres > 0 {
            quantities.insert(0, whole(MeterKind::AreaPrinted, m2(metres)));
        }
        let columns = "reseller_id, printer_id, job_key, version, finished_at, read_at, core_digest, kind, status, \
             non_white, colour_share, defects, grade, agent_id, sequence, record, quantities";
        let digest = vec![u8::try_from(version).expect("a small number"); 32];
        let quantities = serde_json::to_string(&quantities).expect("JSON");
        let row = params![
            RESELLER, PRINTER, key, version, at, at, digest, "print", "printed", 80_000_i64, 0_i64, 0_i64, "B",
            "agent", sequence, sequence, quantities
        ];
        self.row("job", columns, row);
    }

    fn superseded(&self, key: &str, version: i64) {
        let columns = "reseller_id, printer_id, job_key, version";
        self.row("job_superseded", columns, params![RESELLER, PRINTER, key, version]);
    }

    /// A reading that a person entered: a customer, or one of the reseller.
    fn hand(&self, source: &str, at: Instant, value: i64) {
        let columns = "reseller_id, reading_id, printer_id, meter, media, value, read_at, source, entered_at, \
             person_id, note, odd";
        let row = params![RESELLER, at, PRINTER, "area-media", "", value, at, source, at, 7_i64, "", ""];
        self.row("hand_reading", columns, row);
    }

    /// A counter of all media in square metres that came without its unit.
    fn unitless(&self, at: Instant, sequence: i64, number: &str) {
        self.unitless_of(("reading", "", 0), at, ("U17", number));
        self.read(at, sequence);
    }

    /// A number without its unit, of a reading or of a job by its key and version.
    fn unitless_of(&self, (subject, key, version): (&str, &str, i64), at: Instant, (row, number): (&str, &str)) {
        let columns = "reseller_id, printer_id, subject, key, version, at, row, number, product_number, firmware";
        let values = params![RESELLER, PRINTER, subject, key, version, at, row, number, "CZ1", ""];
        self.row("unitless", columns, values);
    }

    fn declare(&self, declaration: i64, row: &str, person: i64) {
        let columns = "reseller_id, declaration_id, product_number, firmware, row, unit, note, declared_at, \
             person_id";
        let row = params![RESELLER, declaration, "CZ1", "", row, "m2", "", day(5), person];
        self.row("declared_unit", columns, row);
    }

    fn cell(&self, meter: &str, amount: i64) {
        let columns = "reseller_id, printer_id, month, meter, media, quantity";
        self.row("usage", columns, params![RESELLER, PRINTER, 202_610_i64, meter, "", amount]);
    }

    fn fold(&self, sequence: i64, until: Instant, metres: i64) {
        self.fold_of("agent", sequence, until, metres);
    }

    /// Jobs that an agent summed up, since day 1.
    fn fold_of(&self, agent: &str, sequence: i64, until: Instant, metres: i64) {
        let columns = "reseller_id, printer_id, agent_id, sequence, record, since_at, until_at, jobs, pages, \
             area_printed, area_media, ink, categories";
        let row = params![
            RESELLER,
            PRINTER,
            agent,
            sequence,
            1_i64,
            day(1),
            until,
            3_i64,
            6_i64,
            m2(metres),
            0_i64,
            0_i64,
            "[]"
        ];
        self.row("job_fold", columns, row);
    }

    /// What is gathered at day 40, finished without carry.
    fn gathered(&self) -> Gathered {
        let scope = ResellerScope::of_new_reseller(RESELLER);
        let read = |tx: &mut Tx<'_>| -> Result<Gathered, Error> {
            let contract = contract(tx, &scope, CONTRACT, period().end)?;
            gather(tx, &scope, &contract, period(), day(40))
        };
        let mut gathered = self.db.read_now(read).expect("gathered");
        gathered.finish(Carry::default(), Vec::new());
        gathered
    }

    fn cells(&self) -> Input {
        let scope = ResellerScope::of_new_reseller(RESELLER);
        let read = |tx: &mut Tx<'_>| -> Result<Input, Error> {
            let contract = contract(tx, &scope, CONTRACT, period().end)?;
            from_cells(tx, &scope, &contract, period(), day(40))
        };
        self.db.read_now(read).expect("an input")
    }

    fn rated(&self) -> Statement {
        rate(&self.gathered().basis.input()).expect("rated").statement
    }
}

fn packages(gathered: &Gathered) -> Vec<u64> {
    gathered.basis.origins.get("agent").into_iter().flatten().copied().collect()
}

#[test]
fn a_period_is_gathered_assembled_and_rated_with_the_packages_that_prove_it() {
    for ledger in ledgers() {
        ledger.media(day(-5), 1, m2(1_000));
        ledger.read(day(-1), 2);
        ledger.media(day(10), 3, m2(1_060));
        ledger.media(day(20), 4, m2(1_100));
        ledger.read(day(33), 5);
        ledger.media(day(50), 6, m2(1_200));
        ledger.counter(day(50), m2(1_200));
        ledger.job(("before", 1, 1), day(-3), 9);
        ledger.job(("again", 1, 3), day(9), 50);
        ledger.job(("again", 2, 4), day(9), 55);
        ledger.superseded("again", 1);
        // The version in force lies in the period after.
        ledger.job(("moved", 1, 3), day(8), 70);
        ledger.job(("moved", 2, 6), day(45), 70);
        ledger.superseded("moved", 1);
        let gathered = ledger.gathered();
        let facts = &gathered.basis.facts[0];
        let readings: Vec<(i64, i64)> =
            facts.readings.iter().map(|fact| ((fact.read_at.0 - period().start.0) / DAY, fact.value / m2(1))).collect();
        let expected = [(-5, 1_000), (-1, 1_000), (10, 1_060), (20, 1_100), (33, 1_100), (50, 1_200)];
        assert_eq!(readings, expected);
        assert_eq!(facts.jobs.iter().map(|job| job.key.as_str()).collect::<Vec<_>>(), ["again"]);
        assert!(facts.jobs[0].kind.is_some() && facts.jobs[0].coverage.is_some());
        assert_eq!(packages(&gathered), [1, 2, 3, 4, 5, 6]);
        let statement = ledger.rated();
        // 55 m² at 1.00 and 100 m² of media at 0.10.
        assert_eq!(statement.net.0, 6_500);
        assert_eq!(gathered.extra["31"].last_read, Some(day(33)));
        let said: BTreeSet<&str> = gathered.basis.said.iter().map(|said| said.what.as_str()).collect();
        assert_eq!(said, BTreeSet::from(["parties", "run", "stay", "terms"]));
    }
}

#[test]
fn folds_count_once_in_the_period_in_which_they_end() {
    for ledger in ledgers() {
        ledger.job(("one", 1, 1), day(3), 5);
        assert_eq!(ledger.rated().net.0, 500);
        ledger.fold(2, day(12), 12);
        ledger.fold(3, day(32), 40);
        // Its agent's second stay brings nothing twice.
        ledger.run(
            "update contract_printer set to_at = $3 where reseller_id = $1 and contract_id = $2",
            params![RESELLER, CONTRACT, day(11)],
        );
        ledger.stay(PRINTER, day(11), None, None);
        let gathered = ledger.gathered();
        assert_eq!((gathered.basis.facts.len(), gathered.basis.facts[0].stays.len()), (1, 2));
        assert_eq!(gathered.basis.facts[0].sums.len(), 1);
        assert_eq!(packages(&gathered), [1, 2]);
        let statement = ledger.rated();
        assert_eq!(statement.net.0, 1_700);
        assert!(statement.lines.iter().any(|line| line.marks.contains(&Mark::Folded)));
    }
}

#[test]
fn a_fold_is_not_billed_where_another_agent_brought_jobs_of_its_time() {
    for ledger in ledgers() {
        ledger.job(("one", 1, 1), day(13), 5);
        ledger.fold_of("other", 2, day(12), 12);
        assert_eq!(ledger.rated().net.0, 1_700);
        // It may be one of the twelve square metres.
        ledger.job(("two", 1, 4), day(11), 7);
        let gathered = ledger.gathered();
        let kinds: Vec<SumKind> = gathered.basis.facts[0].sums.iter().map(|sum| sum.kind).collect();
        assert_eq!(kinds, [SumKind::Beside]);
        assert_eq!(packages(&gathered), [1, 4]);
        assert_eq!(gathered.basis.origins["other"], BTreeSet::from([2]));
        let statement = ledger.rated();
        assert_eq!(statement.net.0, 1_200);
        assert!(statement.notes.iter().any(|note| note.contains("a sum of 3 jobs")), "{:?}", statement.notes);
        assert_eq!(ledger.cells().printers[0].sums[0].kind, SumKind::Beside);
    }
}

#[test]
fn a_job_of_before_the_period_that_lies_in_a_fold_is_proved_too() {
    for ledger in ledgers() {
        ledger.job(("before", 1, 4), day(-1), 7);
        ledger.fold_of("other", 2, day(2), 12);
        ledger.run("update job_fold set since_at = $2 where reseller_id = $1", params![RESELLER, day(-2)]);
        let gathered = ledger.gathered();
        assert_eq!((gathered.basis.facts[0].jobs.len(), packages(&gathered)), (0, vec![4]));
        assert_eq!(ledger.rated().net.0, 0);
    }
}

#[test]
fn a_person_s_reading_does_not_count_beside_a_printer_that_was_read_and_stood_still() {
    for ledger in ledgers() {
        ledger.media(day(-1), 1, m2(1_000));
        ledger.read(day(11), 2);
        ledger.read(day(13), 3);
        ledger.media(day(20), 4, m2(1_001));
        ledger.read(day(33), 5);
        ledger.counter(day(33), m2(1_001));
        // A slip of the hand, five square metres too many.
        ledger.hand("customer", day(12), m2(1_005));
        assert_eq!(ledger.rated().net.0, 10);
    }
}

#[test]
fn a_silent_counter_has_no_reading_though_the_printer_was_read() {
    for ledger in ledgers() {
        ledger.media(day(19), 1, m2(100));
        ledger.read(day(30), 2);
        ledger.read(day(33), 3);
        ledger.media(day(50), 4, m2(140));
        ledger.counter(day(50), m2(140));
        let ats = || -> Vec<i64> {
            let readings = ledger.gathered().basis.facts.remove(0).readings;
            readings.iter().map(|fact| (fact.read_at.0 - period().start.0) / DAY).collect()
        };
        // While nobody knows which rows came, the printer's readings stand for all of them.
        assert_eq!(ats(), [19, 30, 33, 50]);
        ledger.run("update counter set bit = 4 where reseller_id = $1", params![RESELLER]);
        let others = "update reading_set set counted = 3 where reseller_id = $1 and sequence in (2, 3)";
        ledger.run(others, params![RESELLER]);
        assert_eq!(ats(), [19, 50]);
    }
}

#[test]
fn a_declared_counter_is_asked_for_from_its_own_last_reading() {
    for ledger in ledgers() {
        ledger.declare(1, "U17", 7);
        ledger.unitless(day(-6), 1, "100");
        // Another agent reads the printer by the edge, and gives no such number.
        ledger.read(day(-1), 2);
        ledger.unitless(day(5), 3, "104");
        ledger.unitless(day(33), 4, "110");
        assert_eq!(ledger.rated().net.0, 40);
    }
}

#[test]
fn an_estimate_of_jobs_falls_away_with_any_counter_that_was_read() {
    for ledger in ledgers() {
        let columns = "reseller_id, estimate_id, printer_id, meter, media, start_at, end_at, quantity, method, \
             basis, made_at";
        let (start, end) = (day(10), period().end);
        let row =
            params![RESELLER, 1_i64, PRINTER, "area-printed", "", start, end, m2(50), "daily30", "a mean", day(32)];
        ledger.row("estimate", columns, row);
        assert_eq!(ledger.rated().net.0, 5_000);
        // It gives a counter of ink only, for which there is no price.
        ledger.media(day(5), 1, 700);
        ledger.media(day(33), 2, 900);
        ledger.counter(day(33), 900);
        for table in ["reading", "counter"] {
            ledger.run(&format!("update {table} set meter = 'ink' where reseller_id = $1"), params![RESELLER]);
        }
        assert_eq!(ledger.rated().net.0, 0);
    }
}

#[test]
fn what_is_kept_apart_of_any_agent_that_reads_the_printer_is_counted() {
    for ledger in ledgers() {
        let columns = "reseller_id, agent_id, customer_id, host, version, state, created_at, settings_version, \
             interval_minutes";
        for agent in ["agent", "stranger"] {
            let row = params![RESELLER, agent, CUSTOMER, "host", "1", "suspended", 0_i64, 0_i64, 60_i64];
            ledger.row("agent", columns, row);
        }
        ledger.read(day(-5), 1);
        let columns = "reseller_id, agent_id, sequence, digest, first_record, last_record, received_at, receipt, \
             body, held";
        for (agent, sequence, held) in [("agent", 2_i64, 1_i64), ("agent", 3, 1), ("agent", 4, 0), ("stranger", 2, 1)] {
            let digest = vec![0_u8; 32];
            let row = params![RESELLER, agent, sequence, digest, 1_i64, 1_i64, day(3), "", Vec::<u8>::new(), held];
            ledger.row("package", columns, row);
        }
        assert_eq!(ledger.gathered().extra["31"].quarantine, 2);
    }
}

#[test]
fn a_declared_unit_counts_until_it_is_withdrawn() {
    for ledger in ledgers() {
        ledger.job(("plain", 1, 1), day(3), 2);
        ledger.job(("bare", 1, 1), day(4), 0);
        ledger.unitless_of(("job", "bare", 1), day(4), ("P20", "1.5"));
        let before = ledger.gathered();
        assert_eq!((before.extra["31"].unitless, ledger.rated().net.0), (1, 200));
        ledger.declare(1, "P20", 7);
        let declared = ledger.gathered();
        assert_eq!((declared.extra["31"].unitless, ledger.rated().net.0), (0, 350));
        let said = declared.basis.said.iter().find(|said| said.what == "job").expect("it is said");
        assert_eq!((said.by.as_str(), said.at), ("Ada", day(4)));
        // Who declared the unit of another row did not say this.
        ledger.person(8, "Bob");
        ledger.declare(2, "U17", 8);
        assert_eq!(ledger.gathered().basis, declared.basis);
        ledger.run(
            "update declared_unit set withdrawn_at = $2, withdrawn_by = $3 where reseller_id = $1",
            params![RESELLER, day(6), 7_i64],
        );
        assert_eq!(ledger.gathered().basis, before.basis);
    }
}

#[test]
fn cells_give_the_same_sums_as_the_jobs_where_they_fit() {
    for ledger in ledgers() {
        ledger.job(("one", 1, 1), day(3), 5);
        ledger.job(("two", 1, 1), day(4), 7);
        ledger.fold(2, day(12), 12);
        for (meter, amount) in [("area-printed", m2(12)), ("jobs", 2), ("pages", 0)] {
            ledger.cell(meter, amount);
        }
        let cells = ledger.cells();
        let sums: Vec<(SumKind, u64)> = cells.printers[0].sums.iter().map(|sum| (sum.kind, sum.jobs)).collect();
        assert_eq!(sums, [(SumKind::Fold, 3), (SumKind::Cells, 2)]);
        assert!(cells.printers[0].jobs.is_empty());
        let from_cells = rate(&cells).expect("rated").statement;
        assert!(from_cells.same_sums(&ledger.rated()), "{:?}", from_cells.lines);
        assert_eq!(from_cells.net.0, 2_400);
        // A printer that came in the month brings cells of before: then the jobs are asked.
        ledger.run(
            "update contract_printer set from_at = $3 where reseller_id = $1 and contract_id = $2",
            params![RESELLER, CONTRACT, Instant(day(3).0 + 1)],
        );
        let cells = ledger.cells();
        assert_eq!(cells.printers[0].jobs.len(), 1);
        assert_eq!(rate(&cells).expect("rated").statement.net.0, 1_900);
    }
}

#[test]
fn a_move_cuts_a_stay_and_a_successor_fills_its_predecessors_place() {
    for ledger in ledgers() {
        ledger.run(
            "update contract_printer set to_at = $3 where reseller_id = $1 and contract_id = $2",
            params![RESELLER, CONTRACT, day(20)],
        );
        ledger.printer(32);
        ledger.stay(32, day(20), None, Some(PRINTER));
        for (site, name) in [(5_i64, "North"), (6, "South"), (7, "Nowhere")] {
            let columns = "reseller_id, site_id, customer_id, name, details, created_at";
            let details = r#"{"country":"DE"}"#;
            ledger.row("site", columns, params![RESELLER, site, CUSTOMER, name, details, 0_i64]);
        }
        for (from, site) in [(day(-70), 5_i64), (day(7), 6)] {
            let columns = "reseller_id, printer_id, from_at, site_id";
            ledger.row("printer_site", columns, params![RESELLER, PRINTER, from, site]);
        }
        let basis = ledger.gathered().basis;
        let stays = |place: usize| -> Vec<(i64, Option<&str>, Option<&str>)> {
            let since = |at: Instant| (at.0 - period().start.0) / DAY;
            let stays = basis.facts[place].stays.iter();
            stays.map(|stay| (since(stay.from), stay.position.as_deref(), stay.site.as_deref())).collect()
        };
        assert_eq!(stays(0), [(-60, Some("31"), Some("5")), (7, Some("31"), Some("6"))]);
        assert_eq!(stays(1), [(20, Some("31"), None)]);
        let names: Vec<&str> = basis.input.sites.values().map(|site| site.name.as_str()).collect();
        assert_eq!(names, ["North", "South"]);
    }
}

#[test]
fn what_people_read_decided_and_estimated_is_gathered_with_their_names() {
    for ledger in ledgers() {
        ledger.media(day(-1), 1, m2(1_000));
        ledger.media(day(10), 2, m2(40));
        ledger.counter(day(10), m2(40));
        let columns = "reseller_id, decision_id, printer_id, meter, media, at, reason, counts_from, note, \
             decided_at, person_id";
        let row = params![RESELLER, 1_i64, PRINTER, "area-media", "", day(10), "reset", 0_i64, "", day(11), 7_i64];
        ledger.row("segment_decision", columns, row);
        ledger.hand("manual", period().end, m2(70));
        let gathered = ledger.gathered();
        let facts = &gathered.basis.facts[0];
        let sources: Vec<ReadingSource> = facts.readings.iter().map(|fact| fact.source).collect();
        assert_eq!(sources, [ReadingSource::Printer, ReadingSource::Printer, ReadingSource::Manual]);
        assert_eq!(facts.decisions.len(), 1);
        let by: Vec<(&str, &str)> = gathered.basis.said.iter().map(|s| (s.what.as_str(), s.by.as_str())).collect();
        assert!(by.contains(&("decision", "Ada")) && by.contains(&("reading", "Ada")), "{by:?}");
        // 40 m² since the reset, and 30 m² that a person read at the end, at 0.10.
        assert_eq!(ledger.rated().net.0, 700);
    }
}

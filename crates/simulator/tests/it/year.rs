//! A year of three contracts, closed month by month: what the portal bills is what the printers printed.
//!
//! Simulated printers are read by real drivers, real packages go over real sockets into a real portal, under
//! one virtual clock. In the year a counter begins at zero again, one is reset, a board and a printer are
//! replaced, a collector is off and another one loses its way, one printer has two agents, and one reading
//! is estimated. Every statement is held against the slow recount of what it was made from, every evidence
//! file is verified, and the sum of all documents against the printers' own books.
//!
//! `PLOTMETER_FULL=1` makes it more printers, more jobs and a reading a day.

mod books;
mod estate;
mod office;

use billing::{
    Decision, DocumentKind, EstimateFact, Meter, MeterKind, Method, Month, Period, SegmentReason, Statement, Step,
    recount,
};
use books::ZONE;
use estate::{Agent, Machine, Way, printer, printer_above};
use evidence::{Basis, Body};
use office::Office;
use portal::Target;
use portal::setup::{self, Outcome};
use protocol::message::AgentKind;
use report::{Area, Duration, Instant};
use simulator::printer::Quirks;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_bills_is_what_the_printers_printed_on_sqlite() {
    year(None, "SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_bills_is_what_the_printers_printed_on_postgresql() {
    if let Some(target) = tokio::task::spawn_blocking(office::postgres).await.expect("asked") {
        year(Some(target), "PostgreSQL").await;
    }
}

const M2: i64 = 1_000_000;

/// Drafts: id, and 1 for a note.
const DRAFTS: &str = "select statement_id, cast(case when kind = 'statement' then 0 else 1 end as bigint)
    from statement where state = 'draft' order by period_start, statement_id";
/// What was issued: id and contract.
const ISSUED: &str = "select statement_id, contract_id from statement where state in ('issued', 'corrected')
    order by number";
const WAITING: &str = "select count(*), cast(0 as bigint) from statement where state in ('draft', 'approved')";
/// The breaks of the counter of all media that were decided: all, and those by people.
const DECIDED: &str = "select count(*), count(person_id) from segment_decision
    where meter = 'area-media' and media = ''";

/// The agents: one a customer, and one beside a printer, which comes last in each round.
const JOBS: usize = 0;
const COUNTER: usize = 1;
const POOL: usize = 2;
const BESIDE: usize = 3;
/// The machines that something happens to.
const TWO_PATHS: usize = 1;
const ROLLS_OVER: usize = 2;
const REPLACED: usize = 3;
const SUCCESSOR: usize = 7;

/// What happens at an instant.
#[derive(Clone, Copy)]
enum Act {
    /// Every agent reads.
    Read,
    /// One agent reads.
    ReadBy(usize),
    /// The way of an agent changes.
    Way(usize, Way),
    /// A counter is set to zero.
    Reset,
    /// A board is replaced by one that has counted before, and later somebody says so.
    Board,
    Explain,
    /// A new printer stands beside the old one, and takes its place.
    Arrive,
    Swap,
    /// Somebody has the missing end of March estimated, and far too low.
    Estimate,
    /// A month is billed.
    Close(Month),
}

fn at(text: &str) -> Instant {
    Instant::parse(text).expect("a timestamp")
}

fn month(number: i8) -> Month {
    Month::new(if number >= 10 { 2026 } else { 2027 }, number).expect("a month")
}

fn period(month: Month) -> Period {
    Period::of_month(month, ZONE).expect("a period")
}

/// October 2026 to September 2027.
fn months() -> impl Iterator<Item = Month> {
    [10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9].into_iter().map(month)
}

fn whole_year() -> Period {
    Period::new(period(month(10)).start, period(month(9)).end).expect("a period")
}

/// The first instant of 15 June at the site: then the successor takes the place.
fn swapped_at() -> Instant {
    at("2027-06-14T22:00:00Z")
}

/// How much.
struct Size {
    jobs_per_day: i64,
    days_between_readings: i64,
    /// Printers of each contract to which nothing happens.
    more: usize,
}

impl Size {
    fn wanted() -> Size {
        if std::env::var_os("PLOTMETER_FULL").is_some() {
            Size { jobs_per_day: 6, days_between_readings: 1, more: 4 }
        } else {
            Size { jobs_per_day: 2, days_between_readings: 5, more: 0 }
        }
    }
}

/// Everything that happens, in order.
fn plan(size: &Size) -> Vec<(Instant, Act)> {
    let year = whole_year();
    let step = Duration::hours(24 * size.days_between_readings);
    let mut plan = Vec::new();
    let mut read_at = year.start.plus(step);
    // 365 days are a whole number of steps: the year's last reading lies on its end.
    while read_at <= year.end {
        plan.push((read_at, Act::Read));
        read_at = read_at.plus(step);
    }
    for month in months() {
        plan.push((period(month).end.plus(Duration::hours(24 * 3 + 14)), Act::Close(month)));
    }
    plan.extend([
        // Off over the end of November: the edge is worked out once it is read again.
        (at("2026-11-24T12:00:00Z"), Act::Way(COUNTER, Way::Off)),
        (at("2026-12-09T12:00:00Z"), Act::Way(COUNTER, Way::Open)),
        // Cut off over the end of January: its jobs come after January was issued.
        (at("2027-01-22T12:00:00Z"), Act::Way(JOBS, Way::Cut)),
        (at("2027-02-07T12:00:00Z"), Act::Way(JOBS, Way::Open)),
        (at("2027-02-11T10:00:00Z"), Act::ReadBy(COUNTER)),
        (at("2027-02-11T10:00:00Z"), Act::Reset),
        (at("2027-03-24T12:00:00Z"), Act::Way(COUNTER, Way::Off)),
        (at("2027-04-03T09:00:00Z"), Act::Estimate),
        (at("2027-04-08T12:00:00Z"), Act::Way(COUNTER, Way::Open)),
        (at("2027-04-20T10:00:00Z"), Act::ReadBy(COUNTER)),
        (at("2027-04-20T10:00:00Z"), Act::Board),
        (at("2027-04-20T10:10:00Z"), Act::ReadBy(COUNTER)),
        (at("2027-04-20T10:20:00Z"), Act::Explain),
        (at("2027-05-20T12:00:00Z"), Act::Way(POOL, Way::Cut)),
        (at("2027-06-08T12:00:00Z"), Act::Way(POOL, Way::Open)),
        (Instant(swapped_at().0 - 1), Act::Arrive),
        (swapped_at(), Act::ReadBy(COUNTER)),
        (swapped_at().plus(Duration::hours(1)), Act::Swap),
    ]);
    plan.sort_by_key(|(at, _)| *at);
    plan
}

/// The world of the year.
struct Year {
    office: Office,
    now: Instant,
    machines: Vec<Machine>,
    /// The machines of each contract: by jobs, by counter, pooled.
    groups: [Vec<usize>; 3],
    agents: Vec<Agent>,
    contracts: [i64; 3],
    /// The portal's ids of printers by serial number.
    ids: BTreeMap<String, i64>,
    customers: [i64; 3],
    /// What the new board showed first, mm², and when it was read first.
    board: Option<(i64, Instant)>,
}

/// The machines, and how many mm² the counter of one of them tells apart: it begins at zero again in January.
fn machines(size: &Size) -> (Vec<Machine>, [Vec<usize>; 3], i64) {
    let start = Instant(whole_year().start.0 - Duration::hours(72).0);
    let usual = |model: usize, seed: u64| printer(model, seed, start, size.jobs_per_day);
    let rolls_over = printer_above(2, 2_000 * M2, start, size.jobs_per_day);
    let mut ahead = rolls_over.clone();
    ahead.advance(at("2027-01-15T12:00:00Z"));
    let values = ahead.counters().media_area.0 + 1;
    let rolls_over = rolls_over.with_quirks(Quirks { media_values: values, ..Quirks::default() });
    // One whose counter stands above all of those values cannot be taken for one that began again.
    let replaced = printer_above(4, values, start, size.jobs_per_day);
    let by_jobs = [usual(0, 901), usual(5, 902)];
    let by_counter = [rolls_over, replaced, usual(1, 903)];
    let (pooled, successor) = ([usual(7, 904), usual(3, 905)], usual(4, 906));
    let all = by_jobs.into_iter().chain(by_counter).chain(pooled).chain([successor]);
    let mut machines: Vec<Machine> = all.map(Machine::new).collect();
    let mut groups = [vec![0, TWO_PATHS], vec![ROLLS_OVER, REPLACED, 4], vec![5, 6]];
    for (number, group) in (0_u64..).zip(&mut groups) {
        for (seed, model) in (1_000 + 100 * number..).zip((0..8).cycle()).take(size.more) {
            group.push(machines.len());
            machines.push(Machine::new(usual(model, seed)));
        }
    }
    (machines, groups, values)
}

impl Year {
    /// Enrols the agents, reads everything on the year's first instant and makes the contracts.
    async fn begin(target: Option<Target>, size: &Size) -> Year {
        let start = whole_year().start;
        let office = Office::open(target, start).await;
        let (machines, groups, values) = machines(size);
        let customers = office.with(|portal, reseller| {
            ["Kessler Architekten", "Stadtwerke", "Atelier Nord"]
                .map(|name| setup::customer(portal, reseller, name, "Köln", ZONE).expect("a customer"))
        });
        let customers = customers.await;
        let mut agents = Vec::new();
        for (customer, kind, places) in [
            (customers[0], AgentKind::Collector, groups[0].clone()),
            (customers[1], AgentKind::Collector, groups[1].clone()),
            (customers[2], AgentKind::Collector, groups[2].clone()),
            (customers[0], AgentKind::Direct, vec![TWO_PATHS]),
        ] {
            agents.push(Agent::new(office.enrol(customer, kind).await, places));
        }
        let ids = BTreeMap::new();
        let contracts = [0; 3];
        let mut year = Year { office, now: start, machines, groups, agents, contracts, ids, customers, board: None };
        year.read_all(start).await;
        let terms = [books::by_jobs(), books::by_counter(values), books::pooled()];
        for (place, terms) in terms.into_iter().enumerate() {
            year.contract(place, terms).await;
        }
        year
    }

    /// Makes a contract that all printers of a customer are in from the year's start on.
    async fn contract(&mut self, place: usize, terms: billing::Terms) {
        assert_eq!(terms.validate(), Ok(()));
        let (customer, person) = (self.customers[place], self.office.person);
        let made = self.office.with(move |portal, reseller| {
            let start = whole_year().start;
            let number = format!("C-{}", place + 1);
            let contract = setup::contract(portal, reseller, customer, &number, &terms, (start, person));
            let contract = contract.expect("a contract");
            let printers = setup::printers(portal, reseller, customer).expect("printers");
            for (printer, _) in &printers {
                setup::assign(portal, reseller, contract, *printer, start).expect("assigned");
            }
            (contract, printers)
        });
        let (contract, printers) = made.await;
        assert_eq!(printers.len(), self.groups[place].len());
        self.contracts[place] = contract;
        self.ids.extend(printers.into_iter().map(|(id, serial)| (serial, id)));
    }

    fn id(&self, machine: usize) -> i64 {
        *self.ids.get(self.machines[machine].printer.serial()).expect("the portal knows it")
    }

    fn set_now(&mut self, now: Instant) {
        self.now = now;
        self.office.set_now(now);
    }

    async fn read_all(&mut self, at: Instant) {
        for agent in 0..self.agents.len() {
            // The agent beside the printer looks a little later: nothing is read twice at one instant.
            let later = if agent == BESIDE { Duration::minutes(5) } else { Duration(0) };
            self.set_now(at.plus(later));
            self.agents[agent].read(&self.office, &mut self.machines, at.plus(later)).await;
        }
    }

    async fn act(&mut self, at: Instant, act: Act) {
        self.set_now(at);
        match act {
            Act::Read => self.read_all(at).await,
            Act::ReadBy(agent) => self.agents[agent].read(&self.office, &mut self.machines, at).await,
            Act::Way(agent, way) => {
                self.agents[agent].way = way;
                self.agents[agent].send(&self.office).await;
            }
            Act::Reset => self.machines[REPLACED].printer.reset_counters(),
            Act::Board => {
                let printer = &mut self.machines[REPLACED].printer;
                let first = printer.shown().media_area.0 / 2;
                printer.replace_board(Area(first));
                self.board = Some((first, at.plus(Duration::minutes(10))));
            }
            Act::Explain => self.explain().await,
            Act::Arrive => self.agents[COUNTER].machines.push(SUCCESSOR),
            Act::Swap => self.swap().await,
            Act::Estimate => self.estimate().await,
            Act::Close(month) => self.close(month).await,
        }
    }

    /// A person says that the board was replaced, and what the new one showed.
    async fn explain(&mut self) {
        let (first, read_at) = self.board.expect("a board was replaced");
        let (printer, person, now) = (self.id(REPLACED), self.office.person, self.now);
        let decision = Decision {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            at: read_at,
            reason: SegmentReason::Swap,
            counts_from: Some(first),
            width: None,
            by: "Ada".to_owned(),
            decided_at: now,
        };
        let decide = move |portal: &portal::Portal, reseller: &setup::NewReseller| {
            setup::decide(portal, reseller, printer, &decision, "Another board.", Some(person)).expect("decided");
        };
        self.office.with(decide).await;
    }

    /// The successor, which was read, takes the place of the old printer; nobody reads that one any more.
    async fn swap(&mut self) {
        let customer = self.customers[1];
        let known = move |portal: &portal::Portal, reseller: &setup::NewReseller| {
            setup::printers(portal, reseller, customer).expect("printers")
        };
        let printers = self.office.with(known).await;
        self.ids.extend(printers.into_iter().map(|(id, serial)| (serial, id)));
        self.office.swap(self.id(REPLACED), self.id(SUCCESSOR), "2027-06-15").await;
        self.agents[COUNTER].machines.retain(|place| *place != REPLACED);
    }

    async fn estimate(&mut self) {
        let printer = self.id(ROLLS_OVER);
        let span = Period::new(self.agents[COUNTER].read_at, period(month(3)).end).expect("a span");
        let fact = EstimateFact {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            span,
            quantity: M2,
            method: Method::Daily30,
            basis: "somebody's guess".to_owned(),
        };
        let keep = move |portal: &portal::Portal, reseller: &setup::NewReseller| {
            setup::estimate(portal, reseller, printer, &fact, None).expect("kept");
        };
        self.office.with(keep).await;
    }

    /// Draws up the month, issues notes on months before, draws up anew where there were any, and issues all.
    async fn close(&mut self, month: Month) {
        for _ in 0..4 {
            self.office.with(move |portal, _| draw_up(portal, month)).await;
            let drafts = self.office.rows(DRAFTS).await;
            let notes: Vec<i64> = drafts.iter().filter(|(_, note)| *note == 1).map(|(id, _)| *id).collect();
            let has_notes = !notes.is_empty();
            let all: Vec<i64> = drafts.iter().map(|(id, _)| *id).collect();
            self.issue(if has_notes { notes } else { all }).await;
            if !has_notes {
                assert_eq!(self.office.rows(WAITING).await, [(0, 0)], "{month:?}");
                return;
            }
            self.set_now(self.now.plus(Duration::minutes(1)));
        }
        panic!("{month:?}: notes and no end");
    }

    /// Approves and issues; for a printer that was not read a reason is signed.
    async fn issue(&self, documents: Vec<i64>) {
        let person = self.office.person;
        let issue = move |portal: &portal::Portal, reseller: &setup::NewReseller| {
            for id in documents {
                setup::approve(portal, reseller, id, person).unwrap_or_else(|error| panic!("statement {id}: {error}"));
            }
        };
        self.office.with(issue).await;
    }

    /// Has every period looked at once more; what is still outstanding is settled. Then nothing is.
    async fn settle(&mut self) {
        let person = self.office.person;
        for contract in self.contracts {
            let issued = self.office.rows(ISSUED).await;
            let first = issued.iter().find(|(_, of)| *of == contract).map(|(id, _)| *id).expect("it was billed");
            for is_last in [false, true] {
                self.set_now(self.now.plus(Duration::minutes(1)));
                let again = move |portal: &portal::Portal, reseller: &setup::NewReseller| {
                    setup::correct(portal, reseller, first, person, "The year is over.").expect("rated again")
                };
                let notes = self.office.with(again).await;
                assert!(!is_last || notes.is_empty(), "contract {contract}: {} notes again", notes.len());
                self.issue(notes).await;
            }
        }
    }
}

fn draw_up(portal: &portal::Portal, month: Month) {
    let mut failed = Vec::new();
    let drawn = setup::bill(portal, month, None, &mut |progress| {
        if let Outcome::Failed(why) = &progress.outcome {
            failed.push(format!("{}: {why}", progress.contract));
        }
    });
    let summary = drawn.expect("a run");
    assert!(failed.is_empty() && summary.failed == 0, "{month:?}: {failed:?}");
    assert_eq!(summary.drawn + summary.skipped, 3, "{month:?}");
}

/// A document as it was issued, held against its own evidence.
struct Audited {
    contract: i64,
    statement: Statement,
    /// Its net, as the slow recount of what it was made from gives it.
    counted: i128,
}

fn of_contract(documents: &[Audited], contract: i64) -> impl Iterator<Item = &Audited> {
    documents.iter().filter(move |of| of.contract == contract)
}

/// What a document charges or gives back for a period, minor units.
fn charged(statement: &Statement, period: Period) -> i128 {
    let of = |line: &&billing::Line| line.refers.as_ref().map_or(statement.period, |refers| refers.period) == period;
    statement.lines.iter().filter(of).filter_map(|line| line.amount).map(|amount| i128::from(amount.0)).sum()
}

/// Verifies the evidence file of a document and counts it again from what stands in it.
fn audited(contract: i64, document: &str, file: &[u8]) -> Audited {
    let statement: Statement = serde_json::from_str(document).expect("a document");
    let number = statement.number.clone().unwrap_or_default();
    let verdict = evidence::verify(file, None, None);
    let verdict = verdict.unwrap_or_else(|findings| panic!("{number} of {}: {findings:#?}", statement.period_label));
    assert_eq!((verdict.number.as_str(), verdict.total), (number.as_str(), statement.total));
    let start = file.iter().position(|byte| *byte == b'\n').expect("a first line") + 1;
    let body: Body<'_> = serde_json::from_slice(&file[start..]).expect("a body");
    assert!(body.documents.iter().any(|of| of.get() == document), "{number} is another one in its evidence");
    let basis = Basis::read(body.basis.get().as_bytes()).expect("a basis");
    let mut counted = recount(&basis.input());
    // A note is the difference to what was billed for its period before.
    for billed in &body.billed {
        let before: Statement = serde_json::from_str(billed.document.get()).expect("a document");
        counted -= charged(&before, statement.period);
    }
    assert_eq!(i128::from(statement.net.0), counted, "{number} of {}", statement.period_label);
    Audited { contract, statement, counted }
}

impl Year {
    /// Every document that was issued, verified and counted again.
    async fn audit(&self) -> Vec<Audited> {
        let mut all = Vec::new();
        for (id, contract) in self.office.rows(ISSUED).await {
            let read = move |portal: &portal::Portal, reseller: &setup::NewReseller| {
                let document = setup::document(portal, reseller, id).expect("kept");
                let file = setup::bundle(portal, reseller, id).expect("made").expect("it is issued");
                audited(contract, &document, &file)
            };
            all.push(self.office.with(read).await);
        }
        all
    }

    fn of(&self, group: usize) -> Vec<&Machine> {
        self.groups[group].iter().map(|place| &self.machines[*place]).collect()
    }

    /// Holds what was billed against the printers' own books.
    fn compare(&self, documents: &[Audited]) {
        let year = whole_year();
        let net = |group: usize| -> i128 {
            of_contract(documents, self.contracts[group]).map(|of| i128::from(of.statement.net.0)).sum()
        };
        for month in months() {
            let period = period(month);
            let by_jobs = of_contract(documents, self.contracts[0]);
            let billed: i128 = by_jobs.map(|of| charged(&of.statement, period)).sum();
            assert_eq!(billed, books::month_by_jobs(&self.of(0), period), "by jobs, {month:?}");
        }
        let mut used = 0;
        for place in &self.groups[1] {
            let until = if *place == REPLACED { swapped_at() } else { year.end };
            used += self.machines[*place].used(year.start, until);
        }
        used += self.machines[SUCCESSOR].used(swapped_at(), year.end);
        let count = |group: usize| i64::try_from(self.groups[group].len()).expect("few printers");
        let (billed, expected) = (net(1), books::year_by_counter(used, count(1)));
        let off = billed - expected;
        assert!(off.abs() <= books::COUNTER_SLACK, "by counter: {billed} billed, {expected} by the printers' books");
        assert_eq!(net(2), books::year_pooled(&self.of(2), year, count(2)), "pooled");
        println!("by jobs {} = books; by counter {billed}, {off} off its books; pooled {} = books", net(0), net(2));
    }
}

/// A month of the table.
#[derive(Default)]
struct Row {
    statements: usize,
    notes: usize,
    adjustments: usize,
    net: i128,
    counted: i128,
    verified: usize,
}

/// Prints the year by the months that documents are for; gives what stands in the last line.
fn table(documents: &[Audited]) -> Row {
    let (mut rows, mut sum): (BTreeMap<Instant, (String, Row)>, Row) = (BTreeMap::new(), Row::default());
    for Audited { statement, counted, .. } in documents {
        let new = || (statement.period_label.clone(), Row::default());
        let (_, row) = rows.entry(statement.period.start).or_insert_with(new);
        let is_note = usize::from(statement.kind != DocumentKind::Statement);
        for row in [row, &mut sum] {
            row.statements += 1 - is_note;
            row.notes += is_note;
            row.adjustments += statement.lines.iter().filter(|line| line.step == Some(Step::Adjustments)).count();
            row.net += i128::from(statement.net.0);
            row.counted += counted;
            row.verified += 1;
        }
    }
    let line = |label: &str, row: &Row| {
        let Row { statements, notes, adjustments, net, counted, verified } = row;
        println!("{label:<16}{statements:>11}{notes:>7}{adjustments:>13}{net:>12}{counted:>12}{verified:>10}");
    };
    println!("month            statements  notes  adjustments         net     recount  verified");
    for (label, row) in rows.values() {
        line(label, row);
    }
    line("all", &sum);
    sum
}

async fn year(target: Option<Target>, database: &str) {
    let size = Size::wanted();
    let mut year = Year::begin(target, &size).await;
    for (at, act) in plan(&size) {
        year.act(at, act).await;
    }
    year.settle().await;
    let documents = year.audit().await;
    println!("{database}: {} printers, {} jobs", year.machines.len(), year.jobs());
    let sum = table(&documents);
    year.compare(&documents);
    // The year had all that it is for.
    assert_eq!((sum.statements, sum.verified), (36, documents.len()));
    assert!(sum.notes >= 2, "an estimate and late jobs were settled by notes");
    assert!(sum.adjustments >= 2, "late jobs and a late edge were settled on the next statement");
    let decided = year.office.rows(DECIDED).await;
    // The rollover and the reset by rule, the board by a person, whatever the rule took it for.
    assert!(matches!(decided[..], [(3 | 4, 1)]), "{decided:?}");
}

impl Year {
    fn jobs(&self) -> usize {
        self.machines.iter().map(|machine| machine.printer.truth().len()).sum()
    }
}

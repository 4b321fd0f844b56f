//! A month of two agents and three printers, as a portal keeps it: packages of real senders, the facts that
//! its ledger made of them, the statement.

use billing::{
    Decision, Input, JobFact, Mark, Meter, MeterKind, Money, Period, PrinterFacts, ReadingFact, ReadingSource,
    Reference, SegmentReason, Statement, StayFact, SumFact, SumKind, Terms, job_quantities, rate,
};
use evidence::{
    AgentProof, Basis, BilledProof, Body, Making, PackageProof, RecordProof, StatementChain, Sums, cut, said,
    statement_chain, sum_quantities, write,
};
use protocol::chain::annex_digest;
use protocol::enrol::{EnrolmentFile, Responder, Way, Welcome, public_key};
use protocol::package::{
    Boot, Core, Draft, Fold, Manner, Package, PrinterIdentity, Timestamps, core_record, decompress, job_key, records,
};
use protocol::receipt::Receipt;
use protocol::sender::{Handshake, Sender};
use protocol::{Hex, SigningKey};
use report::sample::Rng;
use report::{
    Area, Category, CategoryUse, Configuration, Duration, Grade, Ink, Instant, Job, JobStatus, PrintJob, Report, RowId,
    Source, Surroundings, Usage,
};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const HOUR: i64 = 3_600_000;
const CODE: Hex<32> = Hex([9; 32]);
const TERMS: &str = r#"{"currency":"EUR","time_zone":"Europe/Berlin","clauses":[
    {"base-fee":{"amount":18000}},
    {"price-list":{"prices":[
        {"pattern":{"meter":"area-printed","category":"mono-line"},"price":"0.14"},
        {"pattern":{"meter":"area-media"},"price":"0.05"}]}},
    {"tax":{"name":"VAT","rate":210000}}],
    "evidence":{"area-media":"counter"}}"#;

/// October 2026 in Berlin.
pub(crate) fn period() -> Period {
    Period::calendar_month(2026, 10, "Europe/Berlin").expect("a month")
}

/// An hour of the period; negative ones lie before it.
fn hour(hours: i64) -> Instant {
    period().start.plus(Duration(hours * HOUR))
}

/// Square metres in mm².
const fn m2(metres: i64) -> i64 {
    metres * 1_000_000
}

pub(crate) fn portal_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

/// The same randomness each time.
fn surroundings() -> Surroundings {
    let rng = Arc::new(Mutex::new(Rng::new(20_261_031)));
    let entropy = move |bytes: &mut [u8]| {
        let mut rng = rng.lock().expect("no test panicked while it held this");
        for byte in bytes {
            *byte = rng.next_u64().to_le_bytes()[3];
        }
    };
    Surroundings { clock: Arc::new(|| hour(0)), entropy: Arc::new(entropy) }
}

/// An enrolled agent, and the packages that the portal keeps of it.
struct Enrolled {
    sender: Sender,
    surroundings: Surroundings,
    kept: Vec<(Vec<u8>, Receipt)>,
}

impl Enrolled {
    fn new(agent: &str, surroundings: &Surroundings) -> Enrolled {
        let file = EnrolmentFile {
            plotmeter_enrolment: 1,
            portal: "https://portal.example".to_owned(),
            enrolment: "e-1".to_owned(),
            code: CODE,
            portal_key: public_key(&[7; 32]),
            portal_id: "portal-1".to_owned(),
            reseller: "Nordplan".to_owned(),
            customer: "Kessler".to_owned(),
            expires_at: hour(24),
            portal_ca: None,
        };
        let (handshake, hello) = Handshake::start(&file, "host", surroundings).expect("a handshake");
        let way = Way::Code { enrolment: "e-1", code: &CODE };
        let (responder, _) = Responder::read(way, &[7; 32], surroundings.random(), &hello).expect("a hello");
        let welcome = Welcome {
            agent: agent.to_owned(),
            reseller: "Nordplan".to_owned(),
            customer: "Kessler".to_owned(),
            receipt_key: Hex(*portal_key().verifying_key().as_bytes()),
        };
        let (answer, _) = responder.answer(&welcome).expect("an answer");
        let (_, sender) = handshake.finish(&answer).expect("a welcome");
        Enrolled { sender, surroundings: surroundings.clone(), kept: Vec::new() }
    }

    /// Sends the records as the next package, which arrives at `at`.
    fn send(&mut self, at: Instant, drafts: &[Draft]) {
        let bytes = self.sender.pack(&drafts.iter().collect::<Vec<_>>(), &[], &self.surroundings);
        let json = decompress(&bytes).expect("a package");
        let package: Package<'_> = serde_json::from_slice(&json).expect("a package");
        let count = u64::try_from(package.records.len()).expect("few records");
        let unsigned = Receipt {
            agent: self.sender.agent.clone(),
            sequence: package.sequence,
            digest: package.digest(),
            last: package.first + count - 1,
            head: package.head,
            accepted_at: at,
            signature: Hex([0; 64]),
        };
        let receipt = unsigned.signed(&portal_key());
        drop(package);
        self.sender.seen(&receipt);
        self.kept.push((json, receipt));
    }

    /// The mark of the last receipt.
    fn mark(&self) -> Option<Hex<16>> {
        self.kept.last().map(|(_, receipt)| receipt.mark())
    }

    /// The records of a printer that was read, at `at`, with its counter at `media` mm².
    fn read(&self, serial: &str, at: Instant, media: Option<i64>, jobs: Vec<Job>) -> Vec<Draft> {
        let configuration = Configuration { serial_number: Some(serial.to_owned()), ..Configuration::default() };
        let report = Report {
            read_at: at,
            configuration,
            usage: Usage { media_area: media.map(Area), ..Usage::default() },
            jobs: jobs.into_iter().map(|job| (job, Vec::new())).collect(),
            ..Report::default()
        };
        let manner = Manner { grade: Grade::B, seen: self.mark(), timestamps: Timestamps::Minute };
        let split = records(&report, &[], manner).expect("a printer with a serial number");
        [split.reading].into_iter().chain(split.jobs.into_iter().map(|(_, draft)| draft)).collect()
    }
}

/// A reading of the second printer: whose (0 or 1), the hours of reading and arrival, square metres, and the
/// interface; empty where it names none.
pub(crate) type Told<'a> = (usize, i64, i64, i64, &'a str);

/// The readings of an agent in packages of their own, and the sections that they name.
fn told(agents: &mut [Enrolled; 2], readings: &[Told<'_>]) -> BTreeSet<String> {
    let mut sections = BTreeSet::new();
    for (whose, at, arrived, metres, interface) in readings {
        let configuration = Configuration { serial_number: Some("CN2".to_owned()), ..Configuration::default() };
        let mut report = Report {
            read_at: hour(*at),
            configuration,
            usage: Usage { media_area: Some(Area(m2(*metres))), ..Usage::default() },
            ..Report::default()
        };
        if !interface.is_empty() {
            report.sources.insert(RowId::U17, Source { from: format!("{interface} Usage"), derived: false });
        }
        let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
        let split = records(&report, &[], manner).expect("a printer with a serial number");
        sections.extend(split.sections.into_iter().map(|section| section.json));
        agents[*whose].send(hour(*arrived), &[split.reading]);
    }
    sections
}

/// A month of the second printer alone, read by two agents: the readings that arrived, and those, by hour and square
/// metres, that the ledger made facts of.
pub(crate) fn read_by_two(readings: &[Told<'_>], facts: &[(i64, i64)]) -> World {
    let surroundings = surroundings();
    let mut agents = ["agent-1", "agent-2"].map(|agent| Enrolled::new(agent, &surroundings));
    let sections = told(&mut agents, readings);
    let origins = agents.iter().map(|agent| {
        let packages = (1..).zip(&agent.kept).map(|(sequence, _)| sequence).collect::<BTreeSet<u64>>();
        (agent.sender.agent.clone(), packages)
    });
    let mut world = World {
        basis: Basis {
            input: input(),
            facts: vec![PrinterFacts { readings: printed(facts), ..printer("2", "CN2") }],
            said: Vec::new(),
            added: Vec::new(),
            origins: origins.collect(),
            carried_again: false,
            again: Vec::new(),
        },
        documents: Vec::new(),
        agents: agents.map(proof).into(),
        receipts: Vec::new(),
        sources: sections.into_iter().collect(),
        billed: Vec::new(),
        previous: Hex([0; 32]),
        number: "S-0007".to_owned(),
    };
    world.rate();
    world
}

/// A decision on the counter of media at an hour of the month.
pub(crate) fn decided(at: i64, reason: SegmentReason) -> Decision {
    Decision {
        meter: media(),
        media: None,
        at: hour(at),
        reason,
        counts_from: None,
        width: None,
        by: "Ada".to_owned(),
        decided_at: hour(at + 5),
    }
}

/// A job that finished at `at`, printed `printed` mm² of monochrome lines and used a tenth more media.
fn job(name: &str, at: Instant, status: JobStatus, printed: i64) -> Job {
    let lines = CategoryUse {
        category: Category::new("mono-line"),
        derived: false,
        media_area: Some(Area(printed + printed / 10)),
        printed_area: Some(Area(printed)),
        ink: None,
        media_length: None,
    };
    let print = PrintJob {
        printed_at: Some(Instant(at.0 - 95_500)),
        time_to_print: Some(Duration(95_500)),
        pages: Some(2),
        categories: vec![lines],
        media: Some("Bond".to_owned()),
        ..PrintJob::default()
    };
    let mut job = Job { uuid: Some(name.to_owned()), status: Some(status), print: Some(print), ..Job::default() };
    job.personal.user = Some("ada".to_owned());
    job
}

/// The fact that a ledger keeps of a job.
fn fact(job: &Job) -> JobFact {
    let cut = cut(job);
    JobFact {
        key: job_key(job, 0).expect("a key"),
        finished_at: cut.finished_at().expect("a time"),
        status: cut.status,
        grade: Grade::B,
        quantities: job_quantities(&cut),
        kind: Some(cut.kind),
        coverage: None,
        marks: BTreeSet::<Mark>::new(),
    }
}

fn media() -> Meter {
    Meter::whole(MeterKind::AreaMedia)
}

fn reading(at: Instant, value: i64, source: ReadingSource) -> ReadingFact {
    let grade = if source == ReadingSource::Printer { Grade::B } else { Grade::C };
    ReadingFact { meter: media(), media: None, value, read_at: at, grade, source }
}

fn printed(readings: &[(i64, i64)]) -> Vec<ReadingFact> {
    readings.iter().map(|(at, metres)| reading(hour(*at), m2(*metres), ReadingSource::Printer)).collect()
}

fn printer(id: &str, serial: &str) -> PrinterFacts {
    PrinterFacts {
        id: id.to_owned(),
        label: format!("T930 in hall {id}"),
        serial: Some(serial.to_owned()),
        known_since: Some(hour(-48)),
        stays: vec![StayFact { from: hour(-2_000), to: None, position: None, site: None }],
        ..PrinterFacts::default()
    }
}

/// What one agent's proof is made from.
pub(crate) struct Proof {
    pub(crate) agent: String,
    pub(crate) key: Hex<32>,
    pub(crate) packages: Vec<(Vec<u8>, Receipt)>,
}

/// Everything that a portal makes the file of a statement from.
pub(crate) struct World {
    pub(crate) basis: Basis,
    pub(crate) documents: Vec<String>,
    pub(crate) agents: Vec<Proof>,
    pub(crate) receipts: Vec<Receipt>,
    /// Sections that say where rows of readings came from.
    pub(crate) sources: Vec<String>,
    /// What was billed before, where something here is laid against it.
    pub(crate) billed: Vec<(Reference, String)>,
    pub(crate) previous: Hex<32>,
    pub(crate) number: String,
}

/// Hours of October that the records are about.
const READ_1: i64 = 10 * 24;
const READ_2: i64 = 11 * 24;
const LAST: i64 = 30 * 24;

/// The month.
pub(crate) fn world() -> World {
    world_with(false)
}

/// The month, and the north brings a job of the time whose jobs the south could only sum up.
pub(crate) fn world_beside() -> World {
    world_with(true)
}

fn world_with(beside: bool) -> World {
    let surroundings = surroundings();
    let printed_job = |name: &str, at: i64, metres: i64| job(name, hour(at), JobStatus::Printed, m2(metres));
    let (a1, a2) = (printed_job("a1", 100, 120), printed_job("a2", 200, 30));
    let (b1, b1_again) = (printed_job("b1", 150, 50), printed_job("b1", 150, 55));
    let (c1, c2) = (printed_job("c1", 120, 70), job("c2", hour(260), JobStatus::Cancelled, m2(9)));
    let before = printed_job("before", -5, 4);

    let mut north = Enrolled::new("agent-1", &surroundings);
    let start =
        [north.read("CN1", hour(-2), Some(m2(1_000)), vec![]), north.read("CN2", hour(-2), Some(m2(500)), vec![])];
    north.send(hour(-1), &start.concat());
    let cn1 = north.read("CN1", hour(READ_1), Some(m2(1_200)), vec![a1.clone(), a2.clone()]);
    let cn2 = north.read("CN2", hour(READ_1), Some(m2(560)), vec![b1]);
    let boot = core_record(&Core::Boot(Boot { at: hour(3), number: 2, version: "1".to_owned(), seen: None }));
    north.send(hour(READ_1 + 1), &[cn1, cn2, vec![boot]].concat());
    let cn1 = north.read("CN1", hour(LAST), Some(m2(40)), vec![a2.clone(), before]);
    let cn2 = north.read("CN2", hour(LAST), Some(m2(580)), vec![]);
    north.send(hour(LAST + 1), &[cn1, cn2].concat());

    let c3 = printed_job("c3", 450, 4);
    if beside {
        let cn3 = north.read("CN3", hour(LAST + 2), None, vec![c3.clone()]);
        north.send(hour(LAST + 3), &cn3);
    }
    let mut south = Enrolled::new("agent-2", &surroundings);
    let cn2 = south.read("CN2", hour(READ_2), Some(m2(560)), vec![b1_again.clone()]);
    let cn3 = south.read("CN3", hour(READ_2), Some(m2(90)), vec![c1.clone(), c2.clone()]);
    let other = south.read("CN9", hour(READ_2), Some(m2(7)), vec![printed_job("z", 10, 3)]);
    south.send(hour(READ_2 + 1), &[cn2, cn3, other].concat());
    let idle = south.read("CN9", hour(READ_2 + 10), Some(m2(7)), vec![]);
    south.send(hour(READ_2 + 11), &idle);
    let fold = fold(&south);
    south.send(hour(LAST + 2), &[core_record(&Core::Fold(Box::new(fold.clone())))]);

    let facts = vec![
        first(&[a1, a2]),
        PrinterFacts {
            jobs: vec![fact(&b1_again)],
            readings: printed(&[(-2, 500), (READ_1, 560), (LAST, 580)]),
            ..printer("2", "CN2")
        },
        if beside { third(&[c1, c2, c3], &fold) } else { third(&[c1, c2], &fold) },
    ];
    let of_north = if beside { vec![1, 2, 3, 4] } else { vec![1, 2, 3] };
    let origins = [("agent-1", of_north), ("agent-2", vec![1, 3])];
    let origins = origins.map(|(agent, packages)| (agent.to_owned(), packages.into_iter().collect::<BTreeSet<u64>>()));
    let gap = south.kept.remove(1).1;
    let mut world = World {
        basis: Basis {
            input: input(),
            facts,
            said: Vec::new(),
            added: vec!["The readings of 2 printers were checked.".to_owned()],
            origins: BTreeMap::from(origins),
            carried_again: false,
            again: Vec::new(),
        },
        documents: Vec::new(),
        agents: [north, south].map(proof).into(),
        receipts: vec![gap],
        sources: Vec::new(),
        billed: Vec::new(),
        previous: Hex([0; 32]),
        number: "S-0007".to_owned(),
    };
    world.rate();
    world
}

fn proof(agent: Enrolled) -> Proof {
    let key = Hex(*agent.sender.evidence.verifying_key().as_bytes());
    Proof { agent: agent.sender.agent, key, packages: agent.kept }
}

/// The first printer: its counter was reset, and a person said so.
fn first(jobs: &[Job]) -> PrinterFacts {
    let decision = Decision {
        meter: media(),
        media: None,
        at: hour(LAST),
        reason: SegmentReason::Reset,
        counts_from: Some(0),
        width: None,
        by: "Ada".to_owned(),
        decided_at: hour(LAST + 5),
    };
    PrinterFacts {
        jobs: jobs.iter().map(fact).collect(),
        readings: printed(&[(-2, 1_000), (READ_1, 1_200), (LAST, 40)]),
        decisions: vec![decision],
        ..printer("1", "CN1")
    }
}

/// The third printer: read once, some of its jobs folded, and its counter read by a person at both edges.
fn third(jobs: &[Job], fold: &Fold) -> PrinterFacts {
    let sums = Sums {
        jobs: fold.jobs,
        pages: fold.pages,
        area_printed: fold.area_printed.0,
        area_media: fold.area_media.0,
        ink: fold.ink.0,
        categories: &fold.categories,
    };
    let folded = SumFact {
        kind: SumKind::Fold,
        since: fold.since,
        until: fold.until,
        jobs: fold.jobs,
        grade: Grade::C,
        quantities: sum_quantities(&sums),
    };
    let mut readings = printed(&[(READ_2, 90)]);
    readings.push(reading(hour(0), m2(10), ReadingSource::Opening));
    readings.push(reading(period().end, m2(130), ReadingSource::Manual));
    PrinterFacts { jobs: jobs.iter().map(fact).collect(), sums: vec![folded], readings, ..printer("3", "CN3") }
}

fn fold(agent: &Enrolled) -> Fold {
    Fold {
        printer: PrinterIdentity { serial: "CN3".to_owned(), product_number: None, product_name: None },
        folded_at: hour(LAST + 1),
        since: hour(400),
        until: hour(500),
        jobs: 3,
        pages: 6,
        area_printed: Area(m2(12)),
        area_media: Area(m2(13)),
        ink: Ink(1_500),
        categories: Vec::new(),
        seen: agent.mark(),
    }
}

fn input() -> Input {
    let terms: Terms = serde_json::from_str(TERMS).expect("terms");
    let contract = r#"{"id":"17","number":"C-17","version":3}"#;
    let text = format!(
        r#"{{"contract":{contract},"terms":{},"period":{},"customer":"Kessler","printers":[]}}"#,
        serde_json::to_string(&terms).expect("terms as JSON"),
        serde_json::to_string(&period()).expect("a period as JSON"),
    );
    serde_json::from_str(&text).expect("an input")
}

/// Makes the list of what was said.
pub(crate) fn listed(basis: &mut Basis) {
    basis.said = said(&basis.input, &basis.facts);
    for entry in &mut basis.said {
        entry.by = "Ada".to_owned();
    }
}

/// September, in whose last hours the first printer printed 4 m²; only October's last package says so.
pub(crate) fn september(world: &World) -> Basis {
    let before = job("before", hour(-5), JobStatus::Printed, m2(4));
    let first = PrinterFacts { jobs: vec![fact(&before)], readings: printed(&[(-2, 1_000)]), ..printer("1", "CN1") };
    let second = PrinterFacts { readings: printed(&[(-2, 500)]), ..printer("2", "CN2") };
    let mut basis = Basis {
        facts: vec![first, second, printer("3", "CN3")],
        added: Vec::new(),
        origins: BTreeMap::new(),
        ..world.basis.clone()
    };
    basis.input.period = Period::calendar_month(2026, 9, "Europe/Berlin").expect("a month");
    listed(&mut basis);
    basis
}

impl World {
    /// Makes the list of what was said and the documents anew, as a portal does that rates.
    pub(crate) fn rate(&mut self) {
        self.basis.again.iter_mut().for_each(listed);
        listed(&mut self.basis);
        let mut whole = rate(&self.basis.input()).expect("a statement").statement;
        whole.notes.extend(self.basis.added.iter().cloned());
        let documents: Vec<Statement> = whole.split().expect("documents");
        let issue = |document: Statement| {
            let (number, issued_at) = (Some(self.number.clone()), Some(hour(760)));
            serde_json::to_string(&Statement { number, issued_at, ..document }).expect("a document as JSON")
        };
        self.documents = documents.into_iter().map(issue).collect();
    }

    /// The chain after this statement.
    pub(crate) fn own(&self) -> Hex<32> {
        let documents: Vec<&str> = self.documents.iter().map(String::as_str).collect();
        statement_chain(&self.previous, &documents)
    }

    /// The total of the first document.
    pub(crate) fn total(&self) -> Money {
        let document: Statement = serde_json::from_str(&self.documents[0]).expect("a document");
        document.total
    }

    /// The file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let basis = serde_json::to_string(&self.basis).expect("a basis as JSON");
        let body = Body {
            documents: self.documents.iter().map(|document| raw(document)).collect(),
            basis: raw(&basis),
            agents: self.agents.iter().map(Proof::to_proof).collect(),
            receipts: self.receipts.clone(),
            sources: self.sources.iter().map(|section| raw(section)).collect(),
            billed: self
                .billed
                .iter()
                .map(|(reference, text)| BilledProof { reference: reference.clone(), document: raw(text) })
                .collect(),
            chain: StatementChain { previous: self.previous, own: self.own() },
        };
        let making = Making { body, number: &self.number, portal: "portal-1" };
        let key = portal_key();
        write(&making, &|text: &[u8]| protocol::sign(&key, text), &key.verifying_key()).expect("a file")
    }
}

fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text).expect("JSON")
}

impl Proof {
    fn to_proof(&self) -> AgentProof<'_> {
        let packages = self.packages.iter().map(|(json, receipt)| package(json, receipt)).collect();
        AgentProof { agent: self.agent.clone(), best: Grade::B, keys: vec![(0, self.key)], packages }
    }
}

/// A package as a portal puts it into a file: the records of the contract's printers without their annexes.
fn package<'a>(json: &'a [u8], receipt: &Receipt) -> PackageProof<'a> {
    let package: Package<'a> = serde_json::from_slice(json).expect("a package");
    let record = |record: &protocol::package::Record<'a>| {
        let core: Core = serde_json::from_str(record.core.get()).expect("a core");
        let serial = match &core {
            Core::Reading(reading) => reading.printer.serial.as_str(),
            Core::Job(job) => job.printer.serial.as_str(),
            Core::Fold(fold) => fold.printer.serial.as_str(),
            Core::Seen(_) | Core::Gap(_) | Core::Boot(_) => "",
        };
        if !["CN1", "CN2", "CN3"].contains(&serial) {
            return RecordProof::Hash(record.hash().expect("a hash"));
        }
        let annex = record.annex.map(RawValue::get);
        let digest = record.salt.map(|salt| annex_digest(&salt, annex)).or(record.annex_digest);
        RecordProof::Core { core: record.core, annex_digest: digest.expect("a salt or a digest") }
    };
    PackageProof {
        sequence: package.sequence,
        first: package.first,
        seen: package.seen,
        previous: package.previous,
        head: package.head,
        signature: package.signature,
        receipt: receipt.clone(),
        records: package.records.iter().map(record).collect(),
    }
}

//! Printers that stand somewhere, and agents that read them through the interface that the printers show.
//!
//! An agent may lose its way to the portal, so that what it reads waits, or be switched off. Deliberately
//! absent: sockets towards printers; the driver's questions are handed to the printer's face.

use super::office::Office;
use drivers::piws::DRIVER;
use drivers::{Accept, Answer, Answers, Ask};
use protocol::Hex;
use protocol::package::{Draft, Manner, Split, Timestamps, records};
use protocol::sender::Sender;
use report::{Defect, Grade, Instant, Report};
use simulator::faces::piws;
use simulator::printer::{Habits, MODELS, Printer, Quirks};
use std::collections::{BTreeMap, BTreeSet};

/// A printer, and what its counter of all media truly was whenever somebody read it, mm².
pub(crate) struct Machine {
    pub(crate) printer: Printer,
    pub(crate) media: BTreeMap<Instant, i64>,
}

impl Machine {
    pub(crate) fn new(printer: Printer) -> Machine {
        Machine { printer, media: BTreeMap::new() }
    }

    /// What it truly used of all media between two instants at which it was read, mm².
    pub(crate) fn used(&self, from: Instant, to: Instant) -> i64 {
        let at = |instant: Instant| *self.media.get(&instant).expect("it was read then");
        at(to) - at(from)
    }
}

/// A printer of the `model`th model that prints from `start` on and remembers ten days of jobs.
pub(crate) fn printer(model: usize, seed: u64, start: Instant, jobs_per_day: i64) -> Printer {
    let queue_length = usize::try_from(jobs_per_day * 10).expect("few jobs");
    let habits = Habits { jobs_per_day, queue_length, ..Habits::default() };
    let serial = format!("CN{model}Y{seed:05}");
    Printer::new(seed, &MODELS[model], &serial, start, habits).with_quirks(Quirks::default())
}

/// The first such printer whose counter of all media stood above `least` mm² when it came.
pub(crate) fn printer_above(model: usize, least: i64, start: Instant, jobs_per_day: i64) -> Printer {
    let mut all = (1..500).map(|seed| printer(model, seed, start, jobs_per_day));
    all.find(|printer| printer.baseline().media_area.0 > least).expect("counters are that high somewhere")
}

/// What an agent can do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It reads and sends.
    Open,
    /// It reads, and what it read waits in its spool.
    Cut,
    /// It does not even read.
    Off,
}

pub(crate) struct Agent {
    sender: Sender,
    /// The places of its printers in the estate.
    pub(crate) machines: Vec<usize>,
    /// What it can do now.
    pub(crate) way: Way,
    /// When it read last.
    pub(crate) read_at: Instant,
    mark: Option<Hex<16>>,
    sent: BTreeSet<(String, String)>,
    spool: Vec<Vec<u8>>,
}

impl Agent {
    pub(crate) fn new(sender: Sender, machines: Vec<usize>) -> Agent {
        let (mark, sent, spool) = (None, BTreeSet::new(), Vec::new());
        Agent { sender, machines, way: Way::Open, read_at: Instant(0), mark, sent, spool }
    }

    /// Reads all its printers at `at`, which is now, and sends what it can.
    pub(crate) async fn read(&mut self, office: &Office, estate: &mut [Machine], at: Instant) {
        if self.way == Way::Off || self.read_at == at {
            return;
        }
        self.read_at = at;
        for place in self.machines.clone() {
            let machine = &mut estate[place];
            machine.printer.advance(at);
            machine.media.insert(at, machine.printer.counters().media_area.0);
            let package = self.pack(office, &machine.printer, at);
            self.spool.push(package);
        }
        self.send(office).await;
    }

    /// Sends what waits, if it can.
    pub(crate) async fn send(&mut self, office: &Office) {
        if self.way != Way::Open {
            return;
        }
        for package in std::mem::take(&mut self.spool) {
            let receipt = office.upload(&self.sender, &package).await;
            self.sender.seen(&receipt);
            self.mark = Some(receipt.mark());
        }
    }

    /// The package with a reading of the printer, and with the jobs that this agent did not pack before.
    fn pack(&mut self, office: &Office, printer: &Printer, at: Instant) -> Vec<u8> {
        let (report, defects) = report_of(printer, at);
        let manner = Manner { grade: Grade::B, seen: self.mark, timestamps: Timestamps::Second };
        let Split { reading, jobs, sections, .. } = records(&report, &defects, manner).expect("it says who it is");
        let mut drafts = vec![reading];
        for (key, draft) in jobs {
            if self.sent.insert((printer.serial().to_owned(), key)) {
                drafts.push(draft);
            }
        }
        let drafts: Vec<&Draft> = drafts.iter().collect();
        self.sender.pack(&drafts, &sections, &office.surroundings)
    }
}

/// Asks the printer what the driver wants to know.
fn report_of(printer: &Printer, at: Instant) -> (Report, Vec<Defect>) {
    let mut answers = Answers::new();
    loop {
        let wanted = (DRIVER.next)(&answers);
        if wanted.is_empty() {
            return (DRIVER.read)(&answers, at);
        }
        for request in wanted {
            let accepts_json = match request.ask {
                Ask::Get(accept) | Ask::GetWithLogin(accept) => accept == Accept::Json,
                Ask::Ipp(_) | Ask::Walk(_) => panic!("{} is no question to a web service", request.key),
            };
            let response = piws::answer(printer, &request.key, accepts_json);
            let (status, content_type, body) = (response.status, response.content_type, response.body);
            answers.insert(request.key, Answer::Body { status, content_type, body });
        }
    }
}

//! One package: from sealed bytes to ledger entries. Everything here is done before the writer
//! sees it, on as many cores as there are.
//!
//! Deliberately absent: whether it is taken, which only its place in the chain decides.

use super::answer::{Authentic, Http, Unsealed, authenticate, later, sealed};
use super::writer::Verdict;
use crate::Portal;
use crate::ledger::{
    AgentRef, FoldEntry, JobEntry, Origin, ReadingEntry, SeenEntry, fold_entry, job_entry, reading_entry, seen_entry,
    stated,
};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use protocol::limits::SEALED_BYTES_MAX;
use protocol::message::AgentKind;
use protocol::package::{self, Boot, Core, EvidenceKeys, Fold, Gap, GapReason, Package, PackageError, open};
use protocol::receipt::{Answer, Problem};
use protocol::{Hex, Keys, chain};
use report::{Defect, Grade};
use tracing::{info, warn};

/// What it takes to read an agent's packages.
pub(crate) struct Opening<'a> {
    pub(crate) agent: &'a AgentRef,
    /// The best grade that is believed of it: [`best_grade`].
    pub(crate) best: Grade,
    pub(crate) evidence: &'a EvidenceKeys,
}

/// A package that is authentic and whole, with the entries it brings.
pub(crate) struct Prepared {
    pub(crate) agent: AgentRef,
    /// The epoch that it came under. Under an earlier one than the agent's only a repetition is answered.
    pub(crate) epoch: u64,
    /// How many evidence keys of its agent were known when it was checked.
    pub(crate) evidence: usize,
    pub(crate) sequence: i64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) previous: chain::Head,
    pub(crate) head: chain::Head,
    pub(crate) digest: Hex<32>,
    pub(crate) body: Vec<u8>,
    pub(crate) readings: Vec<ReadingEntry>,
    pub(crate) jobs: Vec<JobEntry>,
    pub(crate) seen: Vec<SeenEntry>,
    pub(crate) folds: Vec<FoldEntry>,
    /// What its agent reports of itself: kind and words of an event.
    pub(crate) events: Vec<(&'static str, String)>,
    pub(crate) sections: Vec<(Hex<32>, String)>,
    pub(crate) references: Vec<Hex<32>>,
}

/// A package is prepared at most so often, when its agent's keys change meanwhile.
const PREPARED_MAX: usize = 3;

/// `POST /ingest/v1/packages`.
pub(super) async fn receive(State(portal): State<Portal>, request: Request) -> Result<Http, Unsealed> {
    let (parts, body) = request.into_parts();
    let body = read(body, SEALED_BYTES_MAX).await?;
    let mut from = authenticate(&portal, &parts, &body, &[package::CONTENT_TYPE]).await?;
    if from.agent.comparing {
        let problem = Problem::new(409, "unconfirmed", "This agent's enrolment is not approved.");
        return Ok(sealed(&portal, &from, &Answer::Refused(problem)));
    }
    for _ in 0..PREPARED_MAX {
        let prepared = match prepare_fresh(&portal, &from, &body).await? {
            Ok(prepared) => Prepared { epoch: from.epoch, ..prepared },
            Err(error) => {
                warn!(agent.id = from.agent.agent.agent_id, error = %error, "refused a package");
                return Ok(sealed(&portal, &from, &Answer::Refused(problem(&error))));
            }
        };
        let (sequence, records) = (prepared.sequence, prepared.last - prepared.first + 1);
        match portal.writer().submit(prepared).await {
            Verdict::Answer(answer) => {
                info!(agent.id = from.agent.agent.agent_id, sequence, records, "answered a package");
                return Ok(sealed(&portal, &from, &answer));
            }
            Verdict::Behind => return Err(from.behind(&portal).await),
            Verdict::Later(error) => return Err(later(&*error).into()),
            Verdict::Stale => {
                // It was checked with keys that are not the agent's any more: once more with those of now.
                let fresh = portal.reload_keys(&from.agent.agent.agent_id).await.map_err(|error| later(&error))?;
                from.agent = fresh.unwrap_or(from.agent);
            }
        }
    }
    Err(Problem::new(503, "later", "The agent's keys change too often.").with_detail("Send it again.").into())
}

/// Prepares a package; where its evidence signature does not fit, once more with the keys of now, since
/// the agent may have rotated at another portal process.
async fn prepare_fresh(
    portal: &Portal,
    from: &Authentic,
    body: &Bytes,
) -> Result<Result<Prepared, PackageError>, Unsealed> {
    let opening = |agent: &'_ super::AgentKeys| prepare(&agent.opening(), &from.keys, body);
    match opening(&from.agent) {
        Err(PackageError::Signature) => {
            let agent_id = &from.agent.agent.agent_id;
            let fresh = portal.reload_keys(agent_id).await.map_err(|error| later(&error))?;
            let unchanged = |fresh: &super::AgentKeys| fresh.evidence.0.len() == from.agent.evidence.0.len();
            match fresh.filter(|fresh| !unchanged(fresh)) {
                Some(fresh) => Ok(opening(&fresh)),
                None => Ok(Err(PackageError::Signature)),
            }
        }
        done => Ok(done),
    }
}

/// How long a body may take to arrive. Slower senders try again.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// A body within a limit of the wire, in bytes and in time.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let late = || Problem::new(408, "time", "The body did not arrive in time.").with_detail("Send it again.");
    let read = tokio::time::timeout(BODY_TIME, to_bytes(body, bytes_max)).await.map_err(|_| late())?;
    read.map_err(|_| {
        Problem::new(413, "size", format!("The body is larger than {bytes_max} bytes or was cut short."))
            .with_detail("Send less at once.")
    })
}

fn problem(error: &PackageError) -> Problem {
    let kind = match error {
        PackageError::TooLarge => "size",
        PackageError::Sealed(_) => "sealed",
        PackageError::Compression => "compression",
        PackageError::Schema => "schema",
        PackageError::Form(_) => "form",
        PackageError::Agent => "agent",
        PackageError::Chain => "chain",
        PackageError::Section => "section",
        PackageError::Signature => "evidence",
    };
    let problem = Problem::new(422, kind, format!("The package is refused: {error}."));
    problem.with_detail("Nothing of it was kept. See docs/protocol.md for the form that is taken.")
}

/// Opens, checks and reads a package into ledger entries.
pub(crate) fn prepare(opening: &Opening<'_>, keys: &Keys, body: &[u8]) -> Result<Prepared, PackageError> {
    let (compressed, json) = open(keys, body)?;
    let mut prepared = read_package(opening, &json)?;
    prepared.body = compressed;
    Ok(prepared)
}

/// Checks and reads a package's JSON into ledger entries; its bytes are the caller's to add.
pub(super) fn read_package(opening: &Opening<'_>, json: &[u8]) -> Result<Prepared, PackageError> {
    let package = Package::check(json, &opening.agent.agent_id, opening.evidence)?;
    let number =
        |number: u64| i64::try_from(number).map_err(|_| PackageError::Form("a number is beyond 63 bits".to_owned()));
    let (sequence, first) = (number(package.sequence)?, number(package.first)?);
    if sequence < 1 || first < 1 || package.records.is_empty() {
        return Err(PackageError::Form("sequence and first record start at 1, and a package has a record".to_owned()));
    }
    let mut prepared = Prepared {
        agent: opening.agent.clone(),
        epoch: 0,
        evidence: opening.evidence.0.len(),
        sequence,
        first,
        last: first.saturating_add(i64::try_from(package.records.len()).unwrap_or(i64::MAX)) - 1,
        previous: package.previous,
        head: package.head,
        digest: package.digest(),
        body: Vec::new(),
        readings: Vec::new(),
        jobs: Vec::new(),
        seen: Vec::new(),
        folds: Vec::new(),
        events: Vec::new(),
        sections: package.sections.iter().map(|(digest, body)| (*digest, body.get().to_owned())).collect(),
        references: Vec::new(),
    };
    for (number, record) in (first..).zip(&package.records) {
        let wrong = |error: serde_json::Error| {
            PackageError::Form(format!("record {number}: {}", Defect::quote(&error.to_string())))
        };
        let core: Core = serde_json::from_str(record.core.get()).map_err(wrong)?;
        // The annex is personal: an error says nothing of what is in it.
        let odd = |_| PackageError::Form(format!("record {number}: its annex is not of the documented form"));
        let annex = record.annex.map(|annex| serde_json::from_str(annex.get())).transpose().map_err(odd)?;
        prepared.add((number, opening.best), core, record.core.get(), annex.unwrap_or_default());
    }
    let sections = &prepared.sections;
    for reading in &mut prepared.readings {
        let section = sections.iter().find(|(digest, _)| *digest == reading.status);
        reading.stated = section.and_then(|(_, json)| stated(json));
    }
    Ok(prepared)
}

/// The best grade that is believed of an agent, from the words of its kind and of how it was enrolled. A
/// collector can swear what it read, and never that the printer signed it. That an agent is in a printer is
/// what it says itself, unless its printer showed the digits or had its secret from the factory.
pub(super) fn best_grade(kind: &str, way: &str) -> Grade {
    let in_printer = kind == AgentKind::Firmware.word() && ["compare", "factory"].contains(&way);
    if in_printer { Grade::A } else { Grade::B }
}

impl Prepared {
    /// Adds a record's entry. A record that cannot be one stays in the package's bytes, and is logged.
    fn add(&mut self, (record, best): (i64, Grade), core: Core, text: &str, personal: report::Personal) {
        let origin = |grade: Grade| {
            let (agent, sequence) = (self.agent.clone(), self.sequence);
            Origin { agent, sequence, record, grade: grade.max(best) }
        };
        let added = match core {
            Core::Reading(reading) => {
                self.references.extend(reading.settings.into_iter().chain([reading.status, reading.sources]));
                reading_entry(origin(reading.grade), *reading, text).map(|entry| self.readings.push(entry))
            }
            Core::Job(job) => job_entry(origin(job.grade), *job, personal).map(|entry| self.jobs.push(entry)),
            Core::Seen(seen) => seen_entry(origin(Grade::C), *seen).map(|entry| self.seen.push(entry)),
            Core::Gap(gap) => {
                self.events.push(("gap", gap_words(&gap)));
                Ok(())
            }
            Core::Fold(fold) => {
                self.events.push(("fold", fold_words(&fold)));
                fold_entry(origin(Grade::C), *fold).map(|entry| self.folds.push(entry))
            }
            Core::Boot(boot) => {
                self.events.push(("boot", boot_words(&boot)));
                Ok(())
            }
        };
        if let Err(defect) = added {
            warn!(agent.id = self.agent.agent_id, record, defect = defect.what, "a record cannot be used");
        }
    }
}

fn gap_words(gap: &Gap) -> String {
    let why = match gap.why {
        GapReason::SpoolDamaged => "Its store was damaged.",
        GapReason::SpoolLost => "Its store was gone.",
        GapReason::Restored => "Its store was an old copy.",
    };
    let lost = gap.lost_records.map_or_else(|| "an unknown number of".to_owned(), |lost| lost.to_string());
    format!("{why} Saved {} unsent records, lost {lost}.", gap.salvaged_records)
}

fn fold_words(fold: &Fold) -> String {
    format!(
        "Its disk was full: the detail of {} jobs of printer {} from {} to {} is gone. Their sum is kept: {} pages, \
         {} mm² printed.",
        fold.jobs,
        Defect::quote(&fold.printer.serial),
        fold.since,
        fold.until,
        fold.pages,
        fold.area_printed.0
    )
}

fn boot_words(boot: &Boot) -> String {
    format!("Started for the {}. time, version {}.", boot.number, Defect::quote(&boot.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_agent_that_proved_to_be_in_a_printer_gives_the_best_grade() {
        for (kind, way, best) in [
            ("firmware", "compare", Grade::A),
            ("firmware", "factory", Grade::A),
            ("firmware", "file", Grade::B),
            ("collector", "compare", Grade::B),
            ("direct", "factory", Grade::B),
        ] {
            assert_eq!(best_grade(kind, way), best, "{kind} by {way}");
        }
    }
}

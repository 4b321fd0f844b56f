//! One package: from sealed bytes to ledger entries. Everything here is done before the writer
//! sees it, on as many cores as there are.

use super::AgentKeys;
use super::answer::{Http, authenticate, later, plain, sealed};
use super::writer::Verdict;
use crate::Portal;
use crate::ledger::{AgentRef, JobEntry, Origin, ReadingEntry, job_entry, reading_entry};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use protocol::limits::SEALED_BYTES_MAX;
use protocol::package::{Core, Package, PackageError, digest, open};
use protocol::receipt::{Answer, Problem};
use protocol::{Hex, chain};
use report::{Defect, Grade};
use tracing::{info, warn};

/// A package that is authentic and whole, with the entries it brings.
pub(crate) struct Prepared {
    pub(crate) agent: AgentRef,
    pub(crate) sequence: i64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) previous: chain::Head,
    pub(crate) head: chain::Head,
    pub(crate) digest: Hex<32>,
    pub(crate) body: Vec<u8>,
    pub(crate) readings: Vec<ReadingEntry>,
    pub(crate) jobs: Vec<JobEntry>,
    pub(crate) sections: Vec<(Hex<32>, String)>,
    pub(crate) references: Vec<Hex<32>>,
}

/// `POST /ingest/v1/packages`.
pub(super) async fn receive(State(portal): State<Portal>, request: Request) -> Http {
    match take(&portal, request).await {
        Ok(response) => response,
        Err(problem) => plain(&problem),
    }
}

async fn take(portal: &Portal, request: Request) -> Result<Http, Problem> {
    let (parts, body) = request.into_parts();
    let body = read(body, SEALED_BYTES_MAX).await?;
    let from = authenticate(portal, &parts.uri, &parts.headers, &body).await?;
    let prepared = match prepare(&from.keys, &body) {
        Ok(prepared) => prepared,
        Err(error) => {
            warn!(agent.id = from.keys.agent.agent_id, error = %error, "refused a package");
            return Ok(sealed(portal, &from, &Answer::Refused(problem(&error))));
        }
    };
    let (sequence, records) = (prepared.sequence, prepared.last - prepared.first + 1);
    match portal.writer().submit(prepared).await {
        Verdict::Answer(answer) => {
            info!(agent.id = from.keys.agent.agent_id, sequence, records, "answered a package");
            Ok(sealed(portal, &from, &answer))
        }
        Verdict::Later(error) => Err(later(&*error)),
    }
}

/// How long a body may take to arrive. Slower senders try again.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// A body within a limit of the wire, in bytes and in time.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<axum::body::Bytes, Problem> {
    let late = || Problem::new(408, "time", "The body did not arrive in time.").with_detail("Send it again.");
    let read = tokio::time::timeout(BODY_TIME, to_bytes(body, bytes_max)).await.map_err(|_| late())?;
    read.map_err(|_| {
        Problem::new(413, "size", format!("The body is larger than {bytes_max} bytes or was cut short."))
            .with_detail("Send smaller packages.")
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
pub(crate) fn prepare(keys: &AgentKeys, body: &[u8]) -> Result<Prepared, PackageError> {
    let (compressed, json) = open(&keys.keys, body)?;
    let package = Package::check(&json, &keys.agent.agent_id, &keys.evidence)?;
    let number =
        |number: u64| i64::try_from(number).map_err(|_| PackageError::Form("a number is beyond 63 bits".to_owned()));
    let (sequence, first) = (number(package.sequence)?, number(package.first)?);
    if sequence < 1 || first < 1 || package.records.is_empty() {
        return Err(PackageError::Form("sequence and first record start at 1, and a package has a record".to_owned()));
    }
    let mut prepared = Prepared {
        agent: keys.agent.clone(),
        sequence,
        first,
        last: first.saturating_add(i64::try_from(package.records.len()).unwrap_or(i64::MAX)) - 1,
        previous: package.previous,
        head: package.head,
        digest: digest(&compressed),
        body: Vec::new(),
        readings: Vec::new(),
        jobs: Vec::new(),
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
        prepared.add(number, core, record.core.get(), annex.unwrap_or_default());
    }
    prepared.body = compressed;
    Ok(prepared)
}

impl Prepared {
    /// Adds a record's entry. A record that cannot be one stays in the package's bytes, and is logged.
    fn add(&mut self, record: i64, core: Core, text: &str, personal: report::Personal) {
        let origin = |grade: Grade| Origin { agent: self.agent.clone(), sequence: self.sequence, record, grade };
        let added = match core {
            Core::Reading(reading) => {
                self.references.extend(reading.settings.into_iter().chain([reading.sources]));
                reading_entry(origin(reading.grade), *reading, text).map(|entry| self.readings.push(entry))
            }
            Core::Job(job) => job_entry(origin(job.grade), *job, personal).map(|entry| self.jobs.push(entry)),
        };
        if let Err(defect) = added {
            warn!(agent.id = self.agent.agent_id, record, defect = defect.what, "a record cannot be used");
        }
    }
}

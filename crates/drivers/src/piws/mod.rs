//! PIWS, the web service of large-format printers under `/LFPWebServices/PI`. See `README.md` here.
//!
//! Asks identification first, alone, so that anything else on the network gets one request; then the
//! fixed resources and the job queues; then the jobs. Deliberately absent: resources behind a login,
//! previews and job content, and asking for changes since a number, whose answers omit members.

mod counters;
mod dialect;
mod identification;
mod ink;
mod jobs;
mod media;
mod pages;
mod printheads;
mod status;

use crate::document;
use crate::limits::{QUEUES_MAX, REQUESTS_MAX};
use crate::node::{Node, Notes};
use crate::{Accept, Answer, Answers, Driver, Request};
use report::{Defect, Instant, Report, RowId, Source, walk};
use serde_json::Value;

/// The driver.
pub const DRIVER: Driver = Driver { name: "piws", rows: ROWS, next, identify, read };

/// The rows it fills. Absent: S18, S24 to S26, E5 and E6.
#[rustfmt::skip]
const ROWS: &[RowId] = {
    use RowId::*;
    &[
        C1, C2, C3, C4,
        S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17, S19, S20, S21, S22, S23,
        U1, U2, U3, U4, U5, U6, U7, U8, U9, U10, U11, U12, U13, U14, U15, U16, U17,
        P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21, P22, P23,
        P24, P25, P26, P27, P28,
        N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11,
        E1, E2, E3, E4,
    ]
};

/// The rows we compute from other values instead of the printer saying them.
const DERIVED: &[RowId] = &[
    RowId::S17,
    RowId::S20,
    RowId::U3,
    RowId::U16,
    RowId::P15,
    RowId::P17,
    RowId::P20,
    RowId::P22,
    RowId::P25,
    RowId::P26,
];

const ROOT: &str = "/LFPWebServices/PI/";
const IDENTIFICATION: &str = "/LFPWebServices/PI/Identification.json";
const QUEUES: &str = "/LFPWebServices/PI/JQ/JobQueueCollection";
/// The second look at the collection: a reboot gives a queue another UUID.
const QUEUES_AGAIN: &str = "/LFPWebServices/PI/JQ/JobQueueCollection?retry=1";
const QUEUE: &str = "/LFPWebServices/PI/JQ/JobQueue/";
/// Characters a queue's identifier may have; a UUID has 36.
const QUEUE_ID_MAX: usize = 64;

/// A document at a fixed address.
struct Resource {
    path: &'static str,
    /// Its name in sources.
    name: &'static str,
    /// Its root member; a document without it is read from its top.
    root: &'static str,
    /// Members of which a document of this kind has at least one.
    expects: &'static [&'static str],
    read: fn(Node<'_>, &mut Report, &mut Notes),
}

/// The fixed resources in the order they are read: media names are known before media are loaded.
const RESOURCES: &[Resource] = &[
    Resource {
        path: "/LFPWebServices/PI/DeviceStatus.json",
        name: "DeviceStatus",
        root: "DeviceStatus",
        expects: &["StatusOverview", "ActivitiesOverview"],
        read: status::read,
    },
    Resource {
        path: "/LFPWebServices/PI/InkSystem.json",
        name: "InkSystem",
        root: "InkSystem",
        expects: &["InkSlotGroupCollection"],
        read: ink::read,
    },
    Resource {
        path: "/LFPWebServices/PI/PrintheadsStatus.json",
        name: "PrintheadsStatus",
        root: "PrintheadsStatus",
        expects: &["PrintheadSlotCollection", "PrintheadSlot"],
        read: printheads::read,
    },
    Resource {
        path: "/LFPWebServices/PI/Paper/List.json",
        name: "Paper/List",
        root: "PaperList",
        expects: &["List"],
        read: media::read_types,
    },
    Resource {
        path: "/LFPWebServices/PI/MediaSystem.json",
        name: "MediaSystem",
        root: "MediaSystem",
        expects: &["DrawerCollection"],
        read: media::read_sources,
    },
    Resource {
        path: "/LFPWebServices/PI/DeviceCounters.json",
        name: dialect::COUNTERS,
        root: dialect::COUNTERS,
        expects: &["PrintCounters", "ScanCounters"],
        read: counters::read,
    },
    Resource {
        path: "/LFPWebServices/PI/Alerts.json/ActiveAlerts",
        name: "Alerts",
        root: "ActiveAlerts",
        expects: &["List"],
        read: status::read_alerts,
    },
];

/// What is still to ask. Each stage asks only for paths without an answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    let mut paths = next_paths(answers);
    paths.truncate(REQUESTS_MAX.saturating_sub(answers.len()));
    paths.into_iter().map(|path| Request { path, accept: Accept::Json }).collect()
}

fn next_paths(answers: &Answers) -> Vec<String> {
    if !answers.contains_key(IDENTIFICATION) {
        return vec![IDENTIFICATION.to_owned()];
    }
    if !identify(answers) {
        return Vec::new();
    }
    let fixed = RESOURCES.iter().map(|resource| resource.path).chain([QUEUES]);
    let missing = unasked(answers, fixed.map(str::to_owned).collect());
    if missing.is_empty() { next_job_paths(answers) } else { missing }
}

fn next_job_paths(answers: &Answers) -> Vec<String> {
    let mut unused = Notes::default();
    let found = queues(answers, QUEUES, &mut unused);
    let any_gone = found.iter().any(|path| is_gone(answers, path));
    let missing = unasked(answers, found);
    if !missing.is_empty() {
        return missing;
    }
    if !any_gone {
        return Vec::new();
    }
    if !answers.contains_key(QUEUES_AGAIN) {
        return vec![QUEUES_AGAIN.to_owned()];
    }
    unasked(answers, queues(answers, QUEUES_AGAIN, &mut unused))
}

fn unasked(answers: &Answers, paths: Vec<String>) -> Vec<String> {
    paths.into_iter().filter(|path| !answers.contains_key(path)).collect()
}

/// Whether the identification is a printer's.
fn identify(answers: &Answers) -> bool {
    match open(answers, IDENTIFICATION) {
        Ok(Some(document)) => identification::is_printer(top(&document, "Identification")),
        Ok(None) | Err(_) => false,
    }
}

/// Reads every answer. A resource that the printer does not have (404) leaves its rows absent; one that
/// cannot be read leaves a defect; neither keeps the others from being read.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    if !identify(answers) {
        notes.of(&not_identified(answers));
        return (report, notes.into_defects());
    }
    if let Ok(Some(document)) = open(answers, IDENTIFICATION) {
        identification::read(top(&document, "Identification"), &mut report, &mut notes);
        credit(&mut report, "Identification");
    }
    for resource in RESOURCES {
        read_resource(answers, resource, &mut report, &mut notes);
        notes.enter("");
        credit(&mut report, resource.name);
    }
    read_jobs(answers, &mut report, &mut notes);
    credit(&mut report, "JobQueue");
    (report, notes.into_defects())
}

fn not_identified(answers: &Answers) -> String {
    match open(answers, IDENTIFICATION) {
        Ok(Some(_)) => "Identification.json: names neither a product nor a serial number".to_owned(),
        Ok(None) => "Identification.json: not found, no printer of this kind".to_owned(),
        Err(why) => format!("Identification.json: {why}"),
    }
}

fn read_resource(answers: &Answers, resource: &Resource, report: &mut Report, notes: &mut Notes) {
    let label = label(resource.path);
    match open(answers, resource.path) {
        Ok(None) => {}
        Err(why) => notes.of(&format!("{label}: {why}")),
        Ok(Some(document)) => {
            let node = top(&document, resource.root);
            match unlike(node, resource.expects) {
                Some(why) => notes.of(&format!("{label}: {why}")),
                None => (resource.read)(node, report, notes),
            }
        }
    }
}

fn read_jobs(answers: &Answers, report: &mut Report, notes: &mut Notes) {
    let mut paths = queues(answers, QUEUES, notes);
    if answers.contains_key(QUEUES_AGAIN) {
        paths.retain(|path| !is_gone(answers, path));
        for path in queues(answers, QUEUES_AGAIN, notes) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    let mut snapshots = Vec::new();
    for path in &paths {
        match open(answers, path) {
            Ok(Some(document)) => snapshots.push(document),
            Ok(None) => notes.of("JQ/JobQueue jobs: the queue is gone, its jobs are not read"),
            Err(why) => notes.of(&format!("JQ/JobQueue jobs: {why}")),
        }
    }
    jobs::read(&snapshots, report, notes);
    notes.enter("");
}

/// The paths of the job lists that a collection names. A queue elsewhere is a defect and never asked.
fn queues(answers: &Answers, path: &str, notes: &mut Notes) -> Vec<String> {
    let document = match open(answers, path) {
        Ok(Some(document)) => document,
        Ok(None) => return Vec::new(),
        Err(why) => {
            notes.of(&format!("{}: {why}", label(path)));
            return Vec::new();
        }
    };
    let collection = top(&document, "JobQueueCollection");
    if let Some(why) = unlike(collection, &["Queue"]) {
        notes.of(&format!("{}: {why}", label(path)));
    }
    let mut paths: Vec<String> = Vec::new();
    for queue in notes.list("JQ/JobQueueCollection: Queue", collection.at("Queue"), QUEUES_MAX) {
        let uri = queue.at("URI").text().unwrap_or_default();
        match jobs_path(&uri) {
            Some(path) if paths.contains(&path) => {}
            Some(path) => paths.push(path),
            None => notes.of(&format!("{}: a queue at '{}' is not asked", label(QUEUES), Defect::quote(&uri))),
        }
    }
    paths
}

/// The job list of the queue at `uri`, which must be one plain segment below the known folder.
fn jobs_path(uri: &str) -> Option<String> {
    let id = uri.strip_prefix(QUEUE)?;
    let id = id.strip_suffix('/').unwrap_or(id);
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !id.is_empty() && id.len() <= QUEUE_ID_MAX).then(|| format!("{QUEUE}{id}/jobs/all"))
}

fn is_gone(answers: &Answers, path: &str) -> bool {
    matches!(answers.get(path), Some(Answer::Body { status: 404 | 410, .. }))
}

/// The document answered at `path`; `None` when the printer has none, else why it cannot be read.
fn open(answers: &Answers, path: &str) -> Result<Option<Value>, String> {
    match answers.get(path) {
        None => Err("was not asked".to_owned()),
        Some(Answer::Failed(why)) => Err(Defect::quote(why)),
        Some(Answer::Body { status: 404 | 410, .. }) => Ok(None),
        Some(Answer::Body { status: 200..=299, content_type, body }) => {
            document::read(content_type, body).map(Some).map_err(|error| Defect::quote(&error.to_string()))
        }
        Some(Answer::Body { status, .. }) => Err(format!("answered with status {status}")),
    }
}

/// The root member of a document, or its top where the root is left out.
fn top<'a>(document: &'a Value, root: &str) -> Node<'a> {
    let top = Node::of(document);
    let inner = top.at(root);
    if inner.is_missing() { top } else { inner }
}

/// Why a document is not of the kind that has these members; an empty document is of every kind.
fn unlike(node: Node<'_>, expects: &[&str]) -> Option<String> {
    if node.is_absent() || expects.iter().any(|member| !node.at(member).is_missing()) {
        return None;
    }
    Some(if node.is_object() { format!("has no {}", expects.join(" or ")) } else { "is no object".to_owned() })
}

/// The path below the service: `InkSystem.json`.
fn label(path: &str) -> &str {
    path.strip_prefix(ROOT).unwrap_or(path)
}

/// Names `resource` as the source of every filled row that has none yet.
fn credit(report: &mut Report, resource: &str) {
    for filled in walk(report) {
        let row = filled.row;
        let source = || Source { from: format!("piws {resource}"), derived: DERIVED.contains(&row) };
        report.sources.entry(row).or_insert_with(source);
    }
}

#[cfg(test)]
mod tests {
    use super::jobs_path;

    #[test]
    fn only_a_plain_queue_below_the_known_folder_is_asked() {
        let good = "/LFPWebServices/PI/JQ/JobQueue/5805be78-cd86-4875-afb9-9c21113dcca0";
        assert_eq!(jobs_path(good), Some(format!("{good}/jobs/all")));
        assert_eq!(jobs_path(&format!("{good}/")), Some(format!("{good}/jobs/all")));
        let long = format!("/LFPWebServices/PI/JQ/JobQueue/{}", "a".repeat(65));
        for bad in [
            "",
            "/LFPWebServices/PI/JQ/JobQueue/",
            "/LFPWebServices/PI/JQ/JobQueue/..",
            "/LFPWebServices/PI/JQ/JobQueue/a/../../../Settings",
            "/LFPWebServices/PI/JQ/JobQueue/a?b=c",
            "/LFPWebServices/PI/JQ/JobQueue/a%2e",
            "/LFPWebServices/PI/JQ/JobQueue/a\r\nHost:",
            "https://elsewhere.example/LFPWebServices/PI/JQ/JobQueue/a",
            "//elsewhere.example/LFPWebServices/PI/JQ/JobQueue/a",
            "/Settings",
            long.as_str(),
        ] {
            assert_eq!(jobs_path(bad), None, "{bad}");
        }
    }
}

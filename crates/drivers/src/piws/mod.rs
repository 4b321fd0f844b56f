//! PIWS, the web service of large-format printers under `/LFPWebServices/PI`. See `README.md` here.
//!
//! Asks identification first, alone, so that anything else on the network gets one request; then the
//! fixed resources and the list of job queues; then what stands behind a login; then the jobs. Deliberately
//! absent: previews and job content, and asking for changes since a number, whose answers omit members.

mod counters;
mod dialect;
mod identification;
mod ink;
mod jobs;
mod media;
mod pages;
mod printheads;
mod settings;
mod status;

use crate::document::{self, Unreadable};
use crate::limits::{QUEUES_MAX, REQUESTS_MAX};
use crate::newest::LEFT_OUT;
use crate::node::{Node, Notes, credit, credit_jobs};
use crate::parts;
use crate::{Accept, Answer, Answers, Channel, Driver, Request};
use report::{Defect, Instant, Report, RowId};
use serde_json::Value;

/// The driver.
pub const DRIVER: Driver = Driver { name: "piws", channel: Channel::Web, rows: ROWS, next, identify, read };

/// The rows it fills. Absent: S18 and E6.
#[rustfmt::skip]
const ROWS: &[RowId] = {
    use RowId::*;
    &[
        C1, C2, C3, C4,
        S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17, S19, S20, S21, S22, S23,
        S24, S25, S26,
        U1, U2, U3, U4, U5, U6, U7, U8, U9, U10, U11, U12, U13, U14, U15, U16, U17,
        P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21, P22, P23,
        P24, P25, P26, P27, P28,
        N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11,
        E1, E2, E3, E4, E5,
    ]
};

/// The rows whose place in the documents no recording shows, see `dialect.rs`.
#[rustfmt::skip]
pub const INVENTED: &[RowId] = {
    use RowId::*;
    &[
        S8, S24, S25,
        U6, U7, U8, U9, U10, U11, U12, U13, U14, U15, U17,
        P3, P4, P6, P13,
        N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11,
        E5,
    ]
};

/// The rows we compute from other values instead of the printer saying them.
pub const DERIVED: &[RowId] = &[
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
/// The jobs of a queue, below it.
const ALL_JOBS: &str = "/jobs/all";
/// The name of the job lists in sources.
const JOBS: &str = "JobQueue";
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
    /// Whether it is asked with the printer's login for reading.
    with_login: bool,
}

/// The fixed resources in the order they are read: media names are known before media are loaded.
const RESOURCES: &[Resource] = &[
    Resource {
        path: "/LFPWebServices/PI/DeviceStatus.json",
        name: "DeviceStatus",
        root: "DeviceStatus",
        expects: &["StatusOverview", "ActivitiesOverview"],
        read: status::read,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/InkSystem.json",
        name: "InkSystem",
        root: "InkSystem",
        expects: &["InkSlotGroupCollection", "InkSlotGroup"],
        read: ink::read,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/PrintheadsStatus.json",
        name: "PrintheadsStatus",
        root: "PrintheadsStatus",
        expects: &["PrintheadSlotCollection", "PrintheadSlot"],
        read: printheads::read,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/Paper/List.json",
        name: "Paper/List",
        root: "PaperList",
        expects: &["List"],
        read: media::read_types,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/MediaSystem.json",
        name: "MediaSystem",
        root: "MediaSystem",
        expects: &["DrawerCollection"],
        read: media::read_sources,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/DeviceCounters.json",
        name: dialect::COUNTERS,
        root: dialect::COUNTERS,
        expects: &["PrintCounters", "ScanCounters"],
        read: counters::read,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/Alerts.json/ActiveAlerts",
        name: "Alerts",
        root: "ActiveAlerts",
        expects: &["List", "Alert"],
        read: status::read_alerts,
        with_login: false,
    },
    Resource {
        path: "/LFPWebServices/PI/Settings.json",
        name: "Settings",
        root: "Settings",
        expects: &[dialect::THRESHOLDS],
        read: settings::read_thresholds,
        with_login: true,
    },
    Resource {
        path: "/LFPWebServices/PI/PrinterSettings.json",
        name: "PrinterSettings",
        root: "PrinterSettings",
        expects: &[dialect::MEDIA_CATEGORIES],
        read: settings::read_customization,
        with_login: true,
    },
];

/// What is still to ask. Each stage asks only for what has no answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    let mut requests = next_stage(answers);
    requests.truncate(REQUESTS_MAX.saturating_sub(answers.len()));
    requests
}

fn next_stage(answers: &Answers) -> Vec<Request> {
    if !answers.contains_key(IDENTIFICATION) {
        return vec![Request::get(IDENTIFICATION, Accept::Json)];
    }
    if !identify(answers) {
        return Vec::new();
    }
    for with_login in [false, true] {
        let resources = RESOURCES.iter().filter(|resource| resource.with_login == with_login);
        let paths = resources.map(|resource| resource.path).chain((!with_login).then_some(QUEUES));
        let missing = unasked(answers, paths.map(str::to_owned).collect());
        if !missing.is_empty() {
            let ask = |path: String| match with_login {
                true => Request::with_login(path, Accept::Json),
                false => Request::get(path, Accept::Json),
            };
            return missing.into_iter().map(ask).collect();
        }
    }
    next_job_paths(answers).into_iter().map(|path| Request::get(path, Accept::Json)).collect()
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
    identified(answers).is_ok()
}

/// The identification of a printer; else why it is none.
fn identified(answers: &Answers) -> Result<Value, String> {
    if let Some(Answer::NotAsked(why)) = answers.get(IDENTIFICATION) {
        return Err(format!("Identification.json: was not asked: {}", Defect::quote(why)));
    }
    match open(answers, IDENTIFICATION) {
        Ok(Some(document)) if identification::is_printer(top(&document, "Identification")) => Ok(document),
        Ok(Some(_)) => Err("Identification.json: names neither a product nor a serial number".to_owned()),
        Ok(None) => Err("Identification.json: not found, no printer of this kind".to_owned()),
        Err(why) => Err(format!("Identification.json: {why}")),
    }
}

/// Reads every answer. A resource that the printer does not have (404) leaves its rows absent; one that
/// cannot be read leaves a defect; neither keeps the others from being read.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    let document = match identified(answers) {
        Ok(document) => document,
        Err(why) => {
            notes.of(&why);
            return (report, notes.into_defects());
        }
    };
    identification::read(top(&document, "Identification"), &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "Identification", DERIVED);
    for resource in RESOURCES {
        read_resource(answers, resource, &mut report, &mut notes);
        notes.enter("");
        credit(&mut report, DRIVER.name, resource.name, DERIVED);
    }
    read_jobs(answers, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, JOBS, DERIVED);
    (report, notes.into_defects())
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
        match open_with(answers, path, |content_type, body| parts::read(content_type, body, jobs::LIST)) {
            Ok(Some(parts)) => snapshots.push(parts),
            Ok(None) if !is_gone(answers, path) => {}
            Ok(None) => notes.of("JQ/JobQueue jobs: the queue is gone, its jobs are not read"),
            Err(why) => notes.at(RowId::P27, &format!("JQ/JobQueue jobs {LEFT_OUT}{why}")),
        }
    }
    if !snapshots.is_empty() {
        credit_jobs(report, DRIVER.name, JOBS);
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
    if let Some(why) = unlike(collection, &["Queue", "JobQueue"]) {
        notes.of(&format!("{}: {why}", label(path)));
    }
    let listed = if collection.at("Queue").is_missing() { collection.at("JobQueue") } else { collection.at("Queue") };
    let mut paths: Vec<String> = Vec::new();
    for queue in notes.list("JQ/JobQueueCollection: Queue", listed, QUEUES_MAX) {
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
    (plain && !id.is_empty() && id.len() <= QUEUE_ID_MAX).then(|| format!("{QUEUE}{id}{ALL_JOBS}"))
}

/// Whether a list of jobs is asked for at `path`.
pub(crate) fn is_job_list(path: &str) -> bool {
    path.starts_with(QUEUE) && path.ends_with(ALL_JOBS)
}

fn is_gone(answers: &Answers, path: &str) -> bool {
    matches!(answers.get(path), Some(Answer::Body { status: 404 | 410, .. }))
}

/// The document answered at `path`; `None` when the printer has none or the customer's side does not let it be
/// asked, else why it cannot be read.
fn open(answers: &Answers, path: &str) -> Result<Option<Value>, String> {
    open_with(answers, path, document::read)
}

/// The same, read in some way.
fn open_with<'a, T>(
    answers: &'a Answers,
    path: &str,
    read: impl Fn(&'a str, &'a [u8]) -> Result<T, Unreadable>,
) -> Result<Option<T>, String> {
    match answers.get(path) {
        None => Err("was not asked".to_owned()),
        Some(Answer::Failed(why)) => Err(Defect::quote(why)),
        Some(Answer::Elsewhere { location, .. }) => Err(format!("sends to '{}'", Defect::quote(location))),
        Some(Answer::NotAsked(_) | Answer::Body { status: 404 | 410, .. }) => Ok(None),
        Some(Answer::Body { status: status @ (401 | 403), .. }) => Err(format!("asks for a login (status {status})")),
        Some(Answer::Body { status: 200..=299, content_type, body }) => {
            read(content_type, body).map(Some).map_err(|error| Defect::quote(&error.to_string()))
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

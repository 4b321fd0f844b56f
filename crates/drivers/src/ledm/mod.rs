//! LEDM, the XML resources of HP printers under `/DevMgmt`, `/EventMgmt` and `/Jobs`. See `README.md` here.
//!
//! Asks the tree of resources first, alone; then who the printer is; then only what the tree names. Which
//! prefix an element carries does not matter, its local name and the vocabulary of the document do.
//! Deliberately absent: capabilities other than media types, settings, scans, anything below a job, and
//! re-reading only what an event says has changed, since a report states every row at one instant.

mod configuration;
mod consumables;
mod dialect;
mod jobs;
mod media;
mod status;
mod tree;
mod usage;

use crate::document;
use crate::limits::REQUESTS_MAX;
use crate::node::{Node, Notes, credit};
use crate::{Accept, Answer, Answers, Channel, Driver, Request};
use report::{Defect, Instant, Report, RowId};
use serde_json::Value;
use tree::Tree;

/// The driver.
pub const DRIVER: Driver = Driver { name: "ledm", channel: Channel::Web, rows: ROWS, next, identify, read };

/// The rows it fills. Absent: areas, jobs, and what only a printer with more sensors knows: S4, S8, S18.
#[rustfmt::skip]
const ROWS: &[RowId] = {
    use RowId::*;
    &[
        C1, C2, C3, C4,
        S1, S2, S3, S5, S6, S7, S9, S10, S11, S12, S13, S14, S15, S16, S17, S19, S20, S21, S22, S23, S26,
        U1, U2, U3, U4, U5, U15, U16,
        E1, E2, E3, E4,
    ]
};

/// The rows we compute from other values instead of the printer saying them. U1 is found through the
/// station that two documents name.
pub const DERIVED: &[RowId] = &[RowId::S17, RowId::U1, RowId::U3];

/// The rows read from a document whose form nobody has shown.
pub const INVENTED: &[RowId] = &[RowId::S23];

const TREE: &str = "/DevMgmt/DiscoveryTree.xml";
/// What the namespaces of every document of this family begin with.
const FAMILY: &[u8] = b"http://www.hp.com/schemas/imaging/con/";

/// One document of the interface.
struct Resource {
    /// Its root element, and its name in sources and defects.
    name: &'static str,
    /// Its type in the tree, without the prefix.
    kind: &'static str,
    /// Where it usually is.
    path: &'static str,
    read: fn(Node<'_>, &mut Report, &mut Notes),
}

const CONFIGURATION: Resource = Resource {
    name: "ProductConfigDyn",
    kind: "hpLedmProductConfigDyn",
    path: "/DevMgmt/ProductConfigDyn.xml",
    read: configuration::read,
};

const EVENTS: Resource = Resource {
    name: "EventTable",
    kind: "hpLedmEventMgmtManifest",
    path: "/EventMgmt/EventTable",
    read: jobs::read_events,
};

/// Asked only where the event table says that there was a job.
const JOBS: Resource =
    Resource { name: "JobList", kind: "hpLedmJobsManifest", path: "/Jobs/JobList", read: jobs::read_list };

/// What is asked after the printer is known, in the order it is read: cartridges are known before their use.
const RESOURCES: &[Resource] = &[
    Resource {
        name: "ProductStatusDyn",
        kind: "hpLedmProductStatusDyn",
        path: "/DevMgmt/ProductStatusDyn.xml",
        read: status::read,
    },
    Resource {
        name: "ConsumableConfigDyn",
        kind: "hpLedmConsumableConfigDyn",
        path: "/DevMgmt/ConsumableConfigDyn.xml",
        read: consumables::read,
    },
    Resource {
        name: "ProductUsageDyn",
        kind: "hpLedmProductUsageDyn",
        path: "/DevMgmt/ProductUsageDyn.xml",
        read: usage::read,
    },
    Resource {
        name: "MediaHandlingDyn",
        kind: "hpLedmMediaHandlingDyn",
        path: "/DevMgmt/MediaHandlingDyn.xml",
        read: media::read_sources,
    },
    Resource { name: "MediaCap", kind: "hpLedmMediaCap", path: "/DevMgmt/MediaCap.xml", read: media::read_types },
    EVENTS,
];

impl Resource {
    /// Where it is on this printer; `None` where the tree does not name it.
    ///
    /// A tree that names nothing we know tells nothing: then everything is sought at its usual place.
    fn place(&self, tree: &Tree) -> Option<String> {
        let is_silent = !RESOURCES.iter().any(|resource| tree.names(resource.kind));
        (is_silent || tree.names(self.kind)).then(|| self.place_or_usual(tree))
    }

    fn place_or_usual(&self, tree: &Tree) -> String {
        tree.path(self.kind).unwrap_or(self.path).to_owned()
    }
}

/// What is still to ask. Each stage asks only for paths without an answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    let mut paths = next_paths(answers);
    paths.truncate(REQUESTS_MAX.saturating_sub(answers.len()));
    paths.into_iter().map(|path| Request::get(path, Accept::Xml)).collect()
}

fn next_paths(answers: &Answers) -> Vec<String> {
    if !answers.contains_key(TREE) {
        return vec![TREE.to_owned()];
    }
    let Ok(tree) = discovered(answers, &mut Notes::default()) else { return Vec::new() };
    let identity = CONFIGURATION.place_or_usual(&tree);
    if !answers.contains_key(&identity) {
        return vec![identity];
    }
    if !identify(answers) {
        return Vec::new();
    }
    let missing = unasked(answers, RESOURCES, &tree);
    if missing.is_empty() && may_have_jobs(answers, &tree) { unasked(answers, &[JOBS], &tree) } else { missing }
}

/// The places of `resources` without an answer, each once: a tree may name one place for two of them.
fn unasked(answers: &Answers, resources: &[Resource], tree: &Tree) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for path in resources.iter().filter_map(|resource| resource.place(tree)) {
        if !answers.contains_key(&path) && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Whether the job list is worth a request: the event table names a job, or does not answer.
fn may_have_jobs(answers: &Answers, tree: &Tree) -> bool {
    let Some(path) = EVENTS.place(tree) else { return true };
    match open(answers, &path, EVENTS.name) {
        Ok(Some(table)) => jobs::names_a_job(Node::of(&table)),
        Ok(None) | Err(_) => true,
    }
}

/// Whether the tree is one of this family and the printer said who it is.
fn identify(answers: &Answers) -> bool {
    identified(answers, &mut Notes::default()).is_ok()
}

/// The tree of a printer that is known; else why it is not.
fn identified(answers: &Answers, notes: &mut Notes) -> Result<Tree, String> {
    let tree = discovered(answers, notes)?;
    let label = CONFIGURATION.name;
    match open(answers, &CONFIGURATION.place_or_usual(&tree), CONFIGURATION.name) {
        Err(why) => Err(format!("{label}: {why}")),
        Ok(None) => Err(format!("{label}: not found")),
        Ok(Some(document)) if configuration::is_printer(Node::of(&document)) => Ok(tree),
        Ok(Some(_)) => Err(format!("{label}: names neither a product nor a serial number")),
    }
}

fn discovered(answers: &Answers, notes: &mut Notes) -> Result<Tree, String> {
    match open(answers, TREE, "DiscoveryTree") {
        Err(why) => Err(format!("DiscoveryTree: {why}")),
        Ok(None) => Err("DiscoveryTree: not found, no printer of this kind".to_owned()),
        Ok(Some(document)) => {
            Tree::read(Node::of(&document), notes).ok_or_else(|| "DiscoveryTree: names no resource".to_owned())
        }
    }
}

/// Reads every answer. A resource that the printer does not have (404) leaves its rows absent; one that
/// cannot be read leaves a defect; neither keeps the others from being read.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    let tree = match identified(answers, &mut notes) {
        Ok(tree) => tree,
        Err(why) => {
            notes.of(&why);
            return (report, notes.into_defects());
        }
    };
    for resource in [&CONFIGURATION].into_iter().chain(RESOURCES) {
        if let Some(uri) = tree.elsewhere(resource.kind) {
            notes.of(&format!("DiscoveryTree: {} at '{}' is not asked there", resource.name, Defect::quote(uri)));
        }
    }
    read_resource(answers, &CONFIGURATION, Some(CONFIGURATION.place_or_usual(&tree)), &mut report, &mut notes);
    for resource in RESOURCES {
        read_resource(answers, resource, resource.place(&tree), &mut report, &mut notes);
    }
    // Without an answer it was not worth a request.
    let list = JOBS.place(&tree).filter(|path| answers.contains_key(path));
    read_resource(answers, &JOBS, list, &mut report, &mut notes);
    (report, notes.into_defects())
}

fn read_resource(
    answers: &Answers,
    resource: &Resource,
    place: Option<String>,
    report: &mut Report,
    notes: &mut Notes,
) {
    let Some(path) = place else { return };
    match open(answers, &path, resource.name) {
        Ok(None) => {}
        Err(why) => notes.of(&format!("{}: {why}", resource.name)),
        Ok(Some(document)) => (resource.read)(Node::of(&document), report, notes),
    }
    notes.enter("");
    credit(report, DRIVER.name, resource.name, DERIVED);
}

/// What the root element of the document answered at `path` holds; `None` when the printer has no such
/// document, else why it cannot be read.
fn open(answers: &Answers, path: &str, root: &str) -> Result<Option<Value>, String> {
    let (content_type, body) = match answers.get(path) {
        None => return Err("was not asked".to_owned()),
        Some(Answer::Failed(why) | Answer::NotAsked(why)) => return Err(Defect::quote(why)),
        Some(Answer::Elsewhere { location, .. }) => {
            return Err(format!("answered with another place: '{}'", Defect::quote(location)));
        }
        Some(Answer::Body { status: 404 | 410, .. }) => return Ok(None),
        Some(Answer::Body { status: 200..=299, content_type, body }) => (content_type, body),
        Some(Answer::Body { status, .. }) => return Err(format!("answered with status {status}")),
    };
    let mut document = document::read(content_type, body).map_err(|error| Defect::quote(&error.to_string()))?;
    let Some(inner) = document.get_mut(root).map(Value::take) else {
        return Err(format!("has no {root}"));
    };
    if !is_of_the_family(body) {
        return Err(format!("has a {root} of another vocabulary"));
    }
    Ok(Some(inner))
}

/// Whether an XML document names the family's vocabulary. JSON, which some printers answer, has no namespaces.
fn is_of_the_family(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| byte.is_ascii_graphic());
    first != Some(&b'<') || body.windows(FAMILY.len()).any(|window| window == FAMILY)
}

//! The large-format web service: JSON by `.json`, XML by `.xml`, the job queue by what is accepted.
//!
//! Answers are built once as a tree and spelled twice. Known shapes stand here, invented ones in
//! `dialect`. Deliberately absent: previews and every resource that would change a printer.

mod queue;
mod supplies;

use super::document::{self, Node, collection, count, map, quantity, text};
use super::{Response, dialect};
use crate::printer::{MEDIA, Printer};
use report::Instant;

/// Where all resources stand.
const ROOT: &str = "/LFPWebServices/PI/";

/// Answers a GET for `path`. `accept_json` tells whether the request accepts JSON, which only the
/// job queue asks about; every other resource names its form by its suffix.
pub fn answer(printer: &Printer, path: &str, accept_json: bool) -> Response {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let Some(resource) = path.strip_prefix(ROOT) else {
        return Response::page(404, "Not found");
    };
    if let Some(resource) = resource.strip_prefix("JQ/") {
        return match queue::answer(printer, resource) {
            Ok((name, root)) => spell(printer, name, &root, accept_json),
            Err(response) => response,
        };
    }
    if resource.starts_with("Settings") || resource.starts_with("PrinterSettings") {
        return Response::page(401, "Unauthorized");
    }
    let as_json = resource.contains(".json");
    let form = if as_json { ".json" } else { ".xml" };
    if !resource.contains(form) {
        return Response::page(404, "Not found");
    }
    let resource = resource.replacen(form, "", 1);
    match fixed(printer, &resource) {
        Some((name, root)) => spell(printer, name, &root, as_json),
        None => Response::page(404, "Not found"),
    }
}

/// The resources of a fixed name: the name of the document and its root.
fn fixed(printer: &Printer, resource: &str) -> Option<(&'static str, Node)> {
    Some(match resource {
        "Identification" => ("Identification", map([("Fields", identification(printer))])),
        "DeviceStatus" => ("DeviceStatus", status(printer)),
        "InkSystem" => ("InkSystem", supplies::inks(printer)),
        "PrintheadsStatus" => ("PrintheadsStatus", supplies::heads(printer)),
        "MediaSystem" => ("MediaSystem", supplies::media(printer)),
        "Alerts/ActiveAlerts" => ("ActiveAlerts", alerts(printer)),
        "Paper/List" => ("PaperList", papers()),
        dialect::COUNTERS => (dialect::COUNTERS, dialect::counters(printer)),
        _ => return None,
    })
}

/// Spells a document.
fn spell(printer: &Printer, name: &'static str, root: &Node, as_json: bool) -> Response {
    let (content_type, body) = if as_json {
        ("application/json", document::json(name, root, printer.quirks))
    } else {
        ("text/xml", document::xml(name, root))
    };
    Response { status: 200, content_type: content_type.to_owned(), body: body.into_bytes() }
}

/// A date in UTC; an unknown one in the printer's way.
fn date(printer: &Printer, at: Option<Instant>) -> Node {
    match at {
        Some(at) => text(&at.to_string()),
        None if printer.quirks.dates_1970 => text(&Instant(0).to_string()),
        None => Node::Empty,
    }
}

/// Rows C1 to C4 and the printer's UUID.
fn identification(printer: &Printer) -> Node {
    let model = printer.model();
    map([
        ("ModelName", text(model.product_name)),
        ("ModelNumber", text(model.product_name.trim_start_matches("HP "))),
        ("PartNumber", text(model.product_number)),
        ("Manufacturer", text("HP")),
        ("SerialNumber", text(printer.serial())),
        ("PrinterName", text(model.product_name)),
        ("DeviceRegion", text("region-emea")),
        ("PrinterWidth", quantity(model.width, "in")),
        ("FwReleaseName", text(&format!("{}_{:02}.1", model.firmware, 1 + printer.seed % 30))),
        ("FwReleaseDate", text("2026-03-02T09:00:00Z")),
        ("InterfaceVersion", text("1.1.0")),
        ("UUID", text(&printer.uuid)),
        ("ServiceID", count(30_000 + i64::try_from(printer.seed % 900).unwrap_or(0))),
    ])
}

/// Row S1, and what the printer does now.
fn status(printer: &Printer) -> Node {
    let warned = !supplies::low(printer).is_empty();
    let overall = if warned { "WithAlerts" } else { "Ready" };
    let (name, kind) = match printer.active() {
        Some(job) if job.started_at <= printer.now => ("Printing", "Print"),
        Some(_) => ("Processing", "Print"),
        None => ("NoActivity", "System"),
    };
    let activity = map([("Name", text(name)), ("Type", text(kind)), ("RemainingTime", count(-1))]);
    map([
        (
            "StatusOverview",
            map([
                ("MostRelevantStatus", text(overall)),
                ("StatusSeverity", text(if warned { "Warning" } else { "OK" })),
                ("StatusList", collection("StatusType", vec![text(overall)])),
            ]),
        ),
        (
            "ActivitiesOverview",
            map([
                ("CurrentActivities", collection("Activity", vec![activity.clone()])),
                ("MostRelevantActivity", activity),
            ]),
        ),
    ])
}

/// E rows: what the printer warns of.
fn alerts(printer: &Printer) -> Node {
    let alerts = supplies::low(printer).into_iter().map(|alert| {
        map([
            ("FullName", text(&alert.path)),
            ("Name", text(&alert.name)),
            ("Area", text(&alert.part)),
            ("Severity", text(alert.severity)),
        ])
    });
    map([("List", collection("Alert", alerts.collect()))])
}

/// Row S23: the media types the printer knows, with their names.
fn papers() -> Node {
    let papers = MEDIA.iter().map(|medium| {
        let names = [("en", medium.name), ("de", medium.german), ("es", medium.spanish)];
        let names = names.map(|(language, name)| map([("ISOCode", text(language)), ("Value", text(name))]));
        map([
            ("Id", text(medium.id)),
            ("CategoryId", text("plain")),
            ("DonorId", Node::Empty),
            ("Localizations", collection("Localization", names.into())),
            ("Properties", Node::Empty),
        ])
    });
    map([("List", collection("Paper", papers.collect()))])
}

//! `DeviceStatus`: row S1. `Alerts`: rows E1 to E5.
//!
//! Deliberately absent: row E6, since only active alerts are listed; and an alert made from the device
//! status, since the printer lists its alerts itself.

use super::dialect;
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, joined};
use report::{Alert, Report, RowId, Severity};

/// The activity of a printer that does nothing.
const IDLE: &str = "NoActivity";

/// Row S1: the most relevant status and what the printer is doing: `Ready, Printing`.
pub(crate) fn read(status: Node<'_>, report: &mut Report, _notes: &mut Notes) {
    let relevant = status.at("StatusOverview.MostRelevantStatus").text();
    let activity = status.at("ActivitiesOverview.MostRelevantActivity.Name").text();
    let activity = activity.filter(|activity| !activity.eq_ignore_ascii_case(IDLE));
    let words: Vec<String> = relevant.into_iter().chain(activity).collect();
    report.status.engine = joined(&words);
}

/// Rows E1 to E5.
pub(crate) fn read_alerts(alerts: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("Alerts");
    let collection = alerts.at("List.Alert");
    let entries = if collection.is_missing() { alerts.at("Alert") } else { collection };
    for (index, alert) in notes.list("Alert", entries, LIST_MAX).into_iter().enumerate() {
        let name = alert.at("Name").text();
        let Some(code) = alert.at("FullName").text().or_else(|| name.clone()) else {
            notes.at(RowId::E1, &format!("alert {} has no name", index + 1));
            continue;
        };
        let severity = severity(alert.at("Severity").text().as_deref());
        report.alerts.push(Alert {
            code,
            severity,
            part: alert.at("Area").text(),
            text: name,
            since: notes.instant(RowId::E5, dialect::SINCE, alert.at(dialect::SINCE)),
            cleared_at: None,
        });
    }
}

/// Row E2: a word that is neither an error nor a warning is good to know.
fn severity(word: Option<&str>) -> Severity {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "error" | "severe" | "critical" => Severity::Severe,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    }
}

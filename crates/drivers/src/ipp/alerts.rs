//! printer-state-reasons and printer-alert: rows E1 to E4.
//!
//! Deliberately absent: row E5, since IPP gives no instant; and entries of printer-alert by which firmware only
//! logs what it does.

use super::message::{self, Attributes};
use super::supplies::fields;
use crate::limits::LIST_MAX;
use crate::node::Notes;
use crate::snmp::mib;
use report::{Alert, Defect, Report, RowId, Severity};
use std::collections::BTreeMap;

/// The suffixes of a reason. RFC 8011, section 5.4.12.
const SUFFIXES: &[(&str, Severity)] =
    &[("-error", Severity::Severe), ("-warning", Severity::Warning), ("-report", Severity::Info)];
/// Reasons without a suffix that name a state. Without one a reason is an error by the standard.
const STATES: &[&str] =
    &["paused", "moving-to-paused", "shutdown", "connecting-to-device", "stopping", "stopped-partly", "hibernate"];
/// The words of printer-alert's severity.
const SEVERITIES: &[(&str, Severity)] = &[
    ("critical", Severity::Severe),
    ("warning", Severity::Warning),
    ("warningBinaryChangeEvent", Severity::Warning),
    ("other", Severity::Info),
];
/// Codes that name nothing.
const NAMELESS: &[&str] = &["other", "unknown", "none", "printerReadyToPrint"];

/// Reads the reasons, then the alerts; one that stands twice is one.
pub(crate) fn read(printer: &Attributes, report: &mut Report, notes: &mut Notes) {
    let reasons = message::texts(printer, "printer-state-reasons");
    let descriptions = message::texts(printer, "printer-alert-description");
    let alerts = message::texts(printer, "printer-alert");
    let mut found: Vec<Alert> = reasons.iter().take(LIST_MAX).filter_map(|reason| of_reason(reason)).collect();
    for (index, alert) in alerts.iter().take(LIST_MAX).enumerate() {
        let text = descriptions.get(index).and_then(|text| mib::plain(text));
        found.extend(of_alert(index, &fields(alert), text, notes));
    }
    for alert in found {
        if !report.alerts.contains(&alert) {
            report.alerts.push(alert);
        }
    }
}

fn of_reason(reason: &str) -> Option<Alert> {
    let reason = mib::plain(reason).filter(|reason| reason != "none")?;
    let suffix = SUFFIXES.iter().find_map(|(suffix, severity)| Some((reason.strip_suffix(*suffix)?, *severity)));
    let otherwise = if STATES.contains(&reason.as_str()) { Severity::Info } else { Severity::Severe };
    let (code, severity) = suffix.unwrap_or((reason.as_str(), otherwise));
    (!code.is_empty()).then(|| Alert { code: code.to_owned(), severity, ..Alert::default() })
}

fn of_alert(index: usize, fields: &BTreeMap<String, String>, text: Option<String>, notes: &mut Notes) -> Option<Alert> {
    let field = |key: &str| fields.get(key).and_then(|value| mib::plain(value));
    let code = field("code").filter(|code| !NAMELESS.iter().any(|word| code.eq_ignore_ascii_case(word)));
    if code.is_none() && text.as_deref().is_none_or(mib::is_state) {
        return None;
    }
    let word = field("severity");
    let known = SEVERITIES.iter().find(|(name, _)| word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(name)));
    if let (None, Some(word)) = (known, &word) {
        let word = Defect::quote(word);
        notes.at(RowId::E2, &format!("printer-alert {}: '{word}' is no known severity", index + 1));
    }
    Some(Alert {
        code: code.or_else(|| text.clone())?,
        severity: known.map_or(Severity::Info, |(_, severity)| *severity),
        part: field("group").filter(|group| !group.eq_ignore_ascii_case("other")),
        text,
        ..Alert::default()
    })
}

//! `ProductStatusDyn`: row S1 and the alerts, rows E1 to E4.
//!
//! Deliberately absent: rows E5 and E6, since an alert carries no time, and the numbers of localized texts,
//! which only the printer's own pages can resolve.

use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, joined};
use report::{Alert, Report, RowId, Severity};

/// Members of an alert's details that say which part it is about, as they are read together.
const PARTS: &[&str] = &[
    "AlertDetailsConsumableTypeEnum",
    "AlertDetailsMarkerColor",
    "AlertDetailsMarkerLocation",
    "AlertDetailsInputBin",
    "AlertDetailsLocation",
];

/// Reads the status and every alert.
pub(crate) fn read(document: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("ProductStatusDyn");
    report.status.engine = engine(document, notes);
    for (index, alert) in notes.list("Alert", document.at("AlertTable.Alert"), LIST_MAX).into_iter().enumerate() {
        match code(alert) {
            Some(code) => report.alerts.push(read_alert(alert, code)),
            None => notes.at(RowId::E1, &format!("alert {} has no code", index + 1)),
        }
    }
}

/// Row S1: every category the printer is in, in its words: `subscribedPagesLow, ready`.
fn engine(document: Node<'_>, notes: &mut Notes) -> Option<String> {
    let statuses = notes.list("Status", document.at("Status"), LIST_MAX);
    let words: Vec<String> =
        statuses.into_iter().flat_map(|status| status.at("StatusCategory").texts()).take(LIST_MAX).collect();
    joined(&words)
}

/// Row E1. An alert without a code of its own is known by the number of its text.
fn code(alert: Node<'_>) -> Option<String> {
    alert.text_of(&["ProductStatusAlertID", "StringId"])
}

fn read_alert(alert: Node<'_>, code: String) -> Alert {
    let details = alert.at("AlertDetails");
    let parts: Vec<String> = PARTS.iter().filter_map(|member| details.at(member).text()).collect();
    Alert {
        code,
        severity: severity(alert.at("Severity").text().as_deref()),
        part: joined(&parts),
        text: details.at("AlertDetailsUserAction").text(),
        since: None,
        cleared_at: None,
    }
}

/// Row E2: a word that is neither an error nor a warning is good to know.
fn severity(word: Option<&str>) -> Severity {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "error" | "stricterror" | "critical" | "severe" => Severity::Severe,
        "warning" | "strictwarning" => Severity::Warning,
        _ => Severity::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::severity;
    use report::Severity;

    #[test]
    fn a_word_that_is_not_known_is_good_to_know() {
        let cases = [
            (Some("Error"), Severity::Severe),
            (Some("StrictError"), Severity::Severe),
            (Some("Warning"), Severity::Warning),
            (Some("StrictWarning"), Severity::Warning),
            (Some("Info"), Severity::Info),
            (Some("Sparkling"), Severity::Info),
            (None, Severity::Info),
        ];
        for (word, expected) in cases {
            assert_eq!(severity(word), expected, "{word:?}");
        }
    }
}

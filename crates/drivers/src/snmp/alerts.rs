//! prtAlert: rows E1 to E4.
//!
//! Deliberately absent: row E5. The table gives the time of an alert since the printer was started, and every
//! reading would make another instant of it; an alert is known by its code and its instant. Also absent: rows
//! by which firmware only logs what it does.

use super::mib::{self, Labels};
use super::table::Mib;
use crate::limits::LIST_MAX;
use crate::node::Notes;
use report::{Alert, Report, RowId, Severity};

/// prtAlertTable.
pub(crate) const ALERTS: &str = "1.3.6.1.2.1.43.18.1.1";

const SEVERITY: &str = "1.3.6.1.2.1.43.18.1.1.2";
const GROUP: &str = "1.3.6.1.2.1.43.18.1.1.4";
const GROUP_INDEX: &str = "1.3.6.1.2.1.43.18.1.1.5";
const CODE: &str = "1.3.6.1.2.1.43.18.1.1.7";
const DESCRIPTION: &str = "1.3.6.1.2.1.43.18.1.1.8";
/// Neither of the severities that ask for somebody.
const OTHER: i64 = 1;

/// PrtAlertGroupTC: label and what a page calls it.
#[rustfmt::skip]
const GROUPS: &[(i64, &str, &str)] = &[
    (5, "generalPrinter", "printer"), (6, "cover", "cover"), (7, "localization", "localization"),
    (8, "input", "media source"), (9, "output", "output"), (10, "marker", "marker"),
    (11, "markerSupplies", "supply"), (12, "markerColorant", "colorant"), (13, "mediaPath", "media path"),
    (14, "channel", "channel"), (15, "interpreter", "interpreter"), (16, "consoleDisplayBuffer", "display"),
    (17, "consoleLights", "lights"), (18, "alert", "alerts"), (30, "finDevice", "finisher"),
    (31, "finSupply", "finisher supply"), (32, "finSupplyMediaInput", "finisher media"),
    (33, "finAttribute", "finisher"),
];

/// PrtAlertCodeTC.
#[rustfmt::skip]
const CODES: Labels = &[
    (1, "other"), (2, "unknown"), (3, "coverOpened"), (4, "coverClosed"), (5, "interlockOpened"),
    (6, "interlockClosed"), (7, "configurationChange"), (8, "jam"), (9, "subunitMissing"),
    (10, "subunitLifeAlmostOver"), (11, "subunitLifeOver"), (12, "subunitAlmostEmpty"), (13, "subunitEmpty"),
    (14, "subunitAlmostFull"), (15, "subunitFull"), (16, "subunitNearLimit"), (17, "subunitAtLimit"),
    (18, "subunitOpened"), (19, "subunitClosed"), (20, "subunitTurnedOn"), (21, "subunitTurnedOff"),
    (22, "subunitOffline"), (23, "subunitPowerSaver"), (24, "subunitWarmingUp"), (25, "subunitAdded"),
    (26, "subunitRemoved"), (27, "subunitResourceAdded"), (28, "subunitResourceRemoved"),
    (29, "subunitRecoverableFailure"), (30, "subunitUnrecoverableFailure"),
    (31, "subunitRecoverableStorageError"), (32, "subunitUnrecoverableStorageError"), (33, "subunitMotorFailure"),
    (34, "subunitMemoryExhausted"), (35, "subunitUnderTemperature"), (36, "subunitOverTemperature"),
    (37, "subunitTimingFailure"), (38, "subunitThermistorFailure"), (501, "doorOpen"), (502, "doorClosed"),
    (503, "powerUp"), (504, "powerDown"), (505, "printerNMSReset"), (506, "printerManualReset"),
    (507, "printerReadyToPrint"), (801, "inputMediaTrayMissing"), (802, "inputMediaSizeChange"),
    (803, "inputMediaWeightChange"), (804, "inputMediaTypeChange"), (805, "inputMediaColorChange"),
    (806, "inputMediaFormPartsChange"), (807, "inputMediaSupplyLow"), (808, "inputMediaSupplyEmpty"),
    (809, "inputMediaChangeRequest"), (810, "inputManualInputRequest"), (811, "inputTrayPositionFailure"),
    (812, "inputTrayElevationFailure"), (813, "inputCannotFeedSizeSelected"), (901, "outputMediaTrayMissing"),
    (902, "outputMediaTrayAlmostFull"), (903, "outputMediaTrayFull"), (904, "outputMailboxSelectFailure"),
    (1001, "markerFuserUnderTemperature"), (1002, "markerFuserOverTemperature"),
    (1003, "markerFuserTimingFailure"), (1004, "markerFuserThermistorFailure"),
    (1005, "markerAdjustingPrintQuality"), (1101, "markerTonerEmpty"), (1102, "markerInkEmpty"),
    (1103, "markerPrintRibbonEmpty"), (1104, "markerTonerAlmostEmpty"), (1105, "markerInkAlmostEmpty"),
    (1106, "markerPrintRibbonAlmostEmpty"), (1107, "markerWasteTonerReceptacleAlmostFull"),
    (1108, "markerWasteInkReceptacleAlmostFull"), (1109, "markerWasteTonerReceptacleFull"),
    (1110, "markerWasteInkReceptacleFull"), (1111, "markerOpcLifeAlmostOver"), (1112, "markerOpcLifeOver"),
    (1113, "markerDeveloperAlmostEmpty"), (1114, "markerDeveloperEmpty"), (1115, "markerTonerCartridgeMissing"),
    (1301, "mediaPathMediaTrayMissing"), (1302, "mediaPathMediaTrayAlmostFull"),
    (1303, "mediaPathMediaTrayFull"), (1304, "mediaPathCannotDuplexMediaSelected"),
    (1501, "interpreterMemoryIncrease"), (1502, "interpreterMemoryDecrease"),
    (1503, "interpreterCartridgeAdded"), (1504, "interpreterCartridgeDeleted"),
    (1505, "interpreterResourceAdded"), (1506, "interpreterResourceDeleted"),
    (1507, "interpreterResourceUnavailable"), (1509, "interpreterComplexPageEncountered"),
    (1801, "alertRemovalOfBinaryChangeEntry"),
];

/// Reads every alert; one that stands twice is one.
pub(crate) fn read(mib: &Mib, device: Option<u32>, report: &mut Report, notes: &mut Notes) {
    let mut rows = mib.rows(CODE, device);
    if rows.is_empty() {
        rows = mib.rows(DESCRIPTION, device);
    }
    if rows.len() > LIST_MAX {
        notes.of(&format!("prtAlert has {} rows, only the first {LIST_MAX} are read", rows.len()));
        rows.truncate(LIST_MAX);
    }
    for index in rows {
        if let Some(alert) = alert(mib, index, notes).filter(|alert| !report.alerts.contains(alert)) {
            report.alerts.push(alert);
        }
    }
}

fn alert(mib: &Mib, index: &[u32], notes: &mut Notes) -> Option<Alert> {
    let severity = mib.number(SEVERITY, index);
    let code = mib.number(CODE, index);
    let text = mib.text(DESCRIPTION, index, RowId::E4, notes);
    let is_nameless = matches!(code, None | Some(1 | 2));
    if matches!(severity, None | Some(OTHER)) && is_nameless && text.as_deref().is_none_or(mib::is_state) {
        return None;
    }
    let (path, part) = part(mib, index);
    let label = match code {
        Some(code) if !is_nameless => match mib::label_of(CODES, code) {
            Some(label) => label.to_owned(),
            None => code.to_string(),
        },
        _ => text.clone().unwrap_or_else(|| "other".to_owned()),
    };
    let code = mib::plain(&format!("{path}{label}"))?;
    Some(Alert { code, severity: severity_of(severity), part, text, ..Alert::default() })
}

/// The path that leads the code, so that two parts with one trouble are two alerts, and row E3.
fn part(mib: &Mib, index: &[u32]) -> (String, Option<String>) {
    let group = mib.number(GROUP, index);
    let Some((_, label, words)) = GROUPS.iter().find(|(number, _, _)| Some(*number) == group) else {
        return (String::new(), None);
    };
    match mib.number(GROUP_INDEX, index) {
        Some(number) if number > 0 => (format!("{label}.{number}/"), Some(format!("{words} {number}"))),
        _ => (format!("{label}/"), Some((*words).to_owned())),
    }
}

/// Row E2: critical, and the two warnings; anything else is good to know.
fn severity_of(severity: Option<i64>) -> Severity {
    match severity {
        Some(3) => Severity::Severe,
        Some(4 | 5) => Severity::Warning,
        _ => Severity::Info,
    }
}

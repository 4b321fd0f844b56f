//! Lines for the event log of Windows.
//!
//! The source `Plotmeter` is made by the installer and by `plotmeter collector service install`; its
//! texts are those of the system's own `EventCreate.exe`, which show one string as it is. The calls
//! go through a crate that wraps them safely, as this program has no unsafe code of its own.
//! Deliberately absent: categories, and a message file of our own.
#![cfg(windows)]

use super::{Line, Sink};
use tracing::Level;
use winsafe::co::EVENTLOG;

/// The name under which events stand.
pub(super) const SOURCE: &str = "Plotmeter";
/// `EventCreate.exe` knows the ids 1 to 1000.
const EVENT: u32 = 1;

/// The event log of this machine.
pub(super) struct EventLog;

impl Sink for EventLog {
    fn take(&self, line: &Line) {
        let kind = match line.level() {
            Level::ERROR => EVENTLOG::ERROR_TYPE,
            Level::WARN => EVENTLOG::WARNING_TYPE,
            _ => EVENTLOG::INFORMATION_TYPE,
        };
        // Events are few, so each opens the log anew; without the log nobody is there to be told.
        if let Ok(log) = winsafe::HEVENTLOG::RegisterEventSource(None, SOURCE) {
            let _unheard = log.ReportEvent(kind, 0, EVENT, None, &[line.text()], &[]);
        }
    }
}

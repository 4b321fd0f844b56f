//! Alerts as the printer raises and clears them.
//!
//! A severe one goes by its own lane at once; all of them stand in the readings while they are active,
//! and once more when they were cleared. The list is on storage before a call returns, so that a
//! printer that loses power over a fault still reports it. Deliberately absent: what an alert means.

use crate::abi::{PM_NOT_KEPT, PM_OK};
use crate::fault::Fault;
use crate::printer::{PrinterAgent, VALUE_ALERTS};
use protocol::message::AlertNotice;
use report::{Alert, Instant, Severity};

/// Alerts that are active at one time.
const ALERTS_MAX: usize = 64;

impl PrinterAgent {
    /// Raises an alert, or tells more of one that is active.
    pub(crate) fn raise(&mut self, mut alert: Alert) -> Result<i32, Fault> {
        if alert.code.is_empty() {
            return Err(Fault::Value("an alert needs a code".to_owned()));
        }
        if !self.takes_part()? {
            return Ok(PM_NOT_KEPT);
        }
        (self.setup.stir)()?;
        let now = self.now();
        let since = *alert.since.get_or_insert(now);
        if alert.severity == Severity::Severe && alert.cleared_at.is_none() {
            let notice = AlertNotice { printer: self.identity(), read_at: now, alert: alert.clone() };
            // First on its lane: a full list below must not hold it up.
            self.desk()?.alert(notice).map_err(|error| Fault::storage(&error))?;
            self.urgent = true;
        }
        let same = |known: &Alert| known.code == alert.code && known.since == Some(since);
        self.alerts_before.retain(|known| !same(known));
        match self.alerts.iter().position(same) {
            Some(index) => self.alerts[index] = alert,
            None if self.alerts.len() >= ALERTS_MAX => {
                return Err(Fault::Full(format!("more than {ALERTS_MAX} alerts are active")));
            }
            None => self.alerts.push(alert),
        }
        self.keep_alerts()?;
        Ok(PM_OK)
    }

    /// Clears every alert of `code`.
    pub(crate) fn clear(&mut self, code: &str, at: Instant) -> Result<i32, Fault> {
        self.desk_ref()?;
        (self.setup.stir)()?;
        let mut found = false;
        for alert in self.alerts.iter_mut().chain(&mut self.alerts_before) {
            if alert.code == code && alert.cleared_at.is_none() {
                alert.cleared_at = Some(at);
                found = true;
            }
        }
        if !found {
            return Ok(PM_NOT_KEPT);
        }
        self.keep_alerts()?;
        Ok(PM_OK)
    }

    /// What the next reading says: first what stood before the last boot, then what stands now.
    pub(crate) fn alerts_of_reading(&self) -> Vec<Alert> {
        self.alerts_before.iter().chain(&self.alerts).cloned().collect()
    }

    /// A reading has them all: what was cleared, and what nobody raised again since the boot, is done.
    pub(crate) fn alerts_were_read(&mut self) -> Result<(), Fault> {
        let before = self.alerts.len();
        self.alerts.retain(|alert| alert.cleared_at.is_none());
        if self.alerts.len() != before || !self.alerts_before.is_empty() {
            self.alerts_before.clear();
            self.keep_alerts()?;
        }
        Ok(())
    }

    fn keep_alerts(&mut self) -> Result<(), Fault> {
        let text = serde_json::to_string(&self.alerts_of_reading()).map_err(|error| Fault::Json(error.to_string()))?;
        self.desk()?.set_value(VALUE_ALERTS, &text).map_err(|error| Fault::storage(&error))
    }
}

//! What an agent says of itself: to the portal in a beat, and to people as its status.
//!
//! Deliberately absent: when a beat is said, and what only one kind of agent knows.

use super::{CollectorError, HOST, Office};
use crate::{PrinterStatus, Unsent};
use protocol::Hex;
use protocol::limits::{MESSAGE_CHARS_MAX, TROUBLES_MAX};
use protocol::message::{Beat, Trouble};
use protocol::receipt::Duty;
use report::{Duration, Instant};

/// A printer that was not read for this long is a trouble that the portal hears of.
const SILENT: Duration = Duration::hours(24);
/// What a printer's failure says when it is another certificate; the rest of the text names its address.
const OTHER_CERTIFICATE: &str = "the printer shows another certificate";

/// What `status` shows of an agent.
#[derive(Debug, Clone)]
pub struct Status {
    /// The agent's id.
    pub agent: String,
    /// Whose account the data goes to; empty until the portal's side approved a comparison.
    pub customer: String,
    /// The reseller that sees it.
    pub reseller: String,
    /// The portal's address.
    pub portal: String,
    /// The portal's key: it signs receipts and evidence files.
    pub portal_key: Hex<32>,
    /// The agent's own key, which signs its next package.
    pub evidence_key: Hex<32>,
    /// Minutes between readings, in effect.
    pub interval_minutes: u32,
    /// Records that the portal does not have yet, also those in packages without a receipt.
    pub records_waiting: u64,
    /// Packages that the portal does not have yet; their records are counted above.
    pub packages_waiting: u64,
    /// Jobs among those records.
    pub jobs_waiting: u64,
    /// When the oldest of them was made.
    pub oldest_waiting: Option<Instant>,
    /// When the portal last answered and proved that it was the portal, by the agent's clock.
    pub last_answer: Option<Instant>,
    /// When sending goes on, where that is known.
    pub waits_until: Option<Instant>,
    /// Why nothing is sent now, in words; `None` where nothing waits, or nothing keeps it.
    pub waits_for: Option<String>,
    /// The last failure towards the portal, in words, until the portal answers without one.
    pub trouble: Option<String>,
    /// Bytes of the spool.
    pub spool_bytes: u64,
    /// Jobs whose detail had to give way to a full disk. Their sums are kept.
    pub folded: u64,
    /// Whether the customer's side paused the agent.
    pub paused: bool,
    /// Whether it reads or stands by.
    pub duty: Duty,
    /// What waits for local approval, in words.
    pub consents: Vec<String>,
    /// The printers, by address.
    pub printers: Vec<PrinterStatus>,
}

impl Office {
    /// A beat with what all agents say; the desk adds what waits.
    pub(crate) fn beat(&self) -> Result<Beat, CollectorError> {
        let now = self.surroundings.now();
        let desk = self.desk();
        let kind = desk.identity().kind();
        let host = desk.value(HOST)?.filter(|host| !host.is_empty()).unwrap_or_else(|| "unnamed".to_owned());
        let settings = desk.settings()?;
        let printers = desk.printers()?;
        drop(desk);
        let mut troubles = Vec::new();
        for printer in printers.iter().filter(|printer| printer.serial.is_some()) {
            let Some(failure) = &printer.failure else { continue };
            let silent = printer.read_at.is_none_or(|at| now.since(at) > SILENT);
            let what = if failure.starts_with(OTHER_CERTIFICATE) {
                "shows another certificate than before"
            } else if silent {
                "was not read for more than a day"
            } else {
                continue;
            };
            let serial = printer.serial.as_ref().map(|serial| serial.chars().take(MESSAGE_CHARS_MAX).collect());
            troubles.push(Trouble { printer: serial, what: what.to_owned() });
        }
        troubles.truncate(TROUBLES_MAX);
        Ok(Beat {
            at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: host.chars().take(MESSAGE_CHARS_MAX).collect(),
            kind,
            settings_version: settings.version,
            interval_minutes: settings.bounded_interval_minutes(),
            records_waiting: 0,
            packages_waiting: 0,
            oldest_waiting: None,
            spool_bytes: 0,
            addresses: 0,
            printers: 0,
            failed: 0,
            paused: self.is_paused()?,
            consents: Vec::new(),
            troubles,
            privacy: self.policy()?.words(),
        })
    }

    /// What is known of the agent and of the printers that it looks at.
    pub(crate) fn status(
        &self,
        interval_minutes: u32,
        consents: Vec<String>,
        looks_at: impl Fn(&str) -> bool,
    ) -> Result<Status, CollectorError> {
        let paused = self.is_paused()?;
        let (last_answer, trouble) = (self.last_answer()?, self.trouble()?);
        let (waits_until, waits_for) = self.waits()?;
        let desk = self.desk();
        let unsent = desk.unsent()?;
        let Unsent { packages, jobs, oldest, bytes, folded, .. } = unsent;
        let identity = desk.identity();
        Ok(Status {
            agent: identity.agent().to_owned(),
            customer: identity.customer().to_owned(),
            reseller: identity.reseller().to_owned(),
            portal: identity.portal().to_owned(),
            portal_key: identity.stored.receipt_key,
            evidence_key: identity.evidence_key(),
            interval_minutes,
            records_waiting: unsent.all_records(),
            packages_waiting: packages,
            jobs_waiting: jobs,
            oldest_waiting: oldest,
            last_answer,
            waits_until,
            waits_for,
            trouble,
            spool_bytes: bytes,
            folded,
            paused,
            duty: desk.duty(),
            consents,
            printers: desk.printers()?.into_iter().filter(|printer| looks_at(&printer.address)).collect(),
        })
    }
}

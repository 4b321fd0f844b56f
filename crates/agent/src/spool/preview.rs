//! What of a reading would go to the portal: for people who want to see it first.
//!
//! Deliberately absent: anything that is kept, and the reading itself, which always goes.

use super::append::{identity_digest, is_recorded, job_digest, job_seen};
use super::pack::take_apart;
use super::{Spool, SpoolError};
use protocol::package::{Core, Draft, PrinterIdentity, Split};
use report::{Configuration, Instant};
use std::collections::BTreeSet;

impl Spool {
    /// The jobs of a reading that the portal does not have: those that were not seen before just as they are, and
    /// those that wait or lie in a package without a receipt.
    pub(crate) fn unsent_jobs(&self, split: &Split) -> Result<Vec<Draft>, SpoolError> {
        let mut waiting = BTreeSet::new();
        self.each_unsent(&mut |core| {
            waiting.insert(job_digest(core));
        })?;
        let mut unsent = Vec::new();
        for (key, draft) in &split.jobs {
            let digest = job_digest(&draft.core);
            let seen = job_seen(&self.connection, &split.printer.serial, key)?;
            if seen.as_deref() != Some(digest.as_slice()) || waiting.contains(&digest) {
                unsent.push(draft.clone());
            }
        }
        Ok(unsent)
    }

    /// Whether the identity of a printer that takes part in no contract would be sent: it was not recorded within a
    /// day, or what was recorded did not arrive yet.
    pub(crate) fn is_identity_unsent(&self, configuration: &Configuration, now: Instant) -> Result<bool, SpoolError> {
        let Some(printer) = PrinterIdentity::of(configuration) else { return Ok(false) };
        let digest = identity_digest(&printer, configuration)?;
        let mut waits = false;
        self.each_unsent(&mut |core| {
            let is_of = |core: Core| matches!(core, Core::Seen(seen) if seen.printer.serial == printer.serial);
            waits |= core.starts_with("{\"seen\"") && serde_json::from_str(core).is_ok_and(is_of);
        })?;
        Ok(waits || !is_recorded(&self.connection, &printer.serial, digest, now)?)
    }

    /// Looks at each core that the portal does not have.
    fn each_unsent(&self, look: &mut dyn FnMut(&str)) -> Result<(), SpoolError> {
        let mut records = self.connection.prepare_cached("select core from record")?;
        let mut rows = records.query([])?;
        while let Some(row) = rows.next()? {
            look(&row.get::<_, String>(0)?);
        }
        let mut packages = self.connection.prepare_cached("select body from package where acknowledged_at is null")?;
        let mut rows = packages.query([])?;
        while let Some(row) = rows.next()? {
            for record in take_apart(&row.get::<_, Vec<u8>>(0)?, Instant(0), &|| [0; 16])? {
                look(&record.core);
            }
        }
        Ok(())
    }
}

//! One job's record, read again from the exact bytes that its agent signed.
//!
//! Deliberately absent: checking the signature again, which was done when the package was accepted.

use super::store::{self, Place};
use crate::db::{DbError, Tx};
use crate::shell::{Error, ResellerScope};
use protocol::Hex;
use protocol::package::{Core, JobRecord, Package, decompress};
use report::{Defect, Job, Personal, Sources};

/// A job as its printer told it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The job, with what of its personal rows left the customer's network.
    pub(crate) job: Job,
    /// What was odd.
    pub(crate) defects: Vec<Defect>,
    /// Where each row came from; empty where the reading of the same moment is in another package.
    pub(super) sources: Sources,
}

/// The record of a printer's latest job.
pub(crate) fn latest(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Option<Record>, Error> {
    match store::latest(tx, scope, printer_id)? {
        Some(place) => load(tx, scope, &place),
        None => Ok(None),
    }
}

/// The record at `place`; `None` where its package is no longer kept.
pub(super) fn load(tx: &mut Tx<'_>, scope: &ResellerScope, place: &Place) -> Result<Option<Record>, Error> {
    let Some((body, first)) = store::package(tx, scope, place)? else { return Ok(None) };
    let json = decompress(&body).map_err(|error| Error::Internal(Box::new(error)))?;
    let package: Package<'_> = serde_json::from_slice(&json).map_err(DbError::from)?;
    let index = usize::try_from(place.record.saturating_sub(first)).unwrap_or(usize::MAX);
    let Some(record) = package.records.get(index) else { return Ok(None) };
    let core: Core = serde_json::from_str(record.core.get()).map_err(DbError::from)?;
    let Core::Job(core) = core else { return Ok(None) };
    let personal = match record.annex {
        Some(annex) => serde_json::from_str(annex.get()).map_err(DbError::from)?,
        None => Personal::default(),
    };
    let sources = match sources_digest(&package, &core) {
        Some(digest) => sources(tx, scope, &digest)?,
        None => Sources::new(),
    };
    let JobRecord { job, defects, .. } = *core;
    Ok(Some(Record { job: Job { personal, ..job }, defects, sources }))
}

/// The sources of the reading that found the job, where it is in the same package.
fn sources_digest(package: &Package<'_>, job: &JobRecord) -> Option<Hex<32>> {
    let mut cores = package.records.iter().filter_map(|record| serde_json::from_str::<Core>(record.core.get()).ok());
    cores.find_map(|core| match core {
        Core::Reading(reading) => {
            let same = reading.printer.serial == job.printer.serial && reading.read_at == job.read_at;
            same.then_some(reading.sources)
        }
        _ => None,
    })
}

fn sources(tx: &mut Tx<'_>, scope: &ResellerScope, digest: &Hex<32>) -> Result<Sources, DbError> {
    let text = store::section(tx, scope, digest)?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

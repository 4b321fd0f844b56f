//! The preview: what would be sent of each printer, for people who want to see it first.
//!
//! Deliberately absent: anything that is kept, and what the portal has already: a job that it took is not sent again.
//! A preview leaves the spool as it is.

use super::Collector;
use crate::audience::{Audience, contact};
use crate::office::CollectorError;
use crate::printer::{AskError, Contact, Patience, Told};
use protocol::package::{Draft, seen_record};

/// What would be sent of one printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The address asked.
    pub address: String,
    /// Its serial number; `None` when it could not be read.
    pub printer: Option<String>,
    /// Why it could not be read.
    pub failure: Option<String>,
    /// What it was asked without, because a file with a secret does not read: the file and why. The collector itself
    /// may read it, and send more.
    pub without: Vec<String>,
    /// The records that the portal does not have, as JSON.
    pub records: Vec<String>,
    /// The personal part of each record, where the policy leaves one.
    pub annexes: Vec<Option<String>>,
}

impl Collector {
    /// Asks the printers and shows what would be sent. Nothing is kept anywhere.
    pub async fn preview(&self) -> Result<Vec<Preview>, CollectorError> {
        let audience = self.audience()?;
        let known = self.known_addresses()?;
        let (access, without) = self.config.interfaces.access_of_a_visitor();
        // What is found out here is no more kept than what is read.
        let memories = self.office.memories.apart();
        let mut previews = Vec::new();
        for target in self.targets(&self.effective()?)? {
            let pinned = self.pin(&target.address, &known)?;
            let interfaces = self.office.interfaces(&target.address)?;
            let asked = Contact {
                address: &target.address,
                pinned,
                access: &access,
                known: &interfaces,
                memories: &memories,
                first_look: false,
                read_at: self.now(),
                patience: Patience::pausing(self.config.pause_ms),
            };
            let told = contact(asked, &audience).await;
            let preview = self.preview_of(target.address, told, &audience)?;
            previews.push(Preview { without: without.clone(), ..preview });
        }
        Ok(previews)
    }

    fn preview_of(
        &self,
        address: String,
        told: Result<Told, AskError>,
        audience: &Audience,
    ) -> Result<Preview, CollectorError> {
        let mut preview = Preview {
            address,
            printer: None,
            failure: None,
            without: Vec::new(),
            records: Vec::new(),
            annexes: Vec::new(),
        };
        let drafts: Vec<Draft> = match told {
            Err(error) => {
                preview.failure = Some(error.to_string());
                return Ok(preview);
            }
            Ok(Told::Identity(identified)) if !audience.supports(&identified.configuration) => {
                preview.failure = Some("no supported printer; nothing is kept or sent".to_owned());
                return Ok(preview);
            }
            Ok(Told::Identity(identified)) => {
                preview.printer = identified.configuration.serial_number.clone();
                let desk = self.office.desk();
                let (seen, unsent) = (desk.mark()?, desk.is_identity_unsent(&identified.configuration)?);
                seen_record(&identified.configuration, self.now(), seen).into_iter().filter(|_| unsent).collect()
            }
            Ok(Told::Report(mut asked)) => match self.office.records(&mut asked)? {
                Some(split) => {
                    let jobs = self.office.desk().unsent_jobs(&split)?;
                    preview.printer = Some(split.printer.serial);
                    jobs.into_iter().chain([split.reading]).collect()
                }
                None => Vec::new(),
            },
        };
        for draft in drafts {
            preview.records.push(draft.core);
            preview.annexes.push(draft.annex);
        }
        Ok(preview)
    }
}

//! Enrolment on the panel: by a file, by a factory's secret, by comparing six digits; and its end.
//!
//! The key is made on the device, or stays in its secure element. Deliberately absent: any way for the
//! portal to begin.

use crate::abi::{PM_LOG_INFO, PM_OK};
use crate::fault::{Fault, chain};
use crate::form;
use crate::printer::PrinterAgent;
use agent::{Comparing, EnrolmentError, Farewell, Inbound, Invitation, Outbound, Started};
use protocol::enrol::{EnrolmentFile, FactoryFile};
use protocol::message::AgentKind;
use protocol::package::PrinterIdentity;

/// The proof of a reset takes at most this many bytes.
pub(crate) const PROOF_MAX: usize = 8192;

fn refused(error: &EnrolmentError) -> Fault {
    Fault::Refused(chain(error))
}

impl PrinterAgent {
    /// Begins an enrolment with the file from the reseller.
    pub(crate) fn enrol_file(&mut self, json: &str) -> Result<i32, Fault> {
        let file: EnrolmentFile = form::read(json)?;
        if file.plotmeter_enrolment != 1 {
            return Err(Fault::Json("not an enrolment file of this version".to_owned()));
        }
        let authority = file.portal_ca.clone();
        self.start(&Invitation::File(file), authority.as_deref())
    }

    /// Begins an enrolment with the secret that the factory put into this printer.
    pub(crate) fn enrol_factory(&mut self, json: &str) -> Result<i32, Fault> {
        let file: FactoryFile = form::read(json)?;
        if file.plotmeter_factory != 1 {
            return Err(Fault::Json("not a factory file of this version".to_owned()));
        }
        if file.serial.trim().to_uppercase() != self.identity().serial {
            return Err(Fault::Value("the factory file is for another serial number".to_owned()));
        }
        let authority = file.portal_ca.clone();
        self.start(&Invitation::Factory(file), authority.as_deref())
    }

    fn start(&mut self, invitation: &Invitation, authority: Option<&str>) -> Result<i32, Fault> {
        self.may_enrol()?;
        let (printer, signer) = (Some(self.identity()), self.setup.signer.clone());
        let (host, surroundings) = (&self.setup.host, &self.setup.surroundings);
        let started = Started::file(invitation, host, AgentKind::Firmware, printer, signer, surroundings);
        let (started, request) = started.map_err(|error| refused(&error))?;
        let answer = self.carry(&request, authority)?;
        let pending = started.answered(&answer).map_err(|error| refused(&error))?;
        self.asked = Some(Box::new(pending));
        Ok(PM_OK)
    }

    /// Begins an enrolment by comparison: gives the six digits that the panel shows.
    ///
    /// The keys are kept at once and are worth nothing before the reseller compared and approved.
    pub(crate) fn enrol_compare(&mut self, portal: &str, authority: Option<&str>) -> Result<String, Fault> {
        self.may_enrol()?;
        let (printer, signer): (Option<PrinterIdentity>, _) = (Some(self.identity()), self.setup.signer.clone());
        let (host, surroundings) = (&self.setup.host, &self.setup.surroundings);
        let pem = authority.map(str::to_owned);
        let comparing = Comparing::start(portal, pem, host, AgentKind::Firmware, printer, signer, surroundings);
        let (comparing, request) = comparing.map_err(|error| refused(&error))?;
        let answer = self.carry(&request, authority)?;
        let (started, request, digits) = comparing.session(&answer).map_err(|error| refused(&error))?;
        let answer = self.carry(&request, authority)?;
        let pending = started.answered(&answer).map_err(|error| refused(&error))?;
        self.asked = Some(Box::new(pending));
        self.confirm()?;
        Ok(digits)
    }

    /// A person confirmed the account: the keys are kept, and the next step tells the portal.
    pub(crate) fn confirm(&mut self) -> Result<i32, Fault> {
        let pending = self.asked.take().ok_or(Fault::State("no enrolment waits to be confirmed"))?;
        (self.setup.stir)()?;
        // The office before, if there is one, holds the folder's lock. What waits in it stays.
        self.office = None;
        let kept = pending.keep(&self.setup.folder).map_err(|error| refused(&error));
        let again = std::mem::take(&mut self.needs_enrolment);
        if kept.is_ok() {
            self.open_desk()?;
        } else if again {
            self.open_desk()?;
            self.needs_enrolment = true;
        }
        kept?;
        self.log(PM_LOG_INFO, "the enrolment was confirmed on the printer");
        Ok(PM_OK)
    }

    /// A person refused the account: nothing of it is kept. An office that was open before stays.
    pub(crate) fn refuse(&mut self) -> Result<i32, Fault> {
        self.asked.take().ok_or(Fault::State("no enrolment waits to be refused"))?;
        Ok(PM_OK)
    }

    /// Whether an enrolment may begin: there is none, or the one there is holds no more.
    fn may_enrol(&mut self) -> Result<(), Fault> {
        (self.setup.stir)()?;
        if self.office.is_some() && !self.needs_enrolment { Err(Fault::Enrolled) } else { Ok(()) }
    }

    fn carry(&mut self, request: &Outbound, authority: Option<&str>) -> Result<Inbound, Fault> {
        self.setup.transport.post(request, authority).ok_or(Fault::Unreached)
    }

    /// The way out: keys and spool are removed; gives a proof of that, of [`PROOF_MAX`] bytes at most. The
    /// portal is told first where it can be; whether it hears it changes nothing.
    pub(crate) fn reset(&mut self) -> Result<String, Fault> {
        (self.setup.stir)()?;
        if let Ok(request) = self.desk()?.leave() {
            let authority = self.desk_ref()?.identity().portal_ca().map(str::to_owned);
            let _answered = self.setup.transport.post(&request, authority.as_deref());
        }
        let desk = self.office.take().ok_or(Fault::NotEnrolled)?;
        let farewell: Farewell = desk.erase().map_err(|error| Fault::storage(&error))?;
        self.forget();
        serde_json::to_string(&farewell).map_err(|error| Fault::Json(error.to_string()))
    }
}

//! Enrolment over the network: carries the handshake, waits for a person, and tells the portal.
//!
//! Deliberately absent: the handshake itself, which [`crate::Started`] and [`crate::Comparing`] make, and
//! any question to a person, which the program asks.

use crate::identity::{Identity, IdentityError, lock};
use crate::office::{CollectorError, HOST, Lane, Office};
use crate::printer::{Contact, Known, Memories, Patience, Told, ask_pinned};
use crate::set_up::{Enrolling, SetUp};
use crate::uplink::Uplink;
use crate::{Comparing, EnrolmentError, Invitation, Pending, Started};
use protocol::package::PrinterIdentity;
use protocol::receipt::Settings;
use report::Surroundings;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use tracing::warn;

/// How often it is looked at whether the portal may be asked again.
const TICK: Duration = Duration::from_secs(2);

/// What an enrolment needs until it is over.
struct Needs {
    set_up: SetUp,
    host: String,
    surroundings: Surroundings,
}

impl Needs {
    fn uplink(&self, portal: &str, portal_ca: Option<&str>) -> Result<Uplink, EnrolmentError> {
        Ok(Uplink::new(portal, portal_ca, &self.set_up.portal, &self.set_up.facts)?)
    }

    /// Which printer a direct agent is for. One that cannot be asked now is known by its first record.
    async fn printer(&self) -> Option<PrinterIdentity> {
        let address = self.set_up.printer.as_deref()?;
        let (access, without) = self.set_up.interfaces.access_of_a_visitor();
        for why in &without {
            warn!(why = why.as_str(), "a file with secrets does not read; the printer is asked without it");
        }
        let (known, memories) = (Known::default(), Memories::default());
        let contact = Contact {
            address,
            pinned: None,
            access: &access,
            known: &known,
            memories: &memories,
            first_look: false,
            read_at: self.surroundings.now(),
            patience: Patience::default(),
        };
        match ask_pinned(contact, &|_| false).await {
            Ok(Told::Identity(identified)) => PrinterIdentity::of(&identified.configuration),
            Ok(Told::Report(_)) => None,
            Err(error) => {
                warn!(error = %error, "the printer could not be asked who it is");
                None
            }
        }
    }

    /// The identity is kept: opens the office and keeps what later beats say.
    fn office(&self) -> Result<Office, CollectorError> {
        let office = Office::open(&self.set_up, self.surroundings.clone())?;
        office.set_value(HOST, &self.host)?;
        Ok(office)
    }
}

/// The lock of a folder that is enrolled already, taken before anything is used up that serves once. `None` where
/// nobody is enrolled yet.
fn hold(set_up: &SetUp, again: bool) -> Result<Option<File>, IdentityError> {
    let state = set_up.state.as_path();
    let before = match Identity::load(state) {
        Err(IdentityError::Absent(_)) => return Ok(None),
        before => before?.of_kind(set_up.kind, state)?,
    };
    if !again {
        return Err(IdentityError::Present { state: state.to_owned(), agent: before.agent().to_owned() });
    }
    lock(state).map(Some)
}

/// An enrolment whose account a person has yet to confirm.
pub struct PendingOnline {
    pending: Pending,
    needs: Needs,
    held: Option<File>,
}

/// Shakes hands with the portal that made the invitation in `file`. Nothing takes effect yet.
///
/// A state folder that is enrolled already is refused before the invitation is looked at, unless it is to be
/// enrolled `again`; then no agent may be at work in it.
pub async fn begin(
    file: &Path,
    config: &impl Enrolling,
    host: &str,
    again: bool,
    surroundings: &Surroundings,
) -> Result<PendingOnline, EnrolmentError> {
    let set_up = config.set_up();
    let held = hold(&set_up, again)?;
    let needs = Needs { set_up, host: host.to_owned(), surroundings: surroundings.clone() };
    let invitation = Invitation::read(file)?;
    let uplink = needs.uplink(invitation.portal(), invitation.portal_ca())?;
    let printer = needs.printer().await;
    let (started, request) = Started::file(&invitation, host, needs.set_up.kind, printer, None, surroundings)?;
    let answer = uplink.carry(&request).await?;
    Ok(PendingOnline { pending: started.answered(&answer)?, needs, held })
}

impl PendingOnline {
    /// Whose account the data would go to: reseller and customer, as the portal proved them.
    pub fn account(&self) -> (&str, &str) {
        self.pending.account()
    }

    /// What happens to each personal field here, for the person who confirms.
    pub fn policy(&self) -> BTreeMap<String, String> {
        self.needs.set_up.privacy.words()
    }

    /// A person confirmed the account: keeps the keys, then tells the portal.
    ///
    /// The keys are kept first, so that a lost answer strands nobody: the portal is told again with the
    /// first contact.
    pub async fn confirm(self) -> Result<Settings, CollectorError> {
        self.pending.keep_with(&self.needs.set_up.state, self.held)?;
        let office = self.needs.office()?;
        match office.say_all(Lane::Messages).await {
            Ok(_) => {}
            Err(CollectorError::Uplink(error)) => {
                warn!(error = %error, "the portal is told of the confirmation with the first contact");
            }
            Err(CollectorError::Unproved) => {
                warn!("the portal is told of the confirmation with the first contact");
            }
            Err(error) => return Err(error),
        }
        office.settings()
    }
}

/// An enrolment by comparison: somebody at the portal has yet to compare the digits.
pub struct ComparingOnline {
    pending: Pending,
    digits: String,
    name: String,
    needs: Needs,
    held: Option<File>,
}

/// Begins an enrolment by comparison with the portal at this address. `authority` is trusted for that
/// portal instead of the public authorities, in PEM. `again` is as in [`begin`].
pub async fn begin_comparison(
    portal: &str,
    authority: Option<String>,
    config: &impl Enrolling,
    host: &str,
    again: bool,
    surroundings: &Surroundings,
) -> Result<ComparingOnline, EnrolmentError> {
    let set_up = config.set_up();
    let held = hold(&set_up, again)?;
    let needs = Needs { set_up, host: host.to_owned(), surroundings: surroundings.clone() };
    let uplink = needs.uplink(portal, authority.as_deref())?;
    let printer = needs.printer().await;
    let kind = needs.set_up.kind;
    let (comparing, request) = Comparing::start(portal, authority, host, kind, printer, None, surroundings)?;
    let name = comparing.name().to_owned();
    let (started, request, digits) = comparing.session(&uplink.carry(&request).await?)?;
    let answer = uplink.carry(&request).await?;
    Ok(ComparingOnline { pending: started.answered(&answer)?, digits, name, needs, held })
}

impl ComparingOnline {
    /// The six digits to compare with those at the portal.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The name under which this agent was announced at the portal: the printer's serial number, or the host's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What happens to each personal field here.
    pub fn policy(&self) -> BTreeMap<String, String> {
        self.needs.set_up.privacy.words()
    }

    /// Keeps the keys and waits until somebody at the portal has compared; gives reseller and customer.
    pub async fn wait(self) -> Result<(String, String), CollectorError> {
        self.pending.keep_with(&self.needs.set_up.state, self.held)?;
        let office = self.needs.office()?;
        loop {
            match office.say_all(Lane::Messages).await {
                Ok(_) | Err(CollectorError::Unproved) => {}
                Err(CollectorError::Uplink(error)) => warn!(error = %error, "the portal was not reached"),
                // It waits for the comparison.
                Err(CollectorError::Refused(problem)) if problem.kind.ends_with("/unconfirmed") => {}
                Err(error) => return Err(error),
            }
            {
                let desk = office.desk();
                let identity = desk.identity();
                if identity.is_confirmed() {
                    return Ok((identity.reseller().to_owned(), identity.customer().to_owned()));
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }
}

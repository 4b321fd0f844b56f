//! `plotmeter collector enrol`: makes the agent's keys, shakes hands with the portal, shows the
//! account's name, and takes effect only when a person has confirmed it.

use crate::identity::{Identity, IdentityError, Stored};
use crate::uplink::{Uplink, UplinkError};
use protocol::enrol::{EnrolError, EnrolmentFile, Hello, Initiator, Shared, Welcome};
use protocol::receipt::{Answer, Settings};
use protocol::{CONFIRM_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, Hex, SigningKey};
use report::Surroundings;
use std::path::{Path, PathBuf};

/// Why an enrolment did not come about.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The file is not an enrolment file.
    #[error("{path} is not an enrolment file of this version: download a new one from the portal")]
    File {
        /// The file.
        path: PathBuf,
    },
    /// The portal was not reached.
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// The portal refused; most often the file was used already or has expired.
    #[error(
        "the portal refused this enrolment (status {0}): the file was used already, has \
         expired, or belongs to another portal"
    )]
    Refused(u16),
    /// The portal did not prove that it is the one that made the file.
    #[error("what answered is not the portal that made the file")]
    Handshake(#[from] EnrolError),
    /// The identity could not be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// An enrolment whose account a person has yet to confirm.
pub struct Pending {
    identity: Identity,
    uplink: Uplink,
    state: PathBuf,
}

/// Shakes hands with the portal that made `file`. Nothing takes effect yet.
pub async fn begin(
    file: &Path,
    state: &Path,
    host: &str,
    surroundings: &Surroundings,
) -> Result<Pending, EnrolmentError> {
    if Identity::exists(state) {
        return Err(IdentityError::Present(state.to_owned()).into());
    }
    let wrong = || EnrolmentError::File { path: file.to_owned() };
    let text = std::fs::read(file).map_err(|source| IdentityError::Io { path: file.to_owned(), source })?;
    let file: EnrolmentFile = serde_json::from_slice(&text).map_err(|_| wrong())?;
    if file.plotmeter_enrolment != 1 {
        return Err(wrong());
    }
    let evidence_seed: [u8; 32] = surroundings.random();
    let evidence = SigningKey::from_bytes(&evidence_seed);
    let hello = Hello {
        evidence_key: Hex(*evidence.verifying_key().as_bytes()),
        host: host.chars().take(100).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let (handshake, message) = Initiator::start(&file, &hello, surroundings.random())?;
    let uplink = Uplink::new(&file.portal, file.portal_ca.as_deref())?;
    let headers = [("plotmeter-enrolment", file.enrolment.as_str())];
    let answer = uplink.post(ENROL_PATH, ENROL_CONTENT_TYPE, &headers, message).await?;
    if answer.status != 200 {
        return Err(EnrolmentError::Refused(answer.status));
    }
    let (welcome, shared) = handshake.finish(&answer.body)?;
    let identity = Identity::new(stored(file, welcome, &shared, evidence_seed)).ok_or(EnrolError::Handshake)?;
    Ok(Pending { identity, uplink, state: state.to_owned() })
}

fn stored(file: EnrolmentFile, welcome: Welcome, shared: &Shared, evidence_seed: [u8; 32]) -> Stored {
    Stored {
        agent: welcome.agent,
        portal: file.portal,
        portal_id: file.portal_id,
        portal_ca: file.portal_ca,
        receipt_key: welcome.receipt_key,
        reseller: welcome.reseller,
        customer: welcome.customer,
        secret: Hex(*shared.secret.expose()),
        transcript: shared.transcript,
        evidence_seed: Hex(evidence_seed),
    }
}

impl Pending {
    /// Whose account the data would go to: reseller and customer, as the portal proved them.
    pub fn account(&self) -> (&str, &str) {
        (self.identity.reseller(), self.identity.customer())
    }

    /// A person confirmed the account: keeps the keys, then tells the portal.
    ///
    /// The keys are kept first, so that a lost answer strands nobody: confirming again is harmless.
    pub async fn confirm(self, surroundings: &Surroundings) -> Result<Settings, EnrolmentError> {
        self.identity.save(&self.state)?;
        let key = format!("{}-enrol", self.identity.agent());
        let answer = self.uplink.exchange(&self.identity.keys, CONFIRM_PATH, &key, Vec::new(), surroundings).await?;
        match answer {
            Answer::Enrolled { settings } => Ok(settings),
            Answer::Refused(problem) => Err(EnrolmentError::Refused(problem.status)),
            Answer::Accepted { .. } => Err(EnrolmentError::Refused(200)),
        }
    }
}

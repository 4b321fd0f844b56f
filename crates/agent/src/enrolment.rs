//! Enrolment: makes the agent's keys and shakes hands with the portal, in one of three ways. It takes
//! effect only when a person confirmed the account and the agent told the portal so, which the desk
//! does at its first turn.
//!
//! Deliberately absent: sockets. Whoever enrols carries the requests that stand here.

use crate::address;
use crate::desk::{Inbound, Outbound};
use crate::files::read_bounded;
use crate::identity::{EnrolledBy, EvidenceKey, Identity, IdentityError, Signer, Stored, is_word, lock};
use protocol::enrol::{
    CompareAnswer, CompareRequest, EnrolError, EnrolmentFile, FactoryFile, Hello, Initiator, Shared, Way, Welcome,
    commitment, digits, factory_label, label,
};
use protocol::limits::ENROL_BYTES_MAX;
use protocol::message::AgentKind;
use protocol::package::PrinterIdentity;
use protocol::{COMPARE_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, Hex};
use report::{Instant, Surroundings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A host's name is cut to this many characters.
const HOST_CHARS_MAX: usize = 100;

/// An invitation is at most this long, with the certificate authority that it may name.
const INVITATION_BYTES_MAX: u64 = 64 * 1024;

/// Why an enrolment did not come about.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The file is not an enrolment file.
    #[error("{path} is not an enrolment file of this version: download a new one from the portal")]
    File {
        /// The file.
        path: PathBuf,
    },
    /// The address is not one an agent may use.
    #[error("{0} is not a portal address: https:// and a host name, port 443 (any port on this machine itself)")]
    Address(String),
    /// The portal was not reached.
    #[cfg(feature = "net")]
    #[error(transparent)]
    Uplink(#[from] crate::uplink::UplinkError),
    /// The portal refused; most often the file was used already or has expired.
    #[error(
        "the portal refused this enrolment (status {0}): the file was used already, has \
         expired, or belongs to another portal"
    )]
    Refused(u16),
    /// The portal opens comparisons only for what was announced there.
    #[error(
        "the portal does not expect {0:?} (status {1}): announce this serial number or host name at your \
         customer's page first, or start over there, then begin again here"
    )]
    Unannounced(String, u16),
    /// The portal did not prove that it is the one that made the file.
    #[error("what answered is not the portal that made the file")]
    Handshake(#[from] EnrolError),
    /// The identity could not be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// What invites an agent to a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// The one-time file of a customer.
    File(EnrolmentFile),
    /// What a manufacturer put into the printer.
    Factory(FactoryFile),
}

impl Invitation {
    /// Reads an invitation from a file.
    pub fn read(path: &Path) -> Result<Invitation, EnrolmentError> {
        let wrong = || EnrolmentError::File { path: path.to_owned() };
        let text = match read_bounded(path, INVITATION_BYTES_MAX) {
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => return Err(wrong()),
            text => text.map_err(|source| IdentityError::Io { path: path.to_owned(), source })?,
        };
        Invitation::parse(&text).ok_or_else(wrong)
    }

    /// Reads an invitation from its text; `None` when it is none of this version.
    pub fn parse(text: &[u8]) -> Option<Invitation> {
        if let Ok(file) = serde_json::from_slice::<EnrolmentFile>(text) {
            return (file.plotmeter_enrolment == 1).then_some(Invitation::File(file));
        }
        let factory: FactoryFile = serde_json::from_slice(text).ok()?;
        (factory.plotmeter_factory == 1).then_some(Invitation::Factory(factory))
    }

    /// The portal's address.
    pub fn portal(&self) -> &str {
        match self {
            Invitation::File(file) => &file.portal,
            Invitation::Factory(factory) => &factory.portal,
        }
    }

    /// The certificate authority to trust for this portal instead of the public ones, in PEM.
    pub fn portal_ca(&self) -> Option<&str> {
        match self {
            Invitation::File(file) => file.portal_ca.as_deref(),
            Invitation::Factory(factory) => factory.portal_ca.as_deref(),
        }
    }
}

/// Whom the agent will talk to.
struct Portal {
    address: String,
    id: String,
    ca: Option<String>,
}

/// The agent's new evidence key: made here, or held by a signer.
fn evidence(signer: Option<&Arc<dyn Signer>>, surroundings: &Surroundings) -> EvidenceKey {
    match signer {
        Some(signer) => EvidenceKey { from: 1, key: Hex(signer.public_key()), seed: None },
        None => EvidenceKey::of_seed(1, surroundings.random()),
    }
}

fn hello(host: &str, kind: AgentKind, printer: Option<PrinterIdentity>, evidence: &EvidenceKey) -> Hello {
    Hello {
        evidence_key: evidence.key,
        host: host.chars().take(HOST_CHARS_MAX).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kind,
        printer,
        nonce: None,
    }
}

/// What a person announces at the portal before a comparison: the printer's serial number, else the host's name.
fn name_of(hello: &Hello) -> &str {
    hello.printer.as_ref().map_or(hello.host.as_str(), |printer| printer.serial.as_str())
}

fn authority(portal: &str) -> Result<String, EnrolmentError> {
    address::authority(portal).ok_or_else(|| EnrolmentError::Address(portal.to_owned()))
}

/// A handshake that was begun.
pub struct Started {
    initiator: Initiator,
    evidence: EvidenceKey,
    portal: Portal,
    way: EnrolledBy,
    kind: AgentKind,
    signer: Option<Arc<dyn Signer>>,
    at: Instant,
}

impl Started {
    /// Begins the enrolment that `invitation` allows; gives the request to carry.
    pub fn file(
        invitation: &Invitation,
        host: &str,
        kind: AgentKind,
        printer: Option<PrinterIdentity>,
        signer: Option<Arc<dyn Signer>>,
        surroundings: &Surroundings,
    ) -> Result<(Started, Outbound), EnrolmentError> {
        let authority = authority(invitation.portal())?;
        let evidence = evidence(signer.as_ref(), surroundings);
        let hello = hello(host, kind, printer, &evidence);
        let label;
        let (way, portal_key, id, by) = match invitation {
            Invitation::File(file) => {
                let way = Way::Code { enrolment: &file.enrolment, code: &file.code };
                (way, &file.portal_key, &file.portal_id, EnrolledBy::File)
            }
            Invitation::Factory(factory) => {
                label = factory_label(&factory.secret);
                let way = Way::Factory { label: &label, secret: &factory.secret };
                (way, &factory.portal_key, &factory.portal_id, EnrolledBy::Factory)
            }
        };
        let (initiator, message) = Initiator::start(way, portal_key, &hello, surroundings.random())?;
        let (address, ca) = (invitation.portal().to_owned(), invitation.portal_ca().map(str::to_owned));
        let portal = Portal { address, id: id.clone(), ca };
        let started = Started { initiator, evidence, portal, way: by, kind, signer, at: surroundings.now() };
        Ok((started, handshake(authority, way, message)))
    }

    /// Reads the portal's answer. Nothing takes effect yet.
    pub fn answered(self, answer: &Inbound) -> Result<Pending, EnrolmentError> {
        if answer.status != 200 {
            return Err(EnrolmentError::Refused(answer.status));
        }
        let Started { initiator, evidence, portal, way, kind, signer, at } = self;
        let (welcome, shared) = initiator.finish(&answer.body)?;
        let stored = stored(portal, welcome, &shared, evidence, at);
        let identity = Identity::new(Stored { way, kind, ..stored }, signer).ok_or(EnrolError::Handshake)?;
        Ok(Pending { identity })
    }
}

/// The request that carries the first message of a handshake.
fn handshake(authority: String, way: Way<'_>, message: Vec<u8>) -> Outbound {
    let headers = vec![("content-type", ENROL_CONTENT_TYPE.to_owned()), ("plotmeter-enrolment", way.header())];
    Outbound::plain(authority, ENROL_PATH, headers, message)
}

fn stored(portal: Portal, welcome: Welcome, shared: &Shared, evidence: EvidenceKey, at: Instant) -> Stored {
    Stored {
        agent: welcome.agent,
        portal: portal.address,
        portal_id: portal.id,
        portal_ca: portal.ca,
        receipt_key: welcome.receipt_key,
        reseller: welcome.reseller,
        customer: welcome.customer,
        secret: Hex(*shared.secret.expose()),
        transcript: shared.transcript,
        evidence_seed: None,
        evidence: vec![evidence],
        rotation: None,
        epoch: 0,
        epoch_since: at,
        epochs_unproved: 0,
        kind: AgentKind::default(),
        way: EnrolledBy::default(),
        confirmed: false,
        spool: false,
    }
}

/// A comparison of six digits that was begun.
pub struct Comparing {
    evidence: EvidenceKey,
    hello: Hello,
    nonce: Hex<16>,
    portal: String,
    portal_ca: Option<String>,
    signer: Option<Arc<dyn Signer>>,
    surroundings: Surroundings,
}

impl Comparing {
    /// Begins an enrolment by comparison with the portal at this address; gives the request to carry. A
    /// person announced the printer's serial number there before, or the host's name where there is no printer.
    ///
    /// The agent commits itself to its key and nonce before it learns anything of the portal's, so that
    /// nobody between them can choose theirs to make the digits fit.
    pub fn start(
        portal: &str,
        portal_ca: Option<String>,
        host: &str,
        kind: AgentKind,
        printer: Option<PrinterIdentity>,
        signer: Option<Arc<dyn Signer>>,
        surroundings: &Surroundings,
    ) -> Result<(Comparing, Outbound), EnrolmentError> {
        let authority = authority(portal)?;
        let evidence = evidence(signer.as_ref(), surroundings);
        let nonce = Hex(surroundings.random());
        let hello = Hello { nonce: Some(nonce), ..hello(host, kind, printer, &evidence) };
        let commitment = commitment(&nonce, &evidence.key);
        let request = CompareRequest { commitment, label: label(name_of(&hello)) };
        let body = serde_json::to_vec(&request).map_err(EnrolError::Form)?;
        let headers = vec![("content-type", "application/json".to_owned())];
        let (portal, surroundings) = (portal.to_owned(), surroundings.clone());
        let comparing = Comparing { evidence, hello, nonce, portal, portal_ca, signer, surroundings };
        Ok((comparing, Outbound::plain(authority, COMPARE_PATH, headers, body)))
    }

    /// What a person announces at the portal's customer page before this: a serial number, or a host's name.
    pub fn name(&self) -> &str {
        name_of(&self.hello)
    }

    /// Reads the portal's answer; gives the next request to carry and the six digits to show. They are
    /// to be compared with those that the portal shows, by a person who is signed in there.
    pub fn session(self, answer: &Inbound) -> Result<(Started, Outbound, String), EnrolmentError> {
        if answer.status != 200 {
            return Err(EnrolmentError::Unannounced(name_of(&self.hello).to_owned(), answer.status));
        }
        if answer.body.len() > ENROL_BYTES_MAX {
            return Err(EnrolError::TooLarge.into());
        }
        let session: CompareAnswer = serde_json::from_slice(&answer.body).map_err(EnrolError::Form)?;
        if !is_word(&session.session) {
            return Err(EnrolError::Handshake.into());
        }
        let Comparing { evidence, hello, nonce, portal, portal_ca, signer, surroundings } = self;
        let authority = authority(&portal)?;
        let digits = digits(&session.portal_key, &evidence.key, &nonce, &session.nonce);
        let way = Way::Compare { session: &session.session };
        let (initiator, message) = Initiator::start(way, &session.portal_key, &hello, surroundings.random())?;
        let outbound = handshake(authority, way, message);
        let portal = Portal { address: portal, id: session.portal_id, ca: portal_ca };
        let (way, at) = (EnrolledBy::Compare, surroundings.now());
        Ok((Started { initiator, evidence, portal, way, kind: hello.kind, signer, at }, outbound, digits))
    }
}

/// An enrolment whose account a person has yet to confirm.
pub struct Pending {
    identity: Identity,
}

impl Pending {
    /// Whose account the data would go to: reseller and customer, as the portal proved them. Both are
    /// empty in a comparison, where the portal's side decides it when it approves.
    pub fn account(&self) -> (&str, &str) {
        (self.identity.reseller(), self.identity.customer())
    }

    /// A person confirmed the account: keeps the keys in the state folder. The desk tells the portal at
    /// its first turn; in a comparison it asks again until the portal's side approved.
    ///
    /// A folder that is enrolled for the same account already is enrolled anew, and what it has not sent
    /// yet goes to the new enrolment. One that is enrolled for another account is refused. In a comparison
    /// the account is not known yet: the portal must be the same, and the desk refuses another account's
    /// spool at the approval.
    pub fn keep(self, state: &Path) -> Result<Identity, EnrolmentError> {
        self.keep_with(state, None)
    }

    /// The same, where the folder's lock may be held already. It is given back at the end.
    pub(crate) fn keep_with(
        mut self,
        state: &Path,
        mut held: Option<std::fs::File>,
    ) -> Result<Identity, EnrolmentError> {
        if Identity::exists(state) {
            if held.is_none() {
                held = Some(lock(state)?);
            }
            let before = Identity::load(state)?.of_kind(self.identity.kind(), state)?;
            let same = if self.identity.has_account() && before.has_account() {
                before.account() == self.identity.account()
            } else {
                before.stored.portal_id == self.identity.stored.portal_id
            };
            if !same {
                return Err(IdentityError::Foreign(state.to_owned()).into());
            }
            self.identity.stored.spool = before.stored.spool;
        }
        self.identity.save(state)?;
        drop(held);
        Ok(self.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::SigningKey;
    use protocol::enrol::{Responder, public_key};

    const STATIC: [u8; 32] = [5; 32];

    fn surroundings() -> Surroundings {
        let entropy = Arc::new(|bytes: &mut [u8]| bytes.fill(9));
        Surroundings { clock: Arc::new(|| Instant(1_793_448_000_000)), entropy }
    }

    fn file(customer: &str) -> EnrolmentFile {
        EnrolmentFile {
            plotmeter_enrolment: 1,
            portal: "https://portal.example".to_owned(),
            enrolment: "e-1".to_owned(),
            code: Hex([6; 32]),
            portal_key: public_key(&STATIC),
            portal_id: "portal-1".to_owned(),
            reseller: "Reseller".to_owned(),
            customer: customer.to_owned(),
            expires_at: Instant(1_793_448_000_001),
            portal_ca: None,
        }
    }

    fn welcome(agent: &str, customer: &str) -> Welcome {
        let receipt_key = Hex(*SigningKey::from_bytes(&[8; 32]).verifying_key().as_bytes());
        let reseller = if customer.is_empty() { "" } else { "Reseller" };
        Welcome { agent: agent.to_owned(), reseller: reseller.to_owned(), customer: customer.to_owned(), receipt_key }
    }

    fn ok(body: Vec<u8>) -> Inbound {
        Inbound { status: 200, headers: Vec::new(), body }
    }

    fn enrolled(agent: &str, customer: &str) -> Pending {
        let file = file(customer);
        let invitation = Invitation::File(file.clone());
        let (started, request) =
            Started::file(&invitation, "host", AgentKind::Collector, None, None, &surroundings()).expect("starts");
        assert_eq!((request.authority.as_str(), request.path), ("portal.example", ENROL_PATH));
        assert!(request.headers.contains(&("plotmeter-enrolment", "e-1".to_owned())));
        let way = Way::Code { enrolment: &file.enrolment, code: &file.code };
        let (responder, hello) = Responder::read(way, &STATIC, [1; 32], &request.body).expect("reads");
        assert_eq!((hello.host.as_str(), hello.nonce), ("host", None));
        let (answer, _) = responder.answer(&welcome(agent, customer)).expect("answers");
        started.answered(&ok(answer)).expect("the portal")
    }

    #[test]
    fn a_file_leads_to_an_identity_that_is_not_confirmed_yet() {
        let folder = tempfile::tempdir().expect("a folder");
        let pending = enrolled("agent-1", "Customer");
        assert_eq!(pending.account(), ("Reseller", "Customer"));
        pending.keep(folder.path()).expect("kept");
        let identity = Identity::load(folder.path()).expect("loads");
        assert!(!identity.is_confirmed());
        assert_eq!(identity.agent(), "agent-1");
    }

    #[test]
    fn the_same_account_can_be_enrolled_anew_and_another_cannot() {
        let folder = tempfile::tempdir().expect("a folder");
        enrolled("agent-1", "Customer").keep(folder.path()).expect("kept");
        enrolled("agent-2", "Customer").keep(folder.path()).expect("kept");
        let other = enrolled("agent-3", "Somebody else").keep(folder.path());
        assert!(matches!(other, Err(EnrolmentError::Identity(IdentityError::Foreign(_)))));
        assert_eq!(Identity::load(folder.path()).expect("loads").agent(), "agent-2");
    }

    #[test]
    fn a_comparison_shows_the_digits_that_the_portal_computes_from_what_it_was_told() {
        let printer = PrinterIdentity { serial: "CN1".to_owned(), product_number: None, product_name: None };
        let (comparing, request) = Comparing::start(
            "https://portal.example",
            None,
            "printer",
            AgentKind::Firmware,
            Some(printer),
            None,
            &surroundings(),
        )
        .expect("starts");
        let asked: CompareRequest = serde_json::from_slice(&request.body).expect("a commitment");
        let portal = CompareAnswer {
            session: "s-1".to_owned(),
            nonce: Hex([3; 16]),
            portal_id: "portal-1".to_owned(),
            portal_key: public_key(&STATIC),
        };
        let answer = ok(serde_json::to_vec(&portal).expect("serialises"));
        let (started, request, shown) = comparing.session(&answer).expect("a session");
        let way = Way::Compare { session: "s-1" };
        let (responder, hello) = Responder::read(way, &STATIC, [1; 32], &request.body).expect("reads");
        let nonce = hello.nonce.expect("opens the commitment");
        assert_eq!(commitment(&nonce, &hello.evidence_key), asked.commitment);
        assert_eq!(asked.label, label("cn1"), "what a person announces, in any case of letters");
        assert_eq!(digits(&portal.portal_key, &hello.evidence_key, &nonce, &portal.nonce), shown);
        let (answer, _) = responder.answer(&welcome("agent-1", "")).expect("answers");
        let pending = started.answered(&ok(answer)).expect("the portal");
        assert_eq!(pending.account(), ("", ""));
    }

    /// An enrolment by comparison with the portal of this id, before anybody approved.
    fn compared(portal_id: &str) -> Pending {
        let kind = AgentKind::Collector;
        let (comparing, request) =
            Comparing::start("https://portal.example", None, "pc-7", kind, None, None, &surroundings())
                .expect("starts");
        let asked: CompareRequest = serde_json::from_slice(&request.body).expect("a commitment");
        assert_eq!(asked.label, label("PC-7"), "without a printer the host's name is announced");
        let portal = CompareAnswer {
            session: "s-1".to_owned(),
            nonce: Hex([3; 16]),
            portal_id: portal_id.to_owned(),
            portal_key: public_key(&STATIC),
        };
        let answer = ok(serde_json::to_vec(&portal).expect("serialises"));
        let (started, request, _) = comparing.session(&answer).expect("a session");
        let way = Way::Compare { session: "s-1" };
        let (responder, _) = Responder::read(way, &STATIC, [1; 32], &request.body).expect("reads");
        let (answer, _) = responder.answer(&welcome("agent-9", "")).expect("answers");
        started.answered(&ok(answer)).expect("the portal")
    }

    #[test]
    fn an_enrolled_folder_can_be_enrolled_anew_by_comparison_with_the_same_portal_only() {
        let folder = tempfile::tempdir().expect("a folder");
        enrolled("agent-1", "Customer").keep(folder.path()).expect("kept");
        let other = compared("portal-2").keep(folder.path());
        assert!(matches!(other, Err(EnrolmentError::Identity(IdentityError::Foreign(_)))));
        compared("portal-1").keep(folder.path()).expect("kept");
        assert_eq!(Identity::load(folder.path()).expect("loads").agent(), "agent-9");
    }

    #[test]
    fn a_folder_of_another_kind_of_agent_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut direct = enrolled("agent-1", "Customer");
        direct.identity.stored.kind = AgentKind::Direct;
        direct.keep(folder.path()).expect("kept");
        let other = enrolled("agent-2", "Customer").keep(folder.path());
        assert!(matches!(other, Err(EnrolmentError::Identity(IdentityError::Kind(_, AgentKind::Direct)))));
        let opened = crate::Desk::open(folder.path(), surroundings(), crate::DeskOptions::default());
        let Err(error) = opened else { panic!("refused") };
        assert!(error.to_string().contains("a direct agent"), "{error}");
    }

    #[test]
    fn a_file_without_an_end_is_no_invitation() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("long");
        std::fs::write(&path, vec![b' '; 70_000]).expect("written");
        assert!(matches!(Invitation::read(&path), Err(EnrolmentError::File { .. })));
        #[cfg(target_os = "linux")]
        assert!(matches!(Invitation::read(Path::new("/dev/zero")), Err(EnrolmentError::File { .. })));
    }

    #[test]
    fn a_comparison_that_nobody_announced_says_what_to_announce() {
        let kind = AgentKind::Collector;
        let (comparing, _) =
            Comparing::start("https://portal.example", None, "pc-7", kind, None, None, &surroundings())
                .expect("starts");
        let refused = Inbound { status: 403, ..ok(Vec::new()) };
        let Err(error) = comparing.session(&refused) else { panic!("refused") };
        assert!(error.to_string().contains("pc-7") && error.to_string().contains("announce"), "{error}");
    }

    #[test]
    fn a_key_in_a_secure_element_never_stands_in_the_file() {
        struct Element(SigningKey);
        impl Signer for Element {
            fn public_key(&self) -> [u8; 32] {
                *self.0.verifying_key().as_bytes()
            }
            fn sign(&self, message: &[u8]) -> [u8; 64] {
                protocol::sign(&self.0, message)
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = file("Customer");
        let element: Arc<dyn Signer> = Arc::new(Element(SigningKey::from_bytes(&[4; 32])));
        let invitation = Invitation::File(file.clone());
        let kind = AgentKind::Firmware;
        let signer = Some(Arc::clone(&element));
        let (started, request) =
            Started::file(&invitation, "host", kind, None, signer, &surroundings()).expect("starts");
        let way = Way::Code { enrolment: &file.enrolment, code: &file.code };
        let (responder, hello) = Responder::read(way, &STATIC, [1; 32], &request.body).expect("reads");
        assert_eq!(hello.evidence_key.0, element.public_key());
        let (answer, _) = responder.answer(&welcome("agent-1", "Customer")).expect("answers");
        started.answered(&ok(answer)).expect("the portal").keep(folder.path()).expect("kept");
        let kept = std::fs::read_to_string(folder.path().join("agent.json")).expect("text");
        assert!(!kept.contains("seed"), "{kept}");
        let without = Identity::load(folder.path()).expect("loads").with_evidence_at_hand(folder.path());
        assert!(matches!(without, Err(IdentityError::Signer(_))));
        let with = Identity::load_with(folder.path(), Some(element)).expect("loads");
        assert!(with.with_evidence_at_hand(folder.path()).is_ok());
    }

    #[test]
    fn an_answer_of_anybody_else_is_no_enrolment() {
        let invitation = Invitation::File(file("Customer"));
        let start =
            || Started::file(&invitation, "h", AgentKind::Collector, None, None, &surroundings()).expect("starts").0;
        let page = ok(b"<html>sign in to this network</html>".to_vec());
        assert!(matches!(start().answered(&page), Err(EnrolmentError::Handshake(_))));
        let refused = Inbound { status: 410, ..page };
        assert!(matches!(start().answered(&refused), Err(EnrolmentError::Refused(410))));
    }
}

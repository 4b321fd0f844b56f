//! Enrolment: how the shared secret comes to be without ever travelling.
//!
//! Three ways lead to it, all through one handshake of two messages against the portal's static key,
//! from whose split keys both ends derive the secret. With a one-time file that a person carries to
//! the agent, and with a secret that a manufacturer put into the printer, the handshake is
//! `Noise_NKpsk0_25519_AESGCM_SHA256`. Where nothing can be carried it is `Noise_NK_…`, and a person
//! compares six digits that agent and portal show. An enrolment takes effect when a person has
//! confirmed the account and the agent says so in a request authenticated with the new keys.
//!
//! Deliberately absent: enrolment by serial number, which is printed on the device, and by any text
//! short enough to be guessed.

use crate::hex::Hex;
use crate::keys::{Secret, sha256};
use crate::limits::ENROL_BYTES_MAX;
use crate::message::AgentKind;
use crate::record::PrinterIdentity;
use hkdf::Hkdf;
use report::Instant;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};
use std::fmt;

/// The handshake with a key that both ends have already.
const WITH_KEY: &str = "Noise_NKpsk0_25519_AESGCM_SHA256";
/// The handshake without one.
const BY_COMPARISON: &str = "Noise_NK_25519_AESGCM_SHA256";

/// How an agent comes to its enrolment.
#[derive(Clone, Copy)]
pub enum Way<'a> {
    /// By a one-time file.
    Code {
        /// Which enrolment.
        enrolment: &'a str,
        /// The one-time code.
        code: &'a Hex<32>,
    },
    /// By comparison of six digits.
    Compare {
        /// Which session: [`CompareAnswer::session`].
        session: &'a str,
    },
    /// By a secret from the factory.
    Factory {
        /// [`factory_label`] of the secret.
        label: &'a str,
        /// The secret.
        secret: &'a Hex<32>,
    },
}

impl<'a> Way<'a> {
    /// The value of the header `plotmeter-enrolment`; it also stands in the prologue, so that a
    /// handshake begun in one way cannot end in another.
    pub fn header(&self) -> String {
        match self {
            Way::Code { enrolment, .. } => (*enrolment).to_owned(),
            Way::Compare { session } => format!("compare:{session}"),
            Way::Factory { label, .. } => format!("factory:{label}"),
        }
    }

    /// The handshake's pattern and its pre-shared key.
    fn handshake(self) -> (&'static str, Option<&'a [u8; 32]>) {
        match self {
            Way::Code { code: key, .. } | Way::Factory { secret: key, .. } => (WITH_KEY, Some(&key.0)),
            Way::Compare { .. } => (BY_COMPARISON, None),
        }
    }
}

/// The one-time file. Whoever holds it can enrol one agent for this customer, once, visibly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentFile {
    /// The form of this file: 1.
    pub plotmeter_enrolment: u32,
    /// The portal's address for agents: `https://portal.example`.
    pub portal: String,
    /// Which enrolment this is.
    pub enrolment: String,
    /// The one-time code.
    pub code: Hex<32>,
    /// The portal's static X25519 key.
    pub portal_key: Hex<32>,
    /// The portal's id.
    pub portal_id: String,
    /// The reseller's name, for the person who installs.
    pub reseller: String,
    /// The customer's name, for the person who installs.
    pub customer: String,
    /// After this the portal refuses the code.
    pub expires_at: Instant,
    /// A certificate authority to trust for this portal instead of the public ones, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_ca: Option<String>,
}

/// What a manufacturer puts into a printer, one for each. Whoever holds it can enrol as this printer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactoryFile {
    /// The form of this file: 1.
    pub plotmeter_factory: u32,
    /// The portal's address for agents: `https://portal.example`.
    pub portal: String,
    /// The portal's id.
    pub portal_id: String,
    /// The portal's static X25519 key.
    pub portal_key: Hex<32>,
    /// The printer's serial number.
    pub serial: String,
    /// The printer's secret.
    pub secret: Hex<32>,
    /// A certificate authority to trust for this portal instead of the public ones, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_ca: Option<String>,
}

impl fmt::Debug for FactoryFile {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactoryFile")
            .field("portal", &self.portal)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

/// What tells a factory secret from others without giving it away: 16 hexadecimal digits, the first
/// 8 bytes of `SHA-256("plotmeter/factory/v1" ‖ secret)`. It is printed on the label inside.
pub fn factory_label(secret: &Hex<32>) -> String {
    let digest = sha256(&[b"plotmeter/factory/v1", &secret.0]);
    Hex(*digest.first_chunk::<8>().expect("a digest of 32 bytes has 8")).to_string()
}

/// How a comparison begins: the agent commits itself before it knows anything of the portal's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// [`commitment`] to the agent's nonce and evidence key.
    pub commitment: Hex<32>,
    /// [`label`] of the name under which a person announced it.
    pub label: Hex<8>,
}

/// What stands for an announced name before a handshake protects it: the first 8 bytes of
/// `SHA-256("plotmeter/announce/v1" ‖ name)`. The name is the printer's serial number, else the host's
/// name, without white space around it and in ASCII capitals, so that it is the same however it is typed.
pub fn label(name: &str) -> Hex<8> {
    let digest = sha256(&[b"plotmeter/announce/v1", name.trim().to_ascii_uppercase().as_bytes()]);
    Hex(*digest.first_chunk::<8>().expect("a digest of 32 bytes has 8"))
}

/// What the portal answers to the commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareAnswer {
    /// Which session; for one handshake, and for a short time.
    pub session: String,
    /// The portal's nonce, drawn after the commitment came.
    pub nonce: Hex<16>,
    /// The portal's id.
    pub portal_id: String,
    /// The portal's static X25519 key, which only the digits prove.
    pub portal_key: Hex<32>,
}

/// What an agent commits itself to: `SHA-256("plotmeter/compare/v1" ‖ nonce ‖ evidence key)`. It
/// opens the commitment in [`Hello`], when the portal's key and nonce are fixed.
pub fn commitment(nonce: &Hex<16>, evidence_key: &Hex<32>) -> Hex<32> {
    Hex(sha256(&[b"plotmeter/compare/v1", &nonce.0, &evidence_key.0]))
}

/// The six digits that a person compares: of both long-lived keys and both nonces.
///
/// Somebody in between needs equal digits at both ends with a key of their own at one. They must fix
/// all they choose there before they learn the nonce that this end adds: the agent's nonce is
/// hidden in its commitment until the portal's key and nonce came, and the portal draws its own only
/// then. So they have one try in a million. It stays one, because the portal opens a session only for a
/// name that a person announced, one for each announcement. What one end could
/// still choose late, such as its ephemeral key, is not in the digits: it could be tried until they
/// fit.
pub fn digits(portal_key: &Hex<32>, evidence_key: &Hex<32>, agent_nonce: &Hex<16>, portal_nonce: &Hex<16>) -> String {
    let parts: [&[u8]; 5] = [b"plotmeter/digits/v1", &portal_key.0, &evidence_key.0, &agent_nonce.0, &portal_nonce.0];
    let digest = sha256(&parts);
    let number = u64::from_be_bytes(*digest.first_chunk::<8>().expect("a digest of 32 bytes has 8"));
    format!("{:06}", number % 1_000_000)
}

/// What the agent tells in its first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The agent's Ed25519 public key.
    pub evidence_key: Hex<32>,
    /// The host's name, so that people recognise the agent.
    pub host: String,
    /// The agent's version.
    pub version: String,
    /// What sort of agent it is.
    #[serde(default)]
    pub kind: AgentKind,
    /// The printer that it is in or beside, for an agent of one printer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer: Option<PrinterIdentity>,
    /// Opens the commitment of a comparison; absent in the other ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Hex<16>>,
}

/// What the portal answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The id the agent has from now on.
    pub agent: String,
    /// The reseller that will see the data. Empty in a comparison: the approval decides it.
    pub reseller: String,
    /// The customer's account that the data goes to. A person confirms it. Empty in a comparison.
    pub customer: String,
    /// The portal's Ed25519 key for receipts.
    pub receipt_key: Hex<32>,
}

/// Why a handshake failed. It says no more than that: a guesser learns nothing.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The message does not fit the code and the keys.
    #[error("the enrolment message does not fit the enrolment's code and key")]
    Handshake,
    /// The message is too long.
    #[error("the enrolment message is longer than {ENROL_BYTES_MAX} bytes")]
    TooLarge,
    /// What it carries is not of the documented form.
    #[error("the enrolment message is not of the documented form")]
    Form(#[from] serde_json::Error),
}

impl From<snow::Error> for EnrolError {
    fn from(_: snow::Error) -> EnrolError {
        EnrolError::Handshake
    }
}

/// What both ends have after the handshake.
pub struct Shared {
    /// The secret; it never travelled.
    pub secret: Secret,
    /// The hash of the handshake's transcript; public.
    pub transcript: Hex<32>,
}

/// The agent's side between its message and the answer.
pub struct Initiator(HandshakeState);

impl Initiator {
    /// Begins: the first message, to be sent with the header that [`Way::header`] gives. `entropy`
    /// must not be predictable.
    pub fn start(
        way: Way<'_>,
        portal_key: &Hex<32>,
        hello: &Hello,
        entropy: [u8; 32],
    ) -> Result<(Initiator, Vec<u8>), EnrolError> {
        let prologue = prologue(way);
        let mut state = builder(&prologue, way, entropy)?.remote_public_key(&portal_key.0)?.build_initiator()?;
        let message = write(&mut state, hello)?;
        Ok((Initiator(state), message))
    }

    /// Reads the portal's answer.
    pub fn finish(mut self, answer: &[u8]) -> Result<(Welcome, Shared), EnrolError> {
        let welcome = read(&mut self.0, answer)?;
        Ok((welcome, shared(&mut self.0)?))
    }
}

/// The portal's side: what the agent said, and the handshake to answer it with.
pub struct Responder(HandshakeState);

impl Responder {
    /// Reads the agent's first message, which came in this way.
    pub fn read(
        way: Way<'_>,
        static_key: &[u8; 32],
        entropy: [u8; 32],
        message: &[u8],
    ) -> Result<(Responder, Hello), EnrolError> {
        let prologue = prologue(way);
        let mut state = builder(&prologue, way, entropy)?.local_private_key(static_key)?.build_responder()?;
        let hello = read(&mut state, message)?;
        Ok((Responder(state), hello))
    }

    /// Answers, and ends the handshake.
    pub fn answer(mut self, welcome: &Welcome) -> Result<(Vec<u8>, Shared), EnrolError> {
        let message = write(&mut self.0, welcome)?;
        Ok((message, shared(&mut self.0)?))
    }
}

/// The public half of an X25519 key.
pub fn public_key(private: &[u8; 32]) -> Hex<32> {
    let mut dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519).expect("Curve25519 is compiled in");
    dh.set(private);
    let mut public = [0; 32];
    public.copy_from_slice(dh.pubkey());
    Hex(public)
}

fn prologue(way: Way<'_>) -> Vec<u8> {
    format!("plotmeter/enrol/v1\n{}", way.header()).into_bytes()
}

fn builder<'a>(prologue: &'a [u8], way: Way<'a>, entropy: [u8; 32]) -> Result<Builder<'a>, EnrolError> {
    let (pattern, key) = way.handshake();
    let parameters = pattern.parse().map_err(|_| EnrolError::Handshake)?;
    let builder = Builder::with_resolver(parameters, Box::new(Resolver { entropy })).prologue(prologue)?;
    Ok(match key {
        Some(key) => builder.psk(0, key)?,
        None => builder,
    })
}

fn write(state: &mut HandshakeState, payload: &impl Serialize) -> Result<Vec<u8>, EnrolError> {
    let mut message = vec![0; ENROL_BYTES_MAX];
    let length = state.write_message(&serde_json::to_vec(payload)?, &mut message)?;
    message.truncate(length);
    Ok(message)
}

fn read<T: DeserializeOwned>(state: &mut HandshakeState, message: &[u8]) -> Result<T, EnrolError> {
    if message.len() > ENROL_BYTES_MAX {
        return Err(EnrolError::TooLarge);
    }
    let mut payload = vec![0; ENROL_BYTES_MAX];
    let length = state.read_message(message, &mut payload)?;
    Ok(serde_json::from_slice(&payload[..length])?)
}

/// The handshake hash is public, so that it serves as salt only; the secret is in the split keys.
fn shared(state: &mut HandshakeState) -> Result<Shared, EnrolError> {
    let mut transcript = [0; 32];
    transcript.copy_from_slice(state.get_handshake_hash().get(..32).ok_or(EnrolError::Handshake)?);
    let (up, down) = state.dangerously_get_raw_split();
    let mut secret = [0; 32];
    Hkdf::<Sha256>::new(Some(&transcript), &[up, down].concat())
        .expand(b"plotmeter/v1 secret", &mut secret)
        .expect("32 bytes are within HKDF's bound");
    Ok(Shared { secret: Secret::new(secret), transcript: Hex(transcript) })
}

/// The default primitives, with randomness given as an argument: this crate draws none itself.
struct Resolver {
    entropy: [u8; 32],
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Given { entropy: self.entropy, drawn: 0 }))
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// Expands 32 unpredictable bytes into what the handshake draws.
struct Given {
    entropy: [u8; 32],
    drawn: u64,
}

impl Random for Given {
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), snow::Error> {
        for chunk in out.chunks_mut(32) {
            let block = crate::keys::mac(&self.entropy, &[b"plotmeter/v1 noise entropy", &self.drawn.to_be_bytes()]);
            self.drawn += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

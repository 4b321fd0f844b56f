//! Enrolment: how the shared secret comes to be without ever travelling.
//!
//! The portal makes a one-time file that a person carries to the collector. With its code as
//! pre-shared key and the portal's static key both ends run `Noise_NKpsk0_25519_AESGCM_SHA256`
//! (two messages) and derive the secret from the split keys. The answer names the customer's
//! account; it takes effect when a person has confirmed that name and the agent says so in a
//! request authenticated with the new keys.

use crate::hex::Hex;
use crate::keys::Secret;
use crate::limits::ENROL_BYTES_MAX;
use hkdf::Hkdf;
use report::Instant;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};

const PATTERN: &str = "Noise_NKpsk0_25519_AESGCM_SHA256";

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
}

/// What the portal answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// The id the agent has from now on.
    pub agent: String,
    /// The reseller that will see the data.
    pub reseller: String,
    /// The customer's account that the data goes to. A person confirms it.
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
    /// Begins: the first message, to be sent with the enrolment's id.
    pub fn start(file: &EnrolmentFile, hello: &Hello, entropy: [u8; 32]) -> Result<(Initiator, Vec<u8>), EnrolError> {
        let prologue = prologue(&file.enrolment);
        let mut state =
            builder(&prologue, &file.code, entropy)?.remote_public_key(&file.portal_key.0)?.build_initiator()?;
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
    /// Reads the agent's first message.
    pub fn read(
        enrolment: &str,
        code: &Hex<32>,
        static_key: &[u8; 32],
        entropy: [u8; 32],
        message: &[u8],
    ) -> Result<(Responder, Hello), EnrolError> {
        let prologue = prologue(enrolment);
        let mut state = builder(&prologue, code, entropy)?.local_private_key(static_key)?.build_responder()?;
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

fn prologue(enrolment: &str) -> Vec<u8> {
    format!("plotmeter/enrol/v1\n{enrolment}").into_bytes()
}

fn builder<'a>(prologue: &'a [u8], code: &'a Hex<32>, entropy: [u8; 32]) -> Result<Builder<'a>, EnrolError> {
    let parameters = PATTERN.parse().map_err(|_| EnrolError::Handshake)?;
    let builder = Builder::with_resolver(parameters, Box::new(Resolver { entropy }));
    Ok(builder.prologue(prologue)?.psk(0, &code.0)?)
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

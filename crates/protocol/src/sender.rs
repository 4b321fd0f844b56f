//! An agent's side of the protocol without a spool and without sockets: what benches, tests and
//! other implementations' conformance checks send with.

use crate::enrol::{EnrolError, EnrolmentFile, Hello, Initiator, Welcome};
use crate::package::{self, Draft, Package, Position, Record, Section};
use crate::receipt::{self, Answer};
use crate::signature::{SignatureHeaders, sign_post, verify_answer};
use crate::{Hex, Keys, SigningKey, chain};
use report::Surroundings;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A handshake under way.
pub struct Handshake {
    initiator: Initiator,
    evidence: SigningKey,
    portal_id: String,
    authority: String,
}

impl Handshake {
    /// Begins the enrolment of `file`; gives the message to post.
    pub fn start(
        file: &EnrolmentFile,
        host: &str,
        surroundings: &Surroundings,
    ) -> Result<(Handshake, Vec<u8>), EnrolError> {
        let evidence = SigningKey::from_bytes(&surroundings.random());
        let hello = Hello {
            evidence_key: Hex(*evidence.verifying_key().as_bytes()),
            host: host.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let (initiator, message) = Initiator::start(file, &hello, surroundings.random())?;
        let authority = file.portal.trim_start_matches("https://").to_owned();
        Ok((Handshake { initiator, evidence, portal_id: file.portal_id.clone(), authority }, message))
    }

    /// Reads the portal's answer.
    pub fn finish(self, answer: &[u8]) -> Result<(Welcome, Sender), EnrolError> {
        let (welcome, shared) = self.initiator.finish(answer)?;
        let keys = Keys::derive(&shared.secret, &self.portal_id, &welcome.agent, &shared.transcript);
        let head = chain::origin(&welcome.agent);
        let agent = welcome.agent.clone();
        let sender =
            Sender { keys, agent, evidence: self.evidence, authority: self.authority, sequence: 1, first: 1, head };
        Ok((welcome, sender))
    }
}

/// An enrolled sender and where its chain stands.
#[derive(Clone)]
pub struct Sender {
    /// Its derived keys.
    pub keys: Keys,
    /// Its id.
    pub agent: String,
    /// Its evidence key.
    pub evidence: SigningKey,
    authority: String,
    sequence: u64,
    first: u64,
    head: chain::Head,
}

/// A request ready to post.
pub struct Request {
    /// The headers, content type included.
    pub headers: [(&'static str, String); 5],
    /// The body.
    pub body: Vec<u8>,
}

impl Sender {
    /// Packs records as the next package of the chain; gives its compressed bytes.
    pub fn pack(&mut self, drafts: &[&Draft], sections: &[Section], surroundings: &Surroundings) -> Vec<u8> {
        fn raw(json: &str) -> &RawValue {
            serde_json::from_str(json).expect("drafts and sections are JSON by construction")
        }
        let record = |draft: &&'_ Draft| (draft.core.clone(), draft.annex.clone(), Hex(surroundings.random()));
        let salted: Vec<_> = drafts.iter().map(record).collect();
        let records: Vec<Record<'_>> = salted
            .iter()
            .map(|(core, annex, salt)| Record { core: raw(core), annex: annex.as_deref().map(raw), salt: *salt })
            .collect();
        let count = records.len() as u64;
        let sections: BTreeMap<_, _> = sections.iter().map(|section| (section.digest, raw(&section.json))).collect();
        let at = Position { agent: &self.agent, sequence: self.sequence, first: self.first, previous: self.head };
        let package = Package::pack(at, records, sections, &self.evidence);
        let bytes = package.to_bytes();
        self.head = package.head;
        self.sequence += 1;
        self.first += count;
        bytes
    }

    /// The number of the next package.
    pub fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// Signs a request to `path` with a body that is sealed already (or empty).
    pub fn request(&self, path: &str, idempotency_key: &str, body: Vec<u8>, surroundings: &Surroundings) -> Request {
        let signed = sign_post(&self.keys, (&self.authority, path), idempotency_key, &body, surroundings);
        let headers = [
            ("content-type", package::CONTENT_TYPE.to_owned()),
            ("idempotency-key", idempotency_key.to_owned()),
            ("content-digest", signed.content_digest),
            ("signature-input", signed.signature_input),
            ("signature", signed.signature),
        ];
        Request { headers, body }
    }

    /// Seals a package's compressed bytes and signs the request that carries them.
    pub fn upload(&self, compressed: &[u8], idempotency_key: &str, surroundings: &Surroundings) -> Request {
        let sealed = package::seal(&self.keys, compressed, surroundings.random());
        self.request(crate::PACKAGES_PATH, idempotency_key, sealed, surroundings)
    }

    /// The answer to `request`, when it is the portal's; `None` when nothing proves that.
    pub fn answer(&self, request: &Request, status: u16, sent: &SignatureHeaders, body: &[u8]) -> Option<Answer> {
        let [.., (_, signature)] = &request.headers;
        verify_answer(&self.keys.answer, (status, receipt::CONTENT_TYPE, body), signature, sent).ok()?;
        receipt::open(&self.keys, body).ok()
    }
}

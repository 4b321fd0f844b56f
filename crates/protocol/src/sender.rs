//! An agent's side of the protocol without a spool and without sockets: what benches, tests and
//! other implementations' conformance checks send with.
//!
//! Deliberately absent: anything that outlives the process. A sender forgets where it stood.

use crate::enrol::{EnrolError, EnrolmentFile, Hello, Initiator, Way, Welcome};
use crate::message::{self, AgentKind, Message, Rotation, Said};
use crate::package::{self, Draft, Package, Position, PrinterIdentity, Record, Section};
use crate::receipt::{self, Answer, Receipt};
use crate::signature::{SignatureHeaders, sign_post, verify_answer};
use crate::{Hex, Keys, Schedule, SigningKey, chain, sign};
use report::Surroundings;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Which portal to enrol with.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Host and, unless 443, port: `portal.example`.
    pub authority: &'a str,
    /// The portal's id.
    pub portal_id: &'a str,
    /// The portal's static X25519 key.
    pub portal_key: &'a Hex<32>,
}

/// A handshake under way.
pub struct Handshake {
    initiator: Initiator,
    evidence: SigningKey,
    portal_id: String,
    authority: String,
}

impl Handshake {
    /// Begins the enrolment of `file` as a collector; gives the message to post.
    pub fn start(
        file: &EnrolmentFile,
        host: &str,
        surroundings: &Surroundings,
    ) -> Result<(Handshake, Vec<u8>), EnrolError> {
        Handshake::start_as(file, host, AgentKind::Collector, None, surroundings)
    }

    /// Begins the enrolment of `file` as an agent of `kind`; gives the message to post.
    pub fn start_as(
        file: &EnrolmentFile,
        host: &str,
        kind: AgentKind,
        printer: Option<PrinterIdentity>,
        surroundings: &Surroundings,
    ) -> Result<(Handshake, Vec<u8>), EnrolError> {
        let evidence = SigningKey::from_bytes(&surroundings.random());
        let hello = Hello {
            evidence_key: Hex(*evidence.verifying_key().as_bytes()),
            host: host.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind,
            printer,
            nonce: None,
        };
        let authority = file.portal.trim_start_matches("https://");
        let at = At { authority, portal_id: &file.portal_id, portal_key: &file.portal_key };
        let way = Way::Code { enrolment: &file.enrolment, code: &file.code };
        Handshake::start_by(way, at, &hello, evidence, surroundings)
    }

    /// Begins an enrolment in any way, with `hello` as it stands; `evidence` is the private half of
    /// its evidence key. Gives the message to post.
    pub fn start_by(
        way: Way<'_>,
        at: At<'_>,
        hello: &Hello,
        evidence: SigningKey,
        surroundings: &Surroundings,
    ) -> Result<(Handshake, Vec<u8>), EnrolError> {
        let (initiator, message) = Initiator::start(way, at.portal_key, hello, surroundings.random())?;
        let (portal_id, authority) = (at.portal_id.to_owned(), at.authority.to_owned());
        Ok((Handshake { initiator, evidence, portal_id, authority }, message))
    }

    /// Reads the portal's answer.
    pub fn finish(self, answer: &[u8]) -> Result<(Welcome, Sender), EnrolError> {
        let (welcome, shared) = self.initiator.finish(answer)?;
        let schedule = Schedule::new(&shared.secret, &self.portal_id, &welcome.agent, &shared.transcript);
        let sender = Sender {
            keys: schedule.keys(),
            schedule,
            agent: welcome.agent.clone(),
            evidence: self.evidence,
            authority: self.authority,
            sequence: 1,
            first: 1,
            head: chain::origin(&welcome.agent),
            seen: None,
            messages: 0,
        };
        Ok((welcome, sender))
    }
}

/// An enrolled sender and where its chain stands.
#[derive(Clone)]
pub struct Sender {
    /// Its keys in the current epoch.
    pub keys: Keys,
    /// Where its keys stand. Move it with [`Sender::ratchet`].
    pub schedule: Schedule,
    /// Its id.
    pub agent: String,
    /// Its evidence key. Change it with [`Sender::rotate`].
    pub evidence: SigningKey,
    authority: String,
    sequence: u64,
    first: u64,
    head: chain::Head,
    seen: Option<Hex<16>>,
    messages: u64,
}

/// A request ready to post.
pub struct Request {
    /// The headers, content type included.
    pub headers: [(&'static str, String); 5],
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the header `signature`, which an answer is bound to.
    pub fn signature(&self) -> &str {
        let [.., (_, signature)] = &self.headers;
        signature
    }
}

impl Sender {
    /// Packs records as the next package of the chain; gives its compressed bytes.
    pub fn pack(&mut self, drafts: &[&Draft], sections: &[Section], surroundings: &Surroundings) -> Vec<u8> {
        fn raw(json: &str) -> &RawValue {
            serde_json::from_str(json).expect("drafts and sections are JSON by construction")
        }
        let record = |draft: &&'_ Draft| (draft.core.clone(), draft.annex.clone(), Hex(surroundings.random()));
        let salted: Vec<_> = drafts.iter().map(record).collect();
        let records: Vec<Record<'_>> =
            salted.iter().map(|(core, annex, salt)| Record::new(raw(core), annex.as_deref().map(raw), *salt)).collect();
        let count = records.len() as u64;
        let sections: BTreeMap<_, _> = sections.iter().map(|section| (section.digest, raw(&section.json))).collect();
        let Sender { agent, sequence, first, head, seen, .. } = &*self;
        let at = Position { agent, sequence: *sequence, first: *first, previous: *head, seen: *seen };
        let package = Package::pack(at, records, sections, &|text: &[u8]| sign(&self.evidence, text));
        let (bytes, head) = (package.to_bytes(), package.head);
        self.head = head;
        self.sequence += 1;
        self.first += count;
        bytes
    }

    /// The number of the next package.
    pub fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// Names this receipt in all that is packed from now on.
    pub fn seen(&mut self, receipt: &Receipt) {
        self.seen = Some(receipt.mark());
    }

    /// Moves to the next epoch of the keys.
    pub fn ratchet(&mut self) {
        self.schedule = self.schedule.next();
        self.keys = self.schedule.keys();
    }

    /// Signs a request to `path` with a body that is sealed as a package is (or empty).
    pub fn request(&self, path: &str, idempotency_key: &str, body: Vec<u8>, surroundings: &Surroundings) -> Request {
        self.post((path, package::CONTENT_TYPE), idempotency_key, body, surroundings)
    }

    fn post(
        &self,
        (path, content_type): (&str, &str),
        idempotency_key: &str,
        body: Vec<u8>,
        surroundings: &Surroundings,
    ) -> Request {
        let to = (self.authority.as_str(), path);
        let signed = sign_post(&self.keys, to, content_type, idempotency_key, &body, surroundings);
        let headers = [
            ("content-type", content_type.to_owned()),
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

    /// Seals the next message and signs the request that carries it. The first one is number 1.
    pub fn message(&mut self, said: Said, surroundings: &Surroundings) -> Request {
        self.messages += 1;
        let message = Message { number: self.messages, said };
        let sealed = message::seal(&self.keys, &message, surroundings.random());
        let idempotency_key = format!("{}-m{}", self.agent, message.number);
        self.post((crate::MESSAGES_PATH, message::CONTENT_TYPE), &idempotency_key, sealed, surroundings)
    }

    /// Makes the next evidence key, signs with it from the next package on, and gives the message
    /// that introduces it.
    pub fn rotate(&mut self, surroundings: &Surroundings) -> Request {
        let new = SigningKey::from_bytes(&surroundings.random());
        let rotation = Rotation::signed(&self.agent, self.sequence, &self.evidence, &new);
        self.evidence = new;
        self.message(Said::Rotation(rotation), surroundings)
    }

    /// The answer to `request`, when it is the portal's; `None` when nothing proves that.
    pub fn answer(&self, request: &Request, status: u16, sent: &SignatureHeaders, body: &[u8]) -> Option<Answer> {
        verify_answer(&self.keys.answer, (status, receipt::CONTENT_TYPE, body), request.signature(), sent).ok()?;
        receipt::open(&self.keys, body).ok()
    }
}

//! Targets outside the drivers: what comes off the wire before our own readers see it, and what portal and
//! agent say to each other.
//!
//! Deliberately absent: SNMP version 3 without a login, and its clock. The library adds up what a device says
//! of its time with a checked overflow, so the agent refuses such a time before the library sees it.

use protocol::message::Message;
use protocol::package::{EvidenceKeys, Package, decompress};
use protocol::receipt::{Answer, SignedRefusal};
use protocol::signature::{RequestParts, SignatureHeaders, claimed_key_id, verify_request};
use protocol::{Hex, Keys, Schedule, Secret, SigningKey, enrol, jwe, message, package, parse_key_id, ranges, receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use snmp2::v3::Security;
use snmp2::{Pdu, Value};
use std::sync::OnceLock;

/// Questions and records of a packet that the agent looks at.
const RECORDS_MAX: u32 = 256;
/// Lines of a list that are looked at; a person's file may have more.
const LINES_MAX: usize = 64;

/// A response of SNMP: version 1 or 2c, or with the lowest bit of the first byte version 3 with a login.
pub(crate) fn ber(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    // Version 3 overwrites the signature where it stands: these bytes are ours.
    let bytes = bytes.to_vec();
    let mut login = (choice & 1 == 1).then(|| login().clone());
    let Ok(pdu) = Pdu::from_bytes_with_security(&bytes, login.as_mut()) else { return };
    let mut read = 0;
    for (name, value) in pdu.varbinds {
        read += 2 + name.as_bytes().len();
        if let Value::OctetString(text) | Value::Opaque(text) = value {
            read += text.len();
        }
    }
    assert!(read <= bytes.len(), "{read} bytes were read of {}", bytes.len());
}

/// A login whose key is derived once, which takes a megabyte of hashing.
fn login() -> &'static Security {
    static LOGIN: OnceLock<Security> = OnceLock::new();
    LOGIN.get_or_init(|| {
        let login = Security::new(b"reader", b"a password of ours");
        login.with_engine_id(&[0x80, 0, 0x1f, 0x88, 4]).expect("a key is derived from any engine's id")
    })
}

/// An answer to a multicast question, as far as the agent reads it.
pub(crate) fn mdns(data: &[u8]) {
    let counts = data.get(4..12).unwrap_or_default().chunks_exact(2);
    let promised: u32 = counts.map(|count| count.iter().fold(0, |sum, byte| sum * 256 + u32::from(*byte))).sum();
    if promised > RECORDS_MAX {
        return;
    }
    let Ok(packet) = simple_dns::Packet::parse(data) else { return };
    for record in packet.answers.iter().chain(&packet.name_servers).chain(&packet.additional_records) {
        let named = record.name.to_string();
        // A name has at most 255 bytes (RFC 1035 §3.1); a byte that is no text becomes three.
        assert!(named.len() <= 3 * 255, "a name of {} bytes", named.len());
        let _shown = format!("{:?}", record.rdata);
    }
}

/// What travels between agent and portal. The first byte chooses the reader.
pub(crate) fn protocol(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    match choice % 8 {
        0 => {
            if let Ok(json) = decompress(bytes) {
                checked_package(&json);
            }
        }
        1 => checked_package(bytes),
        2 => same_again::<Answer>(bytes),
        3 => same_again::<Message>(bytes),
        4 => enrolment(bytes),
        5 => sealed(bytes),
        6 => signature(&String::from_utf8_lossy(bytes)),
        _ => lists(&String::from_utf8_lossy(bytes)),
    }
}

/// A package is of the agent that its key names or refused; erasing its annexes once is erasing them for good.
fn checked_package(json: &[u8]) {
    let keys = EvidenceKeys::one(SigningKey::from_bytes(&[7; 32]).verifying_key());
    if let Ok(package) = Package::check(json, "agent-1", &keys) {
        assert_eq!(package.agent, "agent-1");
        assert!(Package::check(&package.to_json(), "agent-1", &keys).is_ok(), "a package is not read as it is written");
    }
    if let Ok(erased) = Package::without_annexes(json) {
        let again = Package::without_annexes(&erased).expect("what we wrote reads");
        assert!(erased == again, "erasing twice is more than erasing once");
    }
}

/// What reads is read the same after it was written.
fn same_again<T: DeserializeOwned + Serialize + PartialEq>(json: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(json) else { return };
    let written = serde_json::to_vec(&value).expect("integers and texts serialise");
    let again: T = serde_json::from_slice(&written).expect("what we wrote reads");
    assert!(value == again, "written and read again it is another");
}

/// The files and messages of an enrolment, and what a portal refuses with.
fn enrolment(json: &[u8]) {
    same_again::<enrol::EnrolmentFile>(json);
    same_again::<enrol::FactoryFile>(json);
    same_again::<enrol::CompareRequest>(json);
    same_again::<enrol::CompareAnswer>(json);
    same_again::<SignedRefusal>(json);
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Schedule::new(&Secret::new([3; 32]), "portal", "agent-1", &Hex([5; 32])).keys())
}

/// Nobody without the keys seals anything that opens.
fn sealed(bytes: &[u8]) {
    let keys = keys();
    assert!(package::open(keys, bytes).is_err() && message::open(keys, bytes).is_err());
    assert!(receipt::open(keys, bytes).is_err());
    let _compact = jwe::to_compact(bytes);
}

/// The headers of a request, a line each.
fn signature(text: &str) {
    let mut lines = text.lines();
    let mut line = || lines.next().unwrap_or("").to_owned();
    let sent = SignatureHeaders { content_digest: line(), signature_input: line(), signature: line() };
    let _claimed = claimed_key_id(&sent.signature_input).map(|key_id| parse_key_id(key_id).is_some());
    let (path, content_type, body) = (protocol::PACKAGES_PATH, package::CONTENT_TYPE, b"body".as_slice());
    let (authority, idempotency_key) = ("portal.example", "agent-1-1");
    let parts = RequestParts { method: "POST", authority, path, query: "?", content_type, idempotency_key, body };
    assert!(verify_request(&keys().request, parts, &sent).is_err(), "a signature was guessed");
}

/// Lists of addresses, as a customer's file or a portal's settings may have them.
fn lists(text: &str) {
    for (_, entry) in ranges::first_column(text).into_iter().take(LINES_MAX) {
        if let Ok(span) = ranges::Span::readable(&entry) {
            assert!(span.addresses().take(ranges::ADDRESSES_MAX + 1).count() <= ranges::ADDRESSES_MAX);
        }
        let _literal = ranges::literal(&entry);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn every_input_that_ever_broke_a_reader_of_the_wire_is_read_to_its_end() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = here.ancestors().map(|folder| folder.join("fuzz/corpus")).find(|folder| folder.is_dir());
        let corpus = corpus.expect("fuzz/corpus stands beside the crates");
        let targets: [(&str, fn(&[u8])); 3] =
            [("ber", super::ber), ("mdns", super::mdns), ("protocol", super::protocol)];
        let mut count = 0;
        for (target, run) in targets {
            for file in std::fs::read_dir(corpus.join(target)).expect("the target's corpus") {
                run(&std::fs::read(file.expect("an entry").path()).expect("a file of the corpus"));
                count += 1;
            }
        }
        assert!(count >= 3, "fuzz/run --seed writes a corpus");
        println!("{count} files of the corpus were read");
    }
}

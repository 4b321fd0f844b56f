//! The seeds of the targets that no driver has cases for: small whole messages, made here.
//!
//! Deliberately absent: recorded ones, and broken ones; breaking them is the fuzzer's work.

use protocol::package::{Manner, Package, Position, Record, Timestamps, compress, records};
use protocol::receipt::{Answer, Problem, SignedRefusal};
use protocol::{Hex, SigningKey, chain, sign};
use report::{Configuration, Grade, Instant, Report};
use serde_json::value::RawValue;
use simple_dns::rdata::{A, PTR, RData, SRV};
use simple_dns::{CLASS, Name, Packet, ResourceRecord};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The instant in the seeds: 2026-10-31T00:00:00Z.
const AT: Instant = Instant(1_793_404_800_000);

/// Every seed: its target, its name, its bytes.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, data) in ber() {
        seeds.push(("ber", name.to_owned(), data));
    }
    for (name, data) in mdns() {
        seeds.push(("mdns", name.to_owned(), data));
    }
    for (number, (choice, data)) in protocol().into_iter().enumerate() {
        seeds.push(("protocol", format!("{choice}-{number:02}"), [&[choice][..], data.as_slice()].concat()));
    }
    seeds
}

/// One element of BER with a short or a two-byte length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let head = match u8::try_from(length) {
        Ok(short) if short < 0x80 => vec![tag, short],
        _ => [&[tag, 0x82][..], &length.to_be_bytes()[..]].concat(),
    };
    [head.as_slice(), content].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

fn integer(number: u8) -> Vec<u8> {
    element(0x02, &[number])
}

fn ber() -> Vec<(&'static str, Vec<u8>)> {
    let name = |last: u8| element(0x06, &[0x2b, 6, 1, 2, 1, 43, 11, 1, 1, 9, 1, last]);
    let values = [
        integer(80),
        element(0x04, b"Black Ink"),
        element(0x06, &[0x2b, 6, 1, 4, 1, 11, 2, 3, 9, 1]),
        element(0x40, &[192, 0, 2, 10]),
        element(0x41, &[0x01, 0x00]),
        element(0x42, &[0x05]),
        element(0x43, &[0x00, 0xff, 0xff, 0xff, 0xff]),
        element(0x46, &[0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        element(0x05, &[]),
        element(0x82, &[]),
    ];
    let pairs = values.iter().zip(1..).map(|(value, last)| sequence(&[name(last), value.clone()]));
    let body = [integer(7), integer(0), integer(0), sequence(&pairs.collect::<Vec<_>>())];
    let response = element(0xa2, &body.concat());
    let refused = element(0xa2, &[integer(7), integer(2), integer(1), sequence(&[])].concat());
    let community = || element(0x04, b"public");
    let v2c = sequence(&[integer(1), community(), response.clone()]);
    let v1 = sequence(&[integer(0), community(), refused]);
    let engine = element(0x04, &[0x80, 0, 0x1f, 0x88, 4]);
    let header = |flags: u8| sequence(&[integer(7), element(0x02, &[0x05, 0xc0]), element(0x04, &[flags]), integer(3)]);
    let told = |signature: &[u8]| {
        let empty = element(0x04, &[]);
        let parts = [engine.clone(), integer(1), integer(9), element(0x04, b"reader"), element(0x04, signature), empty];
        element(0x04, &sequence(&parts))
    };
    let scoped = sequence(&[engine.clone(), element(0x04, &[]), response]);
    let v3 = |flags: u8, signature: &[u8]| sequence(&[integer(3), header(flags), told(signature), scoped.clone()]);
    let of = |choice: u8, message: Vec<u8>| [&[choice][..], message.as_slice()].concat();
    vec![
        ("v1", of(0, v1)),
        ("v2c", of(0, v2c)),
        ("v3-report", of(1, v3(0, &[]))),
        ("v3-signed", of(1, v3(1, &[0; 12]))),
    ]
}

fn mdns() -> Vec<(&'static str, Vec<u8>)> {
    let service = Name::new_unchecked("_ipps._tcp.local");
    let instance = Name::new_unchecked("Plotter._ipps._tcp.local");
    let host = Name::new_unchecked("plotter.local");
    let record = |name: &Name<'static>, data: RData<'static>| ResourceRecord::new(name.clone(), CLASS::IN, 120, data);
    let mut packet = Packet::new_reply(0);
    packet.answers.push(record(&service, RData::PTR(PTR(instance.clone()))));
    let place = SRV { priority: 0, weight: 0, port: 631, target: host.clone() };
    packet.additional_records.push(record(&instance, RData::SRV(place)));
    packet.additional_records.push(record(&host, RData::A(A::from(Ipv4Addr::new(192, 0, 2, 10)))));
    let plain = packet.build_bytes_vec().unwrap_or_default();
    let compressed = packet.build_bytes_vec_compressed().unwrap_or_default();
    vec![("announced", plain), ("compressed", compressed)]
}

/// What stands behind the byte that chooses the reader.
fn protocol() -> Vec<(u8, Vec<u8>)> {
    let json = package();
    let refusal = Answer::Refused(Problem::new(409, "sequence", "another package was expected"));
    let key = SigningKey::from_bytes(&[7; 32]);
    let signed = SignedRefusal::signed(Problem::new(409, "behind", "the portal is behind"), "a\nb", AT, &key);
    let texts: [(u8, &str); 6] = [
        (3, r#"{"number":1,"said":{"leave":{"at":1793404800000}}}"#),
        (3, r#"{"number":2,"said":{"alerts":[]}}"#),
        (5, "\0\u{10}{\"alg\":\"dir\"}"),
        (6, "sha-256=:AA==:\nplotmeter=(\"@method\");created=1;nonce=\"AA==\";keyid=\"agent-1.0\"\nplotmeter=:AA==:"),
        (7, "address,name\n192.0.2.10,a\n192.0.2.0/28,b\n192.0.2.40-192.0.2.60\n# 10.0.0.1\n[::1]\n2001:db8::1"),
        (7, "::ffff:192.0.2.1\n10.0.0.0/8\n0.0.0.0/0\n"),
    ];
    let mut seeds: Vec<(u8, Vec<u8>)> = Vec::new();
    for (choice, text) in texts {
        seeds.push((choice, text.as_bytes().to_vec()));
    }
    let written = |value: Result<Vec<u8>, serde_json::Error>| value.expect("integers and texts serialise");
    seeds.push((0, compress(&json)));
    seeds.push((1, json));
    seeds.push((2, written(serde_json::to_vec(&refusal))));
    seeds.push((4, written(serde_json::to_vec(&signed))));
    seeds
}

/// A signed package of one small reading.
fn package() -> Vec<u8> {
    let configuration = Configuration {
        product_number: Some("X1A23A".to_owned()),
        product_name: Some("Testplotter 24".to_owned()),
        serial_number: Some("TST0000001".to_owned()),
        ..Configuration::default()
    };
    let report = Report { read_at: AT, configuration, ..Report::default() };
    let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
    let split = records(&report, &[], manner).expect("the report names a printer");
    let raw = |json: String| RawValue::from_string(json).expect("what was serialised is JSON");
    let core = raw(split.reading.core);
    let sections: Vec<_> = split.sections.into_iter().map(|section| (section.digest, raw(section.json))).collect();
    let sections: BTreeMap<Hex<32>, &RawValue> = sections.iter().map(|(digest, json)| (*digest, &**json)).collect();
    let key = SigningKey::from_bytes(&[7; 32]);
    let at = Position { agent: "agent-1", sequence: 1, first: 1, previous: chain::origin("agent-1"), seen: None };
    let record = Record::new(&core, None, Hex([9; 16]));
    Package::pack(at, vec![record], sections, &|text: &[u8]| sign(&key, text)).to_json()
}

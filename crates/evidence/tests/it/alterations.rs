use super::settled::settled;
use super::world::{portal_key, world};
use evidence::{Header, verify};
use proptest::prelude::*;
use protocol::{Hex, sha256};
use report::sample::Rng;
use std::ops::Range;

/// How many alterations: `few`, or `many` where all are wanted.
fn wanted(few: usize, many: usize) -> usize {
    if std::env::var_os("PLOTMETER_FULL").is_some() { many } else { few }
}

fn below(rng: &mut Rng, most: usize) -> usize {
    let most = i64::try_from(most).expect("a length") - 1;
    usize::try_from(rng.between(0, most)).expect("not negative")
}

/// Runs `alter` `count` times in two threads, each time with a generator of its own.
fn each(count: usize, alter: &(dyn Fn(&mut Rng) + Sync)) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for seed in (half..count).step_by(2) {
                    alter(&mut Rng::new(u64::try_from(seed).expect("a seed")));
                }
            });
        }
    });
}

#[test]
fn no_altered_byte_is_accepted() {
    let file = world().file();
    let count = wanted(2_000, 100_000);
    assert!(verify(&file, None, None).is_ok());
    each(count, &|rng| {
        let mut altered = file.clone();
        let place = below(rng, file.len());
        altered[place] ^= u8::try_from(rng.between(1, 255)).expect("a byte");
        let found = verify(&altered, None, None).err().unwrap_or_default();
        assert!(!found.is_empty(), "byte {place} of {} altered, and accepted", file.len());
    });
    assert!(verify(&file, None, None).is_ok());
    println!("{count} single bytes altered, 0 accepted");
}

/// The file with another body, signed by the portal's key.
fn signed_again(body: &[u8]) -> Vec<u8> {
    let key = portal_key();
    let mut header = Header {
        schema: evidence::SCHEMA.to_owned(),
        number: "S-0007".to_owned(),
        body_sha256: Hex(sha256(&[body])),
        portal: "portal-1".to_owned(),
        portal_key: Hex(*key.verifying_key().as_bytes()),
        signature: Hex([0; 64]),
    };
    header.signature = Hex(protocol::sign(&key, header.statement().as_bytes()));
    let line = serde_json::to_vec(&header).expect("a header as JSON");
    [line.as_slice(), b"\n", body].concat()
}

/// Where the digits stand that a portal could change: those of documents, basis and packages.
fn digits(body: &str) -> Vec<(usize, &'static str)> {
    let place = |text: &str| body.find(text).expect("a part of the body");
    let (documents, basis) = (place("\"documents\":["), place("\"basis\":{"));
    let (agents, receipts) = (place("\"agents\":["), place(",\"receipts\":["));
    let parts: [(Range<usize>, &str); 3] =
        [(documents..basis, "statement"), (basis..agents, "basis"), (agents..receipts, "agents")];
    // Keys and the grade that is believed of an agent are the portal's word.
    let mut said: Vec<Range<usize>> = Vec::new();
    for (start, _) in body.match_indices("\"keys\":[[") {
        let end = body[start..].find("\"packages\"").expect("packages behind the keys");
        said.push(start..start + end);
    }
    let mut digits = Vec::new();
    for (part, name) in parts {
        for (offset, byte) in body[part.clone()].bytes().enumerate() {
            let place = part.start + offset;
            if byte.is_ascii_digit() && !said.iter().any(|said| said.contains(&place)) {
                digits.push((place, name));
            }
        }
    }
    digits
}

#[test]
fn a_portal_that_changes_one_digit_and_signs_again_is_refused_and_the_place_is_named() {
    for file in [world().file(), settled().file()] {
        println!("{} digits altered and signed again, 0 accepted", no_digit_is_accepted(&file));
    }
}

/// Gives how many were altered.
fn no_digit_is_accepted(file: &[u8]) -> usize {
    let start = file.iter().position(|byte| *byte == b'\n').expect("a first line") + 1;
    let body = std::str::from_utf8(&file[start..]).expect("JSON");
    assert_eq!(signed_again(body.as_bytes()), file);
    let digits = digits(body);
    let count = wanted(1_000, 20_000);
    each(count, &|rng| {
        let (place, part) = digits[below(rng, digits.len())];
        let mut altered = body.as_bytes().to_vec();
        let other = u8::try_from(rng.between(1, 9)).expect("a digit");
        altered[place] = b'0' + (altered[place] - b'0' + other) % 10;
        let around = String::from_utf8_lossy(&altered[place.saturating_sub(40)..(place + 20).min(altered.len())]);
        let found = verify(&signed_again(&altered), None, None).err().unwrap_or_default();
        // A leading zero is no JSON at all. Where basis and document differ, either may be the altered one; a
        // package's number is held against the basis too.
        let also: &[&str] = match part {
            "basis" => &["statement"],
            "agents" => &["basis"],
            _ => &[],
        };
        let is_named = |at: &str| [part, "body", "chain"].iter().chain(also).any(|begin| at.starts_with(begin));
        assert!(found.iter().any(|finding| is_named(&finding.at)), "{part} {place}: {around}: {found:?}");
    });
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        line in "[ -~]{0,200}",
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(verify(&rest, None, Some(&rest)).is_err());
        prop_assert!(verify(&[line.as_bytes(), b"\n", &rest].concat(), None, None).is_err());
        prop_assert!(verify(&signed_again(&rest), None, None).is_err());
    }
}

#[test]
fn a_file_that_ends_early_is_refused() {
    let file = world().file();
    for length in (0..file.len()).step_by(file.len() / 60) {
        assert!(verify(&file[..length], None, None).is_err(), "{length}");
    }
}

//! As much BER (X.690) as an SNMP request takes, and object identifiers in their three forms: coded, as numbers,
//! and dotted.
//!
//! Pure. Deliberately absent: reading messages, which the library does.

use snmp2::asn1::{TYPE_INTEGER, TYPE_OBJECTIDENTIFIER, TYPE_OCTETSTRING, TYPE_SEQUENCE};

/// Numbers of one object identifier (RFC 2578 §3.5).
const ARCS_MAX: usize = 128;

/// Tag, length and content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|digit| *digit == 0).collect();
    let mut bytes = vec![tag];
    match (content.len(), u8::try_from(digits.len())) {
        (0..=0x7f, _) => bytes.push(digits.first().copied().unwrap_or(0)),
        (_, Ok(count)) => {
            bytes.push(0x80 | count);
            bytes.extend(digits);
        }
        // A length has eight digits at most.
        (_, Err(_)) => {}
    }
    bytes.extend_from_slice(content);
    bytes
}

/// INTEGER.
pub(super) fn integer(number: i32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    // A byte can go that only repeats the sign of the next one.
    let repeats = |pair: &&[u8]| matches!(pair, [0, 0..=0x7f] | [0xff, 0x80..=0xff]);
    let skip = bytes.windows(2).take_while(repeats).count();
    element(TYPE_INTEGER, &bytes[skip..])
}

/// OCTET STRING.
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    element(TYPE_OCTETSTRING, bytes)
}

/// SEQUENCE of elements.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(TYPE_SEQUENCE, &parts.concat())
}

/// OBJECT IDENTIFIER; `None` where its numbers cannot be coded.
pub(super) fn identifier(arcs: &[u32]) -> Option<Vec<u8>> {
    let (first, rest) = arcs.split_first_chunk::<2>()?;
    let [one, two] = *first;
    let head = u8::try_from(one.checked_mul(40)?.checked_add(two)?).ok().filter(|head| *head < 0x80)?;
    let mut bytes = vec![head];
    for arc in rest {
        // Seven bits a byte, the highest first; leading zeros are left out.
        let digits = (0..5_u32).rev().map(|place| u8::try_from((arc >> (7 * place)) & 0x7f).unwrap_or(0));
        let digits: Vec<u8> = digits.skip_while(|digit| *digit == 0).collect();
        match digits.split_last() {
            Some((last, before)) => {
                bytes.extend(before.iter().map(|digit| digit | 0x80));
                bytes.push(*last);
            }
            None => bytes.push(0),
        }
    }
    Some(element(TYPE_OBJECTIDENTIFIER, &bytes))
}

/// The numbers of a coded object identifier, without its tag; `None` where it is malformed.
pub(super) fn arcs(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut arcs = Vec::new();
    let mut arc = 0_u64;
    let mut is_whole = true;
    for byte in bytes {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if arc > u64::from(u32::MAX) || arcs.len() >= ARCS_MAX {
            return None;
        }
        is_whole = byte & 0x80 == 0;
        if !is_whole {
            continue;
        }
        let number = u32::try_from(arc).ok()?;
        if arcs.is_empty() {
            let first = (number / 40).min(2);
            arcs.extend([first, number - first * 40]);
        } else {
            arcs.push(number);
        }
        arc = 0;
    }
    (is_whole && !arcs.is_empty()).then_some(arcs)
}

/// The numbers of a dotted text.
pub(super) fn arcs_of_text(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|arc| arc.parse().ok()).collect()
}

/// The dotted text of numbers.
pub(super) fn dotted(arcs: &[u32]) -> String {
    let arcs: Vec<String> = arcs.iter().map(ToString::to_string).collect();
    arcs.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use snmp2::AsnReader;

    #[test]
    fn object_identifiers_are_read_and_written() {
        for text in [
            "1.3.6.1.2.1.43.11.1.1",
            "1.3.6.1.4.1.11.2.3.9.1.1.7.0",
            "1.3.0",
            "0.39",
            "2.5",
            "1.3.6.1.2.1.25.3.2.1.3.4294967295.128.16383.16384",
        ] {
            let numbers = arcs_of_text(text).expect(text);
            let coded = identifier(&numbers).expect(text);
            let read = AsnReader::from_bytes(&coded).read_asn_objectidentifier().expect(text);
            assert_eq!(read.to_id_string(), text);
            assert_eq!(arcs(read.as_bytes()).map(|arcs| dotted(&arcs)).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_malformed_object_identifier_is_none() {
        let long = vec![1_u8; ARCS_MAX + 1];
        let cases: [&[u8]; 5] = [&[], &[0x2b, 0x80], &[0x2b, 0x90, 0x80, 0x80, 0x80, 0x80, 0x00], &[0xff; 9], &long];
        for bytes in cases {
            assert_eq!(arcs(bytes), None, "{bytes:?}");
        }
        for text in ["", "1", "1.3.6.1.x", "9.9", "1.3.4294967296"] {
            assert!(arcs_of_text(text).is_none_or(|arcs| identifier(&arcs).is_none()), "{text}");
        }
    }

    #[test]
    fn numbers_and_lengths_are_coded_as_short_as_they_can_be() {
        for (number, coded) in [
            (0, vec![2, 1, 0]),
            (127, vec![2, 1, 127]),
            (128, vec![2, 2, 0, 128]),
            (65_507, vec![2, 3, 0, 0xff, 0xe3]),
            (i32::MAX, vec![2, 4, 0x7f, 0xff, 0xff, 0xff]),
            (-1, vec![2, 1, 0xff]),
            (-129, vec![2, 2, 0xff, 0x7f]),
        ] {
            assert_eq!(integer(number), coded, "{number}");
        }
        for (length, head) in
            [(0, vec![4, 0]), (127, vec![4, 127]), (128, vec![4, 0x81, 128]), (300, vec![4, 0x82, 1, 44])]
        {
            let coded = octets(&vec![7; length]);
            assert_eq!((&coded[..head.len()], coded.len()), (head.as_slice(), head.len() + length), "{length}");
        }
    }
}

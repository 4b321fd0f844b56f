//! SNMP messages: requests that read, and what is believed of answers.
//!
//! The library `snmp2` decodes, authenticates and decrypts. It was read for what hostile bytes do to it: versions 1
//! and 2c are decoded without a way to panic; in version 3 an engine id of several kilobytes or an engine time near
//! the end of 64 bits end in a checked overflow, and bytes behind a message shift the place of its signature. It
//! also takes a message of an older version for an answer where version 3 was asked. So every answer is held
//! against [`is_sound`] and its version before it is believed. Deliberately absent: SET, INFORM and traps.

use super::ber::{arcs, dotted, element, identifier, integer, octets, sequence};
use crate::printer::access::{SnmpAccess, SnmpAuth, SnmpPrivacy};
use drivers::snmp::{Value, Variable};
use snmp2::snmp::{MSG_GET, MSG_GET_BULK, MSG_GET_NEXT, V3_MSG_FLAGS_REPORTABLE};
use snmp2::v3::{Auth, AuthErrorKind, AuthProtocol, Cipher, KeyExtension, Security};
use snmp2::{AsnReader, Error, MessageType, Pdu, Value as Raw, Version};

/// The longest datagram, and so the longest message that is taken.
pub(super) const DATAGRAM_MAX: u16 = 65_507;
/// The user-based security model (RFC 3414).
const USM: i32 = 3;
/// The longest engine id (RFC 3411, `SnmpEngineID`).
const ENGINE_ID_MAX: usize = 32;
/// What printers of version 1 answer behind their last variable (`noSuchName`, RFC 1157 §4.1.2).
const NO_SUCH_NAME: u32 = 2;
/// An engine that stands for no printer's, while a message is put together.
const NO_ENGINE: [u8; 5] = [0x80, 0, 0, 0, 1];

/// What one answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// These variables, each with the numbers of its name.
    Variables(Vec<(Vec<u32>, Variable)>),
    /// There is nothing behind what was asked.
    End,
    /// The printer names an error, by its number (RFC 3416 §3).
    Error(u32),
    /// It told its engine and the engine's time: the request is made again.
    Engine,
    /// It is an answer to another request.
    Other,
}

/// How a printer is spoken to.
pub(super) enum Speech {
    /// Version 1 or 2c, with a community.
    Community(Version, Vec<u8>),
    /// Version 3.
    User(Box<Security>),
}

impl Speech {
    /// The speech of an access; of version 3 with an engine that is not known yet.
    pub(super) fn of(access: &SnmpAccess) -> Speech {
        match access {
            SnmpAccess::V1 { community } => Speech::Community(Version::V1, community.as_bytes().to_vec()),
            SnmpAccess::V2c { community } => Speech::Community(Version::V2C, community.as_bytes().to_vec()),
            SnmpAccess::V3 { user, auth, privacy } => {
                Speech::User(Box::new(security(user, auth.as_ref(), privacy.as_ref())))
            }
        }
    }

    /// Whether the printer's engine is to be asked for first.
    pub(super) fn needs_engine(&self) -> bool {
        matches!(self, Speech::User(security) if security.engine_id().is_empty())
    }

    /// The question for the engine (RFC 3414 §4).
    pub(super) fn discovery(number: i32) -> Vec<u8> {
        let asked = [integer(number), integer(0), integer(0), sequence(&[])].concat();
        v3_message(number, &[], &element(MSG_GET, &asked))
    }

    /// The question for what comes behind an object identifier: one variable or several at once.
    pub(super) fn request(&self, number: i32, behind: &[u32], repetitions: i32) -> Result<Vec<u8>, &'static str> {
        let name = identifier(behind).ok_or("is no object identifier")?;
        let variables = sequence(&[&sequence(&[&name, &[0x05, 0x00]])]);
        // With GETBULK the two numbers are those of variables asked for once and several times.
        let (tag, last) = match self {
            Speech::Community(Version::V1, _) => (MSG_GET_NEXT, 0),
            Speech::Community(..) | Speech::User(_) => (MSG_GET_BULK, repetitions),
        };
        let pdu = element(tag, &[integer(number), integer(0), integer(last), variables].concat());
        match self {
            Speech::Community(version, community) => {
                let version = if *version == Version::V1 { 0 } else { 1 };
                Ok(sequence(&[&integer(version), &octets(community), &pdu]))
            }
            Speech::User(security) => secured(security, number, &pdu).ok_or("cannot be asked as this SNMPv3 user"),
        }
    }

    /// What a datagram says in answer to request `number`.
    pub(super) fn heard(&mut self, datagram: &[u8], number: i32) -> Result<Heard, &'static str> {
        let decoded = match self {
            Speech::Community(version, community) => {
                let pdu = Pdu::from_bytes(datagram).map_err(|error| words(&error))?;
                if pdu.version() != Ok(*version) || pdu.community != community.as_slice() {
                    return Err("answered with another community or version of SNMP");
                }
                Ok(pdu)
            }
            Speech::User(security) => {
                if !is_sound(datagram) {
                    return Err(words(&Error::AsnParse));
                }
                Pdu::from_bytes_with_security(datagram, Some(security.as_mut()))
            }
        };
        match decoded {
            Ok(pdu) if pdu.message_type == MessageType::Response && pdu.req_id == number => read(pdu),
            Ok(pdu) if pdu.message_type == MessageType::Response => Ok(Heard::Other),
            Ok(_) => Err(refusal(datagram).unwrap_or("did not take the request")),
            Err(Error::AuthUpdated) => Ok(Heard::Engine),
            Err(error @ Error::AuthFailure(_)) => Err(refusal(datagram).unwrap_or_else(|| words(&error))),
            Err(error) => Err(words(&error)),
        }
    }
}

/// Why a printer does not take a request of version 3, from the counter that it names in its report (RFC 3414 §5,
/// `usmStats`). A report may not be authenticated, so that this decides nothing but words.
fn refusal(datagram: &[u8]) -> Option<&'static str> {
    /// The counters' common name, 1.3.6.1.6.3.15.1.1, as it is coded; the counter's number and a 0 follow.
    const COUNTERS: [u8; 8] = [0x2b, 6, 1, 6, 3, 15, 1, 1];
    let follow = |part: &&[u8]| part.starts_with(&COUNTERS) && part.ends_with(&[0]);
    let counter = datagram.windows(COUNTERS.len() + 2).find(follow)?.get(COUNTERS.len())?;
    match counter {
        1 => Some("does not take this SNMPv3 user with these methods"),
        2 => Some("does not come to terms about its engine's time"),
        3 => Some("does not know this user of SNMPv3"),
        4 => Some("does not take the engine that it named itself"),
        5 => Some("does not take the authentication password of this SNMPv3 user, or its method"),
        6 => Some("does not take the privacy password of this SNMPv3 user, or its method"),
        _ => None,
    }
}

/// A message of version 3 without authentication, to an engine.
fn v3_message(number: i32, engine: &[u8], pdu: &[u8]) -> Vec<u8> {
    let head = [integer(number), integer(i32::from(DATAGRAM_MAX)), octets(&[V3_MSG_FLAGS_REPORTABLE]), integer(USM)];
    let user = [octets(engine), integer(0), integer(0), octets(&[]), octets(&[]), octets(&[])];
    let parameters = octets(&sequence(&[&user.concat()]));
    let scoped = sequence(&[&octets(engine), &octets(&[]), pdu]);
    sequence(&[&integer(3), &sequence(&[&head.concat()]), &parameters, &scoped])
}

/// A request as the library authenticates and encrypts it. It codes only what it has decoded before.
fn secured(security: &Security, number: i32, pdu: &[u8]) -> Option<Vec<u8>> {
    let open = Security::new(b"", b"").with_auth(Auth::NoAuthNoPriv);
    let mut open = open.with_engine_id(&NO_ENGINE).ok()?;
    let message = v3_message(number, &NO_ENGINE, pdu);
    let pdu = Pdu::from_bytes_with_security(&message, Some(&mut open)).ok()?;
    pdu.to_bytes_with_security(Some(security)).ok()
}

/// Whether a message of version 3 has nothing behind it or behind its security parameters, and an engine id, boots
/// and a time as RFC 3411 and RFC 3414 bound them.
fn is_sound(datagram: &[u8]) -> bool {
    let check = || -> Result<bool, Error> {
        let mut outer = AsnReader::from_bytes(datagram);
        let mut message = AsnReader::from_bytes(outer.read_raw(snmp2::asn1::TYPE_SEQUENCE)?);
        let version = message.read_asn_integer()?;
        message.read_raw(snmp2::asn1::TYPE_SEQUENCE)?;
        let mut parameters = AsnReader::from_bytes(message.read_asn_octetstring()?);
        let mut user = AsnReader::from_bytes(parameters.read_raw(snmp2::asn1::TYPE_SEQUENCE)?);
        let engine = user.read_asn_octetstring()?;
        let counts = [user.read_asn_integer()?, user.read_asn_integer()?];
        let bounded = counts.iter().all(|count| (0..=i64::from(i32::MAX)).contains(count));
        let nothing_behind = outer.bytes_left() == 0 && parameters.bytes_left() == 0;
        Ok(version == 3 && engine.len() <= ENGINE_ID_MAX && bounded && nothing_behind)
    };
    check().unwrap_or(false)
}

/// The variables of an answer.
fn read(pdu: Pdu<'_>) -> Result<Heard, &'static str> {
    match pdu.error_status {
        0 => {}
        NO_SUCH_NAME if pdu.version() == Ok(Version::V1) => return Ok(Heard::End),
        status => return Ok(Heard::Error(status)),
    }
    let mut variables = Vec::new();
    for (name, raw) in pdu.varbinds {
        let name = arcs(name.as_bytes()).ok_or("answered a malformed object identifier")?;
        let oid = dotted(&name);
        match value(&raw) {
            Some(Some(value)) => variables.push((name, Variable { oid, value })),
            // What ends the view is asked for again and then answered alone.
            Some(None) if variables.is_empty() => return Ok(Heard::End),
            Some(None) => break,
            None => return Err("answered a malformed value"),
        }
    }
    if variables.is_empty() { Err("answered no variable that reads") } else { Ok(Heard::Variables(variables)) }
}

/// A value as it is written down; an inner `None` says that the view ends, an outer one that it is malformed.
fn value(raw: &Raw<'_>) -> Option<Option<Value>> {
    let unsigned = |tag, value: u32| Value::Unsigned { tag, value: u64::from(value) };
    Some(Some(match raw {
        Raw::Null => Value::Null,
        Raw::Integer(number) => Value::Integer(*number),
        Raw::OctetString(bytes) | Raw::Opaque(bytes) => Value::Bytes(bytes.to_vec()),
        Raw::ObjectIdentifier(name) => Value::Oid(dotted(&arcs(name.as_bytes())?)),
        Raw::IpAddress(address) => Value::Ip(*address),
        Raw::Counter32(number) => unsigned(65, *number),
        Raw::Unsigned32(number) => unsigned(66, *number),
        Raw::Timeticks(number) => unsigned(67, *number),
        Raw::Counter64(number) => Value::Unsigned { tag: 70, value: *number },
        Raw::EndOfMibView | Raw::NoSuchObject | Raw::NoSuchInstance => return Some(None),
        _ => return None,
    }))
}

fn security(user: &str, auth: Option<&(SnmpAuth, String)>, privacy: Option<&(SnmpPrivacy, String)>) -> Security {
    let Some((auth, password)) = auth else {
        return Security::new(user.as_bytes(), b"").with_auth(Auth::NoAuthNoPriv);
    };
    let protocol = match auth {
        SnmpAuth::Md5 => AuthProtocol::Md5,
        SnmpAuth::Sha1 => AuthProtocol::Sha1,
        SnmpAuth::Sha224 => AuthProtocol::Sha224,
        SnmpAuth::Sha256 => AuthProtocol::Sha256,
        SnmpAuth::Sha384 => AuthProtocol::Sha384,
        SnmpAuth::Sha512 => AuthProtocol::Sha512,
    };
    let security = Security::new(user.as_bytes(), password.as_bytes()).with_auth_protocol(protocol);
    let Some((privacy, password)) = privacy else { return security.with_auth(Auth::AuthNoPriv) };
    let cipher = match privacy {
        SnmpPrivacy::Des => Cipher::Des,
        SnmpPrivacy::Aes128 => Cipher::Aes128,
        SnmpPrivacy::Aes192 => Cipher::Aes192,
        SnmpPrivacy::Aes256 => Cipher::Aes256,
    };
    // Where a digest is shorter than the key. No standard says how; this is what net-snmp does.
    let security = security.with_key_extension_method(KeyExtension::Blumenthal);
    security.with_auth(Auth::AuthPriv { cipher, privacy_password: password.as_bytes().to_vec() })
}

/// What went wrong, in words for a defect.
fn words(error: &Error) -> &'static str {
    use AuthErrorKind::{
        EngineBootsMismatch, EngineBootsNotProvided, EngineIdMismatch, EngineTimeMismatch, NotAuthenticated,
        ReplyNotEncrypted, SignatureMismatch, UsernameMismatch,
    };
    match error {
        // Whoever answered may be right and the password wrong: the two look alike.
        Error::AuthFailure(SignatureMismatch) => "answered with a signature that this SNMPv3 password does not make",
        Error::AuthFailure(NotAuthenticated) => "answered without the signature that was asked for",
        Error::AuthFailure(ReplyNotEncrypted) => "answered without the encryption that was asked for",
        Error::AuthFailure(UsernameMismatch) => "answered as another SNMPv3 user",
        Error::AuthFailure(EngineBootsNotProvided) => {
            "says that its SNMPv3 engine never started, which is not believed"
        }
        Error::AuthFailure(EngineIdMismatch) => "answered as another SNMPv3 engine",
        Error::AuthFailure(EngineBootsMismatch | EngineTimeMismatch) => {
            "does not come to terms about its engine's time"
        }
        Error::AuthFailure(_) | Error::Crypto(_) => "does not take this SNMPv3 user or its passwords",
        _ => "did not answer in valid SNMP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEHIND: [u32; 7] = [1, 3, 6, 1, 2, 1, 1];

    fn community(version: Version) -> Speech {
        Speech::Community(version, b"public".to_vec())
    }

    /// An answer of version 2c or 1 with one variable.
    fn answer(version: i32, number: i32, status: i32, value: &[u8]) -> Vec<u8> {
        let name = identifier(&[1, 3, 6, 1, 2, 1, 1, 1, 0]).expect("valid");
        let variables = sequence(&[&sequence(&[&name, value])]);
        let pdu = element(0xa2, &[integer(number), integer(status), integer(0), variables].concat());
        sequence(&[&integer(version), &octets(b"public"), &pdu])
    }

    #[test]
    fn a_request_asks_for_what_comes_behind() {
        for (version, kind, repetitions) in
            [(Version::V1, MessageType::GetNextRequest, 0), (Version::V2C, MessageType::GetBulkRequest, 20)]
        {
            let bytes = community(version).request(7, &BEHIND, 20).expect("coded");
            let pdu = Pdu::from_bytes(&bytes).expect("valid");
            assert_eq!((pdu.version(), pdu.message_type, pdu.req_id), (Ok(version), kind, 7));
            assert_eq!((pdu.community, pdu.error_status, pdu.error_index), (b"public".as_slice(), 0, repetitions));
            let names: Vec<String> = pdu.varbinds.map(|(name, _)| name.to_id_string()).collect();
            assert_eq!(names, ["1.3.6.1.2.1.1"]);
        }
    }

    #[test]
    fn a_request_of_version_3_is_authenticated_and_encrypted() {
        let auth = (SnmpAuth::Sha256, "authentication".to_owned());
        let aes = (SnmpPrivacy::Aes128, "privacy of others".to_owned());
        for privacy in [None, Some(&aes)] {
            let ready = || {
                let security = security("reader", Some(&auth), privacy).with_engine_boots_and_time(2, 100);
                security.with_engine_id(&[0x80, 0, 0, 11, 5, 1, 2]).expect("keys")
            };
            let bytes = Speech::User(Box::new(ready())).request(9, &BEHIND, 20).expect("coded");
            assert!(is_sound(&bytes));
            assert_eq!(bytes.windows(6).any(|part| part == [0x2b, 6, 1, 2, 1, 1]), privacy.is_none());
            let mut peer = ready();
            let pdu = Pdu::from_bytes_with_security(&bytes, Some(&mut peer)).expect("the signature fits");
            assert_eq!((pdu.message_type, pdu.req_id, pdu.error_index), (MessageType::GetBulkRequest, 9, 20));
            let mut wrong = Security::new(b"reader", b"another password").with_auth_protocol(AuthProtocol::Sha256);
            wrong = wrong.with_auth(Auth::AuthNoPriv).with_engine_boots_and_time(2, 100);
            let mut wrong = wrong.with_engine_id(&[0x80, 0, 0, 11, 5, 1, 2]).expect("keys");
            assert!(Pdu::from_bytes_with_security(&bytes, Some(&mut wrong)).is_err());
        }
    }

    #[test]
    fn the_question_for_the_engine_names_nobody() {
        let bytes = Speech::discovery(5);
        assert!(is_sound(&bytes));
        let mut peer = Security::new(b"", b"").with_auth(Auth::NoAuthNoPriv).with_engine_id(&NO_ENGINE).expect("none");
        let pdu = Pdu::from_bytes_with_security(&bytes, Some(&mut peer)).expect("valid");
        assert_eq!((pdu.message_type, pdu.req_id, pdu.community), (MessageType::GetRequest, 5, b"".as_slice()));
    }

    #[test]
    fn an_answer_is_believed_of_the_version_and_number_that_was_asked() {
        let number = integer(3);
        let text = [0x04, 0x03, b'i', b'n', b'k'];
        let variable = Variable { oid: "1.3.6.1.2.1.1.1.0".to_owned(), value: Value::Bytes(b"ink".to_vec()) };
        let found = Heard::Variables(vec![(vec![1, 3, 6, 1, 2, 1, 1, 1, 0], variable)]);
        let mut v2c = community(Version::V2C);
        assert_eq!(v2c.heard(&answer(1, 7, 0, &text), 7), Ok(found));
        assert_eq!(v2c.heard(&answer(1, 6, 0, &text), 7), Ok(Heard::Other));
        assert_eq!(v2c.heard(&answer(1, 7, 0, &[0x82, 0x00]), 7), Ok(Heard::End));
        assert_eq!(v2c.heard(&answer(1, 7, 5, &text), 7), Ok(Heard::Error(5)));
        assert_eq!(community(Version::V1).heard(&answer(0, 7, 2, &text), 7), Ok(Heard::End));
        for (datagram, words) in [
            (answer(0, 7, 0, &text), "another community or version"),
            (answer(1, 7, 0, &[0x1f, 0x00]), "no variable"),
            (number, "valid SNMP"),
            (Vec::new(), "valid SNMP"),
        ] {
            let error = v2c.heard(&datagram, 7).expect_err("refused");
            assert!(error.contains(words), "{error}");
        }
        let auth = (SnmpAuth::Md5, "authentication".to_owned());
        let mut v3 = Speech::User(Box::new(security("public", Some(&auth), None)));
        assert!(v3.needs_engine());
        assert!(v3.heard(&answer(1, 7, 0, &text), 7).is_err(), "an older version proves nothing");
    }

    #[test]
    fn an_engine_beyond_its_bounds_is_not_decoded() {
        let message = |engine: &[u8], time: &[u8], behind: &[u8]| {
            let user = [octets(engine), integer(1), time.to_vec(), octets(&[]), octets(&[]), octets(&[])];
            let parameters = octets(&sequence(&[&user.concat()]));
            let head = [integer(1), integer(1000), octets(&[0]), integer(USM)].concat();
            let report = element(0xa8, &[integer(1), integer(0), integer(0), sequence(&[])].concat());
            let scoped = sequence(&[&octets(engine), &octets(&[]), &report]);
            [sequence(&[&integer(3), &sequence(&[&head]), &parameters, &scoped]), behind.to_vec()].concat()
        };
        let late = [2, 8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let auth = (SnmpAuth::Sha1, "authentication".to_owned());
        for (engine, time, behind, sound) in [
            (vec![1; 32], integer(9), vec![], true),
            (vec![1; 33], integer(9), vec![], false),
            (vec![1; 40_000], integer(9), vec![], false),
            (vec![1; 8], late.to_vec(), vec![], false),
            (vec![1; 8], integer(-1), vec![], false),
            (vec![1; 8], integer(9), vec![0], false),
        ] {
            let datagram = message(&engine, &time, &behind);
            assert_eq!(is_sound(&datagram), sound, "{} {time:?} {behind:?}", engine.len());
            let mut v3 = Speech::User(Box::new(security("reader", Some(&auth), None)));
            let heard = v3.heard(&datagram, 1);
            assert_eq!(heard.is_ok(), sound, "{heard:?}");
        }
    }

    #[test]
    fn what_a_printer_does_not_take_is_told_apart() {
        let engine = [0x80, 0, 0, 11, 5, 1, 2];
        let report = |counter: u32| {
            let name = identifier(&[1, 3, 6, 1, 6, 3, 15, 1, 1, counter, 0]).expect("valid");
            let variables = sequence(&[&sequence(&[&name, &element(0x41, &[1])])]);
            v3_message(7, &engine, &element(0xa8, &[integer(0), integer(0), integer(0), variables].concat()))
        };
        let auth = (SnmpAuth::Sha256, "authentication".to_owned());
        let known = security("reader", Some(&auth), None).with_engine_boots_and_time(2, 100);
        let mut speech = Speech::User(Box::new(known.with_engine_id(&engine).expect("keys")));
        for (counter, words) in [(3, "does not know this user"), (5, "authentication password"), (6, "privacy")] {
            let error = speech.heard(&report(counter), 7).expect_err("refused");
            assert!(error.contains(words), "{counter}: {error}");
        }
        let error = speech.heard(&report(9), 7).expect_err("refused");
        assert_eq!(error, "answered without the signature that was asked for");
        for (kind, said) in [
            (AuthErrorKind::SignatureMismatch, "signature"),
            (AuthErrorKind::EngineBootsNotProvided, "never started"),
            (AuthErrorKind::UsernameMismatch, "another SNMPv3 user"),
        ] {
            assert!(words(&Error::AuthFailure(kind.clone())).contains(said), "{kind:?}");
        }
    }

    #[test]
    fn every_kind_of_value_has_its_tag() {
        for (raw, kept) in [
            (Raw::Integer(-2), Value::Integer(-2)),
            (Raw::OctetString(b"ink"), Value::Bytes(b"ink".to_vec())),
            (Raw::Null, Value::Null),
            (Raw::IpAddress([192, 0, 2, 1]), Value::Ip([192, 0, 2, 1])),
            (Raw::Counter32(1), Value::Unsigned { tag: 65, value: 1 }),
            (Raw::Unsigned32(2), Value::Unsigned { tag: 66, value: 2 }),
            (Raw::Timeticks(3), Value::Unsigned { tag: 67, value: 3 }),
            (Raw::Counter64(u64::MAX), Value::Unsigned { tag: 70, value: u64::MAX }),
        ] {
            assert_eq!(value(&raw), Some(Some(kept)), "{raw:?}");
        }
        assert_eq!(value(&Raw::EndOfMibView), Some(None));
        assert_eq!(value(&Raw::Boolean(true)), None);
    }
}

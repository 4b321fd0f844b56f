use super::{AGENT, compressed, keys, origin, schedule, signing};
use proptest::prelude::*;
use protocol::limits::{
    ALERTS_MAX, CONSENTS_MAX, MESSAGE_BYTES_MAX, MESSAGE_CHARS_MAX, PRIVACY_FIELDS_MAX, TROUBLES_MAX,
};
use protocol::message::{self, AgentKind, AlertNotice, Beat, Message, MessageError, Rotation, Said, Trouble};
use protocol::package::PrinterIdentity;
use protocol::{Hex, jwe, package, receipt};
use report::{Alert, Instant, Severity};

fn beat() -> Beat {
    Beat {
        at: Instant(1_793_466_000_000),
        version: "0.2.0".to_owned(),
        host: "pc-7".to_owned(),
        kind: AgentKind::Direct,
        settings_version: 3,
        interval_minutes: 180,
        records_waiting: 4,
        packages_waiting: 1,
        oldest_waiting: Some(Instant(1_793_465_000_000)),
        spool_bytes: 65_536,
        addresses: 14,
        printers: 2,
        failed: 1,
        paused: false,
        consents: vec!["Range 192.0.2.0/24 is not allowed here.".to_owned()],
        troubles: vec![Trouble { printer: Some("CN00A0001".to_owned()), what: "It does not answer.".to_owned() }],
        privacy: [("user-name", "drop"), ("timestamps", "minute")]
            .map(|(field, mode)| (field.to_owned(), mode.to_owned()))
            .into(),
    }
}

fn notice(text: &str) -> AlertNotice {
    let printer = PrinterIdentity { serial: "CN00A0001".to_owned(), product_number: None, product_name: None };
    let text = Some(text.to_owned());
    let alert = Alert { code: "media-jam".to_owned(), severity: Severity::Severe, text, ..Alert::default() };
    AlertNotice { printer, read_at: Instant(5), alert }
}

fn numbered(said: Said) -> Message {
    Message { number: 7, said }
}

fn messages() -> Vec<Message> {
    let rotation = Rotation::signed(AGENT, 12, &signing(3), &signing(5));
    let alerts = vec![notice("Jam in roll 1"); ALERTS_MAX];
    [Said::Beat(Box::new(beat())), Said::Alerts(alerts), Said::Rotation(rotation), Said::Leave { at: Instant(6) }]
        .map(numbered)
        .into()
}

#[test]
fn a_message_opens_at_the_other_end() {
    for message in messages() {
        let sealed = message::seal(&keys(1), &message, [4; 16]);
        assert!(sealed.len() <= MESSAGE_BYTES_MAX);
        assert_eq!(message::open(&keys(1), &sealed).expect("opens"), message);
        assert!(message::open(&schedule(1).next().keys(), &sealed).is_err());
        assert!(message::open(&keys(2), &sealed).is_err());
    }
}

#[test]
fn a_message_with_any_byte_altered_is_refused() {
    let sealed = message::seal(&keys(1), &numbered(Said::Beat(Box::new(beat()))), [4; 16]);
    for index in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[index] ^= 1;
        assert!(message::open(&keys(1), &altered).is_err(), "byte {index}");
        assert!(message::open(&keys(1), &sealed[..index]).is_err(), "cut to {index}");
    }
}

#[test]
fn a_message_never_passes_for_a_package_or_an_answer() {
    let sealed = message::seal(&keys(1), &numbered(Said::Leave { at: Instant(6) }), [4; 16]);
    assert!(package::open(&keys(1), &sealed).is_err());
    assert!(receipt::open(&keys(1), &sealed).is_err());
    let (bytes, _) = compressed(1, 1, origin());
    assert!(message::open(&keys(1), &package::seal(&keys(1), &bytes, [4; 16])).is_err());
}

/// Seals text as it stands, which [`message::seal`] never would.
fn sealed_as_it_stands(json: &str) -> Result<Message, MessageError> {
    let keys = keys(1);
    message::open(&keys, &jwe::seal(&keys.up, "plotmeter.message", &keys.id, [1; 16], json.as_bytes()))
}

#[test]
fn an_unknown_field_anywhere_in_a_message_is_refused() {
    for message in messages() {
        let json = serde_json::to_string(&message).expect("json");
        assert_eq!(sealed_as_it_stands(&json).expect("opens"), message);
        // The privacy policy is a map: its fields are not fixed, and their values are texts.
        for (at, _) in json.match_indices('{') {
            let newer = format!("{}{{\"later\":1,{}", &json[..at], &json[at + 1..]);
            assert!(sealed_as_it_stands(&newer).is_err(), "{newer}");
        }
    }
}

#[test]
fn a_message_beyond_a_limit_is_refused() {
    let with = |change: &dyn Fn(&mut Beat)| {
        let mut beat = beat();
        change(&mut beat);
        serde_json::to_string(&numbered(Said::Beat(Box::new(beat)))).expect("json")
    };
    let trouble = || Trouble { printer: None, what: String::new() };
    let beyond = [
        with(&|beat| beat.consents = vec![String::new(); CONSENTS_MAX + 1]),
        with(&|beat| beat.troubles = vec![trouble(); TROUBLES_MAX + 1]),
        with(&|beat| {
            beat.privacy = (0..=PRIVACY_FIELDS_MAX).map(|field| (field.to_string(), String::new())).collect();
        }),
        with(&|beat| beat.host = "é".repeat(MESSAGE_CHARS_MAX + 1)),
        with(&|beat| beat.consents = vec!["a\u{1b}[31mb".to_owned()]),
        serde_json::to_string(&numbered(Said::Alerts(vec![notice("x"); ALERTS_MAX + 1]))).expect("json"),
        serde_json::to_string(&numbered(Said::Alerts(vec![notice(&"x".repeat(201))]))).expect("json"),
    ];
    for json in beyond {
        assert!(matches!(sealed_as_it_stands(&json), Err(MessageError::Limit(_))), "{json}");
    }
    assert!(sealed_as_it_stands(&with(&|beat| beat.host = "é".repeat(MESSAGE_CHARS_MAX))).is_ok());
    let huge = with(&|beat| beat.host = "x".repeat(MESSAGE_BYTES_MAX));
    assert!(matches!(sealed_as_it_stands(&huge), Err(MessageError::TooLarge)));
}

#[test]
fn whatever_a_beat_or_an_alert_says_it_gets_through() {
    // Quotes double in JSON, and others take four bytes.
    for character in ["\"", "\u{1f5a8}", "\n", "x"] {
        let long = character.repeat(5_000);
        let trouble = Trouble { printer: Some(long.clone()), what: long.clone() };
        let hostile = Beat {
            version: long.clone(),
            host: long.clone(),
            consents: vec![long.clone(); 500],
            troubles: vec![trouble; 500],
            privacy: (0..500).map(|field| (format!("{field}{long}"), long.clone())).collect(),
            ..beat()
        };
        let mut alert = notice(&long);
        alert.printer.product_name = Some(long.clone());
        alert.alert.code = long.clone();
        alert.alert.part = Some(long);
        for said in [Said::Beat(Box::new(hostile)), Said::Alerts(vec![alert; ALERTS_MAX])] {
            let opened = message::open(&keys(1), &message::seal(&keys(1), &numbered(said), [4; 16])).expect("opens");
            match opened.said {
                Said::Beat(beat) => {
                    assert_eq!((beat.consents.len(), beat.troubles.len()), (CONSENTS_MAX, TROUBLES_MAX));
                    assert_eq!(beat.consents.last().map(String::as_str), Some("437 more"));
                }
                Said::Alerts(notices) => assert_eq!(notices.len(), ALERTS_MAX),
                Said::Rotation(_) | Said::Leave { .. } => panic!("not what was said"),
            }
        }
    }
}

#[test]
fn a_rotation_needs_both_signatures_for_this_agent_and_package() {
    let (old, new, other) = (signing(3), signing(5), signing(6));
    let rotation = Rotation::signed(AGENT, 12, &old, &new);
    let authentic = |rotation: &Rotation| rotation.is_authentic(AGENT, &old.verifying_key());
    assert!(authentic(&rotation));
    assert!(!rotation.is_authentic("agent-2", &old.verifying_key()));
    assert!(!rotation.is_authentic(AGENT, &other.verifying_key()));
    assert!(!authentic(&Rotation { from: 13, ..rotation }));
    assert!(!authentic(&Rotation { by_old: rotation.by_new, ..rotation }));
    assert!(!authentic(&Rotation { by_new: rotation.by_old, ..rotation }));
    let by_stranger = Rotation::signed(AGENT, 12, &other, &new);
    assert!(!authentic(&by_stranger));
    assert!(!authentic(&Rotation { by_old: by_stranger.by_old, ..rotation }));
    // The point of order 1 is no key that anybody holds.
    let mut weak = [0; 32];
    weak[0] = 1;
    assert!(!authentic(&Rotation { key: Hex(weak), ..rotation }));
}

#[test]
fn the_kinds_of_agent_read_and_write_alike() {
    for kind in AgentKind::ALL {
        assert_eq!(AgentKind::parse(kind.word()), Some(kind));
        assert_eq!(serde_json::to_string(&kind).expect("json"), format!("\"{}\"", kind.word()));
    }
    assert_eq!(AgentKind::parse("printer"), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_message(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(message::open(&keys(1), &bytes).is_err());
    }
}

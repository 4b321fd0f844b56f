use super::AGENT;
use proptest::prelude::*;
use protocol::enrol::{self, EnrolmentFile, FactoryFile, Hello, Initiator, Responder, Shared, Way, Welcome};
use protocol::message::AgentKind;
use protocol::{Hex, Schedule};
use report::Instant;
use std::collections::BTreeSet;

const PORTAL_STATIC: [u8; 32] = [11; 32];
const CODE: Hex<32> = Hex([21; 32]);
const BY_CODE: Way<'static> = Way::Code { enrolment: "e-1", code: &CODE };
const BY_COMPARISON: Way<'static> = Way::Compare { session: "s-1" };
const BY_FACTORY: Way<'static> = Way::Factory { label: "f-1", secret: &CODE };

fn portal_key() -> Hex<32> {
    enrol::public_key(&PORTAL_STATIC)
}

fn hello() -> Hello {
    Hello {
        evidence_key: Hex([1; 32]),
        host: "pc-7".to_owned(),
        version: "0.1.0".to_owned(),
        kind: AgentKind::Collector,
        printer: None,
        nonce: None,
    }
}

fn welcome() -> Welcome {
    Welcome {
        agent: AGENT.to_owned(),
        reseller: "Nordplan".to_owned(),
        customer: "Kessler".to_owned(),
        receipt_key: Hex([2; 32]),
    }
}

/// A whole handshake: what each end has after it, and all that travelled.
fn handshake(way: Way<'_>, hello: &Hello) -> (Shared, Shared, Vec<u8>) {
    let (initiator, first) = Initiator::start(way, &portal_key(), hello, [1; 32]).expect("starts");
    let (responder, said) = Responder::read(way, &PORTAL_STATIC, [2; 32], &first).expect("reads");
    assert_eq!(said, *hello);
    let (second, portal) = responder.answer(&welcome()).expect("answers");
    let (answered, agent) = initiator.finish(&second).expect("finishes");
    assert_eq!(answered, welcome());
    (agent, portal, [first, second].concat())
}

#[test]
fn both_ends_of_an_enrolment_derive_one_secret_that_never_travels() {
    for way in [BY_CODE, BY_COMPARISON, BY_FACTORY] {
        let (agent, portal, wire) = handshake(way, &hello());
        assert_eq!(agent.secret.expose(), portal.secret.expose());
        assert_eq!(agent.transcript, portal.transcript);
        let schedule = Schedule::new(&agent.secret, "portal-1", AGENT, &agent.transcript);
        let (keys, next) = (schedule.keys(), schedule.next());
        let next_keys = next.keys();
        let derived = keys.all().into_iter().chain(next_keys.all()).map(|(name, key)| (name, *key.expose()));
        let secrets = [("secret", *agent.secret.expose()), ("next secret", *next.secret().expose()), ("code", CODE.0)];
        for (name, secret) in derived.chain(secrets) {
            let reversed: Vec<u8> = secret.iter().rev().copied().collect();
            for form in [secret.to_vec(), reversed, Hex(secret).to_string().into_bytes()] {
                assert!(!wire.windows(form.len()).any(|window| window == form), "{name} is on the wire");
            }
        }
    }
}

#[test]
fn the_ways_cannot_be_told_for_one_another() {
    let same = Way::Factory { label: "e-1", secret: &CODE };
    let compare = Way::Compare { session: "e-1" };
    let headers = [BY_CODE, same, compare].map(|way| way.header());
    assert_eq!(headers, ["e-1", "factory:e-1", "compare:e-1"]);
    for begun in [BY_CODE, same, compare] {
        let (_, first) = Initiator::start(begun, &portal_key(), &hello(), [1; 32]).expect("starts");
        for read in [BY_CODE, same, compare] {
            let opens = Responder::read(read, &PORTAL_STATIC, [2; 32], &first).is_ok();
            assert_eq!(opens, begun.header() == read.header(), "{} as {}", begun.header(), read.header());
        }
    }
}

#[test]
fn an_enrolment_with_another_code_key_or_id_fails() {
    let other = Hex([22; 32]);
    let read = |way: Way<'_>, portal_key: Hex<32>, as_way: Way<'_>| {
        let (_, first) = Initiator::start(way, &portal_key, &hello(), [1; 32]).expect("starts");
        Responder::read(as_way, &PORTAL_STATIC, [2; 32], &first).is_ok()
    };
    assert!(read(BY_CODE, portal_key(), BY_CODE));
    assert!(!read(Way::Code { enrolment: "e-1", code: &other }, portal_key(), BY_CODE));
    assert!(!read(BY_CODE, enrol::public_key(&[12; 32]), BY_CODE));
    assert!(!read(BY_CODE, portal_key(), Way::Code { enrolment: "e-2", code: &CODE }));
    assert!(read(BY_FACTORY, portal_key(), BY_FACTORY));
    assert!(!read(Way::Factory { label: "f-1", secret: &other }, portal_key(), BY_FACTORY));
    assert!(read(BY_COMPARISON, portal_key(), BY_COMPARISON));
    assert!(!read(BY_COMPARISON, portal_key(), Way::Compare { session: "s-2" }));
    assert!(!read(BY_COMPARISON, enrol::public_key(&[12; 32]), BY_COMPARISON));
}

#[test]
fn an_altered_handshake_fails_at_the_end_that_reads_it() {
    for way in [BY_CODE, BY_COMPARISON, BY_FACTORY] {
        let (_, first) = Initiator::start(way, &portal_key(), &hello(), [1; 32]).expect("starts");
        for index in 0..first.len() {
            let mut altered = first.clone();
            altered[index] ^= 1;
            assert!(Responder::read(way, &PORTAL_STATIC, [2; 32], &altered).is_err(), "byte {index}");
        }
        let (responder, _) = Responder::read(way, &PORTAL_STATIC, [2; 32], &first).expect("reads");
        let (mut second, _) = responder.answer(&welcome()).expect("answers");
        let last = second.len() - 1;
        second[last] ^= 1;
        let (initiator, _) = Initiator::start(way, &portal_key(), &hello(), [1; 32]).expect("starts");
        assert!(initiator.finish(&second).is_err());
    }
}

#[test]
fn both_ends_of_a_comparison_show_the_same_six_digits() {
    let (agent_nonce, portal_nonce) = (Hex([41; 16]), Hex([51; 16]));
    let hello = Hello { nonce: Some(agent_nonce), ..hello() };
    let committed = enrol::commitment(&agent_nonce, &hello.evidence_key);
    // The portal sees what it was committed to only now.
    let (_, first) = Initiator::start(BY_COMPARISON, &portal_key(), &hello, [1; 32]).expect("starts");
    let (_, said) = Responder::read(BY_COMPARISON, &PORTAL_STATIC, [2; 32], &first).expect("reads");
    let told = said.nonce.expect("a nonce");
    assert_eq!(enrol::commitment(&told, &said.evidence_key), committed);
    let panel = enrol::digits(&portal_key(), &hello.evidence_key, &agent_nonce, &portal_nonce);
    let page = enrol::digits(&portal_key(), &said.evidence_key, &told, &portal_nonce);
    assert_eq!(panel, page);
    assert!(panel.len() == 6 && panel.bytes().all(|byte| byte.is_ascii_digit()));
}

#[test]
fn somebody_in_between_with_a_key_of_their_own_gets_other_digits() {
    let own_static = [66; 32];
    let own_key = enrol::public_key(&own_static);
    let (agent_nonce, portal_nonce) = (Hex([41; 16]), Hex([51; 16]));
    let honest = Hello { nonce: Some(agent_nonce), ..hello() };
    // The agent was given their key, so that they read what it says.
    let (_, first) = Initiator::start(BY_COMPARISON, &own_key, &honest, [1; 32]).expect("starts");
    let (_, read) = Responder::read(BY_COMPARISON, &own_static, [2; 32], &first).expect("they can read it");
    assert!(Responder::read(BY_COMPARISON, &PORTAL_STATIC, [2; 32], &first).is_err());
    let panel = enrol::digits(&own_key, &honest.evidence_key, &agent_nonce, &portal_nonce);
    // They pass on everything as it is, but for the key that they had to exchange.
    let (_, passed_on) = Initiator::start(BY_COMPARISON, &portal_key(), &read, [3; 32]).expect("starts");
    let (_, said) = Responder::read(BY_COMPARISON, &PORTAL_STATIC, [2; 32], &passed_on).expect("reads");
    let told = said.nonce.expect("a nonce");
    assert_ne!(enrol::digits(&portal_key(), &said.evidence_key, &told, &portal_nonce), panel);
    // Or they put a key and nonce of their own in its place, committed to before the portal's nonce came.
    let (own_evidence, own_nonce) = (Hex([67; 32]), Hex([68; 16]));
    assert_ne!(enrol::digits(&portal_key(), &own_evidence, &own_nonce, &portal_nonce), panel);
    // What they learnt too late does not fit what they committed themselves to.
    let early = enrol::commitment(&own_nonce, &own_evidence);
    assert_ne!(enrol::commitment(&agent_nonce, &own_evidence), early);
}

#[test]
fn the_digits_change_with_each_byte_of_their_inputs() {
    fn part<const N: usize>(inputs: &[u8], from: usize) -> Hex<N> {
        Hex(std::array::from_fn(|index| inputs[from + index]))
    }
    let digits =
        |inputs: &[u8]| enrol::digits(&part(inputs, 0), &part(inputs, 32), &part(inputs, 64), &part(inputs, 80));
    let inputs = [vec![0x31; 32], vec![0x01; 32], vec![0x41; 16], vec![0x51; 16]].concat();
    // These inputs are fixed, so that the one chance in a million is not met on some later day.
    let mut seen = BTreeSet::from([digits(&inputs)]);
    for at in 0..inputs.len() {
        let mut altered = inputs.clone();
        altered[at] ^= 1;
        assert!(seen.insert(digits(&altered)), "byte {at}");
    }
}

#[test]
fn an_announced_name_has_one_label_however_it_is_typed() {
    for typed in ["CN00A0001", " cn00a0001 ", "Cn00A0001\n"] {
        assert_eq!(enrol::label(typed), enrol::label("CN00A0001"), "{typed}");
    }
    for other in ["CN00A0002", "CN00 A0001", ""] {
        assert_ne!(enrol::label(other), enrol::label("CN00A0001"), "{other}");
    }
}

#[test]
fn a_factory_label_tells_secrets_apart_and_gives_none_away() {
    let label = enrol::factory_label(&CODE);
    assert!(label.parse::<Hex<8>>().is_ok());
    assert_ne!(label, enrol::factory_label(&Hex([22; 32])));
    let file = FactoryFile {
        plotmeter_factory: 1,
        portal: "https://portal.example".to_owned(),
        portal_id: "portal-1".to_owned(),
        portal_key: portal_key(),
        serial: "CN00A0001".to_owned(),
        secret: CODE,
        portal_ca: None,
    };
    assert!(!format!("{file:?}").contains(&CODE.to_string()));
    let json = serde_json::to_string(&file).expect("json");
    assert_eq!(serde_json::from_str::<FactoryFile>(&json).expect("the same"), file);
}

#[test]
fn a_file_with_an_unknown_field_is_refused() {
    let file = EnrolmentFile {
        plotmeter_enrolment: 1,
        portal: "https://portal.example".to_owned(),
        enrolment: "e-1".to_owned(),
        code: CODE,
        portal_key: portal_key(),
        portal_id: "portal-1".to_owned(),
        reseller: "Nordplan".to_owned(),
        customer: "Kessler".to_owned(),
        expires_at: Instant(0),
        portal_ca: None,
    };
    let json = serde_json::to_string(&file).expect("json");
    assert_eq!(serde_json::from_str::<EnrolmentFile>(&json).expect("the same"), file);
    assert!(serde_json::from_str::<EnrolmentFile>(&json.replacen('{', "{\"later\":1,", 1)).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_handshake(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for way in [BY_CODE, BY_COMPARISON, BY_FACTORY] {
            prop_assert!(Responder::read(way, &PORTAL_STATIC, [2; 32], &bytes).is_err());
        }
    }
}

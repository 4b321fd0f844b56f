use super::{AGENT, compressed, keys, origin, signing};
use proptest::prelude::*;
use protocol::receipt::{self, Answer, Duty, Problem, Receipt, Settings, SignedRefusal, Standing};
use protocol::{Hex, package};
use report::Instant;

fn a_receipt() -> Receipt {
    let receipt = Receipt {
        agent: AGENT.to_owned(),
        sequence: 1,
        digest: Hex([1; 32]),
        last: 4,
        head: Hex([2; 32]),
        accepted_at: Instant(5),
        signature: Hex([0; 64]),
    };
    receipt.signed(&signing(8))
}

fn answers() -> Vec<Answer> {
    let settings = Settings { version: 3, ranges: vec!["192.0.2.0/28".to_owned()], ..Settings::default() };
    let stand_by = Duty::StandBy { holder: "pc-7".to_owned(), until: Instant(9) };
    let standing = Standing { next_sequence: 2, next_record: 5, head: Hex([2; 32]), next_message: 1 };
    let (reseller, customer) = ("Nordplan".to_owned(), "Kessler".to_owned());
    vec![
        Answer::Accepted { receipt: a_receipt(), settings: None, wanted: Vec::new(), duty: Duty::Read },
        Answer::Accepted {
            receipt: a_receipt(),
            settings: Some(settings.clone()),
            wanted: vec![Hex([3; 32])],
            duty: stand_by.clone(),
        },
        Answer::Enrolled { settings: settings.clone(), reseller, customer },
        Answer::Heard { at: Instant(7), settings: Some(settings), standing: standing.clone(), duty: stand_by },
        Answer::Heard { at: Instant(7), settings: None, standing, duty: Duty::Read },
        Answer::Refused(Problem::new(409, "order", "Package 3 is expected.").with_detail("Send it first.")),
    ]
}

#[test]
fn a_receipt_is_authentic_only_with_the_portal_s_key_and_unchanged() {
    let (key, receipt) = (signing(8).verifying_key(), a_receipt());
    assert!(receipt.is_authentic(&key));
    let altered = [
        Receipt { agent: "agent-2".to_owned(), ..receipt.clone() },
        Receipt { sequence: 2, ..receipt.clone() },
        Receipt { digest: Hex([2; 32]), ..receipt.clone() },
        Receipt { last: 5, ..receipt.clone() },
        Receipt { head: Hex([1; 32]), ..receipt.clone() },
        Receipt { accepted_at: Instant(6), ..receipt.clone() },
    ];
    for altered in altered {
        assert!(!altered.is_authentic(&key), "{altered:?}");
    }
    assert!(!receipt.is_authentic(&signing(9).verifying_key()));
}

#[test]
fn two_receipts_never_have_one_mark() {
    let receipt = a_receipt();
    let later = Receipt { accepted_at: Instant(6), ..receipt.clone() }.signed(&signing(8));
    assert_eq!(receipt.mark(), receipt.clone().signed(&signing(8)).mark());
    assert_ne!(receipt.mark(), later.mark());
}

#[test]
fn an_answer_opens_with_the_agent_s_keys_only() {
    for answer in answers() {
        let sealed = receipt::seal(&keys(1), &answer, [4; 16]);
        assert_eq!(receipt::open(&keys(1), &sealed).expect("opens"), answer);
        assert!(receipt::open(&keys(2), &sealed).is_err());
    }
    // What the agent sealed for the portal never passes for an answer.
    let (bytes, _) = compressed(1, 1, origin());
    assert!(receipt::open(&keys(1), &package::seal(&keys(1), &bytes, [4; 16])).is_err());
}

#[test]
fn answers_of_a_newer_portal_are_understood() {
    for answer in answers() {
        let json = serde_json::to_string(&answer).expect("json");
        // A field more in each object, the one that names the kind of answer excepted.
        let newer = json.replace('{', "{\"later\":[1],").replacen("{\"later\":[1],", "{", 1);
        assert_ne!(newer, json);
        // Where the key of an enum stands alone, nothing can be added beside it.
        let newer = newer.replace("{\"later\":[1],\"listed\"", "{\"listed\"");
        let newer = newer.replace("{\"later\":[1],\"stand-by\"", "{\"stand-by\"");
        assert_eq!(serde_json::from_str::<Answer>(&newer).expect("unknown fields are passed over"), answer, "{newer}");
    }
}

#[test]
fn settings_at_all_their_limits_fit_an_answer() {
    use protocol::limits::{ANSWER_BYTES_MAX, PARTICIPANTS_MAX, RANGE_CHARS_MAX, RANGES_MAX};
    let ranges = vec!["1".repeat(RANGE_CHARS_MAX); RANGES_MAX];
    let serials = (0..PARTICIPANTS_MAX).map(|number| format!("SN-OF-A-PRINTER-{number:08}")).collect();
    let settings = Settings {
        ranges: ranges.clone(),
        excluded: ranges,
        participation: receipt::Participation::Listed(serials),
        ..Settings::default()
    };
    assert!(settings.within_limits());
    let answer = Answer::Accepted {
        receipt: a_receipt(),
        settings: Some(settings),
        wanted: vec![Hex([3; 32]); 64],
        duty: Duty::Read,
    };
    assert!(receipt::seal(&keys(1), &answer, [4; 16]).len() <= ANSWER_BYTES_MAX);
}

#[test]
fn a_refusal_without_keys_is_believed_only_when_pinned_key_and_request_fit() {
    // The key id stands in the first header, so that one signature under another key id is another request.
    let (input, signature) = ("plotmeter=(\"@method\");keyid=\"agent-1.7\"", "plotmeter=:c2lnbmF0dXJl:");
    let request = &format!("{input}\n{signature}");
    let relabelled = format!("{}\n{signature}", input.replace("agent-1.7", "agent-1.0"));
    let key = signing(8);
    let problem = Problem::new(403, "behind", "The keys are older than the portal's.").with_detail("Enrol again.");
    let refusal = SignedRefusal::signed(problem.clone(), request, Instant(5), &key);
    let parsed: SignedRefusal =
        serde_json::from_str(&serde_json::to_string(&refusal).expect("json")).expect("the same");
    assert!(parsed.is_authentic(request, &key.verifying_key()));
    assert!(!parsed.is_authentic(&relabelled, &key.verifying_key()));
    assert!(!parsed.is_authentic(signature, &key.verifying_key()), "the signature alone is not the request");
    assert!(!parsed.is_authentic(request, &signing(9).verifying_key()));
    let with = |problem: Problem| SignedRefusal { problem, ..refusal.clone() };
    let altered = [
        with(Problem { kind: "https://plotmeter.dev/problems/order".to_owned(), ..problem.clone() }),
        with(Problem { title: "Delete everything.".to_owned(), ..problem.clone() }),
        with(Problem { status: 409, ..problem.clone() }),
        with(Problem { detail: None, ..problem.clone() }),
        with(Problem { expected_sequence: Some(1), ..problem }),
        SignedRefusal { at: Instant(6), ..refusal.clone() },
        SignedRefusal { request: relabelled, ..refusal },
    ];
    for altered in altered {
        assert!(!altered.is_authentic(&altered.request, &key.verifying_key()), "{altered:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(receipt::open(&keys(1), &bytes).is_err());
    }
}

//! Ingest: each package once, in order, unaltered; nothing else leaves a trace.

use crate::world::{World, both, minutes, pack, problem, receipt, report};
use protocol::limits::{PLAIN_BYTES_MAX, RATIO_MAX, SEALED_BYTES_MAX};
use protocol::receipt::Answer;
use protocol::sender::{Handshake, Sender};
use protocol::signature::SignatureHeaders;
use protocol::{Hex, PACKAGES_PATH, package};
use report::Instant;
use report::sample::Rng;

both! {
    a_package_is_kept_once_and_its_receipt_never_changes => once;
    a_lost_answer_or_another_order_loses_nothing => order;
    two_packages_under_one_number_stop_the_agent => fork;
    what_is_not_authentic_writes_nothing => unauthentic;
    ten_thousand_altered_replayed_and_reordered_packages_bill_nothing_twice => ten_thousand;
    an_enrolment_works_once_and_only_with_its_code => enrolment;
    a_reading_of_an_absurd_amount_is_kept_and_counted_nowhere => absurd;
}

const FACTS: &str =
    "select (select count(*) from package) + (select count(*) from job) + (select count(*) from reading)";

async fn once(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let compressed = pack(&mut sender, &report(1, minutes(10), &[minutes(1), minutes(2)]), &world.surroundings);
    let first = receipt(world.upload(&sender, &compressed).await);
    let facts = world.count(FACTS).await;
    assert_eq!(world.count("select count(*) from job").await, 2);
    world.set_now(Instant(crate::world::NOW.0 + 1_000_000));
    let again = receipt(world.upload(&sender, &compressed).await);
    assert_eq!(first, again);
    assert_eq!(world.count(FACTS).await, facts);
}

async fn order(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let first = pack(&mut sender, &report(1, minutes(10), &[minutes(1)]), &world.surroundings);
    let second = pack(&mut sender, &report(1, minutes(20), &[minutes(12)]), &world.surroundings);
    let Answer::Refused(early) = world.upload(&sender, &second).await else { panic!("taken out of order") };
    assert_eq!(early.expected_sequence, Some(1));
    assert_eq!(world.count(FACTS).await, 0);
    receipt(world.upload(&sender, &first).await);
    receipt(world.upload(&sender, &second).await);
    receipt(world.upload(&sender, &first).await);
    assert_eq!(world.count("select count(*) from job").await, 2);
}

async fn fork(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut copy: Sender = sender.clone();
    world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await;
    let forked = world.report(&mut copy, &report(2, minutes(10), &[minutes(1)])).await;
    assert_eq!(problem(forked), "fork");
    assert_eq!(world.count("select count(*) from job").await, 1);
    assert_eq!(world.count("select count(*) from package_fork").await, 1);
    let after = world.report(&mut sender, &report(1, minutes(20), &[minutes(12)])).await;
    assert_eq!(problem(after), "fork");
    assert_eq!(world.count("select count(*) from job").await, 1);
    assert_eq!(world.count("select count(*) from agent_event where kind = 'fork'").await, 1);
}

async fn unauthentic(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut stranger = world.agent(&tenant).await;
    let compressed = pack(&mut sender, &report(1, minutes(10), &[minutes(1)]), &world.surroundings);
    let right = sender.upload(&compressed, "key", &world.surroundings);
    let mut refused = Vec::new();
    // Another agent's keys, under this agent's name.
    stranger.keys.id = sender.keys.id.clone();
    refused.push(("other keys", stranger.upload(&compressed, "key", &world.surroundings)));
    let mut unsigned = sender.upload(&compressed, "key", &world.surroundings);
    unsigned.headers[4].1 = String::new();
    refused.push(("no signature", unsigned));
    let mut other_key = sender.upload(&compressed, "key", &world.surroundings);
    other_key.headers[1].1 = "another".to_owned();
    refused.push(("another idempotency key", other_key));
    let mut altered = sender.upload(&compressed, "key", &world.surroundings);
    let middle = altered.body.len() / 2;
    altered.body[middle] ^= 1;
    refused.push(("altered body", altered));
    let mut cut = sender.upload(&compressed, "key", &world.surroundings);
    cut.body.truncate(middle);
    refused.push(("cut body", cut));
    for (what, request) in &refused {
        let (status, headers, body) = world.post(PACKAGES_PATH, request).await;
        assert_eq!(status, 401, "{what}");
        assert_eq!(
            headers,
            SignatureHeaders {
                content_digest: String::new(),
                signature_input: String::new(),
                signature: String::new()
            }
        );
        let text = String::from_utf8(body).expect("a problem");
        assert!(text.contains("problems/signature"), "{what}: {text}");
    }
    let long = sender.request(PACKAGES_PATH, "key", vec![0; 200_000], &world.surroundings);
    assert_eq!(world.post(PACKAGES_PATH, &long).await.0, 413);
    // Authentic, and still wrong: two bombs, another version, a number that was not signed, no package.
    for bomb in bombs() {
        assert_eq!(problem(world.upload(&sender, &bomb).await), "compression");
    }
    let json = String::from_utf8(package::decompress(&compressed).expect("ours")).expect("text");
    let version = zstd_of(json.replace("plotmeter.package/1", "plotmeter.package/9").as_bytes());
    assert_eq!(problem(world.upload(&sender, &version).await), "schema");
    let forged = zstd_of(json.replace("\"sequence\":1", "\"sequence\":2").as_bytes());
    assert_eq!(problem(world.upload(&sender, &forged).await), "evidence");
    let garbage = zstd_of(b"not a package");
    assert_eq!(problem(world.upload(&sender, &garbage).await), "form");
    assert_eq!(world.count(FACTS).await, 0);
    assert_eq!(world.post(PACKAGES_PATH, &right).await.0, 200);
}

/// One that grows too many times, but not too large; and one that grows too large, but not too many times.
fn bombs() -> [Vec<u8>; 2] {
    let steep = vec![b' '; 3_000_000];
    let mut rng = Rng::new(9);
    let mut large: Vec<u8> = (0..7_500).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
    large.resize(5_000_000, 0);
    let packed = [zstd_of(&steep), zstd_of(&large)];
    assert!(steep.len() <= PLAIN_BYTES_MAX && steep.len() > packed[0].len() * RATIO_MAX);
    assert!(large.len() > PLAIN_BYTES_MAX && large.len() <= packed[1].len() * RATIO_MAX);
    // Sealing adds less than 512 bytes, so both fit the wire.
    assert!(packed.iter().all(|bomb| bomb.len() + 512 <= SEALED_BYTES_MAX), "{} bytes", packed[1].len());
    packed
}

/// Compressed the way a package is.
fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).expect("compresses")
}

async fn ten_thousand(world: World) {
    const PACKAGES: usize = 40;
    const ATTACKS: usize = 10_000;
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut packed = Vec::new();
    for index in 0..PACKAGES {
        let at = |minute| minutes(i64::try_from(index).expect("small") * 30 + minute);
        packed.push(pack(&mut sender, &report(1, at(29), &[at(1), at(2)]), &world.surroundings));
    }
    let mut rng = Rng::new(42);
    let mut pick =
        |count: usize| usize::try_from(rng.next_u64() % u64::try_from(count).expect("small")).expect("small");
    let (mut next, mut altered_taken, mut reordered_taken) = (0, 0, 0);
    for attack in 0..ATTACKS {
        // A right one now and then, so that the others meet every state of the chain.
        if attack % (ATTACKS / PACKAGES) == 0 {
            receipt(world.upload(&sender, &packed[next]).await);
            next += 1;
        }
        match attack % 3 {
            0 => {
                let index = pick(PACKAGES);
                let mut request = sender.upload(&packed[index], "key", &world.surroundings);
                let byte = pick(request.body.len());
                request.body[byte] ^= 1 << pick(8);
                altered_taken += usize::from(world.post(PACKAGES_PATH, &request).await.0 == 200);
            }
            1 => drop(receipt(world.upload(&sender, &packed[pick(next)]).await)),
            _ if next + 1 < PACKAGES => {
                let later = next + 1 + pick(PACKAGES - next - 1);
                let answer = world.upload(&sender, &packed[later]).await;
                reordered_taken += usize::from(matches!(answer, Answer::Accepted { .. }));
            }
            _ => drop(receipt(world.upload(&sender, &packed[pick(next)]).await)),
        }
    }
    assert_eq!((altered_taken, reordered_taken, next), (0, 0, PACKAGES));
    assert_eq!(world.count("select count(*) from package").await, 40);
    assert_eq!(world.count("select count(*) from job").await, 80);
    let counted = world.count("select cast(sum(quantity) as bigint) from usage where meter = 'jobs'").await;
    assert_eq!(counted, 80);
}

async fn enrolment(world: World) {
    let tenant = world.tenant("a").await;
    let file = world.enrolment(&tenant).await;
    let wrong = protocol::enrol::EnrolmentFile { code: Hex([1; 32]), ..file.clone() };
    let (_, message) = Handshake::start(&wrong, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&wrong, message).await.0, 403);
    // Not confirmed: nothing is taken.
    let (handshake, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    let (status, body) = world.handshake(&file, message).await;
    assert_eq!(status, 200);
    let (_, mut pending) = handshake.finish(&body).expect("answered");
    let answer = world.report(&mut pending, &report(1, minutes(10), &[minutes(1)])).await;
    assert_eq!(problem(answer), "unconfirmed");
    // Repeated before its confirmation it replaces itself; afterwards the code is burned.
    let (handshake, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    let (_, body) = world.handshake(&file, message).await;
    let (_, sender) = handshake.finish(&body).expect("answered");
    for _ in 0..2 {
        assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    }
    let (_, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&file, message).await.0, 403);
    let late = world.enrolment(&tenant).await;
    world.set_now(Instant(late.expires_at.0 + 1));
    let (_, message) = Handshake::start(&late, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&late, message).await.0, 403);
}

async fn absurd(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut odd = report(1, minutes(10), &[minutes(1)]);
    for category in odd.jobs[0].0.print.iter_mut().flat_map(|print| &mut print.categories) {
        category.printed_area = Some(report::Area(i64::MAX));
    }
    odd.usage.pages = Some(-5);
    for round in 0..3 {
        let mut report = odd.clone();
        report.read_at = minutes(10 + round);
        if let Some(print) = &mut report.jobs[0].0.print {
            print.printed_at = Some(minutes(round));
        }
        receipt(world.report(&mut sender, &report).await);
    }
    assert_eq!(world.count("select count(*) from job where defects > 0").await, 3);
    assert_eq!(world.count("select count(*) from usage where meter like 'area-printed%'").await, 0);
    assert_eq!(world.count("select count(*) from reading where meter = 'pages'").await, 0);
}

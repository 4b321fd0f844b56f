//! The ways of enrolment: by comparing digits, by a factory secret, and files that are not good any more.

use crate::world::{NOW, PLAIN, Tenant, World, both, minutes, pack_in, problem, receipt, report};
use portal::setup;
use protocol::enrol::{self, CompareAnswer, CompareRequest, Hello, Way};
use protocol::message::AgentKind;
use protocol::package::{Manner, PrinterIdentity};
use protocol::receipt::Answer;
use protocol::sender::{At, Handshake, Sender};
use protocol::{COMPARE_PATH, Hex, SigningKey};
use report::Instant;

both! {
    a_printer_is_enrolled_by_its_six_digits => comparison;
    a_comparison_ends_with_one_wrong_try_or_a_quarter_of_an_hour => comparison_ends;
    a_comparison_is_opened_once_an_announcement_and_by_nobody_else => announced_once;
    no_reseller_ends_what_another_one_announced => two_announce;
    a_factory_secret_enrols_once_a_claim => factory;
    a_claim_is_withdrawn_unless_its_agent_is_at_work => withdrawn;
    a_file_enrols_nobody_after_its_agent_was_revoked => revoked_pending;
    a_cancelled_file_enrols_nobody => cancelled;
}

fn printer(serial: &str) -> PrinterIdentity {
    PrinterIdentity { serial: serial.to_owned(), product_number: None, product_name: Some("T930".to_owned()) }
}

fn hello(evidence: &SigningKey, serial: &str, nonce: Option<Hex<16>>) -> Hello {
    Hello {
        evidence_key: Hex(*evidence.verifying_key().as_bytes()),
        host: "panel".to_owned(),
        version: "1.0.0".to_owned(),
        kind: AgentKind::Firmware,
        printer: Some(printer(serial)),
        nonce,
    }
}

/// Announces a printer for a tenant's customer.
async fn announce(world: &World, tenant: &Tenant, serial: &'static str) {
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    world.setup(move |portal| setup::announce(portal, &reseller, customer, serial).expect("announced")).await;
}

/// A printer that was announced and asks for a comparison: its agent and the digits on its panel.
async fn compare(world: &World, tenant: &Tenant, serial: &'static str) -> (Sender, String) {
    announce(world, tenant, serial).await;
    ask(world, serial, serial, false).await.expect("met")
}

/// A printer that asks for a comparison under the name `named`. With `other`, it opens its commitment with
/// another nonce. The error is the status and the answer.
async fn ask(world: &World, named: &str, serial: &str, other: bool) -> Result<(Sender, String), (u16, String)> {
    let evidence = SigningKey::from_bytes(&world.surroundings.random());
    let (nonce, key) = (Hex(world.surroundings.random()), Hex(*evidence.verifying_key().as_bytes()));
    let asked = CompareRequest { commitment: enrol::commitment(&nonce, &key), label: enrol::label(named) };
    let response = reqwest::Client::new()
        .post(format!("{}{COMPARE_PATH}", world.agents))
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&asked).expect("serialises"))
        .send()
        .await
        .expect("answered");
    let (status, body) = (response.status().as_u16(), response.bytes().await.expect("a body"));
    if status != 200 {
        return Err((status, String::from_utf8_lossy(&body).into_owned()));
    }
    let answer: CompareAnswer = serde_json::from_slice(&body).expect("a session");
    let shown = enrol::digits(&answer.portal_key, &key, &nonce, &answer.nonce);
    let told = if other { Hex([1; 16]) } else { nonce };
    let at = At {
        authority: world.agents.trim_start_matches("http://"),
        portal_id: &answer.portal_id,
        portal_key: &answer.portal_key,
    };
    let (way, hello) = (Way::Compare { session: &answer.session }, hello(&evidence, serial, Some(told)));
    let (handshake, message) = Handshake::start_by(way, at, &hello, evidence, &world.surroundings).expect("starts");
    let (status, body) = world.shake(&way.header(), message).await;
    if status != 200 {
        return Err((status, String::from_utf8_lossy(&body).into_owned()));
    }
    let (welcome, sender) = handshake.finish(&body).expect("the portal's answer");
    assert_eq!((welcome.reseller.as_str(), welcome.customer.as_str()), ("", ""));
    Ok((sender, shown))
}

/// Digits that are not these.
fn wrong(digits: &str) -> &'static str {
    if digits == "000000" { "000001" } else { "000000" }
}

/// Types digits; gives the agent's id, else the word for why not.
async fn approve(world: &World, tenant: &Tenant, customer: i64, serial: &str, digits: &str) -> Result<String, String> {
    let (reseller, serial, digits) = (tenant.reseller.clone(), serial.to_owned(), digits.to_owned());
    let work = move |portal: &portal::Portal| {
        let approved = setup::approve_comparison(portal, &reseller, customer, &serial, &digits);
        approved.map_err(|error| error.to_string())
    };
    world.setup(work).await
}

async fn comparison(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    announce(&world, &tenant, "CN1").await;
    assert!(ask(&world, "CN1", "CN1", true).await.is_err(), "a nonce that was not committed to");
    announce(&world, &tenant, "CN1").await;
    let waits = approve(&world, &tenant, tenant.customer, "CN1", "000000").await;
    assert_eq!(waits, Err("waiting".to_owned()), "nothing is spent before the printer came");
    let (mut sender, digits) = ask(&world, "cn1 ", "CN1", false).await.expect("met");
    assert_eq!(problem(world.confirm(&sender).await), "unconfirmed");
    let early = world.report(&mut sender.clone(), &report(1, minutes(10), &[])).await;
    assert_eq!(problem(early), "unconfirmed", "it belongs to nobody yet");
    assert_eq!(world.count("select count(*) from agent").await, 0);
    // Not another reseller's customer, and not another serial number.
    let foreign = approve(&world, &other, tenant.customer, "CN1", &digits).await;
    assert_eq!(foreign, Err("unknown".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN2", &digits).await, Err("unknown".to_owned()));
    let spaced = format!("{} {}", &digits[..3], &digits[3..]);
    let approved = approve(&world, &tenant, tenant.customer, " cn1 ", &spaced).await;
    assert_eq!(approved, Ok(sender.agent.clone()));
    let Answer::Enrolled { customer, settings, .. } = world.confirm(&sender).await else { panic!("not enrolled") };
    assert_eq!(customer, "Kessler Architekten");
    assert!(settings.takes_part("CN1"), "the printer that it is in takes part");
    let claimed = Manner { grade: report::Grade::A, ..PLAIN };
    let compressed = pack_in(&mut sender, &report(1, minutes(10), &[minutes(1)]), claimed, &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    assert_eq!(world.count("select count(*) from job where grade = 'A'").await, 1, "its printer signed it");
    let kept = "select count(*) from agent where kind = 'firmware' and way = 'compare' and state = 'active'";
    assert_eq!(world.count(kept).await, 1);
    assert_eq!(world.count("select count(*) from comparison where state = 'met'").await, 0);
    // Once: the same digits approve nobody again.
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("unknown".to_owned()));
}

async fn comparison_ends(world: World) {
    let tenant = world.tenant("a").await;
    let (sender, digits) = compare(&world, &tenant, "CN1").await;
    let typed = approve(&world, &tenant, tenant.customer, "CN1", wrong(&digits)).await;
    assert_eq!(typed, Err("wrong".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("unknown".to_owned()));
    assert_eq!(problem(world.confirm(&sender).await), "enrolment");
    // Announced again, the session before is over.
    let (first, shown) = compare(&world, &tenant, "CN1").await;
    assert_eq!(problem(world.confirm(&first).await), "unconfirmed");
    let (second, other) = compare(&world, &tenant, "CN1").await;
    assert_eq!(problem(world.confirm(&first).await), "enrolment");
    if shown != other {
        assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &shown).await, Err("wrong".to_owned()));
    }
    let (third, digits) = compare(&world, &tenant, "CN1").await;
    world.set_now(Instant(NOW.0 + 15 * 60_000 + 1));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("expired".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("unknown".to_owned()));
    for sender in [&second, &third] {
        assert_eq!(problem(world.confirm(sender).await), "enrolment");
    }
    assert_eq!(world.count("select count(*) from agent").await, 0);
}

async fn announced_once(world: World) {
    const SESSIONS: &str = "select count(*) from comparison";
    let tenant = world.tenant("a").await;
    let refused = |asked: Result<(Sender, String), (u16, String)>| {
        let (status, text) = asked.err().expect("refused");
        assert!(status == 403 && text.contains("problems/enrolment"), "{status} {text}");
    };
    // Who was not announced opens nothing, however often.
    for _ in 0..20 {
        refused(ask(&world, "CN1", "CN1", false).await);
    }
    assert_eq!(world.count(SESSIONS).await, 0);
    announce(&world, &tenant, "CN1").await;
    // Somebody in between may use the session up, and gets no second one to look for equal digits.
    refused(ask(&world, "CN1", "CN2", false).await);
    for _ in 0..20 {
        refused(ask(&world, "CN1", "CN1", false).await);
    }
    assert_eq!(world.count(SESSIONS).await, 1);
    // The person sees that it does not go on, and starts over.
    let (sender, digits) = compare(&world, &tenant, "CN1").await;
    refused(ask(&world, "CN1", "CN1", false).await);
    let approved = approve(&world, &tenant, tenant.customer, "CN1", &digits).await;
    assert_eq!(approved, Ok(sender.agent.clone()));
    // An announcement is forgotten after a day.
    announce(&world, &tenant, "CN3").await;
    world.set_now(Instant(NOW.0 + 86_400_001));
    refused(ask(&world, "CN3", "CN3", false).await);
}

async fn two_announce(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    announce(&world, &other, "CN1").await;
    let (sender, digits) = compare(&world, &tenant, "CN1").await;
    // The printer came while both waited: each has one try of its own.
    let typed = approve(&world, &other, other.customer, "CN1", wrong(&digits)).await;
    assert_eq!(typed, Err("wrong".to_owned()));
    assert_eq!(problem(world.confirm(&sender).await), "unconfirmed");
    announce(&world, &other, "CN1").await;
    assert_eq!(approve(&world, &other, other.customer, "CN1", &digits).await, Err("waiting".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Ok(sender.agent.clone()));
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    // The page says how far each came.
    let mut browser = world.browser(&other.reseller_email()).await;
    let page = browser.get(&format!("/customers/{}", other.customer)).await;
    assert!(page.text.contains("start at its panel") && page.text.contains("Start over"), "{}", page.text);
}

/// A printer that shakes hands with its factory secret; gives the status and, where it succeeded, the agent.
async fn by_factory(world: &World, tenant: &Tenant, secret: &Hex<32>, serial: &str) -> (u16, Option<Sender>) {
    // The portal's key is in the printer too; here it comes from a file.
    let file = world.enrolment(tenant).await;
    let evidence = SigningKey::from_bytes(&world.surroundings.random());
    let label = enrol::factory_label(secret);
    let way = Way::Factory { label: &label, secret };
    let authority = world.agents.trim_start_matches("http://");
    let at = At { authority, portal_id: &file.portal_id, portal_key: &file.portal_key };
    let hello = hello(&evidence, serial, None);
    let (handshake, message) = Handshake::start_by(way, at, &hello, evidence, &world.surroundings).expect("starts");
    let (status, body) = world.shake(&way.header(), message).await;
    (status, (status == 200).then(|| handshake.finish(&body).expect("the portal's answer").1))
}

/// Claims a printer for a tenant's customer; the error is the word for why not.
async fn claim(world: &World, of: &Tenant, serial: &'static str, label: &str) -> Result<(), String> {
    let (reseller, customer, label) = (of.reseller.clone(), of.customer, label.to_owned());
    let work = move |portal: &portal::Portal| {
        setup::claim_factory(portal, &reseller, customer, serial, &label).map_err(|error| error.to_string())
    };
    world.setup(work).await
}

async fn factory(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    let secret = Hex([9; 32]);
    let label = enrol::factory_label(&secret);
    let rows = vec![("CN77".to_owned(), secret), ("CN78".to_owned(), Hex([10; 32]))];
    let again = rows.clone();
    let imported = world.setup(move |portal| setup::import_factory(portal, rows).expect("imported")).await;
    assert_eq!(imported, 2);
    assert_eq!(world.setup(move |portal| setup::import_factory(portal, again).expect("imported")).await, 0);
    assert_eq!(by_factory(&world, &tenant, &secret, "CN77").await.0, 403, "nobody claimed it");
    assert_eq!(claim(&world, &tenant, "CN78", &label).await, Err("unknown".to_owned()));
    assert_eq!(claim(&world, &tenant, "cn77", &label.to_uppercase()).await, Ok(()));
    assert_eq!(claim(&world, &other, "CN77", &label).await, Err("taken".to_owned()));
    assert_eq!(by_factory(&world, &tenant, &Hex([11; 32]), "CN77").await.0, 403);
    assert_eq!(by_factory(&world, &tenant, &secret, "CN79").await.0, 403, "another printer's secret");
    let mut sender = by_factory(&world, &tenant, &secret, "CN77").await.1.expect("enrolled");
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    receipt(world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await);
    // A claim is good for one enrolment; after a reset somebody claims the printer again.
    assert_eq!(by_factory(&world, &tenant, &secret, "CN77").await.0, 403);
    assert_eq!(claim(&world, &tenant, "CN77", &label).await, Ok(()));
    let sender = by_factory(&world, &tenant, &secret, "CN77").await.1.expect("enrolled again");
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    assert_eq!(world.count("select count(*) from agent where way = 'factory' and state = 'active'").await, 2);
}

/// Withdraws a claim; whether there was one to withdraw.
async fn withdraw(world: &World, of: &Tenant, serial: &'static str, label: &str) -> bool {
    let (reseller, customer, label) = (of.reseller.clone(), of.customer, label.to_owned());
    world.setup(move |portal| setup::withdraw_factory(portal, &reseller, customer, serial, &label).is_ok()).await
}

async fn withdrawn(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    let secret = Hex([9; 32]);
    let label = enrol::factory_label(&secret);
    let rows = vec![("CN77".to_owned(), secret)];
    world.setup(move |portal| setup::import_factory(portal, rows).expect("imported")).await;
    assert!(!withdraw(&world, &tenant, "CN77", &label).await, "nobody claimed it");
    assert_eq!(claim(&world, &tenant, "CN77", &label).await, Ok(()));
    assert!(!withdraw(&world, &other, "CN77", &label).await, "it is not theirs");
    assert!(!withdraw(&world, &tenant, "CN78", &label).await, "another serial number");
    // Unused, it goes back, and what shook hands by it is not confirmed any more.
    let pending = by_factory(&world, &tenant, &secret, "CN77").await.1.expect("shaken");
    assert!(withdraw(&world, &tenant, "cn77", &label.to_uppercase()).await);
    assert_eq!(problem(world.confirm(&pending).await), "enrolment");
    assert_eq!(claim(&world, &other, "CN77", &label).await, Ok(()));
    let sender = by_factory(&world, &other, &secret, "CN77").await.1.expect("shaken");
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    // Used, only after its agent was revoked.
    assert!(!withdraw(&world, &other, "CN77", &label).await, "its agent is at work");
    let (reseller, agent) = (other.reseller.clone(), sender.agent.clone());
    world.setup(move |portal| setup::revoke(portal, &reseller, &agent).expect("revoked")).await;
    assert!(withdraw(&world, &other, "CN77", &label).await);
    assert_eq!(claim(&world, &tenant, "CN77", &label).await, Ok(()));
}

async fn revoked_pending(world: World) {
    let tenant = world.tenant("a").await;
    let file = world.enrolment(&tenant).await;
    let (handshake, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    let (_, body) = world.handshake(&file, message).await;
    let (_, pending) = handshake.finish(&body).expect("answered");
    let (reseller, agent) = (tenant.reseller.clone(), pending.agent.clone());
    world.setup(move |portal| setup::revoke(portal, &reseller, &agent).expect("revoked")).await;
    assert_eq!(problem(world.confirm(&pending).await), "revoked");
    let (_, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&file, message).await.0, 403);
    assert_eq!(world.count("select count(*) from agent where state <> 'revoked'").await, 0);
}

async fn cancelled(world: World) {
    let tenant = world.tenant("a").await;
    let file = world.enrolment(&tenant).await;
    let (handshake, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    let (_, body) = world.handshake(&file, message).await;
    let (_, pending) = handshake.finish(&body).expect("answered");
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/customers/{}", tenant.customer)).await;
    let form = [("csrf", crate::world::token(&page.text))];
    let done = browser.post(&format!("/customers/{}/agents/cancel", tenant.customer), &form).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(problem(world.confirm(&pending).await), "enrolment");
    let (_, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&file, message).await.0, 403);
}

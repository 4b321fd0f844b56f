//! Stories of the customer's side: objecting to what was issued, the terms in words, and the readings of its printers.

use crate::books::{DAY, billed, bundle, contract, document, draw, issue, month, printed, terms};
use crate::world::{Browser, NOW, Page, Tenant, World, another_customer, between, both, token};
use billing::clauses::proof::Proof;
use billing::{Clause, Terms};
use report::Instant;

both! {
    an_objection_is_answered_and_both_sides_words_are_kept => objected;
    an_objection_is_refused_after_the_days_of_the_contract_and_where_none_are_agreed => too_late;
    a_customer_reads_its_terms_with_the_digest_that_the_evidence_names => terms_in_words;
    a_customer_reads_no_version_that_never_counted_and_that_its_contract_ended => counting;
    a_customer_reads_the_counters_of_its_printers => counters;
    a_customer_objects_to_nothing_that_is_not_issued_to_it => unissued;
    what_the_reseller_notes_of_a_reading_is_its_own => noted;
}

const OBJECTIONS: &str = "select count(*) from objection";

/// The usual terms, and 14 days to object.
fn agreed() -> Terms {
    let mut terms = terms();
    terms.clauses.insert(0, Clause::Proof(Proof { objection_days: 14, ..Proof::default() }));
    terms
}

/// October is issued under these terms; gives the contract and the statement.
async fn issued(world: &World) -> (Tenant, i64, i64) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(world, &tenant, "C-1", agreed()).await;
    let october = draw(world, &tenant, contract, month(10)).await;
    issue(world, &tenant, october).await;
    (tenant, contract, october)
}

/// Posts a form with the token of the page `from`.
async fn post(browser: &mut Browser, from: &str, path: &str, fields: &[(&'static str, &str)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get(from).await.text))];
    form.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
    browser.post(path, &form).await
}

/// The page has this status and holds each of these.
fn holds(page: &Page, status: u16, words: &[&str]) {
    assert_eq!(page.status, status, "{}", page.text);
    for word in words {
        assert!(page.text.contains(word), "{word} is missing: {}", page.text);
    }
}

/// Where the first objection that waits is answered.
fn answers(page: &Page) -> String {
    let mut actions = page.text.split("action=\"").filter_map(|rest| rest.split('"').next());
    actions.find(|action| action.contains("/objections/")).expect("a form").to_owned()
}

async fn objected(world: World) {
    let (tenant, _, statement) = issued(&world).await;
    let line = document(&world, &tenant, statement).await.lines[0].id.clone();
    let mut kim = world.browser(&tenant.customer_email()).await;
    let mut ada = world.browser(&tenant.reseller_email()).await;
    let own = format!("/my/statements/{statement}");
    let (page, object) = (format!("/statements/{statement}"), format!("{own}/object"));
    holds(&kim.get(&own).await, 200, &["You may object to this, or to a line of it, until 6 Dec 2026.", &object]);
    holds(&ada.get(&page).await, 200, &["The customer may object to this"]);
    holds(&ada.get("/").await, 200, &["No objection waits for an answer."]);
    // What says nothing, and what names no line, is asked again with what was typed.
    holds(&post(&mut kim, "/my", &object, &[("words", " ")]).await, 422, &["Say what is wrong"]);
    let odd = [("line", "99.9"), ("words", "It stood still.")];
    holds(&post(&mut kim, "/my", &object, &odd).await, 422, &["Choose a line", "It stood still."]);
    assert_eq!(world.count(OBJECTIONS).await, 0);
    let first = [("line", line.as_str()), ("words", "It stood still for a week.")];
    let made = post(&mut kim, "/my", &object, &first).await;
    assert_eq!((made.status, made.location), (303, format!("{own}?done=objected")), "{}", made.text);
    holds(&kim.get(&own).await, 200, &["It stood still for a week.", "waits for an answer"]);
    holds(&ada.get("/").await, 200, &["href=\"/objections\"", "S-0001"]);
    holds(&ada.get("/objections").await, 200, &["1 waits for an answer", "It stood still for a week."]);
    let seen = ada.get(&page).await;
    holds(&seen, 200, &["It stood still for a week.", "Kim, 22 Nov 2026", "objected to by Kim"]);
    let answer_at = answers(&seen);
    holds(&post(&mut ada, "/people", &answer_at, &[("answer", "No.")]).await, 422, &["Say whether you agree", "No."]);
    let silent = [("verdict", "declined"), ("answer", "")];
    holds(&post(&mut ada, "/people", &answer_at, &silent).await, 422, &["Say what you will do"]);
    let said = [("verdict", "declined"), ("answer", "It printed 500 m² on the fifth.")];
    let answered = post(&mut ada, "/people", &answer_at, &said).await;
    assert_eq!((answered.status, answered.location), (303, format!("{page}?done=objection-declined")));
    assert_eq!(post(&mut ada, "/people", &answer_at, &said).await.status, 409);
    let told = kim.get(&own).await;
    holds(&told, 200, &["declined", "It printed 500 m² on the fifth."]);
    assert!(!told.text.contains("Ada"), "who answered is the reseller's own: {}", told.text);
    // One that the reseller agrees to leads to the correction.
    assert_eq!(post(&mut kim, "/my", &object, &[("words", "All of it.")]).await.status, 303);
    let answer_at = answers(&ada.get(&page).await);
    let said = [("verdict", "agreed"), ("answer", "A credit comes.")];
    let answered = post(&mut ada, "/people", &answer_at, &said).await;
    holds(&ada.get(&answered.location).await, 200, &["then correct this statement below", "agreed", "/correct"]);
    holds(&ada.get("/objections").await, 200, &["0 wait for an answer", "It stood still for a week.", "All of it."]);
    assert_eq!(world.count(OBJECTIONS).await, 2);
}

async fn too_late(world: World) {
    let (tenant, _, statement) = issued(&world).await;
    world.set_now(Instant(NOW.0 + 15 * DAY));
    let mut kim = world.browser(&tenant.customer_email()).await;
    let own = format!("/my/statements/{statement}");
    let page = kim.get(&own).await;
    holds(&page, 200, &["You could object to this until 6 Dec 2026."]);
    assert!(!page.text.contains("/object\""), "{}", page.text);
    let object = format!("{own}/object");
    holds(&post(&mut kim, "/my", &object, &[("words", "Too much.")]).await, 409, &["are over"]);
    let Tenant { reseller, customer, person, .. } = tenant;
    let none = world
        .setup(move |portal| {
            use portal::setup;
            let made = setup::contract(portal, &reseller, customer, "C-2", &terms(), (month(10).start, person));
            let contract = made.expect("a contract");
            let statement = setup::statement(portal, &reseller, contract, month(10)).expect("drawn up");
            setup::approve(portal, &reseller, statement, person).expect("issued");
            statement
        })
        .await;
    let own = format!("/my/statements/{none}");
    let page = kim.get(&own).await;
    holds(&page, 200, &["S-0002"]);
    assert!(!page.text.contains("Objections"), "{}", page.text);
    let object = format!("{own}/object");
    holds(&post(&mut kim, "/my", &object, &[("words", "Too much.")]).await, 409, &["agrees no days"]);
    assert_eq!(world.count(OBJECTIONS).await, 0);
}

async fn terms_in_words(world: World) {
    let (tenant, contract, statement) = issued(&world).await;
    let mut kim = world.browser(&tenant.customer_email()).await;
    let own = format!("/my/contracts/{contract}");
    holds(&kim.get("/my").await, 200, &["C-1", "version 1, from 1 Oct 2026", &own]);
    let digest = evidence::terms_digest(&agreed());
    let words = "The customer may object for 14 days after the statement was issued.";
    let page = kim.get(&own).await;
    holds(&page, 200, &[words, &digest, "Version 1, from 1 Oct 2026", "counts now"]);
    assert!(!page.text.contains("Ada"), "who wrote it is the reseller's own");
    let file = bundle(&world, &tenant, statement).await;
    let verdict = evidence::verify(&file, None, None).expect("it holds");
    let said = verdict.said.iter().find(|said| said.what == "terms").expect("the terms are listed");
    assert!(said.detail.contains(&digest), "the evidence names the same digest: {}", said.detail);
    assert_eq!(said.by, "Ada");
}

async fn counting(world: World) {
    let (tenant, contract, _) = issued(&world).await;
    let december = month(12).start.0;
    for version in [2, 3] {
        let kept = format!(
            "insert into contract_version
                (reseller_id, contract_id, version, valid_from, terms, created_at, person_id, state)
                select reseller_id, contract_id, {version}, {december}, terms, created_at, person_id, 'standing'
                from contract_version where contract_id = {contract} and version = 1"
        );
        world.change(&kept).await;
    }
    let mut kim = world.browser(&tenant.customer_email()).await;
    let own = format!("/my/contracts/{contract}");
    let page = kim.get(&own).await;
    let shown = ["version 1 counts now", "Version 3, from 1 Dec 2026", "counts from that day on", "Version 1, "];
    holds(&page, 200, &shown);
    assert!(!page.text.contains("Version 2, "), "it was put right before it counted: {}", page.text);
    // From then on it is neither shown as if it had billed.
    world.set_now(Instant(december + DAY));
    let mut kim = world.browser(&tenant.customer_email()).await;
    let page = kim.get(&own).await;
    holds(&page, 200, &["version 3 counts now", "replaced"]);
    assert!(!page.text.contains("Version 2, "), "{}", page.text);
    world.change(&format!("update contract set ends_at = {} where contract_id = {contract}", month(11).start.0)).await;
    let (page, list) = (kim.get(&own).await, kim.get("/my").await);
    holds(&page, 200, &["it ended, its last day was 31 Oct 2026", "counted to the end", "never counts"]);
    holds(&list, 200, &["it ended, its last day was 31 Oct 2026"]);
    assert!(!page.text.contains("counts now"), "{}", page.text);
}

async fn unissued(world: World) {
    let (tenant, contract, statement) = issued(&world).await;
    let other = another_customer(&world, &tenant).await;
    let mut lee = world.browser(&other).await;
    let words = [("words", "Too much.")];
    let object = format!("/my/statements/{statement}/object");
    assert_eq!(post(&mut lee, "/my", &object, &words).await.status, 404, "another customer of the reseller");
    world.set_now(Instant(month(11).end.0 + DAY));
    let november = draw(&world, &tenant, contract, month(11)).await;
    let mut kim = world.browser(&tenant.customer_email()).await;
    let object = format!("/my/statements/{november}/object");
    assert_eq!(post(&mut kim, "/my", &object, &words).await.status, 404, "a draft");
    let approved = format!("update statement set state = 'approved' where statement_id = {november}");
    world.change(&approved).await;
    assert_eq!(post(&mut kim, "/my", &object, &words).await.status, 404, "not issued yet");
    assert_eq!(world.count(OBJECTIONS).await, 0);
}

async fn noted(world: World) {
    let (tenant, ..) = billed(&world).await;
    let hand = |more: i64, source: &str, note: &str| {
        format!(
            "insert into hand_reading (reseller_id, reading_id, printer_id, meter, media, value, read_at, source,
                entered_at, person_id, note, odd)
            select reseller_id, printer_id + {more}, printer_id, 'pages', '', {more}, {more}, '{source}', 1, {},
                '{note}', '{note} is odd' from printer",
            tenant.person
        )
    };
    world.change(&hand(1, "manual", "the Meyer case")).await;
    world.change(&hand(2, "customer", "read at the panel")).await;
    let mut kim = world.browser(&tenant.customer_email()).await;
    let list = kim.get("/my").await;
    let printer = between(&list.text, "href=\"/my/printers/", "\"").expect("a printer's link").to_owned();
    for path in [format!("/my/printers/{printer}"), "/my/readings".to_owned()] {
        let page = kim.get(&path).await;
        holds(&page, 200, &["read at the panel", "read at the panel is odd"]);
        assert!(!page.text.contains("Meyer") && !page.text.contains("/withdraw"), "{path}: {}", page.text);
    }
    let mut ada = world.browser(&tenant.reseller_email()).await;
    holds(&ada.get(&format!("/printers/{printer}?tab=readings")).await, 200, &["the Meyer case"]);
}

async fn counters(world: World) {
    let (tenant, ..) = billed(&world).await;
    let mut kim = world.browser(&tenant.customer_email()).await;
    let list = kim.get("/my").await;
    let printer = between(&list.text, "href=\"/my/printers/", "\"").expect("a printer's link").to_owned();
    let own = format!("/my/printers/{printer}");
    let page = kim.get(&own).await;
    holds(&page, 200, &["Latest reading of each counter", "Known since"]);
    for hidden in ["href=\"/printers", "href=\"/readings", "/withdraw", "each time it had changed"] {
        assert!(!page.text.contains(hidden), "the customer sees {hidden}");
    }
    let counter = format!("{own}?meter=");
    let asked = between(&page.text, &counter, "#readings").expect("a counter's link").replace("&#38;", "&");
    let page = kim.get(&format!("{counter}{asked}")).await;
    holds(&page, 200, &["each time it had changed", "1–1 of 1", "read by pc-7"]);
    let none = kim.get(&format!("{counter}nothing")).await;
    holds(&none, 200, &["Latest reading of each counter"]);
    assert!(!none.text.contains("each time it had changed"));
}

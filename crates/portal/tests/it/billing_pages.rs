//! Stories of the billing run through the pages: from the board to an issued statement, what holds one up,
//! corrections, and what people say happened.

use crate::books::billed;
use crate::stories::{printed, w1, w1_read_at};
use crate::world::{Browser, NOW, Page, World, between, both, report, token};
use billing::{Events, Outage};
use portal::setup;
use report::{Area, Instant};

both! {
    a_month_goes_from_the_board_to_issued_statements => month;
    a_run_is_started_on_the_board_and_its_end_is_shown => run;
    a_late_printer_is_billed_only_with_a_signed_reason => late;
    a_reason_is_signed_for_one_document_and_one_cause => cause;
    what_is_approved_bills_its_printers_and_a_draft_goes_by_those_it_has_now => moved;
    a_draft_says_that_something_arrived_since => news;
    an_approved_statement_becomes_a_draft_again_with_a_reason => reopened;
    a_late_job_becomes_a_note_that_both_pages_link => corrected;
    what_happened_is_entered_checked_and_withdrawn => events;
    a_customer_sees_what_was_issued_and_its_evidence => customer;
    a_customer_leafs_through_all_that_was_issued_to_it => paged;
}

/// How long the document of the one statement is.
const LENGTH: &str = "select cast(length(document) as bigint) from statement where kind = 'statement'";
/// A month's board.
const BOARD: &str = "/billing/2026-10";
/// Looks at a run that goes on, at most.
const LOOKS_MAX: usize = 5_000;

/// Posts to the board; gives the page.
async fn act(browser: &mut Browser, path: &str, fields: &[(&'static str, String)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get("/billing").await.text))];
    form.extend(fields.iter().cloned());
    browser.post(path, &form).await
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// The page holds each of these.
fn holds(page: &Page, words: &[&str]) {
    assert_eq!(page.status, 200, "{}", page.text);
    for word in words {
        assert!(page.text.contains(word), "{word} is missing: {}", page.text);
    }
}

async fn month(world: World) {
    let (tenant, contract, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/billing").await, &["October 2026", "to approve"]);
    let board = browser.get(BOARD).await;
    let (of_contract, of_statement) = (format!("/contracts/{contract}"), format!("/statements/{statement}"));
    holds(&board, &["C-112", &of_contract, &of_statement, "1 draft", "the cut-off was 5 Nov 2026"]);
    assert_eq!(browser.get("/billing?month=2026-10").await.location, BOARD);
    assert_eq!(browser.get("/billing/2026-13").await.status, 404);
    let approved = act(&mut browser, "/billing/2026-10/run", &[("act", text("approve"))]).await;
    holds(&approved, &["1 statement was approved."]);
    holds(&browser.get(&of_statement).await, &["Issue", "Make it a draft again"]);
    let issued = act(&mut browser, "/billing/2026-10/run", &[("act", text("issue"))]).await;
    holds(&issued, &["1 statement was issued.", "1 issued"]);
    holds(&browser.get(&of_statement).await, &["S-0001", "plotmeter verify FILE", "432.09", "issued by Ada"]);
    // There is nothing left to do, and nothing is done twice.
    let again = act(&mut browser, "/billing/2026-10/run", &[("act", text("issue"))]).await;
    holds(&again, &["0 statements were issued."]);
    assert_eq!(act(&mut browser, "/billing/2026-10/run", &[("act", text("delete"))]).await.status, 422);
    let csv = browser.get(&format!("{of_statement}/export.csv")).await;
    let head = csv.text.lines().next().unwrap_or("").to_owned();
    let tail = "currency,amount,kind,corrects,marks,estimated,site,payer,grade,issued,due,clause";
    assert!(head.ends_with(tail), "{head}");
    assert!(csv.text.contains("S-0001,issued,C-112"), "{}", csv.text);
}

async fn run(world: World) {
    let (tenant, _, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let started = act(&mut browser, "/billing/2026-10/run", &[("act", text("draw"))]).await;
    assert_eq!((started.status, started.location.as_str()), (303, "/billing/2026-10?done=run"));
    let mut looks = 0;
    while world.count("select count(*) from bill_run where ended_at is not null").await == 0 {
        looks += 1;
        assert!(looks < LOOKS_MAX, "the run does not end");
    }
    holds(&browser.get(BOARD).await, &["1 drawn up, 0 passed over, 0 failed.", "1 draft", "Latest run"]);
    holds(&browser.get("/billing").await, &["1 drawn up", "by Ada"]);
    assert_eq!(world.count("select count(*) from statement where state = 'draft'").await, 1);
}

async fn late(world: World) {
    let read_at = Instant::parse("2026-10-20T08:00:00Z").expect("a timestamp");
    let (tenant, contract, statement) = w1_read_at(&world, read_at).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let board = browser.get(BOARD).await;
    holds(&board, &["late", "It was last read", "Its readings", "Enter a reading", "?tab=readings"]);
    holds(&browser.get(&format!("/statements/{statement}")).await, &["is late.", "/billing/2026-10"]);
    let approve = format!("/statements/{statement}/approve");
    let refused = act(&mut browser, &approve, &[]).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let none = act(&mut browser, "/billing/2026-10/run", &[("act", text("approve"))]).await;
    holds(&none, &["0 statements were approved."]);
    let sign = format!("/statements/{statement}/sign");
    assert!(board.text.contains(&sign), "{}", board.text);
    let form = signature(&board, "read by phone");
    assert_eq!(act(&mut browser, &sign, &signature(&board, "")).await.status, 422);
    assert_eq!(act(&mut browser, &sign, &[]).await.status, 422);
    let mut foreign = form.clone();
    foreign[0].1 = text("1");
    assert_eq!(act(&mut browser, &sign, &foreign).await.status, 404);
    let signed = act(&mut browser, &sign, &form).await;
    assert_eq!((signed.status, signed.location.as_str()), (303, "/billing/2026-10?done=signed"));
    assert_eq!(act(&mut browser, &sign, &form).await.status, 409);
    holds(&browser.get(BOARD).await, &["Signed by Ada on 22 Nov 2026: read by phone"]);
    let approved = act(&mut browser, &approve, &[("board", text("2026-10"))]).await;
    assert_eq!((approved.status, approved.location.as_str()), (303, "/billing/2026-10?done=approved"));
    // This contract does not say how to estimate.
    let estimate = [("contract", contract.to_string())];
    assert_eq!(act(&mut browser, "/billing/2026-10/estimate", &estimate).await.status, 409);
    assert_eq!(act(&mut browser, "/billing/2026-10/estimate", &[]).await.status, 422);
}

/// The fields of the first form that signs a reason, without its token; it leads to the board.
fn signature(page: &Page, reason: &str) -> [(&'static str, String); 4] {
    let form = page.text.split("/sign\" method").nth(1).unwrap_or("");
    let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap_or("").to_owned();
    [("printer", field("printer")), ("cause", field("cause")), ("reason", text(reason)), ("board", text("2026-10"))]
}

async fn cause(world: World) {
    let read_at = |day: &str| Instant::parse(&format!("{day}T08:00:00Z")).expect("a timestamp");
    let (tenant, contract, statement) = w1_read_at(&world, read_at("2026-10-20")).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let seen = browser.get(&format!("/statements/{statement}")).await;
    holds(&seen, &["Bill it all the same", "/sign"]);
    let signed = act(&mut browser, &format!("/statements/{statement}/sign"), &signature(&seen, "It is off.")).await;
    assert_eq!(signed.status, 303, "{}", signed.text);
    // It is not off: it was read again, and still not at the month's end.
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &report(7, read_at("2026-10-25"), &[])).await;
    let again = [("period", text("2026-10"))];
    let drawn = act(&mut browser, &format!("/contracts/{contract}/statements"), &again).await;
    assert_eq!(drawn.status, 303, "{}", drawn.text);
    let own = drawn.location.split('?').next().unwrap_or("").to_owned();
    let refused = act(&mut browser, &format!("{own}/approve"), &[]).await;
    assert_eq!(refused.status, 409, "what was signed for another cause passes: {}", refused.text);
    // What somebody saw before is not signed for what stands now.
    assert_eq!(act(&mut browser, &format!("{own}/sign"), &signature(&seen, "It is off.")).await.status, 409);
    let page = browser.get(&own).await;
    let signed = act(&mut browser, &format!("{own}/sign"), &signature(&page, "Read by phone.")).await;
    assert_eq!(signed.status, 303, "{}", signed.text);
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{own}/{word}"), &[]).await.status, 303, "{word}");
    }
    // A note on it is a document of its own: its red printer needs its own reason, which its page takes.
    let finished = Instant::parse("2026-10-12T08:00:00Z").expect("a timestamp");
    let mut more = report(7, Instant(read_at("2026-10-25").0 + 60_000), &[finished]);
    printed(&mut more.jobs[0].0, "mono-line", Area(10_000_000));
    world.report(&mut sender, &more).await;
    let made = act(&mut browser, &format!("{own}/correct"), &[("reason", text("a job came late"))]).await;
    let note = made.location.split('?').next().unwrap_or("").to_owned();
    assert_eq!(act(&mut browser, &format!("{note}/approve"), &[]).await.status, 409);
    holds(&browser.get(BOARD).await, &["Debit note, draft", &note]);
    let page = browser.get(&note).await;
    let signed = act(&mut browser, &format!("{note}/sign"), &signature(&page, "Read by phone.")).await;
    assert_eq!(signed.status, 303, "{}", signed.text);
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{note}/{word}"), &[]).await.status, 303, "{word}");
    }
}

async fn moved(world: World) {
    let (tenant, contract, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let printer = world.count("select printer_id from contract_printer").await;
    let end = format!("/contracts/{contract}/printers/{printer}/end");
    let to = [("to", text("2026-10-16"))];
    assert_eq!(act(&mut browser, &format!("/statements/{statement}/approve"), &[]).await.status, 303);
    // What is approved bills it, as what is issued does.
    let refused = act(&mut browser, &end, &to).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("bills this printer until"), "{}", refused.text);
    let reopen = [("reason", text("it was sent back"))];
    assert_eq!(act(&mut browser, &format!("/statements/{statement}/reopen"), &reopen).await.status, 303);
    world.set_now(Instant(NOW.0 + 60_000));
    assert_eq!(act(&mut browser, &end, &to).await.status, 303);
    let stale = act(&mut browser, &format!("/statements/{statement}/approve"), &[]).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    assert!(stale.text.contains("Printers of this contract came or left"), "{}", stale.text);
    world.set_now(Instant(NOW.0 + 120_000));
    let again = [("period", text("2026-10"))];
    let drawn = act(&mut browser, &format!("/contracts/{contract}/statements"), &again).await;
    assert_eq!(drawn.status, 303, "{}", drawn.text);
    let own = drawn.location.split('?').next().unwrap_or("").to_owned();
    // Why it was made a draft again is not forgotten.
    holds(&browser.get(&own).await, &["approved by Ada", "made a draft again by Ada: it was sent back"]);
    assert_eq!(act(&mut browser, &format!("{own}/approve"), &[]).await.status, 303);
}

async fn news(world: World) {
    let (tenant, contract, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (path, words) = (format!("/statements/{statement}"), "since this was drawn up");
    let page = browser.get(&path).await;
    assert!(page.status == 200 && !page.text.contains(words), "{}", page.text);
    world.set_now(Instant(NOW.0 + 60_000));
    let mut sender = world.agent(&tenant).await;
    let finished = Instant::parse("2026-10-12T08:00:00Z").expect("a timestamp");
    let mut more = report(7, Instant(NOW.0 - 3_600_000), &[finished]);
    printed(&mut more.jobs[0].0, "mono-line", Area(10_000_000));
    world.report(&mut sender, &more).await;
    holds(&browser.get(&path).await, &[words]);
    let again = [("period", text("2026-10"))];
    let drawn = act(&mut browser, &format!("/contracts/{contract}/statements"), &again).await;
    assert_eq!(drawn.status, 303, "{}", drawn.text);
    let page = browser.get(drawn.location.split('?').next().unwrap_or("")).await;
    assert!(page.status == 200 && !page.text.contains(words), "{}", page.text);
}

async fn reopened(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let at = |word: &str| format!("/statements/{statement}/{word}");
    let reason = |reason: &str| [("reason", text(reason))];
    assert_eq!(act(&mut browser, &at("reopen"), &reason("too early")).await.status, 409);
    assert_eq!(act(&mut browser, &at("approve"), &[]).await.status, 303);
    let refused = act(&mut browser, &at("reopen"), &reason("")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("Reason: say why"), "{}", refused.text);
    assert_eq!(act(&mut browser, &at("reopen"), &reason("a price is wrong")).await.status, 303);
    let page = browser.get(&format!("/statements/{statement}")).await;
    holds(&page, &["Draw up again", "made a draft again by Ada: a price is wrong", "Approve"]);
    assert_eq!(act(&mut browser, &at("issue"), &[]).await.status, 409);
}

async fn corrected(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    for word in ["approve", "issue"] {
        let done = act(&mut browser, &format!("/statements/{statement}/{word}"), &[]).await;
        assert_eq!(done.status, 303, "{word}: {}", done.text);
    }
    let correct = format!("/statements/{statement}/correct");
    let reason = [("reason", text("a job came late"))];
    let nothing = act(&mut browser, &correct, &reason).await;
    assert_eq!(nothing.status, 409);
    assert!(nothing.text.contains("nothing to correct"), "{}", nothing.text);
    // That somebody looked is the reseller's own; the customer is told of a note once it is issued.
    let mut customer = world.browser(&tenant.customer_email()).await;
    let own = format!("/my/statements/{statement}");
    holds(&browser.get(&format!("/statements/{statement}")).await, &["worked out again by Ada: a job came late"]);
    let page = customer.get(&own).await;
    assert!(!page.text.contains("worked out again") && !page.text.contains("corrected"), "{}", page.text);
    // Ten square metres of lines at 0.14 arrive after the statement was issued.
    let mut sender = world.agent(&tenant).await;
    let finished = Instant::parse("2026-10-12T08:00:00Z").expect("a timestamp");
    let mut more = report(7, Instant(NOW.0 - 3_600_000), &[finished]);
    printed(&mut more.jobs[0].0, "mono-line", Area(10_000_000));
    world.report(&mut sender, &more).await;
    let before = world.count(LENGTH).await;
    let made = act(&mut browser, &correct, &reason).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let note = made.location.split('?').next().unwrap_or("").to_owned();
    let original = format!("/statements/{statement}");
    holds(&browser.get(&note).await, &["Debit note", "1.40", &original, "what this corrects", "Approve"]);
    for word in ["approve", "issue"] {
        let done = act(&mut browser, &format!("{note}/{word}"), &[]).await;
        assert_eq!(done.status, 303, "{word}: {}", done.text);
    }
    holds(&browser.get(&note).await, &["S-0002", "S-0001"]);
    holds(&browser.get(&original).await, &["S-0002", &note, "note on this", "corrected", "432.09"]);
    holds(&customer.get(&own).await, &["corrected"]);
    assert_eq!(world.count(LENGTH).await, before, "what was issued changed");
    // The difference is settled once.
    assert_eq!(act(&mut browser, &correct, &reason).await.status, 409);
}

async fn events(world: World) {
    let (tenant, contract, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/contracts/{contract}/events");
    let page = browser.get(&path).await;
    holds(&page, &["No event yet", "A printer was out of service", "The customer leaves", "Prints to credit"]);
    assert!(!page.text.contains("Prepaid blocks"), "the contract has none");
    let printer = between(&page.text, "<option value=\"", "\"").expect("a printer to choose").to_owned();
    let outage = |printer: &str, to: &str| {
        [
            ("kind", text("outage")),
            ("outage.printer", text(printer)),
            ("outage.from", text("2026-10-15T08:30")),
            ("outage.to", text(to)),
            ("outage.note", text("=no carriage")),
        ]
    };
    let backwards = act(&mut browser, &path, &outage(&printer, "2026-10-14")).await;
    assert_eq!(backwards.status, 422);
    assert!(backwards.text.contains("not after it failed") && backwards.text.contains("=no carriage"));
    assert_eq!(act(&mut browser, &path, &outage("1", "2026-10-16")).await.status, 422);
    assert_eq!(act(&mut browser, &path, &[]).await.status, 422);
    assert_eq!(world.count("select count(*) from billing_event").await, 0);
    let kept = act(&mut browser, &path, &outage(&printer, "2026-10-16")).await;
    assert_eq!((kept.status, kept.location.clone()), (303, format!("{path}?done=event")));
    let page = browser.get(&path).await;
    holds(&page, &["Out of service", "15 Oct 2026 08:30 to 16 Oct 2026 00:00", "=no carriage"]);
    let event = between(&page.text, "name=\"withdraw\" value=\"", "\"").expect("a way back").to_owned();
    let withdraw = [("withdraw", event)];
    assert_eq!(act(&mut browser, &path, &withdraw).await.status, 303);
    assert_eq!(act(&mut browser, &path, &withdraw).await.status, 404);
    holds(&browser.get(&path).await, &["withdrawn by Ada"]);
    // One of many is named by its serial number.
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    let serial =
        world.setup(move |portal| setup::printers(portal, &reseller, customer).expect("printers").remove(0).1).await;
    assert_eq!(act(&mut browser, &path, &outage(&serial, "2026-10-16")).await.status, 303);
    // However many there are, each can be withdrawn.
    let (reseller, printer_id) = (tenant.reseller.clone(), serial_id(&world, &serial).await);
    let many = move |portal: &portal::Portal| {
        let outage = |minute: i64| Outage {
            printer: printer_id.to_string(),
            from: Instant(NOW.0 + minute * 60_000),
            to: Instant(NOW.0 + minute * 60_000 + 1),
            note: String::new(),
        };
        let events = Events { outages: (0..50).map(outage).collect(), ..Events::default() };
        setup::event(portal, &reseller, contract, &events, None).expect("kept");
    };
    world.setup(many).await;
    let second = browser.get(&format!("{path}?page=2")).await;
    holds(&second, &["51–52 of 52", "15 Oct 2026 08:30 to 16 Oct 2026 00:00"]);
    let event = between(&second.text, "name=\"withdraw\" value=\"", "\"").expect("a way back").to_owned();
    assert_eq!(act(&mut browser, &path, &[("withdraw", event)]).await.status, 303);
    world.change("delete from billing_event where withdrawn_at is null").await;
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(act(&mut stranger, &path, &outage(&printer, "2026-10-16")).await.status, 404);
    assert_eq!(world.count("select count(*) from billing_event where withdrawn_at is null").await, 0);
}

/// The id of the printer with this serial number.
async fn serial_id(world: &World, serial: &str) -> i64 {
    world.count(&format!("select printer_id from printer where serial = '{serial}'")).await
}

async fn customer(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut customer = world.browser(&tenant.customer_email()).await;
    let (own, evidence) = (format!("/my/statements/{statement}"), format!("/my/statements/{statement}/evidence"));
    for word in ["approve", "issue"] {
        holds(&customer.get("/my").await, &["No statement was issued to you yet"]);
        for path in [&own, &evidence] {
            assert_eq!(customer.get(path).await.status, 404, "{path} before {word}");
        }
        assert_eq!(browser.get(&format!("/statements/{statement}/evidence")).await.status, 409);
        assert_eq!(act(&mut browser, &format!("/statements/{statement}/{word}"), &[]).await.status, 303);
    }
    holds(&customer.get("/my").await, &["S-0001", &own]);
    let page = customer.get(&own).await;
    holds(&page, &["S-0001", "432.09", &evidence, "plotmeter verify FILE"]);
    for hidden in ["/jobs?", "/printers/", "Ada", "/approve", "/correct"] {
        assert!(!page.text.contains(hidden), "the customer sees {hidden}");
    }
    let file = customer.get(&evidence).await;
    assert_eq!(file.status, 200);
    assert!(file.text.starts_with("{\"schema\":\"plotmeter.evidence/1\""), "{:.200}", file.text);
    assert_eq!(browser.get(&format!("/statements/{statement}/evidence")).await.text, file.text);
}

/// 51 documents as the first, each an hour before the other.
const EARLIER: &str = "with recursive earlier (hours) as
        (select 1 union all select hours + 1 from earlier where hours < 51)
    insert into statement (reseller_id, statement_id, contract_id, customer_id, version, number, name, period_start,
        period_end, state, currency, net, total, created_at, document)
    select reseller_id, statement_id + hours, contract_id, customer_id, version, number + hours,
        'OLD-' || cast(hours as text), period_start - hours * 3600000, period_end, state, currency, net, total,
        created_at, document
    from statement cross join earlier where number = 1";

async fn paged(world: World) {
    let (tenant, ..) = billed(&world).await;
    world.change(EARLIER).await;
    let mut customer = world.browser(&tenant.customer_email()).await;
    let page = customer.get("/my").await;
    holds(&page, &["S-0001", "OLD-49", "1–50 of 52", "href=\"/my?statements=2\"", "October 2026", "302.50"]);
    assert!(!page.text.contains("OLD-50"), "{}", page.text);
    let rest = customer.get("/my?statements=2&page=1").await;
    holds(&rest, &["OLD-50", "OLD-51", "51–52 of 52", "href=\"/my?page=1\""]);
    assert!(!rest.text.contains("S-0001"), "{}", rest.text);
    // The printers keep to their own part.
    holds(&rest, &["1–1 of 1"]);
}

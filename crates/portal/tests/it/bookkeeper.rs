//! What a bookkeeper can get wrong, and how to get out of it: drafts that nobody wants, periods to come, a contract
//! that ended, days that cannot be, and a version that another one has overtaken.

use crate::books::{at, billed, contract, contract_from, correct, draw, month, printed, terms};
use crate::world::{Browser, NOW, Page, World, both, token};
use billing::Month;
use portal::setup::{self, Outcome, Summary};
use report::Instant;

both! {
    a_draft_is_thrown_away_with_a_reason_and_leaves_no_gap_in_the_numbers => discarded;
    a_note_is_thrown_away_and_drawn_up_again => discarded_note;
    nothing_is_drawn_up_before_its_period_begins => to_come;
    a_month_to_come_hides_no_other_month => months;
    what_is_drawn_up_before_the_end_says_so_and_is_not_approved => early;
    a_contract_that_ended_says_so_wherever_it_had_a_part => ended;
    what_was_drawn_up_of_days_after_the_last_one_is_neither_approved_nor_issued => left;
    days_that_cannot_be_are_refused => days;
    a_version_that_was_overtaken_holds_nothing_up => overtaken;
}

/// Posts with the session's token; gives the page.
async fn act(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get("/billing").await.text))];
    form.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
    browser.post(path, &form).await
}

/// The page holds each of these.
fn holds(page: &Page, words: &[&str]) {
    for word in words {
        assert!(page.text.contains(word), "{word} is missing: {}", page.text);
    }
}

async fn discarded(world: World) {
    let (tenant, _, contract, october) = billed(&world).await;
    let draft = draw(&world, &tenant, contract, month(11)).await;
    let (page, throw) = (format!("/statements/{draft}"), format!("/statements/{draft}/discard"));
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get(&page).await, &["Throw it away", &throw]);
    let why = [("reason", "the wrong <month>")];
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(act(&mut stranger, &throw, &why).await.status, 404);
    let silent = act(&mut browser, &throw, &[("reason", " ")]).await;
    assert_eq!(silent.status, 422);
    holds(&silent, &["Reason: say why"]);
    assert_eq!(world.count("select count(*) from statement").await, 2);
    let done = act(&mut browser, &throw, &why).await;
    let home = format!("/contracts/{contract}");
    assert_eq!((done.status, done.location), (303, format!("{home}?done=discarded")));
    assert_eq!(world.count("select count(*) from statement").await, 1);
    assert_eq!(world.count("select count(*) from statement_basis").await, 1);
    assert_eq!(world.count("select count(*) from discarded_draft").await, 1);
    // What happened to it is kept with it.
    let kept = format!("select count(*) from statement_event where statement_id = {draft}");
    assert_eq!(world.count(&kept).await, 2);
    assert_eq!(browser.get(&page).await.status, 404);
    assert_eq!(act(&mut browser, &throw, &why).await.status, 404);
    holds(&browser.get(&home).await, &["Drafts that were thrown away", "November 2026", "Ada", "&#60;month&#62;"]);
    // What was issued stays, and the next number is the next one.
    let refused = act(&mut browser, &format!("/statements/{october}/discard"), &why).await;
    assert_eq!(refused.status, 409);
    holds(&refused, &["what was issued stays"]);
    assert_eq!(world.count("select next_number from numbering").await, 2);
    draw(&world, &tenant, contract, month(11)).await;
}

async fn discarded_note(world: World) {
    let (tenant, mut sender, _, october) = billed(&world).await;
    let late = printed(7, Instant(NOW.0 - 60_000), &[("2026-10-06T08:00:00Z", 100)]);
    world.report(&mut sender, &late).await;
    let note = correct(&world, &tenant, october).await[0];
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    world.setup(move |portal| setup::approve_only(portal, &reseller, note, person).expect("approved")).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (throw, why) = (format!("/statements/{note}/discard"), [("reason", "sent by mistake")]);
    let refused = act(&mut browser, &throw, &why).await;
    assert_eq!(refused.status, 409);
    holds(&refused, &["Make it a draft again first"]);
    assert_eq!(act(&mut browser, &format!("/statements/{note}/reopen"), &why).await.status, 303);
    assert_eq!(act(&mut browser, &throw, &why).await.status, 303);
    assert_eq!(world.count("select count(*) from discarded_draft where kind <> 'statement'").await, 1);
    let again = correct(&world, &tenant, october).await[0];
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    world.setup(move |portal| setup::approve(portal, &reseller, again, person).expect("issued")).await;
    assert_eq!(world.count("select count(*) from statement where name = 'S-0002'").await, 1);
}

async fn to_come(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let make = format!("/contracts/{contract}/statements");
    for form in [
        vec![("period_from", "2030-01-01"), ("period_to", "2030-01-10")],
        vec![("period", "2026-12")],
        vec![("period", ""), ("period_from", "2026-11-24"), ("period_to", "2026-11-30")],
    ] {
        let refused = act(&mut browser, &make, &form).await;
        assert_eq!(refused.status, 400, "{form:?}");
        holds(&refused, &["which is still to come"]);
    }
    let run = act(&mut browser, "/billing/2027-05/run", &[("act", "draw")]).await;
    assert_eq!(run.status, 422);
    holds(&run, &["May 2027 is still to come."]);
    let board = browser.get("/billing/2026-12").await;
    holds(&board, &["not begun", "it begins on 1 Dec 2026"]);
    assert!(!board.text.contains("Draw up 1"), "{}", board.text);
    let bill =
        |portal: &portal::Portal| setup::bill(portal, Month::parse("2027-05").expect("a month"), None, &mut |_| {});
    let refused = world.setup(bill).await.expect_err("it has not begun");
    assert!(refused.to_string().contains("May 2027 is still to come"), "{refused}");
    assert_eq!(world.count("select count(*) from statement").await, 0);
    assert_eq!(world.count("select count(*) from bill_run").await, 0);
}

async fn months(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract_from(&world, &tenant, "C-1", terms(), month(9).start).await;
    draw(&world, &tenant, contract, month(9)).await;
    let draft = draw(&world, &tenant, contract, month(11)).await;
    // As it was kept before such periods were refused.
    let (from, to) = (at("2029-12-31T23:00:00Z").0, at("2030-01-31T23:00:00Z").0);
    let moved = format!("update statement set period_start = {from}, period_end = {to} where statement_id = {draft}");
    world.change(&moved).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/billing").await, &["September 2026", "January 2030"]);
}

async fn early(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let bill = |portal: &portal::Portal| {
        let (mut seen, november) = (Vec::new(), Month::parse("2026-11").expect("a month"));
        let summary = setup::bill(portal, november, None, &mut |progress| seen.push(progress.outcome.clone()));
        (summary.expect("a run"), seen)
    };
    let (summary, seen) = world.setup(bill).await;
    assert_eq!(summary, Summary { drawn: 1, skipped: 0, failed: 0 });
    assert!(matches!(seen.as_slice(), [Outcome::Drawn { is_over: false, .. }]), "{seen:?}");
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/billing/2026-11").await, &["1 before the period&#39;s end: draw up again afterwards."]);
    let drafted = format!("select statement_id from statement where contract_id = {contract}");
    let page = format!("/statements/{}", world.count(&drafted).await);
    let draft = browser.get(&page).await;
    holds(&draft, &["The period was not over when this was drawn up.", "Draw up again"]);
    assert!(!draft.text.contains("/approve\""), "{}", draft.text);
    assert_eq!(act(&mut browser, &format!("{page}/approve"), &[]).await.status, 409);
    world.set_now(at("2026-12-02T12:00:00Z"));
    let (_, seen) = world.setup(bill).await;
    assert!(matches!(seen.as_slice(), [Outcome::Drawn { is_over: true, .. }]), "{seen:?}");
    // A session does not last into the next month.
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = format!("/statements/{}", world.count(&drafted).await);
    holds(&browser.get(&page).await, &["/approve\""]);
}

async fn ended(world: World) {
    let (tenant, _, contract, _) = billed(&world).await;
    draw(&world, &tenant, contract, month(11)).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let events = format!("/contracts/{contract}/events");
    let leaves = |on: &'static str| [("kind", "exit"), ("exit.on", on), ("exit.breach", "no")];
    assert_eq!(act(&mut browser, &events, &leaves("2026-12-31")).await.status, 303);
    holds(&browser.get("/contracts").await, &["in force until 31 Dec 2026"]);
    holds(&browser.get(&format!("/contracts/{contract}")).await, &["its last day is 31 Dec 2026"]);
    world.set_now(Instant(NOW.0 + 60_000));
    assert_eq!(act(&mut browser, &events, &leaves("2026-10-31")).await.status, 303);
    let page = browser.get("/contracts").await;
    let by_last = "select count(*) from contract where ends_at is not null";
    assert_eq!(world.count(by_last).await, 1);
    // The later day counts: both are kept, and one is withdrawn.
    holds(&page, &["31 Dec 2026"]);
    let shown = browser.get(&events).await;
    let wrong = shown.text.split("name=\"withdraw\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let wrong = wrong.expect("the one of December").to_owned();
    assert_eq!(act(&mut browser, &events, &[("withdraw", wrong.as_str())]).await.status, 303);
    holds(&browser.get("/contracts").await, &["ended, last day 31 Oct 2026"]);
    let page = browser.get(&format!("/contracts/{contract}")).await;
    holds(&page, &["This contract ended. Its last day was 31 Oct 2026", "Printers are still in it"]);
    holds(&browser.get("/billing/2026-10").await, &["C-1", "S-0001"]);
    // Of November a draft was made, so that it stands there and says why nothing goes on.
    let board = browser.get("/billing/2026-11").await;
    holds(&board, &["C-1", "The contract ended: its last day was 31 Oct 2026."]);
    assert!(!board.text.contains("Draw up 1"), "{}", board.text);
    let bill = |portal: &portal::Portal| {
        let mut seen = Vec::new();
        let november = Month::parse("2026-11").expect("a month");
        setup::bill(portal, november, None, &mut |progress| seen.push(progress.outcome.clone())).expect("a run");
        seen
    };
    let words = "The contract ended: its last day was 31 Oct 2026.".to_owned();
    assert_eq!(world.setup(bill).await, [Outcome::Skipped(words)]);
    let refused = act(&mut browser, &format!("/contracts/{contract}/statements"), &[("period", "2026-11")]).await;
    assert_eq!(refused.status, 409);
    holds(&refused, &["The last day of contract C-1 was 31 Oct 2026"]);
    assert!(!browser.get("/billing/2026-12").await.text.contains("C-1"), "it had no part in December");
}

async fn left(world: World) {
    let (tenant, _, contract, _) = billed(&world).await;
    world.set_now(at("2026-12-02T12:00:00Z"));
    let draft = draw(&world, &tenant, contract, month(11)).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (page, events) = (format!("/statements/{draft}"), format!("/contracts/{contract}/events"));
    holds(&browser.get(&page).await, &["/approve\""]);
    // Approved, and the customer left before: no number is given.
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let sign = move |portal: &portal::Portal| {
        let printers = setup::printers(portal, &reseller, tenant.customer).expect("printers");
        for (printer, _) in printers {
            // Whether it is red is not what this is about.
            let _ = setup::sign(portal, &reseller, draft, printer, person, "known");
        }
        setup::approve_only(portal, &reseller, draft, person).expect("approved");
    };
    world.setup(sign).await;
    let leaves = [("kind", "exit"), ("exit.on", "2026-10-31"), ("exit.breach", "no")];
    assert_eq!(act(&mut browser, &events, &leaves).await.status, 303);
    let words = "The last day of contract C-1 was 31 Oct 2026, before this period.";
    for act_on in ["issue", "reopen", "approve"] {
        let done = act(&mut browser, &format!("{page}/{act_on}"), &[("reason", "they left")]).await;
        if act_on == "reopen" {
            assert_eq!(done.status, 303, "{}", done.text);
        } else {
            assert_eq!(done.status, 409, "{act_on}");
            holds(&done, &[words]);
        }
    }
    assert_eq!(world.count("select next_number from numbering").await, 2);
    assert_eq!(act(&mut browser, &format!("{page}/discard"), &[("reason", "they left")]).await.status, 303);
}

async fn days(world: World) {
    let (tenant, _, contract, _) = billed(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let events = format!("/contracts/{contract}/events");
    let printer = world.count("select printer_id from printer").await.to_string();
    let of_printer = |kind: &'static str| (kind, printer.as_str());
    for (form, words) in [
        (vec![("kind", "exit"), ("exit.on", "2020-01-01")], "the contract starts on 2026-10-01"),
        (vec![("kind", "exit"), ("exit.on", "2026-10-31"), ("exit.noticed", "2026-11-01")], "after the last day"),
        (
            vec![
                ("kind", "outage"),
                of_printer("outage.printer"),
                ("outage.from", "2026-10-10"),
                ("outage.to", "2028-10-10"),
            ],
            "more than two months ahead",
        ),
        (
            vec![
                ("kind", "credit"),
                of_printer("credit.printer"),
                ("credit.meter", "area-printed"),
                ("credit.value", "5"),
                ("credit.at", "2030-01-01"),
                ("credit.reason", "service"),
            ],
            "this day is still to come",
        ),
    ] {
        let refused = act(&mut browser, &events, &form).await;
        assert_eq!(refused.status, 422, "{form:?}");
        holds(&refused, &[words]);
    }
    assert_eq!(world.count("select count(*) from billing_event").await, 0);
    assert_eq!(world.count("select count(*) from contract where ends_at is not null").await, 0);
}

async fn overtaken(world: World) {
    let (tenant, _, contract, _) = billed(&world).await;
    let december = month(12).start.0;
    for (version, state) in [(2, "proposed"), (3, "standing")] {
        let kept = format!(
            "insert into contract_version
                (reseller_id, contract_id, version, valid_from, terms, created_at, person_id, state)
                select reseller_id, contract_id, {version}, {december}, terms, created_at, person_id + 1, '{state}'
                from contract_version where contract_id = {contract} and version = 1"
        );
        let mut browser = world.browser(&tenant.reseller_email()).await;
        world.change(&kept).await;
        let page = browser.get(&format!("/contracts/{contract}")).await;
        let list = browser.get("/contracts").await;
        let look = [
            ("act", "preview"),
            ("customer", "0"),
            ("by", "percent"),
            ("value", "3"),
            ("places", "4"),
            ("fees", "no"),
            ("starts", "2027-01-01"),
        ];
        let prices = act(&mut browser, "/contracts/prices", &look).await;
        if state == "proposed" {
            holds(&page, &["waits for another person", ">Approve</button>", ">Refuse</button>"]);
            holds(&list, &["version 2"]);
            holds(&prices, &["waits for a second person"]);
        } else {
            holds(&page, &["overtaken", "Version 3 was saved since and counts.", ">Refuse</button>"]);
            assert!(!page.text.contains(">Approve</button>"), "{}", page.text);
            assert!(!list.text.contains("version 2"), "{}", list.text);
            holds(&prices, &["1 contract changes", &format!("take.{contract}")]);
        }
    }
}

//! Statements over some days of a period, which together charge once what counts by the period; and what is asked
//! before a statement is approved: usage without a price, terms without a tax.

use crate::books::{
    DAY, at, bundle, contract, contract_from, document, draw, euros, issue, month, opened, plain, price, printed, terms,
};
use crate::world::{Browser, NOW, Page, Tenant, World, both, token};
use billing::clauses::minimum::Minimum;
use billing::{Allowance, Clause, Money, Month, Pattern, PriceList, Statement};
use portal::setup::{self, Outcome};
use report::{Category, Instant};

both! {
    days_of_a_month_bear_its_fee_once_together => parts;
    what_is_included_and_a_minimum_are_shared_by_days => shared;
    a_contract_that_ends_within_a_month_leaves_no_days_after_its_last => ends;
    a_contract_that_begins_within_a_month_leaves_no_days_before_its_first => begins;
    usage_without_a_price_and_terms_without_a_tax_are_asked_about => asked;
    drafts_of_the_days_that_are_left_are_asked_about_too => rest;
}

/// Makes a statement for these days on the contract's page.
async fn make(browser: &mut Browser, contract: i64, from: &str, to: &str) -> Page {
    let page = browser.get(&format!("/contracts/{contract}")).await.text;
    let form = [("csrf", token(&page)), ("period_from", from.to_owned()), ("period_to", to.to_owned())];
    browser.post(&format!("/contracts/{contract}/statements"), &form).await
}

/// The same; gives the draft.
async fn made(browser: &mut Browser, contract: i64, from: &str, to: &str) -> i64 {
    let page = make(browser, contract, from, to).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let id = page.location.trim_start_matches("/statements/").split('?').next().unwrap_or_default().to_owned();
    id.parse().expect("a statement")
}

/// The amounts of its lines, cents.
fn amounts(statement: &Statement) -> Vec<i64> {
    statement.lines.iter().filter_map(|line| line.amount).map(|amount| amount.0).collect()
}

async fn parts(world: World) {
    let (tenant, _, contract) = opened(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/contracts/{contract}")).await.text;
    assert!(page.contains("Days of one period."), "{page}");
    // Days of September and October would bear the fee of neither by its days.
    let refused = make(&mut browser, contract, "2026-09-20", "2026-10-05").await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("the first ends with 2026-09-30"), "{}", refused.text);
    let first = made(&mut browser, contract, "2026-10-01", "2026-10-10").await;
    let page = browser.get(&format!("/statements/{first}")).await.text;
    assert!(page.contains("This is for 10 of the 31 days of October 2026"), "{page}");
    issue(&world, &tenant, first).await;
    let board = browser.get("/billing/2026-10").await.text;
    assert!(board.contains("billed in part") && board.contains("share of fees, of what is included"), "{board}");
    let rest = made(&mut browser, contract, "2026-10-11", "2026-10-31").await;
    issue(&world, &tenant, rest).await;
    let (one, other) = (document(&world, &tenant, first).await, document(&world, &tenant, rest).await);
    // 180.00 by 10 and 21 of 31 days; the 500 m² are of the first.
    assert_eq!((amounts(&one), amounts(&other)), (vec![5_806, 7_000], vec![12_194]));
    assert_eq!(one.lines[0].steps, ["180.00 × 10/31 = 58.06"]);
    for statement in [first, rest] {
        let file = bundle(&world, &tenant, statement).await;
        evidence::verify(&file, None, None).expect("it holds, share and all");
    }
}

async fn shared(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let jobs = [("2026-10-05T08:00:00Z", 150), ("2026-10-20T08:00:00Z", 400)];
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &jobs)).await;
    let covers = vec![Pattern::parse("area-printed/mono-line").expect("a pattern")];
    let mut terms = plain();
    let included = Allowance { covers, included: 310_000_000, ..Allowance::default() };
    let least = Minimum { amount: Money(62_000), ..Minimum::default() };
    terms.clauses.insert(0, Clause::Allowance(included));
    terms.clauses.push(Clause::Minimum(least));
    let contract = contract(&world, &tenant, "C-1", terms).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let whole = draw(&world, &tenant, contract, month(10)).await;
    let whole = document(&world, &tenant, whole).await;
    // 550 m² less 310 at 0.14 are 33.60; the rest to 620.00.
    assert_eq!(amounts(&whole), [3_360, 58_640]);
    let first = made(&mut browser, contract, "2026-10-01", "2026-10-10").await;
    issue(&world, &tenant, first).await;
    let rest = made(&mut browser, contract, "2026-10-11", "2026-10-31").await;
    let (one, other) = (document(&world, &tenant, first).await, document(&world, &tenant, rest).await);
    // 150 m² less 100, to 200.00; 400 m² less 210, to 420.00.
    assert_eq!((amounts(&one), amounts(&other)), (vec![700, 19_300], vec![2_660, 39_340]));
    assert_eq!(one.net.0 + other.net.0, whole.net.0);
}

/// What a run of October says of each contract.
async fn bill(world: &World) -> Vec<Outcome> {
    let run = |portal: &portal::Portal| {
        let (mut seen, october) = (Vec::new(), Month::parse("2026-10").expect("a month"));
        setup::bill(portal, october, None, &mut |progress| seen.push(progress.outcome.clone())).expect("a run");
        seen
    };
    world.setup(run).await
}

async fn ends(world: World) {
    let (tenant, _, contract) = opened(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let events = format!("/contracts/{contract}/events");
    let leaves = [
        ("csrf", token(&browser.get(&events).await.text)),
        ("kind", "exit".to_owned()),
        ("exit.on", "2026-10-15".to_owned()),
        ("exit.breach", "no".to_owned()),
    ];
    assert_eq!(browser.post(&events, &leaves).await.status, 303);
    let last = made(&mut browser, contract, "2026-10-01", "2026-10-15").await;
    issue(&world, &tenant, last).await;
    // A fee that counts whole stands whole: no day is left that could bear the rest of it.
    assert_eq!(amounts(&document(&world, &tenant, last).await), [18_000, 7_000]);
    assert_eq!(bill(&world).await, [Outcome::Skipped("S-0001 covers it already.".to_owned())]);
    let board = browser.get("/billing/2026-10").await.text;
    assert!(!board.contains("billed in part") && !board.contains("Draw up 1"), "{board}");
}

async fn begins(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-12T08:00:00Z", 500)])).await;
    let contract = contract_from(&world, &tenant, "C-1", terms(), at("2026-10-09T22:00:00Z")).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let first = made(&mut browser, contract, "2026-10-10", "2026-10-20").await;
    issue(&world, &tenant, first).await;
    assert_eq!(amounts(&document(&world, &tenant, first).await), [9_000, 7_000]);
    let seen = bill(&world).await;
    assert!(matches!(seen.as_slice(), [Outcome::Drawn { is_over: true, .. }]), "{seen:?}");
    let rest = world.count("select statement_id from statement where state = 'draft'").await;
    let rest = document(&world, &tenant, rest).await;
    assert_eq!((rest.period.start, amounts(&rest)[0]), (at("2026-10-20T22:00:00Z"), 9_000));
}

/// A contract without a tax, and a job of 20 October that it has no price for.
async fn unpriced(world: &World) -> (Tenant, i64) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let jobs = [("2026-10-05T08:00:00Z", 100), ("2026-10-20T08:00:00Z", 6)];
    let mut report = printed(7, Instant(NOW.0 - DAY), &jobs);
    let (job, _) = report.jobs.last_mut().expect("two jobs");
    job.print.as_mut().expect("a print job").categories[0].category = Category::new("high-density");
    world.report(&mut sender, &report).await;
    let prices = vec![price("area-printed/mono-line", "0.14")];
    let terms = euros(vec![Clause::PriceList(PriceList { prices })]);
    let contract = contract(world, &tenant, "C-1", terms).await;
    (tenant, contract)
}

async fn rest(world: World) {
    let (tenant, contract) = unpriced(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let first = made(&mut browser, contract, "2026-10-01", "2026-10-10").await;
    issue(&world, &tenant, first).await;
    let words = "A printer counted something that no price takes";
    let board = browser.get("/billing/2026-10").await.text;
    assert!(board.contains("billed in part") && !board.contains(words), "{board}");
    made(&mut browser, contract, "2026-10-11", "2026-10-31").await;
    let board = browser.get("/billing/2026-10").await.text;
    assert!(board.contains("billed in part") && board.contains(words) && board.contains("says no tax"), "{board}");
}

async fn asked(world: World) {
    let (tenant, contract) = unpriced(&world).await;
    let draft = draw(&world, &tenant, contract, month(10)).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let board = browser.get("/billing/2026-10").await.text;
    for said in ["A printer counted something that no price takes", "6.00 m² without a price", "says no tax"] {
        assert!(board.contains(said), "{said}: {board}");
    }
    assert!(!board.contains("without questions"), "{board}");
    let form = [("csrf", token(&board)), ("act", "approve".to_owned())];
    browser.post("/billing/2026-10/run", &form).await;
    assert_eq!(world.count("select count(*) from statement where state = 'draft'").await, 1, "nobody looked at it");
    let page = browser.get(&format!("/statements/{draft}")).await.text;
    let before = page.split("Before you go on").nth(1).expect("something to read").split("</ul>").next();
    let before = before.expect("a list");
    assert!(before.contains("no price: not billed") && before.contains("says no tax"), "{before}");
    // Whoever has read it may.
    let form = [("csrf", token(&page))];
    assert_eq!(browser.post(&format!("/statements/{draft}/approve"), &form).await.status, 303);
}

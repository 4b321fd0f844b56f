//! The billing run: which contracts a month bills and by which terms, what is passed over, and runs beside each other.

use crate::books::{at, contract, draw, issue, month, terms};
use crate::world::{NOW, World, between, both, token};
use billing::{Day, Events, Every, ExitFact, Month, Period, PeriodRule};
use portal::setup::{self, Outcome, Progress, Summary};

both! {
    a_run_draws_up_every_contract_and_one_that_fails_stops_nothing => run;
    a_statement_over_a_part_of_a_month_does_not_hide_the_rest_from_the_run => part;
    a_run_takes_no_draft_away_that_somebody_drew_up_over_some_of_the_days_that_are_left => beside;
    a_month_is_billed_by_the_version_that_is_in_force_at_its_end => versions;
    a_contract_that_was_left_is_not_due_any_more => left;
    a_run_that_was_not_heard_of_for_an_hour_is_over_and_a_long_one_is_not => long_run;
}

/// A run of a month over all resellers: what came of it, and of each contract.
async fn bill(world: &World, month: &'static str) -> (Summary, Vec<(String, Outcome)>) {
    let month = Month::parse(month).expect("a month");
    let run = move |portal: &portal::Portal| {
        let mut seen = Vec::new();
        let mut hear = |progress: &Progress| seen.push((progress.contract.clone(), progress.outcome.clone()));
        let summary = setup::bill(portal, month, None, &mut hear).expect("a run");
        (summary, seen)
    };
    world.setup(run).await
}

/// The words of the one contract of a run.
fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Skipped(words) | Outcome::Failed(words) => words,
        Outcome::Drawn { .. } => "drawn",
    }
}

async fn run(world: World) {
    let (north, south) = (world.tenant("north").await, world.tenant("south").await);
    let mut contracts = Vec::new();
    for (tenant, number) in [(&north, "C-1"), (&north, "C-2"), (&north, "C-3"), (&south, "C-1")] {
        contracts.push(contract(&world, tenant, number, terms()).await);
    }
    // Days around the first of October were billed by themselves: the month cannot be billed over them.
    let days = Period::new(at("2026-09-24T22:00:00Z"), at("2026-10-04T22:00:00Z")).expect("a period");
    let part = draw(&world, &north, contracts[1], days).await;
    issue(&world, &north, part).await;
    let october = Month::parse("2026-10").expect("a month");
    let all = move |reseller: Option<&'static str>| {
        move |portal: &portal::Portal| {
            let mut seen = Vec::new();
            let summary = setup::bill(portal, october, reseller, &mut |progress| seen.push(progress.clone()));
            (summary.expect("a run"), seen)
        }
    };
    let (summary, seen) = world.setup(all(None)).await;
    assert_eq!(summary, Summary { drawn: 3, skipped: 0, failed: 1 });
    let failed: Vec<&str> = seen
        .iter()
        .filter(|progress| matches!(progress.outcome, Outcome::Failed(_)))
        .map(|progress| progress.contract.as_str())
        .collect();
    assert_eq!((failed, seen.len()), (vec!["C-2"], 4));
    assert_eq!(world.count("select count(*) from bill_run where ended_at is not null").await, 2);
    assert_eq!(world.count("select count(*) from bill_run where state = 'failed' and failed = 1").await, 1);
    // Again: drafts are drawn up anew, and what is issued stays.
    let (reseller, person) = (north.reseller.clone(), north.person);
    let own = format!("select count(*) from statement where state = 'draft' and contract_id = {}", contracts[0]);
    assert_eq!(world.count(&own).await, 1);
    let drafted = format!("select statement_id from statement where contract_id = {}", contracts[0]);
    let statement = world.count(&drafted).await;
    world.setup(move |portal| setup::approve(portal, &reseller, statement, person).expect("issued")).await;
    let (summary, seen) = world.setup(all(Some("north"))).await;
    assert_eq!(summary, Summary { drawn: 1, skipped: 1, failed: 1 });
    assert!(seen.iter().any(|progress| progress.outcome == Outcome::Skipped("S-0002 is issued already.".to_owned())));
    assert_eq!(world.count("select count(*) from statement where state = 'draft'").await, 2);
    let unknown = move |portal: &portal::Portal| setup::bill(portal, october, Some("nobody"), &mut |_| {});
    let refused = world.setup(unknown).await.expect_err("no such reseller");
    assert!(refused.to_string().contains("nobody"), "{refused}");
}

async fn part(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let middle = at("2026-10-15T22:00:00Z");
    let first = Period::new(month(10).start, middle).expect("a period");
    let statement = draw(&world, &tenant, contract, first).await;
    issue(&world, &tenant, statement).await;
    // It starts as October does, and is not October.
    let (summary, seen) = bill(&world, "2026-10").await;
    // The rest of it is drawn up by its days, again and again, and the board leads there.
    assert_eq!(summary, Summary { drawn: 1, skipped: 0, failed: 0 });
    assert_eq!(words(&seen[0].1), "drawn");
    assert_eq!(bill(&world, "2026-10").await.0, Summary { drawn: 1, skipped: 0, failed: 0 });
    let drafts = format!("period_start = {} and period_end = {} and state = 'draft'", middle.0, month(10).end.0);
    assert_eq!(world.count(&format!("select count(*) from statement where {drafts}")).await, 1);
    let statement = world.count(&format!("select statement_id from statement where {drafts}")).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let board = browser.get("/billing/2026-10?show=look").await.text;
    for part in ["billed in part", "S-0001 covers a part of it", "Draw up 16 Oct 2026 to 31 Oct 2026"] {
        assert!(board.contains(part), "{part}: {board}");
    }
    assert!(board.contains(&format!("href=\"/statements/{statement}\"")), "{board}");
    let again = [("csrf", token(&board)), ("period_from", "2026-10-16".to_owned())];
    let again = again.into_iter().chain([("period_to", "2026-10-31".to_owned())]).collect::<Vec<_>>();
    assert_eq!(browser.post(&format!("/contracts/{contract}/statements"), &again).await.status, 303);
    let statement = world.count(&format!("select statement_id from statement where {drafts}")).await;
    issue(&world, &tenant, statement).await;
    let (summary, seen) = bill(&world, "2026-10").await;
    assert_eq!(summary, Summary { drawn: 0, skipped: 1, failed: 0 });
    assert_eq!(words(&seen[0].1), "S-0001 and S-0002 cover it already.");
    let board = browser.get("/billing/2026-10?show=issued").await.text;
    assert!(board.contains("S-0001 and S-0002"), "{board}");
}

async fn beside(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let first = Period::new(month(10).start, at("2026-10-10T22:00:00Z")).expect("a period");
    let statement = draw(&world, &tenant, contract, first).await;
    issue(&world, &tenant, statement).await;
    let some = Period::new(at("2026-10-14T22:00:00Z"), at("2026-10-25T23:00:00Z")).expect("a period");
    let draft = draw(&world, &tenant, contract, some).await;
    let (summary, seen) = bill(&world, "2026-10").await;
    assert_eq!(summary, Summary { drawn: 0, skipped: 1, failed: 0 });
    assert!(words(&seen[0].1).starts_with("A draft over 15 Oct 2026 to 25 Oct 2026 stands"), "{seen:?}");
    let kept = "select count(*) from statement where state = 'draft' and statement_id";
    assert_eq!(world.count(&format!("{kept} = {draft}")).await, 1);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get("/billing").await.text;
    let form = [("csrf", token(&page)), ("reason", "made for a test".to_owned())];
    assert_eq!(browser.post(&format!("/statements/{draft}/discard"), &form).await.status, 303);
    assert_eq!(bill(&world, "2026-10").await.0, Summary { drawn: 1, skipped: 0, failed: 0 });
    assert_eq!(world.count(&format!("{kept} <> {draft}")).await, 1, "all days that are left");
}

async fn versions(world: World) {
    let tenant = world.tenant("a").await;
    let first = contract(&world, &tenant, "C-1", terms()).await;
    // From November on by quarters that begin then.
    let mut quarters = terms();
    quarters.period = PeriodRule { every: Every::Quarter, day: 1, first_month: 2 };
    let json = serde_json::to_string(&quarters).expect("terms");
    let november = month(11).start.0;
    let second = format!(
        "insert into contract_version (reseller_id, contract_id, version, valid_from, terms, created_at, person_id)
            select reseller_id, contract_id, 2, {november}, '{json}', created_at, person_id from contract_version
            where contract_id = {first} and version = 1"
    );
    world.change(&second).await;
    // Another one begins in November.
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let later = move |portal: &portal::Portal| {
        setup::contract(portal, &reseller, customer, "C-2", &terms(), (month(11).start, person)).expect("a contract");
    };
    world.setup(later).await;
    let (summary, seen) = bill(&world, "2026-10").await;
    assert_eq!(summary, Summary { drawn: 1, skipped: 0, failed: 0 }, "{seen:?}");
    assert_eq!(seen[0].0, "C-1");
    let october = format!(
        "select count(*) from statement where contract_id = {first} and version = 1 and period_end = {november}"
    );
    assert_eq!(world.count(&october).await, 1);
    let (summary, seen) = bill(&world, "2026-11").await;
    assert_eq!(summary, Summary { drawn: 2, skipped: 0, failed: 0 }, "{seen:?}");
    let quarter = format!("select count(*) from statement where contract_id = {first} and version = 2");
    assert_eq!(world.count(&quarter).await, 1);
    // No quarter begins in December.
    world.set_now(at("2026-12-12T12:00:00Z"));
    let (summary, seen) = bill(&world, "2026-12").await;
    assert_eq!((summary.drawn, summary.failed), (1, 0), "{seen:?}");
}

async fn left(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let reseller = tenant.reseller.clone();
    let leave = move |portal: &portal::Portal| {
        let on = Day::parse("2026-10-31").expect("a day");
        let exit = Some(ExitFact { on, noticed: None, breach: false });
        let events = Events { exit, ..Events::default() };
        setup::event(portal, &reseller, contract, &events, None).expect("kept");
    };
    world.setup(leave).await;
    assert_eq!(bill(&world, "2026-10").await.0, Summary { drawn: 1, skipped: 0, failed: 0 });
    assert_eq!(bill(&world, "2026-11").await.0, Summary::default());
    // It was said by mistake.
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/contracts/{contract}/events");
    let page = browser.get(&path).await.text;
    let event = between(&page, "name=\"withdraw\" value=\"", "\"").expect("a way back").to_owned();
    let form = [("csrf", token(&page)), ("withdraw", event)];
    assert_eq!(browser.post(&path, &form).await.status, 303);
    assert_eq!(bill(&world, "2026-11").await.0, Summary { drawn: 1, skipped: 0, failed: 0 });
}

async fn long_run(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    for tenant in [&tenant, &other] {
        contract(&world, tenant, "C-1", terms()).await;
    }
    let hour = 3_600_000;
    let started = NOW.0 - 3 * hour;
    let heard = NOW.0 - 5 * 60_000;
    let running = format!(
        "insert into bill_run
            (reseller_id, run_id, period, state, started_at, went_on_at, contracts, done, failed, words)
            select reseller_id, 7, '2026-10', 'running', {started}, {heard}, 9, 5, 0, '' from reseller
            where name = 'a'"
    );
    world.change(&running).await;
    let october = Month::parse("2026-10").expect("a month");
    let begin = move |portal: &portal::Portal| setup::bill(portal, october, None, &mut |_| {});
    let refused = world.setup(begin).await.expect_err("it runs");
    assert!(refused.to_string().starts_with("a: A billing run is under way."), "{refused}");
    // That of one reseller keeps nobody else's statements back.
    let drawn = "select count(*) from statement join reseller on reseller.reseller_id = statement.reseller_id
        where reseller.name = 'b' and statement.state = 'draft'";
    assert_eq!(world.count(drawn).await, 1);
    world.change(&format!("update bill_run set went_on_at = {} where run_id = 7", NOW.0 - 2 * hour)).await;
    assert_eq!(world.setup(begin).await.expect("the other one was interrupted").drawn, 2);
}

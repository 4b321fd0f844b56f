//! The life of statements: numbers without gaps, nothing issued that changes, late jobs, corrections, payers, and
//! the evidence of what was issued.

use crate::books::{
    DAY, at, billed, bundle, contract, correct, document, draw, issue, month, opened, printed, settled, terms, text,
};
use crate::world::{NOW, World, both};
use billing::clauses::payers::{PayerRow, Payers};
use billing::{Clause, DocumentKind, Money, Statement};
use portal::setup;
use report::{Instant, Share};

both! {
    numbers_have_no_gap_and_no_double_whatever_fails_beside_them => numbers;
    numbers_go_on_from_a_later_one_and_never_go_back => forward;
    nothing_that_was_issued_is_changed_by_any_act => unchanged;
    a_job_that_arrives_late_is_settled_by_a_line_of_the_next_statement_and_once_only => late;
    a_period_is_corrected_as_often_as_something_is_outstanding => corrected;
    documents_of_several_payers_are_issued_together => payers;
    the_evidence_of_an_issued_statement_proves_it_and_an_altered_digit_is_named => proved;
    a_printer_put_in_from_a_past_day_is_settled_on_the_next_statement => put_in;
    what_is_drawn_corrected_and_issued_at_once_is_charged_once => at_once;
    evidence_is_made_without_the_agents_secrets => secrets;
}

async fn numbers(world: World) {
    let tenant = world.tenant("a").await;
    let mut statements = Vec::new();
    for number in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"] {
        let contract = contract(&world, &tenant, number, terms()).await;
        statements.push(draw(&world, &tenant, contract, month(10)).await);
    }
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let threads = move |portal: &portal::Portal| {
        let tried = std::sync::Mutex::new(0_usize);
        std::thread::scope(|scope| {
            for thread in 0..8_usize {
                let (statements, tried, reseller) = (&statements, &tried, &reseller);
                // Each statement is tried by two threads: one of them fails, and leaves no trace in the numbers.
                scope.spawn(move || {
                    for (place, statement) in statements.iter().enumerate() {
                        if place % 4 == thread % 4 {
                            let done = setup::approve(portal, reseller, *statement, person).is_ok();
                            *tried.lock().expect("no panic holds it") += usize::from(done);
                        }
                    }
                });
            }
        });
        tried.into_inner().expect("no panic holds it")
    };
    assert_eq!(world.setup(threads).await, 12);
    assert_eq!(world.count("select count(distinct number) from statement").await, 12);
    assert_eq!(world.count("select min(number) from statement").await, 1);
    assert_eq!(world.count("select max(number) from statement").await, 12);
    assert_eq!(world.count("select next_number from numbering").await, 13);
    assert_eq!(world.count("select count(*) from statement where name = 'S-0012'").await, 1);
}

async fn forward(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
    let go_on = |reseller: &'static str, next: i64| {
        world.setup(move |portal| setup::number_from(portal, reseller, next).map_err(|error| error.to_string()))
    };
    for next in [-1, 0, 1, i64::MAX] {
        let refused = go_on("a", next).await.expect_err("it goes back, or nowhere");
        assert!(refused.contains("say a number from 2 to"), "{refused}");
    }
    let names = |was: &str, is: &str| Ok((was.to_owned(), is.to_owned()));
    assert_eq!(go_on("a", 151).await, names("S-0002", "S-0151"));
    assert_eq!(go_on("a", 151).await, names("S-0151", "S-0151"));
    assert!(go_on("a", 150).await.is_err());
    assert!(go_on("A", 200).await.is_err_and(|words| words.contains("no reseller is called 'A'")));
    world.set_now(Instant(NOW.0 + 20 * DAY));
    let november = draw(&world, &tenant, contract, month(11)).await;
    issue(&world, &tenant, november).await;
    assert_eq!(document(&world, &tenant, november).await.number.as_deref(), Some("S-0151"));
}

async fn unchanged(world: World) {
    let (tenant, mut sender, contract, statement) = billed(&world).await;
    let issued = text(&world, &tenant, statement).await;
    let known: Statement = serde_json::from_str(&issued).expect("a document");
    assert_eq!(known.number.as_deref(), Some("S-0001"));
    assert_eq!((known.issued_at, known.net), (Some(NOW), Money(25_000)));
    assert_eq!(known.due.map(|day| day.to_string()).as_deref(), Some("2026-12-22"));
    world.report(&mut sender, &printed(7, Instant(NOW.0 - 60_000), &[("2026-10-06T08:00:00Z", 100)])).await;
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let acts = move |portal: &portal::Portal| {
        let refused = [
            setup::approve_only(portal, &reseller, statement, person).is_err(),
            setup::issue(portal, &reseller, statement, person).is_err(),
            setup::reopen(portal, &reseller, statement, person, "I was wrong.").is_err(),
            setup::statement(portal, &reseller, contract, month(10)).is_err(),
            setup::correct(portal, &reseller, statement, person, " ").is_err(),
        ];
        let notes = setup::correct(portal, &reseller, statement, person, "A job was missing.").expect("corrected");
        setup::approve(portal, &reseller, notes[0], person).expect("issued");
        refused
    };
    assert_eq!(world.setup(acts).await, [true; 5]);
    assert_eq!(text(&world, &tenant, statement).await, issued);
    assert_eq!(world.count("select count(*) from statement where state = 'corrected' and number = 1").await, 1);
    assert_eq!(world.count("select count(*) from statement where state = 'issued' and number = 2").await, 1);
}

async fn late(world: World) {
    let (tenant, mut sender, contract, october) = billed(&world).await;
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert!(settled(&document(&world, &tenant, november).await).is_empty());
    let late = printed(7, Instant(NOW.0 - 3_600_000), &[("2026-10-20T08:00:00Z", 100)]);
    world.report(&mut sender, &late).await;
    world.set_now(Instant(NOW.0 + 20 * DAY));
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert_eq!(world.count("select count(*) from statement").await, 2);
    let drawn = document(&world, &tenant, november).await;
    assert_eq!(settled(&drawn), [("S-0001".to_owned(), 1_400)]);
    assert_eq!(drawn.net, Money(18_000 + 1_400));
    issue(&world, &tenant, november).await;
    // Settled once: neither a correction nor the next statement finds it again.
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    let december = draw(&world, &tenant, contract, month(12)).await;
    assert!(settled(&document(&world, &tenant, december).await).is_empty());
    let (before, after) = (bundle(&world, &tenant, october).await, bundle(&world, &tenant, november).await);
    let verdict = evidence::verify(&after, None, Some(&before)).expect("it holds, and follows");
    // The line for October follows from October's records, and not from somebody's word.
    assert_eq!((verdict.number.as_str(), verdict.settled, verdict.unsigned), ("S-0002", Money(1_400), Money(0)));
}

async fn corrected(world: World) {
    let (tenant, mut sender, contract, october) = billed(&world).await;
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    let mut billed = document(&world, &tenant, october).await.total.0;
    for (minutes, finished, metres) in [(50, "2026-10-20T08:00:00Z", 100), (40, "2026-10-21T08:00:00Z", 30)] {
        let late = printed(7, Instant(NOW.0 - minutes * 60_000), &[(finished, metres)]);
        world.report(&mut sender, &late).await;
        let first = correct(&world, &tenant, october).await;
        // A draft that was not issued is drawn up anew, not once more.
        let notes = correct(&world, &tenant, october).await;
        assert_eq!((first.len(), notes.len()), (1, 1));
        let note = document(&world, &tenant, notes[0]).await;
        assert_eq!((note.kind, note.net), (DocumentKind::Debit, Money(metres * 14)));
        issue(&world, &tenant, notes[0]).await;
        billed += note.total.0;
        assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
        evidence::verify(&bundle(&world, &tenant, notes[0]).await, None, None).expect("the note holds");
    }
    // 180.00 + 630 m² × 0.14 = 268.20, and 21 %; each note rounds its own tax.
    assert!((billed - 32_452).abs() <= 1, "{billed}");
    // A note that is drawn up and a line of the next statement never both stand.
    world.report(&mut sender, &printed(7, Instant(NOW.0 - 60_000), &[("2026-10-22T08:00:00Z", 50)])).await;
    world.set_now(Instant(NOW.0 + 20 * DAY));
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert_eq!(settled(&document(&world, &tenant, november).await), [("S-0001".to_owned(), 700)]);
    let notes = correct(&world, &tenant, october).await;
    issue(&world, &tenant, notes[0]).await;
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let stale = move |portal: &portal::Portal| setup::approve(portal, &reseller, november, person).is_err();
    assert!(world.setup(stale).await, "the same difference would be charged twice");
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert!(settled(&document(&world, &tenant, november).await).is_empty());
}

async fn payers(world: World) {
    let tenant = world.tenant("a").await;
    let mut terms = terms();
    let row = PayerRow { clause: String::new(), party: "Leasing Bank".to_owned(), share: Share(400_000) };
    terms.clauses.insert(2, Clause::Payers(Payers { rows: vec![row] }));
    let contract = contract(&world, &tenant, "C-1", terms).await;
    let statement = draw(&world, &tenant, contract, month(10)).await;
    assert_eq!(world.count("select count(*) from statement where state = 'draft'").await, 2);
    issue(&world, &tenant, statement).await;
    assert_eq!(world.count("select count(*) from statement where state = 'issued'").await, 2);
    assert_eq!(world.count("select net from statement where number = 1 and payer = ''").await, 10_800);
    assert_eq!(world.count("select net from statement where number = 2 and payer = 'Leasing Bank'").await, 7_200);
    let verdict = evidence::verify(&bundle(&world, &tenant, statement).await, None, None).expect("it holds");
    assert_eq!(verdict.total, Money(21_780));
}

async fn proved(world: World) {
    let tenant = world.tenant("a").await;
    let (mut north, mut south) = (world.agent(&tenant).await, world.agent(&tenant).await);
    let earlier = printed(7, Instant(NOW.0 - 2 * DAY), &[("2026-10-05T08:00:00Z", 300)]);
    world.report(&mut north, &earlier).await;
    world.report(&mut north, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-06T08:00:00Z", 200)])).await;
    world.report(&mut south, &printed(8, Instant(NOW.0 - DAY), &[("2026-10-07T08:00:00Z", 120)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    // One more printer, which is in no contract.
    world.report(&mut south, &printed(9, Instant(NOW.0 - DAY), &[("2026-10-08T08:00:00Z", 77)])).await;
    let statement = draw(&world, &tenant, contract, month(10)).await;
    let reseller = tenant.reseller.clone();
    let early = world.setup(move |portal| setup::bundle(portal, &reseller, statement).expect("asked")).await;
    assert_eq!(early, None, "a draft has no evidence file");
    issue(&world, &tenant, statement).await;
    let file = bundle(&world, &tenant, statement).await;
    let verdict = evidence::verify(&file, None, None).expect("it holds");
    assert_eq!((verdict.number.as_str(), verdict.total), ("S-0001", Money(32_283)));
    let text = String::from_utf8(file).expect("text");
    assert!(!text.contains("\"annex\""), "a personal row stands in the file");
    let altered = text.replacen("\"total\":32283", "\"total\":32284", 1);
    assert_ne!(altered, text);
    let findings = evidence::verify(altered.as_bytes(), None, None).expect_err("altered");
    let named = findings.iter().find(|finding| finding.at == "statement.total");
    let named = named.map(|finding| (finding.says.as_str(), finding.should.as_str()));
    assert_eq!(named, Some(("32284", "32283")), "{findings:?}");
}

async fn put_in(world: World) {
    let (tenant, mut sender, contract) = opened(&world).await;
    // Another printer is read, and is in no contract.
    world.report(&mut sender, &printed(8, Instant(NOW.0 - DAY), &[("2026-10-07T08:00:00Z", 100)])).await;
    world.set_now(Instant(NOW.0 + DAY));
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
    world.set_now(Instant(NOW.0 + 2 * DAY));
    let free = "select printer_id from printer where printer_id not in (select printer_id from contract_printer)";
    let (free, reseller) = (world.count(free).await, tenant.reseller.clone());
    let put_in = move |portal: &portal::Portal| {
        setup::assign(portal, &reseller, contract, free, at("2026-10-05T00:00:00Z")).expect("assigned");
    };
    world.setup(put_in).await;
    world.set_now(Instant(NOW.0 + 20 * DAY));
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert_eq!(settled(&document(&world, &tenant, november).await), [("S-0001".to_owned(), 1_400)]);
}

async fn at_once(world: World) {
    let (tenant, mut sender, contract, october) = billed(&world).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - 3_600_000), &[("2026-10-20T08:00:00Z", 100)])).await;
    world.set_now(Instant(NOW.0 + 20 * DAY));
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let acts = move |portal: &portal::Portal| {
        let reseller = &reseller;
        // Whoever comes too late is refused: any answer is right, as long as nothing is charged twice.
        std::thread::scope(|scope| {
            for thread in 0..6_usize {
                scope.spawn(move || {
                    for _ in 0..4 {
                        let made = if thread % 2 == 0 {
                            setup::statement(portal, reseller, contract, month(11)).map(|made| vec![made])
                        } else {
                            setup::correct(portal, reseller, october, person, "A job was missing.")
                        };
                        for statement in made.unwrap_or_default() {
                            let _ = setup::approve(portal, reseller, statement, person);
                        }
                    }
                });
            }
        });
        if let Ok(november) = setup::statement(portal, reseller, contract, month(11)) {
            setup::approve(portal, reseller, november, person).expect("nobody is there any more");
        }
        for note in setup::correct(portal, reseller, october, person, "Is anything open?").expect("rated again") {
            setup::approve(portal, reseller, note, person).expect("nobody is there any more");
        }
    };
    world.setup(acts).await;
    let charged = "select cast(sum(net) as bigint) from statement where state in ('issued', 'corrected')";
    // 180.00 and 600 m² for October, 180.00 for November.
    assert_eq!(world.count(charged).await, 18_000 + 8_400 + 18_000);
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    let numbers = "select max(number) - count(number) from statement";
    assert_eq!(world.count(numbers).await, 0, "a number is missing");
}

async fn secrets(world: World) {
    let (tenant, _, _, statement) = billed(&world).await;
    // As with another key file: what is sealed does not open.
    world.change("update agent_key set sealed_secret = transcript").await;
    let file = bundle(&world, &tenant, statement).await;
    evidence::verify(&file, None, None).expect("it holds");
}

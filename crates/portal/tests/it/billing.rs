//! The life of statements: numbers without gaps, nothing issued that changes, red lines, corrections, payers,
//! the evidence of what was issued, and the billing run.

use crate::world::{NOW, Tenant, World, between, both, report, token};
use billing::clauses::estimates::{Estimates, MethodRow};
use billing::clauses::payers::{PayerRow, Payers};
use billing::{
    BaseFee, Clause, Currency, Day, DocumentKind, EstimateFact, Events, Every, Evidence, ExitFact, Meter, MeterKind,
    Method, Money, Month, Pattern, Period, PeriodRule, Price, PriceList, Statement, Step, Tax, Terms, UnitPrice,
};
use portal::setup::{self, Outcome, Progress, Summary};
use report::{Area, Category, Instant, JobStatus, Report, Share};

both! {
    numbers_have_no_gap_and_no_double_whatever_fails_beside_them => numbers;
    numbers_go_on_from_a_later_one_and_never_go_back => forward;
    nothing_that_was_issued_is_changed_by_any_act => unchanged;
    a_printer_that_was_not_read_to_the_end_holds_its_statement_up_until_somebody_signs_why => red;
    a_job_that_arrives_late_is_settled_by_a_line_of_the_next_statement_and_once_only => late;
    an_estimate_that_a_reading_replaces_is_settled_by_a_note => estimated;
    a_printer_without_a_history_is_estimated_by_the_mean_of_its_model => modelled;
    a_period_is_corrected_as_often_as_something_is_outstanding => corrected;
    documents_of_several_payers_are_issued_together => payers;
    the_evidence_of_an_issued_statement_proves_it_and_an_altered_digit_is_named => proved;
    a_run_draws_up_every_contract_and_one_that_fails_stops_nothing => run;
    a_statement_over_a_part_of_a_month_does_not_hide_the_rest_from_the_run => part;
    a_month_is_billed_by_the_version_that_is_in_force_at_its_end => versions;
    a_contract_that_was_left_is_not_due_any_more => left;
    a_run_that_was_not_heard_of_for_an_hour_is_over_and_a_long_one_is_not => long_run;
    a_printer_put_in_from_a_past_day_is_settled_on_the_next_statement => put_in;
    what_is_drawn_corrected_and_issued_at_once_is_charged_once => at_once;
    evidence_is_made_without_the_agents_secrets => secrets;
}

const M2: i64 = 1_000_000;
const DAY: i64 = 86_400_000;

fn at(text: &str) -> Instant {
    Instant::parse(text).expect("a timestamp")
}

fn month(number: i8) -> Period {
    Period::calendar_month(2026, number, "Europe/Berlin").expect("a month")
}

fn price(pattern: &str, price: &str) -> Price {
    Price::new(Pattern::parse(pattern).expect("a pattern"), UnitPrice::parse(price).expect("a price"))
}

/// 180.00 a month, 0.14 for a square metre of monochrome lines, VAT 21 %.
fn terms() -> Terms {
    let mut terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
    terms.clauses = vec![
        Clause::BaseFee(BaseFee { amount: Money(18_000), ..BaseFee::default() }),
        Clause::PriceList(PriceList { prices: vec![price("area-printed/mono-line", "0.14")] }),
        Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() }),
    ];
    terms
}

/// 1.00 for a square metre of media by the counter, estimated where readings are missing.
fn counted() -> Terms {
    let mut terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
    terms.clauses = vec![
        Clause::Estimates(Estimates { rows: vec![MethodRow { method: Method::Daily30 }], days: 0 }),
        Clause::PriceList(PriceList { prices: vec![price("area-media", "1.00")] }),
    ];
    terms.evidence.insert(MeterKind::AreaMedia, Evidence::Counter);
    terms
}

/// A report of the printer of `seed` with jobs of so many square metres of monochrome lines.
fn printed(seed: u64, read_at: Instant, jobs: &[(&str, i64)]) -> Report {
    let finished: Vec<Instant> = jobs.iter().map(|(finished, _)| at(finished)).collect();
    let mut report = report(seed, read_at, &finished);
    for ((job, _), (_, metres)) in report.jobs.iter_mut().zip(jobs) {
        job.status = Some(JobStatus::Printed);
        let print = job.print.as_mut().expect("a print job");
        let area = Some(Area(metres * M2));
        print.printed_area = area;
        print.categories.truncate(1);
        print.categories[0].category = Category::new("mono-line");
        print.categories[0].printed_area = area;
        print.categories[0].media_area = area;
    }
    report
}

/// A reading of the printer of `seed` whose counter of media shows so many square metres.
fn counter(seed: u64, read_at: Instant, metres: i64) -> Report {
    let mut report = report(seed, read_at, &[]);
    report.usage.media_area = Some(Area(metres * M2));
    report
}

/// A contract with all printers of the tenant's customer, from October on.
async fn contract(world: &World, tenant: &Tenant, number: &'static str, terms: Terms) -> i64 {
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    world
        .setup(move |portal| {
            let start = month(10).start;
            let made = setup::contract(portal, &reseller, customer, number, &terms, (start, person));
            let contract = made.expect("a contract");
            for (printer, _) in setup::printers(portal, &reseller, customer).expect("printers") {
                setup::assign(portal, &reseller, contract, printer, start).expect("assigned");
            }
            contract
        })
        .await
}

async fn draw(world: &World, tenant: &Tenant, contract: i64, period: Period) -> i64 {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::statement(portal, &reseller, contract, period).expect("drawn up")).await
}

/// Approves and issues; red printers are signed for.
async fn issue(world: &World, tenant: &Tenant, statement: i64) {
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    world.setup(move |portal| setup::approve(portal, &reseller, statement, person).expect("issued")).await;
}

async fn text(world: &World, tenant: &Tenant, statement: i64) -> String {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::document(portal, &reseller, statement).expect("kept")).await
}

async fn document(world: &World, tenant: &Tenant, statement: i64) -> Statement {
    serde_json::from_str(&text(world, tenant, statement).await).expect("a document")
}

async fn correct(world: &World, tenant: &Tenant, statement: i64) -> Vec<i64> {
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let again = move |portal: &portal::Portal| setup::correct(portal, &reseller, statement, person, "Looked again.");
    world.setup(again).await.expect("rated again")
}

async fn bundle(world: &World, tenant: &Tenant, statement: i64) -> Vec<u8> {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::bundle(portal, &reseller, statement).expect("made").expect("issued")).await
}

/// The one note there is.
async fn only_note(world: &World) -> i64 {
    assert_eq!(world.count("select count(*) from statement where kind <> 'statement'").await, 1);
    world.count("select statement_id from statement where kind <> 'statement'").await
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
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let statement = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, statement).await;
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

async fn red(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    // Read last on 20 October.
    world.report(&mut sender, &printed(7, at("2026-10-20T10:00:00Z"), &[("2026-10-05T08:00:00Z", 10)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let statement = draw(&world, &tenant, contract, month(10)).await;
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let acts = move |portal: &portal::Portal| {
        let refused = setup::approve_only(portal, &reseller, statement, person).expect_err("nobody signed");
        assert!(refused.to_string().contains("is late. It was last read 2026-10-20"), "{refused}");
        let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0];
        assert!(setup::sign(portal, &reseller, statement, printer, person, "").is_err());
        assert!(setup::sign(portal, &reseller, statement, printer + 1, person, "It is off.").is_err());
        setup::sign(portal, &reseller, statement, printer, person, "It is off.").expect("signed");
        assert!(setup::sign(portal, &reseller, statement, printer, person, "Twice.").is_err());
        setup::approve_only(portal, &reseller, statement, person).expect("approved");
        // Approved is not issued: it may be made a draft again, with a reason.
        assert!(setup::reopen(portal, &reseller, statement, person, "").is_err());
        setup::reopen(portal, &reseller, statement, person, "The price is wrong.").expect("a draft again");
        assert!(setup::issue(portal, &reseller, statement, person).is_err());
        setup::approve_only(portal, &reseller, statement, person).expect("approved");
        setup::issue(portal, &reseller, statement, person).expect("issued")
    };
    assert_eq!(world.setup(acts).await, "S-0001");
    assert_eq!(world.count("select count(*) from readiness_sign").await, 1);
    assert_eq!(world.count("select count(*) from statement_event").await, 5);
}

/// The lines that settle another period: the number they refer to and the amount.
fn settled(statement: &Statement) -> Vec<(String, i64)> {
    let lines = statement.lines.iter().filter(|line| line.step == Some(Step::Adjustments));
    let of = lines.map(|line| {
        let number = line.refers.as_ref().map(|refers| refers.number.clone()).unwrap_or_default();
        (number, line.amount.unwrap_or_default().0)
    });
    of.collect()
}

async fn late(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
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
    assert_eq!(verdict.number, "S-0002");
}

async fn estimated(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &counter(7, at("2026-09-30T10:00:00Z"), 1_000)).await;
    world.report(&mut sender, &counter(7, at("2026-10-21T12:00:00Z"), 1_300)).await;
    let contract = contract(&world, &tenant, "C-1", counted()).await;
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    let estimate = move |portal: &portal::Portal| {
        let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0];
        let span = Period::new(at("2026-10-21T12:00:00Z"), month(10).end).expect("a span");
        let fact = EstimateFact {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            span,
            quantity: 100 * M2,
            method: Method::Daily30,
            basis: "300.00 m² in 30 days".to_owned(),
        };
        setup::estimate(portal, &reseller, printer, &fact, None).expect("kept");
    };
    world.setup(estimate).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    assert_eq!(document(&world, &tenant, october).await.net, Money(40_000));
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let acts = move |portal: &portal::Portal| {
        // An estimate is no red line.
        setup::approve_only(portal, &reseller, october, person).expect("approved");
        setup::issue(portal, &reseller, october, person).expect("issued")
    };
    assert_eq!(world.setup(acts).await, "S-0001");
    // 90 m² in 360 hours, of which 251 lie in October: 62.75 m² stood where 100 were estimated.
    world.report(&mut sender, &counter(7, at("2026-11-05T12:00:00Z"), 1_390)).await;
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert!(settled(&document(&world, &tenant, november).await).is_empty());
    let note = only_note(&world).await;
    let drawn = document(&world, &tenant, note).await;
    assert_eq!((drawn.kind, drawn.total), (DocumentKind::Credit, Money(-3_725)));
    issue(&world, &tenant, note).await;
    assert_eq!(world.count("select count(*) from statement where state = 'corrected'").await, 1);
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    evidence::verify(&bundle(&world, &tenant, note).await, None, None).expect("the note holds");
}

async fn modelled(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    // Its own jobs are no part of the mean.
    world.report(&mut sender, &counter(7, at("2026-06-30T10:00:00Z"), 900)).await;
    let mut own = printed(7, at("2026-09-30T10:00:00Z"), &[("2026-08-10T08:00:00Z", 900)]);
    own.usage.media_area = Some(Area(1_000 * M2));
    world.report(&mut sender, &own).await;
    // Read until the first instant of 12 October in Berlin: 20 days are missing.
    world.report(&mut sender, &counter(7, at("2026-10-11T22:00:00Z"), 1_100)).await;
    let mut terms = counted();
    terms.clauses[0] = Clause::Estimates(Estimates { rows: vec![MethodRow { method: Method::Model }], days: 0 });
    let contract = contract(&world, &tenant, "C-1", terms).await;
    // Printers of the model: two more here, and one of another reseller, which is none of ours.
    let stranger = world.tenant("b").await;
    let mut foreign = world.agent(&stranger).await;
    model_use(&world, &mut sender, 1, 92).await;
    model_use(&world, &mut sender, 2, 184).await;
    model_use(&world, &mut foreign, 4, 9_000).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = "/billing/2026-10/estimate";
    let form = [("csrf", token(&browser.get("/billing").await.text)), ("contract", contract.to_string())];
    let none = browser.post(path, &form).await;
    assert_eq!(none.status, 200, "{}", none.text);
    for said in ["Nothing was estimated.", "No mean of the model W3Z72A", "Known: 2."] {
        assert!(none.text.contains(said), "{said}: {}", none.text);
    }
    assert_eq!(world.count("select count(*) from estimate").await, 0);
    model_use(&world, &mut sender, 3, 276).await;
    let made = browser.post(path, &form).await;
    assert_eq!((made.status, made.location.as_str()), (303, "/billing/2026-10?done=estimated"));
    // 92 + 184 + 276 m² by three printers in 92 days are 2 m² a day.
    let basis = "552.00 m² by 3 other printers of the model in the 92 days before 2026-09-30T22:00:00Z, ÷ 3, × 20/92";
    let kept = format!(
        "select count(*) from estimate where meter = 'area-media' and media = '' and method = 'model'
        and quantity = 40000000 and basis = '{basis}' and withdrawn_at is null"
    );
    assert_eq!(world.count(&kept).await, 1);
    let october = world.count("select statement_id from statement").await;
    assert_eq!(document(&world, &tenant, october).await.net, Money(14_000));
}

/// The printer of `seed` is read before July and after September, and printed so many square metres in between;
/// as many more before and after count nothing.
async fn model_use(world: &World, sender: &mut protocol::sender::Sender, seed: u64, metres: i64) {
    world.report(sender, &report(seed, at("2026-06-30T10:00:00Z"), &[])).await;
    let jobs = [
        ("2026-06-30T12:00:00Z", metres),
        ("2026-07-02T08:00:00Z", metres / 4),
        ("2026-09-29T08:00:00Z", metres - metres / 4),
        ("2026-10-01T08:00:00Z", metres),
    ];
    world.report(sender, &printed(seed, at("2026-10-02T10:00:00Z"), &jobs)).await;
}

async fn corrected(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
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

async fn run(world: World) {
    let (north, south) = (world.tenant("north").await, world.tenant("south").await);
    let mut contracts = Vec::new();
    for (tenant, number) in [(&north, "C-1"), (&north, "C-2"), (&north, "C-3"), (&south, "C-1")] {
        contracts.push(contract(&world, tenant, number, terms()).await);
    }
    // Days within October were billed by themselves: the month cannot be billed over them.
    let days = Period::new(at("2026-10-05T00:00:00Z"), at("2026-10-15T00:00:00Z")).expect("a period");
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

async fn part(world: World) {
    let tenant = world.tenant("a").await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let middle = at("2026-10-15T22:00:00Z");
    let first = Period::new(month(10).start, middle).expect("a period");
    let statement = draw(&world, &tenant, contract, first).await;
    issue(&world, &tenant, statement).await;
    // It starts as October does, and is not October.
    let (summary, seen) = bill(&world, "2026-10").await;
    assert_eq!(summary, Summary { drawn: 0, skipped: 0, failed: 1 });
    assert_eq!(words(&seen[0].1), "S-0001 covers a part of it; bill the rest by its days.");
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let board = browser.get("/billing/2026-10?show=look").await.text;
    assert!(board.contains("billed in part") && board.contains("S-0001 covers a part of it"), "{board}");
    let rest = Period::new(middle, month(10).end).expect("a period");
    let statement = draw(&world, &tenant, contract, rest).await;
    issue(&world, &tenant, statement).await;
    let (summary, seen) = bill(&world, "2026-10").await;
    assert_eq!(summary, Summary { drawn: 0, skipped: 1, failed: 0 });
    assert_eq!(words(&seen[0].1), "S-0001 and S-0002 cover it already.");
    let board = browser.get("/billing/2026-10?show=issued").await.text;
    assert!(board.contains("S-0001 and S-0002"), "{board}");
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
    let tenant = world.tenant("a").await;
    contract(&world, &tenant, "C-1", terms()).await;
    let hour = 3_600_000;
    let started = NOW.0 - 3 * hour;
    let heard = NOW.0 - 5 * 60_000;
    let running = format!(
        "insert into bill_run
            (reseller_id, run_id, period, state, started_at, went_on_at, contracts, done, failed, words)
            select reseller_id, 7, '2026-10', 'running', {started}, {heard}, 9, 5, 0, '' from reseller"
    );
    world.change(&running).await;
    let october = Month::parse("2026-10").expect("a month");
    let begin = move |portal: &portal::Portal| setup::bill(portal, october, None, &mut |_| {});
    let refused = world.setup(begin).await.expect_err("it runs");
    assert!(refused.to_string().contains("under way"), "{refused}");
    world.change(&format!("update bill_run set went_on_at = {}", NOW.0 - 2 * hour)).await;
    assert_eq!(world.setup(begin).await.expect("the other one was interrupted").drawn, 1);
}

async fn put_in(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
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
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
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
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", terms()).await;
    let statement = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, statement).await;
    // As with another key file: what is sealed does not open.
    world.change("update agent_key set sealed_secret = transcript").await;
    let file = bundle(&world, &tenant, statement).await;
    evidence::verify(&file, None, None).expect("it holds");
}

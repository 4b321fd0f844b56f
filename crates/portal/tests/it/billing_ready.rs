//! What of a month is ready to be billed: printers that were not read to its end, estimates in their place, and what
//! becomes of these.

use crate::books::{
    DAY, M2, at, bundle, contract, correct, document, draw, euros, issue, month, price, printed, printed_as, settled,
    terms,
};
use crate::world::{NOW, World, both, report, token};
use billing::clauses::coverage::{By, Coverage, CustomRow};
use billing::clauses::estimates::{Estimates, MethodRow};
use billing::{
    Clause, DocumentKind, EstimateFact, Evidence, Meter, MeterKind, Method, Money, Period, PriceList, Tax, Terms,
};
use portal::setup;
use protocol::sender::Sender;
use report::{Area, Category, Instant, Limit, Report, Share};

both! {
    a_printer_that_was_not_read_to_the_end_holds_its_statement_up_until_somebody_signs_why => red;
    an_estimate_that_a_reading_replaces_is_settled_by_a_note => estimated;
    a_printer_without_a_history_is_estimated_by_the_mean_of_its_model => modelled;
    an_estimate_that_cannot_be_made_is_not_said_to_be => impossible;
    limits_that_differ_from_the_contracts_stand_on_the_board_with_what_they_cost => drift;
    limits_that_changed_are_pointed_out_with_since_when_until_they_are_the_contracts_again => changed;
}

/// 1.00 for a square metre of media by the counter, estimated where readings are missing.
fn counted() -> Terms {
    let mut terms = euros(vec![
        Clause::Estimates(Estimates { rows: vec![MethodRow { method: Method::Daily30 }], days: 0 }),
        Clause::PriceList(PriceList { prices: vec![price("area-media", "1.00")] }),
    ]);
    terms.evidence.insert(MeterKind::AreaMedia, Evidence::Counter);
    terms
}

/// A reading of the printer of `seed` whose counter of media shows so many square metres.
fn counter(seed: u64, read_at: Instant, metres: i64) -> Report {
    let mut report = report(seed, read_at, &[]);
    report.usage.media_area = Some(Area(metres * M2));
    report
}

/// The one note there is.
async fn only_note(world: &World) -> i64 {
    assert_eq!(world.count("select count(*) from statement where kind <> 'statement'").await, 1);
    world.count("select statement_id from statement where kind <> 'statement'").await
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
        assert!(refused.to_string().contains("is late. It was last read 20 Oct 2026"), "{refused}");
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
async fn model_use(world: &World, sender: &mut Sender, seed: u64, metres: i64) {
    world.report(sender, &report(seed, at("2026-06-30T10:00:00Z"), &[])).await;
    let jobs = [
        ("2026-06-30T12:00:00Z", metres),
        ("2026-07-02T08:00:00Z", metres / 4),
        ("2026-09-29T08:00:00Z", metres - metres / 4),
        ("2026-10-01T08:00:00Z", metres),
    ];
    world.report(sender, &printed(seed, at("2026-10-02T10:00:00Z"), &jobs)).await;
}

async fn impossible(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    // Read once: no days before tell what it usually counts.
    world.report(&mut sender, &counter(7, at("2026-10-21T12:00:00Z"), 1_300)).await;
    let contract = contract(&world, &tenant, "C-1", counted()).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut form = vec![("csrf", token(&browser.get("/billing").await.text)), ("contract", contract.to_string())];
    let path = "/billing/2026-10/estimate";
    let none = browser.post(path, &form).await;
    assert!(none.text.contains("Nothing was estimated: no way of the contract"), "{}", none.text);
    assert_eq!((none.status, world.count("select count(*) from estimate").await), (200, 0));
    // What names no printer is not taken for all of them.
    form.push(("printer", "T930".to_owned()));
    assert_eq!(browser.post(path, &form).await.status, 404);
}

/// A contract with limits of 10 % and 50 %, whose printer has 45 % and so calls 14 m² of 48 % coverage high density;
/// gives the board of October.
async fn drifted(world: &World, name: &'static str, by: By) -> String {
    let tenant = world.tenant(name).await;
    let mut sender = world.agent(&tenant).await;
    let mut first = report(7, at("2026-10-02T10:00:00Z"), &[]);
    let mut later = printed_as("high-density", 7, Instant(NOW.0 - DAY), &[("2026-10-12T08:00:00Z", 14)]);
    for (job, _) in &mut later.jobs {
        let print = job.print.as_mut().expect("a print job");
        (print.non_white, print.colour) = (Some(Share(480_000)), Some(Share(120_000)));
    }
    for said in [&mut first, &mut later] {
        for threshold in &mut said.settings.thresholds {
            if threshold.category == Category::new("low-density") {
                threshold.limit = Limit::PixelShare(Share(450_000));
            }
        }
        world.report(&mut sender, said).await;
    }
    let prices = vec![price("area-printed/low-density", "0.95"), price("area-printed/high-density", "2.60")];
    let coverage = Clause::Coverage(Coverage { by, ..Coverage::default() });
    // Of 0 %: without any the board would ask.
    let tax = Clause::Tax(Tax { name: "VAT".to_owned(), ..Tax::default() });
    let terms = euros(vec![coverage, Clause::PriceList(PriceList { prices }), tax]);
    let contract = contract(world, &tenant, "C-1", terms).await;
    draw(world, &tenant, contract, month(10)).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    browser.get("/billing/2026-10").await.text
}

async fn drift(world: World) {
    // W22, and it is no red line.
    let board = drifted(&world, "a", By::Printer).await;
    for said in ["36.40", "the same work costs 23.10 EUR more", "Approve 1 without questions"] {
        assert!(board.contains(said), "{said}: {board}");
    }
    // What the contract sorts by its own limits costs no more, whatever the printer says.
    let board = drifted(&world, "b", By::Pinned).await;
    assert!(board.contains("13.30") && !board.contains("category limits"), "{board}");
}

async fn changed(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let limits = |read_at: &str, low_density: i64| {
        let mut said = report(7, at(read_at), &[]);
        for threshold in &mut said.settings.thresholds {
            if threshold.category == Category::new("low-density") {
                threshold.limit = Limit::PixelShare(Share(low_density));
            }
        }
        said
    };
    world.report(&mut sender, &limits("2026-10-02T10:00:00Z", 500_000)).await;
    // The limits and the paper that the printer says.
    let rows = vec![CustomRow { media: "Blueprint".to_owned(), category: "blueprint".to_owned() }];
    let coverage = Clause::Coverage(Coverage { rows, ..Coverage::default() });
    let prices = vec![price("area-printed", "0.95")];
    let terms = euros(vec![coverage, Clause::PriceList(PriceList { prices })]);
    contract(&world, &tenant, "C-1", terms).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (none, since) = ("Every printer sorts as before.", "since 12 Oct 2026");
    assert!(browser.get("/").await.text.contains(none));
    world.report(&mut sender, &limits("2026-10-12T10:00:00Z", 450_000)).await;
    // Something else that changes moves no limits.
    let mut other = limits("2026-11-02T10:00:00Z", 450_000);
    other.settings.accessories.clear();
    world.report(&mut sender, &other).await;
    for path in ["/", "/contracts"] {
        let page = browser.get(path).await.text;
        assert!(page.contains(since) && !page.contains(none), "{path}: {page}");
    }
    world.report(&mut sender, &limits("2026-11-20T10:00:00Z", 500_000)).await;
    assert!(browser.get("/").await.text.contains(none));
    assert!(!browser.get("/contracts").await.text.contains(since));
}

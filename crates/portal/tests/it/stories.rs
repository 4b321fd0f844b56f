//! Stories of people: from signing in to a statement whose lines open to jobs.

use crate::world::{Browser, NOW, PASSWORD, Page, Tenant, World, between, both, pack, report, token};
use billing::{Allowance, BaseFee, Clause, Currency, Money, Pattern, Period, Price, PriceList, Tax, Terms, UnitPrice};
use portal::setup::{self, Role};
use protocol::message::{AgentKind, AlertNotice, Beat, Said, Trouble};
use protocol::package::{self, PrinterIdentity};
use protocol::receipt::{Answer, Settings};
use protocol::sender::Sender;
use protocol::{MESSAGES_PATH, PACKAGES_PATH};
use report::{Alert, Area, Instant, Severity};
use std::collections::BTreeMap;

both! {
    a_statement_s_line_opens_to_jobs_whose_sum_equals_it => statement;
    a_statement_is_approved_once_and_numbered_without_gaps => approval;
    a_reseller_works_from_customer_to_statement_through_the_pages => by_hand;
    a_form_of_another_session_changes_nothing => forged;
    signing_in_needs_the_right_password_and_tries_are_limited => sign_in;
    a_cell_that_looks_like_a_formula_is_exported_as_text => formula;
    an_operator_sees_no_tenant_data => operator;
    an_agent_s_page_says_how_it_does_and_what_it_said => agent_page;
    what_people_ask_of_an_agent_reaches_it_at_its_next_contact => asked;
    a_suspended_agent_s_data_waits_in_quarantine_and_a_revoked_one_s_is_not_taken => quarantine;
    a_printer_that_was_only_seen_waits_for_a_person => seen;
    a_printer_in_a_contract_takes_part => contracted;
    an_alert_that_came_by_itself_stands_on_its_printer_s_page => alerted;
    policies_that_differ_are_pointed_out_and_shown_to_the_customer => policies;
}

/// W1's terms: base 180.00 with 400 m² mono lines; 0.14, 0.32, 0.95, 2.60; VAT 21 %.
pub(crate) fn terms() -> Terms {
    let currency = Currency::parse("EUR").expect("known");
    let pattern = |text: &str| Pattern::parse(text).expect("a pattern");
    let price = |meter: &str, price: &str| Price::new(pattern(meter), UnitPrice::parse(price).expect("a price"));
    let mut terms = Terms::new(currency, "Europe/Berlin");
    terms.clauses = vec![
        Clause::BaseFee(BaseFee { amount: Money(18_000), ..BaseFee::default() }),
        Clause::Allowance(Allowance {
            covers: vec![pattern("area-printed/mono-line")],
            included: 400_000_000,
            ..Allowance::default()
        }),
        Clause::PriceList(PriceList {
            prices: vec![
                price("area-printed/mono-line", "0.14"),
                price("area-printed/colour-line", "0.32"),
                price("area-printed/low-density", "0.95"),
                price("area-printed/high-density", "2.60"),
            ],
        }),
        Clause::Tax(Tax { name: "VAT".to_owned(), rate: report::Share(210_000), ..Tax::default() }),
    ];
    terms
}

/// Jobs of October in W1's amounts: 520 mono, 140 colour lines, 60 low, 22.5 high, in m².
const W1: &[(&str, i64)] = &[
    ("mono-line", 300_000_000),
    ("mono-line", 220_000_000),
    ("colour-line", 140_000_000),
    ("low-density", 60_000_000),
    ("high-density", 22_500_000),
];

/// A tenant whose printer printed W1 in October 2026, with a contract and the draft of its statement.
pub(crate) async fn w1(world: &World) -> (Tenant, i64, i64) {
    w1_read_at(world, Instant(NOW.0 - 86_400_000)).await
}

/// The same, with a printer that was read at `read_at` and never since.
pub(crate) async fn w1_read_at(world: &World, read_at: Instant) -> (Tenant, i64, i64) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let start = Instant::parse("2026-10-05T08:00:00Z").expect("a timestamp");
    let finished: Vec<Instant> =
        (0..W1.len()).map(|day| Instant(start.0 + i64::try_from(day).expect("small") * 86_400_000)).collect();
    let mut report = report(7, read_at, &finished);
    for ((job, _), (category, area)) in report.jobs.iter_mut().zip(W1) {
        printed(job, category, Area(*area));
    }
    world.report(&mut sender, &report).await;
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let (contract, statement) = world
        .setup(move |portal| {
            let period = Period::calendar_month(2026, 10, "Europe/Berlin").expect("a month");
            let contract = setup::contract(portal, &reseller, customer, "C-112", &terms(), (period.start, person))
                .expect("a contract");
            let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0];
            setup::assign(portal, &reseller, contract, printer, period.start).expect("assigned");
            (contract, setup::statement(portal, &reseller, contract, period).expect("drawn up"))
        })
        .await;
    (tenant, contract, statement)
}

/// Makes a job print so much of one category.
pub(crate) fn printed(job: &mut report::Job, category: &str, area: Area) {
    let print = job.print.as_mut().expect("a print job");
    print.printed_area = Some(area);
    print.media = Some("Bond 80 g".to_owned());
    print.categories.truncate(1);
    print.categories[0].category = report::Category::new(category);
    print.categories[0].printed_area = Some(area);
    print.categories[0].media_area = Some(area);
}

async fn statement(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/statements/{statement}")).await;
    assert_eq!(page.status, 200);
    for amount in ["16.80", "44.80", "57.00", "58.50", "357.10", "74.99", "432.09"] {
        assert!(page.text.contains(amount), "{amount} is missing");
    }
    // Each line that names a quantity leads to jobs with that total.
    let mut lines = 0;
    for part in page.text.split("data-quantity=\"").skip(1) {
        let quantity = part.split('"').next().expect("a quantity");
        let link = between(part, "href=\"/jobs?", "\"").expect("the line's jobs");
        let link = link.replace("&amp;", "&").replace("&#38;", "&");
        let jobs = browser.get(&format!("/jobs?{link}")).await;
        let total = between(&jobs.text, "data-total=\"", "\"").unwrap_or_else(|| panic!("no total at /jobs?{link}"));
        assert_eq!(total, quantity, "/jobs?{link}");
        lines += 1;
    }
    assert_eq!(lines, 4);
    let csv = browser.get(&format!("/statements/{statement}/export.csv")).await;
    assert_eq!(csv.status, 200);
    assert!(csv.text.contains("16.80"), "{}", csv.text);
}

async fn approval(world: World) {
    let (tenant, contract, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/statements/{statement}")).await;
    let form = [("csrf", token(&page.text))];
    assert_eq!(browser.post(&format!("/statements/{statement}/approve"), &form).await.status, 303);
    assert_eq!(browser.post(&format!("/statements/{statement}/approve"), &form).await.status, 409);
    assert_eq!(world.count("select count(*) from statement where number is not null").await, 0);
    assert_eq!(browser.post(&format!("/statements/{statement}/issue"), &form).await.status, 303);
    assert_eq!(browser.post(&format!("/statements/{statement}/issue"), &form).await.status, 409);
    // An issued statement is never drawn up again.
    let again = [("csrf", token(&page.text)), ("period", "2026-10".to_owned())];
    assert_eq!(browser.post(&format!("/contracts/{contract}/statements"), &again).await.status, 409);
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let early = Period::calendar_month(2026, 11, "Europe/Berlin").expect("a month");
    let (own, then) = (tenant.reseller.clone(), tenant.person);
    world
        .setup(move |portal| {
            let draft = setup::statement(portal, &own, contract, early).expect("drawn up");
            assert!(setup::approve(portal, &own, draft, then).is_err(), "approved before its period ended");
        })
        .await;
    world.set_now(Instant(NOW.0 + 20 * 86_400_000));
    world
        .setup(move |portal| {
            let period = Period::calendar_month(2026, 9, "Europe/Berlin").expect("a month");
            let second = setup::statement(portal, &reseller, contract, period);
            // The contract's first version begins in October: there is nothing to bill by.
            assert!(second.is_err());
            let period = Period::calendar_month(2026, 11, "Europe/Berlin").expect("a month");
            let third = setup::statement(portal, &reseller, contract, period).expect("drawn up");
            setup::approve(portal, &reseller, third, person).expect("approved");
        })
        .await;
    assert_eq!(world.count("select count(distinct number) from statement where number in (1, 2)").await, 2);
}

async fn by_hand(world: World) {
    let tenant = world.tenant("nord").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let csrf = token(&browser.get("/customers/new").await.text);
    let form = [
        ("csrf", csrf.clone()),
        ("name", "Amt 61".to_owned()),
        ("site", "Plotraum".to_owned()),
        ("zone", "Nowhere/At_All".to_owned()),
    ];
    let wrong = browser.post("/customers/new", &form).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("Amt 61"), "what was typed is kept");
    let form = [
        ("csrf", csrf.clone()),
        ("name", "Amt 61".to_owned()),
        ("site", "Plotraum".to_owned()),
        ("zone", "Europe/Berlin".to_owned()),
    ];
    let made = browser.post("/customers/new", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let customer = made.location.trim_start_matches("/customers/").split('?').next().expect("an id").to_owned();
    let file = browser.post(&format!("/customers/{customer}/agents"), &[("csrf", csrf.clone())]).await;
    assert_eq!(file.status, 200);
    let file: protocol::enrol::EnrolmentFile = serde_json::from_str(&file.text).expect("an enrolment file");
    assert_eq!(file.customer, "Amt 61");
    let page = browser.get("/contracts/new").await;
    assert!(page.text.contains("Amt 61"));
    let text = |text: &str| text.to_owned();
    let mut form = vec![
        ("csrf", csrf.clone()),
        ("customer", customer.clone()),
        ("name", text("C-9")),
        ("currency", text("EUR")),
        ("zone", text("Europe/Berlin")),
        ("starts", text("2026-10-01")),
        ("clauses.1.word", text("base-fee")),
        ("clauses.1.amount", text("180.00")),
        ("clauses.2.word", text("allowance")),
        ("clauses.2.covers", text("area-printed/mono-line")),
        ("clauses.2.included", text("400")),
        ("clauses.3.word", text("price-list")),
        ("clauses.3.prices.1.pattern", text("area-printed/mono-line")),
        ("clauses.3.prices.1.price", text("0.1.4")),
        ("clauses.4.word", text("tax")),
        ("clauses.4.name", text("VAT")),
        ("clauses.4.rate", text("21")),
    ];
    let wrong = browser.post("/contracts/new", &form).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("0.1.4"), "what was typed is kept");
    form.iter_mut().filter(|(name, _)| name.ends_with("prices.1.price")).for_each(|(_, value)| *value = text("0.14"));
    let made = browser.post("/contracts/new", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let contract = made.location.split('?').next().expect("an address").to_owned();
    let page = browser.get(&contract).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("0.14"), "the price is shown");
    let drawn = browser.post(&format!("{contract}/statements"), &[("csrf", csrf), ("period", text("2026-10"))]).await;
    assert_eq!(drawn.status, 303, "{}", drawn.text);
    let page = browser.get(drawn.location.split('?').next().expect("an address")).await;
    assert!(page.text.contains("180.00"), "the base fee is charged");
}

async fn forged(world: World) {
    let tenant = world.tenant("nord").await;
    let other = world.tenant("other").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let foreign = token(&world.browser(&other.reseller_email()).await.get("/customers/new").await.text);
    for csrf in [String::new(), "x".to_owned(), foreign] {
        let form = [
            ("csrf", csrf),
            ("name", "Amt".to_owned()),
            ("site", "x".to_owned()),
            ("zone", "Europe/Berlin".to_owned()),
        ];
        assert_eq!(browser.post("/customers/new", &form).await.status, 403);
    }
    assert_eq!(world.count("select count(*) from customer").await, 2);
}

async fn sign_in(world: World) {
    let tenant = world.tenant("nord").await;
    let mut browser = Browser::anonymous(&world);
    let page = browser.get("/printers").await;
    assert_eq!((page.status, page.location.as_str()), (303, "/sign-in?next=/printers"));
    let csrf = token(&browser.get("/sign-in?next=/printers").await.text);
    let form = |password: &str, next: &str| {
        [
            ("csrf", csrf.clone()),
            ("next", next.to_owned()),
            ("email", tenant.reseller_email()),
            ("password", password.to_owned()),
        ]
    };
    let wrong = browser.post("/sign-in", &form("wrong", "/printers")).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(browser.get("/printers").await.status, 303);
    // An address elsewhere is no place to go on to.
    let right = browser.post("/sign-in", &form(PASSWORD, "//evil.example/")).await;
    assert_eq!(right.status, 303);
    assert!(right.location.starts_with('/') && !right.location.starts_with("//"), "{}", right.location);
    assert_eq!(browser.get("/printers").await.status, 200);
    let mut guesser = Browser::anonymous(&world);
    let csrf = token(&guesser.get("/sign-in").await.text);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let form = [
            ("csrf", csrf.clone()),
            ("next", "/".to_owned()),
            ("email", tenant.customer_email()),
            ("password", "guess".to_owned()),
        ];
        statuses.push(guesser.post("/sign-in", &form).await.status);
    }
    assert_eq!(statuses[11], 429, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 0);
}

async fn formula(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let mut report = report(7, NOW, &[Instant(NOW.0 - 3_600_000)]);
    report.jobs[0].0.personal.name = Some("=cmd|' /C calc'!A0".to_owned());
    world.report(&mut sender, &report).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let csv = browser.get("/jobs.csv").await;
    assert!(csv.text.contains("'=cmd"), "{}", csv.text);
    assert!(!csv.text.contains(",=cmd") && !csv.text.contains("\"=cmd"), "{}", csv.text);
}

async fn operator(world: World) {
    let (tenant, _, _) = w1(&world).await;
    world
        .setup(|portal| setup::person(portal, Role::Operator, "o@portal.test", "Olga", PASSWORD).expect("a person"))
        .await;
    let mut browser = world.browser("o@portal.test").await;
    let page = browser.get("/operator").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("Kessler"), "a customer's name is tenant data");
    assert!(!page.text.contains(&tenant.reseller_email()));
    let form = [
        ("csrf", token(&page.text)),
        ("reseller", "Meridiano".to_owned()),
        ("name", "Fe".to_owned()),
        ("email", "first@meridiano.test".to_owned()),
    ];
    let made = browser.post("/operator/resellers", &form).await;
    assert!(made.status == 200 || made.status == 303, "{} {}", made.status, made.text);
    assert_eq!(world.count("select count(*) from reseller").await, 2);
}

fn hours(hours: i64) -> Instant {
    Instant(NOW.0 + hours * 3_600_000)
}

/// What an agent in good health says of itself.
fn beat() -> Beat {
    Beat {
        at: NOW,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: "pc-7".to_owned(),
        kind: AgentKind::Collector,
        settings_version: 1,
        interval_minutes: 180,
        records_waiting: 0,
        packages_waiting: 0,
        oldest_waiting: None,
        spool_bytes: 20_480,
        addresses: 16,
        printers: 1,
        failed: 0,
        paused: false,
        consents: Vec::new(),
        troubles: Vec::new(),
        privacy: policy("drop"),
    }
}

fn policy(user_name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("job-name".to_owned(), "drop".to_owned()),
        ("user-name".to_owned(), user_name.to_owned()),
        ("timestamps".to_owned(), "minute".to_owned()),
    ])
}

/// Says something and gives the settings that come back, where they are newer.
async fn say(world: &World, sender: &mut Sender, said: Said) -> Option<Settings> {
    let request = sender.message(said, &world.surroundings);
    match world.exchange(sender, MESSAGES_PATH, &request).await {
        (_, Some(Answer::Heard { settings, .. })) => settings,
        (status, other) => panic!("{status} {other:?}"),
    }
}

/// Posts a form as a person of the reseller.
async fn send(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get("/printers").await.text))];
    form.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
    browser.post(path, &form).await
}

fn holds(page: &Page, all: &[&str]) {
    for words in all {
        assert!(page.text.contains(words), "{words} is missing: {}", page.text);
    }
}

async fn agent_page(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let address = format!("/agents/{}", sender.agent);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/agents").await, &["Provisioned", "Data Collector", "never"]);
    world.report(&mut sender, &report(7, NOW, &[])).await;
    holds(&browser.get("/agents").await, &["Running", "Nothing to do.", "just now"]);
    let trouble = Trouble { printer: Some("CN7".to_owned()), what: "its certificate changed".to_owned() };
    let said = Beat {
        at: Instant(NOW.0 + 600_000),
        records_waiting: 42,
        packages_waiting: 3,
        oldest_waiting: Some(hours(-2)),
        consents: vec!["read 192.0.2.0/28".to_owned()],
        troubles: vec![trouble],
        ..beat()
    };
    say(&world, &mut sender, Said::Beat(Box::new(said))).await;
    let page = browser.get(&address).await;
    holds(&page, &["pc-7", "10 min ahead", "2 h ago", "by a one-time file", "20 KB", "cut to the minute"]);
    holds(&page, &["approval at the customer", "read 192.0.2.0/28", "CN7: its certificate changed"]);
    holds(&browser.get("/agents").await, &["42", "Something waits for approval"]);
    say(&world, &mut sender, Said::Beat(Box::new(Beat { paused: true, ..beat() }))).await;
    holds(&browser.get("/agents").await, &["Paused", "1 needs somebody"]);
    world.set_now(hours(7));
    holds(&browser.get(&address).await, &["Late 7 h"]);
    world.set_now(hours(25));
    holds(&browser.get(&address).await, &["Silent 25 h"]);
    holds(&browser.get("/").await, &["Agents", "pc-7 · Kessler Architekten", "Silent 25 h"]);
    holds(&browser.get("/customers").await, &["its agent needs somebody"]);
}

async fn asked(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let address = format!("/agents/{}", sender.agent);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    assert!(say(&world, &mut sender, Said::Beat(Box::new(beat()))).await.is_none(), "nothing was asked yet");
    let typed = [("ranges", "192.0.2.10\r\n192.0.2.300"), ("excluded", "192.0.2.11")];
    let wrong = send(&mut browser, &format!("{address}/ranges"), &typed).await;
    assert_eq!(wrong.status, 422);
    holds(&wrong, &["Line 2: “192.0.2.300” is neither an IP address", "192.0.2.11"]);
    let wrong = send(&mut browser, &format!("{address}/interval"), &[("minutes", "5")]).await;
    assert_eq!(wrong.status, 422);
    let typed = [("ranges", "192.0.2.10\r\n192.0.2.40 - 192.0.2.60"), ("excluded", "192.0.2.50")];
    let acts: [(&str, &[(&str, &str)]); 5] = [
        ("ranges", &typed),
        ("interval", &[("minutes", "60")]),
        ("collect", &[]),
        ("lease", &[("name", "hall")]),
        ("personal", &[("drop", "yes")]),
    ];
    for (act, fields) in acts {
        let page = send(&mut browser, &format!("{address}/{act}"), fields).await;
        assert_eq!(page.status, 303, "{act}: {}", page.text);
        let flash = browser.get(&page.location).await;
        assert!(flash.text.contains("next contact"), "{act} says what happens");
    }
    let settings = say(&world, &mut sender, Said::Beat(Box::new(beat()))).await.expect("they are newer");
    assert_eq!(settings.ranges, ["192.0.2.10", "192.0.2.40-192.0.2.60"]);
    assert_eq!(settings.excluded, ["192.0.2.50"]);
    assert_eq!((settings.interval_minutes, settings.collect, settings.drop_personal), (60, 1, true));
    let page = browser.get(&address).await;
    holds(&page, &["Settings changed", "Ada", "192.0.2.40-192.0.2.60", "the newer ones wait for its next contact"]);
    let applied = Beat { settings_version: settings.version, interval_minutes: 60, ..beat() };
    say(&world, &mut sender, Said::Beat(Box::new(applied))).await;
    holds(&browser.get(&address).await, &["the newest", "reads for “hall”"]);
}

async fn quarantine(world: World) {
    const JOBS: &str = "select count(*) from job";
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let (address, state) = (format!("/agents/{}", sender.agent), format!("/agents/{}/state", sender.agent));
    let mut browser = world.browser(&tenant.reseller_email()).await;
    world.report(&mut sender, &report(7, hours(-3), &[hours(-4)])).await;
    // Nobody does this by a slip.
    for (change, words) in [("suspend", "Tick the box first"), ("revoke", "Tick the box first"), ("x", "Choose what")] {
        let page = send(&mut browser, &state, &[("change", change)]).await;
        assert_eq!(page.status, 422, "{change}");
        holds(&page, &[words]);
    }
    assert_eq!(send(&mut browser, &state, &[("change", "resume")]).await.status, 409);
    assert_eq!(send(&mut browser, &state, &[("change", "suspend"), ("sure", "yes")]).await.status, 303);
    holds(&browser.get("/agents").await, &["Suspended", "1 needs somebody"]);
    let kept = world.report(&mut sender, &report(7, hours(-1), &[hours(-2)])).await;
    assert!(matches!(kept, Answer::Accepted { .. }), "{kept:?}");
    holds(&browser.get(&address).await, &["in quarantine, not counted"]);
    assert_eq!(world.count(JOBS).await, 1);
    assert_eq!(send(&mut browser, &state, &[("change", "resume")]).await.status, 303);
    assert_eq!(world.count(JOBS).await, 2);
    let page = browser.get(&address).await;
    assert!(!page.text.contains("in quarantine"), "{}", page.text);
    assert_eq!(send(&mut browser, &state, &[("change", "revoke"), ("sure", "yes")]).await.status, 303);
    let page = browser.get(&address).await;
    holds(&page, &["Revoked", "State changed", "Ada"]);
    assert!(!page.text.contains("name=\"change\""), "nothing brings it back");
    let late = pack(&mut sender, &report(7, NOW, &[NOW]), &world.surroundings);
    let request = sender.upload(&late, "late", &world.surroundings);
    let (_, answer) = world.exchange(&sender, PACKAGES_PATH, &request).await;
    assert!(!matches!(answer, Some(Answer::Accepted { .. })), "{answer:?}");
    assert_eq!(world.count(JOBS).await, 2);
}

/// A printer that `sender` found and of which it sent nothing but the identity.
async fn find(world: &World, tenant: &Tenant, sender: &mut Sender) -> (i64, String) {
    let found = report(9, NOW, &[]);
    let draft = package::seen_record(&found.configuration, NOW, None).expect("a sample has a serial number");
    let compressed = sender.pack(&[&draft], &[], &world.surroundings);
    let answer = world.upload(sender, &compressed).await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    let mut printers = world.setup(move |portal| setup::printers(portal, &reseller, customer).expect("printers")).await;
    printers.pop().expect("the one that was found")
}

async fn seen(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let (printer, serial) = find(&world, &tenant, &mut sender).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/printers?filter=seen").await, &["Seen, not participating", &serial, "Seen 1"]);
    for filter in ["silent", "no-contract"] {
        holds(&browser.get(&format!("/printers?filter={filter}")).await, &["No printer fits"]);
    }
    holds(&browser.get("/").await, &["1 printer was seen and is not read"]);
    let address = format!("/printers/{printer}");
    holds(&browser.get(&address).await, &["Seen, not participating", "Let it take part"]);
    let customer = format!("/customers/{}", tenant.customer);
    let page = browser.get(&customer).await;
    holds(&page, &[&serial, &format!("{address}/participation"), "Seen, not participating"]);
    let act = format!("{address}/participation");
    let marked = send(&mut browser, &act, &[("part", "yes"), ("back", "customer")]).await;
    assert_eq!((marked.status, marked.location), (303, format!("{customer}?done=participating")));
    holds(&browser.get(&address).await, &["It takes part", "Never read"]);
    assert!(!browser.get("/").await.text.contains("was seen and is not read"));
    let stopped = send(&mut browser, &act, &[("part", "no")]).await;
    assert_eq!((stopped.status, stopped.location), (303, format!("{address}?done=stopped")));
    holds(&browser.get(&address).await, &["Capture stopped", "take part again"]);
    holds(&browser.get(&customer).await, &["value=\"listed\" selected", "capture stopped"]);
    let all = send(&mut browser, &format!("{customer}/participation"), &[("who", "all")]).await;
    assert_eq!(all.status, 303);
    holds(&browser.get(&customer).await, &["value=\"all\" selected"]);
    // The ways in that need something from the printer's side say what is missing, and do nothing.
    let digits = [("serial", serial.as_str()), ("digits", "48291")];
    let page = send(&mut browser, &format!("{customer}/agents/panel"), &digits).await;
    assert_eq!(page.status, 422);
    holds(&page, &["Type the 6 digits", &serial]);
    let unknown = [("factory_serial", serial.as_str()), ("label", "9f3a 0000 0000 0000")];
    let page = send(&mut browser, &format!("{customer}/agents/factory"), &unknown).await;
    assert_eq!(page.status, 422);
    holds(&page, &["No printer with that serial number and label"]);
}

async fn contracted(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let (printer, _) = find(&world, &tenant, &mut sender).await;
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let contract = world
        .setup(move |portal| {
            setup::contract(portal, &reseller, customer, "C-7", &terms(), (hours(-2000), person)).expect("a contract")
        })
        .await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let printer_id = printer.to_string();
    let form = [("printer", printer_id.as_str()), ("from", "2026-11-01")];
    let page = send(&mut browser, &format!("/contracts/{contract}/printers"), &form).await;
    assert_eq!(page.status, 303, "{}", page.text);
    holds(&browser.get(&format!("/printers/{printer}")).await, &["It takes part", "C-7"]);
}

async fn alerted(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let read = report(7, hours(-1), &[]);
    world.report(&mut sender, &read).await;
    world.set_now(Instant(NOW.0 + 60_000));
    let alert = Alert {
        code: "79:04".to_owned(),
        severity: Severity::Severe,
        text: Some("The carriage is <blocked>".to_owned()),
        since: Some(NOW),
        ..Alert::default()
    };
    let printer = PrinterIdentity::of(&read.configuration).expect("a sample has a serial number");
    let notice = AlertNotice { printer, read_at: NOW, alert };
    say(&world, &mut sender, Said::Alerts(vec![notice])).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let id = only_printer(&world, &tenant).await;
    let page = browser.get(&format!("/printers/{id}")).await;
    holds(&page, &["The carriage is &#60;blocked&#62;", "79:04"]);
    holds(&browser.get("/printers?filter=alerts").await, &[&format!("/printers/{id}")]);
}

async fn only_printer(world: &World, tenant: &Tenant) -> String {
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    let printers = world.setup(move |portal| setup::printers(portal, &reseller, customer).expect("printers")).await;
    printers[0].0.to_string()
}

async fn policies(world: World) {
    let tenant = world.tenant("nord").await;
    let (mut one, mut other) = (world.agent(&tenant).await, world.agent(&tenant).await);
    let customer = format!("/customers/{}", tenant.customer);
    say(&world, &mut one, Said::Beat(Box::new(beat()))).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    assert!(!browser.get(&customer).await.text.contains("treat this differently"));
    say(&world, &mut other, Said::Beat(Box::new(Beat { privacy: policy("pseudonym"), ..beat() }))).await;
    holds(&browser.get(&customer).await, &["treat this differently: User name."]);
    let mut own = world.browser(&tenant.customer_email()).await;
    let page = own.get("/my").await;
    holds(&page, &["pc-7", "replaced by a pseudonym", "cut to the minute", "kept"]);
    assert!(!page.text.contains("/agents"), "it is for reading only");
}

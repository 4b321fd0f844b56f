//! Stories of what people say of readings: why a counter fell, readings by hand, units, imports, swaps and moves.

use crate::books;
use crate::stories::terms;
use crate::world::{Browser, NOW, Page, Tenant, World, between, both, minutes, report, token};
use billing::{Clause, Currency, Evidence, MeterKind, Money, Pattern, Period, Price, PriceList, Terms, UnitPrice};
use portal::setup;
use protocol::sender::Sender;
use report::{Instant, RowId, Source};

both! {
    a_counter_that_fell_is_settled_by_a_person_and_taken_back => settled;
    a_value_that_was_wrong_is_left_out_and_waits_again_when_that_is_taken_back => misread;
    a_value_that_was_wrong_when_a_period_began_is_left_out_on_both_sides => misread_at_an_edge;
    a_value_that_was_too_high_when_a_period_ended_is_given_back_and_billed_once => spiked;
    a_jump_between_interfaces_is_not_billed_when_its_decision_is_taken_back => jumped;
    a_person_says_which_interface_a_counter_follows => followed;
    a_break_in_readings_by_hand_is_settled_like_any_other => by_hand_only;
    a_break_in_numbers_with_a_declared_unit_is_settled_like_any_other => declared_only;
    a_number_by_another_firmware_falls_by_its_own_unit => declared_by_firmware;
    a_break_is_nobody_else_s => strangers_breaks;
    an_odd_reading_by_hand_needs_a_reason_and_is_withdrawn => by_hand;
    a_customer_enters_readings_for_its_own_printers_only => by_customer;
    a_unit_is_declared_by_comparing_and_withdrawn => units;
    an_import_keeps_nothing_before_it_is_taken => imported;
    a_reading_that_the_printer_contradicts_is_settled_where_it_counts => contradicted;
    another_system_s_quantities_stand_beside_ours => beside;
    a_printer_takes_another_one_s_place => swapped;
    a_printer_moves_once_a_day => moved;
}

/// Posts a form as somebody who is signed in; `home` is a page of theirs.
async fn send(browser: &mut Browser, (home, path): (&str, &str), fields: &[(&str, &str)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get(home).await.text))];
    form.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
    browser.post(path, &form).await
}

async fn post(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    send(browser, ("/printers", path), fields).await
}

fn holds(page: &Page, all: &[&str]) {
    for words in all {
        assert!(page.text.contains(words), "{words} is missing: {}", page.text);
    }
}

/// The printers of a tenant's customer: id and serial number.
async fn printers(world: &World, tenant: &Tenant) -> Vec<(String, String)> {
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    let found = world.setup(move |portal| setup::printers(portal, &reseller, customer).expect("printers")).await;
    found.into_iter().map(|(id, serial)| (id.to_string(), serial)).collect()
}

/// A tenant whose printer counted these pages, a reading every two hours.
async fn counted(world: &World, name: &'static str, pages: &[i64]) -> (Tenant, String, String) {
    let tenant = world.tenant(name).await;
    let mut sender = world.agent(&tenant).await;
    for (place, pages) in (0_i64..).zip(pages) {
        let mut report = report(7, minutes(place * 120), &[]);
        report.usage.pages = Some(*pages);
        world.report(&mut sender, &report).await;
    }
    let (printer, serial) = printers(world, &tenant).await.remove(0);
    (tenant, printer, serial)
}

/// The number of the row in which a form asks for a meter.
fn row_of(text: &str, meter: &str) -> String {
    let place = text.find(&format!("\" value=\"{meter}\">")).unwrap_or_else(|| panic!("no row of {meter}: {text}"));
    let start = text[..place].rfind("name=\"meter.").expect("its name") + "name=\"meter.".len();
    text[start..place].to_owned()
}

const DECISIONS: &str = "select count(*) from segment_decision";
const HAND: &str = "select count(*) from hand_reading where withdrawn_at is null";

async fn settled(world: World) {
    let (tenant, printer, _) = counted(&world, "nord", &[100, 140, 30, 35]).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get("/readings").await;
    holds(&page, &["1 counter waits", "140 pages → 30 pages", "The counter was reset"]);
    holds(&browser.get("/").await, &["Readings to settle", "not billed until then"]);
    let at = between(&page.text, "name=\"at\" value=\"", "\"").expect("which break").to_owned();
    let key = [("printer", printer.as_str()), ("meter", "pages"), ("media", ""), ("at", at.as_str())];
    let with = |more: &[(&'static str, &'static str)]| {
        key.iter().chain(more).map(|(name, value)| (*name, *value)).collect::<Vec<(&str, &str)>>()
    };
    // Wrong ones keep what was typed; looking decides nothing.
    for (more, words) in [
        (vec![], "Choose why the counter did not go on"),
        (vec![("reason", "rollover")], "after which value"),
        (vec![("reason", "rollover"), ("width", "120")], "showed more than that"),
        (vec![("reason", "reset"), ("counts_from", "31")], "less than that now"),
        (vec![("reason", "reset"), ("counts_from", "many")], "many"),
        (vec![("reason", "reset")], "Say how you know it."),
    ] {
        let page = post(&mut browser, "/readings", &with(&more)).await;
        assert_eq!(page.status, 422, "{more:?}");
        holds(&page, &[words]);
    }
    let looks = with(&[("act", "look"), ("width", "1000"), ("counts_from", "10")]);
    let look = post(&mut browser, "/readings", &looks).await;
    assert_eq!(look.status, 200);
    // 1000 - 140 + 30, and 30 - 10.
    holds(&look, &["890 pages", "20 pages"]);
    assert_eq!(world.count(DECISIONS).await, 0);
    let done = post(&mut browser, "/readings", &with(&[("reason", "reset"), ("note", "new firmware")])).await;
    assert_eq!((done.status, done.location.as_str()), (303, "/readings?done=decided"));
    let page = browser.get("/readings").await;
    holds(&page, &["0 counters wait", "No counter waits", "new firmware", "Ada", "Take back"]);
    holds(&browser.get(&format!("/printers/{printer}?tab=readings")).await, &["since reset on"]);
    holds(&browser.get(&format!("/printers/{printer}?tab=history")).await, &["Break of a counter decided"]);
    // Of two decisions the later one counts.
    world.set_now(Instant(NOW.0 + 60_000));
    let back = post(&mut browser, "/readings", &with(&[("reason", "decrease")])).await;
    assert_eq!(back.status, 303, "{}", back.text);
    holds(&browser.get("/readings").await, &["1 counter waits", "taken back"]);
    holds(&browser.get(&format!("/printers/{printer}?tab=readings")).await, &["nobody has said why yet"]);
    assert_eq!(world.count(DECISIONS).await, 2, "nothing is forgotten");
}

/// What October bills at 1.00 a page by the counter.
async fn billed(world: &World, tenant: &Tenant, contract: i64) -> i64 {
    let reseller = tenant.reseller.clone();
    let period = Period::calendar_month(2026, 10, "Europe/Berlin").expect("a month");
    let draft = world.setup(move |portal| setup::statement(portal, &reseller, contract, period).expect("drawn")).await;
    world.count(&format!("select net from statement where statement_id = {draft}")).await / 100
}

/// A contract from October on with the printers of a tenant.
async fn by_page(world: &World, tenant: &Tenant) -> i64 {
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let mut terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
    let price = Price::new(Pattern::parse("pages").expect("a pattern"), UnitPrice::parse("1.00").expect("a price"));
    terms.clauses = vec![Clause::PriceList(PriceList { prices: vec![price] })];
    terms.evidence.insert(MeterKind::Pages, Evidence::Counter);
    world
        .setup(move |portal| {
            let made = setup::contract(portal, &reseller, customer, "C-1", &terms, (october(0), person));
            let contract = made.expect("a contract");
            for (printer, _) in setup::printers(portal, &reseller, customer).expect("printers") {
                setup::assign(portal, &reseller, contract, printer, october(0)).expect("assigned");
            }
            contract
        })
        .await
}

/// So many hours after the beginning of October in Berlin.
fn october(hours: i64) -> Instant {
    let start = Instant::parse("2026-09-30T22:00:00Z").expect("a timestamp");
    Instant(start.0 + hours * 3_600_000)
}

/// A reading of pages in October over an interface.
async fn read_over(world: &World, sender: &mut Sender, (hour, pages): (i64, i64), interface: &str) {
    let mut report = report(7, october(hour), &[]);
    report.usage.pages = Some(pages);
    report.sources.insert(RowId::U15, Source { from: format!("{interface} Usage"), derived: false });
    world.report(sender, &report).await;
}

/// The break of the counter of pages that the page shows, with a reason and more.
async fn say(browser: &mut Browser, printer: &str, reason: &str, more: &[(&str, &str)]) -> Page {
    let address = format!("/readings?printer={printer}");
    let page = browser.get(&address).await;
    let at = between(&page.text, "name=\"at\" value=\"", "\"").unwrap_or_else(|| panic!("no break: {}", page.text));
    let at = at.to_owned();
    let key = [("printer", printer), ("meter", "pages"), ("media", ""), ("at", at.as_str()), ("reason", reason)];
    let note = [("note", "seen at its panel")];
    let form: Vec<(&str, &str)> = key.iter().chain(&note).chain(more).copied().collect();
    post(browser, "/readings", &form).await
}

async fn misread(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    for (hour, pages) in [(-2, 18_531), (24, 0), (25, 18_531), (48, 18_561), (750, 18_561)] {
        read_over(&world, &mut sender, (hour, pages), "piws").await;
    }
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let contract = by_page(&world, &tenant).await;
    assert_eq!(billed(&world, &tenant, contract).await, 30);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get("/readings").await;
    holds(&page, &["2 counters wait", "What was read until it came back was wrong", "It did count that much"]);
    // Of two decisions the later one counts.
    world.set_now(Instant(NOW.0 + 30_000));
    // The rise is no reset: nothing bills the counter's whole life again by a slip.
    assert_eq!(say(&mut browser, &printer, "reset", &[]).await.status, 422);
    assert_eq!(say(&mut browser, &printer, "misread", &[("note", "half a page")]).await.status, 303);
    // Said of the way back it holds for the fall too.
    holds(&browser.get("/readings").await, &["0 counters wait", "No counter waits", "readings that were wrong"]);
    assert_eq!(billed(&world, &tenant, contract).await, 30);
    holds(&browser.get(&format!("/printers/{printer}?tab=readings")).await, &["since misread on"]);
    world.set_now(Instant(NOW.0 + 60_000));
    let at = october(24).0.to_string();
    let back = [("printer", printer.as_str()), ("meter", "pages"), ("at", at.as_str()), ("reason", "decrease")];
    assert_eq!(post(&mut browser, "/readings", &back).await.status, 303);
    holds(&browser.get("/readings").await, &["2 counters wait", "taken back"]);
    assert_eq!(billed(&world, &tenant, contract).await, 30, "what waits is not billed");
}

async fn misread_at_an_edge(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    for (hour, pages) in [(-3, 18_531), (-1, 0), (1, 18_541), (48, 18_561), (750, 18_561)] {
        read_over(&world, &mut sender, (hour, pages), "piws").await;
    }
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let contract = by_page(&world, &tenant).await;
    assert_eq!(billed(&world, &tenant, contract).await, 20);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    world.set_now(Instant(NOW.0 + 30_000));
    assert_eq!(say(&mut browser, &printer, "misread", &[("note", "half a page")]).await.status, 303);
    holds(&browser.get("/readings").await, &["0 counters wait"]);
    assert_eq!(billed(&world, &tenant, contract).await, 30, "what was printed while it was wrong counts");
}

async fn spiked(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    // It shows too much from the end of October on.
    for (hour, pages) in [(-2, 18_531), (700, 999_999), (750, 1_000_002)] {
        read_over(&world, &mut sender, (hour, pages), "piws").await;
    }
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let contract = by_page(&world, &tenant).await;
    let billed = books::draw(&world, &tenant, contract, books::month(10)).await;
    books::issue(&world, &tenant, billed).await;
    assert_eq!(books::document(&world, &tenant, billed).await.net, Money(98_146_800));
    // And in November what is true.
    read_over(&world, &mut sender, (800, 18_560), "piws").await;
    world.set_now(Instant(NOW.0 + 30_000));
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(
        &browser.get("/readings").await,
        &[
            "1 counter waits",
            "1000002 pages → 18560 pages",
            "Had jumped",
            "from 18531 pages, read ",
            "What was read before it was too high, by mistake",
            "29 pages",
        ],
    );
    assert_eq!(say(&mut browser, &printer, "misread", &[]).await.status, 422, "it did not come back");
    assert_eq!(say(&mut browser, &printer, "spike", &[("note", "a display that blinked")]).await.status, 303);
    holds(&browser.get("/readings").await, &["0 counters wait", "readings before it that were too high"]);
    // What was read is kept, and shown as what it is.
    let kept = "select count(*) from reading where meter = 'pages' and value in (999999, 1000002)";
    assert_eq!(world.count(kept).await, 2);
    let history = browser.get(&format!("/printers/{printer}?tab=history")).await;
    holds(&history, &["Misread", "Pages: 999999 pages", "Pages: 1000002 pages", "counts nothing", "a display that"]);
    // The next statement gives October's jump back, and bills what was printed over its end once.
    world.set_now(october(1_480));
    read_over(&world, &mut sender, (1_470, 18_600), "piws").await;
    let november = books::draw(&world, &tenant, contract, books::month(11)).await;
    let document = books::document(&world, &tenant, november).await;
    assert_eq!(books::settled(&document), [("S-0001".to_owned(), -98_146_800)]);
    assert_eq!(document.net, Money(2_900 - 98_146_800));
    world.set_now(october(1_481));
    books::issue(&world, &tenant, november).await;
    let file = books::bundle(&world, &tenant, november).await;
    let verdict = evidence::verify(&file, None, None).expect("it holds");
    assert!(verdict.said.iter().any(|said| said.what == "decision" && said.detail.contains("spike")));
    world.set_now(october(1_482));
    assert_eq!(books::correct(&world, &tenant, november).await, Vec::<i64>::new(), "nothing is left to settle");
    // Taken back, it waits again.
    let at = october(800).0.to_string();
    let back = [("printer", printer.as_str()), ("meter", "pages"), ("at", at.as_str()), ("reason", "decrease")];
    world.set_now(october(1_490));
    let mut browser = world.browser(&tenant.reseller_email()).await;
    assert_eq!(post(&mut browser, "/readings", &back).await.status, 303);
    holds(&browser.get("/readings").await, &["1 counter waits", "taken back: it waits again"]);
    let history = browser.get(&format!("/printers/{printer}?tab=history")).await;
    assert!(!history.text.contains("Misread"), "{}", history.text);
}

async fn jumped(world: World) {
    let tenant = world.tenant("nord").await;
    let (mut one, mut other) = (world.agent(&tenant).await, world.agent(&tenant).await);
    read_over(&world, &mut one, (-2, 140), "piws").await;
    for (hour, pages) in [(200, 900), (300, 910), (750, 910)] {
        read_over(&world, &mut other, (hour, pages), "ledm").await;
    }
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let contract = by_page(&world, &tenant).await;
    assert_eq!(billed(&world, &tenant, contract).await, 10);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/readings").await, &["1 counter waits", "140 pages → 900 pages"]);
    world.set_now(Instant(NOW.0 + 30_000));
    assert_eq!(say(&mut browser, &printer, "anew", &[]).await.status, 303);
    holds(&browser.get("/readings").await, &["0 counters wait"]);
    assert_eq!(billed(&world, &tenant, contract).await, 10);
    world.set_now(Instant(NOW.0 + 60_000));
    let at = october(200).0.to_string();
    let back = [("printer", printer.as_str()), ("meter", "pages"), ("at", at.as_str()), ("reason", "decrease")];
    assert_eq!(post(&mut browser, "/readings", &back).await.status, 303);
    holds(&browser.get("/readings").await, &["1 counter waits", "taken back: it waits again"]);
    assert_eq!(billed(&world, &tenant, contract).await, 10, "the jump between the interfaces is no usage");
    world.set_now(Instant(NOW.0 + 120_000));
    assert_eq!(say(&mut browser, &printer, "goes-on", &[]).await.status, 303);
    assert_eq!(billed(&world, &tenant, contract).await, 770);
}

async fn followed(world: World) {
    let tenant = world.tenant("nord").await;
    let stranger = world.tenant("other").await;
    let (mut one, mut other) = (world.agent(&tenant).await, world.agent(&tenant).await);
    for hour in [-2, 30] {
        read_over(&world, &mut one, (hour, 2_000 + hour), "piws").await;
        read_over(&world, &mut other, (hour + 1, 500), "ledm").await;
    }
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(
        &browser.get("/readings").await,
        &["0 counters wait", "Follow ledm", "2030 pages over piws, 500 pages over ledm"],
    );
    let readings = format!("/printers/{printer}?tab=readings");
    holds(&browser.get(&readings).await, &["ledm shows 500 pages; it follows piws"]);
    let form = [("act", "follow"), ("printer", printer.as_str()), ("source", "piws"), ("other", "ledm")];
    let mut thief = world.browser(&stranger.reseller_email()).await;
    assert_eq!(post(&mut thief, "/readings", &form).await.status, 404);
    for other in ["snmp", "%", ""] {
        let unknown = [("act", "follow"), ("printer", printer.as_str()), ("source", "piws"), ("other", other)];
        assert_eq!(post(&mut browser, "/readings", &unknown).await.status, 409, "{other}");
    }
    assert_eq!(world.count("select count(*) from counter_source").await, 0);
    assert_eq!(post(&mut browser, "/readings", &form).await.status, 303);
    holds(&browser.get("/readings").await, &["follows ledm from its next reading on"]);
    holds(&browser.get(&format!("/printers/{printer}?tab=history")).await, &["1 counter follows ledm", "said Ada"]);
    read_over(&world, &mut other, (40, 510), "ledm").await;
    let handed = "select count(*) from counter where meter = 'pages' and source = 'ledm' and segment = 2";
    assert_eq!(world.count(handed).await, 1);
    holds(&browser.get("/readings").await, &["1 counter waits", "2030 pages → 510 pages", ", over ledm"]);
    // What it followed before stands aside now.
    read_over(&world, &mut one, (41, 2_040), "piws").await;
    assert_eq!(world.count(handed).await, 1);
    assert_eq!(world.count("select count(*) from reading where meter = 'pages' and value = 2040").await, 0);
}

async fn by_hand_only(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    // The printer says nothing of its pages.
    let mut report = report(7, minutes(0), &[]);
    report.usage.pages = None;
    world.report(&mut sender, &report).await;
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let customer = tenant.customer.to_string();
    let names = ["printer.1", "meter.1", "value.1", "note.1"];
    for (day, value, note) in [("2026-10-01", "18000", ""), ("2026-11-01", "50", "the board was replaced")] {
        let values = [printer.as_str(), "pages", value, note];
        let mut form = vec![("customer", customer.as_str()), ("at", day)];
        form.extend(names.into_iter().zip(values));
        let done = post(&mut browser, "/readings/enter", &form).await;
        assert_eq!(done.status, 303, "{}", done.text);
    }
    holds(
        &browser.get("/readings").await,
        &["1 counter waits", "18000 pages → 50 pages", "A person read this counter"],
    );
    assert_eq!(say(&mut browser, &printer, "swap", &[("counts_from", "3")]).await.status, 303);
    assert_eq!(world.count("select count(*) from segment_decision where counts_from = 3").await, 1);
    holds(&browser.get("/readings").await, &["0 counters wait", "a replaced board or printer", "Take back"]);
    world.set_now(Instant(NOW.0 + 60_000));
    let at = world.count("select max(read_at) from hand_reading").await.to_string();
    let back = [("printer", printer.as_str()), ("meter", "pages"), ("at", at.as_str()), ("reason", "decrease")];
    assert_eq!(post(&mut browser, "/readings", &back).await.status, 303);
    holds(&browser.get("/readings").await, &["1 counter waits"]);
}

/// A number without a unit that every printer gave by a firmware, of a job or a reading.
async fn without_unit(world: &World, (subject, row): (&str, &str), at: Instant, number: &str, firmware: &str) {
    let (key, version) = if subject == "job" { ("k1", 1) } else { ("", 0) };
    let (jobs, at) = (version, at.0);
    let change = format!(
        "insert into unitless (reseller_id, printer_id, subject, key, version, at, row, number, product_number,
            firmware)
         select reseller_id, printer_id, '{subject}', '{key}', {version}, {at}, '{row}', '{number}', 'T7V11A',
            '{firmware}' from printer"
    );
    world.change(&change).await;
    // As the ledger counts them.
    let change = format!(
        "insert into unitless_model (reseller_id, printer_id, product_number, firmware, row, jobs, readings,
            latest_at)
         select reseller_id, printer_id, 'T7V11A', '{firmware}', '{row}', {jobs}, 1 - {jobs}, {at} from printer
         where true
         on conflict (reseller_id, printer_id, product_number, firmware, row) do update
            set readings = unitless_model.readings + 1, latest_at = excluded.latest_at"
    );
    world.change(&change).await;
}

/// Declares the unit of row U17 of that model.
async fn declare(world: &World, id: i64, firmware: &str, unit: &str) {
    let change = format!(
        "insert into declared_unit (reseller_id, declaration_id, product_number, firmware, row, unit, note,
            declared_at, person_id)
         select reseller_id, {id}, 'T7V11A', '{firmware}', 'U17', '{unit}', '', {}, person_id from person
            where email = 'nord@reseller.test'",
        NOW.0
    );
    world.change(&change).await;
}

async fn declared_by_firmware(world: World) {
    let (_tenant, _, _) = counted(&world, "nord", &[100]).await;
    declare(&world, 1, "F1", "ft2").await;
    declare(&world, 2, "F2", "m2").await;
    // 1500 ft² are 139.35456 m²: the number falls and the counter does not.
    for (hour, number, firmware) in [(1, "1500", "F1"), (2, "140", "F2")] {
        without_unit(&world, ("reading", "U17"), minutes(hour * 60), number, firmware).await;
    }
    let mut browser = world.browser("nord@reseller.test").await;
    holds(&browser.get("/readings").await, &["0 counters wait"]);
    // The number rises and the counter falls.
    without_unit(&world, ("reading", "U17"), minutes(180), "1400", "F1").await;
    holds(&browser.get("/readings").await, &["1 counter waits", "140.00 m² → 130.064256 m²"]);
}

async fn declared_only(world: World) {
    let (tenant, printer, _) = counted(&world, "nord", &[100]).await;
    for (hour, number) in [(1, "18531.5"), (2, "18532"), (3, "0.5")] {
        without_unit(&world, ("reading", "U17"), minutes(hour * 60), number, "F2").await;
    }
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/readings").await, &["0 counters wait"]);
    declare(&world, 1, "", "m2").await;
    holds(&browser.get("/readings").await, &["1 counter waits", "18532.00 m² → 0.50 m²", "without a unit"]);
    let at = minutes(180).0.to_string();
    let form = [
        ("printer", printer.as_str()),
        ("meter", "area-media"),
        ("media", ""),
        ("at", at.as_str()),
        ("reason", "reset"),
        ("note", "the board was replaced"),
    ];
    assert_eq!(post(&mut browser, "/readings", &form).await.status, 303);
    holds(&browser.get("/readings").await, &["0 counters wait", "a reset"]);
}

async fn strangers_breaks(world: World) {
    let (tenant, printer, _) = counted(&world, "nord", &[140, 30]).await;
    let other = world.tenant("other").await;
    let mut owner = world.browser(&tenant.reseller_email()).await;
    let page = owner.get("/readings").await;
    let at = between(&page.text, "name=\"at\" value=\"", "\"").expect("which break").to_owned();
    let form =
        [("printer", printer.as_str()), ("meter", "pages"), ("media", ""), ("at", at.as_str()), ("reason", "reset")];
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(post(&mut stranger, "/readings", &form).await.status, 404);
    assert_eq!(stranger.get(&format!("/readings?printer={printer}")).await.status, 404);
    assert!(!stranger.get("/readings").await.text.contains("140 pages"));
    let customer = format!("/readings/enter?customer={}", tenant.customer);
    assert_eq!(stranger.get(&customer).await.status, 404);
    assert_eq!(world.count(DECISIONS).await, 0);
    // One that is not there, and one that nobody decided about.
    let gone = [("printer", printer.as_str()), ("meter", "pages"), ("at", "1"), ("reason", "reset")];
    assert_eq!(post(&mut owner, "/readings", &gone).await.status, 409);
    let undecided = [("printer", printer.as_str()), ("meter", "pages"), ("at", at.as_str()), ("reason", "decrease")];
    assert_eq!(post(&mut owner, "/readings", &undecided).await.status, 409);
}

async fn by_hand(world: World) {
    let (tenant, printer, _) = counted(&world, "nord", &[100, 140]).await;
    let (_, foreign, _) = counted(&world, "other", &[5]).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let customer = tenant.customer.to_string();
    let address = format!("/readings/enter?customer={customer}");
    let page = browser.get(&address).await;
    holds(&page, &["last 140 pages", "read by printer", "Nobody has entered a reading"]);
    let number = row_of(&page.text, "pages");
    let names = ["printer", "meter", "value", "note"].map(|name| format!("{name}.{number}"));
    let form = |printer: &str, value: &str, note: &str| {
        let values = [printer, "pages", value, note].map(str::to_owned);
        let mut form = vec![("customer".to_owned(), customer.clone())];
        form.extend(names.iter().cloned().zip(values));
        form
    };
    let mut enter = async |form: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        post(&mut browser, "/readings/enter", &fields).await
    };
    let nothing = enter(form(&printer, "", "")).await;
    assert_eq!(nothing.status, 422);
    holds(&nothing, &["Type at least one value."]);
    let odd = enter(form(&printer, "90", "")).await;
    assert_eq!(odd.status, 422);
    holds(&odd, &["a counter only rises", "value=\"90\"", "Nothing was entered yet"]);
    let broken = enter(form(&printer, "9.5", "")).await;
    assert_eq!(broken.status, 422);
    holds(&broken, &["not a plain number of page"]);
    assert_eq!(enter(form(&foreign, "90", "mine")).await.status, 404);
    assert_eq!(world.count(HAND).await, 0);
    // Sent twice it counts once.
    for _ in 0..2 {
        let done = enter(form(&printer, "90", "the board was replaced")).await;
        assert_eq!(done.status, 303, "{}", done.text);
    }
    assert_eq!(world.count(HAND).await, 1);
    let page = browser.get("/readings").await;
    holds(&page, &["Odd readings by people", "entered by hand", "the board was replaced"]);
    let id = between(&page.text, "action=\"/readings/", "/withdraw\"").expect("it can be withdrawn").to_owned();
    let withdraw = format!("/readings/{id}/withdraw");
    let mut stranger = world.browser("other@reseller.test").await;
    assert_eq!(post(&mut stranger, &withdraw, &[]).await.status, 404);
    let done = post(&mut browser, &withdraw, &[("back", "printer")]).await;
    assert_eq!(done.location, format!("/printers/{printer}?tab=readings&done=taken-back"));
    assert_eq!(post(&mut browser, &withdraw, &[]).await.status, 409);
    assert_eq!((world.count(HAND).await, world.count("select count(*) from hand_reading").await), (0, 1));
    holds(&browser.get(&done.location).await, &["withdrawn", "entered by hand"]);
}

async fn by_customer(world: World) {
    let (tenant, printer, _) = counted(&world, "nord", &[100]).await;
    let reseller = tenant.reseller.clone();
    let second = world
        .setup(move |portal| {
            setup::customer(portal, &reseller, "Kessler Architekten", "Bonn", "Europe/Berlin").expect("a customer")
        })
        .await;
    let neighbour = Tenant { name: "nord", reseller: tenant.reseller.clone(), customer: second, person: tenant.person };
    let mut sender = world.agent(&neighbour).await;
    world.report(&mut sender, &report(8, minutes(0), &[])).await;
    let (foreign, serial) = printers(&world, &neighbour).await.remove(0);
    let mut browser = world.browser(&tenant.customer_email()).await;
    let page = browser.get("/my/readings").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains(&serial), "a neighbour's printer");
    let number = row_of(&page.text, "pages");
    let (of, meter, value) = (format!("printer.{number}"), format!("meter.{number}"), format!("value.{number}"));
    let here = ("/my", "/my/readings");
    for (whose, status) in [(&foreign, 404), (&printer, 303)] {
        // The customer that a form names is not asked.
        let other = second.to_string();
        let form = [
            ("customer", other.as_str()),
            (of.as_str(), whose.as_str()),
            (meter.as_str(), "pages"),
            (value.as_str(), "120"),
        ];
        let page = send(&mut browser, here, &form).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    let of_customer = "select count(*) from hand_reading where source = 'customer' and value = 120";
    assert_eq!((world.count(of_customer).await, world.count(HAND).await), (1, 1));
    let page = browser.get("/my/readings").await;
    holds(&page, &["120 pages", "entered by customer", "Kim", "counts"]);
    assert!(!page.text.contains("/withdraw"), "the reseller does that");
    assert_eq!(browser.get("/readings/enter").await.status, 404);
}

async fn units(world: World) {
    const STANDING: &str = "select count(*) from declared_unit where withdrawn_at is null";
    let (tenant, printer, _) = counted(&world, "nord", &[100]).await;
    let other = world.tenant("other").await;
    without_unit(&world, ("job", "P19"), NOW, "0.543", "F2").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/readings").await, &["Numbers without a unit", "T7V11A, firmware F2"]);
    let page = browser.get("/readings/units?product=T7V11A&firmware=F2&row=P19").await;
    holds(&page, &["0.543", "0.543 m²", "1 job of 1 printer"]);
    let form = |unit: &'static str, said: &'static str| {
        let key = [("product", "T7V11A"), ("firmware", "F2"), ("row", "P19"), ("number", "0.543")];
        key.into_iter().chain([("unit", unit), ("value", said), ("reach", "firmware")]).collect::<Vec<_>>()
    };
    for (unit, said, words) in [
        ("", "0.54", "Choose the unit"),
        ("ft2", "0.54", "In that unit the number is"),
        ("m2", "", "Say what the printer"),
        ("acre", "0.54", "Choose the unit"),
    ] {
        let page = post(&mut browser, "/readings/units", &form(unit, said)).await;
        assert_eq!(page.status, 422, "{unit} {said}");
        holds(&page, &[words]);
    }
    let mut stranger = world.browser(&other.reseller_email()).await;
    let foreign = post(&mut stranger, "/readings/units", &form("m2", "0.54")).await;
    assert_eq!(foreign.status, 422, "no printer of theirs gave such a number");
    assert_eq!(world.count(STANDING).await, 0);
    assert_eq!(post(&mut browser, "/readings/units", &form("m2", "0.54")).await.status, 303);
    assert_eq!(world.count(STANDING).await, 1);
    let page = browser.get("/readings/units").await;
    holds(&page, &["No number waits", "Media area used (P19) is in m²", "1 job", "Ada"]);
    holds(&browser.get(&format!("/printers/{printer}?tab=readings")).await, &["m², declared by Ada"]);
    let id = between(&page.text, "action=\"/readings/units/", "/withdraw\"").expect("an id").to_owned();
    let withdraw = format!("/readings/units/{id}/withdraw");
    assert_eq!(post(&mut stranger, &withdraw, &[]).await.status, 404);
    assert_eq!(world.count(STANDING).await, 1);
    assert_eq!(post(&mut browser, &withdraw, &[]).await.location, "/readings/units?done=taken-back");
    assert_eq!(world.count(STANDING).await, 0);
    assert_eq!(post(&mut browser, &withdraw, &[]).await.status, 404);
    holds(&browser.get(&format!("/printers/{printer}?tab=readings")).await, &["none yet, so that nothing is billed"]);
}

/// The digest of the lines that a preview showed.
fn seen(page: &Page) -> String {
    let found = between(&page.text, "name=\"seen\" value=\"", "\"");
    found.unwrap_or_else(|| panic!("no preview: {}", page.text)).to_owned()
}

async fn imported(world: World) {
    let (tenant, _, serial) = counted(&world, "nord", &[100]).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let day = "2026-10-01";
    let lines = format!("serial,meter,value,read_at\n{serial},pages,90,{day}\n{serial},area-media,1500 ft2,{day}");
    let wrong = format!(
        "serial,meter,value,read_at\n{serial},leaves,1,{day}\nCN0,pages,1,{day}\n{serial},pages,x,{day}\n\
         {serial},pages,1,soon\n{serial},pages,1,2026-12-01"
    );
    let page = post(&mut browser, "/readings/import", &[("kind", "opening"), ("openings", &wrong)]).await;
    assert_eq!(page.status, 422);
    holds(&page, &["Line 2: ", "leaves", "Line 3: ", "no printer of yours"]);
    holds(&page, &["Line 4: ", "Line 5: ", "Line 6: ", "to come"]);
    let page = post(&mut browser, "/readings/import", &[("kind", "opening"), ("openings", &lines)]).await;
    assert_eq!(page.status, 200);
    holds(&page, &["2 lines of 1 printer would be taken", "139.35456 m²"]);
    assert_eq!(world.count(HAND).await, 0, "a preview keeps nothing");
    let digest = seen(&page);
    // Only what was previewed is taken.
    let other = lines.replace("90", "91");
    for (lines, digest) in [(&lines, ""), (&other, digest.as_str())] {
        let form = [("kind", "opening"), ("openings", lines.as_str()), ("act", "take"), ("seen", digest)];
        let page = post(&mut browser, "/readings/import", &form).await;
        assert_eq!(page.status, 422);
        holds(&page, &["not those of the preview"]);
    }
    assert_eq!(world.count(HAND).await, 0);
    let form = [("kind", "opening"), ("openings", lines.as_str()), ("act", "take"), ("seen", digest.as_str())];
    for _ in 0..2 {
        let done = post(&mut browser, "/readings/import", &form).await;
        assert_eq!((done.status, done.location.as_str()), (303, "/readings/import?done=imported"), "{}", done.text);
    }
    let opening = "select count(*) from hand_reading where source = 'opening'";
    assert_eq!(world.count(opening).await, 2, "the second time they are there already");
    // One that the printer's own readings contradict needs a reason, which is kept.
    let odd = |note: &str| format!("serial,meter,value,read_at,note\n{serial},pages,1000,2026-10-02,{note}");
    let page = post(&mut browser, "/readings/import", &[("kind", "opening"), ("openings", &odd(""))]).await;
    assert_eq!(page.status, 422);
    holds(&page, &["Line 2: this is odd: the printer showed 100 pages later; a counter only rises"]);
    let page = post(&mut browser, "/readings/import", &[("kind", "opening"), ("openings", &odd("board"))]).await;
    assert_eq!(page.status, 200);
    holds(&page, &["1 of them is odd and says why", "odd: the printer showed 100 pages later"]);
    assert_eq!(world.count("select value from hand_reading where meter = 'area-media'").await, 139_354_560);
}

async fn contradicted(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    for (hour, pages) in [(-2, 100), (1, 101), (300, 140), (750, 150)] {
        read_over(&world, &mut sender, (hour, pages), "piws").await;
    }
    let (printer, _) = printers(&world, &tenant).await.remove(0);
    let contract = by_page(&world, &tenant).await;
    let customer = tenant.customer.to_string();
    let mut browser = world.browser(&tenant.reseller_email()).await;
    // In the middle of the month the printer was read beside it: it does not count, and there is nothing to settle.
    // At the first instant of the contract it does, and the printer's own reading after it falls.
    for (day, hour, value, waiting, net) in
        [("2026-10-13", "20:00", "90", "0 counters wait", 40), ("2026-10-01", "0:00", "1000", "1 counter waits", 39)]
    {
        let form = [
            ("customer", customer.as_str()),
            ("at", day),
            ("hour", hour),
            ("printer.1", printer.as_str()),
            ("meter.1", "pages"),
            ("value.1", value),
            ("note.1", "as the panel said"),
        ];
        let done = post(&mut browser, "/readings/enter", &form).await;
        assert_eq!(done.status, 303, "{}", done.text);
        holds(&browser.get("/readings").await, &[waiting]);
        assert_eq!(billed(&world, &tenant, contract).await, net, "{day}");
    }
    let page = browser.get(&format!("/readings?printer={printer}")).await;
    holds(&page, &["1000 pages → 101 pages", "A person read this counter"]);
    assert!(!page.text.contains("What was read until it came back was wrong"), "the printer's own is not left out");
    assert_eq!(say(&mut browser, &printer, "swap", &[("counts_from", "100")]).await.status, 303);
    assert_eq!(billed(&world, &tenant, contract).await, 40);
}

async fn beside(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let october = Instant::parse("2026-10-05T08:00:00Z").expect("a timestamp");
    world.report(&mut sender, &report(7, minutes(0), &[october])).await;
    let (_, serial) = printers(&world, &tenant).await.remove(0);
    let ours = world
        .count("select cast(sum(quantity) as bigint) from usage where meter like 'area-printed%' and month = 202610")
        .await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get("/readings/import").await, &["No quantities of another system yet"]);
    let exactly = format!("{}.{:06}", ours / 1_000_000, ours % 1_000_000);
    let lines =
        format!("serial;period;meter;quantity\n{serial};2026-10;area-printed;{exactly}\n{serial};2026-10;scan-area;5");
    let page = post(&mut browser, "/readings/import", &[("kind", "parallel"), ("quantities", &lines)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let digest = seen(&page);
    let form = [("kind", "parallel"), ("quantities", lines.as_str()), ("act", "take"), ("seen", digest.as_str())];
    assert_eq!(post(&mut browser, "/readings/import", &form).await.status, 303);
    let page = browser.get("/readings/import?period=2026-10").await;
    holds(&page, &["October 2026", "the same", "we counted nothing", "Area printed"]);
    let wrong = format!("serial,period,meter,quantity\n{serial},October,area-printed,1");
    let page = post(&mut browser, "/readings/import", &[("kind", "parallel"), ("quantities", &wrong)]).await;
    assert_eq!(page.status, 422);
    holds(&page, &["Line 2: ", "October"]);
}

/// A contract from October with this printer.
async fn contracted(world: &World, tenant: &Tenant, printer: &str) {
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let id = printer.parse::<i64>().expect("an id");
    world
        .setup(move |portal| {
            let from = Instant::parse("2026-09-30T22:00:00Z").expect("a timestamp");
            let contract =
                setup::contract(portal, &reseller, customer, "C-1", &terms(), (from, person)).expect("a contract");
            setup::assign(portal, &reseller, contract, id, from).expect("assigned");
        })
        .await;
}

async fn swapped(world: World) {
    const NEW_STAY: &str = "select count(*) from contract_printer where to_at is null and position_id is not null";
    let tenant = world.tenant("nord").await;
    let other = world.tenant("other").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &report(7, minutes(0), &[])).await;
    let (old, _) = printers(&world, &tenant).await.remove(0);
    world.report(&mut sender, &report(8, minutes(10), &[])).await;
    let all = printers(&world, &tenant).await;
    let new = all.iter().find(|(id, _)| *id != old).map(|(id, _)| id.clone()).expect("the second one");
    let swap = format!("/printers/{old}/swap");
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get(&swap).await, &["It is in no contract"]);
    let form = [("successor", new.as_str()), ("at", "2026-11-10")];
    assert_eq!(post(&mut browser, &swap, &form).await.status, 409);
    contracted(&world, &tenant, &old).await;
    let page = browser.get(&swap).await;
    holds(&page, &["contract C-1", "last of the old"]);
    let number = row_of(&page.text, "pages");
    let (meter, last, first) = (format!("meter.{number}"), format!("old.{number}"), format!("new.{number}"));
    let form = |successor: &str, at: &str, note: &str| {
        let fixed = [(meter.clone(), "pages"), (last.clone(), "7"), (first.clone(), "3")];
        let said = [("successor", successor), ("at", at), ("note", note)];
        let fixed = fixed.into_iter().map(|(name, value)| (name, value.to_owned()));
        fixed.chain(said.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect::<Vec<_>>()
    };
    let mut try_it = async |form: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        post(&mut browser, &swap, &fields).await
    };
    for (successor, at, note, words) in [
        ("", "2026-11-10", "n", "Choose another printer"),
        (old.as_str(), "2026-11-10", "n", "Choose another printer"),
        (new.as_str(), "2026-12-10", "n", "not one to come"),
        (new.as_str(), "2026-10-01", "n", "say a later day"),
    ] {
        let page = try_it(form(successor, at, note)).await;
        assert_eq!(page.status, 422, "{successor} {at} {note}");
        holds(&page, &[words]);
    }
    // The old one was read after that day, and cannot have shown more before; the new one cannot have begun above
    // what it showed since.
    for (wrong, without, words) in
        [(&last, None, "a later reading of it shows less"), (&first, Some(&last), "a counter only rises")]
    {
        let mut too_much = form(&new, "2026-11-10", "");
        too_much.retain(|(name, _)| Some(name) != without);
        for (_, value) in too_much.iter_mut().filter(|(name, _)| name == wrong) {
            "99999999".clone_into(value);
        }
        let page = try_it(too_much).await;
        assert_eq!(page.status, 422);
        holds(&page, &["This is odd", words]);
    }
    assert_eq!((world.count(NEW_STAY).await, world.count(HAND).await), (0, 0));
    // That it was read since then is nothing odd: most swaps are entered after the day.
    let done = try_it(form(&new, "2026-11-10", "")).await;
    assert_eq!((done.status, done.location.as_str()), (303, format!("/printers/{new}?done=swapped").as_str()));
    assert_eq!((world.count(NEW_STAY).await, world.count(HAND).await, world.count(DECISIONS).await), (1, 2, 1));
    let same = format!("select count(*) from contract_printer where printer_id = {new} and position_id = {old}");
    assert_eq!(world.count(&same).await, 1, "it fills the same place");
    let met = "select count(*) from contract_printer as gone
        join contract_printer as came on came.from_at = gone.to_at";
    assert_eq!(world.count(met).await, 1);
    holds(&browser.get(&format!("/printers/{old}?tab=history")).await, &["Replaced", "took its place"]);
    holds(&browser.get(&format!("/printers/{new}/swap")).await, &["it took the place of"]);
    assert_eq!(post(&mut browser, &swap, &[("successor", new.as_str()), ("at", "2026-11-12")]).await.status, 409);
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(stranger.get(&swap).await.status, 404);
    assert_eq!(post(&mut stranger, &swap, &[("successor", new.as_str()), ("at", "2026-11-12")]).await.status, 404);
}

async fn moved(world: World) {
    const MOVES: &str = "select count(*) from printer_site";
    let (tenant, printer, _) = counted(&world, "nord", &[100]).await;
    let other = world.tenant("other").await;
    let address = format!("/printers/{printer}/site");
    let mut browser = world.browser(&tenant.reseller_email()).await;
    for (form, words) in [
        (vec![("from", "2026-11-01")], "give a new one a short name"),
        (vec![("name", "Rotterdam"), ("country", "Holland"), ("from", "2026-11-01")], "two letters"),
        (vec![("name", "Rotterdam"), ("country", "NL"), ("from", "soon")], "first day there"),
        (vec![("site", "5"), ("from", "2026-11-01")], "Choose a site of this customer"),
    ] {
        let page = post(&mut browser, &address, &form).await;
        assert_eq!(page.status, 422, "{form:?}");
        holds(&page, &[words]);
    }
    assert_eq!(world.count("select count(*) from site").await, 0);
    let new = [("name", "Rotterdam"), ("country", "nl"), ("from", "2026-11-01")];
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(post(&mut stranger, &address, &new).await.status, 404);
    let done = post(&mut browser, &address, &new).await;
    assert_eq!((done.status, done.location), (303, format!("/printers/{printer}?tab=history&done=moved")));
    holds(&browser.get(&format!("/printers/{printer}?tab=history")).await, &["Moved", "to Rotterdam"]);
    holds(&browser.get(&format!("/printers/{printer}/swap")).await, &["It stands at Rotterdam since 1 Nov 2026."]);
    // Of one day it is said once, and nothing of a refused form is kept.
    let again = [("name", "Köln"), ("country", "DE"), ("from", "2026-11-01")];
    assert_eq!(post(&mut browser, &address, &again).await.status, 422);
    assert_eq!((world.count(MOVES).await, world.count("select count(*) from site").await), (1, 1));
    let site = world.count("select site_id from site").await.to_string();
    let back = [("site", site.as_str()), ("from", "2026-11-15")];
    assert_eq!(post(&mut browser, &address, &back).await.status, 303);
    assert_eq!(world.count(MOVES).await, 2);
}

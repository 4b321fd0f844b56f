//! Stories of prices: templates, changes of many contracts at once, margins, subtotals by account, billing details
//! of customers, and indices.

use crate::stories::{printed, terms, w1};
use crate::world::{Browser, NOW, Page, Tenant, World, between, both, report, token};
use billing::clauses::escalation::{ByWhat, Escalation};
use billing::{Clause, Day, Period, Terms, UnitPrice};
use portal::setup;
use report::{Area, Instant};

both! {
    a_template_is_kept_started_from_and_removed => templates;
    a_price_change_is_looked_at_then_taken_for_all_contracts_or_none => prices;
    a_price_change_waits_for_a_second_person_where_that_is_asked => four_eyes;
    a_margin_is_what_was_issued_less_what_people_say_printers_cost => margins;
    subtotals_by_account_add_up_to_the_lines_and_stand_in_no_evidence => subtotals;
    billing_details_stand_on_the_next_statement => parties;
    a_contract_that_follows_an_index_needs_its_value => indices;
}

const PRICES: &str = "/contracts/prices";
const TEMPLATES: &str = "/contracts/templates";
const INDICES: &str = "/billing/indices";
const VERSIONS: &str = "select count(*) from contract_version";
/// Switches four eyes on for every reseller there is.
const FOUR_EYES: &str = "insert into reseller_setting (reseller_id, name, value)
    select reseller_id, 'four-eyes', 'on' from reseller";

fn text(text: &str) -> String {
    text.to_owned()
}

/// Posts with the session's token; gives the page.
async fn act(browser: &mut Browser, path: &str, fields: &[(&str, String)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get("/billing").await.text))];
    form.extend(fields.iter().cloned());
    browser.post(path, &form).await
}

/// The page holds each of these.
fn holds(page: &Page, words: &[&str]) {
    assert_eq!(page.status, 200, "{}", page.text);
    for word in words {
        assert!(page.text.contains(word), "{word} is missing: {}", page.text);
    }
}

fn october() -> Period {
    Period::calendar_month(2026, 10, "Europe/Berlin").expect("a month")
}

/// A further contract of the tenant's customer.
async fn contract(world: &World, tenant: &Tenant, number: &'static str, terms: Terms, from: Instant) -> i64 {
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let make = move |portal: &portal::Portal| {
        setup::contract(portal, &reseller, customer, number, &terms, (from, person)).expect("a contract")
    };
    world.setup(make).await
}

async fn issue(browser: &mut Browser, statement: i64) {
    for word in ["approve", "issue"] {
        let done = act(browser, &format!("/statements/{statement}/{word}"), &[]).await;
        assert_eq!(done.status, 303, "{word}: {}", done.text);
    }
}

async fn templates(world: World) {
    let (tenant, contract, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get(TEMPLATES).await, &["No template yet", "C-112"]);
    let keep = |name: &str, contract: i64| [("name", text(name)), ("contract", contract.to_string())];
    assert_eq!(act(&mut browser, TEMPLATES, &keep("", contract)).await.status, 422);
    assert_eq!(act(&mut browser, TEMPLATES, &keep("Plans", contract + 1)).await.status, 422);
    let kept = act(&mut browser, TEMPLATES, &keep("Plans", contract)).await;
    assert_eq!((kept.status, kept.location.as_str()), (303, "/contracts/templates?done=template"));
    let twice = act(&mut browser, TEMPLATES, &keep("Plans", contract)).await;
    assert_eq!(twice.status, 422);
    assert!(twice.text.contains("another template has it"), "{}", twice.text);
    let page = browser.get(TEMPLATES).await;
    holds(&page, &["Plans", "Base fee: 180.00 EUR each period.", "kept by Ada"]);
    let id = between(&page.text, "name=\"remove\" value=\"", "\"").expect("a template").to_owned();
    let start = format!("/contracts/new?template={id}");
    holds(&browser.get(&start).await, &["180.00", "0.14", "2.60"]);
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(stranger.get(&start).await.status, 404);
    let remove = [("remove", id)];
    assert_eq!(act(&mut stranger, TEMPLATES, &remove).await.status, 404);
    assert_eq!(act(&mut stranger, TEMPLATES, &keep("Mine", contract)).await.status, 422);
    assert_eq!(world.count("select count(*) from contract_template").await, 1);
    assert_eq!(act(&mut browser, TEMPLATES, &remove).await.status, 303);
    assert_eq!(act(&mut browser, TEMPLATES, &remove).await.status, 404);
    assert_eq!(world.count("select count(*) from contract_template").await, 0);
}

/// A form that raises the price of monochrome lines by a tenth.
fn raise(what: &str, starts: &str) -> Vec<(&'static str, String)> {
    vec![
        ("act", text(what)),
        ("customer", text("0")),
        ("number", text("c-1")),
        ("pattern", text("area-printed/mono-line")),
        ("by", text("percent")),
        ("value", text("10 %")),
        ("places", text("4")),
        ("fees", text("no")),
        ("starts", text(starts)),
    ]
}

/// The same as it is taken: with the word by which the portal knows what was looked at.
async fn looked_at(browser: &mut Browser, starts: &str) -> Vec<(&'static str, String)> {
    let page = act(browser, PRICES, &raise("preview", starts)).await;
    let seen = between(&page.text, "name=\"seen\" value=\"", "\"").expect("it can be taken").to_owned();
    let mut form = raise("take", starts);
    form.push(("seen", seen));
    form
}

async fn prices(world: World) {
    let (tenant, first, _) = w1(&world).await;
    let later = Instant::parse("2026-12-31T23:00:00Z").expect("a timestamp");
    let second = contract(&world, &tenant, "C-113", terms(), later).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get(PRICES).await, &["Which contracts", "2026-12-01"]);
    let wrong = act(&mut browser, PRICES, &[("act", text("preview")), ("value", text("3,0"))]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("3,0"), "what was typed is kept");
    let page = act(&mut browser, PRICES, &raise("preview", "2026-12-01")).await;
    let (ours, change) = (format!("name=\"take.{first}\" value=\"1\" checked"), "0.14 → 0.154 EUR per m²");
    holds(&page, &[change, "October 2026", "357.10", "358.78", "1.68 more", &ours, "1 contract changes"]);
    // The second one begins later, so that it cannot change that day.
    holds(&page, &["C-113", "another one cannot start before"]);
    assert!(!page.text.contains(&format!("take.{second}")), "{}", page.text);
    // It says from which day it can, and a button looks at that day.
    holds(&page, &["It can begin on 1 Jan 2027.", "name=\"begin\" value=\"2027-01-01\""]);
    let mut form = raise("", "2026-12-01");
    form.push(("begin", text("2027-01-01")));
    let page = act(&mut browser, PRICES, &form).await;
    let theirs = format!("name=\"take.{second}\" value=\"1\" checked");
    holds(&page, &["2 contracts change", "value=\"2027-01-01\"", &theirs]);
    assert_eq!(world.count(VERSIONS).await, 2);
    let (one, two) = (format!("take.{first}"), format!("take.{second}"));
    // All of them or none.
    let december = looked_at(&mut browser, "2026-12-01").await;
    for ticks in [vec![(one.as_str(), text("1")), (two.as_str(), text("1"))], vec![(one.as_str(), text("7"))], vec![]] {
        let mut form: Vec<(&str, String)> = december.clone();
        form.extend(ticks);
        let refused = act(&mut browser, PRICES, &form).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(world.count(VERSIONS).await, 2);
    }
    // What was changed since the look is shown again, and taken only then.
    for (name, value) in [("value", "35"), ("places", "2"), ("seen", "")] {
        let mut other: Vec<(&str, String)> = december.iter().filter(|(field, _)| *field != name).cloned().collect();
        other.extend([(name, text(value)), (one.as_str(), text("1"))]);
        let again = act(&mut browser, PRICES, &other).await;
        assert_eq!(again.status, 422, "{name}");
        assert!(again.text.contains("The form was changed since you looked at it."), "{}", again.text);
        assert!(again.text.contains(&ours), "the tick stays: {}", again.text);
    }
    assert_eq!(world.count(VERSIONS).await, 2);
    let mut form: Vec<(&str, String)> = december.clone();
    form.push((one.as_str(), text("1")));
    let taken = act(&mut browser, PRICES, &form).await;
    assert_eq!((taken.status, taken.location.as_str()), (303, "/contracts/prices?done=prices"), "{}", taken.text);
    assert_eq!(world.count(VERSIONS).await, 3);
    holds(&browser.get(&format!("/contracts/{first}")).await, &["0.154"]);
    // The same form again was made for the version before.
    assert_eq!(act(&mut browser, PRICES, &form).await.status, 422);
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    let mut form: Vec<(&str, String)> = looked_at(&mut browser, "2027-01-01").await;
    form.push((one.as_str(), text("2")));
    assert_eq!(act(&mut stranger, PRICES, &form).await.status, 422);
    assert_eq!(world.count(VERSIONS).await, 3);
    form.push((two.as_str(), text("1")));
    assert_eq!(act(&mut browser, PRICES, &form).await.status, 303);
    assert_eq!(world.count(VERSIONS).await, 5);
}

async fn four_eyes(world: World) {
    let (tenant, first, _) = w1(&world).await;
    world.change(FOUR_EYES).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let tick = format!("take.{first}");
    let mut form: Vec<(&str, String)> = looked_at(&mut browser, "2026-12-01").await;
    form.push((tick.as_str(), text("1")));
    let taken = act(&mut browser, PRICES, &form).await;
    assert_eq!((taken.status, taken.location.as_str()), (303, "/contracts/prices?done=prices-proposed"));
    assert_eq!(world.count("select count(*) from contract_version where state = 'proposed'").await, 1);
    // While one waits, there is no other.
    let page = act(&mut browser, PRICES, &raise("preview", "2027-01-01")).await;
    holds(&page, &["waits for a second person", "0 contracts change"]);
}

async fn margins(world: World) {
    let (tenant, contract, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/contracts/{contract}/margin");
    holds(&browser.get(&path).await, &["Nothing was issued", "No cost is known yet"]);
    issue(&mut browser, statement).await;
    holds(&browser.get(&path).await, &["177.10", "180.00", "357.10", "no costs known"]);
    let cost = |kind: &str, per: &str, amount: &str| {
        [
            ("printer", text("all")),
            ("kind", text(kind)),
            ("per", text(per)),
            ("amount", text(amount)),
            ("from", text("2026-10-01")),
        ]
    };
    assert_eq!(act(&mut browser, &path, &cost("Lease", "week", "45")).await.status, 422);
    assert_eq!(world.count("select count(*) from printer_cost").await, 0);
    for cost in [cost("Lease", "month", "99"), cost("Lease", "month", "45"), cost("Service", "area-printed", "0.05")] {
        let kept = act(&mut browser, &path, &cost).await;
        assert_eq!((kept.status, kept.location.clone()), (303, format!("{path}?done=cost")), "{}", kept.text);
        // Of two from one day the one that was entered last counts.
        world.set_now(Instant(NOW.0 + 60_000 * world.count("select count(*) from printer_cost").await));
    }
    // 45.00 and 742.50 m² at 0.05.
    let page = browser.get(&path).await;
    holds(&page, &["82.13", "94.97", "274.97", "brings in more", "0.05 per m², area printed"]);
    let october = format!("{path}?period={}", october().start.0);
    holds(&browser.get(&october).await, &["94.97", "aria-current=\"true\">October 2026"]);
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(act(&mut stranger, &path, &cost("Lease", "month", "1")).await.status, 404);
    assert_eq!(world.count("select count(*) from printer_cost").await, 3);
}

/// A statement of October whose monochrome lines two accounts printed.
async fn accounts(world: &World) -> (Tenant, i64) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let start = Instant::parse("2026-10-05T08:00:00Z").expect("a timestamp");
    let jobs = [
        ("mono-line", 300_000_000, Some("Amt 61")),
        ("mono-line", 220_000_000, Some("=Berg")),
        ("colour-line", 140_000_000, None),
    ];
    let finished: Vec<Instant> = (0..3).map(|day| Instant(start.0 + day * 86_400_000)).collect();
    let mut report = report(7, Instant(NOW.0 - 86_400_000), &finished);
    for ((job, _), (category, area, account)) in report.jobs.iter_mut().zip(jobs) {
        printed(job, category, Area(area));
        job.personal.account = account.map(str::to_owned);
        job.personal.project = None;
    }
    world.report(&mut sender, &report).await;
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let statement = world
        .setup(move |portal| {
            let from = october().start;
            let made = setup::contract(portal, &reseller, customer, "C-112", &terms(), (from, person));
            let contract = made.expect("a contract");
            let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0];
            setup::assign(portal, &reseller, contract, printer, from).expect("assigned");
            setup::statement(portal, &reseller, contract, october()).expect("drawn up")
        })
        .await;
    (tenant, statement)
}

/// The cents in the last column of a file.
fn cents(file: &str) -> i64 {
    let amounts = file.lines().skip(1).filter_map(|line| line.rsplit(',').next());
    amounts.map(|amount| amount.replace('.', "").parse::<i64>().expect("an amount")).sum()
}

async fn subtotals(world: World) {
    let (tenant, statement) = accounts(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/statements/{statement}");
    holds(&browser.get(&path).await, &["By account", "Amt 61", "9.69", "=Berg", "7.11"]);
    let file = browser.get(&format!("{path}/subtotals.csv?by=account")).await;
    // 520 m² less 400 at 0.14 are 16.80, by 300 and 220; 180.00 and 44.80 belong to nobody.
    holds(&file, &[",account,Amt 61,", ",9.69\n", ",account,'=Berg,", ",7.11\n", ",180.00\n", ",44.80\n"]);
    assert_eq!(cents(&file.text), 24_160, "{}", file.text);
    let by_project = browser.get(&format!("{path}/subtotals.csv?by=project")).await;
    assert_eq!(cents(&by_project.text), 24_160, "{}", by_project.text);
    assert!(!by_project.text.contains("Amt 61"), "{}", by_project.text);
    assert_eq!(browser.get(&format!("{path}/subtotals.csv?by=user")).await.status, 404);
    issue(&mut browser, statement).await;
    let evidence = browser.get(&format!("{path}/evidence")).await;
    assert_eq!(evidence.status, 200);
    assert!(!evidence.text.contains("Amt 61"), "a name stands in the evidence");
    let mut customer = world.browser(&tenant.customer_email()).await;
    let own = customer.get(&format!("/my/statements/{statement}")).await;
    assert!(own.status == 200 && !own.text.contains("Amt 61"), "{}", own.text);
    assert_eq!(customer.get(&format!("{path}/subtotals.csv")).await.status, 404);
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(stranger.get(&format!("{path}/subtotals.csv")).await.status, 404);
}

async fn parties(world: World) {
    let (tenant, contract, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/customers/{}/billing", tenant.customer);
    holds(&browser.get(&path).await, &["The customer", "You, the seller", "No site yet", "not said"]);
    let buyer = |iban: &str| {
        [
            ("form", text("buyer")),
            ("buyer.name", text("Kessler GmbH")),
            ("buyer.street", text("Domstraße 1")),
            ("buyer.country", text("DE")),
            ("buyer.iban", text(iban)),
        ]
    };
    let refused = act(&mut browser, &path, &buyer("DE00370400440532013000")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("check digits") && refused.text.contains("Domstraße 1"), "{}", refused.text);
    let kept = act(&mut browser, &path, &buyer("DE89 3704 0044 0532 0130 00")).await;
    assert_eq!((kept.status, kept.location.clone()), (303, format!("{path}?done=party")));
    let seller = [("form", text("seller")), ("seller.name", text("Nordhang Repro"))];
    assert_eq!(act(&mut browser, &path, &seller).await.status, 303);
    holds(&browser.get(&path).await, &["DE89370400440532013000", "Nordhang Repro"]);
    assert_eq!(act(&mut browser, &path, &[("form", text("bank"))]).await.status, 422);
    let (reseller, period) = (tenant.reseller.clone(), october());
    let draw = move |portal: &portal::Portal| setup::statement(portal, &reseller, contract, period).expect("drawn up");
    let statement = world.setup(draw).await;
    holds(&browser.get(&format!("/statements/{statement}")).await, &["Kessler GmbH, Domstraße 1", "Nordhang Repro"]);
    let site = |name: &str, country: &str| {
        [("form", text("site")), ("site.name", text(name)), ("site.country", text(country))]
    };
    assert_eq!(act(&mut browser, &path, &site("Hall", "Germany")).await.status, 422);
    assert_eq!(act(&mut browser, &path, &site("Hall", "de")).await.status, 303);
    assert_eq!(act(&mut browser, &path, &site("Hall", "DE")).await.status, 422);
    holds(&browser.get(&path).await, &["Hall", "DE"]);
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(act(&mut stranger, &path, &site("Plant", "DE")).await.status, 404);
    assert_eq!(world.count("select count(*) from site").await, 1);
    assert_eq!(world.count("select count(*) from party").await, 2);
}

async fn indices(world: World) {
    let tenant = world.tenant("nord").await;
    let mut terms = terms();
    terms.clauses.push(Clause::Escalation(Escalation {
        by: ByWhat::Index,
        index: text("CPI"),
        base: Some(UnitPrice { millionths: 100_000_000 }),
        first: Day::parse("2026-10-01").expect("a day"),
        every_months: 12,
        ..Escalation::default()
    }));
    let contract = contract(&world, &tenant, "C-1", terms, october().start).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    holds(&browser.get(INDICES).await, &["CPI", "C-1", "No value is known yet"]);
    let draw = || {
        let reseller = tenant.reseller.clone();
        world.setup(move |portal| setup::statement(portal, &reseller, contract, october()).ok())
    };
    assert_eq!(draw().await, None);
    let value = |value: &str| [("name", text("CPI")), ("day", text("2026-10-01")), ("value", text(value))];
    let back = [("act", text("take-back")), ("name", text("CPI")), ("day", text("2026-10-01"))];
    assert_eq!(act(&mut browser, INDICES, &value("108,2")).await.status, 422);
    assert_eq!(act(&mut browser, INDICES, &value("120")).await.status, 303);
    assert_eq!(act(&mut browser, INDICES, &value("110")).await.status, 422);
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(act(&mut stranger, INDICES, &back).await.status, 404);
    assert_eq!(act(&mut browser, INDICES, &back).await.status, 303);
    assert_eq!(act(&mut browser, INDICES, &value("110")).await.status, 303);
    let statement = draw().await.expect("drawn up");
    let own = format!("/statements/{statement}");
    holds(&browser.get(&own).await, &["198.00"]);
    // What is approved goes out as it is.
    assert_eq!(act(&mut browser, &format!("{own}/approve"), &[]).await.status, 303);
    assert_eq!(act(&mut browser, INDICES, &back).await.status, 409);
    assert_eq!(act(&mut browser, &format!("{own}/issue"), &[]).await.status, 303);
    let kept = act(&mut browser, INDICES, &back).await;
    assert_eq!(kept.status, 409);
    assert!(kept.text.contains("rest on CPI"), "{}", kept.text);
    assert_eq!(world.count("select count(*) from index_value").await, 1);
}

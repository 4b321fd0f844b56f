//! Stories of contracts through the pages: every kind of clause through the form and back, previews, four eyes,
//! and the settings of billing.

use crate::stories::{printed, terms, w1};
use crate::world::{Browser, NOW, PASSWORD, Page, Tenant, World, between, both, report, token};
use billing::form::Kind;
use billing::{Clause, DocumentKind, Money, Period, Statement, Step};
use portal::setup::{self, Role};
use report::{Area, Instant};
use std::collections::BTreeMap;

both! {
    a_contract_with_every_kind_of_clause_opens_in_the_form_and_is_saved_as_it_was => round_trip;
    buttons_change_the_form_without_saving_and_lose_nothing => buttons;
    a_preview_shows_what_is_odd_and_what_the_last_periods_would_have_cost => preview;
    a_version_that_changes_prices_waits_for_another_person => four_eyes;
    a_new_contract_waits_too_and_is_billed_only_when_it_was_approved => first_version;
    a_second_person_is_let_go_by_two => let_go;
    an_approval_comes_too_late_for_what_is_billed_or_replaced => too_late;
    a_wrong_price_of_an_issued_month_is_put_right_by_a_version_and_a_note => put_right;
    a_contract_s_page_says_how_far_its_allowance_is_used_and_when_to_give_notice => outlook;
    settings_are_kept_and_wrong_ones_are_named => settings;
    a_version_of_quarters_starts_with_a_quarter_and_the_form_says_when => longer;
}

const VERSIONS: &str = "select count(*) from contract_version";
const STANDING: &str = "select count(*) from contract_version where state = 'standing'";
const PROPOSED: &str = "select count(*) from contract_version where state = 'proposed'";

/// The texts of HTML that was escaped.
fn plain(html: &str) -> String {
    let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&"), ("&amp;", "&")];
    escapes.iter().fold(html.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    between(tag, &format!(" {name}=\""), "\"").map(plain)
}

/// What a browser without script would send of the form that posts to `action`, without any button.
fn fields(html: &str, action: &str) -> BTreeMap<String, String> {
    let form = html.split("<form").find(|form| form.contains(&format!("action=\"{action}\" method=\"post\"")));
    let form = form.expect("the form").split("</form>").next().expect("its inside");
    let mut fields = BTreeMap::new();
    for part in form.split('<').skip(1) {
        let tag = part.split('>').next().expect("a tag");
        let inside = part.split_once('>').map_or("", |(_, inside)| inside);
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.starts_with("input") {
            let is_box = tag.contains("type=\"checkbox\"");
            if !is_box || tag.ends_with(" checked") {
                fields.insert(name, attribute(tag, "value").unwrap_or_default());
            }
        } else if tag.starts_with("textarea") {
            fields.insert(name, plain(inside));
        } else if tag.starts_with("select") {
            let at = form.find(tag).expect("it stands there");
            let options = form[at..].split("</select>").next().expect("its options");
            let chosen = options.split("<option").skip(1).find(|option| option.contains(" selected>"));
            let chosen = chosen.or(options.split("<option").nth(1)).expect("an option");
            fields.insert(name, attribute(chosen, "value").unwrap_or_default());
        }
    }
    fields
}

async fn send(browser: &mut Browser, path: &str, fields: &BTreeMap<String, String>) -> Page {
    let form: Vec<(&str, String)> = fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    browser.post(path, &form).await
}

/// Posts a few fields with the token.
async fn post(browser: &mut Browser, path: &str, pairs: &[(&str, &str)]) -> Page {
    let mut fields: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    fields.insert("csrf".to_owned(), token(&browser.get("/contracts").await.text));
    send(browser, path, &fields).await
}

fn holds(page: &Page, words: &[&str]) {
    for word in words {
        assert!(page.text.contains(word), "{word} is missing: {}", page.text);
    }
}

/// A form of a version with one clause of each kind, with every field that must be filled in.
fn of_every_kind() -> BTreeMap<String, String> {
    let mut form = BTreeMap::new();
    let mut set = |name: String, value: &str| form.insert(name, value.to_owned());
    for (number, kind) in (1_usize..).zip(Clause::kinds()) {
        set(format!("clauses.{number}.word"), kind.word);
        for field in kind.form {
            let name = format!("clauses.{number}.{}", field.path);
            match field.kind {
                Kind::Rows(columns) if field.required => {
                    for column in columns {
                        if column.required || columns.len() == 1 {
                            set(format!("{name}.1.{}", column.path), sample(column.kind, column.path));
                        }
                    }
                }
                kind if field.required => {
                    set(name, sample(kind, field.path));
                }
                _ => {}
            }
        }
    }
    form
}

/// A text for a field that must be filled in.
fn sample(kind: Kind, path: &str) -> &'static str {
    match (kind, path) {
        (_, "category") => "premium",
        (Kind::Percent, _) => "5",
        (Kind::Day, _) => "2027-01-01",
        (Kind::Meter, _) => "area-printed",
        (Kind::Pattern, _) => "area-printed",
        (Kind::Patterns, _) => "area-printed",
        (Kind::Choice(options), _) => options[0].0,
        (Kind::Flag, _) => "no",
        (Kind::Text | Kind::Printers | Kind::Rows(_), _) => "north",
        _ => "12",
    }
}

/// What kinds of clauses need beside what every one of them must have.
const BESIDE: &[(&str, &str, &str)] = &[
    ("commitment", "amount", "100.00"),
    ("surcharge", "price", "0.10"),
    ("estimates", "days", "30"),
    ("exit", "amount", "350.00"),
    ("interruption", "hours", "24"),
    ("late-reading", "site_fee", "50.00"),
    ("tiers", "rows.1.up_to", "100"),
    ("tiers", "rows.1.price", "0.20"),
    ("tiers", "rows.2.price", "0.10"),
    ("monitoring", "days", "7"),
    ("window", "before_days", "10"),
    ("prepaid", "opening", "50"),
    ("escalation", "rate", "3"),
    ("proof", "tolerance", "2"),
    ("pool", "label", "Hall 2"),
];

/// The contract of a tenant with terms of every kind of clause, as somebody who types sets it up.
async fn with_every_clause(world: &World) -> (Tenant, Browser, String) {
    let tenant = world.tenant("nord").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut form = of_every_kind();
    for (number, kind) in (1_usize..).zip(Clause::kinds()) {
        for (_, path, value) in BESIDE.iter().filter(|(word, _, _)| *word == kind.word) {
            form.insert(format!("clauses.{number}.{path}"), (*value).to_owned());
        }
    }
    let customer = tenant.customer.to_string();
    let head = [("customer", customer.as_str()), ("name", "C-33"), ("currency", "EUR"), ("starts", "2026-10-01")];
    form.extend(head.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    form.insert("csrf".to_owned(), token(&browser.get("/contracts").await.text));
    let made = send(&mut browser, "/contracts/new", &form).await;
    let errors = between(&made.text, "Not saved yet", "</ul>").unwrap_or_default().to_owned();
    assert_eq!(made.status, 303, "{errors}");
    let contract = made.location.split('?').next().expect("an address").to_owned();
    (tenant, browser, contract)
}

async fn round_trip(world: World) {
    let (_, mut browser, contract) = with_every_clause(&world).await;
    let address = format!("{contract}/versions/new");
    let page = browser.get(&address).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let mut form = fields(&page.text, &address);
    for (number, kind) in (1_usize..).zip(Clause::kinds()) {
        assert_eq!(form.get(&format!("clauses.{number}.word")).map(String::as_str), Some(kind.word));
    }
    // Saved as it opened, it is the same text in the database.
    form.insert("starts".to_owned(), "2026-10-01".to_owned());
    let saved = send(&mut browser, &address, &form).await;
    let errors = between(&saved.text, "Not saved yet", "</ul>").unwrap_or_default().to_owned();
    assert_eq!(saved.status, 303, "{errors}");
    let same = "select count(distinct terms) from contract_version";
    assert_eq!((world.count(VERSIONS).await, world.count(same).await), (2, 1));
    holds(&browser.get(&contract).await, &["the same terms", "counts"]);
}

async fn buttons(world: World) {
    let (_, mut browser, contract) = with_every_clause(&world).await;
    let address = format!("{contract}/versions/new");
    let mut form = fields(&browser.get(&address).await.text, &address);
    let count = form.keys().filter(|name| name.ends_with(".word")).count();
    form.insert("clauses.1.amount".to_owned(), "18O,0<".to_owned());
    let mut press = form.clone();
    press.insert("down.1".to_owned(), "yes".to_owned());
    let moved = send(&mut browser, &address, &press).await;
    assert_eq!(moved.status, 200);
    let after = fields(&moved.text, &address);
    assert_eq!(after["clauses.2.amount"], "18O,0<", "what was typed moves along");
    assert_eq!((after["clauses.1.word"].as_str(), after["clauses.2.word"].as_str()), ("lease", "base-fee"));
    assert_eq!(after.len(), form.len(), "no field is lost");
    let presses = [("drop.1", "yes", count - 1), ("add", "yes", count + 1), ("more", "4.prices", count)];
    for (button, value, expected) in presses {
        let mut press = form.clone();
        press.insert(button.to_owned(), value.to_owned());
        press.insert("kind".to_owned(), "discount".to_owned());
        let page = send(&mut browser, &address, &press).await;
        assert_eq!(page.status, 200, "{button}");
        let after = fields(&page.text, &address);
        assert_eq!(after.keys().filter(|name| name.ends_with(".word")).count(), expected, "{button}");
        if button == "more" {
            assert!(after.len() > form.len(), "there are more rows");
        }
    }
    // Pressing Save says what is wrong at its field, and keeps it.
    let wrong = send(&mut browser, &address, &form).await;
    assert_eq!(wrong.status, 422);
    holds(&wrong, &["href=\"#f-clauses-1-amount\"", "Clause 1, Fee: ", "18O,0&#60;"]);
    assert_eq!(world.count(VERSIONS).await, 1);
}

/// The form of a further version of W1's contract, from December on.
async fn version_form(browser: &mut Browser, contract: i64) -> (String, BTreeMap<String, String>) {
    let address = format!("/contracts/{contract}/versions/new");
    let mut form = fields(&browser.get(&address).await.text, &address);
    form.insert("starts".to_owned(), "2026-12-01".to_owned());
    (address, form)
}

/// The name of the field that holds this value.
fn named(form: &BTreeMap<String, String>, value: &str) -> String {
    form.iter().find(|(_, held)| *held == value).expect("a field holds it").0.clone()
}

async fn preview(world: World) {
    let (tenant, contract, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (address, mut form) = version_form(&mut browser, contract).await;
    form.insert(named(&form, "0.32"), "3.20".to_owned());
    form.insert("preview".to_owned(), "yes".to_owned());
    let page = send(&mut browser, &address, &form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    // 140 m² at 3.20 instead of 0.32 are 403.20 more; ten times the price is hardly meant.
    holds(&page, &["October 2026", "448.00", "44.80", "403.20", "The terms in words", "wrong"]);
    assert_eq!(world.count(VERSIONS).await, 1, "a preview keeps nothing");
    // Errors stand where a preview was asked for.
    form.insert(named(&form, "3.20"), "x".to_owned());
    assert_eq!(send(&mut browser, &address, &form).await.status, 422);
}

/// Switches four eyes on, and gives a browser of a second person.
async fn second_person(world: &World, tenant: &Tenant, browser: &mut Browser) -> Browser {
    let on = post(browser, "/billing/settings", &[("four-eyes", "on")]).await;
    assert_eq!(on.status, 303, "{}", on.text);
    let reseller = tenant.reseller.clone();
    world
        .setup(move |portal| {
            setup::person(portal, Role::Reseller(&reseller), "kay@reseller.test", "Kay", PASSWORD).expect("a person")
        })
        .await;
    world.browser("kay@reseller.test").await
}

async fn four_eyes(world: World) {
    let (tenant, contract, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut second = second_person(&world, &tenant, &mut browser).await;
    // What changes no price counts at once.
    let (address, mut form) = version_form(&mut browser, contract).await;
    form.insert(named(&form, "400.00"), "450".to_owned());
    assert_eq!(send(&mut browser, &address, &form).await.status, 303);
    assert_eq!((world.count(STANDING).await, world.count(PROPOSED).await), (2, 0));
    let (_, mut form) = version_form(&mut browser, contract).await;
    form.insert(named(&form, "21"), "19".to_owned());
    form.insert("note".to_owned(), "the rate falls".to_owned());
    let saved = send(&mut browser, &address, &form).await;
    assert_eq!(saved.location, format!("/contracts/{contract}?done=proposed"));
    assert_eq!((world.count(STANDING).await, world.count(PROPOSED).await), (2, 1));
    let version = format!("/contracts/{contract}/versions/3");
    let own = browser.get(&format!("/contracts/{contract}")).await;
    holds(&own, &["waits for another person", "the rate falls"]);
    assert!(!own.text.contains(&format!("{version}/approve")), "its author cannot approve it");
    for act in ["approve", "refuse"] {
        let page = post(&mut browser, &format!("{version}/{act}"), &[]).await;
        assert_eq!(page.status, 409, "{act}");
        holds(&page, &["another person"]);
    }
    holds(&second.get("/contracts").await, &["wait for a second person", "version 3, by Ada"]);
    holds(&second.get("/").await, &["Versions to approve", "Kessler Architekten, version 3"]);
    holds(&second.get(&format!("/contracts/{contract}")).await, &[&format!("{version}/approve")]);
    let approved = post(&mut second, &format!("{version}/approve"), &[("note", "agreed")]).await;
    assert_eq!(approved.location, format!("/contracts/{contract}?done=approved-version"));
    assert_eq!((world.count(STANDING).await, world.count(PROPOSED).await), (3, 0));
    holds(&browser.get(&format!("/contracts/{contract}")).await, &["approved by Kay", "agreed"]);
    // It is decided once.
    assert_eq!(post(&mut second, &format!("{version}/refuse"), &[]).await.status, 409);
    assert_eq!(post(&mut second, &format!("/contracts/{contract}/versions/9/approve"), &[]).await.status, 404);
}

async fn first_version(world: World) {
    let tenant = world.tenant("nord").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut second = second_person(&world, &tenant, &mut browser).await;
    let customer = tenant.customer.to_string();
    let form = [
        ("customer", customer.as_str()),
        ("name", "C-5"),
        ("currency", "EUR"),
        ("starts", "2026-10-01"),
        ("clauses.1.word", "base-fee"),
        ("clauses.1.amount", "180.00"),
    ];
    let made = post(&mut browser, "/contracts/new", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let contract = made.location.split('?').next().expect("an address").to_owned();
    assert!(made.location.ends_with("?done=proposed"), "{}", made.location);
    holds(&browser.get(&contract).await, &["waits for approval"]);
    holds(&browser.get("/contracts").await, &["waits for approval", "wait for a second person", "version 1, by Ada"]);
    let of_customer = format!("/customers/{customer}");
    let page = browser.get(&of_customer).await;
    holds(&page, &["C-5", "waits for approval"]);
    assert!(!page.text.contains("in force"), "{}", page.text);
    let drawn = [("period", "2026-10")];
    assert_eq!(post(&mut browser, &format!("{contract}/statements"), &drawn).await.status, 409);
    assert_eq!(post(&mut second, &format!("{contract}/versions/1/approve"), &[]).await.status, 303);
    assert!(!browser.get("/contracts").await.text.contains("wait for a second person"));
    assert!(!browser.get(&of_customer).await.text.contains("waits for approval"));
    assert_eq!(post(&mut browser, &format!("{contract}/statements"), &drawn).await.status, 303);
}

async fn let_go(world: World) {
    const ON: &str = "select count(*) from reseller_setting where name = 'four-eyes' and value = 'on'";
    let (settings, eyes) = ("/billing/settings", "/billing/settings/eyes");
    let (agree, alone) = ([("act", "agree")], [("four-eyes", "")]);
    let tenant = world.tenant("nord").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut second = second_person(&world, &tenant, &mut browser).await;
    assert_eq!(post(&mut second, eyes, &agree).await.status, 409, "nobody asks");
    // One person does not switch it off, however often.
    for _ in 0..2 {
        let asked = post(&mut browser, settings, &alone).await;
        assert_eq!(asked.location, format!("{settings}?done=eyes-asked"));
        assert_eq!(post(&mut browser, eyes, &agree).await.status, 409);
        assert_eq!(world.count(ON).await, 1);
    }
    assert!(!browser.get(settings).await.text.contains("value=\"agree\""));
    holds(&second.get(settings).await, &["asks Ada", "value=\"agree\""]);
    let kept = post(&mut second, eyes, &[("act", "keep")]).await;
    assert_eq!(kept.location, format!("{settings}?done=eyes-kept"));
    assert_eq!(post(&mut second, eyes, &agree).await.status, 409, "it was refused");
    assert_eq!(post(&mut browser, settings, &alone).await.status, 303);
    // Nobody else's people agree to it.
    let other = world.tenant("other").await;
    let mut stranger = world.browser(&other.reseller_email()).await;
    assert_eq!(post(&mut stranger, eyes, &agree).await.status, 409);
    assert_eq!(world.count(ON).await, 1);
    assert_eq!(post(&mut second, eyes, &agree).await.location, format!("{settings}?done=eyes-off"));
    assert_eq!(world.count(ON).await, 0);
    // Switched on again by one, nothing of what was asked is left.
    assert_eq!(post(&mut second, settings, &[("four-eyes", "on")]).await.location, format!("{settings}?done=settings"));
    assert_eq!(world.count(ON).await, 1);
    assert!(!second.get(settings).await.text.contains("asks Ada"));
}

async fn too_late(world: World) {
    let (tenant, contract, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut second = second_person(&world, &tenant, &mut browser).await;
    let address = format!("/contracts/{contract}/versions/new");
    let mut form = fields(&browser.get(&address).await.text, &address);
    form.insert("starts".to_owned(), "2026-10-01".to_owned());
    form.insert(named(&form, "0.32"), "0.35".to_owned());
    assert_eq!(send(&mut browser, &address, &form).await.status, 303);
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    world.setup(move |portal| setup::approve(portal, &reseller, statement, person).expect("approved")).await;
    // October is billed meanwhile: the version cannot change it any more, and can still be refused.
    let version = format!("/contracts/{contract}/versions/2");
    let late = post(&mut second, &format!("{version}/approve"), &[]).await;
    assert_eq!(late.status, 409, "{}", late.text);
    holds(&late, &["cannot begin on 1 Oct 2026"]);
    // One that was saved since counts, so that an older one cannot come back.
    let (_, mut form) = version_form(&mut browser, contract).await;
    form.insert(named(&form, "0.32"), "0.33".to_owned());
    assert_eq!(send(&mut browser, &address, &form).await.status, 303);
    assert_eq!(post(&mut second, &format!("/contracts/{contract}/versions/3/approve"), &[]).await.status, 303);
    let late = post(&mut second, &format!("{version}/approve"), &[]).await;
    assert_eq!(late.status, 409);
    holds(&late, &["Version 3 was saved since"]);
    let refused = post(&mut second, &format!("{version}/refuse"), &[("note", "too late")]).await;
    assert_eq!(refused.location, format!("/contracts/{contract}?done=refused"));
    holds(&browser.get(&format!("/contracts/{contract}")).await, &["refused by Kay", "too late"]);
}

async fn longer(world: World) {
    let (tenant, contract, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (address, mut form) = version_form(&mut browser, contract).await;
    // Months from December on, and then quarters in their place: October would be billed by both.
    assert_eq!(send(&mut browser, &address, &form).await.status, 303);
    form.insert("every".to_owned(), "quarter".to_owned());
    let refused = send(&mut browser, &address, &form).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    holds(&refused, &["It can start on 1 Jan 2027."]);
    assert_eq!(world.count(VERSIONS).await, 2);
    form.insert("starts".to_owned(), "2027-01-01".to_owned());
    let saved = send(&mut browser, &address, &form).await;
    assert_eq!((saved.status, world.count(VERSIONS).await), (303, 3), "{}", saved.text);
}

/// Draws up November; gives the draft.
async fn november(world: &World, tenant: &Tenant, contract: i64) -> (i64, Statement) {
    let reseller = tenant.reseller.clone();
    let period = Period::calendar_month(2026, 11, "Europe/Berlin").expect("a month");
    let draw = move |portal: &portal::Portal| setup::statement(portal, &reseller, contract, period);
    let drawn = world.setup(draw).await.expect("drawn up");
    (drawn, document(world, tenant, drawn).await)
}

async fn document(world: &World, tenant: &Tenant, statement: i64) -> Statement {
    let reseller = tenant.reseller.clone();
    let text = world.setup(move |portal| setup::document(portal, &reseller, statement).expect("kept")).await;
    serde_json::from_str(&text).expect("a document")
}

/// The evidence file of what was issued.
async fn bundle(world: &World, tenant: &Tenant, statement: i64) -> Vec<u8> {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::bundle(portal, &reseller, statement).expect("made").expect("issued")).await
}

/// Corrects a statement and gives the drafts of notes.
async fn correct(world: &World, tenant: &Tenant, statement: i64) -> Vec<i64> {
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let again = move |portal: &portal::Portal| setup::correct(portal, &reseller, statement, person, "A wrong price.");
    world.setup(again).await.expect("rated again")
}

/// Issues October, lets 500 m² be printed in November, and gives who works in December.
async fn october_issued(world: &World, tenant: &Tenant, contract: i64, october: i64) -> Browser {
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (address, mut form) = version_form(&mut browser, contract).await;
    form.insert("starts".to_owned(), "2026-10-01".to_owned());
    form.insert(named(&form, "0.14"), "0.12".to_owned());
    assert_eq!(post(&mut browser, &format!("/statements/{october}/approve"), &[]).await.status, 303);
    holds(&browser.get("/").await, &["Statements to issue", "432.09"]);
    // What is approved is issued, or made a draft again, before its terms change.
    let refused = send(&mut browser, &address, &form).await;
    assert_eq!(refused.status, 422);
    holds(&refused, &["a document of October 2026 is approved"]);
    assert_eq!(post(&mut browser, &format!("/statements/{october}/issue"), &[]).await.status, 303);
    form.insert("starts".to_owned(), "2026-10-15".to_owned());
    let refused = send(&mut browser, &address, &form).await;
    assert_eq!(refused.status, 422);
    holds(&refused, &["October 2026 was issued as a whole"]);
    let december = Instant(NOW.0 + 15 * 86_400_000);
    world.set_now(december);
    let mut sender = world.agent(tenant).await;
    let finished = Instant::parse("2026-11-10T08:00:00Z").expect("a timestamp");
    let mut more = report(7, Instant(december.0 - 3_600_000), &[finished]);
    printed(&mut more.jobs[0].0, "mono-line", Area(500_000_000));
    world.report(&mut sender, &more).await;
    world.browser(&tenant.reseller_email()).await
}

async fn put_right(world: World) {
    const NOTES: &str = "select count(*) from statement where kind <> 'statement'";
    let (tenant, contract, october) = w1(&world).await;
    let mut browser = october_issued(&world, &tenant, contract, october).await;
    let (wrong, drawn) = november(&world, &tenant, contract).await;
    // 100 m² beyond what is included.
    assert_eq!((drawn.net, world.count(NOTES).await), (Money(18_000 + 1_400), 0));
    let (address, mut form) = version_form(&mut browser, contract).await;
    form.insert("starts".to_owned(), "2026-10-01".to_owned());
    form.insert(named(&form, "0.14"), "0.12".to_owned());
    form.insert("preview".to_owned(), "yes".to_owned());
    let preview = send(&mut browser, &address, &form).await;
    assert_eq!(preview.status, 200, "{}", preview.text);
    let told = "October 2026 was issued: what it differs by is settled by a note.";
    holds(&preview, &[told, "The issued period would have come to", "2.40", "16.80", "14.40"]);
    form.remove("preview");
    let saved = send(&mut browser, &address, &form).await;
    assert_eq!(saved.location, format!("/contracts/{contract}?done=version-back"), "{}", saved.text);
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let refused = world.setup(move |portal| setup::approve_only(portal, &reseller, wrong, person)).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("Version 2 of the contract bills this period")));
    // What was agreed is put right by a note, whatever the contract says of what comes late.
    let (_, drawn) = november(&world, &tenant, contract).await;
    assert_eq!((drawn.net, world.count(NOTES).await), (Money(18_000 + 1_200), 1));
    assert!(drawn.lines.iter().all(|line| line.step != Some(Step::Adjustments)));
    let notes = correct(&world, &tenant, october).await;
    assert_eq!((notes.len(), world.count(NOTES).await), (1, 1));
    let note = document(&world, &tenant, notes[0]).await;
    // 120 m² at 0.12 instead of 0.14: 2.40, with the tax of 357.10 less that of 354.70.
    assert_eq!((note.kind, note.net, note.total), (DocumentKind::Credit, Money(-240), Money(-290)));
    assert_eq!((note.contract.version, note.lines.len()), (2, 1));
    assert!(note.lines[0].detail.contains("price 0.12 instead of 0.14"), "{}", note.lines[0].detail);
    let (reseller, id) = (tenant.reseller.clone(), notes[0]);
    world.setup(move |portal| setup::approve(portal, &reseller, id, person).expect("issued")).await;
    let mut customer = world.browser(&tenant.customer_email()).await;
    holds(&customer.get("/my").await, &["S-0001", "S-0002"]);
    let (first, second) = (format!("/my/statements/{october}"), format!("/my/statements/{id}"));
    holds(&customer.get(&second).await, &["Credit note", &first]);
    holds(&customer.get(&first).await, &[&second]);
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    let (_, drawn) = november(&world, &tenant, contract).await;
    assert_eq!((drawn.net, world.count(NOTES).await), (Money(18_000 + 1_200), 1));
    let (before, after) = (bundle(&world, &tenant, october).await, bundle(&world, &tenant, id).await);
    evidence::verify(&after, None, Some(&before)).expect("the note holds, and follows");
}

async fn outlook(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    let mut read = report(7, Instant(NOW.0 - 3_600_000), &[Instant(NOW.0 - 7_200_000)]);
    printed(&mut read.jobs[0].0, "mono-line", Area(300_000_000));
    world.report(&mut sender, &read).await;
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let contract = world
        .setup(move |portal| {
            let from = Instant::parse("2026-10-31T23:00:00Z").expect("an instant");
            let mut agreed = terms();
            let exit = billing::clauses::exit::Exit {
                months: 36,
                first: billing::Day::parse("2024-02-01").expect("a day"),
                notice_days: 60,
                renew_months: 12,
                amount: billing::Money(35_000),
                ..Default::default()
            };
            agreed.clauses.insert(0, Clause::Exit(exit));
            let contract =
                setup::contract(portal, &reseller, customer, "C-112", &agreed, (from, person)).expect("a contract");
            let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0];
            setup::assign(portal, &reseller, contract, printer, from).expect("assigned");
            contract
        })
        .await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/contracts/{contract}")).await;
    // 300 of 400 m² are three quarters, said in words, by a shape and by a bar.
    holds(&page, &["Used so far", "300.00 m² of 400.00 m² used", "value=\"75\"", "Last day to give notice"]);
    holds(&browser.get("/").await, &["Notice and renewal", "within 90 days", "C-112 · Kessler Architekten: Last day"]);
}

async fn settings(world: World) {
    let tenant = world.tenant("nord").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let address = "/billing/settings";
    let wrong = post(&mut browser, address, &[("due-days", "soon"), ("name", "Nordhang <Repro>")]).await;
    assert_eq!(wrong.status, 422);
    holds(&wrong, &["href=\"#f-due-days\"", "value=\"soon\"", "Nordhang &#60;Repro&#62;"]);
    assert_eq!(world.count("select count(*) from reseller_setting").await, 0);
    let lines = "Weg 1\r\n50667 Köln";
    let typed = [("due-days", "14"), ("number-prefix", "R-"), ("name", "Nordhang"), ("address", lines)];
    let saved = post(&mut browser, address, &typed).await;
    assert_eq!(saved.location, format!("{address}?done=settings"));
    holds(&browser.get(address).await, &["value=\"14\"", "value=\"R-\"", "Weg 1\n50667 Köln"]);
    // Saved again, each stands once.
    assert_eq!(post(&mut browser, address, &[("due-days", "21")]).await.status, 303);
    assert_eq!(world.count("select count(*) from reseller_setting where name = 'due-days'").await, 1);
    holds(&browser.get(address).await, &["value=\"21\"", "value=\"S-\""]);
}

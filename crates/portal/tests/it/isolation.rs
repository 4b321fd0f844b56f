//! No one else's data: every route of the portal, asked by the wrong people.
//!
//! The routes are read from the source, so that a new one without a line here fails.

use crate::world::{Browser, NOW, PASSWORD, Page, World, another_customer, both, report, token};
use portal::setup::{self, Role};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

both! {
    every_route_denies_other_tenants_customers_operators_and_strangers => denied;
    lists_show_nothing_of_another_reseller => lists;
    a_form_names_nothing_of_another_reseller => forms;
}

/// Who a route is for.
#[derive(Clone, Copy, PartialEq)]
enum For {
    /// Anybody.
    Anybody,
    /// Agents, who authenticate by keys; `ingest` has its own stories.
    Agents,
    /// Somebody signed in, whoever.
    Signed,
    /// People of a reseller; `{…}` stands for ids that belong to one.
    Reseller,
    /// People of a customer.
    Customer,
    /// The operator.
    Operator,
}

/// Every route and whom it is for.
const ROUTES: &[(&str, &str, For)] = &[
    ("get", "/", For::Signed),
    ("get", "/agents", For::Reseller),
    ("get", "/agents/{id}", For::Reseller),
    ("post", "/agents/{id}/collect", For::Reseller),
    ("post", "/agents/{id}/interval", For::Reseller),
    ("post", "/agents/{id}/lease", For::Reseller),
    ("post", "/agents/{id}/personal", For::Reseller),
    ("post", "/agents/{id}/ranges", For::Reseller),
    ("post", "/agents/{id}/state", For::Reseller),
    ("get", "/assets/{file}", For::Anybody),
    ("get", "/billing", For::Reseller),
    ("get", "/billing/indices", For::Reseller),
    ("post", "/billing/indices", For::Reseller),
    ("get", "/billing/settings", For::Reseller),
    ("post", "/billing/settings", For::Reseller),
    ("post", "/billing/settings/eyes", For::Reseller),
    ("get", "/billing/settings/logo", For::Reseller),
    ("post", "/billing/settings/logo", For::Reseller),
    ("get", "/billing/{month}", For::Reseller),
    ("post", "/billing/{month}/estimate", For::Reseller),
    ("post", "/billing/{month}/run", For::Reseller),
    ("get", "/contracts", For::Reseller),
    ("get", "/contracts/new", For::Reseller),
    ("post", "/contracts/new", For::Reseller),
    ("get", "/contracts/prices", For::Reseller),
    ("post", "/contracts/prices", For::Reseller),
    ("get", "/contracts/templates", For::Reseller),
    ("post", "/contracts/templates", For::Reseller),
    ("get", "/contracts/{id}", For::Reseller),
    ("get", "/contracts/{id}/events", For::Reseller),
    ("post", "/contracts/{id}/events", For::Reseller),
    ("get", "/contracts/{id}/margin", For::Reseller),
    ("post", "/contracts/{id}/margin", For::Reseller),
    ("post", "/contracts/{id}/printers", For::Reseller),
    ("post", "/contracts/{id}/printers/{printer}/end", For::Reseller),
    ("post", "/contracts/{id}/statements", For::Reseller),
    ("get", "/contracts/{id}/versions/new", For::Reseller),
    ("post", "/contracts/{id}/versions/new", For::Reseller),
    ("post", "/contracts/{id}/versions/{version}/approve", For::Reseller),
    ("post", "/contracts/{id}/versions/{version}/refuse", For::Reseller),
    ("get", "/customers", For::Reseller),
    ("get", "/customers/new", For::Reseller),
    ("post", "/customers/new", For::Reseller),
    ("get", "/customers/{id}", For::Reseller),
    ("post", "/customers/{id}/agents", For::Reseller),
    ("post", "/customers/{id}/agents/announce", For::Reseller),
    ("post", "/customers/{id}/agents/cancel", For::Reseller),
    ("post", "/customers/{id}/agents/factory", For::Reseller),
    ("post", "/customers/{id}/agents/panel", For::Reseller),
    ("post", "/customers/{id}/agents/withdraw", For::Reseller),
    ("get", "/customers/{id}/billing", For::Reseller),
    ("post", "/customers/{id}/billing", For::Reseller),
    ("post", "/customers/{id}/participation", For::Reseller),
    ("get", "/healthz", For::Anybody),
    ("get", "/jobs", For::Reseller),
    ("get", "/jobs.csv", For::Reseller),
    ("get", "/jobs/{printer}/{key}", For::Reseller),
    ("get", "/my", For::Customer),
    ("get", "/my/contracts/{id}", For::Customer),
    ("get", "/my/printers/{id}", For::Customer),
    ("get", "/my/readings", For::Customer),
    ("post", "/my/readings", For::Customer),
    ("get", "/my/statements/{id}", For::Customer),
    ("get", "/my/statements/{id}/einvoice.xml", For::Customer),
    ("get", "/my/statements/{id}/evidence", For::Customer),
    ("get", "/my/statements/{id}/export.csv", For::Customer),
    ("get", "/my/statements/{id}/export.json", For::Customer),
    ("get", "/my/statements/{id}/export.xlsx", For::Customer),
    ("get", "/my/statements/{id}/jobs.csv", For::Customer),
    ("get", "/my/statements/{id}/logo", For::Customer),
    ("post", "/my/statements/{id}/object", For::Customer),
    ("get", "/my/statements/{id}/statement.pdf", For::Customer),
    ("get", "/objections", For::Reseller),
    ("get", "/operator", For::Operator),
    ("post", "/operator/resellers", For::Operator),
    ("get", "/people", For::Reseller),
    ("get", "/people/new", For::Reseller),
    ("post", "/people/new", For::Reseller),
    ("post", "/people/{id}/close", For::Reseller),
    ("get", "/printers", For::Reseller),
    ("get", "/printers/{id}", For::Reseller),
    ("post", "/printers/{id}/participation", For::Reseller),
    ("post", "/printers/{id}/site", For::Reseller),
    ("get", "/printers/{id}/swap", For::Reseller),
    ("post", "/printers/{id}/swap", For::Reseller),
    ("get", "/readings", For::Reseller),
    ("post", "/readings", For::Reseller),
    ("get", "/readings/enter", For::Reseller),
    ("post", "/readings/enter", For::Reseller),
    ("get", "/readings/import", For::Reseller),
    ("post", "/readings/import", For::Reseller),
    ("get", "/readings/units", For::Reseller),
    ("post", "/readings/units", For::Reseller),
    ("post", "/readings/units/{id}/withdraw", For::Reseller),
    ("post", "/readings/{id}/withdraw", For::Reseller),
    ("get", "/sign-in", For::Anybody),
    ("post", "/sign-in", For::Anybody),
    ("post", "/sign-out", For::Signed),
    ("get", "/statements", For::Reseller),
    ("get", "/statements/{id}", For::Reseller),
    ("post", "/statements/{id}/approve", For::Reseller),
    ("post", "/statements/{id}/correct", For::Reseller),
    ("post", "/statements/{id}/discard", For::Reseller),
    ("get", "/statements/{id}/einvoice.xml", For::Reseller),
    ("get", "/statements/{id}/evidence", For::Reseller),
    ("get", "/statements/{id}/export.csv", For::Reseller),
    ("get", "/statements/{id}/export.json", For::Reseller),
    ("get", "/statements/{id}/export.xlsx", For::Reseller),
    ("get", "/statements/{id}/jobs.csv", For::Reseller),
    ("get", "/statements/{id}/logo", For::Reseller),
    ("post", "/statements/{id}/issue", For::Reseller),
    ("post", "/statements/{id}/objections/{objection}", For::Reseller),
    ("post", "/statements/{id}/reopen", For::Reseller),
    ("post", "/statements/{id}/sign", For::Reseller),
    ("get", "/statements/{id}/statement.pdf", For::Reseller),
    ("get", "/statements/{id}/subtotals.csv", For::Reseller),
    ("post", "PACKAGES_PATH", For::Agents),
    ("post", "ENROL_PATH", For::Agents),
    ("post", "CONFIRM_PATH", For::Agents),
    ("post", "COMPARE_PATH", For::Agents),
    ("post", "MESSAGES_PATH", For::Agents),
];

/// Every `.route("path", get(..).post(..))` in the portal's source.
fn routes_in_source() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                routes_in(&std::fs::read_to_string(path).expect("text"), &mut found);
            }
        }
    }
    found
}

fn routes_in(text: &str, found: &mut BTreeSet<(String, String)>) {
    for call in text.split(".route(").skip(1) {
        let (path, rest) = call.split_once(',').expect("a path and its methods");
        let path = path.trim().trim_matches('"').trim_start_matches("protocol::").to_owned();
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let methods = &rest[..end.expect("the call ends")];
        for method in ["get", "post", "put", "delete", "patch"] {
            let first = methods.trim_start().starts_with(&format!("{method}("));
            if first || methods.contains(&format!(".{method}(")) {
                found.insert((method.to_owned(), path.clone()));
            }
        }
    }
}

#[test]
fn every_route_has_a_line() {
    let listed: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes_in_source(), listed);
}

/// A reseller with one of everything; gives the ids that stand in its addresses.
async fn furnished(world: &World, name: &'static str) -> (crate::world::Tenant, BTreeMap<&'static str, String>) {
    let tenant = world.tenant(name).await;
    let mut sender = world.agent(&tenant).await;
    let day = Instant(NOW.0 - 30 * 86_400_000);
    world.report(&mut sender, &report(7, Instant(day.0 + 3_600_000), &[day])).await;
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    let ids = world
        .setup(move |portal| {
            let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0];
            let terms = crate::stories::terms();
            let from = Instant(NOW.0 - 90 * 86_400_000);
            let contract =
                setup::contract(portal, &reseller, customer, "C-1", &terms, (from, person)).expect("a contract");
            setup::assign(portal, &reseller, contract, printer, from).expect("assigned");
            let period = billing::Period::calendar_month(2026, 10, "Europe/Berlin").expect("a month");
            let statement = setup::statement(portal, &reseller, contract, period).expect("a statement");
            setup::approve(portal, &reseller, statement, person).expect("approved");
            [
                ("printer", printer),
                ("contract", contract),
                ("statement", statement),
                ("customer", customer),
                ("person", person),
            ]
        })
        .await;
    let mut ids: BTreeMap<&'static str, String> = ids.into_iter().map(|(kind, id)| (kind, id.to_string())).collect();
    ids.insert("agent", sender.agent.clone());
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let jobs = browser.get("/jobs").await;
    let key = crate::world::between(&jobs.text, &format!("/jobs/{}/", ids["printer"]), "\"").expect("a job's link");
    ids.insert("key", key.to_owned());
    for (kind, insert) in [
        (
            "hand",
            "insert into hand_reading (reseller_id, reading_id, printer_id, meter, media, value, read_at, source,
                entered_at, person_id, note, odd)
            select reseller_id, printer_id + 1, printer_id, 'pages', '', 1, 1, 'manual', 1, 1, '', '' from printer
            where printer_id = ",
        ),
        (
            "unit",
            "insert into declared_unit (reseller_id, declaration_id, product_number, firmware, row, unit, note,
                declared_at, person_id)
            select reseller_id, printer_id + 1, 'X', '', 'P19', 'm2', '', 1, 1 from printer where printer_id = ",
        ),
    ] {
        world.change(&format!("{insert}{}", ids["printer"])).await;
        let id: i64 = ids["printer"].parse().expect("a number");
        ids.insert(kind, (id + 1).to_string());
    }
    let objected = "insert into objection (reseller_id, objection_id, statement_id, line, words, at, person_id)
        select reseller_id, statement_id + 1, statement_id, '', 'n', 1, 1 from statement where statement_id = ";
    world.change(&format!("{objected}{}", ids["statement"])).await;
    let id: i64 = ids["statement"].parse().expect("a number");
    ids.insert("objection", (id + 1).to_string());
    (tenant, ids)
}

/// The address of a route with ids in it.
fn fill(path: &str, ids: &BTreeMap<&'static str, String>) -> String {
    // A customer's own pages are named as the reseller's are.
    let kind = match path.trim_start_matches("/my").split('/').nth(1).unwrap_or("") {
        "agents" => "agent",
        "contracts" => "contract",
        "customers" => "customer",
        "people" => "person",
        "printers" | "jobs" => "printer",
        "readings" if path.contains("/units/") => "unit",
        "readings" => "hand",
        _ => "statement",
    };
    path.replace("{id}", &ids[kind])
        .replace("{printer}", &ids["printer"])
        .replace("{key}", &ids["key"])
        .replace("{month}", "2026-10")
        .replace("{version}", "1")
        .replace("{objection}", &ids["objection"])
}

async fn ask(browser: &mut Browser, method: &str, path: &str, form: &[(&str, String)]) -> Page {
    if method == "get" { browser.get(path).await } else { browser.post(path, form).await }
}

/// A form with what every route may ask for, for the reseller with `ids`.
fn filled(csrf: String, ids: &BTreeMap<&'static str, String>) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("csrf", csrf),
        ("period", text("2026-10")),
        ("minutes", text("60")),
        ("printer", ids["printer"].clone()),
        ("from", text("2026-11-01")),
        ("to", text("2026-11-01")),
        ("change", text("suspend")),
        ("sure", text("yes")),
        ("announced", text("CN0")),
        ("serial", text("CN0")),
        ("digits", text("000000")),
        ("factory_serial", text("CN0")),
        ("label", text("0123456789abcdef")),
        ("who", text("listed")),
        ("part", text("yes")),
        ("meter", text("area-media")),
        ("value", text("1")),
        ("reason", text("reset")),
        ("note", text("n")),
        ("at", text("2026-10-15")),
    ]
}

/// What whoever may see a page gets there.
fn status(path: &str) -> u16 {
    match path.rsplit('/').next() {
        // Nobody entered seller and buyer.
        Some("einvoice.xml") => 409,
        // Nobody gave one.
        Some("logo") => 404,
        Some("statement.pdf") if !cfg!(feature = "pdf") => 404,
        _ => 200,
    }
}

async fn denied(world: World) {
    let (owner, ids) = furnished(&world, "owner").await;
    let (other, _) = furnished(&world, "other").await;
    world
        .setup(|portal| {
            setup::person(portal, Role::Operator, "operator@portal.test", "Olga", PASSWORD).expect("a person")
        })
        .await;
    let mut strangers = [
        ("other reseller", world.browser(&other.reseller_email()).await, Some(For::Reseller)),
        ("other customer", world.browser(&other.customer_email()).await, Some(For::Customer)),
        ("customer beside", world.browser(&another_customer(&world, &owner).await).await, Some(For::Customer)),
        ("own customer", world.browser(&owner.customer_email()).await, None),
        ("operator", world.browser("operator@portal.test").await, Some(For::Operator)),
    ];
    let mut nobody = Browser::anonymous(&world);
    for (method, path, audience) in ROUTES {
        if matches!(audience, For::Anybody | For::Agents | For::Signed) {
            continue;
        }
        let address = fill(path, &ids);
        let page = ask(&mut nobody, method, &address, &[]).await;
        assert_eq!(page.status, 303, "nobody, {method} {path}");
        assert!(page.location.starts_with("/sign-in"), "nobody, {method} {path}: {}", page.location);
        for (who, browser, kind) in &mut strangers {
            // Lists and forms without an id are their own; they are compared below.
            // A month is nobody's: each has its own.
            let own = *kind == Some(*audience) && !path.replace("{month}", "").contains('{');
            let of_owner = *who == "own customer" && *audience == For::Customer;
            if own || of_owner {
                continue;
            }
            let home = match *kind {
                Some(For::Reseller) => "/printers",
                Some(For::Operator) => "/operator",
                _ => "/my",
            };
            let csrf = token(&browser.get(home).await.text);
            assert!(!csrf.is_empty(), "{who} has a token");
            let page = ask(browser, method, &address, &filled(csrf, &ids)).await;
            assert_eq!(page.status, 404, "{who}, {method} {path}: {}", page.text);
        }
    }
    // The owner gets every page, so that the 404s above are not for another reason.
    let mut browser = world.browser(&owner.reseller_email()).await;
    for (_, path, _) in ROUTES.iter().filter(|(method, _, audience)| *method == "get" && *audience == For::Reseller) {
        let page = browser.get(&fill(path, &ids)).await;
        assert_eq!(page.status, status(path), "owner, {path}: {}", page.text);
    }
    // The same forms reach something when the owner sends them, if only to be told what is wrong.
    let csrf = token(&browser.get("/printers").await.text);
    for (_, path, _) in ROUTES.iter().filter(|(method, _, audience)| *method == "post" && *audience == For::Reseller) {
        let page = browser.post(&fill(path, &ids), &filled(csrf.clone(), &ids)).await;
        assert!(matches!(page.status, 200 | 303 | 409 | 422), "owner, post {path}: {} {}", page.status, page.text);
    }
    let mut customer = world.browser(&owner.customer_email()).await;
    for (_, path, _) in ROUTES.iter().filter(|(method, _, audience)| *method == "get" && *audience == For::Customer) {
        let page = customer.get(&fill(path, &ids)).await;
        assert_eq!(page.status, status(path), "owner's customer, {path}: {}", page.text);
    }
}

async fn lists(world: World) {
    let (owner, ids) = furnished(&world, "owner").await;
    let empty = world.tenant("empty").await;
    let mut browser = world.browser(&empty.reseller_email()).await;
    for path in [
        "/",
        "/printers",
        "/jobs",
        "/jobs.csv",
        "/contracts",
        "/statements",
        "/objections",
        "/agents",
        "/people",
        "/customers",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for (kind, id) in &ids {
            assert!(!page.text.contains(id.as_str()), "{path} shows the {kind} of another reseller");
        }
        assert!(!page.text.contains(&owner.reseller_email()), "{path}");
    }
    // A filter cannot reach beyond it either.
    let page = browser
        .get(&format!("/jobs.csv?printer={}&contract={}&customer={}", ids["printer"], ids["contract"], ids["customer"]))
        .await;
    assert!(page.status == 404 || page.text.lines().count() <= 1, "{}", page.text);
}

async fn forms(world: World) {
    const STAYS: &str = "select count(*) from contract_printer";
    const PEOPLE: &str = "select count(*) from person";
    let (owner, ids) = furnished(&world, "owner").await;
    let (_, foreign) = furnished(&world, "other").await;
    let mut browser = world.browser(&owner.reseller_email()).await;
    let csrf = token(&browser.get("/printers").await.text);
    let (stays, people) = (world.count(STAYS).await, world.count(PEOPLE).await);
    // The own printer is found, and in the contract already; another reseller's is not found.
    let address = format!("/contracts/{}/printers", ids["contract"]);
    for (printer, status) in [(&ids["printer"], 409), (&foreign["printer"], 404)] {
        let form = [("csrf", csrf.clone()), ("printer", printer.clone()), ("from", "2026-11-01".to_owned())];
        let page = browser.post(&address, &form).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    assert_eq!(world.count(STAYS).await, stays);
    for (customer, status, more) in [(&foreign["customer"], 404, 0), (&ids["customer"], 200, 1)] {
        let form = [
            ("csrf", csrf.clone()),
            ("name", "Ada".to_owned()),
            ("email", "invited@reseller.test".to_owned()),
            ("customer", customer.clone()),
        ];
        let page = browser.post("/people/new", &form).await;
        assert_eq!(page.status, status, "{}", page.text);
        assert_eq!(world.count(PEOPLE).await, people + more);
    }
}

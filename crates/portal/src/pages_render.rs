//! Renders every page from its sample, holds what all pages promise, and writes them to
//! `target/pages/<name>.html` for a look in a browser.
//!
//! Deliberately absent: what handlers put into a page, which their own tests hold.

use crate::agents::page::{AgentPage, AgentsPage};
use crate::contracts::page::{ContractFormPage, ContractPage, ContractsPage};
use crate::customers::page::{CustomerNewPage, CustomerPage, CustomersPage};
use crate::fleet::page::{PrinterPage, PrintersPage};
use crate::home::page::HomePage;
use crate::jobs::page::{JobPage, JobsPage};
use crate::my::page::MyPage;
use crate::operator::page::OperatorPage;
use crate::people::page::{PeoplePage, PersonNewPage, SignInPage};
use crate::shell::page::{Assets, ErrorPage, Missing};
use crate::statements::page::{StatementPage, StatementsPage};
use askama::Template;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A page with its links weighs less than this.
const WEIGHT_MAX: usize = 100 * 1024;

fn render(page: &impl Template) -> String {
    page.render().expect("a sample renders")
}

/// Every page, by name.
fn pages() -> Vec<(String, String)> {
    let mut pages = [
        ("sign-in", render(&SignInPage::sample())),
        ("people", render(&PeoplePage::sample())),
        ("person-new", render(&PersonNewPage::sample())),
        ("home", render(&HomePage::sample())),
        ("printers", render(&PrintersPage::sample())),
        ("jobs", render(&JobsPage::sample())),
        ("job", render(&JobPage::sample())),
        ("contracts", render(&ContractsPage::sample())),
        ("contract", render(&ContractPage::sample())),
        ("contract-form", render(&ContractFormPage::sample())),
        ("billing-settings", render(&crate::contracts::settings::SettingsPage::sample())),
        ("statements", render(&StatementsPage::sample())),
        ("statement", render(&StatementPage::sample())),
        ("statement-events", render(&crate::statements::page::EventsPage::sample())),
        ("objections", render(&crate::statements::objections::page::ObjectionsPage::sample())),
        ("billing-months", render(&crate::billing_run::page::MonthsPage::sample())),
        ("billing-board", render(&crate::billing_run::page::BoardPage::sample())),
        ("readings", render(&crate::readings::page::SettlePage::sample())),
        ("readings-enter", render(&crate::readings::page::EnterPage::sample())),
        ("readings-units", render(&crate::readings::page::UnitsPage::sample())),
        ("readings-import", render(&crate::readings::page::ImportPage::sample())),
        ("printer-swap", render(&crate::readings::page::SwapPage::sample())),
        ("my-contract", render(&crate::contracts::own::OwnContractPage::sample())),
        ("my-printer", render(&crate::fleet::own::OwnPrinterPage::sample())),
        ("my-readings", render(&crate::my::readings::MyReadingsPage::sample())),
        ("templates", render(&crate::contracts::template::TemplatesPage::sample())),
        ("prices", render(&crate::contracts::mass::page::PricesPage::sample())),
        ("margin", render(&crate::contracts::margin::page::MarginPage::sample())),
        ("customer-billing", render(&crate::customers::billing::CustomerBillingPage::sample())),
        ("indices", render(&crate::billing_run::indices::IndicesPage::sample())),
        ("customers", render(&CustomersPage::sample())),
        ("customer", render(&CustomerPage::sample())),
        ("customer-new", render(&CustomerNewPage::sample())),
        ("agents", render(&AgentsPage::sample())),
        ("agent", render(&AgentPage::sample())),
        ("operator", render(&OperatorPage::sample())),
        ("my", render(&MyPage::sample())),
        ("error", render(&ErrorPage::new(409, Some("<script>alert(1)</script>".to_owned()), None))),
        ("error with what is missing", render(&ErrorPage::new(409, None, None).missing(missing()))),
    ]
    .into_iter()
    .map(|(name, html)| (name.to_owned(), html))
    .collect::<Vec<_>>();
    pages.extend(PrinterPage::samples().into_iter().map(|(tab, page)| (format!("printer-{tab}"), render(&page))));
    pages
}

fn missing() -> Vec<Missing> {
    let text = "The buyer's <script>alert(1)</script> country is missing.".to_owned();
    let href = Some("/customers/4/billing#f-buyer-country".to_owned());
    vec![Missing { text: text.clone(), href }, Missing { text, href: None }]
}

/// The values of the attribute `name` in `html`.
fn attribute<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    html.split(opening.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Elements that have no end.
const VOID: &[&str] = &["meta", "link", "input", "br", "img", "path", "rect", "!doctype"];

/// The first element that is not closed in its place.
fn unbalanced(html: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.split([' ', '\n', '/']).find(|part| !part.is_empty()).unwrap_or("");
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> after {open:?}"));
            }
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    open.pop().map(str::to_owned)
}

#[test]
fn every_page_escapes_what_others_wrote() {
    for (name, html) in pages() {
        assert!(!html.contains("<script>"), "{name} lets a script through");
        assert!(html.contains("&#60;script&#62;") || name == "sign-in", "{name} shows no sample of a script");
    }
}

#[test]
fn every_page_obeys_the_content_policy_and_stays_light() {
    for (name, html) in pages() {
        for inline in [" style=", " onclick=", " onload=", " onsubmit=", "<style", "javascript:"] {
            assert!(!html.contains(inline), "{name} has {inline}");
        }
        for address in ["href", "src", "action"].iter().flat_map(|kind| attribute(&html, kind)) {
            assert!(address.starts_with(['/', '#']), "{name} leads to {address}");
        }
        assert!(html.len() < WEIGHT_MAX, "{name} weighs {} bytes", html.len());
    }
}

#[test]
fn every_page_is_well_formed_and_named() {
    for (name, html) in pages() {
        assert_eq!(unbalanced(&html), None, "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert_eq!(html.matches("<table").count(), html.matches("<caption").count(), "{name}: tables and captions");
        assert_eq!(
            html.matches("<th>").count() + html.matches("<th class").count(),
            0,
            "{name}: headers without scope"
        );
        let ids = attribute(&html, "id");
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "{name} uses an id twice: {ids:?}");
        for kind in ["for", "aria-describedby", "aria-labelledby"] {
            for id in attribute(&html, kind).into_iter().flat_map(str::split_whitespace) {
                assert!(distinct.contains(id), "{name}: {kind} names {id}, which is not there");
            }
        }
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (name, html) in pages() {
        for form in html.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next()) {
            let posts = form.contains(r#"method="post""#);
            let token = form.contains(r#"name="csrf""#);
            assert_eq!(posts, token, "{name}: {form}");
            assert!(posts || form.contains(r#"method="get""#), "{name}: a form without its method");
        }
    }
}

#[test]
fn a_statement_on_paper_says_its_number_and_what_is_to_be_known() {
    let html = render(&StatementPage::sample());
    assert!(html.contains(r#"<span class="paper">2026-0187"#));
    assert!(html.contains(r#"<div class="flash warn"><strong>"#), "what has a role is of the screen only");
    let (_, style) = Assets::at(&Assets::current().css).expect("the style sheet of this program");
    for rule in [".paper { display: inline; }", "main .flash[role] { display: none; }", "tr.proof, .proof > td"] {
        assert!(style.contains(rule), "{rule}");
    }
}

fn templates(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the source folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            templates(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            found.push(path);
        }
    }
}

#[test]
fn no_template_switches_escaping_off() {
    let mut found = Vec::new();
    templates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 30, "{}", found.len());
    for path in found {
        let text = std::fs::read_to_string(&path).expect("a template reads");
        assert!(!text.replace(' ', "").contains("|safe"), "{}", path.display());
    }
}

#[test]
fn the_samples_stand_in_target_pages_for_a_look() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/pages");
    std::fs::create_dir_all(&folder).expect("target/pages can be made");
    let assets = Assets::current();
    for address in [&assets.css, &assets.js, &assets.icon] {
        let (_, text) = Assets::at(address).expect("an asset of this program");
        let file = address.rsplit('/').next().expect("split gives at least one part");
        std::fs::write(folder.join(file), text).expect("an asset is written");
    }
    for (name, html) in pages() {
        let html = html.replace("\"/assets/", "\"");
        std::fs::write(folder.join(format!("{name}.html")), html).expect("a page is written");
    }
}

//! Stories of who sells and who buys: what a document and its electronic invoice keep of them, and what details that
//! are entered later change.

use crate::books::{DAY, billed, bundle, contract, correct, document, draw, issue, month, printed, terms};
use crate::stories::w1;
use crate::world::{Browser, NOW, Page, Tenant, World, both, token};
use billing::clauses::payers::{PayerRow, Payers};
use billing::clauses::tax::TaxRule;
use billing::{Clause, DocumentKind, Money, Tax, Terms};
use report::{Instant, Share};

both! {
    an_electronic_invoice_keeps_the_parties_that_it_was_first_made_with => kept;
    the_electronic_invoice_of_a_note_names_whom_that_of_its_statement_names => of_note;
    what_an_electronic_invoice_lacks_leads_to_the_field_where_it_is_entered => missing;
    details_count_from_the_next_statement_on_unless_a_person_says_since_when_they_were_wrong => since;
    who_buys_what_others_pay_for_is_taxed_as_it_was_billed => others;
    a_tax_number_has_the_form_of_its_country => numbers;
    an_issued_document_keeps_how_it_is_to_be_paid => paid;
}

const NOTES: &str = "select count(*) from statement where kind <> 'statement'";
const NOTE: &str = "select statement_id from statement where kind <> 'statement' and state = 'draft'";
/// Drafts of notes with the one true reason.
const PUT_RIGHT: &str = "select count(*) from statement_event where kind = 'drawn'
    and detail = 'Details of who is charged were put right for the period after it was billed.'";

fn text(text: &str) -> String {
    text.to_owned()
}

async fn act(browser: &mut Browser, path: &str, fields: &[(&'static str, String)]) -> Page {
    let mut form = vec![("csrf", token(&browser.get("/billing").await.text))];
    form.extend(fields.iter().cloned());
    browser.post(path, &form).await
}

/// A statement of W1 that was issued, with its tenant, somebody of it, and the start of its addresses.
async fn issued(world: &World) -> (Tenant, Browser, String) {
    let (tenant, _, statement) = w1(world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/statements/{statement}");
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{path}/{word}"), &[]).await.status, 303, "{word}");
    }
    (tenant, browser, path)
}

async fn enter(browser: &mut Browser, tenant: &Tenant, fields: &[(&'static str, String)]) -> Page {
    act(browser, &format!("/customers/{}/billing", tenant.customer), fields).await
}

fn seller(iban: &str) -> Vec<(&'static str, String)> {
    vec![
        ("form", text("seller")),
        ("seller.name", text("Nordhang Repro")),
        ("seller.country", text("DE")),
        ("seller.vat_id", text("DE123456789")),
        ("seller.iban", text(iban)),
    ]
}

fn buyer(name: &str, country: &str, since: &str) -> Vec<(&'static str, String)> {
    vec![
        ("form", text("buyer")),
        ("buyer.name", text(name)),
        ("buyer.country", text(country)),
        ("buyer.since", text(since)),
    ]
}

async fn kept(world: World) {
    let (tenant, mut browser, path) = issued(&world).await;
    assert_eq!(enter(&mut browser, &tenant, &seller("DE89370400440532013000")).await.status, 303);
    assert_eq!(enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", "")).await.status, 303);
    let page = browser.get(&path).await.text;
    assert!(page.contains("details when its electronic invoice is first made"), "{page}");
    let at = |query: &str| format!("{path}/einvoice.xml{query}");
    let first = browser.file(&at("")).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert!(first.text().contains("Kessler GmbH") && first.text().contains("DE89370400440532013000"));
    assert_eq!(world.count("select count(*) from invoice_party").await, 1);
    // Whoever is entered later stands on nothing that was made.
    world.set_now(Instant(NOW.0 + 3_600_000));
    assert_eq!(enter(&mut browser, &tenant, &seller("NL91ABNA0417164300")).await.status, 303);
    let mut other = buyer("Somebody Else Ltd", "GB", "");
    other.push(("buyer.street", text("Other St 9")));
    assert_eq!(enter(&mut browser, &tenant, &other).await.status, 303);
    assert!(browser.file(&at("")).await.bytes == first.bytes, "another invoice");
    let own = world.browser(&tenant.customer_email()).await;
    assert!(own.file(&format!("/my{}", at(""))).await.bytes == first.bytes, "the customer gets another invoice");
    let cii = browser.file(&at("?syntax=cii")).await.text();
    assert!(cii.contains("Kessler GmbH") && !cii.contains("Somebody") && !cii.contains("NL91"), "{cii}");
    let page = browser.get(&path).await.text;
    assert!(page.contains("as it was known on 22 Nov 2026"), "{page}");
    // One of another profile names the same parties, also what it lacks is not taken from others.
    let peppol = browser.file(&at("?profile=peppol")).await;
    assert_eq!(peppol.status, 409, "{}", peppol.text());
    assert_eq!(world.count("select count(*) from invoice_party").await, 1);
    if cfg!(feature = "pdf") {
        let hybrid = browser.file(&format!("{path}/statement.pdf?invoice=factur-x")).await;
        assert_eq!(hybrid.status, 200, "{}", hybrid.text());
        world.set_now(Instant(NOW.0 + 7_200_000));
        assert_eq!(enter(&mut browser, &tenant, &buyer("A Third", "FR", "")).await.status, 303);
        let again = browser.file(&format!("{path}/statement.pdf?invoice=factur-x")).await;
        assert!(again.bytes == hybrid.bytes, "another PDF");
    }
}

async fn of_note(world: World) {
    let (tenant, mut sender, _, october) = billed(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    assert_eq!(enter(&mut browser, &tenant, &seller("DE89370400440532013000")).await.status, 303);
    assert_eq!(enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", "")).await.status, 303);
    let first = browser.file(&format!("/statements/{october}/einvoice.xml")).await;
    assert_eq!(first.status, 200, "{}", first.text());
    world.set_now(Instant(NOW.0 + 3_600_000));
    assert_eq!(enter(&mut browser, &tenant, &buyer("Somebody Else Ltd", "GB", "")).await.status, 303);
    world.report(&mut sender, &printed(7, NOW, &[("2026-10-06T08:00:00Z", 100)])).await;
    let note = correct(&world, &tenant, october).await[0];
    issue(&world, &tenant, note).await;
    let made = browser.file(&format!("/statements/{note}/einvoice.xml")).await;
    let text = made.text();
    assert_eq!(made.status, 200, "{text}");
    assert!(text.contains("Kessler GmbH") && !text.contains("Somebody"), "{text}");
}

async fn missing(world: World) {
    let (tenant, mut browser, path) = issued(&world).await;
    let refused = browser.file(&format!("{path}/einvoice.xml")).await;
    let page = refused.text();
    assert_eq!(refused.status, 409, "{page}");
    let details = format!("/customers/{}/billing", tenant.customer);
    for field in ["f-seller-vat_id", "f-seller-country", "f-buyer-name", "f-buyer-country"] {
        assert!(page.contains(&format!("href=\"{details}#{field}\"")), "{field}: {page}");
    }
    for code in ["BT-", "BG-", "BR-"] {
        assert!(!page.contains(code), "{code}: {page}");
    }
    // Each of them is there.
    let form = browser.get(&details).await.text;
    for field in ["f-seller-vat_id", "f-seller-country", "f-buyer-name", "f-buyer-country"] {
        assert!(form.contains(&format!("id=\"{field}\"")), "{field}: {form}");
    }
    let own = world.browser(&tenant.customer_email()).await;
    let refused = own.file(&format!("/my{path}/einvoice.xml")).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("Ask who issued the document") && !refused.text().contains("/customers/"));
}

/// 19 % in Germany, 21 % where nobody knows.
fn taxed() -> Terms {
    let rule = TaxRule { area: text("DE"), rate: Share(190_000), ..TaxRule::default() };
    let mut terms = terms();
    terms.clauses.pop();
    terms.clauses.push(Clause::Tax(Tax { name: text("VAT"), rate: Share(210_000), rows: vec![rule] }));
    terms
}

async fn others(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let row = PayerRow { clause: String::new(), party: text("Bank"), share: Share(1_000_000) };
    let mut terms = taxed();
    terms.clauses.insert(2, Clause::Payers(Payers { rows: vec![row] }));
    let contract = contract(&world, &tenant, "C-1", terms).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
    assert_eq!(world.count("select count(*) from statement where payer = ''").await, 0);
    assert_eq!(document(&world, &tenant, october).await.total, Money(25_000 + 5_250));
    // No document names the buyer, and it is entered plainly afterwards.
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let hour = |hours: i64| Instant(NOW.0 + hours * 3_600_000);
    world.set_now(hour(1));
    assert_eq!(enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", "")).await.status, 303);
    world.set_now(hour(2));
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    assert_eq!(enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", "2026-10-31")).await.status, 303);
    world.set_now(hour(3));
    let notes = correct(&world, &tenant, october).await;
    assert_eq!(notes.len(), 1);
    assert_eq!(document(&world, &tenant, notes[0]).await.total, Money(4_750 - 5_250));
}

async fn since(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(&world, &tenant, "C-1", taxed()).await;
    let october = draw(&world, &tenant, contract, month(10)).await;
    issue(&world, &tenant, october).await;
    assert_eq!(document(&world, &tenant, october).await.total, Money(25_000 + 5_250));
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let hour = |hours: i64| Instant(NOW.0 + hours * 3_600_000);
    world.set_now(hour(1));
    let kept = enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", "")).await;
    assert!(kept.location.ends_with("?done=party"), "{}", kept.location);
    world.set_now(hour(2));
    // The next statement counts by it, and what was issued stays, also where a person looks again.
    let november = draw(&world, &tenant, contract, month(11)).await;
    assert_eq!(document(&world, &tenant, november).await.taxes[0].rate, Share(190_000));
    assert_eq!(world.count(NOTES).await, 0);
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    // A day says since when the details before were wrong; it counts with the period that it lies in.
    let refused = enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", "2031-01-01")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("this day has not come"), "{}", refused.text);
    for (day, notes) in [("2026-11-01", 0), ("2026-10-31", 1)] {
        world.set_now(hour(3 + 2 * notes));
        let kept = enter(&mut browser, &tenant, &buyer("Kessler GmbH", "DE", day)).await;
        assert!(kept.location.ends_with("?done=party-since"), "{}", kept.location);
        world.set_now(hour(4 + 2 * notes));
        draw(&world, &tenant, contract, month(11)).await;
        assert_eq!((world.count(NOTES).await, world.count(PUT_RIGHT).await), (notes, notes), "{day}");
    }
    let note = world.count(NOTE).await;
    let said = document(&world, &tenant, note).await;
    assert_eq!((said.kind, said.net, said.total), (DocumentKind::Credit, Money(0), Money(4_750 - 5_250)));
    assert_eq!(said.parties.buyer.map(|buyer| buyer.country), Some(text("DE")));
    issue(&world, &tenant, note).await;
    evidence::verify(&bundle(&world, &tenant, note).await, None, None).expect("the note holds");
    // It is settled once, and what is entered plainly after it takes nothing back.
    world.set_now(hour(7));
    assert_eq!(enter(&mut browser, &tenant, &buyer("Kessler BV", "NL", "")).await.status, 303);
    world.set_now(hour(8));
    draw(&world, &tenant, contract, month(11)).await;
    assert_eq!(correct(&world, &tenant, october).await, Vec::<i64>::new());
    assert_eq!(world.count(NOTES).await, 1);
}

async fn numbers(world: World) {
    let (tenant, _, _) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let typed = |number: &str| {
        let mut form = buyer("Kessler GmbH", "DE", "");
        form.push(("buyer.vat_id", text(number)));
        form
    };
    for odd in ["123", "DE1"] {
        let refused = enter(&mut browser, &tenant, &typed(odd)).await;
        assert_eq!(refused.status, 422, "{odd}");
        assert!(refused.text.contains("href=\"#f-buyer-vat_id\"") && refused.text.contains(odd), "{}", refused.text);
    }
    assert_eq!(world.count("select count(*) from party").await, 0);
    assert_eq!(enter(&mut browser, &tenant, &typed("de 123 456 789")).await.status, 303);
    let page = browser.get(&format!("/customers/{}/billing", tenant.customer)).await.text;
    assert!(page.contains("DE123456789"), "{page}");
}

async fn paid(world: World) {
    const SETTINGS: &str = "/billing/settings";
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/statements/{statement}");
    let shown = |name: &str, pay: &str| [("name", text(name)), ("footer", text(pay)), ("payment", text(pay))];
    assert_eq!(enter(&mut browser, &tenant, &seller("DE89370400440532013000")).await.status, 303);
    assert_eq!(act(&mut browser, SETTINGS, &shown("Nordhang", "Pay to account 1")).await.status, 303);
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{path}/{word}"), &[]).await.status, 303, "{word}");
    }
    let file = format!("{path}/statement.pdf");
    let before = browser.file(&file).await.bytes;
    // In the moment of the issue, and after it: neither is on it.
    for (later, name) in [(0, "Zweite Reprographie AG"), (60_000, "Totally Other Name AG")] {
        world.set_now(Instant(NOW.0 + later));
        assert_eq!(act(&mut browser, SETTINGS, &shown(name, "Pay to XX00")).await.status, 303);
        assert_eq!(enter(&mut browser, &tenant, &seller("NL91ABNA0417164300")).await.status, 303);
        assert!(browser.file(&file).await.bytes == before, "another PDF");
        let page = browser.get(&path).await.text;
        assert!(page.contains("Nordhang") && !page.contains(name), "{page}");
    }
}

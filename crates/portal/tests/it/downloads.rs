//! Stories of the files of a statement: who may have which, what they are called, and that all say the same.

use crate::stories::w1;
use crate::world::{Browser, File, NOW, PASSWORD, Page, Tenant, World, both, token};
use billing::{Money, Statement};
use calamine::{Data, Range, Reader, Xlsx, open_workbook_from_rs};
use portal::setup::{self, Role};
use report::Instant;
use std::io::Cursor;

both! {
    every_form_of_an_issued_statement_says_the_same => forms;
    an_electronic_invoice_names_what_is_missing_and_takes_what_is_entered => einvoices;
    a_draft_is_marked_as_one_and_is_no_invoice => drafts;
    a_customer_takes_what_was_issued_to_it_and_nothing_else => customers;
    a_pdf_is_made_by_a_build_that_can => pdfs;
    a_pdf_carries_the_electronic_invoice_of_what_was_issued => hybrids;
    what_was_issued_keeps_the_logo_and_the_name_it_was_issued_with => logos;
    a_picture_that_cannot_be_used_is_refused_in_words => odd_logos;
}

/// How long the document of the one statement is.
const LENGTH: &str = "select cast(length(document) as bigint) from statement where kind = 'statement'";
/// Two pixels, after them a text that is no part of the picture, then the end.
const LOGO: [&[u8]; 3] = [
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x01\x08\x02\0\0\0{@\xe8\xdd\
        \0\0\0\x0fIDATx\xdac\xe0N^\xfa\xff\xff\x7f\0\x0a\xc6\x04\x11\xe0\xa9\xb9\xab",
    b"\0\0\0\x0atEXtAuthor\0Ada\x9d\x95\x0b\xf4",
    b"\0\0\0\0IEND\xaeB`\x82",
];
const BRANDS: &str = "select count(*) from reseller_brand";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn text(text: &str) -> String {
    text.to_owned()
}

async fn act(browser: &mut Browser, path: &str, fields: &[(&'static str, String)]) -> u16 {
    let mut form = vec![("csrf", token(&browser.get("/billing").await.text))];
    form.extend(fields.iter().cloned());
    browser.post(path, &form).await.status
}

/// A statement of W1 that was issued, with its tenant, somebody of it, and the start of its addresses.
async fn issued(world: &World) -> (Tenant, Browser, String) {
    let (tenant, _, statement) = w1(world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let of_statement = format!("/statements/{statement}");
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{of_statement}/{word}"), &[]).await, 303, "{word}");
    }
    (tenant, browser, of_statement)
}

/// The file is there, and is called so.
fn is(file: &File, kind: &str, name: &str) {
    assert_eq!(file.status, 200, "{name}: {}", file.text());
    assert_eq!((file.kind.as_str(), file.name.as_str()), (kind, name));
}

fn sheet(file: &File, name: &str) -> Range<Data> {
    let mut book: Xlsx<Cursor<&[u8]>> = open_workbook_from_rs(Cursor::new(file.bytes.as_slice())).expect("a workbook");
    book.worksheet_range(name).expect("a sheet")
}

fn read(file: &File) -> Statement {
    documents::read_json(&file.bytes).expect("a statement")
}

async fn forms(world: World) {
    let (_, browser, path) = issued(&world).await;
    let csv = browser.file(&format!("{path}/export.csv")).await;
    is(&csv, "text/csv; charset=utf-8", "S-0001.csv");
    assert!(csv.text().contains("\nS-0001,issued,C-112"), "{}", csv.text());
    for (dialect, holds) in
        [("excel", "\u{FEFF}statement;"), ("readings", "start_value"), ("quantities", "tax_percent")]
    {
        let csv = browser.file(&format!("{path}/export.csv?dialect={dialect}")).await;
        is(&csv, "text/csv; charset=utf-8", &format!("S-0001-{dialect}.csv"));
        assert!(csv.text().contains(holds), "{dialect}: {}", csv.text());
    }
    for odd in ["export.csv?dialect=tab", "einvoice.xml?syntax=edifact", "einvoice.xml?profile=core"] {
        assert_eq!(browser.file(&format!("{path}/{odd}")).await.status, 400, "{odd}");
    }
    let json = browser.file(&format!("{path}/export.json")).await;
    is(&json, "application/json", "S-0001.json");
    let statement = read(&json);
    assert_eq!((statement.number.as_deref(), statement.total), (Some("S-0001"), Money(43_209)));
    assert_eq!(documents::json(&statement).expect("JSON"), json.bytes);
    // It is the document that stands in the evidence file.
    let evidence = browser.file(&format!("{path}/evidence")).await.text();
    let (_, body) = evidence.split_once('\n').expect("a header and a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let kept: Statement = serde_json::from_value(body["documents"][0].clone()).expect("a statement");
    assert_eq!(statement, kept);
    let xlsx = browser.file(&format!("{path}/export.xlsx")).await;
    is(&xlsx, XLSX, "S-0001.xlsx");
    assert!(xlsx.bytes.starts_with(b"PK"));
    assert_eq!(sheet(&xlsx, "Lines").height(), statement.lines.len() + 1);
    // Head, lines, taxes, net and total.
    assert_eq!(csv.text().lines().count(), 1 + statement.lines.len() + statement.taxes.len() + 2);
}

/// Enters who sells and who buys.
async fn enter_parties(browser: &mut Browser, tenant: &Tenant) {
    let details = format!("/customers/{}/billing", tenant.customer);
    let seller = [
        ("form", text("seller")),
        ("seller.name", text("Nordhang Repro")),
        ("seller.country", text("DE")),
        ("seller.vat_id", text("DE123456789")),
        ("seller.contact", text("Ada")),
        ("seller.phone", text("+49 221 5550101")),
    ];
    let buyer = [("form", text("buyer")), ("buyer.name", text("Kessler GmbH")), ("buyer.country", text("DE"))];
    assert_eq!(act(browser, &details, &seller).await, 303);
    assert_eq!(act(browser, &details, &buyer).await, 303);
}

async fn einvoices(world: World) {
    let (tenant, mut browser, path) = issued(&world).await;
    let length = world.count(LENGTH).await;
    let refused = browser.file(&format!("{path}/einvoice.xml")).await;
    assert_eq!(refused.status, 409);
    for missing in ["VAT number is missing", "country is missing", "billing details"] {
        assert!(refused.text().contains(missing), "{missing}: {}", refused.text());
    }
    enter_parties(&mut browser, &tenant).await;
    let ubl = browser.file(&format!("{path}/einvoice.xml")).await;
    is(&ubl, "application/xml", "S-0001.xml");
    for said in ["S-0001", "Kessler GmbH", "432.09", "DE123456789", "+49 221 5550101"] {
        assert!(ubl.text().contains(said), "{said}: {}", ubl.text());
    }
    let cii = browser.file(&format!("{path}/einvoice.xml?syntax=cii")).await;
    is(&cii, "application/xml", "S-0001-cii.xml");
    assert!(cii.text().contains("CrossIndustryInvoice"), "{}", cii.text());
    let peppol = browser.file(&format!("{path}/einvoice.xml?profile=peppol")).await;
    assert_eq!(peppol.status, 409);
    assert!(peppol.text().contains("electronic address is missing"), "{}", peppol.text());
    // What was issued stays as it is, and its page says what the invoice has beyond it.
    assert_eq!(world.count(LENGTH).await, length, "what was issued changed");
    assert_eq!(read(&browser.file(&format!("{path}/export.json")).await).parties, billing::Parties::default());
    let page = browser.get(&path).await;
    assert!(page.text.contains("stands in its electronic invoice as it was known on 22 Nov 2026"), "{}", page.text);
    assert!(page.text.contains("einvoice.xml?profile=xrechnung"), "{}", page.text);
}

async fn drafts(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/statements/{statement}");
    let page = browser.get(&path).await;
    assert!(page.text.contains("export.xlsx") && !page.text.contains("einvoice.xml"), "{}", page.text);
    let csv = browser.file(&format!("{path}/export.csv")).await;
    is(&csv, "text/csv; charset=utf-8", &format!("draft-{statement}.csv"));
    assert!(csv.text().contains("\n,draft,C-112"), "{}", csv.text());
    let xlsx = browser.file(&format!("{path}/export.xlsx")).await;
    is(&xlsx, XLSX, &format!("draft-{statement}.xlsx"));
    let facts = sheet(&xlsx, "Facts");
    let is_said = facts.rows().flatten().any(|cell| *cell == Data::String("not issued".to_owned()));
    assert!(is_said, "{facts:?}");
    let json = browser.file(&format!("{path}/export.json")).await;
    assert_eq!(read(&json).number, None);
    assert_eq!(act(&mut browser, &format!("{path}/approve"), &[]).await, 303);
    let approved = browser.file(&format!("{path}/export.csv")).await;
    is(&approved, "text/csv; charset=utf-8", &format!("approved-{statement}.csv"));
    let refused = browser.file(&format!("{path}/einvoice.xml")).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("Approve and issue this first"), "{}", refused.text());
}

async fn customers(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let reseller = tenant.reseller.clone();
    let make = move |portal: &portal::Portal| {
        let other = setup::customer(portal, &reseller, "Bau Nord", "Kiel", "Europe/Berlin").expect("a customer");
        setup::person(portal, Role::Customer(&reseller, other), "kit@customer.test", "Kit", PASSWORD)
            .expect("a person");
    };
    world.setup(make).await;
    let stranger = world.tenant("other").await;
    let mut own = world.browser(&tenant.customer_email()).await;
    let others = [world.browser("kit@customer.test").await, world.browser(&stranger.customer_email()).await];
    let forms = ["export.csv", "export.xlsx", "export.json", "einvoice.xml"];
    let at = |form: &str| format!("/my/statements/{statement}/{form}");
    for word in ["approve", "issue"] {
        for form in forms {
            assert_eq!(own.file(&at(form)).await.status, 404, "{form} before {word}");
        }
        assert_eq!(act(&mut browser, &format!("/statements/{statement}/{word}"), &[]).await, 303);
    }
    let page = own.get(&format!("/my/statements/{statement}")).await;
    for form in forms {
        assert!(page.text.contains(&at(form)), "{form} is not offered: {}", page.text);
        for other in &others {
            assert_eq!(other.file(&at(form)).await.status, 404, "{form} of somebody else");
        }
        assert_eq!(own.file(&format!("/statements/{statement}/{form}")).await.status, 404, "{form} of the reseller");
    }
    is(&own.file(&at("export.csv")).await, "text/csv; charset=utf-8", "S-0001.csv");
    is(&own.file(&at("export.xlsx")).await, XLSX, "S-0001.xlsx");
    let json = own.file(&at("export.json")).await;
    assert_eq!(json.bytes, browser.file(&format!("/statements/{statement}/export.json")).await.bytes);
    assert_eq!(own.file(&at("einvoice.xml")).await.status, 409);
}

async fn pdfs(world: World) {
    let (_, mut browser, path) = issued(&world).await;
    let (page, pdf) = (browser.get(&path).await, format!("{path}/statement.pdf"));
    let file = browser.file(&pdf).await;
    assert_eq!(page.text.contains("statement.pdf"), cfg!(feature = "pdf"), "{}", page.text);
    if cfg!(feature = "pdf") {
        is(&file, "application/pdf", "S-0001.pdf");
        assert!(file.bytes.starts_with(b"%PDF"));
        let letter = browser.file(&format!("{pdf}?look=letter")).await;
        is(&letter, "application/pdf", "S-0001-letter.pdf");
        assert_ne!(letter.bytes, file.bytes);
        assert_eq!(browser.file(&format!("{pdf}?look=comic")).await.status, 400);
    } else {
        assert_eq!(file.status, 404);
        assert!(file.text().contains("a build of the feature pdf"), "{}", file.text());
    }
}

async fn hybrids(world: World) {
    let (tenant, _, statement) = w1(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/statements/{statement}");
    let at = |invoice: &str| format!("{path}/statement.pdf?invoice={invoice}");
    if !cfg!(feature = "pdf") {
        for word in ["approve", "issue"] {
            assert_eq!(act(&mut browser, &format!("{path}/{word}"), &[]).await, 303, "{word}");
        }
        assert_eq!(browser.file(&at("factur-x")).await.status, 404);
        assert!(!browser.get(&path).await.text.contains("invoice=factur-x"));
        return;
    }
    // A draft is no invoice, in whatever file.
    let refused = browser.file(&at("factur-x")).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("Approve and issue this first"), "{}", refused.text());
    assert!(!browser.get(&path).await.text.contains("invoice=factur-x"));
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{path}/{word}"), &[]).await, 303, "{word}");
    }
    let refused = browser.file(&at("factur-x")).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("VAT number is missing"), "{}", refused.text());
    enter_parties(&mut browser, &tenant).await;
    let hybrid = browser.file(&at("factur-x")).await;
    is(&hybrid, "application/pdf", "S-0001-factur-x.pdf");
    assert!(hybrid.bytes.starts_with(b"%PDF"));
    for said in ["<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>", "/AFRelationship/Alternative"] {
        assert!(hybrid.text().contains(said), "{said} is missing");
    }
    let letter = browser.file(&format!("{}&look=letter", at("factur-x"))).await;
    is(&letter, "application/pdf", "S-0001-letter-factur-x.pdf");
    // The PDF without it stays as it is.
    assert!(!browser.file(&format!("{path}/statement.pdf")).await.text().contains("factur-x.xml"));
    // What an XRechnung needs beside that is not known.
    let refused = browser.file(&at("xrechnung")).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("electronic address is missing"), "{}", refused.text());
    assert_eq!(browser.file(&at("edifact")).await.status, 400);
    for offered in [at("factur-x"), at("xrechnung")] {
        assert!(browser.get(&path).await.text.contains(&offered), "{offered} is not offered");
    }
    let own = world.browser(&tenant.customer_email()).await;
    let same = own.file(&format!("/my{}", at("factur-x"))).await;
    is(&same, "application/pdf", "S-0001-factur-x.pdf");
    assert!(same.bytes == hybrid.bytes, "the customer gets another file");
}

/// Sends a logo by the form of the settings.
async fn send_logo(browser: &mut Browser, fields: &[(&'static str, String)], file: &[u8]) -> Page {
    let mut form = vec![("csrf", token(&browser.get("/billing/settings").await.text))];
    form.extend(fields.iter().cloned());
    browser.upload("/billing/settings/logo", &form, file).await
}

async fn logos(world: World) {
    const SETTINGS: &str = "/billing/settings";
    let (tenant, _, statement) = w1(&world).await;
    let stranger = world.tenant("other").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let mut own = world.browser(&tenant.customer_email()).await;
    let path = format!("/statements/{statement}");
    let (logo, pdf) = (format!("{path}/logo"), format!("{path}/statement.pdf"));
    // Tried out twice, with nothing issued: one is kept.
    for name in ["Nord", "Nordhang & Co"] {
        assert_eq!(act(&mut browser, SETTINGS, &[("name", text(name))]).await, 303, "{name}");
        world.set_now(Instant(NOW.0 + 60_000));
        let kept = send_logo(&mut browser, &[], &LOGO.concat()).await;
        assert_eq!(kept.location, format!("{SETTINGS}?done=logo"), "{}", kept.text);
    }
    assert_eq!(world.count(BRANDS).await, 1);
    assert!(browser.get(SETTINGS).await.text.contains("src=\"/billing/settings/logo\""));
    world.set_now(Instant(NOW.0 + 120_000));
    for word in ["approve", "issue"] {
        assert_eq!(act(&mut browser, &format!("{path}/{word}"), &[]).await, 303, "{word}");
    }
    let before = browser.file(&pdf).await.bytes;
    // Without what was no part of the picture.
    let (picture, of_customer) = ([LOGO[0], LOGO[2]].concat(), format!("/my{logo}"));
    let holds = format!("src=\"{of_customer}\" alt=\"Nordhang &#38; Co\"");
    for is_later in [false, true] {
        if is_later {
            // What is changed now stands on what is issued from now on.
            world.set_now(Instant(NOW.0 + 180_000));
            assert_eq!(act(&mut browser, SETTINGS, &[("name", text("Another"))]).await, 303);
            let gone = send_logo(&mut browser, &[("act", text("remove"))], b"").await;
            assert_eq!(gone.location, format!("{SETTINGS}?done=logo-gone"));
            assert!(!browser.get(SETTINGS).await.text.contains("<img"));
            assert_eq!(browser.file("/billing/settings/logo").await.status, 404);
            assert_eq!(world.count(BRANDS).await, 2);
        }
        let file = own.file(&of_customer).await;
        assert_eq!((file.status, file.kind.as_str()), (200, "image/png"));
        assert!(file.bytes == picture, "another picture");
        assert!(browser.file(&logo).await.bytes == picture, "another picture");
        let page = own.get(&format!("/my{path}")).await.text;
        assert!(page.contains(&holds), "{page}");
        assert!(browser.get(&path).await.text.contains("letterhead printed"));
        assert!(browser.file(&pdf).await.bytes == before, "another PDF");
    }
    if cfg!(feature = "pdf") {
        assert!(before.windows(14).any(|bytes| bytes == b"/Subtype/Image"), "no picture");
    }
    for (email, at) in [(stranger.reseller_email(), &logo), (stranger.customer_email(), &of_customer)] {
        assert_eq!(world.browser(&email).await.file(at).await.status, 404, "{email}");
    }
}

async fn odd_logos(world: World) {
    let tenant = world.tenant("nord").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let (mut damaged, large) = (LOGO.concat(), "x".repeat(600_000));
    damaged[45] ^= 0xff;
    let cases: [(&[u8], &str); 5] = [
        (b"", "choose a picture"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "it is not a PNG or JPEG"),
        (&LOGO[0][..50], "it is damaged"),
        (large.as_bytes(), "at most 524288 are taken"),
        (&damaged, "cannot be drawn"),
    ];
    // Only a build with PDF draws it.
    let is_drawn = cfg!(feature = "pdf");
    for (file, words) in cases.into_iter().take(if is_drawn { 5 } else { 4 }) {
        let refused = send_logo(&mut browser, &[], file).await;
        assert_eq!(refused.status, 422, "{words}");
        assert!(refused.text.contains(words) && refused.text.contains("href=\"#f-logo\""), "{}", refused.text);
    }
    let forged = browser.upload("/billing/settings/logo", &[("csrf", text("x"))], &LOGO.concat()).await;
    assert_eq!(forged.status, 403);
    assert_eq!(world.count(BRANDS).await, 0);
}

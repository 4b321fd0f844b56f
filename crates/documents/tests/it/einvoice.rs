//! Electronic invoices, read back by the reader of the same rules, and what is refused.

use crate::judge;
use crate::sample::{buyer, note, seller, statement, tax, with_one_tax};
use billing::{Currency, DocumentKind, Money, Party, Statement, TaxCategory};
use documents::{Place, Problem, Profile, Side, Syntax, einvoice};
use en16931::Invoice;

const SYNTAXES: [Syntax; 2] = [Syntax::Ubl, Syntax::Cii];
const PROFILES: [Profile; 3] = [Profile::En16931, Profile::PeppolBis, Profile::XRechnung];

fn written(statement: &Statement, syntax: Syntax, profile: Profile) -> String {
    einvoice(statement, syntax, profile).unwrap_or_else(|problems| panic!("{profile:?} {syntax:?}: {problems:#?}"))
}

fn read(xml: &str) -> Invoice {
    en16931_formats::read(xml.as_bytes()).expect("an invoice").invoice
}

/// Every document in every syntax and profile, read back; the core ones are shown to the second judge.
fn all(statement: &Statement) -> Vec<(Profile, Invoice)> {
    let mut all = Vec::new();
    for syntax in SYNTAXES {
        for profile in PROFILES {
            let xml = written(statement, syntax, profile);
            if profile == Profile::En16931 {
                judge::judge(&xml, syntax, statement.kind);
            }
            all.push((profile, read(&xml)));
        }
    }
    all
}

fn refused(statement: &Statement, profile: Profile) -> Vec<String> {
    problems(statement, profile).into_iter().map(|problem| problem.words).collect()
}

fn problems(statement: &Statement, profile: Profile) -> Vec<Problem> {
    einvoice(statement, Syntax::Ubl, profile).expect_err("a refusal")
}

/// Code, percent, base and tax of each group.
fn groups(invoice: &Invoice) -> Vec<String> {
    let groups = invoice.vat_breakdown.iter().map(|group| {
        let rate = group.rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
        format!("{} {rate} {} {}", group.category, group.taxable_amount, group.tax_amount)
    });
    let mut groups: Vec<String> = groups.collect();
    groups.sort();
    groups
}

fn code(invoice: &Invoice) -> &str {
    invoice.type_code.as_ref().map_or("", |code| code.as_str())
}

#[test]
fn a_statement_of_two_taxes_is_an_invoice_in_every_profile() {
    for (profile, invoice) in all(&statement()) {
        assert_eq!((invoice.number.as_deref(), code(&invoice)), (Some("S-0187"), "380"), "{profile:?}");
        assert_eq!(groups(&invoice), ["S 21 180.34 37.87", "S 9 6.46 0.58"], "{profile:?}");
        let totals = &invoice.totals;
        let sums = [totals.line_total, totals.taxable_total, totals.gross_total, totals.due];
        assert_eq!(sums.map(|sum| sum.to_string()), ["186.80", "186.80", "225.25", "225.25"]);
        let ids: Vec<&str> = invoice.lines.iter().map(|line| line.id.as_str()).collect();
        assert_eq!(ids, ["1", "2/1", "2/2", "4"]);
        // A discount is minus one piece, never a price below zero.
        let discount = &invoice.lines[3];
        let told = (discount.quantity.to_string(), discount.price.net_price.to_string());
        assert_eq!(told, ("-1".to_owned(), "10".to_owned()));
        assert_eq!(invoice.lines[1].note.as_deref(), Some("3.8\u{a0}% estimated"));
        let period = invoice.invoicing_period.as_ref().expect("a period");
        let days = [period.start, period.end].map(|day| day.map(|day| day.to_string()));
        assert_eq!(days, [Some("2026-10-01".to_owned()), Some("2026-10-31".to_owned())]);
        assert_eq!(invoice.due_date.map(|day| day.to_string()).as_deref(), Some("2026-12-02"));
        assert_eq!(invoice.buyer_reference.as_deref(), Some("PO-77"));
        assert_eq!(invoice.buyer.name.as_deref(), Some("Bureau Noord & Zoon"));
        let account = invoice.payment.as_ref().and_then(|payment| payment.account_identifier());
        assert_eq!(account, Some("BE68539007547034"));
    }
}

#[test]
fn quantity_and_price_are_said_where_their_product_is_the_amount() {
    let one = with_one_tax(210_000, TaxCategory::Standard, 3_923);
    let told = |statement: &Statement| {
        let invoice = read(&written(statement, Syntax::Ubl, Profile::PeppolBis));
        let line = &invoice.lines[1];
        format!("{} {} {} {}", line.quantity, line.unit_code, line.price.net_price, line.net_amount)
    };
    assert_eq!(told(&one), "120 MTK 0.14 16.80");
    let mut minimum = one;
    // The amount is a minimum's, not the product's.
    minimum.lines[1].amount = Some(Money(2_000));
    minimum.lines[1].taxed[0].base = Money(2_000);
    minimum.net = Money(19_000);
    minimum.taxes = vec![tax(210_000, TaxCategory::Standard, 19_000, 3_990)];
    minimum.total = Money(22_990);
    assert_eq!(told(&minimum), "1 C62 20 20.00");
}

#[test]
fn a_credit_note_says_what_is_given_back_and_of_what() {
    for (profile, invoice) in all(&note(DocumentKind::Credit)) {
        assert_eq!((invoice.kind, code(&invoice)), (en16931::DocumentKind::CreditNote, "381"), "{profile:?}");
        assert_eq!(groups(&invoice), ["S 21 4.20 0.88"]);
        assert_eq!(invoice.totals.due.to_string(), "5.08");
        let line = &invoice.lines[0];
        assert_eq!((line.net_amount.to_string(), line.quantity.to_string()), ("4.20".to_owned(), "1".to_owned()));
        let preceding: Vec<&str> = invoice.preceding_invoices.iter().map(|of| of.reference.as_str()).collect();
        assert_eq!(preceding, ["S-0187"]);
        assert_eq!(line.note.as_deref(), Some("late; settles S-0187"));
    }
}

#[test]
fn a_debit_note_is_one_where_the_profile_knows_it() {
    for (profile, invoice) in all(&note(DocumentKind::Debit)) {
        let expected = if profile == Profile::XRechnung { "380" } else { "383" };
        assert_eq!((code(&invoice), invoice.preceding_invoices.len()), (expected, 1), "{profile:?}");
        assert_eq!(invoice.totals.due.to_string(), "5.08");
    }
}

#[test]
fn taxes_that_the_buyer_owes_or_that_there_are_none_of_name_their_reason() {
    let cases = [
        (TaxCategory::ReverseCharge, "AE 0 186.80 0.00", Some("VATEX-EU-AE")),
        (TaxCategory::IntraCommunity, "K 0 186.80 0.00", Some("VATEX-EU-IC")),
        (TaxCategory::Export, "G 0 186.80 0.00", Some("VATEX-EU-G")),
        (TaxCategory::OutOfScope, "O 0 186.80 0.00", Some("VATEX-EU-O")),
        (TaxCategory::Exempt, "E 0 186.80 0.00", None),
        (TaxCategory::Zero, "Z 0 186.80 0.00", None),
    ];
    for (category, group, reason_code) in cases {
        let mut one = with_one_tax(0, category, 0);
        let has_reason = category != TaxCategory::Zero;
        one.taxes[0].reason = has_reason.then(|| "Article 196".to_owned());
        for (profile, invoice) in all(&one) {
            assert_eq!(groups(&invoice), [group], "{profile:?}");
            let found = &invoice.vat_breakdown[0];
            assert_eq!(found.exemption_reason_code.as_ref().map(|code| code.as_str()), reason_code);
            assert_eq!(found.exemption_reason.as_deref(), has_reason.then_some("Article 196"));
            let has_vat = category != TaxCategory::OutOfScope;
            assert_eq!(invoice.seller.vat_identifier.is_some(), has_vat, "{category:?}");
        }
    }
}

#[test]
fn areas_of_one_rate_are_one_group() {
    let mut one = statement();
    one.taxes[1] = tax(210_000, TaxCategory::Standard, 646, 136);
    one.taxes[1].area = "ES-CN".to_owned();
    one.total = Money(18_680 + 3_787 + 136);
    for (_, invoice) in all(&one) {
        assert_eq!(groups(&invoice), ["S 21 186.80 39.23"]);
    }
}

#[test]
fn an_older_statement_with_one_tax_says_it_of_every_line() {
    let mut one = with_one_tax(210_000, TaxCategory::Standard, 3_923);
    for line in &mut one.lines {
        line.taxed.clear();
    }
    for (_, invoice) in all(&one) {
        assert_eq!(groups(&invoice), ["S 21 186.80 39.23"]);
    }
    one.taxes.push(tax(0, TaxCategory::Zero, 0, 0));
    let problems = refused(&one, Profile::En16931);
    assert!(problems[0].starts_with("line 1, Base fee: which tax is on it is not said"), "{problems:?}");
}

#[test]
fn amounts_without_decimals_are_written_with_two_zeros() {
    let mut yen = with_one_tax(100_000, TaxCategory::Standard, 1_868);
    yen.currency = Currency::parse("JPY").expect("a currency");
    for (_, invoice) in all(&yen) {
        assert_eq!(groups(&invoice), ["S 10 18680.00 1868.00"]);
    }
    let dinar = Statement { currency: Currency::parse("KWD").expect("a currency"), ..statement() };
    assert_eq!(refused(&dinar, Profile::En16931), ["amounts in KWD have 3 decimals; an electronic invoice takes two"]);
}

#[test]
fn what_is_missing_is_named_with_the_place_to_enter_it() {
    let with = |change: &dyn Fn(&mut Party, &mut Party)| {
        let (mut of_seller, mut of_buyer) = (seller(), buyer());
        change(&mut of_seller, &mut of_buyer);
        let mut one = statement();
        one.parties.seller = Some(of_seller);
        one.parties.buyer = Some(of_buyer);
        one
    };
    let buyer_country = "the buyer's country is missing: enter it under the customer's billing details";
    let one = with(&|_, buyer| buyer.country.clear());
    assert_eq!(refused(&one, Profile::En16931), [buyer_country]);
    let place = Place { side: Side::Buyer, field: "country" };
    assert_eq!(problems(&one, Profile::En16931)[0].place, Some(place));
    let one = with(&|_, buyer| buyer.country = "Germany".to_owned());
    assert!(refused(&one, Profile::En16931)[0].contains("'GERMANY' is no ISO 3166 code"));
    let one = with(&|_, buyer| buyer.reference.clear());
    assert!(einvoice(&one, Syntax::Ubl, Profile::En16931).is_ok());
    for profile in [Profile::PeppolBis, Profile::XRechnung] {
        let expected = "the buyer's reference is missing: enter it under the customer's billing details";
        assert_eq!(refused(&one, profile), [expected]);
    }
    let one = with(&|seller, _| {
        seller.vat_id.clear();
        seller.iban.clear();
        seller.phone.clear();
    });
    let vat = "the seller's VAT number is missing: enter it under your own details, on the customer's billing page";
    assert_eq!(refused(&one, Profile::PeppolBis), [vat]);
    let german = refused(&one, Profile::XRechnung);
    assert!(german.iter().any(|problem| problem.starts_with("the seller's IBAN is missing")), "{german:?}");
    assert!(german.iter().any(|problem| problem.starts_with("the seller's telephone")), "{german:?}");
    let one = with(&|_, buyer| buyer.electronic = "somebody@example.com".to_owned());
    assert!(refused(&one, Profile::PeppolBis)[0].contains("has no scheme"));
    // A mail address is one for XRechnung, and none for Peppol.
    let one = with(&|_, buyer| buyer.electronic = "EM:somebody@example.com".to_owned());
    assert!(einvoice(&one, Syntax::Ubl, Profile::XRechnung).is_ok());
    let found = problems(&one, Profile::PeppolBis);
    assert!(found[0].words.contains("a scheme of four digits"), "{found:?}");
    assert_eq!(found[0].place, Some(Place { side: Side::Buyer, field: "electronic" }));
}

#[test]
fn what_cannot_be_an_invoice_says_why() {
    let draft = Statement { number: None, ..statement() };
    assert!(refused(&draft, Profile::En16931)[0].starts_with("it is not issued yet"));
    let untaxed = Statement { taxes: Vec::new(), ..statement() };
    assert!(refused(&untaxed, Profile::En16931)[0].starts_with("no tax is said"));
    let empty = Statement { lines: Vec::new(), ..statement() };
    assert!(refused(&empty, Profile::En16931)[0].starts_with("nothing is charged"));
    let mut exempt = with_one_tax(0, TaxCategory::Exempt, 0);
    exempt.taxes[0].reason = None;
    assert!(refused(&exempt, Profile::En16931)[0].starts_with("the reason of the exemption is missing"));
    let wrong = Statement { total: Money(1), ..statement() };
    assert!(refused(&wrong, Profile::En16931)[0].contains("not those of its lines and taxes"));
    let mut nobody = statement();
    nobody.parties.seller = None;
    assert!(refused(&nobody, Profile::En16931).len() >= 3);
}

#[test]
fn odd_texts_are_written_as_texts() {
    let mut odd = statement();
    odd.lines[0].title = "</cbc:Name>\u{1}&amp; ]]> \u{202e}".to_owned();
    odd.notes = vec!["<x>\u{0}".to_owned()];
    for (_, invoice) in all(&odd) {
        assert_eq!(invoice.lines[0].item.name.as_deref(), Some("</cbc:Name> &amp; ]]> \u{202e}"));
        assert_eq!(invoice.notes[0].note.as_deref(), Some("<x>"));
    }
}

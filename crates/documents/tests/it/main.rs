//! The forms of a statement at their boundary: files that stay as they are, cells that are what they say,
//! and invoices that judges accept.
// What a test prints says why it was skipped, or what the judge said.
#![allow(clippy::print_stdout)]

mod einvoice;
mod jobs;
mod judge;
mod large;
mod sample;
mod sheet;

use billing::{DocumentKind, Statement};
use documents::{Dialect, Paper, csv, json, paper, read_json};
use sample::{around, brand, note, statement, testdata};

/// Holds a file of `testdata` against what is written now; `BLESS=1` writes it.
fn golden(name: &str, found: &[u8]) {
    let path = testdata(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).expect("a file of testdata");
    }
    let expected = std::fs::read(&path).expect("a file of testdata");
    let (expected, found) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(found));
    for (number, (wanted, line)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(line, wanted, "{name}, line {}", number + 1);
    }
    assert_eq!(found, expected, "{name}");
}

#[test]
fn the_columns_of_every_dialect_are_frozen() {
    let files = ["plain.csv", "excel.csv", "readings.csv", "quantities.csv"];
    for (dialect, name) in Dialect::ALL.into_iter().zip(files) {
        golden(name, &csv(&statement(), &around(), dialect).expect("CSV"));
    }
}

/// What the portal exported before there were dialects; programs read these by their place.
#[test]
fn the_first_columns_of_the_plain_dialect_are_those_of_before() {
    let head = "statement,state,contract,version,customer,period_start,period_end,time_zone,line,title,meter,\
                category,media,unit,used,included,billed,unit_price,currency,amount,";
    let written = csv(&statement(), &around(), Dialect::Plain).expect("CSV");
    assert!(String::from_utf8(written).expect("UTF-8").starts_with(head));
}

#[test]
fn no_cell_of_any_dialect_begins_a_formula() {
    let mut hostile = statement();
    for text in ["=1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "\0=1", "＝1"] {
        for line in &mut hostile.lines {
            line.title = text.to_owned();
            line.id = text.to_owned();
            line.payer = Some(text.to_owned());
            for source in &mut line.sources {
                source.printer = text.to_owned();
                source.label = text.to_owned();
                source.media = Some(text.to_owned());
            }
        }
        hostile.customer = text.to_owned();
        hostile.contract.number = text.to_owned();
        for dialect in Dialect::ALL {
            let bytes = csv(&hostile, &around(), dialect).expect("CSV");
            let delimiter = if dialect == Dialect::Excel { b';' } else { b',' };
            let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes.as_slice());
            for record in reader.records() {
                for cell in &record.expect("a row") {
                    let is_number = cell.replace(',', ".").parse::<rust_decimal::Decimal>().is_ok();
                    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝']);
                    assert!(is_number || !runs, "{dialect:?}: {cell:?}");
                }
            }
        }
    }
}

/// A program with other settings cuts the rows at another separator, also within quotes.
#[test]
fn no_part_of_a_row_begins_a_formula_wherever_it_is_cut() {
    for text in ["x;=1", "x,=1", "x\t=1", "x\n=1", "x;\"=1"] {
        let mut hostile = statement();
        hostile.lines[0].title = text.to_owned();
        hostile.customer = text.to_owned();
        for dialect in Dialect::ALL {
            let written = String::from_utf8(csv(&hostile, &around(), dialect).expect("CSV")).expect("UTF-8");
            for cut in [',', ';', '\t', '\n'] {
                let mut parts = written.split(cut).map(|part| part.trim_start_matches('"'));
                assert!(!parts.any(|part| part.starts_with('=')), "{dialect:?}, cut at {cut:?}: {written}");
            }
        }
    }
}

#[test]
fn json_reads_back_as_the_same_statement() {
    for one in [statement(), note(DocumentKind::Credit)] {
        let written = json(&one).expect("JSON");
        assert_eq!(read_json(&written).expect("a statement"), one);
    }
    let other = br#"{"format":"plotmeter-statement/9","statement":{}}"#;
    let refused = read_json(other).expect_err("another version").to_string();
    assert!(refused.contains("plotmeter-statement/9"), "{refused}");
    assert!(read_json(b"[]").is_err());
}

fn facts(paper: &Paper) -> Vec<(&str, &str)> {
    paper.facts.iter().map(|(label, text)| (label.as_str(), text.as_str())).collect()
}

#[test]
fn a_paper_says_everything_in_words() {
    let shown = paper(&statement(), &brand());
    assert_eq!((shown.title.as_str(), shown.accent.as_str()), ("Statement S-0187", "#aa3300"));
    assert_eq!(shown.issued.as_deref(), Some("2026-11-02T08:00:00Z"));
    let expected = [
        ("Number", "S-0187"),
        ("Issued", "2 Nov 2026"),
        ("Period", "October 2026"),
        ("From", "1 Oct 2026"),
        ("Until", "31 Oct 2026"),
        ("Contract", "2026-001, version 3"),
        ("Customer", "Bureau Noord"),
        ("Your reference", "PO-77"),
        ("To be paid by", "2 Dec 2026"),
        ("Currency", "EUR"),
        ("Times in", "Europe/Amsterdam"),
    ];
    assert_eq!(facts(&shown), expected);
    let line = &shown.lines[1];
    let told = (line.quantity.as_str(), line.unit.as_str(), line.unit_price.as_str(), line.amount.as_str());
    assert_eq!(told, ("120.00", "m²", "0.14", "16.80"));
    assert_eq!((line.marks.as_slice(), line.grade.as_str()), (["3.8\u{a0}% estimated".to_owned()].as_slice(), "C"));
    assert_eq!((shown.lines[2].amount.as_str(), shown.lines[3].amount.as_str()), ("not billed", "−10.00"));
    let taxes: Vec<_> = shown.taxes.iter().map(|tax| (tax.label.as_str(), tax.amount.as_str())).collect();
    assert_eq!(taxes, [("VAT 21 %", "37.87"), ("VAT 9 %", "0.58")]);
    assert_eq!(shown.totals[1], ("Total".to_owned(), "225.25".to_owned()));
    let pay = ["Please pay EUR 225.25 by 2 Dec 2026.", "IBAN BE68 5390 0754 7034, Plotraum BV", "Reference S-0187"];
    assert_eq!(shown.payment[..3], pay);
    assert_eq!(shown.gaps[0].causes[1].1, "10.00 m²");
    let reading = &shown.readings[0];
    let told = (reading.start.as_str(), reading.start_at.as_str(), reading.end.as_str(), reading.end_at.as_str());
    assert_eq!(told, ("10,000.00", "1 Oct 2026 00:00", "120.00", "31 Oct 2026 23:50"));
    assert!(reading.source.ends_with("the counter began anew between"), "{}", reading.source);
    assert_eq!(shown.readings[1].start_at, "31 Oct 2026 00:00");
    assert_eq!(shown.readings[2].source, "12 jobs, the printer's job log");
    assert_eq!(shown.grades.len(), 3);
}

#[test]
fn a_draft_has_no_number_and_a_credit_note_asks_for_no_money() {
    let draft = Statement { number: None, issued_at: None, ..statement() };
    let shown = paper(&draft, &brand());
    assert_eq!((shown.number, shown.title.as_str(), shown.issued), (None, "Statement, draft", None));
    let shown = paper(&note(DocumentKind::Credit), &brand());
    assert_eq!((shown.title.as_str(), shown.payment.len()), ("Credit note S-0188", 0));
    assert!(facts(&shown).contains(&("Corrects", "S-0187, October 2026")));
    assert_eq!((shown.lines[0].amount.as_str(), shown.lines[0].quantity.as_str()), ("−4.20", "−30.00"));
}

//! The spreadsheet, read back by another program.

use crate::sample::{brand, statement};
use billing::{Statement, UnitPrice};
use calamine::{Data, Range, Reader, Xlsx, open_workbook_from_rs};
use documents::xlsx;
use std::io::Cursor;

fn sheet(bytes: &[u8], name: &str) -> Range<Data> {
    let mut book: Xlsx<Cursor<&[u8]>> = open_workbook_from_rs(Cursor::new(bytes)).expect("a workbook");
    let formulas = book.worksheet_formula(name).expect("a sheet");
    assert!(formulas.rows().flatten().all(String::is_empty), "{name} has formulas");
    book.worksheet_range(name).expect("a sheet")
}

/// The cell below a head, in a row from 1.
fn cell<'a>(range: &'a Range<Data>, row: u32, head: &str) -> &'a Data {
    let heads = range.rows().next().expect("heads");
    let column = heads.iter().position(|cell| *cell == Data::String(head.to_owned())).expect(head);
    range.get_value((row, u32::try_from(column).expect("a column"))).unwrap_or(&Data::Empty)
}

fn is(cell: &Data, number: &str) -> bool {
    matches!(cell, Data::Float(found) if *found == number.parse::<f64>().expect("a number"))
}

#[test]
fn numbers_are_numbers_and_texts_are_texts() {
    let bytes = xlsx(&statement(), &brand()).expect("a spreadsheet");
    let lines = sheet(&bytes, "Lines");
    for (head, number) in
        [("Used", "520"), ("Included", "400"), ("Billed", "120"), ("Unit price", "0.14"), ("Amount", "16.80")]
    {
        assert!(is(cell(&lines, 2, head), number), "{head}: {:?}", cell(&lines, 2, head));
    }
    assert!(is(cell(&lines, 4, "Amount"), "-10"));
    assert_eq!(cell(&lines, 3, "Title"), &Data::String("=SUM(A1)".to_owned()));
    assert_eq!(cell(&lines, 3, "Media"), &Data::String("-Bond, 80 g".to_owned()));
    assert_eq!(cell(&lines, 3, "Amount"), &Data::Empty);
    assert_eq!(cell(&lines, 1, "Line"), &Data::String("1".to_owned()));
    let taxes = sheet(&bytes, "Taxes");
    assert!(is(cell(&taxes, 1, "Rate in percent"), "21") && is(cell(&taxes, 4, "Amount"), "225.25"));
}

#[test]
fn times_are_date_cells_in_the_zone() {
    let readings = sheet(&xlsx(&statement(), &brand()).expect("a spreadsheet"), "Readings");
    assert!(is(cell(&readings, 1, "Start"), "10000"));
    // 2026-10-01 is day 46 296 of the calendar that spreadsheets count in.
    let Data::DateTime(start) = cell(&readings, 1, "Start time (Europe/Amsterdam)") else {
        panic!("{:?}", cell(&readings, 1, "Start time (Europe/Amsterdam)"));
    };
    assert!((start.as_f64() - "46296".parse::<f64>().expect("a number")).abs() < f64::EPSILON);
    assert_eq!(cell(&readings, 3, "Printer"), &Data::String("@T2530".to_owned()));
    let facts = sheet(&xlsx(&statement(), &brand()).expect("a spreadsheet"), "Facts");
    assert!(matches!(cell(&facts, 3, "Value"), Data::DateTime(_)), "{:?}", cell(&facts, 3, "Value"));
}

#[test]
fn a_number_of_many_digits_stands_beside_as_a_text() {
    let mut large = statement();
    large.lines[1].used = Some(1_234_567_890_123_456_789);
    large.lines[1].unit_price = Some(UnitPrice { millionths: 140_000 });
    let lines = sheet(&xlsx(&large, &brand()).expect("a spreadsheet"), "Lines");
    assert_eq!(cell(&lines, 2, "Exact values"), &Data::String("Used: 1234567890123.456789".to_owned()));
    assert_eq!(cell(&lines, 1, "Exact values"), &Data::Empty);
}

#[test]
fn the_same_statement_gives_the_same_file() {
    let draft = Statement { number: None, issued_at: None, ..statement() };
    for one in [statement(), draft] {
        let (first, second) = (xlsx(&one, &brand()), xlsx(&one, &brand()));
        assert!(first.expect("a spreadsheet") == second.expect("a spreadsheet"));
    }
}

#[test]
fn a_text_too_long_for_a_cell_is_cut_and_says_so() {
    let mut long = statement();
    long.lines[0].detail = "🖨".repeat(40_000);
    let lines = sheet(&xlsx(&long, &brand()).expect("a spreadsheet"), "Lines");
    let Data::String(detail) = cell(&lines, 1, "Detail") else { panic!("no text") };
    assert!(detail.ends_with("(cut to fit the cell)"));
}

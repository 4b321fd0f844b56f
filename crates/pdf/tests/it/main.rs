//! Papers in, PDFs out: each look, hostile texts, the largest and the smallest, and the attached invoice.

mod large;

use documents::{Logo, Paper, PaperGap, PaperLine, PaperReading, PaperTax};
use pdf::{Look, PdfError, ROWS_MAX, facturx, pdf};

const LOOKS: [Look; 3] = [Look::Ledger, Look::Letter, Look::Plain];
/// Two pixels.
const LOGO: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x01\x08\x02\0\0\0{@\xe8\xdd\
    \0\0\0\x0fIDATx\xdac\xe0N^\xfa\xff\xff\x7f\0\x0a\xc6\x04\x11\xe0\xa9\xb9\xab\0\0\0\0IEND\xaeB`\x82";
const CII: &str = "<rsm:CrossIndustryInvoice><ram:ID>urn:cen.eu:en16931:2017</ram:ID></rsm:CrossIndustryInvoice>";
/// What looks like a program to Typst, and letters that turn a text around or have no shape.
const HOSTILE: &str =
    "#panic(\"x\") #read(\"/etc/passwd\") $a_b$ *b* _i_ `r` [c] <d> @e = f // g /* \\ \u{202e}שלום 漢";

fn text(words: &str) -> String {
    words.to_owned()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(text).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (text(name), text(value))
}

fn line(id: &str, title: &str) -> PaperLine {
    PaperLine {
        id: text(id),
        title: text(title),
        detail: text("520.00 m² used, 400.00 included"),
        quantity: text("120.00"),
        unit: text("m²"),
        unit_price: text("0.14"),
        amount: text("16.80"),
        marks: texts(&["12.5 % estimated"]),
        grade: text("B"),
        steps: texts(&["520.00 m² − 400.00 m² = 120.00 m²", "120.00 m² × 0.14 = 16.80"]),
        corrects: Some(text("S-0187, September 2026")),
        payer: Some(text("Bank Noord")),
    }
}

fn reading(line: &str) -> PaperReading {
    PaperReading {
        line: text(line),
        printer: text("Studio left"),
        meter: text("Monochrome lines"),
        start: text("12,310.42"),
        start_at: text("1 Oct 2026 00:04"),
        end: text("12,830.42"),
        end_at: text("1 Nov 2026 00:02"),
        used: text("520.00"),
        unit: text("m²"),
        source: text("the printer"),
        grade: text("B"),
    }
}

fn paper() -> Paper {
    Paper {
        number: Some(text("S-0214")),
        kind: text("statement"),
        title: text("Statement S-0214"),
        brand: text("Plan & Print"),
        seller: texts(&["Plan & Print BV", "Noorderlaan 98", "2030 Antwerpen"]),
        buyer: texts(&["Bureau Noord", "Kaai 14", "9000 Gent"]),
        facts: vec![pair("Number", "S-0214"), pair("Period", "October 2026"), pair("Customer", "Bureau Noord")],
        currency: text("EUR"),
        issued: Some(text("2026-11-02T09:14:00Z")),
        lines: vec![line("1", "Monochrome lines"), PaperLine { amount: text("not billed"), ..line("2", "Scans") }],
        taxes: vec![PaperTax { label: text("VAT 21 %"), base: text("16.80"), amount: text("3.53"), reason: text("") }],
        totals: vec![pair("Net", "16.80"), pair("Total", "20.33")],
        payment: texts(&["Please pay EUR 20.33 by 2 Dec 2026.", "IBAN BE68 5390 0754 7034"]),
        estimated: Some(text("12.5 % of the amount rests on estimates.")),
        notes: texts(&["Scans have no price."]),
        gaps: vec![PaperGap {
            printer: text("Studio left"),
            meter: text("Media used"),
            counters: text("560.00 m²"),
            jobs: text("532.50 m² printed"),
            causes: vec![pair("margins", "27.50 m²")],
        }],
        readings: vec![reading("1"), reading("1"), reading("2")],
        grades: vec![pair("B", "read by a collector over a pinned link")],
        footer: texts(&["Plan & Print BV", "planprint.example"]),
        accent: text("#0b63a5"),
    }
}

/// How often a text stands in a PDF as it is.
fn count(pdf: &[u8], wanted: &str) -> usize {
    pdf.windows(wanted.len()).filter(|window| *window == wanted.as_bytes()).count()
}

fn logo() -> Logo {
    Logo::read(LOGO).expect("a picture")
}

fn pages(pdf: &[u8]) -> usize {
    count(pdf, "/Type/Page/")
}

fn set(paper: &Paper, look: Look) -> Vec<u8> {
    pdf(paper, look, None).unwrap_or_else(|error| panic!("{look:?}: {error}"))
}

#[test]
fn each_look_is_an_archive_document_of_the_day_it_was_issued() {
    for look in LOOKS {
        let bytes = pdf(&paper(), look, Some(&logo())).unwrap_or_else(|error| panic!("{look:?}: {error}"));
        assert!(bytes.starts_with(b"%PDF-1.7"), "{look:?}");
        assert_eq!(count(&bytes, "<pdfaid:part>3</pdfaid:part>"), 1, "{look:?}");
        assert_eq!(count(&bytes, "<xmp:CreateDate>2026-11-02T09:14:00"), 1, "{look:?}");
        assert_eq!(count(&bytes, "Statement S-0214</rdf:li>"), 1, "{look:?}");
        assert!(pages(&bytes) >= 1, "{look:?}");
    }
}

#[test]
fn the_same_paper_gives_the_same_bytes_and_each_look_others() {
    let first = LOOKS.map(|look| set(&paper(), look));
    let again = LOOKS.map(|look| set(&paper(), look));
    assert!(first == again);
    assert!(first[0] != first[1] && first[1] != first[2]);
    let other = Paper { notes: texts(&["Another note."]), ..paper() };
    assert!(set(&other, Look::Ledger) != first[0]);
}

/// Poppler takes a `Suspects` that is false for a damaged one and says so of every document.
#[test]
fn what_is_usual_is_not_said_where_a_reader_complains_of_it() {
    let draft = Paper { number: None, issued: None, ..paper() };
    for look in LOOKS {
        let invoiced = facturx(&paper(), look, None, CII).unwrap_or_else(|error| panic!("{look:?}: {error}"));
        for bytes in [set(&paper(), look), set(&draft, look), invoiced] {
            assert_eq!(count(&bytes, "/MarkInfo<</Marked true"), 1, "{look:?}");
            assert_eq!(count(&bytes, "/Suspects"), 0, "{look:?}");
        }
    }
}

#[test]
fn a_draft_has_no_date_and_cannot_carry_an_invoice() {
    let draft = Paper { number: None, issued: None, title: text("Statement, draft"), ..paper() };
    for look in LOOKS {
        let bytes = set(&draft, look);
        assert_eq!(count(&bytes, "CreationDate"), 0, "{look:?}");
        assert_eq!(count(&bytes, "<pdfaid:part>"), 0, "{look:?}");
    }
    assert!(matches!(facturx(&draft, Look::Ledger, None, CII), Err(PdfError::NotIssued)));
}

#[test]
fn an_invoice_is_attached_and_named_in_the_metadata() {
    for look in LOOKS {
        let bytes = facturx(&paper(), look, Some(&logo()), CII).unwrap_or_else(|error| panic!("{look:?}: {error}"));
        assert_eq!(count(&bytes, "/AFRelationship/Alternative"), 1, "{look:?}");
        assert_eq!(count(&bytes, "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>"), 1, "{look:?}");
        assert_eq!(count(&bytes, "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>"), 1, "{look:?}");
        assert_eq!(count(&bytes, "startxref"), 2, "{look:?}");
        let again = facturx(&paper(), look, Some(&logo()), CII).expect("the same again");
        assert!(bytes == again, "{look:?}");
    }
    for other in ["", "<Invoice/>", "<rsm:CrossIndustryInvoice>urn:cen.eu:en16931:2017#a</rsm:CrossIndustryInvoice>"] {
        assert!(matches!(facturx(&paper(), Look::Ledger, None, other), Err(PdfError::Profile)), "{other}");
    }
}

/// A paper that says the same everywhere.
fn saying(words: &str) -> Paper {
    let (both, pairs) = (|| texts(&[words, words]), || vec![pair(words, words)]);
    let hostile = PaperLine { title: text(words), detail: text(words), steps: both(), marks: both(), ..line("1", "") };
    Paper {
        title: text(words),
        brand: text(words),
        seller: both(),
        buyer: both(),
        facts: pairs(),
        lines: vec![hostile],
        taxes: vec![PaperTax { label: text(words), reason: text(words), ..PaperTax::default() }],
        totals: pairs(),
        payment: both(),
        notes: both(),
        gaps: vec![PaperGap { printer: text(words), causes: pairs(), ..PaperGap::default() }],
        readings: vec![PaperReading { printer: text(words), source: text(words), ..reading("1") }],
        grades: pairs(),
        footer: both(),
        accent: text(words),
        ..paper()
    }
}

#[test]
fn hostile_texts_are_shown_as_texts() {
    for words in [HOSTILE, "\u{0}\u{7f}\r\n\u{feff}", ""] {
        for look in LOOKS {
            assert!(pages(&set(&saying(words), look)) >= 1, "{look:?}");
        }
    }
    // The title is also a text of the metadata, where it can be read back, with □ for what has no shape.
    let bytes = set(&Paper { title: text(HOSTILE), ..paper() }, Look::Ledger);
    assert!(count(&bytes, "$a_b$ *b* _i_ `r` [c] &lt;d") >= 1);
    assert!(count(&bytes, "@e = f // g /* \\ □□□□ □") >= 1);
}

#[test]
fn texts_of_ten_thousand_characters_run_over_pages() {
    for long in ["word ".repeat(2_000), "W".repeat(10_000)] {
        let first = PaperLine { title: long.clone(), ..line("1", "") };
        let printer = PaperReading { printer: long.clone(), ..reading("1") };
        let notes = vec![long];
        let paper = Paper { lines: vec![first, line("2", "Scans")], readings: vec![printer], notes, ..paper() };
        assert!(pages(&set(&paper, Look::Ledger)) > 4);
    }
}

#[test]
fn an_empty_paper_is_a_page_and_a_long_one_is_many() {
    for look in LOOKS {
        assert_eq!(pages(&set(&Paper::default(), look)), 1, "{look:?}");
    }
    let lines = (0..2_000).map(|place: u32| PaperLine { title: format!("Line {place}"), ..PaperLine::default() });
    let long = Paper { lines: lines.collect(), ..paper() };
    let count = pages(&set(&long, Look::Ledger));
    assert!((20..200).contains(&count), "{count}");
}

#[test]
fn what_is_too_much_is_refused_in_words() {
    let readings = vec![PaperReading::default()];
    let rows = Paper { lines: vec![PaperLine::default(); ROWS_MAX], readings, ..paper() };
    let error = pdf(&rows, Look::Ledger, None).expect_err("too many rows");
    assert_eq!(error.to_string(), "the document has 20001 lines and readings, a PDF holds 20000; take the spreadsheet");
    let full = PaperLine { detail: "a ".repeat(6_000), ..PaperLine::default() };
    let much = Paper { lines: vec![full; 1_400], ..paper() };
    assert!(matches!(pdf(&much, Look::Ledger, None), Err(PdfError::TooMuchText { .. })));
    // A picture that is whole by its parts may still be damaged within.
    let mut bytes = LOGO.to_vec();
    bytes[45] ^= 0xff;
    let damaged = Logo::read(&bytes).expect("a picture");
    assert!(matches!(pdf(&paper(), Look::Ledger, Some(&damaged)), Err(PdfError::Typeset(_))));
}

#[test]
fn a_logo_stands_on_every_look_but_the_plain_one() {
    for look in LOOKS {
        let drawn = pdf(&paper(), look, Some(&logo())).unwrap_or_else(|error| panic!("{look:?}: {error}"));
        assert_eq!(count(&drawn, "/Subtype/Image") > 0, look != Look::Plain, "{look:?}");
        assert_eq!(count(&set(&paper(), look), "/Subtype/Image"), 0, "{look:?}");
    }
}

#[test]
fn a_look_is_known_by_its_word() {
    for look in LOOKS {
        assert_eq!(Look::parse(look.word()), Some(look));
        assert!(!look.label().is_empty());
    }
    assert_eq!(Look::parse("loud"), None);
}

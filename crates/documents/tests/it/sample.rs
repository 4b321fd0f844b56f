//! Statements that the tests of every form share.

use billing::{
    Cause, ContractRef, Currency, Day, Difference, DocumentKind, Line, LineEvidence, LineShare, LineSource, Mark,
    Meter, MeterKind, Method, Money, Parties, Party, Pattern, Period, PricingUnit, PrinterReconciliation, ReadingPoint,
    ReadingSource, Reconciliation, Reference, Statement, TaxCategory, TaxRow, Taxed, UnitPrice,
};
use documents::{Around, Brand};
use report::{Grade, Instant, Share};
use std::path::PathBuf;

const ZONE: &str = "Europe/Amsterdam";

pub(crate) fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).expect("a time")
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

pub(crate) fn seller() -> Party {
    Party {
        name: "Plotraum BV".to_owned(),
        street: "Kaai 1".to_owned(),
        postcode: "2000".to_owned(),
        city: "Antwerpen".to_owned(),
        country: "BE".to_owned(),
        vat_id: "BE0403170701".to_owned(),
        registration: "0208:0403170701".to_owned(),
        electronic: "0208:0403170701".to_owned(),
        iban: "BE68 5390 0754 7034".to_owned(),
        email: "billing@plotraum.example".to_owned(),
        contact: "Ann Bos".to_owned(),
        phone: "+32 3 555 01 02".to_owned(),
        ..Party::default()
    }
}

pub(crate) fn buyer() -> Party {
    Party {
        name: "Bureau Noord & Zoon".to_owned(),
        street: "Straat <7>".to_owned(),
        postcode: "1011 AB".to_owned(),
        city: "Amsterdam".to_owned(),
        country: "nl".to_owned(),
        vat_id: "NL 123456789B01".to_owned(),
        electronic: "9944:NL123456789B01".to_owned(),
        reference: "PO-77".to_owned(),
        ..Party::default()
    }
}

pub(crate) fn brand() -> Brand {
    Brand {
        name: "Plotraum".to_owned(),
        address: vec!["Kaai 1".to_owned(), "2000 Antwerpen".to_owned()],
        accent: "#AA3300".to_owned(),
        footer: vec!["Plotraum BV, Antwerpen".to_owned()],
        payment: Some("By transfer only.".to_owned()),
    }
}

pub(crate) fn around() -> Around {
    let sites = [("1", "Noord"), ("2", "=Zuid")];
    let sites = sites.map(|(id, name)| (id.to_owned(), name.to_owned())).into();
    Around { name: String::new(), state: "issued".to_owned(), sites }
}

fn fee(id: &str, title: &str, clause: &str, amount: i64) -> Line {
    Line {
        id: id.to_owned(),
        title: title.to_owned(),
        amount: Some(Money(amount)),
        clause: Some(clause.to_owned()),
        taxed: vec![Taxed { row: 0, base: Money(amount) }],
        ..Line::default()
    }
}

fn source(printer: &str, label: &str, meter: &str, evidence: LineEvidence) -> LineSource {
    let meter = Meter::parse(meter).expect("a meter");
    LineSource { printer: printer.to_owned(), label: label.to_owned(), meter, media: None, evidence }
}

fn share(printer: &str, site: &str, quantity: i64, amount: i64) -> LineShare {
    let (printer, site) = (printer.to_owned(), Some(site.to_owned()));
    LineShare { printer, site, quantity, amount: Money(amount) }
}

fn usage() -> Line {
    let mono = "area-printed/mono-line";
    let point = |segment, value, read_at, source| {
        Some(ReadingPoint { segment, value, read_at: at(read_at), grade: Grade::B, source })
    };
    let counter = LineEvidence::Counter {
        start: point(1, 10_000_000_000, "2026-09-30T22:00:00Z", ReadingSource::Printer),
        end: point(2, 120_000_000, "2026-10-31T22:50:00Z", ReadingSource::Manual),
        quantity: 300_000_000,
    };
    let span = Period::new(at("2026-10-30T23:00:00Z"), at("2026-10-31T23:00:00Z")).expect("a day");
    let estimate = LineEvidence::Estimate { span, method: Method::Daily30, quantity: 20_000_000 };
    Line {
        id: "2".to_owned(),
        title: "Monochrome lines, area printed".to_owned(),
        detail: "520.00 m² used, 400.00 included".to_owned(),
        pattern: Some(Pattern::parse(mono).expect("a pattern")),
        used: Some(520_000_000),
        included: Some(400_000_000),
        quantity: Some(120_000_000),
        unit: Some(PricingUnit::SquareMetre),
        unit_price: Some(UnitPrice::parse("0.14").expect("a price")),
        amount: Some(Money(1_680)),
        steps: vec!["520.00 m² − 400.00 m² allowance = 120.00 m² × 0.14 = 16.80".to_owned()],
        sources: vec![
            source("7", "T930", mono, counter),
            source("7", "T930", mono, estimate),
            source("9", "@T2530", mono, LineEvidence::Jobs { count: 12, quantity: 200_000_000 }),
        ],
        grades: [(Grade::B, 500_000_000), (Grade::C, 20_000_000)].into(),
        clause: Some("overage.1".to_owned()),
        shares: vec![share("7", "1", 320_000_000, 1_034), share("9", "2", 200_000_000, 646)],
        marks: [Mark::Estimated].into(),
        estimated: 20_000_000,
        taxed: vec![Taxed { row: 0, base: Money(1_034) }, Taxed { row: 1, base: Money(646) }],
        ..Line::default()
    }
}

/// Usage without a price, with a title and a media name that a spreadsheet would run.
fn unpriced() -> Line {
    let colour = "area-printed/colour-line";
    let mut of = source("9", "@T2530", colour, LineEvidence::Jobs { count: 1, quantity: 10_000_000 });
    of.media = Some("-Bond, 80 g".to_owned());
    Line {
        id: "3".to_owned(),
        title: "=SUM(A1)".to_owned(),
        detail: "10.00 m² used, no price".to_owned(),
        pattern: Some(Pattern::parse("area-printed/colour-line@-Bond, 80 g").expect("a pattern")),
        used: Some(10_000_000),
        unit: Some(PricingUnit::SquareMetre),
        sources: vec![of],
        grades: [(Grade::A, 10_000_000)].into(),
        shares: vec![share("9", "2", 10_000_000, 0)],
        ..Line::default()
    }
}

pub(crate) fn tax(rate: i64, category: TaxCategory, base: i64, amount: i64) -> TaxRow {
    let (rate, base, amount) = (Share(rate), Money(base), Money(amount));
    TaxRow { name: "VAT".to_owned(), rate, base, amount, category, ..TaxRow::default() }
}

fn gap() -> PrinterReconciliation {
    PrinterReconciliation {
        printer: "7".to_owned(),
        label: "T930".to_owned(),
        meter: MeterKind::AreaMedia,
        reconciliation: Reconciliation {
            counter_total: Some(1_310_000_000),
            job_media_total: 1_300_000_000,
            job_printed_total: 1_200_000_000,
            differences: vec![
                Difference { cause: Cause::Margins, amount: 100_000_000 },
                Difference { cause: Cause::NotInJobLog, amount: 10_000_000 },
            ],
        },
    }
}

/// An issued statement with two taxes, an estimate, a line that is not billed and a discount.
pub(crate) fn statement() -> Statement {
    Statement {
        number: Some("S-0187".to_owned()),
        contract: ContractRef { id: "5".to_owned(), number: "2026-001".to_owned(), version: 3 },
        customer: "Bureau Noord".to_owned(),
        period: Period::calendar_month(2026, 10, ZONE).expect("a month"),
        period_label: "October 2026".to_owned(),
        time_zone: ZONE.to_owned(),
        currency: Currency::parse("EUR").expect("a currency"),
        lines: vec![
            fee("1", "Base fee", "base-fee.1", 18_000),
            usage(),
            unpriced(),
            fee("4", "Discount", "discount.1", -1_000),
        ],
        net: Money(18_680),
        taxes: vec![tax(210_000, TaxCategory::Standard, 18_034, 3_787), tax(90_000, TaxCategory::Standard, 646, 58)],
        total: Money(22_525),
        reconciliations: vec![gap()],
        notes: vec!["10.00 m² have no price.".to_owned()],
        kind: DocumentKind::Statement,
        corrects: None,
        payer: None,
        parties: Parties { seller: Some(seller()), buyer: Some(buyer()), ..Parties::default() },
        issued_at: Some(at("2026-11-02T08:00:00Z")),
        due: Some(day("2026-12-02")),
    }
}

/// As [`statement`], with one tax on everything.
pub(crate) fn with_one_tax(rate: i64, category: TaxCategory, amount: i64) -> Statement {
    let mut one = statement();
    for line in &mut one.lines {
        line.taxed = line.amount.map(|base| Taxed { row: 0, base }).into_iter().collect();
    }
    one.taxes = vec![tax(rate, category, 18_680, amount)];
    one.total = Money(18_680 + amount);
    one
}

/// The note that gives 30 m² of the statement back, or charges them.
pub(crate) fn note(kind: DocumentKind) -> Statement {
    let sign = if kind == DocumentKind::Credit { -1 } else { 1 };
    let reference = |line: Option<&str>| Reference {
        number: "S-0187".to_owned(),
        statement: "41".to_owned(),
        period: statement().period,
        line: line.map(str::to_owned),
    };
    let line = Line {
        detail: "jobs of T930 arrived late".to_owned(),
        quantity: Some(30_000_000 * sign),
        unit_price: None,
        amount: Some(Money(420 * sign)),
        shares: Vec::new(),
        marks: [Mark::Late].into(),
        estimated: 0,
        taxed: vec![Taxed { row: 0, base: Money(420 * sign) }],
        refers: Some(reference(Some("2"))),
        ..usage()
    };
    Statement {
        number: Some("S-0188".to_owned()),
        lines: vec![line],
        net: Money(420 * sign),
        taxes: vec![tax(210_000, TaxCategory::Standard, 420 * sign, 88 * sign)],
        total: Money(508 * sign),
        reconciliations: Vec::new(),
        notes: Vec::new(),
        kind,
        corrects: Some(reference(None)),
        ..statement()
    }
}

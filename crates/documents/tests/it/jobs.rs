//! The file of what stands behind the lines: its columns, and that no cell of it runs.

use crate::sample::statement;
use billing::carry::Carry;
use billing::{
    Clause, ContractRef, Currency, Events, Input, JobFact, Meter, Parties, Pattern, Period, Price, PriceList,
    PrinterUsage, Quantity, Statement, Tables, Terms, UnitPrice, behind, rate,
};
use documents::jobs;
use report::{Grade, Instant, JobKind, JobStatus};
use std::collections::{BTreeMap, BTreeSet};

fn job(key: &str, status: JobStatus, media: &str) -> JobFact {
    let quantity = |meter: &str, amount| Quantity {
        meter: Meter::parse(meter).expect("a meter"),
        media: Some(media.to_owned()),
        amount,
    };
    JobFact {
        key: key.to_owned(),
        finished_at: Instant::parse("2026-10-05T08:00:00Z").expect("a time"),
        status: Some(status),
        grade: Grade::B,
        quantities: vec![quantity("area-printed/mono-line", 1_250_001), quantity("pages", 2)],
        kind: Some(JobKind::Print),
        coverage: None,
        marks: BTreeSet::new(),
    }
}

/// Two jobs of one printer in October, one of them cancelled; lines at 0.14.
fn october(label: &str, media: &str) -> (Input, Statement) {
    let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
    let pattern = Pattern::parse("area-printed/mono-line").expect("a pattern");
    let price = Price::new(pattern, UnitPrice::parse("0.14").expect("a price"));
    terms.clauses.push(Clause::PriceList(PriceList { prices: vec![price] }));
    let mut printer = PrinterUsage::new("7", label);
    printer.serial = Some("SN7".to_owned());
    printer.jobs = vec![job("#1@1", JobStatus::Printed, media), job("=2", JobStatus::Cancelled, media)];
    let input = Input {
        contract: ContractRef { id: "c1".to_owned(), number: "2026-001".to_owned(), version: 3 },
        terms,
        period: Period::calendar_month(2026, 10, "UTC").expect("a month"),
        customer: "Bureau Noord".to_owned(),
        printers: vec![printer],
        carry: Carry::default(),
        runs: None,
        sites: BTreeMap::new(),
        events: Events::default(),
        tables: Tables::default(),
        parties: Parties::default(),
        adjustments: Vec::new(),
    };
    let rated = rate(&input).expect("rated").statement;
    (input, rated)
}

#[test]
fn the_columns_are_frozen() {
    let (input, rated) = october("T930", "Bond");
    let rows = behind(&input, &[&rated]).expect("rated before");
    let written = String::from_utf8(jobs(&rated, "S-0187", &rows).expect("CSV")).expect("UTF-8");
    let line = &rated.lines[0];
    let head = "statement,contract,version,customer,period_start,period_end,time_zone,line,title,payer,printer,\
                printer_name,serial,evidence,job,jobs,kind,status,at,grade,meter,category,media,unit,said,counts_as,\
                counts,billed,why";
    let same = "S-0187,2026-001,3,Bureau Noord,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,UTC";
    let printer = "7,T930,SN7,job";
    let at = "2026-10-05T08:00:00Z,B";
    let (id, title) = (line.id.as_str(), format!("\"{}\"", line.title));
    let expected = [
        head.to_owned(),
        format!(
            "{same},{id},{title},,{printer},#1@1,1,print,printed,{at},area-printed,mono-line,Bond,m²,1.250001,\
             mono-line,\
             1.250001,yes,"
        ),
        format!("{same},,,,{printer},#1@1,1,print,printed,{at},pages,,Bond,page,2,,0,no,no-clause"),
        format!(
            "{same},,,,{printer},'=2,1,print,cancelled,{at},area-printed,mono-line,Bond,m²,1.250001,mono-line,0.00,no,\
             status"
        ),
        format!("{same},,,,{printer},'=2,1,print,cancelled,{at},pages,,Bond,page,2,,0,no,status"),
    ];
    assert_eq!(written.lines().collect::<Vec<&str>>(), expected);
}

#[test]
fn no_cell_begins_a_formula() {
    for text in ["=1", "+1", "-1", "@A1", "\t=1", "\r=1", "x;=1", "x,=1", "＝1"] {
        let (mut input, _) = october(text, text);
        input.customer = text.to_owned();
        input.contract.number = text.to_owned();
        let rated = rate(&input).expect("rated").statement;
        let rows = behind(&input, &[&rated]).expect("rated before");
        let written = String::from_utf8(jobs(&rated, text, &rows).expect("CSV")).expect("UTF-8");
        for cut in [',', ';', '\t', '\n'] {
            let mut parts = written.split(cut).map(|part| part.trim_start_matches('"'));
            assert!(!parts.any(|part| part.starts_with(['=', '+', '@', '＝'])), "{text:?}, cut at {cut:?}: {written}");
        }
    }
}

#[test]
fn a_statement_without_facts_has_the_head_alone() {
    let written = jobs(&statement(), "", &[]).expect("CSV");
    assert_eq!(String::from_utf8(written).expect("UTF-8").lines().count(), 1);
}

//! Stories of the file behind a statement's lines: each line is added up again from it, it stays as the statement was,
//! and the customer has the same one.

use crate::books::{at, correct, draw, euros, issue, month, price, printed};
use crate::world::{Browser, File, NOW, Tenant, World, between, both, report};
use billing::clauses::payers::{PayerRow, Payers};
use billing::{Clause, Mark, Meter, PriceList, Statement, Tax};
use protocol::sender::Sender;
use report::{Area, Category, Instant, Job, JobKind, JobStatus, Report, ScanJob, Share};
use std::collections::BTreeMap;

both! {
    every_line_of_a_statement_is_added_up_again_from_its_file => added_up;
    the_list_of_jobs_behind_a_line_exports_what_the_line_counts => listed;
    the_file_stays_as_the_statement_was_and_the_customer_has_the_same => same;
    the_file_of_each_payers_document_adds_up_the_lines_of_all_of_them => payers;
}

/// A row by the names of its columns.
type Row = BTreeMap<String, String>;

fn rows(file: &File) -> Vec<Row> {
    assert_eq!(file.status, 200, "{}", file.text());
    let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
    let heads = reader.headers().expect("a head").clone();
    let row = |record: csv::StringRecord| -> Row {
        heads.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// Makes a job of several categories, mm²; what its total has beyond them is of none.
fn shape(job: &mut Job, status: JobStatus, media: &str, categories: &[(&str, i64)], rest: i64) {
    job.status = Some(status);
    let print = job.print.as_mut().expect("a print job");
    let sum: i64 = categories.iter().map(|(_, area)| area).sum();
    let whole = Some(Area(sum + rest));
    (print.media, print.printed_area, print.media_area) = (Some(media.to_owned()), whole, whole);
    let first = print.categories[0].clone();
    let one = |&(category, area): &(&str, i64)| {
        let mut one = first.clone();
        one.category = Category::new(category);
        (one.printed_area, one.media_area) = (Some(Area(area)), Some(Area(area)));
        one
    };
    print.categories = categories.iter().map(one).collect();
}

/// Four jobs in October: of two categories, with a rest of none; a copy on satin; one that was cancelled; a plain one.
fn mixed() -> Report {
    let finished = ["2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08"].map(|day| at(&format!("{day}T08:00:00Z")));
    let mut report = report(7, Instant(NOW.0 - 86_400_000), &finished);
    let mut jobs = report.jobs.iter_mut().map(|(job, _)| job);
    let mut next = || jobs.next().expect("four jobs");
    shape(next(), JobStatus::Printed, "Bond", &[("mono-line", 300_000_001), ("premium", 20_500_000)], 7);
    let copy = next();
    shape(copy, JobStatus::Printed, "Satin", &[("premium", 11_000_003)], 0);
    copy.kind = JobKind::Copy;
    copy.scan = Some(ScanJob { scanned_at: Some(finished[1]), area: Some(Area(5_000_003)) });
    shape(next(), JobStatus::Cancelled, "Bond", &[("mono-line", 40_000_000)], 0);
    shape(next(), JobStatus::Printed, "Bond", &[("mono-line", 2_250_000)], 0);
    report
}

/// A tenant with those jobs, and the draft of October.
async fn drafted(world: &World) -> (Tenant, Sender, i64) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &mixed()).await;
    let prices = vec![
        price("area-printed@Satin", "4.00"),
        price("area-printed/mono-line", "0.14"),
        price("area-printed", "2.60"),
        price("scan-area", "0.50"),
    ];
    let tax = Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() };
    let terms = euros(vec![Clause::PriceList(PriceList { prices }), Clause::Tax(tax)]);
    let contract = crate::books::contract(world, &tenant, "C-7", terms).await;
    let statement = draw(world, &tenant, contract, month(10)).await;
    (tenant, sender, statement)
}

async fn document(browser: &Browser, path: &str) -> Statement {
    documents::read_json(&browser.file(&format!("{path}/export.json")).await.bytes).expect("a statement")
}

/// A quantity of a row, in base units.
fn base(row: &Row, column: &str) -> i64 {
    let meter = Meter::parse(&row["meter"]).expect("a meter");
    meter.unit().parse(&row[column]).unwrap_or_else(|| panic!("{column}: {row:?}"))
}

async fn added_up(world: World) {
    let (tenant, _, statement) = drafted(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let path = format!("/statements/{statement}");
    let page = browser.get(&path).await;
    assert!(page.text.contains(&format!("{path}/jobs.csv")), "the page offers no file of jobs");
    let file = browser.file(&format!("{path}/jobs.csv")).await;
    assert_eq!(file.kind, "text/csv; charset=utf-8");
    let (rows, statement) = (rows(&file), document(&browser, &path).await);
    let used: Vec<Option<i64>> = statement.lines.iter().map(|line| line.used).collect();
    assert_eq!(used, [11_000_003, 302_250_001, 20_500_007, 5_000_003].map(Some));
    for line in &statement.lines {
        assert!(!line.marks.contains(&Mark::Recategorised));
        let own: Vec<&Row> = rows.iter().filter(|row| row["line"] == line.id).collect();
        let counts: i64 = own.iter().map(|row| base(row, "counts")).sum();
        // Nobody rounds or sorts otherwise here: what was said is what counts.
        let said: i64 = own.iter().map(|row| base(row, "said")).sum();
        assert_eq!((Some(counts), Some(said)), (line.used, line.used), "{}", line.id);
        assert!(own.iter().all(|row| row["billed"] == "yes" && row["why"].is_empty() && row["title"] == line.title));
    }
    // What is on no line says why: a cancelled job, and meters of which the contract says nothing.
    let left: Vec<&Row> = rows.iter().filter(|row| row["line"].is_empty()).collect();
    assert!(left.iter().all(|row| row["billed"] == "no" && base(row, "counts") == 0), "{left:?}");
    let of = |why: &str| left.iter().filter(|row| row["why"] == why).count();
    assert_eq!(of("status") + of("no-clause"), left.len());
    let cancelled = rows.iter().filter(|row| row["status"] == "cancelled").count();
    assert_eq!((of("status"), cancelled > 0), (cancelled, true));
    // One row a job, meter and category.
    let mut seen = std::collections::BTreeSet::new();
    for row in &rows {
        let key = ["job", "meter", "category", "media"].map(|column| row[column].clone());
        assert!(seen.insert(key), "twice: {row:?}");
    }
}

async fn payers(world: World) {
    let tenant = world.tenant("nord").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &mixed()).await;
    // A bank pays one clause whole and 60 % of the other.
    let by_bank =
        |clause: &str, share| PayerRow { clause: clause.to_owned(), party: "Bank".to_owned(), share: Share(share) };
    let whole = PriceList { prices: vec![price("area-printed@Satin", "4.00"), price("scan-area", "0.50")] };
    let shared = PriceList { prices: vec![price("area-printed/mono-line", "0.14"), price("area-printed", "2.60")] };
    let bank = vec![by_bank("price-list.1", 1_000_000), by_bank("price-list.2", 600_000)];
    let tax = Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() };
    let clauses = vec![
        Clause::PriceList(whole),
        Clause::PriceList(shared),
        Clause::Payers(Payers { rows: bank }),
        Clause::Tax(tax),
    ];
    let contract = crate::books::contract(&world, &tenant, "C-7", euros(clauses)).await;
    draw(&world, &tenant, contract, month(10)).await;
    let browser = world.browser(&tenant.reseller_email()).await;
    let (mut lines, mut files) = (Vec::new(), Vec::new());
    for payer in ["", "Bank"] {
        let id = world.count(&format!("select statement_id from statement where payer = '{payer}'")).await;
        let path = format!("/statements/{id}");
        let own = document(&browser, &path).await;
        assert_eq!(own.payer.as_deref().unwrap_or_default(), payer);
        lines.extend(own.lines);
        files.push(rows(&browser.file(&format!("{path}/jobs.csv")).await));
    }
    let mut used: Vec<i64> = lines.iter().filter_map(|line| line.used).collect();
    used.sort_unstable();
    assert_eq!(used, [5_000_003, 11_000_003, 20_500_007, 302_250_001]);
    for file in &files {
        for line in lines.iter().filter(|line| line.used.is_some()) {
            let own = file.iter().filter(|row| row["line"] == line.id);
            let counts: i64 = own.clone().map(|row| base(row, "counts")).sum();
            assert_eq!(Some(counts), line.used, "{}", line.id);
            assert!(own.clone().all(|row| row["payer"] == line.payer.as_deref().unwrap_or_default()));
        }
        assert!(file.iter().all(|row| row["why"] != "nothing"), "what the other one pays comes to nothing");
    }
}

async fn listed(world: World) {
    let (tenant, _, statement) = drafted(&world).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/statements/{statement}")).await;
    let mut lines = 0;
    for part in page.text.split("data-quantity=\"").skip(1) {
        let quantity: i64 = part.split('"').next().and_then(|text| text.parse().ok()).expect("a quantity");
        let link = between(part, "href=\"/jobs?", "\"").expect("the line's jobs");
        let link = link.replace("&amp;", "&").replace("&#38;", "&");
        let rows = rows(&browser.file(&format!("/jobs.csv?{link}")).await);
        let sum = rows.iter().map(|row| row["metered"].parse::<i64>().expect("a number")).sum::<i64>();
        assert_eq!(sum, quantity, "/jobs.csv?{link}");
        lines += 1;
    }
    assert_eq!(lines, 4);
    // Without a meter, each job says all that it counts, and what it scanned.
    let all = rows(&browser.file("/jobs.csv?from=2026-10-01&to=2026-10-31").await);
    assert!(all.iter().all(|row| row["metered"].is_empty() && row["counts"].contains("jobs@")), "{all:?}");
    assert_eq!(all.iter().filter(|row| row["scan_area_mm2"] == "5000003").count(), 1);
    let both = "area-printed/mono-line@Bond=300000001; area-printed/premium@Bond=20500000";
    assert_eq!(all.iter().filter(|row| row["counts"].contains(both)).count(), 1, "{all:?}");
}

async fn same(world: World) {
    let (tenant, mut sender, statement) = drafted(&world).await;
    let customer = world.browser(&tenant.customer_email()).await;
    let reseller = world.browser(&tenant.reseller_email()).await;
    let (own, theirs) = (format!("/statements/{statement}/jobs.csv"), format!("/my/statements/{statement}/jobs.csv"));
    assert_eq!(reseller.file(&own).await.name, format!("draft-{statement}-jobs.csv"));
    assert_eq!(customer.file(&theirs).await.status, 404, "a draft");
    issue(&world, &tenant, statement).await;
    let first = reseller.file(&own).await;
    assert_eq!((first.status, first.name.as_str()), (200, "S-0001-jobs.csv"));
    let again = customer.file(&theirs).await;
    assert_eq!((again.status, again.text()), (200, first.text()));
    // What arrives later changes nothing of it; the note that settles it has no jobs of its own.
    let late = printed(7, Instant(NOW.0 - 3_600_000), &[("2026-10-09T08:00:00Z", 5)]);
    world.report(&mut sender, &late).await;
    let notes = correct(&world, &tenant, statement).await;
    assert_eq!(reseller.file(&own).await.text(), first.text());
    let refused = reseller.file(&format!("/statements/{}/jobs.csv", notes[0])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("its lines are differences"), "{}", refused.text());
}

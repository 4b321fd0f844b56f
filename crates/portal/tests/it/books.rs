//! What stories that bill share: months in Berlin, usual terms, printed square metres, and the acts that lead from
//! a draft to an issued statement and its evidence.
//!
//! Deliberately absent: the pages, on which people do the same.

use crate::world::{NOW, Tenant, World, report};
use billing::{
    BaseFee, Clause, Currency, Money, Pattern, Period, Price, PriceList, Statement, Step, Tax, Terms, UnitPrice,
};
use portal::Portal;
use portal::setup;
use protocol::sender::Sender;
use report::{Area, Category, Instant, JobStatus, Report, Share};

/// mm² in a m².
pub(crate) const M2: i64 = 1_000_000;
/// Milliseconds of a day.
pub(crate) const DAY: i64 = 86_400_000;

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).expect("a timestamp")
}

/// A month of 2026 in Berlin.
pub(crate) fn month(number: i8) -> Period {
    Period::calendar_month(2026, number, "Europe/Berlin").expect("a month")
}

pub(crate) fn price(pattern: &str, price: &str) -> Price {
    Price::new(Pattern::parse(pattern).expect("a pattern"), UnitPrice::parse(price).expect("a price"))
}

/// Terms in euros of Berlin.
pub(crate) fn euros(clauses: Vec<Clause>) -> Terms {
    Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin") }
}

/// 0.14 for a square metre of monochrome lines, VAT 21 %.
pub(crate) fn plain() -> Terms {
    let tax = Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() };
    let prices = vec![price("area-printed/mono-line", "0.14")];
    euros(vec![Clause::PriceList(PriceList { prices }), Clause::Tax(tax)])
}

/// The same, and 180.00 a month.
pub(crate) fn terms() -> Terms {
    let mut terms = plain();
    terms.clauses.insert(0, Clause::BaseFee(BaseFee { amount: Money(18_000), ..BaseFee::default() }));
    terms
}

/// A report of the printer of `seed` with jobs of so many square metres of monochrome lines.
pub(crate) fn printed(seed: u64, read_at: Instant, jobs: &[(&str, i64)]) -> Report {
    printed_as("mono-line", seed, read_at, jobs)
}

/// The same, of another category.
pub(crate) fn printed_as(category: &str, seed: u64, read_at: Instant, jobs: &[(&str, i64)]) -> Report {
    let finished: Vec<Instant> = jobs.iter().map(|(finished, _)| at(finished)).collect();
    let mut report = report(seed, read_at, &finished);
    for ((job, _), (_, metres)) in report.jobs.iter_mut().zip(jobs) {
        job.status = Some(JobStatus::Printed);
        let print = job.print.as_mut().expect("a print job");
        let area = Some(Area(metres * M2));
        print.printed_area = area;
        print.categories.truncate(1);
        print.categories[0].category = Category::new(category);
        print.categories[0].printed_area = area;
        print.categories[0].media_area = area;
    }
    report
}

/// A contract with all printers of the tenant's customer, from October on.
pub(crate) async fn contract(world: &World, tenant: &Tenant, number: &'static str, terms: Terms) -> i64 {
    contract_from(world, tenant, number, terms, month(10).start).await
}

/// The same, from any instant on.
pub(crate) async fn contract_from(
    world: &World,
    tenant: &Tenant,
    number: &'static str,
    terms: Terms,
    start: Instant,
) -> i64 {
    let (reseller, customer, person) = (tenant.reseller.clone(), tenant.customer, tenant.person);
    world
        .setup(move |portal| {
            let made = setup::contract(portal, &reseller, customer, number, &terms, (start, person));
            let contract = made.expect("a contract");
            for (printer, _) in setup::printers(portal, &reseller, customer).expect("printers") {
                setup::assign(portal, &reseller, contract, printer, start).expect("assigned");
            }
            contract
        })
        .await
}

/// A printer that printed 500 m² of lines on 5 October, its agent, and its contract of the usual [`terms`].
pub(crate) async fn opened(world: &World) -> (Tenant, Sender, i64) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &printed(7, Instant(NOW.0 - DAY), &[("2026-10-05T08:00:00Z", 500)])).await;
    let contract = contract(world, &tenant, "C-1", terms()).await;
    (tenant, sender, contract)
}

/// The same, and October is issued: 250.00 before taxes.
pub(crate) async fn billed(world: &World) -> (Tenant, Sender, i64, i64) {
    let (tenant, sender, contract) = opened(world).await;
    let october = draw(world, &tenant, contract, month(10)).await;
    issue(world, &tenant, october).await;
    (tenant, sender, contract, october)
}

pub(crate) async fn draw(world: &World, tenant: &Tenant, contract: i64, period: Period) -> i64 {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::statement(portal, &reseller, contract, period).expect("drawn up")).await
}

/// Approves and issues, if it can be; else the words of the refusal. Red printers are signed for.
pub(crate) async fn try_issue(world: &World, tenant: &Tenant, statement: i64) -> Result<(), String> {
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let act = move |portal: &Portal| setup::approve(portal, &reseller, statement, person);
    world.setup(act).await.map_err(|refused| refused.to_string())
}

/// Approves and issues; red printers are signed for.
pub(crate) async fn issue(world: &World, tenant: &Tenant, statement: i64) {
    try_issue(world, tenant, statement).await.expect("issued");
}

/// The document exactly as it is kept.
pub(crate) async fn text(world: &World, tenant: &Tenant, statement: i64) -> String {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::document(portal, &reseller, statement).expect("kept")).await
}

pub(crate) async fn document(world: &World, tenant: &Tenant, statement: i64) -> Statement {
    serde_json::from_str(&text(world, tenant, statement).await).expect("a document")
}

pub(crate) async fn correct(world: &World, tenant: &Tenant, statement: i64) -> Vec<i64> {
    let (reseller, person) = (tenant.reseller.clone(), tenant.person);
    let again = move |portal: &Portal| setup::correct(portal, &reseller, statement, person, "Looked again.");
    world.setup(again).await.expect("rated again")
}

pub(crate) async fn bundle(world: &World, tenant: &Tenant, statement: i64) -> Vec<u8> {
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::bundle(portal, &reseller, statement).expect("made").expect("issued")).await
}

/// The lines that settle another period: the number they refer to and the amount.
pub(crate) fn settled(statement: &Statement) -> Vec<(String, i64)> {
    let lines = statement.lines.iter().filter(|line| line.step == Some(Step::Adjustments));
    let of = lines.map(|line| {
        let number = line.refers.as_ref().map(|refers| refers.number.clone()).unwrap_or_default();
        (number, line.amount.unwrap_or_default().0)
    });
    of.collect()
}

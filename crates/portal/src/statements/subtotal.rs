//! Subtotals of a statement by account or project, for the reseller: what each bears of the lines.
//!
//! Accounts and projects are personal rows (P4, P7). They are known only where the customer's policy let them
//! through, and stand in no statement and no evidence file: they are worked out beside it, from the jobs as they
//! are known now. Deliberately absent: the customer's own view, and any sum that is billed.

use super::file;
use super::store::{self, Stored};
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::address::{Fields, id};
use crate::shell::page::Fact;
use crate::shell::{Error, ResellerScope, ResellerUser, format};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use billing::{DocumentKind, LineEvidence, Meter, Quantity, Statement, Subtotal, Terms, subtotals};
use documents::csv_cell as cell;
use report::{JobStatus, Share};
use std::collections::BTreeMap;

/// Accounts that a page shows; the file has all of them.
const SHOWN_MAX: usize = 20;
/// The whole, in parts per million.
const WHOLE: i128 = 1_000_000;
/// What stands for no account.
const NONE: &str = "none";

/// How many jobs of the period name an account, and how many a project. Signs and cross joins: see `facts`.
const NAMED: &str = "select count(job.account), count(job.project)
    from contract_printer as stay cross join job
    where stay.reseller_id = $1 and stay.contract_id = $2
    and job.reseller_id = stay.reseller_id and job.printer_id = stay.printer_id
    and job.finished_at >= $3 and +job.finished_at < $4
    and +job.finished_at >= stay.from_at and (stay.to_at is null or +job.finished_at < stay.to_at)
    and not exists (select 1 from job_superseded as later
        where later.reseller_id = job.reseller_id and later.printer_id = job.printer_id
        and later.job_key = job.job_key and later.version = job.version)";
/// The jobs that finished in the period while their printer was in the contract.
const JOBS: &str = "select job.printer_id, job.status, coalesce(job.account, ''), coalesce(job.project, ''),
    job.quantities
    from contract_printer as stay cross join job
    where stay.reseller_id = $1 and stay.contract_id = $2
    and job.reseller_id = stay.reseller_id and job.printer_id = stay.printer_id
    and job.finished_at >= $3 and +job.finished_at < $4
    and +job.finished_at >= stay.from_at and (stay.to_at is null or +job.finished_at < stay.to_at)
    and not exists (select 1 from job_superseded as later
        where later.reseller_id = job.reseller_id and later.printer_id = job.printer_id
        and later.job_key = job.job_key and later.version = job.version)";
const TERMS: &str = "select terms from contract_version
    where reseller_id = $1 and contract_id = $2 and version = $3";

/// The columns of the file, a row for each line and account.
const HEAD: [&str; 15] = [
    "statement",
    "state",
    "contract",
    "customer",
    "period_start",
    "period_end",
    "time_zone",
    "by",
    "name",
    "line",
    "title",
    "unit",
    "quantity",
    "currency",
    "amount",
];

/// What jobs are charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// An account, P7.
    Account,
    /// A project, P4.
    Project,
}

impl By {
    const ALL: [By; 2] = [By::Account, By::Project];

    /// The word in addresses and in the file.
    fn word(self) -> &'static str {
        match self {
            By::Account => "account",
            By::Project => "project",
        }
    }

    fn parse(word: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.word() == word)
    }
}

/// The subtotals as a statement's page shows them, by `statements/subtotals.html`.
#[derive(Debug, Clone)]
pub(crate) struct SubtotalCard {
    /// `account` or `project`.
    pub(crate) by: &'static str,
    /// The names and what each bears, the largest first, no name last.
    pub(crate) rows: Vec<SubtotalRow>,
    /// How many more there are, in words; empty where all are shown.
    pub(crate) more: String,
    /// Where all of them are a file.
    pub(crate) href: String,
}

/// What one account or project bears.
#[derive(Debug, Clone)]
pub(crate) struct SubtotalRow {
    /// Its name.
    pub(crate) name: String,
    /// Net, without currency.
    pub(crate) amount: String,
    /// Its share of the net; empty where there is none.
    pub(crate) share: String,
    /// Line by line: title to amount.
    pub(crate) parts: Vec<Fact>,
}

/// The file of subtotals.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/statements/{id}/subtotals.csv", get(export))
}

async fn export(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    let by = match query.get("by") {
        None => By::Account,
        Some(word) => By::parse(word.trim()).ok_or(Error::NotFound)?,
    };
    let read = move |tx: &mut Tx<'_>| -> Result<_, Error> {
        let stored = store::statement(tx, &user.scope, statement_id)?.ok_or(Error::NotFound)?;
        let found = worked_out(tx, &user.scope, &stored, by)?;
        Ok((stored, found))
    };
    let (stored, found) = portal.db().read(read).await?;
    let bytes = rows(&stored, by, &found).map_err(|error| Error::Internal(Box::new(error)))?;
    let name = if stored.is_issued() { stored.name() } else { format!("{}-{statement_id}", stored.name()) };
    let name = format!("statement-{name}-by-{}", by.word());
    Ok(file("text/csv; charset=utf-8", &name, ".csv", bytes))
}

/// The cards of a statement's page: one for accounts and one for projects, where jobs of the period name any. A
/// note has none: its lines are differences.
pub(super) fn cards(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<Vec<SubtotalCard>, Error> {
    if scope.customer_id().is_some() || stored.kind != DocumentKind::Statement {
        return Ok(Vec::new());
    }
    let period = stored.statement.period;
    let params = params![scope.reseller_id(), stored.contract_id, period.start, period.end];
    let named = tx.query_opt(NAMED, params, |row| Ok((row.int(0)?, row.int(1)?)))?.unwrap_or_default();
    let mut cards = Vec::new();
    for (by, count) in [(By::Account, named.0), (By::Project, named.1)] {
        if count > 0 {
            let found = worked_out(tx, scope, stored, by)?;
            cards.push(card(stored, by, found));
        }
    }
    Ok(cards)
}

fn worked_out(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored, by: By) -> Result<Vec<Subtotal>, Error> {
    let weights = weights(tx, scope, stored, by)?;
    subtotals(&stored.statement, &weights).map_err(|error| {
        let words = format!("The subtotals cannot be worked out: {error}.");
        Error::Conflict(words)
    })
}

/// One thing that a printer counts.
type Key<'a> = (&'a str, &'a Meter, Option<&'a str>);

/// The lines that rest on what jobs say of each counted thing.
fn lines(statement: &Statement) -> BTreeMap<Key<'_>, Vec<&str>> {
    let mut lines: BTreeMap<Key<'_>, Vec<&str>> = BTreeMap::new();
    for line in &statement.lines {
        for source in &line.sources {
            if matches!(source.evidence, LineEvidence::Jobs { .. }) {
                let key = (source.printer.as_str(), &source.meter, source.media.as_deref());
                let of_key = lines.entry(key).or_default();
                if of_key.last() != Some(&line.id.as_str()) {
                    of_key.push(&line.id);
                }
            }
        }
    }
    lines
}

/// The quantities of the billed jobs by line and account.
///
/// A line finds its jobs by what it rests on. Where the contract counts a job as something else than its printer
/// said, the line finds none, and its amount belongs to no account.
fn weights(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    stored: &Stored,
    by: By,
) -> Result<BTreeMap<(String, String), i64>, DbError> {
    let statement = &stored.statement;
    let (reseller, contract) = (scope.reseller_id(), stored.contract_id);
    let version = i64::from(statement.contract.version);
    let terms = tx.query_opt(TERMS, params![reseller, contract, version], |row| row.text(0))?;
    let Some(terms) = terms else { return Ok(BTreeMap::new()) };
    let terms: Terms = serde_json::from_str(&terms)?;
    let lines = lines(statement);
    let mut weights: BTreeMap<(String, String), i64> = BTreeMap::new();
    let params = params![reseller, contract, statement.period.start, statement.period.end];
    tx.query(JOBS, params, |row| {
        if !terms.bills(JobStatus::parse(&row.text(1)?)) {
            return Ok(());
        }
        let printer = row.int(0)?.to_string();
        let name = match by {
            By::Account => row.text(2)?,
            By::Project => row.text(3)?,
        };
        let quantities: Vec<Quantity> = serde_json::from_str(&row.text(4)?)?;
        for quantity in &quantities {
            let key = (printer.as_str(), &quantity.meter, quantity.media.as_deref());
            for line in lines.get(&key).into_iter().flatten() {
                let weight = weights.entry(((*line).to_owned(), name.clone())).or_default();
                *weight = weight.saturating_add(quantity.amount);
            }
        }
        Ok(())
    })?;
    Ok(weights)
}

fn shown_name(account: &str) -> &str {
    if account.is_empty() { NONE } else { account }
}

fn card(stored: &Stored, by: By, mut found: Vec<Subtotal>) -> SubtotalCard {
    let statement = &stored.statement;
    let digits = u32::from(statement.currency.minor_digits());
    let titles: BTreeMap<&str, &str> =
        statement.lines.iter().map(|line| (line.id.as_str(), line.title.as_str())).collect();
    found.sort_by_key(|subtotal| (subtotal.account.is_empty(), std::cmp::Reverse(subtotal.amount)));
    let row = |subtotal: &Subtotal| {
        let part = |part: &billing::SubtotalPart| {
            let title = titles.get(part.line.as_str()).copied().unwrap_or(part.line.as_str());
            Fact::new(title, format::amount(part.amount.0, digits))
        };
        SubtotalRow {
            name: shown_name(&subtotal.account).to_owned(),
            amount: format::amount(subtotal.amount.0, digits),
            share: share(subtotal.amount.0, statement.net.0),
            parts: subtotal.parts.iter().filter(|part| !part.amount.is_zero()).map(part).collect(),
        }
    };
    let hidden = found.len().saturating_sub(SHOWN_MAX);
    // What belongs to none is always shown.
    let last = found.iter().skip(SHOWN_MAX).filter(|subtotal| subtotal.account.is_empty());
    let rows = found.iter().take(SHOWN_MAX).chain(last).map(row).collect();
    SubtotalCard {
        by: by.word(),
        rows,
        more: if hidden > 0 {
            format!("These are the largest of {}; the file has all.", found.len())
        } else {
            String::new()
        },
        href: format!("/statements/{}/subtotals.csv?by={}", stored.statement_id, by.word()),
    }
}

fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return String::new();
    }
    let parts = i128::from(part) * WHOLE / i128::from(whole);
    i64::try_from(parts).map_or_else(|_| String::new(), |parts| format::share(Share(parts)))
}

/// The file: dots, ISO dates, and no cell that a spreadsheet would run.
fn rows(stored: &Stored, by: By, found: &[Subtotal]) -> Result<Vec<u8>, csv::Error> {
    let statement = &stored.statement;
    let mut bytes = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    writer.write_record(HEAD)?;
    for subtotal in found {
        for part in &subtotal.parts {
            let line = statement.lines.iter().find(|line| line.id == part.line);
            let unit = line.and_then(|line| line.unit);
            // A quantity has the unit of its price; without one it is no quantity that anybody reads.
            let quantity = unit.zip(part.quantity).map(|(unit, quantity)| unit.show_exact(quantity));
            let quantity = quantity.and_then(|shown| shown.split(' ').next().map(str::to_owned));
            writer.write_record([
                cell(&stored.name),
                stored.state.word().to_owned(),
                cell(&statement.contract.number),
                cell(&statement.customer),
                statement.period.start.to_string(),
                statement.period.end.to_string(),
                statement.time_zone.clone(),
                by.word().to_owned(),
                cell(&subtotal.account),
                cell(&part.line),
                cell(line.map_or("", |line| line.title.as_str())),
                unit.map_or("", billing::PricingUnit::label).to_owned(),
                quantity.unwrap_or_default(),
                statement.currency.code().to_owned(),
                part.amount.show(statement.currency),
            ])?;
        }
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}

#[cfg(test)]
impl SubtotalCard {
    pub(crate) fn sample() -> SubtotalCard {
        let row = |name: &str| SubtotalRow {
            name: name.to_owned(),
            amount: "16.80".to_owned(),
            share: "4.7\u{a0}%".to_owned(),
            parts: vec![Fact::new("Monochrome lines <script>alert(1)</script>", "16.80")],
        };
        SubtotalCard {
            by: "account",
            rows: vec![row("Amt 61 <script>alert(1)</script>"), row(NONE)],
            more: "These are the largest of 40; the file has all.".to_owned(),
            href: "/statements/187/subtotals.csv?by=account".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{ContractRef, Currency, Line, LineSource, Money, Parties, Period, PricingUnit};
    use report::Instant;

    fn line(id: &str, title: &str, amount: i64, meters: &[&str]) -> Line {
        let source = |meter: &&str| LineSource {
            printer: "7".to_owned(),
            label: "T930".to_owned(),
            meter: Meter::parse(meter).expect("a meter"),
            media: None,
            evidence: LineEvidence::Jobs { count: 1, quantity: 5 },
        };
        Line {
            id: id.to_owned(),
            title: title.to_owned(),
            amount: Some(Money(amount)),
            used: (!meters.is_empty()).then_some(4_000_000),
            unit: (!meters.is_empty()).then_some(PricingUnit::SquareMetre),
            sources: meters.iter().map(source).collect(),
            ..Line::default()
        }
    }

    fn stored(lines: Vec<Line>) -> Stored {
        let net = Money::sum(lines.iter().filter_map(|line| line.amount)).expect("a sum");
        let statement = Statement {
            number: None,
            contract: ContractRef { id: "5".to_owned(), number: "C-5".to_owned(), version: 2 },
            customer: "Bau".to_owned(),
            period: Period { start: Instant(100), end: Instant(200) },
            period_label: "October 2026".to_owned(),
            time_zone: "UTC".to_owned(),
            currency: Currency::parse("EUR").expect("a currency"),
            lines,
            net,
            taxes: Vec::new(),
            total: net,
            reconciliations: Vec::new(),
            notes: Vec::new(),
            kind: DocumentKind::Statement,
            corrects: None,
            payer: None,
            parties: Parties::default(),
            issued_at: None,
            due: None,
        };
        Stored {
            statement_id: 187,
            contract_id: 5,
            customer_id: 4,
            kind: DocumentKind::Statement,
            payer: String::new(),
            revision: 0,
            corrects: None,
            name: String::new(),
            state: store::State::Draft,
            statement,
            created_at: Instant(0),
            created_by: String::new(),
            approved_at: None,
            approved_by: String::new(),
            issued_at: None,
            issued_by: String::new(),
            due_at: None,
            has_evidence: false,
        }
    }

    const MONO: &str = "area-printed/mono-line";

    #[test]
    fn a_line_finds_its_jobs_by_what_it_rests_on() {
        let stored = stored(vec![
            line("1", "Fee", 1, &[]),
            line("2.1", "Lines", 2, &[MONO, "area-printed/premium", MONO]),
            line("3", "Surcharge", 3, &[MONO]),
        ]);
        let lines = lines(&stored.statement);
        let (mono, premium) =
            (Meter::parse(MONO).expect("a meter"), Meter::parse("area-printed/premium").expect("one"));
        assert_eq!(lines.get(&("7", &premium, None)), Some(&vec!["2.1"]));
        assert_eq!(lines.get(&("7", &mono, None)).map(Vec::len), Some(2));
        assert_eq!(lines.get(&("8", &mono, None)), None);
    }

    #[test]
    fn the_largest_are_shown_and_what_belongs_to_none_is_last() {
        let stored = stored(vec![line("1", "Fee", 18_000, &[]), line("2.1", "=Lines", 2_000, &[MONO])]);
        let weight = |account: &str, weight: i64| (("2.1".to_owned(), account.to_owned()), weight);
        let weights = BTreeMap::from([weight("Amt 61", 1_000_000), weight("Berg", 2_000_000)]);
        let found = subtotals(&stored.statement, &weights).expect("subtotals");
        let file = String::from_utf8(rows(&stored, By::Account, &found).expect("a file")).expect("text");
        let card = card(&stored, By::Account, found);
        let shown: Vec<(&str, &str)> = card.rows.iter().map(|row| (row.name.as_str(), row.amount.as_str())).collect();
        assert_eq!(shown, [("Berg", "10.00"), ("Amt 61", "5.00"), ("none", "185.00")]);
        assert_eq!((card.rows[0].share.as_str(), card.more.as_str()), ("5.0\u{a0}%", ""));
        assert!(file.contains(",account,Berg,2.1,'=Lines,m²,2.00,EUR,10.00\n"), "{file}");
        assert_eq!(file.lines().count(), 5, "{file}");
    }

    #[test]
    fn only_accounts_and_projects_are_asked_for() {
        assert_eq!(By::ALL.map(|by| By::parse(by.word())), By::ALL.map(Some));
        assert_eq!(By::parse("user"), None);
    }
}

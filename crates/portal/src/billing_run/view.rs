//! Fills the pages of the billing run from what the store and the board give.
//!
//! Deliberately absent: what is ready and why, which the billing crate says, and every sum that is billed.

use super::board::{self, Row, RowPrinter, RowStatement};
use super::page::{BoardPage, ContractCard, MonthRow, MonthsPage, PrinterLine, RunRow};
use super::{run, store};
use crate::Portal;
use crate::db::Tx;
use crate::shell::address::address;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chip, Fact, Field, Link, Status, Tone};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, ResellerUser, chrome};
use crate::statements::page::Act;
use crate::statements::status;
use crate::statements::store::State;
use billing::{Currency, Month, Period, Ready, Reason, month_of};
use report::Instant;
use std::collections::BTreeMap;

/// Months that the list shows: three years.
const MONTHS_MAX: usize = 36;
/// Runs that the list shows.
const RUNS_MAX: i64 = 8;
/// Printers of a contract that are shown one by one; those that hold it up first.
const PRINTERS_MAX: usize = 40;
/// What a statement over some days does, beside what is billed in part.
const PART: &str = "Each part bears its days' share of fees, of what is included, of minimums, commitments and tiers.";
/// The zone of what belongs to no contract.
const ZONE: &str = "UTC";

/// What somebody wants to see of a month.
pub(super) struct Asked {
    month: Month,
    stage: Option<Stage>,
    part: Part,
    /// The word of the last act.
    done: Option<String>,
}

impl Asked {
    /// As a query asks for it.
    pub(super) fn by(month: Month, query: BTreeMap<String, String>) -> Asked {
        let stage = query.get("show").and_then(|word| Stage::parse(word));
        Asked { month, stage, part: Part::asked(&query), done: query.into_iter().find(is_done).map(|(_, word)| word) }
    }

    fn address(&self, stage: Option<Stage>, page: &str) -> String {
        let path = format!("/billing/{}", self.month);
        address(&path, [("show", stage.map_or("", Stage::word)), ("page", page)])
    }
}

fn is_done((name, _): &(String, String)) -> bool {
    name == "done"
}

/// How far a contract is in a month; those that need somebody come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Something is missing or odd, or nothing was drawn up yet.
    Look,
    /// It can be approved or issued.
    Ready,
    /// Its statement stands.
    Issued,
}

impl Stage {
    const ALL: [Stage; 3] = [Stage::Look, Stage::Ready, Stage::Issued];

    fn of(row: &Row) -> Stage {
        match &row.statement {
            Some(statement) if statement.state.is_issued() => Stage::Issued,
            Some(statement) if statement.state == State::Approved || row.has_no_questions() => Stage::Ready,
            _ => Stage::Look,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Stage::Look => "look",
            Stage::Ready => "ready",
            Stage::Issued => "issued",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Stage::Look => "To look at",
            Stage::Ready => "Ready",
            Stage::Issued => "Issued",
        }
    }

    fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.word() == word)
    }
}

/// The month before; `None` before the first one that there is.
fn before(month: Month) -> Option<Month> {
    let (year, number) = if month.month() == 1 { (month.year() - 1, 12) } else { (month.year(), month.month() - 1) };
    Month::new(year, number).ok()
}

fn link_to(month: Month) -> Link {
    Link::new(month.label(), format!("/billing/{month}"))
}

/// `/billing`.
pub(super) fn months(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<MonthsPage, Error> {
    let now = portal.surroundings().now();
    let last = month_of(now, ZONE).ok().and_then(before);
    let rows = store::months(tx, &user.scope, MONTHS_MAX, now)?;
    let runs = store::runs(tx, &user.scope, "", RUNS_MAX)?;
    let done = query.get("done").map(String::as_str);
    Ok(MonthsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/billing", "Billing run"), done)?,
        next: last.map_or_else(|| Link::new("Statements", "/statements"), link_to),
        rows: rows.iter().map(month_row).collect(),
        field: Field::new("month", "month", "Month")
            .value(last.map_or_else(String::new, |month| month.to_string()))
            .required()
            .hint("such as 2026-10"),
        runs: runs.iter().map(run_row).collect(),
    })
}

/// A month by its name; what does not read is shown as it is.
fn month_link(name: &str) -> Link {
    Month::parse(name).map_or_else(|_| Link::new(name, "/billing"), link_to)
}

fn month_row(row: &store::MonthRow) -> MonthRow {
    let status = match (row.drafts, row.approved) {
        (0, 0) => Status::new(Tone::Good, "issued"),
        (0, _) => Status::new(Tone::Info, "to issue"),
        _ => Status::new(Tone::Info, "to approve"),
    };
    MonthRow { month: month_link(&row.month), drafts: row.drafts, approved: row.approved, issued: row.issued, status }
}

fn run_row(run: &store::RunRow) -> RunRow {
    let utc = Zone::utc();
    let by = if run.by.is_empty() { String::new() } else { format!(", by {}", run.by) };
    let so_far = match (run.contracts, run.failed) {
        (0, _) => "It begins.".to_owned(),
        (of, 0) => format!("{} of {of} contracts.", run.done),
        (of, failed) => format!("{} of {of} contracts, {failed} failed.", run.done),
    };
    let words = match run.ended_at {
        None => so_far,
        Some(at) => format!("{} Ended {}.", run.words, format::instant(at, &utc)),
    };
    let tone = match run.state.as_str() {
        "running" => Tone::Info,
        "done" => Tone::Good,
        _ => Tone::Bad,
    };
    RunRow {
        month: month_link(&run.period),
        started: format!("{} {ZONE}{by}", format::instant(run.started_at, &utc)),
        words,
        status: Status::new(tone, run.state.as_str()),
        running: run.state == "running",
    }
}

/// `/billing/{month}`.
pub(super) fn board(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, asked: &Asked) -> Result<BoardPage, Error> {
    let (scope, month) = (&user.scope, asked.month);
    let mut all = board::board(tx, scope, month, portal.surroundings().now())?;
    let run = store::runs(tx, scope, &month.to_string(), 1)?;
    let title = format!("Billing run, {}", month.label());
    let chrome = chrome(tx, portal, &user.signed, Some(scope), ("/billing", &title), asked.done.as_deref())?;
    all.sort_by_key(Stage::of);
    let count = |stage: Stage| all.iter().filter(|row| Stage::of(row) == stage).count();
    let chip = |stage: Option<Stage>| {
        let (label, count) = stage.map_or(("All", all.len()), |stage| (stage.label(), count(stage)));
        Chip::new(format!("{label} {count}"), asked.address(stage, ""), asked.stage == stage)
    };
    let chips = std::iter::once(None).chain(Stage::ALL.map(Some)).map(chip).collect();
    let shown: Vec<&Row> = all.iter().filter(|row| asked.stage.is_none_or(|stage| Stage::of(row) == stage)).collect();
    let (skipped, most) = (usize::try_from(asked.part.skipped()), usize::try_from(ROWS));
    let part = shown.iter().copied().skip(skipped.unwrap_or(0)).take(most.unwrap_or(0));
    let rows: Vec<ContractCard> = part.map(|row| Card { row, month }.show()).collect();
    let total = i64::try_from(shown.len()).unwrap_or(i64::MAX);
    let neighbours = [before(month), month.following().ok()];
    Ok(BoardPage {
        chrome,
        month: month.label(),
        href: format!("/billing/{month}"),
        board: month.to_string(),
        neighbours: neighbours.into_iter().flatten().map(link_to).collect(),
        run: run.first().map(run_row),
        left: Vec::new(),
        acts: acts(&all),
        totals: totals(&all),
        chips,
        pager: asked.part.pager_at(rows.len(), total, |page| asked.address(asked.stage, page)),
        rows,
    })
}

/// What can be done with the whole month, the usual next step last.
fn acts(rows: &[Row]) -> Vec<(&'static str, String)> {
    let state = |row: &Row| row.statement.as_ref().map(|statement| statement.state);
    let ready = rows.iter().filter(|row| state(row) == Some(State::Draft) && row.has_no_questions()).count();
    let approved = rows.iter().filter(|row| state(row) == Some(State::Approved)).count();
    // Of a period that is billed in part the rest is drawn up, by its days.
    let is_open = |row: &&Row| row.ended.is_none() && row.has_begun && matches!(state(row), None | Some(State::Draft));
    let open = rows.iter().filter(is_open).count();
    let mut acts = Vec::new();
    if open > 0 {
        acts.push(("draw", format!("Draw up {open}")));
    }
    if ready > 0 {
        acts.push(("approve", format!("Approve {ready} without questions")));
    }
    if approved > 0 {
        acts.push(("issue", format!("Issue {approved}")));
    }
    acts
}

/// How many statements of each state there are and what they come to; then how many printers are how ready.
fn totals(rows: &[Row]) -> Vec<Fact> {
    let mut sums: BTreeMap<(State, Currency), (u64, i64)> = BTreeMap::new();
    let mut printers: BTreeMap<Ready, u64> = BTreeMap::new();
    for row in rows {
        for printer in &row.printers {
            *printers.entry(printer.state).or_default() += 1;
        }
        if let Some(statement) = &row.statement {
            let (count, sum) = sums.entry((statement.state, row.currency)).or_default();
            *count += 1;
            *sum = sum.saturating_add(statement.total.0);
        }
    }
    let is_missing = |row: &&Row| row.statement.is_none() && row.ended.is_none() && row.has_begun;
    let missing = rows.iter().filter(is_missing).count();
    let missing = (missing > 0).then(|| Fact::new("not drawn up", missing.to_string()));
    let sums = sums.into_iter().map(|((state, currency), (count, sum))| {
        let sum = format::money(sum, u32::from(currency.minor_digits()), currency.code());
        Fact::new(format!("{count} {}", state.word()), sum)
    });
    let printers = printers.into_iter().map(|(ready, count)| {
        let thing = if count == 1 { "printer" } else { "printers" };
        Fact::new(format!("{thing} {}", ready.word()), count.to_string())
    });
    missing.into_iter().chain(sums).chain(printers).collect()
}

/// The status of a printer.
fn ready_status(ready: Ready) -> Status {
    let tone = match ready {
        Ready::Complete => Tone::Good,
        Ready::Late => Tone::Warn,
        Ready::Estimated => Tone::Info,
        Ready::Suspect => Tone::Bad,
    };
    Status::new(tone, ready.word())
}

/// A contract that is shown.
struct Card<'a> {
    row: &'a Row,
    month: Month,
}

impl Card<'_> {
    fn show(&self) -> ContractCard {
        let row = self.row;
        let mut told: Vec<&RowPrinter> = row.printers.iter().filter(|printer| is_told(printer)).collect();
        // Those that hold it up first.
        told.sort_by_key(|printer| (!printer.is_open(), !printer.state.is_red()));
        let statement = row.statement.as_ref();
        ContractCard {
            contract_id: row.contract_id,
            sign: statement.map_or_else(String::new, |made| format!("/statements/{}/sign", made.statement_id)),
            notes: self.drafts().chain(row.notes.iter().map(note)).collect(),
            questions: row.questions.iter().cloned().chain(row.partly.as_ref().map(|_| PART.to_owned())).collect(),
            contract: Link::new(row.contract.clone(), format!("/contracts/{}", row.contract_id)),
            customer: Link::new(row.customer.clone(), format!("/customers/{}", row.customer_id)),
            when: self.when(),
            status: self.status(),
            statement: statement.map(|made| {
                let name = if made.name.is_empty() { made.state.word() } else { made.name.as_str() };
                Link::new(name, format!("/statements/{}", made.statement_id))
            }),
            total: statement.map_or_else(String::new, |made| {
                format::money(made.total.0, u32::from(row.currency.minor_digits()), row.currency.code())
            }),
            complete: others(row.printers.len(), told.len()),
            printers: told.into_iter().take(PRINTERS_MAX).map(|printer| self.printer(printer)).collect(),
            acts: statement.map_or_else(|| self.rest(), |made| self.acts(made)),
            events: format!("/contracts/{}/events", row.contract_id),
        }
    }

    fn zone(&self) -> Zone {
        Zone::new(&self.row.zone).unwrap_or_else(Zone::utc)
    }

    fn is_draft(&self) -> bool {
        self.row.statement.as_ref().is_some_and(|made| made.state == State::Draft)
    }

    fn status(&self) -> Status {
        let row = self.row;
        match (&row.statement, &row.partly) {
            (Some(made), _) => status(made.state),
            (None, _) if row.ended.is_some() => Status::new(Tone::Info, "ended"),
            (None, _) if !row.has_begun => Status::new(Tone::Info, "not begun"),
            (None, Some(_)) => Status::new(Tone::Warn, "billed in part"),
            (None, None) => Status::new(Tone::Warn, "not drawn up"),
        }
    }

    /// The period, and how long until the cut-off while that matters.
    fn when(&self) -> String {
        let (row, zone, period) = (self.row, self.zone(), self.row.period);
        let label = period.label(zone.name()).unwrap_or_else(|_| format::day(period.start, &zone));
        if let Some(ends) = row.ended {
            return format!("{label} · {}", run::ended_words(ends, &zone));
        }
        if !row.has_begun {
            return format!("{label} · it begins on {}", format::day(period.start, &zone));
        }
        if let Some(partly) = &row.partly {
            return format!("{label} · {partly}");
        }
        let label = match &row.statement {
            Some(made) if made.state.is_issued() => return label,
            Some(made) if made.created_at < period.end => format!("{label} · drawn up before its end, draw up again"),
            _ => label,
        };
        format!("{label} · {}", cutoff_words(row.days_left, row.cutoff, &zone))
    }

    /// The drafts of what is left of a period that is billed in part.
    fn drafts(&self) -> impl Iterator<Item = Link> {
        let (currency, zone) = (self.row.currency, self.zone());
        self.row.drafts.iter().map(move |(period, made)| {
            let total = format::money(made.total.0, u32::from(currency.minor_digits()), currency.code());
            Link::new(format!("{}, draft, {total}", days(*period, &zone)), format!("/statements/{}", made.statement_id))
        })
    }

    /// Drawing up what is left of a period that is billed in part, by its days.
    fn rest(&self) -> Vec<Act> {
        if self.row.ended.is_some() || !self.row.has_begun {
            return Vec::new();
        }
        let zone = self.zone();
        let act = |gap: &Period| {
            let last = Instant(gap.end.0.saturating_sub(1));
            Act {
                action: format!("/contracts/{}/statements", self.row.contract_id),
                label: format!("Draw up {}", days(*gap, &zone)),
                primary: false,
                hidden: vec![
                    ("period_from", format::iso_day(gap.start, &zone)),
                    ("period_to", format::iso_day(last, &zone)),
                ],
            }
        };
        self.row.rest.iter().map(act).collect()
    }

    fn printer(&self, printer: &RowPrinter) -> PrinterLine {
        let (row, id) = (self.row, printer.printer_id);
        let is_late = printer.state == Ready::Late;
        let enter = format!("/readings/enter?customer={}&printer={id}", row.customer_id);
        let can_sign = self.is_draft() && printer.is_open();
        let zone = self.zone();
        let signed = printer.signed.as_ref();
        let signed = signed.map(|by| format!("{} on {}: {}", by.by, format::day(by.at, &zone), by.reason));
        PrinterLine {
            printer_id: id,
            printer: Link::new(printer.label.clone(), format!("/printers/{id}")),
            status: ready_status(printer.state),
            reasons: printer.reasons.iter().map(|reason| format::moments(&reason.words(row.currency), &zone)).collect(),
            cause: printer.reasons.first().map(|reason| cause((row.contract_id, id), reason)),
            enter: is_late.then(|| Link::new("Enter a reading", enter)),
            estimate: is_late && row.can_estimate && self.is_draft(),
            signed,
            sign: can_sign.then(|| format!("sign-{}-{id}", row.contract_id)),
            signed_for: printer.cause.to_string(),
        }
    }

    fn acts(&self, made: &RowStatement) -> Vec<Act> {
        let act = |word: &str, label: &str| Act {
            action: format!("/statements/{}/{word}", made.statement_id),
            label: label.to_owned(),
            primary: false,
            hidden: vec![("board", self.month.to_string())],
        };
        let late = self.row.printers.iter().filter(|printer| printer.state == Ready::Late).count();
        let mut acts = Vec::new();
        if self.is_draft() && self.row.can_estimate && late > 1 {
            acts.push(Act {
                action: format!("/billing/{}/estimate", self.month),
                label: format!("Estimate {late} printers"),
                primary: false,
                hidden: vec![("contract", self.row.contract_id.to_string())],
            });
        }
        match made.state {
            State::Draft if self.row.can_approve => acts.push(act("approve", "Approve")),
            State::Approved => acts.push(act("issue", "Issue")),
            State::Draft | State::Issued | State::Corrected => {}
        }
        acts
    }
}

/// Days from the first to the last one.
fn days(period: Period, zone: &Zone) -> String {
    let last = Instant(period.end.0.saturating_sub(1));
    format!("{} to {}", format::day(period.start, zone), format::day(last, zone))
}

/// A note that waits.
fn note(note: &store::Note) -> Link {
    let payer = if note.payer.is_empty() { String::new() } else { format!(", paid by {}", note.payer) };
    let words = format!("{}{payer}, {}", note.kind.label(), note.state.word());
    Link::new(words, format!("/statements/{}", note.statement_id))
}

/// Whether there is something to know of a printer.
fn is_told(printer: &RowPrinter) -> bool {
    printer.state != Ready::Complete || !printer.reasons.is_empty()
}

/// The printers that are not listed one by one.
fn others(all: usize, told: usize) -> String {
    let many = |count: usize| if count == 1 { "1 printer".to_owned() } else { format!("{count} printers") };
    let (complete, more) = (all.saturating_sub(told), told.saturating_sub(PRINTERS_MAX));
    let complete = (complete > 0).then(|| format!("{} complete", many(complete)));
    let more = (more > 0).then(|| format!("{} more with something to know", many(more)));
    let words: Vec<String> = complete.into_iter().chain(more).collect();
    words.join(", ")
}

/// The cut-off by the last day before it, which is whole.
fn cutoff_words(days: i64, cutoff: Instant, zone: &Zone) -> String {
    let day = format::day(Instant(cutoff.0.saturating_sub(1)), zone);
    match days {
        0 => format!("the cut-off is today, {day}"),
        1 => format!("1 day to the cut-off, {day}"),
        2.. => format!("{days} days to the cut-off, {day}"),
        _ => format!("the cut-off was {day}"),
    }
}

/// Where a reason is settled.
fn cause((contract_id, printer_id): (i64, i64), reason: &Reason) -> Link {
    let readings = |text: &str| Link::new(text, format!("/printers/{printer_id}?tab=readings"));
    match reason {
        Reason::NotRead { .. } | Reason::Estimated { .. } | Reason::FirstRead { .. } => readings("Its readings"),
        Reason::Unmeasured { .. } => readings("Where its counter broke"),
        Reason::Tolerance { .. } => readings("Its counters beside its jobs"),
        Reason::Fold { .. } | Reason::Beside { .. } => Link::new("Its jobs", format!("/jobs?printer={printer_id}")),
        Reason::Pending { .. } => Link::new("Say why it fell", format!("/readings#p{printer_id}")),
        Reason::NoUnit { .. } => Link::new("Declare the unit", "/readings/units"),
        Reason::Quarantine { .. } => Link::new("What is kept apart", "/agents"),
        Reason::Drift { .. } => Link::new("Its settings", format!("/printers/{printer_id}")),
        Reason::Unpriced { .. } => Link::new("Prices of the contract", format!("/contracts/{contract_id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{DocumentKind, Meter, MeterKind, Money};

    const DAY: i64 = 86_400_000;

    fn row(statement: Option<State>, printers: Vec<RowPrinter>) -> Row {
        Row {
            contract_id: 5,
            contract: "C-5".to_owned(),
            customer: "Bau".to_owned(),
            customer_id: 4,
            period: Period { start: Instant(0), end: Instant(31 * DAY) },
            zone: "UTC".to_owned(),
            currency: Currency::parse("EUR").expect("known"),
            statement: statement.map(|state| RowStatement {
                statement_id: 9,
                state,
                name: String::new(),
                total: Money(1_000),
                created_at: Instant(32 * DAY),
            }),
            partly: None,
            rest: Vec::new(),
            drafts: Vec::new(),
            ended: None,
            has_begun: true,
            notes: Vec::new(),
            printers,
            cutoff: Instant(36 * DAY),
            days_left: 3,
            can_approve: false,
            questions: Vec::new(),
            can_estimate: true,
        }
    }

    fn printer(printer_id: i64, state: Ready, reasons: Vec<Reason>) -> RowPrinter {
        let cause = protocol::Hex([0; 32]);
        RowPrinter { printer_id, label: format!("T{printer_id}"), state, reasons, cause, signed: None }
    }

    fn month() -> Month {
        Month::parse("1970-01").expect("a month")
    }

    #[test]
    fn what_holds_a_contract_up_stands_first_with_the_way_to_its_cause() {
        let meter = Meter::whole(MeterKind::AreaMedia);
        let fell = Reason::Pending { meter, before: 9, after: 1 };
        let printers = vec![
            printer(1, Ready::Complete, Vec::new()),
            printer(2, Ready::Complete, vec![Reason::Fold { jobs: 3 }]),
            printer(3, Ready::Suspect, vec![fell]),
            printer(4, Ready::Late, vec![Reason::NotRead { meter: None, last: None }]),
        ];
        let row = row(Some(State::Draft), printers);
        let card = Card { row: &row, month: month() }.show();
        let names: Vec<&str> = card.printers.iter().map(|line| line.printer.text.as_str()).collect();
        assert_eq!(names, ["T3", "T4", "T2"]);
        assert_eq!(card.complete, "1 printer complete");
        assert_eq!(card.when, "January 1970 · 3 days to the cut-off, 5 Feb 1970");
        let suspect = &card.printers[0];
        assert_eq!(suspect.cause.as_ref().map(|link| link.href.as_str()), Some("/readings#p3"));
        assert_eq!((suspect.sign.as_deref(), suspect.estimate), (Some("sign-5-3"), false));
        let late = &card.printers[1];
        assert!(late.estimate && late.enter.is_some());
        assert_eq!(card.printers[2].sign, None);
        assert!(card.acts.is_empty(), "a contract that is held up cannot be approved");
    }

    #[test]
    fn each_state_offers_its_own_next_step() {
        let green = |state| Row { can_approve: true, ..row(Some(state), Vec::new()) };
        let label = |row: &Row| {
            let card = Card { row, month: month() }.show();
            card.acts.first().map(|act| (act.label.clone(), act.hidden.clone()))
        };
        let board = vec![("board", "1970-01".to_owned())];
        assert_eq!(label(&green(State::Draft)), Some(("Approve".to_owned(), board.clone())));
        assert_eq!(label(&row(Some(State::Approved), Vec::new())), Some(("Issue".to_owned(), board)));
        assert_eq!(label(&row(Some(State::Issued), Vec::new())), None);
        let rows = [green(State::Draft), row(None, Vec::new()), row(Some(State::Approved), Vec::new())];
        let words: Vec<String> = acts(&rows).into_iter().map(|(_, label)| label).collect();
        assert_eq!(words, ["Draw up 2", "Approve 1 without questions", "Issue 1"]);
    }

    #[test]
    fn usage_without_a_price_is_looked_at_before_it_is_approved() {
        let meter = Meter::whole(MeterKind::AreaPrinted);
        let open = printer(7, Ready::Complete, vec![Reason::Unpriced { meter, quantity: 6_310_000 }]);
        let asks = vec!["A printer counted something that no price takes: it is not billed.".to_owned()];
        let asked = Row { can_approve: true, questions: asks.clone(), ..row(Some(State::Draft), vec![open]) };
        assert_eq!(Stage::of(&asked), Stage::Look);
        let card = Card { row: &asked, month: month() }.show();
        assert_eq!(card.questions, asks);
        assert_eq!(card.printers[0].reasons, ["Area printed: 6.31 m² without a price, not billed."]);
        assert_eq!(card.printers[0].cause.as_ref().map(|link| link.href.as_str()), Some("/contracts/5"));
        assert_eq!(card.printers[0].sign, None);
        // By itself it can be, whoever has seen it.
        assert_eq!(card.acts.first().map(|act| act.label.as_str()), Some("Approve"));
        let plain = Row { questions: Vec::new(), ..asked.clone() };
        let words = |rows: &[Row]| acts(rows).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(words(&[asked, plain]), ["Draw up 2", "Approve 1 without questions"]);
    }

    #[test]
    fn of_a_period_that_is_billed_in_part_the_rest_is_drawn_up_by_its_days() {
        let waits =
            store::Note { statement_id: 12, kind: DocumentKind::Credit, state: State::Draft, payer: "Bank".to_owned() };
        let words = "S-1 covers a part of it; bill the rest by its days.".to_owned();
        let gap = Period { start: Instant(10 * DAY), end: Instant(31 * DAY) };
        let draft = row(Some(State::Draft), Vec::new()).statement.map(|draft| (gap, draft));
        let row = Row {
            partly: Some(words.clone()),
            rest: vec![gap],
            drafts: draft.into_iter().collect(),
            notes: vec![waits],
            ..row(None, Vec::new())
        };
        assert_eq!(Stage::of(&row), Stage::Look);
        let card = Card { row: &row, month: month() }.show();
        assert_eq!(card.when, format!("January 1970 · {words}"));
        assert_eq!(acts(std::slice::from_ref(&row)), [("draw", "Draw up 1".to_owned())]);
        let notes: Vec<(&str, &str)> = card.notes.iter().map(|note| (note.text.as_str(), note.href.as_str())).collect();
        let draft = ("11 Jan 1970 to 31 Jan 1970, draft, €\u{a0}10.00", "/statements/9");
        assert_eq!(notes, [draft, ("Credit note, paid by Bank, draft", "/statements/12")]);
        let rest: Vec<(&str, &str)> = card.acts.iter().map(|act| (act.label.as_str(), act.action.as_str())).collect();
        assert_eq!(rest, [("Draw up 11 Jan 1970 to 31 Jan 1970", "/contracts/5/statements")]);
        let days = [("period_from", "1970-01-11".to_owned()), ("period_to", "1970-01-31".to_owned())];
        assert_eq!(card.acts[0].hidden, days);
    }

    #[test]
    fn nothing_is_drawn_up_before_a_period_begins_or_after_a_contract_ended() {
        let early = Row { has_begun: false, ..row(None, Vec::new()) };
        let card = Card { row: &early, month: month() }.show();
        assert_eq!(card.when, "January 1970 · it begins on 1 Jan 1970");
        let ended = Row { ended: Some(Instant(0)), ..row(Some(State::Issued), Vec::new()) };
        let card = Card { row: &ended, month: month() }.show();
        assert_eq!(card.when, "January 1970 · The contract ended: its last day was 31 Dec 1969.");
        let left = Row { ended: Some(Instant(0)), ..row(Some(State::Draft), Vec::new()) };
        assert!(acts(&[early, ended, left]).is_empty());
    }

    #[test]
    fn sums_stand_by_state_and_currency() {
        let yen = Row { currency: Currency::parse("JPY").expect("known"), ..row(Some(State::Draft), Vec::new()) };
        let late = row(Some(State::Draft), vec![printer(4, Ready::Late, Vec::new())]);
        let facts = totals(&[late, row(Some(State::Draft), Vec::new()), yen, row(None, Vec::new())]);
        let said: Vec<(&str, &str)> = facts.iter().map(|fact| (fact.label.as_str(), fact.value.as_str())).collect();
        let expected =
            [("not drawn up", "1"), ("2 draft", "€\u{a0}20.00"), ("1 draft", "¥\u{a0}1,000"), ("printer late", "1")];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_board_is_asked_for_by_stage_and_part() {
        let query = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let asked = Asked::by(month(), query(&[("show", "ready"), ("done", "run"), ("page", "2")]));
        assert_eq!((asked.stage, asked.done.as_deref()), (Some(Stage::Ready), Some("run")));
        assert_eq!(asked.address(asked.stage, "3"), "/billing/1970-01?show=ready&page=3");
        assert_eq!(Asked::by(month(), query(&[("show", "' or 1=1")])).address(None, ""), "/billing/1970-01");
        let january = Month::parse("2026-01").expect("a month");
        assert_eq!(before(january).map(|month| month.to_string()).as_deref(), Some("2025-12"));
        assert_eq!(before(month()), None);
    }

    #[test]
    fn the_cut_off_is_told_by_its_day() {
        let (at, utc) = (Instant(36 * DAY), Zone::utc());
        let cases = [
            (5, "5 days to the cut-off, 5 Feb 1970"),
            (1, "1 day to the cut-off, 5 Feb 1970"),
            (0, "the cut-off is today, 5 Feb 1970"),
            (-3, "the cut-off was 5 Feb 1970"),
        ];
        for (days, words) in cases {
            assert_eq!(cutoff_words(days, at, &utc), words);
        }
    }
}

//! How every contract stands for the periods that begin in a month: its statement, its printers, what holds it
//! up, and the days that are left.
//!
//! Printers stand as they did when the statement was last drawn up: what is approved is that. Deliberately
//! absent: the way to a cause, which the page links.

mod estimate;

pub(crate) use estimate::estimate;

use super::run::due;
use super::stands::{self, Stands, stands};
use super::store::{self, Note};
use crate::db::Tx;
use crate::shell::{Error, ResellerScope};
use crate::statements::NO_TAX;
use crate::statements::store::{Signed, State, cause, number_setting};
use billing::{Clause, Currency, Money, Month, Period, Readiness, Ready, Reason, Terms};
use protocol::Hex;
use report::{Duration, Instant};
use std::collections::BTreeSet;

/// Days after a period's end in which its statement is to be issued, where the reseller says nothing.
const CUTOFF_DAYS: i64 = 5;
/// Settings beyond this many days are no cut-off.
const CUTOFF_MAX: i64 = 365;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A contract's period.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) contract_id: i64,
    /// Its number.
    pub(crate) contract: String,
    pub(crate) customer: String,
    pub(crate) customer_id: i64,
    pub(crate) period: Period,
    pub(crate) zone: String,
    pub(crate) currency: Currency,
    /// `None`: it was not drawn up yet, or not the whole of it.
    pub(crate) statement: Option<RowStatement>,
    /// What stands for a part of the period, in words, so that the rest is billed by its days.
    pub(crate) partly: Option<String>,
    /// The days that are left then.
    pub(crate) rest: Vec<Period>,
    /// Drafts over days of the rest.
    pub(crate) drafts: Vec<(Period, RowStatement)>,
    /// The first instant after the contract's last day, where it ended before the period.
    pub(crate) ended: Option<Instant>,
    /// Whether the period has begun; nothing is drawn up before.
    pub(crate) has_begun: bool,
    /// Notes on it that wait.
    pub(crate) notes: Vec<Note>,
    /// As of when it was drawn up.
    pub(crate) printers: Vec<RowPrinter>,
    /// When it should be issued.
    pub(crate) cutoff: Instant,
    /// Whole days until then; below zero when that is past.
    pub(crate) days_left: i64,
    /// Whether a person can approve it now.
    pub(crate) can_approve: bool,
    /// What a person should look at before, though it holds nothing up; a sentence each.
    pub(crate) questions: Vec<String>,
    /// Whether its terms say how a missing reading is estimated, and it may still be drawn up.
    pub(crate) can_estimate: bool,
}

/// The statement of a period.
#[derive(Debug, Clone)]
pub(crate) struct RowStatement {
    /// Of several payers, the customer's.
    pub(crate) statement_id: i64,
    pub(crate) state: State,
    /// Empty until it is issued.
    pub(crate) name: String,
    /// The sum of all payers.
    pub(crate) total: Money,
    pub(crate) created_at: Instant,
}

/// A printer of a contract.
#[derive(Debug, Clone)]
pub(crate) struct RowPrinter {
    pub(crate) printer_id: i64,
    pub(crate) label: String,
    pub(crate) state: Ready,
    pub(crate) reasons: Vec<Reason>,
    /// The digest of its state and reasons, by which a signature is for these and no others.
    pub(crate) cause: Hex<32>,
    /// What a person signed for it.
    pub(crate) signed: Option<Signed>,
}

impl Row {
    /// Whether it can be approved together with others, without a look at it.
    pub(crate) fn has_no_questions(&self) -> bool {
        self.can_approve && self.questions.is_empty()
    }
}

impl RowPrinter {
    /// Whether it holds the statement up.
    pub(crate) fn is_open(&self) -> bool {
        self.state.is_red() && self.signed.is_none()
    }
}

/// How a contract estimates, where it says so.
fn estimates(terms: &Terms) -> Option<&billing::clauses::estimates::Estimates> {
    terms.clauses.iter().find_map(|clause| match clause {
        Clause::Estimates(rule) => Some(rule),
        _ => None,
    })
}

/// Every contract with a period that begins in a month, by number.
pub(crate) fn board(tx: &mut Tx<'_>, scope: &ResellerScope, month: Month, now: Instant) -> Result<Vec<Row>, Error> {
    let within = store::within(month)?;
    let mut all = due(tx, scope, month, None)?;
    let made = stands::made(tx, scope, within, &all)?;
    // What ended stands on the boards of the periods that something was made of.
    all.retain(|due| stands::has_part(&made, due));
    let mut signs = store::signs(tx, scope, within)?;
    let mut notes = store::notes(tx, scope, within)?;
    let days = number_setting(tx, scope, "cutoff-days", CUTOFF_DAYS)?.clamp(0, CUTOFF_MAX);
    let mut rows = Vec::new();
    for due in all {
        // What cannot be cut is named by the run.
        let Ok(period) = due.period else { continue };
        let key = (due.contract_id, period.start);
        let signs = signs.remove(&key).unwrap_or_default();
        let cutoff = period.end.plus(Duration(days * DAY));
        let standing = stands(&made, due.contract_id, (period, due.runs(period)));
        let readiness = if let Stands::Whole(made) = &standing { made.readiness.as_slice() } else { &[] };
        let printers: Vec<RowPrinter> = readiness.iter().map(|of| row_printer(of, &signs)).collect();
        let is_draft = match &standing {
            Stands::Nothing => true,
            Stands::Whole(made) => made.state == State::Draft,
            Stands::Parts(_) => false,
        };
        let is_over = matches!(&standing, Stands::Whole(made) if made.created_at >= period.end);
        let (statement, partly) = row_statement(&standing);
        let (rest, drafts) = rest(&standing);
        let ended = due.ended(period);
        let questions = match &standing {
            // Approved as they are, by their own pages.
            Stands::Parts(parts) if !parts.drafts.is_empty() => {
                let of_drafts = parts.drafts.iter().flat_map(|made| &made.readiness);
                questions(&due.terms, &of_drafts.map(|of| row_printer(of, &[])).collect::<Vec<RowPrinter>>())
            }
            _ if is_draft => questions(&due.terms, &printers),
            _ => Vec::new(),
        };
        rows.push(Row {
            questions,
            can_approve: is_draft && is_over && ended.is_none() && !printers.iter().any(RowPrinter::is_open),
            can_estimate: is_draft && ended.is_none() && estimates(&due.terms).is_some(),
            contract_id: due.contract_id,
            contract: due.contract,
            customer: due.customer,
            customer_id: due.customer_id,
            period,
            zone: due.terms.time_zone,
            currency: due.terms.currency,
            statement,
            partly,
            rest,
            drafts,
            ended,
            has_begun: period.start <= now,
            notes: notes.remove(&key).unwrap_or_default(),
            printers,
            cutoff,
            days_left: cutoff.since(now).0.div_euclid(DAY),
        });
    }
    Ok(rows)
}

/// What a person should look at before a statement is approved: usage that no price takes, and terms without a tax.
fn questions(terms: &Terms, printers: &[RowPrinter]) -> Vec<String> {
    let is_open = |reason: &Reason| matches!(reason, Reason::Unpriced { .. });
    // A printer stands in each of several drafts.
    let unpriced = printers.iter().filter(|printer| printer.reasons.iter().any(is_open));
    let unpriced = unpriced.map(|printer| printer.printer_id).collect::<BTreeSet<i64>>().len();
    let prices = match unpriced {
        0 => None,
        1 => Some("A printer counted something that no price takes: it is not billed.".to_owned()),
        many => Some(format!("{many} printers counted something that no price takes: it is not billed.")),
    };
    let is_taxed = terms.clauses.iter().any(|clause| matches!(clause, Clause::Tax(_)));
    let tax = (!is_taxed).then(|| NO_TAX.to_owned());
    prices.into_iter().chain(tax).collect()
}

fn row_of(made: &store::Made) -> RowStatement {
    RowStatement {
        statement_id: made.statement_id,
        state: made.state,
        name: made.name.clone(),
        total: made.total,
        created_at: made.created_at,
    }
}

/// What is left of a period that is billed in part: its days, and the drafts over them.
fn rest(stands: &Stands<'_>) -> (Vec<Period>, Vec<(Period, RowStatement)>) {
    match stands {
        Stands::Parts(parts) if !parts.is_whole => {
            let drafts = parts.drafts.iter().map(|made| (made.period, row_of(made)));
            (parts.gaps.clone(), drafts.collect())
        }
        Stands::Parts(_) | Stands::Whole(_) | Stands::Nothing => Default::default(),
    }
}

/// The statement of a period, or what stands for a part of it in words. Statements that cover it together stand
/// for one, which is as far as the one that is least far.
fn row_statement(stands: &Stands<'_>) -> (Option<RowStatement>, Option<String>) {
    match stands {
        Stands::Nothing => (None, None),
        Stands::Whole(made) => (Some(row_of(made)), None),
        Stands::Parts(parts) if parts.is_whole => {
            (Some(RowStatement { name: parts.names(), total: parts.total, ..row_of(parts.next) }), None)
        }
        Stands::Parts(parts) => (None, Some(parts.words())),
    }
}

fn row_printer(readiness: &Readiness, signs: &[Signed]) -> RowPrinter {
    // Ids of printers are ours; 0 is none.
    let printer_id = readiness.printer.parse().unwrap_or(0);
    let cause = cause(readiness);
    RowPrinter {
        printer_id,
        label: readiness.label.clone(),
        state: readiness.state,
        reasons: readiness.reasons.clone(),
        signed: signs.iter().find(|sign| sign.is_for(printer_id, cause)).cloned(),
        cause,
    }
}

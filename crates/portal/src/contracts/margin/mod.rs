//! `/contracts/{id}/margin`: what a contract's printers brought in, and what they cost the reseller.
//!
//! Revenue are the shares of issued statements and notes, net; costs are what people say printers cost. Nothing
//! here is ever billed, and a customer never sees it. Deliberately absent: overhead that belongs to no printer.

pub(crate) mod page;
mod store;
mod view;

use super::start_of_day;
use crate::Portal;
use crate::db::Tx;
use crate::shell::address::{Fields, id};
use crate::shell::page::FormError;
use crate::shell::{Answer, Error, FormData, Posted, ResellerUser, render};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use billing::{Cost, CostPer, Money, MoneyError, Period, PrinterMargin, RatingError, Statement, UnitPrice, Used};
use billing::{margin, margin_beside};
use page::MarginPage;
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};
use store::{Contract, Entered, NewCost, Stay};

/// Characters of what a cost is called.
const KIND_MAX: usize = 60;
/// The choice of all printers.
const ALL: &str = "all";

/// The page of a contract's margin.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/contracts/{id}/margin", get(show).post(enter))
}

async fn show(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<MarginPage, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let at = At { portal: &within, user: &user, contract_id, contract: &contract };
        let form = view::blank(within.surroundings().now(), &contract.terms.time_zone);
        at.page(tx, &query, (&form, Vec::new()))
    };
    render(&portal.db().read(read).await?)
}

async fn enter(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<Answer<MarginPage>, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let at = At { portal: &within, user: &user, contract_id, contract: &contract };
        let wrong = at.keep(tx, &form)?;
        if wrong.is_empty() {
            return Ok(Answer::Done(format!("/contracts/{contract_id}/margin?done=cost")));
        }
        Ok(Answer::Again(Box::new(at.page(tx, &Fields::new(), (&form, wrong))?)))
    };
    portal.db().write(write).await?.respond()
}

/// The contract that somebody looks at.
struct At<'a> {
    portal: &'a Portal,
    user: &'a ResellerUser,
    contract_id: i64,
    contract: &'a Contract,
}

/// A cost as a form says it.
struct Said {
    /// One printer; `None`: all of the contract.
    printer: Option<i64>,
    kind: String,
    per: CostPer,
    price: UnitPrice,
    from: Instant,
    to: Option<Instant>,
}

impl At<'_> {
    /// Keeps what a form says; gives what is wrong with it.
    fn keep(&self, tx: &mut Tx<'_>, form: &FormData) -> Result<Vec<FormError>, Error> {
        let stays = store::stays(tx, &self.user.scope, self.contract_id)?;
        let printers: BTreeSet<i64> = stays.iter().map(|stay| stay.printer_id).collect();
        let said = match read(form, &printers, &self.contract.terms.time_zone) {
            Ok(said) => said,
            Err(wrong) => return Ok(wrong),
        };
        let meant = printers.into_iter().filter(|printer| said.printer.is_none_or(|wanted| wanted == *printer));
        let new = |printer_id: i64| NewCost {
            cost_id: crate::new_id(self.portal.surroundings()),
            printer_id,
            kind: &said.kind,
            per: said.per,
            price: said.price,
            from: said.from,
            to: said.to,
        };
        let costs: Vec<NewCost<'_>> = meant.map(new).collect();
        let by = (self.user.signed.person_id, self.portal.surroundings().now());
        store::keep(tx, &self.user.scope, &costs, by)?;
        Ok(Vec::new())
    }

    fn page(
        &self,
        tx: &mut Tx<'_>,
        query: &Fields,
        (form, wrong): (&FormData, Vec<FormError>),
    ) -> Result<MarginPage, Error> {
        let scope = &self.user.scope;
        let periods = store::periods(tx, scope, self.contract_id, view::PERIODS_MAX)?;
        let asked = query.get("period").and_then(|start| start.parse().ok()).map(Instant);
        let chosen: Vec<Period> = match periods.iter().find(|period| Some(period.start) == asked) {
            Some(period) => vec![*period],
            None => periods.clone(),
        };
        let stays = store::stays(tx, scope, self.contract_id)?;
        let entered = store::costs(tx, scope, self.contract_id)?;
        let mut known = Known::default();
        if let (Some(last), Some(first)) = (chosen.first(), chosen.last()) {
            let span = (first.start, last.start);
            known.documents = store::documents(tx, scope, self.contract_id, span)?;
            known.used = store::used(tx, scope, self.contract_id, span)?;
        }
        let margins = margins(&known, &costs(&entered, &stays)).map_err(|error| {
            let words = format!("The margin cannot be worked out: {error}.");
            Error::Conflict(words)
        })?;
        let shown = view::Shown { contract: self.contract, contract_id: self.contract_id, stays: &stays };
        let done = query.get("done").map(String::as_str);
        let frame = view::frame(tx, self.portal, self.user, self.contract, done)?;
        shown.page(frame, (&periods, asked), &margins, &entered, (form, wrong))
    }
}

/// What a form says, or everything that is wrong with it.
fn read(form: &FormData, printers: &BTreeSet<i64>, zone: &str) -> Result<Said, Vec<FormError>> {
    let mut wrong = Vec::new();
    let mut say = |field: &str, text: &str| wrong.push(FormError::at(field, text));
    let printer = match form.text("printer") {
        ALL => None,
        _ => form.int("printer").filter(|printer| printers.contains(printer)),
    };
    if printer.is_none() && (form.text("printer") != ALL || printers.is_empty()) {
        say("printer", "Printer: choose one of the contract.");
    }
    let kind = form.text("kind");
    if kind.is_empty() || kind.chars().nth(KIND_MAX).is_some() {
        say("kind", "Cost: call it something short, such as ink or lease.");
    }
    let per = CostPer::parse(form.text("per"));
    if per.is_none() {
        say("per", "For: choose one of the list.");
    }
    let price = UnitPrice::parse(form.text("amount")).ok().filter(|price| price.millionths >= 0);
    if price.is_none() {
        say("amount", "Amount: say a plain number, such as 45.00 or 0.081; 0 ends a cost.");
    }
    let from = start_of_day(form.text("from"), zone);
    if from.is_none() {
        say("from", "From: say the first day, such as 2026-10-01.");
    }
    let to = start_of_day(form.text("to"), zone);
    if !form.text("to").is_empty() && to.is_none_or(|to| from.is_some_and(|from| to <= from)) {
        say("to", "Until: say a day after the first one, or leave it empty.");
    }
    match (per, price, from) {
        (Some(per), Some(price), Some(from)) if wrong.is_empty() => {
            Ok(Said { printer, kind: kind.to_owned(), per, price, from, to })
        }
        _ => Err(wrong),
    }
}

/// The costs as they hold: a later entry of one printer, kind and unit ends the one before, and of two from the
/// same day the one entered last counts. A cost by the month counts while the printer is in the contract.
fn costs(entered: &[Entered], stays: &[Stay]) -> Vec<Cost> {
    let mut costs = Vec::new();
    for (place, one) in entered.iter().enumerate() {
        let is_same =
            |other: &&Entered| (other.printer_id, &other.kind, other.per) == (one.printer_id, &one.kind, one.per);
        let next = entered.get(place + 1).filter(is_same).map(|next| next.from);
        let to = one.to.into_iter().chain(next).min();
        let cost = |from: Instant, to: Option<Instant>| Cost {
            printer: one.printer_id.to_string(),
            kind: one.kind.clone(),
            per: one.per,
            price: one.price,
            from,
            to,
        };
        if one.per != CostPer::Month {
            costs.push(cost(one.from, to));
            continue;
        }
        for stay in stays.iter().filter(|stay| stay.printer_id == one.printer_id) {
            costs.push(cost(one.from.max(stay.from), to.into_iter().chain(stay.to).min()));
        }
    }
    costs.retain(|cost| cost.price.millionths != 0 && cost.to.is_none_or(|to| cost.from < to));
    costs
}

/// Documents and usage by the start of their period.
#[derive(Default)]
struct Known {
    documents: BTreeMap<Instant, Vec<(i64, Statement)>>,
    used: BTreeMap<Instant, Used>,
}

/// The margins of a period.
struct OfPeriod {
    label: String,
    /// Of its statement with costs, then of each note without.
    margins: Vec<PrinterMargin>,
}

/// The margins of each period, the earliest first.
fn margins(known: &Known, costs: &[Cost]) -> Result<Vec<OfPeriod>, RatingError> {
    let none = Used::new();
    let mut all = Vec::new();
    for (start, documents) in &known.documents {
        let (statements, notes): (Vec<_>, Vec<_>) = documents.iter().partition(|(revision, _)| *revision == 0);
        let mut of_period = OfPeriod { label: String::new(), margins: Vec::new() };
        if let Some(((_, first), others)) = statements.split_first() {
            // What several payers pay is one period's usage: its costs count once.
            let mut whole = first.clone();
            whole.lines.extend(others.iter().flat_map(|(_, other)| other.lines.iter().cloned()));
            of_period.label = whole.period_label.clone();
            of_period.margins = margin_beside(&whole, costs, known.used.get(start).unwrap_or(&none))?;
        }
        for (_, note) in notes {
            of_period.margins.extend(margin(note, &[])?);
        }
        all.push(of_period);
    }
    Ok(all)
}

/// What something brought in and cost over several periods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    revenue: Money,
    cost: Money,
    /// How many costs could not be worked out.
    unknown: u64,
}

impl Sum {
    fn add(&mut self, one: &PrinterMargin) -> Result<(), MoneyError> {
        self.revenue = self.revenue.plus(one.revenue)?;
        self.cost = self.cost.plus(one.cost()?)?;
        let unknown = one.costs.iter().filter(|cost| cost.amount.is_none()).count();
        self.unknown = self.unknown.saturating_add(u64::try_from(unknown).unwrap_or(u64::MAX));
        Ok(())
    }

    fn margin(&self) -> Result<Money, MoneyError> {
        self.revenue.minus(self.cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(printer_id: i64, per: CostPer, price: &str, from: i64, to: Option<i64>) -> Entered {
        Entered {
            printer_id,
            kind: "Service".to_owned(),
            per,
            price: UnitPrice::parse(price).expect("a price"),
            from: Instant(from),
            to: to.map(Instant),
            at: Instant(0),
            by: String::new(),
        }
    }

    fn stay(printer_id: i64, from: i64, to: Option<i64>) -> Stay {
        Stay { printer_id, label: String::new(), from: Instant(from), to: to.map(Instant) }
    }

    /// Printer, price, from, to.
    fn shown(entered: &[Entered], stays: &[Stay]) -> Vec<(String, String, i64, Option<i64>)> {
        let row = |cost: Cost| (cost.printer, String::from(cost.price), cost.from.0, cost.to.map(|to| to.0));
        costs(entered, stays).into_iter().map(row).collect()
    }

    #[test]
    fn a_later_cost_ends_the_one_before() {
        let ink = CostPer::Used(billing::MeterKind::Ink);
        let entries = [
            entered(1, ink, "0.1", 10, None),
            entered(1, ink, "0.2", 20, Some(90)),
            entered(1, ink, "0.3", 20, None),
            entered(1, ink, "0", 40, None),
            entered(2, ink, "0.5", 10, Some(15)),
        ];
        let row = |printer: &str, price: &str, from, to| (printer.to_owned(), price.to_owned(), from, Some(to));
        let expected = [row("1", "0.1", 10, 20), row("1", "0.3", 20, 40), row("2", "0.5", 10, 15)];
        assert_eq!(shown(&entries, &[]), expected);
    }

    #[test]
    fn a_cost_by_the_month_counts_while_the_printer_is_there() {
        let entries = [entered(1, CostPer::Month, "45", 10, None), entered(2, CostPer::Month, "45", 10, Some(30))];
        let stays = [stay(1, 0, Some(20)), stay(1, 50, None), stay(2, 15, Some(99)), stay(2, 200, None)];
        let row = |printer: &str, from, to| (printer.to_owned(), "45".to_owned(), from, to);
        assert_eq!(shown(&entries, &stays), [row("1", 10, Some(20)), row("1", 50, None), row("2", 15, Some(30))]);
    }

    #[test]
    fn each_wrong_value_is_named_at_its_field() {
        let base = [("printer", "all"), ("kind", "Ink"), ("per", "ink"), ("amount", "0.2"), ("from", "2026-10-01")];
        let fields = |pairs: &[(&str, &str)], printers: &[i64]| -> Vec<String> {
            let pairs = base.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let read = read(&FormData(pairs.collect()), &printers.iter().copied().collect(), "Europe/Berlin");
            read.err().unwrap_or_default().into_iter().map(|error| error.field).collect()
        };
        assert!(fields(&[], &[7]).is_empty());
        assert!(fields(&[("printer", "7"), ("to", "2026-10-02")], &[7]).is_empty());
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[("printer", "8")], "f-printer"),
            (&[("printer", "")], "f-printer"),
            (&[("kind", "")], "f-kind"),
            (&[("per", "week")], "f-per"),
            (&[("amount", "-1")], "f-amount"),
            (&[("from", "")], "f-from"),
            (&[("to", "2026-10-01")], "f-to"),
        ];
        for (pairs, field) in cases {
            assert_eq!(fields(pairs, &[7]), [field], "{pairs:?}");
        }
        assert_eq!(fields(&[], &[]), ["f-printer"]);
    }
}

//! Fills the page of a contract's margin.
//!
//! Deliberately absent: what a printer's share of a line is, which stands in the statement.

use super::page::{CostRow, MarginPage, MarginRow, PeriodRow};
use super::store::{Contract, Entered, Stay};
use super::{ALL, OfPeriod, Sum};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chip, Chrome, Field, FormError, Link, Status, Tone};
use crate::shell::{Error, FormData, ResellerUser, chrome};
use billing::{CostPer, Currency, Money, MoneyError, Period};
use report::Instant;
use std::collections::BTreeMap;

/// Periods of which the margin is shown.
pub(super) const PERIODS_MAX: i64 = 12;

/// What stands in the form at first.
pub(super) fn blank(now: Instant, zone: &str) -> FormData {
    let zone = Zone::new(zone).unwrap_or_else(Zone::utc);
    let mut first: String = format::iso_day(now, &zone).chars().take("2026-10-".len()).collect();
    first.push_str("01");
    let pairs = [("printer", ALL), ("per", CostPer::Month.word()), ("from", first.as_str())];
    FormData(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The frame of the page.
pub(super) fn frame(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    contract: &Contract,
    done: Option<&str>,
) -> Result<Chrome, DbError> {
    let title = format!("Margin, {}", contract.number);
    chrome(tx, portal, &user.signed, Some(&user.scope), ("/contracts", &title), done)
}

/// The contract that is shown.
pub(super) struct Shown<'a> {
    pub(super) contract: &'a Contract,
    pub(super) contract_id: i64,
    pub(super) stays: &'a [Stay],
}

impl Shown<'_> {
    pub(super) fn page(
        &self,
        chrome: Chrome,
        (periods, asked): (&[Period], Option<Instant>),
        margins: &[OfPeriod],
        entered: &[Entered],
        (form, wrong): (&FormData, Vec<FormError>),
    ) -> Result<MarginPage, Error> {
        let does_not_fit = |error: MoneyError| Error::Conflict(format!("The margin cannot be shown: {error}."));
        let mut printers: BTreeMap<&str, Sum> = BTreeMap::new();
        let (mut all, mut rows) = (Sum::default(), Vec::new());
        for of_period in margins {
            let mut sum = Sum::default();
            for one in &of_period.margins {
                for sum in [&mut sum, &mut all, printers.entry(one.printer.as_str()).or_default()] {
                    sum.add(one).map_err(does_not_fit)?;
                }
            }
            rows.push(PeriodRow { period: of_period.label.clone(), sums: self.row(String::new(), "", &sum)? });
        }
        rows.reverse();
        let contract = printers.remove("").unwrap_or_default();
        let href = format!("/contracts/{}/margin", self.contract_id);
        let mut by_printer = Vec::with_capacity(printers.len());
        for (printer, sum) in &printers {
            by_printer.push(self.row(self.label(printer), &format!("/printers/{printer}"), sum)?);
        }
        Ok(MarginPage {
            chrome,
            contract: Link::new(self.contract.number.clone(), format!("/contracts/{}", self.contract_id)),
            sub: format!("{} · net, in {}, of what was issued", self.contract.customer, self.currency()),
            chips: self.chips(&href, periods, asked),
            printers: by_printer,
            whole: self.row("The contract as a whole".to_owned(), "", &contract)?,
            total: self.row("All".to_owned(), "", &all)?,
            periods: rows,
            costs: entered.iter().map(|entered| self.cost(entered)).collect(),
            fields: self.fields(form, &wrong),
            errors: wrong,
            href,
        })
    }

    fn currency(&self) -> Currency {
        self.contract.terms.currency
    }

    fn zone(&self) -> Zone {
        Zone::new(&self.contract.terms.time_zone).unwrap_or_else(Zone::utc)
    }

    fn label(&self, printer: &str) -> String {
        let known = self.stays.iter().find(|stay| stay.printer_id.to_string() == printer);
        known.map_or_else(|| format!("printer {printer}"), |stay| stay.label.clone())
    }

    fn chips(&self, href: &str, periods: &[Period], asked: Option<Instant>) -> Vec<Chip> {
        let zone = self.zone();
        let is_one = periods.iter().any(|period| Some(period.start) == asked);
        let all = Chip::new(format!("Last {}", periods.len()), href, !is_one);
        let one = |period: &Period| {
            let label = period.label(zone.name()).unwrap_or_else(|_| format::day(period.start, &zone));
            Chip::new(label, format!("{href}?period={}", period.start.0), Some(period.start) == asked)
        };
        std::iter::once(all).chain(periods.iter().map(one)).collect()
    }

    fn money(&self, amount: Money) -> String {
        let currency = self.currency();
        format::amount(amount.0, u32::from(currency.minor_digits()))
    }

    fn row(&self, label: String, href: &str, sum: &Sum) -> Result<MarginRow, Error> {
        let margin = sum.margin().map_err(|error| Error::Conflict(format!("The margin cannot be shown: {error}.")))?;
        let tone = if margin.0 < 0 { Tone::Bad } else { Tone::Good };
        let word = if margin.0 < 0 { "costs more" } else { "brings in more" };
        let status = match (sum.unknown, sum.cost.0) {
            (0, 0) => Status::new(Tone::Info, "no costs known"),
            (0, _) => Status::new(tone, word),
            (1, _) => Status::new(Tone::Warn, "1 cost not known"),
            (unknown, _) => Status::new(Tone::Warn, format!("{unknown} costs not known")),
        };
        Ok(MarginRow {
            label: Link::new(label, href),
            revenue: self.money(sum.revenue),
            cost: self.money(sum.cost),
            margin: self.money(margin),
            share: share(margin, sum.revenue),
            status,
        })
    }

    fn cost(&self, entered: &Entered) -> CostRow {
        let zone = self.zone();
        let from = format::day(entered.from, &zone);
        let to = entered.to.map_or_else(String::new, |to| format!(" until {}", format::day(to, &zone)));
        CostRow {
            printer: Link::new(
                self.label(&entered.printer_id.to_string()),
                format!("/printers/{}", entered.printer_id),
            ),
            kind: entered.kind.clone(),
            price: format!("{} {}", entered.price.show(self.currency()), entered.per.words()),
            when: format!("from {from}{to}"),
            by: format::by(&entered.by, entered.at, &zone),
        }
    }

    fn fields(&self, form: &FormData, wrong: &[FormError]) -> Vec<Field> {
        let filled = |field: Field, name: &str| field.value(form.text(name)).wrong(FormError::of(wrong, name));
        let mut printers: BTreeMap<i64, String> = BTreeMap::new();
        for stay in self.stays {
            printers.insert(stay.printer_id, stay.label.clone());
        }
        let printers = printers.into_iter().map(|(id, label)| (id.to_string(), label));
        let printers = std::iter::once((ALL.to_owned(), "all printers of the contract".to_owned())).chain(printers);
        let pers = CostPer::all().map(|per| (per.word(), per.words()));
        let hint = "A later entry of the same cost ends it; 0 ends it for good.";
        vec![
            filled(Field::select("printer", "Printer", printers, form.text("printer")), "printer"),
            filled(Field::text("kind", "Cost").required().hint("Such as ink, paper, lease, service."), "kind"),
            filled(Field::number("amount", format!("Amount, {}", self.currency())).required().hint(hint), "amount"),
            filled(Field::select("per", "For", pers, form.text("per")), "per"),
            filled(Field::new("date", "from", "From").required(), "from"),
            filled(Field::new("date", "to", "Until").hint("Empty: it goes on."), "to"),
        ]
    }
}

/// The margin as a share of the revenue, in whole parts of a hundred; empty where there is no revenue.
fn share(margin: Money, revenue: Money) -> String {
    if revenue.0 <= 0 {
        return String::new();
    }
    let parts = i128::from(margin.0) * 1_000_000 / i128::from(revenue.0);
    i64::try_from(parts).map_or_else(|_| String::new(), |parts| format::share(report::Share(parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_a_share_of_the_revenue() {
        assert_eq!(share(Money(250), Money(1_000)), "25.0\u{a0}%");
        assert_eq!(share(Money(-1_500), Money(1_000)), "−\u{a0}150.0\u{a0}%");
        assert_eq!(share(Money(-5), Money(0)), "");
    }

    #[test]
    fn the_form_begins_with_this_month() {
        let form = blank(Instant::parse("2026-11-22T12:00:00Z").expect("a timestamp"), "Europe/Berlin");
        assert_eq!((form.text("from"), form.text("per"), form.text("printer")), ("2026-11-01", "month", "all"));
    }
}

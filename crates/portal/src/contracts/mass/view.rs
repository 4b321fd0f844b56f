//! Fills the page of a mass price change.
//!
//! Deliberately absent: working out statements, which `replay` gathers for and the billing crate does.

use super::page::{Offer, Preview, PriceChangeRow, PricesPage, Tick};
use super::reprice::{Changed, PLACES_MAX};
use super::{Asked, BEGIN, CHOSEN_MAX, Chosen, TICK, choose, seen, store, ticked};
use crate::Portal;
use crate::contracts::{replay, words};
use crate::db::Tx;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Fact, Field, FormError, Link};
use crate::shell::{Error, FormData, ResellerScope, ResellerUser, chrome};
use billing::form::{Field as FormField, Kind};
use billing::{Clause, ClauseKind, Currency, Day, Money, Terms};
use report::{Instant, Share};
use std::collections::BTreeMap;

/// Contracts whose last period is worked out for one page.
const REPLAYED_MAX: usize = 100;
/// The hint beside the patterns.
const PATTERN_HINT: &str = "One a line, such as area-printed/mono-line or area-printed@Bond 80 g. Empty: all prices of \
    usage.";

/// What stands in the form at first: the first day of next month.
pub(super) fn blank(now: Instant) -> FormData {
    let next = Day::of(now, "UTC").and_then(|day| day.plus_months(1));
    let first = next.and_then(|day| Day::new(day.year(), day.month(), 1));
    let first = first.map(|day| day.to_string()).unwrap_or_default();
    let pairs = [("customer", "0"), ("by", "percent"), ("places", "4"), ("fees", "no"), ("starts", first.as_str())];
    FormData(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The page, with what a change comes to where one is asked for.
pub(super) fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    (form, errors): (&FormData, Vec<FormError>),
    (asked, done): (Option<&Asked>, Option<&str>),
) -> Result<PricesPage, Error> {
    let scope = &user.scope;
    let preview = match asked {
        Some(asked) => Some(preview(tx, scope, form, asked, portal.surroundings().now())?),
        None => None,
    };
    let customers = store::customers(tx, scope)?;
    let typed = Typed { form, errors: &errors };
    let (which, how, when) = (typed.which(&customers), typed.how(), typed.when());
    let here = ("/contracts", "Change prices");
    let chrome = chrome(tx, portal, &user.signed, Some(scope), here, done)?;
    Ok(PricesPage { chrome, errors, which, how, when, preview })
}

/// What was typed, and what is wrong with it.
struct Typed<'a> {
    form: &'a FormData,
    errors: &'a [FormError],
}

impl Typed<'_> {
    fn filled(&self, field: Field, name: &str) -> Field {
        field.value(self.form.text(name)).wrong(FormError::of(self.errors, name))
    }

    fn choice(&self, name: &str, label: &str, choices: Vec<(String, String)>) -> Field {
        self.filled(Field::select(name, label, choices, self.form.text(name)), name)
    }

    fn which(&self, customers: &[(i64, String)]) -> Vec<Field> {
        let all = ("0".to_owned(), "all customers".to_owned());
        let customers = customers.iter().map(|(id, name)| (id.to_string(), name.clone()));
        let any = (String::new(), "all kinds of clauses".to_owned());
        let kinds = Clause::kinds().filter(has_prices).map(|kind| (kind.word.to_owned(), words::heading(kind.about)));
        vec![
            self.choice("customer", "Customer", std::iter::once(all).chain(customers).collect()),
            self.filled(Field::text("number", "Number holds").hint("Empty: all contracts."), "number"),
            self.choice("clause", "Clauses", std::iter::once(any).chain(kinds).collect()),
        ]
    }

    fn how(&self) -> Vec<Field> {
        let named = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
        };
        let places = (2..=PLACES_MAX).map(|places| (places.to_string(), places.to_string())).collect();
        vec![
            self.filled(Field::lines("pattern", "Prices of").hint(PATTERN_HINT), "pattern"),
            self.choice("by", "Change", named(&[("percent", "by percent"), ("price", "to a new price")])),
            self.filled(Field::number("value", "By how much").required().hint("3.5, -2, or the new price"), "value"),
            self.choice("places", "Decimals of a changed price", places),
            self.choice("fees", "Base fees too, by percent", named(&[("no", "no"), ("yes", "yes")])),
        ]
    }

    fn when(&self) -> Vec<Field> {
        let first = Field::new("date", "starts", "First day").required();
        vec![
            self.filled(first.hint("A contract changes with one of its periods."), "starts"),
            self.filled(Field::text("note", "Note").hint("Stands beside the new versions."), "note"),
        ]
    }
}

/// Whether clauses of a kind can hold prices of usage.
fn has_prices(kind: &ClauseKind) -> bool {
    let any = |wanted: fn(&Kind) -> bool| {
        let within = |field: &FormField| match field.kind {
            Kind::Rows(columns) => columns.iter().any(|column| wanted(&column.kind)),
            kind => wanted(&kind),
        };
        kind.form.iter().any(within)
    };
    any(|kind| *kind == Kind::Price) && any(|kind| matches!(kind, Kind::Pattern | Kind::Patterns))
}

/// A rate with its sign: `+3 %`, `-2.5 %`.
pub(super) fn percent(rate: Share) -> String {
    let sign = if rate.0 > 0 { "+" } else { "" };
    // Parts per million are hundredths of a price's millionths.
    let number = billing::UnitPrice { millionths: rate.0.saturating_mul(100) };
    format!("{sign}{} %", String::from(number))
}

fn preview(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    form: &FormData,
    asked: &Asked,
    now: Instant,
) -> Result<Preview, Error> {
    let chosen = choose(store::contracts(tx, scope, asked.customer_id, now)?, asked);
    let ticks = ticked(form);
    // At first everything is ticked; then what somebody ticked.
    let is_first = form.text("act") != "take" && ticks.is_empty();
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    let mut rows = Vec::new();
    for (place, one) in chosen.iter().enumerate().take(CHOSEN_MAX) {
        let compared = match &one.proposed {
            Ok((terms, _)) if place < REPLAYED_MAX => compare(tx, scope, one, terms, now)?,
            Ok(_) => Err("not worked out: choose fewer contracts".to_owned()),
            Err(_) => Err(String::new()),
        };
        if let Ok(compared) = &compared {
            let difference = i128::from(compared.after.0) - i128::from(compared.before.0);
            *sums.entry(one.contract.terms.currency).or_default() += difference;
        }
        let on = is_first || ticks.contains_key(&one.contract.contract_id);
        rows.push(row(one, compared, on));
    }
    let count = rows.iter().filter(|row| row.tick.is_some()).count();
    let more = chosen.len().saturating_sub(rows.len());
    let more = if more > 0 { format!(" {more} more are not shown: change them in parts.") } else { String::new() };
    let contracts = if count == 1 { "1 contract changes".to_owned() } else { format!("{count} contracts change") };
    Ok(Preview {
        words: format!("{contracts} on {}, each in its own time zone.{more}", asked.starts),
        totals: sums.into_iter().map(|(currency, sum)| total(currency, sum)).collect(),
        can_take: count > 0,
        seen: seen(form),
        rows,
    })
}

/// What the last period came to, and what it would have come to; net.
struct Compared {
    period: String,
    before: Money,
    after: Money,
}

/// The last period under both terms; else why it was not worked out, in words.
fn compare(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    one: &Chosen,
    proposed: &Terms,
    now: Instant,
) -> Result<Result<Compared, String>, Error> {
    let inputs = match replay::inputs(tx, scope, one.contract.contract_id, now) {
        Ok(inputs) => inputs,
        Err(Error::Conflict(words)) => return Ok(Err(words)),
        Err(error) => return Err(error),
    };
    let replayed = match billing::replay(&inputs, proposed) {
        Ok(replayed) => replayed,
        Err(error) => return Ok(Err(format!("not worked out: {error}"))),
    };
    let Some(last) = replayed.last() else { return Ok(Err("no period has ended yet".to_owned())) };
    Ok(match &last.after {
        Ok(after) => {
            Ok(Compared { period: last.before.period_label.clone(), before: last.before.net, after: after.net })
        }
        Err(problems) => {
            let words: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
            Err(format!("not worked out: {}", words.join("; ")))
        }
    })
}

fn money(amount: i64, currency: Currency) -> String {
    format::money(amount, u32::from(currency.minor_digits()), currency.code())
}

fn row(one: &Chosen, compared: Result<Compared, String>, on: bool) -> PriceChangeRow {
    let Chosen { contract, changes, proposed } = one;
    let currency = contract.terms.currency;
    let words = |changed: &Changed| {
        let unit = if changed.unit.is_empty() { String::new() } else { format!(" per {}", changed.unit) };
        format!("{}: {} → {} {currency}{unit}", changed.what, changed.was, changed.now)
    };
    let (period, [before, after, difference]) = match compared {
        Ok(Compared { period, before, after }) => {
            let difference = after.0.saturating_sub(before.0);
            (period, [before.0, after.0, difference].map(|amount| money(amount, currency)))
        }
        Err(why) => (why, Default::default()),
    };
    PriceChangeRow {
        contract: Link::new(contract.number.clone(), format!("/contracts/{}", contract.contract_id)),
        customer: contract.customer.clone(),
        changes: changes.iter().map(words).collect(),
        period,
        before,
        after,
        difference,
        refused: proposed.as_ref().err().map(|refused| refused.words.clone()),
        offer: proposed.as_ref().err().and_then(|refused| refused.first).map(|first| offer(&contract.terms, first)),
        tick: proposed.is_ok().then(|| Tick {
            name: format!("{TICK}{}", contract.contract_id),
            version: contract.last,
            on,
        }),
    }
}

/// Another first day, in the zone of terms.
fn offer(terms: &Terms, first: Instant) -> Offer {
    let zone = Zone::new(&terms.time_zone).unwrap_or_else(Zone::utc);
    Offer { name: BEGIN, day: format::iso_day(first, &zone), words: format!("Begin on {}", format::day(first, &zone)) }
}

fn total(currency: Currency, sum: i128) -> Fact {
    let amount = i64::try_from(sum.unsigned_abs()).map_or_else(|_| sum.to_string(), |sum| money(sum, currency));
    let words = match sum {
        0 => "no difference".to_owned(),
        1.. => format!("{amount} more"),
        _ => format!("{amount} less"),
    };
    Fact::new(format!("{currency}, last period, net"), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_shown_with_its_sign() {
        let shown = [30_000, -25_000, 1].map(|rate| percent(Share(rate)));
        assert_eq!(shown, ["+3 %", "-2.5 %", "+0.0001 %"]);
    }

    #[test]
    fn the_form_begins_with_next_month() {
        let form = blank(Instant::parse("2026-12-31T12:00:00Z").expect("a timestamp"));
        assert_eq!(form.text("starts"), "2027-01-01");
        assert!(super::super::read(&FormData([("value".to_owned(), "3".to_owned())].into())).is_err());
    }

    #[test]
    fn only_kinds_with_prices_of_usage_are_offered() {
        let words: Vec<&str> = Clause::kinds().filter(has_prices).map(|kind| kind.word).collect();
        assert!(words.contains(&"price-list") && words.contains(&"tiers"), "{words:?}");
        assert!(!words.contains(&"escalation") && !words.contains(&"tax"), "{words:?}");
    }
}

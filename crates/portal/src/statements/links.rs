//! The address under which the jobs list shows exactly the jobs behind a line. Pure.
//!
//! A price takes what earlier prices left, so that the address also says what to leave out. It is
//! checked against all that the statement counts: a link that would show anything else is not given, be it
//! printers of another pool, or quantities in a category or unit that the jobs themselves do not say.
//! Deliberately absent: the list itself; what it sums under the address is what stands beside the link.

use super::page::JobsLink;
use crate::shell::address::address;
use billing::{Line, LineEvidence, LineSource, Mark, Meter, Pattern, Statement};
use report::Category;
use std::collections::BTreeSet;

/// Patterns that the jobs list leaves out at most.
const EXCEPT_MAX: usize = 64;
/// What stands between two patterns in an address.
const BETWEEN: char = '|';

/// The link to the jobs behind a line; `None` where jobs are not its evidence. `others` are the documents of other
/// payers of the same period: what their lines took is not this line's.
pub(super) fn jobs((statement, others): (&Statement, &[Statement]), line: &Line, contract_id: i64) -> Option<JobsLink> {
    let pattern = line.pattern.as_ref()?;
    // The list shows jobs as their printers said them.
    if line.marks.contains(&Mark::Declared) || line.marks.contains(&Mark::Recategorised) {
        return None;
    }
    let own: BTreeSet<Key<'_>> = keys(line).collect();
    let mut except = except(statement, line, pattern);
    for taken in elsewhere(others, pattern, &own) {
        if !except.contains(&taken) {
            except.push(taken);
        }
    }
    let is_sayable = except.len() <= EXCEPT_MAX && except.iter().all(|pattern| is_sayable(pattern));
    if own.is_empty() || !is_sayable {
        return None;
    }
    let is_shown =
        |key: &Key<'_>| pattern.matches(key.1, key.2) && !except.iter().any(|except| except.matches(key.1, key.2));
    // The first thing of another line that the list would show is enough.
    let mut all = [statement].into_iter().chain(others).flat_map(|of| &of.lines).flat_map(keys);
    if !own.iter().all(is_shown) || all.any(|key| is_shown(&key) && !own.contains(&key)) {
        return None;
    }
    let (quantity, count) = sum(line);
    // A job of two categories stands in each of them: only within one meter entries are jobs.
    let meters: BTreeSet<&Meter> = own.iter().map(|key| key.1).collect();
    let text = match (meters.len(), count) {
        (1, 1) => "1 job behind this".to_owned(),
        (1, count) => format!("{count} jobs behind this"),
        _ => "The jobs behind this".to_owned(),
    };
    Some(JobsLink { text, href: jobs_address(statement, pattern, &except, contract_id), quantity })
}

/// One thing that is counted: a printer's meter on a media type.
type Key<'a> = (&'a str, &'a Meter, Option<&'a str>);

/// What a line takes from jobs.
fn keys(line: &Line) -> impl Iterator<Item = Key<'_>> {
    let from_jobs = line.sources.iter().filter(|source| of_jobs(source).is_some());
    from_jobs.map(|source| (source.printer.as_str(), &source.meter, source.media.as_deref()))
}

/// Quantity in base units and number of entries, where a source is jobs.
fn of_jobs(source: &LineSource) -> Option<(i64, u64)> {
    match source.evidence {
        LineEvidence::Jobs { count, quantity } => Some((quantity, count)),
        LineEvidence::Counter { .. } | LineEvidence::Sum { .. } | LineEvidence::Estimate { .. } => None,
    }
}

fn sum(line: &Line) -> (i64, u64) {
    line.sources.iter().filter_map(of_jobs).fold((0, 0), |sum, (quantity, count)| {
        (i64::saturating_add(sum.0, quantity), u64::saturating_add(sum.1, count))
    })
}

/// What the line's pattern matches and other lines took: prices that stand before it, and usage without
/// a price that is named more narrowly.
fn except<'a>(statement: &'a Statement, line: &Line, pattern: &Pattern) -> Vec<&'a Pattern> {
    let place = statement.lines.iter().position(|other| other.id == line.id).unwrap_or(0);
    let others = statement.lines.iter().enumerate().filter(|(index, _)| *index != place);
    let taken = others.filter_map(|(index, other)| {
        let theirs = other.pattern.as_ref()?;
        let is_priced = other.amount.is_some();
        let before = is_priced && index < place && meet(theirs, pattern);
        let narrower = !is_priced && line.amount.is_none() && pattern.covers(theirs);
        (before || narrower).then_some(theirs)
    });
    taken.collect()
}

/// What lines of other payers' documents took of what the pattern matches. Which price came first is not told there,
/// so that nothing is left out that is this line's own.
fn elsewhere<'a>(others: &'a [Statement], pattern: &Pattern, own: &BTreeSet<Key<'_>>) -> Vec<&'a Pattern> {
    let is_own = |theirs: &Pattern| own.iter().any(|key| theirs.matches(key.1, key.2));
    let priced = others.iter().flat_map(|of| &of.lines).filter(|line| line.amount.is_some());
    let patterns = priced.filter_map(|line| line.pattern.as_ref());
    patterns.filter(|theirs| meet(theirs, pattern) && !is_own(theirs)).collect()
}

/// Whether anything could match both.
fn meet(a: &Pattern, b: &Pattern) -> bool {
    fn both<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
        a.is_none() || b.is_none() || a == b
    }
    a.meter == b.meter
        && both(a.category.as_ref(), b.category.as_ref())
        && both(a.colour.as_ref(), b.colour.as_ref())
        && both(a.media.as_ref(), b.media.as_ref())
}

/// Whether the pattern can be read back from a list of patterns.
fn is_sayable(pattern: &Pattern) -> bool {
    let text = pattern.to_string();
    !text.contains(BETWEEN) && Pattern::parse(&text).as_ref() == Ok(pattern)
}

/// Without a status the jobs list shows those that this version of the contract bills.
fn jobs_address(statement: &Statement, pattern: &Pattern, except: &[&Pattern], contract_id: i64) -> String {
    let period = statement.period;
    let except: Vec<String> = except.iter().map(ToString::to_string).collect();
    let except = except.join(&BETWEEN.to_string());
    let fields = [
        ("contract", contract_id.to_string()),
        ("version", statement.contract.version.to_string()),
        ("from_ms", period.start.0.to_string()),
        ("to_ms", period.end.0.to_string()),
        ("meter", pattern.meter.word().to_owned()),
        ("category", pattern.category.as_ref().map(Category::id).unwrap_or_default().to_owned()),
        ("colour", pattern.colour.clone().unwrap_or_default()),
        ("media", pattern.media.clone().unwrap_or_default()),
        ("except", except),
    ];
    address("/jobs", fields.iter().map(|(name, value)| (*name, value.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{ContractRef, Currency, Money, Period};
    use report::Instant;

    fn line(pattern: &str, is_priced: bool, sources: &[(&str, Option<&str>, i64)]) -> Line {
        let source = |(meter, media, quantity): &(&str, Option<&str>, i64)| LineSource {
            printer: "7".to_owned(),
            label: "T930".to_owned(),
            meter: Meter::parse(meter).unwrap(),
            media: media.map(str::to_owned),
            evidence: LineEvidence::Jobs { count: 3, quantity: *quantity },
        };
        Line {
            id: format!("{is_priced} {pattern}"),
            pattern: Some(Pattern::parse(pattern).unwrap()),
            amount: is_priced.then_some(Money(1)),
            sources: sources.iter().map(source).collect(),
            ..Line::default()
        }
    }

    fn statement(lines: Vec<Line>) -> Statement {
        Statement {
            number: None,
            contract: ContractRef { id: "5".to_owned(), number: "C-5".to_owned(), version: 2 },
            customer: "Bau".to_owned(),
            period: Period { start: Instant(100), end: Instant(200) },
            period_label: "October 2026".to_owned(),
            time_zone: "UTC".to_owned(),
            currency: Currency::parse("EUR").unwrap(),
            lines,
            net: Money(0),
            taxes: Vec::new(),
            total: Money(0),
            reconciliations: Vec::new(),
            notes: Vec::new(),
            kind: billing::DocumentKind::default(),
            corrects: None,
            payer: None,
            parties: billing::Parties::default(),
            issued_at: None,
            due: None,
        }
    }

    /// What an address says beyond contract, period and kind; and the quantity beside the link.
    fn shown(statement: &Statement, index: usize) -> Option<(String, i64)> {
        shown_beside(statement, &[], index)
    }

    fn shown_beside(statement: &Statement, others: &[Statement], index: usize) -> Option<(String, i64)> {
        let link = jobs((statement, others), &statement.lines[index], 5)?;
        let said = link.href.split("meter=area-printed").nth(1)?.to_owned();
        Some((said, link.quantity))
    }

    fn said(text: &str, quantity: i64) -> Option<(String, i64)> {
        Some((text.to_owned(), quantity))
    }

    #[test]
    fn a_line_of_its_own_category_leads_to_its_jobs() {
        let mono = line("area-printed/mono-line", true, &[("area-printed/mono-line", Some("Bond"), 30)]);
        let statement = statement(vec![mono]);
        let link = jobs((&statement, &[]), &statement.lines[0], 5).unwrap();
        let href = "/jobs?contract=5&version=2&from_ms=100&to_ms=200&meter=area-printed&category=mono-line";
        assert_eq!((link.text.as_str(), link.href.as_str(), link.quantity), ("3 jobs behind this", href, 30));
    }

    #[test]
    fn what_earlier_prices_took_is_left_out() {
        let statement = statement(vec![
            line("area-printed@Satin 200 g", true, &[("area-printed/premium", Some("Satin 200 g"), 7)]),
            line("area-printed/mono-line", true, &[("area-printed/mono-line", Some("Bond"), 30)]),
            line(
                "area-printed",
                true,
                &[("area-printed/premium", Some("Bond"), 5), ("area-printed/low-density", None, 2)],
            ),
        ]);
        assert_eq!(shown(&statement, 0), said("&media=Satin%20200%20g", 7));
        assert_eq!(shown(&statement, 1), said("&category=mono-line&except=area-printed%40Satin%20200%20g", 30));
        let both = "&except=area-printed%40Satin%20200%20g%7Carea-printed%2Fmono-line";
        assert_eq!(shown(&statement, 2), said(both, 7));
    }

    #[test]
    fn usage_without_a_price_leaves_out_what_is_named_more_narrowly() {
        let statement = statement(vec![
            line("area-printed", false, &[("area-printed", None, 1)]),
            line("area-printed/premium", false, &[("area-printed/premium", None, 2)]),
            line("area-printed/premium@Bond", false, &[("area-printed/premium", Some("Bond"), 5)]),
        ]);
        let narrower = "&except=area-printed%2Fpremium%7Carea-printed%2Fpremium%40Bond";
        assert_eq!(shown(&statement, 0), said(narrower, 1));
        assert_eq!(shown(&statement, 1), said("&category=premium&except=area-printed%2Fpremium%40Bond", 2));
        assert_eq!(shown(&statement, 2), said("&category=premium&media=Bond", 5));
    }

    #[test]
    fn no_link_is_better_than_one_to_other_jobs() {
        let mut counted = line("area-printed", true, &[("area-printed", None, 30)]);
        counted.sources[0].evidence = LineEvidence::Counter { start: None, end: None, quantity: 30 };
        assert_eq!(shown(&statement(vec![counted]), 0), None);
        let odd = line("area-printed@A|B", true, &[("area-printed/premium", Some("A|B"), 7)]);
        let rest = line("area-printed", true, &[("area-printed/premium", None, 5)]);
        let statement = statement(vec![odd, rest]);
        assert_eq!(shown(&statement, 0), said("&media=A%7CB", 7));
        assert_eq!(shown(&statement, 1), None);
    }

    #[test]
    fn a_line_of_one_pool_has_no_link_that_shows_another_pools_jobs() {
        let hall = |name: &str, printer: &str| {
            let mut line = line("area-printed", true, &[("area-printed/premium", None, 5)]);
            (line.id, line.sources[0].printer) = (name.to_owned(), printer.to_owned());
            line
        };
        // The second line takes what the first one left, which the address cannot say by pool.
        let pools = statement(vec![hall("Hall 1", "7"), hall("Hall 2", "8")]);
        assert_eq!((shown(&pools, 0), shown(&pools, 1)), (None, None));
        assert_eq!(shown(&statement(vec![hall("Hall 1", "7")]), 0), said("", 5));
    }

    #[test]
    fn what_lines_of_another_payer_took_is_left_out_too() {
        let mono = line("area-printed/mono-line", true, &[("area-printed/mono-line", Some("Bond"), 30)]);
        let rest = line("area-printed", true, &[("area-printed/premium", Some("Bond"), 5)]);
        let (own, bank) = (statement(vec![rest]), statement(vec![mono]));
        // Alone it would lead to all jobs of the period.
        assert_eq!(shown(&own, 0), said("", 5));
        assert_eq!(shown_beside(&own, std::slice::from_ref(&bank), 0), said("&except=area-printed%2Fmono-line", 5));
        assert_eq!(shown_beside(&bank, std::slice::from_ref(&own), 0), said("&category=mono-line", 30));
        // Both took of the same, which no address says.
        let some = line("area-printed", true, &[("area-printed/premium", Some("Satin"), 7)]);
        assert_eq!(shown_beside(&own, &[statement(vec![some])], 0), None);
    }

    #[test]
    fn quantities_that_the_jobs_do_not_say_have_no_link() {
        for mark in [Mark::Declared, Mark::Recategorised] {
            let mut marked = line("area-printed", true, &[("area-printed/premium", None, 5)]);
            marked.marks.insert(mark);
            assert_eq!(shown(&statement(vec![marked]), 0), None);
        }
    }
}

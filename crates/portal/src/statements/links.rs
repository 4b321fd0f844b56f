//! Finds the filters of the jobs list that show exactly the jobs behind a line. Pure.
//!
//! A price takes what earlier prices left, so that the filter of its own pattern may show too much.
//! Then the line is taken apart into filters that each show only jobs of this line. Deliberately
//! absent: the list itself; what it sums under such a filter is what stands beside the link.

use super::page::JobsLink;
use billing::{Line, LineEvidence, MeterKind, Pattern, Period, Statement};
use report::Category;
use std::collections::BTreeSet;

/// A filter of the jobs list, and at once the name of one thing counted: kind, category or colour, media.
type Key<'a> = (MeterKind, Option<&'a str>, Option<&'a str>);

/// The links to the jobs behind a line; none where jobs are not its evidence, or cannot be told apart.
pub(super) fn links(statement: &Statement, line: &Line, contract_id: i64) -> Vec<JobsLink> {
    let Some(pattern) = &line.pattern else { return Vec::new() };
    let all: BTreeSet<Key<'_>> = statement.lines.iter().flat_map(keys).collect();
    let mut open: BTreeSet<Key<'_>> = keys(line).collect();
    let part = pattern.category.as_ref().map(Category::id).or(pattern.colour.as_deref());
    let whole = (pattern.meter, part, pattern.media.as_deref());
    let mut found = Vec::new();
    for filter in filters(whole, &open) {
        let shown: BTreeSet<Key<'_>> = all.iter().filter(|key| shows(filter, **key)).copied().collect();
        if shown.is_empty() || !shown.is_subset(&open) {
            continue;
        }
        open.retain(|key| !shown.contains(key));
        found.push((filter, shown));
    }
    let is_only = found.len() == 1 && open.is_empty();
    let link = |(filter, shown): &(Key<'_>, BTreeSet<Key<'_>>)| {
        let (quantity, count) = sum(line, shown);
        // A job of two categories stands in each of them: only within one category entries are jobs.
        let parts: BTreeSet<Option<&str>> = shown.iter().map(|(_, part, _)| *part).collect();
        let text = text(*filter, (parts.len() == 1).then_some(count), is_only);
        JobsLink { text, href: address(*filter, contract_id, statement.period), quantity }
    };
    found.iter().map(link).collect()
}

/// What a line takes from jobs.
fn keys(line: &Line) -> impl Iterator<Item = Key<'_>> {
    let from_jobs = line.sources.iter().filter(|source| matches!(source.evidence, LineEvidence::Jobs { .. }));
    from_jobs.map(|source| (source.meter.kind(), source.meter.part(), source.media.as_deref()))
}

/// Filters to try, the widest first: the line's own, then by category, by media, by both.
fn filters<'a>(whole: Key<'a>, keys: &BTreeSet<Key<'a>>) -> Vec<Key<'a>> {
    let (kind, ..) = whole;
    let by_part = keys.iter().filter(|(_, part, _)| part.is_some()).map(|(_, part, _)| (kind, *part, None));
    let by_media = keys.iter().filter(|(_, _, media)| media.is_some()).map(|(_, _, media)| (kind, None, *media));
    let exact = keys.iter().filter(|(_, part, media)| part.is_some() && media.is_some()).copied();
    [whole].into_iter().chain(by_part).chain(by_media).chain(exact).collect()
}

fn shows(filter: Key<'_>, key: Key<'_>) -> bool {
    let (part, media) = (filter.1.is_none() || filter.1 == key.1, filter.2.is_none() || filter.2 == key.2);
    filter.0 == key.0 && part && media
}

/// What the jobs of these keys used together in base units, and how many entries they are.
fn sum(line: &Line, keys: &BTreeSet<Key<'_>>) -> (i64, u64) {
    let mut sum = (0_i64, 0_u64);
    for source in &line.sources {
        let key = (source.meter.kind(), source.meter.part(), source.media.as_deref());
        if let LineEvidence::Jobs { count, quantity } = &source.evidence
            && keys.contains(&key)
        {
            sum = (sum.0.saturating_add(*quantity), sum.1.saturating_add(*count));
        }
    }
    sum
}

fn text((kind, part, media): Key<'_>, count: Option<u64>, is_only: bool) -> String {
    let jobs = match count {
        Some(1) => "1 job".to_owned(),
        Some(count) => format!("{count} jobs"),
        None => "The jobs".to_owned(),
    };
    if is_only {
        return format!("{jobs} behind this");
    }
    let mut pattern = Pattern { media: media.map(str::to_owned), ..Pattern::every(kind) };
    if kind.has_category() {
        pattern.category = part.map(Category::new);
    } else {
        pattern.colour = part.map(str::to_owned);
    }
    format!("{jobs} behind {}", pattern.label())
}

/// The address of the jobs list under a filter: only jobs that the contract bills.
fn address((kind, part, media): Key<'_>, contract_id: i64, period: Period) -> String {
    let (from, to) = (period.start.0, period.end.0);
    let mut address =
        format!("/jobs?contract={contract_id}&from_ms={from}&to_ms={to}&meter={}&status=billed", kind.word());
    for (name, value) in [("category", part), ("media", media)] {
        if let Some(value) = value {
            address.push_str(&format!("&{name}={}", encode(value)));
        }
    }
    address
}

/// Percent-encodes what has a meaning in a query.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{ContractRef, Currency, LineSource, Meter, Money};
    use report::Instant;

    fn line(pattern: &str, sources: &[(&str, Option<&str>, i64)]) -> Line {
        let source = |(meter, media, quantity): &(&str, Option<&str>, i64)| LineSource {
            printer: "7".to_owned(),
            label: "T930".to_owned(),
            meter: Meter::parse(meter).unwrap(),
            media: media.map(str::to_owned),
            evidence: LineEvidence::Jobs { count: 3, quantity: *quantity },
        };
        let pattern = Some(Pattern::parse(pattern).unwrap());
        Line { pattern, sources: sources.iter().map(source).collect(), ..Line::default() }
    }

    fn statement(lines: Vec<Line>) -> Statement {
        Statement {
            number: None,
            contract: ContractRef { id: "5".to_owned(), number: "C-5".to_owned(), version: 1 },
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
        }
    }

    fn shown(statement: &Statement, index: usize) -> Vec<(String, i64)> {
        let found = links(statement, &statement.lines[index], 5);
        let filter = |href: &str| href.split("status=billed").nth(1).unwrap_or("?").to_owned();
        found.into_iter().map(|link| (filter(&link.href), link.quantity)).collect()
    }

    #[test]
    fn a_line_of_its_own_category_is_one_link() {
        let mono = line("area-printed/mono-line", &[("area-printed/mono-line", Some("Bond"), 30)]);
        let statement = statement(vec![mono]);
        let found = links(&statement, &statement.lines[0], 5);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "3 jobs behind this");
        let expected = "/jobs?contract=5&from_ms=100&to_ms=200&meter=area-printed&status=billed&category=mono-line";
        assert_eq!(found[0].href, expected);
        assert_eq!(found[0].quantity, 30);
    }

    #[test]
    fn what_earlier_prices_took_is_never_shown_behind_a_later_one() {
        let satin = line("area-printed@Satin 200 g", &[("area-printed/premium", Some("Satin 200 g"), 7)]);
        let mono = line("area-printed/mono-line", &[("area-printed/mono-line", Some("Bond"), 30)]);
        let rest = line(
            "area-printed",
            &[
                ("area-printed/low-density", Some("Bond"), 11),
                ("area-printed/low-density", None, 2),
                ("area-printed/premium", Some("Bond"), 5),
                ("area-printed", None, 1),
            ],
        );
        let statement = statement(vec![satin, mono, rest]);
        assert_eq!(shown(&statement, 0), [("&media=Satin%20200%20g".to_owned(), 7)]);
        assert_eq!(shown(&statement, 1), [("&category=mono-line".to_owned(), 30)]);
        let expected = [
            ("&category=low-density".to_owned(), 13),
            ("&category=premium&media=Bond".to_owned(), 5),
        ];
        assert_eq!(shown(&statement, 2), expected, "and the jobs without a category cannot be told apart");
    }

    #[test]
    fn a_line_that_rests_on_counters_leads_to_no_jobs() {
        let mut mono = line("area-media", &[("area-media", None, 30)]);
        mono.sources[0].evidence = LineEvidence::Counter { start: None, end: None, quantity: 30 };
        assert!(shown(&statement(vec![mono]), 0).is_empty());
    }
}

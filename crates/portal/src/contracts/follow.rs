//! Whether new terms can follow the versions there are, and which issued periods they bill otherwise.
//!
//! A statement is made by one version, so that a version starts where a period does. One that starts with a period
//! that was issued puts that right: what was issued stays, and what it differs by is settled by notes. Deliberately
//! absent: drawing those notes up, and judging terms by themselves.

use super::approve::State;
use super::edit::next_start;
use super::form::Wrong;
use super::store::{self, Billed, Version};
use super::view;
use crate::shell::format;
use billing::{Period, Terms};
use report::Instant;

/// Why new terms cannot follow the versions that count: a version starts where a period does, holds until the next
/// one starts, changes nothing that is approved and not issued, and keeps the contract's currency (CL28).
pub(super) fn cannot_follow(terms: &Terms, starts: Instant, versions: &[Version], billed: &[Billed]) -> Option<Wrong> {
    let last = store::standing(versions)?;
    // Before the last version one starts only to put right what was issued.
    let corrects = billed.iter().any(|of| starts < of.period.end);
    let held = store::standing_at(versions, starts).filter(|_| corrects || last.valid_from <= starts);
    let Some(held) = held else {
        let (number, first) = (last.number, format::day(last.valid_from, &view::zone_of(terms)));
        let text = format!("From: version {number} starts on {first}; this one cannot start before.");
        return Some(Wrong::at("starts", text));
    };
    if let Some(text) = cannot_start(terms, starts, held, billed) {
        return Some(Wrong::at("starts", format!("From: {text}")));
    }
    if terms.currency != held.terms.currency {
        let code = held.terms.currency.code();
        let text = format!("Currency: this contract is in {code}; another needs a new contract.");
        return Some(Wrong::at("currency", text));
    }
    cannot_cut(terms, starts, (held, versions), billed).map(|text| Wrong::at("every", format!("Periods: {text}")))
}

fn begins(terms: &Terms, at: Instant) -> bool {
    terms.period.containing(at, &terms.time_zone).is_ok_and(|period| period.start == at)
}

/// Why terms cannot start on that day after the version that holds then.
fn cannot_start(terms: &Terms, starts: Instant, held: &Version, billed: &[Billed]) -> Option<String> {
    if let Some(of) = billed.iter().find(|of| of.waits && starts < of.period.end) {
        let label = label(of.period, &terms.time_zone);
        return Some(format!("a document of {label} is approved. Issue it, or make it a draft again, first."));
    }
    // One that starts with another takes its place as a whole.
    if starts == held.valid_from {
        return None;
    }
    if let Some(of) = billed.iter().find(|of| of.period.start < starts && starts < of.period.end) {
        let (label, first) = (label(of.period, &terms.time_zone), format::day(of.period.start, &view::zone_of(terms)));
        return Some(format!("{label} was issued as a whole; a version starts with it, on {first}, or after it."));
    }
    if begins(terms, starts) && begins(&held.terms, starts) {
        return None;
    }
    let next = next_start(&held.terms, starts);
    Some(format!("a period is billed by one version, so that one starts where a period does: {next}."))
}

/// Why the periods of terms do not fit those that were issued, or the version that starts next.
fn cannot_cut(
    terms: &Terms,
    starts: Instant,
    (held, versions): (&Version, &[Version]),
    billed: &[Billed],
) -> Option<String> {
    let keeps = terms.period == held.terms.period && terms.time_zone == held.terms.time_zone;
    if keeps {
        return None;
    }
    if !corrected(versions, starts, billed).is_empty() {
        let words = "some were issued as they are cut now. Terms that put them right keep the periods and their zone.";
        return Some(words.to_owned());
    }
    let later = next(versions, starts).filter(|later| !begins(terms, later.valid_from))?;
    let day = format::day(later.valid_from, &view::zone_of(terms));
    Some(format!("version {} starts on {day}, so that one of them has to start then.", later.number))
}

/// The version that counts and takes the place of one that starts at `starts`.
fn next(versions: &[Version], starts: Instant) -> Option<&Version> {
    let later = versions.iter().filter(|version| version.state == State::Standing && starts < version.valid_from);
    later.min_by_key(|version| version.valid_from)
}

/// The billed periods that a version from `starts` on bills otherwise, the oldest first.
pub(super) fn corrected(versions: &[Version], starts: Instant, billed: &[Billed]) -> Vec<Period> {
    let end = next(versions, starts).map(|later| later.valid_from);
    let is_its_own = |period: &Period| starts < period.end && end.is_none_or(|end| period.end <= end);
    billed.iter().map(|of| of.period).filter(is_its_own).collect()
}

/// What a version from `starts` on means for what was issued, in words. `None` where it changes nothing of that.
pub(super) fn puts_right(terms: &Terms, starts: Instant, versions: &[Version], billed: &[Billed]) -> Option<String> {
    let periods = corrected(versions, starts, billed);
    let name = |period: &Period| label(*period, &terms.time_zone);
    let (first, words) = match periods.as_slice() {
        [] => return None,
        [one] => (one, format!("{} was issued: what it differs by is settled by a note.", name(one))),
        [one, two] => {
            let words = "were issued: what they differ by is settled by notes.";
            (one, format!("{} and {} {words}", name(one), name(two)))
        }
        [one, .., last] => {
            let (count, words) = (periods.len(), "were issued: what they differ by is settled by notes.");
            (one, format!("{count} periods from {} to {} {words}", name(one), name(last)))
        }
    };
    let zone = view::zone_of(terms);
    let until = next(versions, starts).map_or_else(String::new, |later| {
        format!(" It counts until version {} starts on {}.", later.number, format::day(later.valid_from, &zone))
    });
    let first = name(first);
    Some(format!("{words}{until} Once this version counts, use Correct on the statement of {first}."))
}

/// What a period is called.
pub(super) fn label(period: Period, zone: &str) -> String {
    period.label(zone).unwrap_or_else(|_| format!("{} to {}", period.start, period.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Currency, Every, PeriodRule};

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    fn terms(every: Every) -> Terms {
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
        terms.period = PeriodRule { every, ..PeriodRule::default() };
        terms
    }

    fn version(number: i64, valid_from: &str, every: Every) -> Version {
        Version {
            number,
            valid_from: at(valid_from),
            terms: terms(every),
            created_at: at(valid_from),
            by: String::new(),
            person_id: 1,
            state: State::Standing,
            note: String::new(),
            verdict: None,
        }
    }

    /// What was issued from one day to another; `waits` where it is only approved.
    fn billed(from: &str, to: &str, waits: bool) -> Billed {
        let period = Period::new(at(from), at(to)).expect("a period");
        Billed { period, waits, issued_at: (!waits).then_some(period.end) }
    }

    const OCTOBER: &str = "2026-10-01T00:00:00Z";
    const NOVEMBER: &str = "2026-11-01T00:00:00Z";
    const DECEMBER: &str = "2026-12-01T00:00:00Z";
    const JANUARY: &str = "2027-01-01T00:00:00Z";
    const APRIL: &str = "2027-04-01T00:00:00Z";

    #[test]
    fn a_version_starts_where_a_period_does() {
        let versions = [version(3, OCTOBER, Every::Quarter)];
        let cases = [
            ("2026-09-30T00:00:00Z", Every::Quarter, None, Some("starts")),
            (NOVEMBER, Every::Quarter, None, Some("starts")),
            (JANUARY, Every::Quarter, None, None),
            (JANUARY, Every::Month, None, None),
            (NOVEMBER, Every::Month, None, Some("starts")),
            // What was issued is put right from its first day on, in the same periods; what is approved is not.
            (JANUARY, Every::Quarter, Some(billed(JANUARY, APRIL, false)), None),
            (JANUARY, Every::Month, Some(billed(JANUARY, APRIL, false)), Some("every")),
            (JANUARY, Every::Quarter, Some(billed(JANUARY, APRIL, true)), Some("starts")),
            (OCTOBER, Every::Quarter, Some(billed(OCTOBER, JANUARY, false)), None),
            ("2026-09-30T00:00:00Z", Every::Quarter, Some(billed(OCTOBER, JANUARY, false)), Some("starts")),
        ];
        for (starts, every, billed, expected) in cases {
            let billed: Vec<Billed> = billed.into_iter().collect();
            let wrong = cannot_follow(&terms(every), at(starts), &versions, &billed);
            assert_eq!(wrong.map(|wrong| wrong.field).as_deref(), expected, "{starts} {every:?} {}", billed.len());
        }
        // The first version of a contract begins on any day.
        assert_eq!(cannot_follow(&terms(Every::Month), at("2026-10-12T00:00:00Z"), &[], &[]), None);
    }

    #[test]
    fn a_version_does_not_start_inside_what_was_issued() {
        let versions = [version(1, OCTOBER, Every::Month)];
        let wrong = |starts: &str, from: &str, to: &str| {
            let wrong = cannot_follow(&terms(Every::Month), at(starts), &versions, &[billed(from, to, false)]);
            wrong.map(|wrong| wrong.text).unwrap_or_default()
        };
        assert!(wrong("2026-10-16T00:00:00Z", OCTOBER, NOVEMBER).contains("issued as a whole"));
        // Days that reach over the start of a month.
        assert!(wrong(NOVEMBER, "2026-10-20T00:00:00Z", "2026-11-10T00:00:00Z").contains("issued as a whole"));
        assert_eq!(wrong(NOVEMBER, OCTOBER, NOVEMBER), "");
    }

    #[test]
    fn what_a_version_puts_right_ends_where_the_next_one_starts() {
        let versions = [version(1, OCTOBER, Every::Month), version(2, DECEMBER, Every::Month)];
        let billed = [(OCTOBER, NOVEMBER), (NOVEMBER, DECEMBER), (DECEMBER, JANUARY)].map(|(a, b)| billed(a, b, false));
        let month = terms(Every::Month);
        assert_eq!(cannot_follow(&month, at(OCTOBER), &versions, &billed), None);
        let starts: Vec<Instant> = corrected(&versions, at(OCTOBER), &billed).into_iter().map(|of| of.start).collect();
        assert_eq!(starts, [at(OCTOBER), at(NOVEMBER)]);
        assert_eq!(
            puts_right(&month, at(OCTOBER), &versions, &billed).as_deref(),
            Some(
                "October 2026 and November 2026 were issued: what they differ by is settled by notes. It counts until \
                 version 2 starts on 1 Dec 2026. Once this version counts, use Correct on the statement of October \
                 2026."
            )
        );
        let words = puts_right(&month, at(DECEMBER), &versions, &billed);
        assert!(words.is_some_and(|words| words.starts_with("December 2026 was issued: what it differs by")));
        assert_eq!(puts_right(&month, at(JANUARY), &versions, &billed), None);
        // Nothing was issued that it could put right.
        let wrong = cannot_follow(&month, at(NOVEMBER), &versions, &billed[..1]);
        assert_eq!(wrong.map(|wrong| wrong.field).as_deref(), Some("starts"));
    }
}

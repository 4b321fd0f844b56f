//! Whether new terms can follow the versions there are, and which issued periods they bill otherwise.
//!
//! A statement is made by one version, so that a version starts where a period does. One that starts with a period
//! that was issued puts that right: what was issued stays, and what it differs by is settled by notes. Deliberately
//! absent: drawing those notes up, and judging terms by themselves.

use super::approve::State;
use super::form::Wrong;
use super::store::{self, Billed, Version};
use super::view;
use crate::shell::format;
use billing::{Period, Terms};
use report::Instant;
use std::iter::successors;

/// Periods before and after a day among which one is looked for that a version can start with: two years of months.
const AROUND: usize = 24;

/// Why new terms cannot follow the versions that count: a version starts where a period does, holds until the next
/// one starts, changes nothing that is approved and not issued, and keeps the contract's currency (CL28).
pub(super) fn cannot_follow(terms: &Terms, starts: Instant, versions: &[Version], billed: &[Billed]) -> Option<Wrong> {
    let last = store::standing(versions)?;
    let Some(held) = held_at(starts, versions, billed) else {
        let (number, first) = (last.number, format::day(last.valid_from, &view::zone_of(terms)));
        let text = format!("From: version {number} starts on {first}; this one cannot start before.");
        return Some(Wrong::at("starts", text));
    };
    if let Some(obstacle) = obstacle(terms, starts, (held, versions), billed) {
        let text = in_words(&obstacle, terms, starts, (held, versions), billed);
        return Some(Wrong::at("starts", format!("From: {text}")));
    }
    if terms.currency != held.terms.currency {
        let code = held.terms.currency.code();
        let text = format!("Currency: this contract is in {code}; another needs a new contract.");
        return Some(Wrong::at("currency", text));
    }
    cannot_cut(terms, starts, (held, versions), billed).map(|text| Wrong::at("every", format!("Periods: {text}")))
}

/// The version that one from `starts` on takes over from; `None` where it would start before the last one, and
/// nothing was issued that it could put right.
fn held_at<'a>(starts: Instant, versions: &'a [Version], billed: &[Billed]) -> Option<&'a Version> {
    let last = store::standing(versions)?;
    // Before the last version one starts only to put right what was issued.
    let corrects = billed.iter().any(|of| starts < of.period.end);
    store::standing_at(versions, starts).filter(|_| corrects || last.valid_from <= starts)
}

fn begins(terms: &Terms, at: Instant) -> bool {
    terms.period.containing(at, &terms.time_zone).is_ok_and(|period| period.start == at)
}

/// What keeps a version from starting on a day.
enum Obstacle {
    /// A document of that period is approved and not issued.
    Approved(Period),
    /// That period was issued as a whole.
    Issued(Period),
    /// The day lies within a period, of its own or of the version that holds then.
    Within,
}

/// What keeps terms from starting on that day after the version that holds then.
fn obstacle(
    terms: &Terms,
    starts: Instant,
    (held, versions): (&Version, &[Version]),
    billed: &[Billed],
) -> Option<Obstacle> {
    if let Some(of) = billed.iter().find(|of| of.waits && starts < of.period.end) {
        return Some(Obstacle::Approved(of.period));
    }
    // One that starts with another takes its place as a whole. Within a period only the first one starts: it bills
    // all of that period, which a version before it would bill too.
    let replaces = starts == held.valid_from;
    let is_first = !versions.iter().any(|of| of.state == State::Standing && of.valid_from < starts);
    if replaces && (is_first || begins(terms, starts)) {
        return None;
    }
    if let Some(of) = billed.iter().find(|of| of.period.start < starts && starts < of.period.end) {
        return Some(Obstacle::Issued(of.period));
    }
    let fits = begins(terms, starts) && begins(&held.terms, starts);
    (!fits).then_some(Obstacle::Within)
}

/// An obstacle as a sentence, with the days on which a version could start.
fn in_words(
    obstacle: &Obstacle,
    terms: &Terms,
    starts: Instant,
    (held, versions): (&Version, &[Version]),
    billed: &[Billed],
) -> String {
    match obstacle {
        Obstacle::Approved(period) => {
            let label = label(*period, &terms.time_zone);
            format!("a document of {label} is approved. Issue it, or make it a draft again, first.")
        }
        Obstacle::Issued(period) => {
            let (label, zone) = (label(*period, &terms.time_zone), view::zone_of(terms));
            let first = format::day(period.start, &zone);
            format!("{label} was issued as a whole; a version starts with it, on {first}, or after it.")
        }
        Obstacle::Within => {
            let days = days_around(terms, starts, versions, billed);
            if days.is_empty() {
                return format!(
                    "a period is billed by one version, and none of these terms begins together with one of version \
                     {} within two years. Keep the day of the month and the zone.",
                    held.number
                );
            }
            let zone = view::zone_of(terms);
            let days: Vec<String> = days.into_iter().map(|day| format!("on {}", format::day(day, &zone))).collect();
            let days = days.join(" or ");
            format!("a period is billed by one version, so that one starts where a period does. It can start {days}.")
        }
    }
}

/// The last day before `starts` and the first one after it on which terms can start.
fn days_around(terms: &Terms, starts: Instant, versions: &[Version], billed: &[Billed]) -> Vec<Instant> {
    let (rule, zone) = (terms.period, terms.time_zone.as_str());
    let Ok(around) = rule.containing(starts, zone) else { return Vec::new() };
    let can_start = |at: &Instant| {
        held_at(*at, versions, billed).is_some_and(|held| {
            let before = (held, versions);
            obstacle(terms, *at, before, billed).is_none() && cannot_cut(terms, *at, before, billed).is_none()
        })
    };
    let back = successors(Some(around), |period| rule.preceding(*period, zone).ok()).take(AROUND);
    let earlier = back.map(|period| period.start).find(|at| *at < starts && can_start(at));
    let ahead = successors(rule.following(around, zone).ok(), |period| rule.following(*period, zone).ok());
    let later = ahead.take(AROUND).map(|period| period.start).find(can_start);
    earlier.into_iter().chain(later).collect()
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
        Version::sample(number, valid_from, PeriodRule { every, ..PeriodRule::default() })
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
    fn a_version_of_longer_periods_does_not_start_within_one_of_its_own() {
        let versions = [version(1, OCTOBER, Every::Month), version(2, NOVEMBER, Every::Month)];
        let text = |starts: &str, every, versions: &[Version]| {
            cannot_follow(&terms(every), at(starts), versions, &[]).map(|wrong| wrong.text).unwrap_or_default()
        };
        // In the place of version 2 too: October would be billed by version 1 and by the quarter.
        let refused = text(NOVEMBER, Every::Quarter, &versions);
        assert!(refused.ends_with("starts where a period does. It can start on 1 Jan 2027."), "{refused}");
        assert_eq!(text(NOVEMBER, Every::Month, &versions), "");
        // Of the one version that there is, it takes the place; and before it nothing is billed.
        assert_eq!(text(NOVEMBER, Every::Quarter, &versions[1..]), "");
        // Months within a quarter.
        let quarters = [version(1, OCTOBER, Every::Quarter)];
        let refused = text(DECEMBER, Every::Month, &quarters);
        assert!(refused.ends_with("It can start on 1 Oct 2026 or on 1 Jan 2027."), "{refused}");
        let mut shifted = terms(Every::Month);
        shifted.period.day = 15;
        let refused = cannot_follow(&shifted, at("2026-11-15T00:00:00Z"), &versions, &[]).expect("within November");
        assert!(refused.text.contains("Keep the day of the month and the zone"), "{}", refused.text);
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

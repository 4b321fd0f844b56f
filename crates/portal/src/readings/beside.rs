//! What is odd about a reading of the past, beside what the printer itself said of the counter since.
//!
//! A reading as of now is held against the last one (see `enter`); the first reading of a contract, or of a printer
//! that took another one's place, is typed when later ones are there already. Deliberately absent: a refusal. What
//! is odd is taken with a reason, which is kept and shown.

use super::store::LastValue;
use billing::decrease::expected;
use billing::{ReadingPoint, plausible};
use report::Instant;

/// What is odd about a counter having shown `value` at `at`; `None` where nothing is, or where nothing is known of
/// that time.
pub(super) fn odd(known: &LastValue, value: i64, at: Instant) -> Option<String> {
    let last = &known.point;
    if at >= last.read_at {
        return plausible(last, value, at, known.usual_daily).err();
    }
    let unit = known.meter.unit();
    let (first_at, first) = known.first?;
    if at >= first_at {
        let is_between = (first..=last.value).contains(&value);
        let words = || {
            format!("the printer showed {} to {} around that time", unit.show_exact(first), unit.show_exact(last.value))
        };
        return (!is_between).then(words);
    }
    // What earlier segments showed is not known here.
    if last.segment > 1 {
        return None;
    }
    if value > first {
        return Some(format!("the printer showed {} later; a counter only rises", unit.show_exact(first)));
    }
    let then = ReadingPoint { value, read_at: at, ..*last };
    let (_, most) = expected(&then, first_at, known.usual_daily);
    let rose = most.is_some_and(|most| first > most);
    rose.then(|| {
        format!("the printer showed {} later, more than it usually counts in that time", unit.show_exact(first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Meter, MeterKind, ReadingSource};
    use report::Grade;

    const DAY: i64 = 86_400_000;

    fn known(segment: u32) -> LastValue {
        LastValue {
            meter: Meter::whole(MeterKind::Pages),
            media: None,
            point: ReadingPoint {
                segment,
                value: 18_600,
                read_at: Instant(30 * DAY),
                grade: Grade::C,
                source: ReadingSource::Printer,
            },
            first: Some((Instant(10 * DAY), 18_400)),
            usual_daily: Some(10),
        }
    }

    #[test]
    fn a_reading_of_the_past_lies_between_what_the_printer_said() {
        // Day, value, a word of what is odd.
        let cases = [
            (5, 18_350, None),
            (5, 18_401, Some("only rises")),
            // An extra zero, and a missing one: the printer counted 150 in five days at most.
            (5, 183_500, Some("only rises")),
            (5, 18_249, Some("more than it usually counts")),
            (5, 1_835, Some("more than it usually counts")),
            (20, 18_500, None),
            (20, 18_399, Some("18400 pages to 18600 pages")),
            (20, 18_601, Some("around that time")),
            (31, 18_610, None),
            (31, 18_599, Some("lower than the last one")),
        ];
        for (day, value, words) in cases {
            let found = odd(&known(1), value, Instant(day * DAY));
            let fits = words.map_or(found.is_none(), |words| found.as_ref().is_some_and(|odd| odd.contains(words)));
            assert!(fits, "{value} on day {day}: {found:?}");
        }
        // Before the open segment another one counted.
        assert_eq!(odd(&known(2), 99_000, Instant(5 * DAY)), None);
        assert!(odd(&known(2), 99_000, Instant(20 * DAY)).is_some());
    }
}

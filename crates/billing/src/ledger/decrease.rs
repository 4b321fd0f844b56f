//! CL20: what a fall of a counter most likely is, and whether a reading by hand can be.
//!
//! A rule of the contract may settle a fall; else a person does, with what is said here before them.
//! Deliberately absent: the decision itself (see `segments`), and any guess without a rule.

use super::estimate::DAY;
use super::segments::{ReadingPoint, SegmentReason};
use crate::clauses::breaks::Breaks;
use report::{Duration, Instant};

/// The whole in parts per million.
const WHOLE: i128 = 1_000_000;
/// A reading by hand may lie this many times the usual above the last one.
const USUAL_TIMES: i128 = 3;
/// What speaks for a reading that was wrong.
pub const CAME_BACK: &str = "The value came back to where it was in one step: most likely what was read in between \
                             was wrong.";

/// What speaks for readings that were too high.
pub const FELL_BACK: &str = "The value had jumped up in one step before, and fell back to about where it was: most \
                             likely what was read in between was too high, by mistake.";

/// A counter that fell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fall {
    /// The last value before, base units.
    pub before: i64,
    /// The first value after, base units.
    pub after: i64,
    /// How much time lies between the two readings.
    pub between: Duration,
    /// Whether the printer's firmware is another one since.
    pub firmware_changed: bool,
    /// What the counter usually counts in a day, base units.
    pub usual_daily: Option<i64>,
    /// Whether the value came back by what is known already, see [`comes_back`].
    pub came_back: bool,
    /// Whether it takes a jump back, see [`falls_back`].
    pub fell_back: bool,
}

/// What a fall is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// The contract settles it: the reason, what the counter began at, how many values it has.
    Decide(SegmentReason, Option<i64>, Option<i64>),
    /// A person must say; what speaks for what, in words.
    Ask(String),
}

/// What a fall is by the contract's rule.
///
/// A counter near its highest value that then rose plausibly rolled over (W7). Any other fall to a value
/// that could have been printed since is a reset to zero. What is left is asked: a board may have been
/// swapped, and nobody but a person knows what the new one showed first. So is a fall that is no fall any
/// more: whatever the rule takes it for, the way back would be billed. And so is one that takes a jump back: the
/// jump would stay billed.
pub fn suggest(fall: &Fall, rule: Option<&Breaks>) -> Suggestion {
    if fall.came_back {
        return Suggestion::Ask(CAME_BACK.to_owned());
    }
    if fall.fell_back {
        return Suggestion::Ask(FELL_BACK.to_owned());
    }
    let Some(rule) = rule else {
        return Suggestion::Ask(format!("The contract has no rule for it. {}", leaning(fall)));
    };
    if fall.firmware_changed && rule.firmware {
        return Suggestion::Decide(SegmentReason::Firmware, None, None);
    }
    let Some(daily_most) = rule.daily_most else {
        return Suggestion::Ask(format!("The contract does not say how much a day may bring. {}", leaning(fall)));
    };
    let most = days(fall.between) * i128::from(daily_most);
    let near = |width: i64| i128::from(fall.before) * WHOLE >= i128::from(width) * (WHOLE - i128::from(rule.near.0));
    let passed = |width: i64| i128::from(width) - i128::from(fall.before) + i128::from(fall.after);
    let fits = |width: i64| fall.before < width && near(width) && passed(width) <= most;
    let mut widths: Vec<i64> = rule.rows.iter().map(|row| row.width).filter(|width| fits(*width)).collect();
    widths.sort_unstable();
    if let Some(width) = widths.first() {
        return Suggestion::Decide(SegmentReason::Rollover, None, Some(*width));
    }
    if i128::from(fall.after) <= most && fall.after >= 0 && !fall.firmware_changed {
        return Suggestion::Decide(SegmentReason::Reset, Some(0), None);
    }
    Suggestion::Ask(leaning(fall))
}

/// What speaks for what, for the person who decides.
fn leaning(fall: &Fall) -> String {
    if fall.firmware_changed {
        return "The firmware changed in between: new firmware may count otherwise.".to_owned();
    }
    let since = fall.usual_daily.map(|daily| days(fall.between) * i128::from(daily) * USUAL_TIMES);
    match since {
        Some(most) if i128::from(fall.after) <= most => {
            "The value could have been printed since: a reset to zero is likely.".to_owned()
        }
        Some(_) => "The value is more than is usually printed in that time: the board or the printer may have been \
                    replaced."
            .to_owned(),
        None => "Look at the printer: was it reset, repaired or replaced?".to_owned(),
    }
}

/// Whether a rise brings a counter back that fell, each as (from, to), base units: it ends where the counter
/// was or above it, and goes at least half of the way in one step.
///
/// 18 531 to 0, then 0 to 18 531: back. Printed from 0 on for two years, the last step is a small one.
pub fn comes_back(fell: (i64, i64), rose: (i64, i64)) -> bool {
    let way = |(from, to): (i64, i64)| i128::from(to) - i128::from(from);
    let (down, up) = (-way(fell), way(rose));
    down > 0 && rose.1 >= fell.0 && up * 2 >= down
}

/// Whether a fall takes a jump back, each as (from, to), base units: it ends where the counter was before the jump or
/// above that, and the jump went at least half of its way in one step.
///
/// 18 531 to 999 999, then 999 999 to 18 540: back. 18 531 to 999 999, then to 3: a reset, say.
pub fn falls_back(rose: (i64, i64), fell: (i64, i64)) -> bool {
    let way = |(from, to): (i64, i64)| i128::from(to) - i128::from(from);
    let (up, down) = (way(rose), -way(fell));
    down > 0 && rose.0 <= fell.1 && fell.1 < rose.1 && up * 2 >= down
}

/// Whether a rise, as (from, to) in base units, is more than the days begun between its readings can bring.
pub fn too_much((from, to): (i64, i64), between: Duration, daily_most: i64) -> bool {
    i128::from(to) - i128::from(from) > days(between) * i128::from(daily_most)
}

/// Days begun, at least one.
fn days(between: Duration) -> i128 {
    let (between, day) = (i128::from(between.0.max(0)), i128::from(DAY));
    ((between + day - 1) / day).max(1)
}

/// Where a reading by hand is expected, base units: not below the last one, and not above three times what
/// is usual since then. The upper end is `None` where nothing usual is known.
pub fn expected(last: &ReadingPoint, at: Instant, usual_daily: Option<i64>) -> (i64, Option<i64>) {
    let most = |daily: i64| {
        let rise = days(at.since(last.read_at)) * i128::from(daily.max(0)) * USUAL_TIMES;
        i64::try_from(i128::from(last.value) + rise).unwrap_or(i64::MAX)
    };
    (last.value, usual_daily.map(most))
}

/// Whether a value read by hand can be. The error says what is odd in words; [`expected`] gives the range.
pub fn plausible(last: &ReadingPoint, value: i64, at: Instant, usual_daily: Option<i64>) -> Result<(), String> {
    if at < last.read_at {
        return Err("there is a later reading already; give the value as of a time after it".to_owned());
    }
    let (least, most) = expected(last, at, usual_daily);
    if value < least {
        return Err("the value is lower than the last one; a counter only rises".to_owned());
    }
    if most.is_some_and(|most| value > most) {
        return Err(format!("the value rose by more than {USUAL_TIMES} times what is usual since the last reading"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::breaks::WidthRow;
    use crate::ledger::ReadingSource;
    use report::{Grade, Share};

    const WIDTH: i64 = 4_294_967_296;

    fn rule() -> Breaks {
        Breaks { rows: vec![WidthRow { width: WIDTH }], near: Share(10_000), daily_most: Some(1_000), firmware: true }
    }

    fn fall(before: i64, after: i64, between_days: i64) -> Fall {
        let between = Duration::hours(24 * between_days);
        let (came_back, fell_back) = (false, false);
        Fall { before, after, between, firmware_changed: false, usual_daily: Some(100), came_back, fell_back }
    }

    #[test]
    fn a_value_that_came_back_is_asked_whatever_the_rule_says() {
        for (before, after) in [(4_294_967_200, 105), (9_000, 5)] {
            let back = Fall { came_back: true, ..fall(before, after, 1) };
            assert_eq!(suggest(&back, Some(&rule())), Suggestion::Ask(CAME_BACK.to_owned()), "{before}");
            let jumped = Fall { fell_back: true, firmware_changed: true, ..fall(before, after, 1) };
            assert_eq!(suggest(&jumped, Some(&rule())), Suggestion::Ask(FELL_BACK.to_owned()), "{before}");
        }
    }

    #[test]
    fn a_fall_takes_a_jump_back_where_it_ends_between_the_two_values_of_the_jump() {
        // Rose from, to; fell from, to; whether it takes that back.
        let cases = [
            ((18_531, 999_999), (999_999, 18_540), true),
            ((18_531, 999_999), (1_000_002, 18_531), true),
            ((18_531, 999_999), (999_999, 18_530), false),
            ((18_531, 999_999), (2_000_000, 18_540), false),
            // A usual step, long before.
            ((100, 140), (18_531, 120), false),
            ((100, 140), (150, 140), false),
            ((0, i64::MAX), (i64::MAX, 0), true),
            ((0, 100), (100, 100), false),
        ];
        for (rose, fell, back) in cases {
            assert_eq!(falls_back(rose, fell), back, "{rose:?} {fell:?}");
        }
    }

    #[test]
    fn a_counter_is_back_where_one_step_goes_half_the_way_or_more() {
        // Fell from, to; rose from, to; whether it is back.
        let cases = [
            ((18_531, 0), (0, 18_531), true),
            ((18_531, 0), (0, 18_600), true),
            ((18_531, 0), (0, 18_530), false),
            ((18_531, 0), (9_000, 18_531), true),
            ((18_531, 0), (18_500, 18_540), false),
            ((100, 100), (100, 200), false),
            ((i64::MAX, 0), (0, i64::MAX), true),
        ];
        for (fell, rose, back) in cases {
            assert_eq!(comes_back(fell, rose), back, "{fell:?} {rose:?}");
        }
        // From, to, days, whether it is too much at 1 000 a day.
        for (from, to, count, much) in
            [(0, 1_000, 1, false), (0, 1_001, 1, true), (0, 2_000, 2, false), (9, 5, 1, false)]
        {
            assert_eq!(too_much((from, to), Duration::hours(24 * count), 1_000), much, "{from} to {to}");
        }
    }

    #[test]
    fn a_counter_near_its_end_that_rose_plausibly_rolled_over() {
        let rollover = Suggestion::Decide(SegmentReason::Rollover, None, Some(WIDTH));
        let reset = Suggestion::Decide(SegmentReason::Reset, Some(0), None);
        // Before, after, days between, what it is.
        let cases = [
            (4_294_967_200, 105, 1, &rollover),
            // 1 095 is too much for a day, and not for two.
            (4_294_967_200, 999, 2, &rollover),
            (4_294_967_200, 999, 1, &reset),
            // Far from the end.
            (3_000_000_000, 105, 1, &reset),
        ];
        for (before, after, days, expected) in cases {
            assert_eq!(&suggest(&fall(before, after, days), Some(&rule())), expected, "{before} to {after}");
        }
    }

    #[test]
    fn what_the_rule_does_not_settle_is_asked() {
        let asked = |fall: Fall, rule: Option<&Breaks>| match suggest(&fall, rule) {
            Suggestion::Ask(words) => words,
            Suggestion::Decide(reason, ..) => reason.word().to_owned(),
        };
        let changed = Fall { firmware_changed: true, ..fall(9_000, 5, 1) };
        let no_most = Breaks { daily_most: None, ..rule() };
        let no_firmware = Breaks { firmware: false, ..rule() };
        assert!(asked(fall(9_000, 5, 1), None).contains("a reset to zero is likely"));
        assert!(asked(fall(9_000, 8_000, 1), None).contains("replaced"));
        assert!(asked(fall(9_000, 5, 1), Some(&no_most)).contains("how much a day may bring"));
        // More than a day can bring.
        assert!(asked(fall(9_000, 1_001, 1), Some(&rule())).contains("replaced"));
        assert_eq!(asked(changed, Some(&rule())), "firmware");
        assert!(asked(changed, Some(&no_firmware)).contains("new firmware"));
    }

    #[test]
    fn a_reading_by_hand_lies_in_a_range() {
        let last = ReadingPoint {
            segment: 1,
            value: 5_000,
            read_at: Instant(10 * DAY),
            grade: Grade::B,
            source: ReadingSource::Printer,
        };
        assert_eq!(expected(&last, Instant(12 * DAY), Some(100)), (5_000, Some(5_600)));
        assert_eq!(expected(&last, Instant(12 * DAY), None), (5_000, None));
        // Value, day, the usual of a day, a word of the refusal.
        let cases = [
            (5_000, 10, Some(100), None),
            (5_600, 12, Some(100), None),
            (5_601, 12, Some(100), Some("usual")),
            (999_999, 12, None, None),
            (4_999, 12, None, Some("lower")),
            (5_100, 9, Some(100), Some("later reading")),
        ];
        for (value, day, usual, refused) in cases {
            let found = plausible(&last, value, Instant(day * DAY), usual);
            assert_eq!(found.is_err(), refused.is_some(), "{value} on day {day}: {found:?}");
            let words = found.err().unwrap_or_default();
            assert!(refused.is_none_or(|word| words.contains(word)), "{words}");
        }
    }
}

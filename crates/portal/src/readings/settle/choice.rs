//! The reasons that somebody can choose for a break, what each would count, and what a form says of it.
//!
//! Deliberately absent: keeping what was decided (see `decide`), and any reason without a person.

use super::super::page_store::Broken;
use super::super::{note_fits, unit_of};
use crate::shell::FormData;
use billing::{Break, ReadingPoint, ReadingSource, SegmentReason, Unmeasured};
use report::{Grade, Instant};
use std::collections::BTreeMap;

/// What is wrong with a form, by field.
pub(super) type Wrong = BTreeMap<&'static str, String>;

/// A reason that somebody can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The value came back: what was read in between was wrong.
    Misread,
    /// The value had jumped up: what was read from there on until it fell was wrong.
    Spike,
    Reset,
    Rollover,
    Swap,
    Firmware,
    UnitChange,
    /// Another interface gave it, and the value goes on after all.
    GoesOn,
    /// Another interface gave it and counts from elsewhere.
    Anew,
    /// It rose as it shows, however much that is.
    Rose,
}

impl Choice {
    const ALL: [Choice; 10] = [
        Choice::Misread,
        Choice::Spike,
        Choice::Reset,
        Choice::Rollover,
        Choice::Swap,
        Choice::Firmware,
        Choice::UnitChange,
        Choice::GoesOn,
        Choice::Anew,
        Choice::Rose,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Choice::GoesOn => "goes-on",
            Choice::Anew => "anew",
            Choice::Rose => "rose",
            choice => choice.reason().word(),
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Choice::Misread => "What was read until it came back was wrong",
            Choice::Spike => "What was read before it was too high, by mistake",
            Choice::Reset => "The counter was reset",
            Choice::Rollover => "The counter passed its highest value",
            Choice::Swap => "The board or printer was replaced",
            Choice::Firmware => "New firmware counts otherwise",
            Choice::UnitChange => "The printer counts in another unit",
            Choice::GoesOn => "Another interface gives it, and it goes on",
            Choice::Anew => "Another interface gives it, and it begins anew",
            Choice::Rose => "It did count that much",
        }
    }

    pub(super) fn reason(self) -> SegmentReason {
        match self {
            Choice::Misread => SegmentReason::Misread,
            Choice::Spike => SegmentReason::Spike,
            Choice::Reset => SegmentReason::Reset,
            Choice::Rollover => SegmentReason::Rollover,
            Choice::Swap => SegmentReason::Swap,
            Choice::Firmware => SegmentReason::Firmware,
            Choice::UnitChange => SegmentReason::UnitChange,
            Choice::GoesOn | Choice::Anew => SegmentReason::Interface,
            Choice::Rose => SegmentReason::Rise,
        }
    }

    /// Those that can be said of a break.
    pub(super) fn of(broken: &Broken) -> impl Iterator<Item = Choice> {
        let (other_interface, rose) =
            (broken.reason == SegmentReason::Interface, broken.before.is_some_and(|before| before <= broken.after));
        let (held, can_be_misread) =
            (broken.reason == SegmentReason::Rise, broken.pair.is_some() || broken.is_of_people);
        let had_jumped = broken.jump.is_some();
        Choice::ALL.into_iter().filter(move |choice| match choice {
            Choice::GoesOn => other_interface && rose,
            Choice::Anew => other_interface,
            Choice::Misread => can_be_misread,
            Choice::Spike => had_jumped,
            Choice::Rose => held,
            // What rose neither began at zero nor passed its highest value.
            Choice::Reset | Choice::Rollover => !held,
            _ => true,
        })
    }

    /// From where it is counted; the typed value, else what the reason says.
    pub(super) fn counts_from(self, broken: &Broken, typed: Option<i64>) -> Option<i64> {
        match self {
            Choice::Rollover | Choice::Misread | Choice::Spike => None,
            Choice::Reset => typed.or(Some(0)),
            Choice::GoesOn | Choice::Rose => broken.before,
            Choice::Anew => Some(broken.after),
            Choice::Swap | Choice::Firmware | Choice::UnitChange => typed,
        }
    }
}

/// What was typed about a break, in base units.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Typed {
    pub(super) counts_from: Option<i64>,
    pub(super) width: Option<i64>,
}

/// What a break would count for a reason; where it had jumped before, what it counts since the last value before
/// that.
pub(super) fn across(broken: &Broken, choice: Choice, typed: Typed) -> Result<i64, Unmeasured> {
    let point = |segment: u32, value: i64, read_at: Instant| ReadingPoint {
        segment,
        value,
        read_at,
        grade: Grade::C,
        source: ReadingSource::Printer,
    };
    if let (Choice::Spike, Some(jump)) = (choice, broken.jump) {
        return Ok(broken.after.saturating_sub(jump.low));
    }
    let before_at = broken.before_at.unwrap_or(broken.at);
    let Some(before) = broken.before else { return Err(Unmeasured::Break { from: before_at, to: broken.at }) };
    Break {
        from: point(1, before, before_at),
        to: point(2, broken.after, broken.at),
        reason: choice.reason(),
        counts_from: choice.counts_from(broken, typed.counts_from),
        width: typed.width.filter(|_| choice == Choice::Rollover),
    }
    .across()
}

/// The numbers of a form in base units; what cannot be read is put into `wrong`.
pub(super) fn typed(form: &FormData, broken: &Broken, wrong: &mut Wrong) -> Typed {
    let mut number = |name: &'static str| {
        let text = form.text(name);
        if text.is_empty() {
            return None;
        }
        let read = match unit_of(&broken.meter) {
            Some(unit) => unit.parse(text),
            None => text.parse().ok(),
        };
        let read = read.filter(|number| *number >= 0);
        if read.is_none() {
            wrong.insert(name, format!("“{text}” is not a plain number, such as 12.5 or 4000."));
        }
        read
    };
    Typed { counts_from: number("counts_from"), width: number("width") }
}

/// What a form decides; else what is wrong with it.
pub(super) fn read(form: &FormData, broken: &Broken) -> Result<(Choice, Typed), Wrong> {
    let mut wrong = Wrong::new();
    let typed = typed(form, broken, &mut wrong);
    let choice = Choice::of(broken).find(|choice| choice.word() == form.text("reason"));
    if choice.is_none() {
        wrong.insert("reason", "Choose why the counter did not go on.".to_owned());
    }
    if let Err(words) = note_fits(form.text("note")) {
        wrong.insert("note", words);
    }
    let Some(choice) = choice.filter(|_| wrong.is_empty()) else { return Err(wrong) };
    let refused = match (choice, across(broken, choice, typed)) {
        (Choice::Rollover, Err(_)) if typed.width.is_none() => {
            Some(("width", "Say after which value the counter begins again."))
        }
        (Choice::Rollover, Err(_)) => Some(("width", "The counter showed more than that before it began again.")),
        (_, Err(_)) if choice.counts_from(broken, typed.counts_from).is_some() => {
            Some(("counts_from", "It shows less than that now, so that it cannot have counted from there."))
        }
        _ => None,
    };
    match refused {
        Some((field, words)) => Err(Wrong::from([(field, words.to_owned())])),
        None => Ok((choice, typed)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::page_store::Jump;
    use super::*;

    fn form(text: &str) -> FormData {
        FormData::parse(text.as_bytes())
    }

    #[test]
    fn a_form_says_why_and_from_where_it_counts() {
        let fell = Broken::sample(SegmentReason::Decrease, 4_294_967_200, 105);
        // The form, the reason, counts from, what counts.
        let cases = [
            ("reason=reset", SegmentReason::Reset, Some(0), Ok(105)),
            ("reason=reset&counts_from=100", SegmentReason::Reset, Some(100), Ok(5)),
            ("reason=rollover&width=4294967296", SegmentReason::Rollover, None, Ok(201)),
            ("reason=swap&counts_from=3", SegmentReason::Swap, Some(3), Ok(102)),
            ("reason=firmware", SegmentReason::Firmware, None, Err(())),
        ];
        for (text, reason, from, counted) in cases {
            let (choice, typed) = read(&form(text), &fell).expect("it can be");
            assert_eq!(choice.reason(), reason, "{text}");
            assert_eq!(choice.counts_from(&fell, typed.counts_from), from, "{text}");
            assert_eq!(across(&fell, choice, typed).map_err(|_| ()), counted, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_at_its_field() {
        let fell = Broken::sample(SegmentReason::Decrease, 140, 30);
        let cases = [
            ("", "reason"),
            ("reason=install", "reason"),
            // Nothing says that another interface gave it.
            ("reason=goes-on", "reason"),
            ("reason=rollover", "width"),
            ("reason=rollover&width=100", "width"),
            ("reason=rollover&width=many", "width"),
            ("reason=reset&counts_from=31", "counts_from"),
            ("reason=swap&counts_from=-1", "counts_from"),
        ];
        for (text, field) in cases {
            let wrong = read(&form(text), &fell).expect_err(text);
            assert_eq!(wrong.into_keys().collect::<Vec<_>>(), [field], "{text}");
        }
    }

    #[test]
    fn another_interface_goes_on_or_begins_anew() {
        let rose = Broken::sample(SegmentReason::Interface, 100, 900);
        let (on, typed) = read(&form("reason=goes-on"), &rose).expect("it rose");
        assert_eq!(across(&rose, on, typed), Ok(800));
        let (anew, typed) = read(&form("reason=anew"), &rose).expect("another interface");
        assert_eq!(across(&rose, anew, typed), Ok(0));
        let fell = Broken::sample(SegmentReason::Interface, 900, 100);
        assert!(read(&form("reason=goes-on"), &fell).is_err(), "what fell does not go on");
    }

    #[test]
    fn what_had_jumped_can_be_said_to_have_been_too_high() {
        let fell = Broken::sample(SegmentReason::Decrease, 1_000_002, 18_540);
        assert!(read(&form("reason=spike"), &fell).is_err(), "nothing says that it had jumped");
        let jump = Jump { low: 18_531, low_at: Instant(1_000), high: 999_999, since: Instant(2_000) };
        let fell = Broken { jump: Some(jump), ..fell };
        let (choice, typed) = read(&form("reason=spike"), &fell).expect("it had jumped");
        assert_eq!((choice.reason(), choice.counts_from(&fell, None)), (SegmentReason::Spike, None));
        assert_eq!(across(&fell, choice, typed), Ok(9));
    }

    #[test]
    fn what_came_back_can_be_misread_and_a_rise_is_no_reset() {
        let fell = Broken { pair: Some(Instant(12_000)), ..Broken::sample(SegmentReason::Decrease, 18_531, 0) };
        let rose = Broken { pair: Some(Instant(9_000)), ..Broken::sample(SegmentReason::Rise, 0, 18_531) };
        let (misread, _) = read(&form("reason=misread"), &fell).expect("it came back");
        assert_eq!(across(&fell, misread, Typed::default()).map_err(|_| ()), Err(()));
        let (rise, typed) = read(&form("reason=rose"), &rose).expect("it rose");
        assert_eq!((rise.reason(), across(&rose, rise, typed)), (SegmentReason::Rise, Ok(18_531)));
        assert!(read(&form("reason=reset"), &rose).is_err(), "a rise is no reset");
        assert!(read(&form("reason=misread"), &Broken::sample(SegmentReason::Decrease, 140, 30)).is_err(), "not back");
    }
}

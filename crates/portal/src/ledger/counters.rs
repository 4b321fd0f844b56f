//! What a reading means for a counter that is known: it goes on, it broke, it comes late, or it is another
//! interface's.
//!
//! A counter is the series of one interface of its printer. What another interface gives under the same name
//! stands aside, until the counter's own is silent for long or a person says which one to follow. Deliberately
//! absent: why a counter broke (see `breaks`), and where a late reading belongs (see `late`).

use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use billing::ledger::segments::observe_elsewhere;
use billing::{CounterState, Observation, SegmentReason, comes_back, falls_back, hold, observe, too_much};
use evidence::{SILENCE, same_series, series_of};
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Other interfaces that are remembered of a counter.
const OTHERS_MAX: usize = 4;
/// How far the believed clocks of two agents may be apart: each may be off by ten minutes.
const CLOCKS_APART: Duration = Duration::minutes(20);

const COUNTERS: &str = "select reseller_id, printer_id, meter, media, segment, value, read_at, source, opened_at,
    opened_value, fell_at, fell_from, agent_id, bit, others, other_value, other_at, jump_from, jump_to from counter";
/// Which interface people said that counters follow.
const WANTED: &str = "select reseller_id, printer_id, meter, media, said_at, source, note, person_id
    from counter_source";
const COUNTER: Bulk = Bulk {
    table: "counter",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("segment", Kind::Int),
        ("value", Kind::Int),
        ("read_at", Kind::Int),
        ("source", Kind::Text),
        ("opened_at", Kind::Int),
        ("opened_value", Kind::Int),
        ("fell_at", Kind::Int),
        ("fell_from", Kind::Int),
        ("agent_id", Kind::Text),
        ("bit", Kind::Int),
        ("others", Kind::Text),
        ("other_value", Kind::Int),
        ("other_at", Kind::Int),
        ("jump_from", Kind::Int),
        ("jump_to", Kind::Int),
    ],
    key: 4,
    on_conflict: "do update set segment = excluded.segment, value = excluded.value, read_at = excluded.read_at,
                  source = excluded.source, opened_at = excluded.opened_at, opened_value = excluded.opened_value,
                  fell_at = excluded.fell_at, fell_from = excluded.fell_from, agent_id = excluded.agent_id,
                  bit = excluded.bit, others = excluded.others, other_value = excluded.other_value,
                  other_at = excluded.other_at, jump_from = excluded.jump_from, jump_to = excluded.jump_to",
};

/// Reseller, printer, meter, media type.
pub(super) type CounterKey = (i64, i64, String, String);
/// Reseller and printer.
pub(super) type PrinterId = (i64, i64);
/// Counters as they are known.
pub(super) type Counters = BTreeMap<CounterKey, Counter>;

/// A counter as its last reading left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) state: CounterState,
    /// The interface whose series it is; empty where none is known.
    source: String,
    /// The agent that read it last; empty where that is not known.
    agent: String,
    /// The first reading of the open segment, and its value.
    opened: Option<(Instant, i64)>,
    /// When it fell and what it showed before, where it has not come back.
    fell: Option<(Instant, i64)>,
    /// Its largest rise in one step since the open segment began, or to its first value: from, to.
    jump: Option<(i64, i64)>,
    /// The bit of its row in `reading_set.counted`.
    bit: i64,
    /// The other interfaces that gave one of its name, the last one first.
    others: Vec<String>,
    /// When the last of them did, and the value.
    other: Option<(Instant, i64)>,
    /// The interface that a person wants it to follow.
    wanted: Option<Wanted>,
}

/// What a person said of the interface that a counter follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    source: String,
    pub(super) note: String,
    pub(super) person: i64,
}

impl Counter {
    /// What it usually counts in a day, base units; `None` before it was watched for a day.
    pub(super) fn usual_daily(&self) -> Option<i64> {
        usual_daily(self.opened?, (self.state.read_at, self.state.value))
    }

    /// The interface whose series it is; empty where none is known.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Since when its value is back by such a rise where it had fallen: the instant of the fall.
    fn back(&self, to: i64) -> Option<Instant> {
        let ((fell_at, before), (_, low)) = (self.fell?, self.opened?);
        comes_back((before, low), (self.state.value, to)).then_some(fell_at)
    }

    /// Whether a fall to this value takes a jump back.
    pub(super) fn falls_back(&self, to: i64) -> bool {
        self.jump.is_some_and(|jump| falls_back(jump, (self.state.value, to)))
    }

    /// Its largest rise in one step after a reading: a segment that opens forgets those before it.
    fn jump_with(&self, said: &Said<'_>, opens: bool) -> Option<(i64, i64)> {
        let rise = Some((self.state.value, said.value)).filter(|(from, to)| from < to);
        let known = self.jump.filter(|_| !opens);
        known.into_iter().chain(rise).max_by_key(|(from, to)| i128::from(*to) - i128::from(*from))
    }

    /// Whether a rise after a break is more than the contract says that the time can bring.
    fn is_too_much(&self, said: &Said<'_>) -> bool {
        let between = said.read_at.since(self.state.read_at);
        let is_too_much = |most: i64| too_much((self.state.value, said.value), between, most);
        self.state.segment > 1 && said.daily_most.is_some_and(is_too_much)
    }

    /// Whether a lower value is another agent's, read so soon after that its clock may be the reason.
    fn is_of_another_clock(&self, said: &Said<'_>) -> bool {
        let is_another = !self.agent.is_empty() && self.agent != said.agent;
        is_another && said.read_at.since(self.state.read_at) <= CLOCKS_APART
    }
}

/// What a counter usually counts in a day, base units, rounded up, from the first and the last reading of a
/// segment; `None` where less than a day lies between them.
pub(crate) fn usual_daily(first: (Instant, i64), last: (Instant, i64)) -> Option<i64> {
    let span = last.0.since(first.0).0;
    if span < DAY {
        return None;
    }
    let (rise, span) = (i128::from(last.1) - i128::from(first.1), i128::from(span));
    i64::try_from((rise.max(0) * i128::from(DAY) + span - 1) / span).ok()
}

/// A reading of a counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) value: i64,
    pub(super) read_at: Instant,
    /// The interface that gave it; empty where that is not known.
    pub(super) interface: &'a str,
    pub(super) agent: &'a str,
    /// The bit of its row.
    pub(super) bit: i64,
    /// The most that a day can bring, where the printer's contract says it.
    pub(super) daily_most: Option<i64>,
}

/// What a reading means for its counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is the next reading of the counter.
    Next(Box<Next>),
    /// It comes after later ones, or lies below what another agent read just before.
    Late,
    /// It is another interface's. The counter remembers that; the flag says that it is news.
    Aside(Box<Counter>, bool),
}

/// The next reading of a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) seen: Observation,
    /// The counter from now on.
    pub(super) counter: Counter,
    /// The interface before and that of now, where the counter was handed over.
    pub(super) moved: Option<(String, String)>,
    /// The person who had said so.
    pub(super) wanted: Option<Wanted>,
    /// When the counter fell that is back now.
    pub(super) fell_at: Option<Instant>,
}

/// Judges a reading by the ones before.
pub(super) fn judge(last: Option<&Counter>, said: &Said<'_>) -> Judged {
    let Some(last) = last else {
        let seen = observe(None, said.value, said.read_at);
        let counter = next_counter(None, said, &seen);
        return Judged::Next(Box::new(Next { seen, counter, moved: None, wanted: None, fell_at: None }));
    };
    if said.read_at < last.state.read_at {
        return Judged::Late;
    }
    if !same_series(&last.source, said.interface) {
        return of_another(last, said);
    }
    if said.value < last.state.value && last.is_of_another_clock(said) {
        return Judged::Late;
    }
    let mut seen = observe(Some(&last.state), said.value, said.read_at);
    let fell_at = if seen.opened.is_none() { last.back(said.value) } else { None };
    if fell_at.is_some() || (seen.opened.is_none() && last.is_too_much(said)) {
        seen = hold(&last.state, said.value, said.read_at);
    }
    let counter = next_counter(Some(last), said, &seen);
    Judged::Next(Box::new(Next { seen, counter, moved: None, wanted: None, fell_at }))
}

/// Judges a reading of another interface than the counter's.
fn of_another(last: &Counter, said: &Said<'_>) -> Judged {
    let wanted = last.wanted.clone().filter(|wanted| wanted.source == said.interface);
    if wanted.is_none() && said.read_at < last.state.read_at.plus(SILENCE) {
        let is_news = !last.others.iter().any(|known| known == said.interface);
        let others = last.others.iter().filter(|known| *known != said.interface).cloned();
        let others = std::iter::once(said.interface.to_owned()).chain(others).take(OTHERS_MAX).collect();
        let counter = Counter { others, other: Some((said.read_at, said.value)), ..last.clone() };
        return Judged::Aside(Box::new(counter), is_news);
    }
    let seen = observe_elsewhere(&last.state, said.value, said.read_at, last.usual_daily());
    let moved = Some((last.source.clone(), said.interface.to_owned()));
    let mut counter = next_counter(Some(last), said, &seen);
    said.interface.clone_into(&mut counter.source);
    counter.others.retain(|known| known != said.interface);
    counter.other = None;
    Judged::Next(Box::new(Next { seen, counter, moved, wanted, fell_at: None }))
}

/// The counter after a reading of its series.
fn next_counter(last: Option<&Counter>, said: &Said<'_>, seen: &Observation) -> Counter {
    let known = last.map_or("", |last| last.source.as_str());
    let fell = match (last, &seen.opened) {
        (Some(last), None) => last.fell.filter(|(_, before)| said.value < *before),
        (Some(last), Some(opened)) if opened.reason == SegmentReason::Decrease => {
            Some((opened.opened_at, last.state.value))
        }
        _ => None,
    };
    let opened = match &seen.opened {
        Some(opened) => Some((opened.opened_at, opened.first_value)),
        None => last.and_then(|last| last.opened),
    };
    Counter {
        state: seen.state,
        source: series_of(known, said.interface).to_owned(),
        agent: said.agent.to_owned(),
        opened,
        fell,
        jump: last.and_then(|last| last.jump_with(said, seen.opened.is_some())),
        bit: said.bit,
        others: last.map(|last| last.others.clone()).unwrap_or_default(),
        other: last.and_then(|last| last.other),
        wanted: last.and_then(|last| last.wanted.clone()),
    }
}

/// The counters of these printers. Gives none for a printer that has none.
pub(super) fn load(tx: &mut Tx<'_>, printers: &[Vec<Param>]) -> Result<Counters, DbError> {
    let found = tx.query_any(COUNTERS, &["reseller_id", "printer_id"], printers, |row| {
        let key = (row.int(0)?, row.int(1)?, row.text(2)?, row.text(3)?);
        let segment = u32::try_from(row.int(4)?).unwrap_or(u32::MAX);
        let state = CounterState { segment, value: row.int(5)?, read_at: Instant(row.int(6)?) };
        let counter = Counter {
            state,
            source: row.text(7)?,
            opened: row.opt_int(8)?.map(Instant).zip(row.opt_int(9)?),
            fell: row.opt_int(10)?.map(Instant).zip(row.opt_int(11)?),
            agent: row.text(12)?,
            bit: row.int(13)?,
            others: row.text(14)?.split_whitespace().map(str::to_owned).collect(),
            other: row.opt_int(16)?.map(Instant).zip(row.opt_int(15)?),
            jump: row.opt_int(17)?.zip(row.opt_int(18)?),
            wanted: None,
        };
        Ok((key, counter))
    })?;
    let mut counters: Counters = found.into_iter().collect();
    let mut said = tx.query_any(WANTED, &["reseller_id", "printer_id"], printers, |row| {
        let key = (row.int(0)?, row.int(1)?, row.text(2)?, row.text(3)?);
        Ok((row.int(4)?, key, Wanted { source: row.text(5)?, note: row.text(6)?, person: row.int(7)? }))
    })?;
    // The last word counts.
    said.sort_by_key(|(said_at, ..)| *said_at);
    for (_, key, wanted) in said {
        if let Some(counter) = counters.get_mut(&key) {
            counter.wanted = Some(wanted);
        }
    }
    Ok(counters)
}

/// Keeps the counters that moved.
pub(super) fn keep(tx: &mut Tx<'_>, moved: &Counters) -> Result<(), DbError> {
    let row = |((reseller, printer, meter, media), counter): (&CounterKey, &Counter)| {
        let Counter { state, source, agent, opened, fell, jump, bit, others, other, wanted: _ } = counter;
        let (opened_at, opened_value) = (opened.map(|(at, _)| at), opened.map(|(_, value)| value));
        let (fell_at, fell_from) = (fell.map(|(at, _)| at), fell.map(|(_, value)| value));
        let (other_at, other_value) = (other.map(|(at, _)| at), other.map(|(_, value)| value));
        let (jump_from, jump_to) = (jump.map(|(from, _)| from), jump.map(|(_, to)| to));
        let (segment, others) = (i64::from(state.segment), others.join(" "));
        params![
            *reseller,
            *printer,
            meter,
            media,
            segment,
            state.value,
            state.read_at,
            source,
            opened_at,
            opened_value,
            fell_at,
            fell_from,
            agent,
            *bit,
            others,
            other_value,
            other_at,
            jump_from,
            jump_to
        ]
        .to_vec()
    };
    COUNTER.insert(tx, &moved.iter().map(row).collect::<Vec<_>>())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instant in milliseconds, value, interface, agent; what becomes of it.
    type Step<'a> = (i64, i64, &'a str, &'a str, Became);

    /// What becomes of a reading.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Became {
        /// It goes on in that segment.
        On(u32),
        /// It opens that segment.
        Opens(u32, SegmentReason),
        /// The counter is handed over and goes on in that segment.
        Over(u32),
        Late,
        /// It is another interface's; whether that is news.
        Aside(bool),
    }
    use Became::{Aside, Late, On, Opens, Over};

    fn said<'a>((at, value, interface, agent): (i64, i64, &'a str, &'a str)) -> Said<'a> {
        Said { value, read_at: Instant(at), interface, agent, bit: 2, daily_most: None }
    }

    fn became(judged: &Judged) -> Became {
        match judged {
            Judged::Late => Late,
            Judged::Aside(_, is_news) => Aside(*is_news),
            Judged::Next(next) => match (&next.seen.opened, &next.moved) {
                (Some(opened), _) => Opens(opened.number, opened.reason),
                (None, Some(_)) => Over(next.seen.segment),
                (None, None) => On(next.seen.segment),
            },
        }
    }

    /// The counter after these steps.
    fn told(first: Option<Counter>, daily_most: Option<i64>, steps: &[Step<'_>]) -> Option<Counter> {
        let mut counter = first;
        for (at, value, interface, agent, expected) in steps {
            let said = Said { daily_most, ..said((*at, *value, *interface, *agent)) };
            let judged = judge(counter.as_ref(), &said);
            assert_eq!(became(&judged), *expected, "{value} at {at} over {interface}");
            counter = match judged {
                Judged::Next(next) => Some(next.counter),
                Judged::Aside(aside, _) => Some(*aside),
                Judged::Late => counter,
            };
        }
        counter
    }

    const INSTALL: Became = Opens(1, SegmentReason::Install);

    #[test]
    fn another_interface_stands_aside_while_the_counter_s_own_is_read() {
        let counter = told(
            None,
            None,
            &[
                (0, 2_000, "piws", "a", INSTALL),
                (DAY, 500, "ledm", "b", Aside(true)),
                (DAY + 1, 2_010, "piws", "a", On(1)),
                (2 * DAY, 510, "ledm", "b", Aside(false)),
                (3 * DAY, 2_020, "piws", "a", On(1)),
                (3 * DAY, 9, "snmp", "b", Aside(true)),
                (3 * DAY + 1, 2_020, "", "a", On(1)),
                (2 * DAY, 2_015, "piws", "a", Late),
            ],
        );
        let counter = counter.expect("a counter");
        assert_eq!((counter.source(), counter.others.join(" ").as_str()), ("piws", "snmp ledm"));
        assert_eq!((counter.other, counter.state.value), (Some((Instant(3 * DAY), 9)), 2_020));
    }

    #[test]
    fn a_printer_s_own_agent_and_its_interface_are_one_series() {
        let counter = told(
            None,
            None,
            &[
                (0, 100, "firmware", "own", INSTALL),
                (HOUR, 130, "piws", "collector", On(1)),
                (2 * HOUR, 900, "firmware", "own", On(1)),
                (3 * HOUR, 40, "ledm", "collector", Aside(true)),
            ],
        );
        assert_eq!(counter.expect("a counter").source(), "piws");
    }

    #[test]
    fn after_seven_days_of_silence_another_interface_takes_over() {
        let interface = SegmentReason::Interface;
        let start = [(0, 1_000, "piws", "a", INSTALL), (10 * DAY, 2_000, "piws", "a", On(1))];
        let known = told(None, None, &start);
        let silent = 17 * DAY;
        told(known.clone(), None, &[(silent - 1, 2_300, "ledm", "b", Aside(true))]);
        // 100 a day: the value goes on.
        let over = told(known.clone(), None, &[(silent, 2_300, "ledm", "b", Over(1))]).expect("a counter");
        assert_eq!((over.source(), over.others.len(), over.other), ("ledm", 0, None));
        told(Some(over), None, &[(silent + 1, 2_100, "piws", "a", Aside(true))]);
        for value in [500, 9_000] {
            told(known.clone(), None, &[(silent, value, "ledm", "b", Opens(2, interface))]);
        }
        // Or at once, where a person said so.
        let wanted = Some(Wanted { source: "ledm".to_owned(), note: String::new(), person: 7 });
        let followed = known.map(|counter| Counter { wanted, ..counter });
        let next = judge(followed.as_ref(), &said((11 * DAY, 2_050, "ledm", "b")));
        assert!(matches!(&next, Judged::Next(next) if next.wanted.is_some() && next.moved.is_some()), "{next:?}");
        told(
            followed,
            None,
            &[(11 * DAY, 2_050, "snmp", "b", Aside(true)), (12 * DAY, 80, "ledm", "b", Opens(2, interface))],
        );
    }

    #[test]
    fn a_value_that_comes_back_after_a_fall_is_held() {
        let (fell, rise) = (SegmentReason::Decrease, SegmentReason::Rise);
        let dip = [(0, 18_531, "", "a", INSTALL), (HOUR, 0, "", "a", Opens(2, fell))];
        let low = told(None, None, &dip);
        told(low.clone(), None, &[(2 * HOUR, 18_531, "", "a", Opens(3, rise)), (3 * HOUR, 18_540, "", "a", On(3))]);
        // Printed from zero on it is no way back.
        let slowly =
            [(2 * HOUR, 5_000, "", "a", On(2)), (3 * HOUR, 12_000, "", "a", On(2)), (4 * HOUR, 18_600, "", "a", On(2))];
        told(low.clone(), None, &slowly);
        // After a break no day brings more than the contract says, back or not.
        told(
            low.clone(),
            Some(1_000),
            &[(2 * HOUR, 1_000, "", "a", On(2)), (3 * HOUR, 2_001, "", "a", Opens(3, rise))],
        );
        // Before any break nothing is doubted.
        told(None, Some(1_000), &[(0, 5, "", "a", INSTALL), (HOUR, 9_000, "", "a", On(1))]);
        let back = judge(low.as_ref(), &said((2 * HOUR, 18_531, "", "a")));
        assert!(matches!(&back, Judged::Next(next) if next.fell_at == Some(Instant(HOUR))), "{back:?}");
    }

    #[test]
    fn a_fall_takes_back_the_largest_step_since_the_last_break() {
        let fell = SegmentReason::Decrease;
        let high = [
            (0, 18_500, "", "a", INSTALL),
            (HOUR, 18_531, "", "a", On(1)),
            (2 * HOUR, 999_999, "", "a", On(1)),
            (3 * HOUR, 1_000_002, "", "a", On(1)),
        ];
        let counter = told(None, None, &high).expect("a counter");
        assert_eq!(counter.jump, Some((18_531, 999_999)));
        assert_eq!([18_530, 18_531, 18_540, 999_999].map(|to| counter.falls_back(to)), [false, true, true, false]);
        let after = told(Some(counter), None, &[(4 * HOUR, 18_540, "", "a", Opens(2, fell))]).expect("a counter");
        assert_eq!((after.jump, after.falls_back(18_531)), (None, false));
        // A rise that is held opens a segment, and is one.
        let rise = SegmentReason::Rise;
        let held = told(Some(after), None, &[(5 * HOUR, 1_000_002, "", "a", Opens(3, rise))]).expect("a counter");
        assert!(held.falls_back(18_550));
    }

    #[test]
    fn a_lower_value_of_another_agent_within_what_clocks_may_be_off_is_no_fall() {
        let minute = 60_000;
        let fell = SegmentReason::Decrease;
        told(
            None,
            None,
            &[
                (0, 12_200, "", "b", INSTALL),
                (3 * minute, 12_000, "", "a", Late),
                (20 * minute, 12_000, "", "a", Late),
                (4 * minute, 12_300, "", "a", On(1)),
                (5 * minute, 12_100, "", "a", Opens(2, fell)),
                (6 * minute, 12_100, "", "b", On(2)),
                (27 * minute, 3, "", "a", Opens(3, fell)),
            ],
        );
    }

    #[test]
    fn the_usual_of_a_day_is_rounded_up() {
        let daily = |days: i64, rise: i64| usual_daily((Instant(0), 100), (Instant(days * DAY), 100 + rise));
        for (days, rise, usual) in [(10, 1_000, Some(100)), (10, 1, Some(1)), (10, 0, Some(0)), (0, 50, None)] {
            assert_eq!(daily(days, rise), usual, "{rise} in {days} days");
        }
    }

    const HOUR: i64 = 3_600_000;
}

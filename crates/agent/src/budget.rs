//! The wire budget: how much an agent may say in any 30 minutes, counted as it goes over the wire.
//!
//! Pure: the caller says what was spent, keeps the budget with its other durable values, and asks when
//! the next exchange is allowed. Ordinary traffic leaves a reserve that only alerts may use. Deliberately
//! absent: a measurement of the network; what TLS and TCP add is a stated allowance.

use report::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// Bytes in any 30 minutes: 0.01 % of 5 Mbit/s.
pub const WINDOW_BYTES: u64 = 112_500;
/// Of [`WINDOW_BYTES`], what packages and beats may not touch: one message with some alerts.
pub const ALERT_RESERVE: u64 = 16_000;
/// Bytes in any 30 minutes while old records wait: 1 % of 5 Mbit/s.
pub const CATCH_UP: u64 = 11_250_000;
/// Records that wait longer than this are caught up with at the faster rate.
pub const CATCH_UP_AFTER: Duration = Duration::hours(6);
/// What one exchange adds for TCP and TLS 1.3 with a certificate chain, both ways.
pub const CONNECTION_BYTES: u64 = 8_000;
/// What a try costs that comes to no connection: a look into the DNS and some packets without content.
pub const UNREACHED_BYTES: u64 = 500;
/// What is set aside for an answer before it is there. A longer one is counted when it came.
pub const ANSWER_BYTES: u64 = 2_048;
/// Length of the window. Spending is noted by the minute.
const WINDOW_MINUTES: i64 = 30;
const MINUTE: i64 = 60_000;

/// Who spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Alerts: they have the reserve.
    Alerts,
    /// Packages, beats and everything else.
    Ordinary,
}

/// What was spent in the last 30 minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    spent: Vec<Spent>,
}

/// What was spent in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spent {
    /// Minutes since 1970.
    minute: i64,
    alerts: u64,
    ordinary: u64,
}

/// What an exchange costs whose headers and bodies, both ways, are `bytes` long: with the connection,
/// and 8 % for packet headers.
pub fn cost(bytes: u64) -> u64 {
    let bytes = bytes.saturating_add(CONNECTION_BYTES);
    bytes.saturating_add(bytes.saturating_mul(8).div_ceil(100))
}

fn minute(at: Instant) -> i64 {
    at.0.div_euclid(MINUTE)
}

/// Whether `cost` is allowed beside what alerts and others spent already.
fn allows(lane: Lane, (alerts, ordinary): (u64, u64), cost: u64, limit: u64) -> bool {
    let total = |parts: [u64; 3]| parts.into_iter().fold(0, u64::saturating_add);
    match lane {
        Lane::Alerts => alerts.saturating_add(cost) <= ALERT_RESERVE || total([alerts, ordinary, cost]) <= limit,
        Lane::Ordinary => total([ordinary, alerts.max(ALERT_RESERVE), cost]) <= limit,
    }
}

impl Budget {
    /// When an exchange of `cost` is allowed: `now`, or the minute in which enough has left the window.
    /// `limit` is [`WINDOW_BYTES`] or the rate of catching up.
    ///
    /// What is larger than the limit itself is allowed when nothing else was spent, so that nothing waits for ever.
    pub fn free_at(&self, now: Instant, lane: Lane, cost: u64, limit: u64) -> Instant {
        let left = self.left(now);
        if allows(lane, sum(&left), cost, limit) {
            return now;
        }
        for (index, gone) in left.iter().enumerate() {
            if allows(lane, sum(&left[index + 1..]), cost, limit) {
                return leaves(gone.minute);
            }
        }
        left.last().map_or(now, |last| leaves(last.minute))
    }

    /// How many bytes the headers and bodies of one ordinary exchange may have now, both ways: `cost` of so many is
    /// allowed, and of one more it is not. 0 also where not even the connection is allowed.
    pub fn room(&self, now: Instant, limit: u64) -> u64 {
        let (alerts, ordinary) = sum(&self.left(now));
        let free = limit.saturating_sub(ordinary.saturating_add(alerts.max(ALERT_RESERVE)));
        // 8 % are added for packet headers.
        (free.saturating_mul(100) / 108).saturating_sub(CONNECTION_BYTES)
    }

    /// What counts at `now`, by the minute.
    fn left(&self, now: Instant) -> Vec<Spent> {
        let oldest = minute(now).saturating_sub(WINDOW_MINUTES);
        // A clock that was set back must not make old spending last for years.
        let mut left: Vec<Spent> = self.spent.iter().filter(|spent| spent.minute >= oldest).copied().collect();
        left.iter_mut().for_each(|spent| spent.minute = spent.minute.min(minute(now)));
        left.sort_by_key(|spent| spent.minute);
        left
    }

    /// Notes that `bytes` were spent, or will be at once.
    pub fn charge(&mut self, now: Instant, lane: Lane, bytes: u64) {
        let minute = minute(now);
        let oldest = minute.saturating_sub(WINDOW_MINUTES);
        self.spent.retain(|spent| spent.minute >= oldest);
        for spent in &mut self.spent {
            spent.minute = spent.minute.min(minute);
        }
        let index = self.spent.iter().position(|spent| spent.minute == minute).unwrap_or_else(|| {
            self.spent.push(Spent { minute, ..Spent::default() });
            self.spent.len() - 1
        });
        let spent = &mut self.spent[index];
        match lane {
            Lane::Alerts => spent.alerts = spent.alerts.saturating_add(bytes),
            Lane::Ordinary => spent.ordinary = spent.ordinary.saturating_add(bytes),
        }
    }

    /// Corrects a charge made at `then`, when it is known what the exchange really cost.
    pub fn settle(&mut self, then: Instant, now: Instant, lane: Lane, (charged, cost): (u64, u64)) {
        if cost > charged {
            self.charge(now, lane, cost - charged);
        } else if let Some(spent) = self.spent.iter_mut().find(|spent| spent.minute == minute(then)) {
            let back = charged - cost;
            match lane {
                Lane::Alerts => spent.alerts = spent.alerts.saturating_sub(back),
                Lane::Ordinary => spent.ordinary = spent.ordinary.saturating_sub(back),
            }
        }
    }
}

/// What alerts and others spent.
fn sum(spent: &[Spent]) -> (u64, u64) {
    spent.iter().fold((0, 0), |(alerts, ordinary), spent| {
        (alerts.saturating_add(spent.alerts), ordinary.saturating_add(spent.ordinary))
    })
}

/// The start of the first minute in which what was spent in `minute` no longer counts.
fn leaves(minute: i64) -> Instant {
    Instant(minute.saturating_add(WINDOW_MINUTES + 1).saturating_mul(MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::sample::Rng;

    const START: Instant = Instant(1_793_448_000_000);

    fn at(minutes: i64) -> Instant {
        START.plus(Duration::minutes(minutes))
    }

    #[test]
    fn what_is_spent_leaves_the_window_after_thirty_minutes() {
        let mut budget = Budget::default();
        budget.charge(START, Lane::Ordinary, 90_000);
        assert_eq!(budget.free_at(START, Lane::Ordinary, 6_500, WINDOW_BYTES), START);
        assert_eq!(budget.free_at(START, Lane::Ordinary, 6_501, WINDOW_BYTES), at(31));
        assert_eq!(budget.free_at(at(31), Lane::Ordinary, 90_000, WINDOW_BYTES), at(31));
    }

    #[test]
    fn alerts_have_their_reserve_even_after_catching_up() {
        let mut budget = Budget::default();
        budget.charge(START, Lane::Ordinary, CATCH_UP);
        assert_eq!(budget.free_at(START, Lane::Alerts, ALERT_RESERVE, WINDOW_BYTES), START);
        budget.charge(START, Lane::Alerts, ALERT_RESERVE);
        assert_eq!(budget.free_at(START, Lane::Alerts, 1, WINDOW_BYTES), at(31));
        assert_eq!(Budget::default().free_at(START, Lane::Ordinary, 2 * WINDOW_BYTES, WINDOW_BYTES), START);
    }

    #[test]
    fn there_is_room_for_exactly_what_is_allowed() {
        for (ordinary, alerts) in [(0, 0), (11_234, 0), (40_000, 15_999), (40_001, 30_000), (87_859, 0)] {
            let mut budget = Budget::default();
            budget.charge(START, Lane::Ordinary, ordinary);
            budget.charge(START, Lane::Alerts, alerts);
            let room = budget.room(START, WINDOW_BYTES);
            let free_at = |bytes: u64| budget.free_at(START, Lane::Ordinary, cost(bytes), WINDOW_BYTES);
            assert_eq!(free_at(room), START, "{ordinary} {alerts}");
            assert_eq!(free_at(room + 1), at(31), "{ordinary} {alerts}");
        }
        let mut budget = Budget::default();
        budget.charge(START, Lane::Ordinary, WINDOW_BYTES);
        assert_eq!(budget.room(START, WINDOW_BYTES), 0);
        assert!(budget.room(START, CATCH_UP) > WINDOW_BYTES);
    }

    #[test]
    fn a_clock_set_back_by_years_blocks_nothing_for_longer_than_the_window() {
        let mut budget = Budget::default();
        budget.charge(at(5_000_000), Lane::Ordinary, 90_000);
        assert_eq!(budget.free_at(START, Lane::Ordinary, 50_000, WINDOW_BYTES), at(31));
        budget.charge(START, Lane::Ordinary, 1);
        assert_eq!(budget.free_at(at(31), Lane::Ordinary, 50_000, WINDOW_BYTES), at(31));
    }

    #[test]
    fn no_thirty_minutes_of_a_thousand_days_hold_more_than_the_budget_whatever_is_asked_for() {
        let mut rng = Rng::new(8);
        let (mut budget, mut now, mut spent) = (Budget::default(), START, Vec::<(Instant, u64)>::new());
        while now < START.plus(Duration::hours(24 * 1000)) {
            now = now.plus(Duration(rng.between(1, 40 * MINUTE)));
            let lane = if rng.chance(200_000) { Lane::Alerts } else { Lane::Ordinary };
            let (low, high) = if lane == Lane::Alerts { (500, 4_000) } else { (500, 78_000) };
            let cost = cost(u64::try_from(rng.between(low, high)).expect("positive"));
            if rng.chance(10_000) {
                // A restart: what is kept is what was written.
                let kept = serde_json::to_string(&budget).expect("serialises");
                budget = serde_json::from_str(&kept).expect("reads");
            }
            let free_at = budget.free_at(now, lane, cost, WINDOW_BYTES);
            assert!(free_at.since(now) <= Duration::minutes(31), "{now} waits until {free_at}");
            if free_at > now {
                continue;
            }
            budget.charge(now, lane, cost);
            let less = cost - u64::try_from(rng.between(0, 400)).expect("positive");
            budget.settle(now, now, lane, (cost, less));
            spent.push((now, less));
            spent.retain(|(then, _)| now.since(*then) <= Duration::minutes(30));
            let total: u64 = spent.iter().map(|(_, cost)| cost).sum();
            assert!(total <= WINDOW_BYTES, "{total} bytes in the 30 minutes before {now}");
        }
    }
}

//! Which addresses of the ranges were asked who they are, and which are still to ask: each at most once
//! a day, whatever the portal says and however often the program starts.
//!
//! Pure, with a text form to keep. Deliberately absent: what answered where. Of an address without a
//! supported printer nothing is known but that it was asked.

use protocol::ranges::Span;
use report::{Duration, Instant};
use std::net::IpAddr;

/// An address is asked again after this time.
const AGAIN: Duration = Duration::hours(24);
/// Gaps that are remembered. With more, the rest of the day is over: nothing more is asked.
const SPANS_MAX: usize = 4096;

/// The addresses asked since an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sweep {
    since: Instant,
    /// Sorted, without overlap.
    asked: Vec<Span>,
}

impl Sweep {
    /// A sweep that has asked nobody.
    pub(crate) fn new(now: Instant) -> Sweep {
        Sweep { since: now, asked: Vec::new() }
    }

    /// Reads what [`Sweep::to_text`] wrote. What does not read, lies in the future or is a day old is a
    /// new sweep.
    pub(crate) fn parse(text: &str, now: Instant) -> Sweep {
        let mut lines = text.lines();
        let since = lines.next().and_then(|line| line.parse().ok()).map(Instant);
        let Some(since) = since.filter(|since| *since <= now && now.since(*since) < AGAIN) else {
            return Sweep::new(now);
        };
        let asked: Option<Vec<Span>> = lines.take(SPANS_MAX).map(|line| Span::parse(line).ok()).collect();
        asked.map_or_else(|| Sweep::new(now), |asked| Sweep { since, asked })
    }

    /// The form in which it is kept.
    pub(crate) fn to_text(&self) -> String {
        let mut text = self.since.0.to_string();
        for span in &self.asked {
            text.push('\n');
            text.push_str(&span.to_string());
        }
        text
    }

    /// The addresses that were not asked yet, in order.
    pub(crate) fn left(&self, addresses: &[IpAddr]) -> Vec<IpAddr> {
        if self.asked.len() >= SPANS_MAX {
            return Vec::new();
        }
        addresses.iter().copied().filter(|address| self.place(*address).is_err()).collect()
    }

    /// Notes that an address is asked.
    pub(crate) fn note(&mut self, address: IpAddr) {
        let Err(index) = self.place(address) else { return };
        let before = index.checked_sub(1).and_then(|before| self.asked[before].joined(&Span::one(address)));
        match before {
            Some(joined) => self.asked[index - 1] = joined,
            None => self.asked.insert(index, Span::one(address)),
        }
        let index = if before.is_some() { index - 1 } else { index };
        if let Some(joined) = self.asked.get(index + 1).and_then(|after| self.asked[index].joined(after)) {
            self.asked[index] = joined;
            self.asked.remove(index + 1);
        }
    }

    /// Where the span with an address is, or where it would be.
    fn place(&self, address: IpAddr) -> Result<usize, usize> {
        let one = Span::one(address);
        let index = self.asked.partition_point(|span| *span <= one);
        // The last span that begins at or before the address, or the next one when it begins there too.
        let holds = |index: usize| self.asked.get(index).is_some_and(|span| span.contains(address));
        match index.checked_sub(1) {
            Some(before) if holds(before) => Ok(before),
            _ if holds(index) => Ok(index),
            _ => Err(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::sample::Rng;
    use std::collections::BTreeSet;

    const NOW: Instant = Instant(1_793_448_000_000);

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn each_address_is_asked_once_a_day() {
        let addresses: Vec<IpAddr> =
            ["192.0.2.1", "192.0.2.2", "192.0.2.4", "2001:db8::1"].map(address).into_iter().collect();
        let mut sweep = Sweep::new(NOW);
        assert_eq!(sweep.left(&addresses), addresses);
        sweep.note(addresses[1]);
        sweep.note(addresses[0]);
        sweep.note(addresses[3]);
        assert_eq!(sweep.left(&addresses), [addresses[2]]);
        let text = sweep.to_text();
        assert_eq!(text, format!("{}\n192.0.2.1-192.0.2.2\n2001:db8::1", NOW.0));
        let later = Sweep::parse(&text, NOW.plus(Duration::hours(23)));
        assert_eq!(later, sweep);
        assert_eq!(Sweep::parse(&text, NOW.plus(AGAIN)).left(&addresses), addresses);
    }

    #[test]
    fn what_does_not_read_is_a_new_sweep() {
        let future = format!("{}\n192.0.2.1", NOW.0 + 1);
        let damaged = format!("{}\n192.0.2.", NOW.0);
        for text in ["", "x", "\n", future.as_str(), damaged.as_str()] {
            assert_eq!(Sweep::parse(text, NOW), Sweep::new(NOW), "{text:?}");
        }
    }

    #[test]
    fn addresses_in_any_order_join_to_what_a_set_would_hold() {
        let mut rng = Rng::new(5);
        for _ in 0..50 {
            let (mut sweep, mut set) = (Sweep::new(NOW), BTreeSet::new());
            for _ in 0..200 {
                let octet = u8::try_from(rng.between(0, 255)).expect("an octet");
                let address = IpAddr::from([192, 0, 2, octet]);
                sweep.note(address);
                set.insert(address);
                sweep = Sweep::parse(&sweep.to_text(), NOW);
            }
            let all: Vec<IpAddr> = (0..=255).map(|octet| IpAddr::from([192, 0, 2, octet])).collect();
            let left: Vec<IpAddr> = all.iter().copied().filter(|address| !set.contains(address)).collect();
            assert_eq!(sweep.left(&all), left);
            let runs = set.iter().filter(|address| !set.iter().any(|other| Some(*other) == before(address))).count();
            assert_eq!(sweep.asked.len(), runs, "neighbours are one span");
        }
    }

    fn before(address: &IpAddr) -> Option<IpAddr> {
        let IpAddr::V4(address) = address else { return None };
        u32::from(*address).checked_sub(1).map(|number| IpAddr::V4(number.into()))
    }
}

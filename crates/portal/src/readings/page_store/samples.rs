//! A printer and a break of one of its counters, for tests.

use super::{Broken, Machine};
use billing::SegmentReason;
use report::Instant;

impl Machine {
    /// A printer of Kessler in Berlin.
    pub(in crate::readings) fn sample(printer_id: i64) -> Machine {
        Machine {
            printer_id,
            serial: "CN1".to_owned(),
            label: "Hall 2".to_owned(),
            customer_id: 4,
            customer: "Kessler".to_owned(),
            zone: "Europe/Berlin".to_owned(),
        }
    }
}

impl Broken {
    /// A break of its counter of pages.
    pub(in crate::readings) fn sample(reason: SegmentReason, before: i64, after: i64) -> Broken {
        Broken {
            machine: Machine::sample(7),
            meter: "pages".to_owned(),
            media: String::new(),
            at: Instant(9_000),
            before: Some(before),
            after,
            before_at: Some(Instant(5_000)),
            reason,
            note: String::new(),
            sources: (String::new(), String::new()),
            pair: None,
            jump: None,
            decided: None,
            is_of_people: false,
        }
    }
}

//! How often somebody may try to sign in: a bound for each address, and one for all together.
//!
//! Anybody's failed tries count: ten for one address within 15 minutes, by whomever, and nobody signs in
//! with it, its owner neither, until the first of them is 15 minutes old; 100 within a minute, and nobody
//! signs in at all until that minute is over. Who is signed in stays so.
//!
//! Kept in memory only: a restart forgets the tries. Deliberately absent: locking an account for good, and
//! bounds for each network address, since behind a proxy all would have the same.

use report::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Failed tries of one address within [`EACH_SPAN`].
const EACH_MAX: usize = 10;
/// How long a failed try of an address counts.
const EACH_SPAN: Duration = Duration::minutes(15);
/// Failed tries of all addresses within [`ALL_SPAN`].
const ALL_MAX: usize = 100;
/// How long a failed try counts among all.
const ALL_SPAN: Duration = Duration::minutes(1);
/// Addresses that are remembered before old ones are looked for: more than can be recent at once.
const ADDRESSES_MAX: usize = 2_000;

/// The failed tries of late.
#[derive(Default)]
pub(crate) struct Tries(Mutex<Recent>);

#[derive(Default)]
struct Recent {
    each: BTreeMap<String, Vec<Instant>>,
    all: VecDeque<Instant>,
}

impl Tries {
    /// Takes one try for `email`, counted as failed until [`Tries::succeeded`]; false when there were too many.
    pub(super) fn take(&self, email: &str, now: Instant) -> bool {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Recent { each, all } = &mut *recent;
        all.retain(|at| now.since(*at) < ALL_SPAN);
        if all.len() >= ALL_MAX {
            return false;
        }
        if each.len() >= ADDRESSES_MAX {
            each.retain(|_, tries| tries.iter().any(|at| now.since(*at) < EACH_SPAN));
        }
        let tries = each.entry(email.to_owned()).or_default();
        tries.retain(|at| now.since(*at) < EACH_SPAN);
        if tries.len() >= EACH_MAX {
            return false;
        }
        tries.push(now);
        all.push_back(now);
        true
    }

    /// The try that was taken for `email` was right: it counts no more, nor do those before it.
    pub(super) fn succeeded(&self, email: &str) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.each.remove(email);
        recent.all.pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant(1_700_000_000_000);

    #[test]
    fn the_eleventh_try_of_an_address_waits_for_a_quarter_of_an_hour() {
        let tries = Tries::default();
        assert!((0..10).all(|_| tries.take("ada@example.org", START)));
        assert!(!tries.take("ada@example.org", START.plus(Duration::minutes(14))));
        assert!(tries.take("bo@example.org", START));
        assert!(tries.take("ada@example.org", START.plus(Duration::minutes(15))));
    }

    #[test]
    fn a_right_password_clears_its_address() {
        let tries = Tries::default();
        for _ in 0..30 {
            assert!(tries.take("ada@example.org", START));
            tries.succeeded("ada@example.org");
        }
    }

    #[test]
    fn all_addresses_together_have_a_bound_a_minute() {
        let tries = Tries::default();
        assert!((0..100).all(|number| tries.take(&format!("{number}@example.org"), START)));
        assert!(!tries.take("ada@example.org", START));
        assert!(tries.take("ada@example.org", START.plus(ALL_SPAN)));
    }
}

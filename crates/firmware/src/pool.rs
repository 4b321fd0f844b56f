//! Unpredictable bytes, from what the printer's entropy callback gives.
//!
//! The callback is asked once a call, and its failure stops the call before anything is done. What
//! it gives is mixed into a pool that only ever grows in unpredictability, so that a callback that is
//! weak once does not repeat a nonce. Deliberately absent: a source of its own.

use protocol::sha256;
use std::sync::{Mutex, PoisonError};

/// A hash pool: SHA-256 in counter mode, with a key that moves on after each draw.
#[derive(Default)]
pub(crate) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    key: [u8; 32],
    drawn: u64,
}

impl Pool {
    /// Mixes fresh bytes in.
    pub(crate) fn stir(&self, fresh: &[u8; 32]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.key = sha256(&[b"plotmeter/firmware stir", &state.key, fresh]);
    }

    /// Fills `out`.
    pub(crate) fn fill(&self, out: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in out.chunks_mut(32) {
            let block = sha256(&[b"plotmeter/firmware draw", &state.key, &state.drawn.to_be_bytes()]);
            state.drawn = state.drawn.wrapping_add(1);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        // Who reads the memory later does not learn what was drawn before.
        state.key = sha256(&[b"plotmeter/firmware move on", &state.key]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(pool: &Pool) -> [u8; 70] {
        let mut out = [0; 70];
        pool.fill(&mut out);
        out
    }

    #[test]
    fn no_two_draws_are_alike() {
        let pool = Pool::default();
        pool.stir(&[1; 32]);
        let (first, second) = (draw(&pool), draw(&pool));
        assert_ne!(first, second);
        assert_ne!(first[..32], first[32..64]);
        // The same fresh bytes again still lead somewhere else.
        pool.stir(&[1; 32]);
        assert_ne!(draw(&pool), first);
    }

    #[test]
    fn what_was_stirred_in_decides() {
        let (left, right) = (Pool::default(), Pool::default());
        left.stir(&[1; 32]);
        right.stir(&[2; 32]);
        assert_ne!(draw(&left), draw(&right));
    }
}

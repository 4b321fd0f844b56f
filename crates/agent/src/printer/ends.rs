//! The bytes of one answer while they come: all of them up to the cap, and of a longer list its start and its end.
//!
//! Pure. Deliberately absent: what the bytes say.

use drivers::{GAP, limits};

/// Bytes of each end of a list that is too long.
const END_BYTES: usize = limits::BODY_MAX / 2;
/// Bytes that may stand before the end until they are let go together.
const SLACK_BYTES: usize = 1 << 20;

/// What came of an answer.
pub(super) struct Ends {
    /// The first bytes: up to [`END_BYTES`].
    start: Vec<u8>,
    /// The others, of which only the last are kept when there are too many.
    end: Vec<u8>,
    /// All bytes that came.
    all: usize,
}

impl Ends {
    pub(super) fn new() -> Ends {
        Ends { start: Vec::new(), end: Vec::new(), all: 0 }
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.all = self.all.saturating_add(bytes.len());
        let (start, end) = bytes.split_at(bytes.len().min(END_BYTES.saturating_sub(self.start.len())));
        self.start.extend_from_slice(start);
        self.end.extend_from_slice(end);
        if self.end.len() > END_BYTES + SLACK_BYTES {
            self.let_go();
        }
    }

    /// Lets everything go but the last bytes.
    fn let_go(&mut self) {
        self.end.drain(..self.end.len().saturating_sub(END_BYTES));
    }

    /// Whether more came than an answer may have.
    pub(super) fn is_over(&self) -> bool {
        self.all > limits::BODY_MAX
    }

    /// Whether the end of a list is still looked for.
    pub(super) fn goes_on(&self) -> bool {
        self.all <= limits::LIST_BYTES_MAX
    }

    /// All bytes, or both ends with a gap between them: then they are more than an answer may have.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.is_over() {
            self.let_go();
            self.start.extend_from_slice(GAP);
        }
        self.start.append(&mut self.end);
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of so many bytes that come in portions.
    fn kept(all: usize, portion: usize) -> (Vec<u8>, Vec<u8>) {
        let bytes: Vec<u8> = (0..all).map(|at| u8::try_from(at % 251).expect("small")).collect();
        let mut ends = Ends::new();
        bytes.chunks(portion).for_each(|bytes| ends.take(bytes));
        assert_eq!((ends.is_over(), ends.goes_on()), (all > limits::BODY_MAX, all <= limits::LIST_BYTES_MAX));
        assert!(ends.start.len() + ends.end.len() <= limits::BODY_MAX + SLACK_BYTES, "what is held is bounded");
        (bytes, ends.into_bytes())
    }

    #[test]
    fn what_is_within_the_cap_is_kept_as_it_came() {
        for (all, portion) in [(0, 1), (1_000, 7), (END_BYTES, 40_000), (limits::BODY_MAX, 16_384)] {
            let (bytes, kept) = kept(all, portion);
            assert!(bytes == kept, "{all} bytes");
        }
    }

    #[test]
    fn of_what_is_longer_both_ends_are_kept() {
        for all in [limits::BODY_MAX + 1, 2 * limits::BODY_MAX + 12_345, limits::LIST_BYTES_MAX + 1] {
            let (bytes, kept) = kept(all, 16_000);
            assert!(kept.len() > limits::BODY_MAX, "it is known to be too long");
            assert!(kept == [&bytes[..END_BYTES], GAP, &bytes[all - END_BYTES..]].concat(), "{all} bytes");
        }
    }
}

//! Which version of a job is in force, when it was read more than once and did not say the same.
//!
//! Deliberately absent: the quantities of a version, and where versions are kept.

use protocol::Hex;
use report::Instant;

/// A version of a job that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// When it was read.
    pub read_at: Instant,
    /// What it says: [`crate::JobParts::digest`].
    pub digest: Hex<32>,
}

/// What becomes of a version that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It says nothing new and is not kept.
    Known,
    /// It is kept and moves nothing: a later reading of the job was here before it.
    Late,
    /// It is kept and is in force from now on.
    InForce,
}

/// The place of the version in force: the one read last, of several the one that arrived last. `None` where
/// there is no version.
pub fn in_force(versions: &[Kept]) -> Option<usize> {
    (0..versions.len()).max_by_key(|place| (versions.get(*place).map(|kept| kept.read_at), *place))
}

/// Judges a version of a job, read at `read_at`, by those that are kept, in the order they arrived.
///
/// A newer reading is held against the version in force, since a job may change back; an older one is no
/// news where any version says the same.
pub fn offer(versions: &[Kept], read_at: Instant, digest: &Hex<32>) -> Offer {
    let Some(current) = in_force(versions).and_then(|place| versions.get(place)) else { return Offer::InForce };
    let is_newer = read_at >= current.read_at;
    let is_known =
        if is_newer { current.digest == *digest } else { versions.iter().any(|kept| kept.digest == *digest) };
    match (is_known, is_newer) {
        (true, _) => Offer::Known,
        (false, true) => Offer::InForce,
        (false, false) => Offer::Late,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(read_at: i64, digest: u8) -> Kept {
        Kept { read_at: Instant(read_at), digest: Hex([digest; 32]) }
    }

    #[test]
    fn a_version_is_judged_by_those_before_it() {
        // Kept before, read at, says, what becomes of it.
        let cases: [(&[Kept], i64, u8, Offer); 8] = [
            (&[], 5, 1, Offer::InForce),
            (&[kept(5, 1)], 9, 1, Offer::Known),
            (&[kept(5, 1)], 9, 2, Offer::InForce),
            (&[kept(5, 1)], 5, 2, Offer::InForce),
            (&[kept(5, 1)], 4, 2, Offer::Late),
            (&[kept(5, 1), kept(9, 2)], 12, 1, Offer::InForce),
            (&[kept(5, 1), kept(9, 2)], 7, 1, Offer::Known),
            (&[kept(9, 2), kept(5, 1)], 7, 3, Offer::Late),
        ];
        for (versions, read_at, digest, expected) in cases {
            let found = offer(versions, Instant(read_at), &Hex([digest; 32]));
            assert_eq!(found, expected, "{versions:?} {read_at} {digest}");
        }
    }

    #[test]
    fn the_version_read_last_is_in_force() {
        assert_eq!(in_force(&[]), None);
        assert_eq!(in_force(&[kept(9, 2), kept(5, 1)]), Some(0));
        assert_eq!(in_force(&[kept(9, 2), kept(9, 1)]), Some(1));
    }
}

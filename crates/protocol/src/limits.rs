//! Every limit of the wire, in one place. Both ends hold them.

/// A sealed package is at most this many bytes on the wire.
pub const SEALED_BYTES_MAX: usize = 96 * 1024;
/// A package is at most this many bytes after decompression.
pub const PLAIN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Decompression may grow a package at most this many times; real ones grow three to five times.
pub const RATIO_MAX: usize = 200;
/// zstd may ask for a window of at most 2 to this power bytes.
pub const WINDOW_LOG_MAX: u32 = 23;
/// Records in one package.
pub const RECORDS_MAX: usize = 512;
/// Sections in one package.
pub const SECTIONS_MAX: usize = 64;
/// Bytes of a JWE header, of any kind.
pub const HEADER_BYTES_MAX: usize = 512;
/// Bytes of a Noise message of enrolment.
pub const ENROL_BYTES_MAX: usize = 8 * 1024;
/// Characters of any signature header we read.
pub const SIGNATURE_HEADER_MAX: usize = 1024;
/// Bytes of an answer that an agent reads.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The shortest interval an agent polls at, whatever the portal says.
pub const INTERVAL_MINUTES_MIN: u32 = 30;
/// The longest interval an agent polls at.
pub const INTERVAL_MINUTES_MAX: u32 = 24 * 60;
/// The interval where nothing else is said.
pub const INTERVAL_MINUTES_DEFAULT: u32 = 180;
/// An enrolment file is valid for this many hours.
pub const ENROLMENT_HOURS: i64 = 24;

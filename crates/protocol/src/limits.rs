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
/// A sealed message is at most this many bytes on the wire.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Characters of any text in a message.
pub const MESSAGE_CHARS_MAX: usize = 200;
/// Alerts in one message.
pub const ALERTS_MAX: usize = 32;
/// Entries in the list of what waits for local approval, in one beat.
pub const CONSENTS_MAX: usize = 64;
/// Entries in the list of troubles, in one beat.
pub const TROUBLES_MAX: usize = 64;
/// Fields in the privacy policy that a beat tells.
pub const PRIVACY_FIELDS_MAX: usize = 32;
/// Bytes of a JWE header, of any kind.
pub const HEADER_BYTES_MAX: usize = 512;
/// Bytes of a Noise message of enrolment, and of the request that begins a comparison.
pub const ENROL_BYTES_MAX: usize = 8 * 1024;
/// Characters of any signature header we read.
pub const SIGNATURE_HEADER_MAX: usize = 1024;
/// Bytes of an answer that an agent reads. Settings at all their limits stay below.
pub const ANSWER_BYTES_MAX: usize = 128 * 1024;
/// The shortest interval an agent polls at, whatever the portal says.
pub const INTERVAL_MINUTES_MIN: u32 = 30;
/// The longest interval an agent polls at.
pub const INTERVAL_MINUTES_MAX: u32 = 24 * 60;
/// The interval where nothing else is said.
pub const INTERVAL_MINUTES_DEFAULT: u32 = 180;
/// Ranges in the settings, and as many exclusions.
pub const RANGES_MAX: usize = 256;
/// Characters of one range: an address, a network or two addresses with a hyphen.
pub const RANGE_CHARS_MAX: usize = 96;
/// Serial numbers in the settings' list of participating printers.
pub const PARTICIPANTS_MAX: usize = 2000;
/// An enrolment file is valid for this many hours.
pub const ENROLMENT_HOURS: i64 = 24;
/// An agent moves to the next epoch of its keys after this many requests at the latest.
pub const EPOCH_REQUESTS: u64 = 1000;
/// An agent moves to the next epoch of its keys after this many hours at the latest.
pub const EPOCH_HOURS: i64 = 24;
/// The portal keeps the epoch before the current one for this many days.
pub const EPOCH_KEEP_DAYS: i64 = 7;
/// So many epochs ahead of its own the portal follows an agent, after it was restored from a backup.
pub const EPOCHS_MAX: u64 = 4096;

//! Every limit on what a printer may answer, in one place. What is over a limit is a defect.
//!
//! Deliberately absent: times and pauses, which belong to whoever carries the requests out.

/// Bytes of one answer. Of a longer list of jobs so many are read: half of them from its start, and half from its end.
pub const BODY_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a list of jobs up to which its end is looked for.
pub const LIST_BYTES_MAX: usize = 4 * BODY_MAX;
/// Levels of nesting of one document.
pub const DEPTH_MAX: usize = 64;
/// Elements or values of one document. A list of jobs that has more is read in pieces, of which each is within this:
/// eight hundred jobs have as many, and more of them fit [`BODY_MAX`].
pub const NODES_MAX: usize = 200_000;
/// Attributes of one element.
pub const ATTRIBUTES_MAX: usize = 256;
/// Declarations of namespaces in one document. Those printers that declare some do it at the root.
pub const NAMESPACES_MAX: usize = 1024;
/// Requests of one reading.
pub const REQUESTS_MAX: usize = 64;
/// Job queues of one printer.
pub const QUEUES_MAX: usize = 4;
/// Jobs of one reading: of more, the newest.
pub const JOBS_MAX: usize = 2_000;
/// Entries of any other list.
pub const LIST_MAX: usize = 2_000;
/// Characters of one text.
pub const TEXT_MAX: usize = 256;
/// Defects of one reading, and of one job; how many more there were is said.
pub const DEFECTS_MAX: usize = 100;
/// One amount in its unit (mm², µm, nl, a count): 100 km², 100 000 km, 100 000 l. An amount needs at
/// least three nodes, so that the sum of all amounts of one document fits 64 bits.
pub const AMOUNT_MAX: i64 = 100_000_000_000_000;

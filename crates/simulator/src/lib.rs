//! A simulated world: printers that print by the hour and answer on sockets, the fleet they stand
//! in, and an auditor who knows what every bill must be.
//!
//! Everything follows from a seed and from the instants it is advanced to: two printers of one seed
//! have one history, however often somebody looks. Quantities are integers from end to end.
//!
//! Deliberately absent: any clock of its own (time is an argument), any job content, and printers
//! that wear out, are reset or lie.

pub mod auditor;
pub mod faces;
pub mod printer;
pub mod world;

//! A simulated world: printers that print by the hour and answer on sockets, the fleet they stand
//! in, and an auditor who knows what every bill must be.
//!
//! Everything follows from a seed and from the instants it is advanced to: two printers of one seed
//! have one history, however often somebody looks. Quantities are integers from end to end.
//!
//! Deliberately absent: any clock of its own (time is an argument), any job content, and printers
//! that wear out or lie. One that is reset says less than it has counted; its truth stays.

pub mod auditor;
pub mod faces;
pub mod printer;
pub mod world;

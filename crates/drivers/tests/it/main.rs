//! The drivers at their boundary: answers in, report and defects out.
//!
//! The folders in `src/<driver>/testcases` hold documents of our own. Recordings of real printers are not
//! part of the project; they are read from `PLOTMETER_RECORDINGS` where that folder exists.
//! Deliberately absent: sockets, which the agent's own tests have.

mod common;
mod corpus;
mod every;
mod ews;
mod ipp;
mod ledm;
mod merge;
mod piws;
mod recordings;
mod snmp;

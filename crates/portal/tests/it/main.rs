//! The portal at its boundary: HTTP stories, each on SQLite and on PostgreSQL.
// What a test prints says why it was skipped, or which seed it ran with.
#![allow(clippy::print_stdout)]

mod billing;
mod billing_carry;
mod billing_pages;
mod billing_ready;
mod billing_run;
mod books;
mod contracts;
mod downloads;
mod enrolment;
mod health;
mod ingest;
mod isolation;
mod ledger;
mod paths;
mod pricing;
mod readings;
mod readings_pages;
mod stories;
mod trust;
mod world;

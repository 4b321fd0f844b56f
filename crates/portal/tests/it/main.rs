//! The portal at its boundary: HTTP stories, each on SQLite and on PostgreSQL.
// What a test prints says why it was skipped, or which seed it ran with.
#![allow(clippy::print_stdout)]

mod billing;
mod billing_carry;
mod billing_pages;
mod billing_ready;
mod billing_run;
mod bookkeeper;
mod books;
mod contracts;
mod customer_side;
mod downloads;
mod enrolment;
mod health;
mod ingest;
mod isolation;
mod jobs_file;
mod ledger;
mod parties;
mod parts;
mod paths;
mod pricing;
mod readings;
mod readings_pages;
mod stories;
mod trust;
mod world;

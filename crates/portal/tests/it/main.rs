//! The portal at its boundary: HTTP stories, each on SQLite and on PostgreSQL.

mod ingest;
mod isolation;
mod ledger;
mod stories;
mod world;

//! The only code that knows there are two databases: SQLite (embedded, the default) and PostgreSQL.
//!
//! Everybody else writes one SQL text with `$1` parameters and gets [`Row`]s. Store functions are
//! blocking and run on the runtime's blocking threads ([`Db::read`], [`Db::write`]); why, and what
//! it measured, is in `docs/adr/0001-database-libraries.md`.
//!
//! Deliberately absent: an object mapper, and any SQL of a feature.

pub(crate) mod bulk;
mod engine;
mod migrate;
mod value;

pub(crate) use engine::Tx;
pub use engine::{Db, DbError, Target};
pub(crate) use value::{Param, Row};

/// Parameters of a statement: `params![scope.reseller_id(), name]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Param::from($value)),*] };
}
pub(crate) use params;

#[cfg(test)]
mod tests;

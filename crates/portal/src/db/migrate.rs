//! Brings a database's schema forward, one numbered file after the other, each in a transaction.

use super::value::Param;
use super::{Db, DbError, params};

/// Every migration, in order. Once released, a migration is never edited.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_first_light.sql")),
    (2, include_str!("../../migrations/0002_agents.sql")),
    (3, include_str!("../../migrations/0003_billing.sql")),
];

const RECORD: &str = "insert into schema_migration (version) values ($1)";

/// Applies what is missing. Refuses a database that a later program made.
pub(super) fn run(db: &Db) -> Result<(), DbError> {
    db.script(
        "create table if not exists schema_migration (version bigint primary key)",
        "delete from schema_migration where version = $1",
        params![0_i64],
    )?;
    let applied =
        db.read_now(|tx| tx.count("select coalesce(max(version), 0) from schema_migration", &[] as &[Param]))?;
    let newest = MIGRATIONS.last().map_or(0, |(version, _)| *version);
    if applied > newest {
        return Err(DbError::Unfit(format!(
            "the database is at schema version {applied}, this program knows {newest}: use the newer program"
        )));
    }
    for (version, text) in MIGRATIONS.iter().filter(|(version, _)| *version > applied) {
        db.script(text, RECORD, params![*version])?;
    }
    Ok(())
}

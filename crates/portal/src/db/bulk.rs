//! Bulk inserts: the one module that is written once per engine.
//!
//! SQLite is fastest with one prepared statement run row by row; PostgreSQL with one statement over
//! arrays. Both say which rows were really inserted.

use super::engine::{Engine, prepared};
use super::value::{Param, Row};
use super::{DbError, Tx, engine};
use std::collections::BTreeMap;

/// What kind of values a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `bigint`.
    Int,
    /// `text`.
    Text,
    /// `bytea`.
    Bytes,
}

/// A bulk insert into one table.
pub(crate) struct Bulk {
    /// The table.
    pub(crate) table: &'static str,
    /// The columns; the first `key` of them are the unique key.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// How many columns the unique key has.
    pub(crate) key: usize,
    /// What to do with a row whose key exists: `do nothing` or `do update set …`.
    pub(crate) on_conflict: &'static str,
}

impl Bulk {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn key_names(&self) -> String {
        self.columns[..self.key].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Inserts `rows` and says for each whether it was inserted (or, with `do update`, applied).
    ///
    /// With `do update`, no key may stand twice in `rows`: PostgreSQL refuses that.
    pub(crate) fn insert(&self, tx: &mut Tx<'_>, rows: &[Vec<Param>]) -> Result<Vec<bool>, DbError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match &mut tx.0 {
            Engine::Sqlite(connection) => self.insert_sqlite(connection, rows),
            Engine::Postgres { transaction, statements } => self.insert_postgres(transaction, statements, rows),
        }
    }

    fn insert_sqlite(&self, connection: &rusqlite::Connection, rows: &[Vec<Param>]) -> Result<Vec<bool>, DbError> {
        let places = (1..=self.columns.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "insert into {} ({}) values ({places}) on conflict ({}) {}",
            self.table,
            self.names(),
            self.key_names(),
            self.on_conflict
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut inserted = Vec::with_capacity(rows.len());
        for row in rows {
            for (index, param) in row.iter().enumerate() {
                statement.raw_bind_parameter(index + 1, param)?;
            }
            inserted.push(statement.raw_execute()? > 0);
        }
        Ok(inserted)
    }

    fn insert_postgres(
        &self,
        transaction: &mut postgres::Transaction<'_>,
        statements: &mut BTreeMap<String, postgres::Statement>,
        rows: &[Vec<Param>],
    ) -> Result<Vec<bool>, DbError> {
        let arrays = self.columns.iter().enumerate().map(|(index, (_, kind))| {
            let ty = match kind {
                Kind::Int => "bigint",
                Kind::Text => "text",
                Kind::Bytes => "bytea",
            };
            format!("${}::{ty}[]", index + 1)
        });
        let sql = format!(
            "insert into {} ({}) select * from unnest({}) on conflict ({}) {} returning {}",
            self.table,
            self.names(),
            arrays.collect::<Vec<_>>().join(", "),
            self.key_names(),
            self.on_conflict,
            self.key_names()
        );
        let statement = prepared(transaction, statements, &sql)?;
        let columns: Vec<Column<'_>> =
            (0..self.columns.len()).map(|index| self.column(rows, index)).collect::<Result<_, _>>()?;
        let params: Vec<&(dyn postgres::types::ToSql + Sync)> = columns.iter().map(Column::as_sql).collect();
        // How many rows of each key were inserted: of two equal keys in `rows`, the first one.
        let mut left: BTreeMap<Vec<Param>, usize> = BTreeMap::new();
        for row in transaction.query(&statement, &params)? {
            let Row(key) = engine::pg_row(&row)?;
            *left.entry(key).or_default() += 1;
        }
        let mut take = |row: &Vec<Param>| match left.get_mut(&row[..self.key]) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        };
        Ok(rows.iter().map(&mut take).collect())
    }

    fn column<'a>(&self, rows: &'a [Vec<Param>], index: usize) -> Result<Column<'a>, DbError> {
        let (name, kind) = self.columns[index];
        let odd = || DbError::Unfit(format!("a value for {}.{name} is of another kind", self.table));
        let cells = rows.iter().map(|row| row.get(index).ok_or_else(odd));
        Ok(match kind {
            Kind::Int => Column::Int(
                cells
                    .map(|cell| match cell? {
                        Param::Int(value) => Ok(Some(*value)),
                        Param::Null => Ok(None),
                        _ => Err(odd()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Kind::Text => Column::Text(
                cells
                    .map(|cell| match cell? {
                        Param::Text(value) => Ok(Some(value.as_str())),
                        Param::Null => Ok(None),
                        _ => Err(odd()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Kind::Bytes => Column::Bytes(
                cells
                    .map(|cell| match cell? {
                        Param::Bytes(value) => Ok(Some(value.as_slice())),
                        Param::Null => Ok(None),
                        _ => Err(odd()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
        })
    }
}

/// One column of the rows, as PostgreSQL takes it.
enum Column<'a> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl Column<'_> {
    fn as_sql(&self) -> &(dyn postgres::types::ToSql + Sync) {
        match self {
            Column::Int(values) => values,
            Column::Text(values) => values,
            Column::Bytes(values) => values,
        }
    }
}

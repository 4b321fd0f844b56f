//! Parameters and rows, the same for both engines.

use super::DbError;
use postgres::types::{IsNull, ToSql, Type, private::BytesMut};
use std::error::Error;

/// One bound parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Param {
    /// SQL null.
    Null,
    /// `bigint`.
    Int(i64),
    /// `text`.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
}

impl From<i64> for Param {
    fn from(value: i64) -> Param {
        Param::Int(value)
    }
}
impl From<&str> for Param {
    fn from(value: &str) -> Param {
        Param::Text(value.to_owned())
    }
}
impl From<String> for Param {
    fn from(value: String) -> Param {
        Param::Text(value)
    }
}
impl From<&String> for Param {
    fn from(value: &String) -> Param {
        Param::Text(value.clone())
    }
}
impl From<&[u8]> for Param {
    fn from(value: &[u8]) -> Param {
        Param::Bytes(value.to_vec())
    }
}
impl From<Vec<u8>> for Param {
    fn from(value: Vec<u8>) -> Param {
        Param::Bytes(value)
    }
}
impl From<report::Instant> for Param {
    fn from(value: report::Instant) -> Param {
        Param::Int(value.0)
    }
}
impl<T: Into<Param>> From<Option<T>> for Param {
    fn from(value: Option<T>) -> Param {
        value.map_or(Param::Null, Into::into)
    }
}

impl rusqlite::ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::Int(value) => ValueRef::Integer(*value),
            Param::Text(value) => ValueRef::Text(value.as_bytes()),
            Param::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Param::Int(value) => value.to_sql(ty, out),
            Param::Text(value) => value.to_sql(ty, out),
            Param::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT4, Type::INT8, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(ty)
    }

    postgres::types::to_sql_checked!();
}

/// One row of an answer: cells by position, in the order the statement names its columns.
#[derive(Debug, Clone)]
pub(crate) struct Row(pub(super) Vec<Param>);

impl Row {
    fn cell(&self, column: usize) -> Result<&Param, DbError> {
        self.0.get(column).ok_or(DbError::Shape { column, wanted: "a column" })
    }

    /// An integer.
    pub(crate) fn int(&self, column: usize) -> Result<i64, DbError> {
        self.opt_int(column)?.ok_or(DbError::Shape { column, wanted: "an integer" })
    }

    /// An integer or null.
    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, DbError> {
        match self.cell(column)? {
            Param::Int(value) => Ok(Some(*value)),
            Param::Null => Ok(None),
            _ => Err(DbError::Shape { column, wanted: "an integer" }),
        }
    }

    /// A text.
    pub(crate) fn text(&self, column: usize) -> Result<String, DbError> {
        self.opt_text(column)?.ok_or(DbError::Shape { column, wanted: "a text" })
    }

    /// A text or null.
    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>, DbError> {
        match self.cell(column)? {
            Param::Text(value) => Ok(Some(value.clone())),
            Param::Null => Ok(None),
            _ => Err(DbError::Shape { column, wanted: "a text" }),
        }
    }

    /// Bytes.
    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>, DbError> {
        match self.cell(column)? {
            Param::Bytes(value) => Ok(value.clone()),
            _ => Err(DbError::Shape { column, wanted: "bytes" }),
        }
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], DbError> {
        self.bytes(column)?.try_into().map_err(|_| DbError::Shape { column, wanted: "bytes of another length" })
    }
}

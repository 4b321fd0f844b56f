//! Whether a printer takes part in what is captured, and the words for it.
//!
//! Deliberately absent: changing it, which is the agents' side, since agents have to be told.

use crate::db::{DbError, Row};
use crate::shell::page::{Status, Tone};

/// Whether a printer takes part in what is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Participation {
    /// It is read.
    Participating,
    /// Only its identity is known: nobody has said yet that it takes part.
    Seen,
    /// Somebody stopped it.
    Stopped,
}

impl Participation {
    /// What the word in a column says.
    pub(crate) fn read(row: &Row, column: usize) -> Result<Participation, DbError> {
        match row.text(column)?.as_str() {
            "participating" => Ok(Participation::Participating),
            "seen" => Ok(Participation::Seen),
            "stopped" => Ok(Participation::Stopped),
            _ => Err(DbError::Shape { column, wanted: "a participation" }),
        }
    }

    /// As a status; `None` where how well it reports says more.
    pub(crate) fn status(self) -> Option<Status> {
        match self {
            Participation::Participating => None,
            Participation::Seen => Some(Status::new(Tone::Info, "Seen, not participating")),
            Participation::Stopped => Some(Status::new(Tone::Info, "Capture stopped")),
        }
    }
}

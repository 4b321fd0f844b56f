//! The states of an agent: what is made of what it sends.
//!
//! Conditions in SQL name the same words. Deliberately absent: what a state is shown as, which is `health`,
//! and the changes from one to another, which are `change` for people and ingest for what agents send.

use crate::db::{DbError, Row};

/// The state of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AgentState {
    /// It made its keys, and its account was not confirmed yet.
    Pending,
    /// What it sends counts.
    Active,
    /// What it sends is accepted and held.
    Suspended,
    /// It was copied or restored: nothing new of it is taken.
    Forked,
    /// Its reseller takes nothing of it any more.
    Revoked,
    /// Its customer took it away.
    Left,
    /// The word of a state that this program does not know: nothing new of it is taken.
    Unknown(String),
}

impl AgentState {
    /// What a word says.
    pub(crate) fn of(word: String) -> AgentState {
        match word.as_str() {
            "pending" => AgentState::Pending,
            "active" => AgentState::Active,
            "suspended" => AgentState::Suspended,
            "forked" => AgentState::Forked,
            "revoked" => AgentState::Revoked,
            "left" => AgentState::Left,
            _ => AgentState::Unknown(word),
        }
    }

    /// What the word in a column says.
    pub(crate) fn read(row: &Row, column: usize) -> Result<AgentState, DbError> {
        Ok(AgentState::of(row.text(column)?))
    }

    /// Whether its packages are accepted: it is told what is asked of it.
    pub(crate) fn is_believed(&self) -> bool {
        matches!(self, AgentState::Active | AgentState::Suspended)
    }

    /// Whether it is gone for good.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, AgentState::Revoked | AgentState::Left)
    }
}

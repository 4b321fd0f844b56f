//! What a bench compares ingest with: the same packages opened alone, and their job rows inserted
//! raw into a table with only the unique index.

use crate::ingest::{Opening, Prepared, prepare};
use crate::ledger::{AgentRef, bench_rows};
use crate::{Db, DbError};
use protocol::package::{EvidenceKeys, PackageError};
use protocol::{Keys, VerifyingKey};
use report::Grade;

/// Opens packages of one agent without HTTP or a database.
pub struct Opener {
    agent: AgentRef,
    keys: Keys,
    evidence: EvidenceKeys,
}

impl Opener {
    /// Takes the agent's keys and evidence key.
    pub fn new(agent_id: &str, keys: Keys, evidence: VerifyingKey) -> Opener {
        let agent = AgentRef { reseller_id: 1, customer_id: 1, agent_id: agent_id.to_owned() };
        Opener { agent, keys, evidence: EvidenceKeys::one(evidence) }
    }

    fn prepare(&self, sealed: &[u8]) -> Result<Prepared, PackageError> {
        let opening = Opening { agent: &self.agent, best: Grade::B, evidence: &self.evidence };
        prepare(&opening, &self.keys, sealed)
    }

    /// Opens, checks and reads one sealed package; gives how many jobs it brings.
    pub fn open(&self, sealed: &[u8]) -> Result<usize, PackageError> {
        self.prepare(sealed).map(|prepared| prepared.jobs.len())
    }

    /// The job rows of one sealed package, ready to insert.
    pub fn rows(&self, sealed: &[u8]) -> Result<RawRows, PackageError> {
        let prepared = self.prepare(sealed)?;
        let rows = bench_rows(&prepared.jobs).map_err(|error| PackageError::Form(error.to_string()))?;
        Ok(RawRows(rows))
    }
}

/// Job rows as the ledger inserts them.
pub struct RawRows(Vec<Vec<crate::db::Param>>);

/// A table like `job`, with the unique index only.
pub fn raw_table(db: &Db) -> Result<(), DbError> {
    crate::ledger::bench_table(db)
}

/// Inserts the rows of several packages in one transaction; gives how many rows.
pub fn insert_raw(db: &Db, packages: Vec<RawRows>) -> Result<usize, DbError> {
    let rows: Vec<_> = packages.into_iter().flat_map(|rows| rows.0).collect();
    crate::ledger::bench_insert(db, &rows)
}

//! The writer: one thread that commits many packages in one transaction, and answers after it.
//!
//! What waits is bounded; when it is full, senders are told "later", which costs nothing since
//! agents keep their spool.

use super::package::Prepared;
use super::store::{self, Outcome};
use crate::db::{Db, DbError};
use crate::ledger::Memory;
use protocol::receipt::Answer;
use report::Surroundings;
use std::error::Error;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Packages that wait at most.
const WAITING_MAX: usize = 256;
/// Packages in one transaction.
const BATCH_MAX: usize = 64;

/// What became of a package.
pub(crate) enum Verdict {
    /// Committed, or refused for a reason; the answer to seal.
    Answer(Box<Answer>),
    /// New, and with keys of the epoch before; refused by the receipt key's signature.
    Behind,
    /// New, and checked with evidence keys that are not the agent's any more: to be prepared again.
    Stale,
    /// The portal could not take it now.
    Later(Box<dyn Error + Send + Sync>),
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Answer(answer) => Verdict::Answer(answer),
            Outcome::Behind => Verdict::Behind,
            Outcome::Stale => Verdict::Stale,
        }
    }
}

struct Item {
    prepared: Prepared,
    reply: oneshot::Sender<Verdict>,
}

/// A handle to the writer thread. The thread ends when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Writer(SyncSender<Item>);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Busy(&'static str);

impl Writer {
    /// Starts the writer.
    pub(crate) fn start(db: Db, receipts: protocol::SigningKey, surroundings: Surroundings) -> std::io::Result<Writer> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let work = move || run(&db, &receipts, &surroundings, &receiver);
        std::thread::Builder::new().name("ingest-writer".to_owned()).spawn(work)?;
        Ok(Writer(sender))
    }

    /// Hands a package over and waits until it is committed.
    pub(crate) async fn submit(&self, prepared: Prepared) -> Verdict {
        let (reply, answer) = oneshot::channel();
        match self.0.try_send(Item { prepared, reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| Verdict::Later(Box::new(Busy("the writer ended")))),
            Err(TrySendError::Full(_)) => Verdict::Later(Box::new(Busy("too many packages wait"))),
            Err(TrySendError::Disconnected(_)) => Verdict::Later(Box::new(Busy("the writer ended"))),
        }
    }
}

fn run(db: &Db, receipts: &protocol::SigningKey, surroundings: &Surroundings, receiver: &Receiver<Item>) {
    let mut memory = Memory::default();
    while let Ok(first) = receiver.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX {
            let Ok(next) = receiver.try_recv() else { break };
            batch.push(next);
        }
        let (packages, replies): (Vec<Prepared>, Vec<_>) =
            batch.into_iter().map(|item| (item.prepared, item.reply)).unzip();
        let verdicts = commit(db, receipts, surroundings, &mut memory, &packages);
        for (reply, verdict) in replies.into_iter().zip(verdicts) {
            // A sender that hung up asks again and gets the same receipt.
            let _gone = reply.send(verdict);
        }
    }
}

/// Commits a batch. Should it fail, each package gets a transaction of its own, so that a single bad
/// one holds up nobody else.
fn commit(
    db: &Db,
    receipts: &protocol::SigningKey,
    surroundings: &Surroundings,
    memory: &mut Memory,
    packages: &[Prepared],
) -> Vec<Verdict> {
    let together = |memory: &mut Memory, packages: &[&Prepared]| -> Result<Vec<Outcome>, DbError> {
        // A panic would end ingest for everybody; here it fails this batch, whose transaction rolls back.
        let work = || db.write_now(|tx| store::accept(tx, receipts, surroundings, memory, packages));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(Err(DbError::Interrupted));
        if done.is_err() {
            // Ids that were learnt inside the transaction that failed are not in the database.
            *memory = Memory::default();
        }
        done
    };
    let all: Vec<&Prepared> = packages.iter().collect();
    match together(memory, &all) {
        Ok(outcomes) => outcomes.into_iter().map(Verdict::from).collect(),
        Err(error) if packages.len() == 1 => vec![Verdict::Later(Box::new(error))],
        Err(error) => {
            let count = packages.len();
            tracing::warn!(error = %error, cause = ?error.source(), count, "a batch failed; taking it apart");
            let mut one = |package: &Prepared| match together(memory, &[package]) {
                Ok(outcomes) => outcomes
                    .into_iter()
                    .next()
                    .map_or_else(|| Verdict::Later(Box::new(Busy("no answer was made"))), Verdict::from),
                Err(error) => Verdict::Later(Box::new(error)),
            };
            packages.iter().map(&mut one).collect()
        }
    }
}

//! The portal: takes packages of agents, keeps the ledger, and shows people their usage, contracts
//! and statements.
//!
//! Data flows one way: ingest → ledger → rating → statement → page. Deliberately absent: drivers, and
//! any call to an agent or a printer.

pub mod bench;
pub mod config;
mod db;
mod ingest;
mod keys;
mod ledger;
mod serve;
pub mod setup;
mod shell;

mod agents;
mod billing_run;
mod contracts;
mod customers;
mod fleet;
mod home;
mod jobs;
mod my;
mod operator;
mod people;
mod readings;
mod statements;

#[cfg(test)]
mod pages_render;

pub use billing_run::run::{Outcome, Progress, RunError, Summary, run as bill};
pub use db::{Db, DbError, Target};
pub use keys::{KeysError, PortalKeys};
pub use serve::{Listeners, ServeError, Tls, serve};

use axum::Router;
use config::Settings;
use ingest::{AgentKeys, Unfit, Writer};
use report::Surroundings;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Keys of agents that are remembered at most.
const REMEMBERED_KEYS_MAX: usize = 100_000;

/// A running portal. Cheap to clone.
#[derive(Clone)]
pub struct Portal(Arc<Inner>);

struct Inner {
    settings: Settings,
    db: Db,
    keys: PortalKeys,
    surroundings: Surroundings,
    writer: Writer,
    agent_keys: RwLock<BTreeMap<String, Arc<AgentKeys>>>,
    unfit: Unfit,
    tries: people::Tries,
}

impl Portal {
    /// A portal on an open database.
    pub fn new(settings: Settings, db: Db, keys: PortalKeys, surroundings: Surroundings) -> std::io::Result<Portal> {
        let writer = Writer::start(db.clone(), keys.receipt.clone(), surroundings.clone())?;
        let (agent_keys, unfit, tries) = (RwLock::default(), Unfit::default(), people::Tries::default());
        Ok(Portal(Arc::new(Inner { settings, db, keys, surroundings, writer, agent_keys, unfit, tries })))
    }

    pub(crate) fn config(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn keys(&self) -> &PortalKeys {
        &self.0.keys
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.0.surroundings
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.0.writer
    }

    pub(crate) fn unfit(&self) -> &Unfit {
        &self.0.unfit
    }

    pub(crate) fn tries(&self) -> &people::Tries {
        &self.0.tries
    }

    /// The keys of an agent, remembered. They move on with each epoch; who finds them old reloads them.
    pub(crate) async fn agent_keys(&self, agent_id: &str) -> Result<Option<Arc<AgentKeys>>, DbError> {
        let remembered = self.0.agent_keys.read().unwrap_or_else(PoisonError::into_inner).get(agent_id).cloned();
        if remembered.is_some() {
            return Ok(remembered);
        }
        self.reload_keys(agent_id).await
    }

    /// The keys of an agent, looked up again.
    pub(crate) async fn reload_keys(&self, agent_id: &str) -> Result<Option<Arc<AgentKeys>>, DbError> {
        let (portal, id) = (self.clone(), agent_id.to_owned());
        let found = self.db().read(move |tx| ingest::load_keys(tx, &id, portal.keys())).await?;
        let Some(keys) = found.map(Arc::new) else { return Ok(None) };
        if keys.comparing {
            // It belongs to somebody as soon as a person approves it.
            return Ok(Some(keys));
        }
        let mut remembered = self.0.agent_keys.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_KEYS_MAX {
            remembered.clear();
        }
        remembered.insert(agent_id.to_owned(), keys.clone());
        Ok(Some(keys))
    }

    /// Forgets the keys of an agent, since they changed.
    pub(crate) fn forget_keys(&self, agent_id: &str) {
        self.0.agent_keys.write().unwrap_or_else(PoisonError::into_inner).remove(agent_id);
    }

    /// The pages, for people.
    pub fn pages(&self) -> Router {
        let pages = [
            shell::routes(),
            people::routes(),
            home::routes(),
            fleet::routes(),
            jobs::routes(),
            contracts::routes(),
            statements::routes(),
            billing_run::routes(),
            readings::routes(),
            customers::routes(),
            agents::routes(),
            operator::routes(),
            my::routes(),
        ];
        pages
            .into_iter()
            .fold(Router::new(), Router::merge)
            .fallback(|| async { shell::Error::NotFound })
            .layer(axum::middleware::from_fn(shell::secure))
            .with_state(self.clone())
    }

    /// The addresses that agents use.
    pub fn agents_api(&self) -> Router {
        ingest::routes().with_state(self.clone())
    }
}

/// A new id: 52 random bits, so that it is exact in every client.
pub(crate) fn new_id(surroundings: &Surroundings) -> i64 {
    let bits = u64::from_le_bytes(surroundings.random()) >> 12;
    i64::try_from(bits.max(1)).expect("52 bits fit")
}

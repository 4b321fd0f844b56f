//! Ingest: authenticate, decrypt, decompress within bounds, check, accept once, answer after commit.
//!
//! Deliberately absent: refusing anything by the sender's clock, and calling any agent.

mod answer;
mod enrol;
mod package;
mod store;
mod writer;

pub(crate) use enrol::{file as enrolment_file, load_keys};
pub(crate) use package::prepare;
pub(crate) use store::AgentKeys;
pub(crate) use writer::Writer;

use crate::Portal;
use axum::Router;
use axum::routing::post;

/// The routes that agents use. Agents are authenticated by keys, never by a session.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(protocol::PACKAGES_PATH, post(package::receive))
        .route(protocol::ENROL_PATH, post(enrol::handshake))
        .route(protocol::CONFIRM_PATH, post(enrol::confirm))
}

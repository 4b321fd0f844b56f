//! Ingest: authenticate, decrypt, decompress within bounds, check, accept once, answer after commit.
//!
//! Deliberately absent: refusing anything by the sender's clock, and calling any agent.

mod answer;
mod append;
mod compare;
mod contact;
mod enrol;
mod factory;
mod keys;
mod message;
mod package;
mod release;
mod store;
mod writer;

pub(crate) use compare::{
    Announced, Approval, Step, announce as announce_comparison, announced, approve as approve_comparison,
    approve_now as approve_comparison_now,
};
pub(crate) use contact::untold;
pub(crate) use enrol::{cancel as cancel_enrolments, file as enrolment_file};
pub(crate) use factory::{
    Claim, claim as claim_factory, claim_now as claim_factory_now, import as import_factory,
    withdraw_now as withdraw_factory_now,
};
pub(crate) use keys::{AgentKeys, Unfit, Witness, load_keys, load_witnesses};
pub(crate) use package::{Opening, Prepared, prepare};
pub(crate) use release::{release, release_now};
pub(crate) use writer::Writer;

use crate::Portal;
use axum::Router;
use axum::routing::post;

/// The routes that agents use. Agents are authenticated by keys, never by a session.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(protocol::PACKAGES_PATH, post(package::receive))
        .route(protocol::MESSAGES_PATH, post(message::receive))
        .route(protocol::COMPARE_PATH, post(compare::begin))
        .route(protocol::ENROL_PATH, post(enrol::handshake))
        .route(protocol::CONFIRM_PATH, post(enrol::confirm))
}

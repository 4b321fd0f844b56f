//! Evidence: how signed records become the facts that are billed, and the file by which anybody can check
//! a statement.
//!
//! The portal and the verifier call the same functions: what a record counts ([`job_of`], [`readings_of`],
//! [`sum_of`]), when it was made ([`Bounds`]), which version of a job is in force ([`offer`]). The file
//! ([`write`], [`verify`]) carries records with their signatures, what was rated, and the documents;
//! `docs/evidence.md` describes it for those who write a verifier of their own.
//!
//! Pure: no IO, no clock, no randomness. Deliberately absent: personal rows, which never stand in the file,
//! and any judgement of what people said: it is listed.

mod bundle;
mod dating;
mod diff;
mod facts;
mod interfaces;
mod said;
mod verify;
mod versions;
mod words;

pub use bundle::{
    AGAIN_MAX, AgentProof, BYTES_MAX, Basis, BilledProof, Body, BundleError, Header, Making, PackageProof, RecordProof,
    SCHEMA, Said, StatementChain, statement_chain, write,
};
pub use dating::{Bounds, Mark, Placed};
pub use facts::{
    JOB_QUANTITY_MAX, JobParts, QUANTITY_MAX, Sums, TEXT_MAX, checked, cut, job_of, plain, readings_of, sum_of,
    sum_quantities,
};
pub use interfaces::{Interfaces, SILENCE, row_bit, same_series, series_of};
pub use said::{decision_words, estimate_words, reading_words, said, terms_digest};
pub use verify::{FINDINGS_MAX, Finding, Verdict, verify};
pub use versions::{Kept, Offer, in_force, offer};

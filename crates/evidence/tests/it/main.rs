//! Evidence at its boundary: what real agents signed proves a statement, and nothing that was altered does.

mod alterations;
mod carried;
mod interfaces;
mod proofs;
mod settled;
mod world;

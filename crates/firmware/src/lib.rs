//! The direct agent as a C library: a printer's firmware reports what it counted, the library keeps
//! it, signs it with a key made on the device, and sends it sealed to the portal.
//!
//! The interface is `include/plotmeter_agent.h`, generated from [`abi`] and [`calls`]; makers read
//! `docs/manual/firmware.md`. The unsafe parts are [`calls`], `callbacks` and `text`; everything else
//! is safe code over the agent's core, the same that the Data Collector uses.
//!
//! Deliberately absent: threads, global state, sockets, TLS, a clock and a source of randomness. The
//! printer brings these as callbacks, and a listening socket has no place here at all. There is no
//! call that could change what the printer does.

pub mod abi;
mod alerts;
mod callbacks;
pub mod calls;
mod enrol;
mod fault;
mod form;
mod pool;
mod printer;
mod rows;
mod send;
mod text;

//! The Data Collector: reads the printers that its own file lists, keeps what they said in a spool,
//! and sends it sealed to the portal. Nothing leaves the spool before an authentic receipt.
//!
//! Deliberately absent: a listening socket, any request that could change a printer, and any
//! knowledge of contracts or prices.

mod ask;
mod collector;
mod config;
mod engine;
mod enrolment;
mod identity;
mod privacy;
mod spool;
mod tls;
mod uplink;

pub use ask::{Asked, Patience, ask};
pub use collector::{Collector, CollectorError, Round, Status};
pub use config::{Config, ConfigError, Personal, TEMPLATE};
pub use enrolment::{EnrolmentError, Pending, begin};
pub use identity::{Identity, IdentityError};
pub use spool::{PrinterStatus, SpoolError};
pub use uplink::UplinkError;

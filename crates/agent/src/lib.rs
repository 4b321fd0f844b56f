//! The agents: the Data Collector, which reads the printers of a network, and the direct agent, which is
//! inside or beside one printer. They keep what printers said in a spool and send it sealed to the portal.
//! Nothing leaves the spool before an authentic receipt.
//!
//! The core (desk, spool, identity, enrolment, budget, triggers, privacy) has no sockets and no clock; the
//! feature `net` adds the programs' side. Deliberately absent: a listening socket (by SNMP a printer is asked over
//! a UDP socket that is connected to it from the start and takes datagrams of nobody else), any request that could
//! change a printer, and any knowledge of contracts or prices.

mod address;
#[cfg(feature = "net")]
mod audience;
pub mod budget;
#[cfg(feature = "net")]
mod collector;
#[cfg(feature = "net")]
mod config;
mod desk;
#[cfg(feature = "net")]
mod direct;
#[cfg(feature = "net")]
pub mod discover;
#[cfg(feature = "net")]
mod doctor;
#[cfg(feature = "net")]
mod engine;
mod enrolment;
#[cfg(feature = "net")]
mod envelope;
mod files;
mod identity;
#[cfg(feature = "net")]
mod mdns;
#[cfg(feature = "net")]
mod office;
#[cfg(feature = "net")]
mod online;
#[cfg(feature = "net")]
mod printer;
pub mod privacy;
#[cfg(feature = "net")]
mod proxy;
#[cfg(feature = "net")]
pub mod recording;
#[cfg(feature = "net")]
mod set_up;
mod spool;
#[cfg(feature = "net")]
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(feature = "net")]
mod tls;
mod triggers;
#[cfg(feature = "net")]
mod uplink;

pub use desk::{Desk, DeskError, DeskOptions, Farewell, Inbound, Outbound, Outcome, SentPackage, Turn, WaitsFor};
pub use enrolment::{Comparing, EnrolmentError, Invitation, Pending, Started};
pub use identity::{Identity, IdentityError, Signer};
pub use spool::{Appended, PrinterStatus, ReadFrom, SpoolError, Unsent};
pub use triggers::Triggers;

#[cfg(feature = "net")]
pub use collector::{Collector, Preview, Round};
#[cfg(feature = "net")]
pub use config::{
    Config, ConfigError, DIRECT_TEMPLATE, DirectConfig, InterfacesConfig, LogConfig, Personal, PortalConfig, Printer,
    TEMPLATE,
};
#[cfg(feature = "net")]
pub use direct::Direct;
#[cfg(feature = "net")]
pub use doctor::{Check, Verdict, doctor};
#[cfg(feature = "net")]
pub use office::{CollectorError, Status};
#[cfg(feature = "net")]
pub use online::{ComparingOnline, PendingOnline, begin, begin_comparison};
#[cfg(feature = "net")]
pub use printer::{
    Access, AskError, Asked, LOGIN_REFUSED, Login, Patience, SnmpAccess, SnmpAuth, SnmpPrivacy, SnmpVersion, ask,
};
#[cfg(feature = "net")]
pub use proxy::{ProxyChoice, ProxySetting, SystemFacts, SystemProxy};
#[cfg(feature = "net")]
pub use set_up::{Enrolling, SetUp};
#[cfg(feature = "net")]
pub use tls::first_contact;
#[cfg(feature = "net")]
pub use uplink::UplinkError;

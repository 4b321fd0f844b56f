//! How a printer is asked: over its web server, by IPP and by SNMP, one request after another, with deadlines and
//! caps, and one report of it all.
//!
//! Who answers is asked first; the rest only when the caller wants the whole report of that printer. Reading is all
//! there is: GET on the web, POST of IPP operations that only read, walks by SNMP. A printer that sleeps is left
//! asleep. Deliberately absent: what an answer means, which the drivers know; redirects; waking a printer; and any
//! way from TLS back to plain HTTP.

mod access;
mod ends;
mod grade;
mod known;
mod legacy;
mod plan;
mod reading;
mod snmp;
mod web;

pub(crate) use access::SNMP_PORT;
pub use access::{Access, Login, SnmpAccess, SnmpAuth, SnmpPrivacy, SnmpVersion};
pub(crate) use known::{Known, Memories};
pub(crate) use reading::reason;

use crate::tls::Fingerprint;
use drivers::Answers;
use drivers::merge::Memory;
use reading::{Aim, Reading};
use report::{Configuration, Defect, Grade, Instant, Report};
use std::time::Duration;

/// What is said of a printer whose TLS this build does not speak.
const OLD_TLS: &str = "speaks only TLS that is too old for this program; a build with the feature legacy-tls reads it";

/// How the reason of an answer begins that failed since the printer did not take the login.
pub const LOGIN_REFUSED: &str = "the printer refused the login";

/// How long and how gently a printer is asked.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two requests.
    pub pause: Duration,
    /// For a connection, and once more for its TLS.
    pub connect: Duration,
    /// Without a byte; for the head of an answer, and for one datagram.
    pub idle: Duration,
    /// For one answer, and for one walk by SNMP.
    pub answer: Duration,
    /// For the whole reading; a printer that answers byte by byte ends here.
    pub reading: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            pause: Duration::from_secs(1),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            reading: Duration::from_secs(300),
        }
    }
}

impl Patience {
    /// As usual, with a pause of this many milliseconds.
    pub(crate) fn pausing(pause_ms: u64) -> Patience {
        Patience { pause: Duration::from_millis(pause_ms), ..Patience::default() }
    }
}

/// What a printer said.
#[derive(Debug)]
pub struct Asked {
    /// The interfaces that are in the report, in probe order.
    pub drivers: Vec<&'static str>,
    /// The report.
    pub report: Report,
    /// Odd data, and interfaces that answered before and did not now.
    pub defects: Vec<Defect>,
    /// How well it is proved.
    pub grade: Grade,
    /// Which interface gave each counter and the jobs, for the next reading.
    pub memory: Memory,
    /// The interfaces that were asked and did not recognise the printer, and why.
    pub silent: Vec<(&'static str, String)>,
    /// What was not asked, because the customer's file does not allow it or names no login: the interface or the
    /// request, and why.
    pub not_asked: Vec<(String, String)>,
    /// Every answer, by the driver that asked, for a recording. Empty where none is made.
    pub answers: Vec<(&'static str, Answers)>,
    /// Over what each driver heard the printer, its address included: equal texts are one connection.
    pub(crate) over: Vec<(&'static str, String)>,
    /// The certificate that the printer's web server showed.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What is kept of the address.
    pub(crate) known: Known,
}

/// Why a printer was not read.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It shows another certificate than before.
    #[error(
        "the printer shows another certificate than at the first contact: if that is right, \
         approve it with `plotmeter collector trust {address}` (a direct agent: `plotmeter direct trust`)"
    )]
    Certificate {
        /// The printer's address.
        address: String,
    },
    /// It sleeps, and waking it would change something.
    #[error("asleep; it was left asleep")]
    Asleep,
    /// Its TLS is older than what this build speaks.
    #[error("the printer {}", OLD_TLS)]
    OldTls,
    /// No connection, or no address.
    #[error("{0}")]
    Unanswered(String),
    /// Something is there that no driver knows.
    #[error("{why}")]
    Unrecognised {
        /// Why, by interface.
        why: String,
        /// What was not asked, and why, as in [`Asked`].
        not_asked: Vec<(String, String)>,
        /// Every answer, by the driver that asked, for a recording. Empty where none is made.
        answers: Vec<(&'static str, Answers)>,
    },
}

/// Who is asked, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contact<'a> {
    /// `host`, `host:port`, or the same after `http://`.
    pub(crate) address: &'a str,
    /// The certificate that it must show.
    pub(crate) pinned: Option<Fingerprint>,
    /// What may be asked.
    pub(crate) access: &'a Access,
    /// What is known of that address.
    pub(crate) known: &'a Known,
    /// What is known of the printers, wherever they are.
    pub(crate) memories: &'a Memories,
    /// No printer is known there yet: until one that is wanted has named itself, it is asked by GET on the web only
    /// and, where the web does not answer, by SNMP.
    pub(crate) first_look: bool,
    /// The instant of the reading.
    pub(crate) read_at: Instant,
    /// How gently.
    pub(crate) patience: Patience,
}

/// How much a printer was asked.
#[derive(Debug)]
pub(crate) enum Told {
    /// Who it is, and nothing else.
    Identity(Identified),
    /// Everything.
    Report(Box<Asked>),
}

/// Who answered.
#[derive(Debug)]
pub(crate) struct Identified {
    /// C rows.
    pub(crate) configuration: Configuration,
    /// The certificate that its web server showed.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The interfaces that recognised it, in the order in which they were asked.
    pub(crate) drivers: Vec<&'static str>,
    /// The interfaces that were asked and did not, and why.
    pub(crate) silent: Vec<(&'static str, String)>,
}

/// Asks the printer at `address` everything that `access` allows. The first certificate is trusted.
pub async fn ask(address: &str, access: &Access, read_at: Instant, patience: Patience) -> Result<Asked, AskError> {
    let (known, memories) = (Known::default(), Memories::default());
    let (known, memories) = (&known, &memories);
    let contact = Contact { address, pinned: None, access, known, memories, first_look: false, read_at, patience };
    match Reading::carry(contact, Aim::Recording).await? {
        Told::Report(asked) => Ok(*asked),
        Told::Identity(_) => Err(AskError::Unanswered("the printer was asked only who it is".to_owned())),
    }
}

/// Asks a printer who it is, and for the whole report when `wanted` says so of that printer. With a pin, its web
/// server and IPP only over connections with that certificate; what another interface says then is no reason to
/// take the printer for another one.
pub(crate) async fn ask_pinned(
    contact: Contact<'_>,
    wanted: &(dyn Fn(&Configuration) -> bool + Send + Sync),
) -> Result<Told, AskError> {
    Reading::carry(contact, Aim::Report(wanted)).await
}

/// Asks each interface of a printer who it is, and nothing else.
pub(crate) async fn interfaces(contact: Contact<'_>) -> Result<Identified, AskError> {
    match Reading::carry(contact, Aim::Interfaces).await? {
        Told::Identity(identified) => Ok(identified),
        Told::Report(_) => Err(AskError::Unanswered("the printer was asked more than who it is".to_owned())),
    }
}

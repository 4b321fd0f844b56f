//! One function a target: any bytes in, and nothing but an assertion that fails can come out.
//!
//! What holds of the drivers stands beside their tests, which replay the same corpus without a fuzzer.
//! Deliberately absent: what needs a socket or a file; those readers are reached by their functions.

mod outside;
mod seeds;
#[allow(dead_code, reason = "the corpus test beside it uses the rest")]
#[path = "../../crates/drivers/tests/it/fuzz.rs"]
mod shared;

pub use seeds::seeds;

use protocol::package::{Manner, Timestamps, records};
use report::Grade;
use shared::Read;

/// What was read becomes records without a panic, and the same ones each time.
fn recorded(read: &Read) {
    for (report, defects) in read {
        let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
        assert!(records(report, defects, manner) == records(report, defects, manner), "two records of one report");
    }
}

macro_rules! target {
    ($(#[doc = $what:literal] $name:ident, $read:ident;)*) => {
        $(#[doc = $what]
        pub fn $name(data: &[u8]) {
            recorded(&shared::$read(data));
        })*
    };
}

target! {
    /// The accounting table of the older web server.
    accounting, target_accounting;
    /// The JSON and XML reader.
    document, target_document;
    /// The pages of the older web server.
    ews_html, target_ews_html;
    /// The XML of the older web server.
    ews_xml, target_ews_xml;
    /// IPP responses.
    ipp, target_ipp;
    /// The LEDM driver.
    ledm, target_ledm;
    /// Two interfaces of one printer.
    merge, target_merge;
    /// The PIWS driver.
    piws, target_piws;
    /// SNMP walks.
    snmp, target_snmp;
}

/// A response of SNMP.
pub fn ber(data: &[u8]) {
    outside::ber(data);
}

/// An answer to a multicast question.
pub fn mdns(data: &[u8]) {
    outside::mdns(data);
}

/// What travels between agent and portal.
pub fn protocol(data: &[u8]) {
    outside::protocol(data);
}

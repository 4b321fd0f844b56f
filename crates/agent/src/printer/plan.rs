//! Which interfaces of a printer are asked, and in which order.
//!
//! Pure. Deliberately absent: what they answered, except which ones ever did.

use super::access::Access;
use super::known::Known;
use drivers::{Channel, DRIVERS, Driver};
use report::Instant;

/// What decides which interfaces are asked.
#[derive(Clone, Copy)]
pub(super) struct Occasion<'a> {
    pub(super) access: &'a Access,
    pub(super) known: &'a Known,
    /// No printer is known at that address yet.
    pub(super) first_look: bool,
    pub(super) now: Instant,
}

/// The interfaces to ask.
#[derive(Default)]
pub(super) struct Plan {
    /// These at once, in this order.
    pub(super) first: Vec<&'static Driver>,
    /// These where the first are not enough: none of them answers any more, what answers is new there, its
    /// firmware is another one, or it is to be read at the first look.
    pub(super) rest: Vec<&'static Driver>,
    /// These not at all, and why.
    pub(super) left_out: Vec<(&'static str, &'static str)>,
}

impl Plan {
    /// The plan for an occasion.
    pub(super) fn of(occasion: Occasion<'_>) -> Plan {
        let Occasion { access, known, first_look, now } = occasion;
        let all = first_look || known.tries_all(now, &access.words());
        let mut plan = Plan::default();
        for driver in DRIVERS {
            if let Some(why) = left_out(driver, occasion) {
                plan.left_out.push((driver.name, why));
            } else if (all || known.remembers(driver.name)) && !waits(driver, first_look) {
                plan.first.push(driver);
            } else {
                plan.rest.push(driver);
            }
        }
        plan
    }
}

/// IPP is asked by POST, which an address does not get before a printer is known there.
fn waits(driver: &Driver, first_look: bool) -> bool {
    first_look && driver.channel == Channel::Ipp
}

/// Why an interface is not asked.
fn left_out(driver: &Driver, occasion: Occasion<'_>) -> Option<&'static str> {
    let Access { snmp, ipp_ports, only, .. } = occasion.access;
    if !only.is_empty() && !only.contains(&driver.name) {
        return Some("was not chosen");
    }
    match driver.channel {
        Channel::Ipp if ipp_ports.is_empty() => Some("no port is named for it in ipp_ports"),
        Channel::Snmp if snmp.is_none() => Some("snmp is off"),
        Channel::Web | Channel::Ipp | Channel::Snmp => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::SnmpAccess;
    use super::*;
    use drivers::merge::Identity;

    const NOW: Instant = Instant(1_793_448_000_000);

    fn names(drivers: &[&'static Driver]) -> String {
        let names: Vec<&str> = drivers.iter().map(|driver| driver.name).collect();
        names.join(" ")
    }

    #[test]
    fn each_occasion_asks_what_it_may() {
        let web = Access::default();
        let snmp = Some(SnmpAccess::V2c { community: "public".to_owned() });
        let every = Access { ipp_ports: vec![631], snmp, ..Access::default() };
        let only = Access { only: vec!["ipp", "snmp"], ..every.clone() };
        let unknown = Known::default();
        let known = |access: &Access| {
            Known::default().after(&Identity::default(), &["piws", "snmp"], Some(NOW), access.words())
        };
        for (access, known, first_look, first, rest) in [
            (&web, &unknown, false, "piws ews_xml ledm ews_html", ""),
            (&every, &unknown, false, "piws ews_xml ledm ews_html ipp snmp", ""),
            (&only, &unknown, false, "ipp snmp", ""),
            (&web, &known(&web), false, "piws", "ews_xml ledm ews_html"),
            (&every, &known(&every), false, "piws snmp", "ews_xml ledm ews_html ipp"),
            (&every, &known(&web), false, "piws ews_xml ledm ews_html ipp snmp", ""),
            (&web, &unknown, true, "piws ews_xml ledm ews_html", ""),
            (&every, &unknown, true, "piws ews_xml ledm ews_html snmp", "ipp"),
            (&every, &known(&every), true, "piws ews_xml ledm ews_html snmp", "ipp"),
            (&only, &unknown, true, "snmp", "ipp"),
        ] {
            let plan = Plan::of(Occasion { access, known, first_look, now: NOW });
            assert_eq!((names(&plan.first).as_str(), names(&plan.rest).as_str()), (first, rest), "{access:?}");
            let all = plan.first.len() + plan.rest.len() + plan.left_out.len();
            assert_eq!(all, DRIVERS.len(), "each interface is asked or left out with a reason");
        }
    }
}

//! Recordings of real printers that concern no single driver: nobody takes another's answers for its own.

use crate::common::{READ_AT, body, recording};
use drivers::{Answers, DRIVERS};
use report::walk;

/// A recorded answer, its content type, and the driver that asks for such a thing first. `None`: nobody does.
const RECORDED: &[(&str, &str, Option<&str>)] = &[
    ("node-hp-scan-to/discoveryTree.xml", "text/xml", Some("ledm")),
    ("node-hp-scan-to/eventTable.xml", "text/xml", None),
    ("aiohpprinter/officejet-pro-9022e/ProductStatusDyn.xml", "text/xml", None),
    ("freeglaz/designjet-z9-24/jobs_all_sample.xml", "text/xml", None),
    ("freeglaz/designjet-z9-24/soap_medium_list_sample.xml", "text/xml", None),
    ("leshk0de-HPEnvy6000/envy-6000/envy6000.snmprec", "text/x-snmprec", Some("snmp")),
    ("python-ipp/get-printer-attributes-hp6830.bin", "application/ipp", Some("ipp")),
    ("python-ipp/get-jobs-kyocera-ecosys-m2540dn-000.bin", "application/ipp", None),
];

#[test]
fn no_driver_takes_the_answer_of_another_interface_for_its_own() {
    for (path, content_type, owner) in RECORDED {
        let Some(bytes) = recording(path) else { return };
        for driver in DRIVERS.iter().filter(|driver| Some(driver.name) != *owner) {
            let first = (driver.next)(&Answers::new());
            assert_eq!(first.len(), 1, "{} asks first for one thing", driver.name);
            let answers: Answers = first.into_iter().map(|request| (request.key, body(content_type, &bytes))).collect();
            assert!(!(driver.identify)(&answers), "{} takes {path} for its own", driver.name);
            assert_eq!((driver.next)(&answers), Vec::new(), "{} goes on after {path}", driver.name);
            let (report, defects) = (driver.read)(&answers, READ_AT);
            assert!(walk(&report).is_empty(), "{} reads {path}", driver.name);
            assert!(!defects.is_empty(), "{} says nothing of {path}", driver.name);
        }
    }
}

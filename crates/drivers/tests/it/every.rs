//! What holds of every driver: which rows it fills and where they come from, what the tables mark as derived, and
//! that one colour has one name.
//!
//! Deliberately absent: what only one driver does, which stands in its own module.

use crate::common::cases;
use crate::{ews, ipp, ledm, piws, snmp};
use drivers::{DRIVERS, Driver, is_derived, mark};
use report::{Defect, Report, RowId, walk};
use std::collections::BTreeSet;

/// What a driver reads of one of its cases.
fn case(driver: &Driver, name: &str) -> (Report, Vec<Defect>) {
    match driver.name {
        "piws" => piws::case(name),
        "ews_xml" => ews::documents(name),
        "ledm" => ledm::read(&ledm::documents(name)),
        "ews_html" => ews::pages(name),
        "ipp" => ipp::read(&ipp::case(name)),
        "snmp" => snmp::case(name),
        name => panic!("{name} is new here"),
    }
}

#[test]
fn the_rows_that_a_driver_says_it_fills_are_those_it_fills_each_with_its_source() {
    for driver in DRIVERS {
        let mut filled: BTreeSet<RowId> = BTreeSet::new();
        for name in cases(driver.name) {
            let (report, _) = case(driver, &name);
            for found in walk(&report) {
                let from = &report.sources[&found.row].from;
                assert!(from.starts_with(&format!("{} ", driver.name)), "{name}: {} comes from '{from}'", found.row);
                filled.insert(found.row);
            }
        }
        let said: BTreeSet<RowId> = driver.rows.iter().copied().collect();
        assert_eq!(said.len(), driver.rows.len(), "{} names a row twice", driver.name);
        assert_eq!(filled, said, "{}", driver.name);
    }
}

#[test]
fn the_rows_marked_as_derived_are_those_of_which_reports_say_so() {
    for driver in DRIVERS {
        let mut derived: BTreeSet<RowId> = BTreeSet::new();
        for name in cases(driver.name) {
            let sources = case(driver, &name).0.sources;
            derived.extend(sources.into_iter().filter(|(_, source)| source.derived).map(|(row, _)| row));
        }
        let marked: BTreeSet<RowId> = driver.rows.iter().copied().filter(|row| is_derived(driver, *row)).collect();
        assert_eq!(derived, marked, "{}", driver.name);
        for row in marked {
            assert_ne!(mark(driver, row), "✓", "{} {row}", driver.name);
        }
    }
}

#[test]
fn one_colour_has_one_name_in_every_driver() {
    let cases: &[(&str, &[&str])] = &[
        ("cyan", &["C", "cyan", "Cyan", "CYAN"]),
        ("matte-black", &["MK", "matte-black", "Matte Black", "MatteBlack", "matte black ink"]),
        ("photo-black", &["PK", "photo black", "PhotoBlack"]),
        ("light-gray", &["LG", "light grey", "LightGray", "light-gray"]),
        ("optimizer", &["OP", "Optimizer", "Latex Optimizer", "optimiser"]),
        ("chromatic-red", &["CR", "Chromatic Red"]),
    ];
    let readers: &[(&str, fn(&str) -> Option<String>)] = &[
        ("piws", piws::colour_of),
        ("ledm", ledm::colour_of),
        ("ews_html", ews::colour_of),
        ("ipp", ipp::colour_of),
        ("snmp", snmp::colour_of),
    ];
    for (name, spellings) in cases {
        for spelling in *spellings {
            for (driver, colour_of) in readers {
                assert_eq!(colour_of(spelling).as_deref(), Some(*name), "{driver}: {spelling}");
            }
        }
    }
}

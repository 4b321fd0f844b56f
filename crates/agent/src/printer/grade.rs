//! How well a reading is proved, by the connections over which its rows came.
//!
//! Pure. Deliberately absent: grade A, which only a printer that signs can give.

use report::{Grade, Report, RowId, Section};

/// Grade B where identity, usage and jobs came from interfaces that are proved: over TLS with the printer's
/// certificate, or by SNMPv3 with authentication; else C. Status rows do not count: nothing is billed by them.
pub(super) fn grade(report: &Report, drivers: &[&'static str], is_proved: impl Fn(&str) -> bool) -> Grade {
    let counts = |row: RowId| match row.row().section {
        Section::Configuration | Section::Usage | Section::PrintJob | Section::ScanJob => true,
        Section::Status | Section::Alert => false,
    };
    let sources = report.sources.iter().filter(|(row, _)| counts(**row));
    let mut names: Vec<&str> = sources.filter_map(|(_, source)| source.from.split(' ').next()).collect();
    if names.is_empty() {
        names.extend(drivers);
    }
    if !names.is_empty() && names.into_iter().all(is_proved) { Grade::B } else { Grade::C }
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Source;

    #[test]
    fn what_is_billed_decides_the_grade() {
        for (sources, drivers, proved, expected) in [
            (vec![(RowId::C3, "piws Identification"), (RowId::U15, "piws Counters")], vec!["piws"], "piws", Grade::B),
            (vec![(RowId::C3, "piws Identification"), (RowId::S10, "snmp prtMarker")], vec!["piws"], "piws", Grade::B),
            (vec![(RowId::C3, "piws Identification"), (RowId::U15, "snmp prtMarker")], vec!["piws"], "piws", Grade::C),
            (vec![(RowId::C3, "snmp prtGeneral"), (RowId::U15, "snmp prtMarker")], vec!["snmp"], "snmp", Grade::B),
            (vec![(RowId::P2, "piws JobQueue")], vec!["piws", "ipp"], "ipp", Grade::C),
            (vec![], vec!["piws"], "piws", Grade::B),
            (vec![], vec!["piws", "snmp"], "piws", Grade::C),
            (vec![], vec![], "piws", Grade::C),
        ] {
            let mut report = Report::default();
            for (row, from) in &sources {
                report.sources.insert(*row, Source { from: (*from).to_owned(), derived: false });
            }
            assert_eq!(grade(&report, &drivers, |name| name == proved), expected, "{sources:?}");
        }
    }
}

//! The privacy filter: it runs on a report before anything is written anywhere.

use crate::config::Personal;
use report::Report;

/// Removes what the customer's side does not let through.
pub(crate) fn filter(report: &mut Report, policy: Personal) {
    if policy == Personal::Keep {
        return;
    }
    for (job, _) in &mut report.jobs {
        job.personal = report::Personal::default();
    }
    report.sources.retain(|row, _| !row.row().personal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_leaves_no_row_that_appendix_a_calls_personal() {
        let mut report = report::sample::report(1);
        filter(&mut report, Personal::Drop);
        for filled in report::walk(&report) {
            assert!(!filled.row.row().personal, "{} is left", filled.row);
        }
        assert!(report.sources.keys().all(|row| !row.row().personal));
    }

    #[test]
    fn keeping_changes_nothing() {
        let mut report = report::sample::report(1);
        filter(&mut report, Personal::Keep);
        assert_eq!(report, report::sample::report(1));
    }
}

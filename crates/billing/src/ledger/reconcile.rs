//! Why a printer's counter and its job log differ, in numbers that add up to the difference.
//!
//! Deliberately absent: a tolerance, and a verdict who is right. The contract names which evidence
//! is billed (CL32); this only shows what lies between.

use serde::{Deserialize, Serialize};

/// The areas of one job, mm², as far as the printer gives them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobAreas {
    /// Media used, row P19.
    pub media: Option<i64>,
    /// Area printed, row P20.
    pub printed: Option<i64>,
}

/// What makes a part of the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Jobs use more media than they print on.
    Margins,
    /// Jobs that give their media but not their printed area.
    PrintedUnknown,
    /// The counter rose by more, or less, than the jobs used.
    NotInJobLog,
}

impl Cause {
    /// The words a statement shows.
    pub fn words(self) -> &'static str {
        match self {
            Cause::Margins => "margins and cutting (media used − area printed)",
            Cause::PrintedUnknown => "media of jobs that do not say what they printed",
            Cause::NotInJobLog => {
                "not in the printer's job log (maintenance prints, deleted jobs, margins it does not say), \
                 or read away from the period's edges"
            }
        }
    }
}

/// One part of the difference between counter and jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// What makes it.
    pub cause: Cause,
    /// How much, mm²; positive where it lifts the counter above the area printed.
    pub amount: i64,
}

/// Counter and jobs of a printer over a period, mm², with every difference between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    /// What the media counter rose by, where it was read.
    pub counter_total: Option<i64>,
    /// The media that the jobs used; a job that does not say used at least what it printed.
    pub job_media_total: i64,
    /// The area that the jobs printed.
    pub job_printed_total: i64,
    /// `job_printed_total` plus these is `counter_total`; without a counter, `job_media_total`.
    pub differences: Vec<Difference>,
}

/// Lays a printer's media counter beside its jobs; `None` when a sum does not fit 64 bits.
///
/// Counter 120, jobs 110 media and 100 printed: 100 + 10 margins + 10 not in the job log = 120.
pub fn reconcile(counter_total: Option<i64>, jobs: &[JobAreas]) -> Option<Reconciliation> {
    let (mut media, mut printed) = (0_i128, 0_i128);
    let (mut margins, mut printed_unknown) = (0_i128, 0_i128);
    for job in jobs {
        let (job_media, job_printed) = (job.media.map(i128::from), job.printed.map(i128::from));
        media += job_media.or(job_printed).unwrap_or(0);
        printed += job_printed.unwrap_or(0);
        match (job_media, job_printed) {
            (Some(job_media), Some(job_printed)) => margins += job_media - job_printed,
            (Some(job_media), None) => printed_unknown += job_media,
            (None, _) => {}
        }
    }
    let beyond = counter_total.map_or(0, |total| i128::from(total) - media);
    let parts = [(Cause::Margins, margins), (Cause::PrintedUnknown, printed_unknown), (Cause::NotInJobLog, beyond)];
    let mut differences = Vec::new();
    for (cause, amount) in parts {
        if amount != 0 {
            differences.push(Difference { cause, amount: i64::try_from(amount).ok()? });
        }
    }
    let (job_media_total, job_printed_total) = (i64::try_from(media).ok()?, i64::try_from(printed).ok()?);
    Some(Reconciliation { counter_total, job_media_total, job_printed_total, differences })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_differences_add_up_exactly() {
        let jobs = [
            JobAreas { media: Some(110), printed: Some(100) },
            JobAreas { media: Some(7), printed: None },
            JobAreas { media: None, printed: Some(5) },
            JobAreas::default(),
        ];
        for counter in [None, Some(0), Some(117), Some(130)] {
            let found = reconcile(counter, &jobs).unwrap();
            let sum: i64 = found.differences.iter().map(|difference| difference.amount).sum();
            assert_eq!(found.job_printed_total + sum, counter.unwrap_or(found.job_media_total), "{counter:?}");
        }
    }

    #[test]
    fn no_difference_is_no_row() {
        let jobs = [JobAreas { media: Some(5), printed: Some(5) }];
        assert!(reconcile(Some(5), &jobs).unwrap().differences.is_empty());
        assert!(reconcile(None, &jobs).unwrap().differences.is_empty());
    }

    #[test]
    fn a_sum_that_does_not_fit_is_none() {
        let job = JobAreas { media: Some(i64::MAX), printed: None };
        assert_eq!(reconcile(None, &[job, job]), None);
    }
}

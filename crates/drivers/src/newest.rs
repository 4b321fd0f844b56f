//! The jobs of one reading: where a printer lists more than are read, the newest, whatever their order.
//!
//! Deliberately absent: which jobs were seen before, which is the ledger's.

use crate::limits::JOBS_MAX;
use report::{Defect, Job};
use std::cmp::Reverse;

/// What every defect says by which jobs of a list were left out, after which ones and before why.
pub(crate) const LEFT_OUT: &str = "were not read: ";

/// A job with what is odd about it.
type Read = (Job, Vec<Defect>);

/// The newest jobs so far. Not much more than [`JOBS_MAX`] are held.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    /// Each with its place in the list.
    jobs: Vec<(usize, Read)>,
    /// All that came.
    count: usize,
}

impl Newest {
    /// Takes a job.
    pub(crate) fn put(&mut self, job: Read) {
        self.jobs.push((self.count, job));
        self.count += 1;
        if self.jobs.len() >= 2 * JOBS_MAX {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        if self.jobs.len() > JOBS_MAX {
            // Those of which nobody knows when they ended count as the oldest.
            self.jobs.sort_by_key(|(place, (job, _))| (Reverse(job.finished_at()), *place));
            self.jobs.truncate(JOBS_MAX);
        }
    }

    /// The newest jobs in the order of the list, and what is to be said of the others.
    pub(crate) fn into_jobs(mut self) -> (Vec<Read>, Option<String>) {
        self.shorten();
        self.jobs.sort_by_key(|(place, _)| *place);
        let left_out = self.count - self.jobs.len();
        let said = (left_out > 0).then(|| format!("the {left_out} oldest jobs {LEFT_OUT}more than {JOBS_MAX} jobs"));
        (self.jobs.into_iter().map(|(_, job)| job).collect(), said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{Instant, PrintJob};

    fn job(ended: Option<usize>) -> Read {
        let printed_at = ended.map(|ended| Instant(i64::try_from(ended).expect("few")));
        (Job { print: Some(PrintJob { printed_at, ..PrintJob::default() }), ..Job::default() }, Vec::new())
    }

    #[test]
    fn the_newest_are_kept_whatever_their_order() {
        let most = 5 * JOBS_MAX;
        let orders: [Vec<usize>; 3] =
            [(0..most).collect(), (0..most).rev().collect(), (0..most).map(|job| (job * 7) % most).collect()];
        for order in orders {
            let mut newest = Newest::default();
            newest.put(job(None));
            order.iter().for_each(|ended| newest.put(job(Some(*ended))));
            let (jobs, said) = newest.into_jobs();
            let ended = |(job, _): &Read| job.finished_at().map(|ended| usize::try_from(ended.0).expect("positive"));
            let found: Vec<Option<usize>> = jobs.iter().map(ended).collect();
            let expected = order.into_iter().filter(|ended| *ended >= most - JOBS_MAX).map(Some);
            assert_eq!(found, expected.collect::<Vec<_>>(), "in their order");
            assert_eq!(said.as_deref(), Some("the 8001 oldest jobs were not read: more than 2000 jobs"));
        }
    }

    #[test]
    fn as_many_as_are_read_are_all_there() {
        let mut newest = Newest::default();
        (0..JOBS_MAX).for_each(|_| newest.put(job(None)));
        let (jobs, said) = newest.into_jobs();
        assert_eq!((jobs.len(), said), (JOBS_MAX, None));
    }
}

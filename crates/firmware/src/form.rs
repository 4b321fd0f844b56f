//! A report as JSON: the report's own types, so that whatever a row can say, JSON can say too.
//!
//! Unknown fields are refused, so that a misspelt one is not lost in silence. Deliberately absent: the
//! serial number and the instant of reading, which the library knows better.

use crate::fault::Fault;
use report::{Alert, Configuration, Defect, Job, Personal, RowId, Settings, Status, Usage, Value, walk, walk_job};
use serde::Deserialize;

/// What `pm_report_json` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReportForm {
    /// Rows C1, C2 and C4, where they changed since the handle was opened.
    pub(crate) configuration: Configuration,
    /// Rows S1 to S22.
    pub(crate) status: Status,
    /// Rows S23 to S26.
    pub(crate) settings: Settings,
    /// U rows.
    pub(crate) usage: Usage,
    /// E rows.
    pub(crate) alerts: Vec<Alert>,
    /// Finished jobs.
    pub(crate) jobs: Vec<JobForm>,
}

/// What `pm_job_json` takes, and one of the jobs of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobForm {
    /// P and N rows that are not personal.
    pub(crate) job: Job,
    /// The personal rows; the privacy policy decides what of them is kept.
    #[serde(default)]
    pub(crate) personal: Personal,
}

impl JobForm {
    /// The job with its personal rows where the report's types have them.
    pub(crate) fn into_job(self) -> Job {
        Job { personal: self.personal, ..self.job }
    }
}

/// Reads JSON of one of these forms. A list is none, though its members could stand for the fields in order.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Fault> {
    if !json.trim_start().starts_with('{') {
        return Err(Fault::Json("an object is expected".to_owned()));
    }
    serde_json::from_str(json).map_err(|error| Fault::Json(Defect::quote(&error.to_string())))
}

/// Numbers below zero: no counter and no job has them, and they are kept and shown, not mended.
pub(crate) fn below_zero(report: &report::Report) -> Vec<Defect> {
    walk(report).into_iter().filter_map(|filled| negative(filled.row, &filled.value)).collect()
}

/// The same for a job.
pub(crate) fn below_zero_of_job(job: &Job) -> Vec<Defect> {
    walk_job(job).into_iter().filter_map(|filled| negative(filled.row, &filled.value)).collect()
}

fn negative(row: RowId, value: &Value) -> Option<Defect> {
    let number = match value {
        Value::Text(_) | Value::Flag(_) => return None,
        Value::Area(area) => area.0,
        Value::Length(length) => length.0,
        Value::Ink(ink) => ink.0,
        Value::Instant(instant) => instant.0,
        Value::Duration(duration) => duration.0,
        Value::Share(share) => share.0,
        Value::Count(count) => *count,
    };
    (number < 0).then(|| Defect::at(row, format!("{number} is below zero")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_and_a_misspelt_field_does_not() {
        let form: ReportForm = read(
            r#"{"status":{"engine":"ready"},"usage":{"jobs":12,"pages":-3},
                "jobs":[{"job":{"kind":"print","uuid":"u","print":{"printed_at":60000,"pages":1}},
                         "personal":{"user":"somebody"}}]}"#,
        )
        .expect("the documented form");
        assert_eq!(form.jobs[0].clone().into_job().personal.user.as_deref(), Some("somebody"));
        let report = report::Report { usage: form.usage, ..report::Report::default() };
        assert_eq!(below_zero(&report), vec![Defect::at(RowId::U15, "-3 is below zero")]);
        for wrong in ["", "[]", r#"{"state":{}}"#, r#"{"usage":{"jobs":1.5}}"#, r#"{"usage":{"jobs":NaN}}"#, "{"] {
            assert!(matches!(read::<ReportForm>(wrong), Err(Fault::Json(_))), "{wrong}");
        }
        assert!(read::<ReportForm>(r#"{"usage":{"jobs":1e400}}"#).is_err());
    }
}

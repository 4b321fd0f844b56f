//! `/`: the work to do, and the period so far.
//!
//! Deliberately absent: deciding what counts as work, which the features say.

use crate::shell::chart::Chart;
use crate::shell::page::{Chrome, Link, Status};
use askama::Template;

/// `/`.
#[derive(Debug, Clone, Template)]
#[template(path = "home/home.html")]
pub(crate) struct HomePage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The day, what closes next, and the zone: `Sunday 1 November 2026 · times in Europe/Berlin`.
    pub(crate) sub: String,
    /// The queues, most urgent first.
    pub(crate) queues: Vec<Queue>,
    /// Printers that nobody has decided about yet, leading to their list.
    pub(crate) decide: Option<Link>,
    /// The month whose area the chart shows: `October, area printed`.
    pub(crate) chart_title: String,
    /// The area a day; `None` while nothing was printed.
    pub(crate) chart: Option<Chart>,
    /// This period against the last.
    pub(crate) period: PeriodCard,
}

/// A list of things to do, of which the first few are shown.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// Its name: `Not reporting`.
    pub(crate) title: &'static str,
    /// How many things stand in it.
    pub(crate) count: i64,
    /// The list that it counts, with the filter in its address.
    pub(crate) href: String,
    /// What is at stake; `None` when the queue is empty.
    pub(crate) status: Option<Status>,
    /// The first few.
    pub(crate) rows: Vec<QueueRow>,
    /// What to say when it is empty: `Every printer reports.`
    pub(crate) empty: &'static str,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub(crate) struct QueueRow {
    /// What, leading to its cause.
    pub(crate) what: Link,
    /// Since when, or how much.
    pub(crate) note: String,
}

/// This period against the last.
#[derive(Debug, Clone)]
pub(crate) struct PeriodCard {
    /// The current period's name.
    pub(crate) now: String,
    /// The period it is compared with, as far into it as we are now.
    pub(crate) before: String,
    /// The figures.
    pub(crate) rows: Vec<PeriodRow>,
    /// What changed since the last visit, or what is still missing.
    pub(crate) note: Option<String>,
}

/// A figure of the period.
#[derive(Debug, Clone)]
pub(crate) struct PeriodRow {
    /// Its name.
    pub(crate) label: &'static str,
    /// Its value with its unit.
    pub(crate) now: String,
    /// The change against the last period: `+ 3.1 %`.
    pub(crate) change: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    fn queue(title: &'static str, count: i64, status: Option<Status>) -> Queue {
        let row = |text: &str, note: &str| QueueRow { what: Link::new(text, "/printers/7"), note: note.to_owned() };
        let rows = vec![row("T930 · <script>alert(1)</script>", "4 d 2 h"), row("XL 5000 · Studio Nord", "31 h")];
        let rows = if count == 0 { Vec::new() } else { rows };
        let href = "/printers?filter=silent".to_owned();
        Queue { title, count, href, status, rows, empty: "Every printer reports." }
    }

    impl HomePage {
        pub(crate) fn sample() -> HomePage {
            let row = |label, now: &str| PeriodRow { label, now: now.to_owned(), change: "+ 3.1 %".to_owned() };
            HomePage {
                chrome: Chrome::sample("Work to do", "/"),
                sub: "Sunday 1 November 2026 · times in Europe/Berlin".to_owned(),
                queues: vec![
                    queue("Not reporting", 3, Some(Status::new(Tone::Bad, "bills at risk"))),
                    queue("Statements to approve", 38, Some(Status::new(Tone::Warn, "2 days left"))),
                    queue("Alerts", 9, Some(Status::new(Tone::Warn, "1 severe"))),
                    queue("Supplies ending", 6, Some(Status::new(Tone::Info, "6 to order"))),
                    queue("Printers without a contract", 0, None),
                ],
                decide: Some(Link::new("2 printers were seen and are not read.", "/printers?filter=seen")),
                chart_title: "October, area printed".to_owned(),
                chart: Some(Chart::sample()),
                period: PeriodCard {
                    now: "October".to_owned(),
                    before: "September".to_owned(),
                    rows: vec![row("Area", "14,982.41 m²"), row("Ink", "38.914 l"), row("Jobs", "21,406")],
                    note: Some("2 readings arrived late.".to_owned()),
                },
            }
        }
    }
}

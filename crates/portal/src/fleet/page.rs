//! The pages of the fleet: the list of printers, and one printer with its tabs.
//!
//! Deliberately absent: assigning a printer to a contract, which is done on the contract's page.

use crate::jobs::page::JobTable;
use crate::readings::page::{HandRow, UnitlessRow};
use crate::shell::chart::Chart;
use crate::shell::page::{Badge, Chip, Chrome, Fact, Link, Pager, Status};
use crate::shell::rows::{Age, RowSection};
use askama::Template;

/// `/printers`.
#[derive(Debug, Clone, Template)]
#[template(path = "fleet/printers.html")]
pub(crate) struct PrintersPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many printers of how many customers, and the period of the figures.
    pub(crate) sub: String,
    /// The filters with their counts: all, not reporting, alerts, supplies ending, no contract, seen.
    pub(crate) chips: Vec<Chip>,
    /// What is searched for.
    pub(crate) query: String,
    /// The filter in force, kept while searching.
    pub(crate) filter: &'static str,
    /// The id of the one customer shown, kept while searching; empty for all.
    pub(crate) customer: String,
    /// The printers shown.
    pub(crate) rows: Vec<PrinterRow>,
    /// What to do when none is shown: enrol an agent, or widen the search.
    pub(crate) empty: String,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// A printer in a list.
#[derive(Debug, Clone)]
pub(crate) struct PrinterRow {
    /// `/printers/{id}`.
    pub(crate) href: String,
    /// Model, row C2, else its product number, row C1.
    pub(crate) name: String,
    /// Row C3, or that it has none.
    pub(crate) serial: String,
    /// The customer's name.
    pub(crate) customer: String,
    /// How its data comes: collector or direct, and the agent's name.
    pub(crate) path: String,
    /// Area printed this period in m², or the word for not known.
    pub(crate) area: String,
    /// Ink this period in ml, or the word for not known.
    pub(crate) ink: String,
    /// Reporting, late, silent; with a shape.
    pub(crate) status: Status,
    /// When it last reported: `2 h ago`.
    pub(crate) last: String,
    /// The same instant with its zone.
    pub(crate) exact: String,
    /// Its contract today; `None` where it has none.
    pub(crate) contract: Option<Link>,
}

/// `/printers/{id}`, one tab at a time: `?tab=jobs`.
#[derive(Debug, Clone, Template)]
#[template(path = "fleet/printer.html")]
pub(crate) struct PrinterPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// What it is.
    pub(crate) head: PrinterHead,
    /// The tabs, see [`tabs`].
    pub(crate) tabs: Vec<Chip>,
    /// The tab shown.
    pub(crate) tab: PrinterTab,
}

/// A printer's head, on each of its tabs.
#[derive(Debug, Clone)]
pub(crate) struct PrinterHead {
    /// Model.
    pub(crate) name: String,
    /// Serial, customer and zone: `CN48A2491 · Kessler · times in Europe/Berlin`.
    pub(crate) sub: String,
    /// Reporting, late, silent; with a shape.
    pub(crate) status: Status,
    /// When it last reported.
    pub(crate) last: Age,
    /// Oddities in its latest report.
    pub(crate) defects: Vec<String>,
    /// What can be done about its readings and its place.
    pub(crate) acts: Vec<Link>,
}

/// The tabs of the printer at `href`; `here` is the one shown: `overview`, `jobs`, `readings`, `everything`, `history`.
pub(crate) fn tabs(href: &str, here: &str) -> Vec<Chip> {
    let tab = |name: &str, label: &str| {
        let address = if name == "overview" { href.to_owned() } else { format!("{href}?tab={name}") };
        Chip::new(label, address, name == here)
    };
    vec![
        tab("overview", "Overview"),
        tab("jobs", "Jobs"),
        tab("readings", "Readings"),
        tab("everything", "Everything"),
        tab("history", "History"),
    ]
}

/// What a printer's page shows below its head.
#[derive(Debug, Clone)]
pub(crate) enum PrinterTab {
    /// What it is, what it did this period, and what runs out.
    Overview(Box<Overview>),
    /// Its latest jobs.
    Jobs(JobTable),
    /// Each counter with its latest reading, then the latest changes, then what people know of them.
    Readings(Readings),
    /// All rows of Appendix A.
    Everything(Everything),
    /// Moves, firmware, resets and swaps.
    History(Vec<HistoryRow>),
}

/// The first tab.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    /// Identity: product, firmware, agent, contract, first seen.
    pub(crate) facts: Vec<Fact>,
    /// The period of the usage: `October 2026 so far`.
    pub(crate) period: String,
    /// Usage a meter.
    pub(crate) usage: Vec<UsageRow>,
    /// Cartridges, printheads and media.
    pub(crate) supplies: Vec<SupplyRow>,
    /// Alerts that the printer raises now.
    pub(crate) alerts: Vec<AlertRow>,
    /// Whether it takes part.
    pub(crate) capture: Capture,
    /// The area a day; `None` while nothing was printed.
    pub(crate) chart: Option<Chart>,
}

/// Whether a printer takes part, with the form that changes it.
#[derive(Debug, Clone)]
pub(crate) struct Capture {
    /// What is so now, and what the button changes.
    pub(crate) words: &'static str,
    /// What the form sends as `part`.
    pub(crate) part: &'static str,
    /// The button's words.
    pub(crate) label: &'static str,
    /// `/printers/{id}/participation`.
    pub(crate) action: String,
}

/// Usage on a meter.
#[derive(Debug, Clone)]
pub(crate) struct UsageRow {
    /// The meter in words.
    pub(crate) meter: String,
    /// What was used this period, with its unit.
    pub(crate) now: String,
    /// What was used in the period before with its unit, or the word for not known.
    pub(crate) before: String,
}

/// A supply.
#[derive(Debug, Clone)]
pub(crate) struct SupplyRow {
    /// What it is: `Magenta cartridge`.
    pub(crate) name: String,
    /// Its part number, or the word for not known.
    pub(crate) part: String,
    /// How much is left: `118 of 300 ml`; an unknown level is the word, never 0 %.
    pub(crate) left: String,
    /// In the printer's words, with a shape.
    pub(crate) status: Status,
}

/// An alert, E rows.
#[derive(Debug, Clone)]
pub(crate) struct AlertRow {
    /// What it says.
    pub(crate) text: String,
    /// The part concerned, and the code.
    pub(crate) part: String,
    /// Info, warning or severe.
    pub(crate) status: Status,
    /// Since when, relative.
    pub(crate) since: String,
}

/// What is known of a printer's counters.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    /// The printer's own readings.
    pub(crate) tables: Vec<ReadingTable>,
    /// Readings that people entered.
    pub(crate) hands: Vec<HandRow>,
    /// Numbers without a unit.
    pub(crate) unitless: Vec<UnitlessRow>,
}

/// Readings of counters.
#[derive(Debug, Clone)]
pub(crate) struct ReadingTable {
    /// What the table holds, for its caption.
    pub(crate) caption: &'static str,
    /// The readings.
    pub(crate) rows: Vec<ReadingRow>,
}

/// A reading of a counter.
#[derive(Debug, Clone)]
pub(crate) struct ReadingRow {
    /// The meter: `area-media/mono-line`.
    pub(crate) meter: String,
    /// Its words: `Media used, monochrome lines`.
    pub(crate) label: String,
    /// The counter's value.
    pub(crate) value: String,
    /// The value's unit.
    pub(crate) unit: String,
    /// When it was read, relative and exact.
    pub(crate) at: Age,
    /// Who read it, in words.
    pub(crate) source: String,
    /// How well it is proved.
    pub(crate) grade: Badge,
    /// The segment it belongs to: `2, since reset 4 Mar 2026`.
    pub(crate) segment: String,
    /// What was odd.
    pub(crate) defects: Vec<String>,
    /// Where somebody says why it did not go on, while that waits.
    pub(crate) settle: Option<String>,
}

/// All rows of Appendix A.
#[derive(Debug, Clone)]
pub(crate) struct Everything {
    /// When they were read.
    pub(crate) age: Age,
    /// How many rows of how many are filled: `63 of 92 rows`.
    pub(crate) filled: String,
    /// The rows.
    pub(crate) sections: Vec<RowSection>,
}

/// Something that happened to a printer.
#[derive(Debug, Clone)]
pub(crate) struct HistoryRow {
    /// When.
    pub(crate) at: String,
    /// What: `Firmware changed`.
    pub(crate) what: String,
    /// From and to.
    pub(crate) detail: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::format::Zone;
    use crate::shell::page::Tone;
    use report::{Grade, Instant};

    fn age() -> Age {
        Age::of(Instant(7_200_000), Instant(0), &Zone::utc())
    }

    impl PrintersPage {
        pub(crate) fn sample() -> PrintersPage {
            let row = |number: usize| PrinterRow {
                href: format!("/printers/{number}"),
                name: "PageWide XL 5000".to_owned(),
                serial: format!("CN48A{number:04}"),
                customer: "<script>alert(1)</script> & Söhne".to_owned(),
                path: "Collector · plotraum".to_owned(),
                area: "687.17".to_owned(),
                ink: if number.is_multiple_of(5) { "unknown".to_owned() } else { "1,752.3".to_owned() },
                status: match number % 4 {
                    0 => Status::new(Tone::Bad, "Silent 4 d"),
                    1 => Status::new(Tone::Warn, "Late"),
                    2 => Status::new(Tone::Good, "Reporting"),
                    _ => Status::new(Tone::Info, "Asleep"),
                },
                last: "2 h ago".to_owned(),
                exact: "1 Nov 2026 10:00:00 Europe/Berlin".to_owned(),
                contract: (!number.is_multiple_of(3)).then(|| Link::new("C-112", "/contracts/112")),
            };
            PrintersPage {
                chrome: Chrome::sample("Printers", "/printers"),
                sub: "214 printers of 27 customers · October 2026 so far".to_owned(),
                chips: vec![
                    Chip::new("All 214", "/printers", true),
                    Chip::new("Not reporting 3", "/printers?filter=silent", false),
                    Chip::new("No contract 2", "/printers?filter=no-contract", false),
                ],
                query: "\"XL\"".to_owned(),
                filter: "silent",
                customer: String::new(),
                rows: (1..=50).map(row).collect(),
                empty: "No printer yet. Enrol an agent on a customer's page.".to_owned(),
                pager: Pager::new(0, 50, 214, None, Some("/printers?page=2".to_owned())),
            }
        }
    }

    impl Overview {
        fn sample() -> Overview {
            Overview {
                facts: vec![
                    Fact::new("Product", "T7V11A"),
                    Fact::new("Agent", "plotraum").linked("/agents/3"),
                    Fact::new("Contract", "none, so nothing is billed"),
                ],
                period: "October 2026 so far".to_owned(),
                usage: vec![UsageRow {
                    meter: "Monochrome lines, area printed".to_owned(),
                    now: "520.00 m²".to_owned(),
                    before: "unknown".to_owned(),
                }],
                supplies: vec![SupplyRow {
                    name: "Magenta cartridge".to_owned(),
                    part: "C1Q18A".to_owned(),
                    left: "118 of 300 ml".to_owned(),
                    status: Status::new(Tone::Warn, "low"),
                }],
                alerts: vec![AlertRow {
                    text: "Printhead <b>failing</b>".to_owned(),
                    part: "printhead 2 · 46.01".to_owned(),
                    status: Status::new(Tone::Bad, "severe"),
                    since: "3 h ago".to_owned(),
                }],
                capture: Capture {
                    words: "It takes part.",
                    part: "no",
                    label: "Stop the capture",
                    action: "/printers/7/participation".to_owned(),
                },
                chart: Some(Chart::sample()),
            }
        }
    }

    fn reading() -> ReadingRow {
        ReadingRow {
            meter: "area-media/mono-line".to_owned(),
            label: "Media used, monochrome lines".to_owned(),
            value: "18,531.40".to_owned(),
            unit: "m²".to_owned(),
            at: age(),
            source: "read by a collector".to_owned(),
            grade: Badge::from(Grade::C),
            segment: "2, since a reset on 4 Mar 2026".to_owned(),
            defects: vec!["went from 9.10 to 3.00".to_owned()],
            settle: Some("/readings?printer=7&meter=pages&at=5".to_owned()),
        }
    }

    impl PrinterPage {
        /// The page once for each tab.
        pub(crate) fn samples() -> Vec<(&'static str, PrinterPage)> {
            let page = |name: &'static str, tab: PrinterTab| {
                let head = PrinterHead {
                    name: "PageWide XL 5000".to_owned(),
                    sub: "CN48A2491 · <script>alert(1)</script> · times in Europe/Berlin".to_owned(),
                    status: Status::new(Tone::Good, "Reporting"),
                    last: age(),
                    defects: vec!["media list is not well formed".to_owned()],
                    acts: vec![Link::new("Replace or move", "/printers/7/swap")],
                };
                let chrome = Chrome::sample("PageWide XL 5000", "/printers");
                (name, PrinterPage { chrome, head, tabs: tabs("/printers/7", name), tab })
            };
            let everything =
                Everything { age: age(), filled: "63 of 92 rows".to_owned(), sections: crate::shell::rows::sample() };
            let readings = Readings {
                tables: vec![
                    ReadingTable { caption: "Latest reading of each counter", rows: vec![reading(), reading()] },
                    ReadingTable { caption: "Latest changes", rows: vec![reading()] },
                ],
                hands: vec![HandRow { href: None, ..HandRow::sample() }],
                unitless: vec![UnitlessRow::sample()],
            };
            let history = HistoryRow {
                at: "4 Mar 2026 09:12".to_owned(),
                what: "Counter reset".to_owned(),
                detail: "18,200.00 m² to 3.00 m², a new segment begins".to_owned(),
            };
            vec![
                page("overview", PrinterTab::Overview(Box::new(Overview::sample()))),
                page("jobs", PrinterTab::Jobs(JobTable::sample())),
                page("readings", PrinterTab::Readings(readings)),
                page("everything", PrinterTab::Everything(everything)),
                page("history", PrinterTab::History(vec![history])),
            ]
        }
    }
}

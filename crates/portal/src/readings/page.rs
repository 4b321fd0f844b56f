//! The pages about readings: what waits, entering, units, imports, and a printer that is replaced or moved.
//!
//! Deliberately absent: what each act does, which its own module says.

use crate::shell::page::{Chip, Chrome, Fact, Field, Link, Pager, Status};
use askama::Template;

/// A hidden field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Hidden {
    /// The form's name of it.
    pub(crate) name: &'static str,
    /// What the form sends.
    pub(crate) value: String,
}

impl Hidden {
    /// The field `name` with `value`.
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Hidden {
        Hidden { name, value: value.into() }
    }
}

/// `/readings`: what waits for somebody.
#[derive(Debug, Clone, Template)]
#[template(path = "readings/settle.html")]
pub(crate) struct SettlePage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How much waits.
    pub(crate) sub: String,
    /// Leads to the whole list, where one printer's part is shown.
    pub(crate) all: Option<Link>,
    /// The break that is being settled.
    pub(crate) chosen: Option<Chosen>,
    /// The breaks that wait, newest first.
    pub(crate) pending: Vec<PendingRow>,
    /// Which part of them is shown.
    pub(crate) pager: Pager,
    /// Numbers that wait for a unit.
    pub(crate) units: Vec<GroupRow>,
    /// Readings of people that were odd and stand.
    pub(crate) odd: Vec<HandRow>,
    /// Late readings of agents that count nowhere.
    pub(crate) misfits: Vec<MisfitRow>,
    /// Printers whose counters another interface gives too.
    pub(crate) others: Vec<OtherRow>,
    /// What was decided lately.
    pub(crate) decided: Vec<DecidedRow>,
}

/// Counters of a printer that another interface gives too.
#[derive(Debug, Clone)]
pub(crate) struct OtherRow {
    /// Its printer.
    pub(crate) printer: Link,
    /// Which counters, over which interfaces, and what both show of one.
    pub(crate) what: String,
    /// When the other one showed it.
    pub(crate) at: String,
    /// The interface that can be followed instead.
    pub(crate) other: String,
    /// What the form sends; empty where a person has said so already.
    pub(crate) hidden: Vec<Hidden>,
}

/// The break that is being settled, with its form.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    /// `Media used of Hall 2`.
    pub(crate) title: String,
    /// The two readings.
    pub(crate) facts: Vec<Fact>,
    /// What speaks for what.
    pub(crate) speaks: String,
    /// What each reason would count.
    pub(crate) outcomes: Vec<Outcome>,
    /// Which break it is.
    pub(crate) hidden: Vec<Hidden>,
    /// `reason`, `counts_from`, `width`, `note`.
    pub(crate) fields: Vec<Field>,
}

/// What a break would count for one reason.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// The reason.
    pub(crate) label: &'static str,
    /// From which value it is counted.
    pub(crate) from: String,
    /// To which value.
    pub(crate) to: String,
    /// How much, with its unit; or why that is not known.
    pub(crate) counted: String,
}

/// A break that waits.
#[derive(Debug, Clone)]
pub(crate) struct PendingRow {
    /// Its printer.
    pub(crate) printer: Link,
    /// The customer.
    pub(crate) customer: String,
    /// The counter in words.
    pub(crate) counter: String,
    /// Before and after, with the unit.
    pub(crate) values: String,
    /// When the value after it was read.
    pub(crate) at: String,
    /// Where it is settled.
    pub(crate) href: String,
    /// Whether it is the one that is being settled.
    pub(crate) on: bool,
}

/// A late reading that counts nowhere.
#[derive(Debug, Clone)]
pub(crate) struct MisfitRow {
    /// The agent that brought it.
    pub(crate) agent: Link,
    /// In words.
    pub(crate) detail: String,
    /// When it came.
    pub(crate) at: String,
}

/// A decision.
#[derive(Debug, Clone)]
pub(crate) struct DecidedRow {
    /// Its printer.
    pub(crate) printer: Link,
    /// The counter in words.
    pub(crate) counter: String,
    /// When the first value after the break was read.
    pub(crate) at: String,
    /// What was decided.
    pub(crate) what: String,
    /// The note; may be empty.
    pub(crate) note: String,
    /// Who, and when.
    pub(crate) by: String,
    /// What takes it back; empty where it does not hold any more.
    pub(crate) hidden: Vec<Hidden>,
    /// Why it cannot be taken back.
    pub(crate) state: &'static str,
}

/// A reading that a person entered.
#[derive(Debug, Clone)]
pub(crate) struct HandRow {
    /// The printer's name.
    pub(crate) printer: String,
    /// The printer's page; `None` for a customer, who has none.
    pub(crate) href: Option<String>,
    /// The counter in words.
    pub(crate) counter: String,
    /// The value with its unit.
    pub(crate) value: String,
    /// When it was read.
    pub(crate) at: String,
    /// Who says it, in words.
    pub(crate) source: &'static str,
    /// Who entered it, and when.
    pub(crate) by: String,
    /// The note; may be empty.
    pub(crate) note: String,
    /// What was odd; may be empty.
    pub(crate) odd: String,
    /// Where it is withdrawn; `None` where that cannot be done here.
    pub(crate) action: Option<String>,
    /// Whether it counts, where it cannot be withdrawn here.
    pub(crate) state: &'static str,
    /// Where it is shown again once it is withdrawn: `printer`, or empty for the list of what waits.
    pub(crate) back: &'static str,
}

/// Numbers of one printer without a unit.
#[derive(Debug, Clone)]
pub(crate) struct UnitlessRow {
    /// The row in words, with its id.
    pub(crate) row: String,
    /// How many jobs and readings.
    pub(crate) count: String,
    /// The unit that somebody declared, or that none is.
    pub(crate) unit: String,
    /// What its last reading gave, and what that counts; empty where it gave none of this row.
    pub(crate) last: String,
    /// Where units are declared.
    pub(crate) href: String,
}

/// The readings of a customer's printers, to be filled in; part of two pages.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// Where the form goes.
    pub(crate) action: String,
    /// The customer's id, as the form sends it.
    pub(crate) customer: String,
    /// `at` and `hour`.
    pub(crate) when: Vec<Field>,
    /// The printers.
    pub(crate) machines: Vec<MachineRows>,
    /// Which part of them is shown.
    pub(crate) pager: Pager,
}

/// The counters of one printer, to be filled in.
#[derive(Debug, Clone)]
pub(crate) struct MachineRows {
    /// What people call it.
    pub(crate) title: String,
    /// Its totals.
    pub(crate) rows: Vec<EnterRow>,
    /// Its counters by category and colour.
    pub(crate) more: Vec<EnterRow>,
    /// Whether these are shown, since something stands there.
    pub(crate) open: bool,
}

/// A counter to be filled in.
#[derive(Debug, Clone)]
pub(crate) struct EnterRow {
    /// Its number on the page, from 1.
    pub(crate) number: usize,
    /// The printer's id.
    pub(crate) printer: i64,
    /// The meter's name.
    pub(crate) meter: String,
    /// `value.{number}`.
    pub(crate) value: Field,
    /// `note.{number}`, where a reason is needed or given.
    pub(crate) note: Option<Field>,
}

/// `/readings/enter`.
#[derive(Debug, Clone, Template)]
#[template(path = "readings/enter.html")]
pub(crate) struct EnterPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// Whose printers, and the zone of the times.
    pub(crate) sub: String,
    /// `customer`.
    pub(crate) choose: Field,
    /// The form; `None` while no customer is chosen.
    pub(crate) sheet: Option<Sheet>,
    /// What is wrong with the whole form.
    pub(crate) wrong: Option<String>,
    /// What people entered lately.
    pub(crate) hands: Vec<HandRow>,
}

/// Numbers without a unit of one model, firmware and row.
#[derive(Debug, Clone)]
pub(crate) struct GroupRow {
    /// Model and firmware.
    pub(crate) model: String,
    /// The row in words, with its id.
    pub(crate) row: String,
    /// How many jobs and readings, of how many printers.
    pub(crate) count: String,
    /// When the last one was.
    pub(crate) at: String,
    /// Where the unit is declared.
    pub(crate) href: String,
}

/// `/readings/units`.
#[derive(Debug, Clone, Template)]
#[template(path = "readings/units.html")]
pub(crate) struct UnitsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The numbers whose unit is being declared.
    pub(crate) chosen: Option<UnitForm>,
    /// Numbers that wait for a unit.
    pub(crate) groups: Vec<GroupRow>,
    /// The units that hold.
    pub(crate) declared: Vec<DeclaredRow>,
}

/// The form that declares a unit.
#[derive(Debug, Clone)]
pub(crate) struct UnitForm {
    /// Model, firmware and row.
    pub(crate) title: String,
    /// The units that can be declared.
    pub(crate) units: Vec<&'static str>,
    /// The latest numbers.
    pub(crate) examples: Vec<ExampleRow>,
    /// Which numbers they are.
    pub(crate) hidden: Vec<Hidden>,
    /// `unit`, `value`, `shown_in`, `reach`, `note`.
    pub(crate) fields: Vec<Field>,
}

/// A number without a unit.
#[derive(Debug, Clone)]
pub(crate) struct ExampleRow {
    /// The number as the printer gave it.
    pub(crate) number: String,
    /// The printer.
    pub(crate) printer: Link,
    /// A job, or a counter.
    pub(crate) of: &'static str,
    /// When.
    pub(crate) at: String,
    /// What it would be in each unit, in m².
    pub(crate) worths: Vec<String>,
}

/// A unit that holds.
#[derive(Debug, Clone)]
pub(crate) struct DeclaredRow {
    /// Model and firmware.
    pub(crate) model: String,
    /// The row with its unit.
    pub(crate) row: String,
    /// How many jobs and readings count by it.
    pub(crate) touches: String,
    /// Who declared it, and when.
    pub(crate) by: String,
    /// The note; may be empty.
    pub(crate) note: String,
    /// Where it is withdrawn.
    pub(crate) action: String,
}

/// `/readings/import`.
#[derive(Debug, Clone, Template)]
#[template(path = "readings/import.html")]
pub(crate) struct ImportPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// Opening readings, then quantities of another system.
    pub(crate) forms: Vec<ImportForm>,
    /// The periods that can be compared.
    pub(crate) chips: Vec<Chip>,
    /// What is compared with what.
    pub(crate) compare_words: String,
    /// Ours beside theirs.
    pub(crate) compared: Vec<CompareRow>,
}

/// A form that takes lines of CSV.
#[derive(Debug, Clone)]
pub(crate) struct ImportForm {
    /// `opening` or `parallel`.
    pub(crate) kind: &'static str,
    /// What it takes.
    pub(crate) title: &'static str,
    /// The columns, in words.
    pub(crate) words: &'static str,
    /// What is wrong, line by line.
    pub(crate) errors: Vec<String>,
    /// What would be taken.
    pub(crate) preview: Option<Preview>,
    /// The lines.
    pub(crate) field: Field,
}

/// What would be taken.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    /// How many, of how many printers.
    pub(crate) words: String,
    /// The first of them.
    pub(crate) rows: Vec<PreviewRow>,
    /// The digest of the lines that were looked at, so that no others are taken.
    pub(crate) seen: String,
}

/// A line that would be taken.
#[derive(Debug, Clone)]
pub(crate) struct PreviewRow {
    /// The printer.
    pub(crate) printer: String,
    /// The counter in words.
    pub(crate) counter: String,
    /// The value with its unit.
    pub(crate) value: String,
    /// The time, or the month.
    pub(crate) when: String,
    /// What is odd; may be empty.
    pub(crate) odd: String,
}

/// A quantity of ours beside that of another system.
#[derive(Debug, Clone)]
pub(crate) struct CompareRow {
    /// The printer.
    pub(crate) printer: Link,
    /// The meter in words.
    pub(crate) meter: String,
    /// Ours with its unit, or the word for not known.
    pub(crate) ours: String,
    /// Theirs with its unit.
    pub(crate) theirs: String,
    /// Ours less theirs, in percent of theirs.
    pub(crate) difference: String,
    /// In words, with a shape.
    pub(crate) status: Status,
}

/// `/printers/{id}/swap`.
#[derive(Debug, Clone, Template)]
#[template(path = "readings/swap.html")]
pub(crate) struct SwapPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// `/printers/{id}`.
    pub(crate) href: String,
    /// What people call it.
    pub(crate) name: String,
    /// Customer, contract, zone.
    pub(crate) sub: String,
    /// Why it cannot be replaced; `None` where it can.
    pub(crate) cannot: Option<String>,
    /// `successor`, `at`, `note`.
    pub(crate) fields: Vec<Field>,
    /// The counters of the old printer.
    pub(crate) values: Vec<SwapRow>,
    /// Where it stands now.
    pub(crate) site_words: String,
    /// `site`, `name`, `country`, `area`, `from`.
    pub(crate) site: Vec<Field>,
    /// Swaps and moves so far.
    pub(crate) past: Vec<PastRow>,
}

/// A counter of a printer that is replaced.
#[derive(Debug, Clone)]
pub(crate) struct SwapRow {
    /// Its number on the page, from 1.
    pub(crate) number: usize,
    /// The meter's name.
    pub(crate) meter: String,
    /// The meter in words.
    pub(crate) label: String,
    /// `old.{number}`: the old printer's last value.
    pub(crate) old: Field,
    /// `new.{number}`: the new printer's first value.
    pub(crate) new: Field,
}

/// A swap or a move.
#[derive(Debug, Clone)]
pub(crate) struct PastRow {
    /// Which of both.
    pub(crate) what: &'static str,
    /// From and to.
    pub(crate) detail: String,
    /// Since when.
    pub(crate) at: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    const ODD: &str = "<script>alert(1)</script>";

    impl HandRow {
        pub(crate) fn sample() -> HandRow {
            HandRow {
                printer: "Hall 2 · CN48A2491".to_owned(),
                href: Some("/printers/7".to_owned()),
                counter: "Media used".to_owned(),
                value: "18531.40 m²".to_owned(),
                at: "31 Oct 2026 17:30".to_owned(),
                source: "entered by hand",
                by: "Ada, 1 Nov 2026 08:12".to_owned(),
                note: ODD.to_owned(),
                odd: "the value is lower than the last one; a counter only rises".to_owned(),
                action: Some("/readings/9/withdraw".to_owned()),
                state: "",
                back: "printer",
            }
        }
    }

    impl UnitlessRow {
        pub(crate) fn sample() -> UnitlessRow {
            UnitlessRow {
                row: "Media area used (P19)".to_owned(),
                count: "214 jobs".to_owned(),
                unit: format!("m², declared by {ODD}"),
                last: "77.5, which is 77.50 m², on 4 Oct 2026 09:12".to_owned(),
                href: "/readings/units".to_owned(),
            }
        }
    }

    impl Sheet {
        pub(crate) fn sample(action: &str) -> Sheet {
            let row = |number: usize, meter: &str, note: bool| EnterRow {
                number,
                printer: 7,
                meter: meter.to_owned(),
                value: Field::number(format!("value.{number}"), "Media used, m²")
                    .hint("last 18531.40 on 1 Oct 2026 00:04, read by printer; expected 18531.40 to 18900.00"),
                note: note.then(|| Field::text(format!("note.{number}"), "Why").wrong(Some("Say why.".to_owned()))),
            };
            Sheet {
                action: action.to_owned(),
                customer: "4".to_owned(),
                when: vec![Field::new("date", "at", "Day").value("2026-10-31"), Field::text("hour", "Hour and minute")],
                machines: vec![MachineRows {
                    title: format!("Hall 2 · CN48A2491 {ODD}"),
                    rows: vec![row(1, "area-media", true), row(2, "pages", false)],
                    more: vec![row(3, "area-media/mono-line", false)],
                    open: false,
                }],
                pager: Pager::new(0, 1, 1, None, None),
            }
        }
    }

    impl SettlePage {
        pub(crate) fn sample() -> SettlePage {
            let printer = || Link::new("Hall 2 · CN48A2491", "/printers/7");
            let key = || vec![Hidden::new("printer", "7"), Hidden::new("meter", "pages"), Hidden::new("at", "5")];
            SettlePage {
                chrome: Chrome::sample("Readings", "/readings"),
                sub: "1 counter waits".to_owned(),
                all: Some(Link::new("All printers", "/readings")),
                chosen: Some(Chosen {
                    title: format!("Pages of {ODD}"),
                    facts: vec![Fact::new("Before", "4294967200 pages"), Fact::new("After", "105 pages")],
                    speaks: "The value could have been printed since: a reset to zero is likely.".to_owned(),
                    outcomes: vec![Outcome {
                        label: "a reset",
                        from: "0 pages".to_owned(),
                        to: "105 pages".to_owned(),
                        counted: "105 pages".to_owned(),
                    }],
                    hidden: key(),
                    fields: vec![Field::select("reason", "Reason", [("reset", "It was reset")], "reset")],
                }),
                pending: vec![PendingRow {
                    printer: printer(),
                    customer: ODD.to_owned(),
                    counter: "Pages".to_owned(),
                    values: "4294967200 → 105 pages".to_owned(),
                    at: "4 Oct 2026 09:12".to_owned(),
                    href: "/readings?printer=7&meter=pages&at=5".to_owned(),
                    on: true,
                }],
                pager: Pager::new(0, 1, 1, None, None),
                units: vec![GroupRow::sample()],
                odd: vec![HandRow::sample()],
                misfits: vec![MisfitRow {
                    agent: Link::new("plotraum", "/agents/3"),
                    detail: ODD.to_owned(),
                    at: "4 Oct 2026 09:12".to_owned(),
                }],
                others: vec![OtherRow {
                    printer: printer(),
                    what: format!("2 counters over piws, and over ledm. {ODD}"),
                    at: "4 Oct 2026 09:12".to_owned(),
                    other: "ledm".to_owned(),
                    hidden: key(),
                }],
                decided: vec![DecidedRow {
                    printer: printer(),
                    counter: "Media used".to_owned(),
                    at: "4 Mar 2026 09:12".to_owned(),
                    what: "a reset".to_owned(),
                    note: ODD.to_owned(),
                    by: "Ada, 5 Mar 2026".to_owned(),
                    hidden: key(),
                    state: "",
                }],
            }
        }
    }

    impl GroupRow {
        fn sample() -> GroupRow {
            GroupRow {
                model: format!("T7V11A {ODD}"),
                row: "Media area used (P19)".to_owned(),
                count: "214 jobs of 3 printers".to_owned(),
                at: "4 Oct 2026".to_owned(),
                href: "/readings/units?product=T7V11A&row=P19".to_owned(),
            }
        }
    }

    impl EnterPage {
        pub(crate) fn sample() -> EnterPage {
            EnterPage {
                chrome: Chrome::sample("Enter readings", "/readings"),
                sub: "Kessler Architekten · times in Europe/Berlin".to_owned(),
                choose: Field::select("customer", "Customer", [("4", ODD)], "4"),
                sheet: Some(Sheet::sample("/readings/enter?customer=4")),
                wrong: Some("Not entered yet: look at the fields below.".to_owned()),
                hands: vec![HandRow::sample()],
            }
        }
    }

    impl UnitsPage {
        pub(crate) fn sample() -> UnitsPage {
            UnitsPage {
                chrome: Chrome::sample("Units", "/readings"),
                chosen: Some(UnitForm {
                    title: "Media area used (P19) of T7V11A".to_owned(),
                    units: vec!["m2", "ft2"],
                    examples: vec![ExampleRow {
                        number: "0.543".to_owned(),
                        printer: Link::new("Hall 2", "/printers/7"),
                        of: "a job",
                        at: "4 Oct 2026".to_owned(),
                        worths: vec!["0.543 m²".to_owned(), "0.050446 m²".to_owned()],
                    }],
                    hidden: vec![Hidden::new("product", ODD), Hidden::new("row", "P19")],
                    fields: vec![Field::select("unit", "Unit", [("m2", "m²"), ("ft2", "ft²")], "m2")],
                }),
                groups: vec![GroupRow::sample()],
                declared: vec![DeclaredRow {
                    model: "T7V11A, every firmware".to_owned(),
                    row: "Media area used (P19) is in m2".to_owned(),
                    touches: "214 jobs and 3 readings".to_owned(),
                    by: "Ada, 5 Mar 2026".to_owned(),
                    note: ODD.to_owned(),
                    action: "/readings/units/5/withdraw".to_owned(),
                }],
            }
        }
    }

    impl ImportPage {
        pub(crate) fn sample() -> ImportPage {
            let form = |kind: &'static str, name: &str| ImportForm {
                kind,
                title: "Opening readings",
                words: "The columns are serial, meter, media, value and read_at.",
                errors: vec![format!("Line 3: {ODD} is no printer of yours.")],
                preview: Some(Preview {
                    words: "2 readings of 1 printer".to_owned(),
                    rows: vec![PreviewRow {
                        printer: "CN48A2491".to_owned(),
                        counter: "Media used".to_owned(),
                        value: "18531.40 m²".to_owned(),
                        when: "1 Oct 2026 00:00".to_owned(),
                        odd: ODD.to_owned(),
                    }],
                    seen: "0c".to_owned(),
                }),
                field: Field::lines(name, "Lines").value("serial,meter"),
            };
            ImportPage {
                chrome: Chrome::sample("Import", "/readings"),
                forms: vec![form("opening", "openings"), form("parallel", "quantities")],
                chips: vec![Chip::new("October 2026", "/readings/import?period=2026-10", true)],
                compare_words: "Ours are the jobs of that month at each site.".to_owned(),
                compared: vec![CompareRow {
                    printer: Link::new("Hall 2", "/printers/7"),
                    meter: "Area printed".to_owned(),
                    ours: "520.00 m²".to_owned(),
                    theirs: "519.00 m²".to_owned(),
                    difference: "+ 0.2 %".to_owned(),
                    status: Status::new(Tone::Good, "the same"),
                }],
            }
        }
    }

    impl SwapPage {
        pub(crate) fn sample() -> SwapPage {
            SwapPage {
                chrome: Chrome::sample("Replace or move", "/printers"),
                href: "/printers/7".to_owned(),
                name: ODD.to_owned(),
                sub: "Kessler Architekten · contract C-112 · times in Europe/Berlin".to_owned(),
                cannot: None,
                fields: vec![Field::select("successor", "New printer", [("8", "Hall 2 new")], "")],
                values: vec![SwapRow {
                    number: 1,
                    meter: "area-media".to_owned(),
                    label: "Media used".to_owned(),
                    old: Field::number("old.1", "Media used, old, m²"),
                    new: Field::number("new.1", "Media used, new, m²"),
                }],
                site_words: "It stands in Rotterdam since 1 Oct 2026.".to_owned(),
                site: vec![Field::select("site", "Site", [("", "a new one")], "")],
                past: vec![PastRow { what: "Moved", detail: "to Rotterdam".to_owned(), at: "1 Oct 2026".to_owned() }],
            }
        }
    }
}

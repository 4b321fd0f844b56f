//! Appendix A row ids, and [`walk`], which visits every filled row of a report.
//!
//! Pages, exports, the privacy policy's field list and `docs/appendix-a.md` all derive from here.

use crate::{Area, Duration, Ink, Instant, Job, Length, Limit, Report, Share};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The section of Appendix A a row stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// C rows.
    Configuration,
    /// S rows.
    Status,
    /// U rows.
    Usage,
    /// P rows.
    PrintJob,
    /// N rows.
    ScanJob,
    /// E rows.
    Alert,
}

impl Section {
    /// The section's name on pages.
    pub fn label(self) -> &'static str {
        match self {
            Section::Configuration => "Configuration",
            Section::Status => "Status",
            Section::Usage => "Lifetime usage",
            Section::PrintJob => "Print jobs",
            Section::ScanJob => "Scan jobs",
            Section::Alert => "Errors and alerts",
        }
    }
}

/// What a row's value is, and in which unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Text in the printer's words.
    Text,
    /// mm².
    Area,
    /// µm.
    Length,
    /// nl.
    Ink,
    /// UTC instant.
    Instant,
    /// Milliseconds.
    Duration,
    /// Parts per million.
    Share,
    /// A plain number.
    Count,
    /// Yes or no.
    Flag,
}

impl Unit {
    /// The unit as documents name it.
    pub fn label(self) -> &'static str {
        match self {
            Unit::Text => "text",
            Unit::Area => "mm²",
            Unit::Length => "µm",
            Unit::Ink => "nl",
            Unit::Instant => "UTC instant",
            Unit::Duration => "ms",
            Unit::Share => "ppm",
            Unit::Count => "count",
            Unit::Flag => "yes/no",
        }
    }
}

/// One row of Appendix A.
#[derive(Debug)]
pub struct Row {
    /// Its stable id.
    pub id: RowId,
    /// The section it stands in.
    pub section: Section,
    /// What a page calls it.
    pub label: &'static str,
    /// What it is one value for each of; empty when there is one value a report or job.
    pub each: &'static str,
    /// What its value is.
    pub unit: Unit,
    /// Whether it can tell about a person, so that the privacy policy covers it.
    pub personal: bool,
}

macro_rules! rows {
    ($($id:ident $section:ident $label:literal $each:literal $unit:ident $personal:literal;)*) => {
        /// The stable id of an Appendix A row. P27 and P28 are the white paper's *type of job* and
        /// *media printed*, which its job metadata names outside Appendix A.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum RowId { $($id,)* }

        /// Every row, in the order of Appendix A.
        pub const ROWS: &[Row] = &[$(Row {
            id: RowId::$id, section: Section::$section, label: $label, each: $each,
            unit: Unit::$unit, personal: $personal,
        },)*];

        impl RowId {
            /// The id as text: `P18`.
            pub fn word(self) -> &'static str {
                match self { $(RowId::$id => stringify!($id),)* }
            }
        }
    };
}

rows! {
    C1 Configuration "Product number" "" Text false;
    C2 Configuration "Product name" "" Text false;
    C3 Configuration "Serial number" "" Text false;
    C4 Configuration "Firmware version" "" Text false;
    S1 Status "Print engine status" "" Text false;
    S2 Status "Printhead colours" "printhead" Text false;
    S3 Status "Printhead status" "printhead" Text false;
    S4 Status "Printhead health" "printhead" Share false;
    S5 Status "Printhead product number" "printhead" Text false;
    S6 Status "Printhead product name" "printhead" Text false;
    S7 Status "Printhead serial number" "printhead" Text false;
    S8 Status "Printhead used with foreign ink" "printhead" Flag false;
    S9 Status "Printhead expiration date" "printhead" Instant false;
    S10 Status "Cartridge colour" "cartridge" Text false;
    S11 Status "Cartridge status" "cartridge" Text false;
    S12 Status "Cartridge product number" "cartridge" Text false;
    S13 Status "Cartridge product name" "cartridge" Text false;
    S14 Status "Cartridge serial number" "cartridge" Text false;
    S15 Status "Cartridge manufacturer" "cartridge" Text false;
    S16 Status "Cartridge capacity" "cartridge" Ink false;
    S17 Status "Cartridge ink consumed" "cartridge" Ink false;
    S18 Status "Cartridge foreign ink consumed" "cartridge" Ink false;
    S19 Status "Cartridge expiration date" "cartridge" Instant false;
    S20 Status "Media source status" "media source" Text false;
    S21 Status "Media type loaded" "media source" Text false;
    S22 Status "Media dimensions" "media source" Length false;
    S23 Status "Media types supported" "media type" Text false;
    S24 Status "Job category thresholds" "threshold" Text false;
    S25 Status "Print category customization" "media type" Text false;
    S26 Status "Accessories" "accessory" Text false;
    U1 Usage "Cartridge type product number" "cartridge type" Text false;
    U2 Usage "Ink used" "cartridge type" Ink false;
    U3 Usage "Foreign ink used" "cartridge type" Ink false;
    U4 Usage "Genuine ink used" "cartridge type" Ink false;
    U5 Usage "Insertions" "cartridge type" Count false;
    U6 Usage "Media type name" "media type" Text false;
    U7 Usage "Media area used" "media type" Area false;
    U8 Usage "Area scanned" "" Area false;
    U9 Usage "Area scanned, scans only" "" Area false;
    U10 Usage "Area scanned, copies only" "" Area false;
    U11 Usage "Print category" "category" Text false;
    U12 Usage "Media area used in category" "category" Area false;
    U13 Usage "Media length used in category" "category" Length false;
    U14 Usage "Number of jobs" "" Count false;
    U15 Usage "Number of pages" "" Count false;
    U16 Usage "Total ink used" "" Ink false;
    U17 Usage "Total media area used" "" Area false;
    P1 PrintJob "Job name" "" Text true;
    P2 PrintJob "Job UUID" "" Text false;
    P3 PrintJob "Job sequence number" "" Count false;
    P4 PrintJob "Project ID" "" Text true;
    P5 PrintJob "Application ID" "" Text true;
    P6 PrintJob "User-defined field" "" Text true;
    P7 PrintJob "Account ID" "" Text true;
    P8 PrintJob "User name" "" Text true;
    P9 PrintJob "Submission timestamp" "" Instant true;
    P10 PrintJob "Printing timestamp" "" Instant false;
    P11 PrintJob "Job status" "" Text false;
    P12 PrintJob "Source" "" Text false;
    P13 PrintJob "Ink coverage category" "" Text false;
    P14 PrintJob "Print quality" "" Text false;
    P15 PrintJob "Number of pages" "" Count false;
    P16 PrintJob "Number of copies" "" Count false;
    P17 PrintJob "Time to print" "" Duration false;
    P18 PrintJob "Ink used" "ink colour" Ink false;
    P19 PrintJob "Media area used" "" Area false;
    P20 PrintJob "Area printed" "" Area false;
    P21 PrintJob "Media area used in category" "category" Area false;
    P22 PrintJob "Area printed in category" "category" Area false;
    P23 PrintJob "Ink used in category" "category" Ink false;
    P24 PrintJob "Media length used in category" "category" Length false;
    P25 PrintJob "Non-white pixel coverage" "" Share false;
    P26 PrintJob "Colour pixel coverage" "" Share false;
    P27 PrintJob "Type of job" "" Text false;
    P28 PrintJob "Media type printed on" "" Text false;
    N1 ScanJob "Job name" "" Text true;
    N2 ScanJob "Job UUID" "" Text false;
    N3 ScanJob "Job sequence number" "" Count false;
    N4 ScanJob "Project ID" "" Text true;
    N5 ScanJob "Application ID" "" Text true;
    N6 ScanJob "User-defined field" "" Text true;
    N7 ScanJob "Account ID" "" Text true;
    N8 ScanJob "User name" "" Text true;
    N9 ScanJob "Scanning timestamp" "" Instant false;
    N10 ScanJob "Job status" "" Text false;
    N11 ScanJob "Area scanned" "" Area false;
    E1 Alert "Code" "alert" Text false;
    E2 Alert "Severity" "alert" Text false;
    E3 Alert "Part concerned" "alert" Text false;
    E4 Alert "Text" "alert" Text false;
    E5 Alert "Since" "alert" Instant false;
    E6 Alert "Cleared at" "alert" Instant false;
}

impl RowId {
    /// The row of this id.
    pub fn row(self) -> &'static Row {
        // The enum and the table come from one macro, in one order.
        &ROWS[self as usize]
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The value of a filled row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// An area.
    Area(Area),
    /// A length.
    Length(Length),
    /// A volume of ink.
    Ink(Ink),
    /// An instant.
    Instant(Instant),
    /// A span.
    Duration(Duration),
    /// A share.
    Share(Share),
    /// A number.
    Count(i64),
    /// Yes or no.
    Flag(bool),
}

/// Shows `units` of 10⁻ᵈ with `digits` decimals, the rest rounded half-even: never a float.
fn fixed(units: i64, decimals: u32, digits: u32) -> String {
    let rounded = crate::divide_half_even(i128::from(units), 10_i128.pow(decimals - digits));
    let scale = 10_u128.pow(digits);
    let sign = if rounded < 0 { "-" } else { "" };
    let (whole, rest) = (rounded.unsigned_abs() / scale, rounded.unsigned_abs() % scale);
    format!("{sign}{whole}.{rest:0width$}", width = digits as usize)
}

impl Value {
    /// The value and its unit as a person reads them: (`0.5161`, `m²`).
    pub fn show(&self) -> (String, &'static str) {
        match self {
            Value::Text(text) => (text.clone(), ""),
            Value::Area(area) => (fixed(area.0, 6, 4), "m²"),
            Value::Length(length) => (fixed(length.0, 6, 3), "m"),
            Value::Ink(ink) => (fixed(ink.0, 6, 3), "ml"),
            Value::Instant(instant) => (instant.to_string(), ""),
            Value::Duration(duration) => (fixed(duration.0, 3, 1), "s"),
            Value::Share(share) => (fixed(share.0, 4, 2), "%"),
            Value::Count(count) => (count.to_string(), ""),
            Value::Flag(flag) => ((if *flag { "yes" } else { "no" }).to_owned(), ""),
        }
    }
}

/// One filled row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The row.
    pub row: RowId,
    /// Which item of the list it stands under; empty where there is one value.
    pub item: String,
    /// Its value.
    pub value: Value,
}

/// Collects filled rows; absent values leave no trace.
#[derive(Default)]
struct Walk(Vec<Filled>);

impl Walk {
    fn put(&mut self, row: RowId, item: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.push(Filled { row, item: item.to_owned(), value });
        }
    }
    fn text(&mut self, row: RowId, item: &str, text: Option<&String>) {
        self.put(row, item, text.cloned().map(Value::Text));
    }
}

/// Every filled row of `report`, in the order of Appendix A, jobs last.
pub fn walk(report: &Report) -> Vec<Filled> {
    let mut walk = Walk::default();
    configuration(&mut walk, report);
    printheads(&mut walk, report);
    cartridges(&mut walk, report);
    media_and_settings(&mut walk, report);
    usage(&mut walk, report);
    alerts(&mut walk, report);
    let mut filled = walk.0;
    for (job, _) in &report.jobs {
        filled.extend(walk_job(job));
    }
    filled
}

fn configuration(walk: &mut Walk, report: &Report) {
    use RowId::{C1, C2, C3, C4, S1};
    walk.text(C1, "", report.configuration.product_number.as_ref());
    walk.text(C2, "", report.configuration.product_name.as_ref());
    walk.text(C3, "", report.configuration.serial_number.as_ref());
    walk.text(C4, "", report.configuration.firmware_version.as_ref());
    walk.text(S1, "", report.status.engine.as_ref());
}

fn printheads(walk: &mut Walk, report: &Report) {
    use RowId::{S2, S3, S4, S5, S6, S7, S8, S9};
    for head in &report.status.printheads {
        let item = head.slot.as_str();
        walk.put(S2, item, (!head.colours.is_empty()).then(|| Value::Text(head.colours.join(", "))));
        walk.text(S3, item, head.status.as_ref());
        walk.put(S4, item, head.health.map(Value::Share));
        walk.text(S5, item, head.product_number.as_ref());
        walk.text(S6, item, head.product_name.as_ref());
        walk.text(S7, item, head.serial_number.as_ref());
        walk.put(S8, item, head.foreign_ink_seen.map(Value::Flag));
        walk.put(S9, item, head.expires_at.map(Value::Instant));
    }
}

fn cartridges(walk: &mut Walk, report: &Report) {
    use RowId::{S10, S11, S12, S13, S14, S15, S16, S17, S18, S19};
    for cartridge in &report.status.cartridges {
        let item = cartridge.slot.as_str();
        walk.text(S10, item, cartridge.colour.as_ref());
        walk.text(S11, item, cartridge.status.as_ref());
        walk.text(S12, item, cartridge.product_number.as_ref());
        walk.text(S13, item, cartridge.product_name.as_ref());
        walk.text(S14, item, cartridge.serial_number.as_ref());
        walk.text(S15, item, cartridge.manufacturer.as_ref());
        walk.put(S16, item, cartridge.capacity.map(Value::Ink));
        walk.put(S17, item, cartridge.consumed.map(Value::Ink));
        walk.put(S18, item, cartridge.consumed_foreign.map(Value::Ink));
        walk.put(S19, item, cartridge.expires_at.map(Value::Instant));
    }
}

fn media_and_settings(walk: &mut Walk, report: &Report) {
    use RowId::{S20, S21, S22, S23, S24, S25, S26};
    for source in &report.status.media_sources {
        let item = source.name.as_str();
        walk.text(S20, item, source.status.as_ref());
        walk.text(S21, item, source.media.as_ref());
        walk.put(S22, &format!("{item} width"), source.width.map(Value::Length));
        walk.put(S22, &format!("{item} height"), source.height.map(Value::Length));
    }
    for media in &report.settings.media_types {
        let names: Vec<String> = media.names.iter().map(|(language, name)| format!("{language}: {name}")).collect();
        walk.put(S23, &media.id, Some(Value::Text(names.join("; "))));
    }
    for threshold in &report.settings.thresholds {
        let limit = match threshold.limit {
            Limit::PixelShare(share) => format!("up to {} % non-white", fixed(share.0, 4, 2)),
            Limit::InkPerArea(ink) => format!("up to {} ml/m²", fixed(ink.0, 6, 3)),
        };
        walk.put(S24, threshold.category.id(), Some(Value::Text(limit)));
    }
    for (media, category) in &report.settings.customization {
        walk.put(S25, media, Some(Value::Text(category.id().to_owned())));
    }
    for accessory in &report.settings.accessories {
        let installed = if accessory.installed { "installed" } else { "not installed" };
        let status = accessory.status.as_ref().map_or(String::new(), |status| format!(", {status}"));
        walk.put(S26, &accessory.name, Some(Value::Text(format!("{installed}{status}"))));
    }
}

fn usage(walk: &mut Walk, report: &Report) {
    use RowId::{U1, U2, U3, U4, U5, U6, U7, U8, U9, U10, U11, U12, U13, U14, U15, U16, U17};
    let usage = &report.usage;
    for cartridge in &usage.cartridge_types {
        let item = cartridge.colour.as_str();
        walk.text(U1, item, cartridge.product_number.as_ref());
        walk.put(U2, item, cartridge.ink.map(Value::Ink));
        walk.put(U3, item, cartridge.ink_foreign.map(Value::Ink));
        walk.put(U4, item, cartridge.ink_genuine.map(Value::Ink));
        walk.put(U5, item, cartridge.insertions.map(Value::Count));
    }
    for media in &usage.media {
        walk.put(U6, &media.name, Some(Value::Text(media.name.clone())));
        walk.put(U7, &media.name, Some(Value::Area(media.area)));
    }
    walk.put(U8, "", usage.scanned.map(Value::Area));
    walk.put(U9, "", usage.scanned_scans.map(Value::Area));
    walk.put(U10, "", usage.scanned_copies.map(Value::Area));
    for category in &usage.categories {
        let item = category.category.id();
        walk.put(U11, item, Some(Value::Text(item.to_owned())));
        walk.put(U12, item, category.media_area.map(Value::Area));
        walk.put(U13, item, category.media_length.map(Value::Length));
    }
    walk.put(U14, "", usage.jobs.map(Value::Count));
    walk.put(U15, "", usage.pages.map(Value::Count));
    walk.put(U16, "", usage.ink.map(Value::Ink));
    walk.put(U17, "", usage.media_area.map(Value::Area));
}

fn alerts(walk: &mut Walk, report: &Report) {
    use RowId::{E1, E2, E3, E4, E5, E6};
    for alert in &report.alerts {
        let item = alert.code.as_str();
        walk.put(E1, item, Some(Value::Text(alert.code.clone())));
        walk.put(E2, item, Some(Value::Text(alert.severity.word().to_owned())));
        walk.text(E3, item, alert.part.as_ref());
        walk.text(E4, item, alert.text.as_ref());
        walk.put(E5, item, alert.since.map(Value::Instant));
        walk.put(E6, item, alert.cleared_at.map(Value::Instant));
    }
}

/// Every filled row of one job. A copy job gives both its P and its N rows.
pub fn walk_job(job: &Job) -> Vec<Filled> {
    use RowId::{N2, N3, N9, N10, N11, P2, P3, P9, P11, P27};
    let mut walk = Walk::default();
    let status = job.status.map(|status| Value::Text(status.word().to_owned()));
    walk.put(P27, "", Some(Value::Text(job.kind.word().to_owned())));
    if let Some(print) = &job.print {
        for (row, _, text) in job.personal.texts() {
            walk.text(row, "", text.as_ref());
        }
        walk.text(P2, "", job.uuid.as_ref());
        walk.put(P3, "", job.sequence.map(Value::Count));
        walk.put(P9, "", job.personal.submitted_at.map(Value::Instant));
        walk.put(P11, "", status.clone());
        print_job(&mut walk, print);
    }
    if let Some(scan) = &job.scan {
        for (_, row, text) in job.personal.texts() {
            walk.text(row, "", text.as_ref());
        }
        walk.text(N2, "", job.uuid.as_ref());
        walk.put(N3, "", job.sequence.map(Value::Count));
        walk.put(N9, "", scan.scanned_at.map(Value::Instant));
        walk.put(N10, "", status);
        walk.put(N11, "", scan.area.map(Value::Area));
    }
    walk.0
}

fn print_job(walk: &mut Walk, print: &crate::PrintJob) {
    use RowId::{P10, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21, P22, P23, P24, P25, P26, P28};
    walk.put(P10, "", print.printed_at.map(Value::Instant));
    walk.text(P12, "", print.source.as_ref());
    walk.text(P13, "", print.coverage_category.as_ref());
    walk.text(P14, "", print.quality.as_ref());
    walk.put(P15, "", print.pages.map(Value::Count));
    walk.put(P16, "", print.copies.map(Value::Count));
    walk.put(P17, "", print.time_to_print.map(Value::Duration));
    for ink in &print.ink {
        walk.put(P18, &ink.colour, Some(Value::Ink(ink.ink)));
    }
    walk.put(P19, "", print.media_area.map(Value::Area));
    walk.put(P20, "", print.printed_area.map(Value::Area));
    for category in &print.categories {
        let item = category.category.id();
        walk.put(P21, item, category.media_area.map(Value::Area));
        walk.put(P22, item, category.printed_area.map(Value::Area));
        walk.put(P23, item, category.ink.map(Value::Ink));
        walk.put(P24, item, category.media_length.map(Value::Length));
    }
    walk.put(P25, "", print.non_white.map(Value::Share));
    walk.put(P26, "", print.colour.map(Value::Share));
    walk.text(P28, "", print.media.as_ref());
}

/// `docs/appendix-a.md`, generated from [`ROWS`]: one column for each of `drivers`, in which `mark` says how
/// the driver of that name fills a row.
pub fn markdown(drivers: &[&str], mark: impl Fn(RowId, &str) -> &'static str) -> String {
    let mut text = String::from(
        "# Appendix A\n\n\
         Every fact that Plotmeter captures, generated from `crates/report/src/rows.rs`.\n\
         Absent is a value of its own: a row that a printer did not answer is absent, never zero.\n\
         Personal rows are dropped on the customer's side unless the customer's own file says keep.\n",
    );
    let mut section = None;
    for row in ROWS {
        if section != Some(row.section) {
            section = Some(row.section);
            text.push_str(&format!(
                "\n## {}\n\n| id | row | one for each | unit | default privacy | {} |\n|---|---|---|---|---|{}\n",
                row.section.label(),
                drivers.join(" | "),
                "---|".repeat(drivers.len())
            ));
        }
        let privacy = if row.personal { "dropped" } else { "kept" };
        let marks: Vec<&str> = drivers.iter().map(|driver| mark(row.id, driver)).collect();
        let (id, label, each, unit) = (row.id, row.label, row.each, row.unit.label());
        text.push_str(&format!("| {id} | {label} | {each} | {unit} | {privacy} | {} |\n", marks.join(" | ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_stands_in_the_order_of_the_ids() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(row.id as usize, index);
            assert_eq!(row.id.row().label, row.label);
        }
    }

    #[test]
    fn a_rich_sample_fills_every_row() {
        for seed in 0..20 {
            let report = crate::sample::report(seed);
            let filled: BTreeSet<RowId> = walk(&report).into_iter().map(|filled| filled.row).collect();
            let missing: Vec<&str> =
                ROWS.iter().filter(|row| !filled.contains(&row.id)).map(|row| row.id.word()).collect();
            assert!(missing.is_empty(), "seed {seed} leaves {missing:?} empty");
        }
    }

    #[test]
    fn a_row_s_value_has_the_row_s_unit() {
        for filled in walk(&crate::sample::report(3)) {
            let unit = match filled.value {
                Value::Text(_) => Unit::Text,
                Value::Area(_) => Unit::Area,
                Value::Length(_) => Unit::Length,
                Value::Ink(_) => Unit::Ink,
                Value::Instant(_) => Unit::Instant,
                Value::Duration(_) => Unit::Duration,
                Value::Share(_) => Unit::Share,
                Value::Count(_) => Unit::Count,
                Value::Flag(_) => Unit::Flag,
            };
            assert_eq!(unit, filled.row.row().unit, "{}", filled.row);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report() {
        assert_eq!(crate::sample::report(7), crate::sample::report(7));
        assert_ne!(crate::sample::report(7), crate::sample::report(8));
    }

    #[test]
    fn no_personal_row_stands_in_a_job_s_core() {
        let report = crate::sample::report(1);
        for (job, _) in &report.jobs {
            let core = serde_json::to_string(job).expect("a job serialises");
            for (_, _, text) in job.personal.texts() {
                if let Some(text) = text {
                    assert!(!core.contains(text.as_str()), "{text} stands in {core}");
                }
            }
        }
    }

    #[test]
    fn quantities_show_without_floats() {
        assert_eq!(Value::Area(Area(1_097_280)).show(), ("1.0973".to_owned(), "m²"));
        assert_eq!(Value::Ink(Ink(-1_500)).show(), ("-0.002".to_owned(), "ml"));
        assert_eq!(Value::Share(Share(123_456)).show(), ("12.35".to_owned(), "%"));
    }
}

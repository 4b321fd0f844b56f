//! Which printers are captured: the series of the white paper, as data, and how well it is known which
//! interfaces each has.
//!
//! A collector asks each address who it is and goes on only when the answer is on this list, or on the
//! list by which the customer's side extends it. Deliberately absent: any wildcard that would let every
//! printer in, and any use of what is expected: every interface is tried at every printer.

use crate::{DRIVERS, Driver, driver, is_invented};
use report::{ROWS, RowId, Section};

/// How well it is known that a series has an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// A recording of such a printer's answers is read in the tests.
    Recorded,
    /// Programs of others read it from such printers.
    Seen,
    /// The maker's own documents or software say so.
    Documented,
    /// Nobody has shown it: printers of the same family have it.
    Inferred,
}

impl Evidence {
    /// Every degree, the best first.
    pub const ALL: [Evidence; 4] = [Evidence::Recorded, Evidence::Seen, Evidence::Documented, Evidence::Inferred];

    /// The word for pages.
    pub fn word(self) -> &'static str {
        match self {
            Evidence::Recorded => "recorded",
            Evidence::Seen => "seen in others' code",
            Evidence::Documented => "documented by the maker",
            Evidence::Inferred => "inferred",
        }
    }

    /// What the word means, for pages.
    fn meaning(self) -> &'static str {
        match self {
            Evidence::Recorded => "answers of such a printer were recorded, and the tests read them",
            Evidence::Seen => "programs of others read this interface from such printers",
            Evidence::Documented => "the maker's documents or software say that such printers have it",
            Evidence::Inferred => "printers of the same family have it; nobody has shown it for this series",
        }
    }
}

/// A series of printers.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// The words that stand before the series in a printer's name, in upper case.
    pub family: &'static [&'static str],
    /// The series, a word of its own.
    pub name: &'static str,
    /// The names of the drivers whose interface is expected, with how well that is known.
    pub expects: &'static [(&'static str, Evidence)],
}

/// Families as printers write them: the words that stand before a series.
const DESIGNJET: &[&str] = &["DESIGNJET"];
const PAGEWIDE_XL: &[&str] = &["PAGEWIDE", "XL"];

/// What every printer of these years is expected to have: the older web pages.
const PAGES: &[(&str, Evidence)] = &[("ews_xml", Evidence::Inferred), ("ews_html", Evidence::Inferred)];
/// The same, and SNMP by which the maker's own Linux software asks for the status.
const PAGES_AND_PML: &[(&str, Evidence)] =
    &[("ews_xml", Evidence::Inferred), ("ews_html", Evidence::Inferred), ("snmp", Evidence::Documented)];
/// The same, where programs of others read supplies by SNMP.
const PAGES_AND_SNMP: &[(&str, Evidence)] =
    &[("ews_xml", Evidence::Inferred), ("ews_html", Evidence::Inferred), ("snmp", Evidence::Seen)];
/// The T930: programs of others read its pages, too.
const T930: &[(&str, Evidence)] =
    &[("ews_xml", Evidence::Inferred), ("ews_html", Evidence::Seen), ("snmp", Evidence::Seen)];

const fn series(
    family: &'static [&'static str],
    name: &'static str,
    expects: &'static [(&'static str, Evidence)],
) -> Series {
    Series { family, name, expects }
}

/// The supported series. White paper, footnote 1.
pub const SERIES: &[Series] = &[
    series(DESIGNJET, "T920", PAGES_AND_PML),
    series(DESIGNJET, "T930", T930),
    series(DESIGNJET, "T1500", PAGES_AND_SNMP),
    series(DESIGNJET, "T1530", PAGES_AND_PML),
    series(DESIGNJET, "T2500", PAGES_AND_PML),
    series(DESIGNJET, "T2530", PAGES_AND_PML),
    series(DESIGNJET, "T3500", PAGES_AND_PML),
    series(DESIGNJET, "T7100", PAGES_AND_SNMP),
    series(DESIGNJET, "T7200", PAGES_AND_PML),
    series(DESIGNJET, "Z6200", PAGES),
    series(DESIGNJET, "Z6600", PAGES_AND_PML),
    series(DESIGNJET, "Z6800", PAGES_AND_PML),
    series(PAGEWIDE_XL, "4000", PAGES),
    series(PAGEWIDE_XL, "4500", PAGES),
    series(PAGEWIDE_XL, "5000", PAGES),
    series(PAGEWIDE_XL, "8000", PAGES),
];

/// Printers beyond the white paper of which something is known: what a page calls them, what they have.
const OTHERS: &[(&str, &[(&str, Evidence)])] = &[
    ("DesignJet Z9 24 in", &[("piws", Evidence::Recorded), ("ledm", Evidence::Seen)]),
    ("DesignJet Z6, Z9+ and Z9+ Pro", &[("piws", Evidence::Inferred)]),
    ("DesignJet T770", &[("ews_html", Evidence::Seen), ("snmp", Evidence::Seen)]),
    ("DesignJet Z5200", &[("ews_html", Evidence::Seen), ("snmp", Evidence::Seen)]),
    ("DesignJet T1600, T2600, XL 3600", &[("ledm", Evidence::Documented)]),
    ("PageWide XL 3900, 4100, 4600", &[("ledm", Evidence::Documented)]),
    ("Latex 330, 365", &[("ews_html", Evidence::Seen)]),
    ("Latex 570", &[("ledm", Evidence::Seen)]),
    ("Latex 800 W", &[("piws", Evidence::Seen)]),
];

/// Product numbers of the supported series, for a printer that does not say its name. It is empty: nothing
/// that we may rely on names the product numbers of these series, and a wrong one would let a printer in
/// that nobody agreed to. Each customer's file can name its own.
const NUMBERS: &[&str] = &[];

/// Letters that may follow a series in the same word: `T920ps`.
const SUFFIX_MAX: usize = 3;
/// A product number in an extension has at least this many characters, so that none matches by chance.
const NUMBER_MIN: usize = 4;

/// Whether a printer is captured: its name is of a series of [`SERIES`], its product number is one of theirs,
/// or `also` names its words (`DesignJet T830`) or its product number.
pub fn is_supported(product_name: Option<&str>, product_number: Option<&str>, also: &[String]) -> bool {
    is_listed(product_name, product_number, NUMBERS, also)
}

fn is_listed(name: Option<&str>, number: Option<&str>, numbers: &[&str], also: &[String]) -> bool {
    let name = words(name.unwrap_or_default());
    let number = number.unwrap_or_default().trim();
    let is_number = |known: &str| number.len() >= NUMBER_MIN && number.eq_ignore_ascii_case(known);
    let of_series = |series: &Series| {
        let wanted = series.family.iter().copied().chain([series.name]);
        holds(&name, &wanted.map(str::to_owned).collect::<Vec<String>>())
    };
    SERIES.iter().any(of_series)
        || numbers.iter().any(|known| is_number(known))
        || also.iter().any(|entry| {
            let entry = entry.trim();
            // A family alone would let every printer of it in.
            let names_a_series = entry.contains(|c: char| c.is_ascii_digit());
            (names_a_series && holds(&name, &words(entry))) || is_number(entry)
        })
}

/// The words of a name in upper case; `XL5000` is written both as one word and as two.
fn words(name: &str) -> Vec<String> {
    let split = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut words = Vec::new();
    for word in split.map(str::to_ascii_uppercase) {
        match word.strip_prefix("XL") {
            Some(series) if series.starts_with(|c: char| c.is_ascii_digit()) => {
                words.push("XL".to_owned());
                words.push(series.to_owned());
            }
            _ => words.push(word),
        }
    }
    words
}

/// Whether `wanted` stands in `name`, word by word; the last may be followed by a few letters.
fn holds(name: &[String], wanted: &[String]) -> bool {
    let Some((last, before)) = wanted.split_last() else { return false };
    name.windows(wanted.len())
        .any(|window| window.split_last().is_some_and(|(end, start)| is_series(end, last) && start == before))
}

fn is_series(word: &str, series: &str) -> bool {
    let suffix = word.strip_prefix(series);
    suffix.is_some_and(|rest| rest.len() <= SUFFIX_MAX && rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// The text of `docs/manual/supported.md`: for each series which interfaces it is expected to have, how well
/// that is known, and which rows they can fill; then the rows of each driver.
pub fn supported_table() -> String {
    let mut text = String::from(
        "# Supported printers\n\n\
         Generated from `crates/drivers/src/models.rs`.\n\
         Plotmeter captures the series of the first table.\n\
         Any other printer takes part only when the customer's file names it in `also_supported`.\n\
         Every interface is tried at every printer, so that a printer may fill more than stands here; a row that\n\
         a printer does not answer is absent.\n\
         \"and 2 invented\" counts rows of which nobody has shown where they stand: a form of our own is read.\n\
         Jobs that `ews_html` alone gives are shown and not counted, since its tables name no job: see its README.\n\
         The rows stand in [Appendix A](../appendix-a.md).\n\n",
    );
    let expected = |name: &str, expects: &[(&str, Evidence)]| {
        let known: Vec<String> = expects.iter().map(|(name, how)| format!("{name} ({})", how.word())).collect();
        let drivers: Vec<&Driver> = expects.iter().filter_map(|(name, _)| driver(name)).collect();
        let (rows, missing) = coverage(&drivers);
        format!("| {name} | {} | {rows} | {missing} |\n", known.join(", "))
    };
    let columns = "| printers | interfaces expected | rows they can fill | rows missing |\n|---|---|---|---|\n";
    text.push_str(&format!("## Series that are captured\n\n{columns}"));
    for series in SERIES {
        text.push_str(&expected(&page_name(series), series.expects));
    }
    text.push_str(&format!("\n## Others of which something is known\n\n{columns}"));
    for (name, expects) in OTHERS {
        text.push_str(&expected(name, expects));
    }
    text.push_str("\n## How well it is known\n\n| word | meaning |\n|---|---|\n");
    for evidence in Evidence::ALL {
        text.push_str(&format!("| {} | {} |\n", evidence.word(), evidence.meaning()));
    }
    text.push_str("\n## What each driver can fill\n\n| driver | rows it can fill | rows missing |\n|---|---|---|\n");
    for driver in DRIVERS {
        let (rows, missing) = coverage(&[*driver]);
        text.push_str(&format!("| {} | {rows} | {missing} |\n", driver.name));
    }
    text
}

/// The name of a series on a page: `DesignJet T920`, `PageWide XL 4000`.
fn page_name(series: &Series) -> String {
    let family = if series.family == PAGEWIDE_XL { "PageWide XL" } else { "DesignJet" };
    format!("{family} {}", series.name)
}

/// How many rows of each section some of the drivers fill, with those apart of which each only reads an invented
/// form, and which rows none does.
fn coverage(drivers: &[&Driver]) -> (String, String) {
    let is_filled = |row: RowId| drivers.iter().any(|driver| driver.rows.contains(&row));
    let is_known = |row: RowId| drivers.iter().any(|driver| driver.rows.contains(&row) && !is_invented(driver, row));
    let mut sections: Vec<Counts> = Vec::new();
    for row in ROWS {
        if sections.last().is_none_or(|counts| counts.section != row.section) {
            sections.push(Counts { section: row.section, known: 0, invented: 0, all: 0 });
        }
        if let Some(counts) = sections.last_mut() {
            counts.known += usize::from(is_known(row.id));
            counts.invented += usize::from(is_filled(row.id) && !is_known(row.id));
            counts.all += 1;
        }
    }
    let counts: Vec<String> = sections.iter().map(Counts::show).collect();
    (counts.join(", "), missing(is_filled))
}

/// The rows of a section that are filled.
struct Counts {
    section: Section,
    known: usize,
    invented: usize,
    all: usize,
}

impl Counts {
    /// `Status 21 of 26`, `Status 20 and 3 invented of 26`.
    fn show(&self) -> String {
        let invented = if self.invented > 0 { format!(" and {} invented", self.invented) } else { String::new() };
        format!("{} {}{invented} of {}", self.section.label(), self.known, self.all)
    }
}

/// The rows that are not filled, with runs drawn together: `S18, P19–P24`; `none` when all are.
fn missing(is_filled: impl Fn(RowId) -> bool) -> String {
    let mut runs: Vec<(RowId, RowId)> = Vec::new();
    let mut goes_on = false;
    for row in ROWS {
        let open = runs.last_mut().filter(|(first, _)| goes_on && first.row().section == row.section);
        match open {
            _ if is_filled(row.id) => goes_on = false,
            Some((_, last)) => *last = row.id,
            None => {
                runs.push((row.id, row.id));
                goes_on = true;
            }
        }
    }
    if runs.is_empty() {
        return "none".to_owned();
    }
    let show = |(first, last): &(RowId, RowId)| match first == last {
        true => first.to_string(),
        false => format!("{first}–{last}"),
    };
    runs.iter().map(show).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str) -> bool {
        is_supported(Some(name), None, &[])
    }

    #[test]
    fn each_series_of_the_white_paper_is_supported_as_printers_write_it() {
        for name in [
            "HP DesignJet T920 PostScript ePrinter",
            "HP Designjet T920ps",
            "HP DesignJet T930 36in",
            "HP DesignJet T1500 ePrinter",
            "HP DesignJet T1530 36in",
            "HP DesignJet T2500 eMFP",
            "HP DesignJet T2530 36in MFP",
            "HP DesignJet T3500 Production eMFP",
            "HP Designjet T7100 42in",
            "HP DesignJet T7200 42in",
            "HP Designjet Z6200 60in Photo",
            "HP DesignJet Z6600 60in",
            "HP DesignJet Z6800 60in Photo",
            "HP PageWide XL 4000 40in MFP",
            "HP PageWide XL 4500 40in",
            "HP PageWide XL 5000 40in MFP",
            "HP PageWide XL 5000 Blueprinter",
            "HP PageWide XL 8000 40in",
            "HP PageWide XL 8000 Blueprinter",
            "HP PageWide XL8000",
        ] {
            assert!(listed(name), "{name}");
        }
    }

    #[test]
    fn every_entry_of_the_list_is_found_by_its_own_words() {
        for series in SERIES {
            let name = format!("HP {} {} 36in", series.family.join(" "), series.name);
            assert!(listed(&name), "{name}");
            assert!(listed(&page_name(series)), "{}", page_name(series));
        }
    }

    #[test]
    fn a_product_number_of_the_list_lets_a_printer_in_that_has_no_name() {
        let is_listed = |number: &str| is_listed(None, Some(number), &["ZZ99A", "Z1"], &[]);
        assert!(is_listed("zz99a ") && !is_listed("ZZ99") && !is_listed("Z1"));
    }

    #[test]
    fn what_is_expected_names_drivers_that_are_there() {
        let others = OTHERS.iter().map(|(_, expects)| *expects);
        for (name, _) in SERIES.iter().map(|series| series.expects).chain(others).flatten() {
            assert!(driver(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_page_says_what_is_missing_and_how_well_it_is_known() {
        assert_eq!(missing(|_| true), "none");
        let out = [RowId::C4, RowId::S1, RowId::S2, RowId::P27, RowId::P28, RowId::E6];
        assert_eq!(missing(|row| !out.contains(&row)), "C4, S1–S2, P27–P28, E6");
        let page = supported_table();
        assert!(
            page.contains("| DesignJet T930 | ews_xml (inferred), ews_html (seen in others' code), snmp"),
            "{page}"
        );
        assert!(page.contains("| piws | Configuration 4 of 4, Status 22 and 3 invented of 26,"), "{page}");
        assert!(page.contains("| ews_html | Configuration 1 and 3 invented of 4, Status 1 and "), "{page}");
        assert!(page.contains("| S18, E6 |\n"), "{page}");
    }

    #[test]
    fn what_only_resembles_a_series_is_not_supported() {
        for name in [
            "",
            "HP DesignJet",
            "HP DesignJet T93",
            "HP DesignJet T9300",
            "HP DesignJet T830",
            "HP LaserJet T930",
            "DesignJet Z9 T930",
            "HP PageWide Pro 5000",
            "HP PageWide 5000",
            "HP PageWide XL 50000",
            "T930",
            "PageWide XL",
            "Office copier 8000",
        ] {
            assert!(!listed(name), "{name}");
        }
    }

    #[test]
    fn the_customer_s_side_extends_the_list_by_words_or_by_product_number() {
        let also = ["DesignJet T830".to_owned(), "W3Z72A".to_owned(), String::new(), "9".to_owned()];
        assert!(is_supported(Some("HP DesignJet T830 24in MFP"), None, &also));
        assert!(is_supported(Some("HP DesignJet Z9 44in"), Some("w3z72a"), &also));
        assert!(!is_supported(Some("HP DesignJet Z6 44in"), Some("T8W15A"), &also));
        assert!(!is_supported(None, None, &also));
        assert!(!is_supported(Some("HP DesignJet Z6"), None, &["DesignJet".to_owned()]));
        assert!(!is_supported(Some("Router"), Some("9"), &also));
    }
}

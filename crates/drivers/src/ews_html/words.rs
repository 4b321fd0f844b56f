//! The English labels of this web server: columns, sections and states.
//!
//! Which of them a real printer shows, and which are invented, stands in `README.md`. Deliberately absent:
//! other languages. The agent asks for English; a page in another language is a defect and never guessed.

use super::number::{self, Unit};

/// A column of the accounting table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    /// Name of the job.
    Document,
    /// Print, scan or copy.
    Kind,
    /// Where the job came from.
    Source,
    /// How it ended.
    Status,
    /// Copies.
    Copies,
    /// Pages.
    Pages,
    /// Media type.
    Media,
    /// Area of media used.
    Area,
    /// Length of media used.
    Length,
    /// Ink used.
    Ink,
    /// User.
    User,
    /// Account.
    Account,
    /// When it was printed.
    Time,
    /// Print quality or mode.
    Quality,
    /// What the rest of the row is about: total, paper, one ink.
    CostType,
    /// Print category.
    Category,
    /// UUID of the job.
    Uuid,
    /// Number of the job.
    Sequence,
}

/// Columns by their labels.
const COLUMNS: &[(&str, Column)] = &[
    ("document", Column::Document),
    ("document name", Column::Document),
    ("job name", Column::Document),
    ("job type", Column::Kind),
    ("type of job", Column::Kind),
    ("source", Column::Source),
    ("job source", Column::Source),
    ("status", Column::Status),
    ("state", Column::Status),
    ("copies", Column::Copies),
    ("number of copies", Column::Copies),
    ("pages", Column::Pages),
    ("number of pages", Column::Pages),
    ("substrate type", Column::Media),
    ("paper type", Column::Media),
    ("media type", Column::Media),
    ("substrate usage", Column::Area),
    ("substrate used", Column::Area),
    ("paper usage", Column::Area),
    ("paper used", Column::Area),
    ("paper", Column::Area),
    ("media used", Column::Area),
    ("substrate length", Column::Length),
    ("paper length", Column::Length),
    ("ink used", Column::Ink),
    ("ink usage", Column::Ink),
    ("user", Column::User),
    ("user name", Column::User),
    ("account id", Column::Account),
    ("account", Column::Account),
    ("printing time", Column::Time),
    ("print time", Column::Time),
    ("date", Column::Time),
    ("print mode", Column::Quality),
    ("print quality", Column::Quality),
    ("quality", Column::Quality),
    ("cost type", Column::CostType),
    ("category", Column::Category),
    ("print category", Column::Category),
    ("job uuid", Column::Uuid),
    ("uuid", Column::Uuid),
    ("job number", Column::Sequence),
    ("job id", Column::Sequence),
];

/// A label in lower case, without a colon at its end.
pub(crate) fn plain(label: &str) -> String {
    label.trim().trim_end_matches(':').trim_end().to_lowercase()
}

/// A label without the unit at its end, and the unit: `substrate usage m²`, `ink used (ml)`.
pub(crate) fn with_unit(label: &str) -> (String, Option<Unit>) {
    let label = plain(label);
    let inner = label.strip_suffix(')').and_then(|label| label.rsplit_once('('));
    if let Some((name, unit)) = inner.and_then(|(name, word)| Some((name, number::unit(word.trim())?))) {
        return (name.trim_end().to_owned(), Some(unit));
    }
    // The unit may have two words: `sq ft`.
    for words in [2, 1] {
        let start = label.rmatch_indices(' ').map(|(at, _)| at).nth(words - 1);
        let split = start.map(|at| (&label[..at], label[at..].trim().replace('.', "")));
        if let Some((name, unit)) = split.and_then(|(name, word)| Some((name, number::unit(&word)?))) {
            return (name.trim_end().to_owned(), Some(unit));
        }
    }
    (label, None)
}

/// The column of a label, and the unit that it states.
pub(crate) fn column(label: &str) -> Option<(Column, Option<Unit>)> {
    let (name, unit) = with_unit(label);
    COLUMNS.iter().find(|(known, _)| *known == name).map(|(_, column)| (*column, unit))
}

/// What a table of the supplies or usage page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Cartridges or ink.
    Ink,
    /// Printheads.
    Printheads,
    /// Media.
    Media,
    /// Parts that are no ink.
    Maintenance,
}

/// The words by which a caption or heading tells its section; the first that is found counts.
const SECTIONS: &[(&str, Section)] = &[
    ("maintenance", Section::Maintenance),
    ("preventive", Section::Maintenance),
    ("printhead", Section::Printheads),
    ("printheads", Section::Printheads),
    ("cartridge", Section::Ink),
    ("cartridges", Section::Ink),
    ("ink", Section::Ink),
    ("inks", Section::Ink),
    ("substrate", Section::Media),
    ("substrates", Section::Media),
    ("paper", Section::Media),
    ("papers", Section::Media),
];

/// Words of a heading whose table is about people: a name in it is no name of media or ink.
const PEOPLE: &[&str] = &["user", "users", "account", "accounts"];

/// The section of a caption or column label.
pub(crate) fn section(label: &str) -> Option<Section> {
    let words = words(label);
    if words.iter().any(|word| PEOPLE.contains(&word.as_str())) {
        return None;
    }
    SECTIONS.iter().find(|(word, _)| words.iter().any(|found| found == word)).map(|(_, section)| *section)
}

/// The words of a label in lower case.
pub(crate) fn words(label: &str) -> Vec<String> {
    let split = label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    split.map(str::to_lowercase).collect()
}

/// States of a cartridge or printhead.
const STATES: &[&str] = &[
    "ok",
    "low",
    "low on ink",
    "very low",
    "very low on ink",
    "out",
    "out of ink",
    "empty",
    "expired",
    "missing",
    "altered",
    "ink altered",
    "error",
    "replace",
    "wrong",
    "not present",
    "out of warranty",
];

/// Whether a text is the state of a cartridge or printhead.
pub(crate) fn is_state(text: &str) -> bool {
    let text = plain(text);
    STATES.iter().any(|state| *state == text)
}

/// Whether a text says that the ink is not the maker's, for which this printer counts nothing.
pub(crate) fn is_altered(text: &str) -> bool {
    words(text).iter().any(|word| word == "altered")
}

/// The product number of a supply in a text: `CZ684A`.
pub(crate) fn product_number(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| is_product_number(word)).map(str::to_owned)
}

fn is_product_number(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let ends = [bytes.first(), bytes.last()];
    let capitals = ends.iter().all(|end| end.is_some_and(u8::is_ascii_uppercase));
    let plain = bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    bytes.len() == 6 && digits >= 2 && capitals && plain
}

/// The name of a supply in a text: `HP 831`.
pub(crate) fn product_name(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pair = words.windows(2).find(|pair| pair[0] == "HP" && is_supply(pair[1]))?;
    Some(pair.join(" "))
}

/// `831` or `831A`.
fn is_supply(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_uppercase());
    let numbers = (2..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    numbers && word.len() - digits.len() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ews_html::number::Kind;

    #[test]
    fn columns_are_known_by_their_label_with_and_without_a_unit() {
        let found = |label: &str| column(label).map(|(column, unit)| (column, unit.map(|unit| unit.word)));
        assert_eq!(found("Document"), Some((Column::Document, None)));
        assert_eq!(found("Substrate usage m²"), Some((Column::Area, Some("m2"))));
        assert_eq!(found("Ink used (ml):"), Some((Column::Ink, Some("ml"))));
        assert_eq!(found("Paper used sq. ft"), Some((Column::Area, Some("ft2"))));
        assert_eq!(found("Tinta usada ml"), None);
        assert_eq!(found("Printing time"), Some((Column::Time, None)));
        assert_eq!(with_unit("m²").0, "m²");
        assert_eq!(column("Paper length (m)").and_then(|(_, unit)| unit).map(|unit| unit.kind), Some(Kind::Length));
    }

    #[test]
    fn products_are_known_by_their_form() {
        assert_eq!(product_number("HP 831 (CZ684A)").as_deref(), Some("CZ684A"));
        assert_eq!(product_number("P2V78A").as_deref(), Some("P2V78A"));
        assert_eq!(product_number("STATUS LETTER 123456 OKAY1A"), None);
        assert_eq!(product_name("Magenta HP 831A").as_deref(), Some("HP 831A"));
        assert_eq!(product_name("HP DesignJet"), None);
    }

    #[test]
    fn a_heading_tells_its_section() {
        assert_eq!(section("Ink cartridges"), Some(Section::Ink));
        assert_eq!(section("Maintenance cartridge"), Some(Section::Maintenance));
        assert_eq!(section("Printheads"), Some(Section::Printheads));
        assert_eq!(section("Substrate usage"), Some(Section::Media));
        assert_eq!(section("Cartuchos de tinta"), None);
        assert_eq!(section("Paper usage by user"), None);
    }
}

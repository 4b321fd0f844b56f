//! What a page says the printer is: rows C1 to C4 and the UUID.
//!
//! No source shows where these pages name the printer, so a page is looked through for a title that names
//! a large-format family and for labels with a value beside them. Deliberately absent: pages with names that
//! people gave, of jobs and media, which could pass for labels; the printer's own given name; addresses.

use super::page::Page;
use super::words;
use crate::node;
use report::Report;

/// Words that only the name of a large-format printer has.
const FAMILIES: &[&str] = &["designjet", "pagewide", "latex"];
/// What ends the name in a title: `HP DesignJet T930 - Supplies`.
const TITLE_ENDS: &[&str] = &[" - ", " | ", " : ", " – "];

/// Fills the name, where it is still absent, from the title.
pub(crate) fn read_title(page: &Page, report: &mut Report) {
    if let Some(name) = named_in(&page.title) {
        set(&mut report.configuration.product_name, name);
    }
}

/// Fills what is still absent from the tables of a page in English.
pub(crate) fn read_labels(page: &Page, report: &mut Report) {
    let configuration = &mut report.configuration;
    for row in page.tables.iter().flat_map(|table| &table.rows) {
        let mut texts = row.texts();
        let (Some(label), Some(value)) = (texts.next(), texts.next()) else { continue };
        let Some(value) = super::known(value) else { continue };
        match words::plain(label).as_str() {
            "product number" => set(&mut configuration.product_number, value),
            "product name" | "product" | "model" | "model name" | "printer model" => {
                set(&mut configuration.product_name, value);
            }
            "serial number" => set(&mut configuration.serial_number, value.to_ascii_uppercase()),
            "firmware version" | "firmware" => set(&mut configuration.firmware_version, value),
            "uuid" => {
                if let Some(uuid) = node::uuid(&value) {
                    set(&mut configuration.uuid, uuid);
                }
            }
            _ => {}
        }
    }
}

fn set(into: &mut Option<String>, value: String) {
    if into.is_none() {
        *into = Some(value);
    }
}

/// The printer that a title names.
fn named_in(title: &str) -> Option<String> {
    let ends = TITLE_ENDS.iter().filter_map(|end| title.find(end));
    let name = &title[..ends.min().unwrap_or(title.len())];
    let family = words::words(name).iter().any(|word| FAMILIES.contains(&word.as_str()));
    // The family alone names no printer.
    let series = name.chars().any(|character| character.is_ascii_digit());
    (family && series).then(|| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_a_printer_by_family_and_series() {
        assert_eq!(named_in("HP DesignJet T930 - Supplies").as_deref(), Some("HP DesignJet T930"));
        assert_eq!(named_in("HP Latex 330").as_deref(), Some("HP Latex 330"));
        for title in ["", "HP DesignJet", "HP LaserJet 4000", "Supplies - HP Latex 330"] {
            assert_eq!(named_in(title), None, "{title}");
        }
    }
}

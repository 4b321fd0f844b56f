//! `MediaHandlingDyn`: media sources (rows S20 to S22) and accessories (S26). `MediaCap`: media types (S23).
//!
//! Deliberately absent: output bins, which are no rows, and the media that print settings assume, which is
//! not what is loaded.

use super::dialect;
use crate::limits::{AMOUNT_MAX, LIST_MAX};
use crate::node::{Node, Notes, joined};
use report::{Accessory, Decimal, Length, MediaSource, MediaType, Report, RowId};
use std::collections::{BTreeMap, BTreeSet};

/// The tag of a name whose language the printer does not say.
const NO_LANGUAGE: &str = "und";
/// The unit of a side that is written as a plain number.
const SIDE_UNIT: &str = "mm";
/// States of a source that holds nothing, in lower case; the first is recorded.
const EMPTY: &[&str] = &["missing", "empty", "notpresent", "absent"];

/// Reads every input tray and accessory.
pub(crate) fn read_sources(document: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("MediaHandlingDyn");
    let trays = notes.list("InputTray", document.at("InputTray"), LIST_MAX);
    for (index, tray) in trays.into_iter().enumerate() {
        let sources = &mut report.status.media_sources;
        let name = tray.at("InputBin").text().unwrap_or_else(|| format!("tray {}", index + 1));
        let is_taken = sources.iter().any(|source| source.name == name);
        let name = if is_taken { format!("{name} ({})", index + 1) } else { name };
        notes.enter(format!("MediaHandlingDyn, {name}"));
        sources.push(source(tray, name, notes));
    }
    notes.enter("MediaHandlingDyn");
    for entry in notes.list("Accessories", document.at("Accessories"), LIST_MAX) {
        for name in entry.at("MediaHandlingDeviceFunctionType").texts() {
            // The printer lists what it has.
            let accessories = &mut report.settings.accessories;
            if accessories.len() < LIST_MAX {
                accessories.push(Accessory { name, installed: true, status: None });
            }
        }
    }
}

fn source(tray: Node<'_>, name: String, notes: &mut Notes) -> MediaSource {
    let states = [tray.at("TrayState"), tray.at("MediaState")];
    let words: Vec<String> = states.into_iter().filter_map(Node::text).collect();
    let status = joined(&words);
    // The type and size of an empty tray are what it expects, not what is loaded.
    if words.iter().any(|word| EMPTY.iter().any(|empty| word.eq_ignore_ascii_case(empty))) {
        return MediaSource { name, status, ..MediaSource::default() };
    }
    let (named_width, named_height) = tray.at("MediaSizeName").text().and_then(|name| named_size(&name)).unzip();
    MediaSource {
        name,
        status,
        media: tray.at("MediaType").text(),
        width: side(notes, "Width", tray).or(named_width),
        height: side(notes, "Length", tray).or(named_height),
    }
}

/// Row S22: a side as a plain number of millimetres, or with its unit. Zero is not known.
fn side(notes: &mut Notes, member: &str, tray: Node<'_>) -> Option<Length> {
    let node = tray.at(member);
    let length = if node.at("Value").is_missing() {
        let number = notes.quantity(RowId::S22, member, node)?.number;
        let length = Length::from_unit(number, SIDE_UNIT).filter(|length| length.0 <= AMOUNT_MAX);
        if length.is_none() {
            notes.at(RowId::S22, &format!("{member} is too long: {}", dialect::quoted(node)));
        }
        length
    } else {
        notes.length(RowId::S22, member, node)
    };
    length.filter(|length| length.0 > 0)
}

/// Width and height from a standard name of a media size; a name that holds no size is no defect.
///
/// `na_letter_8.5x11in`: 215.9 mm by 279.4 mm.
fn named_size(name: &str) -> Option<(Length, Length)> {
    let (_, size) = name.rsplit_once('_')?;
    let unit = ["mm", "in"].into_iter().find(|unit| size.ends_with(*unit))?;
    let (width, height) = size.strip_suffix(unit)?.split_once('x')?;
    let side = |text: &str| {
        let length = Length::from_unit(Decimal::parse(text)?, unit)?;
        (length.0 > 0 && length.0 <= AMOUNT_MAX).then_some(length)
    };
    Some((side(width)?, side(height)?))
}

/// Row S23: every media type that the document names, wherever it stands in it.
pub(crate) fn read_types(document: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("MediaCap");
    let mut ids = BTreeSet::new();
    collect(document, &mut ids);
    if ids.len() > LIST_MAX {
        notes.at(RowId::S23, &format!("more than {LIST_MAX} media types, the rest is not read"));
    }
    let named = |id: String| MediaType { names: BTreeMap::from([(NO_LANGUAGE.to_owned(), id.clone())]), id };
    report.settings.media_types = ids.into_iter().take(LIST_MAX).map(named).collect();
}

/// Collects texts of elements named `MediaType`. It recurses at most `limits::DEPTH_MAX` deep, as documents are.
fn collect(node: Node<'_>, ids: &mut BTreeSet<String>) {
    for (name, member) in node.members() {
        for item in member.items() {
            if ids.len() > LIST_MAX {
                return;
            }
            match item.text().filter(|_| name == "MediaType") {
                Some(id) => {
                    ids.insert(id);
                }
                None => collect(item, ids),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::named_size;
    use report::Length;

    #[test]
    fn a_standard_name_holds_the_size() {
        let cases = [
            ("iso_a4_210x297mm", Some((210_000, 297_000))),
            ("na_letter_8.5x11in", Some((215_900, 279_400))),
            ("custom_roll_914.4x45720mm", Some((914_400, 45_720_000))),
            ("custom_0x0mm", None),
            ("iso_a4_210x-297mm", None),
            ("iso_a4_210x297cm", None),
            ("any", None),
            ("x_xmm", None),
            ("", None),
        ];
        for (name, size) in cases {
            assert_eq!(named_size(name), size.map(|(width, height)| (Length(width), Length(height))), "{name}");
        }
    }
}

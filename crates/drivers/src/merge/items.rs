//! Items of a status list that several interfaces give: which is which, and each row from one of them.
//!
//! The first interface in order that lists items says which there are. Items of another are found among them
//! by serial number, else by product number and colour, else by colour, else by slot, each only where it is
//! unambiguous and nothing contradicts. A row of which one item cannot be found is not taken from that
//! interface. Deliberately absent: any guess by position in the list, which differs from model to model.

use super::{Out, Part, Voice, credit, voice};
use report::{Cartridge, Defect, MediaSource, Printhead, Report, RowId};
use std::collections::BTreeMap;

/// What an item is found by in one way; absent where it does not say that.
type By = fn(&Key) -> Option<(&str, &str)>;

/// The ways to find an item, the surest first; the slot is the last.
const WAYS: &[By] = &[by_serial, by_product_and_colour, by_colour, by_slot];

/// What an item is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Key {
    serial: Option<String>,
    product: Option<String>,
    colour: Option<String>,
    slot: Option<String>,
}

/// An item of a list whose rows may come from different interfaces.
pub(super) trait Item: PartialEq + Sized {
    /// The list in a report.
    fn list(report: &Report) -> &[Self];
    /// The same, to be replaced.
    fn list_mut(report: &mut Report) -> &mut Vec<Self>;
    /// The item with its name and nothing else.
    fn bare(&self) -> Self;
    /// What it is known by.
    fn key(&self) -> Key;
    /// Takes over one row.
    fn put(&mut self, row: RowId, from: &Self);

    /// Whether it fills a row.
    fn has(&self, row: RowId) -> bool {
        let mut item = self.bare();
        item.put(row, self);
        item != self.bare()
    }
}

impl Item for Printhead {
    fn list(report: &Report) -> &[Printhead] {
        &report.status.printheads
    }
    fn list_mut(report: &mut Report) -> &mut Vec<Printhead> {
        &mut report.status.printheads
    }
    fn bare(&self) -> Printhead {
        Printhead { slot: self.slot.clone(), ..Printhead::default() }
    }
    fn key(&self) -> Key {
        let mut colours: Vec<String> = self.colours.iter().filter_map(|colour| colour_word(colour)).collect();
        colours.sort_unstable();
        Key {
            serial: self.serial_number.as_deref().and_then(word),
            product: self.product_number.as_deref().and_then(word),
            colour: (!colours.is_empty()).then(|| colours.join(" ")),
            slot: word(&self.slot),
        }
    }
    fn put(&mut self, row: RowId, from: &Printhead) {
        match row {
            RowId::S2 => self.colours.clone_from(&from.colours),
            RowId::S3 => self.status.clone_from(&from.status),
            RowId::S4 => self.health = from.health,
            RowId::S5 => self.product_number.clone_from(&from.product_number),
            RowId::S6 => self.product_name.clone_from(&from.product_name),
            RowId::S7 => self.serial_number.clone_from(&from.serial_number),
            RowId::S8 => self.foreign_ink_seen = from.foreign_ink_seen,
            RowId::S9 => self.expires_at = from.expires_at,
            _ => {}
        }
    }
}

impl Item for Cartridge {
    fn list(report: &Report) -> &[Cartridge] {
        &report.status.cartridges
    }
    fn list_mut(report: &mut Report) -> &mut Vec<Cartridge> {
        &mut report.status.cartridges
    }
    fn bare(&self) -> Cartridge {
        Cartridge { slot: self.slot.clone(), ..Cartridge::default() }
    }
    fn key(&self) -> Key {
        Key {
            serial: self.serial_number.as_deref().and_then(word),
            product: self.product_number.as_deref().and_then(word),
            colour: self.colour.as_deref().and_then(colour_word),
            slot: word(&self.slot),
        }
    }
    fn put(&mut self, row: RowId, from: &Cartridge) {
        match row {
            RowId::S10 => self.colour.clone_from(&from.colour),
            RowId::S11 => self.status.clone_from(&from.status),
            RowId::S12 => self.product_number.clone_from(&from.product_number),
            RowId::S13 => self.product_name.clone_from(&from.product_name),
            RowId::S14 => self.serial_number.clone_from(&from.serial_number),
            RowId::S15 => self.manufacturer.clone_from(&from.manufacturer),
            RowId::S16 => self.capacity = from.capacity,
            RowId::S17 => self.consumed = from.consumed,
            RowId::S18 => self.consumed_foreign = from.consumed_foreign,
            RowId::S19 => self.expires_at = from.expires_at,
            _ => {}
        }
    }
}

impl Item for MediaSource {
    fn list(report: &Report) -> &[MediaSource] {
        &report.status.media_sources
    }
    fn list_mut(report: &mut Report) -> &mut Vec<MediaSource> {
        &mut report.status.media_sources
    }
    fn bare(&self) -> MediaSource {
        MediaSource { name: self.name.clone(), ..MediaSource::default() }
    }
    fn key(&self) -> Key {
        Key { slot: word(&self.name), ..Key::default() }
    }
    fn put(&mut self, row: RowId, from: &MediaSource) {
        match row {
            RowId::S20 => self.status.clone_from(&from.status),
            RowId::S21 => self.media.clone_from(&from.media),
            RowId::S22 => (self.width, self.height) = (from.width, from.height),
            _ => {}
        }
    }
}

/// Letters and digits in lower case, so that `Roll 1` is `ROLL1`; absent when there are none.
fn word(text: &str) -> Option<String> {
    let word: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    (!word.is_empty()).then_some(word)
}

fn colour_word(text: &str) -> Option<String> {
    crate::colour::name(text)
}

/// Which item of `base` each of `items` is, by the first way that finds exactly one; absent where that cannot be told.
pub(super) fn places(base: &[Key], items: &[Key]) -> Vec<Option<usize>> {
    // One interface counts slots from 0, another from 1: a slot tells something only where both name the same.
    let ways = if slots(base) == slots(items) { WAYS.len() } else { WAYS.len() - 1 };
    let mut places: Vec<Option<usize>> = vec![None; items.len()];
    for by in WAYS.iter().take(ways) {
        let ours = grouped(base, *by);
        for (name, theirs) in grouped(items, *by) {
            // Two of one name are found by no name; so each group of `base` is looked through once.
            let [(at, item)] = theirs.as_slice() else { continue };
            let fitting = ours.get(&name).into_iter().flatten().filter(|(_, other)| !contradict(other, item));
            if let Some(place) = places.get_mut(*at)
                && place.is_none()
            {
                *place = sole(fitting.map(|(place, _)| *place));
            }
        }
    }
    // Two that claim one place are neither.
    let mut claims: BTreeMap<usize, usize> = BTreeMap::new();
    for place in places.iter().flatten() {
        *claims.entry(*place).or_default() += 1;
    }
    places.into_iter().map(|place| place.filter(|place| claims.get(place) == Some(&1))).collect()
}

/// Items with their places, by what each is found by.
fn grouped(keys: &[Key], by: By) -> BTreeMap<(&str, &str), Vec<(usize, &Key)>> {
    let mut groups: BTreeMap<(&str, &str), Vec<(usize, &Key)>> = BTreeMap::new();
    for (place, key) in keys.iter().enumerate() {
        if let Some(name) = by(key) {
            groups.entry(name).or_default().push((place, key));
        }
    }
    groups
}

/// The one there is; absent where there are none or more.
fn sole(mut found: impl Iterator<Item = usize>) -> Option<usize> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The slots that a list names, sorted.
fn slots(keys: &[Key]) -> Vec<Option<&str>> {
    let mut slots: Vec<Option<&str>> = keys.iter().map(|key| key.slot.as_deref()).collect();
    slots.sort_unstable();
    slots
}

fn by_serial(key: &Key) -> Option<(&str, &str)> {
    Some((key.serial.as_deref()?, ""))
}

fn by_product_and_colour(key: &Key) -> Option<(&str, &str)> {
    key.product.as_deref().zip(key.colour.as_deref())
}

fn by_colour(key: &Key) -> Option<(&str, &str)> {
    Some((key.colour.as_deref()?, ""))
}

fn by_slot(key: &Key) -> Option<(&str, &str)> {
    Some((key.slot.as_deref()?, ""))
}

/// Whether both say something that cannot be true of one item.
fn contradict(ours: &Key, theirs: &Key) -> bool {
    let differ = |ours: Option<&String>, theirs: Option<&String>| ours.zip(theirs).is_some_and(|(a, b)| a != b);
    differ(ours.serial.as_ref(), theirs.serial.as_ref())
        || differ(ours.product.as_ref(), theirs.product.as_ref())
        || differ(ours.colour.as_ref(), theirs.colour.as_ref())
}

/// An interface that lists items, and which item of the first interface each is.
struct Lister<'a> {
    voice: &'a Voice,
    places: Vec<Option<usize>>,
}

/// Takes the rows of a list, each from the first interface that fills it for items that are all found.
pub(super) fn take<T: Item>(part: &Part, voices: &[Voice], out: &mut Out) {
    let voices = part.order.iter().filter_map(|name| voice(voices, name));
    let voices: Vec<&Voice> = voices.filter(|voice| !T::list(&voice.heard.report).is_empty()).collect();
    let Some(first) = voices.first() else { return };
    let base = T::list(&first.heard.report);
    let mut list: Vec<T> = base.iter().map(T::bare).collect();
    let listers = listers::<T>(&voices, base);
    let mut left_out: Vec<(&str, Vec<&str>)> = voices.iter().map(|voice| (voice.name(), Vec::new())).collect();
    for row in part.rows() {
        for (lister, left_out) in listers.iter().zip(&mut left_out) {
            match put(row, lister, &mut list) {
                None => {}
                Some(true) => {
                    credit(row, lister.voice, out);
                    break;
                }
                Some(false) => left_out.1.push(row.word()),
            }
        }
    }
    *T::list_mut(&mut out.report) = list;
    for (name, rows) in left_out.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        let (first, rows) = (first.name(), rows.join(", "));
        let what = format!("{name} lists what cannot be found in {first}'s list, left out: {rows}");
        out.defects.push(Defect::at(part.first, what));
    }
}

fn listers<'a, T: Item>(voices: &[&'a Voice], base: &[T]) -> Vec<Lister<'a>> {
    let keys = |items: &[T]| items.iter().map(T::key).collect::<Vec<Key>>();
    let base = keys(base);
    let mut listers = Vec::with_capacity(voices.len());
    for (index, voice) in voices.iter().copied().enumerate() {
        // The first interface's items are in their own places.
        let places: Vec<Option<usize>> = match index {
            0 => (0..base.len()).map(Some).collect(),
            _ => places(&base, &keys(T::list(&voice.heard.report))),
        };
        listers.push(Lister { voice, places });
    }
    listers
}

/// Puts a row of every item in its place; `None` when the interface does not fill it, `Some(false)` when it
/// fills it for an item that has no place.
fn put<T: Item>(row: RowId, lister: &Lister<'_>, list: &mut [T]) -> Option<bool> {
    let items = T::list(&lister.voice.heard.report).iter().zip(&lister.places);
    let filling: Vec<(&T, Option<usize>)> =
        items.filter(|(item, _)| item.has(row)).map(|(item, place)| (item, *place)).collect();
    if filling.is_empty() {
        return None;
    }
    if filling.iter().any(|(_, place)| place.is_none()) {
        return Some(false);
    }
    for (item, place) in filling {
        if let Some(target) = place.and_then(|place| list.get_mut(place)) {
            target.put(row, item);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `serial product colour slot`, each `-` where it is not known.
    fn keys(texts: &[&str]) -> Vec<Key> {
        let key = |text: &&str| {
            let mut words = text.split(' ').map(|word| (word != "-").then(|| word.to_owned()));
            let mut next = || words.next().flatten();
            Key { serial: next(), product: next(), colour: next(), slot: next() }
        };
        texts.iter().map(key).collect()
    }

    #[test]
    fn items_are_found_by_what_is_surest() {
        let base = keys(&["s1 p1 cyan 0", "s2 p2 black 1", "s3 p2 black 2", "- p3 gray 3"]);
        let cases: &[(&str, &[&str], &[Option<usize>])] = &[
            ("by serial number", &["s3 - - 9", "s1 - - 9"], &[Some(2), Some(0)]),
            ("by product number and colour", &["- p1 cyan 9", "- p3 gray 9"], &[Some(0), Some(3)]),
            ("by colour", &["- - gray 9", "- - cyan 9"], &[Some(3), Some(0)]),
            ("two of one product and colour", &["- p2 black 9", "- p2 black 8"], &[None, None]),
            ("one of two", &["- p2 black 9"], &[None]),
            ("another serial number", &["s9 p1 cyan 9"], &[None]),
            ("another product number", &["- p9 cyan 9"], &[None]),
            ("twice the same", &["s1 - - 9", "- p1 cyan 9"], &[None, None]),
            ("slots that count otherwise", &["- - - 1", "- - - 2", "- - - 3", "- - - 4"], &[None; 4]),
            ("slots alone", &["- - - 3", "- - - 0", "- - - 1", "- - - 2"], &[Some(3), Some(0), Some(1), Some(2)]),
            (
                "a slot of another colour",
                &["- - gray 3", "- - red 0", "- - - 1", "- - - 2"],
                &[Some(3), None, Some(1), Some(2)],
            ),
        ];
        for (what, items, expected) in cases {
            assert_eq!(places(&base, &keys(items)), *expected, "{what}");
        }
    }

    #[test]
    fn colours_are_one_in_all_their_spellings() {
        for text in ["Matte Black", "matte-black", "MK", "mk"] {
            assert_eq!(colour_word(text).as_deref(), Some("matte-black"), "{text}");
        }
        assert_eq!(colour_word("Light Grey"), colour_word("LGY"));
        assert_ne!(colour_word("K"), colour_word("PK"));
        assert_eq!(colour_word("-"), None);
    }

    #[test]
    fn an_item_has_the_rows_that_differ_from_its_bare_name() {
        let cartridge = Cartridge { slot: "1".to_owned(), colour: Some("cyan".to_owned()), ..Cartridge::default() };
        assert!(cartridge.has(RowId::S10) && !cartridge.has(RowId::S11));
        assert!(!cartridge.bare().has(RowId::S10));
    }
}

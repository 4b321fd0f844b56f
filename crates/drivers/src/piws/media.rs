//! `Paper/List`: media types supported (row S23). `MediaSystem`: what is loaded (rows S20 to S22).
//!
//! Deliberately absent: the SOAP media list, which is fetched by POST, and accessories (row S26), whose
//! place in `MediaSystem` no recording shows.

use crate::limits::LIST_MAX;
use crate::node::{Node, Notes};
use report::{MediaSource, MediaType, Report, RowId, Settings};
use std::collections::BTreeMap;

/// The tag of a name whose language the printer does not say.
const NO_LANGUAGE: &str = "und";

/// Reads the media types with their localized names.
pub(crate) fn read_types(list: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("Paper/List");
    for (index, paper) in notes.list("Paper", list.at("List.Paper"), LIST_MAX).into_iter().enumerate() {
        let Some(id) = paper.at("Id").text() else {
            notes.at(RowId::S23, &format!("media type {} has no identifier", index + 1));
            continue;
        };
        let mut names = names(paper);
        if names.is_empty() {
            names.insert(NO_LANGUAGE.to_owned(), id.clone());
        }
        report.settings.media_types.push(MediaType { id, names });
    }
}

/// Language tag to name, from `Localizations.*.{ISOCode,Value}`.
fn names(paper: Node<'_>) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (_, localizations) in paper.at("Localizations").members() {
        for localization in localizations.items().into_iter().take(LIST_MAX) {
            let language = localization.at("ISOCode").text().unwrap_or_else(|| NO_LANGUAGE.to_owned());
            if let Some(name) = localization.at("Value").words() {
                names.entry(language).or_insert(name);
            }
        }
    }
    names
}

/// The names of media types by identifier, in English where there is such a name.
pub(crate) fn names_by_id(settings: &Settings) -> BTreeMap<String, String> {
    settings.media_types.iter().map(|media| (media.id.clone(), media.name().to_owned())).collect()
}

/// Reads every input device of every drawer.
pub(crate) fn read_sources(system: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let media = names_by_id(&report.settings);
    notes.enter("MediaSystem");
    for drawer in notes.list("Drawer", system.at("DrawerCollection.Drawer"), LIST_MAX) {
        for (kind, devices) in drawer.at("InputDeviceCollection").members() {
            for device in notes.list(kind, devices, LIST_MAX) {
                let name = device.text_of(&["IdForUI", "IdForPrinting"]).unwrap_or_else(|| kind.to_owned());
                let sources = &mut report.status.media_sources;
                let name = unused(name, sources);
                notes.enter(format!("MediaSystem, {name}"));
                sources.push(source(device, name, &media, notes));
            }
        }
    }
}

/// `name`, or `name (2)` where another drawer has a device of that name.
fn unused(name: String, sources: &[MediaSource]) -> String {
    let named = |name: &str| sources.iter().any(|source| source.name == name);
    if !named(&name) {
        return name;
    }
    let mut numbered = (2..=sources.len() + 1).map(|number| format!("{name} ({number})"));
    numbered.find(|numbered| !named(numbered)).unwrap_or(name)
}

fn source(device: Node<'_>, name: String, media: &BTreeMap<String, String>, notes: &mut Notes) -> MediaSource {
    let loaded = device.at("LoadedMediaCollection.LoadedMedia");
    let id = loaded.at("MediaTypeID").text();
    let status = if loaded.is_absent() { "empty" } else { "loaded" };
    MediaSource {
        name,
        status: Some(status.to_owned()),
        media: id.map(|id| media.get(&id).cloned().unwrap_or(id)),
        width: notes.length(RowId::S22, "Width", loaded.at("Width")),
        height: notes.length(RowId::S22, "RemainingLength", loaded.at("RemainingLength")),
    }
}

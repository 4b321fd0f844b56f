//! `Paper/List`: media types supported (row S23). `MediaSystem`: what is loaded (rows S20 to S22), and the
//! cutters (row S26).
//!
//! Deliberately absent: the SOAP media list, which is fetched by POST, and other accessories, since the
//! feature dictionaries of the identification name memory and abilities, no accessories.

use crate::limits::LIST_MAX;
use crate::node::{Names, Node, Notes, clean};
use report::{Accessory, MediaSource, MediaType, Report, RowId, Settings};
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

/// What a cutter is called whose name the printer does not say.
const CUTTER: &str = "cutter";

/// Reads every input device of every drawer, and the cutters.
pub(crate) fn read_sources(system: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let media = names_by_id(&report.settings);
    notes.enter("MediaSystem");
    let mut names = Names::default();
    for (kind, device) in devices(system, notes) {
        let name = device.text_of(&["IdForUI", "IdForPrinting"]).unwrap_or_else(|| clean(kind));
        let name = names.distinct(name);
        notes.enter(format!("MediaSystem, {name}"));
        report.status.media_sources.push(source(device, name, &media, notes));
    }
    notes.enter("MediaSystem");
    report.settings.accessories.extend(cutters(system, notes));
}

/// The input devices of all drawers with their kind, at most [`LIST_MAX`] together.
fn devices<'a>(system: Node<'a>, notes: &mut Notes) -> Vec<(&'a str, Node<'a>)> {
    let mut devices = Vec::new();
    for drawer in notes.list("Drawer", system.at("DrawerCollection.Drawer"), LIST_MAX) {
        for (kind, of_kind) in drawer.at("InputDeviceCollection").members() {
            devices.extend(of_kind.items().into_iter().map(|device| (kind, device)));
        }
    }
    if devices.len() > LIST_MAX {
        notes.of(&format!("there are {} input devices, only the first {LIST_MAX} are read", devices.len()));
        devices.truncate(LIST_MAX);
    }
    devices
}

/// Row S26: the cutters that are listed, or the one that is only said to be switched on.
fn cutters(system: Node<'_>, notes: &mut Notes) -> Vec<Accessory> {
    let enabled = notes.flag(RowId::S26, "CutterEnabled", system.at("Settings.CutterEnabled"));
    let status = enabled.map(|enabled| (if enabled { "enabled" } else { "disabled" }).to_owned());
    let cutter = |name: String| Accessory { name, installed: true, status: status.clone() };
    let devices = notes.list("CuttingDevice", system.at("CuttingDeviceCollection.CuttingDevice"), LIST_MAX);
    if devices.is_empty() {
        return (enabled == Some(true)).then(|| cutter(CUTTER.to_owned())).into_iter().collect();
    }
    let mut names = Names::default();
    let name = |device: Node<'_>| device.at("Name").text().unwrap_or_else(|| CUTTER.to_owned());
    devices.into_iter().map(|device| cutter(names.distinct(name(device)))).collect()
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

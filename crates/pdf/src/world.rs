//! The world in which Typst sets a document: our templates, our fonts, the data, the logo, and nothing else.
//!
//! Deliberately absent: files, packages, the network, fonts of the machine, and today's date.

use crate::Look;
use documents::Logo;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Str, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// What all templates share.
const PARTS: &str = include_str!("../templates/parts.typ");

/// The faces, all of one family and with the same characters; see `fonts/NOTICE.md`.
const FACES: [&[u8]; 3] = [
    include_bytes!("../fonts/Inter-Regular.ttf"),
    include_bytes!("../fonts/Inter-Medium.ttf"),
    include_bytes!("../fonts/Inter-SemiBold.ttf"),
];

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let faces: Vec<Font> = FACES.into_iter().flat_map(|face| Font::iter(Bytes::new(face))).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&faces)), faces }
});

struct Fonts {
    book: LazyHash<FontBook>,
    faces: Vec<Font>,
}

/// Whether the fonts have a shape for the character.
pub(crate) fn shows(c: char) -> bool {
    // Nearly every character is one of these; the rest is looked up.
    if matches!(c, ' '..='~') {
        return true;
    }
    !FONTS.faces.is_empty() && FONTS.faces.iter().all(|face| face.info().coverage.contains(u32::from(c)))
}

/// The template of a look.
fn template(look: Look) -> &'static str {
    match look {
        Look::Ledger => include_str!("../templates/ledger.typ"),
        Look::Letter => include_str!("../templates/letter.typ"),
        Look::Plain => include_str!("../templates/plain.typ"),
    }
}

/// The name of a file in this world. Typst keeps each name it ever saw, so there are only a handful.
fn id(name: &'static str) -> FileId {
    let path = VirtualPath::new(name).expect("every caller gives a plain file name, which is a path");
    FileId::new(RootedPath::new(VirtualRoot::Project, path))
}

/// All that one document is set from.
pub(crate) struct Desk {
    library: LazyHash<Library>,
    main: Source,
    parts: Source,
    logo: Option<(FileId, Bytes)>,
}

impl Desk {
    /// The template of the look, with what it reads as `sys.inputs`.
    pub(crate) fn new(look: Look, inputs: BTreeMap<&'static str, String>, logo: Option<&Logo>) -> Desk {
        let mut read = Dict::new();
        for (name, text) in inputs {
            read.insert(Str::from(name), Value::Str(Str::from(text)));
        }
        // Two looks are two files: one name would have two texts.
        let main = match look {
            Look::Ledger => id("ledger.typ"),
            Look::Letter => id("letter.typ"),
            Look::Plain => id("plain.typ"),
        };
        Desk {
            library: LazyHash::new(Library::builder().with_inputs(read).build()),
            main: Source::new(main, template(look).to_owned()),
            parts: Source::new(id("parts.typ"), PARTS.to_owned()),
            logo: logo.map(|logo| (id(logo.file()), Bytes::new(logo.bytes().to_vec()))),
        }
    }
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let known = [&self.main, &self.parts].into_iter().find(|source| source.id() == id);
        known.cloned().ok_or_else(|| absent(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match &self.logo {
            Some((logo, bytes)) if *logo == id => Ok(bytes.clone()),
            _ => self.source(id).map(|source| Bytes::from_string(source.text().to_owned())),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.faces.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// That there is no such file, whatever the machine has.
fn absent(id: FileId) -> FileError {
    FileError::NotFound(PathBuf::from(id.vpath().get_without_slash()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Desk {
        Desk::new(Look::Ledger, BTreeMap::new(), None)
    }

    #[test]
    fn three_faces_of_one_family_show_the_same_characters() {
        let faces = &FONTS.faces;
        assert_eq!(faces.len(), 3);
        for face in faces {
            assert_eq!(face.info().family, "Inter");
            assert!(face.data().len() < 200_000, "{:?}", face.info().variant);
        }
        for c in "Aé€Łșα Жї×−→½²□\u{200b}\u{202f}".chars() {
            assert!(shows(c), "{c}");
        }
        for c in ['漢', 'ש', '\u{e000}', '😀'] {
            assert!(!shows(c), "{c}");
        }
    }

    #[test]
    fn no_file_of_the_machine_can_be_read_and_no_day_is_known() {
        let desk = desk();
        for name in ["etc/passwd", "Cargo.toml", "logo.png", "plain.typ"] {
            assert!(desk.file(id(name)).is_err(), "{name}");
            assert!(desk.source(id(name)).is_err(), "{name}");
        }
        assert!(desk.source(id("parts.typ")).is_ok());
        assert!(desk.today(None).is_none());
    }

    #[test]
    fn templates_never_read_data_as_markup() {
        let templates = [PARTS, template(Look::Ledger), template(Look::Letter), template(Look::Plain)];
        for template in templates {
            for banned in ["eval(", "read(", "@preview", "plugin(", "datetime"] {
                assert!(!template.contains(banned), "{banned}");
            }
        }
    }
}

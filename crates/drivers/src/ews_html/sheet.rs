//! `accounting.xls` as tables, whatever it really is: its first bytes tell.
//!
//! A page or SpreadsheetML under an Excel name, delimited text, xlsx, or the binary form of `biff.rs`.
//! Every form is read here, in one pass and within limits, since a general reader of workbooks trusts
//! their counts and places. Deliberately absent: formulas, styles, macros, and every sheet but the first.

use super::markup::{Token, attribute, decode, text_of, tidy, tokens};
use super::page::{self, Cell, Row, Table};
use super::{biff, markup};
use crate::limits::{LIST_MAX, NODES_MAX, TEXT_MAX};
use report::Decimal;
use std::io::{Cursor, Read};

/// Entries of an archive.
const ENTRIES_MAX: usize = 64;
/// Bytes that the entries of an archive may unpack to that are read, all together.
const UNPACKED_MAX: u64 = 16 * 1024 * 1024;
/// The entry of an archive with the texts that cells refer to.
const SHARED_STRINGS: &[u8] = b"xl/sharedStrings.xml";
/// Columns of a sheet.
pub(crate) const COLUMNS_MAX: usize = 256;
/// Characters of all cells together.
const TEXT_OF_SHEET_MAX: usize = 32 * 1024 * 1024;

/// Why a workbook is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A page or a sheet's XML.
    #[error(transparent)]
    Markup(#[from] markup::Broken),
    /// An archive that cannot be opened, or an entry of it.
    #[error("a zip archive that cannot be read")]
    Archive,
    /// Over [`ENTRIES_MAX`].
    #[error("a zip archive of more than {} entries", ENTRIES_MAX)]
    TooManyEntries,
    /// Over [`UNPACKED_MAX`].
    #[error("unpacks to more than {} bytes", UNPACKED_MAX)]
    TooLarge,
    /// Over [`TEXT_OF_SHEET_MAX`].
    #[error("more than {} characters in cells", TEXT_OF_SHEET_MAX)]
    TooMuchText,
    /// An archive that is no workbook.
    #[error("a zip archive without a sheet")]
    NoSheet,
    /// The binary form is broken.
    #[error("a workbook whose parts do not fit: {0}")]
    Binary(&'static str),
    /// Nothing there.
    #[error("empty")]
    Empty,
}

/// Reads the tables of a workbook.
pub(crate) fn open(content_type: &str, body: &[u8]) -> Result<Vec<Table>, Unreadable> {
    if body.starts_with(b"PK\x03\x04") {
        return xlsx(body, UNPACKED_MAX).map(|table| vec![table]);
    }
    if body.starts_with(biff::SIGNATURE) {
        return biff::read(body).map(|table| vec![table]);
    }
    let text = text_of(content_type, body)?;
    let trimmed = text.trim();
    match trimmed.chars().next() {
        None => Err(Unreadable::Empty),
        Some('<') if is_spreadsheet_ml(trimmed) => spreadsheet_ml(trimmed).map(|table| vec![table]),
        Some('<') => {
            let page = page::read(trimmed)?;
            if page.is_cut_off { Err(markup::Broken::CutOff.into()) } else { Ok(page.tables) }
        }
        // A tab at the start is an empty first cell.
        Some(_) => delimited(text.trim_start_matches(['\r', '\n'])).map(|table| vec![table]),
    }
}

/// Collects rows within the limits of a sheet.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    table: Table,
    cells: usize,
    characters: usize,
}

impl Collector {
    /// Begins a row.
    pub(crate) fn row(&mut self) {
        self.table.rows.push(Row::default());
    }

    /// Puts a cell into the last row. One beyond [`COLUMNS_MAX`] is not of a table that we know.
    pub(crate) fn put(&mut self, column: usize, text: &str, is_number: bool) -> Result<(), Unreadable> {
        let text = tidy(text);
        if text.is_empty() || column >= COLUMNS_MAX {
            return Ok(());
        }
        self.cells += 1;
        self.characters += text.len();
        if self.cells > NODES_MAX {
            return Err(markup::Broken::TooMany.into());
        }
        if self.characters > TEXT_OF_SHEET_MAX {
            return Err(Unreadable::TooMuchText);
        }
        if let Some(row) = self.table.rows.last_mut() {
            let is_number = is_number && Decimal::parse(&text).is_some();
            row.cells.insert(column, Cell { text, is_number });
        }
        Ok(())
    }

    /// The table, without empty rows.
    pub(crate) fn into_table(mut self) -> Table {
        self.table.rows.retain(|row| !row.cells.is_empty());
        self.table
    }
}

/// Whether this is the XML that Excel 2003 writes.
fn is_spreadsheet_ml(text: &str) -> bool {
    let head: String = text.chars().take(4 * TEXT_MAX).collect();
    head.contains("urn:schemas-microsoft-com:office:spreadsheet") && head.contains("Workbook")
}

fn spreadsheet_ml(text: &str) -> Result<Table, Unreadable> {
    let mut sheet = Collector::default();
    let (mut next, mut column) = (0_usize, 0_usize);
    let mut data: Option<(bool, String)> = None;
    let mut ended = false;
    for token in tokens(text)? {
        match token {
            Token::Open { name: "Row", .. } => {
                sheet.row();
                next = 0;
            }
            Token::Open { name: "Cell", attributes, .. } => {
                let index = number_of(attributes, "Index").and_then(|index| index.checked_sub(1));
                column = index.unwrap_or(next);
                let merged = number_of(attributes, "MergeAcross").unwrap_or(0);
                next = column.saturating_add(1).saturating_add(merged);
            }
            Token::Open { name: "Data", attributes, closed: false } => {
                let is_number = attribute(attributes, "Type").as_deref() == Some("Number");
                data = Some((is_number, String::new()));
            }
            Token::Close("Data") => {
                if let Some((is_number, text)) = data.take() {
                    sheet.put(column, &text, is_number)?;
                }
            }
            // Only the first sheet is the accounting.
            Token::Close("Worksheet") => {
                ended = true;
                break;
            }
            Token::Text(text) => push(data.as_mut().map(|(_, data)| data), &decode(text)),
            Token::Verbatim(text) => push(data.as_mut().map(|(_, data)| data), text),
            Token::Open { .. } | Token::Close(_) => {}
        }
    }
    if ended { Ok(sheet.into_table()) } else { Err(markup::Broken::CutOff.into()) }
}

fn push(into: Option<&mut String>, text: &str) {
    if let Some(into) = into {
        into.push_str(text);
    }
}

fn number_of(attributes: &str, name: &str) -> Option<usize> {
    attribute(attributes, name)?.trim().parse().ok()
}

/// Lines of cells, the delimiter being the one that the first line has most of.
fn delimited(text: &str) -> Result<Table, Unreadable> {
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: &char| first.matches(*delimiter).count();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(count).unwrap_or('\t');
    let mut sheet = Collector::default();
    let (mut cell, mut column, mut quoted) = (String::new(), 0_usize, false);
    sheet.row();
    for character in text.chars().filter(|character| *character != '\r') {
        match character {
            // A doubled quote leaves and enters again: the quote itself is no part of what we read.
            '"' => quoted = !quoted,
            _ if quoted => cell.push(character),
            '\n' => {
                sheet.put(column, &cell, false)?;
                cell.clear();
                column = 0;
                sheet.row();
            }
            _ if character == delimiter => {
                sheet.put(column, &cell, false)?;
                cell.clear();
                column += 1;
            }
            _ => cell.push(character),
        }
    }
    sheet.put(column, &cell, false)?;
    if quoted { Err(markup::Broken::CutOff.into()) } else { Ok(sheet.into_table()) }
}

/// The first sheet of an xlsx archive, of which no more is unpacked than that and its texts, to at most `most` bytes.
fn xlsx(body: &[u8], most: u64) -> Result<Table, Unreadable> {
    let mut archive = zip::ZipArchive::new(Cursor::new(body)).map_err(|_| Unreadable::Archive)?;
    if archive.len() > ENTRIES_MAX {
        return Err(Unreadable::TooManyEntries);
    }
    let names: Vec<Vec<u8>> = archive.file_names_raw().map(<[u8]>::to_vec).collect();
    // The first by name: `sheet1.xml` stands before `sheet10.xml`.
    let sheets = names.iter().enumerate().filter(|(_, name)| is_sheet(name));
    let (sheet, _) = sheets.min_by_key(|(_, name)| *name).ok_or(Unreadable::NoSheet)?;
    let mut left = most;
    let strings = match names.iter().position(|name| name.as_slice() == SHARED_STRINGS) {
        Some(index) => shared_strings(&unpack(&mut archive, index, &mut left)?)?,
        None => Vec::new(),
    };
    sheet_of(&unpack(&mut archive, sheet, &mut left)?, &strings)
}

fn is_sheet(name: &[u8]) -> bool {
    name.starts_with(b"xl/worksheets/") && name.ends_with(b".xml")
}

/// Unpacks an entry within what is left for all that are read.
fn unpack(archive: &mut zip::ZipArchive<Cursor<&[u8]>>, index: usize, left: &mut u64) -> Result<String, Unreadable> {
    let entry = archive.by_index(index).map_err(|_| Unreadable::Archive)?;
    let mut bytes = Vec::new();
    entry.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(|_| Unreadable::Archive)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    *left = left.checked_sub(length).ok_or(Unreadable::TooLarge)?;
    String::from_utf8(bytes).map_err(|_| markup::Broken::NoText.into())
}

/// The texts that cells refer to by number. A text is kept as far as a cell shows it.
fn shared_strings(text: &str) -> Result<Vec<String>, Unreadable> {
    let mut strings = Vec::new();
    let (mut string, mut in_text) = (String::new(), false);
    for token in tokens(text)? {
        match token {
            Token::Open { name: "si", closed, .. } => {
                string.clear();
                if closed {
                    strings.push(String::new());
                }
            }
            Token::Close("si") => strings.push(tidy(&string)),
            Token::Open { name: "t", closed, .. } => in_text = !closed,
            Token::Close("t") => in_text = false,
            Token::Text(text) if in_text => string.push_str(&decode(text)),
            Token::Verbatim(text) if in_text => string.push_str(text),
            Token::Open { .. } | Token::Close(_) | Token::Text(_) | Token::Verbatim(_) => {}
        }
    }
    Ok(strings)
}

/// The cells of a sheet.
fn sheet_of(text: &str, strings: &[String]) -> Result<Table, Unreadable> {
    let mut sheet = Collector::default();
    let (mut next, mut column, mut kind) = (0_usize, 0_usize, String::new());
    let (mut value, mut in_value, mut ended) = (String::new(), false, false);
    for token in tokens(text)? {
        match token {
            Token::Open { name: "row", .. } => {
                sheet.row();
                next = 0;
            }
            Token::Open { name: "c", attributes, .. } => {
                column = attribute(attributes, "r").and_then(|place| column_of(&place)).unwrap_or(next);
                next = column.saturating_add(1);
                kind = attribute(attributes, "t").unwrap_or_default();
                value.clear();
            }
            Token::Open { name: "v" | "t", closed, .. } => in_value = !closed,
            Token::Close("v" | "t") => in_value = false,
            Token::Close("c") => {
                let shared = (kind == "s").then(|| value.trim().parse::<usize>().ok());
                let shared = shared.flatten().and_then(|index| strings.get(index));
                match (kind.as_str(), shared) {
                    ("s", Some(text)) => sheet.put(column, text, false)?,
                    ("s", None) => return Err(Unreadable::Binary("a text that is not there")),
                    ("" | "n", _) => sheet.put(column, &value, true)?,
                    _ => sheet.put(column, &value, false)?,
                }
            }
            Token::Close("worksheet") => ended = true,
            Token::Text(text) if in_value => value.push_str(&decode(text)),
            Token::Verbatim(text) if in_value => value.push_str(text),
            Token::Open { .. } | Token::Close(_) | Token::Text(_) | Token::Verbatim(_) => {}
        }
    }
    if ended { Ok(sheet.into_table()) } else { Err(markup::Broken::CutOff.into()) }
}

/// The column of a place, from 0: `B7` is in column 1.
fn column_of(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_uppercase).take(LIST_MAX);
    let column = letters
        .fold(0_usize, |column, letter| column.saturating_mul(26).saturating_add(usize::from(letter - b'A') + 1));
    column.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn shown(tables: &[Table]) -> Vec<String> {
        let cell = |(column, cell): (&usize, &Cell)| {
            format!("{column}{}{}", if cell.is_number { "=" } else { ":" }, cell.text)
        };
        let rows = tables.iter().flat_map(|table| &table.rows);
        rows.map(|row| row.cells.iter().map(cell).collect::<Vec<_>>().join(" ")).collect()
    }

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).expect("an entry");
            writer.write_all(bytes).expect("its bytes");
        }
        writer.finish().expect("an archive").into_inner()
    }

    const STRINGS: &[u8] = b"<sst><si><t>Document</t></si><si><r><t>plan </t></r><r><t>A&amp;B</t></r></si><si/></sst>";
    const SHEET: &[u8] = b"<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='inlineStr'>\
        <is><t>Ink used ml</t></is></c></row><row r='2'><c r='A2' t='s'><v>1</v></c><c r='C2'><v>1.065</v></c></row>\
        <row/></sheetData></worksheet>";

    #[test]
    fn an_xlsx_is_read_with_its_numbers_as_they_are_written() {
        let body = archive(&[("xl/worksheets/sheet1.xml", SHEET), ("xl/sharedStrings.xml", STRINGS)]);
        let tables = open("", &body).expect("a workbook");
        assert_eq!(shown(&tables), ["0:Document 2:Ink used ml", "0:plan A&B 2=1.065"]);
    }

    #[test]
    fn a_bomb_is_refused_by_name() {
        let spaces = vec![b' '; 6_000];
        let bomb = archive(&[("xl/worksheets/sheet1.xml", &spaces), ("xl/sharedStrings.xml", &spaces)]);
        assert!(bomb.len() < 1_000);
        assert_eq!(xlsx(&bomb, 12_000).map(|_| ()), Err(markup::Broken::CutOff.into()), "it is read");
        assert_eq!(xlsx(&bomb, 11_999).map(|_| ()), Err(Unreadable::TooLarge));
        let beside = archive(&[("xl/worksheets/sheet1.xml", SHEET), ("xl/sharedStrings.xml", STRINGS), ("a", &spaces)]);
        assert!(xlsx(&beside, 1_000).is_ok(), "what is not used is not unpacked");
        let names: Vec<String> = (0..65).map(|index| index.to_string()).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
        assert_eq!(open("", &archive(&many)).map(|_| ()), Err(Unreadable::TooManyEntries));
    }

    #[test]
    fn what_is_no_workbook_is_named() {
        let sheet = |text: &[u8]| open("", &archive(&[("xl/worksheets/sheet1.xml", text)])).map(|_| ());
        assert_eq!(sheet(b"<worksheet><row>"), Err(markup::Broken::CutOff.into()));
        let no_text = b"<worksheet><row><c t='s'><v>7</v></c></row></worksheet>";
        assert_eq!(sheet(no_text), Err(Unreadable::Binary("a text that is not there")));
        assert_eq!(open("", &archive(&[("a", b"")])).map(|_| ()), Err(Unreadable::NoSheet));
        assert_eq!(open("", b"PK\x03\x04 and no more").map(|_| ()), Err(Unreadable::Archive));
        assert_eq!(open("", b" \n").map(|_| ()), Err(Unreadable::Empty));
        assert_eq!(open("", b"<table><tr><td>").map(|_| ()), Err(markup::Broken::CutOff.into()));
    }

    #[test]
    fn spreadsheet_ml_is_read_with_its_gaps() {
        let body = "<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>\
            <Styles><Style ss:ID='a'><Font/></Style></Styles><Worksheet><Table><Row><Cell><Data ss:Type='String'>a\
            </Data></Cell><Cell ss:Index='4' ss:MergeAcross='1'><Data ss:Type='Number'>1.5</Data></Cell>\
            <Cell><Data ss:Type='Number'>x</Data></Cell></Row></Table></Worksheet><Worksheet/></Workbook>";
        assert_eq!(shown(&open("", body.as_bytes()).expect("a workbook")), ["0:a 3=1.5 5:x"]);
        let cut = body.split("</Worksheet>").next().unwrap_or_default();
        assert_eq!(open("", cut.as_bytes()).map(|_| ()), Err(markup::Broken::CutOff.into()));
    }

    #[test]
    fn delimited_text_is_read_by_the_delimiter_of_its_first_line() {
        let body = "Document;Ink used ml\r\n\"a;b\nc\";\"0,5\"\r\n";
        let tables = open("text/csv", body.as_bytes()).expect("a table");
        assert_eq!(shown(&tables), ["0:Document 1:Ink used ml", "0:a;b c 1:0,5"]);
        assert_eq!(shown(&open("", b"a\tb\n\tc").expect("a table")), ["0:a 1:b", "1:c"]);
        assert_eq!(open("", b"a;\"b").map(|_| ()), Err(markup::Broken::CutOff.into()));
    }

    #[test]
    fn places_name_their_column() {
        for (place, column) in [("A1", Some(0)), ("Z9", Some(25)), ("AA10", Some(26)), ("7", None)] {
            assert_eq!(column_of(place), column, "{place}");
        }
        assert!(column_of(&"Z".repeat(100)).is_some_and(|column| column >= COLUMNS_MAX));
    }
}

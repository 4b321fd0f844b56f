//! A page as its tables: what stands in which cell of which row, and under which heading.
//!
//! Deliberately absent: merged cells (a cell counts once, as in the markup), forms, images, and any text
//! outside tables other than headings and the title.

use super::markup::{Broken, Token, attribute, decode, text_of, tidy, tokens};
use crate::limits::{DEPTH_MAX, NODES_MAX};
use std::collections::BTreeMap;

/// The parameter by which this web server names its pages, in links too.
const CONTENT: &str = "content=";

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Its title.
    pub(crate) title: String,
    /// The language it states: `en`.
    pub(crate) language: String,
    /// The pages that it links to: `usage`.
    pub(crate) contents: Vec<String>,
    /// Its tables, an inner one before the one around it.
    pub(crate) tables: Vec<Table>,
    /// Whether it ends within a table.
    pub(crate) is_cut_off: bool,
}

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Its caption, else the last heading before it.
    pub(crate) caption: String,
    /// Its rows.
    pub(crate) rows: Vec<Row>,
}

/// A row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// The classes of its tag.
    pub(crate) classes: String,
    /// Its cells by column, from 0.
    pub(crate) cells: BTreeMap<usize, Cell>,
}

/// A cell.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    /// Its text on one line.
    pub(crate) text: String,
    /// Whether a spreadsheet keeps it as a number.
    pub(crate) is_number: bool,
}

impl Row {
    /// The text in a column, empty where there is none.
    pub(crate) fn text(&self, at: usize) -> &str {
        self.cells.get(&at).map_or("", |cell| cell.text.as_str())
    }

    /// The texts of all cells that have one.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.cells.values().map(|cell| cell.text.as_str()).filter(|text| !text.is_empty())
    }
}

/// Reads the bytes of a page.
pub(crate) fn open(content_type: &str, body: &[u8]) -> Result<Page, Broken> {
    read(&text_of(content_type, body)?)
}

/// Reads the text of a page.
pub(crate) fn read(text: &str) -> Result<Page, Broken> {
    let mut reader = Reader::default();
    for token in tokens(text)? {
        match token {
            Token::Open { name, attributes, .. } => reader.opened(&name.to_ascii_lowercase(), attributes)?,
            Token::Close(name) => reader.closed(&name.to_ascii_lowercase()),
            Token::Text(text) => reader.text(&decode(text)),
            Token::Verbatim(text) => reader.text(text),
        }
    }
    Ok(reader.into_page())
}

/// A table that is not closed yet.
#[derive(Debug, Default)]
struct OpenTable {
    table: Table,
    row: Option<Row>,
    cell: Option<String>,
}

impl OpenTable {
    fn end_cell(&mut self) {
        if let Some(text) = self.cell.take() {
            let row = self.row.get_or_insert_default();
            row.cells.insert(row.cells.len(), Cell { text: tidy(&text), is_number: false });
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        if let Some(row) = self.row.take().filter(|row| !row.cells.is_empty()) {
            self.table.rows.push(row);
        }
    }
}

/// What a collected text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Title,
    Heading,
    Caption,
}

#[derive(Debug, Default)]
struct Reader {
    page: Page,
    open: Vec<OpenTable>,
    collecting: Option<(Part, String)>,
    heading: String,
    cells: usize,
}

impl Reader {
    fn opened(&mut self, name: &str, attributes: &str) -> Result<(), Broken> {
        match name {
            "html" => self.page.language = tidy(&attribute(attributes, "lang").unwrap_or_default()),
            "title" => self.collecting = Some((Part::Title, String::new())),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "legend" => {
                self.collecting = Some((Part::Heading, String::new()));
            }
            "caption" => self.collecting = Some((Part::Caption, String::new())),
            "a" => self.link(attributes),
            "br" | "p" | "div" | "li" | "span" => self.text(" "),
            "table" => {
                if self.open.len() >= DEPTH_MAX {
                    return Err(Broken::TooDeep);
                }
                let table = Table { caption: self.heading.clone(), rows: Vec::new() };
                self.open.push(OpenTable { table, row: None, cell: None });
            }
            "tr" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_row();
                    let classes = tidy(&attribute(attributes, "class").unwrap_or_default());
                    table.row = Some(Row { classes, cells: BTreeMap::new() });
                }
            }
            "td" | "th" => {
                self.cells += 1;
                if self.cells > NODES_MAX {
                    return Err(Broken::TooMany);
                }
                if let Some(table) = self.open.last_mut() {
                    table.end_cell();
                    table.cell = Some(String::new());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn closed(&mut self, name: &str) {
        match name {
            "title" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "legend" | "caption" => self.end_collecting(),
            "td" | "th" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_cell();
                }
            }
            "tr" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_row();
                }
            }
            "table" => self.end_table(),
            _ => {}
        }
    }

    fn end_collecting(&mut self) {
        let Some((part, text)) = self.collecting.take() else { return };
        let text = tidy(&text);
        match (part, self.open.last_mut()) {
            (Part::Title, _) => self.page.title = text,
            (Part::Caption, Some(table)) => table.table.caption = text,
            (Part::Heading | Part::Caption, _) => self.heading = text,
        }
    }

    fn end_table(&mut self) {
        if let Some(mut table) = self.open.pop() {
            table.end_row();
            if !table.table.rows.is_empty() {
                self.page.tables.push(table.table);
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, collected)) = &mut self.collecting {
            collected.push_str(text);
        } else if let Some(cell) = self.open.last_mut().and_then(|table| table.cell.as_mut()) {
            cell.push_str(text);
        }
    }

    /// Keeps the name of a page that is linked to: `index.htm;jsessionid=…?content=usage`.
    fn link(&mut self, attributes: &str) {
        let href = attribute(attributes, "href").unwrap_or_default();
        let Some((_, content)) = href.split_once(CONTENT) else { return };
        let end = content.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(content.len());
        let content = tidy(&content[..end]);
        if self.page.contents.len() < DEPTH_MAX && !self.page.contents.contains(&content) {
            self.page.contents.push(content);
        }
    }

    fn into_page(mut self) -> Page {
        self.page.is_cut_off = !self.open.is_empty();
        while !self.open.is_empty() {
            self.end_table();
        }
        self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: &Page) -> Vec<String> {
        let row = |row: &Row| row.cells.values().map(|cell| cell.text.clone()).collect::<Vec<_>>().join("|");
        let table = |table: &Table| {
            let rows: Vec<String> = table.rows.iter().map(row).collect();
            format!("{}: {}", table.caption, rows.join(" / "))
        };
        page.tables.iter().map(table).collect()
    }

    #[test]
    fn tables_are_read_with_their_headings_whatever_is_left_open() {
        let page = "<html lang='en'><head><title>HP Test </title></head><h2>Ink</h2><table><tr><th>A<th>B\
                    <tr><td>1 m&sup2;<br>x<td></table><table><caption>Paper</caption><tr><td>\
                    <table><tr><td>inner</table>outer</td></tr></table>";
        let page = read(page).expect("a page");
        assert_eq!(shown(&page), ["Ink: A|B / 1 m² x|", "Ink: inner", "Paper: outer"]);
        assert_eq!((page.title.as_str(), page.language.as_str(), page.is_cut_off), ("HP Test", "en", false));
    }

    #[test]
    fn links_name_the_other_pages() {
        let page = "<a href='index.htm;jsessionid=a1?content=usage&x=1'>U</a><a href='?content=supplies'>S</a>\
                    <a href='?content=usage'>U</a><a>no</a>";
        assert_eq!(read(page).expect("a page").contents, ["usage", "supplies"]);
    }

    #[test]
    fn a_page_that_ends_within_a_table_says_so() {
        let page = read("<table><tr><td>a</td><td>b").expect("a page");
        assert!(page.is_cut_off);
        assert_eq!(shown(&page), [": a|b"]);
    }

    #[test]
    fn tables_in_tables_end_somewhere() {
        assert_eq!(read(&"<table><tr><td>".repeat(1_000)).map(|_| ()), Err(Broken::TooDeep));
    }
}

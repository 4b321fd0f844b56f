//! XML and HTML: texts between tags and values of attributes, each with the element, the column and the label that
//! it stands under.
//!
//! What is a tag and what is text is decided as the drivers decide it, so that nothing is a value to them that is
//! passed over here. Deliberately absent: a document tree, which a broken page has not; and merged cells of pages, of
//! which the drivers know nothing either.

use super::values::{Change, Field, NAMES_MAX};
use super::words::{LABEL_MAX, is_label_of_names};
use drivers::ews_html::decode;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Tables in tables that are remembered.
const TABLES_MAX: usize = 64;
/// Cells of a row of labels, at least.
const LABELS_MIN: usize = 3;

/// Elements of HTML that have no end.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr"];
/// Elements of HTML in which no other element stands.
const RAW: &[&str] = &["script", "style", "textarea"];
/// Elements of HTML that begin a new line.
#[rustfmt::skip]
const LINES: &[&str] = &[
    "body", "div", "dl", "dt", "fieldset", "form", "h1", "h2", "h3", "h4", "h5", "h6", "legend", "li", "option", "p",
    "section", "select", "ul",
];
/// Attributes that hold what a text could say.
const SAYING: &[&str] = &["alt", "content", "label", "placeholder", "title", "value"];

/// Gives every value of a text to `change`, and the text with what it replaced.
pub(super) fn markup(text: &str, html: bool, change: &mut Change<'_>) -> String {
    let mut walk = Walk { out: String::with_capacity(text.len()), change, place: Place::new(html) };
    let mut rest = text;
    while !rest.is_empty() {
        let (opening, closing) = match rest {
            _ if rest.starts_with("<!--") => ("<!--", "-->"),
            _ if rest.starts_with("<![CDATA[") => ("<![CDATA[", "]]>"),
            _ if starts_tag(rest.as_bytes(), html) => {
                let (tag, after) = rest.split_at(tag_length(rest));
                let (raw, after) = after.split_at(walk.tag(tag, after));
                walk.text(raw, false);
                rest = after;
                continue;
            }
            _ => {
                let (run, after) = rest.split_at(text_length(rest, html));
                walk.text(run, true);
                rest = after;
                continue;
            }
        };
        let inner = rest.get(opening.len()..).unwrap_or("");
        let (inner, after) = inner.split_at(inner.find(closing).unwrap_or(inner.len()));
        walk.out.push_str(opening);
        walk.text(inner, false);
        rest = after;
        if let Some(after) = rest.strip_prefix(closing) {
            walk.out.push_str(closing);
            rest = after;
        }
    }
    walk.out
}

/// Whether a tag or a declaration starts here; `a < b` is text.
fn starts_tag(bytes: &[u8], html: bool) -> bool {
    let starts_name = |byte: u8| byte.is_ascii_alphabetic() || (!html && (byte == b'_' || !byte.is_ascii()));
    matches!(bytes, [b'<', next, ..] if starts_name(*next) || matches!(next, b'/' | b'!' | b'?'))
}

fn text_length(text: &str, html: bool) -> usize {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|at| starts_tag(&bytes[*at..], html)).unwrap_or(bytes.len())
}

/// The bytes of the tag that starts here, with its `>`; a `>` in a quoted value does not end it, unless the second
/// mark is missing.
fn tag_length(rest: &str) -> usize {
    let (mut quote, mut after_equals) = (None, false);
    for (at, byte) in rest.bytes().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if after_equals && (byte == b'"' || byte == b'\'') => quote = Some(byte),
            None if byte == b'>' => return at + 1,
            None => {}
        }
        if !byte.is_ascii_whitespace() {
            after_equals = byte == b'=';
        }
    }
    rest.find('>').map_or(rest.len(), |end| end + 1)
}

/// The bytes up to the tag that closes a raw element; all where none does.
fn raw_length(text: &str, element: &str) -> usize {
    let closes = |(at, _): &(usize, &str)| {
        let name = text.as_bytes().get(at + 2..at + 2 + element.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(element.as_bytes()))
    };
    text.match_indices("</").find(closes).map_or(text.len(), |(at, _)| at)
}

/// One pass over a text.
struct Walk<'a, 'c> {
    out: String,
    change: &'a mut Change<'c>,
    place: Place,
}

impl Walk<'_, '_> {
    /// A text as it stands; `escaped` where entities stand for characters.
    fn text(&mut self, run: &str, escaped: bool) {
        if run.trim().is_empty() {
            self.out.push_str(run);
            return;
        }
        push_run(&mut self.out, run, escaped, self.place.field(), self.change);
        // A program or a comment is no label of what stands behind it.
        if escaped {
            self.place.note(&decoded(run));
        }
    }

    /// A tag. Gives the bytes behind it in which no tag is one.
    fn tag(&mut self, tag: &str, after: &str) -> usize {
        if tag.starts_with("<!") || tag.starts_with("<?") {
            self.out.push_str(tag);
            return 0;
        }
        if let Some(closed) = tag.strip_prefix("</") {
            let element = self.place.local(name_of(closed));
            self.place.close(&element);
            self.out.push_str(tag);
            return 0;
        }
        let element = self.place.local(name_of(tag.get(1..).unwrap_or("")));
        let attributes = attributes(tag);
        let value = |wanted: &str| {
            let found = attributes.iter().find(|one| one.name(tag).eq_ignore_ascii_case(wanted));
            found.and_then(|one| tag.get(one.value.clone())).map(decoded)
        };
        let mark = value("name").or_else(|| value("id")).filter(|mark| mark.len() <= LABEL_MAX).unwrap_or_default();
        let mut written = 0;
        for one in &attributes {
            self.out.push_str(tag.get(written..one.value.start).unwrap_or(""));
            written = one.value.end;
            let said = tag.get(one.value.clone()).unwrap_or("");
            let (name, whole) = (one.name(tag), one.whole_name(tag));
            // The addresses of namespaces are names, not values.
            if whole.starts_with("xmlns") || whole.ends_with("schemaLocation") || said.trim().is_empty() {
                self.out.push_str(said);
                continue;
            }
            let says = SAYING.iter().any(|saying| saying.eq_ignore_ascii_case(name));
            let around = if says { self.place.field() } else { Field::default() };
            // The mark is the name of what the tag says.
            let mark = if says && !mark.is_empty() { &*mark } else { around.mark };
            let field = Field { name, parent: &element, mark, bare: false, ..around };
            push_run(&mut self.out, said, true, field, self.change);
        }
        self.out.push_str(tag.get(written..).unwrap_or(""));
        let number = |wanted: &str| value(wanted).and_then(|value| value.trim().parse::<usize>().ok());
        self.place.open(&element, &mark, number("Index"), number("MergeAcross"));
        if tag.ends_with("/>") || self.place.html && VOID.contains(&element.as_str()) {
            self.place.close(&element);
        } else if self.place.html && RAW.contains(&element.as_str()) {
            return raw_length(after, &element);
        }
        0
    }
}

/// The name that a tag begins with.
fn name_of(tag: &str) -> &str {
    tag.split(|c: char| c.is_whitespace() || c == '/' || c == '>').next().unwrap_or("")
}

/// An attribute: the bytes of its tag that are its name and its value.
struct Attribute {
    name: Range<usize>,
    value: Range<usize>,
}

impl Attribute {
    fn whole_name<'a>(&self, tag: &'a str) -> &'a str {
        tag.get(self.name.clone()).unwrap_or("")
    }

    /// Its name without a prefix.
    fn name<'a>(&self, tag: &'a str) -> &'a str {
        let name = self.whole_name(tag);
        name.rsplit(':').next().unwrap_or(name)
    }
}

/// The attributes of a tag that have a value, quoted or not; a quoted text without a name is one too.
fn attributes(tag: &str) -> Vec<Attribute> {
    let bytes = tag.as_bytes();
    let is = |at: usize, what: fn(u8) -> bool| bytes.get(at).is_some_and(|byte| what(*byte));
    let skip = |mut at: usize, what: fn(u8) -> bool| {
        while is(at, what) {
            at += 1;
        }
        at
    };
    let blank = |byte: u8| byte.is_ascii_whitespace();
    let mut found = Vec::new();
    let mut at = name_of(tag.get(1..).unwrap_or("")).len() + 1;
    while at < bytes.len() {
        at = skip(at, |byte| byte.is_ascii_whitespace() || byte == b'/' || byte == b'>');
        let start = at;
        let is_named = !is(at, |byte| byte == b'"' || byte == b'\'');
        if is_named {
            at = skip(at, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'/'));
        }
        let name = start..at;
        let equals = skip(at, blank);
        if is_named && !is(equals, |byte| byte == b'=') {
            continue;
        }
        if is_named {
            at = skip(equals + 1, blank);
        }
        let value = value_at(tag, at);
        at = (value.end + usize::from(value.start > at)).max(at + 1);
        found.push(Attribute { name, value });
    }
    found
}

/// The bytes of the value that starts here, without its marks.
fn value_at(tag: &str, at: usize) -> Range<usize> {
    let rest = tag.get(at..).unwrap_or("");
    for mark in ['"', '\''] {
        if let Some(inner) = rest.strip_prefix(mark) {
            let length = inner.find(mark).unwrap_or_else(|| inner.trim_end_matches('>').len());
            return at + 1..at + 1 + length;
        }
    }
    let length = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
    let is_last = rest.get(length..) == Some(">");
    let value = rest.get(..length).unwrap_or("");
    // The stroke of `<input value=x/>` closes the tag.
    at..at + if is_last { value.strip_suffix('/').unwrap_or(value).len() } else { length }
}

/// Where in a document a value stands.
struct Place {
    html: bool,
    /// The elements around it, each with the name that its tag was given.
    elements: Vec<(String, String)>,
    /// Elements that are not remembered.
    deeper: usize,
    tables: Vec<Table>,
    /// Tables that are not remembered.
    deeper_tables: usize,
    /// What stands before it in its line, outside of tables.
    line: String,
}

impl Place {
    fn new(html: bool) -> Place {
        Place { html, elements: Vec::new(), deeper: 0, tables: Vec::new(), deeper_tables: 0, line: String::new() }
    }

    /// A name of an element without its prefix; case says nothing in HTML.
    fn local(&self, name: &str) -> String {
        let local = name.rsplit(':').next().unwrap_or(name);
        if self.html { local.to_ascii_lowercase() } else { local.to_owned() }
    }

    /// What is known of a text that stands here.
    fn field(&self) -> Field<'_> {
        let mut inner = self.elements.iter().rev().map(|(element, mark)| (element.as_str(), mark.as_str()));
        let (name, own) = inner.next().unwrap_or_default();
        let (parent, around) = inner.next().unwrap_or_default();
        let mark = if own.is_empty() { around } else { own };
        let (column, before) = match self.tables.last() {
            Some(table) if table.in_cell => table.labels(),
            _ if self.line.contains(':') => ("", self.line.as_str()),
            _ => ("", ""),
        };
        let bare = self.html || ["Data", "td", "th"].contains(&name);
        Field { name, parent, mark, column, before, bare, strict: false }
    }

    /// Remembers a text for what stands behind it.
    fn note(&mut self, said: &str) {
        let line = match self.tables.last_mut() {
            Some(table) if table.in_cell => &mut table.text,
            _ if self.html => &mut self.line,
            _ => return,
        };
        for word in said.split_whitespace() {
            if line.len() + word.len() >= LABEL_MAX {
                return;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }

    fn open(&mut self, element: &str, mark: &str, index: Option<usize>, merged: Option<usize>) {
        if self.elements.len() < NAMES_MAX {
            self.elements.push((element.to_owned(), mark.to_owned()));
        } else {
            self.deeper += 1;
        }
        let lower = element.to_ascii_lowercase();
        match lower.as_str() {
            "table" if self.tables.len() >= TABLES_MAX => self.deeper_tables += 1,
            "table" => {
                self.tables.push(Table::default());
                self.line.clear();
            }
            "dd" if self.html => self.line.push(':'),
            _ if LINES.contains(&lower.as_str()) => self.line.clear(),
            _ => {}
        }
        let Some(table) = self.tables.last_mut() else { return };
        match lower.as_str() {
            "tr" | "row" => table.end_row(),
            "td" | "th" | "cell" => {
                let at = index.map_or(table.next, |index| index.saturating_sub(1));
                table.open_cell(at, merged.unwrap_or(0), lower == "th");
            }
            _ => {}
        }
    }

    /// Closes the innermost element of this name and all in it; an element that nobody opened closes nothing.
    fn close(&mut self, element: &str) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(index) = self.elements.iter().rposition(|(open, _)| open == element) {
            self.elements.truncate(index);
        }
        let lower = element.to_ascii_lowercase();
        if lower == "label" && self.html {
            self.line.push(':');
        }
        if lower == "table" && self.deeper_tables > 0 {
            self.deeper_tables -= 1;
            return;
        }
        let Some(table) = self.tables.last_mut() else { return };
        match lower.as_str() {
            "td" | "th" | "cell" => table.end_cell(),
            "tr" | "row" => table.end_row(),
            "table" => {
                self.tables.pop();
            }
            _ => {}
        }
    }
}

/// A table that is not closed yet.
#[derive(Default)]
struct Table {
    /// The labels of its columns.
    head: BTreeMap<usize, String>,
    /// The cells of the row so far.
    cells: Vec<(usize, String)>,
    /// Whether one of them is no head.
    has_others: bool,
    in_cell: bool,
    is_head: bool,
    /// The column of the cell, and of the next one.
    at: usize,
    next: usize,
    /// What the cell says so far.
    text: String,
}

impl Table {
    /// The label of the column, and what stands before a value here: the cell before, or a label in the cell itself.
    fn labels(&self) -> (&str, &str) {
        if self.is_head {
            return ("", "");
        }
        let before = if self.text.contains(':') {
            self.text.as_str()
        } else if self.text.is_empty() {
            self.cells.last().map_or("", |(_, text)| text.as_str())
        } else {
            ""
        };
        (self.head.get(&self.at).map_or("", String::as_str), before)
    }

    fn open_cell(&mut self, at: usize, merged: usize, is_head: bool) {
        self.end_cell();
        (self.in_cell, self.is_head, self.at) = (true, is_head, at);
        self.next = at.saturating_add(1).saturating_add(merged);
        self.has_others |= !is_head;
    }

    fn end_cell(&mut self) {
        if self.in_cell {
            self.cells.push((self.at, std::mem::take(&mut self.text)));
        }
        self.in_cell = false;
    }

    /// Ends the row, which may have been the one of the labels.
    fn end_row(&mut self) {
        self.end_cell();
        let filled = || self.cells.iter().map(|(_, text)| text.as_str()).filter(|text| !text.is_empty());
        let are_labels = filled().count() >= LABELS_MIN
            && filled().any(is_label_of_names)
            && !filled().any(|text| text.starts_with(|c: char| c.is_ascii_digit()));
        let are_heads = !self.has_others && filled().nth(1).is_some();
        if are_heads || (self.head.is_empty() && are_labels) {
            self.head = std::mem::take(&mut self.cells).into_iter().collect();
        }
        self.cells.clear();
        (self.next, self.has_others) = (0, false);
    }
}

/// A text as it stands in markup; `escaped` where entities stand for characters.
fn push_run(out: &mut String, run: &str, escaped: bool, field: Field<'_>, change: &mut Change<'_>) {
    let inner = run.trim();
    let value = if escaped { decoded(inner) } else { Cow::Borrowed(inner) };
    let Some(new) = change(field, &value) else {
        out.push_str(run);
        return;
    };
    let start = run.len() - run.trim_start().len();
    out.push_str(&run[..start]);
    if escaped {
        push_escaped(out, &new);
    } else {
        out.push_str(&new);
    }
    out.push_str(&run[start + inner.len()..]);
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

/// A text with its references as the characters that they stand for, as the drivers read them.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('&') { Cow::Owned(decode(text)) } else { Cow::Borrowed(text) }
}

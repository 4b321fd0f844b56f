//! The data that a template reads: the paper, its readings under the lines that they prove, and what is around.
//!
//! Deliberately absent: words; those of a look stand in its template.

use crate::text::Pen;
use crate::{Look, PdfError, TEXT_MAX_BYTES, world};
use documents::{Paper, PaperReading};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What stands around a paper.
pub(crate) struct Around {
    /// The look.
    pub(crate) look: Look,
    /// The name of the logo's file.
    pub(crate) logo: Option<&'static str>,
    /// The name of the attached invoice.
    pub(crate) invoice: Option<&'static str>,
}

/// The readings of one line.
#[derive(Serialize)]
struct Counted<'a> {
    id: &'a str,
    title: &'a str,
    rows: &'a [PaperReading],
}

/// The data as JSON.
pub(crate) fn data(paper: &Paper, around: &Around) -> Result<String, PdfError> {
    let mut pen = Pen::new(world::shows);
    let mut sheet = json!({ "counted": counted(paper) });
    let mut shown = serde_json::to_value(paper)?;
    if let Value::Object(fields) = &mut shown {
        // They stand under their lines.
        fields.remove("readings");
        fields.insert("accent".to_owned(), Value::from(accent(&paper.accent)));
    }
    pen.paper(&mut shown);
    pen.paper(&mut sheet);
    if pen.bytes > TEXT_MAX_BYTES {
        return Err(PdfError::TooMuchText { bytes: pen.bytes });
    }
    sheet["paper"] = shown;
    sheet["look"] = Value::from(around.look.word());
    sheet["logo"] = Value::from(around.logo);
    sheet["invoice"] = Value::from(around.invoice);
    sheet["unshown"] = Value::from(pen.unshown);
    Ok(sheet.to_string())
}

/// Readings that follow each other and belong to one line, together.
fn counted(paper: &Paper) -> Vec<Counted<'_>> {
    let titles: BTreeMap<&str, &str> = paper.lines.iter().map(|line| (line.id.as_str(), line.title.as_str())).collect();
    let groups = paper.readings.chunk_by(|one, next| one.line == next.line);
    groups
        .map(|rows| {
            let id = rows.first().map_or("", |row| row.line.as_str());
            Counted { id, title: titles.get(id).copied().unwrap_or_default(), rows }
        })
        .collect()
}

/// A colour that the templates can read, whoever made the paper; black where it is none.
fn accent(wanted: &str) -> &str {
    let digits = wanted.strip_prefix('#').unwrap_or_default();
    let is_colour = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_colour { wanted } else { "#1d1b18" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::PaperLine;

    #[test]
    fn readings_stand_under_their_lines() {
        let line = |id: &str| PaperLine { id: id.to_owned(), title: format!("Line {id}"), ..PaperLine::default() };
        let reading = |line: &str| PaperReading { line: line.to_owned(), ..PaperReading::default() };
        let paper = Paper {
            lines: vec![line("1"), line("2")],
            readings: vec![reading("1"), reading("1"), reading("2"), reading("gone")],
            accent: "no colour".to_owned(),
            ..Paper::default()
        };
        let around = Around { look: Look::Plain, logo: None, invoice: Some("factur-x.xml") };
        let read: Value = serde_json::from_str(&data(&paper, &around).expect("data")).expect("JSON");
        let group = |place: usize| (read["counted"][place]["title"].clone(), read["counted"][place]["rows"].clone());
        assert_eq!(group(0).0, "Line 1");
        assert_eq!(group(0).1.as_array().map(Vec::len), Some(2));
        assert_eq!(group(1).0, "Line 2");
        assert_eq!(group(2).0, "");
        assert_eq!(read["paper"]["accent"], "#1d1b18");
        assert_eq!((&read["look"], &read["invoice"]), (&Value::from("plain"), &Value::from("factur-x.xml")));
        assert!(read["logo"].is_null() && read["paper"]["readings"].is_null() && read["paper"]["number"].is_null());
    }
}

//! A statement as a PDF, typeset by Typst from templates that are part of this crate. Pure; heavy, and so
//! behind a feature of its users.
//!
//! Texts reach the templates as data and are shown as they are, whatever they look like. The same paper gives
//! the same bytes: nothing here knows the time, the machine or its fonts. An issued document is PDF/A-3b; a
//! draft has no date, which archives ask for, and is a plain PDF.
//!
//! Deliberately absent: rating and formatting (crates `billing` and `documents`), a deadline (whoever calls sets
//! one: twenty thousand rows take seconds and some 2 GB), and letters beyond Latin, Greek and Cyrillic, which
//! are printed as □ with a sentence that says so.

mod hybrid;
mod sheet;
mod text;
mod world;

use documents::{Logo, Paper};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// Lines and readings that a document may have together.
pub const ROWS_MAX: usize = 20_000;
/// Bytes of text that a document may have.
pub const TEXT_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Rows up to which the document says to programs what is a table and a heading. Beyond, that would make most
/// of the file.
const TAGGED_ROWS_MAX: usize = 2_000;

/// How the catalog begins to say what is marked.
const MARKED: &[u8] = b"/MarkInfo<</Marked true";
/// What it says next.
const SUSPECTS: &[u8] = b"/Suspects false";

/// How the document looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// Parties and facts in a band, then a table with the proof of each line.
    #[default]
    Ledger,
    /// A letter for window envelopes (DIN 5008, form B).
    Letter,
    /// One column in black, larger.
    Plain,
}

impl Look {
    /// The word in settings and addresses; also the name of its template.
    pub fn word(self) -> &'static str {
        match self {
            Look::Ledger => "ledger",
            Look::Letter => "letter",
            Look::Plain => "plain",
        }
    }

    /// The words a page shows.
    pub fn label(self) -> &'static str {
        match self {
            Look::Ledger => "Table with proof",
            Look::Letter => "Letter for a window envelope",
            Look::Plain => "Plain, in black",
        }
    }

    /// The look of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<Look> {
        [Look::Ledger, Look::Letter, Look::Plain].into_iter().find(|look| look.word() == word)
    }
}

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// More lines and readings than a document may have.
    #[error("the document has {rows} lines and readings, a PDF holds {most}; take the spreadsheet", most = ROWS_MAX)]
    TooManyRows {
        /// How many it has.
        rows: usize,
    },
    /// More text than a document may have.
    #[error("the document has {bytes} bytes of text, a PDF holds {most}; take the spreadsheet", most = TEXT_MAX_BYTES)]
    TooMuchText {
        /// How many it has.
        bytes: usize,
    },
    /// A draft was to carry an invoice.
    #[error("a draft is not an invoice; issue it first")]
    NotIssued,
    /// The attached invoice is none that Factur-X knows.
    #[error("the invoice is not one that a PDF can carry: it must be CII of the profile EN 16931 or XRechnung")]
    Profile,
    /// The paper is not what a template reads.
    #[error("the document cannot be laid out: {0}")]
    Data(#[from] serde_json::Error),
    /// The document could not be set, such as for a logo that is damaged.
    #[error("the document could not be set: {0}")]
    Typeset(String),
    /// What was set could not be written as a PDF.
    #[error("the PDF could not be written: {0}")]
    Write(String),
    /// The PDF has no description that could say what is attached.
    #[error("the PDF cannot be marked as an invoice: its metadata were not found")]
    Metadata,
}

/// The statement as a PDF. Deterministic. The logo takes the place of the name at the head, except in the plain look.
///
/// # Errors
///
/// More than [`ROWS_MAX`] lines and readings, more than [`TEXT_MAX_BYTES`] of text, or a logo that is damaged.
pub fn pdf(paper: &Paper, look: Look, logo: Option<&Logo>) -> Result<Vec<u8>, PdfError> {
    set(paper, look, logo, None)
}

/// The statement as a PDF that carries the same invoice as XML for programs (Factur-X, ZUGFeRD): a PDF/A-3b
/// with the file `factur-x.xml`, or `xrechnung.xml`, as an alternative of the pages, and metadata that name it.
///
/// `cii` is an invoice in CII syntax of the profile EN 16931 or XRechnung, as `documents::einvoice` writes it.
/// It is attached as it is: that it says the same as the pages is for the caller to see to.
///
/// # Errors
///
/// As [`pdf`]; and the paper is a draft, or the invoice is of another profile.
pub fn facturx(paper: &Paper, look: Look, logo: Option<&Logo>, cii: &str) -> Result<Vec<u8>, PdfError> {
    let profile = hybrid::Profile::of(cii).ok_or(PdfError::Profile)?;
    if issued(paper).is_none() {
        return Err(PdfError::NotIssued);
    }
    let pages = set(paper, look, logo, Some((profile.file(), cii)))?;
    hybrid::declare(pages, profile).ok_or(PdfError::Metadata)
}

/// What is attached: the name of a file, and what is in it.
type Attached<'a> = (&'static str, &'a str);

fn set(paper: &Paper, look: Look, logo: Option<&Logo>, invoice: Option<Attached<'_>>) -> Result<Vec<u8>, PdfError> {
    let rows = paper.lines.len() + paper.readings.len();
    if rows > ROWS_MAX {
        return Err(PdfError::TooManyRows { rows });
    }
    let (drawn, attached) = (logo.map(Logo::file), invoice.map(|(file, _)| file));
    let around = sheet::Around { look, logo: drawn, invoice: attached };
    let mut inputs = BTreeMap::from([("data", sheet::data(paper, &around)?)]);
    if let Some((_, cii)) = invoice {
        inputs.insert("invoice", cii.to_owned());
    }
    let desk = world::Desk::new(look, inputs, logo);
    let written = write(&desk, paper, rows <= TAGGED_ROWS_MAX);
    // What Typst remembers of this document serves no other one.
    typst::comemo::evict(0);
    written
}

fn write(desk: &world::Desk, paper: &Paper, tagged: bool) -> Result<Vec<u8>, PdfError> {
    let document = typst::compile(desk).output.map_err(|errors| PdfError::Typeset(said(&errors)))?;
    let timestamp = issued(paper).map(typst_pdf::Timestamp::new_utc);
    let wanted: &[PdfStandard] = if timestamp.is_some() { &[PdfStandard::A_3b] } else { &[] };
    let standards = PdfStandards::new(wanted).map_err(|error| PdfError::Write(error.message().to_string()))?;
    let ident = paper.number.as_ref().map(|number| format!("{} {number} {}", paper.kind, paper.brand));
    let options = PdfOptions {
        ident: ident.map_or(Smart::Auto, Smart::Custom),
        creator: Smart::Custom(Some("Plotmeter".to_owned())),
        timestamp,
        standards,
        tagged,
        ..PdfOptions::default()
    };
    let written = typst_pdf::pdf(&document, &options).map_err(|errors| PdfError::Write(said(&errors)))?;
    Ok(without_suspects(written))
}

/// The PDF without its word that no tag is doubtful, which is what holds where nothing is said. Poppler takes the
/// word `false` there for an error, and every program built on it complains of the document. Spaces stand in its
/// place, so that every object stays where it was.
fn without_suspects(mut pdf: Vec<u8>) -> Vec<u8> {
    let mut windows = pdf.windows(MARKED.len() + SUSPECTS.len());
    // The catalog stands after what is attached and after all texts.
    let found = windows.rposition(|window| window.starts_with(MARKED) && window.ends_with(SUSPECTS));
    let start = found.map(|found| found + MARKED.len());
    if let Some(word) = start.and_then(|start| pdf.get_mut(start..start + SUSPECTS.len())) {
        word.fill(b' ');
    }
    pdf
}

/// When the paper was issued, in UTC; `None` for a draft.
fn issued(paper: &Paper) -> Option<Datetime> {
    let at: Timestamp = paper.issued.as_deref()?.parse().ok()?;
    let civil = at.to_zoned(TimeZone::UTC).datetime();
    let part = |value: i8| u8::try_from(value).ok();
    Datetime::from_ymd_hms(
        i32::from(civil.year()),
        part(civil.month())?,
        part(civil.day())?,
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
    )
}

/// What went wrong, in Typst's words.
fn said(errors: &[SourceDiagnostic]) -> String {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("; ")
}

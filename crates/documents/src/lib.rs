//! A statement as others take it: a page of texts, a spreadsheet, CSV, JSON and an electronic invoice. Pure.
//!
//! Nothing is rated here. Each form is made from a [`billing::Statement`] as it stands, so that all of them
//! say the same amounts. Texts are written as texts in every form, never as formulas.
//!
//! Deliberately absent: the PDF (crate `pdf`, which lays a [`Paper`] out), sending an invoice anywhere, and
//! clock and files: the time that a spreadsheet carries is that of the issue.

mod csv;
mod einvoice;
mod jobs;
mod json;
mod logo;
mod paper;
mod readings;
mod words;
mod xlsx;

pub use self::csv::{Around, Dialect, cell as csv_cell, csv};
pub use self::einvoice::{Place, Problem, Profile, Side, Syntax, einvoice};
pub use self::jobs::jobs;
pub use self::json::{json, read_json};
pub use self::logo::{Logo, LogoError};
pub use self::paper::{Brand, Paper, PaperGap, PaperLine, PaperReading, PaperTax, paper};
pub use self::xlsx::xlsx;

/// Why a document could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The CSV could not be written.
    #[error("the CSV could not be written: {0}")]
    Csv(#[from] ::csv::Error),
    /// A limit of spreadsheets was passed, such as rows of a sheet.
    #[error("the spreadsheet could not be written: {0}")]
    Xlsx(String),
    /// The statement could not be written as JSON, or the text is not one that we wrote.
    #[error("the JSON cannot be used: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON is of another kind or version.
    #[error("'{0}' is not a format that this version reads; it reads plotmeter-statement/1")]
    Format(String),
}

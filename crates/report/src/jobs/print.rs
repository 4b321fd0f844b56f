//! The printing half of a job: P rows that are not personal.

use crate::{Area, Category, Duration, Ink, Instant, Length, Share};
use serde::{Deserialize, Serialize};

/// What was printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintJob {
    /// Row P10: when printing began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_at: Option<Instant>,
    /// Row P12: driver, rip, web page, panel …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Row P13.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_category: Option<String>,
    /// Row P14.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Row P15: pages printed, all copies together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<i64>,
    /// Row P16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<i64>,
    /// Row P17.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_print: Option<Duration>,
    /// Row P18.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ink: Vec<InkUse>,
    /// Row P19.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_area: Option<Area>,
    /// Row P20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_area: Option<Area>,
    /// Rows P21 to P24.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryUse>,
    /// Row P25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_white: Option<Share>,
    /// Row P26.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Share>,
    /// Row P28: media type printed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
}

/// Ink of one colour that a job used, printhead servicing included. Row P18.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InkUse {
    /// The colour.
    pub colour: String,
    /// How much.
    pub ink: Ink,
}

/// What a job used in one print category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryUse {
    /// The category identifier, the same as in U11.
    pub category: Category,
    /// Whether we derived the category from page coverage; else the printer named it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
    /// Row P21.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_area: Option<Area>,
    /// Row P22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_area: Option<Area>,
    /// Row P23.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ink: Option<Ink>,
    /// Row P24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_length: Option<Length>,
}

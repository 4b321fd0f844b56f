//! U rows: lifetime counters. They only rise between resets.

use crate::{Area, Category, Ink, Length};
use serde::{Deserialize, Serialize};

/// Lifetime usage of a printer, rows U1 to U17.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Rows U1 to U5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cartridge_types: Vec<CartridgeTypeUsage>,
    /// Rows U6 and U7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaUsage>,
    /// Row U8: scanning and copying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<Area>,
    /// Row U9: actual scans only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_scans: Option<Area>,
    /// Row U10: copies only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_copies: Option<Area>,
    /// Rows U11 to U13.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryUsage>,
    /// Row U14.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<i64>,
    /// Row U15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<i64>,
    /// Row U16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ink: Option<Ink>,
    /// Row U17, read as an area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_area: Option<Area>,
}

/// Lifetime use of one type of cartridge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartridgeTypeUsage {
    /// The colour, by which the meter `ink/<colour>` is named.
    pub colour: String,
    /// Row U1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_number: Option<String>,
    /// Row U2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ink: Option<Ink>,
    /// Row U3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ink_foreign: Option<Ink>,
    /// Row U4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ink_genuine: Option<Ink>,
    /// Row U5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insertions: Option<i64>,
}

/// Lifetime use of one type of media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaUsage {
    /// Row U6.
    pub name: String,
    /// Row U7.
    pub area: Area,
}

/// Lifetime use in one print category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryUsage {
    /// Row U11.
    pub category: Category,
    /// Row U12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_area: Option<Area>,
    /// Row U13.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_length: Option<Length>,
}

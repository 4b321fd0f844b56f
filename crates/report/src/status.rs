//! S rows: what state the printer and its parts are in, and the settings that change what it counts.

use crate::{Category, Ink, Instant, Length, Share};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Status of a printer, rows S1 to S22.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Row S1: print engine status, in the printer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Rows S2 to S9.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printheads: Vec<Printhead>,
    /// Rows S10 to S19.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cartridges: Vec<Cartridge>,
    /// Rows S20 to S22.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_sources: Vec<MediaSource>,
}

/// One printhead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printhead {
    /// The slot, as the printer names it.
    pub slot: String,
    /// Row S2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub colours: Vec<String>,
    /// Row S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Row S4: 1 000 000 is perfect health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Share>,
    /// Row S5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_number: Option<String>,
    /// Row S6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// Row S7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Row S8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_ink_seen: Option<bool>,
    /// Row S9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// One ink cartridge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cartridge {
    /// The slot, as the printer names it.
    pub slot: String,
    /// Row S10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// Row S11: state and flags in the printer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Row S12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_number: Option<String>,
    /// Row S13.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// Row S14.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Row S15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Row S16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Ink>,
    /// Row S17.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumed: Option<Ink>,
    /// Row S18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumed_foreign: Option<Ink>,
    /// Row S19.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

impl Cartridge {
    /// What is left of the capacity, when both capacity (S16) and consumption (S17) are known.
    pub fn share_left(&self) -> Option<Share> {
        let (capacity, consumed) = (self.capacity?.0, self.consumed?.0);
        if capacity <= 0 {
            return None;
        }
        let left = i128::from((capacity - consumed).clamp(0, capacity));
        i64::try_from(left * 1_000_000 / i128::from(capacity)).ok().map(Share)
    }
}

/// One media source: a roll, a sheet feed or a tray.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaSource {
    /// The source, as the printer names it.
    pub name: String,
    /// Row S20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Row S21.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// Row S22, width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Length>,
    /// Row S22, height: what remains of a roll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<Length>,
}

/// Rows S23 to S26: what rarely changes. It travels by content digest, in full only when it changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Row S23.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<MediaType>,
    /// Row S24.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// Row S25: media type to the category it is always counted as.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub customization: BTreeMap<String, Category>,
    /// Row S26.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accessories: Vec<Accessory>,
}

impl Settings {
    /// Whether the printer gave none of these rows.
    pub fn is_empty(&self) -> bool {
        *self == Settings::default()
    }
}

/// A media type that the printer supports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaType {
    /// The printer's identifier of the media type.
    pub id: String,
    /// Language tag to localized name.
    pub names: BTreeMap<String, String>,
}

impl MediaType {
    /// The English name, else the first there is, else the identifier.
    pub fn name(&self) -> &str {
        let english = self.names.iter().find(|(language, _)| language.to_ascii_lowercase().starts_with("en"));
        english.or(self.names.iter().next()).map_or(&self.id, |(_, name)| name)
    }
}

/// A job category threshold: up to `limit`, a page or job belongs to `category`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// What is compared, and up to which limit.
    pub limit: Limit,
    /// The category up to the limit.
    pub category: Category,
}

/// The two bases that thresholds of these printers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Share of non-white pixels.
    PixelShare(Share),
    /// Ink laid on a square metre.
    InkPerArea(Ink),
}

/// An accessory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accessory {
    /// What it is.
    pub name: String,
    /// Whether it is installed.
    pub installed: bool,
    /// Its status, in the printer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

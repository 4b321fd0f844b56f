//! Print categories ("application categories" in the white paper), rows U11 and P21 to P24.

use crate::Share;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A print category: one of the six well-known ones, or the printer's own identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Category(String);

/// The well-known categories: identifier, label, and the names printers give them.
const KNOWN: &[(&str, &str, &[&str])] = &[
    ("mono-line", "Monochrome lines", &["monochromelinedrawing", "monoline", "monochromelines", "blacklines"]),
    ("colour-line", "Colour lines", &["colorlinedrawing", "colourline", "colorline", "colorlines", "colourlines"]),
    ("low-density", "Low density images", &["lowdensityimage", "lowdensity"]),
    ("high-density", "High density images", &["highdensityimage", "highdensity"]),
    ("premium", "Premium quality images", &["premiumqualityimage", "premium"]),
    ("blueprint", "Blueprints", &["blueprint"]),
];

/// Below this share of non-white pixels a page is a line drawing, HP's default.
pub const LINES_BELOW: Share = Share(100_000);
/// Above this share of non-white pixels a page is a high density image, HP's default.
pub const HIGH_ABOVE: Share = Share(500_000);

impl Category {
    /// The category a printer means by `name`; an unknown name is kept as it is, trimmed.
    pub fn new(name: &str) -> Category {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let known = KNOWN.iter().find(|(id, _, names)| *id == name.trim() || names.contains(&plain.as_str()));
        Category(known.map_or_else(|| name.trim().to_owned(), |(id, _, _)| (*id).to_owned()))
    }

    /// Derives the category of a page from its coverage by HP's default thresholds.
    ///
    /// 8 % non-white without colour is a monochrome line drawing; exactly 10 % is a low density image,
    /// exactly 50 % still is.
    pub fn of_coverage(non_white: Share, colour: Share) -> Category {
        let id = if non_white < LINES_BELOW {
            if colour.0 == 0 { "mono-line" } else { "colour-line" }
        } else if non_white <= HIGH_ABOVE {
            "low-density"
        } else {
            "high-density"
        };
        Category(id.to_owned())
    }

    /// The identifier used in meters, addresses and exports.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// The words a page shows.
    pub fn label(&self) -> &str {
        KNOWN.iter().find(|(id, _, _)| *id == self.0).map_or(&self.0, |(_, label, _)| label)
    }

    /// The six well-known categories in the order pages list them.
    pub fn known() -> impl Iterator<Item = Category> {
        KNOWN.iter().map(|(id, _, _)| Category((*id).to_owned()))
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_sort_pages_as_hp_documents_them() {
        let id = |non_white, colour| Category::of_coverage(Share(non_white), Share(colour)).id().to_owned();
        assert_eq!(id(99_999, 0), "mono-line");
        assert_eq!(id(99_999, 1), "colour-line");
        assert_eq!(id(100_000, 0), "low-density");
        assert_eq!(id(500_000, 0), "low-density");
        assert_eq!(id(500_001, 0), "high-density");
    }

    #[test]
    fn a_printers_own_name_is_recognised_or_kept() {
        assert_eq!(Category::new("Monochrome Line Drawing").id(), "mono-line");
        assert_eq!(Category::new("low-density").id(), "low-density");
        assert_eq!(Category::new(" Duty C ").id(), "Duty C");
    }
}

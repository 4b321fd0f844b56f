//! Lifetime counters, rows U6 to U17, as the printer keeps them and as an auditor adds them up.
//!
//! Deliberately absent: cartridges (rows U1, U3 to U5); they are counted where they are inserted.

use report::{Area, Category, Ink, Length};
use std::collections::BTreeMap;

/// What a printer has counted. They only rise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Row U14.
    pub jobs: i64,
    /// Row U15: pages printed, all copies.
    pub pages: i64,
    /// Row U17.
    pub media_area: Area,
    /// Rows U6 and U7.
    pub media: BTreeMap<String, Area>,
    /// Rows U11 to U13.
    pub categories: BTreeMap<Category, CategoryCounter>,
    /// Row U2, by colour; their sum is row U16.
    pub ink: BTreeMap<String, Ink>,
    /// Row U9.
    pub scanned_scans: Area,
    /// Row U10.
    pub scanned_copies: Area,
}

/// What was counted in one print category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CategoryCounter {
    /// Row U12.
    pub media_area: Area,
    /// Row U13.
    pub media_length: Length,
}

impl Counters {
    /// Raises each counter by that of `more`.
    pub fn raise(&mut self, more: &Counters) {
        self.jobs += more.jobs;
        self.pages += more.pages;
        self.media_area.0 += more.media_area.0;
        for (name, area) in &more.media {
            self.media.entry(name.clone()).or_default().0 += area.0;
        }
        for (category, counter) in &more.categories {
            self.use_category(category, *counter);
        }
        for (colour, ink) in &more.ink {
            self.use_ink(colour, *ink);
        }
        self.scanned_scans.0 += more.scanned_scans.0;
        self.scanned_copies.0 += more.scanned_copies.0;
    }

    /// What was counted since the counters stood at `earlier`.
    pub(super) fn since(&self, earlier: &Counters) -> Counters {
        let mut counters = self.clone();
        counters.jobs -= earlier.jobs;
        counters.pages -= earlier.pages;
        counters.media_area.0 -= earlier.media_area.0;
        for (name, area) in &mut counters.media {
            area.0 -= earlier.media.get(name).map_or(0, |area| area.0);
        }
        for (category, counter) in &mut counters.categories {
            let before = earlier.categories.get(category).copied().unwrap_or_default();
            counter.media_area.0 -= before.media_area.0;
            counter.media_length.0 -= before.media_length.0;
        }
        for (colour, ink) in &mut counters.ink {
            ink.0 -= earlier.ink.get(colour).map_or(0, |ink| ink.0);
        }
        counters.scanned_scans.0 -= earlier.scanned_scans.0;
        counters.scanned_copies.0 -= earlier.scanned_copies.0;
        counters
    }

    /// Row U8: all that was scanned.
    pub fn scanned(&self) -> Area {
        Area(self.scanned_scans.0 + self.scanned_copies.0)
    }

    /// Counts media in total and by type.
    pub(super) fn use_media(&mut self, name: &str, area: Area) {
        self.media_area.0 += area.0;
        self.media.entry(name.to_owned()).or_default().0 += area.0;
    }

    /// Counts media in a print category.
    pub(super) fn use_category(&mut self, category: &Category, more: CategoryCounter) {
        let counter = self.categories.entry(category.clone()).or_default();
        counter.media_area.0 += more.media_area.0;
        counter.media_length.0 += more.media_length.0;
    }

    /// Counts ink of a colour.
    pub(super) fn use_ink(&mut self, colour: &str, ink: Ink) {
        self.ink.entry(colour.to_owned()).or_default().0 += ink.0;
    }
}

//! Meters: the names of what is counted, the units they are priced in, and the patterns by which
//! clauses choose them.
//!
//! A meter is a kind and, for some kinds, a part: `area-printed/mono-line`, `ink/cyan`, `pages`.
//! The media type is a second dimension and stands beside the meter, never in its name.
//! Deliberately absent: quantities (see `ledger`) and prices (see `clauses::price_list`).

use crate::money::{divide_half_up, parse_decimal, show_exact};
use report::{Category, Defect};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The text names no meter or pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a meter")]
pub struct MeterError(pub String);

/// What is counted. CL9.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeterKind {
    /// Area printed, mm², rows P20 and P22.
    #[default]
    AreaPrinted,
    /// Media used, mm², rows P19, P21, U7, U12, U17.
    AreaMedia,
    /// Length of media used, µm, rows P24, U13.
    Length,
    /// Ink used, nl, rows P18, U2, U16.
    Ink,
    /// Pages, rows P15, U15.
    Pages,
    /// Jobs, row U14.
    Jobs,
    /// Area scanned, mm², rows N11, U8.
    ScanArea,
}

/// Every kind, in the order pages list them.
const KINDS: &[MeterKind] = &[
    MeterKind::AreaPrinted,
    MeterKind::AreaMedia,
    MeterKind::Length,
    MeterKind::Ink,
    MeterKind::Pages,
    MeterKind::Jobs,
    MeterKind::ScanArea,
];

impl MeterKind {
    /// Every kind, in the order pages list them.
    pub fn all() -> impl Iterator<Item = MeterKind> {
        KINDS.iter().copied()
    }

    /// The word in meter names, addresses and exports.
    pub fn word(self) -> &'static str {
        match self {
            MeterKind::AreaPrinted => "area-printed",
            MeterKind::AreaMedia => "area-media",
            MeterKind::Length => "length",
            MeterKind::Ink => "ink",
            MeterKind::Pages => "pages",
            MeterKind::Jobs => "jobs",
            MeterKind::ScanArea => "scan-area",
        }
    }

    /// The words a page shows, in small letters.
    pub fn label(self) -> &'static str {
        match self {
            MeterKind::AreaPrinted => "area printed",
            MeterKind::AreaMedia => "media used",
            MeterKind::Length => "length of media",
            MeterKind::Ink => "ink",
            MeterKind::Pages => "pages",
            MeterKind::Jobs => "jobs",
            MeterKind::ScanArea => "area scanned",
        }
    }

    /// The unit its price is for.
    pub fn unit(self) -> PricingUnit {
        match self {
            MeterKind::AreaPrinted | MeterKind::AreaMedia | MeterKind::ScanArea => PricingUnit::SquareMetre,
            MeterKind::Length => PricingUnit::Metre,
            MeterKind::Ink => PricingUnit::Millilitre,
            MeterKind::Pages => PricingUnit::Page,
            MeterKind::Jobs => PricingUnit::Job,
        }
    }

    /// Whether its meters can name a print category.
    pub fn has_category(self) -> bool {
        matches!(self, MeterKind::AreaPrinted | MeterKind::AreaMedia | MeterKind::Length)
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Result<MeterKind, MeterError> {
        MeterKind::all().find(|kind| kind.word() == word).ok_or_else(|| MeterError(Defect::quote(word)))
    }
}

/// The unit a price is for, and how many base units it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PricingUnit {
    /// m², 1 000 000 mm².
    SquareMetre,
    /// m, 1 000 000 µm.
    Metre,
    /// ml, 1 000 000 nl.
    Millilitre,
    /// A page.
    Page,
    /// A job.
    Job,
    /// ft², 92 903.04 mm². No meter's own unit: a price may ask for it.
    SquareFoot,
    /// ft, 304 800 µm. No meter's own unit: a price may ask for it.
    Foot,
}

/// Decimals of a quantity in feet; the base unit has no whole number of them.
const FEET_PLACES: usize = 4;

impl PricingUnit {
    /// Base units in one pricing unit; of a ft², which has no whole number of them, rounded down. Sums are
    /// done with [`PricingUnit::ratio`].
    pub fn base(self) -> i64 {
        let (top, bottom) = self.ratio();
        i64::try_from(top / bottom).unwrap_or(1)
    }

    /// Base units in one pricing unit, exactly, as a fraction: 1 500 ft² are 139.35456 m² (W28).
    pub fn ratio(self) -> (i128, i128) {
        match self {
            PricingUnit::SquareMetre | PricingUnit::Metre | PricingUnit::Millilitre => (1_000_000, 1),
            PricingUnit::Page | PricingUnit::Job => (1, 1),
            PricingUnit::SquareFoot => (9_290_304, 100),
            PricingUnit::Foot => (304_800, 1),
        }
    }

    /// Whether a price for this unit can be for meters of that kind.
    pub fn suits(self, kind: MeterKind) -> bool {
        let metric = match self {
            PricingUnit::SquareFoot => PricingUnit::SquareMetre,
            PricingUnit::Foot => PricingUnit::Metre,
            own => own,
        };
        kind.unit() == metric
    }

    /// Whether base units have no whole number of these decimals, so that they are shown rounded.
    fn is_feet(self) -> bool {
        matches!(self, PricingUnit::SquareFoot | PricingUnit::Foot)
    }

    /// The unit after a number or after "per".
    pub fn label(self) -> &'static str {
        match self {
            PricingUnit::SquareMetre => "m²",
            PricingUnit::Metre => "m",
            PricingUnit::Millilitre => "ml",
            PricingUnit::Page => "page",
            PricingUnit::Job => "job",
            PricingUnit::SquareFoot => "ft²",
            PricingUnit::Foot => "ft",
        }
    }

    /// Decimals between the base unit and this unit; for feet, those that are shown at most.
    fn places(self) -> usize {
        match self {
            PricingUnit::SquareMetre | PricingUnit::Metre | PricingUnit::Millilitre => 6,
            PricingUnit::Page | PricingUnit::Job => 0,
            PricingUnit::SquareFoot | PricingUnit::Foot => FEET_PLACES,
        }
    }

    /// `amount` base units in `parts` of this unit, to the nearest; `None` where that does not fit.
    fn in_parts(self, amount: i64, parts: i128) -> Option<i64> {
        let (top, bottom) = self.ratio();
        i64::try_from(divide_half_up(i128::from(amount) * bottom * parts, top)).ok()
    }

    /// `amount` base units as a number with two decimals, or none for things that are counted.
    pub fn number(self, amount: i64) -> String {
        if self.places() == 0 {
            return amount.to_string();
        }
        // A 64-bit amount divided by 10 000 fits 64 bits; the amount itself is the harmless way out.
        self.in_parts(amount, 100).map_or_else(|| amount.to_string(), |hundredths| show_exact(hundredths, 2, 2))
    }

    /// `amount` base units with the unit, rounded to two decimals: `520.00 m²`.
    pub fn show(self, amount: i64) -> String {
        self.with_label(&self.number(amount), amount)
    }

    /// `amount` base units with the unit and every decimal there is: `1.09728 m²`, `520.00 m²`; in feet
    /// at most four.
    pub fn show_exact(self, amount: i64) -> String {
        if self.is_feet() {
            let shown = self.in_parts(amount, 10_000).map(|parts| show_exact(parts, FEET_PLACES, 2));
            return self.with_label(&shown.unwrap_or_else(|| self.number(amount)), amount);
        }
        let least = if self.places() == 0 { 0 } else { 2 };
        self.with_label(&show_exact(amount, self.places(), least), amount)
    }

    fn with_label(self, number: &str, amount: i64) -> String {
        let plural = if self.places() == 0 && amount != 1 { "s" } else { "" };
        format!("{number} {}{plural}", self.label())
    }

    /// Reads a plain decimal number of this unit into base units: `400` m² is 400 000 000 mm². Feet are
    /// rounded to the base unit.
    pub fn parse(self, text: &str) -> Option<i64> {
        let number = parse_decimal(text, self.places())?;
        if !self.is_feet() {
            return Some(number);
        }
        let (top, bottom) = self.ratio();
        i64::try_from(divide_half_up(i128::from(number) * top, bottom * 10_000)).ok()
    }
}

/// The name of one thing that is counted: a kind and, for some kinds, a category or a colour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Meter {
    kind: MeterKind,
    part: Option<String>,
}

impl Meter {
    /// The meter of a whole kind: `pages`, `area-media`; for jobs whose category is not known also
    /// `area-printed` and `length`.
    pub fn whole(kind: MeterKind) -> Meter {
        Meter { kind, part: None }
    }

    /// The meter of a category. A kind without categories, or a category without a name, gives the
    /// meter of the whole kind.
    pub fn of_category(kind: MeterKind, category: &Category) -> Meter {
        let named = kind.has_category() && !category.id().is_empty();
        Meter { kind, part: named.then(|| category.id().to_owned()) }
    }

    /// The meter `ink/<colour>`; without a colour's name, `ink`.
    pub fn ink(colour: &str) -> Meter {
        let colour = colour.trim();
        Meter { kind: MeterKind::Ink, part: (!colour.is_empty()).then(|| colour.to_owned()) }
    }

    /// Reads a meter's name.
    pub fn parse(name: &str) -> Result<Meter, MeterError> {
        let wrong = || MeterError(Defect::quote(name));
        let (word, part) = match name.split_once('/') {
            Some((word, part)) => (word, Some(part)),
            None => (name, None),
        };
        let kind = MeterKind::parse(word).map_err(|_| wrong())?;
        let meter = match part {
            None => Meter::whole(kind),
            Some(category) if kind.has_category() => Meter::of_category(kind, &Category::new(category)),
            Some(colour) if kind == MeterKind::Ink => Meter::ink(colour),
            Some(_) => return Err(wrong()),
        };
        if part.is_some() && meter.part.is_none() { Err(wrong()) } else { Ok(meter) }
    }

    /// What is counted.
    pub fn kind(&self) -> MeterKind {
        self.kind
    }

    /// The category or the colour, as it stands in the name.
    pub fn part(&self) -> Option<&str> {
        self.part.as_deref()
    }

    /// The print category, for kinds that have one.
    pub fn category(&self) -> Option<Category> {
        self.part().filter(|_| self.kind.has_category()).map(Category::new)
    }

    /// The colour, for ink.
    pub fn colour(&self) -> Option<&str> {
        self.part().filter(|_| self.kind == MeterKind::Ink)
    }

    /// The unit its price is for.
    pub fn unit(&self) -> PricingUnit {
        self.kind.unit()
    }

    /// The words a page shows: `Monochrome lines, area printed`.
    pub fn label(&self) -> String {
        label(self.kind, self.category().as_ref(), self.colour(), None)
    }
}

impl fmt::Display for Meter {
    /// The meter's name: `area-printed/mono-line`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.word())?;
        match &self.part {
            Some(part) => write!(f, "/{part}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Meter {
    type Error = MeterError;

    fn try_from(name: String) -> Result<Meter, MeterError> {
        Meter::parse(&name)
    }
}

impl From<Meter> for String {
    fn from(meter: Meter) -> String {
        meter.to_string()
    }
}

/// Which meters and media a price or an allowance is for; what is absent matches everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The kind of meter.
    pub meter: MeterKind,
    /// Only this print category. CL10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Only this colour of ink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// Only this media type (P28, U6), spelt as the printer spells it. CL11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
}

impl Pattern {
    /// Every meter of a kind.
    pub fn every(meter: MeterKind) -> Pattern {
        Pattern { meter, category: None, colour: None, media: None }
    }

    /// Reads `area-printed`, `area-printed/mono-line`, `ink/cyan` or `area-printed/mono-line@Bond 80 g`.
    pub fn parse(text: &str) -> Result<Pattern, MeterError> {
        let (name, media) = match text.split_once('@') {
            Some((name, media)) => (name, Some(media.trim())),
            None => (text, None),
        };
        if media.is_some_and(str::is_empty) {
            return Err(MeterError(Defect::quote(text)));
        }
        let meter = Meter::parse(name.trim())?;
        Ok(Pattern {
            meter: meter.kind(),
            category: meter.category(),
            colour: meter.colour().map(str::to_owned),
            media: media.map(str::to_owned),
        })
    }

    /// Whether usage of `meter` on `media` is meant.
    pub fn matches(&self, meter: &Meter, media: Option<&str>) -> bool {
        let category = self.category.as_ref().is_none_or(|category| meter.category().as_ref() == Some(category));
        let colour = self.colour.as_deref().is_none_or(|colour| meter.colour() == Some(colour));
        let on_media = self.media.as_deref().is_none_or(|wanted| media == Some(wanted));
        self.meter == meter.kind() && category && colour && on_media
    }

    /// Whether every usage that `other` matches is matched here too, so that `other` is never reached
    /// after this one.
    pub fn covers(&self, other: &Pattern) -> bool {
        self.meter == other.meter
            && (self.category.is_none() || self.category == other.category)
            && (self.colour.is_none() || self.colour == other.colour)
            && (self.media.is_none() || self.media == other.media)
    }

    /// Whether it asks for a category or a colour.
    pub fn has_part(&self) -> bool {
        self.category.is_some() || self.colour.is_some()
    }

    /// The unit of what it matches.
    pub fn unit(&self) -> PricingUnit {
        self.meter.unit()
    }

    /// The words a page shows: `Monochrome lines, area printed, on Bond 80 g`.
    pub fn label(&self) -> String {
        label(self.meter, self.category.as_ref(), self.colour.as_deref(), self.media.as_deref())
    }
}

impl fmt::Display for Pattern {
    /// The text that [`Pattern::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meter.word())?;
        if let Some(part) = self.category.as_ref().map(Category::id).or(self.colour.as_deref()) {
            write!(f, "/{part}")?;
        }
        match &self.media {
            Some(media) => write!(f, "@{media}"),
            None => Ok(()),
        }
    }
}

/// The words for a kind, with its category or colour and its media where they are known.
pub(crate) fn label(kind: MeterKind, category: Option<&Category>, colour: Option<&str>, media: Option<&str>) -> String {
    let mut text = match (category, colour) {
        (Some(category), _) => format!("{}, {}", category.label(), kind.label()),
        (None, Some(colour)) => format!("Ink, {colour}"),
        (None, None) => capital(kind.label()),
    };
    if let Some(media) = media {
        text.push_str(", on ");
        text.push_str(media);
    }
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_read_and_show_their_names() {
        // Name, label, unit.
        let cases = [
            ("area-printed/mono-line", "Monochrome lines, area printed", "m²"),
            ("area-media/colour-line", "Colour lines, media used", "m²"),
            ("area-media", "Media used", "m²"),
            ("length/low-density", "Low density images, length of media", "m"),
            ("ink/cyan", "Ink, cyan", "ml"),
            ("ink", "Ink", "ml"),
            ("pages", "Pages", "page"),
            ("jobs", "Jobs", "job"),
            ("scan-area", "Area scanned", "m²"),
            ("area-printed/Duty C", "Duty C, area printed", "m²"),
        ];
        for (name, label, unit) in cases {
            let meter = Meter::parse(name).unwrap();
            assert_eq!((meter.to_string().as_str(), meter.label().as_str()), (name, label));
            assert_eq!(meter.unit().label(), unit, "{name}");
        }
    }

    #[test]
    fn what_is_no_meter_is_named_in_the_error() {
        for name in ["", "area", "area-printed/", "ink/ ", "pages/mono-line", "jobs/", "scan-area/x", "Pages"] {
            assert_eq!(Meter::parse(name), Err(MeterError(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn a_pattern_without_a_category_or_media_matches_all_of_them() {
        // Pattern, meter, media, whether it matches.
        let cases = [
            ("area-printed", "area-printed/mono-line", Some("Bond"), true),
            ("area-printed", "area-printed", None, true),
            ("area-printed", "area-media/mono-line", None, false),
            ("area-printed/mono-line", "area-printed/mono-line", Some("Bond"), true),
            ("area-printed/mono-line", "area-printed/colour-line", None, false),
            ("area-printed/mono-line", "area-printed", None, false),
            ("area-printed@Satin", "area-printed/premium", Some("Satin"), true),
            ("area-printed@Satin", "area-printed/premium", None, false),
            ("ink/cyan", "ink/cyan", None, true),
            ("ink/cyan", "ink/gray", None, false),
            ("ink", "ink/gray", None, true),
        ];
        for (pattern, meter, media, expected) in cases {
            let matches = Pattern::parse(pattern).unwrap().matches(&Meter::parse(meter).unwrap(), media);
            assert_eq!(matches, expected, "{pattern} against {meter} on {media:?}");
        }
    }

    #[test]
    fn quantities_show_two_decimals_and_count_things_whole() {
        assert_eq!(PricingUnit::SquareMetre.show(520_000_000), "520.00 m²");
        assert_eq!(PricingUnit::SquareMetre.show(999_949), "1.00 m²");
        assert_eq!(PricingUnit::SquareMetre.show_exact(999_949), "0.999949 m²");
        assert_eq!(PricingUnit::SquareMetre.show(-5_000), "-0.01 m²");
        assert_eq!(PricingUnit::Page.show(1), "1 page");
        assert_eq!(PricingUnit::Page.show(12), "12 pages");
        assert_eq!(PricingUnit::Millilitre.parse("3412.7"), Some(3_412_700_000));
        assert_eq!(PricingUnit::Page.parse("1.5"), None);
    }

    #[test]
    fn feet_are_shown_and_read_exactly_enough() {
        assert_eq!(PricingUnit::SquareFoot.parse("1500"), Some(139_354_560));
        assert_eq!(PricingUnit::SquareMetre.show_exact(139_354_560), "139.35456 m²");
        assert_eq!(PricingUnit::SquareFoot.show_exact(139_354_560), "1500.00 ft²");
        assert_eq!(PricingUnit::SquareFoot.show_exact(1_000_000), "10.7639 ft²");
        assert_eq!((PricingUnit::Foot.show(304_800), PricingUnit::Foot.base()), ("1.00 ft".to_owned(), 304_800));
        assert_eq!(PricingUnit::Foot.parse("0.00001"), None);
        for kind in MeterKind::all() {
            assert!(kind.unit().suits(kind));
            assert_eq!(PricingUnit::SquareFoot.suits(kind), kind.unit() == PricingUnit::SquareMetre, "{kind:?}");
            assert_eq!(PricingUnit::Foot.suits(kind), kind == MeterKind::Length, "{kind:?}");
        }
    }

    #[test]
    fn patterns_and_meters_survive_storage() {
        let pattern = Pattern::parse("area-printed/mono-line@Bond 80 g").unwrap();
        let stored = serde_json::to_string(&pattern).unwrap();
        assert_eq!(stored, r#"{"meter":"area-printed","category":"mono-line","media":"Bond 80 g"}"#);
        assert_eq!(serde_json::from_str::<Pattern>(&stored).unwrap(), pattern);
        assert_eq!(pattern.to_string(), "area-printed/mono-line@Bond 80 g");
        assert!(serde_json::from_str::<Meter>(r#""area""#).is_err());
    }
}

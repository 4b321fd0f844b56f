//! Pages of a job: their size, coverage and category, and what printing them consumes.
//!
//! Page sides are micro-inches, so that the six decimals a printer writes are the whole truth.
//! Deliberately absent: rotation of what is printed, folding and stacking.

use super::job::Before;
use super::model::{INCH, Medium};
use super::{length_of, narrow};
use report::sample::Rng;
use report::{Area, Category, Ink, Length, Share, divide_half_even};
use std::collections::BTreeMap;

/// The sides of a page in micro-inches (10⁻⁶ in).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) width: i64,
    pub(crate) height: i64,
}

impl Sides {
    /// The area of `copies` such pages in mm², rounded half-even once: 1 in² = 645.16 mm².
    pub(crate) fn area(self, copies: i64) -> Area {
        let top = i128::from(self.width) * i128::from(self.height) * i128::from(copies) * 64_516;
        Area(narrow(divide_half_even(top, 100_000_000_000_000)))
    }
}

/// One page of a job.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Its size, row P20.
    pub(crate) size: Sides,
    /// Which roll it is printed on.
    pub(crate) roll: usize,
    /// What is on that roll, row P28.
    pub(crate) medium: &'static Medium,
    /// Row P14.
    pub(crate) quality: &'static str,
    /// Row P14: printed with less ink.
    pub(crate) economode: bool,
    /// Row P14.
    pub(crate) maximum_detail: bool,
    /// Non-white pixels without colour.
    pub(crate) gray: Share,
    /// Row P26.
    pub(crate) colour: Share,
    /// Its print category, row P21.
    pub(crate) category: Category,
    /// Copies asked for.
    pub(crate) copies: i64,
    /// Copies printed.
    pub(crate) printed: i64,
    /// Media that one copy takes, margins included.
    pub(crate) sheet: Length,
    /// Row P21: media that all printed copies took.
    pub(crate) media_area: Area,
    /// Row P23, by colour, all printed copies.
    pub(crate) ink: BTreeMap<&'static str, Ink>,
}

impl Page {
    /// Row P22: the area of all printed copies.
    pub(crate) fn printed_area(&self) -> Area {
        self.size.area(self.printed)
    }

    /// Row P24: the media length of all printed copies.
    pub(crate) fn media_length(&self) -> Length {
        Length(self.sheet.0 * self.printed)
    }
}

/// A0, A1, A2, ARCH D and ARCH E, short side first.
const SIZES: &[(i64, i64)] = &[
    (33_110_236, 46_811_024),
    (23_385_827, 33_110_236),
    (16_535_433, 23_385_827),
    (24 * INCH, 36 * INCH),
    (36 * INCH, 48 * INCH),
];
const QUALITIES: &[&str] = &["Fast", "Normal", "Best"];

/// Thinks up `count` pages, none of them printed yet.
pub(super) fn plan(rng: &mut Rng, before: &Before<'_>, count: i64, copies: i64) -> Vec<Page> {
    let rolls: Vec<usize> = (0..before.rolls.len()).collect();
    if rolls.is_empty() {
        return Vec::new();
    }
    let usual = *rng.pick(&rolls);
    let quality = *rng.pick(QUALITIES);
    let (economode, maximum_detail) = (rng.chance(100_000), quality == "Best" && rng.chance(500_000));
    let mut pages = Vec::new();
    for _ in 0..count {
        let index = if rng.chance(150_000) { *rng.pick(&rolls) } else { usual };
        let Some(roll) = before.rolls.get(index) else { continue };
        let (short, long) = sides(rng, roll.width);
        let turned = rng.chance(400_000);
        let along = if long <= roll.width { short } else { long };
        let (gray, colour) = coverage(rng);
        pages.push(Page {
            size: if turned { Sides { width: long, height: short } } else { Sides { width: short, height: long } },
            roll: index,
            medium: roll.medium,
            quality,
            economode,
            maximum_detail,
            gray,
            colour,
            category: before
                .category_by_media(roll.medium)
                .unwrap_or_else(|| Category::of_coverage(Share(gray.0 + colour.0), colour)),
            copies,
            printed: 0,
            sheet: Length(length_of(along).0 + rng.between(10_000, 34_000)),
            media_area: Area(0),
            ink: BTreeMap::new(),
        });
    }
    pages
}

/// A page size that fits on a roll of `width`: the short side, then the long one.
fn sides(rng: &mut Rng, width: i64) -> (i64, i64) {
    let fitting: Vec<(i64, i64)> = SIZES.iter().copied().filter(|(short, _)| *short <= width).collect();
    let kind = rng.between(0, 99);
    if kind < 65 && !fitting.is_empty() {
        return *rng.pick(&fitting);
    }
    let short = rng.between(width.min(8 * INCH), width);
    let long = if kind < 85 { short + rng.between(0, 30 * INCH) } else { rng.between(60 * INCH, 196 * INCH) };
    (short, long)
}

/// The coverage of a page: non-white without colour, and colour. Never below 2 % together, so that
/// a snapshot in percent cannot be mistaken for one in fractions.
fn coverage(rng: &mut Rng) -> (Share, Share) {
    let (gray, colour) = match rng.between(0, 99) {
        0..40 => (rng.between(20_000, 99_999), 0),
        40..68 => (rng.between(20_000, 60_000), rng.between(1_000, 39_999)),
        // Exactly on the thresholds: 10 % and 50 % are low density images.
        68..70 => (100_000, 0),
        70..72 => (200_000, 300_000),
        72..88 => (rng.between(60_000, 200_000), rng.between(50_000, 300_000)),
        _ => (rng.between(200_000, 400_000), rng.between(310_000, 550_000)),
    };
    (Share(gray), Share(colour))
}

/// Prints the first `printed` of all copies, page after page, and notes what that takes.
pub(super) fn print(rng: &mut Rng, before: &Before<'_>, pages: &mut [Page], printed: i64) {
    let mut left = printed;
    for page in pages {
        page.printed = left.min(page.copies);
        left -= page.printed;
        let sheet = before.rolls.get(page.roll).map_or(Area(0), |roll| roll.area(page.sheet));
        page.media_area = Area(sheet.0 * page.printed);
        page.ink = ink(rng, before.model.colours, page);
    }
}

/// Ink by colour for all printed copies of a page, servicing included; colours without ink are left out.
fn ink(rng: &mut Rng, colours: &[&'static str], page: &Page) -> BTreeMap<&'static str, Ink> {
    // µl on a square metre.
    let density = match Category::of_coverage(Share(page.gray.0 + page.colour.0), page.colour).id() {
        "mono-line" => rng.between(200, 500),
        "colour-line" => rng.between(400, 1_600),
        "low-density" => rng.between(1_800, 4_900),
        _ => rng.between(5_200, 11_000),
    };
    let density = if page.economode { density * 6 / 10 } else { density };
    let total = i128::from(page.printed_area().0) * i128::from(density);
    let weights: Vec<(&'static str, i64)> = colours
        .iter()
        .map(|colour| {
            let achromatic = colour.contains("black") || colour.contains("gray");
            // Some colour goes even into a black drawing.
            let faint = page.colour.0 == 0 && !achromatic;
            (*colour, if faint { rng.between(1, 6) } else { rng.between(30, 100) })
        })
        .collect();
    let sum: i64 = weights.iter().map(|(_, weight)| *weight).sum();
    let mut ink = BTreeMap::new();
    for (colour, weight) in weights {
        let laid = narrow(divide_half_even(total * i128::from(weight), i128::from(sum) * 1000));
        let servicing = rng.between(2_000, 6_000) * page.printed;
        if laid + servicing > 0 {
            ink.insert(colour, Ink(laid + servicing));
        }
    }
    ink
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Decimal;

    #[test]
    fn an_area_is_what_the_sides_text_gives() {
        for (width, height, copies) in
            [(33_110_236, 46_811_024, 1), (8 * INCH, 10 * INCH, 2), (1, 1, 1), (23_385_827, 196 * INCH, 12)]
        {
            let decimal = |side: i64| Decimal::parse(&format!("{}.{:06}", side / INCH, side % INCH)).expect("a number");
            let expected = Area::from_sides((decimal(width), "in"), (decimal(height), "in"), copies);
            assert_eq!(Some(Sides { width, height }.area(copies)), expected, "{width} × {height} × {copies}");
        }
    }
}

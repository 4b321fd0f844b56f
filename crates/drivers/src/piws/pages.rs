//! The pages of a print or copy job: how often each was printed, its area, coverage, ink and media.
//!
//! Deliberately absent: previews, rotation, folding, and any area from a pixel count.

use super::dialect;
use crate::colour;
use crate::limits::{AMOUNT_MAX, LIST_MAX};
use crate::node::{Node, Notes, by_name, joined, sum_all};
use report::{Area, Category, Ink, InkUse, Length, RowId, Share};

/// The whole in parts per million: more coverage than that is not possible.
const WHOLE: Share = Share(1_000_000);

/// What one page used, all its copies together.
#[derive(Debug)]
pub(crate) struct Page {
    /// Copies printed, where known.
    pub(crate) copies: Option<i64>,
    /// Page size times copies.
    pub(crate) area: Option<Area>,
    /// The category, and whether we derived it from coverage.
    pub(crate) category: Option<(Category, bool)>,
    /// Non-white and colour coverage.
    pub(crate) coverage: Option<(Share, Share)>,
    /// Ink by colour, as far as it could be read.
    pub(crate) ink: Vec<InkUse>,
    /// Whether every amount of ink could be read.
    pub(crate) ink_is_whole: bool,
    /// Media used, where a unit is stated.
    pub(crate) media_area: Option<Area>,
    /// Length of media used, where a unit is stated.
    pub(crate) media_length: Option<Length>,
    /// The printer's identifier of the media type.
    pub(crate) media: Option<String>,
    /// Print quality with its options.
    pub(crate) quality: Option<String>,
}

/// How the job around the pages ended and what it asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    /// Whether the job was printed to its end.
    pub(crate) printed: bool,
    /// Row P16.
    pub(crate) requested: Option<i64>,
    /// What a written coverage of 1 stands for, in ppm.
    pub(crate) coverage_ppm: i128,
}

/// Reads every page of a job.
pub(crate) fn read(job: Node<'_>, around: Around, notes: &mut Notes) -> Vec<Page> {
    let mut pages = Vec::new();
    for (index, page) in notes.list("Page", job.at("Pages.Page"), LIST_MAX).into_iter().enumerate() {
        notes.enter(format!("page {}", index + 1));
        pages.push(read_page(page, around, notes));
    }
    notes.enter("");
    pages
}

fn read_page(page: Node<'_>, around: Around, notes: &mut Notes) -> Page {
    let settings = page.at("Settings");
    let accounting = page.at("Accounting");
    let copies = copies(page, around, notes);
    let coverage = coverage(accounting, around.coverage_ppm, notes);
    let (ink, ink_is_whole) = inks(accounting, notes);
    let (media_area, media_length) = media(accounting, notes);
    Page {
        copies,
        area: copies.and_then(|copies| area(settings.at("PageSize"), copies, notes)),
        category: category(accounting, coverage),
        coverage,
        ink,
        ink_is_whole,
        media_area,
        media_length,
        media: settings.at("MediaType").text(),
        quality: quality(settings, notes),
    }
}

/// Copies printed. A printer may leave the progress of a page that was printed to its end at zero, then
/// what was asked for was printed; of a job that broke off, only the progress is true.
fn copies(page: Node<'_>, around: Around, notes: &mut Notes) -> Option<i64> {
    let printed = notes.count(RowId::P15, "NumberOfPrintedCopies", page.at("Progress.NumberOfPrintedCopies"));
    if !around.printed {
        if printed.is_none() {
            notes.at(RowId::P15, "how many copies were printed is not known, the page is not counted");
        }
        return printed;
    }
    if let Some(printed) = printed.filter(|copies| *copies > 0) {
        return Some(printed);
    }
    let asked = notes.count(RowId::P16, "Copies", page.at("Settings.Copies")).filter(|copies| *copies > 0);
    asked.or(around.requested.filter(|copies| *copies > 0)).or(Some(1))
}

/// The area of all copies of a page, rounded once.
///
/// 2 × 24 in × 36 in = 1 114 836.48 mm², rounded to 1 114 836.
fn area(size: Node<'_>, copies: i64, notes: &mut Notes) -> Option<Area> {
    if copies == 0 {
        return Some(Area(0));
    }
    let width = notes.side(RowId::P20, "Width", size.at("Width"));
    let height = notes.side(RowId::P20, "Height", size.at("Height"));
    let area = width.zip(height).and_then(|(width, height)| {
        Area::from_sides((width.0, width.1.as_str()), (height.0, height.1.as_str()), copies)
    });
    let area = area.filter(|area| (1..=AMOUNT_MAX).contains(&area.0));
    if area.is_none() {
        notes.at(RowId::P20, "the page size cannot be read, the page is not in the area");
    }
    area
}

/// Non-white and colour coverage. Grey and colour pixels are told apart by the printer, so that
/// non-white is their sum.
fn coverage(accounting: Node<'_>, ppm: i128, notes: &mut Notes) -> Option<(Share, Share)> {
    let grey = notes.share(RowId::P25, "GrayPixelCoverage", accounting.at("GrayPixelCoverage"), ppm);
    let colour = notes.share(RowId::P26, "ColorPixelCoverage", accounting.at("ColorPixelCoverage"), ppm);
    let (grey, colour) = (grey?, colour?);
    Some((Share(grey.0 + colour.0).min(WHOLE), colour))
}

/// The category the printer names, else the one its coverage gives.
fn category(accounting: Node<'_>, coverage: Option<(Share, Share)>) -> Option<(Category, bool)> {
    if let Some(name) = accounting.at(dialect::PRINT_CATEGORY).text() {
        return Some((Category::new(&name), false));
    }
    coverage.map(|(non_white, colour)| (Category::of_coverage(non_white, colour), true))
}

/// Ink by colour of a page or job, and whether every amount could be read.
pub(crate) fn inks(accounting: Node<'_>, notes: &mut Notes) -> (Vec<InkUse>, bool) {
    let mut inks: Vec<InkUse> = Vec::new();
    let mut whole = true;
    let entries = accounting.at("InkCollectionConsumption.InkConsumption");
    for entry in notes.list("InkConsumption", entries, LIST_MAX) {
        let amount = notes.ink(RowId::P18, "ink Amount", entry.at("Amount"));
        match (entry.at("InkName").text().and_then(|name| colour::name(&name)), amount) {
            (Some(colour), Some(ink)) => inks.push(InkUse { colour, ink }),
            (None, Some(ink)) => {
                notes.at(RowId::P18, &format!("{} nl of ink have no InkName", ink.0));
                whole = false;
            }
            // The amount is absent, or noted as odd.
            (_, None) => whole = false,
        }
    }
    (by_colour(&inks.iter().collect::<Vec<&InkUse>>()), whole)
}

/// The ink of each colour together, in the order in which the colours come first.
pub(crate) fn by_colour(used: &[&InkUse]) -> Vec<InkUse> {
    let sum = |inks: Vec<&&InkUse>| Ink(inks.into_iter().fold(0_i64, |sum, used| sum.saturating_add(used.ink.0)));
    let colours = by_name(used, |used| used.colour.as_str());
    colours.into_iter().map(|(colour, inks)| InkUse { colour: colour.to_owned(), ink: sum(inks) }).collect()
}

/// Area and length of media used by a page or job, where every entry states a unit.
pub(crate) fn media(accounting: Node<'_>, notes: &mut Notes) -> (Option<Area>, Option<Length>) {
    let entries = accounting.at("MediaCollectionConsumption.MediaConsumption");
    let (mut areas, mut lengths) = (Vec::new(), Vec::new());
    for entry in notes.list("MediaConsumption", entries, LIST_MAX) {
        areas.push(notes.area(RowId::P19, "SquareAmount", entry.at("SquareAmount")).map(|area| area.0));
        lengths.push(notes.length(RowId::P24, "LinearAmount", entry.at("LinearAmount")).map(|length| length.0));
    }
    (sum_all(areas).map(Area), sum_all(lengths).map(Length))
}

/// Row P14: `Best, maximum detail`.
fn quality(settings: Node<'_>, notes: &mut Notes) -> Option<String> {
    let mut words = vec![settings.at("PrintQuality").text()?];
    for (member, word) in [("EconomodeOn", "economode"), ("MaximumDetailOn", "maximum detail")] {
        if notes.flag(RowId::P14, member, settings.at(member)) == Some(true) {
            words.push(word.to_owned());
        }
    }
    joined(&words)
}

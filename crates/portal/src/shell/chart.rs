//! Stacked bars a day and category, drawn on the server, with a legend and the same numbers as a table.
//!
//! Geometry is in tenths of the picture's units and from integers only. The template escapes every text.
//! Deliberately absent: choosing the days and adding up their areas, which handlers do.

use crate::shell::format;
use askama::Template;
use askama::filters::HtmlSafe;
use report::{Area, Category};

/// The drawing's left edge, width, top and height, in units of its view box.
const LEFT: i64 = 38;
const WIDTH: i64 = 676;
const TOP: i64 = 12;
const HEIGHT: i64 = 168;
/// Grid lines above zero.
const TICKS: i64 = 3;
/// mm² in a m².
const SQUARE_METRE: i64 = 1_000_000;

/// What was printed on one day.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    /// The day as the axis names it: `1 Oct`.
    pub(crate) label: String,
    /// One area for each category of the chart, in its order.
    pub(crate) areas: Vec<Area>,
    /// Whether any of it is an estimate.
    pub(crate) estimated: bool,
}

/// A stacked bar chart of areas, a bar a day.
#[derive(Debug, Clone, Template)]
#[template(path = "shell/chart.html")]
pub(crate) struct Chart {
    id: String,
    title: String,
    words: String,
    series: Vec<Series>,
    ticks: Vec<Tick>,
    bars: Vec<Bar>,
    rows: Vec<Row>,
    any_estimated: bool,
}

impl HtmlSafe for Chart {}

/// A category's place in the legend.
#[derive(Debug, Clone)]
struct Series {
    label: String,
    class: &'static str,
}

/// A grid line.
#[derive(Debug, Clone)]
struct Tick {
    y: String,
    text_y: String,
    label: String,
}

/// A day's bar.
#[derive(Debug, Clone)]
struct Bar {
    x: String,
    width: String,
    middle: String,
    top: String,
    height: String,
    parts: Vec<Part>,
    label: String,
    labelled: bool,
    says: String,
    estimated: bool,
}

/// A category's part of a bar.
#[derive(Debug, Clone)]
struct Part {
    y: String,
    height: String,
    class: &'static str,
}

/// A day in the table twin.
#[derive(Debug, Clone)]
struct Row {
    label: String,
    cells: Vec<String>,
    total: String,
    estimated: bool,
}

/// The style sheet's class for the colour of a category.
fn class(category: &Category) -> &'static str {
    match category.id() {
        "mono-line" => "c1",
        "colour-line" => "c2",
        "low-density" => "c3",
        "high-density" => "c4",
        "premium" => "c5",
        "blueprint" => "c6",
        _ => "c7",
    }
}

/// A number of tenths as SVG writes it: 125 is `12.5`.
fn tenths(number: i64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// The smallest of 1, 2, 3, 5 × 10ᵏ m² of which [`TICKS`] reach over `highest`, in mm².
fn step(highest: i64) -> i64 {
    let mut step = SQUARE_METRE;
    loop {
        for factor in [1, 2, 3, 5] {
            if step.saturating_mul(factor * TICKS) >= highest {
                return step.saturating_mul(factor);
            }
        }
        if step > i64::MAX / 100 {
            return i64::MAX / TICKS;
        }
        step *= 10;
    }
}

fn total(day: &Day) -> i64 {
    day.areas.iter().fold(0, |sum: i64, area| sum.saturating_add(area.0.max(0)))
}

/// The height of `area` in tenths, where the whole drawing is `full` mm² high.
fn height(area: i64, full: i64) -> i64 {
    let tenths = i128::from(area) * i128::from(HEIGHT * 10) / i128::from(full.max(1));
    i64::try_from(tenths).unwrap_or(HEIGHT * 10)
}

impl Chart {
    /// A chart called `title` with the element id `id`. Negative areas, which corrections can leave on a
    /// day, are not drawn but stand in the table.
    pub(crate) fn stacked(id: &str, title: &str, categories: &[Category], days: &[Day]) -> Chart {
        let highest = days.iter().map(total).max().unwrap_or(0);
        let step = step(highest);
        let full = step.saturating_mul(TICKS);
        let classes: Vec<&'static str> = categories.iter().map(class).collect();
        let sum = days.iter().fold(0, |sum: i64, day| sum.saturating_add(total(day)));
        let series = categories.iter().map(|c| Series { label: c.label().to_owned(), class: class(c) });
        Chart {
            id: id.to_owned(),
            title: title.to_owned(),
            words: format!("{} days, together {}.", days.len(), format::area_unit(Area(sum))),
            series: series.collect(),
            ticks: (0..=TICKS).map(|index| tick(index, step)).collect(),
            bars: bars(days, &classes, full),
            rows: days.iter().map(row).collect(),
            any_estimated: days.iter().any(|day| day.estimated),
        }
    }
}

fn tick(index: i64, step: i64) -> Tick {
    let y = (TOP + HEIGHT) * 10 - HEIGHT * 10 * index / TICKS;
    let label = format::count(step / SQUARE_METRE * index);
    Tick { y: tenths(y), text_y: tenths(y + 35), label }
}

fn row(day: &Day) -> Row {
    let sum = day.areas.iter().fold(0, |sum: i64, area| sum.saturating_add(area.0));
    Row {
        label: day.label.clone(),
        cells: day.areas.iter().map(|area| format::area(*area)).collect(),
        total: format::area(Area(sum)),
        estimated: day.estimated,
    }
}

fn bars(days: &[Day], classes: &[&'static str], full: i64) -> Vec<Bar> {
    let number = i64::try_from(days.len()).unwrap_or(i64::MAX).max(1);
    let slot = WIDTH * 10 / number;
    // About seven labels fit side by side.
    let every = days.len().div_ceil(7).max(1);
    let bar = |(index, day): (usize, &Day)| {
        let x = LEFT * 10 + slot * i64::try_from(index).unwrap_or(0) + slot / 10;
        let width = slot - slot / 5;
        let mut y = (TOP + HEIGHT) * 10;
        let mut parts = Vec::new();
        for (area, class) in day.areas.iter().zip(classes.iter().copied()) {
            let part = height(area.0.max(0), full);
            if part > 0 {
                y -= part;
                // Half a unit of the card's ground shows between two parts.
                parts.push(Part { y: tenths(y), height: tenths((part - 5).max(3)), class });
            }
        }
        let estimated = if day.estimated { ", estimated" } else { "" };
        Bar {
            x: tenths(x),
            width: tenths(width),
            middle: tenths(x + width / 2),
            top: tenths(y),
            height: tenths((TOP + HEIGHT) * 10 - y),
            parts,
            label: day.label.clone(),
            labelled: index.is_multiple_of(every),
            says: format!("{}: {}{estimated}", day.label, format::area_unit(Area(total(day)))),
            estimated: day.estimated,
        }
    };
    days.iter().enumerate().map(bar).collect()
}

#[cfg(test)]
impl Chart {
    pub(crate) fn sample() -> Chart {
        let categories: Vec<Category> = Category::known().take(4).collect();
        let day = |index: i64| Day {
            label: format!("{} Oct", index + 1),
            areas: [207, 112, 48, 33].map(|m2| Area((m2 + index * 37 % 90) * (index % 7) * 250_000)).to_vec(),
            estimated: index > 27,
        };
        Chart::stacked("area", "October, area printed", &categories, &(0..31).map(day).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_reaches_over_the_highest_day() {
        for (highest, expected) in [(0, 1), (3, 1), (4, 2), (640, 300), (901, 500), (1501, 1000)] {
            assert_eq!(step(highest * SQUARE_METRE), expected * SQUARE_METRE, "{highest}");
        }
        assert!(step(i64::MAX) > 0);
    }

    #[test]
    fn no_bar_leaves_the_drawing() {
        let days = [Day { label: "1 Oct".to_owned(), areas: vec![Area(i64::MAX), Area(-5)], estimated: false }];
        let categories: Vec<Category> = Category::known().take(2).collect();
        let chart = Chart::stacked("a", "A", &categories, &days);
        assert!(chart.bars.iter().all(|bar| !bar.top.starts_with('-')));
    }

    #[test]
    fn a_chart_has_a_title_a_twin_and_no_markup_of_others() {
        let category = [Category::new("<b>Duty</b>")];
        let days = [Day { label: "<i>1</i>".to_owned(), areas: vec![Area(2_500_000)], estimated: true }];
        let html = Chart::stacked("a", "Area & more", &category, &days).to_string();
        assert!(html.contains("<title id=\"a-t\">Area &#38; more</title>"), "{html}");
        assert!(html.contains("<caption") && html.contains(">2.50</td>"), "{html}");
        assert!(!html.contains("<b>") && !html.contains("<i>"), "{html}");
    }
}

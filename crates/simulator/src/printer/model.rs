//! The models and media that the simulated world is made of.
//!
//! Deliberately absent: any claim that these tables are a price list. Widths, colours and scanners
//! follow the real series; product numbers, paces and capacities are merely plausible.

use report::{Duration, Ink};

/// One inch in micro-inches (10⁻⁶ in), the unit of every page side and media width here: the six
/// decimals that a printer writes are then exact.
pub const INCH: i64 = 1_000_000;

/// A model of printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Row C2.
    pub product_name: &'static str,
    /// Row C1.
    pub product_number: &'static str,
    /// The first half of row C4; the second follows from the printer's seed.
    pub firmware: &'static str,
    /// The widest media it takes, in micro-inches.
    pub width: i64,
    /// Its ink colours, row S10.
    pub colours: &'static [&'static str],
    /// Cartridges for each colour; the printer empties one and goes on with the next.
    pub slots_per_colour: usize,
    /// What one cartridge holds, row S16, in nl.
    pub capacity: Ink,
    /// The name its cartridges are ordered by, row S13.
    pub order_number: &'static str,
    /// How many rolls it holds.
    pub rolls: usize,
    /// Whether it scans and copies.
    pub scanner: bool,
    /// How long a metre of media takes, in ms.
    pub pace: Duration,
}

const SIX: &[&str] = &["cyan", "magenta", "yellow", "matte-black", "photo-black", "gray"];
const EIGHT: &[&str] =
    &["cyan", "magenta", "yellow", "matte-black", "photo-black", "light-gray", "light-cyan", "light-magenta"];
const NINE: &[&str] = &[
    "cyan",
    "magenta",
    "yellow",
    "matte-black",
    "photo-black",
    "gray",
    "chromatic-red",
    "chromatic-green",
    "chromatic-blue",
];
const FOUR: &[&str] = &["cyan", "magenta", "yellow", "black"];

/// Nanolitres in a millilitre.
const ML: i64 = 1_000_000;

const T930: Model = Model {
    product_name: "HP DesignJet T930 36in",
    product_number: "L2Y21A",
    firmware: "MRY_05",
    width: 36 * INCH,
    colours: SIX,
    slots_per_colour: 1,
    capacity: Ink(130 * ML),
    order_number: "HP 727",
    rolls: 1,
    scanner: false,
    pace: Duration(32_000),
};

const PAGEWIDE_XL_5000: Model = Model {
    product_name: "HP PageWide XL 5000 40in MFP",
    product_number: "CZ313A",
    firmware: "XLP_02",
    width: 40 * INCH,
    colours: FOUR,
    slots_per_colour: 2,
    capacity: Ink(400 * ML),
    order_number: "HP 841",
    rolls: 4,
    scanner: true,
    pace: Duration(4_000),
};

/// The models of the simulated world.
pub static MODELS: [Model; 8] = [
    T930,
    Model {
        product_name: "HP DesignJet T1530 36in",
        product_number: "L2Y23A",
        capacity: Ink(300 * ML),
        rolls: 2,
        pace: Duration(28_000),
        ..T930
    },
    Model {
        product_name: "HP DesignJet T2530 36in MFP",
        product_number: "L2Y26A",
        capacity: Ink(300 * ML),
        rolls: 2,
        scanner: true,
        pace: Duration(28_000),
        ..T930
    },
    Model {
        product_name: "HP DesignJet Z6800 60in Photo",
        product_number: "F2S72A",
        firmware: "KKT_07",
        width: 60 * INCH,
        colours: EIGHT,
        capacity: Ink(775 * ML),
        order_number: "HP 771",
        rolls: 1,
        pace: Duration(45_000),
        ..T930
    },
    Model {
        product_name: "HP DesignJet T7200 42in",
        product_number: "F2L46A",
        firmware: "AZT_03",
        width: 42 * INCH,
        capacity: Ink(775 * ML),
        order_number: "HP 761",
        rolls: 3,
        pace: Duration(20_000),
        ..T930
    },
    PAGEWIDE_XL_5000,
    Model {
        product_name: "HP PageWide XL 8000 40in",
        product_number: "CZ309A",
        capacity: Ink(775 * ML),
        order_number: "HP 842",
        rolls: 6,
        scanner: false,
        pace: Duration(2_500),
        ..PAGEWIDE_XL_5000
    },
    Model {
        product_name: "HP DesignJet Z9 44in",
        product_number: "W3Z72A",
        firmware: "JGR9_09",
        width: 44 * INCH,
        colours: NINE,
        capacity: Ink(300 * ML),
        order_number: "HP 746",
        rolls: 2,
        pace: Duration(50_000),
        ..T930
    },
];

/// A type of media.
#[derive(Debug, PartialEq, Eq)]
pub struct Medium {
    /// The printer's identifier, which jobs and loaded rolls name.
    pub id: &'static str,
    /// The English name, rows S21, S23, U6 and P28.
    pub name: &'static str,
    /// Its German name, row S23.
    pub german: &'static str,
    /// Its Spanish name, row S23.
    pub spanish: &'static str,
    /// The print category it is always counted as, row S25; else coverage decides.
    pub category: Option<&'static str>,
}

/// The media of the simulated world.
pub static MEDIA: [Medium; 5] = [
    Medium { id: "2001", name: "Bond 80 g", german: "Normalpapier 80 g", spanish: "Papel normal 80 g", category: None },
    Medium {
        id: "2002",
        name: "Photo Satin 190 g",
        german: "Fotopapier seidenmatt 190 g",
        spanish: "Papel fotográfico satinado 190 g",
        category: Some("premium"),
    },
    Medium {
        id: "2003",
        name: "Blue Tinted 80 g",
        german: "Blaupauspapier 80 g",
        spanish: "Papel azulado 80 g",
        category: Some("blueprint"),
    },
    Medium {
        id: "2004",
        name: "Coated 95 g",
        german: "Gestrichenes Papier 95 g",
        spanish: "Papel estucado 95 g",
        category: None,
    },
    Medium { id: "2005", name: "Matte Film", german: "Matte Folie", spanish: "Película mate", category: None },
];

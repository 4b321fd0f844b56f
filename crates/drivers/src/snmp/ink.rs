//! Lifetime ink of each colour, from private objects that are known of one model: rows U1, U2 and U16.
//!
//! Deliberately absent: other models, whose objects at this place may count something else, and what the
//! printheads used, which has no row.

use super::printer;
use super::table::Mib;
use crate::limits::AMOUNT_MAX;
use crate::node::Notes;
use report::{CartridgeTypeUsage, Ink, Report, RowId};

/// Ink used, a colour an index, in microlitres.
pub(crate) const ROOT: &str = "1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.5.6.3";
/// The word of the product name by which the model is known.
const MODEL: &str = "T770";
/// The index of each colour.
const COLOURS: &[(u32, &str)] =
    &[(1, "cyan"), (2, "magenta"), (3, "yellow"), (4, "gray"), (5, "matte-black"), (6, "photo-black")];
/// A microlitre in nl.
const MICROLITRE: i64 = 1_000;

/// Whether the printer is one whose objects are known.
pub(crate) fn is_known(mib: &Mib) -> bool {
    let name = printer::name(mib, &mut Notes::default()).unwrap_or_default().to_ascii_uppercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == MODEL)
}

/// Reads the rows. The total is absent where one colour is silent.
pub(crate) fn read(mib: &Mib, report: &mut Report, notes: &mut Notes) {
    if !is_known(mib) {
        return;
    }
    notes.enter("ink use");
    let amounts: Vec<Option<i64>> = COLOURS.iter().map(|(index, colour)| amount(mib, *index, colour, notes)).collect();
    for ((_, colour), amount) in COLOURS.iter().zip(&amounts) {
        if amount.is_some() {
            let product_number = product_number(report, colour);
            report.usage.cartridge_types.push(CartridgeTypeUsage {
                colour: (*colour).to_owned(),
                product_number,
                ink: amount.map(Ink),
                ..CartridgeTypeUsage::default()
            });
        }
    }
    report.usage.ink = notes.whole(RowId::U16, "ink used", &amounts).map(Ink);
    notes.enter("");
}

/// The ink of a colour in nl.
fn amount(mib: &Mib, index: u32, colour: &str, notes: &mut Notes) -> Option<i64> {
    let microlitres = mib.number(ROOT, &[index, 1, 0])?;
    let nanolitres = microlitres.checked_mul(MICROLITRE).filter(|amount| (0..=AMOUNT_MAX).contains(amount));
    if nanolitres.is_none() && !(-3..0).contains(&microlitres) {
        notes.at(RowId::U2, &format!("the {colour} ink used cannot be read: {microlitres} microlitres"));
    }
    nanolitres
}

/// Row U1: the product number of the cartridges of this colour, where they have one.
fn product_number(report: &Report, colour: &str) -> Option<String> {
    let of_colour = |colour_of: &Option<String>| colour_of.as_deref() == Some(colour);
    let mut cartridges = report.status.cartridges.iter().filter(|cartridge| of_colour(&cartridge.colour));
    cartridges.find_map(|cartridge| cartridge.product_number.clone())
}

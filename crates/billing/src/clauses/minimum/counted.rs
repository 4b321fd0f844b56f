//! Which lines are for a usage, and which place bears what of them: what minimums and commitments in money
//! count.
//!
//! Deliberately absent: usage itself, which the draft sums.

use crate::clauses::draft::{Draft, Place};
use crate::clauses::{Clause, clause_of};
use crate::contract::Terms;
use crate::meter::Pattern;
use crate::money::Money;
use crate::statement::Line;
use std::collections::BTreeMap;

/// The word of carry for what counts towards a minimum or a commitment since the span's start.
pub(crate) const COUNTED: &str = "counted";

/// Whether a line bills usage that `covers` covers, all of it. A line of a price list is for its own
/// pattern, a line of another clause that prices usage for all that the clause covers.
pub(crate) fn is_for(line: &Line, covers: &[Pattern], terms: &Terms) -> bool {
    let billed = match clause_of(line, terms) {
        Some(Clause::PriceList(_)) => line.pattern.as_slice(),
        Some(Clause::Overage(overage)) => overage.covers.as_slice(),
        Some(Clause::Tiers(tiers)) => tiers.covers.as_slice(),
        Some(Clause::Surcharge(surcharge)) => surcharge.covers.as_slice(),
        _ => &[],
    };
    !billed.is_empty() && billed.iter().all(|pattern| covers.iter().any(|wide| wide.covers(pattern)))
}

/// What each place bears of the lines, by the places' order. A printer that filled several places in the
/// period has a share for each, in their order.
pub(crate) fn by_place<'l>(
    lines: impl Iterator<Item = &'l Line>,
    places: &[Place],
    draft: &Draft<'_>,
) -> Vec<Vec<Money>> {
    let mut filled: BTreeMap<(&str, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (index, place) in places.iter().enumerate() {
        for stay in place.stays.iter().filter_map(|stay| draft.stays.get(*stay)) {
            let at = filled.entry((stay.id.as_str(), stay.site.as_deref())).or_default();
            if at.last() != Some(&index) {
                at.push(index);
            }
        }
    }
    let mut borne = vec![Vec::new(); places.len()];
    for line in lines {
        let mut seen: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
        for share in &line.shares {
            let who = (share.printer.as_str(), share.site.as_deref());
            let nth = seen.entry(who).or_default();
            let at = filled.get(&who).and_then(|at| at.get(*nth).or(at.last()));
            *nth += 1;
            if let Some(amounts) = at.and_then(|at| borne.get_mut(*at)) {
                amounts.push(share.amount);
            }
        }
    }
    borne
}

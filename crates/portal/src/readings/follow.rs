//! Which interface of a printer its counters follow, where two give them.
//!
//! A person says it at `/readings`; the ledger hands the counters over at the next reading. Deliberately absent:
//! which of the two is right, which only somebody who knows the printer can say.

use super::page::{Hidden, OtherRow};
use super::page_store::{Other, follow_other, other_counters, other_said};
use super::{at_once, counter_label, counter_value, zone_of};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::page::Link;
use crate::shell::{Error, FormData, ResellerScope, ResellerUser, format};
use report::Instant;

/// The counters that another interface gives too, one row a printer and pair of interfaces.
pub(super) fn rows(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<OtherRow>, DbError> {
    let mut all = other_counters(tx, scope, printer_id)?;
    all.sort_by(|a, b| pair(a).cmp(&pair(b)));
    Ok(all.chunk_by(|a, b| pair(a) == pair(b)).filter_map(row).collect())
}

fn pair(other: &Other) -> (i64, &str, &str) {
    (other.machine.printer_id, other.source.as_str(), other.other.as_str())
}

fn row(of_pair: &[Other]) -> Option<OtherRow> {
    let first = of_pair.first()?;
    let Other { machine, source, other, wanted, .. } = first;
    let counters = match of_pair.len() {
        1 => "1 counter".to_owned(),
        many => format!("{many} counters"),
    };
    let shown = |value: i64| counter_value(&first.meter, value);
    let what = format!(
        "{counters} over {source}, and over {other}. {}: {} over {source}, {} over {other}",
        counter_label(&first.meter, &first.media),
        shown(first.value),
        shown(first.other_value)
    );
    let is_said = wanted.as_ref() == Some(other);
    let hidden = vec![
        Hidden::new("act", "follow"),
        Hidden::new("printer", machine.printer_id.to_string()),
        Hidden::new("source", source.as_str()),
        Hidden::new("other", other.as_str()),
    ];
    let latest = of_pair.iter().map(|other| other.other_at).max()?;
    Some(OtherRow {
        printer: Link::new(machine.label.as_str(), format!("/printers/{}?tab=readings", machine.printer_id)),
        what,
        at: format::instant(latest, &zone_of(&machine.zone)),
        other: other.clone(),
        hidden: if is_said { Vec::new() } else { hidden },
    })
}

/// Says which interface the counters of a printer follow from its next reading on. The printer is the scope's.
pub(super) fn follow(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    printer_id: i64,
    form: &FormData,
) -> Result<(), Error> {
    let (source, other) = (form.text("source"), form.text("other"));
    let by = (user.signed.person_id, portal.surroundings().now());
    // The interfaces of a counter are words; a pattern would name any of them.
    let is_word = !other.is_empty() && !other.contains(|c: char| c == '%' || c.is_whitespace());
    if !is_word || !follow_other(tx, &user.scope, printer_id, (source, other), by).map_err(at_once)? {
        let words = "These counters are not given by both any more. Go back, reload and look again.";
        return Err(Error::Conflict(words.to_owned()));
    }
    tracing::info!(printer.id = printer_id, "said which interface counters follow");
    Ok(())
}

/// What people said of the interfaces that a printer's counters follow: when, and in words.
pub(super) fn said(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<(Instant, String)>, DbError> {
    let words = |(at, source, by, counters): (Instant, String, String, i64)| {
        let counters =
            if counters == 1 { "1 counter follows".to_owned() } else { format!("{counters} counters follow") };
        (at, format!("{counters} {source} from the next reading on, said {by}"))
    };
    Ok(other_said(tx, scope, printer_id)?.into_iter().map(words).collect())
}

#[cfg(test)]
mod tests {
    use super::super::page_store::Machine;
    use super::*;

    fn other(meter: &str, wanted: Option<&str>) -> Other {
        Other {
            machine: Machine::sample(7),
            meter: meter.to_owned(),
            media: String::new(),
            source: "piws".to_owned(),
            other: "ledm".to_owned(),
            value: 2_000,
            other_value: 500,
            other_at: Instant(9_000),
            wanted: wanted.map(str::to_owned),
        }
    }

    #[test]
    fn a_row_names_both_interfaces_and_can_be_followed_once() {
        let shown = row(&[other("pages", None), other("jobs", None)]).expect("a row");
        assert!(shown.what.starts_with("2 counters over piws, and over ledm. "), "{}", shown.what);
        assert!(shown.what.contains("2000 pages over piws, 500 pages over ledm"), "{}", shown.what);
        assert_eq!((shown.other.as_str(), shown.hidden.len()), ("ledm", 4));
        let said = row(&[other("pages", Some("ledm"))]).expect("a row");
        assert!(said.hidden.is_empty() && said.what.starts_with("1 counter over"));
        assert!(row(&[]).is_none());
    }
}

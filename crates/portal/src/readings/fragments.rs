//! Pieces of SQL that judge breaks of counters: one text for the list of what waits and for a printer's page, so
//! that both say the same of a break.
//!
//! They judge the row `segment` of the statement around them. Deliberately absent: whole statements.

/// When the last reading before a segment was made.
macro_rules! last_before {
    () => {
        "(select max(earlier.read_at) from reading as earlier
            where earlier.reseller_id = segment.reseller_id and earlier.printer_id = segment.printer_id
              and earlier.meter = segment.meter and earlier.media = segment.media
              and earlier.read_at < segment.opened_at)"
    };
}
pub(crate) use last_before;

/// One value of the decision that counts for the break before a segment, null where there is none: of all of
/// them the one on the latest instant, then the one made last, as in `billing::split`.
macro_rules! decided {
    ($value:literal) => {
        concat!(
            "(select ",
            $value,
            " from segment_decision as decided
                where decided.reseller_id = segment.reseller_id and decided.printer_id = segment.printer_id
                  and decided.meter = segment.meter and decided.media = segment.media
                  and decided.at <= segment.opened_at and decided.at > coalesce(",
            $crate::readings::last_before!(),
            ", 0)
                order by decided.at desc, decided.decided_at desc, decided.decision_id desc limit 1)"
        )
    };
}
pub(crate) use decided;

/// Whether the break before a segment still waits for somebody. Another interface, and a rise that is held, wait
/// until somebody says from where they count.
macro_rules! waits {
    () => {
        concat!(
            "(segment.reason in ('decrease', 'interface', 'rise') and coalesce(",
            $crate::readings::decided!(
                "case when decided.reason = 'decrease'
                    or (decided.reason in ('interface', 'rise') and decided.counts_from is null) then 1 else 0 end"
            ),
            ", 1) = 1)"
        )
    };
}
pub(crate) use waits;

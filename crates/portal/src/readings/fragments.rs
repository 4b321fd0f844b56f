//! Pieces of SQL that judge breaks of counters: one text for the list of what waits and for a printer's page, so
//! that both say the same of a break; and one for the readings and the decisions of a period, so that both reach as
//! far around its edges.
//!
//! They judge the row `segment`, or the counter of a row, of the statement around them. Deliberately absent: whole
//! statements.

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

/// Where the readings of a counter begin that are wanted from `$5` on, by the row `$of` of that counter: right before
/// what a person may say, or has said, was misread at `$5`; else there. That is a fall that came back later, and
/// readings that were too high before a fall.
macro_rules! begins {
    ($of:literal) => {
        concat!(
            "coalesce((select min(part.mark) - 1 from (
                select back.dip_at as mark from segment as back
                    where back.reseller_id = ",
            $of,
            ".reseller_id and back.printer_id = ",
            $of,
            ".printer_id and back.meter = ",
            $of,
            ".meter and back.media = ",
            $of,
            ".media and back.opened_at > $5 and back.dip_at <= $5
                union all
                select spike.since_at as mark from segment_decision as spike
                    where spike.reseller_id = ",
            $of,
            ".reseller_id and spike.printer_id = ",
            $of,
            ".printer_id and spike.meter = ",
            $of,
            ".meter and spike.media = ",
            $of,
            ".media and spike.at > $5 and spike.since_at <= $5) as part), $5)"
        )
    };
}
pub(crate) use begins;

/// The fall at which the readings of a counter end that are wanted until the first one after `$4`, by the row `$of`
/// of that counter: where that one, or what stands at `$4`, was too high; else null.
macro_rules! ends {
    ($of:literal) => {
        concat!(
            "(select max(spike.at) from segment_decision as spike
                where spike.reseller_id = ",
            $of,
            ".reseller_id and spike.printer_id = ",
            $of,
            ".printer_id and spike.meter = ",
            $of,
            ".meter and spike.media = ",
            $of,
            ".media and spike.at > $4 and spike.since_at is not null
                and not exists (select 1 from reading as sooner
                    where sooner.reseller_id = spike.reseller_id and sooner.printer_id = spike.printer_id
                    and sooner.meter = spike.meter and sooner.media = spike.media
                    and sooner.read_at > $4 and sooner.read_at < spike.since_at))"
        )
    };
}
pub(crate) use ends;

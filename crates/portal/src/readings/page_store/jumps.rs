//! Readings that were too high before a counter fell: where they begin, which breaks lie among them, and those that a
//! person said to be so.
//!
//! Deliberately absent: what is counted without them, which `billing::split` says; and any guess: where a counter
//! could have jumped, a person is asked.

use super::Broken;
use crate::db::{DbError, Tx, params};
use crate::readings::{decided, waits};
use crate::shell::ResellerScope;
use billing::{SegmentReason, falls_back};
use report::{Duration, Instant};

/// How long before a fall its jump is looked for: 400 days.
const BACK: Duration = Duration::hours(-400 * 24);
/// Readings that a printer's page shows as too high.
const SHOWN_MAX: i64 = 50;

/// The last reading before a fall that is not above the value it fell to, and the first one after that.
const JUMP: &str = "select low.value, low.read_at, high.value, high.read_at
    from reading as low
    join reading as high on high.reseller_id = low.reseller_id and high.printer_id = low.printer_id
        and high.meter = low.meter and high.media = low.media
        and high.read_at = (select min(above.read_at) from reading as above
            where above.reseller_id = low.reseller_id and above.printer_id = low.printer_id
            and above.meter = low.meter and above.media = low.media and above.read_at > low.read_at)
    where low.reseller_id = $1 and low.printer_id = $2 and low.meter = $3 and low.media = $4
    and low.read_at = (select max(known.read_at) from reading as known
        where known.reseller_id = $1 and known.printer_id = $2 and known.meter = $3 and known.media = $4
        and known.value <= $5 and known.read_at < $6 and known.read_at >= $7)
    and low.value <= $5 and high.read_at < $6
    order by low.value desc, high.value desc limit 1";
/// The breaks of a counter from `$5` on and before `$6`.
const INSIDE: &str = concat!(
    "select segment.opened_at, segment.reason, ",
    decided!("decided.reason"),
    ", case when ",
    waits!(),
    " then 1 else 0 end
    from segment
    where segment.reseller_id = $1 and segment.printer_id = $2 and segment.meter = $3 and segment.media = $4
    and segment.opened_at >= $5 and segment.opened_at < $6
    and segment.reason in ('decrease', 'interface', 'rise')
    order by segment.opened_at, segment.segment"
);
/// The readings that the decisions in force leave out as too high.
const TOO_HIGH: &str = "select distinct high.meter, high.media, high.value, high.read_at
    from segment_decision as spike
    join reading as high on high.reseller_id = spike.reseller_id and high.printer_id = spike.printer_id
        and high.meter = spike.meter and high.media = spike.media
        and high.read_at >= spike.since_at and high.read_at < spike.at
    where spike.reseller_id = $1 and spike.printer_id = $2 and spike.since_at is not null
    and high.value > (select max(low.value) from reading as low
        where low.reseller_id = spike.reseller_id and low.printer_id = spike.printer_id
        and low.meter = spike.meter and low.media = spike.media and low.read_at = spike.at)
    and not exists (select 1 from segment_decision as later
        where later.reseller_id = spike.reseller_id and later.printer_id = spike.printer_id
        and later.meter = spike.meter and later.media = spike.media and later.at = spike.at
        and (later.decided_at > spike.decided_at
             or (later.decided_at = spike.decided_at and later.decision_id > spike.decision_id)))
    order by high.read_at desc, high.meter, high.media, high.value limit $3";

/// A jump that a fall takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::readings) struct Jump {
    /// The last value before it.
    pub(in crate::readings) low: i64,
    /// When that was read.
    pub(in crate::readings) low_at: Instant,
    /// The first value after it.
    pub(in crate::readings) high: i64,
    /// When that was read.
    pub(in crate::readings) since: Instant,
}

/// A break with the jump that it takes back, where it is a fall that does.
pub(in crate::readings) fn with_jump(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    broken: Broken,
) -> Result<Broken, DbError> {
    let fell = broken.before.filter(|before| *before > broken.after && !broken.is_of_people);
    let Some(before) = fell else { return Ok(broken) };
    let (printer, at) = (broken.machine.printer_id, broken.at);
    let asked = params![scope.reseller_id(), printer, &broken.meter, &broken.media, broken.after, at, at.plus(BACK)];
    let found = tx.query_opt(JUMP, asked, |row| {
        let (low_at, since) = (Instant(row.int(1)?), Instant(row.int(3)?));
        Ok(Jump { low: row.int(0)?, low_at, high: row.int(2)?, since })
    })?;
    let jump = found.filter(|jump| falls_back((jump.low, jump.high), (before, broken.after)));
    Ok(Broken { jump, ..broken })
}

/// A break among readings that were too high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::readings) struct Inner {
    pub(in crate::readings) at: Instant,
    /// Why its segment was opened.
    pub(in crate::readings) reason: SegmentReason,
    /// What was decided last, if anything was.
    pub(in crate::readings) decided: Option<SegmentReason>,
    pub(in crate::readings) waits: bool,
}

/// The breaks among what was too high before a fall; none where it takes no jump back.
pub(in crate::readings) fn inside(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    broken: &Broken,
) -> Result<Vec<Inner>, DbError> {
    let Some(jump) = broken.jump else { return Ok(Vec::new()) };
    let printer = broken.machine.printer_id;
    let asked = params![scope.reseller_id(), printer, &broken.meter, &broken.media, jump.since, broken.at];
    tx.query(INSIDE, asked, |row| {
        let wanted = DbError::Shape { column: 1, wanted: "why a segment was opened" };
        Ok(Inner {
            at: Instant(row.int(0)?),
            reason: SegmentReason::parse(&row.text(1)?).ok_or(wanted)?,
            decided: row.opt_text(2)?.as_deref().and_then(SegmentReason::parse),
            waits: row.int(3)? == 1,
        })
    })
}

/// A reading that a person said to be too high.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::readings) struct TooHigh {
    pub(in crate::readings) meter: String,
    /// Empty for a counter that is not split by media.
    pub(in crate::readings) media: String,
    pub(in crate::readings) value: i64,
    pub(in crate::readings) read_at: Instant,
}

/// The latest readings of a printer that a person said to be too high, newest first.
pub(in crate::readings) fn too_high(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Vec<TooHigh>, DbError> {
    tx.query(TOO_HIGH, params![scope.reseller_id(), printer_id, SHOWN_MAX], |row| {
        Ok(TooHigh { meter: row.text(0)?, media: row.text(1)?, value: row.int(2)?, read_at: Instant(row.int(3)?) })
    })
}

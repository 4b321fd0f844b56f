//! Breaks that no segment of the ledger shows: those in what people read, and in numbers whose unit people declared.
//!
//! A printer that is read by hand has no segments, nor has a number without a unit; what was billed of them breaks
//! like any other counter. Deliberately absent: whether a contract counts such a reading at all.

use super::{AFTER_MACHINE, Broken, Machine, machine};
use crate::db::{DbError, Row, Tx, params};
use crate::readings::store;
use crate::shell::ResellerScope;
use billing::{Decision, DeclaredUnit, Meter, MeterKind, SegmentReason, Unitless, declared};
use report::{Decimal, Duration, Instant, RowId};

/// Readings of people that are looked at.
const HANDS_MAX: i64 = 5_000;
/// Falls of declared numbers that are looked at.
const FALLS_MAX: i64 = 200;
/// How far back declared numbers are looked at: 400 days.
const BACK: Duration = Duration::hours(-400 * 24);

/// The readings of people that stand, each with the printer's own right before and right after it, and whether
/// the printer was read within two days of it, by counter and time.
const HANDS: &str = concat!(
    "select ",
    machine!(),
    ", hand.meter, hand.media, hand.read_at, hand.value,
    (select own.read_at from reading as own
        where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
        and own.meter = hand.meter and own.media = hand.media and own.read_at <= hand.read_at
        order by own.read_at desc, own.segment desc, own.value desc limit 1),
    (select own.value from reading as own
        where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
        and own.meter = hand.meter and own.media = hand.media and own.read_at <= hand.read_at
        order by own.read_at desc, own.segment desc, own.value desc limit 1),
    (select own.read_at from reading as own
        where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
        and own.meter = hand.meter and own.media = hand.media and own.read_at > hand.read_at
        order by own.read_at, own.segment, own.value limit 1),
    (select own.value from reading as own
        where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
        and own.meter = hand.meter and own.media = hand.media and own.read_at > hand.read_at
        order by own.read_at, own.segment, own.value limit 1),
    case when exists (select 1 from reading_set as seen
        where seen.reseller_id = hand.reseller_id and seen.printer_id = hand.printer_id
        and seen.read_at >= hand.read_at - 172800000 and seen.read_at <= hand.read_at + 172800000)
        then 1 else 0 end
    from hand_reading as hand
    join printer on printer.reseller_id = hand.reseller_id and printer.printer_id = hand.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where hand.reseller_id = $1 and (hand.printer_id = $2 or cast($2 as bigint) = 0) and hand.withdrawn_at is null
    order by hand.printer_id, hand.meter, hand.media, hand.read_at, hand.reading_id limit $3"
);
/// Where a number of row U17 is lower than the one before, of models whose unit is declared.
const FALLS: &str = concat!(
    "select ",
    machine!(),
    ", low.at, low.number, low.earlier_at, low.earlier, low.product_number, low.firmware
    from (select known.printer_id, known.at, known.number, known.product_number, known.firmware,
            lag(known.at) over (partition by known.printer_id order by known.at) as earlier_at,
            lag(known.number) over (partition by known.printer_id order by known.at) as earlier
        from unitless as known
        where known.reseller_id = $1 and (known.printer_id = $2 or cast($2 as bigint) = 0)
        and known.subject = 'reading' and known.row = 'U17' and known.at >= $3
        and exists (select 1 from declared_unit as made
            where made.reseller_id = known.reseller_id and made.product_number = known.product_number
            and made.row = known.row and made.withdrawn_at is null)) as low
    join printer on printer.reseller_id = $1 and printer.printer_id = low.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 and low.number <> low.earlier
    and cast(case when low.number like '% %' then '0' else low.number end as double precision)
        < cast(case when low.earlier like '% %' then '0' else low.earlier end as double precision)
    order by low.at desc, low.printer_id limit $4"
);

/// A value and when it was read.
type Point = (Instant, i64);

/// A reading of a person beside the printer's own.
#[derive(Debug, Clone)]
struct Hand {
    machine: Machine,
    meter: String,
    media: String,
    point: Point,
    own_before: Option<Point>,
    own_after: Option<Point>,
    /// Whether the printer was read near it, so that it does not count as a rule.
    is_beside: bool,
}

fn hand(row: &Row) -> Result<Hand, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    let point = |at: usize| -> Result<Option<Point>, DbError> {
        Ok(row.opt_int(FIRST + at)?.map(Instant).zip(row.opt_int(FIRST + at + 1)?))
    };
    Ok(Hand {
        machine: machine(row)?,
        meter: row.text(FIRST)?,
        media: row.text(FIRST + 1)?,
        point: point(2)?.ok_or(DbError::Shape { column: FIRST + 2, wanted: "a reading" })?,
        own_before: point(4)?,
        own_after: point(6)?,
        is_beside: row.int(FIRST + 8)? == 1,
    })
}

/// The breaks among what people read or declared that wait for somebody, by printer and time; `printer_id` is the
/// one printer that is wanted, 0 for all.
pub(in crate::readings) fn waiting(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    now: Instant,
) -> Result<Vec<Broken>, DbError> {
    let mut all = all(tx, scope, printer_id, now)?;
    if all.is_empty() {
        return Ok(all);
    }
    let printers: Vec<i64> = all.iter().map(|broken| broken.machine.printer_id).collect();
    let decided = store::decisions(tx, scope, &printers)?;
    all.retain(|broken| waits(broken, decided.get(&broken.machine.printer_id).map_or(&[], Vec::as_slice)));
    Ok(all)
}

/// The break of a counter at an instant, whether it waits or not.
pub(in crate::readings) fn one(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (meter, media): (&str, &str),
    (at, now): (Instant, Instant),
) -> Result<Option<Broken>, DbError> {
    let all = all(tx, scope, printer_id, now)?;
    let is_it = |broken: &Broken| broken.at == at && (broken.meter.as_str(), broken.media.as_str()) == (meter, media);
    Ok(all.into_iter().find(is_it))
}

fn all(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64, now: Instant) -> Result<Vec<Broken>, DbError> {
    let reseller = scope.reseller_id();
    let hands = tx.query(HANDS, params![reseller, printer_id, HANDS_MAX], hand)?;
    let mut all = breaks(&hands);
    let units: Vec<DeclaredUnit> = store::declarations(tx, scope)?.into_iter().map(|made| made.unit).collect();
    if units.iter().any(|unit| unit.row == RowId::U17) {
        let params = params![reseller, printer_id, now.plus(BACK), FALLS_MAX];
        let falls = tx.query(FALLS, params, |row| fall(row, &units))?;
        all.extend(falls.into_iter().flatten());
    }
    all.sort_by_key(|broken| (broken.machine.printer_id, broken.at));
    Ok(all)
}

/// Where readings of people, by counter and time, do not go on from what was read before, or the printer's own
/// do not from theirs.
fn breaks(hands: &[Hand]) -> Vec<Broken> {
    let mut found = Vec::new();
    let of_counter = |hand: &Hand| (hand.machine.printer_id, hand.meter.clone(), hand.media.clone());
    for hands in hands.chunk_by(|a, b| of_counter(a) == of_counter(b)) {
        let mut before: Option<Point> = None;
        for (place, hand) in hands.iter().enumerate() {
            let last = before.max(hand.own_before);
            if let Some(last) = last.filter(|(_, value)| hand.point.1 < *value) {
                found.push(broken(hand, last, hand.point));
            }
            let next = hands.get(place + 1).map(|next| next.point.0);
            let own = hand
                .own_after
                .filter(|(at, value)| !hand.is_beside && *value < hand.point.1 && next.is_none_or(|next| *at < next));
            if let Some(own) = own {
                found.push(broken(hand, hand.point, own));
            }
            before = Some(hand.point);
        }
    }
    found
}

fn broken(hand: &Hand, before: Point, after: Point) -> Broken {
    Broken {
        machine: hand.machine.clone(),
        meter: hand.meter.clone(),
        media: hand.media.clone(),
        at: after.0,
        before: Some(before.1),
        after: after.1,
        before_at: Some(before.0),
        reason: SegmentReason::Decrease,
        note: "A person read this counter. Withdraw the reading if it was wrong.".to_owned(),
        sources: (String::new(), String::new()),
        pair: None,
        decided: None,
        is_of_people: true,
    }
}

/// A fall of a number whose unit is declared; `None` where it is none by that unit.
fn fall(row: &Row, units: &[DeclaredUnit]) -> Result<Option<Broken>, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    let (product, firmware) = (row.text(FIRST + 4)?, row.text(FIRST + 5)?);
    let worth = |text: &str| {
        let number = Decimal::parse(text)?;
        let worth = declared(&[Unitless { row: RowId::U17, number }], &product, &firmware, units);
        worth.first().map(|quantity| quantity.amount)
    };
    let (after, before) = (worth(&row.text(FIRST + 1)?), worth(&row.text(FIRST + 3)?));
    let Some((after, before)) = after.zip(before).filter(|(after, before)| after < before) else { return Ok(None) };
    Ok(Some(Broken {
        machine: machine(row)?,
        meter: Meter::whole(MeterKind::AreaMedia).to_string(),
        media: String::new(),
        at: Instant(row.int(FIRST)?),
        before: Some(before),
        after,
        before_at: row.opt_int(FIRST + 2)?.map(Instant),
        reason: SegmentReason::Decrease,
        note: "The printer gives this number without a unit.".to_owned(),
        sources: (String::new(), String::new()),
        pair: None,
        decided: None,
        is_of_people: true,
    }))
}

/// Whether nobody has said yet why a counter broke: of the decisions between the two readings the one on the
/// latest instant counts, then the one made last, as in `billing::split`.
fn waits(broken: &Broken, decisions: &[Decision]) -> bool {
    let is_between = |decision: &&Decision| {
        let of_counter = (decision.meter.to_string(), decision.media.as_deref().unwrap_or(""));
        of_counter == (broken.meter.clone(), broken.media.as_str())
            && decision.at <= broken.at
            && broken.before_at.is_none_or(|before| before < decision.at)
    };
    let last = decisions.iter().filter(is_between).max_by_key(|decision| (decision.at, decision.decided_at));
    last.is_none_or(|decision| decision.reason.is_pending() && decision.counts_from.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine_of(printer_id: i64) -> Machine {
        Machine {
            printer_id,
            serial: "CN1".to_owned(),
            label: "Hall 2".to_owned(),
            customer_id: 4,
            customer: "Kessler".to_owned(),
            zone: "Europe/Berlin".to_owned(),
        }
    }

    /// Instant, value, the printer's own before and after.
    type Row = (i64, i64, Option<(i64, i64)>, Option<(i64, i64)>);

    fn found(rows: &[Row], is_beside: bool) -> Vec<(i64, Option<i64>, i64)> {
        let point = |(at, value): (i64, i64)| (Instant(at), value);
        let hand = |(at, value, before, after): &Row| Hand {
            machine: machine_of(7),
            meter: "pages".to_owned(),
            media: String::new(),
            point: (Instant(*at), *value),
            own_before: before.map(point),
            own_after: after.map(point),
            is_beside,
        };
        let hands: Vec<Hand> = rows.iter().map(hand).collect();
        breaks(&hands).into_iter().map(|broken| (broken.at.0, broken.before, broken.after)).collect()
    }

    #[test]
    fn a_reading_by_hand_breaks_where_it_is_lower_than_what_was_read_before() {
        assert_eq!(found(&[(10, 18_000, None, None), (40, 50, None, None)], false), [(40, Some(18_000), 50)]);
        assert!(found(&[(10, 100, None, None), (40, 150, None, None)], false).is_empty());
        // The printer's own before it, and one after it.
        let own = [(20, 90, Some((5, 100)), Some((30, 80)))];
        assert_eq!(found(&own, false), [(20, Some(100), 90), (30, Some(90), 80)]);
        // Where the printer was read near it, the printer's own count on.
        assert_eq!(found(&own, true), [(20, Some(100), 90)]);
        // A later reading of a person lies between.
        assert!(found(&[(20, 190, None, Some((60, 80))), (50, 200, None, None)], false).is_empty());
    }

    #[test]
    fn it_waits_until_somebody_says_why_and_again_when_that_is_taken_back() {
        let hand = Hand {
            machine: machine_of(7),
            meter: "pages".to_owned(),
            media: String::new(),
            point: (Instant(40), 50),
            own_before: None,
            own_after: None,
            is_beside: false,
        };
        let broken = broken(&hand, (Instant(10), 18_000), (Instant(40), 50));
        let decision = |at: i64, decided_at: i64, reason: SegmentReason| Decision {
            meter: Meter::whole(MeterKind::Pages),
            media: None,
            at: Instant(at),
            reason,
            counts_from: None,
            width: None,
            by: "Ada".to_owned(),
            decided_at: Instant(decided_at),
        };
        let (swap, back) = (decision(40, 1, SegmentReason::Swap), decision(40, 2, SegmentReason::Decrease));
        assert!(waits(&broken, &[]));
        assert!(!waits(&broken, std::slice::from_ref(&swap)));
        assert!(waits(&broken, &[back, swap]));
        assert!(waits(&broken, &[decision(10, 1, SegmentReason::Swap), decision(41, 1, SegmentReason::Swap)]));
    }
}

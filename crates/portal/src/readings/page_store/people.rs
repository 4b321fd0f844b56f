//! Breaks that no segment of the ledger shows: those in what people read, and in numbers whose unit people declared.
//!
//! A printer that is read by hand has no segments, nor has a number without a unit; what was billed of them breaks
//! like any other counter. A reading of a person that its contract does not count is none: whatever was decided
//! about it would break the printer's own series. Deliberately absent: what a break counts (see `settle`).

use super::{AFTER_MACHINE, Broken, Machine, machine, source};
use crate::db::{DbError, Param, Row, Tx, params};
use crate::readings::store;
use crate::shell::ResellerScope;
use billing::ledger::assemble::admits;
use billing::{Decision, DeclaredUnit, Meter, MeterKind, ReadingSource, SegmentReason, Terms, Unitless, declared};
use report::{Decimal, Duration, Instant, RowId};
use std::collections::{BTreeMap, BTreeSet};

/// Counters with an odd reading of a person that are looked at.
const COUNTERS_MAX: i64 = 500;
/// Falls of declared numbers that are looked at.
const FALLS_MAX: i64 = 200;
/// How far back one printer's declared numbers are looked at: 400 days.
const BACK: Duration = Duration::hours(-400 * 24);
/// How far back those of all printers are: 62 days. What waited for longer stands on its printer's own list.
const BACK_OF_ALL: Duration = Duration::hours(-62 * 24);

/// The counters with a reading of a person that is lower than what was read before it, or higher than what the
/// printer said after it.
const SUSPECTS: &str = "select distinct hand.printer_id, hand.meter, hand.media
    from (select entered.reseller_id, entered.printer_id, entered.meter, entered.media, entered.read_at,
            entered.value, lag(entered.value) over (partition by entered.printer_id, entered.meter, entered.media
                order by entered.read_at, entered.reading_id) as last_value
        from hand_reading as entered
        where entered.reseller_id = $1 and entered.withdrawn_at is null
        and (entered.printer_id = $2 or (cast($2 as bigint) = 0 and entered.read_at >= $3))) as hand
    where hand.reseller_id = $1 and (hand.value < hand.last_value
        or hand.value < (select own.value from reading as own
            where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
            and own.meter = hand.meter and own.media = hand.media and own.read_at <= hand.read_at
            order by own.read_at desc, own.segment desc, own.value desc limit 1)
        or hand.value > (select own.value from reading as own
            where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
            and own.meter = hand.meter and own.media = hand.media and own.read_at > hand.read_at
            order by own.read_at, own.segment, own.value limit 1))
    order by hand.printer_id, hand.meter, hand.media limit $4";
/// One value of the printer's own reading of a counter right before a person's, or right after it.
macro_rules! own {
    ($value:literal, before) => {
        own!($value, "<= hand.read_at order by own.read_at desc, own.segment desc, own.value desc")
    };
    ($value:literal, after) => {
        own!($value, "> hand.read_at order by own.read_at, own.segment, own.value")
    };
    ($value:literal, $side:literal) => {
        concat!(
            "(select own.",
            $value,
            " from reading as own
                where own.reseller_id = hand.reseller_id and own.printer_id = hand.printer_id
                and own.meter = hand.meter and own.media = hand.media and own.read_at ",
            $side,
            " limit 1)"
        )
    };
}
/// When the printer said a counter on one side of a person's reading, its value new or not, within sixty days: no
/// contract looks further.
macro_rules! near {
    ($function:literal, $side:literal) => {
        concat!(
            "(select ",
            $function,
            "(seen.read_at) from counter as known
                join reading_set as seen on seen.reseller_id = known.reseller_id
                    and seen.printer_id = known.printer_id and seen.read_at <= known.read_at
                where known.reseller_id = hand.reseller_id and known.printer_id = hand.printer_id
                and known.meter = hand.meter and known.media = hand.media and seen.odd = 0
                and (known.bit = 0 or (seen.counted & known.bit) <> 0) and ",
            $side,
            ")"
        )
    };
}
/// The readings of people with the printer's own beside them, and whether a stay of the printer begins or ends
/// with it.
const HANDS: &str = concat!(
    "select ",
    machine!(),
    ", hand.meter, hand.media, hand.read_at, hand.value, hand.reading_id, hand.source, hand.withdrawn_at, ",
    own!("read_at", before),
    ", ",
    own!("value", before),
    ", ",
    own!("read_at", after),
    ", ",
    own!("value", after),
    ", ",
    near!("max", "seen.read_at <= hand.read_at and seen.read_at >= hand.read_at - 5184000000"),
    ", ",
    near!("min", "seen.read_at > hand.read_at and seen.read_at <= hand.read_at + 5184000000"),
    ", case when exists (select 1 from contract_printer as stay
            where stay.reseller_id = hand.reseller_id and stay.printer_id = hand.printer_id
            and (stay.from_at = hand.read_at or stay.to_at = hand.read_at))
        or exists (select 1 from printer_site as moved
            where moved.reseller_id = hand.reseller_id and moved.printer_id = hand.printer_id
            and moved.from_at = hand.read_at) then 1 else 0 end
    from hand_reading as hand
    join printer on printer.reseller_id = hand.reseller_id and printer.printer_id = hand.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id"
);
/// The versions of the contracts that these printers were in.
const TERMS: &str = "select stay.printer_id, stay.from_at, stay.to_at, made.valid_from, made.version, made.terms
    from contract_printer as stay
    join contract_version as made on made.reseller_id = stay.reseller_id and made.contract_id = stay.contract_id
        and made.state = 'standing'";
/// Where a number of row U17 may be lower than the one before, of models whose unit is declared: it is a smaller
/// number, or one by another firmware, whose unit may be another one.
const FALLS: &str = concat!(
    "select ",
    machine!(),
    ", low.at, low.number, low.earlier_at, low.earlier, low.product_number, low.firmware, low.earlier_product,
    low.earlier_firmware
    from (select known.printer_id, known.at, known.number, known.product_number, known.firmware,
            lag(known.at) over (partition by known.printer_id order by known.at) as earlier_at,
            lag(known.number) over (partition by known.printer_id order by known.at) as earlier,
            lag(known.product_number) over (partition by known.printer_id order by known.at) as earlier_product,
            lag(known.firmware) over (partition by known.printer_id order by known.at) as earlier_firmware
        from unitless as known
        where known.reseller_id = $1 and (known.printer_id = $2 or cast($2 as bigint) = 0)
        and known.subject = 'reading' and known.row = 'U17' and known.at >= $3
        and exists (select 1 from declared_unit as made
            where made.reseller_id = known.reseller_id and made.product_number = known.product_number
            and (made.firmware = '' or made.firmware = known.firmware)
            and made.row = known.row and made.withdrawn_at is null)) as low
    join printer on printer.reseller_id = $1 and printer.printer_id = low.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 and low.earlier is not null
    and (low.product_number <> low.earlier_product or low.firmware <> low.earlier_firmware
        or cast(case when low.number like '% %' then '0' else low.number end as double precision)
        < cast(case when low.earlier like '% %' then '0' else low.earlier end as double precision))
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
    reading_id: i64,
    source: ReadingSource,
    is_withdrawn: bool,
    own_before: Option<Point>,
    own_after: Option<Point>,
    /// When the printer said this counter before it and after it, its value new or not.
    near: [Option<Instant>; 2],
    /// Whether a stay of the printer begins or ends with it.
    is_edge: bool,
}

impl Hand {
    fn counter(&self) -> (i64, &str, &str) {
        (self.machine.printer_id, self.meter.as_str(), self.media.as_str())
    }

    /// Whether it counts, by the terms that the printer is under.
    fn counts(&self, versions: &[Version]) -> bool {
        let (at, own) = (self.point.0, self.near.into_iter().flatten());
        admits(terms_at(versions, at), (self.source, at), own, self.is_edge)
    }
}

fn hand(row: &Row) -> Result<Hand, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    let instant = |at: usize| -> Result<Option<Instant>, DbError> { Ok(row.opt_int(FIRST + at)?.map(Instant)) };
    let point = |at: usize| -> Result<Option<Point>, DbError> { Ok(instant(at)?.zip(row.opt_int(FIRST + at + 1)?)) };
    Ok(Hand {
        machine: machine(row)?,
        meter: row.text(FIRST)?,
        media: row.text(FIRST + 1)?,
        point: point(2)?.ok_or(DbError::Shape { column: FIRST + 2, wanted: "a reading" })?,
        reading_id: row.int(FIRST + 4)?,
        source: source(row, FIRST + 5)?,
        is_withdrawn: row.opt_int(FIRST + 6)?.is_some(),
        own_before: point(7)?,
        own_after: point(9)?,
        near: [instant(11)?, instant(12)?],
        is_edge: row.int(FIRST + 13)? == 1,
    })
}

/// A version of the terms that a printer is under from an instant on.
#[derive(Debug, Clone)]
struct Version {
    from: Instant,
    to: Option<Instant>,
    valid_from: Instant,
    number: i64,
    terms: Terms,
}

/// The terms by which what was read at `at` counts: those of the stay that holds it, else of the next one, which
/// may begin with it.
fn terms_at(versions: &[Version], at: Instant) -> Option<&Terms> {
    let goes_on = |version: &&Version| version.to.is_none_or(|to| at <= to);
    let from = versions.iter().filter(goes_on).map(|version| version.from).min()?;
    let of_stay = versions.iter().filter(|version| version.from == from && version.valid_from <= at.max(from));
    of_stay.max_by_key(|version| (version.valid_from, version.number)).map(|version| &version.terms)
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
    let mut all = breaks(&hands(tx, scope, printer_id, now)?);
    let units: Vec<DeclaredUnit> = store::declarations(tx, scope)?.into_iter().map(|made| made.unit).collect();
    if units.iter().any(|unit| unit.row == RowId::U17) {
        let back = if printer_id == 0 { BACK_OF_ALL } else { BACK };
        let params = params![reseller, printer_id, now.plus(back), FALLS_MAX];
        let falls = tx.query(FALLS, params, |row| fall(row, &units))?;
        all.extend(falls.into_iter().flatten());
    }
    all.sort_by_key(|broken| (broken.machine.printer_id, broken.at));
    Ok(all)
}

/// The readings of people that count, of counters with an odd one, by counter and time.
fn hands(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64, now: Instant) -> Result<Vec<Hand>, DbError> {
    let reseller = scope.reseller_id();
    let asked = params![reseller, printer_id, now.plus(BACK), COUNTERS_MAX];
    let suspects: Vec<(i64, String, String)> =
        tx.query(SUSPECTS, asked, |row| Ok((row.int(0)?, row.text(1)?, row.text(2)?)))?;
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    let printers: BTreeSet<i64> = suspects.iter().map(|(printer, ..)| *printer).collect();
    let keys: Vec<Vec<Param>> =
        suspects.iter().map(|(printer, meter, media)| params![reseller, *printer, meter, media].to_vec()).collect();
    let columns = ["hand.reseller_id", "hand.printer_id", "hand.meter", "hand.media"];
    let mut hands = tx.query_any(HANDS, &columns, &keys, hand)?;
    let versions = versions(tx, scope, &printers)?;
    hands.retain(|hand| {
        let of_printer = versions.get(&hand.machine.printer_id).map_or(&[][..], Vec::as_slice);
        !hand.is_withdrawn && hand.counts(of_printer)
    });
    hands.sort_by(|a, b| (a.counter(), a.point.0, a.reading_id).cmp(&(b.counter(), b.point.0, b.reading_id)));
    Ok(hands)
}

/// The versions of the terms that these printers are under.
fn versions(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printers: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Vec<Version>>, DbError> {
    let keys: Vec<Vec<Param>> =
        printers.iter().map(|printer| params![scope.reseller_id(), *printer].to_vec()).collect();
    let found = tx.query_any(TERMS, &["stay.reseller_id", "stay.printer_id"], &keys, |row| {
        let version = Version {
            from: Instant(row.int(1)?),
            to: row.opt_int(2)?.map(Instant),
            valid_from: Instant(row.int(3)?),
            number: row.int(4)?,
            terms: serde_json::from_str(&row.text(5)?)?,
        };
        Ok((row.int(0)?, version))
    })?;
    let mut versions: BTreeMap<i64, Vec<Version>> = BTreeMap::new();
    for (printer, version) in found {
        versions.entry(printer).or_default().push(version);
    }
    Ok(versions)
}

/// Where readings of people, by counter and time, do not go on from what was read before, or the printer's own
/// do not from theirs.
fn breaks(hands: &[Hand]) -> Vec<Broken> {
    let mut found = Vec::new();
    for hands in hands.chunk_by(|a, b| a.counter() == b.counter()) {
        let mut before: Option<Point> = None;
        for (place, hand) in hands.iter().enumerate() {
            let last = before.max(hand.own_before);
            if let Some(last) = last.filter(|(_, value)| hand.point.1 < *value) {
                found.push(Broken { is_of_people: true, ..broken(hand, last, hand.point) });
            }
            let next = hands.get(place + 1).map(|next| next.point.0);
            let lower = hand.own_after.filter(|(_, value)| *value < hand.point.1);
            if let Some(own) = lower.filter(|(at, _)| next.is_none_or(|next| *at < next)) {
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
        jump: None,
        decided: None,
        is_of_people: false,
    }
}

/// A fall of a number whose unit is declared; `None` where it is none by the units of both.
fn fall(row: &Row, units: &[DeclaredUnit]) -> Result<Option<Broken>, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    let worth = |number: usize, model: usize| -> Result<Option<i64>, DbError> {
        let (product, firmware) = (row.text(FIRST + model)?, row.text(FIRST + model + 1)?);
        let number = Decimal::parse(&row.text(FIRST + number)?).map(|number| Unitless { row: RowId::U17, number });
        let worth = number.map(|number| declared(&[number], &product, &firmware, units));
        Ok(worth.unwrap_or_default().first().map(|quantity| quantity.amount))
    };
    let (after, before) = (worth(1, 4)?, worth(3, 6)?);
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
        jump: None,
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
    use billing::clauses::proof::{Manual, Proof};
    use billing::{Clause, Currency};

    const DAY: i64 = 86_400_000;

    /// Instant, value, the printer's own before and after.
    type Row = (i64, i64, Option<(i64, i64)>, Option<(i64, i64)>);

    fn hand(&(at, value, before, after): &Row) -> Hand {
        let point = |(at, value): (i64, i64)| (Instant(at), value);
        Hand {
            machine: Machine::sample(7),
            meter: "pages".to_owned(),
            media: String::new(),
            point: (Instant(at), value),
            reading_id: at,
            source: ReadingSource::Manual,
            is_withdrawn: false,
            own_before: before.map(point),
            own_after: after.map(point),
            near: [None, None],
            is_edge: false,
        }
    }

    fn found(rows: &[Row]) -> Vec<(i64, Option<i64>, i64)> {
        let hands: Vec<Hand> = rows.iter().map(hand).collect();
        breaks(&hands).into_iter().map(|broken| (broken.at.0, broken.before, broken.after)).collect()
    }

    #[test]
    fn a_reading_by_hand_breaks_where_it_is_lower_than_what_was_read_before() {
        assert_eq!(found(&[(10, 18_000, None, None), (40, 50, None, None)]), [(40, Some(18_000), 50)]);
        assert!(found(&[(10, 100, None, None), (40, 150, None, None)]).is_empty());
        // The printer's own before it, and one after it.
        let own = [(20, 90, Some((5, 100)), Some((30, 80)))];
        assert_eq!(found(&own), [(20, Some(100), 90), (30, Some(90), 80)]);
        // A later reading of a person lies between.
        assert!(found(&[(20, 190, None, Some((60, 80))), (50, 200, None, None)]).is_empty());
    }

    #[test]
    fn what_the_printer_said_after_it_is_not_left_out_as_misread() {
        let broken = breaks(&[hand(&(20, 90, Some((5, 100)), Some((30, 80))))]);
        assert_eq!(broken.iter().map(|broken| broken.is_of_people).collect::<Vec<_>>(), [true, false]);
    }

    fn version(from: i64, to: Option<i64>, number: i64, manual: Option<Manual>) -> Version {
        let mut terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
        terms.clauses = manual.map(|manual| Clause::Proof(Proof { manual, ..Proof::default() })).into_iter().collect();
        Version { from: Instant(from), to: to.map(Instant), valid_from: Instant(from), number, terms }
    }

    #[test]
    fn a_reading_by_hand_is_looked_at_where_its_contract_counts_it() {
        let lone = hand(&(100 * DAY, 90, None, None));
        let near = Hand { near: [Some(Instant(99 * DAY)), None], ..lone.clone() };
        let far = Hand { near: [Some(Instant(90 * DAY)), Some(Instant(103 * DAY))], ..lone.clone() };
        let edge = Hand { is_edge: true, ..near.clone() };
        let (usual, always) = ([version(0, None, 1, None)], [version(0, None, 1, Some(Manual::Always))]);
        let never = [version(0, None, 1, Some(Manual::Never))];
        // The reading, whether it counts in no contract, as usual, always, never.
        for (hand, expected) in [
            (&lone, [true, true, true, false]),
            (&near, [false, false, true, false]),
            (&far, [true, true, true, false]),
            (&edge, [true, true, true, false]),
        ] {
            let terms: [&[Version]; 4] = [&[], &usual, &always, &never];
            assert_eq!(terms.map(|versions| hand.counts(versions)), expected, "{hand:?}");
        }
    }

    #[test]
    fn the_terms_of_a_reading_are_those_of_its_stay_else_of_the_next() {
        let versions = [
            version(100, Some(200), 1, None),
            version(200, None, 2, Some(Manual::Always)),
            version(200, None, 3, Some(Manual::Never)),
        ];
        let at = |at: i64| terms_at(&versions, Instant(at)).map(|terms| terms.clauses.clone());
        let clauses = |place: usize| Some(versions[place].terms.clauses.clone());
        assert_eq!((at(50), at(150), at(200), at(201)), (clauses(0), clauses(0), clauses(0), clauses(2)));
        assert!(terms_at(&versions[..1], Instant(201)).is_none());
    }

    #[test]
    fn it_waits_until_somebody_says_why_and_again_when_that_is_taken_back() {
        let broken = broken(&hand(&(40, 50, None, None)), (Instant(10), 18_000), (Instant(40), 50));
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

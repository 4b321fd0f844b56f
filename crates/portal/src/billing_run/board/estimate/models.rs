//! What printers of a model counted in the months before a period, in the reseller's whole fleet: for estimates
//! of one that was not read.
//!
//! It is read from usage cells, which hold whole months of what jobs said. A printer counts where it was read
//! before these months and after them, and where its jobs say something of that kind: of others nobody knows
//! whether they printed. Deliberately absent: whether a contract estimates in this way, and the mean itself,
//! which the billing crate works out.

use crate::db::{DbError, Tx, params};
use crate::shell::{Error, ResellerScope};
use billing::{Day, Meter, MeterKind, ModelUse, Period, PeriodError};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Whole months before the period that are looked at: some 90 days.
const MONTHS: i32 = 3;
/// Fewer other printers than this are no mean, and would show what a single customer prints.
const PRINTERS_MIN: usize = 3;

/// The models of a contract's printers.
const MODELS: &str = "select distinct stay.printer_id, known.product_number
    from contract_printer as stay
    join printer as known on known.reseller_id = stay.reseller_id and known.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2 and known.product_number <> ''";
/// What each printer of these models counted in the months from `$3` to before `$4`, of those that were read before
/// and after them.
const COUNTED: &str = "select known.product_number, known.printer_id, used.meter, used.media,
    cast(sum(used.quantity) as bigint)
    from printer as known
    join usage as used on used.reseller_id = known.reseller_id and used.printer_id = known.printer_id
        and used.month >= $3 and used.month < $4
    where known.reseller_id = $1
    and known.product_number in (select same.product_number from contract_printer as stay
        join printer as same on same.reseller_id = stay.reseller_id and same.printer_id = stay.printer_id
        where stay.reseller_id = $1 and stay.contract_id = $2)
    and exists (select 1 from reading_set as earlier where earlier.reseller_id = known.reseller_id
        and earlier.printer_id = known.printer_id and earlier.read_at <= $5)
    and exists (select 1 from reading_set as later where later.reseller_id = known.reseller_id
        and later.printer_id = known.printer_id and later.read_at >= $6)
    group by known.product_number, known.printer_id, used.meter, used.media";

/// A meter and, where it is split by that, the media type.
type Key = (Meter, Option<String>);

/// What the printers of one model counted.
#[derive(Debug, Default)]
struct Model {
    /// The printers whose jobs say something of a kind.
    printers: BTreeMap<MeterKind, BTreeSet<i64>>,
    counted: BTreeMap<Key, Cell>,
}

/// What was counted under one key.
#[derive(Debug, Default)]
struct Cell {
    all: i64,
    of_printer: BTreeMap<i64, i64>,
}

impl Model {
    fn add(&mut self, printer: i64, key: Key, quantity: i64) {
        self.printers.entry(key.0.kind()).or_default().insert(printer);
        let cell = self.counted.entry(key).or_default();
        cell.all = cell.all.saturating_add(quantity);
        let own = cell.of_printer.entry(printer).or_default();
        *own = own.saturating_add(quantity);
    }
}

/// What the models of a contract's printers counted in the months before a period.
#[derive(Debug)]
pub(super) struct Models {
    /// The model of each printer of the contract that said one.
    of: BTreeMap<i64, String>,
    models: BTreeMap<String, Model>,
    /// How many days these months have.
    days: u32,
    /// The first instant after them.
    until: Instant,
}

impl Models {
    /// Reads them for the printers of a contract, in two queries. `zone` is the contract's.
    pub(super) fn read(
        tx: &mut Tx<'_>,
        scope: &ResellerScope,
        contract_id: i64,
        period: Period,
        zone: &str,
    ) -> Result<Models, Error> {
        let months = Months::before(period, zone).map_err(|error| Error::Conflict(format!("Period: {error}.")))?;
        let reseller = scope.reseller_id();
        let of = tx.query(MODELS, params![reseller, contract_id], |row| Ok((row.int(0)?, row.text(1)?)))?;
        let mut found =
            Models { of: of.into_iter().collect(), models: BTreeMap::new(), days: months.days, until: months.end };
        let asked = params![reseller, contract_id, months.first, months.next, months.start, months.end];
        tx.query(COUNTED, asked, |row| {
            let meter = Meter::parse(&row.text(2)?).map_err(|error| DbError::Unfit(error.to_string()))?;
            let media = Some(row.text(3)?).filter(|media| !media.is_empty());
            found.models.entry(row.text(0)?).or_default().add(row.int(1)?, (meter, media), row.int(4)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// What the other printers of a printer's model counted under a meter: all media types where none is said, all
    /// categories where the meter names none. Otherwise why that is not known, as a sentence.
    pub(super) fn used(&self, printer: i64, meter: &Meter, media: Option<&str>) -> Result<ModelUse, String> {
        let Some(name) = self.of.get(&printer) else {
            return Err("No mean of the model: the printer never said its product number.".to_owned());
        };
        let (none, kind) = (Model::default(), meter.kind());
        let model = self.models.get(name).unwrap_or(&none);
        let others = model.printers.get(&kind).map_or(0, |all| all.len() - usize::from(all.contains(&printer)));
        if others < PRINTERS_MIN {
            return Err(format!(
                "No mean of the model {name}: it takes {PRINTERS_MIN} other printers that were read before and after \
                 the {} days before the period and gave figures for {} then. Known: {others}.",
                self.days,
                kind.label()
            ));
        }
        let holds = |(known, of_media): &Key| {
            known.kind() == kind
                && (meter.part().is_none() || known.part() == meter.part())
                && (media.is_none() || of_media.as_deref() == media)
        };
        let of_others = |cell: &Cell| cell.all.saturating_sub(cell.of_printer.get(&printer).copied().unwrap_or(0));
        let cells = model.counted.iter().filter(|(key, _)| holds(key));
        let quantity = cells.fold(0_i64, |sum, (_, cell)| sum.saturating_add(of_others(cell)));
        let printers = u32::try_from(others).unwrap_or(u32::MAX);
        Ok(ModelUse { printers, quantity, days: self.days, until: self.until })
    }
}

/// The whole months before the one in which a period begins.
#[derive(Debug, PartialEq, Eq)]
struct Months {
    /// The first of them, `yyyymm`.
    first: i64,
    /// The one after them.
    next: i64,
    start: Instant,
    end: Instant,
    days: u32,
}

impl Months {
    fn before(period: Period, zone: &str) -> Result<Months, PeriodError> {
        let day = Day::of(period.start, zone)?;
        let next = Day::new(day.year(), day.month(), 1)?;
        let first = next.plus_months(-MONTHS)?;
        let number = |day: Day| i64::from(day.year()) * 100 + i64::from(day.month());
        Ok(Months {
            first: number(first),
            next: number(next),
            start: first.start(zone)?,
            end: next.start(zone)?,
            // Three months have at most 92.
            days: u32::try_from(first.days_until(next)).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "Europe/Berlin";

    fn meter(name: &str) -> Meter {
        Meter::parse(name).expect("a meter")
    }

    /// Five printers of one model; each but the last has jobs with areas, printer 2 twice as much.
    fn models() -> Models {
        let mut model = Model::default();
        for (printer, quantity) in [(1, 100), (2, 200), (3, 100), (4, 100)] {
            model.add(printer, (meter("area-media/mono-line"), Some("Bond".to_owned())), quantity);
            model.add(printer, (meter("area-media/colour-line"), None), quantity / 10);
        }
        model.add(1, (meter("pages"), None), 7);
        let of = (1..=5).map(|printer| (printer, "W3Z72A".to_owned())).collect();
        let models = BTreeMap::from([("W3Z72A".to_owned(), model)]);
        Models { of, models, days: 92, until: Instant(0) }
    }

    #[test]
    fn a_printer_is_no_mean_of_itself_and_three_others_are_one() {
        let models = models();
        let used = |printer: i64, name: &str, media: Option<&str>| {
            models.used(printer, &meter(name), media).map(|used| (used.printers, used.quantity))
        };
        assert_eq!(used(2, "area-media", None), Ok((3, 330)));
        assert_eq!(used(5, "area-media", None), Ok((4, 550)));
        assert_eq!(used(1, "area-media/colour-line", None), Ok((3, 40)));
        assert_eq!(used(1, "area-media", Some("Bond")), Ok((3, 400)));
        // What they never printed they printed nothing of.
        assert_eq!(used(1, "area-media", Some("Film")), Ok((3, 0)));
        for (printer, name) in [(5, "pages"), (5, "ink"), (6, "area-media")] {
            assert!(used(printer, name, None).is_err(), "{printer} {name}");
        }
        let words = models.used(5, &meter("pages"), None).expect_err("one is no mean");
        assert!(words.ends_with("gave figures for pages then. Known: 1."), "{words}");
    }

    #[test]
    fn the_months_are_whole_and_end_before_the_period() {
        let october = Period::calendar_month(2026, 10, ZONE).expect("a month");
        let months = Months::before(october, ZONE).expect("months");
        assert_eq!((months.first, months.next, months.days), (202_607, 202_610, 92));
        assert_eq!(months.end, october.start);
        let within = Period { start: Instant(october.start.0 + 86_400_000), ..october };
        assert_eq!(Months::before(within, ZONE), Ok(months));
        let january = Period::calendar_month(2027, 1, ZONE).expect("a month");
        let months = Months::before(january, ZONE).expect("months");
        assert_eq!((months.first, months.next), (202_610, 202_701));
    }
}

//! Any contract and any facts, as dice fall.
//!
//! Every clause is written by its form, so that the forms are held too. Where the catalogue leaves open what
//! a mixture of clauses means, the mixture is not made: a share of lines in pools, a proration of a span
//! that is longer than the period, usage below zero.

use crate::case::{currency, input_for, printer};
use billing::carry::Carry;
use billing::contract::{Step, Terms};
use billing::events::{
    CreditFact, CreditReason, ExitFact, IndexValue, LateFact, Outage, Purchase, Runs, Silence, Site, SupplyFact,
};
use billing::form::{self, Entries};
use billing::ledger::{EstimateFact, Method, PixelCoverage, ReadingSource, SumFact, SumKind};
use billing::period::{Day, PeriodRule};
use billing::{
    Clause, CounterFact, EdgeRule, Evidence, Input, JobFact, Meter, MeterKind, Month, Pattern, Period, PrinterUsage,
    Quantity, ReadingPoint, Rounding, UnitPrice, usage_of,
};
use report::{Duration, Grade, Instant, JobKind, JobStatus, Share};
use std::collections::{BTreeMap, BTreeSet};

/// Patterns from the narrowest to the widest, so that any choice of them can be reached.
const PATTERNS: [&str; 7] = [
    "area-printed/mono-line@Bond",
    "area-printed@Satin",
    "area-printed/mono-line",
    "area-printed/colour-line",
    "area-printed",
    "scan-area",
    "pages",
];
const METERS: [&str; 4] =
    ["area-printed/mono-line", "area-printed/colour-line", "area-printed/low-density", "area-printed"];
const MEDIA: [Option<&str>; 3] = [None, Some("Bond"), Some("Satin")];
const STATUSES: [Option<JobStatus>; 7] = [
    Some(JobStatus::Printed),
    Some(JobStatus::Printed),
    Some(JobStatus::Printed),
    None,
    Some(JobStatus::Scanned),
    Some(JobStatus::Cancelled),
    Some(JobStatus::Failed),
];
const RESETS: [&str; 5] = ["period", "month", "quarter", "year", "contract"];
const PRORATIONS: [&str; 4] = ["none", "actual-days", "thirty360", "months"];

/// Numbers that decide everything; where there are no more, the plainest choice is taken.
pub(crate) struct Dice<'n> {
    numbers: &'n [u32],
    at: usize,
}

impl<'n> Dice<'n> {
    /// Dice that fall as the numbers say.
    pub(crate) fn new(numbers: &'n [u32]) -> Dice<'n> {
        Dice { numbers, at: 0 }
    }

    /// A number from 0 to before `end`.
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        i64::from(number) % end.max(1)
    }

    /// Yes, once in so many times.
    pub(crate) fn one_in(&mut self, times: i64) -> bool {
        self.below(times) + 1 == times
    }

    /// One of a list.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let index = usize::try_from(self.below(i64::try_from(of.len()).unwrap_or(1))).unwrap_or(0);
        of[index]
    }
}

/// The clause that a form says.
pub(crate) fn clause(terms: &Terms, word: &str, texts: &[(&str, String)]) -> Clause {
    let kind = Clause::of_word(word).expect("a clause");
    let filled = texts.iter().filter(|(_, text)| !text.is_empty());
    let entries: Entries = filled.map(|(path, text)| ((*path).to_owned(), text.clone())).collect();
    form::read(kind, &entries, terms.currency).unwrap_or_else(|problems| panic!("{word}: {problems:?}"))
}

/// Terms without clauses in any currency, zone and rounding.
pub(crate) fn frame(dice: &mut Dice<'_>) -> Terms {
    let code = dice.pick(&["EUR", "EUR", "JPY", "KWD"]);
    let mut terms = Terms::new(currency(code), dice.pick(&["UTC", "Europe/Amsterdam"]));
    terms.rounding = dice.pick(&[Rounding::LineHalfUp, Rounding::LineHalfUp, Rounding::LineUp, Rounding::LineDown]);
    terms.period = PeriodRule { day: dice.pick(&[1, 1, 15]), first_month: dice.pick(&[1, 2]), ..PeriodRule::default() };
    terms
}

/// A fee, allowances, prices and a tax: what contracts mostly are.
pub(crate) fn simple_terms(dice: &mut Dice<'_>) -> Terms {
    let mut terms = frame(dice);
    let per = dice.pick(&["contract", "printer"]).to_owned();
    let fee = [("amount", dice.below(2_000).to_string()), ("per", per)];
    terms.clauses.push(clause(&terms, "base-fee", &fee));
    for _ in 0..dice.below(3) {
        let covers = dice.pick(&PATTERNS);
        let texts = [("covers", covers.to_owned()), ("included", quantity(covers, dice.below(60_000_000)))];
        terms.clauses.push(clause(&terms, "allowance", &texts));
    }
    terms.clauses.push(price_list(&terms, dice));
    terms.clauses.push(clause(&terms, "tax", &[("name", "VAT".to_owned()), ("rate", "21".to_owned())]));
    terms
}

/// A quantity as a form takes it: areas in mm² with all their places, everything else whole.
fn quantity(covers: &str, amount: i64) -> String {
    let unit = Pattern::parse(covers).expect("a pattern").unit();
    let whole = unit.base();
    if whole == 1 { (amount / 1_000_000).to_string() } else { format!("{}.{:06}", amount / whole, amount % whole) }
}

fn price(dice: &mut Dice<'_>) -> String {
    format!("{}.{:06}", dice.below(6), dice.below(1_000_000))
}

fn price_list(terms: &Terms, dice: &mut Dice<'_>) -> Clause {
    let mut texts: Vec<(String, String)> = Vec::new();
    for (index, pattern) in PATTERNS.iter().enumerate() {
        // The last is always priced: a list is never empty.
        if dice.one_in(2) || index + 1 == PATTERNS.len() {
            texts.push((format!("prices.{}.pattern", index + 1), (*pattern).to_owned()));
            texts.push((format!("prices.{}.price", index + 1), price(dice)));
        }
    }
    let texts: Vec<(&str, String)> = texts.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    clause(terms, "price-list", &texts)
}

/// A contract of any clauses, and the months it is rated for. Carry is put in by who rates them.
pub(crate) fn world(dice: &mut Dice<'_>) -> Vec<Input> {
    let mut writer = Writer { terms: frame(dice), pooled: false, minimums: false, dice };
    writer.write();
    let Writer { terms, pooled, dice, .. } = writer;
    let month = Month::new(2026, i8::try_from(7 + dice.below(4)).unwrap_or(7)).expect("a month");
    let mut period = terms.period.beginning_in(month, &terms.time_zone).expect("a period");
    let runs = runs(dice, &terms, period);
    let mut months = Vec::new();
    for _ in 0..=dice.below(4) {
        let mut input = input_for(period, terms.clone(), printers(dice, &terms, period, pooled));
        input.runs = Some(runs);
        input.sites = sites();
        let value = |day: &str, value| IndexValue { day: Day::parse(day).expect("a day"), value };
        let values = [("2024-01-01", 100), ("2025-06-01", 104), ("2026-02-01", 103), ("2026-09-01", 109)];
        let values = values.map(|(day, whole)| value(day, UnitPrice { millionths: whole * 1_000_000 }));
        input.tables.indices.insert("CPI".to_owned(), values.to_vec());
        events(dice, &mut input, pooled);
        period = terms.period.following(period, &terms.time_zone).expect("a period");
        months.push(input);
    }
    months
}

fn sites() -> BTreeMap<String, Site> {
    let site = |name: &str, country: &str, area: &str| {
        let site = Site { name: name.to_owned(), country: country.to_owned(), area: area.to_owned() };
        (name.to_owned(), site)
    };
    [site("S1", "NL", ""), site("S2", "DE", "Z2")].into()
}

/// The contract began with the first month, a month before, or five days into it.
fn runs(dice: &mut Dice<'_>, terms: &Terms, first: Period) -> Runs {
    let before = terms.period.preceding(first, &terms.time_zone).expect("a period").start;
    let within = midnight(first, 5, terms);
    Runs { from: dice.pick(&[first.start, before, within]), to: None }
}

/// The first instant of a day of the period.
pub(crate) fn midnight(period: Period, day: i64, terms: &Terms) -> Instant {
    let first = Day::of(period.start, &terms.time_zone).expect("a day");
    let day = first.plus_days(i32::try_from(day).unwrap_or(0)).expect("a day");
    day.start(&terms.time_zone).expect("an instant")
}

/// Terms being written, clause by clause.
struct Writer<'d, 'n> {
    terms: Terms,
    /// Whether there is more than one pool.
    pooled: bool,
    /// Whether there is a clause of the minimum step.
    minimums: bool,
    dice: &'d mut Dice<'n>,
}

impl Writer<'_, '_> {
    fn write(&mut self) {
        let fees_first = self.steps();
        self.rules();
        self.fees();
        self.pools();
        self.included();
        self.prices();
        self.surcharges();
        self.minimums(fees_first);
        self.credits();
        self.events();
        if self.dice.one_in(5) {
            let rows = [("rows.1.party", "Bank".to_owned()), ("rows.1.share", "40".to_owned())];
            self.add("payers", &rows);
        }
        let rate = self.dice.below(30).to_string();
        self.add("tax", &[("name", "VAT".to_owned()), ("rate", rate)]);
        if self.dice.one_in(3) {
            self.terms.evidence.insert(MeterKind::Pages, Evidence::Counter);
        }
    }

    fn add(&mut self, word: &str, texts: &[(&str, String)]) {
        let clause = clause(&self.terms, word, texts);
        self.terms.clauses.push(clause);
    }

    fn pick(&mut self, of: &[&str]) -> String {
        self.dice.pick(of).to_owned()
    }

    /// "yes", once in so many times.
    fn flag(&mut self, times: i64) -> String {
        if self.dice.one_in(times) { "yes".to_owned() } else { String::new() }
    }

    fn amount(&mut self, most: i64) -> String {
        self.dice.below(most).to_string()
    }

    fn area(&mut self) -> (String, String) {
        let covers = self.dice.pick(&PATTERNS);
        let amount = quantity(covers, self.dice.below(80_000_000));
        (covers.to_owned(), amount)
    }

    fn prorate(&mut self, reset: &str) -> String {
        if reset == "period" { self.pick(&PRORATIONS) } else { String::new() }
    }

    /// The order of the steps; whether fees and discounts come before minimums.
    fn steps(&mut self) -> bool {
        let fees_first = self.dice.one_in(3);
        if fees_first {
            let mut order = Step::USUAL.to_vec();
            order.retain(|step| !matches!(step, Step::Minimum | Step::MoneyCredits));
            let after = order.iter().position(|step| *step == Step::Adjustments).expect("a step");
            drop(order.splice(after..after, [Step::Minimum, Step::MoneyCredits]));
            self.terms.steps = order;
        }
        fees_first
    }

    fn rules(&mut self) {
        if self.dice.one_in(3) {
            let mut texts = vec![
                ("raises", self.pick(&["fees", "prices", "minimums", "all"])),
                ("first", self.pick(&["2025-01-01", "2025-10-31", "2026-08-01", "2026-12-01"])),
                ("every_months", self.pick(&["1", "3", "12"])),
                ("cap", self.pick(&["", "2", "5"])),
                ("floor", self.pick(&["", "0", "1"])),
                ("compound", self.flag(2)),
                ("places", self.pick(&["2", "4", "6"])),
            ];
            if self.dice.one_in(2) {
                texts.extend([("by", "index".to_owned()), ("index", "CPI".to_owned()), ("base", "101.5".to_owned())]);
            } else {
                texts.extend([("by", "fixed".to_owned()), ("rate", self.pick(&["3", "0.5", "7.25"]))]);
            }
            self.add("escalation", &texts);
        }
        if self.dice.one_in(4) {
            let bill = self.pick(&["both", "print", "scan"]);
            self.add("copies", &[("bill", bill)]);
        }
        if self.dice.one_in(4) {
            let (lines, high) = (self.pick(&["5", "10"]), self.pick(&["45", "50"]));
            let by = self.pick(&["printer", "pinned"]);
            self.add("coverage", &[("lines_below", lines), ("high_above", high), ("by", by)]);
        }
        if self.dice.one_in(4) {
            let row = [("rows.1.media", "Satin".to_owned()), ("rows.1.category", "premium".to_owned())];
            self.add("media-class", &row);
        }
        if self.dice.one_in(3) {
            let texts = [
                ("meter", "area-printed".to_owned()),
                ("point", self.pick(&["job", "day", "period"])),
                ("direction", self.pick(&["half-up", "up", "down"])),
                ("step", self.pick(&["0.01", "0.1", "1"])),
            ];
            self.add("rounding", &texts);
        }
    }

    fn fees(&mut self) {
        for _ in 0..self.dice.below(3) {
            let cycle = if self.dice.one_in(2) { self.pick(&RESETS) } else { "period".to_owned() };
            let texts = [
                ("amount", self.amount(2_000)),
                ("per", self.pick(&["contract", "printer"])),
                ("printers", self.pick(&["", "", "A"])),
                ("advance", self.flag(2)),
                ("prorate", self.prorate(&cycle)),
                ("cycle", cycle),
            ];
            self.add("base-fee", &texts);
        }
        if self.dice.one_in(4) {
            let texts = [
                ("amount", self.amount(500)),
                ("months", self.pick(&["0", "2", "60"])),
                ("first", self.pick(&["2026-07-01", "2026-08-15", "2025-01-01"])),
            ];
            self.add("lease", &texts);
        }
    }

    fn pools(&mut self) {
        let allocation = |dice: &mut Dice<'_>| dice.pick(&["usage", "excess", "equal"]).to_owned();
        match self.dice.below(6) {
            4 => {
                let texts = [("members", "each".to_owned()), ("allocation", allocation(self.dice))];
                self.add("pool", &texts);
                self.pooled = true;
            }
            5 => {
                let texts = [
                    ("members", "named".to_owned()),
                    ("printers", "A".to_owned()),
                    ("label", "Hall 1".to_owned()),
                    ("allocation", allocation(self.dice)),
                ];
                self.add("pool", &texts);
                self.pooled = true;
            }
            _ => {}
        }
    }

    fn included(&mut self) {
        for _ in 0..self.dice.below(3) {
            let (covers, included) = self.area();
            let reset = self.pick(&RESETS);
            let per = if self.pooled { "printer".to_owned() } else { self.pick(&["contract", "printer"]) };
            let rolls = if reset == "contract" { "0".to_owned() } else { self.pick(&["0", "1", "3"]) };
            let texts = [
                ("covers", covers),
                ("included", included),
                ("per", per),
                ("prorate", self.prorate(&reset)),
                ("reset", reset),
                ("rolls", rolls),
            ];
            self.add("allowance", &texts);
        }
        if self.dice.one_in(4) {
            let (covers, opening) = self.area();
            let texts = [
                ("block", quantity(&covers, 10_000_000 + self.dice.below(3) * 7_000_000)),
                ("price", self.pick(&["1", "3"])),
                ("threshold", quantity(&covers, self.dice.below(20_000_000))),
                ("covers", covers),
                ("opening", opening),
                ("auto", self.flag(2)),
                ("months", self.pick(&["0", "12"])),
            ];
            self.add("prepaid", &texts);
        }
    }

    fn prices(&mut self) {
        if self.dice.one_in(3) {
            let bound = 1 + self.dice.below(40);
            let (first, second) = (bound.to_string(), (bound + 1 + self.dice.below(40)).to_string());
            let mode = self.pick(&["graduated", "all-units", "package"]);
            let mut texts = vec![
                ("covers", "area-printed/mono-line".to_owned()),
                ("reset", self.pick(&RESETS)),
                ("rows.1.up_to", first),
                ("rows.1.flat", self.amount(40)),
            ];
            if mode != "package" {
                texts.extend([("rows.1.price", price(self.dice)), ("rows.2.price", price(self.dice))]);
                texts.extend([("rows.2.up_to", second), ("rows.3.price", price(self.dice))]);
            }
            texts.push(("mode", mode));
            self.add("tiers", &texts);
        }
        if self.dice.one_in(3) {
            let included_price = if self.dice.one_in(2) { price(self.dice) } else { String::new() };
            let texts = [
                ("covers", "area-printed/colour-line".to_owned()),
                ("included_price", included_price),
                ("price", price(self.dice)),
                ("cycle", self.pick(&RESETS)),
            ];
            self.add("overage", &texts);
        }
        let list = price_list(&self.terms, self.dice);
        self.terms.clauses.push(list);
    }

    fn surcharges(&mut self) {
        if self.dice.one_in(4) {
            let covers = self.dice.pick(&PATTERNS).to_owned();
            // A share is worked out for each pool, and what it is rounded to with it.
            let how = if self.pooled || self.dice.one_in(2) {
                ("price", price(self.dice))
            } else {
                ("share", self.amount(30))
            };
            self.add("surcharge", &[("covers", covers), how]);
        }
        if self.dice.one_in(5) {
            let (covers, _) = self.area();
            let texts = [
                ("colour", self.pick(&["", "magenta"])),
                ("yield_each", quantity(&covers, 5_000_000 + self.dice.below(20_000_000))),
                ("covers", covers),
                ("tolerance", self.pick(&["0", "10"])),
                ("spare", self.pick(&["0", "1"])),
                ("price", self.amount(90)),
                ("reset", self.pick(&RESETS)),
            ];
            self.add("consumables", &texts);
        }
        if self.dice.one_in(4) {
            let share = self.amount(20);
            self.add("moved", &[("rows.1.area", "Z2".to_owned()), ("rows.1.share", share)]);
        }
    }

    fn minimums(&mut self, fees_first: bool) {
        let before = self.terms.clauses.len();
        if self.dice.one_in(4) {
            let ((covers, minimum), reset) = (self.area(), self.pick(&RESETS));
            let texts = [
                ("covers", covers),
                ("minimum", minimum),
                ("price", price(self.dice)),
                ("per", self.pick(&["contract", "printer"])),
                ("prorate", self.prorate(&reset)),
                ("reset", reset),
            ];
            self.add("minimum-volume", &texts);
        }
        if self.dice.one_in(3) {
            // What supplies beyond the usage cost, no printer bears alone.
            let supplies = self.terms.clauses.iter().any(|clause| clause.word() == "consumables");
            let of = self.pick(if supplies { &["contract", "meters"] } else { &["contract", "printer", "meters"] });
            let reset = if of == "printer" { "period".to_owned() } else { self.pick(&RESETS) };
            let covers = if of == "meters" { self.area().0 } else { String::new() };
            let texts = [
                ("amount", self.amount(900)),
                ("counts_base", if fees_first && of != "meters" { self.flag(2) } else { String::new() }),
                ("after_discount", if fees_first && of == "contract" { self.flag(2) } else { String::new() }),
                ("of", of),
                ("covers", covers),
                ("prorate", self.prorate(&reset)),
                ("reset", reset),
            ];
            self.add("minimum", &texts);
        }
        if self.dice.one_in(4) {
            let (covers, quantity) = self.area();
            let mut texts = vec![("covers", covers), ("reset", self.pick(&RESETS))];
            if self.dice.one_in(2) {
                texts.extend([("quantity", quantity), ("price", price(self.dice))]);
            } else {
                texts.push(("amount", self.amount(900)));
            }
            self.add("commitment", &texts);
        }
        self.minimums = self.terms.clauses.len() > before;
    }

    fn credits(&mut self) {
        if self.dice.one_in(3) {
            let how = self.pick(&["quantity", "money"]);
            self.add("credit", &[("how", how)]);
        }
        if self.dice.one_in(3) {
            let (hours, share) = (self.pick(&["0", "4", "48"]), self.pick(&["100", "50"]));
            let on_top = self.flag(2);
            self.add("interruption", &[("hours", hours), ("share", share), ("credit_allowance", on_top)]);
        }
        if self.dice.one_in(3) {
            // Whether a true-up is usage is not said anywhere; where there is one, the discount is on all or fees.
            let on = if self.minimums { self.pick(&["fees", "all"]) } else { self.pick(&["usage", "fees", "all"]) };
            let share = self.amount(50);
            self.add("discount", &[("share", share), ("on", on)]);
        }
    }

    fn events(&mut self) {
        if self.dice.one_in(5) {
            let texts = [
                ("months", self.pick(&["12", "36"])),
                ("first", self.pick(&["2026-01-01", "2025-03-15"])),
                ("notice_days", "60".to_owned()),
                ("renew_months", self.pick(&["0", "12"])),
                ("how", "remaining".to_owned()),
                ("amount", self.amount(300)),
            ];
            self.add("exit", &texts);
        }
        if self.dice.one_in(4) {
            let texts = [("grace_days", "5".to_owned()), ("site_fee", self.amount(60)), ("meter_fee", self.amount(9))];
            self.add("late-reading", &texts);
        }
        if self.dice.one_in(4) {
            let fee = (1 + self.dice.below(50)).to_string();
            self.add("monitoring", &[("days", "3".to_owned()), ("consequence", "fee".to_owned()), ("fee", fee)]);
        }
    }
}

/// A whole number of hours into the period, or a little outside.
fn moment(dice: &mut Dice<'_>, period: Period) -> Instant {
    period.start.plus(Duration::hours(dice.below(24 * 33) - 24))
}

/// What people know, some of it for clauses that this contract does not have.
fn events(dice: &mut Dice<'_>, input: &mut Input, pooled: bool) {
    let (period, terms) = (input.period, input.terms.clone());
    let events = &mut input.events;
    for _ in 0..dice.below(3) {
        let meter = Meter::parse(dice.pick(&METERS)).expect("a meter");
        let media = dice.pick(&MEDIA).map(str::to_owned);
        let (quantity, at) = (1 + dice.below(20_000_000), moment(dice, period));
        let (printer, reason, note) = (dice.pick(&["A", "B"]).to_owned(), CreditReason::Test, String::new());
        events.credits.push(CreditFact { printer, meter, media, quantity, at, reason, note });
    }
    for _ in 0..dice.below(2) {
        let from = moment(dice, period);
        let to = from.plus(Duration::hours(1 + dice.below(200)));
        events.outages.push(Outage { printer: "A".to_owned(), from, to, note: String::new() });
        let from = moment(dice, period);
        let to = from.plus(Duration::hours(1 + dice.below(200)));
        events.silences.push(Silence { printer: "B".to_owned(), from, to });
    }
    for _ in 0..dice.below(3) {
        let (count, at) = (u32::try_from(dice.below(9)).unwrap_or(0), moment(dice, period));
        let (colour, product) = (dice.pick(&["magenta", "black"]).to_owned(), String::new());
        events.supplies.push(SupplyFact { printer: None, product, colour, count, at });
    }
    if dice.one_in(3) {
        let mut few = || u32::try_from(dice.below(4)).unwrap_or(0);
        let (meters, days) = (1 + few(), 4 + few());
        events.late.push(LateFact { site: "S1".to_owned(), printers: vec!["A".to_owned()], meters, days });
    }
    if dice.one_in(3) && !pooled {
        let (clause, blocks) = ("prepaid.1".to_owned(), 1 + u32::try_from(dice.below(2)).unwrap_or(0));
        events.purchases.push(Purchase { clause, blocks, at: moment(dice, period) });
    }
    if dice.one_in(4) {
        let on = Day::of(midnight(period, dice.below(20), &terms), &terms.time_zone).expect("a day");
        let noticed = dice.one_in(2).then(|| Day::parse("2025-09-01").expect("a day"));
        events.exit = Some(ExitFact { on, noticed, breach: false });
    }
}

/// Two printers, the second perhaps for a part of the time, perhaps replaced.
fn printers(dice: &mut Dice<'_>, terms: &Terms, period: Period, pooled: bool) -> Vec<PrinterUsage> {
    let mut first = with_facts(dice, period, "A");
    first.site = Some("S1".to_owned());
    let mut second = with_facts(dice, period, "B");
    second.site = Some(dice.pick(&["S1", "S2"]).to_owned());
    let mut found = vec![first];
    if dice.one_in(2) {
        second.from = midnight(period, dice.below(20), terms);
    }
    if dice.one_in(3) {
        let day = 21 + dice.below(6);
        second.to = Some(midnight(period, day, terms));
        if !pooled {
            let mut third = with_facts(dice, period, "C");
            third.from = midnight(period, day, terms);
            third.position = Some("B".to_owned());
            third.site = Some("S2".to_owned());
            found.push(third);
        }
    }
    found.push(second);
    found
}

fn with_facts(dice: &mut Dice<'_>, period: Period, id: &str) -> PrinterUsage {
    let mut usage = PrinterUsage { jobs: jobs(dice, period), ..printer(id) };
    let mut value = dice.below(1_000);
    let mut readings = Vec::new();
    for day in [-1, 8, 20, 30] {
        let read_at = period.start.plus(Duration::hours(24 * day));
        readings.push(ReadingPoint { segment: 1, value, read_at, grade: Grade::B, source: ReadingSource::Printer });
        value += dice.below(40);
    }
    let counted = usage_of(&readings, &[], period, EdgeRule::Last);
    usage.counters.push(CounterFact { meter: Meter::whole(MeterKind::Pages), media: None, usage: counted });
    let meter = || Meter::parse("area-printed/mono-line").expect("a meter");
    if dice.one_in(3) {
        let (since, until) = (period.start, moment(dice, period));
        let amount = dice.below(30_000_000);
        let quantities = vec![Quantity { meter: meter(), media: None, amount }];
        let kind = dice.pick(&[SumKind::Cells, SumKind::Fold, SumKind::Beside]);
        usage.sums.push(SumFact { kind, since, until, jobs: 3, grade: Grade::B, quantities });
    }
    if dice.one_in(4) {
        let end = period.start.plus(Duration::hours(24 * (5 + dice.below(20))));
        let span = Period::new(period.start, end).expect("a period");
        let (quantity, method, basis) = (dice.below(30_000_000), Method::Daily30, "by hand".to_owned());
        usage.estimates.push(EstimateFact { meter: meter(), media: None, span, quantity, method, basis });
    }
    usage
}

/// Any jobs, some outside the period; a correction takes back a part of the job before it.
pub(crate) fn jobs(dice: &mut Dice<'_>, period: Period) -> Vec<JobFact> {
    let mut jobs: Vec<JobFact> = Vec::new();
    for number in 0..dice.below(8) {
        let (meter, media) = (dice.pick(&METERS), dice.pick(&MEDIA).map(str::to_owned));
        let (area, pages) = (dice.below(60_000_000), dice.below(9));
        let of = |name: &str, amount: i64| {
            let meter = Meter::parse(name).expect("a meter");
            let media = media.clone().filter(|_| meter.kind() != MeterKind::ScanArea);
            Quantity { meter, media, amount }
        };
        let is_copy = dice.one_in(4);
        let scanned = is_copy.then(|| of("scan-area", area / 2));
        let mut quantities = vec![of(meter, area), of("pages", pages)];
        quantities.extend(scanned);
        let coverage = PixelCoverage { non_white: Share(10_000 * dice.below(100)), colour: Share(dice.below(2)) };
        let job = JobFact {
            key: format!("j{number}"),
            finished_at: moment(dice, period),
            status: dice.pick(&STATUSES),
            grade: dice.pick(&[Grade::A, Grade::B, Grade::C]),
            quantities,
            kind: is_copy.then_some(JobKind::Copy),
            coverage: dice.one_in(2).then_some(coverage),
            marks: BTreeSet::new(),
        };
        if dice.one_in(5) {
            let mut correction = JobFact { key: format!("j{number} again"), ..job.clone() };
            correction.quantities.truncate(1);
            if let Some(quantity) = correction.quantities.first_mut() {
                quantity.amount = -dice.below(quantity.amount + 1);
            }
            jobs.push(correction);
        }
        jobs.push(job);
    }
    jobs
}

/// The same facts in another order.
pub(crate) fn reversed(input: &Input) -> Input {
    let mut input = input.clone();
    input.printers.reverse();
    for printer in &mut input.printers {
        printer.jobs.reverse();
        printer.counters.reverse();
        printer.sums.reverse();
        printer.estimates.reverse();
    }
    input
}

/// The months one after the other, each with what the one before left.
pub(crate) fn carrying(months: &[Input], mut each: impl FnMut(&Input) -> Option<Carry>) {
    let mut carry = Carry::default();
    for month in months {
        let input = Input { carry, ..month.clone() };
        match each(&input) {
            Some(left) => carry = left,
            None => return,
        }
    }
}

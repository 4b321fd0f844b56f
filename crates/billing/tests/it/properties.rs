//! What must hold for any terms and any facts. Each prints how many cases it held for; PLOTMETER_FULL=1
//! makes them a hundred times as many.

use crate::case::{currency, input, input_for, october, printer};
use crate::world::{Dice, carrying, clause, frame, jobs, midnight, reversed, simple_terms, world};
use billing::contract::Terms;
use billing::correction::{Billed, chain, note};
use billing::form;
use billing::ledger::ReadingSource;
use billing::ledger::assemble::{PrinterFacts, StayFact, assemble};
use billing::ledger::segments::ReadingFact;
use billing::ledger::{EstimateFact, Method};
use billing::period::{Every, PeriodRule};
use billing::rating::Rated;
use billing::recount::{recount, recount_carry};
use billing::statement::{Line, LineEvidence, Reference, Statement};
use billing::{
    Carry, Clause, CounterFact, EdgeRule, Evidence, Input, JobFact, Meter, MeterKind, Money, Month, Pattern, Period,
    Price, PriceList, PrinterUsage, Quantity, RatingError, ReadingPoint, Runs, SupplyFact, UnitPrice, rate, usage_of,
};
use proptest::prelude::{any, prop_assert, prop_assert_eq};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use report::{Duration, Grade, Instant, JobStatus};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Holds a property for so many throws of the dice.
pub(crate) fn hold(name: &str, cases: u32, property: impl Fn(&mut Dice<'_>) -> Result<(), TestCaseError>) {
    let times = if std::env::var_os("PLOTMETER_FULL").is_some() { 100 } else { 1 };
    let config = Config { cases: cases * times, failure_persistence: None, ..Config::default() };
    let numbers = proptest::collection::vec(any::<u32>(), 1..400);
    let held = Cell::new(0_u32);
    let outcome = TestRunner::new(config).run(&numbers, |numbers| {
        property(&mut Dice::new(&numbers))?;
        held.set(held.get() + 1);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{name}: {error}");
    }
    eprintln!("{name}: {} cases", held.get());
}

/// What a period left, lots added up; what is zero does not stand.
pub(crate) fn left(rated: &Rated) -> Vec<(String, String, String, i128, i128)> {
    let sums = rated.carry.entries.iter().map(|entry| {
        let quantity = entry.lots.iter().map(|lot| i128::from(lot.quantity)).sum();
        let amount = entry.lots.iter().map(|lot| i128::from(lot.amount.0)).sum();
        (entry.clause.clone(), entry.pool.clone(), entry.what.clone(), quantity, amount)
    });
    sums.filter(|(.., quantity, amount)| (*quantity, *amount) != (0, 0)).collect()
}

fn json(input: &Input) -> String {
    serde_json::to_string(input).expect("input as JSON")
}

fn rated(input: &Input) -> Rated {
    rate(input).unwrap_or_else(|error| panic!("{error}: {}", json(input)))
}

/// Rates the months of a world one after the other; a contract that is refused is left out.
pub(crate) fn each_month(
    dice: &mut Dice<'_>,
    refused: &Cell<u32>,
    mut check: impl FnMut(&Input, &Rated) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut outcome = Ok(());
    carrying(&world(dice), |input| match rate(input) {
        Ok(rated) => {
            outcome = check(input, &rated);
            outcome.is_ok().then_some(rated.carry)
        }
        Err(RatingError::Terms(_)) => {
            refused.set(refused.get() + 1);
            None
        }
        Err(error) => {
            outcome = Err(TestCaseError::fail(format!("{error}: {}", json(input))));
            None
        }
    });
    outcome
}

fn with_jobs(id: &str, jobs: Vec<JobFact>) -> PrinterUsage {
    PrinterUsage { jobs, ..printer(id) }
}

/// A printer with these readings and estimates, put together as the ledger does.
fn from_readings(
    readings: &[(Instant, i64)],
    estimates: &[EstimateFact],
    terms: &Terms,
    period: Period,
) -> Vec<PrinterUsage> {
    let reading = |&(read_at, value): &(Instant, i64)| ReadingFact {
        meter: Meter::whole(MeterKind::Pages),
        media: None,
        value,
        read_at,
        grade: Grade::B,
        source: ReadingSource::Printer,
    };
    let facts = PrinterFacts {
        id: "A".to_owned(),
        label: "A".to_owned(),
        serial: None,
        known_since: None,
        stays: vec![StayFact { from: Instant(0), to: None, position: None, site: None }],
        jobs: Vec::new(),
        sums: Vec::new(),
        readings: readings.iter().map(reading).collect(),
        decisions: Vec::new(),
        estimates: estimates.to_vec(),
        thresholds: Vec::new(),
    };
    assemble(&facts, terms, period)
}

/// Pages at a price, billed from counters or from jobs.
fn pages_at(millionths: i64, evidence: Evidence) -> Terms {
    let pages = Pattern::every(MeterKind::Pages);
    let mut terms = Terms::new(currency("EUR"), "UTC");
    terms.clauses.push(Clause::PriceList(PriceList { prices: vec![Price::new(pages, UnitPrice { millionths })] }));
    terms.evidence.insert(MeterKind::Pages, evidence);
    terms
}

#[test]
fn rating_equals_the_slow_recount() {
    let (refused, months) = (Cell::new(0), Cell::new(0));
    hold("rating equals the recount", 512, |dice| {
        each_month(dice, &refused, |input, rated| {
            months.set(months.get() + 1);
            prop_assert_eq!(i128::from(rated.statement.net.0), recount(input), "{}", json(input));
            prop_assert_eq!(left(rated), recount_carry(input), "{}", json(input));
            Ok(())
        })
    });
    println!("{} months, {} contracts refused", months.get(), refused.get());
    assert!(refused.get() * 4 < months.get(), "most contracts are refused, so that little was compared");
}

#[test]
fn a_statement_over_some_days_equals_the_slow_recount() {
    hold("parts equal the recount", 256, |dice| {
        // All printers of a world are there on the 21st day.
        let (first, rest) = (21 + dice.below(7), 1 + dice.below(20));
        each_month(dice, &Cell::new(0), |input, _| {
            let (terms, period) = (&input.terms, input.period);
            let parts = [(period.start, midnight(period, first, terms)), (midnight(period, rest, terms), period.end)];
            for (start, end) in parts {
                let part = Input { period: Period::new(start, end).expect("days"), ..input.clone() };
                let found = rated(&part);
                prop_assert_eq!(i128::from(found.statement.net.0), recount(&part), "{}", json(&part));
                prop_assert_eq!(left(&found), recount_carry(&part), "{}", json(&part));
            }
            Ok(())
        })
    });
}

#[test]
fn statements_over_all_days_of_a_period_charge_once() {
    hold("parts charge once", 256, |dice| {
        let mut terms = frame(dice);
        let prorate = dice.pick(&["none", "actual-days", "thirty360", "months"]).to_owned();
        let mut amount = || (1 + dice.below(900)).to_string();
        let fee = [("amount", amount()), ("prorate", prorate.clone())];
        let least = [("amount", amount()), ("prorate", prorate)];
        let promised = [("covers", "pages".to_owned()), ("reset", "period".to_owned()), ("amount", amount())];
        for (word, texts) in [("base-fee", &fee[..]), ("minimum", &least[..]), ("commitment", &promised[..])] {
            let clause = clause(&terms, word, texts);
            terms.clauses.push(clause);
        }
        let month = Month::new(2026, i8::try_from(1 + dice.below(11)).unwrap_or(1)).expect("a month");
        let period = terms.period.beginning_in(month, &terms.time_zone).expect("a period");
        let one = 1 + dice.below(13);
        let cuts = [one, one + 1 + dice.below(13)].map(|day| midnight(period, day, &terms));
        // The contract runs all the time, or begins or ends within the period.
        let day = midnight(period, 1 + dice.below(26), &terms);
        let to = Runs { from: period.start, to: Some(day) };
        let runs = dice.pick(&[None, Some(Runs { from: day, to: None }), Some(to)]);
        let net = |start: Instant, end: Instant| {
            let mut input = input_for(Period::new(start, end).expect("days"), terms.clone(), vec![printer("A")]);
            input.runs = runs;
            rated(&input).statement.net.0
        };
        let parts = net(period.start, cuts[0]) + net(cuts[0], cuts[1]) + net(cuts[1], period.end);
        let off = parts - net(period.start, period.end);
        // Each of three lines is rounded half-up on each of three statements, two of them also on that of the whole.
        prop_assert!(off.abs() <= 5, "{} {runs:?} off by {off}", serde_json::to_string(&terms).expect("terms as JSON"));
        Ok(())
    });
}

#[test]
fn spare_supplies_of_all_days_of_a_period_are_those_of_the_period() {
    let period = october();
    let none = String::new;
    let delivered = |at: Instant| SupplyFact { printer: None, product: none(), colour: none(), count: 100, at };
    for (spare, cuts) in [(1_i64, [10, 20]), (1, [15, 16]), (3, [7, 30]), (5, [1, 2])] {
        let mut terms = Terms::new(currency("EUR"), "UTC");
        let own = |text: &str| text.to_owned();
        let texts =
            [("covers", own("pages")), ("yield_each", own("100")), ("price", own("1")), ("spare", spare.to_string())];
        let supplies = clause(&terms, "consumables", &texts);
        terms.clauses.push(supplies);
        let [first, second] = cuts.map(|day| midnight(period, day, &terms));
        let net = |start: Instant, end: Instant| {
            let mut input = input_for(Period::new(start, end).expect("days"), terms.clone(), vec![printer("A")]);
            input.events.supplies = [period.start, first, second].map(delivered).to_vec();
            let net = rated(&input).statement.net.0;
            assert_eq!(i128::from(net), recount(&input), "{}", json(&input));
            net
        };
        let parts = net(period.start, first) + net(first, second) + net(second, period.end);
        // In each part more are delivered than are allowed.
        assert_eq!((parts, net(period.start, period.end)), (30_000 - spare * 100, 30_000 - spare * 100), "{cuts:?}");
    }
}

#[test]
fn what_counts_whole_is_charged_whole_by_the_days_in_which_the_contract_runs() {
    let mut terms = Terms::new(currency("EUR"), "UTC");
    let fee = clause(&terms, "base-fee", &[("amount", "300".to_owned())]);
    terms.clauses.push(fee);
    let period = october();
    let day = |day: i64| midnight(period, day - 1, &terms);
    let charged = |from: i64, to: i64, runs: Option<Runs>| {
        let days = Period::new(day(from), day(to + 1)).expect("days");
        let input = Input { runs, ..input_for(days, terms.clone(), vec![printer("A")]) };
        assert_eq!(i128::from(rated(&input).statement.net.0), recount(&input), "{}", json(&input));
        let statement = rated(&input).statement;
        (statement.net.0, statement.notes.first().cloned().unwrap_or_default())
    };
    let ends = Some(Runs { from: Instant(0), to: Some(day(11)) });
    // Its last day is the 10th: all of the fee, and no day is left that could bear the rest.
    assert_eq!(charged(1, 10, ends), (30_000, String::new()));
    let words = "what is charged or included for the whole of it counts by its days.";
    let of = |days: &str| format!("This is for {days}: {words}");
    assert_eq!(charged(1, 4, ends), (12_000, of("4 of the 10 days of October 2026 in which the contract runs")));
    assert_eq!(charged(5, 10, ends).0, 18_000);
    let begins = Some(Runs { from: day(12), to: None });
    assert_eq!((charged(12, 21, begins).0, charged(22, 31, begins).0), (15_000, 15_000));
    assert_eq!(charged(1, 31, begins), (30_000, String::new()));
    assert_eq!(charged(1, 10, None).1, of("10 of the 31 days of October 2026"));
}

#[test]
fn what_counts_by_longer_spans_says_nothing_of_days() {
    let mut terms = Terms::new(currency("EUR"), "UTC");
    let texts = [("amount", "300".to_owned()), ("cycle", "quarter".to_owned())];
    let fee = clause(&terms, "base-fee", &texts);
    terms.clauses.push(fee);
    let days = Period::new(october().start, midnight(october(), 10, &terms)).expect("days");
    let statement = rated(&input_for(days, terms, vec![printer("A")])).statement;
    assert!(statement.notes.iter().all(|note| !note.contains("by its days")), "{:?}", statement.notes);
}

#[test]
fn a_fee_that_is_charged_once_has_no_part() {
    let mut terms = Terms::new(currency("EUR"), "UTC");
    let texts =
        [("amount", "300"), ("cycle", "contract"), ("prorate", "actual-days")].map(|(of, text)| (of, text.to_owned()));
    let fee = clause(&terms, "base-fee", &texts);
    terms.clauses.push(fee);
    let problems = terms.validate().expect_err("its rest would never be charged");
    assert!(problems.iter().any(|problem| problem.to_string().contains("has no part")), "{problems:?}");
}

#[test]
fn what_rolls_over_from_all_days_of_a_period_is_capped_once() {
    let mut terms = Terms::new(currency("EUR"), "UTC");
    let texts = [("covers", "pages"), ("included", "900"), ("rolls", "1"), ("cap", "93")];
    let allowance = clause(&terms, "allowance", &texts.map(|(of, text)| (of, text.to_owned())));
    terms.clauses.push(allowance);
    let price = [("prices.1.pattern", "pages"), ("prices.1.price", "1")].map(|(of, text)| (of, text.to_owned()));
    terms.clauses.push(clause(&terms, "price-list", &price));
    let period = october();
    let rolled = |start: Instant, end: Instant, carry: Carry| {
        let days = Period::new(start, end).expect("days");
        let input = Input { carry, ..input_for(days, terms.clone(), vec![printer("A")]) };
        assert_eq!(left(&rated(&input)), recount_carry(&input), "{}", json(&input));
        rated(&input)
    };
    let sum = |rated: &Rated| left(rated).into_iter().map(|(.., quantity, _)| quantity).sum::<i128>();
    let cut = midnight(period, 10, &terms);
    let first = rolled(period.start, cut, Carry::default());
    assert_eq!(sum(&first), 30);
    assert_eq!(sum(&rolled(cut, period.end, first.carry)), 93);
    assert_eq!(sum(&rolled(period.start, period.end, Carry::default())), 93);
}

#[test]
fn the_order_of_facts_changes_nothing() {
    hold("order of facts", 256, |dice| {
        each_month(dice, &Cell::new(0), |input, there| {
            let back = reversed(input);
            prop_assert_eq!(there, &rated(&back), "{}", json(input));
            let mut events = back;
            events.events.credits.reverse();
            events.events.supplies.reverse();
            events.events.outages.reverse();
            let again = rated(&events);
            prop_assert!(there.statement.same_sums(&again.statement), "{}", json(input));
            prop_assert_eq!(&there.carry, &again.carry);
            Ok(())
        })
    });
}

#[test]
fn rating_again_changes_nothing() {
    hold("rating again", 128, |dice| {
        let months = world(dice);
        let Ok(first) = chain(&months) else { return Ok(()) };
        prop_assert_eq!(&chain(&months).expect("a chain"), &first);
        let mut place = 0;
        carrying(&months, |input| {
            let again = rated(input);
            assert_eq!(first.get(place), Some(&again), "{}", json(input));
            place += 1;
            Some(again.carry)
        });
        prop_assert_eq!(place, first.len());
        Ok(())
    });
}

#[test]
fn shares_add_up_to_their_line() {
    hold("shares of a line", 256, |dice| {
        each_month(dice, &Cell::new(0), |input, rated| {
            let by_printer = rated.statement.lines.iter().filter(|line| !line.shares.is_empty());
            for line in by_printer.filter(|line| line.payer.is_none()) {
                let sum: i64 = line.shares.iter().map(|share| share.amount.0).sum();
                // What a longer cycle bills later has no amount yet, and shares of nothing.
                prop_assert_eq!(Money(sum), line.amount.unwrap_or(Money(0)), "{}: {}", line.id, json(input));
                let Some(used) = line.used else { continue };
                let sum: i64 = line.shares.iter().map(|share| share.quantity).sum();
                prop_assert_eq!(sum, used, "{}: {}", line.id, json(input));
            }
            Ok(())
        })
    });
}

#[test]
fn a_split_statement_sums_to_the_whole() {
    hold("split by payers", 256, |dice| {
        each_month(dice, &Cell::new(0), |input, rated| {
            let parts = rated.statement.split().map_err(|error| TestCaseError::fail(error.to_string()))?;
            let sum = |of: fn(&Statement) -> i64| parts.iter().map(of).sum::<i64>();
            prop_assert_eq!(sum(|part| part.net.0), rated.statement.net.0, "{}", json(input));
            let lines: usize = parts.iter().map(|part| part.lines.len()).sum();
            prop_assert!(lines >= rated.statement.lines.len());
            for part in &parts {
                let taxes: i64 = part.taxes.iter().map(|row| row.amount.0).sum();
                prop_assert_eq!(part.total.0, part.net.0 + taxes);
            }
            Ok(())
        })
    });
}

#[test]
fn everything_survives_storage_and_its_form() {
    hold("storage and forms", 256, |dice| {
        each_month(dice, &Cell::new(0), |input, there| {
            let read: Input = serde_json::from_str(&json(input)).expect("input from JSON");
            prop_assert_eq!(&read, input);
            let stored = serde_json::to_string(&there.statement).expect("a statement as JSON");
            let back: Statement = serde_json::from_str(&stored).expect("a statement from JSON");
            prop_assert_eq!(&back, &there.statement);
            let stored = serde_json::to_string(&there.carry).expect("carry as JSON");
            prop_assert_eq!(&serde_json::from_str::<billing::Carry>(&stored).expect("carry from JSON"), &there.carry);
            for clause in &input.terms.clauses {
                let kind = Clause::of_word(clause.word()).expect("a kind");
                let texts = form::fill(clause, input.terms.currency);
                let again = form::read(kind, &texts, input.terms.currency);
                prop_assert_eq!(again.as_ref().ok(), Some(clause), "{:?} of {:?}", again, texts);
            }
            Ok(())
        })
    });
}

#[test]
fn a_statement_adds_up() {
    hold("a statement adds up", 256, |dice| {
        let terms = simple_terms(dice);
        let month = Month::new(2026, 10).expect("a month");
        let period = terms.period.beginning_in(month, &terms.time_zone).expect("a period");
        let printers = vec![with_jobs("A", jobs(dice, period)), with_jobs("B", jobs(dice, period))];
        let input = input_for(period, terms, printers);
        let statement = rated(&input).statement;
        let lines: i64 = statement.lines.iter().filter_map(|line| line.amount).map(|amount| amount.0).sum();
        let taxes: i64 = statement.taxes.iter().map(|row| row.amount.0).sum();
        prop_assert_eq!(statement.net.0, lines);
        prop_assert_eq!(statement.total.0, lines + taxes);
        for line in &statement.lines {
            let Some(used) = line.used else { continue };
            let quantity = |line: &Line| line.sources.iter().map(|source| source.evidence.quantity()).sum::<i64>();
            prop_assert_eq!(used, quantity(line), "{}", json(&input));
            prop_assert_eq!(used, line.grades.values().sum::<i64>());
            if line.amount.is_some() {
                prop_assert_eq!(line.quantity, Some(used - line.included.unwrap_or(0)));
            }
        }
        for row in statement.reconciliations.iter().filter(|row| row.meter == MeterKind::AreaMedia) {
            let of = &row.reconciliation;
            let between: i64 = of.differences.iter().map(|difference| difference.amount).sum();
            prop_assert_eq!(of.job_printed_total + between, of.counter_total.unwrap_or(of.job_media_total));
        }
        Ok(())
    });
}

#[test]
fn sharing_jobs_between_printers_changes_no_amount() {
    hold("sharing jobs between printers", 256, |dice| {
        let (terms, jobs) = (simple_terms(dice), jobs(dice, october()));
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (index, job) in jobs.iter().enumerate() {
            if index % 2 == 0 { first.push(job.clone()) } else { second.push(job.clone()) }
        }
        let together = rated(&input(terms.clone(), vec![with_jobs("A", jobs), printer("B")])).statement;
        let shared = rated(&input(terms, vec![with_jobs("A", first), with_jobs("B", second)])).statement;
        prop_assert_eq!(together.total, shared.total);
        let amounts = |statement: &Statement| statement.lines.iter().map(|line| line.amount).collect::<Vec<_>>();
        prop_assert_eq!(amounts(&together), amounts(&shared));
        Ok(())
    });
}

#[test]
fn pools_sum_to_all_where_nothing_is_shared() {
    hold("pools sum to all", 256, |dice| {
        let mut terms = Terms::new(currency("EUR"), "UTC");
        let text = |text: &str| text.to_owned();
        let price = [("prices.1.pattern", text("pages")), ("prices.1.price", (1 + dice.below(9)).to_string())];
        terms.clauses.push(clause(&terms, "price-list", &price));
        let printers = vec![with_jobs("A", jobs(dice, october())), with_jobs("B", jobs(dice, october()))];
        let all = rated(&input(terms.clone(), printers.clone())).statement;
        terms.clauses.insert(0, clause(&terms, "pool", &[("members", text("each"))]));
        let pools = rated(&input(terms, printers)).statement;
        prop_assert_eq!(all.net, pools.net);
        let used = |of: &Statement| of.lines.iter().filter_map(|line| line.used).sum::<i64>();
        prop_assert_eq!(used(&all), used(&pools));
        Ok(())
    });
}

/// Graduated tiers for one meter, over this span.
fn graduated(dice: &mut Dice<'_>, terms: &Terms, reset: &str) -> Clause {
    let bound = 1 + dice.below(30);
    let price = |dice: &mut Dice<'_>| format!("{}.{:06}", dice.below(3), dice.below(1_000_000));
    let texts = [
        ("covers", "area-printed".to_owned()),
        ("reset", reset.to_owned()),
        ("rows.1.up_to", bound.to_string()),
        ("rows.1.price", price(dice)),
        ("rows.2.up_to", (bound + 1 + dice.below(30)).to_string()),
        ("rows.2.price", price(dice)),
        ("rows.2.flat", dice.below(20).to_string()),
        ("rows.3.price", price(dice)),
    ];
    clause(terms, "tiers", &texts)
}

#[test]
fn one_job_more_never_costs_less() {
    hold("one job more", 256, |dice| {
        let mut terms = simple_terms(dice);
        let tiers = graduated(dice, &terms, "period");
        let place = usize::try_from(dice.below(2)).unwrap_or(0);
        terms.clauses.insert(terms.clauses.len() - 1 - place, tiers);
        let whole = |mut jobs: Vec<JobFact>| {
            jobs.retain(|job| job.quantities.iter().all(|quantity| quantity.amount >= 0));
            jobs
        };
        let (jobs, more) = (whole(jobs(dice, october())), whole(jobs(dice, october())));
        let before = rated(&input(terms.clone(), vec![with_jobs("A", jobs.clone())])).statement;
        let after = rated(&input(terms, vec![with_jobs("A", jobs.into_iter().chain(more).collect())])).statement;
        prop_assert!(before.net <= after.net, "{:?} became {:?}", before.net, after.net);
        Ok(())
    });
}

#[test]
fn tiers_over_the_months_of_a_quarter_are_tiers_over_the_quarter() {
    hold("graduated over parts", 256, |dice| {
        let mut by_month = frame(dice);
        by_month.period = PeriodRule::default();
        let tiers = graduated(dice, &by_month, "quarter");
        by_month.clauses.push(tiers);
        let by_quarter = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        let at_once = Terms { period: by_quarter, ..by_month.clone() };
        let (month, zone) = (Month::new(2026, 7).expect("a month"), by_month.time_zone.clone());
        let quarter = at_once.period.beginning_in(month, &zone).expect("a quarter");
        let (mut period, mut months, mut all) = (by_month.period.beginning_in(month, &zone), Vec::new(), Vec::new());
        for _ in 0..3 {
            let here = period.expect("a month");
            let mut jobs = jobs(dice, here);
            jobs.retain(|job| here.contains(job.finished_at));
            all.extend(jobs.clone());
            months.push(input_for(here, by_month.clone(), vec![with_jobs("A", jobs)]));
            period = by_month.period.following(here, &zone);
        }
        let parts = chain(&months).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let whole = rated(&input_for(quarter, at_once, vec![with_jobs("A", all)]));
        prop_assert_eq!(parts.iter().map(|part| part.statement.net.0).sum::<i64>(), whole.statement.net.0);
        prop_assert!(whole.carry.is_empty() && parts.last().is_some_and(|last| last.carry.is_empty()));
        Ok(())
    });
}

#[test]
fn a_true_up_equals_the_actuals() {
    hold("true-up equals actuals", 256, |dice| {
        let terms = pages_at(10_000 * (1 + dice.below(200)), Evidence::Counter);
        let period = october();
        let last = period.start.plus(Duration::hours(24 * (1 + dice.below(29))));
        let start = dice.below(1_000);
        let (middle, end) = (start + dice.below(300), start + 300 + dice.below(300));
        let known = [(period.start.plus(Duration::hours(-1)), start), (last, middle)];
        let all = [known[0], known[1], (period.end, end)];
        let span = Period::new(last, period.end).expect("a period");
        let estimate = EstimateFact {
            meter: Meter::whole(MeterKind::Pages),
            media: None,
            span,
            quantity: dice.below(600),
            method: Method::Daily30,
            basis: "by hand".to_owned(),
        };
        let rate_with = |readings: &[(Instant, i64)], estimates: &[EstimateFact]| {
            rated(&input(terms.clone(), from_readings(readings, estimates, &terms, period))).statement
        };
        let estimated = rate_with(&known, std::slice::from_ref(&estimate));
        let (again, actual) = (rate_with(&all, &[estimate]), rate_with(&all, &[]));
        prop_assert_eq!(again.net, actual.net);
        let reference = Reference { number: "S-0001".to_owned(), statement: "1".to_owned(), period, line: None };
        let first = Billed { reference, statement: &estimated };
        let note = note(&first, std::slice::from_ref(&first), &again);
        let note = note.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let settled = estimated.net.0 + note.map_or(0, |note| note.net.0);
        prop_assert_eq!(settled, actual.net.0, "{:?}", all);
        Ok(())
    });
}

#[test]
fn months_that_meet_at_a_reading_bill_what_the_counter_rose() {
    hold("splitting a period", 256, |dice| {
        let terms = pages_at(10_000 * dice.below(300), Evidence::Counter);
        let (mut at, mut value) = (october().start, 0);
        let mut readings = Vec::new();
        for _ in 0..2 + dice.below(12) {
            let source = ReadingSource::Printer;
            readings.push(ReadingPoint { segment: 1, value, read_at: at, grade: Grade::B, source });
            at = at.plus(Duration::hours(1 + dice.below(48)));
            value += dice.below(1_000);
        }
        let cut = readings[usize::try_from(1 + dice.below(11)).unwrap_or(1).min(readings.len() - 1)].read_at;
        let net = |start: Instant, end: Instant| {
            let period = Period::new(start, end).expect("a period");
            let usage = usage_of(&readings, &[], period, EdgeRule::Last);
            let counters = vec![CounterFact { meter: Meter::whole(MeterKind::Pages), media: None, usage }];
            let printers = vec![PrinterUsage { counters, ..printer("A") }];
            rated(&input_for(period, terms.clone(), printers)).statement.net.0
        };
        let (start, end) = (october().start, at);
        prop_assert_eq!(net(start, cut) + net(cut, end), net(start, end));
        Ok(())
    });
}

#[test]
fn without_a_credit_no_quantity_is_below_zero() {
    hold("no negative quantity", 256, |dice| {
        let terms = pages_at(1_000_000, Evidence::Counter);
        let mut readings = Vec::new();
        let mut at = october().start.plus(Duration::hours(-100));
        for _ in 0..dice.below(14) {
            // Any values: they fall as often as they rise.
            readings.push((at, dice.below(5_000)));
            at = at.plus(Duration::hours(dice.below(120)));
        }
        let statement = rated(&input(terms.clone(), from_readings(&readings, &[], &terms, october()))).statement;
        for line in &statement.lines {
            prop_assert!(line.used.unwrap_or(0) >= 0 && line.quantity.unwrap_or(0) >= 0, "{:?}", readings);
            prop_assert!(line.amount.unwrap_or_default() >= Money(0), "{:?}", readings);
        }
        Ok(())
    });
}

/// A job of so many pages.
fn pages(key: &str, finished_at: Instant, amount: i64) -> JobFact {
    JobFact {
        key: key.to_owned(),
        finished_at,
        status: Some(JobStatus::Printed),
        grade: Grade::A,
        quantities: vec![Quantity { meter: Meter::whole(MeterKind::Pages), media: None, amount }],
        kind: None,
        coverage: None,
        marks: std::collections::BTreeSet::new(),
    }
}

#[test]
fn a_printer_bills_only_what_it_printed_while_in_the_contract() {
    let start = october().start;
    let job = |hours: i64| pages(&format!("j{hours}"), start.plus(Duration::hours(hours)), 1);
    let jobs = vec![job(-1), job(0), job(10), job(20), job(30), job(24 * 31)];
    let stay = PrinterUsage {
        from: start.plus(Duration::hours(10)),
        to: Some(start.plus(Duration::hours(30))),
        ..with_jobs("A", jobs)
    };
    let gone = PrinterUsage { from: Instant(0), to: Some(start), ..with_jobs("B", vec![job(-2)]) };
    let input = input(pages_at(1_000_000, Evidence::Jobs), vec![stay, gone]);
    let statement = rated(&input).statement;
    assert_eq!((statement.net, recount(&input)), (Money(200), 200));
    assert_eq!(statement.period_label, "October 2026");
}

#[test]
fn a_counters_grade_is_that_of_its_weaker_reading() {
    let source = ReadingSource::Printer;
    let point = |value, read_at, grade| ReadingPoint { segment: 1, value, read_at, grade, source };
    let readings = [point(100, october().start, Grade::C), point(160, october().end, Grade::A)];
    let usage = usage_of(&readings, &[], october(), EdgeRule::Last);
    let counters = vec![CounterFact { meter: Meter::whole(MeterKind::Pages), media: None, usage }];
    let printers = vec![PrinterUsage { counters, ..printer("A") }];
    let statement = rated(&input(pages_at(10_000, Evidence::Counter), printers)).statement;
    assert_eq!(statement.lines[0].grades, BTreeMap::from([(Grade::C, 60)]));
    let expected = LineEvidence::Counter { start: Some(readings[0]), end: Some(readings[1]), quantity: 60 };
    assert_eq!(statement.lines[0].sources[0].evidence, expected);
}

#[test]
fn terms_that_cannot_be_rated_give_their_problems() {
    let refused = rate(&input(Terms::new(currency("EUR"), "UTC"), vec![]));
    assert!(matches!(refused, Err(RatingError::Terms(problems)) if problems.len() == 1));
}

#[test]
fn a_sum_that_does_not_fit_stops_the_statement() {
    let start = october().start;
    let jobs = vec![pages("1", start, i64::MAX), pages("2", start, i64::MAX)];
    let stopped = rate(&input(pages_at(1, Evidence::Jobs), vec![with_jobs("A", jobs)]));
    assert_eq!(stopped, Err(RatingError::Overflow { what: "Pages".to_owned() }));
}

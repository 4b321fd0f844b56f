//! The slow recount: the oracle that rating is held against in tests.
//!
//! It shares no arithmetic with rating: meters are compared as text, sums and products are plain
//! 128-bit fractions, and nothing is kept but the sum. Deliberately absent: speed, checks of the terms,
//! lines, taxes. Overflow panics, which in a test is a finding.

use crate::clauses::Clause;
use crate::clauses::base_fee::Per;
use crate::contract::Evidence;
use crate::meter::Pattern;
use crate::rating::{Input, PrinterUsage};
use report::JobStatus;
use std::collections::{BTreeMap, BTreeSet};

/// A meter's name and the media type beside it.
type Key = (String, Option<String>);

/// The net total of a statement, in minor units, counted the slow way.
pub fn recount(input: &Input) -> i128 {
    let mut usage = usage(input);
    let mut allowances: Vec<(&[Pattern], i128)> = Vec::new();
    let mut net = 0;
    for clause in &input.terms.clauses {
        match clause {
            Clause::BaseFee(fee) => {
                let times = match fee.per {
                    Per::Contract => 1,
                    Per::Printer => printers(input),
                };
                net += i128::from(fee.amount.0) * times;
            }
            Clause::Allowance(allowance) => {
                allowances.push((allowance.covers.as_slice(), i128::from(allowance.included)));
            }
            Clause::PriceList(list) => {
                for price in &list.prices {
                    let billed = bill(&price.pattern, &mut usage, &mut allowances);
                    net += charge(input, billed, &price.pattern, i128::from(price.price.millionths));
                }
            }
            Clause::Tax(_) => {}
        }
    }
    net
}

fn was_in(printer: &PrinterUsage, input: &Input) -> bool {
    let left_before = printer.to.is_some_and(|to| to <= input.period.start);
    !left_before && printer.from < input.period.end
}

fn printers(input: &Input) -> i128 {
    let present = input.printers.iter().filter(|printer| was_in(printer, input));
    let ids: BTreeSet<&String> = present.map(|printer| &printer.id).collect();
    i128::try_from(ids.len()).unwrap_or(0)
}

/// All usage, job by job and counter by counter.
fn usage(input: &Input) -> BTreeMap<Key, i128> {
    let mut usage = BTreeMap::new();
    for printer in input.printers.iter().filter(|printer| was_in(printer, input)) {
        for job in &printer.jobs {
            let at = job.finished_at;
            let inside = at >= input.period.start && at < input.period.end;
            let stayed = at >= printer.from && printer.to.is_none_or(|to| at < to);
            let status = job.status.unwrap_or(JobStatus::Printed);
            if !inside || !stayed || !input.terms.billed_statuses.contains(&status) {
                continue;
            }
            for quantity in &job.quantities {
                if source_of(input, &quantity.meter.to_string()) == Evidence::Jobs {
                    let key = (quantity.meter.to_string(), quantity.media.clone());
                    *usage.entry(key).or_insert(0) += i128::from(quantity.amount);
                }
            }
        }
        for counter in wanted_counters(input, printer) {
            *usage.entry(counter.0).or_insert(0) += counter.1;
        }
    }
    usage
}

fn kind(meter: &str) -> &str {
    meter.split('/').next().unwrap_or(meter)
}

fn source_of(input: &Input, meter: &str) -> Evidence {
    let found = input.terms.evidence.iter().find(|(known, _)| known.word() == kind(meter));
    found.map_or(Evidence::Jobs, |(_, evidence)| *evidence)
}

/// The counters of each kind that is billed from them: by part if any pattern asks for one, else by
/// media if any asks for that, else the total; where a printer lacks these, the next in that order.
fn wanted_counters(input: &Input, printer: &PrinterUsage) -> Vec<(Key, i128)> {
    let mut found = Vec::new();
    let patterns: Vec<&Pattern> = input.terms.clauses.iter().flat_map(Clause::patterns).collect();
    let kinds: BTreeSet<&str> = patterns.iter().map(|pattern| pattern.meter.word()).collect();
    for wanted in kinds {
        if source_of(input, wanted) != Evidence::Counter {
            continue;
        }
        let of_kind = || patterns.iter().filter(move |pattern| pattern.meter.word() == wanted);
        let order = if of_kind().any(|pattern| pattern.category.is_some() || pattern.colour.is_some()) {
            ["part", "total", "media"]
        } else if of_kind().any(|pattern| pattern.media.is_some()) {
            ["media", "total", "part"]
        } else {
            ["total", "part", "media"]
        };
        for grain in order {
            let mut any = false;
            for counter in &printer.counters {
                let name = counter.meter.to_string();
                let has = if name.contains('/') {
                    "part"
                } else if counter.media.is_some() {
                    "media"
                } else {
                    "total"
                };
                if kind(&name) == wanted && has == grain {
                    any = true;
                    found.push(((name, counter.media.clone()), i128::from(counter.usage.quantity)));
                }
            }
            if any {
                break;
            }
        }
    }
    found
}

fn matches(pattern: &Pattern, key: &Key) -> bool {
    let part = match (&pattern.category, &pattern.colour) {
        (Some(category), _) => Some(category.id()),
        (None, colour) => colour.as_deref(),
    };
    let meter = match part {
        Some(part) => key.0 == format!("{}/{part}", pattern.meter.word()),
        None => kind(&key.0) == pattern.meter.word(),
    };
    meter && (pattern.media.is_none() || pattern.media == key.1)
}

/// Takes what a price matches out of the usage, less what allowances cover.
fn bill(pattern: &Pattern, usage: &mut BTreeMap<Key, i128>, allowances: &mut [(&[Pattern], i128)]) -> i128 {
    let keys: Vec<Key> = usage.keys().filter(|key| matches(pattern, key)).cloned().collect();
    let used: i128 = keys.iter().map(|key| usage[key]).sum();
    let mut billed = used;
    for key in keys {
        let mut open = usage.remove(&key).unwrap_or(0);
        for (covers, left) in allowances.iter_mut() {
            if covers.iter().any(|pattern| matches(pattern, &key)) {
                // Never more than the key used, than is left, or than is still billed.
                let part = [open, *left, billed].into_iter().fold(i128::MAX, i128::min).max(0);
                open -= part;
                *left -= part;
                billed -= part;
            }
        }
    }
    billed
}

/// `billed / base × millionths / 1 000 000` currency units, in minor units, half away from zero.
fn charge(input: &Input, billed: i128, pattern: &Pattern, millionths: i128) -> i128 {
    let mut minor = 1;
    for _ in 0..input.terms.currency.minor_digits() {
        minor *= 10;
    }
    let base = if ["pages", "jobs"].contains(&pattern.meter.word()) { 1 } else { 1_000_000 };
    let (top, bottom) = (billed * millionths * minor, base * 1_000_000);
    let size = (2 * top.abs() + bottom) / (2 * bottom);
    if top < 0 { -size } else { size }
}

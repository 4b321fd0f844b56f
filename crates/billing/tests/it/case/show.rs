//! Statements and corrections in words, as the cases expect them.

use super::facts::unit_of;
use billing::carry::{CarryEntry, Lot};
use billing::contract::Terms;
use billing::correction::LineChange;
use billing::rating::Rated;
use billing::{Currency, Line, Money, PrinterReconciliation, Statement};
use report::Instant;

/// A statement and what it leaves. Carry and the counters of other meters are shown where `expected` names
/// them.
pub(crate) fn statement(rated: &Rated, terms: &Terms, expected: &str) -> String {
    let statement = &rated.statement;
    let mut out: Vec<String> = Vec::new();
    for line in &statement.lines {
        out.push(line_of(line, statement.currency));
        out.extend(line.steps.iter().map(|step| format!("  {step}")));
    }
    out.push(format!("net {}", statement.net.show(statement.currency)));
    out.extend(taxes(statement));
    out.push(format!("total {}", statement.total.show(statement.currency)));
    for row in &statement.reconciliations {
        out.extend(reconciliation(row, expected));
    }
    out.extend(statement.notes.iter().map(|note| format!("note {note}")));
    if expected.lines().any(|line| line.starts_with("carry ")) {
        for entry in &rated.carry.entries {
            out.extend(entry.lots.iter().map(|lot| carried(entry, lot, terms)));
        }
    }
    out.join("\n")
}

fn taxes(statement: &Statement) -> impl Iterator<Item = String> {
    statement.taxes.iter().map(|row| format!("{} {}", row.label(), row.amount.show(statement.currency)))
}

/// `Monochrome lines | 520.00 m² used | 16.80 [estimated] → Bank`.
fn line_of(line: &Line, currency: Currency) -> String {
    let amount = line.amount.map_or_else(|| "none".to_owned(), |amount| amount.show(currency));
    let mut text = format!("{} | {} | {amount}", line.title, line.detail);
    for mark in &line.marks {
        let word = format!("{mark:?}").to_lowercase();
        text.push_str(&format!(" [{word}]"));
    }
    if let Some(payer) = &line.payer {
        text.push_str(&format!(" → {payer}"));
    }
    text
}

/// `A: counter 120.00, jobs used 110.00, printed 100.00`; `A, pages: …` for other meters than media used.
fn reconciliation(row: &PrinterReconciliation, expected: &str) -> Vec<String> {
    let of = &row.reconciliation;
    let Some(counter) = of.counter_total else { return Vec::new() };
    let is_usual = row.meter == billing::MeterKind::AreaMedia;
    let label = if is_usual { row.label.clone() } else { format!("{}, {}", row.label, row.meter.label()) };
    if !is_usual && !expected.lines().any(|line| line.starts_with(&format!("{label}: counter "))) {
        return Vec::new();
    }
    let number = |quantity| row.meter.unit().number(quantity);
    let (media, printed) = (number(of.job_media_total), number(of.job_printed_total));
    let mut out = vec![format!("{label}: counter {}, jobs used {media}, printed {printed}", number(counter))];
    for difference in &of.differences {
        out.push(format!("  {}: {}", difference.cause.words(), number(difference.amount)));
    }
    out
}

/// `carry allowance.1 rolled 50 until 2026-12-01`.
fn carried(entry: &CarryEntry, lot: &Lot, terms: &Terms) -> String {
    let quantity = match unit_of(terms, &entry.clause, &entry.what) {
        Some(unit) => plain(unit.show_exact(lot.quantity).split(' ').next().unwrap_or_default()),
        None => lot.quantity.to_string(),
    };
    let mut text = format!("carry {} {} {quantity}", entry.clause, entry.what);
    if lot.amount != Money(0) {
        text.push_str(&format!(" amount {}", lot.amount.show(terms.currency)));
    }
    if let Some(until) = lot.until {
        text.push_str(&format!(" until {}", short(until)));
    }
    if !entry.pool.is_empty() {
        text.push_str(&format!(" pool {}", entry.pool));
    }
    text
}

/// A number without the decimals that say nothing.
fn plain(number: &str) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number.to_owned() }
}

/// An instant as a case writes it: `2026-12-01`, `2026-12-01T14:00`.
fn short(at: Instant) -> String {
    let text = at.to_string();
    let text = text.strip_suffix(":00Z").unwrap_or(&text);
    text.strip_suffix("T00:00").unwrap_or(text).to_owned()
}

/// What settles a period that was rated again: the note with its lines.
pub(crate) fn corrected(note: &Statement, changes: &[LineChange]) -> String {
    let show = |amount: Money| amount.show(note.currency);
    let kind = match note.kind {
        billing::statement::DocumentKind::Debit => "debit",
        billing::statement::DocumentKind::Statement | billing::statement::DocumentKind::Credit => "credit",
    };
    let mut out = vec![format!("{}: {kind} {}", note.period_label, show(note.total))];
    for change in changes {
        let difference = Money(change.now.0 - change.was.0);
        let (was, now) = (show(change.was), show(change.now));
        out.push(format!("  {} {} | {was} → {now} | {}", change.line, change.title, show(difference)));
    }
    out.extend(taxes(note).map(|tax| format!("  {tax}")));
    out.join("\n")
}

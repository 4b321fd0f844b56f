//! CL31: the customer keeps the collector on; what follows where it was off for too long.
//!
//! How long a printer was silent is a fact of the input. Deliberately absent: who was at fault, and the
//! estimate of what was not read (see `estimates`).

use super::allowance::span;
use super::draft::{Draft, Place};
use super::window::days;
use super::{At, Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::events::Silence;
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money};
use crate::period::Reset;
use crate::proration::Proration;
use crate::rating::{PrinterUsage, RatingError};
use crate::statement::{Line, LineShare};
use report::Duration;
use serde::{Deserialize, Serialize};

/// What follows a silence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    /// The statement says it.
    #[default]
    Note,
    /// A fee, once for each place of a printer.
    Fee,
}

/// Terms of the duty to keep the collector on. CL31.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Monitoring {
    /// What the line is called; "Collector off" when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many days a printer may be silent.
    pub days: u32,
    /// What follows when it was longer.
    pub consequence: Consequence,
    /// The fee for each place, minor units.
    pub fee: Money,
}

/// The form's words for [`Consequence`].
const CONSEQUENCES: &[(&str, &str)] = &[("note", "the statement says it"), ("fee", "a fee for each printer")];

impl Monitoring {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Collector off")
    }

    /// The silences that were too long, by printer and time, each with every stay of the period that it
    /// touches.
    fn too_long<'a>(&self, draft: &Draft<'a>) -> Vec<(&'a Silence, usize)> {
        let most = Duration::hours(24 * i64::from(self.days));
        let (period, input) = (draft.period(), draft.input);
        let mut found: Vec<(&Silence, usize)> = Vec::new();
        for silence in input.events.silences.iter().filter(|silence| silence.to.since(silence.from) > most) {
            let touches = |stay: &PrinterUsage| {
                let (from, to) = (silence.from.max(period.start).max(stay.from), silence.to.min(period.end));
                stay.id == silence.printer && from < stay.to.map_or(to, |left| left.min(to))
            };
            let touched = draft.stays.iter().enumerate().filter(|(_, stay)| touches(stay));
            found.extend(touched.map(|(stay, _)| (silence, stay)));
        }
        found.sort_by_key(|(silence, stay)| (*stay, silence.from, silence.to));
        found.dedup();
        found
    }
}

/// `T930 was not heard of from … to …`, each silence once.
fn said(silences: &[(&Silence, usize)], draft: &Draft<'_>) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for (silence, stay) in silences {
        let label = draft.stays.get(*stay).map_or(silence.printer.as_str(), |stay| stay.label.as_str());
        let sentence = format!("{label} was not heard of from {} to {}", silence.from, silence.to);
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

impl ClauseTerms for Monitoring {
    const FORM: &'static [Field] = &[
        field("days", "Days a printer may be silent", Kind::Count),
        field("consequence", "When it was longer", Kind::Choice(CONSEQUENCES)),
        field("fee", "Fee", Kind::Money).hint("once for each printer"),
    ];
    const ABOUT: &'static str = "CL31: the customer keeps the collector on.";

    fn step(&self) -> Step {
        Step::Fees
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let duty = "The customer keeps the collector installed and running.".to_owned();
        let silent = format!("Where a printer is silent for more than {}", days(self.days));
        let then = match self.consequence {
            Consequence::Note => format!("{silent}, the statement says it."),
            Consequence::Fee => {
                format!("{silent}, {} {currency} are charged for it, once a period.", self.fee.show(currency))
            }
        };
        vec![duty, then]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.fee < Money(0) {
            problems.push(Problem::at(at.at("fee"), "a fee cannot be below zero"));
        }
        if self.consequence == Consequence::Fee && self.fee == Money(0) {
            problems.push(Problem::at(at.at("fee"), "say how much is charged"));
        }
        if self.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
            problems.push(Problem::at(at.at("title"), "give the fee a name, or none at all"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let silences = self.too_long(draft);
        let sentences = said(&silences, draft);
        if self.consequence == Consequence::Note {
            draft.notes.extend(sentences.into_iter().map(|sentence| format!("{sentence}.")));
            return Ok(());
        }
        let is_silent = |place: &&Place| silences.iter().any(|(_, stay)| place.stays.contains(stay));
        let all = draft.places(&[]);
        let places: Vec<&Place> = all.iter().filter(is_silent).collect();
        if places.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(places.len()).unwrap_or(i64::MAX);
        // Once a period: a statement over some days of it bears their share.
        let part = span::part(Proration::None, Reset::Period, draft, None)?;
        let each = part.of_money(self.fee).map_err(RatingError::at(self.title()))?;
        let amount = each.each(count).map_err(RatingError::at(self.title()))?;
        let share = |place: &&Place| {
            let silent = place.stays.iter().find(|stay| silences.iter().any(|(_, of)| of == *stay));
            let stay = silent.and_then(|stay| draft.stays.get(*stay))?;
            Some(LineShare { printer: stay.id.clone(), site: stay.site.clone(), quantity: 0, amount: each })
        };
        let printers = if count == 1 { "1 printer".to_owned() } else { format!("{count} printers") };
        let (fee, sum) = (each.show(draft.currency), amount.show(draft.currency));
        let mut steps = sentences;
        if !part.words().is_empty() {
            steps.push(format!("{} × {} = {fee}", self.fee.show(draft.currency), part.words()));
        }
        steps.push(format!("{printers} × {fee} = {sum}"));
        let line = Line {
            id: at.id(None, ""),
            title: self.title().to_owned(),
            detail: format!("{printers} silent for more than {}", days(self.days)),
            amount: Some(amount),
            steps,
            shares: places.iter().filter_map(share).collect(),
            ..Line::default()
        };
        draft.push(at, Step::Fees, line);
        Ok(())
    }
}

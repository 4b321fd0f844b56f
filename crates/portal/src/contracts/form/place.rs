//! Where on the form something stands that terms name by a path: `clauses.1.prices.0.price` of the terms is
//! `clauses.2.prices.1.price` of the form.
//!
//! Deliberately absent: what is said there.

use super::{Piece, Wrong, cell, clause_name, lists};
use billing::ClauseKind;
use billing::form::{Field, Kind};

/// The form's name of a field of the clause with this number; of a path that it has no field for, the clause's.
pub(super) fn of_clause(number: usize, kind: ClauseKind, path: &str) -> String {
    let clause = format!("clauses.{number}");
    let is_single = |field: &Field| field.path == path && !matches!(field.kind, Kind::Rows(_));
    let known = path == "title" || kind.form.iter().any(is_single) || cell(kind, path).is_some();
    if known { format!("{clause}.{path}") } else { clause }
}

/// The form's name of a field of the terms. The pieces are those that the terms were read from.
pub(in crate::contracts) fn of_terms(pieces: &[Piece], path: &str) -> String {
    let Some(rest) = path.strip_prefix("clauses.") else {
        let name = match path {
            "time_zone" => "zone",
            "clauses" => "kind",
            "billed_statuses" => "statuses",
            other => other.strip_prefix("period.").unwrap_or(other),
        };
        return name.to_owned();
    };
    let (index, inner) = rest.split_once('.').unwrap_or((rest, ""));
    let found = index.parse::<usize>().ok().and_then(|index| Some((index.saturating_add(1), pieces.get(index)?)));
    let Some((number, piece)) = found else { return "kind".to_owned() };
    of_clause(number, piece.kind, &in_rows(piece.kind, inner))
}

/// A path within a clause, with rows numbered from 1. What is said of a whole list stands at its first field.
fn in_rows(kind: ClauseKind, path: &str) -> String {
    let mut parts = path.split('.');
    let (first, row, column) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let Some((list, columns)) = lists(kind).find(|(list, _)| *list == first) else { return first.to_owned() };
    let row = row.and_then(|row| row.parse::<usize>().ok()).unwrap_or(0).saturating_add(1);
    let column = column.or(columns.first().map(|column| column.path)).unwrap_or_default();
    format!("{list}.{row}.{column}")
}

/// What is wrong with a field, as a sentence that says where.
pub(in crate::contracts) fn said(pieces: &[Piece], field: String, message: &str) -> Wrong {
    let about = match clause_name(&field) {
        Some((number, path)) => in_clause(pieces, number, path),
        None => match field.strip_prefix("clauses.") {
            Some(number) => format!("Clause {number}"),
            None => beside(&field).to_owned(),
        },
    };
    let text = format!("{about}: {}.", message.trim_end_matches('.'));
    Wrong { field, text }
}

/// What the field at a path is called; the path itself where there is none.
fn label<'a>(form: &[Field], path: &'a str) -> &'a str {
    form.iter().find(|field| field.path == path).map_or(path, |field| field.label)
}

fn in_clause(pieces: &[Piece], number: usize, path: &str) -> String {
    let piece = number.checked_sub(1).and_then(|index| pieces.get(index));
    let form = piece.map(|piece| piece.kind.form).unwrap_or_default();
    let mut parts = path.split('.');
    let (first, row, column) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let columns = form.iter().find_map(|field| match field.kind {
        Kind::Rows(columns) if field.path == first => Some(columns),
        _ => None,
    });
    match (columns, row, column) {
        (Some(columns), Some(row), Some(column)) => {
            format!("Clause {number}, row {row}, {}", label(columns, column))
        }
        _ if first == "title" => format!("Clause {number}, Called"),
        _ => format!("Clause {number}, {}", label(form, first)),
    }
}

/// What a field beside the clauses is called.
fn beside(field: &str) -> &'static str {
    match field {
        "zone" => "Time zone",
        "day" => "Periods begin on day",
        "first_month" => "First month",
        "starts" => "From",
        "currency" => "Currency",
        "steps" => "Order of the sum",
        "statuses" => "Jobs that are billed",
        "kind" => "Clauses",
        evidence if evidence.starts_with("evidence.") => "What counts as proof",
        _ => "Terms",
    }
}

//! The variables of all walks together, looked up by column and index.
//!
//! Deliberately absent: any fixed index. Printers number their device, trays and supplies as they like.

use super::mib;
use super::rec::{self, VARIABLES_MAX, Value};
use crate::node::Notes;
use crate::{Answer, Answers};
use report::{Defect, RowId};
use std::collections::BTreeMap;

/// Everything that was walked, by object identifier.
#[derive(Debug, Default)]
pub(crate) struct Mib(BTreeMap<Vec<u32>, Value>);

impl Mib {
    /// Joins the answers. What was not answered or cannot be read is a defect.
    pub(crate) fn of(answers: &Answers, notes: &mut Notes) -> Mib {
        let mut objects = BTreeMap::new();
        for (key, answer) in answers {
            let walked = key.strip_prefix("snmp/").unwrap_or(key);
            match variables(answer) {
                Ok(variables) => {
                    for variable in variables {
                        let Some(oid) = rec::arcs(&variable.oid) else { continue };
                        objects.insert(oid, variable.value);
                    }
                }
                Err(why) => notes.of(&format!("walk of {}: {why}", Defect::quote(walked))),
            }
            if objects.len() > VARIABLES_MAX {
                notes.of(&format!("more than {VARIABLES_MAX} variables, the rest is not read"));
                break;
            }
        }
        Mib(objects)
    }

    /// The objects below `root` with their indexes, in order.
    pub(crate) fn column(&self, root: &str) -> Vec<(&[u32], &Value)> {
        let Some(root) = rec::arcs(root) else { return Vec::new() };
        let below = self.0.range(root.clone()..).take_while(|(oid, _)| oid.starts_with(&root));
        below.filter_map(|(oid, value)| Some((oid.get(root.len()..)?, value))).collect()
    }

    /// The object of a column at an index.
    pub(crate) fn get(&self, column: &str, index: &[u32]) -> Option<&Value> {
        let mut oid = rec::arcs(column)?;
        oid.extend_from_slice(index);
        self.0.get(&oid)
    }

    /// The number of a column at an index.
    pub(crate) fn number(&self, column: &str, index: &[u32]) -> Option<i64> {
        self.get(column, index).and_then(Value::number)
    }

    /// The text of a column at an index, as row `row` shows it.
    pub(crate) fn text(&self, column: &str, index: &[u32], row: RowId, notes: &mut Notes) -> Option<String> {
        self.get(column, index).and_then(|value| text(value, row, notes))
    }

    /// The first text below `root`.
    pub(crate) fn first_text(&self, root: &str, row: RowId, notes: &mut Notes) -> Option<String> {
        self.column(root).into_iter().find_map(|(_, value)| text(value, row, notes))
    }

    /// The first octet string below `root` in full, however long; empty where there is none. It is taken apart
    /// and never shown whole.
    pub(crate) fn first_text_long(&self, root: &str) -> String {
        let mut texts = self.column(root).into_iter().filter_map(|(_, value)| match value {
            Value::Bytes(bytes) => Some(mib::decode(bytes).0),
            _ => None,
        });
        texts.next().unwrap_or_default()
    }

    /// The indexes of the rows of a table of which `column` is one, those of device `device` alone where it has
    /// any: some firmware numbers its supplies below another device than its own.
    pub(crate) fn rows(&self, column: &str, device: Option<u32>) -> Vec<&[u32]> {
        let all: Vec<&[u32]> = self.column(column).into_iter().map(|(index, _)| index).collect();
        let own = |index: &&&[u32]| index.len() > 1 && index.first().copied() == device;
        let of_device: Vec<&[u32]> = all.iter().filter(own).copied().collect();
        if of_device.is_empty() { all } else { of_device }
    }
}

/// The text of an octet string. Bytes that are not UTF-8 are read as Latin-1 and odd.
fn text(value: &Value, row: RowId, notes: &mut Notes) -> Option<String> {
    let Value::Bytes(bytes) = value else { return None };
    let (decoded, is_utf8) = mib::decode(bytes);
    let text = mib::plain(&decoded)?;
    if !is_utf8 {
        notes.at(row, &format!("'{}' is not UTF-8, read as Latin-1", Defect::quote(&text)));
    }
    Some(text)
}

fn variables(answer: &Answer) -> Result<Vec<rec::Variable>, String> {
    match answer {
        Answer::Body { status: 200..=299, body, .. } => rec::read(body).map_err(|error| error.to_string()),
        Answer::Body { status, .. } | Answer::Elsewhere { status, .. } => Err(format!("answered with status {status}")),
        Answer::NotAsked(why) | Answer::Failed(why) => Err(Defect::quote(why)),
    }
}

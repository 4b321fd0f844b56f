//! Two JSON values side by side: every place where they differ, by its path.
//!
//! Deliberately absent: judging a difference, and aligning lists: places are compared by number.

use crate::verify::Findings;
use report::Defect;
use serde_json::Value;
use std::collections::BTreeSet;

/// Adds a finding for each place below `at` where `says` is not what it `should` be.
pub(crate) fn diff(at: &str, says: &Value, should: &Value, why: &str, findings: &mut Findings) {
    match (says, should) {
        (Value::Object(says), Value::Object(should)) => {
            let names: BTreeSet<&String> = says.keys().chain(should.keys()).collect();
            for name in names {
                let place = format!("{at}.{name}");
                diff(
                    &place,
                    says.get(name).unwrap_or(&Value::Null),
                    should.get(name).unwrap_or(&Value::Null),
                    why,
                    findings,
                );
            }
        }
        (Value::Array(says), Value::Array(should)) => {
            for place in 0..says.len().max(should.len()) {
                let (one, other) = (says.get(place), should.get(place));
                let path = format!("{at}.{place}");
                diff(&path, one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null), why, findings);
            }
        }
        _ if says == should => {}
        _ => findings.add(at, shown(says), shown(should), why),
    }
}

/// A value in words, bounded.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => Defect::quote(text),
        other => Defect::quote(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_place_that_differs_is_named() {
        let says = json!({"a": 1, "b": [1, {"c": "x"}], "d": true});
        let should = json!({"a": 1, "b": [2, {"c": "y"}, 3], "e": true});
        let mut findings = Findings::default();
        diff("s", &says, &should, "why", &mut findings);
        let shown: Vec<String> = findings
            .into_list()
            .into_iter()
            .map(|finding| format!("{} {} {}", finding.at, finding.says, finding.should))
            .collect();
        assert_eq!(shown, ["s.b.0 1 2", "s.b.1.c x y", "s.b.2 nothing 3", "s.d true nothing", "s.e nothing true"]);
    }
}

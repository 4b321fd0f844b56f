//! One event as one line: as JSON for programs, as text for people.
//!
//! Deliberately absent: colours, and the values of fields that are named after a person or a secret.

use report::Instant;
use serde_json::{Map, Value, json};
use std::fmt;
use tracing::field::{Field, Visit};

/// Characters of one value that are written at most.
const VALUE_CHARS_MAX: usize = 1000;
/// Fields of one event that are written at most.
const FIELDS_MAX: usize = 32;

/// Names of fields whose value must stay unsaid, and endings of such names: a person's, or a secret.
const PRIVATE: &[&str] = &[
    "account",
    "account_id",
    "application_id",
    "cookie",
    "enrolment_code",
    "job_name",
    "key",
    "password",
    "project",
    "project_id",
    "secret",
    "seed",
    "token",
    "user",
    "user_defined",
    "user_name",
];

/// Names that are private only when they stand alone: the name of a host is no person's.
const PRIVATE_ALONE: &[&str] = &["name", "person"];

/// What stands in place of such a value.
const UNSAID: &str = "(not written)";

/// One event, its texts without control characters.
pub(super) struct Line {
    at: Instant,
    level: tracing::Level,
    target: String,
    message: String,
    fields: Vec<(String, Value)>,
}

impl Line {
    /// Takes what an event says.
    pub(super) fn of(event: &tracing::Event<'_>, at: Instant) -> Line {
        let metadata = event.metadata();
        let target = plain(metadata.target());
        let mut line = Line { at, level: *metadata.level(), target, message: String::new(), fields: Vec::new() };
        event.record(&mut line);
        line
    }

    /// When it happened.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// How grave it is.
    pub(super) fn level(&self) -> tracing::Level {
        self.level
    }

    /// A JSON object: `at` first, then `level`, `message`, `target` and the fields.
    pub(super) fn json(&self) -> String {
        let mut object = Map::new();
        for (name, value) in &self.fields {
            object.insert(name.clone(), value.clone());
        }
        // A field cannot take the place of what every line has.
        object.remove("at");
        object.insert("level".to_owned(), json!(self.level.as_str().to_lowercase()));
        object.insert("message".to_owned(), json!(self.message));
        object.insert("target".to_owned(), json!(self.target));
        let rest = Value::Object(object).to_string();
        format!("{{\"at\":\"{}\",{}", self.at, rest.trim_start_matches('{'))
    }

    /// A line of text without the time, for a log that has its own.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {}", self.level, self.message);
        for (name, value) in &self.fields {
            match value {
                Value::String(value) if value.contains(' ') || value.is_empty() => {
                    text.push_str(&format!(" {name}={value:?}"));
                }
                Value::String(value) => text.push_str(&format!(" {name}={value}")),
                other => text.push_str(&format!(" {name}={other}")),
            }
        }
        text
    }

    /// The same with the time before it.
    pub(super) fn text_with_time(&self) -> String {
        format!("{} {}", self.at, self.text())
    }

    fn push(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if name == "message" {
            self.message = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return;
        }
        if self.fields.len() < FIELDS_MAX {
            let value = if is_private(name) { json!(UNSAID) } else { value };
            self.fields.push((plain(name), value));
        }
    }
}

impl Visit for Line {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, json!(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, json!(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, json!(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, json!(plain(value)));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Bounded(String::new());
        // It ends early when the text grows too long.
        let _ended = fmt::write(&mut text, format_args!("{value:?}"));
        self.push(field, json!(plain(&text.0)));
    }
}

/// Takes text until there is more than a line shows.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() > 4 * VALUE_CHARS_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Whether a field's name says that its value is a person's or a secret.
fn is_private(name: &str) -> bool {
    let name = name.replace('.', "_").to_lowercase();
    let ends = |word: &&str| name.strip_suffix(*word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'));
    PRIVATE_ALONE.contains(&name.as_str()) || PRIVATE.iter().any(ends)
}

/// The text without control characters and at most as long as a line shows.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(VALUE_CHARS_MAX));
    for (count, c) in text.chars().enumerate() {
        if count == VALUE_CHARS_MAX {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || moves_text(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character ends a line or turns the direction of a text without being a control character.
fn moves_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

//! The privacy filter: it runs on a report before anything is written anywhere.
//!
//! Each personal row is dropped, replaced by a pseudonym or kept; the default drops all of them. The
//! policy belongs to the customer's side: the portal can only ask for more to be dropped. A pseudonym is
//! `base32(HMAC-SHA256(key, field ‖ 0x00 ‖ lower-cased trimmed text)[..16])` under a key that stays in
//! the customer's state folders. Deliberately absent: Unicode normalisation (NFKC), for which no crate
//! is taken in, so that a name in composed and decomposed letters has two pseudonyms; and a way back
//! from a pseudonym other than trying a text that one knows already.

use crate::files::write_private;
use hmac::{Hmac, KeyInit, Mac};
use protocol::Hex;
use protocol::package::Timestamps;
use report::{Defect, Personal, Report, RowId, Surroundings};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// The file of the pseudonym key in the state folder: 64 hexadecimal digits.
const KEY_FILE: &str = "pseudonym.key";
/// What a defect of a personal row says when that row does not travel: the value is left out.
const WITHHELD: &str = "odd, and left out by the privacy policy";

/// What happens to one personal row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It is removed before anything is written.
    #[default]
    Drop,
    /// A keyed hash takes its place: the same text gives the same pseudonym.
    Pseudonym,
    /// It travels, in the record's annex.
    Keep,
}

impl Mode {
    /// The word in files and on pages.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Drop => "drop",
            Mode::Pseudonym => "pseudonym",
            Mode::Keep => "keep",
        }
    }
}

/// What happens to the submission timestamp, which has no pseudonym.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is removed before anything is written.
    #[default]
    Drop,
    /// It travels, in the record's annex.
    Keep,
}

/// A personal text of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Rows P1 and N1.
    JobName,
    /// Rows P4 and N4.
    ProjectId,
    /// Rows P5 and N5.
    ApplicationId,
    /// Rows P6 and N6.
    UserDefined,
    /// Rows P7 and N7.
    AccountId,
    /// Rows P8 and N8.
    UserName,
}

impl Field {
    /// Every personal text.
    pub const ALL: [Field; 6] =
        [Field::JobName, Field::ProjectId, Field::ApplicationId, Field::UserDefined, Field::AccountId, Field::UserName];

    /// The field's key in files; it is also part of a pseudonym, so that it never changes.
    pub fn word(self) -> &'static str {
        match self {
            Field::JobName => "job-name",
            Field::ProjectId => "project-id",
            Field::ApplicationId => "application-id",
            Field::UserDefined => "user-defined",
            Field::AccountId => "account-id",
            Field::UserName => "user-name",
        }
    }

    /// The rows of Appendix A that it is.
    pub fn rows(self) -> [RowId; 2] {
        match self {
            Field::JobName => [RowId::P1, RowId::N1],
            Field::ProjectId => [RowId::P4, RowId::N4],
            Field::ApplicationId => [RowId::P5, RowId::N5],
            Field::UserDefined => [RowId::P6, RowId::N6],
            Field::AccountId => [RowId::P7, RowId::N7],
            Field::UserName => [RowId::P8, RowId::N8],
        }
    }

    fn of(self, personal: &mut Personal) -> &mut Option<String> {
        match self {
            Field::JobName => &mut personal.name,
            Field::ProjectId => &mut personal.project,
            Field::ApplicationId => &mut personal.application,
            Field::UserDefined => &mut personal.user_defined,
            Field::AccountId => &mut personal.account,
            Field::UserName => &mut personal.user,
        }
    }
}

/// What happens to each personal row, and how exact the times of jobs are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Policy {
    /// Rows P1 and N1.
    pub job_name: Mode,
    /// Rows P8 and N8.
    pub user_name: Mode,
    /// Rows P7 and N7.
    pub account_id: Mode,
    /// Rows P4 and N4.
    pub project_id: Mode,
    /// Rows P5 and N5.
    pub application_id: Mode,
    /// Rows P6 and N6.
    pub user_defined: Mode,
    /// Row P9.
    pub submitted_at: Presence,
    /// The instants of jobs: cut to the minute, or to the second.
    pub timestamps: Timestamps,
}

impl Policy {
    /// Every personal row travels; times stay to the minute.
    pub fn keep_all() -> Policy {
        Policy {
            job_name: Mode::Keep,
            user_name: Mode::Keep,
            account_id: Mode::Keep,
            project_id: Mode::Keep,
            application_id: Mode::Keep,
            user_defined: Mode::Keep,
            submitted_at: Presence::Keep,
            timestamps: Timestamps::Minute,
        }
    }

    /// The same policy without any personal row: what the portal may ask for.
    #[must_use]
    pub fn without_personal(self) -> Policy {
        Policy { timestamps: self.timestamps, ..Policy::default() }
    }

    /// What happens to a field.
    pub fn mode(&self, field: Field) -> Mode {
        match field {
            Field::JobName => self.job_name,
            Field::ProjectId => self.project_id,
            Field::ApplicationId => self.application_id,
            Field::UserDefined => self.user_defined,
            Field::AccountId => self.account_id,
            Field::UserName => self.user_name,
        }
    }

    /// Whether any field is replaced by a pseudonym, so that the key is needed.
    pub fn needs_key(&self) -> bool {
        Field::ALL.iter().any(|field| self.mode(*field) == Mode::Pseudonym)
    }

    /// Key and word of each setting, as pages show the policy and beats carry it.
    pub fn words(&self) -> BTreeMap<String, String> {
        let texts = Field::ALL.iter().map(|field| (field.word(), self.mode(*field).word()));
        let submitted = if self.submitted_at == Presence::Keep { "keep" } else { "drop" };
        let times = if self.timestamps == Timestamps::Second { "second" } else { "minute" };
        let rest = [("submitted-at", submitted), ("timestamps", times)];
        texts.chain(rest).map(|(key, word)| (key.to_owned(), word.to_owned())).collect()
    }

    /// Whether a record made under `earlier` may hold more than this policy lets through.
    pub fn is_tighter_than(&self, earlier: &Policy) -> bool {
        Field::ALL.iter().any(|field| self.mode(*field) < earlier.mode(*field))
            || self.submitted_at < earlier.submitted_at
            || (self.timestamps == Timestamps::Minute && earlier.timestamps == Timestamps::Second)
    }

    /// Brings what was read under `earlier` down to this policy. What was looser is never brought back.
    pub fn tighten(&self, earlier: &Policy, personal: &mut Personal, key: Option<&[u8; 32]>) {
        for field in Field::ALL {
            // What is a pseudonym already stays one.
            let mode = match (earlier.mode(field), self.mode(field)) {
                (_, Mode::Drop) => Mode::Drop,
                (Mode::Keep, Mode::Pseudonym) => Mode::Pseudonym,
                _ => Mode::Keep,
            };
            apply(field, mode, personal, key);
        }
        if self.submitted_at == Presence::Drop {
            personal.submitted_at = None;
        }
    }

    /// What happens to the row; `None` when the policy does not cover it.
    fn of_row(&self, row: RowId) -> Option<Mode> {
        let field = Field::ALL.into_iter().find(|field| field.rows().contains(&row));
        let submitted = if self.submitted_at == Presence::Keep { Mode::Keep } else { Mode::Drop };
        // A personal row that no field names is dropped: a row added later fails closed.
        let rest = || row.row().personal.then_some(if row == RowId::P9 { submitted } else { Mode::Drop });
        field.map(|field| self.mode(field)).or_else(rest)
    }
}

/// Removes or replaces what the policy does not let through. Without a key a pseudonym is a drop.
pub fn filter(report: &mut Report, policy: &Policy, key: Option<&[u8; 32]>) {
    for (job, defects) in &mut report.jobs {
        for field in Field::ALL {
            apply(field, policy.mode(field), &mut job.personal, key);
        }
        if policy.submitted_at == Presence::Drop {
            job.personal.submitted_at = None;
        }
        filter_defects(defects, policy);
    }
    report.sources.retain(|row, _| {
        let mode = policy.of_row(*row);
        mode.is_none_or(|mode| mode == Mode::Keep || (mode == Mode::Pseudonym && key.is_some()))
    });
}

/// Leaves out of defects the values of personal rows that do not travel as they are.
pub fn filter_defects(defects: &mut [Defect], policy: &Policy) {
    for defect in defects {
        let mode = defect.row.and_then(|row| policy.of_row(row));
        if mode.is_some_and(|mode| mode != Mode::Keep) {
            WITHHELD.clone_into(&mut defect.what);
        }
    }
}

fn apply(field: Field, mode: Mode, personal: &mut Personal, key: Option<&[u8; 32]>) {
    let value = field.of(personal);
    let kept = value.take();
    *value = match (mode, key) {
        (Mode::Keep, _) => kept,
        (Mode::Pseudonym, Some(key)) => kept.map(|text| pseudonym(key, field, &text)),
        _ => None,
    };
}

/// What stands in the place of a text: 26 characters that only the holder of the key can make.
///
/// Case and surrounding white space do not count: `Ana` and ` ana ` are one person.
pub fn pseudonym(key: &[u8; 32], field: Field, text: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(field.word().as_bytes());
    mac.update(&[0]);
    mac.update(text.trim().to_lowercase().as_bytes());
    let hash: [u8; 32] = mac.finalize().into_bytes().into();
    base32(&hash[..16])
}

/// RFC 4648 base32 in lower case without padding.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::new();
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[((buffer >> bits) & 31) as usize]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(DIGITS[((buffer << (5 - bits)) & 31) as usize]));
    }
    text
}

/// The pseudonym key of a state folder; `None` when there is none yet.
///
/// A file that is not 64 hexadecimal digits is an error and stays as it is: another key in its place
/// would give everybody another pseudonym.
pub fn key(state: &Path) -> std::io::Result<Option<[u8; 32]>> {
    let path = state.join(KEY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let wrong = || Error::new(ErrorKind::InvalidData, format!("{} is not 64 hexadecimal digits", path.display()));
    text.trim().parse::<Hex<32>>().map(|key| Some(key.0)).map_err(|_| wrong())
}

/// The pseudonym key of a state folder, made at first need. Collectors of one customer share it by
/// copying the file; it is never sent.
pub fn key_or_new(state: &Path, surroundings: &Surroundings) -> std::io::Result<[u8; 32]> {
    if let Some(key) = key(state)? {
        return Ok(key);
    }
    let made: [u8; 32] = surroundings.random();
    write_private(state, KEY_FILE, format!("{}\n", Hex(made)).as_bytes())?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{ROWS, walk};
    use std::sync::Arc;

    const KEY: [u8; 32] = [7; 32];

    fn named() -> Personal {
        Personal {
            name: Some("Plan A".to_owned()),
            project: Some("4711".to_owned()),
            application: Some("CAD".to_owned()),
            user_defined: Some("x".to_owned()),
            account: Some("acme".to_owned()),
            user: Some("Ana".to_owned()),
            submitted_at: Some(report::Instant(1)),
        }
    }

    fn report() -> Report {
        let mut report = report::sample::report(1);
        for (job, _) in &mut report.jobs {
            job.personal = named();
        }
        report
    }

    #[test]
    fn the_default_leaves_no_row_that_appendix_a_calls_personal() {
        let mut report = report();
        filter(&mut report, &Policy::default(), Some(&KEY));
        for filled in walk(&report) {
            assert!(!filled.row.row().personal, "{} is left", filled.row.word());
        }
        assert!(report.sources.keys().all(|row| !row.row().personal));
    }

    #[test]
    fn keeping_changes_nothing() {
        let mut kept = report();
        filter(&mut kept, &Policy::keep_all(), None);
        assert_eq!(kept, report());
    }

    #[test]
    fn the_fields_are_the_rows_flagged_personal_and_no_others() {
        let mut covered: Vec<RowId> = Field::ALL.iter().flat_map(|field| field.rows()).chain([RowId::P9]).collect();
        covered.sort();
        let flagged: Vec<RowId> = ROWS.iter().filter(|row| row.personal).map(|row| row.id).collect();
        let mut sorted = flagged;
        sorted.sort();
        assert_eq!(covered, sorted);
        let words = Policy::default().words();
        assert_eq!(words.len(), Field::ALL.len() + 2);
        let written = serde_json::to_value(Policy::default()).expect("json");
        for (key, word) in &words {
            assert_eq!(written[key], *word, "{key} is read as it is shown");
        }
    }

    #[test]
    fn a_pseudonym_is_the_same_for_the_same_person_and_tells_nothing_without_the_key() {
        let ana = pseudonym(&KEY, Field::UserName, "Ana");
        assert_eq!(ana, pseudonym(&KEY, Field::UserName, "  aNA "));
        assert_eq!(ana.len(), 26);
        assert!(ana.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte)));
        assert_ne!(ana, pseudonym(&KEY, Field::JobName, "Ana"));
        assert_ne!(ana, pseudonym(&[8; 32], Field::UserName, "Ana"));
        assert_eq!(pseudonym(&KEY, Field::UserName, "JOSÉ"), pseudonym(&KEY, Field::UserName, "josé"));
    }

    #[test]
    fn base_32_is_that_of_rfc_4648() {
        for (text, encoded) in [("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(base32(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_pseudonym_without_a_key_is_a_drop() {
        let policy = Policy { user_name: Mode::Pseudonym, job_name: Mode::Keep, ..Policy::default() };
        let mut without = report();
        filter(&mut without, &policy, None);
        let personal = &without.jobs[0].0.personal;
        assert_eq!((personal.user.as_deref(), personal.name.as_deref()), (None, Some("Plan A")));
        let mut with = report();
        filter(&mut with, &policy, Some(&KEY));
        assert_eq!(with.jobs[0].0.personal.user, Some(pseudonym(&KEY, Field::UserName, "Ana")));
    }

    #[test]
    fn a_defect_of_a_personal_row_does_not_quote_it() {
        let mut report = report();
        report.jobs[0].1 = vec![Defect::at(RowId::P9, "'zz-canary' is no time"), Defect::at(RowId::P16, "'x' copies")];
        filter(&mut report, &Policy::default(), None);
        let said: Vec<&str> = report.jobs[0].1.iter().map(|defect| defect.what.as_str()).collect();
        assert_eq!(said, [WITHHELD, "'x' copies"]);
    }

    #[test]
    fn tightening_removes_and_replaces_and_never_brings_back() {
        let keep = Policy::keep_all();
        let pseudonyms = Policy { user_name: Mode::Pseudonym, ..Policy::default() };
        assert!(pseudonyms.is_tighter_than(&keep) && !keep.is_tighter_than(&pseudonyms));
        assert!(!pseudonyms.is_tighter_than(&pseudonyms));
        let mut personal = named();
        pseudonyms.tighten(&keep, &mut personal, Some(&KEY));
        let ana = pseudonym(&KEY, Field::UserName, "Ana");
        assert_eq!(personal, Personal { user: Some(ana.clone()), ..Personal::default() });
        pseudonyms.tighten(&pseudonyms, &mut personal, Some(&KEY));
        assert_eq!(personal.user, Some(ana), "a pseudonym is not hashed again");
        pseudonyms.without_personal().tighten(&pseudonyms, &mut personal, Some(&KEY));
        assert!(personal.is_empty());
    }

    #[test]
    fn the_key_is_made_once_and_a_damaged_one_is_never_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let around = Surroundings {
            clock: Arc::new(|| report::Instant(0)),
            entropy: Arc::new(|bytes: &mut [u8]| bytes.fill(3)),
        };
        assert_eq!(key(folder.path()).expect("reads"), None);
        assert_eq!(key_or_new(folder.path(), &around).expect("made"), [3; 32]);
        assert_eq!(key(folder.path()).expect("reads"), Some([3; 32]));
        fs::write(folder.path().join(KEY_FILE), "short").expect("written");
        assert!(key_or_new(folder.path(), &around).is_err());
        assert_eq!(fs::read(folder.path().join(KEY_FILE)).expect("there"), b"short");
    }
}

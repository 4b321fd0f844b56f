//! Billing at its boundary: the readable cases of every clause, and what must hold for any input.

mod behind;
mod case;
mod properties;
mod stored;
mod world;

use billing::correction::{Billed, chain, note, outstanding};
use billing::rating::Rated;
use billing::recount::{recount, recount_carry};
use billing::statement::Reference;
use billing::{Input, Period, RatingError, Statement, rate};
use case::{Expects, Section};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each clause of the catalogue and the folders that serve it.
const CLAUSES: &[(&str, &[&str])] = &[
    ("CL1 base fee", &["base_fee"]),
    ("CL2 lease", &["lease"]),
    ("CL3 included volume", &["allowance"]),
    ("CL4 overage", &["overage"]),
    ("CL5 minimum volume", &["minimum_volume"]),
    ("CL6 minimum money", &["minimum"]),
    ("CL7 annual commitment", &["commitment"]),
    ("CL8 tiers", &["tiers"]),
    ("CL9 metric", &["price_list"]),
    ("CL10 coverage class", &["coverage"]),
    ("CL11 media class", &["media_class", "surcharge"]),
    ("CL12 consumables", &["consumables"]),
    ("CL13 late reading", &["late_reading"]),
    ("CL14 estimates", &["estimates"]),
    ("CL15 reading window", &["window"]),
    ("CL16 proration", &["proration"]),
    ("CL17 escalation", &["escalation"]),
    ("CL18 pooling", &["pool"]),
    ("CL19 replaced printer", &["replaced"]),
    ("CL20 reset, rollover, swap", &["breaks"]),
    ("CL21 moved printer", &["moved"]),
    ("CL22 failed, cancelled, service", &["credit"]),
    ("CL23 scan and copy", &["copies"]),
    ("CL24 prepaid", &["prepaid"]),
    ("CL25 exit", &["exit"]),
    ("CL26 interruption", &["interruption"]),
    ("CL27 taxes", &["tax"]),
    ("CL28 currency", &["currency"]),
    ("CL29 payers", &["payers"]),
    ("CL30 rounding", &["rounding"]),
    ("CL31 monitoring", &["monitoring"]),
    ("CL32 evidence", &["proof"]),
    ("discount", &["discount"]),
    ("corrections", &["corrections"]),
];

/// The worked examples, as they stand in the names of case files.
const WORKED: &[&str] = &[
    "w1", "w2", "w3", "w4", "w6", "w7", "w8", "w8c", "w9", "w11", "w13", "w14", "w15", "w17", "w19", "w20", "w21",
    "w22", "w23", "w24", "w25", "w27", "w28",
];

/// The case files of every clause, in order.
fn case_files() -> Vec<PathBuf> {
    let clauses = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clauses");
    let folders = fs::read_dir(&clauses).expect("the clauses' folder");
    let mut files = Vec::new();
    for folder in folders {
        let cases = folder.expect("an entry of the clauses' folder").path().join("cases");
        if let Ok(entries) = fs::read_dir(&cases) {
            files.extend(entries.map(|entry| entry.expect("an entry of a cases' folder").path()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
}

/// A case being run, period by period.
#[derive(Default)]
struct Run {
    /// Every period as it was rated last, with the carry it was given.
    rated: Vec<(Input, Rated)>,
    /// The documents of each period: its statement, then notes.
    billed: Vec<Vec<Statement>>,
}

impl Run {
    /// The carry that the period at `place` is given: that of the period before, where there is one.
    fn given(&self, place: usize, mut input: Input) -> Input {
        if let Some((_, before)) = place.checked_sub(1).and_then(|before| self.rated.get(before))
            && input.carry.entries.is_empty()
        {
            input.carry = before.carry.clone();
        }
        input
    }

    /// Runs a section and gives its words.
    fn section(&mut self, section: &Section) -> String {
        match &section.expects {
            Expects::Refused(problems) => {
                let mut all = problems.clone();
                match rate(&section.input) {
                    Err(RatingError::Terms(problems)) => all.extend(problems),
                    Err(error) => return format!("error {error}"),
                    Ok(_) => {}
                }
                all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            Expects::Rated => {
                let input = self.given(self.rated.len(), section.input.clone());
                match rate(&input) {
                    Ok(rated) => {
                        let words = case::statement(&rated, &input.terms, &section.expected);
                        self.billed.push(vec![rated.statement.clone()]);
                        self.rated.push((input, rated));
                        words
                    }
                    Err(error) => format!("error {error}"),
                }
            }
            Expects::Correction { from, again } => self.correct(*from, again),
        }
    }

    /// Rates the chain from a period on again, and gives what is to be settled, note by note.
    fn correct(&mut self, from: usize, again: &[Input]) -> String {
        let mut again = again.to_vec();
        if let Some(first) = again.first_mut() {
            *first = self.given(from, first.clone());
        }
        let all = chain(&again).expect("a chain that can be rated again");
        let mut words = Vec::new();
        for (place, (mut input, rated)) in again.into_iter().zip(all).enumerate() {
            let place = from + place;
            input = self.given(place, input);
            let statement = &rated.statement;
            let issued = self.billed.get(place).cloned().unwrap_or_default();
            let billed: Vec<Billed<'_>> = issued.iter().map(|of| billed(place, of)).collect();
            let first = billed.first().expect("a period that was rated before");
            let changes = outstanding(&billed, statement).expect("documents that can be compared");
            if let Some(note) = note(first, &billed, statement).expect("a note that can be worked out") {
                words.push(case::corrected(&note, &changes));
                self.billed[place].push(note);
            }
            self.rated[place] = (input, rated);
        }
        if words.is_empty() { "nothing outstanding".to_owned() } else { words.join("\n") }
    }
}

fn billed(place: usize, statement: &Statement) -> Billed<'_> {
    let (number, id) = (format!("S-{:04}", place + 1), (place + 1).to_string());
    let period: Period = statement.period;
    Billed { reference: Reference { number, statement: id, period, line: None }, statement }
}

/// Runs a file; gives what differs from what it expects, and every period as it was rated last.
fn run(file: &Path) -> (Vec<String>, Run) {
    let text = fs::read_to_string(file).expect("a case file");
    let (mut wrong, mut run) = (Vec::new(), Run::default());
    for section in case::parse(&text, file) {
        let found = run.section(&section);
        if found != section.expected {
            let (file, expected) = (file.display(), &section.expected);
            wrong.push(format!("{file}\n--- expected\n{expected}\n--- found\n{found}\n"));
        }
    }
    (wrong, run)
}

#[test]
fn every_case_gives_the_lines_it_names() {
    let files = case_files();
    assert!(files.len() >= 20, "only {} cases were found", files.len());
    let wrong: Vec<String> = files.iter().flat_map(|file| run(file).0).collect();
    println!("{} case files", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_recounted_to_the_same_net_and_the_same_carry() {
    let (mut wrong, mut periods) = (Vec::new(), 0);
    for file in case_files() {
        for (input, rated) in run(&file).1.rated {
            periods += 1;
            let (net, again) = (i128::from(rated.statement.net.0), recount(&input));
            if net != again {
                wrong.push(format!("{}, {}: net {net}, recount {again}", file.display(), rated.statement.period_label));
            }
            let (left, again) = (properties::left(&rated), recount_carry(&input));
            if left != again {
                wrong.push(format!("{}: carry {left:?}, recount {again:?}", file.display()));
            }
        }
    }
    println!("{periods} periods recounted");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_clause_has_three_cases_or_more() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in case_files() {
        let folder = file.parent().and_then(Path::parent).and_then(Path::file_name).expect("a clause's folder");
        *counts.entry(folder.to_string_lossy().into_owned()).or_default() += 1;
    }
    let of = |folder: &&str| counts.get(*folder).copied().unwrap_or(0);
    for (clause, folders) in CLAUSES {
        println!("{clause}: {} cases", folders.iter().map(of).sum::<usize>());
    }
    let few = CLAUSES.iter().flat_map(|(_, folders)| folders.iter()).filter(|folder| of(folder) < 3);
    let few: Vec<&&str> = few.collect();
    assert!(few.is_empty(), "fewer than three cases: {few:?}");
}

#[test]
fn every_worked_example_is_a_case() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for file in case_files() {
        let name = file.file_stem().expect("a case's name").to_string_lossy().into_owned();
        let id = name.split('_').next().unwrap_or_default().to_owned();
        *found.entry(id).or_default() += 1;
    }
    for id in WORKED {
        println!("{}: {} cases", id.to_uppercase(), found.get(*id).copied().unwrap_or(0));
    }
    let missing: Vec<&&str> = WORKED.iter().filter(|id| !found.contains_key(**id)).collect();
    assert!(missing.is_empty(), "no case is named after {missing:?}");
}

//! Periods before that were rated again: what lines of a statement, or a note, settle of them.

use super::world::{World, listed, september, world};
use billing::correction::notes;
use billing::{Billed, Money, Reference, Statement, adjustment, outstanding, rate};
use evidence::{AGAIN_MAX, Basis, verify};

/// September's statement as it was issued, before anybody knew of the job in its last hours.
fn issued(september: &Basis) -> (Reference, Statement) {
    let mut known = september.clone();
    known.facts[0].jobs.clear();
    let statement = rate(&known.input()).expect("a statement").statement;
    let (number, period) = ("S-0006".to_owned(), statement.period);
    let reference = Reference { number: number.clone(), statement: "6".to_owned(), period, line: None };
    (reference, Statement { number: Some(number), issued_at: Some(period.end), ..statement })
}

fn text(document: &Statement) -> String {
    serde_json::to_string(document).expect("a document as JSON")
}

/// October, with a line for the 4 m² that September's statement did not know.
pub(crate) fn settled() -> World {
    let mut world = world();
    let again = september(&world);
    let (reference, statement) = issued(&again);
    let rated = rate(&again.input()).expect("a statement").statement;
    let billed = [Billed { reference: reference.clone(), statement: &statement }];
    let changes = outstanding(&billed, &rated).expect("one currency");
    world.basis.input.adjustments = vec![adjustment(&billed[0], &changes)];
    world.billed = vec![(reference, text(&statement))];
    world.basis.again = vec![again];
    world.rate();
    world
}

/// A note on September for the same.
fn noted() -> World {
    let mut world = world();
    let again = september(&world);
    let (reference, statement) = issued(&again);
    let rated = rate(&again.input()).expect("a statement").statement;
    let billed = [Billed { reference: reference.clone(), statement: &statement }];
    let notes = notes(&billed[0], &billed, &rated).expect("one currency");
    let origins = std::mem::take(&mut world.basis.origins);
    world.basis = Basis { origins, ..again };
    world.documents =
        notes.into_iter().map(|note| text(&Statement { number: Some("S-0007".to_owned()), ..note })).collect();
    world.billed = vec![(reference, text(&statement))];
    world
}

fn paths(world: &World) -> Vec<String> {
    let findings = verify(&world.file(), None, None).err().unwrap_or_default();
    findings.into_iter().map(|finding| finding.at).collect()
}

#[test]
fn lines_that_settle_a_period_before_follow_from_its_records() {
    let world = settled();
    let verdict = verify(&world.file(), None, None).unwrap_or_else(|findings| panic!("{findings:#?}"));
    // 4 m² at 0.14.
    assert_eq!(verdict.settled, Money(56));
    let text = verdict.proved.join("\n");
    for words in
        ["1 period before was rated again", "from 1 job, 2 readings", "was billed by S-0006 (SHA-256 ", "settle 1 of"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(verdict.said.iter().any(|said| said.what == "adjustment"));
}

/// A portal that changes something of the period before, and then rates, words and signs everything anew.
type Fraud = fn(&mut World);

#[test]
fn a_settlement_that_does_not_follow_is_named() {
    let cases: [(&str, Fraud, &str); 8] = [
        (
            "more to pay",
            |world| world.basis.input.adjustments[0].lines[0].amount = Money(9_900),
            "basis.input.adjustments.0.lines.0.amount",
        ),
        (
            "more printed",
            |world| world.basis.again[0].facts[0].jobs[0].quantities[0].amount += 1,
            "basis.again.0.facts.0.jobs.0.quantities.0.amount",
        ),
        ("the job left out", |world| world.basis.again[0].facts[0].jobs.clear(), "basis.again.0.facts.0.jobs"),
        ("what people said left out", silent, "basis.again.0.said"),
        ("settled before", paid, "basis.input.adjustments.0.lines.0"),
        ("settled twice", twice, "basis.input.adjustments.0"),
        ("nothing billed", |world| world.billed.clear(), "billed"),
        ("another contract", other, "basis.again.0.input.contract.id"),
    ];
    assert_eq!(paths(&settled()), Vec::<String>::new());
    for (name, fraud, at) in cases {
        let mut world = settled();
        fraud(&mut world);
        let found = paths(&world);
        assert!(found.iter().any(|found| found.starts_with(at)), "{name}: {found:?}");
    }
}

fn silent(world: &mut World) {
    world.basis.again[0].said.clear();
}

/// What was billed for September as if it had held the job.
fn paid(world: &mut World) {
    let rated = rate(&world.basis.again[0].input()).expect("a statement").statement;
    world.billed[0].1 = text(&Statement { number: Some("S-0006".to_owned()), ..rated });
}

fn twice(world: &mut World) {
    let again = world.basis.input.adjustments[0].clone();
    world.basis.input.adjustments.push(again);
    world.rate();
}

fn other(world: &mut World) {
    let again = &mut world.basis.again[0];
    again.input.contract.id = "18".to_owned();
    listed(again);
}

#[test]
fn without_the_period_s_records_a_settlement_is_somebody_s_word() {
    let mut world = settled();
    let proved = verify(&world.file(), None, None).expect("a file that holds");
    world.basis.again.clear();
    assert_eq!(paths(&world), ["billed"]);
    world.billed.clear();
    let verdict = verify(&world.file(), None, None).expect("a file that holds");
    let unsigned = Money(proved.unsigned.0 + 56);
    assert_eq!((verdict.settled, verdict.unsigned), (Money::ZERO, unsigned));
}

#[test]
fn periods_are_kept_with_their_packages_up_to_a_bound() {
    let whole = world();
    let mut again = september(&whole);
    again.origins = [("agent-9".to_owned(), [4].into())].into();
    let mut small = whole.basis.clone();
    small.keep_again(vec![again.clone()]);
    assert_eq!((small.again.len(), small.again[0].origins.len()), (1, 0));
    assert!(small.origins.contains_key("agent-9") && small.origins.contains_key("agent-1"));
    let reading = again.facts[0].readings[0].clone();
    again.facts[0].readings = vec![reading; AGAIN_MAX + 1];
    let mut large = whole.basis.clone();
    large.keep_again(vec![again]);
    assert_eq!(large, whole.basis);
}

#[test]
fn a_note_says_what_it_is_laid_against() {
    let mut world = noted();
    let verdict = verify(&world.file(), None, None).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert!(verdict.total.0 > 0);
    let text = verdict.proved.join("\n");
    assert!(text.contains("It is laid against S-0006 (SHA-256 "), "{text}");
    let (was, is) = ("\"amount\":18000", "\"amount\":17000");
    assert!(world.billed[0].1.contains(was));
    world.billed[0].1 = world.billed[0].1.replacen(was, is, 1);
    assert!(paths(&world).iter().any(|at| at.starts_with("statement")));
}

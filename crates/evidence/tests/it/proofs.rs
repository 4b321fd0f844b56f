use super::world::{World, period, portal_key, world, world_beside};
use billing::{Mark, Meter, MeterKind, Quantity, ReadingSource, SumKind};
use evidence::{Finding, verify};
use protocol::SigningKey;
use report::Grade;

fn findings(world: &World) -> Vec<Finding> {
    verify(&world.file(), None, None).err().unwrap_or_default()
}

fn paths(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.at.as_str()).collect()
}

#[test]
fn what_agents_signed_proves_the_statement() {
    let world = world();
    let key = portal_key().verifying_key();
    for key in [None, Some(&key)] {
        let verdict = verify(&world.file(), key, None).expect("a file that holds");
        assert_eq!(verdict.number, "S-0007");
        assert_eq!((verdict.customer.as_str(), verdict.period.as_str()), ("Kessler", "October 2026"));
        assert_eq!(verdict.total, world.total());
        // A start, and two records of a printer outside the contract.
        assert_eq!(verdict.hashed_only, 3, "{:?}", verdict.proved);
        assert!(verdict.unsigned.0 > 0 && verdict.grades.contains_key(&Grade::B), "{:?}", verdict.grades);
        let whats: Vec<&str> = verdict.said.iter().map(|said| said.what.as_str()).collect();
        for what in ["terms", "stay", "decision", "reading"] {
            assert!(whats.contains(&what), "{what}: {whats:?}");
        }
        let text = verdict.proved.join("\n");
        for words in
            ["5 jobs, 7 readings and 1 sum of jobs of 3 printers", "between packages 1 and 3", "digit by digit"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(verdict.said.iter().all(|said| said.by == "Ada"));
    }
}

#[test]
fn no_personal_row_stands_in_the_file() {
    let bytes = world().file();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("annex_digest") && !text.contains("\"ada\""));
}

#[test]
fn another_key_than_the_portal_s_is_named() {
    let other = SigningKey::from_bytes(&[66; 32]).verifying_key();
    let found = verify(&world().file(), Some(&other), None).expect_err("another key");
    assert_eq!(found[0].at, "header.portal_key");
    assert!(paths(&found).contains(&"header.signature"));
}

#[test]
fn a_statement_follows_the_one_before() {
    let before = world();
    let mut after = world();
    after.previous = before.own();
    after.number = "S-0008".to_owned();
    after.rate();
    let verdict = verify(&after.file(), None, Some(&before.file())).expect("it follows");
    assert!(verdict.proved.iter().any(|sentence| sentence.contains("It follows S-0007")), "{:?}", verdict.proved);
    let found = verify(&before.file(), None, Some(&after.file())).expect_err("it does not follow");
    assert_eq!(paths(&found), ["chain.previous"]);
    let found = verify(&after.file(), None, Some(b"{}")).expect_err("no file");
    assert_eq!(paths(&found), ["after.header"]);
}

/// A portal that changes a fact, and then rates, words and signs everything anew.
type Fraud = fn(&mut World);

#[test]
fn a_fact_that_no_record_gives_is_named_though_all_else_fits_it() {
    let cases: [(&str, Fraud, &str); 17] = [
        (
            "more printed",
            |world| world.basis.facts[0].jobs[0].quantities[0].amount += 1,
            "basis.facts.0.jobs.0.quantities.0.amount",
        ),
        (
            "another time",
            |world| world.basis.facts[0].jobs[0].finished_at.0 += 60_000,
            "basis.facts.0.jobs.0.finished_at",
        ),
        ("a better grade", |world| world.basis.facts[0].jobs[1].grade = Grade::A, "basis.facts.0.jobs.1.grade"),
        ("a cancelled job billed", |world| world.basis.facts[2].jobs[1].status = None, "basis.facts.2.jobs.1.status"),
        ("a job left out", |world| drop(world.basis.facts[0].jobs.remove(0)), "basis.facts.0.jobs"),
        ("a job twice", twice, "basis.facts.0.jobs.2.key"),
        ("a job of nobody", |world| world.basis.facts[0].jobs[0].key.push('x'), "basis.facts.0.jobs.0"),
        ("a mark of estimates", estimated, "basis.facts.0.jobs.0.marks"),
        ("a unit of nothing", declare, "basis.facts.0.jobs.0.marks"),
        (
            "a counter that rose more",
            |world| world.basis.facts[1].readings[2].value += 1,
            "basis.facts.1.readings.2.value",
        ),
        (
            "a reading at another time",
            |world| world.basis.facts[1].readings[2].read_at.0 -= 1,
            "basis.facts.1.readings.2.read_at",
        ),
        ("a reading left out", |world| drop(world.basis.facts[1].readings.remove(2)), "basis.facts.1.readings"),
        ("a person's reading as a printer's", sworn, "basis.facts.2.readings.2"),
        ("a fold of more", |world| world.basis.facts[2].sums[0].jobs += 1, "basis.facts.2.sums.0.jobs"),
        ("a fold left out", |world| world.basis.facts[2].sums.clear(), "basis.facts.2.sums"),
        ("a fold kept back", |world| world.basis.facts[2].sums[0].kind = SumKind::Beside, "basis.facts.2.sums.0.kind"),
        ("cells for a fold", |world| world.basis.facts[2].sums[0].kind = SumKind::Cells, "basis.facts.2.sums.0.kind"),
    ];
    assert_eq!(findings(&world()), Vec::new());
    for (name, fraud, at) in cases {
        let mut world = world();
        fraud(&mut world);
        world.rate();
        let found = findings(&world);
        assert!(paths(&found).contains(&at), "{name}: {found:?}");
    }
}

fn estimated(world: &mut World) {
    world.basis.facts[0].jobs[0].marks.insert(Mark::Estimated);
}

fn twice(world: &mut World) {
    let jobs = &mut world.basis.facts[0].jobs;
    let first = jobs[0].clone();
    jobs.push(first);
}

/// A quantity that stands on no number of the printer.
fn declare(world: &mut World) {
    let job = &mut world.basis.facts[0].jobs[0];
    job.marks.insert(Mark::Declared);
    job.quantities.push(Quantity { meter: Meter::whole(MeterKind::AreaMedia), media: None, amount: 5 });
}

fn sworn(world: &mut World) {
    world.basis.facts[2].readings[2].source = ReadingSource::Printer;
}

#[test]
fn a_sum_whose_jobs_another_agent_may_have_brought_is_not_billed() {
    let mut world = world_beside();
    let found = findings(&world);
    assert_eq!(paths(&found), ["basis.facts.2.sums.0.kind", "basis.facts.2.sums"], "{found:?}");
    let is_told = |world: &World| world.documents[0].contains("is not billed: another agent brought jobs");
    assert!(!is_told(&world));
    world.basis.facts[2].sums[0].kind = SumKind::Beside;
    world.rate();
    assert_eq!(findings(&world), Vec::new());
    assert!(is_told(&world));
}

#[test]
fn an_older_version_of_a_job_is_not_in_force() {
    let mut world = world();
    let fact = &mut world.basis.facts[1].jobs[0];
    for quantity in fact.quantities.iter_mut().filter(|quantity| quantity.meter.kind() == MeterKind::AreaPrinted) {
        quantity.amount = 50_000_000;
    }
    world.rate();
    let found = findings(&world);
    assert!(found.iter().any(|finding| finding.should == "55000000"), "{found:?}");
}

#[test]
fn what_people_say_is_listed_whoever_makes_the_file() {
    let mut world = world();
    world.basis.said.retain(|said| said.what != "decision");
    let found = findings(&world);
    assert_eq!(paths(&found), ["basis.said"]);
    assert!(found[0].should.starts_with("decision"), "{found:?}");
}

#[test]
fn documents_that_do_not_follow_are_named_digit_by_digit() {
    let mut world = world();
    let total = format!("\"total\":{}", world.total().0);
    world.documents[0] = world.documents[0].replace(&total, &format!("\"total\":{}", world.total().0 + 1));
    let found = findings(&world);
    assert_eq!(paths(&found), ["statement.total"]);
    let (one, more) = (world.total().0 - 1, world.total().0);
    assert_eq!((found[0].says.clone(), found[0].should.clone()), (more.to_string(), one.to_string()));
}

#[test]
fn packages_that_the_basis_does_not_name_and_the_reverse_are_found() {
    let mut without = world();
    without.basis.origins.remove("agent-2");
    let found = findings(&without);
    assert_eq!(paths(&found), ["basis.origins.agent-2.1", "basis.origins.agent-2.3"]);
    let mut fewer = world();
    fewer.agents[1].packages.pop();
    let found = findings(&fewer);
    assert!(paths(&found).contains(&"basis.origins.agent-2.3") && paths(&found).contains(&"basis.facts.2.sums.0"));
}

#[test]
fn nothing_outside_the_period_and_the_stays_has_to_be_a_fact() {
    // The third package of the north holds a job of September; it is no fact, and nobody misses it.
    let mut world = world();
    let from = period().start;
    assert!(world.basis.facts.iter().flat_map(|facts| &facts.jobs).all(|job| job.finished_at >= from));
    let first = &mut world.basis.facts[0];
    first.stays.clear();
    first.jobs.clear();
    first.readings.clear();
    world.rate();
    assert_eq!(findings(&world), Vec::new());
}

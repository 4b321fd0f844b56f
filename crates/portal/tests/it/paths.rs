//! Several ways to one ledger: two agents at one printer, clocks that lie, quarantine, leases, printers that
//! are only seen, and sections that are not sent again.

use crate::world::{NOW, PLAIN, Tenant, World, both, minutes, pack, pack_in, receipt, report};
use portal::setup;
use protocol::Hex;
use protocol::message::{Beat, Said};
use protocol::package::{
    Boot, Core, Draft, Fold, Gap, GapReason, Manner, Timestamps, core_record, records, seen_record,
};
use protocol::receipt::{Answer, Duty, Participation, Settings};
use protocol::sender::Sender;
use report::{Area, Ink, Instant, Personal, Report};

both! {
    a_job_that_two_agents_read_counts_once_under_every_policy => two_paths;
    a_clock_that_lies_dates_nothing_outside_the_bounds_and_loses_nothing => clocks;
    what_was_held_counts_after_its_release_as_if_it_never_was => quarantine;
    two_agents_of_a_site_take_turns => lease;
    a_lease_lasts_between_two_contacts_of_an_agent_that_reads_less_often => slow_lease;
    a_printer_that_is_only_seen_is_read_when_a_person_says_so => seen;
    a_status_that_did_not_change_is_shown_and_not_sent_again => sections;
    what_an_agent_reports_of_itself_is_in_its_history => history;
    only_a_printer_itself_gives_the_best_grade => grades;
}

const DAY: i64 = 86_400_000;

async fn two_paths(world: World) {
    let tenant = world.tenant("a").await;
    let mut senders = [world.agent(&tenant).await, world.agent(&tenant).await];
    let policies = [
        (Timestamps::Minute, false),
        (Timestamps::Minute, true),
        (Timestamps::Second, false),
        (Timestamps::Second, true),
    ];
    let mut jobs = 0;
    for (seed, (first, second)) in (1..).zip(policies.iter().flat_map(|a| policies.iter().map(move |b| (*a, *b)))) {
        // At odd seconds, so that a cut time differs; two within one minute.
        let finished = [Instant(minutes(1).0 + 37_250), Instant(minutes(2).0 + 3_000), Instant(minutes(2).0 + 51_000)];
        let read = report(seed, minutes(10), &finished);
        for (path, (timestamps, keep), read_at) in
            [(0, first, minutes(10)), (1, second, minutes(11)), (0, first, minutes(12))]
        {
            let sender: &mut Sender = &mut senders[path];
            let mut report = Report { read_at, ..read.clone() };
            for (job, _) in &mut report.jobs {
                job.personal = Personal { name: keep.then(|| "plan.pdf".to_owned()), ..Personal::default() };
            }
            let compressed = pack_in(sender, &report, Manner { timestamps, ..PLAIN }, &world.surroundings);
            receipt(world.upload(sender, &compressed).await);
        }
        jobs += 3;
        assert_eq!(world.count("select count(*) from job").await, jobs, "{first:?} {second:?}");
    }
    assert_eq!(world.count("select count(*) from job_superseded").await, 0);
    let counted = world.count("select cast(sum(quantity) as bigint) from usage where meter = 'jobs'").await;
    assert_eq!(counted, jobs);
}

async fn clocks(world: World) {
    const YEAR: i64 = 365 * DAY;
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let first = receipt(world.report(&mut sender, &report(1, NOW, &[])).await);
    let offsets = [-10 * YEAR, -YEAR, -DAY, -660_000, -1_000, 0, 1_000, 660_000, DAY, YEAR, 10 * YEAR, -NOW.0 + 1_000];
    let (mut count, mut now) = (0, NOW);
    for round in 0..3 {
        for offset in offsets {
            now = Instant(now.0 + 60_000);
            world.set_now(now);
            // A printer of its own for each offset, which is read again in each round.
            let seed = 2 + u64::try_from(count % offsets.len()).expect("small");
            let said = Instant(now.0 + offset);
            let report = report(seed, said, &[Instant(said.0 - 90_000)]);
            let manner = Manner { seen: Some(first.mark()), ..PLAIN };
            let compressed = pack_in(&mut sender, &report, manner, &world.surroundings);
            receipt(world.upload(&sender, &compressed).await);
            count += 1;
            let sets = world.count("select count(*) from reading_set").await;
            assert_eq!(sets, 1 + i64::try_from(count).expect("small"), "round {round}, offset {offset}");
        }
    }
    let (lower, upper) = (NOW.0 - 600_000, now.0 + 600_000);
    let outside = format!("select count(*) from reading_set where read_at < {lower} or read_at > {upper}");
    assert_eq!(world.count(&outside).await, 0);
    let of = |bounded: &str| format!("select count(*) from reading_set where bounded = '{bounded}'");
    assert_eq!(world.count(&of("late")).await, 3 * 4);
    assert_eq!(world.count(&of("early")).await, 3 * 4);
    assert_eq!(world.count("select count(*) from job").await, i64::try_from(count).expect("small"));
    let future = format!("select count(*) from job where finished_at > {upper} or finished_at < 946684800000");
    assert_eq!(world.count(&future).await, 0);
    // A day, a year and ten years ahead, and 1970. Ten years ago a printer may have printed.
    assert_eq!(world.count("select count(*) from job where dated_by = 'receipt'").await, 3 * 4);
    // Every printer's counters moved, whatever its agent's clock said.
    assert_eq!(world.count("select count(distinct printer_id) from counter").await, 13);
    // A mark that nobody knows bounds nothing.
    let manner = Manner { seen: Some(Hex([7; 16])), ..PLAIN };
    let old = pack_in(&mut sender, &report(99, Instant(NOW.0 - YEAR), &[]), manner, &world.surroundings);
    receipt(world.upload(&sender, &old).await);
    let kept = format!("select count(*) from reading_set where read_at = {}", NOW.0 - YEAR);
    assert_eq!(world.count(&kept).await, 1);
}

/// Forty packages of two printers; with `held`, from the tenth to the thirtieth while the agent is suspended.
async fn forty(world: &World, tenant: &Tenant, held: bool) {
    let mut sender = world.agent(tenant).await;
    let mut last = None;
    for round in 0..40 {
        let now = Instant(NOW.0 + round * 600_000);
        world.set_now(now);
        let (reseller, agent) = (tenant.reseller.clone(), sender.agent.clone());
        match (held, round) {
            (true, 10) => {
                world.setup(move |portal| setup::suspend(portal, &reseller, &agent).expect("suspended")).await;
            }
            (true, 30) => {
                assert_eq!(world.count("select count(*) from package where held = 1").await, 20);
                let resume = move |portal: &portal::Portal| setup::resume(portal, &reseller, &agent).expect("resumed");
                assert_eq!(world.setup(resume).await, 20);
            }
            _ => {}
        }
        let at = |minute: i64| Instant(now.0 + (minute - 10) * 60_000);
        let seed = 1 + u64::try_from(round % 2).expect("small");
        let mut report = report(seed, at(9), &[at(1), at(2)]);
        // A counter that falls once, while the agent is suspended.
        report.usage.pages = Some(if round < 20 { 1_000 + round } else { round });
        let compressed = pack_in(&mut sender, &report, Manner { seen: last, ..PLAIN }, &world.surroundings);
        let kept = receipt(world.upload(&sender, &compressed).await);
        assert_eq!(receipt(world.upload(&sender, &compressed).await), kept);
        last = Some(kept.mark());
    }
    world.set_now(NOW);
}

async fn quarantine(world: World) {
    let (plain, held) = (world.tenant("a").await, world.tenant("b").await);
    forty(&world, &plain, false).await;
    forty(&world, &held, true).await;
    let facts = [
        "select count(*) from job join reseller on reseller.reseller_id = job.reseller_id",
        "select count(*) from reading_set join reseller on reseller.reseller_id = reading_set.reseller_id",
        "select count(*) from reading join reseller on reseller.reseller_id = reading.reseller_id",
        "select cast(sum(reading.value) as bigint) from reading
            join reseller on reseller.reseller_id = reading.reseller_id",
        "select count(*) from segment join reseller on reseller.reseller_id = segment.reseller_id",
        "select cast(sum(usage.quantity) as bigint) from usage
            join reseller on reseller.reseller_id = usage.reseller_id",
        "select cast(sum(usage_day.quantity) as bigint) from usage_day
            join reseller on reseller.reseller_id = usage_day.reseller_id",
        "select cast(sum(counter.value) as bigint) from counter
            join reseller on reseller.reseller_id = counter.reseller_id",
        "select cast(sum(printer_state.read_at + printer_state.received_at) as bigint) from printer_state
            join reseller on reseller.reseller_id = printer_state.reseller_id",
    ];
    for fact in facts {
        let of = |name: &str| format!("{fact} where reseller.name = '{name}'");
        let (never, released) = (world.count(&of("a")).await, world.count(&of("b")).await);
        assert!(never > 0, "{fact}");
        assert_eq!(never, released, "{fact}");
    }
    assert_eq!(world.count("select count(*) from package where held = 1").await, 0);
    assert_eq!(world.count("select count(*) from agent_event where kind = 'released'").await, 1);
}

fn beat(paused: bool) -> Said {
    let (version, host) = ("0.1.0".to_owned(), "pc-7".to_owned());
    Said::Beat(Box::new(Beat { at: NOW, version, host, interval_minutes: 180, paused, ..Beat::default() }))
}

async fn duty(world: &World, sender: &mut Sender) -> Duty {
    match world.say(sender, beat(false)).await {
        Answer::Heard { duty, .. } => duty,
        other => panic!("{other:?}"),
    }
}

async fn lease(world: World) {
    let tenant = world.tenant("a").await;
    let (mut one, mut other) = (world.agent(&tenant).await, world.agent(&tenant).await);
    assert_eq!(duty(&world, &mut one).await, Duty::Read);
    assert_eq!(duty(&world, &mut other).await, Duty::Read, "without a lease each reads");
    for agent in [one.agent.clone(), other.agent.clone()] {
        let reseller = tenant.reseller.clone();
        world.setup(move |portal| setup::lease(portal, &reseller, &agent, "site").expect("set")).await;
    }
    assert_eq!(duty(&world, &mut one).await, Duty::Read);
    let until = Instant(NOW.0 + (2 * 180 + 10) * 60_000);
    assert!(matches!(duty(&world, &mut other).await, Duty::StandBy { until: end, .. } if end == until));
    // A package renews it too.
    world.set_now(Instant(NOW.0 + 60_000));
    let answer = world.report(&mut one, &report(1, minutes(10), &[minutes(1)])).await;
    assert!(matches!(answer, Answer::Accepted { duty: Duty::Read, .. }));
    let answer = world.report(&mut other, &report(1, minutes(10), &[minutes(1)])).await;
    // What it read is taken all the same.
    assert!(matches!(answer, Answer::Accepted { duty: Duty::StandBy { .. }, .. }));
    // Silent for too long: the other takes over, and keeps it when the first comes back.
    world.set_now(Instant(until.0 + 60_000));
    assert_eq!(duty(&world, &mut other).await, Duty::Read);
    assert!(matches!(duty(&world, &mut one).await, Duty::StandBy { .. }));
    // Suspended, or paused by its customer: free at once.
    let (reseller, agent) = (tenant.reseller.clone(), other.agent.clone());
    world.setup(move |portal| setup::suspend(portal, &reseller, &agent).expect("suspended")).await;
    assert_eq!(duty(&world, &mut one).await, Duty::Read);
    let (reseller, agent) = (tenant.reseller.clone(), other.agent.clone());
    world.setup(move |portal| setup::resume(portal, &reseller, &agent).expect("resumed")).await;
    assert!(matches!(duty(&world, &mut other).await, Duty::StandBy { .. }));
    world.say(&mut one, beat(true)).await;
    assert_eq!(duty(&world, &mut other).await, Duty::Read);
    assert_eq!(world.count("select count(*) from lease").await, 1);
}

async fn slow_lease(world: World) {
    let tenant = world.tenant("a").await;
    let (mut one, mut other) = (world.agent(&tenant).await, world.agent(&tenant).await);
    for agent in [one.agent.clone(), other.agent.clone()] {
        let reseller = tenant.reseller.clone();
        world.setup(move |portal| setup::lease(portal, &reseller, &agent, "site").expect("set")).await;
    }
    let daily = Beat { at: NOW, interval_minutes: 1_440, ..Beat::default() };
    let said = world.say(&mut one, Said::Beat(Box::new(daily))).await;
    assert!(matches!(said, Answer::Heard { duty: Duty::Read, .. }));
    world.set_now(Instant(NOW.0 + DAY));
    assert!(matches!(duty(&world, &mut other).await, Duty::StandBy { .. }));
}

/// The settings that the next beat brings; the agent says that it has none.
async fn settings(world: &World, sender: &mut Sender) -> Settings {
    match world.say(sender, beat(false)).await {
        Answer::Heard { settings: Some(settings), .. } => settings,
        other => panic!("{other:?}"),
    }
}

async fn seen(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let configuration = report(1, NOW, &[]).configuration;
    let serial = configuration.serial_number.clone().expect("a serial number");
    let draft = seen_record(&configuration, NOW, None).expect("it has a name");
    let compressed = sender.pack(&[&draft], &[], &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    let known = "select count(*) from printer where participation = 'seen' and firmware_version is not null";
    assert_eq!(world.count(known).await, 1);
    assert_eq!(world.count("select seen_at from printer").await, NOW.0);
    assert_eq!(world.count("select count(*) from reading_set").await, 0);
    assert!(!settings(&world, &mut sender).await.takes_part(&serial));
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    let printer = world
        .setup(move |portal| {
            let (printer, _) = setup::printers(portal, &reseller, customer).expect("printers")[0].clone();
            setup::participate(portal, &reseller, printer, true).expect("marked");
            printer
        })
        .await;
    let told = settings(&world, &mut sender).await;
    assert!(told.takes_part(&serial));
    // Everyone takes part but the one that is stopped.
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::participation(portal, &reseller, customer, true).expect("all")).await;
    assert_eq!(settings(&world, &mut sender).await.participation, Participation::All);
    let reseller = tenant.reseller.clone();
    world.setup(move |portal| setup::participate(portal, &reseller, printer, false).expect("stopped")).await;
    assert!(!settings(&world, &mut sender).await.takes_part(&serial));
    // A printer that is seen now takes part, and the agents are told.
    let other = report(2, NOW, &[]).configuration;
    let draft = seen_record(&other, NOW, None).expect("it has a name");
    let compressed = sender.pack(&[&draft], &[], &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    let after = settings(&world, &mut sender).await;
    assert!(after.takes_part(other.serial_number.as_deref().expect("a serial number")));
    assert!(after.version > told.version);
}

async fn sections(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let first = report(1, minutes(10), &[]);
    let Answer::Accepted { wanted, .. } = world.report(&mut sender, &first).await else { panic!("refused") };
    assert!(wanted.is_empty());
    let shown = "select count(*) from printer_state where status <> '' and read_at = ";
    assert_eq!(world.count(&format!("{shown}{}", minutes(10).0)).await, 1);
    let low = world.count("select supplies_low from printer_state").await;
    // Unchanged: named, not sent.
    let again = records(&Report { read_at: minutes(20), ..first.clone() }, &[], PLAIN).expect("named");
    let compressed = sender.pack(&[&again.reading], &[], &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    assert_eq!(world.count(&format!("{shown}{}", minutes(20).0)).await, 1);
    assert_eq!(world.count("select supplies_low from printer_state").await, low);
    // Changed, and lost on its way: it is asked for, and what ran low stays known.
    let mut changed = Report { read_at: minutes(30), ..first };
    changed.status.engine = Some("another word".to_owned());
    changed.status.cartridges.clear();
    let split = records(&changed, &[], PLAIN).expect("named");
    let compressed = sender.pack(&[&split.reading], &[], &world.surroundings);
    let Answer::Accepted { wanted, .. } = world.upload(&sender, &compressed).await else { panic!("refused") };
    assert_eq!(wanted.len(), 1);
    assert_eq!(world.count("select count(*) from printer_state where status = ''").await, 1);
    assert_eq!(world.count("select supplies_low from printer_state").await, low);
    changed.read_at = minutes(40);
    let Answer::Accepted { wanted, .. } = world.report(&mut sender, &changed).await else { panic!("refused") };
    assert!(wanted.is_empty());
    assert_eq!(world.count(&format!("{shown}{}", minutes(40).0)).await, 1);
    assert_eq!(world.count("select supplies_low from printer_state").await, 0);
}

async fn history(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let printer = protocol::package::PrinterIdentity::of(&report(1, NOW, &[]).configuration).expect("named");
    let fold = Fold {
        printer,
        folded_at: NOW,
        since: minutes(1),
        until: minutes(2),
        jobs: 40,
        pages: 80,
        area_printed: Area(1),
        area_media: Area(2),
        ink: Ink(3),
        categories: Vec::new(),
        seen: None,
    };
    let why = GapReason::SpoolDamaged;
    let cores = [
        Core::Gap(Gap { at: NOW, why, lost_records: None, salvaged_records: 12, seen: None }),
        Core::Fold(Box::new(fold)),
        Core::Boot(Boot { at: NOW, number: 3, version: "0.1.0".to_owned(), seen: None }),
    ];
    let drafts: Vec<Draft> = cores.iter().map(core_record).collect();
    let compressed = sender.pack(&drafts.iter().collect::<Vec<_>>(), &[], &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    receipt(world.upload(&sender, &compressed).await);
    // The sum of what gave way is a fact of its own, once, in no total, and shown as an exception.
    let sum = "select count(*) from job_fold where jobs = 40 and pages = 80 and area_printed = 1 and ink = 3";
    assert_eq!((world.count(sum).await, world.count("select count(*) from job_fold").await), (1, 1));
    assert_eq!(world.count("select count(*) from usage").await, 0);
    let printer = world.count("select printer_id from printer").await;
    let page = world.browser(&tenant.reseller_email()).await.get(&format!("/printers/{printer}?tab=history")).await;
    assert!(page.text.contains("Jobs known only as a sum") && page.text.contains("40 jobs since"), "{}", page.text);
    for kind in ["gap", "fold", "boot", "enrolled"] {
        let events = format!("select count(*) from agent_event where kind = '{kind}'");
        assert_eq!(world.count(&events).await, 1, "{kind}");
    }
}

async fn grades(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let claimed = Manner { grade: report::Grade::A, ..PLAIN };
    let compressed = pack_in(&mut sender, &report(1, minutes(10), &[minutes(1)]), claimed, &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    let compressed = pack(&mut sender, &report(1, minutes(20), &[minutes(11)]), &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    assert_eq!(world.count("select count(*) from job where grade = 'B'").await, 2);
    assert_eq!(world.count("select count(*) from reading_set where grade = 'B'").await, 2);
}

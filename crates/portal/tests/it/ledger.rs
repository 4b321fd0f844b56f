//! The ledger: versions, segments, and cells that equal a recount.

use crate::world::{NOW, World, both, report};
use report::sample::Rng;
use report::{Area, Instant, JobStatus};

both! {
    a_later_version_of_a_job_moves_the_cells_by_the_signed_difference => versions;
    an_older_version_that_arrives_late_moves_nothing => late_version;
    a_counter_that_falls_opens_a_segment_and_is_never_negative => segments;
    usage_cells_equal_a_recount_of_the_jobs => recount;
    the_month_of_a_job_is_the_site_s => site_month;
}

const PRINTED: &str = "select cast(coalesce(sum(quantity), 0) as bigint) from usage where meter like 'area-printed/%'";

fn hours(hours: i64) -> Instant {
    Instant(NOW.0 - 10 * 86_400_000 + hours * 3_600_000)
}

fn set_area(report: &mut report::Report, area: i64) {
    for print in report.jobs.iter_mut().filter_map(|(job, _)| job.print.as_mut()) {
        print.printed_area = Some(Area(area));
        print.categories.iter_mut().for_each(|category| category.printed_area = Some(Area(area)));
    }
}

async fn versions(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut first = report(1, hours(2), &[hours(1)]);
    set_area(&mut first, 1_000_000);
    world.report(&mut sender, &first).await;
    assert_eq!(world.count(PRINTED).await, 1_000_000);
    let mut second = first.clone();
    second.read_at = hours(3);
    set_area(&mut second, 700_000);
    world.report(&mut sender, &second).await;
    assert_eq!(world.count(PRINTED).await, 700_000);
    // Cancelled after all: it is kept and shown, and no longer in the cells.
    second.read_at = hours(4);
    second.jobs[0].0.status = Some(JobStatus::Cancelled);
    world.report(&mut sender, &second).await;
    assert_eq!(world.count(PRINTED).await, 0);
    assert_eq!(world.count("select count(*) from job").await, 3);
    assert_eq!(world.count("select count(*) from job_superseded").await, 2);
    // The same content again is no version.
    second.read_at = hours(5);
    world.report(&mut sender, &second).await;
    assert_eq!(world.count("select count(*) from job").await, 3);
}

async fn late_version(world: World) {
    let tenant = world.tenant("a").await;
    let (mut one, mut other) = (world.agent(&tenant).await, world.agent(&tenant).await);
    let mut newer = report(1, hours(5), &[hours(1)]);
    set_area(&mut newer, 500_000);
    let mut older = newer.clone();
    older.read_at = hours(2);
    set_area(&mut older, 900_000);
    world.report(&mut one, &newer).await;
    world.report(&mut other, &older).await;
    assert_eq!(world.count(PRINTED).await, 500_000);
    assert_eq!(world.count("select count(*) from job").await, 2);
    assert_eq!(world.count("select version from job_superseded").await, 2);
}

async fn segments(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    for (hour, pages) in [(1, 100), (2, 140), (3, 140), (4, 30), (5, 35)] {
        let mut report = report(1, hours(hour), &[]);
        report.usage.pages = Some(pages);
        world.report(&mut sender, &report).await;
    }
    let of = |what: &str| format!("select count(*) from {what} where meter = 'pages'");
    assert_eq!(world.count(&of("segment")).await, 2);
    let fell = "select count(*) from segment
                where meter = 'pages' and reason = 'decrease' and value_before = 140 and value_after = 30";
    assert_eq!(world.count(fell).await, 1);
    // The unchanged reading is no row of its own.
    assert_eq!(world.count(&of("reading")).await, 4);
    assert_eq!(world.count("select count(*) from reading_set").await, 5);
}

async fn recount(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut rng = Rng::new(9);
    for round in 0..12 {
        let finished: Vec<Instant> = (0..8).map(|_| hours(rng.between(round * 18, round * 18 + 17))).collect();
        let mut report = report(1, hours(round * 18 + 18), &finished);
        for (job, _) in &mut report.jobs {
            if rng.chance(200_000) {
                job.status = Some(JobStatus::Cancelled);
            }
        }
        world.report(&mut sender, &report).await;
    }
    let cells = world.count("select cast(sum(quantity) as bigint) from usage where meter like 'area-printed/%'").await;
    let jobs = world.count("select cast(sum(area_printed) as bigint) from job where status = 'printed'").await;
    assert_eq!(cells, jobs);
    let days =
        world.count("select cast(sum(quantity) as bigint) from usage_day where meter like 'area-printed/%'").await;
    assert_eq!(days, jobs);
}

async fn site_month(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    // 2026-10-31T23:30Z is November in Berlin.
    let halloween = Instant::parse("2026-10-31T23:30:00Z").expect("a timestamp");
    world.report(&mut sender, &report(1, hours(1), &[halloween])).await;
    assert_eq!(world.count("select min(month) from usage").await, 202_611);
}

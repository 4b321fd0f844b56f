//! SIGKILL of the collector and of the portal at random points, while printers print: every job is
//! billed exactly once, equal to what the printers themselves counted.

use crate::processes::{enrol, of_agent, start_portal, write_enrolment};
use crate::world::{
    Device, Prepared, START, TestClock, collector_config, device, free_address, fresh_budget, jobs_csv, postgres,
    prepare, sqlite,
};
use portal::Target;
use report::sample::Rng;
use report::{Duration, JobStatus};
use simulator::auditor;
use std::collections::BTreeMap;
use std::path::Path;

/// Kills of each program on each database.
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_bills_every_job_exactly_once_through_kills() {
    let folder = tempfile::tempdir().expect("a folder");
    story(folder.path(), &sqlite(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_bills_every_job_exactly_once_through_kills() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(target) = tokio::task::spawn_blocking(postgres).await.expect("asked") else { return };
    story(folder.path(), &target).await;
}

async fn story(folder: &Path, target: &Target) {
    let seed = 0x5EED;
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    let clock = TestClock::at(START);
    let mut devices = Vec::new();
    for number in 0..3 {
        devices.push(device(number, 100 + u64::try_from(number).expect("small"), &clock).await);
    }
    let prepared = prepare(folder, target, &free_address()).await;
    let config = collector_config(folder, "keep", &devices);
    let enrolment = write_enrolment(folder, "enrol.plotmeter", &prepared.file);
    let mut portal = start_portal(&prepared).await;
    let enrolled = enrol("collector", &config, &enrolment).await;
    assert!(enrolled.success, "{}", enrolled.err);
    // How long a whole round takes here, so that kills fall inside it.
    let (mut collector_kills, mut portal_kills, mut whole_ms) = (0, 0, 400);
    while collector_kills < KILLS || portal_kills < KILLS {
        clock.forward(Duration::hours(rng.between(1, 6)));
        fresh_budget(&folder.join("collector"));
        let mut round = of_agent("collector", &config, &["once"]).spawn().expect("starts");
        let after = std::time::Duration::from_millis(rng.next_u64() % whole_ms);
        tokio::select! {
            _ = round.wait() => { whole_ms = (whole_ms * 9 / 10).max(60); }
            () = tokio::time::sleep(after) => {
                if rng.chance(500_000) {
                    round.start_kill().expect("killed");
                    collector_kills += 1;
                } else {
                    portal.start_kill().expect("killed");
                    portal.wait().await.expect("ended");
                    portal_kills += 1;
                    portal = start_portal(&prepared).await;
                }
                whole_ms += 20;
            }
        }
        round.wait().await.expect("ended");
    }
    // One quiet round at the end, with the printers standing still.
    fresh_budget(&folder.join("collector"));
    let last = of_agent("collector", &config, &["once"]).status().await.expect("runs");
    assert!(last.success());
    println!("{collector_kills} kills of the collector, {portal_kills} of the portal");
    compare(&prepared, &devices, &clock).await;
    portal.start_kill().expect("killed");
}

/// The portal's jobs against each printer's own count: keys, and area by category.
async fn compare(prepared: &Prepared, devices: &[Device], clock: &TestClock) {
    let rows = jobs_csv(&prepared.pages).await;
    let mut expected = 0;
    for device in devices {
        let printer = device.printer.lock().expect("not poisoned");
        let truth: Vec<_> = printer.truth().iter().filter(|job| job.finished_at <= clock.now()).collect();
        assert!(truth.len() > 20, "only {} jobs were printed", truth.len());
        expected += truth.len();
        let mut billed: BTreeMap<String, i64> = BTreeMap::new();
        for row in rows.iter().filter(|row| row["printer_serial"] == printer.serial()) {
            let key = row["job_key"].clone();
            let area = row["area_printed_mm2"].parse().unwrap_or(0);
            assert!(billed.insert(key.clone(), area).is_none(), "{key} is there twice");
        }
        // A key has the minute in which a job finished, and counts those of one UUID within it.
        let mut minutes: BTreeMap<(String, i64), u32> = BTreeMap::new();
        for job in &truth {
            let minute = (job.uuid.clone(), job.finished_at.0.div_euclid(60_000));
            let nth = minutes.entry(minute.clone()).and_modify(|nth| *nth += 1).or_insert(0_u32);
            let ending = if *nth > 0 { format!("#{nth}") } else { String::new() };
            let key = format!("{}@{}{ending}", minute.0, minute.1);
            let area: i64 = job.categories.values().map(|category| category.printed_area.0).sum();
            assert_eq!(billed.get(&key), Some(&area), "{key} ({:?})", job.status);
        }
        let end = clock.now().plus(Duration(1));
        let printed: i64 = auditor::area_by_category(printer.truth(), START, end).values().map(|area| area.0).sum();
        assert_eq!(billed.values().sum::<i64>(), printed);
        assert!(truth.iter().any(|job| job.status == JobStatus::Cancelled), "the history has a cancelled job");
    }
    assert_eq!(rows.len(), expected);
}

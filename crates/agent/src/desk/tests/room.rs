//! A disk that is full: sums stay true, reading goes on, nothing that the portal lacks is given away.

use super::*;
use report::{Area, Ink};

/// What a job adds to a sum.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    jobs: u64,
    pages: i64,
    printed: i64,
    media: i64,
    ink: i64,
    categories: i64,
}

impl Sums {
    fn of(cores: &[Core]) -> Sums {
        let mut sums = Sums::default();
        for core in cores {
            match core {
                Core::Job(record) => {
                    sums.jobs += 1;
                    let Some(print) = &record.job.print else { continue };
                    sums.pages += print.pages.unwrap_or(0);
                    sums.printed += print.printed_area.unwrap_or_default().0;
                    sums.media += print.media_area.unwrap_or_default().0;
                    sums.ink += print.ink.iter().map(|used| used.ink.0).sum::<i64>();
                    sums.categories +=
                        print.categories.iter().filter_map(|used| used.ink).map(|ink| ink.0).sum::<i64>();
                }
                Core::Fold(fold) => {
                    sums.jobs += fold.jobs;
                    sums.pages += fold.pages;
                    let (Area(printed), Area(media), Ink(ink)) = (fold.area_printed, fold.area_media, fold.ink);
                    (sums.printed, sums.media, sums.ink) = (sums.printed + printed, sums.media + media, sums.ink + ink);
                    sums.categories += fold.categories.iter().filter_map(|used| used.ink).map(|ink| ink.0).sum::<i64>();
                }
                _ => {}
            }
        }
        sums
    }
}

/// The jobs of the sample printers of these seeds.
fn jobs(seeds: std::ops::RangeInclusive<u64>) -> Vec<Core> {
    let drafts = seeds.flat_map(|seed| split(seed).jobs);
    drafts.map(|(_, draft)| serde_json::from_str(&draft.core).expect("a core")).collect()
}

fn cramped(folder: &std::path::Path, world: &World) -> Desk {
    let options = DeskOptions { spool_bytes_max: 768 * 1024, ..DeskOptions::default() };
    Desk::open(folder, world.surroundings(), options).expect("opens")
}

#[test]
fn folding_keeps_every_sum_and_reading_goes_on() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = cramped(folder.path(), &world);
    let mut seeds = 0;
    while desk.unsent().expect("counts").folded == 0 {
        seeds += 1;
        append(&mut desk, seeds, world.now());
    }
    for _ in 0..10 {
        seeds += 1;
        append(&mut desk, seeds, world.now());
    }
    let bytes = desk.unsent().expect("counts").bytes;
    assert!(bytes <= 768 * 1024, "{bytes} bytes");
    drop(desk);
    let mut desk = cramped(folder.path(), &world);
    talk(&mut desk, &mut portal, &world);
    let cores = portal.cores();
    assert!(cores.iter().any(|core| matches!(core, Core::Fold(_))));
    assert_eq!(Sums::of(&cores), Sums::of(&jobs(1..=seeds)));
    assert_eq!(portal.forks, 0);
}

#[test]
fn what_the_portal_has_goes_before_any_detail() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = cramped(folder.path(), &world);
    for seed in 1..=220 {
        append(&mut desk, seed, world.now());
        talk(&mut desk, &mut portal, &world);
        world.pass(Duration::hours(1));
    }
    assert_eq!(desk.unsent().expect("counts").folded, 0);
    assert_eq!(portal.jobs().len(), 660);
    assert!(desk.sent(1000).expect("read").len() < 220, "older packages went");
}

#[test]
fn the_reserve_is_given_back_when_it_is_needed_and_taken_again_later() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = cramped(folder.path(), &world);
    let reserve = folder.path().join("reserve");
    assert!(reserve.exists());
    let mut seed = 0;
    while desk.unsent().expect("counts").folded == 0 {
        seed += 1;
        append(&mut desk, seed, world.now());
    }
    assert!(!reserve.exists());
    talk(&mut desk, &mut portal, &world);
    assert!(reserve.exists());
}

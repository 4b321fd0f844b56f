//! Several interfaces of one printer, merged: whose rows are taken, whose are left out, what is remembered.

use crate::common::{READ_AT, rows, whats};
use drivers::merge::{Heard, Identity, Memory, Merged, merge, merge_recalling};
use drivers::{DRIVERS, driver};
use report::{
    Alert, Cartridge, CartridgeTypeUsage, Defect, Ink, Instant, Job, MediaSource, PrintJob, Printhead, Report, RowId,
    Severity, Share, Source, sample, walk,
};

const WEB: &str = "printer.example:443 1a2b";

/// What is said where something that is remembered is absent.
const LET_GO: &str = "what comes from an interface that is gone for good is let go when somebody runs `plotmeter \
                      collector trust ADDRESS --interfaces` (a direct agent: `plotmeter direct trust --interfaces`)";

/// What the interface of this driver said, with a source for each row it fills.
fn heard(name: &str, over: &str, mut report: Report) -> Heard {
    report.sources.clear();
    for filled in walk(&report) {
        let source = || Source { from: format!("{name} Test"), derived: false };
        report.sources.entry(filled.row).or_insert_with(source);
    }
    Heard { driver: driver(name).expect("a driver"), over: over.to_owned(), report, defects: Vec::new() }
}

/// A report that names its printer.
fn named(serial: &str, firmware: &str) -> Report {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut report = Report { read_at: READ_AT, ..Report::default() };
    report.configuration.serial_number = text(serial);
    report.configuration.firmware_version = text(firmware);
    report
}

fn with_pages(mut report: Report, pages: i64) -> Report {
    report.usage.pages = Some(pages);
    report
}

fn with_cartridges(mut report: Report, cartridges: &[Cartridge]) -> Report {
    report.status.cartridges = cartridges.to_vec();
    report
}

/// `slot serial product colour`, each `-` where it is not known.
fn cartridge(text: &str) -> Cartridge {
    let mut words = text.split(' ').map(|word| (word != "-").then(|| word.to_owned()));
    let mut next = || words.next().flatten();
    let slot = next().unwrap_or_default();
    Cartridge { slot, serial_number: next(), product_number: next(), colour: next(), ..Cartridge::default() }
}

/// A job that ended then; `name` is its UUID, none where it is empty.
fn job(name: &str) -> (Job, Vec<Defect>) {
    let print = Some(PrintJob { printed_at: Some(READ_AT), ..PrintJob::default() });
    let uuid = (!name.is_empty()).then(|| name.to_owned());
    (Job { uuid, print, ..Job::default() }, Vec::new())
}

fn with_jobs(name: &str, over: &str, jobs: &[&str]) -> Heard {
    let mut report = named("TST1", "");
    report.jobs = jobs.iter().map(|name| job(name)).collect();
    heard(name, over, report)
}

/// An interface whose list of jobs was answered, and is empty.
fn with_no_jobs(name: &str, over: &str) -> Heard {
    let mut heard = with_jobs(name, over, &[]);
    let source = Source { from: format!("{name} Test"), derived: false };
    heard.report.sources.insert(RowId::P27, source);
    heard
}

fn job_names(merged: &Merged) -> Vec<&str> {
    merged.report.jobs.iter().map(|(job, _)| job.uuid.as_deref().unwrap_or_default()).collect()
}

fn merged(heard: Vec<Heard>) -> Merged {
    merge(heard, &Memory::default())
}

fn from(merged: &Merged, row: RowId) -> Option<&str> {
    merged.report.sources.get(&row).map(|source| source.from.as_str())
}

// Which interfaces are one printer.

#[test]
fn one_interface_alone_is_not_changed() {
    for seed in 0..50 {
        for driver in DRIVERS {
            let mut alone = heard(driver.name, WEB, sample::report(seed));
            alone.defects = vec![Defect::at(RowId::S1, "odd"), Defect::of("odder")];
            let merged = merged(vec![alone.clone()]);
            assert_eq!((&merged.report, &merged.defects), (&alone.report, &alone.defects), "{}", driver.name);
            assert_eq!(merged.drivers, [driver.name]);
            let again = merge(vec![alone], &merged.memory);
            assert_eq!(again, merged, "{}", driver.name);
        }
    }
}

#[test]
fn the_order_of_what_was_heard_does_not_matter() {
    for seed in 0..50 {
        let one = sample::report(seed);
        let mut said = Vec::new();
        for (index, driver) in DRIVERS.iter().enumerate() {
            let mut report = sample::report(seed + 1_000 + u64::try_from(index).expect("a few"));
            if index % 3 != 2 {
                report.configuration.clone_from(&one.configuration);
            }
            said.push(heard(driver.name, &format!("channel {}", index % 2), report));
        }
        let expected = merged(said.clone());
        for turn in 0..said.len() {
            said.rotate_left(turn);
            assert_eq!(merged(said.clone()), expected);
            said.swap(0, 1);
            assert_eq!(merged(said.clone()), expected);
        }
    }
}

#[test]
fn interfaces_with_one_serial_number_are_one_printer_over_any_connection() {
    let mut status = named(" tst1", "");
    status.status.engine = Some("idle".to_owned());
    let merged = merged(vec![heard("snmp", "printer:161", status), heard("piws", WEB, named("TST1", "F1"))]);
    assert_eq!(merged.defects, Vec::new());
    assert_eq!(merged.drivers, ["piws", "snmp"]);
    assert_eq!(merged.report.status.engine.as_deref(), Some("idle"));
    assert_eq!((from(&merged, RowId::S1), from(&merged, RowId::C3)), (Some("snmp Test"), Some("piws Test")));
}

#[test]
fn without_a_serial_number_on_both_sides_the_uuid_tells() {
    let cases = [
        (("TST1", "0b8f-1"), ("", "URN:UUID:0B8F-1"), true),
        (("", "0b8f-1"), ("", "0b8f-1"), true),
        (("", "0b8f-1"), ("", "0b8f-2"), false),
        (("TST1", "0b8f-1"), ("TST1", "0b8f-2"), true),
        (("TST1", "0b8f-1"), ("TST2", "0b8f-1"), false),
    ];
    for (web, ipp, are_one) in cases {
        let web = heard("ews_xml", WEB, with_uuid(web.0, web.1));
        let ipp = heard("ipp", "printer.example:631", with_uuid(ipp.0, ipp.1));
        let merged = merged(vec![web, ipp]);
        assert_eq!(merged.drivers.len(), if are_one { 2 } else { 1 });
        assert_eq!(merged.defects.is_empty(), are_one, "{:?}", merged.defects);
    }
}

#[test]
fn two_that_disagree_keep_the_first_in_probe_order_and_say_so() {
    let other = with_pages(named("TST2", ""), 7);
    let merged = merged(vec![heard("snmp", "printer:161", other), heard("ledm", WEB, named("TST1", ""))]);
    assert_eq!((merged.drivers.as_slice(), merged.report.usage.pages), (["ledm"].as_slice(), None));
    assert_eq!(whats(&merged.defects), ["C3 snmp names another printer (TST2, not TST1): it is left out"]);
    let strangers: Vec<Option<&str>> = merged.strangers.iter().map(Identity::key).collect();
    assert_eq!(strangers, [Some("TST2")]);
}

#[test]
fn an_interface_without_a_name_belongs_to_the_printer_of_its_connection_only() {
    let piws = heard("piws", WEB, named("TST1", ""));
    let nameless = with_pages(named("", ""), 7);
    let here = merged(vec![piws.clone(), heard("ews_html", WEB, nameless.clone())]);
    assert_eq!((here.report.usage.pages, here.defects), (Some(7), Vec::new()));
    let there = merged(vec![piws, heard("snmp", "printer:161", nameless.clone())]);
    assert_eq!(there.report.usage.pages, None);
    let expected = "C3 snmp does not say that it is this printer (TST1): it is left out";
    assert_eq!(whats(&there.defects), [expected]);
    let unknown = merged(vec![heard("piws", "", named("TST1", "")), heard("ews_html", "", nameless)]);
    assert_eq!(unknown.drivers, ["piws"], "a connection of which nothing is known connects nothing");
}

#[test]
fn a_name_is_taken_before_a_connection_and_may_link_two_others() {
    let uuid_only = {
        let mut report = with_pages(named("", ""), 7);
        report.configuration.uuid = Some("0b8f-1".to_owned());
        report
    };
    let both = {
        let mut report = named("TST1", "");
        report.configuration.uuid = Some("0b8f-1".to_owned());
        report
    };
    let all = vec![
        heard("piws", WEB, named("TST1", "")),
        heard("ipp", "printer:631", uuid_only),
        heard("snmp", "printer:161", both),
    ];
    let merged = merged(all);
    assert_eq!((merged.drivers.len(), merged.report.usage.pages), (3, Some(7)));
    assert_eq!(merged.defects, Vec::new());
}

#[test]
fn when_nobody_names_the_printer_one_connection_is_one_printer() {
    let nameless = |pages: i64| with_pages(named("", ""), pages);
    let all =
        vec![heard("ledm", WEB, nameless(3)), heard("ews_html", WEB, nameless(3)), heard("snmp", "x", nameless(9))];
    let merged = merged(all);
    assert_eq!(merged.drivers, ["ledm", "ews_html"]);
    let expected = "C3 snmp names neither serial number nor UUID, as the others: it is left out";
    assert_eq!(whats(&merged.defects), [expected]);
}

#[test]
fn a_driver_that_answered_twice_is_read_once() {
    let twice = vec![
        heard("ipp", "printer:631", with_pages(named("TST1", ""), 1)),
        heard("ipp", "printer:443", with_pages(named("TST1", ""), 2)),
    ];
    let merged = merged(twice);
    assert_eq!(merged.report.usage.pages, Some(2), "the first connection by name");
    assert_eq!(whats(&merged.defects), ["ipp answered over two connections: the second is left out"]);
}

#[test]
fn nothing_heard_is_an_empty_report() {
    let merged = merged(Vec::new());
    assert_eq!((merged.report, merged.defects.len(), merged.drivers.len()), (Report::default(), 0, 0));
}

/// A report that gives a UUID, and perhaps a serial number.
fn with_uuid(serial: &str, uuid: &str) -> Report {
    let mut report = named(serial, "");
    report.configuration.uuid = Some(uuid.to_owned());
    report
}

#[test]
fn a_printer_keeps_its_serial_number_while_only_its_uuid_is_heard() {
    let known = merged(vec![heard("piws", WEB, with_uuid("TST1", "0b8f-1"))]).memory;
    let alone = || vec![heard("ipp", "printer:631", with_uuid("", "0b8f-1"))];
    let again = merge(alone(), &known);
    assert_eq!(again.report.configuration.serial_number.as_deref(), Some("TST1"));
    assert_eq!((from(&again, RowId::C3), again.report.sources[&RowId::C3].derived), (Some("ipp UUID"), true));
    let expected = "C3 no interface that answered names the serial number: the printer is known by its UUID";
    assert!(whats(&again.defects).iter().any(|what| what == expected), "{:?}", again.defects);
    assert_eq!(again.memory.identity().key(), Some("TST1"));
    // Nothing is known of another one.
    for memory in [Memory::default(), merged(vec![heard("piws", WEB, with_uuid("TST2", "0b8f-2"))]).memory] {
        let other = merge(alone(), &memory);
        assert_eq!((other.report.configuration.serial_number, other.memory.identity().key()), (None, Some("0b8f-1")));
    }
}

#[test]
fn the_first_interface_that_gives_a_serial_number_says_which_printer_it_is() {
    let ipp = || heard("ipp", "printer:631", with_uuid("", "0b8f-1"));
    let snmp = || heard("snmp", "printer:161", named("TST1", ""));
    let strangers = merged(vec![ipp(), snmp()]);
    assert_eq!((strangers.drivers, strangers.memory.identity().key()), (vec!["snmp"], Some("TST1")));
    assert_eq!(whats(&strangers.defects), ["C3 ipp does not say that it is this printer (TST1): it is left out"]);
    // Once an interface gave both, the two are known to be one printer.
    let known = merged(vec![heard("piws", WEB, with_uuid("TST1", "0b8f-1"))]).memory;
    let joined = merge(vec![ipp(), snmp()], &known);
    assert_eq!(joined.drivers, ["ipp", "snmp"]);
}

#[test]
fn a_memory_is_recalled_by_what_the_printer_is_known_by() {
    let known = merged(vec![heard("ledm", WEB, with_pages(named("TST1", "F1"), 100))]).memory;
    let of = |serial: &str| Identity::of(&named(serial, "").configuration);
    let recall = |identity: &Identity| if *identity == of("TST1") { known.clone() } else { Memory::default() };
    let piws = |serial: &str| heard("piws", WEB, with_pages(named(serial, "F1"), 5));
    let same = merge_recalling(vec![piws("tst1 ")], recall);
    assert_eq!(same.report.usage.pages, None, "it comes from ledm");
    let other = merge_recalling(vec![piws("TST2")], recall);
    assert_eq!(other.report.usage.pages, Some(5));
}

#[test]
fn each_interface_s_firmware_is_held_against_its_own_words() {
    let said = [("piws", "MRY_04_11_00.1"), ("ledm", "2131A")];
    let said = said.map(|(name, firmware)| heard(name, WEB, named("TST1", firmware)));
    let memory = merged(said.to_vec()).memory;
    for (driver, version, other) in [
        ("piws", Some("MRY_04_11_00.1"), false),
        ("ledm", Some("2131A"), false),
        ("ledm", Some("MRY_04_11_00.1"), true),
        ("piws", None, false),
        ("snmp", Some("X"), false),
    ] {
        assert_eq!(memory.has_other_firmware(driver, version), other, "{driver} {version:?}");
    }
}

#[test]
fn counters_that_are_left_for_later_leave_no_source_behind() {
    let mut report = with_pages(named("TST1", "F1"), 100);
    report.jobs = vec![job("J1")];
    report.status.engine = Some("idle".to_owned());
    let all = merged(vec![heard("piws", WEB, report)]);
    assert!(all.memory.has_sources());
    let left = all.without_counters();
    assert_eq!((left.report.usage.pages, left.report.jobs.len(), left.memory.has_sources()), (None, 0, false));
    assert_eq!(left.report.status.engine.as_deref(), Some("idle"));
    assert_eq!((from(&left, RowId::U15), from(&left, RowId::S1)), (None, Some("piws Test")));
    assert_eq!(left.memory.identity().key(), Some("TST1"));
    assert_eq!(whats(&left.defects), ["not every interface was asked: counters and jobs come with the next reading"]);
}

// Whose rows are taken.

#[test]
fn each_row_is_from_the_first_interface_that_fills_it_and_from_no_other() {
    let said = |name: &str, seed: u64| {
        let mut report = sample::report(seed);
        report.configuration = named("TST1", "F1").configuration;
        heard(name, WEB, report)
    };
    let (mut part, ledm, snmp) = (said("piws", 1), said("ledm", 2), said("snmp", 3));
    part.report.settings.accessories.clear();
    part.report.usage.cartridge_types.clear();
    part.report.usage.media.clear();
    let merged = merged(vec![snmp, part.clone(), ledm.clone()]);
    assert_eq!(merged.report.settings.accessories, ledm.report.settings.accessories);
    assert_eq!(merged.report.settings.media_types, part.report.settings.media_types);
    assert_eq!(merged.report.usage.cartridge_types, ledm.report.usage.cartridge_types);
    assert_eq!(merged.report.usage.media, ledm.report.usage.media);
    assert_eq!(merged.report.usage.categories, part.report.usage.categories);
    assert_eq!((&merged.report.jobs, &merged.report.alerts), (&part.report.jobs, &part.report.alerts));
    for filled in walk(&merged.report) {
        let row = filled.row;
        let source = from(&merged, row).expect("a source");
        let expected = match row {
            RowId::S26 | RowId::U1 | RowId::U2 | RowId::U3 | RowId::U4 | RowId::U5 | RowId::U6 | RowId::U7 => "ledm",
            _ => "piws",
        };
        assert_eq!(source, format!("{expected} Test"), "{row}");
    }
    assert!(rows(&merged.report).contains("U15 "), "every filled row has a source");
}

#[test]
fn a_counter_of_area_comes_from_pages_before_standard_interfaces_and_ink_the_other_way() {
    let said = |name: &str| {
        let mut report = with_pages(named("TST1", ""), 100);
        report.usage.ink = Some(Ink(5_000_000));
        heard(name, WEB, report)
    };
    let merged = merged(vec![said("snmp"), said("ews_html"), said("ipp")]);
    assert_eq!((from(&merged, RowId::U15), from(&merged, RowId::U16)), (Some("ews_html Test"), Some("snmp Test")));
}

#[test]
fn cartridges_are_matched_and_each_row_is_one_interface_s() {
    let ours = ["0 s1 p1 cyan", "1 s2 p2 black", "2 s3 p2 black"].map(cartridge);
    let theirs = ["9 s3 - -", "8 s2 - -", "7 - p1 C"].map(|text| {
        let capacity = Some(Ink(i64::from(text.as_bytes()[0] - b'0')));
        Cartridge { capacity, ..cartridge(text) }
    });
    let merged = merged(vec![
        heard("piws", WEB, with_cartridges(named("TST1", ""), &ours)),
        heard("ledm", WEB, with_cartridges(named("TST1", ""), &theirs)),
    ]);
    assert_eq!(merged.defects, Vec::new());
    let found: Vec<(&str, Option<Ink>)> =
        merged.report.status.cartridges.iter().map(|item| (item.slot.as_str(), item.capacity)).collect();
    assert_eq!(found, [("0", Some(Ink(7))), ("1", Some(Ink(8))), ("2", Some(Ink(9)))]);
    assert_eq!(merged.report.status.cartridges[1].serial_number.as_deref(), Some("s2"));
    assert_eq!((from(&merged, RowId::S16), from(&merged, RowId::S14)), (Some("ledm Test"), Some("piws Test")));
}

#[test]
fn a_row_of_which_one_item_cannot_be_found_is_not_taken() {
    let ours = ["0 - p2 black", "1 - p2 black", "2 - p1 cyan"].map(cartridge);
    let level = |text: &str| Cartridge { status: Some("low".to_owned()), ..cartridge(text) };
    let theirs = [level("1 - p2 black"), level("2 - p1 cyan")];
    let merged = merged(vec![
        heard("piws", WEB, with_cartridges(named("TST1", ""), &ours)),
        heard("snmp", "x", with_cartridges(named("TST1", ""), &theirs)),
    ]);
    assert_eq!(merged.report.status.cartridges, ours);
    assert_eq!(whats(&merged.defects), ["S10 snmp lists what cannot be found in piws's list, left out: S11"]);
}

#[test]
fn printheads_and_media_sources_are_matched_like_cartridges() {
    let head = |slot: &str, colours: &[&str]| Printhead {
        slot: slot.to_owned(),
        colours: colours.iter().map(|colour| (*colour).to_owned()).collect(),
        ..Printhead::default()
    };
    let source = |name: &str| MediaSource { name: name.to_owned(), ..MediaSource::default() };
    let mut ours = named("TST1", "");
    ours.status.printheads = vec![head("0", &["cyan", "matte-black"]), head("1", &["yellow", "magenta"])];
    ours.status.media_sources = vec![source("Roll 1"), source("Roll 2")];
    let mut theirs = named("TST1", "");
    let health = Some(Share(900_000));
    theirs.status.printheads = vec![Printhead { health, ..head("1", &["Magenta", "Y"]) }];
    theirs.status.media_sources =
        ["ROLL2", "ROLL1"].map(|name| MediaSource { media: Some(name.to_owned()), ..source(name) }).to_vec();
    let merged = merged(vec![heard("piws", WEB, ours), heard("ledm", WEB, theirs)]);
    assert_eq!(merged.defects, Vec::new());
    let heads = &merged.report.status.printheads;
    assert_eq!((heads.len(), heads[0].health, heads[1].health), (2, None, health));
    let sources = &merged.report.status.media_sources;
    assert_eq!((sources[0].name.as_str(), sources[0].media.as_deref()), ("Roll 1", Some("ROLL1")));
    assert_eq!((sources[1].name.as_str(), sources[1].media.as_deref()), ("Roll 2", Some("ROLL2")));
}

#[test]
fn counters_of_two_interfaces_are_never_mixed_in_one_list() {
    let ink = |colour: &str, insertions: Option<i64>| CartridgeTypeUsage {
        colour: colour.to_owned(),
        ink: Some(Ink(1_000_000)),
        insertions,
        ..CartridgeTypeUsage::default()
    };
    let said = |name: &str, ink: CartridgeTypeUsage| {
        let mut report = named("TST1", "");
        report.usage.cartridge_types = vec![ink];
        heard(name, WEB, report)
    };
    let merged = merged(vec![said("piws", ink("cyan", None)), said("ledm", ink("C", Some(3)))]);
    assert_eq!(merged.report.usage.cartridge_types, [ink("cyan", None)]);
    assert_eq!(from(&merged, RowId::U5), None);
}

// What is remembered.

#[test]
fn a_counter_stays_with_its_interface_and_is_absent_when_that_is_silent() {
    let piws = || heard("piws", WEB, with_pages(named("TST1", "F1"), 100));
    let ledm = || heard("ledm", WEB, with_pages(named("TST1", ""), 100));
    let first = merged(vec![ledm()]);
    assert_eq!((first.report.usage.pages, from(&first, RowId::U15)), (Some(100), Some("ledm Test")));
    let second = merge(vec![piws(), ledm()], &first.memory);
    assert_eq!(from(&second, RowId::U15), Some("ledm Test"), "a better one that comes later changes nothing");
    let third = merge(vec![piws()], &second.memory);
    assert_eq!(third.report.usage.pages, None);
    assert_eq!(whats(&third.defects), ["U15 it comes from ledm, which did not answer: it stays absent", LET_GO]);
    let without = heard("ledm", WEB, named("TST1", ""));
    let fourth = merge(vec![piws(), without], &third.memory);
    assert_eq!(fourth.report.usage.pages, None);
    let expected = ["U15 ledm gave it before and does not give it now: it stays absent", LET_GO];
    assert_eq!(whats(&fourth.defects), expected);
    let fifth = merge(vec![piws(), ledm()], &fourth.memory);
    assert_eq!((fifth.report.usage.pages, fifth.defects), (Some(100), Vec::new()));
}

#[test]
fn status_never_waits_for_an_interface() {
    let said = |name: &str| {
        let mut report = named("TST1", "");
        report.status.engine = Some(name.to_owned());
        heard(name, WEB, report)
    };
    let first = merged(vec![said("piws"), said("ledm")]);
    let second = merge(vec![said("ledm")], &first.memory);
    assert_eq!((second.report.status.engine.as_deref(), second.defects), (Some("ledm"), Vec::new()));
}

#[test]
fn jobs_stay_with_the_interface_whose_list_was_answered_even_when_it_is_empty() {
    let ipp = || with_jobs("ipp", "x", &["J1"]);
    let first = merged(vec![with_no_jobs("piws", WEB), ipp()]);
    assert_eq!((first.report.jobs.len(), first.defects.len()), (0, 0), "an empty queue is an answer");
    let second = merge(vec![ipp()], &first.memory);
    assert_eq!(second.report.jobs.len(), 0);
    let expected = ["P27 jobs come from piws, which did not answer: none are read", LET_GO];
    assert_eq!(whats(&second.defects), expected);
    let third = merge(vec![with_jobs("piws", WEB, &["J2"]), ipp()], &second.memory);
    assert_eq!((job_names(&third), from(&third, RowId::P27)), (vec!["J2"], Some("piws Test")));
}

#[test]
fn jobs_never_stay_with_an_interface_that_gives_none_to_count() {
    let ipp = || with_jobs("ipp", "x", &["J1"]);
    // A list that was not answered, jobs without a name, and a job without an end.
    let mut endless = with_jobs("piws", WEB, &["J9"]);
    endless.report.jobs[0].0.print = None;
    for other in [with_jobs("piws", WEB, &[]), with_jobs("ews_html", WEB, &["", ""]), endless] {
        let name = other.driver.name;
        let both = merged(vec![other.clone(), ipp()]);
        assert_eq!((job_names(&both), from(&both, RowId::P27)), (vec!["J1"], Some("ipp Test")), "{name}");
        // Alone, its jobs are shown and bind nothing.
        let alone = merged(vec![other]);
        let later = merge(vec![ipp()], &alone.memory);
        assert_eq!((job_names(&later), later.defects.len()), (vec!["J1"], 0), "{name}");
    }
    assert_eq!(merged(vec![with_jobs("ews_html", WEB, &["", ""])]).report.jobs.len(), 2);
}

#[test]
fn jobs_may_wait_for_a_better_interface_and_then_have_no_source() {
    let first = merged(vec![with_jobs("ipp", "x", &["J1"])]).without_jobs();
    assert_eq!((first.report.jobs.len(), from(&first, RowId::P27), first.memory.has_jobs()), (0, None, false));
    let waits = whats(&first.defects).join("\n");
    assert!(waits.starts_with("P27 jobs wait until every interface was asked and the web server answered"), "{waits}");
    let second = merge(vec![with_jobs("ipp", "x", &["J1"]), with_jobs("piws", WEB, &["J2"])], &first.memory);
    assert_eq!(job_names(&second), ["J2"]);
    // The best interface waits for no other, and what cannot be counted for nothing.
    for name in ["J2", ""] {
        let of_web = || merged(vec![with_jobs(if name.is_empty() { "ews_html" } else { "piws" }, WEB, &[name])]);
        assert_eq!(of_web().without_jobs(), of_web(), "{name}");
    }
}

#[test]
fn another_firmware_moves_neither_counters_nor_jobs() {
    let said = |name: &str, firmware: &str, pages: i64, jobs: &[&str]| {
        let mut report = with_pages(named("TST1", firmware), pages);
        report.jobs = jobs.iter().map(|name| job(name)).collect();
        heard(name, WEB, report)
    };
    let ledm = |firmware: &str| said("ledm", firmware, 100, &[]);
    let ipp = |firmware: &str| said("ipp", firmware, 100, &["U1"]);
    let piws = || said("piws", "OS F2", 600, &["#1"]);
    let first = merged(vec![ledm("F1"), ipp("I1")]);
    let counted = |merged: &Merged| merged.report.usage.pages.zip(Some(job_names(merged).join(" ")));
    let expected = Some((100, "U1".to_owned()));
    assert_eq!(counted(&first), expected);
    let mut memory = first.memory;
    // The firmware is another one, one interface does not name it for once, and it is another one again.
    for (of_ledm, of_ipp) in [("F1", "I1"), ("F2", "I2"), ("", "I2"), ("F2", ""), ("F3", "I3")] {
        let next = merge(vec![piws(), ledm(of_ledm), ipp(of_ipp)], &memory);
        assert_eq!((counted(&next), from(&next, RowId::U15)), (expected.clone(), Some("ledm Test")), "{of_ledm}");
        memory = next.memory;
    }
    let alone = merge(vec![piws()], &memory);
    assert_eq!((alone.report.usage.pages, alone.report.jobs.len()), (None, 0));
}

#[test]
fn what_a_person_lets_go_is_chosen_anew_and_the_report_says_so() {
    let piws = || heard("piws", WEB, with_pages(named("TST1", ""), 600));
    let ledm = || heard("ledm", WEB, with_pages(named("TST1", ""), 100));
    let before = merged(vec![ledm()]).memory;
    let mut memory = before.clone();
    memory.forget_sources();
    let anew = merge(vec![piws(), ledm()], &memory).chosen_anew(&before);
    assert_eq!((anew.report.usage.pages, from(&anew, RowId::U15)), (Some(600), Some("piws Test")));
    let moved = "U15 it comes from piws now, before from ledm, which somebody let go";
    assert!(whats(&anew.defects).iter().any(|what| what == moved), "{:?}", anew.defects);
    let after = merge(vec![piws(), ledm()], &anew.memory);
    assert_eq!(from(&after, RowId::U15), Some("piws Test"));
    // Nothing moved where the same interface is chosen again.
    let same = merge(vec![ledm()], &memory).chosen_anew(&before);
    assert_eq!((same.report.usage.pages, same.defects), (Some(100), Vec::new()));
}

#[test]
fn a_memory_of_what_has_nothing_in_common_is_of_another_printer() {
    let known = merged(vec![heard("ledm", WEB, with_pages(named("TST1", "F1"), 100))]).memory;
    let other = merge(vec![heard("ipp", "x", with_pages(with_uuid("", "0b8f-1"), 5))], &known);
    assert_eq!((other.report.usage.pages, other.report.configuration.serial_number), (Some(5), None));
    assert_eq!((other.memory.identity().key(), other.memory.identity().serial()), (Some("0b8f-1"), None));
}

#[test]
fn another_printer_at_the_address_inherits_nothing() {
    let first = merged(vec![heard("ledm", WEB, with_pages(named("TST1", "F1"), 100))]);
    let other = merge(vec![heard("piws", WEB, with_pages(named("TST2", "F1"), 5))], &first.memory);
    assert_eq!((from(&other, RowId::U15), &other.defects), (Some("piws Test"), &Vec::new()));
    assert_eq!((other.report.usage.pages, other.memory.identity().key()), (Some(5), Some("TST2")));
}

#[test]
fn memory_survives_its_text_form() {
    let all = ["piws", "ledm", "snmp"].map(|name| {
        let mut report = sample::report(5);
        report.configuration = named("TST1", &format!("{name} 1.0\n beta")).configuration;
        heard(name, WEB, report)
    });
    let memory = merged(all.to_vec()).memory;
    assert_eq!(Memory::parse(&memory.to_text()), memory);
    assert_eq!(merge(all.to_vec(), &Memory::parse(&memory.to_text())), merge(all.to_vec(), &memory));
    assert!(memory.to_text().contains("\nU15 piws\n"), "{}", memory.to_text());
}

// What two say of one thing.

#[test]
fn a_contradiction_is_a_defect_and_changes_nothing() {
    let said = |name: &str, change: fn(&mut Report)| {
        let mut report = with_pages(named("TST1", "JGR9_09"), 1_000);
        report.configuration.product_name = Some("HP DesignJet T930 36in".to_owned());
        report.configuration.product_number = Some("W3Z72A".to_owned());
        report.usage.ink = Some(Ink(100_000_000));
        report.status.cartridges = vec![Cartridge {
            capacity: Some(Ink(300_000_000)),
            consumed: Some(Ink(150_000_000)),
            ..cartridge("1 - - cyan")
        }];
        change(&mut report);
        heard(name, WEB, report)
    };
    let cases: &[(fn(&mut Report), &[&str])] = &[
        (|_| {}, &[]),
        (|report| report.usage.pages = Some(1_011), &[]),
        (|report| report.usage.pages = Some(1_012), &["U15 piws says 1000, ledm says 1012"]),
        (|report| report.usage.ink = Some(Ink(98_000_000)), &[]),
        (|report| report.usage.ink = Some(Ink(97_000_000)), &["U16 piws says 100000000 nl, ledm says 97000000 nl"]),
        (
            |report| report.configuration.product_name = Some("HP DesignJet T920".to_owned()),
            &["C2 piws says HP DesignJet T930 36in, ledm says HP DesignJet T920"],
        ),
        (
            |report| report.configuration.product_number = Some("L2Y22A#B19".to_owned()),
            &["C1 piws says W3Z72A, ledm says L2Y22A#B19"],
        ),
        (
            |report| report.configuration.firmware_version = Some("JGR8".to_owned()),
            &["C4 piws says JGR9_09, ledm says JGR8"],
        ),
        (|report| report.status.cartridges[0].consumed = Some(Ink(135_000_000)), &[]),
        (
            |report| report.status.cartridges[0].consumed = Some(Ink(100_000_000)),
            &["S17 cartridge 1: piws says 50.00 % is left, ledm says 66.67 %"],
        ),
    ];
    for (change, expected) in cases {
        let merged = merged(vec![said("piws", |_| {}), said("ledm", *change)]);
        assert_eq!(whats(&merged.defects), *expected);
        assert_eq!(merged.report, said("piws", |_| {}).report);
    }
}

#[test]
fn an_interface_s_defects_name_it_among_several_and_there_are_never_too_many() {
    let with_defects = |name: &str, count: usize| {
        let mut heard = heard(name, WEB, named("TST1", ""));
        heard.defects = (0..count).map(|_| Defect::at(RowId::S1, "odd")).collect();
        heard
    };
    let few = merged(vec![with_defects("piws", 1), with_defects("ledm", 1)]);
    assert_eq!(whats(&few.defects), ["S1 piws: odd", "S1 ledm: odd"]);
    let many = merged(vec![with_defects("piws", 90), with_defects("ledm", 90)]);
    assert_eq!(many.defects.len(), 101);
    assert_eq!(many.defects.last(), Some(&Defect::of("80 more defects are left out")));
}

#[test]
fn an_interface_with_many_defects_crowds_out_nobody_s() {
    let with_defects = |name: &str, count: usize| {
        let mut heard = heard(name, WEB, named("TST1", ""));
        heard.defects = (0..count).map(|number| Defect::of(format!("odd {number}"))).collect();
        heard
    };
    let known = merged(vec![heard("snmp", "x", with_pages(named("TST1", ""), 7))]).memory;
    let all = vec![with_defects("piws", 4), with_defects("ews_xml", 100), with_defects("ipp", 2)];
    let merged = merge(all, &known);
    let told = |name: &str| whats(&merged.defects).iter().filter(|what| what.starts_with(name)).count();
    assert_eq!((told("piws: "), told("ipp: "), told("U15 it comes from snmp")), (4, 2, 1));
    assert_eq!((told("ews_xml: "), told("8 more defects are left out")), (92, 1));
}

#[test]
fn full_lists_of_two_interfaces_are_matched_in_time() {
    type Names<'a> = &'a dyn Fn(usize) -> String;
    let listed = |name: &str, over: &str, of: Names<'_>| {
        let cartridges: Vec<Cartridge> = (0..2_000).map(|number| cartridge(&of(number))).collect();
        heard(name, over, with_cartridges(named("TST1", ""), &cartridges))
    };
    let of_one_colour = |number: usize| format!("{number} - - cyan");
    let of_one_product = |number: usize| format!("{number} - p1 cyan");
    let apart = |number: usize| format!("{number} s{number} p1 cyan");
    let others = |number: usize| format!("{number} t{number} p1 cyan");
    let mirrored = |number: usize| format!("{number} s{} - cyan", 1_999 - number);
    let cases: &[(&str, Names<'_>, Names<'_>)] = &[
        ("one colour, told by the slot", &of_one_colour, &of_one_colour),
        ("one product and colour, told by the slot", &of_one_product, &of_one_colour),
        ("serial numbers", &apart, &mirrored),
        ("other serial numbers", &apart, &others),
    ];
    for (what, ours, theirs) in cases {
        let merged = merged(vec![listed("piws", WEB, *ours), listed("snmp", "x", *theirs)]);
        let cartridges = &merged.report.status.cartridges;
        assert_eq!((cartridges.len(), cartridges[1_999].slot.as_str()), (2_000, "1999"), "{what}");
        assert!(merged.defects.len() <= 101, "{what}");
    }
}

#[test]
fn alerts_are_one_interface_s() {
    let said = |name: &str, codes: &[&str]| {
        let mut report = named("TST1", "");
        let alert = |code: &&str| Alert {
            code: (*code).to_owned(),
            severity: Severity::Warning,
            since: Some(Instant(1)),
            ..Alert::default()
        };
        report.alerts = codes.iter().map(alert).collect();
        heard(name, WEB, report)
    };
    let both = merged(vec![said("piws", &["A"]), said("snmp", &["B", "C"])]);
    assert_eq!((both.report.alerts.len(), from(&both, RowId::E1)), (1, Some("piws Test")));
    let other = merged(vec![said("piws", &[]), said("snmp", &["B", "C"])]);
    assert_eq!((other.report.alerts.len(), from(&other, RowId::E5)), (2, Some("snmp Test")));
}

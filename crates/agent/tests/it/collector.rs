//! The collector as a whole, against printers and a portal on loopback: who is read, what is kept, what is
//! said, and what is never touched.

use crate::hostile::{Printer, identity};
use crate::site::{MODEL, NOW, busy, contents, holds, said, site, site_of};
use agent::{Collector, DirectConfig};
use protocol::message::Said;
use protocol::receipt::{Participation, Settings};
use report::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

#[tokio::test]
async fn only_printers_that_take_part_are_asked_more_than_who_they_are() {
    let documents = vec![identity(MODEL, "CN1"), busy("CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let round = site.collector("").once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.failed, round.unsupported), (1, 1, 0, 0));
    assert!(site.printers[0].requests() > 5);
    assert_eq!(site.printers[1].requests(), 1, "the identification and nothing else");
    let wire = site.wire();
    assert!(wire.contains("\"seen\":{\"printer\":{\"serial\":\"CN2\"") && wire.contains("CN1"), "{wire}");
    assert!(!wire.contains("0a1b2c3d"), "no job of the printer that takes no part");
    assert!(site.printers.iter().all(|printer| printer.methods().iter().all(|method| method == "GET")));
}

#[tokio::test]
async fn a_printer_that_is_marked_is_read_in_the_same_round_and_one_that_is_unmarked_stops() {
    let documents = vec![identity(MODEL, "CN1"), busy("CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let collector = site.collector("");
    collector.once().await.expect("a round");
    let mark = |version, serials: &[&str]| {
        let serials = serials.iter().map(|serial| (*serial).to_owned()).collect();
        let participation = Participation::Listed(serials);
        site.portal.ask_for(Settings { version, participation, ..Settings::default() });
    };
    mark(2, &["CN1", "CN2"]);
    site.later(3);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.jobs), (2, 1, 1));
    assert!(site.wire().contains("0a1b2c3d"));
    mark(3, &["CN1"]);
    site.later(3);
    collector.once().await.expect("the contact that brings the change");
    let asked = site.printers[1].requests();
    site.later(3);
    collector.once().await.expect("a round");
    assert_eq!(site.printers[1].requests(), asked + 1, "only who it is, from the next contact on");
}

#[tokio::test]
async fn a_printer_that_is_unmarked_and_marked_again_within_minutes_is_not_read_twice() {
    let documents = vec![identity(MODEL, "CN1"), busy("CN2")];
    let site = site_of(documents, Participation::All).await;
    let collector = site.collector("");
    let mark = |version, participation| {
        site.portal.ask_for(Settings { version, participation, ..Settings::default() });
    };
    mark(2, Participation::Listed(["CN1".to_owned()].into()));
    assert_eq!(collector.once().await.expect("a round").read, 2, "and hears that one takes part no more");
    mark(3, Participation::All);
    site.later_by_minutes(5);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen), (1, 1), "marked again, and read five minutes ago");
    site.later(1);
    assert_eq!(collector.once().await.expect("a round").read, 2);
}

#[tokio::test]
async fn an_unsupported_host_leaves_no_trace() {
    let documents = vec![identity(MODEL, "CN1"), identity("zz-canary Office 9", "ZZCANARYSERIAL")];
    let site = site_of(documents, Participation::All).await;
    let collector = site.collector("");
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.unsupported), (1, 0, 1));
    assert_eq!(site.printers[1].requests(), 1);
    for canary in ["zz-canary", "ZZCANARYSERIAL"] {
        assert!(!holds(&site.state(), canary) && !site.wire().contains(canary), "{canary}");
    }
    let said = format!("{:?}", site.portal.state().said);
    assert!(!said.contains("ZZCANARY") && !said.contains("127.0.0.1:"), "{said}");
    drop(collector);
    let also = site.config_with("also_supported = [\"Office 9\"]\n", "");
    let round = Collector::open(also, site.surroundings()).expect("opens").once().await.expect("a round");
    assert_eq!(round.read, 2);
}

#[tokio::test]
async fn names_are_dropped_before_anything_is_written() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let round = site.collector("").once().await.expect("a round");
    assert_eq!((round.read, round.jobs), (1, 1));
    assert!(site.wire().contains("0a1b2c3d"), "the job itself is there");
    assert!(!site.wire().contains("zz-canary") && !holds(&site.state(), "zz-canary"));
    let (cut, exact) = (1_793_527_200_000_i64.to_string(), 1_793_527_230_000_i64.to_string());
    assert!(site.wire().contains(&cut) && !site.wire().contains(&exact), "times are cut to the minute");
}

#[tokio::test]
async fn names_that_are_kept_are_found_so_that_the_search_can_fail() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    site.collector("[privacy]\nuser-name = \"keep\"\n").once().await.expect("a round");
    assert!(site.wire().contains("zz-canary-user") && holds(&site.state(), "zz-canary-user"));
    assert!(!site.wire().contains("zz-canary-name"));
}

#[tokio::test]
async fn a_pseudonym_needs_a_key_that_never_leaves() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    site.collector("[privacy]\nuser-name = \"pseudonym\"\n").once().await.expect("a round");
    let key = agent::privacy::key(&site.state()).expect("read").expect("made");
    let pseudonym = agent::privacy::pseudonym(&key, agent::privacy::Field::UserName, "ZZ-canary-USER");
    assert!(site.wire().contains(&pseudonym) && !site.wire().contains("zz-canary"));
    assert!(!site.wire().contains(&protocol::Hex(key).to_string()));
}

#[tokio::test]
async fn the_portal_can_ask_for_more_to_be_dropped_and_never_for_less() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let collector = site.collector("[privacy]\nuser-name = \"keep\"\n");
    let participation = Participation::All;
    site.portal.ask_for(Settings { version: 2, participation, drop_personal: true, ..Settings::default() });
    collector.once().await.expect("the beat of this round brings the wish");
    assert!(!site.wire().contains("zz-canary"), "what waited was filtered before it was sent");
    let beats = said(&site, |said| matches!(said, Said::Beat(beat) if beat.privacy["user-name"] == "keep"));
    assert!(beats >= 1);
    site.later(3);
    collector.once().await.expect("a round");
    let beats = said(&site, |said| matches!(said, Said::Beat(beat) if beat.privacy["user-name"] == "drop"));
    assert!(beats >= 1, "the portal sees what is in force");
}

#[tokio::test]
async fn preview_shows_what_would_be_sent_and_writes_nothing() {
    let documents = vec![busy("CN1"), identity(MODEL, "CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let collector = site.collector("");
    let before = contents(site.folder.path());
    let requests = site.portal.requests();
    let previews = collector.preview().await.expect("asked");
    assert_eq!(contents(site.folder.path()), before);
    assert_eq!(site.portal.requests(), requests);
    assert_eq!(previews.len(), 2);
    assert_eq!((previews[0].printer.as_deref(), previews[0].records.len()), (Some("CN1"), 2));
    assert_eq!((previews[1].printer.as_deref(), previews[1].records.len()), (Some("CN2"), 1));
    assert!(previews[0].annexes.iter().all(Option::is_none));
    collector.once().await.expect("a round");
    let job = previews[0].records.iter().find(|core| core.contains("0a1b2c3d")).expect("a job");
    let uuid_on = job.find("\"uuid\"").expect("a job");
    assert!(site.wire().contains(&job[uuid_on..uuid_on + 60]));
    let sent = collector.show_sent(10).expect("kept");
    let sent: Vec<&str> = sent.iter().map(|sent| sent.json.as_str()).collect();
    assert_eq!(sent, site.portal.state().packages());
}

#[tokio::test]
async fn a_preview_leaves_out_what_the_portal_has_and_shows_what_still_waits() {
    let documents = vec![busy("CN1"), identity(MODEL, "CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let collector = site.collector("");
    site.portal.set_away(true);
    collector.once().await.expect_err("something else answers");
    drop(collector);
    site.later(3);
    let collector = site.collector("");
    let numbers = async || {
        let previews = collector.preview().await.expect("asked");
        previews.iter().map(|preview| preview.records.len()).collect::<Vec<_>>()
    };
    assert_eq!(numbers().await, [2, 1], "read before, and not sent");
    site.portal.set_away(false);
    collector.once().await.expect("a round");
    assert_eq!(numbers().await, [1, 0], "a reading, and nothing of the other printer within a day");
    site.later(25);
    assert_eq!(numbers().await, [1, 1], "who it is, once a day");
}

#[tokio::test]
async fn a_job_list_that_is_too_long_is_read_as_far_as_it_goes_and_status_says_so() {
    let mut documents = busy("CN1");
    let filler = "x".repeat(20_000);
    let job = |number: usize| {
        let uuid = format!("0a1b2c3d-0000-4000-8000-{number:012}");
        let accounting = r#"{"CompletionTimestamp":"2026-11-01T10:00:30Z"}"#;
        let status = r#"{"JobStatus":"Completed","CompletionStatus":"OK"}"#;
        let settings = format!(r#"{{"JobUUID":"{uuid}","More":"{filler}"}}"#);
        format!(r#"{{"Job2DPrint":{{"Settings":{settings},"Status":{status},"Accounting":{accounting}}}}}"#)
    };
    let jobs: Vec<String> = (0..500).map(job).collect();
    let jobs = format!(r#"{{"JobQueueSnapshot":{{"Jobs":{{"Job":[{}]}}}}}}"#, jobs.join(","));
    documents.insert("/jobs/all".to_owned(), jobs);
    let site = site_of(vec![documents], Participation::All).await;
    let collector = site.collector("");
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.failed), (1, 0));
    assert!((400..420).contains(&round.jobs), "{} jobs of 500 in 8 MiB of 10", round.jobs);
    let status = collector.status().expect("read");
    let said = status.printers[0].failure.clone().unwrap_or_default();
    assert!(said.starts_with("not all of its jobs were read: "), "{said}");
    assert!(said.ends_with("were not read: the list is longer than 8388608 bytes"), "{said}");
    site.later(3);
    assert_eq!(collector.once().await.expect("a round").jobs, 0, "each is known by then");
}

#[tokio::test]
async fn a_paused_collector_reads_and_sends_nothing_and_says_so() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.pause(true).expect("paused");
    assert!(collector.status().expect("read").paused);
    let paused = collector.once().await.expect("a round");
    assert_eq!((paused.read, paused.sent, paused.waits_for.as_deref()), (0, 0, Some("paused")));
    assert_eq!(paused.unread, [(site.printers[0].address.clone(), "paused".to_owned())]);
    assert_eq!((site.printers[0].requests(), site.portal.state().packages().len()), (0, 0));
    assert_eq!(said(&site, |said| matches!(said, Said::Beat(beat) if beat.paused)), 1);
    collector.pause(false).expect("goes on");
    assert_eq!(collector.once().await.expect("a round").read, 1);
}

#[tokio::test]
async fn another_certificate_is_refused_until_somebody_here_trusts_it() {
    let mut site = site(&["CN1"]).await;
    let collector = site.collector("");
    assert_eq!(collector.once().await.expect("a round").read, 1);
    let printer = site.printers.remove(0).replaced(busy("CN1")).await;
    let address = printer.address.clone();
    site.printers.push(printer);
    site.later(3);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.failed, round.jobs), (0, 1, 0));
    assert_eq!(site.printers[0].requests(), 0, "nothing was asked over the other certificate");
    let status = collector.status().expect("read");
    assert!(status.printers[0].failure.as_deref().is_some_and(|why| why.contains("another certificate")));
    let troubles = said(&site, |said| {
        matches!(said, Said::Beat(beat) if beat.troubles.iter().any(|trouble| {
            trouble.printer.as_deref() == Some("CN1") && trouble.what.contains("another certificate")
        }))
    });
    assert_eq!(troubles, 1);
    assert!(!format!("{:?}", site.portal.state().said).contains(&address), "no address of the network is said");
    assert!(collector.trust(&address).expect("forgotten"));
    site.later(3);
    assert_eq!(collector.once().await.expect("a round").read, 1);
}

/// Ports that count who calls, on addresses of this machine other than the printers'.
async fn canaries(port: u16) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    for last in 2..=5 {
        // Where a system has no such addresses, there is nobody to call either.
        let Ok(listener) = TcpListener::bind(("127.0.0.".to_owned() + &last.to_string(), port)).await else { continue };
        let count = count.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    count
}

#[tokio::test]
async fn no_setting_of_the_portal_reaches_an_address_outside_the_envelope() {
    let site = site(&["CN1"]).await;
    let port = site.printers[0].address.rsplit_once(':').expect("a port").1.parse().expect("a port");
    let called = canaries(port).await;
    let ranges = [
        "0.0.0.0/0",
        "127.0.0.0/24",
        "127.0.0.2",
        "127.0.0.2-127.0.0.5",
        "::ffff:127.0.0.3",
        "::ffff:7f00:4/128",
        "::1",
        "0x7f000002",
        "2130706434",
        "0177.0.0.2",
        "127.1",
        "localhost",
    ];
    let ranges: Vec<String> = ranges.iter().map(|range| (*range).to_owned()).collect();
    // Even a file that names the machine's own network lets no range of the portal into it.
    let collector = site.collector(&format!("[allow]\nnetworks = [\"127.0.0.0/8\"]\nports = [{port}]\n"));
    for version in 2..5 {
        let (ranges, participation) = (ranges.clone(), Participation::All);
        site.portal.ask_for(Settings { version, ranges, participation, ..Settings::default() });
        site.later(25);
        assert_eq!(collector.once().await.expect("a round").read, 1, "the listed printer is read");
        collector.approve().expect("whatever can be approved");
    }
    assert_eq!(called.load(Ordering::Relaxed), 0);
    let consents = collector.consents().expect("read");
    assert_eq!(consents.len(), ranges.len(), "{consents:?}");
    assert!(said(&site, |said| matches!(said, Said::Beat(beat) if beat.consents.len() == ranges.len())) >= 1);
}

/// An address of this machine that is not its loopback; asking for it sends nothing.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn a_printer_in_a_range_is_asked_once_a_day_until_it_takes_part() {
    let Some(address) = own_address() else {
        println!("skipped: this machine has no address but its loopback");
        return;
    };
    let site = site(&["CN1"]).await;
    let found = Printer::at(address, busy("CN2")).await;
    let host = Printer::at(address, identity("Office 9", "ZZ1")).await;
    let port = |printer: &Printer| printer.address.rsplit_once(':').expect("a port").1.to_owned();
    let (top, ports) = (format!("ranges = [\"{address}\"]\n"), format!("[{}, {}]", port(&found), port(&host)));
    let config = site.config_with(&top, &format!("[allow]\nports = {ports}\n"));
    let collector = Collector::open(config, site.surroundings()).expect("opens");
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.unsupported), (1, 1, 1));
    site.later(3);
    collector.once().await.expect("a round");
    assert_eq!((found.requests(), host.requests()), (1, 1), "not asked twice on one day");
    site.later(25);
    collector.once().await.expect("a round");
    assert_eq!((found.requests(), host.requests()), (2, 2));
    let settings = Settings { version: 2, participation: Participation::All, ..Settings::default() };
    site.portal.ask_for(settings);
    site.later(3);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.jobs), (2, 1), "read as soon as it takes part");
    site.later(3);
    assert_eq!(collector.once().await.expect("a round").read, 2, "and with every round from then on");
    assert_eq!(host.requests(), 2);
}

#[tokio::test]
async fn a_portal_whose_name_is_not_found_means_later() {
    let site = site(&["CN1"]).await;
    let mut file = site.portal.file();
    file.portal = "https://portal.invalid".to_owned();
    let path = site.folder.path().join("elsewhere.plotmeter");
    std::fs::write(&path, serde_json::to_vec(&file).expect("json")).expect("written");
    let mut config = site.config("");
    config.state = site.folder.path().join("elsewhere");
    let begun = agent::begin(&path, &config, "pc-7", false, &site.surroundings()).await;
    assert!(matches!(begun, Err(agent::EnrolmentError::Uplink(_))));
    assert!(!config.state.exists(), "nothing was kept");
}

#[tokio::test]
async fn leaving_tells_the_portal_and_deletes_keys_and_spool() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.once().await.expect("a round");
    let (farewell, told) = collector.leave().await.expect("left");
    assert!(told);
    assert_eq!(said(&site, |said| matches!(said, Said::Leave { .. })), 1);
    assert!(farewell.files.iter().any(|(name, ..)| name.contains("agent.json")));
    assert!(!site.state().join("agent.json").exists() && !site.state().join("spool.sqlite").exists());
    assert!(Collector::open(site.config(""), site.surroundings()).is_err());
}

#[tokio::test]
async fn leaving_without_a_portal_counts_all_that_is_lost_and_says_that_nobody_was_told() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let collector = site.collector("");
    site.portal.set_away(true);
    let _unproved = collector.once().await;
    let status = collector.status().expect("read");
    assert_eq!((status.records_waiting, status.jobs_waiting), (2, 1), "packed or not");
    let (farewell, told) = collector.leave().await.expect("left");
    assert_eq!((farewell.unsent, told), (2, false));
}

#[tokio::test]
async fn a_round_says_which_listed_printer_was_not_read_and_why() {
    let documents = vec![identity(MODEL, "CN1"), identity(MODEL, "CN2"), identity("Office 9", "ZZ1")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let round = site.collector("").once().await.expect("a round");
    let [_, seen, unsupported] = [0, 1, 2].map(|index: usize| site.printers[index].address.clone());
    let expected = [(seen, "seen, takes no part"), (unsupported, "not of a supported series")];
    assert_eq!(round.unread, expected.map(|(address, why)| (address, why.to_owned())));
    assert_eq!(round.waits_for, None, "everything was sent");
}

#[tokio::test]
async fn status_says_when_the_portal_last_answered_and_why_nothing_is_sent() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.once().await.expect("a round");
    let answered = collector.status().expect("read");
    assert_eq!((answered.last_answer, answered.trouble, answered.waits_for), (Some(Instant(NOW)), None, None));
    site.later(3);
    site.portal.set_away(true);
    collector.once().await.expect_err("something else answers");
    drop(collector);
    let status = Collector::look(site.config(""), site.surroundings()).expect("looks").status().expect("read");
    assert_eq!(status.last_answer, Some(Instant(NOW)));
    assert!(status.trouble.as_ref().is_some_and(|trouble| trouble.contains("could not prove")), "{status:?}");
    assert_eq!(status.waits_for, status.trouble);
    site.portal.set_away(false);
    let collector = site.collector("");
    let mut round = collector.once().await.expect("a round");
    assert_eq!((collector.status().expect("read").trouble, round.waits_for.take()), (None, None));
    // Until the wire budget is used up, one round in a minute.
    for _ in 0..40 {
        site.later_by_minutes(1);
        round = collector.once().await.expect("a round");
        if round.waits_for.is_some() {
            break;
        }
    }
    assert!(round.waits_for.is_some_and(|why| why.starts_with("the wire budget")), "it says why");
    let status = collector.status().expect("read");
    assert!(status.waits_until.is_some_and(|until| until > site.surroundings().now()), "and until when: {status:?}");
}

#[tokio::test]
async fn a_pause_reaches_a_collector_at_work_and_the_portal_within_seconds() {
    let site = site(&["CN1"]).await;
    let (collector, person) = (site.collector(""), Collector::look(site.config(""), site.surroundings()));
    let person = person.expect("looks");
    let paused = |wanted: bool| {
        let state = site.portal.state();
        let last = state.said.iter().rev().find_map(|said| match said {
            Said::Beat(beat) => Some(beat.paused),
            _ => None,
        });
        last == Some(wanted)
    };
    let stop = async {
        for wanted in [true, false] {
            while !paused(!wanted) {
                tokio::task::yield_now().await;
            }
            person.pause(wanted).expect("said");
        }
        while !paused(false) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), collector.run(stop)).await.expect("soon").expect("works");
}

#[tokio::test]
async fn an_enrolled_folder_is_enrolled_anew_only_when_somebody_says_so_and_nobody_works_there() {
    let site = site(&["CN1"]).await;
    let file = site.folder.path().join("enrol.plotmeter");
    let config = site.config("");
    let begin = async |again| agent::begin(&file, &config, "pc-7", again, &site.surroundings()).await;
    let requests = site.portal.requests();
    let refused = begin(false).await.err().expect("refused").to_string();
    assert!(refused.contains("enrolled already as agent agent-1") && refused.contains("--again"), "{refused}");
    let collector = site.collector("");
    let busy = begin(true).await.err().expect("refused").to_string();
    assert!(busy.contains("another agent uses"), "{busy}");
    assert_eq!(site.portal.requests(), requests, "the file was not used up");
    let direct = DirectConfig::new(site.state(), "192.0.2.10").expect("valid");
    let kind = agent::begin(&file, &direct, "pc-7", true, &site.surroundings()).await.err().expect("refused");
    assert!(kind.to_string().contains("a collector agent"), "{kind}");
    drop(collector);
    begin(true).await.expect("shakes hands").confirm().await.expect("enrolled anew");
}

#[tokio::test]
async fn a_new_evidence_key_is_introduced_to_the_portal() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.rotate().await.expect("rotated");
    assert_eq!(said(&site, |said| matches!(said, Said::Rotation(_))), 1);
}

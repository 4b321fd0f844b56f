//! What a doctor finds, beside an agent at work and without one.

use crate::hostile::{Documents, Printer};
use crate::site::{Site, site};
use agent::{Check, DirectConfig, Verdict};
use protocol::message::Said;

#[tokio::test]
async fn a_doctor_names_each_check_and_what_to_do() {
    let site = site(&["CN1"]).await;
    // The printers and the portal of this test listen in this very process.
    let failed = |check: &&Check| check.verdict == Verdict::Fail && check.name != "listening sockets";
    let checks = agent::doctor(&site.config(""), site.surroundings()).await;
    let found: Vec<_> = checks.iter().filter(failed).collect();
    assert!(found.is_empty(), "{found:?}");
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    for wanted in ["state folder", "enrolment", "proxy", "TLS to the portal", "clock", "portal", "listening sockets"] {
        assert!(names.contains(&wanted), "{wanted} is not in {names:?}");
    }
    assert!(checks.iter().any(|check| check.name.starts_with("printer ") && check.found.contains("takes part")));
    site.later(1);
    let checks = agent::doctor(&site.config("[[printer]]\naddress = \"127.0.0.1:1\"\n"), site.surroundings()).await;
    let found: Vec<_> = checks.iter().filter(failed).collect();
    assert_eq!(found.len(), 2, "the clock is an hour off and a printer is dead: {found:?}");
    assert!(found.iter().all(|check| check.action.as_ref().is_some_and(|action| !action.is_empty())));
    let mut config = site.config("");
    config.state = site.folder.path().join("absent");
    let checks = agent::doctor(&config, site.surroundings()).await;
    assert!(checks.iter().any(|check| check.name == "enrolment" && check.verdict == Verdict::Fail));
}

#[tokio::test]
async fn a_doctor_tells_what_answers_and_is_no_printer_from_what_is_not_there() {
    let site = site(&["CN1"]).await;
    let other = Printer::good(Documents::new()).await;
    let cases = [(other.address.as_str(), "is no printer that we read"), ("127.0.0.1:1", "see that it is on")];
    for (address, words) in cases {
        let config = site.config(&format!("[[printer]]\naddress = {address:?}\n"));
        let checks = agent::doctor(&config, site.surroundings()).await;
        let check = checks.into_iter().find(|check| check.name.ends_with(address)).expect("a check");
        assert_eq!(check.verdict, Verdict::Fail, "{check:?}");
        assert!(check.action.as_ref().is_some_and(|action| action.contains(words)), "{check:?}");
    }
}

#[tokio::test]
async fn a_doctor_beside_an_agent_at_work_says_what_that_one_heard() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    let portal = async || {
        let checks = agent::doctor(&site.config(""), site.surroundings()).await;
        let tls = checks.iter().find(|check| check.name == "TLS to the portal").expect("a check");
        assert_eq!(tls.verdict, Verdict::Pass, "{tls:?}");
        checks.into_iter().find(|check| check.name == "portal").expect("a check")
    };
    let check = portal().await;
    assert!(check.verdict == Verdict::Pass && check.found.contains("at work"), "{check:?}");
    site.portal.set_away(true);
    collector.once().await.expect_err("something else answers");
    let check = portal().await;
    assert!(check.verdict == Verdict::Fail && check.found.contains("could not prove"), "{check:?}");
}

#[tokio::test]
async fn a_doctor_says_the_beat_of_the_agent_and_wipes_nothing_that_the_portal_shows() {
    let site = site(&["CN1"]).await;
    site.collector("").once().await.expect("a round");
    let counts = |site: &Site| {
        let state = site.portal.state();
        let beats = state.said.iter().filter_map(|said| match said {
            Said::Beat(beat) => Some((beat.addresses, beat.printers, beat.interval_minutes)),
            _ => None,
        });
        beats.collect::<Vec<_>>()
    };
    let before = counts(&site);
    agent::doctor(&site.config(""), site.surroundings()).await;
    assert_eq!(counts(&site), before, "the portal answered just now: nothing is spent on asking again");
    site.later_by_minutes(11);
    agent::doctor(&site.config(""), site.surroundings()).await;
    let after = counts(&site);
    assert!(after.len() > before.len(), "it says one");
    assert_eq!(before.last(), after.last());
    assert_eq!(after.last().map(|(addresses, printers, _)| (*addresses, *printers)), Some((1, 1)));
}

#[tokio::test]
async fn a_doctor_of_a_direct_agent_names_its_own_commands() {
    let site = site(&["CN1"]).await;
    let config = DirectConfig::new(site.folder.path().join("absent"), &site.printers[0].address).expect("valid");
    let checks = agent::doctor(&config, site.surroundings()).await;
    let enrolment = checks.iter().find(|check| check.name == "enrolment").expect("a check");
    assert!(enrolment.action.as_ref().is_some_and(|action| action.contains("plotmeter direct enrol")), "{enrolment:?}");
}

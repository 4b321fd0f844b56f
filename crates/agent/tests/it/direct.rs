//! The direct agent as a whole, against a printer and a portal on loopback: what it keeps, says and sends, and when.

use crate::hostile::identity;
use crate::site::{MODEL, Site, busy, said, site_of};
use agent::{Direct, DirectConfig};
use protocol::message::Said;
use protocol::receipt::Participation;

#[tokio::test]
async fn the_direct_agent_keeps_jobs_says_severe_alerts_at_once_and_sends_by_its_triggers() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let mut config = DirectConfig::new(site.folder.path().join("direct"), &site.printers[0].address).expect("valid");
    config.pause_ms = 0;
    site.enrol(&config).await;
    let direct = Direct::open(config.clone(), site.surroundings()).expect("opens");
    let round = direct.once().await.expect("a round");
    assert_eq!((round.read, round.jobs, round.failed), (1, 1, 0));
    assert!(round.sent > 0);
    let alerts = |site: &Site| {
        said(site, |said| matches!(said, Said::Alerts(notices) if notices[0].alert.code == "/IDS/PAPER/JAM"))
    };
    assert_eq!(alerts(&site), 1);
    let round = direct.once().await.expect("a round");
    assert_eq!((round.read, round.jobs), (1, 0), "the job is known");
    assert_eq!(alerts(&site), 1, "the alert went once");
    drop(direct);
    let stop = async {
        while !site.wire().contains("\"boot\"") {
            tokio::task::yield_now().await;
        }
    };
    let direct = Direct::open(config, site.surroundings()).expect("opens");
    direct.run(stop).await.expect("works");
    assert!(site.wire().contains("\"boot\":{"), "a start is reported");
    assert_eq!(alerts(&site), 1, "a start says only what was not said");
    assert_eq!(direct.status().expect("read").printers.len(), 1);
}

#[tokio::test]
async fn a_direct_agent_keeps_one_reading_in_three_hours_while_its_portal_is_away() {
    let site = site_of(vec![identity(MODEL, "CN1")], Participation::All).await;
    let mut config = DirectConfig::new(site.folder.path().join("direct"), &site.printers[0].address).expect("valid");
    config.pause_ms = 0;
    site.enrol(&config).await;
    let direct = Direct::open(config, site.surroundings()).expect("opens");
    site.portal.set_away(true);
    let waiting = || direct.status().expect("read").records_waiting;
    for _ in 0..6 {
        // The portal does not prove itself; everything is kept.
        let _unproved = direct.once().await;
        site.later_by_minutes(20);
    }
    assert_eq!(waiting(), 1, "one reading, packed or not");
    site.later(1);
    let _unproved = direct.once().await;
    assert_eq!(waiting(), 2, "another one after three hours");
    site.portal.set_away(false);
    site.later(2);
    direct.once().await.expect("a round");
    assert_eq!(waiting(), 0);
    assert_eq!(site.wire().matches("{\"reading\":").count(), 2, "none was kept beside those that waited");
}

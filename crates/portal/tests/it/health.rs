//! Whether an agent or a printer is heard of as it should be: one judgement, in SQL and in words.

use crate::world::{NOW, World, both, report};
use protocol::message::{Beat, Said};
use report::Instant;

both! {
    what_counts_as_needing_somebody_is_what_the_page_says => urgency;
    a_printer_is_silent_by_its_agent_s_interval => daily;
    what_was_held_of_an_agent_that_will_not_go_on_counts_when_a_person_says_so => held;
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// How an agent is, and what the page says of it.
struct Case {
    state: &'static str,
    /// Since its last contact.
    hours: i64,
    /// What it does, and what it is asked.
    intervals: (i64, i64),
    paused: bool,
    /// Days since it came with keys of the epoch before.
    behind: Option<i64>,
    word: &'static str,
    /// Whether it is counted among those that need somebody.
    needs: bool,
}

const CASE: Case = Case {
    state: "active",
    hours: 0,
    intervals: (180, 180),
    paused: false,
    behind: None,
    word: "Running",
    needs: false,
};

const CASES: &[Case] = &[
    CASE,
    Case { hours: 6, ..CASE },
    Case { hours: 7, word: "Late 7 h", needs: true, ..CASE },
    Case { hours: 24, word: "Late 24 h", needs: true, ..CASE },
    Case { hours: 25, word: "Silent 25 h", needs: true, ..CASE },
    Case { hours: 30, intervals: (1_440, 180), ..CASE },
    Case { hours: 30, intervals: (0, 1_440), ..CASE },
    Case { hours: 48, intervals: (1_440, 1_440), ..CASE },
    Case { hours: 49, intervals: (1_440, 1_440), word: "Silent 2 d", needs: true, ..CASE },
    Case { paused: true, word: "Paused", needs: true, ..CASE },
    Case { hours: 25, paused: true, word: "Silent 25 h", needs: true, ..CASE },
    Case { behind: Some(6), word: "Clone suspected", needs: true, ..CASE },
    Case { behind: Some(8), ..CASE },
    Case { state: "pending", word: "Not confirmed", needs: true, ..CASE },
    Case { state: "suspended", word: "Suspended", needs: true, ..CASE },
    Case { state: "forked", word: "Clone suspected", needs: true, ..CASE },
    Case { state: "revoked", word: "Revoked", ..CASE },
    Case { state: "left", word: "Left", hours: 90, ..CASE },
    Case { state: "revoked", word: "Revoked", behind: Some(1), ..CASE },
    Case { state: "retired", word: "Not taken: retired", needs: true, ..CASE },
];

async fn urgency(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    world.report(&mut sender, &report(1, NOW, &[])).await;
    let (version, host) = (env!("CARGO_PKG_VERSION").to_owned(), "pc-7".to_owned());
    world.say(&mut sender, Said::Beat(Box::new(Beat { at: NOW, version, host, ..Beat::default() }))).await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    for case in CASES {
        let Case { state, hours, intervals: (does, asked), paused, behind, word, needs } = case;
        let (at, paused) = (NOW.0 - hours * HOUR, i64::from(*paused));
        world
            .change(&format!(
                "update agent set state = '{state}', interval_minutes = {asked};
                 update agent_chain set seen_at = {at};
                 update agent_beat set heard_at = {at}, interval_minutes = {does}, paused = {paused};
                 delete from agent_event where kind = 'behind';"
            ))
            .await;
        if let Some(days) = behind {
            let at = NOW.0 - days * DAY;
            world
                .change(&format!(
                    "insert into agent_event (reseller_id, event_id, agent_id, at, kind, detail)
                     select reseller_id, 7, agent_id, {at}, 'behind', '' from agent"
                ))
                .await;
        }
        let page = browser.get("/agents").await;
        let what = format!("{state}, {hours} h, {does}/{asked} min, paused {paused}, behind {behind:?}");
        assert!(page.text.contains(word), "{what}: {}", page.text);
        assert_eq!(page.text.contains("1 needs somebody"), *needs, "{what}: {}", page.text);
    }
}

async fn daily(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let daily = Beat { at: NOW, interval_minutes: 1_440, ..Beat::default() };
    world.say(&mut sender, Said::Beat(Box::new(daily))).await;
    world.report(&mut sender, &report(1, NOW, &[])).await;
    let customer = format!("/customers/{}", tenant.customer);
    for (hours, silent) in [(30, false), (48, false), (49, true)] {
        world.set_now(Instant(NOW.0 + hours * HOUR));
        let mut browser = world.browser(&tenant.reseller_email()).await;
        let page = browser.get("/printers?filter=silent").await;
        assert_eq!(page.text.contains("No printer fits"), !silent, "{hours} h: {}", page.text);
        let page = browser.get("/").await;
        assert_eq!(page.text.contains("Every printer reports"), !silent, "{hours} h: {}", page.text);
        for path in ["/printers", customer.as_str()] {
            let page = browser.get(path).await;
            assert_eq!(page.text.contains("Silent 2 d"), silent, "{path}, {hours} h: {}", page.text);
        }
    }
}

async fn held(world: World) {
    const JOBS: &str = "select count(*) from job";
    let tenant = world.tenant("a").await;
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let csrf = crate::world::token(&browser.get("/printers").await.text);
    let mut jobs = 0;
    for (seed, end) in [(1, "revoke"), (2, "leave")] {
        let mut sender = world.agent(&tenant).await;
        let (address, act) = (format!("/agents/{}", sender.agent), format!("/agents/{}/state", sender.agent));
        let form = |change: &str| [("csrf", csrf.clone()), ("change", change.to_owned()), ("sure", "yes".to_owned())];
        assert_eq!(browser.post(&act, &form("suspend")).await.status, 303);
        world.report(&mut sender, &report(seed, NOW, &[Instant(NOW.0 - HOUR)])).await;
        assert_eq!(browser.post(&act, &form("release")).await.status, 409, "it may go on yet");
        if end == "revoke" {
            assert_eq!(browser.post(&act, &form("revoke")).await.status, 303);
        } else {
            world.say(&mut sender, Said::Leave { at: NOW }).await;
        }
        assert_eq!(world.count(JOBS).await, jobs, "{end}");
        let page = browser.get(&address).await;
        assert!(page.text.contains("Count what was kept apart"), "{end}: {}", page.text);
        let unsure = [("csrf", csrf.clone()), ("change", "release".to_owned())];
        assert_eq!(browser.post(&act, &unsure).await.status, 422);
        assert_eq!(browser.post(&act, &form("release")).await.status, 303, "{end}");
        jobs += 1;
        assert_eq!(world.count(JOBS).await, jobs, "{end}");
        let page = browser.get(&address).await;
        assert!(!page.text.contains("in quarantine") && page.text.contains("Quarantine counted"), "{}", page.text);
    }
}

//! From what is stored of agents to what pages show, also those of customers and the first page.
//!
//! Deliberately absent: SQL, and what a form does.

use super::health::standing;
use super::history::{self, Event};
use super::page::{Act, AgentPage, AgentRow, AgentsPage, EventRow, PackageRow};
use super::policy::{self, Policy};
use super::state::AgentState;
use super::store::{self, Agent, Beat, Listed};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Fact, Field, Link, Status, Tone};
use crate::shell::part::Part;
use crate::shell::printer;
use crate::shell::rows::Age;
use crate::shell::{ResellerScope, ResellerUser, chrome};
use protocol::limits::{INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};
use report::{Defect, Duration, Instant};

/// Events of an agent that its page shows.
const EVENTS_MAX: i64 = 50;
/// A clock that is this far off is right: it is what a message takes.
const CLOCK_RIGHT: Duration = Duration::minutes(1);

/// What somebody typed that cannot be, with what is wrong where it does not say so itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) minutes: Option<String>,
    pub(super) ranges: Option<(String, Option<String>)>,
    pub(super) excluded: Option<(String, Option<String>)>,
    pub(super) lease: Option<(String, String)>,
    pub(super) unsure: Option<&'static str>,
}

/// An agent as pages of others name it.
#[derive(Debug, Clone)]
pub(crate) struct Brief {
    /// `/agents/{id}`.
    pub(crate) href: String,
    /// Its host.
    pub(crate) name: String,
    /// What it is, in words.
    pub(crate) kind: String,
    /// Its customer.
    pub(crate) customer: String,
    /// How it does.
    pub(crate) status: Status,
    /// The next thing to do, a sentence.
    pub(crate) next: &'static str,
    /// When it was in contact last, relative.
    pub(crate) last: String,
    /// What it does with what can tell about a person; empty before it told.
    pub(crate) policy: Policy,
    /// Whether its data is taken or will be.
    pub(crate) is_at_work: bool,
}

fn brief(agent: Listed, now: Instant) -> Brief {
    let standing = standing(&agent.vitals, now);
    Brief {
        href: format!("/agents/{}", agent.agent_id),
        name: agent.host,
        kind: kind_words(&agent.kind).to_owned(),
        customer: agent.customer,
        status: standing.status,
        next: standing.next,
        last: format::relative(now, agent.vitals.contact_at),
        policy: agent.privacy,
        is_at_work: !agent.vitals.state.is_over(),
    }
}

/// The agents of a customer, by name.
pub(crate) fn of_customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
) -> Result<Vec<Brief>, DbError> {
    let found = store::of_customer(tx, scope, customer_id, now)?;
    Ok(found.into_iter().map(|agent| brief(agent, now)).collect())
}

/// The agents that need somebody most, at most `most`.
pub(crate) fn neediest(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant, most: i64) -> Result<Vec<Brief>, DbError> {
    let found = store::neediest(tx, scope, now, most)?;
    Ok(found.into_iter().map(|agent| brief(agent, now)).collect())
}

/// What an agent is, from the word of its kind.
pub(crate) fn kind_words(word: &str) -> &str {
    match word {
        "collector" => "Data Collector",
        "direct" => "direct agent",
        "firmware" => "in the printer",
        other => other,
    }
}

/// How an agent was enrolled, from the word for it.
fn way(word: &str) -> &str {
    match word {
        "file" => "by a one-time file",
        "compare" => "by comparing six digits",
        "factory" => "by its factory secret",
        other => other,
    }
}

/// `/agents`.
pub(super) fn agents_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    part: Part,
) -> Result<AgentsPage, DbError> {
    let now = portal.surroundings().now();
    let rows = store::list(tx, &user.scope, part, now)?;
    let (total, needy) = store::needy(tx, &user.scope, now)?;
    let rows: Vec<AgentRow> = rows.into_iter().map(|agent| agent_row(agent, now)).collect();
    let all = if total == 1 { "1 agent".to_owned() } else { format!("{} agents", format::count(total)) };
    let sub = match needy {
        0 => format!("{all} · times in UTC"),
        1 => format!("{all}, 1 needs somebody · times in UTC"),
        _ => format!("{all}, {} need somebody · times in UTC", format::count(needy)),
    };
    Ok(AgentsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/agents", "Agents"), None)?,
        sub,
        pager: part.pager("/agents", rows.len(), total),
        rows,
    })
}

fn agent_row(agent: Listed, now: Instant) -> AgentRow {
    let standing = standing(&agent.vitals, now);
    let was_here = agent.vitals.has_sent || agent.waiting.is_some();
    AgentRow {
        href: format!("/agents/{}", agent.agent_id),
        name: agent.host,
        customer: agent.customer,
        kind: kind_words(&agent.kind).to_owned(),
        status: standing.status,
        next: standing.next.to_owned(),
        printers: agent.printers,
        waiting: format::count_or_unknown(agent.waiting),
        version: agent.vitals.version,
        last: was_here.then(|| Age::of(now, agent.vitals.contact_at, &Zone::utc())),
    }
}

/// The page of the agent `id`, after the act `done` or with what was typed and cannot be.
pub(super) fn agent_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    id: &str,
    (done, typed): (Option<&str>, &Typed),
) -> Result<Option<AgentPage>, DbError> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let Some(agent) = store::agent(tx, scope, id, now)? else { return Ok(None) };
    let zone = Zone::new(&agent.time_zone).unwrap_or_else(Zone::utc);
    let standing = standing(&agent.vitals(id, now), now);
    let enrolment = if agent.state == AgentState::Pending { store::enrolment(tx, scope, id)? } else { None };
    let mut packages = store::forks(tx, scope, id)?;
    packages.extend(store::packages(tx, scope, id)?);
    packages.sort_by_key(|package| std::cmp::Reverse(package.sequence));
    let events = history::events(tx, scope, id, EVENTS_MAX)?;
    let beat = agent.beat.as_ref();
    Ok(Some(AgentPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/agents", agent.host.as_str()), done)?,
        sub: format!("{} · {} · times in {}", agent.customer, kind_words(&agent.kind), zone.name()),
        status: standing.status,
        next: standing.next.to_owned(),
        enrolment: enrolment.map(|until| format!("The enrolment holds until {}.", format::instant(until, &zone))),
        consents: beat.map(|beat| quoted(&beat.consents)).unwrap_or_default(),
        troubles: beat.map(troubles).unwrap_or_default(),
        facts: facts(id, &agent, now, &zone),
        said: beat.map(|beat| said(&agent, beat, now, &zone)).unwrap_or_default(),
        policy: beat.map(|beat| policy::rows(&beat.privacy)).unwrap_or_default(),
        drops_personal: agent.drop_personal,
        printers: store::printers(tx, scope, id)?.iter().map(printer_link).collect(),
        packages: packages.iter().map(|package| package_row(package, &zone)).collect(),
        events: events.into_iter().map(|event| event_row(event, &agent.host, &zone)).collect(),
        href: format!("/agents/{id}"),
        interval: interval_field(&agent, typed),
        ranges: range_fields(&agent, typed),
        lease: lease_field(&agent, typed),
        acts: acts(&agent.state, &agent.host, store::held(tx, scope, id)?),
        unsure: typed.unsure,
        name: agent.host,
    }))
}

fn quoted(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| Defect::quote(text)).collect()
}

fn troubles(beat: &Beat) -> Vec<String> {
    let words = beat.troubles.iter().map(|trouble| match &trouble.printer {
        Some(printer) => format!("{}: {}", Defect::quote(printer), Defect::quote(&trouble.what)),
        None => Defect::quote(&trouble.what),
    });
    words.collect()
}

fn facts(id: &str, agent: &Agent, now: Instant, zone: &Zone) -> Vec<Fact> {
    // Before the first package the instant is that of the enrolment.
    let last = if agent.next_sequence > 1 {
        format!("{}, {}", format::relative(now, agent.seen_at), format::instant(agent.seen_at, zone))
    } else {
        "none yet".to_owned()
    };
    vec![
        Fact::new("Customer", &*agent.customer).linked(format!("/customers/{}", agent.customer_id)),
        Fact::new("Kind", kind_words(&agent.kind)),
        Fact::new("Host", &*agent.host),
        Fact::new("Version", &*agent.version),
        Fact::new("Duty", duty(id, agent, now, zone)),
        Fact::new("Interval asked", format!("{} minutes", agent.interval_minutes)),
        Fact::new("Settings asked", format::count(agent.settings_version)),
        Fact::new("Last package", last),
        Fact::new("Packages", format::count(agent.next_sequence - 1)),
        Fact::new("Records", format::count(agent.next_record - 1)),
        Fact::new("Enrolled", format!("{}, {}", format::instant(agent.created_at, zone), way(&agent.way))),
        Fact::new("Id", id),
    ]
}

/// Whether it reads, and with whom it takes turns.
fn duty(id: &str, agent: &Agent, now: Instant, zone: &Zone) -> String {
    let Some(lease) = agent.lease.as_ref().filter(|lease| lease.until > now) else {
        return if agent.lease_name.is_empty() { "reads" } else { "nobody reads for this name now" }.to_owned();
    };
    let until = format::instant(lease.until, zone);
    if lease.agent_id == id {
        return format!("reads for “{}” until {until}, then again", agent.lease_name);
    }
    let holder = lease.host.as_deref().unwrap_or(&lease.agent_id);
    format!("stands by while {holder} reads for “{}”, until {until}", agent.lease_name)
}

/// What it said of itself.
fn said(agent: &Agent, beat: &Beat, now: Instant, zone: &Zone) -> Vec<Fact> {
    let applied = match beat.settings_version {
        version if version >= agent.settings_version => format!("{}, the newest", format::count(version)),
        version => format!("{}, the newer ones wait for its next contact", format::count(version)),
    };
    let oldest = match beat.oldest_waiting {
        Some(at) => format!("{}, {}", format::relative(now, at), format::instant(at, zone)),
        None => "nothing waits".to_owned(),
    };
    vec![
        Fact::new(
            "Said",
            format!("{}, {}", format::relative(now, beat.heard_at), format::instant(beat.heard_at, zone)),
        ),
        Fact::new("Interval in force", format!("{} minutes", beat.interval_minutes)),
        Fact::new("Settings in force", applied),
        Fact::new("Waiting records", format::count(beat.records_waiting)),
        Fact::new("Packages without a receipt", format::count(beat.packages_waiting)),
        Fact::new("Oldest waiting", oldest),
        Fact::new("Kept on its disk", size(beat.spool_bytes)),
        Fact::new("Clock", clock(Duration(beat.clock_offset))),
        Fact::new("Addresses it looks at", format::count(beat.addresses)),
        Fact::new("Printers found", format::count(beat.printers)),
        Fact::new("Printers that failed", format::count(beat.failed)),
        Fact::new("Paused", if beat.paused { "yes, on its own side" } else { "no" }),
    ]
}

/// How far a clock is off.
fn clock(offset: Duration) -> String {
    if offset.0.unsigned_abs() < CLOCK_RIGHT.0.unsigned_abs() {
        "right to the minute".to_owned()
    } else if offset.0 > 0 {
        format!("{} ahead", format::span(offset))
    } else {
        format!("{} behind", format::span(offset))
    }
}

fn interval_field(agent: &Agent, typed: &Typed) -> Field {
    let value = typed.minutes.clone().unwrap_or_else(|| agent.interval_minutes.to_string());
    let range = format!("between {INTERVAL_MINUTES_MIN} and {INTERVAL_MINUTES_MAX} minutes");
    let wrong = typed.minutes.as_ref().map(|typed| format!("“{typed}” is no whole number {range}."));
    Field::new("text", "minutes", "Minutes between two readings")
        .value(value)
        .hint(format!("A whole number {range}; its own side may ask for more."))
        .wrong(wrong)
}

fn range_fields(agent: &Agent, typed: &Typed) -> Vec<Field> {
    let filled = |field: Field, stored: &str, typed: &Option<(String, Option<String>)>| match typed {
        Some((text, wrong)) => field.value(text.as_str()).wrong(wrong.clone()),
        None => field.value(stored),
    };
    let ranges = Field::lines("ranges", "Addresses, networks and ranges, one a line")
        .hint("Such as 192.0.2.10, 192.0.2.0/28 or 192.0.2.40-192.0.2.60.");
    let excluded = Field::lines("excluded", "Left out, one a line").hint("Never read, whatever stands above.");
    vec![filled(ranges, &agent.ranges, &typed.ranges), filled(excluded, &agent.excluded, &typed.excluded)]
}

fn lease_field(agent: &Agent, typed: &Typed) -> Field {
    let field = Field::text("name", "Name").hint("Empty: it reads by itself.");
    match &typed.lease {
        Some((text, wrong)) => field.value(text.as_str()).wrong(Some(wrong.clone())),
        None => field.value(agent.lease_name.as_str()),
    }
}

/// What can be done to an agent in `state`, of which `held` packages are kept apart.
fn acts(state: &AgentState, name: &str, held: i64) -> Vec<Act> {
    let release = Act {
        change: "release",
        label: "Count what was kept apart",
        words: "What it sent while it was suspended counts then. It sends nothing more that is taken, and this cannot \
                be undone.",
        sure: Some(format!("Yes, count what {name} sent")),
    };
    let suspend = Act {
        change: "suspend",
        label: "Suspend",
        words: "What it sends is still taken and receipted, and kept apart: it counts nowhere until you let it go on.",
        sure: Some(format!("Yes, suspend {name}")),
    };
    let resume = Act {
        change: "resume",
        label: "Let it go on",
        words: "What was kept apart counts then, as if it had never been suspended.",
        sure: None,
    };
    let revoke = Act {
        change: "revoke",
        label: "Revoke",
        words: "For an agent that is retired, lost or copied. Nothing that it sends is taken from this moment on, and \
                this cannot be undone: it would be enrolled anew. What it sent before is kept.",
        sure: Some(format!("Yes, revoke {name}")),
    };
    match state {
        AgentState::Active => vec![suspend, revoke],
        AgentState::Suspended => vec![resume, revoke],
        AgentState::Forked if held > 0 => vec![release, revoke],
        AgentState::Pending | AgentState::Forked => vec![revoke],
        AgentState::Revoked | AgentState::Left if held > 0 => vec![release],
        AgentState::Revoked | AgentState::Left | AgentState::Unknown(_) => Vec::new(),
    }
}

fn printer_link(printer: &store::ReadPrinter) -> Link {
    let (product_name, product_number) = (printer.product_name.as_deref(), printer.product_number.as_deref());
    let text = printer::label(printer.nickname.as_deref(), product_name, product_number, &printer.serial);
    Link::new(text, format!("/printers/{}", printer.printer_id))
}

fn package_row(package: &store::Package, zone: &Zone) -> PackageRow {
    let status = match package.records {
        Some(_) if package.held == 1 => Status::new(Tone::Warn, "in quarantine, not counted"),
        Some(_) if package.held != 0 => Status::new(Tone::Bad, "does not read, not counted"),
        Some(_) => Status::new(Tone::Good, "accepted"),
        None => Status::new(Tone::Bad, "second under this number, not billed"),
    };
    PackageRow {
        sequence: package.sequence,
        at: format::instant(package.received_at, zone),
        records: format::count_or_unknown(package.records),
        size: size(package.size),
        status,
    }
}

fn event_row(event: Event, host: &str, zone: &Zone) -> EventRow {
    let what = match event.kind.as_str() {
        "enrolled" => "Enrolled",
        "state" => "State changed",
        "settings" => "Settings changed",
        "fork" => "Second package under one number",
        "rotation" => "New signing key",
        "gap" => "Gap in what it kept",
        "fold" => "Jobs summed up, its disk was full",
        "boot" => "Started",
        "left" => "Left",
        "released" => "Quarantine counted",
        "behind" => "Came with old keys",
        other => other,
    };
    EventRow {
        at: format::instant(event.at, zone),
        what: what.to_owned(),
        by: event.person.unwrap_or_else(|| host.to_owned()),
        detail: event.detail,
    }
}

/// Bytes as a person reads them: `812 B`, `14 KB`, `3 MB`.
fn size(bytes: i64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..10_485_760 => format!("{} KB", format::count((bytes + 512) / 1024)),
        _ => format!("{} MB", format::count(bytes / 1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_right_ahead_or_behind() {
        for (offset, words) in [
            (0, "right to the minute"),
            (-59_000, "right to the minute"),
            (600_000, "10 min ahead"),
            (-7_200_000, "2 h behind"),
        ] {
            assert_eq!(clock(Duration(offset)), words);
        }
    }

    #[test]
    fn what_cannot_be_undone_is_asked_for_twice() {
        for (state, held, expected) in [
            ("active", 0, vec![("suspend", true), ("revoke", true)]),
            ("suspended", 3, vec![("resume", false), ("revoke", true)]),
            ("forked", 0, vec![("revoke", true)]),
            ("forked", 3, vec![("release", true), ("revoke", true)]),
            ("revoked", 0, vec![]),
            ("revoked", 3, vec![("release", true)]),
            ("left", 0, vec![]),
            ("left", 3, vec![("release", true)]),
        ] {
            let shown = acts(&AgentState::of(state.to_owned()), "pc-7", held);
            let offered: Vec<(&str, bool)> = shown.iter().map(|act| (act.change, act.sure.is_some())).collect();
            assert_eq!(offered, expected, "{state}");
        }
    }

    #[test]
    fn bytes_have_a_unit_people_know() {
        for (bytes, words) in [(812, "812 B"), (14_336, "14 KB"), (3_500_000, "3,418 KB"), (1_073_741_824, "1,024 MB")]
        {
            assert_eq!(size(bytes), words);
        }
    }
}

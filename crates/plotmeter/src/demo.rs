//! `plotmeter demo`: a whole world on this machine. Simulated printers answer over HTTPS, one
//! collector a customer reads them and reports over real TLS, one printer has a direct agent besides,
//! and three months go through the real ingest path before the clock starts to run. They are billed: the last one
//! is issued but for a contract that a fallen counter holds up, and one month is corrected by a note.

mod contracts;
mod parties;

use crate::clock::{self, DemoClock};
use agent::{Collector, Config, Direct, DirectConfig};
use anyhow::{Context, bail};
use billing::{Month, Period};
use portal::config::Settings;
use portal::setup::{self, NewReseller, Role};
use portal::{Db, Listeners, Portal, PortalKeys, Target, Tls, serve};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use report::{Duration, Instant, Surroundings};
use simulator::faces::https::{self, Server, TlsIdentity};
use simulator::printer::{Printer, Quirks};
use simulator::world::{Customer, Fleet, Placed, fleet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How many times faster than ours the demo's day runs.
const SPEED: i64 = 120;
/// Months of history before the current one.
const MONTHS: usize = 3;
/// Every demo account's password; the portal listens on loopback only.
const PASSWORD: &str = "plotmeter-demo";

/// Where and which world.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port of the pages on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// A folder to keep the world in; without it, a temporary one.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Another seed gives another history.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// One customer of the demo, ready to work.
#[derive(Clone)]
struct Site {
    collector: Arc<Collector>,
    /// An agent of one printer that the collector reads too.
    direct: Option<Arc<Direct>>,
    customer_id: i64,
    reseller: usize,
    lets_names_through: bool,
    nicknames: Vec<(String, &'static str)>,
    /// Each printer's address, and its product and nickname.
    printers: Vec<(String, String)>,
    name: &'static str,
    time_zone: &'static str,
    /// The printers that take part, where they are listed; `None` where all do.
    listed: Option<Vec<String>>,
}

/// The customer whose printers are listed one by one; its last one is only seen.
const LISTED: &str = "Suomen Kartta";
/// The customer whose first printer has an agent of its own beside the collector.
const WITH_DIRECT: &str = "Brückner Tiefbau";
/// The customer one of whose counters begins at zero again, which nobody has explained.
const FALLS: &str = "Brückner Tiefbau";
/// When that happens after the start: in the last month that is over.
const FALLS_AFTER: Duration = Duration::hours(24 * 75);
/// How much earlier than the collector the direct agent looks, while history is made: a printer is not
/// read twice at one instant.
const EARLIER: Duration = Duration::minutes(5);

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("make a temporary folder")?;
    let dir = arguments.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    if dir.join("portal.sqlite").exists() {
        bail!("{} holds a demo already; name another folder", dir.display());
    }
    crate::runtime()?.block_on(world(arguments, &dir))
}

async fn world(arguments: &Arguments, dir: &Path) -> anyhow::Result<()> {
    let (start, end) = span(clock::now())?;
    let clock = DemoClock::new(start, SPEED);
    let surroundings = Surroundings { clock: clock.clock(), entropy: clock::entropy() };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listeners = Listeners::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)), any)
        .with_context(|| format!("port {} is taken: choose another with --port", arguments.port))?;
    // Not before the port: a demo that does not start leaves nothing.
    std::fs::create_dir_all(dir).with_context(|| format!("make the folder {}", dir.display()))?;
    let url = format!("http://{}", listeners.pages.local_addr()?);
    let tls = certificates()?;
    let fleet = fleet(arguments.seed);
    let accounts = accounts(&fleet);
    let settings = Settings {
        agents_authority: format!("{}", listeners.agents.local_addr()?),
        agents_ca: Some(tls.authority.clone()),
        demo: Some(format!("This is a demo with invented data. Its day runs {SPEED} times faster than yours.")),
        demo_accounts: accounts
            .iter()
            .map(|(role, email, _)| ((*role).to_owned(), email.clone(), PASSWORD.to_owned()))
            .collect(),
    };
    let db = Db::open(&Target::Sqlite(dir.join("portal.sqlite")))?;
    let keys = PortalKeys::load(&dir.join("portal-keys.json"), &db, &surroundings)?;
    let portal = Portal::new(settings, db, keys, surroundings.clone())?;
    let served = {
        let (portal, tls) = (portal.clone(), tls.server);
        tokio::spawn(async move { serve(&portal, listeners, &tls, crate::stopped()).await })
    };
    let work = async {
        eprintln!("Making {MONTHS} months of history through the real path: printers, collectors, TLS, ingest …");
        let (resellers, sites, printers) = build(&portal, &fleet, dir, start, &surroundings).await?;
        let people = people(&portal, &resellers, &sites, &accounts).await?;
        let portal_for_contracts = portal.clone();
        let resellers = Arc::new(resellers);
        first_day(&portal, &clock, &resellers, &sites, start).await?;
        history(&clock, &sites, start, end).await?;
        let sites = Arc::new(sites);
        let sites_for_contracts = sites.clone();
        tokio::task::spawn_blocking(move || {
            contracts(&portal_for_contracts, &resellers, &sites_for_contracts, &people, (start, end))
        })
        .await??;
        clock.start();
        for (role, email, _) in &accounts {
            println!("sign-in: {role} {email} {PASSWORD}");
        }
        for Site { name, printers, .. } in sites.iter() {
            for (address, printer) in printers {
                println!("printer: {address} {printer}, {name}");
            }
        }
        println!("URL: {url}");
        eprintln!("New jobs arrive while you watch. Ctrl-C ends the demo.");
        live(&sites).await;
        drop(printers);
        anyhow::Ok(())
    };
    tokio::select! {
        done = work => done,
        () = crate::stopped() => Ok(()),
    }?;
    served.await??;
    Ok(())
}

/// From the first of the month `MONTHS` ago to the last working morning, in UTC: whenever the demo is
/// started, its printers print.
fn span(now: Instant) -> anyhow::Result<(Instant, Instant)> {
    let day = Duration::hours(24).0;
    let morning = |days: i64| Instant(days * day + Duration::hours(8).0);
    // The first of January 1970 was a Thursday.
    let works = |days: i64| (1..=5).contains(&(days + 4).rem_euclid(7));
    let mut days = now.0.div_euclid(day);
    while morning(days) > now || !works(days) {
        days -= 1;
    }
    let end = morning(days);
    let mut month = billing::month_of(end, "Etc/UTC")?;
    for _ in 0..MONTHS {
        month = previous(month)?;
    }
    Ok((Period::of_month(month, "Etc/UTC")?.start, end))
}

fn previous(month: Month) -> anyhow::Result<Month> {
    Ok(if month.month() == 1 {
        Month::new(month.year() - 1, 12)?
    } else {
        Month::new(month.year(), month.month() - 1)?
    })
}

struct Certificates {
    authority: String,
    server: Tls,
}

/// An authority of the demo's own and the portal's certificate under it.
fn certificates() -> anyhow::Result<Certificates> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let authority = parameters.self_signed(&authority_key)?;
    let issuer = Issuer::from_params(&parameters, &authority_key);
    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let server = Tls { certificates: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() };
    Ok(Certificates { authority: authority.pem(), server })
}

/// Role, address and, for people of a customer, its name.
type Account = (&'static str, String, Option<&'static str>);

fn accounts(fleet: &Fleet) -> Vec<Account> {
    let word = |name: &str| name.split(' ').next().unwrap_or(name).to_lowercase();
    let mut accounts: Vec<Account> = fleet
        .resellers
        .iter()
        .map(|reseller| ("reseller", format!("{}@demo.test", word(reseller.name)), None))
        .collect();
    let first = fleet.resellers.first().and_then(|reseller| reseller.customers.first());
    if let Some(customer) = first {
        accounts.push(("customer", format!("{}@demo.test", word(customer.name)), Some(customer.name)));
    }
    accounts.push(("operator", "operator@demo.test".to_owned(), None));
    accounts
}

type Built = (Vec<NewReseller>, Vec<Site>, Vec<Server>);

/// Resellers, customers, printers on their sockets, enrolled collectors.
async fn build(
    portal: &Portal,
    fleet: &Fleet,
    dir: &Path,
    start: Instant,
    surroundings: &Surroundings,
) -> anyhow::Result<Built> {
    let (mut resellers, mut sites, mut servers) = (Vec::new(), Vec::new(), Vec::new());
    for (index, reseller) in fleet.resellers.iter().enumerate() {
        let made = setup::reseller(portal, reseller.name)?;
        parties::seller(portal, &made, reseller.name)?;
        for customer in &reseller.customers {
            let customer_id = setup::customer(portal, &made, customer.name, customer.site, customer.time_zone)?;
            parties::buyer(portal, &made, customer_id, customer.name)?;
            let listed = listed(customer);
            setup::participation(portal, &made, customer_id, listed.is_none())?;
            let (addresses, mut started) = printers(customer, start, surroundings).await?;
            servers.append(&mut started);
            let named = customer.printers.iter().map(|placed| (placed.model.product_name, placed.nickname));
            let named = named.map(|(product, nickname)| format!("{product}, {nickname}"));
            let named: Vec<(String, String)> = addresses.iter().cloned().zip(named).collect();
            let state = dir.join(format!("collector-{customer_id}"));
            let file = invitation(portal, &made, customer_id, &state)?;
            let config = config(&state, &addresses, customer.lets_names_through)?;
            let host = format!("pc-{}", customer.site.to_lowercase());
            agent::begin(&file, &config, &host, false, surroundings).await?.confirm().await?;
            let direct = match addresses.first().filter(|_| customer.name == WITH_DIRECT) {
                Some(address) => {
                    let state = dir.join(format!("direct-{customer_id}"));
                    let file = invitation(portal, &made, customer_id, &state)?;
                    Some(direct(&state, &file, address, surroundings).await?)
                }
                None => None,
            };
            sites.push(Site {
                collector: Arc::new(Collector::open(config, surroundings.clone())?),
                direct,
                customer_id,
                reseller: index,
                lets_names_through: customer.lets_names_through,
                nicknames: customer.printers.iter().map(|placed| (placed.serial.clone(), placed.nickname)).collect(),
                printers: named,
                name: customer.name,
                time_zone: customer.time_zone,
                listed,
            });
        }
        resellers.push(made);
    }
    Ok((resellers, sites, servers))
}

/// Makes an agent's folder with an enrolment file in it.
fn invitation(portal: &Portal, reseller: &NewReseller, customer_id: i64, state: &Path) -> anyhow::Result<PathBuf> {
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(state)?;
    let path = state.join("enrol.plotmeter");
    std::fs::write(&path, serde_json::to_vec(&setup::enrolment(portal, reseller, customer_id)?)?)?;
    Ok(path)
}

/// An enrolled agent of one printer.
async fn direct(state: &Path, file: &Path, address: &str, surroundings: &Surroundings) -> anyhow::Result<Arc<Direct>> {
    let mut config = DirectConfig::new(state.to_owned(), address).map_err(anyhow::Error::msg)?;
    (config.pause_ms, config.poll_seconds) = (0, 30);
    agent::begin(file, &config, "beside-the-printer", false, surroundings).await?.confirm().await?;
    Ok(Arc::new(Direct::open(config, surroundings.clone())?))
}

/// The serial numbers of the printers that take part at a customer that lists them.
fn listed(customer: &Customer) -> Option<Vec<String>> {
    let last = customer.printers.len().saturating_sub(1);
    let part = || customer.printers.iter().take(last).map(|placed| placed.serial.clone()).collect();
    (customer.name == LISTED).then(part)
}

/// Marks the printers that take part, once the portal has seen them.
fn mark(portal: &Portal, resellers: &[NewReseller], sites: &[Site]) -> anyhow::Result<()> {
    for site in sites {
        let Some(listed) = &site.listed else { continue };
        let reseller = &resellers[site.reseller];
        for (printer, serial) in setup::printers(portal, reseller, site.customer_id)? {
            if listed.contains(&serial) {
                setup::participate(portal, reseller, printer, true)?;
            }
        }
    }
    Ok(())
}

async fn printers(
    customer: &Customer,
    start: Instant,
    surroundings: &Surroundings,
) -> anyhow::Result<(Vec<String>, Vec<Server>)> {
    let (mut addresses, mut servers) = (Vec::new(), Vec::new());
    // The first by serial number is in the contract.
    let first = customer.printers.iter().map(|placed| &placed.serial).min();
    for placed in &customer.printers {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let falls = customer.name == FALLS && first == Some(&placed.serial);
        let printer = if falls { falling(placed, start) } else { placed.printer(start) };
        let printer: Arc<Mutex<Printer>> = Arc::new(Mutex::new(printer));
        let identity = TlsIdentity::self_signed(&placed.serial)?;
        let server = https::serve(listener, printer, surroundings.clock.clone(), &identity).await?;
        addresses.push(server.address().to_string());
        servers.push(server);
    }
    Ok((addresses, servers))
}

/// The printer, with a counter of all media that has too few values to last.
fn falling(placed: &Placed, start: Instant) -> Printer {
    let printer = placed.printer(start);
    let mut ahead = printer.clone();
    ahead.advance(start.plus(FALLS_AFTER));
    let quirks = Quirks { media_values: ahead.counters().media_area.0 + 1, ..printer.quirks() };
    printer.with_quirks(quirks)
}

/// A collector's file, as its customer would write it.
fn config(state: &Path, addresses: &[String], lets_names_through: bool) -> anyhow::Result<Config> {
    let personal = if lets_names_through { "keep" } else { "drop" };
    // Beyond the white paper's list: two sites have a Z9, as a customer's own file may say. What listens at this
    // machine's own port 631 is no printer of the demo.
    let mut text = format!(
        "state = {:?}\npersonal = \"{personal}\"\npause_ms = 0\nalso_supported = [\"DesignJet Z9\"]\n\
         [interfaces]\nipp_ports = []\n",
        state.display().to_string()
    );
    for address in addresses {
        text.push_str(&format!("\n[[printer]]\naddress = \"{address}\"\n"));
    }
    std::fs::write(state.join("collector.toml"), &text)?;
    Config::parse(&text).map_err(anyhow::Error::msg)
}

/// The people; gives the first reseller person's id of each reseller.
async fn people(
    portal: &Portal,
    resellers: &[NewReseller],
    sites: &[Site],
    accounts: &[Account],
) -> anyhow::Result<Vec<i64>> {
    let mut ids = Vec::new();
    for (role, email, customer) in accounts {
        let site = sites.iter().find(|site| Some(site.name) == *customer);
        let id = match (*role, site) {
            ("customer", Some(site)) => setup::person(
                portal,
                Role::Customer(&resellers[site.reseller], site.customer_id),
                email,
                "Kim Roth",
                PASSWORD,
            )?,
            ("operator", _) => setup::person(portal, Role::Operator, email, "Olga Ferro", PASSWORD)?,
            _ => {
                let reseller = &resellers[ids.len()];
                let id = setup::person(portal, Role::Reseller(reseller), email, "Billing", PASSWORD)?;
                ids.push(id);
                id
            }
        };
        tracing::debug!(person.id = id, "added a person");
        tokio::task::yield_now().await;
    }
    Ok(ids)
}

/// The first minutes: every printer is seen, those that take part are marked, and the mark arrives.
async fn first_day(
    portal: &Portal,
    clock: &DemoClock,
    resellers: &Arc<Vec<NewReseller>>,
    sites: &[Site],
    start: Instant,
) -> anyhow::Result<()> {
    clock.set(start);
    round(sites).await?;
    let marked: Vec<Site> = sites.iter().filter(|site| site.listed.is_some()).cloned().collect();
    let (portal, resellers) = (portal.clone(), resellers.clone());
    tokio::task::spawn_blocking(move || mark(&portal, &resellers, &marked)).await??;
    clock.set(start.plus(Duration::minutes(10)));
    round(sites).await
}

/// Day by day: the clock moves, printers print, collectors read and send.
async fn history(clock: &DemoClock, sites: &[Site], start: Instant, end: Instant) -> anyhow::Result<()> {
    let day = Duration::hours(24);
    let days = (end.since(start).0 / day.0).max(1);
    let mut at = start.plus(day);
    for number in 0.. {
        clock.set(Instant(at.0 - EARLIER.0));
        for direct in sites.iter().filter_map(|site| site.direct.as_ref()) {
            direct.once().await?;
        }
        clock.set(at);
        round(sites).await?;
        if number % 10 == 0 {
            eprintln!("  day {number} of {days}");
        }
        if at >= end {
            return Ok(());
        }
        at = Instant((at.0 + day.0).min(end.0));
    }
    Ok(())
}

/// All collectors read and send once.
async fn round(sites: &[Site]) -> anyhow::Result<()> {
    let mut readings = JoinSet::new();
    for site in sites {
        let collector = site.collector.clone();
        readings.spawn(async move { collector.once().await });
    }
    while let Some(round) = readings.join_next().await {
        let round = round??;
        if round.failed > 0 {
            bail!("{} simulated printers were not read", round.failed);
        }
    }
    Ok(())
}

/// Contracts, printers in them, and what became of the months that are over.
fn contracts(
    portal: &Portal,
    resellers: &[NewReseller],
    sites: &[Site],
    people: &[i64],
    (start, end): (Instant, Instant),
) -> anyhow::Result<()> {
    for (index, site) in sites.iter().enumerate() {
        let (reseller, person) = (&resellers[site.reseller], people[site.reseller]);
        let printers = setup::printers(portal, reseller, site.customer_id)?;
        for (number, (printer, serial)) in (1..).zip(&printers) {
            let nickname =
                site.nicknames.iter().find(|(known, _)| known == serial).map_or("", |(_, nickname)| nickname);
            setup::name_printer(portal, reseller, *printer, nickname, &format!("AN-{}", 4100 + index * 10 + number))?;
        }
        let terms = contracts::terms(index, site)?;
        let from = Period::of_month(billing::month_of(start, site.time_zone)?, site.time_zone)?.start;
        let number = format!("C-{}", 110 + index);
        let contract = setup::contract(portal, reseller, site.customer_id, &number, &terms, (from, person))?;
        // The last printer of the largest customer waits for somebody to assign it; what is only seen
        // takes part in no contract.
        let assigned = if site.lets_names_through || printers.len() < 3 { printers.len() } else { printers.len() - 1 };
        let takes_part = |serial: &String| site.listed.as_ref().is_none_or(|listed| listed.contains(serial));
        let mut covered = printers.iter().take(assigned).filter(|(_, serial)| takes_part(serial)).peekable();
        let first = covered.peek().map_or(0, |(printer, _)| *printer);
        for (printer, _) in covered {
            setup::assign(portal, reseller, contract, *printer, from)?;
        }
        let mut month = billing::month_of(end, site.time_zone)?;
        let mut over = Vec::new();
        for _ in 0..MONTHS {
            month = previous(month)?;
            over.push(month);
        }
        over.reverse();
        contracts::bill(portal, reseller, person, site, (contract, first), &over)?;
    }
    for reseller in resellers {
        setup::interval(portal, reseller, protocol::limits::INTERVAL_MINUTES_MIN)?;
    }
    Ok(())
}

/// Lets every agent work until the demo ends.
async fn live(sites: &[Site]) {
    let mut working = JoinSet::new();
    for site in sites {
        let collector = site.collector.clone();
        working.spawn(async move { collector.run(crate::stopped()).await });
        if let Some(direct) = site.direct.clone() {
            working.spawn(async move { direct.run(crate::stopped()).await });
        }
    }
    while let Some(ended) = working.join_next().await {
        if let Ok(Err(error)) = ended {
            tracing::error!(error = %error, "an agent ended");
        }
    }
}

//! `plotmeter bench ingest`: drives a portal process over real HTTPS and prints what it cost.
//!
//! Beside each figure stands a limit measured in the same run: opening the same packages alone, and the
//! same job rows inserted raw. Deliberately absent: agents with a spool, which would be measured too.

use super::process::{cpu_seconds, micros, rate, resident_kb};
use super::served;
use crate::clock::timed;
use anyhow::bail;
use portal::bench::{Opener, insert_raw, raw_table};
use portal::setup;
use portal::{Db, Target};
use protocol::enrol::EnrolmentFile;
use protocol::package::{self, Manner, Timestamps};
use protocol::sender::{Handshake, Request, Sender};
use protocol::{CONFIRM_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, PACKAGES_PATH};
use report::sample::{self, Rng};
use report::{Duration, Grade, Instant, JobKind, Personal, Surroundings};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Agents that send at the same time.
    #[arg(long, default_value_t = 16)]
    agents: usize,
    /// Reports of each agent.
    #[arg(long, default_value_t = 150)]
    reports: usize,
    /// An empty PostgreSQL database to measure too: "host=/run/postgresql user=… dbname=…".
    #[arg(long)]
    postgres: Option<String>,
}

/// Jobs in a report.
const JOBS: usize = 20;
/// Packages whose rows go into one transaction of the raw insert, as many as the writer takes.
const RAW_BATCH: usize = 64;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    println!("{} agents, {} reports each, {JOBS} jobs a report", arguments.agents, arguments.reports);
    one(arguments, &folder.path().join("sqlite"), None)?;
    if let Some(connection) = &arguments.postgres {
        one(arguments, &folder.path().join("postgres"), Some(connection))?;
    }
    Ok(())
}

/// One enrolled agent with its packages, sealed beforehand.
struct Agent {
    sender: Sender,
    packages: Vec<Vec<u8>>,
}

impl Agent {
    fn opener(&self) -> Opener {
        Opener::new(&self.sender.agent, self.sender.keys.clone(), self.sender.evidence.verifying_key())
    }
}

fn one(arguments: &Arguments, folder: &Path, postgres: Option<&str>) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let surroundings = crate::clock::surroundings();
    let target = match postgres {
        Some(connection) => Target::Postgres(connection.to_owned()),
        None => Target::Sqlite(folder.join("portal.sqlite")),
    };
    let db = Db::open(&target)?;
    let engine = db.engine();
    let files = enrolments(&db, folder, arguments.agents, &surroundings)?;
    let portal = served::start(folder, postgres)?;
    let runtime = crate::runtime()?;
    let client = client(folder)?;
    let measured = runtime.block_on(async {
        let mut agents = Vec::new();
        for (number, file) in files.iter().enumerate() {
            agents.push(enrol(&client, file, number, arguments.reports, &surroundings).await?);
        }
        let agents: Vec<Arc<Agent>> = agents.into_iter().map(Arc::new).collect();
        measure(&portal.0, &client, &agents, &files[0].portal, &surroundings).await
    });
    drop(portal);
    let (agents, wall_s, cpu_s, memory) = measured?;
    let reports = (arguments.agents * arguments.reports) as u64;
    let rows = reports * JOBS as u64;
    println!("\n{engine}");
    println!("  ingest          {} reports/s, {} job rows/s", rate(reports, wall_s), rate(rows, wall_s));
    println!("  portal CPU      {} µs a report", micros(cpu_s, reports));
    println!("  portal memory   {} kB before, {} kB after", memory.0, memory.1);
    let (opened, open_s) = unseal(&agents)?;
    println!("  unsealing alone {} µs CPU a report ({opened} jobs read), on one thread", micros(open_s, reports));
    let (raw_s, raw_cpu_s) = raw(&db, &agents)?;
    println!(
        "  raw insert      {} job rows/s, {} µs CPU a report of this process",
        rate(rows, raw_s),
        micros(raw_cpu_s, reports)
    );
    println!(
        "  ratios          ingest CPU / unsealing CPU {:.2}; ingest rows/s / raw rows/s {:.2}",
        cpu_s / open_s,
        raw_s / wall_s
    );
    let size = agents[0].packages.iter().map(Vec::len).max().unwrap_or(0);
    println!("  on the wire     {size} bytes sealed for a report of {JOBS} jobs");
    Ok(())
}

type Measured = (Vec<Arc<Agent>>, f64, f64, (u64, u64));

async fn measure(
    portal: &Child,
    client: &reqwest::Client,
    agents: &[Arc<Agent>],
    url: &str,
    surroundings: &Surroundings,
) -> anyhow::Result<Measured> {
    let memory_before = resident_kb(portal.id())?;
    let cpu_before = cpu_seconds(portal.id())?;
    let mut sending = JoinSet::new();
    let (start, clock) = (surroundings.now(), surroundings.clone());
    for agent in agents {
        let (agent, client, url, surroundings) = (agent.clone(), client.clone(), url.to_owned(), clock.clone());
        sending.spawn(async move {
            for (sequence, sealed) in (1..).zip(&agent.packages) {
                let key = format!("{}-{sequence}", agent.sender.agent);
                let request = agent.sender.request(PACKAGES_PATH, &key, sealed.clone(), &surroundings);
                let status = post(&client, &url, PACKAGES_PATH, request).await?;
                if status != 200 {
                    bail!("package {key} was answered {status}");
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    let wall = surroundings.now().since(start).0 as f64 / 1000.0;
    let cpu = cpu_seconds(portal.id())? - cpu_before;
    Ok((agents.to_vec(), wall, cpu, (memory_before, resident_kb(portal.id())?)))
}

/// Opens every package again, on this thread.
fn unseal(agents: &[Arc<Agent>]) -> anyhow::Result<(usize, f64)> {
    let before = cpu_seconds(std::process::id())?;
    let mut jobs = 0;
    for agent in agents {
        let opener = agent.opener();
        for sealed in &agent.packages {
            jobs += opener.open(sealed)?;
        }
    }
    Ok((jobs, (cpu_seconds(std::process::id())? - before).max(0.01)))
}

/// Inserts every job row raw: wall and CPU seconds.
fn raw(db: &Db, agents: &[Arc<Agent>]) -> anyhow::Result<(f64, f64)> {
    let mut batches = vec![Vec::new()];
    for agent in agents {
        let opener = agent.opener();
        for sealed in &agent.packages {
            if batches.last().is_some_and(|batch: &Vec<_>| batch.len() >= RAW_BATCH) {
                batches.push(Vec::new());
            }
            if let Some(batch) = batches.last_mut() {
                batch.push(opener.rows(sealed)?);
            }
        }
    }
    raw_table(db)?;
    let before = cpu_seconds(std::process::id())?;
    let (done, wall) = timed(|| batches.into_iter().try_for_each(|batch| insert_raw(db, batch).map(drop)));
    done?;
    Ok((wall, cpu_seconds(std::process::id())? - before))
}

/// A customer, and an enrolment an agent.
fn enrolments(
    db: &Db,
    folder: &Path,
    agents: usize,
    surroundings: &Surroundings,
) -> anyhow::Result<Vec<EnrolmentFile>> {
    let portal = served::prepare(db, folder, surroundings)?;
    let reseller = setup::reseller(&portal, "Bench")?;
    let customer = setup::customer(&portal, &reseller, "Bench", "Here", "Etc/UTC")?;
    (0..agents).map(|_| Ok(setup::enrolment(&portal, &reseller, customer)?)).collect()
}

fn client(folder: &Path) -> anyhow::Result<reqwest::Client> {
    let pem = std::fs::read(folder.join("portal.pem"))?;
    let authority = reqwest::Certificate::from_pem(&pem)?;
    Ok(reqwest::Client::builder().tls_certs_only([authority]).build()?)
}

/// Posts a signed request and gives the status.
async fn post(client: &reqwest::Client, url: &str, path: &str, request: Request) -> anyhow::Result<u16> {
    let mut builder = client.post(format!("{url}{path}"));
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    let response = builder.body(request.body).send().await?;
    let status = response.status().as_u16();
    response.bytes().await?;
    Ok(status)
}

/// Enrols an agent through the real handshake and seals its packages.
async fn enrol(
    client: &reqwest::Client,
    file: &EnrolmentFile,
    number: usize,
    reports: usize,
    surroundings: &Surroundings,
) -> anyhow::Result<Agent> {
    let (handshake, message) = Handshake::start(file, &format!("bench-{number}"), surroundings)?;
    let response = client
        .post(format!("{}{ENROL_PATH}", file.portal))
        .header("content-type", ENROL_CONTENT_TYPE)
        .header("plotmeter-enrolment", &file.enrolment)
        .body(message)
        .send()
        .await?
        .error_for_status()?;
    let (_, mut sender) = handshake.finish(&response.bytes().await?)?;
    let confirm = sender.request(CONFIRM_PATH, "enrol", Vec::new(), surroundings);
    let status = post(client, &file.portal, CONFIRM_PATH, confirm).await?;
    if status != 200 {
        bail!("the enrolment was answered {status}");
    }
    let packages = packages(&mut sender, number, reports, surroundings);
    Ok(Agent { sender, packages })
}

/// Seals `reports` packages, each a reading of one printer with its next jobs.
fn packages(sender: &mut Sender, number: usize, reports: usize, surroundings: &Surroundings) -> Vec<Vec<u8>> {
    let mut rng = Rng::new(number as u64 + 1);
    let mut report = sample::report(number as u64);
    let start = report.read_at;
    let mut sealed = Vec::with_capacity(reports);
    for sequence in 1..=reports as u64 {
        report.read_at = Instant(start.0 + Duration::hours(3).0 * sequence as i64);
        report.jobs = (0..JOBS)
            .map(|_| {
                let mut job = sample::job(&mut rng, JobKind::Print);
                job.personal = Personal::default();
                (job, Vec::new())
            })
            .collect();
        report.usage.jobs = report.usage.jobs.map(|jobs| jobs + JOBS as i64);
        report.usage.pages = report.usage.pages.map(|pages| pages + JOBS as i64);
        let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
        let Some(split) = package::records(&report, &[], manner) else { continue };
        let drafts: Vec<_> = std::iter::once(&split.reading).chain(split.jobs.iter().map(|(_, draft)| draft)).collect();
        // Sections travel once; afterwards their digest does.
        let full = if sequence == 1 { split.sections.as_slice() } else { &[] };
        let compressed = sender.pack(&drafts, full, surroundings);
        sealed.push(package::seal(&sender.keys, &compressed, surroundings.random()));
    }
    sealed
}

//! A portal for a bench: set up in this process, served by a process of its own.
//!
//! Deliberately absent: customers and agents; each bench makes the ones that it needs.

use super::process::Running;
use anyhow::bail;
use portal::{Db, Portal, PortalKeys};
use report::Surroundings;
use std::path::Path;
use std::process::Stdio;

/// Writes what the portal process will find in `folder`: keys, certificate and its address. Gives the portal,
/// so that it can be set up.
pub(super) fn prepare(db: &Db, folder: &Path, surroundings: &Surroundings) -> anyhow::Result<Portal> {
    let authority = format!("127.0.0.1:{}", free_port()?);
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?.self_signed(&key)?;
    std::fs::write(folder.join("portal.pem"), certificate.pem())?;
    std::fs::write(folder.join("portal.key"), key.serialize_pem())?;
    std::fs::write(folder.join("authority"), &authority)?;
    let agents_ca = Some(certificate.pem());
    let settings = portal::config::Settings { agents_authority: authority, agents_ca, ..Default::default() };
    let keys = PortalKeys::load(&folder.join("portal-keys.json"), db, surroundings)?;
    Ok(Portal::new(settings, db.clone(), keys, surroundings.clone())?)
}

/// Starts the portal process and waits until it listens.
pub(super) fn start(folder: &Path, postgres: Option<&str>) -> anyhow::Result<Running> {
    let authority = std::fs::read_to_string(folder.join("authority"))?;
    let postgres = postgres.map_or(String::new(), |connection| format!("postgres = {connection:?}\n"));
    let file = format!(
        "data = {folder:?}\nlisten = \"127.0.0.1:{}\"\n{postgres}[agents]\n\
         listen = \"{authority}\"\nauthority = \"{authority}\"\n\
         certificate = {:?}\nkey = {:?}\n",
        free_port()?,
        folder.join("portal.pem"),
        folder.join("portal.key"),
    );
    let path = folder.join("portal.toml");
    std::fs::write(&path, file)?;
    let child = std::process::Command::new(std::env::current_exe()?)
        .args(["portal", "serve", "--config"])
        .arg(&path)
        .env("PLOTMETER_LOG", "error")
        .stdout(Stdio::null())
        .spawn()?;
    let running = Running(child);
    for _ in 0..200 {
        if std::net::TcpStream::connect(&authority).is_ok() {
            return Ok(running);
        }
        // Waiting for a process to listen; the figures start later.
        std::process::Command::new("sleep").arg("0.05").status()?;
    }
    bail!("the portal did not start")
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

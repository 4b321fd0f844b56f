//! The collector as a service of Windows: made, taken away, and run by the service manager.
//!
//! The service runs as LocalService, which may do little; the state folder is opened to it and closed
//! to everybody else. Deliberately absent: services of other systems, for which `packaging/` has units,
//! and any code of our own without the compiler's checks.
#![cfg(windows)]

use crate::agents::{AgentFile, serve};
use crate::collector::ConfigFile;
use anyhow::{Context, bail};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use windows_services::Command as Control;

/// The service's name, which is also the source of its events.
const NAME: &str = "Plotmeter";
/// The account it runs as, and that account's well-known identity (S-1-5-19).
const ACCOUNT: &str = r"NT AUTHORITY\LocalService";
/// Where sources of events are registered.
const SOURCES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Plotmeter";

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Makes the service, or brings it up to date; it starts with the machine.
    Install(ConfigFile),
    /// Stops the service and takes it away; the state folder stays.
    Uninstall,
    /// What the service manager calls.
    Run(ConfigFile),
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Install(config) => install(&config),
        Command::Uninstall => uninstall(),
        Command::Run(config) => manage(config),
    }
}

fn install(file: &ConfigFile) -> anyhow::Result<()> {
    let config = file.load()?;
    let path = std::path::absolute(&file.config).context("find the configuration file")?;
    let program = std::env::current_exe().context("find this program")?;
    let line = format!("\"{}\" collector service run --config \"{}\"", program.display(), path.display());
    let exists = system("sc.exe", &["query", NAME]).is_ok();
    let verb = if exists { "config" } else { "create" };
    system("sc.exe", &[verb, NAME, "binPath=", &line, "start=", "delayed-auto", "obj=", ACCOUNT])?;
    system("sc.exe", &["config", NAME, "DisplayName=", "Plotmeter collector"])?;
    system("sc.exe", &["description", NAME, "Reads large-format printers and reports their usage to one portal."])?;
    // After one minute, ten minutes, then each hour; a day without a failure starts over.
    let again = "restart/60000/restart/600000/restart/3600000";
    system("sc.exe", &["failure", NAME, "reset=", "86400", "actions=", again])?;
    // The texts of events are those of the system's own program for events: one string as it is.
    let texts = r"%SystemRoot%\System32\EventCreate.exe";
    system("reg.exe", &["add", SOURCES, "/v", "EventMessageFile", "/t", "REG_EXPAND_SZ", "/d", texts, "/f"])?;
    system("reg.exe", &["add", SOURCES, "/v", "TypesSupported", "/t", "REG_DWORD", "/d", "7", "/f"])?;
    protect(&config.state)?;
    println!("the service {NAME} is there; start it with: sc start {NAME}");
    Ok(())
}

/// Opens the state folder to the service, the system and administrators, and to nobody else.
fn protect(state: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(state).with_context(|| format!("make the folder {}", state.display()))?;
    let folder = state.display().to_string();
    let rights = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "*S-1-5-19:(OI)(CI)M"];
    system("icacls.exe", &[&folder, "/inheritance:r", "/grant:r", rights[0], rights[1], rights[2]])
}

fn uninstall() -> anyhow::Result<()> {
    // It may stand still already.
    let _stands = system("sc.exe", &["stop", NAME]);
    system("sc.exe", &["delete", NAME])?;
    // Where the source was never registered there is nothing to take away.
    let _absent = system("reg.exe", &["delete", SOURCES, "/f"]);
    println!("the service {NAME} is gone; its state folder stays");
    Ok(())
}

/// Runs a program of the system; its output is part of the error.
fn system(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("run {program}; this needs administrator's rights"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    bail!("{program} {} failed: {}", arguments.first().unwrap_or(&""), said.trim())
}

/// The collector while the service runs.
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start(config: ConfigFile) -> Running {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let stopped = async {
                // A sender that is gone means stop as well.
                let _said = stopped.await;
            };
            if let Err(error) = serve(&config, stopped) {
                tracing::error!(error = format!("{error:#}"), "the collector ended");
                // The service manager sees a service that ended by itself, and starts it again.
                std::process::exit(1);
            }
        });
        Running { stop, thread }
    }

    /// Whatever is under way is in the spool or will be done again.
    fn stop(self) {
        let _ended = self.stop.send(());
        let _ended = self.thread.join();
    }
}

fn manage(config: ConfigFile) -> anyhow::Result<()> {
    let running: Mutex<Option<Running>> = Mutex::new(None);
    let act = move |control: Control| {
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        match control {
            Control::Start => *running = Some(Running::start(config.clone())),
            Control::Stop => {
                if let Some(running) = running.take() {
                    running.stop();
                }
            }
            _ => {}
        }
    };
    windows_services::Service::new().can_stop().run(move |_service, control| act(control)).map_err(anyhow::Error::msg)
}

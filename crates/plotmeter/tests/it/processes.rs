//! Programs as processes: quiet, straight to what they are told to call, and gone with the test.
//!
//! Deliberately absent: what their words mean, which every test reads for itself.

use crate::world::Prepared;
use protocol::enrol::EnrolmentFile;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The program.
pub(crate) const EXECUTABLE: &str = env!("CARGO_BIN_EXE_plotmeter");
/// A command that has not ended by then never will.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// What a command said.
pub(crate) struct Said {
    pub(crate) success: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Both outputs.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// A program, perhaps one that starts another one, without a proxy; nobody hears it unless somebody asks.
pub(crate) fn quiet(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    for proxy in ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.env("PLOTMETER_LOG", "error").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.kill_on_drop(true);
    command
}

/// `plotmeter collector …` or `plotmeter direct …` on a configuration.
pub(crate) fn of_agent(agent: &str, config: &Path, arguments: &[&str]) -> Command {
    let mut command = quiet(EXECUTABLE, &[agent]);
    command.args(arguments).arg("--config").arg(config);
    command
}

/// Runs a command until it ends.
pub(crate) async fn said(command: &mut Command) -> Said {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time").expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { success: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs `plotmeter collector …` or `plotmeter direct …` on a configuration until it ends.
pub(crate) async fn run(agent: &str, config: &Path, arguments: &[&str]) -> Said {
    said(&mut of_agent(agent, config, arguments)).await
}

/// Writes an enrolment file; gives its path.
pub(crate) fn write_enrolment(folder: &Path, name: &str, file: &EnrolmentFile) -> String {
    let path = folder.join(name);
    std::fs::write(&path, serde_json::to_vec(file).expect("JSON")).expect("written");
    path.display().to_string()
}

/// Enrols an agent by such a file for the customer of every test.
pub(crate) async fn enrol(agent: &str, config: &Path, file: &str) -> Said {
    run(agent, config, &["enrol", "--confirm", "Kessler Architekten", file]).await
}

/// Starts the portal of a folder and waits until it listens.
pub(crate) async fn start_portal(prepared: &Prepared) -> Child {
    let mut command = quiet(EXECUTABLE, &["portal", "serve", "--config"]);
    let portal = command.arg(&prepared.portal_config).spawn().expect("starts");
    let address = prepared.pages.trim_start_matches("http://").to_owned();
    for _ in 0..400 {
        if tokio::net::TcpStream::connect(&address).await.is_ok() {
            return portal;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the portal does not listen on {address}");
}

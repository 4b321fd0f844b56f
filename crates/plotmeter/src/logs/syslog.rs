//! Lines for the system's log on Unix, as RFC 5424 says, over the datagram socket of this machine.
//!
//! Deliberately absent: syslog over a network, and structured data; the fields stand in the text.
#![cfg(unix)]

use super::{Line, Sink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tracing::Level;

/// The facility `daemon`.
const DAEMON: u8 = 3;
/// What a line is cut to, in bytes: every receiver takes at least that much (RFC 5424, 6.1).
const BYTES_MAX: usize = 2048;

/// The socket of the system's log. It is opened when there is something to say, and again after it went away.
pub(super) struct Syslog {
    path: PathBuf,
    socket: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    /// The log behind the socket at `path`.
    pub(super) fn new(path: &Path) -> Syslog {
        Syslog { path: path.to_owned(), socket: Mutex::new(None) }
    }

    fn connect(&self) -> std::io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        // A log that does not read must not hold the program up.
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}

impl Sink for Syslog {
    fn take(&self, line: &Line) {
        let message = message(line);
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.as_ref().is_some_and(|socket| socket.send(message.as_bytes()).is_ok()) {
            return;
        }
        // It was not open yet, or the system's log was started anew.
        *socket = self.connect().ok();
        if let Some(socket) = &*socket {
            // Nobody is there to be told that the system's log does not listen.
            let _unheard = socket.send(message.as_bytes());
        }
    }
}

/// `<priority>1 time host program process message-id structured-data text`, what is not known as `-`.
fn message(line: &Line) -> String {
    let priority = DAEMON * 8 + severity(line.level());
    let mut text = format!("<{priority}>1 {} - plotmeter {} - - {}", line.at(), std::process::id(), line.text());
    let mut end = text.len().min(BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Logs;
    use super::*;
    use report::Instant;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    fn say(path: &Path, work: impl FnOnce()) {
        let logs = Logs { sinks: vec![Box::new(Syslog::new(path))], clock: || Instant(1_790_812_800_000) };
        tracing::subscriber::with_default(Registry::default().with(logs), work);
    }

    #[test]
    fn a_line_arrives_as_one_datagram_of_rfc_5424() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let system = UnixDatagram::bind(&path).expect("a socket");
        say(&path, || tracing::warn!(printer.address = "192.0.2.10", why = "a\nb", "a printer was not read"));
        let mut datagram = [0; 4096];
        let length = system.recv(&mut datagram).expect("a datagram");
        let text = std::str::from_utf8(&datagram[..length]).expect("text");
        assert!(text.starts_with("<28>1 2026-10-01T00:00:00Z - plotmeter "), "{text}");
        assert!(text.ends_with("WARN a printer was not read printer.address=192.0.2.10 why=a\\nb"), "{text}");
    }

    #[test]
    fn without_a_system_log_nothing_happens() {
        let folder = tempfile::tempdir().expect("a folder");
        say(&folder.path().join("absent"), || tracing::error!("unheard"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let system = UnixDatagram::bind(&path).expect("a socket");
        say(&path, || tracing::info!(a = "é".repeat(900), b = "é".repeat(900), "long"));
        let mut datagram = [0; 8192];
        let length = system.recv(&mut datagram).expect("a datagram");
        assert!(length <= BYTES_MAX && std::str::from_utf8(&datagram[..length]).is_ok(), "{length} bytes");
    }
}

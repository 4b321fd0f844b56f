//! What a running agent says to whoever supervises it: systemd hears that it is ready, that it is
//! alive, and that it stops. Elsewhere nobody listens, and nothing is said.
//!
//! It is said beside the agent's loop, in the same task: an agent that blocks says nothing, and systemd
//! starts the program again. One that waits for ever is not noticed so; every wait for a network has a
//! limit of its own. Deliberately absent: the libsystemd library; it is one datagram a sentence.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

/// The socket that systemd names to a service that it wants to hear from.
const SOCKET: &str = "NOTIFY_SOCKET";
/// Microseconds within which systemd wants to hear from the service again.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// Whoever supervises this process.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor {
    socket: Option<String>,
    /// Half of what systemd allows, so that one late sentence is no death.
    beat: Option<Duration>,
}

impl Supervisor {
    /// Finds the supervisor in the environment.
    pub(crate) fn of(environment: &BTreeMap<String, String>) -> Supervisor {
        let socket = environment.get(SOCKET).filter(|socket| socket.starts_with(['/', '@'])).cloned();
        let micros = environment.get(WATCHDOG).and_then(|text| text.parse::<u64>().ok()).filter(|micros| *micros > 0);
        let beat = micros.filter(|_| socket.is_some()).map(|micros| Duration::from_micros(micros.div_ceil(2)));
        Supervisor { socket, beat }
    }

    /// The agent is about to work.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// The agent stops.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// Ready when `stop` is. While it waits, whoever polls it shows that it is alive.
    pub(crate) async fn alive_until(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            self.say("WATCHDOG=1");
            match self.beat {
                None => return stop.await,
                Some(beat) => tokio::select! {
                    () = &mut stop => return,
                    () = tokio::time::sleep(beat) => {}
                },
            }
        }
    }

    fn say(&self, sentence: &str) {
        if let Some(socket) = &self.socket {
            // A supervisor that does not listen is no reason to stop.
            let _unheard = send(socket, sentence.as_bytes());
        }
    }
}

#[cfg(unix)]
fn send(socket: &str, sentence: &[u8]) -> std::io::Result<usize> {
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let from = UnixDatagram::unbound()?;
    from.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt;
        return from.send_to_addr(sentence, &SocketAddr::from_abstract_name(name)?);
    }
    from.send_to_addr(sentence, &SocketAddr::from_pathname(socket)?)
}

#[cfg(not(unix))]
fn send(_socket: &str, _sentence: &[u8]) -> std::io::Result<usize> {
    Ok(0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn environment(socket: &str, micros: &str) -> BTreeMap<String, String> {
        [(SOCKET, socket), (WATCHDOG, micros)].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut sentence = [0; 64];
        let length = socket.recv(&mut sentence).expect("a sentence");
        String::from_utf8(sentence[..length].to_vec()).expect("text")
    }

    #[tokio::test]
    async fn systemd_hears_ready_alive_and_stopping() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("a socket");
        let supervisor = Supervisor::of(&environment(path.to_str().expect("text"), "2000"));
        supervisor.ready();
        assert_eq!(heard(&systemd), "READY=1");
        let mut beats = 0;
        let stop = std::future::poll_fn(|_context| {
            beats += 1;
            // Nothing but the beats wakes it.
            if beats > 2 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        supervisor.alive_until(stop).await;
        assert_eq!((heard(&systemd), heard(&systemd)), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
        supervisor.stopping();
        while heard(&systemd) != "STOPPING=1" {}
    }

    #[test]
    fn without_a_supervisor_nothing_is_said() {
        for (socket, micros) in [("", ""), ("relative", "10"), ("/nowhere/at/all", "-1"), ("/nowhere", "x")] {
            let supervisor = Supervisor::of(&environment(socket, micros));
            assert_eq!(supervisor.beat, None);
            supervisor.ready();
        }
    }
}

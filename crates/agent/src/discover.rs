//! Discovery: which printers answer in the ranges of the customer's file, for whoever sets a collector up.
//!
//! It asks what a collector may ask of an address at which nothing is known, no faster than a collector does, and
//! says what answered and whether it would be read. Deliberately absent: anything that is kept or sent, a login,
//! and any address that the file does not name or allow.

use crate::address;
use crate::config::{Config, ConfigError};
pub use crate::mdns::{Suggestion, suggestions};
use crate::printer::{Access, AskError, Contact, Identified, Known, Memories, Patience, interfaces};
use drivers::models;
use protocol::ranges::{self, RangeError, Span};
use report::{Configuration, Surroundings};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Addresses asked at the same time, as by a collector's sweep.
const AT_ONCE: usize = 2;
/// Between two connections to unknown addresses: ten a second at most, as by a collector's sweep.
const SPACING: Duration = Duration::from_millis(100);
/// An unknown address that takes no connection for this long has no printer, as for a collector's sweep.
const CONNECT: Duration = Duration::from_secs(3);

/// Why nothing is asked.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// Neither the file nor the command names addresses.
    #[error(
        "the file names no ranges: write some into it, or name one with --range; a printer that it lists by address \
         is looked at by `plotmeter probe`"
    )]
    NoRanges,
    /// A range goes beyond what the file allows.
    #[error(
        "{0} is neither in the ranges of the file nor in its [allow] networks; the file belongs to the customer's \
         side, which may add it there"
    )]
    Outside(Span),
    /// A range, or all of them together, is none that is read.
    #[error("{0} {1}")]
    Range(Span, RangeError),
    /// The file, or one that it names, cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Addresses that were asked.
    pub asked: usize,
    /// Addresses to ask, each with each port counted.
    pub of: usize,
    /// What was found.
    pub found: usize,
}

/// Something that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, as a file names it.
    pub address: String,
    /// What it says it is; empty where it could not be asked.
    pub configuration: Configuration,
    /// The interfaces that recognised it. IPP is not asked of an unknown address.
    pub interfaces: Vec<&'static str>,
    /// Whether a collector would read it.
    pub supported: bool,
    /// Why it would not be read, or what keeps it from being asked; `None` where nothing does.
    pub why: Option<String>,
}

/// What a look through the ranges gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// What answered, in the order of the answers.
    pub found: Vec<Found>,
    /// How far it came.
    pub progress: Progress,
}

/// The addresses of `ranges`, or of the file's own ranges where none is named, without those that it excludes.
///
/// # Errors
/// Where a range goes beyond the file's ranges and its `[allow] networks`, or is none that is read.
pub fn addresses(config: &Config, ranges: &[Span]) -> Result<Vec<IpAddr>, DiscoverError> {
    let allowed: Vec<&Span> = config.ranges.iter().chain(&config.allow.networks).collect();
    for range in ranges {
        range.check().map_err(|error| DiscoverError::Range(*range, error))?;
        if !allowed.iter().any(|allowed| allowed.covers(range)) {
            return Err(DiscoverError::Outside(*range));
        }
    }
    let ranges = if ranges.is_empty() { config.ranges.as_slice() } else { ranges };
    if ranges.is_empty() {
        return Err(DiscoverError::NoRanges);
    }
    ranges::addresses(ranges, &config.excluded).map_err(|(range, error)| DiscoverError::Range(range, error))
}

/// Whether a collector with this file asks an address, through its ranges or as a listed printer.
pub fn is_asked(config: &Config, address: IpAddr) -> bool {
    let is_it = |printer: &crate::config::Printer| address::literal(&printer.address) == Some(address);
    let in_ranges = config.ranges.iter().any(|range| range.contains(address));
    let excluded = config.excluded.iter().any(|range| range.contains(address));
    !excluded && (in_ranges || config.printers.iter().any(is_it))
}

/// Asks every address of `ranges` who is there, slowly, until all were asked or `stop` is ready.
///
/// # Errors
/// As [`addresses`], and where the file's interfaces cannot be used. Addresses at which nothing answers are none.
pub async fn discover(
    config: &Config,
    ranges: &[Span],
    surroundings: &Surroundings,
    stop: impl Future<Output = ()>,
    progress: impl FnMut(Progress),
) -> Result<Discovery, DiscoverError> {
    let access = config.access()?;
    let at = |address: IpAddr| config.allow.ports.iter().map(move |port| address::of(address, *port));
    let targets: Vec<String> = addresses(config, ranges)?.into_iter().flat_map(at).collect();
    let mut discovery = Discovery::default();
    let asking = Asking {
        access: Arc::new(access),
        also_supported: &config.also_supported,
        surroundings,
        patience: Patience { connect: CONNECT, ..Patience::pausing(config.pause_ms) },
    };
    tokio::select! {
        () = stop => {}
        () = asking.ask_each(targets, &mut discovery, progress) => {}
    }
    Ok(discovery)
}

/// How addresses are asked.
struct Asking<'a> {
    access: Arc<Access>,
    also_supported: &'a [String],
    surroundings: &'a Surroundings,
    patience: Patience,
}

impl Asking<'_> {
    async fn ask_each(&self, targets: Vec<String>, discovery: &mut Discovery, mut progress: impl FnMut(Progress)) {
        discovery.progress.of = targets.len();
        progress(discovery.progress);
        let mut waiting = targets.into_iter();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < AT_ONCE {
                let Some(address) = waiting.next() else { break };
                let (access, read_at, patience) = (self.access.clone(), self.surroundings.now(), self.patience);
                tasks.spawn(async move {
                    let (known, memories) = (Known::default(), Memories::default());
                    let contact = Contact {
                        address: &address,
                        pinned: None,
                        access: &access,
                        known: &known,
                        memories: &memories,
                        first_look: true,
                        read_at,
                        patience,
                    };
                    let said = interfaces(contact).await;
                    (address, said)
                });
                tokio::time::sleep(SPACING).await;
            }
            let Some(done) = tasks.join_next().await else { return };
            if let Ok((address, said)) = done {
                discovery.found.extend(self.found(address, said));
            }
            discovery.progress.asked += 1;
            discovery.progress.found = discovery.found.len();
            progress(discovery.progress);
        }
    }

    /// What stands in the table of an address; `None` where nothing answered.
    fn found(&self, address: String, said: Result<Identified, AskError>) -> Option<Found> {
        match said {
            Ok(Identified { configuration, drivers: interfaces, .. }) => {
                let (name, number) = (configuration.product_name.as_deref(), configuration.product_number.as_deref());
                let supported = models::is_supported(name, number, self.also_supported);
                let why = "not of a supported series; also_supported in the file adds a model";
                let why = (!supported).then(|| why.to_owned());
                Some(Found { address, configuration, interfaces, supported, why })
            }
            Err(why @ (AskError::Asleep | AskError::OldTls)) => {
                let (configuration, interfaces) = (Configuration::default(), Vec::new());
                Some(Found { address, configuration, interfaces, supported: false, why: Some(why.to_string()) })
            }
            Err(AskError::Certificate { .. } | AskError::Unanswered(_) | AskError::Unrecognised { .. }) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn config(more: &str) -> Config {
        Config::parse(&format!("state = \"s\"\n{more}")).expect("valid")
    }

    fn span(text: &str) -> Span {
        Span::parse(text).expect("valid")
    }

    const FILE: &str = "ranges = [\"192.0.2.0/30\"]\nexclude = [\"192.0.2.2\"]\n[[printer]]\n\
        address = \"198.51.100.9:8443\"\n[allow]\nnetworks = [\"10.1.0.0/16\"]\n";

    #[test]
    fn only_addresses_that_the_file_names_or_allows_are_asked() {
        let shown = |ranges: &[Span]| {
            let found = addresses(&config(FILE), ranges);
            found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>()).map_err(|why| why.to_string())
        };
        let own = ["192.0.2.0", "192.0.2.1", "192.0.2.3"].map(str::to_owned).to_vec();
        assert_eq!(shown(&[]), Ok(own));
        assert_eq!(shown(&[span("192.0.2.1-192.0.2.2")]), Ok(vec!["192.0.2.1".to_owned()]));
        assert_eq!(shown(&[span("10.1.2.3")]), Ok(vec!["10.1.2.3".to_owned()]));
        for outside in ["192.0.2.4", "192.0.2.3-192.0.2.4", "10.2.0.1", "2001:db8::1", "198.51.100.9"] {
            let why = shown(&[span("192.0.2.1"), span(outside)]).expect_err(outside);
            assert!(why.contains(outside) && why.contains("[allow] networks"), "{why}");
        }
        for (never, words) in [("127.0.0.1", "this machine"), ("10.1.0.0/16", "4096"), ("0.0.0.0/0", "unspecified")] {
            let why = shown(&[span(never)]).expect_err(never);
            assert!(why.contains(words), "{why}");
        }
        assert!(matches!(addresses(&config(""), &[]), Err(DiscoverError::NoRanges)));
    }

    #[test]
    fn a_suggestion_is_marked_by_what_a_collector_would_ask() {
        let config = config(FILE);
        for (address, asked) in [("192.0.2.1", true), ("192.0.2.2", false), ("198.51.100.9", true), ("10.1.2.3", false)]
        {
            assert_eq!(is_asked(&config, address.parse().expect("an address")), asked, "{address}");
        }
    }

    /// A printer without TLS that names itself and knows nothing else.
    async fn printer(name: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut head, mut byte) = (Vec::new(), [0]);
                    while let Ok(1) = stream.read(&mut byte).await {
                        head.push(byte[0]);
                        if !head.ends_with(b"\r\n\r\n") {
                            continue;
                        }
                        let asked = String::from_utf8_lossy(&head).contains("/Identification.json");
                        let fields = format!("{{\"ModelName\": \"{name}\", \"SerialNumber\": \"CN1\"}}");
                        let document = format!("{{\"Identification\": {{\"Fields\": {fields}}}}}");
                        let (status, body) = if asked { ("200 OK", document) } else { ("404 No", String::new()) };
                        let length = body.len();
                        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
                        head.clear();
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn each_answer_says_what_it_is_and_whether_it_would_be_read() {
        let targets = vec![printer("HP DesignJet T930 36in").await, "http://127.0.0.1:1".to_owned()];
        let other = printer("HP DesignJet Z9 24in").await;
        let targets = [targets, vec![other]].concat();
        let surroundings = World::new().surroundings();
        let asking = Asking {
            access: Arc::new(Access::default()),
            also_supported: &[],
            surroundings: &surroundings,
            patience: Patience { connect: CONNECT, ..Patience::pausing(0) },
        };
        let (mut discovery, mut steps) = (Discovery::default(), Vec::new());
        asking.ask_each(targets.clone(), &mut discovery, |progress| steps.push(progress.asked)).await;
        assert_eq!(steps, [0, 1, 2, 3]);
        assert_eq!(discovery.progress, Progress { asked: 3, of: 3, found: 2 });
        let of = |address: &String| {
            let found = discovery.found.iter().find(|found| found.address == *address).expect("found");
            (found.interfaces.as_slice(), found.supported, found.why.is_some())
        };
        assert_eq!(of(&targets[0]), (["piws"].as_slice(), true, false));
        assert_eq!(of(&targets[2]), (["piws"].as_slice(), false, true));
    }
}

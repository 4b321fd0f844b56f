//! The agents' own files, on the customer's side: what is read, what the portal may ask for, what
//! happens to names, how the portal is reached, and what is logged.
//!
//! The portal can read none of it and change none of it. Deliberately absent: secrets, which stand in
//! files of their own, and settings that the portal sends, which the [`crate::envelope`] bounds.

mod interfaces;

pub use interfaces::InterfacesConfig;

use crate::address;
use crate::files::read_bounded;
use crate::printer::Access;
use crate::privacy::Policy;
use crate::proxy::{ProxySetting, SystemFacts};
use protocol::limits::{INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};
use protocol::ranges::{self, Span};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// A commented file to start from.
pub const TEMPLATE: &str = include_str!("collector.toml");

/// A commented file of a direct agent to start from.
pub const DIRECT_TEMPLATE: &str = include_str!("direct.toml");

/// What the collector's file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Folder for keys and spool.
    pub state: PathBuf,
    /// Pause between two requests to one printer, in milliseconds.
    pub pause_ms: u64,
    /// The printers listed by address.
    pub printers: Vec<Printer>,
    /// Models read besides the supported series.
    pub also_supported: Vec<String>,
    /// Over what printers may be asked besides their web server.
    pub interfaces: InterfacesConfig,
    /// What happens to personal rows.
    pub privacy: Policy,
    /// How the portal is reached.
    pub portal: PortalConfig,
    /// What is logged, and where.
    pub log: LogConfig,
    /// What the program knows of its system; see [`Config::with_facts`].
    pub facts: SystemFacts,
    /// What the portal may ask for.
    pub(crate) allow: Allow,
    /// Ranges of the local file and of its list.
    pub(crate) ranges: Vec<Span>,
    /// Never read.
    pub(crate) excluded: Vec<Span>,
}

/// What a direct agent's file says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectConfig {
    /// Folder for keys and spool.
    pub state: PathBuf,
    /// Host or address of the printer, with `:port` unless it is 443; `https://` may stand before it.
    #[serde(deserialize_with = "printer_address")]
    pub printer: String,
    /// Seconds between two looks at the printer.
    #[serde(default = "default_poll_seconds", deserialize_with = "poll_seconds")]
    pub poll_seconds: u64,
    /// Pause between two requests to the printer, in milliseconds.
    #[serde(default = "default_pause_ms", deserialize_with = "pause_ms")]
    pub pause_ms: u64,
    /// Whether the printer may be read without TLS, where its address begins with `http://`.
    #[serde(default)]
    pub plain_http: bool,
    /// Over what the printer may be asked besides its web server.
    #[serde(default)]
    pub interfaces: InterfacesConfig,
    /// What happens to personal rows.
    #[serde(default)]
    pub privacy: Policy,
    /// How the portal is reached.
    #[serde(default)]
    pub portal: PortalConfig,
    /// What is logged, and where.
    #[serde(default)]
    pub log: LogConfig,
    /// What the program knows of its system.
    #[serde(skip)]
    pub facts: SystemFacts,
}

/// What happens to all personal rows at once: the short form of `[privacy]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Personal {
    /// They are removed before the spool.
    #[default]
    Drop,
    /// They travel, in each record's annex.
    Keep,
}

/// One printer to read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printer {
    /// Host or address, with `:port` unless it is 443, and `http://` before it where TLS is not used.
    #[serde(deserialize_with = "printer_address")]
    pub address: String,
}

/// What the portal may ask for: the consent envelope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Allow {
    /// Networks in which the portal may name ranges.
    #[serde(deserialize_with = "spans")]
    pub(crate) networks: Vec<Span>,
    /// Ports of printers found through ranges.
    #[serde(deserialize_with = "ports")]
    pub(crate) ports: Vec<u16>,
    /// Whether printers may be read without TLS.
    pub(crate) plain_http: bool,
    /// Readings are never closer together, in minutes.
    #[serde(deserialize_with = "interval")]
    pub(crate) interval_minutes: u32,
}

impl Default for Allow {
    fn default() -> Allow {
        Allow { networks: Vec::new(), ports: vec![443], plain_http: false, interval_minutes: INTERVAL_MINUTES_MIN }
    }
}

/// How the portal is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortalConfig {
    /// Through which proxy.
    pub proxy: ProxySetting,
    /// A file with `user:password` for the proxy.
    pub proxy_credentials: Option<PathBuf>,
    /// A certificate authority in PEM to trust besides the others.
    pub authority: Option<PathBuf>,
    /// Bytes in 30 minutes while the agent catches up; the default is the budget's.
    pub catch_up_bytes: Option<u64>,
}

/// What is logged, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The file; without one the log goes to standard error.
    pub file: Option<PathBuf>,
    /// Old files are kept this many days.
    #[serde(deserialize_with = "keep_days")]
    pub keep_days: u32,
    /// `error`, `warn`, `info` or `debug`.
    #[serde(deserialize_with = "level")]
    pub level: String,
    /// Whether the log also goes to syslog.
    pub syslog: bool,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig { file: None, keep_days: 14, level: "info".to_owned(), syslog: false }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state: PathBuf,
    personal: Option<Personal>,
    #[serde(default = "default_pause_ms", deserialize_with = "pause_ms")]
    pause_ms: u64,
    #[serde(default, deserialize_with = "spans")]
    ranges: Vec<Span>,
    #[serde(default, deserialize_with = "spans")]
    exclude: Vec<Span>,
    ranges_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "models")]
    also_supported: Vec<String>,
    #[serde(default, rename = "printer")]
    printers: Vec<Printer>,
    #[serde(default)]
    allow: Allow,
    #[serde(default)]
    interfaces: InterfacesConfig,
    privacy: Option<Policy>,
    #[serde(default)]
    portal: PortalConfig,
    #[serde(default)]
    log: LogConfig,
}

/// Printers that one collector lists by address at most.
const PRINTERS_MAX: usize = 1000;
/// Ports of printers found through ranges, at most: each is one more connection to each address.
const PORTS_MAX: usize = 4;
/// Bytes of an agent's file, and of a list of printers.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The longest pause between two requests to one printer, in milliseconds: a reading takes some dozen requests.
const PAUSE_MS_MAX: u64 = 10_000;
/// Log files are kept this long at most, in days.
const KEEP_DAYS_MAX: u32 = 3650;
/// Models that are named beside the supported series, at most.
const MODELS_MAX: usize = 100;
/// The shortest pause between two looks of a direct agent, in seconds.
const POLL_SECONDS_MIN: u64 = 30;
/// The longest pause between two looks of a direct agent, in seconds.
const POLL_SECONDS_MAX: u64 = 3600;

fn default_pause_ms() -> u64 {
    1000
}
fn default_poll_seconds() -> u64 {
    60
}

/// The file cannot be used. Nothing starts.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what the program understands; the text names line and key.
    #[error("{path}: {what}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, key and reason.
        what: String,
    },
}

impl Config {
    /// Reads and checks the file, and the list of printers that it names.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let wrong = |path: &Path, what: String| ConfigError::Wrong { path: path.to_owned(), what };
        let text = read(path)?;
        let (mut config, list) = Config::read(&text).map_err(|what| wrong(path, what))?;
        if let Some(list) = list {
            // Beside the file that names it, wherever the program was started.
            let list = path.parent().unwrap_or(Path::new("")).join(list);
            let text = read(&list)?;
            config.add_list(&text).map_err(|what| wrong(&list, what))?;
            config.check_cap().map_err(|what| wrong(path, what))?;
        }
        Ok(config)
    }

    /// How printers may be asked, with the secrets that the file names.
    pub fn access(&self) -> Result<Access, ConfigError> {
        self.interfaces.access()
    }

    /// Checks the text of a file. The error names line and key. A list that it names is not read.
    pub fn parse(text: &str) -> Result<Config, String> {
        Ok(Config::read(text)?.0)
    }

    /// The configuration with what the program knows of its system: the environment, for the proxy.
    #[must_use]
    pub fn with_facts(mut self, facts: SystemFacts) -> Config {
        self.facts = facts;
        self
    }

    fn read(text: &str) -> Result<(Config, Option<PathBuf>), String> {
        let file: File = parse(text)?;
        if file.printers.len() > PRINTERS_MAX {
            return Err(format!("more than {PRINTERS_MAX} printers are listed"));
        }
        for printer in &file.printers {
            check_scheme(text, &printer.address, file.allow.plain_http, "allow.plain_http")?;
        }
        check_twice(text, &file.printers)?;
        check_interfaces(text, &file.interfaces)?;
        let privacy = match (file.personal, file.privacy) {
            (Some(_), Some(_)) => {
                let line = line_of(text, "personal");
                return Err(format!("line {line}: personal = … and [privacy] are both given; leave one of them out"));
            }
            (Some(Personal::Keep), None) => Policy::keep_all(),
            (Some(Personal::Drop) | None, policy) => policy.unwrap_or_default(),
        };
        let config = Config {
            state: file.state,
            pause_ms: file.pause_ms,
            printers: file.printers,
            also_supported: file.also_supported,
            interfaces: file.interfaces,
            privacy,
            portal: file.portal,
            log: file.log,
            facts: SystemFacts::default(),
            allow: file.allow,
            ranges: file.ranges,
            excluded: file.exclude,
        };
        for span in &config.ranges {
            span.check().map_err(|error| format!("line {}: ranges: {span} {error}", line_of(text, "ranges")))?;
        }
        config.check_cap().map_err(|what| format!("line {}: {what}", line_of(text, "ranges")))?;
        Ok((config, file.ranges_file))
    }

    fn add_list(&mut self, text: &str) -> Result<(), String> {
        for (line, cell) in ranges::first_column(text) {
            let span = Span::readable(&cell).map_err(|error| format!("line {line}: {cell:?} {error}"))?;
            self.ranges.push(span);
        }
        Ok(())
    }

    fn check_cap(&self) -> Result<(), String> {
        let counted = ranges::addresses(&self.ranges, &self.excluded);
        counted.map(drop).map_err(|(span, error)| format!("ranges: with {span} the list {error}"))
    }
}

impl DirectConfig {
    /// A direct agent's settings where no file says more.
    pub fn new(state: PathBuf, printer: &str) -> Result<DirectConfig, String> {
        Ok(DirectConfig {
            state,
            printer: address::known(printer).ok_or_else(|| not_an_address(printer))?,
            poll_seconds: default_poll_seconds(),
            pause_ms: default_pause_ms(),
            plain_http: false,
            interfaces: InterfacesConfig::default(),
            privacy: Policy::default(),
            portal: PortalConfig::default(),
            log: LogConfig::default(),
            facts: SystemFacts::default(),
        })
    }

    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<DirectConfig, ConfigError> {
        let text = read(path)?;
        DirectConfig::parse(&text).map_err(|what| ConfigError::Wrong { path: path.to_owned(), what })
    }

    /// Checks the text of a file. The error names line and key.
    pub fn parse(text: &str) -> Result<DirectConfig, String> {
        let config: DirectConfig = parse(text)?;
        check_scheme(text, &config.printer, config.plain_http, "plain_http")?;
        check_interfaces(text, &config.interfaces)?;
        Ok(config)
    }

    /// How the printer may be asked, with the secrets that the file names.
    pub fn access(&self) -> Result<Access, ConfigError> {
        self.interfaces.access()
    }

    /// The configuration with what the program knows of its system: the environment, for the proxy.
    #[must_use]
    pub fn with_facts(mut self, facts: SystemFacts) -> DirectConfig {
        self.facts = facts;
        self
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let io = |source| ConfigError::Read { path: path.to_owned(), source };
    let bytes = match read_bounded(path, FILE_BYTES_MAX) {
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            return Err(ConfigError::Wrong { path: path.to_owned(), what: error.to_string() });
        }
        bytes => bytes.map_err(io)?,
    };
    let no_text = |_| ConfigError::Wrong { path: path.to_owned(), what: "it is no UTF-8 text".to_owned() };
    String::from_utf8(bytes).map_err(no_text)
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

/// The first line that has `word`; 0 where none has.
fn line_of(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.contains(word)).map_or(0, |index| index + 1)
}

fn check_scheme(text: &str, address: &str, plain_http: bool, key: &str) -> Result<(), String> {
    if plain_http || !address.starts_with("http://") {
        return Ok(());
    }
    let line = line_of(text, address);
    Err(format!("line {line}: address = {address:?} is read without TLS, which {key} = true has to allow"))
}

fn check_interfaces(text: &str, interfaces: &InterfacesConfig) -> Result<(), String> {
    let named = |(key, what): (&str, &str)| {
        let named = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == key);
        let line = text.lines().position(named).map_or(0, |index| index + 1);
        format!("line {line}: {what}")
    };
    interfaces.check().map_err(named)
}

/// Each printer is listed once: the same one twice would be asked by two at the same time.
fn check_twice(text: &str, printers: &[Printer]) -> Result<(), String> {
    let mut known = BTreeSet::new();
    for Printer { address } in printers {
        let plain = address.starts_with("http://");
        let name = address.strip_suffix(":443").filter(|_| !plain).unwrap_or(address);
        if !known.insert(name) {
            // The last line that names it: the first one is right.
            let line = text.lines().collect::<Vec<_>>().iter().rposition(|line| line.contains(address.as_str()));
            let line = line.map_or(0, |index| index + 1);
            return Err(format!("line {line}: address = {address:?} is listed already"));
        }
    }
    Ok(())
}

fn not_an_address(text: &str) -> String {
    let text: String = text.chars().take(100).collect();
    format!("address = {text:?} is not a host or an address with an optional port")
}

fn printer_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    address::known(&text).ok_or_else(|| D::Error::custom(not_an_address(&text)))
}

fn spans<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Span>, D::Error> {
    let texts = <Vec<String>>::deserialize(deserializer)?;
    let parsed = texts.iter().map(|text| {
        let shown: String = text.chars().take(100).collect();
        Span::parse(text).map_err(|error| D::Error::custom(format!("{shown:?} {error}")))
    });
    parsed.collect()
}

fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    let ports = <Vec<u16>>::deserialize(deserializer)?;
    if ports.is_empty() || ports.len() > PORTS_MAX || ports.contains(&0) {
        return Err(D::Error::custom(format!("ports: between one and {PORTS_MAX} ports, none of them 0")));
    }
    Ok(ports)
}

/// A number within bounds. The error names the setting.
fn within<'de, T, D>(deserializer: D, name: &str, bounds: &RangeInclusive<T>) -> Result<T, D::Error>
where
    T: Deserialize<'de> + PartialOrd + Display,
    D: Deserializer<'de>,
{
    let number = T::deserialize(deserializer)?;
    if bounds.contains(&number) {
        return Ok(number);
    }
    Err(D::Error::custom(format!("{name}: {number} is not between {} and {}", bounds.start(), bounds.end())))
}

fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, "interval_minutes", &(INTERVAL_MINUTES_MIN..=INTERVAL_MINUTES_MAX))
}

fn poll_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    within(deserializer, "poll_seconds", &(POLL_SECONDS_MIN..=POLL_SECONDS_MAX))
}

fn keep_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, "keep_days", &(1..=KEEP_DAYS_MAX))
}

fn pause_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let pause = u64::deserialize(deserializer)?;
    if pause <= PAUSE_MS_MAX {
        return Ok(pause);
    }
    Err(D::Error::custom(format!("pause_ms: {pause} is more than {PAUSE_MS_MAX}")))
}

fn models<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let models = <Vec<String>>::deserialize(deserializer)?;
    let names_a_model = |model: &String| model.contains(|c: char| c.is_ascii_digit()) && model.chars().count() <= 100;
    if models.len() > MODELS_MAX || !models.iter().all(names_a_model) {
        let what = "also_supported: each entry is a model's name with its number, or a product number";
        return Err(D::Error::custom(format!("{what}; {MODELS_MAX} entries at most")));
    }
    Ok(models)
}

fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let level = String::deserialize(deserializer)?;
    if ["error", "warn", "info", "debug"].contains(&level.as_str()) {
        return Ok(level);
    }
    Err(D::Error::custom(format!("level: {level:?} is none of error, warn, info, debug")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{Mode, Presence};

    #[test]
    fn the_templates_are_valid_files_that_drop_names() {
        let config = Config::parse(TEMPLATE).expect("valid");
        assert_eq!((config.privacy, config.pause_ms, config.printers.len()), (Policy::default(), 1000, 0));
        assert_eq!(config.allow, Allow::default());
        assert_eq!(config.portal, PortalConfig::default());
        assert_eq!(config.log, LogConfig::default());
        assert_eq!(config.interfaces, InterfacesConfig::default());
        let direct = DirectConfig::parse(DIRECT_TEMPLATE).expect("valid");
        let state = PathBuf::from("/var/lib/plotmeter-direct");
        assert_eq!(direct, DirectConfig::new(state, "192.0.2.10").expect("valid"));
    }

    #[test]
    fn a_typo_names_its_line_and_key() {
        for (text, line, key) in [
            ("state = \"s\"\npersonnal = \"keep\"\n", "line 2", "personnal"),
            ("state = \"s\"\npersonal = \"keeep\"\n", "line 2", "keeep"),
            ("state = \"s\"\n[[printer]]\nadress = \"a\"\n", "line 3", "adress"),
            ("state = \"s\"\n[[printer]]\naddress = \"http://a/\"\n", "line 3", "address"),
            ("state = \"s\"\n[[printer]]\naddress = \"ftp://a\"\n", "line 3", "address"),
            ("state = \"s\"\n[[printer]]\naddress = \"0x7f000001\"\n", "line 3", "address"),
            ("state = \"s\"\nranges = [\"192.0.2.1\", \"printer\"]\n", "line 2", "printer"),
            ("state = \"s\"\nranges = [\"127.0.0.1\"]\n", "line 2", "this machine"),
            ("state = \"s\"\nranges = [\"10.0.0.0/8\"]\n", "line 2", "4096"),
            ("state = \"s\"\n\nranges = [\"10.0.0.0/20\", \"10.1.0.1\"]\n", "line 3", "4096"),
            ("state = \"s\"\n[allow]\nnetworks = [\"192.0.2.0/240\"]\n", "line 3", "192.0.2.0/240"),
            ("state = \"s\"\n[allow]\nports = []\n", "line 3", "ports"),
            ("state = \"s\"\n[allow]\ninterval_minutes = 29\n", "line 3", "interval_minutes"),
            ("state = \"s\"\n[privacy]\njob_name = \"drop\"\n", "line 3", "job_name"),
            ("state = \"s\"\n[privacy]\nsubmitted-at = \"pseudonym\"\n", "line 3", "submitted-at"),
            ("state = \"s\"\npersonal = \"drop\"\n[privacy]\n", "line 2", "personal"),
            ("state = \"s\"\n[portal]\nproxy = \"socks5://a:1\"\n", "line 3", "proxy"),
            ("state = \"s\"\n[log]\nlevel = \"loud\"\n", "line 3", "level"),
            ("state = \"s\"\n[log]\nkeep_days = 0\n", "line 3", "keep_days"),
            ("state = \"s\"\npause_ms = 10001\n", "line 2", "pause_ms"),
            ("state = \"s\"\nalso_supported = [\"\"]\n", "line 2", "also_supported"),
            ("state = \"s\"\nalso_supported = [\"DesignJet\"]\n", "line 2", "also_supported"),
            ("state = \"s\"\n[[printer]]\naddress = \"a\"\n[[printer]]\naddress = \"a:443\"\n", "line 5", "a:443"),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert!(error.contains(line) && error.contains(key), "{text}: {error}");
        }
        let error = DirectConfig::parse("state = \"s\"\nprinter = \"a\"\npoll_seconds = 29\n").expect_err("too often");
        assert!(error.contains("line 3") && error.contains("poll_seconds"), "{error}");
    }

    #[test]
    fn today_s_short_forms_go_on_working() {
        let keep = Config::parse("state = \"s\"\npersonal = \"keep\"\n[[printer]]\naddress = \"a:8443\"\n");
        let keep = keep.expect("valid");
        assert_eq!(keep.privacy, Policy::keep_all());
        assert_eq!(keep.printers, [Printer { address: "a:8443".to_owned() }]);
        assert_eq!(Config::parse("state = \"s\"\n").expect("valid").privacy, Policy::default());
    }

    #[test]
    fn a_file_without_an_end_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("collector.toml");
        std::fs::write(&path, vec![b'#'; 1_100_000]).expect("written");
        let error = Config::load(&path).expect_err("too long").to_string();
        assert!(error.contains("longer than"), "{error}");
        assert!(matches!(DirectConfig::load(&path), Err(ConfigError::Wrong { .. })));
    }

    #[test]
    fn each_field_has_its_own_mode() {
        let text = "state = \"s\"\n[privacy]\nuser-name = \"pseudonym\"\nsubmitted-at = \"keep\"\n";
        let policy = Config::parse(text).expect("valid").privacy;
        assert_eq!((policy.user_name, policy.job_name), (Mode::Pseudonym, Mode::Drop));
        assert_eq!(policy.submitted_at, Presence::Keep);
    }

    #[test]
    fn a_list_beside_the_file_is_read_and_its_errors_name_its_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("collector.toml");
        std::fs::write(&path, "state = \"s\"\nranges = [\"192.0.2.1\"]\nranges_file = \"printers.csv\"\n").expect("ok");
        let list = folder.path().join("printers.csv");
        std::fs::write(&list, "address,name\n192.0.2.10,a\n192.0.2.0/28,b\n").expect("written");
        assert_eq!(Config::load(&path).expect("valid").ranges.len(), 3);
        for (text, words) in [("192.0.2.10\nprinter\n", "line 2"), ("10.0.0.0/20\n", "4096")] {
            std::fs::write(&list, text).expect("written");
            let error = Config::load(&path).expect_err("wrong").to_string();
            assert!(error.contains(words), "{error}");
        }
        std::fs::remove_file(&list).expect("removed");
        let error = Config::load(&path).expect_err("absent").to_string();
        assert!(error.contains("printers.csv"), "{error}");
    }
}

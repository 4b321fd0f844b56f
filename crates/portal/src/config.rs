//! The portal's file.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A commented file to start from: `plotmeter portal default-config`.
pub const TEMPLATE: &str = r#"# Plotmeter portal.

# Where the portal keeps its keys and, unless PostgreSQL is named below, its SQLite database.
# Back this folder up: without portal-keys.json no agent can be understood.
data = "/var/lib/plotmeter-portal"

# Where people's browsers reach the pages. Plain HTTP: keep it on loopback, behind a proxy that speaks TLS.
listen = "127.0.0.1:8080"

# PostgreSQL 15 or later instead of SQLite, over a UNIX socket or loopback:
# postgres = "host=/run/postgresql user=plotmeter dbname=plotmeter"

# Where agents send their packages, over TLS 1.3.
[agents]
listen = "0.0.0.0:443"
# The name that agents use, as it stands in enrolment files. Port 443 is not written.
authority = "portal.example"
certificate = "/etc/plotmeter/portal.pem"
key = "/etc/plotmeter/portal.key"
# A private certificate authority to write into enrolment files; without it agents trust the public ones.
# authority_certificate = "/etc/plotmeter/ca.pem"
"#;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Folder for keys and database.
    pub data: PathBuf,
    /// Where pages are served.
    pub listen: SocketAddr,
    /// PostgreSQL instead of SQLite.
    #[serde(default)]
    pub postgres: Option<String>,
    /// Where agents are served.
    pub agents: Agents,
}

/// Where agents are served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Where packages are taken.
    pub listen: SocketAddr,
    /// The name that agents use.
    pub authority: String,
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// A private authority for enrolment files, PEM.
    #[serde(default)]
    pub authority_certificate: Option<PathBuf>,
}

/// The file cannot be used. Nothing starts.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
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

impl File {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<File, ConfigError> {
        let text = read(path)?;
        File::parse(&text).map_err(|what| ConfigError::Wrong { path: path.to_owned(), what })
    }

    /// Checks the text of a file. The error names line and key.
    pub fn parse(text: &str) -> Result<File, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// The settings that requests need.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let authority = &self.agents.authority;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(plain) {
            let what = format!("authority = {authority:?} is no host name, with a port only on this machine itself");
            return Err(ConfigError::Wrong { path: "[agents]".into(), what });
        }
        Ok(Settings {
            agents_authority: authority.clone(),
            agents_ca: self.agents.authority_certificate.as_deref().map(certificates).transpose()?,
            demo: None,
            demo_accounts: Vec::new(),
        })
    }
}

/// The text of a file of certificates. It goes to every customer, so that nothing else may stand in it.
fn certificates(path: &Path) -> Result<String, ConfigError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let text = read(path)?;
    let only = text.matches("-----BEGIN ").count() == text.matches("-----BEGIN CERTIFICATE-----").count();
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    if only && found.is_ok_and(|found| !found.is_empty()) {
        return Ok(text);
    }
    let what = "authority_certificate must name a PEM file of certificates and nothing else: it is given to customers";
    Err(ConfigError::Wrong { path: path.to_owned(), what: what.to_owned() })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// What requests need to know.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The name that agents use, with a port unless it is 443.
    pub agents_authority: String,
    /// A private authority for enrolment files, PEM.
    pub agents_ca: Option<String>,
    /// In the demo: a sentence about how fast its day runs.
    pub demo: Option<String>,
    /// In the demo: role, email and password, shown on the sign-in page.
    pub demo_accounts: Vec<(String, String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_valid_file() {
        assert_eq!(File::parse(TEMPLATE).expect("valid").agents.authority, "portal.example");
    }

    #[test]
    fn what_is_no_certificate_never_gets_into_enrolment_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for text in ["", "data = 1", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            let path = folder.path().join("ca.pem");
            std::fs::write(&path, text).expect("written");
            assert!(certificates(&path).is_err(), "{text}");
        }
        for authority in ["", "https://portal.example/", "portal example"] {
            let file = File::parse(&TEMPLATE.replace("\"portal.example\"", &format!("{authority:?}"))).expect("valid");
            assert!(file.settings().is_err(), "{authority}");
        }
    }

    #[test]
    fn a_typo_names_its_line_and_key() {
        let wrong = TEMPLATE.replace("\nlisten = \"127", "\nlistne = \"127");
        let error = File::parse(&wrong).expect_err("wrong");
        assert!(error.contains("line 8") && error.contains("listne"), "{error}");
        let error = File::parse(&TEMPLATE.replace("127.0.0.1:8080", "localhost")).expect_err("wrong");
        assert!(error.contains("line 8"), "{error}");
    }
}

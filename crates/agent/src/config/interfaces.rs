//! `[interfaces]`: over what a printer may be asked besides its web server, and with which secrets.
//!
//! Deliberately absent: the secrets themselves, which stand in files of their own and are read by
//! [`InterfacesConfig::access`].

use super::ConfigError;
use crate::printer::{Access, Login, SNMP_PORT, SnmpAccess, SnmpVersion};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// Ports of IPP at most: each is one more connection to a printer that does not answer on the one before.
const IPP_PORTS_MAX: usize = 4;
/// The community that printers are delivered with.
const COMMUNITY: &str = "public";

/// Over what printers may be asked besides their web server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InterfacesConfig {
    /// Ports on which IPP is tried, in this order. Empty: IPP is not used.
    #[serde(deserialize_with = "ipp_ports")]
    pub ipp_ports: Vec<u16>,
    /// Which SNMP is spoken.
    pub snmp: SnmpVersion,
    /// The file with its secrets; without one, versions 1 and 2c use the community `public`.
    pub snmp_secrets: Option<PathBuf>,
    /// Its UDP port.
    #[serde(deserialize_with = "snmp_port")]
    pub snmp_port: u16,
    /// A file with `user:password` of a login for reading.
    pub login: Option<PathBuf>,
}

impl Default for InterfacesConfig {
    fn default() -> InterfacesConfig {
        InterfacesConfig {
            ipp_ports: vec![631],
            snmp: SnmpVersion::Off,
            snmp_secrets: None,
            snmp_port: SNMP_PORT,
            login: None,
        }
    }
}

impl InterfacesConfig {
    /// What is wrong with the settings together; the first word is the key.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is_empty = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str().is_empty());
        if is_empty(&self.login) {
            return Err(("login", "login names no file"));
        }
        match (self.snmp, &self.snmp_secrets) {
            (_, path) if is_empty(path) => Err(("snmp_secrets", "snmp_secrets names no file")),
            (SnmpVersion::V3, None) => Err(("snmp", "snmp = \"v3\" needs snmp_secrets = \"FILE\"")),
            (SnmpVersion::Off, Some(_)) => Err(("snmp_secrets", "snmp_secrets is given, but snmp is \"off\"")),
            _ => Ok(()),
        }
    }

    /// How printers may be asked, with the secrets read from their files.
    pub fn access(&self) -> Result<Access, ConfigError> {
        Ok(Access { login: self.read_login()?, snmp: self.read_snmp()?, ..self.open_access() })
    }

    /// The same for somebody who may not be allowed to read the files with secrets, and in words which of the files
    /// were left out.
    pub(crate) fn access_of_a_visitor(&self) -> (Access, Vec<String>) {
        let mut without = Vec::new();
        let login = self.read_login().unwrap_or_else(|error| left_out(&error, &mut without));
        let snmp = self.read_snmp().unwrap_or_else(|error| left_out(&error, &mut without));
        (Access { login, snmp, ..self.open_access() }, without)
    }

    /// What needs no secret.
    pub(crate) fn open_access(&self) -> Access {
        Access { ipp_ports: self.ipp_ports.clone(), snmp_port: self.snmp_port, ..Access::default() }
    }

    fn read_login(&self) -> Result<Option<Login>, ConfigError> {
        self.login.as_deref().map(Login::read).transpose()
    }

    fn read_snmp(&self) -> Result<Option<SnmpAccess>, ConfigError> {
        match &self.snmp_secrets {
            Some(path) => SnmpAccess::read(self.snmp, path),
            None => Ok(SnmpAccess::of_community(self.snmp, COMMUNITY)),
        }
    }
}

/// What is asked without a file.
fn left_out<T>(error: &ConfigError, without: &mut Vec<String>) -> Option<T> {
    without.push(error.to_string());
    None
}

fn ipp_ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    let ports = <Vec<u16>>::deserialize(deserializer)?;
    if ports.len() > IPP_PORTS_MAX || ports.contains(&0) {
        return Err(D::Error::custom(format!("ipp_ports: {IPP_PORTS_MAX} ports at most, none of them 0")));
    }
    Ok(ports)
}

fn snmp_port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    match u16::deserialize(deserializer)? {
        0 => Err(D::Error::custom("snmp_port: 0 is no port")),
        port => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, DirectConfig};
    use super::*;

    fn parsed(text: &str) -> Result<InterfacesConfig, String> {
        let collector = Config::parse(&format!("state = \"s\"\n[interfaces]\n{text}")).map(|config| config.interfaces);
        let direct = DirectConfig::parse(&format!("state = \"s\"\nprinter = \"a\"\n[interfaces]\n{text}"));
        assert_eq!(collector.clone().ok(), direct.ok().map(|config| config.interfaces), "both files have one form");
        collector
    }

    #[test]
    fn without_a_word_in_the_file_ipp_is_tried_and_snmp_is_off() {
        let access = parsed("").expect("valid").access().expect("no file is read");
        assert_eq!(access, Access { ipp_ports: vec![631], ..Access::default() });
        assert_eq!(Config::parse("state = \"s\"\n").expect("valid").interfaces, InterfacesConfig::default());
    }

    #[test]
    fn each_setting_is_taken() {
        let config = parsed("ipp_ports = [443, 631]\nsnmp = \"v2c\"\nsnmp_port = 1161\n").expect("valid");
        let access = config.access().expect("no file is read");
        let snmp = Some(SnmpAccess::V2c { community: "public".to_owned() });
        assert_eq!(access, Access { ipp_ports: vec![443, 631], snmp, snmp_port: 1161, ..Access::default() });
        assert_eq!(parsed("ipp_ports = []\n").expect("valid").access().expect("no file").ipp_ports, Vec::<u16>::new());
    }

    #[test]
    fn a_wrong_setting_names_its_line_and_key() {
        for (text, key) in [
            ("ipp_ports = [0]\n", "ipp_ports"),
            ("ipp_ports = [1, 2, 3, 4, 5]\n", "ipp_ports"),
            ("snmp = \"v4\"\n", "v4"),
            ("snmp = \"v3\"\n", "snmp_secrets"),
            ("snmp_secrets = \"f\"\n", "snmp"),
            ("snmp_secrets = \"\"\nsnmp = \"v2c\"\n", "snmp_secrets names no file"),
            ("login = \"\"\n", "login names no file"),
            ("snmp_port = 0\n", "snmp_port"),
            ("snmp_community = \"public\"\n", "snmp_community"),
        ] {
            let error = parsed(text).expect_err(text);
            assert!(error.contains("line 3") && error.contains(key), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_that_does_not_read_stops_an_agent_and_not_a_visitor() {
        let config = parsed("login = \"absent\"\nsnmp = \"v2c\"\nsnmp_secrets = \"absent\"\n").expect("valid");
        let error = config.access().expect_err("no such file").to_string();
        assert!(error.contains("absent"), "{error}");
        let (access, without) = config.access_of_a_visitor();
        assert_eq!((access, without.len()), (Access { ipp_ports: vec![631], ..Access::default() }, 2));
    }

    #[test]
    fn a_file_that_a_visitor_may_not_read_leaves_the_other_ones_in_force() {
        let folder = tempfile::tempdir().expect("a folder");
        let login = folder.path().join("login");
        std::fs::write(&login, "reader:sesame\n").expect("written");
        #[cfg(unix)]
        std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
        let text = format!("login = {login:?}\nsnmp = \"v2c\"\nsnmp_secrets = \"absent\"\n");
        let (access, without) = parsed(&text).expect("valid").access_of_a_visitor();
        assert_eq!((access.login.map(|login| login.user.clone()), access.snmp), (Some("reader".to_owned()), None));
        assert!(without.len() == 1 && without[0].starts_with("absent"), "{without:?}");
        let (access, without) = parsed("login = \"absent\"\nsnmp = \"v2c\"\n").expect("valid").access_of_a_visitor();
        assert!(access.login.is_none() && access.snmp.is_some() && without.len() == 1, "{without:?}");
    }
}

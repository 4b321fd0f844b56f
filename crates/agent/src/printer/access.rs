//! How printers may be asked: what the customer's side chose, with the secrets that stand in files of their own.
//!
//! A secret is read from a file that only its owner may read, shown by no `Debug`, and sent to nobody but a printer.
//! What stands here is wiped from memory when it is dropped; the copies of the libraries that carry it are not.
//! Deliberately absent: what is asked, and in which order.

use crate::config::ConfigError;
use crate::files::read_secret;
use serde::Deserialize;
use std::fmt;
use std::path::Path;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The port on which printers answer SNMP.
pub(crate) const SNMP_PORT: u16 = 161;
/// Bytes of a file with secrets.
const SECRETS_BYTES_MAX: u64 = 16 * 1024;
/// Characters of a user's name, a password and a community.
const WORD_MAX: usize = 128;
/// What RFC 3414 (§11.2) asks of a password.
const PASSWORD_MIN: usize = 8;

/// How printers may be asked, from the customer's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// A login for reading. It is sent over TLS only, by an agent only where the certificate is the one that the
    /// printer showed at an earlier reading, and never to the portal.
    pub login: Option<Login>,
    /// How SNMP is spoken; `None` where it is off.
    pub snmp: Option<SnmpAccess>,
    /// The UDP port of SNMP.
    pub snmp_port: u16,
    /// Ports of IPP, tried in this order: over TLS, and without it only where the printer's address says
    /// `http://`. Empty: no IPP.
    pub ipp_ports: Vec<u16>,
    /// Only these drivers; empty: all.
    pub only: Vec<&'static str>,
}

impl Default for Access {
    /// The web interfaces and nothing else.
    fn default() -> Access {
        Access { login: None, snmp: None, snmp_port: SNMP_PORT, ipp_ports: Vec::new(), only: Vec::new() }
    }
}

impl Access {
    /// What may be asked besides the web, without secrets: another text means that a printer may answer more.
    pub(crate) fn words(&self) -> String {
        let ports: Vec<String> = self.ipp_ports.iter().map(ToString::to_string).collect();
        let snmp = self.snmp.as_ref().map_or("off", SnmpAccess::word);
        let login = if self.login.is_some() { "login" } else { "no login" };
        format!("ipp {} snmp {snmp} {} {login} only {}", ports.join(","), self.snmp_port, self.only.join(","))
    }
}

/// A login for reading.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    /// Reads `user:password` from a file of one line that only its owner may read.
    pub fn read(path: &Path) -> Result<Login, ConfigError> {
        let text = secret(path)?;
        let line = text.trim_end_matches(['\r', '\n']);
        let pair = Some(line).filter(|line| !line.contains(['\r', '\n'])).and_then(|line| line.split_once(':'));
        let Some((user, password)) = pair.filter(|(user, _)| !user.is_empty()) else {
            return Err(wrong(path, "is not one line with user:password"));
        };
        Ok(Login { user: user.to_owned(), password: password.to_owned() })
    }
}

/// How SNMP is spoken. Versions 1 and 2c send their community in the clear and prove nothing.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub enum SnmpAccess {
    /// Version 1.
    V1 {
        /// The community for reading.
        community: String,
    },
    /// Version 2c.
    V2c {
        /// The community for reading.
        community: String,
    },
    /// Version 3 with the user-based security model.
    V3 {
        /// The user's name.
        user: String,
        /// How answers are authenticated, and the password for it.
        auth: Option<(SnmpAuth, String)>,
        /// How they are encrypted, and the password for it. Only with authentication.
        privacy: Option<(SnmpPrivacy, String)>,
    },
}

impl fmt::Debug for SnmpAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnmpAccess {}", self.word())
    }
}

/// How SNMPv3 authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Zeroize)]
#[serde(rename_all = "lowercase")]
pub enum SnmpAuth {
    /// HMAC-MD5-96.
    Md5,
    /// HMAC-SHA-96.
    Sha1,
    /// HMAC-SHA-224.
    Sha224,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-384.
    Sha384,
    /// HMAC-SHA-512.
    Sha512,
}

/// How SNMPv3 encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Zeroize)]
#[serde(rename_all = "lowercase")]
pub enum SnmpPrivacy {
    /// DES in CBC mode.
    Des,
    /// AES with 128 bits in CFB mode.
    Aes128,
    /// The same with 192 bits.
    Aes192,
    /// The same with 256 bits.
    Aes256,
}

/// Which SNMP is spoken, as files and options write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnmpVersion {
    /// None.
    #[default]
    Off,
    /// Version 1.
    V1,
    /// Version 2c.
    V2c,
    /// Version 3.
    V3,
}

/// The file with the secrets of SNMP.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct SnmpSecrets {
    community: Option<String>,
    user: Option<String>,
    auth: Option<SnmpAuth>,
    auth_password: Option<String>,
    privacy: Option<SnmpPrivacy>,
    privacy_password: Option<String>,
}

impl SnmpAccess {
    /// The version, for people and tables.
    pub fn word(&self) -> &'static str {
        match self {
            SnmpAccess::V1 { .. } => "v1",
            SnmpAccess::V2c { .. } => "v2c",
            SnmpAccess::V3 { .. } => "v3",
        }
    }

    /// Whether what answers has to prove that it knows a password.
    pub(crate) fn is_authenticated(&self) -> bool {
        matches!(self, SnmpAccess::V3 { auth: Some(_), .. })
    }

    /// Reads the secrets of `version` from a file of TOML that only its owner may read: `community`, or `user`,
    /// `auth`, `auth_password`, `privacy` and `privacy_password`. `None` for [`SnmpVersion::Off`].
    pub fn read(version: SnmpVersion, path: &Path) -> Result<Option<SnmpAccess>, ConfigError> {
        if version == SnmpVersion::Off {
            return Ok(None);
        }
        let text = secret(path)?;
        // The reader's own words would quote the line, which may be a password.
        let secrets: SnmpSecrets = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            wrong(path, &format!("line {line} is none of {SECRETS}"))
        })?;
        secrets.access(version).map(Some).map_err(|what| wrong(path, &what))
    }

    /// A community that needs no file.
    pub(crate) fn of_community(version: SnmpVersion, community: &str) -> Option<SnmpAccess> {
        let community = community.to_owned();
        match version {
            SnmpVersion::V1 => Some(SnmpAccess::V1 { community }),
            SnmpVersion::V2c => Some(SnmpAccess::V2c { community }),
            SnmpVersion::Off | SnmpVersion::V3 => None,
        }
    }
}

/// What a file with secrets may say.
const SECRETS: &str = "community, user, auth, auth_password, privacy, privacy_password with a value that they can have";

impl SnmpSecrets {
    /// The secrets that a version needs, and no others. The error names what is missing or too much.
    fn access(&self, version: SnmpVersion) -> Result<SnmpAccess, String> {
        let word = |name: &str, least: usize, text: &Option<String>| -> Result<Option<String>, String> {
            let length = text.as_ref().map(|text| text.chars().count());
            match length {
                Some(length) if !(least..=WORD_MAX).contains(&length) => {
                    Err(format!("{name} has not between {least} and {WORD_MAX} characters"))
                }
                _ => Ok(text.clone()),
            }
        };
        let community = word("community", 1, &self.community)?;
        let user = word("user", 1, &self.user)?;
        let auth_password = word("auth_password", PASSWORD_MIN, &self.auth_password)?;
        let privacy_password = word("privacy_password", PASSWORD_MIN, &self.privacy_password)?;
        if version != SnmpVersion::V3 {
            let community = community.ok_or("community is missing")?;
            let all = [user.is_some(), auth_password.is_some(), privacy_password.is_some()];
            if all.contains(&true) {
                return Err("user and passwords are for snmp = \"v3\"".to_owned());
            }
            return SnmpAccess::of_community(version, &community).ok_or_else(|| "community is missing".to_owned());
        }
        if community.is_some() {
            return Err("community is for snmp = \"v1\" and \"v2c\"".to_owned());
        }
        let auth = both("auth", self.auth, auth_password)?;
        let privacy = both("privacy", self.privacy, privacy_password)?;
        if privacy.is_some() && auth.is_none() {
            return Err("privacy needs auth".to_owned());
        }
        Ok(SnmpAccess::V3 { user: user.ok_or("user is missing")?, auth, privacy })
    }
}

/// A method and its password, both or neither.
fn both<T>(name: &str, method: Option<T>, password: Option<String>) -> Result<Option<(T, String)>, String> {
    match (method, password) {
        (Some(method), Some(password)) => Ok(Some((method, password))),
        (None, None) => Ok(None),
        _ => Err(format!("{name} and {name}_password go together")),
    }
}

fn wrong(path: &Path, what: &str) -> ConfigError {
    ConfigError::Wrong { path: path.to_owned(), what: what.to_owned() }
}

/// The text of a file with a secret.
fn secret(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    read_secret(path, SECRETS_BYTES_MAX).map(Zeroizing::new).map_err(|what| wrong(path, &what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn file(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("secrets");
        std::fs::write(&path, text).expect("written");
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
        path
    }

    #[test]
    fn each_version_takes_its_own_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let v3 = "user = \"reader\"\nauth = \"sha256\"\nauth_password = \"eight or more\"\nprivacy = \"aes128\"\n\
                  privacy_password = \"also eight or more\"\n";
        let auth = Some((SnmpAuth::Sha256, "eight or more".to_owned()));
        let privacy = Some((SnmpPrivacy::Aes128, "also eight or more".to_owned()));
        for (version, text, access) in [
            (SnmpVersion::V1, "community = \"c\"\n", SnmpAccess::V1 { community: "c".to_owned() }),
            (SnmpVersion::V2c, "community = \"c\"\n", SnmpAccess::V2c { community: "c".to_owned() }),
            (SnmpVersion::V3, v3, SnmpAccess::V3 { user: "reader".to_owned(), auth, privacy }),
            (
                SnmpVersion::V3,
                "user = \"reader\"\n",
                SnmpAccess::V3 { user: "reader".to_owned(), auth: None, privacy: None },
            ),
        ] {
            let read = SnmpAccess::read(version, &file(folder.path(), text)).expect("valid");
            assert_eq!(read, Some(access), "{text}");
        }
        assert_eq!(SnmpAccess::read(SnmpVersion::Off, Path::new("absent")).expect("not read"), None);
    }

    #[test]
    fn what_is_missing_or_too_much_is_named_and_no_secret_is_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        for (version, text, words) in [
            (SnmpVersion::V2c, "", "community is missing"),
            (SnmpVersion::V2c, "community = \"\"\n", "community has not between 1 and 128"),
            (SnmpVersion::V2c, "community = \"c\"\nuser = \"sesame\"\n", "for snmp = \"v3\""),
            (SnmpVersion::V3, "community = \"sesame\"\n", "\"v1\" and \"v2c\""),
            (SnmpVersion::V3, "auth = \"md5\"\nauth_password = \"open sesame\"\n", "user is missing"),
            (SnmpVersion::V3, "user = \"u\"\nauth = \"md5\"\n", "auth and auth_password go together"),
            (SnmpVersion::V3, "user = \"u\"\nauth = \"md5\"\nauth_password = \"sesame\"\n", "between 8 and 128"),
            (
                SnmpVersion::V3,
                "user = \"u\"\nprivacy = \"des\"\nprivacy_password = \"open sesame\"\n",
                "privacy needs auth",
            ),
            (SnmpVersion::V3, "user = \"u\"\nauth = \"sesame\"\n", "line 2 is none of"),
            (SnmpVersion::V3, "user = \"u\"\npassword = \"sesame\"\n", "line 2 is none of"),
            (SnmpVersion::V2c, "community = sesame\n", "line 1 is none of"),
        ] {
            let error = SnmpAccess::read(version, &file(folder.path(), text)).expect_err(text).to_string();
            assert!(error.contains(words) && !error.contains("sesame"), "{text}: {error}");
        }
    }

    #[test]
    fn a_login_is_one_line_of_a_file_that_nobody_else_may_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path(), "reader:with:colons\n");
        let login = Login::read(&path).expect("valid");
        assert_eq!((login.user.as_str(), login.password.as_str()), ("reader", "with:colons"));
        for text in ["", "nobody", ":sesame", "reader:sesame\nother:sesame\n", "\nreader:sesame\n"] {
            let error = Login::read(&file(folder.path(), text)).expect_err(text).to_string();
            assert!(error.contains("user:password") && !error.contains("sesame"), "{error}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
            let error = Login::read(&path).expect_err("others may read it").to_string();
            assert!(error.contains("chmod 600"), "{error}");
            // Advice about its rights would break the machine or the folder.
            for other in [Path::new("/dev/null"), folder.path()] {
                let error = Login::read(other).expect_err("no file").to_string();
                assert!(error.ends_with(": is no plain file"), "{error}");
            }
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let access = Access {
            login: Some(Login { user: "sesame".to_owned(), password: "sesame".to_owned() }),
            snmp: Some(SnmpAccess::V3 {
                user: "sesame".to_owned(),
                auth: Some((SnmpAuth::Sha1, "sesame".to_owned())),
                privacy: Some((SnmpPrivacy::Aes128, "sesame".to_owned())),
            }),
            ..Access::default()
        };
        let shown = format!("{access:?} {:#?} {}", access, access.words());
        assert!(!shown.contains("sesame") && shown.contains("v3"), "{shown}");
    }
}

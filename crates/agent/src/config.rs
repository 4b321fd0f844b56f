//! The collector's own file, on the customer's side. The portal can read none of it and change none of it.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A commented file to start from.
pub const TEMPLATE: &str = r#"# Plotmeter Data Collector.
# This file belongs to the customer's side: the portal can neither read nor change it.

# Where the collector keeps its keys and its spool. Nobody else needs to read this folder.
state = "/var/lib/plotmeter"

# What happens to names: user, job, account, project and other personal rows.
#   "drop"  they are removed before anything is written (the default)
#   "keep"  they are sent to the portal
personal = "drop"

# The pause between two requests to one printer, in milliseconds. These printers are slow to answer.
pause_ms = 1000

# The printers to read, by address. Only reading requests are made.
# A port other than 443 is written behind a colon.
#
# [[printer]]
# address = "192.0.2.10"
"#;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for keys and spool.
    pub state: PathBuf,
    /// What happens to personal rows.
    #[serde(default)]
    pub personal: Personal,
    /// Pause between two requests to one printer, in milliseconds.
    #[serde(default = "default_pause_ms")]
    pub pause_ms: u64,
    /// The printers to read.
    #[serde(default, rename = "printer")]
    pub printers: Vec<Printer>,
}

/// What happens to the personal rows of Appendix A.
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
    /// Host or address, with `:port` unless it is 443.
    pub address: String,
}

fn default_pause_ms() -> u64 {
    1000
}

/// Printers that one collector reads at most.
const PRINTERS_MAX: usize = 1000;

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
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Config::parse(&text).map_err(|what| ConfigError::Wrong { path: path.to_owned(), what })
    }

    /// Checks the text of a file. The error names line and key.
    pub fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if config.printers.len() > PRINTERS_MAX {
            return Err(format!("more than {PRINTERS_MAX} printers are listed"));
        }
        for printer in &config.printers {
            let address = &printer.address;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            if address.is_empty() || address.len() > 255 || !address.chars().all(plain) {
                let line =
                    text.lines().position(|line| line.contains(&format!("\"{address}\""))).map_or(0, |index| index + 1);
                return Err(format!(
                    "line {line}: address = {address:?} is not a host or an address with an optional port"
                ));
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_valid_file_that_drops_names() {
        let config = Config::parse(TEMPLATE).expect("valid");
        assert_eq!((config.personal, config.pause_ms, config.printers.len()), (Personal::Drop, 1000, 0));
    }

    #[test]
    fn a_typo_names_its_line_and_key() {
        for (text, line, key) in [
            ("state = \"s\"\npersonnal = \"keep\"\n", "line 2", "personnal"),
            ("state = \"s\"\npersonal = \"keeep\"\n", "line 2", "keeep"),
            ("state = \"s\"\n[[printer]]\nadress = \"a\"\n", "line 3", "adress"),
            ("state = \"s\"\n[[printer]]\naddress = \"http://a/\"\n", "line 3", "address"),
        ] {
            let error = Config::parse(text).expect_err("wrong");
            assert!(error.contains(line) && error.contains(key), "{error}");
        }
    }
}

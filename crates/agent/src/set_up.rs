//! What both agents take from their files: the parts that all agents' files have.
//!
//! Deliberately absent: how a file is read and checked, which is the configuration's.

use crate::DeskOptions;
use crate::config::{Config, DirectConfig, InterfacesConfig, PortalConfig};
use crate::privacy::Policy;
use crate::proxy::SystemFacts;
use protocol::message::AgentKind;
use std::path::PathBuf;

/// What an agent needs to be set up: the parts that all agents' files have.
#[derive(Debug, Clone)]
pub struct SetUp {
    pub(crate) state: PathBuf,
    pub(crate) privacy: Policy,
    pub(crate) portal: PortalConfig,
    pub(crate) interfaces: InterfacesConfig,
    pub(crate) facts: SystemFacts,
    pub(crate) kind: AgentKind,
    /// The printer of a direct agent.
    pub(crate) printer: Option<String>,
}

/// An agent's file.
pub trait Enrolling {
    /// The parts that all agents' files have.
    fn set_up(&self) -> SetUp;

    /// The printers that the file lists by address.
    fn addresses(&self) -> Vec<&str>;

    /// Models beside the supported series; `None` when the printer was chosen whatever it is.
    fn also_supported(&self) -> Option<&[String]>;

    /// The pause between two requests to one printer, in milliseconds.
    fn pause_ms(&self) -> u64;
}

impl Enrolling for Config {
    fn set_up(&self) -> SetUp {
        SetUp {
            state: self.state.clone(),
            privacy: self.privacy,
            portal: self.portal.clone(),
            interfaces: self.interfaces.clone(),
            facts: self.facts.clone(),
            kind: AgentKind::Collector,
            printer: None,
        }
    }

    fn addresses(&self) -> Vec<&str> {
        self.printers.iter().map(|printer| printer.address.as_str()).collect()
    }

    fn also_supported(&self) -> Option<&[String]> {
        Some(&self.also_supported)
    }

    fn pause_ms(&self) -> u64 {
        self.pause_ms
    }
}

impl Enrolling for DirectConfig {
    fn set_up(&self) -> SetUp {
        SetUp {
            state: self.state.clone(),
            privacy: self.privacy,
            portal: self.portal.clone(),
            interfaces: self.interfaces.clone(),
            facts: self.facts.clone(),
            kind: AgentKind::Direct,
            printer: Some(self.printer.clone()),
        }
    }

    fn addresses(&self) -> Vec<&str> {
        vec![&self.printer]
    }

    fn also_supported(&self) -> Option<&[String]> {
        None
    }

    fn pause_ms(&self) -> u64 {
        self.pause_ms
    }
}

impl SetUp {
    /// How the desk is opened.
    pub(crate) fn options(&self) -> DeskOptions {
        let default = DeskOptions::default();
        let catch_up_bytes = self.portal.catch_up_bytes.unwrap_or(default.catch_up_bytes);
        DeskOptions { catch_up_bytes, kind: self.kind, ..default }
    }
}

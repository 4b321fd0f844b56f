//! Which printers are asked for everything, and which only who they are.
//!
//! Deliberately absent: which addresses are asked at all, which each agent knows.

use crate::printer::{AskError, Contact, Told, ask_pinned};
use drivers::models;
use protocol::package::PrinterIdentity;
use protocol::receipt::Settings;
use report::Configuration;

/// Which printers are asked for everything.
#[derive(Debug, Clone)]
pub(crate) struct Audience {
    pub(crate) settings: Settings,
    /// Models beside the supported series; `None` when the customer's side chose the printer itself.
    pub(crate) also_supported: Option<Vec<String>>,
}

impl Audience {
    /// Whether a printer is of a supported model.
    pub(crate) fn supports(&self, configuration: &Configuration) -> bool {
        let (name, number) = (configuration.product_name.as_deref(), configuration.product_number.as_deref());
        self.also_supported.as_ref().is_none_or(|also| models::is_supported(name, number, also))
    }

    /// Whether a printer takes part.
    fn takes_part(&self, configuration: &Configuration) -> bool {
        PrinterIdentity::of(configuration).is_some_and(|printer| self.settings.takes_part(&printer.serial))
    }
}

/// Asks one printer: who it is and, where it takes part, everything.
pub(crate) async fn contact(asked: Contact<'_>, audience: &Audience) -> Result<Told, AskError> {
    let wanted = |configuration: &Configuration| audience.supports(configuration) && audience.takes_part(configuration);
    match ask_pinned(asked, &wanted).await? {
        // One interface named a printer that takes part, and the one that counts another.
        Told::Report(asked) if !audience.takes_part(&asked.report.configuration) => {
            Err(AskError::Unanswered("its interfaces name two printers, of which one takes no part".to_owned()))
        }
        told => Ok(told),
    }
}

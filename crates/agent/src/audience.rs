//! Which printers are asked for everything, and which only who they are.
//!
//! Deliberately absent: which addresses are asked at all, which each agent knows.

use crate::ask::{AskError, Contact, Told, ask_pinned};
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

    /// Whether a printer is asked for everything.
    fn wants(&self, configuration: &Configuration) -> bool {
        let takes_part = |printer: PrinterIdentity| self.settings.takes_part(&printer.serial);
        self.supports(configuration) && PrinterIdentity::of(configuration).is_some_and(takes_part)
    }
}

/// Asks one printer: who it is and, where it takes part, everything.
pub(crate) async fn contact(asked: Contact<'_>, audience: &Audience) -> Result<Told, AskError> {
    ask_pinned(asked, &|configuration| audience.wants(configuration)).await
}

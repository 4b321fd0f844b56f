//! Sweeping: the addresses of the ranges are asked who they are, slowly, and each at most once a day.
//!
//! Deliberately absent: which of them were asked already, which [`Sweep`] knows.

use super::asking::{Pace, Target};
use super::{Collector, Round};
use crate::office::CollectorError;
use crate::printer::Patience;
use crate::sweep::Sweep;
use protocol::receipt::Duty;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tracing::info;

/// Unknown addresses asked at the same time.
const AT_ONCE: usize = 2;
/// Between two connections to unknown addresses: ten a second at most.
const SPACING: Duration = Duration::from_millis(100);
/// An unknown address that takes no connection for this long has no printer.
const CONNECT: Duration = Duration::from_secs(3);
/// Addresses asked between two notes of how far the sweep is.
const PART: usize = 16;
/// How often it is looked at whether addresses are left to ask.
const TICK: Duration = Duration::from_secs(10);
/// The durable value with the addresses asked today.
const SWEPT: &str = "swept_at";

impl Collector {
    /// Asks the addresses of the ranges that were not asked today who they are.
    pub(super) async fn sweep(&self) -> Result<Round, CollectorError> {
        let mut round = Round::default();
        loop {
            let effective = self.effective()?;
            let mut sweep = Sweep::parse(&self.office.value(SWEPT)?, self.now());
            let left = sweep.left(&effective.addresses);
            if left.is_empty() {
                return Ok(round);
            }
            let part = &left[..left.len().min(PART)];
            // Noted first: an end in between leaves some for tomorrow and asks none twice.
            for address in part {
                sweep.note(*address);
            }
            self.office.set_value(SWEPT, &sweep.to_text())?;
            round.add(self.ask_unknown(part).await?);
        }
    }

    /// Asks unknown addresses who they are, few at once and slowly; those that take part say everything.
    async fn ask_unknown(&self, addresses: &[IpAddr]) -> Result<Round, CollectorError> {
        let listed: BTreeSet<String> = self.config.printers.iter().map(|printer| printer.address.clone()).collect();
        let taking_part: BTreeSet<String> =
            self.office.desk().printers()?.into_iter().filter(|it| it.participating).map(|it| it.address).collect();
        let all = addresses.iter().flat_map(|address| self.of_address(*address));
        let unknown = all.filter(|address| !listed.contains(address) && !taking_part.contains(address));
        let targets = unknown.map(|address| Target { address, known: false }).collect();
        let patience = Patience { connect: CONNECT, ..Patience::pausing(self.config.pause_ms) };
        self.ask_all(targets, Pace { at_once: AT_ONCE, spacing: SPACING, patience }).await
    }

    /// Sweeps beside everything else, for as long as the collector runs.
    pub(super) async fn keep_sweeping(&self) -> Result<(), CollectorError> {
        loop {
            tokio::time::sleep(TICK).await;
            if self.office.is_paused()? || self.office.desk().duty() != Duty::Read {
                continue;
            }
            let round = self.sweep().await?;
            if round != Round::default() {
                info!(
                    read = round.read,
                    seen = round.seen,
                    unsupported = round.unsupported,
                    jobs = round.jobs,
                    "addresses of the ranges were asked"
                );
            }
        }
    }
}

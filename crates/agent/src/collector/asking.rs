//! Asking printers: which ones, how many at once, and what is kept of what they said.
//!
//! Deliberately absent: when they are asked, and the addresses of ranges at which no printer is known yet.

use super::{Collector, Counts, Round};
use crate::address;
use crate::audience::{Audience, contact};
use crate::config::Config;
use crate::engine::FLOOR;
use crate::envelope::Effective;
use crate::office::CollectorError;
use crate::printer::{AskError, Contact, Patience, Told};
use protocol::Hex;
use protocol::limits::RANGES_MAX;
use protocol::ranges;
use protocol::receipt::{Duty, Settings};
use report::{Duration as Span, Instant};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Known printers asked at the same time. Each has one connection.
const AT_ONCE: usize = 8;

/// An address to ask.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) address: String,
    /// Whether a printer is known or listed there: failures are noted.
    pub(super) known: bool,
}

/// What came of asking one address.
struct Contacted {
    target: Target,
    now: Instant,
    told: Result<Told, AskError>,
}

/// How many are asked at once, and how gently.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) at_once: usize,
    pub(super) spacing: Duration,
    pub(super) patience: Patience,
}

impl Collector {
    pub(super) fn audience(&self) -> Result<Arc<Audience>, CollectorError> {
        let also_supported = Some(self.config.also_supported.clone());
        Ok(Arc::new(Audience { settings: self.office.settings()?, also_supported }))
    }

    /// The listed printers, and those known in the ranges that take part.
    pub(super) fn targets(&self, effective: &Effective) -> Result<Vec<Target>, CollectorError> {
        let settings = self.office.settings()?;
        let excluded = excluded(&self.config, &settings);
        let mut targets = Vec::new();
        for printer in &self.config.printers {
            if !excluded(&printer.address) {
                targets.push(Target { address: printer.address.clone(), known: true });
            }
        }
        let in_ranges: BTreeSet<String> =
            effective.addresses.iter().flat_map(|address| self.of_address(*address)).collect();
        for printer in self.office.desk().printers()? {
            let listed = targets.iter().any(|target| target.address == printer.address);
            if printer.participating && !listed && in_ranges.contains(&printer.address) {
                targets.push(Target { address: printer.address, known: true });
            }
        }
        Ok(targets)
    }

    /// An address of a range with each port that the file allows, as printers are known by.
    pub(super) fn of_address(&self, address: IpAddr) -> Vec<String> {
        self.config.allow.ports.iter().map(|port| address::of(address, *port)).collect()
    }

    /// Reads the listed printers and the known ones that take part, a few at a time.
    pub(super) async fn read_known(&self) -> Result<Round, CollectorError> {
        let effective = self.effective()?;
        let targets = self.targets(&effective)?;
        let addresses = effective.addresses.len() + self.config.printers.len();
        let round = self.ask_all(targets, self.pace()).await?;
        let counts = Counts { addresses, printers: round.read + round.seen, failed: round.failed };
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        Ok(round)
    }

    /// Reads the printers that were only seen and take part by now.
    pub(super) async fn read_newcomers(&self) -> Result<Round, CollectorError> {
        if self.office.is_paused()? || self.office.desk().duty() != Duty::Read {
            return Ok(Round::default());
        }
        let targets = self.targets(&self.effective()?)?;
        let printers = self.office.desk().printers()?;
        let now = self.now();
        let told_all = self.told_all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let new = |target: &Target| {
            let printer = printers.iter().find(|printer| printer.address == target.address);
            // No wish of the portal's has a printer asked for everything twice within the floor.
            let rests = told_all.get(&target.address).is_some_and(|at| (Span(0)..FLOOR).contains(&now.since(*at)));
            !rests && printer.is_some_and(|printer| printer.participating && printer.seen_only)
        };
        let targets = targets.into_iter().filter(new).collect();
        self.ask_all(targets, self.pace()).await
    }

    /// How known printers are asked.
    fn pace(&self) -> Pace {
        Pace { at_once: AT_ONCE, spacing: Duration::ZERO, patience: Patience::pausing(self.config.pause_ms) }
    }

    /// Asks addresses, and keeps what each printer said.
    pub(super) async fn ask_all(&self, targets: Vec<Target>, pace: Pace) -> Result<Round, CollectorError> {
        let mut round = Round::default();
        let audience = self.audience()?;
        let known = self.known_addresses()?;
        let mut waiting = targets.into_iter();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < pace.at_once {
                let Some(target) = waiting.next() else { break };
                let pinned = self.pin(&target.address, &known)?;
                let interfaces = self.office.interfaces(&target.address)?;
                let (audience, access, now) = (audience.clone(), Arc::clone(&self.access), self.now());
                let memories = self.office.memories.clone();
                tasks.spawn(async move {
                    let asked = Contact {
                        address: &target.address,
                        pinned,
                        access: &access,
                        known: &interfaces,
                        memories: &memories,
                        first_look: !target.known,
                        read_at: now,
                        patience: pace.patience,
                    };
                    let told = contact(asked, &audience).await;
                    Contacted { target, now, told }
                });
                if !pace.spacing.is_zero() {
                    tokio::time::sleep(pace.spacing).await;
                }
            }
            match tasks.join_next().await {
                None => return Ok(round),
                Some(Ok(contacted)) => self.take(contacted, &audience, &mut round)?,
                Some(Err(_)) => round.failed += 1,
            }
        }
    }

    /// The addresses at which a printer was found before.
    pub(super) fn known_addresses(&self) -> Result<BTreeSet<String>, CollectorError> {
        Ok(self.office.desk().printers()?.into_iter().map(|printer| printer.address).collect())
    }

    /// The certificate that the printer at an address must show.
    pub(super) fn pin(&self, address: &str, known: &BTreeSet<String>) -> Result<Option<Hex<32>>, CollectorError> {
        // Asking for the pin of an address makes it known; an unknown one has none.
        Ok(if known.contains(address) { self.office.desk().pin(address)? } else { None })
    }

    /// Keeps what one address said; of what is no supported printer, nothing.
    fn take(&self, contacted: Contacted, audience: &Audience, round: &mut Round) -> Result<(), CollectorError> {
        let Contacted { target, now, told } = contacted;
        match told {
            Ok(Told::Identity(identified)) if !audience.supports(&identified.configuration) => {
                round.unsupported += 1;
                self.office.desk().forget(&target.address)?;
                self.not_read(target, "not of a supported series");
            }
            Ok(Told::Identity(identified)) => {
                self.office.keep_identity(&target.address, &identified, now)?;
                round.seen += 1;
                self.not_read(target, "seen, takes no part");
            }
            Ok(Told::Report(asked)) => {
                round.jobs += self.office.keep(&target.address, *asked, now)?.jobs;
                round.read += 1;
                self.unread().remove(&target.address);
                self.told_all.lock().unwrap_or_else(PoisonError::into_inner).insert(target.address, now);
            }
            Err(error) if target.known || matches!(error, AskError::Certificate { .. }) => {
                // Most printers sleep most of the time: that is no failure, and the last reading stands.
                round.failed += usize::from(!matches!(error, AskError::Asleep));
                self.office.not_read(&target.address, &error.to_string())?;
                self.not_read(target, &error.to_string());
            }
            Err(_) => round.unsupported += 1,
        }
        Ok(())
    }

    /// Remembers why a known printer was not read, for whoever watches this round.
    fn not_read(&self, target: Target, why: &str) {
        if target.known {
            self.unread().insert(target.address, why.to_owned());
        }
    }
}

/// Whether an address that is listed by name or number is excluded, by the file or by the portal.
pub(super) fn excluded(config: &Config, settings: &Settings) -> impl Fn(&str) -> bool {
    let asked = settings.excluded.iter().take(RANGES_MAX);
    let spans: Vec<ranges::Span> =
        config.excluded.iter().copied().chain(asked.filter_map(|text| ranges::Span::parse(text).ok())).collect();
    move |address: &str| {
        address::literal(address).is_some_and(|address| spans.iter().any(|span| span.contains(address)))
    }
}

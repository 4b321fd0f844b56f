//! What is said next, and how: confirmation, alerts, the next evidence key, a beat, packages.
//!
//! Nothing is given out before what it names is durable: the epoch, the message's number, the package's
//! bytes, what the budget was charged. Deliberately absent: what an answer means.

use super::wire::{Errand, Request, What};
use super::{Desk, DeskError, Outbound, Turn, WaitsFor};
use crate::budget::{self, ANSWER_BYTES, CATCH_UP_AFTER, Lane, WINDOW_BYTES};
use crate::spool::{HANDED_OVER, Packing, Queued};
use protocol::limits::{CONSENTS_MAX, TROUBLES_MAX};
use protocol::message::{self, Beat, Message, Said};
use protocol::signature::sign_post;
use protocol::{CONFIRM_PATH, Hex, MESSAGES_PATH, PACKAGES_PATH, package};
use report::Instant;

/// What an exchange with a package has beside it, both ways: request line, headers, the seal, and the answer.
const AROUND_PACKAGE: u64 = 2_048 + ANSWER_BYTES;

/// Whether something is to be said.
enum Offer {
    Send(Box<Outbound>),
    Wait(Instant, WaitsFor),
    Nothing,
}

/// One thing that may be said.
type Step = fn(&mut Desk, Instant) -> Result<Offer, DeskError>;

/// A request before it is signed.
struct Sealed {
    path: &'static str,
    content_type: &'static str,
    key: String,
    body: Vec<u8>,
}

/// What must be durable with a request.
enum Durable<'a> {
    Nothing,
    /// A message's number, and the alerts that it carries.
    Message(u64, &'a [i64]),
    /// Which package leaves, by its digest.
    Package(Hex<32>),
}

impl Desk {
    /// What is to be said now, if anything. Call it again after each answer until it is idle.
    pub fn turn(&mut self) -> Result<Turn, DeskError> {
        self.first_of(&[Desk::confirmation, Desk::messages, Desk::packages])
    }

    /// Like [`Desk::turn`], without packages: for an agent that is paused, or asks what to do.
    pub fn turn_without_packages(&mut self) -> Result<Turn, DeskError> {
        self.first_of(&[Desk::confirmation, Desk::messages])
    }

    /// What cannot wait: the confirmation of the enrolment and alerts.
    pub fn urgent(&mut self) -> Result<Turn, DeskError> {
        self.first_of(&[Desk::confirmation, Desk::alerts])
    }

    fn first_of(&mut self, steps: &[Step]) -> Result<Turn, DeskError> {
        let now = self.surroundings.now();
        let mut wait: Option<(Instant, WaitsFor)> = None;
        for step in steps {
            match step(self, now)? {
                Offer::Send(outbound) => return Ok(Turn::Send(outbound)),
                Offer::Wait(until, why) if wait.is_none_or(|(first, _)| until < first) => wait = Some((until, why)),
                Offer::Wait(..) => {}
                Offer::Nothing => {}
            }
            // Nothing else would be taken before the enrolment is confirmed.
            if self.unconfirmed {
                break;
            }
        }
        if let Some((_, why)) = wait {
            self.waits_for = why;
        }
        Ok(wait.map_or(Turn::Idle, |(until, _)| Turn::Wait(until)))
    }

    fn confirmation(&mut self, now: Instant) -> Result<Offer, DeskError> {
        if !self.unconfirmed {
            return Ok(Offer::Nothing);
        }
        if let Some(until) = self.pauses.confirmation.holds(now) {
            return Ok(Offer::Wait(until, WaitsFor::Pause));
        }
        self.step_epoch(now)?;
        let key = format!("{}-enrol", self.identity.agent());
        let sealed = Sealed { path: CONFIRM_PATH, content_type: package::CONTENT_TYPE, key, body: Vec::new() };
        self.offer(now, Lane::Ordinary, Errand::Confirm, sealed, &Durable::Nothing)
    }

    /// Messages, one after the other: what is numbered already is said before anything with a higher number.
    fn messages(&mut self, now: Instant) -> Result<Offer, DeskError> {
        match self.alerts(now)? {
            Offer::Nothing => {}
            offer => return Ok(offer),
        }
        let resync = self.tended(|spool| spool.resync_is_due())?;
        let rotation = self.identity.rotation();
        let said = match rotation {
            Some(rotation) => Said::Rotation(rotation),
            None if resync || self.beat_is_due => Said::Beat(Box::new(self.beat()?)),
            None => return Ok(Offer::Nothing),
        };
        if let Some(until) = self.pauses.messages.holds(now) {
            return Ok(Offer::Wait(until, WaitsFor::Pause));
        }
        let number = self.tended(|spool| spool.next_message())?;
        self.say(now, Lane::Ordinary, number, said, &[])
    }

    /// The lane of alerts.
    fn alerts(&mut self, now: Instant) -> Result<Offer, DeskError> {
        let Some(queued) = self.tended(|spool| spool.queued_alerts())? else { return Ok(Offer::Nothing) };
        if let Some(until) = self.pauses.alerts.holds(now) {
            return Ok(Offer::Wait(until, WaitsFor::Pause));
        }
        let Queued { number, mut ids, mut notices } = queued;
        let fresh = self.tended(|spool| spool.next_message())?;
        let known = number.is_some();
        let number = number.unwrap_or(fresh);
        loop {
            let said = Said::Alerts(notices.clone());
            let offer = self.say(now, Lane::Alerts, number, said, &ids)?;
            // Fewer may fit what is left of the budget; a message that was said stays as it was.
            if known || notices.len() < 2 || !matches!(offer, Offer::Wait(..)) {
                return Ok(offer);
            }
            ids.truncate(ids.len() / 2);
            notices.truncate(notices.len() / 2);
        }
    }

    fn say(&mut self, now: Instant, lane: Lane, number: u64, said: Said, alerts: &[i64]) -> Result<Offer, DeskError> {
        self.step_epoch(now)?;
        let what = What::of(&said);
        let body = message::seal(&self.identity.keys, &Message { number, said }, self.surroundings.random());
        let key = format!("{}-m{number}", self.identity.agent());
        let sealed = Sealed { path: MESSAGES_PATH, content_type: message::CONTENT_TYPE, key, body };
        self.offer(now, lane, Errand::Message { number, what }, sealed, &Durable::Message(number, alerts))
    }

    /// The oldest package that the portal does not have. What waits is packed when the budget allows to send it, and
    /// as much of it: a package cannot be made smaller afterwards.
    fn packages(&mut self, now: Instant) -> Result<Offer, DeskError> {
        if let Some(until) = self.pauses.packages.holds(now) {
            return Ok(Offer::Wait(until, WaitsFor::Pause));
        }
        if self.tended(|spool| spool.resync_is_due())? {
            return Ok(Offer::Nothing);
        }
        let identity = self.identity.clone();
        // Until the portal knows the next evidence key, nothing is packed that needs it.
        let rotates = identity.stored.rotation.is_some();
        let limit = self.limit(now, Lane::Ordinary)?;
        let room = self.budget.room(now, limit).saturating_sub(AROUND_PACKAGE);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let packing = self.tended(|spool| {
            if rotates {
                return Ok(spool.oldest_unsent(&identity)?.map_or(Packing::Nothing, Packing::Package));
            }
            spool.outgoing(&identity, room)
        })?;
        let outgoing = match packing {
            Packing::Nothing => return Ok(Offer::Nothing),
            Packing::Package(outgoing) => outgoing,
            Packing::Needs(bytes) => {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(AROUND_PACKAGE);
                let free_at = self.budget.free_at(now, Lane::Ordinary, budget::cost(bytes), limit);
                return Ok(Offer::Wait(free_at, WaitsFor::Budget));
            }
        };
        self.step_epoch(now)?;
        let body = package::seal(&self.identity.keys, &outgoing.body, self.surroundings.random());
        let key = format!("{}-{}", self.identity.agent(), outgoing.sequence);
        let sealed = Sealed { path: PACKAGES_PATH, content_type: package::CONTENT_TYPE, key, body };
        let errand = Errand::Package { sequence: outgoing.sequence, digest: outgoing.digest };
        self.offer(now, Lane::Ordinary, errand, sealed, &Durable::Package(outgoing.digest))
    }

    /// Moves to the next epoch of the keys when this one is over.
    fn step_epoch(&mut self, now: Instant) -> Result<(), DeskError> {
        if self.identity.epoch_is_over(now, self.requests) {
            self.identity.ratchet(&self.state, now, self.proved)?;
            (self.requests, self.proved) = (0, false);
        }
        Ok(())
    }

    /// Signs a request and gives it out, when the budget allows it and after it is durable.
    fn offer(
        &mut self,
        now: Instant,
        lane: Lane,
        errand: Errand,
        sealed: Sealed,
        durable: &Durable<'_>,
    ) -> Result<Offer, DeskError> {
        let (outbound, charged) = self.signed(now, lane, errand, sealed);
        let limit = self.limit(now, lane)?;
        let free_at = self.budget.free_at(now, lane, charged, limit);
        if free_at > now {
            return Ok(Offer::Wait(free_at, WaitsFor::Budget));
        }
        self.commit(now, lane, charged, durable)?;
        Ok(Offer::Send(Box::new(outbound)))
    }

    /// Makes durable what must be before a request leaves.
    fn commit(&mut self, now: Instant, lane: Lane, charged: u64, durable: &Durable<'_>) -> Result<(), DeskError> {
        self.budget.charge(now, lane, charged);
        self.requests = self.requests.saturating_add(1);
        let values = self.counters()?;
        match durable {
            Durable::Nothing => self.tended(|spool| spool.set_values(&values)),
            Durable::Package(digest) => {
                let [budget, requests] = values;
                let values = [budget, requests, (HANDED_OVER, digest.to_string())];
                self.tended(|spool| spool.set_values(&values))
            }
            Durable::Message(number, alerts) => self.tended(|spool| spool.number_message(*number, alerts, &values)),
        }
    }

    /// What the budget and the epoch have used, to be kept.
    pub(super) fn counters(&self) -> Result<[(&'static str, String); 2], DeskError> {
        let budget = serde_json::to_string(&self.budget).map_err(crate::spool::SpoolError::from)?;
        Ok([("budget", budget), ("requests", self.requests.to_string())])
    }

    /// A request with its signature, and what it will cost.
    fn signed(&self, at: Instant, lane: Lane, errand: Errand, sealed: Sealed) -> (Outbound, u64) {
        let Sealed { path, content_type, key, body } = sealed;
        let (to, keys) = ((self.authority.as_str(), path), self.identity.keys.clone());
        let signed = sign_post(&keys, to, content_type, &key, &body, &self.surroundings);
        let (signature, input) = (signed.signature.clone(), signed.signature_input.clone());
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("idempotency-key", key),
            ("content-digest", signed.content_digest),
            ("signature-input", signed.signature_input),
            ("signature", signed.signature),
        ];
        let mut outbound = Outbound::plain(self.authority.clone(), path, headers, body);
        let charged = budget::cost(outbound.bytes().saturating_add(ANSWER_BYTES));
        outbound.request = Some(Request { errand, keys, signature, input, lane, at, charged });
        (outbound, charged)
    }

    /// Bytes allowed in 30 minutes: more while old records wait.
    fn limit(&mut self, now: Instant, lane: Lane) -> Result<u64, DeskError> {
        let oldest = if lane == Lane::Ordinary { self.tended(|spool| spool.unsent())?.oldest } else { None };
        let catches_up = oldest.is_some_and(|oldest| now.since(oldest) > CATCH_UP_AFTER);
        Ok(if catches_up { self.options.catch_up_bytes.max(WINDOW_BYTES) } else { WINDOW_BYTES })
    }

    /// How the agent does: what the caller said, with what the desk knows itself.
    fn beat(&mut self) -> Result<Beat, DeskError> {
        let unsent = self.tended(|spool| spool.unsent())?;
        let settings = self.settings()?;
        let mut beat = self.beat.clone().unwrap_or_else(|| Beat {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind: self.identity.kind(),
            interval_minutes: settings.bounded_interval_minutes(),
            ..Beat::default()
        });
        beat.at = self.surroundings.now();
        beat.settings_version = settings.version;
        beat.records_waiting = unsent.records;
        beat.packages_waiting = unsent.packages;
        beat.oldest_waiting = unsent.oldest;
        beat.spool_bytes = unsent.bytes;
        beat.consents.truncate(CONSENTS_MAX);
        beat.troubles.truncate(TROUBLES_MAX);
        Ok(beat)
    }

    /// The message that says that this agent leaves. It is given out whatever waits; what it names is
    /// durable. After it is answered, or when it cannot be delivered, [`Desk::erase`] removes everything.
    pub fn leave(&mut self) -> Result<Outbound, DeskError> {
        let now = self.surroundings.now();
        self.step_epoch(now)?;
        let number = self.tended(|spool| spool.next_message())?;
        let message = Message { number, said: Said::Leave { at: now } };
        let body = message::seal(&self.identity.keys, &message, self.surroundings.random());
        let key = format!("{}-m{number}", self.identity.agent());
        let sealed = Sealed { path: MESSAGES_PATH, content_type: message::CONTENT_TYPE, key, body };
        let errand = Errand::Message { number, what: What::Leave };
        let (outbound, charged) = self.signed(now, Lane::Ordinary, errand, sealed);
        self.commit(now, Lane::Ordinary, charged, &Durable::Message(number, &[]))?;
        Ok(outbound)
    }
}

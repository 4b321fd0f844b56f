//! What an answer means. Only what the portal proved changes anything; everything else means "later".
//!
//! An answer is proved by the keys and the signature of the very request that it answers, a receipt
//! besides by the key that enrolment pinned. Deliberately absent: any effect of a status code.

use super::wire::{Errand, Request, What};
use super::{
    ALERTS_PAUSE_MAX, BEAT, COMPARE_EVERY, Desk, DeskError, Inbound, Outbound, Outcome, PAUSE_MAX, Pause, Pauses,
};
use crate::budget::{UNREACHED_BYTES, cost};
use crate::identity::EnrolledBy;
use protocol::Hex;
use protocol::receipt::{
    self, Answer, Duty, PROBLEM_BASE, Problem, REFUSAL_CONTENT_TYPE, Receipt, Settings, SignedRefusal, Standing,
};
use protocol::signature::{SignatureHeaders, verify_answer};
use report::Instant;

/// What the portal proved.
enum Proved {
    Answer(Box<Answer>),
    Refusal(Box<Problem>),
    Nothing,
}

/// The short word of a problem's kind.
fn kind_of(problem: &Problem) -> &str {
    problem.kind.strip_prefix(PROBLEM_BASE).unwrap_or(&problem.kind)
}

impl Desk {
    /// Takes what came back for a request. Believes only what is proved, and charges the budget.
    pub fn answered(&mut self, sent: &Outbound, answer: &Inbound) -> Result<Outcome, DeskError> {
        let Some(request) = sent.request.clone() else { return Ok(Outcome::Unproved) };
        let now = self.surroundings.now();
        let spent = cost(sent.bytes().saturating_add(answer.bytes()));
        self.budget.settle(request.at, now, request.lane, (request.charged, spent));
        let values = self.counters()?;
        self.tended(|spool| spool.set_values(&values))?;
        match self.prove(&request, answer) {
            Proved::Answer(answer) => {
                self.pauses.reached();
                if request.keys.id == self.identity.keys.id && !self.proved {
                    self.proved = true;
                    self.identity.epoch_is_proved(&self.state)?;
                }
                self.act(request.errand, *answer, now)
            }
            Proved::Refusal(problem) => {
                self.pauses = Pauses::all(Pause::of(now, PAUSE_MAX));
                tracing::warn!(problem = kind_of(&problem), "the portal asks for a new enrolment; everything is kept");
                Ok(Outcome::NeedsEnrolment(problem))
            }
            Proved::Nothing => {
                self.back_off(request.errand, now, false);
                Ok(Outcome::Unproved)
            }
        }
    }

    /// No connection to the portal came about, so that the request was not sent: like [`Desk::failed`], and the
    /// budget gets back what the exchange did not cost.
    pub fn unreached(&mut self, sent: &Outbound) -> Result<(), DeskError> {
        if let Some(request) = &sent.request {
            let now = self.surroundings.now();
            let spent = UNREACHED_BYTES.min(request.charged);
            self.budget.settle(request.at, now, request.lane, (request.charged, spent));
            let values = self.counters()?;
            self.tended(|spool| spool.set_values(&values))?;
        }
        self.failed(sent)
    }

    /// No answer came, and nobody knows whether the request arrived. Everything is kept, and it is tried again
    /// later; the budget counts it as sent.
    pub fn failed(&mut self, sent: &Outbound) -> Result<(), DeskError> {
        if let Some(request) = &sent.request {
            let now = self.surroundings.now();
            self.back_off(request.errand, now, false);
        }
        Ok(())
    }

    fn pause(&mut self, errand: Errand) -> &mut Pause {
        match errand {
            Errand::Confirm => &mut self.pauses.confirmation,
            Errand::Message { what: What::Alerts, .. } => &mut self.pauses.alerts,
            Errand::Message { .. } => &mut self.pauses.messages,
            Errand::Package { .. } => &mut self.pauses.packages,
        }
    }

    /// A longer pause before this is tried again. Alerts wait less while the portal is merely not there.
    fn back_off(&mut self, errand: Errand, now: Instant, refused: bool) {
        let is_alert = matches!(errand, Errand::Message { what: What::Alerts, .. });
        let most = if is_alert && !refused { ALERTS_PAUSE_MAX } else { PAUSE_MAX };
        self.pause(errand).longer(now, most, refused);
    }

    fn prove(&self, request: &Request, answer: &Inbound) -> Proved {
        let content_type = answer.header("content-type");
        if content_type == REFUSAL_CONTENT_TYPE {
            let refusal: Option<SignedRefusal> = serde_json::from_slice(&answer.body).ok();
            let bound = request.bound();
            let proved = refusal.filter(|refusal| refusal.is_authentic(&bound, &self.identity.receipt_key));
            return proved.map_or(Proved::Nothing, |refusal| Proved::Refusal(Box::new(refusal.problem)));
        }
        let headers = SignatureHeaders {
            content_digest: answer.header("content-digest").to_owned(),
            signature_input: answer.header("signature-input").to_owned(),
            signature: answer.header("signature").to_owned(),
        };
        let covered = (answer.status, content_type, answer.body.as_slice());
        if verify_answer(&request.keys.answer, covered, &request.signature, &headers).is_err() {
            return Proved::Nothing;
        }
        receipt::open(&request.keys, &answer.body).map_or(Proved::Nothing, |answer| Proved::Answer(Box::new(answer)))
    }

    /// Carries out a proved answer, as far as it fits what was asked.
    fn act(&mut self, errand: Errand, answer: Answer, now: Instant) -> Result<Outcome, DeskError> {
        match (errand, answer) {
            (Errand::Package { sequence, digest }, Answer::Accepted { receipt, settings, wanted, duty }) => {
                let ours = receipt.agent == self.identity.agent()
                    && (receipt.sequence, receipt.digest) == (sequence, digest)
                    && receipt.is_authentic(&self.identity.receipt_key);
                if !ours {
                    self.back_off(errand, now, true);
                    return Ok(Outcome::Unproved);
                }
                self.accepted(&receipt, settings.as_ref(), &wanted, &duty, now)
            }
            (Errand::Confirm, Answer::Enrolled { settings, reseller, customer }) => {
                self.enrolled(&settings, reseller, customer)
            }
            (Errand::Message { number, what }, Answer::Heard { settings, standing, duty, .. }) => {
                let changed = self.take(settings.as_ref(), &duty)?;
                let outcome = self.heard(number, what, &standing, now)?;
                self.tell_settings(changed);
                Ok(outcome)
            }
            (errand, Answer::Refused(problem)) => self.refused(errand, problem, now),
            (errand, _) => {
                self.back_off(errand, now, true);
                Ok(Outcome::Unproved)
            }
        }
    }

    /// What comes with any good answer; whether the settings are other ones now.
    fn take(&mut self, settings: Option<&Settings>, duty: &Duty) -> Result<bool, DeskError> {
        let changed = match settings {
            Some(settings) => self.tended(|spool| spool.set_settings(settings))?,
            None => false,
        };
        self.tended(|spool| spool.set_duty(duty))?;
        Ok(changed)
    }

    /// The portal repeats its settings until a beat names their version: says one, where the caller said any.
    fn tell_settings(&mut self, changed: bool) {
        self.beat_is_due |= changed && self.beat.is_some();
    }

    fn accepted(
        &mut self,
        receipt: &Receipt,
        settings: Option<&Settings>,
        wanted: &[Hex<32>],
        duty: &Duty,
        now: Instant,
    ) -> Result<Outcome, DeskError> {
        self.tended(|spool| spool.acknowledge(receipt, wanted, now))?;
        let changed = self.take(settings, duty)?;
        self.tell_settings(changed);
        self.spool.keep_reserve();
        self.pauses.packages = Pause::NONE;
        (self.chained_anew, self.introduced_anew) = (false, false);
        let unsent = self.unsent()?;
        Ok(Outcome::Kept { more: unsent.records + unsent.packages > 0 })
    }

    /// The enrolment took effect. In a comparison this is where the account becomes known.
    fn enrolled(&mut self, settings: &Settings, reseller: String, customer: String) -> Result<Outcome, DeskError> {
        if !self.identity.has_account() {
            let mut named = self.identity.clone();
            (named.stored.reseller, named.stored.customer) = (reseller, customer);
            // First the spool: one of another account is refused, and the enrolment stays unconfirmed.
            self.tended(|spool| spool.belong_to(&named))?;
            self.identity.change(&self.state, |stored| {
                (stored.reseller, stored.customer) = (named.stored.reseller, named.stored.customer);
                (stored.confirmed, stored.spool) = (true, true);
            })?;
        } else if !self.identity.stored.confirmed {
            self.identity.change(&self.state, |stored| stored.confirmed = true)?;
        }
        let changed = self.tended(|spool| spool.set_settings(settings))?;
        self.tell_settings(changed);
        self.unconfirmed = false;
        self.pauses = Pauses::NONE;
        Ok(Outcome::Confirmed)
    }

    fn heard(&mut self, number: u64, what: What, standing: &Standing, now: Instant) -> Result<Outcome, DeskError> {
        let effective = self.tended(|spool| spool.heard(number, standing.next_message, now))?;
        let identity = self.identity.clone();
        self.tended(|spool| spool.resync(&identity, standing))?;
        if !effective || self.tended(|spool| spool.resync_is_due())? {
            self.back_off(Errand::Message { number, what }, now, true);
            return Ok(Outcome::Nothing);
        }
        *self.pause(Errand::Message { number, what }) = Pause::NONE;
        match what {
            What::Rotation => self.identity.rotated(&self.state)?,
            What::Beat => {
                self.beat_is_due = false;
                self.keep_beat()?;
            }
            What::Leave => return Ok(Outcome::Confirmed),
            What::Alerts => {}
        }
        Ok(Outcome::Nothing)
    }

    /// Keeps what the caller said of itself, for a beat that the desk says on its own after a restart.
    fn keep_beat(&mut self) -> Result<(), DeskError> {
        let Some(beat) = &self.beat else { return Ok(()) };
        let text = serde_json::to_string(beat).map_err(crate::spool::SpoolError::from)?;
        self.tended(|spool| spool.set_values(&[(BEAT, text.clone())]))
    }

    /// What a proved refusal asks for.
    fn refused(&mut self, errand: Errand, problem: Problem, now: Instant) -> Result<Outcome, DeskError> {
        let kind = kind_of(&problem).to_owned();
        match (kind.as_str(), errand) {
            ("unconfirmed", Errand::Confirm) if self.identity.stored.way == EnrolledBy::Compare => {
                // Somebody has yet to compare the digits.
                self.pauses.confirmation = Pause::of(now, COMPARE_EVERY);
            }
            ("unconfirmed", Errand::Message { .. } | Errand::Package { .. }) => {
                self.unconfirmed = true;
                return Ok(Outcome::Nothing);
            }
            ("order", Errand::Package { sequence, .. }) => {
                return self.out_of_order(sequence, problem, now);
            }
            ("chain", Errand::Package { .. }) => return self.chain_anew(problem, now),
            ("evidence", Errand::Package { .. }) => return self.introduce_again(problem, now),
            ("revoked" | "fork", errand) => *self.pause(errand) = Pause::of(now, PAUSE_MAX),
            ("later", errand) => self.back_off(errand, now, true),
            (kind, errand @ Errand::Message { number, what }) => {
                self.back_off(errand, now, true);
                self.never_heard(number, what, kind, now)?;
            }
            (_, errand) => self.back_off(errand, now, true),
        }
        Ok(Outcome::Refused(Box::new(problem)))
    }

    /// The portal waits for another package: it was restored from a backup, or this spool was.
    fn out_of_order(&mut self, sequence: u64, problem: Problem, now: Instant) -> Result<Outcome, DeskError> {
        if let Some(expected) = problem.expected_sequence.filter(|expected| *expected < sequence)
            && self.tended(|spool| spool.resend(expected))?
        {
            return Ok(Outcome::Nothing);
        }
        self.chain_anew(problem, now)
    }

    /// What is packed does not go on where the portal stands: ask where that is. Once; a second time in a
    /// row something is wrong that asking does not mend.
    fn chain_anew(&mut self, problem: Problem, now: Instant) -> Result<Outcome, DeskError> {
        self.tended(|spool| spool.ask_standing())?;
        if std::mem::replace(&mut self.chained_anew, true) {
            self.pauses.packages.longer(now, PAUSE_MAX, true);
            return Ok(Outcome::Refused(Box::new(problem)));
        }
        Ok(Outcome::Nothing)
    }

    /// The portal cannot prove who signed a package: it may have been restored to before the evidence key was
    /// introduced. Says the introduction again; once in a row, as for the chain.
    fn introduce_again(&mut self, problem: Problem, now: Instant) -> Result<Outcome, DeskError> {
        let again = self.identity.introduce_again(&self.state)?;
        if std::mem::replace(&mut self.introduced_anew, true) || !again {
            self.pauses.packages.longer(now, PAUSE_MAX, true);
            return Ok(Outcome::Refused(Box::new(problem)));
        }
        Ok(Outcome::Nothing)
    }

    /// The portal will not take a message, whenever it is said.
    fn never_heard(&mut self, number: u64, what: What, kind: &str, now: Instant) -> Result<(), DeskError> {
        match what {
            What::Alerts => self.tended(|spool| spool.alerts_refused(number, kind, now))?,
            What::Rotation => self.identity.change(&self.state, |stored| stored.rotation = None)?,
            What::Beat => self.beat_is_due = false,
            What::Leave => {}
        }
        Ok(())
    }
}

//! What an answer means. Only what the portal proved changes anything; everything else means "later".
//!
//! An answer is proved by the keys and the signature of the very request that it answers, a receipt
//! besides by the key that enrolment pinned. Deliberately absent: any effect of a status code.

use super::wire::{Errand, Request, What};
use super::{COMPARE_EVERY, Desk, DeskError, Inbound, Outbound, Outcome, PAUSE_MAX, Pause};
use crate::budget::cost;
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
                self.proved |= request.keys.id == self.identity.keys.id;
                self.act(request.errand, *answer, now)
            }
            Proved::Refusal(problem) => {
                let pause = Pause::of(now, PAUSE_MAX);
                (self.pauses.confirmation, self.pauses.messages, self.pauses.packages) = (pause, pause, pause);
                tracing::warn!(problem = kind_of(&problem), "the portal asks for a new enrolment; everything is kept");
                Ok(Outcome::NeedsEnrolment(problem))
            }
            Proved::Nothing => {
                self.pause(request.errand).longer(now);
                Ok(Outcome::Unproved)
            }
        }
    }

    /// The request did not reach the portal, or no answer came. Everything is kept, and it is tried again later.
    pub fn failed(&mut self, sent: &Outbound) -> Result<(), DeskError> {
        if let Some(request) = &sent.request {
            let now = self.surroundings.now();
            self.pause(request.errand).longer(now);
        }
        Ok(())
    }

    fn pause(&mut self, errand: Errand) -> &mut Pause {
        match errand {
            Errand::Confirm => &mut self.pauses.confirmation,
            Errand::Message { .. } => &mut self.pauses.messages,
            Errand::Package { .. } => &mut self.pauses.packages,
        }
    }

    fn prove(&self, request: &Request, answer: &Inbound) -> Proved {
        let content_type = answer.header("content-type");
        if content_type == REFUSAL_CONTENT_TYPE {
            let refusal: Option<SignedRefusal> = serde_json::from_slice(&answer.body).ok();
            let proved = refusal.filter(|refusal| refusal.is_authentic(&request.signature, &self.identity.receipt_key));
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
                    self.pauses.packages.longer(now);
                    return Ok(Outcome::Unproved);
                }
                self.accepted(&receipt, settings.as_ref(), &wanted, &duty, now)
            }
            (Errand::Confirm, Answer::Enrolled { settings, reseller, customer }) => {
                self.enrolled(&settings, reseller, customer)
            }
            (Errand::Message { number, what }, Answer::Heard { settings, standing, duty, .. }) => {
                self.take(settings.as_ref(), &duty)?;
                self.heard(number, what, &standing, now)
            }
            (errand, Answer::Refused(problem)) => self.refused(errand, problem, now),
            (errand, _) => {
                self.pause(errand).longer(now);
                Ok(Outcome::Unproved)
            }
        }
    }

    /// What comes with any good answer.
    fn take(&mut self, settings: Option<&Settings>, duty: &Duty) -> Result<(), DeskError> {
        if let Some(settings) = settings {
            self.tended(|spool| spool.set_settings(settings))?;
        }
        self.tended(|spool| spool.set_duty(duty))
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
        self.take(settings, duty)?;
        self.spool.keep_reserve();
        self.pauses.packages = Pause::NONE;
        self.chained_anew = false;
        let unsent = self.unsent()?;
        Ok(Outcome::Kept { more: unsent.records + unsent.packages > 0 })
    }

    /// The enrolment took effect. In a comparison this is where the account becomes known.
    fn enrolled(&mut self, settings: &Settings, reseller: String, customer: String) -> Result<Outcome, DeskError> {
        let names = !self.identity.has_account();
        if !self.identity.stored.confirmed || names {
            self.identity.change(&self.state, |stored| {
                stored.confirmed = true;
                if names {
                    (stored.reseller, stored.customer) = (reseller, customer);
                }
            })?;
        }
        if names {
            let identity = self.identity.clone();
            self.tended(|spool| spool.belong_to(&identity))?;
            self.identity.change(&self.state, |stored| stored.spool = true)?;
        }
        self.tended(|spool| spool.set_settings(settings))?;
        self.unconfirmed = false;
        self.pauses = super::Pauses::NONE;
        Ok(Outcome::Confirmed)
    }

    fn heard(&mut self, number: u64, what: What, standing: &Standing, now: Instant) -> Result<Outcome, DeskError> {
        let effective = self.tended(|spool| spool.heard(number, standing.next_message, now))?;
        let identity = self.identity.clone();
        self.tended(|spool| spool.resync(&identity, standing))?;
        if !effective || self.tended(|spool| spool.resync_is_due())? {
            self.pauses.messages.longer(now);
            return Ok(Outcome::Nothing);
        }
        self.pauses.messages = Pause::NONE;
        match what {
            What::Rotation => self.identity.rotated(&self.state)?,
            What::Beat => self.beat_is_due = false,
            What::Leave => return Ok(Outcome::Confirmed),
            What::Alerts => {}
        }
        Ok(Outcome::Nothing)
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
            ("revoked" | "fork", errand) => *self.pause(errand) = Pause::of(now, PAUSE_MAX),
            ("later", errand) => self.pause(errand).longer(now),
            (kind, Errand::Message { number, what }) => {
                self.pauses.messages.longer(now);
                self.never_heard(number, what, kind, now)?;
            }
            (_, errand) => self.pause(errand).longer(now),
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
            self.pauses.packages.longer(now);
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

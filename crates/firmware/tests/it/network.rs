//! The network before the portal in memory: it carries requests, loses them, and puts other answers in the place
//! of the portal's.

use protocol::package::Core;
use protocol::receipt::{Participation, Settings};
use protocol::testing::{Portal, Wire, WireAnswer};
use report::Surroundings;
use std::sync::{Arc, Mutex};

/// 2026-10-31T12:00:00Z.
pub(crate) const START: i64 = 1_793_448_000_000;

/// What becomes of a request.
pub(crate) enum Fate {
    Deliver,
    LoseRequest,
    LoseAnswer,
    /// The portal never sees it, and this comes back.
    Instead(WireAnswer),
    /// The portal answers, and this is made of it.
    Change(fn(&mut WireAnswer)),
}

pub(crate) type Fates = Box<dyn FnMut(&Wire, &[WireAnswer]) -> Fate + Send>;

/// The portal and the way to it.
pub(crate) struct Network {
    pub(crate) portal: Portal,
    pub(crate) fates: Fates,
    /// What the portal really answered.
    pub(crate) answers: Vec<WireAnswer>,
    /// How many requests agents made.
    pub(crate) requests: usize,
}

pub(crate) type Net = Arc<Mutex<Network>>;

impl Network {
    /// A network that delivers, before a portal at `authority` that wants every printer to take part.
    pub(crate) fn start(authority: &str, surroundings: Surroundings) -> Net {
        let mut portal = Portal::new(authority, surroundings);
        portal.settings = Some(Settings { version: 1, participation: Participation::All, ..Settings::default() });
        let network = Network { portal, fates: Box::new(|_, _| Fate::Deliver), answers: Vec::new(), requests: 0 };
        Arc::new(Mutex::new(network))
    }

    /// Carries a request.
    pub(crate) fn post(&mut self, wire: &Wire) -> Option<WireAnswer> {
        assert_eq!(wire.authority, self.portal.authority, "an agent speaks with its portal only");
        self.requests += 1;
        let fate = (self.fates)(wire, &self.answers);
        match fate {
            Fate::LoseRequest => return None,
            Fate::Instead(answer) => return Some(answer),
            Fate::Deliver | Fate::LoseAnswer | Fate::Change(_) => {}
        }
        let mut answer = self.portal.answer(wire);
        self.answers.push(answer.clone());
        match fate {
            Fate::LoseAnswer => None,
            Fate::Change(change) => {
                change(&mut answer);
                Some(answer)
            }
            _ => Some(answer),
        }
    }

    /// The UUIDs of the jobs that the portal keeps, in order.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let uuid = |core| match core {
            Core::Job(record) => record.job.uuid,
            _ => None,
        };
        self.portal.cores().into_iter().filter_map(uuid).collect()
    }

    /// Everything that the portal keeps, as text.
    pub(crate) fn text(&self) -> String {
        self.portal.packages().concat()
    }
}

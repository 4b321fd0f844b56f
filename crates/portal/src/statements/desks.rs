//! Where files that take seconds and much memory are made: few at a time, each in a thread of its own.
//!
//! Work that does not end cannot be stopped. After a while its desk is given to the next, so that one document
//! never keeps everybody else waiting; where that happened too often, the desk is kept, since each such work holds
//! memory, and only a restart helps. Deliberately absent: a deadline for whoever waits, who sets one.

use crate::db::DbError;
use crate::shell::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

/// Files that are made at a time: one with many thousand rows takes some gigabytes.
const DESKS: usize = 2;
/// How long a file may keep its desk. The largest that are allowed take about one minute.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How many works may go on without a desk.
const LOST_MAX: usize = 2;
/// The stack of a work, as a program's first thread has it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

static ROOM: Room = Room::new(DESKS, PATIENCE);

/// The desks.
struct Room {
    desks: Semaphore,
    patience: Duration,
    /// How many works went on longer than they may.
    lost: AtomicUsize,
}

/// A desk that was free, for one work.
pub(super) struct Desk {
    room: &'static Room,
    permit: SemaphorePermit<'static>,
}

/// Waits for a desk.
pub(super) async fn free() -> Result<Desk, Error> {
    ROOM.free().await
}

impl Room {
    const fn new(desks: usize, patience: Duration) -> Room {
        Room { desks: Semaphore::const_new(desks), patience, lost: AtomicUsize::new(0) }
    }

    async fn free(&'static self) -> Result<Desk, Error> {
        let permit = self.desks.acquire().await.map_err(|_| Error::from(DbError::Interrupted))?;
        Ok(Desk { room: self, permit })
    }

    /// Keeps the desk until its work ended, which dropping the other side of `ended` says, or is lost.
    async fn watch(&'static self, permit: SemaphorePermit<'static>, mut ended: oneshot::Receiver<()>) {
        if tokio::time::timeout(self.patience, &mut ended).await.is_ok() {
            return;
        }
        let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::error!(lost, "a file of a statement is still being made after {} s", self.patience.as_secs());
        let kept = (lost > LOST_MAX).then_some(permit);
        // Dropped, not sent.
        let _end = ended.await;
        self.lost.fetch_sub(1, Ordering::Relaxed);
        drop(kept);
    }
}

impl Desk {
    /// Does the work, which keeps the desk, also when nobody waits for it any more.
    pub(super) async fn make<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (send, made) = oneshot::channel();
        let (until, ended) = oneshot::channel::<()>();
        let run = move || {
            // Nobody may be there to take it.
            let _unheard = send.send(work());
            drop(until);
        };
        let started = thread::Builder::new().name("file".to_owned()).stack_size(STACK_BYTES).spawn(run);
        started.map_err(|error| Error::Internal(Box::new(error)))?;
        tokio::spawn(self.room.watch(self.permit, ended));
        made.await.unwrap_or_else(|_| Err(Error::from(DbError::Interrupted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn room(desks: usize) -> &'static Room {
        Box::leak(Box::new(Room::new(desks, Duration::ZERO)))
    }

    #[tokio::test]
    async fn work_that_does_not_end_gives_its_desk_back_but_not_for_ever() {
        let room = room(1);
        let mut works = Vec::new();
        for _ in 0..=LOST_MAX {
            let (end, wait) = mpsc::channel::<()>();
            let desk = room.free().await.expect("a desk, given back by the work before");
            let work = move || Ok(wait.recv().is_err());
            works.push((end, tokio::spawn(desk.make(work))));
        }
        // The last of them keeps its own.
        tokio::task::yield_now().await;
        assert!(room.desks.try_acquire().is_err());
        for (end, work) in works {
            drop(end);
            assert!(matches!(work.await.expect("no panic"), Ok(true)));
        }
        let _desk = room.free().await.expect("the desk, once the works ended");
        assert!(room.desks.try_acquire().is_err(), "a desk too many");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_frees_the_desk() {
        let room = room(1);
        let desk = room.free().await.expect("a desk");
        let made: Result<(), Error> = desk.make(|| panic!("of this test")).await;
        assert!(matches!(made, Err(Error::Internal(_))));
        room.free().await.expect("the desk again");
    }
}

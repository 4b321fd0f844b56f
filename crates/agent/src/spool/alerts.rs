//! The alerts that wait for their own lane: each printer, code and start goes once.
//!
//! The notices of one message share its number, which is durable before the message is sent. Until that
//! message is heard it is said again unchanged, and nothing with a higher number is said before it.
//! Deliberately absent: when an alert is worth saying at once, which whoever reads the printer decides.

use super::{REMEMBER, Spool, SpoolError, set_value, value};
use protocol::limits::ALERTS_MAX;
use protocol::message::AlertNotice;
use report::Instant;
use rusqlite::{Connection, params};

/// The value with the number of the last message.
pub(super) const NUMBER: &str = "message_number";
/// An alert that says no start counts once a day.
const DAY: i64 = 24 * 3_600_000;

/// The alerts to say next.
pub(crate) struct Queued {
    /// The number of the message that they stand in, once one was made of them.
    pub(crate) number: Option<u64>,
    /// Their rows.
    pub(crate) ids: Vec<i64>,
    /// What to say.
    pub(crate) notices: Vec<AlertNotice>,
}

/// The number of the last message.
pub(super) fn last_number(connection: &Connection) -> Result<u64, SpoolError> {
    Ok(value(connection, NUMBER)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

impl Spool {
    /// Queues an alert; `false` when it was queued before.
    pub(crate) fn queue_alert(&mut self, notice: &AlertNotice) -> Result<bool, SpoolError> {
        let now = self.surroundings.now();
        let body = serde_json::to_string(notice)?;
        let started = notice.alert.since.map_or(notice.read_at.0.div_euclid(DAY).saturating_mul(DAY), |since| since.0);
        let tx = self.write()?;
        let sql = "insert or ignore into alert (printer, code, since, body, queued_at) values (?1, ?2, ?3, ?4, ?5)";
        let new = tx.execute(sql, params![notice.printer.serial, notice.alert.code, started, body, now.0])? > 0;
        tx.execute(
            "delete from alert where sent_at is not null and queued_at < ?1",
            params![now.0.saturating_sub(REMEMBER.0)],
        )?;
        tx.commit()?;
        Ok(new)
    }

    /// The alerts to say next: those of a message that was not heard yet, else the oldest.
    pub(crate) fn queued_alerts(&self) -> Result<Option<Queued>, SpoolError> {
        let sql = "select id, number, body from alert where sent_at is null
                   order by number is null, number, id limit ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let limit = i64::try_from(ALERTS_MAX).unwrap_or(1);
        let mut rows = statement.query(params![limit])?;
        let mut queued: Option<Queued> = None;
        while let Some(row) = rows.next()? {
            let (id, number): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            let number = number.map(super::count);
            let notice = serde_json::from_str(&row.get::<_, String>(2)?)?;
            let queued = queued.get_or_insert_with(|| Queued { number, ids: Vec::new(), notices: Vec::new() });
            if queued.number != number {
                break;
            }
            queued.ids.push(id);
            queued.notices.push(notice);
        }
        Ok(queued)
    }

    /// Makes a message durable before it is sent: its number, the alerts in it, and other values with it.
    pub(crate) fn number_message(
        &mut self,
        number: u64,
        alerts: &[i64],
        values: &[(&str, String)],
    ) -> Result<(), SpoolError> {
        let tx = self.write()?;
        set_value(&tx, NUMBER, &number.max(last_number(&tx)?).to_string())?;
        for id in alerts {
            tx.prepare_cached("update alert set number = ?2 where id = ?1")?
                .execute(params![id, super::int(number)])?;
        }
        for (name, text) in values {
            set_value(&tx, name, text)?;
        }
        tx.commit()?;
        Ok(())
    }

    /// The number for the next message.
    pub(crate) fn next_message(&self) -> Result<u64, SpoolError> {
        Ok(last_number(&self.connection)?.saturating_add(1))
    }

    /// The portal heard message `number`. When it says that only `next` and later change anything, this one
    /// changed nothing: the counter here was behind, and what it said is to be said again.
    pub(crate) fn heard(&mut self, number: u64, next: u64, now: Instant) -> Result<bool, SpoolError> {
        let stale = next > number.saturating_add(1);
        let tx = self.write()?;
        if stale {
            let last = last_number(&tx)?.max(next.saturating_sub(1).min(i64::MAX.unsigned_abs() - 1));
            set_value(&tx, NUMBER, &last.to_string())?;
            tx.execute("update alert set number = null where number = ?1", params![super::int(number)])?;
        } else {
            let sql = "update alert set sent_at = ?2 where number = ?1 and sent_at is null";
            tx.execute(sql, params![super::int(number), now.0])?;
        }
        tx.commit()?;
        Ok(!stale)
    }

    /// The portal will never take the alerts of message `number`, and said why. They are kept, and not said again.
    pub(crate) fn alerts_refused(&mut self, number: u64, why: &str, now: Instant) -> Result<(), SpoolError> {
        let sql = "update alert set sent_at = ?2, refused = ?3 where number = ?1 and sent_at is null";
        self.connection.execute(sql, params![super::int(number), now.0, why])?;
        Ok(())
    }
}

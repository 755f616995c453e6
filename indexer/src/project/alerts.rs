//! Where alerts are raised and closed: one open at a time on a topic, whatever comes in between.
//!
//! A function of rows and of the chain's own time. What depends on the clock is written ahead, with the time from which it
//! holds, so it makes no difference in which block somebody looks.

use std::sync::Arc;

use alloy::primitives::{Address, B256};
use bursar_sdk::score::{Evaluation, Reason, State};
use serde_json::json;

use crate::ledger::{AlertKind, AlertRow, Detail, Key, Ledger, Moment, Row, Rows, Severity, Telling, Topic};

/// Something to look at.
#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) topic: Topic,
    pub(super) severity: Severity,
    /// From when on, in unix seconds; from now on where that is past.
    pub(super) from: u64,
    /// Until when, in unix seconds, if nothing more happens; `None` until something closes it.
    pub(super) until: Option<u64>,
    /// The numbers.
    pub(super) detail: Detail,
}

impl Alarm {
    pub(super) fn new(topic: Topic, severity: Severity, detail: impl Into<Detail>) -> Self {
        Self { topic, severity, from: 0, until: None, detail: detail.into() }
    }
}

/// What a score may ask for: looked at with every event of the score.
pub(super) fn judged(of: (Address, u32)) -> [Topic; 2] {
    [Topic::of(AlertKind::OffTrajectory, of, "spending"), Topic::of(AlertKind::Review, of, "score")]
}

/// Alerts at one place in the ledger.
pub(super) struct Alerts<'a, R> {
    pub(super) ledger: &'a mut Ledger<R>,
    pub(super) moment: Moment,
}

impl<R: Rows> Alerts<'_, R> {
    /// It happened: raises the alert, or counts it in the one that is open.
    pub(super) async fn raise(&mut self, alarm: Alarm) -> Result<(), R::Error> {
        let Alarm { severity, until, .. } = alarm;
        let telling = Telling { topic: alarm.topic.key(), alert: None };
        if self.count(telling, severity, until, &alarm.detail).await? {
            return Ok(());
        }
        self.hold(alarm).await
    }

    /// It happened again: counts it in the alert that the topic has open; false where none is.
    pub(super) async fn count(
        &mut self,
        telling: Telling,
        severity: Severity,
        until: Option<u64>,
        detail: &Detail,
    ) -> Result<bool, R::Error> {
        // One at a time is open on a topic: where the one at hand is, it is that.
        let mut open = match telling.alert {
            Some(id) => self.look_at(id).await?,
            None => None,
        };
        if open.is_none() {
            open = self.look(telling.topic).await?;
        }
        let open = open.as_ref().and_then(|(id, row)| Some((*id, alert(row)?)));
        let Some((id, row)) = open.filter(|(_, row)| !row.is_to_come(self.moment.at)) else {
            return Ok(false);
        };
        let row = AlertRow {
            severity,
            closed_at: until,
            count: row.count.saturating_add(1),
            detail: detail.clone(),
            subject: row.subject.clone(),
            ..*row
        };
        self.ledger.set(Key::Alert(id), Some(Row::Alert(row))).await?;
        Ok(true)
    }

    /// It is so: raises the alert where none is open, or foresees it.
    pub(super) async fn hold(&mut self, alarm: Alarm) -> Result<(), R::Error> {
        let Moment { block, hash, at } = self.moment;
        let topic = alarm.topic.key();
        let (from, detail) = (alarm.from.max(at), alarm.detail);
        let (id, count) = match self.open(topic).await? {
            Some((_, row)) if !row.is_to_come(at) => return Ok(()),
            Some((_, row)) if (row.raised_at, &row.detail) == (from, &detail) => return Ok(()),
            Some((id, _)) => (id, 1),
            None => {
                let id = alarm.topic.alert(block);
                if hash.is_some() {
                    // It names this block.
                    self.ledger.begins_here(Key::Alert(id));
                }
                // Closed and raised again within one block.
                let before = self.ledger.get(Key::Alert(id)).await?;
                (id, if let Some(Row::Alert(row)) = before { row.count.saturating_add(1) } else { 1 })
            }
        };
        let Topic { kind, treasury, envelope, subject } = alarm.topic;
        let row = AlertRow {
            kind,
            severity: alarm.severity,
            treasury,
            envelope,
            subject,
            raised_at: from,
            block,
            block_hash: hash,
            foreseen: from > at,
            closed_at: alarm.until,
            closed_block: None,
            count,
            detail,
        };
        self.ledger.set(Key::Alert(id), Some(Row::Alert(row))).await?;
        self.ledger.set(Key::AlertTopic(topic), Some(Row::AlertTopic(id))).await
    }

    /// It is not so any more: closes the alert, or foresees none.
    pub(super) async fn close(&mut self, topic: &Topic) -> Result<(), R::Error> {
        let topic = topic.key();
        let Some((id, mut row)) = self.open(topic).await? else { return Ok(()) };
        self.ledger.set(Key::AlertTopic(topic), None).await?;
        if row.is_to_come(self.moment.at) {
            return self.ledger.set(Key::Alert(id), None).await;
        }
        (row.closed_at, row.closed_block) = (Some(self.moment.at), Some(self.moment.block));
        self.ledger.set(Key::Alert(id), Some(Row::Alert(row))).await
    }

    /// The alert that the topic of this key has open, or to come.
    async fn open(&mut self, topic: B256) -> Result<Option<(B256, AlertRow)>, R::Error> {
        let found = self.look(topic).await?;
        Ok(found.and_then(|(id, row)| Some((id, alert(&row)?.clone()))))
    }

    /// The same to look at.
    async fn look(&mut self, topic: B256) -> Result<Option<(B256, Arc<Row>)>, R::Error> {
        let found = self.ledger.look(Key::AlertTopic(topic)).await?;
        let Some(Row::AlertTopic(id)) = found.as_deref() else { return Ok(None) };
        self.look_at(*id).await
    }

    /// The alert of that name, unless it is over.
    async fn look_at(&mut self, id: B256) -> Result<Option<(B256, Arc<Row>)>, R::Error> {
        let row = self.ledger.look(Key::Alert(id)).await?;
        let is_over = |row: &Row| alert(row).is_none_or(|row| row.is_over(self.moment.at));
        Ok(row.filter(|row| !is_over(row)).map(|row| (id, row)))
    }

    /// What a score asks for.
    pub(super) async fn judge(
        &mut self,
        of: (Address, u32),
        state: &State,
        now: &Evaluation,
    ) -> Result<(), R::Error> {
        let [topic, review] = judged(of);
        if now.caps().any(|(reason, _)| reason == Reason::Projected) {
            let inputs = &now.inputs;
            let detail = json!({
                "projection": inputs.projection(),
                "burst": inputs.burst,
                "used": inputs.used,
                "elapsed": inputs.elapsed,
                "pace": inputs.pace,
                "score": now.value,
            });
            self.hold(Alarm::new(topic, Severity::Critical, detail)).await?;
        } else {
            self.close(&topic).await?;
        }
        let Some(trigger) = state.foreseen() else { return self.close(&review).await };
        let reasons: Vec<&str> = state.evaluate(trigger.at).reasons().into_iter().map(Reason::code).collect();
        let detail = json!({ "trigger": trigger, "reasons": reasons });
        self.hold(Alarm { from: trigger.at, ..Alarm::new(review, Severity::Critical, detail) }).await
    }
}

fn alert(row: &Row) -> Option<&AlertRow> {
    match row {
        Row::Alert(row) => Some(row),
        _ => None,
    }
}

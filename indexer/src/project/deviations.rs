//! Which events of the chain somebody should look at, and which end that.

use std::sync::Arc;

use alloy::primitives::{Address, U256};
use serde_json::json;

use super::{
    Projector, Step,
    alerts::{Alarm, Alerts, judged},
    rows,
    stops::Stop,
};
use crate::ledger::{
    AlertKind, Detail, EnvelopeRow, Moment, Newcomers, Outside, PaymentRow, Rows, SettlementRow, Severity,
    Topic,
};

/// As many payees that were never paid before, within half an hour to an hour, are a burst.
pub const BURST: u32 = 10;

/// What happens and does not last is shown for as long, in seconds, after the last time.
pub const SHOWN: u64 = 86_400;

/// Payments without a decision, of an envelope.
pub(super) fn unexplained(of: (Address, u32)) -> Topic {
    Topic::of(AlertKind::UnexplainedPayment, of, "payments")
}

/// Many payees of an envelope that were never paid before.
fn payee_burst(of: (Address, u32)) -> Topic {
    Topic::of(AlertKind::PayeeBurst, of, "payees")
}

/// What a payment of an envelope may raise or close.
pub fn topics_of_payments(of: (Address, u32)) -> impl Iterator<Item = Topic> {
    judged(of).into_iter().chain([unexplained(of), payee_burst(of)])
}

/// What an account pays outside any envelope.
pub fn ungoverned(payer: Address) -> Topic {
    Topic {
        kind: AlertKind::UngovernedPayer,
        treasury: None,
        envelope: None,
        subject: format!("payers/{payer}"),
    }
}

fn donations(of: (Address, u32), purse: Address) -> Topic {
    Topic::of(AlertKind::Donation, of, format!("purses/{purse}"))
}

impl<R: Rows> Projector<'_, R> {
    pub(super) fn moment(&self) -> Moment {
        let header = &self.block.header;
        Moment { block: header.number, hash: Some(header.hash), at: header.timestamp }
    }

    pub(super) fn alerts(&mut self) -> Alerts<'_, R> {
        Alerts { moment: self.moment(), ledger: &mut self.ledger }
    }

    /// It happened, and is shown until it has not happened for a while.
    pub(super) async fn happened(
        &mut self,
        topic: Topic,
        severity: Severity,
        detail: impl Into<Detail>,
    ) -> Step<(), R> {
        let until = Some(self.shown_until());
        rows(self.alerts().raise(Alarm { until, ..Alarm::new(topic, severity, detail) }).await)
    }

    /// Until when what happens now is shown, in unix seconds.
    fn shown_until(&self) -> u64 {
        self.block.header.timestamp.saturating_add(SHOWN)
    }

    /// It is so, until something ends it.
    pub(super) async fn stands(
        &mut self,
        topic: Topic,
        severity: Severity,
        detail: serde_json::Value,
    ) -> Step<(), R> {
        rows(self.alerts().hold(Alarm::new(topic, severity, detail)).await)
    }

    pub(super) async fn over(&mut self, topic: &Topic) -> Step<(), R> {
        rows(self.alerts().close(topic).await)
    }

    /// A payment settled, and nothing is known yet that it commits to. Where nothing tells its nonce, nothing ever will be.
    pub(super) async fn unexplained(
        &mut self,
        payment: &PaymentRow,
        envelope: &mut EnvelopeRow,
    ) -> Step<(), R> {
        envelope.unexplained = envelope.unexplained.saturating_add(1);
        let topic = unexplained((payment.treasury, payment.envelope));
        let detail = json!({
            "payments": envelope.unexplained,
            "agent": payment.agent,
            "purse": payment.purse,
            "nonce": payment.nonce,
            "payee": payment.payee,
            "asset": payment.asset,
            "amount": payment.amount.to_string(),
            "txHash": payment.tx_hash,
        });
        rows(self.alerts().raise(Alarm::new(topic, Severity::Warning, detail)).await)
    }

    /// A payee off the list was paid for the first time.
    pub(super) async fn newcomer(&mut self, payment: &PaymentRow, envelope: &mut EnvelopeRow) -> Step<(), R> {
        let count = envelope.newcomers.count(self.block.header.timestamp);
        if count < BURST {
            return Ok(());
        }
        let topic = payee_burst((payment.treasury, payment.envelope));
        let detail = json!({
            "payees": count,
            "least": BURST,
            "seconds": 2 * Newcomers::SLOT,
            "last": payment.payee,
        });
        let until = Some(envelope.newcomers.forgotten_at());
        rows(self.alerts().raise(Alarm { until, ..Alarm::new(topic, Severity::Warning, detail) }).await)
    }

    /// Somebody sent money straight to a purse.
    pub(super) async fn donation(
        &mut self,
        of: (Address, u32),
        (from, purse): (Address, Address),
        (value, balance): (U256, U256),
    ) -> Step<(), R> {
        let detail = json!({ "from": from, "amount": value.to_string(), "balance": balance.to_string() });
        let alarm = Alarm::new(donations(of, purse), Severity::Notice, detail);
        rows(self.alerts().raise(alarm).await)
    }

    /// What a purse held went back to the escrow, donations with it.
    pub(super) async fn purse_emptied(&mut self, of: (Address, u32), purse: Address) -> Step<(), R> {
        self.over(&donations(of, purse)).await
    }

    /// A watched account paid outside any envelope.
    pub(super) async fn ungoverned(&mut self, row: &SettlementRow) -> Step<(), R> {
        let SettlementRow { payer, payee, asset, amount, tx_hash, .. } = *row;
        let detail = Detail::Outside(Arc::new(Outside { payer, payee, asset, amount, tx_hash }));
        // Most of these are one of many of their payer, whose alert is known then.
        if let Some(telling) = self.ledger.outside(payer) {
            let until = Some(self.shown_until());
            let counted = self.alerts().count(telling, Severity::Warning, until, &detail).await;
            if rows(counted)? {
                return Ok(());
            }
        }
        self.happened(ungoverned(payer), Severity::Warning, detail).await
    }

    /// How long a score lets sessions open, or since when, is another now.
    pub(super) async fn score_lives(&mut self, of: (Address, u32), envelope: &EnvelopeRow) -> Step<(), R> {
        let now = self.block.header.timestamp;
        let topic = Topic::of(AlertKind::ScoreSilent, of, "score");
        let fresh_until = envelope.scored_at.saturating_add(envelope.score_life.into());
        if envelope.score_life == 0 || fresh_until > now {
            self.over(&topic).await?;
        }
        if envelope.score_life == 0 {
            return Ok(());
        }
        let detail = json!({ "scoredAt": envelope.scored_at, "life": envelope.score_life });
        let alarm = Alarm { from: fresh_until, ..Alarm::new(topic, Severity::Warning, detail) };
        rows(self.alerts().hold(alarm).await)
    }

    /// Somebody stopped or released something. Reviews are the score's to tell.
    pub(super) async fn stopped(&mut self, treasury: Address, stop: &Stop) -> Step<(), R> {
        let Some(subject) = stop.subject() else { return Ok(()) };
        let mut topic = Topic::of_treasury(AlertKind::Frozen, treasury, subject);
        topic.envelope = stop.envelope;
        if !stop.stopped {
            return self.over(&topic).await;
        }
        let severity = if stop.session.is_some() { Severity::Warning } else { Severity::Critical };
        self.stands(topic, severity, json!({ "level": stop.level, "by": stop.by })).await
    }
}

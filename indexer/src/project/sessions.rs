//! Sessions: what they draw and give back.

use alloy::primitives::{Address, U256};
use bursar_sdk::{
    abi::Treasury::{PurseSwept, SessionClosed, SessionOpened},
    amount::Amount,
    windows::Draw,
};

use super::{Halt, Projector, Step, add, amount, stops::session_subject};
use crate::{
    decode::scope,
    ledger::{AlertKind, Key, Row, Rows, SessionRow, Topic},
    source::RawLog,
};

impl<R: Rows> Projector<'_, R> {
    pub(super) async fn session_opened(&mut self, log: &RawLog, event: &SessionOpened) -> Step<(), R> {
        let (treasury, number) = (log.address, event.envelope.to());
        let now = self.block.header.timestamp;
        let budget = Amount::from(event.budget);
        let mut envelope = self.envelope_row(treasury, number).await?;
        let mut purse = self.purse_row(event.purse).await?;

        let mut limits = self.limits(treasury, number, &envelope).await?;
        limits.draw(now, budget).map_err(|error| Halt::Aside(error.to_string()))?;
        self.put_limits(treasury, number, &limits).await?;
        self.draw_from_groups(treasury, envelope.group, budget).await?;

        let narrowed: U256 = event.scope.approvalThreshold.to();
        let threshold = match narrowed {
            U256::ZERO => envelope.approval_threshold,
            narrowed => narrowed.min(envelope.approval_threshold),
        };
        let sequence = event.sequence.to();
        self.insider(treasury, event.key).await?;
        let session = SessionRow {
            treasury,
            envelope: number,
            key: event.key,
            budget: budget.to_u256(),
            opened_at: now,
            expiry: event.expiry.into(),
            policy_version: event.policyVersion,
            approval_threshold: threshold,
            scope: scope(&event.scope).to_string(),
            stamp_hash: event.stampHash,
            frozen: false,
            closed_at: None,
            returned: None,
            unspent: None,
            paid: U256::ZERO,
            payments: 0,
            opened_tx: log.tx_hash,
            group: envelope.group,
        };
        self.put_session(event.purse, sequence, session).await?;
        (purse.sequence, purse.open) = (sequence, true);
        self.put_purse(event.purse, purse).await?;
        add(&mut envelope.drawn, budget.to_u256())?;
        envelope.open_sessions = envelope.open_sessions.saturating_add(1);
        envelope.open_until = envelope.open_until.max(event.expiry.into());
        self.put_envelope(treasury, number, envelope).await
    }

    pub(super) async fn session_closed(&mut self, log: &RawLog, event: &SessionClosed) -> Step<(), R> {
        let (treasury, number, sequence) = (log.address, event.envelope.to(), event.sequence.to());
        let now = self.block.header.timestamp;
        let unspent = Amount::try_from(event.unspent).map_err(|error| Halt::Aside(error.to_string()))?;
        let mut session = self.session_row(event.purse, sequence).await?;
        let mut envelope = self.envelope_row(treasury, number).await?;

        let mut limits = self.limits(treasury, number, &envelope).await?;
        let draw = Draw { opened_at: session.opened_at, policy_version: session.policy_version };
        limits.give_back(now, draw, unspent);
        self.put_limits(treasury, number, &limits).await?;
        self.return_to_groups(treasury, session.group, session.opened_at, unspent).await?;

        if session.policy_version == envelope.policy_version {
            envelope.open_sessions = envelope.open_sessions.saturating_sub(1);
            self.put_envelope(treasury, number, envelope).await?;
        }
        if session.frozen {
            let subject = session_subject(event.purse, sequence);
            self.over(&Topic::of(AlertKind::Frozen, (treasury, number), subject)).await?;
        }
        session.closed_at = Some(now);
        session.returned = Some(event.returned);
        session.unspent = Some(event.unspent);
        self.put_session(event.purse, sequence, session).await?;
        self.give_back(treasury, number, event.purse, event.returned).await
    }

    pub(super) async fn purse_swept(&mut self, log: &RawLog, event: &PurseSwept) -> Step<(), R> {
        self.give_back(log.address, event.envelope.to(), event.purse, event.amount).await
    }

    /// What the purse held went back to the escrow. The transfer itself follows in its own log.
    ///
    /// The treasury asked the token what the purse held. Where that is more than we saw come in, the rest was
    /// sent before the purse was there to be watched.
    async fn give_back(&mut self, treasury: Address, number: u32, purse: Address, held: U256) -> Step<(), R> {
        let held = amount(held)?;
        let mut envelope = self.envelope_row(treasury, number).await?;
        let mut row = self.purse_row(purse).await?;
        add(&mut envelope.donated, held.saturating_sub(row.balance))?;
        add(&mut envelope.returned, held)?;
        row.balance = held;
        row.open = false;
        self.put_purse(purse, row).await?;
        self.purse_emptied((treasury, number), purse).await?;
        self.put_envelope(treasury, number, envelope).await
    }

    pub(super) async fn put_session(
        &mut self,
        purse: Address,
        sequence: u32,
        row: SessionRow,
    ) -> Step<(), R> {
        self.set(Key::Session(purse, sequence), Some(Row::Session(Box::new(row)))).await
    }
}

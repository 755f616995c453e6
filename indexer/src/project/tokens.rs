//! What tokens tell: payments, and money that moves in and out of purses.

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::{
    abi::{
        Eip3009::{AuthorizationUsed, Transfer},
        Treasury::TreasuryEvents,
    },
    payment::{Rail, Token, session_id, terms},
    score::Standing,
};

use super::{
    Halt, Outcome, Projector, Step, add, amount,
    approval::{approver, authorization},
    rows,
};
use crate::{
    decode::{Event, PaymentCall, find_payment_calls},
    ledger::{AssetRow, EnvelopeRow, Key, PaymentRow, PurseRow, Row, Rows, SessionRow},
    source::{RawLog, TransactionInput},
};

/// What a payment was, and the call that tells of it where one does.
pub(super) struct Paid {
    pub(super) payee: Address,
    pub(super) amount: U256,
    pub(super) nonce: Option<B256>,
    pub(super) call: Option<PaymentCall>,
    /// What the session key signed; of no use without a call.
    pub(super) digest: B256,
    pub(super) rail: &'static str,
}

impl<R: Rows> Projector<'_, R> {
    /// A payment: the authorization of a purse was used, and the transfer beside it moved the money.
    pub(super) async fn settled(&mut self, log: &RawLog, event: &AuthorizationUsed) -> Step<Outcome, R> {
        let purse = event.authorizer;
        let Some(row) = self.watched(purse).await? else {
            return self.settled_outside(log, event).await.and(Err(Halt::Told));
        };
        let envelope = self.envelope_row(row.treasury, row.envelope).await?;
        if envelope.asset != log.address {
            let asset = envelope.asset;
            return Err(Halt::Aside(format!(
                "expected an authorization of asset {asset}, got {}",
                log.address
            )));
        }
        let (transfer, moved) = self.transfer_of(log)?;
        let paid = amount(moved.value)?;
        if !row.open {
            return Err(Halt::Aside(format!("purse {purse} paid without an open session")));
        }
        if self.is_used(purse, event.nonce).await? {
            return Err(Halt::Aside(format!("nonce {} was used before", event.nonce)));
        }
        let session = self.session_row(purse, row.sequence).await?;
        let terms = self.terms(&row, &envelope, &session).await?;
        let call = self.explained(log, event, &row, terms, moved.to, paid)?;
        let digest = match &call {
            Some(call) => {
                let token = self.token_of(row.treasury, &envelope).await?;
                authorization(call).digest(Rail::Eip3009, token)
            }
            None => B256::ZERO,
        };
        let paid =
            Paid { payee: moved.to, amount: paid, nonce: Some(event.nonce), call, digest, rail: "eip3009" };
        let place = Some((row.treasury, row.envelope));
        self.pay(log, transfer, purse, &row, (envelope, session), paid).await?;
        Ok(Outcome { kind: None, place })
    }

    /// The token of an envelope, under the domain separator that the treasury has on record for it.
    pub(super) async fn token_of(&mut self, treasury: Address, envelope: &EnvelopeRow) -> Step<Token, R> {
        let (chain_id, address) = (self.realm.chain_id, envelope.asset);
        match self.get(Key::Asset(treasury, address)).await? {
            Some(Row::Asset(AssetRow { domain_separator, .. })) => {
                Ok(Token { chain_id, address, domain_separator })
            }
            _ => self.gap(format!("asset {address} of treasury {treasury}")),
        }
    }

    /// What a payment changes and adds, however it settled.
    pub(super) async fn pay(
        &mut self,
        log: &RawLog,
        transfer: u64,
        purse: Address,
        row: &PurseRow,
        (mut envelope, mut session): (EnvelopeRow, SessionRow),
        paid: Paid,
    ) -> Step<(), R> {
        let approver = match &paid.call {
            Some(call) if paid.amount > session.approval_threshold => {
                approver(self.realm.chain_id, row.treasury, paid.digest, call)
            }
            _ => None,
        };
        add(&mut envelope.paid, paid.amount)?;
        add(&mut session.paid, paid.amount)?;
        envelope.payments = envelope.payments.saturating_add(1);
        session.payments = session.payments.saturating_add(1);
        let mut payment = PaymentRow {
            log_index: log.log_index,
            transfer_log_index: transfer,
            tx_hash: log.tx_hash,
            treasury: row.treasury,
            envelope: row.envelope,
            agent: envelope.agent,
            purse,
            session: session_id(purse, row.sequence),
            policy_version: session.policy_version,
            asset: envelope.asset,
            payee: paid.payee,
            amount: paid.amount,
            nonce: paid.nonce,
            rail: paid.rail,
            decision_hash: paid.call.map(|call| call.blob.decision_hash),
            approver,
            facilitator: self.sender(log)?,
            standing: Standing::Known,
        };
        payment.standing = self.scored(&payment, &mut envelope).await?;
        self.put_envelope(row.treasury, row.envelope, envelope).await?;
        self.put_session(purse, row.sequence, session).await?;
        self.effects.payments.push(payment);
        Ok(())
    }

    /// What payments of the session commit to, as it stands at this log.
    pub(super) async fn terms(
        &mut self,
        purse: &PurseRow,
        envelope: &EnvelopeRow,
        session: &SessionRow,
    ) -> Step<u128, R> {
        let epoch = self.epoch(purse.treasury, envelope.group).await?;
        Ok(terms(epoch, session.policy_version))
    }

    /// Money moved in or out of a purse, or both.
    pub(super) async fn moved(&mut self, index: usize, log: &RawLog, event: &Transfer) -> Step<Outcome, R> {
        let mut outcome = None;
        let mut nothing = Halt::Ignore;
        if let Some(mut row) = self.watched(event.from).await? {
            let kind = if self.is_asset_of(&row, log.address).await? {
                row.balance = row.balance.saturating_sub(event.value);
                self.put_purse(event.from, row.clone()).await?;
                self.settled_silently(log, event, &row).await?;
                "transfer"
            } else {
                "stray_transfer"
            };
            outcome = Some(Outcome { kind: Some(kind), place: Some((row.treasury, row.envelope)) });
        } else {
            match self.moved_outside(log, event).await {
                Ok(()) => nothing = Halt::Told,
                Err(Halt::Ignore) => {}
                Err(halt) => return Err(halt),
            }
        }
        if let Some(mut row) = self.watched(event.to).await? {
            let place = (row.treasury, row.envelope);
            let kind = if self.is_asset_of(&row, log.address).await? {
                let value = amount(event.value)?;
                add(&mut row.balance, value)?;
                let drawn = event.from == row.treasury && !self.was_released(index, event);
                let balance = row.balance;
                self.put_purse(event.to, row).await?;
                if drawn {
                    "transfer"
                } else {
                    self.donation(place, (event.from, event.to), (value, balance)).await?;
                    self.donated(place, event.from, value).await?
                }
            } else {
                "stray_transfer"
            };
            outcome = Some(Outcome { kind: Some(kind), place: Some(place) });
        }
        outcome.ok_or(nothing)
    }

    async fn donated(&mut self, place: (Address, u32), from: Address, value: U256) -> Step<&'static str, R> {
        let mut envelope = self.envelope_row(place.0, place.1).await?;
        add(&mut envelope.donated, value)?;
        self.put_envelope(place.0, place.1, envelope).await?;
        self.gave_back(place, from, value).await?;
        Ok("donation")
    }

    /// The purse, once it is there: what moves at its address before that is not counted, so that it makes no
    /// difference how much of the chain was asked for at once.
    async fn watched(&mut self, address: Address) -> Step<Option<PurseRow>, R> {
        match self.get(Key::Purse(address)).await? {
            Some(Row::Purse(row)) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    async fn is_asset_of(&mut self, purse: &PurseRow, token: Address) -> Step<bool, R> {
        Ok(self.envelope_row(purse.treasury, purse.envelope).await?.asset == token)
    }

    /// Whether a treasury's transfer is a withdrawal or a recovery that went to a purse, rather than a draw.
    fn was_released(&self, index: usize, event: &Transfer) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.block.entries.get(before));
        let Some((_, Ok(Event::Treasury(said)))) = before else { return false };
        match said.as_ref() {
            TreasuryEvents::Withdrawn(e) => (e.to, e.amount) == (event.to, event.value),
            TreasuryEvents::Recovered(e) => (e.to, e.amount) == (event.to, event.value),
            _ => false,
        }
    }

    /// The transfer beside an authorization, and its place.
    pub(super) fn transfer_of(&self, log: &RawLog) -> Step<(u64, Transfer), R> {
        let beside = self.pairs.get(&log.log_index);
        // In the order of their places.
        let place = beside.and_then(|beside| {
            self.block.entries.binary_search_by_key(beside, |(other, _)| other.log_index).ok()
        });
        match place.and_then(|place| self.block.entries.get(place)) {
            Some((beside, Ok(Event::Moved(moved)))) => Ok((beside.log_index, moved.clone())),
            _ => Err(Halt::Aside("an authorization was used and no transfer goes with it".into())),
        }
    }

    pub(super) async fn is_used(&mut self, purse: Address, nonce: B256) -> Step<bool, R> {
        let here = self.effects.payments.iter().any(|of| (of.purse, of.nonce) == (purse, Some(nonce)));
        Ok(here || rows(self.ledger.settlement(purse, nonce).await)?.is_some())
    }

    pub(super) fn sender(&self, log: &RawLog) -> Step<Address, R> {
        Ok(self.transaction(log)?.from)
    }

    pub(super) fn transaction(&self, log: &RawLog) -> Step<&TransactionInput, R> {
        match self.block.transactions.get(&log.tx_hash) {
            Some(transaction) => Ok(transaction),
            None => self.gap(format!("transaction {} is not there", log.tx_hash)),
        }
    }

    /// The call in the transaction's input that commits to this very payment; `None` where none is found.
    fn explained(
        &self,
        log: &RawLog,
        event: &AuthorizationUsed,
        purse: &PurseRow,
        terms: u128,
        payee: Address,
        paid: U256,
    ) -> Step<Option<PaymentCall>, R> {
        let transaction = self.transaction(log)?;
        let key = (event.authorizer, event.nonce);
        let id = session_id(event.authorizer, purse.sequence);
        let calls = find_payment_calls(&transaction.input, &[key]).remove(&key).unwrap_or_default();
        Ok(calls.into_iter().find(|call| call.explains(terms, id, payee, paid)))
    }
}

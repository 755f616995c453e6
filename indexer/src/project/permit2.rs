//! Payments through Permit2, which logs nothing: a purse's money moves, and no authorization goes with it.
//!
//! Which decision it was, the transaction's input tells: the call to the x402 proxy holds nonce and blob. Since no
//! log names the nonce, a call counts only where the session key signed it and its nonce is not taken yet. Where
//! the input tells nothing, the payment stands without nonce and decision: unexplained, and counted.

use alloy::primitives::B256;
use bursar_sdk::{
    abi::Eip3009::Transfer,
    payment::{Rail, session_id},
};

use super::{Projector, Step, amount, approval::authorization, tokens::Paid};
use crate::{
    decode::{PaymentCall, find_permit2_calls},
    ledger::{EnvelopeRow, PurseRow, Rows, SessionRow},
    source::RawLog,
};

/// What payments are called that no call in their transaction's input tells of.
const UNTOLD: &str = "permit2";

impl<R: Rows> Projector<'_, R> {
    /// A payment, where an envelope that pays through Permit2 lost money that nothing else announced.
    pub(super) async fn settled_silently(
        &mut self,
        log: &RawLog,
        event: &Transfer,
        row: &PurseRow,
    ) -> Step<(), R> {
        if !row.open || !self.silent.contains(&log.log_index) {
            return Ok(());
        }
        let envelope = self.envelope_row(row.treasury, row.envelope).await?;
        if !envelope.permit2 {
            return Ok(());
        }
        let session = self.session_row(event.from, row.sequence).await?;
        let told = self.told(log, event, row, &envelope, &session).await?;
        let payee = event.to;
        let paid = match told {
            Some((call, digest)) => {
                let (nonce, rail) = (Some(call.nonce), call.blob.rail.code());
                Paid { payee, amount: amount(event.value)?, nonce, call: Some(call), digest, rail }
            }
            None => {
                let amount = amount(event.value)?;
                Paid { payee, amount, nonce: None, call: None, digest: B256::ZERO, rail: UNTOLD }
            }
        };
        self.pay(log, log.log_index, event.from, row, (envelope, session), paid).await
    }

    /// The call that moved this money, with what the session key signed.
    async fn told(
        &mut self,
        log: &RawLog,
        event: &Transfer,
        row: &PurseRow,
        envelope: &EnvelopeRow,
        session: &SessionRow,
    ) -> Step<Option<(PaymentCall, B256)>, R> {
        let Some(transaction) = self.block.transactions.get(&log.tx_hash) else {
            return self.gap(format!("transaction {} is not there", log.tx_hash));
        };
        let terms = self.terms(row, envelope, session).await?;
        let id = session_id(event.from, row.sequence);
        for call in find_permit2_calls(&transaction.input, event.from) {
            if !call.explains(terms, id, event.to, event.value) {
                continue;
            }
            let rail = call.blob.rail;
            if rail == Rail::Eip3009 {
                continue;
            }
            let digest = authorization(&call).digest(rail, self.token_of(row.treasury, envelope).await?);
            let signer = call.blob.signature.recover_address_from_prehash(&digest);
            if signer.ok() == Some(session.key) && !self.is_used(event.from, call.nonce).await? {
                return Ok(Some((call, digest)));
            }
        }
        Ok(None)
    }
}

//! The rails through Permit2: who may use them, and what Permit2 counts and moves.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256};

use super::{Answer, Model, Refused, Turn, number};
use crate::{abi::Treasury, payment::permit2::PERMIT2, role::Role};

/// Permit2 as a treasury sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permit2 {
    /// Whether it is on this chain.
    pub deployed: bool,
    /// One-time nonces that were used, by owner.
    pub used: BTreeSet<(Address, U256)>,
}

impl Model {
    /// The purse's answer to Permit2 is `judge_payment`; where it is yes, Permit2 uses up the nonce and moves
    /// `amount` to the payee by the purse's allowance, at most what was permitted.
    ///
    /// # Errors
    /// Why the purse says no, or why the token does not move the money. Nothing has changed then.
    pub fn settle_permit2(
        &mut self,
        now: u64,
        token: Address,
        purse: Address,
        payment: &PaymentSettled<'_>,
    ) -> Result<(), Refused> {
        self.judge_payment(now, purse, payment.digest, payment.blob).map_err(Refused::Payment)?;
        let mut next = self.clone();
        next.permit2.used.insert((purse, U256::from_be_bytes(payment.nonce.0)));
        next.transfer_from(token, PERMIT2, purse, payment.payee, payment.amount)
            .map_err(|reason| Refused::Token { token, reason })?;
        *self = next;
        Ok(())
    }
}

/// A payment as Permit2 settles it.
#[derive(Debug, Clone, Copy)]
pub struct PaymentSettled<'a> {
    /// What the purse is asked about.
    pub digest: B256,
    /// The purse's signature.
    pub blob: &'a [u8],
    /// The nonce that is used up.
    pub nonce: B256,
    /// Who is paid.
    pub payee: Address,
    /// What is charged, in atomic units.
    pub amount: U256,
}

impl Turn {
    pub(super) fn set_permit2(&mut self, envelope: u32, on: bool) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        self.existing(envelope)?;
        if on {
            self.require_announced()?;
            if !self.model.permit2.deployed {
                return Err(Treasury::CodeMissing { expected: PERMIT2 }.into());
            }
        }
        self.existing_mut(envelope)?.permit2 = on;
        self.emit(Treasury::Permit2Set { envelope: number(envelope), on, by: self.caller });
        self.renew_policy(envelope)
    }

    pub(super) fn level_permit2(&mut self, envelope: u32, index: u16) -> Answer {
        let purse = self.existing_purse(envelope, index)?;
        let allowance = if self.existing(envelope)?.permit2 { U256::MAX } else { U256::ZERO };
        let token = self.token_of(envelope)?;
        self.model
            .approve(token, purse, PERMIT2, allowance)
            .map_err(|reason| Refused::TokenCall { token, reason })
    }
}

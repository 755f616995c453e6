//! Payments through Permit2, as far as a treasury has a part in them: Permit2 asks the purse, counts the nonce and
//! moves the money by the purse's allowance. Deadline and nonce are Permit2's own to check.

use alloy::{
    primitives::{Bytes, U256},
    sol,
    sol_types::{SolCall as _, SolValue as _},
};
use anyhow::Result;
use bursar_sdk::{
    model::{PaymentSettled, Refused},
    payment::permit2::PERMIT2,
};

use crate::{agree, answers, cast::Who, payments::Permit2Payment, world::World};

sol! {
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

impl World {
    /// Whether the payment settles.
    pub(crate) fn settle_permit2(&mut self, relay: Who, payment: &Permit2Payment) -> Result<bool> {
        let told = &payment.authorization;
        let (purse, nonce) = (told.purse, U256::from_be_bytes(told.nonce.0));
        agree::on_payment(self, purse, payment.digest, &payment.blob)?;
        agree::on_purse(self, purse, payment.digest, &payment.blob)?;
        let in_time = self.now >= told.valid_after && self.now <= told.valid_before;
        if !in_time || self.model.permit2.used.contains(&(purse, nonce)) {
            return Ok(false);
        }
        let before = self.model.clone();
        let settled = PaymentSettled {
            digest: payment.digest,
            blob: &payment.blob,
            nonce: told.nonce,
            payee: told.payee,
            amount: payment.charged,
        };
        let said = self.model.settle_permit2(self.now, payment.token, purse, &settled);
        self.story.push(format!("{} {relay:?} Permit2 {payment:?}\n      -> {said:?}", self.now));
        self.tally.calls += 1;
        if let Err(refused @ Refused::Payment(_)) = &said {
            // Permit2 has asked the purse, and ends here.
            *self.tally.reasons.entry(answers::name(refused)).or_default() += 1;
            return Ok(false);
        }
        let from = self.at(relay);
        let transfer = transferFromCall { from: purse, to: told.payee, amount: payment.charged };
        let word = (purse, nonce >> 8, U256::from(1) << (nonce & U256::from(0xff)), payment.token);
        let data = Bytes::from([word.abi_encode(), transfer.abi_encode()].concat());
        let done = self.chain.send(self.now, from, PERMIT2, data)?;
        answers::agree(self.model.address, &done, &said.clone().map(|()| Vec::new()))?;
        self.compare(&before, &said)?;
        Ok(said.is_ok())
    }
}

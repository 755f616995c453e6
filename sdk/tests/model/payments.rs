//! Payments: what is signed, by whom, and what is wrong with it.

use alloy::{
    primitives::{Address, B256, Bytes, Signature, U256, aliases::U96},
    sol_types::SolStruct as _,
};
use anyhow::Result;
use bursar_sdk::{
    Amount,
    abi::{
        Eip3009::{Eip3009Calls, transferWithAuthorizationCall},
        TransferWithAuthorization,
    },
    model::Call,
    payment::{Approval, Authorization, PaymentBlob, Rail, commitment, session_id, terms},
};

use crate::{
    agree,
    cast::Who,
    play::nth,
    sessions::high,
    steps::{Approved, Opening, Paying, PurseOf, Twist},
    world::World,
};

/// A signed payment, on its rail.
#[derive(Debug, Clone)]
pub(crate) enum Signed {
    /// The token, and the call to it.
    Eip3009(Address, transferWithAuthorizationCall),
    Permit2(Permit2Payment),
}

/// A payment that Permit2 would settle.
#[derive(Debug, Clone)]
pub(crate) struct Permit2Payment {
    pub(crate) token: Address,
    pub(crate) authorization: Authorization,
    /// What is taken in the end, of the amount that was permitted.
    pub(crate) charged: U256,
    pub(crate) digest: B256,
    pub(crate) blob: Bytes,
}

impl World {
    pub(crate) fn pay(&mut self, paying: &Paying) -> Result<()> {
        if let PurseOf::Live(which) = paying.purse
            && self.live(which).is_none()
        {
            // An agent that wants to pay and has no session asks for one first.
            self.open(&Opening::plain(which))?;
        }
        let (envelope, _, purse) = self.purse(paying.purse);
        let payee = self.at(paying.payee);
        let amount = self.sum(paying.amount, envelope, Some(purse));
        agree::on_preview(self, purse, payee, amount)?;
        let signed = self.sign(paying, envelope, purse, payee, amount)?;
        self.payments.push(signed.clone());
        if paying.settle { self.settle(paying.relay, &signed) } else { Ok(()) }
    }

    pub(crate) fn settle_again(&mut self, which: u8) -> Result<()> {
        match nth(&self.payments, which).cloned() {
            Some(signed) => self.settle(Who::Stranger, &signed),
            None => Ok(()),
        }
    }

    pub(crate) fn settle(&mut self, relay: Who, signed: &Signed) -> Result<()> {
        let settled = match signed {
            Signed::Eip3009(token, call) => {
                let domain = self.model.tokens.get(token).map(|token| token.domain.clone());
                let digest = message(call).eip712_signing_hash(&domain.unwrap_or_default());
                agree::on_payment(self, call.from, digest, &call.signature)?;
                let call = Eip3009Calls::transferWithAuthorization(call.clone());
                self.call(relay, Call::Token(*token, call))?.is_some()
            }
            Signed::Permit2(payment) => self.settle_permit2(relay, payment)?,
        };
        let count = if settled { &mut self.tally.payments_settled } else { &mut self.tally.payments_refused };
        *count += 1;
        Ok(())
    }

    /// A payment as the agent's SDK would sign it, but for what is wrong with it.
    pub(crate) fn sign(
        &self,
        paying: &Paying,
        envelope: u32,
        purse: Address,
        payee: Address,
        amount: U256,
    ) -> Result<Signed> {
        let decision_hash = B256::with_last_byte(paying.decision);
        let authorization = Authorization {
            purse,
            payee,
            amount: Amount::from(U96::saturating_from(amount)),
            valid_after: self.now.saturating_add_signed(i64::from(paying.valid.0)),
            valid_before: self.now.saturating_add_signed(i64::from(paying.valid.1)),
            nonce: self.nonce(purse, paying.twist, decision_hash),
        };
        let asset = self.model.envelope(envelope).map_or(0, |envelope| envelope.asset);
        let token = self.model.assets.get(asset).map(|asset| asset.token).unwrap_or_default();
        let rail = self.rail(paying);
        let mut blob = PaymentBlob {
            rail,
            payee,
            amount: authorization.amount,
            valid_after: authorization.valid_after,
            valid_before: authorization.valid_before,
            decision_hash,
            signature: Signature::new(U256::from(1), U256::from(1), false),
            approval: None,
        };
        let domain = self.model.tokens.get(&token).map(|token| token.domain.clone());
        let digest = authorization.digest(rail, &domain.unwrap_or_default());
        let signer = match paying.signer {
            Some(who) => self.at(who),
            None => self.model.session(purse).map(|session| session.key).unwrap_or_default(),
        };
        let signature = self.cast.sign(signer, digest);
        blob.signature = if let Twist::HighS = paying.twist { high(signature) } else { signature };
        blob.approval = self.approval(paying.approved, envelope, &authorization, decision_hash, digest);
        if let Twist::Decision = paying.twist {
            blob.decision_hash = B256::ZERO;
        }
        let blob = bent(blob.encode()?, paying.twist);
        if rail != Rail::Eip3009 {
            let charged = if let Rail::Permit2Upto { .. } = rail { amount / U256::from(2) } else { amount };
            return Ok(Signed::Permit2(Permit2Payment { token, authorization, charged, digest, blob }));
        }
        let mut call = transferWithAuthorizationCall {
            from: purse,
            to: payee,
            value: authorization.amount.to_u256(),
            validAfter: U256::from(authorization.valid_after),
            validBefore: U256::from(authorization.valid_before),
            nonce: authorization.nonce,
            signature: blob,
        };
        let other = self.tokens[usize::from(token == self.tokens[0])];
        match paying.twist {
            Twist::Payee(other) => call.to = self.at(other),
            Twist::Amount => call.value += U256::from(1),
            _ => {}
        }
        let token = if let Twist::OtherToken = paying.twist { other } else { token };
        Ok(Signed::Eip3009(token, call))
    }

    fn rail(&self, paying: &Paying) -> Rail {
        match paying.rail {
            2 => Rail::Permit2Exact,
            3 => Rail::Permit2Upto { facilitator: self.at(paying.relay) },
            _ => Rail::Eip3009,
        }
    }

    /// What the payment commits to.
    fn nonce(&self, purse: Address, twist: Twist, decision_hash: B256) -> B256 {
        let session = self.model.session_view(purse);
        let (mut epoch, mut version) = (session.epoch.to::<u64>(), session.policyVersion.to::<u16>());
        let mut sequence = session.sequence.to::<u32>();
        match twist {
            Twist::Epoch => epoch += 1,
            Twist::Version => version = version.wrapping_add(1),
            Twist::Sequence => sequence += 1,
            _ => {}
        }
        commitment(terms(epoch, version), session_id(purse, sequence), decision_hash)
    }

    fn approval(
        &self,
        approved: Approved,
        envelope: u32,
        authorization: &Authorization,
        decision_hash: B256,
        digest: B256,
    ) -> Option<Approval> {
        let message = authorization.approval(decision_hash, digest).eip712_signing_hash(&self.model.domain);
        let by = |who, message| self.cast.sign(self.at(who), message);
        let due = self.due(envelope, authorization.purse, authorization.amount.to_u256());
        match approved {
            Approved::No => None,
            Approved::WhereDue => due.then(|| Approval::Eoa(by(Who::Approver, message))),
            Approved::By(who) => Some(Approval::Eoa(by(who, message))),
            Approved::ByContract(who) => {
                let signature = Bytes::copy_from_slice(&by(who, message).as_bytes());
                Some(Approval::Contract { approver: self.at(who), signature })
            }
            Approved::Elsewhere => Some(Approval::Eoa(by(Who::Approver, digest))),
            Approved::HighS => Some(Approval::Eoa(high(by(Who::Approver, message)))),
            Approved::Nobodys => Some(Approval::Eoa(Signature::new(U256::ZERO, U256::from(1), false))),
        }
    }

    /// Whether a payment of that amount needs an approval.
    fn due(&self, envelope: u32, purse: Address, amount: U256) -> bool {
        let own: U256 = self.policy_in_force(envelope).approvalThreshold.to();
        let scope = self.model.session(purse).map(|session| session.scope.approvalThreshold.to::<U256>());
        amount > scope.filter(|scope| !scope.is_zero()).map_or(own, |scope| scope.min(own))
    }
}

fn bent(blob: Bytes, twist: Twist) -> Bytes {
    let mut bytes = blob.to_vec();
    match twist {
        Twist::Cut(at) => bytes.truncate(usize::from(at) % bytes.len()),
        Twist::Rail(rail) => bytes[0] = bytes[0] & 0xf0 | rail,
        Twist::Kind(kind) => bytes[0] = kind << 4 | (bytes[0] & 0x0f),
        Twist::FlipBit(bit) => {
            let bit = usize::from(bit) % (8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        _ => {}
    }
    bytes.into()
}

pub(crate) fn message(call: &transferWithAuthorizationCall) -> TransferWithAuthorization {
    TransferWithAuthorization {
        from: call.from,
        to: call.to,
        value: call.value,
        validAfter: call.validAfter,
        validBefore: call.validBefore,
        nonce: call.nonce,
    }
}

//! Sessions: what is asked for, who signs it, and what is wrong with it.

use alloy::primitives::{Address, B256, Bytes, Signature, U256, uint};
use anyhow::Result;
use bursar_sdk::{
    abi::Treasury::{self, TreasuryCalls},
    model::Call,
};

use crate::{
    agree,
    cast::Who,
    leaves,
    play::{nth, number},
    steps::{Opening, Proof, PurseOf},
    world::World,
};

/// The order of secp256k1.
const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);

impl World {
    pub(crate) fn open(&mut self, opening: &Opening) -> Result<()> {
        let call = self.opening(opening);
        self.openings.push(call.clone());
        self.submit(opening.relay, call)
    }

    /// What is asked for, and signed.
    pub(crate) fn opening(&self, opening: &Opening) -> Treasury::openSessionCall {
        let (envelope, index, purse) = self.purse(opening.purse);
        let narrowed =
            |sum: Option<_>| sum.map(|sum| self.narrow_sum(sum, envelope, Some(purse))).unwrap_or_default();
        let scope = Treasury::Scope {
            paymentCap: narrowed(opening.scope.0),
            approvalThreshold: narrowed(opening.scope.1),
            payeeList: opening.scope.2,
        };
        let next = self.model.purses.get(&purse).map_or(0, |purse| purse.sequence) + 1;
        let request = Treasury::SessionRequest {
            envelope: number(envelope),
            purseIndex: index,
            sequence: number(next.saturating_add_signed(i32::from(opening.sequence))),
            key: self.at(opening.key),
            budget: self.narrow_sum(opening.budget, envelope, Some(purse)),
            expiry: self.end(opening.ends, envelope),
            scope,
            stampHash: B256::with_last_byte(opening.stamp),
        };
        let digest = self.model.open_session_digest(&request);
        let signature = self.proof(opening.proof, self.agent(envelope), digest);
        Treasury::openSessionCall { request, signature }
    }

    pub(crate) fn open_again(&mut self, which: u8) -> Result<()> {
        match nth(&self.openings, which).cloned() {
            Some(call) => self.submit(Who::Stranger, call),
            None => Ok(()),
        }
    }

    fn submit(&mut self, relay: Who, call: Treasury::openSessionCall) -> Result<()> {
        agree::on_opening(self, &call.request)?;
        leaves::of_opening(&self.model, self.now, &call)?;
        let opened = self.call(relay, Call::Treasury(TreasuryCalls::openSession(call)))?.is_some();
        let count = if opened { &mut self.tally.sessions_opened } else { &mut self.tally.sessions_refused };
        *count += 1;
        Ok(())
    }

    pub(crate) fn close(&mut self, purse: PurseOf, by: Who, proof: Proof) -> Result<()> {
        let (envelope, _, purse) = self.purse(purse);
        let sequence = self.model.purses.get(&purse).map_or(0, |purse| purse.sequence);
        let digest = self.model.close_session_digest(purse, sequence);
        let signature = self.proof(proof, self.agent(envelope), digest);
        let call = Treasury::closeSessionCall { purse, signature };
        self.call(by, Call::Treasury(TreasuryCalls::closeSession(call)))?;
        Ok(())
    }

    fn agent(&self, envelope: u32) -> Address {
        self.model.envelope(envelope).map(|envelope| envelope.agent).unwrap_or_default()
    }

    /// The signature of whose it is to give, but for what is wrong with it.
    pub(crate) fn proof(&self, proof: Proof, whose: Address, digest: B256) -> Bytes {
        let signed = self.cast.sign(whose, digest);
        let bytes = match proof {
            Proof::Right => signed.as_bytes(),
            Proof::Other(who) => self.cast.sign(self.at(who), digest).as_bytes(),
            Proof::HighS => high(signed).as_bytes(),
            Proof::Short => return Bytes::copy_from_slice(&signed.as_bytes()[..64]),
            Proof::BareParity => {
                let mut bytes = signed.as_bytes();
                bytes[64] -= 27;
                bytes
            }
            Proof::Empty => return Bytes::new(),
        };
        Bytes::copy_from_slice(&bytes)
    }
}

/// A signature's other form.
pub(crate) fn high(signature: Signature) -> Signature {
    Signature::new(signature.r(), ORDER - signature.s(), !signature.v())
}

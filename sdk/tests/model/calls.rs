//! The call that an act makes.

use alloy::{
    primitives::{B256, Bytes, U256},
    sol_types::{SolInterface as _, SolStruct as _},
};
use bursar_sdk::{
    abi::{
        ReceiveWithAuthorization,
        Treasury::{self, TreasuryCalls as C},
    },
    payment::top_up_nonce,
};

use crate::{
    acts::Act,
    cast::Who,
    play::number,
    policies::PolicyPick,
    steps::{EnvelopeAt, Proof, Sum},
    world::World,
};

impl World {
    pub(crate) fn call_of(&mut self, act: &Act) -> C {
        let policies = &mut self.policies;
        *policies += 1;
        match act {
            Act::Batch(acts) => {
                let data = acts.iter().map(|act| Bytes::from(self.call_of(act).abi_encode())).collect();
                C::multicall(Treasury::multicallCall { data })
            }
            Act::TopUp(..)
            | Act::TopUpSigned { .. }
            | Act::Withdraw(..)
            | Act::Recover { .. }
            | Act::RecoverFromPurse { .. }
            | Act::Sweep(_) => self.money(act),
            Act::AddAsset(_)
            | Act::CreateEnvelope { .. }
            | Act::SetPolicy(..)
            | Act::SetAgent(..)
            | Act::CreatePurses(..)
            | Act::List(..)
            | Act::Unlist(..)
            | Act::SetPermit2(..)
            | Act::LevelPermit2(_) => self.rules(act),
            Act::CreateGroup { .. } | Act::SetGroupLimits(..) | Act::SetGroup(..) => self.groups_of(act),
            _ => self.stops_and_people(act),
        }
    }

    fn money(&self, act: &Act) -> C {
        match act {
            Act::TopUp(of, sum) => {
                let envelope = self.number(*of);
                let amount = self.sum(*sum, envelope, None);
                C::topUp(Treasury::topUpCall { envelope: number(envelope), amount })
            }
            Act::Withdraw(of, to, sum) => {
                let envelope = self.number(*of);
                let amount = self.sum(*sum, envelope, None);
                let to = self.at(*to);
                C::withdraw(Treasury::withdrawCall { envelope: number(envelope), to, amount })
            }
            Act::TopUpSigned { envelope, from, sum, salt, valid, proof } => {
                self.top_up_signed((*envelope, *from, *sum), *salt, *valid, *proof)
            }
            Act::Recover { token, to } => {
                C::recover(Treasury::recoverCall { token: self.token(*token), to: self.at(*to) })
            }
            Act::RecoverFromPurse { purse, token, to } => {
                let (envelope, index, _) = self.purse(*purse);
                C::recoverFromPurse(Treasury::recoverFromPurseCall {
                    envelope: number(envelope),
                    purseIndex: index,
                    token: self.token(*token),
                    to: self.at(*to),
                })
            }
            Act::Sweep(purse) => {
                let (envelope, index, _) = self.purse(*purse);
                let envelope = number(envelope);
                C::sweepPurse(Treasury::sweepPurseCall { envelope, purseIndex: index })
            }
            other => unreachable!("{other:?} moves no money"),
        }
    }

    fn top_up_signed(
        &self,
        (envelope, from, sum): (EnvelopeAt, Who, Sum),
        salt: u8,
        valid: (i8, i16),
        proof: Proof,
    ) -> C {
        let (envelope, from) = (self.number(envelope), self.at(from));
        let authorization = Treasury::TopUpAuthorization {
            from,
            amount: self.sum(sum, envelope, None),
            validAfter: U256::from(self.now.saturating_add_signed(i64::from(valid.0))),
            validBefore: U256::from(self.now.saturating_add_signed(i64::from(valid.1))),
            salt: B256::with_last_byte(salt),
        };
        let message = ReceiveWithAuthorization {
            from,
            to: self.model.address,
            value: authorization.amount,
            validAfter: authorization.validAfter,
            validBefore: authorization.validBefore,
            nonce: top_up_nonce(envelope, authorization.salt),
        };
        let asset = self.model.envelope(envelope).and_then(|envelope| self.model.assets.get(envelope.asset));
        let token = asset.and_then(|asset| self.model.tokens.get(&asset.token));
        let domain = token.map(|token| token.domain.clone()).unwrap_or_default();
        let signature = self.proof(proof, from, message.eip712_signing_hash(&domain));
        let envelope = number(envelope);
        C::topUpWithAuthorization(Treasury::topUpWithAuthorizationCall { envelope, authorization, signature })
    }

    fn rules(&self, act: &Act) -> C {
        match act {
            Act::AddAsset(token) => C::addAsset(Treasury::addAssetCall { token: self.token(*token) }),
            Act::CreateEnvelope { agent, token, policy } => {
                let (agent, asset) = (self.at(*agent), self.token(*token));
                let policy = self.policy(policy, 1);
                C::createEnvelope(Treasury::createEnvelopeCall { agent, asset, policy })
            }
            Act::SetPolicy(of, policy) => {
                let envelope = self.number(*of);
                let policy = self.policy(policy, envelope);
                C::setPolicy(Treasury::setPolicyCall { envelope: number(envelope), policy })
            }
            Act::SetAgent(of, agent) => {
                let (envelope, agent) = (number(self.number(*of)), self.at(*agent));
                C::setAgent(Treasury::setAgentCall { envelope, agent })
            }
            Act::CreatePurses(of, count) => {
                let (envelope, count) = (number(self.number(*of)), u16::from(*count));
                C::createPurses(Treasury::createPursesCall { envelope, count })
            }
            Act::List(list, payee) => {
                C::listPayee(Treasury::listPayeeCall { list: *list, payee: self.at(*payee) })
            }
            Act::Unlist(list, payee) => {
                C::unlistPayee(Treasury::unlistPayeeCall { list: *list, payee: self.at(*payee) })
            }
            Act::SetPermit2(of, on) => {
                let envelope = number(self.number(*of));
                C::setPermit2(Treasury::setPermit2Call { envelope, on: *on })
            }
            Act::LevelPermit2(purse) => {
                let (envelope, index, _) = self.purse(*purse);
                let envelope = number(envelope);
                C::levelPermit2(Treasury::levelPermit2Call { envelope, purseIndex: index })
            }
            other => unreachable!("{other:?} sets no rules"),
        }
    }

    fn policy(&self, pick: &PolicyPick, envelope: u32) -> Treasury::Policy {
        pick.policy(&self.policy_in_force(envelope), self.policies)
    }
}

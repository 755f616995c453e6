//! The spoofs, each with the one reason it has to be refused for.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::local::PrivateKeySigner,
    uint,
};

use super::{Corpus, Draft, FleetAgent, NOW, Showing, key, payee, purse, session_id, signed};
use crate::{
    amount::Amount,
    payment::commitment,
    policy::WindowLimit,
    stamp::{ApprovalShown, Scope, StampBundle, StampDomain, StampRefusal, StampSignature},
};

const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

macro_rules! spoofs {
    ($($name:ident => $reason:ident, $doc:literal;)*) => {
        /// A way of cheating with a stamp.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Spoof {
            $(#[doc = $doc] $name,)*
        }

        impl Spoof {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The reason it has to be refused for.
            pub fn reason(self) -> StampRefusal {
                match self { $(Self::$name => StampRefusal::$reason,)* }
            }
        }
    };
}

spoofs! {
    ForgedRoot => RootForged, "A root in a stamper's name, signed by somebody else.";
    ForgedLink => LinkForged, "A delegation in an agent's name, signed by somebody else.";
    TamperedLeaf => LinkForged, "A leaf that was changed after it was signed.";
    StrangersLink => IssuerNotParent, "A delegation by somebody who was never stamped.";
    Expired => Expired, "A stamp whose time is over.";
    NotYetValid => NotYetValid, "A stamp whose time has not come.";
    RevokedEpoch => EpochRevoked, "A stamp of an epoch that was ended.";
    RevokedHash => Revoked, "A delegation of a stamp that was revoked.";
    OtherChain => OtherChain, "A stamp of another chain.";
    OtherContract => OtherTreasury, "A stamp of another treasury.";
    RelabelledChain => RootForged, "A stamp of another chain that says it is of this one.";
    OtherSubject => OtherSubject, "Somebody else's stamp, shown with an own key.";
    OverLimit => LimitWider, "A sub-agent with a higher limit than its parent.";
    WithoutWindow => LimitWider, "A sub-agent without its parent's calendar limit.";
    PaymentOverLimit => AmountOverStamp, "A payment above what the stamp allows.";
    WiderPayees => ScopeWider, "A sub-agent with a payee that its parent may not pay.";
    AnyPayee => ScopeWider, "A sub-agent that may pay anyone, of a parent that may not.";
    PayeeOutside => PayeeOutOfScope, "A payment to somebody outside the stamp's scope.";
    HostOutside => HostOutOfScope, "A payment for a resource outside the stamp's scope.";
    OtherScope => ScopeOpening, "A wider scope put beside the hash of a narrow one.";
    LongerValidity => ValidityWider, "A sub-agent whose stamp outlives its parent's.";
    DepthExceeded => DepthExceeded, "A delegation of a stamp that may not be delegated.";
    SiblingsStamp => OtherParent, "A delegation of a sibling's, put under the own stamp.";
    SiblingsSession => ProofOfOtherStamp, "A sibling's session, shown with the own stamp.";
    ReplayedNonce => NonceReplayed, "A payment that was shown before.";
    ReplayedApproval => ApprovalReplayed, "An approval of an earlier payment of the same amount.";
    ApprovalOtherPayee => ApprovalOfOtherPayment, "An approval of a payment to somebody else.";
    ApprovalOtherAmount => ApprovalOfOtherPayment, "An approval of a smaller payment.";
    ApprovalByStranger => ApproverUnknown, "An approval by somebody who may not approve.";
    ForgedApproval => ApprovalForged, "An approval in an approver's name, signed by somebody else.";
    HighS => HighS, "A signature rewritten to its other form.";
    NoCode => ContractWithoutCode, "A root by a contract that does not exist.";
    Reordered => LinksReordered, "The links in another order.";
    StalePolicy => PolicyStale, "A stamp of a policy that is not in force any more.";
    ReusedSessionKey => SessionKeyReused, "A session key of an earlier session.";
    OtherSession => OtherSession, "A payment from another session than the one shown.";
    CallTime => IssuedAtCallTime, "A root that the caller issued for itself, with another key of its own.";
    SelfIssued => IssuedAtCallTime, "A root whose issuer is its subject.";
}

impl Corpus {
    /// Revokes what [`Spoof::RevokedHash`] shows of that agent.
    pub fn revoke_for(&mut self, agent: &FleetAgent) {
        let hash = self.spoofed_chain(agent, Spoof::RevokedHash).links[0].stamp.hash(&self.domain);
        self.state.revoked.insert(hash);
    }

    /// A cheat with an agent's stamp, at `now`. What it has to follow ([`Spoof::ReplayedNonce`] a good payment of
    /// that serial, [`Spoof::ReusedSessionKey`] one of that session), the caller shows first.
    pub fn spoof(&self, agent: &FleetAgent, spoof: Spoof, serial: u64, now: u64) -> Showing {
        let mut showing =
            Showing { bundle: self.spoofed_bundle(agent, spoof), payment: self.payment(agent, serial, now) };
        let payment = &mut showing.payment;
        match spoof {
            Spoof::PaymentOverLimit => payment.amount = Amount::new(1_000_001),
            Spoof::PayeeOutside => payment.payee = Address::repeat_byte(0xba),
            Spoof::HostOutside => payment.host = Some("elsewhere.example".into()),
            Spoof::OtherSession => {
                let other = session_id(payment.purse, agent.session + 1);
                payment.nonce = commitment(super::POLICY_VERSION.into(), other, payment.decision_hash);
            }
            Spoof::ReusedSessionKey => {
                let other = session_id(payment.purse, agent.session + 1_000);
                payment.nonce = commitment(super::POLICY_VERSION.into(), other, payment.decision_hash);
            }
            _ => payment.approval = self.approval_of(payment, spoof),
        }
        showing
    }

    /// A good approval of a payment.
    pub fn approval(&self, payment: &super::PaymentShown) -> ApprovalShown {
        self.approved(payment, &self.approver, self.approver.address(), |_| {})
    }

    fn approval_of(&self, payment: &super::PaymentShown, spoof: Spoof) -> Option<ApprovalShown> {
        let (good, stranger) = (&self.approver, key(self.seed, "stranger"));
        Some(match spoof {
            Spoof::ReplayedApproval => self.approved(payment, good, good.address(), |earlier| {
                earlier.decision_hash = keccak256(earlier.decision_hash);
                earlier.digest = keccak256(earlier.digest);
            }),
            Spoof::ApprovalOtherPayee => {
                self.approved(payment, good, good.address(), |other| other.payee = Address::repeat_byte(0xee))
            }
            Spoof::ApprovalOtherAmount => {
                self.approved(payment, good, good.address(), |other| other.amount = Amount::new(1))
            }
            Spoof::ApprovalByStranger => self.approved(payment, &stranger, stranger.address(), |_| {}),
            Spoof::ForgedApproval => self.approved(payment, &stranger, good.address(), |_| {}),
            _ => return None,
        })
    }

    fn approved(
        &self,
        payment: &super::PaymentShown,
        signer: &PrivateKeySigner,
        approver: Address,
        change: impl FnOnce(&mut ApprovalShown),
    ) -> ApprovalShown {
        let mut approval = ApprovalShown {
            purse: payment.purse,
            payee: payment.payee,
            amount: payment.amount,
            valid_before: payment.valid_before,
            decision_hash: payment.decision_hash,
            digest: payment.digest,
            approver,
            signature: StampSignature::Contract(Bytes::new()),
        };
        change(&mut approval);
        let digest = approval.approval_digest(self.domain.chain_id, self.domain.treasury);
        approval.signature = signed(signer, &digest);
        approval
    }

    fn spoofed_bundle(&self, agent: &FleetAgent, spoof: Spoof) -> Vec<u8> {
        let (number, purse) = (agent.number, purse(agent.number, agent.session));
        let session = session_id(purse, agent.session);
        let key = self.session_key(number, agent.session).address();
        let bundle = self.spoofed_chain(agent, spoof);
        let leaf = match spoof {
            Spoof::SelfIssued => self.subject(number, 0),
            _ => self.subject(number, bundle.links.len() - 1),
        };
        let bundle = match spoof {
            Spoof::OtherSubject => self.shown_by(bundle, session, key, &self.stranger()),
            Spoof::SiblingsSession => {
                let mut sibling = self.again(agent, agent.session).bundle.session;
                if let Some(proof) = &mut sibling {
                    proof.stamp_hash = keccak256("a sibling's stamp");
                    proof.signature = signed(&leaf, &proof.digest(&self.domain));
                }
                StampBundle { session: sibling, ..bundle }
            }
            Spoof::ReusedSessionKey => {
                let other = session_id(purse, agent.session + 1_000);
                self.shown_by(bundle, other, key, &leaf)
            }
            _ => self.shown_by(bundle, session, key, &leaf),
        };
        bundle.encode().unwrap_or_default()
    }

    fn stranger(&self) -> PrivateKeySigner {
        key(self.seed, "stranger")
    }

    /// The chain of a spoof: the agent's own, unless the cheat is in it.
    fn spoofed_chain(&self, agent: &FleetAgent, spoof: Spoof) -> StampBundle {
        let (number, links) = (agent.number, agent.bundle.links.len());
        // Cheats with delegations need one.
        let depth = links.max(2);
        let last = depth - 1;
        let on = |at: usize, change: &dyn Fn(&mut Draft)| {
            self.chain(number, depth, |link, draft| {
                if link == at {
                    change(draft)
                }
            })
        };
        let all = |change: &dyn Fn(&mut Draft)| self.chain(number, links, |_, draft| change(draft));
        match spoof {
            Spoof::ForgedRoot => on(0, &|draft| draft.signer = self.stranger()),
            Spoof::ForgedLink => on(last, &|draft| draft.signer = self.stranger()),
            Spoof::StrangersLink => on(last, &|draft| {
                draft.signer = self.stranger();
                draft.stamp.issuer = draft.signer.address();
            }),
            Spoof::Expired => all(&|draft| draft.stamp.not_after = NOW - 1),
            Spoof::NotYetValid => all(&|draft| draft.stamp.not_before = NOW + 86_400),
            Spoof::RevokedEpoch => all(&|draft| draft.stamp.epoch = 0),
            Spoof::RevokedHash => on(0, &|draft| draft.stamp.salt = keccak256("to be revoked")),
            Spoof::OtherChain => self.elsewhere(8454, self.domain.treasury).chain(number, links, |_, _| {}),
            Spoof::OtherContract => {
                self.elsewhere(8453, Address::repeat_byte(0x0c)).chain(number, links, |_, _| {})
            }
            Spoof::RelabelledChain => {
                // Of one link: the hashes in the others would give it away before any signature does.
                let there = self.elsewhere(8454, self.domain.treasury).chain(number, 1, |_, _| {});
                StampBundle { domain: self.domain, ..there }
            }
            Spoof::OverLimit => on(last, &|draft| draft.stamp.per_payment_max = Amount::new(1_000_001)),
            Spoof::WithoutWindow => on(last, &|draft| {
                draft.windows.0 = vec![WindowLimit { period: 604_800, limit: Amount::new(1) }];
            }),
            Spoof::WiderPayees => on(last, &|draft| {
                let wider = (0..5).map(|other| payee(number + other));
                draft.scope = Scope { payees: Some(wider.collect()), ..draft.scope.clone() };
            }),
            Spoof::AnyPayee => on(last, &|draft| draft.scope.payees = None),
            Spoof::LongerValidity => on(last, &|draft| draft.stamp.not_after += 86_400),
            Spoof::DepthExceeded => on(last - 1, &|draft| draft.stamp.depth_left = 0),
            Spoof::SiblingsStamp => on(last, &|draft| draft.stamp.parent = keccak256("a sibling's stamp")),
            Spoof::NoCode => on(0, &|draft| {
                draft.signer = self.stranger();
                draft.stamp.issuer = self.stamper.address();
            })
            .by_contract(),
            Spoof::HighS => on(last, &|_| {}).with_high_s(last),
            Spoof::StalePolicy => all(&|draft| draft.stamp.policy_hash = keccak256("policy of yesterday")),
            Spoof::CallTime => on(0, &|draft| {
                draft.signer = self.subject(number, 77);
                draft.stamp.issuer = draft.signer.address();
            }),
            Spoof::SelfIssued => self.chain(number, 1, |_, draft| {
                draft.signer = self.subject(number, 0);
                draft.stamp.issuer = draft.signer.address();
            }),
            Spoof::TamperedLeaf => {
                let mut bundle = on(last, &|_| {});
                bundle.links[last].stamp.per_payment_max = Amount::new(999_000);
                bundle
            }
            Spoof::OtherScope => {
                let mut bundle = on(last, &|_| {});
                bundle.links[last].scope.payees = None;
                bundle
            }
            Spoof::Reordered => {
                let mut bundle = on(last, &|_| {});
                bundle.links.swap(last, last - 1);
                bundle
            }
            _ => agent.bundle.clone(),
        }
    }

    /// The same people, on another chain or another treasury.
    fn elsewhere(&self, chain_id: u64, treasury: Address) -> Self {
        Self { domain: StampDomain::new(chain_id, treasury), ..Self::new(self.seed) }
    }
}

impl StampBundle {
    fn by_contract(mut self) -> Self {
        self.links[0].signature = StampSignature::Contract(Bytes::from_static(&[1; 65]));
        self
    }

    fn with_high_s(mut self, link: usize) -> Self {
        if let StampSignature::Key { signature, .. } = &mut self.links[link].signature {
            let s = B256::from_slice(&signature[32..64]);
            let other: B256 = (ORDER - U256::from_be_bytes(s.0)).into();
            signature[32..64].copy_from_slice(other.as_slice());
            signature[64] = 27 + 28 - signature[64];
        }
        self
    }
}

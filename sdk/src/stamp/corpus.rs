//! A fleet of agents with stamps, and every way of cheating with them that we know: for tests and measurements.
//!
//! Everything follows from a seed. Spoofs are made by somebody who has all the keys that such a cheat would have.

mod spoof;

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};

pub use self::spoof::Spoof;
use super::{
    KnownSession, Link, PaymentShown, PaymentSignature, Scope, SessionProof, Stamp, StampBundle, StampDomain,
    StampSignature, StampState, Windows,
};
use crate::{
    amount::Amount,
    payment::{commitment, session_id},
    policy::WindowLimit,
};

/// When the corpus is verified, unix seconds.
pub const NOW: u64 = 1_795_000_000;
/// How long a payment is valid, in seconds.
pub const PAYMENT_SECONDS: u64 = 60;

const POLICY_VERSION: u16 = 3;
const DAY: u64 = 86_400;

/// A treasury with its people, and the state a verifier knows of it.
#[derive(Debug)]
pub struct Corpus {
    /// Whose stamps.
    pub domain: StampDomain,
    /// What verifiers know.
    pub state: StampState,
    stamper: PrivateKeySigner,
    approver: PrivateKeySigner,
    seed: u64,
}

/// One agent of the fleet, in one session.
#[derive(Debug, Clone)]
pub struct FleetAgent {
    /// Its stamp, with the session.
    pub bundle: StampBundle,
    /// The stamp as it travels with the session's proof.
    pub bytes: Vec<u8>,
    /// The stamp as it travels where the chain knows the session ([`Corpus::open`]).
    pub bare: Vec<u8>,
    /// Which agent.
    pub number: u64,
    /// Which of its sessions, from 1.
    pub session: u32,
}

/// What is presented to a verifier.
#[derive(Debug, Clone)]
pub struct Showing {
    /// The stamp as it travels.
    pub bundle: Vec<u8>,
    /// The payment it is shown with.
    pub payment: PaymentShown,
}

/// A link before it is signed, for cheats to change.
struct Draft {
    stamp: Stamp,
    scope: Scope,
    windows: Windows,
    signer: PrivateKeySigner,
}

impl Corpus {
    /// A treasury of that seed, in its second epoch.
    pub fn new(seed: u64) -> Self {
        let treasury = Address::from_slice(&keccak256(format!("{seed}/treasury"))[12..]);
        let mut corpus = Self {
            domain: StampDomain::new(8453, treasury),
            state: StampState::new(8453, treasury),
            stamper: key(seed, "stamper"),
            approver: key(seed, "approver"),
            seed,
        };
        let state = &mut corpus.state;
        state.stampers.insert(corpus.stamper.address());
        state.approvers.insert(corpus.approver.address());
        state.epoch = 1;
        state.policies.insert(keccak256("policy in force"));
        corpus
    }

    /// An agent with a chain of `depth` links (1 to 4), in one of its sessions.
    pub fn agent(&self, number: u64, depth: usize, session: u32) -> FleetAgent {
        let bundle = self.chain(number, depth, |_, _| {});
        self.in_session(bundle, number, session)
    }

    /// The same agent's stamp in another session.
    pub fn again(&self, agent: &FleetAgent, session: u32) -> FleetAgent {
        self.in_session(agent.bundle.clone(), agent.number, session)
    }

    /// Opens an agent's session on chain.
    pub fn open(&mut self, agent: &FleetAgent) {
        let known = KnownSession {
            agent: agent.bundle.leaf().map(|leaf| leaf.stamp.subject).unwrap_or_default(),
            sequence: agent.session,
            key: self.session_key(agent.number, agent.session).address(),
            terms: POLICY_VERSION.into(),
            stamp_hash: agent.bundle.hash(),
            expiry: NOW + DAY,
        };
        self.state.sessions.insert(purse(agent.number, agent.session), known);
    }

    /// A good payment of an agent; `serial` tells it from its others.
    pub fn payment(&self, agent: &FleetAgent, serial: u64, now: u64) -> PaymentShown {
        let session = session_id(purse(agent.number, agent.session), agent.session);
        let decision_hash = keccak256([agent.number.to_be_bytes(), serial.to_be_bytes()].concat());
        PaymentShown {
            purse: purse(agent.number, agent.session),
            asset: asset(),
            payee: payee(agent.number),
            amount: Amount::new(10_000 + serial % 1_000),
            nonce: commitment(POLICY_VERSION.into(), session, decision_hash),
            decision_hash,
            digest: keccak256(decision_hash),
            valid_before: now + PAYMENT_SECONDS,
            host: Some("api.example.com".into()),
            spent: None,
            signature: PaymentSignature::CheckedElsewhere,
            approval: None,
        }
    }

    /// The key that pays in an agent's session.
    pub fn session_key(&self, number: u64, session: u32) -> PrivateKeySigner {
        key(self.seed, format!("session/{number}/{session}"))
    }

    fn subject(&self, number: u64, at: usize) -> PrivateKeySigner {
        key(self.seed, format!("agent/{number}/{at}"))
    }

    /// A chain in which every link is its parent, a little narrower; `tweak` changes a link before it is signed.
    fn chain(&self, number: u64, depth: usize, tweak: impl Fn(usize, &mut Draft)) -> StampBundle {
        let mut bundle = StampBundle {
            domain: self.domain,
            links: Vec::with_capacity(depth),
            session: None,
            request_key: None,
        };
        for at in 0..depth {
            let signer = match at {
                0 => self.stamper.clone(),
                at => self.subject(number, at - 1),
            };
            let mut draft = self.draft(number, depth, at, signer);
            draft.stamp.parent = bundle.hash();
            tweak(at, &mut draft);
            bundle.links.push(draft.sign(&self.domain));
        }
        bundle
    }

    fn draft(&self, number: u64, depth: usize, at: usize, signer: PrivateKeySigner) -> Draft {
        let narrower = at as u64;
        let total = Amount::new(50_000_000 - narrower);
        let stamp = Stamp {
            parent: B256::ZERO,
            issuer: signer.address(),
            subject: self.subject(number, at).address(),
            agent_ref: super::agent_ref(8453, Address::repeat_byte(0x80), U256::from(number)),
            scope_hash: B256::ZERO,
            per_payment_max: Amount::new(1_000_000 - narrower),
            total_max: total,
            windows_hash: B256::ZERO,
            not_before: NOW - 30 * DAY + narrower,
            not_after: NOW + 60 * DAY - narrower,
            depth_left: u8::try_from(depth - 1 - at).unwrap_or(u8::MAX),
            policy_hash: keccak256("policy in force"),
            httpsig_jkt: B256::ZERO,
            workload_hash: keccak256(format!("workload {number}")),
            epoch: 1,
            salt: keccak256(format!("{}/salt/{number}/{at}", self.seed)),
        };
        let payees = (0..4 - narrower).map(|other| payee(number + other));
        let hosts = ["api.example.com", "data.example.com"];
        Draft {
            stamp,
            scope: Scope::any().assets([asset()]).payees(payees).hosts(hosts),
            windows: Windows(vec![WindowLimit { period: 86_400, limit: total }]),
            signer,
        }
    }

    fn in_session(&self, bundle: StampBundle, number: u64, session: u32) -> FleetAgent {
        let subject = self.subject(number, bundle.links.len() - 1);
        let key = self.session_key(number, session).address();
        let bundle = self.shown_by(bundle, session_id(purse(number, session), session), key, &subject);
        let bytes = bundle.encode().unwrap_or_default();
        let bare = StampBundle { session: None, ..bundle.clone() }.encode().unwrap_or_default();
        FleetAgent { bundle, bytes, bare, number, session }
    }

    fn shown_by(
        &self,
        mut bundle: StampBundle,
        session: B256,
        key: Address,
        signer: &PrivateKeySigner,
    ) -> StampBundle {
        let mut proof = SessionProof {
            stamp_hash: bundle.hash(),
            session,
            key,
            terms: POLICY_VERSION.into(),
            not_before: NOW - 60,
            not_after: NOW + DAY,
            signature: StampSignature::Contract(Bytes::new()),
        };
        proof.signature = signed(signer, &proof.digest(&self.domain));
        bundle.session = Some(proof);
        bundle
    }
}

impl Draft {
    fn sign(mut self, domain: &StampDomain) -> Link {
        self.scope = self.scope.normalized();
        self.stamp.scope_hash = self.scope.hash().unwrap_or_default();
        self.stamp.windows_hash = self.windows.hash().unwrap_or_default();
        let signature = signed(&self.signer, &self.stamp.hash(domain));
        Link { stamp: self.stamp, scope: self.scope, windows: self.windows, signature }
    }
}

fn signed(signer: &PrivateKeySigner, digest: &B256) -> StampSignature {
    // Local keys do not fail to sign; if one did, the empty signature would be refused.
    match signer.sign_hash_sync(digest) {
        Ok(signature) => StampSignature::by_key(&signature, digest),
        Err(_) => StampSignature::Contract(Bytes::new()),
    }
}

/// A key of its own for every seed and name.
fn key(seed: u64, name: impl AsRef<str>) -> PrivateKeySigner {
    let mut secret = keccak256(format!("{seed}/{}", name.as_ref()));
    loop {
        if let Ok(key) = PrivateKeySigner::from_bytes(&secret) {
            return key;
        }
        secret = keccak256(secret);
    }
}

fn asset() -> Address {
    Address::repeat_byte(0xa5)
}

/// Every session of the fleet has a purse of its own, so that all can be open at once.
fn purse(number: u64, session: u32) -> Address {
    Address::from_slice(&keccak256([number.to_be_bytes(), u64::from(session).to_be_bytes()].concat())[12..])
}

fn payee(number: u64) -> Address {
    Address::from_slice(&keccak256(format!("payee {}", number % 997))[12..])
}

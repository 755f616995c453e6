//! Stamps: who an agent is, signed when it was deployed, shown in every session, verified by anyone offline.
//!
//! A stamper of a treasury issues a root stamp to an agent; the agent delegates narrower ones to its sub-agents. A
//! stamp travels with its chain, from root to leaf, as one [`StampBundle`]: in an HTTP header, in the extensions of
//! an x402 payment, and as a hash in the opening of a session. What it says, field by field, and every reason for
//! which one is refused: `docs/STAMPS.md`.
//!
//! ```
//! use alloy::{primitives::{Address, B256}, signers::local::PrivateKeySigner};
//! use bursar_sdk::{Amount, stamp::*};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (stamper, agent) = (PrivateKeySigner::random(), PrivateKeySigner::random());
//! let domain = StampDomain::new(8453, Address::repeat_byte(0x77));
//! let terms = StampTerms {
//!     subject: agent.address(),
//!     agent_ref: B256::ZERO,
//!     scope: Scope::any().hosts(["api.example.com"]),
//!     per_payment_max: Amount::new(1_000_000),
//!     total_max: Amount::new(50_000_000),
//!     windows: Windows::default(),
//!     not_before: 1_790_000_000,
//!     not_after: 1_800_000_000,
//!     depth_left: 1,
//!     policy_hash: B256::ZERO,
//!     httpsig_jkt: B256::ZERO,
//!     workload_hash: B256::ZERO,
//!     epoch: 0,
//! };
//! let stamp = UnsignedStamp::root(domain, &terms, stamper.address(), B256::random())?.sign(&stamper).await?;
//!
//! // Elsewhere, offline: a merchant who knows the treasury's roles.
//! let mut state = StampState::new(8453, Address::repeat_byte(0x77));
//! state.stampers.insert(stamper.address());
//! let now = 1_795_000_000;
//! let verifier = Verifier::new(10_000, Memory::new(now, 1_000_000));
//! let verified = verifier.verify_chain(&stamp.encode()?, &state, now)?;
//! assert_eq!(verified.stamp.subject, agent.address());
//!
//! state.revoked.insert(verified.hash);
//! let refused = verifier.verify_chain(&stamp.encode()?, &state, now);
//! assert_eq!(refused.map_err(|refused| refused.reason), Err(StampRefusal::Revoked));
//! # Ok(())
//! # }
//! ```

mod approval;
mod bundle;
mod cache;
pub mod carrier;
mod chain;
#[cfg(feature = "corpus")]
pub mod corpus;
mod curve;
mod domain;
mod httpsig;
mod issue;
mod linked;
mod memory;
mod narrow;
mod proof;
mod reader;
mod refusal;
mod scope;
mod shown;
mod signature;
mod state;
mod token;
mod verifier;
mod windows;
mod wire;

pub use self::{
    approval::ApprovalShown,
    bundle::{Link, MAX_BUNDLE, MAX_LINKS, StampBundle},
    curve::{Curve, DefaultCurve, K256},
    domain::StampDomain,
    httpsig::{
        CLOCK_SKEW, RequestKey, SignatureHeaders, SignatureTimes, SignedRequest, TAG, content_digest,
        thumbprint,
    },
    issue::{StampError, StampTerms, UnsignedStamp},
    linked::Linked,
    memory::{MAX_VALIDITY, Memory},
    proof::SessionProof,
    refusal::{StampRefusal, StampRefused},
    scope::Scope,
    shown::{OpeningShown, PaymentShown, PaymentSignature},
    signature::{ContractQuestion, StampSignature},
    state::{KnownSession, StampState},
    token::{Stamp, agent_ref, typed},
    verifier::{Verified, Verifier},
    windows::Windows,
    wire::Malformed,
};
#[cfg(feature = "libsecp256k1")]
pub use curve::Libsecp256k1;

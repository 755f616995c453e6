//! What the chain says that a verifier has to know: who may issue, and what was revoked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// A treasury's roles and revocations at one block, as a value: with it, verification needs no network.
///
/// Nothing here is cached by a verifier: it is looked at anew for every verification, so that a revocation counts
/// from the first state that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StampState {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury.
    pub treasury: Address,
    /// The block it was read at.
    pub block: u64,
    /// Who holds the stamper role.
    pub stampers: BTreeSet<Address>,
    /// Who holds the approver role.
    pub approvers: BTreeSet<Address>,
    /// Stamps revoked one by one.
    pub revoked: BTreeSet<B256>,
    /// Stamps of an older epoch are revoked too.
    pub epoch: u32,
    /// The hashes of the policies in force, over all envelopes.
    pub policies: BTreeSet<B256>,
    /// Contracts with code, each with what it answered (EIP-1271) to
    /// [`ContractQuestion`](super::ContractQuestion)s.
    #[serde(default)]
    pub contracts: BTreeMap<Address, BTreeMap<B256, bool>>,
    /// Open sessions by purse, where they are known: with one, a payment needs no session proof of its own.
    #[serde(default)]
    pub sessions: HashMap<Address, KnownSession>,
}

/// A session as the chain knows it: opened with the signature of its envelope's agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownSession {
    /// The envelope's agent.
    pub agent: Address,
    /// Which of the purse's sessions it is, counted from 1.
    pub sequence: u32,
    /// The session key.
    pub key: Address,
    /// What its payments are signed under: `epoch << 16 | policy version`.
    pub terms: u64,
    /// The stamp it was opened under, or zero.
    pub stamp_hash: B256,
    /// When it ends, unix seconds (exclusive).
    pub expiry: u64,
}

impl StampState {
    /// A treasury in which nobody has a role.
    pub fn new(chain_id: u64, treasury: Address) -> Self {
        Self { chain_id, treasury, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_as_json_with_everything_in_it() -> Result<(), serde_json::Error> {
        let mut state = StampState::new(8453, Address::repeat_byte(1));
        state.stampers.insert(Address::repeat_byte(2));
        state.revoked.insert(B256::repeat_byte(3));
        state.contracts.entry(Address::repeat_byte(4)).or_default().insert(B256::repeat_byte(5), true);
        let known = KnownSession {
            agent: Address::repeat_byte(6),
            sequence: 1,
            key: Address::repeat_byte(7),
            terms: 1 << 16 | 2,
            stamp_hash: B256::repeat_byte(8),
            expiry: 9,
        };
        state.sessions.insert(Address::repeat_byte(10), known);
        let text = serde_json::to_string(&state)?;
        assert_eq!(serde_json::from_str::<StampState>(&text)?, state);
        assert!(serde_json::from_str::<StampState>(&text.replace("revoked", "forgiven")).is_err());
        Ok(())
    }
}

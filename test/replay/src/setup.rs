//! Treasuries as they come into being: all that the indexer has to know before it follows a purse.

use alloy::{
    primitives::{Address, B256, LogData, U256, address, aliases::U24, aliases::U96},
    signers::local::PrivateKeySigner,
    sol_types::SolEvent as _,
};
use bursar_sdk::abi::{
    Eip3009::Transfer,
    Treasury::{
        AssetAdded, EnvelopeCreated, Policy, PolicySet, PurseCreated, RoleGranted, Scope, SessionOpened,
        ToppedUp,
    },
    TreasuryFactory::TreasuryCreated,
};

use crate::{
    params::Params,
    seed::{self, Use, word},
};

/// The token that everybody pays in: USDC on Base.
pub const TOKEN: Address = address!("833589fCD6eDb6E08f4c7C32D4f71b54bdA02913");
/// Who creates treasuries.
pub const FACTORY: Address = address!("00000000000000000000000000000000b0a4fac7");
/// Enough for everything a purse of the synthetic chain pays, in atomic units.
const BUDGET: u64 = 1_000_000_000_000_000;

pub(crate) fn owner(treasury: u64) -> Address {
    seed::address(Use::Owner, treasury)
}

/// The purse of that number, across treasuries.
pub(crate) fn purse(number: u64) -> Address {
    seed::address(Use::Purse, number)
}

/// The treasury of that number.
pub fn treasury(number: u64) -> Address {
    seed::address(Use::Treasury, number)
}

/// The identity key of the agent that pays from that purse.
pub(crate) fn agent_key(purse: u64) -> PrivateKeySigner {
    let drawn = (0u64..).map(|again| word(seed::mix3(Use::Agent as u64, purse, again)));
    // Almost every 32 bytes are a key.
    drawn
        .filter_map(|bytes| PrivateKeySigner::from_bytes(&bytes).ok())
        .next()
        .unwrap_or_else(PrivateKeySigner::random)
}

/// The hash of the document that every policy names.
pub(crate) fn policy_hash() -> B256 {
    word(0x901)
}

/// The logs of the transaction that creates a treasury, sets it up and opens its sessions.
pub(crate) fn logs(params: &Params, number: u64, timestamp: u64) -> Vec<(Address, LogData)> {
    let (treasury, owner) = (treasury(number), owner(number));
    let granted = RoleGranted { account: owner, role: 1, by: FACTORY };
    let created = TreasuryCreated { treasury, owner, salt: B256::ZERO };
    let asset = AssetAdded { asset: TOKEN, index: 1, domainSeparator: word(0xd0) };
    let mut logs = vec![
        (treasury, granted.encode_log_data()),
        (FACTORY, created.encode_log_data()),
        (treasury, asset.encode_log_data()),
    ];
    for place in 0..params.envelopes {
        let purse = number * params.envelopes + place;
        logs.extend(envelope(treasury, owner, U24::from(place + 1), purse, timestamp));
    }
    logs
}

fn envelope(
    treasury: Address,
    by: Address,
    envelope: U24,
    number: u64,
    timestamp: u64,
) -> [(Address, LogData); 7] {
    let (agent, purse) = (agent_key(number).address(), purse(number));
    let unlimited = U96::from(BUDGET);
    let policy = Policy {
        paymentCap: unlimited,
        approvalThreshold: unlimited,
        sessionLimit: unlimited,
        maxSessionSeconds: U24::from(1_000_000),
        payeeList: 0,
        lifetimeLimit: U96::ZERO,
        policyHash: policy_hash(),
        windows: vec![],
    };
    let none = U96::ZERO;
    let opened = SessionOpened {
        envelope,
        purse,
        sequence: U24::from(1),
        key: seed::address(Use::SessionKey, number),
        budget: unlimited,
        expiry: u32::try_from(timestamp).unwrap_or(u32::MAX).saturating_add(1_000_000),
        policyVersion: 1,
        scope: Scope { paymentCap: none, approvalThreshold: none, payeeList: 0 },
        stampHash: B256::ZERO,
    };
    let (amount, value) = (U256::from(BUDGET), U256::from(BUDGET));
    [
        (treasury, EnvelopeCreated { envelope, agent, asset: TOKEN, by }.encode_log_data()),
        (treasury, PurseCreated { envelope, purse, index: 0 }.encode_log_data()),
        (treasury, PolicySet { envelope, version: 1, policy, by }.encode_log_data()),
        (TOKEN, Transfer { from: by, to: treasury, value }.encode_log_data()),
        (treasury, ToppedUp { envelope, from: by, amount }.encode_log_data()),
        (treasury, opened.encode_log_data()),
        (TOKEN, Transfer { from: treasury, to: purse, value }.encode_log_data()),
    ]
}

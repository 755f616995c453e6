//! What a treasury keeps, part by part. Amounts in atomic units, times in unix seconds.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::Eip712Domain,
};

use crate::{abi::Treasury, amount::Amount, windows::Limits};

/// Facts about the whole organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Organisation {
    /// Whether every payment and opening is stopped.
    pub frozen: bool,
    /// Whether an approver must never have set a policy.
    pub separate_duties: bool,
    /// How many accounts hold the owner role.
    pub owners: u16,
    /// How long a loosening waits, in seconds.
    pub delay: u32,
    /// How often it was released: part of what payments commit to.
    pub epoch: u32,
    /// Stamps of an earlier epoch are revoked.
    pub stamp_epoch: u32,
}

/// What one address is to a treasury.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// Bits of [`Role`](crate::role::Role).
    pub roles: u8,
    /// Whether it ever set a policy here.
    pub author: bool,
    /// The envelope whose agent it is, or 0.
    pub agent_of: u32,
}

/// A token that envelopes may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The token.
    pub token: Address,
    /// Sum of the escrow of all envelopes in this asset.
    pub escrowed: Amount,
    /// The token's EIP-712 domain separator when it was added.
    pub domain_separator: B256,
}

/// One agent's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The agent's identity key.
    pub agent: Address,
    /// Which of [`Model::assets`](super::Model::assets) it holds.
    pub asset: usize,
    /// The group it draws against as well, or 0.
    pub group: u32,
    /// Whether its purses pay through Permit2 too.
    pub permit2: bool,
    /// For how long a score lets its sessions open, in seconds; 0 asks for none.
    pub score_life: u32,
    /// When the last score was reported; 0 where none ever was.
    pub scored_at: u64,
    /// What it was.
    pub score: u16,
    /// What it holds, beside its purses.
    pub escrow: Amount,
    /// The policy in force, without its limits' use.
    pub policy: Treasury::Policy,
    /// The policy's version, from 1.
    pub version: u16,
    /// The document hash of every version; version 1 comes first.
    pub hashes: Vec<B256>,
    /// What every limit has counted.
    pub limits: Limits,
    /// Whether its payments and openings are stopped.
    pub frozen: bool,
    /// Whether its openings are stopped until a human clears it.
    pub under_review: bool,
    /// The index of its last purse.
    pub last_purse: u16,
}

/// A budget that several envelopes draw against, beside their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group above, or 0.
    pub parent: u32,
    /// Which of [`Model::assets`](super::Model::assets) it counts.
    pub asset: usize,
    /// Whether the payments and openings of its envelopes are stopped, and of the groups' below it.
    pub frozen: bool,
    /// How often it was released: part of what its envelopes' payments commit to.
    pub epoch: u32,
    /// What every limit has counted.
    pub limits: Limits,
}

/// The account an agent pays from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    /// The envelope it belongs to.
    pub envelope: u32,
    /// Which of the envelope's purses it is, from 0.
    pub index: u16,
    /// How many sessions it had.
    pub sequence: u32,
    /// The one that is open.
    pub session: Option<Session>,
}

/// A session, from its opening to its close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The envelope it draws from.
    pub envelope: u32,
    /// The address whose signature authorizes payments.
    pub key: Address,
    /// The group it drew from as well, or 0.
    pub group: u32,
    /// What it drew.
    pub budget: Amount,
    /// When it was opened.
    pub opened_at: u64,
    /// When it ends (exclusive).
    pub expiry: u64,
    /// The policy version it was opened under.
    pub policy_version: u16,
    /// Whether it is stopped.
    pub frozen: bool,
    /// What it narrows; zero fields narrow nothing.
    pub scope: Treasury::Scope,
}

/// An announced loosening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// When it was announced.
    pub made_at: u64,
    /// When it may run, by the delay of that time.
    pub ready_at: u64,
}

/// An EIP-20 token with EIP-3009 payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What payments are signed under.
    pub domain: Eip712Domain,
    /// Who holds what; whoever is not here holds nothing.
    pub balances: BTreeMap<Address, U256>,
    /// What an owner (first) lets a spender (second) move.
    pub allowances: BTreeMap<(Address, Address), U256>,
    /// Authorizations that were used, by payer and nonce.
    pub used: BTreeSet<(Address, B256)>,
}

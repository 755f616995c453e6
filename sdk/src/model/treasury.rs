//! A treasury with its purses and tokens, as one plain value.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::Eip712Domain,
};

use super::{
    Account, Announcement, Asset, Envelope, Group, Organisation, Purse, Session, Token, permit2::Permit2,
};
use crate::{abi::Purse as PurseCode, payment::treasury_domain, role::Role};

/// A treasury with everything its rules look at. Amounts in atomic units, times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The treasury's address.
    pub address: Address,
    /// What sessions, closes and approvals are signed under.
    pub domain: Eip712Domain,
    /// Facts about the whole organisation.
    pub organisation: Organisation,
    /// What addresses are to the treasury; an address that is not here is a stranger.
    pub accounts: BTreeMap<Address, Account>,
    /// The tokens that envelopes may hold, in the order they were added.
    pub assets: Vec<Asset>,
    /// The envelopes; number 1 comes first.
    pub envelopes: Vec<Envelope>,
    /// The groups; number 1 comes first.
    pub groups: Vec<Group>,
    /// Every purse, by address.
    pub purses: BTreeMap<Address, Purse>,
    /// Who is on which payee list.
    pub payees: BTreeSet<(u16, Address)>,
    /// Announced loosenings, by keccak-256 of their call data.
    pub announcements: BTreeMap<B256, Announcement>,
    /// Stamps that authorize no session any more.
    pub revoked_stamps: BTreeSet<B256>,
    /// Permit2, beside the treasury.
    pub permit2: Permit2,
    /// Every token there is, an asset or not.
    pub tokens: BTreeMap<Address, Token>,
    /// Addresses with code that answer EIP-1271, and what they answer to every signature.
    pub wallets: BTreeMap<Address, bool>,
}

impl Model {
    /// A treasury as it is deployed: `owner` holds the owner role, and there is nothing else.
    pub fn new(chain_id: u64, address: Address, owner: Address) -> Self {
        Self {
            address,
            domain: treasury_domain(chain_id, address),
            organisation: Organisation { owners: 1, ..Organisation::default() },
            accounts: BTreeMap::from([(owner, Account { roles: Role::Owner.bit(), ..Account::default() })]),
            assets: Vec::new(),
            envelopes: Vec::new(),
            groups: Vec::new(),
            purses: BTreeMap::new(),
            payees: BTreeSet::new(),
            announcements: BTreeMap::new(),
            revoked_stamps: BTreeSet::new(),
            permit2: Permit2::default(),
            tokens: BTreeMap::new(),
            wallets: BTreeMap::new(),
        }
    }

    /// Adds a token to the world (not to the treasury's assets: `addAsset` does), and who holds what of it.
    #[must_use]
    pub fn token(
        mut self,
        token: Address,
        domain: Eip712Domain,
        holdings: impl IntoIterator<Item = (Address, U256)>,
    ) -> Self {
        let balances = holdings.into_iter().collect();
        let token_state = Token { domain, balances, allowances: BTreeMap::new(), used: BTreeSet::new() };
        self.tokens.insert(token, token_state);
        self
    }

    /// Puts Permit2 on the chain.
    #[must_use]
    pub fn with_permit2(mut self) -> Self {
        self.permit2.deployed = true;
        self
    }

    /// Adds a smart account to the world, and whether it says yes to every signature or to none.
    #[must_use]
    pub fn wallet(mut self, address: Address, says_yes: bool) -> Self {
        self.wallets.insert(address, says_yes);
        self
    }

    /// What an address is to the treasury.
    pub fn account(&self, who: Address) -> Account {
        self.accounts.get(&who).copied().unwrap_or_default()
    }

    /// The envelope of that number.
    pub fn envelope(&self, number: u32) -> Option<&Envelope> {
        self.envelopes.get((number as usize).checked_sub(1)?)
    }

    /// What an address holds of a token, in atomic units; nothing where the model does not know the token.
    pub fn balance(&self, token: Address, holder: Address) -> U256 {
        let balance = self.tokens.get(&token).and_then(|token| token.balances.get(&holder));
        balance.copied().unwrap_or_default()
    }

    /// Where an envelope's purse is, created or not; `None` where there is no such envelope.
    pub fn purse_of(&self, number: u32, index: u16) -> Option<Address> {
        let asset = self.assets.get(self.envelope(number)?.asset)?;
        Some(purse_address(self.address, number, index, asset.domain_separator))
    }

    /// The session open on a purse.
    pub fn session(&self, purse: Address) -> Option<&Session> {
        self.purses.get(&purse)?.session.as_ref()
    }

    /// How many sessions a purse had.
    pub(super) fn sequence(&self, purse: Address) -> u32 {
        self.purses.get(&purse).map_or(0, |purse| purse.sequence)
    }

    /// The domain of the token that an envelope holds.
    pub(super) fn asset_of(&self, envelope: &Envelope) -> Option<&Eip712Domain> {
        let token = self.assets.get(envelope.asset)?.token;
        Some(&self.tokens.get(&token)?.domain)
    }
}

/// Where a treasury's purse is: CREATE2 over the envelope's number, the purse's index, and the asset.
pub fn purse_address(treasury: Address, envelope: u32, index: u16, domain_separator: B256) -> Address {
    let salt = U256::from(u64::from(envelope) << 16 | u64::from(index));
    let init_code = [PurseCode::BYTECODE.as_ref(), domain_separator.as_slice()].concat();
    treasury.create2(B256::from(salt), keccak256(init_code))
}

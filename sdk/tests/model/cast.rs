//! Everybody who plays a part, by name, each with a key of their own.

use alloy::{
    primitives::{Address, B256, Signature, U256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use proptest::prelude::*;

/// Somebody, or something with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Owner,
    Manager,
    Guardian,
    Approver,
    Reviewer,
    Stranger,
    /// A future or present identity key of an envelope.
    Agent(u8),
    /// A session key, most of the time.
    Key(u8),
    Payee(u8),
    /// A smart account that answers yes to every signature.
    YesWallet,
    /// One that answers no.
    NoWallet,
    /// The treasury itself.
    Treasury,
    Nobody,
}

pub(crate) const AGENTS: u8 = 5;
pub(crate) const KEYS: u8 = 16;
pub(crate) const PAYEES: u8 = 3;

pub(crate) const YES_WALLET: Address = Address::repeat_byte(0xa1);
pub(crate) const NO_WALLET: Address = Address::repeat_byte(0xa0);

impl Who {
    /// Everybody that can send a transaction.
    pub(crate) fn senders() -> Vec<Self> {
        let mut all =
            vec![Self::Stranger, Self::Owner, Self::Manager, Self::Guardian, Self::Approver, Self::Reviewer];
        all.extend((0..AGENTS).map(Self::Agent));
        all.extend((0..KEYS).map(Self::Key));
        all.extend((0..PAYEES).map(Self::Payee));
        all
    }

    pub(crate) fn address(self, treasury: Address) -> Address {
        match self {
            Self::YesWallet => YES_WALLET,
            Self::NoWallet => NO_WALLET,
            Self::Treasury => treasury,
            Self::Nobody => Address::ZERO,
            _ => self.key().map(|key| key.address()).unwrap_or_default(),
        }
    }

    /// The key of those who have one.
    pub(crate) fn key(self) -> Option<PrivateKeySigner> {
        let number = 1 + Self::senders().iter().position(|sender| *sender == self)?;
        PrivateKeySigner::from_bytes(&B256::from(U256::from(number))).ok()
    }
}

/// The keys by address, worked out once: an address costs a multiplication on the curve.
#[derive(Clone, Default)]
pub(crate) struct Cast(Vec<(Address, Who, PrivateKeySigner)>);

impl Cast {
    pub(crate) fn new() -> Self {
        let of = |who: Who| who.key().map(|key| (key.address(), who, key));
        Self(Who::senders().into_iter().filter_map(of).collect())
    }

    pub(crate) fn address(&self, who: Who, treasury: Address) -> Address {
        let known = self.0.iter().find(|(_, known, _)| *known == who);
        known.map_or_else(|| who.address(treasury), |(address, ..)| *address)
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = Address> {
        self.0.iter().map(|(address, ..)| *address)
    }

    /// The key of whoever has that address.
    pub(crate) fn signer(&self, address: Address) -> Option<PrivateKeySigner> {
        self.0.iter().find(|(known, ..)| *known == address).map(|(.., key)| key.clone())
    }

    /// The signature of whoever has that address over a digest; of no use where nobody has a key for it.
    pub(crate) fn sign(&self, address: Address, digest: B256) -> Signature {
        let key = self.0.iter().find(|(known, ..)| *known == address).map(|(.., key)| key);
        let signed = key.and_then(|key| key.sign_hash_sync(&digest).ok());
        signed.unwrap_or_else(|| Signature::new(U256::from(1), U256::from(1), false))
    }
}

/// Anybody who can send a transaction.
pub(crate) fn sender() -> BoxedStrategy<Who> {
    proptest::sample::select(Who::senders()).boxed()
}

/// Anybody at all.
pub(crate) fn anybody() -> BoxedStrategy<Who> {
    prop_oneof![
        12 => sender(),
        1 => Just(Who::YesWallet),
        1 => Just(Who::NoWallet),
        1 => Just(Who::Treasury),
        1 => Just(Who::Nobody),
    ]
    .boxed()
}

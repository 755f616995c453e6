//! The people of the demo, each with a key of their own.

use alloy::{
    network::EthereumWallet,
    primitives::Address,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use anyhow::Result;
use bursar_sdk::admin::TreasuryAdmin;

use super::chain::LocalChain;

/// Who plays: separate people for separate duties.
#[derive(Debug)]
pub(crate) struct Cast {
    /// Deploys the contracts, and pays the gas of the agents' session requests. Has no role anywhere.
    pub(crate) relay: PrivateKeySigner,
    /// Pays the gas of settlements.
    pub(crate) facilitator: PrivateKeySigner,
    pub(crate) owner: PrivateKeySigner,
    pub(crate) policy_manager: PrivateKeySigner,
    pub(crate) guardian: PrivateKeySigner,
    pub(crate) approver: PrivateKeySigner,
    pub(crate) reviewer: PrivateKeySigner,
}

impl Cast {
    pub(crate) fn of(chain: &LocalChain) -> Result<Self> {
        Ok(Self {
            relay: chain.signer(0)?,
            facilitator: chain.signer(1)?,
            owner: chain.signer(2)?,
            policy_manager: chain.signer(3)?,
            guardian: chain.signer(4)?,
            approver: chain.signer(5)?,
            reviewer: chain.signer(6)?,
        })
    }
}

/// A provider whose wallet holds that person's key. Asks the chain for each nonce: several providers share a key.
pub(crate) fn wallet(chain: &LocalChain, person: &PrivateKeySigner) -> DynProvider {
    ProviderBuilder::new()
        .with_simple_nonce_management()
        .wallet(EthereumWallet::from(person.clone()))
        .connect_http(chain.url())
        .erased()
}

/// The treasury in that person's hands.
pub(crate) fn hands(chain: &LocalChain, treasury: Address, person: &PrivateKeySigner) -> TreasuryAdmin {
    TreasuryAdmin::new(treasury, wallet(chain, person), person.address())
}

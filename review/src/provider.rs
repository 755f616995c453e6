//! The watcher's own line to the chain.

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use url::Url;

/// A provider whose wallet holds these keys. It asks for a nonce with every transaction: one that was not taken, for want of
/// gas say, leaves no gap that all later ones would wait behind.
pub fn provider<'a>(url: Url, keys: impl IntoIterator<Item = &'a PrivateKeySigner>) -> DynProvider {
    let mut wallet = EthereumWallet::default();
    for key in keys {
        wallet.register_signer(key.clone());
    }
    ProviderBuilder::default()
        .with_gas_estimation()
        .with_simple_nonce_management()
        .fetch_chain_id()
        .wallet(wallet)
        .connect_http(url)
        .erased()
}

//! The local chain: anvil, with what a stock facilitator wants to find on it.

use std::path::PathBuf;

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, Bytes, address},
    providers::{DynProvider, Provider as _, ProviderBuilder, ext::AnvilApi as _},
};
use anyhow::{Context as _, Result};

/// The chain id anvil serves by default.
pub(crate) const CHAIN_ID: u64 = 31_337;

/// What x402-rs checks for at its start. Bursar's rail 1 (EIP-3009) calls none of them, so any code will do.
const EXPECTED_BY_FACILITATOR: [(&str, Address); 3] = [
    ("Validator6492", address!("dAcD51A54883eb67D95FAEb2BBfdC4a9a6BD2a3B")),
    ("Permit2", address!("000000000022D473030F116dDEE9F6B43aC78BA3")),
    ("ExactPermit2Proxy", address!("402085c248EeA27D92E8b30b2C58ed07f9E20001")),
];

/// A running anvil; ends with this value.
pub(crate) struct LocalChain {
    anvil: AnvilInstance,
    pub(crate) provider: DynProvider,
}

impl LocalChain {
    /// Starts anvil on a free port.
    pub(crate) async fn start() -> Result<Self> {
        let mut anvil = Anvil::new().chain_id(CHAIN_ID).args(["--accounts", "16", "--host", "127.0.0.1"]);
        if let Some(path) = packaged_anvil() {
            anvil = anvil.path(path);
        }
        let anvil = anvil
            .port(0u16)
            .try_spawn()
            .context("anvil did not start: run `make setup`, or put Foundry's anvil on PATH")?;
        let provider = ProviderBuilder::new().connect_http(anvil.endpoint_url()).erased();
        for (name, contract) in EXPECTED_BY_FACILITATOR {
            // STOP: code that stands there and does nothing.
            provider
                .anvil_set_code(contract, Bytes::from_static(&[0]))
                .await
                .with_context(|| format!("placing {name}"))?;
        }
        Ok(Self { anvil, provider })
    }

    /// The RPC address.
    pub(crate) fn url(&self) -> url::Url {
        self.anvil.endpoint_url()
    }

    /// The nth funded account's key.
    pub(crate) fn signer(&self, n: usize) -> Result<alloy::signers::local::PrivateKeySigner> {
        let key = self.anvil.keys().get(n).with_context(|| format!("anvil has no account {n}"))?;
        Ok(alloy::signers::local::PrivateKeySigner::from(key.clone()))
    }
}

/// anvil as npm brings it, beside the sources this binary was built from.
fn packaged_anvil() -> Option<PathBuf> {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../node_modules/@foundry-rs/anvil-{os}-{arch}/bin/anvil"));
    path.exists().then_some(path)
}

//! Keys for commands that sign. Never on the command line, never printed.

use std::path::{Path, PathBuf};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result, bail, ensure};
use bursar_sdk::transparency::CheckpointKey;
use clap::Args;
use http::HeaderValue;

use crate::config::Config;

/// Where the signing key comes from.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyArgs {
    /// File that holds the private key, as 0x-prefixed hex, readable by its owner alone
    #[arg(long, env = "BURSAR_KEY_FILE", value_name = "FILE", global = true)]
    key_file: Option<PathBuf>,
    /// File that holds the key that checkpoints of transparency logs are signed with: 32 bytes as 0x-prefixed hex, readable
    /// by its owner alone. Without one, none are signed
    #[arg(long, env = "BURSAR_LOG_KEY_FILE", value_name = "FILE", global = true)]
    log_key_file: Option<PathBuf>,
    /// File that holds the key to the API, as `bursar key create` prints it, readable by its owner alone
    #[arg(long, env = "BURSAR_API_KEY_FILE", value_name = "FILE", global = true)]
    api_key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The key, from the file or from the environment variable `BURSAR_KEY`.
    pub(crate) fn signer(&self) -> Result<PrivateKeySigner> {
        let text = match &self.key_file {
            Some(path) => return read_key(path),
            None => match std::env::var("BURSAR_KEY") {
                Ok(key) => key,
                Err(_) => bail!("no key: give --key-file FILE, or set BURSAR_KEY_FILE or BURSAR_KEY"),
            },
        };
        parse(&text)
    }

    /// The key to the API, from the file or from the environment variable `BURSAR_API_KEY`, as a header's value; `None` where
    /// none is given.
    pub(crate) fn api_key(&self) -> Result<Option<HeaderValue>> {
        let text = match &self.api_key_file {
            Some(path) => read_secret(path)?,
            None => match std::env::var("BURSAR_API_KEY") {
                Ok(key) => key,
                Err(_) => return Ok(None),
            },
        };
        // Without the text: it may be a key all the same.
        let mut value = HeaderValue::try_from(format!("Bearer {}", text.trim()))
            .map_err(|_| anyhow::anyhow!("the key to the API is not as `bursar key create` prints it"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The key of the transparency logs; `None` where none is given.
    pub(crate) fn log_key(&self) -> Result<Option<CheckpointKey>> {
        let Some(path) = &self.log_key_file else { return Ok(None) };
        let text = read_secret(path)?;
        let seed: Option<B256> = text.trim().parse().ok();
        let seed = seed.with_context(|| format!("{} is not 32 bytes of 0x-prefixed hex", path.display()))?;
        Ok(Some(CheckpointKey::from_seed(&seed.0)))
    }
}

/// The key in a file that only its owner can read.
pub(crate) fn read_key(path: &Path) -> Result<PrivateKeySigner> {
    parse(&read_secret(path)?)
}

/// What is in a file that only its owner can read.
pub(crate) fn read_secret(path: &Path) -> Result<String> {
    check_private(path)?;
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn parse(text: &str) -> Result<PrivateKeySigner> {
    // The parser's own error would repeat what it could not parse.
    text.trim().parse().map_err(|_| anyhow::anyhow!("the key is not 32 bytes of 0x-prefixed hex"))
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.permissions().mode();
    ensure!(
        mode & 0o077 == 0,
        "{} is readable by others (mode {:o}); run: chmod 600 {}",
        path.display(),
        mode & 0o777,
        path.display()
    );
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<()> {
    Ok(())
}

/// A provider whose wallet holds the key, on the configured chain and no other.
pub(crate) async fn provider(config: &Config, signer: &PrivateKeySigner) -> Result<(DynProvider, Address)> {
    let wallet = EthereumWallet::from(signer.clone());
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(config.rpc_url.clone()).erased();
    let chain_id = provider
        .get_chain_id()
        .await
        .with_context(|| format!("asking the node at {} for its chain id", config.rpc_url))?;
    ensure!(
        chain_id == config.chain_id,
        "expected chain {}, the node at {} is on chain {chain_id}",
        config.chain_id,
        config.rpc_url
    );
    Ok((provider, signer.address()))
}

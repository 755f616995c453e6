//! Putting the contracts on a chain: the factory, a treasury, and on local chains a token.

use alloy::{
    primitives::{Address, B256},
    providers::{DynProvider, Provider},
};

use crate::{
    abi::{TestUSDC, TreasuryDesk, TreasuryFactory, TreasuryViews},
    admin::{Sent, confirm},
    amount::Amount,
    error::AgentError,
};

/// Deploys the code that treasuries share (views, then the desk that names them) and the factory that names the
/// desk; returns the factory. `provider` must have a wallet that pays the gas.
///
/// # Errors
/// When the node fails or a deployment reverts.
pub async fn deploy_factory(provider: &DynProvider) -> Result<Address, AgentError> {
    let views = *TreasuryViews::deploy(provider.clone()).await?.address();
    let desk = *TreasuryDesk::deploy(provider.clone(), views).await?.address();
    Ok(*TreasuryFactory::deploy(provider.clone(), desk).await?.address())
}

/// Deploys the USDC-like token that anyone can mint: for local chains only.
///
/// # Errors
/// When the node fails or the deployment reverts.
pub async fn deploy_test_usdc(provider: &DynProvider) -> Result<Address, AgentError> {
    Ok(*TestUSDC::deploy(provider.clone()).await?.address())
}

/// Mints test tokens: for local chains only.
///
/// # Errors
/// When the node fails or the token is no `TestUSDC`.
pub async fn mint_test_usdc(
    provider: &DynProvider,
    token: Address,
    to: Address,
    amount: Amount,
) -> Result<Sent<()>, AgentError> {
    confirm(TestUSDC::new(token, provider.clone()).mint(to, amount.to_u256())).await
}

/// Deploys the treasury of `owner` for `salt`; whoever sends it only pays the gas.
///
/// # Errors
/// When the node fails, or the treasury is there already.
pub async fn create_treasury(
    provider: &DynProvider,
    factory: Address,
    owner: Address,
    salt: B256,
) -> Result<Sent<Address>, AgentError> {
    let factory = TreasuryFactory::new(factory, provider.clone());
    let sent = confirm(factory.createTreasury(owner, salt)).await?;
    let event = sent.event::<TreasuryFactory::TreasuryCreated>("TreasuryCreated")?;
    Ok(sent.with(event.treasury))
}

/// Where the treasury of `owner` for `salt` is, deployed or not.
///
/// # Errors
/// When the node fails.
pub async fn treasury_address(
    provider: &DynProvider,
    factory: Address,
    owner: Address,
    salt: B256,
) -> Result<Address, AgentError> {
    let factory = TreasuryFactory::new(factory, provider.clone());
    Ok(factory.treasuryAddress(owner, salt).call().await?)
}

/// Whether code stands at an address.
///
/// # Errors
/// When the node fails.
pub async fn is_deployed(provider: &DynProvider, address: Address) -> Result<bool, AgentError> {
    Ok(!provider.get_code_at(address).await?.is_empty())
}
